"""The rules that the missions share, as properties: whatever a service sends, a catalogue comes of it and nothing is invented."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.core.registry import resolve
from daxa_gui.core.table import DataTable
from daxa_gui.core.targets import TARGET_TYPES, category_types, normal_category
from daxa_gui.missions import columns as col
from tests.mission_tables import NUMASTER, TABLES, FakeTable

anything = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
numbers_of_any_kind = st.floats() | st.sampled_from([0.0, -0.0, 1e300, 88068.0, 416422.0, 51544.5, -1.0])


def texts_of(values: list[str]) -> Any:
    return np.array(values, str)


@st.composite
def replies(draw: st.DrawFn, table: FakeTable) -> DataTable:
    """A table with the mission's columns and any content."""
    n_rows = draw(st.integers(0, 6))
    columns = {}
    for name, column in table.columns().items():
        if name not in table.source.columns:
            continue
        if column.dtype.kind == "U" or (draw(st.booleans()) and column.dtype.kind != "b"):
            known = st.sampled_from([str(value) for value in column.tolist()])
            columns[name] = texts_of(draw(st.lists(anything | known, min_size=n_rows, max_size=n_rows)))
        elif column.dtype.kind == "b":
            columns[name] = np.array(draw(st.lists(st.booleans(), min_size=n_rows, max_size=n_rows)), bool)
        else:
            columns[name] = np.array(draw(st.lists(numbers_of_any_kind, min_size=n_rows, max_size=n_rows)), float)
    return DataTable(columns)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_that_a_catalogue_comes_of_any_content(table: FakeTable, data: st.DataObject) -> None:
    reply = data.draw(replies(table))
    built = resolve(table.source.build)(reply)
    made = catalogue_from(table.spec, built, provenance="made by a test")
    assert len(made) == len(reply)
    known = np.isfinite(made.ra_deg)
    assert ((made.ra_deg[known] >= 0) & (made.ra_deg[known] < 360)).all()
    assert (np.array(["no coordinates" in reason for reason in made.unusable_reason.tolist()], bool) == ~known).all()
    for times in (made.start_mjd, made.end_mjd):
        assert (np.isnan(times) | (times >= col.FIRST_DAY_MJD) & (times < col.LAST_DAY_MJD + 2)).all()
    assert not (made.end_mjd < made.start_mjd).any()
    assert not (made.exposure_s < 0).any()
    assert set(made.target_type.tolist()) <= {"", *TARGET_TYPES}
    names = {one.name for one in table.spec.instruments}
    assert all(set(text.split()) <= names for text in made.instruments.tolist())


@given(st.lists(anything, max_size=20))
def test_that_texts_are_read_as_times_or_are_unknown(values: list[str]) -> None:
    found = col.mjd(texts_of(values))
    assert found.shape == (len(values),)
    assert (np.isnan(found) | (found >= col.FIRST_DAY_MJD) & (found < col.LAST_DAY_MJD)).all()


@pytest.mark.parametrize(
    ("text", "mjd"),
    [
        ("51544.5", 51544.5), (" 51544 ", 51544.0), ("2000-01-01 12:00:00.0", 51544.5), ("2000-01-01T12:00:00Z", 51544.5),
        ("2000-01-01", 51544.0), ("0", None), ("", None), ("88068", None), ("416422", None), ("now", None), ("today", None),
        ("NaT", None), ("nan", None), ("inf", None), ("2001-02-30", None), ("-51544.5", None), ("2999-12-31", None),
    ],
)  # fmt: skip
def test_that_a_time_is_a_number_or_an_iso_text(text: str, mjd: float | None) -> None:
    (found,) = col.mjd(texts_of([text])).tolist()
    assert math.isnan(found) if mjd is None else found == mjd


@given(st.lists(st.tuples(st.floats(0, 360), st.floats(-90, 90)), min_size=1, max_size=20))
@settings(deadline=None)
def test_that_fk5_positions_become_those_of_astropy(positions: list[tuple[float, float]]) -> None:
    from astropy.coordinates import SkyCoord

    ra, dec = (np.array(values) for values in zip(*positions, strict=True))
    marks = col.Marks(len(ra))
    found_ra, found_dec = col.positions(ra, dec, "fk5", marks)
    there = ~((ra == 0) & (dec == 0))
    assert (marks.reasons() == np.where(there, "", "no coordinates")).all()
    assert (np.isnan(found_ra) == ~there).all()
    if there.any():
        ours = SkyCoord(found_ra[there], found_dec[there], unit="deg")
        assert ours.separation(SkyCoord(ra[there], dec[there], unit="deg", frame="fk5").icrs).arcsec.max() < 1e-5
        assert ours.separation(SkyCoord(ra[there], dec[there], unit="deg")).arcsec.max() < 0.032


