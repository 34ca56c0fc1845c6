"""What the columns of a sample mean: frames, units, times, radii; previews; hostile and huge files."""

from __future__ import annotations

import csv
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import DaxaError, FileError, InputError
from daxa_gui.core.sample import SampleColumns
from daxa_gui.core.sky import separation_deg, unit_vectors
from daxa_gui.exchange import sample_binary, sample_table, sample_text
from daxa_gui.exchange.samples import preview_sample, read_sample

RADEC = SampleColumns("ra", "dec")


def written(folder: Path, text: str, name: str = "sample.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def table_file(table: Table, path: Path, kind: str, **options: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.write(path, format=kind, **options)
    return path


# ------------------------------------------------------------------------------------------------------------------- positions


@pytest.mark.parametrize(
    ("header", "row", "frame"),
    [
        ("l,b", "184.56,-5.78", "galactic"),
        ("GLON [deg],GLAT [deg]", "184.56,-5.78", "galactic"),
        ("lii;bii", "-175.44;-5.78", "galactic"),
        ("elon,elat", "184.56,-5.78", "barycentricmeanecliptic"),
        ("RAB1950,DEB1950", "184.56,-5.78", "fk4"),
        ("ra_fk5,dec_fk5", "184.56,-5.78", "fk5"),
        ("l,b", "184 33 36,-05 46 48", "galactic"),
    ],
)
def test_that_the_frame_is_guessed_from_the_names(tmp_path: Path, header: str, row: str, frame: str) -> None:
    sample = read_sample(written(tmp_path, f"{header}\n{row}\n"))
    theirs = SkyCoord(184.56, -5.78, unit="deg", frame=frame).icrs
    apart = separation_deg(
        unit_vectors(sample.places.ra_deg, sample.places.dec_deg), unit_vectors([theirs.ra.deg], [theirs.dec.deg])
    )
    assert apart[0] * 3600 < 0.03


@pytest.mark.parametrize("frame", ["fk4", "fk5", "galactic", "ecliptic"])
def test_that_a_frame_can_be_given(tmp_path: Path, frame: str) -> None:
    path = written(tmp_path, "ra,dec\n184.56,-5.78\n")
    name = "barycentricmeanecliptic" if frame == "ecliptic" else frame
    theirs = SkyCoord(184.56, -5.78, unit="deg", frame=name).icrs
    place = read_sample(path, replace(RADEC, frame=frame)).places[0]
    assert (place.ra_deg, place.dec_deg) == pytest.approx((theirs.ra.deg, theirs.dec.deg), abs=1e-5)
    with pytest.raises(InputError, match="« moon »"):
        read_sample(path, replace(RADEC, frame="moon"))


def test_that_the_frame_in_a_fits_header_is_used(tmp_path: Path) -> None:
    columns = fits.ColDefs([fits.Column("RA", "D", array=[10.0]), fits.Column("DEC", "D", array=[20.0])])
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["RADESYS"] = "FK4"
    hdu.writeto(tmp_path / "fk4.fits")
    assert preview_sample(tmp_path / "fk4.fits").guess.frame == "fk4"


@pytest.mark.parametrize(
    ("text", "ra", "dec"),
    [
        ("ra,dec\n05:34:31.9,+22:00:52\n", 83.6329167, 22.0144444),
        ("ra,dec\n05 34 31.9,-00 00 52\n", 83.6329167, -0.0144444),
        ("ra,dec\n5h34m31.9s,+22d00m52s\n", 83.6329167, 22.0144444),
        ("ra,dec\n5ʰ34ᵐ31.9ˢ,−22°00′52″\n", 83.6329167, -22.0144444),
        ("ra,dec\n83d37m58.5s,22.0144444\n", 83.6329167, 22.0144444),
        ("ra,dec\n83.6329167d,22.0144444°\n", 83.6329167, 22.0144444),
        ("ra_hours,dec\n5.57552778,22.0144444\n", 83.6329167, 22.0144444),
        ("RA [rad],Dec [arcmin]\n1.45966976,1320.866667\n", 83.6329167, 22.0144444),
        ("ra [h],dec\n5.57552778,22.0144444\n", 83.6329167, 22.0144444),
        ("# ra dec\n83.6329167 22.0144444\n", 83.6329167, 22.0144444),
        ("83.6329167,22.0144444\n", 83.6329167, 22.0144444),
        ("ra   dec\n  83.6329167    22.0144444 \n", 83.6329167, 22.0144444),
        ("ra,dec\r83.6329167,22.0144444\r", 83.6329167, 22.0144444),
        ('"ra","dec","note"\n83.6329167,22.0144444,"two\nlines"\n', 83.6329167, 22.0144444),
    ],
)
def test_that_notations_of_cells_are_read(tmp_path: Path, text: str, ra: float, dec: float) -> None:
    path = written(tmp_path, text)
    place = read_sample(path).places[0]
    assert (place.ra_deg, place.dec_deg) == pytest.approx((ra, dec), abs=1e-6)
    assert preview_sample(path).n_rows == 1


@given(
    st.lists(st.tuples(st.floats(0, 359.999), st.floats(-90, 90)), min_size=1, max_size=8), st.sampled_from([":", " ", "hmsdms"])
)
def test_that_what_astropy_writes_is_read(tmp_path_factory: pytest.TempPathFactory, positions: Any, separator: str) -> None:
    theirs = SkyCoord(positions, unit="deg")
    marks = {"sep": "hms" if separator == "hmsdms" else separator, "pad": True, "precision": 3}
    ra = theirs.ra.to_string(u.hourangle, **marks)
    dec = theirs.dec.to_string(u.deg, alwayssign=True, **{**marks, "sep": "dms" if separator == "hmsdms" else separator})
    path = tmp_path_factory.mktemp("written") / "sample.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("ra", "dec"), *zip(ra, dec, strict=True)])
    found = read_sample(path).places
    apart = separation_deg(found.vectors, unit_vectors(theirs.ra.deg, theirs.dec.deg))
    assert apart.max() * 3600 < 0.02


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("25:00:00,+10", "25 hours"),
        ("05:61:00,+10", "61 minutes"),
        ("05:34:00,+95:00:00", "95° is outside"),
        ("05:34:00,+10:00:75", "75 seconds"),
        ("5d,", "not a position"),
        ("05:34:31.9 x,+22", "not a position"),
    ],
)
def test_that_a_bad_sexagesimal_cell_is_named_by_its_line(tmp_path: Path, row: str, what: str) -> None:
    path = written(tmp_path, f"ra,dec\n05:34:31.9,+22:00:52\n\n{row}\n")
    with pytest.raises(FileError, match=what) as caught:
        read_sample(path)
    assert "line 4" in caught.value.message


