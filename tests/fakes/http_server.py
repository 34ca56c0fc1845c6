"""A small archive server on 127.0.0.1 that misbehaves on request and counts what it sends. End it by leaving its context."""

from __future__ import annotations

import hashlib
import html
import ssl
import time
from collections import defaultdict
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from urllib.parse import quote, unquote

from tests.fakes.loopback import Loopback


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer. `drop_after` and `stall_after` are bytes of the body that still come."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = ""
    drop_after: int | None = None
    stall_after: int | None = None
    length_error: int = 0  # added to Content-Length
    no_length: bool = False
    ignore_range: bool = False
    drip_s: float = 0.0  # seconds between single bytes
    also_head: bool = False


@dataclass
class StoredFile:
    body: bytes
    modified: float = 1.0e9
    etag: str | None = None
    has_validators: bool = True
    content_type: str = "application/octet-stream"

    def __post_init__(self) -> None:
        if self.etag is None:
            self.etag = f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass
class Request:
    method: str
    path: str
    range: str = ""
    if_range: str = ""
    proxy_authorization: str = ""
    authorization: str = ""
    cookie: str = ""
    body: bytes = b""


@dataclass
class FakeArchive(Loopback):
    """`files` maps decoded absolute paths to contents, `faults` paths to what goes wrong with their next answers."""

    files: dict[str, StoredFile] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)  # HTML in place of a generated listing
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    ranges: bool = True
    bytes_per_s: float | None = None
    requests: list[Request] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    connections: int = 0
    hangs_up: bool = False  # closes every connection before it answers
    tls: ssl.SSLContext | None = None

    def put(self, path: str, body: bytes, **about: object) -> None:
        self.files[path] = StoredFile(body, **about)  # type: ignore[arg-type]

    def asked(self, method: str, path: str) -> list[Request]:
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def __enter__(self) -> FakeArchive:
        handler = type("Handler", (_Handler,), {"archive": self})
        return self.listen(handler)


class _Handler(BaseHTTPRequestHandler):
    archive: FakeArchive
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.archive.connections += 1

    def handle(self) -> None:
        if self.archive.hangs_up:
            return
        try:
            super().handle()
        except OSError:
            return  # the other side left, or refused our certificate

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_POST(self) -> None:
        self._answer(with_body=True)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = unquote(self.path.partition("?")[0])
        about = [self.headers.get(name, "") for name in ("Range", "If-Range", "Proxy-Authorization", "Authorization", "Cookie")]
        asked = Request(self.command, path, *about, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        self.archive.requests.append(asked)
        waiting = self.archive.faults[path]
        fault = waiting.pop(0) if waiting and (with_body or waiting[0].also_head) else Fault()
        if fault.status:
            self._reply(path, fault.status, fault.body, dict(fault.headers), fault, with_body, fault.content_type or "text/html")
        elif path in self.archive.files:
            self._file(path, self.archive.files[path], fault, with_body)
        elif path in self.archive.pages:
            self._reply(path, 200, self.archive.pages[path], {}, fault, with_body, "text/html; charset=utf-8")
        elif path.endswith("/") and any(name.startswith(path) for name in self.archive.files):
            self._reply(path, 200, self._listing(path), {}, fault, with_body, "text/html; charset=utf-8")
        else:
            self._reply(path, 404, b"<html><body>Not here</body></html>", {}, fault, with_body, "text/html")

    def _listing(self, path: str) -> bytes:
        names = dict.fromkeys(
            rest.partition("/")[0] + ("/" if "/" in rest else "")
            for rest in (name[len(path) :] for name in self.archive.files if name.startswith(path))
        )
        rows = "".join(f'<a href="{quote(name)}">{html.escape(name)}</a>  2026-01-01 00:00  1.0K\n' for name in names)
        return (
            f"<html><head><title>Index of {path}</title></head><body><h1>Index of {path}</h1><pre>"
            f'<a href="?C=N;O=D">Name</a> <a href="../">Parent Directory</a>\n{rows}</pre></body></html>'
        ).encode()

    def _file(self, path: str, file: StoredFile, fault: Fault, with_body: bool) -> None:
        headers: dict[str, str] = {}
        if file.has_validators:
            headers["ETag"] = str(file.etag)
            headers["Last-Modified"] = formatdate(file.modified, usegmt=True)
        status, body = 200, file.body
        wanted = self.headers.get("Range", "")
        condition = self.headers.get("If-Range")
        same = condition is None or condition in headers.values()
        if wanted and same and self.archive.ranges and not fault.ignore_range:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            if start >= len(body):
                headers["Content-Range"] = f"bytes */{len(body)}"
                self._reply(path, 416, b"", headers, fault, with_body, "text/html")
                return
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body = body[start:]
        self._reply(path, status, body, headers, fault, with_body, fault.content_type or file.content_type)

    def _reply(
        self, path: str, status: int, body: bytes, headers: dict[str, str], fault: Fault, with_body: bool, content_type: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name, value)
        if fault.no_length:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body) + fault.length_error))
        self.end_headers()
        if with_body:
            self._send(path, body, fault)
        if fault.no_length or fault.length_error or fault.drop_after is not None:
            self.close_connection = True

    def _send(self, path: str, body: bytes, fault: Fault) -> None:
        end = min(x for x in (fault.drop_after, fault.stall_after, len(body)) if x is not None)
        step = 1 if fault.drip_s else 64 * 1024
        for start in range(0, end, step):
            chunk = body[start : min(start + step, end)]
            try:
                self.wfile.write(chunk)
                self.wfile.flush()
            except OSError:
                self.close_connection = True
                return
            self.archive.sent[path] += len(chunk)
            if fault.drip_s:
                self.archive.closing.wait(fault.drip_s)
            if self.archive.bytes_per_s:
                time.sleep(len(chunk) / self.archive.bytes_per_s)
        if fault.stall_after is not None:
            self.archive.closing.wait(60)
            self.close_connection = True
