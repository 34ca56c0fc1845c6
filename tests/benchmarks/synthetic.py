"""Synthetic catalogues of the missions' real sizes for benchmarks: clustered on the sky, as pointed observations are.

Half of the observations belong to fields that were visited again and again (the number of visits falls off as a power law, and
the pointings of a field scatter by arcminutes), a quarter lie near the galactic plane, the others anywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.places import Places
from daxa_gui.core.sky import ICRS_TO_GALACTIC, lon_lat_deg, unit_vectors
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.texts import TextColumn

# Rows (missions.md 1.4; XRISM: a guess), default search distances in degrees and instruments with their shares of the rows.
SIZES = {
    "xmm_pointed": (17_561, {"M1 M2 PN": (0.3, 1.0)}),
    "chandra": (23_141, {"ACIS": (0.556, 0.85), "HRC": (0.99, 0.15)}),
    "erosita_calpv": (170, {"TM1 TM2 TM3 TM4 TM5 TM6 TM7": (5.4, 1.0)}),
    "erosita_all_sky_de_dr1": (2_447, {"TM1 TM2 TM3 TM4 TM5 TM6 TM7": (2.16, 1.0)}),
    "nustar_pointed": (5_482, {"FPMA FPMB": (0.13, 1.0)}),
    "swift": (353_000, {"XRT": (0.236, 0.6), "XRT UVOT": (0.236, 0.4)}),
    "rosat_all_sky": (1_378, {"PSPC": (3.6, 1.0)}),
    "rosat_pointed": (11_431, {"PSPCB": (1.2, 0.4), "PSPCC": (1.2, 0.1), "HRI": (0.38, 0.5)}),
    "suzaku": (3_041, {"XIS0 XIS1 XIS3": (0.19, 1.0)}),
    "asca": (3_074, {"SIS0 SIS1 GIS2 GIS3": (0.5, 1.0)}),
    "integral_pointed": (198_000, {"JEMX1 ISGRI SPI": (4.98, 0.5), "JEMX2 ISGRI SPI": (4.98, 0.5)}),
    "xrism_pointed": (600, {"XTEND RESOLVE": (0.38, 1.0)}),
}


def directions(n: int, random: np.random.Generator, visits: float = 30.0) -> NDArray[np.float64]:
    """RA and Dec in degrees, shape (2, n), clustered as observations are; a field has about `visits` on the average."""
    fields = max(1, int(0.5 * n / visits))
    popular = random.pareto(1.2, fields) + 0.02
    popular = np.minimum(popular, 0.01 * popular.sum())  # 2 000 visits at most, even of Swift's
    centres = unit_vectors(random.uniform(0, 360, fields), np.degrees(np.arcsin(random.uniform(-1, 1, fields))))
    visited = centres[random.choice(fields, n // 2, p=popular / popular.sum())]
    visited += np.radians(2.0 / 60.0) * random.normal(size=visited.shape)
    plane = unit_vectors(random.uniform(0, 360, n // 4), random.normal(0, 4.0, n // 4)) @ ICRS_TO_GALACTIC
    anywhere = random.normal(size=(n - len(visited) - len(plane), 3))
    return np.array(lon_lat_deg(random.permutation(np.concatenate([visited, plane, anywhere]))))


def catalogue(mission: str, seed: int = 1, rows: int = 0) -> Catalogue:
    """A catalogue of a mission's size (or of so many rows) with all columns filled, a few unknown values among them."""
    size, kinds = SIZES[mission]
    n = rows or size
    random = np.random.default_rng([seed, *mission.encode()])
    ra, dec = directions(n, random)
    ra[random.random(n) < 0.001] = np.nan
    kind = random.choice(len(kinds), n, p=[share for _, share in kinds.values()])
    radius = np.array([deg for deg, _ in kinds.values()])[kind]
    start = random.uniform(51544, 60676, n)
    end = np.where(random.random(n) < 0.01, np.nan, start + random.exponential(0.5, n))
    return Catalogue(
        mission=mission, version="synthetic", provenance="Random numbers.",
        obs_id=np.array([f"{number:011d}" for number in random.permutation(n)]), ra_deg=ra, dec_deg=dec, start_mjd=start,
        end_mjd=end, exposure_s=random.exponential(5000.0, n),
        target=TextColumn.of([f"Object {number}" for number in random.integers(0, n // 6 + 1, n)]),
        target_type=TextColumn.of(random.choice(np.array(list(TARGET_TYPES)), n)),
        instruments=TextColumn(kind.astype(np.uint8), np.array(list(kinds))), public_mjd=np.full(n, np.nan),
        unusable_reason=TextColumn.of(np.where(random.random(n) < 0.03, "no exposure", "")), search_radius_deg=radius,
        fov_radius_deg=radius / 1.2, simulated=np.zeros(n, bool),
    )  # fmt: skip


def places(n: int, seed: int = 2, near: Catalogue | None = None) -> Places:
    """Positions of a sample: anywhere on the sky; half of them a few arcminutes from observations of a catalogue, if one is
    given: the more often a field was visited, the more positions lie in it."""
    random = np.random.default_rng(seed)
    parts = [random.normal(size=(n if near is None else n - n // 2, 3))]
    if near is not None:
        rows = random.choice(np.flatnonzero(np.isfinite(near.ra_deg)), n // 2)
        parts.append(near.vectors[rows] + np.radians(0.1) * random.normal(size=(n // 2, 3)))
    ra, dec = lon_lat_deg(random.permutation(np.concatenate(parts)))
    return Places(ra, dec, tuple(f"Source {number}" for number in range(n)))
