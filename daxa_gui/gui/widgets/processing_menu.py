"""The menus of the processing grid: what can be done with the selected cells, and with a column."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from daxa_gui.gui.models.processing import ProcessingGrid
from daxa_gui.gui.widgets.processing_verbs import VERBS, following
from daxa_gui.gui.widgets.processing_view import ProcessingView
from daxa_gui.gui.widgets.run_choice import Preset, Unit

_MOST_UNITS = 20_000  # of a selection that is named one by one


class CellMenu(QObject):
    """`popup` shows it for what is selected in the view."""

    verb_chosen = Signal(object)  # Verb
    run_wanted = Signal(object)  # Preset
    log_wanted = Signal()
    products_wanted = Signal()
    inspect_wanted = Signal()
    sort_wanted = Signal(int, str)  # step, its label

    def __init__(self, model: ProcessingGrid, view: ProcessingView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._view = view

    # ---- what is selected

    def preset(self, kind: str | None) -> Preset:
        """For « Run… ». `kind`: "again" the selected steps, "following" these and what uses them, "commands" their commands;
        None: nothing but which data are selected."""
        units, whole = self._selected_units()
        steps = self._selected_steps() if kind is not None else ()
        if kind == "following":
            steps = following(self._model.steps, steps)
        again = kind in ("again", "following")
        mission = self._model.choice.mission
        return Preset("", steps, units, whole, mission, again, show_commands=kind == "commands")

    def _selected_steps(self) -> tuple[str, ...]:
        selection = self._view.selectionModel().selection()
        columns = {
            column for part in map(selection.at, range(selection.size())) for column in range(part.left(), part.right() + 1)
        }  # fmt: skip
        return tuple(self._model.step(column).name for column in sorted(columns))

    def _selected_units(self) -> tuple[tuple[Unit, ...], tuple[tuple[str, str], ...]]:
        """Units, or whole observations where only such rows are selected; nothing if there are too many to name."""
        selection = self._view.selectionModel().selection()
        places = sorted(
            {row for part in map(selection.at, range(selection.size())) for row in range(part.top(), part.bottom() + 1)}
        )
        if not places or len(places) > _MOST_UNITS:
            return (), ()
        found = [self._model.unit(place) for place in places]
        headings = [place for place in places if self._model.is_heading(place)]
        if len(headings) == len(places):
            return (), tuple((mission, obs_id) for mission, obs_id, _ in found)
        closed = {self._model.unit(place)[:2] for place in headings if self._model.is_collapsed(place)}
        more = [unit for unit in self._model.units_of(closed) if unit not in set(found)] if closed else []
        return tuple(found + more), ()

    # ---- the menus

    def menu(self, locked: str = "") -> QMenu:
        """Built anew each time; `locked`: why nothing can be changed."""
        selection = self._view.selectionModel().selection()
        menu = QMenu(self._view)
        menu.setToolTipsVisible(True)
        jobs = self._model.chosen(selection) if not selection.isEmpty() else None
        words = self._model.words_in(jobs) if jobs is not None else set()
        for verb in VERBS:
            action = self._add(menu, verb.name, verb.text, verb.tip, self._model.allows(verb.allowed, words) and not locked)
            action.triggered.connect(lambda _checked=False, verb=verb: self.verb_chosen.emit(verb))
        menu.addSeparator()
        entries = (
            ("again", "Run &again…", "Run the selected steps once more, also where they are done; parameters can be changed"),
            ("following", "Run this and what &follows…", "Run the selected steps and all that use what they make"),
            ("commands", "Show co&mmands…", "The exact commands of the selected cells, to be read and copied"),
        )
        for kind, text, tip in entries:
            action = self._add(menu, kind, text, tip, not selection.isEmpty() and (not locked or kind == "commands"))
            action.triggered.connect(lambda _checked=False, kind=kind: self.run_wanted.emit(self.preset(kind)))
        menu.addSeparator()
        has_job = self._model.job(self._view.currentIndex()) is not None
        self._add(menu, "log", "Show &log", "The log of this cell", has_job).triggered.connect(self.log_wanted)
        tip = "This observation in the Archive workspace"
        self._add(menu, "products", "Show p&roducts", tip, has_job).triggered.connect(self.products_wanted)
        tip = "The light curve and images of this exposure (Enter)"
        self._add(menu, "inspect", "&Inspect", tip, has_job).triggered.connect(self.inspect_wanted)
        self._add_folding(menu)
        return menu

    def _add(self, menu: QMenu, name: str, text: str, tip: str, enabled: bool) -> QAction:
        action = menu.addAction(text)
        action.setObjectName(f"cell_{name}")
        action.setToolTip(tip)
        action.setEnabled(enabled)
        return action

    def _add_folding(self, menu: QMenu) -> None:
        row = self._view.currentIndex().row()
        if row < 0 or not self._model.has_headings():
            return
        menu.addSeparator()
        fold = not self._model.is_collapsed(row)
        action = self._add(menu, "fold", "Fol&d observation" if fold else "Unfol&d observation", "Keys: − and +", True)
        action.triggered.connect(lambda: self._view.fold_requested.emit(row, fold))

    def popup(self, place: QPoint, locked: str) -> None:
        menu = self.menu(locked)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def popup_heading(self, column: int, place: QPoint) -> None:
        """The menu of a column."""
        if not 0 <= column < self._model.columnCount():
            return
        step, number = self._model.step(column), self._model.step_number(column)
        menu = QMenu(self._view)
        menu.aboutToHide.connect(menu.deleteLater)
        sort = menu.addAction(f"&Sort by « {step.label} », failures first")
        sort.triggered.connect(lambda: self.sort_wanted.emit(number, step.label))
        select = menu.addAction("S&elect the whole step")
        select.triggered.connect(lambda: self._view.selectColumn(column))
        run = menu.addAction(f"&Run « {step.label} »…")
        run.triggered.connect(lambda: self.run_wanted.emit(Preset(steps=(step.name,), mission=self._model.choice.mission)))
        menu.popup(place)
