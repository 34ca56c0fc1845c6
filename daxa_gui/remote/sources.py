"""Which services have the files of a service, in the order in which they are tried, and which of them are down just now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.services import MIRROR

# Services that hold (part of) another one's folders below the same paths, in the order in which they are tried. The AWS registry
# has NuSTAR in the second bucket, the other missions in the first one.
_COPIES: dict[str, tuple[str, ...]] = {"heasarc": ("heasarc_s3", "heasarc_s3_public")}
_ORIGINS = {copy: service for service, copies in _COPIES.items() for copy in copies}
S3_SERVICES = frozenset(_ORIGINS)  # they list by ListObjectsV2, not by pages

REMEMBER_S = 300.0  # how long a source that did not answer is tried last
_LONGEST_REMEMBERED_S = 900.0


def sources_for(service: str, *, prefer_cloud: bool = False) -> tuple[str, ...]:
    """Names of the services that may have the files of `service`, below the same paths, in the order in which they are tried.

    A mirror comes first, then the service, then its copies (before it with `prefer_cloud`). Some may not be available: their
    address is empty. Services named `group:name` (the practice sky's) have no alternatives.
    """
    if ":" in service:
        return (service,)
    copies = _COPIES.get(service, ())
    return (MIRROR + service, *copies, service) if prefer_cloud else (MIRROR + service, service, *copies)


def origin_of(service: str) -> str:
    """The service whose files `service` copies (« mirror:heasarc », « heasarc_s3 » → « heasarc »); itself if it is no copy."""
    name = service.removeprefix(MIRROR)
    return _ORIGINS.get(name, name)


def same_remote_file(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two (service, path) mean the same file, perhaps of different copies of a service."""
    return one[1].lstrip("/") == other[1].lstrip("/") and origin_of(one[0]) == origin_of(other[0])


@dataclass(frozen=True)
class Source:
    """A service with its address; `lane` is that of the jobs that use it."""

    service: str
    address: str
    lane: str

    @property
    def is_local(self) -> bool:
        return self.address.startswith("file:")

    @property
    def lists_as_s3(self) -> bool:
        return self.service in S3_SERVICES


def lane_of(service: str, address: str) -> str:
    """The lane of jobs that use a service: the host of its address, since limits are per host.

    Services named `group:name` share the lane of their group, because their host may have another name tomorrow; a mirror is
    its host, or this machine's disk.
    """
    group, colon, _ = service.partition(":")
    if colon and not service.startswith(MIRROR):
        return f"host:{group}"
    if address.startswith("file:"):
        return "host:files"
    return f"host:{urlsplit(address).hostname or service}"


def available_sources(service: str, service_url: Callable[[str], str], *, prefer_cloud: bool = False) -> tuple[Source, ...]:
    """The sources of a service that have an address, in order.

    Raises
    ------
    TransferError : none has.
    """
    found = []
    for name in sources_for(service, prefer_cloud=prefer_cloud):
        try:
            address = service_url(name)
        except LookupError:
            continue  # whoever tells the addresses does not know this one
        if address:
            found.append(Source(name, address, lane_of(name, address)))
    if not found:
        raise TransferError(f"The archive service « {service} » has no address.", "Look at the settings.", retryable=False)
    return tuple(found)


_Item = TypeVar("_Item")


class Outages:
    """Hosts that did not answer, remembered for a while so that not every job waits for its own time-out. Any thread may ask.

    `clock` gives seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, remember_s: float = REMEMBER_S) -> None:
        self._clock, self._remember_s = clock, remember_s
        self._until_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, address: str, error: Exception) -> bool:
        """Remember that `address` failed, if `error` says that its host is down (not that a file is missing or refused)."""
        if not says_down(error):
            return False
        asked_s = getattr(error, "retry_after_s", None)
        wait_s = self._remember_s if asked_s is None else min(max(float(asked_s), 1.0), _LONGEST_REMEMBERED_S)
        with self._lock:
            self._until_s[_host(address)] = self._clock() + wait_s
        return True

    def answered(self, address: str) -> None:
        """Forget an outage: it is over."""
        if self._until_s:
            with self._lock:
                self._until_s.pop(_host(address), None)

    def is_down(self, address: str) -> bool:
        if not self._until_s:
            return False
        with self._lock:
            return self._until_s.get(_host(address), self._clock()) > self._clock()

    def sorted(self, sources: Sequence[_Item], address: Callable[[_Item], str]) -> Sequence[_Item]:
        """The same sources, those that are down last."""
        return sorted(sources, key=lambda one: self.is_down(address(one))) if self._until_s else sources


def says_down(error: Exception) -> bool:
    """Whether an error says that a server is out of order or out of reach, whatever it is asked for."""
    if isinstance(error, StatusError):
        return error.status >= 500 and error.status != 501
    return isinstance(error, TransferError) and isinstance(error.__cause__, OSError)


def _host(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.lower()}"


# One per process: a host that does not answer one job does not answer the next one either.
OUTAGES = Outages()
