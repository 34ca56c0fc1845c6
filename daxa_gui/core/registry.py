"""A registry maps a name to `"module:object"` and imports it at first use, so that listing things stays cheap.

A registry with a group of entry points also has what other installed packages (plug-ins) add under that group.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_LOG = logging.getLogger(__name__)


def resolve(target: str, within: str = "") -> Any:
    """The object that `"package.module:object"` names; ValueError unless the module's name begins with `within`."""
    module_name, _, object_name = target.partition(":")
    if not object_name:
        raise ValueError(f"{target!r} is not of the form 'module:object'")
    if not module_name.startswith(within):
        raise ValueError(f"{target!r} is not part of {within}")
    return getattr(import_module(module_name), object_name)


class Registry(Mapping[str, Any]):
    """Names in the order given; values are imported when they are asked for and then remembered.

    Parameters
    ----------
    targets : the program's own names → `"module:object"`.
    plugin_group : group of entry points whose names come after them. They are looked for once, when the registry is listed or
        asked for a name that it does not have: reading all installed packages' metadata takes some 10 ms.
    objection : says why an object of a plug-in cannot be used (its name and the object are given), or nothing.

    A plug-in that cannot be imported, that `objection` refuses, or whose name is taken is left out: a warning is logged and its
    sentence stands in `problems`.
    """

    def __init__(
        self, targets: Mapping[str, str], *, plugin_group: str = "", objection: Callable[[str, Any], str] = lambda name, one: ""
    ) -> None:
        self._targets = dict(targets)
        self._objects: dict[str, Any] = {}
        self._plugin_group = plugin_group
        self._objection = objection
        self._plugins: dict[str, Any] | None = None if plugin_group else {}
        self._problems: list[str] = []
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> Any:
        if name not in self._targets:
            return self._found_plugins()[name]
        if name not in self._objects:
            self._objects[name] = resolve(self._targets[name])
        return self._objects[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._targets, *self._found_plugins()))

    def __len__(self) -> int:
        return len(self._targets) + len(self._found_plugins())

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with plug-ins that were left out, one sentence each."""
        self._found_plugins()
        return tuple(self._problems)

    def _found_plugins(self) -> dict[str, Any]:
        with self._lock:
            if self._plugins is None:
                self._plugins = {}  # before loading: a plug-in that lists this registry while it is imported finds the others
                from importlib.metadata import entry_points

                for entry in sorted(entry_points(group=self._plugin_group), key=lambda entry: (entry.name, entry.value)):
                    self._add(entry)
            return self._plugins

    def _add(self, entry: EntryPoint) -> None:
        assert self._plugins is not None
        if entry.name in self._targets or entry.name in self._plugins:
            reason = "the name is taken"
        else:
            try:
                loaded = entry.load()
                reason = self._objection(entry.name, loaded)
            except (Exception, SystemExit) as problem:  # other people's code may fail in any way; the program goes on without it
                reason = f"{type(problem).__name__}: {problem}"
            if not reason:
                self._plugins[entry.name] = loaded
                return
        sentence = f"The plug-in « {entry.name} » ({entry.value}) of {self._plugin_group} is left out: {reason}."
        self._problems.append(sentence)
        _LOG.warning("%s", sentence)
