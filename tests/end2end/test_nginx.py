"""A real web server, nginx, with the practice archive and real files of missions: plain, over TLS, and slow."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import ncompress
import pytest

from daxa_gui.core.errors import Cancelled, TransferError
from daxa_gui.remote.connection import Visit
from daxa_gui.remote.listing import read_listing
from daxa_gui.remote.part import OVERLAP_BYTES
from daxa_gui.remote.transfer import fetch
from daxa_gui.remote.unpack import packing_of, unpacked_name
from tests.fakes import nginx
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext
from tests.fakes.waiting import wait_for

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not nginx.is_installed(), reason=nginx.MISSING)
PROGRAM = """
import json, sys
from daxa_gui.remote.transfer import fetch
from tests.fakes.task_context import FakeContext
address, arguments = json.loads(sys.argv[1])
fetch(FakeContext({"heasarc": address}), **arguments)
"""


@pytest.fixture
def serve(tmp_path):
    """Serve a folder; nginx ends with the test."""
    running = []

    def serve(root: Path, **options) -> nginx.Nginx:
        running.append(nginx.Nginx(root, tmp_path / f"nginx{len(running)}", **options))
        return running[-1].__enter__()

    yield serve
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def own(tmp_path):
    """A folder with one file of 3 MB."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "x.fits").write_bytes(small_fits(3_000_000))
    os.utime(folder / "x.fits", (1e9, 1e9))
    return folder


def fetch_all(address: str, root: Path, files: list[Path], out: Path) -> None:
    """Fetch files as a plan would have it, and compare what lies here with what is served, unpacked."""
    ctx = FakeContext({"heasarc": address})
    for path in files:
        packing = packing_of(path.name) if packing_of(path.name) in ("gzip", "lzw") else ""
        name = unpacked_name(path.name) if packing else path.name
        remote, here = path.relative_to(root), out / path.parent.relative_to(root) / name
        fetch(ctx, "heasarc", remote.as_posix(), str(here), path.stat().st_size, unpack=packing)
        content = path.read_bytes()
        unpacked = {"gzip": gzip.decompress, "lzw": ncompress.decompress}.get(packing, bytes)(content)
        assert here.read_bytes() == unpacked, remote


# -- the practice archive and real files ------------------------------------------------------------------------------------


def test_that_the_practice_archive_comes_from_nginx_as_from_our_own_server(serve, practice_sky, tmp_path):
    root = practice_sky
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size and packing_of(path.name) != "tar")
    files = [path for path in files if path.suffix.lower() in (".fits", ".gz", ".ftz", ".z", ".evt")]
    assert len(files) > 20
    kinds = {(path.relative_to(root).parts[:3], path.suffix.lower()): path for path in files}  # one of each mission and packing
    assert len({mission for mission, _ in kinds}) >= 5 and {".fits", ".gz", ".ftz", ".z"} <= {suffix for _, suffix in kinds}
    fetch_all(serve(root).url, root, list(kinds.values()), tmp_path / "out")


def test_that_real_files_of_missions_come_from_nginx(serve, shared_data, tmp_path):
    changed_afterwards = ("sgr1830kgfilt.evt", "nu90410111001A06_cl_sunpos.evt")  # their sums do not fit; astropy agrees
    suffixes = (".fits", ".evt", ".gz", ".FTZ")
    files = [path for path in sorted(shared_data.rglob("*")) if path.suffix in suffixes and path.is_file()]
    server = serve(shared_data)
    fetch_all(server.url, shared_data, [path for path in files if path.name not in changed_afterwards], tmp_path / "out")
    ctx = FakeContext({"heasarc": server.url})
    for path in files:
        if path.name in changed_afterwards:
            with pytest.raises(TransferError, match="do not add up to their DATASUM"):
                fetch(ctx, "heasarc", path.relative_to(shared_data).as_posix(), str(tmp_path / "out" / path.name))
            assert not (tmp_path / "out" / path.name).exists()


def test_that_nginx_s_listings_are_read(serve, own):
    for name in ("a b.fits", "été.fits", "x&y.fits", "100.fits.gz"):
        (own / name).write_bytes(b"x")
    (own / "folder").mkdir()
    address = serve(own).url
    ctx = FakeContext()
    with Visit(ctx) as visit:
        found = {entry.name: entry.is_folder for entry in read_listing(f"{address}/", ctx, visit)}
    assert found == dict.fromkeys(("a b.fits", "été.fits", "x&y.fits", "100.fits.gz", "x.fits"), False) | {"folder": True}


# -- resuming ---------------------------------------------------------------------------------------------------------------


