"""Real event lists and images: the exact numbers that the files' own software wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.fits.products import read_grid, read_gti, read_image
from daxa_gui.fits.summary import summarise
from daxa_gui.reduction.engine.events import time_mask
from daxa_gui.reduction.engine.flares import find_flares
from daxa_gui.reduction.engine.image import default_grid, make_image
from daxa_gui.reduction.engine.lightcurve import light_curve
from daxa_gui.reduction.reading import read

MOS1 = "xmm/0404910601/eclean/mos1_exp1_clean_evts.fits"
SAS_IMAGE = "xmm/0404910601/images/0404910601_mos1_exp1-0.50-2.00keVimg.fits"
XRT = "swift/2014_11/00085374001/xrt"


@pytest.mark.parametrize(
    ("name", "rows"),
    [(MOS1, 72308), ("xmm/0201901401/eclean/mos1_exp1_clean_evts.fits", 22124),
     ("xmm/0201901401/eclean/mos2_exp1_clean_evts.fits", 20982), ("chandra/15043_flare_evt2.fits", 11244),
     ("chandra/15043_sgra_evt2.fits", 3537), (f"{XRT}/event/sw00085374001xpcw3po_cl.evt.gz", 553),
     ("nustar/nu90410111001A06_cl_sunpos.evt", 9442)],
)  # fmt: skip
def test_that_every_row_is_read(shared_data: Path, name: str, rows: int) -> None:
    assert summarise(read(str(shared_data / name)))["rows"] == rows


def test_that_good_time_per_ccd_is_that_of_the_data_subspace(shared_data: Path) -> None:
    facts = summarise(read(str(shared_data / MOS1)))
    assert [entry["ccd"] for entry in facts["good_time"]] == [1, 2, 3, 4, 5, 7]
    for entry in facts["good_time"]:
        assert entry["seconds"] == pytest.approx(12914.866, abs=5e-4)
        assert entry["intervals"] == 32
    assert facts["ontime_s"] == pytest.approx(12914.866, abs=5e-4)
    assert facts["livetime_s"] == pytest.approx(12667.139, abs=5e-4)
    assert facts["events_outside_good_time"] == 0


def test_that_standard_intervals_are_not_taken_for_good_time(shared_data: Path) -> None:
    facts = summarise(read(str(shared_data / "xmm/0201901401/eclean/mos1_exp1_clean_evts.fits")))
    first, second = facts["good_time"][:2]
    assert (first["seconds"], first["intervals"]) == (pytest.approx(5135.293, abs=5e-4), 31)
    assert (second["seconds"], second["intervals"]) == (pytest.approx(5150.0, abs=5e-4), 26)
    assert facts["events_outside_good_time"] == 0


def test_that_the_xmm_image_equals_the_one_of_sas_in_every_pixel(shared_data: Path) -> None:
    events = read(str(shared_data / MOS1))
    grid = default_grid(events)
    assert (grid.edge_x, grid.edge_y, grid.bin_x, grid.n_x, grid.n_y) == (3648.5, 3648.5, 87.0, 512, 512)
    image = make_image(events, (0.5, 2.0))
    assert image.values.sum() == 27546
    assert np.count_nonzero(image.values != fits.getdata(shared_data / SAS_IMAGE)) == 0


def test_that_the_grid_and_world_coordinates_of_the_sas_image_are_ours(shared_data: Path) -> None:
    events = read(str(shared_data / MOS1))
    assert read_grid(shared_data / SAS_IMAGE, events) == default_grid(events)
    ours, theirs = make_image(events, (0.5, 2.0)).wcs, read_image(shared_data / SAS_IMAGE).wcs
    assert ours is not None and theirs is not None
    for name in ("crpix_x", "crpix_y", "crval_ra_deg", "crval_dec_deg", "cdelt_x_deg", "cdelt_y_deg"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-9)


def test_that_the_swift_image_equals_the_one_of_the_archive_in_every_pixel(shared_data: Path) -> None:
    events = read(str(shared_data / f"{XRT}/event/sw00085374001xpcw3po_cl.evt.gz"))
    reference = shared_data / f"{XRT}/products/sw00085374001xpc_sk.img.gz"
    grid = read_grid(reference, events)
    assert (grid.edge_x, grid.bin_x, grid.n_x, grid.n_y) == (0.5, 1.0, 1000, 1000)
    for image in (make_image(events, None), make_image(events, None, grid=grid)):
        assert image.values.sum() == 553
        assert np.count_nonzero(image.values != fits.getdata(reference)) == 0


def test_that_the_exposure_map_is_read_in_seconds_and_has_the_on_time_as_maximum(shared_data: Path) -> None:
    exposure = read_image(shared_data / f"{XRT}/products/sw00085374001xpc_ex.img.gz")
    facts = summarise(read(str(shared_data / f"{XRT}/event/sw00085374001xpcw3po_cl.evt.gz")))
    assert exposure.unit == "s"
    assert float(np.max(exposure.values.astype(float))) == pytest.approx(1572.0771, abs=1e-4)
    assert facts["ontime_s"] == pytest.approx(1572.0771, abs=1e-4)
    assert facts["exposure_s"] == pytest.approx(1565.804, abs=1e-3)


def test_that_events_outside_good_time_are_counted_and_left_out(shared_data: Path) -> None:
    path = shared_data / f"{XRT}/event/sw00085374001xwtw2sl_uf.evt.gz"
    with fits.open(path) as opened:
        time, gti = opened["EVENTS"].data["TIME"], opened["GTI"].data
        inside = sum((time >= a) & (time < b) for a, b in zip(gti["START"], gti["STOP"], strict=True))
    events = read(str(path))
    assert summarise(events)["events_outside_good_time"] == len(time) - inside.sum() > 0
    assert time_mask(events).sum() == inside.sum()


def test_that_live_time_and_on_time_of_nustar_are_kept_apart(shared_data: Path) -> None:
    facts = summarise(read(str(shared_data / "nustar/nu90410111001A06_cl_sunpos.evt")))
    assert facts["ontime_s"] == pytest.approx(101.0, abs=5e-4)
    assert facts["livetime_s"] == facts["exposure_s"] == pytest.approx(70.032, abs=5e-4)


@pytest.mark.parametrize(("name", "good", "exposure"), [("flare", 5538.240, 5022.891), ("sgra", 50064.571, 45405.923)])
def test_that_chandra_lists_have_their_one_interval(shared_data: Path, name: str, good: float, exposure: float) -> None:
    facts = summarise(read(str(shared_data / f"chandra/15043_{name}_evt2.fits")))
    assert facts["good_time"] == [{"ccd": 7, "seconds": pytest.approx(good, abs=5e-4), "intervals": 1}]
    assert facts["ontime_s"] == pytest.approx(good, abs=5e-4)
    assert facts["exposure_s"] == pytest.approx(exposure, abs=5e-4)


def test_that_the_flare_of_sgr_a_is_found_in_its_few_counts(shared_data: Path) -> None:
    events = read(str(shared_data / "chandra/15043_sgra_evt2.fits"))
    found = find_flares(events, FlareParameters((0.5, 7.0), 200.0))
    peak = int(np.nanargmax(found.curve.rate))
    assert found.curve.rate[peak] > 20 * found.fit.centre_ct_s
    assert not found.accepted[peak]
    removed = 1.0 - found.kept_fraction
    assert removed * 50064.571 == pytest.approx(5538.24, rel=0.15)  # the interval that the flare list was cut to
    assert found.useful


def test_that_the_flare_list_of_chandra_shows_its_flare(shared_data: Path) -> None:
    events = read(str(shared_data / "chandra/15043_flare_evt2.fits"))
    curve = light_curve(events, None, 200.0)
    assert curve.counts.sum() == 11244
    assert curve.live_s.sum() == pytest.approx(5538.240, abs=5e-4)
    assert np.nanmax(curve.rate) > 1.5 * np.nanmin(curve.rate)


def test_that_packed_and_rotated_images_are_read(shared_data: Path) -> None:
    packed = read_image(shared_data / "xmm/pps_P0098010101M2U009IMAGE_3000.FTZ")
    assert (packed.values.shape, packed.unit, packed.grid.bin_x) == ((648, 648), "count", 80.0)
    chandra = read_image(shared_data / "chandra/15043_repro_2-8keV_img.fits")
    assert chandra.grid.edge_x == pytest.approx(3992.71)


def test_that_good_times_are_read_from_tables_and_from_the_text_of_espfilt(shared_data: Path) -> None:
    for name in ("0087940201_mos1S001-gti-ori.txt", "0087940201_pnS003-gti.txt"):
        path = shared_data / "xmm_espfilt_gti" / name
        gti = read_gti(path)
        assert len(gti) == len(path.read_text().splitlines())
        assert float(np.min(gti.stop_s - gti.start_s)) >= 119.0
    assert len(read_gti(shared_data / "chandra/acisf15043_repro_flt2.fits")) == 1
