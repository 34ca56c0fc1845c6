"""The missions' rules beside the real DAXA's, which gets the same tables. Where DAXA is wrong, the difference is stated."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from daxa_gui.core.times import MJD_OF_1970
from daxa_gui.missions import MISSIONS
from tests.daxa_shim import answering, real_daxa
from tests.mission_tables import (
    ASCAMASTER,
    CHANMASTER,
    INTSCWPUB,
    NUMASTER,
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

__all__ = ["real_daxa"]  # the fixture

NOW_MJD = 61000.0  # late 2025: between the tables' past and future dates
CLASSES = {
    "chanmaster": "Chandra",
    "numaster": "NuSTARPointed",
    "swiftmastr": "Swift",
    "rassmaster": "ROSATAllSky",
    "rosmaster": "ROSATPointed",
    "suzamaster": "Suzaku",
    "ascamaster": "ASCA",
    "intscwpub": "INTEGRALPointed",
    "xrismmastr": "XRISMPointed",
    "xmmmaster": "XMMPointed",
    "xsa.v_all_observations": "XMMPointed",
}
# Rows that keep DAXA from making the mission at all
FATAL = {"chanmaster": ("unknown type", "other case"), "rosmaster": ("code out of the list",)}


class _Code:
    """An integer for DAXA, an object for pandas: DAXA puts texts into Suzaku's column of codes, where newer pandas only lets
    integers into a column of integers."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, _Code) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def strip(self) -> _Code:
        return self


Make = Callable[..., Any]


@pytest.fixture(scope="module")
def make(real_daxa: ModuleType) -> Iterator[Make]:
    """Makes DAXA's mission of a table, without the rows named, and remembers it. Network calls are answered from the tables."""
    import requests
    from astropy.table import Table
    from daxa import mission as missions
    from daxa.mission import xmm

    made: dict[tuple[Any, ...], Any] = {}
    to_pandas = Table.to_pandas

    def with_codes(self: Table, *arguments: Any, **more: Any) -> Any:
        frame = to_pandas(self, *arguments, **more)
        if "CATEGORY_CODE" in frame:
            frame["CATEGORY_CODE"] = np.array([_Code(int(code)) for code in frame["CATEGORY_CODE"]], object)
        return frame

    def mission(table: FakeTable, without: Collection[str] = (), **arguments: Any) -> Any:
        key = (table.name, tuple(without), repr(arguments))
        if key not in made:
            with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                patch.setattr(requests, "get", answering({table.name: table.columns(without)}))
                patch.setattr(Table, "to_pandas", with_codes)
                patch.setattr(xmm.AQXMMNewton, "query_xsa_tap", lambda query: _xsa_reply(table, without, query))
                made[key] = getattr(missions, CLASSES[table.name])(**_choice(table), **arguments)
        return made[key]

    yield mission


def _choice(table: FakeTable) -> dict[str, Any]:
    return {"use_heasarc": True} if table is XMMMASTER else {}


def _xsa_reply(table: FakeTable, without: Collection[str], query: str) -> Any:
    from astropy.table import Table

    columns = table.columns(without)
    if "count(" in query:
        return Table({"COUNT": [len(columns["ra"])]})
    return Table({name: columns[name] for name in query.partition("select TOP 1000 ")[2].partition(" from ")[0].split(", ")})


def rows_of(mission: Any) -> dict[str, Mapping[str, Any]]:
    return {row["ObsID"]: row for row in mission.all_obs_info.to_dict("records")}


def ours(table: FakeTable) -> dict[str, dict[str, Any]]:
    """Our rows by ObsID, with their labels."""
    built = table.built()
    names = list(built)
    columns = [column.tolist() for column in built.values()]
    found = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return {row["obs_id"]: row | {"label": label} for row, label in zip(found, table.labels(), strict=True)}


def labels(table: FakeTable, obs_ids: Collection[str]) -> set[str]:
    known = ours(table)
    return {known[obs_id]["label"] for obs_id in obs_ids}


def usable(table: FakeTable) -> set[str]:
    return {row["label"] for row in ours(table).values() if not row["unusable_reason"]}


def mjd(moment: Any) -> float:
    return float(MJD_OF_1970 + moment.timestamp() / 86400.0)


every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)

