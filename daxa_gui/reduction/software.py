"""Which software for reduction is on this machine and where: by the settings, else by the environment. Nothing is run for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daxa_gui import __version__
from daxa_gui.core.software import SoftwareStatus


@dataclass(frozen=True)
class _Package:
    """`setting` and `variable` say where it is, in this order; `mark` is a file that is there if it is (« * »: any name), empty
    for a folder that may hold anything."""

    name: str
    label: str
    setting: str
    variable: str
    mark: str


# Sources: the packages' own installation guides (the variables that their set-up scripts set, and those scripts' names).
_PACKAGES = (
    _Package("sas", "SAS", "sas_folder", "SAS_DIR", "setsas.sh"),
    _Package("heasoft", "HEASoft", "heasoft_folder", "HEADAS", "headas-init.sh"),
    _Package("ciao", "CIAO", "ciao_folder", "ASCDS_INSTALL", "bin/ciao.sh"),
    _Package("esass", "eSASS", "esass_folder", "SASS_ROOT", "bin/esass-init.sh"),
    _Package("ccf", "CCF", "ccf_folder", "SAS_CCFPATH", "*.CCF"),
    _Package("caldb", "CALDB", "caldb_folder", "CALDB", "caldb.config"),
    _Package("pfiles", "Parameter files", "pfiles_folder", "PFILES", ""),
)
_LONGEST_SHOWN = 200


def find_software(folders: Mapping[str, str] | None = None, environment: Mapping[str, str] = os.environ) -> list[SoftwareStatus]:
    """One status for each: the built-in engine, which is part of the program, and the missions' packages.

    Parameters
    ----------
    folders : by name of the setting (`sas_folder` …), empty where nothing is set.
    """
    engine = SoftwareStatus(
        "builtin",
        __version__,
        True,
        f"Built-in engine {__version__}: cleans calibrated event lists of every mission of flares and makes images. "
        "It does not calibrate raw telemetry (XMM-Newton ODFs).",
    )
    return [engine, *(_status(package, folders or {}, environment) for package in _PACKAGES)]


def _is_there(folder: Path, mark: str) -> bool:
    if "*" in mark:
        return next(folder.glob(mark), None) is not None
    return (folder / mark).is_file() if mark else folder.is_dir()


def _status(package: _Package, folders: Mapping[str, str], environment: Mapping[str, str]) -> SoftwareStatus:
    chosen, found = folders.get(package.setting, ""), environment.get(package.variable, "")
    # SAS_CCFPATH and PFILES may name several folders (PFILES: the person's own ones before the semicolon)
    found = found.partition(";")[0].partition(os.pathsep)[0]
    text, source = (chosen, "as the settings say") if chosen else (found, f"as {package.variable} says")
    if not text:
        what = f"{package.label}: not found; neither the setting « {package.label} » nor {package.variable} says where it is."
        return SoftwareStatus(package.name, "", False, what, package.label, is_named=False)
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    try:
        there = _is_there(Path(text).expanduser(), package.mark)
    except (OSError, RuntimeError, ValueError):
        there = False
    if not there:
        lacks = f"{shown} has no {package.mark}" if package.mark else f"there is no folder {shown}"
        what = f"{package.label}: {lacks}, {source}; correct the folder in the settings."
        return SoftwareStatus(package.name, "", False, what, package.label)
    what = f"{package.label}: in {shown}, {source}. No step of this version uses it."
    return SoftwareStatus(package.name, "", True, what, package.label)
