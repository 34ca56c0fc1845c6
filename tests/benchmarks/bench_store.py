"""How long an archive with 120 000 jobs takes to open, to list and to change. Run: python tests/benchmarks/bench_store.py"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.job import JobState
from daxa_gui.execution.queue import Queue
from tests.fakes.execution import ManualExecutor, ScriptedRunner, request

N_JOBS = 120_000


def timed(what: str, function: Callable[[], Any]) -> Any:
    begin = time.perf_counter()
    result = function()
    seconds = time.perf_counter() - begin
    print(f"{what:<52} {seconds * 1000:10.1f} ms")
    return result


def memory_mb() -> float:
    """What this process uses now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def requests() -> list[Any]:
    return [
        request(f"P{i:06d}M1S001MIEVLI0000.FTZ", "", kind="download", lane="host:heasarc.gsfc.nasa.gov", obs_id=f"{i // 10:010d}",
                size_bytes=1_000_000 + i, service="heasarc", path=f"/FTP/xmm/data/rev0/{i // 10:010d}/PPS/", expected_bytes=i)
        for i in range(N_JOBS)
    ]  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        layout = OutputLayout(Path(folder)).archive("large")
        store = ArchiveStore.create(layout)
        jobs = timed(f"add {N_JOBS} jobs in one transaction", lambda: store.add(requests()))
        timed("add the same again (nothing changes)", lambda: store.add(requests()))
        done = [replace(job, state=JobState.SUCCEEDED, facts={"sha256": "0" * 64}, finished=1.0) for job in jobs[: N_JOBS // 2]]
        timed("update half of them in one transaction", lambda: store.update_all(done))
        timed("update 1000 of them, a transaction each", lambda: [store.update(job) for job in done[:1000]])
        store.close()
        del jobs[:], done[:]
        before = memory_mb()
        store = timed("open", lambda: ArchiveStore.open(layout))
        print(f"{'memory of all jobs':<52} {memory_mb() - before:10.1f} MB")
        timed("list all", store.jobs)
        timed("list one kind", lambda: store.jobs("download"))
        executor = ManualExecutor()
        queue = Queue(store, Bus(), ScriptedRunner(store), executor, limits=lambda lane: 4)
        timed("start the queue with half of them left", queue.start)
        timed("cancel what is left", lambda: queue.cancel([job.id for job in store.jobs() if not job.is_finished]))
        executor.run_all()
        queue.close()
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
