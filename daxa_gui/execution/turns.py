"""Turns: more jobs may have begun than may work at once; and the token by which the queue stops what works."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from daxa_gui.core.errors import Cancelled

_PATIENCE_S, _LOOK_S = 1.0, 0.05


class Turns:
    """Of the jobs of a lane that have begun, so many may do what costs most: their programs. Safe from any thread.

    Where jobs take no time worth mentioning (`Lane.is_quick`) the next ones get ready meanwhile. Turns come in the order in
    which they were asked for. Nobody has to say that the limit, a token or the lane has changed: who waits looks again by
    itself, twenty times a second, so that a wake-up that is missed cannot make it sleep for ever.
    """

    def __init__(self, limit: Callable[[], int], paused: Callable[[], bool] = lambda: False) -> None:
        self._limit = limit
        self._paused = paused
        self._guard = threading.Lock()
        self._taken = 0
        self._waiting: deque[threading.Event] = deque()  # the first is next

    def take(self, stop: Callable[[], bool], *, patient: bool, ahead: bool = False) -> bool:
        """Wait until fewer than the limit have a turn, then have one; false if `stop` turns true or, unless `patient`, the lane
        is paused or it takes longer than a second. A lane that is paused lets one that need not wait have its turn, unless it
        has begun `ahead` of the limit."""
        end = time.monotonic() + _PATIENCE_S
        woken = threading.Event()
        with self._guard:
            self._waiting.append(woken)
        heeds_pause = ahead and not patient
        try:
            while not (stop() or (heeds_pause and self._paused())):
                if self._took(woken):
                    return True
                if not patient and time.monotonic() > end:
                    return False
                heeds_pause = not patient
                woken.wait(_LOOK_S)
                woken.clear()
            return False
        finally:
            self._leave(woken)

    def _took(self, woken: threading.Event) -> bool:
        limit = self._limit()  # asked without our lock: it may ask others
        with self._guard:
            if self._waiting[0] is not woken or self._taken >= limit:
                return False
            self._taken += 1
            return True

    def _leave(self, woken: threading.Event) -> None:
        """Wait no longer, with a turn or without one; there may be one for the next."""
        with self._guard:
            self._waiting.remove(woken)
            self._wake_first()

    def give_back(self) -> None:
        with self._guard:
            self._taken -= 1
            self._wake_first()

    def _wake_first(self) -> None:
        if self._waiting:
            self._waiting[0].set()


class CancelToken:
    """Set by the queue, looked at by the work, which takes and gives back its turn on one thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._leaving = False
        self._turns: Turns | None = None
        self._on_turn: Callable[[], None] = lambda: None
        self._ahead = self._has_turn = self._had_turn = False
        self.gets_ready = False  # what it does before its turn is worth doing early
        self.turned_back = False  # its turn did not come

    def cancel(self) -> None:
        """The work is not wanted any more (or not now): it ends, wherever it is done."""
        self._leaving = False
        self._event.set()

    def leave(self) -> None:
        """This program closes: work of its own stops as if cancelled, work elsewhere goes on (see `Site.run`)."""
        if not self._event.is_set():
            self._leaving = True
            self._event.set()

    # ---- its turn, where more jobs have begun than may work at once

    def use(self, turns: Turns, on_turn: Callable[[], None] = lambda: None, *, ahead: bool = False) -> None:
        """Before the work begins; a token without it need not wait. `on_turn` is called when its first turn has come. `ahead`: as
        many as the limit allows have begun already."""
        self._turns, self._on_turn, self._ahead = turns, on_turn, ahead

    def take_turn(self) -> None:
        """Wait for it, unless the work has it. Raise Cancelled if somebody asked for it, or the first one does not come soon
        (`turned_back`)."""
        if self._turns is None or self._has_turn:
            return
        self._has_turn = self._turns.take(lambda: self.is_cancelled, patient=self._had_turn, ahead=self._ahead)
        if not self._has_turn:
            self.turned_back = not self._had_turn
            raise Cancelled
        if not self._had_turn:
            self._had_turn = True
            self._on_turn()

    def give_turn_back(self) -> None:
        """What costs most is done. May be called twice."""
        if self._turns is not None and self._has_turn:
            self._has_turn = False
            self._turns.give_back()

    @property
    def is_cancelled(self) -> bool:
        """Also true when the program is only leaving: what runs here must end."""
        return self._event.is_set()

    @property
    def is_leaving(self) -> bool:
        return self._leaving

    def check(self) -> None:
        """Raise Cancelled if somebody asked for it."""
        if self._event.is_set():
            raise Cancelled
