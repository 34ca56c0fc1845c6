"""1 000 short programs as jobs, beside `xargs -P2` on the same machine: python -m tests.benchmarks.bench_commands

Both are measured in turns, and the median of the rounds is given with its spread: other work on the machine slows down both, but
not always at the same time.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from daxa_gui.archive.job_logs import JobLogFile
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.portable import resolved
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.trust import check_task
from daxa_gui.core.bus import Bus
from daxa_gui.core.job import JobState
from daxa_gui.core.step import JobRequest
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.queue import Queue
from daxa_gui.execution.runner import Runner
from daxa_gui.execution.worker_pool import WorkerPool
from daxa_gui.reduction.external import task_for
from tests.fakes import external_steps

JOBS, AT_ONCE, ROUNDS = 1_000, 2, 5
SCRIPT = "#!/bin/sh\necho \"task:- Executing (routine): $1\"\nsleep 0.01\necho 'task:- ended' > made.txt\n"


def ours(root: Path, argv: tuple[str, ...], *patterns: str) -> float:
    """Seconds for all jobs."""
    layout = OutputLayout(root).archive("a")
    store, workers = ArchiveStore.create(layout), WorkerPool(1)
    runner = Runner(
        store, workers, service_url=lambda name: "", work_folder=lambda job: str(layout.work_folder(job.id)),
        open_log=lambda job: JobLogFile(layout.log_path(job.id)), check_task=lambda task: check_task(task, layout),
        resolve_task=lambda job: resolved(layout, job.task),
    )  # fmt: skip
    queue = Queue(store, Bus(), runner, PoolExecutor(start_thread), limits=lambda lane: AT_ONCE)
    external_steps.use(external_steps.simple(argv, *patterns))
    requests = []
    for number in range(JOBS):
        unit = external_steps.WorkUnit(
            "practice", f"{number:010d}", "", "ALL", str(layout.raw_folder("practice", f"{number:010d}")),
            str(layout.processed_folder("practice", f"{number:010d}")),
        )  # fmt: skip
        task = task_for(external_steps.STEP, unit, {})
        requests.append(JobRequest("reduce", "local", "practice", unit.obs_id, "", "trial", "Trial", task))
    queue.add(requests)
    begun = time.perf_counter()
    queue.start()
    assert queue.wait_until_idle(600)
    seconds = time.perf_counter() - begun
    states = {job.state for job in store.jobs()}
    assert states == {JobState.SUCCEEDED}, [job.error for job in store.jobs() if job.error][:1]
    queue.close()
    workers.close()
    store.close()
    return seconds


def xargs(folder: Path, argv: tuple[str, ...]) -> float:
    """Seconds for the same programs. Each is given a further argument, as xargs has to."""
    command = ["xargs", f"-P{AT_ONCE}", "-n1", *argv]
    text = "\n".join("0" if argv[0].endswith("sleep") else str(number) for number in range(JOBS))
    begun = time.perf_counter()
    subprocess.run(command, input=text, text=True, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def threads(argv: tuple[str, ...], folder: Path) -> float:
    """The same programs with `run_program` on two threads and nothing else: what starting them costs."""
    from daxa_gui.execution.process import run_program

    todo = deque(range(JOBS))

    def work() -> None:
        while todo:
            todo.pop()
            run_program(argv, environment=external_steps.ENVIRONMENT, folder=folder)

    begun = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - begun


def main() -> None:
    with tempfile.TemporaryDirectory() as name, external_steps.trial_step():
        folder = Path(name)
        script = folder / "stand_in"
        script.write_text(SCRIPT)
        script.chmod(0o755)
        for title, argv, patterns in (
            ("/bin/sleep 0.01", ("/bin/sleep", "0.01"), ()),
            ("a script that leaves a file", (str(script), "x"), ("made.txt",)),
        ):
            rounds = [
                (xargs(folder, argv), threads(argv, folder), ours(folder / f"{len(title)}-{again}", argv, *patterns))
                for again in range(ROUNDS)
            ]
            ratios = sorted(reference / seconds for reference, _, seconds in rounds)
            reference, started, seconds = (statistics.median(times) for times in zip(*rounds, strict=True))
            print(
                f"{JOBS} x {title}: xargs -P{AT_ONCE} {reference:.2f} s, started only {started:.2f} s, as jobs {seconds:.2f} s:"
                f" {statistics.median(ratios):.2f} of it ({ratios[0]:.2f} to {ratios[-1]:.2f} in {ROUNDS} rounds),"
                f" {(seconds - reference) * AT_ONCE / JOBS * 1000:.2f} ms more for each"
            )


if __name__ == "__main__":
    sys.exit(main())
