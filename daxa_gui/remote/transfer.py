"""Fetching one file of an archive service: resumed after a break, checked, unpacked, and whole when it has its name.

`fetch` is the function of download jobs. It runs on a pool thread.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from daxa_gui.core.errors import FileError, TransferError
from daxa_gui.core.mission import NAME_READERS
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import MadeFile, Outcome, TaskContext
from daxa_gui.remote import connection
from daxa_gui.remote.checks import is_fits_name
from daxa_gui.remote.claim import claimed
from daxa_gui.remote.credentials import store
from daxa_gui.remote.decrypt import PACKING, WrongKeyError, unpack_encrypted
from daxa_gui.remote.disk import translated_disk_errors
from daxa_gui.remote.download import Download, Source
from daxa_gui.remote.fits_check import WrongSumError
from daxa_gui.remote.listing import is_safe_name
from daxa_gui.remote.manifest import Manifest, Record
from daxa_gui.remote.part import Part, PartState
from daxa_gui.remote.unpack import (
    Judge,
    RefusedError,
    Unpacked,
    check_packed,
    checked_sums,
    packing_of,
    unpack_answer,
    unpack_file,
    unpack_tar,
)

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
    stall_s: float | None = None,
    sources: Sequence[Sequence[Any]] = (),
    query: Sequence[Sequence[str]] = (),
    name: str = "",
) -> Outcome:
    """Fetch a file, check it, unpack it, and say what it is.

    Parameters
    ----------
    service, path : the service's name and the file's path below its address, not percent-encoded.
    destination : absolute path of the (unpacked) file; for a tar file the folder for its members.
    expected_bytes : size of the remote file when the download was planned; a file here that came from one of another size
        is fetched again.
    unpack : how the file is packed: "", "gzip", "lzw", "tar", or (encrypted) "gpg", "gpg+gzip", "gpg+lzw".
    members : for a tar file, a regular expression of the members to take; all if empty.
    key : fields of the ProductKey (mission, obs_id, kind, instrument, exposure), None for a file that is no product.
    raw_file : for a tar file, `"module:function"` that tells instrument, exposure and kind from a member's name.
    raw_folder : folder of the observation, which keeps the manifest; the destination's folder if empty.
    stall_s : after so many seconds without a byte the transfer is given up (and can be tried again); the default of the program
        (`connection.DEFAULT_TIMEOUTS`) if None.
    sources : where it can be had, the first preferred: [service, path] each ([service, path, query] where the query is not the
        common one), used instead of `service` and `path`, which the list then repeats as one of its entries. The next one is
        asked when nothing comes from one; services without an address are passed over.
    query : [name, text] pairs that a service which packs files on demand is asked with. Its answer is a tar file (compressed or
        not), or the one file that there was; it cannot be resumed and is not kept.
    name : what such an answer is called here until it is unpacked; the last part of the path if empty.

    Returns
    -------
    Outcome : its files are at their destinations already (`MadeFile.name` is empty); `facts` has `fetched_bytes` (what came
        over the network this time) and `bytes` (on the disk). `warnings` has a sentence for each file that is whole, but does not
        add up to the sums in its own headers, and came twice with the same bytes: it is so at the archive, and is taken.

    Raises
    ------
    TransferError : it did not come, or something else came. What came of a transfer that broke is kept for the next time.
    """
    places = _sources(service, path, query, sources)
    target = Path(destination)
    if not target.is_absolute():
        raise TransferError(f"« {destination} » does not say in which folder the file belongs.", retryable=False)
    folder = Path(raw_folder) if raw_folder else (target if unpack == "tar" else target.parent)
    timeouts = None if stall_s is None else replace(connection.DEFAULT_TIMEOUTS, stall_s=stall_s)
    packed_name = name or PurePosixPath(path).name
    if unpack == "tar" and not is_safe_name(packed_name):
        raise TransferError(f"« {packed_name} » is not a name that a file can have here.", retryable=False)
    download = Download(ctx, places, packed_name, expected_bytes, timeouts)
    if unpack == "tar":
        records, fetched = _fetch_tar(download, target, members, Manifest(folder))
    else:
        record, fetched = _fetch_single(download, target, unpack, Manifest(folder))
        records = (record,)
    files = tuple(
        _made(folder / record.name, record, _key(key, raw_file if unpack == "tar" else "", record)) for record in records
    )
    warnings = tuple(record.warning for record in records if record.warning)
    facts = {"fetched_bytes": fetched, "bytes": sum(record.size_bytes for record in records)}
    return Outcome(files=files, warnings=warnings, facts=facts)


def _sources(service: str, path: str, query: Sequence[Sequence[str]], sources: Sequence[Sequence[Any]]) -> tuple[Source, ...]:
    found = []
    for one in sources or [[service, path]]:
        source = Source(str(one[0]), str(one[1]), tuple((str(n), str(t)) for n, t in (one[2] if len(one) > 2 else query)))
        if ".." in PurePosixPath(source.path).parts or source.path.startswith("/"):
            raise TransferError(f"« {source.path} » is not a path below an archive service.", retryable=False)
        found.append(source)
    return tuple(found)


def _made(path: Path, record: Record, key: ProductKey | None) -> MadeFile:
    facts = {"sha256": record.sha256, "bytes": record.size_bytes, "service": record.service, "url_path": record.path}
    return MadeFile(name="", key=key, destination=str(path), facts=facts)


def _key(values: Mapping[str, Any] | None, raw_file: str, record: Record) -> ProductKey | None:
    """The product key of a file: as planned, or (members of tar files) as the mission reads its name."""
    if values is None:
        return None
    kind, instrument, exposure = values.get("kind", "events"), values.get("instrument", ""), values.get("exposure", "ALL")
    low_high = values.get("band_kev")
    band = None if not low_high else (float(low_high[0]), float(low_high[1]))
    if raw_file:
        about = resolve(raw_file, NAME_READERS)(PurePosixPath(record.name).name)
        if about is None:
            return None
        kind, instrument, exposure, band = about.kind, about.instrument, about.exposure, about.band_kev
    return ProductKey(values["mission"], values["obs_id"], ProductKind(kind), instrument, exposure, band)


class _Refused:
    """What came whole but damaged, by source: when the same bytes come again, the damage is the archive's own."""

    def __init__(self, most: int = 1000) -> None:
        self._lock, self._most = threading.Lock(), most
        self._sha256: dict[tuple[str, str], str] = {}

    def came_before(self, state: PartState) -> bool:
        key = (state.service, state.path)
        with self._lock:
            before = self._sha256.pop(key, "")
            self._sha256[key] = state.sha256
            if len(self._sha256) > self._most:
                del self._sha256[next(iter(self._sha256))]
        return bool(state.sha256) and before == state.sha256


