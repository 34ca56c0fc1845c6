"""Fetching one file of an archive service: resumed after a break, checked, unpacked, and whole when it has its name.

`fetch` is the function of download jobs. It runs on a pool thread.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from daxa_gui.core.errors import FileError, TransferError
from daxa_gui.core.mission import NAME_READERS
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import MadeFile, Outcome, TaskContext
from daxa_gui.remote.checks import begins_as_named, check_fits, is_fits_name, looks_like_html
from daxa_gui.remote.claim import claimed
from daxa_gui.remote.connection import Reply, Timeouts, Visit, join_url
from daxa_gui.remote.disk import check_space, translated_disk_errors
from daxa_gui.remote.manifest import Manifest, Record, sha256_of
from daxa_gui.remote.part import Part
from daxa_gui.remote.unpack import RefusedError, Unpacked, unpack_file, unpack_tar

FIRST_BYTES = 512  # enough for every magic number, that of tar (at 257) included
DOWNLOADS_FOLDER = ".downloads"  # beside the raw folders of the observations: tar files that several of them share


def fetch(
    ctx: TaskContext,
    service: str,
    path: str,
    destination: str,
    expected_bytes: int | None = None,
    unpack: str = "",
    members: str = "",
    key: Mapping[str, Any] | None = None,
    raw_file: str = "",
    raw_folder: str = "",
    stall_s: float = Timeouts.stall_s,
) -> Outcome:
    """Fetch a file, check it, unpack it, and say what it is.

    Parameters
    ----------
    service, path : the service's name and the file's path below its address, not percent-encoded.
    destination : absolute path of the (unpacked) file; for a tar file the folder for its members.
    expected_bytes : size of the remote file when the download was planned; a file here that came from one of another size
        is fetched again.
    unpack : how the file is packed: "", "gzip", "lzw" or "tar".
    members : for a tar file, a regular expression of the members to take; all if empty.
    key : fields of the ProductKey (mission, obs_id, kind, instrument, exposure), None for a file that is no product.
    raw_file : for a tar file, `"module:function"` that tells instrument, exposure and kind from a member's name.
    raw_folder : folder of the observation, which keeps the manifest; the destination's folder if empty.
    stall_s : after so many seconds without a byte the transfer is given up (and can be tried again).

    Returns
    -------
    Outcome : its files are at their destinations already (`MadeFile.name` is empty); `facts` has `fetched_bytes` (what came
        over the network this time) and `bytes` (on the disk).

    Raises
    ------
    TransferError : it did not come, or something else came. What came of a transfer that broke is kept for the next time.
    """
    if ".." in PurePosixPath(path).parts or path.startswith("/"):
        raise TransferError(f"« {path} » is not a path below an archive service.", retryable=False)
    target = Path(destination)
    if not target.is_absolute():
        raise TransferError(f"« {destination} » does not say in which folder the file belongs.", retryable=False)
    folder = Path(raw_folder) if raw_folder else (target if unpack == "tar" else target.parent)
    remote = _Remote(ctx, service, path, expected_bytes, Timeouts(stall_s=stall_s))
    if unpack == "tar":
        records, fetched = _fetch_tar(remote, target, members, Manifest(folder))
    else:
        record, fetched = _fetch_single(remote, target, unpack, Manifest(folder))
        records = (record,)
    files = tuple(
        _made(folder / record.name, record, _key(key, raw_file if unpack == "tar" else "", record)) for record in records
    )
    return Outcome(files=files, facts={"fetched_bytes": fetched, "bytes": sum(record.size_bytes for record in records)})


def _made(path: Path, record: Record, key: ProductKey | None) -> MadeFile:
    facts = {"sha256": record.sha256, "bytes": record.size_bytes, "service": record.service, "url_path": record.path}
    return MadeFile(name="", key=key, destination=str(path), facts=facts)


def _key(values: Mapping[str, Any] | None, raw_file: str, record: Record) -> ProductKey | None:
    """The product key of a file: as planned, or (members of tar files) as the mission reads its name."""
    if values is None:
        return None
    kind, instrument, exposure = values.get("kind", "events"), values.get("instrument", ""), values.get("exposure", "ALL")
    if raw_file:
        about = resolve(raw_file, NAME_READERS)(PurePosixPath(record.name).name)
        if about is None:
            return None
        kind, instrument, exposure = about.kind, about.instrument, about.exposure
    return ProductKey(values["mission"], values["obs_id"], ProductKind(kind), instrument, exposure)


class _Remote:
    """One file of a service, to be brought here."""

    def __init__(self, ctx: TaskContext, service: str, path: str, expected_bytes: int | None, timeouts: Timeouts) -> None:
        self.ctx, self.service, self.path, self.expected_bytes = ctx, service, path, expected_bytes
        self.name = PurePosixPath(path).name
        self._timeouts = timeouts

    def download(self, part: Part) -> int:
        """Bring the whole file into `part`; returns how many bytes came over the network. Sentences for whatever fails."""
        if part.is_whole(self.ctx):
            return 0
        kept = part.usable_bytes()
        if part.state.sha256:
            kept = 0  # it was whole once and no longer is what it was
        if kept and kept == part.state.total:
            part.finish(sha256_of(part.path, self.ctx))
            return 0
        url = join_url(self.ctx.service_url(self.service), self.path)
        with Visit(self.ctx, self._timeouts) as visit:
            return self._transfer(visit, url, part, kept)

    def _transfer(self, visit: Visit, url: str, part: Part, kept: int) -> int:
        if kept:
            headers = {"Range": f"bytes={kept}-", "If-Range": part.state.validator}
            with visit.request(url, headers=headers, accept=(200, 206, 416)) as reply:
                if reply.status == 200:
                    self.ctx.log(f"{self.name} changed on the server (or cannot be resumed): it is fetched from its beginning.")
                    return self._save(reply, part, 0)
                if reply.status == 206 and part.continues(reply, kept):
                    self.ctx.log(f"{self.name} goes on after the {kept} bytes that are here.")
                    return self._save(reply, part, kept)
                if reply.status == 416 and part.ends_at(reply, kept):
                    part.finish(sha256_of(part.path, self.ctx))
                    return 0
            self.ctx.log(f"{self.name}: what is here does not fit to the server's file; it is fetched from its beginning.")
            part.discard()
        with visit.request(url) as reply:
            return self._save(reply, part, 0)

    def _save(self, reply: Reply, part: Part, kept: int) -> int:
        """Write the body behind the `kept` bytes. Nothing is written before the first bytes were looked at."""
        total = kept + reply.length if reply.length is not None else part.state.total if kept else None
        if total is not None:
            check_space(part.path, total - kept)
        digest = sha256_of(part.path, self.ctx) if kept else hashlib.sha256()
        chunks = reply.chunks(self.ctx)
        if not kept:
            first = self._first_bytes(reply, chunks)
            part.begin(reply)
            chunks = _chain(first, chunks)
        done = kept
        with translated_disk_errors(part.path), part.path.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                self.ctx.progress(done, total, "downloading")
            _flush(file)
        self._check_length(part, done, total)
        part.finish(digest)
        return done - kept

    def _check_length(self, part: Part, done: int, total: int | None) -> None:
        if total is not None and done < total:
            raise TransferError(
                f"The connection ended after {done} of {total} bytes of {self.name}.", "The rest is fetched the next time."
            )
        if total is None and self.expected_bytes is not None and done != self.expected_bytes:
            part.discard()
            raise TransferError(f"{done} bytes of {self.name} came instead of {self.expected_bytes}.", "It is fetched again.")

    def _first_bytes(self, reply: Reply, chunks: Iterator[bytes]) -> bytes:
        """The beginning of the body; TransferError if it is that of something else than what the name promises."""
        first = b""
        for chunk in chunks:
            first += chunk
            if len(first) >= FIRST_BYTES:
                break
        wants_page = self.name.lower().endswith((".html", ".htm"))
        if not wants_page and (reply.content_type in ("text/html", "application/xhtml+xml") or looks_like_html(first)):
            raise TransferError(
                f"The server sent a web page instead of {self.name}; nothing was saved.",
                "It may be under maintenance or ask for a login: look at the address in a browser.",
            )
        if reply.length is not None and len(first) < min(reply.length, FIRST_BYTES):
            raise TransferError(f"The connection ended after {len(first)} of {reply.length} bytes of {self.name}.")
        if not begins_as_named(self.name, first):
            raise TransferError(
                f"What the server sent as {self.name} is no such file (it begins with {first[:8]!r}); nothing was saved.",
                "It is tried again; if that does not help, the file is damaged at the archive.",
            )
        return first


def _chain(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _damage_is_fetched_again(part: Part) -> Iterator[None]:
    """A file that came whole but is damaged goes away, so that the next attempt fetches it anew."""
    try:
        yield
    except RefusedError:
        part.discard()
        raise
    except FileError as error:
        part.discard()
        raise TransferError(error.message, error.hint or "It is fetched again.") from error


def _fetch_single(remote: _Remote, destination: Path, packing: str, manifest: Manifest) -> tuple[Record, int]:
    ctx = remote.ctx
    name = os.path.relpath(destination, manifest.folder).replace(os.sep, "/")
    part_path = destination.with_name(f"{remote.name if packing else destination.name}.part")
    with claimed(part_path, ctx):
        known = manifest.verified(ctx, name, remote.service, remote.path, remote.expected_bytes)
        if known is not None:
            ctx.log(f"{name} is here already and was verified: it is not fetched again.")
            # what is left of a program that was killed between unpacking and tidying up
            Part(part_path, remote.service, remote.path).discard()
            return known, 0
        part = Part(part_path, remote.service, remote.path)
        fetched = remote.download(part)
        came, size = part.state, part.size_bytes
        record = Record(
            name, remote.service, remote.path, came.sha256, size, came.sha256, size, came.etag, came.last_modified
        )  # fmt: skip
        if packing:
            ctx.progress(size, size, "unpacking")
            with _damage_is_fetched_again(part):
                inside = unpack_file(ctx, part.path, destination, packing, name=remote.name)
            record = _of_unpacked(record, name, inside.sha256, inside.size_bytes)
            manifest.add(record)
            part.discard()
        else:
            if is_fits_name(destination.name):
                with _damage_is_fetched_again(part):
                    check_fits(part.path, remote.name)
            manifest.add(
                record
            )  # before the file has its name: a line without its file is harmless, the reverse costs a transfer
            part.move_to(destination)
        return record, fetched


def _of_unpacked(packed: Record, name: str, sha256: str, size_bytes: int) -> Record:
    return Record(
        name=name,
        service=packed.service,
        path=packed.path,
        sha256=sha256,
        size_bytes=size_bytes,
        remote_sha256=packed.remote_sha256,
        remote_size_bytes=packed.remote_size_bytes,
        etag=packed.etag,
        last_modified=packed.last_modified,
    )


def _fetch_tar(remote: _Remote, folder: Path, members: str, manifest: Manifest) -> tuple[tuple[Record, ...], int]:
    """Fetch a tar file into the folder that all observations of the mission share, and take this observation's members."""
    ctx = remote.ctx
    with claimed(manifest.folder / f"{remote.name}.members", ctx):
        known = manifest.verified_members(ctx, remote.service, remote.path, members)
        if known:
            ctx.log(f"Everything from {remote.name} is here already and was verified: it is not fetched again.")
            return known, 0
        shared = manifest.folder.parent / DOWNLOADS_FOLDER / re.sub(r"\W", "_", remote.service)
        packed, fetched = _fetch_single(remote, shared / remote.name, "", Manifest(shared))
        ctx.progress(packed.size_bytes, packed.size_bytes, "unpacking")
        taken = _take_members(ctx, shared / remote.name, folder, members)
        names = [os.path.relpath(one.path, manifest.folder).replace(os.sep, "/") for one in taken]
        records = tuple(_of_unpacked(packed, name, one.sha256, one.size_bytes) for name, one in zip(names, taken, strict=True))
        manifest.add(*records, Record("", remote.service, remote.path, members=members, names=tuple(names)))
        return records, fetched


def _take_members(ctx: TaskContext, packed: Path, folder: Path, members: str) -> tuple[Unpacked, ...]:
    try:
        taken = unpack_tar(ctx, packed, folder, members)
    except RefusedError:
        raise
    except FileError as error:
        packed.unlink(missing_ok=True)
        raise TransferError(error.message, error.hint or "It is fetched again.") from error
    if not taken:
        raise FileError(f"{packed.name} holds no file of this observation (none matches « {members} »).")
    return taken
