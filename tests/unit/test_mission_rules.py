"""What becomes of each special row of the archives' tables: `docs/missions.md` in tests. Tables: tests/mission_tables.py."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest

from daxa_gui.catalogues.build import COMMON, catalogue_from
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.registry import resolve
from daxa_gui.core.table import DataTable
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.times import iso_to_mjd
from tests.mission_tables import (
    ASCAMASTER,
    CHANMASTER,
    FUTURE,
    INTSCWPUB,
    NUMASTER,
    PAST,
    RASSMASTER,
    ROSMASTER,
    SUZAMASTER,
    SWIFTMASTR,
    TABLES,
    XMMMASTER,
    XRISMMASTR,
    XSA,
    FakeTable,
)

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def catalogue(table: FakeTable) -> Catalogue:
    return catalogue_from(table.spec, table.built(), provenance="made by a test")


def marks(table: FakeTable) -> dict[str, str]:
    """The reasons of all rows that have one."""
    reasons = zip(table.labels(), table.built()["unusable_reason"].tolist(), strict=True)
    return {label: reason for label, reason in reasons if reason}


def values(table: FakeTable, column: str) -> dict[str, Any]:
    return dict(zip(table.labels(), table.built()[column].tolist(), strict=True))


# ------------------------------------------------------------------------------------------------------ all missions


@every_table
def test_that_no_row_is_dropped_and_all_common_columns_are_there(table: FakeTable) -> None:
    built = table.built()
    assert set(COMMON) | {"obs_id"} <= set(built)
    assert {len(column) for column in built.values()} == {len(table.rows)}
    assert all(column.dtype.kind in "Ufib" for column in built.values())


@every_table
def test_that_a_catalogue_can_be_made_of_every_table(table: FakeTable) -> None:
    made = catalogue(table)
    assert len(made) == len(table.rows)
    assert made.unusable_reason.tolist() == table.built()["unusable_reason"].tolist(), "nothing is marked twice"
    assert not any("malformed" in reason for reason in made.unusable_reason.tolist())
    ordinary = table.labels().index("ordinary")
    assert made.unusable_reason[ordinary] == ""
    assert set(made.instruments[ordinary].split()) <= {one.name for one in table.spec.instruments}
    assert made.instruments[ordinary] != ""
    assert set(made.target_type.tolist()) <= {"", *TARGET_TYPES}


@every_table
def test_that_an_empty_table_gives_an_empty_catalogue(table: FakeTable) -> None:
    built = table.built(without=table.rows)
    assert {len(column) for column in built.values()} == {0}


@every_table
def test_that_columns_named_by_instruments_and_footprints_are_in_the_catalogue(table: FakeTable) -> None:
    built = table.built()
    for instrument in table.spec.instruments:
        for column in (instrument.exposure_column, instrument.shape.roll_column):
            assert not column or built[column].dtype == np.float64, (instrument.name, column)


@every_table
def test_that_columns_of_the_missions_own_have_a_heading(table: FakeTable) -> None:
    assert set(table.built()) - {*COMMON, "obs_id"} <= set(table.spec.column_labels)


@every_table
def test_that_tables_are_asked_for_in_small_letters_without_conditions(table: FakeTable) -> None:
    source = table.source
    assert all(name == name.lower() for name in source.columns)
    assert len(set(source.columns)) == len(source.columns)
    assert source.key in source.columns
    assert source.where == ""
    assert callable(resolve(source.build))


@every_table
def test_that_texts_and_numbers_may_come_as_the_other(table: FakeTable) -> None:
    """Services differ in types: identifiers as integers, times and codes as texts."""
    columns = table.columns()
    swapped = {
        name: columns[name].astype(str) if columns[name].dtype.kind in "if" else columns[name] for name in table.source.columns
    }
    built, expected = resolve(table.source.build)(DataTable(swapped)), table.built()
    for name in (
        "obs_id",
        "ra_deg",
        "start_mjd",
        "end_mjd",
        "exposure_s",
        "public_mjd",
        "unusable_reason",
        "target_type",
        "category",
    ):
        assert np.array_equal(built[name], expected[name], equal_nan=built[name].dtype.kind == "f"), name


def test_that_leading_zeros_come_back_when_identifiers_are_numbers() -> None:
    columns = XRISMMASTR.columns()
    columns["obsid"] = columns["obsid"].astype(np.int64)
    built = resolve(XRISMMASTR.source.build)(DataTable({name: columns[name] for name in XRISMMASTR.source.columns}))
    assert built["obs_id"][0] == "000126000"


def test_that_positions_of_heasarc_are_turned_from_fk5_to_icrs() -> None:
    from astropy.coordinates import SkyCoord

    row = NUMASTER.row("ordinary")
    expected = SkyCoord(187.28, 2.05, unit="deg", frame="fk5").icrs
    assert (row["ra_deg"], row["dec_deg"]) == pytest.approx((expected.ra.deg, expected.dec.deg), abs=1e-9)
    assert abs(row["ra_deg"] - 187.28) * 3600 < 0.03


@pytest.mark.parametrize("table", [XSA, CHANMASTER], ids=lambda table: table.name)
def test_that_icrs_positions_stay_as_they_are(table: FakeTable) -> None:
    row = table.row("ordinary")
    assert (row["ra_deg"], row["dec_deg"]) == (table.usual["ra"], table.usual["dec"])


@pytest.mark.parametrize("table", [XSA, XMMMASTER, SWIFTMASTR], ids=lambda table: table.name)
def test_that_a_position_of_0_0_is_none_and_never_matches(table: FakeTable) -> None:
    row = table.row("at 0, 0")
    assert row["unusable_reason"] == "no coordinates"
    assert math.isnan(row["ra_deg"]) and math.isnan(row["dec_deg"])


def test_that_big_tables_are_built_in_a_moment() -> None:
    """All of Swift: rules that go row by row take many seconds for it (DAXA's: minutes)."""
    n_rows = 353_000
    columns = SWIFTMASTR.columns()
    rows = np.arange(n_rows) % len(SWIFTMASTR.rows)
    big = {name: column[rows] for name, column in columns.items()}
    big["obsid"] = np.char.zfill(np.arange(n_rows).astype(str), 11)
    big["name"] = np.char.add("target ", np.arange(n_rows).astype(str))
    table = DataTable({name: big[name] for name in SWIFTMASTR.source.columns})
    begin = time.process_time()
    built = resolve(SWIFTMASTR.source.build)(table)
    assert time.process_time() - begin < 8.0
    assert np.count_nonzero(built["unusable_reason"] == "no exposure") == np.count_nonzero(rows == 1)


# ------------------------------------------------------------------------------------------------------- each mission


def test_that_xsa_rows_are_marked() -> None:
    assert marks(XSA) == {
        "no science": "not a science observation",
        "at 0, 0": "no coordinates",
        "no position": "no coordinates",
        "slew": "slew",
    }
    assert XSA.row("on the equator")["ra_deg"] == 12.0


def test_that_xsa_times_are_read_from_texts() -> None:
    row = XSA.row("ordinary")
    assert row["start_mjd"] == pytest.approx(iso_to_mjd("2003-12-06T12:00"), abs=1e-9)
    assert row["end_mjd"] == pytest.approx(iso_to_mjd("2003-12-06T22:00"), abs=1e-9)
    assert XSA.row("no end")["end_mjd"] == pytest.approx(row["end_mjd"], abs=1e-9), "start and duration tell it"
    assert row["exposure_s"] == 36000.0


def test_that_release_dates_of_xsa_are_dates_or_never() -> None:
    dates = values(XSA, "public_mjd")
    assert dates["ordinary"] == iso_to_mjd("2005-01-20")
    assert dates["proprietary"] == iso_to_mjd("2050-08-25")
    assert dates["no release date"] == dates["far release date"] == math.inf


def test_that_moving_targets_of_xmm_are_of_the_solar_system_and_others_unclassified() -> None:
    assert {label for label, kind in values(XSA, "target_type").items() if kind} == {"moving"}
    assert values(XSA, "target_type")["moving"] == "SOL"
    assert set(XMMMASTER.built()["target_type"].tolist()) == {""}


def test_that_rows_of_xmmmaster_are_marked() -> None:
    assert marks(XMMMASTER) == {
        "slew": "slew",
        "not archived": "not archived yet (status scheduled)",
        "not observed": "not observed yet",
        "not at HEASARC": "not at HEASARC",
        "at 0, 0": "no coordinates",
        "no position": "no coordinates",
    }


def test_that_times_of_xmmmaster_are_not_rounded() -> None:
    row = XMMMASTER.row("ordinary")
    assert (row["start_mjd"], row["end_mjd"]) == (52979.512345, 52979.912345)
    assert math.isnan(XMMMASTER.row("not observed")["start_mjd"])


def test_that_release_dates_of_xmmmaster_have_two_ways_to_say_never() -> None:
    dates = values(XMMMASTER, "public_mjd")
    assert (dates["ordinary"], dates["proprietary"]) == (PAST, FUTURE)
    assert dates["no release date"] == dates["far release date"] == math.inf


def test_that_chandra_rows_are_marked() -> None:
    assert marks(CHANMASTER) == {
        "not released": "not archived yet (status observed)",
        "planned": "not observed yet",
        "zero exposure": "no exposure",
        "no detector": "not archived yet (status canceled)",
    }


def test_that_chandras_ends_are_not_made_of_broken_exposures() -> None:
    ends, exposures = values(CHANMASTER, "end_mjd"), values(CHANMASTER, "exposure_s")
    assert ends["ordinary"] == pytest.approx(55000.25 + 40000 / 86400, abs=1e-9)
    for label in ("573 days", "zero exposure", "unknown exposure", "planned"):
        assert math.isnan(ends[label]), label
    assert math.isnan(exposures["573 days"])
    assert "longer than an orbit" in CHANMASTER.row("573 days")["note"]
    assert CHANMASTER.row("ordinary")["note"] == ""


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("ordinary", "AGN"), ("ACIS-I", "GCL"), ("HRC with grating", "XRB"), ("ACIS with grating", "CV"), ("remnant", "SNR"),
        ("galaxy", "NGS"), ("extended", "EGE"), ("calibration class", "CAL"), ("calibration, no date", "CAL"),
        ("target of opportunity", "TOO"), ("director's time", "TOO"), ("cool target", "MISC"), ("unknown type", "MISC"),
        ("known class of an unknown type", "AGN"), ("other case", "GCL"),
    ],
)  # fmt: skip
def test_that_chandras_classes_become_types(label: str, kind: str) -> None:
    row = CHANMASTER.row(label)
    assert row["target_type"] == kind
    assert row["category"] == " ".join(CHANMASTER.rows[label].get("class", "AGN UNCLASSIFIED").split())


