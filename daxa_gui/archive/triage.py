"""Why jobs of an archive failed: thousands of failures grouped by their cause, the most frequent first.

The cause of a failed job is the first error of the program that failed: what it says later follows from that. The program that
failed is the last one whose command stands in the log; errors of earlier ones were survived. It is looked for in what is stored
with the job, then in its log, of which only the part below that command is read; where no program said anything, the job's own
sentence is the cause. Skipped jobs are counted under the failure that they were skipped for.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.job_rows import log_path
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.errors import Cancelled
from daxa_gui.core.failure_groups import FailureGroup, cause_text
from daxa_gui.core.log_messages import Explanations, LogMessage, Severity, cause_of, read_explanations, read_messages
from daxa_gui.locations import resource_path

Progress = Callable[[int, int], None]  # jobs that were looked at, of how many
IsCancelled = Callable[[], bool]

_COMMAND = b"Z INFO    $ "  # how our logs begin the line of a command
_ERROR = b"Z ERROR   "
_PIECE = 1 << 20
_MOST_READ = 1 << 28  # bytes of one log: a program that says more than that below its command is judged by its end
_LINES_OF_A_MESSAGE = 25
_READ_AS_TEXT = 1 << 16  # bytes
_STAMP = 23  # characters of a time before its « Z »
_OFTEN = 64  # jobs between two questions whether to stop
_OWN_TASKS = "(instr(task, 'daxa_gui.reduction.external:') > 0 OR instr(task, '\"command\"') = 2)"
_TIMES = re.compile(r" \((\d+) times\)$")
_NAMED = re.compile(r"^(?:(?P<name>[^:→]+?) of )?(?P<task>[\w.+-]+(?: → [\w.+-]+)*): (?P<text>.*)$", re.DOTALL)


class _Row(NamedTuple):
    """Of a job that failed (`error`) or warned (`warnings`). `is_external`: it ran a program of the missions' software."""

    id: int
    mission: str
    obs_id: str
    unit: str
    step: str
    error: str
    warnings: str
    is_external: int


@dataclass
class _Group:
    """A group while it grows."""

    cause: str
    message: LogMessage
    example: str
    hint: str
    rows: list[_Row] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)


