"""The Doctor's look at this machine: folders and disks, parameter files, variables that clash, limits, the clock."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from daxa_gui.core.finding import Finding
from daxa_gui.reduction.doctor_case import Case, ObservedData, advice, fault, good
from daxa_gui.reduction.software_memory import Installation
from daxa_gui.reduction.software_packages import SEARCH_PATHS, asked

_GB = 1_000_000_000
# What reduction leaves and needs meanwhile, as a multiple of the raw data, and the usual raw data of an observation in bytes.
# Rough numbers of our own: XMM-Newton's calibrated lists with out-of-time lists and work files are the largest.
_GROWTH = {"xmm": 5.0, "nustar": 4.0, "chandra": 4.0, "erosita": 3.0}
_USUAL_BYTES = {"xmm": 0.5 * _GB, "nustar": 0.5 * _GB, "chandra": 0.3 * _GB, "erosita": 0.3 * _GB}
_LEAST_BYTES = 200_000_000
_FEW_OPEN_FILES = 128
_LONG_PATH = 180
_CLOCK_SKEW_S = 60.0
_SOFTWARE_IS_YOUNGER_THAN = 2024
_DATA_VARIABLES = {"SAS_CCF": "the calibration index", "SAS_ODF": "the raw data"}
_DECIMAL_COMMA = (
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "da",
    "sv",
    "nb",
    "nn",
    "fi",
    "pl",
    "cs",
    "sk",
    "hu",
    "ru",
    "uk",
    "el",
    "tr",
)


def check_folders(case: Case) -> list[Finding]:
    """Every folder that jobs write into, and the one for temporary files."""
    steps = tuple(one.name for one in case.steps)
    found: list[Finding] = []
    for label, text in case.folders.items():
        case.check_cancelled()
        found += _folder(case, label, Path(text), steps)
    temporary = case.environment.get("TMPDIR") or tempfile.gettempdir()
    if problem := _write_problem(Path(temporary)):
        what = f"Nothing can be written into the folder for temporary files, {temporary}: {problem[1]}."
        fix = "Set TMPDIR to a folder that you may write into, and start this program again."
        found.append(fault("temporary-folder-unusable", "Temporary files", what, fix, steps))
    return found


def _folder(case: Case, label: str, folder: Path, steps: tuple[str, ...]) -> list[Finding]:
    subject = f"Folder « {label} »"
    parent = folder
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if problem := _write_problem(parent):
        code, why = problem
        return [fault(code, subject, f"Nothing can be written into {parent}: {why}.", _WRITE_FIXES[code], steps)]
    found = list(_path_words(folder, subject, steps))
    found += _space(case, parent, subject, steps)
    if not any(one.code.startswith("disk") for one in found):
        free = shutil.disk_usage(parent).free / _GB
        found.append(good("folder-good", subject, f"{folder} can be written; {free:.1f} GB are free.", steps))
    return found


_WRITE_FIXES = {
    "folder-read-only": "Mount it so that it can be written, or choose another folder.",
    "folder-not-writable": "Ask its owner for the right to write, or choose another folder.",
    "disk-full": "Delete what is not needed (Archive › trash, intermediate files), or choose another disk.",
    "folder-unusable": "Choose another folder, or ask who keeps this disk.",
}


def _write_problem(folder: Path) -> tuple[str, str] | None:
    """(code, reason) if no file can be made there and filled."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".daxa-gui-doctor-") as file:
            file.write(b"\0" * 4096)
            file.flush()
        return None
    except OSError as error:
        codes = {
            errno.EROFS: "folder-read-only", errno.EACCES: "folder-not-writable", errno.EPERM: "folder-not-writable",
            errno.ENOSPC: "disk-full", errno.EDQUOT: "disk-full",
        }  # fmt: skip
        return codes.get(error.errno or 0, "folder-unusable"), error.strerror or str(error)


