"""The chosen product or observation: what it is, how and by what it was made, its log, its picture."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QTabWidget, QTextBrowser, QVBoxLayout, QWidget

from daxa_gui.core.archive_info import DownloadedFile, HistoryEntry
from daxa_gui.core.archive_queries import ObservationFacts
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.job import Job
from daxa_gui.core.log_file import LogFile
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.gui.archive_contents import ArchiveContents, Key, product_label
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.described import as_html, history_groups, job_groups, observation_groups, product_groups, service_text
from daxa_gui.gui.described_observation import archive_groups
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.models.log_lines import LogLines
from daxa_gui.gui.models.plan_digest import kind_words
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.theme import Theme, as_heading, as_muted
from daxa_gui.gui.widgets.log_view import LogView
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.gui.widgets.thumbnail import Thumbnail, ThumbnailView, thumbnail
from daxa_gui.gui.widgets.version_views import moment_text
from daxa_gui.session import Session

PICTURES = (ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP)
_INSPECTABLE = (*PICTURES, ProductKind.EVENTS, ProductKind.CLEAN_EVENTS, ProductKind.GTI, ProductKind.LIGHTCURVE)
_NO_HISTORY = "Nothing is recorded about how this file was made."
_NO_LOG = "No job of this archive made this file, so there is no log."


class ProductPanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._labels = session.mission_labels()
        self._contents = ArchiveContents.of(session, context, bridge)
        self._history: list[HistoryEntry] = []
        self._job: Job | None = None  # that made the chosen product
        self._observed: tuple[Key, ObservationFacts, list[LeftOut]] | None = None  # of the chosen observation
        self._build()
        context.product_changed.connect(lambda _product: self._show())
        context.observation_changed.connect(lambda _mission, _obs_id: self._show())
        context.coordinates_changed.connect(lambda _style: self._show_facts())
        context.theme_changed.connect(self._on_theme_changed)
        self._contents.replaced.connect(self._show)
        self._contents.entries_changed.connect(self._on_entries_changed)
        bridge.archive_content_changed.connect(self._ask_observation)
        self._on_theme_changed(context.theme)
        self._show()

    def _build(self) -> None:
        self.title = QLabel(self)
        self.title.setObjectName("productTitle")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        as_heading(self.title)
        self.title.setWordWrap(True)
        self.empty = QLabel("Choose an observation or a product on the left to see what it is and how it was made.", self)
        self.empty.setObjectName("productEmpty")
        self.empty.setWordWrap(True)
        as_muted(self.empty)
        self.inspect_button = QPushButton("&Inspect", self)
        self.inspect_button.setObjectName("inspectProduct")
        self.inspect_button.setToolTip("Open it in the Inspect workspace (double-click does the same)")
        self.inspect_button.clicked.connect(self._on_inspect_clicked)
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("productTabs")
        self.tabs.setAccessibleName("What is known of it")
        self.facts = self._text("productFacts", "What it is")
        self.history = self._text("productHistory", "How it was made")
        self.log_lines = LogLines(self)
        self.log = LogView(self.log_lines, self)
        self.log.setObjectName("productLog")
        self.log.setAccessibleName("Log of the job that made it")
        self.picture = ThumbnailView(self)
        self.picture.setObjectName("productPicture")
        self.picture.setAccessibleName("Picture of the image")
        self.files = self._files_table()
        pages = (
            (self.facts, "Fac&ts"), (self.history, "Histor&y"), (self.log, "&Log"), (self.picture, "&Picture"),
            (self.files, "Download&s"),
        )  # fmt: skip
        for widget, name in pages:
            self.tabs.addTab(widget, name)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.inspect_button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addLayout(top)
        layout.addWidget(self.empty)
        layout.addWidget(self.tabs, 1)
        layout.addStretch(0)

    def _files_table(self) -> RecordTable:
        """What came of an observation from the mission's archive, when and from where."""
        table = RecordTable(
            "productFiles",
            "Downloaded files",
            (
                RecordColumn("File", lambda f: f.unit, tip=lambda f: f.path),
                RecordColumn("Size", lambda f: format_bytes(f.size_bytes), key=lambda f: f.size_bytes, number=True),
                RecordColumn("Kind", lambda f: kind_words(f.kind)),
                RecordColumn("Date (UTC)", lambda f: moment_text(f.date), key=lambda f: f.date),
                RecordColumn("From", lambda f: service_text(f.service), tip=lambda f: f.url_path),
                RecordColumn("SHA-256", lambda f: f.sha256),
            ),
            self._context,
            self,
        )
        table.say_if_empty("No file of this observation has been fetched, or its raw data were deleted.")
        return table

    def _text(self, name: str, accessible: str) -> QTextBrowser:
        browser = QTextBrowser(self)
        browser.setObjectName(name)
        browser.setAccessibleName(accessible)
        browser.setOpenLinks(False)
        browser.setTabChangesFocus(True)
        return browser

    def _on_theme_changed(self, theme: Theme) -> None:
        self.log.set_theme(theme)
        self.picture.set_theme(theme)
        self._show_facts()
        self._show_history()

    def _on_inspect_clicked(self) -> None:
        self._context.show_workspace("inspect")

    def _on_entries_changed(self, keys: list[Key]) -> None:
        """The chosen product was made again, or taken away."""
        product = self._context.product
        if product is None and self._context.observation in keys:
            self._ask_observation()
        if product is None or (product.key.mission, product.key.obs_id) not in keys:
            return
        entry = self._contents.entries[product.key.mission, product.key.obs_id]
        self._context.set_product(next((p for p in entry.products if p.path == product.path), None))

    # what is shown

    def _show(self) -> None:
        product, is_open = self._context.product, self._session.archive is not None
        chosen = is_open and (product is not None or self._context.observation in self._contents.entries)
        is_picture = product is not None and product.key.kind in PICTURES
        self.inspect_button.setVisible(chosen and product is not None and product.key.kind in _INSPECTABLE)
        self.tabs.setVisible(chosen)
        self.title.setVisible(chosen)
        self.empty.setVisible(is_open and not chosen)
        wanted = {self.history: product is not None, self.log: product is not None, self.picture: is_picture}
        wanted[self.files] = product is None
        for page, is_wanted in wanted.items():
            self.tabs.setTabVisible(self.tabs.indexOf(page), is_wanted)
        if chosen:
            self._forget()
            self._show_facts()
            if product is not None:
                self._ask(product)
            else:
                self._ask_observation()

    def _forget(self) -> None:
        self._history, self._job = [], None
        self.history.setPlainText("")
        self.log_lines.clear()
        self.log.forget()
        self.picture.clear()
        if self._observed is not None and self._observed[0] != self._context.observation:
            self._observed = None
            self.files.set_records([])

    def _show_facts(self) -> None:
        product = self._context.product
        muted = self._context.theme.muted
        if product is not None:
            self.title.setText(f"{self._labels.get(product.key.mission, product.key.mission)} {product.key.obs_id}\n"
                               f"{product_label(product)}")  # fmt: skip
            groups = product_groups(product) + (job_groups(self._job, product) if self._job is not None else [])
            self.facts.setHtml(as_html(groups, muted))
            return
        entry = self._contents.entries.get(self._context.observation)
        if entry is None:
            return
        mission = entry.observation.mission
        label = self._labels.get(mission, mission)
        self.title.setText(f"{label} {entry.observation.obs_id}")
        spec = self._session.mission(mission)
        groups = observation_groups(entry.observation, spec, label, self._context.coordinates)
        if self._observed is not None and self._observed[0] == entry.key:
            _key, facts, left_out = self._observed
            groups[1:1] = archive_groups(facts, entry.observation, spec, left_out)
        self.facts.setHtml(as_html(groups, muted))

    def _ask_observation(self) -> None:
        """What the archive itself knows of the chosen observation."""
        key, session = self._context.observation, self._session
        if self._context.product is not None or session.archive is None or key not in self._contents.entries:
            self._context.background.forget(self, "observation")
            return

        def ask() -> tuple[Key, ObservationFacts, list[LeftOut], list[DownloadedFile]]:
            left_out = [one for one in session.left_out() if (one.mission, one.obs_id) == key]
            return key, session.observation_facts(*key), left_out, session.files(*key)

        self._context.background.read(self, "observation", ask, self._on_observation_read, self._on_observation_error)

    def _on_observation_read(self, found: tuple[Key, ObservationFacts, list[LeftOut], list[DownloadedFile]]) -> None:
        key, facts, left_out, files = found
        if key == self._context.observation and self._context.product is None:
            self._observed = key, facts, left_out
            self.files.set_records(files)
            self._show_facts()

    def _on_observation_error(self, error: DaxaError) -> None:
        if self._session.archive is not None:
            self._context.background.failed.emit(error)

    def _ask(self, product: Product) -> None:
        read, session = self._context.background.read, self._session
        read(self, "history", lambda: session.history(product), self._on_history_read, self._on_history_error)
        job_id = product.job_id
        if job_id is None:
            self.log_lines.set_text(_NO_LOG)
        else:
            read(self, "job", lambda: session.job(job_id), self._on_job_read)
            read(self, "log", lambda: LogFile.of_text(session.read_log(job_id)[0]), self._on_log_read, self._on_log_error)
        if product.key.kind in PICTURES:
            path = product.path
            picture = self.picture
            picture.say("Reading …")
            read(
                self,
                "picture",
                lambda: thumbnail(session.inspection.read_image(path)),
                self._on_picture_read,
                self._on_picture_error,
            )

    def _on_job_read(self, job: Job) -> None:
        self._job = job
        self._show_facts()

    def _on_history_read(self, entries: list[HistoryEntry]) -> None:
        self._history = entries
        self._show_history()

    def _show_history(self) -> None:
        steps, muted = self._session.steps(), self._context.theme.muted
        parts = [as_html(history_groups(entry, steps), muted) for entry in reversed(self._history)]
        self.history.setHtml("<hr>".join(parts) or _NO_HISTORY)

    def _on_history_error(self, error: DaxaError) -> None:
        self.history.setPlainText(str(error))

    def _on_log_read(self, log: LogFile) -> None:
        self.log_lines.set_log(log)

    def _on_log_error(self, error: DaxaError) -> None:
        self.log_lines.set_text(str(error))

    def _on_picture_read(self, picture: Thumbnail) -> None:
        self.picture.show_picture(picture)

    def _on_picture_error(self, error: DaxaError) -> None:
        self.picture.say(str(error))
