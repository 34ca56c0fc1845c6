"""The files of a DAXA archive on their way into one of ours: given second names or copied, or left where they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from daxa_gui.archive.failures import translated
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.on_disk import raw_key
from daxa_gui.archive.placing import sha256_of
from daxa_gui.archive.raw_data import walk
from daxa_gui.archive.regions import ArchiveRegions
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.taking_over import TakenFile
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.exchange.daxa_archive import FAILED, DaxaMission, DaxaProduct
from daxa_gui.exchange.daxa_archive_files import Place
from daxa_gui.exchange.daxa_processes import own_key
from daxa_gui.missions import MISSIONS


class FilesOfDaxa:
    """What lies in one DAXA archive and the output folder around it.

    Parameters
    ----------
    root : the archive's folder.
    view : nothing is brought; files are noted where they are.
    say : told (done, total, text) before each observation; may raise `Cancelled`.

    Attributes
    ----------
    n_files : how many were brought.
    outside : those of them that were made in the output folder around our archive.
    sentences : about what was not brought.
    """

    def __init__(self, root: Path, store: ArchiveStore, say: Callable[[int, int, str], None], *, view: bool) -> None:
        self._store, self._say, self._view = store, say, view
        self._source = ArchiveLayout(root.parent.parent if root.parent.name == "archives" else root.parent, root)
        self._place = Place(root, self._source.output)
        self.n_files = 0
        self.outside: list[Path] = []
        self.sentences: list[str] = []

    def bring_all(self, mission: DaxaMission) -> None:
        target = self._store.layout
        for number, one in enumerate(mission.observations):
            self._say(number, len(mission.observations), f"{mission.name}: files of {one.obs_id}")
            for source in self._place.data_folders(mission.name, one.obs_id):
                failed = source.parent.parent.name == FAILED
                place = (target.failed_folder if failed else target.processed_folder)(mission.name, one.obs_id)
                self._bring_folder(source, place, copy=True)
            raw = self._source.raw_folder(mission.name, one.obs_id)
            here = target.raw_folder(mission.name, one.obs_id)
            if raw.is_dir() and raw.resolve() != here.resolve():
                self._bring_folder(raw, here, copy=False)
            if one.regions:
                self._bring(Path(one.regions), ArchiveRegions(self._store).path(mission.name, one.obs_id), copy=True)

    def _bring_folder(self, source: Path, target: Path, *, copy: bool) -> None:
        left = 0
        for folder, names, files in os.walk(source):
            names[:] = sorted(
                name for name in names if not (Path(folder) / name).is_symlink() and not name.startswith("tempdir_")
            )
            for name in sorted(files):
                path = Path(folder) / name
                left += not self._bring(path, target / path.relative_to(source), copy=copy)
        if left:
            self.sentences.append(f"{left} files of {source} were not taken over: links to elsewhere, or another disk.")

    def _bring(self, source: Path, target: Path, *, copy: bool) -> bool:
        """A second name, or a copy if that is allowed; False if neither. What is there already stays."""
        if not source.is_file() or not self._place.is_inside(source):
            return False
        if target.exists():
            return True
        with translated(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            part.unlink(missing_ok=True)
            try:
                os.link(os.path.realpath(source), part)
            except OSError:  # no links on or between these disks; what is wrong with the disk itself shows when it is copied
                if not copy:
                    return False
                shutil.copy2(source, part)
            part.replace(target)
        self.n_files += 1
        if not target.is_relative_to(self._store.layout.folder):
            self.outside.append(target)
        return True

    def taken(self, product: DaxaProduct, ours: Container[str]) -> TakenFile | None:
        """A file of DAXA's, as it lies in the archive that is being made. `ours`: processes for which we have steps; what they
        made has the key that those would give it."""
        key, path = own_key(product.key) if product.step in ours else product.key, Path(product.path)
        place = path
        if not self._view:
            stored = self.stored(str(path))
            place = self._store.layout.absolute(stored) if stored != str(path) else path
            if not place.is_file():
                return None
        return TakenFile(key, place, "" if self._view else sha256_of(place))

    def stored(self, value: Any) -> Any:
        """Plain values with paths below DAXA's folders as the archive remembers them."""
        if isinstance(value, str) and value.startswith("/"):
            try:
                return self._source.stored(value)
            except DaxaError:
                return value
        if isinstance(value, Mapping):
            return {key: self.stored(part) for key, part in value.items()}
        return [self.stored(part) for part in value] if isinstance(value, list) else value

    def raw_lists(self, mission: str, obs_id: str, others: list[TakenFile]) -> Iterator[TakenFile]:
        """Event lists in the raw folder, so that they can be looked at and reduced here."""
        spec = MISSIONS[mission]
        folder = self._store.layout.raw_folder(mission, obs_id)
        if not spec.raw_file or not folder.is_dir():
            return
        read = resolve(spec.raw_file)
        taken = {file.key.unit for file in others if file.key.kind is ProductKind.EVENTS}
        for path in sorted(folder.rglob("*")):
            said = read(path.name) if path.is_file() and not path.is_symlink() else None
            if said is None or said.kind is not ProductKind.EVENTS:
                continue
            key = ProductKey(mission, obs_id, ProductKind.EVENTS, said.instrument, said.exposure)
            if key.unit not in taken:
                taken.add(key.unit)
                yield TakenFile(key, path, "" if self._view else sha256_of(path))

    def raw_files(self, mission: str, obs_id: str) -> Iterator[TakenFile]:
        """What lies in the raw folder, so that the steps of the mission's software can begin with it. Their checksums are not
        computed: there may be gigabytes of them, and DAXA knows none."""
        for entry in walk(self._store.layout.raw_folder(mission, obs_id)):
            path = Path(entry.path)
            if entry.is_symlink() or entry.name.startswith(".") or entry.name.endswith((".part", "SUM.SAS")):
                continue
            yield TakenFile(raw_key(mission, obs_id, entry.name), path, "")
