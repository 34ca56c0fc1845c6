"""What the readers of samples have in common: columns of a file, cells as numbers or texts, and where a row stands in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError

MOST_ROWS = 2_000_000
PREVIEW_ROWS = 20


@dataclass(frozen=True)
class Field:
    """A column: its unit and UCD as the file has them (empty: none), `frame` where the file says one for its coordinates."""

    name: str
    unit: str = ""
    ucd: str = ""
    frame: str = ""


@dataclass(frozen=True, eq=False)
class Cells:
    """One column in parts, each an array of numbers (missing ones NaN) or of texts (missing ones empty)."""

    parts: tuple[NDArray[Any], ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def text(self, row: int) -> str:
        """One cell as text; a missing number is « nan »."""
        for part in self.parts:
            if row < len(part):
                return f"{part[row]:.12g}" if part.dtype.kind == "f" else str(part[row])
            row -= len(part)
        raise IndexError(row)

    def texts(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.tolist() if part.dtype.kind != "f" else (f"{value:.12g}" for value in part.tolist())


class SampleTable(ABC):
    """A table in a file, of which only what is asked for is read."""

    format: str

    def __init__(self, path: Path, fields: Sequence[Field]) -> None:
        self.path = path
        self.fields = _named(fields)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        return self.fields[self.names.index(name)]

    @abstractmethod
    def count(self) -> int:
        """How many rows there are; raises FileError if there are more than `MOST_ROWS`."""

    @abstractmethod
    def head(self) -> tuple[tuple[str, ...], ...]:
        """The first rows as texts, at most `PREVIEW_ROWS`."""

    @abstractmethod
    def read(self, names: Collection[str], as_text: Collection[str]) -> Mapping[str, Cells]:
        """Whole columns; those in `as_text` stay texts even where they look like numbers."""

    @abstractmethod
    def place(self, row: int) -> str:
        """« line 17 » or « row 16 » of a row that is counted from 0."""

    def too_many(self) -> FileError:
        return FileError(
            f"The sample {self.path} has more than {MOST_ROWS:,} rows.".replace(",", " "),
            "Split it, or keep only the rows that are needed.",
        )


def _named(fields: Sequence[Field]) -> tuple[Field, ...]:
    """With a name for each column: « column 3 » for an empty one, « ra (2) » for the second of the same name."""
    seen: dict[str, int] = {}
    result = []
    for number, field in enumerate(fields, start=1):
        name = field.name.strip() or f"column {number}"
        seen[name] = seen.get(name, 0) + 1
        result.append(Field(name if seen[name] == 1 else f"{name} ({seen[name]})", field.unit, field.ucd, field.frame))
    return tuple(result)


def numbers_or_texts(texts: Sequence[str]) -> NDArray[Any]:
    """An array of float64 if every cell is a number or empty and at least one is a number, otherwise of stripped texts."""
    array = np.array(texts, dtype=np.str_) if texts else np.empty(0, "U1")
    try:
        return array.astype(np.float64)
    except ValueError:
        pass
    array = np.char.strip(array)
    empty = array == ""
    if empty.any() and not empty.all():
        try:
            return np.where(empty, "nan", array).astype(np.float64)
        except ValueError:
            pass
    return array
