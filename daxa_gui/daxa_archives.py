"""Archives both ways with the DAXA package: what it needs to open one of ours, and its own looked at or taken over here.

`write` makes an archive of ours one of DAXA's as well; `convert` makes a new archive of ours of one of DAXA's; `open_view` shows
one of DAXA's without changing it. What is taken over is in docs/daxa-archives.md.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from daxa_gui.archive.failures import translated
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.view_layout import ViewLayout
from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.errors import ArchiveError
from daxa_gui.daxa_described import values_of
from daxa_gui.daxa_taking import CatalogueOf, Progress, TakenOver, Taking, convert, convert_into
from daxa_gui.exchange.daxa_archive import FAILED, PROCESSED, SAVE_INFO
from daxa_gui.exchange.daxa_archive_reading import is_daxa_archive, read_archive, with_daxas_own
from daxa_gui.exchange.daxa_archive_writing import write_archive

__all__ = [
    "TakenOver",
    "Written",
    "convert",
    "convert_into",
    "is_daxa_archive",
    "open_view",
    "values_of",
    "view_summary",
    "write",
    "write_with_notes",
]


@dataclass(frozen=True)
class Written:
    """Files that were written, and sentences about what DAXA cannot have in the same way."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...]


def write(store: ArchiveStore, catalogue_of: CatalogueOf | None = None) -> list[Path]:
    """Write `.save_info` and the logs with which the real DAXA opens the archive; nothing of them is needed by this program.

    Parameters
    ----------
    catalogue_of : gives the catalogue of a mission; with it the stored filters are written as DAXA's operations where DAXA has
        them. Without it (or where it raises a DaxaError) the selection is written as a list of ObsIDs.

    Raises
    ------
    InputError : there is nothing that DAXA could open (simulated observations only).
    FileError : something cannot be written.
    ArchiveError : the archive can only be looked at.
    """
    return list(write_with_notes(store, catalogue_of).paths)


def write_with_notes(store: ArchiveStore, catalogue_of: CatalogueOf | None = None) -> Written:
    if store.read_only_reason:
        raise ArchiveError(store.read_only_reason, "Nothing was changed.")
    archive = with_daxas_own(values_of(store, catalogue_of), store.layout.folder)
    told: list[str] = []
    paths = write_archive(archive, store.layout.folder, told)
    return Written(tuple(paths), (*archive.problems, *told))


def open_view(
    folder: str | Path, cache: str | Path, catalogue_of: CatalogueOf | None = None, progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ArchiveStore:  # fmt: skip
    """A DAXA archive to be looked at: nothing is written in its folder, the database is in `cache` and is used again while the
    archive stays as it is. Close the store as any other.

    Raises FileError if it is no DAXA archive, ArchiveError if the cache cannot be written.
    """
    root = Path(folder).expanduser().resolve()
    stamp = _stamp(root)
    place = Path(cache) / "daxa-views" / hashlib.sha256(os.fsencode(root)).hexdigest()[:24]
    layout = ViewLayout(root.parent.parent if root.parent.name == "archives" else root.parent, place, root)
    marker = place / "stamp"
    with translated(place):
        if not marker.is_file() or marker.read_text(encoding="ascii") != stamp:
            archive = read_archive(root)
            if place.exists():
                shutil.rmtree(place)
            store = ArchiveStore.create(layout)
            try:
                Taking(
                    archive, store, catalogue_of, progress or (lambda done, total, text: None), cancelled or (lambda: False),
                    view=True,
                ).run()  # fmt: skip
            finally:
                store.close()
            marker.write_text(stamp, encoding="ascii")
    return ArchiveStore.open(layout, read_only=True)


def view_summary(store: ArchiveStore) -> ArchiveSummary:
    """The summary of a store from `open_view`, with the path of DAXA's folder and the reason why nothing can be changed."""
    layout = store.layout
    shown = str(layout.data) if isinstance(layout, ViewLayout) else str(layout.folder)
    reason = "This archive was made by DAXA and is shown as it is. Convert it into a new archive to work on it."
    return replace(store.summary(), name=layout.name, path=shown, read_only=reason)


def _stamp(root: Path) -> str:
    """Changes when the archive does: sizes and times of the save files, and of the folders in which observations lie."""
    found = []
    for pattern in (f"{SAVE_INFO}/*.json", f"{PROCESSED}/*", f"{FAILED}/*", f"{PROCESSED}/*/*/logs", "regions/*/*"):
        for path in sorted(root.glob(pattern)):
            status = path.stat()
            found.append(f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(found).encode("utf-8", "surrogateescape")).hexdigest()
