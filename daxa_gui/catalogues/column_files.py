"""The columns of a catalogue as .npy files: numbers and ObsIDs as they are, texts that repeat as codes and their values.

What follows from the mission's declaration (search distances, footprints) is not stored."""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from daxa_gui.catalogues.build import COMMON, NUMBERS, TEXTS, assembled
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import FileError
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.texts import TextColumn, TextIndex
from daxa_gui.core.zones import HEIGHTS_DEG, SkyIndex

ROLES = ("column", "extra", "index")  # a column of every catalogue, one of the mission's own, a table that searches use
FORMS = ("array", "codes", "values")
_FILE = re.compile(r"[a-z]+-[0-9]{3}\.npy", re.ASCII)
_DTYPE = re.compile(r"\|b1|\|[iu]1|<[iu][248]|<f[48]|<U[0-9]{1,5}", re.ASCII)
_MAPPED_FROM_BYTES = 2**16  # smaller files are read: a page of memory costs as much
_LONGEST_HEADER = 4096
_HINT = "Update the catalogue, or import it again."
_HEIGHTS = "-".join(f"{height:g}" for height in HEIGHTS_DEG)  # an index of other zones is not used
_T = TypeVar("_T")

Key = tuple[str, str, str]


@dataclass(frozen=True)
class ColumnFile:
    """One file: which part of the catalogue it holds, and what it must look like."""

    role: str
    name: str
    form: str
    file_name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    sha256: str

    @property
    def key(self) -> Key:
        return (self.role, self.name, self.form)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ColumnFile:
        """Raises KeyError, TypeError or ValueError if this is not what `to_json` gives, or no file of a cache."""
        texts = [document[name] for name in ("role", "name", "form", "file_name", "dtype", "sha256")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("the description of a file")
        role, name, form, file_name, dtype, sha256 = texts
        shape = tuple(document["shape"])
        numbers = (*shape, document["size_bytes"])
        if not all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers):
            raise ValueError("a size")
        if role not in ROLES or form not in FORMS or not _FILE.fullmatch(file_name) or not _DTYPE.fullmatch(dtype):
            raise ValueError(file_name)
        return cls(role, name, form, file_name, dtype, shape, document["size_bytes"], sha256)


def arrays_of(catalogue: Catalogue) -> Iterator[tuple[Key, NDArray[Any]]]:
    """Everything to store: the columns, the mission's own columns, and the indexes (which are made now if they were not yet)."""
    for name in COMMON:
        yield from _pieces("column", name, getattr(catalogue, name))
    for name, column in catalogue.extra.items():
        yield from _pieces("extra", name, column)
    for name, array in catalogue.index.arrays().items():
        yield ("index", f"sky {_HEIGHTS} {name}", "array"), array
    for name, array in catalogue.id_index.arrays().items():
        yield ("index", f"id {name}", "array"), array


def rebuilt(spec: MissionSpec, version: str, provenance: str, arrays: Mapping[Key, NDArray[Any]]) -> Catalogue:
    """The catalogue that these arrays were made of.

    Raises
    ------
    FileError : a column is missing, or the arrays do not fit together.
    """
    columns = _joined(arrays, "column")
    wrong = sorted(set(COMMON) ^ set(columns))
    columns |= _joined(arrays, "extra")
    n = len(columns.get("obs_id", ()))
    if wrong or any(column.shape != (n,) for column in columns.values()):
        raise FileError(f"The columns of a kept catalogue of {spec.label} do not fit together.", _HINT)
    coded = {name: isinstance(columns[name], TextColumn) for name in COMMON}
    if [name for name in COMMON if coded[name]] != list(TEXTS) or columns["obs_id"].dtype.kind != "U":
        raise FileError(f"A column of a kept catalogue of {spec.label} is of another type.", _HINT)
    if any(columns[name].dtype != np.float64 for name in NUMBERS):
        raise FileError(f"A column of a kept catalogue of {spec.label} does not hold numbers.", _HINT)
    catalogue = assembled(spec, columns, provenance, version)
    return catalogue.with_index(_sky_index(arrays, n), _id_index(arrays, catalogue))


def _sky_index(arrays: Mapping[Key, NDArray[Any]], n: int) -> SkyIndex | None:
    """None if it was made by a program that cuts the sky otherwise; it is then made again when needed."""
    named = _named(arrays, f"sky {_HEIGHTS} ")
    return _checked(lambda: SkyIndex.from_arrays(named, n)) if named else None