def test_that_chandras_instruments_are_detector_and_grating() -> None:
    found = values(CHANMASTER, "instruments")
    assert found["ordinary"] == found["ACIS-I"] == "ACIS"
    assert found["HRC with grating"] == "HRC LETG"
    assert found["ACIS with grating"] == "ACIS HETG"
    assert found["no detector"] == ""
    assert CHANMASTER.row("ACIS-I")["detector"] == "ACIS-I"


def test_that_chandras_calibration_is_public_and_other_data_without_a_date_are_not() -> None:
    dates = values(CHANMASTER, "public_mjd")
    assert math.isnan(dates["calibration, no date"])
    assert dates["no release date"] == math.inf
    assert dates["proprietary"] == FUTURE


def test_that_nustar_rows_are_marked() -> None:
    assert marks(NUMASTER) == {
        "slew": "slew",
        "stellar": "not a science observation",
        "engineering": "not a science observation",
        "accepted": "not observed yet",
        "no on-time": "no exposure",
        "the Sun": "no coordinates",
    }


def test_that_nustars_planned_exposures_are_unknown_and_the_sun_has_no_position() -> None:
    accepted = NUMASTER.row("accepted")
    assert math.isnan(accepted["exposure_s"]) and math.isnan(accepted["exposure_a"]) and math.isnan(accepted["start_mjd"])
    assert accepted["public_mjd"] == math.inf
    sun = NUMASTER.row("the Sun")
    assert math.isnan(sun["ra_deg"]) and sun["target_type"] == "SOL"


