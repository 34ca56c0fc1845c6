"""Filters: how they combine, what they say of themselves, and their JSON form."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core import filters
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import (
    And,
    Box,
    Cone,
    Filter,
    Not,
    ObsIds,
    Or,
    Positions,
    TargetType,
    TimeRange,
    Usable,
    filter_from_json,
    format_angle,
)
from daxa_gui.core.sky import SkyPosition
from tests.fakes.catalogues import NAN, catalogue

RA = st.one_of(st.floats(0, 360), st.sampled_from([0.0, 1e-9, 90.0, 180.0, 359.9999999, 360.0]))
DEC = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.9999999, 0.0, 89.9999999, 90.0]))

# -- combining ------------------------------------------------------------------------------------------------------------

LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Cone, st.builds(SkyPosition, RA, DEC, st.text(max_size=5)), st.one_of(st.none(), st.floats(0, 180))),
    st.builds(
        Positions, st.lists(st.builds(SkyPosition, RA, DEC), min_size=1, max_size=3).map(tuple), st.none(), st.text(max_size=5)
    ),
    st.builds(lambda a, b, c, d: Box(a, b, *sorted((c, d))), RA, RA, DEC, DEC),
    st.builds(lambda a, b, inside: TimeRange(min(a, b), max(a, b), inside), st.floats(0, 9), st.floats(0, 9), st.booleans()),
    st.sampled_from([TimeRange(-math.inf, 4.0), TimeRange(4.0, math.inf), Usable(), TargetType(("GCL", "AGN"))]),
    st.builds(ObsIds, st.lists(st.sampled_from(["00001", "00003", "RP700068"]), min_size=1, unique=True).map(tuple)),
)  # fmt: skip
TREES: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.builds(Not, below), st.lists(below, max_size=3).map(tuple).map(And), st.lists(below, max_size=3).map(tuple).map(Or)
    ),
    max_leaves=6,
)
SOME = catalogue(
    [(0, 0), (10, 89.9), (200, -45), (359.9, 3), (NAN, NAN), (90, 90)],
    start_mjd=[1, 2, 3, NAN, 5, NAN], end_mjd=[2, NAN, 9, 4, 6, NAN], target_type=["GCL", "", "AGN", "CV", "GCL", ""],
    unusable_reason=["", "x", "", "", "y", ""],
)  # fmt: skip


@given(TREES, TREES)
def test_that_operators_are_those_of_sets(a: Filter, b: Filter) -> None:
    first, second = a.mask(SOME), b.mask(SOME)
    assert (a & b).mask(SOME).tolist() == (first & second).tolist()
    assert (a | b).mask(SOME).tolist() == (first | second).tolist()
    assert (~a).mask(SOME).tolist() == (~first).tolist()
    assert (~(a & b)).mask(SOME).tolist() == (~a | ~b).mask(SOME).tolist()


@given(TREES)
def test_that_a_filter_comes_back_from_json_as_it_was(wanted: Filter) -> None:
    again = filter_from_json(json.loads(json.dumps(wanted.to_json(), allow_nan=False)))
    assert again == wanted
    assert hash(again) == hash(wanted)


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
        {**CONE, "radius_deg": NAN},
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
        {"kind": "not", "filter": None},
    ],
)
def test_that_json_which_is_no_filter_is_refused(document: Any) -> None:
    with pytest.raises(InputError):
        filter_from_json(document)


def test_that_filters_cannot_be_nested_without_end() -> None:
    document: dict[str, Any] = CONE
    for _ in range(500):
        document = {"kind": "not", "filter": document}
    with pytest.raises(InputError, match="within filters"):
        filter_from_json(document)


def test_that_every_kind_of_filter_is_known_to_json() -> None:
    kinds = {value for value in vars(filters).values() if isinstance(value, type) and issubclass(value, Filter)} - {Filter}
    assert set(filters.KINDS.values()) == kinds
