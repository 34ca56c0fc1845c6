"""Products of an archive: registered files, and the history of each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from daxa_gui import __version__
from daxa_gui.archive.adoption import ADOPTED
from daxa_gui.archive.failures import sensible, translated
from daxa_gui.archive.own_places import check_own
from daxa_gui.archive.part import ContentChange, StorePart
from daxa_gui.archive.placing import Placed
from daxa_gui.archive.rows import mapping, typed
from daxa_gui.core.archive_info import HistoryEntry
from daxa_gui.core.documents import task_document, task_from, to_json
from daxa_gui.core.job import Job
from daxa_gui.core.product import Product, ProductKey, ProductKind

COLUMNS = (
    "mission, obs_id, kind, instrument, exposure, band_low_kev, band_high_kev, path, size_bytes, sha256, job_id, created, facts"
)
_PATTERN = "tttttRRtitIrt"
# Bytes of products and of downloaded files, without what is both. Second names of downloaded files belong to their job;
# after a repair to none, but then they say what they are made from.
_TAKEN_IN = ", ".join(f"'{kind}'" for kind in ADOPTED.values())
_BYTES_USED = (
    f"SELECT sum(size_bytes) FROM products WHERE kind <> '{ProductKind.EVENTS}'",
    f"SELECT -sum(size_bytes) FROM products p WHERE kind IN ({_TAKEN_IN})"
    " AND EXISTS (SELECT 1 FROM files WHERE job_id = p.job_id)",
    f"""SELECT -sum(size_bytes) FROM products WHERE job_id IS NULL AND kind IN ({_TAKEN_IN}) AND facts LIKE '%"raw":"output:%'""",
    "SELECT sum(size_bytes) FROM files",
)


class ProductsPart(StorePart):
    def products(self, mission: str | None = None, obs_id: str | None = None) -> list[Product]:
        """Registered files, by mission, ObsID, instrument and kind; of one mission or one observation if given."""
        query, values = f"SELECT {COLUMNS} FROM products", []
        if mission is not None:
            query, values = query + " WHERE mission = ?", [mission]
            if obs_id is not None:
                query, values = query + " AND obs_id = ?", [mission, obs_id]
        elif obs_id is not None:
            query, values = query + " WHERE obs_id = ?", [obs_id]
        with self.database.reading() as connection:
            rows = connection.execute(f"{query} ORDER BY mission, obs_id, instrument, exposure, kind, path", values).fetchall()
        with sensible(self.layout.database):
            return [self._product(row) for row in rows]

    def iter_products(self) -> Iterator[list[Product]]:
        """All products, those of one observation at a time, by mission and ObsID; only so many are in memory at once."""
        with self.database.reading() as connection:
            cursor = connection.execute(f"SELECT {COLUMNS} FROM products ORDER BY mission, obs_id")
            group: list[Product] = []
            while rows := cursor.fetchmany(1000):
                with sensible(self.layout.database):
                    products = [self._product(row) for row in rows]
                for product in products:
                    if group and (group[0].key.mission, group[0].key.obs_id) != (product.key.mission, product.key.obs_id):
                        yield group
                        group = []
                    group.append(product)
            if group:
                yield group

    def _product(self, row: Sequence[Any]) -> Product:
        mission, obs_id, kind, instrument, exposure, low, high, path, size, sha256, job_id, created, facts = typed(row, _PATTERN)
        band = None if low is None or high is None else (low, high)
        key = ProductKey(mission, obs_id, ProductKind(kind), instrument, exposure, band)
        return Product(key, str(self.layout.absolute(path)), size, sha256, job_id, created, mapping(facts))

    def count_products(self, kind: ProductKind | None = None) -> int:
        """How many there are, of one kind if given."""
        where, values = ("", ()) if kind is None else (" WHERE kind = ?", (str(kind),))
        with self.database.reading() as connection:
            return int(connection.execute(f"SELECT count(*) FROM products{where}", values).fetchone()[0])

    def bytes_used(self) -> int:
        """Of all products and downloaded files. What is both (event lists), and the second names that downloaded products have in
        the layout, count once; the latter only where they are hard links, as they are on one disk."""
        with self.database.reading() as connection:
            return sum(int(connection.execute(query).fetchone()[0] or 0) for query in _BYTES_USED)

    def forget_products(self, job_id: int) -> list[Product]:
        """Unregister what a job made earlier, because it holds no more; delete it unless it is raw data. History stays."""
        with self.database.writing() as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM products WHERE job_id = ?", (job_id,)).fetchall()
            connection.execute("DELETE FROM products WHERE job_id = ?", (job_id,))
            connection.execute("DELETE FROM files WHERE job_id = ?", (job_id,))
            if rows:
                self.tell(connection, ContentChange(removed=tuple(row[7] for row in rows)))
        self._delete([row[7] for row in rows if row[7].startswith("archive:")])
        with sensible(self.layout.database):
            return [self._product(row) for row in rows]

    def history(self, product: Product) -> list[HistoryEntry]:
        """How the file came about: one entry for each time that it was made, newest last."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT job_id, attempt, step, title, task, started, finished, size_bytes, sha256, version, facts"
                " FROM history WHERE path = ? ORDER BY id",
                (self.layout.stored(product.path),),
            ).fetchall()
        with sensible(self.layout.database):
            return [_history_entry(row) for row in rows]

    # ---- inside transactions

    def _unregister_outdated(self, connection: sqlite3.Connection, job: Job, kept: set[str]) -> list[str]:
        """What an earlier run of this job made and this one did not: it holds no more. Images in other bands still do."""
        rows = connection.execute("SELECT path FROM products WHERE job_id = ? AND band_low_kev IS NULL", (job.id,))
        outdated = [path for (path,) in rows if path.startswith("archive:") and path not in kept]
        connection.executemany("DELETE FROM products WHERE path = ?", [(path,) for path in outdated])
        return outdated

    def _delete(self, stored: Sequence[str]) -> None:
        with translated(self.layout.folder):
            for path in stored:
                place = self.layout.absolute(path)
                check_own(self.layout, place)
                place.unlink(missing_ok=True)

    def _register(self, connection: sqlite3.Connection, job: Job, file: Placed) -> None:
        register(connection, file, job.id, job.finished or self._now())
        connection.execute(
            "INSERT INTO history (path, job_id, attempt, step, title, task, started, finished, size_bytes, sha256, version,"
            " facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file.stored, job.id, job.attempt, job.step or job.kind, job.title, to_json(task_document(job.task)),
                job.started, job.finished, file.size_bytes, file.sha256, __version__, to_json(file.made.facts),
            ),
        )  # fmt: skip


def register(connection: sqlite3.Connection, file: Placed, job_id: int | None, created: float) -> None:
    """Make a file a product, without history."""
    key = file.key
    low, high = key.band_kev if key.band_kev is not None else (None, None)
    connection.execute(
        f"INSERT OR REPLACE INTO products ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key.mission, key.obs_id, str(key.kind), key.instrument, key.exposure, low, high, file.stored,
            file.size_bytes, file.sha256, job_id, created, to_json(file.made.facts),
        ),
    )  # fmt: skip


def _history_entry(row: Sequence[Any]) -> HistoryEntry:
    job_id, attempt, step, title, task, started, finished, size, sha256, version, facts = typed(row, "iitttRRittt")
    return HistoryEntry(
        job_id, attempt, step, title, task_from(json.loads(task)), started, finished, size, sha256, version, mapping(facts)
    )
