"""What is computed once for a catalogue and remembered as long as the catalogue lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from daxa_gui.core.catalogue import Catalogue

_REMEMBERED: WeakKeyDictionary[Catalogue, dict[str, Any]] = WeakKeyDictionary()


def derived(catalogue: Catalogue, name: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, made at the first call for this catalogue and name; two threads may both make it, one is kept."""
    values = _REMEMBERED.setdefault(catalogue, {})
    if name not in values:
        values[name] = make()
    return values[name]
