"""Why not: the filter that excludes an observation, and the smallest change that lets it through."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.distance import Distance
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import (
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
    Picked,
    Polygon,
    Positions,
    Public,
    SkyShape,
    SkyShapes,
    TargetType,
    TimeRange,
    Usable,
    filter_from_json,
)
from daxa_gui.core.footprint import Footprint
from daxa_gui.core.frames import from_icrs
from daxa_gui.core.obstacle import one_row, radius_for
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors
from daxa_gui.core.why import Verdict, explain, first_obstacle
from tests.fakes.catalogues import NAN, catalogue
from tests.fakes.filters import DEC, RA, SHAPES, TREES, varied

SOME = varied()
ABELL = SkyPosition(149.5917, -11.0639, "Abell 907")


def verdict(one: Filter, **columns: Any) -> Verdict:
    """What a stack of one filter says of the first row of a catalogue; the change must admit the row and travel as JSON."""
    of = catalogue(columns.pop("positions", [(0.0, 0.0)]), **columns)
    (found,) = explain(FilterStack().add(one), of, 0)
    assert found.passes == bool(one.mask(of)[0])
    if found.change is not None:
        assert type(found.change) is type(one)
        assert found.change.mask(of)[0]
        assert filter_from_json(json.loads(json.dumps(found.change.to_json()))) == found.change
        assert found.change_sentence.endswith(".")
    return found


# -- every kind ------------------------------------------------------------------------------------------------------------


@settings(max_examples=500, deadline=None)
@given(TREES, st.integers(0, len(SOME) - 1))
def test_that_a_change_admits_the_row_whatever_the_filter(one: Filter, row: int) -> None:
    stack = FilterStack().add(one)
    (found,) = explain(stack, SOME, row)
    assert found.passes == bool(stack.mask(SOME)[row])
    assert found.sentence == one.sentence()
    if found.passes:
        assert found.change is None
    else:
        assert found.reason and found.change_sentence
        if found.change is not None:
            assert stack.replace(found.row_id, found.change).mask(SOME)[row]


@settings(deadline=None)
@given(
    st.lists(st.tuples(TREES, st.booleans(), st.sampled_from([None, ("test",), ("swift",)])), max_size=5),
    st.integers(0, len(SOME) - 1),
)
def test_that_the_first_obstacle_tells_whether_a_stack_takes_a_row(rows: Any, row: int) -> None:
    stack = FilterStack()
    for one, enabled, missions in rows:
        stack = stack.add(one, missions)
        stack = stack.toggle(stack.rows[-1].id, enabled)
    verdicts = explain(stack, SOME, row)
    assert [v.row_id for v in verdicts] == [r.id for r in stack.rows if r.applies_to("test")]
    assert (first_obstacle(verdicts) is None) == bool(stack.mask(SOME)[row])


def test_that_a_row_alone_has_all_that_it_had_among_others() -> None:
    for row in range(len(SOME)):
        alone, before = one_row(SOME, row).row(0), SOME.row(row)
        assert {name: repr(value) for name, value in alone.items()} == {name: repr(value) for name, value in before.items()}
    with pytest.raises(IndexError):
        one_row(SOME, len(SOME))
    with pytest.raises(IndexError):
        one_row(SOME, -1)


# -- distances -------------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(RA, DEC, RA, DEC, st.one_of(st.floats(0, 180), st.floats(0, 1e-3)))
def test_that_the_offered_radius_is_the_smallest_that_admits_the_row(
    ra: float, dec: float, ra2: float, dec2: float, radius: float
) -> None:
    apart = float(separation_deg(unit_vectors(ra, dec), unit_vectors(ra2, dec2)))
    for one in (Cone(SkyPosition(ra2, dec2), radius), Positions((SkyPosition(ra2, dec2),), radius)):
        found = verdict(one, positions=[(ra, dec)])
        if not found.passes:
            assert isinstance(found.change, (Cone, Positions)) and found.change.radius_deg is not None
            assert found.change.radius_deg <= apart * 1.001 + 1e-15
            assert found.change.radius_deg >= apart - 1e-11


@given(st.floats(1e-9, 180))
def test_that_a_radius_is_rounded_up_by_less_than_a_thousandth(separation: float) -> None:
    assert separation - 1e-12 <= radius_for(separation) <= separation * 1.001


def test_that_a_cone_says_how_far_the_centre_is() -> None:
    found = verdict(Cone(ABELL, 0.3), positions=[(149.5917, -11.0639 + 0.41)])
    assert found.reason == "its centre is 24.6′ from Abell 907, farther than 18′"
    assert found.change == Cone(ABELL, 24.6 / 60) and found.change_sentence == "Search within 24.6′."
    assert verdict(Cone(ABELL), positions=[(149.5917, -11.0639 + 0.41)]).change == Cone(ABELL, 24.6 / 60)
    unknown = verdict(Cone(ABELL, 0.3), positions=[(NAN, NAN)])
    assert (unknown.reason, unknown.change) == ("its position is not known", None)
    assert unknown.change_sentence == "Keep this observation by hand."


def test_that_the_nearest_of_many_positions_decides() -> None:
    found = verdict(Positions((SkyPosition(5, 0, "far"), SkyPosition(2, 0, "near")), 1.0, "a.csv"))
    assert found.reason == "its centre is 2° from the nearest of the positions, near, farther than 1°"
    assert found.change == Positions((SkyPosition(5, 0, "far"), SkyPosition(2, 0, "near")), 2.0, "a.csv")


def test_that_a_positions_own_radius_grows_where_least_is_missing() -> None:
    places = Places.of([SkyPosition(2, 0), SkyPosition(5, 0)], radius_deg=[0.5, 4.5])
    found = verdict(Positions(places, distance=Distance.of_positions()))
    assert isinstance(found.change, Positions)
    assert found.change.places == Places.of([SkyPosition(2, 0), SkyPosition(5, 0)], radius_deg=[0.5, 5.0])


def test_that_the_distance_of_an_instrument_that_was_used_grows() -> None:
    one = Positions((SkyPosition(2, 0, "A"),), distance=Distance.of_instruments({"ACIS": 1.0, "HRC": 0.5}))
    found = verdict(one, instruments=["HRC"])
    assert found.change == Positions(one.positions, distance=Distance.of_instruments({"ACIS": 1.0, "HRC": 2.0}))
    other = verdict(one, instruments=["LETG"])
    assert other.reason == "it used none of ACIS, HRC"
    assert other.change == Positions(one.positions, distance=Distance.of_instruments({"ACIS": 1.0, "HRC": 0.5, "LETG": 2.0}))
    assert verdict(one, instruments=[""]).change is None


def test_that_outside_the_field_of_view_a_distance_of_centres_is_offered() -> None:
    one = Positions((SkyPosition(2, 0, "A"),), distance=Distance.footprint())
    found = verdict(one, instruments=["C"], footprints={"C": Footprint("circle", 1.0)})
    assert found.reason == "A is 2° from its centre, outside the field of view"
    assert found.change == Positions(one.positions, 2.0)


def test_that_the_window_of_a_position_near_enough_is_widened() -> None:
    places = Places.of(
        [SkyPosition(0, 0, "A"), SkyPosition(0, 0.1, "B"), SkyPosition(9, 0, "C")], start_mjd=[100, 50, 1], end_mjd=[110, 60, 9]
    )
    found = verdict(Positions(places, 0.5), start_mjd=[62.0], end_mjd=[63.0])
    wider = Places.of(list(places), start_mjd=[100, 50, 1], end_mjd=[110, 62, 9])
    assert found.change == Positions(wider, 0.5)
    assert found.reason == "it was observed 1859-01-18 to 1859-01-19, outside the time window of B"
    inside = verdict(Positions(places, 0.5, entirely_inside=True), start_mjd=[62.0], end_mjd=[63.0])
    assert isinstance(inside.change, Positions) and inside.change.places.end_mjd is not None
    assert inside.change.places.end_mjd.tolist() == [110, 63, 9]
    far = verdict(Positions(places, 0.05), positions=[(9.0, 1.0)], start_mjd=[5.0], end_mjd=[6.0])
    assert far.change == Positions(places, 1.0)  # C's window fits: the distance alone must grow
    assert verdict(Positions(places, 0.5)).change is None  # nobody knows when it was observed


# -- areas -----------------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(
    RA,
    DEC,
    st.builds(
        lambda a, b, c, d, frame: Box(a, b, *sorted((c, d)), frame),
        RA,
        RA,
        DEC,
        DEC,
        st.sampled_from(["icrs", "galactic", "fk4"]),
    ),
)
def test_that_a_rectangle_grows_at_the_nearer_side_only(ra: float, dec: float, box: Box) -> None:
    found = verdict(box, positions=[(ra, dec)])
    if found.passes:
        return
    new = found.change
    assert isinstance(new, Box)
    widths = [(b.ra_max_deg - b.ra_min_deg) % 360 if b.ra_max_deg - b.ra_min_deg != 360 else 360 for b in (box, new)]
    assert new.dec_min_deg <= box.dec_min_deg and new.dec_max_deg >= box.dec_max_deg
    assert new.dec_min_deg == box.dec_min_deg or new.dec_max_deg == box.dec_max_deg
    assert new.ra_min_deg == box.ra_min_deg or new.ra_max_deg == box.ra_max_deg
    if widths[1] != widths[0]:
        assert widths[1] - widths[0] <= (360 - widths[0]) / 2 + 1e-5
    # a little less at any side that grew, and the row is out again
    inward = {"ra_min_deg": 1e-5, "ra_max_deg": -1e-5, "dec_min_deg": 1e-5, "dec_max_deg": -1e-5}
    for side, step in inward.items():
        after = getattr(new, side)
        grown = widths[1] - widths[0] if side.startswith("ra") else abs(after - getattr(box, side))
        if after != getattr(box, side) and grown > 0.01 and widths[1] < 359 and abs(dec) < 89.99 and not near_pole(box, ra, dec):
            less = (after + step) % 360 if side.startswith("ra") else after + step
            smaller = Box(**{**{name: getattr(new, name) for name in inward}, side: less, "frame": box.frame})
            assert not smaller.mask(catalogue([(ra, dec)]))[0]


def near_pole(box: Box, ra: float, dec: float) -> bool:
    """Where a hundred-thousandth of a degree of longitude is not an angle that can be told."""
    return abs(float(np.ravel(from_icrs(ra, dec, box.frame)[1])[0])) > 89.99


def test_that_a_rectangle_near_ra_0_grows_across_it() -> None:
    assert verdict(Box(0.5, 10, -5, 5), positions=[(359.75, 0.0)]).change == Box(359.75, 10, -5, 5)
    assert verdict(Box(0.5, 10, -5, 5), positions=[(360.0, 0.0)]).change == Box(0, 10, -5, 5)
    assert verdict(Box(350, 359.5, -5, 5), positions=[(0.25, 0.0)]).change == Box(350, 0.25, -5, 5)
    assert verdict(Box(350, 359.5, -5, 5), positions=[(359.9999999, 0.0)]).change == Box(350, 360, -5, 5)


def test_that_a_rectangle_says_which_way_it_is_left() -> None:
    found = verdict(Box(350, 10, -5, 5), positions=[(12.5, 6.0)])
    assert (
        found.reason == "its centre is 2.5° of right ascension east of the rectangle and its centre is 1° north of the rectangle"
    )
    assert found.change == Box(350, 12.5, -5, 6)


def test_that_areas_say_how_far_their_edges_are() -> None:
    by_hand = "Keep this observation by hand."
    square = Polygon(((10, -1), (12, -1), (12, 1), (10, 1)))
    assert verdict(square, positions=[(9.0, 0.0)]).reason == "its centre is 1° outside the polygon's nearest edge"
    shapes = SkyShapes(
        (SkyShape("circle", ((5, 0),), (1,)), SkyShape("ellipse", ((0, 4),), (1, 3), 90.0), SkyShape("box", ((0, -5),), (2, 4)))
    )
    found = verdict(shapes, positions=[(0.0, 0.5)])
    assert found.reason == "its centre lies in none of the shapes; the nearest is shape 2 (ellipse), 30′ away"
    assert found.change is None and found.change_sentence == by_hand
    hole = SkyShapes((SkyShape("circle", ((0, 0),), (5,)), SkyShape("circle", ((0, 0),), (1,), include=False)))
    assert verdict(hole).reason == "its centre lies in shape 2 (circle), which excludes"
    north = Moc(tuple((face << 58, face + 1 << 58) for face in range(4)))  # its southern corners are on the equator
    found = verdict(north, positions=[(45.0, -10.0)])
    assert found.reason == "its centre is outside the coverage map, about 10° from it"
    assert found.change is None
    assert verdict(Moc(((0, 12 << 58),), "", 5.0, 6.0), start_mjd=[7.0], end_mjd=[8.0]).change == Moc(((0, 12 << 58),))
    assert verdict(Moc(())).reason == "the coverage map is empty"


@settings(deadline=None)
@given(st.lists(SHAPES, min_size=1, max_size=8), RA, DEC)
def test_that_the_nearest_shape_is_named(shapes: list[SkyShape], ra: float, dec: float) -> None:
    shapes = [replace(shape, include=True) for shape in shapes]
    found = verdict(SkyShapes(tuple(shapes)), positions=[(ra, dec)])
    if not found.passes:
        away = []
        for shape in shapes:
            alone = verdict(SkyShapes((shape,)), positions=[(ra, dec)]).reason
            away.append(alone.split(", ")[-1])
        number = int(re.findall(r"shape (\d+) ", found.reason)[0])
        assert found.reason.split(", ")[-1] == away[number - 1]
        assert in_degrees(away[number - 1]) <= min(map(in_degrees, away)) * (1 + 1e-5)


def in_degrees(words: str) -> float:
    value, unit = re.findall(r"([\d.e-]+)([°′″]) away", words)[0]
    return float(value) / {"°": 1, "′": 60, "″": 3600}[unit]


# -- times and columns -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 20), st.integers(0, 5), st.integers(0, 20), st.integers(0, 5), st.booleans())
def test_that_a_time_window_is_widened_just_enough(start: int, length: int, first: int, width: int, inside: bool) -> None:
    of = {"start_mjd": [float(start)], "end_mjd": [float(start + length)]}
    found = verdict(TimeRange(first, first + width, inside), **of)
    if not found.passes:
        new = found.change
        assert isinstance(new, TimeRange)
        for shrunk in (TimeRange(new.start_mjd + 0.001, new.end_mjd, inside) if new.start_mjd < first else None,
                       TimeRange(new.start_mjd, new.end_mjd - 0.001,
                           inside) if new.end_mjd > first + width else None):  # fmt: skip
            assert shrunk is None or not shrunk.mask(catalogue([(0, 0)], **of))[0]


def test_that_what_is_not_known_of_the_time_is_said() -> None:
    assert verdict(TimeRange(0, 1)).reason == "it is not known when it was observed"
    found = verdict(TimeRange(0, 1), start_mjd=[3.0])
    assert found.reason == "it was observed from 1858-11-20 to an unknown time, outside the time window"
    assert found.change == TimeRange(0, 3)


@pytest.mark.parametrize(
    ("one", "columns", "reason", "change"),
    [
        (ObsIds(("1",)), {}, "its ObsID 00000 is not among those asked for", ObsIds(("1", "00000"))),
        (TargetType(("AGN",)), {"target_type": ["GCL"]}, "its target is of the type « Galaxy clusters »", TargetType(("AGN",
            "GCL"))),
        (TargetType(("AGN",)), {}, "the type of its target is not known", None),
        (Category(("A",)), {"category": ["B c"]}, "the mission calls its target « B c »", Category(("A", "B c"))),
        (Category(("A",)), {}, "the mission does not say of what category its target is", None),
        (HasInstrument(("M1",)), {"instruments": ["PN M2"]}, "it used PN, M2 only", HasInstrument(("M1", "PN"))),
        (HasInstrument(("m1", "pn"), True), {"instruments": ["PN"]}, "it did not use m1", HasInstrument(("pn",), True)),
        (HasInstrument(("M1",), True), {"instruments": ["PN"]}, "it did not use M1", None),
        (HasInstrument(("M1",)), {}, "it is not known which instruments it used", None),
        (Exposure(5000), {"exposure_s": [1234.5]}, "its exposure is 1.2345 ks", Exposure(1234)),
        (Exposure(5000, 6000), {"exposure_s": [7000.25]}, "its exposure is 7.0003 ks", Exposure(5000, 7001)),
        (Exposure(5), {"exposure_s": [0.125]}, "its exposure is 0.125 s", Exposure(0.125)),
        (Exposure(20000), {"exposure_s": [6776.312413]}, "its exposure is 6.7763 ks", Exposure(6776)),
        (Exposure(20000), {"exposure_s": [19999.9]}, "its exposure is 19.9999 ks", Exposure(19999)),  # not « 20 ks »
        (Exposure(5), {}, "its exposure is not known", None),
        (Exposure(5, instrument="M1"), {"instruments": ["PN"], "exposure_s": [9.0]}, "it did not use M1", None),
        (Public(61000), {"public_mjd": [61465.0]}, "its data are not public before 2027-03-01", None),
        (Public(61000), {"public_mjd": [math.inf]}, "its data are not public and no date of release is known", None),
        (Usable(), {"unusable_reason": ["no exposure ; not a science observation"]},
            "it is marked: no exposure ; not a science observation", None),
        (Field(("Crab",)), {"extra": {"field_key": np.array(["EFEDS"])}}, "it belongs to the field EFEDS", Field(("Crab",
            "EFEDS"))),
        (Field(("Crab",)), {}, "it belongs to no named field", None),
        (Picked((("test", ("00000", "1")),), False), {}, "it was left out by hand", Picked((("test", ("1",)),), False)),
    ],
)  # fmt: skip
def test_that_each_kind_says_why_and_what_would_help(one: Filter, columns: Any, reason: str, change: Filter | None) -> None:
    found = verdict(one, **columns)
    assert (found.passes, found.reason, found.change) == (False, reason, change)


def test_that_a_release_to_come_says_when() -> None:
    assert (
        verdict(Public(61000), public_mjd=[61465.0]).change_sentence == "Public from 2027-03-01: wait, or leave this filter out."
    )


# -- combined filters and ticks ------------------------------------------------------------------------------------------------


def test_that_parts_of_combined_filters_are_changed() -> None:
    columns: Any = {"target_type": ["GCL"], "exposure_s": [50.0], "start_mjd": [1.0], "end_mjd": [2.0]}
    both = verdict(TargetType(("AGN",)) & Exposure(10) & TimeRange(5, 6), **columns)
    assert both.change == TargetType(("AGN", "GCL")) & Exposure(10) & TimeRange(2, 6)
    assert (
        both.reason
        == "its target is of the type « Galaxy clusters » and it was observed 1858-11-18 to 1858-11-19, outside the time window"
    )
    assert verdict(TargetType(("AGN",)) & Public(5), public_mjd=[7.0], **columns).change is None
    either = verdict(Public(5) | TargetType(("AGN",)), public_mjd=[7.0], **columns)
    assert either.change == Public(5) | TargetType(("AGN", "GCL"))
    assert verdict(~ObsIds(("1", "00000")), **columns).change == ~ObsIds(("1",))
    assert verdict(~ObsIds(("00000",)), **columns).change is None
    assert verdict(~TargetType(("AGN", "GCL")), **columns).change == ~TargetType(("AGN",))
    assert verdict(Not(TimeRange(5, 6) & Usable() | TargetType(("GCL", "CV"))), **columns).change == Not(
        TimeRange(5, 6) & Usable() | TargetType(("CV",))
    )
    assert verdict(Not(Cone(SkyPosition(3, 0), 4.0))).change == Not(Cone(SkyPosition(3, 0), 2.9999))


def test_that_a_row_ticked_in_by_hand_passes_what_stands_before() -> None:
    of = catalogue([(0, 0)], target_type=["GCL"])
    ticked = Picked((("test", ("00000",)),), keep=True)
    stack = FilterStack().add(TargetType(("AGN",))).add(ticked)
    verdicts = explain(stack, of, 0)
    assert first_obstacle(verdicts) is None
    assert verdicts[0].reason == "its target is of the type « Galaxy clusters »; but it is kept by hand"
    late = stack.add(ObsIds(("1",)))
    obstacle = first_obstacle(explain(late, of, 0))
    assert obstacle is not None and obstacle.row_id == 3
    assert first_obstacle(explain(stack.toggle(2), of, 0)) == explain(stack.toggle(2), of, 0)[0]