def test_that_unknown_units_are_refused_with_the_column(tmp_path: Path) -> None:
    path = written(tmp_path, "ra [parsec],dec\n1,2\n")
    with pytest.raises(InputError, match=r"« ra \[parsec\] ».*« parsec » is no unit of an angle"):
        read_sample(path, SampleColumns("ra [parsec]", "dec"))


def test_that_sexagesimal_columns_of_vizier_are_read(tmp_path: Path) -> None:
    path = tmp_path / "vizier.vot"
    path.write_text(
        """<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>
        <COOSYS ID="old" system="eq_FK4" equinox="B1950"/><TABLE>
        <FIELD name="RA" ucd="pos.eq.ra" ref="old" datatype="char" arraysize="*" unit='"h:m:s"'/>
        <FIELD name="DE" ucd="pos.eq.dec" ref="old" datatype="char" arraysize="*" unit='"d:m:s"'/>
        <DATA><TABLEDATA><TR><TD>05 31 30.0</TD><TD>+21 58 54</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
    )
    preview = preview_sample(path)
    assert (preview.guess.ra, preview.guess.dec, preview.guess.frame) == ("RA", "DE", "fk4")
    theirs = SkyCoord("05h31m30s +21d58m54s", frame="fk4").icrs
    place = read_sample(path).places[0]
    assert (place.ra_deg, place.dec_deg) == pytest.approx((theirs.ra.deg, theirs.dec.deg), abs=1e-6)


def test_that_texts_where_numbers_belong_are_refused(tmp_path: Path) -> None:
    table = Table({"ra": ["one", "two"], "dec": [1.0, 2.0]})
    with pytest.raises(FileError, match=r"row 1: « one 1 » is not a position.*Rows without a position: 2"):
        read_sample(table_file(table, tmp_path / "t.fits", "fits"))
    with pytest.raises(FileError, match="holds several values in each row"):
        read_sample(table_file(Table({"ra": np.ones((2, 3)), "dec": [1.0, 2.0]}), tmp_path / "a.fits", "fits"))


# ----------------------------------------------------------------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("name", "cell", "mjd"),
    [
        ("time", "2019-11-03", 58790.0),
        ("time", "2019-11-03T12:30:00Z", Time("2019-11-03T12:30").mjd),
        ("date", "2023-07-26 08:16:47.000", Time("2023-07-26 08:16:47").mjd),
        ("date", "2019/11/03 06:00:00", 58790.25),
        ("t0", "2019 Nov 03", 58790.0),
        ("mjd", "58790.5", 58790.5),
        ("mjd", "2458790.5", 58790.0),
        ("jd", "2458790.5", 58790.0),
        ("epoch", "2019.5", Time(2019.5, format="decimalyear").mjd),
        ("epoch", "2020.25", Time(2020.25, format="decimalyear").mjd),
        ("trigger_time", "58790.5", 58790.5),
        ("date", "03 Nov 2019", 58790.0),
    ],
)
def test_that_a_moment_makes_a_window(tmp_path: Path, name: str, cell: str, mjd: float) -> None:
    path = written(tmp_path, f"ra,dec,{name}\n10,20,{cell}\n")
    assert preview_sample(path).guess.time == name
    places = read_sample(path, SampleColumns("ra", "dec", time=name, days_before=30, days_after=10)).places
    assert places.start_mjd is not None and places.end_mjd is not None
    assert (places.start_mjd[0], places.end_mjd[0]) == pytest.approx((mjd - 30, mjd + 10), abs=1e-6)


def test_that_a_moment_without_days_makes_no_window(tmp_path: Path) -> None:
    path = written(tmp_path, "ra,dec,time\n10,20,2019-11-03\n")
    assert not read_sample(path).places.has_windows


def test_that_windows_of_the_file_are_read_and_missing_ends_stay_open(tmp_path: Path) -> None:
    path = written(tmp_path, "ra,dec,start,end\n1,2,2019-11-03,2019-11-04\n3,4,,2019-11-04\n5,6,2019-11-03,\n")
    places = read_sample(path).places
    assert np.array_equal(places.start_mjd, [58790.0, np.nan, 58790.0], equal_nan=True)  # type: ignore[arg-type]
    assert np.array_equal(places.end_mjd, [58791.0, 58791.0, np.nan], equal_nan=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "columns", "what"),
    [
        (
            "ra,dec,start,end\n1,2,58000,58001\n1,2,58002,58001\n",
            SampleColumns("ra", "dec", start="start", end="end"),
            r"line 3: the window ends \(58001\) before it starts \(58002\)",
        ),
        (
            "ra,dec,t\n1,2,2019-11-03\n1,2,2019-13-03\n",
            SampleColumns("ra", "dec", time="t", days_after=1),
            "line 3: « 2019-13-03 » is not",
        ),
        ("ra,dec,t\n1,2,2019-11-03\n1,2,\n", SampleColumns("ra", "dec", time="t", days_after=1), "line 3: «  » is not a time"),
        ("ra,dec,t\n1,2,3e8\n", SampleColumns("ra", "dec", time="t", days_after=1), "« t ».*cannot be told to be times"),
        ("ra,dec,t\n1,2,58000\n1,2,2019.5\n", SampleColumns("ra", "dec", time="t", days_after=1), "cannot be told"),
        ("ra,dec,t [s]\n1,2,58000\n", SampleColumns("ra", "dec", time="t [s]", days_after=1), "in « s »"),
        ("ra,dec,t [yr]\n1,2,58000\n", SampleColumns("ra", "dec", time="t [yr]", days_after=1), "in « yr »"),
        ("ra,dec,t\n1,2,58000\n", SampleColumns("ra", "dec", time="t", days_before=-5, days_after=1), "ends before it starts"),
        ("ra,dec,t\n1,2,58000\n", SampleColumns("ra", "dec", time="t", days_before=float("nan"), days_after=1), "ends before"),
    ],
)
def test_that_unusable_times_are_named(tmp_path: Path, text: str, columns: SampleColumns, what: str) -> None:
    with pytest.raises(DaxaError, match=what):
        read_sample(written(tmp_path, text), columns)


def test_that_discovery_dates_of_real_supernovae_make_windows(shared_data: Path) -> None:
    path = shared_data / "tables" / "daxa_sn1a_samp.csv"
    preview = preview_sample(path)
    assert (preview.n_rows, preview.guess.time, preview.guess.name) == (1000, "discoverydate", "name")
    places = read_sample(path, replace(preview.guess, days_before=30, days_after=30)).places
    theirs = Time(list(Table.read(path, format="ascii.csv")["discoverydate"])).mjd
    assert places.start_mjd == pytest.approx(theirs - 30, abs=1e-8)
    assert places.end_mjd == pytest.approx(theirs + 30, abs=1e-8)


# ----------------------------------------------------------------------------------------------------------------------- radii


@pytest.mark.parametrize(
    ("header", "unit", "radius_deg"),
    [
        ("radius", "deg", 3.0),
        ("radius", "arcmin", 0.05),
        ("radius", "arcsec", 3 / 3600),
        ("radius [arcmin]", "deg", 0.05),
        ("search_radius_arcsec", "deg", 3 / 3600),
    ],
)
def test_that_radii_have_units(tmp_path: Path, header: str, unit: str, radius_deg: float) -> None:
    path = written(tmp_path, f"ra,dec,{header}\n1,2,3\n")
    places = read_sample(path, SampleColumns("ra", "dec", radius=header, radius_unit=unit)).places
    assert places.radius_deg == pytest.approx([radius_deg])
    assert preview_sample(path).guess.radius == ("" if header == "radius" else header)  # no guess without a unit


@pytest.mark.parametrize("cell", ["-1", "", "abc", "nan", "inf", "11000"])
def test_that_a_bad_radius_is_named_by_its_line(tmp_path: Path, cell: str) -> None:
    path = written(tmp_path, f"ra,dec,radius\n1,2,3\n1,2,{cell}\n")
    with pytest.raises(FileError, match=r"line 3: « .* » is not a search radius"):
        read_sample(path, SampleColumns("ra", "dec", radius="radius", radius_unit="arcmin"))
    with pytest.raises(InputError, match="« furlong »"):
        read_sample(path, SampleColumns("ra", "dec", radius="radius", radius_unit="furlong"))


# ------------------------------------------------------------------------------------------------------- previews, other kinds


def everything() -> Table:
    return Table(
        {
            "obj": Column(["A", "B"], meta={"ucd": "meta.id;meta.main"}),
            "lon": Column([10.5, 359.0], unit="deg", meta={"ucd": "pos.eq.ra;meta.main"}),
            "lat": Column([20.0, -5.0], unit="deg", meta={"ucd": "pos.eq.dec;meta.main"}),
            "search_radius": Column([3.0, 6.0], unit="arcmin"),
            "start": ["2019-11-03T00:00:00", "2019-11-04T00:00:00"],
            "end": ["2019-11-05T12:00:00", "2019-11-06T00:00:00"],
            "counts": MaskedColumn([1, 2], mask=[False, True]),
        }
    )


@pytest.mark.parametrize(
    ("kind", "name", "options"),
    [
        ("votable", "VOTable", {}),
        ("votable", "VOTable", {"tabledata_format": "binary2"}),
        ("ascii.ecsv", "ECSV", {}),
        ("ascii.ecsv", "ECSV", {"delimiter": ","}),
    ],
)
def test_that_columns_are_found_by_what_the_file_says_of_them(tmp_path: Path, kind: str, name: str, options: Any) -> None:
    path = table_file(everything(), tmp_path / "sample.dat", kind, **options)
    preview = preview_sample(path)
    assert (preview.format, preview.n_rows, preview.columns) == (name, 2, tuple(everything().colnames))
    assert dict(zip(preview.columns, preview.units, strict=True))["search_radius"] == "arcmin"
    assert preview.guess == SampleColumns("lon", "lat", "obj", "", "start", "end", "search_radius", "icrs", "arcmin")
    assert [row[:2] for row in preview.rows] == [("A", "10.5"), ("B", "359.0" if preview.rows[1][1] != "359" else "359")]
    places = read_sample(path).places
    assert places.names == ("A", "B")
    assert places.ra_deg.tolist() == [10.5, 359.0]
    assert places.radius_deg == pytest.approx([0.05, 0.1])
    assert places.end_mjd == pytest.approx([58792.5, 58793.0])


def test_that_a_preview_shows_the_first_rows_and_counts_all(tmp_path: Path) -> None:
    rows = "".join(f"N{n},{n % 360},{n % 90},x\n" for n in range(1234))
    text = f"# made by hand\nname,ra,dec,note\n{rows}\n,,,\n# the end\n"
    for extra in ("", 'last,1,2,"with ""quotes"" and\na line"\n'):
        preview = preview_sample(written(tmp_path, text + extra))
        assert preview.n_rows == 1234 + bool(extra)
        assert len(preview.rows) == 20
        assert preview.rows[1] == ("N1", "1", "1", "x")
        assert len(read_sample(written(tmp_path, text + extra))) == preview.n_rows


def test_that_numbers_as_names_keep_their_digits(tmp_path: Path) -> None:
    assert read_sample(written(tmp_path, "id,ra,dec\n0012,1,2\n1e5,3,4\n")).places.names == ("0012", "1e5")
    table = Table({"ra": [1.0], "dec": [2.0], "id": [700199]})
    assert read_sample(table_file(table, tmp_path / "ids.fits", "fits")).places.names == ("700199",)


def test_that_the_table_with_positions_is_taken_from_several(tmp_path: Path) -> None:
    other = fits.BinTableHDU(Table({"x": [1.0]}))
    good = fits.BinTableHDU(Table({"RA": [10.0], "DEC": [20.0]}))
    fits.HDUList([fits.PrimaryHDU(), other, good]).writeto(tmp_path / "two.fits.gz")
    assert read_sample(tmp_path / "two.fits.gz").places.ra_deg.tolist() == [10.0]


def test_that_columns_of_the_same_name_can_be_told_apart(tmp_path: Path) -> None:
    path = written(tmp_path, "ra,ra,dec,\n1,2,3,4\n")
    assert preview_sample(path).columns == ("ra", "ra (2)", "dec", "column 4")
    assert read_sample(path, SampleColumns("ra (2)", "dec")).places.ra_deg.tolist() == [2.0]


# ---------------------------------------------------------------------------------------------------------- hostile and huge


@pytest.mark.parametrize("kind", ["csv", "quoted", "ecsv", "fits", "votable"])
def test_that_too_many_rows_are_refused_without_reading_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    for module in (sample_table, sample_text, sample_binary):
        monkeypatch.setattr(module, "MOST_ROWS", 100)
    path = tmp_path / "many"
    table = Table({"ra": np.arange(101.0), "dec": np.zeros(101)})
    if kind in ("csv", "quoted"):
        mark = '"' if kind == "quoted" else ""
        written(tmp_path, "ra,dec\n" + f"{mark}1{mark},2\n" * 101, "many")
    else:
        table_file(table, path, {"ecsv": "ascii.ecsv"}.get(kind, kind))
    for work in (preview_sample, read_sample):
        with pytest.raises(FileError, match="more than 100 rows"):
            work(path)
    written(tmp_path, "ra,dec\n" + "1,2\n" * 100, "enough")
    assert len(read_sample(tmp_path / "enough")) == preview_sample(tmp_path / "enough").n_rows == 100


def test_that_ten_million_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("w") as stream:
        stream.write("ra,dec\n")
        for _ in range(100):
            stream.write("1,2\n" * 100_000)
    with pytest.raises(FileError, match="more than 2 000 000 rows"):
        preview_sample(path)


def test_that_a_hundred_thousand_rows_come_through_unchanged(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 120_000), rng.uniform(-90, 90, 120_000)
    rows = "".join(f"{a!r},{d!r}\n" for a, d in zip(ra.tolist(), dec.tolist(), strict=True))
    places = read_sample(written(tmp_path, "ra,dec\n" + rows)).places
    assert np.array_equal(places.ra_deg, ra) and np.array_equal(places.dec_deg, dec)


@pytest.mark.parametrize(
    "content",
    [
        b"ra,dec\n" + b"1" * 3_000_000,
        b"x" * 3_000_000,
        b'ra,dec\n"1,2\n' * 3,
        b"ra,dec\n1,2\n\x00,\x00\n",
        b"ra,dec\n\xff\xfe,2\n",
        b"\x1f\x8bgarbage",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><VOTABLE/>',
        b'<?xml version="1.0"?><html/>',
        b"<VOTABLE><RESOURCE><TABLE><FIELD name='ra' datatype='double'/></TABLE></RESOURCE></VOTABLE>",
        b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: ra, datatype: float64}\nra dec\n1 2\n",
        b"# %ECSV 1.0\n# ---\n# !!python/object/apply:os.system ['true']\nra dec\n1 2\n",
    ],
)
def test_that_hostile_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.dat"
    path.write_bytes(content)
    for work in (read_sample, preview_sample):
        if work is preview_sample and b"\x00" in content:
            continue  # a preview does not look at the meaning of the cells
        with pytest.raises(FileError, match=r"hostile\.dat"):
            work(path)


@given(st.binary(max_size=300))
def test_that_any_bytes_are_a_sample_or_an_error_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "sample"
    path.write_bytes(content)
    try:
        sample = read_sample(path)
    except DaxaError as error:
        assert error.message
    else:
        assert len(sample) == preview_sample(path).n_rows
