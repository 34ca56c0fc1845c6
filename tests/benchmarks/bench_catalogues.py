"""How long the catalogues of all missions, in their real sizes, take from the cache to being searched, in a process that has just
begun, beside numpy reading the same arrays; saving, comparing, exporting. Run: python tests/benchmarks/bench_catalogues.py"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from daxa_gui.catalogues.as_table import from_table, to_table
from daxa_gui.catalogues.build import COMMON, catalogue_from
from daxa_gui.catalogues.cache import CatalogueCache
from daxa_gui.catalogues.compare import compare
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.matching import near_places
from daxa_gui.core.places import Places
from daxa_gui.exchange.tables import read_table, write_table
from daxa_gui.missions import MISSIONS
from tests.benchmarks.synthetic import SIZES, catalogue

AIM_S, AIM_MB = 0.4, 300


def timed(what: str, function: Callable[[], Any]) -> Any:
    begin = time.perf_counter()
    result = function()
    print(f"{what:<76} {(time.perf_counter() - begin) * 1000:9.1f} ms")
    return result


def peak_mb() -> float:
    """Of this process itself: what getrusage says includes the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))


def columns_of(mission: str) -> dict[str, Any]:
    """A synthetic catalogue's columns, as a service's would be, with some of the mission's own."""
    given = catalogue(mission)
    random = np.random.default_rng(3)
    columns = {name: getattr(given, name) for name in COMMON} | {
        f"own_{number}": random.random(len(given)) for number in range(6)
    }
    return {name: np.asarray(column) for name, column in columns.items()}


def made(mission: str) -> Catalogue:
    return catalogue_from(MISSIONS[mission], columns_of(mission), provenance="Random numbers.")


def load(folder: Path) -> None:
    """In a fresh process: from the cache to an answer from every catalogue."""
    cache, before = CatalogueCache(folder), peak_mb()
    begin = time.perf_counter()
    found = [cache.load(MISSIONS[name]) for name in SIZES]
    loaded = time.perf_counter()
    places = Places(np.array([187.28]), np.array([2.05]), ("",))
    rows = sum(int(near_places(item[0], places, Distance.fixed(0.5)).sum()) for item in found if item)
    known = sum(len(item[0].rows_of([str(item[0].obs_id[-1])])) for item in found if item)
    end = time.perf_counter()
    assert all(found) and known == len(SIZES)
    total = sum(len(item[0]) for item in found if item)
    print(f"  {total} rows: loaded in {(loaded - begin) * 1000:.1f} ms, a cone ({rows} rows) and an ObsID searched in each in")
    print(f"  {(end - loaded) * 1000:.1f} ms; together {(end - begin) * 1000:.1f} ms (aim {AIM_S * 1000:.0f} ms)")
    print(f"  memory: {peak_mb():.0f} MB at most, {peak_mb() - before:.0f} MB more than before (aim {AIM_MB} MB)")


def load_plainly(folder: Path) -> None:
    """In a fresh process: numpy reads the same arrays, and nothing else happens."""
    paths, before = sorted(folder.rglob("*.npy")), peak_mb()
    begin = time.perf_counter()
    arrays = [np.load(path) for path in paths]
    seconds = time.perf_counter() - begin
    size = sum(array.nbytes for array in arrays) / 1e6
    print(f"  {len(arrays)} arrays, {size:.0f} MB, in {seconds * 1000:.1f} ms; {peak_mb() - before:.0f} MB more than before")


def in_fresh_process(what: str, name: str, folder: Path) -> None:
    print(what, flush=True)
    subprocess.run([sys.executable, __file__, name, str(folder)], check=True)


def with_changes(given: Catalogue) -> Catalogue:
    """A thousandth of the rows gone, another changed."""
    exposure = given.exposure_s.copy()
    exposure[::1000] += 1.0
    columns = {name: np.asarray(getattr(given, name))[5::1] for name in COMMON} | {"exposure_s": exposure[5::1]}
    return catalogue_from(MISSIONS[given.mission], columns, provenance="")


def main() -> int:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text, "cache")
        cache, swift = CatalogueCache(folder), made("swift")
        others = [made(name) for name in SIZES if name != "swift"]
        given = columns_of("swift")
        timed("build Swift's catalogue from columns", lambda: catalogue_from(MISSIONS["swift"], given, provenance=""))
        for item in others:
            cache.save(MISSIONS[item.mission], item, None, "fetched")
        timed("save Swift's (353 000 rows) with its indexes", lambda: cache.save(MISSIONS["swift"], swift, None, "fetched"))
        timed("compare all checksums of Swift's", lambda: cache.verify(MISSIONS["swift"]))
        later = with_changes(swift)
        found = timed("compare two versions of Swift's (aim 1 s)", lambda: compare(swift, later, before_mjd=1.0, after_mjd=2.0))
        assert len(found.vanished) == 5 and len(found.changed) == 352
        in_fresh_process("all twelve from the cache, in a process that has just begun:", "load", folder)
        in_fresh_process("numpy reading the same arrays, likewise:", "plain", folder)
        table = timed("Swift's as a table", lambda: to_table(replace(swift), MISSIONS["swift"]))
        for suffix in ("csv", "ecsv", "vot", "fits", "parquet"):
            path = Path(text, f"swift.{suffix}")
            timed(f"  write {suffix}", lambda path=path: write_table(table, path))
            read = timed(f"  read {suffix} ({path.stat().st_size / 1e6:.0f} MB)", lambda path=path: read_table(path))
        timed("a catalogue from that table", lambda: from_table(read, MISSIONS["swift"]))
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 3:
        {"load": load, "plain": load_plainly}[sys.argv[1]](Path(sys.argv[2]))
        sys.exit(0)
    sys.exit(main())
