"""How dialogs and the panel of filters look: nothing is squeezed, boxes can be seen; and times as dates or as MJD."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QCheckBox, QListWidget, QListWidgetItem, QRadioButton, QWidget

from daxa_gui.core.filters import TimeRange
from daxa_gui.gui.theme import DARK, LIGHT, apply_theme
from tests.fakes.filter_window import Window, accepted, line
from tests.fakes.looks import contrast


@pytest.fixture
def window(qtbot, tmp_path) -> Iterator[Window]:
    window = Window(qtbot, tmp_path)
    yield window
    window.close()


def test_that_a_long_count_makes_the_dialog_higher_and_squeezes_nothing(window, qtbot):
    dialog = window.open("public")
    qtbot.waitUntil(lambda: dialog.preview.text().startswith("On its own"))
    dialog._say(
        "On its own this filter leaves 619 325 of 619 325 observations (XMM-Newton 17 561, Chandra 23 141, " + "Swift 1, " * 60
    )
    boxes = dialog.scope.findChildren(QCheckBox)
    assert boxes and all(box.height() >= box.sizeHint().height() for box in boxes)
    assert dialog.preview.height() >= dialog.preview.heightForWidth(dialog.preview.width())
    dialog.reject()


@pytest.mark.parametrize(
    ("typed", "mjd"), [("58790.5", 58790.5), ("MJD 58790.5", 58790.5), ("mjd58790", 58790.0), ("2019-11-03", 58790.0)]
)
def test_that_a_time_may_be_a_date_or_an_mjd(window, qtbot, typed, mjd):
    dialog = window.open("time")
    line(dialog, "timeFrom").setText(typed)
    assert accepted(qtbot, dialog) == TimeRange(mjd, float("inf"))


def test_that_buttons_go_on_in_a_second_line_rather_than_losing_letters(window):
    panel = window.panel
    panel.resize(200, 400)
    for button in (panel.edit_button, panel.delete_button, panel.more_button, panel.up_button, panel.down_button):
        assert button.width() >= button.sizeHint().width()
        assert panel.rect().contains(button.geometry())


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_that_an_empty_box_can_be_seen_in_both_themes(qtbot, theme):
    """Contrast 3 to 1 against its ground, as WCAG asks of controls."""
    apply_theme(QApplication.instance(), theme)
    parent = QWidget()
    qtbot.addWidget(parent)
    lines = QListWidget(parent)
    item = QListWidgetItem("x", lines)
    item.setCheckState(item.checkState())
    lines.move(60, 0)
    box, button = QCheckBox(parent), QRadioButton(parent)
    button.move(0, 30)
    parent.resize(200, 100)
    parent.show()
    image = parent.grab().toImage()
    for place, ground in (((0, 4, 20, 20), theme.window), ((0, 34, 20, 20), theme.window), ((62, 2, 20, 18), theme.base)):
        left, top, width, height = place
        pixels = [image.pixelColor(x, y) for x in range(left, left + width) for y in range(top, top + height)]
        assert max(contrast(pixel, QColor(ground)) for pixel in pixels) >= 3.0, (place, box, button)
    apply_theme(QApplication.instance(), LIGHT)
