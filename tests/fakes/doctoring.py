"""Examinations of small software trees, and what is asked of their findings."""

from __future__ import annotations

from daxa_gui.core.finding import Finding, Grade
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.doctor import ObservedData, examine
from tests.fakes.software_trees import Trees

ALL = tuple(STEPS.values())
OBSERVED = (
    ObservedData("xmm_pointed", 2, "2019-10-20", 2_000, ("PN", "M1", "M2", "R1", "R2")),
    ObservedData("nustar_pointed", 1, "2020-01-01", 2_000),
)


def look(trees: Trees, steps=ALL, **more) -> list[Finding]:
    more.setdefault("observations", OBSERVED)
    more.setdefault("folders", {"Archive": trees.root / "archive"})
    return examine(steps, trees.setting, environment=trees.environment, **more)


def codes(findings: list[Finding], grade: Grade = Grade.FAULT) -> list[str]:
    return [one.code for one in findings if one.grade is grade]


def only(findings: list[Finding], code: str, grade: Grade = Grade.FAULT) -> Finding:
    """The one finding of this grade; the test fails if there is any other fault."""
    assert codes(findings, Grade.FAULT) == ([code] if grade is Grade.FAULT else [])
    assert codes(findings, grade) == [code]
    return next(one for one in findings if one.code == code)
