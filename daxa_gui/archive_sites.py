"""Where the reduction of an open archive is done: on this machine, or on a cluster that a person chose for this archive.

The choice is kept in this user's own folder and never in the archive: an archive of somebody else must not be able to make this
program connect to a machine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ReductionError
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.job import Job
from daxa_gui.core.settings import Settings

if TYPE_CHECKING:
    from daxa_gui.execution.sites import Site

LOCAL, SLURM = "local", "slurm"
_CHOICES = "executors.json"
Progress = Callable[[float, float | None, str], None]


class Sites:
    """Safe from any thread.

    Parameters
    ----------
    state_folder : this user's own; made when something is written.
    on_capacity : called when the number of tasks that the cluster can do has changed.
    """

    def __init__(
        self, store: ArchiveStore, settings: Callable[[], Settings], state_folder: Path, on_capacity: Callable[[], None]
    ) -> None:
        self._store, self._layout, self._settings = store, store.layout, settings
        self._folder, self._on_capacity = state_folder, on_capacity
        self._lock = threading.RLock()
        self._checking = threading.Lock()
        self._chosen = self._read().get(str(self._layout.folder), LOCAL)
        self._site: Site | None = None
        self._is_checked = False

    @property
    def chosen(self) -> str:
        """ "local", "dask=ADDRESS" or "slurm"."""
        return self._chosen

    @property
    def is_cluster(self) -> bool:
        return self._chosen != LOCAL

    def choose(self, text: str) -> None:
        """Do the work of this archive somewhere else from now on. What runs on the former cluster is put back and done here.

        Raises
        ------
        InputError : the text says nothing that is known. ReductionError : packages are missing.
        """
        from daxa_gui.execution.site_names import parse_executor

        name = str(parse_executor(text))
        with self._lock:
            if name == self._chosen:
                return
            made = self._make(name)
            before = self._chosen
            if self._site is not None:
                self._site.close()
            self._chosen, self._site, self._is_checked = name, made, False
            choices = self._read()
            choices[str(self._layout.folder)] = name
            self._write({folder: one for folder, one in choices.items() if one != LOCAL})
        if before == SLURM:
            self.end_slurm()
        self._on_capacity()

    def end_slurm(self) -> bool:
        """End the program that keeps this archive's Slurm jobs, with them; whether there was one. Their work is done again."""
        from daxa_gui.execution.site_names import end_slurm

        return end_slurm(self._layout.folder, self._layout.name, self._folder)

    def of(self, job: Job) -> Site | None:
        """Where a job is done; None for here. The cluster is looked at before its first job.

        Raises
        ------
        ReductionError : the cluster cannot be used; trying again may help.
        """
        if job.kind != "reduce" or not self.is_cluster:
            return None
        with self._checking:  # not under the lock: the queue asks for the capacity meanwhile, and a check may take minutes
            with self._lock:
                if self._site is None:
                    self._site = self._make(self._chosen)
                site, name, is_checked = self._site, self._chosen, self._is_checked
            if not is_checked:
                self._check_first(name)
                with self._lock:
                    self._is_checked = self._chosen == name
        return site

    def _check_first(self, name: str) -> None:
        faults = [one for one in self.check(name) if one.grade is Grade.FAULT]
        if faults:
            error = ReductionError(f"The work cannot be done at « {name} »: {faults[0].text}", faults[0].fix, retryable=True)
            error.pauses_lane = True  # the jobs stay queued until somebody resumes them
            raise error

    def capacity(self) -> int | None:
        """How many tasks the cluster can do at once; None where this machine's cores count."""
        with self._lock:
            if not self.is_cluster:
                return None
            return max(1, self._site.capacity()) if self._site is not None else 1

    def check(self, text: str, progress: Progress | None = None) -> list[Finding]:
        """What a probe job finds: is the archive's folder seen there, is this program there in the same version …"""
        from daxa_gui.execution.probe import check_site

        return check_site(
            text, archive_folder=self._layout.folder, archive=self._layout.name, settings=self._settings,
            state_folder=self._folder, progress=progress,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the cluster; what runs there goes on."""
        with self._lock:
            if self._site is not None:
                self._site.close()
                self._site = None

    def _make(self, name: str) -> Site | None:
        from daxa_gui.execution.site_names import make_site, wanted_by

        return make_site(
            name, archive_folder=self._layout.folder, archive=self._layout.name, settings=self._settings,
            state_folder=self._folder, is_wanted=wanted_by(self._store), on_capacity=self._on_capacity,
        )  # fmt: skip

    def _read(self) -> dict[str, str]:
        """Archive's folder → where its work is done. A damaged file counts as none: what it holds can be said again."""
        try:
            found = json.loads((self._folder / _CHOICES).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(folder): str(one) for folder, one in found.items()} if isinstance(found, dict) else {}

    def _write(self, choices: dict[str, str]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self._folder / f"{_CHOICES}.part"
            part.write_text(json.dumps(choices, indent=1), "utf-8")
            part.replace(self._folder / _CHOICES)
        except OSError as error:
            raise ReductionError(
                f"The choice cannot be kept in {self._folder}: {error.strerror or error}.",
                "It holds until the archive is closed.",
            ) from None
