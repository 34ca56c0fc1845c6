"""Deleting raw data: into a trash inside the archive, back, or away; nothing is lost wherever the program dies."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import MadeFile
from daxa_gui.execution.commands import own_environment
from tests.fakes.archives import succeeded
from tests.fakes.execution import FakeClock, request

XMM, OBS = "xmm_pointed", ("0404910601", "0201901401")


def fill(folder: Path, name: str = "a", obs_ids=OBS, mission: str = XMM) -> ArchiveStore:
    """An archive with two downloaded files and one product of each observation."""
    clock = FakeClock()
    store = ArchiveStore.create(OutputLayout(folder).archive(name), clock.now)
    store.add_selections([(Selection(mission, "v", tuple(obs_ids), ()), [{} for _ in obs_ids])])
    for obs_id in obs_ids:
        raw = store.layout.raw_folder(mission, obs_id)
        events = ProductKey(mission, obs_id, ProductKind.EVENTS, "M1", "S001")
        for unit, key in (("pps/a.fits", events), ("odf/b.fits", ProductKey(mission, obs_id, ProductKind.RAW))):
            (job,) = store.add([request(unit, "", kind="download", obs_id=obs_id, service="heasarc", path=f"xmm/{unit}")])
            text = f"{unit} of {obs_id}"
            succeeded(store, job, clock, [MadeFile("x.fits", key, str(raw / unit), {"text": text})])
        (job,) = store.add([request(obs_id=obs_id)])
        made = ProductKey(mission, obs_id, ProductKind.GTI, "M1", "S001")
        succeeded(store, job, clock, [MadeFile("gti.fits", made)])
    return store


def state(store: ArchiveStore) -> tuple:
    """What the archive says, and what lies on the disk outside its trash."""
    output = store.layout.output
    disk = {str(path.relative_to(output)): path.read_text() for path in output.rglob("*.fits") if ".trash" not in path.parts}
    return store.products(), store.files(), disk


@pytest.fixture
def store(tmp_path):
    store = fill(tmp_path)
    yield store
    store.close()


def test_that_deleted_raw_data_are_gone_and_come_back_as_they_were(store):
    before = state(store)
    use = store.trash.use(XMM, OBS[:1])
    assert (use.observations, use.n_files, use.other_archives) == (((XMM, OBS[0]),), 2, ())
    entry = store.trash.delete_raw(XMM, OBS[:1])
    assert store.trash.entries() == [entry] and (entry.n_files, entry.size_bytes) == (2, use.size_bytes)
    assert not store.layout.raw_folder(XMM, OBS[0]).exists() and store.files(XMM, OBS[0]) == []
    kept = [product.key.kind for product in store.products(XMM, OBS[0])]
    assert ProductKind.EVENTS not in kept and ProductKind.GTI in kept  # what was made stays
    assert len(store.files(XMM, OBS[1])) == 2
    assert store.trash.restore(entry.id) == 2
    assert state(store) == before and store.trash.entries() == [] and not (store.trash.folder / str(entry.id)).exists()


def test_that_what_was_deleted_is_fetched_again_only_when_that_is_asked_for(store):
    (job,) = store.add([request("odf/b.fits", "", kind="download", obs_id=OBS[0], service="heasarc", path="xmm/odf/b.fits")])
    assert job.state is JobState.SUCCEEDED
    entry = store.trash.delete_raw(XMM, OBS[:1])
    assert store.get(job.id).state is JobState.SUCCEEDED and store.unfinished() == []
    store.trash.restore(entry.id)
    assert store.add([request("odf/b.fits", "", kind="download", obs_id=OBS[0], service="heasarc", path="xmm/odf/b.fits")]) == [
        job
    ]
    store.trash.delete_raw(XMM, OBS[:1])
    (again,) = store.add([request("odf/b.fits", "", kind="download", obs_id=OBS[0], service="heasarc", path="xmm/odf/b.fits")])
    assert again.state is JobState.QUEUED


def test_that_emptying_deletes_for_good_and_says_what_became_free(store):
    first, second = (store.trash.delete_raw(XMM, [obs_id]) for obs_id in OBS)
    # the event list has a second name in the archive's layout: only the other file's room becomes free
    assert store.trash.empty([first.id]) == len(f"odf/b.fits of {OBS[0]}")
    assert store.trash.entries() == [second] and not (store.trash.folder / str(first.id)).exists()
    assert store.trash.empty() > 0 and store.trash.entries() == []
    with pytest.raises(ArchiveError, match="no entry"):
        store.trash.restore(first.id)
    assert [event.kind for event in store.events()] == ["trash"] * 4


def test_that_data_of_other_archives_are_refused_unless_that_is_known(store, tmp_path):
    other = fill(tmp_path, "other", OBS[1:])
    other.close()
    before = state(store)
    with pytest.raises(ArchiveError, match="other"):
        store.trash.delete_raw(XMM)
    assert state(store) == before and store.trash.use().other_archives == ("other",)
    assert store.trash.delete_raw(XMM, OBS[:1]).n_files == 2  # the other archive does not use it
    assert store.trash.delete_raw(XMM, OBS[1:], shared=True).n_files == 2


def test_that_an_archive_that_cannot_be_read_counts_as_using_them(store, tmp_path):
    broken = tmp_path / "archives" / "broken"
    broken.mkdir()
    (broken / "daxa_gui.sqlite").write_bytes(b"rubbish" * 1000)
    with pytest.raises(ArchiveError, match="broken"):
        store.trash.delete_raw(XMM)


def test_that_data_that_jobs_work_on_and_nothing_at_all_are_refused(store):
    from dataclasses import replace

    job = store.jobs("reduce")[0]
    store.update(replace(job, state=JobState.RUNNING))
    with pytest.raises(ArchiveError, match="working on"):
        store.trash.delete_raw(XMM, OBS[:1])
    store.update(job)
    with pytest.raises(ArchiveError, match="no observation 77"):
        store.trash.delete_raw(XMM, ["77"])
    store.trash.delete_raw()
    with pytest.raises(ArchiveError, match="no raw data"):
        store.trash.delete_raw()


def test_that_data_that_were_fetched_again_are_not_overwritten(store):
    entry = store.trash.delete_raw(XMM, OBS[:1])
    again = store.layout.raw_folder(XMM, OBS[0]) / "new.fits"
    again.parent.mkdir()
    again.write_text("newer")
    with pytest.raises(ArchiveError, match="fetched again"):
        store.trash.restore(entry.id)
    assert again.read_text() == "newer" and store.trash.entries() == [entry]
    shutil.rmtree(again.parent)
    assert store.trash.restore(entry.id) == 2


def test_that_data_cross_file_systems_whole(store, monkeypatch):
    before, real = state(store), Path.rename

    def across(self, target):
        if (".trash" in self.parts) != (".trash" in Path(target).parts):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", across)
    entry = store.trash.delete_raw()
    assert store.files() == [] and not store.layout.raw_folder(XMM, OBS[0]).exists()
    store.trash.restore(entry.id)
    assert state(store) == before


def test_that_a_revolution_goes_with_the_last_observation_that_needs_it(tmp_path):
    mission, windows = "integral_pointed", ("218500090010", "218500100010")
    store = fill(tmp_path, obs_ids=windows, mission=mission)
    shared = tmp_path / "integral_pointed_raw" / "2185" / "rev.001" / "orbit.fits"
    shared.parent.mkdir(parents=True)
    shared.write_text("orbit")
    first = store.trash.delete_raw(mission, windows[:1])
    assert shared.exists() and first.n_files == 2
    other = fill(tmp_path, "other", ("218500110010",), mission)
    other.close()
    with pytest.raises(ArchiveError, match="other"):
        store.trash.delete_raw(mission)
    shutil.rmtree(other.layout.folder)
    store.trash.restore(first.id)
    assert store.trash.delete_raw(mission).n_files == 4 + 1 and not shared.exists()
    store.close()


def test_that_an_entry_that_leads_elsewhere_is_refused(store, tmp_path):
    import json
    import zlib

    entry = store.trash.delete_raw(XMM, OBS[:1])
    moves = [{"from": f"output:{XMM}_raw/../../etc", "to": f"{XMM}/{OBS[0]}", "mission": XMM, "obs_id": OBS[0]}]
    items = zlib.compress(json.dumps({"moves": moves, "files": [], "products": []}).encode())
    with store.database.writing() as connection:
        connection.execute("UPDATE trash SET items = ? WHERE id = ?", (items, entry.id))
    with pytest.raises(ArchiveError, match="makes no sense"):
        store.trash.restore(entry.id)


# ---- a program that dies

KILLED = """
import sys
from pathlib import Path
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from tests.fakes.dying import die_at_call
folder, verb, where, n = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
store = ArchiveStore.open(OutputLayout(folder).archive("a"))
die_at_call(where, n)
if verb == "delete":
    store.trash.delete_raw()
