"""Unpacking what archive services send – gzip (.gz, .FTZ), LZW (.Z), tar – as a stream, and checking the FITS files in it.

Packed files are hostile until unpacked: names, sizes and links in them are checked, and nothing is written outside the
folder asked for. Results appear under their names only when they are whole.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from daxa_gui.core.errors import FileError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.checks import check_fits, is_fits_name
from daxa_gui.remote.disk import SPARE_BYTES, check_space, sync_folder, translated_disk_errors
from daxa_gui.remote.listing import is_safe_name

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What unpacking may cost. A file may grow to `ratio` times its packed size, or to `always_bytes` if that is more."""

    ratio: float = 250.0
    always_bytes: int = 256 * 1024 * 1024
    spare_disk_bytes: int = SPARE_BYTES
    most_members: int = 100_000

    def most_bytes(self, packed_bytes: int) -> int:
        return max(int(self.ratio * packed_bytes), self.always_bytes)


class RefusedError(FileError):
    """A packed file that came as it is meant to be, but whose content is not wanted here: too large, links, odd names."""


@dataclass(frozen=True)
class Unpacked:
    """A file that was unpacked: where it is, how long, and the SHA-256 of what it holds."""

    path: Path
    size_bytes: int
    sha256: str


def packing_of(name: str) -> str:
    """How a file of this name is packed: "gzip", "lzw", "tar" (whatever its compression) or "" for not at all."""
    lower = name.lower()
    if lower.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2")):
        return "tar"
    if lower.endswith((".gz", ".ftz")):
        return "gzip"
    return "lzw" if name.endswith(".Z") else ""


def unpacked_name(name: str) -> str:
    """The name of what is inside: without .gz or .Z, .FTZ becomes .fits; tar files keep theirs (they hold several)."""
    packing = packing_of(name)
    if packing == "gzip":
        return name[:-4] + ".fits" if name.lower().endswith(".ftz") else name[:-3]
    return name[:-2] if packing == "lzw" else name


def unpack_file(
    ctx: TaskContext, packed: Path, destination: Path, packing: str, *, name: str = "", limits: Limits | None = None
) -> Unpacked:
    """Unpack one gzip or LZW file to `destination`; it is flushed to the disk and checked before it has that name.

    `name` is what messages call the packed file. The packed file stays.

    Raises
    ------
    FileError : the file is damaged, cut short or not what it should be.
    RefusedError : it grows suspiciously large.
    TransferError : the disk is full.
    """
    limits, name = limits or Limits(), name or packed.name
    most = limits.most_bytes(packed.stat().st_size)
    if packing == "gzip":
        check_space(destination, min(_gzip_size_hint(packed), most), limits.spare_disk_bytes)
    with packed.open("rb") as source:
        return _write(destination, name, most, limits, _copier(ctx, source, packing))


def unpack_tar(
    ctx: TaskContext, packed: Path, folder: Path, members: str = "", *, limits: Limits | None = None
) -> tuple[Unpacked, ...]:
    """Take the regular files out of a tar file whose path or name matches the regular expression `members` (all if empty).

    They are put into `folder` under their own names without the folders of the tar file. A member that is compressed
    itself is unpacked too.

    Raises
    ------
    FileError : the tar file is damaged or cut short.
    RefusedError : it is too large when unpacked, or a member that matches is a link or a device, would lie outside the
        folder, or has a name that stood before or that a file cannot have.
    TransferError : the disk is full.
    """
    limits = limits or Limits()
    taken: dict[str, Unpacked] = {}
    most = limits.most_bytes(packed.stat().st_size)
    for archive, member in _members(ctx, packed, most, limits):
        if member.isdir() or not _is_wanted(member.name, members):
            continue
        name = _member_name(packed, member)
        target = unpacked_name(name)
        if target.lower() in (known.lower() for known in taken):
            raise RefusedError(f"{packed.name} holds two files named {target}.")
        source = archive.extractfile(member)
        if source is None:
            raise FileError(f"{packed.name}: the member {member.name!r} cannot be read.")
        check_space(folder / target, member.size, limits.spare_disk_bytes)
        copy = _copier(ctx, source, packing_of(name))
        taken[target] = _write(folder / target, f"{packed.name}: {name}", most, limits, copy)
    return tuple(taken.values())


# -- writing ----------------------------------------------------------------------------------------------------------------


