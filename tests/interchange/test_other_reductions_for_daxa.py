"""eROSITA, Chandra and NuSTAR reduced here with the stand-ins, opened and gone on with by the real DAXA, and taken over again."""

from __future__ import annotations

import importlib
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from astropy.units import Quantity

from daxa_gui.core.product import ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.exchange.daxa_archive import use_of
from daxa_gui.exchange.daxa_summaries import summary_of_units
from daxa_gui.fits.files import open_fits
from daxa_gui.reduction.other_units import chandra_units
from tests.daxa_shim import real_daxa
from tests.fakes.reduction_files import chandra_index
from tests.interchange.daxa_archives import World
from tests.interchange.reduced_for_daxa import Reduced, go_on, lines_of, made, results, shell
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_others import chandra_raw, erosita_events, nustar_raw

__all__ = ["real_daxa", "standins", "standins_once"]  # the fixtures

EROSITA, CHANDRA, NUSTAR = "erosita_all_sky_de_dr1", "chandra", "nustar_pointed"
START = {"start_mjd": 55524.13}


@pytest.fixture
def worlds(real_daxa: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], World]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield lambda mission: World(real_daxa, monkeypatch, (mission,))


def raw_folder(world: World, mission: str, obs_id: str) -> Path:
    folder = world.output / f"{mission}_raw" / obs_id
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def comes_back(ours: Reduced, name: str) -> None:
    """Taken over from DAXA's files: the same results of the same steps, and the same files for DAXA again."""
    session = ours.session()
    before = results(session), made(session)
    session.close()
    saved = ours.info()
    session = ours.converted(name)
    try:
        assert results(session) == before[0] and made(session) == before[1]
        session.write_daxa_files()
    finally:
        session.close()
    again = ours.info(name)
    for key in ("process_success", "obs_summaries", "use_this_obs", "process_run_config", "final_process_success"):
        assert again[key] == saved[key], key


def judged(archive: Any, mission: str, obs_id: str) -> None:
    """What may be used is what DAXA's own function says of the summary."""
    summary = archive.observation_summaries[mission][obs_id]
    assert summary and archive.process_observation[mission][obs_id] == archive[mission].assess_process_obs(summary)