def test_that_nustars_modules_and_types_are_told() -> None:
    found, kinds = values(NUMASTER, "instruments"), values(NUMASTER, "target_type")
    assert found["ordinary"] == "FPMA FPMB"
    assert found["one module"] == "FPMA"
    assert found["no on-time"] == found["accepted"] == ""
    assert (kinds["ordinary"], kinds["compact"], kinds["own words"], kinds["unknown category"]) == ("AGN", "NS", "OAGN", "MISC")
    assert values(NUMASTER, "category")["unknown category"] == "Something new"
    assert NUMASTER.row("ordinary")["target"] == "3C 273"


def test_that_an_end_before_the_start_is_unknown() -> None:
    assert math.isnan(NUMASTER.row("ends before it starts")["end_mjd"])
    assert NUMASTER.row("ordinary")["end_mjd"] == 56101.25


def test_that_swift_rows_are_marked_and_keep_their_instruments() -> None:
    assert marks(SWIFTMASTR) == {"all zero": "no exposure", "at 0, 0": "no coordinates"}
    found, exposures = values(SWIFTMASTR, "instruments"), values(SWIFTMASTR, "exposure_s")
    assert found["ordinary"] == "XRT BAT UVOT"
    assert (found["UVOT only"], found["BAT only"], found["all zero"]) == ("UVOT", "BAT", "")
    assert (exposures["ordinary"], exposures["UVOT only"], exposures["BAT only"]) == (5000.0, 4900.0, 5100.0)
    assert np.isnan(SWIFTMASTR.built()["public_mjd"]).all()


