import errno
import gzip
import json
import os
import shutil
import threading
import time
from collections import namedtuple
from pathlib import Path

import pytest

from daxa_gui.core.errors import ArchiveError, Cancelled, TransferError
from daxa_gui.remote import disk, download
from daxa_gui.remote.connection import StatusError
from daxa_gui.remote.pacing import BANDWIDTH
from daxa_gui.remote.transfer import fetch
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext
from tests.fakes.waiting import wait_for

PATH = "/FTP/a/x.fits"
OVERLAP = 64 * 1024  # fetched once more and compared
CONTENT = small_fits(1_500_000)
OTHER = small_fits(1_500_000, seed=2)


@pytest.fixture
def archive():
    with FakeArchive() as server:
        server.put(PATH, CONTENT)
        yield server


@pytest.fixture
def ctx(archive):
    return FakeContext({"heasarc": f"{archive.url}/FTP"})


@pytest.fixture
def get(ctx, tmp_path):
    return lambda **more: fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"), **more)


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def break_after(archive: FakeArchive, get, n_bytes: int) -> None:
    """Let a transfer break, so that `n_bytes` are kept."""
    archive.faults[PATH].append(Fault(drop_after=n_bytes))
    with pytest.raises(TransferError, match=f"{n_bytes} of {len(CONTENT)} bytes") as caught:
        get()
    assert caught.value.retryable


def whole(tmp_path: Path, content: bytes = CONTENT) -> bool:
    return (tmp_path / "x.fits").read_bytes() == content and left_in(tmp_path) == [".manifest.jsonl", "x.fits"]


# -- resuming ---------------------------------------------------------------------------------------------------------------


