"""What planning jobs leave out is listed like what a plan leaves out that was made before, and kept beside the database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.verify import verify
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.job import JobState
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Call, JobRequest, Outcome

MISSION, OBS_ID = "xmm_pointed", "0404910601"


@pytest.fixture
def store(tmp_path: Path):
    store = ArchiveStore.create(OutputLayout(tmp_path / "output").archive("planned"))
    store.add_selections([(Selection(MISSION, "1", (OBS_ID,), ()), [{"obs_id": OBS_ID, "exposure_s": float("nan")}])])
    yield store
    store.close()


def plan(store: ArchiveStore, *left_out: tuple[str, str]) -> None:
    request = JobRequest("plan", "host:x", MISSION, OBS_ID, "", "", "Look", Call("daxa_gui.remote.plan:plan_observation", {}))
    (job,) = store.add([request], again=True)
    facts = {"n_files": 1, "left_out": [list(one) for one in left_out]} if left_out else {"n_files": 1}
    done = replace(job, state=JobState.SUCCEEDED, attempt=1, started=1.0, finished=2.0, facts=facts)
    work = store.layout.work_folder(job.id)
    work.mkdir(parents=True, exist_ok=True)
    store.commit_outcome(done, Outcome(facts=facts), str(work))


def test_that_what_a_job_leaves_out_is_listed_until_a_later_one_finds_it(store: ArchiveStore) -> None:
    plan(store, ("ODF/", "There is no such folder."), ("a.FTZ.gpg", "It is encrypted."))
    assert store.left_out() == [
        LeftOut(MISSION, OBS_ID, "There is no such folder.", "ODF/"), LeftOut(MISSION, OBS_ID, "It is encrypted.", "a.FTZ.gpg"),
    ]  # fmt: skip
    plan(store, ("a.FTZ.gpg", "It is encrypted."))
    assert [one.unit for one in store.left_out()] == ["a.FTZ.gpg"]
    plan(store)
    assert store.left_out() == []


def test_that_an_observation_that_is_not_public_stays_left_out_as_a_whole(store: ArchiveStore) -> None:
    closed = LeftOut(MISSION, OBS_ID, "It is not public before 2050-01-01.", proprietary=True)
    store.add_left_out([closed])
    plan(store, ("ODF/", "There is no such folder."))
    assert closed in store.left_out() and len(store.left_out()) == 2


def test_that_it_survives_the_loss_of_the_database(store: ArchiveStore) -> None:
    plan(store, ("ODF/", "There is no such folder."))
    store.renew_documents()
    before, layout = store.left_out(), store.layout
    store.close()
    for path in layout.folder.glob("daxa_gui.sqlite*"):
        path.unlink()
    assert verify(layout, repair=True).rebuilt
    again = ArchiveStore.open(layout)
    try:
        assert again.left_out() == before
    finally:
        again.close()


def test_that_rows_with_unknown_numbers_are_whole(store: ArchiveStore) -> None:
    layout = store.layout
    store.close()
    assert verify(layout).findings == ()
    store = ArchiveStore.open(layout)
    with store.database.writing() as connection:
        connection.execute("UPDATE observations SET row = '{\"obs_id\": NaN'")
    store.close()
    (finding,) = verify(layout).findings
    assert "no JSON" in finding.message
