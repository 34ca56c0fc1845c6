"""Where every stand-in executable begins: `main(task, home)`."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from programs import control, files

# Which module has the tasks of which software; each has `message`, `run` and says what is known about its parameters.
_FAMILIES = {
    "sas": (
        "sas",
        "sasversion",
        "cifbuild",
        "odfingest",
        "epchain",
        "emchain",
        "emanom",
        "espfilt",
        "evselect",
        "merge",
        "eexpmap",
        "rgsproc",
        "gtibuild",
    ),
    "esass": ("flaregti", "evtool"),
    "ciao": ("ciaover", "punlearn", "chandra_repro", "dmextract", "deflare", "dmcopy", "fluximage"),
    "heasoft": ("nuversion", "nupipeline", "nuexpomap", "lcurve", "ftcopy", "fversion", "ftversion"),
}


def family_of(task: str) -> str:
    return next(name for name, tasks in _FAMILIES.items() if task in tasks)


def _clash(task: str, family: str) -> str:
    """What the loader says when another package's libraries come before the task's own in LD_LIBRARY_PATH."""
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        try:
            with open(os.path.join(folder, "PACKAGE"), encoding="utf-8") as file:
                owner = file.read().strip()
        except OSError:
            continue
        # HEASoft's tasks work after SAS was initialised too (the order that SAS asks for: HEASoft first, then SAS)
        if owner != family and (family, owner) != ("heasoft", "sas"):
            return f"{task}: symbol lookup error: {folder}/libcfitsio.so.10: undefined symbol: ffgkyjj_{family}"
        return ""
    return ""


def main(task: str, home: str, packages: str) -> None:
    """Do what `task` of the installation in `home` does, with the arguments and the environment of this process; never returns.

    `packages` is where numpy is, for the tasks that need it.
    """
    arguments = sys.argv[1:]
    files.packages = packages
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    control.record(home, task, arguments)
    if trouble := _clash(task, family_of(task)):
        print(trouble, file=sys.stderr)
        sys.exit(127)
    family = import_module(f"programs.{family_of(task)}")
    switches = control.Control(home, task, arguments)

    def message(severity: str, name: str, text: str) -> str:
        return str(family.message(task, severity, name, text))

    if switches.rules:
        switches.before(lambda text: print(family.line(task, text), flush=True), message)
    code = int(family.run(task, arguments, home) or 0)
    if switches.rules:
        code = switches.after(message) or code
    sys.stdout.flush()
    sys.exit(code)
