"""What is being looked at: filters and what they leave, the chosen observation, product and job, the theme. View state only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from daxa_gui.core.filter_stack import FilterStack, History
from daxa_gui.core.product import Product
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.background import Background
from daxa_gui.gui.theme import LIGHT, Theme
from daxa_gui.session import Session


@dataclass(frozen=True, eq=False)
class MissionResult:
    """What the filters leave of one mission. `counts` has the number of rows after each row of the stack."""

    mask: NDArray[np.bool_]
    counts: tuple[int, ...]
    total: int

    @property
    def selected(self) -> int:
        return int(np.count_nonzero(self.mask))


class Context(QObject):
    """One per window. Panels read its attributes and call its methods; they learn of changes by its signals."""

    stack_changed = Signal()  # the filters themselves
    results_changed = Signal()  # what they leave; follows stack_changed after a short pause
    observation_changed = Signal(str, str)  # mission, ObsID (both empty: none)
    product_changed = Signal(object)  # Product or None
    file_opened = Signal(str)  # a path outside the archive, chosen with « Open file… »
    job_changed = Signal(int)  # the job whose log is looked at
    theme_changed = Signal(object)  # Theme
    coordinates_changed = Signal(str)  # "sexagesimal" or "degrees"
    workspace_requested = Signal(str)  # "find", "archive", "queue", "inspect"
    place_requested = Signal(object, float)  # SkyPosition, radius in degrees: show this part of the sky

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.background = Background(self)
        self.theme: Theme = LIGHT
        self.coordinates: str = session.settings.coordinates
        self.history = History()
        self.results: dict[str, MissionResult] = {}
        self.observation: tuple[str, str] = ("", "")
        self.product: Product | None = None
        self.job_id: int | None = None
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(60)
        self._debounce.timeout.connect(self.apply_filters)

    @property
    def stack(self) -> FilterStack:
        return self.history.current

    def set_stack(self, stack: FilterStack) -> None:
        """Change the filters; the former ones can be had back with `undo`."""
        if stack != self.history.current:
            self.history.push(stack)
            self._on_stack_replaced()

    def undo(self) -> None:
        if self.history.can_undo:
            self.history.undo()
            self._on_stack_replaced()

    def redo(self) -> None:
        if self.history.can_redo:
            self.history.redo()
            self._on_stack_replaced()

    def _on_stack_replaced(self) -> None:
        self.stack_changed.emit()
        self._debounce.start()

    def apply_filters(self) -> None:
        """Work out what the filters leave, now. numpy needs a few milliseconds for the largest catalogue."""
        self._debounce.stop()
        results = {}
        for spec in self.session.missions():
            catalogue = self.session.catalogue(spec.name)
            mask, counts = self.stack.masks(catalogue)
            results[spec.name] = MissionResult(mask, tuple(counts), len(catalogue))
        self.results = results
        self.results_changed.emit()

    def set_observation(self, mission: str, obs_id: str) -> None:
        if (mission, obs_id) != self.observation:
            self.observation = (mission, obs_id)
            self.observation_changed.emit(mission, obs_id)

    def set_product(self, product: Product | None) -> None:
        if product != self.product:
            self.product = product
            self.product_changed.emit(product)

    def set_job(self, job_id: int) -> None:
        self.job_id = job_id
        self.job_changed.emit(job_id)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.theme_changed.emit(theme)

    def set_coordinates(self, style: str) -> None:
        self.coordinates = style
        self.coordinates_changed.emit(style)

    def show_workspace(self, name: str) -> None:
        self.workspace_requested.emit(name)

    def show_place(self, position: SkyPosition, radius_deg: float) -> None:
        self.place_requested.emit(position, radius_deg)

    def state(self) -> dict[str, Any]:
        """What comes back at the next start."""
        return {"filters": self.stack.to_json()}
