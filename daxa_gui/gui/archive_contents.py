"""What the open archive holds, kept in memory for the panels that show it; read on pool threads, renewed where it changes."""

from __future__ import annotations

import pickle
import sys
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.job import Job
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.session import Session

Key = tuple[str, str]  # mission, ObsID
_PAUSE_MS = 500
_MOST_AT_ONCE = 200  # observations whose products are read again; the others follow after the next pause

KIND_LABELS = {
    ProductKind.EVENTS: "Event list",
    ProductKind.CLEAN_EVENTS: "Cleaned event list",
    ProductKind.GTI: "Good-time intervals",
    ProductKind.LIGHTCURVE: "Flare light curve",
    ProductKind.IMAGE: "Image",
    ProductKind.EXPOSURE_MAP: "Exposure map",
    ProductKind.BACKGROUND_MAP: "Background map",
    ProductKind.FINAL_EVENTS: "Final event list",
    ProductKind.SPECTRUM: "Spectrum",
    ProductKind.SOURCE_LIGHTCURVE: "Source light curve",
    ProductKind.RAW: "Raw file",
    ProductKind.CALIBRATED_EVENTS: "Calibrated event list",
    ProductKind.OOT_EVENTS: "Out-of-time events",
    ProductKind.CLEAN_OOT_EVENTS: "Cleaned out-of-time events",
    ProductKind.FINAL_OOT_EVENTS: "Final out-of-time events",
    ProductKind.ALL_GOOD_EVENTS: "All events of good time, with corners",
    ProductKind.ALL_GOOD_OOT_EVENTS: "All out-of-time events of good time",
    ProductKind.FINAL_ALL_GOOD_EVENTS: "All final events of good time, with corners",
    ProductKind.FINAL_ALL_GOOD_OOT_EVENTS: "All final out-of-time events of good time",
    ProductKind.CIF: "Calibration index",
    ProductKind.ODF_SUMMARY: "Summary of the raw data",
    ProductKind.ATTITUDE: "Attitude",
    ProductKind.HISTOGRAM: "Rate histogram",
    ProductKind.ANOMALY_LOG: "CCD states",
    ProductKind.RGS_MERGED: "RGS events, merged",
    ProductKind.RGS_ANGLES: "RGS events with angles",
    ProductKind.RGS_FILES: "Files between RGS stages",
    ProductKind.THRESHOLD_IMAGE: "Threshold image",
    ProductKind.MASK_IMAGE: "Source mask",
    ProductKind.DEFAULT_GTI: "Good time before flares",
    ProductKind.BAD_PIXELS: "Bad pixels",
    ProductKind.FOV_REGION: "Field of view",
    ProductKind.DETECTOR_MASK: "Detector mask",
    ProductKind.ASPECT_SOLUTION: "Aspect solution",
    ProductKind.DEAD_TIME: "Dead time",
    ProductKind.WEIGHTED_EXPOSURE_MAP: "Weighted exposure map",
    ProductKind.FLUX_MAP: "Flux map",
    ProductKind.RATE_MAP: "Rate map",
    ProductKind.PSF_MAP: "PSF map",
    ProductKind.HOT_PIXELS: "Hot pixels",
    ProductKind.REFERENCE_PIXEL: "Reference pixel",
    ProductKind.MAST: "Mast",
    ProductKind.OBEB: "Optical bench",
    ProductKind.PSD: "Position-sensing detectors",
    ProductKind.CORRECTED_PSD: "Position-sensing detectors, corrected",
    ProductKind.OTHER: "Other file",
}
_ORDER = {kind: number for number, kind in enumerate(KIND_LABELS)}


def product_label(product: Product) -> str:
    """« M1S001  Image 0.5–2 keV »; the file's name for one of no known kind."""
    if product.key.kind is ProductKind.OTHER:
        return PurePath(product.path).name
    band = product.key.band_kev
    energies = f" {band[0]:g}–{band[1]:g} keV" if band else ""
    return f"{product.key.unit}  {KIND_LABELS[product.key.kind]}{energies}".strip()


@lru_cache(maxsize=256)
def _unpacked(packed: bytes) -> Any:
    return pickle.loads(zlib.decompress(packed))


def _packed(value: Any) -> bytes:
    return zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), 1)


class Entry:
    """An observation with its products, by unit and kind; other files come last. `words` is what a search looks through.

    An archive has ten thousand of these: the observation's row and the products are kept packed (a tenth of their size), and
    come out of it as values when they are asked for.
    """

    __slots__ = ("_observation", "_products", "key", "labels", "size_bytes", "target", "words")

    def __init__(self, observation: ArchiveObservation, products: Sequence[Product], mission_label: str) -> None:
        self.key: Key = observation.mission, observation.obs_id
        self.target = observation.target
        self.labels = tuple(sys.intern(product_label(product)) for product in products)
        self.size_bytes = sum(product.size_bytes for product in products)
        self.words = f"{observation.obs_id}\n{observation.target}\n{mission_label}".casefold()
        self._observation, self._products = _packed(observation), _packed(tuple(products))

    @classmethod
    def of(cls, observation: ArchiveObservation, products: Iterable[Product], mission_label: str) -> Entry:
        def order(product: Product) -> tuple[bool, str, int, str]:
            key = product.key
            return key.kind is ProductKind.OTHER, key.unit, _ORDER[key.kind], product.path

        return cls(observation, sorted(products, key=order), mission_label)

    def equals(self, other: Entry) -> bool:
        return self._products == other._products and self._observation == other._observation

    @property
    def observation(self) -> ArchiveObservation:
        return _unpacked(self._observation)

    @property
    def products(self) -> tuple[Product, ...]:
        return _unpacked(self._products)


