"""The list of filters: changing it, applying it, storing it, and going back and forth."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.catalogues.own_csv import COLUMNS, read_table
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_stack import FilterStack, History
from daxa_gui.core.filters import Box, ObsIds, Picked, TargetType, Usable, filter_from_json
from daxa_gui.missions import MISSIONS
from tests.fakes.filters import TREES, varied

WEST, EAST, GCL = Box(0, 180, -90, 90), Box(180, 360, -90, 90), TargetType(("GCL",))


@pytest.fixture
def catalogue(tmp_path: Any) -> Catalogue:
    """Ten XMM observations: RA 0, 36, 72 …; every second one of a cluster."""
    path = tmp_path / "table.csv"
    rows = [f"{n:010d},{36 * n},0,,,,,{'GCL' if n % 2 else 'AGN'},,," for n in range(10)]
    path.write_text("\n".join((",".join(COLUMNS), *rows)) + "\n")
    return read_table(path, MISSIONS["xmm_pointed"])


def stack_of(*filters: Any) -> FilterStack:
    stack = FilterStack()
    for one in filters:
        stack = stack.add(one)
    return stack


def test_that_an_empty_stack_keeps_everything(catalogue: Catalogue) -> None:
    mask, counts = FilterStack().masks(catalogue)
    assert mask.all()
    assert counts == []


def test_that_each_row_narrows_and_says_how_many_are_left(catalogue: Catalogue) -> None:
    mask, counts = stack_of(WEST, GCL, ObsIds(("0000000003", "0000000004"))).masks(catalogue)
    assert counts == [6, 3, 1]
    assert np.flatnonzero(mask).tolist() == [3]


def test_that_a_row_that_is_off_changes_no_number(catalogue: Catalogue) -> None:
    stack = stack_of(WEST, GCL)
    off = stack.toggle(stack.rows[0].id)
    assert off.masks(catalogue)[1] == [10, 5]
    assert off.toggle(stack.rows[0].id) == stack
    assert stack.toggle(stack.rows[0].id, enabled=True) == stack


def test_that_a_filter_for_another_mission_does_not_apply(catalogue: Catalogue) -> None:
    stack = FilterStack().add(WEST, missions=("chandra",)).add(GCL, missions=["xmm_pointed", "swift"])
    assert stack.masks(catalogue)[1] == [10, 5]


def test_that_changes_give_new_stacks_and_leave_the_old_one_alone() -> None:
    stack = stack_of(WEST, GCL)
    first, second = (row.id for row in stack.rows)
    assert [row.filter for row in stack.add(Usable()).rows] == [WEST, GCL, Usable()]
    assert [row.filter for row in stack.remove(first).rows] == [GCL]
    assert [row.filter for row in stack.replace(second, EAST).rows] == [WEST, EAST]
    assert [row.filter for row in stack.move(second, 0).rows] == [GCL, WEST]
    assert [row.filter for row in stack.move(first, 99).rows] == [GCL, WEST]
    assert [row.filter for row in stack.move(second, -5).rows] == [GCL, WEST]
    assert stack == stack_of(WEST, GCL)


def test_that_replacing_keeps_the_missions_unless_others_are_given() -> None:
    stack = FilterStack().add(WEST, missions=("swift",))
    row_id = stack.rows[0].id
    assert stack.replace(row_id, EAST).row(row_id).missions == ("swift",)
    assert stack.replace(row_id, EAST, missions=None).row(row_id).missions is None
    assert stack.replace(row_id, EAST, missions=["chandra"]).row(row_id).missions == ("chandra",)


def test_that_rows_keep_their_numbers_when_others_go() -> None:
    stack = stack_of(WEST, GCL, Usable())
    last = stack.rows[2].id
    assert stack.remove(stack.rows[0].id).row(last).filter == Usable()
    ids = [row.id for row in stack.remove(stack.rows[1].id).add(EAST).rows]
    assert len(set(ids)) == 3


def test_that_a_row_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(KeyError):
        FilterStack().remove(1)


@given(st.lists(st.tuples(st.sampled_from([WEST, EAST, GCL, Usable()]), st.booleans(), st.sampled_from([None, (), ("swift",)]))))
def test_that_a_stack_comes_back_from_json_as_it_was(rows: Any) -> None:
    stack = FilterStack()
    for one, enabled, missions in rows:
        stack = stack.add(one, missions)
        stack = stack.toggle(stack.rows[-1].id, enabled)
    assert FilterStack.from_json(json.loads(json.dumps(stack.to_json()))) == stack
    assert FilterStack.from_json(tuple(stack.to_json())) == stack


# -- ticked by hand, and the order of rows ----------------------------------------------------------------------------------

TWO = Picked((("xmm_pointed", ("0000000002", "0000000009")),), keep=True)
THREE = Picked((("xmm_pointed", ("0000000003",)),), keep=False)


def test_that_rows_ticked_in_come_back_and_later_filters_still_narrow(catalogue: Catalogue) -> None:
    mask, counts = stack_of(WEST, GCL, TWO).masks(catalogue)
    assert counts == [6, 3, 5]
    assert np.flatnonzero(mask).tolist() == [1, 2, 3, 5, 9]
    assert stack_of(WEST, GCL, TWO, GCL).masks(catalogue)[1] == [6, 3, 5, 4]
    assert stack_of(TWO, WEST, GCL).masks(catalogue)[1] == [10, 6, 3]


def test_that_rows_ticked_out_are_out(catalogue: Catalogue) -> None:
    mask, counts = stack_of(WEST, GCL, THREE).masks(catalogue)
    assert counts == [6, 3, 2]
    assert np.flatnonzero(mask).tolist() == [1, 5]


def test_that_ticks_of_other_missions_change_nothing(catalogue: Catalogue) -> None:
    other = Picked((("swift", ("0000000009",)),), keep=True)
    assert stack_of(WEST, other).masks(catalogue)[1] == [6, 6]
    assert stack_of(WEST, Picked(other.obs_ids, keep=False)).masks(catalogue)[1] == [6, 6]


SOME = varied()
ROWS = st.lists(st.tuples(TREES, st.booleans(), st.sampled_from([None, ("test",), ("swift",)])), max_size=5)


def random_stack(rows: Any) -> FilterStack:
    stack = FilterStack()
    for one, enabled, missions in rows:
        stack = stack.add(one, missions)
        stack = stack.toggle(stack.rows[-1].id, enabled)
    return stack


@settings(deadline=None)
@given(ROWS, st.randoms())
def test_that_the_order_of_rows_changes_the_counts_only(rows: Any, random: Any) -> None:
    """But for rows ticked in by hand: these bring back what stands before them."""
    rows = [row for row in rows if not (isinstance(row[0], Picked) and row[0].keep)]
    mask, counts = random_stack(rows).masks(SOME)
    shuffled = list(rows)
    random.shuffle(shuffled)
    again, others = random_stack(shuffled).masks(SOME)
    assert again.tolist() == mask.tolist()
    assert not rows or counts[-1] == others[-1] == np.count_nonzero(mask)


@settings(deadline=None)
@given(ROWS)
def test_that_a_stack_is_as_good_as_one_filter(rows: Any) -> None:
    stack = random_stack(rows)
    mask = stack.mask(SOME).tolist()
    assert stack.as_filter("test").mask(SOME).tolist() == mask
    assert filter_from_json(json.loads(json.dumps(stack.as_filter("test").to_json()))).mask(SOME).tolist() == mask
    assert FilterStack.from_json(json.loads(json.dumps(stack.to_json()))) == stack


ROW = {"id": 1, "enabled": True, "missions": None, "filter": {"kind": "usable"}}


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        "[]",
        [3],
        [{}],
        [{**ROW, "more": 1}],
        [{name: value for name, value in ROW.items() if name != "enabled"}],
        [{**ROW, "enabled": 1}],
        [{**ROW, "id": True}],
        [{**ROW, "id": "1"}],
        [{**ROW, "missions": "swift"}],
        [{**ROW, "missions": [1]}],
        [{**ROW, "filter": {"kind": "sphere"}}],
        [{**ROW, "filter": None}],
        [ROW, ROW],
    ],
)
def test_that_json_which_is_no_stack_is_refused(document: Any) -> None:
    with pytest.raises(InputError):
        FilterStack.from_json(document)


def test_that_the_stacks_sentence_names_what_applies() -> None:
    stack = FilterStack().add(Usable()).add(GCL, missions=("chandra",)).add(WEST)
    stack = stack.toggle(stack.rows[2].id)
    assert stack.sentence() == "fit for science; of the type « Galaxy clusters »"
    assert stack.sentence("swift") == "fit for science"
    assert FilterStack().sentence() == ""


def test_that_undo_and_redo_walk_through_what_was() -> None:
    stacks = [FilterStack(), stack_of(WEST), stack_of(WEST, GCL)]
    history = History()
    assert not history.can_undo and not history.can_redo
    for stack in stacks[1:]:
        history.push(stack)
    assert history.undo() == stacks[1]
    assert history.undo() == stacks[0]
    assert history.undo() == stacks[0]
    assert not history.can_undo and history.can_redo
    assert history.redo() == stacks[1]
    assert history.redo() == stacks[2]
    assert history.redo() == stacks[2]
    assert history.can_undo and not history.can_redo


def test_that_a_change_after_undo_forgets_what_could_have_been_redone() -> None:
    history = History(stack_of(WEST))
    history.push(stack_of(WEST, GCL))
    history.undo()
    history.push(stack_of(EAST))
    assert not history.can_redo
    assert history.undo() == stack_of(WEST)


def test_that_the_same_stack_again_is_no_step() -> None:
    history = History()
    history.push(FilterStack())
    assert not history.can_undo


def test_that_only_so_many_steps_are_remembered() -> None:
    history = History(longest=3)
    stack = FilterStack()
    for _ in range(10):
        stack = stack.add(Usable())
        history.push(stack)
    steps = 0
    while history.can_undo:
        history.undo()
        steps += 1
    assert steps == 2
    assert len(history.current) == 8
