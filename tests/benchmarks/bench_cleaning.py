"""Cleaning a simulated list of 5 million events, against the time that numpy needs to read and write the same bytes.

    .venv/bin/python tests/benchmarks/bench_cleaning.py [number of events]

Prints the times and the ratio (aim: at most 3) for two ways of counting « the same bytes »: reading the list and writing all of
it again, and (stricter) reading the list and writing only as many bytes as the cleaned list has; and the steps around it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.fits.products import write_gti
from daxa_gui.practice.xmm import simulate_xmm_list
from daxa_gui.reduction import builtin
from daxa_gui.reduction.engine.flares import find_flares
from daxa_gui.reduction.reading import read


class Context:
    """A job of its own: a work folder, and nobody who listens."""

    def __init__(self, folder: Path) -> None:
        self.work_folder = str(folder)

    def service_url(self, service: str) -> str:
        raise NotImplementedError(service)

    def progress(self, done: float, total: float | None, text: str = "") -> None: ...

    def check_cancelled(self) -> None: ...

    def log(self, text: str) -> None: ...


def timed(function: Callable[[], object], repeats: int = 5) -> float:
    """Median of the wall times, in seconds; the first run, which warms the file cache, is left out."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def copy_bytes(source: Path, destination: Path, n_bytes: int) -> None:
    """What numpy does without looking at anything."""
    np.fromfile(source, np.uint8)[:n_bytes].tofile(destination)


def main() -> int:
    n_events = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "list.fits"
        simulate_xmm_list(path, n_events, seed=1)
        events = read(str(path))
        parameters = FlareParameters(events.format.flare_band_kev, events.format.flare_bin_s)
        write_gti(folder / "gti.fits", find_flares(events, parameters).gti, events)
        identity = {"mission": events.mission, "obs_id": events.obs_id, "instrument": "M1", "exposure": "S001"}
        context = Context(folder)
        copy = folder / "copy.fits"

        def clean() -> object:
            return builtin.clean(context, str(path), str(folder / "gti.fits"), **identity)

        outcome = clean()
        size, cleaned = path.stat().st_size, (folder / "cleanevents.fits").stat().st_size
        plain = timed(lambda: copy_bytes(path, copy, size))
        strict = timed(lambda: copy_bytes(path, copy, cleaned))
        cleaning = timed(clean)
        reading = timed(lambda: read(str(path)), 3)
        first = timed(lambda: find_flares(read(str(path)), parameters), 3) - reading
        again = timed(lambda: find_flares(events, FlareParameters(parameters.band_kev, parameters.bin_s, n_sigma=2.5)))
        other_band = timed(lambda: find_flares(events, FlareParameters((2.0, 8.0 + np.random.default_rng().random()), 60.0)))
        print(f"{n_events} events, {size / 1e6:.0f} MB; {outcome.facts['n_events']} kept, {cleaned / 1e6:.0f} MB")
        print(f"numpy reads and writes {size / 1e6:4.0f} MB      {plain:8.3f} s")
        print(f"numpy reads those, writes {cleaned / 1e6:4.0f} MB   {strict:8.3f} s")
        ratios = f"{cleaning / plain:.2f} and {cleaning / strict:.2f} times that (aim: 3)"
        print(f"cleaning the list                  {cleaning:8.3f} s   {ratios}")
        print(f"reading all columns                {reading:8.3f} s")
        print(f"looking for flares, first time     {first:8.3f} s")
        print(f"looking for flares, other sigma    {again:8.3f} s")
        print(f"looking for flares, other band     {other_band:8.3f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
