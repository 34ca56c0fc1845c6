"""Random filters of every kind for property tests, and catalogues that they can say something of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.filters import (
    And,
    Box,
    Category,
    Cone,
    Exposure,
    Field,
    Filter,
    HasInstrument,
    Moc,
    Not,
    ObsIds,
    Or,
    Picked,
    Polygon,
    Positions,
    Public,
    SkyShape,
    SkyShapes,
    TargetType,
    TimeRange,
    Usable,
)
from daxa_gui.core.frames import FRAMES
from daxa_gui.core.healpix import N_CELLS
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from tests.fakes.catalogues import NAN, catalogue

RA = st.one_of(st.floats(0, 360), st.sampled_from([0.0, 1e-9, 90.0, 180.0, 359.9999999, 360.0]))
DEC = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.9999999, 0.0, 89.9999999, 90.0]))
IDS = st.lists(st.sampled_from(["00001", "00003", "RP700068", "rp1a"]), min_size=1, max_size=3, unique=True).map(tuple)
POSITION = st.builds(SkyPosition, RA, DEC, st.text(max_size=5))
NAMES = st.lists(st.sampled_from(["M1", "PN", "xrt", "PICsIT"]), min_size=1, unique=True).map(tuple)


@st.composite
def places(draw: Any) -> Places:
    positions = draw(st.lists(POSITION, min_size=1, max_size=4))
    size = len(positions)
    others: dict[str, Any] = {"radius_deg": draw(st.lists(st.floats(0, 180), min_size=size, max_size=size))}
    if draw(st.booleans()):
        times = st.one_of(st.just(NAN), st.floats(0, 9))
        start, length = (draw(st.lists(times, min_size=size, max_size=size)) for _ in range(2))
        others.update(
            start_mjd=start,
            end_mjd=[NAN if math.isnan(n) else n + (0 if math.isnan(s) else s) for s, n in zip(start, length, strict=True)],
        )
    return Places.of(positions, **others)


DISTANCES = st.one_of(
    st.just(Distance()), st.builds(Distance.fixed, st.floats(0, 180)), st.just(Distance.of_positions()),
        st.just(Distance.footprint()),
    st.dictionaries(st.sampled_from(["M1", "PN", "XRT"]), st.floats(0, 180), min_size=1).map(Distance.of_instruments),
)  # fmt: skip
SHAPES = st.one_of(
    st.builds(lambda p, r, i: SkyShape("circle", (p,), (r,), include=i), st.tuples(RA, DEC), st.floats(1e-3, 180), st.booleans()),
    st.builds(
        lambda shape, p, sizes, angle, i: SkyShape(shape, (p,), tuple(sorted(sizes)), angle, i), st.sampled_from(["annulus",
            "ellipse", "box"]),
        st.tuples(RA, DEC), st.tuples(st.floats(1e-3, 180), st.floats(1e-3, 180)), st.floats(-360, 360), st.booleans(),
    ),
    st.builds(lambda ra, dec, i: SkyShape("polygon", ((ra, dec), (ra + 9, dec), (ra, dec + 9)), (), 0.0, i), st.floats(0, 350),
              st.floats(-89, 80), st.booleans()),
)  # fmt: skip
TIMES: st.SearchStrategy[Filter] = st.builds(
    lambda a, b, inside: TimeRange(min(a, b), max(a, b), inside), st.floats(0, 9), st.floats(0, 9), st.booleans()
)
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Cone, POSITION, st.one_of(st.none(), st.floats(0, 180))),
    st.builds(lambda at, reach, label, inside: Positions(at, None, label, reach, inside), places(), DISTANCES,
        st.text(max_size=5), st.booleans()),
    st.builds(lambda a, b, c, d, frame: Box(a, b, *sorted((c, d)), frame), RA, RA, DEC, DEC, st.sampled_from(FRAMES)),
    st.builds(lambda ra, dec, w: Polygon(((ra, dec), (ra + w, dec), (ra + w, dec + w), (ra, dec + w))), st.floats(0, 300),
        st.floats(-89, 29), st.floats(1, 60)),
    st.builds(SkyShapes, st.lists(SHAPES, min_size=1, max_size=3).map(tuple), st.text(max_size=5)),
    st.builds(
        lambda start, length, label, first, last: Moc(((start, min(start + length, N_CELLS)),), label, first, last),
            st.integers(0, N_CELLS),
        st.integers(0, 1 << 62), st.text(max_size=5), st.one_of(st.none(), st.floats(0, 4)), st.one_of(st.none(), st.floats(5,
            9)),
    ),
    TIMES,
    st.sampled_from([TimeRange(-math.inf, 4.0), TimeRange(4.0, math.inf), Usable(), TargetType(("GCL", "AGN")), Public(),
        Public(4.0)]),
    st.builds(ObsIds, IDS),
    st.builds(Category, st.lists(st.sampled_from(["stars", "AGN 1"]), min_size=1).map(tuple)),
    st.builds(HasInstrument, NAMES, st.booleans()),
    st.builds(lambda low, more, name: Exposure(low, None if more is None else low + more, name), st.floats(0, 1e4),
        st.one_of(st.none(), st.floats(0, 1e4)),
              st.sampled_from(["", "M1", "XRT"])),
    st.builds(Field, st.lists(st.sampled_from(["Crab", "eFEDS", "survey"]), min_size=1).map(tuple)),
    st.builds(lambda ids, keep: Picked((("test", ids), ("swift", ids)), keep), IDS, st.booleans()),
)  # fmt: skip
TREES: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.builds(Not, below), st.lists(below, max_size=3).map(tuple).map(And), st.lists(below, max_size=3).map(tuple).map(Or)
    ),
    max_leaves=6,
)


def varied() -> Catalogue:
    """Observations near the poles and RA 0, with and without everything that filters ask for."""
    positions = [(0, 0), (10, 89.9), (200, -45), (359.9, 3), (NAN, NAN), (90, 90), (0, -90), (180, 0.5), (0.0, 30.0), (270, -66)]
    return catalogue(
        positions, obs_id=["00000", "00001", "00002", "00003", "RP700068", "00001", "RP1A", "7", "8", "9"],
        start_mjd=[1, 2, 3, NAN, 5, NAN, 7, 8, 2, 3], end_mjd=[2, NAN, 9, 4, 6, NAN, 8, 9, 3, 4],
        target_type=["GCL", "", "AGN", "CV", "GCL", "", "AGN", "CV", "GCL", ""], category=["STARS", "", "agn 1", "x"] + [""] * 6,
        instruments=["M1 PN", "", "XRT BAT", "PN", "ISGRI PICsIT", "M1", "", "XRT", "UVOT", "M1"],
        exposure_s=[0, 100, 5000, NAN, 9000, 1e5, 1e3, 700, -1, 60.5], public_mjd=[NAN, 3, 5, math.inf, NAN, 1e6, 4, NAN, 2, 1],
        unusable_reason=["", "x", "", "", "y", "", "", "no exposure", "", ""],
        extra={"m1_s": np.array([5.0, NAN, 20, 4000, 1, 2, 3, 4, 5, 6]), "field_key": np.array(["CRAB_1", "EFEDS",
            "A3391_A3395"] + [""] * 7),
               "field_name": np.array(["Crab I", "eFEDS", "A3391/A3395"] + [""] * 7), "field_type": np.array(["galactic",
                   "survey"] + [""] * 8)},
        exposure_columns={"M1": "m1_s"},
    )  # fmt: skip
