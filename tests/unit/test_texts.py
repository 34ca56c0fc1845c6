"""Coded columns of texts behave as arrays of texts do, and rows are found by their texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core import texts
from daxa_gui.core.texts import TextColumn, TextIndex
from tests.fakes.catalogues import NAN, catalogue

WORDS = st.lists(st.one_of(st.sampled_from(["", "GCL", "AGN", "AGN ", "Élan", "9"]), st.text(max_size=4)), max_size=20)
CLEAN = WORDS.map(lambda words: [word.rstrip("\0") for word in words])  # numpy's texts cannot end with a zero


@given(CLEAN, st.data())
def test_that_a_coded_column_gives_what_an_array_gives(words, data):
    array, column = np.array(words, str), TextColumn.of(words)
    assert len(column) == len(array)
    assert column.tolist() == list(column) == array.tolist()
    assert np.array_equal(np.asarray(column), array)
    assert column.shape == array.shape
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words))), bool)
    assert column[mask].tolist() == array[mask].tolist() == column.take(mask).tolist()
    assert column[1::2].tolist() == array[1::2].tolist()
    rows = np.flatnonzero(mask)[::-1]
    assert column[rows].tolist() == array[rows].tolist()
    for word in {*words, "absent"}:
        assert (column == word).tolist() == [other == word for other in words]
        assert (column != word).tolist() == [other != word for other in words]
        assert (word in column) == (word in words)
    assert (column == array).all()
    assert column[column.argsort()].tolist() == sorted(words)
    assert np.concatenate([column, column[mask]]).tolist() == [*words, *array[mask].tolist()]
    assert column.where(lambda word: len(word) > 2).tolist() == [len(word) > 2 for word in words]
    assert column.isin(["AGN", "", "absent"]).tolist() == [word in ("AGN", "") for word in words]


def test_that_single_texts_are_python_texts():
    column = TextColumn.of(["b", "a", "b"])
    assert [column[0], column[-2], column[np.int64(2)]] == ["b", "a", "b"]
    assert isinstance(column[0], str)
    with pytest.raises(IndexError):
        column[3]


def test_that_a_condition_is_asked_once_per_distinct_text():
    asked = []
    column = TextColumn.of(["x", "y"] * 500)
    assert np.count_nonzero(column.where(lambda text: not asked.append(text) and text == "x")) == 500
    assert sorted(asked) == ["x", "y"]


def test_that_values_that_stand_twice_or_unsorted_do_not_matter():
    column = TextColumn(np.array([0, 1, 2, 1]), np.array(["b", "a", "b"]))
    assert (column == "b").tolist() == [True, False, True, False]
    assert column.argsort().tolist() == [1, 3, 0, 2]
    assert (column == "").tolist() == [False] * 4


def test_that_codes_take_little_room():
    column = TextColumn.of(np.tile(np.array(["M1 M2 PN", "PN"]), 50_000))
    assert column.codes.dtype == np.uint8
    assert column.nbytes < 101_000
    assert TextColumn.of([str(n) for n in range(300)]).codes.dtype == np.uint16


@pytest.mark.parametrize(
    ("codes", "values"),
    [([0, 2], ["a", "b"]), ([-1], ["a"]), ([0], []), ([0.0], ["a"]), ([[0]], ["a"]), ([0], [1])],
)
def test_that_codes_without_a_text_are_refused(codes, values):
    with pytest.raises(ValueError, match=r"code"):
        TextColumn(np.array(codes), np.array(values) if values else np.empty(0, str))


@given(CLEAN, CLEAN)
def test_that_rows_are_found_by_their_texts(words, wanted):
    array = np.array(words, str)
    rows = TextIndex.of(array).rows(array, wanted)
    assert rows.tolist() == [row for row, word in enumerate(words) if word in wanted]


def test_that_texts_with_the_same_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr(texts, "_hashes", lambda array: np.zeros(len(array), np.uint64))
    array = np.array(["a", "b", "a", "c"])
    assert TextIndex.of(array).rows(array, ["a", "d"]).tolist() == [0, 2]


def test_that_hashes_do_not_depend_on_the_width_or_byte_order_of_the_array():
    array = np.array(["0012345678", "ab"])
    for other in (array.astype("U40"), array.astype(">U10"), array.astype("U40")[::1]):
        assert TextIndex.of(array).rows(array, other.tolist()).tolist() == [0, 1]
        assert TextIndex.of(other).rows(other, ["ab"]).tolist() == [1]


def test_that_an_index_of_texts_survives_storage_and_a_damaged_one_is_refused():
    array = np.array([f"{n:05d}" for n in range(50)])
    stored = TextIndex.of(array).arrays()
    assert TextIndex.from_arrays(stored, 50).rows(array, ["00007", "00049"]).tolist() == [7, 49]
    for damaged in (
        {},
        {**stored, "rows": stored["rows"][:-1]},
        {**stored, "rows": stored["rows"] + 1},
        {**stored, "hashes": stored["hashes"][::-1]},
        {**stored, "rows": stored["rows"].astype(float)},
    ):
        with pytest.raises(ValueError, match=r"index of texts"):
            TextIndex.from_arrays(damaged, 50)


# -- what catalogues make of them -------------------------------------------------------------------------------------------


def test_that_a_catalogue_codes_its_texts_whatever_they_were_given_as():
    made = catalogue(
        [(0, 0), (1, 1), (2, 2)], target=["Crab", "Crab", ""], category=np.array(["SNR", "", "SNR"]),
        extra={"mode": np.array(["A", "B", "A"]), "revolution": np.array([1, 2, 3])},
    )  # fmt: skip
    assert (made.target == "Crab").tolist() == [True, True, False]
    assert made.category.tolist() == ["SNR", "", "SNR"]
    assert made.extra["mode"].codes.tolist() == [0, 1, 0]
    assert isinstance(made.extra["revolution"], np.ndarray)
    row = made.row(0)
    assert (row["target"], row["category"], row["mode"], row["revolution"]) == ("Crab", "SNR", "A", 1)
    assert type(row["target"]) is str


def test_that_a_mission_without_categories_has_empty_ones():
    assert catalogue([(0, 0), (1, 1)]).category.tolist() == ["", ""]
    assert catalogue([]).category.tolist() == []


def test_that_all_rows_of_an_obs_id_are_found():
    made = catalogue([(0, 0)] * 4, obs_id=["b", "a", "b", "c"])
    assert made.rows_of(["b", "x"]).tolist() == [0, 2]
    assert made.rows_of(["c", "a", "c"]).tolist() == [1, 3]
    assert made.rows_of([]).tolist() == []


def test_that_each_obs_id_has_a_first_row():
    made = catalogue([(0, 0)] * 4, obs_id=["b", "a", "b", "c"])
    assert dict(made.row_of) == {"b": 0, "a": 1, "c": 3}
    assert (len(made.row_of), made.row_of.get("x", -1), "a" in made.row_of, "x" in made.row_of) == (3, -1, True, False)
    with pytest.raises(KeyError):
        made.row_of["x"]


def test_that_data_are_public_from_their_date_on_or_where_no_restriction_is_known():
    made = catalogue([(0, 0)] * 4, public_mjd=[NAN, np.inf, 60000.0, 60001.0])
    assert made.public(60000.0).tolist() == [True, False, True, False]


def test_that_indexes_made_before_are_used_instead_of_new_ones():
    made = catalogue([(0, 0), (1, 1)])
    again = made.with_index(made.index, made.id_index)
    assert again.index is made.index
    assert again.id_index is made.id_index
    assert again.obs_id is made.obs_id
    assert made.with_index().index is not made.index
