"""The versions of the open archive: what changed in each, what it held, how two differ; and bringing the archive up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QTextBrowser, QWidget

from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.archive_queries import ArchiveVersion
from daxa_gui.core.events import Notice
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text
from daxa_gui.gui.widgets.archive_panel import ArchivePanel
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.gui.widgets.update_archive import UpdateArchiveDialog
from daxa_gui.gui.widgets.version_views import contents_html, difference_html, moment_text, version_html
from daxa_gui.session import Session

_HOW = "Choose a version to see what it changed and held, or two (with Ctrl) to compare them."
_NONE_YET = "No version yet: the first one is made when files are here and the work has come to rest."


class VersionsPanel(ArchivePanel):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("versions", session, context, bridge, parent)
        self._labels = session.mission_labels()
        self._shown = ""  # the version that stands in the text
        self.table = RecordTable(
            "versionsTable",
            "Versions of the archive",
            (
                RecordColumn("Version", lambda v: v.number, key=lambda v: _number(v.number)),
                RecordColumn("Date (UTC)", lambda v: moment_text(v.created), key=lambda v: v.created),
                RecordColumn("Observations", lambda v: count_text(v.n_observations), key=lambda v: v.n_observations, number=True),
                RecordColumn("Files", lambda v: count_text(v.n_products), key=lambda v: v.n_products, number=True),
                RecordColumn("Changes", lambda v: "; ".join((*v.changes, *([v.note] if v.note else [])))),
            ),
            context,
            self,
        )
        self._build()
        self.table.chosen_changed.connect(self._on_chosen_changed)
        bridge.archive_content_changed.connect(self._note)  # a version is made when work has come to rest
        self._update()

    def _build(self) -> None:
        self.text = QTextBrowser(self)
        self.text.setObjectName("versionText")
        self.text.setAccessibleName("What the chosen version changed and held")
        self.text.setOpenLinks(False)
        self.text.setTabChangesFocus(True)
        self.text.setPlaceholderText("Choose a version, or two to compare.")  # one line: Qt cuts off a second one
        self.text.setToolTip(_HOW)
        self.note_button = self._button(
            "noteVersion", "&Note a version…", "Keep the present state as a version, with a note of yours", self.ask_note
        )
        tip = "Search again with this archive's filters, and fetch and reduce what is new"
        self.update_button = self._button("updateArchive", "&Update archive…", tip, self.ask_update)
        self.state = self._state_line("versionsState")
        top = self._row(self.state, self.note_button, self.update_button, wide=(self.state,))
        self._stack_up(top, self.read_only, self._split(self.table, self.text))

    # what is shown

    def _clear(self, _path: str) -> None:
        self.table.set_records([])

    def _question(self) -> Callable[[], list[ArchiveVersion]]:
        return self._session.versions

    def _show(self, versions: list[ArchiveVersion]) -> None:
        self.table.set_records(versions)
        self._update()

    def _update(self) -> None:
        archive = self._session.archive
        versions = self.table.records_model.records
        self.state.setText(_state_sentence(archive, versions))
        self.state.setToolTip(self.state.text())
        self.read_only.show_reason(archive)
        self.table.say_if_empty(_NONE_YET if archive is not None else "No archive is open.")
        self.update_button.setEnabled(self._can_change)
        self.note_button.setEnabled(self._can_change)

    def _on_chosen_changed(self) -> None:
        chosen: list[ArchiveVersion] = self.table.chosen()
        if len(chosen) == 1:
            number = chosen[0].number
            if number != self._shown:
                self.text.setHtml(version_html(chosen[0]))  # at once; the rest follows
            self._shown = number
            self._ask_text(lambda: contents_html(self._session.version_contents(number), self._labels))
        elif len(chosen) == 2:
            self._shown = ""
            old, new = sorted((version.number for version in chosen), key=_number)
            self._ask_text(lambda: difference_html(self._session.compare_versions(old, new), self._labels))
        else:
            self._shown = ""
            self._context.background.forget(self, "text")
            self.text.clear()

    def _ask_text(self, make: Callable[[], str]) -> None:
        self._context.background.read(self, "text", make, self.text.setHtml, self._on_error)

    # what can be done

    def ask_note(self) -> None:
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setObjectName("noteVersionDialog")
        dialog.setWindowTitle("Note a version")
        dialog.setLabelText("What is worth remembering about the present state?")
        dialog.textValueSelected.connect(self.note)
        dialog.open()

    def note(self, text: str) -> None:
        """Keep the present state as a version; where nothing has changed there is nothing to keep, which is said."""
        if text.strip():
            self._context.background.act(self, "Note a version", lambda: self._session.note_version(text.strip()), self._on_noted)

    def _on_noted(self, version: ArchiveVersion | None) -> None:
        if version is None:
            sentence = "Nothing has changed since the last version, and that has a note already."
            self._session.bus.publish(Notice("warning", sentence))

    def ask_update(self) -> None:
        UpdateArchiveDialog(self._session, self._context, self).open()


def _state_sentence(archive: ArchiveSummary | None, versions: Sequence[ArchiveVersion]) -> str:
    if archive is None:
        return "No archive is open."
    return f"The newest version is {versions[0].number}." if versions else "There is no version yet."


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in text.split("."))
