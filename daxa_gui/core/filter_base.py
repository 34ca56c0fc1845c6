"""What every filter can do, and the filters that combine others: all of them, any of them, the opposite."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.sky import SkyPosition

Made = TypeVar("Made")


class Members:
    """The parameters in a JSON document of a filter. Each is taken once and must be of the kind asked for; none may be left."""

    def __init__(self, document: Mapping[str, Any], read_filter: Callable[[object], Filter]) -> None:
        self._kind = str(document["kind"])
        self._left = {name: value for name, value in document.items() if name != "kind"}
        self._read_filter = read_filter

    def number(self, name: str) -> float:
        value = _number(self._take(name))
        if value is None:
            raise self._unfit(name, "a number")
        return value

    def number_or_none(self, name: str) -> float | None:
        if self._left.get(name, ...) is None:
            del self._left[name]
            return None
        return self.number(name)

    def text(self, name: str) -> str:
        value = self._take(name)
        if not isinstance(value, str):
            raise self._unfit(name, "text")
        return value

    def truth(self, name: str) -> bool:
        value = self._take(name)
        if not isinstance(value, bool):
            raise self._unfit(name, "true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._list(name)
        if not all(isinstance(item, str) for item in value):
            raise self._unfit(name, "a list of texts")
        return tuple(value)

    def has(self, name: str) -> bool:
        """Whether it is there: documents of older versions lack what came later."""
        return name in self._left

    def value(self, name: str) -> Any:
        """Whatever stands there, for a reader that checks it itself."""
        return self._take(name)

    def pairs(self, name: str) -> tuple[tuple[float, float], ...]:
        """A list of [number, number]."""
        found = []
        for item in self._list(name):
            pair = [_number(part) for part in item] if isinstance(item, list) else []
            if len(pair) != 2 or pair[0] is None or pair[1] is None:
                raise self._unfit(name, "a list of pairs of numbers")
            found.append((pair[0], pair[1]))
        return tuple(found)

    def numbers(self, name: str) -> tuple[float, ...]:
        found = [_number(item) for item in self._list(name)]
        if any(number is None for number in found):
            raise self._unfit(name, "a list of numbers")
        return tuple(number for number in found if number is not None)

    def made(self, name: str, make: Callable[[object], Made]) -> tuple[Made, ...]:
        """A list of what `make` reads."""
        return tuple(make(item) for item in self._list(name))

    def position(self, name: str) -> SkyPosition:
        return self._position(name, self._take(name))

    def positions(self, name: str) -> tuple[SkyPosition, ...]:
        return tuple(self._position(name, item) for item in self._list(name))

    def filter(self, name: str) -> Filter:
        return self._read_filter(self._take(name))

    def filters(self, name: str) -> tuple[Filter, ...]:
        return tuple(self._read_filter(item) for item in self._list(name))

    def check_all_used(self) -> None:
        if self._left:
            raise InputError(f"A filter of the kind « {self._kind} » has no « {next(iter(self._left))} ».")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise InputError(f"A filter of the kind « {self._kind} » lacks « {name} ».")
        return self._left.pop(name)

    def _list(self, name: str) -> list[Any]:
        value = self._take(name)
        if not isinstance(value, list):
            raise self._unfit(name, "a list")
        return value

    def _position(self, name: str, value: object) -> SkyPosition:
        if not isinstance(value, list) or len(value) != 3:
            raise self._unfit(name, "[RA, Dec, name]")
        ra, dec, label = _number(value[0]), _number(value[1]), value[2]
        if ra is None or dec is None or not isinstance(label, str):
            raise self._unfit(name, "[RA, Dec, name]")
        return SkyPosition(ra, dec, label)

    def _unfit(self, name: str, wanted: str) -> InputError:
        return InputError(f"« {name} » of a filter of the kind « {self._kind} » is not {wanted}.")


def _number(value: object) -> float | None:
    """A finite JSON number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer with hundreds of digits
        return None
    return number if math.isfinite(number) else None


class Filter(ABC):
    """Frozen and comparable; `kind` is its name in JSON."""

    kind: ClassVar[str]

    @abstractmethod
    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        """Which rows are wanted, shape (n,)."""

    @abstractmethod
    def sentence(self) -> str:
        """What it asks for in plain language, to follow « observations »: « within 18′ of Abell 907 »."""

    @abstractmethod
    def members(self) -> dict[str, Any]:
        """Its parameters as JSON values."""

    @classmethod
    @abstractmethod
    def from_members(cls, members: Members) -> Filter:
        """The filter with these parameters; raises InputError if they are not what `members()` would give."""

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.members()}

    def __and__(self, other: Filter) -> And:
        return And((*_parts(self, And), *_parts(other, And)))

    def __or__(self, other: Filter) -> Or:
        return Or((*_parts(self, Or), *_parts(other, Or)))

    def __invert__(self) -> Filter:
        return self.filter if isinstance(self, Not) else Not(self)


def _parts(one: Filter, kind: type[And] | type[Or]) -> tuple[Filter, ...]:
    return one.filters if isinstance(one, kind) else (one,)


@dataclass(frozen=True)
class And(Filter):
    """Rows that all of the filters want; every row if there are none."""

    filters: tuple[Filter, ...]
    kind: ClassVar[str] = "and"

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        result = np.ones(len(catalogue), bool)
        for one in self.filters:
            result &= one.mask(catalogue)
        return result

    def sentence(self) -> str:
        return " and ".join(_bracketed(one, Or) for one in self.filters) or "of any kind"

    def members(self) -> dict[str, Any]:
        return {"filters": [one.to_json() for one in self.filters]}

    @classmethod
    def from_members(cls, members: Members) -> And:
        return cls(members.filters("filters"))


@dataclass(frozen=True)
class Or(Filter):
    """Rows that at least one of the filters wants; none if there are no filters."""

    filters: tuple[Filter, ...]
    kind: ClassVar[str] = "or"

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        result = np.zeros(len(catalogue), bool)
        for one in self.filters:
            result |= one.mask(catalogue)
        return result

    def sentence(self) -> str:
        return " or ".join(_bracketed(one, And) for one in self.filters) or "of no kind"

    def members(self) -> dict[str, Any]:
        return {"filters": [one.to_json() for one in self.filters]}

    @classmethod
    def from_members(cls, members: Members) -> Or:
        return cls(members.filters("filters"))


@dataclass(frozen=True)
class Not(Filter):
    """Rows that the filter does not want, also those of which it cannot know: there is no third answer, so that « not not » is
    the same again. « Known, and not that » is an And of two filters."""

    filter: Filter
    kind: ClassVar[str] = "not"

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return ~self.filter.mask(catalogue)

    def sentence(self) -> str:
        return f"not {_bracketed(self.filter, And, Or)}"

    def members(self) -> dict[str, Any]:
        return {"filter": self.filter.to_json()}

    @classmethod
    def from_members(cls, members: Members) -> Not:
        return cls(members.filter("filter"))


def _bracketed(one: Filter, *kinds: type[Filter]) -> str:
    return f"({one.sentence()})" if isinstance(one, kinds) else one.sentence()
