"""The trash of an archive: raw data that were deleted lie in `<archive>/.trash/<number>/` until it is emptied or they come back.

What is about to happen is stored first, in the database and in `entry.json` beside the data; then folders are moved, then the
database follows. A program that dies in between has its work finished at the next opening (`finish`), so that data are always in
one of the two places and the database always knows in which.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_gui.archive import archive_documents, files, products
from daxa_gui.archive.failures import sensible, translated
from daxa_gui.archive.own_places import check_own
from daxa_gui.archive.part import ContentChange
from daxa_gui.archive.raw_data import Amount, Key, amount, needed, users
from daxa_gui.core.archive_queries import RawDataUse, TrashEntry
from daxa_gui.core.documents import to_json
from daxa_gui.core.errors import ArchiveError, DaxaError

if TYPE_CHECKING:
    from daxa_gui.archive.store import ArchiveStore

TRASH = ".trash"
ENTRY_FILE = "entry.json"
_AT_ONCE = 500
_BUSY = "('running', 'cancelling')"


class Trash:
    """Of one open archive. Methods may be called from any thread."""

    def __init__(self, store: ArchiveStore) -> None:
        self._store = store
        self._layout = store.layout
        self._database = store.database
        self.folder = store.layout.folder / TRASH

    # ---- what there is

    def entries(self) -> list[TrashEntry]:
        """Oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT id, what, deleted, n_files, size_bytes FROM trash ORDER BY id").fetchall()
        return [TrashEntry(*row) for row in rows]

    def use(self, mission: str = "", obs_ids: Sequence[str] = ()) -> RawDataUse:
        """What `delete_raw` would take away, and which other archives use some of it."""
        keys = self._keys(mission, obs_ids)
        total = sum((amount(self._layout.raw_folder(*key)) for key in keys), Amount())
        return RawDataUse(tuple(keys), total.n_files, total.size_bytes, tuple(sorted(users(self._layout, set(keys)))))

    def _keys(self, mission: str, obs_ids: Sequence[str]) -> list[Key]:
        """Raw folders that are there: those of the chosen observations, and what only these share."""
        with self._database.reading() as connection:
            known = [name for (name,) in connection.execute("SELECT DISTINCT mission FROM observations")]
            missions = [name for name in known if mission in ("", name)]
            with sensible(self._layout.database):
                uses = needed(connection, missions)
        wanted = set(obs_ids)
        if unknown := wanted - {obs_id for _, obs_id in uses}:
            raise ArchiveError(
                f"The archive has no observation {', '.join(sorted(unknown))}.", "Look at its list of observations."
            )
        chosen = {key for key in uses if not wanted or key[1] in wanted}
        rest = {folder for key, folders in uses.items() if key not in chosen for folder in folders}
        folders = {folder for key in chosen for folder in uses[key]} - rest
        with sensible(self._layout.database):
            return sorted(key for key in folders if self._layout.raw_folder(*key).is_dir())

    # ---- into the trash

    def delete_raw(self, mission: str = "", obs_ids: Sequence[str] = (), *, shared: bool = False) -> TrashEntry:
        """Move raw data into the trash: of some observations, of a mission, or all.

        Raises
        ------
        ArchiveError : there are none, jobs work on them, or other archives use them and `shared` does not say that this is
            known; nothing was moved then. (A full disk in the middle: the rest is moved at the next opening.)
        """
        keys = self._keys(mission, obs_ids)
        if not keys:
            raise ArchiveError("There are no raw data to delete.", "They may have been deleted before.")
        self._refuse_busy(keys)
        others = users(self._layout, set(keys))
        if others and not shared:
            names = ", ".join(f"« {name} »" for name in sorted(others))
            raise ArchiveError(f"Other archives use these raw data: {names}.", "Delete them only if those need them no more.")
        total = sum((amount(self._layout.raw_folder(*key)) for key in keys), Amount())
        moves = [{"from": f"output:{m}_raw/{o}", "to": f"{m}/{o}", "mission": m, "obs_id": o} for m, o in keys]
        with self._database.writing(durable=True) as connection:
            items = {"moves": moves, **self._rows(connection, moves)}
            what, now = _sentence(keys), self._store._now()
            with sensible(self._layout.database):
                contents = packed(items)
            cursor = connection.execute(
                "INSERT INTO trash (what, deleted, state, items, n_files, size_bytes) VALUES (?, ?, 'moving', ?, ?, ?)",
                (what, now, contents, total.n_files, total.size_bytes),
            )
            entry = TrashEntry(int(cursor.lastrowid or 0), what, now, total.n_files, total.size_bytes)
        self._move_in(entry, items)
        return entry

    def take(self, paths: Sequence[Path], what: str) -> TrashEntry:
        """Move single files, of which the database knows nothing any more, into the trash."""
        moves = [
            {"from": self._layout.stored(path), "to": f"files/{number}", "mission": "", "obs_id": ""}
            for number, path in enumerate(dict.fromkeys(paths))
        ]
        with translated(self._layout.folder):
            size = sum(path.lstat().st_size for path in dict.fromkeys(paths) if path.exists())
        now, items = self._store._now(), {"moves": moves, "files": [], "products": []}
        with self._database.writing(durable=True) as connection:
            cursor = connection.execute(
                "INSERT INTO trash (what, deleted, state, items, n_files, size_bytes) VALUES (?, ?, 'moving', ?, ?, ?)",
                (what, now, packed(items), len(moves), size),
            )
        entry = TrashEntry(int(cursor.lastrowid or 0), what, now, len(moves), size)
        self._move_in(entry, items)
        return entry

    def _refuse_busy(self, keys: list[Key]) -> None:
        with self._database.reading() as connection:
            busy = set(connection.execute(f"SELECT mission, obs_id FROM jobs WHERE state IN {_BUSY}"))
        if found := sorted(busy.intersection(keys)):
            raise ArchiveError(
                f"Jobs are working on {found[0][0]} {found[0][1]} right now.", "Cancel them, or wait until they have ended."
            )

    @staticmethod
    def _rows(connection: sqlite3.Connection, moves: Sequence[dict[str, str]]) -> dict[str, list[Any]]:
        """What the database knows of the files of folders."""
        found: dict[str, list[Any]] = {"files": [], "products": []}
        for move in moves:
            for table, columns in (("files", files.COLUMNS), ("products", products.COLUMNS)):
                found[table] += connection.execute(f"SELECT {columns} FROM {table} WHERE {_INSIDE}", _inside(move)).fetchall()
        return found

    def _move_in(self, entry: TrashEntry, items: dict[str, Any]) -> None:
        place = self._checked(entry, items)
        with translated(place):
            place.mkdir(parents=True, exist_ok=True)
            document = {"what": entry.what, "deleted": entry.deleted, "n_files": entry.n_files, "size_bytes": entry.size_bytes}
            archive_documents.write_json(place / ENTRY_FILE, {**document, **items})
            for move in items["moves"]:
                _move(self._layout.absolute(move["from"]), place / move["to"], entry.id)
        with self._database.writing(durable=True) as connection:
            removed: list[str] = []
            for move in items["moves"]:
                inside = _inside(move)
                removed += [path for (path,) in connection.execute(f"SELECT path FROM products WHERE {_INSIDE}", inside)]
                # The jobs that fetched them are done again when that is asked for, and not before.
                connection.execute(
                    f"UPDATE jobs SET stale = 1 WHERE id IN (SELECT job_id FROM files WHERE {_INSIDE})", inside
                )  # fmt: skip
                for table in ("files", "products"):
                    connection.execute(f"DELETE FROM {table} WHERE {_INSIDE}", inside)
            connection.execute("UPDATE trash SET state = 'there' WHERE id = ?", (entry.id,))
            self._note(connection, entry.deleted, f"Deleted: {entry.what}")
            self._store.tell(connection, ContentChange(removed=tuple(removed)))

    # ---- back

    def restore(self, entry_id: int) -> int:
        """Put everything of an entry back where it was; how many files.

        Raises ArchiveError if something was fetched to the same place since; nothing was moved then.
        """
        entry, items = self._entry(entry_id)
        with translated(self.folder):
            for move in items["moves"]:
                if self._layout.absolute(move["from"]).exists():
                    raise ArchiveError(
                        f"The raw data of {move['mission']} {move['obs_id']} have been fetched again since.",
                        "Empty this entry of the trash, or delete what is there now first.",
                    )
        self._set_state(entry_id, "restoring")
        self._move_out(entry, items)
        return entry.n_files

    def _move_out(self, entry: TrashEntry, items: dict[str, Any]) -> None:
        place = self._checked(entry, items)
        with translated(place):
            left = [  # what somebody else fetched again while this program was dead
                move for move in items["moves"] if not _move(place / move["to"], self._layout.absolute(move["from"]), entry.id)
            ]
        with self._database.writing(durable=True) as connection:
            self._register_again(connection, items, left)
            if left:
                rest = {**items, "moves": left}
                connection.execute("UPDATE trash SET state = 'there', items = ? WHERE id = ?", (packed(rest), entry.id))
            else:
                connection.execute("DELETE FROM trash WHERE id = ?", (entry.id,))
            self._note(connection, self._store._now(), f"Restored: {entry.what}")
        if not left:
            shutil.rmtree(place, ignore_errors=True)

    def _register_again(self, connection: sqlite3.Connection, items: dict[str, Any], left: list[dict[str, str]]) -> None:
        stay = tuple(f"{move['from']}/" for move in left)
        for table, columns, path_at in (("files", files.COLUMNS, 0), ("products", products.COLUMNS, 7)):
            rows = [row for row in items[table] if not str(row[path_at]).startswith(stay)] if stay else items[table]
            marks = ", ".join("?" * len(columns.split(",")))
            connection.executemany(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", rows)
            if table == "files":
                ids = [(row[10],) for row in rows if row[10] is not None]
                connection.executemany("UPDATE jobs SET stale = 0 WHERE id = ?", ids)

    # ---- away

    def empty(self, entry_ids: Iterable[int] | None = None) -> int:
        """Delete entries for good, all if None; the bytes that became free (files with a second name elsewhere free none)."""
        freed = 0
        for entry_id in [entry.id for entry in self.entries()] if entry_ids is None else list(entry_ids):
            entry, items = self._entry(entry_id)
            freed += sum(amount(self.folder / str(entry_id) / move["to"]).own_bytes for move in items["moves"])
            self._set_state(entry_id, "emptying")
            self._remove(entry)
        return freed

    def _remove(self, entry: TrashEntry) -> None:
        place = self.folder / str(entry.id)
        check_own(self._layout, place)
        with translated(place):
            if place.exists():
                shutil.rmtree(place)
        with self._database.writing(durable=True) as connection:
            connection.execute("DELETE FROM trash WHERE id = ?", (entry.id,))
            self._note(connection, self._store._now(), f"Gone for good: {entry.what}")

    # ---- at the next opening

    def finish(self) -> list[str]:
        """Do the rest of what a program that died had begun; sentences about it."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT id, state FROM trash WHERE state <> 'there' ORDER BY id").fetchall()
        told = []
        for entry_id, state in rows:
            try:
                entry, items = self._entry(entry_id)
                if state == "moving":
                    self._move_in(entry, items)
                elif state == "restoring":
                    self._move_out(entry, items)
                else:
                    self._remove(entry)
            except DaxaError as error:  # the archive can be used all the same; it is tried again at the next opening
                told.append(f"What was begun with the trash could not be finished: {error}")
                continue
            told.append(f"What was begun with the trash was finished: {entry.what}")
        return told

    # ---- helpers

    def _checked(self, entry: TrashEntry, items: dict[str, Any]) -> Path:
        """The folder of an entry; ArchiveError if a link leads it, or what is in it, out of the archive and the raw data."""
        place = self.folder / str(entry.id)
        check_own(self._layout, place / ENTRY_FILE)
        for move in items["moves"]:
            check_own(self._layout, place / move["to"], self._layout.absolute(move["from"]))
        return place

    def _entry(self, entry_id: int) -> tuple[TrashEntry, dict[str, Any]]:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT id, what, deleted, n_files, size_bytes, items FROM trash WHERE id = ?", (entry_id,)
            ).fetchone()
        if row is None:
            raise ArchiveError(f"The trash has no entry {entry_id}.", "It may have been emptied or restored.")
        with sensible(self._layout.database):
            return TrashEntry(*row[:5]), checked(archive_documents.inflated(row[5]))

    def _set_state(self, entry_id: int, state: str) -> None:
        with self._database.writing(durable=True) as connection:
            connection.execute("UPDATE trash SET state = ? WHERE id = ?", (state, entry_id))

    @staticmethod
    def _note(connection: sqlite3.Connection, time: float, text: str) -> None:
        connection.execute("INSERT INTO events (time, kind, mission, obs_id, text) VALUES (?, 'trash', '', '', ?)", (time, text))


# Paths of a folder: « / » is followed by « 0 » in the order of characters, so this is a range of the index.
_INSIDE = "path >= ? AND path < ?"


def _inside(move: dict[str, str]) -> tuple[str, str]:
    return f"{move['from']}/", f"{move['from']}0"


def packed(items: dict[str, Any]) -> bytes:
    """The contents of an entry as the database has them."""
    return zlib.compress(to_json(items).encode("ascii"))


def checked(items: Any) -> dict[str, Any]:
    """The contents of an entry; ValueError for places that lie elsewhere than in raw folders and the trash."""
    for move in items["moves"]:
        mission, obs_id = move["mission"], move["obs_id"]
        if re.fullmatch("files/[0-9]+", move["to"]) and str(move["from"]).startswith(("archive:", "output:")):
            continue  # a single file; `ArchiveLayout.absolute` refuses what leads elsewhere
        if (move["from"], move["to"]) != (f"output:{mission}_raw/{obs_id}", f"{mission}/{obs_id}"):
            raise ValueError("an entry of the trash is about another place")
        if any(not part or part.startswith(".") or "/" in part or "\0" in part for part in (mission, obs_id)):
            raise ValueError("an entry of the trash is about another place")
    if not isinstance(items["files"], list) or not isinstance(items["products"], list):
        raise ValueError("an entry of the trash has no lists of files")
    return dict(items)


def _sentence(keys: list[Key]) -> str:
    missions = sorted({mission for mission, _ in keys})
    if len(keys) == 1:
        return f"Raw data of {keys[0][0]} {keys[0][1]}."
    return f"Raw data of {len(keys)} observations ({', '.join(missions)})."


def _move(source: Path, target: Path, number: int) -> bool:
    """Move a folder; false if there is something else at the target. Goes on where a program that died had stopped.

    Across file systems the folder is first renamed where it is, so that nothing else takes it for the data, then copied.
    """
    staged = source.with_name(f".{source.name}.moving-{number}")
    if not staged.exists():
        if not source.exists():
            return True  # moved before
        if target.exists():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            source.rename(staged)
        else:
            _flush(target.parent)
            _flush(source.parent)
            return True
    partial = target.with_name(f".{target.name}.copy-{number}")
    if not target.exists():
        shutil.rmtree(partial, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        if staged.is_dir():
            shutil.copytree(staged, partial, symlinks=True)
        else:
            shutil.copy2(staged, partial, follow_symlinks=False)
        for entry in (partial, *partial.rglob("*")):
            if not entry.is_symlink():
                _flush(entry)
        partial.rename(target)
        _flush(target.parent)
    if staged.is_dir():
        shutil.rmtree(staged)
    else:
        staged.unlink()
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
