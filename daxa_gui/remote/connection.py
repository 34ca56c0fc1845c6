"""HTTP to archive services: one connection per host kept open, redirects, proxies, time-outs, cancelling, and sentences for
what goes wrong. What the bytes mean is not known here."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

import daxa_gui
from daxa_gui.core.errors import Cancelled, TransferError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.pacing import BANDWIDTH, retry_after_s

CHUNK_BYTES = 256 * 1024
MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Timeouts:
    """Seconds. A connection must be made within `connect_s`; while it is used, some bytes must come every `stall_s`, and at
    least `slowest_bytes_s` on average over each span of four times that."""

    connect_s: float = 20.0
    stall_s: float = 45.0
    slowest_bytes_s: float = 64.0
    look_s: float = 0.2  # how often a waiting transfer looks whether it was cancelled


class StatusError(TransferError):
    """The server answered, but not with what was asked for. `status` is the HTTP status."""

    def __init__(self, status: int, message: str, hint: str = "", *, retryable: bool = False) -> None:
        super().__init__(message, hint, retryable=retryable)
        self.status = status

    @property
    def says_missing(self) -> bool:
        return self.status in (404, 410)


def join_url(base: str, path: str) -> str:
    """The address of `path` (not percent-encoded, relative) below `base`."""
    return f"{base.rstrip('/')}/{quote(path.lstrip('/'), safe='/~')}"


def host_of(url: str) -> str:
    """The host name in an address, lower case, without port: the name of its lane."""
    return (urlsplit(url).hostname or "").lower()


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TransferError(f"« {url} » is not an http or https address.", retryable=False)
    if any(ord(character) <= 32 or ord(character) > 126 for character in url):
        raise TransferError(f"The address {url!r} has characters that an address cannot have.", retryable=False)
    return parts


def _status_error(status: int, reason: str, url: str, headers: http.client.HTTPMessage) -> StatusError:
    if status in (404, 410):
        return StatusError(status, f"There is no {url} on the server ({status}).", "The archive may have moved or renamed it.")
    if status in (401, 403):
        return StatusError(
            status,
            f"The server does not give out {url} ({status} {reason}).",
            "The data may not be public yet, or the server refuses this network.",
        )
    transient = status in (408, 425, 429) or status >= 500
    error = StatusError(
        status,
        f"The server answered {status} {reason} for {url}.",
        "It is tried again later." if transient else "Look at the address in a browser.",
        retryable=transient,
    )
    error.retry_after_s = retry_after_s(headers.get("Retry-After"))
    return error


def _broken(url: str, error: Exception) -> TransferError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransferError(
            f"The certificate of {host_of(url)} cannot be trusted ({error.verify_message}).",
            "Check this computer's clock and its network; nothing was fetched.",
            retryable=False,
        )
    if isinstance(error, socket.gaierror):
        return TransferError(f"The host {host_of(url)} is not known here ({error}).", "Check the network connection.")
    if isinstance(error, TimeoutError):
        return TransferError(f"{host_of(url)} did not answer in time ({url}).", "It is tried again later.")
    what = str(error) or type(error).__name__
    return TransferError(f"The connection to {host_of(url)} broke ({what}) at {url}.", "It is tried again later.")


class Cancellable(Protocol):
    """The part of a TaskContext that a Watch needs."""

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if somebody asked for it; called from the watch's own thread."""


