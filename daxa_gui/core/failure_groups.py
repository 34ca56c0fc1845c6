"""Failures of many jobs, grouped by their cause."""

from __future__ import annotations

import re
from dataclasses import dataclass

from daxa_gui.core.log_shapes import LogMessage, Severity

_LONGEST = 400  # characters of a message that decide about its group
_FILE_ENDS = (
    "fits?|fts?|ftz|fit|ds|evt\\w*|img|gz|zip|tar|dat|lis|lst|log|par|sas|ccf|cif|txt|pha|pi|arf|rmf|reg|qdp|sum|hk|gti|asol\\d?|"
    "expmap|out|in|ps|png|pdf|tmp"
)
# What differs from observation to observation, in this order; what stands for it.
_TAKEN_OUT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?Z?"), "<time>"),
    (re.compile(r"(?P<quote>['\"])[^'\"]*/[^'\"]*(?P=quote)|« [^»]*/[^»]* »"), "<path>"),
    (re.compile(r"(?<![\w<])(?:[A-Za-z]:)?(?:\.{0,2}|~|[\w.+-]+)?/[^\s'\"«»,;()\[\]]*[^\s'\"«»,;:()\[\].]"), "<path>"),
    (re.compile(rf"\b[\w.+-]+\.(?:{_FILE_ENDS})\b", re.IGNORECASE), "<file>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b"), "<hex>"),
    (re.compile(r"\b(?:PN|M1|M2|R1|R2|OM)?[SUX]\d{3}\b"), "<exposure>"),
    (re.compile(r"\b(?:EPN|EMOS[12]|RGS[12]|FPM[AB]|TM[1-7]|MOS ?[12])\b"), "<instrument>"),
    (re.compile(r"(?<![A-Za-z_\d.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![A-Za-z_]\w*\d)"), "#"),
    (re.compile(r"(?<=[A-Za-z_])\d{2,}"), "#"),
)


@dataclass(frozen=True)
class FailureGroup:
    """Jobs that ended (or warned) for the same cause. `cause` is the normalised message (numbers, paths and names taken out),
    `example` one of the real ones. `explanation` and `advice` are sentences, empty where nobody knows. `job_ids` oldest first;
    `skipped_ids` are the jobs that were skipped because one of these failed (trying these again opens them too)."""

    cause: str
    example: str
    severity: Severity
    software: str
    task: str  # of the message; "" for the program's own
    name: str  # of the message, as SAS names it
    steps: tuple[str, ...]
    explanation: str
    advice: str
    job_ids: tuple[int, ...]
    units: tuple[tuple[str, str, str], ...]  # mission, ObsID, unit of each job
    skipped_ids: tuple[int, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """By what it is the same group when it was made anew."""
        return (self.software, self.task, self.name, self.cause)

    @property
    def count(self) -> int:
        return len(self.job_ids)

    @property
    def n_affected(self) -> int:
        """Jobs that failed and those that were skipped for it."""
        return len(self.job_ids) + len(self.skipped_ids)


def normalised(text: str) -> str:
    """A message without what differs from observation to observation: times, paths, file names, exposures, numbers.

    Two jobs with the same normalised message failed in the same way.
    """
    text = " ".join(text[: 4 * _LONGEST].split())
    for pattern, instead in _TAKEN_OUT:
        text = pattern.sub(instead, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def cause_text(message: LogMessage) -> str:
    """« noCounts of espfilt: All histo counts are zero! » with a normalised text; the task path is whole."""
    whose = " of ".join(part for part in (message.name, message.task) if part)
    text = normalised(message.text)
    return f"{whose}: {text}" if whose and text else whose or text
