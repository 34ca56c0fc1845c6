"""Counts images: pixel rule, grids, world coordinates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.images import PixelGrid
from daxa_gui.core.intervals import make_gti
from daxa_gui.core.sky import LinearWcs
from daxa_gui.reduction.engine.image import default_grid, make_image
from tests.fakes.event_files import SIMPLE, events_in_memory

WCS = LinearWcs(25921.0, 25921.0, 150.0, -11.0, -1 / 72000, 1 / 72000)


@given(st.lists(st.tuples(st.integers(-3, 25), st.integers(-3, 25)), max_size=50), st.sampled_from([1.0, 2.5, 4.0]))
def test_that_each_event_is_in_the_pixel_that_covers_it(places: list[tuple[int, int]], size: float) -> None:
    x, y = np.array([p[0] for p in places], float), np.array([p[1] for p in places], float)
    grid = PixelGrid(0.5, 1.5, size, size, 5, 4)
    image = make_image(events_in_memory(np.zeros(len(x)), [(0, 1)], x=x, y=y), None, grid=grid)
    for row in range(4):
        for column in range(5):
            in_x = (x >= 0.5 + column * size) & (x < 0.5 + (column + 1) * size)
            in_y = (y >= 1.5 + row * size) & (y < 1.5 + (row + 1) * size)
            assert image.values[row, column] == np.count_nonzero(in_x & in_y)


def test_that_band_time_and_selection_decide_what_is_counted() -> None:
    events = events_in_memory(
        np.array([0.5, 1.5, 2.5, 9.0]), [(0.0, 5.0)], energy_kev=np.array([1.0, 1.0, 9.0, 1.0]),
        pattern=np.array([0, 20, 0, 0], np.int16),
    )  # fmt: skip
    grid = PixelGrid(0.5, 0.5, 1.0, 1.0, 1, 1)
    assert make_image(events, (0.5, 2.0), grid=grid).values.sum() == 1
    assert make_image(events, None, grid=grid).values.sum() == 2
    assert make_image(events, (0.5, 2.0), grid=grid, selected=False).values.sum() == 3
    assert make_image(events, None, make_gti([2.0], [3.0]), grid).values.sum() == 1


def test_that_the_usual_grid_is_centred_on_the_legal_range() -> None:
    grid = default_grid(events_in_memory(np.zeros(1), [(0, 1)]))
    assert grid == PixelGrid(3648.5, 3648.5, 87.0, 87.0, 512, 512)


def test_that_without_a_pixel_number_the_whole_range_is_covered_and_never_too_finely() -> None:
    events = events_in_memory(np.zeros(1), [(0, 1)], form=SIMPLE, x_range=(0.5, 1000.5), y_range=(0.5, 500.5))
    assert default_grid(events) == PixelGrid(0.5, 0.5, 1.0, 1.0, 1000, 500)
    wide = default_grid(replace(events, x_range=(0.5, 20000.5)))
    assert (wide.bin_x, wide.n_x) == (8.0, 2500)


def test_that_without_a_legal_range_the_events_give_it() -> None:
    x, y = np.array([10.0, np.nan, 30.0]), np.array([5.0, 6.0, 7.0])
    events = events_in_memory(np.zeros(3), [(0, 1)], form=SIMPLE, x=x, y=y, x_range=None, y_range=None)
    grid = default_grid(events)
    assert (grid.n_x, grid.n_y) == (22, 4)
    assert make_image(events, None).values.sum() == 2


def test_that_world_coordinates_of_pixels_and_events_agree() -> None:
    grid = default_grid(events_in_memory(np.zeros(1), [(0, 1)]))
    wcs = grid.wcs_of(WCS)
    x, y = np.array([3692.0, 30000.0]), np.array([3692.0, 20000.0])
    pixel_x, pixel_y = (x - grid.edge_x) / grid.bin_x + 0.5, (y - grid.edge_y) / grid.bin_y + 0.5
    assert np.allclose(wcs.sky(pixel_x, pixel_y), WCS.sky(x, y), atol=1e-10)
    assert wcs.crpix_x == pytest.approx(256.505747126437)


def test_that_lists_without_sky_coordinates_are_refused_with_a_sentence() -> None:
    events = events_in_memory(np.zeros(2), [(0, 1)], x=None, y=None, x_range=None, y_range=None)
    with pytest.raises(ReductionError, match="no sky coordinates"):
        make_image(events, None)
    lost = events_in_memory(np.zeros(2), [(0, 1)], x=np.full(2, np.nan), y=np.ones(2), x_range=None, y_range=None)
    with pytest.raises(ReductionError, match="no event with sky coordinates"):
        make_image(lost, None)
