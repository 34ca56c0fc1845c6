"""The built-in engine and the missions' software in one archive: they make the same products of an exposure (good time, light
curve, cleaned list), each from its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.session import Session
from tests.end2end.test_other_reduction import ACIS, CHANDRA, LIMIT_S, POINTED, counts, run, tasks, world
from tests.fakes.reduction_world import problems
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed

__all__ = ["standins", "standins_once"]
BUILTIN = ReductionOrder(pipeline="builtin")
K = ProductKind
SHARED = (K.GTI, K.LIGHTCURVE, K.CLEAN_EVENTS)


def shared(session: Session) -> dict[ProductKind, Product]:
    return {product.key.kind: product for product in session.products() if product.key.kind in SHARED}


@pytest.mark.timeout(500)
def test_that_each_engine_keeps_what_it_replaces_of_the_other_and_goes_on_from_its_own(
    tmp_path: Path, standins: Installed
) -> None:
    session, _ = world(tmp_path, standins, ACIS)
    try:
        run(session, CHANDRA)
        by_ciao = shared(session)
        assert session.exposures()[0].flares is None
        run(session, BUILTIN)
        assert problems(session) == []
        ours = shared(session)
        assert {kind: one.path for kind, one in ours.items()} == {kind: one.path for kind, one in by_ciao.items()}
        assert all(ours[kind].sha256 != by_ciao[kind].sha256 for kind in SHARED)
        [kept] = session.configurations()
        assert kept.name == "before the built-in engine"
        assert kept.steps == ("cleaned_chandra_evts", "deflare", "flux_image"), "the broad band is one of both"
        compared = {one.kind: one for one in session.compare_configuration(kept.name)}
        clean = compared["clean_events"]
        assert clean.old_facts["n_events"] == by_ciao[K.CLEAN_EVENTS].facts["n_events"] and clean.old_path != clean.new_path
        assert clean.new_facts["n_events"] == ours[K.CLEAN_EVENTS].facts["n_events"]
        [exposure] = session.exposures()
        assert exposure.flares is not None and exposure.flares.facts["kept_fraction"] > 0

        # what the other one made is not fresh any more, and says why; what nobody touched is
        tasks(standins)
        plan = {step.step: step for step in session.plan_reduction(CHANDRA).steps}
        assert plan["chandra_repro"].fresh == 1 and plan["deflare"].again == 1
        assert list(plan["deflare"].why) == ["another engine's result has taken its place"]
        run(session, CHANDRA)
        assert problems(session) == [] and "chandra_repro" not in tasks(standins)
        again = shared(session)
        assert again[K.CLEAN_EVENTS].facts["n_events"] == by_ciao[K.CLEAN_EVENTS].facts["n_events"]
        assert {one.name for one in session.configurations()} >= {"before the built-in engine", "before the missions' software"}
        assert session.exposures()[0].flares is None, "numbers of a cleaning that is not the one that lies there"
        assert counts(session, BUILTIN)["flares"] == (0, 1, 0) and session.plan_reduction(CHANDRA).n_jobs == 0
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_a_job_tried_again_does_not_go_on_with_the_other_engines_list(tmp_path: Path, standins: Installed) -> None:
    session, _ = world(tmp_path, standins, ACIS)
    try:
        standins.switches.crash("fluximage")
        run(session, CHANDRA)
        standins.switches.clear()
        run(session, BUILTIN)
        tasks(standins)
        [rate] = [job for job in session.jobs("reduce") if job.step == "rate_image"]
        session.retry([rate.id])
        assert session.wait_until_idle(LIMIT_S) and tasks(standins) == []
        error = session.job(rate.id).error
        assert error is not None and "another engine's result" in error.message and "Order the step" in error.hint
        run(session, CHANDRA)
        assert problems(session) == [] and tasks(standins).count("fluximage") == 2
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_lists_which_the_missions_software_made_can_be_looked_at(tmp_path: Path, standins: Installed) -> None:
    session, _ = world(tmp_path, standins, ACIS, POINTED, exposure_s=2000.0)
    try:
        run(session, ReductionOrder(steps=("chandra_repro", "nupipeline")))
        assert problems(session) == []
        exposures = {exposure.unit: exposure for exposure in session.exposures()}
        assert set(exposures) == {"ACISE001", "FPMA", "FPMB"}, "one of ACIS, though it was reprocessed too"
        assert exposures["ACISE001"].raw.key.kind is K.EVENTS
        module = exposures["FPMB"]
        assert module.raw.key.kind is K.CALIBRATED_EVENTS and module.gti is not None and module.flares is None
        events = session.inspection.open(module.raw.path)
        cleaning = session.inspection.clean(events, session.inspection.default_parameters(events))
        assert 0 < cleaning.gti.total_s <= 2000.0
        with pytest.raises(ArchiveError, match="also finds its good time"):
            session.override(module, session.inspection.default_parameters(events), "by hand")
        assert not session.verdict(module).state, "nothing was changed"
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_they_are_not_at_work_on_an_observation_at_the_same_time(tmp_path: Path, standins: Installed) -> None:
    session, _ = world(tmp_path, standins, ACIS)
    try:
        with pytest.raises(InputError, match="same products"):
            session.start_reduction(ReductionOrder(steps=("clean", "deflare")))
        standins.switches.slow("chandra_repro", seconds=1.0)
        session.start_reduction(CHANDRA)
        with pytest.raises(ArchiveError, match="still being reduced by the mission's software"):
            session.start_reduction(BUILTIN)
        assert session.wait_until_idle(LIMIT_S)
        run(session, BUILTIN)
        assert problems(session) == []
    finally:
        session.close()
