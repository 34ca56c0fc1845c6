"""Asking a Table Access Protocol service one query by pyvo: the whole answer as bytes, or a sentence that says what went wrong.

pyvo builds the request and sends it through a session of our own, which adds what pyvo leaves open: time-outs, a bound on the
size, redirects that stay with the service, no credentials, and a watch that ends a wait when somebody cancels.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urljoin, urlsplit

import daxa_gui
from daxa_gui.core.errors import Cancelled, TransferError
from daxa_gui.remote.connection import CHUNK_BYTES, MOST_REDIRECTS, Timeouts, Watch, host_of
from daxa_gui.remote.pacing import BANDWIDTH, retry_after_s

# A service works on a query for a while before the first byte comes; HEASARC's largest tables take tens of seconds.
TAP_TIMEOUTS = Timeouts(stall_s=120.0)
MOST_REPLY_BYTES = 512 * 1024 * 1024  # one page; 50 000 rows of 20 columns as plain XML are about 50 MB
MOST_ERROR_BYTES = 256 * 1024  # of an answer that is an error: enough for its text
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class TapReply:
    """What a service sent: `status` is the HTTP status, `body` the decoded content (only its start for errors)."""

    status: int
    content_type: str
    body: bytes
    retry_after_s: float | None = None


class _Asker:
    """`check_cancelled` for a Watch, made from a function that says whether somebody cancelled."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled

    def check_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled


class TapConnection:
    """A service that is asked one query after the other from one thread; use it as a context manager.

    `cancelled` is asked often, also from a second thread. `ca_file` names a file of certificates to trust in place of the
    usual ones (for a mirror of an institute).
    """

    def __init__(
        self,
        address: str,
        *,
        cancelled: Callable[[], bool],
        timeouts: Timeouts = TAP_TIMEOUTS,
        ca_file: str = "",
        most_bytes: int = MOST_REPLY_BYTES,
    ) -> None:
        if urlsplit(address).scheme not in ("http", "https") or not host_of(address):
            raise TransferError(f"« {address} » is not an http or https address.", retryable=False)
        self.address = address.rstrip("/")
        self.host = host_of(address)
        self._asker = _Asker(cancelled)
        self._timeouts, self._most_bytes = timeouts, most_bytes
        self._watched = _Watched()
        self._session = _new_session(self.address, self._watched, timeouts, ca_file)

    def __enter__(self) -> TapConnection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._session.close()

    def ask(self, adql: str, *, most_rows: int, response_format: str = "") -> TapReply:
        """Send one synchronous query and read its whole answer, whatever it is.

        Raises
        ------
        TransferError : no answer, a broken or endless one, or a redirect to somewhere else.
        Cancelled : `cancelled` said so, before, while waiting or while reading.
        """
        import requests
        import urllib3
        from pyvo.dal.tap import TAPService

        options = {"RESPONSEFORMAT": response_format} if response_format else {}
        query = TAPService(self.address, session=self._session).create_query(adql, maxrec=most_rows, **options)
        self._asker.check_cancelled()
        with Watch(self._asker, self._timeouts, self.address) as watch:
            self._watched.watch = watch
            try:
                response = query.submit()
                try:
                    return self._read(response, watch)
                finally:
                    response.close()
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, http.client.HTTPException) as error:
                watch.raise_reason()
                # no « from error »: its text may name proxies and addresses of this network
                raise _broken(self.host, error) from None
            finally:
                self._watched.watch = None

    def _read(self, response: Any, watch: Watch) -> TapReply:
        status = int(response.status_code)
        # urllib3 decodes gzip and checks Content-Length; read1 gives what has come, so that a slow answer is no silent one
        parts: list[bytes] = []
        size, most = 0, self._most_bytes if status == 200 else MOST_ERROR_BYTES
        for chunk in self._chunks(response, watch):
            parts.append(chunk)
            size += len(chunk)
            if size > most and status != 200:
                break
            if size > most:
                raise TransferError(
                    f"{self.host} sent more than {most // 1_000_000} MB for one page of a table.",
                    "Nothing was taken from it. The service may not respect the number of rows asked for.",
                    retryable=False,
                )
        content_type = str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
        wait = retry_after_s(response.headers.get("Retry-After"))
        return TapReply(status, content_type, b"".join(parts), wait)

    def _chunks(self, response: Any, watch: Watch) -> Iterator[bytes]:
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            watch.heard(len(chunk))
            yield chunk
            pause(BANDWIDTH.take(len(chunk)), self._asker.check_cancelled)
            watch.heard(0)
            watch.raise_reason()
        # a socket that the watch shut down looks like an end
        watch.raise_reason()
        self._asker.check_cancelled()


def pause(seconds: float, check_cancelled: Callable[[], None]) -> None:
    """Sleep, but look often whether somebody cancelled."""
    end = time.monotonic() + seconds
    check_cancelled()
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
        check_cancelled()


