"""What the processing panel begins: everything that can run, a pipeline or steps that a person chooses, the doctor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from daxa_gui.core.events import Notice
from daxa_gui.core.reduction_plan import ReductionOrder, RunOptions
from daxa_gui.core.step import Pipeline
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.everything import Part
from daxa_gui.gui.models.processing import SOFTWARE
from daxa_gui.gui.widgets.doctor_dialog import DoctorDialog
from daxa_gui.gui.widgets.run_choice import Preset
from daxa_gui.gui.widgets.run_orders import run_orders, run_parts
from daxa_gui.gui.widgets.run_reduction import RunReductionDialog
from daxa_gui.session import Session


class ProcessingRuns(QObject):
    """Dialogs stand over `panel`; work happens on pool threads.

    Parameters
    ----------
    on_closed : is called when a person has closed « Run… ».
    """

    def __init__(self, session: Session, context: Context, panel: QWidget, on_closed: Callable[[], None]) -> None:
        super().__init__(panel)
        self._session = session
        self._context = context
        self._panel = panel
        self._on_closed = on_closed

    def run_everything(self, parts: Sequence[Part]) -> None:
        """Begin what replaces nothing; where results would be replaced, the order is shown before it runs."""
        session = self._session
        self._context.background.act(self, "Run everything", lambda: run_parts(session, parts), self._on_parts_answered)

    def _on_parts_answered(self, answer: tuple[bool, list[Part]]) -> None:
        was_done, asking = answer
        if not asking:
            self._on_started(was_done)
            return
        order = asking[0].order
        self.say("Results that are here would be made anew with other parameters or software: look at it before it runs.")
        mission = order.missions[0] if len(order.missions) == 1 else ""
        self.open_run(Preset(pipeline=order.pipeline, mission=mission, whole=order.observations))

    def _on_started(self, was_done: bool) -> None:
        if was_done:
            self.say("Everything is done already: no step had to run again.")

    def say(self, text: str) -> None:
        self._session.bus.publish(Notice("information", text))

    def open_run(self, preset: Preset) -> None:
        """« Run… » with what is chosen already."""
        dialog = RunReductionDialog(self._session, self._context, preset, self._panel)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.run_requested.connect(self.run)
        dialog.finished.connect(lambda _result: self._on_closed())
        dialog.open()

    def run(self, order: ReductionOrder, options: RunOptions) -> None:
        run_orders(self._panel, self._session, self._context, [order], options, self._on_started, lambda: self.doctor(None))

    def doctor(self, pipeline: Pipeline | None) -> None:
        """Check what a pipeline needs; without one, what all of the archive's missions need."""
        doctor, steps = self._session.doctor, pipeline.steps if pipeline is not None else ()
        title = f"Doctor: {SOFTWARE.get(pipeline.software, pipeline.software)}" if pipeline is not None else "Doctor"
        dialog = DoctorDialog(title, lambda progress, stop: doctor(steps, progress, stop), self._context, self._panel)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