_REFUSED = _Refused()


class _WrongSums:
    """Files that are whole but do not add up to the sums in their headers, by the SHA-256 of what came and of what was in it.
    What comes twice is not damage of a transfer: some files of the missions' archives are like that."""

    def __init__(self, most: int = 1000) -> None:
        self._lock, self._most = threading.Lock(), most
        self._known: dict[str, None] = {}

    def judge(self, ctx: TaskContext, came_sha256: str) -> Judge:
        """The judge of what is in one file that came."""

        def take(sha256: str, error: WrongSumError) -> str:
            if not self._came_before({sha256, came_sha256} - {""}):
                return ""
            why = "It came twice with the same bytes, so the sum is wrong at the archive itself; it was taken as it is."
            warning = f"{error.message} {why}"
            ctx.log(f"WARNING {warning}")
            return warning

        return take

    def _came_before(self, sums: set[str]) -> bool:
        with self._lock:
            known = not sums.isdisjoint(self._known)
            self._known.update(dict.fromkeys(sums))
            while len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        return known


_WRONG_SUMS = _WrongSums()


@contextmanager
def _damage_is_fetched_again(part: Part) -> Iterator[None]:
    """A file that came whole but is damaged goes away, so that the next attempt fetches it anew; if it came twice with the same
    bytes there is no next attempt."""
    try:
        yield
    except RefusedError:
        part.discard()
        raise
    except FileError as error:
        own_damage = _REFUSED.came_before(part.state)
        part.discard()
        if own_damage:
            hint = "It came twice with the same bytes: the copy of this archive service is damaged. Tell its help desk."
            raise TransferError(error.message, hint, retryable=False) from error
        raise TransferError(error.message, error.hint or "It is fetched again.") from error
    except FileNotFoundError as error:
        if part.path.exists() or not part.path.parent.is_dir():
            with translated_disk_errors(part.path):
                raise
        part.discard()
        raise TransferError(f"{part.path} was taken away while it was fetched.", "It is fetched again.") from error


def _identities(download: Download) -> list[tuple[str, str]]:
    return [(source.service, source.identity) for source in download.sources]


