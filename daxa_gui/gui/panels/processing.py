"""The processing: a grid of exposures and steps, each cell with its state; run everything, or one step with parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QItemSelection
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

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.product import Product
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import ProcessingGrid, state_word, why
from daxa_gui.gui.theme import as_muted, paint_primary
from daxa_gui.gui.widgets.run_step import RunStepDialog
from daxa_gui.gui.widgets.state_painter import StateDelegate
from daxa_gui.session import Session


class ProcessingPanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._n_raw = 0
        self.model = ProcessingGrid(session.steps(), session.mission_labels(), self)
        self._build()
        bridge.jobs_changed.connect(self._on_jobs_changed)
        bridge.archive_changed.connect(self._on_archive_changed)
        bridge.products_added.connect(self._on_products_added)
        self._on_archive_changed("")

    def _build(self) -> None:
        self.software = QLabel(self)
        self.software.setObjectName("softwareState")
        self.software.setWordWrap(True)
        as_muted(self.software)
        self.software.setText("\n".join(status.message for status in self._session.software()))
        self.summary = QLabel(self)
        self.summary.setObjectName("processingSummary")
        self.summary.setWordWrap(True)
        self.run_button = self._button(
            "runEverything", "&Run everything", "Run all steps that are still to do", self._on_run_clicked
        )
        paint_primary(self.run_button, self._context.theme)
        self._context.theme_changed.connect(lambda theme: paint_primary(self.run_button, theme))
        self.run_button.setAccessibleName("Run everything")
        self.step_button = self._button(
            "runStep", "Run s&tep…", "Choose a step, its parameters, and see what it would run", self._on_step_clicked
        )
        self.retry_button = self._button(
            "retryProcessing",
            "Re&try",
            "Run the failed, skipped and cancelled cells again (selected, or all)",
            self._on_retry_clicked,
        )
        self.cancel_button = self._button(
            "cancelProcessing", "Ca&ncel", "Stop the selected cells, or all", self._on_cancel_clicked
        )
        buttons = QHBoxLayout()
        for button in (self.run_button, self.step_button, self.retry_button, self.cancel_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.view = QTableView(self)
        self.view.setObjectName("processingGrid")
        self.view.setAccessibleName("Processing: exposures and steps")
        self.view.setModel(self.model)
        self.view.setItemDelegate(StateDelegate(lambda: self._context.theme, self.view))
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setAlternatingRowColors(True)
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.view.verticalHeader().setDefaultSectionSize(28)
        self.view.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.view.doubleClicked.connect(self._on_cell_double_clicked)
        self.cell = QLabel(self)
        self.cell.setObjectName("cellSentence")
        self.cell.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.software)
        layout.addLayout(buttons)
        layout.addWidget(self.summary)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.cell)
        layout.addStretch(0)
        for label in (self.software, self.summary, self.cell):
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def _button(self, name: str, text: str, tip: str, slot: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.clicked.connect(slot)
        return button

    # what happens

    def _on_archive_changed(self, _path: str) -> None:
        if self._session.archive is None:
            self.model.set_jobs([])
            self._refresh()
            return
        self._context.background.read(self, "jobs", self._read, self._on_read)

    def _read(self) -> tuple[list[Job], int]:
        return self._session.jobs("reduce"), len(self._session.exposures())

    def _on_read(self, answer: tuple[list[Job], int]) -> None:
        jobs, self._n_raw = answer
        self.model.set_jobs(jobs)
        self._refresh()

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        if any(job.kind == "reduce" for job in jobs):
            self.model.update_jobs(jobs)
            self._refresh()

    def _on_products_added(self, products: list[Product]) -> None:
        if any(product.key.kind == "events" for product in products):
            self._context.background.read(self, "exposures", lambda: len(self._session.exposures()), self._on_exposures_counted)

    def _on_exposures_counted(self, count: int) -> None:
        self._n_raw = count
        self._refresh()

    def _on_selection_changed(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        job = self.model.job(self.view.currentIndex())
        if job is not None:
            self._context.set_job(job.id)
            self._context.set_observation(job.mission, job.obs_id)
        self._refresh()

    def _on_cell_double_clicked(self) -> None:
        job = self.model.job(self.view.currentIndex())
        if job is None:
            return
        for product in self._session.products(job.mission, job.obs_id):
            if product.key.unit == job.unit and product.key.kind == "events":
                self._context.set_product(product)
                self._context.show_workspace("inspect")
                return

    def _chosen(self) -> list[Job]:
        indexes = self.view.selectionModel().selectedIndexes()
        jobs = [job for index in indexes if (job := self.model.job(index)) is not None]
        return jobs if len(jobs) > 1 else self.model.all_jobs()

    def _on_run_clicked(self) -> None:
        self._context.background.read(self, "reduce", self._session.reduce, self._on_reduce_answered, self._on_error)

    def _on_reduce_answered(self, jobs: list[Job]) -> None:
        if all(job.is_finished for job in jobs):
            self._session.bus.publish(Notice("information", "Everything is done already: no step had to run again."))

    def _on_step_clicked(self) -> None:
        dialog = RunStepDialog(self._session, self._context, self)
        dialog.run_requested.connect(self._on_step_requested)
        dialog.open()

    def _on_step_requested(self, steps: list[str], parameters: dict[str, dict[str, Any]]) -> None:
        self._context.background.read(
            self, "reduce", lambda: self._session.reduce(steps, parameters), self._on_reduce_answered, self._on_error
        )

    def _on_retry_clicked(self) -> None:
        self._session.retry([j.id for j in self._chosen() if j.state in (JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED)])

    def _on_cancel_clicked(self) -> None:
        self._session.cancel([job.id for job in self._chosen() if not job.is_finished])

    def _on_error(self, error: DaxaError) -> None:
        self._session.bus.publish(Notice("error", error.message, error.hint))

    # what is shown

    def _refresh(self) -> None:
        jobs = self.model.all_jobs()
        counts = Counter(state_word(job) for job in jobs)
        self.view.setVisible(bool(jobs))
        self.run_button.setEnabled(self._n_raw > 0)
        self.step_button.setEnabled(self._n_raw > 0)
        self.retry_button.setEnabled(any(counts[word] for word in ("failed", "cancelled", "skipped")))
        self.cancel_button.setEnabled(any(not job.is_finished for job in jobs))
        if jobs:
            order = ("running", "queued", "waiting", "done", "warned", "excluded", "failed", "skipped", "cancelled", "stopping")
            self.summary.setText(" · ".join(f"{counts[word]} {word}" for word in order if counts[word]))
        elif self._session.archive is None:
            self.summary.setText("No archive is open. Create one in Find, or open one with File › Open archive.")
        elif self._n_raw == 0:
            self.summary.setText("No event list has arrived yet. Steps can run as soon as the first download is done.")
        else:
            lists = "1 event list is" if self._n_raw == 1 else f"{self._n_raw} event lists are"
            self.summary.setText(f"{lists} here. « Run everything » cleans of flares and makes images.")
        current = self.model.job(self.view.currentIndex())
        self.cell.setVisible(current is not None)
        if current is not None:
            self.cell.setText(f"<b>{current.title}</b>: {state_word(current)}. {why(current)}")
