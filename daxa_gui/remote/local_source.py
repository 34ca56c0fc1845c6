"""Files of a mirror in a folder of this computer (`file://`), answered as a server would: sizes, validators, ranges."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from daxa_gui.core.errors import TransferError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.addresses import StatusError

CHUNK_BYTES = 1024 * 1024
_FROM = re.compile(r"bytes=(\d+)-$")


def is_local(url: str) -> bool:
    return url.startswith("file:")


class LocalReply:
    """An answer made from an open file; the same attributes as `connection.Reply`."""

    content_type = ""

    def __init__(self, file: BinaryIO, url: str, status: int, headers: Message, length: int) -> None:
        self._file, self.url, self.status, self.headers, self.length = file, url, status, headers, length

    def chunks(self, ctx: TaskContext) -> Iterator[bytes]:
        """The content, as it is read. A disk that cannot be read is a TransferError."""
        while True:
            ctx.check_cancelled()
            try:
                chunk = self._file.read(CHUNK_BYTES)
            except OSError as error:
                raise TransferError(f"{self.url} cannot be read ({error.strerror}).", "Is the mirror's disk well?") from error
            if not chunk:
                return
            yield chunk

    pieces = chunks


@contextmanager
def open_local(base: str, path: str, headers: Mapping[str, str]) -> Iterator[LocalReply]:
    """Open the file `path` of the mirror whose folder is `base` (a file:// address). `headers` may have Range and If-Range.

    Raises
    ------
    StatusError : there is no such file (404), or it must not be read (403): a link that leads out of the mirror's folder,
        something that is no file.
    """
    root = local_folder(base)
    place = root / path
    with _opened(root, place) as file:
        about = os.fstat(file.fileno())
        reply_headers = Message()
        reply_headers["ETag"] = f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
        reply_headers["Last-Modified"] = formatdate(about.st_mtime, usegmt=True)
        start = _start(headers, reply_headers["ETag"])
        if start >= about.st_size and start:
            reply_headers["Content-Range"] = f"bytes */{about.st_size}"
            yield LocalReply(file, place.as_uri(), 416, reply_headers, 0)
            return
        if start:
            reply_headers["Content-Range"] = f"bytes {start}-{about.st_size - 1}/{about.st_size}"
        file.seek(start)
        yield LocalReply(file, place.as_uri(), 206 if start else 200, reply_headers, about.st_size - start)


def local_folder(base: str) -> Path:
    """The folder that a file:// address names."""
    parts = urlsplit(base)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise TransferError(f"« {base} » is not a folder of this computer.", "Write file:///folder.", retryable=False)
    return Path(url2pathname(parts.path))


def _start(headers: Mapping[str, str], etag: str) -> int:
    match = _FROM.match(headers.get("Range", ""))
    return int(match[1]) if match and headers.get("If-Range", etag) == etag else 0


def _opened(root: Path, place: Path) -> BinaryIO:
    try:
        inside = Path(os.path.realpath(place)).is_relative_to(os.path.realpath(root))
        if not inside:
            raise StatusError(403, f"{place} leads out of the mirror's folder {root}; it was not read.")
        # not one that blocks: somebody may have put a pipe there
        descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StatusError(404, f"There is no {place} in the mirror.", "The mirror may not hold everything.") from error
    except (OSError, ValueError) as error:
        raise StatusError(403, f"{place} cannot be read ({error}).", "Check the permissions of the mirror.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StatusError(403, f"{place} is not a file; it was not read.")
    return os.fdopen(descriptor, "rb")
