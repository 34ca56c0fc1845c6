"""How the command line prints: tables for people, one JSON document for programs, both as they come, however long they are."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

_BLOCK = 2000  # rows of a table that are looked at at a time
# Characters that could steer a terminal; JSON has another way to write them.
_STEERING = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def print_document(value: Any) -> None:
    """One JSON document; numbers that JSON does not know (NaN, infinities) become null.

    Iterators in it are written as lists, one entry per line, without being held in memory; functions are called when it is their
    turn to be written.
    """
    _half_written.append(True)
    for piece in _pieces(value, ""):
        sys.stdout.write(piece)
    sys.stdout.write("\n")
    _half_written.clear()


_half_written: list[bool] = []  # holds something while a document is being written


def begin_output() -> None:
    """A new command: nothing has been written yet."""
    _half_written.clear()


def is_half_written() -> bool:
    """Whether a document was begun and not ended: another one behind it would make both unreadable."""
    return bool(_half_written)


def _pieces(value: Any, indent: str) -> Iterator[str]:
    deeper = indent + "  "
    if callable(value):
        value = value()
    if isinstance(value, Mapping) and value:
        for number, (key, part) in enumerate(value.items()):
            yield f"{',' if number else '{'}\n{deeper}{_json(str(key))}: "
            yield from _pieces(part, deeper)
        yield f"\n{indent}}}"
    elif isinstance(value, Iterator):
        number = -1
        for number, part in enumerate(value):
            yield f"{',' if number else '['}\n{deeper}{_json(part)}"
        yield f"\n{indent}]" if number >= 0 else "[]"
    else:
        yield _json(value, 2).replace("\n", "\n" + indent)


def _json(value: Any, indent: int | None = None) -> str:
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(plain(value), indent=indent, ensure_ascii=not unicode, allow_nan=False)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    # file names may hold bytes that are no text
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Columns as wide as their contents, numbers to the right; returns how many rows there were.

    The first rows say how wide the columns are; further down they may only become wider.
    """
    coming = iter(rows)
    block, count = list(islice(coming, _BLOCK)), 0
    right = [bool(block) and all(isinstance(row[i], (int, float)) for row in block) for i in range(len(headings))]
    widths = [len(heading) for heading in headings]
    lines = [list(headings)]
    while True:
        lines += [[_cell(cell) for cell in row] for row in block]
        widths = [max(width, *(len(line[i]) for line in lines)) for i, width in enumerate(widths)]
        for line in lines:
            print("  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)).rstrip())
        count += len(block)
        block, lines = list(islice(coming, _BLOCK)), []
        if not block:
            return count


def count_of(number: int, noun: str) -> str:
    """« 1 file », « 2 files »."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def say(*texts: object) -> None:
    """Sentences on standard output, one per line."""
    for text in texts:
        print(_cell(text))


def warn(text: object) -> None:
    """A sentence on standard error."""
    print(_cell(text), file=sys.stderr)


def _cell(value: Any) -> str:
    """Names come from archives and servers: nothing in them may steer the terminal or break the line."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
