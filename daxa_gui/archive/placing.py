"""Moving what a job made from its work folder to where it belongs, so that a file is either all there or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from daxa_gui.archive.failures import translated
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import Job
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import MadeFile, Outcome


@dataclass(frozen=True)
class Placed:
    """A file in its place: `stored` is its path as the database has it."""

    key: ProductKey
    path: Path
    stored: str
    size_bytes: int
    sha256: str
    made: MadeFile


def sha256_of(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _source(made: MadeFile, work_folder: Path) -> Path | None:
    """The made file, which must be a plain file inside the work folder; None if it is at its destination already."""
    if not made.name:
        if not made.destination:
            raise ArchiveError("A task reported a file without a name and without a destination.")
        return None
    path = work_folder / made.name
    # a name without a slash cannot lead elsewhere, unless it is a link, and that is refused below
    if ("/" in made.name or made.name == "..") and not path.resolve().is_relative_to(work_folder.resolve()):
        raise ArchiveError(f"A task reported the file « {made.name} », which lies outside its work folder.")
    try:
        if stat.S_ISREG(path.lstat().st_mode):
            return path
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a zero byte in its name
        pass
    raise ArchiveError(f"The file « {made.name} » that a task reported is not there (or is no plain file).")


def place_files(layout: ArchiveLayout, job: Job, outcome: Outcome, work_folder: Path) -> list[Placed]:
    """Move the files of an outcome; all are looked at before the first one is moved.

    Doing it again after a crash in the middle replaces what the first try had moved.
    """
    plan: list[tuple[MadeFile, ProductKey, Path | None, Path, str]] = []
    with translated(layout.folder):
        for made in outcome.files:
            key = made.key or ProductKey(job.mission, job.obs_id, ProductKind.OTHER)
            source = _source(made, work_folder)
            target = Path(made.destination) if made.destination else layout.product_path(key, made.name)
            plan.append((made, key, source, target, layout.stored(target)))
        stored = [entry[4] for entry in plan]
        if twice := {path for path in stored if stored.count(path) > 1}:
            raise ArchiveError(f"A task reported several files that would become the same one: {', '.join(sorted(twice))}.")
        placed = []
        for made, key, source, target, name in plan:
            digest = str(made.facts.get("sha256") or sha256_of(source or target))
            if source is not None:
                _move(source, target)
            status = target.lstat()
            if not stat.S_ISREG(status.st_mode):
                raise ArchiveError(f"{target} is not a plain file.")
            placed.append(Placed(key, target, name, status.st_size, digest, made))
        for folder in {target.parent for _, _, source, target, _ in plan if source is not None}:
            _flush(folder)
    return placed


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _flush(source)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # Another file system: copy beside the target first, so that a half copy never has the target's name.
        partial = target.with_name(target.name + ".part")
        partial.unlink(missing_ok=True)
        shutil.copyfile(source, partial)
        _flush(partial)
        partial.replace(target)
        source.unlink()


def _flush(path: Path) -> None:
    """Have the operating system write a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
