"""The bar below the Find workspace: how much is chosen, and the button that makes an archive of it."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from daxa_gui.core.times import MJD_OF_1970, SECONDS_PER_DAY
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_muted, paint_primary
from daxa_gui.gui.widgets.archive_choice import ArchiveContent
from daxa_gui.gui.widgets.create_archive import CreateArchiveDialog, suggested_name
from daxa_gui.session import Session


class SummaryPanel(QWidget):
    """« 54 observations · 5 missions · 49 public »; with the practice sky, how many of them are simulated and can be had."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._dialog: CreateArchiveDialog | None = None
        self._about = context.stack  # the filters that the dialog is about
        self.setAccessibleName("Summary")
        self._text = QLabel(self)
        self._text.setObjectName("summaryText")
        self._hint = QLabel(self)
        self._hint.setObjectName("summaryHint")
        as_muted(self._hint)
        self._hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.create_button = QPushButton("Crea&te archive…", self)
        self.create_button.setObjectName("createArchive")
        paint_primary(self.create_button, context.theme)
        context.theme_changed.connect(lambda theme: paint_primary(self.create_button, theme))
        self.create_button.setAccessibleName("Create archive")
        self.create_button.clicked.connect(self._on_create_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 4)
        layout.setSpacing(14)
        layout.addWidget(self._text)
        layout.addWidget(self._hint, 1)
        layout.addWidget(self.create_button)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        context.results_changed.connect(self.refresh)
        bridge.practice_progress.connect(lambda _progress: self.refresh())
        self.refresh()

    def contents(self) -> list[ArchiveContent]:
        """What an archive of the present filters would hold, one entry per mission that has anything."""
        result = []
        for spec in self._session.missions():
            found = self._context.results.get(spec.name)
            catalogue = self._session.catalogue(spec.name)
            if found is None or len(found.mask) != len(catalogue):
                continue
            mask = found.mask & catalogue.simulated if self._session.practice else found.mask
            if np.any(mask):
                usable = int(np.count_nonzero(mask & (catalogue.unusable_reason == "")))
                result.append(ArchiveContent(spec, int(np.count_nonzero(mask)), usable))
        return result

    def refresh(self) -> None:
        """Count again."""
        now = MJD_OF_1970 + time.time() / SECONDS_PER_DAY
        observations = missions = public = 0
        for name, found in self._context.results.items():
            catalogue = self._session.catalogue(name)
            if found.selected and len(found.mask) == len(catalogue):
                observations += found.selected
                missions += 1
                public += int(np.count_nonzero(catalogue.public(now) & found.mask))
        parts = [counted(observations, "observation", "observations"), counted(missions, "mission", "missions")]
        self._text.setText(" · ".join([*parts, f"{count_text(public)} public"]))
        self._text.setToolTip("Observations that pass the filters, their missions, and how many of them are public today")
        available = sum(content.observations for content in self.contents())
        self._hint.setText(self._hint_text(observations, available))
        self._hint.setToolTip(self._hint.text())
        self.create_button.setEnabled(available > 0)
        self.create_button.setToolTip(
            f"Make an archive of {counted(available, 'observation', 'observations')} and download the data"
            if available
            else "There is nothing to make an archive of; change the filters"
        )

    def _hint_text(self, observations: int, available: int) -> str:
        if not self._session.practice:
            return ""
        if not self._session.practice_ready():
            return "The practice sky is being made …"
        if observations and not available:
            return "None of them is simulated: the practice sky has no data of real observations."
        if available < observations:
            return f"{count_text(available)} of them simulated: only those can be downloaded in practice"
        return "all simulated" if observations else ""

    def _on_create_clicked(self) -> None:
        stack = self._context.stack
        if self._dialog is not None and self._about == stack:
            self._dialog.raise_()
            self._dialog.activateWindow()
            return
        if self._dialog is not None:
            self._dialog.reject()  # it is about filters of before
        dialog = CreateArchiveDialog(
            self._session,
            self._context,
            self.contents(),
            lambda: self._session.selections(stack),
            suggested_name(stack, self._session),
            self,
        )
        self._dialog, self._about = dialog, stack
        dialog.finished.connect(lambda _code: self._on_dialog_finished(dialog))
        dialog.accepted.connect(lambda: self._context.show_workspace("queue"))
        dialog.show()

    def _on_dialog_finished(self, dialog: CreateArchiveDialog) -> None:
        if self._dialog is dialog:
            self._dialog = None
        dialog.deleteLater()
