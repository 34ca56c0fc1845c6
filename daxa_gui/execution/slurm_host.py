"""A small program that keeps a Dask scheduler and Slurm jobs with its workers for one archive, while windows come and go.

`python -P -m daxa_gui.execution.slurm_host FOLDER` with the options (`slurm_options`) as a JSON document on its standard
input. In its folder, which only its owner can enter, it writes

    tls/          the key and certificate of this cluster: who cannot read them can neither connect nor listen
    host.json     the scheduler's address, this process and its machine
    state.json    what the Slurm jobs do, written anew every few seconds
    slurm-N.out   the output of Slurm job N

and it ends when a file `end` appears there, on SIGTERM, or when there was no work and nobody connected for some time.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import platform
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any

from daxa_gui.core.documents import to_json
from daxa_gui.execution.certificates import check_private, write_certificates
from daxa_gui.execution.dask_client import TlsFiles
from daxa_gui.execution.slurm_options import reason_in_words

HOST, STATE, END = "host.json", "state.json", "end"
_LOOK_S = 1.0
_IDLE_WORKER_S = 60.0  # a Slurm job without work for so long is given back
_WRITE_S = 5.0
_MOST_BAD_STARTS = 3
_OWN_WEB = "127.0.0.1:0"  # Dask's pages about itself know no TLS and no user: nobody else's business
_DEATH_S = 60  # workers without a scheduler end after this


def write_document(path: Path, document: Any) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(to_json(document), encoding="ascii")
    part.replace(path)


def _cluster_of(options: dict[str, Any], tls: TlsFiles) -> Any:
    """dask-jobqueue's cluster with our certificates and our way of noticing that Slurm refuses a job."""
    from dask_jobqueue.slurm import SLURMCluster, SLURMJob
    from distributed.security import Security

    class Job(SLURMJob):
        problem = ""

        async def start(self) -> None:
            try:
                await super().start()
            except (RuntimeError, OSError, ValueError) as error:
                self.problem = _refusal(str(error))

    class Cluster(SLURMCluster):
        job_cls = Job

        def _get_worker_security(self, security: Any) -> Any:
            """The files' names go into a line of shell."""
            quoted = copy.copy(security)
            quoted.tls_ca_file, quoted.tls_worker_cert, quoted.tls_worker_key = map(shlex.quote, (tls.ca, tls.cert, tls.key))
            return quoted

    roles = {f"tls_{role}_{part}": getattr(tls, part) for role in ("scheduler", "client", "worker") for part in ("cert", "key")}
    interface = options["interface"] or None
    return Cluster(
        cores=options["cores"], memory=f"{options['memory_bytes']}B", processes=1, walltime=str(options["minutes"]),
        queue=options["partition"] or None, interface=interface, protocol="tls://", job_name="daxa-gui", nanny=True,
        security=Security(require_encryption=True, tls_ca_file=tls.ca, **roles), python=shlex.quote(options["python"]),
        job_extra_directives=options["directives"], job_script_prologue=options["setup"], death_timeout=_DEATH_S,
        scheduler_options={"dashboard_address": _OWN_WEB, "dashboard": False},
        worker_extra_args=["--no-dashboard", "--dashboard-address", _OWN_WEB],
        silence_logs="error", asynchronous=True,
    )  # fmt: skip


def _refusal(text: str) -> str:
    """What sbatch said, out of what dask-jobqueue says."""
    lines = [line.strip() for line in text.splitlines()]
    errors = [line.removeprefix("sbatch: error:").strip() for line in lines if "error" in line and line.startswith("sbatch")]
    return "; ".join(dict.fromkeys(errors)) or next((line for line in reversed(lines) if line), "no reason is given")


