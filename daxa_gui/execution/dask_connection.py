"""The connection of a site to its scheduler: made when first needed, made anew when it was lost, one attempt for all who wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from daxa_gui.core.errors import Cancelled, DaxaError, ReductionError
from daxa_gui.execution.dask_client import NO_TLS, TlsFiles, close_quickly, connect

if TYPE_CHECKING:
    from distributed import Client

    from daxa_gui.execution.runner import CancelToken


class Cluster(Protocol):
    """Where the scheduler is, and what is known of its workers besides what the scheduler says."""

    def locate(self, check: Callable[[], None]) -> tuple[str, TlsFiles]:
        """The scheduler's address and the files for TLS; it may have to be started, which takes a while. `check` raises Cancelled
        when nobody wants it any more. Raises DaxaError."""

    def least_capacity(self) -> int:
        """How many jobs to submit at least, whatever workers there are now."""

    def trouble(self) -> tuple[str, DaxaError | None]:
        """Why there are no workers, as far as anybody knows, and an error if that will not change by itself."""


class FixedCluster:
    """One that is there already, under an address, whoever looks after it."""

    def __init__(self, address: str, tls: TlsFiles = NO_TLS) -> None:
        self.address = address
        self.tls = tls

    def locate(self, check: Callable[[], None]) -> tuple[str, TlsFiles]:
        return self.address, self.tls

    def least_capacity(self) -> int:
        return 1

    def trouble(self) -> tuple[str, DaxaError | None]:
        return "", None


class Connection:
    """
    Parameters
    ----------
    on_made : called with each new connection, before anybody uses it.
    patience_s : how long one that was there and is lost is waited for.
    """

    def __init__(self, cluster: Cluster, on_made: Callable[[Client], None], patience_s: float) -> None:
        self._cluster = cluster
        self._on_made = on_made
        self._patience_s = patience_s
        self._making = threading.Lock()
        self._failed_at = 0.0
        self._failure: DaxaError | None = None
        self.client: Client | None = None
        self.closed = threading.Event()

    def get(self, token: CancelToken | None = None) -> Client:
        """The connection that works. Raises DaxaError if there is none, Cancelled if nobody waits for it any more."""
        asked = time.monotonic()
        while not self._making.acquire(timeout=0.2):
            self._check(token)
        try:
            if self.client is not None and self.client.status == "running":
                return self.client
            if self._failure is not None and self._failed_at > asked:
                raise self._failure
            try:
                client = self._make_patiently(token)
            except DaxaError as error:
                self._failed_at, self._failure = time.monotonic(), error
                raise
            self._on_made(client)
            self.client = client
            return client
        finally:
            self._making.release()

    def _check(self, token: CancelToken | None) -> None:
        if token is not None:
            token.check()
        if self.closed.is_set():
            raise Cancelled

    def _make_patiently(self, token: CancelToken | None) -> Client:
        """One that was there before may come back; one that never was is said to be missing at once."""
        was_there, end = self.client is not None, time.monotonic() + self._patience_s
        if self.client is not None:
            close_quickly(self.client)
        while True:
            self._check(token)
            try:
                address, tls = self._cluster.locate(lambda: self._check(token))
                return connect(address, tls)
            except ReductionError:
                if not was_there or time.monotonic() > end:
                    raise
            if self.closed.wait(0.5):
                raise Cancelled

    def close(self) -> None:
        self.closed.set()
        client, self.client = self.client, None
        if client is not None:
            close_quickly(client)
