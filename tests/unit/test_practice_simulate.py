"""The physics of the practice sky, as far as it must teach the right thing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from daxa_gui.practice import cameras, flares, simulate, spectra, telescopes, xmm
from daxa_gui.practice.flares import GRID_S, generator
from daxa_gui.practice.sky import SOURCES, Flares, Source, observations_of

QUIET, FLARED, WHOLLY, CLOSED = observations_of("xmm_pointed")
STAR = Source("Point", 160.25, -12.35, 3e-12, "power", 1.7)


def look(**changes: object) -> simulate.Look:
    plain = simulate.Look(telescopes.MOS, cameras.MOS2, 160.25, -12.35, 30.0, ((0.0, 10000.0),), 1.0)
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_that_random_numbers_belong_to_seed_and_words_only() -> None:
    first = generator(1, "0999900101", "M1").random(5)
    generator(1, "0999900101", "M2").random(100)
    assert np.array_equal(generator(1, "0999900101", "M1").random(5), first)
    assert not np.array_equal(generator(2, "0999900101", "M1").random(5), first)
    assert not np.array_equal(generator(1, "0999900101", "M2").random(5), first)


def test_that_a_source_has_the_flux_that_it_declares() -> None:
    for source in SOURCES:
        photons = spectra.source_photons(source)
        band = (spectra.CENTRES_KEV >= 0.5) & (spectra.CENTRES_KEV <= 2.0)
        assert np.sum(photons[band] * spectra.CENTRES_KEV[band]) * spectra.KEV_ERG == pytest.approx(source.flux_cgs, rel=1e-6)


def test_that_an_absorbed_source_is_harder() -> None:
    plain = spectra.source_photons(replace(STAR, column_1e22=0.01))
    absorbed = spectra.source_photons(replace(STAR, column_1e22=3.0))
    assert spectra.share_in_band(absorbed, 2.0, 10.0) > 3 * spectra.share_in_band(plain, 2.0, 10.0)


def test_that_drawn_energies_follow_the_weights() -> None:
    weights = spectra.proton_shape((0.2, 12.0))
    energies = spectra.draw_energies(weights, 200_000, generator(1, "e"))
    share = np.mean((energies >= 2.5) & (energies <= 8.5))
    assert share == pytest.approx(spectra.share_in_band(weights, 2.5, 8.5), abs=0.006)


def test_that_half_the_light_of_a_king_profile_lies_inside_its_half_radius() -> None:
    core, slope = 4.0, 1.5
    radii = simulate.king_radii(core, slope, 100_000, generator(1, "k"))
    half = core * np.sqrt(0.5 ** (1 / (1 - slope)) - 1)  # without the cut at 60 cores, which takes 2 % away
    assert np.mean(radii < half) == pytest.approx(0.51, abs=0.01)


def test_that_light_falls_off_away_from_the_axis_and_more_so_at_high_energies() -> None:
    off_axis = np.array([0.0, 5.0, 10.0])
    soft = simulate.vignetting(telescopes.MOS, off_axis, np.full(3, 1.5))
    hard = simulate.vignetting(telescopes.MOS, off_axis, np.full(3, 8.0))
    assert soft[0] == 1.0
    assert np.all(np.diff(soft) < 0)
    assert hard[2] < soft[2]


@pytest.mark.parametrize(
    "camera",
    [cameras.MOS1, cameras.MOS2, cameras.PN, cameras.ACIS_I, cameras.NUSTAR_B, cameras.XRT, cameras.PSPC],
    ids=lambda c: c.name,
)
def test_that_sky_and_camera_coordinates_are_inverse_and_raw_pixels_lie_on_their_chip(camera: cameras.Camera) -> None:
    sky = generator(1, camera.name).uniform(-300, 300, (2, 1000))
    u, v = camera.from_sky(sky, 77.0)
    assert np.allclose(camera.to_sky(u, v, 77.0), sky)
    number, raw_x, raw_y = camera.place(u, v)
    chips = {chip.number: chip for chip in camera.chips}
    assert np.mean(number >= 0) > 0.9
    for row in np.flatnonzero(number >= 0)[:200]:
        centre = chips[int(number[row])].uv(np.array(float(raw_x[row])), np.array(float(raw_y[row])))
        pixel = np.hypot(*chips[int(number[row])].step_x)
        assert np.hypot(centre[0] - u[row], centre[1] - v[row]) <= 0.71 * pixel


def test_that_a_source_appears_where_it_is_and_nothing_falls_into_gaps() -> None:
    observed = look(roll_deg=123.0, ra_deg=160.30, dec_deg=-12.38)
    events = simulate.simulate(observed, (STAR,), generator(1, "p"))
    sky = observed.camera.to_sky(events.u, events.v, observed.roll_deg)
    distance = sky - simulate.sky_offset(observed, STAR)
    near = (events.kind == simulate.LIGHT) & (np.hypot(*distance) < 15)
    assert near.sum() > 500
    assert np.all(np.abs(np.median(distance[:, near], axis=1)) < 0.6)
    assert np.all(events.chip > 0)


def test_that_counts_grow_with_time_and_live_fraction() -> None:
    whole = simulate.simulate(look(), (STAR,), generator(1, "c"))
    half = simulate.simulate(look(live=0.5), (STAR,), generator(1, "c"))
    light, less = (np.sum(events.kind == simulate.LIGHT) for events in (whole, half))
    assert less == pytest.approx(light / 2, abs=5 * np.sqrt(light))


def test_that_a_variable_source_follows_its_sine() -> None:
    variable = replace(STAR, period_s=10000.0, amplitude=0.8, flux_cgs=2e-11)
    events = simulate.simulate(look(), (variable,), generator(1, "v"))
    times = events.time_s[events.kind == simulate.LIGHT]
    assert np.sum(times < 5000) > 1.8 * np.sum(times >= 5000)


def test_that_events_lie_in_the_intervals() -> None:
    good = ((100.0, 400.0), (900.0, 1000.0))
    events = simulate.simulate(look(good=good, protons_ct_s=np.full(300, 2.0)), (STAR,), generator(1, "g"))
    assert len(events) > 100
    assert np.all(flares.inside(events.time_s, good))


def test_that_a_closed_filter_lets_no_light_and_no_protons_through() -> None:
    events = simulate.simulate(look(closed=True, protons_ct_s=np.full(2000, 5.0)), (STAR,), generator(1, "x"))
    assert set(np.unique(events.kind)) <= {simulate.PARTICLE, simulate.HOT}
    assert len(events) > 1000


def test_that_light_and_protons_never_reach_the_corners_but_particles_do() -> None:
    events = simulate.simulate(look(protons_ct_s=np.full(2000, 3.0)), (STAR,), generator(1, "y"))
    corner = ~events.in_fov
    assert corner.sum() > 200
    assert not np.any(corner & np.isin(events.kind, (simulate.LIGHT, simulate.PROTON)))
    assert np.sum(events.kind == simulate.PROTON) > 10_000


def test_that_the_rate_of_protons_is_the_one_asked_for() -> None:
    events = simulate.simulate(look(protons_ct_s=np.full(2000, 3.0)), (), generator(1, "z"))
    hard = (events.kind == simulate.PROTON) & (events.energy_kev >= 2.5) & (events.energy_kev <= 8.5)
    assert hard.sum() / 10_000.0 == pytest.approx(3.0, rel=0.15)  # chip gaps and the telescope take a little away


def test_that_spikes_rise_fast_and_fall_slowly() -> None:
    rate = flares.flare_rate(Flares(spikes=1, spike_ct_s=10.0), 20_000.0, generator(3, "s"))
    peak = int(np.argmax(rate))
    half = np.flatnonzero(rate > rate[peak] / 2)
    assert rate[peak] > 1.0
    assert half[-1] - peak > peak - half[0]


def test_that_a_whole_plateau_varies_strongly_and_never_becomes_quiet() -> None:
    rate = flares.flare_rate(WHOLLY.flares, 19_000.0, generator(1, WHOLLY.obs_id, "flares"))
    assert rate.min() > 20 * flares.QUIET_PROTONS_CT_S
    assert rate.std() / rate.mean() > 0.25


def test_that_arrival_times_follow_the_rate() -> None:
    rate = np.where(np.arange(400) < 200, 1.0, 9.0)
    times = flares.times_from_rate(rate, 5.0, ((0.0, 2000.0),), generator(1, "t"))
    assert len(times) == pytest.approx(5.0 * rate.sum() * GRID_S, rel=0.02)
    assert np.mean(times < 1000) == pytest.approx(0.1, abs=0.01)


def test_that_orbits_add_up_to_the_exposure() -> None:
    intervals = flares.orbit_intervals(60_000.0, 7800.0, 6)
    assert flares.total_s(intervals) == pytest.approx(7800.0, abs=0.01)
    assert intervals[0][0] == 0.0
    assert intervals[-1][1] == pytest.approx(60_000.0, abs=0.01)
    assert all(stop < start for (_, stop), (start, _) in pairwise(intervals))


def hard_rates(observation: object, instrument: str) -> tuple[np.ndarray, np.ndarray]:
    """Rates in 60 s bins, 2.5-8.5 keV, inside and outside the field of view."""
    exposure, data = xmm.observe(observation, instrument, 1)  # type: ignore[arg-type]
    hard = (data.pi >= 2500) & (data.pi <= 8500)
    edges = np.arange(exposure.tstart_s, exposure.tstop_s - 60, 60.0)
    outside = data.flag & 0x10000 != 0
    return tuple(np.histogram(data.time_s[hard & part], edges)[0] / 60.0 for part in (~outside, outside))  # type: ignore[return-value]


def test_that_flares_raise_the_hard_rate_in_the_field_of_view_and_not_in_the_corners() -> None:
    quiet, quiet_corner = hard_rates(QUIET, "M1")
    flared, flared_corner = hard_rates(FLARED, "M1")
    wholly, wholly_corner = hard_rates(WHOLLY, "M1")
    level, poisson = np.median(quiet), np.sqrt(np.median(quiet) / 60)
    assert quiet.std() < 1.3 * poisson
    assert flared.max() > 5 * level
    assert np.percentile(flared, 20) < 1.3 * level  # quiet time is left
    assert 0.4 < np.mean(flared < level + 5 * poisson) < 0.85
    assert np.percentile(wholly, 1) > 1.5 * level  # no quiet time is left
    assert wholly.std() > 5 * np.sqrt(wholly.mean() / 60)
    for corner in (flared_corner, wholly_corner):
        assert corner.mean() == pytest.approx(quiet_corner.mean(), rel=0.15)


def test_that_flares_come_to_all_cameras_at_the_same_time() -> None:
    mos, pn = hard_rates(FLARED, "M2")[0], hard_rates(FLARED, "PN")[0]
    delay = len(mos) - len(pn)
    assert np.corrcoef(mos[delay:], pn)[0, 1] > 0.9


def test_that_the_closed_exposure_shows_the_lines_of_its_calibration_source_and_no_cluster() -> None:
    _, data = xmm.observe(CLOSED, "M1", 1)
    spectrum = np.bincount(data.pi, minlength=12_000)
    assert spectrum[5800:6000].sum() > 3 * spectrum[6100:6300].sum()
    counts = np.histogram2d(data.det_x, data.det_y, bins=8)[0]
    assert counts.max() < 2.5 * np.median(counts[counts > 0])
