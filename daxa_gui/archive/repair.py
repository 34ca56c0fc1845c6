"""Putting an open archive right: registering what is there, taking away what is damaged, letting jobs run again."""

from __future__ import annotations

from pathlib import Path

from daxa_gui.archive.adoption import adopt
from daxa_gui.archive.checking import Expected
from daxa_gui.archive.failures import translated
from daxa_gui.archive.files import register_file
from daxa_gui.archive.on_disk import Fetched, manifest_of, raw_key
from daxa_gui.archive.own_places import is_own
from daxa_gui.archive.part import ContentChange
from daxa_gui.archive.placing import Placed, sha256_of
from daxa_gui.archive.products import register
from daxa_gui.archive.raw_data import needed
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import MadeFile

_FITS = b"SIMPLE  ="


class Repair:
    """Methods that return a sentence or True have put something right."""

    def __init__(self, store: ArchiveStore) -> None:
        self._store = store
        self._layout = store.layout
        self._n_changes = 0

    # ---- files that are registered and are not right

    def renewed(self, file: Expected) -> str:
        """Another archive fetched the file anew, and it is whole: what is said of it follows. Empty if that is not so."""
        if "files" not in file.tables:
            return ""
        folder = self._layout.raw_folder(file.mission, file.obs_id)
        if not file.path.is_file() or file.path.is_symlink() or not file.path.is_relative_to(folder):
            return ""
        line = manifest_of(folder).get(file.path.relative_to(folder).as_posix())
        if line is None or file.path.stat().st_size != line.size_bytes or sha256_of(file.path) != line.sha256:
            return ""
        with self._store.database.writing(durable=True) as connection:
            for table in file.tables:
                connection.execute(
                    f"UPDATE {table} SET size_bytes = ?, sha256 = ? WHERE path = ?", (line.size_bytes, line.sha256, file.stored)
                )
        self._n_changes += 1
        return "It was fetched anew since and is whole; the archive follows."

    def to_trash(self, damaged: list[Path]) -> None:
        if damaged:
            self._store.trash.take(damaged, f"{len(damaged)} damaged files.")

    def take_away(self, file: Expected) -> str:
        """Unregister a file that is not there any more, and let its job run again."""
        with self._store.database.writing(durable=True) as connection:
            for table in file.tables:
                connection.execute(f"DELETE FROM {table} WHERE path = ?", (file.stored,))
            self._store.tell(connection, ContentChange(removed=(file.stored,)))
        runs_again = file.job_id is not None and self.again(file.job_id)
        self._n_changes += 1
        then = "its job runs again" if runs_again else "reduce or download again to get it back"
        return f"It is not registered any more; {then}."

    def again(self, job_id: int) -> bool:
        """Let a job that succeeded run again at the next start of the queue; what was made from its files follows."""
        with self._store.database.writing(durable=True) as connection:
            changed = connection.execute(
                "UPDATE jobs SET stale = 1, done = 0, text = '', started = NULL, finished = NULL, state = CASE WHEN EXISTS"
                " (SELECT 1 FROM needs WHERE job_id = jobs.id) THEN 'waiting' ELSE 'queued' END"
                " WHERE id = ? AND state = 'succeeded'",
                (job_id,),
            ).rowcount
            waiting = connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
        self._n_changes += changed
        return bool(changed) or (waiting is not None and waiting[0] in ("waiting", "queued"))

    # ---- files that are there and not registered

    def register_from_disk(self) -> list[str]:
        """After the database was made anew: downloads and products that the journal did not tell of."""
        with self._store.database.reading() as connection:
            missions = [name for (name,) in connection.execute("SELECT DISTINCT mission FROM observations")]
            folders = sorted({folder for one in needed(connection, missions).values() for folder in one})
            known = {path for (path,) in connection.execute("SELECT path FROM files")}
        number = 0
        for mission, obs_id in folders:
            folder = self._layout.raw_folder(mission, obs_id)
            for line in manifest_of(folder).values():
                if not is_own(self._layout, folder / line.name):
                    continue
                if (folder / line.name).is_file() and self._layout.stored(folder / line.name) not in known:
                    number += self.register_raw(mission, obs_id, folder, line)
        return [f"{number} downloaded files were found by their manifests."] if number else []

    def register_raw(self, mission: str, obs_id: str, folder: Path, line: Fetched) -> bool:
        """Register a downloaded file that is what its manifest says, with what is taken of it into the layout."""
        path = folder / line.name
        with translated(path):
            if not path.is_file() or path.is_symlink() or path.stat().st_size != line.size_bytes:
                return False
            if sha256_of(path) != line.sha256:
                return False
        key = raw_key(mission, obs_id, line.name)
        facts = {"sha256": line.sha256, "bytes": line.size_bytes, "service": line.service, "url_path": line.path}
        made = MadeFile("", key, str(path), facts)
        placed = Placed(key, path, self._layout.stored(path), line.size_bytes, line.sha256, made)
        products = adopt(self._layout, [placed], self._store.observation)
        if key.kind is ProductKind.EVENTS:
            products.append(placed)
        with self._store.database.writing() as connection:
            register_file(
                connection, self._layout, placed, job_id=None, service=line.service, url_path=line.path, date=line.date
            )  # fmt: skip
            for product in products:
                register(connection, product, None, line.date)
            self._store.tell(connection, ContentChange(placed=(placed, *products)))
        self._n_changes += 1
        return True

    def register_product(self, key: ProductKey, path: Path) -> bool:
        """Register a FITS file that lies where a product belongs, of an observation of the archive."""
        stored = self._layout.stored(path)
        with self._store.database.reading() as connection:  # taken in together with its download a moment ago
            if connection.execute("SELECT 1 FROM products WHERE path = ?", (stored,)).fetchone():
                return True
        if self._store.observation(key.mission, key.obs_id) is None:
            return False
        with translated(path):
            with path.open("rb") as file:
                if file.read(len(_FITS)) != _FITS:
                    return False
            status = path.stat()
            made = MadeFile("", key, "")
            placed = Placed(key, path, stored, status.st_size, sha256_of(path), made)
        with self._store.database.writing() as connection:
            register(connection, placed, None, status.st_mtime)
            self._store.tell(connection, ContentChange(placed=(placed,)))
        self._n_changes += 1
        return True

    # ---- the end

    def finish(self) -> None:
        """Note what was done."""
        if self._n_changes:
            self._store.log_event("repair", f"The archive was checked and {self._n_changes} things were put right.")
            self._store.write_documents()
