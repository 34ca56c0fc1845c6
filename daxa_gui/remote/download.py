"""Bringing the bytes of one file here: from the first of its sources that has it, resumed where that is safe, with the checks
that need nothing but the bytes (beginning, length, announced checksums). What is inside is looked at by `transfer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Protocol
from urllib.parse import quote, unquote, urlencode

from daxa_gui.core.errors import TransferError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.addresses import StatusError, join_url
from daxa_gui.remote.checks import begins_as_named, page_in_place_of
from daxa_gui.remote.connection import Reply, Visit
from daxa_gui.remote.credentials import Authorisation, authorisation, store
from daxa_gui.remote.digests import Sums, announced
from daxa_gui.remote.disk import check_space, translated_disk_errors
from daxa_gui.remote.listing import is_safe_name
from daxa_gui.remote.local_source import LocalReply, is_local, open_local
from daxa_gui.remote.part import OVERLAP_BYTES, Part
from daxa_gui.remote.services import MIRROR
from daxa_gui.remote.sources import OUTAGES
from daxa_gui.remote.watch import Timeouts

FIRST_BYTES = 512  # enough for every magic number, that of tar (at 257) included
_FILE_NAME = re.compile(r"""filename\s*=\s*(?:"([^"]*)"|([^\s;]+))""", re.IGNORECASE)
_FILE_NAME_ENCODED = re.compile(r"filename\*\s*=\s*UTF-8''([^\s;]+)", re.IGNORECASE)

AnyReply = Reply | LocalReply
Piece = bytes | memoryview


@dataclass(frozen=True)
class Source:
    """Where a file can be had: a service, a path below its address, and what is asked of a service that answers questions."""

    service: str
    path: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> str:
        """The path with the question, as manifests keep it."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path


class _Differs(Exception):
    """The bytes that are here are not those of the server's file."""


