"""Commands of the XMM-Newton steps beside those of the real DAXA: programs, parameters, values, for default and other arguments.

DAXA's functions are called up to the command lines that they build (without the decorator that runs them); nothing of their
builders is replaced. Where a value differs on purpose, DIFFERENCES tells which weakness of DAXA it mends (numbers as in the fact
sheet of processing, section 6).
"""

from __future__ import annotations

import importlib
import inspect
import shlex
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from astropy.units import Quantity

from daxa_gui.reduction import STEPS
from daxa_gui.reduction.xmm_anomalies import accepted_ccds, read_states
from daxa_gui.reduction.xmm_summary import parse_summary, read_units
from tests.daxa_shim import real_daxa
from tests.interchange.daxa_archives import World
from tests.interchange.xmm_commands import EXPOSURES, MISSION, Call, Daxa, Ours
from tests.xmm_summaries import ORDINARY, REAL, Made, summary_text

__all__ = ["real_daxa"]  # the fixture

# (program, parameter or variable) → (number of the weakness, what is different)
DIFFERENCES = {
    ("odfingest", "outdir"): (7, "the summary is not written into raw data that archives share"),
    ("epchain", "odf"): (7, "so it is named itself, as SAS_ODF is by the user's guide"),
    ("emchain", "odf"): (7, "the same"),
    ("epchain", "SAS_ODF"): (7, "the same"), ("emchain", "SAS_ODF"): (7, "the same"), ("rgsproc", "SAS_ODF"): (7, "the same"),
    ("emanom", "SAS_ODF"): (7, "the same"), ("espfilt", "SAS_ODF"): (7, "the same; its documentation asks for it"),
    ("merge", "SAS_CCF"): (34, "every task of SAS gets the environment that it may ask for"),
}  # fmt: skip


# (program, parameter) → why we give it and DAXA does not
ADDED = {
    ("evselect", "writedss"): "the list's good time; without it SAS warns that its exposure is likely to be wrong (ExpNoDss)",
}


