"""The work folder of a step of the missions' software: files are laid out before its programs run, and swept afterwards."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.core.step import ProgramContext
from daxa_gui.reduction.recipe import Given, WorkUnit

PFILES, TEMPORARY = "pfiles", "tmp"
# What every program of the missions' software takes in a path: their parameter files and selection expressions split texts at
# blanks, quotes, brackets, commas and semicolons. FORTRAN programs among them have 256 characters for a path with a file's name.
_SIMPLE = re.compile(r"/[A-Za-z0-9_./+@%~-]*")
_LONGEST_SIMPLE = 120
_MOST_MEMBERS = 100_000


def is_simple(path: str) -> bool:
    """Whether every program can be given this folder's path."""
    return len(path) <= _LONGEST_SIMPLE and _SIMPLE.fullmatch(path) is not None


class Workplace:
    """The work folder and what is laid out in it. Use it in a `with` statement.

    Where a path has blanks, quotes or anything else that a program might stumble over, programs are given links of simple names
    in a temporary folder instead; these are gone afterwards.

    Attributes
    ----------
    folder : the work folder itself.
    work : the same as programs are told it.
    unit : the unit, with its folders as programs are told them.
    """

    def __init__(self, folder: Path, unit: WorkUnit) -> None:
        self.folder = folder
        self.work = str(folder)
        self.unit = unit
        self._real = {"raw_folder": unit.raw_folder, "folder": unit.folder}
        self._links: Path | None = None
        self._own: set[str] = set()

    def __enter__(self) -> Workplace:
        try:
            self.work = self._simple(self.work, "work")
            told = {name: self._simple(path, name) for name, path in self._real.items()}
            if self._links is not None:
                facts = {name: self._told(value, told) for name, value in self.unit.facts.items()}
                self.unit = replace(self.unit, raw_folder=told["raw_folder"], folder=told["folder"], facts=facts)
        except OSError as error:
            self._remove_links()
            raise FileError(f"Links to the folders of this job cannot be made: {error.strerror or error}.") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._remove_links()
        for name in self._own:
            try:
                (self.folder / name).rmdir()  # nearly always nothing is left there
            except OSError:
                shutil.rmtree(self.folder / name, ignore_errors=True)

    def _simple(self, path: str, name: str) -> str:
        if is_simple(path):
            return path
        if self._links is None:
            self._links = _folder_for_links(self.folder)
        link = self._links / name
        link.symlink_to(path)
        return str(link)

    def _told(self, value: Any, told: Mapping[str, str]) -> Any:
        """Facts with their paths as programs are told them."""
        if isinstance(value, str):
            for name, real in self._real.items():
                if value == real or value.startswith(real + "/"):
                    return told[name] + value.removeprefix(real)
            return value
        if isinstance(value, Mapping):
            return {key: self._told(part, told) for key, part in value.items()}
        return [self._told(part, told) for part in value] if isinstance(value, (list, tuple)) else value

    def _remove_links(self) -> None:
        if self._links is not None:
            shutil.rmtree(self._links, ignore_errors=True)  # the links, not what they lead to

    def real(self, path: str) -> str:
        """A path that programs are told, without the temporary links."""
        for name, real in self._real.items():
            told = getattr(self.unit, name)
            if path == told or path.startswith(told + "/"):
                return real + path.removeprefix(told)
        return path

    def own_folder(self, name: str) -> str:
        """A folder for what programs keep while they run, swept afterwards; its path as programs are told it."""
        if name not in self._own:
            (self.folder / name).mkdir(exist_ok=True)
            self._own.add(name)
        return f"{self.work}/{name}"

    def clear(self) -> None:
        """Empty the work folder, for another beginning."""
        self._own.clear()
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    # ---- laying out

    def lay_out(self, given: Sequence[Given], ctx: ProgramContext) -> None:
        """Put links to the given files, copies of them, or what they hold into the work folder.

        Raises
        ------
        FileError : one is missing, cannot be read, or is an archive with members that lead elsewhere.
        """
        for one in given:
            ctx.check_cancelled()
            source = Path(self.real(self._inside(one.path)))
            if not source.exists():
                if one.optional:
                    continue
                raise FileError(f"{source} is not there.", "Do the step that makes it again, or fetch the data again.")
            if not (source.is_file() or source.is_dir()):  # a pipe or a device has no end
                raise FileError(f"{source} is no plain file.", "Do the step that makes it again, or fetch the data again.")
            try:
                self._lay(one, source)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise  # nothing else can succeed on this disk either
                raise FileError(f"{source} cannot be laid out for the programs: {error.strerror or error}.") from error

    def _inside(self, path: str) -> str:
        roots = (self.unit.raw_folder, self.unit.folder, *self._real.values())
        if ".." in path.split("/") or not any(path == root or path.startswith(root + "/") for root in roots):
            raise ReductionError(
                f"A step asks for the file {path[:200]}, which does not belong to its observation.", "It is not run."
            )
        return path

    def _lay(self, one: Given, source: Path) -> None:
        if one.unpack:
            unpack(source, self.folder)
            return
        target = self.place(one.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not one.copy:
            target.symlink_to(source)
        elif source.is_dir():
            shutil.copytree(source, target)
            for path in (target, *target.rglob("*")):
                path.chmod(path.stat().st_mode | 0o600)  # raw data may be write-protected, a copy is there to be changed
        else:
            shutil.copyfile(source, target)

    def place(self, name: str) -> Path:
        """A file in the work folder. Raises ReductionError for a name that leads elsewhere."""
        path = PurePosixPath(name)
        if not name or path.is_absolute() or ".." in path.parts or name.startswith("-") or "\0" in name:
            raise ReductionError(f"« {name[:200]} » cannot be a file in a work folder.")
        return self.folder / name


def _folder_for_links(work: Path) -> Path:
    """A new folder with a simple name that belongs to a work folder: what a program that was killed left there is removed when
    its job is done again. Where somebody else has that name, one with another name."""
    base = tempfile.gettempdir()
    base = base if is_simple(base) and len(base) < 60 else "/tmp"
    folder = Path(base) / f"daxa-{hashlib.sha256(os.fsencode(work)).hexdigest()[:20]}"
    with suppress(OSError):
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid == os.getuid()):
            shutil.rmtree(folder)
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        return Path(tempfile.mkdtemp(prefix="daxa-", dir=base))
    return folder


