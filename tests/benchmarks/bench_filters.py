"""How long filters take over 620 000 observations (more than the largest mission has), and reading the static tables.

    .venv/bin/python tests/benchmarks/bench_filters.py

A plain numpy comparison of two float columns of the same length stands beside them. Aim: five stacked filters in 50 ms, both
static tables in 30 ms.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from daxa_gui import locations
from daxa_gui.catalogues.own_csv import read_table
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Box, Cone, ObsIds, Positions, TargetType, TimeRange, Usable
from daxa_gui.core.sky import SkyPosition
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.missions import MISSIONS

ROWS = 620_000


def synthetic_catalogue(rows: int = ROWS, seed: int = 1) -> Catalogue:
    """Observations all over the sky and over 25 years."""
    random = np.random.default_rng(seed)
    numbers, texts = np.full(rows, np.nan), np.full(rows, "", dtype="U1")
    start = random.uniform(51544, 60676, rows)
    end = start + random.exponential(0.5, rows)
    return Catalogue(
        mission="swift", version="synthetic", provenance="Random numbers.",
        obs_id=np.array([f"{n:011d}" for n in range(rows)]), ra_deg=random.uniform(0, 360, rows),
        dec_deg=np.degrees(np.arcsin(random.uniform(-1, 1, rows))), start_mjd=start, end_mjd=end,
        exposure_s=numbers, target=texts, target_type=random.choice(np.array(list(TARGET_TYPES)), rows), instruments=texts,
        public_mjd=numbers, unusable_reason=np.where(random.random(rows) < 0.03, "closed", ""),
        search_radius_deg=np.full(rows, 0.236), fov_radius_deg=np.full(rows, 0.2), simulated=np.zeros(rows, bool),
    )  # fmt: skip


def milliseconds(what: Callable[[], Any], repeats: int = 7) -> tuple[float, float]:
    """First time and best of the others, in ms."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        what()
        times.append((time.perf_counter() - start) * 1e3)
    return times[0], min(times[1:])


def main() -> int:
    catalogue = synthetic_catalogue()
    random = np.random.default_rng(2)
    ra, dec = random.uniform(0, 360, 1000).tolist(), random.uniform(-80, 80, 1000).tolist()
    sample = tuple(SkyPosition(*position) for position in zip(ra, dec, strict=True))
    filters = (
        Usable(),
        TimeRange(53000, 59000),
        TargetType(("GCL", "AGN", "XRB")),
        Box(300, 60, -60, 60),
        Cone(SkyPosition(10, 20), 30.0),
    )
    stack = FilterStack()
    for one in filters:
        stack = stack.add(one)
    print(f"{ROWS} synthetic observations; first time (with what is then remembered) and best of six more, in ms")
    others = (Cone(SkyPosition(10, 20)), ObsIds(tuple(f"{n:011d}" for n in range(0, ROWS, 5000))))
    first, best = milliseconds(lambda: catalogue.start_mjd < catalogue.end_mjd)
    print(f"  {'numpy alone: one column less than another':73} {first:9.1f} {best:9.1f}")
    for one in (*filters, *others, Positions(sample, 0.2), Positions(sample, 10.0)):
        first, best = milliseconds(lambda one=one: one.mask(catalogue))
        print(f"  {type(one).__name__:12} {one.sentence()[:60]:60} {first:9.1f} {best:9.1f}")
    first, best = milliseconds(lambda: stack.masks(catalogue))
    print(f"  five filters stacked: {stack.masks(catalogue)[1]} left {first:9.1f} {best:9.1f}")
    specs = [MISSIONS[name] for name in ("erosita_calpv", "erosita_all_sky_de_dr1")]
    read = milliseconds(lambda: [read_table(locations.resource_path(spec.table.resource), spec) for spec in specs])
    print(f"reading both static tables (2617 rows): {read[0]:.1f} ms, then {read[1]:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
