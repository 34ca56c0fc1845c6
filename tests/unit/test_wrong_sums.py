"""Whole files that do not add up to the sums in their own headers: damage of one transfer, or so at the archive itself."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from daxa_gui.core.errors import TransferError
from daxa_gui.remote import transfer
from daxa_gui.remote.transfer import fetch
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.small_fits import header, small_fits
from tests.fakes.task_context import FakeContext

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def with_datasum(data: bytes, datasum: str) -> bytes:
    cards = ("BITPIX  =                    8", "NAXIS   =                    1", f"NAXIS1  = {len(data):20d}")
    sums = f"DATASUM = '{datasum}'"
    return header("SIMPLE  =                    T", *cards, sums) + data + bytes(-len(data) % 2880)


WRONG = with_datasum(b"\0\0\0\1" * 20_000, "7")
RIGHT = with_datasum(b"\0\0\0\1" * 20_000, "20000")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(transfer, "_WRONG_SUMS", transfer._WrongSums())
    monkeypatch.setattr(transfer, "_REFUSED", transfer._Refused())


@pytest.fixture
def server():
    with FakeArchive() as server:
        yield server


@pytest.fixture
def ctx(server):
    return FakeContext({"heasarc": server.url, "mirror": f"{server.url}/mirror"})


def tar_of(*contents: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number, content in enumerate(contents):
            info = tarfile.TarInfo(f"field/{number}.fits")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


PACKED = {
    "x.fits": (WRONG, {}),
    "x.fits.gz": (gzip.compress(WRONG), {"unpack": "gzip"}),
    "x.tar": (tar_of(RIGHT, WRONG, WRONG + header("XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0")), {"unpack": "tar"}),
}


@pytest.mark.parametrize("name", PACKED)
def test_that_a_file_that_comes_twice_with_the_same_wrong_sum_is_taken_with_a_warning(server, ctx, tmp_path, name):
    content, more = PACKED[name]
    server.put(f"/a/{name}", content)
    folder = tmp_path / "raw" / "x"
    destination = str(folder if name == "x.tar" else folder / "x.fits")

    def get():
        return fetch(ctx, "heasarc", f"a/{name}", destination, **more)

    with pytest.raises(TransferError, match="do not add up to their DATASUM") as caught:
        get()
    assert caught.value.retryable
    assert not list(folder.glob("*.fits")) or name == "x.tar"
    outcome = get()
    n_wrong = 2 if name == "x.tar" else 1
    assert len(outcome.warnings) == n_wrong and "wrong at the archive itself" in outcome.warnings[0]
    assert sum("WARNING" in line for line in ctx.lines) == n_wrong
    taken = [Path(made.destination).read_bytes() for made in outcome.files]
    assert WRONG in taken
    # it is here now: no request, and the warning is not forgotten
    n_requests = len(server.requests)
    again = get()
    assert len(server.requests) == n_requests and again.warnings == outcome.warnings


def test_that_a_wrong_sum_that_was_damage_of_one_transfer_leaves_no_trace(server, ctx, tmp_path):
    server.put("/a/x.fits", RIGHT)
    server.faults["/a/x.fits"].append(Fault(status=200, body=WRONG, content_type="application/fits"))
    with pytest.raises(TransferError, match="DATASUM"):
        fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
    assert fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits")).warnings == ()
    assert (tmp_path / "x.fits").read_bytes() == RIGHT


def test_that_other_wrong_bytes_each_time_are_never_taken(server, ctx, tmp_path):
    for number in range(4):
        server.put("/a/x.fits", with_datasum(bytes([number]) * 5000, "7"))
        with pytest.raises(TransferError, match="DATASUM") as caught:
            fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
        assert caught.value.retryable
    assert not (tmp_path / "x.fits").exists()


def test_that_the_next_source_is_asked_before_a_wrong_sum_is_taken(server, ctx, tmp_path):
    server.put("/mirror/a/x.fits", WRONG)
    server.put("/a/x.fits", RIGHT)
    sources = [["mirror", "a/x.fits"], ["heasarc", "a/x.fits"]]
    outcome = fetch(ctx, "mirror", "a/x.fits", str(tmp_path / "x.fits"), sources=sources)
    assert outcome.warnings == () and (tmp_path / "x.fits").read_bytes() == RIGHT
    server.put("/a/y.fits", WRONG)
    server.put("/mirror/a/y.fits", WRONG)
    sources = [["mirror", "a/y.fits"], ["heasarc", "a/y.fits"]]
    (warning,) = fetch(ctx, "mirror", "a/y.fits", str(tmp_path / "y.fits"), sources=sources).warnings
    assert "DATASUM" in warning


def test_that_a_wrong_sum_does_not_excuse_a_damaged_structure(server, ctx, tmp_path):
    extension = small_fits(5000).replace(b"SIMPLE  =                    T", b"XTENSION= 'IMAGE   '          ", 1)
    server.put("/a/x.fits", (WRONG + extension)[:-2880])
    for retryable in (True, False):
        with pytest.raises(TransferError, match="cut short") as caught:
            fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
        assert caught.value.retryable is retryable
    assert not (tmp_path / "x.fits").exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data with real files is not beside the project")
@pytest.mark.parametrize("name", ["nicer_rxte/sgr1830kgfilt.evt", "nustar/nu90410111001A06_cl_sunpos.evt"])
def test_that_real_files_that_somebody_changed_afterwards_can_be_had(server, ctx, tmp_path, name):
    content = (SHARED / name).read_bytes()
    server.put("/a/x.evt", content)
    with pytest.raises(TransferError, match="add up"):
        fetch(ctx, "heasarc", "a/x.evt", str(tmp_path / "x.evt"))
    assert len(fetch(ctx, "heasarc", "a/x.evt", str(tmp_path / "x.evt")).warnings) == 1
    assert (tmp_path / "x.evt").read_bytes() == content