@given(st.lists(st.tuples(*[st.sampled_from([0.0, 10.0, math.nan])] * 3), min_size=1, max_size=20))
def test_that_active_instruments_and_longest_exposures_are_those_row_by_row(rows: list[tuple[float, float, float]]) -> None:
    exposures = [np.array(column) for column in zip(*rows, strict=True)]
    active = col.active(dict(zip("ABC", exposures, strict=True))).tolist()
    assert active == [" ".join(name for name, value in zip("ABC", row, strict=True) if value > 0) for row in rows]
    expected = [max((value for value in row if not math.isnan(value)), default=math.nan) for row in rows]
    assert np.array_equal(col.longest(exposures), np.array(expected), equal_nan=True)
    assert col.none_positive(exposures).tolist() == [0.0 in row and 10.0 not in row for row in rows]


@given(st.lists(st.sets(st.sampled_from(["slew", "no exposure", "no coordinates"])), min_size=1, max_size=20))
def test_that_marks_are_those_of_each_row_in_the_order_of_the_rules(rows: list[set[str]]) -> None:
    marks, order = col.Marks(len(rows)), ["slew", "no exposure", "no coordinates"]
    for reason in order:
        marks.add(np.array([reason in row for row in rows]), reason)
        assert marks.has(reason).tolist() == [reason in row for row in rows]
    assert marks.reasons().tolist() == [" ; ".join(reason for reason in order if reason in row) for row in rows]


def test_that_any_number_of_kinds_of_status_is_marked() -> None:
    status = texts_of([f"state {number}" for number in range(300)] + ["archived", "PROCESSED", ""])
    marks = col.Marks(len(status))
    marks.unless_archived(status)
    reasons = marks.reasons().tolist()
    assert all(reason.startswith("not archived yet") for reason in reasons[:300])
    assert reasons[300:] == ["", "", "not archived yet (status unknown)"]


@given(anything)
def test_that_any_category_has_a_type(text: str) -> None:
    (kind,) = col.types(col.texts(texts_of([text])), {"Quasars": "AGN"}).tolist()
    assert kind in TARGET_TYPES


@pytest.mark.parametrize("text", ["X-RAY  Binary", " x ray binary ", "X-ray, binary", "x_ray binary"])
def test_that_categories_are_compared_by_their_words(text: str) -> None:
    assert normal_category(text) == "x ray binary"
    assert col.types(texts_of([text]), {"X-RAY BINARY": "XRB"}).tolist() == ["XRB"]


def test_that_the_words_of_the_common_types_mean_them_and_a_missions_own_come_first() -> None:
    known = category_types({"Galaxy clusters": "EGE"})
    assert known["galaxy clusters"] == "EGE"
    for code, text in TARGET_TYPES.items():
        if code not in ("MISC", "GCL"):
            assert known[normal_category(text)] == code
    with pytest.raises(ValueError, match="'QSO'"):
        category_types({"Quasars": "QSO"})


def test_that_obs_ids_keep_their_zeros_whatever_their_type() -> None:
    for column in (
        np.array([126000, 7]),
        np.array([126000.0, 7.0]),
        texts_of(["126000", "000000007"]),
        texts_of([" 126000 ", "7 "]),
    ):
        assert col.obs_ids(column, 9).tolist() == ["000126000", "000000007"]
    assert col.obs_ids(np.array([3205, 7])).tolist() == ["3205", "7"]
    assert col.obs_ids(np.array([math.nan]), 9).tolist() == [""]


def test_that_two_rows_of_one_obs_id_stay_two() -> None:
    columns = NUMASTER.columns()
    columns["obsid"][:] = "40001014013"
    built = resolve(NUMASTER.source.build)(DataTable({name: columns[name] for name in NUMASTER.source.columns}))
    assert len(catalogue_from(NUMASTER.spec, built, provenance="made by a test")) == len(NUMASTER.rows)
