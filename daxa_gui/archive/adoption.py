"""Products that came from a mission's archive, taken into the layout of DAXA's archives under its names (docs/products.md).

The file in the layout is a second name (hard link) of the downloaded one, so it takes no room; where links are impossible
(another file system) it is a copy. It is never a symbolic link, and the downloaded file is never changed. A program that writes
into one of the two in place writes into both: the checksums in the database tell.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import translated
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.placing import Placed, sha256_of
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import MadeFile
from daxa_gui.missions import MISSIONS
from daxa_gui.missions.erosita import ALL_MODULES
from daxa_gui.missions.instrument_choice import chosen_modules, is_wanted, module_numbers, own_instrument

# What becomes of each kind; kinds that are not here stay where they were downloaded.
ADOPTED = {
    ProductKind.EVENTS: ProductKind.FINAL_EVENTS,
    ProductKind.IMAGE: ProductKind.IMAGE,
    ProductKind.EXPOSURE_MAP: ProductKind.EXPOSURE_MAP,
    ProductKind.BACKGROUND_MAP: ProductKind.BACKGROUND_MAP,
    ProductKind.SPECTRUM: ProductKind.SPECTRUM,
    ProductKind.SOURCE_LIGHTCURVE: ProductKind.SOURCE_LIGHTCURVE,
}
# Spectra name their responses and backgrounds in keywords (RESPFILE, ANCRFILE, BACKFILE): they keep their own file names.
_OWN_NAMES = (ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE)
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

Observations = Callable[[str, str], ArchiveObservation | None]


def _unknown(mission: str, obs_id: str) -> None:
    return None


def made_here(database: Database) -> Callable[[str], bool]:
    """Whether a stored path is that of a product which a step of the reduction made: what is taken over must not replace it."""

    def is_made(stored: str) -> bool:
        with database.reading() as connection:
            query = "SELECT 1 FROM products p JOIN jobs j ON j.id = p.job_id WHERE p.path = ? AND j.kind = 'reduce'"
            return connection.execute(query, (stored,)).fetchone() is not None

    return is_made


def adopt(
    layout: ArchiveLayout, placed: Sequence[Placed], observation: Observations = _unknown,
    is_made: Callable[[str], bool] = lambda stored: False,
) -> list[Placed]:  # fmt: skip
    """Give downloaded products their second name in the layout; returns what is to be registered besides `placed`.

    Doing it again, also after a crash in the middle, changes nothing that is right already.

    Parameters
    ----------
    placed : files of one outcome; those with a `destination` in the raw folder of their observation are looked at.
    observation : what the archive knows of (mission, ObsID): chosen instruments and catalogue row; None if nothing.
    is_made : whether a stored path is that of a product made here; that one keeps its name.

    Raises
    ------
    ArchiveError : the disk is full or cannot be written.
    """
    adopted = []
    for file in placed:
        if file.made.destination and file.key.kind in ADOPTED and _is_raw(layout, file):
            one = _adopted(layout, file, observation(file.key.mission, file.key.obs_id), is_made)
            if one is not None:
                adopted.append(one)
    return adopted


def step_aside(
    layout: ArchiveLayout, database: Database, placed: Sequence[Placed], observation: Observations = _unknown
) -> list[tuple[str, Placed]]:
    """Give downloaded products whose names files just made here have taken another name in the layout: (stored path before,
    where each is now). What is made here has the plain name, as in DAXA; the downloaded file itself was never touched."""
    taken = {file.stored for file in placed if not file.made.destination}
    with database.reading() as connection:
        query = (
            "SELECT p.mission, p.obs_id, p.kind, p.instrument, p.exposure, p.band_low_kev, p.band_high_kev, p.size_bytes,"
            " p.sha256, json_extract(p.facts, '$.raw') FROM products p JOIN jobs j ON j.id = p.job_id"
            " WHERE p.path = ? AND j.kind <> 'reduce'"
        )
        rows = [(stored, connection.execute(query, (stored,)).fetchone()) for stored in sorted(taken)]
    is_made = made_here(database)
    moved = []
    for stored, row in rows:
        if row is None or not isinstance(row[-1], str):
            continue
        mission, obs_id, kind, instrument, exposure, low, high, size, sha256, raw = row
        key = ProductKey(mission, obs_id, ProductKind(kind), instrument, exposure, None if low is None else (low, high))
        path = layout.absolute(raw)
        file = Placed(key, path, raw, size, sha256, MadeFile("", key, str(path), {}))
        if path.is_file():
            again = adopt(layout, [file], observation, lambda one: one in taken or is_made(one))
            moved += [(stored, one) for one in again]
    return moved


def _is_raw(layout: ArchiveLayout, file: Placed) -> bool:
    folder = layout.raw_folder(file.key.mission, file.key.obs_id)
    return file.stored.startswith("output:") and file.path.resolve().is_relative_to(folder.resolve())


def _adopted(
    layout: ArchiveLayout, file: Placed, about: ArchiveObservation | None, is_made: Callable[[str], bool]
) -> Placed | None:
    key = adopted_key(file.key, file.path, about)
    if key is None:
        return None
    with translated(layout.folder):
        free = (
            place
            for place in _candidates(layout, key, file)
            if not is_made(layout.stored(place[1])) and not _is_another(layout, place[1], file)
        )
        place = next(free, None)
        if place is None:
            return None
        key, target = place
        link_or_copy(file.path, target, file.sha256)
    facts = {**file.made.facts, "raw": file.stored}
    return replace(file, key=key, path=target, stored=layout.stored(target), made=replace(file.made, key=key, facts=facts))


def adopted_key(key: ProductKey, path: Path, about: ArchiveObservation | None) -> ProductKey | None:
    """What a downloaded product is in the layout; None for one that does not belong there: its instrument was not chosen, or it
    is an event list of all modules of which only some were chosen (the reduction takes those out)."""
    spec = MISSIONS.get(key.mission)
    chosen = about.instruments if about is not None else ()
    instrument = key.instrument
    if spec is not None:
        instrument = own_instrument(spec, instrument, about.row if about is not None else {})
        if not is_wanted(spec, instrument, chosen):
            return None
        if instrument == ALL_MODULES and key.kind is ProductKind.EVENTS:
            if chosen_modules(spec, instrument, chosen):
                return None
            try:
                instrument = active_modules(spec, path, chosen)
            except FileError:  # the list itself is judged by the reduction; its name then says all modules
                instrument = "_".join(one.name for one in spec.instruments)
        elif instrument == ALL_MODULES:
            instrument = "_".join(one.name for one in spec.instruments)
    exposure = "" if key.exposure == "ALL" else key.exposure
    return replace(key, kind=ADOPTED[key.kind], instrument=instrument, exposure=exposure)


def active_modules(spec: MissionSpec, path: Path, chosen: Sequence[str]) -> str:
    """DAXA's name of a list with all modules: the chosen ones that have events in it, joined by « _ » (all, if none has).

    Raises
    ------
    FileError : the list cannot be read.
    """
    import numpy as np

    from daxa_gui.fits.event_lists import find_events

    modules = [one.name for one in spec.instruments if not chosen or one.name in chosen]
    source = find_events(path, spec.event_formats)
    column = source.format.ccd_column
    present = set(np.unique(source.table.bits(column)).tolist()) if column in source.table else set()
    active = [name for name, number in zip(modules, module_numbers(modules), strict=True) if number in present]
    return "_".join(active or modules)


def _candidates(layout: ArchiveLayout, key: ProductKey, file: Placed) -> Iterator[tuple[ProductKey, Path]]:
    """The product's name, and one that the downloaded file's own makes unique, for where another file has the first."""
    if key.kind in _OWN_NAMES:
        folder = layout.product_path(key).parent
        yield key, folder / file.path.name
        yield key, folder / f"{file.path.parent.name}-{file.path.name}"
        return
    for exposure in (key.exposure, "-".join(part for part in (key.exposure, _plain(file.path.stem)) if part)):
        try:
            yield replace(key, exposure=exposure), layout.product_path(replace(key, exposure=exposure))
        except InputError:  # the mission's archive has a name that cannot be part of ours
            continue


def _plain(text: str) -> str:
    return "".join(character if character.isalnum() or character in "_+-" else "_" for character in text)[:60]


def _is_another(layout: ArchiveLayout, path: Path, file: Placed) -> bool:
    """Whether `path` is the second name of another file that the observation has."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return True
    if not path.is_file() or path.samefile(file.path):
        return False
    status = path.stat()
    digest = ""
    for other in layout.raw_folder(file.key.mission, file.key.obs_id).rglob("*"):
        if other.is_symlink() or not other.is_file() or other.samefile(file.path):
            continue
        found = other.stat()
        if (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino):
            return True
        if found.st_size == status.st_size and status.st_nlink == 1 and found.st_nlink == 1:  # perhaps its copy
            digest = digest or sha256_of(path)
            if sha256_of(other) == digest:
                return True
    return False


def link_or_copy(source: Path, target: Path, sha256: str) -> None:
    """Let `target` be a second name of the file, or a copy with this checksum. It is always what it was before, or whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.samefile(source):
        return
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    try:
        os.link(source, partial, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.is_file() and target.stat().st_size == source.stat().st_size and sha256_of(target) == sha256:
            return
        shutil.copyfile(source, partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
    partial.replace(target)
