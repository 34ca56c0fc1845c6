"""Events of one camera looking at the practice sky: light, the particles that are always there, and soft protons."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.sky import LinearWcs
from daxa_gui.practice import spectra
from daxa_gui.practice.cameras import Camera
from daxa_gui.practice.flares import Floats, Intervals, even_times, inside, times_from_rate, total_s
from daxa_gui.practice.sky import Source
from daxa_gui.practice.telescopes import Telescope

LIGHT, PARTICLE, PROTON, HOT = 0, 1, 2, 3  # values of Events.kind
_DITHER_PERIODS_S = (1000.0, 707.0)  # those of Chandra


@dataclass(frozen=True)
class Look:
    """One camera's look at the sky: where, when, and how much of the light gets in.

    `good` are intervals in seconds since the start of the observation, in which events are recorded; `live` is the
    fraction of that time in which the detector was ready. `protons_ct_s` is the rate of soft protons in the steps of
    `flares.GRID_S` (one MOS, 2.5-8.5 keV) or None. `closed` keeps all light and protons out.
    """

    telescope: Telescope
    camera: Camera
    ra_deg: float
    dec_deg: float
    roll_deg: float
    good: Intervals
    live: float = 1.0
    protons_ct_s: Floats | None = None
    closed: bool = False
    area_factor: float = 1.0
    extra_lines: tuple[spectra.Line, ...] = ()  # of a calibration source, added to the particles
    extra_ct_s_arcmin2: float = 0.0


@dataclass(frozen=True, eq=False)
class Events:
    """What was recorded, in no order. Arrays have shape (n,).

    `time_s` since the start of the observation, `energy_kev` as measured, (`u`, `v`) camera coordinates in arcsec, `chip`
    and raw pixel, `kind` one of LIGHT, PARTICLE, PROTON, HOT, `in_fov` whether light can reach the place.
    """

    time_s: Floats
    energy_kev: Floats
    u: Floats
    v: Floats
    chip: NDArray[np.int16]
    raw_x: NDArray[np.int16]
    raw_y: NDArray[np.int16]
    kind: NDArray[np.uint8]
    in_fov: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time_s)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Events:
        return replace(self, **{item.name: getattr(self, item.name)[rows] for item in fields(self)})


def king_radii(core: Floats | float, slope: float, n: int, rng: np.random.Generator, reach: float = 60.0) -> Floats:
    """Radii whose surface density is (1 + (r / core)²)^-slope, cut at `reach` cores. Also the projection of a beta model."""
    inside_reach = 1.0 - (1.0 + reach**2) ** (1.0 - slope)
    fraction = rng.random(n) * inside_reach
    return core * np.sqrt((1.0 - fraction) ** (1.0 / (1.0 - slope)) - 1.0)


def _turned(radius: Floats, rng: np.random.Generator) -> Floats:
    angle = rng.random(len(radius)) * 2 * np.pi
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)])


def vignetting(telescope: Telescope, off_axis_arcmin: Floats, energy_kev: Floats) -> Floats:
    """Fraction of the light of the axis."""
    scale = telescope.vignetting_arcmin * (energy_kev / 1.5) ** -0.15
    return 1.0 / (1.0 + (off_axis_arcmin / scale) ** 2)


def dither(telescope: Telescope, time_s: Floats) -> Floats:
    """How far the telescope points away, (−east, north) in arcsec, shape (2, n)."""
    phases = [2 * np.pi * time_s / period for period in _DITHER_PERIODS_S]
    return telescope.dither_arcsec * np.stack([np.sin(phases[0]), np.sin(phases[1])])


def sky_offset(look: Look, source: Source) -> Floats:
    """(−east, north) in arcsec of a source, shape (2, 1)."""
    x, y = LinearWcs(0, 0, look.ra_deg, look.dec_deg, -1 / 3600, 1 / 3600).pixel([source.ra_deg], [source.dec_deg])
    return np.stack([x, y])


def _source_light(look: Look, source: Source, area: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats] | None:
    """Times, true energies and sky offsets of the photons that pass the telescope's axis, or None if there are none."""
    offset = sky_offset(look, source)
    reach = look.camera.fov_radius_arcsec + np.hypot(*look.camera.boresight) + 12 * source.core_arcsec + 120
    weights = spectra.source_photons(source) * area
    exposure_s = total_s(look.good) * look.live
    if not np.all(np.hypot(*offset) < reach):
        return None
    n = rng.poisson(weights.sum() * exposure_s * (1 + source.amplitude))
    time = even_times(n, look.good, rng)
    if source.amplitude:
        phase = 2 * np.pi * time / source.period_s
        time = time[rng.random(n) * (1 + source.amplitude) < 1 + source.amplitude * np.sin(phase)]
    n = len(time)
    sky = np.broadcast_to(offset, (2, n))
    if source.core_arcsec:
        sky = sky + _turned(king_radii(source.core_arcsec, 3 * source.beta - 0.5, n, rng, reach=12.0), rng)
    return time, spectra.draw_energies(weights, n, rng), sky


