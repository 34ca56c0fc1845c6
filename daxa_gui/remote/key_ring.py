"""The system's key ring, through the package `keyring`: found late, asked from a thread of its own with a time limit (it may
ask the person to unlock it), and never one that keeps passwords in readable files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

NAME = "daxa-gui"  # under which the entries stand in the key ring
PATIENCE_S = 60.0  # time enough to type the password that unlocks it

_NO_RINGS = ("keyring.backends.fail", "keyring.backends.null")
_RECOMMENDED_PRIORITY = 1.0  # what `keyring` itself calls fit for passwords; its file backends are below


class NoKeyRing(Exception):
    """The key ring cannot be used now; the text says why and never holds what was to be kept."""


class KeyRing:
    """Texts by name. Every method may be called from any thread but the window's: it waits for up to `patience_s` seconds.

    Parameters
    ----------
    backend : a `keyring.backend.KeyringBackend`; what `keyring` finds on this system if None.
    """

    def __init__(self, backend: Any = None, patience_s: float = PATIENCE_S) -> None:
        self._given = backend
        self._patience_s = patience_s
        self._chosen: Any = None
        self._turn = threading.Lock()
        self._unanswered: threading.Event | None = None

    def read(self, name: str) -> str | None:
        """The text, None if there is none; raises NoKeyRing."""
        found = self._ask(lambda ring: ring.get_password(NAME, name))
        return found if isinstance(found, str) else None

    def write(self, name: str, text: str) -> None:
        """Keep a text, and look whether it was kept; raises NoKeyRing."""

        def keep(ring: Any) -> bool:
            ring.set_password(NAME, name, text)
            return bool(ring.get_password(NAME, name) == text)

        if not self._ask(keep):
            raise NoKeyRing("it did not keep what it was given")

    def delete(self, name: str) -> None:
        """Forget a text if there is one; raises NoKeyRing."""

        def forget(ring: Any) -> None:
            if ring.get_password(NAME, name) is not None:
                ring.delete_password(NAME, name)

        self._ask(forget)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """The answer of the key ring, which is asked one thing at a time."""
        with self._turn:
            if self._unanswered is not None and not self._unanswered.is_set():
                raise NoKeyRing("it has not answered yet")
            answered = threading.Event()
            answers: list[Any] = []
            problems: list[Exception] = []

            def work() -> None:
                try:
                    answers.append(question(self._ring()))
                except Exception as problem:
                    problems.append(problem)
                finally:
                    answered.set()

            self._unanswered = answered
            threading.Thread(target=work, name="key ring", daemon=True).start()
            if not answered.wait(self._patience_s):
                raise NoKeyRing(f"it did not answer within {self._patience_s:g} s")
            if not answers:
                # without the chain of causes: what other people's code says may repeat what it was given
                raise NoKeyRing(_reason(problems[0] if problems else None))
            return answers[0]

    def _ring(self) -> Any:
        """On the key ring's own thread: looking for one may take long, or ask for something."""
        if self._chosen is None:
            backend = self._given
            if backend is None:
                import keyring

                backend = keyring.get_keyring()
            self._chosen = fit_backend(backend)
        return self._chosen


def fit_backend(backend: Any) -> Any:
    """The backend itself, or of a chain of them the first that is fit for passwords; raises NoKeyRing if there is none."""
    if type(backend).__module__ == "keyring.backends.chainer":
        fit = [one for one in backend.backends if not _unfit(one)]
        if fit:
            return fit[0]
        raise NoKeyRing("this system has none")
    reason = _unfit(backend)
    if reason:
        raise NoKeyRing(reason)
    return backend


def _unfit(backend: Any) -> str:
    """Why passwords are not given to a backend; empty if they are."""
    kind = type(backend)
    if kind.__module__ in _NO_RINGS:
        return "this system has none"
    if kind.__module__.startswith("keyrings.alt") or "plaintext" in kind.__name__.lower():
        return f"the one that is set up here ({kind.__name__}) keeps passwords in files"
    try:
        priority = float(kind.priority)
    except (RuntimeError, TypeError, ValueError, AttributeError):  # what `keyring` documents for one that cannot work here
        return "this system has none"
    return "" if priority >= _RECOMMENDED_PRIORITY else f"the one that is set up here ({kind.__name__}) is not safe enough"


def _reason(problem: Exception | None) -> str:
    """In words, from the kind of the problem alone."""
    if isinstance(problem, NoKeyRing):
        return str(problem)
    if isinstance(problem, ImportError):
        return "the package « keyring » is not installed"
    names = {kind.__name__ for kind in type(problem).__mro__}
    if "KeyringLocked" in names:
        return "it is locked and was not unlocked"
    if "NoKeyringError" in names:
        return "this system has none"
    return f"it failed ({type(problem).__name__})"
