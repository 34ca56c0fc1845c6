"""Planning downloads: from the folders that a mission names for an observation to one download job per file.

`plan_request` makes the job that plans; `plan_observation` is the function of that job and runs on a pool thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from daxa_gui.core.errors import DaxaError, InputError, TransferError
from daxa_gui.core.mission import NAME_READERS, MissionSpec, RawFile, RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, JobRequest, Outcome, Place, TaskContext
from daxa_gui.remote.services import SERVICES

if TYPE_CHECKING:
    from daxa_gui.remote.connection import Visit
    from daxa_gui.remote.listing import ListedFile

FETCH = "daxa_gui.remote.transfer:fetch"
PLAN = "daxa_gui.remote.plan:plan_observation"
_ESCAPED = re.compile(r"\\([^A-Za-z0-9])")
_SPECIAL = frozenset(".^$*+?{}[]()|\\")


def lane_of(service: str, address: str) -> str:
    """The lane of jobs that use a service: the host of its address, since limits are per host.

    Services named `group:name` share the lane of their group, because their host may have another name tomorrow.
    """
    group, colon, _ = service.partition(":")
    return f"host:{group if colon else urlsplit(address).hostname or service}"


def plan_request(
    spec: MissionSpec,
    row: Mapping[str, Any],
    raw_folder: str,
    instruments: Sequence[str] = (),
    service_url: Callable[[str], str] | None = None,
    kinds: Sequence[str] = (),
) -> JobRequest:
    """The job that plans the downloads of one observation.

    Parameters
    ----------
    row : the observation's row of the catalogue; has `obs_id` and whatever the mission's `files` function needs.
    raw_folder : absolute folder for the files of this observation.
    instruments : those whose files are wanted; all if empty. Files of no or of all instruments are always wanted.
    service_url : gives the address of a service, whose host names the lane; the known addresses if None.
    kinds : ProductKinds of the files that are wanted; event lists if empty.

    Raises
    ------
    InputError : the mission does not say where its files are.
    """
    obs_id = str(row["obs_id"])
    if not spec.files:
        raise InputError(f"Files of {spec.label} cannot be downloaded yet.", "Its catalogue can be searched all the same.")
    folders: tuple[RemoteFolder, ...] = tuple(resolve(spec.files)(obs_id, row))
    if not folders:
        raise InputError(f"{spec.label} has no files for the observation {obs_id}.")
    service = folders[0].service
    address = service_url(service) if service_url else SERVICES.get(service, "")
    arguments = {
        "mission": spec.name,
        "obs_id": obs_id,
        "folders": [folder_values(folder) for folder in folders],
        "raw_folder": raw_folder,
        "raw_file": spec.raw_file,
        "without_instruments": [one.name for one in spec.instruments if instruments and one.name not in instruments],
        "kinds": [str(ProductKind(kind)) for kind in kinds],
    }
    return JobRequest(
        kind="plan",
        lane=lane_of(service, address),
        mission=spec.name,
        obs_id=obs_id,
        unit="",
        step="",
        title=f"Look for the files of {spec.label} {obs_id}",
        task=Call(PLAN, arguments, Place.THREAD),
        label=f"plan:{spec.name}:{obs_id}",
    )


def folder_values(folder: RemoteFolder) -> dict[str, Any]:
    """A RemoteFolder as plain JSON, without what has its default value; `folder_from` is the opposite."""
    values: dict[str, Any] = {"service": folder.service, "path": folder.path, "wanted": folder.wanted, "kind": str(folder.kind)}
    for name in ("local", "archive_members", "optional", "recursive", "shared"):
        if value := getattr(folder, name):
            values[name] = value
    if folder.kinds:
        values["kinds"] = [str(kind) for kind in folder.kinds]
    if folder.query:
        values["query"] = [list(pair) for pair in folder.query]
    if folder.otherwise:
        values["otherwise"] = [folder_values(other) for other in folder.otherwise]
    return values


def folder_from(values: Mapping[str, Any]) -> RemoteFolder:
    """The RemoteFolder that `folder_values` wrote, or an earlier version of this program."""
    return RemoteFolder(
        **{
            **values,
            "kind": ProductKind(values["kind"]),
            "kinds": tuple(ProductKind(kind) for kind in values.get("kinds", ())),
            "query": tuple((str(name), str(text)) for name, text in values.get("query", ())),
            "otherwise": tuple(folder_from(other) for other in values.get("otherwise", ())),
        }
    )


def plan_observation(
    ctx: TaskContext,
    mission: str,
    obs_id: str,
    folders: Sequence[Mapping[str, Any]],
    raw_folder: str,
    raw_file: str = "",
    without_instruments: Sequence[str] = (),
    kinds: Sequence[str] = (),
) -> Outcome:
    """Read the listings of an observation's folders and make one download job for each wanted file.

    Parameters
    ----------
    folders : RemoteFolders as mappings.
    raw_file : `"module:function"` of the mission that reads file names; empty if there is none.
    without_instruments : names of instruments whose files are not wanted.
    kinds : ProductKinds of the files that are wanted; event lists if empty.

    Returns
    -------
    Outcome : `follow_ups` are the download jobs; `facts` has `n_files`, `bytes` (of the files whose size is known) and
        `n_unknown_sizes`. Without any file of a folder that is not optional, `stop` says why.

    Raises
    ------
    TransferError : a folder that must be there is not, or a listing cannot be read.
    """
    from daxa_gui.remote.connection import Visit

    about = _Observation(mission, obs_id, Path(raw_folder), raw_file, frozenset(without_instruments), wanted_kinds(kinds))
    found = _Found()
    with Visit(ctx) as visit:
        for number, values in enumerate(folders):
            folder = folder_from(values)
            if about.kinds.isdisjoint(folder.all_kinds):
                continue
            ctx.progress(number, len(folders), f"reading {folder.path}")
            _plan_folder(ctx, visit, about, folder, found)
    for warning in found.warnings:
        ctx.log(f"WARNING {warning}")
    if not found.has_main_files:
        return Outcome(warnings=tuple(found.warnings), facts=_facts(()), stop=_why_nothing(about, folders, found))
    requests = tuple(found.requests.values())
    return Outcome(warnings=tuple(found.warnings), facts=_facts(requests), follow_ups=requests)


def _facts(requests: Sequence[JobRequest]) -> dict[str, Any]:
    sizes = [request.size_bytes for request in requests]
    known = [size for size in sizes if size is not None]
    return {"n_files": len(sizes), "bytes": sum(known), "n_unknown_sizes": len(sizes) - len(known)}


def wanted_kinds(kinds: Sequence[str]) -> frozenset[ProductKind]:
    """Event lists are what a selection means that does not say which kinds of files it wants."""
    return frozenset(ProductKind(kind) for kind in kinds) or frozenset({ProductKind.EVENTS})


@dataclass(frozen=True)
class _Observation:
    mission: str
    obs_id: str
    raw_folder: Path
    raw_file: str
    without_instruments: frozenset[str]
    kinds: frozenset[ProductKind]

    def wants(self, folder: RemoteFolder, raw: RawFile | None) -> bool:
        """Whether a file of `folder` that says `raw` about itself is of a wanted kind, and of an instrument that was chosen."""
        if (folder.kind if raw is None else raw.kind) not in self.kinds:
            return False
        return raw is None or not raw.instrument or not self.without_instruments.issuperset(raw.instrument.split("_"))

    def read_name(self, name: str) -> RawFile | None:
        about: RawFile | None = resolve(self.raw_file, NAME_READERS)(name) if self.raw_file else None
        return about


@dataclass
class _Found:
    """What was found so far. `requests` by destination, lower case: some disks do not tell A from a."""

    requests: dict[str, JobRequest] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    encrypted: list[str] = field(default_factory=list)
    unwanted: int = 0
    has_main_files: bool = False  # anything from a folder that is not optional: without it the rest is of no use


def _why_nothing(about: _Observation, folders: Sequence[Mapping[str, Any]], found: _Found) -> str:
    if found.encrypted:
        return f"The files of {about.obs_id} are still encrypted: they are not public yet ({found.encrypted[0]})."
    if found.unwanted:
        return f"{about.obs_id} has {found.unwanted} files, but none of a kind and an instrument that was chosen."
    where = ", ".join(str(folder["path"]) for folder in folders)
    return f"The archive has no event list of {about.obs_id} (looked in {where})."


def _plan_folder(ctx: TaskContext, visit: Visit, about: _Observation, folder: RemoteFolder, found: _Found) -> None:
    from daxa_gui.remote.connection import StatusError
    from daxa_gui.remote.unpack import packing_of

    try:
        files = _wanted_files(ctx, visit, folder, found)
    except StatusError as error:
        if not (folder.optional and error.says_missing):
            raise
        ctx.log(f"There is no folder {folder.path}; it is optional.")
        return
    if not files and not folder.optional:
        found.warnings.append(f"{folder.path} holds no file like « {folder.wanted} ».")
    for file in files:
        raw = about.read_name(file.name)
        if packing_of(file.name) != "tar" and not about.wants(folder, raw):
            found.unwanted += 1
            continue
        request = _download_request(ctx, visit, about, folder, file, raw, found)
        known = found.requests.setdefault(_destination_key(request), request)
        found.has_main_files = found.has_main_files or not folder.optional
        if known is not request:
            found.warnings.append(f"{file.name} would become the same file as {known.unit}; it is left out.")


def _destination_key(request: JobRequest) -> str:
    assert isinstance(request.task, Call)
    arguments = request.task.arguments
    return f"{arguments['destination']}|{arguments['members']}".lower()


def _wanted_files(ctx: TaskContext, visit: Visit, folder: RemoteFolder, found: _Found) -> list[ListedFile]:
    """The files of a folder that are wanted. A name that is known beforehand is asked for without reading the listing."""
    from daxa_gui.remote.connection import StatusError
    from daxa_gui.remote.listing import ListedFile, read_listing

    address = _address(ctx, folder)
    known = literal_name(folder.wanted)
    if known:
        try:
            return [ListedFile(known, _size(visit, address, known))]
        except StatusError as error:
            if error.status not in (404, 405, 410, 501):
                raise
            ctx.log(f"{known} cannot be asked for by its name ({error.status}): the folder's listing is read.")
    listed = [entry for entry in read_listing(address, ctx, visit) if not entry.is_folder]
    names = (entry.name for entry in listed)
    found.encrypted += [name for name in names if name.endswith(".gpg") and re.fullmatch(folder.wanted, name[:-4])]
    return [entry for entry in listed if re.fullmatch(folder.wanted, entry.name)]


def literal_name(pattern: str) -> str:
    """The one name that a regular expression without any choice matches ("oif\\.fits" → "oif.fits"); empty if it has choices."""
    name = _ESCAPED.sub(lambda match: "\0" + match[1], pattern)
    plain = re.sub("\0.", "", name)
    return "" if any(character in _SPECIAL for character in plain) else name.replace("\0", "")


def _address(ctx: TaskContext, folder: RemoteFolder) -> str:
    from daxa_gui.remote.connection import join_url

    if ".." in PurePosixPath(folder.path).parts:
        raise TransferError(f"« {folder.path} » is not a folder of an archive service.", retryable=False)
    return join_url(ctx.service_url(folder.service), folder.path).rstrip("/")


def _size(visit: Visit, address: str, name: str) -> int | None:
    """What the server says about the size of a file, in bytes; None if it does not say. Listings only have rounded sizes."""
    from daxa_gui.remote.connection import join_url

    reply = visit.head(join_url(address, name))
    if reply.content_type == "text/html" and not name.lower().endswith((".html", ".htm")):
        raise TransferError(
            f"The server offers a web page instead of {name}.",
            "It may be under maintenance or ask for a login: look at the address in a browser.",
        )
    return reply.length


def _download_request(
    ctx: TaskContext,
    visit: Visit,
    about: _Observation,
    folder: RemoteFolder,
    file: ListedFile,
    raw: RawFile | None,
    found: _Found,
) -> JobRequest:
    from daxa_gui.remote.connection import StatusError
    from daxa_gui.remote.unpack import packing_of, unpacked_name

    address, name, size = _address(ctx, folder), file.name, file.size_bytes
    try:
        size = _size(visit, address, name) if size is None else size
    except StatusError as error:
        if error.retryable:
            raise
        found.warnings.append(f"The server lists {name} but answers {error.status} when asked for its size.")
    local = about.raw_folder / folder.local
    packing = packing_of(name)
    path = str(PurePosixPath(folder.path) / name)
    arguments = {
        "service": folder.service,
        "path": path,
        "destination": str(local if packing == "tar" else local / unpacked_name(name)),
        "expected_bytes": size,
        "unpack": packing,
        "members": folder.archive_members,
        "key": _key_of(about, folder, raw, packing),
        "raw_file": about.raw_file if packing == "tar" else "",
        "raw_folder": str(about.raw_folder),
    }
    unit = str(PurePosixPath(folder.local) / name) if folder.local else name
    return JobRequest(
        kind="download",
        lane=lane_of(folder.service, address),
        mission=about.mission,
        obs_id=about.obs_id,
        unit=unit,
        step="",
        title=f"{about.obs_id}: {name}",
        task=Call(FETCH, arguments, Place.THREAD),
        label=f"download:{about.mission}:{about.obs_id}:{unit}",
        size_bytes=size,
    )


def _key_of(about: _Observation, folder: RemoteFolder, raw: RawFile | None, packing: str) -> dict[str, Any] | None:
    """The ProductKey of a file as JSON; None for a file that the mission does not know. Members of tar files are read later."""
    key: dict[str, Any] = {"mission": about.mission, "obs_id": about.obs_id, "kind": str(folder.kind)}
    if packing == "tar":
        return key
    if raw is None:
        return None
    key |= {"kind": str(raw.kind), "instrument": raw.instrument, "exposure": raw.exposure}
    return {**key, "band_kev": list(raw.band_kev)} if raw.band_kev else key


# -- without doing it -------------------------------------------------------------------------------------------------------


class _LookingContext:
    """What planning needs when nobody watches and nothing is stored."""

    work_folder = ""

    def __init__(self, service_url: Callable[[str], str]) -> None:
        self.service_url = service_url

    def progress(self, done: float, total: float | None, text: str = "") -> None: ...

    def check_cancelled(self) -> None: ...

    def log(self, text: str) -> None: ...


def dry_run(request: JobRequest, service_url: Callable[[str], str]) -> tuple[list[dict[str, Any]], str]:
    """What the plan job `request` would have downloaded, and a sentence if that could not be found out (or is nothing).

    Each file is a mapping: `mission`, `obs_id`, `url`, `bytes` (None if the server does not say), `destination`.
    """
    from daxa_gui.remote.connection import join_url

    if not isinstance(request.task, Call) or request.task.target != PLAN:
        raise ValueError(f"{request.title!r} is no plan of downloads")
    try:
        outcome = plan_observation(_LookingContext(service_url), **request.task.arguments)
    except DaxaError as error:
        return [], f"{request.mission} {request.obs_id}: {error}"
    files = []
    for found in outcome.follow_ups:
        assert isinstance(found.task, Call)
        arguments = found.task.arguments
        url = join_url(service_url(arguments["service"]), arguments["path"])
        files.append(
            {
                "mission": found.mission,
                "obs_id": found.obs_id,
                "url": url,
                "bytes": found.size_bytes,
                "destination": arguments["destination"],
            }
        )
    return files, f"{request.mission} {request.obs_id}: {outcome.stop}" if outcome.stop else ""
