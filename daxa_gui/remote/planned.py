"""From the files that were found to planned files and download jobs: one per file, none outside its folder, none twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from daxa_gui.core.credential import CREDENTIAL_SERVICES
from daxa_gui.core.download_plan import LeftOut, PlannedFile
from daxa_gui.core.errors import TransferError
from daxa_gui.core.mission import RawFile, RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Call, JobRequest, Place
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.credentials import store
from daxa_gui.remote.decrypt import encrypted_packing, name_inside
from daxa_gui.remote.listing import ListedFile, is_safe_path
from daxa_gui.remote.looking import FolderReader, Looked
from daxa_gui.remote.sources import sources_for
from daxa_gui.remote.unpack import packing_of, unpacked_name
from daxa_gui.remote.wanted import Wish

KEYS_SERVICE = "heasarc"  # whose keys decrypt what is not public yet
FETCH = "daxa_gui.remote.transfer:fetch"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.+-]+")


@dataclass
class Found:
    """What was found so far of an observation (or of what several share), in the order in which it was found."""

    files: list[PlannedFile] = field(default_factory=list)
    requests: list[JobRequest] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    missing: list[StatusError] = field(default_factory=list)  # folders that should be there
    unwanted: int = 0
    units: dict[str, str] = field(default_factory=dict)  # by destination, lower case: some disks do not tell A from a


def shared_name(shared: str) -> str:
    """What stands in place of an ObsID for files that several observations share (INTEGRAL: « 2185 », the revolution)."""
    name = _UNSAFE.sub("_", shared).strip("._-+")[:80]
    if not name or ".." in name:
        raise TransferError(f"« {shared} » cannot be the name of what observations share.", retryable=False)
    return name


def owner_of(wish: Wish, folder: RemoteFolder) -> Wish:
    """To whom the files of a folder belong: the observation, or what it shares with others in the mission's raw folder."""
    if not folder.shared:
        return wish
    return replace(wish, obs_id=shared_name(folder.shared), raw_folder=wish.raw_folder.rpartition("/")[0])


_NO_FOLDER = "The archive has no such folder."  # without its address: one reason for all observations that lack theirs


def plan_folder(reader: FolderReader, wish: Wish, folder: RemoteFolder, found: Found, *, prefer_cloud: bool = False) -> bool:
    """Add the wanted files of a folder to `found`; false if there is no such folder. One that is not optional is then left out.

    Raises
    ------
    TransferError : it cannot be found out.
    """
    try:
        looked = reader.find(folder)
    except StatusError as error:
        if not error.says_missing:
            raise
        if not folder.optional:
            found.missing.append(error)
            found.left_out.append(LeftOut(wish.mission, wish.obs_id, _NO_FOLDER, unit=f"{folder.path.rstrip('/')}/"))
        return False
    looked = _unlocked(reader, looked, found)
    place = _Place(reader, owner_of(wish, folder), wish.obs_id, looked.folder, prefer_cloud)
    if not looked.files and not looked.locked and not folder.optional:
        found.warnings.append(f"{looked.folder.path} holds no file like « {looked.folder.wanted} ».")
    read_name = wish.name_reader()
    for below, name, listing in looked.files:
        raw = read_name(name)
        if not wish.wants(looked.folder, raw) and not (looked.folder.archive_members and packing_of(name) == "tar"):
            found.unwanted += 1
        else:
            place.add(listing.entry(name), below, raw, found)
    for below, name, listing in looked.locked:
        raw, packing = read_name(name_inside(name)), encrypted_packing(name)
        if not wish.wants(looked.folder, raw):
            found.unwanted += 1
        elif packing and store().has(KEYS_SERVICE):
            place.add(listing.entry(name), below, raw, found, packing)
        else:
            found.left_out.append(_encrypted(wish, name))
    return True


def _unlocked(reader: FolderReader, looked: Looked, found: Found) -> Looked:
    """What is encrypted here and no key is known for may be had unencrypted elsewhere with a login (XMM-Newton: XSA)."""
    if looked.files or not looked.locked or store().has(KEYS_SERVICE):
        return looked
    for other in looked.folder.otherwise:
        if other.service in CREDENTIAL_SERVICES and store().has(other.service):
            try:
                return reader.find(other)
            except TransferError as error:
                found.warnings.append(f"{looked.folder.path} is encrypted, and {other.service} does not have it: {error.message}")
    return looked


def _encrypted(wish: Wish, name: str) -> LeftOut:
    reason = (
        f"{name} is encrypted: it is not public yet. Its proposers have the key, which « Credentials… » takes; "
        "everybody else can fetch it later."
    )
    return LeftOut(wish.mission, wish.obs_id, reason, unit=name)


