"""An archive server on 127.0.0.1 on which everything goes wrong that goes wrong on the internet; it writes down what it sent.

What happens to a file's answers is drawn from the seed and the file's path alone, so a run can be repeated. After `most_faults`
bad answers a file is served well: whoever tries long enough gets everything.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

from tests.fakes.loopback import Loopback

FAULTS = (
    "drop", "drop", "drop", "drip", "stall", "416", "new etag", "length too long", "length too short", "no range", "html",
    "json", "429", "503", "redirect loop", "redirect away", "hang up",
)  # fmt: skip
PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>" + b"Back soon. " * 300 + b"</body></html>"


@dataclass(frozen=True)
class Sent:
    """One answer with (part of) a file: bytes `start` to `end` of it left the server at `at_s` (monotonic) or before."""

    path: str
    start: int
    end: int
    at_s: float


@dataclass
class ChaosServer(Loopback):
    """`files` maps decoded absolute paths to contents. Use as a context manager.

    `share` of the files have bad answers, at most `most_faults` each, of the kinds in `faults`.
    """

    files: dict[str, bytes]
    seed: int = 1
    share: float = 0.3
    most_faults: int = 2
    faults: tuple[str, ...] = FAULTS
    stall_s: float = 5.0
    bytes_per_s: float | None = None
    ledger: list[Sent] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # paths of all GET requests, in order
    happened: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    override: Callable[[str], str | None] = lambda path: None  # names the fault of an answer in place of the drawn one
    on_sent: Callable[[int], None] = lambda total: None  # called with all bytes that were sent so far

    def __enter__(self) -> ChaosServer:
        self.lock = threading.Lock()
        self.total_sent = 0
        self._planned: dict[str, list[str]] = {}
        handler = type("Handler", (_Handler,), {"server_of_all": self})
        return self.listen(handler)

    def planned(self, path: str) -> list[str]:
        """What is still going to go wrong with a file, in order."""
        if path not in self._planned:
            draw = random.Random(f"{self.seed} {path}")
            count = draw.randint(1, self.most_faults) if draw.random() < self.share else 0
            self._planned[path] = [draw.choice(self.faults) for _ in range(count)]
        return self._planned[path]

    def next_fault(self, path: str) -> str:
        with self.lock:
            self.asked.append(path)
            fault = self.override(path)
            if fault is None:
                waiting = self.planned(path)
                fault = waiting.pop(0) if waiting else ""
            if fault:
                self.happened[fault] += 1
            return fault

    def gets(self, path: str) -> int:
        """How often a file was asked for."""
        with self.lock:
            return self.asked.count(path)

    def gets_now(self, path: str) -> int:
        """The same, from within `override`."""
        return self.asked.count(path)

    def note(self, path: str, start: int, end: int) -> None:
        with self.lock:
            self.ledger.append(Sent(path, start, end, time.monotonic()))

    def count(self, n_bytes: int) -> None:
        with self.lock:
            self.total_sent += n_bytes
            total = self.total_sent
        self.on_sent(total)


class _Handler(BaseHTTPRequestHandler):
    server_of_all: ChaosServer
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024  # headers and a small body leave in one piece

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # the other side was killed

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_HEAD(self) -> None:
        content = self.server_of_all.files.get(unquote(self.path))
        self._begin(404 if content is None else 200, 0 if content is None else len(content), {})
        self.wfile.flush()

    def do_GET(self) -> None:
        path = unquote(self.path)
        if path.startswith("/round/"):
            self._redirect(f"/round/{random.random()}")
            return
        moved = path.startswith("/moved/")
        path = path.removeprefix("/moved")
        content = self.server_of_all.files.get(path)
        if content is None:
            self._page(404, PAGE, "text/html")
            return
        fault = "" if moved else self.server_of_all.next_fault(path)
        if not self._misbehave(fault, path, content):
            self._file(path, content, fault)

    def _misbehave(self, fault: str, path: str, content: bytes) -> bool:
        """Answer with something else than the file; whether that was done."""
        if fault == "hang up":
            self.close_connection = True
        elif fault == "html":
            self._page(200, PAGE, "application/octet-stream")
        elif fault == "json":
            self._page(200, b'{"status": "error", "message": "' + b"x" * 800 + b'"}', "application/json")
        elif fault in ("429", "503"):
            self._page(int(fault), PAGE, "text/html", {"Retry-After": "0.1"})
        elif fault == "416":
            self._page(416, PAGE, "text/html", {"Content-Range": f"bytes */{len(content) // 2}"})
        elif fault == "redirect loop":
            self._redirect("/round/1")
        elif fault == "redirect away":
            self._redirect(f"/moved{self.path}")
        else:
            return False
        return True

    def _redirect(self, to: str) -> None:
        self._begin(302, 0, {"Location": to})
        self.wfile.flush()

    def _page(self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self._begin(status, len(body), {"Content-Type": content_type, **(headers or {})})
        self.wfile.write(body)
        self.wfile.flush()

    def _begin(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _file(self, path: str, content: bytes, fault: str) -> None:
        tag = hashlib.sha256(content).hexdigest()[:16]
        if fault == "new etag":
            tag += f"-{random.random()}"
        headers = {
            "Content-Type": "application/octet-stream", "ETag": f'"{tag}"', "Last-Modified": formatdate(1.0e9, usegmt=True),
            "Content-Disposition": 'attachment; filename="../../../etc/passwd"',
        }  # fmt: skip
        start, status = 0, 200
        wanted = self.headers.get("Range", "")
        if wanted and fault != "no range" and self.headers.get("If-Range", f'"{tag}"') == f'"{tag}"':
            start, status = int(wanted.removeprefix("bytes=").partition("-")[0]), 206
            if start >= len(content):
                self._page(416, b"", "text/plain", {"Content-Range": f"bytes */{len(content)}"})
                return
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        wrong = {"length too long": 1000, "length too short": -min(1000, (len(content) - start) // 2)}.get(fault, 0)
        self._begin(status, len(content) - start + wrong, headers)
        end = self._send(path, content, start, fault)
        if wrong or end < len(content):
            self.wfile.flush()
            self.close_connection = True

    def _send(self, path: str, content: bytes, start: int, fault: str) -> int:
        """Send the file from byte `start` on; where it ended. The ledger has it before the client can have all of it."""
        server = self.server_of_all
        stop = len(content)
        if fault in ("drop", "stall"):
            stop = random.randint(start, len(content) - 1)
        step = 64 if fault == "drip" else 64 * 1024
        position = start
        while position < stop:
            piece = content[position : min(position + step, stop)]
            if position + len(piece) >= stop:
                server.note(path, start, stop)
            self.wfile.write(piece)
            self.wfile.flush()
            position += len(piece)
            server.count(len(piece))
            if fault == "drip":
                step = 64 if position - start < 640 else 64 * 1024
                server.closing.wait(0.02)
            if server.bytes_per_s:
                time.sleep(len(piece) / server.bytes_per_s)
        if stop == start:
            server.note(path, start, stop)
        if fault == "stall":
            server.closing.wait(server.stall_s)
        return stop
