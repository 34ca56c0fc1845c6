"""Which planned files are here already, from the manifests and a look at size and time; nothing is read again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from daxa_gui.core.step import Call, JobRequest
from daxa_gui.remote.manifest import Manifest, Record
from daxa_gui.remote.sources import origin_of, same_remote_file

_CLOCK_SLACK_S = 3.0  # between the disk's clock and the manifest's, which counts whole seconds


@dataclass
class _Fetched:
    """One raw folder's manifest: newest records by file, and what came out of tar files."""

    files: dict[str, Record] = field(default_factory=dict)
    unpacked: dict[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)  # by origin, path, members


class FilesHere:
    """For one thread. A file counts as here if the manifest has it from the same place, and neither its size nor (as far as can
    be told) its content changed since. Jobs compare checksums as well; for a number on the screen that would take too long."""

    def __init__(self) -> None:
        self._folders: dict[str, set[str]] = {}
        self._fetched: dict[str, _Fetched] = {}

    def has(self, request: JobRequest) -> bool:
        """Whether everything that the download job `request` would bring is here."""
        if not isinstance(request.task, Call):
            return False
        arguments = request.task.arguments
        folder = str(arguments["raw_folder"])
        if not self._exists(folder):
            return False
        fetched = self._of(folder)
        if arguments["unpack"] == "tar":
            wanted = (origin_of(arguments["service"]), asked_path(arguments), arguments["members"])
            names = fetched.unpacked.get(wanted, ())
            return bool(names) and all(name in fetched.files and _is_same(folder, fetched.files[name]) for name in names)
        name = os.path.relpath(arguments["destination"], folder).replace(os.sep, "/")
        record = fetched.files.get(name)
        return record is not None and self._fits(record, arguments) and _is_same(folder, record)

    def _exists(self, folder: str) -> bool:
        """Whether an observation has a folder; one look at the mission's folder tells it for all."""
        parent, _, name = folder.rpartition("/")
        if parent not in self._folders:
            try:
                self._folders[parent] = {entry.name for entry in Path(parent).iterdir()}
            except OSError:
                self._folders[parent] = set()
        return name in self._folders[parent]

    def _of(self, folder: str) -> _Fetched:
        if folder not in self._fetched:
            fetched = self._fetched[folder] = _Fetched()
            for record in Manifest(Path(folder)).records():
                if record.names:
                    fetched.unpacked[origin_of(record.service), record.path.lstrip("/"), record.members] = record.names
                elif record.name:
                    fetched.files[record.name] = record
        return self._fetched[folder]

    @staticmethod
    def _fits(record: Record, arguments: dict[str, Any]) -> bool:
        expected = arguments["expected_bytes"]
        if expected is not None and record.remote_size_bytes != expected:
            return False
        return same_remote_file((record.service, record.path), (arguments["service"], asked_path(arguments)))


def asked_path(arguments: dict[str, Any]) -> str:
    """The path of a download job with its question, as manifests keep it."""
    from urllib.parse import quote, urlencode

    path, query = str(arguments["path"]).lstrip("/"), arguments.get("query")
    return f"{path}?{urlencode([tuple(pair) for pair in query], quote_via=quote)}" if query else path


def _is_same(folder: str, record: Record) -> bool:
    try:
        about = os.lstat(f"{folder}/{record.name}")
    except OSError:
        return False
    if about.st_size != record.size_bytes:
        return False
    try:
        fetched_s = datetime.fromisoformat(record.date).timestamp()
    except ValueError:
        return False
    return about.st_mtime <= fetched_s + _CLOCK_SLACK_S
