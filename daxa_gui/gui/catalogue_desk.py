"""The catalogues of all missions as the window knows them: their states, the refreshes under way, and what can be asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from daxa_gui.core.certificate import CatalogueStatus
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import CatalogueProgress, Notice
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.session import Session

OnError = Callable[[DaxaError], None]


class CatalogueDesk(QObject):
    """One per window, kept by its context. Everything that reads or changes a catalogue happens in the background."""

    statuses_changed = Signal()
    progress_changed = Signal(str)  # mission
    offline_changed = Signal(bool)

    def __init__(self, session: Session, context: Context, bridge: Bridge) -> None:
        super().__init__(context)
        self._session = session
        self._context = context
        self.statuses: tuple[CatalogueStatus, ...] = ()
        self.progress: dict[str, CatalogueProgress] = {}
        self.offline: bool = session.offline
        bridge.catalogues_changed.connect(lambda _missions: self.refresh())
        bridge.catalogue_progress.connect(self._on_bridge_progress)
        bridge.practice_progress.connect(self._on_bridge_practice)
        self.refresh()

    @classmethod
    def of(cls, session: Session, context: Context, bridge: Bridge) -> CatalogueDesk:
        """The one of this window; made when the first panel asks."""
        existing = context.findChild(cls)
        return existing if existing is not None else cls(session, context, bridge)

    def status(self, mission: str) -> CatalogueStatus | None:
        return next((status for status in self.statuses if status.mission == mission), None)

    def is_running(self, mission: str) -> bool:
        status = self.status(mission)
        return mission in self.progress or (status is not None and status.refreshing)

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(status.mission for status in self.statuses if self.is_running(status.mission))

    def refresh(self) -> None:
        """Ask for the states anew. Counting may read catalogues, hence not here."""
        session = self._session

        def read() -> tuple[CatalogueStatus, ...]:
            return tuple(session.catalogue_status(spec.name) for spec in session.missions())

        self._context.background.read(self, "statuses", read, self._on_read)

    def _on_read(self, statuses: tuple[CatalogueStatus, ...]) -> None:
        self.statuses = statuses
        self.statuses_changed.emit()

    def _on_bridge_progress(self, event: CatalogueProgress) -> None:
        if event.running:
            self.progress[event.mission] = event
        else:
            self.progress.pop(event.mission, None)
            self.refresh()
        self.progress_changed.emit(event.mission)

    def _on_bridge_practice(self, progress: object) -> None:
        if getattr(progress, "ready", False):
            self.refresh()

    # what can be asked for

    def update(self, missions: Iterable[str]) -> None:
        """Begin to fetch these catalogues anew; events tell how far they are."""
        names = list(missions)
        self._act("update catalogues", lambda: self._session.update_catalogues(names))

    @property
    def refreshable(self) -> tuple[str, ...]:
        """Missions whose catalogues can be fetched and are not being fetched."""
        return tuple(status.mission for status in self.statuses if status.refreshable and not self.is_running(status.mission))

    def update_all(self) -> None:
        names = self.refreshable or tuple(spec.name for spec in self._session.missions() if spec.sources)
        self.update(names)

    def cancel(self, missions: Iterable[str]) -> None:
        names = list(missions)

        def stop() -> None:
            for name in names:
                self._session.cancel_catalogue_update(name)

        self._act("cancel catalogue updates", stop)

    def import_file(
        self, path: Path, mission: str, on_done: Callable[[CatalogueStatus], None], on_error: OnError
    ) -> None:  # fmt: skip
        """Use a catalogue from a file; `mission` empty: the one that the file names."""

        def done(status: CatalogueStatus) -> None:
            self.refresh()
            on_done(status)

        self._context.background.act(
            self, "import catalogue", lambda: self._session.import_catalogue(path, mission), done, on_error
        )

    def export(self, mission: str, path: Path) -> None:
        def done(_nothing: object) -> None:
            self._session.bus.publish(Notice("information", f"The catalogue was written to {path}."))

        self._act("export catalogue", lambda: self._session.export_catalogue(mission, path), done)

    def set_offline(self, offline: bool) -> None:
        if offline == self.offline:
            return
        self.offline = offline
        self.offline_changed.emit(offline)

        def failed(error: DaxaError) -> None:
            self.offline = self._session.offline
            self.offline_changed.emit(self.offline)
            self._tell(error)

        self._context.background.act(
            self, "work offline", lambda: self._session.set_offline(offline), lambda _nothing: self.refresh(), failed
        )

    def _act(self, name: str, function: Callable[[], object], on_done: Callable[[object], None] | None = None) -> None:
        def done(result: object) -> None:
            self.refresh()
            if on_done is not None:
                on_done(result)

        def failed(error: DaxaError) -> None:
            self.refresh()
            self._tell(error)

        self._context.background.act(self, name, function, done, failed)

    def _tell(self, error: DaxaError) -> None:
        self._session.bus.publish(Notice("error", error.message, error.hint, error.details))
