"""What one way of reducing made of an observation: the present results, or earlier ones that were kept as a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daxa_gui.core.product import ProductKind
from daxa_gui.core.timeseries import Gti, LightCurve


@dataclass(frozen=True)
class EarlierProduct:
    """A product that was kept. `path` is where it lies, `now_path` the product that took its place ("" if that is gone).
    `parameters` are those of the step that made it."""

    unit: str
    kind: ProductKind
    path: str
    now_path: str
    band_kev: tuple[float, float] | None = None
    step: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EarlierResults:
    """What a configuration has of one observation."""

    name: str
    products: tuple[EarlierProduct, ...]
    note: str = ""

    def of_units(self, units: Iterable[str], instrument: str) -> EarlierResults:
        """Those of an exposure: of its own units, and of its instrument as a whole."""
        wanted = {*units, instrument}
        return EarlierResults(self.name, tuple(one for one in self.products if one.unit in wanted), self.note)

    def replaced_by(self, path: str) -> EarlierProduct | None:
        """What lay where the product at `path` lies now."""
        return next((one for one in self.products if path and one.now_path == path), None)

    def first(self, *kinds: ProductKind) -> EarlierProduct | None:
        """The first product of the first of these kinds that there is."""
        for kind in kinds:
            for one in self.products:
                if one.kind is kind:
                    return one
        return None


@dataclass(frozen=True, eq=False)
class Screening:
    """Good time as one way of reducing found it. `curve` is the rate in its own list, in the band and bins of the inspector;
    `curve_of` says which list that is. The limits were found in `limits_band_kev`, which may be another band than that of the
    curve. What is not known is None."""

    label: str
    gti: Gti | None = None
    limits_ct_s: tuple[float, float] | None = None
    curve: LightCurve | None = None
    curve_of: str = ""
    limits_band_kev: tuple[float, float] | None = None
