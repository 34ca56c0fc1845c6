"""The dialog in which a filter is made or changed: its editor, its missions, and what it would leave, as one types."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QGroupBox, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.filters import Filter, Not, ObsIds, Picked
from daxa_gui.core.mission import MissionSpec
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import count_text, counted, short_label
from daxa_gui.gui.widgets.base_editor import FilterEditor, Looking
from daxa_gui.gui.widgets.filter_kinds import FILTER_KINDS, FilterKind, editor_for, kind_of
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.growing import grow
from daxa_gui.gui.widgets.scope import MissionScope
from daxa_gui.session import Session

__all__ = ["FILTER_KINDS", "FilterDialog", "FilterKind", "dialog_for", "editor_for"]

_PAUSE_MS = 150
_Scope = tuple[str, ...] | None


class FilterDialog(QDialog):
    """Open it with `open()`; when it was accepted, `result_filter` and `result_missions` say what was wanted.

    What takes time (names, files, counting) happens in the background; a dialog that is accepted meanwhile closes when the
    answer has come.
    """

    def __init__(
        self,
        editor: FilterEditor,
        missions: _Scope,
        session: Session,
        context: Context,
        parent: QWidget | None = None,
        *,
        adding: bool,
        by_hand: bool = False,
        opposite: bool = False,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("filterDialog")
        self.setWindowTitle(f"Add filter: {editor.title}" if adding else f"Change filter: {editor.title}")
        self.setMinimumWidth(560)
        self.editor = editor
        self.result_filter: Filter | None = None
        self.result_missions: _Scope = None
        self._session = session
        self._background = context.background
        self._accepting = False
        self._by_hand = by_hand
        self.opposite = QCheckBox("T&urn it round: leave out what would pass", self)
        self.opposite.setObjectName("filterOpposite")
        self.opposite.setToolTip("The opposite of this filter: what it would let pass is left out, and the other way round")
        self.opposite.setChecked(opposite)
        self.scope = MissionScope(session.missions(), context.theme, self)
        self.scope.set_missions(missions)
        self.problem = problem_label(self)
        self.problem.setObjectName("filterProblem")
        self.preview = muted_label("", self)
        self.preview.setObjectName("filterPreview")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self)
        self._ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._ok.setObjectName("filterOk")
        self._ok.setText("&Add filter" if adding else "&Change filter")
        self._ok.setToolTip("Use this filter (Enter)")
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("filterCancel")
        cancel.setToolTip("Leave the filters as they are (Escape)")
        self._build()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._update)
        self._touched = not adding
        self._connect()
        self._update()
        editor.setFocus()

    def _build(self) -> None:
        self._applies = QGroupBox("Applies to", self)
        inner = QVBoxLayout(self._applies)
        inner.addWidget(self.scope)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self.editor, 1)
        layout.addWidget(self.opposite)
        layout.addWidget(self._applies)
        layout.addWidget(self.problem)
        layout.addWidget(self.preview)
        layout.addWidget(self.buttons)
        self._applies.setVisible(not self._by_hand)
        self.opposite.setVisible(not self._by_hand)

    def _connect(self) -> None:
        self.editor.changed.connect(self._on_changed)
        self.editor.answered.connect(self._on_answered)
        self.opposite.toggled.connect(lambda _on: self._on_changed())
        self.scope.changed.connect(self._on_changed)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)

    def _on_changed(self) -> None:
        self._touched = True
        self._accepting = False
        self._ok.setEnabled(True)  # somebody who types and presses Enter at once means it; it is read again then
        self._pause.start()

    def _on_answered(self) -> None:
        """A name or a file has been looked up: it is known now, or known not to be."""
        read = self._update()
        if self._accepting:
            self._accepting = False
            self._accept(read)

    def _read(self) -> tuple[Filter, _Scope]:
        item = self.editor.filter()
        return (~item if self.opposite.isChecked() else item), None if self._by_hand else self.scope.missions()

    def _update(self) -> tuple[Filter, _Scope] | None:
        """Say what is wrong, or what the filter alone would leave; gives the filter if there is one."""
        try:
            item, missions = self._read()
        except DaxaError as error:
            self._background.forget(self, "preview")
            looking = isinstance(error, Looking)
            show_problem(self.problem, str(error) if self._touched and not looking else "")
            self._say(str(error) if looking else "" if self._touched else "Nothing entered yet.")
            self._ok.setEnabled(looking)
            return None
        show_problem(self.problem, "")
        self._ok.setEnabled(True)
        self._count(item, missions)
        return item, missions

    def _count(self, item: Filter, missions: _Scope) -> None:
        specs = [spec for spec in self._session.missions() if missions is None or spec.name in missions]
        if not self.preview.text().startswith("On its own"):
            self._say("Counting …")
        self._background.read(
            self,
            "preview",
            lambda: preview_text(item, specs, self._session),
            self._say,
            lambda error: self._say(f"This cannot be counted. {error}"),
        )

    def _say(self, text: str) -> None:
        """Below the entries; the dialog grows rather than squeezing them."""
        self.preview.setText(text)
        if self.isVisible():
            grow(self)

    def _on_accepted(self) -> None:
        self._pause.stop()
        self._touched = True
        read = self._update()
        if read is not None:
            self._accept(read)
        elif self._ok.isEnabled():  # it is being looked up
            self._accepting = True
            self._say(f"{self.preview.text()} The filter is used as soon as that is known.")
            self.editor.hurry()

    def _accept(self, read: tuple[Filter, _Scope] | None) -> None:
        if read is not None:
            self.result_filter, self.result_missions = read
            self.accept()

    def done(self, code: int) -> None:
        self._pause.stop()
        self._background.forget(self, "preview")
        self.editor.stop()
        super().done(code)


def dialog_for(item: Filter, missions: _Scope, session: Session, context: Context, parent: QWidget | None = None) -> FilterDialog:
    """The dialog to change a filter; the opposite of a filter is changed as that filter with a tick."""
    inner = item.filter if isinstance(item, Not) and kind_of(item.filter) is not None else item
    kind = kind_of(inner)
    return FilterDialog(
        editor_for(inner, session, context), missions, session, context, parent,
        adding=False, by_hand=kind is not None and kind.by_hand and inner is item, opposite=inner is not item,
    )  # fmt: skip


def preview_text(item: Filter, specs: Sequence[MissionSpec], session: Session) -> str:
    """« On its own this filter leaves 54 of 2 617 observations (XMM-Newton 4, …). » Takes milliseconds for each mission."""
    kept, total, parts = 0, 0, []
    found: set[str] = set()
    for spec in specs:
        catalogue = session.catalogue(spec.name)
        mask = item.ticked(catalogue) if isinstance(item, Picked) else item.mask(catalogue)
        number = int(np.count_nonzero(mask))
        kept, total = kept + number, total + len(catalogue)
        if isinstance(item, ObsIds):
            found.update(obs_id.upper() for obs_id in catalogue.obs_id[mask].tolist())
        if number:
            parts.append(f"{short_label(spec)} {count_text(number)}")
    which = f" ({', '.join(parts)})" if parts else ""
    if isinstance(item, Picked):
        named = sum(len(obs_ids) for _, obs_ids in item.obs_ids)
        does = "Keeps" if item.keep else "Leaves out"
        return f"{does} {counted(kept, 'observation', 'observations')}{which}; {count_text(named)} named."
    result = f"On its own this filter leaves {count_text(kept)} of {counted(total, 'observation', 'observations')}{which}."
    missing = sum(obs_id.upper() not in found for obs_id in item.obs_ids) if isinstance(item, ObsIds) else 0
    return f"{result} {counted(missing, 'ObsID is', 'ObsIDs are')} in no table." if missing else result
