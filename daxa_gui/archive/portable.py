"""Tasks whose paths follow an archive that is moved: stored as `archive:…` and `output:…`, absolute only while they run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from daxa_gui.archive.database import Database
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.step import Call, JobRequest, Task

_STORED = ("archive:", "output:")
_DONE = "portable_tasks"  # entry of the table `info`


def portable(layout: ArchiveLayout, task: Task) -> Task:
    """The task with its paths spelt as the archive remembers paths. Commands stay as they are."""
    folders = [(f"{layout.folder}/", "archive:"), (f"{layout.output}/", "output:")]

    def spelt(text: str) -> str:
        for folder, prefix in folders:
            if text.startswith(folder) and len(text) > len(folder):
                return prefix + text.removeprefix(folder)
        return text

    return _with_texts(task, spelt)


def resolved(layout: ArchiveLayout, task: Task) -> Task:
    """The opposite: the task as it can be run here. Raises ArchiveError for a path that would lead out of the two folders."""

    def absolute(text: str) -> str:
        return str(layout.absolute(text)) if text.startswith(_STORED) else text

    return _with_texts(task, absolute)


def portable_requests(layout: ArchiveLayout, requests: Iterable[JobRequest]) -> list[JobRequest]:
    return [replace(request, task=portable(layout, request.task)) for request in requests]


def _with_texts(task: Task, change: Callable[[str], str]) -> Task:
    return replace(task, arguments=_changed(task.arguments, change)) if isinstance(task, Call) else task


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _changed(part, change) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_changed(part, change) for part in value]
    return value


def make_portable(layout: ArchiveLayout, database: Database) -> None:
    """Spell the paths of tasks that an earlier version stored, so that they count as the same tasks; once for each archive.

    Only before jobs are read: what is in memory does not follow.
    """
    with database.reading() as connection:
        if connection.execute("SELECT 1 FROM info WHERE name = ?", (_DONE,)).fetchone() is not None:
            return
    # as the texts stand in JSON, with the quotation mark that begins them
    archive, output = (json.dumps(f"{folder}/")[:-1] for folder in (layout.folder, layout.output))
    with database.writing() as connection:
        connection.execute(
            "UPDATE jobs SET task = replace(replace(task, ?, '\"archive:'), ?, '\"output:')"
            " WHERE task LIKE '%\"call\":%' AND instr(task, ?)",
            (archive, output, output),
        )
        connection.execute("INSERT OR REPLACE INTO info VALUES (?, 'true')", (_DONE,))
