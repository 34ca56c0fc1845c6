"""Which software for reduction is on this machine, where, in which version, and the environment that its programs need.

`installation` is what a job needs, `versions_for` is part of the key by which results are fresh, `find_software` is for the eye.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from daxa_gui.core.errors import ReductionError
from daxa_gui.reduction.calibration import ccf_files
from daxa_gui.reduction.software_memory import Installation
from daxa_gui.reduction.software_packages import PACKAGES, Setting, calibration_folder
from daxa_gui.reduction.software_setup import forget, installation
from daxa_gui.reduction.software_status import find_software

__all__ = ["Installation", "find_software", "forget", "installation", "versions_for"]


def versions_for(
    names: Iterable[str], setting: Setting, environment: Mapping[str, str] = os.environ, *, memory: Path | None = None
) -> dict[str, str]:
    """The versions of software ("sas", "heasoft", "nustardas", "ciao", "esass") and calibration ("ccf", "caldb", "ciao_caldb");
    "" for what is not here. Quick once each package was set up: then only the times of its files are looked at.

    « caldb » is HEASARC's, « ciao_caldb » the one that comes with CIAO.
    """
    wanted = tuple(dict.fromkeys(names))
    found: dict[str, str] = {}
    for name in wanted:
        if name == "builtin":
            continue
        if name == "ciao_caldb":
            found[name] = _calibration_version("ciao", "caldb", setting, environment, memory)
        elif name == "caldb":
            found[name] = _calibration_version("heasoft", "caldb", setting, environment, memory)
        elif name == "ccf":
            folders = calibration_folder("ccf", setting, environment).folder
            found[name] = (
                ccf_files(folders).version if folders else _calibration_version("sas", "ccf", setting, environment, memory)
            )
        elif name == "nustardas":
            heasoft = _installed("heasoft", setting, environment, memory)
            found[name] = heasoft.parts.get("nustardas", "") if heasoft else ""
        elif name in PACKAGES:
            package = _installed(name, setting, environment, memory)
            found[name] = package.version if package else ""
    return found


def _installed(name: str, setting: Setting, environment: Mapping[str, str], memory: Path | None) -> Installation | None:
    try:
        return installation(name, setting, environment, memory=memory)
    except ReductionError:
        return None  # the job that needs it says why


def _calibration_version(name: str, part: str, setting: Setting, environment: Mapping[str, str], memory: Path | None) -> str:
    package = _installed(name, setting, environment, memory)
    return package.calibration.get(part, "") if package else ""
