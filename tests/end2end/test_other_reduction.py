"""eROSITA, Chandra and NuSTAR from raw data to images through the session, alone and beside each other, with stand-ins in the
place of eSASS, CIAO and NuSTARDAS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.session import Session
from tests.fakes.reduction_world import make_archive, problems, session_for, states
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_data import XmmExposure, xmm_odf
from tests.standins.raw_others import chandra_raw, erosita_events, nustar_raw

__all__ = ["standins", "standins_once"]
LIMIT_S = 150.0
EROSITA, CHANDRA, NUSTAR = (ReductionOrder(pipeline=f"full_{name}") for name in ("erosita", "chandra", "nustar"))
ACIS, HRC = ("chandra", "99902"), ("chandra", "99903")
FIELD, SECOND_FIELD = ("erosita_calpv", "999902"), ("erosita_calpv", "999903")
POINTED = ("nustar_pointed", "79999002002")
XMM = ("xmm_pointed", "0999900901")
K = ProductKind
_QUESTIONS = ("ciaover", "punlearn", "nuversion", "ftversion", "fversion", "sas", "sasversion")
CIAO_TASKS = ["chandra_repro", "dmextract", "deflare", "dmcopy", "dmcopy", "fluximage", "fluximage"]


def world(
    tmp_path: Path, software: Installed, *observations: tuple[str, str], instruments: tuple[str, ...] = (), **raw: Any
) -> tuple[Session, Path]:
    """A session in which an archive with raw data of these observations is open, and the archive's folder."""
    output = tmp_path / "out"
    for mission, obs_id in observations:
        folder = output / f"{mission}_raw" / obs_id
        if mission == "erosita_calpv":
            erosita_events(folder, obs_id, **raw)
        elif mission == "chandra":
            chandra_raw(folder, obs_id, instrument="HRC" if (mission, obs_id) == HRC else "ACIS", **raw)
        elif mission == "nustar_pointed":
            nustar_raw(folder, obs_id, **raw)
        else:
            xmm_odf(folder, obs_id, (XmmExposure("PN", "S003"),))
    place = make_archive(output, {one: {"start_mjd": 58800.0} for one in observations}, instruments=instruments)
    session = session_for(output, software.settings)
    session.open_archive(place)
    return session, place


def run(session: Session, order: ReductionOrder) -> None:
    session.start_reduction(order)
    assert session.wait_until_idle(LIMIT_S)


def tasks(software: Installed) -> list[str]:
    called = [call["task"] for call in software.calls() if call["task"] not in _QUESTIONS]
    software.forget_calls()
    return called


def made(session: Session, mission: str, kind: ProductKind) -> list[Product]:
    return [product for product in session.products() if product.key.mission == mission and product.key.kind is kind]


def counts(session: Session, order: ReductionOrder) -> dict[str, tuple[int, int, int]]:
    return {step.step: (step.new, step.again, step.fresh) for step in session.plan_reduction(order).steps}


def column(path: str, name: str) -> Any:
    from astropy.io import fits

    with fits.open(path) as hdus:
        return np.array(hdus["EVENTS"].data[name])


# ---- eROSITA


