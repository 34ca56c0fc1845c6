"""HTTP to archive services: one connection per host kept open, redirects, proxies, time-outs, cancelling, and sentences for
what goes wrong. What the bytes mean is not known here."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from urllib.parse import SplitResult, parse_qsl, quote, unquote, unquote_plus, urljoin, urlsplit

import daxa_gui
from daxa_gui.core.errors import TransferError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.addresses import StatusError, broken, checked, host_of, join_url, same_origin, status_error
from daxa_gui.remote.dialling import new_connection
from daxa_gui.remote.pacing import BANDWIDTH
from daxa_gui.remote.watch import Cancellable, Timeouts, Watch

__all__ = [
    "CHUNK_BYTES",
    "DEFAULT_TIMEOUTS",
    "MOST_REDIRECTS",
    "Cancellable",
    "Reply",
    "StatusError",
    "Timeouts",
    "Visit",
    "Watch",
    "host_of",
    "join_url",
]

CHUNK_BYTES = 256 * 1024
MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What is only for the host that was meant, and never goes to another one that it redirects to.
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_SHORTEST_SECRET = 4  # shorter texts are in many addresses by chance
_BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding"})

# For visits that are given none; the session puts others here (« time limits » of the settings).
DEFAULT_TIMEOUTS = Timeouts()


class Reply:
    """An answer whose body has not been read yet. `url` is where it came from after redirects."""

    def __init__(self, response: http.client.HTTPResponse, url: str, watch: Watch) -> None:
        self._response, self._watch = response, watch
        self.status, self.headers, self.url = response.status, response.headers, url

    @property
    def length(self) -> int | None:
        """What Content-Length says, None if there is none (or no sensible one)."""
        text = (self.headers.get("Content-Length") or "").strip()
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def content_type(self) -> str:
        return str(self.headers.get_content_type()) if "Content-Type" in self.headers else ""

    def chunks(self, ctx: TaskContext) -> Iterator[bytes]:
        """The body, as it comes, paced. A body that is cut short simply ends: compare with `length`."""
        while True:
            ctx.check_cancelled()
            try:
                chunk = self._response.read1(BANDWIDTH.piece_bytes(CHUNK_BYTES))
            except (OSError, http.client.HTTPException) as error:
                self._watch.raise_reason()
                if isinstance(error, http.client.IncompleteRead):
                    raise TransferError(f"The answer of {host_of(self.url)} ended too early ({self.url}).") from error
                raise broken(self.url, error) from error
            self._watch.raise_reason()
            if not chunk:
                return
            self._watch.heard(len(chunk))
            yield chunk
            self._pause(ctx, BANDWIDTH.take(len(chunk)))
            self._watch.heard(0)

    def pieces(self, ctx: TaskContext) -> Iterator[bytes | memoryview]:
        """The same as `chunks`, faster: a piece is only good until the next one is asked for."""
        response = self._response
        if response.chunked or response.length is None or not hasattr(response.fp, "readinto1"):
            yield from self.chunks(ctx)
            return
        buffer = memoryview(bytearray(CHUNK_BYTES))
        while response.length:
            ctx.check_cancelled()
            most = min(BANDWIDTH.piece_bytes(CHUNK_BYTES), response.length)
            try:
                n_bytes = response.fp.readinto1(buffer[:most])
            except (OSError, http.client.HTTPException) as error:
                self._watch.raise_reason()
                raise broken(self.url, error) from error
            self._watch.raise_reason()
            if not n_bytes:
                return
            response.length -= n_bytes
            self._watch.heard(n_bytes)
            yield buffer[:n_bytes]
            self._pause(ctx, BANDWIDTH.take(n_bytes))
            self._watch.heard(0)

    def _pause(self, ctx: TaskContext, seconds: float) -> None:
        begun = before = time.monotonic()
        while (left := begun + seconds - before) > 0:
            ctx.check_cancelled()
            time.sleep(min(left, 0.1))
            now = time.monotonic()
            self._watch.paused(now - before)
            before = now


class Visit:
    """A visit to one or more hosts: use it as a context manager around a few requests, from one thread.

    Connections are kept open between requests whose answers were read to their end.
    """

    def __init__(self, ctx: TaskContext, timeouts: Timeouts | None = None) -> None:
        self._ctx = ctx
        self._timeouts = timeouts or DEFAULT_TIMEOUTS
        self._open: dict[tuple[str, str, int | None], http.client.HTTPConnection] = {}

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def head(self, url: str) -> Reply:
        """Status and headers of `url` after redirects; StatusError unless the status is 200."""
        with self.request(url, method="HEAD") as reply:
            return reply

    def request(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        accept: tuple[int, ...] = (200,),
    ) -> _Exchange:
        """Ask for `url`. Enter the result to get the Reply; the connection is kept only if the body was read to its end.

        `body` is sent along (say what it is with Content-Type). Authorization, Cookie and the body are for the host of `url`
        alone: a redirection to another one is followed without them, or refused where it asks to send the body there.
        Authorization is sent over https only.
        """
        return _Exchange(self, url, method, headers or {}, body, accept)

    def _connection(self, parts: SplitResult) -> tuple[http.client.HTTPConnection, bool]:
        """A connection for `parts`, and whether it was used before (then the server may have closed it meanwhile)."""
        key = (parts.scheme, parts.hostname or "", parts.port)
        if key in self._open:
            return self._open[key], True
        connection = new_connection(parts, self._timeouts)
        connection.connect()
        if connection.sock is not None:
            # The watch ends a stall; this is the safety net behind it.
            connection.sock.settimeout(self._timeouts.stall_s * 4 + 60)
        self._open[key] = connection
        return connection, False

    def _drop(self, parts: SplitResult) -> None:
        connection = self._open.pop((parts.scheme, parts.hostname or "", parts.port), None)
        if connection is not None:
            connection.close()


def _secrets_in(headers: Mapping[str, str], body: bytes | None) -> tuple[str, ...]:
    """Passwords that go along with a request: of a form (XSA's AIOPWD), or of HTTP Basic."""
    found = [value for name, value in parse_qsl((body or b"").decode("ascii", "replace")) if name.upper().endswith("PWD")]
    for name, value in headers.items():
        pair = value.removeprefix("Basic ")
        if name.lower() == "authorization" and pair != value:
            found.append(pair)
            with suppress(ValueError):
                found.append(base64.b64decode(pair).decode("utf-8", "replace").partition(":")[2])
    return tuple(text for text in found if len(text) >= _SHORTEST_SECRET)


class _Exchange:
    """One request with its redirects, as a context manager around reading its answer."""

    def __init__(
        self, visit: Visit, url: str, method: str, headers: Mapping[str, str], body: bytes | None, accept: tuple[int, ...]
    ) -> None:
        self._visit, self._url, self._method, self._body, self._accept = visit, url, method, body, accept
        self._headers = {
            "User-Agent": f"daxa-gui/{daxa_gui.__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **headers,
        }
        self._watch = Watch(visit._ctx, visit._timeouts, url)
        self._response: http.client.HTTPResponse | None = None
        self._parts = urlsplit(url)
        self._secrets = _secrets_in(self._headers, body)
        self._refuse_open_secrets(url)

    def _refuse_open_secrets(self, url: str) -> None:
        if urlsplit(url).scheme != "https" and any(name.lower() == "authorization" for name in self._headers):
            raise TransferError(
                f"A password is not sent to {host_of(url)}, because its address is not protected (http, not https).",
                "Use an https address for this service.",
                retryable=False,
            )

    def __enter__(self) -> Reply:
        self._visit._ctx.check_cancelled()
        self._watch.__enter__()
        try:
            return self._follow()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self._watch.__exit__()
        response = self._response
        if response is not None and response.length == 0 and not response.will_close:
            response.close()  # everything was read: this frees the connection for the next request
        if response is None or not response.isclosed() or response.will_close:
            self._visit._drop(self._parts)

    def _follow(self) -> Reply:
        url = self._url
        for _ in range(MOST_REDIRECTS + 1):
            response = self._send_or_translate(url)
            if response.status in _REDIRECTS and "Location" in response.headers:
                self._visit._drop(self._parts)
                url = self._redirected(url, response.status, response.headers["Location"])
                continue
            if response.status not in self._accept:
                raise status_error(response.status, response.reason, url, response.headers)
            return Reply(response, url, self._watch)
        raise TransferError(f"{self._url} leads from one redirection to the next without end.", retryable=False)

    def _redirected(self, url: str, status: int, location: str) -> str:
        if any(secret in text for secret in self._secrets for text in (location, unquote(location), unquote_plus(location))):
            # followed, it would stand in addresses, and from there in manifests, logs and messages
            raise TransferError(
                f"{host_of(url)} redirects to an address that holds the password; it is not followed.", retryable=False
            )
        there = quote(urljoin(url, location), safe="%/:=&?~#+!$,;'@()*[]")
        if checked(url).scheme == "https" and checked(there).scheme != "https":
            raise TransferError(f"{url} redirects to an address that is not protected ({there}).", retryable=False)
        if status == 303 or (status in (301, 302) and self._method == "POST"):  # RFC 9110, section 15.4
            self._method = "HEAD" if self._method == "HEAD" else "GET"
            self._forget_body()
        if not same_origin(url, there):
            if self._body is not None:
                raise TransferError(
                    f"{host_of(url)} asks to send what was meant for it to {host_of(there)}; nothing was sent there.",
                    retryable=False,
                )
            self._without(_SECRET_HEADERS)
        return there

    def _forget_body(self) -> None:
        self._body = None
        self._without(_BODY_HEADERS)

    def _without(self, names: frozenset[str]) -> None:
        self._headers = {name: value for name, value in self._headers.items() if name.lower() not in names}

    def _send_or_translate(self, url: str) -> http.client.HTTPResponse:
        self._parts = checked(url)
        self._response = None
        try:
            try:
                self._response = self._send(url)
            except (http.client.HTTPException, ConnectionError):
                # A kept connection may have been closed by the server in the meantime: once more with a new one.
                self._watch.raise_reason()
                if not self._used_before or self._body is not None:  # a body may have been acted upon
                    raise
                self._visit._drop(self._parts)
                self._response = self._send(url)
        except (OSError, http.client.HTTPException) as error:
            self._watch.raise_reason()
            raise broken(url, error) from error
        return self._response

    def _send(self, url: str) -> http.client.HTTPResponse:
        self._used_before = False
        connection, self._used_before = self._visit._connection(self._parts)
        self._watch.look_at(connection)
        target = self._parts.path or "/"
        if self._parts.query:
            target += f"?{self._parts.query}"
        if getattr(connection, "asks_with_whole_address", False):
            target = url
        headers = {**self._headers, **getattr(connection, "proxy_headers", {})}
        connection.request(self._method, target, body=self._body, headers=headers)
        return connection.getresponse()
