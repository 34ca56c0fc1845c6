"""Catalogues as tables and back, through every format; tables of services and of people; what is wrong is told with its row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_gui.catalogues.as_table import certificate_of, from_table, mission_of, to_table
from daxa_gui.catalogues.build import COMMON, catalogue_from
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import Certificate
from daxa_gui.core.errors import FileError
from daxa_gui.core.mission import TapSource
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.tables import read_table, write_table
from daxa_gui.missions import MISSIONS

XMM = MISSIONS["xmm_pointed"]
CERTIFICATE = Certificate(
    "xmm_pointed", "http://127.0.0.1/tap", "t", 'SELECT "a"\n', 4, 4, (("ra", "deg"),), 6e4, "ab", ("note « x »",)
)


def made(**changed: Any) -> Catalogue:
    columns = {
        "obs_id": np.array(["0201903501", "0000000007", "0201903501", "77"]),
        "ra_deg": np.array([10.0, 0.1 + 0.2, np.nan, 359.99]),
        "dec_deg": np.array([-5.0, 1e-9, np.nan, 90.0]),
        "start_mjd": np.array([51544.123456789, np.nan, 60000.0, 60001.0]),
        "target": np.array(["Ω Cen", "", 'A, "b"', "  "]),
        "target_type": np.array(["GCL", "AGN", "", "MISC"]),
        "category": np.array(["x", "", "y", "y"]),
        "instruments": np.array(["M1 M2", "", "PN", "PN"]),
        "public_mjd": np.array([np.nan, np.inf, 58000.0, np.inf]),
        "unusable_reason": np.array(["", "no exposure", "", ""]),
        "roll_deg": np.array([1.5, np.nan, 3.0, 4.0]),
        "revolution": np.array([0, 1, 2, 3]),
        "mode": np.array(["007", "1", "", "é"]),
        "good": np.array([True, False, True, True]),
    }
    return catalogue_from(XMM, columns | changed, provenance="From « somewhere ».")


def assert_same(one: Catalogue, other: Catalogue) -> None:
    for name in COMMON:
        np.testing.assert_array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(other, name)), name)
    assert list(one.extra) == list(other.extra)
    for name in one.extra:
        np.testing.assert_array_equal(np.asarray(one.extra[name]), np.asarray(other.extra[name]), name)
        assert one.extra[name].dtype.kind == other.extra[name].dtype.kind
    assert one.version == other.version


@pytest.mark.parametrize("suffix", [".ecsv", ".vot", ".fits", ".parquet", ".csv"])
def test_that_a_catalogue_comes_back_with_its_certificate_from_every_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"catalogue{suffix}"
    write_table(to_table(made(), XMM, CERTIFICATE), path)
    table = read_table(path)
    back = from_table(table, XMM, str(path))
    assert_same(made(), back)
    if suffix == ".csv":  # values only
        assert mission_of(table) == "" and certificate_of(table) is None and str(path) in back.provenance
    else:
        assert mission_of(table) == "xmm_pointed" and certificate_of(table) == CERTIFICATE
        assert back.provenance == "From « somewhere »."


def test_that_columns_have_units_and_descriptions() -> None:
    table = to_table(made(), XMM)
    assert {name: table.units.get(name, "") for name in ("ra_deg", "start_mjd", "exposure_s", "roll_deg", "obs_id")} == {
        "ra_deg": "deg", "start_mjd": "d", "exposure_s": "s", "roll_deg": "deg", "obs_id": "",
    }  # fmt: skip
    assert all(text.endswith(".") for text in table.descriptions.values())
    assert set(COMMON) <= set(table.descriptions)
    assert "simulated" not in table.names
    assert table["public_date_unknown"].tolist() == [False, True, False, True]
    assert not np.isinf(table["public_mjd"]).any()


def test_that_simulated_observations_are_exported_and_not_taken_back() -> None:
    catalogue = replace(made(), simulated=np.array([False, True, False, False]))
    table = to_table(catalogue, XMM)
    assert table["simulated"].tolist() == [False, True, False, False]
    assert from_table(table, XMM).obs_id.tolist() == ["0201903501", "0201903501", "77"]


def test_that_a_certificate_that_is_damaged_or_another_mission_s_is_none() -> None:
    table = to_table(made(), XMM, CERTIFICATE)
    for text in ("", "{", "[]", "{}", "null", "[" * 100000):
        assert certificate_of(replace(table, meta={**table.meta, "certificate": text})) is None
    assert certificate_of(replace(table, meta={**table.meta, "mission": "swift"})) is None


def test_that_a_certificate_does_not_hold_for_rows_that_were_changed_since(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.ecsv"
    write_table(to_table(made(), XMM, CERTIFICATE), path)
    path.write_text(path.read_text(encoding="utf-8").replace("51544.123456789", "51544.123456780"), encoding="utf-8")
    table = read_table(path)
    assert from_table(table, XMM).start_mjd[0] == 51544.12345678
    assert certificate_of(table) is None
    assert certificate_of(to_table(made(), XMM, CERTIFICATE).rows(np.arange(3))) is None


def plain(**changed: Any) -> DataTable:
    columns: dict[str, Any] = {
        "obs_id": np.array(["0201903501", "0201903502"]),
        "ra_deg": np.array([1.0, 2.0]),
        "dec_deg": np.array([1.0, 2.0]),
    }
    return DataTable(columns | {name: np.array(column) for name, column in changed.items()})


def test_that_a_table_made_by_hand_is_understood() -> None:
    given = plain(
        START_UTC=["2000-01-01T12:00:00Z", ""], end_utc=["2000-01-02", ""], exposure_s=["5e3", ""],
        Public_Date_Unknown=["", "true"], target=[5, 6], instruments=["PN", ""], Note=["a", "b"], target_type=[np.nan, np.nan],
    )  # fmt: skip
    catalogue = from_table(given, XMM)
    np.testing.assert_array_equal(catalogue.start_mjd, [51544.5, np.nan])
    np.testing.assert_array_equal(catalogue.end_mjd, [51545.0, np.nan])
    np.testing.assert_array_equal(catalogue.exposure_s, [5000.0, np.nan])
    np.testing.assert_array_equal(catalogue.public_mjd, [np.nan, np.inf])
    assert catalogue.target.tolist() == ["5", "6"] and catalogue.target_type.tolist() == ["", ""]
    assert catalogue.extra["Note"].tolist() == ["a", "b"]


def test_that_obs_ids_that_became_numbers_get_their_zeros_back() -> None:
    assert from_table(plain(obs_id=[201903501, 7]), XMM).obs_id.tolist() == ["0201903501", "0000000007"]
    assert from_table(plain(obs_id=[201903501.0, 7.0]), XMM).obs_id.tolist() == ["0201903501", "0000000007"]
    assert from_table(plain(obs_id=[12, 20345]), MISSIONS["chandra"]).obs_id.tolist() == ["12", "20345"]


BAD = [
    ({"obs_id": ["0201903501", "x"]}, "row 2: « x » is not an ObsID"),
    ({"obs_id": [1.5, 2.0]}, "row 1: « 1.5 » is not an ObsID"),
    ({"obs_id": ["", "0201903501"]}, "row 1: «  » is not an ObsID"),
    ({"ra_deg": [1.0, 361.0]}, "row 2: the right ascension 361"),
    ({"ra_deg": [-1.0, 1.0]}, "row 1: the right ascension -1"),
    ({"ra_deg": ["1", "10 20 30"]}, "row 2: ra_deg is « 10 20 30 », not a number"),
    ({"ra_deg": [True, False]}, "row 1: ra_deg is « True », not a number"),
    ({"dec_deg": [1.0, 91.0]}, "row 2: the declination 91"),
    ({"exposure_s": [1.0, -1.0]}, "row 2: the exposure -1 s is negative"),
    ({"start_mjd": [5.0, 5.0], "end_mjd": [6.0, 4.0]}, "row 2: the observation ends before"),
    ({"start_utc": ["2000-01-01", "yesterday"]}, "row 2: start_utc is « yesterday », not a time"),
    ({"target_type": ["AGN", "QSO?"]}, "row 2: there is no target type « QSO\\? »"),
    ({"instruments": ["PN", "PN ACIS"]}, "row 2: XMM-Newton Pointed has no instrument « ACIS »"),
    ({"public_date_unknown": ["true", "perhaps"]}, "row 2: public_date_unknown is « perhaps »"),
    ({"RA_DEG": [1.0, 2.0]}, "differ in capitals only"),
]


@pytest.mark.parametrize(("changed", "why"), BAD)
def test_that_a_wrong_row_is_told(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(FileError, match=why):
        from_table(plain(**changed), XMM, "mine.csv")


def test_that_another_mission_s_catalogue_and_other_tables_are_refused() -> None:
    with pytest.raises(FileError, match=r"XMM-Newton Pointed, not of Swift"):
        from_table(to_table(made(), XMM), MISSIONS["swift"])
    for spec in (MISSIONS["swift"], MISSIONS["erosita_calpv"]):
        with pytest.raises(FileError, match=r"x\.csv is not a catalogue.*obs_id, ra_deg and dec_deg"):
            from_table(DataTable({"a": np.zeros(2)}), spec, "x.csv")


def test_that_a_table_without_rows_is_a_catalogue_without_rows() -> None:
    assert len(from_table(to_table(made(), XMM).rows(np.zeros(4, bool)), XMM)) == 0


def build(raw: DataTable) -> dict[str, Any]:
    """What a mission's function does: used below as one."""
    assert raw.names == ("obsid", "ra", "dec", "exposure")
    ids = np.array([str(value) for value in raw["obsid"].tolist()])
    reasons = np.where(raw["exposure"] == 0, "no exposure", "")
    return {"obs_id": ids, "ra_deg": raw["ra"], "dec_deg": raw["dec"], "exposure_s": raw["exposure"], "unusable_reason": reasons}


