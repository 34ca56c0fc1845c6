"""What an earlier program left on a cluster: runs that are published on the scheduler, and their folders.

A run whose job is wanted is taken up when that job comes; all others end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_gui.execution.dask_folder import RunFolder
from daxa_gui.execution.dask_running import archive_prefix, job_and_time

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger(__name__)


def published(client: Client, key: str) -> Future | None:
    """A run that the scheduler knows by its name; None if it knows none, or cannot be asked."""
    try:
        found: Future | None = client.get_dataset(key, default=None)
    except (OSError, RuntimeError, KeyError):
        return None
    return found


class LeftRuns:
    """Safe from any thread. `site`: what the cluster is called; the other parameters are those of `DaskSite`."""

    def __init__(self, site: str, folder: Path, archive: str, is_wanted: Callable[[int, float], bool]) -> None:
        self._site = site
        self._folder = folder
        self._archive = archive
        self._is_wanted = is_wanted
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    def look(self, client: Client, running: Callable[[], set[str]]) -> None:
        """Know what is published for this archive and is none of `running`; end what nobody wants, sweep folders that belong to
        nothing."""
        prefix = archive_prefix(self._archive)
        known = {str(name) for name in client.list_datasets() if str(name).startswith(prefix)}
        with self._lock:
            mine = running()
            self._keys = known - mine
        self.end_unwanted(client)
        for folder in self._folder.glob(f"{prefix}*"):
            if folder.name not in known and folder.name not in mine and not self.is_wanted(folder.name):
                RunFolder(folder).remove()

    def take(self, prefix: str) -> list[str]:
        """The runs of one job, oldest first; whoever asked sees to them from now on."""
        with self._lock:
            found = sorted(key for key in self._keys if key.startswith(prefix))
            self._keys.difference_update(found)
        return found

    def forget(self, key: str) -> None:
        with self._lock:
            self._keys.discard(key)

    def is_wanted(self, key: str) -> bool:
        """Whether the result of a run is still of use; never, if its name is none that this program gives."""
        try:
            return self._is_wanted(*job_and_time(key))
        except ValueError:
            return False

    def end_unwanted(self, client: Client) -> None:
        with self._lock:
            candidates = sorted(self._keys)
        for key in candidates:
            if not self.is_wanted(key):
                self.forget(key)
                self.give_up(client, key)

    def give_up(self, client: Client, key: str) -> None:
        """A run that nobody wants: its command ends, its key is forgotten."""
        folder = RunFolder(self._folder / key)
        folder.stop()
        future = published(client, key)
        try:
            client.unpublish_dataset(key)
            if future is not None:
                client.cancel([future], force=True)
        except (OSError, RuntimeError) as error:
            log.info("a run on %s could not be given up: %s", self._site, error)
        folder.remove()