class Host:
    """`cluster` is a running SLURMCluster."""

    def __init__(self, cluster: Any, options: dict[str, Any], folder: Path) -> None:
        self._cluster = cluster
        self._options = options
        self._folder = folder
        self._idle_since: dict[str, float] = {}
        self._missing: set[str] = set()
        self._bad_starts = 0
        self._pause_until = 0.0
        self._waiting: list[list[str]] = []  # (Slurm's job, its reason)
        self._for_ever = ""
        self._problem = ""
        self._quiet_since = time.monotonic()
        self._written = 0.0

    @property
    def _scheduler(self) -> Any:
        return self._cluster.scheduler

    def unfinished(self) -> int:
        """Tasks that somebody still has to do."""
        return sum(1 for task in self._scheduler.tasks.values() if task.state in ("queued", "processing", "no-worker", "waiting"))

    async def turn(self) -> bool:
        """Look at everything once; false when it is time to end."""
        now = time.monotonic()
        unfinished = self.unfinished()
        if unfinished or self._scheduler.client_comms:
            self._quiet_since = now
        if (self._folder / END).exists() or now - self._quiet_since > self._options["idle_min"] * 60:
            return False
        await self._drop_the_lost(unfinished)
        await self._give_back_idle(now)
        self._ask_for_more(unfinished, now)
        if now - self._written > _WRITE_S or self._problem or self._waiting:
            self._written = now
            self._write(unfinished)
        return True

    def _ask_for_more(self, unfinished: int, now: float) -> None:
        if self._bad_starts >= _MOST_BAD_STARTS or now < self._pause_until:
            return
        wanted = min(-(-unfinished // self._options["cores"]), self._options["jobs"])
        if wanted > len(self._cluster.worker_spec) or len(self._cluster.worker_spec) > len(self._cluster.workers):
            self._cluster.scale(jobs=max(wanted, len(self._cluster.worker_spec)))

    async def _give_back_idle(self, now: float) -> None:
        idle = set()
        for worker in self._scheduler.workers.values():
            if worker.processing or self._scheduler.queued:
                self._idle_since.pop(worker.name, None)
            elif now - self._idle_since.setdefault(worker.name, now) > _IDLE_WORKER_S:
                idle.add(worker.name)
        if idle:
            await self._cluster.scale_down(idle)
            for name in idle:
                self._idle_since.pop(name, None)

    async def _drop_the_lost(self, unfinished: int) -> None:
        """Slurm jobs that were refused, or ended before their worker came: dask-jobqueue would wait for them for ever."""
        here = {worker.name for worker in self._scheduler.workers.values()}
        if here:
            self._bad_starts, self._problem = 0, ""
        jobs = {name: job for name, job in self._cluster.workers.items() if name not in here}
        refused = {name: job.problem for name, job in jobs.items() if job.problem}
        known = await self._squeue([str(job.job_id) for job in jobs.values() if job.job_id])
        if known is not None:
            gone = {name for name, job in jobs.items() if job.job_id and str(job.job_id) not in known}
            for name in gone & self._missing:  # twice in a row: it may have started between the two questions
                refused[name] = self._last_words(str(jobs[name].job_id))
            self._missing = gone
        for name, why in refused.items():
            self._cluster.worker_spec.pop(name, None)
            self._cluster.workers.pop(name, None)
            self._problem = why
        if refused and unfinished:
            self._bad_starts += 1
            self._pause_until = time.monotonic() + 5.0

    async def _squeue(self, ids: list[str]) -> set[str] | None:
        """Those of these Slurm jobs that there are; notes why some wait. None if Slurm does not answer."""
        self._waiting, self._for_ever = [], ""
        if not ids:
            return set()
        try:
            process = await asyncio.create_subprocess_exec(
                "squeue", "-h", "-u", str(os.getuid()), "-o", "%i|%T|%r",
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            output, _ = await asyncio.wait_for(process.communicate(), 30)
        except (OSError, TimeoutError):
            return None
        if process.returncode:
            return None
        found = set()
        for line in output.decode("utf-8", "replace").splitlines():
            number, state, reason = [*line.split("|", 2), "", ""][:3]
            if number not in ids:
                continue
            if state == "PENDING":
                words, for_ever = reason_in_words(reason)
                self._waiting.append([number, words])
                self._for_ever = words if for_ever else self._for_ever
            if state not in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL"):
                found.add(number)
        return found

    def _last_words(self, number: str) -> str:
        path = self._folder / f"slurm-{number}.out"
        try:
            lines = [line.strip() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
        except OSError:
            lines = []
        said = f": {lines[-1][:200]}" if lines else ""
        return f"Slurm job {number} ended before its worker was ready{said} (see {path})"

    def _write(self, unfinished: int) -> None:
        fatal = self._bad_starts >= _MOST_BAD_STARTS or bool(self._for_ever and not self._scheduler.workers)
        write_document(
            self._folder / STATE,
            {
                "workers": len(self._scheduler.workers), "jobs": len(self._cluster.workers), "waiting": self._waiting,
                "problem": self._problem or self._for_ever, "fatal": fatal, "unfinished": unfinished,
            },
        )  # fmt: skip


async def _serve(options: dict[str, Any], folder: Path) -> None:
    import dask.config

    dask.config.set({"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []})
    os.environ["DASK_DISTRIBUTED__WORKER__HTTP__ROUTES"] = "[]"  # Slurm jobs have the environment of who submits them
    tls = write_certificates(folder / "tls")
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    async with _cluster_of(options, tls) as cluster:
        host = Host(cluster, options, folder)
        about = {"address": cluster.scheduler_address, "pid": os.getpid(), "machine": platform.node()}
        write_document(folder / STATE, {})
        write_document(folder / HOST, about)
        try:
            while not end.is_set() and await host.turn():
                try:
                    await asyncio.wait_for(end.wait(), _LOOK_S)
                except TimeoutError:
                    continue
        finally:
            (folder / HOST).unlink(missing_ok=True)


def main(argv: list[str] | None = None) -> int:
    """The process's entry point."""
    (name,) = sys.argv[1:] if argv is None else argv
    folder = Path(name)
    options = json.loads(sys.stdin.read())
    check_private(folder)
    asyncio.run(_serve(options, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
