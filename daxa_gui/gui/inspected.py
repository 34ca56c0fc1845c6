"""What the Inspect workspace looks at: exposure or file, events, cleaning parameters and their outcome; shared by its panels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.exposures import Exposure, ListRole, worst_first
from daxa_gui.core.images import SkyImage
from daxa_gui.core.job import Job
from daxa_gui.core.mission_time import mission_time_to_utc_mjd
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.timeseries import FlareCleaning, FlareParameters
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.earlier_choice import Earlier
from daxa_gui.gui.inspected_parts import (
    PICTURES,
    OpenedFile,
    Sibling,
    Subject,
    first_moment_s,
    parameters_of,
    read_file,
    read_siblings,
)
from daxa_gui.session import Session

__all__ = ["PICTURES", "Inspected", "Sibling", "Subject", "first_moment_s", "parameters_of"]
_LISTS = (ProductKind.EVENTS, ProductKind.CALIBRATED_EVENTS, ProductKind.CLEAN_EVENTS, ProductKind.FINAL_EVENTS)


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
        self._role: ListRole | None = None  # of lists that a person wants to see, where there is one
        self.earlier = Earlier(session, context, bridge, self)
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
                    self._show_renewed(subject, exposure)
                return

    def _show_renewed(self, subject: Subject, exposure: Exposure) -> None:
        """The same exposure after steps have run: what was made again is read again."""
        before, now = subject.listed, exposure.list_at(subject.path)
        if now is None:
            self.show(Subject(exposure.list_for(self._role).product.path, exposure, subject.picture))
            return
        self.subject = replace(subject, exposure=exposure)
        self._note_stored_parameters()
        self.subject_changed.emit()
        if before is not None and before.product.sha256 != now.product.sha256:
            self._read(self.subject)

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
        observation = [one for one in self.exposures if (one.mission, one.obs_id) == (key.mission, key.obs_id)]
        for exposure in observation:
            if key.unit in exposure.units:
                return exposure
        return next((exposure for exposure in observation if exposure.has_file(product.path)), None)

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
            listed = exposure.list_at(product.path) or exposure.list_for(self._role)
            self.show(Subject(listed.product.path, exposure, picture))
        elif product.key.kind in (*_LISTS, *PICTURES):
            self.show(Subject(product.path, None, picture))

    def show_exposure(self, exposure: Exposure) -> None:
        """Look at an exposure: at the list of the kind that was chosen last, where it has one."""
        listed = exposure.list_for(self._role)
        self.show(Subject(listed.product.path, exposure))
        self._context.set_product(listed.product)

    def choose_list(self, path: str) -> None:
        """Look at another list of the exposure, and at lists of the same kind of the next ones."""
        subject = self.subject
        listed = subject.exposure.list_at(path) if subject is not None and subject.exposure is not None else None
        if subject is not None and listed is not None:
            self._role = listed.role
            self.show(replace(subject, path=path))
            self._context.set_product(listed.product)

    def next_list(self) -> None:
        """The next list of the exposure; after the last one the first."""
        subject = self.subject
        if subject is not None and subject.exposure is not None:
            paths = [one.product.path for one in subject.exposure.all_lists()]
            self.choose_list(paths[(paths.index(subject.path) + 1) % len(paths)] if subject.path in paths else paths[0])

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
        for name in ("open", "clean", "siblings"):  # answers about what was looked at before
            self._context.background.forget(self, name)
        self._cleaning_asked, self._cleaning_running = None, False
        self.reading = subject is not None
        self.subject_changed.emit()
        self.events_changed.emit()
        if subject is not None:
            self._read(subject)
        if subject is not None and subject.exposure is not None and subject.exposure.flares is not None:
            self._context.set_job(subject.exposure.flares.id)

    def _read(self, subject: Subject) -> None:
        inspection, path, only_events = self._session.inspection, subject.path, subject.exposure is not None
        read = self._context.background.read
        read(
            self, "open", lambda: read_file(inspection, path, only_events=only_events), self._on_opened, self._on_open_error
        )  # fmt: skip

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
        is_its_own = self.subject is not None and exposure is not None and self.subject.path == exposure.raw.path
        self.stored = parameters_of(exposure, usual) if exposure is not None and usual is not None and is_its_own else None

    # the other exposures of the observation

    def _read_siblings(self) -> None:
        subject = self.subject.exposure if self.subject else None
        if subject is None:
            self._on_siblings_read([])
            return
        observation = [e for e in self.exposures if (e.mission, e.obs_id) == (subject.mission, subject.obs_id)]
        others = [e for e in observation if e.unit != subject.unit and (e.flares is not None or not e.excluded)]
        inspection = self._session.inspection
        if others:
            self._context.background.read(self, "siblings", lambda: read_siblings(inspection, others), self._on_siblings_read)
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
        if self.subject is not None and self.subject.why_no_override:
            on_error(InputError("Limits by hand cannot be used for this list.", self.subject.why_no_override))
        elif exposure is not None and parameters is not None:
            self._decide(lambda: self._session.override(exposure, parameters, note), on_error)

    def _decide(self, decide: Callable[[], Any], on_error: Callable[[DaxaError], None]) -> None:
        self._context.background.act(self, "verdict", decide, lambda _: self.refresh_exposures(), on_error)
