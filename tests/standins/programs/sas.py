"""The tasks of SAS: what they have in common (the work of each is in `sas_files`, `sas_chains`, `sas_select` …)."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from importlib import import_module

from programs import files
from programs.sas_parameters import SasError, Values, complain, options, read, table, table_path

VERSIONS = {
    "sas": "1.71",
    "cifbuild": "4.10.1",
    "odfingest": "3.33.2",
    "epchain": "8.82.2",
    "emchain": "12.1",
    "emanom": "0.20.1",
    "espfilt": "5.1",
    "evselect": "3.71.3",
    "merge": "0.15",
    "eexpmap": "4.12.1",
    "rgsproc": "1.39",
    "gtibuild": "1.5.1",
    "sasversion": "1.18",
}
_WORK = {
    "cifbuild": "sas_files:cifbuild",
    "odfingest": "sas_files:odfingest",
    "gtibuild": "sas_files:gtibuild",
    "epchain": "sas_chains:epchain",
    "emchain": "sas_chains:emchain",
    "rgsproc": "sas_chains:rgsproc",
    "evselect": "sas_select:evselect",
    "merge": "sas_select:merge",
    "emanom": "sas_flares:emanom",
    "espfilt": "sas_flares:espfilt",
    "eexpmap": "sas_maps:eexpmap",
}
_NEED_CCF = ("odfingest", "epchain", "emchain", "emanom", "espfilt", "eexpmap", "rgsproc", "evselect")


def line(task: str, text: str) -> str:
    """A line of the task's output."""
    return f"{task}:- {text}"


def message(task: str, severity: str, name: str, text: str) -> str:
    return f"** {task}: {severity} ({name}), {text}"


class Task:
    """One running task: what it may ask and say."""

    def __init__(self, name: str, values: Values, version: str, home: str) -> None:
        self.name, self.values, self.version, self.home = name, values, version, home

    def say(self, text: str, task: str = "") -> None:
        # everything that emchain says goes to its standard error, as its documentation says
        where = sys.stderr if self.name == "emchain" else sys.stdout
        print(line(f"{self.name}::{task}" if task else self.name, text), file=where, flush=True)

    def warn(self, name: str, text: str, task: str = "") -> None:
        complain(message(f"{self.name}::{task}" if task else self.name, "warning", name, text))

    @property
    def release(self) -> tuple[int, ...]:
        return release(self.version)

    def open(self, path: str) -> list[files.Hdu]:
        """A data set; its name may end in `:TABLE`."""
        path = path if os.path.exists(path) or ":" not in os.path.basename(path) else path.rpartition(":")[0]
        try:
            return files.read(path)
        except FileNotFoundError:
            raise SasError("couldNotOpenDataSet", f"Could not open the data set `{path}' (no such file)") from None
        except (OSError, files.NotFits) as error:
            raise SasError("couldNotOpenDataSet", f"Could not open the data set `{path}': {error}") from None

    def events(self, path: str) -> tuple[list[files.Hdu], int]:
        """A data set with an event table, and the place of that table."""
        hdus = self.open(path)
        for i, hdu in enumerate(hdus):
            if hdu.name == "EVENTS":
                return hdus, i
        raise SasError("blockNotFound", f"Block `EVENTS' not found in the data set `{path}'")


def release(version: str) -> tuple[int, ...]:
    """(22, 1, 0) of « 22.1.0-a8f2c2afa-20250304 » or « xmmsas_20211130_0941-20.0.0 »."""
    text = version.rpartition("-")[2] if version.startswith("xmmsas") else version.partition("-")[0]
    return tuple(int(part) for part in text.split("."))


def _installed_version(home: str) -> str:
    with open(os.path.join(home, "VERSION"), encoding="utf-8") as file:
        return file.read().strip()


