"""What files of earlier results, and of the missions' software, tell of good time, limits and rates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.earlier import EarlierProduct, EarlierResults
from daxa_gui.core.errors import FileError
from daxa_gui.core.intervals import make_gti
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.step import Call
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.fits.products import write_gti
from daxa_gui.inspection import Inspection
from tests.fakes.inspecting import LENGTH_S, exposure_of, flared_list

K = ProductKind


@pytest.fixture(scope="module")
def event_file(tmp_path_factory) -> Path:
    return flared_list(tmp_path_factory.mktemp("events") / "flared.fits")


@pytest.fixture
def inspection(tmp_path):
    from daxa_gui.fits.columns import save_columns
    from daxa_gui.reduction.reading import read

    return Inspection(lambda _target, arguments: save_columns(read(arguments["path"]), arguments["folder"]), tmp_path / "cache")


def product(kind: K, path: Path, **parameters: object) -> EarlierProduct:
    return EarlierProduct("M1S001", kind, str(path), "/now", parameters=parameters)


def test_that_good_time_limits_and_the_rate_of_the_kept_list_are_read(inspection, event_file, tmp_path):
    events = inspection.open(event_file)
    cleaning = inspection.clean(events, inspection.default_parameters(events))
    inspection.write_gti(tmp_path / "gti.fits", cleaning, events)
    inspection.write_cleaning(tmp_path / "curve.fits", cleaning, events)
    earlier = EarlierResults(
        "3 sigma",
        (product(K.GTI, tmp_path / "gti.fits"), product(K.LIGHTCURVE, tmp_path / "curve.fits"),
         product(K.CLEAN_EVENTS, event_file)),
    )  # fmt: skip
    found = inspection.earlier_screening(earlier, FlareParameters((2.5, 8.5), 100.0))
    assert found.label == "3 sigma" and found.curve_of == "cleaned list"
    assert found.gti is not None and found.gti.total_s == pytest.approx(cleaning.gti.total_s)
    assert found.limits_ct_s == pytest.approx((cleaning.fit.low_ct_s, cleaning.fit.high_ct_s))
    assert found.curve is not None and found.curve.bin_s == 100.0
    np.testing.assert_array_equal(found.curve.counts, inspection.light_curve(events, (2.5, 8.5), 100.0).counts)


def test_that_a_list_before_cleaning_is_preferred_and_what_is_not_there_is_none(inspection, event_file, tmp_path):
    both = (product(K.CLEAN_EVENTS, tmp_path / "nothing.fits"), product(K.CALIBRATED_EVENTS, event_file))
    found = inspection.earlier_screening(EarlierResults("old", both), FlareParameters())
    assert found.curve_of == "calibrated list" and found.gti is None and found.limits_ct_s is None
    empty = inspection.earlier_screening(EarlierResults("old", ()), FlareParameters())
    assert empty.curve is None and empty.curve_of == ""


def test_that_limits_of_espfilt_are_its_fit_and_the_number_of_sigma_of_that_run(inspection, event_file, tmp_path):
    path = tmp_path / "allgood.fits"
    with fits.open(event_file) as hdus:
        hdus["EVENTS"].header["CENTER"], hdus["EVENTS"].header["WIDTH"] = 0.8, 0.1
        hdus.writeto(path)
    of_fit = product(K.ALL_GOOD_EVENTS, path, method="histogram", allowed_sigma=2.5)
    found = inspection.earlier_screening(EarlierResults("old", (of_fit,)), FlareParameters())
    assert found.limits_ct_s == pytest.approx((0.55, 1.05)) and found.limits_band_kev is None
    elsewhere = replace(of_fit, parameters={**of_fit.parameters, "band_ev": [10000.0, 12000.0]})
    found = inspection.earlier_screening(EarlierResults("old", (elsewhere,)), FlareParameters((2.5, 8.5)))
    assert found.limits_band_kev == (10.0, 12.0), "not that of the curve"
    strange = replace(of_fit, parameters={**of_fit.parameters, "allowed_sigma": 10**400})
    assert inspection.earlier_screening(EarlierResults("old", (strange,)), FlareParameters()).limits_ct_s is None
    by_ratio = replace(of_fit, parameters={"method": "ratio", "allowed_sigma": 2.5})
    assert inspection.earlier_screening(EarlierResults("old", (by_ratio,)), FlareParameters()).limits_ct_s is None


def test_that_a_kept_file_that_is_gone_is_told(inspection, tmp_path):
    gone = EarlierResults("old", (product(K.GTI, tmp_path / "gone.fits"),))
    with pytest.raises(FileError, match=r"gone\.fits"):
        inspection.earlier_screening(gone, FlareParameters())


@pytest.mark.parametrize(
    ("limits", "expected"),
    [([0.2, 0.9], (0.2, 0.9)), (None, None), (["a", "b"], None), ([0.1], None), ([0.1, np.nan], None), ([0.1, 10**400], None)],
)
def test_that_the_present_good_time_of_the_software_is_read_with_its_limits(
    inspection, event_file, tmp_path, limits, expected
):  # fmt: skip
    exposure = exposure_of(event_file)
    assert inspection.present_screening(exposure) is None, "it is the built-in engine's"
    path = tmp_path / "gti.fits"
    write_gti(path, make_gti([0.0], [LENGTH_S / 4]))
    job = Job(8, "reduce", "local", "xmm_pointed", exposure.obs_id, exposure.unit, "espfilt", "", Call("a:b"),
              state=JobState.SUCCEEDED, facts={"limits_ct_s": limits, "band_ev": [2500, 8500]})  # fmt: skip
    gti = Product(ProductKey("xmm_pointed", exposure.obs_id, K.GTI, "M1", "S001"), str(path), 1)
    found = inspection.present_screening(replace(exposure, flares=None, screening=job, gti=gti, cleaned_by="SAS"))
    assert found is not None and found.label == "SAS" and found.limits_ct_s == expected
    assert found.limits_band_kev == (2.5, 8.5)
    assert found.gti is not None and found.gti.total_s == LENGTH_S / 4