def _id_index(arrays: Mapping[Key, NDArray[Any]], catalogue: Catalogue) -> TextIndex | None:
    """None if it was made by a program that numbers texts otherwise."""
    named = _named(arrays, "id ")
    if not named or not len(catalogue):
        return None
    index = _checked(lambda: TextIndex.from_arrays(named, len(catalogue)))
    return index if 0 in index.rows(catalogue.obs_id, [str(catalogue.obs_id[0])]) else None


def _named(arrays: Mapping[Key, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    found = {name: array for (role, name, _), array in arrays.items() if role == "index"}
    return {name.removeprefix(prefix): array for name, array in found.items() if name.startswith(prefix)}


def _checked(make: Callable[[], _T]) -> _T:
    try:
        return make()
    except ValueError as error:
        raise FileError(f"The index of a kept catalogue is damaged ({error}).", _HINT) from error


def _pieces(role: str, name: str, column: NDArray[Any] | TextColumn) -> Iterator[tuple[Key, NDArray[Any]]]:
    if isinstance(column, TextColumn):
        yield (role, name, "codes"), column.codes
        yield (role, name, "values"), column.values
    else:
        yield (role, name, "array"), np.asarray(column)


def write_arrays(folder: Path, arrays: Iterable[tuple[Key, NDArray[Any]]]) -> list[ColumnFile]:
    """Write one file per array, each forced to the disk.

    Raises
    ------
    OSError : the folder cannot be written.
    """
    return [_write(folder, f"{key[0]}-{number:03d}.npy", key, array) for number, (key, array) in enumerate(arrays)]


def _write(folder: Path, file_name: str, key: Key, array: NDArray[Any]) -> ColumnFile:
    stored = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if not _DTYPE.fullmatch(stored.dtype.str):
        raise ValueError(f"column {key[1]} of type {stored.dtype} cannot be stored")
    path = folder / file_name
    with path.open("xb") as file:
        np.save(file, stored, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return ColumnFile(*key, file_name, stored.dtype.str, stored.shape, path.stat().st_size, sha256_of(path))


def sha256_of(path: Path) -> str:
    """Raises FileError if the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}).", _HINT) from error


def read_arrays(folder: Path, files: Iterable[ColumnFile]) -> dict[Key, NDArray[Any]]:
    """The arrays, read-only; long ones are mapped into memory, and only what is looked at is read.

    Raises
    ------
    FileError : a file is missing, has another length, type or shape than was noted, or stands twice.
    """
    arrays: dict[Key, NDArray[Any]] = {}
    for file in files:
        if file.key in arrays:
            raise FileError(f"{folder}: column « {file.name} » stands there twice.", _HINT)
        arrays[file.key] = _read(folder / file.file_name, file)
    return arrays


def _read(path: Path, file: ColumnFile) -> NDArray[Any]:
    try:
        if not S_ISREG(path.lstat().st_mode):
            raise FileError(f"{path} is not a plain file.", _HINT)
        with path.open("rb") as opened:
            return _array_of(opened, path, file)
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror or error}).", _HINT) from error
    except (ValueError, EOFError) as error:
        raise FileError(f"{path} is damaged ({error}).", _HINT) from error


def _array_of(opened: BinaryIO, path: Path, file: ColumnFile) -> NDArray[Any]:
    """What the header says is compared with what was noted before any memory is asked for."""
    size = os.fstat(opened.fileno()).st_size
    if size != file.size_bytes:
        raise FileError(f"{path} is damaged: it has {size} bytes where {file.size_bytes} were written.", _HINT)
    if np.lib.format.read_magic(opened) != (1, 0):
        raise ValueError("another form of .npy")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(opened, max_header_size=_LONGEST_HEADER)
    start = opened.tell()
    if dtype.str != file.dtype or shape != file.shape or by_column or start + prod(shape) * dtype.itemsize != size:
        raise FileError(f"{path} is damaged: it holds something else than was noted.", _HINT)
    if size < _MAPPED_FROM_BYTES:
        return np.frombuffer(opened.read(), dtype).reshape(shape)
    mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(mapped, dtype, offset=start).reshape(shape)


def _joined(arrays: Mapping[Key, NDArray[Any]], role: str) -> dict[str, NDArray[Any] | TextColumn]:
    """The columns of one role by name, texts put together again."""
    columns: dict[str, NDArray[Any] | TextColumn] = {}
    for (here, name, form), array in arrays.items():
        if here != role or form == "values":
            continue
        if form == "array":
            columns[name] = array
            continue
        try:
            columns[name] = TextColumn(array, arrays[role, name, "values"])
        except (KeyError, ValueError) as error:
            raise FileError(f"Column « {name} » of a kept catalogue is damaged ({error}).", _HINT) from error
    return columns
