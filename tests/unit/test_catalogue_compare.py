"""What differs between two versions of a catalogue, also against a comparison row by row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.catalogues.compare import ROWS, compare
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import CatalogueDiff
from daxa_gui.missions import MISSIONS

SPEC = MISSIONS["swift"]
BEFORE, AFTER = 59000.0, 59100.0


def made(*rows: dict[str, Any]) -> Catalogue:
    nan = math.nan
    usual = {"ra_deg": 1.0, "dec_deg": 2.0, "start_mjd": nan, "exposure_s": 5.0, "target": "A", "public_mjd": nan, "own": 1.0}
    full = [usual | row for row in rows]
    columns = {name: np.array([row[name] for row in full]) for name in ("obs_id", *usual)}
    return catalogue_from(SPEC, columns, provenance="")


def row(number: int, **values: Any) -> dict[str, Any]:
    return {"obs_id": f"{number:011d}"} | values


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number:011d}" for number in numbers)


def difference(old: Catalogue, new: Catalogue) -> CatalogueDiff:
    return compare(old, new, before_mjd=BEFORE, after_mjd=AFTER)


def test_that_equal_catalogues_do_not_differ_also_where_values_are_unknown() -> None:
    one, other = made(row(1), row(2, target="")), made(row(2, target=""), row(1))
    assert difference(one, other).is_empty


def test_that_new_vanished_and_changed_observations_are_told_with_the_columns() -> None:
    old = made(row(1), row(2), row(3), row(4))
    new = made(row(5), row(4, exposure_s=6.0, target="B"), row(3, own=math.nan), row(2))
    found = difference(old, new)
    assert found.new == ids(5)
    assert found.vanished == ids(1)
    assert found.changed == {ids(4)[0]: ("exposure_s", "target"), ids(3)[0]: ("own",)}
    assert (found.mission, found.before_mjd, found.after_mjd) == ("swift", BEFORE, AFTER)


def test_that_rounding_is_no_change() -> None:
    assert difference(made(row(1, ra_deg=0.1 + 0.2)), made(row(1, ra_deg=0.3))).is_empty
    assert not difference(made(row(1, ra_deg=0.3)), made(row(1, ra_deg=0.3001))).is_empty


@pytest.mark.parametrize(
    ("before", "after", "became"),
    [
        (59050.0, 59050.0, True),  # its day came
        (math.inf, math.nan, True),
        (math.inf, 59100.0, True),
        (59200.0, 59090.0, True),  # released earlier than announced
        (59200.0, 59200.0, False),
        (58000.0, 58000.0, False),
        (math.nan, math.nan, False),
        (math.nan, 58000.0, False),
        (58000.0, math.inf, False),
    ],
)
def test_which_observations_became_public(before: float, after: float, became: bool) -> None:
    found = difference(made(row(1, public_mjd=before)), made(row(1, public_mjd=after)))
    assert found.now_public == (ids(1) if became else ())


def test_that_only_changed_dates_count_where_nobody_knows_when_the_old_version_was_fetched() -> None:
    old, new = made(row(1, public_mjd=59050.0), row(2, public_mjd=math.inf)), made(row(1, public_mjd=59050.0), row(2))
    assert compare(old, new, before_mjd=math.nan, after_mjd=AFTER).now_public == ids(2)


def test_that_a_new_observation_that_is_public_did_not_become_public() -> None:
    assert difference(made(row(1)), made(row(1), row(2))).now_public == ()


def test_that_rows_of_an_obs_id_that_stands_twice_belong_together_by_their_start() -> None:
    old = made(row(1, start_mjd=5.0, target="A"), row(1, start_mjd=7.0, target="B"))
    assert difference(old, made(row(1, start_mjd=7.0, target="B"), row(1, start_mjd=5.0, target="A"))).is_empty
    fewer = difference(old, made(row(1, start_mjd=5.0, target="A")))
    assert fewer.changed == {ids(1)[0]: (ROWS,)}
    assert not fewer.vanished and not fewer.new
    both = difference(old, made(row(1, start_mjd=5.0, target="A2"), row(1, start_mjd=7.0, target="B", exposure_s=1.0)))
    assert both.changed == {ids(1)[0]: ("exposure_s", "target")}


def test_that_columns_of_one_version_only_are_not_compared() -> None:
    new = made(row(1))
    columns = {name: getattr(new, name) for name in ("obs_id", "ra_deg", "dec_deg", "exposure_s", "target")}
    assert difference(catalogue_from(SPEC, columns, provenance=""), new).is_empty


def test_that_nothing_and_something_can_be_compared() -> None:
    some = made(row(1), row(2))
    columns = {"obs_id": np.empty(0, "U1"), "ra_deg": np.empty(0), "dec_deg": np.empty(0)}
    empty = catalogue_from(SPEC, columns, provenance="")
    assert difference(empty, some).new == ids(1, 2)
    assert difference(some, empty).vanished == ids(1, 2)
    assert difference(empty, empty).is_empty
    with pytest.raises(ValueError, match="cannot be compared"):
        difference(empty, catalogue_from(MISSIONS["asca"], columns, provenance=""))


NUMBERS = st.sampled_from([math.nan, 1.0, 2.5, math.inf])
TEXTS = st.sampled_from(["", "A", "B"])
ROW = st.fixed_dictionaries({"exposure_s": NUMBERS, "public_mjd": NUMBERS, "target": TEXTS, "own": NUMBERS})
TABLE = st.dictionaries(st.integers(1, 12), ROW, min_size=1, max_size=8)


@given(TABLE, TABLE)
def test_that_it_finds_what_a_comparison_row_by_row_finds(old: dict[int, Any], new: dict[int, Any]) -> None:
    one, other = (made(*(row(n, **values) for n, values in table.items())) for table in (old, new))
    found = compare(one, other, before_mjd=2.0, after_mjd=2.0)
    assert found.new == ids(*(n for n in new if n not in old))
    assert found.vanished == ids(*(n for n in old if n not in new))
    expected = {}
    for n in new:
        if n in old:
            names = tuple(
                name
                for name in ("exposure_s", "public_mjd", "target", "own")
                if not (old[n][name] == new[n][name] or (old[n][name] != old[n][name] and new[n][name] != new[n][name]))
            )
            if names:
                expected[ids(n)[0]] = names
    assert dict(found.changed) == expected
    restricted = [{n for n, values in table.items() if values["public_mjd"] > 2.0} for table in (old, new)]
    assert set(found.now_public) == set(ids(*(n for n in restricted[0] if n in new and n not in restricted[1])))
