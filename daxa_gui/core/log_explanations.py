"""What known messages of the software mean and what can be done, from two tables (see resources/messages)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from daxa_gui.core.errors import FileError
from daxa_gui.core.log_shapes import LogMessage, Severity

HARMLESS, LOOK, SERIOUS = "harmless", "look", "serious"


@dataclass(frozen=True)
class Explanation:
    """`weight` is "harmless", "look" or "serious"; empty when only the name is known. `advice`: what to do, may be empty."""

    text: str
    weight: str = ""
    advice: str = ""


class Explanations:
    """Sentences for known messages, from the rows of two tables.

    A SAS name is looked up as a whole (its case and the digits that MOS tasks add at its end do not matter), never as a part of
    another name (51 error names of the list are parts of others).
    """

    def __init__(self, explanations: Iterable[str], names: Iterable[str]) -> None:
        self._named: dict[tuple[str, str], Explanation] = {}
        self._fragments: list[tuple[str, str, Explanation]] = []
        for row in csv.DictReader(explanations):
            found = Explanation(row["explanation"], row["weight"], row.get("advice") or "")
            self._named.setdefault((row["software"], bare_name(row["match"])), found)
            self._fragments.append((row["software"], row["match"].lower(), found))
        self._tasks: dict[tuple[str, Severity], set[str]] = {}
        for row in csv.DictReader(names):
            severity = Severity[row["severity"].upper()]
            for key in {_exact(row["name"]), bare_name(row["name"])}:
                self._tasks.setdefault((key, severity), set()).add(row["task"])

    def explain(self, message: LogMessage) -> Explanation | None:
        """What a message means, None if nothing is known about it."""
        if message.name and (found := self._named.get((message.software, bare_name(message.name)))):
            return found
        if found := self.explain_text(message.text, message.software):
            return found
        return self._documented(message)

    def explain_text(self, text: str, software: str = "any") -> Explanation | None:
        """What a sentence of any program means, by the parts of it that are known."""
        lowered = text.lower()
        for whose, fragment, found in self._fragments:
            if whose != "SAS" and fragment in lowered and (whose == "any" or software in (whose, "any")):
                return found
        return None

    def tasks_of(self, name: str, severity: Severity) -> tuple[str, ...]:
        """The SAS tasks whose documentation lists a message of this name (as a whole)."""
        tasks = self._tasks.get((_exact(name), severity)) or self._tasks.get((bare_name(name), severity)) or ()
        return tuple(sorted(tasks))

    def is_harmless(self, message: LogMessage) -> bool:
        """Whether it is a warning that good runs give too."""
        explained = self.explain(message) if message.severity is Severity.WARNING else None
        return explained is not None and explained.weight == HARMLESS

    def _documented(self, message: LogMessage) -> Explanation | None:
        tasks = self.tasks_of(message.name, message.severity) if message.software == "SAS" else ()
        if not tasks:
            return None
        kind = "a warning" if message.severity is Severity.WARNING else "an error"
        last = message.task.rsplit(":", 1)[-1]
        whose = last if last in tasks else ", ".join(tasks[:4]) + (" and others" if len(tasks) > 4 else "")
        return Explanation(
            f"« {message.name} » is {kind} that the SAS documentation lists for {whose}; the text of the message says the rest."
        )


@lru_cache(maxsize=4)
def read_explanations(folder: Path) -> Explanations:
    """The known messages of a folder with `explanations.csv` and `sas_names.csv`; read once."""
    try:
        with (
            (folder / "explanations.csv").open(encoding="utf-8", newline="") as known,
            (folder / "sas_names.csv").open(encoding="utf-8", newline="") as names,
        ):
            return Explanations(known, names)
    except (OSError, KeyError) as error:
        raise FileError(
            f"The table of known messages in {folder} cannot be read: {error}.", "Install the program again."
        ) from error


def _exact(name: str) -> str:
    return name.strip().lower()


def bare_name(name: str) -> str:
    """A name without the case and without the digits that the MOS tasks add at its end (`rejectRows12`)."""
    return name.strip().rstrip("0123456789").strip().lower()
