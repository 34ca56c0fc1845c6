"""How near an observation must be to count as covering a position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daxa_gui.core.errors import InputError

KINDS = ("default", "fixed", "instruments", "positions", "footprint")


@dataclass(frozen=True)
class Distance:
    """One of five kinds:

    « default »: each observation's own default search distance (1.2 x its field of view);
    « fixed »: `deg` for all; « instruments »: by instrument name, the largest among those that the observation used (if it used
    none of those named, it matches nothing); « positions »: each position's own radius (`Places.radius_deg`);
    « footprint »: the position lies in the field of view, by its shape, of one of the observation's instruments that are default
    ones of its mission (Swift's BAT, which sees a sixth of the sky, is none); if `only` names some, of one of these instead.
    """

    kind: str = "default"
    deg: float | None = None
    by_instrument: tuple[tuple[str, float], ...] = ()
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"« {self.kind} » is not a kind of distance.", f"Known ones: {', '.join(KINDS)}.")
        if (self.kind == "fixed") != (self.deg is not None) or (self.kind == "instruments") != bool(self.by_instrument):
            raise InputError(f"A distance of the kind « {self.kind} » is given in another way.")
        if self.only and self.kind != "footprint":
            raise InputError(f"A distance of the kind « {self.kind} » cannot be limited to some instruments.")
        for deg in (self.deg, *(value for _, value in self.by_instrument)):
            if deg is not None and not 0.0 <= deg <= 180.0:
                raise InputError(f"The distance {deg:g}° is not between 0° and 180°.")

    @classmethod
    def fixed(cls, deg: float) -> Distance:
        return cls("fixed", float(deg))

    @classmethod
    def of_instruments(cls, deg_by_name: Mapping[str, float]) -> Distance:
        return cls("instruments", None, tuple(sorted((name, float(deg)) for name, deg in deg_by_name.items())))

    @classmethod
    def of_positions(cls) -> Distance:
        return cls("positions")

    @classmethod
    def footprint(cls, *only: str) -> Distance:
        return cls("footprint", only=tuple(sorted(set(only))))

    def to_json(self) -> dict[str, Any]:
        document = {"kind": self.kind, "deg": self.deg, "by_instrument": [list(pair) for pair in self.by_instrument]}
        return {**document, "only": list(self.only)} if self.only else document

    @classmethod
    def from_json(cls, document: object) -> Distance:
        """Raises InputError if the document is not what `to_json` gives."""
        try:
            members = {"kind", "deg", "by_instrument"}
            if not isinstance(document, Mapping) or not members <= set(document) <= members | {"only"}:
                raise ValueError(document)
            pairs = tuple((str(name), float(deg)) for name, deg in document["by_instrument"])
            only = document.get("only", [])
            if not isinstance(only, (list, tuple)) or not all(isinstance(name, str) for name in only):
                raise ValueError(document)
            deg = None if document["deg"] is None else float(document["deg"])
            return cls(str(document["kind"]), deg, pairs, tuple(only))
        except (TypeError, ValueError) as error:
            raise InputError("This is not a distance.") from error


DEFAULT = Distance()
