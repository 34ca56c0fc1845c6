"""Orders for more observations than are worked out at a time: what comes out is the same as if all were made at once."""

from __future__ import annotations

import gc
import json
from collections import Counter

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.standing import Standings
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.events import JobChanged, ManyJobsChanged
from daxa_gui.core.job import JobState
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import JobRequest
from daxa_gui.open_archive import OpenArchive
from daxa_gui.reduction.chain import Subject, chain_of, plan_observation

MISSION = "xmm_pointed"
OBS_IDS = tuple(f"{number:010d}" for number in range(130))  # more than one portion
WITHOUT_RAW = OBS_IDS[::50]
UNITS = [
    {"instrument": "PN", "exposure": "S003", "usable": True, "reason": "", "ccds": [1, 2], "scheduled": True, "filter": "Thin1",
     "mode": "PrimeFullWindow", "start": "2004-05-09T13:00:16"},
    {"instrument": "R1", "exposure": "S004", "usable": True, "reason": "", "scheduled": True},
]  # fmt: skip
ORDER = ReductionOrder(steps=("generate_images_expmaps", "cleaned_rgs_event_lists"))
VERSIONS = {"sas": "22.1.0", "ccf": "1"}


@pytest.fixture
def store(tmp_path):
    one = ArchiveStore.create(OutputLayout(tmp_path).archive("large"))
    rows = [{"obs_id": obs_id, "start_mjd": 53134.5} for obs_id in OBS_IDS]
    one.add_selections([(Selection(MISSION, "v", OBS_IDS, ()), rows)])
    with one.database.writing() as connection:
        connection.executemany(
            "INSERT INTO files VALUES (?, ?, ?, 'x', 'raw', '', '', '', 1, '', NULL, 0)",
            [(f"output:{MISSION}_raw/{obs_id}/x", MISSION, obs_id) for obs_id in OBS_IDS if obs_id not in WITHOUT_RAW],
        )
    yield one
    one.close()


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def opened(store, bus):
    return OpenArchive(
        store, bus=bus, start=lambda work: None, workers=None, service_url=lambda name: "", connections_per_host=1, cores=1,
        start_queue=False, versions=lambda steps: VERSIONS,
    )  # fmt: skip


def end(store, *, units=True, states="'succeeded'"):
    with store.database.writing() as connection:
        connection.execute(f"UPDATE jobs SET state = {states}, started = 1, finished = 2")
        if units:
            facts = json.dumps({"units": UNITS})
            connection.execute("UPDATE jobs SET facts = ? WHERE step = 'exposures'", (facts,))
    store._table.forget()


def all_at_once(opened) -> list[JobRequest]:
    """What the planner makes of every observation, without the archive's machinery."""
    chain = chain_of(MISSION, ORDER.steps, {}, VERSIONS)
    requests = []
    for obs_id in OBS_IDS:
        if obs_id not in WITHOUT_RAW:
            folders = f"output:{MISSION}_raw/{obs_id}", f"archive:processed_data/{MISSION}/{obs_id}"
            facts = {"obs_start": "2004-05-09", "events": []}
            requests += plan_observation(Subject(MISSION, obs_id, *folders, (), facts, UNITS), chain)[0]
    return requests


def name(one):
    return one.mission, one.obs_id, one.unit, one.step


def test_that_an_order_means_the_same_jobs_as_if_all_were_made_at_once(opened, store):
    started = opened.start_reduction(ReductionOrder(steps=("exposures",)))
    assert len(started) == 3 * (len(OBS_IDS) - len(WITHOUT_RAW)) and not started.was_done
    end(store)
    plan = opened.plan_reduction(ORDER)
    assert [one.obs_id for one in plan.left_aside] == list(WITHOUT_RAW)
    expected = all_at_once(opened)
    counts = Counter(request.step for request in expected)
    assert {step.step: step.new + step.fresh for step in plan.steps if step.new + step.fresh} == counts
    assert all(step.fresh == counts[step.step] for step in plan.steps if step.step in ("cif_build", "odf_ingest", "exposures"))
    started = opened.start_reduction(ORDER)
    assert [name(job) for job in started] == [name(request) for request in expected]
    assert [job.task for job in started] == [request.task for request in expected]
    labels = {request.label: job.id for request, job in zip(expected, started, strict=True)}
    assert [set(job.needs) for job in started] == [{labels[need] for need in request.needs} for request in expected]


