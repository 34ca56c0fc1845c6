"""The dialog that makes an archive: its name, what goes into it, and where it will be."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from daxa_gui.core.errors import ArchiveError, DaxaError, InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone
from daxa_gui.core.selection import Selection
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_heading
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.session import Session


@dataclass(frozen=True)
class ArchiveContent:
    """How many observations of a mission would go into an archive, and how many of them are fit for science."""

    label: str
    observations: int
    usable: int


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


class CreateArchiveDialog(QDialog):
    """Accepted when the archive was made and its downloads have begun. Cancel is possible until then."""

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
        self.setMinimumWidth(460)
        self._session = session
        self._context = context
        self._selections = selections
        self.name = QLineEdit(name, self)
        self.name.setObjectName("archiveName")
        self.name.setAccessibleName("Name of the archive")
        self.name.setToolTip("The name of the archive and of its folder")
        self.name.selectAll()
        self.problem = problem_label(self)
        self.problem.setObjectName("archiveNameProblem")
        self.place = muted_label()
        self.place.setObjectName("archivePlace")
        self.place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._busy = QProgressBar(self)
        self._busy.setObjectName("archiveBusy")
        self._busy.setAccessibleName("The archive is being made")
        self._busy.setRange(0, 0)
        self._busy.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setObjectName("createArchiveNow")
        self.ok.setText("&Create and download")
        self.ok.setToolTip("Make the archive and begin to download")
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("createArchiveCancel")
        cancel.setToolTip("Make no archive (Escape)")
        self._build(contents)
        self.name.textChanged.connect(lambda _text: self._check())
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self._check()
        self.name.setFocus()

    def _build(self, contents: Sequence[ArchiveContent]) -> None:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        label = QLabel("&Name", self)
        label.setBuddy(self.name)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.name, 0, 1)
        grid.addWidget(self.problem, 1, 1)
        grid.addWidget(muted_label("Folder"), 2, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.place, 2, 1)
        table = QGridLayout()
        table.setColumnStretch(0, 1)
        table.setHorizontalSpacing(18)
        for line, content in enumerate(contents):
            unusable = content.observations - content.usable
            note = f"{count_text(unusable)} not fit for science" if unusable else ""
            table.addWidget(QLabel(content.label), line, 0)
            table.addWidget(muted_label(note), line, 1)
            table.addWidget(QLabel(count_text(content.observations)), line, 2, Qt.AlignmentFlag.AlignRight)
        total = sum(content.observations for content in contents)
        heading = QLabel(f"{counted(total, 'observation', 'observations')} of {counted(len(contents), 'mission', 'missions')}")
        heading.setObjectName("archiveTotal")
        as_heading(heading)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addLayout(grid)
        layout.addWidget(heading)
        layout.addLayout(table)
        layout.addWidget(muted_label("How much there is to download is known as soon as the archives' listings have been read."))
        layout.addWidget(self._busy)
        layout.addWidget(self.buttons)

    def _check(self) -> None:
        name = self.name.text().strip()
        problem = ""
        try:
            self._session.check_archive_name(name)
        except (InputError, ArchiveError) as error:
            problem = str(error) if name else "The archive needs a name."
        show_problem(self.problem, problem)
        self.ok.setEnabled(not problem)
        folder = self._session.archives_folder() / "archives"
        self.place.setText(f"{folder / name if not problem else folder}")

    def _on_accepted(self) -> None:
        if not self.ok.isEnabled():
            return
        name = self.name.text().strip()
        self._set_busy(True)
        # the selections are worked out on the pool thread too: they are the filters as they were when the dialog opened
        self._context.background.act(
            self,
            "create archive",
            lambda: self._session.create_archive(name, self._selections()),
            lambda _summary: self.accept(),
            self._on_failed,
        )

    def _on_failed(self, error: DaxaError) -> None:
        self._set_busy(False)
        self._check()
        show_problem(self.problem, str(error))

    def _set_busy(self, busy: bool) -> None:
        self._busy.setVisible(busy)
        for widget in (self.name, self.ok, self.buttons):
            widget.setEnabled(not busy)

    def reject(self) -> None:
        if self.buttons.isEnabled():  # an archive that is being made is not left half way
            super().reject()
