"""Spectra of sources and backgrounds as photons on a grid of energies, and drawing energies from them. keV, cm2, s."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daxa_gui.practice.sky import Source

KEV_ERG = 1.602176634e-9
# Bin edges: fine enough (1.2 %) for every detector here.
EDGES_KEV = np.geomspace(0.08, 90.0, 601)
CENTRES_KEV = np.sqrt(EDGES_KEV[1:] * EDGES_KEV[:-1])
WIDTHS_KEV = np.diff(EDGES_KEV)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """An emission line; `share` is its fraction of all counts of the spectrum that it belongs to."""

    kev: float
    share: float
    width_kev: float = 0.01


def _between(low_kev: float, high_kev: float) -> NDArray[np.bool_]:
    energy = CENTRES_KEV
    return (energy >= low_kev) & (energy <= high_kev)


def absorption(column_1e22: float) -> Floats:
    """Transmission of interstellar gas, a power law near Morrison & McCammon 1983 (ApJ 270, 119): 2.4e-22 cm2 at 1 keV."""
    cross_section = 2.4e-22 * np.maximum(CENTRES_KEV, 0.1) ** -2.6
    return np.exp(-column_1e22 * 1e22 * cross_section)


def _gaussian(kev: float, width_kev: float) -> Floats:
    shape = np.exp(-0.5 * ((CENTRES_KEV - kev) / width_kev) ** 2)
    return shape / np.sum(shape * WIDTHS_KEV)


@lru_cache(maxsize=64)
def source_photons(source: Source) -> Floats:
    """Photons/cm2/s in each bin of the grid, shape (600,), of a source without any telescope."""
    energy = CENTRES_KEV
    if source.spectrum == "power":
        shape = energy**-source.hardness
    else:
        shape = np.exp(-energy / source.hardness) * energy**-0.9
        if source.iron > 0:
            line_kev = 6.7 / (1 + source.redshift)
            shape = shape + source.iron * np.interp(line_kev, energy, shape) * _gaussian(line_kev, 0.06)
        if source.hardness < 2.0:  # the forest of iron L lines that cool plasma shows near 1 keV
            shape = shape + 0.9 * np.interp(0.9, energy, shape) * _gaussian(0.9 / (1 + source.redshift), 0.12)
    shape = shape * absorption(source.column_1e22)
    band = _between(0.5, 2.0)
    flux = np.sum((shape * energy * WIDTHS_KEV)[band]) * KEV_ERG
    return shape * WIDTHS_KEV * (source.flux_cgs / flux)


@lru_cache(maxsize=1)
def diffuse_photons() -> Floats:
    """Photons/cm2/s/arcmin2 of the X-ray sky between the sources, shape (600,).

    Extragalactic: 9.5 E^-1.4 photons/cm2/s/sr/keV (e.g. Kushino et al. 2002, PASJ 54, 327), a third of it left between the
    sources; Galactic: a soft thermal part that is as bright at 0.5 keV.
    """
    per_arcmin2 = (np.pi / 180 / 60) ** 2
    extragalactic = 9.5 / 3 * CENTRES_KEV**-1.4 * absorption(0.04)
    galactic = 40.0 * np.exp(-CENTRES_KEV / 0.19)
    return (extragalactic + galactic) * per_arcmin2 * WIDTHS_KEV


def particle_shape(slope: float, lines: tuple[Line, ...], band_kev: tuple[float, float]) -> Floats:
    """Counts in each bin (sum 1) of the background of charged particles: a power law and fluorescent lines, in a band."""
    inside = _between(*band_kev)
    continuum = np.where(inside, CENTRES_KEV**slope * WIDTHS_KEV, 0.0)
    continuum /= continuum.sum()
    total = continuum * (1.0 - sum(line.share for line in lines))
    for line in lines:
        total = total + line.share * _gaussian(line.kev, line.width_kev) * WIDTHS_KEV
    return np.where(inside, total, 0.0) / np.sum(np.where(inside, total, 0.0))


def proton_shape(band_kev: tuple[float, float]) -> Floats:
    """Counts in each bin (sum 1) of soft protons: flat up to 3 keV, falling beyond. They know no absorption and no lines."""
    inside = _between(*band_kev)
    shape = np.where(CENTRES_KEV < 3.0, CENTRES_KEV**-0.25, 3.0**-0.25 * np.exp(-(CENTRES_KEV - 3.0) / 4.5)) * WIDTHS_KEV
    shape = np.where(inside, shape, 0.0)
    return shape / shape.sum()


def draw_energies(weights: Floats, n: int, rng: np.random.Generator) -> Floats:
    """`n` energies in keV that follow counts per bin, shape (600,), spread evenly inside each bin."""
    cumulative = np.concatenate([[0.0], np.cumsum(weights)])
    return np.interp(rng.random(n) * cumulative[-1], cumulative, EDGES_KEV)


def area_on_grid(points: tuple[tuple[float, float], ...]) -> Floats:
    """Effective area in cm2 on the grid from (keV, cm2) points, straight in log E; zero outside the points."""
    kev, cm2 = np.array(points).T
    return np.interp(np.log(CENTRES_KEV), np.log(kev), cm2, left=0.0, right=0.0)


def share_in_band(weights: Floats, low_kev: float, high_kev: float) -> float:
    """Fraction of counts per bin that lies between two energies."""
    inside = _between(low_kev, high_kev)
    return float(np.sum(weights[inside]) / np.sum(weights))


def blurred(energy_kev: ArrayLike, noise_ev: float, fano_ev2: float, rng: np.random.Generator) -> Floats:
    """Measured energies: a Gaussian with variance noise² + fano x E (eV², E in keV), as silicon detectors have."""
    energy = np.asarray(energy_kev, float)
    return energy + 1e-3 * np.sqrt(noise_ev**2 + fano_ev2 * energy) * rng.standard_normal(energy.shape)
