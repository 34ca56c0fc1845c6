"""How fast, and how soon again: a bandwidth limit shared by all transfers, and the header Retry-After.

How many connections a host gets at the same time and when a failed job is tried again is decided by the queue, not here.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

PIECE_S = 0.05
SMALLEST_PIECE_BYTES = 512
LONGEST_WAIT_S = 3600.0  # a server that asks for more is asked again after an hour


class TokenBucket:
    """A limit in bytes per second that any number of transfers share. Safe to use from any thread.

    `take` never sleeps: it books the bytes and says how long to wait, so that the caller can wait and still be cancelled.
    Bookings are served in their order, so transfers that read pieces of the same size (`piece_bytes`) get the same share. Up to
    `burst_s` seconds' worth of bytes that were not used are saved up.
    """

    def __init__(
        self, bytes_per_s: float | None = None, *, burst_s: float = 0.1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._burst_s = burst_s
        self._rate: float | None = None
        self._free_at_s = 0.0
        self.limit(bytes_per_s)

    def limit(self, bytes_per_s: float | None) -> None:
        """Set the limit; None or zero means none. Bytes that were booked before no longer count."""
        with self._lock:
            self._rate = bytes_per_s if bytes_per_s and bytes_per_s > 0 else None
            self._free_at_s = self._clock()

    def piece_bytes(self, most: int) -> int:
        """How many bytes to read at once: `most`, or what 50 ms bring under the limit, so that nobody gets far ahead."""
        rate = self._rate
        return most if rate is None else max(SMALLEST_PIECE_BYTES, min(most, int(rate * PIECE_S)))

    def take(self, n_bytes: int) -> float:
        """Book `n_bytes` and return how many seconds to wait before reading on."""
        with self._lock:
            if self._rate is None:
                return 0.0
            now = self._clock()
            self._free_at_s = max(self._free_at_s, now - self._burst_s) + n_bytes / self._rate
            return max(0.0, self._free_at_s - now)


# One per process: the line to the outside is shared by every transfer of the program, whichever archive it belongs to.
BANDWIDTH = TokenBucket()


def retry_after_s(header: str | None, now: Callable[[], float] = time.time, date: str | None = None) -> float | None:
    """Seconds to wait as the header `Retry-After` asks (a number or an HTTP date); None if it says nothing sensible.

    `date` is the header `Date` of the same answer: a moment is compared with the clock that wrote it, since the one of this
    computer (`now`, used without it) may be wrong.
    """
    text = (header or "").strip()
    if not text:
        return None
    try:
        wait = float(text)
    except ValueError:
        moment = _moment_s(text)
        if moment is None:
            return None
        answered = _moment_s(date or "")
        wait = moment - (now() if answered is None else answered)
    if not math.isfinite(wait):
        return None
    return min(max(wait, 0.0), LONGEST_WAIT_S)


def _moment_s(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
