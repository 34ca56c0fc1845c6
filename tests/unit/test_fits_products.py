"""Products in files: written with the right keywords, read back as they were, refused when they are something else."""

from __future__ import annotations

import errno
import gzip
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from daxa_gui.core.errors import FileError
from daxa_gui.core.images import PixelGrid, SkyImage
from daxa_gui.core.intervals import make_gti
from daxa_gui.core.sky import LinearWcs
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.fits.products import read_grid, read_gti, read_image, write_gti, write_image, write_lightcurve
from daxa_gui.fits.writing import part_file
from daxa_gui.reduction.engine.flares import find_flares
from daxa_gui.reduction.engine.lightcurve import light_curve
from tests.fakes.event_files import events_in_memory, gti_table, simple_list

EVENT_WCS = LinearWcs(25921.0, 25921.0, 150.0, -11.0, -1 / 72000, 1 / 72000)
GRID = PixelGrid(3648.5, 3649.5, 87.0, 43.5, 6, 4)
IMAGE_WCS = LinearWcs(3.5, 2.5, 150.0, -11.0, -87 / 72000, 43.5 / 72000)


def strictly_opened(path: Path) -> fits.HDUList:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = fits.open(path, checksum=True)
        opened.verify("exception")
    return opened


def test_that_good_time_is_written_as_gtibuild_does_and_read_back(tmp_path: Path) -> None:
    gti = make_gti([10.25, 30.0], [20.5, 1e9])
    write_gti(tmp_path / "gti.fits", gti, events_in_memory(np.zeros(1), [(0, 1)]), ("because",))
    with strictly_opened(tmp_path / "gti.fits") as opened:
        header = opened["STDGTI"].header
        assert (header["HDUCLAS1"], header["TELESCOP"], header["MJDREF"], header["TIMESYS"]) == ("GTI", "XMM", 50814.0, "TT")
        assert header["SIMULATE"] is True
        assert "because" in str(opened[0].header["HISTORY"])
    again = read_gti(tmp_path / "gti.fits")
    assert (again.start_s.tolist(), again.stop_s.tolist()) == (gti.start_s.tolist(), gti.stop_s.tolist())


def test_that_no_good_time_is_also_written_and_read(tmp_path: Path) -> None:
    write_gti(tmp_path / "gti.fits", make_gti([], []))
    assert len(read_gti(tmp_path / "gti.fits")) == 0


def test_that_tables_of_several_ccds_are_joined(tmp_path: Path) -> None:
    fits.HDUList([fits.PrimaryHDU(), gti_table("GTI1", [(0, 5)]), gti_table("GTI2", [(3, 9)])]).writeto(tmp_path / "gti.fits")
    assert read_gti(tmp_path / "gti.fits").total_s == 9.0


def test_that_interval_text_is_read_and_nonsense_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "gti.txt"
    path.write_text("   1.1535761024672300E+08   1.1535809024672300E+08   +\n# comment\n\n2.0D8 2.1D8\n")
    assert len(read_gti(path)) == 2
    path.write_text("1.0 2.0 +\nhello world\n")
    with pytest.raises(FileError, match="line 2"):
        read_gti(path)
    path.write_text("1.0 2.0 -\n")
    with pytest.raises(FileError, match="line 1"):
        read_gti(path)


def test_that_a_file_without_intervals_is_refused(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "a.fits", [1.0], gti=False)
    with pytest.raises(FileError, match="no table of good-time"):
        read_gti(path)


def test_that_a_light_curve_has_bins_errors_histogram_and_good_time(tmp_path: Path) -> None:
    time = np.random.default_rng(1).uniform(0, 10000, 9000)
    events = events_in_memory(time[time < 8000], [(0.0, 8000.0), (9000.0, 10000.0)])
    found = find_flares(events, FlareParameters())
    write_lightcurve(tmp_path / "lc.fits", found.curve, events, found, ("how",))
    with strictly_opened(tmp_path / "lc.fits") as opened:
        table, header = opened["RATE"].data, opened["RATE"].header
        assert np.array_equal(table["COUNTS"], found.curve.counts)
        assert np.array_equal(table["RATE"], found.curve.rate, equal_nan=True)
        assert np.array_equal(table["ACCEPTED"], found.accepted)
        good = np.isfinite(table["RATE"])
        np.testing.assert_allclose(table["ERROR"][good], np.sqrt(table["COUNTS"][good]) / table["LIVE"][good])
        assert np.isnan(table["ERROR"][~good]).all()
        assert (header["E_MIN"], header["E_MAX"], header["TIMEDEL"], header["HDUCLAS1"]) == (2.5, 8.5, 60.0, "LIGHTCURVE")
        histogram = opened["HISTOGRAM"]
        assert histogram.header["CENTER"] == found.fit.centre_ct_s
        assert histogram.data["BINS"].sum() == pytest.approx(found.fit.counts.sum())
        assert opened["STDGTI"].data["START"].tolist() == found.gti.start_s.tolist()


