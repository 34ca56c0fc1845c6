"""Looking for the wanted files of a RemoteFolder: through the sources of its service in order, and the folders that replace it.

A source that lacks a folder is believed if it is the service itself; a mirror or a copy may be incomplete. Whatever else goes
wrong with a source, the next one is asked.
"""

from __future__ import annotations

import posixpath
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from daxa_gui.core.errors import TransferError
from daxa_gui.core.mission import RemoteFolder
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.addresses import StatusError, join_url
from daxa_gui.remote.connection import Visit
from daxa_gui.remote.decrypt import SUFFIXES, is_encrypted, name_inside
from daxa_gui.remote.listing import PAGE_TYPES, ListedFile, Listing, Page, is_safe_name, parse_page, read_page
from daxa_gui.remote.listing_s3 import list_s3
from daxa_gui.remote.local_mirror import list_mirror, mirror_path
from daxa_gui.remote.sources import OUTAGES, Outages, Source, available_sources, origin_of
from daxa_gui.remote.wanted import literal_name, name_matcher

MOST_FOLDERS = 1000  # that are read below one recursive folder
MOST_DEPTH = 12
_CANNOT_HEAD = frozenset({404, 405, 410, 501})  # the listing says more

_Answer = TypeVar("_Answer")


class Web(Protocol):
    """What is asked of http services while downloads are planned."""

    def page(self, url: str, types: tuple[str, ...] = PAGE_TYPES) -> Page:
        """The listing at an address; raises as `read_page` does."""

    def size(self, url: str) -> int | None:
        """The size of the file at an address in bytes, None if the server does not say; StatusError if there is none."""


class VisitedWeb:
    """The web itself, through a visit."""

    def __init__(self, ctx: TaskContext, visit: Visit) -> None:
        self._ctx, self._visit = ctx, visit

    def page(self, url: str, types: tuple[str, ...] = PAGE_TYPES) -> Page:
        return read_page(url, self._ctx, self._visit, types)

    def size(self, url: str) -> int | None:
        reply = self._visit.head(url)
        if reply.content_type == "text/html" and not url.lower().endswith((".html", ".htm")):
            raise TransferError(
                f"The server offers a web page instead of {PurePosixPath(url).name}.",
                "It may be under maintenance or ask for a login: look at the address in a browser.",
            )
        return reply.length


class ListingCache:
    """Listings of folders that many observations share, for some minutes. Any thread may ask."""

    def __init__(self, keep_s: float = 120.0, most: int = 64, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep_s, self._most, self._clock = keep_s, most, clock
        self._kept: OrderedDict[tuple[str, str], tuple[float, Listing]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str]) -> Listing | None:
        with self._lock:
            read_s, listing = self._kept.get(key, (0.0, None))
            return listing if listing is not None and self._clock() - read_s < self._keep_s else None

    def put(self, key: tuple[str, str], listing: Listing) -> None:
        with self._lock:
            self._kept[key] = (self._clock(), listing)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


SHARED_LISTINGS = ListingCache()


@dataclass
class Looked:
    """What was found of a folder. `folder` is the one that was read in the end. `files` are the names of those that match, with
    the folder below it in which they are and its listing, which tells their sizes; `locked` are encrypted ones."""

    folder: RemoteFolder
    files: list[tuple[str, str, Listing]] = field(default_factory=list)
    locked: list[tuple[str, str, Listing]] = field(default_factory=list)

    def add(self, below: str, listing: Listing, matches: Callable[[str], bool]) -> None:
        """The files of a listing that match; an encrypted one does if what is inside would."""
        names = listing.names
        together = "\n".join(names).lower()
        if any(suffix in together for suffix in SUFFIXES):  # seldom; looking at each name would take long
            self.locked += [(below, one, listing) for one in names if is_encrypted(one) and matches(name_inside(one))]
            names = [name for name in names if not is_encrypted(name)]
        self.files += [(below, name, listing) for name in names if matches(name)]


