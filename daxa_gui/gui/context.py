"""What is being looked at: filters and what they leave, the chosen observation, product and job, the theme. View state only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from daxa_gui.core.filter_stack import FilterRow, FilterStack, History
from daxa_gui.core.filters import Picked
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
    panel_requested = Signal(str)  # a name of PANELS: show its workspace and bring it to the front
    sample_requested = Signal()  # ask for a file of positions
    settings_requested = Signal(str)  # a group of the settings: show it
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
        self._debounce.timeout.connect(self.apply_filters_soon)

    @property
    def stack(self) -> FilterStack:
        return self.history.current

    def set_stack(self, stack: FilterStack) -> None:
        """Change the filters; the former ones can be had back with `undo`."""
        if stack != self.history.current:
            self.history.push(stack)
            self._on_stack_replaced()

    def begin_with(self, stack: FilterStack) -> None:
        """The filters of an earlier time; there is nothing to undo yet."""
        if len(stack):
            self.history = History(stack)
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
        """Work out what the filters leave, now. Takes milliseconds for a few filters over large catalogues."""
        self._debounce.stop()
        self.background.forget(self, "filters")
        self._on_results(_results(self.session, self.stack))

    def apply_filters_soon(self) -> None:
        """The same in the background: many positions, or catalogues that are not read yet, take longer than a window may wait."""
        self._debounce.stop()
        stack = self.stack
        self.background.read(self, "filters", lambda: _results(self.session, stack), self._on_results)

    def _on_results(self, results: dict[str, MissionResult]) -> None:
        self.results = results
        self.results_changed.emit()

    # observations by hand

    def pick(self, mission: str, obs_ids: Sequence[str], keep: bool) -> None:
        """Keep observations in whatever the filters say, or leave them out: one more entry of the filter « by hand » (one for
        each of the two), which can be undone. Those kept are put last, since later filters would narrow them again."""
        stack = self._without(mission, obs_ids)
        row = _picked_row(stack, keep)
        if row is None:
            stack = stack.add(Picked(((mission, tuple(obs_ids)),), keep))
        else:
            assert isinstance(row.filter, Picked)
            stack = stack.replace(row.id, Picked((*row.filter.obs_ids, (mission, tuple(obs_ids))), keep), None)
            stack = (stack.move(row.id, len(stack)) if keep else stack).toggle(row.id, True)
        self.set_stack(_without_empty(stack))

    def unpick(self, mission: str, obs_ids: Sequence[str]) -> None:
        """Let the filters decide again."""
        self.set_stack(_without_empty(self._without(mission, obs_ids)))

    def picked(self, mission: str, obs_id: str) -> bool | None:
        """Whether an observation is kept (true) or left out (false) by hand; None: the filters decide."""
        for row in reversed(self.stack.rows):
            if isinstance(row.filter, Picked) and row.applies_to(mission) and obs_id in row.filter.of(mission):
                return row.filter.keep
        return None

    def _without(self, mission: str, obs_ids: Sequence[str]) -> FilterStack:
        """The stack with these observations off all filters by hand (of which some may be empty then)."""
        stack, wanted = self.stack, {obs_id.upper() for obs_id in obs_ids}
        for row in stack.rows:
            if isinstance(row.filter, Picked):
                left = tuple(one for one in row.filter.of(mission) if one.upper() not in wanted)
                others = (pair for pair in row.filter.obs_ids if pair[0] != mission)
                changed = Picked((*others, (mission, left)), row.filter.keep)
                if changed != row.filter:
                    stack = stack.replace(row.id, changed)
        return stack

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

    def ask_sample(self) -> None:
        self.sample_requested.emit()

    def show_panel(self, name: str) -> None:
        self.panel_requested.emit(name)

    def ask_settings(self, group: str) -> None:
        self.settings_requested.emit(group)

    def show_place(self, position: SkyPosition, radius_deg: float) -> None:
        self.place_requested.emit(position, radius_deg)


def _results(session: Session, stack: FilterStack) -> dict[str, MissionResult]:
    """What a stack leaves of each mission; for any thread."""
    results = {}
    for spec in session.missions():
        catalogue = session.catalogue(spec.name)
        mask, counts = stack.masks(catalogue)
        results[spec.name] = MissionResult(mask, tuple(counts), len(catalogue))
    return results


def _without_empty(stack: FilterStack) -> FilterStack:
    """Without filters by hand that name nothing any more."""
    for row in stack.rows:
        if isinstance(row.filter, Picked) and not row.filter.obs_ids:
            stack = stack.remove(row.id)
    return stack


def _picked_row(stack: FilterStack, keep: bool) -> FilterRow | None:
    return next((row for row in stack.rows if isinstance(row.filter, Picked) and row.filter.keep is keep), None)
