"""Whether an archive's place can be written, found out before anything is tried."""

from __future__ import annotations

import os

from daxa_gui.archive.layout import ArchiveLayout


def why_not_writable(layout: ArchiveLayout) -> str:
    """A sentence if folder, database or lock cannot be written (permissions, a disk that is mounted read-only); else empty."""
    for path in (layout.folder, layout.database, layout.lock):
        if path.exists() and not os.access(path, os.W_OK):
            return f"{path} cannot be written, so the archive can be looked at only."
    return ""
