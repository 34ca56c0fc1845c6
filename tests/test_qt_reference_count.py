"""PySide6 must not lose references to None: a release that does (6.12.0 on Python 3.11) ends the program after some hundred
repaints with « Fatal Python error: none_dealloc ». From Python 3.12 on None is immortal and the count says nothing.

Each call that returns nothing would lose one reference, so 1 000 calls would lose about 1 000. Other code that runs in between
(garbage collection, caches filled or emptied, events of Qt) moves the count of None by a few tens either way; 200 lies far
from both.
"""

import gc
import sys

import pytest

CALLS = 1000
TOLERANCE = 200

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal since Python 3.12: its count never moves")


def references_lost(action) -> int:
    """How many references to None are gone after CALLS times `action()`; the first calls fill caches and do not count."""
    for _ in range(50):
        action()
    gc.collect()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        action()
    gc.collect()
    return before - sys.getrefcount(None)


def test_that_drawing_lines_loses_no_reference_to_none(qapp):
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QImage, QPainter

    image = QImage(64, 64, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    start, end = QPointF(0, 0), QPointF(63, 63)
    try:
        assert references_lost(lambda: painter.drawLine(start, end)) < TOLERANCE
    finally:
        painter.end()
    assert image.pixelColor(32, 32).alpha() > 0


def test_that_processing_events_of_a_window_loses_no_reference_to_none(qtbot, qapp):
    from PySide6.QtCore import QRect
    from PySide6.QtGui import QPainter
    from PySide6.QtWidgets import QLabel, QMainWindow

    class Painted(QLabel):
        paints = 0

        def paintEvent(self, event):
            Painted.paints += 1
            painter = QPainter(self)
            painter.drawRect(QRect(1, 1, 20, 20))
            painter.translate(1, 1)
            painter.end()

    window = QMainWindow()
    label = Painted("0")
    window.setCentralWidget(label)
    qtbot.addWidget(window)
    window.show()

    def change_and_process() -> None:
        label.setText("more" if label.text() == "less" else "less")
        label.update()
        qapp.processEvents()

    lost = references_lost(change_and_process)
    assert Painted.paints >= CALLS // 2, "the window was not repainted, so nothing was measured"
    assert lost < TOLERANCE
