"""Jobs in columns: what windows show of them is what the jobs themselves say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.job_overview import JobOverview, Texts, message_of
from tests.fakes.execution import request


@pytest.fixture
def store(tmp_path):
    store = ArchiveStore.create(OutputLayout(tmp_path).archive("a"))
    yield store
    store.close()


def some_jobs(store):
    """One job in each state, with everything that jobs may have."""
    jobs = store.add(
        [
            request(f"ünit {number}", "flares" if number % 2 else "clean", obs_id=str(number // 3), size_bytes=number or None)
            for number in range(len(JobState) + 3)
        ]
    )
    states = [*JobState, JobState.SUCCEEDED, JobState.SUCCEEDED, JobState.FAILED]
    jobs = [replace(job, state=state, done=0.5) for job, state in zip(jobs, states, strict=True)]
    jobs[-3] = replace(jobs[-3], reason="Closed filter.")
    jobs[-2] = replace(jobs[-2], warnings=("odd", "very odd"))
    jobs[-1] = replace(jobs[-1], error=ErrorInfo("It broke – ganz.", "Mend it.", details="x" * 5000))
    store.update_all(jobs)
    return jobs


def rows(overview):
    return [
        (
            int(overview.ids[row]), overview.kinds.values[overview.kind[row]],
            overview.observations.values[overview.observation[row]],
            overview.steps.values[overview.step[row]], overview.lanes.values[overview.lane[row]], overview.state_of(row),
            float(overview.done[row]), str(float(overview.total[row])), bool(overview.excluded[row]), bool(overview.warned[row]),
            overview.units[row], overview.titles[row], overview.messages[row],
        )
        for row in range(len(overview))
    ]  # fmt: skip


def expected(jobs):
    return [
        (
            job.id, job.kind, (job.mission, job.obs_id), job.step, job.lane, job.state, job.done,
            str(math.nan if job.total is None else job.total), job.state is JobState.SUCCEEDED and bool(job.reason),
            bool(job.warnings), job.unit, job.title, message_of(job),
        )
        for job in jobs
    ]  # fmt: skip


def test_that_columns_read_from_an_archive_say_what_its_jobs_say(store):
    jobs = some_jobs(store)
    assert rows(store.job_overview()) == expected(jobs) == rows(JobOverview.of(jobs))
    assert rows(store.job_overview(("plan",))) == []
    counts = store.job_overview().counts()
    assert counts[JobState.SUCCEEDED] == 3 and counts[JobState.PAUSED] == 1 and sum(counts.values()) == len(jobs)
    assert {state: number for (_, state), number in store.counts().items()} == counts


def test_that_changes_and_new_jobs_are_taken_over(store):
    jobs = some_jobs(store)
    overview = store.job_overview()
    new = store.add([request("new"), request("newer", kind="download", lane="host:a", size_bytes=7)])
    jobs[0] = replace(jobs[0], state=JobState.FAILED, error=ErrorInfo("No."), title="another title")
    touched = overview.note([new[1], jobs[0], new[0], jobs[0]])
    assert touched.tolist() == [len(jobs) + 1, 0, len(jobs), 0]
    assert rows(overview) == expected([*jobs, *new])
    assert overview.row(new[1].id) == len(jobs) + 1 and overview.row(10_000) is None


def test_that_fractions_are_those_of_jobs_on_their_way(store):
    jobs = store.add([request(str(n), size_bytes=size) for n, size in enumerate((10, 10, None, None, 0))])
    states = [JobState.RUNNING, JobState.SUCCEEDED, JobState.RUNNING, JobState.QUEUED, JobState.RUNNING]
    overview = JobOverview.of([replace(job, state=state, done=2.5) for job, state in zip(jobs, states, strict=True)])
    np.testing.assert_equal(overview.fractions(), [0.25, 1.0, np.nan, 0.0, np.nan])
    assert overview.is_finished().tolist() == [False, True, False, False, False]


def test_that_texts_keep_what_is_no_proper_unicode():
    odd = ["", "a", "ü–", "\udcff", "x" * 300]
    texts = Texts.joined([Texts(odd[:2]), Texts([]), Texts(odd[2:])])
    texts.set(1, "b")
    texts.set(5, "six")
    assert [texts[row] for row in range(len(texts))] == ["", "b", "ü–", "\udcff", "x" * 300, "six"]


@pytest.mark.parametrize("change", ["state = 'flying'", "done = 'much'", "error = '[]'", "warnings = '{'", "title = x'ff'"])
def test_that_rows_that_make_no_sense_are_named(store, change):
    store.add([request()])
    with store.database.writing() as connection:
        connection.execute(f"UPDATE jobs SET {change}")
    with pytest.raises(ArchiveError):
        store.job_overview()
