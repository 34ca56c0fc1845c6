"""Reasons, and below each what it is the reason of: what was left out, what could not be asked, what failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from daxa_gui.core.download_plan import LeftOut
from daxa_gui.gui.texts import count_text, counted

_MOST_SHOWN = 500  # names below one reason; « Copy » has all


@dataclass(frozen=True)
class Group:
    """A sentence and the things that it is about; without things it stands alone. `proprietary`: a login would help."""

    sentence: str
    names: tuple[str, ...] = ()
    proprietary: bool = False


def left_out_groups(left_out: Iterable[LeftOut], labels: dict[str, str]) -> tuple[Group, ...]:
    """By reason and mission, in the order in which they come, what a login would help first."""
    found: dict[tuple[bool, str, str], dict[str, None]] = {}
    for one in left_out:
        name = f"{one.obs_id} {one.unit}".strip()
        found.setdefault((one.proprietary, one.mission, one.reason), {})[name] = None
    ordered = sorted(found.items(), key=lambda item: not item[0][0])
    return tuple(
        Group(f"{labels.get(mission, mission)}: {reason}", tuple(names), proprietary)
        for (proprietary, mission, reason), names in ordered
    )


def left_out_sentence(left_out: Sequence[LeftOut]) -> str:
    """« 12 observations are not public yet. 2 observations and 3 files are left out for other reasons. »; empty where nothing
    is. The unit of a folder ends with a slash."""
    public = [one for one in left_out if not one.proprietary]
    n_closed = len({(one.mission, one.obs_id) for one in left_out if one.proprietary})
    sentences = []
    if n_closed:
        sentences.append(f"{counted(n_closed, 'observation is', 'observations are')} not public yet.")
    n_observations = len({(one.mission, one.obs_id) for one in public if not one.unit})
    n_folders = sum(one.unit.endswith("/") for one in public)
    n_files = sum(bool(one.unit) for one in public) - n_folders
    words = (("observation", "observations"), ("folder", "folders"), ("file", "files"))
    numbers = (n_observations, n_folders, n_files)
    parts = [counted(number, one, many) for number, (one, many) in zip(numbers, words, strict=True) if number]
    if parts:
        verb = "is" if sum(numbers) == 1 else "are"
        other = " for other reasons" if n_closed else ""
        sentences.append(f"{' and '.join(parts)} {verb} left out{other}.")
    return " ".join(sentences)


class GroupedList(QTreeWidget):
    """A tree of two levels; the reasons are open while they are few."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(16)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._groups: tuple[Group, ...] = ()

    def show_groups(self, groups: Sequence[Group]) -> None:
        self._groups = tuple(groups)
        self.clear()
        items = []
        for group in groups:
            count = f" ({count_text(len(group.names))})" if group.names else ""
            item = QTreeWidgetItem([f"{group.sentence}{count}"])
            item.setToolTip(0, group.sentence)
            item.addChildren([QTreeWidgetItem([name]) for name in group.names[:_MOST_SHOWN]])
            if len(group.names) > _MOST_SHOWN:
                item.addChild(QTreeWidgetItem([f"… and {count_text(len(group.names) - _MOST_SHOWN)} more"]))
            items.append(item)
        self.addTopLevelItems(items)
        if sum(len(group.names) for group in groups) <= 20:
            self.expandAll()

    def plain_text(self) -> str:
        """All of it, one name a line below its reason."""
        return "\n".join(line for group in self._groups for line in (group.sentence, *(f"    {name}" for name in group.names)))


class GroupedDialog(QDialog):
    """The list with a heading, to be read and copied."""

    def __init__(self, title: str, heading: str, groups: Sequence[Group], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("groupedDialog")
        self.setWindowTitle(title)
        self.resize(640, 420)
        label = QLabel(heading, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        self.list = GroupedList(title, self)
        self.list.setObjectName("groupedList")
        self.list.show_groups(groups)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("groupedClose")
        close.setToolTip("Close this window (Escape)")
        copy = buttons.addButton("&Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setObjectName("groupedCopy")
        copy.setToolTip("Copy the whole list to the clipboard")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.list.plain_text()))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(label)
        layout.addWidget(self.list, 1)
        layout.addWidget(buttons)
