"""Archives from strangers with links in place of folders and files: nothing outside them is written, moved or deleted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from daxa_gui.archive.failed_data import FailedData
from daxa_gui.archive.job_logs import JobLogFile
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.regions import ArchiveRegions
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.trash import packed
from daxa_gui.archive.verify import verify
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import ArchiveError, DaxaError
from daxa_gui.core.settings import Settings
from daxa_gui.daxa_archives import write as write_daxa_files
from daxa_gui.open_archive import OpenArchive
from daxa_gui.session import Session
from tests.unit.test_trash import OBS, XMM, fill

RAW = f"../../{XMM}_raw"
FOLDERS = (".trash", "logs", ".save_info", "logs/0000", ".trash/1", f"processed_data/{XMM}", f"regions/{XMM}", RAW)
FILES = (".daxa_gui.lock", "archive.json", "archive.json.part", "decisions.json", "journal.jsonl", "logs/0000/job-1.log")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture
def victim(tmp_path) -> Path:
    folder = tmp_path / "victim"
    for name in ("thesis.tex", "1/a", "job-1/x", "0000/job-1.log", f"{OBS[0]}/x.part", f"{OBS[0]}/events/e.fits"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    return folder


@pytest.fixture
def layout(tmp_path) -> ArchiveLayout:
    (tmp_path / "out").mkdir()
    store = fill(tmp_path / "out")
    store.trash.delete_raw(XMM, OBS[1:])
    store.close()
    return store.layout


def everything(layout: ArchiveLayout) -> None:
    """All verbs that change something; each may refuse with a sentence."""

    def attempt(verb) -> None:
        try:
            verb()
        except DaxaError as error:
            assert error.message

    attempt(lambda: verify(layout))
    try:
        store = ArchiveStore.open(layout, read_only="auto")
    except ArchiveError:
        return
    attempt(lambda: store.trash.delete_raw(XMM, OBS[:1]))
    for entry in store.trash.entries():
        attempt(lambda entry=entry: store.trash.restore(entry.id))
    attempt(lambda: store.trash.delete_raw(XMM, OBS[:1]))
    attempt(lambda: store.trash.empty())
    attempt(lambda: ArchiveRegions(store).set(XMM, OBS[0], "fk5\ncircle(1,2,3)\n", 1))
    attempt(lambda: ArchiveRegions(store).remove(XMM, OBS[0]))
    attempt(lambda: write_daxa_files(store))
    attempt(lambda: FailedData(layout, store.database).settle({(XMM, OBS[0]): False}))
    attempt(lambda: store.forget_products(3))
    log = JobLogFile(layout.log_path(1))
    if not store.read_only_reason:  # no job runs there
        attempt(lambda: log.write("a line"))
    log.close()
    store.close()
    attempt(lambda: verify(layout, repair=True))
    layout.database.unlink(missing_ok=True)
    attempt(lambda: verify(layout, repair=True))


@pytest.mark.parametrize("place", [*FOLDERS, *FILES])
def test_that_a_link_in_an_archive_harms_nobody(layout, victim, place):
    path = Path(os.path.normpath(layout.folder / place))
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(victim / "thesis.tex" if place in FILES else victim)
    before = contents(victim)
    everything(layout)
    assert contents(victim) == before


def test_that_an_archive_with_a_link_of_its_own_can_be_looked_at(layout, victim):
    layout.lock.unlink()
    layout.lock.symlink_to(victim / "thesis.tex")
    store = ArchiveStore.open(layout, read_only="auto")
    assert "a link stands in the place of « .daxa_gui.lock »" in store.read_only_reason and len(store.products()) == 5
    store.close()
    with pytest.raises(ArchiveError, match="link"):
        ArchiveStore.open(layout)
    layout.lock.unlink()
    os.mkfifo(layout.folder / "journal.jsonl.pipe")
    (layout.folder / "journal.jsonl").unlink()
    (layout.folder / "journal.jsonl.pipe").rename(layout.folder / "journal.jsonl")
    with pytest.raises(ArchiveError, match=r"something else stands in the place of « journal\.jsonl »"):
        ArchiveStore.open(layout)


def change(layout: ArchiveLayout, query: str, *values) -> None:
    connection = sqlite3.connect(layout.database)
    connection.execute(query, values)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("state", ["moving", "restoring", "emptying"])
def test_that_opening_finishes_nothing_of_the_trash_that_lies_elsewhere_and_succeeds(layout, victim, state):
    (layout.output / "evil_raw").symlink_to(victim)
    (layout.folder / "link").symlink_to(victim)
    for number, (source, target, mission, obs_id) in enumerate(
        [("output:evil_raw/0000", "evil/0000", "evil", "0000"), ("archive:link/thesis.tex", "files/0", "", "")]
    ):
        moves = [{"from": source, "to": target, "mission": mission, "obs_id": obs_id}]
        items = packed({"moves": moves, "files": [], "products": []})
        change(layout, "INSERT INTO trash (id, what, deleted, state, items, n_files, size_bytes) VALUES (?, 'x', 0, ?, ?, 1, 1)",
               90 + number, state, items)  # fmt: skip
    before = contents(victim)
    store = ArchiveStore.open(layout)
    assert len(store.notices) == 2 and contents(victim) == before
    assert all(("could not be finished" in notice) == (state != "emptying") for notice in store.notices)
    store.close()


def test_that_opening_moves_no_folder_of_somebody_else_to_failed_data(layout, victim):
    shutil.rmtree(layout.folder / "processed_data" / XMM)
    (layout.folder / "processed_data" / XMM).symlink_to(victim)
    intent = {"mission": XMM, "obs_id": OBS[0], "to_failed": True}
    change(layout, "INSERT INTO info VALUES ('moving', ?)", json.dumps(intent))
    before = contents(victim)
    store = ArchiveStore.open(layout)
    with pytest.raises(ArchiveError, match="A link leads from"):
        FailedData(layout, store.database).finish_interrupted()
    store.close()
    assert contents(victim) == before


@pytest.mark.parametrize("path", ["archive:a\0b", f"archive:{'x' * 300}", f"output:{'a/' * 2000}b", "output:../x", "/etc/passwd"])
def test_that_paths_that_cannot_be_are_found_and_repaired(layout, path):
    change(layout, "UPDATE products SET path = ? WHERE kind = 'gti' AND obs_id = ?", path, OBS[0])
    with pytest.raises(ArchiveError, match="unusable path"):
        layout.absolute(path)
    assert any("unusable path" in finding.message for finding in verify(layout).findings)
    assert verify(layout, repair=True).rebuilt and verify(layout).is_whole


def test_that_continuing_downloads_runs_no_program_that_the_archive_asks_for(layout, tmp_path):
    mark = tmp_path / "pwned"
    command = json.dumps({"command": ["touch", str(mark)], "environment": {}, "outputs": []})
    change(layout, "UPDATE jobs SET state = 'queued', task = ? WHERE kind = 'download' AND obs_id = ?", command, OBS[0])
    change(layout, "UPDATE jobs SET state = 'failed' WHERE kind = 'download' AND obs_id = ?", OBS[1])
    change(layout, "INSERT INTO needs SELECT max(id), min(id) FROM jobs WHERE kind = 'download'")
    archive = OpenArchive(
        ArchiveStore.open(layout), bus=Bus(), start=lambda work: work(), workers=None, service_url=str, connections_per_host=1,
        cores=1,
    )  # fmt: skip
    try:
        archive.continue_download()
        assert archive.queue.wait_until_idle(120)
    finally:
        archive.close()
    assert not mark.exists()


def test_that_an_archive_that_makes_no_sense_is_let_go_of_when_opening_it_fails(layout):
    change(layout, "UPDATE info SET value = '{\"a\":5}' WHERE name = 'created'")
    session = Session(settings=Settings(), output_folder=layout.output, cache=layout.output / "cache")
    try:
        with pytest.raises(ArchiveError, match="makes no sense"):
            session.open_archive(layout.folder)
        assert session.archive is None
        change(layout, "UPDATE info SET value = '5' WHERE name = 'created'")
        assert session.open_archive(layout.folder).read_only == ""
    finally:
        session.close()


@pytest.mark.parametrize("column", ["obs_id", "row", "target"])
def test_that_observations_that_make_no_sense_are_said_in_a_sentence(layout, column):
    store = ArchiveStore.open(layout)
    try:
        change(layout, f"UPDATE observations SET {column} = ? WHERE obs_id = ?", b"\xff\xfe", OBS[0])
        change(layout, "UPDATE files SET size_bytes = ?", b"x")
        for verb in (store.trash.use, store.trash.delete_raw):
            try:
                verb()
            except DaxaError as error:
                assert error.message
    finally:
        store.close()
