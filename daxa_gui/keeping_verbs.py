"""The verbs that ask and keep an archive: results, versions, trash, regions, checking, interchange. `Session` has them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from daxa_gui.core.archive_info import DownloadedFile
from daxa_gui.core.archive_queries import (
    ArchiveUpdate,
    ArchiveVersion,
    ObservationFacts,
    ProcessResult,
    RawDataUse,
    RegionSet,
    TrashEntry,
    VerifyReport,
    VersionContents,
    VersionDifference,
)
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.events import ArchiveContentChanged, Notice
from daxa_gui.core.job import Job
from daxa_gui.work_verbs import WorkVerbs

if TYPE_CHECKING:
    from daxa_gui.archive.queries import Queries
    from daxa_gui.archive.regions import ArchiveRegions
    from daxa_gui.archive.trash import Trash
    from daxa_gui.archive.versions import Versions
    from daxa_gui.core.filters import SkyShape

T = TypeVar("T")
Progress = Callable[[float, float | None, str], None]


class KeepingVerbs(WorkVerbs):
    """About the open archive, unless a folder is named. What nobody has opened holds nothing; changing it raises ArchiveError."""

    # ---- what succeeded, and where it is

    def _queries(self) -> Queries:
        return self._here().queries

    def process_results(self, mission: str = "", obs_id: str = "", step: str = "") -> list[ProcessResult]:
        """One for each step and unit, also those that have not ended; errors, warnings and the place of the log are in them."""
        return self._queries().process_results(mission, obs_id, step) if self._open else []

    def failed_processes(self, mission: str = "") -> list[ProcessResult]:
        return self._queries().failed_processes(mission) if self._open else []

    def observation_facts(self, mission: str, obs_id: str) -> ObservationFacts:
        """What is known of an observation: instruments and exposures, success, folders, size."""
        return self._queries().observation_facts(mission, obs_id)

    def final_success(self, mission: str = "") -> dict[tuple[str, str], bool | None]:
        """By (mission, ObsID): whether anything usable came out; None while that is open."""
        return self._queries().final_success(mission) if self._open else {}

    def data_path(self, mission: str, obs_id: str) -> str:
        """The folder of processed data, or of failed data where everything failed."""
        return self._queries().data_path(mission, obs_id)

    def files(self, mission: str = "", obs_id: str = "") -> list[DownloadedFile]:
        """What came from the missions' archives."""
        return self._here().store.files(mission, obs_id) if self._open else []

    def left_out(self) -> list[LeftOut]:
        """Observations that were chosen and are not fetched, and why."""
        return self._here().store.left_out() if self._open else []

    # ---- raw data and the trash

    def _trash(self) -> Trash:
        from daxa_gui.archive.trash import Trash

        return Trash(self._here().store)

    def raw_data_use(self, mission: str = "", obs_ids: Sequence[str] = ()) -> RawDataUse:
        """How much there is to delete. Walks through the folders: not for the window's thread."""
        return self._trash().use(mission, obs_ids)

    def delete_raw_data(self, mission: str = "", obs_ids: Sequence[str] = (), *, shared: bool = False) -> TrashEntry:
        """Move raw data into the archive's trash. What other archives use stays unless `shared` says that this is known."""
        return self._changed(self._trash().delete_raw(mission, obs_ids, shared=shared))

    def trash(self) -> list[TrashEntry]:
        return self._trash().entries() if self._open else []

    def restore(self, entry_id: int) -> int:
        """Put something back from the trash; how many files."""
        return self._changed(self._trash().restore(entry_id))

    def empty_trash(self, entry_ids: Iterable[int] | None = None) -> int:
        """Delete for good (all if None); how many bytes were freed."""
        return self._changed(self._trash().empty(entry_ids))

    def _changed(self, result: T) -> T:
        """Tell the panels that the archive holds something else now."""
        self.bus.publish(ArchiveContentChanged(str(self._here().layout.folder)))
        return result

    # ---- regions

    def _regions(self) -> ArchiveRegions:
        from daxa_gui.archive.regions import ArchiveRegions

        return ArchiveRegions(self._here().store)

    def regions(self, mission: str = "", obs_id: str = "") -> list[RegionSet]:
        return self._regions().regions(mission, obs_id) if self._open else []

    def region_shapes(self, mission: str, obs_id: str) -> tuple[SkyShape, ...]:
        """The regions of an observation that have an area."""
        from daxa_gui.exchange.region_files import read_region_file
        from daxa_gui.exchange.region_values import to_shapes

        path = self._regions().path(mission, obs_id)
        return to_shapes(read_region_file(path).regions) if path.is_file() else ()

    def region_text(self, mission: str, obs_id: str, more: Sequence[SkyShape] = ()) -> str:
        """The region file of an observation as DS9 reads it, with `more` shapes behind what is in it."""
        from daxa_gui.exchange.region_values import RegionFile
        from daxa_gui.exchange.region_writing import regions_text
        from daxa_gui.region_sets import understood

        path = self._regions().path(mission, obs_id)
        kept = understood(path)[0] if path.is_file() else RegionFile(())
        added = understood(list(more))[0] if more else RegionFile(())
        return regions_text(RegionFile((*kept.regions, *added.regions), kept.verbatim, 0, kept.groups))

    def set_regions(self, mission: str, obs_id: str, source: Any, wcs_from: Path | None = None) -> RegionSet:
        """Make the regions of a file (a Path), of a text in DS9's form, or SkyShapes those of an observation; pixel regions are
        placed on the sky by the image or event list `wcs_from`. What there was is kept beside."""
        from daxa_gui.region_sets import set_regions

        return self._changed(set_regions(self._here().store, mission, obs_id, source, wcs_from))

    def add_regions(self, mission: str, obs_id: str, shapes: Sequence[SkyShape]) -> RegionSet:
        """Put drawn shapes beside the regions that an observation has."""
        return self.set_regions(mission, obs_id, self.region_text(mission, obs_id, shapes))

    def remove_regions(self, mission: str, obs_id: str) -> None:
        """Take the regions of an observation away; what they were is kept beside."""
        self._regions().remove(mission, obs_id)
        self._changed(None)

    # ---- versions

    def _versions(self) -> Versions:
        return self._here().versions

    def versions(self) -> list[ArchiveVersion]:
        """Newest first."""
        return self._versions().versions() if self._open else []

    def version_contents(self, number: str) -> VersionContents:
        return self._versions().contents(number)

    def compare_versions(self, old: str, new: str) -> VersionDifference:
        return self._versions().difference(old, new)

    def note_version(self, note: str = "") -> ArchiveVersion | None:
        """Keep the present state as a version; None if nothing has changed since the last one."""
        if self._here().summary.read_only:
            raise ArchiveError(self._here().summary.read_only, "No version can be made here.")
        return self._changed(self._here().cut_version(note))

    # ---- bringing up to date

    def plan_update(self, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None) -> ArchiveUpdate:
        """Refresh the catalogues and run the archive's stored filters on them; the archive is not changed. Asks the services."""
        from daxa_gui.updating import plan_update

        if any(about.row.get("simulated") for about in self._here().store.observations()):
            self.start_practice()  # or the catalogues would know nothing of these
            self.wait_for_practice()
        return plan_update(
            self._here().store,
            self.catalogue,
            self.update_catalogue,
            now_mjd=self._now_mjd(),
            status=self.catalogue_status,
            progress=progress,
            cancelled=cancelled,
        )

    def update_archive(self, update: ArchiveUpdate) -> list[Job]:
        """Take in what `plan_update` found: fetch it, and reduce it as the rest of its mission was reduced last."""
        from daxa_gui.updating import apply_update

        return self._changed(apply_update(self._here(), update, self.catalogue))

    # ---- checking

    def verify_archive(
        self,
        folder: Path,
        *,
        repair: bool = False,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> VerifyReport:
        """Compare an archive's files with their checksums and its database with the disk. An archive that is repaired is closed
        before and opened again afterwards if it was open."""
        from daxa_gui.archive.layout import ArchiveLayout
        from daxa_gui.archive.verify import verify

        layout = ArchiveLayout.of_folder(folder)
        was_open = self._open is not None and self._here().layout.folder == layout.folder
        if repair and was_open:
            self.close_archive()
        try:
            report = verify(layout, repair=repair, progress=progress, cancelled=cancelled)
            if report.rebuilt:
                self._first_version(layout)
            return report
        finally:
            if repair and was_open:
                self.open_archive(folder)

    @staticmethod
    def _first_version(layout: Any) -> None:
        """Versions are in the database only; what is found on the disk is the first one of a new database."""
        from daxa_gui.archive.store import ArchiveStore
        from daxa_gui.archive.versions import Versions
        from daxa_gui.reduction import STEPS

        store = ArchiveStore.open(layout)
        try:
            Versions(layout, store.database, dict(STEPS)).cut("The database was made anew from the files.")
        finally:
            store.close()

    # ---- the DAXA package

    def write_daxa_files(self) -> list[Path]:
        """Write the state files with which the DAXA package opens this archive. What DAXA cannot have in the same way is
        published as one Notice: the first sentence as its message, the others as its details."""
        from daxa_gui import daxa_archives

        written = daxa_archives.write_with_notes(self._here().store, self.catalogue)
        if written.notes:
            first, *others = written.notes
            self.bus.publish(Notice("warning", first, details="\n".join(others)))
        return list(written.paths)