def test_that_the_survey_of_rosat_is_classified_and_its_last_day_counts() -> None:
    row = RASSMASTER.row("ordinary")
    assert (row["start_mjd"], row["end_mjd"], row["exposure_s"]) == (48110.0, 48113.0, 400.0)
    assert (row["target_type"], row["instruments"], row["roll_angle"]) == ("ASK", "PSPC", 0.0)
    assert marks(RASSMASTER) == {"no exposure": "no exposure"}


def test_that_rosat_rows_are_marked_and_revision_0_is_noted() -> None:
    assert marks(ROSMASTER) == {"no exposure": "no exposure"}
    assert {label for label, note in values(ROSMASTER, "note").items() if note} == {"revision 0"}
    assert values(ROSMASTER, "instruments") | {} == {
        **dict.fromkeys(ROSMASTER.rows, "PSPCB"),
        "follow-on": "HRI",
        "PSPC-C": "PSPCC",
    }


def test_that_rosats_codes_become_types_and_words() -> None:
    kinds = values(ROSMASTER, "target_type")
    codes = {ROSMASTER.rows[label].get("subj_cat", 7): kind for label, kind in kinds.items()}
    assert codes == {
        0: "MISC", 1: "STR", 2: "STR", 3: "CV", 4: "NS", 5: "SNR", 6: "NGS", 7: "AGN", 8: "GCL", 9: "EGE", 10: "MISC", 12: "MISC",
    }  # fmt: skip
    assert values(ROSMASTER, "category")["star"] == "1 normal stars"
    assert values(ROSMASTER, "category")["code out of the list"] == "12"


def test_that_codes_with_a_decimal_point_are_codes() -> None:
    columns = ROSMASTER.columns()
    columns["subj_cat"] = np.char.add(columns["subj_cat"].astype(str), ".0")
    built = resolve(ROSMASTER.source.build)(DataTable({name: columns[name] for name in ROSMASTER.source.columns}))
    assert built["target_type"].tolist() == ROSMASTER.built()["target_type"].tolist()


