"""Reading event lists: recognition, columns, good time; what is odd becomes a warning, what is impossible a clear refusal."""

from __future__ import annotations

import gzip
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.fits.event_lists import event_chunks, find_events, read_event_list
from daxa_gui.fits.summary import summarise
from daxa_gui.reduction.engine.flares import find_flares
from daxa_gui.reduction.engine.image import make_image
from tests.fakes.event_files import FORMATS, MOS, SIMPLE, gti_table, mos_list, simple_list


def test_that_telescope_and_instrument_decide_about_the_format(tmp_path: Path) -> None:
    assert read_event_list(simple_list(tmp_path / "a", [1.0]), FORMATS).mission == "simple_mission"
    assert (
        read_event_list(mos_list(tmp_path / "b", np.array([1.0]), np.array([1]), {1: [(0, 9)]}), FORMATS).mission
        == "test_mission"
    )


def test_that_an_unknown_telescope_is_refused_by_name(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "odd.fits", [1.0], telescope="HUBBLE")
    with pytest.raises(FileError, match="HUBBLE") as refused:
        read_event_list(path, FORMATS)
    assert str(path) in refused.value.message
    assert "SIMPLE" in refused.value.hint


def test_that_a_known_telescope_with_an_unknown_instrument_is_refused(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "odd.fits", [1.0], telescope="XMM", keywords={"INSTRUME": "RGS1"})
    with pytest.raises(FileError, match="RGS1"):
        read_event_list(path, FORMATS)


def test_that_a_file_without_telescope_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="TELESCOP"):
        read_event_list(simple_list(tmp_path / "odd.fits", [1.0], keywords={"TELESCOP": None}), FORMATS)


def test_that_a_file_without_events_says_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "image.fits"
    fits.HDUList([fits.PrimaryHDU(np.zeros((4, 4))), gti_table("STDGTI", [(0, 1)])]).writeto(path)
    with pytest.raises(FileError, match=r"no table of events.*STDGTI"):
        read_event_list(path, FORMATS)


def test_that_events_under_another_name_are_found_by_their_class(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "odd.fits", [1.0, 2.0], name="PHOTONS", keywords={"HDUCLAS1": "EVENTS"})
    assert len(read_event_list(path, FORMATS)) == 2


def test_that_a_missing_time_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no column ARRIVAL"):
        read_event_list(simple_list(tmp_path / "a.fits", [1.0]), (replace(SIMPLE, time_column="ARRIVAL"),))


def test_that_missing_energies_are_a_warning_and_bands_then_an_error(tmp_path: Path) -> None:
    events = read_event_list(simple_list(tmp_path / "a.fits", [1.0]), (replace(SIMPLE, energy_column="ENERGY"),))
    assert events.energy_kev is None
    assert any("ENERGY" in warning for warning in events.warnings)
    with pytest.raises(ReductionError, match="no energies"):
        find_flares(events, FlareParameters())


def test_that_column_names_are_found_in_any_case(tmp_path: Path) -> None:
    events = read_event_list(simple_list(tmp_path / "a.fits", [1.0]), (replace(SIMPLE, time_column="time", energy_column="pi"),))
    assert events.energy_kev is not None and events.energy_kev.tolist() == [1.0]


def test_that_null_nan_and_negative_energies_are_counted(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "a.fits", [1.0, 2.0, 3.0, 4.0], [-1, -1, -50, 200])
    events = read_event_list(path, FORMATS)
    assert any(w.startswith("2 events have no energy") for w in events.warnings)
    assert any(w.startswith("1 events have a negative energy") for w in events.warnings)
    assert events.energy_kev is not None
    assert np.isnan(events.energy_kev[:2]).all()
    facts = summarise(events)
    assert (facts["events_without_energy"], facts["events_with_negative_energy"]) == (2, 1)
    assert (facts["energy_min_kev"], facts["energy_max_kev"]) == (-0.5, 2.0)


def test_that_floating_energies_that_are_no_numbers_are_counted(tmp_path: Path) -> None:
    column = fits.Column("ENERGY", "E", array=np.array([1.0, np.nan, np.inf, -2.0], np.float32))
    path = simple_list(tmp_path / "a.fits", [1.0, 2.0, 3.0, 4.0], columns=[column])
    events = read_event_list(path, (replace(SIMPLE, energy_column="ENERGY", energy_per_channel_kev=1.0),))
    assert any(w.startswith("2 events have no energy") for w in events.warnings)
    assert any(w.startswith("1 events have a negative") for w in events.warnings)


