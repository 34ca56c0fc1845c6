"""Positions, notations and tangent-plane coordinates, against astropy and closed forms."""

import numpy as np
import pytest
from astropy.coordinates import Angle, SkyCoord
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import InputError
from daxa_gui.core.sky import LinearWcs, SkyPosition, format_sexagesimal, parse_position, separation_deg, unit_vectors

RA = st.floats(0, 359.999999)
DEC = st.floats(-90, 90)


def test_that_a_name_is_one_line_of_words():
    assert SkyPosition(1.0, 2.0, " Abell\r\n 907\x00 ").name == "Abell 907"


@pytest.mark.parametrize(
    ("text", "ra", "dec"),
    [
        ("83.633 +22.014", 83.633, 22.014),
        ("83.633,-22.014", 83.633, -22.014),
        ("05 34 31.9 +22 00 52", 83.6329167, 22.0144444),
        ("05:34:31.9, -00:00:52", 83.6329167, -0.0144444),
        ("5h34m31.9s +22d00m52s", 83.6329167, 22.0144444),
    ],
)
def test_that_usual_notations_are_read(text, ra, dec):
    position = parse_position(text)
    assert (position.ra_deg, position.dec_deg) == pytest.approx((ra, dec), abs=1e-6)


@pytest.mark.parametrize("text", ["", "Crab", "400 10", "10 95", "25 00 00 +10 00 00", "05 61 00 +10 00 00", "nan nan"])
def test_that_what_is_no_position_is_refused_with_a_sentence(text):
    with pytest.raises(InputError):
        parse_position(text)


@given(RA, DEC)
def test_that_what_is_written_in_sexagesimal_is_read_back(ra, dec):
    text = format_sexagesimal(ra, dec, 3)
    assert "60." not in text and " 60" not in text
    back = parse_position(text)
    apart = separation_deg(unit_vectors(ra, dec), unit_vectors(back.ra_deg, back.dec_deg))
    assert apart * 3600 < 0.02


def test_that_sexagesimal_agrees_with_astropy():
    theirs = SkyCoord(83.63308, -0.0145, unit="deg").to_string("hmsdms", sep=" ", precision=1)
    assert format_sexagesimal(83.63308, -0.0145, 1).split()[:3] == theirs.split()[:3]


@given(RA, DEC, RA, DEC)
def test_that_separations_agree_with_astropy(ra1, dec1, ra2, dec2):
    ours = float(separation_deg(unit_vectors(ra1, dec1), unit_vectors(ra2, dec2)))
    theirs = Angle(SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg"))).deg
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("projection", ["TAN", "SIN"])
@pytest.mark.parametrize("centre", [(150.0, -12.0), (0.01, 89.0), (359.9, 0.0)])
def test_that_pixels_and_sky_agree_with_astropy(projection, centre):
    ours = LinearWcs(256.5, 256.5, *centre, -0.0012, 0.0012, projection)
    theirs = WCS(naxis=2)
    theirs.wcs.crpix, theirs.wcs.crval, theirs.wcs.cdelt = [256.5, 256.5], list(centre), [-0.0012, 0.0012]
    theirs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    x, y = np.meshgrid(np.linspace(1, 512, 7), np.linspace(1, 512, 7))
    ra, dec = ours.sky(x, y)
    expected_ra, expected_dec = theirs.all_pix2world(x, y, 1)
    assert np.max(separation_deg(unit_vectors(ra, dec), unit_vectors(expected_ra, expected_dec))) * 3600 < 1e-6
    back_x, back_y = ours.pixel(ra, dec)
    assert np.max(np.hypot(back_x - x, back_y - y)) < 1e-6


def test_that_a_direction_behind_the_tangent_plane_has_no_pixel():
    x, y = LinearWcs(1, 1, 10.0, 20.0, -0.01, 0.01).pixel(190.0, -20.0)
    assert np.isnan(x) and np.isnan(y)
