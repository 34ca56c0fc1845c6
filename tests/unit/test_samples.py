"""Samples of positions from files of several kinds."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.core.errors import FileError
from daxa_gui.core.sample import SampleColumns
from daxa_gui.core.sky import SkyPosition
from daxa_gui.exchange.samples import read_sample


def written(folder: Path, text: str) -> Path:
    path = folder / "sample.csv"
    path.write_text(text, encoding="utf-8")
    return path


def positions_of(path: Path, columns: SampleColumns | None = None) -> tuple[SkyPosition, ...]:
    return tuple(read_sample(path, columns).places)


@pytest.mark.parametrize(
    "header",
    ["name,RA,Dec", "ID,ra_deg,dec_deg", "Name,RAJ2000,DEJ2000", "TARGET_NAME,Right Ascension,DECLINATION", "source,ra,decl",
     "objname,_RA (deg),Dec [deg]", "MAIN_ID,ALPHA_J2000,DELTA_J2000"],
)  # fmt: skip
def test_that_columns_are_guessed_from_their_names(tmp_path: Path, header: str) -> None:
    sample = read_sample(written(tmp_path, f"{header},z\nA 907,149.6,-11.06,0.16\n"))
    assert tuple(sample.places) == (SkyPosition(149.6, -11.06, "A 907"),)
    assert (sample.used.name, sample.used.ra, sample.used.dec) == tuple(header.split(","))
    assert sample.columns[-1] == "z"


def test_that_the_better_name_wins_wherever_it_stands(tmp_path: Path) -> None:
    sample = read_sample(written(tmp_path, "id,DE,ra,dec,name\n1,ignored,10,20,A\n"))
    assert tuple(sample.places) == (SkyPosition(10, 20, "A"),)


def test_that_columns_can_be_given(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,ra,dec\n1,2,x,5,6\n")
    assert positions_of(path, SampleColumns("a", "b", "c")) == (SkyPosition(1, 2, "x"),)
    assert positions_of(path, SampleColumns(name="c")) == (SkyPosition(5, 6, "x"),)
    with pytest.raises(FileError, match="no column « d »"):
        read_sample(path, SampleColumns("d", "b"))


@pytest.mark.parametrize("text", ["ra;dec;name\n10;20;A;B\n", "ra\tdec\tname\n10\t20\n"])
def test_that_rows_of_another_length_are_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError, match=r"line 2: . cells where the header has 3"):
        read_sample(written(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    ["ra;dec;name\n10;20;A\n", "ra\tdec\tname\r\n10\t20\tA\r\n", "# made by hand\n\nra, dec, name\n# a remark\n10, 20, A\n\n",
     "\ufeffra,dec,name\n10,20,\"A\"\n", "ra|dec|name\n10|20|A"],
)  # fmt: skip
def test_that_separators_comments_and_line_ends_do_not_matter(tmp_path: Path, text: str) -> None:
    assert positions_of(written(tmp_path, text)) == (SkyPosition(10, 20, "A"),)


def test_that_sexagesimal_positions_are_read(tmp_path: Path) -> None:
    sample = read_sample(written(tmp_path, "ra,dec\n05:34:31.9,+22:00:52\n5h34m31.9s,22d00m52s\n"))
    for position in sample.places:
        assert (position.ra_deg, position.dec_deg) == pytest.approx((83.6329167, 22.0144444))
    assert sample.places.names == ("1", "2")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("abc,20", "« abc 20 » is not a position"),
        (",20", "not a position"),
        ("nan,20", "« nan », « 20 » is not a position"),
        ("inf,20", "not a position"),
        ("361,20", "361° is outside"),
        ("-1,20", "outside"),
        ("10,-91", "-91° is outside"),
    ],
)
def test_that_a_row_without_a_position_is_named_by_its_line(tmp_path: Path, row: str, what: str) -> None:
    path = written(tmp_path, f"# remark\nra,dec\n1,2\n{row}\n3,4\n{row}\n")
    with pytest.raises(FileError) as caught:
        read_sample(path)
    assert "line 4" in caught.value.message
    assert what in caught.value.message
    assert "Rows without a position: 2" in caught.value.message


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"# only this\n", "only comments"),
        (b"ra,dec\n", "no rows"),
        (b"x,y\n1,2\n", "no column for the right ascension"),
        (b"ra,y\n1,2\n", "no column for the declination"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "neither"),
        (b"SIMPLE  =                    T" + b" " * 50, "FITS table"),
        (b"<?xml version='1.0'?><VOTABLE><broken", "VOTable"),
        (b"# %ECSV 1.0\n# ---\n# nonsense: [\nra dec\n1 2\n", "ECSV"),
    ],
)
def test_that_a_file_that_is_no_sample_is_refused_by_name(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "sample.csv"
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_sample(path)
    assert "sample.csv" in caught.value.message
    assert what in caught.value.message


def test_that_an_absent_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(FileError, match="cannot be read"):
            read_sample(path)


@pytest.mark.parametrize("kind", ["fits", "votable", "ascii.ecsv"])
def test_that_tables_of_other_kinds_give_the_same_sample(tmp_path: Path, kind: str) -> None:
    import astropy.units as u
    from astropy.table import Table

    table = Table({"Name": ["A", "B"], "RA": [10.5, 359.0] * u.deg, "DEC": np.radians([20.0, -5.0]) * u.rad})
    path = tmp_path / "sample.table"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.write(path, format=kind)
    positions = positions_of(path)
    assert [p.name for p in positions] == ["A", "B"]
    assert [v for p in positions for v in (p.ra_deg, p.dec_deg)] == pytest.approx([10.5, 20.0, 359.0, -5.0])


def test_that_a_masked_cell_of_a_table_is_named_by_its_row(tmp_path: Path) -> None:
    from astropy.table import MaskedColumn, Table

    path = tmp_path / "sample.ecsv"
    Table({"ra": MaskedColumn([1.0, 2.0], mask=[False, True]), "dec": [3.0, 4.0]}).write(path, format="ascii.ecsv")
    with pytest.raises(FileError, match="row 2"):
        read_sample(path)


def test_that_real_samples_are_read(shared_data: Path) -> None:
    clusters = read_sample(shared_data / "tables" / "daxa_efeds_clusters.csv")
    assert (len(clusters), clusters.used.ra, clusters.used.dec, clusters.used.name) == (542, "RA", "DEC", "ID")
    supernovae = read_sample(shared_data / "tables" / "daxa_sn1a_samp.csv")
    assert (len(supernovae), supernovae.used.ra, supernovae.used.dec) == (1000, "ra", "declination")
    assert supernovae.places[0] == SkyPosition(232.4741304, 66.075011, "2023ock")
    with pytest.raises(FileError):
        read_sample(shared_data / "xmm" / "0404910601" / "eclean" / "mos1_exp1_clean_evts.fits")
