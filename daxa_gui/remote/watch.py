"""Looking after a transfer from outside: a read that hangs is ended when it stalls or when somebody cancels."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from dataclasses import dataclass
from typing import Protocol

from daxa_gui.core.errors import Cancelled, TransferError
from daxa_gui.remote.addresses import host_of


@dataclass(frozen=True)
class Timeouts:
    """Seconds. A connection must be made within `connect_s`; while it is used, some bytes must come every `stall_s`, and at
    least `slowest_bytes_s` on average over each span of four times that."""

    connect_s: float = 20.0
    stall_s: float = 45.0
    slowest_bytes_s: float = 64.0
    look_s: float = 0.2  # how often a waiting transfer looks whether it was cancelled


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
        """Something came."""
        self._bytes += n_bytes
        self._heard_s = time.monotonic()

    def paused(self, seconds: float) -> None:
        """We did not read for so long: that counts neither as silence nor as a low rate."""
        self._heard_s = time.monotonic()
        self._span_start_s += seconds

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