def test_that_a_light_curve_of_all_energies_has_no_band(tmp_path: Path) -> None:
    write_lightcurve(tmp_path / "lc.fits", light_curve(events_in_memory(np.arange(9.0), [(0.0, 10.0)]), None, 1.0))
    assert "E_MIN" not in fits.getheader(tmp_path / "lc.fits", "RATE")


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.float32, np.float64, np.uint8, np.uint16, np.bool_])
def test_that_an_image_comes_back_with_values_grid_and_coordinates(tmp_path: Path, kind: type) -> None:
    values = np.arange(24).reshape(4, 6).astype(kind)
    image = SkyImage(values, GRID, IMAGE_WCS, "count", "x", (0.5, 2.0))
    write_image(tmp_path / "image.fits", image, events_in_memory(np.zeros(1), [(0, 1)]))
    with strictly_opened(tmp_path / "image.fits") as opened:
        assert np.array_equal(opened[0].data, values.astype(float))
        assert opened["STDGTI"].data["STOP"].tolist() == [1.0]
    again = read_image(tmp_path / "image.fits")
    assert np.array_equal(again.values, values.astype(float))
    assert again.values.dtype.isnative
    assert (again.grid, again.wcs, again.unit, again.band_kev) == (GRID, IMAGE_WCS, "count", (0.5, 2.0))
    assert read_grid(tmp_path / "image.fits") == GRID


def test_that_astropy_finds_the_same_sky_positions_in_a_written_image(tmp_path: Path) -> None:
    write_image(tmp_path / "image.fits", SkyImage(np.zeros((4, 6), np.int32), GRID, IMAGE_WCS, "count"))
    theirs = WCS(fits.getheader(tmp_path / "image.fits")).all_pix2world([[1.0, 1.0], [6.0, 4.0]], 1)
    ours = np.transpose(IMAGE_WCS.sky([1.0, 6.0], [1.0, 4.0]))
    np.testing.assert_allclose(theirs, ours, atol=1e-9)


def test_that_images_are_found_in_extensions_packed_scaled_and_with_idle_axes(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.int16).reshape(1, 3, 4)
    extension = fits.ImageHDU(values, name="SCI")
    extension.header.update({"BSCALE": 2.0, "BZERO": 1.0, "BLANK": 5})
    fits.HDUList([fits.PrimaryHDU(), extension]).writeto(tmp_path / "a.fits")
    # astropy applies the scale when it writes; set the keywords on the raw numbers instead
    raw = tmp_path / "raw.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(values, name="SCI")]).writeto(raw)
    with fits.open(raw, mode="update", do_not_scale_image_data=True) as opened:
        opened[1].header.update({"BSCALE": 2.0, "BZERO": 1.0, "BLANK": 5})
    raw.write_bytes(gzip.compress(raw.read_bytes()))
    expected = values[0] * 2.0 + 1.0
    expected[values[0] == 5] = np.nan
    assert np.array_equal(read_image(raw).values, expected, equal_nan=True)


def test_that_tile_compressed_images_are_read(tmp_path: Path) -> None:
    values = np.arange(10000, dtype=np.int32).reshape(100, 100)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(values)]).writeto(tmp_path / "packed.fits")
    assert np.array_equal(read_image(tmp_path / "packed.fits").values, values)


def test_that_an_event_list_is_no_image_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no two-dimensional image"):
        read_image(simple_list(tmp_path / "a.fits", [1.0]))


@pytest.mark.parametrize(
    ("keywords", "unit"),
    [
        ({"BUNIT": "ct"}, "count"),
        ({"CONTENT": "EPIC EXPOSURE MAP"}, "s"),
        ({"HDUCLAS2": "TOTAL"}, "count"),
        ({}, ""),
        ({"BUNIT": "photon/cm2"}, "photon/cm2"),
    ],
)
def test_that_the_unit_is_what_the_header_says(tmp_path: Path, keywords: dict[str, str], unit: str) -> None:
    fits.PrimaryHDU(np.ones((3, 3)), fits.Header(keywords)).writeto(tmp_path / "a.fits")
    assert read_image(tmp_path / "a.fits").unit == unit