class Watch:
    """Looks after one socket from a second thread: a blocking read cannot be cancelled, but its socket can be shut down.

    It asks `ctx.check_cancelled` from that thread.

    After the read came back, `raise_reason` tells why, if the watch was the reason.
    """

    def __init__(self, ctx: Cancellable, timeouts: Timeouts, url: str) -> None:
        self._ctx, self._timeouts, self._url = ctx, timeouts, url
        self._done = threading.Event()
        self._socket: socket.socket | None = None
        self._reason: Exception | None = None
        self._bytes = 0
        self._heard_s = time.monotonic()
        self._span_bytes, self._span_start_s = 0, self._heard_s
        self._thread = threading.Thread(target=self._look, name="transfer watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def look_at(self, connection: http.client.HTTPConnection) -> None:
        self._socket = connection.sock
        self.heard(0)

    def heard(self, n_bytes: int) -> None:
        """Something came. A pause of our own (pacing, slow disk) is no stall: call it afterwards as well."""
        self._bytes += n_bytes
        self._heard_s = time.monotonic()

    def raise_reason(self) -> None:
        if self._reason is not None:
            raise self._reason

    def _look(self) -> None:
        while not self._done.wait(self._timeouts.look_s):
            try:
                self._ctx.check_cancelled()
            except Cancelled as cancelled:
                self._reason = cancelled
            else:
                self._reason = self._stall()
            if self._reason is not None:
                self._shut_down()
                return

    def _stall(self) -> Exception | None:
        now = time.monotonic()
        if now - self._heard_s > self._timeouts.stall_s:
            return self._stalled(f"nothing came for {self._timeouts.stall_s:g} s")
        if now - self._span_start_s > 4 * self._timeouts.stall_s:
            rate = (self._bytes - self._span_bytes) / (now - self._span_start_s)
            self._span_bytes, self._span_start_s = self._bytes, now
            if rate < self._timeouts.slowest_bytes_s:
                return self._stalled(f"only {rate:.0f} bytes came per second")
        return None

    def _stalled(self, what: str) -> TransferError:
        return TransferError(f"The transfer from {host_of(self._url)} stalled: {what} ({self._url}).", "It is tried again later.")

    def _shut_down(self) -> None:
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # closed already: the reader has noticed by itself


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
                chunk = self._response.read1(CHUNK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                self._watch.raise_reason()
                if isinstance(error, http.client.IncompleteRead):
                    raise TransferError(f"The answer of {host_of(self.url)} ended too early ({self.url}).") from error
                raise _broken(self.url, error) from error
            self._watch.raise_reason()
            if not chunk:
                return
            self._watch.heard(len(chunk))
            yield chunk
            self._pause(ctx, BANDWIDTH.take(len(chunk)))
            self._watch.heard(0)

    def _pause(self, ctx: TaskContext, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ctx.check_cancelled()
            self._watch.heard(0)
            time.sleep(min(left, 0.1))


class Visit:
    """A visit to one or more hosts: use it as a context manager around a few requests, from one thread.

    Connections are kept open between requests whose answers were read to their end.
    """

    def __init__(self, ctx: TaskContext, timeouts: Timeouts | None = None) -> None:
        self._ctx = ctx
        self._timeouts = timeouts or Timeouts()
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
        self, url: str, *, method: str = "GET", headers: dict[str, str] | None = None, accept: tuple[int, ...] = (200,)
    ) -> _Exchange:
        """Ask for `url`. Enter the result to get the Reply; the connection is kept only if the body was read to its end."""
        return _Exchange(self, url, method, headers or {}, accept)

    def _connection(self, parts: SplitResult) -> tuple[http.client.HTTPConnection, bool]:
        """A connection for `parts`, and whether it was used before (then the server may have closed it meanwhile)."""
        key = (parts.scheme, parts.hostname or "", parts.port)
        if key in self._open:
            return self._open[key], True
        connection = _new_connection(parts, self._timeouts)
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


class _Exchange:
    """One request with its redirects, as a context manager around reading its answer."""

    def __init__(self, visit: Visit, url: str, method: str, headers: dict[str, str], accept: tuple[int, ...]) -> None:
        self._visit, self._url, self._method, self._accept = visit, url, method, accept
        self._headers = {
            "User-Agent": f"daxa-gui/{daxa_gui.__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **headers,
        }
        self._watch = Watch(visit._ctx, visit._timeouts, url)
        self._response: http.client.HTTPResponse | None = None
        self._parts = urlsplit(url)

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
                url = self._redirected(url, response.headers["Location"])
                continue
            if response.status not in self._accept:
                raise _status_error(response.status, response.reason, url, response.headers)
            return Reply(response, url, self._watch)
        raise TransferError(f"{self._url} leads from one redirection to the next without end.", retryable=False)

    def _redirected(self, url: str, location: str) -> str:
        there = quote(urljoin(url, location), safe="%/:=&?~#+!$,;'@()*[]")
        if _checked(url).scheme == "https" and _checked(there).scheme != "https":
            raise TransferError(f"{url} redirects to an address that is not protected ({there}).", retryable=False)
        return there

    def _send_or_translate(self, url: str) -> http.client.HTTPResponse:
        self._parts = _checked(url)
        self._response = None
        try:
            try:
                self._response = self._send(url)
            except (http.client.HTTPException, ConnectionError):
                # A kept connection may have been closed by the server in the meantime: once more with a new one.
                self._watch.raise_reason()
                if not self._used_before:
                    raise
                self._visit._drop(self._parts)
                self._response = self._send(url)
        except (OSError, http.client.HTTPException) as error:
            self._watch.raise_reason()
            raise _broken(url, error) from error
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
        connection.request(self._method, target, headers={**self._headers, **getattr(connection, "proxy_headers", {})})
        return connection.getresponse()


class _ProxiedConnection(http.client.HTTPConnection):
    """A connection to a proxy that is asked with whole addresses (plain http only; https tunnels through)."""

    asks_with_whole_address = True

    def __init__(self, host: str, port: int | None, timeout: float, proxy_headers: dict[str, str]) -> None:
        super().__init__(host, port, timeout=timeout)
        self.proxy_headers = proxy_headers


def _new_connection(parts: SplitResult, timeouts: Timeouts) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port
    proxy = _proxy_for(parts)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        if proxy is None:
            return http.client.HTTPSConnection(host, port, timeout=timeouts.connect_s, context=context)
        tunnel = http.client.HTTPSConnection(proxy.hostname or "", proxy.port or 80, timeout=timeouts.connect_s, context=context)
        tunnel.set_tunnel(host, port or 443, _proxy_headers(proxy))
        return tunnel
    if proxy is None:
        return http.client.HTTPConnection(host, port, timeout=timeouts.connect_s)
    return _ProxiedConnection(proxy.hostname or "", proxy.port or 80, timeouts.connect_s, _proxy_headers(proxy))


def _proxy_for(parts: SplitResult) -> SplitResult | None:
    """The proxy that the system or the environment names for this address; never one for this machine itself."""
    host = (parts.hostname or "").lower()
    if host in _LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    address = urllib.request.getproxies().get(parts.scheme, "")
    if not address:
        return None
    proxy = urlsplit(address if "//" in address else f"http://{address}")
    return proxy if proxy.hostname else None


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode("ascii")}
