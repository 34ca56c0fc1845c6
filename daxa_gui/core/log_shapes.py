"""Single lines of log files: which carry a message of a program, and how grave it is.

The shapes are those of real logs of SAS 22 and CIAO 4.16, and for eSASS and HEASoft those of their documentation. Lines of our
own job logs begin with a time and a severity; the programs' lines stand behind that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Severity(IntEnum):
    """In order of gravity."""

    INFO = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class LogMessage:
    """A message that the software marked as one. `task` is the whole task path (`emproc::evselect`), `name` may be empty.

    `line` is counted from 1 (0: unknown). `times`: how often it occurred, those that were only counted in a summary included.
    """

    software: str
    severity: Severity
    task: str
    name: str
    text: str
    line: int = 0
    times: int = 1


class Shape(NamedTuple):
    """`severity` is for shapes in which no word says it."""

    software: str
    pattern: re.Pattern[str]
    severity: Severity | None = None


# What every line with a message holds, in small letters: looked for first, in bytes too (`core.log_file`), because it is quick.
MARKS: tuple[str, ...] = (
    "error", "warning", "traceback (", "exception", "**stop", "fatal", "terminating with status", "fitsio status", "(ciao ",
    "segmentation fault", "dumped", "killed", "no space left", "quota exceeded", "out of memory", "allocate memory", "bad_alloc",
    "command not found", "aborted", "illegal instruction", "stack smashing", "double free", "terminate called", "shared object",
    "library not loaded",
)  # fmt: skip

# our own job logs: a time, the severity in seven columns, the text with its own indentation
_STAMP = re.compile(
    r"^\d{4}-\d\d-\d\dT[\d:.]+Z (?P<severity>INFO|WARNING|ERROR)(?:(?<=INFO)   |(?<=ERROR)  )? (?P<text>.*)$", re.S
)
_STAMP_LENGTH = 33  # « 2026-11-21T11:24:49.768Z WARNING »

SAS_MESSAGE = re.compile(
    r"(?:^|[^*])\*\* (?P<task>[\w:.+-]+): (?P<severity>warning|error|fatal) \((?P<name>[^)]*)\),?\s*(?P<text>.*)$"
)
SILENTLY = re.compile(r"^(?P<severity>warning|error) (?P<name>.*?)\s* silently occurred (?P<times>\d{1,9}) times")
CIAO_COUNT = re.compile(r"^# (?P<task>\w+) \([^)]*\): The following (?:error|warning) occurred (?P<times>\d{1,9}) times")
_CRASH = re.compile(
    r"segmentation fault|\bcore dumped\b|^(?:\S+: .*\d+ )?Killed\b|no space left on device|disk quota exceeded|"
    r"out of memory|std::bad_alloc|"
    r"cannot allocate memory|error while loading shared libraries|cannot open shared object file|library not loaded|"
    r"symbol lookup error|\bcommand not found\b|\bbus error\b|^aborted\b|illegal instruction|floating point exception|"
    r"stack smashing detected|double free or corruption|^terminate called",
    re.IGNORECASE,
)
_E = Severity.ERROR
SHAPES: tuple[Shape, ...] = (
    Shape("SAS", SAS_MESSAGE),
    Shape("CIAO", re.compile(r"^# (?P<task>\w+) \([^)]*\): (?P<severity>ERROR|WARNING)\b:?\s*(?P<text>.*)$")),
    Shape("CIAO", re.compile(r"^\s*(?P<name>ds[A-Z]\w+) -- (?P<severity>ERROR|WARNING):?\s*(?P<text>.*)$")),
    Shape(
        "CIAO",
        re.compile(
            r"^# (?P<task>\w+) \(CIAO [^)]*\): (?P<text>(?!The following error)"
            r".*\b(?i:error|unable|cannot|could not|failed)\b.*)$"
        ),
        _E,
    ),
    Shape("eSASS", re.compile(r"^\s*(?P<task>[\w/.-]*):?\s*\*\*(?P<severity>ERROR|WARNING|STOP)\d*\**:?\s*(?P<text>.*)$")),
    Shape(
        "NuSTARDAS", re.compile(r"^(?P<task>nu\w+?)_v?[\d.]+:\s+(?P<severity>Error|Warning|ERROR|WARNING)\b:?\s*(?P<text>.*)$")
    ),
    Shape("NuSTARDAS", re.compile(r"^(?P<task>nu\w+?)_v?[\d.]+:\s+(?P<text>Exit with (?:error|fail).*)$", re.IGNORECASE), _E),
    Shape(
        "HEASoft",
        re.compile(r"^(?P<task>[a-z]\w*?)_v?[\d.]+:\s+(?P<severity>Error|Warning|ERROR|WARNING)\b:?\s*(?P<text>.*)$"),
    ),
    Shape("HEASoft", re.compile(r"^\s*(?P<text>Task (?P<task>\w+) [\w.]+ terminating with status -?[1-9].*)$"), _E),
    Shape("HEASoft", re.compile(r"^\s*(?P<text>Task '?(?P<task>\w+)'? error\b.*)$", re.IGNORECASE), _E),
    Shape("HEASoft", re.compile(r"^\s*(?P<text>FITSIO status = -?[1-9].*)$"), _E),
    Shape("any", re.compile(r"^\S+\.py:\d+: (?P<name>\w*(?P<severity>Warning)): (?P<text>.*)$")),
    Shape(
        "any",
        re.compile(
            r"^(?:(?P<task>[\w./-]+): ?)?"
            r"(?P<severity>ERROR|Error|error|WARNING|Warning|warning|FATAL|Fatal|fatal):\s*(?P<text>.*)$"
        ),
    ),
    Shape("any", re.compile(r"^(?P<severity>ERROR|WARNING)\b\s*(?P<text>.*)$")),
    Shape("any", re.compile(r"^(?P<text>Traceback \(most recent call last.*)$"), _E),
    Shape("any", re.compile(r"^(?:\w+\.)*(?P<name>[A-Z]\w*(?P<severity>Error|Warning)): (?P<text>.*)$")),
    Shape("any", re.compile(r"^(?:\w+\.)*(?P<name>[A-Z]\w*Exception): (?P<text>.*)$"), _E),
)
_SEVERITIES = {"warning": Severity.WARNING, "error": _E, "fatal": _E, "stop": _E}
_LONGEST = 4000  # characters that are looked at: a message says what it is in its first ones


def without_stamp(line: str) -> tuple[Severity, str]:
    """The severity and the text behind the time stamp of a line of our own job logs; other lines stay as they are."""
    match = _STAMP.match(line) if line[10:11] == "T" else None
    return (Severity[match["severity"]], match["text"]) if match else (Severity.INFO, line)


def is_stamped(line: str) -> bool:
    """Whether a line is one of our own job logs."""
    return line[10:11] == "T" and _STAMP.match(line[: _STAMP_LENGTH + 1]) is not None


def read_message(line: str) -> LogMessage | None:
    """The message in a line, or None if it is an ordinary line."""
    text = without_stamp(line[: _LONGEST + _STAMP_LENGTH])[1]
    lowered = text.lower()
    for mark in MARKS:
        if mark in lowered:
            return _read(text)
    return None


def _read(text: str) -> LogMessage | None:
    for software, pattern, default in SHAPES:
        if match := pattern.search(text):
            parts = match.groupdict()
            severity = default if default is not None else _SEVERITIES[parts["severity"].lower()]
            return LogMessage(
                software, severity, parts.get("task") or "", (parts.get("name") or "").strip(), parts["text"].strip()
            )
    if _CRASH.search(text):
        return LogMessage("any", Severity.ERROR, "", "", text.strip())
    return None


def severity_of(line: str) -> Severity:
    """The graver of what our own stamp says and what the software's message says."""
    stamped = without_stamp(line[: _LONGEST + _STAMP_LENGTH])[0]
    message = read_message(line)
    return max(stamped, message.severity) if message else stamped
