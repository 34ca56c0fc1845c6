"""What the open archive holds: mission → observation → product, with disk use; the chosen thing is shown beside it."""

from __future__ import annotations

from pathlib import PurePath

from PySide6.QtCore import QItemSelection, QModelIndex, Qt, QTimer
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QLabel, QLineEdit, QTreeView, QVBoxLayout, QWidget

from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.session import Session

PRODUCT_ROLE = Qt.ItemDataRole.UserRole + 1
OBSERVATION_ROLE = Qt.ItemDataRole.UserRole + 2

KIND_LABELS = {
    ProductKind.EVENTS: "Event list",
    ProductKind.CLEAN_EVENTS: "Cleaned event list",
    ProductKind.GTI: "Good-time intervals",
    ProductKind.LIGHTCURVE: "Flare light curve",
    ProductKind.IMAGE: "Image",
    ProductKind.EXPOSURE_MAP: "Exposure map",
    ProductKind.BACKGROUND_MAP: "Background map",
    ProductKind.OTHER: "Other file",
}


def product_label(product: Product) -> str:
    """« M1S001 Image 0.5–2 keV »."""
    if product.key.kind is ProductKind.OTHER:
        return PurePath(product.path).name
    band = product.key.band_kev
    energies = f" {band[0]:g}–{band[1]:g} keV" if band else ""
    return f"{product.key.unit}  {KIND_LABELS[product.key.kind]}{energies}"


class ArchivePanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._labels = session.mission_labels()
        self.model = QStandardItemModel(self)
        self._build()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(700)
        self._pause.timeout.connect(self._read)
        bridge.archive_changed.connect(lambda _path: self._read())
        bridge.products_added.connect(lambda _products: self._pause.start())
        self._read()

    def _build(self) -> None:
        self.summary = QLabel(self)
        self.summary.setObjectName("archiveSummary")
        self.summary.setWordWrap(True)
        self.search = QLineEdit(self)
        self.search.setObjectName("archiveSearch")
        self.search.setAccessibleName("Find in the archive")
        self.search.setPlaceholderText("Find an ObsID, target or product")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search_changed)
        self.view = QTreeView(self)
        self.view.setObjectName("archiveTree")
        self.view.setAccessibleName("Archive: missions, observations and products")
        self.view.setModel(self.model)
        self.view.setUniformRowHeights(True)
        self.view.setAlternatingRowColors(True)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.doubleClicked.connect(self._on_double_clicked)
        row = QHBoxLayout()
        row.addWidget(self.search)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.summary)
        layout.addLayout(row)
        layout.addWidget(self.view, 1)
        self.view.selectionModel().selectionChanged.connect(self._on_selection_changed)

    def _read(self) -> None:
        if self._session.archive is None:
            self.model.clear()
            self.view.hide()
            self.search.hide()
            self.summary.setText("No archive is open.\n\nCreate one in Find, or open one with File › Open archive (Ctrl+O).")
            return
        self._context.background.read(
            self, "contents", lambda: (self._session.observations(), self._session.products()), self._on_read
        )

    def _on_read(self, answer: tuple[list[ArchiveObservation], list[Product]]) -> None:
        observations, products = answer
        archive = self._session.archive
        if archive is None:
            return
        expanded = self._expanded()
        self.model.clear()
        self.model.setHorizontalHeaderLabels(["Name", "Target", "Size"])
        by_observation: dict[tuple[str, str], list[Product]] = {}
        for product in products:
            by_observation.setdefault((product.key.mission, product.key.obs_id), []).append(product)
        missions: dict[str, QStandardItem] = {}
        for observation in observations:
            if observation.mission not in missions:
                missions[observation.mission] = QStandardItem(self._labels.get(observation.mission, observation.mission))
                self.model.appendRow([missions[observation.mission], QStandardItem(), QStandardItem()])
            self._add(
                missions[observation.mission], observation, by_observation.get((observation.mission, observation.obs_id), [])
            )
        header = self.view.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(1, 170)
        header.resizeSection(2, 80)
        header.setStretchLastSection(False)
        self.view.show()
        self.search.show()
        self._expand(expanded)
        self._on_search_changed(self.search.text())
        total = sum(product.size_bytes for product in products)
        self.summary.setText(
            f"<b>{archive.name}</b><br>{len(observations)} observations · {len(missions)} missions · {len(products)} products · "
            f"{format_bytes(total)}<br>{archive.path}"
        )

    def _add(self, mission: QStandardItem, observation: ArchiveObservation, products: list[Product]) -> None:
        item = QStandardItem(observation.obs_id)
        item.setData((observation.mission, observation.obs_id), OBSERVATION_ROLE)
        size = QStandardItem(format_bytes(sum(p.size_bytes for p in products)) if products else "")
        size.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        mission.appendRow([item, QStandardItem(observation.target), size])
        for product in sorted(products, key=lambda p: (p.key.unit, list(KIND_LABELS).index(p.key.kind), p.path)):
            child = QStandardItem(product_label(product))
            child.setData(product, PRODUCT_ROLE)
            child.setToolTip(product.path)
            child_size = QStandardItem(format_bytes(product.size_bytes))
            child_size.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.appendRow([child, QStandardItem(), child_size])

    def _expanded(self) -> set[str]:
        names = set()
        for row in range(self.model.rowCount()):
            mission = self.model.item(row)
            for child in range(mission.rowCount()):
                if self.view.isExpanded(mission.child(child).index()):
                    names.add(mission.child(child).text())
        return names

    def _expand(self, names: set[str]) -> None:
        for row in range(self.model.rowCount()):
            mission = self.model.item(row)
            self.view.expand(mission.index())
            for child in range(mission.rowCount()):
                self.view.setExpanded(mission.child(child).index(), mission.child(child).text() in names)

    def _on_search_changed(self, text: str) -> None:
        wanted = text.casefold().strip()
        root = QModelIndex()
        for row in range(self.model.rowCount()):
            mission = self.model.item(row)
            for number in range(mission.rowCount()):
                observation = mission.child(number)
                words = [observation.text(), mission.child(number, 1).text(), mission.text()]
                words += [observation.child(i).text() for i in range(observation.rowCount())]
                self.view.setRowHidden(number, mission.index(), bool(wanted) and wanted not in " ".join(words).casefold())
            self.view.setRowHidden(row, root, False)

    def _on_selection_changed(self, selected: QItemSelection, _deselected: QItemSelection) -> None:
        for index in selected.indexes():
            if (observation := index.data(OBSERVATION_ROLE)) is not None:
                self._context.set_observation(*observation)
                self._context.set_product(None)
            elif (product := index.data(PRODUCT_ROLE)) is not None:
                self._context.set_observation(product.key.mission, product.key.obs_id)
                self._context.set_product(product)

    def _on_double_clicked(self, index: QModelIndex) -> None:
        product = index.siblingAtColumn(0).data(PRODUCT_ROLE)
        if product is not None:
            self._context.set_product(product)
            self._context.show_workspace("inspect")
