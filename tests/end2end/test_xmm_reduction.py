"""XMM-Newton from raw data to images, through the session, with stand-ins in the place of SAS."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.session import Session
from tests.fakes.reduction_world import make_archive, problems, session_for, states
from tests.standins.fixtures import standins, standins_once  # noqa: F401
from tests.standins.raw_data import VARIED, XmmExposure, xmm_odf

MISSION, FIRST, SECOND = "xmm_pointed", "0999900901", "0999900902"
FULL = ReductionOrder(pipeline="full_xmm")
ROW = {"start_mjd": 55524.13, "instruments": "M1 M2 PN R1 R2"}
LIMIT_S = 150.0
SMALL = (XmmExposure("M1", "S001"), XmmExposure("PN", "S003"))


def world(tmp_path, installed, exposures, name="out", **settings) -> tuple[Session, Path]:
    """A session in which an archive of ObsID → exposures is open."""
    output = tmp_path / name
    for obs_id, chosen in exposures.items():
        xmm_odf(output / f"{MISSION}_raw" / obs_id, obs_id, chosen)
    folder = make_archive(output, {(MISSION, obs_id): ROW for obs_id in exposures})
    session = session_for(output, installed.settings, **settings)
    session.open_archive(folder)
    return session, folder


def run(session, order=FULL):
    session.start_reduction(order)
    assert session.wait_until_idle(LIMIT_S)


def tasks(installed) -> list[str]:
    called = [call["task"] for call in installed.calls() if call["task"] not in ("sas", "sasversion")]
    installed.forget_calls()
    return called


@pytest.mark.timeout(500)
def test_the_whole_chain_and_what_a_changed_parameter_makes_anew(tmp_path, standins):  # noqa: F811
    session, folder = world(tmp_path, standins, {FIRST: VARIED}, "blank ü'x$(touch y);")
    try:
        run(session)
        assert problems(session) == []
        assert len(states(session)["espfilt"]) == 4  # M1 S001 and U002, M2 S002, pn S003
        aside = {one.unit: one.reason for one in session.plan_reduction(FULL).left_aside}
        assert set(aside) == {"M2S006", "M2S010", "R1S900", "PNS007", "PNU008"}
        assert "CalClosed" in aside["M2S006"] and "FastTiming" in aside["PNS007"]
        assert tasks(standins).count("merge") == 2  # M1 has two exposures, and two lists of each
        made = {(product.key.unit, product.key.kind) for product in session.products()}
        assert ("PN", ProductKind.FINAL_OOT_EVENTS) in made and ("R1S004", ProductKind.FINAL_EVENTS) in made
        assert {("M1", ProductKind.IMAGE), ("M1", ProductKind.EXPOSURE_MAP), ("", ProductKind.CIF)} <= made
        assert not list((folder / "work").glob("*")), "work folders are swept"

        run(session)
        assert tasks(standins) == [], "nothing is done twice"

        run(session, ReductionOrder(steps=("espfilt",), units=((MISSION, FIRST, "M2S002"),), again=True))
        assert tasks(standins) == ["espfilt"], "what only comes along is not repeated"
        [earlier] = session.configurations()
        assert session.remove_configuration(earlier.name) > 0

        order = ReductionOrder(steps=("cleaned_evt_lists",), parameters={"espfilt": {"allowed_sigma": 1.5}})
        before = {product.path: product.sha256 for product in session.products()}
        run(session, order)
        assert set(tasks(standins)) == {"espfilt", "evselect"}
        [kept] = session.configurations()
        assert kept.name == "espfilt allowed_sigma 3.0" and kept.parameters == {"espfilt": {"allowed_sigma": 3.0}}
        compared = {(one.unit, one.kind): one for one in session.compare_configuration(kept.name)}
        gti = compared["M1S001", "gti"]
        assert gti.new_facts["good_time_s"] < gti.old_facts["good_time_s"]
        assert Path(gti.old_path).is_file() and Path(gti.new_path).is_file() and gti.new_path in before
        # what was not asked for is out of date, and the next order notices
        assert [step.again for step in session.plan_reduction(FULL).steps if step.step == "merge_subexposures"] == [3]
        assert session.remove_configuration(kept.name) == kept.n_bytes and not Path(gti.old_path).exists()
        assert session.configurations() == [] and Path(gti.new_path).is_file()
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_only_what_passed_goes_on_and_a_failed_observation_comes_back(tmp_path, standins):  # noqa: F811
    session, folder = world(tmp_path, standins, {FIRST: SMALL, SECOND: SMALL})
    failed, processed = (folder / part / MISSION / FIRST for part in ("failed_data", "processed_data"))
    try:
        standins.switches.crash("epchain", where=FIRST)
        standins.switches.fail("emchain", where=FIRST, name="noEvents", text="There is nothing here.")
        run(session)
        assert states(session)["merge_subexposures"] == ["skipped", "skipped", "succeeded", "succeeded"]
        assert states(session)["espfilt"] == ["skipped", "skipped", "succeeded", "succeeded"]
        assert failed.is_dir() and not processed.exists()
        said = problems(session)
        assert any("signal 11" in one for one in said) and any("noEvents" in one for one in said)
        assert session.final_success() == {(MISSION, FIRST): False, (MISSION, SECOND): True}

        standins.switches.clear()
        standins.forget_calls()
        run(session)
        assert problems(session) == [] and processed.is_dir() and not failed.exists()
        assert session.final_success()[MISSION, FIRST] is True
        assert all(FIRST in str(call) for call in standins.calls() if call["task"] not in ("sas", "sasversion", "merge"))
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_one_good_exposure_is_enough_for_merging(tmp_path, standins):  # noqa: F811
    two = (XmmExposure("M1", "S001"), XmmExposure("M1", "U002", start_s=6200.0, length_s=2500.0, flared=False))
    session, _ = world(tmp_path, standins, {FIRST: two})
    try:
        standins.switches.crash("emchain", where="U002")
        run(session)
        found = states(session)
        assert found["espfilt"] == ["succeeded", "skipped"] and found["merge_subexposures"] == ["succeeded"]
        assert "merge" not in tasks(standins)
        standins.switches.clear()
        run(session)
        assert states(session)["espfilt"] == ["succeeded", "succeeded"] and "merge" in tasks(standins)

        # an exposure that fails when it is done again leaves its earlier list where it is: that is not merged
        both = next(p.facts["n_events"] for p in session.products() if p.key.kind is ProductKind.FINAL_EVENTS)
        standins.switches.crash("espfilt", calls=(2,))
        run(session, ReductionOrder(pipeline="full_xmm", parameters={"espfilt": {"allowed_sigma": 3.5}}))
        assert sorted(states(session)["espfilt"]) == ["failed", "succeeded"] and states(session)["merge_subexposures"] == [
            "succeeded"
        ]
        assert "merge" not in tasks(standins)
        one = next(p.facts["n_events"] for p in session.products() if p.key.kind is ProductKind.FINAL_EVENTS)
        assert one < both
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_the_shell_script_does_the_same_work(tmp_path, standins):  # noqa: F811
    session, folder = world(tmp_path, standins, {FIRST: SMALL}, "it's a folder")
    try:
        run(session)
        products = [product for product in session.products() if product.key.kind is not ProductKind.CIF]
        ours = {product.path: Path(product.path).read_bytes() for product in products if product.path.startswith(str(folder))}
        script = tmp_path / "again.sh"
        script.write_text(session.shell_script(FULL), "utf-8")
        for path in ours:
            Path(path).unlink()
        setup = f'. {standins.heasoft}/headas-init.sh >/dev/null; . {standins.sas}/setsas.sh >/dev/null; exec bash "$0"'
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **standins.variables}
        done = subprocess.run(
            ["bash", "-c", setup, str(script)], env=environment, capture_output=True, text=True, timeout=LIMIT_S
        )
        assert done.returncode == 0, done.stderr[-2000:]
        for path in ours:
            assert Path(path).is_file(), path
        images = [product.path for product in products if product.key.kind is ProductKind.IMAGE]
        from astropy.io import fits

        for path in images:
            (tmp_path / "ours.fits").write_bytes(ours[path])
            assert np.array_equal(fits.getdata(path), fits.getdata(tmp_path / "ours.fits"))
    finally:
        session.close()


def test_that_an_order_says_what_is_wrong_with_it(tmp_path, standins):  # noqa: F811
    session, _ = world(tmp_path, standins, {FIRST: SMALL})
    try:
        for order, words in (
            (ReductionOrder(steps=("espfild",)), "no step"),
            (ReductionOrder(pipeline="full_moon"), "no pipeline"),
            (ReductionOrder(steps=("espfilt",), parameters={"espfilt": {"ratio": -1}}), "at least"),
            (ReductionOrder(steps=("espfilt",), parameters={"espfilt": {"method": "guess"}}), "one of"),
            (ReductionOrder(steps=("cif_build",), parameters={"espfilt": {"ratio": 1.3}}), "does not run"),
            (ReductionOrder(pipeline="full_xmm", missions=("chandra",)), "no observation"),
        ):
            with pytest.raises(InputError) as error:
                session.plan_reduction(order)
            assert words in f"{error.value.message} {error.value.hint}", order
        with pytest.raises(ArchiveError):
            session.start_reduction(ReductionOrder(pipeline="full_chandra"))
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_another_version_of_the_software_makes_results_out_of_date(tmp_path, standins):  # noqa: F811
    from tests.standins.install import install

    session, _ = world(tmp_path, standins, {FIRST: SMALL})
    try:
        run(session, ReductionOrder(steps=("odf_ingest",)))
        other = install(tmp_path / "other", sas="21.0.0-aaaaaaaaa-20230101")
        session.change_settings(sas_folder=str(other.sas), ccf_folder=str(other.ccf))
        [cif, *_] = session.plan_reduction(ReductionOrder(steps=("odf_ingest",))).steps
        assert cif.again == 1 and any("22.1.0 → 21.0.0" in reason for reason in cif.why)
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_an_observation_that_was_tuned_alone_keeps_its_own_parameters(tmp_path, standins):  # noqa: F811
    session, _ = world(tmp_path, standins, {FIRST: SMALL, SECOND: SMALL})

    def sigmas() -> dict[str, set[float]]:
        found: dict[str, set[float]] = {}
        for job in session.jobs("reduce"):
            if job.step == "espfilt":
                found.setdefault(job.obs_id, set()).add(job.task.arguments["parameters"]["allowed_sigma"])
        return found

    try:
        run(session, ReductionOrder(steps=("espfilt",)))
        tuned = {"espfilt": {"allowed_sigma": 2.0}}
        run(session, ReductionOrder(steps=("espfilt",), observations=((MISSION, FIRST),), parameters=tuned))
        assert sigmas() == {FIRST: {2.0}, SECOND: {3.0}}
        tasks(standins)
        run(session)  # of the whole mission, without that parameter
        assert sigmas() == {FIRST: {2.0}, SECOND: {3.0}} and "espfilt" not in tasks(standins)
        run(session, ReductionOrder(steps=("espfilt",), parameters={"espfilt": {"allowed_sigma": 4.0}}))  # and with it
        assert sigmas() == {FIRST: {4.0}, SECOND: {4.0}}
        shown = session.commands(FULL, limit=3)
        assert len(shown) == 3 and shown[0].argv[0] == "cifbuild"
    finally:
        session.close()
