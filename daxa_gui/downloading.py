"""Planning what a selection downloads, before anything starts: which files, how many bytes, what is here, what is left out.

The services are asked by a few threads per host. What one of them does not answer is planned again by a job of the archive.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.collecting import short_passes
from daxa_gui.core.download_plan import DownloadPlan, LeftOut
from daxa_gui.core.errors import ArchiveError, DaxaError, InputError
from daxa_gui.core.mission import MissionSpec, RemoteFolder
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import JobRequest
from daxa_gui.core.times import mjd_to_text
from daxa_gui.missions import MISSIONS
from daxa_gui.practice_mode import SERVICE_PREFIX
from daxa_gui.remote import plan, planned
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.disk import FLUSHER
from daxa_gui.remote.here import FilesHere
from daxa_gui.remote.looking import Web
from daxa_gui.remote.many import Item, Merged, Progress, Questions
from daxa_gui.remote.wanted import Wish, wanted_kinds

Row = Mapping[str, Any]


def folders_of(spec: MissionSpec, row: Row) -> tuple[RemoteFolder, ...]:
    """The folders of an observation's files. Simulated observations come from the practice sky's services.

    Raises
    ------
    InputError, ArchiveError : they cannot be told from what is known of the observation.
    """
    try:
        folders = plan.folders_of(spec, row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # the row may come from somebody else's archive
        what = f"{spec.label} {row.get('obs_id', '')}".strip()
        raise ArchiveError(f"What the archive knows of {what} does not tell where its files are ({error!r}).") from error
    if not row.get("simulated"):
        return folders
    return tuple(replace(folder, service=SERVICE_PREFIX + folder.service, otherwise=()) for folder in folders)


def plan_request(
    mission: str,
    row: Row,
    raw_folder: Path,
    instruments: Sequence[str] = (),
    kinds: Sequence[str] = (),
    *,
    service_url: Callable[[str], str] | None = None,
    prefer_cloud: bool = False,
) -> JobRequest:
    """The job that finds out which files of an observation are wanted.

    Parameters
    ----------
    row : the observation's row of the catalogue.
    raw_folder : absolute folder for its files.
    instruments, kinds : which files are wanted; all instruments, and event lists, if empty.
    service_url : gives the address of a service, whose host names the job's lane; the known addresses if None.
    prefer_cloud : copies of a service in the cloud are tried before the service itself.

    Raises
    ------
    InputError, ArchiveError : the mission is not known, or the row does not tell where its files are.
    """
    spec = _spec(mission)
    folders = folders_of(spec, row)
    if row.get("simulated"):
        service_url = None  # its lane is known without its address, which is there only when the practice sky is
    return plan.plan_request(
        spec, row, str(raw_folder), instruments, service_url, kinds, prefer_cloud=prefer_cloud, folders=folders
    )


def _spec(mission: str) -> MissionSpec:
    if mission not in MISSIONS:
        raise ArchiveError(f"This version of the program does not know the mission « {mission} ».", "Install the newest version.")
    spec: MissionSpec = MISSIONS[mission]
    return spec


# -- the plan of a whole selection ------------------------------------------------------------------------------------------


def plan_downloads(
    chosen: Iterable[tuple[Selection, Iterable[Row]]],
    *,
    output: Path,
    service_url: Callable[[str], str],
    now_mjd: float,
    has_login: Callable[[str], bool] = lambda mission: False,
    connections_per_host: int = 4,
    prefer_cloud: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> DownloadPlan:
    """Ask the services which files the chosen observations have; nothing is fetched or written.

    Parameters
    ----------
    chosen : selections with the catalogue rows of their observations.
    output : the folder that holds raw data.
    service_url : gives the address of a service; empty for one that is not available.
    now_mjd : what is public after this (MJD, UTC) is left out, unless `has_login(mission)`.
    connections_per_host : requests at the same time to one host.
    prefer_cloud : copies of a service in the cloud are asked before the service itself.
    progress : told (done, all, what) from the calling thread.
    cancelled : asked from the calling thread.

    Returns
    -------
    DownloadPlan : of observations that could not be asked about, `requests` has the job that plans them again.

    Raises
    ------
    Cancelled : `cancelled` said so.
    """
    planning = Planning(output, service_url, now_mjd, has_login, prefer_cloud=prefer_cloud)
    planning.prepare(chosen)
    planning.look(connections_per_host, progress, cancelled)
    return planning.result()


class Planning:
    """The three stages of planning a selection: `prepare` (no network), `look` (the network), `result`. See `plan_downloads`."""

    def __init__(
        self,
        output: Path,
        service_url: Callable[[str], str],
        now_mjd: float,
        has_login: Callable[[str], bool] = lambda mission: False,
        *,
        prefer_cloud: bool = False,
        web: Web | None = None,
    ) -> None:
        self._layout, self._service_url = OutputLayout(output.absolute()), service_url
        self._now_mjd, self._has_login, self._prefer_cloud, self._web = now_mjd, has_login, prefer_cloud, web
        self._items: list[Item] = []
        self._shared: dict[tuple[object, ...], Item] = {}
        self._left_out: list[LeftOut] = []
        self._lanes: dict[str, str] = {}

    # ---- first: which folders

    @short_passes()
    def prepare(self, chosen: Iterable[tuple[Selection, Iterable[Row]]]) -> None:
        """Find out where the files of all observations are; leave out what is not public."""
        known: set[tuple[str, str]] = set()
        for selection, rows in chosen:
            needs_login = None
            kinds = wanted_kinds(selection.kinds)
            for row in rows:
                mission, obs_id = selection.mission, str(row.get("obs_id", ""))
                if (mission, obs_id) in known:
                    continue
                known.add((mission, obs_id))
                try:
                    spec = _spec(mission)
                    if spec.has_proprietary and not is_public(row, self._now_mjd):
                        if needs_login is None:
                            needs_login = not self._has_login(mission)
                        if needs_login:
                            self._left_out.append(LeftOut(mission, obs_id, _not_public(row), proprietary=True))
                            continue
                    self._add(spec, selection, kinds, obs_id, row)
                except DaxaError as error:
                    self._left_out.append(LeftOut(mission, obs_id, error.message))

    def _add(self, spec: MissionSpec, selection: Selection, kinds: frozenset[str], obs_id: str, row: Row) -> None:
        raw_folder = str(self._layout.raw_folder(spec.name, obs_id))
        without = frozenset(plan.unwanted_instruments(spec, selection.instruments))
        wish = Wish(spec.name, obs_id, raw_folder, spec.raw_file, kinds, without)
        folders = [folder for folder in folders_of(spec, row) if wish.wants_folder(folder)]
        own = tuple(folder for folder in folders if not folder.shared)
        if not own:
            names = ", ".join(sorted(kinds)).replace("_", " ")
            raise InputError(f"The archive of {spec.label} offers nothing of what was chosen ({names}).")
        item = Item(wish, spec.label, own, self._lane(own[0].service), row, tuple(selection.instruments))
        for folder in folders:
            if folder.shared:
                key = (spec.name, folder.shared, folder.service, folder.path, folder.wanted, kinds, without)
                if key not in self._shared:
                    self._shared[key] = Item(wish, spec.label, (folder,), self._lane(folder.service))
                item.shared.append(self._shared[key])
        self._items.append(item)

    def _lane(self, service: str) -> str:
        if service not in self._lanes:
            self._lanes[service] = plan.plan_lane(service, self._service_url, self._prefer_cloud)
        return self._lanes[service]

    # ---- second: what is in them

    @short_passes()
    def look(
        self, connections_per_host: int, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
    ) -> None:
        """Read all folders, a few at the same time from each host."""
        items = [*self._items, *self._shared.values()]
        questions = Questions(self._service_url, prefer_cloud=self._prefer_cloud, web=self._web)
        questions.ask(items, connections_per_host, progress, cancelled)

    # ---- third: the plan

    @short_passes()
    def result(self) -> DownloadPlan:
        """The plan, in the order of the selections; what is shared stands with the first observation that needs it."""
        merged = Merged(FilesHere(), left_out=list(self._left_out))
        for item in self._items:
            failed = [one.error for one in (item, *item.shared) if one.error is not None]
            if item.error is not None and isinstance(item.error, StatusError) and item.error.says_missing:
                merged.left_out.append(LeftOut(item.wish.mission, item.wish.obs_id, item.error.message))
            elif failed:
                merged.add_problem(item, failed[0])
                merged.requests.append(self._again(item))
            elif not item.found.requests:
                self._nothing(item, merged)
            else:
                merged.add(item)
                for shared in item.shared:
                    merged.add(shared)
        return DownloadPlan(
            tuple(merged.files), tuple(merged.left_out), tuple(merged.sentences()), free_bytes(self._layout.folder),
            tuple(merged.requests),
        )  # fmt: skip

    def _again(self, item: Item) -> JobRequest:
        wish = item.wish
        return plan_request(
            wish.mission, item.row, Path(wish.raw_folder), item.instruments, sorted(wish.kinds),
            service_url=self._service_url, prefer_cloud=self._prefer_cloud,
        )  # fmt: skip

    @staticmethod
    def _nothing(item: Item, merged: Merged) -> None:
        merged.left_out += item.found.left_out
        if not item.found.left_out:
            why = planned.why_nothing(item.wish, item.folders, item.found)
            merged.left_out.append(LeftOut(item.wish.mission, item.wish.obs_id, why))


def proprietary_of(
    observations: Iterable[ArchiveObservation], now_mjd: float, has_login: Callable[[str], bool]
) -> tuple[LeftOut, ...]:
    """Those of an archive that are not public (MJD, UTC) and for which there is no login."""
    logins: dict[str, bool] = {}
    found = []
    for about in observations:
        spec = MISSIONS.get(about.mission)
        if spec is None or not spec.has_proprietary or is_public(about.row, now_mjd):
            continue
        if about.mission not in logins:
            logins[about.mission] = has_login(about.mission)
        if not logins[about.mission]:
            found.append(LeftOut(about.mission, about.obs_id, _not_public(about.row), proprietary=True))
    return tuple(found)


def is_public(row: Row, now_mjd: float) -> bool:
    """Whether an observation's data are public at a time, as far as is known (its `public_mjd` may be missing or infinite)."""
    public_mjd = row.get("public_mjd")
    return not isinstance(public_mjd, (int, float)) or math.isnan(public_mjd) or public_mjd <= now_mjd


