"""The Doctor's look at one package: is it here, does its set-up script do its part, is it new enough, do its programs work."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.finding import Finding
from daxa_gui.reduction.doctor_case import Case, advice, fault, good
from daxa_gui.reduction.doctor_programs import (
    FROM_HEASOFT,
    find_file,
    kind_of_problem,
    look_at,
    may_execute,
    programs_of,
    try_program,
)
from daxa_gui.reduction.software_environment import SetUpError
from daxa_gui.reduction.software_memory import Installation
from daxa_gui.reduction.software_packages import PACKAGES, Package, Whereabouts, asked, program_on, whereabouts
from daxa_gui.reduction.software_setup import installation
from daxa_gui.reduction.software_versions import ask

SLOW_SET_UP_S = 20.0
_INSTALL_AGAIN = "Install the package again, or choose another installation in the settings, under « Software »."
_FIXES = {
    "wrong-architecture": "Install the build of this package for this system and machine.",
    "library-missing": "Install the missing library with the system's package manager, or add its folder in the package's set-up "
    "script; LD_LIBRARY_PATH of your own shell is not handed on.",
    "interpreter-missing": "Install the interpreter, or run the package's own configuration again so that its scripts name one "
    "that is here.",
    "program-broken": _INSTALL_AGAIN,
    "program-hangs": "Run it in a terminal to see what it waits for: a disk, a licence, an answer.",
    "program-not-executable": "Make it executable (chmod a+x), or install the package again; a disk mounted « noexec » cannot "
    "hold programs.",
}
_CAUSES = {
    "wrong-architecture": "is made for another machine",
    "library-missing": "lacks a library",
    "interpreter-missing": "cannot be started",
    "program-broken": "does not work",
    "program-hangs": "does not come to an end",
    "program-not-executable": "cannot be executed",
}


def check_package(case: Case, name: str) -> tuple[list[Finding], Installation | None]:
    """Everything about one package; its installation if programs can be started from it."""
    package, steps = PACKAGES[name], case.using(name)
    if name == "heasoft":
        steps += tuple(one for one in case.using("sas") if one in FROM_HEASOFT)
    place = whereabouts(package, case.setting, case.environment)
    if not place.is_here:
        return [_not_here(case, package, place, steps)], None
    found = list(_of_place(case, package, place, steps))
    begun_s = time.monotonic()
    try:
        here = installation(name, case.setting, case.environment, fresh=True, cancelled=case.cancelled)
    except SetUpError as error:
        return [*found, _set_up_fault(package, error, steps)], None
    except ReductionError as error:
        return [*found, fault(f"{name}-not-found", package.label, error.message, error.hint, steps)], None
    taken_s = time.monotonic() - begun_s
    case.check_cancelled()
    found += [_summary(case, package, here, taken_s, steps), *_version(case, package, here)]
    found += _programs(case, package, here)
    return found, here


def _not_here(case: Case, package: Package, place: Whereabouts, steps: tuple[str, ...]) -> Finding:
    name, label = package.name, package.label
    if place.folder:
        there = Path(place.folder[:1000]).exists() if "\0" not in place.folder else False
        lacks = f"it has no {' or '.join(package.scripts)}" if there else "there is no such folder"
        text = f"{place.source} says that {label} is in {place.folder[:200]}, but {lacks}."
        text = text[:1].upper() + text[1:]
        return fault(f"{name}-wrong-folder", label, text, f"Correct the setting « {label} » (Edit › Settings › Software).", steps)
    if name == "esass" and (image := _docker_image(case)):
        text = (
            f"eSASS is here only as the Docker image {image}; steps run its programs directly, which a container does not allow."
        )
        fix = "Install eSASS itself, or start this whole program inside the container, where evtool is on PATH."
        return fault("esass-only-in-docker", label, text, fix, steps)
    text = f"{label} was not found: neither the setting « {label} » nor {package.variable} nor PATH says where it is."
    fix = f"Install {label}, then choose its folder in Edit › Settings › Software. Other steps work without it."
    return fault(f"{name}-not-found", label, text, fix, steps)


def _docker_image(case: Case) -> str:
    docker = shutil.which("docker", path=case.environment.get("PATH", ""))
    if docker is None:
        return ""
    answer = ask([docker, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], case.environment, 5.0)
    return (
        next((line.strip()[:100] for line in answer.text.splitlines() if "esass" in line.lower()), "") if answer.code == 0 else ""
    )


def _of_place(case: Case, package: Package, place: Whereabouts, steps: tuple[str, ...]) -> Iterable[Finding]:
    """What is wrong with where it lies, whether it starts or not."""
    name, label = package.name, package.label
    if re.search(r"\s", place.folder):
        text = f"The path of {label}, {place.folder}, has a blank in it; scripts of the package break there."
        yield fault(
            f"{name}-path-with-blank", label, text, "Move it to a folder without blanks, and install it there again.", steps
        )
    if _mounted_noexec(place.folder):
        text = f"{label} is on a disk that forbids programs to run (mounted « noexec »): {place.folder}."
        yield fault(f"{name}-noexec", label, text, "Move it to another disk, or ask who mounts this one.", steps)
    other = case.environment.get(package.variable, "")
    if asked(case.setting, package.setting) and other and not _same(other, place.folder):
        text = f"{package.variable} of your shell says {other[:200]}, and the setting « {label} » says {place.folder}; "
        text += "steps use the setting's."
        fix = f"Nothing, if that is meant; else clear the setting, or {package.variable} where your shell starts."
        yield advice(f"{name}-other-in-shell", label, text, fix, steps)


def _mounted_noexec(folder: str) -> bool:
    try:
        return bool(os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 8))
    except (OSError, ValueError, AttributeError):
        return False


def _same(one: str, other: str) -> bool:
    try:
        return Path(one).resolve() == Path(other).resolve()
    except (OSError, ValueError, RuntimeError):
        return False


def _set_up_fault(package: Package, error: SetUpError, steps: tuple[str, ...]) -> Finding:
    code = "not-initialised" if error.code == "set-up-lacks" else error.code
    fix = error.hint
    if "error while loading shared libraries" in error.details:
        code, fix = "library-missing", _FIXES["library-missing"]
    return fault(f"{package.name}-{code}", package.label, error.message, fix, steps)


def _summary(case: Case, package: Package, here: Installation, taken_s: float, steps: tuple[str, ...]) -> Finding:
    version = here.version or "(version unknown)"
    text = f"{here.label} {version} in {here.folder}, as {here.source} says; "
    text += "its set-up script does what it must." if here.scripts else "the environment is initialised already."
    if nustardas := here.parts.get("nustardas"):
        text += f" NuSTARDAS {nustardas}."
    if taken_s > SLOW_SET_UP_S:
        text += f" That took {taken_s:.0f} s."
        fix = "A slow disk or network folder? It is remembered, so it costs that only once."
        return advice(f"{package.name}-set-up-slow", package.label, text, fix, steps)
    return good(f"{package.name}-found", package.label, text, steps)


def version_numbers(text: str) -> tuple[int, ...]:
    """« 22.1.0-a8f2 » as (22, 1, 0); empty if it does not begin with a number."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def _is_older(version: str, minimum: str) -> bool:
    have, need = version_numbers(version), version_numbers(minimum)
    length = max(len(have), len(need))
    return have + (0,) * (length - len(have)) < need + (0,) * (length - len(need))


