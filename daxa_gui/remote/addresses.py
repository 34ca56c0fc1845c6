"""Addresses of archive services: joining and checking them, and sentences for what servers and networks answer."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterable
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.pacing import retry_after_s


class StatusError(TransferError):
    """The server answered, but not with what was asked for. `status` is the HTTP status."""

    def __init__(self, status: int, message: str, hint: str = "", *, retryable: bool = False) -> None:
        super().__init__(message, hint, retryable=retryable)
        self.status = status

    @property
    def says_missing(self) -> bool:
        return self.status in (404, 410)


def join_url(base: str, path: str, query: Iterable[tuple[str, str]] = ()) -> str:
    """The address of `path` (not percent-encoded, relative) below `base`, asked with the pairs of `query` (not encoded)."""
    asked = urlencode(list(query), quote_via=quote)
    return f"{base.rstrip('/')}/{quote(path.lstrip('/'), safe='/~')}{'?' if asked else ''}{asked}"


def host_of(url: str) -> str:
    """The host name in an address, lower case, without port: the name of its lane."""
    return (urlsplit(url).hostname or "").lower()


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses lead to the same port of the same host in the same way (RFC 6454, section 5)."""
    return _origin(urlsplit(one)) == _origin(urlsplit(other))


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    port = parts.port if parts.port is not None else {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def checked(url: str) -> SplitResult:
    """The parts of an address that may be asked; TransferError for every other one."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TransferError(f"« {url} » is not an http or https address.", retryable=False)
    if any(ord(character) <= 32 or ord(character) > 126 for character in url):
        raise TransferError(f"The address {url!r} has characters that an address cannot have.", retryable=False)
    if "@" in parts.netloc:  # not repeated here: what stands before the @ may be a password
        raise TransferError(
            f"The address of {parts.hostname} holds a user name.",
            "Names and passwords belong into the key ring: leave them out of the address.",
            retryable=False,
        )
    return parts


# Said of a failure that passes by waiting; true while it is tried again and after the last attempt.
_PASSING = "The server or the network may be busy or down for a while."


def status_error(status: int, reason: str, url: str, headers: http.client.HTTPMessage) -> StatusError:
    """What an answer with this status means, as a sentence."""
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
        _PASSING if transient else "Look at the address in a browser.",
        retryable=transient,
    )
    error.retry_after_s = retry_after_s(headers.get("Retry-After"), date=headers.get("Date"))
    return error


def broken(url: str, error: Exception) -> TransferError:
    """What the network or the other side did to a connection, as a sentence."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransferError(
            f"The certificate of {host_of(url)} cannot be trusted ({error.verify_message}).",
            "Check this computer's clock and its network; nothing was fetched.",
            retryable=False,
        )
    if isinstance(error, socket.gaierror):
        return TransferError(f"The host {host_of(url)} is not known here ({error}).", "Check the network connection.")
    if isinstance(error, TimeoutError):
        return TransferError(f"{host_of(url)} did not answer in time ({url}).", _PASSING)
    if isinstance(error, ConnectionRefusedError):
        return TransferError(f"{host_of(url)} refuses connections ({url}).", _PASSING)
    what = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return TransferError(f"The connection to {host_of(url)} broke ({what}) at {url}.", _PASSING)
