"""Earlier results of what is inspected: which configurations have some, and good time and curve of the one compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from daxa_gui.core.earlier import EarlierResults, Screening
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.exposures import Exposure
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.session import Session

if TYPE_CHECKING:
    from daxa_gui.gui.inspected import Inspected

_NONE_OF_FILE = "Earlier results belong to exposures of an archive."
_NONE_KEPT = (
    "No earlier results of this exposure are kept: they are when its steps run again with other parameters or software "
    "(Queue › Processing)."
)
_TIP = "Compare the present results with earlier ones: their rate and good time are drawn too, and C blinks the images"


class Earlier(QObject):
    """Belongs to `Inspected`. What is chosen stays chosen from exposure to exposure, wherever there is something of it."""

    choices_changed = Signal()  # `choices` or `chosen`
    screenings_changed = Signal()  # `screening`, `present` or `problem`

    def __init__(self, session: Session, context: Context, bridge: Bridge, inspected: Inspected) -> None:
        super().__init__(inspected)
        self._session = session
        self._context = context
        self._inspected = inspected
        self._name = ""  # as a person chose it
        self._of: Exposure | None = None
        self._asked: tuple[object, ...] = ()
        self.choices: list[EarlierResults] = []
        self.screening: Screening | None = None  # of the chosen configuration
        self.present: Screening | None = None  # of the missions' software, if the present good time is its
        self.problem = ""
        inspected.subject_changed.connect(self._on_subject_changed)
        inspected.parameters_changed.connect(self._ask_screening)
        bridge.archive_content_changed.connect(self._read)

    @property
    def chosen(self) -> EarlierResults | None:
        """None: the present results only."""
        return next((one for one in self.choices if one.name == self._name), None)

    @property
    def why_none(self) -> str:
        """Why nothing can be chosen; "" where it can."""
        if self.choices:
            return ""
        return _NONE_KEPT if self._of is not None else _NONE_OF_FILE

    def choose(self, name: str) -> None:
        """Compare with the configuration of this name; "": with none."""
        if name != self._name:
            self._name = name
            self.choices_changed.emit()
            self._ask_screening()

    def _on_subject_changed(self) -> None:
        subject = self._inspected.subject
        exposure = subject.exposure if subject is not None else None
        if exposure == self._of:
            return
        before, self._of = self._of, exposure
        is_another = (
            before is None or exposure is None
            or (before.mission, before.obs_id, before.unit) != (exposure.mission, exposure.obs_id, exposure.unit)
        )  # fmt: skip
        if is_another:
            self._forget()
        self._asked = ()
        self._read()

    def _forget(self) -> None:
        self.choices, self.screening, self.present, self.problem = [], None, None, ""
        for name in ("earlier", "present", "screening"):
            self._context.background.forget(self, name)
        self.choices_changed.emit()
        self.screenings_changed.emit()

    def _read(self) -> None:
        exposure = self._of
        if exposure is None:
            return
        earlier, inspection, read = self._session.earlier_results, self._session.inspection, self._context.background.read

        def choices() -> list[EarlierResults]:
            found = (one.of_units(exposure.units, exposure.instrument) for one in earlier(exposure.mission, exposure.obs_id))
            return [one for one in found if one.products]

        read(self, "earlier", choices, self._on_read, self._on_error)
        read(self, "present", lambda: inspection.present_screening(exposure), self._on_present_read, self._on_error)

    def _on_read(self, choices: list[EarlierResults]) -> None:
        if choices != self.choices:
            self.choices = choices
            self._asked = ()
            self.choices_changed.emit()
        self._ask_screening()

    def _on_present_read(self, present: Screening | None) -> None:
        self.present = present
        self.screenings_changed.emit()

    def _ask_screening(self) -> None:
        """Of the chosen configuration, in the band and bins that are shown."""
        chosen, parameters = self.chosen, self._inspected.parameters
        if chosen is None or parameters is None:
            self._asked = ()
            self._context.background.forget(self, "screening")
            if self.screening is not None or self.problem:
                self.screening, self.problem = None, ""
                self.screenings_changed.emit()
            return
        asked = (chosen, parameters.band_kev, parameters.bin_s)
        if asked != self._asked:
            self._asked = asked
            self._read_screening(chosen, parameters)

    def _read_screening(self, chosen: EarlierResults, parameters: FlareParameters) -> None:
        read, inspection = self._context.background.read, self._session.inspection
        read(
            self, "screening", lambda: inspection.earlier_screening(chosen, parameters), self._on_screening_read, self._on_error
        )  # fmt: skip

    def _on_screening_read(self, screening: Screening) -> None:
        self.screening, self.problem = screening, ""
        self.screenings_changed.emit()

    def _on_error(self, error: DaxaError) -> None:
        self.screening, self.problem = None, str(error)
        self.screenings_changed.emit()


class EarlierBox(QComboBox):
    """« now » or a configuration; several of them show the same choice."""

    def __init__(self, earlier: Earlier, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._earlier = earlier
        self.setObjectName(name)
        self.setAccessibleName("Results to compare with")
        self.setMaximumWidth(170)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(lambda index: earlier.choose(self.itemData(index)))
        earlier.choices_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        earlier, chosen = self._earlier, self._earlier.chosen
        self.clear()
        self.addItem("now", "")
        for one in earlier.choices:
            self.addItem(f"« {one.name} »", one.name)
            self.setItemData(self.count() - 1, one.note or one.name, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(max(0, self.findData(chosen.name if chosen is not None else "")))
        self.setEnabled(bool(earlier.choices))
        self.setToolTip(earlier.why_none or _TIP)