class FolderReader:
    """Reads the folders of one observation; a folder that is needed twice is read once. For one thread.

    Parameters
    ----------
    ctx : asked for addresses and cancelling, told what is tried.
    web : how http services are asked.
    prefer_cloud : copies of a service are asked before the service itself.
    impatient : a folder all of whose sources were found to be down a short time ago is not asked for again.
    """

    def __init__(
        self,
        ctx: TaskContext,
        web: Web,
        *,
        prefer_cloud: bool = False,
        impatient: bool = False,
        outages: Outages = OUTAGES,
        shared: ListingCache = SHARED_LISTINGS,
    ) -> None:
        self._ctx, self._web, self._outages, self._shared = ctx, web, outages, shared
        self._prefer_cloud, self._impatient = prefer_cloud, impatient
        self._sources: dict[str, tuple[Source, ...]] = {}
        self._listings: dict[tuple[str, str], Listing] = {}
        self._roots: dict[str, str] = {}  # of the observation, by service
        self._trees: dict[tuple[str, str], dict[str, Listing]] = {}

    def start_observation(self, obs_id: str, folders: Sequence[RemoteFolder]) -> None:
        """Forget the observation before; `folders` are those that this one is asked about.

        Where several lie in one folder of the observation, a service that can list everything below it is asked once for all.
        """
        self._listings.clear()
        self._trees.clear()
        self._roots.clear()
        if len(folders) > 1:
            own = [one for folder in folders if not folder.shared for one in _candidates(folder) if not one.query]
            for service in {one.service for one in own}:
                paths = [one.path.strip("/") for one in own if one.service == service]
                root = posixpath.commonpath(paths) if all(paths) else ""
                if obs_id and obs_id.lower() in root.rpartition("/")[2].lower():
                    self._roots[service] = root

    def sources(self, service: str) -> tuple[Source, ...]:
        """The sources of a service that have an address, in order; TransferError if none has."""
        if service not in self._sources:
            self._sources[service] = available_sources(service, self._ctx.service_url, prefer_cloud=self._prefer_cloud)
        return self._sources[service]

    def find(self, folder: RemoteFolder) -> Looked:
        """The wanted files of a folder, or of the first one of those that replace it that is there.

        Raises
        ------
        StatusError : the folder is missing, and so are all that could replace it.
        TransferError : a service that should know does not answer, or something else than a listing.
        """
        problems: list[TransferError] = []
        for candidate in _candidates(folder):
            try:
                return self._find(candidate)
            except TransferError as error:
                problems.append(error)
                if candidate.otherwise:
                    self._ctx.log(f"{candidate.path} of {candidate.service}: {error.message} The next source is asked.")
        raise _worst(problems)

    def _find(self, folder: RemoteFolder) -> Looked:
        if ".." in folder.path.split("/"):
            raise TransferError(f"« {folder.path} » is not a folder of an archive service.", retryable=False)
        if folder.query:
            self.sources(folder.service)
            if not is_safe_name(folder.wanted):
                raise TransferError(f"« {folder.wanted} » cannot be the name of a file.", retryable=False)
            return Looked(folder, [("", folder.wanted, Listing([ListedFile(folder.wanted)]))])
        return self._ask(folder.service, lambda source: self._look_at(source, folder))

    def _ask(self, service: str, question: Callable[[Source], _Answer]) -> _Answer:
        sources = self._outages.sorted(self.sources(service), lambda source: source.address)
        if self._impatient and all(self._outages.is_down(source.address) for source in sources):
            raise DownError(f"{sources[0].lane.removeprefix('host:')} does not answer.", "It is tried again later.")
        problems: list[TransferError] = []
        for source in sources:
            try:
                answer = question(source)
            except TransferError as error:
                is_down = self._outages.note(source.address, error)
                is_authority = source.service == service or origin_of(source.service) != origin_of(service)
                if is_authority and isinstance(error, StatusError) and error.says_missing:
                    raise
                problems.append(error)
                if source is not sources[-1]:
                    self._ctx.log(f"{source.service}{' is down' if is_down else ''}: {error.message} The next source is asked.")
            else:
                self._outages.answered(source.address)
                return answer
        raise _worst(problems)

    def _look_at(self, source: Source, folder: RemoteFolder) -> Looked:
        name = "" if folder.recursive else literal_name(folder.wanted)
        if name and self._cached(source, folder) is None:
            try:
                return Looked(folder, [("", name, Listing([self._known_file(source, folder.path, name)]))])
            except StatusError as error:
                if error.status not in _CANNOT_HEAD:
                    raise
                self._ctx.log(f"{name} cannot be asked for by its name ({error.status}): the folder's listing is read.")
        looked, matches = Looked(folder), name_matcher(folder.wanted)
        for below, listing in self._listings_of(source, folder):
            looked.add(below, listing, matches)
        return looked

    def _known_file(self, source: Source, path: str, name: str) -> ListedFile:
        if not is_safe_name(name):
            raise TransferError(f"« {name} » cannot be the name of a file.", retryable=False)
        if source.is_local:
            size: int | None = mirror_path(source.address, f"{path.strip('/')}/{name}").stat().st_size
        elif (tree := self._tree(source, path)) is not None:
            found = next((one for one in tree.entries() if one.name == name), None)
            if found is None:
                raise StatusError(404, f"There is no {name} in {path} of {source.service}.")
            return found
        else:
            size = self._web.size(join_url(source.address, f"{path.strip('/')}/{name}"))
        return ListedFile(name, size, size is not None)

    def _listings_of(self, source: Source, folder: RemoteFolder) -> Iterator[tuple[str, Listing]]:
        """The listing of a folder ("") and, if it is recursive, of those below it, by the path below it."""
        if not folder.recursive:
            yield "", self._list(source, folder.path, shared=bool(folder.shared))
            return
        if source.lists_as_s3:
            yield from list_s3(source.address, folder.path, self._web.page, recursive=True).items()
            return
        # one folder after another, the nearer ones first
        waiting, n_read = [""], 0
        while waiting:
            below = waiting.pop(0)
            listing = self._list(source, f"{folder.path.rstrip('/')}/{below}".rstrip("/"), shared=bool(folder.shared))
            yield below, listing
            n_read += 1
            waiting += [f"{below}/{name}".lstrip("/") for name in listing.folders if below.count("/") < MOST_DEPTH]
            if n_read + len(waiting) > MOST_FOLDERS:
                raise TransferError(f"{folder.path} has more than {MOST_FOLDERS} folders below it.", retryable=False)

    def _cached(self, source: Source, folder: RemoteFolder) -> Listing | None:
        key = (source.address, folder.path.strip("/"))
        return self._known(key, shared=bool(folder.shared))

    def _known(self, key: tuple[str, str], *, shared: bool) -> Listing | None:
        found = self._listings.get(key)
        return self._shared.get(key) if found is None and shared else found

    def _list(self, source: Source, path: str, *, shared: bool) -> Listing:
        key = (source.address, path.strip("/"))
        found = self._known(key, shared=shared)
        if found is None:
            if source.is_local:
                found = list_mirror(source.address, path)
            elif source.lists_as_s3:
                found = self._tree(source, path) or list_s3(source.address, path, self._web.page)[""]
            else:
                found = parse_page(self._web.page(join_url(source.address, path).rstrip("/") + "/"))
            if shared:
                self._shared.put(key, found)
        self._listings[key] = found
        return found

    def _tree(self, source: Source, path: str) -> Listing | None:
        """The listing of a folder of the observation from one question for all of them; None where that cannot be asked.

        Raises
        ------
        StatusError : there is no such folder.
        """
        root, path = self._roots.get(origin_of(source.service), ""), path.strip("/")
        if not root or not source.lists_as_s3 or not f"{path}/".startswith(f"{root}/"):
            return None
        key = (source.address, root)
        if key not in self._trees:
            try:
                self._trees[key] = list_s3(source.address, root, self._web.page, recursive=True)
            except StatusError as error:
                if not error.says_missing:
                    raise
                self._trees[key] = {}
        tree, relative = self._trees[key], path[len(root) :].strip("/")
        if relative in tree:
            return tree[relative]
        if any(below.startswith(f"{relative}/") for below in tree):
            return Listing()  # a folder of folders
        raise StatusError(404, f"There is no folder {path} in {source.address}.", "The copy may lack it.")


class DownError(TransferError):
    """No source of a service answered a short time ago; it was not asked again."""


def _candidates(folder: RemoteFolder) -> Iterator[RemoteFolder]:
    yield folder
    for other in folder.otherwise:
        yield from _candidates(other)


def _worst(problems: list[TransferError]) -> TransferError:
    """Of several failures the one that says most: what may pass by waiting, then what the service itself said first."""
    return next((problem for problem in problems if problem.retryable), problems[0])
