"""Findings as lines of plain text: for the command line, the log, and to copy from the window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daxa_gui.core.finding import Finding, Grade

# A shape and a word for each grade, so that nothing hangs on colour.
GRADE_MARKS = {Grade.FAULT: "✗", Grade.ADVICE: "!", Grade.GOOD: "✓"}
GRADE_WORDS = {Grade.FAULT: "fault", Grade.ADVICE: "advice", Grade.GOOD: "good"}
_ORDER = (Grade.FAULT, Grade.ADVICE, Grade.GOOD)


def by_subject(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Findings under what they are about; the subjects in their order, in each the worst first."""
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(one.subject, []).append(one)
    return {subject: sorted(several, key=lambda one: _ORDER.index(one.grade)) for subject, several in found.items()}


def worst(findings: Iterable[Finding]) -> Grade:
    """The worst grade; GOOD if there is none."""
    grades = {one.grade for one in findings}
    return next((grade for grade in _ORDER if grade in grades), Grade.GOOD)


def headline(findings: Sequence[Finding]) -> str:
    """« 2 faults, 1 piece of advice, 7 checks are good. »"""
    if not findings:
        return "Nothing was checked."
    counts = {grade: sum(one.grade is grade for one in findings) for grade in _ORDER}
    parts = []
    if counts[Grade.FAULT]:
        parts.append("1 fault" if counts[Grade.FAULT] == 1 else f"{counts[Grade.FAULT]} faults")
    if counts[Grade.ADVICE]:
        parts.append("1 piece of advice" if counts[Grade.ADVICE] == 1 else f"{counts[Grade.ADVICE]} pieces of advice")
    if counts[Grade.GOOD]:
        parts.append("1 check is good" if counts[Grade.GOOD] == 1 else f"{counts[Grade.GOOD]} checks are good")
    return f"{', '.join(parts)}."


def finding_lines(findings: Sequence[Finding], *, with_codes: bool = True) -> list[str]:
    """One heading per subject, below it a line per finding, its fix, and the steps that it stops."""
    lines: list[str] = []
    for subject, several in by_subject(findings).items():
        lines.append(subject)
        for one in several:
            code = f" [{one.code}]" if with_codes and one.grade is not Grade.GOOD else ""
            lines.append(f"  {GRADE_MARKS[one.grade]} {GRADE_WORDS[one.grade]}: {_one_line(one.text)}{code}")
            if one.fix:
                lines.append(f"      What to do: {_one_line(one.fix)}")
            if one.steps and one.grade is not Grade.GOOD:
                lines.append(f"      Steps: {', '.join(one.steps)}")
    return [*lines, headline(findings)]


def finding_text(findings: Sequence[Finding]) -> str:
    """The same as one text."""
    return "\n".join(finding_lines(findings)) + "\n"


def _one_line(text: str) -> str:
    """Names of files and what programs say may hold line breaks and worse."""
    return "".join(one if one.isprintable() else "�" for one in " ".join(text.split()))