@pytest.mark.timeout(500)
def test_that_daxa_cleans_erosita_lists_with_the_good_time_of_here(
    worlds: Any, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds(EROSITA)
    obs_id = world.obs_ids(EROSITA)[0]
    raw = raw_folder(world, EROSITA, obs_id)
    listed = erosita_events(raw / "EXP_010", name=f"em01_{obs_id}_020_EventList_c010.fits")
    ours = Reduced(world, standins, "erosita_here")
    assert ours.make({(EROSITA, obs_id): START}, [ReductionOrder(steps=("flaregti",))]) == []
    shell(standins, ("esass",), tmp_path / "home", monkeypatch)
    archive = ours.opened()
    assert archive.process_success[EROSITA]["flaregti"] == {obs_id: True}
    judged(archive, EROSITA, obs_id)
    parsed = _prepared(archive, listed)
    assert archive.observation_summaries[EROSITA][obs_id] == parsed
    extra = archive.process_extra_info[EROSITA]["flaregti"][obs_id]
    assert all(Path(extra[key]).is_file() for key in ("lc_path", "threshold_path", "maskimg_path"))
    config = archive.process_configurations[EROSITA][0]["flaregti"]
    assert config["timebin"] == Quantity(20, "s") and config["threshold"].unit == "ct / (deg2 s)"
    before = listed.read_bytes()
    monkeypatch.setattr(importlib.import_module("daxa.process.erosita.assemble"), "_esass_process_setup", lambda *_: False)
    lines = go_on(archive, EROSITA, "daxa.process.erosita.assemble", "cleaned_evt_lists")
    assert set(lines) == {obs_id} and "calibratedevents" in lines[obs_id] and listed.read_bytes() == before
    archive.save()
    session = ours.converted("erosita_taken")
    try:
        modules = "_".join(f"TM{number}" for number in range(1, 8))
        assert results(session)["cleaned_erosita_evts", obs_id, modules] == "succeeded"
        [final] = [key for step, key in made(session) if step == "cleaned_erosita_evts"]
        assert (final.kind, final.unit, final.band_kev) == (ProductKind.FINAL_EVENTS, modules, (0.2, 10.0))
    finally:
        session.close()


def _prepared(archive: Any, listed: Path) -> dict[str, Any]:
    """What DAXA reads of the list by itself."""
    from astropy.io import fits

    with fits.open(listed) as hdus:
        wheel, modules = hdus[0].header["FILTER"], sorted(set(hdus[1].data["TM_NR"].tolist()))
    return {f"TM{number}": {"active": True, "filter": wheel} for number in modules}


@pytest.mark.timeout(500)
def test_that_a_whole_erosita_reduction_comes_back_the_same(worlds: Any, standins: Installed) -> None:
    world = worlds(EROSITA)
    obs_id = world.obs_ids(EROSITA)[0]
    erosita_events(raw_folder(world, EROSITA, obs_id) / "EXP_010", name=f"em01_{obs_id}_020_EventList_c010.fits")
    ours = Reduced(world, standins, "erosita_whole")
    assert ours.make({(EROSITA, obs_id): START}, [ReductionOrder(pipeline="full_erosita")]) == []
    archive = ours.opened()
    assert archive.process_success[EROSITA]["cleaned_evt_lists"] == {obs_id: True}
    extra = archive.process_extra_info[EROSITA]["cleaned_evt_lists"][obs_id]
    assert Path(extra["final_evt"]).name.endswith("finalevents.fits") and (extra["flag"], extra["pattern"]) == (0xC0000000, 15)
    assert archive.final_process_success[EROSITA] == {obs_id: True}
    comes_back(ours, "erosita_back")


@pytest.mark.timeout(500)
@pytest.mark.parametrize("last", ["chandra_repro", "cleaned_chandra_evts"])
def test_that_daxa_goes_on_with_chandra(
    last: str, worlds: Any, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds(CHANDRA)
    obs_id = world.obs_ids(CHANDRA)[0]
    raw = chandra_raw(raw_folder(world, CHANDRA, obs_id), obs_id)
    ours = Reduced(world, standins, f"chandra_{last}")
    row = {**START, "instruments": "ACIS"}
    assert ours.make({(CHANDRA, obs_id): row}, [ReductionOrder(steps=(last,))]) == []
    shell(standins, ("ciao",), tmp_path / "home", monkeypatch)
    archive = ours.opened()
    judged(archive, CHANDRA, obs_id)
    parse = importlib.import_module("daxa.process.chandra.setup").parse_oif
    theirs = parse(str(raw / "oif.fits"))
    theirs = theirs[0] if isinstance(theirs, tuple) else theirs
    summary = archive.observation_summaries[CHANDRA][obs_id]
    assert set(summary) == {"ACIS"} and set(summary["ACIS"]) == set(theirs["ACIS"])
    assert {name: value for name, value in summary["ACIS"].items() if value != theirs["ACIS"][name]} == {}
    assert archive.process_success[CHANDRA]["prepare_chandra_info"] == {obs_id: True}
    unit = f"{obs_id}ACISE001"
    assert archive.process_success[CHANDRA][last] == {unit: True}
    repro = archive.process_extra_info[CHANDRA]["chandra_repro"][unit]
    keys = ("evt_list", "default_gti", "badpix", "fov_reg", "msk_file", "asol_file")
    assert all(Path(repro[key]).is_file() for key in keys)
    steps = {"chandra_repro": ("clean:deflare", "assemble:cleaned_chandra_evts"), "cleaned_chandra_evts": ()}[last]
    for step in (*steps, "generate:flux_image", "generate:rate_image"):
        module, name = step.split(":")
        found = go_on(archive, CHANDRA, f"daxa.process.chandra.{module}", name)
        assert list(found) == [unit]
    archive.save()
    if last == "chandra_repro":
        session = ours.converted("chandra_taken")
        try:
            steps_here = {step: state for (step, _, name), state in results(session).items() if name == "ACISE001"}
            assert {"chandra_repro", "deflare", "cleaned_chandra_evts", "flux_image", "rate_image"} == set(steps_here)
            kinds = {(step, key.kind) for step, key in made(session)}
            assert {("deflare", ProductKind.GTI), ("cleaned_chandra_evts", ProductKind.CLEAN_EVENTS),
                    ("flux_image", ProductKind.FLUX_MAP), ("rate_image", ProductKind.RATE_MAP)} <= kinds  # fmt: skip
        finally:
            session.close()


@pytest.mark.timeout(500)
def test_that_a_whole_chandra_reduction_comes_back_the_same(worlds: Any, standins: Installed) -> None:
    world = worlds(CHANDRA)
    obs_id = world.obs_ids(CHANDRA)[0]
    chandra_raw(raw_folder(world, CHANDRA, obs_id), obs_id)
    ours = Reduced(world, standins, "chandra_whole")
    assert ours.make({(CHANDRA, obs_id): {**START, "instruments": "ACIS"}}, [ReductionOrder(pipeline="full_chandra")]) == []
    extra = ours.info()["process_extra_info"][CHANDRA]["flux_image"][f"{obs_id}ACISE001"]
    assert len(extra["image"]) == len(extra["fluxmap"]) == len(extra["weighted_expmap"]) == len(extra["psf"]) == 5
    comes_back(ours, "chandra_back")


@pytest.mark.timeout(500)
def test_that_nustar_is_known_to_daxa_and_comes_back_the_same(
    worlds: Any, standins: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds(NUSTAR)
    obs_id = world.obs_ids(NUSTAR)[0]
    nustar_raw(raw_folder(world, NUSTAR, obs_id), obs_id)
    ours = Reduced(world, standins, "nustar_here")
    row = {**START, "instruments": "FPMA FPMB"}
    assert ours.make({(NUSTAR, obs_id): row}, [ReductionOrder(pipeline="full_nustar")]) == []
    archive = ours.opened()
    judged(archive, NUSTAR, obs_id)
    assert archive.observation_summaries[NUSTAR][obs_id] == {"FPMA": {"active": True}, "FPMB": {"active": True}}
    success = archive.process_success[NUSTAR]
    units = {f"{obs_id}FPMA": True, f"{obs_id}FPMB": True}
    assert success["nupipeline_calibrate"] == units == success["cleaned_nustar_evts"]
    assert success["prepare_nustar_info"] == {obs_id: True}
    extra = archive.process_extra_info[NUSTAR]["nupipeline_calibrate"][f"{obs_id}FPMA"]
    keys = ("evt_list", "hot_pix", "bad_pix", "ref_pix", "attitude", "mast")
    assert all(Path(extra[key]).is_file() for key in keys)
    # DAXA sees that there is nothing left to do for its own step
    monkeypatch.setattr(
        importlib.import_module("daxa.process.nustar.assemble"), "_nustardas_process_setup",
        lambda *_, **__: ("2.1.4", "20240101", [archive[NUSTAR]]),
    )  # fmt: skip
    with pytest.raises(StopIteration):
        lines_of(archive, NUSTAR, "daxa.process.nustar.assemble", "nupipeline_calibrate")
    comes_back(ours, "nustar_back")


ONE = [
    ("EVT1", "secondary/acisf04321_000N003_evt1.fits"), ("EVT2", "primary/acisf04321N003_evt2.fits"),
    ("ASPSOL", "primary/pcadf04321_000N001_asol1.fits"), ("STAT", "secondary/acisf04321_000N003_stat1.fits"),
]  # fmt: skip
INDICES = {
    "one exposure": (ONE, {}),
    "a grating": (ONE, {"GRATING": "HETG"}),
    "no level 2 events": ([ONE[0], *ONE[2:]], {}),
    "no aspect solution": (ONE[:2], {}),
    "interleaved": ([*ONE[1:], *(("EVT1", f"secondary/acisf01612_000N003_e{n}_evt1.fits") for n in (1, 2))], {}),
    "several parts": ([*ONE[1:], *(("EVT1", f"secondary/acisf00108_{n:03d}N003_evt1.fits") for n in (2, 1))], {}),
}


@pytest.mark.parametrize("what", INDICES)
def test_that_summaries_of_chandra_are_those_that_daxa_makes(worlds: Any, tmp_path: Path, what: str) -> None:
    rows, cards = INDICES[what]
    header = {"SEQ_NUM": "800123", "OBS_MODE": "POINTING", "RA_NOM": 10.5, "DEC_NOM": -3.25, "ROLL_NOM": 77.0,
              "SIM_X": -0.68, "SIM_Y": 0.0, "SIM_Z": -190.1, **cards}  # fmt: skip
    path = chandra_index(tmp_path / "oif.fits", rows, **header)
    theirs = importlib.import_module("daxa.process.chandra.setup").parse_oif(str(path))
    ours = summary_of_units(CHANDRA, chandra_units(path, ()), (), open_fits(path).hdus[1].header)
    assert ours == theirs
    daxa = worlds(CHANDRA).both[CHANDRA].daxa()
    assert use_of(CHANDRA, ours) == daxa.assess_process_obs(theirs)
