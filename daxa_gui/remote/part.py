"""A download that is not whole yet: `<name>.part` with the bytes, `<name>.part.json` with what they are part of."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Protocol

from daxa_gui.core.step import TaskContext
from daxa_gui.remote.disk import FLUSHER, sync_folder, translated_disk_errors
from daxa_gui.remote.manifest import sha256_of

OVERLAP_BYTES = 64 * 1024  # fetched once more and compared before a transfer goes on
STRONG_AFTER_S = 60.0  # a date of change is only good for comparing if it lies that long before the answer
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")


class Answer(Protocol):
    """What a Part looks at of a reply."""

    @property
    def headers(self) -> Message: ...

    @property
    def length(self) -> int | None: ...


@dataclass(frozen=True)
class PartState:
    """Which file the bytes belong to. `sha256` is empty until all of them are there; `total` is None if nobody said it.

    `date` is when the server answered, `digests` are the checksums that it announced, `file_name` is what it called the file.
    """

    service: str = ""
    path: str = ""
    etag: str = ""
    last_modified: str = ""
    date: str = ""
    total: int | None = None
    sha256: str = ""
    url: str = ""
    file_name: str = ""
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def validator(self) -> str:
        """What to send as If-Range: a strong ETag, else a date that is a strong validator (RFC 9110, section 8.8.2.2); empty
        if a changed file could not be noticed."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        changed, answered = _moment(self.last_modified), _moment(self.date)
        if changed is None or answered is None or (answered - changed).total_seconds() < STRONG_AFTER_S:
            return ""
        return self.last_modified


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else None


class Part:
    """The two files of one unfinished download. Only for the one who holds the claim on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state_path = path.with_name(path.name + ".json")
        for place in (path, self.state_path):
            if place.is_symlink():  # put there by another hand: its target is not written
                place.unlink()
        self.state = self._read_state()

    def _read_state(self) -> PartState:
        try:
            values = json.loads(self.state_path.read_text(encoding="utf-8"))
            state = PartState(**{item.name: values[item.name] for item in fields(PartState) if item.name in values})
        except (FileNotFoundError, ValueError, TypeError):
            return PartState()
        texts = (state.service, state.path, state.etag, state.last_modified, state.date, state.sha256, state.file_name, state.url)
        sound = all(isinstance(text, str) for text in texts) and isinstance(state.digests, dict)
        return state if sound and (state.total is None or isinstance(state.total, int)) else PartState()

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def belongs_to(self, service: str, path: str) -> bool:
        return bool(self.state.service) and (self.state.service, self.state.path) == (service, path)

    def usable_bytes(self) -> int:
        """How many bytes of an earlier attempt can be built upon: none if a change on the server could not be noticed, or if
        it was whole once (and then was not what it should be)."""
        size, state = self.size_bytes, self.state
        too_long = state.total is not None and size > state.total
        return 0 if too_long or state.sha256 or not state.validator else size

    def is_whole(self, ctx: TaskContext) -> bool:
        """Whether all bytes are there and still are those that came."""
        return bool(self.state.sha256) and self.size_bytes > 0 and sha256_of(self.path, ctx).hexdigest() == self.state.sha256

    def begin(
        self,
        reply: Answer,
        service: str,
        path: str,
        *,
        url: str = "",
        file_name: str = "",
        digests: Mapping[str, str] | None = None,
    ) -> None:
        """Forget earlier bytes; remember which file the new ones belong to."""
        with translated_disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.open("wb").close()
        etag, modified, date = (reply.headers.get(name, "") for name in ("ETag", "Last-Modified", "Date"))
        self._store(
            PartState(
                service, path, etag, modified, date, reply.length, url=url, file_name=file_name, digests=dict(digests or {})
            )
        )

    def finish(self, sha256: str) -> None:
        """All bytes are there."""
        self._store(replace(self.state, total=self.size_bytes, sha256=sha256))

    def discard(self) -> None:
        with translated_disk_errors(self.path):
            self.state_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        self.state = PartState()

    def move_to(self, destination: Path) -> None:
        """Give the whole file its name."""
        with translated_disk_errors(destination):
            self.path.replace(destination)
            self.state_path.unlink(missing_ok=True)
        FLUSHER.add(destination)
        sync_folder(destination.parent)

    def continues(self, reply: Answer, start: int, digests: Mapping[str, str]) -> bool:
        """Whether an answer with status 206 is the rest, from byte `start` on, of the same file."""
        match = _RANGE.match(reply.headers.get("Content-Range", "").strip())
        if match is None or match[1] is None or int(match[1]) != start:
            return False
        if self.state.total is not None and match[3] not in ("*", str(self.state.total)):
            return False
        if match[3] != "*" and int(match[2]) + 1 != int(match[3]):
            return False  # it is not all of the rest
        if any(self.state.digests.get(name, value) != value for name, value in digests.items()):
            return False
        etag, modified = reply.headers.get("ETag"), reply.headers.get("Last-Modified")
        if self.state.etag and etag:
            return etag == self.state.etag
        return not (self.state.last_modified and modified) or modified == self.state.last_modified

    def tail(self, n_bytes: int) -> bytes:
        """The last `n_bytes` of what is here."""
        with self.path.open("rb") as file:
            file.seek(-n_bytes, os.SEEK_END)
            return file.read()

    def _store(self, state: PartState) -> None:
        temporary = self.state_path.with_name(self.state_path.name + ".new")
        with translated_disk_errors(self.state_path):
            temporary.unlink(missing_ok=True)
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(asdict(state), file)  # not flushed: what a power cut makes of it is noticed, by the overlap at last
            temporary.replace(self.state_path)
        self.state = state
