"""Filters: how they combine, what they say of themselves, and their JSON form."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core import filters
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
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
    filter_from_json,
    format_angle,
)
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from tests.fakes.filters import TREES, varied

SOME = varied()

# -- combining ------------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(TREES, TREES)
def test_that_operators_are_those_of_sets(a: Filter, b: Filter) -> None:
    first, second = a.mask(SOME), b.mask(SOME)
    assert (a & b).mask(SOME).tolist() == (first & second).tolist()
    assert (a | b).mask(SOME).tolist() == (first | second).tolist()
    assert (~a).mask(SOME).tolist() == (~first).tolist()
    assert (~(a & b)).mask(SOME).tolist() == (~a | ~b).mask(SOME).tolist()
    assert (~(a | b)).mask(SOME).tolist() == (~a & ~b).mask(SOME).tolist()


@settings(max_examples=300)
@given(TREES)
def test_that_a_filter_comes_back_from_json_as_it_was(wanted: Filter) -> None:
    again = filter_from_json(json.loads(json.dumps(wanted.to_json(), allow_nan=False)))
    assert again == wanted
    assert hash(again) == hash(wanted)
    assert again.mask(SOME).tolist() == wanted.mask(SOME).tolist()


@given(TREES)
def test_that_every_filter_has_a_sentence(wanted: Filter) -> None:
    sentence = wanted.sentence()
    assert sentence == sentence.strip()
    assert sentence


def test_that_chains_do_not_nest_and_two_negations_cancel() -> None:
    a, b, c = Usable(), ObsIds(("1",)), TargetType(("GCL",))
    assert (a & b) & c == And((a, b, c))
    assert a | (b | c) == Or((a, b, c))
    assert ~~a == a


def test_that_nothing_to_ask_for_matches_all_and_nothing_to_choose_from_matches_none() -> None:
    assert And(()).mask(SOME).all()
    assert not Or(()).mask(SOME).any()


# -- sentences ------------------------------------------------------------------------------------------------------------

ABELL = SkyPosition(149.5917, -11.0639, "Abell 907")


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Cone(ABELL, 0.3), "within 18′ of Abell 907"),
        (Cone(ABELL), "within each instrument's default distance of Abell 907"),
        (Cone(SkyPosition(83.633083, 22.0145), 2.5), "within 2.5° of 05 34 31.9 +22 00 52"),
        (Cone(SkyPosition(83.633083, 22.0145), 4 / 3600), "within 4″ of 05 34 31.9 +22 00 52"),
        (Positions((ABELL,) * 542, 0.05, "clusters.csv"), "within 3′ of one of 542 positions (clusters.csv)"),
        (Positions((ABELL, SkyPosition(0, 0, "B")), 1.0), "within 1° of Abell 907 or B"),
        (TimeRange(58790, 58794), "overlaps 2019-11-03 to 2019-11-07"),
        (TimeRange(58790, 58794.5, True), "lies entirely between 2019-11-03 and 2019-11-07 12:00:00"),
        (TimeRange(58790, math.inf), "ends at or after 2019-11-03"),
        (TimeRange(-math.inf, 58790, True), "ends at or before 2019-11-03"),
        (Box(120, 140, -10, 0), "inside RA 120° to 140°, Dec -10° to 0°"),
        (ObsIds(("3205",)), "with the ObsID 3205"),
        (ObsIds(("1", "2", "3", "4")), "with one of 4 ObsIDs (1 … 4)"),
        (TargetType(("GCL", "CV")), "of the type « Galaxy clusters » or « Cataclysmic variables »"),
        (Usable() & (Cone(ABELL, 1.0) | ObsIds(("1",))), "fit for science and (within 1° of Abell 907 or with the ObsID 1)"),
        (~Usable(), "not fit for science"),
        (Positions((ABELL,), distance=Distance.footprint()), "with Abell 907 in the field of view"),
        (Positions((ABELL,), distance=Distance.footprint("XRT", "BAT")), "with Abell 907 in the field of view of BAT or XRT"),
        (Positions((ABELL,), distance=Distance.of_instruments({"HRC": 1, "ACIS": 0.5})),
            "within 30′ for ACIS, 1° for HRC of Abell 907"),
        (Positions(Places.of([ABELL], radius_deg=[1.0]), distance=Distance.of_positions()),
            "within its own distance of Abell 907"),
        (Positions(Places.of([ABELL], start_mjd=[5.0]), 1.0),
            "within 1° of Abell 907, overlapping the time window of that position"),
        (Box(350, 10, -1, 1, "galactic"), "inside l 350° to 10°, b -1° to 1°"),
        (Box(350, 10, -1, 1, "fk4"), "inside FK4 RA 350° to 10°, Dec -1° to 1°"),
        (Polygon(((0, 0), (15, 0), (0, 15))),
            "inside the polygon with 3 corners (00 00 00.0 +00 00 00, 01 00 00.0 +00 00 00, 00 00 00.0 +15 00 00)"),
        (SkyShapes((SkyShape("box", ((15, 0),), (1, 0.5)),), "a.reg"),
            "inside the box of 1° × 30′ around 01 00 00.0 +00 00 00 (a.reg)"),
        (SkyShapes((SkyShape("circle", ((15, 0),), (1,)),) * 7), "inside the 7 shapes"),
        (Moc(((0, 1 << 58),), "survey.fits"), "inside the coverage map survey.fits (8.33 % of the sky)"),
        (Category(("STARS", "AGN")), "which the mission calls « STARS » or « AGN »"),
        (HasInstrument(("M1", "M2", "PN"), True), "that used M1, M2 and PN"),
        (Exposure(5000), "with at least 5 ks of exposure"),
        (Exposure(5000, 1e5, "PN"), "with 5 ks to 100 ks of PN exposure"),
        (Public(), "public"),
        (Public(60000), "public on 2023-02-25"),
        (Field(("Crab",)), "of the field « Crab »"),
        (Picked((("swift", ("1", "2")), ("asca", ("3", "4"))), True), "with 4 observations (by hand)"),
        (~(Usable() & Usable()), "not (fit for science and fit for science)"),
    ],
)  # fmt: skip
def test_that_sentences_are_plain(wanted: Filter, sentence: str) -> None:
    assert wanted.sentence() == sentence


def test_that_times_beyond_calendars_are_shown_as_mjd() -> None:
    assert TimeRange(0, 1e9).sentence() == "overlaps 1858-11-17 to MJD 1e+09"


@pytest.mark.parametrize(
    ("angle", "text"), [(1.0, "1°"), (0.3, "18′"), (1 / 60, "1′"), (59 / 60, "59′"), (0.5 / 60, "30″"), (0, "0″")]
)
def test_that_angles_have_a_unit_that_suits_them(angle: float, text: str) -> None:
    assert format_angle(angle) == text


# -- strict JSON ----------------------------------------------------------------------------------------------------------

CONE = {"kind": "cone", "position": [10.0, 20.0, "A"], "radius_deg": 1.0}
BOX = {"kind": "box", "ra_min_deg": 0, "ra_max_deg": 1, "dec_min_deg": 1, "dec_max_deg": 2}
PLACES = {
    "kind": "positions", "places": {"ra_deg": [1.0], "dec_deg": [2.0], "names": ["A"]},
    "reach": {"kind": "fixed", "deg": 0.5, "by_instrument": []}, "label": "a.csv", "entirely_inside": False,
}  # fmt: skip
CIRCLE = {"shape": "circle", "points": [[1, 2]], "sizes_deg": [1], "angle_deg": 0, "include": True}


def test_that_documents_of_older_versions_can_be_read() -> None:
    """Positions were lists with one radius; rectangles had no frame."""
    old = {"kind": "positions", "positions": [[1.0, 2.0, "A"], [3.0, 4.0, ""]], "radius_deg": 0.5, "label": "a.csv"}
    assert filter_from_json(old) == Positions((SkyPosition(1, 2, "A"), SkyPosition(3, 4)), 0.5, "a.csv")
    assert filter_from_json({**old, "radius_deg": None}) == Positions((SkyPosition(1, 2, "A"), SkyPosition(3, 4)), None, "a.csv")
    assert filter_from_json(BOX) == filter_from_json({**BOX, "frame": "icrs"}) == Box(0, 1, 1, 2)
    assert filter_from_json(PLACES) == Positions((SkyPosition(1, 2, "A"),), 0.5, "a.csv")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "cone",
        {},
        {"kind": 3},
        {"kind": "sphere"},
        {"kind": "__class__"},
        {"kind": "cone"},
        {**CONE, "radius_deg": "1"},
        {**CONE, "radius_deg": True},
        {**CONE, "radius_deg": math.nan},
        {**CONE, "radius_deg": 10**400},
        {**CONE, "radius_deg": -1},
        {**CONE, "colour": "red"},
        {**CONE, "position": [10.0, 20.0]},
        {**CONE, "position": [10.0, 95.0, "A"]},
        {**CONE, "position": [10.0, math.inf, "A"]},
        {**CONE, "position": [10.0, 20.0, 3]},
        {"kind": "obs_ids", "obs_ids": "3205"},
        {"kind": "obs_ids", "obs_ids": [3205]},
        {"kind": "obs_ids", "obs_ids": []},
        {"kind": "time_range", "start_mjd": 2, "end_mjd": 1, "entirely_inside": False},
        {"kind": "time_range", "start_mjd": 1, "end_mjd": 2, "entirely_inside": 0},
        {"kind": "target_type", "codes": ["QSO"]},
        {"kind": "box", "ra_min_deg": 0, "ra_max_deg": 1, "dec_min_deg": 2, "dec_max_deg": 1},
        {"kind": "and", "filters": CONE},
        {**BOX, "frame": "supergalactic"},
        {**PLACES, "places": None},
        {**PLACES, "places": {"ra_deg": [1], "dec_deg": [99], "names": [""]}},
        {**PLACES, "places": {"ra_deg": [1], "dec_deg": [9, 9], "names": [""]}},
        {**PLACES, "reach": {"kind": "fixed"}},
        {**PLACES, "reach": {"kind": "positions", "deg": None, "by_instrument": []}},
        {**PLACES, "reach": {"kind": "fixed", "deg": 200, "by_instrument": []}},
        {"kind": "positions", "positions": [[1, 2, ""]], "radius_deg": 1, "label": "", "reach": None},
        {"kind": "polygon", "vertices": [[1, 2], [3, 4]]},
        {"kind": "polygon", "vertices": [[1, 2], [3, 4], [5]]},
        {"kind": "sky_shapes", "shapes": [], "label": ""},
        {"kind": "sky_shapes", "shapes": [{"shape": "circle", "points": [[1, 2]], "sizes_deg": [1]}], "label": ""},
        {"kind": "sky_shapes", "shapes": [{**CIRCLE, "more": 1}], "label": ""},
        {"kind": "sky_shapes", "shapes": [{**CIRCLE, "sizes_deg": ["1"]}], "label": ""},
        {"kind": "moc", "cells": "0/12", "label": "", "start_mjd": None, "end_mjd": None},
        {"kind": "moc", "cells": [0], "label": "", "start_mjd": None, "end_mjd": None},
        {"kind": "exposure", "min_s": None, "max_s": None, "instrument": ""},
        {"kind": "has_instrument", "instruments": [], "all_of": False},
        {"kind": "picked", "obs_ids": {"swift": "1"}, "keep": True},
        {"kind": "picked", "obs_ids": [["swift", ["1"]]], "keep": True},
        {"kind": "picked", "obs_ids": {}, "keep": 1},
        {"kind": "field", "names": []},
        {"kind": "not", "filter": None},
    ],
)
def test_that_json_which_is_no_filter_is_refused(document: Any) -> None:
    with pytest.raises(InputError):
        filter_from_json(document)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({}), st.just([[]]),
        st.just(["a", 1]),
    st.sampled_from([-1, 1e308, 10**400, "29/5", [[1, 2]], [None], {"kind": "usable"}]),
)  # fmt: skip


def changed(document: Any, value: Any, random: Any) -> Any:
    """The document with another value somewhere inside it."""
    if random.random() < 0.2 or not isinstance(document, (dict, list)) or not document:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    key = random.choice(sorted(document)) if isinstance(document, dict) else random.randrange(len(document))
    copy[key] = changed(document[key], value, random)
    return copy


@settings(max_examples=1000, deadline=None)
@given(TREES, VALUES, st.randoms())
def test_that_a_spoilt_document_is_a_filter_or_an_error_that_says_so(wanted: Filter, value: Any, random: Any) -> None:
    document = changed(wanted.to_json(), value, random)
    try:
        made = filter_from_json(document)
    except InputError as error:
        assert error.message
    else:
        assert made.mask(SOME).shape == (len(SOME),)
        assert filter_from_json(json.loads(json.dumps(made.to_json(), allow_nan=False))) == made


def test_that_filters_cannot_be_nested_without_end() -> None:
    document: dict[str, Any] = CONE
    for _ in range(500):
        document = {"kind": "not", "filter": document}
    with pytest.raises(InputError, match="within filters"):
        filter_from_json(document)


def test_that_every_kind_of_filter_is_known_to_json() -> None:
    kinds = {value for value in vars(filters).values() if isinstance(value, type) and issubclass(value, Filter)} - {Filter}
    assert set(filters.KINDS.values()) == kinds