def statuses(server: nginx.Nginx) -> list[str]:
    return [line.split('"')[2].split()[0] for line in server.log() if '"GET ' in line]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_that_a_program_killed_on_a_slow_line_goes_on_where_it_was(serve, own, tmp_path):
    server = serve(own, rate="1m")
    arguments = {"service": "heasarc", "path": "x.fits", "destination": str(tmp_path / "out" / "x.fits")}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, json.dumps([server.url, arguments])], cwd=ROOT)
    part = tmp_path / "out" / "x.fits.part"
    wait_for(lambda: part.exists() and part.stat().st_size > 500_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = part.stat().st_size
    fast = serve(own)
    outcome = fetch(FakeContext({"heasarc": fast.url}), **arguments)
    size = (own / "x.fits").stat().st_size
    assert outcome.facts["fetched_bytes"] == size - kept + OVERLAP_BYTES
    assert statuses(fast) == ["206"]
    assert (tmp_path / "out" / "x.fits").read_bytes() == (own / "x.fits").read_bytes()


def broken_off(server: nginx.Nginx, folder: Path, n_bytes: int) -> FakeContext:
    """Cancel a transfer after `n_bytes`; a context for the next one."""
    ctx = FakeContext({"heasarc": server.url})
    ctx.on_progress = lambda done, *_: ctx.cancel() if done >= n_bytes else None
    with pytest.raises(Cancelled):
        fetch(ctx, "heasarc", "x.fits", str(folder / "x.fits"))
    assert (folder / "x.fits.part").stat().st_size >= n_bytes
    return FakeContext({"heasarc": server.url})


def test_that_a_file_that_changed_meanwhile_is_told_by_its_etag(serve, own, tmp_path):
    server = serve(own)
    ctx = broken_off(server, tmp_path / "out", 1_000_000)
    (own / "x.fits").write_bytes(small_fits(3_000_000, seed=2))
    fetch(ctx, "heasarc", "x.fits", str(tmp_path / "out" / "x.fits"))
    assert statuses(server) == ["200", "200"]
    assert (tmp_path / "out" / "x.fits").read_bytes() == (own / "x.fits").read_bytes()


def test_that_a_range_behind_the_end_is_answered_with_416_and_the_file_restarts(serve, own, tmp_path):
    server = serve(own)
    ctx = broken_off(server, tmp_path / "out", 1_000_000)
    size = (own / "x.fits").stat().st_size
    with Visit(ctx) as visit:
        ask = visit.request(f"{server.url}/x.fits", headers={"Range": f"bytes={size}-"}, accept=(206, 416))
        with ask as reply:
            assert (reply.status, reply.headers["Content-Range"]) == (416, f"bytes */{size}")
    state = json.loads((tmp_path / "out" / "x.fits.part.json").read_text())
    longer = tmp_path / "out" / "x.fits.part"
    longer.write_bytes((own / "x.fits").read_bytes() + bytes(200_000))  # longer than the file: the range lies behind its end
    state_path = tmp_path / "out" / "x.fits.part.json"
    state_path.write_text(json.dumps({**state, "total": None}))
    fetch(ctx, "heasarc", "x.fits", str(tmp_path / "out" / "x.fits"))
    assert statuses(server)[-2:] == ["416", "200"]
    assert (tmp_path / "out" / "x.fits").read_bytes() == (own / "x.fits").read_bytes()


# -- TLS --------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority of our own and a server's key and certificate that it signed: (authority, key, chain)."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make certificates with")
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ["req", "-newkey", "rsa:2048", "-nodes"]
    openssl(*new, "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=A test's authority")
    openssl(*new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "server.pem", "-extfile", "names")  # fmt: skip
    return folder / "ca.pem", folder / "server.key", folder / "server.pem"


def test_that_files_come_over_tls_from_a_server_whose_authority_is_known(serve, own, authority, tmp_path, monkeypatch):
    ca, key, chain = authority
    server = serve(own, certificate=(key, chain))
    ctx = FakeContext({"heasarc": server.url})
    with pytest.raises(TransferError, match="cannot be trusted"):
        fetch(ctx, "heasarc", "x.fits", str(tmp_path / "out" / "x.fits"))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    fetch(ctx, "heasarc", "x.fits", str(tmp_path / "out" / "x.fits"))
    assert (tmp_path / "out" / "x.fits").read_bytes() == (own / "x.fits").read_bytes()


def test_that_a_broken_transfer_goes_on_over_tls(serve, own, authority, tmp_path, monkeypatch):
    ca, key, chain = authority
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    server = serve(own, certificate=(key, chain))
    ctx = broken_off(server, tmp_path / "out", 1_000_000)
    fetch(ctx, "heasarc", "x.fits", str(tmp_path / "out" / "x.fits"))
    assert statuses(server) == ["200", "206"]
    assert (tmp_path / "out" / "x.fits").read_bytes() == (own / "x.fits").read_bytes()
