"""What the Inspect workspace looks at: exposure or file, events, cleaning parameters and their outcome; shared by its panels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from daxa_gui.core.errors import DaxaError, FileError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.exposures import Exposure, worst_first
from daxa_gui.core.images import SkyImage
from daxa_gui.core.job import Job
from daxa_gui.core.mission_time import mission_time_to_utc_mjd
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.step import Call
from daxa_gui.core.timeseries import FlareCleaning, FlareParameters
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.session import Session

PICTURES = (ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP)


@dataclass(frozen=True)
class Subject:
    """What is looked at. `path` is an event list or, without events, an image; `picture` the chosen image of the exposure."""

    path: str
    exposure: Exposure | None = None
    picture: Product | None = None

    @property
    def same_thing(self) -> tuple[str, str]:
        """Two subjects with the same value show the same events, whatever picture or verdict they have."""
        return (
            self.path,
            "" if self.exposure is None else f"{self.exposure.mission}/{self.exposure.obs_id}/{self.exposure.unit}",
        )


@dataclass(frozen=True, eq=False)
class Sibling:
    """Another exposure of the same observation with its own cleaning."""

    label: str
    cleaning: FlareCleaning


@dataclass(frozen=True, eq=False)
class OpenedFile:
    """What opening a file brought: events with the mission's parameters and the first moment, or an image."""

    events: EventList | None = None
    parameters: FlareParameters | None = None
    zero_s: float = 0.0
    image: SkyImage | None = None


