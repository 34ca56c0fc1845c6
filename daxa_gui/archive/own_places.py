"""Whether what is written really lands in an archive: folders of strangers may hold links in place of folders and files.

Products, raw data and the program's own files are never links, so a link in their way was put there by another hand. What only
reads follows links; what writes, moves or deletes does not.
"""

from __future__ import annotations

import stat
from pathlib import Path

from daxa_gui.archive.layout import DATABASE, FAILED, PROCESSED, ArchiveLayout
from daxa_gui.core.errors import ArchiveError

_FOLDERS = (PROCESSED, FAILED, "logs", "work", "intermediate", "configurations", "cluster", "regions", ".trash", ".save_info")
_DOCUMENTS = ("archive.json", "decisions.json")
_FILES = (
    *(f"{DATABASE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal", ".rebuilt")),
    ".daxa_gui.lock", "journal.jsonl", *_DOCUMENTS, *(f"{name}.part" for name in _DOCUMENTS),
)  # fmt: skip


def why_not_own(layout: ArchiveLayout) -> str:
    """A sentence if a link, a pipe or a device stands where the archive has a folder or a file of its own; else empty."""
    for names, is_right in ((_FOLDERS, stat.S_ISDIR), (_FILES, stat.S_ISREG)):
        for name in names:
            path = layout.folder / name
            try:
                mode = path.lstat().st_mode
            except (FileNotFoundError, NotADirectoryError):
                continue
            if not is_right(mode):
                what = "a link" if stat.S_ISLNK(mode) else "something else"
                return f"In the archive {layout.folder} {what} stands in the place of « {name} », so it can be looked at only."
    return ""


def is_own(layout: ArchiveLayout, path: Path) -> bool:
    """Whether the folder of `path` lies in the archive or its output folder, without a link on the way to it."""
    for root in (layout.folder, layout.output):
        if path.is_relative_to(root) and path != root:
            return path.parent.resolve() == root.resolve() / path.parent.relative_to(root)
    return False


def check_own(layout: ArchiveLayout, *paths: Path) -> None:
    """Raise ArchiveError for a path of which `is_own` is not true."""
    for path in paths:
        if not is_own(layout, path):
            raise ArchiveError(
                f"A link leads from {path} to elsewhere; nothing is written, moved or deleted there.",
                "Put a folder in the place of the link if it belongs to the archive.",
            )