def test_that_zero_rows_are_read_with_a_warning_and_make_no_products_silently(tmp_path: Path) -> None:
    events = read_event_list(simple_list(tmp_path / "a.fits", []), FORMATS)
    assert len(events) == 0
    assert any("zero rows" in warning for warning in events.warnings)
    assert summarise(events)["energy_min_kev"] is None
    with pytest.raises(ReductionError, match="no sky coordinates"):
        make_image(events, None)


def test_that_empty_good_time_is_read_with_a_warning_and_then_refused_by_name(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "a.fits", [1.0, 2.0], intervals=[])
    events = read_event_list(path, FORMATS)
    assert any("good time is empty" in warning for warning in events.warnings)
    assert summarise(events)["total_good_time_s"] == 0.0
    with pytest.raises(ReductionError, match=r"a\.fits has no good time"):
        find_flares(events, FlareParameters(band_kev=(0.5, 2.0)))


def test_that_without_good_time_tables_the_whole_span_is_taken(tmp_path: Path) -> None:
    keywords = {"TSTART": 0.0, "TSTOP": 50.0}
    events = read_event_list(simple_list(tmp_path / "a.fits", [1.0, 49.0], gti=False, keywords=keywords), FORMATS)
    assert any("whole span" in warning for warning in events.warnings)
    assert (events.gti[-1].start_s.tolist(), events.gti[-1].stop_s.tolist()) == ([0.0], [50.0])
    bare = read_event_list(simple_list(tmp_path / "b.fits", [1.0, 49.0], gti=False), FORMATS)
    assert summarise(bare)["events_outside_good_time"] == 0


def test_that_events_outside_good_time_and_without_time_are_counted(tmp_path: Path) -> None:
    events = read_event_list(simple_list(tmp_path / "a.fits", [-5.0, 0.0, 99.9, 100.0, np.nan]), FORMATS)
    assert any(w.startswith("3 of 5 events lie outside") for w in events.warnings)
    assert any(w.startswith("1 events have no time") for w in events.warnings)


def test_that_intervals_without_times_or_backwards_are_left_out_and_told(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "a.fits", [1.0, 15.0], gti=False)
    with fits.open(path, mode="append") as opened:
        opened.append(gti_table("GTI", [(0.0, 10.0), (np.nan, 20.0), (40.0, 30.0), (50.0, 50.0)]))
    events = read_event_list(path, FORMATS)
    assert events.gti[-1].total_s == 10.0
    assert "2 of 4 intervals of GTI have no times or end before they start." in events.warnings


def test_that_a_missing_exposure_is_told(tmp_path: Path) -> None:
    events = read_event_list(simple_list(tmp_path / "a.fits", [1.0], keywords={"LIVETIME": None}), FORMATS)
    assert events.exposure_s is None
    assert any("EXPOSURE" in warning for warning in events.warnings)


@pytest.mark.parametrize(
    ("keywords", "mjdref"), [({"MJDREF": 50814.0}, 50814.0), ({"MJDREFI": 51910, "MJDREFF": 7.4e-4}, 51910.00074), ({}, 0.0)]
)
def test_that_time_zero_is_read_in_both_ways(tmp_path: Path, keywords: dict[str, float], mjdref: float) -> None:
    assert read_event_list(simple_list(tmp_path / "a.fits", [1.0], keywords=keywords), FORMATS).mjdref == pytest.approx(
        mjdref, abs=1e-9
    )


def test_that_good_time_in_another_time_system_is_moved_into_that_of_the_events(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "a.fits", [100000.0], gti=False, keywords={"MJDREF": 50000.0, "TIMEZERO": -1.0})
    with fits.open(path, mode="append") as opened:
        opened.append(gti_table("GTI", [(10.0, 20.0)], MJDREF=50001.0, TIMEZERO=0.0))
    gti = read_event_list(path, FORMATS).gti[-1]
    assert gti.start_s.tolist() == pytest.approx([86411.0])


def test_that_good_time_of_each_ccd_comes_from_the_data_subspace(tmp_path: Path) -> None:
    gtis = {1: [(0.0, 10.0), (20.0, 30.0)], 2: [(0.0, 5.0)], 7: [(1.0, 2.0), (2.0, 2.0), (3.0, 4.0)]}
    path = mos_list(tmp_path / "a.fits", np.array([1.5, 25.0, 25.0, 2.5]), np.array([1, 1, 2, 7]), gtis)
    events = read_event_list(path, FORMATS)
    assert {ccd: (gti.total_s, len(gti)) for ccd, gti in events.gti.items()} == {1: (20.0, 2), 2: (5.0, 1), 7: (2.0, 3)}
    assert summarise(events)["events_outside_good_time"] == 2
    assert summarise(events)["total_good_time_s"] == 20.0