def test_that_the_grid_is_found_through_ltv_and_through_the_sky(tmp_path: Path) -> None:
    by_ltv = fits.Header({"LTM1_1": 1 / 87, "LTM2_2": 1 / 43.5, "LTV1": 0.5 - 3648.5 / 87, "LTV2": 0.5 - 3649.5 / 43.5})
    fits.PrimaryHDU(np.zeros((4, 6)), by_ltv).writeto(tmp_path / "ltv.fits")
    found = read_grid(tmp_path / "ltv.fits")
    assert (found.edge_x, found.bin_x, found.edge_y, found.bin_y) == pytest.approx((3648.5, 87.0, 3649.5, 43.5))
    sky = {"CTYPE1": "RA---TAN", "CRVAL1": 150.0, "CRPIX1": 256.505747126437, "CDELT1": -87 / 72000}
    sky |= {"CTYPE2": "DEC--TAN", "CRVAL2": -11.0, "CRPIX2": 256.505747126437, "CDELT2": 87 / 72000}
    fits.PrimaryHDU(np.zeros((4, 6)), fits.Header(sky)).writeto(tmp_path / "sky.fits")
    events = events_in_memory(np.zeros(1), [(0, 1)], wcs=EVENT_WCS)
    assert read_grid(tmp_path / "sky.fits", events) == PixelGrid(3648.5, 3648.5, 87.0, 87.0, 6, 4)
    with pytest.raises(FileError, match="how its pixels lie"):
        read_grid(tmp_path / "sky.fits")
    elsewhere = events_in_memory(np.zeros(1), [(0, 1)], wcs=LinearWcs(1, 1, 10.0, 10.0, -0.1, 0.1))
    with pytest.raises(FileError, match="how its pixels lie"):
        read_grid(tmp_path / "sky.fits", elsewhere)
    fits.PrimaryHDU(np.zeros((4, 6)), fits.Header(sky) + by_ltv).writeto(tmp_path / "both.fits")
    with pytest.raises(FileError, match="another part of the sky"):
        read_grid(tmp_path / "both.fits", elsewhere)


def test_that_a_cut_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.ones((100, 100))).writeto(path)
    path.write_bytes(path.read_bytes()[:50000])
    with pytest.raises(FileError, match="cut short"):
        read_image(path)


@pytest.mark.parametrize("place", ["file.txt/new.fits", "missing/new.fits", "folder", "a" * 300, "/dev/null"])
def test_that_a_place_where_no_file_can_be_is_refused_by_name(tmp_path: Path, place: str) -> None:
    (tmp_path / "file.txt").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        write_gti(tmp_path / place, make_gti([0], [1]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file.txt", "folder"]
    assert Path("/dev/null").is_char_device()


def test_that_a_list_is_not_replaced_by_what_is_made_from_it(tmp_path: Path) -> None:
    path = simple_list(tmp_path / "list.fits", [1.0])
    before = path.read_bytes()
    (tmp_path / "link.fits").symlink_to(path)
    events = replace(events_in_memory(np.zeros(1), [(0, 1)]), path=str(path))
    image = SkyImage(np.zeros((4, 6), np.int32), GRID, IMAGE_WCS, "count")
    for name in ("list.fits", "link.fits"):
        with pytest.raises(FileError, match="would be replaced"):
            write_image(tmp_path / name, image, events)
        with pytest.raises(FileError, match="would be replaced"):
            write_gti(tmp_path / name, make_gti([0], [1]), events)
        with pytest.raises(FileError, match="would be replaced"):
            write_lightcurve(tmp_path / name, light_curve(events, None, 1.0), events)
    assert path.read_bytes() == before


def test_that_an_empty_list_gives_its_keywords_too(tmp_path: Path) -> None:
    write_gti(tmp_path / "gti.fits", make_gti([0], [1]), events_in_memory(np.zeros(0), [(0, 1)]))
    assert fits.getheader(tmp_path / "gti.fits")["TELESCOP"] == "XMM"


def test_that_a_full_disk_concerns_the_jobs_that_follow_too(tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FileError, match="No space left") as caught, part_file(tmp_path / "a.fits"):
        full()
    assert caught.value.pauses_lane and not list(tmp_path.iterdir())
    with pytest.raises(FileError) as caught:
        write_gti(tmp_path / "missing" / "a.fits", make_gti([0], [1]))
    assert not caught.value.pauses_lane
