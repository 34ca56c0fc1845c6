"""What the open archive holds: mission → observation → product, with disk use; the chosen thing is shown beside it."""

from __future__ import annotations

import html
from typing import NamedTuple

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QMenu, QTreeView, QVBoxLayout, QWidget

from daxa_gui.core.product import Product
from daxa_gui.gui.archive_contents import ArchiveContents, Key
from daxa_gui.gui.archive_desk import ArchiveDesk
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.archive_tree import OBSERVATION_ROLE, PRODUCT_ROLE, ArchiveTree, Column
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.texts import counted
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.state_painter import RoomyDelegate
from daxa_gui.gui.widgets.words_line import WordsLine
from daxa_gui.session import Session

_MOST_OPENED = 2000  # a mission with more observations than this is not opened by itself
_MOST_FOUND_OPENED = 50  # nor observations whose products a search found, if they are more


class ArchiveState(NamedTuple):
    """`version` is the newest one's number, empty if there is none; `disk_use` as the session tells it."""

    version: str
    disk_use: dict[str, int]


def _read_state(session: Session) -> ArchiveState:
    versions = session.versions()
    return ArchiveState(versions[0].number if versions else "", session.disk_use())


class ArchivePanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._opened: set[Key] = set()  # observations
        self._contents = ArchiveContents.of(session, context, bridge)
        self._desk = ArchiveDesk.of(session, context, bridge)
        self._state: ArchiveState | None = None
        self.model = ArchiveTree(session.mission_labels(), self)
        self._build()
        self.search.settled.connect(self._on_search_paused)
        self._contents.replaced.connect(self._on_contents_replaced)
        self._contents.entries_changed.connect(self._on_entries_changed)
        context.product_changed.connect(lambda _product: self._choose_in_tree())
        bridge.archive_changed.connect(lambda _path: self._on_archive_changed())
        bridge.archive_content_changed.connect(self._ask_state)
        self._on_contents_replaced()

    def _build(self) -> None:
        self.summary = QLabel(self)
        self.summary.setObjectName("archiveSummary")
        self.summary.setWordWrap(True)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        tip = "Show only what holds these words (Ctrl+F)"
        self.search = WordsLine("archiveSearch", "Find in the archive", "Find an ObsID, target or product", tip, self)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.search.setFocus)
        self.nothing = QLabel("Nothing in this archive holds these words.", self)
        self.nothing.setObjectName("archiveNothingFound")
        as_muted(self.nothing)
        self._build_view()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.summary)
        layout.addWidget(self.search)
        layout.addWidget(self.nothing)
        layout.addWidget(self.view, 1)
        layout.addStretch(0)

    def _build_view(self) -> None:
        self.view = view = QTreeView(self)
        view.setObjectName("archiveTree")
        view.setAccessibleName("Archive: missions, observations and products")
        view.setModel(self.model)
        view.setItemDelegate(RoomyDelegate(view))
        view.setUniformRowHeights(True)
        view.setAlternatingRowColors(True)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(lambda place: self.menu().popup(view.viewport().mapToGlobal(place)))
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.doubleClicked.connect(self._on_double_clicked)
        view.expanded.connect(self._on_view_expanded)
        view.collapsed.connect(self._on_view_collapsed)
        self.model.modelReset.connect(self._on_model_reset)
        header = view.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(Column.TARGET, 210)
        header.resizeSection(Column.SIZE, max(80, view.fontMetrics().horizontalAdvance("999.9 MB") + 16))
        view.selectionModel().selectionChanged.connect(self._on_selection_changed)
        enter = QShortcut(QKeySequence(Qt.Key.Key_Return), view, context=Qt.ShortcutContext.WidgetShortcut)
        enter.activated.connect(lambda: self._on_double_clicked(view.currentIndex()))

    # what the archive holds

    def _on_contents_replaced(self) -> None:
        self._opened.clear()
        self.model.set_entries(self._contents.entries.values())
        self._ask_state()
        self._refresh()

    def _on_entries_changed(self, keys: list[Key]) -> None:
        self.model.renew([self._contents.entries[key] for key in keys])
        self._ask_state()
        self._refresh()

    def _on_archive_changed(self) -> None:
        self._state = None
        self._ask_state()

    def _ask_state(self) -> None:
        """Version and disk use, which no panel keeps."""
        if self._session.archive is None:
            self._context.background.forget(self, "state")
            return
        session = self._session
        self._context.background.read(self, "state", lambda: _read_state(session), self._on_state_read, lambda _error: None)

    def _on_state_read(self, state: ArchiveState) -> None:
        self._state = state
        self._refresh()

    def _on_search_paused(self) -> None:
        self.model.set_search(self.search.text())
        self._refresh()

    def _refresh(self) -> None:
        archive = self._session.archive
        has_entries = bool(self._contents.entries)
        self.search.setVisible(has_entries)
        self.view.setVisible(has_entries and self.model.count() > 0)
        self.nothing.setVisible(has_entries and self.model.count() == 0)
        if archive is None:
            self.summary.setText("No archive is open. Create one in Find, or open one with File › Open archive (Ctrl+O).")
        elif not has_entries:
            reading = "Reading …" if self._contents.reading else "There is no observation in this archive."
            self.summary.setText(f"<b>{html.escape(archive.name)}</b><br>{reading}")
        else:
            facts = (
                counted(len(self._contents.entries), "observation", "observations"),
                counted(self._contents.n_missions, "mission", "missions"),
                counted(self._contents.n_products, "product", "products"),
            )
            name, path = html.escape(archive.name), html.escape(archive.path)
            lines = [f"<b>{name}</b>{self._version_text()}", " · ".join(facts), self._disk_text(), path]
            if archive.read_only:
                lines.insert(1, f"⚠ {html.escape(archive.read_only)}")
            self.summary.setText("<br>".join(lines))

    def _version_text(self) -> str:
        return f" · version {html.escape(self._state.version)}" if self._state is not None and self._state.version else ""

    def _disk_text(self) -> str:
        """What products and downloaded files take, what is to come, and what is free."""
        if self._state is None:
            return f"{format_bytes(self._contents.size_bytes)} of products"
        use = self._state.disk_use
        parts = [f"{format_bytes(use['used_bytes'])} on the disk"]
        if use["to_come_bytes"]:
            parts.append(f"{format_bytes(use['to_come_bytes'])} to come")
        return " · ".join([*parts, f"{format_bytes(use['free_bytes'])} free"])

    # what is open and chosen

    def _on_model_reset(self) -> None:
        self._open_again()
        self._let_go_of_what_is_gone()
        self._choose_in_tree()

    def _let_go_of_what_is_gone(self) -> None:
        """A product that the archive has no more is not looked at any more (single rows that vanish tell the view themselves)."""
        product = self._context.product
        entry = None if product is None else self._contents.entries.get((product.key.mission, product.key.obs_id))
        if product is not None and entry is not None and product.path not in {one.path for one in entry.products}:
            self._context.set_product(None)

    def _open_again(self) -> None:
        """After everything was arranged anew: missions, what was open before, and what a search found among products."""
        opened = set(self._opened)
        few = bool(self.search.text().strip()) and self.model.count() <= _MOST_FOUND_OPENED
        for row in range(self.model.rowCount()):
            mission = self.model.index(row, 0)
            n_observations = self.model.rowCount(mission)
            if n_observations <= _MOST_OPENED:
                self.view.expand(mission)
            if few:
                for number in range(n_observations):
                    self._open_if_found(self.model.index(number, 0, mission))
        for key in opened:
            self.view.expand(self.model.index_of(key))
        self._opened = opened

    def _open_if_found(self, observation: QModelIndex) -> None:
        entry = self._contents.entries[observation.data(OBSERVATION_ROLE)]
        if 0 < self.model.rowCount(observation) < len(entry.products):
            self.view.expand(observation)

    def _on_view_expanded(self, index: QModelIndex) -> None:
        if (key := index.data(OBSERVATION_ROLE)) is not None:
            self._opened.add(key)

    def _on_view_collapsed(self, index: QModelIndex) -> None:
        self._opened.discard(index.data(OBSERVATION_ROLE))

    def _choose_in_tree(self) -> None:
        """Mark what the window looks at, if it is in the tree."""
        product = self._context.product
        key = (product.key.mission, product.key.obs_id) if product is not None else self._context.observation
        index = self.model.index_of(key, product.path if product is not None else "")
        if index.isValid() and not self.view.selectionModel().isSelected(index):
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.view.selectionModel().setCurrentIndex(index, flags)
            self.view.scrollTo(index)

    def _on_selection_changed(self, selected: QItemSelection, _deselected: QItemSelection) -> None:
        for index in selected.indexes()[:1]:
            observation, product = index.data(OBSERVATION_ROLE), index.data(PRODUCT_ROLE)
            if observation is not None:
                self._context.set_observation(*observation)
                self._context.set_product(None)
            elif isinstance(product, Product):
                self._context.set_observation(product.key.mission, product.key.obs_id)
                self._context.set_product(product)

    # what can be done

    def chosen_observations(self) -> list[Key]:
        """Those whose rows, or rows of whose products, are chosen; of a mission's row all of the mission's."""
        keys: dict[Key, None] = {}
        for index in self.view.selectionModel().selectedRows():
            observation, product = index.data(OBSERVATION_ROLE), index.data(PRODUCT_ROLE)
            if observation is not None:
                keys[observation] = None
            elif isinstance(product, Product):
                keys[product.key.mission, product.key.obs_id] = None
            else:
                rows = range(self.model.rowCount(index))
                keys.update(dict.fromkeys(self.model.index(row, 0, index).data(OBSERVATION_ROLE) for row in rows))
        return list(keys)

    def menu(self) -> QMenu:
        """What can be done with what is chosen, in words that say with how much."""
        menu = QMenu(self)
        menu.setObjectName("archiveTreeMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        keys, desk, product = self.chosen_observations(), self._desk, self._context.product
        archive = self._session.archive
        can_change = archive is not None and not archive.read_only
        inspect = menu.addAction("&Inspect", lambda: self._on_double_clicked(self.view.currentIndex()))
        inspect.setEnabled(len(keys) == 1 and product is not None)
        menu.addSeparator()
        folder = menu.addAction("Show &folder of products", lambda: desk.show_folder_of(keys[0]))
        raw = menu.addAction("Show folder of ra&w data", lambda: desk.show_folder_of(keys[0], raw=True))
        for action in (folder, raw):
            action.setEnabled(len(keys) == 1)
        menu.addSeparator()
        missions = sorted({mission for mission, _ in keys})
        change = menu.addAction("&Change what is fetched…", lambda: desk.ask_choice(missions[0]))
        change.setEnabled(can_change and len(missions) == 1)
        of_how_many = f" of {counted(len(keys), 'observation', 'observations')}" if keys else ""
        delete = menu.addAction(f"&Delete raw data{of_how_many}…", lambda: desk.ask_delete_raw(keys))
        delete.setEnabled(can_change and bool(keys))
        return menu

    def _on_double_clicked(self, index: QModelIndex) -> None:
        product = index.siblingAtColumn(0).data(PRODUCT_ROLE)
        if isinstance(product, Product):
            self._context.set_product(product)
            self._context.show_workspace("inspect")