def test_that_without_a_data_subspace_the_standard_intervals_of_each_ccd_hold(tmp_path: Path) -> None:
    gtis = {1: [(0.0, 10.0)], 2: [(0.0, 5.0)]}
    events = read_event_list(mos_list(tmp_path / "a.fits", np.array([1.0]), np.array([1]), gtis, subspace=False), FORMATS)
    assert {ccd: gti.total_s for ccd, gti in events.gti.items()} == {1: 10.0, 2: 5.0}


def test_that_a_reference_to_a_missing_table_is_told_and_the_standard_intervals_hold(tmp_path: Path) -> None:
    path = mos_list(tmp_path / "a.fits", np.array([1.0]), np.array([1]), {1: [(0.0, 10.0)]})
    with fits.open(path, mode="update") as opened:
        del opened["GTI00002"]
    events = read_event_list(path, FORMATS)
    assert any(":GTI00002" in warning for warning in events.warnings)
    assert events.gti[1].total_s == 2e6


def test_that_several_time_terms_of_a_component_all_apply(tmp_path: Path) -> None:
    path = mos_list(tmp_path / "a.fits", np.array([1.0]), np.array([1]), {1: [(0.0, 10.0)]})
    with fits.open(path, mode="update") as opened:
        opened.append(gti_table("GTI00003", [(5.0, 20.0)]))
        opened["EVENTS"].header.update(
            {"DSTYP3": "TIME", "DSVAL3": "TABLE", "DSREF3": ":GTI00003", "DSTYP4": "TIME", "DSVAL4": ":9"}
        )
    assert read_event_list(path, FORMATS).gti[1].total_s == 4.0


def test_that_sky_coordinates_and_their_edges_are_read(tmp_path: Path) -> None:
    events = read_event_list(mos_list(tmp_path / "a.fits", np.array([1.0]), np.array([1]), {1: [(0, 9)]}), FORMATS)
    assert events.x_range == (0.5, 51840.5)
    assert events.wcs is not None and events.x is not None and events.y is not None
    ra, dec = events.wcs.sky(events.x, events.y)
    assert (float(ra[0]), float(dec[0])) == pytest.approx((150.0, -11.0))


def test_that_null_sky_coordinates_are_in_no_pixel(tmp_path: Path) -> None:
    path = mos_list(tmp_path / "a.fits", np.array([1.0, 2.0]), np.array([1, 1]), {1: [(0, 9)]})
    with fits.open(path, mode="update") as opened:
        opened["EVENTS"].data["X"][0] = -99999999
    events = read_event_list(path, FORMATS)
    assert events.x is not None and np.isnan(events.x[0])
    assert make_image(events, None).values.sum() == 1


def test_that_the_same_list_is_read_from_a_packed_file_with_any_name(tmp_path: Path) -> None:
    path = mos_list(tmp_path / "a.fits", np.arange(100.0), np.ones(100, int), {1: [(0, 50)]})
    packed = tmp_path / "P0123456789M1S001MIEVLI0000.FTZ"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    plain, unpacked = summarise(read_event_list(path, FORMATS)), summarise(read_event_list(packed, FORMATS))
    assert {**plain, "path": ""} == {**unpacked, "path": ""}


def test_that_chunks_together_are_the_whole_list(tmp_path: Path) -> None:
    n = 1000
    path = mos_list(tmp_path / "a.fits", np.arange(float(n)), np.arange(n) % 7 + 1, {1: [(0, 50)]}, flag=np.arange(n) % 3)
    found, whole = find_events(path, FORMATS), read_event_list(path, FORMATS)
    chunks = list(event_chunks(found, whole.gti, 300))
    assert [first for first, _ in chunks] == [0, 300, 600, 900]
    for name in ("time_s", "energy_kev", "pattern", "flag", "ccd"):
        assert np.array_equal(np.concatenate([getattr(chunk, name) for _, chunk in chunks]), getattr(whole, name))


def test_that_no_warning_of_a_library_leaks(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "a.fits", [1.0, np.nan], keywords={"TCRVL1": "0.0", "TNULL1": "x", "ONTIME": "many"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_event_list(path, (MOS, SIMPLE))
