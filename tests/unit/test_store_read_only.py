"""An archive that cannot be written, is open elsewhere, or lies on an odd disk: it is looked at, with the reason."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive import store as store_module
from daxa_gui.archive.disks import file_system, is_network
from daxa_gui.archive.layout import ArchiveLayout, OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import JobState
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Command, Outcome
from tests.fakes.execution import request

CHOSEN = (Selection("chandra", "v", ("15043",), ()), [{}])


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may enter (pytest's own are for their owner only)."""
    folder = Path(tempfile.mkdtemp(prefix="daxa-gui-test-"))
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def make(folder: Path) -> ArchiveStore:
    store = ArchiveStore.create(OutputLayout(folder).archive("a"))
    store.add_selections([CHOSEN])
    return store


def forbid(layout: ArchiveLayout) -> None:
    for path in layout.folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    layout.folder.chmod(0o555)


def as_nobody(function: Callable[[], str]) -> str:
    """What `function` returns in a process that may not write everywhere as root may; "" if it failed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.write(writer, function().encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


def look(layout: ArchiveLayout) -> str:
    store = ArchiveStore.open(layout, read_only="auto")
    try:
        states = ",".join(job.unit for job in store.jobs())
        return f"{store.read_only_reason}|{len(store.observations())}|{states}|{len(store.job_overview())}"
    finally:
        store.close()


# ---- open elsewhere


def test_that_a_second_program_looks_on_and_says_why(tmp_path):
    first = make(tmp_path)
    try:
        with pytest.raises(ArchiveError, match="open in another program"):
            ArchiveStore.open(first.layout)
        second = ArchiveStore.open(first.layout, read_only="auto")
        assert "open in another program" in second.read_only_reason and "looked at only" in second.read_only_reason
        assert second.summary().read_only == second.read_only_reason and first.summary().read_only == ""
        (job,) = first.add([request("M1")])
        assert second.jobs() == [job] and second.get(job.id) == job and second.state(job.id) is JobState.QUEUED
        first.update(replace(job, state=JobState.RUNNING, text="now"))
        assert second.get(job.id).text == "now" and second.unfinished() == [(job.id, "local", JobState.RUNNING)]
        second.close()
        assert first.get(job.id).state is JobState.RUNNING  # looking on did not « repair » what runs elsewhere
    finally:
        first.close()


def test_that_nothing_can_be_changed_by_one_that_looks_on(tmp_path):
    store = make(tmp_path)
    (job,) = store.add([replace(request("M1"), task=Command(("rm", "x")))])
    store.close()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    store = ArchiveStore.open(store.layout, read_only=True)
    work = tmp_path / "made"
    work.mkdir()
    for change in (
        lambda: store.add([request("M2")]),
        lambda: store.update(job),
        lambda: store.add_selections([CHOSEN]),
        lambda: store.set_info("a", 1),
        lambda: store.commit_outcome(job, Outcome(), str(work)),
        lambda: store.log_event("x", "y"),
        lambda: store.trash.empty(),
        lambda: store.set_left_out([]),
    ):
        try:
            change()
        except ArchiveError as error:
            assert "looked at only" in error.message
        else:
            assert store.trash.entries() == []  # there was nothing to do
    assert store.hold(lambda task: None) == [] and store.interrupted == []
    store.close()
    work.rmdir()
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path: data for path, data in after.items() if not path.name.endswith(("-wal", "-shm"))} == before


# ---- folders and disks that cannot be written


def test_that_an_archive_in_a_folder_that_cannot_be_written_is_looked_at(folder):
    store = make(folder)
    store.add([request("M1")])
    store.close()
    forbid(store.layout)
    reason, n_observations, units, n_rows = as_nobody(lambda: look(store.layout)).split("|")
    assert "cannot be written" in reason and str(store.layout.folder) in reason
    assert (n_observations, units, n_rows) == ("1", "M1", "1")


def test_that_what_only_the_log_of_a_killed_program_has_is_seen_there_too(folder):
    store = make(folder)
    store.add([request("M1")])
    copy = OutputLayout(folder).archive("copy")
    copy.folder.mkdir()
    for name in (store.layout.database.name, f"{store.layout.database.name}-wal"):  # as a kill would leave them
        shutil.copyfile(store.layout.folder / name, copy.folder / name)
    assert (copy.folder / f"{copy.database.name}-wal").stat().st_size > 0
    store.close()
    forbid(copy)
    assert as_nobody(lambda: look(copy)).split("|")[1:] == ["1", "M1", "1"]
    assert not list(Path(tempfile.gettempdir()).glob("daxa-gui-archive-*"))  # the copy is gone


def test_that_without_being_allowed_to_look_only_it_is_an_error(folder):
    store = make(folder)
    store.close()
    forbid(store.layout)

    def open_it() -> str:
        try:
            ArchiveStore.open(store.layout).close()
        except ArchiveError as error:
            return error.message
        return "opened"

    assert "cannot be written" in as_nobody(open_it)


# ---- network disks


def test_that_network_disks_are_recognised(tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "30 22 0:50 / /data/my\\040disk rw shared:9 - nfs4 server:/x rw\n"
        "31 22 0:51 / /sshfs rw - fuse.sshfs host:/ rw\n"
        "broken line\n"
    )
    found = {name: file_system(Path(name), mounts) for name in ("/data/my disk/a/b", "/data/mine", "/sshfs/x")}
    assert found == {"/data/my disk/a/b": "nfs4", "/data/mine": "ext4", "/sshfs/x": "fuse.sshfs"}
    assert file_system(tmp_path, tmp_path / "nothing") == ""
    shared, local = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"), ("ext4", "xfs", "tmpfs", "fuse.ntfs-3g", "overlay", "")
    assert all(map(is_network, shared)) and not any(map(is_network, local))


def test_that_no_write_ahead_log_is_used_on_a_network_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "file_system", lambda folder: "nfs4")
    store = make(tmp_path)
    try:
        (job,) = store.add([request("M1")])
        store.update(replace(job, state=JobState.RUNNING))
        assert not list(store.layout.folder.glob("*-wal")) and store.get(job.id).state is JobState.RUNNING
        assert len(store.notices) == 1 and "network disk (nfs4)" in store.notices[0]
        second = ArchiveStore.open(store.layout, read_only="auto")
        assert second.jobs() == store.jobs()
        second.close()
    finally:
        store.close()
    monkeypatch.undo()
    store = ArchiveStore.open(store.layout)  # back on a local disk
    assert store.notices == () and [job.unit for job in store.jobs()] == ["M1"]
    store.close()