def test_that_suzaku_rows_are_marked_classified_and_have_their_cameras() -> None:
    assert marks(SUZAMASTER) == {"all zero": "no exposure"}
    kinds = values(SUZAMASTER, "target_type")
    codes = {SUZAMASTER.rows[label].get("category_code", 7): kind for label, kind in kinds.items()}
    assert codes == {0: "MISC", 1: "CAL", 4: "GS", 5: "SNR", 6: "MISC", 7: "AGN", 8: "GCL", 9: "TOO"}
    assert values(SUZAMASTER, "instruments")["without XIS2"] == "XIS0 XIS1 XIS3"
    assert values(SUZAMASTER, "category")["ordinary"] == "7 extragalactic compact sources"
    assert values(SUZAMASTER, "category")["unknown code"] == "6"


def test_that_asca_rows_are_marked_classified_and_have_their_instruments() -> None:
    assert marks(ASCAMASTER) == {"all zero": "no exposure"}
    kinds, found = values(ASCAMASTER, "target_type"), values(ASCAMASTER, "instruments")
    assert kinds == {
        "ordinary": "AGN", "GIS only": "XRB", "all zero": "AGN", "stars": "STR", "normal stars": "STR", "variable": "CV",
        "background": "EGS", "clusters": "GCL", "unknown category": "MISC",
    }  # fmt: skip
    assert (found["ordinary"], found["GIS only"], found["all zero"]) == ("SIS0 SIS1 GIS2 GIS3", "GIS2 GIS3", "")
    assert ASCAMASTER.row("ordinary")["obs_id"] == "71019020"


def test_that_asca_does_without_target_names_where_the_table_has_none() -> None:
    assert ("name", "text") in ASCAMASTER.source.optional
    columns = {name: ASCAMASTER.columns()[name] for name in ASCAMASTER.source.columns}
    columns["name"] = np.full(len(columns["name"]), "")
    built, expected = resolve(ASCAMASTER.source.build)(DataTable(columns)), ASCAMASTER.built()
    assert set(built["target"].tolist()) == {""}
    assert set(expected["target"].tolist()) == {"NGC 4151"}
    assert all(
        np.array_equal(built[name], expected[name], equal_nan=expected[name].dtype.kind == "f")
        for name in built
        if name != "target"
    )


def test_that_integral_windows_are_marked_and_wider_choices_find_them_again() -> None:
    assert marks(INTSCWPUB) == {"all zero": "no exposure", "not at HEASARC": "not at HEASARC"}
    row = INTSCWPUB.row("SPI only")
    assert (row["instruments"], row["exposure_s"], row["target_type"]) == ("SPI", 3050.0, "MISC")
    assert INTSCWPUB.row("ordinary")["instruments"] == "JEMX1 JEMX2 ISGRI PICsIT SPI"
    assert INTSCWPUB.row("ordinary")["exposure_s"] == 3100.0


def test_that_xrism_rows_are_marked_and_resolve_counts_as_off_without_a_mode() -> None:
    assert marks(XRISMMASTR) == {"all zero": "no exposure", "scheduled": "not observed yet"}
    found = values(XRISMMASTR, "instruments")
    assert (found["ordinary"], found["Resolve off"], found["all zero"]) == ("RESOLVE XTEND", "XTEND", "")
    assert found["no exposure, but Xtend's"] == "XTEND"
    assert XRISMMASTR.row("no exposure, but Xtend's")["exposure_s"] == 199000.0
    assert XRISMMASTR.row("Resolve off")["resolve_exposure"] == 0.0


def test_that_xrism_categories_become_types_and_dates_are_kept() -> None:
    kinds, dates = values(XRISMMASTR, "target_type"), values(XRISMMASTR, "public_mjd")
    expected = {"ordinary": "SNR", "binary": "XRB", "pulsar": "MAG", "nova": "CV", "transient": "MISC", "blazar": "BLZ"}
    assert {label: kinds[label] for label in expected} == expected
    assert kinds["unknown category"] == "MISC"
    assert (dates["ordinary"], dates["proprietary"]) == (PAST, FUTURE)
    assert dates["no release date"] == dates["zero release date"] == math.inf