# What we hold unusable although DAXA keeps it (first set), and what DAXA drops although it may be used (second).
DIFFERENCES: dict[str, tuple[set[str], set[str]]] = {
    # an observation without a position or without any exposure cannot be used
    "chanmaster": ({"zero exposure"}, set()),
    "numaster": ({"the Sun"}, set()),  # its 0, 0 would be found by searches around 0, 0
    # DAXA drops rows without data of the instruments chosen when it starts; here a filter does that
    "swiftmastr": ({"at 0, 0"}, {"UVOT only"}),
    "rassmaster": ({"no exposure"}, set()),
    "intscwpub": (set(), {"SPI only"}),
    "xrismmastr": ({"scheduled"}, {"no exposure, but Xtend's"}),  # there is nothing yet of what is scheduled
}


@every_table
def test_that_what_daxa_can_use_is_what_we_can_use(table: FakeTable, make: Make) -> None:
    theirs = rows_of(make(table, FATAL.get(table.name, ())))
    # « not at HEASARC » is DAXA's way to be proprietary, ours to be unusable
    elsewhere = {row["label"] for row in ours(table).values() if row["unusable_reason"] == "not at HEASARC"}
    kept = labels(table, [obs_id for obs_id, row in theirs.items() if row["science_usable"]]) - elsewhere
    if table is XSA:
        kept -= {"slew"}  # nobody knows whether the table has slews; DAXA does not look
    only_daxa, only_we = DIFFERENCES.get(table.name, (set(), set()))
    assert kept - usable(table) == only_daxa
    assert usable(table) - kept == only_we | (set(FATAL.get(table.name, ())) & usable(table))


@pytest.mark.parametrize("table", [CHANMASTER, NUMASTER, XRISMMASTR, XMMMASTER, XSA], ids=lambda table: table.name)
def test_that_what_is_public_for_daxa_is_public_for_us(table: FakeTable, make: Make) -> None:
    theirs, known = rows_of(make(table, FATAL.get(table.name, ()))), ours(table)
    differing = {
        known[obs_id]["label"]
        for obs_id, row in theirs.items()
        if bool(row["proprietary_usable"]) != (not known[obs_id]["public_mjd"] > NOW_MJD)
    }
    expected = {
        "chanmaster": {"calibration, no date"},  # calibration data never were anybody's property
        "xmmmaster": {"not at HEASARC"},  # public, but not here
    }
    assert differing == expected.get(table.name, set())
    assert len({bool(row["proprietary_usable"]) for row in theirs.values()}) == 2, "the table has both"


def test_that_integrals_flag_is_a_mark() -> None:
    """DAXA calls windows that HEASARC does not have proprietary; all of this table are public."""
    assert np.isnan(INTSCWPUB.built()["public_mjd"]).all()
    assert INTSCWPUB.row("not at HEASARC")["unusable_reason"] == "not at HEASARC"


# Types that differ from DAXA's, as (DAXA's, ours)
TYPES: dict[str, dict[str, tuple[str, str]]] = {
    "chanmaster": {
        "HRC with grating": ("GS", "XRB"),
        "ACIS with grating": ("GS", "CV"),
    },
    "numaster": {"compact": ("GS", "NS"), "own words": ("MISC", "OAGN")},
    "suzamaster": {
        "ordinary": ("EGS", "AGN"),
        "without XIS2": ("EGS", "AGN"),
        "diffuse": ("GS", "SNR"),
    },
    "ascamaster": {"stars": ("GS", "STR"), "normal stars": ("GS", "STR")},
    "xrismmastr": {
        "binary": ("NS", "XRB"),
        "pulsar": ("NS", "MAG"),
        "nova": ("STR", "CV"),
        "transient": ("EGS", "MISC"),
    },
}
CLASSIFIED = (CHANMASTER, NUMASTER, SWIFTMASTR, RASSMASTER, ROSMASTER, SUZAMASTER, ASCAMASTER, INTSCWPUB, XRISMMASTR)


@pytest.mark.parametrize("table", CLASSIFIED, ids=lambda table: table.name)
def test_that_target_types_are_daxas_or_better(table: FakeTable, make: Make) -> None:
    without = FATAL.get(table.name, ())
    known = ours(table)
    found = {
        known[obs_id]["label"]: (str(row["target_category"]), known[obs_id]["target_type"])
        for obs_id, row in rows_of(make(table, without)).items()
    }
    expected = {label: pair for label, pair in TYPES.get(table.name, {}).items() if label in found}
    assert {label: pair for label, pair in found.items() if pair[0] != pair[1]} == expected


