"""A download that is not whole yet: `<name>.part` with the bytes, `<name>.part.json` with what they are part of."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from daxa_gui.core.step import TaskContext
from daxa_gui.remote.connection import Reply
from daxa_gui.remote.disk import sync_folder, translated_disk_errors
from daxa_gui.remote.manifest import sha256_of

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")


@dataclass(frozen=True)
class PartState:
    """Which file the bytes belong to. `sha256` is empty until all of them are there; `total` is None if nobody said it."""

    service: str
    path: str
    etag: str = ""
    last_modified: str = ""
    total: int | None = None
    sha256: str = ""

    @property
    def validator(self) -> str:
        """What to send as If-Range: a strong ETag, else the date; empty if a changed file could not be noticed."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


class Part:
    """The two files of one unfinished download. Only for the one who holds the claim on it."""

    def __init__(self, path: Path, service: str, remote_path: str) -> None:
        self.path = path
        self.state_path = path.with_name(path.name + ".json")
        self._service, self._remote_path = service, remote_path
        self.state = self._read_state()

    def _read_state(self) -> PartState:
        empty = PartState(self._service, self._remote_path)
        try:
            values = json.loads(self.state_path.read_text(encoding="utf-8"))
            state = PartState(**{item.name: values[item.name] for item in fields(PartState)})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return empty
        return state if (state.service, state.path) == (self._service, self._remote_path) else empty

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def usable_bytes(self) -> int:
        """How many bytes of an earlier attempt can be built upon: none if a change on the server could not be noticed."""
        size, state = self.size_bytes, self.state
        too_long = state.total is not None and size > state.total
        return 0 if too_long or not (state.validator or state.sha256) else size

    def is_whole(self, ctx: TaskContext) -> bool:
        """Whether all bytes are there and still are those that came."""
        return bool(self.state.sha256) and self.size_bytes > 0 and sha256_of(self.path, ctx).hexdigest() == self.state.sha256

    def begin(self, reply: Reply) -> None:
        """Forget earlier bytes; remember which file the new ones belong to."""
        with translated_disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.open("wb").close()
        etag, modified = reply.headers.get("ETag", ""), reply.headers.get("Last-Modified", "")
        self._store(PartState(self._service, self._remote_path, etag, modified, reply.length))

    def finish(self, digest: hashlib._Hash) -> None:
        """All bytes are there and flushed to the disk."""
        self._store(replace(self.state, total=self.size_bytes, sha256=digest.hexdigest()))

    def discard(self) -> None:
        self.state_path.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self.state = PartState(self._service, self._remote_path)

    def move_to(self, destination: Path) -> None:
        """Give the whole file its name."""
        with translated_disk_errors(destination):
            self.path.replace(destination)
            self.state_path.unlink(missing_ok=True)
            sync_folder(destination.parent)

    def continues(self, reply: Reply, kept: int) -> bool:
        """Whether an answer with status 206 is the rest, from byte `kept` on, of the same file."""
        match = _RANGE.match(reply.headers.get("Content-Range", "").strip())
        if match is None or match[1] is None or int(match[1]) != kept:
            return False
        if self.state.total is not None and match[3] not in ("*", str(self.state.total)):
            return False
        etag, modified = reply.headers.get("ETag"), reply.headers.get("Last-Modified")
        if self.state.etag and etag:
            return etag == self.state.etag
        return not (self.state.last_modified and modified) or modified == self.state.last_modified

    def ends_at(self, reply: Reply, kept: int) -> bool:
        """Whether an answer with status 416 says that the file ends exactly after the `kept` bytes."""
        match = _RANGE.match(reply.headers.get("Content-Range", "").strip())
        return match is not None and match[1] is None and match[3] == str(kept)

    def _store(self, state: PartState) -> None:
        temporary = self.state_path.with_name(self.state_path.name + ".new")
        with translated_disk_errors(self.state_path):
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(asdict(state), file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.state_path)
        self.state = state