def _not_public(row: Row) -> str:
    public_mjd = float(row["public_mjd"])
    if math.isinf(public_mjd):
        return "It is not public yet; from when on is not known."
    return f"It is not public before {mjd_to_text(public_mjd)[:10]}."


def free_bytes(folder: Path) -> int:
    """Free space of the disk that a folder is or will be on; 0 if that cannot be told."""
    try:
        existing = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        return shutil.disk_usage(existing).free
    except (OSError, StopIteration):
        return 0


def flush_downloads() -> None:
    """Bring what was fetched in the last second to the disk itself, so that it survives a power cut."""
    FLUSHER.flush_now()


# -- for the command line ---------------------------------------------------------------------------------------------------


def plan_values(result: DownloadPlan, service_url: Callable[[str], str]) -> dict[str, Any]:
    """A plan as plain JSON.

    `files` (each with mission, obs_id, url, bytes, destination, kind, exact, instrument, optional, here, shared), `bytes` of
    those whose size is known, `exact` (whether that is the whole truth), `to_fetch_bytes`, `free_bytes`, `kinds` (sums),
    `left_out`, `errors` (sentences).
    """
    downloads = [request for request in result.requests if request.kind == "download"]
    files = [plan.file_values(request, file, service_url) for file, request in zip(result.files, downloads, strict=True)]
    problems = list(result.problems)
    problems += [f"{one.mission} {one.obs_id}: {one.reason}" for one in result.left_out if not one.unit and not one.proprietary]
    return {
        "files": files,
        "bytes": sum(file["bytes"] or 0 for file in files),
        "exact": result.is_exact,
        "to_fetch_bytes": result.to_fetch_bytes,
        "free_bytes": result.free_bytes,
        "kinds": [
            {"mission": one.mission, "kind": one.kind, "observations": one.n_observations, "files": one.n_files,
             "bytes": one.bytes, "unknown_sizes": one.n_unknown_sizes, "here": one.n_here}
            for one in result.totals()
        ],
        "left_out": [
            {"mission": one.mission, "obs_id": one.obs_id, "unit": one.unit, "reason": one.reason,
             "proprietary": one.proprietary}
            for one in result.left_out
        ],
        "errors": problems,
    }  # fmt: skip
