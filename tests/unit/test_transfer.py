import gzip
import hashlib
import io
import json
import tarfile
import threading
from pathlib import Path

import ncompress
import pytest

from daxa_gui.core.errors import FileError, TransferError
from daxa_gui.core.mission import RawFile
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.remote.transfer import fetch
from daxa_gui.remote.unpack import RefusedError
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext

KEY = {"mission": "xmm_pointed", "obs_id": "0099990101", "kind": "events", "instrument": "M1", "exposure": "S001"}


def lzw(content: bytes) -> bytes:
    return ncompress.compress(content)


@pytest.fixture
def archive():
    with FakeArchive() as server:
        yield server


@pytest.fixture
def ctx(archive):
    return FakeContext({"heasarc": f"{archive.url}/FTP"})


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_that_a_file_arrives_whole_with_its_checksum_and_key(archive, ctx, tmp_path):
    content = small_fits(700_000)
    archive.put("/FTP/a/oif.fits", content)
    outcome = fetch(ctx, "heasarc", "a/oif.fits", str(tmp_path / "raw" / "oif.fits"), len(content), key=KEY)
    (made,) = outcome.files
    assert made.key == ProductKey("xmm_pointed", "0099990101", ProductKind.EVENTS, "M1", "S001")
    assert (made.name, made.destination) == ("", str(tmp_path / "raw" / "oif.fits"))
    assert made.facts["sha256"] == hashlib.sha256(content).hexdigest()
    assert made.facts["bytes"] == len(content)
    assert (tmp_path / "raw" / "oif.fits").read_bytes() == content
    assert left_in(tmp_path) == ["raw/.manifest.jsonl", "raw/oif.fits"]
    assert ctx.reports[-1][:2] == (len(content), len(content))


@pytest.mark.parametrize(
    ("remote", "local", "packing", "pack"),
    [("P1.FTZ", "P1.fits", "gzip", gzip.compress), ("a_bas.fits.Z", "a_bas.fits", "lzw", lzw)],
)
def test_that_a_packed_file_is_unpacked_and_the_packed_one_goes_away(archive, ctx, tmp_path, remote, local, packing, pack):
    content = small_fits(300_000)
    archive.put(f"/FTP/a/{remote}", pack(content))
    outcome = fetch(ctx, "heasarc", f"a/{remote}", str(tmp_path / local), unpack=packing)
    assert (tmp_path / local).read_bytes() == content
    assert outcome.files[0].facts["sha256"] == hashlib.sha256(content).hexdigest()
    assert left_in(tmp_path) == [".manifest.jsonl", local]
    line = json.loads((tmp_path / ".manifest.jsonl").read_text())
    assert line["remote_size_bytes"] == len(archive.files[f"/FTP/a/{remote}"].body)
    assert line["name"] == local


def test_that_a_verified_file_is_not_asked_for_again(archive, ctx, tmp_path):
    content = small_fits(100_000)
    archive.put("/FTP/a/x.fits.gz", gzip.compress(content))
    first = fetch(ctx, "heasarc", "a/x.fits.gz", str(tmp_path / "x.fits"), unpack="gzip")
    n_requests = len(archive.requests)
    second = fetch(ctx, "heasarc", "a/x.fits.gz", str(tmp_path / "x.fits"), unpack="gzip")
    assert len(archive.requests) == n_requests
    assert second.files == first.files
    assert second.facts["fetched_bytes"] == 0


def test_that_what_a_killed_program_left_beside_a_whole_file_goes_away(archive, ctx, tmp_path):
    archive.put("/FTP/x/list.fits.gz", gzip.compress(small_fits(9000)))
    destination = tmp_path / "list.fits"
    request = {"service": "heasarc", "path": "x/list.fits.gz", "destination": str(destination), "unpack": "gzip"}
    fetch(ctx, **request)
    (tmp_path / "list.fits.gz.part").write_bytes(b"left behind")
    fetch(ctx, **request)
    assert left_in(tmp_path) == [".manifest.jsonl", "list.fits"]


def test_that_a_file_that_was_changed_on_the_disk_is_fetched_again(archive, ctx, tmp_path):
    content = small_fits(100_000)
    archive.put("/FTP/a/x.fits", content)
    fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
    damaged = bytearray(content)
    damaged[5000] ^= 1
    (tmp_path / "x.fits").write_bytes(damaged)
    fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
    assert (tmp_path / "x.fits").read_bytes() == content


def test_that_a_file_of_another_size_on_the_server_is_fetched_again(archive, ctx, tmp_path):
    archive.put("/FTP/a/x.fits", small_fits(1000))
    fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
    newer = small_fits(9000)
    archive.put("/FTP/a/x.fits", newer)
    fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"), expected_bytes=len(newer))
    assert (tmp_path / "x.fits").read_bytes() == newer