SOURCE = TapSource(
    "heasarc", "chanmaster", "obsid", ("obsid", "ra", "dec", "exposure"), "tests.unit.test_catalogue_as_table:build"
)
OTHER = TapSource("heasarc", "other", "id", ("id", "lon"), "tests.unit.test_catalogue_as_table:absent")


def test_that_a_service_s_own_table_is_read_as_when_the_service_is_asked(tmp_path: Path) -> None:
    spec = replace(MISSIONS["chandra"], sources=(OTHER, SOURCE))
    (tmp_path / "web.csv").write_text("OBSID,RA,Dec,exposure,more\n3205,1.5,2.5,0\n12,3.5,-4.5,10\n".replace("0\n", "0,x\n"))
    catalogue = from_table(read_table(tmp_path / "web.csv"), spec, "web.csv")
    assert catalogue.obs_id.tolist() == ["3205", "12"]
    assert catalogue.unusable_reason.tolist() == ["no exposure", ""]
    assert catalogue.provenance == "Imported from web.csv."
    (tmp_path / "web.csv").write_text("obsid,ra,dec,exposure\n3205,01 02 03,2.5,0\n")
    with pytest.raises(FileError, match=r"row 1: ra is « 01 02 03 ».*decimal degrees"):
        from_table(read_table(tmp_path / "web.csv"), spec, "web.csv")
    (tmp_path / "web.csv").write_text("obsid,ra,dec,exposure\nabc,1,2.5,0\n")
    with pytest.raises(FileError, match="row 1: « abc » is not an ObsID"):
        from_table(read_table(tmp_path / "web.csv"), spec, "web.csv")
    with pytest.raises(FileError, match=r"those of chanmaster \(dec missing\)"):
        from_table(DataTable({name: np.zeros(1) for name in ("obsid", "ra", "exposure")}), spec)