class ArchiveContents(QObject):
    """One per window, kept by its context."""

    replaced = Signal()  # another archive, or none
    entries_changed = Signal(list)  # [Key] whose products changed

    def __init__(self, session: Session, context: Context, bridge: Bridge) -> None:
        super().__init__(context)
        self._session = session
        self._background = context.background
        self._labels = session.mission_labels()
        self.entries: dict[Key, Entry] = {}
        self._sums: tuple[int, int, int] | None = None  # of the present entries
        self.reading = False
        self._outdated: set[Key] = set()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._read_outdated)
        bridge.archive_changed.connect(lambda _path: self.read())
        bridge.archive_content_changed.connect(self.renew)
        bridge.products_added.connect(self._on_products_added)
        bridge.jobs_changed.connect(self._on_jobs_changed)
        self.read()

    @classmethod
    def of(cls, session: Session, context: Context, bridge: Bridge) -> ArchiveContents:
        """The one of this window; made when the first panel asks."""
        existing = context.findChild(cls)
        return existing if existing is not None else cls(session, context, bridge)

    @property
    def n_missions(self) -> int:
        return self._summed()[0]

    @property
    def n_products(self) -> int:
        return self._summed()[1]

    @property
    def size_bytes(self) -> int:
        return self._summed()[2]

    def _summed(self) -> tuple[int, int, int]:
        """Counted once for what is here: panels ask with every change."""
        if self._sums is None:
            entries = self.entries.values()
            missions = {mission for mission, _ in self.entries}
            self._sums = len(missions), sum(len(one.labels) for one in entries), sum(one.size_bytes for one in entries)
        return self._sums

    def read(self) -> None:
        """Everything anew."""
        self.entries, self._sums = {}, None
        self._outdated.clear()
        self.reading = self._session.archive is not None
        self.replaced.emit()
        if self.reading:
            self._background.read(self, "archive", self._read_all, self._on_all_read, self._on_error)
        else:
            self._background.forget(self, "archive")

    def renew(self) -> None:
        """Read everything again while what is here stays; then only what differs changes."""
        if self.reading or self._session.archive is None:
            self.read()
            return
        self.reading = True
        self._background.read(self, "archive", self._read_what_differs, self._on_all_renewed, self._on_error)

    def _read_what_differs(self) -> tuple[dict[Key, Entry], dict[Key, Entry] | None]:
        """All entries, and those that differ from what is here; None where it is not the same observations. On a pool thread."""
        here, entries = self.entries, self._read_all()
        if entries.keys() != here.keys():
            return entries, None
        return entries, {key: entry for key, entry in entries.items() if not entry.equals(here[key])}

    def _on_all_renewed(self, answer: tuple[dict[Key, Entry], dict[Key, Entry] | None]) -> None:
        entries, changed = answer
        if changed is None:
            self._on_all_read(entries)
        else:
            self._on_some_read(changed)

    def _read_all(self) -> dict[Key, Entry]:
        entries = {}
        for observation, products in self._session.iter_contents():
            label = self._labels.get(observation.mission, observation.mission)
            entries[observation.mission, observation.obs_id] = Entry.of(observation, products, label)
        return entries

    def _on_all_read(self, entries: dict[Key, Entry]) -> None:
        self.entries, self._sums, self.reading = entries, None, False
        self.replaced.emit()
        if self._outdated:
            self._pause.start()

    def _on_error(self, error: DaxaError) -> None:
        self.reading = False
        if self._session.archive is not None:  # otherwise it was closed in between, which is no failure
            self._background.failed.emit(error)
        self.replaced.emit()

    # what changes while jobs run

    def _on_products_added(self, products: list[Product]) -> None:
        self._note({(product.key.mission, product.key.obs_id) for product in products})

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        """Jobs that make nothing any more take away what they made."""
        self._note({(job.mission, job.obs_id) for job in jobs if job.kind == "reduce" and job.is_finished})

    def _note(self, keys: set[Key]) -> None:
        self._outdated |= keys
        if self._outdated and not self._pause.isActive():
            self._pause.start()

    def _read_outdated(self) -> None:
        if self.reading:
            return  # goes on when everything has been read
        known = sorted(self._outdated & self.entries.keys())
        keys, self._outdated = set(known[:_MOST_AT_ONCE]), set(known[_MOST_AT_ONCE:])
        if keys:
            self.reading = True
            self._background.read(self, "archive", lambda: self._read_some(keys), self._on_some_read, self._on_error)

    def _read_some(self, keys: set[Key]) -> dict[Key, Entry]:
        """The new entries of those observations whose products changed."""
        changed = {}
        for key in sorted(keys):
            old = self.entries.get(key)
            if old is not None:
                new = Entry.of(old.observation, self._session.products(*key), self._labels.get(key[0], key[0]))
                if new.products != old.products:
                    changed[key] = new
        return changed

    def _on_some_read(self, changed: dict[Key, Entry]) -> None:
        self.reading = False
        here = {key: entry for key, entry in changed.items() if key in self.entries}
        self.entries.update(here)
        self._sums = None
        if here:
            self.entries_changed.emit(list(here))
        if self._outdated:
            self._pause.start()