def test_that_a_broken_transfer_goes_on_where_it_stopped(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    assert left_in(tmp_path) == ["x.fits.part", "x.fits.part.json"]
    assert get().facts["fetched_bytes"] == len(CONTENT) - 700_000 + OVERLAP
    assert whole(tmp_path)
    assert archive.sent[PATH] == len(CONTENT) + OVERLAP
    assert archive.requests[-1].range == f"bytes={700_000 - OVERLAP}-"
    assert archive.requests[-1].if_range == archive.files[PATH].etag


def test_that_a_transfer_that_breaks_many_times_fetches_nothing_twice_but_the_overlap(archive, get, tmp_path):
    for n_bytes in (200_000, 100_000, 600_000):
        archive.faults[PATH].append(Fault(drop_after=n_bytes))
        with pytest.raises(TransferError):
            get()
    get()
    assert whole(tmp_path)
    assert archive.sent[PATH] == len(CONTENT) + 3 * OVERLAP


def test_that_bytes_that_were_damaged_on_the_disk_are_noticed_by_the_overlap(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    part = tmp_path / "x.fits.part"
    part.write_bytes(CONTENT[:690_000] + bytes(10_000))  # a power cut leaves zeros where the disk did not get to
    assert get().facts["fetched_bytes"] == len(CONTENT)
    assert whole(tmp_path)


def test_that_a_changed_file_with_the_old_name_tag_is_noticed_by_the_overlap(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    archive.put(PATH, OTHER, etag=archive.files[PATH].etag)
    get()
    assert whole(tmp_path, OTHER)


def test_that_a_break_within_the_overlap_loses_nothing(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    for n_bytes in (0, 1000, OVERLAP):
        archive.faults[PATH].append(Fault(drop_after=n_bytes))
        with pytest.raises(TransferError, match="ended"):
            get()
        assert (tmp_path / "x.fits.part").read_bytes() == CONTENT[:700_000]
    get()
    assert whole(tmp_path)


def test_that_a_date_that_is_too_fresh_to_be_trusted_restarts(archive, get, tmp_path):
    archive.put(PATH, CONTENT, etag='W/"weak"', modified=time.time())
    break_after(archive, get, 700_000)
    get()
    assert archive.requests[-1].range == ""
    assert whole(tmp_path)


def test_that_a_changed_file_restarts_its_download(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    archive.put(PATH, OTHER)
    assert get().facts["fetched_bytes"] == len(OTHER)
    assert whole(tmp_path, OTHER)


def test_that_a_changed_file_restarts_even_if_the_server_overlooks_if_range(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    rest = OTHER[700_000 - OVERLAP :]
    headers = (("Content-Range", f"bytes {700_000 - OVERLAP}-{len(OTHER) - 1}/{len(OTHER)}"), ("ETag", '"another"'))
    archive.put(PATH, OTHER)
    archive.faults[PATH].append(Fault(status=206, body=rest, headers=headers, content_type="application/fits"))
    get()
    assert whole(tmp_path, OTHER)


@pytest.mark.parametrize("answer", ["bytes 5-9/10", "bytes 700000-700009/99", "bytes */10", "nonsense", ""])
def test_that_an_answer_with_another_range_is_not_appended(archive, get, tmp_path, answer):
    break_after(archive, get, 700_000)
    archive.faults[PATH].append(Fault(status=206, body=b"0123456789", headers=(("Content-Range", answer),)))
    get()
    assert whole(tmp_path)


def test_that_a_server_without_ranges_restarts(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    archive.ranges = False
    assert get().facts["fetched_bytes"] == len(CONTENT)
    assert whole(tmp_path)


def test_that_without_etag_and_date_nothing_is_built_upon_old_bytes(archive, get, tmp_path):
    archive.put(PATH, CONTENT, has_validators=False)
    break_after(archive, get, 700_000)
    get()
    assert archive.requests[-1].range == ""
    assert whole(tmp_path)


def test_that_a_weak_etag_resumes_by_the_date(archive, get, tmp_path):
    archive.put(PATH, CONTENT, etag='W/"weak"')
    break_after(archive, get, 700_000)
    assert get().facts["fetched_bytes"] == len(CONTENT) - 700_000 + OVERLAP
    assert archive.requests[-1].if_range.endswith("GMT")
    assert whole(tmp_path)


def test_that_a_file_that_became_shorter_restarts(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    shorter = small_fits(10_000)
    archive.put(PATH, shorter, etag=archive.files[PATH].etag)  # the server answers 416 to the range
    get()
    assert whole(tmp_path, shorter)


def test_that_a_part_that_is_whole_costs_only_its_overlap(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    (tmp_path / "x.fits.part").write_bytes(CONTENT)  # as if the program died between the last byte and the end
    assert get().facts["fetched_bytes"] == OVERLAP
    assert whole(tmp_path)


def test_that_a_whole_part_of_unknown_length_is_recognised(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    (tmp_path / "x.fits.part").write_bytes(CONTENT)
    state = json.loads((tmp_path / "x.fits.part.json").read_text())
    (tmp_path / "x.fits.part.json").write_text(json.dumps({**state, "total": None}))
    assert get().facts["fetched_bytes"] == OVERLAP
    assert whole(tmp_path)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"service": 1}', "\0\0\0"])
def test_that_a_part_with_a_damaged_state_restarts(archive, get, tmp_path, damage):
    break_after(archive, get, 700_000)
    (tmp_path / "x.fits.part.json").write_text(damage)
    get()
    assert archive.requests[-1].range == ""
    assert whole(tmp_path)


def test_that_a_part_of_another_file_is_not_built_upon(archive, ctx, get, tmp_path):
    break_after(archive, get, 700_000)
    archive.put("/FTP/b/x.fits", OTHER)
    fetch(ctx, "heasarc", "b/x.fits", str(tmp_path / "x.fits"))
    assert whole(tmp_path, OTHER)


# -- something else than the file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410, 401, 403, 400])
def test_that_a_refusal_is_not_worth_a_retry(archive, get, tmp_path, status):
    archive.faults[PATH].append(Fault(status=status, body=b"<html>no</html>"))
    with pytest.raises(StatusError, match=str(status)) as caught:
        get()
    assert (caught.value.status, caught.value.retryable) == (status, False)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_that_a_busy_server_is_worth_a_retry(archive, get, tmp_path, status):
    archive.faults[PATH].append(Fault(status=status, body=b"<html>later</html>", headers=(("Retry-After", "17"),)))
    with pytest.raises(StatusError, match=str(status)) as caught:
        get()
    assert caught.value.retryable
    assert caught.value.retry_after_s == 17.0
    assert left_in(tmp_path) == []
    get()
    assert whole(tmp_path)


def test_that_a_busy_server_does_not_cost_the_bytes_that_are_here(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    archive.faults[PATH].append(Fault(status=503))
    with pytest.raises(StatusError):
        get()
    assert get().facts["fetched_bytes"] == len(CONTENT) - 700_000 + OVERLAP
    assert whole(tmp_path)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=200, body=b"<!DOCTYPE html><html><title>Login</title>" + b" " * 5000),
        Fault(status=200, body=b"<html>short", content_type="application/octet-stream"),
        Fault(status=200, body=b"\n\n  <HTML><body>maintenance" + b"." * 5000, content_type="application/fits"),
        Fault(content_type="text/html"),
    ],
)
def test_that_a_web_page_in_place_of_data_is_not_saved(archive, get, tmp_path, fault):
    archive.faults[PATH].append(fault)
    with pytest.raises(TransferError, match=r"web page instead of x\.fits"):
        get()
    assert left_in(tmp_path) == []


def test_that_a_web_page_does_not_replace_the_bytes_that_are_here(archive, get, tmp_path):
    break_after(archive, get, 700_000)
    archive.faults[PATH].append(Fault(status=200, body=b"<!DOCTYPE html><html>" + b" " * 5000))
    with pytest.raises(TransferError, match="web page"):
        get()
    assert get().facts["fetched_bytes"] == len(CONTENT) - 700_000 + OVERLAP
    assert whole(tmp_path)


@pytest.mark.parametrize("body", [b"", b"SIMPLE", b"\x1f\x8b" + bytes(5000), bytes(5000)])
def test_that_bytes_that_are_no_fits_file_are_not_saved(archive, get, tmp_path, body):
    archive.put(PATH, body)
    with pytest.raises(TransferError, match="no such file"):
        get()
    assert left_in(tmp_path) == []


def test_that_a_content_length_that_promises_too_much_keeps_what_came(archive, get, tmp_path):
    archive.faults[PATH].append(Fault(length_error=1000))
    with pytest.raises(TransferError, match=f"{len(CONTENT)} of {len(CONTENT) + 1000} bytes") as caught:
        get()
    assert caught.value.retryable
    get()
    assert whole(tmp_path)


def test_that_a_content_length_that_promises_too_little_is_noticed_by_the_file_s_structure(archive, get, tmp_path):
    archive.faults[PATH].append(Fault(length_error=-1000))
    with pytest.raises(TransferError, match="cut short") as caught:
        get()
    assert caught.value.retryable
    assert left_in(tmp_path) == []
    get()
    assert whole(tmp_path)


def test_that_an_answer_without_length_is_compared_with_the_planned_size(archive, get, tmp_path):
    archive.faults[PATH].append(Fault(no_length=True, drop_after=2880 * 100))
    with pytest.raises(TransferError, match=r"bytes of x\.fits came instead of"):
        get(expected_bytes=len(CONTENT))
    archive.faults[PATH].append(Fault(no_length=True))
    get(expected_bytes=len(CONTENT))
    assert whole(tmp_path)


def test_that_a_damaged_packed_file_is_fetched_again_from_its_beginning(archive, ctx, tmp_path):
    packed = bytearray(gzip.compress(CONTENT, 1))
    archive.put("/FTP/a/y.fits.gz", gzip.compress(CONTENT, 1))
    packed[700_000] ^= 0xFF
    archive.faults["/FTP/a/y.fits.gz"].append(Fault(status=200, body=bytes(packed), content_type="application/gzip"))
    with pytest.raises(TransferError, match=r"y\.fits\.gz") as caught:
        fetch(ctx, "heasarc", "a/y.fits.gz", str(tmp_path / "y.fits"), unpack="gzip")
    assert caught.value.retryable
    assert left_in(tmp_path) == []
    fetch(ctx, "heasarc", "a/y.fits.gz", str(tmp_path / "y.fits"), unpack="gzip")
    assert (tmp_path / "y.fits").read_bytes() == CONTENT


# -- waiting, cancelling, disks ---------------------------------------------------------------------------------------------


def test_that_a_stalled_transfer_is_given_up_and_goes_on_later(archive, get, tmp_path):
    archive.faults[PATH].append(Fault(stall_after=655_360))
    with pytest.raises(TransferError, match="stalled") as caught:
        get(stall_s=0.5)
    assert caught.value.retryable
    assert get().facts["fetched_bytes"] == len(CONTENT) - 655_360 + OVERLAP
    assert whole(tmp_path)


def test_that_a_transfer_of_single_bytes_is_given_up(archive, get):
    archive.faults[PATH].append(Fault(drip_s=0.05))
    with pytest.raises(TransferError, match="bytes came per second"):
        get(stall_s=0.25)


def test_that_a_server_that_never_answers_is_given_up(archive, get):
    archive.faults[PATH].append(Fault(stall_after=0))
    with pytest.raises(TransferError, match="stalled"):
        get(stall_s=0.5)


def test_that_a_stalled_transfer_can_be_cancelled_at_once(archive, ctx, get, tmp_path):
    archive.faults[PATH].append(Fault(stall_after=655_360))
    ctx.on_progress = lambda done, *_: ctx.cancel() if done >= 655_360 else None
    start = time.monotonic()
    with pytest.raises(Cancelled):
        get(stall_s=120)
    assert time.monotonic() - start < 60
    assert (tmp_path / "x.fits.part").stat().st_size == 655_360


def test_that_waiting_for_the_bandwidth_limit_is_no_stall_and_can_be_cancelled(ctx, get, tmp_path):
    BANDWIDTH.limit(1000.0)
    timer = threading.Timer(1.0, ctx.cancel)
    try:
        timer.start()
        with pytest.raises(Cancelled):
            get(stall_s=0.3)
    finally:
        timer.cancel()
        BANDWIDTH.limit(None)
    assert 0 < (tmp_path / "x.fits.part").stat().st_size < len(CONTENT)


def test_that_no_watching_thread_outlives_its_transfer(get):
    get()
    assert not [thread for thread in threading.enumerate() if thread.name == "transfer watch"]


def test_that_a_host_that_nobody_answers_at_is_a_sentence(ctx, tmp_path):
    with FakeArchive() as gone:
        ctx.services["heasarc"] = gone.url
    with pytest.raises(TransferError, match=r"127\.0\.0\.1") as caught:
        fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
    assert caught.value.retryable


def test_that_a_full_disk_is_said_before_anything_is_fetched(archive, get, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(TransferError, match=r"is full: 1 MB are free, 2 MB are needed") as caught:
        get()
    assert (caught.value.retryable, caught.value.pauses_lane) == (False, True)
    assert left_in(tmp_path) == []


def test_that_a_disk_that_fills_up_keeps_what_came(archive, get, tmp_path, monkeypatch):
    write = download._write_all

    def full(file, data) -> None:
        write(file, data)
        if file.tell() > 500_000:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(download, "_write_all", full)
        with pytest.raises(TransferError, match="is full"):
            get()
    kept = (tmp_path / "x.fits.part").stat().st_size
    assert kept > 500_000
    assert get().facts["fetched_bytes"] == len(CONTENT) - kept + OVERLAP
    assert whole(tmp_path)


def test_that_what_arrived_is_flushed_soon_and_no_thread_stays_for_it(get, tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(disk, "_flush", flushed.append)
    monkeypatch.setattr(disk.FLUSHER, "_delay_s", 0.05)
    disk.FLUSHER.flush_now()
    get()
    wait_for(lambda: disk.FLUSHER._thread is None, "the end of the flushing thread")
    assert {tmp_path / "x.fits", tmp_path / ".manifest.jsonl"} <= set(flushed)
    assert disk.FLUSHER._thread is None


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_that_a_folder_that_cannot_be_written_is_a_sentence(ctx, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(ArchiveError, match="cannot be written"):
        fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "locked" / "x.fits"))


def test_that_a_file_in_place_of_a_folder_is_a_sentence(ctx, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArchiveError, match="cannot be written"):
        fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "file" / "x.fits"))
