"""How long Python's search for garbage in cycles may hold everything up: the one place that says so.

The collector holds the interpreter's lock while it looks, so that every thread stands still, the window's too: a pass over a
million objects takes a quarter of a second and more. CPython begins a pass when so many more objects were made than freed, on
whatever thread that happens, and sooner or later looks through all that there are; work that makes a hundred thousand jobs
was seen to stop a window for seconds, pass after pass. Nearly everything here is freed without the collector, as nothing
refers to it any more, so the passes need not be long:

* `short_passes` lets it look at a few thousand objects at a time. Each object is looked at twice while it is young, then no more.
  A program with a window has that from its start to its end (`keep_passes_short`); others have it while they read very much.
  The collector is never switched off for a while: the pass afterwards would look at all that was made meanwhile.
* What is there once the window stands (modules, panels) is put aside for good (`leave_alone`).
* A pass over everything is made where that is quick (`pass_over_everything`): cycles among old objects are freed then.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 3_000  # more objects made than freed: a pass over these
PASSES = 10  # of those: a pass over the survivors too, 30 000 at most, some 10 ms
# Of these: a pass over everything, when many tens of millions were made and kept. Nothing here comes near that: it is there so
# that a fault that makes cycles without end does not fill the memory.
_LAST_RESORT = 3_000
MOST_AT_ONCE = 100_000  # old objects that are looked at in one pass

_guard = threading.Lock()
_n_wanted = 0
_usual = (700, 10, 10)


@contextmanager
def short_passes() -> Iterator[None]:
    """Many objects are made that stay: look at few at a time, and not again and again at all of them. Any threads, nested."""
    _want()
    try:
        yield
    finally:
        _want_no_more()


def keep_passes_short() -> None:
    """`short_passes` from now on: called once, when a program with a window begins."""
    _want()


def _want() -> None:
    global _n_wanted, _usual
    with _guard:
        if not _n_wanted:
            _usual = gc.get_threshold()
            gc.set_threshold(YOUNG, PASSES, _LAST_RESORT)
        _n_wanted += 1


def _want_no_more() -> None:
    global _n_wanted
    with _guard:
        _n_wanted -= 1
        if not _n_wanted:
            gc.set_threshold(*_usual)


def leave_alone() -> None:
    """What is there now stays: no pass looks at it any more. (Its parts are freed as ever when nothing refers to them.)"""
    gc.freeze()


def pass_over_everything(most: int = MOST_AT_ONCE) -> bool:
    """Free cycles among old objects, unless there are more than `most` objects to be looked at; whether it was done."""
    if sum(len(gc.get_objects(generation)) for generation in range(3)) > most:
        return False
    gc.collect()
    return True
