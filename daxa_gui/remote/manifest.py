"""What was fetched into a folder: one JSON line per file, so that a whole file is recognised and never fetched twice."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from daxa_gui.core.step import TaskContext
from daxa_gui.remote.disk import FLUSHER, translated_disk_errors

NAME = ".manifest.jsonl"
CHUNK_BYTES = 1024 * 1024
_guard = threading.Lock()


@dataclass(frozen=True)
class Record:
    """A file that was fetched. `name` is relative to the manifest's folder; sizes are bytes.

    `sha256` and `size_bytes` are those of the file as it lies on the disk, `remote_…` those of what was transferred (they
    differ if it was unpacked). For a tar file that was unpacked, `members` is the expression that chose its members, `name`
    is empty and `names` lists what came out. `url` is the address that it came from, `file_name` what the server called it.
    `warning` is what is odd about a file that was taken all the same, a sentence.
    """

    name: str
    service: str
    path: str
    sha256: str = ""
    size_bytes: int = 0
    remote_sha256: str = ""
    remote_size_bytes: int = 0
    etag: str = ""
    last_modified: str = ""
    members: str = ""
    names: tuple[str, ...] = ()
    date: str = ""
    url: str = ""
    file_name: str = ""
    warning: str = ""


class Manifest:
    """The manifest of one folder. Lines are only ever added; the newest about a file counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME

    def add(self, *records: Record) -> None:
        """Append records. Safe among threads and programs (one write per call)."""
        date = datetime.now(UTC).isoformat(timespec="seconds")
        lines = "".join(
            json.dumps({**asdict(record), "date": record.date or date}, ensure_ascii=False) + "\n" for record in records
        )
        with _guard, translated_disk_errors(self.path):
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.path.is_symlink():  # put there by another hand: its target is not written
                self.path.unlink()
            with self.path.open("a+b") as file:
                if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                    lines = "\n" + lines  # a program died while it wrote the last line
                file.write(lines.encode("utf-8"))
        FLUSHER.add(self.path)

    def records(self) -> list[Record]:
        """All records, oldest first. Lines that are damaged are left out: their files count as not fetched."""
        if not self.path.is_file() or self.path.is_symlink():
            return []
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return [record for line in text.splitlines() if (record := _record(line)) is not None]

    def verified(
        self, ctx: TaskContext, name: str, sources: Collection[tuple[str, str]], remote_size_bytes: int | None = None
    ) -> Record | None:
        """The record of file `name` if it was fetched from one of `sources` (service, path) and still is what was fetched (its
        SHA-256 is compared)."""
        newest = next((record for record in reversed(self.records()) if record.name == name), None)
        if newest is None or (newest.service, newest.path) not in sources:
            return None
        if remote_size_bytes is not None and newest.remote_size_bytes != remote_size_bytes:
            return None
        file = self.folder / name
        if not file.is_file() or file.is_symlink() or file.stat().st_size != newest.size_bytes:
            return None
        return newest if sha256_of(file, ctx).hexdigest() == newest.sha256 else None

    def verified_members(self, ctx: TaskContext, sources: Collection[tuple[str, str]], members: str) -> tuple[Record, ...] | None:
        """The records of everything that was unpacked from a tar file with this expression, None unless all is there."""
        for record in reversed(self.records()):
            if record.names and (record.service, record.path) in sources and record.members == members:
                found = [self.verified(ctx, name, sources) for name in record.names]
                return tuple(one for one in found if one is not None) if all(found) else None
        return None


def _record(line: str) -> Record | None:
    try:
        values = json.loads(line)
        kept = {item.name: values[item.name] for item in fields(Record) if item.name in values}
        kept["names"] = tuple(kept.get("names", ()))
        return Record(**kept)
    except (ValueError, TypeError):
        return None


def sha256_of(file: Path, ctx: TaskContext) -> hashlib._Hash:
    """The SHA-256 of a file, still open for more bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            ctx.check_cancelled()
            digest.update(chunk)
    return digest