def _version(case: Case, package: Package, here: Installation) -> Iterable[Finding]:
    name, label = package.name, package.label
    if not version_numbers(here.version) and name in ("sas", "ciao"):
        text = f"{label} in {here.folder} does not say its version; whether it is new enough is unknown."
        fix = f"Try « {'sas --version' if name == 'sas' else 'ciaover -v'} » in a terminal after its set-up script."
        yield advice(f"{name}-version-unknown", label, text, fix, case.using(name))
        return
    too_old: dict[str, list[str]] = {}
    for step in case.of_package(name):
        if step.minimum_version and here.version and _is_older(here.version, step.minimum_version):
            too_old.setdefault(step.minimum_version, []).append(step.name)
    for minimum, steps in too_old.items():
        text = f"{label} {here.version} in {here.folder} is too old: {minimum} or newer is needed."
        yield fault(
            f"{name}-too-old", label, text, f"Install a newer {label}, and choose its folder in the settings.", tuple(steps)
        )


def _programs(case: Case, package: Package, here: Installation) -> list[Finding]:
    """The programs of the chosen steps: each fault once, with all programs and steps that it is about."""
    wanted = _wanted(case, package.name)
    faults: dict[tuple[str, str], list[str]] = {}
    search_path = here.environment.get("PATH", "")
    for program in wanted:
        case.check_cancelled()
        path, unusable = find_file(program, search_path)
        if not path:
            code = "program-not-executable" if unusable else "program-missing"
            faults.setdefault((code, unusable), []).append(program)
            continue
        kind, why = look_at(path, here.environment) if may_execute(path) else ("program-not-executable", path)
        if not kind and here.asked.get(path):
            kind, why = kind_of_problem(here.asked[path]), here.asked[path]
        if not kind and path not in here.asked and (arguments := _harmless(package.name, program)) is not None:
            kind, why = try_program(path, arguments, here.environment)
        if kind:
            faults.setdefault((kind, why), []).append(program)
    found = [_program_fault(case, package, here, kind, why, programs, wanted) for (kind, why), programs in faults.items()]
    broken = {program for programs in faults.values() for program in programs}
    found += _asked_faults(case, package, here, broken)
    found += _parameter_files(case, package, here, {program: steps for program, steps in wanted.items() if program not in broken})
    return found


