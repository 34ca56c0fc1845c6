"""Recipes of SAS's steps: arguments, given files and products; what is decided when the job runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import DaxaError, FileError, InputError, ReductionError
from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Level
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.recipe import Recipe, WorkUnit
from daxa_gui.reduction.xmm_anomalies import read_states
from tests.xmm_summaries import ORDINARY, summary_text

OBS = "0123456789"
CHAIN = ("cif_build", "odf_ingest", "epchain", "emchain", "emanom", "espfilt", "cleaned_evt_lists", "merge_subexposures",
         "generate_images_expmaps", "rgs_events", "rgs_angles", "cleaned_rgs_event_lists")  # fmt: skip
TWO = [
    {"exposure": "S001", "start": "2010-01-01T01:00:00", "filter": "Thin1", "mode": "PrimeFullWindow"},
    {"exposure": "U002", "start": "2010-01-01T02:00:00", "filter": "Medium", "mode": "PrimeFullWindow"},
]


def unit(name: str = "", version: str = "21.0.0", **facts: Any) -> WorkUnit:
    facts = {"obs_start": "2010-01-01", "ccds": [1, 2, 10], **facts}
    return WorkUnit("xmm_pointed", OBS, name[:2], name[2:] or "ALL", "/raw/x", f"/archive/{OBS}", facts, {"sas": version})


def recipe(
    step: str, name: str = "", version: str = "21.0.0", facts: Mapping[str, Any] | None = None, **parameters: Any
) -> Recipe:
    built = resolve(STEPS[step].build)(unit(name, version, **(facts or {})), checked(STEPS[step], parameters))
    assert isinstance(built, Recipe)
    return built


def values(built: Recipe, number: int = 0) -> dict[str, str]:
    return dict(one.split("=", 1) for one in built.runs[number].argv[1:])


class Ctx:
    """What `prepare` and `finish` use of the world."""

    def __init__(self, folder: Path) -> None:
        self.work_folder = str(folder)
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def prepare(built: Recipe, ctx: Ctx, of: WorkUnit, step: str, **parameters: Any) -> Recipe:
    return resolve(built.prepare)(ctx, of, checked(STEPS[step], parameters), built)


def events(path: Path, rows: int = 3) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=np.arange(rows, dtype=float))], name="EVENTS")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)


# ---- declarations ----


def test_that_the_steps_are_declared_whole() -> None:
    for name in CHAIN:
        step = STEPS[name]
        assert (
            step.software == "sas"
            and step.missions == ("xmm_pointed",)
            and step.daxa == name
            and step.makes
            and step.minimum_version
        )
        assert all(needed in STEPS for needed in (*step.needs, *(one for one, _ in step.needs_if)))
        for parameter in step.parameters:
            assert parameter.label and parameter.help.endswith(".") and (parameter.daxa or parameter.name == "widen_limits")
    assert STEPS["emanom"].minimum_version == "19.0.0"
    assert STEPS["merge_subexposures"].is_final and STEPS["merge_subexposures"].one_is_enough
    assert [name for name in CHAIN if STEPS[name].level is Level.OBSERVATION] == ["cif_build", "odf_ingest"]
    assert [name for name in CHAIN if STEPS[name].level is Level.INSTRUMENT] == ["merge_subexposures", "generate_images_expmaps"]
    assert STEPS["cleaned_evt_lists"].needs_if == (("emanom", "filt_mos_anom_state"),)


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("espfilt", {"method": "other"}), ("espfilt", {"smooth_s": 61}), ("espfilt", {"smooth_s": 0}), ("espfilt", {"bin_s": 0}),
        ("espfilt", {"band_ev": [0, 100]}), ("espfilt", {"band_ev": [500, 32768]}), ("espfilt", {"band_ev": [900, 800]}),
        ("espfilt", {"gauss_fit_lims": [0.1, 10.5]}), ("espfilt", {"gauss_fit_lims": [3, 3]}), ("espfilt", {"ratio": "1"}),
        ("cleaned_evt_lists", {"energies_kev": [2, 1]}), ("cleaned_evt_lists", {"acc_mos_anom_states": ["X"]}),
        ("cleaned_evt_lists", {"pn_filt_expr": ["(PI > 3)\n&& rm"]}), ("generate_images_expmaps", {"bands_kev": [[2, 2]]}),
        ("generate_images_expmaps", {"bands_kev": []}),
    ],
)  # fmt: skip
def test_that_parameters_outside_their_limits_are_refused(step: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        checked(STEPS[step], wrong)


@pytest.mark.parametrize("name", CHAIN)
def test_that_no_recipe_names_a_path_outside_its_observation_or_uses_a_shell(name: str) -> None:
    step = STEPS[name]
    of = {Level.OBSERVATION: "", Level.INSTRUMENT: "M1", Level.EXPOSURE: f"{(step.instruments or ('M1',))[0]}S001"}[step.level]
    built = recipe(name, of, facts={"exposures": TWO})
    assert built.runs and built.made and built.software == "sas" and built.finish
    for run in built.runs:
        assert run.title and not any(mark in argument for argument in run.argv for mark in (";", "|", "`", "$(", "\n"))
        assert run.environment.get("SAS_CCF", f"/archive/{OBS}/").startswith(f"/archive/{OBS}/")
    assert all(given.path.startswith(f"/archive/{OBS}/") and "/" not in given.name for given in built.given)
    assert all("/" not in made.pattern for made in built.made)
    assert {made.key.kind for made in built.made} <= set(step.makes)


@pytest.mark.parametrize("obs_id", ["123", "012345678;", "0123456789\n", "../0123456", "０１２３４５６７８９"])
def test_that_a_strange_obs_id_makes_no_recipe(obs_id: str) -> None:
    for name in CHAIN:
        with pytest.raises(DaxaError):
            resolve(STEPS[name].build)(replace(unit("M1S001"), obs_id=obs_id), checked(STEPS[name], {}))


@pytest.mark.parametrize("exposure", ["S1", "S001 x", "-S001", "X001/..", "s001"])
def test_that_a_strange_exposure_makes_no_recipe(exposure: str) -> None:
    with pytest.raises(ReductionError, match="no exposure"):
        resolve(STEPS["emchain"].build)(replace(unit("M1S001"), exposure=exposure), checked(STEPS["emchain"], {}))
    bad = [{**TWO[0], "exposure": exposure}]
    for name in ("merge_subexposures", "generate_images_expmaps"):
        with pytest.raises(ReductionError, match="no exposure"):
            recipe(name, "M1", facts={"exposures": bad})


# ---- calibration and summary ----


def test_that_cifbuild_needs_the_day_of_the_observation_and_a_proper_day_of_analysis() -> None:
    assert values(recipe("cif_build", analysis_date="2020-02-29"))["analysisdate"] == "2020-02-29"
    with pytest.raises(InputError, match="YYYY-MM-DD"):
        recipe("cif_build", analysis_date="yesterday")
    with pytest.raises(ReductionError, match="when"):
        recipe("cif_build", facts={"obs_start": ""})


def test_that_the_summary_is_written_to_the_work_folder_and_raw_data_stay_as_they_are() -> None:
    built = recipe("odf_ingest")
    assert values(built) == {"odfdir": "/raw/x", "outdir": "{work}", "withodfdir": "yes"}
    assert built.made[0].key.kind is K.ODF_SUMMARY


@pytest.mark.parametrize(
    "step", ["epchain", "emchain", "emanom", "espfilt", "rgs_events", "rgs_angles", "cleaned_rgs_event_lists"]
)
def test_that_the_summary_names_the_present_folder_of_raw_data(step: str, tmp_path: Path) -> None:
    """SAS_ODF is a copy of the summary whose PATH record is right, whatever the archive was through."""
    name = f"{STEPS[step].instruments[0]}S001"
    built = recipe(step, name)
    copy = next(given for given in built.given if given.path.endswith("odfsummary.SAS"))
    assert copy.copy and copy.name.endswith("SUM.SAS")
    assert all(run.environment["SAS_ODF"] == f"{{work}}/{copy.name}" for run in built.runs)
    text = summary_text(ORDINARY, path="/moved/away")
    (tmp_path / copy.name).write_text(text)
    ctx = Ctx(tmp_path)
    assert prepare(built, ctx, unit(name), step) == built
    assert (tmp_path / copy.name).read_text() == text.replace("PATH /moved/away", "PATH /raw/x") and len(ctx.lines) == 1
    assert prepare(built, ctx, unit(name), step) == built and len(ctx.lines) == 1
    (tmp_path / copy.name).write_text("nothing")
    with pytest.raises(FileError, match="PATH"):
        prepare(built, ctx, unit(name), step)


# ---- event lists ----


def test_that_the_ccds_of_pn_are_named_in_order_and_none_is_a_failure_before_the_run() -> None:
    built = recipe("epchain", "PNU014", facts={"ccds": [12, 2, 1]})
    assert {values(built, n)["ccds"] for n in (0, 1)} == {"1,2,12"}
    assert values(built)["exposure"] == "014" and values(built)["schedule"] == "U"
    assert [made.pattern for made in built.made] == [
        f"P{OBS}PNU014PIEVLI0000.FIT", f"P{OBS}PNU014OOEVLI0000.FIT", f"P{OBS}OBX000ATTTSR0000.FIT"
    ]  # fmt: skip
    with pytest.raises(ReductionError, match="no CCD"):
        recipe("epchain", "PNS003", facts={"ccds": []})


@pytest.mark.parametrize("step", ["epchain", "emchain", "rgs_events"])
def test_that_an_unscheduled_exposure_may_be_left_out_with_a_reason(step: str) -> None:
    instrument = STEPS[step].instruments[0]
    built = recipe(step, f"{instrument}U002", process_unscheduled=False)
    assert not built.runs and not built.made
    outcome = resolve(built.finish)(None, unit(f"{instrument}U002"), {}, {})
    assert "not scheduled" in outcome.stop
    assert recipe(step, f"{instrument}S002", process_unscheduled=False).runs


def test_that_emanom_reads_a_copy_because_it_writes_into_it_and_needs_sas_19() -> None:
    assert next(given for given in recipe("emanom", "M1S001").given if given.name == "events.fits").copy
    with pytest.raises(ReductionError, match="SAS 19"):
        recipe("emanom", "M1S001", "18.0.0")


# ---- flares ----


def test_that_the_ratio_gets_the_band_that_is_right_for_it() -> None:
    assert (values(recipe("espfilt", "M1S001"))["elow"], values(recipe("espfilt", "M1S001"))["ehigh"]) == ("2500", "8500")
    by_ratio = recipe("espfilt", "M1S001", method="ratio")
    assert (values(by_ratio)["elow"], values(by_ratio)["ehigh"]) == ("8000", "12000")
    assert next(made for made in by_ratio.made if made.key.kind is K.HISTOGRAM).optional
    assert not next(made for made in recipe("espfilt", "M1S001").made if made.key.kind is K.HISTOGRAM).optional
    with pytest.raises(InputError, match="whole eV"):
        recipe("espfilt", "M1S001", band_ev=[500.2, 500.9])


@pytest.mark.parametrize(
    ("version", "list_name", "long_names", "pattern"),
    [
        ("21.0.0", "eventfile", None, "mos1S001-gti.fits"), ("22.1.0-a8f2c2afa-20250304", "eventfile", None, "mos1S001-gti.fits"),
        ("", "eventfile", None, "mos1S001-gti.fits"), ("20.0.0", "eventfile", "yes", "mos1S001-gti-8000-12000.fits"),
        ("xmmsas_20211130_0941-20.0.1", "eventfile", "yes", "mos1S001-gti-8000-12000.fits"),
        ("19.1.0", "eventset", None, "mos1S001-gti-*.fits"),
    ],
)  # fmt: skip
def test_that_espfilt_is_called_as_its_version_wants(version: str, list_name: str, long_names: str | None, pattern: str) -> None:
    built = recipe("espfilt", "M1S001", version, method="ratio")
    assert list_name in values(built) and values(built).get("withlongnames") == long_names
    assert built.made[0].pattern == pattern
    if version.startswith("19"):
        assert set(values(built)) == {"eventset", "method", "withsmoothing", "smooth", "withbinning", "binsize", "ratio"}


def test_that_an_old_espfilt_is_not_asked_for_what_it_cannot_do() -> None:
    with pytest.raises(ReductionError, match="histogram"):
        recipe("espfilt", "M1S001", "19.1.0")
    with pytest.raises(ReductionError, match="band"):
        recipe("espfilt", "M1S001", "19.1.0", method="ratio", band_ev=[8000, 12000])


def test_that_a_bright_field_gets_a_second_try_once_and_only_if_wanted() -> None:
    built = recipe("espfilt", "PNS003", gauss_fit_lims=[0.2, 6.5])
    lines = ["** espfilt: error (noCounts), All histo counts are zero! Check your FOV Lightcurve!"]
    parameters = checked(STEPS["espfilt"], {"gauss_fit_lims": [0.2, 6.5]})
    again = resolve(built.retry)(unit("PNS003"), parameters, built, lines)
    assert again is not None
    second, sentence = again
    assert {**values(second), "limits": ""} == {**values(built), "limits": ""}
    assert values(second)["limits"] == "0.2 10.0" and second.retry == "" and "20 ct/s" in sentence and "13 ct/s" in sentence
    assert (second.made, second.given, second.finish, second.prepare) == (built.made, built.given, built.finish, built.prepare)
    assert resolve(built.retry)(unit("PNS003"), parameters, built, ["** espfilt: error (FITSIO), no such file"]) is None
    widest = checked(STEPS["espfilt"], {"gauss_fit_lims": [0.1, 10.0]})
    assert resolve(built.retry)(unit("PNS003"), widest, built, lines) is None
    assert recipe("espfilt", "PNS003", widen_limits=False).retry == "" == recipe("espfilt", "PNS003", method="ratio").retry


# ---- cleaned lists ----


def test_that_terms_energies_and_good_time_stand_in_the_expression_in_order() -> None:
    built = recipe("cleaned_evt_lists", "PNS003", energies_kev=[0.3, 7.25], pn_filt_expr=["#XMMEA_EP", " (PATTERN == 0) "])
    assert values(built)["expression"] == "#XMMEA_EP && (PATTERN == 0) && (PI in [300:7250]) && GTI(gti.fits, TIME)"
    assert values(built, 1)["expression"] == values(built)["expression"] and values(built, 1)["table"] == "oot_events.fits"
    with pytest.raises(InputError, match="empty"):
        recipe("cleaned_evt_lists", "PNS003", pn_filt_expr=["(PATTERN <= 4)", "  "])


def anomaly_log(states: str) -> str:
    line = "CCD: {} Hard:     10 Soft:     5 HR:    2.000 +-    0.300 Status: {}\n"
    return "emanom\n" + "".join(line.format(ccd, state) for ccd, state in enumerate(states, 2))


def test_that_anomalous_ccds_are_left_out_when_the_log_is_there(tmp_path: Path) -> None:
    built = recipe("cleaned_evt_lists", "M1S001", filt_mos_anom_state=True)
    assert "CCDNR" not in values(built)["expression"] and "emanom" in built.runs[0].title
    (tmp_path / "anomalies.log").write_text(anomaly_log("GIBOUG"))
    ctx = Ctx(tmp_path)
    ready = prepare(built, ctx, unit("M1S001"), "cleaned_evt_lists", filt_mos_anom_state=True)
    assert values(ready)["expression"].endswith("(FLAG .eq. 0) && (CCDNR in 2,3,6,7) && GTI(gti.fits, TIME)")
    good = prepare(built, ctx, unit("M1S001"), "cleaned_evt_lists", filt_mos_anom_state=True, acc_mos_anom_states=["G"])
    assert "(CCDNR in 2,7)" in values(good)["expression"] and "2, 7 of" in ctx.lines[1]


def test_that_no_acceptable_ccd_stops_without_a_run(tmp_path: Path) -> None:
    built = recipe("cleaned_evt_lists", "M2S001", filt_mos_anom_state=True)
    (tmp_path / "anomalies.log").write_text(anomaly_log("BB"))
    ctx = Ctx(tmp_path)
    ready = prepare(built, ctx, unit("M2S001"), "cleaned_evt_lists", filt_mos_anom_state=True)
    assert not ready.runs and not ready.made
    outcome = resolve(ready.finish)(ctx, unit("M2S001"), checked(STEPS["cleaned_evt_lists"], {}), {})
    assert "No CCD of M2S001" in outcome.stop and outcome.facts["ccd_states"] == {"2": "B", "3": "B"}


@pytest.mark.parametrize("step_name", ["cleaned_evt_lists"])
def test_that_pn_knows_no_anomalous_ccds(step_name: str) -> None:
    assert recipe(step_name, "PNS003", filt_mos_anom_state=True).prepare == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "nothing", "CCD: 2 Hard: 1 Status:", "CCD: 2 Hard: 1 Status: X", "CCD: 2 Hard Sta", "CCD: 9 Hard: Status: G",
        "\0\0CCD: ", "CCD: 2 Status: G\nCCD: 2 Status: B",
    ],
)  # fmt: skip
def test_that_a_strange_log_of_emanom_names_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mos1S001-anom.log"
    path.write_text(text)
    with pytest.raises(FileError, match=r"line \d"):
        read_states(path)


# ---- merging ----


def merge_inputs(folder: Path, built: Recipe, rows: Mapping[str, int]) -> None:
    for given in built.given:
        name = given.name.split("_")[0]
        if name in rows:
            events(folder / given.name, rows[name])


def test_that_lists_are_merged_in_pairs_and_in_order_of_time() -> None:
    three = [{**TWO[0], "start": "2010-01-01T09:00:00"}, TWO[1], {**TWO[0], "exposure": "U003", "start": ""}]
    built = recipe("merge_subexposures", "M1", facts={"exposures": three})
    calls = [(values(built, n)["set1"], values(built, n)["set2"], values(built, n)["outset"]) for n in range(4)]
    assert calls == [
        ("U002_events.fits", "S001_events.fits", "events_merged_1.fits"),
        ("events_merged_1.fits", "U003_events.fits", "final_events.fits"),
        ("U002_all_good_events.fits", "S001_all_good_events.fits", "all_good_events_merged_1.fits"),
        ("all_good_events_merged_1.fits", "U003_all_good_events.fits", "final_all_good_events.fits"),
    ]
    assert len(recipe("merge_subexposures", "PN", facts={"exposures": three}).runs) == 8


def test_that_one_list_is_copied_and_its_source_stays() -> None:
    built = recipe("merge_subexposures", "PN", facts={"exposures": TWO[:1]})
    assert not built.runs and all(given.copy for given in built.given)
    assert [given.name for given in built.given] == [made.pattern for made in built.made]
    assert [made.key.kind for made in built.made] == [
        K.FINAL_EVENTS, K.FINAL_OOT_EVENTS, K.FINAL_ALL_GOOD_EVENTS, K.FINAL_ALL_GOOD_OOT_EVENTS
    ]  # fmt: skip
    assert all(made.key.exposure == "ALL" and made.key.instrument == "PN" for made in built.made)


def test_that_exposures_without_events_are_not_merged(tmp_path: Path) -> None:
    three = [*TWO, {**TWO[0], "exposure": "U003", "start": "2010-01-01T03:00:00"}]
    of = unit("M1", exposures=three)
    built = recipe("merge_subexposures", "M1", facts={"exposures": three})
    merge_inputs(tmp_path, built, {"S001": 5, "U002": 0, "U003": 4})
    ctx = Ctx(tmp_path)
    ready = prepare(built, ctx, of, "merge_subexposures")
    assert [values(ready, n)["set2"] for n in range(len(ready.runs))] == ["U003_events.fits", "U003_all_good_events.fits"]
    assert "U002" in ctx.lines[0] and "WARNING" in ctx.lines[0]


def test_that_the_only_list_that_is_left_becomes_the_final_one(tmp_path: Path) -> None:
    of, built = unit("M1", exposures=TWO), recipe("merge_subexposures", "M1", facts={"exposures": TWO})
    merge_inputs(tmp_path, built, {"U002": 5})
    ready = prepare(built, Ctx(tmp_path), of, "merge_subexposures")
    assert not ready.runs
    assert (tmp_path / "final_events.fits").read_bytes() == (tmp_path / "U002_events.fits").read_bytes()
    assert (tmp_path / "final_all_good_events.fits").is_file()


def test_that_nothing_to_merge_is_a_failure_with_a_sentence(tmp_path: Path) -> None:
    of, built = unit("M1", exposures=TWO), recipe("merge_subexposures", "M1", facts={"exposures": TWO})
    with pytest.raises(ReductionError, match="No exposure"):
        prepare(built, Ctx(tmp_path), of, "merge_subexposures")
    with pytest.raises(ReductionError, match="No exposure"):
        recipe("merge_subexposures", "M1", facts={"exposures": []})


# ---- images ----


def test_that_images_and_exposure_maps_are_made_as_documented() -> None:
    built = recipe("generate_images_expmaps", "M1", facts={"exposures": TWO[:1]})
    assert built.runs[0].argv == (
        "evselect", "table=final_events.fits", "imageset=image_1.fits", "xcolumn=X", "ycolumn=Y", "ximagebinsize=87",
        "yimagebinsize=87", "squarepixels=yes", "ximagesize=512", "yimagesize=512", "imagebinning=binSize", "ximagemin=3649",
        "ximagemax=48106", "withxranges=yes", "yimagemin=3649", "yimagemax=48106", "withyranges=yes",
        "expression=(PI in [500:2000])",
    )  # fmt: skip
    assert built.runs[1].argv == (
        "eexpmap", "eventset=final_events.fits", "imageset=image_1.fits", "expimageset=expmap_1.fits", "withdetcoords=no",
        "withvignetting=yes", "attitudeset=attitude.fits", "pimin=500", "pimax=2000",
    )  # fmt: skip
    assert [(run.argv[0], values(built, n).get("pimax")) for n, run in enumerate(built.runs)] == [
        ("evselect", None), ("eexpmap", "2000"), ("evselect", None), ("eexpmap", "10000")
    ]  # fmt: skip
    assert {made.key.band_kev for made in built.made} == {(0.5, 2.0), (2.0, 10.0)}
    assert {run.environment["SAS_CCF"] for run in built.runs} == {f"/archive/{OBS}/misc/obsid{OBS}-instNone-subexpALL-ccf.cif"}
    assert built.given[1].path.endswith("-instM1-subexpS001-attitude.fits") and not built.prepare
    with pytest.raises(InputError, match="twice"):
        recipe("generate_images_expmaps", "M1", facts={"exposures": TWO}, bands_kev=[[1, 2], [1, 2]])


def test_that_the_first_attitude_that_is_there_serves(tmp_path: Path) -> None:
    of, built = unit("M1", exposures=TWO), recipe("generate_images_expmaps", "M1", facts={"exposures": TWO})
    with pytest.raises(FileError, match="attitude"):
        prepare(built, Ctx(tmp_path), of, "generate_images_expmaps")
    (tmp_path / "attitude_U002.fits").write_bytes(b"x")
    ready = prepare(built, Ctx(tmp_path), of, "generate_images_expmaps")
    assert {values(ready, n)["attitudeset"] for n in (1, 3)} == {"attitude_U002.fits"}
    assert [run.argv for run in ready.runs[::2]] == [run.argv for run in built.runs[::2]]


# ---- RGS ----


def test_that_the_stages_of_rgs_hand_on_what_the_next_needs() -> None:
    first, second, third = (recipe(step, "R1S004") for step in ("rgs_events", "rgs_angles", "cleaned_rgs_event_lists"))
    paths = {made.key.kind: unit("R1S004").product(made.key.kind) for made in (*first.made, *second.made)}
    given = {one.path: one for one in (*second.given, *third.given)}
    merged = f"P{OBS}R1S004merged0000.FIT"
    assert [one.name for one in second.given if one.path == paths[K.RGS_MERGED]] == [merged]
    assert given[paths[K.RGS_MERGED]].copy  # rgsangles writes into it
    assert [one.name for one in third.given if one.path == paths[K.RGS_ANGLES]] == [merged]
    assert given[paths[K.RGS_FILES]].unpack and sum(one.unpack for one in third.given) == 1
    packed = next(made for made in first.made if made.packed)
    import fnmatch

    left = [merged, f"P{OBS}R1S004SRCLI_0000.FIT", f"P{OBS}R1S004hkgti_0000.FIT", f"P{OBS}R1S004attgti0000.FIT",
            f"P{OBS}OBX000ATTTSR0000.FIT"]  # fmt: skip
    assert [name for name in left if fnmatch.fnmatchcase(name, packed.pattern)] == left[1:]
    assert third.made[0].key.kind is K.FINAL_EVENTS and third.made[0].pattern == f"P{OBS}R1S004EVENLI0000.FIT"
