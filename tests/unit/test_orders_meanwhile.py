"""What happens while an order is worked out and stored: exposures are found, data arrive, another order is given, the program
dies. Every order means in the end what was judged, and nothing of it is lost."""

from __future__ import annotations

import json
import threading

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Outcome
from daxa_gui.open_archive import OpenArchive

MISSION = "xmm_pointed"
OBS_IDS = tuple(f"{number:010d}" for number in range(4))
LATER = OBS_IDS[-1]  # its raw data are not here at first
UNITS = [
    {"instrument": "PN", "exposure": "S003", "usable": True, "reason": "", "ccds": [1, 2], "scheduled": True, "filter": "Thin1",
     "mode": "PrimeFullWindow", "start": "2004-05-09T13:00:16"},
]  # fmt: skip
TWO = [*UNITS, {**UNITS[0], "instrument": "M1", "exposure": "S001"}]
LISTS = ("cleaned_evt_lists",)
PATIENCE_S = 60.0


@pytest.fixture
def store(tmp_path):
    one = ArchiveStore.create(OutputLayout(tmp_path).archive("mine"))
    rows = [{"obs_id": obs_id, "start_mjd": 53134.5} for obs_id in OBS_IDS]
    one.add_selections([(Selection(MISSION, "v", OBS_IDS, ()), rows)])
    arrive(one, *OBS_IDS[:-1])
    yield one
    one.close()


def arrive(store, *obs_ids):
    with store.database.writing() as connection:
        connection.executemany(
            "INSERT INTO files VALUES (?, ?, ?, 'x', 'raw', '', '', '', 1, '', NULL, 0)",
            [(f"output:{MISSION}_raw/{obs_id}/x", MISSION, obs_id) for obs_id in obs_ids],
        )


def opening(store):
    return OpenArchive(
        store, bus=Bus(), start=lambda work: None, workers=None, service_url=lambda name: "", connections_per_host=1, cores=1,
        start_queue=False, versions=lambda steps: {"sas": "22.1.0", "ccf": "1"},
    )  # fmt: skip


@pytest.fixture
def opened(store):
    return opening(store)


def sigma(value):
    return ReductionOrder(steps=LISTS, parameters={"espfilt": {"allowed_sigma": value}})


def sigmas(store):
    """ObsID → with which sigma its good time is found."""
    return {
        job.obs_id: job.task.arguments["parameters"]["allowed_sigma"] for job in store.jobs("reduce") if job.step == "espfilt"
    }


def end(store, where="1", units=UNITS):
    """As if jobs had run: each makes a product."""
    with store.database.writing() as connection:
        connection.execute(f"UPDATE jobs SET state = 'succeeded', started = 1, finished = 2 WHERE {where}")
        facts = json.dumps({"units": units})
        connection.execute(f"UPDATE jobs SET facts = ? WHERE step = 'exposures' AND {where}", (facts,))
    store._table.forget()


def find_units(opened, obs_id, units=UNITS):
    """As the queue does when « exposures » of an observation ends: what follows is stored together with its outcome."""
    [job] = [job for job in opened.store.jobs("reduce") if (job.obs_id, job.step) == (obs_id, "exposures")]
    end(opened.store, f"obs_id = '{obs_id}'", units)
    opened.queue.add(opened.follow_ups(job, Outcome(facts={"units": units})))


def before_remembering(monkeypatch, opened, do):
    remember = opened._remember

    def meanwhile(*arguments):
        monkeypatch.setattr(opened, "_remember", remember)
        do()
        remember(*arguments)

    monkeypatch.setattr(opened, "_remember", meanwhile)


def test_that_exposures_found_while_an_order_is_worked_out_are_reduced_as_it_says(opened, store, monkeypatch):
    opened.start_reduction(sigma(2.0))
    before_remembering(monkeypatch, opened, lambda: find_units(opened, OBS_IDS[1]))
    started = opened.start_reduction(sigma(4.0))
    assert sigmas(store) == {OBS_IDS[1]: 4.0}
    ids = [job.id for job in started]
    assert len(ids) == len(set(ids)) == len(started), "each job counts once"
    assert {job.step for job in started if job.obs_id == OBS_IDS[1]} > {"exposures", "espfilt", *LISTS}
    find_units(opened, OBS_IDS[0])
    assert sigmas(store) == {OBS_IDS[0]: 4.0, OBS_IDS[1]: 4.0}


def test_that_single_exposures_stay_single_where_others_are_found_meanwhile(opened, store, monkeypatch):
    opened.start_reduction(ReductionOrder(steps=("exposures",)))
    end(store, f"obs_id = '{OBS_IDS[0]}'", TWO)
    before_remembering(monkeypatch, opened, lambda: find_units(opened, OBS_IDS[1], TWO))
    units = tuple((MISSION, obs_id, "PNS003") for obs_id in OBS_IDS[:2])
    started = opened.start_reduction(ReductionOrder(steps=LISTS, units=units))
    assert {(job.obs_id, job.unit) for job in started if job.unit} == {(obs_id, "PNS003") for obs_id in OBS_IDS[:2]}
    assert OBS_IDS[2] not in {job.obs_id for job in started}


def test_that_what_is_asked_for_once_more_is_done_once_more_and_not_twice(opened, store, monkeypatch):
    opened.start_reduction(ReductionOrder(steps=("exposures",)))
    end(store, f"obs_id <> '{OBS_IDS[1]}'")
    opened.start_reduction(sigma(2.0))
    end(store, f"obs_id <> '{OBS_IDS[1]}'")
    before_remembering(monkeypatch, opened, lambda: find_units(opened, OBS_IDS[1]))
    again = ReductionOrder(steps=LISTS, again=True)
    stale = []
    mark_stale = store.mark_stale
    monkeypatch.setattr(store, "mark_stale", lambda ids: (stale.extend(ids), mark_stale(ids)))
    opened.start_reduction(again)
    asked = [store.get_all([job_id])[0].obs_id for job_id in stale]
    assert sorted(asked) == [OBS_IDS[0], OBS_IDS[2]]