CHANMASTER = """obsid,name,ra,dec,time,status,detector,grating,exposure,type,data_mode,class,public_date
3205,M51,202.4696,47.1952,51715.5,archived,ACIS-S,NONE,14865,GO,FAINT,NORMAL GALAXIES,52081
99999,NEW ONE,10.5,-20.25,60000.0,observed,HRC-I,NONE,5000,GO,,,0
"""


def test_that_heasarc_s_table_saved_from_its_web_pages_becomes_chandra_s_catalogue(tmp_path: Path) -> None:
    (tmp_path / "web.csv").write_text(CHANMASTER)
    catalogue = from_table(read_table(tmp_path / "web.csv"), MISSIONS["chandra"], "web.csv")
    assert catalogue.obs_id.tolist() == ["3205", "99999"]
    assert catalogue.instruments.tolist()[0].split()[0] == "ACIS"
    assert catalogue.start_mjd.tolist() == [51715.5, 60000.0]
    assert abs(catalogue.ra_deg[0] - 202.4696) < 1e-4 and catalogue.target[0] == "M51"
    assert catalogue.public_mjd[0] == 52081 and np.isposinf(catalogue.public_mjd[1])
    assert catalogue.unusable_reason[0] == "" and catalogue.unusable_reason[1] != ""


def test_that_a_service_s_own_table_may_lack_columns_that_are_nice_to_have() -> None:
    spec = MISSIONS["asca"]
    columns = {
        name: np.array([1.0, 2.0]) for name in spec.sources[0].columns if name not in ("name", "status", "subject_category")
    }
    texts = {"status": np.array(["archived", "archived"]), "subject_category": np.array(["AGN", "STARS"])}
    catalogue = from_table(DataTable({**columns, **texts, "sequence_number": np.array([71019020, 48002000])}), spec)
    assert catalogue.obs_id.tolist() == ["71019020", "48002000"]
    assert catalogue.target.tolist() == ["", ""]
    assert catalogue.target_type.tolist() == ["AGN", "STR"]


def test_that_a_table_which_the_service_cut_is_refused() -> None:
    with pytest.raises(FileError, match="cut it at its limit"):
        from_table(replace(to_table(made(), XMM), meta={"QUERY_STATUS": "OVERFLOW"}), XMM)