class Inspected(QObject):
    """One per window, kept by its context. Everything slow happens in background reads."""

    exposures_changed = Signal()  # `exposures` or `files`
    subject_changed = Signal()
    events_changed = Signal()  # `events`, `image` or `problem` of the subject
    parameters_changed = Signal()
    cleaning_changed = Signal()  # `cleaning`, or `problem` when it could not be done
    siblings_changed = Signal()

    def __init__(self, session: Session, context: Context, bridge: Bridge) -> None:
        super().__init__(context)
        self._session = session
        self._context = context
        self.exposures: list[Exposure] = []
        self.files: list[str] = []
        self.subject: Subject | None = None
        self.events: EventList | None = None
        self.image: SkyImage | None = None
        self.zero_s = 0.0
        self.automatic: FlareParameters | None = None  # what the mission usually does
        self.stored: FlareParameters | None = None  # what the archive's products were made with
        self.parameters: FlareParameters | None = None  # what is shown
        self.cleaning: FlareCleaning | None = None
        self.siblings: list[Sibling] = []
        self.problem: DaxaError | None = None
        self.reading = False
        self._cleaning_asked: FlareParameters | None = None
        self._cleaning_running = False
        self._wanted: Product | None = context.product  # shown as soon as the exposures are known
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(300)
        self._refresh.timeout.connect(self.refresh_exposures)
        context.product_changed.connect(self._on_context_product_changed)
        context.file_opened.connect(self.open_file)
        bridge.archive_changed.connect(self._on_bridge_archive_changed)
        bridge.jobs_changed.connect(self._on_bridge_jobs_changed)
        bridge.many_jobs_changed.connect(self._refresh.start)
        bridge.products_added.connect(lambda _products: self._refresh.start())
        self.refresh_exposures()

    @classmethod
    def of(cls, session: Session, context: Context, bridge: Bridge) -> Inspected:
        """The one of this window; made when the first panel asks."""
        existing = context.findChild(cls)
        return existing if existing is not None else cls(session, context, bridge)

    # the list of exposures

    def refresh_exposures(self) -> None:
        """Read the archive's exposures again."""
        exposures = self._session.exposures
        read = self._context.background.read
        read(self, "exposures", lambda: worst_first(exposures()), self._on_exposures_read, self._on_list_error)

    def _on_exposures_read(self, exposures: list[Exposure]) -> None:
        self.exposures = exposures
        if self.subject is not None and self.subject.exposure is not None:
            self._renew_subject(self.subject, self.subject.exposure)
        self.exposures_changed.emit()
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._show_product(wanted)

    def _renew_subject(self, subject: Subject, old: Exposure) -> None:
        for exposure in self.exposures:
            if (exposure.mission, exposure.obs_id, exposure.unit) == (old.mission, old.obs_id, old.unit):
                if exposure != old:
                    self.subject = replace(subject, exposure=exposure)
                    self._note_stored_parameters()
                    self.subject_changed.emit()
                return

    def _on_list_error(self, error: DaxaError) -> None:
        self.problem = error
        self.events_changed.emit()

    def _on_bridge_archive_changed(self, _path: str) -> None:
        self.exposures, self._wanted = [], None
        if self.subject is not None and self.subject.exposure is not None:
            self.show(None)
        self.exposures_changed.emit()
        self.refresh_exposures()

    def _on_bridge_jobs_changed(self, jobs: list[Job]) -> None:
        if any(job.kind == "reduce" and job.is_finished for job in jobs) and not self._refresh.isActive():
            self._refresh.start()

    # what is looked at

    def open_file(self, path: str) -> None:
        """Look at a file outside the archive."""
        path = str(Path(path).absolute())
        if path not in self.files:
            self.files.insert(0, path)
        self.show(Subject(path))
        self.exposures_changed.emit()

    def close_file(self, path: str) -> None:
        """Take a file from the list."""
        self.files = [name for name in self.files if name != path]
        if self.subject is not None and self.subject.exposure is None and self.subject.path == path:
            self.show(None)
        self.exposures_changed.emit()

    def exposure_of(self, product: Product) -> Exposure | None:
        """The exposure that a product belongs to."""
        key = product.key
        for exposure in self.exposures:
            if (exposure.mission, exposure.obs_id, exposure.unit) == (key.mission, key.obs_id, key.unit):
                return exposure
        return None

    def _on_context_product_changed(self, product: Product | None) -> None:
        if product is None or product.key.kind is ProductKind.OTHER:
            self._wanted = None
        elif self.exposure_of(product) is not None:
            self._show_product(product)
        else:  # the list of exposures is older than the product, or was not read yet
            self._wanted = product
            self.refresh_exposures()

    def _show_product(self, product: Product) -> None:
        exposure = self.exposure_of(product)
        picture = product if product.key.kind in PICTURES else None
        if exposure is not None:
            self.show(Subject(exposure.raw.path, exposure, picture))
        elif product.key.kind in (ProductKind.EVENTS, ProductKind.CLEAN_EVENTS, *PICTURES):
            self.show(Subject(product.path, None, picture))

    def show(self, subject: Subject | None) -> None:
        """Look at something else (or at nothing)."""
        self._wanted = None
        before, self.subject = self.subject, subject
        if subject is not None and before is not None and subject.same_thing == before.same_thing:
            if subject != before:
                self.subject_changed.emit()
            return
        self.events = self.image = self.automatic = self.parameters = self.cleaning = self.stored = self.problem = None
        self.siblings = []
        self._cleaning_asked, self._cleaning_running = None, False
        self.reading = subject is not None
        self.subject_changed.emit()
        self.events_changed.emit()
        if subject is not None:
            self._read(subject)
        if subject is not None and subject.exposure is not None and subject.exposure.flares is not None:
            self._context.set_job(subject.exposure.flares.id)

    def _read(self, subject: Subject) -> None:
        inspection, path = self._session.inspection, subject.path
        only_events = subject.exposure is not None

        def read() -> OpenedFile:
            try:
                events = inspection.open(path)
            except FileError as error:
                if only_events:
                    raise
                return OpenedFile(image=_image_instead(inspection.read_image, path, error))
            return OpenedFile(events, inspection.default_parameters(events), first_moment_s(events))

        self._context.background.read(self, "open", read, self._on_opened, self._on_open_error)

    def _on_opened(self, opened: OpenedFile) -> None:
        self.reading = False
        self.events, self.image, self.zero_s = opened.events, opened.image, opened.zero_s
        self.automatic = opened.parameters
        self._note_stored_parameters()
        self.parameters = self.stored or opened.parameters
        self.events_changed.emit()
        if self.parameters is not None:
            self.parameters_changed.emit()
            self._ask_cleaning()
            self._read_siblings()

    def _on_open_error(self, error: DaxaError) -> None:
        self.reading = False
        self.problem = error
        self.events_changed.emit()

    def start_utc_mjd(self) -> float | None:
        """MJD (UTC) of the first moment, from which the time axis counts."""
        if self.events is None:
            return None
        events = self.events
        return float(mission_time_to_utc_mjd(self.zero_s, events.mjdref, events.timesys, events.timezero_s))

    # cleaning

    @property
    def is_automatic(self) -> bool:
        return self.parameters == self.automatic

    @property
    def is_stored(self) -> bool:
        """What is shown is what the archive's products were made with."""
        return self.parameters == (self.stored or self.automatic)

    def set_parameters(self, parameters: FlareParameters) -> None:
        """Clean with other parameters; the outcome follows, and while one is worked out only the newest wish waits."""
        if self.events is not None and parameters != self.parameters:
            self.parameters = parameters
            self.parameters_changed.emit()
            self._ask_cleaning()

    def reset_parameters(self) -> None:
        """Back to the mission's automatic cleaning."""
        if self.automatic is not None:
            self.set_parameters(self.automatic)

    def _ask_cleaning(self) -> None:
        self._cleaning_asked = self.parameters
        if not self._cleaning_running:
            self._clean_newest()

    def _clean_newest(self) -> None:
        events, parameters = self.events, self._cleaning_asked
        if events is None or parameters is None:
            return
        self._cleaning_asked, self._cleaning_running = None, True
        clean = self._session.inspection.clean
        self._context.background.read(self, "clean", lambda: clean(events, parameters), self._on_cleaned, self._on_clean_error)

    def _on_cleaned(self, cleaning: FlareCleaning) -> None:
        self.cleaning, self.problem, self._cleaning_running = cleaning, None, False
        self.cleaning_changed.emit()
        self._clean_newest()

    def _on_clean_error(self, error: DaxaError) -> None:
        self.cleaning, self.problem, self._cleaning_running = None, error, False
        self.cleaning_changed.emit()
        self._clean_newest()

    def _note_stored_parameters(self) -> None:
        exposure, usual = self.subject.exposure if self.subject else None, self.automatic
        self.stored = parameters_of(exposure, usual) if exposure is not None and usual is not None else None

    # the other exposures of the observation

    def _read_siblings(self) -> None:
        subject = self.subject.exposure if self.subject else None
        if subject is None:
            self._on_siblings_read([])
            return
        observation = [e for e in self.exposures if (e.mission, e.obs_id) == (subject.mission, subject.obs_id)]
        others = [e for e in observation if e.unit != subject.unit and (e.flares is not None or not e.excluded)]
        inspection = self._session.inspection

        def read() -> list[Sibling]:
            found = []
            for exposure in sorted(others, key=lambda e: e.unit):
                try:
                    events = inspection.open(exposure.raw.path)
                    usual = inspection.default_parameters(events)
                    cleaning = inspection.clean(events, parameters_of(exposure, usual) or usual)
                except DaxaError:
                    continue  # that exposure says so itself when it is looked at
                found.append(Sibling(exposure.unit, cleaning))
            return found

        if others:
            self._context.background.read(self, "siblings", read, self._on_siblings_read)
        else:
            self._on_siblings_read([])

    def _on_siblings_read(self, siblings: list[Sibling]) -> None:
        self.siblings = siblings
        self.siblings_changed.emit()

    # what a person says

    def set_verdict(self, state: str, note: str, on_error: Callable[[DaxaError], None]) -> None:
        """Accept or flag the exposure."""
        exposure = self.subject.exposure if self.subject else None
        if exposure is not None:
            self._decide(lambda: self._session.set_verdict(exposure, state, note), on_error)

    def override(self, note: str, on_error: Callable[[DaxaError], None]) -> None:
        """Use what is shown instead of the automatic cleaning, from this step on."""
        exposure, parameters = self.subject.exposure if self.subject else None, self.parameters
        if exposure is not None and parameters is not None:
            self._decide(lambda: self._session.override(exposure, parameters, note), on_error)

    def _decide(self, decide: Callable[[], Any], on_error: Callable[[DaxaError], None]) -> None:
        self._context.background.act(self, "verdict", decide, lambda _: self.refresh_exposures(), on_error)


