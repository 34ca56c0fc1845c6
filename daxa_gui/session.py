"""Session: the verbs of the program, each delegating to the part that can do it; the only door for the window and the CLI."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

from daxa_gui.core.events import CatalogueChanged
from daxa_gui.core.settings import Settings
from daxa_gui.execution.executors import start_thread
from daxa_gui.inspection import Inspection
from daxa_gui.keeping_verbs import KeepingVerbs
from daxa_gui.practice_mode import SERVICE_PREFIX, PracticeMode
from daxa_gui.search_verbs import Start
from daxa_gui.setting_verbs import first_settings

__all__ = ["Session", "first_settings"]

log = logging.getLogger(__name__)


class Session(KeepingVerbs):
    """One user's program. Every method may be called from any thread unless it says otherwise.

    Parameters
    ----------
    output_folder : where archives and raw data live; the setting « archives folder » if None.
    cache : things that can be made again (practice sky, columnar event lists).
    start : starts a function on a pool thread; the window gives its QThreadPool.
    settings_file : where changed settings are written; nowhere if None.
    """

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        settings_file: Path | None = None,
        output_folder: Path | None = None,
        cache: Path | None = None,
        start: Start = start_thread,
    ) -> None:
        super().__init__(settings or Settings(), settings_file, cache, self._call_process, start, output_folder)
        self._workers: Any = None
        self._workers_lock = threading.Lock()
        self.inspection = Inspection(self._call_process, self._cache)
        self._practice = PracticeMode(self._cache, self.bus, self._call_process, self._on_practice_ready)

    # ---- the practice sky

    @property
    def practice(self) -> bool:
        return self._practice.started

    def start_practice(self, start: Start | None = None) -> None:
        """Make the practice sky if need be and serve it; events `PracticeProgress` and `CatalogueChanged` tell the rest.

        `start` begins the work in another way than usual (the window waits until it is painted).
        """
        self._practice.start(start or self._start)

    def practice_ready(self) -> bool:
        return self._practice.ready

    def wait_for_practice(self) -> None:
        """Until the practice sky is there; raises what went wrong if it cannot be made."""
        self._practice.address("heasarc")

    def _on_practice_ready(self, folder: Path) -> None:
        from daxa_gui.practice.sky import names

        missions = self._finding.use_practice(folder, names())
        for mission in missions:
            self.catalogue(mission)  # read here and not on the window's thread
        for mission in missions:
            self.bus.publish(CatalogueChanged(mission))

    def _service_url(self, service: str) -> str:
        """The address of an archive service, "" for one that is not to be had; practice services start the practice sky."""
        if service.startswith(SERVICE_PREFIX):
            self.start_practice()
            return self._practice.address(service.removeprefix(SERVICE_PREFIX))
        return self._real_address(service)

    def _real_address(self, service: str) -> str:
        """« mirror:heasarc » is the folder of that service in the mirror of the settings. While the program works offline only
        a mirror that is a folder of this machine answers."""
        from daxa_gui.remote.services import MIRROR, SERVICES

        if service.startswith(MIRROR):
            mirror = self.settings.mirror
            address = f"{mirror.rstrip('/')}/{service.removeprefix(MIRROR)}" if mirror else ""
        else:
            address = SERVICES.get(service, "")
        return "" if self.offline and not address.startswith("file:") else address

    # ---- the end

    def _worker_pool(self) -> Any:
        from daxa_gui.execution.worker_pool import WorkerPool

        with self._workers_lock:
            if self._workers is None:
                self._workers = WorkerPool(max(2, os.cpu_count() or 2))
            return self._workers

    def _call_process(self, target: str, arguments: dict[str, Any], on_progress: Any = None, cancelled: Any = None) -> Any:
        return self._worker_pool().call(target, arguments, on_progress=on_progress, cancelled=cancelled)

    def close(self) -> None:
        """Stop everything; unfinished jobs continue at the next opening."""
        self._refreshing.cancel_all()
        self.close_archive()
        self._practice.stop()
        with self._workers_lock:
            if self._workers is not None:
                self._workers.close()
