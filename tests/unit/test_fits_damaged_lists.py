"""Lists with damaged headers and data: either refused or read, never anything but the errors that a person is meant to see."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.core.intervals import inside_own, intersect, make_gti
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.fits.event_lists import events_of, find_events
from daxa_gui.fits.products import write_clean_events
from daxa_gui.fits.summary import summarise
from daxa_gui.reduction.engine.flares import find_flares
from daxa_gui.reduction.engine.image import make_image
from tests.fakes.event_files import FORMATS, mos_list

ODD_VALUES = ("-1", "0", "1e300", "99999999999999999999", "nan", "'text'", "T", "-2147483648", "1e-300", "32767", "inf")


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """One to three bytes changed, cards given odd values, blanked or swapped; the first header block stays."""
    changed = bytearray(data)
    cards = len(data) // 80
    for _ in range(rng.integers(1, 4)):
        card, other = (80 * int(n) for n in rng.integers(36, cards, 2))
        kind = rng.integers(0, 4)
        if kind == 0:
            changed[int(rng.integers(2880, len(data)))] = int(rng.integers(0, 256))
        elif kind == 1:
            changed[card + 10 : card + 30] = str(rng.choice(ODD_VALUES)).rjust(20).encode("ascii")
        elif kind == 2:
            changed[card : card + 80] = b" " * 80
        else:
            changed[card : card + 80], changed[other : other + 80] = changed[other : other + 80], changed[card : card + 80]
    return bytes(changed)


@pytest.mark.parametrize("seed", range(4))
def test_that_damaged_lists_lead_to_sentences_only(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gtis = {1: [(0.0, 500.0), (600.0, 1000.0)], 2: [(0.0, 1000.0)]}
    whole = mos_list(tmp_path / "whole.fits", rng.uniform(0, 1000, 200), rng.choice([1, 2], 200), gtis).read_bytes()
    path, refused = tmp_path / "damaged.fits", 0
    for _ in range(120):
        path.write_bytes(damage(whole, rng))
        try:
            found = find_events(path, FORMATS)
            events = events_of(found)
            json.dumps(summarise(events), allow_nan=False)
            gti = {ccd: intersect(own, make_gti([0.0], [700.0])) for ccd, own in events.gti.items()}
            write_clean_events(found, tmp_path / "clean.fits", inside_own(gti, events.time_s, events.ccd), gti)
        except FileError as error:
            assert str(path) in error.message
            refused += 1
            continue
        for operation in (lambda e: find_flares(e, FlareParameters()), lambda e: make_image(e, (0.5, 2.0))):
            try:
                operation(events)
            except ReductionError as error:
                assert error.message.endswith(".")
    assert 0 < refused < 120
