"""Which stored tasks may run: an archive, and with it every task in its database, may come from somebody else.

The program itself stores Calls of its own job functions, with paths inside the archive and its output folder. Everything else in
a database was put there by another hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import ErrorInfo
from daxa_gui.core.step import Call, Task

JOB_FUNCTIONS = re.compile(r"daxa_gui\.(?:remote|reduction)\.[a-z_.]+:[a-z][a-z_]*")
NAME_READERS = re.compile(r"daxa_gui\.missions\.[a-z0-9_]+:[a-z][a-z_]*")
_HINT = "Was this archive made by a trusted source? Downloading or reducing again makes the program's own task anew."
_LONGEST_SHOWN = 300


def check_task(task: Task, layout: ArchiveLayout) -> None:
    """Raise ArchiveError for a Call of a function that is no job of this program, or that is about files elsewhere."""
    if not isinstance(task, Call):
        return
    if not JOB_FUNCTIONS.fullmatch(task.target):
        raise ArchiveError(f"The function « {task.target} » is no job of this program and is not called.", _HINT)
    for name, text in _texts(task.arguments):
        if name == "raw_file" and text and not NAME_READERS.fullmatch(text):
            raise ArchiveError(f"The function « {text} » reads no file names of a mission and is not called.", _HINT)
        if _is_path(text) and not _is_inside(text, layout):
            raise ArchiveError(
                f"A stored task is about {text}, which lies outside {layout.output}; it is not run.",
                layout.advice_on_link(text) or _HINT,
            )


def hold_command(task: Task) -> ErrorInfo | None:
    """Why a program that was to run when the archive was last left does not start by itself; None for what may."""
    if isinstance(task, Call):
        return None
    shown = " ".join(task.argv)
    shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]} …"
    return ErrorInfo(
        f"The archive asks to run the program « {shown} »; it is not started without your word.",
        "Look at the command; if you trust it, run this job again.",
    )


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """All texts in JSON values with the name that each has in the mapping around it."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(part, str(key))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part, name)


def _is_path(text: str) -> bool:
    return text.startswith(("/", "~")) or ".." in text.split("/") or "\0" in text


def _is_inside(text: str, layout: ArchiveLayout) -> bool:
    if not text.startswith("/") or "\0" in text:
        return False
    path = layout.real(text)
    return any(path == root or path.startswith(f"{root}/") for root in layout.real_roots)
