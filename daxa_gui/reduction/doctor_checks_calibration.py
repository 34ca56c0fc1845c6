"""The Doctor's look at calibration: is it here, is there anything in it, is it new enough for the observations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from daxa_gui.core.finding import Finding
from daxa_gui.reduction.calibration import CcfFiles, caldb_version, ccf_files, ccf_folders
from daxa_gui.reduction.doctor_case import Case, advice, fault, good
from daxa_gui.reduction.software_memory import Installation
from daxa_gui.reduction.software_packages import CALDB_CONFIGURATIONS, calibration_folder, is_file

_CCF_SOURCE = "Copy ESA's folder of current calibration files (rsync, keeping the times of the files), see docs/doctor.md."
_NUSTAR_INDEX = "data/nustar/fpm/caldb.indx"
# Source: names of the constituents of the CCF, by instrument of the steps.
_CCF_BEGINNINGS = {"PN": "EPN_", "M1": "EMOS1_", "M2": "EMOS2_", "R1": "RGS1_", "R2": "RGS2_"}


def check_ccf(case: Case, sas: Installation | None) -> list[Finding]:
    """XMM-Newton's current calibration files."""
    steps = case.using("ccf")
    if not steps:
        return []
    place = calibration_folder("ccf", case.setting, case.environment)
    text = place.folder or (sas.environment.get("SAS_CCFPATH", "") if sas else "")
    source = place.source or "SAS's set-up script"
    if not text:
        what = "Nothing says where the current calibration files are: neither the setting « CCF » nor SAS_CCFPATH."
        return [fault("ccf-not-named", "CCF", what, f"{_CCF_SOURCE} Then choose the folder in the settings.", steps)]
    return [*_ccf_folders(text, source, steps), *_ccf_contents(case, text, source, steps)]


def _ccf_folders(text: str, source: str, steps: tuple[str, ...]) -> Iterable[Finding]:
    for folder in ccf_folders(text):
        try:
            with os.scandir(folder) as entries:
                next(entries, None)
        except FileNotFoundError:
            what = f"There is no folder {folder[:200]}, where {source} says the current calibration files are."
            yield fault("ccf-folder-missing", "CCF", what, "Correct the setting « CCF », or mount the disk.", steps)
        except (OSError, ValueError) as error:
            what = f"The folder of calibration files {folder[:200]} cannot be read: {getattr(error, 'strerror', error)}."
            yield fault("ccf-folder-unreadable", "CCF", what, "Ask its owner for the right to read it.", steps)


def _ccf_contents(case: Case, text: str, source: str, steps: tuple[str, ...]) -> Iterable[Finding]:
    found = ccf_files(text)
    readable = [folder for folder in ccf_folders(text) if os.access(folder, os.R_OK) and Path(folder).is_dir()]
    if not found.count:
        if readable:
            what = f"{' and '.join(readable)}, where {source} says the current calibration files are, has no *.CCF files."
            yield fault("ccf-empty", "CCF", what, _CCF_SOURCE, steps)
        return
    if found.empty:
        shown = ", ".join(found.empty[:3]) + (" …" if len(found.empty) > 3 else "")
        what = f"{len(found.empty)} of {found.count} calibration files in {text[:200]} are empty or lead nowhere: {shown}."
        yield fault("ccf-files-empty", "CCF", what, f"The copy was interrupted: repeat it. {_CCF_SOURCE}", steps)
    yield from _ccf_kinds(case, text, steps)
    newest = datetime.fromtimestamp(found.newest_s, UTC).date().isoformat()
    observed = case.newest_of(steps)
    if observed and newest < observed:
        what = f"The newest calibration file, {found.newest}, is of {newest}, older than the newest observation ({observed})."
        fix = f"Steps run, with calibration that knows nothing of that time. {_CCF_SOURCE}"
        yield advice("ccf-old", "CCF", what, fix, steps)
    elif not found.empty:
        yield good("ccf-found", "CCF", _ccf_sentence(found, text, newest), steps)


def _ccf_kinds(case: Case, text: str, steps: tuple[str, ...]) -> Iterable[Finding]:
    """Whether the instruments that were asked for have any calibration at all."""
    missions = {mission for step in case.steps if step.name in steps for mission in step.missions}
    wanted = {one for about in case.observations if about.mission in missions for one in about.instruments}
    beginnings = {name: _CCF_BEGINNINGS[name] for name in sorted(wanted & _CCF_BEGINNINGS.keys())}
    for folder in ccf_folders(text):
        try:
            names = {path.name.upper() for path in Path(folder).iterdir()} if beginnings else set()
        except (OSError, ValueError):
            continue
        beginnings = {one: start for one, start in beginnings.items() if not any(name.startswith(start) for name in names)}
    if beginnings:
        files = ", ".join(f"{start}*" for start in beginnings.values())
        what = f"There are no calibration files ({files}) for {', '.join(beginnings)} in {text[:200]}."
        yield fault("ccf-incomplete", "CCF", what, _CCF_SOURCE, steps)


