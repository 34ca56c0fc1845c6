"""Columns of a table that a person brings: taken as numbers, times, texts or truths, and the row named where that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.times import iso_to_mjd

_HINT = "Correct the row and import the table again."


class Cells:
    """Columns by name in lower case, shape (n,) each. Messages begin with `source` and count rows from 1."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], source: str) -> None:
        self.columns = columns
        self.source = source

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def check(self, wrong: NDArray[np.bool_], why: Callable[[int], str], hint: str = _HINT) -> None:
        """Raises FileError for the first row for which `wrong` is true."""
        rows = np.flatnonzero(wrong)
        if len(rows):
            raise FileError(f"{self.source}, row {int(rows[0]) + 1}: {why(int(rows[0]))}.", hint)

    def numbers(self, name: str, hint: str = _HINT) -> NDArray[np.float64]:
        """Empty texts are unknown numbers."""
        column = self.columns[name]
        if column.dtype.kind in "fi":
            return column.astype(float)
        texts = [str(value).strip() for value in column.tolist()]
        values = np.array([_number(text) for text in texts], float).reshape(-1)
        wrong = np.isinf(values) if column.dtype.kind == "U" else np.ones(len(column), bool)
        self.check(wrong, lambda n: f"{name} is « {texts[n]} », not a number", hint)
        return values

    def times(self, name: str) -> NDArray[np.float64]:
        """MJD of texts like « 2019-11-03T12:30:15Z »; empty ones are unknown."""
        texts = self.texts(name).tolist()
        values = {}
        for text in set(texts):
            try:
                values[text] = iso_to_mjd(text) if text.strip() else np.nan
            except InputError:
                values[text] = np.inf
        found = np.array([values[text] for text in texts], float)
        self.check(np.isinf(found), lambda n: f"{name} is « {texts[n]} », not a time")
        return found

    def texts(self, name: str) -> NDArray[np.str_]:
        """Whole numbers without a decimal point; unknown numbers are empty texts."""
        column = self.columns[name]
        if column.dtype.kind == "U":
            return column
        if column.dtype.kind == "f":
            return np.array([_text(value) for value in column.tolist()], str)
        return np.array([str(value).lower() for value in column.tolist()], str)

    def truths(self, name: str) -> NDArray[np.bool_]:
        """Empty texts and unknown numbers are false."""
        column = self.columns[name]
        if column.dtype.kind == "b":
            return column.astype(bool)
        texts = [text.strip().lower() for text in self.texts(name).tolist()]
        wrong = np.array([text not in ("true", "false", "1", "0", "t", "f", "") for text in texts], bool)
        self.check(wrong, lambda n: f"{name} is « {texts[n]} », not true or false")
        return np.array([text in ("true", "1", "t") for text in texts], bool)


def _number(text: str) -> float:
    """Infinite for what is no number: no column here holds infinite ones."""
    if not text:
        return np.nan
    try:
        return float(text)
    except ValueError:
        return np.inf


def _text(value: float) -> str:
    if not np.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(value)
