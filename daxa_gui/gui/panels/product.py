"""The chosen product or observation: what it is, how and by what it was made, its log, its picture."""

from __future__ import annotations

import html
import time
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QTabWidget, QTextBrowser, QVBoxLayout, QWidget

from daxa_gui.core.archive_info import HistoryEntry
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.images import SkyImage
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.step import Call
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.panels.archive import product_label
from daxa_gui.gui.theme import as_heading
from daxa_gui.session import Session

_PICTURES = (ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP)


def utc_text(seconds: float | None) -> str:
    return "–" if not seconds else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def value_text(value: Any) -> str:
    """A fact as a person writes it: sensible digits, lists with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(v) for v in value)
    if isinstance(value, dict):
        return "; ".join(f"{k}: {value_text(v)}" for k, v in value.items())
    return str(value)


def fact_rows(facts: dict[str, Any]) -> str:
    rows = []
    for name, value in facts.items():
        label = name.replace("_", " ")
        for unit in (" s", " kev", " deg", " bytes", " mjd"):
            if label.endswith(unit):
                label = f"{label[: -len(unit)]} ({ {'kev': 'keV', 'mjd': 'MJD'}.get(unit.strip(), unit.strip()) })"
        rows.append(f"<tr><td>{html.escape(label)}&nbsp;&nbsp;</td><td>{html.escape(value_text(value))}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def thumbnail(image: SkyImage, most_pixels: int = 512) -> NDArray[np.float32]:
    """An image as something to look at: at most so many pixels a side (sums of blocks), asinh stretch, 0 to 1."""
    values = np.nan_to_num(np.asarray(image.values, dtype=np.float32))
    block = max(1, -(-max(values.shape) // most_pixels))
    if block > 1:
        rows, columns = (n // block * block for n in values.shape)
        values = values[:rows, :columns].reshape(rows // block, block, columns // block, block).sum(axis=(1, 3))
    stretched = np.arcsinh(values)
    positive = stretched[stretched > 0]
    top = float(np.percentile(positive, 99.5)) if len(positive) else 1.0
    return np.asarray(np.clip(stretched / top, 0.0, 1.0), np.float32)


class ProductPanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._build()
        context.product_changed.connect(lambda _product: self._show())
        context.observation_changed.connect(lambda _mission, _obs_id: self._show())
        context.theme_changed.connect(lambda _theme: self._restyle())
        bridge.archive_changed.connect(lambda _path: self._show())
        self._restyle()
        self._show()

    def _build(self) -> None:
        self.title = QLabel(self)
        self.title.setObjectName("productTitle")
        as_heading(self.title)
        self.title.setWordWrap(True)
        self.inspect_button = QPushButton("&Inspect", self)
        self.inspect_button.setObjectName("inspectProduct")
        self.inspect_button.setToolTip("Open it in the Inspect workspace (double-click does the same)")
        self.inspect_button.clicked.connect(lambda: self._context.show_workspace("inspect"))
        self.facts = QTextBrowser(self)
        self.history = QTextBrowser(self)
        self.log = QPlainTextEdit(self)
        self.log.setReadOnly(True)
        self.log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.picture = pg.GraphicsLayoutWidget(self)
        self.picture.setAccessibleName("Picture of the image")
        view = self.picture.addViewBox(lockAspect=True)
        self._image_item = pg.ImageItem(axisOrder="row-major")
        self._image_item.setColorMap(pg.colormap.get("inferno"))
        view.addItem(self._image_item)
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("productTabs")
        for widget, name in ((self.facts, "&File"), (self.history, "&History"), (self.log, "&Log"), (self.picture, "&Picture")):
            self.tabs.addTab(widget, name)
            if not widget.accessibleName():
                widget.setAccessibleName(f"{name.replace('&', '')} of the chosen product")
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.inspect_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addLayout(top)
        layout.addWidget(self.tabs, 1)

    def _restyle(self) -> None:
        self.picture.setBackground(self._context.theme.base)

    def _show(self) -> None:
        product = self._context.product
        self.inspect_button.setVisible(product is not None)
        self.tabs.setVisible(self._session.archive is not None and (product is not None or self._context.observation[1] != ""))
        for index in (1, 2, 3):
            self.tabs.setTabVisible(index, product is not None and (index != 3 or product.key.kind in _PICTURES))
        if self._session.archive is None:
            self.title.setText("")
        elif product is not None:
            self._show_product(product)
        elif self._context.observation[1]:
            self._show_observation(*self._context.observation)
        else:
            self.title.setText("Choose an observation or a product on the left.")

    def _show_observation(self, mission: str, obs_id: str) -> None:
        self.title.setText(f"Observation {obs_id}")
        for observation in self._session.observations():
            if (observation.mission, observation.obs_id) == (mission, obs_id):
                self.facts.setHtml(fact_rows({k: v for k, v in observation.row.items() if v not in ("", None)}))
                return
        self.facts.setPlainText("This observation is not part of the archive.")

    def _show_product(self, product: Product) -> None:
        self.title.setText(f"{product.key.obs_id} {product_label(product)}")
        described = {"file": product.path, "size": format_bytes(product.size_bytes), "made": utc_text(product.created),
                     "SHA-256": product.sha256 or "not known"}  # fmt: skip
        self.facts.setHtml(fact_rows({**described, **product.facts}))
        self.history.setPlainText("")
        self.log.setPlainText("")
        read = self._context.background.read
        read(self, "history", lambda: self._session.history(product), self._on_history_read, self._on_error)
        if product.job_id is not None:
            job_id = product.job_id
            read(self, "log", lambda: self._session.read_log(job_id)[0], self.log.setPlainText, self._on_error)
        if product.key.kind in _PICTURES:
            self._image_item.clear()
            read(
                self,
                "picture",
                lambda: thumbnail(self._session.inspection.read_image(product.path)),
                self._on_picture_read,
                self._on_error,
            )

    def _on_history_read(self, entries: list[HistoryEntry]) -> None:
        parts = []
        for entry in reversed(entries):
            arguments = entry.task.arguments if isinstance(entry.task, Call) else {"command": " ".join(entry.task.argv)}
            took = f"{entry.finished - entry.started:.1f} s" if entry.started and entry.finished else "–"
            head = {"made by": entry.title, "when": utc_text(entry.finished), "took": took, "attempt": entry.attempt,
                    "software": f"DAXA GUI {entry.version}"}  # fmt: skip
            parts.append(fact_rows(head) + "<p><b>Parameters</b></p>" + fact_rows(arguments))
        self.history.setHtml("<hr>".join(parts) or "Nothing is recorded about how this file was made.")

    def _on_picture_read(self, values: NDArray[np.float32]) -> None:
        self._image_item.setImage(values, levels=(0.0, 1.0))

    def _on_error(self, error: DaxaError) -> None:
        self.history.setPlainText(str(error))
