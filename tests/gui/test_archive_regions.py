"""Regions of observations: taken over from real DS9 files, seen and drawn over an image, changed as text, removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit

from daxa_gui.core.product import ProductKind
from daxa_gui.gui.inspected import Inspected
from tests.fakes.archive_windows import choose, dialog, is_closed, look_at, opened_elsewhere, press, rows, show, wait_for

PIXELS = "xga_xmm_0401040101.reg"  # ellipses in pixels, as XGA writes them


def panel_of(window, qtbot):
    return show(window, qtbot, "regions")


def image_of(window, mission: str = "swift"):
    return next(p for p in window.session.products(mission) if p.key.kind is ProductKind.IMAGE)


def looked_at(window, qtbot, mission: str = "swift"):
    """The image panel with an image of the archive in it."""
    window.context.set_observation(mission, image_of(window, mission).key.obs_id)
    window.context.set_product(image_of(window, mission))
    panel = window.panel("inspect", "image")
    inspected = window.context.findChild(Inspected)
    wait_for(qtbot, lambda: inspected.subject is not None and panel.picture is not None and panel.regions.overlay.can_draw)
    return panel


def test_that_pixel_regions_of_a_real_file_are_placed_on_the_sky_and_seen_over_the_image(
    reduced, qtbot, shared_data, monkeypatch
):
    panel = panel_of(reduced, qtbot)
    key = look_at(reduced, qtbot, "swift")
    source = shared_data / "regions" / PIXELS
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args, **_more: (str(source), ""))
    press(qtbot, panel.add_button)
    wait_for(qtbot, lambda: len(rows(panel.table)) == 1)
    n_shapes = sum("ellipse" in line for line in source.read_text().splitlines())
    assert rows(panel.table)[0][:4] == ("Swift", key[1], str(n_shapes), "0")
    assert rows(panel.table)[0][5] == PIXELS
    wait_for(qtbot, lambda: panel.state.text() == f"{n_shapes} regions are kept of {key[1]} now.")
    choose(panel.table, 0)
    wait_for(qtbot, lambda: "icrs" in panel.text.toPlainText())
    assert "image" not in panel.text.toPlainText().split("icrs", 1)[1], "still in pixels"
    image = looked_at(reduced, qtbot)
    wait_for(qtbot, lambda: len(image.regions.overlay._items) == n_shapes)
    first = image.regions.overlay._items[0].path().boundingRect().center()
    line = next(text for text in source.read_text().splitlines() if "ellipse" in text)
    x, y = (float(value) for value in line.split("(")[1].split(",")[:2])
    assert (first.x(), first.y()) == pytest.approx((x - 0.5, y - 0.5), abs=0.1)  # where the file says, in pixels
    image.regions.shown.setChecked(False)
    assert image.regions.overlay._items == []


def test_that_what_nobody_understands_is_kept_and_said(reduced, qtbot, tmp_path):
    panel = panel_of(reduced, qtbot)
    key = look_at(reduced, qtbot, "nustar_pointed")
    source = tmp_path / "own.reg"
    source.write_text('icrs\ncircle(160.25,-12.35,30")\nblob(1,2,<b>3</b>)\n')
    panel.add(key, source)
    wait_for(qtbot, lambda: rows(panel.table) != [])
    assert rows(panel.table)[0][2:4] == ("1", "1")
    wait_for(qtbot, lambda: "1 line was kept unread" in panel.state.text())
    choose(panel.table, 0)
    wait_for(qtbot, lambda: "not understood" in panel.text.toPlainText())
    assert "<b>3</b>" in panel.text.toPlainText()


def test_that_a_file_that_cannot_be_used_is_refused_and_nothing_changes(reduced, qtbot, tmp_path):
    panel = panel_of(reduced, qtbot)
    key = look_at(reduced, qtbot, "nustar_pointed")
    panel.add(key, tmp_path / "gone.reg")
    wait_for(qtbot, lambda: "gone.reg" in reduced.notice())
    assert reduced.session.regions() == [] and rows(panel.table) == []


def test_that_drawn_shapes_are_kept_beside_the_others_and_removed(reduced, qtbot):
    key = (image_of(reduced).key.mission, image_of(reduced).key.obs_id)
    reduced.session.set_regions(*key, 'icrs;circle(160.25,-12.35,30")')
    image = looked_at(reduced, qtbot)
    wait_for(qtbot, lambda: len(image.regions.overlay._items) == 1)
    image.regions._update()
    assert not image.regions.keep.isEnabled() and not image.regions.remove.isEnabled()
    image.regions.draw_actions["circle"].trigger()
    image.regions.draw_actions["box"].trigger()
    image.regions._update()
    assert image.regions.keep.isEnabled() and image.regions.remove.isEnabled()
    image.regions.remove.trigger()
    image.regions.keep.trigger()
    wait_for(qtbot, lambda: len(image.regions.overlay._items) == 2)
    assert image.regions.overlay.n_drawn == 0
    [kept] = reduced.session.regions(*key)
    assert kept.n_regions == 2
    panel = panel_of(reduced, qtbot)
    wait_for(qtbot, lambda: len(rows(panel.table)) == 1)
    choose(panel.table, 0)
    press(qtbot, panel.remove_button)
    wait_for(qtbot, lambda: rows(panel.table) == [])
    assert reduced.session.regions() == [] and not Path(kept.path).exists()
    image = looked_at(reduced, qtbot)
    wait_for(qtbot, lambda: image.regions.overlay._items == [])


def test_that_regions_are_changed_as_text_and_a_bad_text_is_refused(reduced, qtbot):
    key = (image_of(reduced).key.mission, image_of(reduced).key.obs_id)
    reduced.session.set_regions(*key, 'icrs;circle(160.25,-12.35,30")')
    image = looked_at(reduced, qtbot)
    image.regions.edit.trigger()
    box = dialog(qtbot, "regionTextDialog")
    text = box.findChild(QPlainTextEdit, "regionText")
    assert "circle(160.25" in text.toPlainText()
    before = text.toPlainText()
    text.setPlainText("icrs\ncircle(999,-95,-3)\n")
    box._save()
    wait_for(qtbot, box.problem.isVisible)
    assert "line 2" in box.problem.text() and "not on the sky" in box.problem.text()
    assert reduced.session.region_shapes(*key)[0].points[0][0] == pytest.approx(160.25)
    text.setPlainText(before.replace("160.25", "160.30"))
    box._save()
    wait_for(qtbot, lambda: is_closed("regionTextDialog"))
    assert reduced.session.region_shapes(*key)[0].points[0][0] == pytest.approx(160.30)


def test_that_an_empty_text_takes_the_regions_away(reduced, qtbot):
    key = (image_of(reduced).key.mission, image_of(reduced).key.obs_id)
    reduced.session.set_regions(*key, 'icrs;circle(160.25,-12.35,30")')
    image = looked_at(reduced, qtbot)
    image.regions.edit.trigger()
    box = dialog(qtbot, "regionTextDialog")
    text = box.findChild(QPlainTextEdit, "regionText")
    text.setPlainText("no region")
    box._save()
    wait_for(qtbot, lambda: is_closed("regionTextDialog"))
    assert reduced.session.regions(*key)[0].verbatim == ("no region",)  # nobody understands it, so it is kept
    image.regions.edit.trigger()
    box = dialog(qtbot, "regionTextDialog")
    box.findChild(QPlainTextEdit, "regionText").setPlainText(" \n")
    box._save()
    wait_for(qtbot, lambda: is_closed("regionTextDialog"))
    assert reduced.session.regions() == []


def test_that_regions_of_an_archive_that_is_open_elsewhere_are_shown_only(reduced, qtbot):
    key = look_at(reduced, qtbot, "swift")
    reduced.session.set_regions(*key, 'icrs;circle(160.25,-12.35,30")')
    with opened_elsewhere(reduced, qtbot):
        panel = panel_of(reduced, qtbot)
        wait_for(qtbot, lambda: len(rows(panel.table)) == 1)
        look_at(reduced, qtbot, "swift")
        choose(panel.table, 0)
        wait_for(qtbot, lambda: "circle" in panel.text.toPlainText())
        assert panel.read_only.isVisible() and reduced.session.archive.read_only in panel.read_only.text()
        assert not panel.add_button.isEnabled() and not panel.remove_button.isEnabled()
        image = looked_at(reduced, qtbot)
        image.regions.draw_actions["circle"].trigger()
        image.regions._update()
        assert not image.regions.keep.isEnabled() and not image.regions.edit.isEnabled()


def test_that_without_an_archive_or_a_choice_it_says_so(window, qtbot):
    panel = panel_of(window, qtbot)
    assert panel.state.text() == "No archive is open."
    assert not panel.add_button.isEnabled() and not panel.remove_button.isEnabled()


def test_that_the_panel_asks_for_an_observation_first(reduced, qtbot):
    panel = panel_of(reduced, qtbot)
    reduced.panel("archive", "archive").view.selectionModel().clear()
    assert "Choose an observation" in panel.state.text() and not panel.add_button.isEnabled()
    look_at(reduced, qtbot, "swift")
    assert panel.state.text().startswith("Chosen: Swift") and panel.add_button.isEnabled()


def test_that_the_text_dialog_can_be_used_with_keyboard_and_screen_reader(reduced, qtbot):
    from tests.gui.test_accessibility import faults, mnemonics, twice

    image = looked_at(reduced, qtbot)
    image.regions.edit.trigger()
    box = dialog(qtbot, "regionTextDialog")
    assert faults(box) == [] and twice(mnemonics(box)) == {}
    qtbot.keyClick(box, Qt.Key.Key_Escape)
