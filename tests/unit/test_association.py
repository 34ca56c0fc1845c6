"""Association tables: which observation covers which position, with which instruments, and how it lies in the time windows."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core import matching
from daxa_gui.core.association import Association, associate, stream
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import TimeRange
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from tests.benchmarks import synthetic
from tests.fakes.catalogues import NAN, catalogue

TIMES = st.one_of(st.sampled_from([NAN, 0.0, 1.0, 2.0, 3.0]), st.floats(0, 3))


def places(*points: tuple[float, float] | tuple[float, float, str], **others: object) -> Places:
    return Places.of([SkyPosition(*point) for point in points], **others)


def entries(table: Association, *columns: str) -> list[tuple[object, ...]]:
    return list(zip(*(getattr(table, name).tolist() for name in columns), strict=True))


def test_that_entries_come_by_position_the_nearest_first():
    of = catalogue([(10.2, 0.0), (10.1, 0.0), (50.0, 0.0), (10.2, 0.0)], obs_id=["a", "b", "c", "d"])
    table = associate(of, places((50.1, 0.0), (200.0, 0.0), (10.0, 0.0)), Distance.fixed(0.5))
    assert entries(table, "position", "row", "obs_id") == [(0, 2, "c"), (2, 1, "b"), (2, 0, "a"), (2, 3, "d")]
    assert table.separation_deg == pytest.approx([0.1, 0.1, 0.2, 0.2])
    assert (len(table), table.matched_positions, table.observations) == (4, 2, 4)


def test_that_only_rows_of_the_mask_take_part():
    of = catalogue([(0.0, 0.0)] * 3)
    assert associate(of, places((0, 0)), mask=np.array([False, True, False])).row.tolist() == [1]


def test_that_nothing_found_is_an_empty_table():
    table = associate(catalogue([(0, 0)]), places((180, 0)))
    assert (len(table), table.matched_positions, table.observations) == (0, 0, 0)
    assert len(table.table(places((180, 0)), "test")) == 0
    assert table.document(places((180, 0))) == {"sample_size": 1, "matched_positions": 0, "observations": 0, "positions": []}
    assert len(associate(catalogue([]), places((180, 0)), Distance.footprint())) == 0


# -- instruments -----------------------------------------------------------------------------------------------------------


def test_that_the_instruments_are_those_whose_distance_covers_the_position():
    of = catalogue([(10.0, 0.0)] * 4, instruments=["A B", "B A", "B", "C"])
    near = places((10.0, 0.5), (10.0, 1.5), (10.0, 2.5))
    table = associate(of, near, Distance.of_instruments({"A": 1.0, "B": 2.0}))
    assert entries(table, "position", "row", "instruments") == [
        (0, 0, "A B"), (0, 1, "B A"), (0, 2, "B"), (1, 0, "B"), (1, 1, "B"), (1, 2, "B"),
    ]  # fmt: skip


@pytest.mark.parametrize("distance", [Distance(), Distance.fixed(0.3), Distance.of_positions()])
def test_that_with_a_distance_for_all_all_instruments_are_named(distance):
    of = catalogue([(10.0, 0.0)] * 2, instruments=["A B", ""])
    assert associate(of, places((10.0, 0.1), radius_deg=[1.0]), distance).instruments.tolist() == ["A B", ""]


# -- time windows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "loosely", "strictly"),
    [
        (11.0, 12.0, "inside", "inside"),
        (10.0, 20.0, "inside", "inside"),
        (5.0, 10.0, "overlap", None),
        (20.0, 25.0, "overlap", None),
        (5.0, 25.0, "overlap", None),
        (5.0, 9.9, None, None),
        (20.1, 25.0, None, None),
        (15.0, NAN, "possible", "possible"),
        (5.0, NAN, "possible", None),
        (21.0, NAN, None, None),
        (NAN, 15.0, "possible", "possible"),
        (NAN, 25.0, "possible", None),
        (NAN, 9.0, None, None),
        (NAN, NAN, None, None),
    ],
)
def test_how_observations_lie_in_a_window(start, end, loosely, strictly):
    of = catalogue([(0.0, 0.0)], start_mjd=[start], end_mjd=[end])
    near = places((0.0, 0.0), start_mjd=[10.0], end_mjd=[20.0])
    for entirely, expected in ((False, loosely), (True, strictly)):
        table = associate(of, near, entirely_inside=entirely)
        assert table.time_match.tolist() == ([] if expected is None else [expected])
        assert matching.near_places(of, near, entirely_inside=entirely).tolist() == [expected is not None]


def test_that_a_position_without_a_window_takes_any_time():
    of = catalogue([(0.0, 0.0)], start_mjd=[NAN], end_mjd=[NAN])
    near = places((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), start_mjd=[NAN, 10.0, NAN], end_mjd=[NAN, NAN, 20.0])
    assert entries(associate(of, near), "position", "time_match") == [(0, "")]
    assert associate(of, places((0.0, 0.0))).time_match.tolist() == [""]


@given(
    st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=8),
    st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=5),
    st.booleans(),
)
def test_that_each_position_has_its_own_time_range(observations, windows, entirely):
    """The same as a filter for each position and its window, one after the other."""
    start, end = np.sort(np.array(observations), axis=1).T  # NaN sorts last: an unknown end
    first, last = (np.array(limits) for limits in zip(*(sorted(w) if not np.isnan(w).any() else w for w in windows), strict=True))
    of = catalogue([(0.0, 0.0)] * len(start), start_mjd=start, end_mjd=end)
    near = places(*[(0.0, 0.0)] * len(windows), start_mjd=first, end_mjd=last)
    expected = []
    for number, (low, high) in enumerate(zip(first, last, strict=True)):
        if np.isnan(low) and np.isnan(high):
            mask = np.ones(len(of), bool)
        else:
            mask = TimeRange(-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high, entirely).mask(of)
        expected += [(number, row) for row in np.flatnonzero(mask).tolist()]
    table = associate(of, near, entirely_inside=entirely)
    assert entries(table, "position", "row") == expected
    rows = np.flatnonzero(matching.near_places(of, near, entirely_inside=entirely)).tolist()
    assert rows == sorted({row for _, row in expected})


# -- many ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "distance", [Distance(), Distance.fixed(3.0), Distance.footprint(), Distance.of_instruments({"HRI": 1.0})]
)
def test_that_a_stream_gives_the_same_in_parts(distance):
    of = synthetic.catalogue("rosat_pointed")
    near = synthetic.places(3000, near=of)
    whole, parts = associate(of, near, distance), list(stream(of, near, distance))
    assert len(whole) > 1000
    for name in ("position", "row", "obs_id", "separation_deg", "instruments", "obs_start_mjd", "window_end_mjd", "time_match"):
        joined = np.concatenate([np.asarray(getattr(part, name)) for part in parts])
        assert np.array_equal(joined, np.asarray(getattr(whole, name)), equal_nan=joined.dtype.kind == "f")


def test_that_a_stream_needs_no_more_memory_for_more_pairs():
    of, near = synthetic.catalogue("xmm_pointed", rows=10_000), synthetic.places(400)
    of.index, of.vectors, near.vectors  # made now, not counted
    tracemalloc.start()
    try:
        pairs = sum(map(len, stream(of, near, Distance.fixed(180.0))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert pairs == 400 * np.isfinite(of.ra_deg).sum() > 3_900_000
    assert peak < 80e6  # all pairs together need more than three times as much


def test_that_too_many_pairs_are_refused_before_memory_is_short():
    of, near = catalogue([(0.0, 0.0)] * 10), places(*[(0.0, 0.0)] * 10)
    assert len(associate(of, near, most=100)) == 100
    with pytest.raises(InputError, match=r"More than 99 pairs .* of test"):
        associate(of, near, most=99)


# -- what is shown and exported --------------------------------------------------------------------------------------------


def example() -> tuple[Association, Places]:
    of = catalogue(
        [(10.0, 0.0), (10.1, 0.0)],
        obs_id=["007", "008"],
        instruments=["M1 PN", "PN"],
        start_mjd=[15.0, 19.0],
        end_mjd=[16.0, NAN],
    )
    near = places((200.0, 0.0, "far"), (10.0, 0.0, "Élan"), start_mjd=[10.0, 10.0], end_mjd=[20.0, NAN])
    return associate(of, near), near


def test_that_the_table_has_typed_columns_with_units():
    found, near = example()
    table = found.table(near, "xmm_pointed")
    kinds = {name: column.dtype.kind for name, column in table.columns.items()}
    assert kinds == {
        "position": "i", "name": "U", "ra_deg": "f", "dec_deg": "f", "mission": "U", "obs_id": "U", "separation_deg": "f",
        "instruments": "U", "obs_start_mjd": "f", "obs_end_mjd": "f", "window_start_mjd": "f", "window_end_mjd": "f",
        "time_match": "U",
    }  # fmt: skip
    assert table["obs_id"].tolist() == ["007", "008"]
    assert table["name"].tolist() == ["Élan", "Élan"]
    assert table["mission"].tolist() == ["xmm_pointed"] * 2
    assert table["time_match"].tolist() == ["inside", "possible"]
    assert np.array_equal(table["window_end_mjd"], [NAN, NAN], equal_nan=True)
    assert table.units["separation_deg"] == "deg"
    assert set(table.descriptions) == set(table.names)
    assert set(table.units) == {name for name, kind in kinds.items() if kind == "f"}


def test_that_the_document_is_json_without_nan():
    found, near = example()
    document = found.document(near)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert (document["sample_size"], document["matched_positions"], document["observations"]) == (2, 1, 2)
    (position,) = document["positions"]
    assert (position["index"], position["name"], position["ra_deg"]) == (1, "Élan", 10.0)
    assert (position["window_start_mjd"], position["window_end_mjd"]) == (10.0, None)
    assert position["matches"][1] == {
        "obs_id": "008", "separation_deg": pytest.approx(0.1), "instruments": ["PN"], "time_match": "possible", "start_mjd": 19.0,
        "end_mjd": None,
    }  # fmt: skip