def test_that_data_that_arrive_after_an_order_was_judged_wait_for_the_next_one(opened, store, monkeypatch):
    before_remembering(monkeypatch, opened, lambda: arrive(store, LATER))
    started = opened.start_reduction(ReductionOrder(steps=("exposures",)))
    assert {job.obs_id for job in started} == set(OBS_IDS[:-1])
    assert {job.obs_id for job in opened.start_reduction(ReductionOrder(steps=("exposures",)))} == set(OBS_IDS)


def test_that_an_order_waits_for_another_one_and_both_are_remembered(opened, monkeypatch):
    asked, go_on, worked_out = threading.Event(), threading.Event(), []

    class Guard:
        """The lock of orders that tells when the second one asks for it."""

        def __init__(self, lock):
            self.lock, self.n = lock, 0

        def __enter__(self):
            self.n += 1
            if self.n == 2:
                asked.set()
            self.lock.acquire()

        def __exit__(self, *error):
            self.lock.release()

    work_out = opened._work_out
    monkeypatch.setattr(opened, "_one_order", Guard(opened._one_order))
    monkeypatch.setattr(opened, "_work_out", lambda order: (worked_out.append(order), work_out(order))[1])
    second = ReductionOrder(steps=LISTS, parameters={"espfilt": {"allowed_sigma": 3.0}}, observations=((MISSION, OBS_IDS[1]),))
    other = threading.Thread(target=opened.start_reduction, args=(second,))

    def meanwhile():
        other.start()
        assert asked.wait(PATIENCE_S)
        assert len(worked_out) == 1
        go_on.set()

    before_remembering(monkeypatch, opened, meanwhile)
    first = ReductionOrder(steps=LISTS, parameters={"espfilt": {"allowed_sigma": 2.0}}, observations=((MISSION, OBS_IDS[0]),))
    opened.start_reduction(first)
    other.join(PATIENCE_S)
    assert go_on.is_set() and not other.is_alive()
    remembered = [opened.last_order(MISSION, obs_id)["parameters"]["espfilt"]["allowed_sigma"] for obs_id in OBS_IDS[:2]]
    assert remembered == [2.0, 3.0]


class _Killed(BaseException):
    """Nothing in the program catches it, as nothing catches a kill -9."""


def test_that_an_order_whose_storing_was_cut_short_is_completed_by_the_same_order(opened, store, monkeypatch):
    opened.start_reduction(ReductionOrder(steps=("exposures",)))
    end(store)
    opened.start_reduction(sigma(2.0))
    end(store)
    monkeypatch.setattr(type(opened.queue), "many", 1)  # each observation is stored by itself
    add, calls = opened.queue.add, []

    def dies(requests, **options):
        calls.append(requests)
        if len(calls) == 2:
            raise _Killed
        return add(requests, **options)

    monkeypatch.setattr(opened.queue, "add", dies)
    with pytest.raises(_Killed):
        opened.start_reduction(sigma(4.0))
    assert sorted(sigmas(store).values()) == [2.0, 2.0, 4.0]
    reopened = opening(store)
    plan = {step.step: step for step in reopened.plan_reduction(sigma(4.0)).steps}
    assert (plan["espfilt"].again, plan["espfilt"].fresh, plan["espfilt"].replaced) == (2, 1, 2)
    assert sum("2 → 4" in why for why in plan["espfilt"].why) == 1
    started = reopened.start_reduction(sigma(4.0))
    assert set(sigmas(store).values()) == {4.0} and {job.obs_id for job in started} == set(OBS_IDS[:-1])
    with store.database.reading() as connection:
        kept = connection.execute(
            "SELECT c.name, count(*) FROM jobs j JOIN configurations c ON c.id = j.keep_as WHERE step = 'espfilt' GROUP BY c.name"
        ).fetchall()
    assert kept == [("espfilt allowed_sigma 2.0", 3)], "all earlier results have one name"


NESTED = "[" * 700 + "]" * 700


@pytest.mark.parametrize(
    "value",
    [
        '[["a"]]',
        '[[1, "b"]]',
        "[[[2]]]",
        NESTED,
        '{"a": [1]}',
        '"\\u001b[2J"',
        "1e999",
        "true",
        "null",
        "12" * 150,
        "[[1" + "0" * 400 + ", 2]]",
        "[]",
    ],
)
def test_that_what_a_stranger_stored_as_a_parameter_is_told_and_replaced(opened, store, value):
    opened.start_reduction(ReductionOrder(steps=("exposures",)))
    end(store)
    opened.start_reduction(sigma(2.0))
    end(store)
    with store.database.writing() as connection:
        text = connection.execute("SELECT task FROM jobs WHERE step = 'espfilt'").fetchone()[0]
        assert '"allowed_sigma":2.0' in text
        connection.execute("UPDATE jobs SET task = replace(task, ?, ?) WHERE step = 'espfilt'",
                           ('"allowed_sigma":2.0', f'"allowed_sigma":{value}'))  # fmt: skip
    store._table.forget()
    [espfilt] = [step for step in opened.plan_reduction(sigma(4.0)).steps if step.step == "espfilt"]
    assert (espfilt.again, espfilt.changed) == (3, ("allowed_sigma",))
    assert all(why.isprintable() and len(why) < 300 for why in espfilt.why)
    opened.start_reduction(sigma(4.0))
    assert set(sigmas(store).values()) == {4.0}
    [kept] = opened.configurations.all()
    assert kept.name.isprintable()