class _Place:
    """A folder whose files become jobs: what they have in common is found out once."""

    def __init__(self, reader: FolderReader, owner: Wish, obs_id: str, folder: RemoteFolder, prefer_cloud: bool) -> None:
        if folder.local and not is_safe_path(folder.local):
            raise TransferError(f"« {folder.local} » is not a folder below an observation's.", retryable=False)
        self.owner, self._obs_id, self._folder = owner, obs_id, folder
        self._services = sources_for(folder.service, prefer_cloud=prefer_cloud)
        self._lane = reader.sources(folder.service)[0].lane
        self._remote = folder.path.strip("/")
        self._prefixes: dict[str, tuple[str, str]] = {}

    def _prefix(self, below: str) -> tuple[str, str]:
        """What stands before the names of the files in `below`: in the raw folder, and at the service."""
        if below not in self._prefixes:
            local, remote = ("/".join(part for part in (first, below) if part) for first in (self._folder.local, self._remote))
            self._prefixes[below] = f"{local}/" if local else "", f"{remote}/" if remote else ""
        return self._prefixes[below]

    def add(self, file: ListedFile, below: str, raw: RawFile | None, found: Found, packing: str = "") -> None:
        """Add a file, unless another one would become the same file here. `packing` is that of an encrypted one."""
        owner, folder, name = self.owner, self._folder, file.name
        local, remote = self._prefix(below)
        packing, inside = (packing, name_inside(name)) if packing else (packing_of(name), name)
        unit = local + name
        path = folder.path if folder.query else remote + name
        destination = f"{owner.raw_folder}/{local}"
        inside = unpacked_name(inside) if packing else name
        destination = destination.rstrip("/") if packing == "tar" else destination + inside
        members = folder.archive_members
        known = found.units.setdefault((f"{destination}|{members}" if members else destination).lower(), unit)
        if known is not unit:
            found.warnings.append(f"{name} would become the same file as {known}; it is left out.")
            return
        kind, instrument = (folder.kind, "") if raw is None else (raw.kind, raw.instrument)
        found.files.append(
            PlannedFile(
                owner.mission, self._obs_id, unit, str(kind), instrument, folder.service, path, file.size_bytes, file.exact,
                folder.optional, folder.shared and owner.obs_id,
            )
        )  # fmt: skip
        arguments: dict[str, Any] = {
            "service": folder.service,
            "path": path,
            "destination": destination,
            "expected_bytes": file.size_bytes if file.exact else None,
            "unpack": packing,
            "members": members,
            "key": self._key(raw, packing),
            "raw_file": owner.raw_file if packing == "tar" else "",
            "raw_folder": owner.raw_folder,
        }
        if len(self._services) > 1:
            arguments["sources"] = [[service, path] for service in self._services]
        if folder.query:
            arguments |= {"query": [list(pair) for pair in folder.query], "name": name}
        found.requests.append(self._request(file, unit, arguments))

    def _request(self, file: ListedFile, unit: str, arguments: dict[str, Any]) -> JobRequest:
        mission, obs_id = self.owner.mission, self.owner.obs_id
        return JobRequest(
            kind="download",
            lane=self._lane,
            mission=mission,
            obs_id=obs_id,
            unit=unit,
            step="",
            title=f"{obs_id}: {file.name}",
            task=Call(FETCH, arguments, Place.THREAD),
            label=f"download:{mission}:{obs_id}:{unit}",
            size_bytes=file.size_bytes,
        )

    def _key(self, raw: RawFile | None, packing: str) -> dict[str, Any] | None:
        """The ProductKey of a file as JSON. Members of tar files are read later; an event list has a name that says so."""
        key: dict[str, Any] = {"mission": self.owner.mission, "obs_id": self.owner.obs_id, "kind": str(self._folder.kind)}
        if packing == "tar":
            return key
        if raw is None:
            return None if self._folder.kind is ProductKind.EVENTS else key
        key |= {"kind": str(raw.kind), "instrument": raw.instrument, "exposure": raw.exposure}
        return {**key, "band_kev": list(raw.band_kev)} if raw.band_kev else key


def raise_if_nothing(obs_id: str, found: Found) -> None:
    """Raise StatusError if a folder that should be there is not, and nothing else of the observation is there either."""
    if found.missing and not has_own_files(obs_id, found):
        raise found.missing[0]


def has_own_files(obs_id: str, found: Found) -> bool:
    """Whether anything of the observation itself is there: what it shares with others is of no use alone."""
    return any(request.obs_id == obs_id for request in found.requests)


def why_nothing(wish: Wish, folders: Sequence[RemoteFolder], found: Found) -> str:
    """Why there is nothing to fetch of an observation, a sentence."""
    if found.left_out:
        return f"The files of {wish.obs_id} are still encrypted: they are not public yet ({found.left_out[0].unit})."
    if found.unwanted:
        return f"{wish.obs_id} has {found.unwanted} files, but none of a kind and an instrument that was chosen."
    what = "event list" if wish.kinds == {str(ProductKind.EVENTS)} else "file of a kind that was chosen"
    where = ", ".join(str(PurePosixPath(folder.path)) for folder in folders)
    return f"The archive has no {what} of {wish.obs_id}{f' (looked in {where})' if where else ''}."
