"""Source regions of the observations of the open archive: DS9 files taken over, pixel shapes turned into sky, what was kept as it
was, and drawing them over images (in the Inspect workspace)."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QTextBrowser, QWidget

from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.archive_queries import RegionSet
from daxa_gui.core.product import ProductKind
from daxa_gui.gui.archive_contents import ArchiveContents
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.inspected import PICTURES
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.archive_panel import ArchivePanel
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.gui.widgets.version_views import moment_text
from daxa_gui.session import Session

_EVENTS = (ProductKind.CLEAN_EVENTS, ProductKind.EVENTS, ProductKind.FINAL_EVENTS)


class RegionsPanel(ArchivePanel):
    """The buttons are about the observation that is chosen in the archive."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("regions", session, context, bridge, parent)
        self._contents = ArchiveContents.of(session, context, bridge)
        self._added = ""  # what was added last to the chosen observation
        labels = session.mission_labels()
        self.table = RecordTable(
            "regionsTable",
            "Regions of the observations",
            (
                RecordColumn("Mission", lambda r: labels.get(r.mission, r.mission)),
                RecordColumn("ObsID", lambda r: r.obs_id),
                RecordColumn("Regions", lambda r: count_text(r.n_regions), key=lambda r: r.n_regions, number=True),
                RecordColumn("Not understood", lambda r: count_text(len(r.verbatim)), key=lambda r: len(r.verbatim), number=True),
                RecordColumn("Added (UTC)", lambda r: moment_text(r.added), key=lambda r: r.added),
                RecordColumn("From", lambda r: r.source),
            ),
            context,
            self,
        )
        self._build()
        self.table.chosen_changed.connect(self._on_chosen_changed)
        context.observation_changed.connect(lambda _mission, _obs_id: self._on_observation_changed())
        context.product_changed.connect(lambda _product: self._update())
        bridge.archive_content_changed.connect(self._note)
        self._contents.replaced.connect(self._update)
        self._update()

    def _build(self) -> None:
        self.state = self._state_line("regionsState")
        tip = "Take over a DS9 region file for the chosen observation; pixel shapes need one of its images"
        self.add_button = self._button("addRegions", "&Add from a file…", tip, self.ask_add)
        tip = "Take the regions of the chosen rows out of the archive"
        self.remove_button = self._button("removeRegions", "&Remove", tip, self.remove)
        self.text = QTextBrowser(self)
        self.text.setObjectName("regionsText")
        self.text.setAccessibleName("The chosen regions")
        self.text.setTabChangesFocus(True)
        self.text.setPlaceholderText("Choose a row to see its regions.")  # one line: Qt cuts off a second one
        self.text.setToolTip("The regions of the chosen row's observation, as DS9 reads them")
        top = self._row(self.state, self.add_button, self.remove_button, wide=(self.state,))
        self._stack_up(top, self.read_only, self._split(self.table, self.text))

    # what is shown

    def _clear(self, _path: str) -> None:
        self._added = ""
        self.table.set_records([])

    def _question(self) -> Callable[[], list[RegionSet]]:
        return self._session.regions

    def _show(self, sets: list[RegionSet]) -> None:
        self.table.set_records(sets)
        self._update()

    def chosen_observation(self) -> tuple[str, str] | None:
        """What is chosen in the archive: an observation, or the one of a product."""
        product = self._context.product
        key = (product.key.mission, product.key.obs_id) if product is not None else self._context.observation
        return key if key in self._contents.entries else None

    def _on_observation_changed(self) -> None:
        self._added = ""
        self._update()

    def _update(self) -> None:
        archive = self._session.archive
        chosen = self.chosen_observation()
        self.state.setText(self._sentence(archive, chosen))
        self.state.setToolTip(self.state.text())
        self.read_only.show_reason(archive)
        self.table.say_if_empty("No observation of this archive has regions." if archive is not None else "No archive is open.")
        self.add_button.setEnabled(self._can_change and chosen is not None)
        self.remove_button.setEnabled(self._can_change and self.table.n_chosen() > 0)

    def _sentence(self, archive: ArchiveSummary | None, chosen: tuple[str, str] | None) -> str:
        if archive is None:
            return "No archive is open."
        if chosen is None:
            return "" if archive.read_only else "Choose an observation in the archive above to add regions to it."
        return self._added or f"Chosen: {self._session.mission_labels().get(chosen[0], chosen[0])} {chosen[1]}"

    def _on_chosen_changed(self) -> None:
        self._update()
        chosen: list[RegionSet] = self.table.chosen()
        if len(chosen) != 1:
            self._context.background.forget(self, "text")
            self.text.clear()
            return
        one = chosen[0]
        self._context.background.read(self, "text", lambda: _described(one), self.text.setHtml)

    # what can be done

    def ask_add(self) -> None:
        chosen = self.chosen_observation()
        if chosen is None:
            return
        path, _ = QFileDialog.getOpenFileName(
            self, f"Regions of {chosen[1]}", "", "DS9 region files (*.reg);;All files (*)"
        )  # fmt: skip
        if path:
            self.add(chosen, Path(path))

    def add(self, observation: tuple[str, str], path: Path) -> None:
        """Pixel shapes are placed on the sky by the chosen product, else by the first image or event list of the observation."""
        image = self._picture_of(observation)
        self._context.background.act(
            self, "Add regions", lambda: self._session.set_regions(*observation, path, image), self._on_added, self._on_error
        )

    def _picture_of(self, observation: tuple[str, str]) -> Path | None:
        """The chosen product if it has sky coordinates, else the first of the observation that has."""
        product = self._context.product
        with_sky = (*PICTURES, *_EVENTS)
        if product is not None and (product.key.mission, product.key.obs_id) == observation and product.key.kind in with_sky:
            return Path(product.path)
        products = [p for p in self._contents.entries[observation].products if p.key.kind in with_sky]
        products.sort(key=lambda p: with_sky.index(p.key.kind))
        return Path(products[0].path) if products else None

    def _on_added(self, added: RegionSet) -> None:
        kept = f"; {counted(len(added.verbatim), 'line was', 'lines were')} kept unread" if added.verbatim else ""
        self._added = f"{counted(added.n_regions, 'region is', 'regions are')} kept of {added.obs_id} now{kept}."
        self._read()
        self._update()

    def remove(self) -> None:
        chosen = [(one.mission, one.obs_id) for one in self.table.chosen()]
        self._context.background.act(
            self,
            "Remove regions",
            lambda: self._remove(chosen),
            lambda _nothing: self._read(),
            self._on_error,
        )

    def _remove(self, observations: list[tuple[str, str]]) -> None:
        for mission, obs_id in observations:
            self._session.remove_regions(mission, obs_id)


def _described(one: RegionSet) -> str:
    """The region file as it lies in the archive, and what nobody understood of it."""
    try:
        with Path(one.path).open(encoding="utf-8", errors="replace") as file:
            text = file.read(100_000)
    except OSError as error:
        return f"<p>✕ {html.escape(str(error.strerror or error))}: {html.escape(one.path)}</p>"
    kept = "".join(f"<li><code>{html.escape(line)}</code></li>" for line in one.verbatim[:100])
    unread = f"<p>⚠ Kept as it was, not understood:</p><ul>{kept}</ul>" if kept else ""
    return f"<p>{html.escape(one.path)}</p>{unread}<pre>{html.escape(text)}</pre>"
