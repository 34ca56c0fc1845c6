"""The dialog that makes a new archive of one that the DAXA package made: its name, then how far it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from daxa_gui.core.errors import ArchiveError, DaxaError, InputError
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.long_work import LongWork
from daxa_gui.session import Session

_WHAT_IT_DOES = (
    "A new archive is made with the observations, products, logs, regions and results of this one. Files on the same disk take no"
    " further room. The folder of DAXA stays as it is."
)


def free_name(session: Session, wanted: str) -> str:
    """A name like this one under which no archive is there yet."""
    base = re.sub(r"[^\w+ -]+", "_", wanted).strip("_ -")[:60] or "from_daxa"
    for number in range(1, 1000):
        name = base if number == 1 else f"{base}_{number}"
        try:
            session.check_archive_name(name)
        except (ArchiveError, InputError):
            continue
        return name
    return ""


class ConvertArchiveDialog(QDialog):
    """Accepted when the new archive is open. Cancelled while it works, it leaves nothing behind."""

    def __init__(self, session: Session, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("convertArchiveDialog")
        self.setWindowTitle("Convert DAXA archive")
        self._session = session
        self._folder = folder
        self.source = ElidedLabel(self)
        self.source.setObjectName("convertSource")
        self.source.setText(str(folder))
        self.source.setToolTip(str(folder))
        self.name = QLineEdit(free_name(session, folder.name), self)
        self.name.setObjectName("convertName")
        self.name.setAccessibleName("Name of the new archive")
        self.name.setToolTip("The name of the new archive and of its folder")
        self.place = ElidedLabel(self)
        self.place.setObjectName("convertPlace")
        self.name_problem = problem_label(self)
        self.name_problem.setObjectName("convertNameProblem")
        self.work = LongWork("convertWork", self)
        self.work.stop_button.setAutoDefault(False)
        self.work.stopped.connect(self._on_stopped)
        self.problem = problem_label(self)
        self.problem.setObjectName("convertProblem")
        self._build_buttons()
        self._build()
        self.name.textChanged.connect(lambda _text: self._check())
        self.work.finished.connect(self._check)
        self.finished.connect(lambda _code: self.work.stop())
        self._check()
        self.resize(560, self.sizeHint().height())
        self.name.selectAll()
        self.name.setFocus()

    def _build_buttons(self) -> None:
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = self.buttons.addButton("&Convert", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setObjectName("convertGo")
        self.go.setToolTip("Make the new archive and open it")
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("convertCancel")
        cancel.setText("Cancel")
        cancel.setToolTip("Make no archive (Escape)")
        self.buttons.accepted.connect(self.convert)
        self.buttons.rejected.connect(self.reject)

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        label = QLabel("&Name", self)
        label.setBuddy(self.name)
        grid.addWidget(muted_label("From", self), 0, 0)
        grid.addWidget(self.source, 0, 1)
        grid.addWidget(label, 1, 0)
        grid.addWidget(self.name, 1, 1)
        grid.addWidget(self.name_problem, 2, 1)
        grid.addWidget(muted_label("Folder", self), 3, 0)
        grid.addWidget(self.place, 3, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(grid)
        layout.addWidget(muted_label(_WHAT_IT_DOES, self))
        layout.addStretch(1)
        layout.addWidget(self.work)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)

    def _check(self) -> None:
        name, problem = self.name.text().strip(), ""
        try:
            self._session.check_archive_name(name)
        except (InputError, ArchiveError) as error:
            problem = str(error) if name else "The archive needs a name."
        running = self.work.is_running
        show_problem(self.name_problem, "" if running else problem)
        folder = self._session.archives_folder() / "archives"
        self.place.setText(str(folder if problem else folder / name))
        self.place.setToolTip(self.place.text())
        self.name.setEnabled(not running)
        self.go.setEnabled(not problem and not running)

    def convert(self) -> None:
        name, folder, session = self.name.text().strip(), self._folder, self._session

        def work(progress: Any, cancelled: Any) -> Any:
            return session.convert_daxa_archive(folder, name, progress, cancelled)

        show_problem(self.problem, "")
        self.work.run(work, lambda _summary: self.accept(), self._on_error)
        self._check()

    def _on_error(self, error: DaxaError) -> None:
        show_problem(self.problem, str(error))

    def _on_stopped(self) -> None:
        show_problem(self.problem, "It was stopped; no archive was made.")
