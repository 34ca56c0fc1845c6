"""Files that several services have, mirrors in a folder, and services that pack files when they are asked."""

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled, FileError, TransferError
from daxa_gui.remote import transfer
from daxa_gui.remote.connection import StatusError
from daxa_gui.remote.sources import OUTAGES
from daxa_gui.remote.transfer import fetch
from daxa_gui.remote.unpack import RefusedError
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext

CONTENT = small_fits(300_000)
OTHER = small_fits(300_000, seed=2)
SOURCES = [["mirror", "m/x.fits"], ["heasarc", "a/x.fits"], ["copy", "c/x.fits"]]


@pytest.fixture(autouse=True)
def no_outages(monkeypatch):
    monkeypatch.setattr(OUTAGES, "_until_s", {})


@pytest.fixture
def hosts():
    with FakeArchive() as mirror, FakeArchive() as heasarc, FakeArchive() as copy:
        yield {"mirror": mirror, "heasarc": heasarc, "copy": copy}


@pytest.fixture
def ctx(hosts):
    return FakeContext({name: host.url for name, host in hosts.items()})


@pytest.fixture
def get(ctx, tmp_path):
    return lambda **more: fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"), **{"sources": SOURCES, **more})


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def put_all(hosts, content=CONTENT):
    for service, path in SOURCES:
        hosts[service].put(f"/{path}", content)


def last_line(folder: Path) -> dict:
    return json.loads((folder / ".manifest.jsonl").read_text().splitlines()[-1])


# -- one after the other ----------------------------------------------------------------------------------------------------


def test_that_the_first_source_is_preferred_and_the_others_are_not_asked(hosts, get, tmp_path):
    put_all(hosts)
    (made,) = get().files
    assert (made.facts["service"], made.facts["url_path"]) == ("mirror", "m/x.fits")
    assert [len(host.requests) for host in hosts.values()] == [1, 0, 0]
    line = last_line(tmp_path)
    assert (line["service"], line["url"]) == ("mirror", f"{hosts['mirror'].url}/m/x.fits")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=404),
        Fault(status=403),
        Fault(status=503, headers=(("Retry-After", "100"),)),
        Fault(status=200, body=b"<!DOCTYPE html><html>maintenance" + b" " * 2000),
        Fault(status=200, body=b'{"error": "gone"}' + b" " * 2000),
        Fault(status=200, body=b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>' + b" " * 2000),
    ],
)
def test_that_the_next_source_is_asked_when_one_gives_nothing(hosts, get, tmp_path, fault):
    put_all(hosts)
    hosts["mirror"].faults["/m/x.fits"].append(fault)
    assert get().files[0].facts["service"] == "heasarc"
    assert (tmp_path / "x.fits").read_bytes() == CONTENT


def test_that_the_next_source_is_asked_when_one_does_not_answer(hosts, ctx, get, tmp_path):
    put_all(hosts)
    with FakeArchive() as gone:
        ctx.services["mirror"] = gone.url
    assert get().files[0].facts["service"] == "heasarc"
    (tmp_path / "x.fits").unlink()
    lines = len(ctx.lines)
    get()
    assert not any("mirror" in line for line in ctx.lines[lines:])  # it is known to be down: not waited for again


def test_that_services_without_an_address_are_passed_over(hosts, ctx, get):
    put_all(hosts)
    ctx.services["mirror"] = ""
    del ctx.services["heasarc"]
    assert get().files[0].facts["service"] == "copy"


def test_that_without_any_service_there_is_a_sentence(ctx, get):
    ctx.services = dict.fromkeys(ctx.services, "")
    with pytest.raises(TransferError, match=r"No service that has x\.fits") as caught:
        get()
    assert not caught.value.retryable


