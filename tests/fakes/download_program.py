"""The program's own store, queue, runner and transfers without a window, to be run – and killed – as a process of its own.

    python -m tests.fakes.download_program '{"folder": …, "address": …, "files": …}'

`files` names a JSON file: a list of [path, destination below the archive's output folder, unpack, size in bytes].
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from daxa_gui.archive import job_logs, trust
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Call, JobRequest, Place
from daxa_gui.execution import policy
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.queue import Queue
from daxa_gui.execution.runner import Runner
from daxa_gui.remote import connection

FETCH = "daxa_gui.remote.transfer:fetch"


class Downloads:
    """An archive in `folder` whose queue fetches files; what `OpenArchive` joins, without worker processes."""

    def __init__(self, folder: Path, service_url: Callable[[str], str], connections: int = 4, name: str = "a") -> None:
        self.output = folder
        layout = OutputLayout(folder).archive(name)
        self.store = (ArchiveStore.open if layout.database.exists() else ArchiveStore.create)(layout)
        self.bus = Bus()
        self.mailbox = self.bus.subscribe()
        runner = Runner(
            self.store,
            None,  # type: ignore[arg-type]  # nothing of downloads runs in worker processes
            service_url=service_url,
            work_folder=lambda job: str(layout.work_folder(job.id)),
            open_log=lambda job: job_logs.JobLogFile(layout.log_path(job.id)),
            check_task=lambda task: trust.check_task(task, layout),
        )
        self.queue = Queue(self.store, self.bus, runner, PoolExecutor(start_thread), limits=lambda lane: connections)

    def requests(self, files: Sequence[Sequence[Any]], lane: str = "host:chaos") -> list[JobRequest]:
        return [self.request(*file, lane=lane) for file in files]

    def request(self, path: str, name: str, unpack: str = "", size: int | None = None, lane: str = "host:chaos") -> JobRequest:
        destination = self.output / name
        arguments = {
            "service": "heasarc", "path": path, "destination": str(destination), "unpack": unpack, "expected_bytes": size,
        }  # fmt: skip
        return JobRequest(
            "download", lane, "xmm_pointed", destination.parent.name, destination.name, "", f"Fetch {path}",
            Call(FETCH, arguments, Place.THREAD), size_bytes=size,
        )  # fmt: skip

    def failed(self) -> list[int]:
        return [job.id for job in self.queue.jobs() if job.state in (JobState.FAILED, JobState.CANCELLED)]

    def states(self) -> Counter[str]:
        return Counter(str(job.state) for job in self.queue.jobs())

    def close(self) -> None:
        self.queue.close()
        self.store.close()


def hurry(stall_s: float = 0.5) -> None:
    """Short pauses and short patience, so that a test of many faults ends soon."""
    policy.FIRST_DELAY_S = 0.05
    connection.DEFAULT_TIMEOUTS = connection.Timeouts(connect_s=5.0, stall_s=stall_s, look_s=0.1)


def main() -> int:
    about = json.loads(sys.argv[1])
    hurry()
    downloads = Downloads(
        Path(about["folder"]), lambda service: about["address"], about.get("connections", 4), about.get("archive", "a")
    )
    downloads.queue.start()
    downloads.queue.add(downloads.requests(json.loads(Path(about["files"]).read_text(encoding="utf-8"))))
    downloads.queue.retry(downloads.failed())
    downloads.queue.wait_until_idle(about.get("timeout_s", 300.0))
    states = downloads.states()
    problems = [f"{job.title}: {job.error.message}" for job in downloads.queue.jobs() if job.error is not None]
    downloads.close()
    print(json.dumps({**states, "problems": problems}, ensure_ascii=False))
    return 0 if set(states) == {"succeeded"} else 3


if __name__ == "__main__":
    sys.exit(main())
