"""The verbs of archives: create, open, download, reduce, ask, keep. `Session` adds the practice sky and the worker processes."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from daxa_gui import locations
from daxa_gui.core.archive_info import ArchiveObservation, ArchiveSummary, HistoryEntry
from daxa_gui.core.download_plan import DownloadPlan
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.events import ArchiveChanged, Notice
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.settings import Settings
from daxa_gui.core.times import MJD_OF_1970, SECONDS_PER_DAY
from daxa_gui.open_archive import OpenArchive
from daxa_gui.search_verbs import SearchVerbs, Start


class ArchiveVerbs(SearchVerbs, ABC):
    """Every method may be called from any thread; those that read or write much should not be called from the window's.

    Parameters
    ----------
    output : where archives and raw data live; the setting « archives folder » if None.
    """

    def __init__(
        self,
        settings: Settings,
        settings_file: Path | None,
        cache: Path | None,
        call_process: Callable[..., Any],
        start: Start,
        output: Path | None,
    ) -> None:
        super().__init__(settings, settings_file, cache, call_process, start)
        self._output = output
        self._start = start
        self._open: OpenArchive | None = None

    # ---- what a Session has

    @abstractmethod
    def _service_url(self, service: str) -> str:
        """The address of an archive service right now."""

    @abstractmethod
    def _worker_pool(self) -> Any:
        """The worker processes, started when they are first asked for."""

    @abstractmethod
    def start_practice(self, start: Start | None = None) -> None:
        """Make the practice sky if need be, and serve it."""

    @abstractmethod
    def wait_for_practice(self) -> None:
        """Until the practice sky is there."""

    # ---- archives

    def archives_folder(self) -> Path:
        folder = self.settings.archives_folder
        try:
            return self._output or (Path(folder).expanduser() if folder else locations.documents_folder() / "DAXA archives")
        except RuntimeError:
            raise InputError(f"The setting « Archives folder » leads nowhere: {folder}.", "Give the whole path.") from None

    @property
    def archive(self) -> ArchiveSummary | None:
        """What the open archive is, None if none is open."""
        opened = self._open
        return None if opened is None else opened.summary

    def archives(self) -> list[ArchiveSummary]:
        from daxa_gui.archive.layout import OutputLayout
        from daxa_gui.archive.store import list_archives

        return list_archives(OutputLayout(self.archives_folder()))

    def find_archive(self, name_or_folder: str) -> Path | None:
        """The folder of an archive by its name or path; None if there is none."""
        from daxa_gui.archive.store import is_archive

        return next((layout.folder for layout in self._layouts(name_or_folder) if is_archive(layout)), None)

    def _layouts(self, name_or_folder: str) -> Iterator[Any]:
        """Where an archive may be that somebody means: at this path, or under this name in the output folder."""
        from daxa_gui.archive.layout import ArchiveLayout, OutputLayout

        for layout_of in (ArchiveLayout.of_folder, OutputLayout(self.archives_folder()).archive):
            try:
                yield layout_of(name_or_folder)
            except (InputError, ValueError, RuntimeError):  # no name of an archive; no path; the home of nobody
                continue

    def archive_named(self, name_or_folder: str) -> Path:
        """Like `find_archive`; raises ArchiveError if there is none, or if it has lost its database."""
        from daxa_gui.archive.summary import has_lost_database

        found = self.find_archive(name_or_folder)
        if found is None:
            for layout in self._layouts(name_or_folder):
                if has_lost_database(layout):
                    raise ArchiveError(
                        f"The archive {layout.folder} has no database any more.",
                        f"« daxa-gui verify --repair {layout.folder} » makes it anew from its files.",
                    )
            raise ArchiveError(
                f"There is no archive « {name_or_folder} » in {self.archives_folder()}.", "« daxa-gui info » lists them."
            )
        return found

    def archive_folder(self, name_or_folder: str) -> Path:
        """Like `archive_named`, also for a folder whose database is lost or damaged: to check and repair it."""
        from daxa_gui.archive.layout import OutputLayout

        found = self.find_archive(name_or_folder)
        if found is not None:
            return found
        for folder in (Path(name_or_folder), OutputLayout(self.archives_folder()).archives / Path(name_or_folder).name):
            if folder.is_dir():
                return folder.absolute()
        return self.archive_named(name_or_folder)

    def check_archive_name(self, name: str) -> None:
        """Raises InputError or ArchiveError with the reason if no archive can be made under this name."""
        from daxa_gui.archive.layout import OutputLayout
        from daxa_gui.archive.store import is_unfinished

        layout = OutputLayout(self.archives_folder()).archive(name)
        if layout.folder.exists() and not is_unfinished(layout):
            raise ArchiveError(f"There is already an archive « {name} ».", "Choose another name.")

    def kinds(self, mission: str) -> tuple[ProductKind, ...]:
        """Which kinds of files the archive of a mission offers."""
        spec = self.mission(mission)
        return spec.kinds if spec is not None else ()

    def plan_downloads(
        self,
        selections: Iterable[Selection],
        progress: Callable[[float, float | None, str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> DownloadPlan:
        """Which files the chosen observations have, with sizes, and what is left out and why. Nothing is fetched or stored.
        Asks the archives: takes seconds to minutes.

        Raises
        ------
        Cancelled : `cancelled` said so.
        """
        from daxa_gui.downloading import plan_downloads

        return plan_downloads(
            [(selection, self._rows(selection)) for selection in selections],
            output=self.archives_folder(),
            service_url=self._service_url,
            now_mjd=self._now_mjd(),
            has_login=self._has_login,
            connections_per_host=self.settings.connections_per_host,
            prefer_cloud=self.settings.prefer_cloud,
            progress=progress,
            cancelled=cancelled,
        )

    @staticmethod
    def _now_mjd() -> float:
        return MJD_OF_1970 + time.time() / SECONDS_PER_DAY

    def _has_login(self, mission: str) -> bool:
        """Whether there is a login for the data of a mission that are not public yet."""
        from daxa_gui.remote.credentials import store

        spec = self.mission(mission)
        return spec is not None and store().has(spec.login)

    def create_archive(self, name: str, selections: Iterable[Selection], plan: DownloadPlan | None = None) -> ArchiveSummary:
        """Make an archive of the chosen observations, open it and begin to download: what `plan` says, or, without one, whatever
        turns out to be there."""
        from daxa_gui.archive.layout import OutputLayout
        from daxa_gui.archive.store import ArchiveStore
        from daxa_gui.remote.wanted import wanted_kinds

        chosen = [selection for selection in selections if selection.obs_ids]
        if not chosen:
            raise InputError("There is no observation to put into the archive.", "Change the filters so that some pass.")
        for selection in chosen:
            wanted_kinds(selection.kinds)  # what is wrong with them is said before anything is made
        layout = OutputLayout(self.archives_folder().absolute()).archive(name)
        self.close_archive()
        opened = self._opened(ArchiveStore.create(layout))
        opened.add_selections([(selection, self._rows(selection)) for selection in chosen])
        opened.start_plan(plan if plan is not None else self._plan_as_it_goes(opened))
        return self._announce(opened)

    def _plan_as_it_goes(self, opened: OpenArchive) -> DownloadPlan:
        """One job per observation that looks for its files; what is not public yet is left out unless there is a login."""
        from daxa_gui.downloading import proprietary_of

        return opened.plan_of_jobs(proprietary_of(opened.store.observations(), self._now_mjd(), self._has_login))

    def _rows(self, selection: Selection) -> list[dict[str, Any]]:
        catalogue = self.catalogue(selection.mission)
        return [catalogue.row(int(catalogue.rows_of([obs_id])[0])) for obs_id in selection.obs_ids]

    def open_archive(self, folder: str | Path, *, start: bool = True) -> ArchiveSummary:
        """Open an archive and continue what was interrupted; with `start` false only look at it.

        One that another program has open, that lies on a disk that cannot be written, or that the DAXA package made is opened to
        be looked at: `ArchiveSummary.read_only` says why.
        """
        from daxa_gui import daxa_archives
        from daxa_gui.archive.layout import ArchiveLayout
        from daxa_gui.archive.store import ArchiveStore

        layout = ArchiveLayout.of_folder(folder)
        current = self._open
        if current is not None and current.shown_folder == layout.folder and not current.summary.read_only:
            return current.summary  # one that could only be looked at may be free by now
        if self.is_daxa_archive(layout.folder):
            store = daxa_archives.open_view(layout.folder, self._cache, self.catalogue)
        else:
            store = ArchiveStore.open(layout, read_only="auto")
        self.close_archive()
        return self._announce(self._opened(store, start=start))

    def is_daxa_archive(self, folder: str | Path) -> bool:
        """Whether a folder is an archive that the DAXA package made, and none of this program's."""
        from daxa_gui import daxa_archives
        from daxa_gui.archive.layout import ArchiveLayout

        layout = ArchiveLayout.of_folder(folder)
        return not layout.database.is_file() and daxa_archives.is_daxa_archive(layout.folder)

    def convert_daxa_archive(
        self,
        folder: str | Path,
        name: str,
        progress: Callable[[float, float | None, str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> ArchiveSummary:
        """Make a new archive of one that the DAXA package made, and open it; DAXA's own folder stays as it is."""
        from daxa_gui.archive.layout import OutputLayout
        from daxa_gui.daxa_archives import convert_into

        self.check_archive_name(name)
        layout = OutputLayout(self.archives_folder().absolute()).archive(name)
        taken = convert_into(folder, layout, self.catalogue, self.resolve_name, progress, cancelled)
        for sentence in taken.sentences:
            self.bus.publish(Notice("information", sentence))
        return self.open_archive(layout.folder)

    def _opened(self, store: Any, *, start: bool = True) -> OpenArchive:
        try:
            self._open = OpenArchive(
                store,
                bus=self.bus,
                start=self._start,
                workers=self._worker_pool(),
                service_url=self._service_url,
                connections_per_host=self.settings.connections_per_host,
                cores=self._lane_limit("local"),
                start_queue=start,
                settings=lambda: self.settings,
                limits=self._lane_limit,
                versions=self._step_versions,
                state_folder=self._clusters_folder(),
            )
        except BaseException:  # nobody else would let go of it
            store.close()
            raise
        return self._open

    def _clusters_folder(self) -> Path | None:
        """Beside this program's settings; with the caches where it has no file of settings (tests)."""
        return None if self._settings_file is not None else self._cache / "clusters"

    @abstractmethod
    def _step_versions(self, steps: Collection[str]) -> Mapping[str, str]:
        """Versions of what the named steps use: `ReductionVerbs` knows."""

    def _lane_limit(self, lane: str) -> int:
        """How many jobs of a lane run at the same time; changed settings hold from the next job on."""
        if lane == "local":
            return self._open.options_now().cores if self._open else self.settings.cores or max(1, (os.cpu_count() or 2) - 1)
        return self.settings.connections_per_host

    def _announce(self, opened: OpenArchive) -> ArchiveSummary:
        summary = opened.summary  # read here, so that whoever hears of it finds it read
        self.bus.publish(ArchiveChanged(str(opened.shown_folder)))
        if summary.read_only:
            self.bus.publish(Notice("warning", summary.read_only, "Nothing can be changed here."))
        return summary

    def close_archive(self) -> None:
        """Stop its work (it continues at the next opening) and let it go."""
        opened, self._open = self._open, None
        if opened is not None:
            opened.close()
            self.bus.publish(ArchiveChanged(""))

    def _here(self) -> OpenArchive:
        if self._open is None:
            raise ArchiveError("No archive is open.", "Create one from a search, or open one.")
        return self._open

    def archive_info(self, folder: Path) -> dict[str, Any]:
        """What an archive holds, as plain JSON values; it is not opened, and none of its work continues."""
        from daxa_gui.archive.layout import ArchiveLayout
        from daxa_gui.archive.report import describe

        return describe(ArchiveLayout.of_folder(folder))

    def observations(self) -> list[ArchiveObservation]:
        return self._here().store.observations() if self._open else []

    def products(self, mission: str | None = None, obs_id: str | None = None) -> list[Product]:
        return self._here().store.products(mission, obs_id) if self._open else []

    def iter_contents(self) -> Iterator[tuple[ArchiveObservation, list[Product]]]:
        """The open archive's observations with their products, one after the other: for whoever keeps a part of each only."""
        if not self._open:
            return
        store = self._here().store
        groups = store.iter_products()
        group = next(groups, [])
        for observation in store.iter_observations():
            key = (observation.mission, observation.obs_id)
            while group and (group[0].key.mission, group[0].key.obs_id) < key:
                group = next(groups, [])
            here = bool(group) and (group[0].key.mission, group[0].key.obs_id) == key
            yield observation, group if here else []

    def history(self, product: Product) -> list[HistoryEntry]:
        return self._here().store.history(product)

    def disk_use(self) -> dict[str, int]:
        """Bytes of the archive's products, free on its disk, and still to come by known downloads."""
        return self._here().disk_use()
