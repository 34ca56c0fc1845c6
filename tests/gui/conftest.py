"""Windows on real sessions, for the tests of whole workspaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from tests.fakes.windows import LONG_MS, Shell, copy_output, make_archive, shell


class PatientBot(QtBot):
    """pytest-qt's, which waits as long as a slow and busy machine may take where a test names no time of its own."""

    def waitUntil(self, callback: Callable[[], object], *, timeout: int = LONG_MS) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = LONG_MS, **more: Any) -> Any:
        return super().waitSignal(signal, timeout=timeout, **more)


@pytest.fixture
def qtbot(qapp: Any, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture
def window(qtbot, tmp_path: Path) -> Iterator[Shell]:
    """A window without an archive, not in practice mode."""
    with shell(qtbot, tmp_path / "output") as opened:
        yield opened


@pytest.fixture
def practice(qtbot, tmp_path: Path, practice_sky: Path) -> Iterator[Shell]:
    """A window whose practice sky is ready."""
    with shell(qtbot, tmp_path / "output") as opened:
        opened.action("practice")
        qtbot.waitUntil(opened.session.practice_ready, timeout=LONG_MS)
        yield opened


@pytest.fixture(scope="session")
def made_output(practice_sky: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder with the archive « made before », fetched and reduced. Do not write into it."""
    output = tmp_path_factory.mktemp("made")
    make_archive(output)
    return output


@pytest.fixture
def reduced(qtbot, tmp_path: Path, made_output: Path) -> Iterator[Shell]:
    """A window in which a copy of that archive is open."""
    output = copy_output(made_output, tmp_path / "output")
    with shell(qtbot, output) as opened:
        opened.window.open_archive(str(output / "archives" / "made before"), show="")
        qtbot.waitUntil(lambda: opened.session.archive is not None, timeout=LONG_MS)
        qtbot.waitUntil(lambda: "made before" in opened.window.windowTitle())
        yield opened
