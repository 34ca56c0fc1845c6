"""« Why not? » in the details: what each filter says of the chosen observation, and what can be done about it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Box, Cone, Filter, ObsIds, Picked, TimeRange, Usable
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.details import DetailsPanel
from daxa_gui.gui.theme import DARK, LIGHT
from daxa_gui.gui.widgets.why_not import WhyNot
from daxa_gui.session import Session

CALPV = "erosita_calpv"
ETA_CHA = "300004"  # at 130.3313 -78.9634, from 2019-11-16 to 18


class Why:
    def __init__(self, qtbot, folder) -> None:
        self.qtbot = qtbot
        self.session = Session(output_folder=folder / "out", cache=folder / "cache")
        self.context = Context(self.session)
        self.bridge = Bridge(self.session.bus, interval_ms=5)
        self.panel = DetailsPanel(self.session, self.context, self.bridge)
        qtbot.addWidget(self.panel)
        self.panel.resize(290, 700)
        self.panel.show()

    @property
    def block(self) -> WhyNot:
        return self.panel.why_not

    def ask(self, *filters: Filter, obs_id: str = ETA_CHA) -> None:
        """Set these filters and look at an observation."""
        stack = self.context.stack
        for item in filters:
            stack = stack.add(item)
        self.context.set_stack(stack)
        self.context.set_observation(CALPV, obs_id)
        self.settle()

    def settle(self) -> None:
        self.qtbot.wait(20)  # what a click or a changed stack asks for is asked by then
        assert self.context.background.wait_until_idle()
        self.qtbot.waitUntil(lambda: "Asking" not in self.block.heading.text())
        self.qtbot.wait(20)

    def said(self) -> list[str]:
        return [label.text().replace("\u00a0", " ") for label in self.block._lines.findChildren(QLabel) if len(label.text()) > 1]

    def button(self, name: str) -> QPushButton:
        found = self.panel.findChild(QPushButton, name)
        assert found is not None, name
        return found

    def passes(self, obs_id: str = ETA_CHA) -> bool:
        self.context.apply_filters()
        row = self.session.catalogue(CALPV).row_of[obs_id]
        return bool(self.context.results[CALPV].mask[row])

    def close(self) -> None:
        self.bridge.stop()
        self.context.background.close()
        self.session.close()


@pytest.fixture
def why(qtbot, tmp_path) -> Iterator[Why]:
    why = Why(qtbot, tmp_path)
    yield why
    why.close()


def cone(radius_deg: float) -> Cone:
    return Cone(SkyPosition(130.3313, -77.9634, "near eta Cha"), radius_deg)  # a degree north of it


def test_that_without_filters_it_passes(why):
    why.ask()
    assert why.block.heading.text() == "No filter applies: it passes."
    assert not why.block.keep.isVisible() and not why.block.each.isVisible()


def test_that_what_passes_is_one_line_until_each_filter_is_wanted(why, qtbot):
    why.ask(cone(2.0), Usable())
    assert why.block.heading.text() == "✓ Passes (2 filters)"
    assert not why.block._lines.isVisible() and not why.block.keep.isVisible()
    qtbot.mouseClick(why.block.each, Qt.MouseButton.LeftButton)
    assert why.block._lines.isVisible()
    assert why.said() == ["1. Passes: Within 2° of near eta Cha", "2. Passes: Fit for science"]


def test_that_the_first_filter_in_the_way_is_named_with_reason_and_change(why, qtbot):
    why.ask(Usable(), cone(0.5), TimeRange(50000.0, 50001.0))
    assert why.block.heading.text() == "✕ Left out by filter 2 of 3"
    said = why.said()
    assert said[0] == "1. Passes: Fit for science"
    assert said[1] == "2. Left out: Within 30′ of near eta Cha"
    assert "1°" in said[2] and said[2].endswith(".")
    assert any(text.startswith("3. Left out:") for text in said)
    rows = why.context.stack.rows
    names = {button.objectName() for button in why.block._lines.findChildren(QPushButton)}
    assert names == {f"whyNotChange_{rows[1].id}", f"whyNotChange_{rows[2].id}"}


def test_that_the_changes_let_it_pass_and_can_be_undone(why, qtbot):
    why.ask(cone(0.5), TimeRange(50000.0, 50001.0))
    before = why.context.stack
    assert not why.passes()
    for place, number in ((0, 2), (1, 1)):
        assert len(why.block._lines.findChildren(QPushButton)) == number
        qtbot.mouseClick(why.button(f"whyNotChange_{before.rows[place].id}"), Qt.MouseButton.LeftButton)
        why.settle()
    assert why.passes()
    assert why.block.heading.text() == "✓ Passes (2 filters)"
    changed = why.context.stack.rows[0].filter
    assert isinstance(changed, Cone) and 1.0 <= changed.radius_deg < 1.01
    why.context.undo()
    why.context.undo()
    assert why.context.stack == before


def test_that_one_is_kept_by_hand_and_given_back(why, qtbot):
    why.ask(cone(0.5))
    qtbot.mouseClick(why.block.keep, Qt.MouseButton.LeftButton)
    why.settle()
    assert why.passes()
    assert why.context.stack.rows[-1].filter == Picked(((CALPV, (ETA_CHA,)),), keep=True)
    assert why.block.heading.text() == "✓ Passes (2 filters)"
    assert why.block.decide.isVisible() and not why.block.keep.isVisible()
    qtbot.mouseClick(why.block.decide, Qt.MouseButton.LeftButton)
    why.settle()
    assert not why.passes()
    assert [type(row.filter) for row in why.context.stack.rows] == [Cone]


def test_that_one_left_out_by_hand_says_so(why):
    why.context.pick(CALPV, [ETA_CHA], keep=False)
    why.ask()
    assert why.block.heading.text() == "✕ Left out by the filter"
    assert why.block.keep.isVisible() and why.block.decide.isVisible()
    why.block.keep.click()
    why.settle()
    assert why.passes()


def test_that_filters_that_are_off_or_for_other_missions_say_nothing(why):
    stack = why.context.stack.add(cone(0.5)).add(Box(0, 1, 0, 1), ("swift",)).add(Usable())
    why.context.set_stack(stack.toggle(stack.rows[0].id, False))
    why.ask()
    assert why.block.heading.text() == "✓ Passes (1 filter)"


def test_that_another_observation_is_asked_about_and_the_newest_question_wins(why, qtbot, monkeypatch):
    first, go = threading.Event(), threading.Event()
    real = why.session.why

    def slow(mission, obs_id, stack):
        if obs_id == ETA_CHA:
            first.set()
            assert go.wait(20)
        return real(mission, obs_id, stack)

    monkeypatch.setattr(why.session, "why", slow)
    why.context.set_stack(why.context.stack.add(ObsIds(("300003",))))
    why.context.set_observation(CALPV, ETA_CHA)
    assert first.wait(20)
    assert why.block.heading.text() == "Asking the filters …"
    why.context.set_observation(CALPV, "300003")
    qtbot.waitUntil(lambda: why.block.heading.text() == "✓ Passes (1 filter)")
    go.set()
    assert why.context.background.wait_until_idle()
    qtbot.wait(30)
    assert why.block.heading.text() == "✓ Passes (1 filter)"


def test_that_a_question_that_cannot_be_answered_is_a_sentence(why, monkeypatch):
    def fail(*_arguments):
        raise InputError("The catalogue has just changed.")

    monkeypatch.setattr(why.session, "why", fail)
    why.ask(Usable())
    assert why.block.heading.text() == "✕ The catalogue has just changed."


def test_that_a_filter_that_was_deleted_meanwhile_is_not_changed(why):
    why.ask(cone(0.5))
    [verdict] = why.block.verdicts
    why.context.set_stack(why.context.stack.remove(verdict.row_id))
    before = why.context.stack
    why.block._on_change(verdict)
    assert why.context.stack == before


def test_that_everything_can_be_reached_and_read_in_both_themes(why):
    why.ask(cone(0.5), TimeRange(50000.0, 50001.0), Usable())
    for theme in (LIGHT, DARK):
        why.context.set_theme(theme)
        assert not why.panel.grab().isNull()
    for button in (*why.block._lines.findChildren(QPushButton), why.block.keep, why.block.each):
        assert button.toolTip() and button.objectName() and button.focusPolicy() & Qt.FocusPolicy.TabFocus
    change = why.block._lines.findChildren(QPushButton)[0]
    assert change.accessibleName().startswith("Change filter 1: ")


def test_that_tab_goes_from_top_to_bottom(why):
    why.ask(cone(0.5), TimeRange(50000.0, 50001.0), Usable())
    wanted = [why.block.keep, *why.block._lines.findChildren(QPushButton), why.panel.sky_button, why.panel.copy_button]
    found, widget = [], why.block.keep
    while len(found) < len(wanted):
        if widget in wanted:
            found.append(widget)
        widget = widget.nextInFocusChain()
    assert found == wanted


def test_that_details_tell_category_and_restrictions(why, monkeypatch):
    import dataclasses

    import numpy as np

    table = why.session.catalogue(CALPV)
    row = table.row_of[ETA_CHA]
    public = table.public_mjd.copy()
    public[row], public[row + 1] = np.inf, np.nan
    changed = dataclasses.replace(table, category=np.full(len(table), "X-RAY BINARY"), public_mjd=public)
    monkeypatch.setattr(why.session, "catalogue", lambda _name: changed)
    spec = why.session.mission(CALPV)
    groups = {name: dict(entries) for name, entries in why.panel.entries(spec, changed, row)}
    assert groups["Observation"]["Mission's category"] == "X-RAY BINARY"
    assert groups["Time"]["Public from (UTC)"] == "restricted, no date given"
    groups = {name: dict(entries) for name, entries in why.panel.entries(spec, changed, row + 1)}
    assert groups["Time"]["Public from (UTC)"] == "no restriction known"
