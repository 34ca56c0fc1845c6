"""The filters that have a shape on the sky, as outlines for the sky plot."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Box, Cone, Filter, Positions
from daxa_gui.core.sky import unit_vectors
from daxa_gui.gui.widgets.sky_projection import boxes, circles
from daxa_gui.gui.widgets.sky_view import Shape

_MOST_POSITIONS = 2000


def shapes_of(stack: FilterStack) -> list[Shape]:
    """Outlines of all filters that are switched on; a cone without a radius of its own is marked at its middle."""
    return [shape for row in stack.rows if row.enabled for shape in _shapes(row.filter)]


def _shapes(item: Filter) -> Iterator[Shape]:
    if isinstance(item, Cone):
        centre = unit_vectors([item.position.ra_deg], [item.position.dec_deg])
        yield Shape(centre)
        if item.radius_deg is not None:
            yield Shape(circles(centre, np.array([item.radius_deg]), 96)[0])
    elif isinstance(item, Positions):
        for position in item.positions[:_MOST_POSITIONS]:
            yield Shape(unit_vectors([position.ra_deg], [position.dec_deg]))
    elif isinstance(item, Box):
        bounds = (item.ra_min_deg, item.ra_max_deg, item.dec_min_deg, item.dec_max_deg)
        ra_min, ra_max, dec_min, dec_max = (np.array([bound]) for bound in bounds)
        yield Shape(boxes(ra_min, ra_max, dec_min, dec_max, 24)[0])
