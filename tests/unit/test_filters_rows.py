"""Filters by what the catalogue says of each observation: instruments, exposures, releases, categories, fields, names, ticks."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui import locations
from daxa_gui.catalogues.own_csv import read_table
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import (
    Category,
    Exposure,
    Field,
    Filter,
    HasInstrument,
    ObsIds,
    Picked,
    Public,
    TimeRange,
    check_obs_ids,
)
from daxa_gui.missions import MISSIONS
from tests.fakes.catalogues import NAN, catalogue


def matched(wanted: Filter, of: Catalogue) -> list[int]:
    mask = wanted.mask(of)
    assert mask.dtype == bool
    assert mask.shape == (len(of),)
    return np.flatnonzero(mask).tolist()


def rows(n: int, **columns: Any) -> Catalogue:
    return catalogue([(0.0, 0.0)] * n, **columns)


# -- instruments, categories -----------------------------------------------------------------------------------------------


def test_that_an_observation_needs_one_of_the_instruments_or_all_of_them() -> None:
    of = rows(5, instruments=["XRT BAT", "XRT", "UVOT", "", "XRT BAT UVOT"])
    assert matched(HasInstrument(("BAT",)), of) == [0, 4]
    assert matched(HasInstrument(("bat", "UVOT")), of) == [0, 2, 4]
    assert matched(HasInstrument(("BAT", "UVOT"), all_of=True), of) == [4]
    assert matched(HasInstrument(("AT",)), of) == []


def test_that_instruments_with_small_letters_can_be_chosen() -> None:
    assert matched(HasInstrument(("PICsIT",)), rows(2, instruments=["ISGRI PICsIT", "ISGRI"])) == [0]


def test_that_categories_are_the_missions_own_words() -> None:
    of = rows(5, category=["ACTIVE GALAXIES", "Active  galaxies", "STARS", "", "ACTIVE"])
    assert matched(Category(("active galaxies",)), of) == [0, 1]
    assert matched(Category(("stars", "nothing of that kind")), of) == [2]


@pytest.mark.parametrize(
    "make", [lambda: HasInstrument(()), lambda: HasInstrument((" ",)), lambda: Category(("",)), lambda: Field(())]
)
def test_that_filters_which_ask_for_nothing_are_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()


# -- exposures -------------------------------------------------------------------------------------------------------------


def test_that_limits_of_the_exposure_belong_to_it_and_unknown_ones_never_match() -> None:
    of = rows(6, exposure_s=[0.0, 999.999, 1000.0, 5000.0, 5000.001, NAN])
    assert matched(Exposure(1000, 5000), of) == [2, 3]
    assert matched(Exposure(max_s=1000), of) == [0, 1, 2]
    assert matched(Exposure(0), of) == [0, 1, 2, 3, 4]


def test_that_an_instruments_own_seconds_count_where_the_catalogue_tells_them() -> None:
    of = rows(
        4, exposure_s=[100.0, 200.0, 300.0, 400.0], instruments=["XRT BAT", "XRT", "BAT", "BAT UVOT"],
        extra={"xrt_exposure": np.array([10.0, 20.0, NAN, 0.0])}, exposure_columns={"XRT": "xrt_exposure", "UVOT": "absent"},
    )  # fmt: skip
    assert matched(Exposure(10, instrument="xrt"), of) == [0, 1]
    assert matched(Exposure(10, 150, instrument="BAT"), of) == [0]  # no column: the observation's, where BAT was used
    assert matched(Exposure(10, instrument="UVOT"), of) == [3]  # a column that this catalogue lacks is as none
    assert matched(Exposure(10, instrument="RESOLVE"), of) == []


@pytest.mark.parametrize("limits", [(None, None), (-1, None), (None, math.inf), (5, 4), (NAN, None)])
def test_that_impossible_exposures_are_refused(limits: Any) -> None:
    with pytest.raises(InputError):
        Exposure(*limits)


# -- releases --------------------------------------------------------------------------------------------------------------


def test_that_public_means_released_or_never_restricted() -> None:
    of = rows(4, public_mjd=[NAN, 60000.0, 60000.1, math.inf])
    assert matched(Public(60000.0), of) == [0, 1]
    now = time.time() / 86400 + 40587
    assert matched(Public(), rows(3, public_mjd=[now - 0.01, now + 0.01, NAN])) == [0, 2]


# -- ObsIDs ----------------------------------------------------------------------------------------------------------------

PATTERNS = {"xmm_pointed": r"^[0-9]{10}$", "rosat_pointed": r"^(RH|rh|RP|rp|RF|rf|WH|wh|WP|wp|WF|wf)\d{6}([A-Z]\d{2}|)$"}


def test_that_obs_ids_of_the_right_form_are_cleaned() -> None:
    given = [" 0201903501", "rp700068n00", "0201903501", "RP700068"]
    assert check_obs_ids(given, PATTERNS) == ("0201903501", "RP700068N00", "RP700068")
    assert given == [" 0201903501", "rp700068n00", "0201903501", "RP700068"]


def test_that_every_malformed_obs_id_is_named_with_its_place() -> None:
    with pytest.raises(InputError) as caught:
        check_obs_ids(["0201903501", "020190350", "x", "RP700068", "٣٤٥٣٤٥٣٤٥٣"], PATTERNS)
    assert caught.value.message == (
        "« 020190350 » (2.), « X » (3.), « ٣٤٥٣٤٥٣٤٥٣ » (5.) are no ObsIDs of xmm_pointed or rosat_pointed."
    )
    with pytest.raises(InputError, match=r"« 12 » \(1\.\) is no ObsID of xmm_pointed"):
        check_obs_ids(["12"], {"xmm_pointed": PATTERNS["xmm_pointed"]})
    with pytest.raises(InputError):
        check_obs_ids([], PATTERNS)


# -- eROSITA's fields ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def calpv() -> Catalogue:
    spec = MISSIONS["erosita_calpv"]
    return read_table(locations.resource_path(spec.table.resource), spec)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        # what DAXA 0.3.7 finds in the same table
        ("survey", 5), ("magellanic clouds", 20), ("galactic fields", 121), ("extragalactic fields", 24), ("crab", 108),
        ("eFEDS", 4),
        # spellings of field keys
        ("CRAB_III", 30), ("Crab II", 30), ("CRAB_4", 22), ("IGR_J13020_6359", 1), ("HR 3165", 1), ("TGUH2213P1", 1),
        ("A3391", 4), ("a3395", 4), ("A3391/A3395", 4), ("1H0707", 1), ("Puppis A", 2), ("PSR J0540-6919", 1), ("3C 390.3", 4),
        # DAXA's own spelling of this one leads nowhere
        ("47 TUC", 8), ("47_Tuc", 8), ("47 Tuc (NGC 104)", 8), ("M31", 0),
    ],
)  # fmt: skip
def test_that_fields_are_found_by_their_keys_names_and_types(calpv: Catalogue, name: str, count: int) -> None:
    assert len(matched(Field((name,)), calpv)) == count


def test_that_several_fields_are_taken_together_and_other_missions_have_none(calpv: Catalogue) -> None:
    assert len(matched(Field(("eFEDS", "A3391", "nowhere")), calpv)) == 8
    assert matched(Field(("eFEDS",)), rows(3)) == []


def test_that_the_misprinted_obs_id_of_puppis_a_finds_what_was_meant(calpv: Catalogue) -> None:
    wanted = ObsIds(("700195",))
    assert sorted(calpv.obs_id[wanted.mask(calpv)].tolist()) == ["700199", "700200"]
    assert wanted.obs_ids == ("700195",)
    assert matched(wanted, rows(2, obs_id=["700199", "700195"])) == [1]  # of another mission: nothing is misprinted there


# -- ticked by hand --------------------------------------------------------------------------------------------------------


def test_that_ticks_are_by_mission_and_take_all_rows_of_an_obs_id() -> None:
    of = rows(4, obs_id=["1", "A2", "1", "3"])
    ticks = (("test", ("1", "a2")), ("swift", ("3",)))
    assert matched(Picked(ticks, keep=True), of) == [0, 1, 2]
    assert matched(Picked(ticks, keep=False), of) == [3]


def test_that_rows_are_ticked_and_unticked_one_by_one() -> None:
    ticks = Picked((), keep=False).with_row("swift", "1").with_row("asca", "2").with_row("swift", "1").with_row("swift", "3")
    assert ticks == Picked((("asca", ("2",)), ("swift", ("1", "3"))), keep=False)
    assert ticks.without_row("asca", "2").without_row("swift", "3") == Picked((("swift", ("1",)),), keep=False)
    assert ticks.of("swift") == ("1", "3") and ticks.of("chandra") == ()
    assert ticks.sentence() == "without 2, 1 and 3 (by hand)"


# -- what is certain about times -------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 6)), st.one_of(st.none(), st.integers(0, 6))), min_size=1, max_size=8),
    st.one_of(st.just(-math.inf), st.integers(0, 6)), st.one_of(st.just(math.inf), st.integers(0, 6)), st.booleans(),
)  # fmt: skip
def test_that_a_match_is_certain_if_no_missing_time_could_undo_it(pairs: Any, first: float, last: float, inside: bool) -> None:
    """Every value that a missing time may have is tried; times run a little beyond all limits."""
    if first > last:
        first, last = last, first
    pairs = [(a, b) if a is None or b is None or a <= b else (b, a) for a, b in pairs]
    of = rows(
        len(pairs), start_mjd=[NAN if a is None else a for a, _ in pairs], end_mjd=[NAN if b is None else b for _, b in pairs]
    )
    wanted = TimeRange(first, last, inside)
    for (start, end), match, certain in zip(pairs, wanted.mask(of).tolist(), wanted.certain(of).tolist(), strict=True):
        starts = range(-2, 9) if start is None else [start]
        ends = range(-2, 9) if end is None else [end]
        answers = {(a >= first and b <= last) if inside else (a <= last and b >= first) for a in starts for b in ends if a <= b}
        if start is None and end is None:
            assert not match and not certain
        else:
            assert match == (True in answers)
            assert certain == (match and False not in answers)
