"""What goes wrong while raw data are reduced: the program is killed, software goes, orders cross each other. With stand-ins."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from daxa_gui.core.errors import ArchiveError, ReductionError
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder
from tests.end2end.test_xmm_reduction import FIRST, LIMIT_S, MISSION, ROW, SECOND, run, tasks, world
from tests.fakes.reduction_world import make_archive, problems, session_for, states
from tests.fakes.waiting import PATIENCE_S
from tests.standins.fixtures import standins, standins_once  # noqa: F401
from tests.standins.install import install
from tests.standins.raw_data import XmmExposure, xmm_odf

ONE = (XmmExposure("M1", "S001"),)
TWO = (XmmExposure("M1", "S001"), XmmExposure("M1", "U002", start_s=6200.0, length_s=2500.0, flared=False))
LISTS = ("merge_subexposures",)


def with_sigma(sigma, **more):
    return ReductionOrder(steps=LISTS, parameters={"espfilt": {"allowed_sigma": sigma}}, **more)


def kept(session):
    return {one.name: one.n_products for one in session.configurations()}


# ---- the program is killed


def started(output, folder, installed, parameters):
    about = {"output": str(output), "folder": str(folder), "settings": installed.settings, "parameters": parameters}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.reduction_program", json.dumps(about)], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip


def working_in(folder):
    """Processes whose folder lies below this one: programs of jobs."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(process.name)
        except OSError:
            continue
    return found