class Triage:
    """The failures of one archive. What was read of a log is kept while the file stays as it is. Safe on any thread.

    Parameters
    ----------
    database : of the archive.
    logs : the folder of its logs.
    """

    def __init__(self, database: Database, logs: str | Path) -> None:
        self._database = database
        self._logs = str(logs)
        self._lock = threading.Lock()
        self._known: dict[int, tuple[int, int, LogMessage | None]] = {}

    def groups(
        self,
        kinds: Sequence[str] = ("reduce",),
        severity: Severity = Severity.ERROR,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> list[FailureGroup]:
        """The failures of all jobs of these kinds (`severity` WARNING: their warnings), the most frequent first.

        Raises
        ------
        Cancelled : `cancelled` said so. ArchiveError : the database or a log cannot be read.
        """
        known = read_explanations(resource_path("messages"))
        with self._database.reading() as connection:
            rows = self._rows(connection, kinds, severity)
            skipped = self._skipped(connection, kinds) if severity is Severity.ERROR else {}
        groups: dict[tuple[str, ...], _Group] = {}
        of_job: dict[int, _Group] = {}
        for number, row in enumerate(rows):
            if number % _OFTEN == 0:
                _tell(number, len(rows), progress, cancelled)
            with sensible(self._database.path):
                found = self._failures(row) if severity is Severity.ERROR else _warnings(row, known)
            for message, example, hint in found:
                key = (message.software, message.task, message.name, cause_text(message))
                group = groups.get(key) or groups.setdefault(key, _Group(key[-1], message, example, hint))
                if not group.rows or group.rows[-1].id != row.id:
                    group.rows.append(row)
                of_job[row.id] = group
        for job_id, root in sorted(skipped.items()):
            if root in of_job:
                of_job[root].skipped.append(job_id)
        _tell(len(rows), len(rows), progress, cancelled)
        finished = [_finished(group, severity, known) for group in groups.values()]
        return sorted(finished, key=lambda group: (-group.count, -group.n_affected, group.cause))

    # what is stored

    def _rows(self, connection: sqlite3.Connection, kinds: Sequence[str], severity: Severity) -> list[_Row]:
        which = "state = 'failed'" if severity is Severity.ERROR else "warnings <> '[]'"
        cursor = connection.execute(
            f"SELECT id, mission, obs_id, unit, step, error, warnings, {_OWN_TASKS} FROM jobs"
            f" WHERE {which} AND kind IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(kinds)),),
        )
        return [_Row(*row) for row in cursor]

    @staticmethod
    def _skipped(connection: sqlite3.Connection, kinds: Sequence[str]) -> dict[int, int]:
        """Skipped job → the oldest failed job that it needs, directly or through other skipped ones."""
        query = """
            WITH RECURSIVE behind(id, needed) AS (
                SELECT j.id, n.needed_id FROM jobs j JOIN needs n ON n.job_id = j.id
                    WHERE j.state = 'skipped' AND j.kind IN (SELECT value FROM json_each(?))
                UNION
                SELECT b.id, n.needed_id FROM behind b JOIN jobs j ON j.id = b.needed JOIN needs n ON n.job_id = j.id
                    WHERE j.state = 'skipped')
            SELECT b.id, min(b.needed) FROM behind b JOIN jobs j ON j.id = b.needed WHERE j.state = 'failed' GROUP BY b.id"""
        return dict(connection.execute(query, (json.dumps(list(kinds)),)).fetchall())

    def _failures(self, row: _Row) -> Iterable[tuple[LogMessage, str, str]]:
        """The cause of one failure, the real sentence, and what the job itself advised."""
        error = json.loads(row.error) or {}
        sentence, hint, details = (str(error.get(name) or "") for name in ("message", "hint", "details"))
        message = None
        if row.is_external:
            message = _told_cause(details, sentence) or self._cause_in_log(row.id)
            if message is not None and message.text.startswith("Traceback (most recent call last)") and not message.name:
                message = None  # this program's own, for those who mend it; its sentence says what was wrong
        if message is None:
            return [(LogMessage("", Severity.ERROR, "", "", sentence or "It failed without a word."), sentence, hint)]
        return [(message, sentence if message.text[:60] in sentence else message.text or sentence, hint)]

    # what the logs say

    def _cause_in_log(self, job_id: int) -> LogMessage | None:
        path = log_path(self._logs, job_id)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None  # no log, or not one of ours: the job's own sentence has to do
        try:
            status = os.fstat(descriptor)
            key = (status.st_size, status.st_mtime_ns)
            with self._lock:
                known = self._known.get(job_id)
            if known is not None and known[:2] == key:
                return known[2]
            message = cause_of(read_messages(first_error_lines(descriptor, status.st_size)))
        except OSError:
            return None
        finally:
            os.close(descriptor)
        with self._lock:
            self._known[job_id] = (*key, message)
        return message


_triages: weakref.WeakKeyDictionary[Database, Triage] = weakref.WeakKeyDictionary()
_triages_lock = threading.Lock()


def failure_groups(
    layout: ArchiveLayout,
    database: Database,
    kinds: Sequence[str] = ("reduce",),
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    severity: Severity = Severity.ERROR,
) -> list[FailureGroup]:
    """See `Triage.groups`; what was read of the logs is kept as long as the database is open."""
    with _triages_lock:
        found = _triages.get(database)
        if found is None:
            found = _triages[database] = Triage(database, layout.logs)
    return found.groups(kinds, severity, progress, cancelled)


def first_error_lines(descriptor: int, size: int) -> list[str]:
    """The first line that is marked as an error below the last command of one of our logs, and those after it; none if there is
    no such line. Raises OSError.

    Only what stands below that command is read, in pieces from the end.
    """
    if size <= _PIECE:
        data = os.pread(descriptor, size, 0)
        at = data.find(_ERROR, max(0, data.rfind(_COMMAND)))
    else:
        at = _first_error(descriptor, _last_command(descriptor, size), size)
        data = b""
    if at < 0:
        return []
    start = max(0, at - _STAMP)
    text = data[start : start + _READ_AS_TEXT] or os.pread(descriptor, _READ_AS_TEXT, start)
    return text.decode("utf-8", "replace").split("\n")[:_LINES_OF_A_MESSAGE]


def _last_command(descriptor: int, size: int) -> int:
    """Where the last command of a long log stands, or how far back was looked."""
    begin = size
    while begin > 0 and size - begin < _MOST_READ:
        start = max(0, begin - _PIECE)
        piece = os.pread(descriptor, begin - start + len(_COMMAND) - 1, start)
        if (at := piece.rfind(_COMMAND)) >= 0:
            return start + at
        begin = start
    return begin


def _first_error(descriptor: int, begin: int, size: int) -> int:
    """Where the first error stands from `begin` on, -1 if there is none."""
    while begin < size:
        piece = os.pread(descriptor, _PIECE + len(_ERROR) - 1, begin)
        if (at := piece.find(_ERROR)) >= 0:
            return begin + at
        begin += _PIECE
    return -1


def _told_cause(details: str, sentence: str) -> LogMessage | None:
    """The error among the last lines of a program that the job's own sentence names, which is the first of that program."""
    if not details:
        return None
    for message in read_messages(details.splitlines()):
        if message.severity is Severity.ERROR:
            told = message.name or " ".join(message.text.split())[:60]
            if told and told in sentence:
                return message
    return None


def _warnings(row: _Row, known: Explanations) -> Iterable[tuple[LogMessage, str, str]]:
    for sentence in json.loads(row.warnings):
        yield _as_message(_TIMES.sub("", str(sentence)), bool(row.is_external), known), str(sentence), ""


def _as_message(sentence: str, is_external: bool, known: Explanations) -> LogMessage:
    """A warning that is stored as a sentence (« rejectRows12 of emproc → emevents: … ») as the message that it was."""
    match = _NAMED.match(sentence) if is_external else None
    if match is None:
        return LogMessage("", Severity.WARNING, "", "", sentence)
    name, task = match["name"] or "", match["task"].replace(" → ", "::")
    message = LogMessage("SAS", Severity.WARNING, task, name, match["text"])
    return message if name and known.explain(message) is not None else replace(message, software="any")


def _finished(group: _Group, severity: Severity, known: Explanations) -> FailureGroup:
    message = group.message
    explained = known.explain(message) if message.software else known.explain_text(message.text)
    return FailureGroup(
        cause=group.cause,
        example=group.example,
        severity=severity,
        software="" if message.software == "any" else message.software,
        task=message.task,
        name=message.name,
        steps=tuple(dict.fromkeys(row.step for row in group.rows)),
        explanation=explained.text if explained else "",
        advice=(explained.advice if explained else "") or group.hint,
        job_ids=tuple(row.id for row in group.rows),
        units=tuple((row.mission, row.obs_id, row.unit) for row in group.rows),
        skipped_ids=tuple(group.skipped),
    )


def _tell(done: int, total: int, progress: Progress | None, cancelled: IsCancelled | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled()
    if progress is not None:
        progress(done, total)
