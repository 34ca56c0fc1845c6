"""Messages in log files: all of them with what continues them and how often they occurred, and which of them ended a job.

No files are read here. Single lines: `core.log_shapes`; what kind of line it is: `core.log_kinds`; what known messages mean:
`core.log_explanations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from daxa_gui.core.log_explanations import Explanation, Explanations, read_explanations
from daxa_gui.core.log_kinds import LineKind, LineReader
from daxa_gui.core.log_shapes import (
    CIAO_COUNT,
    SILENTLY,
    LogMessage,
    Severity,
    is_stamped,
    read_message,
    severity_of,
    without_stamp,
)

__all__ = [
    "Explanation", "Explanations", "LineKind", "LineReader", "LogMessage", "Severity", "cause_of", "is_stamped",
    "read_explanations", "read_message", "read_messages", "severity_of", "without_stamp",
]  # fmt: skip

_LONGEST_TEXT = 2000  # characters of a message with what continues it


def read_messages(lines: Iterable[str], first_line: int = 1) -> list[LogMessage]:
    """All messages of a log, in order, with the lines that continue them.

    What « warning X silently occurred n times » and CIAO's « The following error occurred n times » count is in `times`. A Python
    traceback is one message, named and worded as its last line.

    Parameters
    ----------
    lines : without their line ends, in the order of the log.
    first_line : the number of the first of them.
    """
    reader = LineReader()
    found: list[LogMessage] = []
    open_at = -1  # the message that the next line may continue
    counted = 0
    for number, line in enumerate(lines, first_line):
        kind, message = reader.feed(line)
        text = without_stamp(line)[1]
        if message is not None:
            message = replace(message, line=number, times=counted or message.times)
            if _ends_traceback(found, open_at, message):
                found[open_at] = replace(message, line=found[open_at].line)
            else:
                found.append(message)
                open_at = len(found) - 1
            counted = 0
        elif kind is LineKind.SUMMARY:
            _count(found, text, number)
            open_at = -1
        elif kind is LineKind.CONTINUATION and open_at >= 0:
            # only SAS goes on without any indentation
            if text[:1].isspace() or found[open_at].software == "SAS":
                found[open_at] = _longer(found[open_at], text)
        else:
            open_at = -1
            match = CIAO_COUNT.match(text)
            counted = int(match["times"]) if match else 0
    return found


def _ends_traceback(found: Sequence[LogMessage], open_at: int, message: LogMessage) -> bool:
    return open_at >= 0 and found[open_at].text.startswith("Traceback (") and message.software == "any" and bool(message.name)


def _longer(message: LogMessage, text: str) -> LogMessage:
    if message.text.startswith("Traceback (") or len(message.text) >= _LONGEST_TEXT:
        return message
    return replace(message, text=f"{message.text} {text.strip()}".strip()[:_LONGEST_TEXT])


def _count(found: list[LogMessage], line: str, number: int) -> None:
    """Add what a summary counts to the last message of that name."""
    match = SILENTLY.match(line)
    if match is None:
        return
    name, times, severity = match["name"].strip(), int(match["times"]), Severity[match["severity"].upper()]
    whose = next((m for m in reversed(found) if m.name == "SummaryOfWarnings"), None)
    for index in range(len(found) - 1, -1, -1):
        if found[index].name == name and found[index].severity is severity:
            found[index] = replace(found[index], times=found[index].times + times)
            return
    found.append(LogMessage("SAS", severity, whose.task if whose else "", name, "", number, times))


def cause_of(messages: Sequence[LogMessage]) -> LogMessage | None:
    """The message that ended a program: its first error, because later ones follow from it; None if there is no error.

    Give it the messages of the program that failed, that is what stands below the last command of the log: errors above it were
    survived.
    """
    return next((message for message in messages if message.severity is Severity.ERROR), None)
