"""The dialog that brings an archive up to date: search again with its filters, show what is new, then fetch and reduce that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from daxa_gui.core.archive_queries import ArchiveUpdate
from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.long_work import LongWork
from daxa_gui.session import Session

_MOST_LISTED = 2000


class UpdateArchiveDialog(QDialog):
    """Nothing changes before « Update »; accepted when the new observations are in the archive and their downloads have begun."""

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("updateArchiveDialog")
        self.setWindowTitle("Update archive")
        self.resize(620, 440)
        self._session = session
        self._context = context
        self._update: ArchiveUpdate | None = None
        intro = muted_label(
            "The catalogues are refreshed, and this archive's own filters are applied to them again. Observations that they no"
            " longer find stay in the archive.",
            self,
        )
        self.summary = QLabel("Searching …", self)
        self.summary.setObjectName("updateSummary")
        self.summary.setWordWrap(True)
        self.details = QPlainTextEdit(self)
        self.details.setObjectName("updateDetails")
        self.details.setAccessibleName("What would change")
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setPlaceholderText("What would change is listed here before anything is changed.")
        self.work = LongWork("updateWork", self)
        self.work.stop_button.setAutoDefault(False)
        self.work.stop_button.setToolTip("Stop searching; the archive stays as it is")
        self.work.stopped.connect(lambda: self.summary.setText("The search was stopped. Nothing has changed."))
        self.problem = problem_label(self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("updateCancel")
        cancel.setText("Cancel")
        cancel.setToolTip("Change nothing (Escape)")
        self.go = self.buttons.addButton("&Update", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setObjectName("updateGo")
        self.go.setToolTip("Take the new observations into the archive, fetch them and reduce them as the others were")
        self.go.setEnabled(False)
        self.buttons.accepted.connect(self._on_go)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (intro, self.summary, self.details, self.work, self.problem, self.buttons):
            layout.addWidget(widget, 1 if widget is self.details else 0)
        self.finished.connect(lambda _code: self.work.stop())
        self.work.run(self._session.plan_update, self._on_planned, self._on_error)

    def _on_planned(self, update: ArchiveUpdate) -> None:
        self._update = update
        new, public = len(update.added), len(update.now_public)
        parts = [counted(new, "new observation", "new observations")] if new else []
        if public:
            parts.append(counted(public, "observation that has become public", "observations that have become public"))
        if parts:
            self.summary.setText(f"{', '.join(parts)}. Nothing has changed yet.")
        elif update.problems:
            self.summary.setText("Nothing new was found, but not everything could be searched again.")
        else:
            self.summary.setText("The archive is up to date: its filters find nothing new.")
        labels = self._session.mission_labels()
        lines = [*update.sentences, *(f"⚠ {problem}" for problem in update.problems)]
        for title, entries in (
            ("New", update.added), ("Now public", update.now_public), ("No longer found, kept", update.gone),
        ):  # fmt: skip
            if entries:
                lines += ["", f"{title}:", *_listed(entries, labels)]
        self.details.setPlainText("\n".join(lines).strip())
        self.go.setEnabled(bool(new or public))
        if new or public:
            self.go.setFocus()
        else:
            self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setText("Close")

    def _on_go(self) -> None:
        update = self._update
        if update is None:
            return
        self.go.setEnabled(False)
        self.summary.setText("The new observations are taken in …")
        self._context.background.act(
            self, "Update archive", lambda: self._session.update_archive(update), lambda _jobs: self.accept(), self._on_error
        )

    def _on_error(self, error: DaxaError) -> None:
        self.summary.setText("Nothing was changed." if self._update else "The archive could not be searched again.")
        show_problem(self.problem, str(error))
        self.go.setEnabled(self._update is not None and bool(self._update.selections))


def _listed(entries: Sequence[tuple[str, str]], labels: Mapping[str, str]) -> list[str]:
    lines = [f"    {labels.get(mission, mission)} {obs_id}" for mission, obs_id in entries[:_MOST_LISTED]]
    more = len(entries) - _MOST_LISTED
    return [*lines, f"    … and {count_text(more)} more"] if more > 0 else lines
