"""The panel « Upkeep »: raw data to the trash and back, checking and repairing."""

from __future__ import annotations

from pathlib import Path

from daxa_gui.core.archive_queries import RawDataUse
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.product import ProductKind
from daxa_gui.gui.archive_desk import joined, use_sentence
from daxa_gui.gui.panels.upkeep import with_labels
from daxa_gui.session import Session
from tests.fakes.archive_windows import answer, call_real, choose, look_at, opened_elsewhere, press, rows, show, wait_for
from tests.fakes.windows import Shell, cache_folder


def filled(window: Shell, qtbot):
    panel = show(window, qtbot, "upkeep")
    wait_for(qtbot, lambda: "MB in" in panel.use_label.text())
    return panel


def raw_files(window: Shell) -> list[Path]:
    return sorted(Path(file.path) for file in window.session.files())


# ---- raw data and the trash


def test_that_raw_data_go_to_the_trash_come_back_and_go_for_good(reduced, qtbot):
    panel = filled(reduced, qtbot)
    files = raw_files(reduced)
    assert files and all(file.is_file() for file in files)
    press(qtbot, panel.delete_button)
    asked = answer(qtbot, yes=True)
    assert "3 observations" in asked and "6 files" in asked and "MB" in asked and "trash" in asked
    wait_for(qtbot, lambda: len(rows(panel.trash)) == 1)
    assert not any(file.exists() for file in files)
    wait_for(qtbot, lambda: "no raw data" in panel.use_label.text())
    assert not panel.delete_button.isEnabled()
    choose(panel.trash, 0)
    press(qtbot, panel.restore_button)
    wait_for(qtbot, lambda: rows(panel.trash) == [] and "6 files" in panel.use_label.text())
    assert all(file.is_file() for file in files)
    press(qtbot, panel.delete_button)
    answer(qtbot, yes=True)
    wait_for(qtbot, lambda: len(rows(panel.trash)) == 1)
    press(qtbot, panel.empty_button)
    assert "cannot be undone" in answer(qtbot, yes=True)
    wait_for(qtbot, lambda: rows(panel.trash) == [])
    assert panel.trash_label.text() == "The trash is empty." and not panel.empty_button.isEnabled()
    assert reduced.session.trash() == [] and not any(file.exists() for file in files)


def test_that_a_no_deletes_nothing(reduced, qtbot):
    panel = filled(reduced, qtbot)
    press(qtbot, panel.delete_button)
    answer(qtbot, yes=False)
    qtbot.wait(100)
    assert all(file.is_file() for file in raw_files(reduced)) and reduced.session.trash() == []


def test_that_raw_data_of_chosen_observations_only_are_deleted_from_the_tree(reduced, qtbot):
    panel = filled(reduced, qtbot)
    key = look_at(reduced, qtbot, "swift")
    menu = reduced.panel("archive", "archive").menu()
    [delete] = [action for action in menu.actions() if "Delete raw data of 1 observation" in action.text()]
    delete.trigger()
    assert "of 1 observation?" in answer(qtbot, yes=True)
    wait_for(qtbot, lambda: len(rows(panel.trash)) == 1)
    assert rows(panel.trash)[0][3] == f"Raw data of Swift {key[1]}."
    left = {(file.mission, file.obs_id) for file in reduced.session.files()}
    assert key not in left and len(left) == 2


def test_that_other_archives_that_use_the_data_are_named(reduced, qtbot):
    folder = Path(reduced.session.archive.path)
    other = Session(output_folder=reduced.session.archives_folder(), cache=cache_folder())
    try:  # a second archive about the same observations
        other.start_practice()
        other.wait_for_practice()
        chosen = [s for s in reduced.session._open.store.selections() if s.mission == "swift"]
        other.create_archive("shared use", chosen)
        assert other.wait_until_idle(120)
    finally:
        other.close()
    panel = show(reduced, qtbot, "upkeep")
    reduced.session.bus.publish(_changed(folder))
    wait_for(qtbot, lambda: "shared\u00a0use" in panel.use_label.text().replace("shared use", "shared\u00a0use"))
    look_at(reduced, qtbot, "nustar_pointed")
    panel._desk.ask_delete_raw([look_at(reduced, qtbot, "nustar_pointed")])
    assert "shared use" not in answer(qtbot, yes=False).replace("\u00a0", " ")
    panel._desk.ask_delete_raw([look_at(reduced, qtbot, "swift")])
    assert "shared use" in answer(qtbot, yes=True).replace("\u00a0", " ")
    wait_for(qtbot, lambda: len(rows(panel.trash)) == 1)


def _changed(folder: Path):
    from daxa_gui.core.events import ArchiveContentChanged

    return ArchiveContentChanged(str(folder))


