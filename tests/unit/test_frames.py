"""Celestial frames against astropy."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from daxa_gui.core.errors import InputError
from daxa_gui.core.frames import FRAMES, from_icrs, to_icrs
from daxa_gui.core.sky import separation_deg, unit_vectors

# what astropy calls them, and by how much we may differ (the Hipparcos rotation to galactic coordinates differs by 24 mas)
THEIRS = {
    "icrs": ("icrs", 1e-6), "fk5": ("fk5", 1e-6), "fk4": ("fk4", 1e-3),
    "galactic": ("galactic", 0.03), "ecliptic": ("barycentricmeanecliptic", 1e-5),
}  # fmt: skip
RNG = np.random.default_rng(5)
LON = np.concatenate([RNG.uniform(0, 360, 500), [0.0, 359.999999, 0.0, 123.0, 266.4]])
LAT = np.concatenate([np.degrees(np.arcsin(RNG.uniform(-1, 1, 500))), [0.0, 0.0, 90.0, -90.0, -28.9]])


@pytest.mark.parametrize("frame", FRAMES)
def test_that_frames_agree_with_astropy(frame):
    name, arcsec = THEIRS[frame]
    theirs = SkyCoord(LON, LAT, unit="deg", frame=name).icrs
    apart = separation_deg(unit_vectors(*to_icrs(LON, LAT, frame)), unit_vectors(theirs.ra.deg, theirs.dec.deg))
    assert apart.max() * 3600 < arcsec
    back = SkyCoord(LON, LAT, unit="deg").transform_to(SkyCoord(0, 0, unit="deg", frame=name).frame)
    apart = separation_deg(
        unit_vectors(*from_icrs(LON, LAT, frame)), unit_vectors(back.spherical.lon.deg, back.spherical.lat.deg)
    )
    assert apart.max() * 3600 < arcsec


@pytest.mark.parametrize("frame", FRAMES)
def test_that_a_frame_and_back_is_the_same_place(frame):
    back = unit_vectors(*to_icrs(*from_icrs(LON, LAT, frame), frame))
    assert separation_deg(back, unit_vectors(LON, LAT)).max() * 3600 < 1e-6


def test_that_single_numbers_and_nan_are_taken():
    ra, dec = to_icrs(0.0, 0.0, "galactic")
    assert (float(ra), float(dec)) == pytest.approx((266.405, -28.936), abs=1e-3)
    assert np.isnan(to_icrs([np.nan], [1.0], "fk4")[0])


def test_that_an_unknown_frame_is_refused():
    with pytest.raises(InputError, match="« supergalactic »"):
        to_icrs(1.0, 2.0, "supergalactic")