def test_that_values_which_stop_daxa_do_not_stop_us(make: Make) -> None:
    from daxa.exceptions import IllegalSourceType

    with pytest.raises(KeyError, match="XYZ"):
        make(CHANMASTER, ("other case",))
    with pytest.raises(KeyError, match="too"):
        make(CHANMASTER, ("unknown type",))  # a type in small letters, of a class in another case
    with pytest.raises(IllegalSourceType, match="12"):
        make(ROSMASTER)
    assert CHANMASTER.row("unknown type")["target_type"] == "MISC"
    assert ROSMASTER.row("code out of the list")["target_type"] == "MISC"


@every_table
def test_that_times_are_daxas(table: FakeTable, make: Make) -> None:
    known = ours(table)
    without = FATAL.get(table.name, ())
    tolerance_days = 5.1e-5 if table is XMMMASTER else 1e-8  # DAXA rounds the former to 4 decimals
    compared = 0
    for obs_id, row in rows_of(make(table, without)).items():
        mine = known[obs_id]
        if not np.isnan(mine["start_mjd"]):
            assert mjd(row["start"]) == pytest.approx(mine["start_mjd"], abs=tolerance_days), mine["label"]
            compared += 1
        if np.isnan(mine["end_mjd"]):
            assert mine["label"] in {"573 days", "zero exposure", "unknown exposure", "ends before it starts"}
        elif table is RASSMASTER:
            assert mine["end_mjd"] == mjd(row["end"]) + 1.0, "the last day counts to its end"
        else:
            assert mjd(row["end"]) == pytest.approx(mine["end_mjd"], abs=2 * tolerance_days), mine["label"]
    assert compared


@every_table
def test_that_default_search_distances_are_daxas(table: FakeTable, make: Make) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Chandra warns at every look
        fields = make(table, FATAL.get(table.name, ())).fov
    spec = table.spec
    for instrument in spec.instruments:
        field = fields.get(instrument.name) if isinstance(fields, dict) else fields
        if field is None:
            assert instrument.name in ("HETG", "LETG"), "DAXA has no field of view of gratings"
            continue
        assert 1.2 * field.to("deg").value == pytest.approx(spec.search_radius_deg(instrument.name), rel=1e-12)


@every_table
def test_that_instruments_aliases_and_obs_ids_are_daxas(table: FakeTable, make: Make) -> None:
    import re

    without = FATAL.get(table.name, ())
    mission, spec = make(table, without), table.spec
    assert {one.name for one in spec.instruments} == set(mission.all_mission_instruments)
    for alias, name in mission._alt_miss_inst_names.items():
        assert spec.instrument(alias).name == name
    assert (spec.name, spec.frame) == (mission.name, mission.coord_frame.__name__.upper())
    for obs_id in (*ours(table), "", "1", "12345", "123456", "RS123456N00", "RP123456", "wf123456A01", "0" * 13):
        theirs = re.match(mission.id_regex, obs_id) is not None
        assert theirs == spec.is_obs_id(obs_id), obs_id
    if table is ROSMASTER:
        assert spec.is_obs_id("rp123456n00") and not re.match(mission.id_regex, "rp123456n00")


def test_that_picsit_can_be_chosen_here_and_not_in_daxa(make: Make) -> None:
    from daxa import mission as missions

    with pytest.raises(ValueError, match="PICSIT"), pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        import requests

        warnings.simplefilter("ignore")
        patch.setattr(requests, "get", answering({INTSCWPUB.name: INTSCWPUB.columns()}))
        missions.INTEGRALPointed(insts=["PICsIT"])
    for text in ("PICsIT", "picsit", " PICSIT "):
        assert INTSCWPUB.spec.instrument(text).name == "PICsIT"


def test_that_daxa_has_the_same_missions(real_daxa: ModuleType) -> None:
    from daxa.mission import MISS_INDEX

    assert set(MISS_INDEX) == set(MISSIONS)
    assert {table.mission for table in TABLES} | {"erosita_calpv", "erosita_all_sky_de_dr1"} == set(MISS_INDEX)
