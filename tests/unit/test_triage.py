"""Failures grouped by their cause: what is taken out of messages, where causes come from, whom skipped jobs are counted under."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from daxa_gui.archive import triage
from daxa_gui.archive.job_logs import JobLogFile
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.triage import Triage, failure_groups
from daxa_gui.core.errors import Cancelled
from daxa_gui.core.failure_groups import cause_text, normalised
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.log_messages import LogMessage, Severity, severity_of
from daxa_gui.core.step import Call, Command, JobRequest, Place

EXTERNAL = Call("daxa_gui.reduction.external:run_step", {"step": "espfilt"}, Place.THREAD)
BUILT_IN = Call("daxa_gui.reduction.builtin:run", {}, Place.PROCESS)


@pytest.fixture
def store(tmp_path):
    made = ArchiveStore.create(OutputLayout(tmp_path).archive("a"))
    yield made
    made.close()


@pytest.fixture
def causes(store):
    return Triage(store.database, store.layout.logs)


def add(store, n, step="espfilt", task=EXTERNAL, needs=(), unit="M1S001"):
    obs_id = f"{n:010d}"
    request = JobRequest("reduce", "local", "xmm_pointed", obs_id, unit, step, f"{step}: {obs_id}", task, needs=tuple(needs))
    return store.add([request])[0]


def fail(store, job, sentence="« espfilt » ended with code 1.", details="", hint=""):
    store.update(replace(job, state=JobState.FAILED, error=ErrorInfo(sentence, hint, details=details)))


def log(store, job, *lines):
    """As the runner writes it: each line with its own severity."""
    written = JobLogFile(store.layout.log_path(job.id))
    for line in lines:
        written.write(line, severity_of(line).name)
    written.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cannot read /a/b/P0123456789M1S001.FIT at row 17", "cannot read /tmp/x y/../c.FIT at row 3.5e-4".replace("x y", "xy")),
        ("file P0123456789PNS003.ds is 12 bytes", "file P0000000001M2U002.ds is 4711 bytes"),
        ("began 2026-11-21T11:24:49.768Z in M1S001", "began 2025-01-02T00:00:00 in PNU012"),
        ("at 0x7ffe12 of EMOS1", "at 0xdeadbeef of EPN"),
        ("task failed with « /a b/c.fits » there", "task failed with « /d/e f.fits » there"),
        ("parameter F1119 = -0.5", "parameter F1128 = 12"),
        ("commit deadbeef12 in 'x/y z'", "commit 12345678ab in 'q/r'"),
    ],
)
def test_that_what_differs_between_observations_is_taken_out(one, other):
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cannot read the file", "cannot write the file"),
        ("Error running task 'nucalcpi'", "Error running task 'nufilter'"),
        ("unknown column TIME", "unknown column PI"),
    ],
)
def test_that_what_is_the_cause_stays(one, other):
    assert normalised(one) != normalised(other)


def test_that_names_and_task_paths_are_kept_whole():
    message = LogMessage("SAS", Severity.ERROR, "emproc::emevents", "checkRejected10", "fraction 0.08 in /x/y.fits")
    assert cause_text(message) == "checkRejected10 of emproc::emevents: fraction # in <path>"


def test_that_failures_with_the_same_cause_are_one_group_and_the_largest_stands_first(store, causes):
    jobs = [add(store, n) for n in range(5)]
    for n, job in enumerate(jobs):
        fail(store, job)
        error = "noCounts), All histo counts are zero! Check" if n else "FITSIO), cannot open /data/x.fits"
        log(
            store,
            job,
            "espfilt: attempt 1",
            "$ espfilt eventfile=x",
            f"** espfilt: error ({error}",
            "** espfilt: error (later), x",
        )
    first, second = causes.groups()
    assert (first.count, first.name, first.task, first.software) == (4, "noCounts", "espfilt", "SAS")
    assert first.job_ids == tuple(job.id for job in jobs[1:])
    assert first.units[0] == ("xmm_pointed", "0000000001", "M1S001") and first.steps == ("espfilt",)
    assert "histogram" in first.explanation and first.advice
    assert second.cause == "FITSIO of espfilt: cannot open <path>" and second.example == "cannot open /data/x.fits"


def test_that_the_first_error_of_the_last_program_is_the_cause(store, causes):
    job = add(store, 1)
    fail(store, job, "« emchain » ended with code 1: x")
    log(
        store, job, "t: attempt 1", "$ emchain", "** emchain: error (oldAttempt), x", "t: attempt 2",
        "$ emchain a=b", "** emchain: error (survived), x", "$ emchain c=d", "** emchain: warning (w), x",
        "** emchain::emevents: error (cause), bad frame",
        "** emchain: error (consequence), stopped", "Segmentation fault",
    )  # fmt: skip
    (group,) = causes.groups()
    assert (group.name, group.task) == ("cause", "emchain::emevents")


def test_that_stored_lines_are_enough_where_they_hold_the_cause(store, causes):
    job = add(store, 1)
    details = "epchain:- at work\n** epchain::epframes: error (wrongMode), not a mode\n** epchain: error (task), failed"
    fail(store, job, "« epchain » ended with code 1: wrongMode of epchain → epframes: not a mode", details)
    (group,) = causes.groups()
    assert (group.name, group.task, group.software) == ("wrongMode", "epchain::epframes", "SAS")
    assert group.example.startswith("« epchain » ended")


def test_that_without_a_message_of_a_program_the_sentence_of_the_job_is_the_cause(store, causes):
    for n in range(3):
        job = add(store, n)
        fail(store, job, f"« espfilt » left no /x/{n}/P000000000{n}.fits.", hint="Look at the log.")
        log(store, job, "$ espfilt", "espfilt:- all is well")
    (group,) = causes.groups()
    assert (group.count, group.software, group.name, group.task) == (3, "", "", "")
    assert group.cause == "« espfilt » left no <path>." and group.advice == "Look at the log."


def test_that_own_steps_are_grouped_by_their_own_sentence(store, causes):
    job = add(store, 1, task=BUILT_IN)
    fail(store, job, "The event list has no column PI.", details="Traceback (most recent call last):\n  x\nKeyError: 'PI'")
    (group,) = causes.groups()
    assert group.cause == "The event list has no column PI."


def test_that_commands_count_as_programs_too(store, causes):
    job = add(store, 1, task=Command(("evtool", "x"), {}, ()))
    fail(store, job, "ended with code 3")
    log(store, job, "$ evtool x", "evtool: **ERROR** no valid GTI for TM5")
    (group,) = causes.groups()
    assert (group.software, group.task) == ("eSASS", "evtool") and group.cause == "evtool: no valid GTI for <instrument>"
    assert group.explanation and group.advice


def test_that_skipped_jobs_are_counted_under_the_failure_that_caused_them(store, causes):
    failed, other = add(store, 1, "epchain"), add(store, 2, "epchain")
    fail(store, failed, "A.")
    fail(store, other, "B.")
    between = add(store, 1, "espfilt", needs=[failed.id])
    last = add(store, 1, "clean", needs=[between.id])
    alone = add(store, 3, "clean")
    for job in (between, last, alone):
        store.update(replace(store.get(job.id), state=JobState.SKIPPED, reason="needs something that failed"))
    first, second = causes.groups()
    assert (first.cause, first.count, first.skipped_ids, first.n_affected) == ("A.", 1, (between.id, last.id), 3)
    assert (second.cause, second.skipped_ids) == ("B.", ())


def test_that_warnings_are_grouped_when_asked_for(store, causes):
    for n in range(3):
        job = add(store, n)
        warnings = (f"checkRejected10 of emproc → emevents: the fraction 0.0{n} is low (12 times)", "The fit is poor.")
        store.update(replace(job, state=JobState.SUCCEEDED, warnings=warnings if n else warnings[1:]))
    poor, low = causes.groups(severity=Severity.WARNING)
    assert (poor.cause, poor.count, poor.software) == ("The fit is poor.", 3, "")
    assert (low.name, low.task, low.software, low.count) == ("checkRejected10", "emproc::emevents", "SAS", 2)
    assert low.severity is Severity.WARNING and "tenth" in low.explanation
    assert causes.groups() == []


def test_that_only_the_kinds_asked_for_are_looked_at(store, causes):
    fail(store, add(store, 1))
    assert len(causes.groups(("reduce",))) == 1 and causes.groups(("download",)) == []


def test_that_a_log_is_read_again_only_when_it_changed(store, causes, monkeypatch):
    job = add(store, 1)
    fail(store, job)
    log(store, job, "$ espfilt", "** espfilt: error (first), x")
    read = []
    real = triage.first_error_lines
    monkeypatch.setattr(triage, "first_error_lines", lambda *given: read.append(1) or real(*given))
    assert [causes.groups()[0].name for _ in range(3)] == ["first"] * 3
    assert len(read) == 1
    log(store, job, "t: attempt 2", "$ espfilt", "** espfilt: error (second), x")
    assert causes.groups()[0].name == "second" and len(read) == 2
    for _ in range(2):
        assert failure_groups(store.layout, store.database)[0].name == "second"
    assert len(read) == 3


@pytest.mark.parametrize("piece", [16, 100, 1000])
def test_that_long_logs_are_read_from_their_end_in_pieces(store, causes, monkeypatch, piece):
    monkeypatch.setattr(triage, "_PIECE", piece)
    job = add(store, 1)
    fail(store, job)
    lines = [f"b:- line {n}" for n in range(50)]
    errors = ("** b: error (cause), it broke", "at row 7", "** b: error (later), x")
    log(store, job, "$ a", "** a: error (survived), x", "$ b", *lines, *errors)
    (group,) = causes.groups()
    assert (group.name, group.task) == ("cause", "b")


def test_that_a_link_in_place_of_a_log_is_not_followed(store, causes, tmp_path):
    job = add(store, 1)
    fail(store, job, "It failed.")
    other = tmp_path / "other"
    other.write_text("2026-11-21T11:24:49.768Z INFO    $ x\n2026-11-21T11:24:49.768Z ERROR   ** x: error (Other), y\n")
    path = store.layout.log_path(job.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(other)
    assert causes.groups()[0].cause == "It failed."
    path.unlink()
    os.mkfifo(path)
    assert causes.groups()[0].cause == "It failed."


def test_that_it_tells_its_progress_and_can_be_cancelled(store, causes):
    for n in range(70):
        fail(store, add(store, n), "A.")
    told = []
    causes.groups(progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 70), (64, 70), (70, 70)]
    with pytest.raises(Cancelled):
        causes.groups(cancelled=lambda: True)
