"""Programs that end as if killed, at a call that a test chooses."""

from __future__ import annotations

import importlib
import os
from typing import Any

KILLED = 9  # how a program ends that was


def die_at_call(where: str, n: int) -> None:
    """End this process at the n-th call of `where` (« module:name » or « module:Class.name »), without any tidying up."""
    module_name, _, path = where.partition(":")
    owner = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    real, calls = getattr(owner, name), 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == n:
            os._exit(KILLED)
        return real(*args, **kwargs)

    is_static = isinstance(vars(owner).get(name), staticmethod)
    setattr(owner, name, staticmethod(dying) if is_static else dying)
