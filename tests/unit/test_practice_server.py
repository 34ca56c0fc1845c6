"""The archive server of the practice sky: what it answers, and what it refuses."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from daxa_gui.practice.server import ArchiveServer

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ArchiveServer]:
    root = tmp_path / "www"
    folder = root / "FTP" / "xmm" / "a b"
    folder.mkdir(parents=True)
    (folder / "events.FTZ").write_bytes(CONTENT)
    (folder / "empty.txt").write_bytes(b"")
    (tmp_path / "secret.txt").write_text("outside")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "up").symlink_to(tmp_path)
    with ArchiveServer(root) as running:
        yield running


def ask(
    server: ArchiveServer, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.base_url.rpartition(":")[2]), timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


FILE = "/FTP/xmm/a%20b/events.FTZ"


def test_that_a_file_comes_whole_with_its_length_and_a_strong_etag(server: ArchiveServer) -> None:
    status, headers, body = ask(server, FILE)
    assert (status, body) == (200, CONTENT)
    assert headers["Content-Length"] == str(len(CONTENT))
    assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]+"', headers["ETag"])
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Last-Modified"].endswith("GMT")


def test_that_head_tells_the_size_and_sends_nothing(server: ArchiveServer) -> None:
    status, headers, body = ask(server, FILE, "HEAD")
    assert (status, headers["Content-Length"], body) == (200, str(len(CONTENT)), b"")


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [("bytes=100-", 100, None), ("bytes=10-19", 10, 20), ("bytes=-7", -7, None), ("bytes=0-999999", 0, None)],
)
def test_that_a_range_gives_that_part(server: ArchiveServer, text: str, begin: int, end: int | None) -> None:
    status, headers, body = ask(server, FILE, headers={"Range": text})
    assert (status, body) == (206, CONTENT[begin:end])
    first = begin if begin >= 0 else len(CONTENT) + begin
    assert headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(CONTENT)}"


@pytest.mark.parametrize("text", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_that_a_range_beyond_the_end_is_refused_with_the_size(server: ArchiveServer, text: str) -> None:
    status, headers, _ = ask(server, FILE, headers={"Range": text})
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(CONTENT)}")


@pytest.mark.parametrize("text", ["bytes=20-10", "lines=1-2", "bytes=-", "bytes=0-1,4-5"])
def test_that_a_range_that_makes_no_sense_gives_the_whole_file(server: ArchiveServer, text: str) -> None:
    assert ask(server, FILE, headers={"Range": text})[::2] == (200, CONTENT)


def test_that_if_range_with_a_stale_etag_gives_the_whole_file(server: ArchiveServer) -> None:
    _, headers, _ = ask(server, FILE, "HEAD")
    fresh = ask(server, FILE, headers={"Range": "bytes=5-", "If-Range": headers["ETag"]})
    stale = ask(server, FILE, headers={"Range": "bytes=5-", "If-Range": '"0-0"'})
    assert (fresh[0], fresh[2]) == (206, CONTENT[5:])
    assert (stale[0], stale[2]) == (200, CONTENT)


def test_that_the_etag_changes_with_the_file(server: ArchiveServer) -> None:
    before = ask(server, FILE, "HEAD")[1]["ETag"]
    (server.root / "FTP/xmm/a b/events.FTZ").write_bytes(CONTENT + b"x")
    assert ask(server, FILE, "HEAD")[1]["ETag"] != before


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/FTP/../../secret.txt", "/%2e%2e/secret.txt", "/FTP/%2e%2e%2f%2e%2e%2fsecret.txt", "/link.txt",
     "/up/secret.txt", "/..%5csecret.txt", "/%00", "/%ff", "/nothing", f"{FILE}/"],
)  # fmt: skip
def test_that_nothing_outside_the_root_is_served(server: ArchiveServer, path: str) -> None:
    status, _, body = ask(server, path)
    assert status == 404
    assert b"outside" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_that_only_reading_is_possible(server: ArchiveServer, method: str) -> None:
    assert ask(server, FILE, method)[0] == 501


def test_that_a_folder_lists_names_dates_and_sizes_but_no_links(server: ArchiveServer) -> None:
    status, _, body = ask(server, "/FTP/xmm/a%20b/")
    text = body.decode()
    assert status == 200
    assert re.search(r'<a href="events\.FTZ">events\.FTZ</a>\s+\d{4}-\d\d-\d\d \d\d:\d\d\s+10K', text)
    assert '<a href="/FTP/xmm/">Parent Directory</a>' in text
    top = ask(server, "/")[2].decode()
    assert '<a href="FTP/">' in top
    assert "link.txt" not in top
    assert "Parent Directory" not in top


def test_that_a_folder_without_its_slash_is_redirected(server: ArchiveServer) -> None:
    status, headers, _ = ask(server, "/FTP/xmm")
    assert (status, headers["Location"]) == (301, "/FTP/xmm/")


def test_that_one_connection_serves_several_requests(server: ArchiveServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.base_url.rpartition(":")[2]), timeout=10)
    for path in (FILE, "/nothing", "/FTP/", FILE):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == (404 if path == "/nothing" else 200)
        answer.read()
    connection.close()


def test_that_stopping_breaks_off_a_slow_download_and_frees_the_port(server: ArchiveServer) -> None:
    server.rate_limit_bytes_s = 2000.0
    port = int(server.base_url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", FILE)
    answer = connection.getresponse()
    answer.read(100)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    stopper.join(10)
    assert not stopper.is_alive()
    assert server.base_url == ""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
