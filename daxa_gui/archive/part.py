"""What the parts of an `ArchiveStore` have in common, and how they tell each other what changes."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from daxa_gui.archive.database import Database
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.placing import Placed
from daxa_gui.core.job import Job


@dataclass(frozen=True)
class ContentChange:
    """What one transaction does to the content of an archive.

    `placed` files were registered (downloaded and made ones), `removed` are stored paths of products that are registered no
    more, `observations` (mission, ObsID) were put in or chosen differently.
    """

    job: Job | None = None
    placed: tuple[Placed, ...] = ()
    removed: tuple[str, ...] = ()
    observations: tuple[tuple[str, str], ...] = ()


Hook = Callable[[sqlite3.Connection, ContentChange], None]


class StorePart(ABC):
    """`database` may be used by whoever works on the same tables: `reading()` and `writing()` give connections."""

    layout: ArchiveLayout
    database: Database
    _now: Callable[[], float]
    _hooks: list[Hook]

    def on_change(self, hook: Hook) -> None:
        """Have `hook(connection, change)` called inside every transaction that changes content, after everything else in it.

        What it raises undoes the transaction.
        """
        self._hooks.append(hook)

    def tell(self, connection: sqlite3.Connection, change: ContentChange) -> None:
        """Call the hooks; for whoever changes content, last inside the transaction."""
        for hook in self._hooks:
            hook(connection, change)

    @abstractmethod
    def write_documents(self) -> None:
        """Write the files from which the database can be made anew: `ArchiveStore` knows how."""

    @property
    def read_only_reason(self) -> str:
        """Why nothing can be changed, a sentence; empty: it can."""
        return self.database.read_only_reason
