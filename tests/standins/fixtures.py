"""Fixtures of the stand-ins. A test module gets them by `from tests.standins.fixtures import *` (or by name).

`standins_once` installs everything once per process; `standins` gives it with all switches off and no calls recorded, and turns
the switches off again afterwards and ends children that a switch made a stand-in leave behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.standins.install import Installed, install

__all__ = ["standins", "standins_once"]


def end_children(installed: Installed) -> None:
    """End the processes that were left behind on purpose, if they are still sleeping."""
    for pid in installed.switches.children:
        with suppress(OSError):
            if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def standins_once() -> Iterator[Installed]:
    folder = Path(tempfile.mkdtemp(prefix="stand-ins-"))
    folder.chmod(0o755)
    yield install(folder / "software")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def standins(standins_once: Installed) -> Iterator[Installed]:
    standins_once.switches.clear()
    standins_once.forget_calls()
    yield standins_once
    end_children(standins_once)
    standins_once.switches.clear()
