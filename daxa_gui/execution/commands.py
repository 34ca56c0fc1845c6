"""How this program starts parts of itself as other processes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_STANDARD_LIBRARY_ONLY = ("guard", "spawner")
_PARTS = ("worker", *_STANDARD_LIBRARY_ONLY)

# What a worker writes before and behind everything that a call prints: separators of ASCII, each with the number of the call.
START_OF_OUTPUT = "\x1d"
END_OF_OUTPUT = "\x1e"


def is_frozen() -> bool:
    """Whether this is a bundled program (PyInstaller), which has no Python interpreter to give `-m` to."""
    return bool(getattr(sys, "frozen", False))


def own_command(part: str, *arguments: str) -> list[str]:
    """The command of `part` ("worker", "guard" or "spawner"). The one place that knows: a bundled program is started again with
    `--daxa-PART` as its first argument, and its entry point calls `run_own_part`.
    """
    if is_frozen():
        return [sys.executable, f"--daxa-{part}", *arguments]
    if part in _STANDARD_LIBRARY_ONLY:  # isolated, they start in a third of the time
        return [sys.executable, "-I", "-S", str(_PACKAGE / "execution" / f"{part}.py"), *arguments]
    # -P: the current folder, which may hold anything, is not searched for modules.
    return [sys.executable, "-P", "-m", f"daxa_gui.execution.{part}", *arguments]


def run_own_part(argv: Sequence[str]) -> int | None:
    """For the entry point of a bundled program: do what `own_command` asked for; None if `argv` (without the program's name) is
    no such command."""
    if not argv or not argv[0].startswith("--daxa-") or (part := argv[0].removeprefix("--daxa-")) not in _PARTS:
        return None
    main: Callable[[list[str]], int | None] = importlib.import_module(f"daxa_gui.execution.{part}").main
    return main(list(argv[1:])) or 0


def own_environment() -> dict[str, str]:
    """The environment of `own_command`: finds this package, and leaves the other cores to the other workers."""
    environment = dict(os.environ)
    paths = [str(_PACKAGE.parent), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"
    environment["PYTHONUNBUFFERED"] = "1"
    return environment
