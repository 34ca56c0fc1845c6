"""The processing: a grid of exposures and steps, each cell with its state; run everything, or one step with parameters."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QItemSelection, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.events import Notice
from daxa_gui.core.job import Job
from daxa_gui.core.job_overview import JobGlance
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.software import SoftwareStatus
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import AnyJob, can_cancel, can_retry, ids_where, state_word, why
from daxa_gui.gui.models.processing import Cells, ProcessingGrid
from daxa_gui.gui.overview_feed import OverviewFeed
from daxa_gui.gui.texts import count_text
from daxa_gui.gui.theme import as_muted, paint_primary
from daxa_gui.gui.widgets.run_step import RunStepDialog
from daxa_gui.gui.widgets.state_painter import StateDelegate
from daxa_gui.session import Session

_ORDER = ("running", "queued", "waiting", "stopping", "done", "warned", "excluded", "failed", "skipped", "cancelled")
_PAUSE_MS = 300
_OPTIONAL = "pfiles"  # a folder of a person's own parameter files, which need not be anywhere else than usual


def software_sentence(found: Sequence[SoftwareStatus]) -> str:
    """What was found and what is wrong, a line each; what nobody has here is one line together."""
    lines = [status.message for status in found if status.is_named]
    missing = [status.label for status in found if not status.is_named and status.name != _OPTIONAL]
    if missing:
        lines.append(f"Not found: {', '.join(missing)}. Edit › Settings › Software says where they are looked for.")
    return "\n".join(lines)


class ProcessingPanel(QWidget):
    """Buttons act on the selected cells, or on all while nothing is selected."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._n_raw = 0
        self.model = ProcessingGrid(session.steps(), session.mission_labels(), self)
        self._build()
        self._counting = QTimer(self)  # event lists arrive in bursts
        self._counting.setSingleShot(True)
        self._counting.setInterval(_PAUSE_MS)
        self._counting.timeout.connect(self._count_exposures)
        bridge.archive_changed.connect(self._on_archive_changed)
        bridge.products_added.connect(self._on_products_added)
        self._feed = OverviewFeed(session, context, bridge, self.model.arranged, ("reduce",), self)
        self._feed.replaced.connect(self._on_jobs_replaced)
        self._feed.changed.connect(self._on_jobs_changed)
        self._feed.read()
        self._count_exposures()

    def _build(self) -> None:
        self.software = self._label("softwareState")
        as_muted(self.software)
        self.summary = self._label("processingSummary")
        self.cell = self._label("cellSentence")
        self.cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._build_view()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.software)
        layout.addLayout(self._build_buttons())
        layout.addWidget(self.summary)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.cell)
        layout.addStretch(0)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        return label

    def _build_buttons(self) -> QHBoxLayout:
        self.run_button = self._button("runEverything", "&Run everything", self._on_run_clicked)
        paint_primary(self.run_button, self._context.theme)
        self._context.theme_changed.connect(lambda theme: paint_primary(self.run_button, theme))
        self.step_button = self._button("runStep", "Run &step…", self._on_step_clicked)
        self.retry_button = self._button("retryProcessing", "Retr&y", self._on_retry_clicked)
        self.cancel_button = self._button("cancelProcessing", "Cance&l", self._on_cancel_clicked)
        self._helps = {
            self.run_button: "Run all steps that are still to do, for every event list that is here",
            self.step_button: "Choose a step and its parameters, and see what it would run",
            self.retry_button: "Run failed, skipped and cancelled cells again: those selected, or all while none is selected",
            self.cancel_button: "Stop the selected cells, or all while none is selected (Escape selects nothing)",
        }
        buttons = QHBoxLayout()
        for button in (self.run_button, self.step_button, self.retry_button, self.cancel_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        return buttons

    def _build_view(self) -> None:
        self.view = view = QTableView(self)
        view.setObjectName("processingGrid")
        view.setAccessibleName("Processing: exposures and steps")
        view.setModel(self.model)
        view.setItemDelegate(StateDelegate(lambda: self._context.theme, view))
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setTabKeyNavigation(False)  # Tab leaves the grid; the arrow keys walk in it
        view.setAlternatingRowColors(True)
        view.setCornerButtonEnabled(False)
        view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        view.horizontalHeader().setMinimumSectionSize(94)  # narrower ones scroll
        view.horizontalHeader().setHighlightSections(False)
        view.verticalHeader().setHighlightSections(False)
        view.verticalHeader().setDefaultSectionSize(26)
        view.selectionModel().selectionChanged.connect(self._on_selection_changed)
        view.doubleClicked.connect(self._on_cell_activated)
        for key, slot in ((Qt.Key.Key_Escape, view.clearSelection), (Qt.Key.Key_Return, self._on_cell_activated)):
            shortcut = QShortcut(QKeySequence(key), view, context=Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(slot)

    def _button(self, name: str, text: str, slot: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.clicked.connect(slot)
        return button

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)  # the settings may name other folders by now
        self._context.background.read(self, "software", self._session.software, self._on_software_read)

    # what happens

    def _on_software_read(self, found: Sequence[SoftwareStatus]) -> None:
        self.software.setText(software_sentence(found))
        self.software.setToolTip("\n".join(status.message for status in found))

    def _on_archive_changed(self, _path: str) -> None:
        self._n_raw = 0
        self._count_exposures()

    def _on_jobs_replaced(self, cells: Cells) -> None:
        self.model.set_cells(cells)
        self._refresh()

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        self.model.update_jobs(jobs)
        self._refresh()

    def _on_products_added(self, products: list[Product]) -> None:
        if any(product.key.kind is ProductKind.EVENTS for product in products) and not self._counting.isActive():
            self._counting.start()

    def _count_exposures(self) -> None:
        self._context.background.read(self, "exposures", self._session.count_event_lists, self._on_exposures_counted)

    def _on_exposures_counted(self, count: int) -> None:
        self._n_raw = count
        self._refresh()

    def _current(self) -> JobGlance | None:
        index = self.view.currentIndex()
        return self.model.job(index) if self.view.selectionModel().isSelected(index) else None

    def _on_selection_changed(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        job = self._current()
        if job is not None:
            self._context.set_job(job.id)
            self._context.set_observation(job.mission, job.obs_id)
        self._refresh()

    def _on_cell_activated(self) -> None:
        """Look at the exposure in the Inspect workspace."""
        job = self._current()
        if job is not None:
            products = self._session.products
            read = self._context.background.read
            read(self, "products", lambda: (job.unit, products(job.mission, job.obs_id)), self._on_products_read)

    def _on_products_read(self, answer: tuple[str, list[Product]]) -> None:
        unit, products = answer
        for product in products:
            if product.key.unit == unit and product.key.kind is ProductKind.EVENTS:
                self._context.set_product(product)
                self._context.show_workspace("inspect")
                return
        self._say(f"The event list of {unit} is not in the archive any more.")

    # what the buttons do

    def _act(self, name: str, act: Callable[[list[int]], object], condition: Callable[[AnyJob], bool]) -> None:
        """Do something with the selected jobs, or with all that there are by then."""
        selection = self.view.selectionModel().selection()
        chosen = None if selection.isEmpty() else self.model.chosen(selection)

        def do() -> None:
            act(ids_where(self._session.jobs("reduce") if chosen is None else chosen, condition))

        self._context.background.act(self, name, do)

    def _on_run_clicked(self) -> None:
        self._context.background.act(self, "Run everything", self._session.reduce, self._on_reduce_answered)

    def _on_reduce_answered(self, jobs: list[Job]) -> None:
        if all(job.is_finished for job in jobs):
            self._say("Everything is done already: no step had to run again.")

    def _say(self, text: str) -> None:
        self._session.bus.publish(Notice("information", text))

    def _on_step_clicked(self) -> None:
        dialog = RunStepDialog(self._session, self._context, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.run_requested.connect(self._on_step_requested)
        dialog.open()

    def _on_step_requested(self, steps: list[str], parameters: dict[str, dict[str, Any]]) -> None:
        reduce = self._session.reduce
        self._context.background.act(self, "Run step", lambda: reduce(steps, parameters), self._on_reduce_answered)

    def _on_retry_clicked(self) -> None:
        self.retry_button.setEnabled(False)
        self._act("Retry", self._session.retry, can_retry)

    def _on_cancel_clicked(self) -> None:
        self.cancel_button.setEnabled(False)
        self._act("Cancel", self._session.cancel, can_cancel)

    # what is shown

    def _refresh(self) -> None:
        has_jobs = self.model.rowCount() > 0
        self.view.setVisible(has_jobs)
        self._refresh_buttons()
        if has_jobs:
            counts = self.model.counts()
            self.summary.setText(" · ".join(f"{count_text(counts[word])} {word}" for word in _ORDER if counts[word]))
        elif self._session.archive is None:
            self.summary.setText("No archive is open. Create one in Find, or open one with File › Open archive (Ctrl+O).")
        elif self._n_raw == 0:
            self.summary.setText("No event list has arrived yet. Steps can run as soon as the first one is here.")
        else:
            lists = "1 event list is" if self._n_raw == 1 else f"{count_text(self._n_raw)} event lists are"
            self.summary.setText(f"{lists} here. « Run everything » cleans them of flares and makes images.")
        current = self._current()
        self.cell.setVisible(current is not None)
        if current is not None:
            rest = html.escape(f"{state_word(current)}. {why(current)}".strip())
            self.cell.setText(f"<b>{html.escape(current.title)}</b>: {rest}")

    def _refresh_buttons(self) -> None:
        archive = self._session.archive
        locked = archive.read_only if archive is not None else ""
        for button, help in self._helps.items():
            button.setToolTip(f"{help}. {locked}" if locked else help)
        for button in (self.run_button, self.step_button):
            button.setEnabled(self._n_raw > 0 and not locked)
        selection = self.view.selectionModel().selection()
        if selection.isEmpty():
            counts = self.model.counts()
            retryable = any(counts[word] for word in ("failed", "cancelled", "skipped"))
            cancellable = self.model.count_open() > counts["stopping"]
        else:
            jobs = self.model.chosen(selection)
            retryable, cancellable = any(map(can_retry, jobs)), any(map(can_cancel, jobs))
        self.retry_button.setEnabled(retryable and not locked)
        self.cancel_button.setEnabled(cancellable and not locked)
