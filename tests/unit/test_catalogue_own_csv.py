"""Reading observation tables in the program's own form, and joining them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daxa_gui.catalogues.own_csv import COLUMNS, empty_catalogue, merge, read_table
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.missions import MISSIONS

HEADER = ",".join(COLUMNS)
GOOD = "0999900101,160.25,-12.35,2010-11-24T03:10:00Z,2010-11-24T11:34:00Z,30000.0,Practice Cluster,GCL,M1 M2 PN,,"
XMM = MISSIONS["xmm_pointed"]


def written(folder: Path, *rows: str, header: str = HEADER, comment: str = "# made for a test\n") -> Path:
    path = folder / "table.csv"
    path.write_text(comment + "\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def changed(column: str, value: str) -> str:
    cells = GOOD.split(",")
    cells[COLUMNS.index(column)] = value
    return ",".join(cells)


def test_that_a_row_becomes_numbers_times_and_texts(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, f"{GOOD},2007", header=f"{HEADER},revolution"), XMM, simulated=True)
    row = table.row(0)
    assert row["obs_id"] == "0999900101"
    assert (row["ra_deg"], row["dec_deg"], row["exposure_s"]) == (160.25, -12.35, 30000.0)
    assert row["start_mjd"] == pytest.approx(55524 + (3 * 60 + 10) / 1440, abs=1e-10)
    assert (row["target_type"], row["instruments"], row["simulated"]) == ("GCL", "M1 M2 PN", True)
    assert row["revolution"] == 2007
    assert np.isnan(row["public_mjd"])
    assert "SIMULATED" in table.provenance


def test_that_each_row_gets_the_distance_of_its_own_instrument(tmp_path: Path) -> None:
    rows = [f"{n},10,20,,,,,,{instrument},," for n, instrument in enumerate(("ACIS", "HRC", "ACIS HETG", ""))]
    table = read_table(written(tmp_path, *rows), MISSIONS["chandra"])
    assert (table.search_radius_deg * 60).tolist() == pytest.approx([33.36, 59.4, 33.36, 59.4])
    assert (table.fov_radius_deg * 60).tolist() == pytest.approx([27.8, 49.5, 27.8, 49.5])


def test_that_the_version_changes_with_the_content_only(tmp_path: Path) -> None:
    first = read_table(written(tmp_path, GOOD), XMM).version
    assert read_table(written(tmp_path, GOOD), XMM).version == first
    assert read_table(written(tmp_path, changed("ra_deg", "160.26")), XMM).version != first


def test_that_extra_columns_keep_names_with_leading_zeros_as_texts(tmp_path: Path) -> None:
    header = f"{HEADER},code,count,size,truth,note"
    rows = [f"{GOOD},007,7,1.5,true,", f"{changed('obs_id', '0999900102')},012,8,,false,x"]
    extra = read_table(written(tmp_path, *rows, header=header), XMM).extra
    assert extra["code"].tolist() == ["007", "012"]
    assert extra["count"].dtype.kind == "i"
    assert np.isnan(extra["size"][1])
    assert extra["truth"].tolist() == [True, False]
    assert extra["note"].tolist() == ["", "x"]


def test_that_a_table_without_rows_is_empty(tmp_path: Path) -> None:
    assert len(read_table(written(tmp_path), XMM)) == 0


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (changed("ra_deg", "east"), "« east », not a number"),
        (changed("ra_deg", "inf"), "not a number"),
        (changed("ra_deg", "361"), "outside 0 to 360"),
        (changed("dec_deg", "-90.1"), "outside -90 to 90"),
        (changed("exposure_s", "-1"), "negative"),
        (changed("obs_id", "99"), "« 99 » is not an ObsID"),
        (changed("obs_id", "٠٩٩٩٩٠٠١٠١"), "is not an ObsID"),
        (changed("start_utc", "2010-11-24"), "start_utc"),
        (changed("start_utc", "2010-11-31T00:00:00Z"), "start_utc"),
        (changed("start_utc", "2010-11-25T00:00:00Z"), "ends before it starts"),
        (changed("target_type", "XYZ"), "no target type « XYZ »"),
        (changed("instruments", "M1 TM1"), "no instrument « TM1 »"),
        (GOOD + ",more", "12 cells where 11"),
        (GOOD.rsplit(",", 1)[0], "10 cells where 11"),
        ('"' + GOOD, "line 4"),
    ],
)
def test_that_a_damaged_row_is_named_by_its_line(tmp_path: Path, row: str, what: str) -> None:
    path = written(tmp_path, changed("obs_id", "0999900102"), row)
    with pytest.raises(FileError) as caught:
        read_table(path, XMM)
    assert str(path) in caught.value.message
    assert "line 4" in caught.value.message
    assert what in caught.value.message


def test_that_an_obs_id_that_stands_twice_is_damage(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"line 4.*second time"):
        read_table(written(tmp_path, GOOD, GOOD), XMM)


def test_that_files_which_are_no_tables_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"# only a comment\n", b"\xff\xfe\x00", b"obs_id,ra_deg\n1,2\n", HEADER.encode() + b",obs_id\n"):
        path = tmp_path / "table.csv"
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"table\.csv"):
            read_table(path, XMM)
    with pytest.raises(FileError, match="cannot be read"):
        read_table(tmp_path / "absent.csv", XMM)


def test_that_any_table_that_is_cut_short_is_refused_or_has_only_whole_rows(tmp_path: Path) -> None:
    whole = written(tmp_path, GOOD, changed("obs_id", "0999900102")).read_bytes()
    path = tmp_path / "cut.csv"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            table = read_table(path, XMM)
        except FileError:
            continue
        assert set(table.obs_id.tolist()) <= {"0999900101", "0999900102"}


def test_that_an_empty_catalogue_has_all_columns_and_no_rows() -> None:
    catalogue = empty_catalogue(XMM)
    assert len(catalogue) == 0
    assert catalogue.vectors.shape == (0, 3)
    assert catalogue.mission == "xmm_pointed"


def two_tables(folder: Path) -> tuple[Catalogue, Catalogue]:
    one = read_table(written(folder, f"{GOOD},5,a", header=f"{HEADER},count,own"), XMM)
    row = changed("obs_id", "0999900102").replace("Practice Cluster", "A much longer name of a target")
    other = read_table(written(folder, f"{row},2.5,seen", header=f"{HEADER},count,note"), XMM, simulated=True)
    return one, other


def test_that_joined_tables_keep_all_rows_and_columns(tmp_path: Path) -> None:
    one, other = two_tables(tmp_path)
    both = merge(one, other)
    assert both.obs_id.tolist() == ["0999900101", "0999900102"]
    assert both.target[1] == "A much longer name of a target"
    assert both.simulated.tolist() == [False, True]
    assert both.extra["own"].tolist() == ["a", ""]
    assert both.extra["note"].tolist() == ["", "seen"]
    assert both.extra["count"].tolist() == [5.0, 2.5]
    assert both.version not in (one.version, other.version)
    assert both.row(1)["obs_id"] == "0999900102"


def test_that_joining_with_an_empty_table_changes_nothing(tmp_path: Path) -> None:
    one, _ = two_tables(tmp_path)
    assert merge(empty_catalogue(XMM), one) is one
    assert merge(one, empty_catalogue(XMM)) is one


def test_that_tables_which_do_not_belong_together_are_not_joined(tmp_path: Path) -> None:
    one, _ = two_tables(tmp_path)
    with pytest.raises(InputError, match="0999900101"):
        merge(one, one)
    with pytest.raises(InputError, match="cannot be joined"):
        merge(one, empty_catalogue(MISSIONS["swift"]))


def test_that_joined_texts_stay_those_of_their_rows_and_each_stands_once_among_the_values(tmp_path: Path) -> None:
    one, other = two_tables(tmp_path)
    both = merge(one, other)
    assert both.target.tolist() == [*one.target.tolist(), *other.target.tolist()]
    assert both.instruments.values.tolist() == ["M1 M2 PN"] and both.instruments.codes.tolist() == [0, 0]
    assert both.category.tolist() == ["", ""]
    assert both.footprints == one.footprints and "PN" in both.footprints


def test_that_the_mission_s_own_category_is_read(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, f"{GOOD},survey field", header=f"{HEADER},category"), XMM)
    assert table.category.tolist() == ["survey field"] and "category" not in table.extra
