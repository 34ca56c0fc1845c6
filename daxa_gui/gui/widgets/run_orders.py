"""Beginning to reduce: the doctor looks first, and a person is asked about steps that would fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from daxa_gui.core.errors import DaxaError, ReductionError
from daxa_gui.core.events import Notice
from daxa_gui.core.finding import Finding
from daxa_gui.core.job import Job
from daxa_gui.core.reduction_plan import ReductionOrder, RunOptions
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.everything import Part
from daxa_gui.session import Session

_SHOWN = 3


def ask_unprepared(
    parent: QWidget, faults: Sequence[Finding], anyway: Callable[[], None], doctor: Callable[[], None]
) -> QMessageBox:
    """Does not wait: `anyway` or `doctor` is called when that button is pressed."""
    number = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
    box = QMessageBox(
        QMessageBox.Icon.Warning, "Not ready to run", f"The doctor found {number}: steps would fail.", parent=parent
    )
    box.setObjectName("unprepared")
    lines = [f"{one.text} {one.fix}".strip() for one in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        lines.append(f"… and {len(faults) - _SHOWN} more.")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText("\n\n".join(lines))
    look = box.addButton("&Doctor…", QMessageBox.ButtonRole.AcceptRole)
    go = box.addButton("Run &anyway", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(look)
    box.setEscapeButton(cancel)

    def chosen() -> None:
        if box.clickedButton() is look:
            doctor()
        elif box.clickedButton() is go:
            anyway()

    box.finished.connect(chosen)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def run_orders(
    owner: QWidget, session: Session, context: Context, orders: Sequence[ReductionOrder], options: RunOptions | None,
    on_jobs: Callable[[list[Job]], None], doctor: Callable[[], None], *, anyway: bool = False,
) -> None:  # fmt: skip
    """Run orders on a pool thread unless the doctor finds something wrong: then a person decides."""

    def work() -> tuple[list[Finding], list[Job]]:
        faults = [] if anyway else list(dict.fromkeys(one for order in orders for one in session.check_before(order)))
        return faults, [] if faults else [job for order in orders for job in session.start_reduction(order, options)]

    def answered(answer: tuple[list[Finding], list[Job]]) -> None:
        faults, jobs = answer
        if not faults:
            on_jobs(jobs)
            return
        again = lambda: run_orders(owner, session, context, orders, options, on_jobs, doctor, anyway=True)  # noqa: E731
        ask_unprepared(owner, faults, again, doctor)

    context.background.act(owner, "Run", work, answered)


def run_parts(session: Session, parts: Sequence[Part]) -> tuple[list[Job], list[Part]]:
    """On a pool thread. The jobs, and parts that were not begun because they would replace results: a person has to see that
    first. What cannot begin is told and does not hold up the others; if nothing can, its error is raised."""
    jobs, asking, errors = [], [], []
    for part in parts:
        try:
            if any(step.replaced for step in session.plan_reduction(part.order).steps):
                asking.append(part)
            elif faults := session.check_before(part.order):
                raise ReductionError(f"Nothing was run: {faults[0].text}", f"{faults[0].fix} « Doctor… » tells all.")
            else:
                jobs += session.start_reduction(part.order)
        except DaxaError as error:
            errors.append((part, error))
    if errors and len(errors) == len(parts):
        raise errors[0][1]
    for part, reason in errors:
        session.bus.publish(Notice("warning", f"{part.words}: {reason}"))
    return jobs, asking
