"""Refreshing catalogues: one mission after the other in a worker process; the last good copy stays until a whole one is here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daxa_gui.core.bus import Bus
from daxa_gui.core.certificate import CatalogueDiff
from daxa_gui.core.errors import Cancelled, DaxaError, InputError, TransferError
from daxa_gui.core.events import CatalogueChanged, CatalogueProgress, Notice
from daxa_gui.core.mission import MissionSpec, TapSource
from daxa_gui.core.registry import resolve
from daxa_gui.finding import Finding, now_mjd
from daxa_gui.missions import MISSIONS

Progress = Callable[[int, int, str], None]
# A mission does not lose this part of its observations from one refresh to the next: then the service, not the sky, changed.
_MOST_LOST = 0.2


def refresh(context: Any, mission: str, folder: str, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Fetch, build, compare and store the catalogue of one mission; runs in a worker process. Returns the difference as JSON.

    Raises
    ------
    TransferError : no source gave a whole catalogue; the message has the reason of each.
    """
    spec: MissionSpec = MISSIONS[mission]
    reasons = []
    for source in spec.sources:
        try:
            return _refresh_from(context, spec, source, Path(folder), addresses[source.service])
        except TransferError as error:
            if (reason := f"{source.service}: {error.message}") not in reasons:
                reasons.append(reason)
            hint, retryable = error.hint, error.retryable
    if not reasons:
        raise InputError(f"{spec.label} has no observation table at any service.", "Its catalogue comes with the program.")
    raise TransferError(" ".join(reasons), hint, retryable=retryable)


def _refresh_from(context: Any, spec: MissionSpec, source: TapSource, folder: Path, address: str) -> dict[str, Any]:
    from daxa_gui.catalogues.build import catalogue_from
    from daxa_gui.catalogues.cache import CatalogueCache
    from daxa_gui.catalogues.compare import compare
    from daxa_gui.remote.tap import fetch_table

    def progress(done: int, total: int, text: str) -> None:
        context.progress(done, total or None, text)

    def cancelled() -> bool:
        try:
            context.check_cancelled()
        except Cancelled:
            return True
        return False

    table, certificate = fetch_table(source, spec.name, address=address, progress=progress, cancelled=cancelled)
    if not len(table):
        raise TransferError(
            f"the table {source.table} has no rows: a mission has observations.",
            "The service may be filling its tables again: try later.",
            retryable=False,
        )
    provenance = f"{len(table)} rows of the table {source.table} at {address}."
    catalogue = catalogue_from(spec, resolve(source.build)(table), provenance=provenance, version=certificate.checksum[:12])
    cache = CatalogueCache(folder)
    old = cache.load(spec)
    if old is not None and len(catalogue) < (1 - _MOST_LOST) * len(old[0]):
        raise TransferError(
            f"the table has {len(catalogue)} rows where {len(old[0])} were known: so many observations do not vanish.",
            "The catalogue in use stays. If the service is right, export the catalogue, remove it and update again.",
            retryable=False,
        )
    now = now_mjd()
    before = old[1].fetched_mjd if old is not None and old[1] is not None else cache.saved_mjd(spec)
    diff = None if old is None else compare(old[0], catalogue, before_mjd=before, after_mjd=now)
    cache.save(spec, catalogue, certificate, origin="fetched")
    return asdict(diff or CatalogueDiff(spec.name, before, now, new=tuple(catalogue.obs_id.tolist())))


def _diff_from(document: Mapping[str, Any]) -> CatalogueDiff:
    changed = {str(obs_id): tuple(names) for obs_id, names in document["changed"].items()}
    lists = {name: tuple(document[name]) for name in ("new", "vanished", "now_public")}
    # JSON has no NaN that every reader knows: a catalogue that was not there before has none for its date
    before = document["before_mjd"]
    return CatalogueDiff(
        str(document["mission"]), float("nan") if before is None else float(before), float(document["after_mjd"]),
        changed=changed, **lists,
    )  # fmt: skip