@pytest.mark.timeout(500)
def test_that_some_modules_of_a_field_are_reduced_and_only_what_changed_is_made_anew(tmp_path: Path, standins: Installed) -> None:
    session, _ = world(tmp_path, standins, FIELD, instruments=("TM1", "TM5"))
    try:
        run(session, EROSITA)
        assert problems(session) == []
        assert tasks(standins)[-3:] == ["evtool", "flaregti", "evtool"], "the list of two modules, its flares, its cleaning"
        [final] = [one for one in made(session, FIELD[0], K.FINAL_EVENTS) if one.key.band_kev]
        assert final.key.band_kev == (0.2, 10.0) and final.key.instrument == "TM1_TM5"
        assert set(column(final.path, "TM_NR")) == {1, 5} and len(column(final.path, "PI")) == final.facts["n_events"]

        run(session, EROSITA)
        assert tasks(standins) == [], "nothing is done twice"

        run(session, ReductionOrder(pipeline="full_erosita", arguments={"energies_kev": [0.5, 2.0]}))
        assert tasks(standins) == ["evtool"]
        [soft] = [one for one in made(session, FIELD[0], K.FINAL_EVENTS) if one.key.band_kev == (0.5, 2.0)]
        assert 0 < soft.facts["n_events"] < final.facts["n_events"]
        assert Path(final.path).is_file(), "a list of another band replaces nothing"
        assert session.final_success()[FIELD] is True
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_a_closed_filter_and_a_failed_program_are_told_apart(tmp_path: Path, standins: Installed) -> None:
    session, folder = world(tmp_path, standins, FIELD)
    closed = tmp_path / "out" / "erosita_calpv_raw" / SECOND_FIELD[1]
    erosita_events(closed, SECOND_FIELD[1], wheel="CLOSED")
    session.close()
    folder = make_archive(tmp_path / "out", {one: {"start_mjd": 58800.0} for one in (FIELD, SECOND_FIELD)}, "second")
    session = session_for(tmp_path / "out", standins.settings)
    session.open_archive(folder)
    try:
        standins.switches.fail("flaregti", name="", text="no valid GTI")
        run(session, EROSITA)
        assert states(session)["flaregti"] == ["failed"] and states(session)["cleaned_erosita_evts"] == ["skipped"]
        [aside] = session.plan_reduction(EROSITA).left_aside
        assert aside.obs_id == SECOND_FIELD[1] and "CLOSED" in aside.reason
        [group] = session.failure_groups()
        assert "no valid GTI" in group.example and len(group.skipped_ids) == 1
        assert (folder / "failed_data" / "erosita_calpv" / FIELD[1]).is_dir()
        standins.switches.clear()
        run(session, EROSITA)
        assert problems(session) == [] and (folder / "processed_data" / "erosita_calpv" / FIELD[1]).is_dir()
    finally:
        session.close()


# ---- Chandra


@pytest.mark.timeout(500)
def test_that_acis_and_hrc_are_reduced_together_and_energies_leave_hrc_aside(tmp_path: Path, standins: Installed) -> None:
    session, folder = world(tmp_path, standins, ACIS, HRC)
    try:
        run(session, CHANDRA)
        assert problems(session) == [] and sorted(tasks(standins)) == sorted(2 * CIAO_TASKS)
        assert len(made(session, "chandra", K.FLUX_MAP)) == 6, "five bands of ACIS, one of HRC"
        before = {product.path: product.sha256 for product in session.products() if product.key.obs_id == HRC[1]}

        banded = ReductionOrder(pipeline="full_chandra", arguments={"energies_kev": [0.5, 7.0]})
        plan = session.plan_reduction(banded)
        assert {(one.obs_id, one.unit) for one in plan.left_aside} == {(HRC[1], "HRCE001")}
        assert "HRC measures no energies" in plan.left_aside[0].reason
        assert counts(session, banded)["cleaned_chandra_evts"] == (0, 1, 0)
        shown = [command for command in session.commands(banded) if command.step == "cleaned_chandra_evts"]
        assert {command.obs_id for command in shown} == {ACIS[1]} and any("energy=500:7000" in str(c.argv) for c in shown)
        assert "energy=500:7000" in session.shell_script(banded)
        run(session, banded)
        assert problems(session) == [] and tasks(standins) == ["dmcopy", "dmcopy", "fluximage", "fluximage"]
        now = {product.path: product.sha256 for product in session.products() if product.key.obs_id == HRC[1]}
        assert now == before, "what was made of HRC stays"
        assert (folder / "processed_data" / "chandra" / HRC[1]).is_dir()
        [kept] = session.configurations()
        assert kept.name == "cleaned_chandra_evts energies_kev none" and kept.n_observations == 1

        # HRC by itself, without limits of energy, goes on
        alone = ReductionOrder(
            pipeline="full_chandra", observations=(HRC,), parameters={"cleaned_chandra_evts": {"energies_kev": None}}
        )  # fmt: skip
        assert not session.plan_reduction(alone).left_aside and session.plan_reduction(alone).n_jobs == 0
        with pytest.raises(InputError, match="belong together"):  # wrong together: refused at once, not by a job
            session.start_reduction(ReductionOrder(steps=("flux_image",), parameters={"flux_image": {"bands_kev": [[1.0, 2.0]]}}))
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_energies_from_the_start_leave_hrc_where_it_is(tmp_path: Path, standins: Installed) -> None:
    session, folder = world(tmp_path, standins, ACIS, HRC)
    try:
        run(session, ReductionOrder(pipeline="full_chandra", arguments={"energies_kev": [0.5, 7.0]}))
        assert problems(session) == []
        assert states(session)["cleaned_chandra_evts"] == ["succeeded"] and states(session)["deflare"] == ["succeeded"] * 2
        assert session.final_success()[ACIS] is True and not (folder / "failed_data" / "chandra").exists()
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_a_missing_file_fails_only_its_observation(tmp_path: Path, standins: Installed) -> None:
    session, folder = world(tmp_path, standins, ACIS, ("chandra", "99904"))
    try:
        standins.switches.missing("chandra_repro", where=f"root={ACIS[1]}ACIS", file="fov1")
        run(session, CHANDRA)
        assert states(session)["chandra_repro"] == ["failed", "succeeded"]
        assert states(session)["rate_image"] == ["skipped", "succeeded"]
        [group] = session.failure_groups()
        assert "fov1" in group.example and "Traceback" not in group.example
        assert session.final_success() == {ACIS: False, ("chandra", "99904"): True}
        assert (folder / "failed_data" / "chandra" / ACIS[1]).is_dir()
        standins.switches.clear()
        standins.forget_calls()
        run(session, CHANDRA)
        assert problems(session) == [] and tasks(standins) == CIAO_TASKS, "what had passed is not done again"
        assert session.final_success()[ACIS] is True
    finally:
        session.close()


