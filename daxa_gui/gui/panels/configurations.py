"""Earlier results that were kept when the reduction was done in another way: which there are, and how they differ from now."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QMessageBox,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.events import Notice
from daxa_gui.core.product import Product
from daxa_gui.core.reduction_plan import ComparedProduct, Configuration
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.inspected import Inspected
from daxa_gui.gui.models.compared import INSPECTED, comparison_columns, differed_text, differs
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.archive_panel import ArchivePanel
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.gui.widgets.version_views import moment_text
from daxa_gui.session import Session

_NONE_YET = "No earlier results yet: they are kept when steps run again with other parameters or software."
_CHOOSE = "Choose a configuration to compare it with the present results."
_SAME = "Nothing differs. « Only what differs » hides products that are the same."


class RenameDialog(QDialog):
    """Name and note of a configuration."""

    def __init__(self, configuration: Configuration, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("renameConfiguration")
        self.setWindowTitle("Name and note")
        self.resize(440, 120)
        self.name = QLineEdit(configuration.name, self)
        self.name.setObjectName("configurationName")
        self.name.setToolTip("How these results are called")
        self.note = QLineEdit(configuration.note, self)
        self.note.setObjectName("configurationNote")
        self.note.setToolTip("What is worth remembering about them")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.keep_button = buttons.addButton("&Keep", QDialogButtonBox.ButtonRole.AcceptRole)
        self.keep_button.setObjectName("keepConfigurationName")
        self.keep_button.setToolTip("Use this name and note")
        cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("renameConfigurationCancel")
        cancel.setToolTip("Change nothing (Escape)")
        form = QFormLayout(self)
        form.addRow("&Name", self.name)
        form.addRow("No&te", self.note)
        form.addRow(buttons)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.name.textChanged.connect(lambda text: self.keep_button.setEnabled(bool(text.strip())))


class ConfigurationsPanel(ArchivePanel):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("configurations", session, context, bridge, parent)
        self._bridge = bridge
        self._compared = ""  # the configuration whose products are shown
        self._exchanging = False  # the records of the table are being replaced: what is chosen comes back
        self._build()
        self.table.chosen_changed.connect(self._on_chosen_changed)
        self.products.chosen_changed.connect(self._update)
        self.differing.toggled.connect(lambda _on: self._narrow())
        bridge.archive_content_changed.connect(self._note)
        bridge.products_added.connect(lambda _products: self._note())
        self._update()

    # ---- what it looks like

    def _build(self) -> None:
        steps = {step.name: step for step in self._session.steps()}
        differed = lambda one: differed_text(one, steps)  # noqa: E731
        self.table = RecordTable(
            "configurationsTable",
            "Configurations of the archive",
            (
                RecordColumn("Name", lambda one: one.name, tip=lambda one: one.note or one.name),
                RecordColumn("Kept (UTC)", lambda one: moment_text(one.created), key=lambda one: one.created),
                RecordColumn("What differed", differed, tip=lambda one: f"{differed(one)}\n{one.reason}"),
                RecordColumn("Products", lambda one: count_text(one.n_products), key=lambda one: one.n_products, number=True),
                RecordColumn("Size", lambda one: format_bytes(one.n_bytes), key=lambda one: one.n_bytes, number=True),
                RecordColumn("Note", lambda one: one.note),
            ),
            self._context,
            self,
        )
        self.products = RecordTable(
            "comparedProducts",
            "Products of the configuration and now",
            comparison_columns(self._session.mission_labels()),
            self._context,
            self,
        )
        self.state = self._state_line("configurationsState")
        self.state.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)  # as wide as its text
        self.rename_button = self._button(
            "renameConfigurationButton", "Name and note…", "Give them another name or a note", self.ask_rename
        )
        self.remove_button = self._button(
            "removeConfiguration", "Remove…", "Delete these earlier results (asks, says how much)", self.ask_remove
        )
        self.compare_button = self._button(
            "compareInInspect",
            "Compare",
            "Look at the exposure in Inspect, with these earlier results drawn over it (C blinks)",
            self._compare_in_inspect,
        )
        self.then_button = self._button(
            "inspectThen",
            "Inspect earlier",
            "Look at the earlier file in the Inspect workspace",
            lambda: self._inspect(lambda one: one.old_path),
        )
        self.now_button = self._button(
            "inspectNow",
            "Inspect present",
            "Look at the present file in the Inspect workspace",
            lambda: self._inspect(lambda one: one.new_path),
        )
        self.differing = QCheckBox("Only what differs", self)
        self.differing.setObjectName("onlyDiffering")
        self.differing.setToolTip("Hide products whose kept fraction, events and good time are the same")
        kept = self._half(self.table, self.state, self.rename_button, self.remove_button)
        compared = self._half(self.products, self.differing, self.compare_button, self.then_button, self.now_button)
        self._stack_up(self.read_only, self._split(kept, compared, shares=(1, 1)))

    def _half(self, table: RecordTable, first: QWidget, *buttons: QWidget) -> QWidget:
        half = QWidget(self)
        top = FlowLayout()  # a low and narrow panel, or large letters: a row would paint over its neighbour
        for widget in (first, *buttons):
            top.addWidget(widget)
        top.setContentsMargins(0, 0, 4, 0)
        layout = QVBoxLayout(half)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(table, 1)
        return half

    # ---- what is read

    def _question(self) -> Callable[[], list[Configuration]]:
        return self._session.configurations

    def _show(self, configurations: list[Configuration]) -> None:
        """Those of which nothing was replaced yet are not there for people. One that has grown stays chosen."""
        self._exchanging = True
        try:
            self.table.set_records([one for one in configurations if one.n_products])
            names = [self.table.records_model.record(row).name for row in range(self.table.records_model.rowCount())]
            if self._compared in names and self._chosen() is None:
                self.table.selectRow(names.index(self._compared))
        finally:
            self._exchanging = False
        self._compare()
        self._update()

    def _clear(self, _path: str) -> None:
        self._context.background.forget(self, "compare")
        self._compared = ""
        self.table.set_records([])
        self.products.set_records([])

    def _chosen(self) -> Configuration | None:
        chosen = self.table.chosen()
        return chosen[0] if len(chosen) == 1 else None

    def _on_chosen_changed(self) -> None:
        if not self._exchanging:
            self._compare()
            self._update()

    def _compare(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            self._compared = ""
            self._context.background.forget(self, "compare")
            self.products.set_records([])
            return
        if chosen.name != self._compared:
            self.products.set_records([])
        self._compared = chosen.name
        compare = functools.partial(self._session.compare_configuration, chosen.name)
        self._context.background.read(self, "compare", compare, self._on_compared, self._on_error)

    def _on_compared(self, products: list[ComparedProduct]) -> None:
        self.products.set_records(products)
        self._narrow()

    def _narrow(self) -> None:
        self.products.show_only("", differs if self.differing.isChecked() else None)
        self._update()

    # ---- what is shown

    def _update(self) -> None:
        archive, chosen = self._session.archive, self._chosen()
        self.read_only.show_reason(archive)
        for button in (self.rename_button, self.remove_button):
            button.setEnabled(self._can_change and chosen is not None)
        records = self.table.records_model.records
        total = format_bytes(sum(one.n_bytes for one in records))
        self.state.setText(f"{total} kept" if records else "")
        self.state.setToolTip(self.state.text())
        self.table.say_if_empty(_NONE_YET if archive is not None else "No archive is open.")
        self.products.say_if_empty(_CHOOSE if chosen is None else _SAME if self.differing.isChecked() else "Looking …")
        product = self._product()
        shown = product is not None and product.kind in INSPECTED
        self.compare_button.setEnabled(product is not None and bool(product.new_path))
        self.then_button.setEnabled(shown)
        self.now_button.setEnabled(shown and product is not None and bool(product.new_path))

    def _product(self) -> ComparedProduct | None:
        chosen = self.products.chosen()
        return chosen[0] if len(chosen) == 1 else None

    # ---- what can be done

    def _inspect(self, path_of: Callable[[ComparedProduct], str]) -> None:
        product = self._product()
        if product is not None:
            self._context.show_workspace("inspect")  # first: its panels are made when it is first shown
            self._context.file_opened.emit(path_of(product))

    def _compare_in_inspect(self) -> None:
        """Show the exposure of the chosen product with this configuration over it."""
        product, chosen = self._product(), self._chosen()
        if product is None or chosen is None:
            return
        products, place = self._session.products, product.new_path

        def on_read(found: list[Product]) -> None:
            present = next((one for one in found if one.path == place), None)
            if present is not None:
                Inspected.of(self._session, self._context, self._bridge).earlier.choose(chosen.name)
                self._context.set_product(present)
                self._context.show_workspace("inspect")

        self._context.background.read(self, "present", lambda: products(product.mission, product.obs_id), on_read)

    def ask_rename(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        dialog = RenameDialog(chosen, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._rename(chosen.name, dialog.name.text().strip(), dialog.note.text().strip()))
        dialog.open()

    def _rename(self, name: str, new: str, note: str) -> None:
        rename = self._session.rename_configuration
        self._context.background.act(self, "Name and note", lambda: rename(name, new, note), lambda _: self._read())

    def ask_remove(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        box = QMessageBox(self)
        box.setObjectName("removeConfigurationBox")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Remove earlier results")
        box.setText(f"Delete « {chosen.name} » for good?")
        products = counted(chosen.n_products, "product", "products")
        box.setInformativeText(f"{products}, {format_bytes(chosen.n_bytes)}. The present results stay as they are.")
        box.setStandardButtons(QMessageBox.StandardButton.Cancel)
        remove = box.addButton("&Remove", QMessageBox.ButtonRole.DestructiveRole)
        remove.clicked.connect(lambda _checked=False: self._remove(chosen.name))
        box.open()

    def _remove(self, name: str) -> None:
        remove = self._session.remove_configuration
        self._context.background.act(self, "Remove", lambda: remove(name), self._on_removed)

    def _on_removed(self, n_bytes: int) -> None:
        self._session.bus.publish(Notice("information", f"{format_bytes(n_bytes)} of earlier results were deleted."))
        self._read()
