"""Coverage maps in files, against mocpy, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from mocpy import MOC, STMOC, TimeMOC

from daxa_gui.core.errors import FileError
from daxa_gui.core.filters import Moc
from daxa_gui.core.healpix import N_CELLS, normal_ranges
from daxa_gui.exchange.mocs import read_moc, write_moc


def cone(ra: float, dec: float, radius: float, order: int) -> MOC:
    return MOC.from_cone(lon=ra * u.deg, lat=dec * u.deg, radius=radius * u.deg, max_depth=order)


MAPS = [cone(0, 90, 12, 9), cone(359.9, -45, 3, 11), MOC.from_string("0/1 3 5 2/190-191 11/7-9 100"), MOC.from_string("0/0-11")]
FORMS = [
    ("a.fits", "fits", {}),
    ("a.fits", "fits", {"v1_compatible": True}),
    ("a.json", "json", {}),
    ("a.txt", "ascii", {}),
    ("a.moc", "ascii", {"fold": 20}),
]


def ranges(moc: Any) -> tuple[tuple[int, int], ...]:
    return normal_ranges(moc.to_depth29_ranges.astype(object).tolist())


@pytest.mark.parametrize("theirs", MAPS)
@pytest.mark.parametrize(("name", "form", "options"), FORMS)
def test_that_maps_that_mocpy_wrote_are_read(tmp_path: Path, theirs: Any, name: str, form: str, options: Any) -> None:
    theirs.save(tmp_path / name, format=form, **options)
    assert read_moc(tmp_path / name) == Moc(ranges(theirs), name)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, N_CELLS), st.integers(0, 1 << 60)), max_size=6),
    st.sampled_from(["a.fits", "a.json", "a.txt"]),
)
def test_that_mocpy_reads_what_is_written(tmp_path_factory: Any, pairs: Any, name: str) -> None:
    ours = Moc(normal_ranges((start, min(start + length, N_CELLS)) for start, length in pairs))
    if name != "a.fits" and sum(stop - start for start, stop in ours.ranges) == 0:
        return  # mocpy takes an empty text for no map
    path = tmp_path_factory.getbasetemp() / name
    write_moc(ours, path)
    assert read_moc(path).ranges == ours.ranges
    form = {".json": "json", ".txt": "ascii"}.get(path.suffix, "fits")
    assert ranges(MOC.load(path, format=form)) == ours.ranges
    assert not path.with_name(name + ".part").exists()


def test_that_the_written_fits_is_a_moc_by_its_keywords(tmp_path: Path) -> None:
    write_moc(Moc(ranges(MAPS[0])), tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        hdus.verify("exception")
        header = hdus[1].header
    assert (header["MOCDIM"], header["ORDERING"], header["COORDSYS"], header["MOCORD_S"]) == ("SPACE", "RANGE", "C", 9)


def test_that_a_map_of_space_and_time_has_the_whole_area_and_time(tmp_path: Path) -> None:
    one, two = cone(10, 20, 2, 9), cone(200, -20, 3, 9)
    times = Time([55000.0, 55100.0], format="mjd", scale="tdb"), Time([55010.0, 55150.0], format="mjd", scale="tdb")
    STMOC.from_spatial_coverages(*times, [one, two], time_depth=40).save(tmp_path / "a.fits", format="fits")
    found = read_moc(tmp_path / "a.fits")
    assert found.ranges == ranges(one.union(two))
    assert (found.start_mjd, found.end_mjd) == pytest.approx((55000.0, 55150.0), abs=0.1)  # cells of order 40 are 2.4 h wide
    with_time = Moc(ranges(one), "b.fits", 55000.0, 55100.0)
    write_moc(with_time, tmp_path / "b.fits")
    again = read_moc(tmp_path / "b.fits")
    assert again.ranges == with_time.ranges
    assert (again.start_mjd, again.end_mjd) == pytest.approx((55000.0, 55100.0), abs=1e-6)
    for moc, name in ((with_time, "c.txt"), (Moc(ranges(one), "", 55000.0), "c.fits")):
        with pytest.raises(FileError, match="cannot hold the time"):
            write_moc(moc, tmp_path / name)
        assert not (tmp_path / name).exists()


def test_that_a_real_map_of_frequencies_is_refused(shared_data: Path) -> None:
    with pytest.raises(FileError) as caught:
        read_moc(shared_data / "moc" / "P2012180.fits")
    assert caught.value.message == "P2012180.fits is a coverage map of frequency, not of the sky."


def test_that_maps_of_times_are_refused(tmp_path: Path) -> None:
    TimeMOC.from_string("40/1-5").save(tmp_path / "t.fits", format="fits")
    with pytest.raises(FileError, match="coverage map of time, not of the sky"):
        read_moc(tmp_path / "t.fits")


def fits_table(path: Path, numbers: Any, **keywords: Any) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("RANGE", "K", array=np.array(numbers, np.int64))])
    table.header.update({"MOCDIM": "SPACE", "ORDERING": "RANGE", **keywords})
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)


@pytest.mark.parametrize(
    ("numbers", "keywords", "words"),
    [
        ([1, 2, 3], {}, "its last range has no end"),
        ([5, 1], {}, "are not cells of the sky"),
        ([0, N_CELLS + 1], {}, "are not cells of the sky"),
        ([-4, 5], {}, "are not cells of the sky"),
        ([1, 2], {"COORDSYS": "G"}, "coordinate system « G »"),
        ([1, 2], {"ORDERING": "ZIGZAG"}, "« ZIGZAG »"),
        ([1, 2], {"ORDERING": "NUNIQ"}, "1 is no cell"),
        ([1 << 62], {"ORDERING": "NUNIQ"}, "above 29"),
        ([16], {"ORDERING": "NUNIQ"}, None),
    ],
)  # fmt: skip
def test_that_damaged_tables_are_refused(tmp_path: Path, numbers: Any, keywords: Any, words: str | None) -> None:
    fits_table(tmp_path / "a.fits", numbers, **keywords)
    if words is None:
        assert read_moc(tmp_path / "a.fits").ranges == ((0, 1 << 56),)  # number 16: cell 0 of order 1
        return
    with pytest.raises(FileError, match=words):
        read_moc(tmp_path / "a.fits")


@pytest.mark.parametrize("text", ["", " \n", "hello", "3/", "{", "[1]", "{\"a\": [1]}", "{\"3\": 5}", "{\"3\": [1.5]}",
    "{\"3\": [768]}", "{\"30\": [1]}",
                                  "0/99", "s1/2", "t1/2 s", "{\"1\":" * 5000])  # fmt: skip
def test_that_texts_that_are_no_maps_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    if text == "3/":  # an empty map with an order
        assert read_moc(path).ranges == ()
        return
    with pytest.raises(FileError, match=r"^a\.txt "):
        read_moc(path)


def test_that_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    fits_table(tmp_path / "a.fits", range(0, 4000, 2))
    whole = (tmp_path / "a.fits").read_bytes()
    assert len(read_moc(tmp_path / "a.fits").ranges) == 1000
    start = whole.index(b"XTENSION") // 2880 * 2880 + 2880
    for size in (start + 1000, start + 8000, start + 10, start - 500, 2880 + 80, 100):
        (tmp_path / "cut.fits").write_bytes(whole[:size])
        with pytest.raises(FileError, match=r"^cut\.fits"):
            read_moc(tmp_path / "cut.fits")


def test_that_unreadable_keywords_are_refused(tmp_path: Path) -> None:
    fits_table(tmp_path / "a.fits", [0, 2])
    damaged = (tmp_path / "a.fits").read_bytes().replace(b"ORDERING= 'RANGE   '", b"ORDERING= \x07RA'GE   '")
    (tmp_path / "b.fits").write_bytes(damaged)
    with pytest.raises(FileError, match="damaged"):
        read_moc(tmp_path / "b.fits")


def test_that_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.fits").write_bytes(b"SIMPLE  =                    T" + b" " * 50)
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "image.fits")
    for name in ("cut.fits", "binary", "image.fits", "absent.fits", "."):
        with pytest.raises(FileError):
            read_moc(tmp_path / name)


def test_that_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        write_moc(Moc(((0, 5),)), tmp_path / "no such folder" / "a.json")
    with pytest.raises(FileError, match="cannot be written"):
        write_moc(Moc(((0, 5),)), tmp_path / "no such folder" / "a.fits")
    assert list(tmp_path.iterdir()) == []


def test_that_the_json_is_plain(tmp_path: Path) -> None:
    write_moc(Moc(((0, 2 << 56), (5, 6))), tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {"1": [0, 1]}
