"""How long the search for garbage may hold everything up."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from threading import Barrier, Thread

import pytest

from daxa_gui.core import collecting
from daxa_gui.core.collecting import MOST_AT_ONCE, PASSES, YOUNG, pass_over_everything, short_passes


def test_that_passes_are_short_inside_and_as_before_afterwards_also_after_an_error():
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), short_passes():
        with short_passes():
            pass
        assert gc.get_threshold()[:2] == (YOUNG, PASSES) and gc.isenabled()
        raise ZeroDivisionError
    assert gc.get_threshold() == before


def test_that_several_threads_agree():
    before, together = gc.get_threshold(), Barrier(8)

    def work() -> None:
        together.wait()
        for _ in range(200):
            with short_passes():
                assert gc.get_threshold()[0] == YOUNG

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.get_threshold() == before


def test_that_no_pass_looks_at_all_that_was_made():
    """Two hundred thousand objects that stay: passes of the first two kinds only, each over few of them."""
    passes = []
    with short_passes():
        gc.collect()
        gc.callbacks.append(lambda phase, about: passes.append(about["generation"]) if phase == "start" else None)
        try:
            kept = [[number] for number in range(200_000)]
        finally:
            gc.callbacks.pop()
    assert len(kept) == 200_000 and set(passes) == {0, 1}
    assert len(passes) >= 200_000 / YOUNG - 1


class Knot:
    """Refers to itself, so that only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_that_a_pass_over_everything_frees_cycles_unless_there_is_too_much():
    gc.collect()
    gc.freeze()
    try:
        with short_passes():  # none comes by itself meanwhile
            knot = weakref.ref(Knot())
            kept = [[number] for number in range(1_000)]
            assert not pass_over_everything(500) and knot() is not None
            assert pass_over_everything() and knot() is None and len(kept) < MOST_AT_ONCE
    finally:
        gc.unfreeze()


def test_that_a_window_has_short_passes_until_its_end():
    program = (
        "import gc; from daxa_gui.core import collecting as c; c.keep_passes_short();"
        "\nwith c.short_passes(): pass"
        "\nassert gc.get_threshold()[:2] == (c.YOUNG, c.PASSES); c.leave_alone(); assert gc.get_freeze_count() > 0"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert collecting.YOUNG * collecting.PASSES < 50_000
