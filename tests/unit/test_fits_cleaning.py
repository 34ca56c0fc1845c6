"""Cleaned event lists: kept rows byte for byte, good time where readers look for it, exposure keywords, nothing half-written."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import Cancelled, FileError
from daxa_gui.core.intervals import inside_own, intersect, make_gti
from daxa_gui.core.timeseries import Gti
from daxa_gui.fits.cleaning import CHUNK_ROWS
from daxa_gui.fits.data_subspace import Term, components
from daxa_gui.fits.event_lists import EventTable, find_events, read_event_list
from daxa_gui.fits.files import open_fits
from daxa_gui.fits.products import CleanResult, write_clean_events
from tests.fakes.event_files import FORMATS, MOS, gti_table, mos_list, simple_list

GTIS = {1: [(0.0, 40.0), (50.0, 100.0)], 2: [(0.0, 100.0)], 7: [(10.0, 60.0)]}
QUIET = make_gti([5.0, 70.0], [55.0, 80.0])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    return mos_list(
        tmp_path / "raw.fits", rng.uniform(0, 100, 3000), rng.choice([1, 2, 7], 3000), GTIS, pi=rng.integers(1, 9999, 3000)
    )


def cleaned(source: Path, target: Path, quiet: Gti = QUIET, **options: object) -> tuple[CleanResult, EventTable, np.ndarray]:
    found = find_events(source, FORMATS)
    events = read_event_list(source, FORMATS)
    gti = {ccd: intersect(own, quiet) for ccd, own in events.gti.items()}
    keep = inside_own(gti, events.time_s, events.ccd)
    return write_clean_events(found, target, keep, gti, **options), found, keep  # type: ignore[arg-type]


def assert_valid(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path, checksum=True) as opened:
            opened.verify("exception")
            for hdu in opened:
                assert hdu.data is not None or hdu.header["NAXIS"] == 0


def test_that_kept_rows_and_other_extensions_are_copied_byte_for_byte(source: Path, tmp_path: Path) -> None:
    result, found, keep = cleaned(source, tmp_path / "clean.fits")
    assert (result.rows, result.source_rows) == (keep.sum(), 3000)
    assert_valid(tmp_path / "clean.fits")
    copy = find_events(tmp_path / "clean.fits", FORMATS)
    assert copy.table.rows.tobytes() == found.table.rows[keep].tobytes()
    by_name = {hdu.name: hdu for hdu in copy.fits.hdus}
    for hdu in found.fits.hdus:
        if hdu.name.startswith("STDGTI"):
            assert copy.fits.raw(by_name[hdu.name]).tobytes() == found.fits.raw(hdu).tobytes()


def test_that_good_time_per_ccd_is_found_again_through_the_data_subspace(source: Path, tmp_path: Path) -> None:
    result, _, _ = cleaned(source, tmp_path / "clean.fits")
    events = read_event_list(tmp_path / "clean.fits", FORMATS)
    assert {ccd: gti.total_s for ccd, gti in events.gti.items()} == {1: 50.0, 2: 60.0, 7: 45.0}
    assert dict(result.ontime_per_ccd_s) == {1: 50.0, 2: 60.0, 7: 45.0}
    assert not events.warnings
    with fits.open(tmp_path / "clean.fits") as opened:
        header = opened["EVENTS"].header
        assert (header["DSTYP2"], header["DSVAL2"], header["DSREF2"], header["2DSREF2"], header["3DSREF2"]) == (
            "TIME", "TABLE", ":GTI00002", ":GTI00102", ":GTI00202",
        )  # fmt: skip
        assert opened["GTI00202"].header["CCDID"] == 7
        assert [hdu.name for hdu in opened].count("GTI00002") == 1


@pytest.mark.parametrize(
    ("ontime", "expected"),
    [(100.0, 60.0), (50.0, 45.0), (80.0, 155.0 / 3), (90.5, 90.5 * 50 / 90), (300.0, 180.0)],
    ids=["a CCD", "another CCD", "the mean of the CCDs", "nearly a CCD", "nothing that fits"],
)
def test_that_ontime_is_scaled_as_what_it_stands_for(source: Path, tmp_path: Path, ontime: float, expected: float) -> None:
    fits.setval(source, "ONTIME", value=ontime, extname="EVENTS")
    cleaned(source, tmp_path / "clean.fits")
    assert fits.getval(tmp_path / "clean.fits", "ONTIME", extname="EVENTS") == pytest.approx(expected)
    cleaned(source, tmp_path / "all.fits", make_gti([-10.0], [1000.0]))
    assert fits.getval(tmp_path / "all.fits", "ONTIME", extname="EVENTS") == pytest.approx(ontime)


def test_that_exposure_keywords_follow_the_kept_time(source: Path, tmp_path: Path) -> None:
    result, _, _ = cleaned(source, tmp_path / "clean.fits")
    header = fits.getheader(tmp_path / "clean.fits", "EVENTS")
    assert header["ONTIME"] == header["ONTIME01"] == 50.0
    assert (header["ONTIME02"], header["ONTIME07"]) == (60.0, 45.0)
    assert header["LIVETIME"] == pytest.approx(0.9 * 50.0)
    assert header["LIVETI07"] == pytest.approx(0.9 * 45.0)
    assert (result.ontime_s, result.livetime_s, result.exposure_s) == (50.0, pytest.approx(45.0), None)


def test_that_the_header_says_who_made_it_and_how(source: Path, tmp_path: Path) -> None:
    terms = (Term(0, "PATTERN", ":12"), Term(0, "FLAG", "b000x", "X"))
    cleaned(source, tmp_path / "clean.fits", history=["Flares « cut »"], terms=terms)
    header = fits.getheader(tmp_path / "clean.fits", "EVENTS")
    assert "DAXA GUI" in header["CREATOR"]
    assert 'Flares "cut"' in str(header["HISTORY"])
    assert header["OBS_ID"] == "0123456789"
    parts = components(open_fits(tmp_path / "clean.fits").hdus[1].header)
    assert len(parts) == 3
    for part in parts:  # the other components inherit the new terms
        assert {term.quantity: term.value for term in part.values() if term.quantity != "CCDNR"} == {
            "TIME": "TABLE", "PATTERN": ":12", "FLAG": "b000x",
        }  # fmt: skip


def test_that_a_list_with_standard_intervals_only_gets_a_data_subspace(tmp_path: Path) -> None:
    time, ccd = np.linspace(0, 99, 200), np.arange(200) % 2 + 1
    source = mos_list(tmp_path / "raw.fits", time, ccd, {1: [(0, 50)], 2: [(0, 90)]}, subspace=False)
    cleaned(source, tmp_path / "clean.fits", make_gti([10.0], [60.0]))
    assert_valid(tmp_path / "clean.fits")
    events = read_event_list(tmp_path / "clean.fits", FORMATS)
    assert {ccd: gti.total_s for ccd, gti in events.gti.items()} == {1: 40.0, 2: 50.0}
    assert not events.warnings


def test_that_cleaning_twice_narrows_the_good_time_again(source: Path, tmp_path: Path) -> None:
    cleaned(source, tmp_path / "once.fits")
    cleaned(tmp_path / "once.fits", tmp_path / "twice.fits", make_gti([20.0], [30.0]))
    events = read_event_list(tmp_path / "twice.fits", FORMATS)
    assert {ccd: gti.total_s for ccd, gti in events.gti.items()} == {1: 10.0, 2: 10.0, 7: 10.0}
    with fits.open(tmp_path / "twice.fits") as opened:
        assert [hdu.name for hdu in opened].count("GTI00102") == 1


def test_that_a_simple_list_gets_its_new_good_time_in_place(tmp_path: Path) -> None:
    source = simple_list(tmp_path / "raw.fits", np.linspace(0, 99, 300).tolist(), intervals=[(0.0, 60.0), (70.0, 100.0)],
                         keywords={"MJDREFI": 51910, "MJDREFF": 7.4e-4, "EXPOSURE": 81.0})  # fmt: skip
    result, _, _ = cleaned(source, tmp_path / "clean.fits", make_gti([0.0], [45.0]))
    assert_valid(tmp_path / "clean.fits")
    events = read_event_list(tmp_path / "clean.fits", FORMATS)
    assert (events.gti[-1].total_s, events.ontime_s) == (45.0, 45.0)
    assert (events.livetime_s, events.exposure_s) == (22.5, pytest.approx(40.5))
    assert result.exposure_s == pytest.approx(40.5)
    assert [hdu.name for hdu in open_fits(tmp_path / "clean.fits").hdus] == ["", "EVENTS", "GTI"]


def test_that_good_time_split_over_several_tables_does_not_come_back(tmp_path: Path) -> None:
    source = simple_list(tmp_path / "raw.fits", [1.0, 55.0], intervals=[(0.0, 10.0)])
    with fits.open(source, mode="append") as opened:
        opened.append(gti_table("GTI", [(50.0, 60.0)]))
    assert read_event_list(source, FORMATS).gti[-1].total_s == 20.0
    cleaned(source, tmp_path / "clean.fits", make_gti([5.0], [52.0]))
    events = read_event_list(tmp_path / "clean.fits", FORMATS)
    assert events.gti[-1].start_s.tolist() == [5.0, 50.0]
    assert events.gti[-1].stop_s.tolist() == [10.0, 52.0]


def test_that_a_list_without_good_time_gets_a_table_of_it(tmp_path: Path) -> None:
    source = simple_list(tmp_path / "raw.fits", [1.0, 55.0], gti=False, keywords={"TSTART": 0.0, "TSTOP": 100.0})
    cleaned(source, tmp_path / "clean.fits", make_gti([0.0], [50.0]))
    events = read_event_list(tmp_path / "clean.fits", FORMATS)
    assert (len(events), events.gti[-1].total_s) == (1, 50.0)
    assert not any("whole span" in warning for warning in events.warnings)


@pytest.mark.parametrize("n", [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 3])
def test_that_chunk_borders_and_odd_row_sizes_change_nothing(tmp_path: Path, n: int) -> None:
    column = fits.Column("ODD", "B", array=np.arange(n) % 251)
    source = simple_list(tmp_path / "raw.fits", np.linspace(0, 99, n).tolist(), columns=[column])
    keep = np.arange(n) % 3 != 1
    found = find_events(source, FORMATS)
    result = write_clean_events(found, tmp_path / "clean.fits", lambda a, b: keep[a:b], {-1: make_gti([0.0], [100.0])})
    assert_valid(tmp_path / "clean.fits")
    assert result.rows == keep.sum()
    assert fits.getdata(tmp_path / "clean.fits", "EVENTS")["ODD"].tolist() == (np.arange(n) % 251)[keep].tolist()


def test_that_variable_length_columns_keep_their_heap(tmp_path: Path) -> None:
    values = np.empty(6, object)
    for i in range(6):
        values[i] = np.arange(i, dtype=np.int16)
    source = simple_list(tmp_path / "raw.fits", list(range(6)), columns=[fits.Column("V", "PI()", array=values)])
    keep = np.array([False, True, False, True, True, False])
    write_clean_events(find_events(source, FORMATS), tmp_path / "clean.fits", keep, {-1: make_gti([0.0], [100.0])})
    kept = fits.getdata(tmp_path / "clean.fits", "EVENTS")["V"]
    assert [row.tolist() for row in kept] == [[0], [0, 1, 2], [0, 1, 2, 3]]


def test_that_stopping_in_the_middle_leaves_nothing(source: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        cleaned(source, tmp_path / "clean.fits", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["raw.fits"]


def test_that_a_folder_that_is_not_there_is_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere"):
        cleaned(source, tmp_path / "nowhere" / "clean.fits")


def test_that_real_lists_keep_their_structure(shared_data: Path, tmp_path: Path) -> None:
    from daxa_gui.missions import event_formats

    path = shared_data / "xmm/0404910601/eclean/mos1_exp1_clean_evts.fits"
    found, events = find_events(path, event_formats()), read_event_list(path, event_formats())
    half = make_gti([0.0], [float(np.median(events.time_s))])
    gti = {ccd: intersect(own, half) for ccd, own in events.gti.items()}
    keep = inside_own(gti, events.time_s, events.ccd)
    write_clean_events(found, tmp_path / "clean.fits", keep, gti)
    assert_valid(tmp_path / "clean.fits")
    names = [hdu.name for hdu in found.fits.hdus]
    assert [hdu.name for hdu in open_fits(tmp_path / "clean.fits").hdus] == names
    copy = read_event_list(tmp_path / "clean.fits", event_formats())
    assert np.array_equal(copy.time_s, events.time_s[keep])
    assert copy.ontime_s == gti[1].total_s
    assert copy.livetime_s == pytest.approx(12667.139 * gti[1].total_s / 12914.866, rel=1e-6)
    assert copy.format is not MOS
