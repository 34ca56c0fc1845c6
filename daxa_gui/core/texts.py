"""Columns of texts that repeat, stored as numbers of their distinct values, and a quick way from a text to its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


class TextColumn:
    """A column of texts, dictionary coded: the text of row i is `values[codes[i]]`. It behaves like an array of texts.

    `codes` has shape (n,) and an unsigned integer type, `values` shape (d,) and a text type. A question about texts is asked
    once per distinct value instead of once per row. Arrays given in are not copied; nothing here changes them.
    """

    __slots__ = ("codes", "values")
    __hash__ = None  # type: ignore[assignment]  # == gives a mask, as arrays do

    def __init__(self, codes: NDArray[Any], values: NDArray[np.str_]) -> None:
        """Raises ValueError if a code stands for no value, or one of the arrays is none of its kind."""
        if codes.ndim != 1 or codes.dtype.kind not in "iu" or values.ndim != 1 or values.dtype.kind != "U":
            raise ValueError("codes must be integers and values texts, both of one dimension")
        if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < len(values):
            raise ValueError("a code stands for no value")
        self.codes = codes
        self.values = values

    @classmethod
    def of(cls, texts: ArrayLike | TextColumn) -> TextColumn:
        """Code a sequence or array of texts, shape (n,); `values` are then sorted and each stands in some row."""
        if isinstance(texts, TextColumn):
            return texts
        array = np.asarray(texts, str)
        if not len(array):
            return cls(np.zeros(0, np.uint8), np.empty(0, "U1"))
        if bool((array == array[0]).all()):
            return cls(np.zeros(len(array), np.uint8), array[:1].copy())
        listed = array.tolist()
        distinct = sorted(set(listed))
        code_of = {text: code for code, text in enumerate(distinct)}
        codes = np.fromiter(map(code_of.__getitem__, listed), np.min_scalar_type(len(distinct) - 1), len(listed))
        return cls(codes, np.array(distinct, str))

    @classmethod
    def full(cls, n: int, text: str = "") -> TextColumn:
        """The same text in all rows."""
        return cls(np.zeros(n, np.uint8), np.array([text], str))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def dtype(self) -> np.dtype[np.str_]:
        return self.values.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    @property
    def ndim(self) -> int:
        return 1

    @property
    def size(self) -> int:
        return len(self.codes)

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + self.values.nbytes

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> np.str_: ...
    @overload
    def __getitem__(self, key: slice | NDArray[Any] | list[int] | list[bool]) -> NDArray[np.str_]: ...
    def __getitem__(self, key: Any) -> Any:
        return self.values[self.codes[key]]

    def take(self, rows: NDArray[Any] | slice) -> TextColumn:
        """Some of the rows, still coded (by a mask, row numbers or a slice); `values` stay all of them."""
        return TextColumn(self.codes[rows], self.values)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a coded column of texts cannot become an array without a copy")
        texts = self.values[self.codes]
        return texts if dtype is None else texts.astype(dtype)

    def astype(self, dtype: DTypeLike) -> NDArray[Any]:
        return self.values.astype(dtype)[self.codes]

    def tolist(self) -> list[str]:
        values = self.values.tolist()
        return [values[code] for code in self.codes.tolist()]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and bool((self == text).any())

    def __eq__(self, other: object) -> NDArray[np.bool_]:  # type: ignore[override]
        if not isinstance(other, str):
            result: NDArray[np.bool_] = np.asarray(self) == np.asarray(other)
            return result
        hits = np.flatnonzero(self.values == other)
        if len(hits) == 1:  # the usual case, and a comparison of numbers is quicker than a look-up for each row
            equal: NDArray[np.bool_] = self.codes == self.codes.dtype.type(hits[0])
            return equal
        return self._spread(self.values == other)

    def __ne__(self, other: object) -> NDArray[np.bool_]:  # type: ignore[override]
        return ~(self == other)

    def where(self, predicate: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Rows, shape (n,), whose text fulfils a condition, which is asked once per distinct value."""
        return self._spread(np.fromiter(map(predicate, self.values.tolist()), bool, len(self.values)))

    def isin(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Rows, shape (n,), whose text is one of these."""
        return self.where(frozenset(texts).__contains__)

    def spread(self, of_values: NDArray[Any]) -> NDArray[Any]:
        """For each row, shape (n,), what belongs to its text; `of_values` has one entry for each of `values`."""
        if not len(self.values):
            return np.zeros(len(self.codes), of_values.dtype)
        return of_values[self.codes]

    def _spread(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if not mask.any():
            return np.zeros(len(self.codes), bool)
        return np.asarray(self.spread(mask), bool)

    def ranks(self) -> NDArray[np.int64]:
        """Numbers, shape (n,), that sort as the texts do; the same for equal texts."""
        _, rank = np.unique(self.values, return_inverse=True)
        return np.asarray(self.spread(rank.astype(np.int64)), np.int64)

    def argsort(self, **_: Any) -> NDArray[np.intp]:
        """Row numbers, shape (n,), in the order of the texts; equal ones stay in their order."""
        return np.argsort(self.ranks(), kind="stable")

    def __repr__(self) -> str:
        return f"TextColumn({len(self)} rows, {len(self.values)} distinct)"


class TextIndex:
    """Finds the rows of texts in an array of them by sorted 64-bit hashes; equal hashes are told apart by comparing the texts.

    The hash is a sum of the characters' code points, each times a fixed odd number for its place, modulo 2⁶⁴ (the multilinear
    scheme of Carter & Wegman 1979, J. Comput. Syst. Sci. 18, 143): it comes from whole columns at once and does not depend on
    how wide the array's text type is.
    """

    def __init__(self, hashes: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
        self._hashes = hashes
        self._rows = rows

    @classmethod
    def of(cls, texts: NDArray[np.str_]) -> TextIndex:
        """Of all rows of an array, shape (n,)."""
        hashes = _hashes(texts)
        rows = np.argsort(hashes)
        return cls(hashes[rows], rows.astype(np.int32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` takes."""
        return {"hashes": self._hashes, "rows": self._rows}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n: int) -> TextIndex:
        """Raises ValueError if these cannot be the arrays of an index of `n` rows."""
        hashes, rows = (np.asarray(arrays.get(name, np.empty(0))) for name in ("hashes", "rows"))
        if hashes.dtype != np.uint64 or rows.dtype != np.int32 or hashes.shape != (n,) or rows.shape != (n,):
            raise ValueError("these are not the arrays of an index of texts")
        if n and (rows.min() < 0 or rows.max() >= n or bool((hashes[1:] < hashes[:-1]).any())):
            raise ValueError("the index of texts is damaged")
        return cls(hashes, rows)

    def rows(self, texts: NDArray[np.str_], wanted: Iterable[str]) -> NDArray[np.int64]:
        """All rows of `texts` (the array that the index was made of) that are one of the `wanted`, ascending, each once."""
        asked = np.array(sorted(set(wanted)), str)
        if not len(asked) or not len(texts):
            return np.empty(0, np.int64)
        hashes = _hashes(asked)
        first = np.searchsorted(self._hashes, hashes, side="left")
        count = np.searchsorted(self._hashes, hashes, side="right") - first
        which = np.repeat(np.arange(len(asked)), count)
        rows = self._rows[np.arange(len(which)) + np.repeat(first - (np.cumsum(count) - count), count)].astype(np.int64)
        return np.unique(rows[texts[rows] == asked[which]])


def _hashes(texts: NDArray[np.str_]) -> NDArray[np.uint64]:
    native = np.ascontiguousarray(texts, dtype=texts.dtype.newbyteorder("="))
    width = native.dtype.itemsize // 4
    points = native.view(np.uint32).reshape(len(native), width)
    total = np.zeros(len(native), np.uint64)
    for place, factor in zip(range(width), _factors(), strict=False):
        total += points[:, place] * np.uint64(factor)  # unsigned numbers wrap around: that is the modulus
    return total


def _factors() -> Iterator[int]:
    """Odd 64-bit numbers without a pattern: the generator splitmix64 (Steele, Lea & Flood 2014, OOPSLA, section 3)."""
    state = 0
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) % 2**64
        yield (mixed ^ (mixed >> 31)) | 1