def test_that_started_jobs_are_a_sequence_that_is_read_when_it_is_looked_at(opened, store):
    started = opened.start_reduction(ReductionOrder(steps=("exposures",)))
    [first, *rest] = started
    assert first.state is JobState.QUEUED and len(rest) == len(started) - 1
    assert started[0] == first and started[-1] == rest[-1] and started[1:3] == rest[:2]
    end(store)
    assert started[0].state is JobState.SUCCEEDED and not started.was_done
    assert opened.start_reduction(ReductionOrder(steps=("exposures",))).was_done


def test_that_started_jobs_of_an_archive_that_was_closed_are_counted_and_not_read(opened, store):
    started = opened.start_reduction(ReductionOrder(steps=("exposures",)))
    store._table.forget()
    store.close()
    assert started and len(started) == 3 * (len(OBS_IDS) - len(WITHOUT_RAW)) and not started.was_done
    with pytest.raises(ArchiveError, match="closed"):
        list(started)


def test_that_everything_is_done_again_where_that_is_asked_for_with_the_units_that_are_known(opened, store):
    opened.start_reduction(ReductionOrder(steps=("exposures",)))
    end(store)
    opened.start_reduction(ORDER)
    end(store)
    again = ReductionOrder(steps=("exposures", *ORDER.steps), again=True)
    plan = {step.step: step for step in opened.plan_reduction(again).steps}
    n = len(OBS_IDS) - len(WITHOUT_RAW)
    assert (plan["exposures"].again, plan["generate_images_expmaps"].again, plan["odf_ingest"].fresh) == (n, n, n)
    started = opened.start_reduction(again)
    assert sorted(name(job) for job in started) == sorted(name(request) for request in all_at_once(opened))
    assert {str(job.state) for job in started if job.step in ("exposures", "epchain")} == {"queued", "waiting"}


def test_that_very_many_jobs_are_announced_in_one_word_and_only_if_something_is_to_be_done(opened, store, bus):
    mailbox = bus.subscribe()
    opened.start_reduction(ReductionOrder(steps=("exposures",)))
    assert {type(event) for event in mailbox.drain()} == {JobChanged}, "few are told one by one"
    end(store)
    started = opened.start_reduction(ORDER)
    told = mailbox.drain()
    assert ManyJobsChanged(finished=False) in told
    assert sum(isinstance(event, JobChanged) for event in told) < 0.6 * len(started)
    end(store)
    opened.start_reduction(ORDER)
    assert ManyJobsChanged(finished=False) not in mailbox.drain()


def test_that_how_requests_stand_does_not_depend_on_how_many_are_asked_about(opened, store):
    opened.start_reduction(ReductionOrder(steps=("exposures",)))
    end(store)
    opened.start_reduction(ORDER)
    end(store, units=False, states="CASE id % 3 WHEN 0 THEN 'failed' WHEN 1 THEN 'skipped' ELSE 'succeeded' END")
    requests = all_at_once(opened)
    together = Standings(store.layout, store.database).compare(requests, again={"epchain"})
    few, found = Standings(store.layout, store.database), []
    for obs_id in OBS_IDS:
        found += few.compare([request for request in requests if request.obs_id == obs_id], again={"epchain"})
    assert found == together and len({(one.state, one.is_fresh, one.reason) for one in together}) > 4


def test_that_tasks_leave_no_cycles_behind(opened):
    """A hundred thousand tasks that only the collector could free would hold everything up."""
    opened.start_reduction(ReductionOrder(steps=("exposures",)))
    for _ in opened.tasks(ORDER):  # what is imported and kept comes with the first ones
        pass
    gc.collect()
    gc.disable()
    try:
        for _ in opened.tasks(ORDER):
            pass
        assert gc.collect() < 500
    finally:
        gc.enable()
