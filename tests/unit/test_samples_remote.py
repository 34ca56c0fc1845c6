"""Samples of positions from files of several kinds, and the observations near them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.catalogues.own_csv import COLUMNS, read_table
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import FileError
from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors
from daxa_gui.missions import MISSIONS
from daxa_gui.remote.samples import Sample, associate, read_sample

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def written(folder: Path, text: str) -> Path:
    path = folder / "sample.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "header",
    ["name,RA,Dec", "ID,ra_deg,dec_deg", "Name,RAJ2000,DEJ2000", "TARGET_NAME,Right Ascension,DECLINATION", "source,ra,decl",
     "objname,_RA (deg),Dec [deg]", "MAIN_ID,ALPHA_J2000,DELTA_J2000"],
)  # fmt: skip
def test_that_columns_are_guessed_from_their_names(tmp_path: Path, header: str) -> None:
    sample = read_sample(written(tmp_path, f"{header},z\nA 907,149.6,-11.06,0.16\n"))
    assert sample.positions == (SkyPosition(149.6, -11.06, "A 907"),)
    assert (sample.name_column, sample.ra_column, sample.dec_column) == tuple(header.split(","))
    assert sample.columns[-1] == "z"


def test_that_the_better_name_wins_wherever_it_stands(tmp_path: Path) -> None:
    sample = read_sample(written(tmp_path, "id,DE,ra,dec,name\n1,ignored,10,20,A\n"))
    assert sample.positions == (SkyPosition(10, 20, "A"),)


def test_that_columns_can_be_given(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,ra,dec\n1,2,x,5,6\n")
    assert read_sample(path, ra_column="a", dec_column="b", name_column="c").positions == (SkyPosition(1, 2, "x"),)
    with pytest.raises(FileError, match="no column « d »"):
        read_sample(path, ra_column="d")


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
    assert read_sample(written(tmp_path, text)).positions == (SkyPosition(10, 20, "A"),)


def test_that_sexagesimal_positions_are_read(tmp_path: Path) -> None:
    sample = read_sample(written(tmp_path, "ra,dec\n05:34:31.9,+22:00:52\n5h34m31.9s,22d00m52s\n"))
    for position in sample.positions:
        assert (position.ra_deg, position.dec_deg) == pytest.approx((83.6329167, 22.0144444))
    assert sample.names == ("1", "2")


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
    positions = read_sample(path).positions
    assert [p.name for p in positions] == ["A", "B"]
    assert [v for p in positions for v in (p.ra_deg, p.dec_deg)] == pytest.approx([10.5, 20.0, 359.0, -5.0])


def test_that_a_masked_cell_of_a_table_is_named_by_its_row(tmp_path: Path) -> None:
    from astropy.table import MaskedColumn, Table

    path = tmp_path / "sample.ecsv"
    Table({"ra": MaskedColumn([1.0, 2.0], mask=[False, True]), "dec": [3.0, 4.0]}).write(path, format="ascii.ecsv")
    with pytest.raises(FileError, match="row 2"):
        read_sample(path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data with real files is not beside the project")
def test_that_real_samples_are_read() -> None:
    clusters = read_sample(SHARED / "tables" / "daxa_efeds_clusters.csv")
    assert (len(clusters), clusters.ra_column, clusters.dec_column, clusters.name_column) == (542, "RA", "DEC", "ID")
    supernovae = read_sample(SHARED / "tables" / "daxa_sn1a_samp.csv")
    assert (len(supernovae), supernovae.ra_column, supernovae.dec_column) == (1000, "ra", "declination")
    assert supernovae.positions[0] == SkyPosition(232.4741304, 66.075011, "2023ock")
    with pytest.raises(FileError):
        read_sample(SHARED / "xmm" / "0404910601" / "eclean" / "mos1_exp1_clean_evts.fits")


# -- association ----------------------------------------------------------------------------------------------------------


def sample_of(*positions: tuple[float, float]) -> Sample:
    places = tuple(SkyPosition(ra, dec, f"P{n}") for n, (ra, dec) in enumerate(positions))
    return Sample("sample.csv", places, ("ra", "dec"), "ra", "dec")


def catalogue_of(folder: Path, *positions: tuple[float, float]) -> Catalogue:
    path = folder / "table.csv"
    rows = [f"{n:010d},{ra!r},{dec!r},,,,,,,," for n, (ra, dec) in enumerate(positions)]
    path.write_text("\n".join((",".join(COLUMNS), *rows)) + "\n")
    return read_table(path, MISSIONS["xmm_pointed"])


def test_that_pairs_come_by_position_with_the_nearest_first(tmp_path: Path) -> None:
    of = catalogue_of(tmp_path, (10, 20.2), (10, 20.1), (359.95, 0), (10, 20.6))
    pairs = associate(of, sample_of((200, 0), (0.05, 0), (10, 20)), 0.5)
    assert pairs.position.tolist() == [1, 2, 2]
    assert pairs.obs_id.tolist() == ["0000000002", "0000000001", "0000000000"]
    assert pairs.separation_deg.tolist() == pytest.approx([0.1, 0.1, 0.2])
    assert pairs.matched_positions == 2


def test_that_the_default_is_each_observations_own_distance(tmp_path: Path) -> None:
    of = catalogue_of(tmp_path, (10, 20.299), (10, 20.301))
    assert associate(of, sample_of((10, 20))).obs_id.tolist() == ["0000000000"]


def test_that_only_rows_that_pass_the_filters_match(tmp_path: Path) -> None:
    of = catalogue_of(tmp_path, (10, 20), (10, 20.1))
    assert associate(of, sample_of((10, 20)), 1.0, np.array([False, True])).row.tolist() == [1]


def test_that_nothing_near_gives_empty_arrays(tmp_path: Path) -> None:
    for of in (catalogue_of(tmp_path, (10, 20)), catalogue_of(tmp_path)):
        pairs = associate(of, sample_of((200, -20)), 1.0)
        assert len(pairs) == pairs.matched_positions == 0
        assert pairs.document(sample_of((200, -20)))["positions"] == []


def test_that_the_document_names_positions_observations_and_separations(tmp_path: Path) -> None:
    of = catalogue_of(tmp_path, (10, 20), (10, 20.1))
    sample = sample_of((200, 0), (10, 20))
    document = associate(of, sample, 1.0).document(sample)
    assert (document["sample_size"], document["matched_positions"], document["observations"]) == (2, 1, 2)
    (position,) = document["positions"]
    assert (position["index"], position["name"], position["ra_deg"]) == (1, "P1", 10.0)
    assert [match["obs_id"] for match in position["matches"]] == ["0000000000", "0000000001"]


COORDINATES = st.lists(st.tuples(st.floats(0, 359.99), st.floats(-90, 90)), max_size=12)


@given(COORDINATES, COORDINATES.filter(bool), st.floats(0, 180))
def test_that_association_agrees_with_all_pairs(tmp_path_factory: Any, rows: Any, positions: Any, radius: float) -> None:
    of = catalogue_of(tmp_path_factory.mktemp("table"), *rows)
    pairs = associate(of, sample_of(*positions), radius)
    found = set(zip(pairs.position.tolist(), pairs.row.tolist(), strict=True))
    centres = unit_vectors([p[0] for p in positions], [p[1] for p in positions])
    for n, centre in enumerate(centres):
        for row, distance in enumerate(separation_deg(of.vectors, centre) if len(of) else ()):
            if abs(distance - radius) > 1e-11:
                assert ((n, row) in found) == (distance < radius)
