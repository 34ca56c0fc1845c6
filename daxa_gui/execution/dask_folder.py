"""The shared folder of one run of a job on a cluster: what the program and the worker tell each other there.

<folder>/control          « go » or « stop », written by the program and read by the worker
<folder>/passed           how much of what was said is in the job's log already, for the next program
<folder>/try-<id>/work    where the task works; each worker that begins makes a folder of its own, so that one that was thought
                          dead and comes back cannot mix its files into the run of another
<folder>/try-<id>/said    one JSON document a line: that it began and where, lines of the log, progress, that it ended
<folder>/try-<id>/answer  what the task answered, for a program that was away and a scheduler that is gone

Every write is an open, write, close and every look an open, read, close: that is when network file systems (NFS) promise that one
machine sees what another one wrote. `control` is there from the beginning and changed in place, because the absence of a file may
be remembered for a minute.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daxa_gui.core.documents import to_json

GO, STOP = "go", "stop"
_CONTROL, _PASSED, _SAID, _ANSWER, _WORK = "control", "passed", "said", "answer", "work"
_MOST_AT_ONCE_BYTES = 4_000_000
LAG_S = 30.0  # how long a network file system may take to show what another machine wrote


@dataclass
class Attempt:
    """What the program knows of one worker's try."""

    name: str
    offset: int = 0
    rest: bytes = b""
    worker: str = ""  # address
    host: str = ""
    ended: bool = False
    heard: float = field(default_factory=time.monotonic)


class RunFolder:
    """The program's side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.attempts: dict[str, Attempt] = {}
        self.current = ""  # the newest try: its lines count

    def make(self) -> None:
        """Make it, for a run that begins. Raises OSError."""
        self.folder.mkdir(parents=True)
        self._control(GO)

    @property
    def exists(self) -> bool:
        return (self.folder / _CONTROL).is_file()

    def stop(self) -> None:
        """Tell whoever works in it to end."""
        with suppress(FileNotFoundError):  # then there is nobody to be told: a missing file means the same
            self._control(STOP)

    def _control(self, word: str) -> None:
        path = self.folder / _CONTROL
        descriptor = os.open(path, os.O_WRONLY | (os.O_CREAT if word == GO else 0) | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(word)

    def news(self) -> Iterator[tuple[Attempt, dict[str, Any]]]:
        """What was said since the last time, each with who said it. Lines of an earlier try are passed over once another began,
        except that it has ended."""
        for attempt in self._look():
            for message in _messages(attempt, self.folder / attempt.name / _SAID):
                attempt.heard = time.monotonic()
                if isinstance(message.get("began"), dict):
                    attempt.worker = str(message["began"].get("worker", ""))
                    attempt.host = str(message["began"].get("host", ""))
                    self.current = attempt.name
                    yield attempt, message
                elif message.get("ended"):
                    attempt.ended = True
                elif attempt.name == self.current:
                    yield attempt, message

    def remember(self) -> None:
        """Note how much of what was said was passed on, for whoever looks next."""
        offsets = {one.name: [one.offset - len(one.rest), one.worker, one.host] for one in self.attempts.values()}
        with suppress(OSError):  # then some lines come twice
            (self.folder / _PASSED).write_text(json.dumps({"current": self.current, "attempts": offsets}), encoding="ascii")

    def recall(self) -> None:
        """Go on where an earlier program stopped."""
        try:
            document = json.loads((self.folder / _PASSED).read_text(encoding="ascii"))
            for name, (offset, worker, host) in document["attempts"].items():
                self.attempts[name] = Attempt(name, int(offset), worker=str(worker), host=str(host))
            self.current = str(document["current"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.attempts.clear()

    def _look(self) -> list[Attempt]:
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.startswith("try-") and entry.name not in self.attempts:
                    self.attempts[entry.name] = Attempt(entry.name)
        return list(self.attempts.values())

    def answers(self) -> Iterator[tuple[str, str]]:
        """The tries that answered and whose work is still here, with their answers."""
        for attempt in self._look():
            with suppress(FileNotFoundError):
                text = (self.folder / attempt.name / _ANSWER).read_text(encoding="ascii")
                if (self.folder / attempt.name / _WORK).is_dir():
                    yield attempt.name, text

    def take(self, attempt: str, sizes: dict[str, int], place: Path, *, lag_s: float = LAG_S) -> bool:
        """Move the work of a try to `place` (an empty folder of the same disk) once all of it is to be seen from here.

        Parameters
        ----------
        sizes : of the files that it made, relative to its work folder, in bytes.

        Returns
        -------
        Whether it was there.
        """
        if os.sep in attempt or not attempt.startswith("try-"):
            return False
        work, end = self.folder / attempt / _WORK, time.monotonic() + lag_s
        while not all(_size(work / name) == size for name, size in sizes.items()) or not work.is_dir():
            if time.monotonic() > end or not self.folder.is_dir():
                return False
            time.sleep(0.1)
        shutil.rmtree(place, ignore_errors=True)
        work.rename(place)
        return True

    def remove(self) -> None:
        """Whoever still works here finds no « control » and ends; what it writes until then is swept at the next start."""
        with suppress(OSError):
            (self.folder / _CONTROL).unlink()
        shutil.rmtree(self.folder, ignore_errors=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _messages(attempt: Attempt, path: Path) -> Iterable[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            file.seek(attempt.offset)
            data = file.read(_MOST_AT_ONCE_BYTES)
    except FileNotFoundError:
        return []
    attempt.offset += len(data)
    *lines, attempt.rest = (attempt.rest + data).split(b"\n")
    return [_message(line) for line in lines]


def _message(line: bytes) -> dict[str, Any]:
    """A line that is no document (a disk was full in its middle) is shown as it is."""
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    return message if isinstance(message, dict) else {"log": line.decode("utf-8", "replace")}


# ---------------------------------------------------------------------------------------------- the worker's side


class WorkerFolder:
    """The worker's side: a try of its own in the folder of a run. Raises OSError if the folder is not to be seen."""

    def __init__(self, folder: Path) -> None:
        self._control = folder / _CONTROL
        self._control.read_bytes()
        self.name = f"try-{uuid.uuid4().hex[:12]}"
        self._own = folder / self.name
        self.work = self._own / _WORK
        self.work.mkdir(parents=True)
        self._lock = threading.Lock()
        self._said: list[dict[str, Any]] = []

    def is_stopped(self) -> bool:
        """Whether the program wants this no longer. A folder that is gone says so too; a disk that hesitates does not."""
        try:
            return self._control.read_text(encoding="ascii", errors="replace").startswith(STOP)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    def say(self, **message: Any) -> None:
        """Written at the next `flush`; of progress only the newest."""
        with self._lock:
            if "progress" in message and self._said and "progress" in self._said[-1]:
                self._said.pop()
            self._said.append(message)

    def flush(self) -> None:
        """Raises OSError (a full disk); what could not be written is tried again."""
        with self._lock:
            if not self._said:
                return
            text = "".join(to_json(message) + "\n" for message in self._said)
            with (self._own / _SAID).open("a", encoding="ascii") as file:
                file.write(text)
            self._said.clear()

    def keep_answer(self, text: str) -> None:
        part = self._own / f"{_ANSWER}.part"
        part.write_text(text, encoding="ascii")
        part.replace(self._own / _ANSWER)