def _path_words(folder: Path, subject: str, steps: tuple[str, ...]) -> Iterable[Finding]:
    text = str(folder)
    if strange := sorted(set(text) & set("[](),;+*?#%@&'\"`$\\|<>\n\t")):
        shown = " ".join("line break" if one in "\n\t" else one for one in strange)
        what = f"The path {text} has characters ({shown}) that some tasks take for parts of their own language."
        yield advice("strange-path", subject, what, "If tasks fail to open files, use letters, digits, - and _ only.",
                     steps)  # fmt: skip
    elif any(one.isspace() for one in text):
        what = f"The path {text} has a blank in it. Steps are made for that; a task may all the same refuse it."
        yield advice("blank-in-path", subject, what, "If tasks fail to open files, use a folder without blanks.", steps)
    if len(text.encode("utf-8", "replace")) > _LONG_PATH:
        what = f"The path has {len(text)} characters; some tasks take no more than 255 with the names of their files."
        yield advice("long-path", subject, what, "Choose a folder nearer to the top of the disk.", steps)


def needed_bytes(case: Case, about: ObservedData) -> float:
    """What reducing these observations writes, roughly; 0 if no step is for their mission."""
    steps = [one for one in case.steps if not one.missions or about.mission in one.missions]
    if not steps:
        return 0.0
    family = about.mission.partition("_")[0]
    if all(one.software == "builtin" for one in steps):
        return 0.5 * about.raw_bytes
    raw = about.raw_bytes or about.count * _USUAL_BYTES.get(family, 0.3 * _GB)
    return raw * _GROWTH.get(family, 3.0)


def _space(case: Case, folder: Path, subject: str, steps: tuple[str, ...]) -> Iterable[Finding]:
    free = shutil.disk_usage(folder).free
    needs = {about.mission: (needed_bytes(case, about), max(about.count, 1)) for about in case.observations}
    whole = sum(need for need, _ in needs.values())
    # a fault only by sizes that are known: the usual ones may be far from those of these data
    known = {about.mission for about in case.observations if about.raw_bytes}
    one = max((need / count for mission, (need, count) in needs.items() if mission in known), default=0.0)
    if free < max(one, _LEAST_BYTES):
        need = max(one, _LEAST_BYTES) / _GB
        what = f"The disk of {folder} has {free / _GB:.1f} GB free; one observation alone needs about {need:.1f} GB."
        yield fault("disk-too-small", subject, what, _WRITE_FIXES["disk-full"], steps)
    elif free < whole:
        what = f"The disk of {folder} has {free / _GB:.1f} GB free; all observations together need about {whole / _GB:.1f} GB."
        yield advice("disk-tight", subject, what, "Reduce some of them first, keep no intermediate files, or use a larger disk.",
                     steps)  # fmt: skip


def check_pfiles(case: Case, installed: Mapping[str, Installation | None]) -> list[Finding]:
    """The person's own folder of parameter files, into which HEASoft's, CIAO's and eSASS's tasks write what they were given."""
    users = tuple(name for name in ("heasoft", "ciao", "esass") if installed.get(name) is not None)
    steps = case.using(*users) if users else ()
    if not steps:
        return []
    chosen = asked(case.setting, "pfiles_folder")
    home = case.environment.get("HOME", "")
    folders = {chosen} if chosen else {_own_pfiles(installed[name], home) for name in users}
    found: list[Finding] = []
    for text in sorted(one for one in folders if one):
        folder = Path(text)
        if home and not Path(home).is_dir() and text.startswith(home):
            continue  # « home-missing » says it
        parent = folder if folder.exists() else folder.parent
        if folder.exists() and not folder.is_dir():
            what = f"{folder}, which should be the folder of your parameter files, is a file."
            fix = "Move that file away, or choose another folder."
            found.append(fault("pfiles-not-a-folder", "Parameter files", what, fix, steps))
        elif problem := _write_problem(parent):
            what = f"Nothing can be written into the folder of your parameter files, {folder}: {problem[1]}."
            fix = "Give yourself the right to write there (chmod u+w), or choose another folder in the settings."
            found.append(fault("pfiles-not-writable", "Parameter files", what, fix, steps))
        else:
            found.append(good("pfiles-good", "Parameter files", f"Your parameter files are in {folder}.", steps))
    return found


def _own_pfiles(one: Installation | None, home: str) -> str:
    text = one.environment.get("PFILES", "") if one else ""
    return text.partition(";")[0].partition(os.pathsep)[0] or (str(Path(home) / "pfiles") if home else "")


