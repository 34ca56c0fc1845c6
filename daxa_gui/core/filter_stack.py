"""The list of filters that a person builds, as a value: each change gives a new stack, so undo is a list of stacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import And, Filter, Picked, filter_from_json

_SAME: Any = object()  # « leave this as it is », where None has a meaning of its own


@dataclass(frozen=True)
class FilterRow:
    """One filter of a stack. `missions` are the names of those that it applies to; None: to all. `id` is unique in its stack."""

    filter: Filter
    enabled: bool = True
    missions: tuple[str, ...] | None = None
    id: int = 0

    def applies_to(self, mission: str) -> bool:
        return self.enabled and (self.missions is None or mission in self.missions)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "enabled": self.enabled,
            "missions": None if self.missions is None else list(self.missions),
            "filter": self.filter.to_json(),
        }


def _brings_back(one: Filter) -> bool:
    return isinstance(one, Picked) and one.keep


def apply_row(one: Filter, catalogue: Catalogue, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is left of `mask`, shape (n,), after one more filter of a stack: rows picked to be kept are in again."""
    return mask | one.mask(catalogue) if _brings_back(one) else mask & one.mask(catalogue)


@dataclass(frozen=True)
class FilterStack:
    """Filters that are applied one after the other; an observation must pass all enabled ones that apply to its mission, or be
    picked by hand (`Picked` with `keep`) and pass those after that."""

    rows: tuple[FilterRow, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, row_id: int) -> FilterRow:
        return self.rows[self.index(row_id)]

    def index(self, row_id: int) -> int:
        """The place of a row in the stack; raises KeyError if there is no such row."""
        for place, row in enumerate(self.rows):
            if row.id == row_id:
                return place
        raise KeyError(row_id)

    def add(self, new: Filter, missions: Sequence[str] | None = None) -> FilterStack:
        """With one more filter, at the end."""
        names = None if missions is None else tuple(missions)
        row = FilterRow(new, missions=names, id=1 + max((row.id for row in self.rows), default=0))
        return FilterStack((*self.rows, row))

    def remove(self, row_id: int) -> FilterStack:
        place = self.index(row_id)
        return FilterStack((*self.rows[:place], *self.rows[place + 1 :]))

    def replace(self, row_id: int, new: Filter, missions: Sequence[str] | None = _SAME) -> FilterStack:
        """With another filter in the place of a row, and for other missions if they are given."""
        old = self.row(row_id)
        names = old.missions if missions is _SAME else None if missions is None else tuple(missions)
        return self._with(row_id, replace(old, filter=new, missions=names))

    def move(self, row_id: int, place: int) -> FilterStack:
        """With a row at another place, counted from 0 in the new order; places beyond the ends mean the ends."""
        row, rest = self.row(row_id), self.remove(row_id).rows
        place = min(max(place, 0), len(rest))
        return FilterStack((*rest[:place], row, *rest[place:]))

    def toggle(self, row_id: int, enabled: bool | None = None) -> FilterStack:
        """With a row switched on or off; the other way round if it is not said which."""
        row = self.row(row_id)
        return self._with(row_id, replace(row, enabled=not row.enabled if enabled is None else enabled))

    def _with(self, row_id: int, new: FilterRow) -> FilterStack:
        place = self.index(row_id)
        return FilterStack((*self.rows[:place], new, *self.rows[place + 1 :]))

    def masks(self, catalogue: Catalogue) -> tuple[NDArray[np.bool_], list[int]]:
        """What passes, shape (n,), and how many observations are left after each row of the stack (one number per row).

        A row that is off, or is for other missions, leaves the number as it was. Rows that were picked by hand to be kept come
        back, whatever the filters before say.
        """
        mask = np.ones(len(catalogue), bool)
        counts = []
        for row in self.rows:
            if row.applies_to(catalogue.mission):
                mask = apply_row(row.filter, catalogue, mask)
            counts.append(int(np.count_nonzero(mask)))
        return mask, counts

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return self.masks(catalogue)[0]

    def as_filter(self, mission: str) -> Filter:
        """One filter that wants the same observations of a mission as the whole stack."""
        whole: Filter = And(())
        for row in self.rows:
            if row.applies_to(mission):
                whole = whole | row.filter if _brings_back(row.filter) else whole & row.filter
        return whole

    def sentence(self, mission: str = "") -> str:
        """What the enabled filters (of one mission, if it is named) ask for together; empty if they ask for nothing."""
        rows = [row for row in self.rows if row.enabled and (not mission or row.applies_to(mission))]
        return "; ".join(row.filter.sentence() for row in rows)

    def to_json(self) -> list[dict[str, Any]]:
        return [row.to_json() for row in self.rows]

    @classmethod
    def from_json(cls, document: object) -> FilterStack:
        """The stack that `to_json` wrote; raises InputError if the document is not exactly of that form."""
        if not isinstance(document, (list, tuple)):
            raise InputError("This is not a list of filters.")
        rows = tuple(_row_from(item) for item in document)
        if len({row.id for row in rows}) < len(rows):
            raise InputError("Two filters of the list have the same number.")
        return cls(rows)


_ROW_MEMBERS: dict[str, Callable[[Any], bool]] = {
    "id": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "enabled": lambda value: isinstance(value, bool),
    "missions": lambda value: (
        value is None or (isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value))
    ),
    "filter": lambda value: isinstance(value, Mapping),
}


def _row_from(document: object) -> FilterRow:
    if not isinstance(document, Mapping) or set(document) != set(_ROW_MEMBERS):
        raise InputError(f"A row of the list of filters must have exactly {', '.join(_ROW_MEMBERS)}.")
    unfit = [name for name, fits in _ROW_MEMBERS.items() if not fits(document[name])]
    if unfit:
        raise InputError(f"« {unfit[0]} » of a row of the list of filters cannot be {str(document[unfit[0]])[:80]}.")
    missions = document["missions"]
    return FilterRow(
        filter=filter_from_json(document["filter"]),
        enabled=document["enabled"],
        missions=None if missions is None else tuple(missions),
        id=document["id"],
    )


class History:
    """Undo and redo: the stacks that were, and where we are among them. `longest` is how many are remembered."""

    def __init__(self, start: FilterStack | None = None, longest: int = 500) -> None:
        self._stacks = [start if start is not None else FilterStack()]
        self._place = 0
        self._longest = max(longest, 1)

    @property
    def current(self) -> FilterStack:
        return self._stacks[self._place]

    @property
    def can_undo(self) -> bool:
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        return self._place < len(self._stacks) - 1

    def push(self, stack: FilterStack) -> None:
        """Go on to another stack; what could have been redone is forgotten. The same stack again is no step."""
        if stack == self.current:
            return
        self._stacks = [*self._stacks[: self._place + 1], stack][-self._longest :]
        self._place = len(self._stacks) - 1

    def undo(self) -> FilterStack:
        """One step back; stays where it is at the beginning."""
        self._place = max(self._place - 1, 0)
        return self.current

    def redo(self) -> FilterStack:
        """One step forward again; stays where it is at the end."""
        self._place = min(self._place + 1, len(self._stacks) - 1)
        return self.current