@pytest.fixture
def world(real_daxa: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield World(real_daxa, monkeypatch, (MISSION,))


def daxa_with(world: World, monkeypatch: pytest.MonkeyPatch, version: str = "21.0.0") -> tuple[Daxa, Ours]:
    """DAXA believes that this SAS, and lcurve, are here; nothing else of it is changed."""
    from packaging.version import Version

    monkeypatch.setattr(importlib.import_module("daxa.process.xmm._common"), "find_sas", lambda: Version(version))
    monkeypatch.setattr(importlib.import_module("daxa.process.xmm.assemble"), "find_lcurve", lambda: Version("6.33"))
    daxa = Daxa(world, version)
    return daxa, Ours(daxa)


@pytest.fixture
def both(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[Daxa, Ours]:
    return daxa_with(world, monkeypatch)


def without_differences(call: Call) -> Call:
    left_out = DIFFERENCES.keys() | ADDED.keys()
    keep = lambda pairs: tuple((name, value) for name, value in pairs if (call.program, name) not in left_out)  # noqa: E731
    return Call(call.program, keep(call.values), keep(call.variables))


def agree(theirs: list[Call], ours: list[Call], *, any_order: bool = False) -> None:
    """Same programs in the same order with the same parameters and values, but for DIFFERENCES; names of parameters always."""
    assert theirs and len(theirs) == len(ours)
    if any_order:
        theirs, ours = sorted(theirs, key=repr), sorted(ours, key=repr)
    for one, other in zip(theirs, ours, strict=True):
        named = [name for name, _ in other.values if (other.program, name) not in ADDED]
        assert [name for name, _ in one.values] == named
        assert without_differences(one) == without_differences(other)


def run_until(daxa: Daxa, last: str) -> None:
    """The steps before `last`, with their defaults."""
    for step in ("cif_build", "odf_ingest", "epchain", "emchain", "emanom", "espfilt", "cleaned_evt_lists"):
        if step == last:
            return
        if step != "emanom" or daxa.version >= "19":  # there is none in older ones
            daxa.commands(step)


def compare(both: tuple[Daxa, Ours], step: str, theirs: dict[str, Any], ours: dict[str, Any], units: list[str]) -> None:
    daxa, mine = both
    run_until(daxa, step)
    commands = daxa.commands(step, **theirs)
    assert sorted(commands) == sorted(units)
    for unit, calls in commands.items():
        agree(calls, mine.calls(step, unit, ours), any_order=step == "merge_subexposures")


# ---- the steps ----


@pytest.mark.parametrize(
    ("theirs", "ours"), [({}, {}), ({"analysis_date": datetime(2019, 3, 4)}, {"analysis_date": "2019-03-04"})]
)  # fmt: skip
def test_that_cifbuild_gets_the_same(both: tuple[Daxa, Ours], theirs: dict, ours: dict) -> None:
    compare(both, "cif_build", theirs, ours, [""])


def test_that_odfingest_gets_the_same_but_for_where_it_writes(both: tuple[Daxa, Ours]) -> None:
    compare(both, "odf_ingest", {}, {}, [""])
    _, mine = both
    values = dict(mine.calls("odf_ingest", "", {})[0].values)
    assert values == {"odfdir": "<raw data>", "outdir": "{work}", "withodfdir": "yes"}


@pytest.mark.parametrize("version", ["20.0.0", "21.0.0", "22.1.0"])
def test_that_epchain_gets_the_same_in_each_version(world: World, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    pair = daxa_with(world, monkeypatch, version)
    compare(pair, "epchain", {}, {}, ["PNS003", "PNU014"])
    fixes = [dict(call.values).get("runradmonfix") for call in pair[1].calls("epchain", "PNS003", {})]
    assert fixes == (["N", "N"] if version == "21.0.0" else [None, None])


def test_that_emchain_and_emanom_get_the_same(both: tuple[Daxa, Ours]) -> None:
    compare(both, "emchain", {}, {}, ["M1S001", "M1U002", "M2S002"])
    daxa, mine = both
    for unit, calls in daxa.commands("emanom").items():
        agree(calls, mine.calls("emanom", unit, {}))


@pytest.mark.parametrize("step", ["epchain", "emchain", "rgs_events"])
def test_that_unscheduled_exposures_are_left_out_alike(both: tuple[Daxa, Ours], step: str) -> None:
    daxa, mine = both
    run_until(daxa, "epchain")
    theirs = set(daxa.commands(step, process_unscheduled=False))
    ours = {
        name for name, one in mine.units.items()
        if one["instrument"] in STEPS[step].instruments and mine.recipe(step, name, {"process_unscheduled": False})[1].runs
    }  # fmt: skip
    assert theirs == ours and all(name[2] == "S" for name in ours)


ESPFILT = [
    ({}, {}),
    ({"with_smoothing": False, "with_binning": False}, {"with_smoothing": False, "with_binning": False}),
    ({"with_smoothing": Quantity(30, "s"), "with_binning": Quantity(2, "min")}, {"smooth_s": 30, "bin_s": 120}),
    ({"with_smoothing": Quantity(33.9, "s")}, {"smooth_s": 33}),
    ({"filter_lo_en": Quantity(2, "keV"), "filter_hi_en": Quantity(7.2, "keV")}, {"band_ev": [2000, 7200]}),
    (
        {"range_scale": {"mos": 7.5, "pn": 12.0}, "allowed_sigma": 2.5},
        {"range_scale_mos": 7.5, "range_scale_pn": 12, "allowed_sigma": 2.5},
    ),
    ({"gauss_fit_lims": (0.05, 9.5), "ratio": 1.5}, {"gauss_fit_lims": [0.05, 9.5], "ratio": 1.5}),
    (
        {"method": "ratio", "filter_lo_en": Quantity(8000, "eV"), "filter_hi_en": Quantity(12000, "eV")},
        {"method": "ratio"},  # 16: DAXA's default band is not for this method; ours is the one that its documentation recommends
    ),
]  # fmt: skip


@pytest.mark.parametrize("version", ["20.0.0", "21.0.0", "22.1.0"])
@pytest.mark.parametrize(("theirs", "ours"), ESPFILT)
def test_that_espfilt_gets_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, version: str, theirs: dict, ours: dict
) -> None:  # fmt: skip
    pair = daxa_with(world, monkeypatch, version)
    compare(pair, "espfilt", theirs, ours, ["M1S001", "M1U002", "M2S002", "PNS003", "PNU014"])


def test_that_espfilt_of_an_old_sas_gets_the_same_where_the_method_exists(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = daxa_with(world, monkeypatch, "19.1.0")
    compare(pair, "espfilt", {"method": "ratio"}, {"method": "ratio"}, ["M1S001", "M1U002", "M2S002", "PNS003", "PNU014"])


@pytest.mark.parametrize("version", ["14.0.0", "19.1.0", "20.0.0", "20.0.1", "21.0.0", "22.1.0"])
def test_that_files_of_espfilt_are_expected_where_daxa_expects_them(
    world: World, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:  # fmt: skip
    daxa, mine = daxa_with(world, monkeypatch, version)
    run_until(daxa, "espfilt")
    function = inspect.unwrap(importlib.import_module("daxa.process.xmm").espfilt)
    low, high = (2500, 8500) if version >= "20" else (8000, 12000)
    theirs = function(
        daxa.archive, method="ratio", filter_lo_en=Quantity(low, "eV"), filter_hi_en=Quantity(high, "eV")
    )[0][MISSION]  # fmt: skip
    for unit, line in theirs.items():
        moved = [shlex.split(part)[1] for part in line.split(";") if part.split()[:1] == ["mv"]]
        parameters: dict[str, Any] = {"method": "ratio"} | ({"band_ev": [low, high]} if version >= "20" else {})
        _, recipe = mine.recipe("espfilt", unit.removeprefix(daxa.obs_id), parameters)
        patterns = [one.pattern for one in recipe.made]
        assert len(moved) == len(patterns)
        for name in moved:
            assert sum(Path(name).match(pattern) for pattern in patterns) == 1, (name, patterns)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({}, {}),
        ({"pn_filt_expr": "(PATTERN == 0)"}, {"pn_filt_expr": ["(PATTERN == 0)"]}),
        ({"mos_filt_expr": ("#XMMEA_EM", "(PI > 150)")}, {"mos_filt_expr": ["#XMMEA_EM", "(PI > 150)"]}),
    ],
)
def test_that_evselect_cleans_with_the_same(both: tuple[Daxa, Ours], theirs: dict, ours: dict) -> None:
    compare(both, "cleaned_evt_lists", theirs, ours, ["M1S001", "M1U002", "M2S002", "PNS003", "PNU014"])


def test_that_energies_work_here_and_crash_there(both: tuple[Daxa, Ours]) -> None:
    """Weakness 13; the term is the one that DAXA's code would have put there."""
    daxa, mine = both
    run_until(daxa, "cleaned_evt_lists")
    with pytest.raises(AttributeError):
        daxa.commands("cleaned_evt_lists", lo_en=Quantity(0.5, "keV"), hi_en=Quantity(2, "keV"))
    expression = dict(mine.calls("cleaned_evt_lists", "M1S001", {"energies_kev": [0.5, 2.0]})[0].values)["expression"]
    assert expression == "#XMMEA_EM && (PATTERN <= 12) && (FLAG .eq. 0) && (PI in [500:2000]) && GTI(<gti of M1S001>, TIME)"


def test_that_states_of_ccds_count_here_and_raise_there(both: tuple[Daxa, Ours], tmp_path: Path) -> None:
    """Weakness 14: DAXA looks up a list of steps as one name, and its reader of the log takes every state."""
    daxa, _ = both
    run_until(daxa, "cleaned_evt_lists")
    with pytest.raises(Exception, match="emanom"):
        daxa.commands("cleaned_evt_lists", filt_mos_anom_state=True)
    log = tmp_path / "mos1S001-anom.log"
    log.write_text(
        "".join(f"CCD: {ccd} Hard: 10 Soft: 3 Status: {state}\n" for ccd, state in zip(range(2, 8), "GIBOUG", strict=True))
    )
    theirs = importlib.import_module("daxa.process.xmm.check").parse_emanom_out(str(log), ("G",))
    assert theirs == [2, 3, 4, 5, 6, 7] and accepted_ccds(read_states(log), ["G"]) == [2, 7]
    assert accepted_ccds(read_states(log), ["G", "I", "B", "O", "U"]) == theirs  # the same numbers where all are accepted


def test_that_merge_gets_the_same(both: tuple[Daxa, Ours]) -> None:
    daxa, mine = both
    run_until(daxa, "merge_subexposures")
    commands = daxa.commands("merge_subexposures")
    assert sorted(commands) == ["M1", "M2", "PN"]
    assert not commands["M2"] and not mine.calls("merge_subexposures", "M2", {})  # one list: it is moved there, copied here (8)
    for unit in ("M1", "PN"):
        agree(commands[unit], mine.calls("merge_subexposures", unit, {}), any_order=True)


def test_that_three_lists_are_merged_alike_and_in_order_of_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Weakness 26: DAXA goes by identifiers."""
    three = [Made(name, start=f"2010-01-01T0{hour}:00:00.000") for name, hour in (("S001", 1), ("U002", 2), ("U003", 3))]
    monkeypatch.setitem(EXPOSURES, "M1", three)
    pair = daxa_with(world, monkeypatch)
    run_until(pair[0], "merge_subexposures")
    agree(pair[0].commands("merge_subexposures")["M1"], pair[1].calls("merge_subexposures", "M1", {}), any_order=True)
    monkeypatch.setitem(EXPOSURES, "M1", [Made("S001", start="2010-01-01T08:00:00.000"), Made("U002")])
    daxa, mine = daxa_with(world, monkeypatch)
    run_until(daxa, "merge_subexposures")
    theirs, ours = (
        dict(daxa.commands("merge_subexposures")["M1"][0].values),
        dict(mine.calls("merge_subexposures", "M1", {})[0].values),
    )
    assert (theirs["set1"], theirs["set2"]) == ("<clean_events of M1S001>", "<clean_events of M1U002>")
    assert (ours["set1"], ours["set2"]) == ("<clean_events of M1U002>", "<clean_events of M1S001>")


def test_that_the_stages_of_rgs_get_the_same(both: tuple[Daxa, Ours], tmp_path: Path) -> None:
    """Weakness 15: DAXA forgets the folder that the stages share; it is put back here to see its commands."""
    daxa, mine = both
    run_until(daxa, "epchain")
    agree(daxa.commands("rgs_events")["R1S004"], mine.calls("rgs_events", "R1S004", {}))
    with pytest.raises(KeyError):
        daxa.commands("rgs_angles")
    daxa.archive.process_extra_info[MISSION]["rgs_events"][f"{daxa.obs_id}R1S004"]["working_dir"] = f"{tmp_path}/"
    for step in ("rgs_angles", "cleaned_rgs_event_lists"):
        agree(daxa.commands(step)["R1S004"], mine.calls(step, "R1S004", {}))


def test_that_arguments_of_daxas_functions_all_have_a_parameter(both: tuple[Daxa, Ours]) -> None:
    common = {"obs_archive", "num_cores", "disable_progress", "timeout"}
    module = importlib.import_module("daxa.process.xmm")
    for step in (one for one in map(STEPS.__getitem__, STEPS) if one.software == "sas" and one.name != "generate_images_expmaps"):
        theirs = set(inspect.signature(inspect.unwrap(getattr(module, step.daxa))).parameters) - common
        ours = {name.strip() for parameter in step.parameters for name in parameter.daxa.split(",") if name.strip()}
        assert theirs == ours, step.name


# ---- the summary ----


def as_daxa(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for instrument in parse_summary(text, "SUM.SAS").instruments:
        found[instrument.name] = {"active": instrument.active}
        if instrument.active:
            exposures = {
                one.name: {
                    "scheduled": one.scheduled, "type": one.type, "mode": one.mode, "filter": one.filter or None,
                    "ccd_modes": dict(one.data_modes) if instrument.name != "OM" else {},
                }
                for one in instrument.exposures
            }  # fmt: skip
            found[instrument.name] |= {"num_exp": len(exposures), "exposures": exposures}
    return found


@pytest.mark.parametrize("which", ["real", "made", "inactive"])
def test_that_a_summary_is_read_as_daxa_reads_it(both: tuple[Daxa, Ours], tmp_path: Path, which: str) -> None:
    if which == "real" and not REAL.exists():
        pytest.skip("the real summary (../shared/data) is not here")
    text = {
        "real": lambda: REAL.read_text("utf-8", "replace"), "made": lambda: summary_text(ORDINARY),
        "inactive": lambda: summary_text({"M1": [], "PN": [Made("S003", ccds=12)]}, inactive=["M1"]),
    }[which]()  # fmt: skip
    path = tmp_path / "SUM.SAS"
    path.write_text(text)
    assert as_daxa(text) == importlib.import_module("daxa.process.xmm.setup").parse_odf_sum(str(path))


def test_that_what_is_usable_here_is_usable_there_and_only_doomed_exposures_are_left_out(both: tuple[Daxa, Ours]) -> None:
    """Weakness 18: timing and burst modes, undefined ones, and the calibration source behind another filter."""
    modes = (
        "PrimeFullWindow", "PrimeSmallWindow", "PrimePartialW2", "FastTiming", "FastBurst", "FastUncompressed", "UNDEFINED",
        "Offset", "Diagnostic", "Noise",
    )  # fmt: skip
    filters = ("Thin1", "Medium", "Open", "Closed", "CalClosed", "CalThin1", "Unknown", "")
    made = [
        Made(f"S{100 + n}", mode=mode, filter=wheel) for n, (mode, wheel) in enumerate((m, f) for m in modes for f in filters)
    ]
    text = summary_text({"PN": made, "M1": made, "R1": [Made("S004", mode="HighEventRateWithSES", filter="")]})
    theirs = both[0].mission.assess_process_obs(as_daxa(text))
    for one in read_units(text, "SUM.SAS"):
        there = theirs[one["instrument"]][one["exposure"]]
        if one["usable"]:
            assert there
        elif there:
            doomed = one["mode"].startswith("Fast") or one["mode"] == "UNDEFINED" or one["filter"].startswith("Cal")
            assert doomed, one
