"""From the search to the inspected, cleaned light curve on the practice sky, and what a killed program leaves behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.session import Session

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def session(practice_sky, tmp_path):
    session = Session(output_folder=tmp_path / "output")
    session.start_practice()
    session.wait_for_practice()
    yield session
    session.close()


def cluster_selections(session):
    return session.selections(FilterStack().add(Cone(session.resolve_name("practice cluster"), None)))


def test_that_the_whole_journey_leads_from_a_name_to_cleaned_event_lists(session):
    selections = cluster_selections(session)
    assert {s.mission for s in selections} == {
        "xmm_pointed", "chandra", "erosita_calpv", "rosat_pointed", "swift", "nustar_pointed",
    }  # fmt: skip
    session.create_archive("journey", selections)
    assert session.wait_until_idle(120)
    assert {job.state for job in session.jobs()} == {JobState.SUCCEEDED}
    session.reduce()
    assert session.wait_until_idle(240)
    jobs = session.jobs("reduce")
    assert [f"{j.title}: {j.error}" for j in jobs if j.state is JobState.FAILED] == []
    exposures = {(e.obs_id, e.instrument): e for e in session.exposures()}

    quiet, flared = exposures["0999900101", "M1"], exposures["0999900201", "M1"]
    assert quiet.flares.facts["kept_fraction"] > 0.95
    assert 0.3 < flared.flares.facts["kept_fraction"] < 0.8
    assert flared.clean is not None and flared.images

    spoiled = exposures["0999900301", "M1"]
    assert spoiled.clean is None and "no useful time" in spoiled.excluded.lower()

    closed = exposures["0999900401", "M1"]
    assert closed.clean is None and "closed" in closed.excluded.lower()
    states = {job.step: job.state for job in jobs if (job.obs_id, job.unit) == ("0999900401", "M1S001")}
    assert states["prepare"] is JobState.SUCCEEDED
    assert {states[step] for step in ("flares", "clean", "image")} == {JobState.SKIPPED}


def test_that_reducing_again_with_the_same_parameters_does_nothing_twice(session):
    selections = [s for s in cluster_selections(session) if s.mission == "swift"]
    session.create_archive("swift only", selections)
    assert session.wait_until_idle(120)
    session.reduce()
    assert session.wait_until_idle(120)
    before = {job.id: (job.attempt, job.finished) for job in session.jobs()}
    session.reduce()
    assert session.wait_until_idle(120)
    assert {job.id: (job.attempt, job.finished) for job in session.jobs()} == before


def test_that_an_override_is_used_by_the_steps_that_follow(session):
    selections = [s for s in cluster_selections(session) if s.mission == "swift"]
    session.create_archive("override", selections)
    assert session.wait_until_idle(120)
    session.reduce()
    assert session.wait_until_idle(120)
    [exposure] = session.exposures()
    before = exposure.clean.size_bytes
    events = session.inspection.open(exposure.raw.path)
    start = float(events.time_s.min())
    parameters = session.inspection.default_parameters(events)
    from dataclasses import replace

    session.override(exposure, replace(parameters, removed_s=((start, start + 3000.0),)), "looks odd")
    assert session.wait_until_idle(120)
    [exposure] = session.exposures()
    assert exposure.clean.size_bytes < before
    assert exposure.verdict.state == "overridden" and exposure.verdict.note == "looks odd"
    history = session.history(exposure.gti)
    assert len(history) == 2 and "removed_s" in history[-1].task.arguments


def start_command(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "daxa_gui", *arguments], cwd=PROJECT, env=dict(os.environ),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def count(database: Path, query: str) -> int:
    try:
        with sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True) as connection:
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.Error:
        return -1


def kill_when(process: subprocess.Popen[bytes], reached) -> bool:
    """Kill -9 as soon as `reached()`; false if the program ended before."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if reached():
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return True
    process.wait()
    return False


@pytest.mark.timeout(500)
def test_that_a_program_killed_in_download_and_reduction_finishes_at_the_next_starts(practice_sky, document, tmp_path):
    output = tmp_path / "output"
    database = output / "archives" / "killed" / "daxa_gui.sqlite"
    near = ["--name", "Practice Cluster", "--practice", "--output", str(output)]
    kills = 0
    for enough in (1, 6, 14):
        process = start_command("fetch", "killed", *near)
        query = "SELECT count(*) FROM jobs WHERE kind = 'download' AND state = 'succeeded'"
        kills += kill_when(process, lambda: count(database, query) >= enough)  # noqa: B023
    fetched = document("fetch", "killed", *near)
    assert {job["state"] for job in fetched["jobs"]} == {"succeeded"}
    assert not list(output.rglob("*.part"))
    for enough in (1, 9, 20):
        process = start_command("reduce", "killed", "--output", str(output))
        query = "SELECT count(*) FROM jobs WHERE kind = 'reduce' AND state = 'succeeded'"
        kills += kill_when(process, lambda: count(database, query) >= enough)  # noqa: B023
    assert kills >= 4
    reduced = document("reduce", "killed", "--output", str(output))
    assert {job["state"] for job in reduced["jobs"]} <= {"succeeded", "skipped"}
    # nothing twice: each product stands once, and every file of the archive is registered
    with sqlite3.connect(database) as connection:
        paths = [row[0].split(":", 1)[1] for row in connection.execute("SELECT path FROM products")]
    assert len(paths) == len(set(paths))
    processed = output / "archives" / "killed" / "processed_data"
    on_disk = {str(p.relative_to(output / "archives" / "killed")) for p in processed.rglob("*") if p.is_file()}
    assert on_disk == {p for p in paths if p.startswith("processed_data")}


def test_that_what_was_killed_ends_as_what_was_not(session, practice_sky):
    """The cleaned lists have as many rows as the good times let through, counted by another reader."""
    from astropy.io import fits

    selections = [s for s in cluster_selections(session) if s.mission == "nustar_pointed"]
    session.create_archive("count", selections)
    assert session.wait_until_idle(120)
    session.reduce()
    assert session.wait_until_idle(120)
    for product in session.products():
        if product.key.kind is ProductKind.CLEAN_EVENTS:
            with fits.open(product.path) as file:
                times, gti = file["EVENTS"].data["TIME"], file["GTI"].data
                inside = sum((times >= a) & (times < b) for a, b in zip(gti["START"], gti["STOP"], strict=True))
                assert inside.min() == 1
