"""How numbers, positions and angles are written."""

from __future__ import annotations

import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.core.sky import parse_position
from daxa_gui.gui import texts


def test_that_large_numbers_are_grouped():
    assert texts.count_text(17561) == "17\u202f561"
    assert texts.counted(1, "observation", "observations") == "1 observation"
    assert texts.counted(2447, "row", "rows") == "2\u202f447 rows"


@pytest.mark.parametrize(
    ("angle", "text"), [(4.5, "4.5°"), (0.3, "18′"), (1 / 60, "1′"), (30 / 3600, "30″"), (180.0, "180°"), (float("nan"), "–")]
)
def test_that_angles_are_written_in_a_handy_unit(angle, text):
    assert texts.angle_text(angle) == text


@pytest.mark.parametrize("angle", [4.5, 0.3, 1 / 60, 12.34 / 3600, 180.0])
def test_that_an_angle_in_an_entry_is_read_back(angle):
    assert texts.read_angle(*texts.angle_in_entry(angle)) == pytest.approx(angle, rel=1e-6)


@pytest.mark.parametrize(("text", "unit"), [("0", "°"), ("-1", "′"), ("181", "°"), ("x", "°"), ("", "′"), ("nan", "°")])
def test_that_no_radius_is_refused(text, unit):
    with pytest.raises(InputError, match="radius"):
        texts.read_angle(text, unit)


def test_that_positions_are_written_in_both_notations():
    assert texts.position_text(160.25, -12.35, "sexagesimal") == "10h 41m 00.0s -12° 21′ 00″"
    assert texts.position_text(160.25, -12.35, "degrees") == "160.25000° -12.35000°"
    assert texts.position_text(float("nan"), 1.0, "degrees") == "–"
    for style in ("sexagesimal", "degrees"):
        position = parse_position(texts.typed_position(160.2512, -12.3512, style))
        assert position.ra_deg == pytest.approx(160.2512, abs=1e-4)
        assert position.dec_deg == pytest.approx(-12.3512, abs=1e-4)
