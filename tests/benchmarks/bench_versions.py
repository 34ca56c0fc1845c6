"""Versions and queries of an archive with 10 000 observations, 120 000 products and 120 000 jobs.

Beside each number stands what reading every product's row once takes in the same database. Run from the project's folder:

    .venv/bin/python -m tests.benchmarks.bench_versions
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daxa_gui.archive.failed_data import FailedData
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.queries import Queries
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.versions import Versions
from daxa_gui.core.documents import task_document, to_json
from daxa_gui.core.step import Call
from daxa_gui.reduction import STEPS

XMM = "xmm_pointed"
OBS_IDS = [f"{number:010d}" for number in range(10_000)]
UNITS = ("M1", "M2", "PN")
MADE = {"prepare": "final_events", "flares": "lightcurve", "clean": "clean_events", "image": "image"}  # step → kind
_FAR = {"path": "output:xmm_pointed_raw/" + "a" * 80, "gti_path": "archive:processed_data/" + "b" * 80}


def task(step: str, n_sigma: float) -> str:
    arguments = {**_FAR, "mission": XMM, "instrument": "PN", "exposure": "S001", "n_sigma": n_sigma}
    return to_json(task_document(Call(f"daxa_gui.reduction.builtin:{step}", arguments)))


def fill(store: ArchiveStore) -> list[str]:
    """Observations, jobs, products with their history; returns the paths of all light curves."""
    jobs, products, history, curves = [], [], [], []
    tasks = {step: task(step, 3.0) for step in MADE}
    for number, obs_id in enumerate(OBS_IDS):
        for unit in UNITS:
            for step, kind in MADE.items():
                state = "failed" if number % 100 == 0 and step == "clean" else "succeeded"
                jobs.append((XMM, obs_id, f"{unit}S001", step, tasks[step], state))
                path = f"archive:processed_data/{XMM}/{obs_id}/events/obsid{obs_id}-inst{unit}-subexpS001-{kind}.fits"
                digest = hashlib.sha256(path.encode()).hexdigest()
                products.append((XMM, obs_id, kind, unit, path, digest))
                history.append((path, step, tasks[step], digest))
                if step == "flares":
                    curves.append(path)
    with store.database.writing() as connection:
        connection.execute(
            "INSERT INTO selections (id, mission, catalogue_version, obs_ids, instruments, filters, added)"
            " VALUES (1, ?, '', '[]', '[]', '[]', 0)",
            (XMM,),
        )
        connection.executemany(
            "INSERT INTO observations (mission, obs_id, target, instruments, row, added, selection_id)"
            " VALUES (?, ?, '', '[]', ?, 0, 1)",
            [(XMM, obs_id, to_json({"instruments": "M1 M2 PN", "note": "x" * 600})) for obs_id in OBS_IDS],
        )
        connection.executemany(
            "INSERT INTO jobs (kind, lane, title, mission, obs_id, unit, step, task, state, facts, started, created)"
            " VALUES ('reduce', 'local', '', ?, ?, ?, ?, ?, ?, '{\"filter\":\"Thin1\"}', 1, 0)",
            jobs,
        )
        connection.executemany(
            "INSERT INTO products (mission, obs_id, kind, instrument, exposure, path, size_bytes, sha256, created, facts)"
            " VALUES (?, ?, ?, ?, 'S001', ?, 100, ?, 0, '{}')",
            products,
        )
        connection.executemany(_HISTORY, history)
    return curves


_HISTORY = (
    "INSERT INTO history (path, job_id, attempt, step, title, task, size_bytes, sha256, version, facts)"
    " VALUES (?, 1, 1, ?, '', ?, 100, ?, '', '{}')"
)


def change(store: ArchiveStore, paths: list[str], n_sigma: float) -> None:
    digest = hashlib.sha256(str(n_sigma).encode()).hexdigest()
    with store.database.writing() as connection:
        connection.executemany("UPDATE products SET sha256 = ? WHERE path = ?", [(digest, path) for path in paths])
        connection.executemany(_HISTORY, [(path, "flares", task("flares", n_sigma), digest) for path in paths])


def timed(what: str, function: Callable[[], Any], times: int = 1) -> Any:
    best, result = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
    size = f"  ({len(result)})" if hasattr(result, "__len__") else ""
    print(f"{what:58s} {best * 1000:9.1f} ms{size}")
    return result


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = ArchiveStore.create(OutputLayout(Path(folder)).archive("large"))
        curves = fill(store)
        versions, queries = Versions(store.layout, store.database, dict(STEPS)), Queries(store.layout, store.database)

        def reference() -> list[Any]:
            with store.database.reading() as connection:
                return connection.execute("SELECT * FROM products").fetchall()

        timed("reference: every product's row", reference, 3)
        timed("version: the first", versions.cut)
        timed("version: nothing changed", versions.cut, 3)
        change(store, curves[:12_000], 2.5)
        timed("version: 12 000 products changed", versions.cut)
        change(store, curves[:100], 2.0)
        timed("version: 100 products changed", versions.cut)
        timed("difference of the last two versions", lambda: versions.difference("1.1", "1.2").changed, 3)
        timed("contents of a version", lambda: versions.contents("1.0").products)
        timed("results of one observation", lambda: queries.process_results(XMM, OBS_IDS[70]), 5)
        timed("results of one step, 10 000 observations", lambda: queries.process_results(step="flares"), 3)
        timed("failed processes", queries.failed_processes, 5)
        timed("facts of one observation", lambda: queries.observation_facts(XMM, OBS_IDS[70]), 5)
        success = timed("final success of all observations", queries.final_success, 5)
        timed("failed data: nothing to move", lambda: FailedData(store.layout, store.database).settle(success), 3)
        store.close()
        print(f"database: {store.layout.database.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