def _check_environment(task: str) -> None:
    for name in ("SAS_DIR", "SAS_PATH"):
        if not os.path.isdir(os.environ.get(name, "").split(":")[0]):
            raise SasError(
                "NoSasPath", f"The environment variable {name} is not set, or there is no such directory: initialise SAS first"
            )
    if task == "cifbuild":
        return
    if task in _NEED_CCF:
        index = os.environ.get("SAS_CCF", "")
        path = os.path.join(index, "ccf.cif") if os.path.isdir(index) else index
        if not os.path.isfile(path):
            raise SasError(
                "CifNotFound", f"Cannot open the Calibration Index File `{path}': set SAS_CCF to the CIF made by cifbuild"
            )
        try:
            hdus = files.read(path)
        except files.NotFits as error:
            raise SasError("CifNotFound", f"The Calibration Index File cannot be read: {error}") from None
        if files.find(hdus, "CALINDEX") is None:
            raise SasError("TableNotFound", f"Table `CALINDEX' not found in `{path}'")


def _version_only(task: str, version: str, arguments: list[str]) -> bool:
    if "--version" in arguments or "-v" in arguments:
        print(f"{task} ({task}-{VERSIONS[task]}) [{version}]")
        return True
    return False


def _show_release(version: str) -> None:
    print("sasversion:- Executing (routine): sasversion  -w 1 -V 4")
    print("sasversion:- XMM-Newton SAS release and build information:\n")
    built = {"compiled": "Tue Mar  4 07:29:35 UTC 2025", "by": "nobody@nowhere", "platform": "stand-in"}
    print(
        f"SAS release: {version}\nCompiled on: {built['compiled']}\nCompiled by: {built['by']}\n"
        f"Platform   : {built['platform']}\n"
    )
    print("SAS-related environment variables that are set:\n")
    for name in ("SAS_DIR", "SAS_PATH", "SAS_CCFPATH", "SAS_CCF", "SAS_ODF", "SAS_VERBOSITY"):
        if name in os.environ:
            print(f"{name} = {os.environ[name]}")
    print()


def run(task: str, arguments: list[str], home: str) -> int:
    sas = os.path.join(home, "sas")
    version = _installed_version(sas)
    if _version_only(task, version, arguments):
        return 0
    if task in ("sas", "sasversion"):
        _show_release(version)
        return 0
    shared, rest = options(arguments)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parameters = table(table_path(task, ".".join(map(str, release(version))), os.path.join(here, "parameters", "sas")))
    for letter, name in (("o", "SAS_ODF"), ("i", "SAS_CCF")):
        if letter in shared:
            os.environ[name] = shared[letter]
    try:
        values = read(task, parameters, rest)
        _check_environment(task)
        verbosity = shared.get("V", os.environ.get("SAS_VERBOSITY", "4"))
        print(line(task, f"Executing (routine): {task} {values.text()}  -w 1 -V {verbosity}"))
        _stamp(task, version, "started: ")
        module, _, function = _WORK[task].partition(":")
        work: Callable[[Task], None] = getattr(import_module(f"programs.{module}"), function)
        work(Task(task, values, version, home))
        _stamp(task, version, "ended:   ")
    except SasError as error:
        sys.stdout.flush()
        complain(message(task, "error", error.name, error.text))
        return error.code
    except OSError as error:
        sys.stdout.flush()
        complain(message(task, "error", "FITSIO", f"{error.strerror}: {error.filename}"))
        return 1
    return 0


def _stamp(task: str, version: str, word: str) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000", time.gmtime())
    print(line(task, f"{task} ({task}-{VERSIONS[task]})  [{version}] {word} {now}"), flush=True)


def odf_folder(value: str) -> str:
    """Where the ODF is: the parameter, else SAS_ODF (a folder, or a summary file whose PATH line counts)."""
    place = value or os.environ.get("SAS_ODF", "")
    if os.path.isfile(place):
        with open(place, encoding="utf-8", errors="replace") as file:
            match = re.search(r"^PATH (.+)$", file.read(), re.MULTILINE)
        place = match[1].strip() if match else os.path.dirname(place)
    return place
