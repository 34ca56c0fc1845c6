"""Which of all twelve missions' observations cover which of many positions, on synthetic clustered catalogues of real sizes.

    .venv/bin/python tests/benchmarks/bench_association.py

Beside each search stand the query of a scipy cKDTree and a comparison of everything with everything. The three must agree pair
for pair; where they don't, that is said and the exit status is 1. Aims: 1 000 positions with Swift in 20 ms, 10 000 positions
with all twelve in 0.5 s where pairs stay below a million, one cone over all twelve in 10 ms, Swift's index in 0.15 s, that of
its ObsIDs in 60 ms and a few of them found in 5 ms.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from daxa_gui.core import matching
from daxa_gui.core.association import associate, stream
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.core.texts import TextIndex
from daxa_gui.core.zones import SkyIndex
from tests.benchmarks import synthetic

RADIUS_DEG = 0.25  # for all missions alike: with their own distances INTEGRAL alone has millions of pairs
Pairs = NDArray[np.int64]  # shape (k,): position x 2³² + row


def best(what: Callable[[], Any], repeats: int = 5) -> tuple[float, Any]:
    """Best time in ms, and what the last call returned."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = what()
        times.append((time.perf_counter() - start) * 1e3)
    return min(times), result


def show(what: str, ms: float, aim_ms: float = 0.0, more: str = "") -> None:
    print(f"  {what:66} {ms:9.1f}{f' {aim_ms:7.0f}' if aim_ms else ' ' * 8}  {more}", flush=True)


def radii_of(catalogue: Catalogue, radius_deg: float | None) -> NDArray[np.float64]:
    return catalogue.search_radius_deg if radius_deg is None else np.full(len(catalogue), radius_deg)


def by_tree(catalogue: Catalogue, places: Places, radius_deg: float | None) -> tuple[float, Pairs]:
    """The trees (one for each distance that occurs) are made before the clock starts."""
    from scipy.spatial import cKDTree

    known, radii = np.isfinite(catalogue.ra_deg), radii_of(catalogue, radius_deg)
    trees = [
        (rows, cKDTree(catalogue.vectors[rows]), deg)
        for deg in np.unique(radii)
        if len(rows := np.flatnonzero(known & (radii == deg)))
    ]

    def query() -> list[Any]:
        return [tree.query_ball_point(places.vectors, 2 * np.sin(np.radians(deg + 1e-12) / 2)) for _, tree, deg in trees]

    ms, found = best(query, 3)
    parts = []
    for (rows, _, _), lists in zip(trees, found, strict=True):
        position = np.repeat(np.arange(len(places)), [len(one) for one in lists])
        parts.append((position << 32) + rows[np.concatenate([np.array(one, np.int64) for one in lists])])
    return ms, np.sort(np.concatenate(parts))


def by_force(catalogue: Catalogue, places: Places, radius_deg: float | None) -> tuple[float, Pairs]:
    """All cosines, in blocks that fit into a cache; Vincenty's formula, from the degrees themselves, for those that come near."""
    start, parts = time.perf_counter(), [np.empty(0, np.int64)]
    known = np.flatnonzero(np.isfinite(catalogue.ra_deg))
    for low in range(0, len(known), 4096):
        rows = known[low : low + 4096]
        radii = radii_of(catalogue, radius_deg)[rows]
        vectors, edge = np.ascontiguousarray(catalogue.vectors[rows].T), np.cos(np.radians(radii)) - 1e-12
        for first in range(0, len(places), 64):
            near = np.flatnonzero(places.vectors[first : first + 64] @ vectors >= edge)
            position, row = first + near // len(rows), near % len(rows)
            kept = vincenty_deg(catalogue, places, position, rows[row]) <= radii[row] + 1e-12
            parts.append((position[kept] << 32) + rows[row[kept]])
    return (time.perf_counter() - start) * 1e3, np.sort(np.concatenate(parts))


