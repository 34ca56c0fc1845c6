"""One package of the missions' software, made ready for use: its set-up script is run once, and what came of it is kept."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from daxa_gui.core.errors import InputError, ReductionError
from daxa_gui.locations import cache_folder
from daxa_gui.reduction.calibration import caldb_version, ccf_files
from daxa_gui.reduction.software_environment import (
    SetUpError,
    base_environment,
    initialised_environment,
    own_first,
    run_set_up,
)
from daxa_gui.reduction.software_memory import Installation, recall, remember, setup_key, stamps
from daxa_gui.reduction.software_packages import (
    CALDB_CONFIGURATIONS,
    CALDB_SCRIPT,
    PACKAGES,
    SEARCH_PATHS,
    Package,
    Setting,
    Whereabouts,
    asked,
    calibration_folder,
    is_file,
    program_on,
    whereabouts,
)

FAILURE_KEPT_S = 60.0  # a set-up script that failed is not run again for every waiting job


_found: dict[str, tuple[Installation, dict[str, list[int]]]] = {}
_failed: dict[str, tuple[float, SetUpError]] = {}
_locks: dict[str, threading.Lock] = {name: threading.Lock() for name in PACKAGES}
_MOST_REMEMBERED = 50


def forget() -> None:
    """Forget what is in memory: what is on disk is looked at again (for « Check again » and tests)."""
    _found.clear()
    _failed.clear()


def memory_folder(setting: Setting) -> Path:
    """Where environments are remembered: in the caches of this program."""
    try:
        chosen = setting("caches_folder") or ""
    except (KeyError, InputError):  # a job's context knows the software's settings only
        chosen = ""
    return cache_folder(chosen) / "software"


def installation(
    name: str, setting: Setting, environment: Mapping[str, str] = os.environ, *, fresh: bool = False,
    cancelled: Callable[[], bool] | None = None, memory: Path | None = None,
) -> Installation:  # fmt: skip
    """A package and the environment of its programs, found once and remembered, in memory and in a folder of the caches.

    Parameters
    ----------
    name : "sas", "heasoft", "ciao" or "esass".
    setting : the settings by name, as text ("" if not set).
    environment : of this program.
    fresh : run the set-up script and ask for versions even if they are known.
    memory : the folder where it is remembered; the caches' own if None.

    Raises
    ------
    ReductionError : it is not here, or its set-up script does not do what it must (`SetUpError`), and what to do about it.
    Cancelled : somebody asked for it while a set-up script ran.
    """
    package = PACKAGES[name]
    place = whereabouts(package, setting, environment)
    if not place.is_here:
        raise _missing(package, place)
    scripts, base = _scripts_and_base(package, place, setting, environment)
    key = setup_key(name, place.folder, scripts, base, (asked(setting, "pfiles_folder"),))
    with _locks[name]:
        known = None if fresh else _known(key, base, memory or memory_folder(setting))
        if known is None:
            known = _anew(key, package, place, scripts, base, setting, cancelled, fresh)
            remember(key, base, known, memory or memory_folder(setting))
        _found[key] = known, stamps(known)
    return _with_calibration(known, setting, environment)


def known_installation(name: str, setting: Setting, environment: Mapping[str, str] = os.environ) -> Installation | None:
    """The same if it is remembered; nothing is run."""
    package = PACKAGES[name]
    place = whereabouts(package, setting, environment)
    if not place.is_here:
        return None
    scripts, base = _scripts_and_base(package, place, setting, environment)
    key = setup_key(name, place.folder, scripts, base, (asked(setting, "pfiles_folder"),))
    known = _known(key, base, memory_folder(setting))
    return _with_calibration(known, setting, environment) if known else None


def _known(key: str, base: Mapping[str, str], memory: Path) -> Installation | None:
    if key in _found:
        known, as_then = _found[key]
        return known if stamps(known) == as_then else None
    return recall(key, base, memory)


def _anew(
    key: str, package: Package, place: Whereabouts, scripts: tuple[Path, ...], base: dict[str, str], setting: Setting,
    cancelled: Callable[[], bool] | None, fresh: bool,
) -> Installation:  # fmt: skip
    """Run the set-up script; what failed a moment ago fails again at once unless somebody asks for a fresh look."""
    failed_s, error = _failed.get(key, (-FAILURE_KEPT_S, None))
    if error is not None and not fresh and time.monotonic() - failed_s < FAILURE_KEPT_S:
        raise error
    try:
        found = _set_up(package, place, scripts, base, setting, cancelled)
    except SetUpError as new:
        _failed[key] = time.monotonic(), new
        raise
    if len(_found) > _MOST_REMEMBERED:
        _found.clear()
    _failed.pop(key, None)
    return found


def _missing(package: Package, place: Whereabouts) -> ReductionError:
    if place.folder:
        needed = " or ".join(package.scripts)
        message = f"{package.label} is not in {place.folder[:200]}, where {place.source} says it is: it has no {needed}."
        return ReductionError(message, "Correct the folder in the settings, under « Software ».")
    hint = f"Install it, and say in the settings, under « Software », where it is (or in the variable {package.variable})."
    return ReductionError(f"{package.label} was not found on this machine.", hint)


def _scripts_and_base(
    package: Package, place: Whereabouts, setting: Setting, environment: Mapping[str, str]
) -> tuple[tuple[Path, ...], dict[str, str]]:
    """The set-up scripts in the order in which they must be read, and the variables that they start from.

    SAS and eSASS need HEASoft's programs (emchain runs lcurve) and want it to be set up before them; HEASoft's CALDB after it.
    """
    caldb = _caldb_variables(setting, environment) if package.name == "heasoft" else {}
    if place.script is None and not place.conda:
        return (), initialised_environment(package, setting, environment) | caldb
    base = base_environment(package, setting, environment)
    if place.script is None:
        base |= {"CONDA_PREFIX": place.folder, "PATH": os.pathsep.join((str(Path(place.folder) / "bin"), base["PATH"])), **caldb}
        return place.conda, base
    scripts = [place.script]
    if place.script.name == "sas-setup.sh":
        base["SAS_DIR"] = str(place.script.parent)  # it relies on it; setsas.sh sets it itself
    if package.name in ("sas", "esass"):
        heasoft = whereabouts(PACKAGES["heasoft"], setting, environment)
        if heasoft.script is not None:
            scripts.insert(0, heasoft.script)
            base["HEADAS"] = str(heasoft.script.parent)
    if package.name == "heasoft":
        base["HEADAS"] = str(place.script.parent)
        base |= caldb
        caldb_script = Path(base.get("CALDB", "")) / CALDB_SCRIPT
        if base.get("CALDB", "").startswith("/") and is_file(caldb_script):
            scripts.append(caldb_script)
    return tuple(scripts), base


def _caldb_variables(setting: Setting, environment: Mapping[str, str]) -> dict[str, str]:
    """CALDB and what its caldbinit.sh would set beside it."""
    folder = calibration_folder("caldb", setting, environment).folder
    if not folder:
        return {}
    found = {name: environment[name] for name in ("CALDBCONFIG", "CALDBALIAS") if environment.get(name)}
    if asked(setting, "caldb_folder") or "CALDBCONFIG" not in found:
        for name in CALDB_CONFIGURATIONS:
            if is_file(Path(folder) / name):
                found["CALDBCONFIG"] = str(Path(folder) / name)
                found["CALDBALIAS"] = str((Path(folder) / name).with_name("alias_config.fits"))
    return {"CALDB": folder, **found}


def _set_up(
    package: Package, place: Whereabouts, scripts: tuple[Path, ...], base: dict[str, str], setting: Setting,
    cancelled: Callable[[], bool] | None,
) -> Installation:  # fmt: skip
    from daxa_gui.reduction.software_versions import read_versions

    found = run_set_up(package.label, scripts, base, cancelled=cancelled) if scripts else dict(base)
    _check(package, place, found)
    for name in ("PATH", *SEARCH_PATHS):
        if name in found:
            found[name] = own_first(found[name], place.folder)
    if found.get("PFILES") and (mine := asked(setting, "pfiles_folder")):
        found["PFILES"] = f"{mine};{found['PFILES'].rpartition(';')[2]}"
    # programs that we run have no terminal that they could ask
    found |= {"HEADASNOQUERY": "", "HEADASPROMPT": "/dev/null", "LC_NUMERIC": "C"}
    versions = read_versions(package.name, place.folder, found)
    programs = tuple(one for one in package.shown_by if program_on(found.get("PATH", ""), (one,)))
    calibration = {"caldb": versions.parts["caldb"]} if package.name == "ciao" and "caldb" in versions.parts else {}
    return Installation(
        package.name, package.label, versions.version, place.folder, found, calibration, programs, versions.parts, place.source,
        tuple(str(script) for script in scripts), versions.asked,
    )  # fmt: skip


def _check(package: Package, place: Whereabouts, found: Mapping[str, str]) -> None:
    where = str(place.script) if place.script else f"the environment, which {place.source} shows to be initialised,"
    hint = "The installation may not be complete: run the script in a terminal, or install the package again."
    if lacking := [name for name in package.defines if not found.get(name)]:
        message = f"{package.label}: {where} does not define {' and '.join(lacking)}."
        raise SetUpError("set-up-lacks", message, hint)
    if not program_on(found.get("PATH", ""), package.shown_by):
        message = f"{package.label}: {where} puts none of its programs ({', '.join(package.shown_by)}) on PATH."
        raise SetUpError("set-up-lacks", message, hint)


def _with_calibration(known: Installation, setting: Setting, environment: Mapping[str, str]) -> Installation:
    """With the calibration as it is now: it changes more often than the software."""
    if known.name == "sas":
        folders = calibration_folder("ccf", setting, environment).folder or known.environment.get("SAS_CCFPATH", "")
        version = ccf_files(folders).version if folders else ""
        variables, name = {"SAS_CCFPATH": folders} if folders else {}, "ccf"
    elif known.name == "heasoft":
        version, name, variables = caldb_version(known.environment.get("CALDB", "")), "caldb", {}
    else:
        return known
    if known.calibration.get(name, "") == version and not variables.items() - known.environment.items():
        return known
    return replace(known, calibration={name: version} if version else {}, environment=known.environment | variables)