else:
    getattr(store.trash, verb)(1) if verb == "restore" else store.trash.empty()
store.close()
"""
PLACES = [
    ("daxa_gui.archive.archive_documents:write_json", 1),
    ("daxa_gui.archive.trash:_move", 1),
    ("daxa_gui.archive.trash:_move", 2),
    ("daxa_gui.archive.trash:Trash._note", 1),
    ("daxa_gui.archive.trash:Trash._set_state", 1),
    ("shutil:rmtree", 1),
    ("os:unlink", 2),
]


@pytest.mark.parametrize("verb", ["delete", "restore", "empty"])
@pytest.mark.parametrize(("where", "n"), PLACES, ids=lambda value: str(value).rpartition(":")[2])
def test_that_a_program_killed_on_the_way_loses_nothing(tmp_path, verb, where, n):
    store = fill(tmp_path)
    before = state(store)
    if verb != "delete":
        store.trash.delete_raw()
    after = state(store)
    store.close()
    environment = {**own_environment(), "PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), verb, where, str(n)], env=environment, check=False)
    assert result.returncode in (0, 9)
    store = ArchiveStore.open(store.layout)  # does the rest
    try:
        found = state(store)
        files_on_disk = {path for path in found[2] if "_raw" in path}
        assert len(files_on_disk) == len(found[1])  # the database says what is there
        if store.trash.entries():
            assert found[1] == [] and found == (found[0], [], after[2] if verb != "delete" else found[2])
            store.trash.restore(1)
            assert state(store) == before
        elif verb == "empty":
            assert found[1] == [] and not list(store.trash.folder.iterdir())
        else:
            assert found == before
    finally:
        store.close()
