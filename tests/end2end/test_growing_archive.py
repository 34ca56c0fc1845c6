"""An archive that grows: other instruments and kinds, an update with the stored filters, versions of all of that."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.io import fits

from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone
from daxa_gui.core.product import ProductKind
from daxa_gui.session import Session
from daxa_gui.updating import apply_update, plan_update

XMM, EROSITA = "xmm_pointed", "erosita_calpv"


@pytest.fixture
def session(practice_sky, tmp_path):
    session = Session(output_folder=tmp_path / "output")
    session.start_practice()
    session.wait_for_practice()
    yield session
    session.close()


def selection(session, mission, instruments, obs_ids=None):
    stack = FilterStack().add(Cone(session.resolve_name("practice cluster"), None))
    found = next(one for one in session.selections(stack) if one.mission == mission)
    return replace(found, instruments=instruments, obs_ids=obs_ids or found.obs_ids)


def rest(opened):
    assert opened.wait_until_idle(120)


def counts(path):
    with fits.open(path) as opened:
        return Counter(opened["EVENTS"].data["TM_NR"].tolist())


def test_that_some_telescope_modules_are_reduced_and_the_choice_can_be_widened(session):
    session.create_archive("modules", [selection(session, EROSITA, ("TM1", "TM5"))])
    opened = session._here()
    rest(opened)
    opened.reduce(None, {"flares": {"n_sigma": 2.5}})
    rest(opened)
    (exposure,) = session.exposures()
    assert exposure.instrument == exposure.unit == "TM1_TM5" and exposure.clean is not None and exposure.images
    raw = Path(exposure.raw.path).read_bytes()
    assert set(counts(exposure.clean.path)) == {1, 5}
    taken = next(one for one in session.products() if one.key.kind is ProductKind.FINAL_EVENTS)
    assert taken.path.endswith("/events/obsid999901-instTM1_TM5-subexpALL-finalevents.fits")
    before = {product.path: product.sha256 for product in session.products()}

    opened.widen(EROSITA, [f"TM{n}" for n in range(1, 8)], ["events"])
    rest(opened)
    (exposure,) = session.exposures()
    assert exposure.unit == "TM0" and set(counts(exposure.clean.path)) == set(range(1, 8))
    assert exposure.flares.task.arguments["n_sigma"] == 2.5  # as it was done last
    assert Path(exposure.raw.path).read_bytes() == raw
    now = {product.path: product.sha256 for product in session.products()}
    assert before.items() <= now.items()  # what there was stays
    names = {Path(path).name for path in now}
    assert "obsid999901-instTM1_TM2_TM3_TM4_TM5_TM6_TM7-subexpNone-finalevents.fits" in names
    success = {one.unit: one.success for one in opened.queries.process_results(EROSITA, step="preprocessed_events")}
    assert success == {f"TM{n}": True for n in range(1, 8)}


def test_that_newly_chosen_instruments_are_fetched_and_reduced_and_nothing_else(session):
    session.create_archive("wider", [selection(session, XMM, ("M1",), ("0999900101",))])
    opened = session._here()
    rest(opened)
    opened.reduce(["clean"], {"flares": {"n_sigma": 2.5}})
    rest(opened)
    before = {job.id: (job.attempt, job.finished) for job in session.jobs() if job.kind != "plan"}
    assert {one.instrument for one in session.exposures()} == {"M1"}
    opened.widen(XMM, ["M1", "MOS2"], ["events"])
    rest(opened)
    jobs = {job.id: job for job in session.jobs()}
    assert {job_id: (jobs[job_id].attempt, jobs[job_id].finished) for job_id in before} == before
    m2 = next(one for one in session.exposures() if one.instrument == "M2")
    assert m2.clean is not None and m2.flares.task.arguments["n_sigma"] == 2.5 and not m2.images
    changes = [line for version in opened.versions.versions() for line in version.changes]
    assert "1 new XMM-Newton Pointed observation." in changes and "Flares on 1 exposure (XMM-Newton Pointed)." in changes
    assert opened.store.info()["reduce_new"] == []


def test_that_an_update_brings_and_reduces_what_the_stored_filters_find_now(session):
    session.create_archive("growing", [selection(session, XMM, ("M1",), ("0999900101",))])
    opened = session._here()
    rest(opened)
    opened.reduce(["clean"], {"clean": {"zero_flag": True}})
    rest(opened)
    assert opened.cut_version() is None  # it was kept when the work had come to rest
    newest = opened.versions.versions()[0].number
    before = {job.id: (job.attempt, job.finished) for job in session.jobs()}
    update = plan_update(opened.store, session.catalogue, lambda mission: pytest.fail("nothing to refresh"), now_mjd=60000.0)
    assert (XMM, "0999900201") in update.added and update.gone == () and "new observations" in update.sentences[0]
    apply_update(opened, update, session.catalogue)
    rest(opened)
    jobs = {job.id: job for job in session.jobs()}
    assert {job_id: (jobs[job_id].attempt, jobs[job_id].finished) for job_id in before} == before
    flared = next(one for one in session.exposures() if one.obs_id == "0999900201")
    assert flared.clean is not None and not flared.images
    clean = next(job for job in jobs.values() if (job.obs_id, job.step) == ("0999900201", "clean"))
    assert clean.task.arguments["zero_flag"] is True
    difference = opened.versions.difference(newest, opened.versions.versions()[0].number)
    assert len(difference.added_observations) == len(update.added) and not difference.changed
    assert difference.sentences[0] == f"{len(update.added)} new XMM-Newton Pointed observations."
    # the observation with a closed filter has nothing that succeeded
    success = opened.queries.final_success()
    assert success[XMM, "0999900401"] is False and success[XMM, "0999900101"] is True
    assert "failed_data" in opened.queries.data_path(XMM, "0999900401")
    assert all(Path(product.path).is_file() for product in session.products())


def test_that_a_changed_parameter_is_a_sentence_and_earlier_good_time_is_kept(session):
    session.create_archive("versions", [selection(session, XMM, ("M1",), ("0999900201",))])
    opened = session._here()
    rest(opened)
    opened.reduce(["flares"], {})
    rest(opened)
    opened.reduce(["flares"], {"flares": {"n_sigma": 2.0}})
    rest(opened)
    newest, older = opened.versions.versions()[:2]
    assert newest.changes == ("Flares re-run with sigma 2 (before 3) on 1 exposure (XMM-Newton Pointed).",)
    unit = f"{XMM}/0999900201/M1S001"
    old, new = (opened.versions.contents(number).gtis[unit] for number in (older.number, newest.number))
    assert sum(b - a for a, b in new) < sum(b - a for a, b in old)
    session.close_archive()
    session.open_archive(opened.layout.folder)
    assert session._here().versions.versions()[0] == newest


def test_that_an_archive_that_was_moved_does_nothing_again(session, tmp_path):
    session.create_archive("moving", [selection(session, XMM, ("M1",), ("0999900101",))])
    rest(session._here())
    session.reduce()
    rest(session._here())
    before = {job.id: (job.attempt, job.finished) for job in session.jobs()}
    session.close_archive()
    (tmp_path / "output").rename(tmp_path / "elsewhere")
    session.open_archive(tmp_path / "elsewhere" / "archives" / "moving")
    session.reduce()
    session.continue_download()
    rest(session._here())
    assert {job.id: (job.attempt, job.finished) for job in session.jobs()} == before
    session.reduce(["flares"], {"flares": {"n_sigma": 2.0}})
    rest(session._here())
    (exposure,) = session.exposures()
    assert Path(exposure.gti.path).is_relative_to(tmp_path / "elsewhere") and exposure.flares.attempt == 2
