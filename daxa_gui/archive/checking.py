"""Looking at many files at once: are they there, as large as they were, with the bytes that they had?"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from daxa_gui.core.errors import Cancelled

_CHUNK_BYTES = 1 << 20
_THREADS = 4  # hashing releases the interpreter; more only make disks seek
_PAUSE_S = 0.1

Progress = Callable[[float, float, str], None]


@dataclass(frozen=True)
class Expected:
    """A registered file: what the database says of it. `tables` are those that have a row with this path."""

    stored: str
    path: Path
    size_bytes: int
    sha256: str
    job_id: int | None
    mission: str
    obs_id: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """`problem` is a sentence, empty if all is well; `missing`: there is no such file. `n_bytes` were read."""

    file: Expected
    problem: str = ""
    missing: bool = False
    n_bytes: int = 0


class Checker:
    """Checks files on several threads.

    Parameters
    ----------
    read : whether the bytes are read and compared with the SHA-256; otherwise only sizes are compared.
    progress : called now and then with (bytes done, bytes in all, words), on the thread that iterates.
    cancelled : asked once per chunk; `Cancelled` is raised when it says yes.
    """

    def __init__(self, *, read: bool, progress: Progress | None, cancelled: Callable[[], bool] | None) -> None:
        self._read = read
        self._progress = progress or (lambda done, total, text: None)
        self._cancelled = cancelled or (lambda: False)
        self._lock = threading.Lock()
        self._done = 0

    def check(self, files: Iterable[Expected]) -> Iterator[Checked]:
        """What was found, in the order of the files."""
        todo = list(files)
        total = float(sum(file.size_bytes for file in todo)) if self._read else float(len(todo))
        stop = threading.Event()
        with ThreadPoolExecutor(_THREADS, "verify") as pool:
            futures = [pool.submit(self._check, file, stop) for file in todo]
            try:
                for future in futures:
                    while True:
                        try:
                            found = future.result(_PAUSE_S)
                            break
                        except TimeoutError:
                            self._tell(total)
                    yield found
                    self._tell(total)
            except BaseException:
                stop.set()
                for future in futures:
                    future.cancel()
                raise

    def _tell(self, total: float) -> None:
        if self._cancelled():
            raise Cancelled
        with self._lock:
            done = self._done
        self._progress(float(done), total, "Reading files" if self._read else "Looking at files")

    def _count(self, number: int) -> None:
        with self._lock:
            self._done += number

    def _check(self, file: Expected, stop: threading.Event) -> Checked:
        if stop.is_set():
            raise Cancelled
        try:
            status = file.path.lstat()
            if not stat.S_ISREG(status.st_mode):
                return Checked(file, "is a link or something else instead of a file")
            if status.st_size != file.size_bytes:
                return Checked(file, f"has {status.st_size} bytes and should have {file.size_bytes}")
            if not self._read:
                self._count(1)
                return Checked(file)
            digest = self._digest(file.path, stop)
        except FileNotFoundError:
            return Checked(file, "is not there", missing=True)
        except NotADirectoryError:
            return Checked(file, "is not there", missing=True)
        except OSError as error:
            return Checked(file, f"cannot be read ({os.strerror(error.errno or 0)})")
        if file.sha256 and digest != file.sha256:
            return Checked(file, "does not have the bytes any more that it had", n_bytes=file.size_bytes)
        return Checked(file, n_bytes=file.size_bytes)

    def _digest(self, path: Path, stop: threading.Event) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                if stop.is_set() or self._cancelled():
                    raise Cancelled
                digest.update(chunk)
                self._count(len(chunk))
        return digest.hexdigest()
