"""A small archive server on 127.0.0.1 that behaves like those of the missions: listings, sizes, ranges, strong ETags."""

from __future__ import annotations

import contextlib
import email.utils
import html
import logging
import mimetypes
import os
import re
import socket
import stat
import threading
import time
import urllib.parse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

logger = logging.getLogger(__name__)

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\s*$")
_CHUNK_BYTES = 65536
_PACE_S = 0.05  # with a rate limit, how often a piece is sent


class ArchiveServer:
    """Serves the files below `root` over HTTP, reading only.

    Parameters
    ----------
    root : folder with `FTP/`, `edr/` …; nothing outside it is ever served.
    rate_limit_bytes_s : how fast one response may go (None: as fast as it can); may be changed while the server runs.
    """

    def __init__(self, root: str | os.PathLike[str], rate_limit_bytes_s: float | None = None) -> None:
        self.root = Path(root).resolve()
        self.rate_limit_bytes_s = rate_limit_bytes_s
        self.stopping = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """The address, without a slash at the end; empty while the server does not run."""
        return f"http://127.0.0.1:{self._server.server_address[1]}" if self._server is not None else ""

    def start(self) -> str:
        """Begin to answer on a free port of 127.0.0.1 and return the address. A second call changes nothing."""
        if self._server is None:
            self.stopping.clear()
            self._server = _Server(("127.0.0.1", 0), self)
            self._thread = threading.Thread(
                target=self._server.serve_forever, kwargs={"poll_interval": 0.03}, name="practice archive", daemon=True
            )
            self._thread.start()
            logger.info("The practice archive answers at %s", self.base_url)
        return self.base_url

    def stop(self) -> None:
        """End the server and break off what it is sending."""
        if self._server is None or self._thread is None:
            return
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> ArchiveServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def local_path(self, url_path: str) -> Path | None:
        """The file or folder that a request means, or None if there is none inside the root (links are followed first)."""
        try:
            text = urllib.parse.unquote(url_path, errors="strict")
        except UnicodeDecodeError:
            return None
        parts = [part for part in text.split("/") if part]
        if "\0" in text or "\\" in text or any(part in (".", "..") for part in parts):
            return None
        try:
            path = self.root.joinpath(*parts).resolve(strict=True)
        except (OSError, RuntimeError):  # not there; a circle of links
            return None
        return path if path.is_relative_to(self.root) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], archive: ArchiveServer) -> None:
        self.archive = archive
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # Without the base class's look-up of the host's name, which may ask a name server.
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("A connection of the practice archive ended early", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "DAXA-GUI-practice"
    sys_version = ""
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug("practice archive: " + format, *args)

    def _answer(self, with_body: bool) -> None:
        url_path, _, _ = self.path.partition("?")
        path = self.server.archive.local_path(url_path)
        if path is None:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif path.is_dir():
            if url_path.endswith("/"):
                self._send_page(HTTPStatus.OK, listing(path, url_path), with_body)
            else:
                self.send_response(HTTPStatus.MOVED_PERMANENTLY)
                self.send_header("Location", url_path + "/")
                self.send_header("Content-Length", "0")
                self.end_headers()
        elif url_path.endswith("/"):
            self._refuse(HTTPStatus.NOT_FOUND)
        else:
            self._send_file(path, with_body)

    def _refuse(self, status: HTTPStatus) -> None:
        text = f"<html><head><title>{status.value} {status.phrase}</title></head><body><h1>{status.phrase}</h1></body></html>\n"
        self._send_page(status, text, with_body=self.command != "HEAD")

    def _send_page(self, status: HTTPStatus, text: str, with_body: bool) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _send_file(self, path: Path, with_body: bool) -> None:
        try:
            file = path.open("rb")
        except OSError:
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        with file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                self._refuse(HTTPStatus.FORBIDDEN)
                return
            etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
            modified = email.utils.formatdate(status.st_mtime, usegmt=True)
            wanted = self._wanted_range(status.st_size, etag, modified)
            begin, end = wanted if wanted is not None else (0, status.st_size)
            if begin >= end and wanted is not None:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{status.st_size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(HTTPStatus.OK if wanted is None else HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Type", mimetypes.guess_type(path.name)[0] or "application/octet-stream")
            self.send_header("Content-Length", str(end - begin))
            self.send_header("Last-Modified", modified)
            self.send_header("ETag", etag)
            self.send_header("Accept-Ranges", "bytes")
            if wanted is not None:
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{status.st_size}")
            self.end_headers()
            if with_body:
                self._send_bytes(file, begin, end)

    def _wanted_range(self, size: int, etag: str, modified: str) -> tuple[int, int] | None:
        """Begin and end (excluded) of a single range, (0, 0) if it lies outside the file, None for the whole file."""
        match = _RANGE.match(self.headers.get("Range", ""))
        if match is None or match[1] == match[2] == "" or self.command != "GET":
            return None
        if self.headers.get("If-Range", etag) not in (etag, modified):
            return None  # the file is no longer the one that the client has the beginning of
        if match[1] == "":
            return max(size - int(match[2]), 0), size if int(match[2]) else 0
        begin, end = int(match[1]), size if match[2] == "" else min(int(match[2]) + 1, size)
        if match[2] != "" and int(match[2]) < begin:
            return None  # RFC 9110, 14.1.1: an invalid range is ignored
        return (begin, end) if begin < size else (0, 0)

    def _send_bytes(self, file: BinaryIO, begin: int, end: int) -> None:
        archive, sent, started = self.server.archive, 0, time.monotonic()
        file.seek(begin)
        while begin + sent < end and not archive.stopping.is_set():
            limit = archive.rate_limit_bytes_s
            piece = _CHUNK_BYTES if limit is None else max(1, min(_CHUNK_BYTES, int(limit * _PACE_S)))
            data = file.read(min(piece, end - begin - sent))
            if not data:
                break
            self.wfile.write(data)
            sent += len(data)
            if limit is not None and (ahead_s := started + sent / limit - time.monotonic()) > 0:
                archive.stopping.wait(ahead_s)
        if begin + sent < end:
            self.close_connection = True  # the promised length was not kept, so the connection cannot be used again


def _size_text(size: int) -> str:
    """Sizes as the archive services' listings round them: 5, 1.2K, 34M."""
    number, unit = float(size), ""
    for unit in ("", "K", "M", "G"):
        if number < 1000 or unit == "G":
            break
        number /= 1024
    return f"{number:.1f}{unit}" if unit and number < 10 else f"{number:.0f}{unit}"


def listing(folder: Path, url_path: str) -> str:
    """The HTML page of a folder, in the manner of the archive services: name, date of change (UTC), rounded size."""
    title = html.escape(urllib.parse.unquote(url_path))
    lines = [
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">',
        f"<html>\n <head>\n  <title>Index of {title}</title>\n </head>\n <body>\n<h1>Index of {title}</h1>",
        '<pre>      <a href="?C=N;O=D">Name</a>                    <a href="?C=M;O=A">Last modified</a>      '
        '<a href="?C=S;O=A">Size</a>  <a href="?C=D;O=A">Description</a><hr>',
    ]
    parent = url_path.rstrip("/").rpartition("/")[0] + "/"
    if url_path != "/":
        lines.append(f'      <a href="{html.escape(parent)}">Parent Directory</a>                             -   ')
    entries = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".") and not entry.is_symlink()]
    for entry in entries:
        status, mark = entry.stat(), "/" if entry.is_dir() else ""
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(status.st_mtime))
        size = "-" if mark else _size_text(status.st_size)
        link = urllib.parse.quote(entry.name) + mark
        padding = " " * max(1, 50 - len(entry.name))
        lines.append(f'      <a href="{link}">{html.escape(entry.name)}{mark}</a>{padding}{when}  {size:>4}  ')
    lines.append("<hr></pre>\n</body></html>\n")
    return "\n".join(lines)
