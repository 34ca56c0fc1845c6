"""An open archive: what closing it and continuing its downloads do."""

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.job import JobState
from daxa_gui.core.selection import Selection
from daxa_gui.open_archive import OpenArchive
from daxa_gui.remote import disk
from tests.fakes.execution import request

OBS = "0404910601"


@pytest.fixture
def archive(tmp_path):
    store = ArchiveStore.create(OutputLayout(tmp_path).archive("a"))
    store.add_selections([(Selection("xmm_pointed", "v", (OBS,), ()), [{"obs_id": OBS}])])
    opened = OpenArchive(
        store,
        bus=Bus(),
        start=lambda work: None,
        workers=None,
        service_url=lambda name: "",
        connections_per_host=1,
        cores=1,
        start_queue=False,
    )
    yield opened
    opened.close()


def test_that_closing_brings_what_was_fetched_to_the_disk(archive, tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(disk.FLUSHER, "_delay_s", 60.0)
    monkeypatch.setattr(disk, "_flush", flushed.append)
    disk.FLUSHER.add(tmp_path / "fetched.fits")
    archive.close()
    assert tmp_path / "fetched.fits" in flushed


def test_that_continuing_leaves_paused_jobs_alone(archive):
    plan, paused = archive.queue.add(
        [request("", "", kind="plan", lane="host:a"), request("a.fits", "", kind="download", lane="host:a")]
    )
    failed, cancelled = archive.queue.add([request(name, "", kind="download", lane="host:a") for name in ("b.fits", "c.fits")])
    archive.pause_jobs([plan.id, paused.id])
    archive.queue.cancel([failed.id, cancelled.id])
    again = archive.continue_download()
    assert {job.id for job in again} == {failed.id, cancelled.id}
    assert [archive.queue.job(job.id).state for job in (plan, paused)] == [JobState.PAUSED] * 2
