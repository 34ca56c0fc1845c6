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
from daxa_gui.remote.checks import is_fits_name
from daxa_gui.remote.disk import FLUSHER, SPARE_BYTES, check_space, sync_folder, translated_disk_errors
from daxa_gui.remote.fits_check import WrongSumError, check_fits
from daxa_gui.remote.listing import is_safe_name

CHUNK_BYTES = 1024 * 1024
LONGEST_EXTENSION_BYTES = 1024 * 1024
_EXTENSIONS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What unpacking may cost. A file may grow to `ratio` times its packed size, or to `always_bytes` if that is more."""

    ratio: float = 250.0
    always_bytes: int = 256 * 1024 * 1024
    spare_disk_bytes: int = SPARE_BYTES
    most_members: int = 100_000
    deepest: int = 3  # tar files in tar files

    def most_bytes(self, packed_bytes: int) -> int:
        return max(int(self.ratio * packed_bytes), self.always_bytes)


class RefusedError(FileError):
    """A packed file that came as it is meant to be, but whose content is not wanted here: too large, links, odd names."""


@dataclass(frozen=True)
class Unpacked:
    """A file that was unpacked: where it is, how long, the SHA-256 of what it holds, and what is to be said about it."""

    path: Path
    size_bytes: int
    sha256: str
    warning: str = ""


# Told the SHA-256 of a whole FITS file with a wrong sum and what is wrong; why it is taken all the same, or "" if it is not.
Judge = Callable[[str, WrongSumError], str]


def refuse(sha256: str, error: WrongSumError) -> str:
    """The strict judge: no file with a wrong sum is taken."""
    return ""


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
    ctx: TaskContext, packed: Path, destination: Path, packing: str, *, name: str = "", limits: Limits | None = None,
    judge: Judge = refuse,
) -> Unpacked:  # fmt: skip
    """Unpack one gzip or LZW file to `destination`; it is checked before it has that name.

    `name` is what messages call the packed file; `judge` decides about FITS files with wrong sums. The packed file stays.

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
        return _write(ctx, destination, name, most, limits, _copier(ctx, source, packing), judge)


