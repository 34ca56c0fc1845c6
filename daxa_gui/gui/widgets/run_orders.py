"""Beginning to reduce: the doctor looks first, and a person is asked about steps that would fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from daxa_gui.core.errors import DaxaError, ReductionError
from daxa_gui.core.events import Notice
from daxa_gui.core.finding import Finding
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
    on_started: Callable[[bool], None], doctor: Callable[[], None], *, anyway: bool = False,
) -> None:  # fmt: skip
    """Run orders on a pool thread unless the doctor finds something wrong: then a person decides. `on_started` is told whether
    everything was done already."""

    def work() -> tuple[list[Finding], bool]:
        faults = [] if anyway else list(dict.fromkeys(one for order in orders for one in session.check_before(order)))
        was_done = [session.start_reduction(order, options).was_done for order in orders] if not faults else []
        return faults, all(was_done)

    def answered(answer: tuple[list[Finding], bool]) -> None:
        faults, was_done = answer
        if not faults:
            on_started(was_done)
            return
        again = lambda: run_orders(owner, session, context, orders, options, on_started, doctor, anyway=True)  # noqa: E731
        ask_unprepared(owner, faults, again, doctor)

    context.background.act(owner, "Run", work, answered)


def run_parts(session: Session, parts: Sequence[Part]) -> tuple[bool, list[Part]]:
    """On a pool thread. Whether all that was begun was done already, and parts that were not begun because they would replace
    results: a person has to see that first. What cannot begin is told and does not hold up the others; if nothing can, its
    error is raised."""
    was_done, asking, errors = True, [], []
    for part in parts:
        try:
            if any(step.replaced for step in session.plan_reduction(part.order).steps):
                asking.append(part)
            elif faults := session.check_before(part.order):
                raise ReductionError(f"Nothing was run: {faults[0].text}", f"{faults[0].fix} « Doctor… » tells all.")
            else:
                was_done = session.start_reduction(part.order).was_done and was_done
        except DaxaError as error:
            errors.append((part, error))
    if errors and len(errors) == len(parts):
        raise errors[0][1]
    for part, reason in errors:
        session.bus.publish(Notice("warning", f"{part.words}: {reason}"))
    return was_done, asking