def _ccf_sentence(found: CcfFiles, text: str, newest: str) -> str:
    files = "1 calibration file" if found.count == 1 else f"{found.count} calibration files"
    return f"{files} in {text[:200]}, the newest of {newest} ({found.newest})."


def check_caldb(case: Case, heasoft: Installation | None) -> list[Finding]:
    """HEASARC's calibration database with NuSTAR's part."""
    steps = tuple(one.name for one in case.of_package("heasoft") if "caldb" in one.calibration)
    if not steps:
        return []
    place = calibration_folder("caldb", case.setting, case.environment)
    folder = place.folder or (heasoft.environment.get("CALDB", "") if heasoft else "")
    if not folder:
        what = "Nothing says where the calibration database is: neither the setting « CALDB » nor the variable CALDB."
        fix = "Fetch HEASARC's set-up files and NuSTAR's part of the CALDB, then choose the folder in the settings."
        return [fault("caldb-not-named", "CALDB", what, fix, steps)]
    if caldb_version(folder) == "remote":
        what = f"The calibration database is used over the network ({folder[:200]}): each job depends on it."
        return [advice("caldb-remote", "CALDB", what, "A local copy of NuSTAR's part is faster and works offline.", steps)]
    return _local_caldb(case, folder, place.source or "HEASoft's set-up script", heasoft, steps)


def _local_caldb(case: Case, folder: str, source: str, heasoft: Installation | None, steps: tuple[str, ...]) -> list[Finding]:
    if not Path(folder[:1000]).is_dir():
        what = f"There is no folder {folder[:200]}, where {source} says the calibration database is."
        return [fault("caldb-folder-missing", "CALDB", what, "Correct the setting « CALDB », or mount the disk.", steps)]
    found: list[Finding] = []
    configuration = heasoft.environment.get("CALDBCONFIG", "") if heasoft else ""
    if not (configuration and is_file(Path(configuration))) and not any(
        is_file(Path(folder) / one) for one in CALDB_CONFIGURATIONS
    ):
        what = f"The calibration database in {folder} has no {CALDB_CONFIGURATIONS[1]}: tasks do not find their files in it."
        found.append(fault("caldb-not-configured", "CALDB", what, "Unpack HEASARC's CALDB set-up files in that folder.", steps))
    version, index = caldb_version(folder), Path(folder) / _NUSTAR_INDEX
    if not version:
        why = "is a link that leads nowhere" if index.is_symlink() else "is empty" if is_file(index) else "is not there"
        what = f"The index of NuSTAR's calibration, {index}, {why}."
        return [*found, fault("caldb-no-nustar", "CALDB", what, "Unpack NuSTAR's part of the CALDB in that folder.", steps)]
    day, observed = _day_of(version), case.newest_of(steps)
    if day and observed and day < observed:
        what = f"NuSTAR's calibration {version} is older than the newest observation ({observed})."
        fix = "Steps run, without the clock correction and calibration of that time. Update NuSTAR's part of the CALDB."
        found.append(advice("caldb-old", "CALDB", what, fix, steps))
    elif not found:
        found.append(good("caldb-found", "CALDB", f"NuSTAR's calibration {version} in {folder}, as {source} says.", steps))
    return found


def _day_of(version: str) -> str:
    """« v20240812 » as 2024-08-12."""
    found = re.fullmatch(r"v(\d{4})(\d\d)(\d\d)\w*", version)
    return "-".join(found.groups()) if found else ""


def check_ciao_caldb(case: Case, ciao: Installation | None) -> list[Finding]:
    """Chandra's own CALDB, of which `ciaover` tells."""
    steps = tuple(one.name for one in case.of_package("ciao"))
    if not steps or ciao is None:
        return []
    version = ciao.calibration.get("caldb", "")
    if version:
        return [good("ciao-caldb-found", "CIAO", f"Chandra's CALDB {version} is installed with CIAO.", steps)]
    what = f"Chandra's CALDB is not installed in CIAO ({ciao.folder}), or « ciaover -v » does not tell of it."
    return [fault("ciao-caldb-missing", "CIAO", what, "Install the package « caldb » of CIAO (ciao-install or conda).", steps)]
