"""Planning downloads: from the folders that a mission names for an observation to one download job per file.

`plan_request` makes the job that plans; `plan_observation` is the function of that job and runs on a pool thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daxa_gui.core.download_plan import PlannedFile
from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import MissionSpec, RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, JobRequest, Outcome, Place, TaskContext
from daxa_gui.remote.planned import FETCH, Found, has_own_files, plan_folder, raise_if_nothing, why_nothing
from daxa_gui.remote.services import SERVICES
from daxa_gui.remote.sources import lane_of, sources_for
from daxa_gui.remote.wanted import Wish, known_kinds, literal_name, wanted_kinds

__all__ = ["FETCH", "PLAN", "folders_of", "lane_of", "literal_name", "plan_observation", "plan_request"]

PLAN = "daxa_gui.remote.plan:plan_observation"


def folders_of(spec: MissionSpec, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The folders in which the files of an observation are, of every kind.

    Parameters
    ----------
    row : the observation's row of the catalogue; has `obs_id` and whatever the mission's `files` function needs.

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
    return folders


def unwanted_instruments(spec: MissionSpec, instruments: Sequence[str]) -> list[str]:
    """The instruments of a mission that were not chosen; none if no choice was made."""
    return [one.name for one in spec.instruments if instruments and one.name not in instruments]


def plan_request(
    spec: MissionSpec,
    row: Mapping[str, Any],
    raw_folder: str,
    instruments: Sequence[str] = (),
    service_url: Callable[[str], str] | None = None,
    kinds: Sequence[str] = (),
    *,
    prefer_cloud: bool = False,
    folders: Sequence[RemoteFolder] | None = None,
) -> JobRequest:
    """The job that plans the downloads of one observation.

    Parameters
    ----------
    row : the observation's row of the catalogue; see `folders_of`.
    raw_folder : absolute folder for the files of this observation.
    instruments : those whose files are wanted; all if empty. Files of no or of all instruments are always wanted.
    service_url : gives the address of a service, whose host names the lane; the known addresses if None.
    kinds : ProductKinds of the files that are wanted; event lists if empty.
    prefer_cloud : copies of a service in the cloud are tried before the service itself.
    folders : in place of those that the mission names.

    Raises
    ------
    InputError : the mission does not say where its files are.
    """
    obs_id = str(row["obs_id"])
    folders = folders_of(spec, row) if folders is None else folders
    arguments: dict[str, Any] = {
        "mission": spec.name,
        "obs_id": obs_id,
        "folders": [folder_values(folder) for folder in folders],
        "raw_folder": raw_folder,
        "raw_file": spec.raw_file,
        "without_instruments": unwanted_instruments(spec, instruments),
        "kinds": known_kinds(kinds),
    }
    if prefer_cloud:
        arguments["prefer_cloud"] = True
    return JobRequest(
        kind="plan",
        lane=plan_lane(folders[0].service, service_url or _usual_address, prefer_cloud),
        mission=spec.name,
        obs_id=obs_id,
        unit="",
        step="",
        title=f"Look for the files of {spec.label} {obs_id}",
        task=Call(PLAN, arguments, Place.THREAD),
        label=f"plan:{spec.name}:{obs_id}",
    )


def _usual_address(service: str) -> str:
    return SERVICES.get(service, "")


def plan_lane(service: str, service_url: Callable[[str], str], prefer_cloud: bool) -> str:
    """The lane of jobs that use a service: that of the first of its sources that has an address."""
    for name in sources_for(service, prefer_cloud=prefer_cloud):
        try:
            address = service_url(name)
        except LookupError:
            continue
        if address:
            return lane_of(name, address)
    return lane_of(service, "")


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
    prefer_cloud: bool = False,
) -> Outcome:
    """Read the listings of an observation's folders and make one download job for each wanted file.

    Parameters
    ----------
    folders : RemoteFolders as mappings.
    raw_file : `"module:function"` of the mission that reads file names; empty if there is none.
    without_instruments : names of instruments whose files are not wanted.
    kinds : ProductKinds of the files that are wanted; event lists if empty.
    prefer_cloud : copies of a service in the cloud are tried before the service itself.

    Returns
    -------
    Outcome : `follow_ups` are the download jobs; `facts` has `n_files`, `bytes` (of the files whose size is known, as exact as
        the listing) and `n_unknown_sizes`, and `left_out` (pairs of a file's name and why) if anything is. Without any file,
        `stop` says why.

    Raises
    ------
    TransferError : there is nothing, and a folder that should be there is not; or a listing cannot be read.
    """
    from daxa_gui.remote.connection import Visit
    from daxa_gui.remote.looking import FolderReader, VisitedWeb

    wish = Wish(mission, obs_id, raw_folder.rstrip("/"), raw_file, wanted_kinds(kinds), frozenset(without_instruments))
    chosen = [folder for folder in map(folder_from, folders) if wish.wants_folder(folder)]
    found = Found()
    with Visit(ctx) as visit:
        reader = FolderReader(ctx, VisitedWeb(ctx, visit), prefer_cloud=prefer_cloud)
        reader.start_observation(obs_id, chosen)
        for number, folder in enumerate(chosen):
            ctx.progress(number, len(chosen), f"reading {folder.path}")
            if not plan_folder(reader, wish, folder, found, prefer_cloud=prefer_cloud):
                ctx.log(f"There is no folder {folder.path}{'; it is optional' if folder.optional else ''}.")
    raise_if_nothing(obs_id, found)
    for warning in found.warnings:
        ctx.log(f"WARNING {warning}")
    for left in found.left_out:
        ctx.log(f"WARNING {left.unit} is left out: {left.reason}")
    stop = "" if has_own_files(obs_id, found) else why_nothing(wish, chosen, found)
    requests = () if stop else tuple(found.requests)
    return Outcome(warnings=tuple(found.warnings), facts=_facts(requests, found), stop=stop, follow_ups=requests)


def _facts(requests: Sequence[JobRequest], found: Found) -> dict[str, Any]:
    known = [request.size_bytes for request in requests if request.size_bytes is not None]
    facts: dict[str, Any] = {"n_files": len(requests), "bytes": sum(known), "n_unknown_sizes": len(requests) - len(known)}
    if found.left_out:
        facts["left_out"] = [[left.unit, left.reason] for left in found.left_out]
    return facts


# -- without doing it -------------------------------------------------------------------------------------------------------


class LookingContext:
    """What planning needs when nothing is stored. `check_cancelled` raises Cancelled when somebody asked for it."""

    work_folder = ""

    def __init__(self, service_url: Callable[[str], str], check_cancelled: Callable[[], None] = lambda: None) -> None:
        self.service_url = service_url
        self.check_cancelled = check_cancelled

    def progress(self, done: float, total: float | None, text: str = "") -> None: ...

    def log(self, text: str) -> None: ...


def file_values(request: JobRequest, file: PlannedFile | None, service_url: Callable[[str], str]) -> dict[str, Any]:
    """A planned download as plain JSON: mission, obs_id, url, bytes (None if nobody says), destination, kind, exact.

    With `file` also instrument, optional, here, shared.
    """
    from daxa_gui.remote.addresses import join_url

    assert isinstance(request.task, Call)
    arguments = request.task.arguments
    url = join_url(service_url(arguments["service"]), arguments["path"], [tuple(pair) for pair in arguments.get("query", ())])
    values: dict[str, Any] = {
        "mission": request.mission,
        "obs_id": request.obs_id,
        "url": url,
        "bytes": request.size_bytes,
        "destination": arguments["destination"],
        "kind": (arguments["key"] or {}).get("kind", ""),
        "exact": arguments["expected_bytes"] is not None,
    }
    if file is not None:
        values |= {"kind": file.kind, "instrument": file.instrument, "optional": file.optional, "here": file.here}
        values["shared"] = file.shared
    return values