class Download:
    """One file, to be brought here.

    Parameters
    ----------
    sources : at least one, the first preferred. The next one is tried when nothing comes from one (it has no such file,
        answers an error or a web page, does not answer).
    name : what the file is called in messages, and what its first bytes are compared with; empty for a name that only the
        answer tells.
    """

    def __init__(
        self, ctx: TaskContext, sources: Sequence[Source], name: str, expected_bytes: int | None, timeouts: Timeouts | None
    ) -> None:
        self.ctx, self.sources, self.expected_bytes = ctx, tuple(sources), expected_bytes
        self.name = name
        self._timeouts = timeouts
        self._came = False  # whether anything of the file came from the source that is being asked

    def bring(self, part: Part) -> int:
        """Bring the whole file into `part`; returns how many bytes came. Raises TransferError for whatever fails."""
        known = [source for source in self.sources if part.belongs_to(source.service, source.identity)]
        if known and part.is_whole(self.ctx):
            return 0
        usable = part.usable_bytes() if known and not known[0].query else 0
        ordered = [*known, *(source for source in self.sources if source not in known)] if usable else list(self.sources)
        addresses = {source: self._address(source) for source in ordered}
        problems: list[TransferError] = []
        for source in OUTAGES.sorted(ordered, addresses.__getitem__):
            address = addresses[source]
            if not address:
                continue
            self._came = False
            try:
                fetched = self._from(source, address, part, usable if source in known else 0)
                OUTAGES.answered(address)
                return fetched
            except TransferError as error:
                OUTAGES.note(address, error)
                if self._came or error.pauses_lane:
                    raise
                problems.append(error)
                self.ctx.log(f"{source.service} does not give {self.name}: {error.message}")
        raise self._best_reason(problems)

    def _address(self, source: Source) -> str:
        """The address of the source's service; empty if it cannot be asked here."""
        try:
            return self.ctx.service_url(source.service)
        except LookupError:
            if len(self.sources) == 1:
                raise
            return ""  # whoever tells the addresses does not know this copy of the service

    def _best_reason(self, problems: Sequence[TransferError]) -> TransferError:
        """Why nobody gave the file: what may pass counts more than what will not, since it decides about another try."""
        if not problems:
            return TransferError(
                f"No service that has {self.name} can be asked here.", "Choose a mirror in the settings.", retryable=False
            )
        passing = [problem for problem in problems if problem.retryable]
        return min(passing, key=lambda one: one.retry_after_s or 0.0) if passing else problems[0]

    def give_up(self, service: str, identity: str) -> bool:
        """Ask this source no more, because what it gives is damaged; whether another one is left that can be asked."""
        self.sources = tuple(one for one in self.sources if (one.service, one.identity) != (service, identity))
        return any(self._address(source) for source in self.sources)

    def _from(self, source: Source, address: str, part: Part, kept: int) -> int:
        if is_local(address):
            return self._transfer(_OnDisk(address, source.path, bool(source.query)), source, part, kept)
        with Visit(self.ctx, self._timeouts) as visit:
            return self._transfer(_Online(visit, source, address, self.ctx, self._timeouts), source, part, kept)

    def _transfer(self, place: _Place, source: Source, part: Part, kept: int) -> int:
        if kept:
            fetched = self._continue(place, source, part, kept)
            if fetched is not None:
                return fetched
            part.discard()
        with place.get({}) as reply:
            return self._save_all(place, reply, source, part)

    def _continue(self, place: _Place, source: Source, part: Part, kept: int) -> int | None:
        """Go on after the bytes that are here; None if they turned out to be useless."""
        overlap = min(OVERLAP_BYTES, kept)
        start = kept - overlap
        headers = {"Range": f"bytes={start}-", "If-Range": part.state.validator}
        with place.get(headers) as reply:
            if reply.status == 200:
                self.ctx.log(f"{self.name} changed on the server (or cannot be resumed): it is fetched from its beginning.")
                return self._save_all(place, reply, source, part)
            digests = announced(reply.headers, reply.status)
            if reply.status == 206 and part.continues(reply, start, digests):
                self.ctx.log(f"{self.name} goes on after the {kept} bytes that are here.")
                total = start + reply.length if reply.length is not None else part.state.total
                self._came = True
                chunks = _behind(reply.pieces(self.ctx), part.tail(overlap), self.name)
                try:
                    return overlap + self._save(place, chunks, part, kept, total, {**part.state.digests, **digests})
                except _Differs:
                    self._came = False
        self.ctx.log(f"{self.name}: what is here does not fit to the server's file; it is fetched from its beginning.")
        return None

    def _save_all(self, place: _Place, reply: AnyReply, source: Source, part: Part) -> int:
        """Write a whole body. Nothing is written before the first bytes were looked at."""
        if reply.length is not None:
            check_space(part.path, reply.length)
        chunks = reply.pieces(self.ctx)
        file_name = _file_name(reply)
        first = self._first_bytes(reply, chunks, file_name)
        self._came = True
        digests = announced(reply.headers, reply.status)
        part.begin(reply, source.service, source.identity, url=reply.url, file_name=file_name, digests=digests)
        return self._save(place, _chain(first, chunks), part, 0, reply.length, digests)

    def _save(
        self, place: _Place, chunks: Iterator[Piece], part: Part, kept: int, total: int | None, digests: Mapping[str, str]
    ) -> int:
        """Write what comes behind the `kept` bytes and compare it with what was announced."""
        if total is not None:
            check_space(part.path, total - kept)
        sums = Sums(digests)
        if kept:
            sums.update_from(part.path, self.ctx)
        done = kept
        with translated_disk_errors(part.path), part.path.open("ab", buffering=0) as file:
            for chunk in chunks:
                _write_all(file, chunk)
                sums.update(chunk)
                done += len(chunk)
                self.ctx.progress(done, total, "downloading")
        self._check_length(place, part, done, total)
        if wrong := sums.wrong():
            part.discard()
            raise TransferError(
                f"What came of {self.name} does not have the {wrong.upper()} checksum that the server gives for it.",
                "It is fetched again.",
            )
        part.finish(sums.sha256)
        return done - kept

    def _check_length(self, place: _Place, part: Part, done: int, total: int | None) -> None:
        if total is not None and done < total:
            raise TransferError(
                f"The connection ended after {done} of {total} bytes of {self.name}.", "The rest is fetched the next time."
            )
        if self.expected_bytes is None or done == self.expected_bytes:
            return
        # Either the file changed since the download was planned, or this answer told a wrong length.
        if total is None or place.size() != done:
            part.discard()
            raise TransferError(f"{done} bytes of {self.name} came instead of {self.expected_bytes}.", "It is fetched again.")
        self.ctx.log(
            f"WARNING {self.name} changed on the server since this was planned: {done} bytes, not {self.expected_bytes}."
        )

    def _first_bytes(self, reply: AnyReply, chunks: Iterator[Piece], file_name: str) -> bytes:
        """The beginning of the body; TransferError if it is that of something else than what the name promises."""
        first = b""
        for chunk in chunks:
            first += chunk
            if len(first) >= FIRST_BYTES:
                break
        name = self.name or file_name
        if page := page_in_place_of(name, first, reply.content_type):
            raise TransferError(
                f"The server sent {page} instead of {name}; nothing was saved.",
                "It may be under maintenance or ask for a login: look at the address in a browser.",
            )
        if reply.length is not None and len(first) < min(reply.length, FIRST_BYTES):
            raise TransferError(f"The connection ended after {len(first)} of {reply.length} bytes of {name}.")
        asked = any(source.query for source in self.sources)  # what is packed on demand is known by its content alone
        if not asked and not begins_as_named(name, first):
            raise TransferError(
                f"What the server sent as {name} is no such file (it begins with {first[:8]!r}); nothing was saved.",
                "It is tried again; if that does not help, the file is damaged at the archive.",
            )
        return first


