"""Asking services about many observations at the same time, and putting the answers together into one plan."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from daxa_gui.core.download_plan import LeftOut, PlannedFile
from daxa_gui.core.errors import Cancelled, DaxaError
from daxa_gui.core.mission import RemoteFolder
from daxa_gui.core.step import Call, JobRequest
from daxa_gui.remote.connection import Visit
from daxa_gui.remote.here import FilesHere
from daxa_gui.remote.looking import DownError, FolderReader, ListingCache, VisitedWeb, Web
from daxa_gui.remote.plan import LookingContext
from daxa_gui.remote.planned import Found, plan_folder, raise_if_nothing
from daxa_gui.remote.sources import Outages
from daxa_gui.remote.wanted import Wish

Progress = Callable[[int, int, str], None]
_LOOK_S = 0.1  # how often progress is told and cancelling asked for


@dataclass
class Item:
    """An observation, or what several observations share, whose folders one thread reads."""

    wish: Wish
    label: str  # of the mission
    folders: tuple[RemoteFolder, ...]
    lane: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)
    instruments: tuple[str, ...] = ()
    shared: list[Item] = field(default_factory=list)
    found: Found = field(default_factory=Found)
    error: DaxaError | None = None
    is_merged: bool = False


class _State:
    """What the threads of one planning share."""

    def __init__(self, n_items: int) -> None:
        self.n_items, self.done, self.text = n_items, 0, ""
        self.stop, self.ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()

    def count(self, text: str) -> None:
        with self._lock:
            self.done += 1
            self.text = text

    def check_cancelled(self) -> None:
        if self.stop.is_set():
            raise Cancelled


class Questions:
    """Reads the folders of many items with a few threads per host.

    Parameters
    ----------
    service_url : gives the address of a service; empty for one that is not available.
    prefer_cloud : copies of a service in the cloud are asked before the service itself.
    web : in place of the real one (tests, benchmarks); any thread may use it.
    """

    def __init__(self, service_url: Callable[[str], str], *, prefer_cloud: bool = False, web: Web | None = None) -> None:
        self._service_url, self._prefer_cloud, self._web = service_url, prefer_cloud, web
        # A person who asks for a plan means: now, whatever was down or listed some minutes ago.
        self._outages, self._listings = Outages(), ListingCache()

    def ask(
        self,
        items: Sequence[Item],
        connections_per_host: int,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Fill `found` or `error` of every item. `progress` and `cancelled` are called from the calling thread.

        Raises
        ------
        Cancelled : `cancelled` said so.
        """
        lanes: dict[str, deque[Item]] = {}
        for item in items:
            lanes.setdefault(item.lane, deque()).append(item)
        state = _State(len(items))
        n_threads = {lane: max(1, min(connections_per_host, len(waiting))) for lane, waiting in lanes.items()}
        with ThreadPoolExecutor(sum(n_threads.values()) or 1, "planning") as pool:
            futures = [pool.submit(self._work, lanes[lane], state) for lane, n in n_threads.items() for _ in range(n)]
            try:
                while not all(future.done() for future in futures):
                    state.ended.wait(_LOOK_S)
                    state.ended.clear()
                    if cancelled is not None and cancelled():
                        raise Cancelled
                    if progress is not None:
                        progress(state.done, state.n_items, state.text)
                for future in futures:
                    future.result()
            finally:
                state.stop.set()
        if progress is not None:
            progress(state.n_items, state.n_items, "")

    def _work(self, waiting: deque[Item], state: _State) -> None:
        """One thread: take what waits for a host until nothing does."""
        context = LookingContext(self._service_url, state.check_cancelled)
        try:
            with self._reader(context) as reader:
                while waiting and not state.stop.is_set():
                    try:
                        item = waiting.popleft()
                    except IndexError:  # another thread was quicker
                        break
                    self._look_at(reader, item)
                    state.count(f"{item.label} {item.wish.obs_id}")
        finally:
            state.ended.set()

    @contextmanager
    def _reader(self, context: LookingContext) -> Iterator[FolderReader]:
        with Visit(context) as visit:
            web = self._web or VisitedWeb(context, visit)
            yield FolderReader(
                context, web, prefer_cloud=self._prefer_cloud, impatient=True, outages=self._outages, shared=self._listings
            )

    def _look_at(self, reader: FolderReader, item: Item) -> None:
        reader.start_observation(item.wish.obs_id, item.folders)
        try:
            for folder in item.folders:
                plan_folder(reader, item.wish, folder, item.found, prefer_cloud=self._prefer_cloud)
            if not item.folders[0].shared:
                raise_if_nothing(item.wish.obs_id, item.found)
        except DaxaError as error:
            item.error = error


@dataclass
class Merged:
    """The plan while it grows; a file that two selections or observations need is in it once."""

    here: FilesHere
    files: list[PlannedFile] = field(default_factory=list)
    requests: list[JobRequest] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    down: dict[str, int] = field(default_factory=dict)
    known: set[tuple[str, str, str]] = field(default_factory=set)
    packed: set[tuple[str, str]] = field(default_factory=set)  # tar files that came up before

    def add(self, item: Item) -> None:
        if item.is_merged:
            return
        item.is_merged = True
        label, obs_id = item.label, item.wish.obs_id
        self.problems += [f"{label} {obs_id}: {warning}" for warning in item.found.warnings]
        self.left_out += item.found.left_out
        for file, request in zip(item.found.files, item.found.requests, strict=True):
            if (identity := (request.mission, request.obs_id, request.unit)) in self.known:
                continue
            self.known.add(identity)
            if self._comes_with_another(file, request):
                file = replace(file, size_bytes=0, exact=True)
            self.files.append(replace(file, here=True) if self.here.has(request) else file)
            self.requests.append(request)

    def _comes_with_another(self, file: PlannedFile, request: JobRequest) -> bool:
        """Whether it is a tar file that is fetched for another observation, whose members are in it too (eROSITA's fields)."""
        arguments = request.task.arguments if isinstance(request.task, Call) else {}
        if arguments.get("unpack") != "tar" or arguments.get("query"):
            return False
        remote = (file.service, file.path)
        if remote in self.packed:
            return True
        self.packed.add(remote)
        return False

    def add_problem(self, item: Item, error: DaxaError) -> None:
        if isinstance(error, DownError):
            self.down[error.message] = self.down.get(error.message, 0) + 1
        else:
            self.problems.append(f"{item.label} {item.wish.obs_id}: {error}")

    def sentences(self) -> list[str]:
        later = "they are planned again when the archive downloads."
        return [*self.problems, *(f"{message} Not asked about: {n} observations; {later}" for message, n in self.down.items())]