def vincenty_deg(catalogue: Catalogue, places: Places, position: Pairs, row: Pairs) -> NDArray[np.float64]:
    turn = np.radians(places.ra_deg[position] - catalogue.ra_deg[row])
    dec, other = np.radians(catalogue.dec_deg[row]), np.radians(places.dec_deg[position])
    across = np.hypot(np.cos(other) * np.sin(turn), np.cos(dec) * np.sin(other) - np.sin(dec) * np.cos(other) * np.cos(turn))
    return np.degrees(np.arctan2(across, np.sin(dec) * np.sin(other) + np.cos(dec) * np.cos(other) * np.cos(turn)))


def compare(catalogues: list[Catalogue], places: Places, radius_deg: float | None, aim_ms: float, what: str) -> bool:
    """Print the three searches; whether they agree."""
    distance = Distance() if radius_deg is None else Distance.fixed(radius_deg)
    total, trees, force, count, agree = 0.0, 0.0, 0.0, 0, True
    for catalogue in catalogues:
        ms, found = best(lambda catalogue=catalogue: associate(catalogue, places, distance))
        ours = np.sort((found.position << 32) + found.row)
        tree_ms, tree = by_tree(catalogue, places, radius_deg)
        force_ms, all_pairs = by_force(catalogue, places, radius_deg)
        if not (np.array_equal(ours, all_pairs) and np.array_equal(tree, all_pairs)):
            agree = False
            print(f"  DISAGREEMENT in {catalogue.mission}: {len(ours)} pairs, tree {len(tree)}, brute force {len(all_pairs)}")
        total, trees, force, count = total + ms, trees + tree_ms, force + force_ms, count + len(ours)
    show(what, total, aim_ms, f"{count} pairs")
    show("    scipy cKDTree, query only", trees)
    show("    everything with everything", force, more="the same pairs" if agree else "DIFFERENT PAIRS")
    return agree


def streamed(catalogues: list[Catalogue], places: Places) -> None:
    """All missions' own default distances: more pairs than fit anywhere comfortably."""
    start, pairs = time.perf_counter(), 0
    tracemalloc.start()
    for catalogue in catalogues:
        pairs += sum(len(part) for part in stream(catalogue, places))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ms = (time.perf_counter() - start) * 1e3
    show("10 000 positions, all twelve, default distances, streamed", ms, more=f"{pairs} pairs, at most {peak / 1e6:.0f} MB more")


def main() -> int:
    catalogues = [synthetic.catalogue(mission) for mission in synthetic.SIZES]
    swift = next(catalogue for catalogue in catalogues if catalogue.mission == "swift")
    print(f"{sum(map(len, catalogues))} synthetic observations of twelve missions; best times in ms, and the aims")
    show("index of Swift", best(lambda: SkyIndex.of(swift.ra_deg, swift.dec_deg), 3)[0], 150)
    show("index of Swift's ObsIDs", best(lambda: TextIndex.of(swift.obs_id), 3)[0], 60)
    wanted = swift.obs_id[::70_000].tolist()
    swift.rows_of(wanted)
    ms, rows = best(lambda: swift.rows_of(wanted))
    show("rows of six ObsIDs", ms, 5)
    agree = rows.tolist() == np.flatnonzero(np.isin(swift.obs_id, wanted)).tolist()
    for catalogue in catalogues:
        catalogue.index, catalogue.vectors
    few, many = synthetic.places(1000, near=swift), synthetic.places(10_000, near=swift)
    agree &= compare([swift], few, None, 20, "1 000 positions, Swift, default distances")
    agree &= compare(catalogues, many, RADIUS_DEG, 500, f"10 000 positions, all twelve, {RADIUS_DEG}°")
    agree &= compare(catalogues, few, 2.0, 500, "1 000 positions, all twelve, 2°")
    streamed(catalogues, many)
    crab = Places.of([SkyPosition(83.633, 22.0145)])
    for distance in (Distance(), Distance.fixed(5.0)):
        ms, masks = best(lambda distance=distance: [matching.near_places(catalogue, crab, distance) for catalogue in catalogues])
        show(
            f"one cone, all twelve, {distance.kind} {distance.deg or ''}",
            ms,
            10,
            f"{sum(mask.sum() for mask in masks)} observations",
        )
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