def test_that_what_may_pass_decides_about_another_try(hosts, get):
    hosts["heasarc"].faults["/a/x.fits"].append(Fault(status=503, headers=(("Retry-After", "7"),)))
    with pytest.raises(StatusError) as caught:
        get()
    assert (caught.value.status, caught.value.retryable, caught.value.retry_after_s) == (503, True, 7.0)
    with pytest.raises(StatusError) as caught:
        get()
    assert (caught.value.status, caught.value.retryable) == (404, False)


def test_that_a_transfer_that_broke_goes_on_at_the_source_it_came_from(hosts, ctx, get, tmp_path):
    put_all(hosts)
    hosts["mirror"].faults["/m/x.fits"].append(Fault(status=404))
    hosts["heasarc"].faults["/a/x.fits"].append(Fault(drop_after=200_000))
    with pytest.raises(TransferError, match="200000 of"):
        get()
    assert get().files[0].facts["service"] == "heasarc"
    assert hosts["heasarc"].requests[-1].range == f"bytes={200_000 - 65536}-"
    assert len(hosts["mirror"].requests) == 1
    assert (tmp_path / "x.fits").read_bytes() == CONTENT


def test_that_the_bytes_of_one_source_are_never_joined_to_those_of_another(hosts, ctx, get, tmp_path):
    put_all(hosts, OTHER)
    hosts["mirror"].put("/m/x.fits", CONTENT)
    hosts["mirror"].faults["/m/x.fits"] += [Fault(drop_after=200_000), Fault(status=503)]
    with pytest.raises(TransferError):
        get()
    assert get().files[0].facts["service"] == "heasarc"
    assert (tmp_path / "x.fits").read_bytes() == OTHER


def test_that_a_file_from_any_of_the_sources_is_not_fetched_again(hosts, get):
    put_all(hosts)
    hosts["mirror"].faults["/m/x.fits"].append(Fault(status=404))
    get()
    n_requests = sum(len(host.requests) for host in hosts.values())
    assert get().facts["fetched_bytes"] == 0
    assert sum(len(host.requests) for host in hosts.values()) == n_requests


def test_that_a_damaged_copy_is_replaced_by_that_of_the_next_source(hosts, get, tmp_path):
    put_all(hosts)
    hosts["mirror"].put("/m/x.fits", CONTENT[:-2880])
    outcome = get()
    assert outcome.files[0].facts["service"] == "heasarc"
    assert outcome.facts["fetched_bytes"] == 2 * len(CONTENT) - 2880
    assert (tmp_path / "x.fits").read_bytes() == CONTENT