def unpack(archive: Path, folder: Path) -> None:
    """Put the members of a tar archive into a folder: plain files and folders below it, nothing else.

    Raises
    ------
    FileError : no tar archive, cut short, or a member that is absolute, leads upwards, or is a link or a device.
    """
    try:
        with tarfile.open(archive, "r:") as tar:  # never packed: what is, may be endless
            for number, member in enumerate(tar):
                parts = PurePosixPath(member.name).parts
                if number >= _MOST_MEMBERS:
                    raise FileError(f"{archive} has more than {_MOST_MEMBERS} members.", "It was not made by this program.")
                if member.name.startswith("/") or ".." in parts or not (member.isreg() or member.isdir()):
                    raise FileError(
                        f"{archive} has the member « {member.name[:200]} », which is no plain file below its folder.",
                        "It was not made by this program; do the step that makes it again.",
                    )
                _take_out(tar, member, folder, archive)
    except (tarfile.TarError, EOFError) as error:
        raise FileError(f"{archive} is no whole tar archive: {error}.", "Do the step that makes it again.") from error


def _take_out(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    """One member. (tarfile's own filters do this too, from Python 3.11.4 on.) Links that were laid out lead to raw data:
    nothing is written through them."""
    target = folder / member.name
    if target.is_symlink() or not target.parent.resolve().is_relative_to(folder.resolve()):
        raise FileError(f"{archive} would write « {member.name[:200]} » through a link; it is not unpacked.")
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None  # a plain file has content
    with source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)


def pack(paths: Sequence[Path], folder: Path, name: str) -> None:
    """Write files below `folder` into the tar archive `name` there, with names relative to the folder."""
    part = folder / f"{name}.part"
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in paths:
            tar.add(path, str(path.relative_to(folder)), recursive=False)
    part.replace(folder / name)
