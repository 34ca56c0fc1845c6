"""The menu « Regions » of the image panel: shows those of the observation, lets one draw others and keeps them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QMenu, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from daxa_gui.core.archive_queries import RegionSet
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.filters import SkyShape
from daxa_gui.core.sky import LinearWcs
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import as_sentence
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.region_overlay import KINDS, RegionOverlay
from daxa_gui.session import Session

Observation = tuple[str, str]  # mission, ObsID


class ImageRegions(QObject):
    """`observation()` tells whose regions they are (None for a file outside the archive: they can be looked at only)."""

    def __init__(
        self,
        session: Session,
        context: Context,
        overlay: RegionOverlay,
        observation: Callable[[], Observation | None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.overlay = overlay
        self._observation = observation
        self._kept: RegionSet | None = None
        self.button = QPushButton("Regions", parent)
        self.button.setObjectName("imageRegions")
        self.button.setToolTip("Show the regions of this observation, draw new ones, keep them in the archive")
        menu = QMenu(self.button)
        menu.setObjectName("imageRegionsMenu")
        self.shown = menu.addAction("&Show regions")
        self.shown.setCheckable(True)
        self.shown.setChecked(True)
        self.shown.toggled.connect(lambda _on: self.read())
        menu.addSeparator()
        self.draw_actions = {}
        for kind in KINDS:
            action = menu.addAction(f"Draw {'an' if kind == 'ellipse' else 'a'} &{kind}")
            action.triggered.connect(lambda _checked=False, kind=kind: self.overlay.draw(kind))
            self.draw_actions[kind] = action
        self.remove = menu.addAction("&Remove the chosen shape", self.overlay.remove_chosen)
        menu.addSeparator()
        self.keep = menu.addAction("&Keep the drawn shapes", self.keep_drawn)
        self.edit = menu.addAction("Edit as &text…", self.ask_text)
        menu.aboutToShow.connect(self._update)
        self.button.setMenu(menu)

    def set_image(self, wcs: LinearWcs | None) -> None:
        """Another image is shown (or none)."""
        self.overlay.set_wcs(wcs)
        self.button.setEnabled(wcs is not None)

    def read(self) -> None:
        """Ask for the regions of the observation anew."""
        observation = self._observation()
        self._kept = None
        if observation is None or not self.shown.isChecked() or self._session.archive is None:
            self._context.background.forget(self, "regions")
            self.overlay.show_shapes(())
            return
        self._context.background.read(
            self, "regions", lambda: self._read(observation), self._on_read, lambda _error: self.overlay.show_shapes(())
        )

    def _read(self, observation: Observation) -> tuple[RegionSet | None, tuple[SkyShape, ...]]:
        sets = self._session.regions(*observation)
        return (sets[0], self._session.region_shapes(*observation)) if sets else (None, ())

    def _on_read(self, found: tuple[RegionSet | None, tuple[SkyShape, ...]]) -> None:
        self._kept, shapes = found
        self.overlay.show_shapes(shapes)

    def _update(self) -> None:
        """What the menu can do now."""
        archive = self._session.archive
        observation = self._observation()
        can_keep = observation is not None and archive is not None and not archive.read_only
        for action in self.draw_actions.values():
            action.setEnabled(self.overlay.can_draw)
        self.remove.setEnabled(self.overlay.n_drawn > 0)
        self.keep.setEnabled(can_keep and self.overlay.n_drawn > 0)
        self.edit.setEnabled(can_keep)

    def keep_drawn(self) -> None:
        """Put what was drawn into the archive, beside the regions that the observation has."""
        observation = self._observation()
        drawn = self.overlay.drawn()
        if observation is None or not drawn:
            return

        def kept(_set: RegionSet) -> None:
            self.overlay.clear_drawn()
            self.read()

        self._context.background.act(
            self,
            "Keep regions",
            lambda: self._session.add_regions(*observation, drawn),
            kept,
            self._context.background.failed.emit,
        )

    def ask_text(self) -> None:
        """All regions of the observation, those just drawn too, as text to be changed."""
        observation = self._observation()
        if observation is None:
            return
        drawn = self.overlay.drawn()
        self._context.background.read(
            self,
            "text",
            lambda: self._session.region_text(*observation, drawn),
            lambda text: self._show_text(observation, text),
        )

    def _show_text(self, observation: Observation, text: str) -> None:
        parent = self.button.window()
        dialog = RegionTextDialog(self._session, self._context, observation, text, parent)

        def kept() -> None:
            self.overlay.clear_drawn()
            self.read()

        dialog.accepted.connect(kept)
        dialog.open()


class RegionTextDialog(QDialog):
    """Regions as DS9 writes them; accepted when the archive has taken them."""

    def __init__(
        self, session: Session, context: Context, observation: Observation, text: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._context, self._observation = session, context, observation
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("regionTextDialog")
        self.setWindowTitle(f"Regions of {observation[1]}")
        self.resize(620, 420)
        self.text = QPlainTextEdit(text, self)
        self.text.setObjectName("regionText")
        self.text.setAccessibleName("Regions, one per line, as DS9 writes them")
        self.text.setTabChangesFocus(True)
        self.problem = problem_label(self)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self)
        buttons.accepted.connect(self._save)
        buttons.rejected.connect(self.reject)
        standard = QDialogButtonBox.StandardButton
        for which, name, text, tip in (
            (standard.Save, "regionTextSave", "&Save", "Keep these as the regions of the observation"),
            (standard.Cancel, "regionTextCancel", "Cancel", "Change nothing (Escape)"),
        ):
            button = buttons.button(which)
            button.setObjectName(name)
            button.setText(text)
            button.setToolTip(tip)
        layout = QVBoxLayout(self)
        layout.addWidget(muted_label('One shape per line, as in a region file of DS9: icrs;circle(266.5, -29.0, 30")', self))
        layout.addWidget(self.text, 1)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)

    def _save(self) -> None:
        """An empty text takes the regions away."""
        text, session = self.text.toPlainText().strip(), self._session

        def keep() -> None:
            if text:
                session.set_regions(*self._observation, f"{text}\n")  # with its end it is no path
            elif session.regions(*self._observation):
                session.remove_regions(*self._observation)

        self._context.background.act(self, "Keep regions", keep, lambda _set: self.accept(), self._on_error)

    def _on_error(self, error: DaxaError) -> None:
        show_problem(self.problem, as_sentence(str(error)))