def _wanted(case: Case, name: str) -> dict[str, tuple[str, ...]]:
    """Program → the steps that run it."""
    wanted: dict[str, tuple[str, ...]] = {}
    for step in case.steps:
        if step.software == name:
            programs = programs_of(step.name)
        elif name == "heasoft":
            programs = FROM_HEASOFT.get(step.name, ())
        else:
            continue
        for program in programs:
            wanted[program] = (*wanted.get(program, ()), step.name)
    return wanted


def _harmless(name: str, program: str) -> tuple[str, ...] | None:
    """Arguments with which a program of the package only speaks, None if there are none: SAS's tasks know « -v »; eSASS's
    without arguments and with fresh parameter files find no input, in an empty folder."""
    return {"sas": ("-v",), "esass": ()}.get(name)


def _program_fault(
    case: Case, package: Package, here: Installation, kind: str, why: str, programs: list[str], wanted: dict[str, tuple[str, ...]]
) -> Finding:
    steps = tuple(dict.fromkeys(step for program in programs for step in wanted[program]))
    several = ", ".join(programs)
    if kind == "program-missing":
        text = (
            f"{several} of {package.label} {'are' if len(programs) > 1 else 'is'} not on the PATH that its set-up script makes "
        )
        text += f"(it is in {here.folder})."
        fix = f"Is the installation complete? {_INSTALL_AGAIN}"
    else:
        text = f"{several} of {package.label} {_CAUSES[kind]}: {why}."
        fix = _FIXES[kind]
    return fault(f"{package.name}-{kind}", package.label, text, fix, steps)


def _asked_faults(case: Case, package: Package, here: Installation, told: set[str]) -> Iterable[Finding]:
    """Programs that were only asked for the version and do not work are a sign for all."""
    for path, why in here.problems.items():
        if Path(path).name not in told:
            kind = kind_of_problem(why)
            text = f"{path} {_CAUSES[kind]}: {why}."
            yield fault(f"{package.name}-{kind}", package.label, text, _FIXES[kind], case.using(package.name))
            return


def parameter_folders(name: str, here: Installation) -> tuple[str, ...]:
    """Where a package keeps the parameter files that came with it: SAS in `config` below SAS_PATH, the others as PFILES says
    behind its semicolon."""
    if name == "sas":
        roots = [here.environment.get("SAS_DIR", ""), *here.environment.get("SAS_PATH", "").split(os.pathsep)]
        return tuple(dict.fromkeys(str(Path(root) / "config") for root in roots if root))
    _, separator, system = here.environment.get("PFILES", "").partition(";")
    return tuple(one for one in (system if separator else "").replace(";", os.pathsep).split(os.pathsep) if one)


def _parameter_files(case: Case, package: Package, here: Installation, wanted: dict[str, tuple[str, ...]]) -> Iterable[Finding]:
    folders = parameter_folders(package.name, here)
    missing = [one for one in wanted if not any((Path(folder) / f"{one}.par").is_file() for folder in folders)]
    if not missing:
        return
    steps = tuple(dict.fromkeys(step for program in missing for step in wanted[program]))
    if not folders:
        text = f"{package.label}'s set-up script names no folder of parameter files (PFILES has nothing behind its semicolon)."
        yield fault(f"{package.name}-parameter-folder-missing", package.label, text, _INSTALL_AGAIN, steps)
        return
    text = f"{package.label} has no parameter file for {', '.join(missing)} in {' or '.join(folders)}."
    yield fault(f"{package.name}-parameter-file-missing", package.label, text, _INSTALL_AGAIN, steps)


def check_lcurve(case: Case, sas: Installation | None, heasoft: Installation | None) -> list[Finding]:
    """emchain runs HEASoft's lcurve: it must be on the PATH of SAS's programs."""
    steps = tuple(one.name for one in case.steps if one.name in FROM_HEASOFT and one.software == "sas")
    if not steps or sas is None or heasoft is None:
        return []
    if program_on(sas.environment.get("PATH", ""), ("lcurve",)):
        return []
    text = f"HEASoft's lcurve, which emchain runs, is not on the PATH that {' and '.join(sas.scripts)} make."
    fix = "Is HEASoft complete? Its set-up script is read before SAS's; one of the two removes the other's folder from PATH."
    return [fault("sas-lacks-lcurve", "SAS", text, fix, steps)]
