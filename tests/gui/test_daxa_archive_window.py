"""Archives of the DAXA package in the window: looked at as they are, converted into new ones."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from daxa_gui.core.errors import ArchiveError, Cancelled
from tests.fakes.archive_windows import call_real, dialog, press, rows, show, wait_for
from tests.gui.test_accessibility import check


@pytest.fixture
def daxa_folder(reduced, qtbot) -> Path:
    """What DAXA knows of an archive, and nothing of ours: its folder without our database."""
    call_real(reduced.session)
    reduced.session.write_daxa_files()
    folder = Path(reduced.session.archive.path)
    reduced.session.close_archive()
    wait_for(qtbot, lambda: reduced.window.windowTitle() == "DAXA GUI")
    target = folder.with_name("of daxa")
    shutil.copytree(folder, target)
    for path in target.glob("daxa_gui*"):
        path.unlink()
    for name in ("archive.json", "journal.jsonl", "decisions.json"):
        (target / name).unlink(missing_ok=True)
    return target


def open_daxa(window, qtbot, folder: Path, monkeypatch, action: str = "open_daxa_archive") -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_more: str(folder))
    window.action(action)
    wait_for(qtbot, lambda: window.session.archive is not None and window.session.archive.path == str(folder))
    wait_for(qtbot, lambda: window.window.windowTitle() != "DAXA GUI")


def contents(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("action", ["open_daxa_archive", "open_archive"])
def test_that_an_archive_of_daxa_is_shown_as_it_is(reduced, qtbot, daxa_folder, monkeypatch, action):
    before = contents(daxa_folder)
    open_daxa(reduced, qtbot, daxa_folder, monkeypatch, action)
    panel = reduced.panel("archive", "archive")
    wait_for(qtbot, lambda: panel.model.count() == 3)
    assert "made by DAXA" in panel.summary.text() and "of daxa" in panel.summary.text()
    results = show(reduced, qtbot, "results")
    wait_for(qtbot, lambda: bool(rows(results.table)))
    upkeep = show(reduced, qtbot, "upkeep")
    assert "Convert it" in upkeep.read_only.text() and not upkeep.delete_button.isEnabled()
    assert contents(daxa_folder) == before


def test_that_a_folder_that_is_no_archive_is_refused(reduced, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_more: str(tmp_path))
    reduced.action("open_daxa_archive")
    wait_for(qtbot, lambda: str(tmp_path) in reduced.notice())
    assert reduced.session.archive.name == "made before"


def test_that_an_archive_of_daxa_is_converted_into_a_new_one(reduced, qtbot, daxa_folder, monkeypatch):
    before = contents(daxa_folder)
    open_daxa(reduced, qtbot, daxa_folder, monkeypatch)
    reduced.action("convert_daxa")  # the open one, without asking for a folder
    box = dialog(qtbot, "convertArchiveDialog")
    assert box.name.text() == "of daxa_2" and box.source.text() == str(daxa_folder)
    box.name.setText("made before")
    assert "already" in box.name_problem.text() and not box.go.isEnabled()
    box.name.setText("taken over")
    assert box.place.text().endswith("taken over") and not box.name_problem.isVisible()
    check(box)
    press(qtbot, box.go)
    wait_for(qtbot, lambda: reduced.session.archive is not None and reduced.session.archive.name == "taken over")
    wait_for(qtbot, lambda: "taken over" in reduced.window.windowTitle())
    assert not reduced.session.archive.read_only and len(reduced.session.observations()) == 3
    assert contents(daxa_folder) == before


def test_that_a_conversion_can_be_stopped_and_fail(reduced, qtbot, tmp_path, monkeypatch):
    begun = threading.Event()

    def endless(_folder, _name, progress, cancelled):
        begun.set()
        while not cancelled():
            progress(1, 3, "taking over Swift")
        raise Cancelled

    monkeypatch.setattr(reduced.session, "convert_daxa_archive", endless)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_more: str(tmp_path / "theirs"))
    reduced.action("convert_daxa")
    box = dialog(qtbot, "convertArchiveDialog")
    press(qtbot, box.go)
    wait_for(qtbot, lambda: begun.is_set() and "Swift" in box.work.label.text())
    assert not box.go.isEnabled() and not box.name.isEnabled()
    press(qtbot, box.work.stop_button)
    wait_for(qtbot, lambda: "stopped" in box.problem.text())
    wait_for(qtbot, box.go.isEnabled)

    def fails(_folder, _name, _progress, _cancelled):
        raise ArchiveError("There is nothing of DAXA.", "Choose another folder.")

    monkeypatch.setattr(reduced.session, "convert_daxa_archive", fails)
    press(qtbot, box.go)
    wait_for(qtbot, lambda: "nothing of DAXA" in box.problem.text())
    assert box.isVisible() and reduced.session.archive.name == "made before"