def _diffuse_light(look: Look, area: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    radius = look.camera.fov_radius_arcsec + 60.0
    weights = spectra.diffuse_photons() * area * (np.pi * (radius / 60) ** 2)
    n = rng.poisson(weights.sum() * total_s(look.good) * look.live)
    centre = look.camera.to_sky(np.array([look.camera.fov_centre[0]]), np.array([look.camera.fov_centre[1]]), look.roll_deg)
    sky = centre + _turned(radius * np.sqrt(rng.random(n)), rng)
    return even_times(n, look.good, rng), spectra.draw_energies(weights, n, rng), sky


def _recorded_light(
    look: Look, time: Floats, energy: Floats, sky: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Blur, dither, vignette: (time, measured energy, u, v) of the photons that reach the focal plane."""
    telescope, camera = look.telescope, look.camera
    if telescope.dither_arcsec:
        sky = sky - dither(telescope, time)
    u, v = camera.from_sky(sky, look.roll_deg)
    off_axis = camera.off_axis_arcmin(u, v)
    passes = (off_axis * 60 < camera.fov_radius_arcsec) & (rng.random(len(time)) < vignetting(telescope, off_axis, energy))
    time, energy, u, v, off_axis = time[passes], energy[passes], u[passes], v[passes], off_axis[passes]
    core = telescope.psf_arcsec * (1 + (off_axis / telescope.psf_growth_arcmin) ** 2) * energy**telescope.psf_energy_power
    blur = _turned(king_radii(core, telescope.psf_slope, len(time), rng), rng)
    return time, spectra.blurred(energy, telescope.noise_ev, telescope.fano_ev2, rng), u + blur[0], v + blur[1]


def light(look: Look, sources: tuple[Source, ...], rng: np.random.Generator) -> list[tuple[Floats, Floats, Floats, Floats]]:
    """All photons of the sky that reach the focal plane, one entry per source and one for what lies between them."""
    area = spectra.area_on_grid(look.telescope.area) * look.area_factor
    drawn = [_source_light(look, source, area, rng) for source in sources] + [_diffuse_light(look, area, rng)]
    return [_recorded_light(look, *photons, rng) for photons in drawn if photons is not None]


def particles(look: Look, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Events of charged particles and of a calibration source: everywhere on the chips, also where no light comes."""
    telescope, area = look.telescope, look.camera.area_arcmin2
    exposure_s = total_s(look.good) * look.live
    shape = spectra.particle_shape(telescope.particle_slope, telescope.particle_lines, telescope.band_kev)
    n = rng.poisson(telescope.particles_ct_s_arcmin2 * area * exposure_s)
    energy = spectra.draw_energies(shape, n, rng)
    if look.extra_ct_s_arcmin2:
        extra = spectra.particle_shape(-1.0, look.extra_lines, telescope.band_kev)
        m = rng.poisson(look.extra_ct_s_arcmin2 * area * exposure_s)
        energy = np.concatenate([energy, spectra.draw_energies(extra, m, rng)])
    u, v = look.camera.scatter(len(energy), rng)
    measured = spectra.blurred(energy, telescope.noise_ev, telescope.fano_ev2, rng)
    return even_times(len(energy), look.good, rng), measured, u, v


def protons(look: Look, rate_ct_s: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Soft protons: focused by the telescope like light, though more evenly, and never seen outside the field of view."""
    telescope, camera = look.telescope, look.camera
    shape = spectra.proton_shape(telescope.band_kev)
    factor = telescope.protons * look.live / spectra.share_in_band(shape, 2.5, 8.5)
    time = times_from_rate(rate_ct_s, factor, look.good, rng)
    # Drawn over the whole field of view and thinned by their flat vignetting, which loses a tenth of them.
    radius = camera.fov_radius_arcsec * np.sqrt(rng.random(len(time)))
    offset = _turned(radius, rng)
    keeps = rng.random(len(time)) < 1 / (1 + (radius / 60 / 40.0) ** 2)
    u, v = offset[0][keeps] + camera.fov_centre[0], offset[1][keeps] + camera.fov_centre[1]
    return time[keeps], spectra.draw_energies(shape, int(keeps.sum()), rng), u, v


def hot_pixels(look: Look, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Noise in and around the hot pixels of the camera: low energies, always the same places."""
    parts: list[tuple[Floats, Floats, Floats, Floats]] = []
    chips = {chip.number: chip for chip in look.camera.chips}
    for number, x, y in look.camera.hot_pixels:
        if number not in chips:
            continue
        n = rng.poisson(0.03 * total_s(look.good))
        u, v = chips[number].uv(x + rng.uniform(-1.49, 1.49, n), y + rng.uniform(-1.49, 1.49, n))
        energy = look.telescope.band_kev[0] * (1 + rng.gamma(1.5, 0.25, n))
        parts.append((even_times(n, look.good, rng), energy, u, v))
    if not parts:
        return (np.zeros(0),) * 4
    time, energy, u, v = (np.concatenate(column) for column in zip(*parts, strict=True))
    return time, energy, u, v


def simulate(look: Look, sources: tuple[Source, ...], rng: np.random.Generator) -> Events:
    """All events of one look, placed on the chips, inside the telescope's band of energies."""
    parts = [(PARTICLE, particles(look, rng)), (HOT, hot_pixels(look, rng))]
    if not look.closed:
        parts += [(LIGHT, photons) for photons in light(look, sources, rng)]
        if look.protons_ct_s is not None:
            parts.append((PROTON, protons(look, look.protons_ct_s, rng)))
    time, energy, u, v = (np.concatenate([part[i] for _, part in parts]) for i in range(4))
    kind = np.concatenate([np.full(len(part[0]), kind, np.uint8) for kind, part in parts])
    chip, raw_x, raw_y = look.camera.place(u, v)
    low, high = look.telescope.band_kev
    kept = (chip >= 0) & (energy >= low) & (energy <= high) & inside(time, look.good)
    in_fov = look.camera.off_axis_arcmin(u, v) * 60 <= look.camera.fov_radius_arcsec
    # Light and protons scattered beyond the edge of the field of view fall on the camera's shield.
    kept &= in_fov | (kind == PARTICLE) | (kind == HOT)
    events = Events(time, energy, u, v, chip, raw_x, raw_y, kind, in_fov)
    return events.take(kept)