def counted(folder, query):
    """While the program opens its database, or puts it right after a kill, others cannot read it for a moment."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            with closing(sqlite3.connect(f"file:{folder}/daxa_gui.sqlite?mode=ro", uri=True)) as database:
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.02)


def files_that_are_not_as_noted(folder, table):
    rows = counted(folder, f"SELECT path, sha256 FROM {table} WHERE path LIKE 'archive:%'")
    assert rows
    paths = {folder / path.removeprefix("archive:"): sha256 for path, sha256 in rows}
    return [path for path, sha256 in paths.items() if hashlib.sha256(path.read_bytes()).hexdigest() != sha256], set(paths)


@pytest.mark.timeout(500)
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_that_a_program_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice(tmp_path, standins):  # noqa: F811
    output = tmp_path / "out"
    for obs_id in (FIRST, SECOND):
        xmm_odf(output / f"{MISSION}_raw" / obs_id, obs_id, TWO)
    folder = make_archive(output, {(MISSION, obs_id): ROW for obs_id in (FIRST, SECOND)})
    chance = random.Random(5)
    ended = "SELECT count(*) FROM history"
    for parameters in ({}, {"espfilt": {"allowed_sigma": 1.5}}):
        for _ in range(3):
            program = started(output, folder, standins, parameters)
            begun, more = counted(folder, ended)[0][0], chance.randrange(1, 6)
            end = time.monotonic() + PATIENCE_S
            while program.poll() is None and counted(folder, ended)[0][0] < begun + more and time.monotonic() < end:
                time.sleep(0.02)
            program.kill()
            program.communicate()
            end = time.monotonic() + PATIENCE_S
            while left := working_in(folder):
                assert time.monotonic() < end, left
                time.sleep(0.05)
        program = started(output, folder, standins, parameters)
        said, _ = program.communicate(timeout=LIMIT_S)
        assert program.returncode == 0, said

        damaged, known = files_that_are_not_as_noted(folder, "products")
        there = {path for path in (folder / "processed_data").rglob("*") if path.is_file()}
        assert not damaged and there == known
        assert not list((folder / "work").iterdir()) and counted(folder, "PRAGMA integrity_check") == [("ok",)]
        assert counted(folder, "SELECT 1 FROM history GROUP BY path, job_id, attempt HAVING count(*) > 1") == []
    assert Counter(call["task"] for call in standins.calls())["emchain"] >= 4
    assert counted(folder, "SELECT name FROM configurations") == [("espfilt allowed_sigma 3.0",)]
    assert counted(folder, "SELECT count(*) FROM jobs WHERE keep_as IS NOT NULL") == [(0,)]
    damaged, known = files_that_are_not_as_noted(folder, "kept_products")
    assert not damaged and known == {path for path in (folder / "configurations").rglob("*") if path.is_file()}


# ---- orders that cross each other, and runs that fail


@pytest.mark.timeout(500)
def test_what_is_kept_when_runs_fail_in_between(tmp_path, standins):  # noqa: F811
    session, _ = world(tmp_path, standins, {FIRST: ONE})
    try:
        run(session, with_sigma(3.0))
        standins.switches.crash("espfilt")
        run(session, with_sigma(1.5))
        assert states(session)["espfilt"] == ["failed"] and kept(session) == {"espfilt allowed_sigma 3.0": 0}
        standins.switches.clear()
        run(session, with_sigma(3.0))
        assert problems(session) == []
        assert kept(session) == {"espfilt allowed_sigma 3.0": 0}, "it went back: nothing was replaced by anything else"

        standins.switches.crash("espfilt")
        session.retry([job.id for job in session.jobs("reduce") if job.step == "espfilt"])
        assert session.wait_until_idle(LIMIT_S) and states(session)["espfilt"] == ["failed"]
        standins.switches.clear()
        before = {product.path for product in session.products()}
        run(session, with_sigma(2.0))
        n_kept = kept(session)["espfilt allowed_sigma 3.0"]
        steps = {one.step for one in session.jobs("reduce") if one.step in ("espfilt", "cleaned_evt_lists", *LISTS)}
        assert n_kept >= 6 and steps == {"espfilt", "cleaned_evt_lists", *LISTS}
        kinds = {one.kind for one in session.compare_configuration("espfilt allowed_sigma 3.0")}
        assert {"gti", "clean_events", "final_events"} <= kinds and before == {product.path for product in session.products()}

        run(session, ReductionOrder(steps=LISTS, again=True))
        assert problems(session) == []
        tasks(standins)
        run(session, ReductionOrder(steps=LISTS))
        assert tasks(standins) == []
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_the_last_of_orders_that_cross_each_other_counts(tmp_path, standins):  # noqa: F811
    session, folder = world(tmp_path, standins, {FIRST: ONE, SECOND: ONE})
    try:
        standins.switches.slow("espfilt", seconds=0.4)
        session.start_reduction(with_sigma(3.0))
        ends = time.monotonic() + PATIENCE_S
        while not any(job.step == "espfilt" and job.state is JobState.RUNNING for job in session.jobs("reduce")):
            assert time.monotonic() < ends
            time.sleep(0.02)
        session.start_reduction(with_sigma(2.0))
        session.start_reduction(with_sigma(2.5))
        session.start_reduction(ReductionOrder(steps=("generate_images_expmaps",)))  # more, while the rest runs
        assert session.wait_until_idle(LIMIT_S) and problems(session) == []
        used = [job.task.arguments["parameters"]["allowed_sigma"] for job in session.jobs("reduce") if job.step == "espfilt"]
        assert used == [2.5, 2.5] and states(session)["generate_images_expmaps"] == ["succeeded", "succeeded"]
        tasks(standins)
        run(session, ReductionOrder(steps=("generate_images_expmaps",)))
        assert tasks(standins) == []

        standins.switches.hang("espfilt", ignore_term=True)
        session.start_reduction(with_sigma(1.0))
        while not any(job.step == "espfilt" and job.state is JobState.RUNNING for job in session.jobs("reduce")):
            time.sleep(0.02)
        session.cancel([job.id for job in session.jobs("reduce")])
        assert session.wait_until_idle(120) and not list((folder / "work").iterdir()) and working_in(folder) == []
        standins.switches.clear()
        run(session, with_sigma(1.0))
        assert problems(session) == []
    finally:
        session.close()


# ---- what is not there


@pytest.mark.timeout(500)
def test_that_nothing_is_ordered_while_its_software_is_gone(tmp_path, standins):  # noqa: F811
    session, folder = world(tmp_path, standins, {FIRST: ONE})
    run(session, ReductionOrder(steps=("exposures",)))
    session.close()
    settings = {name: value for name, value in standins.settings.items() if name != "sas_folder"}
    session = session_for(folder.parents[1], settings)
    session.open_archive(folder)
    try:
        assert any(step.again for step in session.plan_reduction(ReductionOrder(steps=LISTS)).steps)
        with pytest.raises(ReductionError, match="SAS was not found"):
            session.start_reduction(ReductionOrder(steps=LISTS))
        assert states(session) == {step: ["succeeded"] for step in ("cif_build", "odf_ingest", "exposures")}
        assert session.configurations() == []
        session.change_settings(sas_folder=str(standins.sas))
        tasks(standins)
        run(session, ReductionOrder(steps=LISTS))
        assert problems(session) == [] and "cifbuild" not in tasks(standins)
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_single_exposures_that_are_not_known_yet_are_asked_for_in_vain(tmp_path, standins):  # noqa: F811
    session, _ = world(tmp_path, standins, {FIRST: ONE})
    try:
        single = ReductionOrder(steps=("espfilt",), units=((MISSION, FIRST, "M1S001"),))
        with pytest.raises(ArchiveError, match="are not known yet") as error:
            session.start_reduction(single)
        assert "Exposures" in error.value.hint
        run(session, ReductionOrder(steps=("exposures",)))
        run(session, single)
        assert states(session)["espfilt"] == ["succeeded"] and "cleaned_evt_lists" not in states(session)
        gti = next(product for product in session.products() if product.key.kind is ProductKind.GTI)
        Path(gti.path).unlink()
        tasks(standins)
        run(session, single)
        assert tasks(standins) == ["espfilt"] and Path(gti.path).is_file()
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_what_runs_while_everything_is_asked_for_again_is_made_from_what_is_made_again(tmp_path, standins):  # noqa: F811
    session, _ = world(tmp_path, standins, {FIRST: ONE})
    try:
        standins.switches.slow("emchain", seconds=1.5)
        session.start_reduction(ReductionOrder(steps=LISTS))
        ends = time.monotonic() + PATIENCE_S
        while not any(job.step == "emchain" and job.state is JobState.RUNNING for job in session.jobs("reduce")):
            assert time.monotonic() < ends
            time.sleep(0.02)
        session.start_reduction(ReductionOrder(pipeline="full_xmm", again=True))
        assert session.wait_until_idle(LIMIT_S) and problems(session) == []
        tasks(standins)
        run(session)
        assert tasks(standins) == [], "nothing is out of date"
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_a_cancel_reaches_a_set_up_script_that_hangs(tmp_path):
    installed = install(tmp_path / "software", sas="22.1.0-abcdefghi-20250101", heasoft=None, ciao=None, esass=None)
    session, folder = world(tmp_path, installed, {FIRST: ONE})
    try:
        installed.switches.slow("cifbuild", seconds=0.5)
        [first, *_] = session.start_reduction(ReductionOrder(steps=("odf_ingest",)))
        begun = tmp_path / "begun"
        (installed.sas / "setsas.sh").write_text(f"touch '{begun}'\nsleep 1000\n")
        ends = time.monotonic() + PATIENCE_S
        while not begun.exists():
            assert time.monotonic() < ends, problems(session)
            time.sleep(0.02)
        session.cancel([job.id for job in session.jobs("reduce")])
        assert session.wait_until_idle(120)
        assert "cancelled" in states(session)["odf_ingest"] and not list((folder / "work").iterdir())
        assert first.step == "cif_build"
    finally:
        session.close()
