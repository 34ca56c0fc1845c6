"""From the bus to Qt signals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from daxa_gui.core import events
from daxa_gui.core.bus import Bus
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.step import Call
from daxa_gui.gui.bridge import Bridge

JOB = Job(1, "download", "host:x", "swift", "00000000001", "a.evt", "", "Fetch a.evt", Call("m:f"))
PRODUCT = Product(ProductKey("swift", "00000000001", ProductKind.EVENTS), "/a.evt", 1)


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def bridge(qapp, bus) -> Iterator[Bridge]:
    bridge = Bridge(bus, interval_ms=5)
    yield bridge
    bridge.stop()


def listen(bridge: Bridge) -> list[tuple[str, object]]:
    """Everything that is announced from now on, in order."""
    heard: list[tuple[str, object]] = []
    for name in ("jobs_changed", "products_added", "archive_changed", "catalogues_changed", "practice_progress", "notice"):
        getattr(bridge, name).connect(lambda value, name=name: heard.append((name, value)))
    bridge.lane_changed.connect(lambda lane, paused: heard.append(("lane_changed", (lane, paused))))
    return heard


def test_that_jobs_that_change_together_arrive_together_and_newest(bus, bridge):
    heard = listen(bridge)
    for done in range(100):
        bus.publish(events.JobChanged(replace(JOB, done=float(done))))
        bus.publish(events.JobChanged(replace(JOB, id=2, done=float(done))))
    bridge.drain()
    [(name, jobs)] = heard
    assert name == "jobs_changed"
    assert [(job.id, job.done) for job in jobs] == [(1, 99.0), (2, 99.0)]


def test_that_events_of_other_threads_arrive_without_being_asked_for(bus, bridge, qtbot):
    heard = listen(bridge)
    thread = threading.Thread(target=lambda: bus.publish(events.Notice("warning", "Careful.")))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(heard))
    assert heard[0][1].message == "Careful."


def test_that_each_kind_of_event_has_its_signal(bus, bridge):
    heard = listen(bridge)
    progress = events.PracticeProgress(1, 2, "half")
    for event in (
        events.CatalogueChanged("swift"), events.CatalogueChanged("chandra"), events.ProductAdded(PRODUCT),
        events.LaneChanged("local", True), progress,
    ):  # fmt: skip
        bus.publish(event)
    bridge.drain()
    assert ("catalogues_changed", ["swift", "chandra"]) in heard
    assert ("products_added", [PRODUCT]) in heard
    assert ("lane_changed", ("local", True)) in heard
    assert ("practice_progress", progress) in heard


def test_that_jobs_of_the_archive_that_was_open_before_are_not_taken_for_those_of_the_new_one(bus, bridge):
    heard = listen(bridge)
    bus.publish(events.JobChanged(replace(JOB, id=5, state=JobState.RUNNING)))
    bus.publish(events.ProductAdded(PRODUCT))
    bus.publish(events.ArchiveChanged("/new"))
    bus.publish(events.JobChanged(replace(JOB, id=1)))
    bridge.drain()
    assert [name for name, _ in heard] == ["archive_changed", "jobs_changed"]
    assert [job.id for job in heard[1][1]] == [1]


def test_that_nothing_arrives_after_the_end(bus, bridge, qtbot):
    heard = listen(bridge)
    bridge.stop()
    bus.publish(events.Notice("error", "Too late."))
    qtbot.wait(30)
    assert heard == []
