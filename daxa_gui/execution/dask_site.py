"""Jobs on a Dask cluster that is there already: each is submitted, watched, and taken back when it is done.

What runs is published on the scheduler under a name made of the archive, the job and its task, so that it goes on when this
program closes, and the next one finds it. See docs/clusters.md.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_gui.core.errors import Cancelled, DaxaError, ReductionError
from daxa_gui.execution.dask_client import known_threads, lost
from daxa_gui.execution.dask_connection import Cluster, Connection
from daxa_gui.execution.dask_folder import RunFolder
from daxa_gui.execution.dask_left import LeftRuns, published
from daxa_gui.execution.dask_running import (
    Running,
    document_of,
    explained,
    job_prefix,
    new_key,
    outcome_of,
    seal_of,
    stem_of,
)
from daxa_gui.execution.dask_task import do_task
from daxa_gui.execution.failures import exception_of, failure_of
from daxa_gui.execution.runner import OWN_CODE

if TYPE_CHECKING:
    from distributed import Client

    from daxa_gui.core.job import Job
    from daxa_gui.core.step import Call, Outcome
    from daxa_gui.execution.runner import CancelToken, ThreadContext

log = logging.getLogger(__name__)

_LOOK_S = 0.25
_COUNT_S = 2.0
_MOST_BEGINNINGS = 5


class DaskSite:
    """See `execution.sites.Site`. It connects when the first job comes.

    Parameters
    ----------
    name : as a person writes it.
    cluster : where its scheduler is.
    folder : on a disk that all machines share, for the runs of this archive; best inside it.
    archive : what tells this archive from all others.
    seal : a secret; what a worker leaves in the folder for a later program bears its mark, so that nobody can put one there.
    allowed : what the module names of tasks begin with.
    is_wanted : whether the result of a job (its id) whose run began at a time (seconds since 1970) is still of use; asked about
        runs that an earlier program left.
    on_capacity : called when more can be done at once than before, on a thread of this site.
    patience_s : how long a lost scheduler is waited for before its jobs are put back and the lane is paused.
    """

    def __init__(
        self,
        name: str,
        cluster: Cluster,
        *,
        folder: Path,
        archive: str,
        seal: str,
        allowed: tuple[str, ...] = OWN_CODE,
        is_wanted: Callable[[int, float], bool] = lambda job_id, began: True,
        on_capacity: Callable[[], None] = lambda: None,
        patience_s: float = 30.0,
    ) -> None:
        self.name = name
        self.cluster = cluster
        self._folder = folder / "runs"
        self._archive = archive
        self._seal = seal
        self._allowed = allowed
        self._on_capacity = on_capacity
        self._connection = Connection(cluster, self._on_connected, patience_s)
        self._lock = threading.Lock()
        self._running: set[Running] = set()
        self._left = LeftRuns(name, self._folder, archive, is_wanted)
        self.threads: dict[str, int] | None = None  # of each worker, when last asked
        self._capacity = 1
        self._closed = self._connection.closed
        self._watcher: threading.Thread | None = None

    # ---- Site

    def run(self, job: Job, task: Call, context: ThreadContext, token: CancelToken) -> Outcome:
        """See `Site.run`.

        Raises
        ------
        DaxaError : as the task raised it, or what is wrong with the cluster (that pauses the lane, and the job stays queued).
        """
        token.check()
        running = Running(job, task, context, token, stem_of(self._archive, job.id, task))
        with self._lock:
            self._running.add(running)
        try:
            return self._begin(running) or self._wait(running)
        finally:
            with self._lock:
                self._running.discard(running)

    def capacity(self) -> int:
        """A little more than there are threads, so that none waits for this program; at least 1, so that one is asked for."""
        return self._capacity

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            for running in self._running:
                running.woken.set()
        end = time.monotonic() + 3.0
        while self._running and time.monotonic() < end:  # those whose work ends with this need the connection for it
            time.sleep(0.02)
        if self._watcher is not None:
            self._watcher.join(10)
        self._connection.close()

    def connect(self, token: CancelToken | None = None) -> Client:
        """The connection to the scheduler, made if there is none. Raises DaxaError, Cancelled."""
        return self._connection.get(token)

    def _on_connected(self, client: Client) -> None:
        self.threads = known_threads(client)
        self._left.look(client, self._keys)
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="watches a cluster", daemon=True)
            self._watcher.start()

    def _keys(self) -> set[str]:
        with self._lock:
            return {running.key for running in self._running}

    # ---- beginning

    def _begin(self, running: Running) -> Outcome | None:
        """Find what an earlier program left of this very job, or submit it. An outcome if that was done already."""
        client = self.connect(running.token)
        self._adopt(running, client)
        if running.future is not None:
            running.context.log_as("it went on while this program was closed; waiting for its end", "INFO")
            return None
        outcome = self._finished_before(running)
        if outcome is None:
            self._submit(running, client)
        return outcome

    def _adopt(self, running: Running, client: Client) -> None:
        for key in reversed(self._left.take(job_prefix(self._archive, running.job.id))):
            folder = RunFolder(self._folder / key)
            usable = running.future is None and key.startswith(running.stem) and folder.exists
            if usable and self._left.is_wanted(key):
                future = published(client, key)
                if future is not None:
                    running.follow(folder.folder, client, future)
                    running.folder.recall()
                    running.times_begun = len(running.folder.attempts)
                    continue
            self._left.give_up(client, key)

    def _finished_before(self, running: Running) -> Outcome | None:
        """The answer of a run that ended while nobody was there, not even the scheduler now."""
        for folder in sorted(self._folder.glob(f"{job_prefix(self._archive, running.job.id)}*")):
            run = RunFolder(folder)
            if folder.name.startswith(running.stem) and self._left.is_wanted(folder.name):
                running.folder = run
                run.recall()
                for _attempt, text in run.answers():
                    running.pass_on()
                    try:
                        outcome = outcome_of(text, running, seal_of(self._seal, folder.name))
                    except (DaxaError, Cancelled):  # it is tried again now
                        outcome = None
                    if outcome is not None:
                        run.remove()
                        return outcome
            run.remove()
        running.folder = RunFolder(Path())
        return None

    def _submit(self, running: Running, client: Client) -> None:
        """Give it to the cluster as a new run, in a new folder."""
        folder = self._folder / new_key(running.stem)
        RunFolder(folder).make()
        running.key = folder.name
        seal = seal_of(self._seal, folder.name)
        text = document_of(running.job, running.task, folder, running.context, self._allowed, seal)
        tries = 0
        while True:
            try:
                future = client.submit(do_task, text, key=folder.name, pure=False)
                client.publish_dataset(future, name=folder.name, override=True)
                break
            except (OSError, RuntimeError, ValueError, AttributeError) as error:
                tries += 1
                if tries >= _MOST_BEGINNINGS or (client.status == "running" and not isinstance(error, OSError)):
                    RunFolder(folder).remove()
                    raise explained(error, running, self.name) from error
            client = self.connect(running.token)  # the line broke in the middle: it may have come through or not
            if (found := published(client, folder.name)) is not None:
                future = found
                break
        running.follow(folder, client, future)
        if not self.threads:
            running.context.progress(0, None, "waits for a worker of the cluster")

    # ---- waiting

    def _wait(self, running: Running) -> Outcome:
        begun = 1
        while True:
            running.woken.wait(1.0)
            running.woken.clear()
            if self._closed.is_set() or running.token.is_leaving:
                raise self._let_go(running)
            if running.token.is_cancelled:
                self._stop(running)
                raise Cancelled
            if running.error is not None:
                self._stop(running)
                raise running.error
            assert running.future is not None and running.client is not None
            status = running.future.status
            if status == "finished":
                outcome = self._taken(running)
                if outcome is not None:
                    return outcome
            elif status == "error":
                raise self._failed(running)
            if status == "cancelled" or (status == "finished" and running.future is None) or running.client.status != "running":
                begun += self._find_again(running)
            if begun > _MOST_BEGINNINGS:
                raise lost(
                    f"The cluster {self.name} lost « {running.job.title} » {begun - 1} times.",
                    "Resume the queue when it is well again.",
                )

    def _let_go(self, running: Running) -> Exception:
        """This program leaves, and the run goes on; or work is to be done elsewhere from now on, and the run ends."""
        running.pass_on()
        if running.token.is_cancelled:
            running.folder.remember()
            return Cancelled()
        running.folder.stop()
        self._release(running)
        return ReductionError(f"Work is no longer done at {self.name}; it begins again elsewhere.", retryable=True)

    def _taken(self, running: Running) -> Outcome | None:
        """The outcome; None if the worker that has it is gone (it is done again), or its files are (then there is no future)."""
        assert running.future is not None
        try:
            text = running.future.result(timeout=10)
        except (OSError, RuntimeError, asyncio.CancelledError, CancelledError):  # a TimeoutError is an OSError
            return None
        running.pass_on()
        outcome = None
        try:
            outcome = outcome_of(text, running)
        finally:
            self._forget(running)
        if outcome is None:
            running.future = None
        return outcome

    def _failed(self, running: Running) -> Exception:
        assert running.future is not None
        running.pass_on()
        error = running.future.exception(timeout=10)
        self._forget(running)
        return explained(error or RuntimeError("no reason was given"), running, self.name)

    def _find_again(self, running: Running) -> int:
        """After the scheduler, or the way to it, was lost: the same run if it is still known there, else a new one. How many new
        ones were begun."""
        client = self.connect(running.token)
        future = published(client, running.key) if running.future is not None else None
        if future is not None and running.folder.exists:
            self._left.forget(running.key)
            running.context.log_as("the connection to the cluster was lost and is back", "INFO")
            running.follow(running.folder.folder, client, future)
            return 0
        if client.status != "running":
            return 0
        running.context.log_as("WARNING: the cluster has lost this job; it is begun again there", "WARNING")
        running.folder.remove()
        self._submit(running, client)
        return 1

    def _stop(self, running: Running) -> None:
        """End it wherever it runs; returns when nothing of it does."""
        running.folder.stop()
        self._release(running)
        while not self._closed.is_set():
            running.pass_on()
            connected = running.client is not None and running.client.status == "running"
            if running.is_gone(known_threads(running.client) if connected and running.client is not None else None):
                break
            time.sleep(_LOOK_S)
        running.folder.remove()

    def _forget(self, running: Running) -> None:
        self._release(running)
        running.folder.remove()

    def _release(self, running: Running) -> None:
        client, future = running.client, running.future
        if client is None or future is None or client.status != "running":
            return
        try:
            client.unpublish_dataset(running.key)
            client.cancel([future], force=True)
        except (OSError, RuntimeError, AttributeError) as error:
            log.info("a run on %s could not be released: %s", self.name, error)

    # ---- watching

    def _watch(self) -> None:
        """Passes on what workers say, and wakes those whose job has news."""
        counted = 0.0
        while not self._closed.wait(_LOOK_S):
            with self._lock:
                all_running = list(self._running)
            for running in all_running:
                self._look_at(running)
            if time.monotonic() - counted > _COUNT_S:
                counted = time.monotonic()
                self._count()
                self._look_for_trouble(all_running)

    @staticmethod
    def _look_at(running: Running) -> None:
        if running.token.is_cancelled or running.client is None or running.client.status != "running":
            running.woken.set()
        if running.future is None or running.future.status != "pending":
            return  # the thread that waits for it reads the rest itself
        try:
            running.pass_on()
        except (OSError, DaxaError) as error:  # its log cannot be written (a full disk): it cannot go on
            running.error = exception_of(failure_of(error, running.job.title))
            running.woken.set()

    def _count(self) -> None:
        client = self._connection.client
        if client is None:
            return
        threads = known_threads(client)
        if threads is None:
            return
        self.threads = threads
        total = sum(threads.values())
        before, self._capacity = self._capacity, max(self.cluster.least_capacity(), total + -(-total // 4), 1)
        if self._capacity > before:
            self._on_capacity()
        self._left.end_unwanted(client)

    def _look_for_trouble(self, all_running: list[Running]) -> None:
        """Tell jobs that have not begun why they wait."""
        if self.threads:
            return
        text, error = self.cluster.trouble()
        for running in all_running:
            if running.has_begun:
                continue
            hint = text or "waits for a worker of the cluster"
            if hint != running.hint:
                running.hint = hint
                running.context.progress(0, None, hint)
                running.context.log_as(hint, "INFO")
            if error is not None:
                running.error = error
                running.woken.set()