# ---- NuSTAR, and all missions in one archive


@pytest.mark.timeout(500)
def test_that_nustar_goes_on_with_the_module_that_passed(tmp_path: Path, standins: Installed) -> None:
    session, folder = world(tmp_path, standins, POINTED)
    try:
        standins.switches.crash("nupipeline", where="instrument=FPMB")
        run(session, NUSTAR)
        assert states(session)["nupipeline"] == ["succeeded", "failed"]
        assert states(session)["nustar_images"] == ["succeeded", "skipped"]
        assert session.final_success()[POINTED] is True and not (folder / "failed_data").exists()
        standins.switches.clear()
        run(session, NUSTAR)
        assert problems(session) == [] and len(made(session, POINTED[0], K.IMAGE)) == 6
        tasks(standins)

        run(session, ReductionOrder(steps=("nustar_images",), parameters={"nustar_images": {"bands_kev": [[3.0, 10.0]]}}))
        assert set(tasks(standins)) == {"ftcopy", "nuexpomap"}
        bands = {one.key.band_kev for one in made(session, POINTED[0], K.IMAGE)}
        assert (3.0, 10.0) in bands
        [kept] = session.configurations()
        assert kept.steps == ("nustar_images",) and all(one.new_facts for one in session.compare_configuration(kept.name)[:2])
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_missions_in_one_archive_do_not_get_in_each_others_way(tmp_path: Path, standins: Installed) -> None:
    session, _ = world(tmp_path, standins, FIELD, ACIS, XMM)
    try:
        for order in (EROSITA, CHANDRA, ReductionOrder(pipeline="full_xmm")):
            session.start_reduction(order)
        assert session.wait_until_idle(LIMIT_S)
        assert problems(session) == [] and set(session.final_success().values()) == {True}
        before = {product.path: product.sha256 for product in session.products()}
        tasks(standins)
        run(session, ReductionOrder(steps=("espfilt",), parameters={"espfilt": {"allowed_sigma": 2.0}}))
        assert tasks(standins) == ["espfilt"]
        changed = {product.key.mission for product in session.products() if before.get(product.path) != product.sha256}
        assert changed == {XMM[0]} and session.plan_reduction(CHANDRA).n_jobs == 0 == session.plan_reduction(EROSITA).n_jobs
        with pytest.raises(InputError, match="no observation"):
            session.plan_reduction(ReductionOrder(pipeline="full_xmm", missions=("nustar_pointed",)))
    finally:
        session.close()