def first_moment_s(events: EventList) -> float:
    """Mission seconds of the first good moment, or of the first event of a list without good time; 0 for an empty one."""
    starts = [float(gti.start_s[0]) for gti in events.gti.values() if len(gti)]
    if starts:
        return min(starts)
    return float(events.time_s.min()) if len(events) else 0.0


def parameters_of(exposure: Exposure, usual: FlareParameters) -> FlareParameters | None:
    """The parameters with which the archive cleaned an exposure; None if it did not.

    The step stores None where the mission's own value (`usual`) was meant.
    """
    if exposure.flares is None or not isinstance(exposure.flares.task, Call):
        return None
    stored = exposure.flares.task.arguments
    band, bin_s, limits = stored.get("band_kev"), stored.get("bin_s"), stored.get("limits_ct_s")
    return FlareParameters(
        band_kev=usual.band_kev if band is None else _pair(band),
        bin_s=usual.bin_s if bin_s is None else float(bin_s),
        n_sigma=float(stored.get("n_sigma", usual.n_sigma)),
        limits_ct_s=None if limits is None else _pair(limits),
        added_s=tuple(_pair(pair) for pair in stored.get("added_s") or ()),
        removed_s=tuple(_pair(pair) for pair in stored.get("removed_s") or ()),
    )


def _pair(values: Any) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _image_instead(read_image: Callable[[str], SkyImage], path: str, no_events: FileError) -> SkyImage:
    try:
        return read_image(path)
    except DaxaError:
        raise no_events from None