class _Watched:
    """The watch of the request under way, told of the connection as soon as there is one."""

    watch: Watch | None = None

    def look_at(self, connection: Any) -> None:
        if self.watch is not None and connection.sock is not None:
            self.watch.look_at(connection)
            self.watch.raise_reason()  # cancelled while the connection was being made


def _new_session(address: str, watched: _Watched, timeouts: Timeouts, ca_file: str) -> Any:
    """A requests.Session for pyvo. The classes are made here because requests is imported only when somebody asks."""
    import requests

    class Session(requests.Session):
        def request(self, method: Any, url: Any, *arguments: Any, **options: Any) -> Any:
            # the watch ends a stall; the second number is the safety net behind it
            options |= {"allow_redirects": False, "timeout": (timeouts.connect_s, timeouts.stall_s * 4 + 60)}
            for _ in range(MOST_REDIRECTS + 1):
                response = super().request(method, url, *arguments, **options)
                target = response.headers.get("Location", "")
                if response.status_code not in _REDIRECTS or not target:
                    return response
                response.close()
                url = _allowed_redirect(str(url), target)
                if response.status_code == 303:  # « the answer is there »: DALI 1.1, section 2; the others mean « ask there »
                    method = "GET"
                    options |= {"data": None, "files": None}
            raise TransferError(f"{host_of(address)} redirects in a circle.", "Its address may have changed.", retryable=False)

    session = Session()
    adapter = _watching_adapter(watched)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers["User-Agent"] = f"daxa-gui/{daxa_gui.__version__}"
    session.auth = _without_login  # requests would look for a login in the person's .netrc
    session.trust_env = host_of(address) not in _LOOPBACK  # no proxy for this machine itself
    if ca_file:
        session.verify = ca_file
    return session


def _without_login(request: Any) -> Any:
    return request


def _watching_adapter(watched: _Watched) -> Any:
    """requests' adapter, with connections that show their socket to the watch."""
    import urllib3
    from requests.adapters import HTTPAdapter

    class Plain(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            watched.look_at(self)

        def putrequest(self, *arguments: Any, **options: Any) -> Any:
            watched.look_at(self)  # a connection that was kept open
            return super().putrequest(*arguments, **options)

    class Secure(urllib3.connection.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            watched.look_at(self)

        def putrequest(self, *arguments: Any, **options: Any) -> Any:
            watched.look_at(self)
            return super().putrequest(*arguments, **options)

    # what this computer trusts, as for downloads; requests alone knows only the list that it brings along
    context = ssl.create_default_context()
    plain_pool = type("PlainPool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": Plain})
    secure_pool = type("SecurePool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": Secure})

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options, ssl_context=context)
            self.poolmanager.pool_classes_by_scheme = {"http": plain_pool, "https": secure_pool}

        def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
            manager = super().proxy_manager_for(*arguments, **options, ssl_context=context)
            manager.pool_classes_by_scheme = {"http": plain_pool, "https": secure_pool}
            return manager

    return Adapter(max_retries=0)


def _allowed_redirect(url: str, target: str) -> str:
    """The address that a service points to, if it is the same host, or the same host by https."""
    new = urljoin(url, target)
    old_parts, parts = urlsplit(url), urlsplit(new)
    same_host = host_of(url) == host_of(new)
    if same_host and parts.scheme in (old_parts.scheme, "https") and parts.username is None:
        return new
    where = "another scheme" if same_host else f"another host ({host_of(new) or 'none'})"
    raise TransferError(
        f"{host_of(url)} redirects to {where}.",
        "The program does not follow it there. If the service has moved, its new address belongs into the settings.",
        retryable=False,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was made from: requests and urllib3 wrap each other's."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _broken(host: str, error: Exception) -> TransferError:
    import requests
    import urllib3

    causes = list(_causes(error))

    def has(*kinds: Any) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(requests.exceptions.ProxyError, urllib3.exceptions.ProxyError):
        return TransferError(f"The proxy of this network did not let the program reach {host}.", "Check the proxy's settings.")
    if has(ssl.SSLCertVerificationError, ssl.CertificateError):
        return TransferError(
            f"The certificate of {host} cannot be trusted.",
            "Check this computer's clock and its network; nothing was fetched.",
            retryable=False,
        )
    if has(socket.gaierror, urllib3.exceptions.NameResolutionError):
        return TransferError(f"The host {host} is not known here.", "Check the network connection.")
    if has(ConnectionRefusedError):
        return TransferError(f"{host} takes no connections.", "The service may be down; it is tried again later.")
    if has(requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
        return TransferError(f"{host} did not answer in time.", "It is tried again later.")
    if has(requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
        return TransferError(f"The address of {host} cannot be used.", "Check it in the settings.", retryable=False)
    if has(urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError):
        return TransferError(f"The answer of {host} is compressed in a damaged way.", "It is tried again later.")
    return TransferError(f"The connection to {host} broke before the answer was whole.", "It is tried again later.")
