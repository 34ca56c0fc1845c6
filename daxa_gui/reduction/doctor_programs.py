"""Which programs each step of the missions' software runs, and what a look at a program's file tells before it is ever run."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from daxa_gui.reduction.software_versions import ask, problem_of

# Source: the builders of the steps' recipes.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "cif_build": ("cifbuild",),
    "odf_ingest": ("odfingest",),
    "epchain": ("epchain",),
    "emchain": ("emchain",),
    "emanom": ("emanom",),
    "espfilt": ("espfilt",),
    "cleaned_evt_lists": ("evselect",),
    "merge_subexposures": ("merge",),
    "generate_images_expmaps": ("evselect", "eexpmap"),
    "rgs_events": ("rgsproc",),
    "rgs_angles": ("rgsproc",),
    "cleaned_rgs_event_lists": ("rgsproc",),
    "flaregti": ("flaregti", "evtool"),
    "cleaned_erosita_evts": ("evtool",),
    "chandra_repro": ("chandra_repro",),
    "deflare": ("dmextract", "deflare"),
    "cleaned_chandra_evts": ("dmcopy",),
    "flux_image": ("fluximage",),
    "rate_image": ("fluximage",),
    "nupipeline": ("nupipeline",),
    "cleaned_nustar_evts": ("ftcopy",),
    "nustar_images": ("ftcopy", "nuexpomap"),
}
# emchain finds flares with HEASoft's lcurve, whether its result is used or not.
FROM_HEASOFT = {"emchain": ("lcurve",)}
_ELF_MACHINES = {
    0x03: "32-bit x86",
    0x14: "PowerPC",
    0x15: "64-bit PowerPC",
    0x28: "32-bit ARM",
    0x3E: "x86-64",
    0xB7: "64-bit ARM",
}
_OWN_MACHINES = {"x86_64": 0x3E, "amd64": 0x3E, "aarch64": 0xB7, "arm64": 0xB7, "ppc64le": 0x15, "i686": 0x03, "armv7l": 0x28}
_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_LDD_LIMIT_S = 10.0


def programs_of(step_name: str) -> tuple[str, ...]:
    return PROGRAMS.get(step_name, ())


def find_file(program: str, search_path: str) -> tuple[str, str]:
    """(path of the program that would run, "") or ("", path of a file of that name that cannot be executed)."""
    found = shutil.which(program, path=search_path)
    if found is not None:
        return found, ""
    for folder in search_path.split(os.pathsep):
        candidate = Path(folder) / program
        if folder and (candidate.is_file() or candidate.is_symlink()):
            return "", str(candidate)
    return "", ""


def may_execute(path: str) -> bool:
    """By the file's own mode: root may not execute what nobody may."""
    try:
        return bool(Path(path).stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)) and os.access(path, os.X_OK)
    except OSError:
        return False


def look_at(path: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """(kind of fault, end of a sentence) of a program's file: "wrong-architecture", "interpreter-missing", "program-broken",
    "library-missing"; both empty if nothing is wrong with it."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(512)
    except OSError as error:
        return "program-broken", f"it cannot be read ({error.strerror})"
    if head[:4] == b"\x7fELF":
        return _look_at_elf(path, head, environment)
    if head[:4] in _MACH_O:
        return ("", "") if sys.platform == "darwin" else ("wrong-architecture", "it is a program for macOS")
    if head[:2] == b"#!":
        return _look_at_script(head, environment)
    if not head:
        return "program-broken", "the file is empty"
    if b"\0" in head:
        return "program-broken", "it is no program of this system (exec format error)"
    return "", ""  # a script without a first line: shells take it


def _look_at_elf(path: str, head: bytes, environment: Mapping[str, str]) -> tuple[str, str]:
    if sys.platform != "linux":
        return "wrong-architecture", "it is a program for Linux"
    if len(head) < 20:
        return "program-broken", "the file ends within its header"
    machine = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
    own = _OWN_MACHINES.get(platform.machine().lower())
    runs_32_bit = own == 0x3E and machine == 0x03 and Path("/lib/ld-linux.so.2").exists()
    if own is not None and machine != own and not runs_32_bit:
        what = _ELF_MACHINES.get(machine, f"machine {machine}")
        return "wrong-architecture", f"it is a {what} program, and this machine is {platform.machine()}"
    return _missing_libraries(path, environment)


def _missing_libraries(path: str, environment: Mapping[str, str]) -> tuple[str, str]:
    ldd = shutil.which("ldd", path=os.defpath)
    if ldd is None:
        return "", ""
    names = {name: text for name, text in environment.items() if name in ("LD_LIBRARY_PATH", "PATH", "HOME")}
    said = ask([ldd, path], names, _LDD_LIMIT_S).text
    missing = re.findall(r"^\s*(\S+) => not found", said, re.MULTILINE)
    return ("library-missing", f"it lacks {', '.join(missing[:5])}") if missing else ("", "")


def _look_at_script(head: bytes, environment: Mapping[str, str]) -> tuple[str, str]:
    words = head[2:].splitlines()[0].decode("utf-8", "replace").split() if len(head) > 2 else []
    if not words:
        return "program-broken", "its first line names no interpreter"
    if head.splitlines(keepends=True)[0].endswith(b"\r\n"):
        return "interpreter-missing", "its lines end as on Windows (CR LF), so that its interpreter is not found"
    if Path(words[0]).name == "env":
        wanted = next((one for one in words[1:] if not one.startswith("-") and "=" not in one), "")
        if wanted and shutil.which(wanted, path=environment.get("PATH", os.defpath)) is None:
            return "interpreter-missing", f"its interpreter {wanted} is not on PATH"
    elif not Path(words[0]).exists():
        return "interpreter-missing", f"its interpreter {words[0]} does not exist"
    return "", ""


def try_program(path: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, str]:
    """The same after running it with arguments that do no work."""
    problem = problem_of(ask([path, *arguments], environment))
    if not problem:
        return "", ""
    return kind_of_problem(problem), problem


def kind_of_problem(problem: str) -> str:
    if re.search(r"shared librar|Library not loaded|image not found", problem):
        return "library-missing"
    if re.search(r"(?i)exec format|bad cpu type", problem):
        return "wrong-architecture"
    if "does not come to an end" in problem:
        return "program-hangs"
    if re.search(r"(?i)permission denied", problem):
        return "program-not-executable"
    return "program-broken"
