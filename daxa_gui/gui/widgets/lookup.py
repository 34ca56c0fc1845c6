"""Names and positions that a person types, looked up in the background: a name service may take seconds to answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from daxa_gui.core.errors import DaxaError, InputError, TransferError
from daxa_gui.core.sky import SkyPosition, parse_position
from daxa_gui.gui.background import Background
from daxa_gui.gui.widgets.base_editor import Looking

log = logging.getLogger(__name__)
_PAUSE_MS = 450  # in the typing, before a name service is asked
_GLANCE_S = 0.05  # between two looks whether an answer is still wanted


class Names(Protocol):
    """Where names come from: the session."""

    def resolve_name(self, name: str) -> SkyPosition: ...
    def known_names(self) -> tuple[SkyPosition, ...]: ...


def looks_like_numbers(text: str) -> bool:
    """Whether a text that is no position was meant as one, not as a name (« 10h 99m -12d », not « M 51 » or « 47 Tuc »)."""
    begins = text.lstrip()[:1].isdigit() or text.lstrip()[:1] in ("+", "-", "−", ".")
    return "=" in text or (begins and not any(letter.isalpha() and letter not in "hmsdHMSD" for letter in text))


class Lookup(QObject):
    """Answers what is known at once; asks for the rest, each name once, and says so with `answered`.

    Names are asked one after the other on one thread; after a failure of the network the remaining ones are not asked.
    """

    answered = Signal()

    def __init__(self, names: Names, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._names = names
        self._background = background
        self._answers: dict[str, SkyPosition | DaxaError] = {}
        self._wanted: tuple[str, ...] = ()
        self._round = 0
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._ask)

    def remember(self, text: str, position: SkyPosition) -> None:
        """What a text stands for, as a filter that is edited has it."""
        self._answers[text] = position

    def remembered(self, text: str) -> SkyPosition | None:
        """What a text is known to stand for."""
        answer = self._answers.get(text)
        return answer if isinstance(answer, SkyPosition) else None

    def place(self, text: str, *, by_name: bool = False) -> SkyPosition:
        """A position in any notation (unless `by_name`), or a name.

        Raises
        ------
        InputError, TransferError : it is neither, or the name service cannot be reached.
        Looking : the name is being looked up.
        """
        found = self.places((text,), by_name=by_name)[0]
        if isinstance(found, DaxaError):
            raise found
        return found

    def places(self, texts: Sequence[str], *, by_name: bool = False) -> list[SkyPosition | DaxaError]:
        """The position, or what is wrong, of each text; raises `Looking` while some are being looked up."""
        known = {_plain(position.name): position for position in self._names.known_names()}
        found = [self._at_once(text, known, by_name) for text in texts]
        missing = tuple(dict.fromkeys(text for text, answer in zip(texts, found, strict=True) if answer is None))
        if missing:
            self._want(missing)
            if len(missing) == 1:
                raise Looking(f"Looking up « {missing[0]} » …")
            raise Looking(f"Looking up « {missing[0]} » and {len(missing) - 1} more …")
        self.stop()
        return [answer for answer in found if answer is not None]

    def _at_once(self, text: str, known: Mapping[str, SkyPosition], by_name: bool) -> SkyPosition | DaxaError | None:
        if text in self._answers:
            return self._answers[text]
        if _plain(text) in known or by_name:
            return known.get(_plain(text))
        try:
            return parse_position(text)
        except InputError as error:
            return error if looks_like_numbers(text) else None

    def _want(self, missing: tuple[str, ...]) -> None:
        if missing != self._wanted:
            self._round += 1  # a running question stops after the name that it is at
            self._wanted = missing
            self._pause.start()

    def hurry(self) -> None:
        if self._pause.isActive():
            self._pause.stop()
            self._ask()

    def stop(self) -> None:
        self._round += 1
        self._wanted = ()
        self._pause.stop()

    def _ask(self) -> None:
        number, wanted = self._round, self._wanted
        self._background.read(
            self,
            "names",
            lambda: self._resolve(wanted, number),
            self._on_answered,
            lambda error: self._on_answered(dict.fromkeys(wanted, error)),
        )

    def _resolve(self, wanted: tuple[str, ...], number: int) -> dict[str, DaxaError]:
        """On a pool thread; what was found is kept even if the question has become old."""
        for place, name in enumerate(wanted):
            if self._round != number:
                break
            answer = self._wait_for(name, number)
            if isinstance(answer, TransferError):  # it would be the same with the others
                log.info("names cannot be looked up: %s", answer)
                return dict.fromkeys(wanted[place:], answer)
            if answer is not None:
                self._answers[name] = answer
        return {}

    def _wait_for(self, name: str, number: int) -> SkyPosition | DaxaError | None:
        """A service that does not answer must hold up neither other reads nor the end of the program: it is asked on a thread
        of its own, which is left alone as soon as nobody wants the answer any more (None)."""
        answers: list[SkyPosition | DaxaError] = []

        def ask() -> None:
            try:
                answers.append(self._names.resolve_name(name))
            except DaxaError as error:
                answers.append(error)

        thread = threading.Thread(target=ask, name=f"look up {name}", daemon=True)
        thread.start()
        while self._round == number and not self._background.is_closing:
            thread.join(_GLANCE_S)
            if answers:
                return answers[0]
            if not thread.is_alive():
                return DaxaError(f"« {name} » could not be looked up.", "The log file has the details.")
        return None

    def _on_answered(self, failed: dict[str, DaxaError]) -> None:
        """Names that the network failed for are answered this once, and asked for again when something is typed."""
        self._wanted = ()
        self._answers.update(failed)
        self.answered.emit()
        for name in failed:
            self._answers.pop(name, None)


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()
