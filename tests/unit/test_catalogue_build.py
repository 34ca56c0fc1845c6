"""Catalogues from columns: nothing is dropped, what is wrong is marked, what follows from the mission is filled in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.core.filters import Exposure
from daxa_gui.missions import MISSIONS

XMM, CHANDRA = MISSIONS["xmm_pointed"], MISSIONS["chandra"]


def columns(**changed: Any) -> dict[str, Any]:
    return {
        "obs_id": np.array(["0201903501", "0201903502", "0201903503"]),
        "ra_deg": np.array([10.0, 360.0, 359.5]),
        "dec_deg": np.array([-5.0, 20.0, 89.0]),
        "unusable_reason": np.array(["", "no exposure", ""]),
        "instruments": np.array(["M1 M2 PN", "PN", ""]),
        "revolution": np.array([1, 2, 3]),
        "mode": np.array(["full", "full", "timing"]),
    } | changed


def test_that_known_columns_are_taken_and_the_others_are_unknown() -> None:
    catalogue = catalogue_from(XMM, columns(), provenance="Made for a test.")
    assert catalogue.obs_id.tolist() == ["0201903501", "0201903502", "0201903503"]
    assert np.isnan(catalogue.start_mjd).all() and np.isnan(catalogue.exposure_s).all()
    assert catalogue.target.tolist() == ["", "", ""] == catalogue.category.tolist()
    assert catalogue.extra["revolution"].tolist() == [1, 2, 3]
    assert catalogue.extra["mode"].tolist() == ["full", "full", "timing"]
    assert not catalogue.simulated.any()
    assert catalogue.ra_deg.tolist() == [10.0, 0.0, 359.5]


OFF_THE_SKY = [(math.nan, 1.0), (1.0, math.nan), (-0.1, 1.0), (360.1, 1.0), (1.0, 90.1), (math.inf, 0.0)]


@pytest.mark.parametrize(("ra", "dec"), OFF_THE_SKY)
def test_that_rows_without_a_position_stay_and_are_marked(ra: float, dec: float) -> None:
    given = columns(ra_deg=np.array([1.0, ra, ra]), dec_deg=np.array([1.0, dec, dec]))
    catalogue = catalogue_from(XMM, given, provenance="")
    assert catalogue.unusable_reason.tolist() == ["", "no exposure ; no coordinates", "no coordinates"]
    assert np.isnan(catalogue.ra_deg).tolist() == np.isnan(catalogue.dec_deg).tolist() == [False, True, True]


def test_that_a_reason_is_not_given_twice() -> None:
    given = columns(ra_deg=np.full(3, np.nan), unusable_reason=np.array(["no coordinates", "a ; no coordinates", ""]))
    reasons = catalogue_from(XMM, given, provenance="").unusable_reason
    assert reasons.tolist() == ["no coordinates", "a ; no coordinates", "no coordinates"]


def test_that_an_obs_id_of_another_form_stays_and_is_marked() -> None:
    catalogue = catalogue_from(XMM, columns(obs_id=np.array(["0201903501", "7", "0201903501"])), provenance="")
    assert catalogue.obs_id.tolist() == ["0201903501", "7", "0201903501"]
    assert catalogue.unusable_reason.tolist() == ["", "no exposure ; malformed ObsID", ""]


def test_that_each_row_gets_the_distance_of_its_own_instrument_and_the_mission_its_shapes() -> None:
    given = {
        "obs_id": np.array(["1", "2", "3", "4"]),
        "ra_deg": np.zeros(4),
        "dec_deg": np.zeros(4),
        "instruments": np.array(["ACIS", "HRC", "ACIS HETG", ""]),
    }
    catalogue = catalogue_from(CHANDRA, given, provenance="")
    assert (catalogue.search_radius_deg / catalogue.fov_radius_deg).tolist() == pytest.approx([1.2] * 4)
    assert (catalogue.fov_radius_deg * 60).tolist() == pytest.approx([27.8, 49.5, 27.8, 49.5])
    assert set(catalogue.footprints) == {instrument.name for instrument in CHANDRA.instruments}


def test_that_an_instruments_own_exposure_is_what_a_filter_of_exposure_looks_at() -> None:
    given = {"obs_id": np.array(["00000000001"]), "ra_deg": np.zeros(1), "dec_deg": np.zeros(1), "exposure_s": np.array([5000.0])}
    own = {"xrt_exposure": np.array([5000.0]), "uvot_exposure": np.array([300.0]), "bat_exposure": np.array([0.0])}
    catalogue = catalogue_from(MISSIONS["swift"], {**given, **own, "instruments": np.array(["XRT UVOT"])}, provenance="")
    seconds = {name: Exposure(min_s=0.0, instrument=name).seconds(catalogue).tolist() for name in ("XRT", "uvot", "BAT", "")}
    assert seconds == {"XRT": [5000.0], "uvot": [300.0], "BAT": [0.0], "": [5000.0]}


def test_that_the_version_changes_with_the_content_and_not_with_the_width_of_its_types() -> None:
    first = catalogue_from(XMM, columns(), provenance="").version
    assert catalogue_from(XMM, columns(obs_id=columns()["obs_id"].astype("U40")), provenance="other").version == first
    for name, value in [("ra_deg", 11.0), ("obs_id", "0201903599"), ("mode", "slow"), ("revolution", 9), ("instruments", "M1")]:
        changed = columns()[name].copy()
        changed[0] = value
        assert catalogue_from(XMM, columns(**{name: changed}), provenance="").version != first
    assert catalogue_from(XMM, columns(), provenance="", version="2025-01").version == "2025-01"


def test_that_no_rows_are_a_catalogue_too() -> None:
    empty = {name: array[:0] for name, array in columns().items()}
    catalogue = catalogue_from(XMM, empty, provenance="")
    assert len(catalogue) == 0 and catalogue.vectors.shape == (0, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ra_deg": np.zeros(2)},
        {"target_type": np.array(["XYZ", "", ""])},
        {"mode": np.array([None, {}, ()], object)},
    ],
)
def test_that_columns_that_do_not_fit_are_a_mistake_of_the_program(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        catalogue_from(XMM, columns(**wrong), provenance="")
    with pytest.raises(ValueError, match="dec_deg"):
        catalogue_from(XMM, {"obs_id": np.array(["1"]), "ra_deg": np.zeros(1)}, provenance="")
