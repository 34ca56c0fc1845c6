"""What a reduction step works on: one raw event list of an observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from daxa_gui.core.product import ProductKey


@dataclass(frozen=True)
class Unit:
    """`key` says mission, observation, instrument and sub-exposure, `path` is the raw list, `product_path` tells where a product
    will be."""

    key: ProductKey
    path: str
    product_path: Callable[[ProductKey], str]
