"""The window must not import what it needs later only: see the list, each of which costs 0.1 to 0.5 s."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("astropy", "astroquery", "distributed", "matplotlib", "ncompress", "pandas", "pyvo", "regions", "scipy")

# the program as it is started, cut off where the window stands and has been painted
WINDOW = """
import json, sys
from daxa_gui.app import main
code = main(sys.argv[1:])
print("MODULES " + json.dumps([name for name in sys.modules if "." not in name]))
sys.exit(code)
"""


def modules_after(program: str, *arguments: str, **variables: str) -> set[str]:
    """The top-level modules that were imported when `program` printed its MODULES line."""
    import os

    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **variables},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    line = next(line for line in result.stdout.splitlines() if line.startswith("MODULES "))
    return set(json.loads(line.removeprefix("MODULES ")))


@pytest.fixture(scope="module")
def window_modules() -> set[str]:
    return modules_after(WINDOW, DAXA_GUI_BENCH="first-paint")


def test_that_the_painted_window_has_imported_no_heavy_package(window_modules):
    assert "PySide6" in window_modules, "no window was made, so nothing was measured"
    assert window_modules.isdisjoint(HEAVY)


def test_that_the_command_line_imports_neither_qt_nor_heavy_packages():
    modules = modules_after(WINDOW, "missions", "--json")
    assert modules.isdisjoint({"PySide6", "pyqtgraph", "shiboken6", *HEAVY})


def test_that_the_help_is_there_without_a_window_or_numpy():
    modules = modules_after(
        "import contextlib, json, sys\nfrom daxa_gui.app import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "print('MODULES ' + json.dumps([name for name in sys.modules if '.' not in name]))"
    )
    assert modules.isdisjoint({"PySide6", "numpy", *HEAVY})
