"""XMM-Newton reduced here (the stand-ins in the place of SAS), opened and gone on with by the real DAXA, and taken over again."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from astropy.units import Quantity

from daxa_gui import daxa_archives
from daxa_gui.archive.layout import ArchiveLayout, OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.verify import verify
from daxa_gui.core.errors import FileError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder
from tests.daxa_shim import real_daxa
from tests.fakes.reduction_world import problems, states
from tests.interchange.daxa_archives import World
from tests.interchange.reduced_for_daxa import FEW, LIMIT_S, ROW, XMM, Reduced, go_on, made, raw_xmm, results, shell
from tests.interchange.test_standins_with_daxa import Run
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_data import XmmExposure, xmm_odf

__all__ = ["real_daxa", "standins", "standins_once"]  # the fixtures

XMM_STEPS = "daxa.process.xmm"
VARIED = (
    *FEW,
    XmmExposure("M1", "U002", start_s=3000.0, length_s=2500.0, flared=False),
    XmmExposure("M2", "S006", filter="CalClosed", start_s=3000.0, length_s=1500.0),
    XmmExposure("PN", "S007", "FastTiming", "Thin1", "Timing", start_s=3000.0, length_s=1500.0),
    XmmExposure("R1", "S004", "SpectroscopyHER+SES", None, "Spectroscopy", length_s=1500.0, ccds=(1, 2)),
)


@pytest.fixture
def world(real_daxa: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield World(real_daxa, monkeypatch, (XMM,))


@pytest.mark.timeout(500)
def test_that_daxa_knows_everything_of_a_reduction_and_it_comes_back_the_same(
    world: World, standins: Installed, tmp_path: Path
) -> None:
    first, second, _ = world.obs_ids(XMM)
    raw_xmm(world, first, VARIED)
    raw_xmm(world, second, FEW)
    standins.switches.fail("espfilt", where=second, name="noCounts", text="All histo counts are zero!")
    standins.switches.warn("emchain", where=first, name="checkRejected10", text="Few good events are left.")
    ours = Reduced(world, standins, "reduced_here")
    order = ReductionOrder(pipeline="full_xmm", parameters={"espfilt": {"allowed_sigma": 2.5, "smooth_s": 30}})
    ours.make({(XMM, first): ROW, (XMM, second): ROW}, [order])
    assert not [one for one in verify(OutputLayout(world.output).archive(ours.name)).findings if one.severity != "information"]

    archive = ours.opened()
    success = archive.process_success[XMM]
    assert success["cif_build"] == {first: True, second: True} == success["odf_ingest"]
    assert success["emchain"] == {f"{first}M1S001": True, f"{first}M1U002": True, f"{second}M1S001": True}
    assert success["espfilt"] == {
        f"{first}M1S001": True, f"{first}M1U002": True, f"{first}PNS003": True,
        f"{second}M1S001": False, f"{second}PNS003": False,
    }  # fmt: skip
    assert success["merge_subexposures"] == {f"{first}M1": True, f"{first}PN": True}  # what was never begun has no entry
    assert success["cleaned_rgs_event_lists"] == {f"{first}R1S004": True}
    assert archive.final_process_success[XMM] == {first: True, second: False}
    assert "/failed_data/" in archive.get_current_data_path(XMM, second)
    # summaries and what may be used: those that DAXA itself makes of the same summary of the raw data
    parse = importlib.import_module("daxa.process.xmm.setup").parse_odf_sum
    folder = ours.processed(XMM, first)
    [summary] = folder.glob("*SCX00000SUM.SAS")
    theirs = json.loads(json.dumps(parse(str(summary), first)))  # as DAXA saves it
    chosen = archive[XMM].chosen_instruments
    assert archive.observation_summaries[XMM][first] == {name: one for name, one in theirs.items() if name in chosen}
    assert {"R1", "M1", "M2", "PN"} <= set(archive.observation_summaries[XMM][first])
    assert archive.process_observation[XMM][first] == archive[XMM].assess_process_obs(archive.observation_summaries[XMM][first])
    # paths under DAXA's keys, and files where it looks for them
    session = ours.session()
    try:
        here = {(product.key.unit, product.key.kind): product.path for product in session.products(XMM, first)}
        before = results(session), made(session)
    finally:
        session.close()
    extra = archive.process_extra_info[XMM]
    for step, unit, keys in (
        ("epchain", "PNS003", {"evt_list": "calibrated_events", "oot_evt_list": "oot_events"}),
        ("espfilt", "PNS003", {"gti_path": "gti", "hist_path": "histogram", "all_good_evts": "all_good_events",
                               "all_good_oot_evts": "all_good_oot_events"}),
        ("cleaned_evt_lists", "M1S001", {"evt_clean_path": "clean_events"}),
        ("merge_subexposures", "PN", {"final_evt": "final_events", "final_oot_evt": "final_oot_events",
                                      "final_allgood_evt": "final_all_good_events"}),
        ("cleaned_rgs_event_lists", "R1S004", {"evt_clean_path": "final_events"}),
    ):  # fmt: skip
        assert {key: extra[step][f"{first}{unit}"][key] for key in keys} == {
            key: here[unit, ProductKind(kind)] for key, kind in keys.items()
        }
    assert extra["cleaned_evt_lists"][f"{first}PNS003"]["en_key"] == "" and extra["cif_build"][first]["obs_date"] == "2010-11-24"
    assert Path(extra["odf_ingest"][first]["sum_path"]) == summary
    assert (world.output / f"{XMM}_raw" / first / summary.name).is_file()
    assert (folder / "ccf.cif").samefile(here["", ProductKind.CIF])
    assert (folder / f"P{first}OBX000ATTTSR0000.FIT").samefile(here["PNS003", ProductKind.ATTITUDE])
    assert not (folder / "daxa").exists()
    # messages and arguments
    errors = archive.process_errors[XMM]["espfilt"]
    assert errors[f"{second}PNS003"] == ["noCounts raised by espfilt - All histo counts are zero!"]
    warned = {"originator": "emchain", "name": "checkRejected10", "message": "Few good events are left."}
    assert archive.process_warnings[XMM]["emchain"][f"{first}M1S001"] == [warned]
    config = {name: values for one in archive.process_configurations[XMM] for name, values in one.items()}
    assert config["espfilt"]["allowed_sigma"] == 2.5 and config["espfilt"]["with_smoothing"] == Quantity(30, "s")
    assert config["espfilt"]["range_scale"] == {"mos": 6.0, "pn": 15.0}
    assert config["espfilt"]["filter_hi_en"] == Quantity(8.5, "keV")
    known = importlib.import_module("daxa.process").PROC_LOOKUP[XMM]
    assert list(config)[:3] == ["cif_build", "odf_ingest", "epchain"] and set(config) <= set(known)
    archive.save()  # what DAXA writes is what we wrote
    saved = ours.info()

    # and back: the same results, which a later order does not take for its own
    session = ours.converted("come_back")
    try:
        assert results(session) == before[0] and made(session) == before[1]
        plan = session.plan_reduction(ReductionOrder(pipeline="full_xmm"))
        why = {step.step: step.why for step in plan.steps if step.why}
        assert why["cif_build"] == {"it was taken over from DAXA": 2} and not any(step.fresh for step in plan.steps)
        session.write_daxa_files()
    finally:
        session.close()
    again = ours.info("come_back")
    for key in ("process_success", "process_errors", "process_warnings", "obs_summaries", "use_this_obs", "process_run_config"):
        assert again[key] == saved[key], key
    assert world.daxa_archive("come_back").process_success == archive.process_success


@pytest.mark.timeout(500)
@pytest.mark.parametrize("last", ["odf_ingest", "emchain", "cleaned_evt_lists"])
def test_that_daxa_goes_on_from_any_step(
    last: str, world: World, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    obs_id = world.obs_ids(XMM)[0]
    raw_xmm(world, obs_id, FEW)
    ours = Reduced(world, standins, f"goes_on_{last}")
    steps = ("epchain", "emchain") if last == "emchain" else (last,)
    assert ours.make({(XMM, obs_id): ROW}, [ReductionOrder(steps=steps)]) == []
    session = ours.session()
    before = {product.path: product.sha256 for product in session.products(XMM, obs_id)}
    session.close()
    shell(standins, ("sas",), tmp_path / "home", monkeypatch)
    archive = ours.opened()
    chain = ("epchain", "emchain", "espfilt", "cleaned_evt_lists", "merge_subexposures")
    done = {"odf_ingest": 0, "emchain": 2, "cleaned_evt_lists": 4}[last]
    for step in chain[done:]:
        units = go_on(archive, XMM, XMM_STEPS, step)
        wanted = {"epchain": ["PNS003"], "emchain": ["M1S001"], "merge_subexposures": ["M1", "PN"]}
        assert sorted(units) == [f"{obs_id}{unit}" for unit in wanted.get(step, ["M1S001", "PNS003"])]
    archive.save()
    # our files are where they were, although DAXA moves away what it merges
    assert all(Path(path).is_file() for path in before)
    there = archive.process_success
    session = ours.session()
    session.write_daxa_files()  # what DAXA did stays in its save file
    session.close()
    assert ours.opened().process_success == there
    report = verify(OutputLayout(world.output).archive(ours.name))
    assert report.is_whole and not [one for one in report.findings if "missing" in one.message]

    # taken over: DAXA's steps are steps here, their lists what they are; an order makes them anew and keeps the earlier ones
    session = ours.converted(f"taken_{last}")
    try:
        found = states(session)
        assert {step: found[step] for step in chain} == {
            step: ["succeeded"] * (1 if step in ("epchain", "emchain") else 2) for step in chain
        }
        kinds = {(step, key.unit, key.kind) for step, key in made(session)}
        assert {
            ("epchain", "PNS003", ProductKind.OOT_EVENTS), ("emchain", "M1S001", ProductKind.CALIBRATED_EVENTS),
            ("espfilt", "PNS003", ProductKind.GTI), ("espfilt", "PNS003", ProductKind.HISTOGRAM),
            ("merge_subexposures", "PN", ProductKind.FINAL_EVENTS), ("cif_build", "", ProductKind.CIF),
        } <= kinds  # fmt: skip
        if last != "odf_ingest":
            return
        before_new = made(session)
        order = ReductionOrder(pipeline="full_xmm")
        session.start_reduction(order)
        assert session.wait_until_idle(LIMIT_S) and problems(session) == []
        [kept] = session.configurations()
        assert kept.name == "taken over from DAXA" and kept.n_products == len(before_new)
        compared = {(one.unit, one.kind): one for one in session.compare_configuration(kept.name)}
        assert Path(compared["PNS003", "gti"].old_path).is_file() and len(compared) == len(before_new)
        steps = session.plan_reduction(order).steps
        assert not any(step.new or step.again for step in steps) and sum(step.fresh for step in steps) > 10
        final = {p.key.unit: p.path for p in session.products(XMM, obs_id) if p.key.kind is ProductKind.FINAL_EVENTS}
        assert set(final) == {"M1", "PN"} and all(Path(path).is_file() for path in final.values())
    finally:
        session.close()


@pytest.mark.timeout(500)
def test_that_what_daxa_reduced_alone_is_seen_as_results_of_our_steps(
    real_daxa: ModuleType, world: World, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell(standins, ("sas",), tmp_path / "home", monkeypatch)
    run = Run(world, "22.1.0")
    builder = inspect.unwrap(importlib.import_module(XMM_STEPS).odf_ingest)
    run.step("cif_build")
    line = next(iter(builder(run.archive)[0][XMM].values()))
    [revolution] = set(re.findall(rf"(\d{{4}})_{run.obs_id}_SCX", line))
    shutil.rmtree(run.raw, ignore_errors=True)
    xmm_odf(run.raw, run.obs_id, FEW, revolution=int(revolution))
    run.step("odf_ingest")
    [summary] = run.folder.glob("*SUM.SAS")
    parse = importlib.import_module("daxa.process.xmm.setup").parse_odf_sum
    run.archive.observation_summaries = {XMM: {run.obs_id: parse(str(summary))}}
    for step in ("epchain", "emchain", "emanom", "espfilt", "cleaned_evt_lists"):
        run.step(step)
    run.archive.save()
    theirs = Reduced(world, standins, "commands", keep=True)
    session = theirs.converted("from_commands")
    try:
        kinds = {(step, key.unit, key.kind, key.band_kev) for step, key in made(session)}
        assert kinds >= {
            ("cif_build", "", ProductKind.CIF, None), ("odf_ingest", "", ProductKind.ODF_SUMMARY, None),
            ("epchain", "PNS003", ProductKind.CALIBRATED_EVENTS, None), ("epchain", "PNS003", ProductKind.OOT_EVENTS, None),
            ("emanom", "M1S001", ProductKind.ANOMALY_LOG, None), ("espfilt", "M1S001", ProductKind.GTI, None),
            ("espfilt", "PNS003", ProductKind.HISTOGRAM, None), ("espfilt", "PNS003", ProductKind.ALL_GOOD_OOT_EVENTS, None),
            ("cleaned_evt_lists", "PNS003", ProductKind.CLEAN_OOT_EVENTS, None),
        }  # fmt: skip
        assert {product.key.kind for product in session.products()} >= {ProductKind.ATTITUDE}
        assert not [product for product in session.products() if product.key.kind in (ProductKind.EVENTS, ProductKind.OTHER)]
        plan = session.plan_reduction(ReductionOrder(steps=("cleaned_evt_lists",)))
        assert {step.step: step.why for step in plan.steps}["cif_build"] == {"it was taken over from DAXA": 1}
        session.write_daxa_files()
    finally:
        session.close()
    assert world.daxa_archive("from_commands").process_success == run.archive.process_success
    # the raw data are registered, also when the database is made anew
    layout = OutputLayout(world.output).archive("from_commands")
    raw = _raw_files(layout)
    assert raw == {path.name for path in run.raw.iterdir() if not path.name.endswith("SUM.SAS")} and len(raw) > 5
    report = verify(layout)
    assert report.is_whole and {one.severity for one in report.findings} <= {"information"}, report.findings
    layout.database.unlink()
    assert verify(layout, repair=True).rebuilt and _raw_files(layout) == raw


def _raw_files(layout: ArchiveLayout) -> set[str]:
    store = ArchiveStore.open(layout)
    try:
        return {Path(file.path).name for file in store.files(XMM)}
    finally:
        store.close()


@pytest.mark.timeout(500)
def test_that_daxa_finds_its_files_where_the_disk_knows_no_links_and_raw_data_are_closed(
    world: World, standins: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    obs_id = world.obs_ids(XMM)[0]
    raw_xmm(world, obs_id, FEW[:1])
    ours = Reduced(world, standins, "no_links")
    assert ours.make({(XMM, obs_id): ROW}, [ReductionOrder(steps=("cleaned_evt_lists",))]) == []
    folder, raw = ours.processed(XMM, obs_id), world.output / f"{XMM}_raw" / obs_id
    second = sorted(path.name for path in (folder / "daxa").iterdir())
    assert second == ["M1S001-all_good_events.FIT", "M1S001-clean_events.FIT"]
    for path in (folder / "ccf.cif", *(folder / "daxa").iterdir(), *folder.glob("*SUM.SAS"), *raw.glob("*SUM.SAS")):
        path.unlink()
    real = os.link

    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    copy = shutil.copyfile

    def closed(source: Path, target: Path) -> Path:
        if Path(target).is_relative_to(raw):
            raise PermissionError(13, "Permission denied", str(target))
        return Path(copy(source, target))

    store = ArchiveStore.open(OutputLayout(world.output).archive(ours.name))
    try:
        monkeypatch.setattr(os, "link", refuse)
        monkeypatch.setattr(shutil, "copyfile", closed)
        written = daxa_archives.write_with_notes(store)
        monkeypatch.setattr(os, "link", real)
        monkeypatch.setattr(shutil, "copyfile", copy)
        assert any("SUM.SAS" in note and "Permission denied" in note for note in written.notes)
        cif = next(product for product in store.products() if product.key.kind is ProductKind.CIF)
        assert (folder / "ccf.cif").read_bytes() == Path(cif.path).read_bytes() and (folder / "ccf.cif").stat().st_nlink == 1
        assert not list(raw.glob("*SUM.SAS*")) and sorted(path.name for path in (folder / "daxa").iterdir()) == second
        extra = ours.info()["process_extra_info"][XMM]["cleaned_evt_lists"][f"{obs_id}M1S001"]
        assert extra["evt_clean_path"] == str(folder / "daxa" / "M1S001-clean_events.FIT")
        # links of strangers in the way of a second name are not followed
        secret = world.output / "secret.cif"
        secret.write_text("not yours")
        (folder / "ccf.cif").unlink()
        (folder / "ccf.cif").symlink_to(secret)
        with pytest.raises(FileError, match="a link stands in its way"):
            daxa_archives.write(store)
        assert secret.read_text() == "not yours"
        # what an exposures job of a stranger says is looked at before it is used
        (folder / "ccf.cif").unlink()
        with store.database.writing() as connection:
            facts = json.dumps({"units": [7, {"instrument": 3}, {"instrument": "M1", "exposure": "S001", "type": "SCIENCE"}]})
            connection.execute("UPDATE jobs SET facts = ? WHERE step = 'exposures'", (facts,))
        daxa_archives.write(store)
        summary = ours.info()["obs_summaries"][XMM][obs_id]
        assert summary["M1"]["exposures"]["S001"]["type"] == "SCIENCE" and summary["PN"] == {"active": False}
    finally:
        store.close()
