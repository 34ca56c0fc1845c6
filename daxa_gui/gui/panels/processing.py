"""The processing: a grid of observations, their units and steps; pipelines and steps to run, time left, where it runs."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QItemSelection, QPoint, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.job import Job
from daxa_gui.core.job_overview import JobGlance
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.software import SoftwareStatus
from daxa_gui.gui.archive_desk import ArchiveDesk
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.everything import Contents, Everything, everything
from daxa_gui.gui.models.jobs import state_word, why
from daxa_gui.gui.models.processing import ProcessingGrid, counts_text
from daxa_gui.gui.models.processing_cells import Cells
from daxa_gui.gui.models.processing_units import to_look_at
from daxa_gui.gui.models.software_words import software_line, software_of, software_sentence
from daxa_gui.gui.overview_feed import OverviewFeed
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.job_text import job_text
from daxa_gui.gui.widgets.processing_bar import ProcessingBar
from daxa_gui.gui.widgets.processing_menu import CellMenu
from daxa_gui.gui.widgets.processing_runs import ProcessingRuns
from daxa_gui.gui.widgets.processing_status import ProcessingStatus
from daxa_gui.gui.widgets.processing_verbs import VERBS, ProcessingVerbs, Verb
from daxa_gui.gui.widgets.processing_view import ProcessingView
from daxa_gui.gui.widgets.run_choice import Preset
from daxa_gui.session import Session

_PAUSE_MS = 300
_APPLY_MS = 100  # changes are shown ten times a second, however many come
_AT_ONCE = 500
_FOLLOW_MS = 1000  # filters and orders by state follow what happens


class ProcessingPanel(QWidget):
    """Buttons act on the selected cells, or on all that are shown while nothing is selected."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._contents = Contents()
        self._everything = Everything()
        self._found: Sequence[SoftwareStatus] = ()
        self._missing: dict[str, str] = {}
        self._desk = ArchiveDesk.of(session, context, bridge)
        self.runs = ProcessingRuns(session, context, self, self._read_status)
        self._pending: dict[int, Job] = {}  # changes that are not shown yet
        self.model = ProcessingGrid(session.steps(), session.mission_labels(), self)
        self._build()
        self._counting = self._timer(_PAUSE_MS, self._read_contents)  # event lists arrive in bursts
        self._applying = self._timer(_APPLY_MS, self._apply_changes)
        self._following = self._timer(_FOLLOW_MS, self._follow)
        bridge.archive_changed.connect(self._on_archive_changed)
        bridge.archive_content_changed.connect(self._counting.start)
        bridge.lane_changed.connect(self.status.set_paused)
        bridge.products_added.connect(self._on_products_added)
        self._feed = OverviewFeed(session, context, bridge, self.model.arranged, ("reduce",), self)
        self._feed.replaced.connect(self._on_jobs_replaced)
        self._feed.changed.connect(self._on_jobs_changed)
        self._feed.read()
        self._read_contents()

    def _timer(self, interval_ms: int, slot: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(slot)
        return timer

    # ---- what it looks like

    def _build(self) -> None:
        self.verbs = ProcessingVerbs(self._act, self._on_run_clicked, self)
        self.run_button, self.step_button = self.verbs.run_button, self.verbs.step_button
        self.retry_button, self.cancel_button = self.verbs.buttons["retry"], self.verbs.buttons["cancel"]
        self.step_button.clicked.connect(lambda _checked=False: self.runs.open_run(self.menu.preset(None)))
        self.verbs.paint(self._context.theme)
        self._context.theme_changed.connect(self.verbs.paint)
        self.bar = ProcessingBar(self._session.mission_labels(), self)
        self.cell = self._label("cellSentence")
        self.cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._build_view()
        self.status = ProcessingStatus(self._session, self._context, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(self._build_software())
        layout.addWidget(self.verbs)
        layout.addWidget(self.bar)
        layout.addLayout(self._build_summary())
        layout.addWidget(self.view, 1)
        layout.addWidget(self.cell)
        layout.addStretch(0)
        layout.addWidget(self.status)
        self.bar.changed.connect(self._on_choice_changed)
        self.bar.fold_all_requested.connect(self.model.collapse_all)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.bar.text.setFocus)

    def _build_software(self) -> QHBoxLayout:
        self.software = ElidedLabel(self)
        self.software.setObjectName("softwareState")
        as_muted(self.software)
        self.doctor_button = QPushButton("&Doctor…", self)
        self.doctor_button.setObjectName("processingDoctor")
        self.doctor_button.setToolTip("Check software, calibration and disks for the steps of this archive's missions")
        self.doctor_button.clicked.connect(lambda _checked=False: self.runs.doctor(None))
        row = QHBoxLayout()
        row.addWidget(self.software, 1)
        row.addWidget(self.doctor_button)
        return row

    def _build_summary(self) -> QHBoxLayout:
        self.summary = self._label("processingSummary")
        self.fetch_button = QPushButton("Files to fetch…", self)
        self.fetch_button.setObjectName("processingFetch")
        self.fetch_button.setToolTip("Choose which kinds of files of a mission are fetched: raw data, event lists …")
        self.fetch_button.clicked.connect(lambda _checked=False: self._on_fetch())
        self.fetch_button.hide()
        row = QHBoxLayout()
        row.addWidget(self.summary, 1)
        row.addWidget(self.fetch_button, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        return label

    def _build_view(self) -> None:
        self.view = view = ProcessingView(self.model, lambda: self._context.theme, self)
        self.menu = CellMenu(self.model, view, self)
        view.selectionModel().selectionChanged.connect(self._on_selection_changed)
        view.activated_cell.connect(self._on_cell_activated)
        view.tip_wanted.connect(self._on_tip_wanted)
        view.fold_requested.connect(lambda row, fold: self.model.set_collapsed([self.model.observation(row)], fold))
        view.menu_wanted.connect(self._on_menu_wanted)
        self.model.arranged_anew.connect(self._on_arranged)
        view.horizontalHeader().customContextMenuRequested.connect(self._on_heading_menu)
        self.menu.verb_chosen.connect(self._act)
        self.menu.run_wanted.connect(self.runs.open_run)
        self.menu.log_wanted.connect(lambda: self._context.show_panel("job_log"))
        self.menu.products_wanted.connect(lambda: self._context.show_workspace("archive"))
        self.menu.inspect_wanted.connect(self._on_cell_activated)
        self.menu.sort_wanted.connect(self.bar.sort_by_step)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)  # the settings may name other folders by now
        self._context.background.read(self, "software", self._session.software, self._on_software_read)
        self.status.read()

    def _read_status(self) -> None:
        self.status.read()

    # ---- what happens

    def _on_software_read(self, found: Sequence[SoftwareStatus]) -> None:
        self._found = found
        self._missing = {status.name: status.message for status in found if not status.found}
        self._show_what_can_run()

    def _on_archive_changed(self, _path: str) -> None:
        self._contents = Contents()
        self._pending.clear()
        self._show_what_can_run()
        self._read_contents()
        self.status.read()

    def _on_jobs_replaced(self, cells: Cells) -> None:
        self._pending.clear()
        self.model.set_cells(cells)
        self._show_what_can_run()
        self._refresh()

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        self._pending.update((job.id, job) for job in jobs)
        if not self._applying.isActive():
            self._applying.start()

    def _apply_changes(self) -> None:
        """Show what changed; so much of it that the window stays quick, and the rest in the next turn."""
        batch = [self._pending.pop(job_id) for job_id in list(self._pending)[:_AT_ONCE]]
        self.model.update_jobs(batch)
        self._refresh()
        if self._pending:
            self._applying.start(5)
            return
        self._applying.setInterval(_APPLY_MS)
        if self.model.is_outdated and not self._following.isActive():
            self._following.start()

    def _follow(self) -> None:
        self.model.follow_filter()
        self._refresh()

    def _on_products_added(self, products: list[Product]) -> None:
        wanted = (ProductKind.EVENTS, ProductKind.RAW)
        if any(product.key.kind in wanted for product in products) and not self._counting.isActive():
            self._counting.start()

    def _read_contents(self) -> None:
        self._context.background.read(self, "contents", self._contents_now, self._on_contents_read, self._on_contents_error)

    def _contents_now(self) -> tuple[Contents, Mapping[tuple[str, str], str]]:
        """What is here, and the names of targets by (mission, ObsID). On a pool thread."""
        if self._session.archive is None:
            return Contents(), {}
        observations = self._session.observations()
        targets = {(one.mission, one.obs_id): one.target for one in observations}
        contents = Contents(tuple(targets), *self._session.data_to_reduce())
        _ = contents.by_mission  # worked out here, not in the thread of the window
        return contents, targets

    def _on_contents_read(self, answer: tuple[Contents, Mapping[tuple[str, str], str]]) -> None:
        self._contents, targets = answer
        self.model.set_targets(targets)
        self._show_what_can_run()
        self._refresh()

    def _on_contents_error(self, error: DaxaError) -> None:
        if self._session.archive is not None:  # otherwise it was closed in between, which is no failure
            self._context.background.failed.emit(error)

    def _show_what_can_run(self) -> None:
        """After the software or the contents of the archive were read: the line of software, the menu, what a click would run."""
        missions, steps, pipelines = self._contents.missions, self._session.steps(), self._session.pipelines()
        wanted = software_of(steps, missions) if self._session.archive is not None else None
        self.software.setText(software_line(self._found, wanted))
        self.software.setToolTip(software_sentence(self._found))
        labels, begun = self._session.mission_labels(), self.model.steps_begun()
        self._everything = everything(self._contents, pipelines, steps, labels, set(self._missing), begun)
        self.verbs.show_pipelines(
            pipelines, missions, self._missing, lambda name: self.runs.open_run(Preset(pipeline=name)), self.runs.doctor
        )

    def _on_choice_changed(self, choice: Any) -> None:
        self.model.choose(choice)
        self._refresh()

    def _on_arranged(self) -> None:
        self.bar.set_missions(self.model.missions())
        self.bar.set_foldable(self.model.has_headings())
        self._refresh()

    def _current(self) -> JobGlance | None:
        index = self.view.currentIndex()
        return self.model.job(index) if self.view.selectionModel().isSelected(index) else None

    def _on_selection_changed(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        if self.view.is_rearranging:
            return
        job = self._current()
        if job is not None:
            self._context.set_job(job.id)
            self._context.set_observation(job.mission, job.obs_id)
        self._refresh()

    def _on_tip_wanted(self, job_id: int, place: QPoint) -> None:
        read, job = self._context.background.read, self._session.job
        read(
            self, "tip", lambda: job_text(job(job_id)), lambda text: self.view.show_tip(job_id, place, text), lambda _error: None
        )

    def _on_cell_activated(self) -> None:
        """Look at the exposure in the Inspect workspace."""
        job = self._current()
        if job is not None:
            products = self._session.products
            read = self._context.background.read
            what = (job.step, job.unit)
            read(self, "products", lambda: (what, products(job.mission, job.obs_id)), self._on_products_read)

    def _on_products_read(self, answer: tuple[tuple[str, str], list[Product]]) -> None:
        (step, unit), products = answer
        made = next((one.makes for one in self.model.steps if one.name == step), ())
        product = to_look_at(made, [one for one in products if one.key.unit == unit])
        if product is None:
            what = f"of {unit} " if unit else ""
            self.runs.say(f"No event list or image {what}is in the archive to be looked at.")
            return
        self._context.set_product(product)
        self._context.show_workspace("inspect")

    # ---- what the buttons and menus do

    def _act(self, verb: Verb) -> None:
        """Do something with the selected jobs, or with all that are shown."""
        acts = {
            "retry": self._session.retry,
            "cancel": self._session.cancel,
            "pause": self._session.pause_jobs,
            "resume": self._session.resume_jobs,
        }
        jobs = self.model.chosen(self.view.selectionModel().selection())
        ids = self.model.ids_of(jobs[verb.allowed[self.model.words_of(jobs)]])
        self.verbs.buttons[verb.name].setEnabled(False)
        if ids:
            self._context.background.act(self, verb.text.replace("&", ""), lambda: acts[verb.name](ids))

    def _on_run_clicked(self) -> None:
        self._show_what_can_run()  # steps may have begun since
        self.runs.run_everything(self._everything.parts)

    def _on_fetch(self) -> None:
        missions = self._everything.without_data or self._everything.without_raw
        self._desk.ask_choice(missions[0] if len(missions) == 1 else "")

    def _on_menu_wanted(self, place: QPoint) -> None:
        self.menu.popup(place, self._locked())

    def _on_heading_menu(self, position: QPoint) -> None:
        header = self.view.horizontalHeader()
        self.menu.popup_heading(header.logicalIndexAt(position), header.mapToGlobal(position))

    # ---- what is shown

    def _locked(self) -> str:
        archive = self._session.archive
        return archive.read_only if archive is not None else ""

    def _refresh(self) -> None:
        has_jobs = self.model.n_all_rows > 0
        for widget in (self.view, self.bar):
            widget.setVisible(has_jobs)
        self._refresh_buttons()
        self.summary.setText(self._summary())
        self.status.set_working(self.model.count_open())
        current = self._current()
        self.cell.setVisible(current is not None)
        if current is not None:
            rest = html.escape(f"{state_word(current)}. {why(current)}".strip())
            self.cell.setText(f"<b>{html.escape(current.title)}</b>: {rest}")

    def _summary(self) -> str:
        if self.model.n_all_rows:
            shown, every = self.model.rowCount(), self.model.n_all_rows
            hidden = f" · {count_text(shown)} of {counted(every, 'row', 'rows')} shown" if self.model.choice.narrows else ""
            return f"{counts_text(self.model.counts())}{hidden}"
        if self._session.archive is None:
            return "No archive is open. Create one in Find, or open one with File › Open archive (Ctrl+O)."
        here, runs = len(self._contents.begin | self._contents.events), self._everything
        if not runs.parts:
            return f"Nothing to reduce yet. {runs.sentence}"
        n_all = counted(len(self._contents.observations), "observation", "observations")
        data = f"Data of {count_text(here)} of {n_all} are here."
        return " ".join((f"{data} « Run everything » runs {runs.runs}.", *runs.reasons, *runs.hints))

    def _refresh_buttons(self) -> None:
        selection = self.view.selectionModel().selection()
        if selection.isEmpty() and not self.model.choice.narrows:
            counts = self.model.counts()
            words = {word for word, number in counts.items() if number}
        else:
            words = self.model.words_in(self.model.chosen(selection))
        possible = {verb.name: self.model.allows(verb.allowed, words) for verb in VERBS}
        self.verbs.refresh(self._everything, self._session.archive is not None, possible, self._locked())
        runs = self._everything
        wanted = runs.without_data or (runs.hints and not self.model.n_all_rows)
        self.fetch_button.setVisible(bool(wanted) and not self._locked())
