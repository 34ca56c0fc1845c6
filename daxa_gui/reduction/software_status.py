"""What the status line says of software: where it is, its version if that is known, and which steps use it. Nothing is run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from daxa_gui import __version__
from daxa_gui.core.software import SoftwareStatus
from daxa_gui.reduction.calibration import caldb_version, ccf_files, ccf_folders
from daxa_gui.reduction.software_packages import (
    CALDB_CONFIGURATIONS,
    CALIBRATION,
    PACKAGES,
    Package,
    Setting,
    calibration_folder,
    is_file,
    whereabouts,
)
from daxa_gui.reduction.software_setup import known_installation

_LONGEST_SHOWN = 200


def find_software(folders: Mapping[str, str] | None = None, environment: Mapping[str, str] = os.environ) -> list[SoftwareStatus]:
    """One status for each: the built-in engine, which is part of the program, and the missions' packages.

    Parameters
    ----------
    folders : by name of the setting (`sas_folder` …), empty where nothing is set.
    """
    chosen = folders or {}

    def setting(name: str) -> str:
        return chosen.get(name, "")

    engine = SoftwareStatus(
        "builtin",
        __version__,
        True,
        f"Built-in engine {__version__}: cleans calibrated event lists of every mission of flares and makes images. "
        "It does not calibrate raw telemetry (XMM-Newton ODFs).",
    )
    packages = [_package(package, setting, environment) for package in PACKAGES.values()]
    return [engine, *packages, _ccf(setting, environment), _caldb(setting, environment), _pfiles(setting, environment)]


def steps_that_use(name: str) -> list[str]:
    """The labels of the steps that need a package or calibration, in their order."""
    from daxa_gui.reduction import STEPS

    steps = STEPS.values()
    return list(dict.fromkeys(step.label for step in steps if name == step.software or name in step.calibration))


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _use(name: str) -> str:
    steps = steps_that_use(name)
    return f" Used by: {', '.join(steps)}." if steps else ""


def _nowhere(name: str, label: str, variable: str) -> SoftwareStatus:
    what = f"{label}: not found; neither the setting « {label} » nor {variable} says where it is."
    return SoftwareStatus(name, "", False, what, label, is_named=False)


def _wrong(name: str, label: str, lacks: str, source: str) -> SoftwareStatus:
    return SoftwareStatus(name, "", False, f"{label}: {lacks}, as {source} says; correct the folder in the settings.", label)


def _package(package: Package, setting: Setting, environment: Mapping[str, str]) -> SoftwareStatus:
    place = whereabouts(package, setting, environment)
    if not place.folder:
        return _nowhere(package.name, package.label, package.variable)
    if not place.is_here:
        lacks = f"{_shown(place.folder)} has no {' or '.join(package.scripts)}"
        return _wrong(package.name, package.label, lacks, place.source)
    known = known_installation(package.name, setting, environment)
    version = known.version if known else ""
    words = f"{package.label} {version}".strip() + f": in {_shown(place.folder)}, as {place.source} says."
    if known is None:
        words += " Its version is asked when a step first needs it, or by the Doctor."
    return SoftwareStatus(package.name, version, True, words + _use(package.name), package.label)


def _ccf(setting: Setting, environment: Mapping[str, str]) -> SoftwareStatus:
    label, _, variable = CALIBRATION["ccf"]
    place = calibration_folder("ccf", setting, environment)
    if not place.folder:
        return _nowhere("ccf", label, variable)
    found = ccf_files(place.folder)
    if not found.count:
        return _wrong("ccf", label, f"{_shown(place.folder)} has no *.CCF", place.source)
    first, files = _shown(" and ".join(ccf_folders(place.folder))), found.version.partition(",")[0]
    return SoftwareStatus("ccf", found.version, True, f"{label}: {files} in {first}, as {place.source} says.{_use('ccf')}", label)


def _caldb(setting: Setting, environment: Mapping[str, str]) -> SoftwareStatus:
    label, _, variable = CALIBRATION["caldb"]
    place = calibration_folder("caldb", setting, environment)
    if not place.folder:
        return _nowhere("caldb", label, variable)
    version = caldb_version(place.folder)
    if version != "remote" and not any(is_file(Path(place.folder) / name) for name in CALDB_CONFIGURATIONS):
        return _wrong("caldb", label, f"{_shown(place.folder)} has no {CALDB_CONFIGURATIONS[0]}", place.source)
    words = f"{label} {version}".strip() + f": in {_shown(place.folder)}, as {place.source} says.{_use('caldb')}"
    return SoftwareStatus("caldb", version, True, words, label)


def _pfiles(setting: Setting, environment: Mapping[str, str]) -> SoftwareStatus:
    """The person's own parameter files: PFILES names them before the semicolon."""
    label = "Parameter files"
    chosen, found = setting("pfiles_folder"), environment.get("PFILES", "").partition(";")[0].partition(os.pathsep)[0]
    if not chosen and not found:
        return _nowhere("pfiles", label, "PFILES")
    text, source = (chosen, f"the setting « {label} »") if chosen else (found, "the variable PFILES")
    try:
        there = Path(text).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):
        there = False
    if not there:
        return _wrong("pfiles", label, f"there is no folder {_shown(text)}", source)
    return SoftwareStatus("pfiles", "", True, f"{label}: in {_shown(text)}, as {source} says.", label)
