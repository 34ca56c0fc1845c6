"""Failures of 10 000 jobs with logs of about 100 kB each (1 GB on disk), grouped by cause; beside reading the logs.

    python tests/benchmarks/bench_triage.py [number of jobs]

Aim: at most 5 s. The causes are in the logs only, so that each one is read.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
SAMPLE = PROJECT.parent / "shared" / "data" / "logs_sas" / "pysas_basic_setup_0802710101.log"
ENDS = (
    "** espfilt: error (noCounts), All histo counts are zero! Check your FOV Lightcurve!",
    "** espfilt: error (FITSIO), cannot open /data/archives/{n}/P{n:010d}M1S001MIEVLI0000.FIT",
    "** espfilt::evselect: error (ColType), column {n} of P{n:010d}M1S001.FIT",
    "espfilt: error while loading shared libraries: libsas.so.3",
    "** espfilt: error (gaussian), fit of {n} bins failed",
)


def write_log(path: Path, number: int, lines: list[str]) -> None:
    from daxa_gui.core.log_messages import severity_of

    stamp = "2026-11-21T11:24:49.768Z"
    end = ENDS[number % len(ENDS)].format(n=number)
    body = [f"{stamp} INFO    espfilt: attempt 1", f"{stamp} INFO    $ evselect x=1", *lines[:300]]
    body += [f"{stamp} INFO    $ espfilt eventfile={number}", *lines[300:]]
    body += [f"{stamp} {severity_of(end).name:<7} {end}", f"{stamp} ERROR   ** espfilt: error (failed), the task failed", ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(body))


def sample_lines() -> list[str]:
    from daxa_gui.core.log_messages import severity_of

    real = SAMPLE.read_text().split("\n")[2000:2900] if SAMPLE.is_file() else []
    texts = [line for line in real if len(line) < 1000] or [
        f"epproc::epevents:- row {n} of the table, {n / 7}" for n in range(1500)
    ]
    stamped = [f"2026-11-21T11:24:49.768Z {severity_of(text).name:<7} {text}" for text in texts]
    while sum(map(len, stamped)) < 100_000:
        stamped += stamped[:200]
    return stamped


def main(n_jobs: int) -> None:
    from daxa_gui.archive.layout import OutputLayout
    from daxa_gui.archive.store import ArchiveStore
    from daxa_gui.archive.triage import Triage
    from daxa_gui.core.job import ErrorInfo, JobState
    from daxa_gui.core.step import Call, JobRequest, Place

    with tempfile.TemporaryDirectory() as folder:
        store = ArchiveStore.create(OutputLayout(Path(folder)).archive("large"))
        task = Call("daxa_gui.reduction.external:run_step", {"step": "espfilt"}, Place.THREAD)
        requests = [
            JobRequest("reduce", "local", "xmm_pointed", f"{n:010d}", "M1S001", "espfilt", f"espfilt: {n}", task)
            for n in range(n_jobs)
        ]
        jobs = store.add(requests)
        error = ErrorInfo("« espfilt » ended with exit code 1.")
        store.update_all([replace(job, state=JobState.FAILED, error=error) for job in jobs])
        lines = sample_lines()
        for job in jobs:
            write_log(store.layout.log_path(job.id), job.id, lines)
        begin = time.perf_counter()
        size = sum(len(store.layout.log_path(job.id).read_bytes()) for job in jobs)
        print(f"{'reading all logs (reference)':<50} {time.perf_counter() - begin:8.2f} s   {size / 1e6:.0f} MB")
        triage = Triage(store.database, store.layout.logs)
        for what in ("causes of all failures", "again (what was read is known)"):
            begin = time.perf_counter()
            groups = triage.groups()
            print(f"{what:<50} {time.perf_counter() - begin:8.2f} s   at most 5 s")
        for group in groups:
            print(f"   {group.count:6d}  {group.cause}")
        print(f"{'memory of the process at most':<50} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:8.0f} MB")
        store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
