"""Lines of log files: how grave each one is, which message it carries, and what known messages mean. No files are read here."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """In order of gravity."""

    INFO = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class LogMessage:
    """A message that the software marked as one. `task` is the whole task path (`emproc::evselect`), `name` may be empty."""

    software: str
    severity: Severity
    task: str
    name: str
    text: str


@dataclass(frozen=True)
class Explanation:
    """`weight` is "harmless", "look" or "serious"; empty when only the name is known."""

    text: str
    weight: str = ""


# our own job logs: a time, the severity in seven columns, the text with its own indentation
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z (?P<severity>INFO|WARNING|ERROR)(?:(?<=INFO)   |(?<=ERROR)  )? (?P<text>.*)$")
# Shapes of messages. SAS: « ** task::subtask: warning (Name),  text »; CIAO: « # tool (CIAO 4.16.0): ERROR text » and
# « dsNAME -- WARNING: text »; eSASS: « task: **ERROR text »; NuSTARDAS: « nupipeline_0.4.9: Error … ».
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("SAS", re.compile(r"^\*\* (?P<task>[\w:]+): (?P<severity>warning|error) \((?P<name>[^)]*)\),?\s*(?P<text>.*)$")),
    ("CIAO", re.compile(r"^# (?P<task>\w+) \((?P<name>CIAO[^)]*)\): (?P<severity>ERROR|WARNING):?\s*(?P<text>.*)$")),
    ("CIAO", re.compile(r"^\s*(?P<name>ds\w+) -- (?P<severity>ERROR|WARNING):?\s*(?P<text>.*)$")),
    ("eSASS", re.compile(r"^(?P<task>[\w/]*):?\s*\*\*(?P<severity>ERROR|WARNING)\**:?\s*(?P<text>.*)$")),
    ("NuSTARDAS", re.compile(r"^(?P<task>nu\w+?)_[\d.]+:\s+(?P<severity>Error|Warning):?\s*(?P<text>.*)$")),
    ("any", re.compile(r"^(?:\S+: ?)?(?P<severity>ERROR|Error|error|WARNING|Warning|warning):\s*(?P<text>.*)$")),
    ("any", re.compile(r"^(?P<severity>ERROR|WARNING)\b\s*(?P<text>.*)$")),
    ("any", re.compile(r"^(?:\w+\.)*(?P<name>\w*(?P<severity>Error|Warning)): (?P<text>.*)$")),
)
_CRASHES = re.compile(
    r"^Traceback \(most recent|segmentation fault|\bcore dumped\b|^Killed$|no space left on device", re.IGNORECASE
)
_WORTH_A_LOOK = re.compile(r"err|warn|traceback|fault|dumped|killed|no space", re.IGNORECASE)


def without_stamp(line: str) -> tuple[Severity, str]:
    """The severity and the text behind the time stamp of a line of our own job logs; other lines stay as they are."""
    match = _STAMP.match(line)
    return (Severity[match["severity"]], match["text"]) if match else (Severity.INFO, line)


def read_message(line: str) -> LogMessage | None:
    """The message in a line, or None if it is an ordinary line."""
    _, text = without_stamp(line)
    if not _WORTH_A_LOOK.search(text):
        return None
    for software, shape in _SHAPES:
        if match := shape.match(text):
            parts = match.groupdict()
            severity = Severity[parts["severity"].upper()]
            name = "" if (parts.get("name") or "").startswith("CIAO") else (parts.get("name") or "").strip()
            return LogMessage(software, severity, parts.get("task") or "", name, parts["text"].strip())
    if _CRASHES.search(text):
        return LogMessage("any", Severity.ERROR, "", "", text.strip())
    return None


def severity_of(line: str) -> Severity:
    """The graver of what our own stamp says and what the software's message says."""
    stamped, _ = without_stamp(line)
    message = read_message(line)
    return max(stamped, message.severity) if message else stamped


class Explanations:
    """Sentences for known messages, from the rows of two tables (see resources/messages)."""

    def __init__(self, explanations: Iterable[str], names: Iterable[str]) -> None:
        self._named: dict[tuple[str, str], Explanation] = {}
        self._fragments: list[tuple[str, str, Explanation]] = []
        for row in csv.DictReader(explanations):
            found = Explanation(row["explanation"], row["weight"])
            self._named[row["software"], _bare(row["match"])] = found
            self._fragments.append((row["software"], row["match"].lower(), found))
        self._tasks: dict[tuple[str, Severity], set[str]] = {}
        for row in csv.DictReader(names):
            self._tasks.setdefault((_bare(row["name"]), Severity[row["severity"].upper()]), set()).add(row["task"])

    def explain(self, message: LogMessage) -> Explanation | None:
        """What a message means, None if nothing is known about it."""
        if message.name and (found := self._named.get((message.software, _bare(message.name)))):
            return found
        text = message.text.lower()
        for software, fragment, found in self._fragments:
            if software != "SAS" and fragment in text and (software == "any" or message.software in (software, "any")):
                return found
        return self._documented(message)

    def _documented(self, message: LogMessage) -> Explanation | None:
        tasks = self._tasks.get((_bare(message.name), message.severity)) if message.software == "SAS" else None
        if not tasks:
            return None
        kind = "a warning" if message.severity is Severity.WARNING else "an error"
        last = message.task.rsplit(":", 1)[-1]
        whose = last if last in tasks else ", ".join(sorted(tasks)[:4]) + (" and others" if len(tasks) > 4 else "")
        return Explanation(
            f"« {message.name} » is {kind} that the SAS documentation lists for {whose}; the text of the message says the rest."
        )


def _bare(name: str) -> str:
    """A name without the case and without the digits that the MOS tasks add at its end (`rejectRows12`)."""
    return name.strip().rstrip("0123456789").strip().lower()
