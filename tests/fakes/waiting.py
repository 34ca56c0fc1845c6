"""Waiting for what is to happen: as long as a slow and busy machine may take, since waiting longer costs a quick one nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 120.0  # a test that is right never comes near it; pytest's own limit for a whole test is longer


def wait_for(condition: Callable[[], object], what: str = "what was waited for") -> None:
    """Return as soon as the condition holds.

    Raises:
        AssertionError: it did not within `PATIENCE_S`.
    """
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {PATIENCE_S:g} s"
        time.sleep(0.01)