def test_that_damage_that_comes_twice_is_the_archive_s_own(hosts, ctx, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_REFUSED", transfer._Refused())
    hosts["heasarc"].put("/a/x.fits", CONTENT[:-2880])
    for retryable in (True, False):
        with pytest.raises(TransferError, match="cut short") as caught:
            fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
        assert caught.value.retryable is retryable
    assert left_in(tmp_path) == []


# -- checksums that servers announce ----------------------------------------------------------------------------------------


def b64(name: str, content: bytes) -> str:
    return base64.b64encode(hashlib.new(name, content).digest()).decode()


def announcements(content: bytes) -> dict[str, tuple[tuple[str, str], ...]]:
    return {
        "Content-MD5": (("Content-MD5", b64("md5", content)),),
        "Digest": (("Digest", f"md5={b64('md5', content)},sha-256={b64('sha256', content)}"),),
        "Repr-Digest": (("Repr-Digest", f"sha-256=:{b64('sha256', content)}:, sha-512=:{b64('sha512', content)}:"),),
        "S3 checksum": (("x-amz-checksum-sha256", b64("sha256", content)),),
        "S3 ETag": (("ETag", f'"{hashlib.md5(content).hexdigest()}"'), ("x-amz-request-id", "1")),
    }


@pytest.mark.parametrize("name", list(announcements(b"")))
def test_that_a_checksum_of_the_server_is_compared(hosts, ctx, tmp_path, name):
    for wrong, headers in ((True, announcements(OTHER)[name]), (False, announcements(CONTENT)[name])):
        fault = Fault(status=200, body=CONTENT, headers=headers, content_type="application/fits")
        hosts["heasarc"].faults["/a/x.fits"].append(fault)
        if wrong:
            with pytest.raises(TransferError, match="checksum that the server gives") as caught:
                fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
            assert caught.value.retryable and left_in(tmp_path) == []
        else:
            fetch(ctx, "heasarc", "a/x.fits", str(tmp_path / "x.fits"))
    assert (tmp_path / "x.fits").read_bytes() == CONTENT


def test_that_a_checksum_holds_for_a_file_that_came_in_two_parts(hosts, ctx, tmp_path):
    host = hosts["heasarc"]
    host.put("/a/notes.txt", CONTENT)
    digest = ("Digest", f"md5={b64('md5', OTHER)}")
    first = Fault(status=200, body=CONTENT, headers=(digest, ("ETag", '"1"')), drop_after=200_000, content_type="text/plain")
    start = 200_000 - 65536
    there = ("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
    rest = Fault(status=206, body=CONTENT[start:], headers=(("ETag", '"1"'), there), content_type="text/plain")
    host.faults["/a/notes.txt"] += [first, rest]
    for problem in ("200000 of", "MD5 checksum"):
        with pytest.raises(TransferError, match=problem):
            fetch(ctx, "heasarc", "a/notes.txt", str(tmp_path / "notes.txt"))
    assert left_in(tmp_path) == []


def test_that_a_wrong_length_of_a_file_without_structure_is_noticed(hosts, ctx, tmp_path):
    host = hosts["heasarc"]
    host.put("/a/notes.txt", CONTENT)
    host.faults["/a/notes.txt"].append(Fault(length_error=-1000))
    with pytest.raises(TransferError, match="came instead of"):
        fetch(ctx, "heasarc", "a/notes.txt", str(tmp_path / "notes.txt"), len(CONTENT))
    fetch(ctx, "heasarc", "a/notes.txt", str(tmp_path / "notes.txt"), len(CONTENT))
    assert (tmp_path / "notes.txt").read_bytes() == CONTENT


def test_that_a_file_that_changed_since_it_was_planned_is_taken_as_it_is_now(hosts, ctx, tmp_path):
    hosts["heasarc"].put("/a/notes.txt", CONTENT)
    fetch(ctx, "heasarc", "a/notes.txt", str(tmp_path / "notes.txt"), 17)
    assert (tmp_path / "notes.txt").read_bytes() == CONTENT
    assert any("changed on the server since this was planned" in line for line in ctx.lines)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-1], lambda packed: packed[:-8] + bytes(4) + packed[-4:]])
def test_that_the_trailer_of_a_file_that_stays_packed_is_looked_at(hosts, ctx, tmp_path, damage):
    packed = gzip.compress(b"text " * 1000) + gzip.compress(b"more " * 1000)
    hosts["heasarc"].put("/a/x.txt.gz", damage(packed))
    with pytest.raises(TransferError, match=r"x\.txt\.gz is"):
        fetch(ctx, "heasarc", "a/x.txt.gz", str(tmp_path / "x.txt.gz"))
    hosts["heasarc"].put("/a/x.txt.gz", packed)
    fetch(ctx, "heasarc", "a/x.txt.gz", str(tmp_path / "x.txt.gz"))
    assert (tmp_path / "x.txt.gz").read_bytes() == packed


# -- mirrors in a folder ----------------------------------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path, ctx):
    folder = tmp_path / "a mirror"
    (folder / "m").mkdir(parents=True)
    ctx.services["mirror"] = folder.as_uri()
    return folder


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


def copy(ctx, raw, path="m/x.fits", **more):
    return fetch(ctx, "mirror", path, str(raw / Path(path).name), **more)


