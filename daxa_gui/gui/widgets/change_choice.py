"""The dialog that changes which instruments and kinds of files an archive has of its missions, later than when it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice
from daxa_gui.core.job import Job
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import ProductKind
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.plan_digest import KIND_HELP, KIND_WORDS, kind_words
from daxa_gui.gui.texts import counted
from daxa_gui.gui.theme import as_heading, as_muted
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.session import Session

_INTRO = (
    "What is missing is fetched, what the choice changes is made anew, everything else stays as it is. What is no longer chosen"
    " is not deleted: it is left alone from then on. Downloaded files are never changed."
)


@dataclass(frozen=True)
class Chosen:
    """What an archive has of a mission: names of instruments and kinds, always spelt out."""

    instruments: tuple[str, ...]
    kinds: tuple[str, ...]


def chosen_now(spec: MissionSpec, observations: Sequence[ArchiveObservation]) -> Chosen:
    """What all observations of a mission together have chosen."""
    names = [instrument.name for instrument in spec.instruments]
    wanted = {name for about in observations for name in about.instruments or names}
    kinds = {str(kind) for about in observations for kind in about.kinds or (ProductKind.EVENTS,)}
    order = list(KIND_WORDS)
    known = sorted(kinds, key=lambda kind: order.index(kind) if kind in order else len(order))
    return Chosen(tuple(name for name in names if name in wanted), tuple(known))


def change_sentences(label: str, spec: MissionSpec, old: Chosen, new: Chosen) -> list[str]:
    """What a change means, a sentence each; none if nothing changes."""
    labels = {instrument.name: instrument.label for instrument in spec.instruments}
    added = [labels[name] for name in new.instruments if name not in old.instruments]
    gone = [labels[name] for name in old.instruments if name not in new.instruments]
    more = [kind_words(kind).lower() for kind in new.kinds if kind not in old.kinds]
    less = [kind_words(kind).lower() for kind in old.kinds if kind not in new.kinds]
    sentences = []
    if added:
        sentences.append(f"{label}: {', '.join(added)} will be fetched where missing, and reduced like the others.")
    if gone:
        sentences.append(f"{label}: {', '.join(gone)} will be left alone; what there is of it stays.")
    if more:
        sentences.append(f"{label}: {', '.join(more)} will be fetched.")
    if less:
        sentences.append(f"{label}: no more {', '.join(less)} will be fetched; what there is stays.")
    return sentences


class _Part(QWidget):
    """One mission: its instruments and kinds, ticked as they are now."""

    def __init__(
        self, spec: MissionSpec, n_observations: int, kinds: Sequence[str], now: Chosen, on_changed: Callable[[], None],
        parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.spec, self.now = spec, now
        heading = QLabel(spec.label, self)
        as_heading(heading)
        count = QLabel(counted(n_observations, "observation", "observations"), self)
        as_muted(count)
        instruments = {instrument.name: (instrument.label, f"Files of {instrument.label}") for instrument in spec.instruments}
        texts = {kind: (kind_words(kind), KIND_HELP.get(kind, kind_words(kind))) for kind in dict.fromkeys((*kinds, *now.kinds))}
        self._instruments = self._boxes("instrument", instruments, now.instruments, on_changed)
        self._kinds = self._boxes("kind", texts, now.kinds, on_changed)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        grid.addWidget(heading, 0, 0, 1, 2)
        grid.addWidget(count, 0, 2, Qt.AlignmentFlag.AlignRight)
        for row, (text, boxes) in enumerate((("Instruments", self._instruments), ("Files", self._kinds)), start=1):
            label = QLabel(text, self)
            as_muted(label)
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            place = QWidget(self)
            flow = FlowLayout(place, spacing=14, line_spacing=2)
            for box in boxes.values():
                flow.addWidget(box)
            grid.addWidget(place, row, 1, 1, 2)

    def _boxes(
        self, what: str, texts: Mapping[str, tuple[str, str]], ticked: Sequence[str], on_changed: Callable[[], None]
    ) -> dict[str, QCheckBox]:
        boxes = {}
        for name, (text, help) in texts.items():
            box = boxes[name] = QCheckBox(text.replace("&", "&&"), self)
            box.setObjectName(f"choice_{what}_{self.spec.name}_{name}")
            box.setAccessibleName(f"{self.spec.label}: {text}")
            box.setToolTip(help)
            box.setChecked(name in ticked)
            box.toggled.connect(lambda _on: on_changed())
        return boxes

    def chosen(self) -> Chosen:
        """As it is ticked now."""
        instruments = tuple(name for name, box in self._instruments.items() if box.isChecked())
        return Chosen(instruments, tuple(name for name, box in self._kinds.items() if box.isChecked()))

    def problem(self) -> str:
        chosen = self.chosen()
        if not chosen.instruments:
            return f"Choose an instrument of {self.spec.label} at least."
        return "" if chosen.kinds else f"Choose a kind of files of {self.spec.label} at least."


class ChangeChoiceDialog(QDialog):
    """Accepted when the archive has the new choice and its work has begun."""

    def __init__(
        self, session: Session, context: Context, observations: Sequence[ArchiveObservation], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("changeChoiceDialog")
        self.setWindowTitle("Change what is fetched")
        self._session = session
        self._context = context
        self._busy = False
        self.parts: list[_Part] = []
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 4, 0)
        self._add_parts(observations, inside, column)
        column.addStretch(1)
        area = QScrollArea(self)
        area.setObjectName("choiceArea")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        self.meaning = QLabel(self)
        self.meaning.setObjectName("choiceMeaning")
        self.meaning.setWordWrap(True)
        self.meaning.setTextFormat(Qt.TextFormat.PlainText)
        self.problem = problem_label(self)
        self.problem.setObjectName("choiceProblem")
        self._build_buttons()
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        for widget in (muted_label(_INTRO, self), area, self.meaning, self.problem, self.buttons):
            layout.addWidget(widget, 1 if widget is area else 0)
        self.resize(620, min(260 + 90 * len(self.parts), 640))
        self._check()

    def _add_parts(self, observations: Sequence[ArchiveObservation], inside: QWidget, column: QVBoxLayout) -> None:
        by_mission: dict[str, list[ArchiveObservation]] = {}
        for about in observations:
            by_mission.setdefault(about.mission, []).append(about)
        for mission, those in by_mission.items():
            spec = self._session.mission(mission)
            if spec is None:  # of a later version of this program: it can be looked at, not changed
                column.addWidget(muted_label(f"{mission}: this version of the program does not know this mission.", inside))
                continue
            kinds = [str(kind) for kind in self._session.kinds(mission)]
            part = _Part(spec, len(those), kinds, chosen_now(spec, those), self._check, inside)
            self.parts.append(part)
            column.addWidget(part)

    def _build_buttons(self) -> None:
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = self.buttons.addButton("Change and &fetch", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setObjectName("choiceGo")
        self.go.setToolTip("Remember this choice, fetch what is missing and make what it changes")
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("choiceCancel")
        cancel.setText("Cancel")
        cancel.setToolTip("Change nothing (Escape)")
        self.buttons.accepted.connect(self._on_go)
        self.buttons.rejected.connect(self.reject)

    def changed(self) -> dict[str, Chosen]:
        """The new choices, of the missions where they differ from what there is."""
        return {part.spec.name: part.chosen() for part in self.parts if part.chosen() != part.now}

    def _check(self) -> None:
        if not hasattr(self, "go"):
            return  # while it is being made
        problem = next((text for part in self.parts if (text := part.problem())), "")
        show_problem(self.problem, problem)
        sentences = [
            line for part in self.parts for line in change_sentences(part.spec.label, part.spec, part.now, part.chosen())
        ]
        self.meaning.setText("\n".join(sentences) or "Nothing is changed yet.")
        self.meaning.setVisible(not problem)
        self.go.setEnabled(bool(sentences) and not problem and not self._busy)

    def _on_go(self) -> None:
        session = self._session
        changes = [(name, self._to_session(name, new), new.kinds) for name, new in self.changed().items()]
        self._busy = True
        self._check()

        def change() -> list[Job]:
            return [job for mission, instruments, kinds in changes for job in session.widen(mission, instruments, kinds)]

        self._context.background.act(self, "Change what is fetched", change, self._on_done, self._on_error)

    def _to_session(self, mission: str, new: Chosen) -> tuple[str, ...]:
        """All instruments are none by name, so that one that the mission gets later belongs to them."""
        spec = self._session.mission(mission)
        return () if spec is not None and len(new.instruments) == len(spec.instruments) else new.instruments

    def _on_done(self, jobs: list[Job]) -> None:
        begun = f"{counted(len(jobs), 'job has', 'jobs have')} begun." if jobs else "Everything it asks for is here already."
        self._session.bus.publish(Notice("information", f"The choice was changed. {begun}"))
        self.accept()

    def _on_error(self, error: DaxaError) -> None:
        self._busy = False
        self._check()
        show_problem(self.problem, str(error))
