"""Messages for the person: notices of the bus, and what nobody caught. The one owner of the exception hooks."""

from __future__ import annotations

import html
import logging
import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.bus import Bus
from daxa_gui.core.events import Notice
from daxa_gui.gui.theme import LIGHT, Theme, fixed_font

log = logging.getLogger(__name__)
_MARKS = {"information": "Note", "warning": "▲ Warning", "error": "✕ Error"}
_MOST_KEPT = 100


class NoticeBar(QFrame):
    """A line at the top of the window: mark, sentence, what to do, and the technical part one click away.

    The newest message is shown; those before it come back one by one as it is dismissed.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self._notices: list[tuple[Notice, int]] = []  # newest last, and how often each came
        self._theme = LIGHT
        self._text = QLabel(self)
        self._text.setObjectName("noticeText")
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._more = QLabel(self)
        self._more.setObjectName("noticeMore")
        self._details = QPushButton("Details…", self)
        self._details.setObjectName("noticeDetails")
        self._details.setToolTip("Show the technical part of this message")
        self._details.clicked.connect(self._on_details_clicked)
        self._dismiss = QPushButton("Dismiss", self)
        self._dismiss.setObjectName("noticeDismiss")
        self._dismiss.setToolTip("Hide this message")
        self._dismiss.clicked.connect(self.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        for widget in (self._text, self._more, self._details, self._dismiss):
            layout.addWidget(widget)
        self.hide()

    def show_notice(self, notice: Notice) -> None:
        """Show a message; the same one again only counts."""
        times = 1
        for number, (old, count) in enumerate(self._notices):
            if old == notice:
                times = count + 1
                del self._notices[number]
                break
        self._notices = [*self._notices, (notice, times)][-_MOST_KEPT:]
        self._refresh()
        announcement = QAccessibleAnnouncementEvent(self, f"{notice.message} {notice.hint}".strip())
        announcement.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(announcement)

    def dismiss(self) -> None:
        """Take the newest message away and show the one before it."""
        if self._notices:
            self._notices.pop()
        self._refresh()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._refresh()

    def text(self) -> str:
        """What is shown, as plain text; empty while nothing is."""
        if not self._notices:
            return ""
        notice, _ = self._notices[-1]
        return f"{notice.message} {notice.hint}".strip()

    def _refresh(self) -> None:
        self.setVisible(bool(self._notices))
        if not self._notices:
            return
        notice, times = self._notices[-1]
        theme = self._theme
        colour = {"error": theme.bad, "warning": theme.warn}.get(notice.level, theme.accent)
        self.setStyleSheet(f"#noticeBar {{ background: {theme.base}; border-left: 5px solid {colour}; }}")
        mark = f"<b style='color:{colour}'>{_MARKS.get(notice.level, 'Note')}.</b>"
        again = f" ({times} times)" if times > 1 else ""
        self._text.setText(f"{mark} {html.escape(f'{notice.message}{again} {notice.hint}'.strip())}")
        self._details.setVisible(bool(notice.details))
        waiting = len(self._notices) - 1
        self._more.setVisible(waiting > 0)
        self._more.setText(f"and {waiting} more" if waiting else "")

    def _on_details_clicked(self) -> None:
        if self._notices:
            notice, _ = self._notices[-1]
            DetailsDialog(notice, self.window()).open()


class DetailsDialog(QDialog):
    """The technical part of a message, to be read and copied."""

    def __init__(self, notice: Notice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("noticeDetailsDialog")
        self.setWindowTitle("Details")
        self.resize(720, 400)
        message = QLabel(f"{notice.message} {notice.hint}".strip(), self)
        message.setTextFormat(Qt.TextFormat.PlainText)
        message.setWordWrap(True)
        self.text = QPlainTextEdit(notice.details, self)
        self.text.setObjectName("noticeDetailsText")
        self.text.setAccessibleName("Technical details")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setFont(fixed_font(self))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("noticeDetailsClose")
        close.setToolTip("Close this window (Escape)")
        buttons.rejected.connect(self.reject)
        self.copy_button = buttons.addButton("&Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.setObjectName("noticeDetailsCopy")
        self.copy_button.setToolTip("Copy message and details to the clipboard")
        copied = "\n".join(part for part in (notice.message, notice.hint, notice.details) if part)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(copied))
        layout = QVBoxLayout(self)
        layout.addWidget(message)
        layout.addWidget(self.text, 1)
        layout.addWidget(buttons)


def install_hooks(bus: Bus) -> None:
    """From here on, what nobody caught is logged and shown as a notice; Qt's own messages go to the log."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("not caught:\n%s", details)
        what = str(error).rstrip(".") or kind.__name__
        bus.publish(
            Notice(
                "error",
                f"Something unexpected went wrong: {what}.",
                "Your archive is safe; the details help to mend this.",
                details,
            )
        )

    sys.excepthook = report
    threading.excepthook = lambda args: report(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
    qInstallMessageHandler(_log_qt_message)


def _log_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    level = {
        QtMsgType.QtDebugMsg: logging.DEBUG,
        QtMsgType.QtInfoMsg: logging.INFO,
        QtMsgType.QtWarningMsg: logging.WARNING,
    }.get(kind, logging.ERROR)
    logging.getLogger("qt").log(level, "%s", message)
