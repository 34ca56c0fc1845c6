"""Values of database rows, looked at as they are read: SQLite lets a column hold anything, and archives come from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

_NONE = type(None)
_ALLOWED: dict[str, tuple[type, ...]] = {
    "t": (str,),
    "i": (int,),
    "r": (float, int),
    "T": (str, _NONE),
    "I": (int, _NONE),
    "R": (float, int, _NONE),
    "b": (bytes,),
}


def typed(row: Sequence[Any], pattern: str) -> Sequence[Any]:
    """The row, each of whose values is of the type that its letter in `pattern` says.

    t text, i integer, r number, b bytes; a capital letter also allows NULL. Raises TypeError (inside `failures.sensible` that
    becomes an ArchiveError).
    """
    for value, letter in zip(row, pattern, strict=True):
        if type(value) not in _ALLOWED[letter]:
            raise TypeError(f"{type(value).__name__} where « {letter} » was expected")
    return row


def mapping(text: str) -> dict[str, Any]:
    """A JSON object; TypeError for any other JSON value."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} instead of a JSON object")
    return value


def texts(text: str) -> tuple[str, ...]:
    """A JSON list of texts; TypeError for any other JSON value."""
    value = json.loads(text)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError("something else instead of a list of texts")
    return tuple(value)