def test_that_a_file_of_a_folder_is_copied_with_the_same_checks(ctx, mirror, raw):
    (mirror / "m" / "x.fits").write_bytes(CONTENT)
    copy(ctx, raw)
    assert (raw / "x.fits").read_bytes() == CONTENT
    assert last_line(raw)["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    (mirror / "m" / "y.fits").write_bytes(CONTENT[:-2880])
    with pytest.raises(TransferError, match="cut short"):
        copy(ctx, raw, "m/y.fits")
    assert left_in(raw) == [".manifest.jsonl", "x.fits"]


def test_that_a_copy_that_was_interrupted_goes_on(ctx, mirror, raw, monkeypatch):
    (mirror / "m" / "x.fits").write_bytes(small_fits(3_000_000))
    ctx.on_progress = lambda done, *_: ctx.cancel() if done >= 1_000_000 else None
    with pytest.raises(Cancelled):
        copy(ctx, raw)
    kept = (raw / "x.fits.part").stat().st_size
    fresh = FakeContext(ctx.services)
    outcome = copy(fresh, raw)
    assert outcome.facts["fetched_bytes"] == (mirror / "m" / "x.fits").stat().st_size - kept + 65536


@pytest.mark.parametrize("make", ["link", "link to a folder", "fifo", "folder", "nothing"])
def test_that_nothing_but_files_inside_the_mirror_is_read(ctx, mirror, raw, tmp_path, make):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "x.fits").write_bytes(CONTENT)
    place, path = mirror / "m" / "x.fits", "m/x.fits"
    if make == "link":
        place.symlink_to(secret / "x.fits")
    elif make == "link to a folder":
        (mirror / "n").symlink_to(secret)
        path = "n/x.fits"
    elif make == "fifo":
        os.mkfifo(place)
    elif make == "folder":
        place.mkdir()
    with pytest.raises(StatusError) as caught:
        copy(ctx, raw, path)
    assert caught.value.status == (404 if make == "nothing" else 403)
    assert left_in(raw) == []


def test_that_a_link_inside_the_mirror_is_followed(ctx, mirror, raw):
    (mirror / "m" / "real.fits").write_bytes(CONTENT)
    (mirror / "m" / "x.fits").symlink_to("real.fits")
    copy(ctx, raw)
    assert (raw / "x.fits").read_bytes() == CONTENT


def test_that_a_mirror_that_lacks_a_file_leaves_it_to_the_next_source(ctx, mirror, hosts, raw):
    hosts["heasarc"].put("/a/x.fits", CONTENT)
    outcome = copy(ctx, raw, sources=SOURCES)
    assert outcome.files[0].facts["service"] == "heasarc"


# -- packed on demand -------------------------------------------------------------------------------------------------------

QUERY = [["obsno", "0099990101"], ["level", "PPS"], ["name", "a b&c"]]


def tar_of(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def ask(ctx, tmp_path):
    def ask(**more):
        options = {"unpack": "tar", "query": QUERY, "name": "0099990101_PPS.tar", "members": r".*EVLI.*", **more}
        return fetch(ctx, "heasarc", "servlet/data-action", str(tmp_path / "out" / "0099990101"), **options)

    return ask


def answers(hosts, body: bytes, name: str = "") -> None:
    headers = (("Content-Disposition", f'attachment; filename="{name}"'),) if name else ()
    fault = Fault(status=200, body=body, headers=headers, no_length=True, content_type="application/octet-stream")
    hosts["heasarc"].faults["/servlet/data-action"].append(fault)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_that_what_is_packed_on_demand_is_unpacked_whatever_its_compression(hosts, ask, tmp_path, mode):
    answers(
        hosts, tar_of({"0099990101/pps/P_EVLI.FTZ": gzip.compress(CONTENT), "0099990101/pps/P_SPEC.FTZ": b"x"}, mode), "a.tar"
    )
    (made,) = ask().files
    assert Path(made.destination).read_bytes() == CONTENT
    assert Path(made.destination).name == "P_EVLI.fits"
    assert left_in(tmp_path / "out") == [
        ".downloads/heasarc/.manifest.jsonl", "0099990101/.manifest.jsonl", "0099990101/P_EVLI.fits",
    ]  # fmt: skip
    assert hosts["heasarc"].requests[0].path == "/servlet/data-action"
    assert ask().facts["fetched_bytes"] == 0 and len(hosts["heasarc"].requests) == 1


def test_that_another_question_to_the_same_service_is_another_file(hosts, ask):
    for _ in range(2):
        answers(hosts, tar_of({"P_EVLI.FTZ": gzip.compress(CONTENT)}))
    ask()
    assert ask(query=[["obsno", "0099990102"]]).facts["fetched_bytes"] > 0


@pytest.mark.parametrize("name", ["P_EVLI.FTZ", "../../P_EVLI.FTZ", "C:\\data\\P_EVLI.FTZ"])
def test_that_a_single_product_may_come_as_it_is(hosts, ask, tmp_path, name):
    answers(hosts, gzip.compress(CONTENT), name)
    (made,) = ask().files
    assert Path(made.destination) == tmp_path / "out" / "0099990101" / "P_EVLI.fits"
    assert Path(made.destination).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["", "P_SPEC.FTZ", "..", "EVLI?"])
