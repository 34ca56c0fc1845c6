"""The dialog that makes an archive: its name, what goes into it, what that means in files and bytes, and where it will be."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.download_plan import DownloadPlan
from daxa_gui.core.errors import ArchiveError, DaxaError, InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone
from daxa_gui.core.selection import Selection
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.plan_digest import PlanDigest
from daxa_gui.gui.models.rates import RateMeter, left_text
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_heading, paint_primary
from daxa_gui.gui.widgets.archive_choice import ArchiveChoice, ArchiveContent, Choice
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.long_work import LongWork, Progress
from daxa_gui.gui.widgets.plan_view import PlanView
from daxa_gui.session import Session

_EXPLANATION = (
    "« Look what there is » asks the archives which files there are and how large they are. Nothing is fetched by it, and it may "
    "take minutes for thousands of observations. Without it this is found out while the downloads go on."
)


def suggested_name(stack: FilterStack, session: Session) -> str:
    """From the object that was searched, otherwise from the day (UTC); a number is added where the name is taken."""
    objects = [row.filter.position.name for row in stack.rows if row.enabled and isinstance(row.filter, Cone)]
    base = re.sub(r"[^a-z0-9+-]+", "_", next((name for name in objects if name), "").lower()).strip("_-")[:40]
    base = base or f"search_{time.strftime('%Y-%m-%d', time.gmtime())}"
    for number in range(1, 1000):
        name = base if number == 1 else f"{base}_{number}"
        try:
            session.check_archive_name(name)
        except (ArchiveError, InputError):
            continue
        return name
    return ""


def chosen_selections(selections: Sequence[Selection], choice: Choice) -> list[Selection]:
    """The selections of the chosen missions, with the chosen instruments and kinds."""
    return [
        replace(selection, instruments=choice[selection.mission].instruments, kinds=choice[selection.mission].kinds)
        for selection in selections
        if selection.mission in choice
    ]


class CreateArchiveDialog(QDialog):
    """Accepted when the archive was made and its downloads have begun; can be cancelled until then. The window behind it stays
    usable: planning may take minutes. The filters are those of the moment in which it was opened."""

    def __init__(
        self,
        session: Session,
        context: Context,
        contents: Sequence[ArchiveContent],
        selections: Callable[[], Sequence[Selection]],
        name: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("createArchiveDialog")
        self.setWindowTitle("Create archive")
        self._session = session
        self._context = context
        self._selections = selections
        self._plan: tuple[Choice, list[Selection], DownloadPlan] | None = None
        self._is_creating = False
        # made in the order in which the Tab key visits them
        self._build_name(name)
        self.choice = ArchiveChoice(contents, {c.mission.name: session.kinds(c.mission.name) for c in contents}, self)
        self._build_look()
        self.plan_view = PlanView(session.mission_labels(), self)
        self._build_buttons()
        self._build(contents)
        self.name.textChanged.connect(lambda _text: self._check())
        self.choice.changed.connect(self._check)
        self.work.finished.connect(self._check)
        self.plan_view.log_in_requested.connect(self._on_log_in)
        context.theme_changed.connect(self._on_theme_changed)
        if parent is not None:
            parent.window().installEventFilter(self)
        self._check()
        self.resize(780, 640)
        self.name.setFocus()

    # ---- what it looks like

    def _build_name(self, name: str) -> None:
        self.name = QLineEdit(name, self)
        self.name.setObjectName("archiveName")
        self.name.setAccessibleName("Name of the archive")
        self.name.setToolTip("The name of the archive and of its folder")
        self.name.selectAll()
        self.problem = problem_label(self)
        self.problem.setObjectName("archiveNameProblem")
        self.place = ElidedLabel(self)
        self.place.setObjectName("archivePlace")

    def _build_look(self) -> None:
        self.look_button = QPushButton("&Look what there is", self)
        self.look_button.setObjectName("lookWhatThereIs")
        self.look_button.setToolTip("Ask the archives which files there are and how large they are; nothing is fetched")
        self.look_button.clicked.connect(lambda _checked=False: self.look())
        self.work = LongWork("planProgress", self)
        self.work.stop_button.setToolTip("Stop asking; what was found out so far is dropped")
        self.work.stop_button.setText("&Stop")
        self.work.stop_button.setAutoDefault(False)
        self.work.bar.setToolTip("How many observations have been asked about")
        self.choice_problem = problem_label(self)
        self.choice_problem.setObjectName("archiveChoiceProblem")
        self.look_problem = problem_label(self)
        self.look_problem.setObjectName("planProblem")

    def _build_buttons(self) -> None:
        self._busy = QProgressBar(self)
        self._busy.setObjectName("archiveBusy")
        self._busy.setAccessibleName("The archive is being made")
        self._busy.setRange(0, 0)
        self._busy.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setObjectName("createArchiveNow")
        self.ok.setIcon(QIcon())  # some desktops put one there that has no contrast to a filled button
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("createArchiveCancel")
        cancel.setToolTip("Make no archive (Escape)")
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)

    def _build(self, contents: Sequence[ArchiveContent]) -> None:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        label = QLabel("&Name", self)
        label.setBuddy(self.name)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.name, 0, 1)
        grid.addWidget(self.problem, 1, 1)
        grid.addWidget(muted_label("Folder"), 2, 0)
        grid.addWidget(self.place, 2, 1)
        total = sum(content.observations for content in contents)
        heading = QLabel(f"{counted(total, 'observation', 'observations')} of {counted(len(contents), 'mission', 'missions')}")
        heading.setObjectName("archiveTotal")
        as_heading(heading)
        self._explanation = muted_label(_EXPLANATION)
        self._explanation.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.plan_view.hide()
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(grid)
        layout.addWidget(heading)
        layout.addWidget(self._build_halves(), 1)
        layout.addWidget(self._busy)
        layout.addWidget(self.buttons)

    def _build_halves(self) -> QSplitter:
        """What is chosen above, what it means below."""
        below = QWidget(self)
        look = QHBoxLayout()
        look.addWidget(self.look_button)
        look.addWidget(self.work, 1)
        look.addStretch(0)
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.choice_problem)
        column.addLayout(look)
        column.addWidget(self.look_problem)
        column.addWidget(self._explanation, 1)
        column.addWidget(self.plan_view, 1)
        self._halves = QSplitter(Qt.Orientation.Vertical, self)
        self._halves.setChildrenCollapsible(False)
        self.choice.setMinimumHeight(90)
        self._halves.addWidget(self.choice)
        self._halves.addWidget(below)
        self._halves.setSizes([400, 110])
        return self._halves

    # ---- what can be done now

    @property
    def has_fresh_plan(self) -> bool:
        """Whether there is a plan of just what is chosen now."""
        return self._plan is not None and self._plan[0] == self.choice.choice()

    def _check(self) -> None:
        name = self.name.text().strip()
        problem = ""
        try:
            self._session.check_archive_name(name)
        except (InputError, ArchiveError) as error:
            problem = str(error) if name else "The archive needs a name."
        show_problem(self.problem, problem)
        folder = self._session.archives_folder() / "archives"
        self.place.setText(f"{folder / name if not problem else folder}")
        self.place.setToolTip(self.place.text())
        nothing = self.choice.problem()
        show_problem(self.choice_problem, nothing)
        fresh, looking = self.has_fresh_plan, self.work.is_running
        if self._plan is not None:
            self.plan_view.set_outdated(not fresh)
        self.look_button.setText("&Look again" if self._plan is not None else "&Look what there is")
        self.look_button.setVisible(not looking)
        self.look_button.setEnabled(not nothing and not self._is_creating)
        self.ok.setEnabled(not problem and not nothing and not looking and not self._is_creating)
        self.ok.setText("&Create and download" if fresh else "&Create without looking")
        self.ok.setToolTip(
            "Make the archive and begin to download these files"
            if fresh
            else "Make the archive at once; which files there are is found out while the downloads go on"
        )
        for widget in (self.name, self.choice, self.buttons.button(QDialogButtonBox.StandardButton.Cancel)):
            widget.setEnabled(not self._is_creating)
        self._busy.setVisible(self._is_creating)
        self._paint_buttons()

    def _paint_buttons(self) -> None:
        """The button that goes on is filled and is what Enter means."""
        main, other = (self.ok, self.look_button) if self.has_fresh_plan else (self.look_button, self.ok)
        paint_primary(main, self._context.theme)
        other.setStyleSheet("")
        main.setDefault(True)

    def _on_theme_changed(self, _theme: object) -> None:
        self._paint_buttons()

    # ---- looking

    def look(self) -> None:
        """Plan the downloads in the background; the answer is shown if nobody stops it."""
        choice, session, labels = dict(self.choice.choice()), self._session, self._session.mission_labels()
        selections = self._selections

        def plan(progress: Progress, cancelled: Callable[[], bool]) -> Any:
            chosen = chosen_selections(selections(), choice)
            found = session.plan_downloads(chosen, progress=_told(progress), cancelled=cancelled)
            return choice, chosen, found, PlanDigest.of(found, labels)

        show_problem(self.look_problem, "")
        self.work.run(plan, self._on_planned, lambda error: show_problem(self.look_problem, str(error)))
        self._check()
        self.work.stop_button.setFocus()

    def _on_planned(self, answer: tuple[Choice, list[Selection], DownloadPlan, PlanDigest]) -> None:
        choice, selections, plan, digest = answer
        self._plan = choice, selections, plan
        self.plan_view.show_plan(digest)
        if self.plan_view.isHidden():
            self._explanation.hide()
            self.plan_view.show()
            self._halves.setSizes([200, 320])
        self._check()
        (self.ok if self.ok.isEnabled() and self.has_fresh_plan else self.look_button).setFocus()

    def _on_log_in(self) -> None:
        from daxa_gui.gui.widgets.credentials_dialog import CredentialsDialog

        dialog = CredentialsDialog(self._session, "", self)
        dialog.changed.connect(lambda _service: self._on_login_changed())
        dialog.open()

    def _on_login_changed(self) -> None:
        """A plan that left something out for want of a login is not worth much any more."""
        if self._plan is not None:
            self.look()

    # ---- making it

    def _on_accepted(self) -> None:
        if not self.ok.isEnabled():
            return
        name, choice, session, selections = self.name.text().strip(), dict(self.choice.choice()), self._session, self._selections
        planned = self._plan if self.has_fresh_plan else None

        def create() -> Any:
            # the selections are worked out on the pool thread too: they are the filters as they were when the dialog opened
            if planned is None:
                return session.create_archive(name, chosen_selections(selections(), choice))
            return session.create_archive(name, planned[1], planned[2])

        self._is_creating = True
        self._check()
        self._context.background.act(self, "create archive", create, lambda _summary: self.accept(), self._on_failed)

    def _on_failed(self, error: DaxaError) -> None:
        self._is_creating = False
        self._check()
        show_problem(self.problem, str(error))

    def reject(self) -> None:
        if not self._is_creating:  # an archive that is being made is not left half way
            self.work.stop()
            super().reject()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window behind it takes it along when it closes."""
        if event.type() == QEvent.Type.Close:
            self.work.stop()
            self.done(int(QDialog.DialogCode.Rejected))
        return False


def _told(progress: Progress) -> Progress:
    """Progress in words: « 412 of 5 000 · about 3 min left · XMM-Newton 0123456789 »."""
    meter = RateMeter(20.0)

    def tell(done: float, total: float | None, text: str = "") -> None:
        now = time.monotonic()
        meter.note(now, done)
        rate = meter.rate(now)
        parts = [f"{count_text(int(done))} of {count_text(int(total))}"] if total else []
        if rate and total and total - done > 0:
            parts.append(left_text((total - done) / rate))
        progress(done, total, " · ".join([*parts, text] if text else parts))

    return tell
