"""How distances are written on the command line."""

from __future__ import annotations

import pytest

from daxa_gui.cli_search import parse_reach
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.missions import searchable


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        (None, Distance()),
        ("30arcmin", Distance.fixed(0.5)),
        ("own", Distance.of_positions()),
        ("XRT=12arcmin,bat=50deg", Distance.of_instruments({"XRT": 0.2, "BAT": 50.0})),
        ("footprint", Distance.footprint()),
        ("footprint:xrt", Distance.footprint("XRT")),
        ("footprint=XRT,UVOT", Distance.footprint("XRT", "UVOT")),
        (" footprint = picsit, MOS1 ", Distance.footprint("PICsIT", "M1")),
    ],
)
def test_that_each_way_of_writing_a_distance_is_understood(text: str | None, distance: Distance) -> None:
    assert parse_reach(text, searchable()) == distance


@pytest.mark.parametrize("text", ["footprint:", "footprint=", "footprint=NOPE", "footprints", "XRT=", "=1deg", "1 parsec", ""])
def test_that_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_reach(text, searchable())