class _Sink:
    """Counts, hashes and writes what comes out of a packed file, and stops it when it grows too large."""

    def __init__(self, file: IO[bytes], name: str, most_bytes: int, limits: Limits, destination: Path) -> None:
        self._file, self._name, self._most, self._limits, self._destination = file, name, most_bytes, limits, destination
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        self._next_look = CHUNK_BYTES * 16

    def write(self, data: bytes) -> int:
        self.size_bytes += len(data)
        if self.size_bytes > self._most:
            raise RefusedError(
                f"{self._name} unpacks to more than {self._most // 2**20} MiB, far more than a packed file of its size should.",
                "It was not unpacked: the file may be damaged or malicious.",
            )
        if self.size_bytes >= self._next_look:
            self._next_look = self.size_bytes + CHUNK_BYTES * 16
            check_space(self._destination, 0, self._limits.spare_disk_bytes)
        self._hash.update(data)
        self._file.write(data)
        return len(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def _write(destination: Path, name: str, most: int, limits: Limits, copy: Callable[[_Sink], None]) -> Unpacked:
    part = destination.with_name(destination.name + ".unpacked.part")
    try:
        with translated_disk_errors(part), translated_damage(name):
            destination.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                sink = _Sink(file, name, most, limits, destination)
                copy(sink)
                file.flush()
                os.fsync(file.fileno())
            if is_fits_name(destination.name):
                check_fits(part, name)
            part.replace(destination)
            sync_folder(destination.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Unpacked(destination, sink.size_bytes, sink.sha256)


def _copier(ctx: TaskContext, source: IO[bytes], packing: str) -> Callable[[_Sink], None]:
    """What moves the content of `source`, unpacked, into a sink. A tar file inside a tar file stays one."""
    if packing == "gzip":
        return lambda sink: _copy(ctx, gzip.GzipFile(fileobj=source), sink)
    if packing == "lzw":
        return lambda sink: _copy_lzw(ctx, source, sink)
    return lambda sink: _copy(ctx, source, sink)


def _copy(ctx: TaskContext, source: IO[bytes] | gzip.GzipFile, sink: _Sink) -> None:
    while chunk := source.read(CHUNK_BYTES):
        ctx.check_cancelled()
        sink.write(chunk)


class _Paced:
    """Collects the small writes of the LZW decompressor into large ones and looks for cancelling between them."""

    def __init__(self, ctx: TaskContext, sink: _Sink) -> None:
        self._ctx, self._sink, self._waiting = ctx, sink, bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        if len(self._waiting) >= CHUNK_BYTES:
            self.flush()
        return len(data)

    def flush(self) -> None:
        self._ctx.check_cancelled()
        self._sink.write(bytes(self._waiting))
        self._waiting.clear()


def _copy_lzw(ctx: TaskContext, source: IO[bytes], sink: _Sink) -> None:
    import ncompress

    paced = _Paced(ctx, sink)
    ncompress.decompress(source, paced)
    paced.flush()


def _gzip_size_hint(packed: Path) -> int:
    """What the end of a gzip file says about the size of its content (modulo 4 GiB; of its last member only)."""
    with packed.open("rb") as file:
        if packed.stat().st_size < 18:
            return 0
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(4), "little")


# -- tar --------------------------------------------------------------------------------------------------------------------


def _members(ctx: TaskContext, packed: Path, most: int, limits: Limits) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The members one after the other, read as a stream (never seeking), with the sizes that they announce under control."""
    announced = count = 0
    with translated_damage(packed.name), tarfile.open(packed, "r|*") as archive:
        for member in archive:
            ctx.check_cancelled()
            count += 1
            announced += max(member.size, 0)
            if announced > most or count > limits.most_members:
                raise RefusedError(
                    f"{packed.name} would unpack to more than {most // 2**20} MiB or {limits.most_members} files.",
                    "It was not unpacked: the file may be damaged or malicious.",
                )
            yield archive, member
        if count == 0:
            raise FileError(f"{packed.name} is empty or not a tar file.")


def _is_wanted(path: str, members: str) -> bool:
    return not members or re.fullmatch(members, path) is not None or re.fullmatch(members, PurePosixPath(path).name) is not None


def _member_name(packed: Path, member: tarfile.TarInfo) -> str:
    """The plain file name of a member; FileError unless it is a regular file with a harmless path."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name:
        raise RefusedError(f"{packed.name}: the member {member.name!r} would lie outside its folder; it was not unpacked.")
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        raise RefusedError(f"{packed.name}: the member {member.name!r} is a link or a device, not a file; it was not unpacked.")
    if not is_safe_name(path.name):
        raise RefusedError(f"{packed.name}: the member {member.name!r} has a name that a file cannot have here.")
    return path.name


@contextmanager
def translated_damage(name: str) -> Iterator[None]:
    """What the decompressors say about the packed file `name`, as a sentence."""
    try:
        yield
    except EOFError as error:
        raise FileError(f"{name} is cut short: its packed data end too early.") from error
    except (gzip.BadGzipFile, zlib.error, tarfile.TarError, ValueError) as error:
        raise FileError(f"{name} is damaged and cannot be unpacked ({error}).") from error
