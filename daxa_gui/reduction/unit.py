"""What a reduction step works on: one raw event list of an observation, or the chosen telescope modules of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.missions import MISSIONS
from daxa_gui.missions.instrument_choice import chosen_modules


@dataclass(frozen=True)
class Unit:
    """`key` says mission, observation, instrument and sub-exposure, `path` is the raw list, `product_path` tells where a product
    will be. `modules` are the telescope modules that were chosen of a list with all of them (empty: the list as it is); the
    instrument of `key` then joins their names."""

    key: ProductKey
    path: str
    product_path: Callable[[ProductKey], str]
    modules: tuple[str, ...] = ()

    def product(self, kind: ProductKind) -> str:
        """Where this unit's product of a kind without energy band is."""
        return self.product_path(replace(self.key, kind=kind, band_kev=None))

    @property
    def events_path(self) -> str:
        """The list that the steps after « prepare » read: the raw one, or the part of it that « prepare » took out."""
        return self.product(ProductKind.FINAL_EVENTS) if self.modules else self.path


def unit_key(key: ProductKey, chosen: Sequence[str]) -> tuple[ProductKey, tuple[str, ...]]:
    """What is reduced of a raw list when these instruments were chosen (none: all), and the modules to take out of it."""
    modules = chosen_modules(MISSIONS.get(key.mission), key.instrument, chosen)
    return (replace(key, instrument="_".join(modules)) if modules else key), modules
