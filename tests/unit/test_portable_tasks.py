"""Tasks follow an archive that is moved, and nothing is done again because of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.archive.layout import ArchiveLayout, OutputLayout
from daxa_gui.archive.portable import portable, portable_requests, resolved
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.documents import task_document, to_json
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Call, Command, Outcome
from tests.fakes.execution import request

HERE = ArchiveLayout(Path("/data/out"), Path("/data/out/archives/a"))
THERE = ArchiveLayout(Path("/elsewhere"), Path("/elsewhere/archives/b"))


def test_that_paths_of_a_task_are_those_of_the_place_where_it_runs():
    arguments = {
        "path": "/data/out/xmm_raw/1/a.fits", "gti_path": "/data/out/archives/a/processed_data/x.fits",
        "service": "practice:heasarc", "nested": [{"raw_folder": "/data/out/xmm_raw/1"}], "n_sigma": 3.0, "band_kev": None,
        "other": "/data/output/x",
    }  # fmt: skip
    stored = portable(HERE, Call("x:y", arguments))
    assert stored.arguments["path"] == "output:xmm_raw/1/a.fits"
    assert stored.arguments["gti_path"] == "archive:processed_data/x.fits"
    assert stored.arguments["other"] == "/data/output/x" and stored.arguments["service"] == "practice:heasarc"
    assert resolved(HERE, stored) == Call("x:y", arguments)
    moved = resolved(THERE, stored).arguments
    assert moved["path"] == "/elsewhere/xmm_raw/1/a.fits" and moved["gti_path"] == "/elsewhere/archives/b/processed_data/x.fits"
    assert moved["nested"] == [{"raw_folder": "/elsewhere/xmm_raw/1"}]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=10), x, max_size=4),
        max_leaves=12,
    )
)
def test_that_other_values_are_not_touched(value):
    task = Call("x:y", {"value": value})
    if "archive:" not in to_json(value) and "output:" not in to_json(value):
        assert resolved(HERE, portable(HERE, task)) == task


def test_that_commands_stay_as_they_are():
    command = Command(("echo", "/data/out/x", "output:x"))
    assert portable(HERE, command) == command == resolved(HERE, command)


@pytest.mark.parametrize("text", ["output:../../etc/passwd", "archive:/etc/passwd", "output:", "archive:a/../../x"])
def test_that_a_hostile_archive_leads_nowhere(text):
    with pytest.raises(ArchiveError):
        resolved(HERE, Call("x:y", {"path": [text]}))


def make(folder: Path) -> ArchiveStore:
    return ArchiveStore.create(OutputLayout(folder).archive("a"))


def about(layout: ArchiveLayout, unit: str = "M1S001"):
    path = str(layout.raw_folder("xmm_pointed", "0404910601") / "a.fits")
    return replace(request(unit), task=Call("daxa_gui.reduction.builtin:prepare", {"path": path}))


def test_that_follow_ups_are_stored_so_too(tmp_path):
    store = make(tmp_path)
    (job,) = store.add([request("", "", kind="plan")])
    _, (follow_up,) = store.commit_outcome(replace(job, state=JobState.SUCCEEDED), Outcome(follow_ups=(about(store.layout),)), "")
    assert follow_up.task.arguments == {"path": "output:xmm_pointed_raw/0404910601/a.fits"}
    store.close()


def test_that_a_moved_archive_does_nothing_again(tmp_path):
    store = make(tmp_path / "here")
    (job,) = store.add(portable_requests(store.layout, [about(store.layout)]))
    store.update(replace(job, state=JobState.SUCCEEDED, started=1.0, finished=2.0))
    store.close()
    (tmp_path / "here").rename(tmp_path / "there")
    moved = ArchiveStore.open(ArchiveLayout.of_folder(tmp_path / "there" / "archives" / "a"))
    (same,) = moved.add(portable_requests(moved.layout, [about(moved.layout)]))
    assert same.state is JobState.SUCCEEDED and same.id == job.id
    assert resolved(moved.layout, same.task) == about(moved.layout).task
    moved.close()


def test_that_tasks_of_earlier_archives_are_the_same_tasks(tmp_path):
    store = make(tmp_path / 'a "b" ü')  # quotes and umlauts are spelt differently in JSON
    (job,) = store.add([about(store.layout)])
    store.update(replace(job, state=JobState.SUCCEEDED, started=1.0, finished=2.0))
    with store.database.writing() as connection:
        connection.execute("DELETE FROM info WHERE name = 'portable_tasks'")
        (text,) = connection.execute("SELECT task FROM jobs").fetchone()
    assert json.loads(text) == task_document(about(store.layout).task)
    store.close()
    again = ArchiveStore.open(store.layout)
    assert again.get(job.id).task.arguments == {"path": "output:xmm_pointed_raw/0404910601/a.fits"}
    (same,) = again.add(portable_requests(again.layout, [about(again.layout)]))
    assert same.state is JobState.SUCCEEDED
    again.close()
