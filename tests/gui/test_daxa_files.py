"""DAXA's save files in the window: out with what the filters leave, in with the filters that select the same."""

from __future__ import annotations

import json

import pytest

from daxa_gui.core.events import Notice
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Box, Cone, Polygon
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.context import Context
from daxa_gui.gui.daxa_files import DaxaFiles
from daxa_gui.session import Session

CRAB = SkyPosition(83.63308, 22.0145)


@pytest.fixture
def files(qtbot, tmp_path):
    from PySide6.QtWidgets import QWidget

    session = Session(cache=tmp_path / "cache")
    window = QWidget()
    qtbot.addWidget(window)
    context = Context(session, window)
    made = DaxaFiles(session, context, window)
    made.mailbox = session.bus.subscribe()
    yield made
    context.background.close()
    session.close()


def notices(files) -> list[Notice]:
    return [event for event in files.mailbox.drain() if isinstance(event, Notice)]


def selected(files) -> set[str]:
    catalogue = files._session.catalogue("erosita_calpv")
    return set(catalogue.obs_id[files._context.stack.mask(catalogue)].tolist())


@pytest.mark.parametrize("item", [Cone(CRAB, 0.5), Box(80, 90, 20, 24), Polygon(((80, 20), (88, 20), (84, 25)))])
def test_that_a_selection_comes_back_from_a_save_file(files, qtbot, tmp_path, item):
    path = tmp_path / "state.json"
    files._context.set_stack(FilterStack().add(item))
    before = selected(files)
    assert before
    files.save("erosita_calpv", path)
    qtbot.waitUntil(lambda: bool(notices(files)))
    assert set(json.loads(path.read_text())["selected_obs"]) == before
    files._context.set_stack(FilterStack())
    files.open(path)
    qtbot.waitUntil(lambda: bool(notices(files)))
    assert selected(files) == before
    assert all(row.missions == ("erosita_calpv",) for row in files._context.stack.rows)


def test_that_a_file_of_another_kind_is_an_error_and_changes_nothing(files, qtbot, tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"name": "erosita_calpv"}')
    before = files._context.stack
    files.open(path)
    heard: list[Notice] = []
    qtbot.waitUntil(lambda: bool(heard.extend(notices(files)) or heard))
    assert heard[0].level == "error" and "other.json" in heard[0].message
    assert files._context.stack == before


def test_that_nothing_left_is_said_before_anything_is_asked(files):
    files.ask_save()
    (notice,) = notices(files)
    assert "nothing to save" in notice.message