def test_that_a_single_file_that_was_not_wanted_is_refused(hosts, ask, tmp_path, name):
    answers(hosts, gzip.compress(CONTENT), name)
    with pytest.raises(FileError, match="holds no file of this observation"):
        ask()


def test_that_a_tar_file_in_a_tar_file_is_unpacked_too(hosts, ask):
    inner = tar_of({"2185_0099990101_M1_EVLI.FIT": CONTENT, "readme.txt": b"hello"})
    answers(hosts, tar_of({"2185_0099990101.TAR": inner, "MANIFEST.1": b"list"}, "w:gz"), "0099990101.tar.gz")
    (made,) = ask().files
    assert Path(made.destination).name == "2185_0099990101_M1_EVLI.FIT"
    assert Path(made.destination).read_bytes() == CONTENT


@pytest.mark.parametrize("bad", ["../EVLI.fits", "/tmp/EVLI.fits"])
def test_that_a_tar_file_in_a_tar_file_is_not_trusted_either(hosts, ask, tmp_path, bad):
    answers(hosts, tar_of({"inner.TAR": tar_of({bad: CONTENT})}), "x.tar")
    with pytest.raises(RefusedError, match="outside its folder"):
        ask()
    assert not list(tmp_path.rglob("EVLI.fits"))


def test_that_tar_files_in_tar_files_in_tar_files_come_to_an_end(hosts, ask):
    packed = tar_of({"EVLI.fits": CONTENT})
    for _ in range(6):
        packed = tar_of({"inner.tar": packed})
    answers(hosts, packed)
    with pytest.raises(RefusedError, match="tar files in each other"):
        ask()


def test_that_an_answer_that_breaks_is_asked_for_from_its_beginning(hosts, ask):
    body = tar_of({"P_EVLI.FTZ": gzip.compress(CONTENT)})
    fault = Fault(status=200, body=body, drop_after=100_000, headers=(("ETag", '"1"'),), content_type="application/x-tar")
    hosts["heasarc"].faults["/servlet/data-action"].append(fault)
    answers(hosts, body)
    with pytest.raises(TransferError, match="ended after 100000"):
        ask()
    ask()
    assert [request.range for request in hosts["heasarc"].requests] == ["", ""]


def test_that_an_answer_of_unknown_length_that_was_cut_is_noticed(hosts, ask):
    body = tar_of({"P_EVLI.FTZ": gzip.compress(CONTENT)}, "w:gz")
    answers(hosts, body[: len(body) // 2])
    with pytest.raises(TransferError, match=r"damaged|cut short"):
        ask()


def test_that_a_login_page_instead_of_an_answer_is_not_saved(hosts, ask, tmp_path):
    answers(hosts, b"<html><body>Please log in</body></html>" + b" " * 1000)
    with pytest.raises(TransferError, match="web page"):
        ask()
    assert left_in(tmp_path / "out") == []
