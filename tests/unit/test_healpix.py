"""HEALPix cells and ranges of them, against mocpy (whose numbering is that of cdshealpix)."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mocpy import MOC

from daxa_gui.core.errors import InputError
from daxa_gui.core.healpix import N_CELLS, ang2pix, in_ranges, normal_ranges, ranges_from_text, ranges_to_text

RNG = np.random.default_rng(11)
NEAR_POLE = 10.0 ** RNG.uniform(-9, 1, 500)
LON = np.concatenate([RNG.uniform(0, 360, 5000), [0.0, 0.0, 123.4, 359.99999999, 45.0, 90.0, 1e-9]])
LAT = np.concatenate(
    [
        np.degrees(np.arcsin(RNG.uniform(-1, 1, 4000))),
        90 - NEAR_POLE,
        NEAR_POLE - 90,
        [90.0, -90.0, 0.0, 0.0, 41.8103149, -41.9, 10.0],
    ]
)


@pytest.mark.parametrize("order", [0, 1, 3, 8, 13, 20])
def test_that_positions_lie_in_the_cells_that_mocpy_says(order: int) -> None:
    cells = ang2pix(LON, LAT, order)
    assert cells.min() >= 0 and cells.max() < 12 << (2 * order)
    for start in range(0, len(LON), 500):  # one position lies in one cell: a map of a few says which
        part = slice(start, start + 500)
        theirs = MOC.from_lonlat(LON[part] * u.deg, LAT[part] * u.deg, max_norder=order)
        ours = MOC.from_healpix_cells(np.unique(cells[part]).astype(np.uint64), np.uint8(order), max_depth=order)
        assert ours == theirs


def test_that_the_finest_cells_agree_but_for_the_last_digits_of_positions() -> None:
    """A cell of order 29 is 0.4 mas wide, 1e7 times what doubles resolve, so hardly any position lies between two of them."""
    theirs = MOC.from_lonlat(LON * u.deg, LAT * u.deg, max_norder=29).to_depth29_ranges.astype(np.int64)
    inside = in_ranges(ang2pix(LON, LAT), normal_ranges(theirs.tolist()))
    assert np.count_nonzero(~inside) <= 3


def test_that_coarse_cells_hold_the_fine_ones() -> None:
    fine = ang2pix(LON, LAT)
    for order in (0, 5, 17, 28):
        assert (fine >> (2 * (29 - order)) == ang2pix(LON, LAT, order)).mean() > 0.999


def test_that_whole_turns_do_not_matter_and_unknown_positions_lie_in_no_cell() -> None:
    assert ang2pix([360.0, -90.0], [5.0, 5.0], 8).tolist() == ang2pix([0.0, 270.0], [5.0, 5.0], 8).tolist()
    assert ang2pix([np.nan, 1.0, 2.0], [0.0, np.nan, 0.0], 8)[:2].tolist() == [-1, -1]
    assert not in_ranges(np.array([-1]), ((0, N_CELLS),)).any()


RANGES = st.lists(st.tuples(st.integers(0, N_CELLS), st.integers(0, 1 << 40)), max_size=8).map(
    lambda pairs: normal_ranges((start, min(start + length, N_CELLS)) for start, length in pairs)
)


@given(RANGES)
def test_that_ranges_come_back_from_their_text(ranges: tuple[tuple[int, int], ...]) -> None:
    assert ranges_from_text(ranges_to_text(ranges)) == ranges


@given(RANGES)
def test_that_the_text_is_that_of_mocpy(ranges: tuple[tuple[int, int], ...]) -> None:
    theirs = MOC.from_depth29_ranges(29, np.array(ranges, np.uint64).reshape(-1, 2))
    assert theirs == MOC.from_string(ranges_to_text(ranges) + " 29/")
    assert ranges_from_text(theirs.to_string("ascii")) == ranges


@given(RANGES, st.lists(st.integers(0, N_CELLS - 1), max_size=10))
def test_that_a_cell_is_in_a_range_from_its_start_to_before_its_end(
    ranges: tuple[tuple[int, int], ...], cells: list[int]
) -> None:
    cells += [max(edge - 1, 0) for pair in ranges for edge in pair] + [min(e, N_CELLS - 1) for pair in ranges for e in pair]
    expected = [any(start <= cell < stop for start, stop in ranges) for cell in cells]
    assert in_ranges(np.array(cells, np.int64), ranges).tolist() == expected


@pytest.mark.parametrize("text", ["12", "30/1", "0/12", "1/2-1", "a/3", "3/4/5", "0/-1", "1/5 x", "29/99999999999999999999"])
def test_that_text_which_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        ranges_from_text(text)


def test_that_touching_ranges_become_one() -> None:
    assert normal_ranges([(5, 9), (0, 5), (20, 20), (8, 12), (30, 31)]) == ((0, 12), (30, 31))
