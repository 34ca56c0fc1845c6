"""Many positions at once, as a person brings them along: a sample with names, search radii and times. ICRS degrees, MJD (UTC)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daxa_gui.core.errors import InputError
from daxa_gui.core.sky import SkyPosition, unit_vectors


@dataclass(frozen=True, eq=False)
class Places:
    """Arrays of shape (m,). `names` may hold empty texts. `radius_deg` is each position's own search distance, `start_mjd` and
    `end_mjd` its own time window (NaN: open on that side); each may be None, « no position has any ». Equal by content.

    Raises
    ------
    InputError : a position is no position, a radius is negative, a window ends before it starts; the message counts from 1.
    """

    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]
    names: tuple[str, ...]
    radius_deg: NDArray[np.float64] | None = None
    start_mjd: NDArray[np.float64] | None = None
    end_mjd: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name in ("ra_deg", "dec_deg", "radius_deg", "start_mjd", "end_mjd"):
            value = getattr(self, name)
            if value is not None:
                array = np.array(value, float)
                array.setflags(write=False)
                object.__setattr__(self, name, array)
        size = len(self.ra_deg)
        if any(part is not None and len(part) != size for part in self._parts()):
            raise InputError("The columns of the positions have different lengths.")
        ra, dec = self.ra_deg, self.dec_deg
        self._check(~(np.isfinite(ra) & np.isfinite(dec)), "is not a pair of numbers")
        self._check((ra < 0) | (ra > 360), "has a right ascension outside 0° to 360°")
        self._check(abs(dec) > 90, "has a declination outside -90° to +90°")
        if self.radius_deg is not None:
            self._check(~((self.radius_deg >= 0) & (self.radius_deg <= 180)), "has a search radius that is not within 0° to 180°")
        if self.start_mjd is not None and self.end_mjd is not None:
            self._check(self.start_mjd > self.end_mjd, "has a time window that ends before it starts")

    def _parts(self) -> tuple[Any, ...]:
        return (self.ra_deg, self.dec_deg, self.names, self.radius_deg, self.start_mjd, self.end_mjd)

    def _check(self, wrong: NDArray[np.bool_], why: str) -> None:
        rows = np.flatnonzero(wrong)
        if len(rows):
            row = int(rows[0])
            name = f" ({self.names[row]})" if self.names[row] else ""
            raise InputError(f"Position {row + 1}{name} {why}: {self.ra_deg[row]:g}, {self.dec_deg[row]:g}.")

    @classmethod
    def of(cls, positions: Iterable[SkyPosition], **others: ArrayLike | None) -> Places:
        """From single positions; `others` are `radius_deg`, `start_mjd`, `end_mjd`."""
        listed = list(positions)
        ra, dec = (np.array([getattr(p, name) for p in listed], float) for name in ("ra_deg", "dec_deg"))
        return cls(ra, dec, tuple(p.name for p in listed), **others)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.ra_deg)

    @overload
    def __getitem__(self, index: int) -> SkyPosition: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SkyPosition, ...]: ...
    def __getitem__(self, index: int | slice) -> SkyPosition | tuple[SkyPosition, ...]:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(len(self))))
        return SkyPosition(float(self.ra_deg[index]), float(self.dec_deg[index]), self.names[index])

    def __iter__(self) -> Iterator[SkyPosition]:
        return (self[index] for index in range(len(self)))

    @property
    def has_windows(self) -> bool:
        return self.start_mjd is not None or self.end_mjd is not None

    @cached_property
    def name_column(self) -> NDArray[np.str_]:
        """The names as an array, shape (m,); made once, since that takes a while for millions."""
        return np.array(self.names, str) if self.names else np.empty(0, str)

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """Unit vectors, shape (m, 3)."""
        return unit_vectors(self.ra_deg, self.dec_deg)

    @cached_property
    def _digest(self) -> bytes:
        digest = hashlib.sha256("\0".join(self.names).encode("utf-8", "surrogatepass"))
        for part in (self.ra_deg, self.dec_deg, self.radius_deg, self.start_mjd, self.end_mjd):
            digest.update(b"none" if part is None else part.tobytes())
        return digest.digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def to_json(self) -> dict[str, Any]:
        """Lists by name; what no position has is left out, open sides of windows are null."""
        document: dict[str, Any] = {"ra_deg": self.ra_deg.tolist(), "dec_deg": self.dec_deg.tolist(), "names": list(self.names)}
        for name in ("radius_deg", "start_mjd", "end_mjd"):
            part = getattr(self, name)
            if part is not None:
                document[name] = [value if np.isfinite(value) else None for value in part.tolist()]
        return document

    @classmethod
    def from_json(cls, document: object) -> Places:
        """Raises InputError if the document is not what `to_json` gives, or a position is none."""
        columns = {"ra_deg", "dec_deg", "radius_deg", "start_mjd", "end_mjd"}
        if not isinstance(document, dict) or not {"ra_deg", "dec_deg", "names"} <= set(document) <= columns | {"names"}:
            raise InputError("This is not a list of positions.")
        names = document["names"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError("The names of the positions are not texts.")
        return cls(names=tuple(names), **{name: _numbers(document[name], name) for name in columns & set(document)})


def _numbers(values: object, name: str) -> NDArray[np.float64]:
    try:
        if not isinstance(values, list) or any(isinstance(value, (bool, str)) for value in values):
            raise TypeError(values)
        return np.array([np.nan if value is None else float(value) for value in values], float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"« {name} » of the positions is not a list of numbers.") from None
