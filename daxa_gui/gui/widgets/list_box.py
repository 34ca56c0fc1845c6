"""Which event list of an exposure is looked at: downloaded, calibrated, cleaned or merged, and by whom."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QWidget

from daxa_gui.gui.inspected import Inspected

_TIP = "Which event list of this exposure is looked at (L: the next one); the next exposures show the same kind"
_ONE = "There is one event list of this exposure"
_FILE = "A file outside the archive"


class ListBox(QComboBox):
    """Follows `Inspected`."""

    def __init__(self, inspected: Inspected, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inspected = inspected
        self.setObjectName("inspectList")
        self.setAccessibleName("Event list")
        self.setMaximumWidth(190)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(lambda index: inspected.choose_list(self.itemData(index)))
        inspected.subject_changed.connect(self._show)
        following = QShortcut(QKeySequence("L"), self)
        following.setContext(Qt.ShortcutContext.WindowShortcut)
        following.activated.connect(inspected.next_list)
        self._show()

    def _show(self) -> None:
        subject = self._inspected.subject
        self.clear()
        exposure = subject.exposure if subject is not None else None
        self.setVisible(subject is not None)
        if subject is None or exposure is None:
            self.addItem("file")
            self.setEnabled(False)
            self.setToolTip(_FILE)
            return
        lists = exposure.all_lists()
        for one in lists:
            self.addItem(one.label, one.product.path)
            self.setItemData(self.count() - 1, one.product.path, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(max(0, self.findData(subject.path)))
        self.setEnabled(len(lists) > 1)
        self.setToolTip(_TIP if len(lists) > 1 else f"{_ONE}: {lists[0].label}")
