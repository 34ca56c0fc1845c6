"""An archive of another program to be looked at: its files where they are, our database elsewhere, nothing written there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.errors import ArchiveError


@dataclass(frozen=True)
class ViewLayout(ArchiveLayout):
    """`folder` holds what is ours (database, lock, logs), `data` is the archive that is looked at, `output` is around that."""

    data: Path = Path()

    @property
    def name(self) -> str:
        return self.data.name

    def processed_folder(self, mission: str, obs_id: str) -> Path:
        return self._of_data().processed_folder(mission, obs_id)

    def failed_folder(self, mission: str, obs_id: str) -> Path:
        return self._of_data().failed_folder(mission, obs_id)

    def stored(self, path: str | Path) -> str:
        return self._of_data().stored(path)

    def absolute(self, stored: str) -> Path:
        return self._of_data().absolute(stored)

    def _of_data(self) -> ArchiveLayout:
        if self.data == Path():
            raise ArchiveError(f"The view {self.folder} does not tell which archive it shows.")
        return ArchiveLayout(self.output, self.data)
