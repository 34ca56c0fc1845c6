"""One suite for every place where work can be done: this program's threads, Dask with and without TLS, Slurm; all real."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.core.job import JobState
from daxa_gui.execution.site_names import end_slurm
from tests.fakes.cluster_program import Program, many
from tests.fakes.clusters import DaskCluster, alive, environment, slurm, why_no_slurm
from tests.fakes.waiting import wait_for

pytest.importorskip("distributed", reason="the extra « cluster » is not installed")

S = JobState
HOSTILE = ["; rm -rf ~", "$(touch evil)", "`id`", "a\nb", "--flag", "'", '"', "*", "ü \udce4", "|| true", "%s"]


class Place:
    """An executor under test: how it is called and the settings that it needs."""

    def __init__(self, executor: str, values: dict[str, Any], folder: Path) -> None:
        self.executor, self.values, self.folder = executor, values, folder


@pytest.fixture(params=["threads", "dask", "dask with TLS", "slurm"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "executor"
    folder.mkdir()
    if request.param == "threads":
        yield Place("local", {}, folder)
    elif request.param == "slurm":
        if reason := why_no_slurm():
            pytest.skip(reason)
        with slurm() as conf, pytest.MonkeyPatch.context() as patch:
            for name, value in {**environment(), "SLURM_CONF": str(conf)}.items():
                patch.setenv(name, value)
            values = {
                "slurm_interface": "lo",
                "slurm_memory_gb": 0.5,
                "slurm_jobs": 2,
                "slurm_cores": 1,
                "slurm_partition": "debug",
            }
            yield Place("slurm", values, folder)
    else:
        cluster = DaskCluster(folder / "dask", tls=request.param.endswith("TLS"))
        try:
            cluster.wait_for_workers()
            tls = {"dask_ca_file": cluster.tls.ca, "dask_cert_file": cluster.tls.cert, "dask_key_file": cluster.tls.key}
            yield Place(f"dask={cluster.address}", tls, folder)
        finally:
            cluster.close()


def test_that_work_is_the_same_everywhere(place: Place, tmp_path: Path) -> None:
    """One test for a place: clusters take some seconds to start."""
    program = Program(place.folder / "program", place.executor, command_limit_s=4.0, **place.values)
    try:
        jobs_end_in_the_same_way(program)
        functions_that_are_not_ours_are_not_called(program)
        lines_come_while_it_runs_and_a_cancel_ends_all_of_it(program, tmp_path)
        forty_quick_jobs_all_end_once(program, tmp_path)
        if program.site is not None:
            work_ends_when_it_is_to_be_done_elsewhere(program, tmp_path)
    finally:
        program.close()
    if place.executor == "slurm":
        (about,) = (program.layout.folder / "cluster" / "slurm").glob("*/host.json")
        host = int(json.loads(about.read_text())["pid"])
        assert alive(host) and end_slurm(program.layout.folder, "a", program.folder / "state")
        wait_for(lambda: not alive(host), "the end of what keeps Slurm jobs")
    elif place.executor != "local":
        a_program_that_closes_leaves_work_running_and_the_next_takes_it(place, tmp_path)


def jobs_end_in_the_same_way(program: Program) -> None:
    makes = program.add("shell", "makes", script="printf 'x y' > 'made ü.fits'; echo left > other", made="made ü.fits")
    promises = program.add("shell", "promises", script="true", made="never.fits")
    fails = program.add("shell", "fails", script="echo '** evselect: error (noCounts), empty' >&2; exit 3")
    killed = program.add("shell", "killed", script="kill -SEGV $$")
    slow = program.add("shell", "slow", script="sleep 600")
    hostile = program.add("programs", "hostile", argv=["printf", "<%s>\\n", *HOSTILE])
    unknown = program.add("not_there", "unknown")
    wrong = program.add("folder", "wrong", nonsense=1)
    empty = program.add("folder", "empty")
    missing = program.add("programs", "missing", argv=["no-such-program-here"])
    tells = program.add("tells", "tells", n=2, pause_s=0.1)
    settings = program.add("settings", "settings", names=["sas_folder", "ccf_folder"])
    jobs = [makes, promises, fails, killed, slow, hostile, unknown, wrong, empty, missing, tells, settings]
    assert program.queue.wait_until_idle(120)
    jobs = program.store.get_all([job.id for job in jobs])
    makes, promises, fails, killed, slow, hostile, unknown, wrong, empty, missing, tells, settings = jobs

    assert makes.state is S.SUCCEEDED and makes.facts == {"code": 0}, makes.error
    (product,) = [product for product in program.store.products() if product.job_id == makes.id]
    assert Path(product.path).read_text() == "x y"
    assert promises.state is S.FAILED and promises.error and "never.fits" in promises.error.message
    assert fails.state is S.FAILED and fails.error and "exit code 3" in fails.error.message
    assert "ERROR   ** evselect: error (noCounts), empty" in program.log(fails)
    assert killed.state is S.FAILED and killed.error and "exit code 139" in killed.error.message
    assert slow.state is S.FAILED and slow.error and "took longer than" in slow.error.message
    assert hostile.state is S.SUCCEEDED and hostile.facts == {"code": 0}
    said = program.log(hostile)
    assert all(f"<{text}>" in said for text in HOSTILE if "\n" not in text and text.isascii()) and not Path("evil").exists()
    assert unknown.state is S.FAILED and unknown.error and "not_there" in unknown.error.message
    assert wrong.state is S.FAILED and wrong.error and "unexpected keyword" in wrong.error.message
    assert empty.state is S.SUCCEEDED and empty.facts["here"] == [] and not Path(empty.facts["folder"]).exists()
    assert missing.state is S.FAILED and missing.error and "was not found" in missing.error.message
    assert tells.state is S.SUCCEEDED and tells.warnings == ("that was all",)
    assert "WARNING WARNING: that was all" in program.log(tells)
    assert settings.facts == {"sas_folder": "", "ccf_folder": ""}
    assert not program.layout.work_folder(makes.id).exists()
    runs = program.layout.folder / "cluster" / "runs"
    assert not runs.exists() or list(runs.iterdir()) == []


def functions_that_are_not_ours_are_not_called(program: Program) -> None:
    from dataclasses import replace

    from daxa_gui.core.step import Call
    from daxa_gui.core.step import Place as Where
    from tests.fakes.execution import request

    (job,) = program.queue.add([replace(request("evil"), task=Call("os:getcwd", {}, Where.THREAD))])
    job = program.ended(job)
    assert job.state is S.FAILED and job.error and "not part of this program" in job.error.message


def lines_come_while_it_runs_and_a_cancel_ends_all_of_it(program: Program, tmp_path: Path) -> None:
    stubborn = "trap '' TERM; while :; do sleep 0.05; done"
    script = f'echo started; sh -c "echo \\$\\$ > {tmp_path}/child; {stubborn}" & echo $$ > {tmp_path}/parent; {stubborn}'
    mark = tmp_path / "mark"
    telling = program.add("tells", "telling", n=600, pause_s=0.05)
    job = program.add("shell", "cancelled", script=script, mark=str(mark))
    wait_for(lambda: program.queue.job(telling.id).text.startswith("part "), "progress")
    assert program.queue.job(telling.id).done < 600 and "line 0" in program.log(telling)
    program.queue.cancel([telling.id])
    wait_for(lambda: "started" in program.log(job) and (tmp_path / "child").exists(), "the first line")
    written = (tmp_path / "parent").stat().st_mtime
    assert time.time() - written < 3.0  # lines come while it runs
    processes = [int((tmp_path / name).read_text()) for name in ("child", "parent")]
    assert all(alive(process) for process in processes)
    program.queue.cancel([job.id])
    assert program.ended(job, 30).state is S.CANCELLED
    assert not any(alive(process) for process in processes)
    assert not Path(mark.read_text()).exists() and "stopped before its end" in program.log(job)


def forty_quick_jobs_all_end_once(program: Program, tmp_path: Path) -> None:
    jobs = program.add_all(many(40, tmp_path / "tally"))
    assert program.queue.wait_until_idle(120)
    assert {job.state for job in program.store.get_all([job.id for job in jobs])} == {S.SUCCEEDED}
    assert len(list((tmp_path / "tally").iterdir())) == 40
    counted = program.products()
    assert all(counted[job.obs_id] == 1 for job in jobs)


def work_ends_when_it_is_to_be_done_elsewhere(program: Program, tmp_path: Path) -> None:
    job = program.add("shell", "moved", script=f"echo $$ > {tmp_path}/moved; sleep 60")
    wait_for(lambda: (tmp_path / "moved").exists() and (tmp_path / "moved").read_text().strip())
    process = int((tmp_path / "moved").read_text())
    assert program.site is not None
    program.site.close()
    program.site = None
    wait_for(lambda: program.store.get(job.id).state is S.QUEUED, "its way back into the queue")
    program.queue.cancel([job.id])  # it would begin again here
    wait_for(lambda: not alive(process), "the end of what ran there")


def a_program_that_closes_leaves_work_running_and_the_next_takes_it(place: Place, tmp_path: Path) -> None:
    program = Program(tmp_path, place.executor, **place.values)
    script = f"echo one; echo x >> {tmp_path}/ran; sleep 1.5; echo two; echo made > made"
    job = program.add("shell", script=script, made="made")
    wait_for(lambda: "one" in program.log(job))
    program.close()
    program = Program(tmp_path, place.executor, **place.values)
    try:
        job = program.ended(job)
        assert job.state is S.SUCCEEDED and (tmp_path / "ran").read_text() == "x\n"
        log = program.log(job)
        assert log.count(" one\n") == 1 and log.count(" two\n") == 1 and "went on while this program was closed" in log
        assert len(program.store.products()) == 1
    finally:
        program.close()
