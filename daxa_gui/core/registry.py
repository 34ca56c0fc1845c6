"""A registry maps a name to `"module:object"` and imports it at first use, so that listing things stays cheap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any


def resolve(target: str, within: str = "") -> Any:
    """The object that `"package.module:object"` names; ValueError unless the module's name begins with `within`."""
    module_name, _, object_name = target.partition(":")
    if not object_name:
        raise ValueError(f"{target!r} is not of the form 'module:object'")
    if not module_name.startswith(within):
        raise ValueError(f"{target!r} is not part of {within}")
    return getattr(import_module(module_name), object_name)


class Registry(Mapping[str, Any]):
    """Names in the order given; values are imported when they are asked for and then remembered."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = dict(targets)
        self._objects: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._objects:
            self._objects[name] = resolve(self._targets[name])
        return self._objects[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)