def check_variables(case: Case) -> list[Finding]:
    """Variables of the person's shell that spoil tasks where they reach them. None of them does: a note, no fault."""
    steps = tuple(one.name for one in case.steps if one.software != "builtin")
    if not steps:
        return []
    found: list[Finding] = []
    for name in SEARCH_PATHS:
        if text := case.environment.get(name, ""):
            what = f"{name} is set in your shell ({text[:120]}). It is kept from the steps' programs, which bring their own."
            fix = "If a program lacks a library only here, set the variable in the package's own set-up script."
            found.append(advice("clashing-variable", name, what, fix, steps))
    for name, what_for in _DATA_VARIABLES.items():
        if (text := case.environment.get(name, "")) and (sas := case.using("sas")):
            what = f"{name} is set in your shell ({text[:120]}): {what_for} of one observation. Each job gets its own."
            found.append(advice("data-variable", name, what, "Nothing; or clear it where your shell starts.", sas))
    return [*found, *_pfiles_variable(case), *_locale(case, steps)]


def _pfiles_variable(case: Case) -> Iterable[Finding]:
    text, steps = case.environment.get("PFILES", ""), case.using("heasoft", "ciao", "esass")
    if text and steps:
        what = f"PFILES is set in your shell ({text[:120]}). Steps use the package's own, with a folder for each job."
        yield advice("pfiles-variable", "PFILES", what, "Nothing; your own folder can be chosen in the settings.", steps)


def _locale(case: Case, steps: tuple[str, ...]) -> Iterable[Finding]:
    text = next((case.environment[name] for name in ("LC_ALL", "LC_NUMERIC", "LANG") if case.environment.get(name)), "")
    if text[:2].lower() in _DECIMAL_COMMA and (text[2:3] in ("_", ".", "")):
        what = (
            f"Your language settings ({text}) write numbers with a decimal comma, which tasks misread. Steps get a decimal point."
        )
        yield advice("decimal-comma", "Language", what, "Nothing; in a terminal set LC_NUMERIC=C before tasks.", steps)


def check_limits(case: Case) -> list[Finding]:
    """What the system allows, the clock, and the home."""
    steps = tuple(one.name for one in case.steps)
    found: list[Finding] = []
    most = _most_open_files()
    if 0 < most < _FEW_OPEN_FILES:
        what = f"This program and its children may open {most} files at once; tasks and the program itself need more."
        found.append(
            fault("few-open-files", "System", what, "Raise the limit (ulimit -n 1024) where the program is started.", steps)
        )
    now = time.time()
    if (year := datetime.fromtimestamp(now, UTC).year) < _SOFTWARE_IS_YOUNGER_THAN:
        what = f"The clock says {year}: certificates, ages of calibration and of files are judged wrongly."
        found.append(fault("clock-wrong", "System", what, "Set the clock of this machine.", steps))
    else:
        found += _skew(case, steps)
    external = tuple(one.name for one in case.steps if one.software != "builtin")
    home = case.environment.get("HOME", "")
    if external and not (home and Path(home).is_dir()):
        what = f"HOME {f'names no folder ({home[:120]})' if home else 'is not set'}; set-up scripts keep files there."
        found.append(fault("home-missing", "System", what, "Set HOME to your folder before starting this program.", external))
    return found


def _most_open_files() -> int:
    """The limit of this process; 0 if the system has none."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 0 if soft == resource.RLIM_INFINITY else soft


def _skew(case: Case, steps: tuple[str, ...]) -> Iterable[Finding]:
    """Whether the disk of an archive on another machine goes by another clock."""
    for label, text in case.folders.items():
        try:
            with tempfile.NamedTemporaryFile(dir=text, prefix=".daxa-gui-doctor-") as file:
                file.write(b"1")
                file.flush()
                skew_s = os.fstat(file.fileno()).st_mtime - time.time()
        except OSError:
            continue  # said by check_folders
        if abs(skew_s) > _CLOCK_SKEW_S:
            what = f"Files in {text} get times {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} this machine's clock."
            fix = "Let both machines ask a time server (NTP): tasks compare the ages of files."
            yield advice("clock-differs", f"Folder « {label} »", what, fix, steps)
