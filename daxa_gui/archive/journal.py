"""The journal of an archive: one JSON line for each job that succeeded, with what it made. The database can be made anew from it.

A line is written inside the transaction that it tells of, before that is committed: a line too many (the commit failed) is about
files that are there or made again, a line too few cannot be. Lines are only ever added.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from daxa_gui import __version__
from daxa_gui.archive.failures import translated
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.placing import Placed
from daxa_gui.core.documents import task_document, to_json
from daxa_gui.core.job import Job
from daxa_gui.core.product import ProductKey, ProductKind

JOURNAL_FILE = "journal.jsonl"
_LONGEST_LINE = 50_000_000


def write_journal(layout: ArchiveLayout, job: Job, placed: Sequence[Placed], products: Sequence[Placed]) -> None:
    """Add the line of a job that ended well: its downloaded files, and its products."""
    document = {
        "job": {
            "id": job.id, "kind": job.kind, "lane": job.lane, "mission": job.mission, "obs_id": job.obs_id, "unit": job.unit,
            "step": job.step, "title": job.title, "task": task_document(job.task), "needs": job.needs, "done": job.done,
            "total": job.total, "reason": job.reason, "warnings": job.warnings, "facts": job.facts, "attempt": job.attempt,
            "created": job.created, "started": job.started, "finished": job.finished,
        },
        "version": __version__,
        "files": [_file(file) for file in placed if file.made.destination],
        "products": [_file(file) for file in products],
    }  # fmt: skip
    line = to_json(document).encode("ascii") + b"\n"
    path = layout.folder / JOURNAL_FILE
    with translated(path), path.open("a+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
            line = b"\n" + line  # a program died while it wrote the last line
        written = file.write(line)
        if written != len(line):  # the disk is full: nothing of it may stay
            file.truncate(file.seek(0, os.SEEK_END) - (written or 0))
            raise OSError(28, os.strerror(28), str(path))


def _file(file: Placed) -> dict[str, Any]:
    key = file.key
    return {
        "path": file.stored, "mission": key.mission, "obs_id": key.obs_id, "kind": str(key.kind), "instrument": key.instrument,
        "exposure": key.exposure, "band_kev": key.band_kev, "size_bytes": file.size_bytes, "sha256": file.sha256,
        "facts": file.made.facts,
    }  # fmt: skip


def key_of(values: dict[str, Any]) -> ProductKey:
    band = values["band_kev"]
    return ProductKey(
        str(values["mission"]), str(values["obs_id"]), ProductKind(values["kind"]), str(values["instrument"]),
        str(values["exposure"]), None if band is None else (float(band[0]), float(band[1])),
    )  # fmt: skip


def journal_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal, oldest first; what is damaged is left out. None if there is no journal."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        while line := file.readline(_LONGEST_LINE):
            try:
                values = json.loads(line)
            except ValueError:  # also a line that was cut
                continue
            if isinstance(values, dict) and isinstance(values.get("job"), dict):
                yield values
