"""Messages for the person: notices of the bus, and what nobody caught. The one owner of the exception hooks."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMessageBox, QPushButton, QSizePolicy, QWidget

from daxa_gui.core.bus import Bus
from daxa_gui.core.events import Notice
from daxa_gui.gui.theme import Theme

log = logging.getLogger(__name__)
_MARKS = {"information": "Note", "warning": "Warning", "error": "Error"}


class NoticeBar(QFrame):
    """A line at the top of the window: mark, sentence, what to do, and the technical part one click away."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self._notice: Notice | None = None
        self._text = QLabel(self)
        self._text.setObjectName("noticeText")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._details = QPushButton("&Details…", self)
        self._details.setObjectName("noticeDetails")
        self._details.setToolTip("Show the technical part of this message")
        self._details.clicked.connect(self._on_details_clicked)
        close = QPushButton("Dis&miss", self)
        close.setObjectName("noticeDismiss")
        close.setToolTip("Hide this message")
        close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        for widget in (self._text, self._details, close):
            layout.addWidget(widget)
        self.hide()

    def show_notice(self, notice: Notice, theme: Theme) -> None:
        self._notice = notice
        colour = {"error": theme.bad, "warning": theme.warn}.get(notice.level, theme.accent)
        self.setStyleSheet(f"#noticeBar {{ background: {theme.base}; border-left: 5px solid {colour}; }}")
        self._text.setText(
            f"<b>{_MARKS.get(notice.level, 'Note')}.</b> {_escaped(notice.message)} {_escaped(notice.hint)}".strip()
        )
        self._details.setVisible(bool(notice.details))
        self.show()

    def _on_details_clicked(self) -> None:
        if self._notice is None:
            return
        box = QMessageBox(QMessageBox.Icon.NoIcon, "Details", self._notice.message, parent=self.window())
        box.setDetailedText(self._notice.details)
        copy = box.addButton("&Copy", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Close)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(f"{self._notice.message}\n{self._notice.details}"))
        box.open()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def install_hooks(bus: Bus) -> None:
    """From here on, what nobody caught is logged and shown as a notice; Qt's own messages go to the log."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("not caught:\n%s", details)
        bus.publish(
            Notice(
                "error",
                f"Something unexpected went wrong: {error}.",
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
