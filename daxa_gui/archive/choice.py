"""Which instruments and kinds of files an archive is about, and what was downloaded before and belongs to that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from daxa_gui import __version__
from daxa_gui.archive.adoption import ADOPTED, adopt, made_here
from daxa_gui.archive.part import ContentChange
from daxa_gui.archive.placing import Placed
from daxa_gui.archive.products import register
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_info import DownloadedFile
from daxa_gui.core.documents import to_json
from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import NAME_READERS, MissionSpec, RawFile
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import MadeFile
from daxa_gui.missions import MISSIONS

_AT_ONCE = 500  # files in one transaction
_TAKEN = '{"command":[],"environment":{},"outputs":[]}'  # the task of what no job made


def checked_choice(mission: str, instruments: Sequence[str], kinds: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Instruments by their own names, in the mission's order, and kinds that its archive offers; none of them means what it means
    in a Selection.

    Raises
    ------
    InputError : an unknown mission, instrument or kind.
    """
    spec = MISSIONS.get(mission)
    if spec is None:
        raise InputError(f"There is no mission « {mission} ».", f"Known ones: {', '.join(MISSIONS)}.")
    wanted = {spec.instrument(name).name for name in instruments}
    offered = [str(kind) for kind in spec.kinds]
    for kind in kinds:
        if str(kind) not in offered:
            raise InputError(f"The archive of {spec.label} has no files of the kind « {kind} ».", f"It has {', '.join(offered)}.")
    names = tuple(one.name for one in spec.instruments if one.name in wanted)
    return names, tuple(kind for kind in offered if kind in {str(one) for one in kinds})


def change_choice(store: ArchiveStore, mission: str, instruments: Sequence[str], kinds: Sequence[str]) -> None:
    """Let all observations of a mission have another choice. Nothing is fetched, made or deleted by that."""
    with store.database.writing(durable=True) as connection:
        values = (to_json(list(instruments)), to_json(list(kinds)), mission)
        for table in ("observations", "selections"):
            connection.execute(f"UPDATE {table} SET instruments = ?, kinds = ? WHERE mission = ?", values)
    store.write_documents()


def adopt_existing(
    store: ArchiveStore, mission: str = "", check_cancelled: Callable[[], None] = lambda: None
) -> int:  # fmt: skip
    """Take downloaded products into the layout that are not there yet: those of archives of earlier versions, and those that a
    wider choice of instruments asks for. Returns how many came in. Killed in the middle, it goes on at the next call.

    Raises
    ------
    ArchiveError : the disk is full or cannot be written.
    """
    with store.database.reading() as connection:
        there = {path for (path,) in connection.execute("SELECT path FROM products WHERE path LIKE 'archive:%'")}
    files = [file for file in store.files(mission) if file.kind in {str(kind) for kind in ADOPTED}]
    events = {product.path: product.key for product in store.products(mission or None) if product.key.kind is ProductKind.EVENTS}
    count = 0
    for first in range(0, len(files), _AT_ONCE):
        check_cancelled()
        placed = [_placed(store, file, events) for file in files[first : first + _AT_ONCE]]
        found = adopt(store.layout, [one for one in placed if one], store.observation, made_here(store.database))
        adopted = [one for one in found if one.stored not in there]
        _store(store, adopted)
        count += len(adopted)
    return count


def _placed(store: ArchiveStore, file: DownloadedFile, events: dict[str, ProductKey]) -> Placed | None:
    """A downloaded file as the outcome of its job had it; None if it is gone or its mission says nothing of it."""
    path = store.layout.absolute(store.layout.stored(file.path))
    spec = MISSIONS.get(file.mission)
    if spec is None or not path.is_file():
        return None
    key = events.get(file.path) or _key(spec, file)
    facts = {"sha256": file.sha256, "bytes": file.size_bytes, "service": file.service, "url_path": file.url_path}
    made = MadeFile("", key, str(path), facts)
    return Placed(key, path, store.layout.stored(path), file.size_bytes, file.sha256, made)


def _key(spec: MissionSpec, file: DownloadedFile) -> ProductKey:
    about: RawFile | None = resolve(spec.raw_file, NAME_READERS)(PurePosixPath(file.path).name) if spec.raw_file else None
    if about is None:
        return ProductKey(file.mission, file.obs_id, ProductKind(file.kind), file.instrument)
    return ProductKey(file.mission, file.obs_id, about.kind, about.instrument, about.exposure, about.band_kev)


def _store(store: ArchiveStore, adopted: Sequence[Placed]) -> None:
    """Register products, with the download that brought them as their history."""
    if not adopted:
        return
    with store.database.writing() as connection:
        for file in adopted:
            raw = file.made.facts.get("raw", "")
            row = connection.execute("SELECT job_id, date FROM files WHERE path = ?", (raw,)).fetchone()
            job_id, date = row if row is not None else (None, 0.0)
            register(connection, file, job_id, date)
            connection.execute(
                "INSERT INTO history (path, job_id, attempt, step, title, task, started, finished, size_bytes, sha256, version,"
                " facts) VALUES (?, ?, 0, 'download', 'Taken from the downloaded files', ?, NULL, ?, ?, ?, ?, ?)",
                (
                    file.stored, job_id or 0, _TAKEN, date, file.size_bytes, file.sha256, __version__, to_json(file.made.facts),
                ),
            )  # fmt: skip
        store.tell(connection, ContentChange(placed=tuple(adopted)))
