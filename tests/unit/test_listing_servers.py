"""Listings of real parts: nginx, folders of a disk, recorded replies of services."""

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.listing import ListedFile, parse_listing, read_listing
from daxa_gui.remote.local_mirror import list_mirror, mirror_path
from tests.fakes.task_context import FakeContext

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
REPLIES = Path(__file__).resolve().parents[3] / "shared" / "data" / "replies"
SIZES = {"a.fits": 12, "b c.fits": 5000, "été.fits": 2_500_000, "o'clock & co.fits": 1, "x" * 120 + ".fits": 70}


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """nginx with a folder in its three ways of listing it: /exact/, /rounded/, /json/."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("nginx")
    data = folder / "data"
    (data / "sub").mkdir(parents=True)
    for name, size in SIZES.items():
        (data / name).write_bytes(bytes(size))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kinds = {"exact": "", "rounded": "autoindex_exact_size off;", "json": "autoindex_format json;"}
    places = "".join(f"location /{name}/ {{ alias {data}/; autoindex on; {more} }}\n" for name, more in kinds.items())
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {temporary} default_type application/octet-stream;\n"
        f"server {{ listen 127.0.0.1:{port}; charset utf-8; {places} }} }}\n",
        encoding="utf-8",
    )
    with subprocess.Popen(
        [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"), "-p", str(folder)]
    ) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/exact/", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.skip("nginx does not start here")
            time.sleep(0.05)


def test_that_the_html_listing_of_nginx_gives_exact_sizes(nginx):
    found = read_listing(f"{nginx}/exact/", FakeContext())
    assert {entry.name: entry.size_bytes for entry in found if not entry.is_folder} == SIZES
    assert all(entry.exact for entry in found if not entry.is_folder)
    assert [entry.name for entry in found if entry.is_folder] == ["sub"]


def test_that_the_json_listing_of_nginx_says_the_same(nginx):
    key = lambda entry: entry.name  # noqa: E731
    assert sorted(read_listing(f"{nginx}/json/", FakeContext()), key=key) == sorted(
        read_listing(f"{nginx}/exact/", FakeContext()), key=key
    )


def test_that_rounded_sizes_of_nginx_are_estimates(nginx):
    found = {entry.name: entry for entry in read_listing(f"{nginx}/rounded/", FakeContext())}
    assert (found["a.fits"].size_bytes, found["a.fits"].exact) == (12, True)
    large = found["été.fits"]
    assert abs(large.size_bytes / SIZES["été.fits"] - 1) < 0.5
    assert not large.exact


# -- folders ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "mir ror" / "heasarc" / "xmm"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.fits").write_bytes(bytes(12))
    (tmp_path / "secret.fits").write_bytes(b"secret")
    return tmp_path / "mir ror"


def test_that_a_folder_of_a_disk_is_listed_with_exact_sizes(mirror):
    found = list_mirror(mirror.as_uri() + "/heasarc", "xmm/")
    assert found.entries() == [ListedFile("a.fits", 12, True), ListedFile("sub", is_folder=True)]


def test_that_links_inside_the_mirror_count_and_others_do_not(mirror):
    folder = mirror / "heasarc" / "xmm"
    (folder / "good.fits").symlink_to(folder / "a.fits")
    (folder / "evil.fits").symlink_to(mirror.parent / "secret.fits")
    (folder / "upward").symlink_to(mirror.parent)
    (folder / "nowhere.fits").symlink_to(folder / "no such file")
    (folder / "round").symlink_to(folder / "round")
    os.mkfifo(folder / "pipe.fits")
    assert sorted(entry.name for entry in list_mirror(mirror.as_uri(), "heasarc/xmm").entries()) == ["a.fits", "good.fits", "sub"]
    for path in ("heasarc/xmm/evil.fits", "heasarc/xmm/upward/secret.fits"):
        with pytest.raises(TransferError, match="leads out"):
            mirror_path(mirror.as_uri(), path)


@pytest.mark.parametrize("path", ["../secret.fits", "heasarc/../../secret.fits", "a\0b"])
def test_that_no_path_leaves_the_mirror(mirror, path):
    with pytest.raises(TransferError, match="not a path inside"):
        mirror_path(mirror.as_uri(), path)


def test_that_a_missing_folder_of_a_mirror_is_missing(mirror):
    for path in ("no/such", "heasarc/xmm/a.fits"):
        with pytest.raises(StatusError) as caught:
            list_mirror(mirror.as_uri(), path)
        assert caught.value.says_missing


@pytest.mark.parametrize("address", ["file://elsewhere/mirror", "http://127.0.0.1/", "file:relative", "mirror"])
def test_that_other_addresses_are_no_mirror_on_this_machine(address):
    with pytest.raises(TransferError, match="not"):
        mirror_path(address, "a")


# -- recorded ---------------------------------------------------------------------------------------------------------------


def test_that_no_recorded_reply_of_another_service_is_taken_for_a_listing():
    if not REPLIES.is_dir():
        pytest.skip("the recorded replies (../shared/data/replies) are not here")
    n_pages = 0
    for file in sorted(REPLIES.rglob("*")):
        if file.suffix not in (".json", ".xml", ".vot", ".dat"):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        bodies = [text]
        if file.parent.name.endswith("_traced"):
            bodies.append(str(json.loads(text).get("content", json.loads(text))))
        for body in bodies:
            n_pages += 1
            with pytest.raises(TransferError, match="not the listing"):
                parse_listing(body, "https://heasarc.gsfc.nasa.gov/FTP/xmm/")
    assert n_pages > 5
