"""Key rings for tests, true to what `keyring.backend.KeyringBackend` promises: one that keeps, and others that do not."""

from __future__ import annotations

import threading

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError


class MemoryRing(KeyringBackend):
    """Strict: texts only, nothing empty, an error for deleting what is not there. Remembers on which threads it was asked."""

    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.threads: list[str] = []
        self.calls: list[str] = []
        self._turn = threading.Lock()

    def _called(self, name: str, *texts: str) -> None:
        assert all(isinstance(text, str) and text for text in texts)
        assert self._turn.acquire(blocking=False), "asked by two threads at once"
        self._turn.release()
        self.threads.append(threading.current_thread().name)
        self.calls.append(name)

    def get_password(self, service: str, username: str) -> str | None:
        self._called("get", service, username)
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._called("set", service, username, password)
        with self._turn:
            self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._called("delete", service, username)
        if (service, username) not in self.entries:
            raise PasswordDeleteError("not there")
        del self.entries[service, username]


class LockedRing(MemoryRing):
    """The person closes the window that asks to unlock it, until `unlocked` is set."""

    unlocked = False

    def _called(self, name: str, *texts: str) -> None:
        super()._called(name, *texts)
        if not self.unlocked:
            raise KeyringLocked("Failed to unlock the collection!")


class TalkativeRing(MemoryRing):
    """Its errors repeat what it was given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError(f"cannot keep {password!r} of {username}")


class ForgetfulRing(MemoryRing):
    """Takes everything and keeps nothing, as keyring's null backend does, without saying so."""

    def set_password(self, service: str, username: str, password: str) -> None:
        self._called("set", service, username, password)


class HangingRing(MemoryRing):
    """Does not answer until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        assert self.answer.wait(30)
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        assert self.answer.wait(30)
        super().set_password(service, username, password)


class PlaintextKeyring(MemoryRing):
    """Named like the backend of keyrings.alt that writes readable files."""


class WeakRing(MemoryRing):
    """One that keyring itself does not recommend."""

    priority = 0.6  # type: ignore[assignment]