class Refreshing:
    """`call_process(target, arguments, on_progress=…, cancelled=…)` works in another process; `start` runs a function on a pool
    thread; `addresses()` says where the services answer now; `check_allowed()` raises if the network may not be used."""

    def __init__(
        self,
        finding: Finding,
        bus: Bus,
        call_process: Callable[..., Any],
        start: Callable[[Callable[[], None]], None],
        addresses: Callable[[], Mapping[str, str]],
        check_allowed: Callable[[], None],
    ) -> None:
        self._finding = finding
        self._bus = bus
        self._call_process = call_process
        self._start = start
        self._addresses = addresses
        self._check_allowed = check_allowed
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self._running = False
        self._current = ""
        self._cancelled: set[str] = set()

    def is_refreshing(self, mission: str) -> bool:
        with self._lock:
            return mission == self._current or mission in self._waiting

    def start(self, missions: Sequence[str]) -> None:
        """Refresh these in the background, one after the other; progress and results are announced on the bus."""
        self._check_allowed()
        for mission in missions:
            self._check_refreshable(mission)
        with self._lock:
            new = [m for m in dict.fromkeys(missions) if m not in self._waiting and m != self._current]
            self._waiting.extend(new)
            begin = bool(self._waiting) and not self._running
            self._running = self._running or begin
        for mission in new:
            self._bus.publish(CatalogueProgress(mission, 0, 0, "waiting"))
        if begin:
            self._start(self._work)

    def cancel(self, mission: str) -> None:
        with self._lock:
            waited = mission in self._waiting
            if waited:
                self._waiting.remove(mission)
            elif mission == self._current:
                self._cancelled.add(mission)
        if waited:
            self._bus.publish(CatalogueProgress(mission, 0, 0, "cancelled", running=False))

    def cancel_all(self) -> None:
        for mission in (*self._waiting, self._current):
            self.cancel(mission)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._current = self._waiting.pop(0) if self._waiting else ""
                self._running = bool(self._current)
                mission = self._current
            if not mission:
                return
            self._refresh_and_tell(mission)
            with self._lock:
                self._current = ""
                self._cancelled.discard(mission)

    def _refresh_and_tell(self, mission: str) -> None:
        def progress(done: int, total: int, text: str) -> None:
            self._bus.publish(CatalogueProgress(mission, done, total, text))

        label = self._finding.spec(mission).label
        try:
            diff = self.now(mission, progress)
        except Cancelled:
            self._bus.publish(CatalogueProgress(mission, 0, 0, "cancelled", running=False))
        except DaxaError as error:
            self._bus.publish(CatalogueProgress(mission, 0, 0, "refused", running=False, problem=str(error)))
            message = f"The catalogue of {label} was not refreshed: {error.message}"
            self._bus.publish(Notice("warning", message, error.hint or "The one in use stays."))
        else:
            rows = len(self._finding.real(mission)[0])
            self._bus.publish(CatalogueProgress(mission, rows, rows, sentence_of(diff), running=False))

    def now(self, mission: str, progress: Progress | None = None) -> CatalogueDiff:
        """Refresh one catalogue and wait for it.

        Raises
        ------
        TransferError : no service gave a whole catalogue; the one in use stays.
        Cancelled : `cancel` was called.
        """
        self._check_allowed()
        self._check_refreshable(mission)

        def tell(done: float, total: float | None, text: str = "") -> None:
            if progress is not None:
                progress(int(done), int(total or 0), text)

        arguments = {"mission": mission, "folder": str(self._finding.folder), "addresses": dict(self._addresses())}
        try:
            document = self._call_process(
                "daxa_gui.refreshing:refresh", arguments, on_progress=tell, cancelled=lambda: mission in self._cancelled
            )
        except DaxaError as error:
            self._finding.set_problem(mission, str(error))
            raise
        diff = _diff_from(document)
        self._write_changes(diff)
        self._finding.forget(mission)
        self._finding.catalogue(mission)  # read here and not on the window's thread
        self._bus.publish(CatalogueChanged(mission))
        return diff

    def _check_refreshable(self, mission: str) -> None:
        spec = self._finding.spec(mission)
        if not spec.sources:
            raise InputError(
                f"The catalogue of {spec.label} is complete and comes with the program.", "There is no service to ask for it."
            )

    # ---- what the last refresh brought

    def _changes_path(self, mission: str) -> Path:
        return self._finding.folder / mission / "changes.json"

    def _write_changes(self, diff: CatalogueDiff) -> None:
        document = asdict(diff)
        if document["before_mjd"] != document["before_mjd"]:
            document["before_mjd"] = None
            document["new"] = ()  # all of it is new: a list of all ObsIDs says nothing
        path = self._changes_path(diff.mission)
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(document), encoding="utf-8")
            part.replace(path)
        except OSError as error:
            what = f"What changed in the catalogue of {diff.mission} could not be written down ({error.strerror})."
            self._bus.publish(Notice("warning", what, "The catalogue itself is in order."))

    def changes(self, mission: str) -> CatalogueDiff | None:
        """The difference that the last refresh made; None if there was none, or before the second one."""
        try:
            return _diff_from(json.loads(self._changes_path(mission).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def sentence_of(diff: CatalogueDiff) -> str:
    """« 3 new, 1 vanished, 2 changed, 1 became public »; « nothing changed »."""
    if diff.before_mjd != diff.before_mjd and not diff.is_empty:
        return f"{len(diff.new)} observations"
    counts = ((diff.new, "new"), (diff.vanished, "vanished"), (diff.changed, "changed"), (diff.now_public, "became public"))
    return ", ".join(f"{len(ids)} {word}" for ids, word in counts if ids) or "nothing changed"
