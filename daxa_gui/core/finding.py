"""What a check of software, calibration, disks and clusters found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    GOOD = "good"
    ADVICE = "advice"  # works, but somebody should know
    FAULT = "fault"  # steps will fail


@dataclass(frozen=True)
class Finding:
    """`code` names the kind of fault for programs ("sas-not-initialised"); `subject` what it is about ("SAS"); `text` is the
    sentence that says what was found and where, `fix` what to do about it (empty for good ones); `steps` which steps it stops."""

    grade: Grade
    code: str
    subject: str
    text: str
    fix: str = ""
    steps: tuple[str, ...] = ()
