"""Workers, the scheduler, the line to it and the program itself die in the middle of many jobs: each still ends exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKind
from tests.fakes.cluster_program import Program, many
from tests.fakes.clusters import DaskCluster, Line, alive, environment, processes_below
from tests.fakes.waiting import wait_for

pytest.importorskip("distributed", reason="the extra « cluster » is not installed")

S = JobState
N = 200
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["with nannies"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path / "dask", nanny=request.param == "with nannies")
    try:
        cluster.wait_for_workers()
        yield cluster
    finally:
        cluster.close()


without_nannies = pytest.mark.parametrize("cluster", ["without nannies"], indirect=True)


def ended(program: Program) -> int:
    return program.states()["succeeded"]


def assert_that_each_ended_once(program: Program, n: int = N) -> None:
    """Every job succeeded, every product is there once and whole, and nothing is left of the runs."""
    assert program.states() == {"succeeded": n}, program.notices()
    products = program.store.products()
    assert len(products) == n == len({product.path for product in products})
    assert {product.key.kind for product in products} == {ProductKind.CLEAN_EVENTS}
    for product in products:
        assert Path(product.path).read_text() == product.key.obs_id
    with program.store.database.reading() as connection:
        history = connection.execute("SELECT count(*), count(DISTINCT job_id), count(DISTINCT path) FROM history").fetchone()
    assert tuple(history) == (n, n, n)
    runs = program.layout.folder / "cluster" / "runs"
    wait_for(lambda: list(runs.iterdir()) == [], "the end of what the runs left")


def test_that_lost_workers_and_a_broken_line_lose_no_job(cluster: DaskCluster, tmp_path: Path) -> None:
    line = Line(cluster.port)
    program = Program(tmp_path / "program", f"dask=tcp://127.0.0.1:{line.port}")
    try:
        program.add_all(many(N, tmp_path / "tally", 0.03))
        wait_for(lambda: ended(program) > N // 8)
        killed = cluster.worker_processes()
        assert len(killed) == 2
        os.kill(killed[0], signal.SIGKILL)  # its nanny starts another one
        wait_for(lambda: ended(program) > N // 3)
        os.killpg(cluster.workers[1].pid, signal.SIGKILL)  # one with its nanny: it does not come back
        wait_for(lambda: ended(program) > N // 2)
        line.cut()
        before = ended(program)
        time.sleep(1.0)
        line.mend()
        assert program.queue.wait_until_idle(120)
        assert before < N
        assert_that_each_ended_once(program)
        again = len(list((tmp_path / "tally").iterdir())) - N
        assert 0 <= again <= 12  # what was in the lost workers' hands (4 threads, and what waited at them)
    finally:
        program.close()
        line.close()


@without_nannies  # which would only make the start slower
def test_that_a_lost_scheduler_pauses_the_lane_and_no_job_fails(cluster: DaskCluster, tmp_path: Path) -> None:
    program = Program(tmp_path / "program", f"dask={cluster.address}", patience_s=1.0)
    try:
        program.add_all(many(N, tmp_path / "tally", 0.03))
        wait_for(lambda: ended(program) > N // 3)
        os.killpg(cluster.scheduler.pid, signal.SIGKILL)
        cluster.scheduler.wait()
        wait_for(lambda: program.queue.lanes()["local"], "the pause of the lane")
        assert program.queue.wait_until_idle(120)
        states = program.states()
        assert set(states) == {"succeeded", "queued"} and states["queued"] > 0
        (notice, *_more) = program.notices()
        assert notice.level == "error" and cluster.address in notice.message and "resume" in notice.hint.lower()
        cluster.start_scheduler()
        cluster.start_worker()
        cluster.start_worker()
        cluster.wait_for_workers()
        program.queue.resume("local")
        assert program.queue.wait_until_idle(120)
        assert_that_each_ended_once(program)
    finally:
        program.close()


@without_nannies
def test_that_a_killed_program_leaves_its_jobs_running_and_the_next_one_ends_each_once(
    cluster: DaskCluster, tmp_path: Path
) -> None:
    code = f"""
        import sys, time
        from pathlib import Path
        from tests.fakes.cluster_program import Program, many
        program = Program(Path(sys.argv[1]) / "program", sys.argv[2])
        program.add_all(many({N}, Path(sys.argv[1]) / "tally", 0.03))
        print("begun", flush=True)
        time.sleep(600)
    """
    killed = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), f"dask={cluster.address}"],
        env=environment(), cwd=PROJECT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    tally = tmp_path / "tally"
    wait_for(lambda: tally.is_dir() and len(list(tally.iterdir())) > N // 3, "a third of the jobs")
    killed.kill()
    killed.wait()
    program = Program(tmp_path / "program", f"dask={cluster.address}")
    try:
        before = program.states()
        assert before["succeeded"] + before["queued"] + before["running"] == N and before["succeeded"] < N
        assert program.queue.wait_until_idle(120)
        assert_that_each_ended_once(program)
    finally:
        program.close()


def test_that_a_worker_thought_dead_cannot_mix_its_files_into_the_next_run(cluster: DaskCluster, tmp_path: Path) -> None:
    """A worker that hangs (it is stopped) is given up by the scheduler and comes back when another one has done its job."""
    program = Program(tmp_path / "program", f"dask={cluster.address}")
    try:
        script = f"echo $$ >> {tmp_path}/ran; sleep 2; echo $$ > made"
        job = program.add("shell", script=script, made="made")
        wait_for(lambda: (tmp_path / "ran").exists() and (tmp_path / "ran").read_text().strip())
        parents = {process: processes_below(process) for process in cluster.worker_processes()}
        shell = int((tmp_path / "ran").read_text())
        (busy,) = [process for process, below in parents.items() if shell in below]
        os.kill(busy, signal.SIGSTOP)
        (nanny,) = [one for one in cluster.workers if busy in processes_below(one.pid)]
        os.kill(nanny.pid, signal.SIGSTOP)
        _drop_workers_that_hang(cluster)
        job = program.ended(job, 60)
        assert job.state is S.SUCCEEDED
        first, second = (tmp_path / "ran").read_text().split()
        (product,) = program.store.products()
        assert Path(product.path).read_text().strip() == second != first
        assert "its worker was lost; begun again" in program.log(job)
        os.kill(nanny.pid, signal.SIGCONT)
        os.kill(busy, signal.SIGCONT)
        wait_for(lambda: not alive(shell), "the end of the first run's command")
        assert len(program.store.products()) == 1 and Path(product.path).read_text().strip() == second
    finally:
        program.close()


def _drop_workers_that_hang(cluster: DaskCluster) -> None:
    """What the scheduler does by itself after some minutes without a sign of life."""
    from daxa_gui.execution.dask_client import connect

    def drop(dask_scheduler: object = None) -> list[str]:
        import time as clock

        scheduler = dask_scheduler
        quiet = [w.address for w in scheduler.workers.values() if clock.time() - w.last_seen > 1.5]  # type: ignore[attr-defined]
        for address in quiet:
            scheduler._ongoing_background_tasks.call_soon(  # type: ignore[attr-defined]
                scheduler.remove_worker,
                address,
                stimulus_id="test",
                close=False,  # type: ignore[attr-defined]
            )
        return quiet

    with connect(cluster.address, cluster.tls) as client:
        wait_for(lambda: client.run_on_scheduler(drop), "a worker without a sign of life")