class _Place(Protocol):
    """Where one source has the file."""

    def get(self, headers: Mapping[str, str]) -> AbstractContextManager[AnyReply]:
        """The answer to a request with these headers (Range and If-Range, or none)."""

    def size(self) -> int | None:
        """What is said about its size now, None if nothing."""


@dataclass
class _Online:
    visit: Visit
    source: Source
    address: str
    ctx: TaskContext
    timeouts: Timeouts | None

    @property
    def url(self) -> str:
        return join_url(self.address, self.source.path, self.source.query)

    def get(self, headers: Mapping[str, str]) -> AbstractContextManager[AnyReply]:
        more = _authorisation(self.source.service, self.url, self.address)
        return self.visit.request(
            self.url,
            method=more.method,
            headers={**headers, **more.headers},
            body=more.body,
            accept=(200, 206, 416) if headers else (200,),
        )

    def size(self) -> int | None:
        with Visit(self.ctx, self.timeouts) as visit:
            try:
                return visit.head(self.url).length
            except TransferError:
                return None


def _authorisation(service: str, url: str, address: str) -> Authorisation:
    """What goes along with a request to a service that a person has credentials for; nothing for all others."""
    name = "mirror" if service.startswith(MIRROR) else service
    if name not in ("mirror", "xsa"):
        return Authorisation()
    return authorisation(url, name, store().get(name), address)


@dataclass
class _OnDisk:
    address: str
    path: str
    asked: bool

    def get(self, headers: Mapping[str, str]) -> AbstractContextManager[AnyReply]:
        if self.asked:
            raise StatusError(404, f"The folder {self.address} cannot answer a request for {self.path}.")
        return open_local(self.address, self.path, headers)

    def size(self) -> int | None:
        with open_local(self.address, self.path, {}) as reply:
            return reply.length


def _behind(chunks: Iterator[Piece], known: bytes, name: str) -> Iterator[Piece]:
    """What comes behind the bytes that are known; raises _Differs if these come differently."""
    left = memoryview(known)
    for chunk in chunks:
        n_known = min(len(chunk), len(left))
        if chunk[:n_known] != left[:n_known]:
            raise _Differs
        left = left[n_known:]
        if n_known < len(chunk):
            yield chunk[n_known:]
    if left:
        raise TransferError(f"The connection ended before anything new of {name} came.", "The rest is fetched the next time.")


def _chain(first: bytes, chunks: Iterator[Piece]) -> Iterator[Piece]:
    yield first
    yield from chunks


def _write_all(file: IO[bytes], data: Piece) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _file_name(reply: AnyReply) -> str:
    """What the server calls the file (Content-Disposition), if that is a plain name; never a path."""
    header = reply.headers.get("Content-Disposition", "")
    if match := _FILE_NAME_ENCODED.search(header):
        name = unquote(match[1])
    elif match := _FILE_NAME.search(header):
        name = match[1] or match[2]
    else:
        return ""
    name = PurePosixPath(name.replace("\\", "/")).name
    return name if is_safe_name(name) else ""
