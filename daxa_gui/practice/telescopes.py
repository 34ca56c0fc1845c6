"""What each telescope does to light: effective area, image of a point, vignetting, resolution, backgrounds. Round numbers."""

from __future__ import annotations

from dataclasses import dataclass

from daxa_gui.practice.spectra import Line


@dataclass(frozen=True)
class Telescope:
    """One telescope with its detector; round numbers of the missions' user handbooks.

    `area` is (keV, cm2) on the axis. The image of a point is a King profile with core `psf_arcsec` x
    (1 + (off-axis / `psf_growth_arcmin`)²) x E^`psf_energy_power` and slope `psf_slope`. Vignetting is
    1 / (1 + (off-axis / scale)²) with scale `vignetting_arcmin` x (E / 1.5 keV)^-0.15. Measured energies have variance
    `noise_ev`² + `fano_ev2` E. `particles_ct_s_arcmin2` is the rate of charged particles over `band_kev`, everywhere on the
    chips; `protons` the rate of soft protons relative to one MOS camera.
    """

    name: str
    band_kev: tuple[float, float]
    area: tuple[tuple[float, float], ...]
    psf_arcsec: float
    psf_slope: float
    psf_growth_arcmin: float
    vignetting_arcmin: float
    noise_ev: float
    fano_ev2: float
    particles_ct_s_arcmin2: float
    particle_slope: float = -0.2
    particle_lines: tuple[Line, ...] = ()
    psf_energy_power: float = 0.0
    protons: float = 0.0
    dither_arcsec: float = 0.0


MOS = Telescope(
    "MOS", (0.15, 12.0),
    ((0.15, 15), (0.3, 90), (0.5, 190), (0.54, 160), (0.8, 330), (1.0, 420), (1.5, 560), (1.7, 540), (1.85, 400), (2.2, 330),
     (3.0, 350), (5.0, 340), (6.5, 240), (8.0, 110), (10.0, 22), (12.0, 4)),
    3.9, 1.45, 15.0, 11.5, 26.0, 2900.0, 0.0016,
    particle_lines=(Line(1.49, 0.10, 0.03), Line(1.74, 0.05, 0.03), Line(5.41, 0.01, 0.05), Line(9.71, 0.01, 0.06)),
    psf_energy_power=-0.05, protons=1.0,
)  # fmt: skip
PN = Telescope(
    "PN", (0.13, 14.0),
    ((0.13, 100), (0.3, 420), (0.5, 700), (0.54, 640), (0.8, 980), (1.0, 1120), (1.5, 1280), (1.8, 1210), (2.2, 870), (3.0, 780),
     (5.0, 860), (6.5, 830), (8.0, 540), (10.0, 250), (12.0, 90), (14.0, 20)),
    4.3, 1.47, 14.0, 11.0, 30.0, 3000.0, 0.0042, -0.35,
    (Line(1.49, 0.09, 0.03), Line(7.48, 0.02, 0.06), Line(8.05, 0.11, 0.06), Line(8.64, 0.02, 0.06)),
    -0.05, 2.4,
)  # fmt: skip
ACIS = Telescope(
    "ACIS", (0.3, 12.0),
    ((0.3, 2), (0.5, 40), (0.7, 150), (1.0, 330), (1.5, 520), (1.8, 500), (2.1, 330), (3.0, 330), (4.0, 360), (5.0, 310),
     (6.5, 200), (8.0, 60), (10.0, 8), (12.0, 1)),
    0.36, 1.6, 1.9, 19.0, 40.0, 2600.0, 0.0026,
    particle_lines=(Line(1.49, 0.02, 0.04), Line(2.14, 0.05, 0.05), Line(7.48, 0.03, 0.06), Line(9.71, 0.04, 0.08)),
    protons=0.35, dither_arcsec=8.0,
)  # fmt: skip
EROSITA = Telescope(  # one of seven modules
    "EROSITA", (0.2, 10.0),
    ((0.2, 30), (0.3, 120), (0.5, 190), (1.0, 300), (1.5, 340), (2.1, 210), (2.3, 75), (3.0, 60), (5.0, 38), (7.0, 13),
     (10.0, 2)),
    5.0, 1.5, 15.0, 20.0, 28.0, 3100.0, 0.00025, -0.1, (Line(1.49, 0.06, 0.03), Line(6.4, 0.05, 0.05), Line(8.05, 0.03, 0.06)),
)  # fmt: skip
ROSAT = Telescope(
    "PSPC", (0.1, 2.48),
    ((0.1, 25), (0.2, 170), (0.28, 230), (0.3, 12), (0.4, 30), (0.6, 110), (0.9, 215), (1.1, 235), (1.4, 215), (1.8, 130),
     (2.2, 60), (2.48, 25)),
    13.0, 1.9, 17.0, 38.0, 30.0, 33000.0, 0.000015, -0.5,
    psf_energy_power=-0.3,
)  # fmt: skip
XRT = Telescope(
    "XRT", (0.2, 10.0),
    ((0.2, 12), (0.5, 55), (0.8, 90), (1.0, 110), (1.5, 134), (1.8, 125), (2.1, 85), (3.0, 72), (5.0, 65), (6.5, 48), (8.0, 20),
     (10.0, 4)),
    5.7, 1.55, 20.0, 15.0, 32.0, 2900.0, 0.00035, particle_lines=(Line(1.49, 0.04, 0.03), Line(7.48, 0.06, 0.06)),
    dither_arcsec=20.0,
)  # fmt: skip
NUSTAR = Telescope(
    "FPM", (3.0, 79.0),
    ((3.0, 290), (5.0, 400), (8.0, 430), (10.0, 410), (12.0, 310), (20.0, 200), (30.0, 140), (50.0, 65), (67.0, 30), (79.0, 10)),
    11.6, 1.35, 12.0, 5.5, 170.0, 1900.0, 0.0016, -0.9,
    (Line(10.2, 0.02, 0.4), Line(22.0, 0.10, 0.8), Line(27.0, 0.12, 0.9), Line(31.0, 0.08, 0.9)),
    dither_arcsec=12.0,
)  # fmt: skip