def unpack_tar(
    ctx: TaskContext, packed: Path, folder: Path, members: str = "", *, limits: Limits | None = None, judge: Judge = refuse
) -> tuple[Unpacked, ...]:
    """Take the regular files out of a tar file whose path or name matches the regular expression `members` (all if empty).

    They are put into `folder` under their own names without the folders of the tar file. A member that is compressed itself is
    unpacked too; the members of a tar file in it are treated like its own.

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
    budget = _Budget(packed.name, most, limits)
    with packed.open("rb") as source:
        for archive, member in _members(ctx, source, packed.name, budget):
            if member.isdir() or not _is_wanted(member.name, members):
                continue
            name = _member_name(packed, member)
            target = unpacked_name(name)
            if target.lower() in (known.lower() for known in taken):
                raise RefusedError(f"{packed.name} holds two files named {target}.")
            content = archive.extractfile(member)
            if content is None:
                raise FileError(f"{packed.name}: the member {member.name!r} cannot be read.")
            check_space(folder / target, member.size, limits.spare_disk_bytes)
            copy = _copier(ctx, content, packing_of(name))
            taken[target] = _write(ctx, folder / target, f"{packed.name}: {name}", most, limits, copy, judge)
    return tuple(taken.values())


def unpack_answer(
    ctx: TaskContext, packed: Path, folder: Path, members: str, name: str, *, limits: Limits | None = None,
    judge: Judge = refuse,
) -> tuple[Unpacked, ...]:  # fmt: skip
    """Unpack what a service packed on demand: a tar file, compressed or not, or the one file that there was, compressed or not.
    Its content decides, not its name.

    `name` is what the server called it: the name of a single file (an empty one, or one that `members` does not match, leaves
    nothing to be taken). Raises what `unpack_tar` and `unpack_file` raise.
    """
    with packed.open("rb") as file:
        first = file.read(tarfile.BLOCKSIZE)
    packing = "gzip" if first.startswith(b"\x1f\x8b") else "lzw" if first.startswith(b"\x1f\x9d") else ""
    with translated_damage(packed.name):
        inside = _first_inside(ctx, packed) if packing == "gzip" else first
    if _is_tar(inside):
        return unpack_tar(ctx, packed, folder, members, limits=limits, judge=judge)
    target = unpacked_name(name) if packing_of(name) in ("gzip", "lzw") else name
    if not is_safe_name(target) or not (_is_wanted(name, members) or _is_wanted(target, members)):
        return ()
    return (unpack_file(ctx, packed, folder / target, packing, name=name, limits=limits, judge=judge),)


def check_packed(ctx: TaskContext, packed: Path, packing: str, name: str = "", limits: Limits | None = None) -> None:
    """Read a packed file that stays packed to its end: its trailer (CRC and length of gzip) must fit. Raises FileError."""
    limits, name = limits or Limits(), name or packed.name
    with packed.open("rb") as source, Path(os.devnull).open("wb") as nowhere, translated_damage(name):
        sink = _Sink(nowhere, name, limits.most_bytes(packed.stat().st_size), limits, packed)
        _copier(ctx, source, packing)(sink)


def _first_inside(ctx: TaskContext, packed: Path) -> bytes:
    ctx.check_cancelled()
    with gzip.open(packed) as file:
        return file.read(tarfile.BLOCKSIZE)


def _is_tar(first: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(first, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


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


def _write(
    ctx: TaskContext, destination: Path, name: str, most: int, limits: Limits, copy: Callable[[_Sink], None], judge: Judge
) -> Unpacked:
    part = destination.with_name(destination.name + ".unpacked.part")
    warning = ""
    try:
        with translated_disk_errors(part), translated_damage(name):
            destination.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)  # were it a link, its target would be written
            with part.open("xb") as file:
                sink = _Sink(file, name, most, limits, destination)
                copy(sink)
            if is_fits_name(destination.name):
                warning = checked_sums(ctx, part, name, sink.sha256, judge)
            part.replace(destination)
            FLUSHER.add(destination)
            sync_folder(destination.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Unpacked(destination, sink.size_bytes, sink.sha256, warning)


def checked_sums(ctx: TaskContext, path: Path, name: str, sha256: str, judge: Judge) -> str:
    """`check_fits` with a judge of wrong sums, who may say that the file is taken all the same, and why; "" for a right one."""
    try:
        check_fits(path, name, ctx.check_cancelled)
    except WrongSumError as error:
        if warning := judge(sha256, error):
            return warning
        raise
    return ""


def _copier(ctx: TaskContext, source: IO[bytes], packing: str) -> Callable[[_Sink], None]:
    """What moves the content of `source`, unpacked, into a sink."""
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


class _Budget:
    """Keeps the sizes and the number of members, of all tar files in one together, under control."""

    def __init__(self, name: str, most_bytes: int, limits: Limits) -> None:
        self._name, self._most, self._limits = name, most_bytes, limits
        self._bytes = self._members = 0

    def take(self, member: tarfile.TarInfo, depth: int) -> None:
        self._members += 1
        if not _is_nested(member):
            self._bytes += max(member.size, 0)
        if self._bytes > self._most or self._members > self._limits.most_members or depth > self._limits.deepest:
            raise RefusedError(
                f"{self._name} would unpack to more than {self._most // 2**20} MiB or {self._limits.most_members} files, or has "
                f"more than {self._limits.deepest} tar files in each other.",
                "It was not unpacked: the file may be damaged or malicious.",
            )


class _Header(tarfile.TarInfo):
    """tarfile reads names and other extensions of a header into memory, however long the header says that they are."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _EXTENSIONS and self.size > LONGEST_EXTENSION_BYTES:
            raise RefusedError(
                f"A header of a tar file announces {self.size / 1e6:.0f} MB of names.",
                "It was not unpacked: the file may be damaged or malicious.",
            )
        return super()._proc_member(archive)  # type: ignore[misc]


def _is_nested(member: tarfile.TarInfo) -> bool:
    return member.isreg() and packing_of(member.name) == "tar"


def _members(
    ctx: TaskContext, source: IO[bytes], name: str, budget: _Budget, depth: int = 1
) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The members one after the other, read as a stream (never seeking), those of tar files inside in their place."""
    count = 0
    with translated_damage(name), tarfile.open(fileobj=source, mode="r|*", tarinfo=_Header) as archive:
        for member in archive:
            ctx.check_cancelled()
            count += 1
            budget.take(member, depth)
            if _is_nested(member):
                inner = archive.extractfile(member)
                assert inner is not None  # of a regular file
                yield from _members(ctx, inner, f"{name}: {PurePosixPath(member.name).name}", budget, depth + 1)
            else:
                yield archive, member
        if count == 0:
            raise FileError(f"{name} is empty or not a tar file.")


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
