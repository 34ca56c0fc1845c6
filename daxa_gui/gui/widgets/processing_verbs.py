"""What can be done with cells of the processing grid: buttons above it and the menu of a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from daxa_gui.core.step import Pipeline, Step
from daxa_gui.gui.models.everything import Everything
from daxa_gui.gui.models.processing import SOFTWARE
from daxa_gui.gui.models.processing_cells import CAN_CANCEL, CAN_PAUSE, CAN_RESUME, CAN_RETRY
from daxa_gui.gui.theme import Theme, paint_primary
from daxa_gui.gui.widgets.flow import FlowLayout


@dataclass(frozen=True)
class Verb:
    """One thing that is done with jobs: which ones it is for, by the codes of their states."""

    name: str
    text: str
    tip: str
    allowed: NDArray[np.bool_]


VERBS = (
    Verb("retry", "Retr&y", "Run failed, skipped and cancelled cells again", CAN_RETRY),
    Verb("pause", "Pause", "Stop these cells until they are resumed; a running command is ended and begun anew then", CAN_PAUSE),
    Verb("resume", "Resume", "Let paused cells go on", CAN_RESUME),
    Verb("cancel", "Cance&l", "Stop these cells", CAN_CANCEL),
)
_NAMES = {"retry": "retryProcessing", "pause": "pauseProcessing", "resume": "resumeProcessing", "cancel": "cancelProcessing"}


def following(steps: Sequence[Step], names: Sequence[str]) -> tuple[str, ...]:
    """These steps and all that use what they make, in order."""
    found = set(names)
    for step in steps:  # each stands behind those that it needs
        if found & set(step.needs) or found & {needed for needed, _parameter in step.needs_if}:
            found.add(step.name)
    return tuple(step.name for step in steps if step.name in found)


class ProcessingVerbs(QWidget):
    """Run buttons with the menu of pipelines, and the verbs; `refresh` says what is possible."""

    def __init__(self, act: Callable[[Verb], None], on_run: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run_button = QPushButton("&Run everything", self)
        self.run_button.setObjectName("runEverything")
        self.run_button.clicked.connect(lambda _checked=False: on_run())
        self.pipelines_button = QPushButton("P&ipelines", self)
        self.pipelines_button.setObjectName("runPipelines")
        self.pipelines_button.setAccessibleName("Run a pipeline")
        self.pipelines_menu = QMenu(self.pipelines_button)
        self.pipelines_menu.setToolTipsVisible(True)
        self.pipelines_button.setMenu(self.pipelines_menu)
        self.step_button = QPushButton("Run &step…", self)
        self.step_button.setObjectName("runStep")
        self.buttons: dict[str, QPushButton] = {}
        self._tips: dict[QWidget, str] = {
            self.pipelines_button: "Reduce with the built-in engine or with the missions' own software, from the raw data on",
            self.step_button: "Choose steps and their parameters, and see what would be done and the exact commands",
        }
        for verb in VERBS:
            button = self.buttons[verb.name] = QPushButton(verb.text, self)
            button.setObjectName(_NAMES[verb.name])
            button.clicked.connect(lambda _checked=False, verb=verb: act(verb))
            self._tips[button] = f"{verb.tip}: those selected, or all while none is selected (Escape selects nothing)"
        flow = FlowLayout(self)
        for widget in (self.run_button, self.pipelines_button, self.step_button, *self.buttons.values()):
            flow.addWidget(widget)

    def paint(self, theme: Theme) -> None:
        paint_primary(self.run_button, theme)

    def refresh(self, runs: Everything, has_archive: bool, possible: Mapping[str, bool], locked: str) -> None:
        """`runs`: what « Run everything » would run; `possible`: verb → whether there is a cell for it; `locked`: why nothing can
        be changed, "" if it can."""
        for widget, tip in self._tips.items():
            widget.setToolTip(f"{tip}. {locked}" if locked else tip)
        what = runs.sentence or "There is nothing to run: no archive is open."
        self.run_button.setToolTip(f"{what} {locked}".strip())
        self.run_button.setEnabled(bool(runs.parts) and not locked)
        self.pipelines_button.setEnabled(has_archive and not locked)
        self.step_button.setEnabled(has_archive and not locked)
        for name, button in self.buttons.items():
            button.setEnabled(possible[name] and not locked)

    def show_pipelines(
        self,
        pipelines: Sequence[Pipeline],
        missions: Sequence[str],
        missing: Mapping[str, str],
        run: Callable[[str], None],
        doctor: Callable[[Pipeline], None],
    ) -> None:
        """Those for a mission of the archive. What lacks its software can be looked at, and the doctor says what to do."""
        menu = self.pipelines_menu
        menu.clear()
        mine = [one for one in pipelines if not one.missions or set(one.missions) & set(missions)]
        for pipeline in mine:
            lacks = pipeline.software in missing
            action = menu.addAction(f"{pipeline.label}{' – software is missing' if lacks else ''}…")
            action.setObjectName(f"pipeline_{pipeline.name}")
            action.setToolTip(missing[pipeline.software] if lacks else pipeline.help)
            action.triggered.connect(lambda _checked=False, name=pipeline.name: run(name))
        needing = [one for one in mine if one.software in missing]
        if needing:
            menu.addSeparator()
        for pipeline in needing:
            action = menu.addAction(f"Doctor: why {SOFTWARE.get(pipeline.software, pipeline.software)} cannot be used…")
            action.setObjectName(f"doctor_{pipeline.name}")
            action.triggered.connect(lambda _checked=False, pipeline=pipeline: doctor(pipeline))
