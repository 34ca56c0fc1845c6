"""What the practice sky declares: places, names, ObsIDs, times."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.core.sky import ICRS_TO_GALACTIC, lon_lat_deg, separation_deg, unit_vectors
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.practice import clock, sky

CALPV = Path(__file__).resolve().parents[3] / "shared/reference/erosita_calpv_observations.csv"
# Mission's form of an ObsID, and what real ones never begin with.
OBS_IDS = {
    "xmm_pointed": r"09999\d{5}",
    "chandra": r"99\d{3}",
    "erosita_calpv": r"9999\d\d",
    "rosat_pointed": r"RP8999\d\dN00",
    "swift": r"09999\d{6}",
    "nustar_pointed": r"79999\d{6}",
}


def test_that_the_field_lies_in_the_german_half_away_from_special_places() -> None:
    vector = unit_vectors(sky.CENTRE.ra_deg, sky.CENTRE.dec_deg)
    longitude, latitude = lon_lat_deg(ICRS_TO_GALACTIC @ vector)
    assert 180 < longitude < 359
    assert latitude > 20
    assert separation_deg(vector, unit_vectors(0.0, 0.0)) > 8


def test_that_no_real_calpv_field_is_near() -> None:
    if not CALPV.exists():
        pytest.skip(f"{CALPV} is not there")
    rows = list(csv.DictReader(CALPV.open(encoding="utf-8")))
    others = unit_vectors([float(row["ra_deg"]) for row in rows], [float(row["dec_deg"]) for row in rows])
    assert separation_deg(unit_vectors(sky.CENTRE.ra_deg, sky.CENTRE.dec_deg)[None, :], others).min() > 8


def test_that_obs_ids_have_the_missions_form_outside_the_real_ranges() -> None:
    assert set(sky.SIMULATED_MISSIONS) == set(OBS_IDS)
    for observation in sky.OBSERVATIONS:
        assert re.fullmatch(OBS_IDS[observation.mission], observation.obs_id)
    assert len({o.obs_id for o in sky.OBSERVATIONS}) == len(sky.OBSERVATIONS)


def test_that_there_are_a_quiet_a_flared_a_wholly_flared_and_a_closed_xmm_observation() -> None:
    quiet, flared, wholly, closed = sky.observations_of("xmm_pointed")
    assert not quiet.flares.plateaus
    assert not quiet.flares.spikes
    assert 0.1 < sum(length for _, length in flared.flares.plateaus) < 0.5
    assert wholly.flares.plateaus == ((0.0, 1.0),)
    assert closed.filter == "CalClosed"
    assert "CalClosed" in closed.unusable_reason
    assert not quiet.unusable_reason


@pytest.mark.parametrize("observation", sky.OBSERVATIONS, ids=lambda o: o.obs_id)
def test_that_every_observation_is_consistent(observation: sky.Observation) -> None:
    span_s = (clock.utc_mjd(observation.end_utc) - clock.utc_mjd(observation.start_utc)) * 86400
    assert 0 < observation.exposure_s <= span_s
    assert observation.target_type in TARGET_TYPES
    place, centre = unit_vectors(observation.ra_deg, observation.dec_deg), unit_vectors(sky.CENTRE.ra_deg, sky.CENTRE.dec_deg)
    assert separation_deg(place, centre) < 0.05


def test_that_names_are_unique_and_lead_to_the_sources() -> None:
    names = sky.names()
    assert len({name.name.casefold() for name in names}) == len(sky.SOURCES)
    assert names[0].name == "Practice Cluster"
    assert (names[0].ra_deg, names[0].dec_deg) == (sky.SOURCES[0].ra_deg, sky.SOURCES[0].dec_deg)


@pytest.mark.parametrize(
    ("utc", "mjdref", "seconds"),
    [
        ("2014-11-07T08:16:13Z", 51910 + 7.4287037e-4, 437040976.17),  # TSTART of a real Swift list (its DATE-OBS is cut)
        ("2018-09-28T18:48:35Z", 55197 + 7.6601852e-4, 275856515.0 + 3.0),  # NuSTAR counts UTC leap seconds since 2010
        ("1998-01-01T00:00:00Z", 50814.0, 63.184),
    ],
)
def test_that_mission_seconds_agree_with_real_headers(utc: str, mjdref: float, seconds: float) -> None:
    assert clock.mission_seconds(clock.utc_mjd(utc), mjdref) == pytest.approx(seconds, abs=1.0)


def test_that_times_survive_text_and_back() -> None:
    for mjd in np.linspace(48000, 60000, 7):
        assert clock.utc_mjd(clock.iso_utc(mjd)) == pytest.approx(mjd, abs=0.6 / 86400)
    assert clock.iso_utc(clock.utc_mjd("2016-12-31T23:59:59Z")) == "2016-12-31T23:59:59Z"


def test_that_utc_clocks_ignore_leap_seconds() -> None:
    before, after = (clock.mission_seconds(clock.utc_mjd(day), 48043.0, "UTC") for day in ("1992-06-30", "1992-07-02"))
    assert after - before == pytest.approx(2 * 86400)