def test_that_a_manifest_with_a_damaged_last_line_still_serves(archive, ctx, tmp_path):
    for name in ("x.fits", "y.fits"):
        archive.put(f"/FTP/a/{name}", small_fits(1000))
    fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
    with (tmp_path / ".manifest.jsonl").open("a") as manifest:
        manifest.write('{"name": "y.fi')
    fetch(ctx, "heasarc", "a/y.fits", str(tmp_path / "y.fits"))
    n_requests = len(archive.requests)
    for name in ("x.fits", "y.fits"):
        fetch(ctx, "heasarc", f"a/{name}", str(tmp_path / name))
    assert len(archive.requests) == n_requests


def test_that_names_with_blanks_and_letters_of_any_language_travel(archive, ctx, tmp_path):
    content = small_fits(1000)
    archive.put("/FTP/a b/été 100%+#?.fits", content)
    fetch(ctx, "heasarc", "a b/été 100%+#?.fits", str(tmp_path / "x.fits"))
    assert (tmp_path / "x.fits").read_bytes() == content


@pytest.mark.parametrize("path", ["../secret.fits", "a/../../x.fits", "/etc/passwd"])
def test_that_a_path_outside_the_service_is_refused(archive, ctx, tmp_path, path):
    with pytest.raises(TransferError, match="not a path below") as caught:
        fetch(ctx, "heasarc", path, str(tmp_path / "x.fits"))
    assert not caught.value.retryable
    assert archive.requests == []


def test_that_two_jobs_for_one_file_fetch_it_once(archive, ctx, tmp_path):
    content = small_fits(2_000_000)
    archive.put("/FTP/a/x.fits", content)
    archive.bytes_per_s = 8e6
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcome.facts["fetched_bytes"] for outcome in outcomes) == [0, 0, len(content)]
    assert archive.sent["/FTP/a/x.fits"] == len(content)
    assert left_in(tmp_path) == [".manifest.jsonl", "x.fits"]


# -- tar files shared by observations ---------------------------------------------------------------------------------------


def read_name(name: str) -> RawFile | None:
    return RawFile(ProductKind.EVENTS, "TM0") if "EventList" in name else None


READ_NAME = f"{__name__}:read_name"


@pytest.fixture
def field(archive):
    lists = {obs_id: small_fits(60_000, seed) for seed, obs_id in enumerate(("700195", "700199"))}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for obs_id, content in lists.items():
            info = tarfile.TarInfo(f"Puppis_A/fm00_{obs_id}_020_EventList_c001.fits")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    archive.put("/FTP/Puppis_A.tar.gz", buffer.getvalue())
    return lists


def fetch_member(ctx, out: Path, obs_id: str, members: str = ""):
    folder = str(out / "erosita_calpv_raw" / obs_id)
    key = {"mission": "erosita_calpv", "obs_id": obs_id, "kind": "events"}
    members = members or rf"..00_{obs_id}_020_EventList_c\d+\.fits"
    return fetch(ctx, "heasarc", "Puppis_A.tar.gz", folder, unpack="tar", members=members, key=key, raw_file=READ_NAME)


def test_that_two_observations_of_one_tar_file_fetch_it_once(archive, ctx, tmp_path, field, monkeypatch):
    monkeypatch.setattr("daxa_gui.remote.transfer.resolve", lambda target, within: {READ_NAME: read_name}[target])
    for obs_id, content in field.items():
        (made,) = fetch_member(ctx, tmp_path, obs_id).files
        assert Path(made.destination).read_bytes() == content
        assert made.key == ProductKey("erosita_calpv", obs_id, ProductKind.EVENTS, "TM0", "ALL")
        assert Path(made.destination).parent == tmp_path / "erosita_calpv_raw" / obs_id
    assert len(archive.asked("GET", "/FTP/Puppis_A.tar.gz")) == 1
    for obs_id in field:
        assert fetch_member(ctx, tmp_path, obs_id).facts["fetched_bytes"] == 0
    assert len(archive.requests) == 1


def test_that_a_tar_file_without_this_observation_says_so(archive, ctx, tmp_path, field):
    with pytest.raises(FileError, match=r"Puppis_A\.tar\.gz holds no file of this observation"):
        fetch_member(ctx, tmp_path, "700200")
    assert len(archive.requests) == 1


def test_that_a_refused_member_is_not_fetched_over_and_over(archive, ctx, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../fm00_700195_020_EventList_c001.fits"))
    archive.put("/FTP/Puppis_A.tar.gz", buffer.getvalue())
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            fetch_member(ctx, tmp_path, "700195", members=".*EventList.*")
        assert not caught.value.retryable
    assert len(archive.requests) == 1
    assert not (tmp_path / "erosita_calpv_raw" / "fm00_700195_020_EventList_c001.fits").exists()


def test_that_a_redirect_to_the_file_is_followed(archive, ctx, tmp_path):
    content = small_fits(1000)
    archive.put("/mirror/x.fits", content)
    archive.faults["/FTP/a/x.fits"].append(Fault(status=302, headers=(("Location", "/mirror/x.fits"),)))
    fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
    assert (tmp_path / "x.fits").read_bytes() == content
