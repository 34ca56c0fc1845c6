"""A real Slurm that refuses, never starts or loses our jobs, and the small program that keeps them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daxa_gui.core.job import JobState
from daxa_gui.execution.site_names import end_slurm
from tests.fakes.cluster_program import Program
from tests.fakes.clusters import alive, environment, slurm, why_no_slurm
from tests.fakes.waiting import wait_for

pytest.importorskip("dask_jobqueue", reason="the extra « cluster » is not installed")
pytestmark = pytest.mark.skipif(bool(why_no_slurm()), reason=why_no_slurm() or "-")

VALUES = {"slurm_interface": "lo", "slurm_memory_gb": 0.5, "slurm_jobs": 1, "slurm_partition": "debug"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("lab")
    with slurm() as conf, pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment(), "SLURM_CONF": str(conf)}.items():
            patch.setenv(name, value)
        yield folder


@pytest.fixture
def program(lab: Path, tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path / "program", "slurm", patience_s=2.0, **VALUES)
    yield program
    program.close()
    end_slurm(program.layout.folder, "a", program.folder / "state")
    wait_for(lambda: queued() == [], "the end of the Slurm jobs")
    wait_for(lambda: not list((program.layout.folder / "cluster" / "slurm").glob("*/host.json")), "the end of the host")


def queued() -> list[str]:
    output = subprocess.run(["squeue", "-h", "-o", "%i %T %r"], capture_output=True, text=True, check=True).stdout
    return [line for line in output.splitlines() if "COMPLETING" not in line]


def host_of(program: Program) -> tuple[Path, dict[str, object]]:
    (about,) = (program.layout.folder / "cluster" / "slurm").glob("*/host.json")
    return about.parent, json.loads(about.read_text())


def test_that_a_job_that_slurm_refuses_or_never_starts_pauses_the_lane_with_its_words(program: Program) -> None:
    from daxa_gui.core.settings import changed

    program.settings = changed(program.settings, slurm_directives="--hold")
    job = program.add("folder")
    wait_for(lambda: program.queue.lanes()["local"], "the pause of the lane")
    assert program.queue.wait_until_idle(30)
    (notice,) = program.notices()
    assert "JobHeldUser" in notice.message and "hold" in notice.message and "settings" in notice.hint
    assert program.store.get(job.id).state is JobState.QUEUED
    program.settings = changed(program.settings, slurm_directives="", slurm_partition="nosuch")
    program.queue.resume("local")
    wait_for(lambda: program.queue.lanes()["local"], "the next pause of the lane")
    assert any("invalid partition" in notice.message for notice in program.notices())
    assert program.store.get(job.id).state is JobState.QUEUED and "invalid partition" in program.log(job)


def test_that_jobs_go_on_when_the_host_or_a_slurm_job_is_lost_and_a_closed_window_finds_the_host(
    program: Program, tmp_path: Path
) -> None:
    script = f"echo $$ >> {tmp_path}/ran; sleep 3; echo made > made"
    job = program.add("shell", script=script, made="made")
    wait_for(lambda: (tmp_path / "ran").exists() and (tmp_path / "ran").read_text().strip(), "the beginning")
    first = int((tmp_path / "ran").read_text())
    folder, about = host_of(program)
    assert folder.stat().st_mode & 0o077 == 0 and str(about["address"]).startswith("tls://")
    (line,) = queued()
    subprocess.run(["scancel", "--signal=KILL", "--full", line.split()[0]], check=True)  # the machine dies
    wait_for(lambda: not alive(first), "the end of the lost job's command")
    wait_for(lambda: len((tmp_path / "ran").read_text().split()) == 2, "the second beginning")
    program.queue.close()
    if program.site is not None:
        program.site.close()
    program.store.close()

    again = Program(program.folder, "slurm", patience_s=2.0, **VALUES)
    try:
        assert host_of(again)[1] == about  # the same host: it did not end with the program
        job = again.ended(job, 60)
        assert job.state is JobState.SUCCEEDED and len((tmp_path / "ran").read_text().split()) == 2
        os.kill(int(str(about["pid"])), signal.SIGTERM)
        wait_for(lambda: not alive(int(str(about["pid"]))) and queued() == [], "the end of the host and its jobs")
    finally:
        again.close()
