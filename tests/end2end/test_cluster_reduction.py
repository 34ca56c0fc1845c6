"""A pipeline of the missions' software on a Dask cluster, from the session: the window may close in the middle."""

from __future__ import annotations

import time

import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.core.finding import Grade
from daxa_gui.core.reduction_plan import ReductionOrder
from tests.fakes.reduction_world import make_archive, problems, session_for, states
from tests.standins.fixtures import standins, standins_once  # noqa: F401
from tests.standins.raw_data import XmmExposure, xmm_odf

pytest.importorskip("distributed", reason="the extra « cluster » is not installed")

MISSION, OBS_IDS = "xmm_pointed", ("0999900901", "0999900902")
SMALL = (XmmExposure("M1", "S001"), XmmExposure("PN", "S003"))
FULL = ReductionOrder(pipeline="full_xmm")
LIMIT_S = 150.0


@pytest.fixture
def cluster(tmp_path):
    from tests.fakes.clusters import DaskCluster

    one = DaskCluster(tmp_path / "dask")
    try:
        one.wait_for_workers()
        yield one
    finally:
        one.close()


def world(tmp_path, installed):
    output = tmp_path / "shared folder"
    for obs_id in OBS_IDS:
        xmm_odf(output / f"{MISSION}_raw" / obs_id, obs_id, SMALL)
    row = {"start_mjd": 55524.13, "instruments": "M1 PN"}
    folder = make_archive(output, {(MISSION, obs_id): row for obs_id in OBS_IDS})
    return output, folder, installed.settings


@pytest.mark.timeout(500)
def test_that_a_chain_runs_on_a_cluster_and_is_found_again_after_closing(tmp_path, standins, cluster):  # noqa: F811
    output, folder, software = world(tmp_path, standins)
    standins.switches.slow("espfilt", seconds=4.0)
    where = f"dask={cluster.address}"
    first = session_for(output, software)
    first.open_archive(folder)
    findings = first.check_executor(where)
    assert findings and not [one for one in findings if one.grade is Grade.FAULT], findings
    first.set_executor(where)
    first.start_reduction(FULL)
    end = time.monotonic() + LIMIT_S
    while not standins.calls("espfilt") and time.monotonic() < end:  # until the command runs there
        time.sleep(0.05)
    begun = len(standins.calls("espfilt"))
    assert begun and "running" in states(first)["espfilt"], problems(first)
    first.close()

    second = session_for(output, software)
    try:
        second.open_archive(folder)
        assert second.executor() == where  # remembered for this user
        assert second.wait_until_idle(LIMIT_S)
        assert problems(second) == []
        assert set(states(second)["generate_images_expmaps"]) == {"succeeded"}
        # four exposures; what ran when the window closed was not begun a second time
        assert len(standins.calls("espfilt")) == 4
        log, _ = second.read_log(next(job.id for job in second.jobs("reduce") if job.step == "espfilt"))
        assert "espfilt" in log and "made " in log
        second.set_executor("local")
        standins.forget_calls()
        second.start_reduction(FULL)
        assert second.wait_until_idle(LIMIT_S)
        assert [call for call in standins.calls() if call["task"] not in ("sas", "sasversion")] == []  # where is no part of what
        with pytest.raises(InputError):
            second.set_executor("the moon")
    finally:
        second.close()
