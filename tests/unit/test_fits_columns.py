"""Event lists in columns: the same list comes back, mapped; half-made folders do not count."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.core.errors import FileError
from daxa_gui.core.sky import LinearWcs
from daxa_gui.fits.columns import load_columns, save_columns
from daxa_gui.fits.summary import summarise, utc_text
from tests.fakes.event_files import events_in_memory


def test_that_the_same_list_comes_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    events = events_in_memory(
        rng.uniform(0, 100, 50000), [(0.0, 50.0), (60.0, 99.0)], energy_kev=rng.uniform(0, 9, 50000),
        ccd=np.ones(50000, np.int16), wcs=LinearWcs(1.0, 2.0, 3.0, 4.0, -0.1, 0.1, "SIN"), warnings=("a", "b"), ontime_s=12.5,
    )  # fmt: skip
    save_columns(events, tmp_path / "list")
    again = load_columns(tmp_path / "list")
    assert isinstance(again.time_s.base, np.memmap)
    assert not again.time_s.flags.writeable
    for field in fields(events):
        before, after = getattr(events, field.name), getattr(again, field.name)
        if isinstance(before, np.ndarray):
            assert np.array_equal(before, after) and before.dtype == after.dtype
        elif field.name == "gti":
            assert {ccd: (g.start_s.tolist(), g.stop_s.tolist()) for ccd, g in after.items()} == {-1: ([0.0, 60.0], [50.0, 99.0])}
        else:
            assert before == after


def test_that_lists_without_rows_and_without_columns_come_back(tmp_path: Path) -> None:
    events = replace(events_in_memory(np.empty(0), []), energy_kev=None, x=None, y=None)
    save_columns(events, tmp_path / "list")
    again = load_columns(tmp_path / "list")
    assert (len(again), again.energy_kev, again.x) == (0, None, None)
    assert summarise(again) == summarise(events)


def test_that_a_folder_that_is_there_is_left_alone_and_nothing_else_remains(tmp_path: Path) -> None:
    save_columns(events_in_memory(np.arange(3.0), [(0, 9)]), tmp_path / "list")
    save_columns(events_in_memory(np.arange(5.0), [(0, 9)]), tmp_path / "list")
    assert len(load_columns(tmp_path / "list")) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["list"]


def test_that_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="cannot be written"):
        save_columns(events_in_memory(np.arange(3.0), [(0, 9)]), tmp_path / "file" / "list")


@pytest.mark.parametrize("damage", ["missing column", "no facts", "other version", "no json"])
def test_that_a_folder_that_is_not_whole_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    save_columns(events_in_memory(np.arange(3.0), [(0, 9)]), tmp_path / "list")
    facts = tmp_path / "list" / "list.json"
    if damage == "missing column":
        (tmp_path / "list" / "time_s.npy").unlink()
    elif damage == "no facts":
        facts.unlink()
    elif damage == "no json":
        facts.write_text("{")
    else:
        facts.write_text(json.dumps({**json.loads(facts.read_text()), "version": 0}))
    with pytest.raises(FileError, match="list"):
        load_columns(tmp_path / "list")


def test_that_the_summary_is_plain_json_with_utc(tmp_path: Path) -> None:
    start = 265111148.4375
    events = events_in_memory(np.array([start + 1.0]), [(start, start + 100.0)])
    facts = summarise(events)
    json.dumps(facts, allow_nan=False)
    # 2006-05-27: TT - UTC = 65.184 s, and 3068 days after 1998-01-01 are 265075200 s
    assert facts["start_utc"] == "2006-05-27T09:58:03Z"
    assert facts["good_time"] == [{"ccd": None, "seconds": 100.0, "intervals": 1}]
    assert utc_text(events, float("nan")) is None
    assert utc_text(events, 1e30) is None