def _fetch_single(download: Download, destination: Path, packing: str, manifest: Manifest) -> tuple[Record, int]:
    ctx = download.ctx
    name = os.path.relpath(destination, manifest.folder).replace(os.sep, "/")
    part_name = download.name if packing and is_safe_name(download.name) else destination.name
    part_path = destination.with_name(f"{part_name}.part")
    with claimed(part_path, ctx):
        known = manifest.verified(ctx, name, _identities(download), download.expected_bytes)
        if known is not None:
            ctx.log(f"{name} is here already and was verified: it is not fetched again.")
            # what is left of a program that was killed between unpacking and tidying up
            Part(part_path).discard()
            return known, 0
        part, fetched = Part(part_path), 0
        while True:
            fetched += download.bring(part)
            came = part.state
            try:
                record = _checked_record(download, part, name, destination, packing)
                break
            except WrongKeyError:
                raise  # what came is good, and stays until there is the right key
            except TransferError as error:
                if error.pauses_lane or not download.give_up(came.service, came.path):
                    raise
                ctx.log(f"WARNING {error.message} Another service is asked.")
        # The line stands before the file has its name: a line without its file is harmless, the reverse costs a transfer.
        manifest.add(record)
        if packing:
            part.discard()
        else:
            part.move_to(destination)
        return record, fetched


def _checked_record(download: Download, part: Part, name: str, destination: Path, packing: str) -> Record:
    """Look at what came (and unpack it); the line of the manifest for it."""
    ctx, came, size = download.ctx, part.state, part.size_bytes
    sha256, size_here, warning = came.sha256, size, ""
    judge = _WRONG_SUMS.judge(ctx, came.sha256)
    ctx.progress(size, size, "unpacking" if packing else "checking")
    with _damage_is_fetched_again(part):
        if packing:
            inside = _unpacked(ctx, part.path, destination, packing, download.name, judge)
            sha256, size_here, warning = inside.sha256, inside.size_bytes, inside.warning
        elif is_fits_name(destination.name):
            warning = checked_sums(ctx, part.path, download.name, came.sha256, judge)
        elif packing_of(destination.name) in ("gzip", "lzw"):
            check_packed(ctx, part.path, packing_of(destination.name), download.name)
    return Record(
        name, came.service, came.path, sha256, size_here, came.sha256, size, came.etag, came.last_modified,
        url=came.url, file_name=came.file_name, warning=warning,
    )  # fmt: skip


def _unpacked(ctx: TaskContext, packed: Path, destination: Path, packing: str, name: str, judge: Judge) -> Unpacked:
    if not packing.startswith(PACKING):
        return unpack_file(ctx, packed, destination, packing, name=name, judge=judge)
    known = store().get("heasarc")
    return unpack_encrypted(ctx, packed, destination, packing, known.keys if known else (), name=name, judge=judge)


def _fetch_tar(download: Download, folder: Path, members: str, manifest: Manifest) -> tuple[tuple[Record, ...], int]:
    """Fetch a tar file into the folder that all observations of the mission share, and take this observation's members."""
    ctx, identities = download.ctx, _identities(download)
    first = download.sources[0]
    with claimed(manifest.folder / f"{download.name}.members", ctx):
        known = manifest.verified_members(ctx, identities, members)
        if known:
            ctx.log(f"Everything from {download.name} is here already and was verified: it is not fetched again.")
            return known, 0
        shared = manifest.folder.parent / DOWNLOADS_FOLDER / re.sub(r"\W", "_", first.service)
        packed, fetched = _fetch_single(download, shared / download.name, "", Manifest(shared))
        ctx.progress(packed.size_bytes, packed.size_bytes, "unpacking")
        taken = _take_members(ctx, shared / download.name, folder, members, packed, on_demand=bool(first.query))
        names = [os.path.relpath(one.path, manifest.folder).replace(os.sep, "/") for one in taken]
        records = tuple(
            replace(packed, name=name, sha256=one.sha256, size_bytes=one.size_bytes, file_name="", date="", warning=one.warning)
            for name, one in zip(names, taken, strict=True)
        )
        manifest.add(*records, Record("", packed.service, packed.path, members=members, names=tuple(names)))
        if first.query:
            (shared / download.name).unlink(missing_ok=True)  # nobody else needs it
        return records, fetched


def _take_members(
    ctx: TaskContext, packed: Path, folder: Path, members: str, record: Record, *, on_demand: bool
) -> tuple[Unpacked, ...]:
    judge = _WRONG_SUMS.judge(ctx, record.remote_sha256)
    try:
        if on_demand:
            taken = unpack_answer(ctx, packed, folder, members, record.file_name, judge=judge)
        else:
            taken = unpack_tar(ctx, packed, folder, members, judge=judge)
    except RefusedError:
        raise
    except FileError as error:
        packed.unlink(missing_ok=True)
        raise TransferError(error.message, error.hint or "It is fetched again.") from error
    if not taken:
        raise FileError(f"{packed.name} holds no file of this observation (none matches « {members} »).")
    return taken
