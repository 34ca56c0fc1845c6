"""What several unit tests set up the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from tests.fakes.execution import FakeClock
from tests.fakes.queue_bench import Bench


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Queues under a test's control, each over an archive of its own; closed after the test."""
    benches: list[Bench] = []

    def build(**options: Any) -> Bench:
        benches.append(Bench(tmp_path / str(len(benches)), **options))
        return benches[-1]

    yield build
    for bench in benches:
        bench.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def output(tmp_path: Path) -> OutputLayout:
    return OutputLayout(tmp_path / "out put")


@pytest.fixture
def store(output: OutputLayout, clock: FakeClock) -> Iterator[ArchiveStore]:
    """The store of a new archive « Coma »; closed after the test."""
    store = ArchiveStore.create(output.archive("Coma"), clock.now)
    yield store
    store.close()
