"""FITS headers as read-only mappings. Tolerant: a card that cannot be understood is kept as text, never an exception."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

CARD = 80
BLOCK = 2880

CardValue = str | int | float | bool | None

_STRING = re.compile(r"\s*'((?:[^']|'')*)'")
_COMMENTARY = frozenset({"", "COMMENT", "HISTORY", "CONTINUE", "END"})


def parse_value(text: str) -> CardValue:
    """The value of a card from the text behind its `= `, without the comment.

    Source: FITS standard 4.0, section 4.2 (strings with doubled quotes, logical T and F, integers, floats with E or D).
    """
    if match := _STRING.match(text):
        return match[1].replace("''", "'").rstrip()
    bare = text.partition("/")[0].strip()
    if bare in ("T", "F"):
        return bare == "T"
    try:
        return int(bare)
    except ValueError:
        pass
    try:
        return float(bare.upper().replace("D", "E"))
    except ValueError:
        return bare or None


class Header(Mapping[str, CardValue]):
    """The cards of one HDU. Of a keyword that stands twice the first card counts. `raw` has the 80-byte cards up to END."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._values: dict[str, CardValue] = {}
        last = ""
        for start in range(0, len(raw), CARD):
            card = raw[start : start + CARD].decode("latin-1")
            keyword = card[:8].strip().upper()  # the standard knows upper case only, some programs write others
            if keyword == "CONTINUE" and last:
                self._extend(last, card[8:])
                continue
            last = ""
            if card[8:10] != "= " or keyword in _COMMENTARY or keyword in self._values:
                continue
            self._values[keyword] = parse_value(card[10:])
            last = keyword

    def _extend(self, keyword: str, text: str) -> None:
        """Join a long string (OGIP 1.0 convention): the part before ends with an ampersand."""
        before, more = self._values[keyword], parse_value(text)
        if isinstance(before, str) and isinstance(more, str) and before.endswith("&"):
            self._values[keyword] = before[:-1] + more

    def __getitem__(self, keyword: str) -> CardValue:
        return self._values[keyword]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, *keywords: str) -> str:
        """The first of the keywords that is there and not empty, as text; otherwise an empty text."""
        for keyword in keywords:
            value = self._values.get(keyword)
            if value is not None and str(value).strip():
                return str(value).strip()
        return ""

    def number(self, *keywords: str) -> float | None:
        """The first of the keywords that is a finite number (some software writes numbers as texts), otherwise None."""
        for keyword in keywords:
            value = self._values.get(keyword)
            if value is None or isinstance(value, bool):
                continue
            try:
                number = float(value)
            except ValueError:
                continue
            if math.isfinite(number):
                return number
        return None

    def integer(self, keyword: str) -> int | None:
        """The keyword as a whole number, None when absent or no whole number."""
        number = self.number(keyword)
        return int(number) if number is not None and number == int(number) else None


class Headers(Header):
    """Several headers looked at as one: the first that has a keyword wins."""

    def __init__(self, *headers: Header) -> None:
        self.raw = b""
        self._values = {}
        for header in headers:
            for keyword, value in header.items():
                self._values.setdefault(keyword, value)
