"""The filters of the last time come back at the next start, whatever their kind."""

from __future__ import annotations

import numpy as np
import pytest

from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import FileError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import (
    Box,
    Category,
    Cone,
    Exposure,
    Field,
    Filter,
    HasInstrument,
    Moc,
    ObsIds,
    Picked,
    Polygon,
    Positions,
    Public,
    SkyShapes,
    TargetType,
    TimeRange,
    Usable,
)
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.exchange.regions import read_regions
from daxa_gui.gui.search_memory import read_search, write_search
from daxa_gui.gui.widgets.filter_kinds import FILTER_KINDS, kind_of
from tests.fakes.windows import LONG_MS, shell

M51 = SkyPosition(202.4695750, 47.1952583, "M 51")


def of_every_kind(folder) -> list[Filter]:
    region = folder / "some.reg"
    region.write_text("icrs\ncircle(202.47,47.19,10')\n-ellipse(202.5,47.2,2',1',30)\n", encoding="utf-8")
    shapes = read_regions(region)
    assert isinstance(shapes, SkyShapes)
    windows = Places(
        np.array([10.0, 350.0]), np.array([-5.0, 5.0]), ("a", "b"), np.array([0.1, 0.2]), np.array([58000.0, np.nan]),
        np.array([58010.5, 59000.0]),
    )  # fmt: skip
    return [
        Cone(M51), Cone(SkyPosition(1 / 3, -2 / 3), 0.1), Positions((M51,), 0.25, "one"),
        Positions(windows, label="sample.csv", distance=Distance.of_positions(), entirely_inside=True),
        Box(350.0, 10.0, -5.0, 5.0, "galactic"), Polygon(((10.0, 10.0), (12.0, 10.0), (11.0, 12.0))), shapes,
        Moc(((0, 4096), (8192, 8193)), "map.fits"), TimeRange(53000.0, float("inf"), True), TargetType(("AGN", "GCL")),
        Category(("SNR",)), Field(("efeds",)), HasInstrument(("M1", "PN"), True), Exposure(1234.5678, None, "PN"),
        Public(), Public(59000.0), Usable(), ObsIds(("0123456789",)), Picked((("chandra", ("1", "2")),), True),
        ~Cone(M51, 1.0), Cone(M51, 1.0) | Usable(),
    ]  # fmt: skip


def stack_of(filters: list[Filter]) -> FilterStack:
    stack = FilterStack()
    for number, one in enumerate(filters):
        stack = stack.add(one, ("chandra", "swift") if number % 3 == 0 else None)
        stack = stack.toggle(stack.rows[-1].id, number % 2 == 0)
    return stack.move(stack.rows[-1].id, 0)


def test_that_filters_of_every_kind_are_read_as_they_were_written(tmp_path):
    filters = of_every_kind(tmp_path)
    made = {kind.name for one in filters if (kind := kind_of(one)) is not None}
    assert made >= {kind.name for kind in FILTER_KINDS} - {"name", "position"}  # these two are one kind of filter
    stack = stack_of(filters)
    write_search(tmp_path / "kept" / "search.json", stack)
    back = read_search(tmp_path / "kept" / "search.json")
    assert back.to_json() == stack.to_json() and len(back) == len(filters)
    assert [row.filter.sentence() for row in back.rows] == [row.filter.sentence() for row in stack.rows]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"form": 99, "filters": []}', '{"form": 1, "filters": [{"id": 1}]}', "\ufffe"])
def test_that_a_damaged_file_is_told_apart_from_none(tmp_path, text):
    path = tmp_path / "search.json"
    assert read_search(path) == FilterStack()
    path.write_bytes(text.encode("utf-16") if text == "\ufffe" else text.encode())
    with pytest.raises(FileError, match="last time"):
        read_search(path)


def test_that_the_filters_of_the_last_time_are_there_at_the_next_start(qtbot, tmp_path):
    state_file = tmp_path / "settings" / "window.ini"
    stack = stack_of(of_every_kind(tmp_path))
    with shell(qtbot, tmp_path / "output", state_file=state_file) as first:
        first.context.set_stack(stack)
    with shell(qtbot, tmp_path / "output", state_file=state_file) as second:
        qtbot.waitUntil(lambda: len(second.context.stack) == len(stack), timeout=LONG_MS)
        assert second.context.stack.to_json() == stack.to_json()
        assert not second.window.actions_by_name["undo"].isEnabled()
        filters = second.panel("find", "filters")
        assert filters.list.count() == len(stack)
        second.action("new_search")
        assert second.window.actions_by_name["undo"].isEnabled()
    with shell(qtbot, tmp_path / "output", state_file=state_file) as third:
        third.context.background.wait_until_idle()
        qtbot.wait(20)
        assert third.context.stack == FilterStack()


def test_that_practising_leaves_the_filters_of_real_work_alone(qtbot, tmp_path, practice_sky):
    state_file = tmp_path / "window.ini"
    path = tmp_path / "search.json"
    write_search(path, FilterStack().add(Cone(M51)))
    before = path.read_bytes()
    with shell(qtbot, tmp_path / "output", state_file=state_file) as practising:
        qtbot.waitUntil(lambda: len(practising.context.stack) == 1)
        practising.action("practice")
        qtbot.waitUntil(practising.session.practice_ready, timeout=LONG_MS)
        practising.context.set_stack(FilterStack().add(Usable()))
    assert path.read_bytes() == before


def test_that_a_damaged_file_is_said_and_replaced(qtbot, tmp_path):
    state_file = tmp_path / "window.ini"
    (tmp_path / "search.json").write_text("no filters at all", encoding="utf-8")
    with shell(qtbot, tmp_path / "output", state_file=state_file) as window:
        qtbot.waitUntil(lambda: "The filters of the last time could not be read" in window.notice())
        window.context.set_stack(FilterStack().add(Usable()))
    assert len(read_search(tmp_path / "search.json")) == 1
