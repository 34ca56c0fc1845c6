"""The one bus: publish from any thread, drain in the listener's own. A slow listener never slows a publisher down."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence

from daxa_gui.core.events import Event


class Mailbox:
    """What one listener has not read yet. Events with a key keep only the newest, at the place of the oldest."""

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._events: dict[object, Event] = {}
        self._wake = wake

    def put(self, event: Event) -> None:
        with self._lock:
            was_empty = not self._events
            self._events[event.key if event.key is not None else object()] = event
        if was_empty and self._wake is not None:
            self._wake()

    def put_all(self, events: Sequence[Event]) -> None:
        """Like `put` for each, in one go."""
        if not events:
            return
        with self._lock:
            was_empty = not self._events
            self._events.update((event.key if event.key is not None else object(), event) for event in events)
        if was_empty and self._wake is not None:
            self._wake()

    def drain(self) -> list[Event]:
        """All waiting events, oldest first; the mailbox is empty afterwards."""
        with self._lock:
            events, self._events = list(self._events.values()), {}
        return events


class Bus:
    """Mailboxes are held weakly: a listener that is gone gets no more events and need not say good-bye."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mailboxes: weakref.WeakSet[Mailbox] = weakref.WeakSet()

    def subscribe(self, wake: Callable[[], None] | None = None) -> Mailbox:
        """A new mailbox; keep it. `wake` is called from the publisher's thread when it was empty and no longer is."""
        mailbox = Mailbox(wake)
        with self._lock:
            self._mailboxes.add(mailbox)
        return mailbox

    def publish(self, event: Event) -> None:
        with self._lock:
            mailboxes = list(self._mailboxes)
        for mailbox in mailboxes:
            mailbox.put(event)

    def publish_all(self, events: Sequence[Event]) -> None:
        """Like `publish` for each of (many) events, oldest first."""
        with self._lock:
            mailboxes = list(self._mailboxes)
        for mailbox in mailboxes:
            mailbox.put_all(events)
