"""The dialog in which a filter is made or changed: its editor, its missions, and what it would leave, as one types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGroupBox, QVBoxLayout, QWidget

from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Box, Cone, Filter, ObsIds, Positions, TargetType, TimeRange, Usable
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.filter_editors import FixedEditor, ObsIdsEditor, TargetTypeEditor, TimeEditor
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.place_editors import BoxEditor, ConeEditor, FilterEditor, PositionsEditor
from daxa_gui.gui.widgets.scope import MissionScope
from daxa_gui.session import Session

_PAUSE_MS = 150
_MOST_PLACES = 500  # that are edited as text


@dataclass(frozen=True)
class FilterKind:
    """One entry of the menu « Add filter »; `edits` says whether the editor can take a filter."""

    name: str
    text: str
    tip: str
    editor: Callable[[Session, Context], FilterEditor]
    edits: Callable[[Filter], bool]


FILTER_KINDS: tuple[FilterKind, ...] = (
    FilterKind("name", "Object &name…", "Observations around an object",
               lambda s, c: ConeEditor(s, c.coordinates, by_name=True), lambda f: isinstance(f, Cone) and bool(f.position.name)),
    FilterKind("position", "Sky &position…", "Observations around a position",
               lambda s, c: ConeEditor(s, c.coordinates, by_name=False), lambda f: isinstance(f, Cone)),
    FilterKind("places", "Se&veral places…", "Observations around any of several names or positions",
               lambda s, c: PositionsEditor(s, c.coordinates),
               lambda f: isinstance(f, Positions) and len(f.positions) <= _MOST_PLACES),
    FilterKind("box", "&Rectangle…", "Observations between limits in RA and Dec", lambda s, c: BoxEditor(),
               lambda f: isinstance(f, Box)),
    FilterKind("time", "&Time window…", "Observations made in some time", lambda s, c: TimeEditor(),
               lambda f: isinstance(f, TimeRange)),
    FilterKind("obs_ids", "&ObsIDs…", "Observations by their numbers", lambda s, c: ObsIdsEditor(),
               lambda f: isinstance(f, ObsIds)),
    FilterKind("target_type", "Target t&ype…", "Observations of some kinds of objects", lambda s, c: TargetTypeEditor(),
               lambda f: isinstance(f, TargetType)),
    FilterKind("usable", "&Fit for science", "Only observations that the archive does not call unusable",
               lambda s, c: FixedEditor(Usable()), lambda f: isinstance(f, Usable)),
)  # fmt: skip


def editor_for(item: Filter, session: Session, context: Context) -> FilterEditor:
    """An editor that holds this filter."""
    kind = next((kind for kind in FILTER_KINDS if kind.edits(item)), None)
    editor = kind.editor(session, context) if kind is not None else FixedEditor(item)
    editor.set_filter(item)
    return editor


class FilterDialog(QDialog):
    """Open it with `open()`; when it was accepted, `result_filter` and `result_missions` say what was wanted."""

    def __init__(
        self,
        editor: FilterEditor,
        missions: tuple[str, ...] | None,
        session: Session,
        context: Context,
        parent: QWidget | None = None,
        *,
        adding: bool,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("filterDialog")
        self.setWindowTitle(f"Add filter: {editor.title}" if adding else f"Change filter: {editor.title}")
        self.setMinimumWidth(520)
        self.editor = editor
        self.result_filter: Filter | None = None
        self.result_missions: tuple[str, ...] | None = None
        self._session = session
        self.scope = MissionScope(session.missions(), context.theme, self)
        self.scope.set_missions(missions)
        self.problem = problem_label(self)
        self.problem.setObjectName("filterProblem")
        self.preview = muted_label()
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
        editor.changed.connect(self._on_changed)
        self.scope.changed.connect(self._on_changed)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self._update()
        editor.setFocus()

    def _build(self) -> None:
        group = QGroupBox("Applies to", self)
        inner = QVBoxLayout(group)
        inner.addWidget(self.scope)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self.editor, 1)
        layout.addWidget(group)
        layout.addWidget(self.problem)
        layout.addWidget(self.preview)
        layout.addWidget(self.buttons)

    def _on_changed(self) -> None:
        self._touched = True
        self._pause.start()

    def _read(self) -> tuple[Filter, tuple[str, ...] | None]:
        return self.editor.filter(), self.scope.missions()

    def _update(self) -> None:
        """Say what is wrong, or what the filter alone would leave."""
        try:
            item, missions = self._read()
        except InputError as error:
            show_problem(self.problem, str(error) if self._touched else "")
            self.preview.setText("" if self._touched else "Nothing entered yet.")
            self._ok.setEnabled(False)
            return
        show_problem(self.problem, "")
        self._ok.setEnabled(True)
        self.preview.setText(preview_text(item, missions, self._session))

    def _on_accepted(self) -> None:
        self._pause.stop()
        self._touched = True
        self._update()
        if self._ok.isEnabled():
            self.result_filter, self.result_missions = self._read()
            self.accept()


def preview_text(item: Filter, missions: tuple[str, ...] | None, session: Session) -> str:
    """« On its own this filter leaves 54 of 2 617 observations (XMM-Newton 4, …). »"""
    kept, total, parts = 0, 0, []
    for spec in session.missions():
        if missions is None or spec.name in missions:
            catalogue = session.catalogue(spec.name)
            number = int(np.count_nonzero(item.mask(catalogue)))
            kept, total = kept + number, total + len(catalogue)
            if number:
                parts.append(f"{spec.label} {count_text(number)}")
    which = f" ({', '.join(parts)})" if parts else ""
    return f"On its own this filter leaves {count_text(kept)} of {counted(total, 'observation', 'observations')}{which}."