def test_that_jobs_at_work_keep_raw_data_where_they_are(reduced, qtbot, monkeypatch):
    panel = filled(reduced, qtbot)

    def busy(*_args, **_more):
        raise DaxaError("Jobs are working on swift right now.", "Wait.")

    monkeypatch.setattr(reduced.session, "delete_raw_data", busy)
    press(qtbot, panel.delete_button)
    answer(qtbot, yes=True)
    wait_for(qtbot, lambda: "Jobs are working" in reduced.notice())


# ---- checking


def check(panel, qtbot, button) -> None:
    panel.show_check()
    press(qtbot, button)
    wait_for(qtbot, lambda: not panel.work.is_running and panel.check_label.text() != "Checking …")


def test_that_a_whole_archive_is_called_whole(reduced, qtbot):
    panel = filled(reduced, qtbot)
    check(panel, qtbot, panel.check_button)
    assert panel.check_label.text().startswith("✓ The archive is whole")
    assert rows(panel.findings) == []


def test_that_a_flipped_byte_is_found_and_put_right(reduced, qtbot):
    panel = filled(reduced, qtbot)
    product = next(p for p in reduced.session.products("swift") if p.key.kind is ProductKind.CLEAN_EVENTS)
    path = Path(product.path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    check(panel, qtbot, panel.check_button)
    assert panel.check_label.text().startswith("✕ 1 problem")
    [found] = rows(panel.findings)
    assert found[0] == "error" and path.name in found[2]
    assert path.read_bytes() == bytes(data), "looking must not change anything"
    check(panel, qtbot, panel.repair_button)
    wait_for(qtbot, lambda: reduced.session.archive is not None and "made before" in reduced.window.windowTitle())
    qtbot.wait(150)  # what the reopened archive announces
    assert panel.check_label.text().startswith("✓ The archive is whole"), panel.check_label.text()
    assert any(row[0] == "repaired" for row in rows(panel.findings))
    assert reduced.session.wait_until_idle(120)
    check(panel, qtbot, panel.check_button)
    assert panel.check_label.text().startswith("✓"), rows(panel.findings)


def test_that_a_check_can_be_stopped(reduced, qtbot, monkeypatch):
    from daxa_gui.core.errors import Cancelled

    panel = filled(reduced, qtbot)

    def endless(_folder, *, repair, progress, cancelled):
        while not cancelled():
            progress(1, 10, "looking")
        raise Cancelled

    monkeypatch.setattr(reduced.session, "verify_archive", endless)
    panel.show_check()
    press(qtbot, panel.check_button)
    wait_for(qtbot, lambda: panel.work.label.text() == "looking")
    assert not panel.check_button.isEnabled() and not panel.repair_button.isEnabled()
    press(qtbot, panel.work.stop_button)
    wait_for(qtbot, lambda: panel.check_label.text() == "The check was stopped.")
    assert panel.check_button.isEnabled() and not panel.work.isVisible()


def test_that_the_menu_leads_to_the_check(reduced, qtbot):
    reduced.action("check_archive")
    panel = reduced.window.workspaces["archive"].panels["upkeep"]
    wait_for(qtbot, panel.check_button.isVisible)


def test_that_files_for_daxa_are_written(reduced, qtbot):
    panel = filled(reduced, qtbot)
    panel.show_check()
    press(qtbot, panel.daxa_button)
    wait_for(qtbot, lambda: "nothing in the archive that DAXA could open" in reduced.notice())  # it is simulated
    call_real(reduced.session)
    press(qtbot, panel.daxa_button)
    wait_for(qtbot, (Path(reduced.session.archive.path) / ".save_info" / "process_info.json").is_file)


# ---- what can only be looked at


def test_that_an_archive_that_is_open_elsewhere_can_be_checked_only(reduced, qtbot):
    with opened_elsewhere(reduced, qtbot):
        panel = filled(reduced, qtbot)
        assert panel.read_only.isVisible() and reduced.session.archive.read_only in panel.read_only.text()
        changing = (panel.delete_button, panel.restore_button, panel.empty_button, panel.repair_button, panel.daxa_button)
        assert not any(button.isEnabled() for button in changing)
        assert panel.check_button.isEnabled()


def test_that_without_an_archive_it_says_so(window, qtbot):
    panel = show(window, qtbot, "upkeep")
    assert panel.use_label.text() == "No archive is open."
    buttons = (panel.delete_button, panel.restore_button, panel.empty_button, panel.check_button, panel.repair_button)
    assert not any(button.isEnabled() for button in (*buttons, panel.daxa_button))


# ---- words


def test_that_amounts_are_added_up_in_words():
    one = RawDataUse((("swift", "1"),), 2, 3_000_000, ("a",))
    two = RawDataUse((("xmm_pointed", "2"),), 1, 1_000_000, ("a", "b"))
    assert use_sentence(joined([one, two])).replace("\u00a0", " ") == (
        "4.0 MB in 3 files of 2 observations; also used by « a », « b »."
    )
    assert with_labels("Raw data of xmm_pointed 01 and swift 2.", {"xmm_pointed": "XMM", "swift": "Swift"}) == (
        "Raw data of XMM 01 and Swift 2."
    )
