"""The Doctor: before the first job and on demand, whether everything is here that the chosen steps need, each fault with its fix.

It only looks: it runs set-up scripts and asks programs for their versions, in empty folders of its own, and changes nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from daxa_gui import __version__
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.step import Step
from daxa_gui.reduction.doctor_case import Case, ObservedData, good
from daxa_gui.reduction.doctor_checks_calibration import check_caldb, check_ccf, check_ciao_caldb
from daxa_gui.reduction.doctor_checks_machine import check_folders, check_limits, check_pfiles, check_variables
from daxa_gui.reduction.doctor_checks_software import check_lcurve, check_package
from daxa_gui.reduction.doctor_programs import FROM_HEASOFT
from daxa_gui.reduction.software_memory import Installation
from daxa_gui.reduction.software_packages import PACKAGES, Setting

__all__ = ["ObservedData", "examine"]

Observations = Iterable[ObservedData] | Mapping[str, Sequence[str]]
Folders = Iterable[str | Path] | Mapping[str, str | Path]
Progress = Callable[[float, float | None, str], None]


def examine(
    steps: Iterable[Step | str], setting: Setting, *, observations: Observations = (), folders: Folders = (),
    environment: Mapping[str, str] = os.environ, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None,
) -> list[Finding]:  # fmt: skip
    """Everything that was found, good and bad, software first.

    Parameters
    ----------
    steps : those that shall run, or their names.
    setting : the settings by name, as text ("" if not set).
    observations : what they are for, one entry per mission, or mission → days (YYYY-MM-DD) on which they were made; without them
        ages and sizes are not judged.
    folders : folders that jobs write into, or label → folder (« Archive », « Output » …).
    environment : of this program.
    progress : called with (done, total, what is looked at).

    Raises
    ------
    Cancelled : somebody asked for it.
    """
    chosen = _chosen(steps)
    case = Case(chosen, setting, environment, _observed(observations), _labelled(folders), cancelled)
    names = _packages(chosen)
    total = len(names) + 3.0
    tell = progress or (lambda _done, _total, _text: None)
    found: list[Finding] = []
    installed: dict[str, Installation | None] = {}
    if any(one.software == "builtin" for one in chosen):
        text = f"The built-in engine {__version__} is part of this program."
        found.append(
            good("builtin-found", "Built-in engine", text, tuple(one.name for one in chosen if one.software == "builtin"))
        )
    for number, name in enumerate(names):
        case.check_cancelled()
        tell(number, total, PACKAGES[name].label)
        findings, installed[name] = check_package(case, name)
        found += findings
    checks: tuple[tuple[str, Callable[[], list[Finding]]], ...] = (
        ("calibration", lambda: _calibration(case, installed)),
        ("folders", lambda: [*check_folders(case), *check_pfiles(case, installed)]),
        ("the system", lambda: [*check_variables(case), *check_limits(case)]),
    )
    for number, (text, check) in enumerate(checks, len(names)):
        case.check_cancelled()
        tell(number, total, text)
        found += check()
    tell(total, total, "")
    return _without_needless(found)


def _chosen(steps: Iterable[Step | str]) -> tuple[Step, ...]:
    """Each step once, in the order in which steps run."""
    from daxa_gui.reduction import STEPS

    wanted = {one.name: one for one in (STEPS[step] if isinstance(step, str) else step for step in steps)}
    order = {name: number for number, name in enumerate(STEPS)}
    return tuple(sorted(wanted.values(), key=lambda one: order.get(one.name, len(order))))


def _observed(observations: Observations) -> tuple[ObservedData, ...]:
    if not isinstance(observations, Mapping):
        return tuple(observations)
    days = {
        mission: [day for day in several if re.fullmatch(r"\d{4}-\d\d-\d\d", day)] for mission, several in observations.items()
    }
    return tuple(ObservedData(mission, len(observations[mission]), max(several, default="")) for mission, several in days.items())


def _labelled(folders: Folders) -> dict[str, str]:
    if isinstance(folders, Mapping):
        return {label: str(path) for label, path in folders.items()}
    return {Path(path).name or str(path): str(path) for path in folders}


def _packages(steps: tuple[Step, ...]) -> list[str]:
    """The packages that the steps need, in the order of PACKAGES; emchain needs HEASoft's lcurve."""
    wanted = {one.software for one in steps}
    if any(one.name in FROM_HEASOFT and one.software == "sas" for one in steps):
        wanted.add("heasoft")
    return [name for name in PACKAGES if name in wanted]


def _calibration(case: Case, installed: Mapping[str, Installation | None]) -> list[Finding]:
    return [
        *check_lcurve(case, installed.get("sas"), installed.get("heasoft")),
        *check_ccf(case, installed.get("sas")),
        *check_caldb(case, installed.get("heasoft")),
        *check_ciao_caldb(case, installed.get("ciao")),
    ]


def _without_needless(found: list[Finding]) -> list[Finding]:
    """Each finding once (several folders of one disk, a program named by several steps), faults of a subject before its rest."""
    return list(dict.fromkeys(found))


def has_faults(findings: Iterable[Finding]) -> bool:
    return any(one.grade is Grade.FAULT for one in findings)
