"""The arguments of eSASS, CIAO and NuSTARDAS: ours against those of the real DAXA, for default and own values.

DAXA's functions run as far as their command lines: only the search for the software and what an archive answers (its paths, what
succeeded) are replaced, never what builds the commands. The lines are read with shlex into programs and their arguments.
"""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.units import Quantity

from daxa_gui.reduction import STEPS
from tests.daxa_shim import real_daxa
from tests.fakes.reduction_files import arguments, recipe, unit

__all__ = ["real_daxa"]  # the fixture

PROGRAMS = {"flaregti", "evtool", "chandra_repro", "dmextract", "deflare", "dmcopy", "fluximage", "nupipeline"}
Calls = list[tuple[str, dict[str, str]]]  # program, its arguments


class StandInArchive:
    """What DAXA's command builders ask of an archive: one observation, in which every step before succeeded."""

    def __init__(self, folder: Path, mission: str, unit_parts: Sequence[Sequence[str]]) -> None:
        self.folder, self.parts = folder, [list(parts) for parts in unit_parts]
        self.mission = SimpleNamespace(
            name=mission, raw_data_path=f"{folder}/{mission}_raw/", get_evt_list_path=lambda obs_id: f"{folder}/raw/list.fits"
        )
        self.process_success: dict[str, dict[str, Any]] = {mission: {}}
        self._process_extra_info = {mission: {self.parts[0][0]: {"path": f"{folder}/raw/list.fits"}}}
        names = ("evt_list", "flaring_gti", "cleaned_events", "asol_file", "badpix", "msk_file", "dead_time_file")
        made = {name: f"{folder}/done/{name}.fits" for name in names}
        everything = {"".join(self.parts[0]): made}
        self.process_extra_info = {mission: dict.fromkeys(("chandra_repro", "deflare", "cleaned_chandra_evts"), everything)}

    def __iter__(self) -> Any:
        return iter([self.mission])

    def __getitem__(self, name: str) -> Any:
        assert name == self.mission.name
        return self.mission

    def get_obs_to_process(self, mission_name: str) -> list[list[str]]:
        return self.parts

    def construct_processed_data_path(self, mission: Any, obs_id: str) -> str:
        return f"{self.folder}/processed/{obs_id}/"

    def check_dependence_success(self, mission_name: str, units: Any, *_: Any, **__: Any) -> Any:
        return np.ones(1 if isinstance(units, str) else len(units), bool)


@dataclass(frozen=True)
class Case:
    """One step with the same values as DAXA's function takes them and as ours does."""

    step: str
    function: str  # « module:function » below daxa.process
    instrument: str
    daxa: Mapping[str, Any] = field(default_factory=dict)
    ours: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mission(self) -> str:
        return STEPS[self.step].missions[0]

    def __str__(self) -> str:
        return f"{self.step}-{self.instrument}-{'own' if self.daxa else 'default'}"


def eV(*values: float) -> Any:
    return Quantity(list(values) if len(values) > 1 else values[0], "eV")


FLARES = {
    "pimin": eV(5000), "pimax": Quantity(9, "keV"), "mask_pimin": eV(500), "mask_pimax": eV(2000), "binsize": 600, "detml": 12.5,
    "timebin": Quantity(2, "min"), "source_size": Quantity(2.5, "arcmin"), "source_like": 8, "mask_iter": 5,
}  # fmt: skip
OUR_FLARES = {
    "pi_ev": [5000.0, 9000.0], "mask_pi_ev": [500.0, 2000.0], "binsize": 600, "detml": 12.5, "timebin_s": 120.0,
    "source_size_arcsec": 150.0, "source_like": 8.0, "mask_iter": 5, "threshold": 1.25, "max_threshold": 3.0,
}  # fmt: skip
REPRO = {"destreak": False, "check_very_faint": True, "pix_adj": "edser", "asol_update": False, "grating_pi_filter": False}
LIMITS = {"lo_en": Quantity(0.5, "keV"), "hi_en": Quantity(2.0, "keV")}
BANDS = {"en_bounds": Quantity([[0.5, 2.0], [2.0, 8.0]], "keV"), "effective_ens": Quantity([1.0, 4.5], "keV")}
OUR_BANDS = {"bands_kev": [[0.5, 2.0], [2.0, 8.0]], "effective_kev": [1.0, 4.5]}
FLARE_CURVE = {
    "allowed_sigma": 2.5, "min_length": 5, "time_bin_size": Quantity(0.1, "hr"), "lc_lo_en": Quantity(2.3, "keV"),
    "lc_hi_en": eV(7300),
}  # fmt: skip
OUR_FLARE_CURVE = {"allowed_sigma": 2.5, "min_length": 5, "time_bin_s": 360, "lc_band_kev": [2.3, 7.3]}
HOT = {
    "hp_time_bin": Quantity(5, "min"), "hp_cell_bin": 7, "hp_imp": 1.5, "hp_log_pos": -5.5, "hp_bck_thr": 4, "asp_ab_corr": False,
}  # fmt: skip
OUR_HOT = {
    "hp_time_bin_s": 300, "hp_cell_bin": 7, "hp_imp": 1.5, "hp_log_pos": -5.5, "hp_bck_thr": 4, "asp_ab_corr": False,
}  # fmt: skip

MODULES = "TM1_TM2_TM3_TM4_TM5_TM6_TM7"
CASES = [
    Case("flaregti", "erosita.clean:flaregti", MODULES),
    Case("flaregti", "erosita.clean:flaregti", MODULES, FLARES, OUR_FLARES),
    Case("cleaned_erosita_evts", "erosita.assemble:cleaned_evt_lists", MODULES),
    Case("cleaned_erosita_evts", "erosita.assemble:cleaned_evt_lists", MODULES, {**LIMITS, "pattern": 7},
         {"energies_kev": [0.5, 2.0], "pattern": 7}),
    *(Case("chandra_repro", "chandra.assemble:chandra_repro", one) for one in ("ACIS", "HRC")),
    Case("chandra_repro", "chandra.assemble:chandra_repro", "ACIS", REPRO, REPRO),
    *(Case("deflare", "chandra.clean:deflare", one) for one in ("ACIS", "HRC")),
    *(Case("deflare", "chandra.clean:deflare", one, FLARE_CURVE, OUR_FLARE_CURVE) for one in ("ACIS", "HRC")),
    *(Case("cleaned_chandra_evts", "chandra.assemble:cleaned_chandra_evts", one) for one in ("ACIS", "HRC")),
    Case("cleaned_chandra_evts", "chandra.assemble:cleaned_chandra_evts", "ACIS", {**LIMITS, "allowed_grades": [0, 2]},
         {"energies_kev": [0.5, 2.0], "allowed_grades": [0, 2]}),
    *(Case(step, f"chandra.generate:{step}", one) for step in ("flux_image", "rate_image") for one in ("ACIS", "HRC")),
    *(Case(step, f"chandra.generate:{step}", "ACIS", {**BANDS, "acis_bin_size": 2}, {**OUR_BANDS, "acis_bin_size": 2})
      for step in ("flux_image", "rate_image")),
    *(Case(step, f"chandra.generate:{step}", "HRC", {"hrc_bin_size": 8}, {"hrc_bin_size": 8})
      for step in ("flux_image", "rate_image")),
    *(Case("nupipeline", "nustar.assemble:nupipeline_calibrate", one) for one in ("FPMA", "FPMB")),
    Case("nupipeline", "nustar.assemble:nupipeline_calibrate", "FPMB", HOT, OUR_HOT),
]  # fmt: skip

# Where the arguments differ, and which weakness of DAXA (by its number in the project's list) or which rule that mends.
DIFFERENT = {
    ("evtool", "flag"): ("1.4: the mask was never passed on", None, "0xc0000000"),
    ("nupipeline", "exitstage"): ("20: nothing was screened or cleaned", "1", "2"),
    ("nupipeline", "saacalc"): ("20: the screening's own arguments", None, "3"),
    ("nupipeline", "saamode"): ("20: the screening's own arguments", None, "NONE"),
    ("nupipeline", "tentacle"): ("20: the screening's own arguments", None, "no"),
}
# DAXA's files and folders (all absolute), and the simple names in the job's folder that stand for them here (weakness 1).
PLACES = (
    (r"\S*/raw/list\.fits|temp_700199_evt_pth", "events.fits"),
    (r"\S*/done/(?:evt_list|cleaned_events)\.fits", "events.fits"),
    (r"\S*/done/flaring_gti\.fits|\S*-flaringGTI\.fits", "gti.fits"),
    (r"\S*/done/asol_file\.fits", "aspectsolution.fits"),
    (r"\S*/done/badpix\.fits", "badpix.fits"),
    (r"\S*/done/msk_file\.fits", "mask.fits"),
    (r"\S*/done/dead_time_file\.fits", "deadtimefile.fits"),
    (r"\S*-lightcurve\.fits|TM\S*-lc-\S*\.fits", "lightcurve.fits"),
    (r"TM\S*-thresholdimg-\S*\.fits", "thresholdimage.fits"),
    (r"TM\S*-maskimg-\S*\.fits", "maskimage.fits"),
    (r"\S*-interimevents\.fits", "interim.fits"),
    (r"\S*-(?:finalevents|cleanevents)\.fits", "cleaned.fits"),
    (r"\S*_raw/\d+/", "raw"),
    (r"\S*/sub_temp/", "."),
)


def plain(argument: str, value: str) -> str:
    """A value of DAXA with our names of files."""
    if argument == "outdir" and "/" in value:
        return "repro"  # of chandra_repro; nupipeline's is « outputs » with both
    if argument in ("root", "outroot"):
        return re.sub(r"_\d+$", "", value) if argument == "root" else "img"
    for pattern, name in PLACES:
        value = re.sub(rf"^(@?)(?:{pattern})(?=$|\[)", rf"\g<1>{name}", value)
        value = re.sub(rf"(?<=\[@)(?:{pattern})(?=\])", name, value)
    return value


def same(mine: str | None, theirs: str | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    try:
        return float(mine) == float(theirs)
    except ValueError:
        return mine == theirs


def calls_of(line: str) -> Calls:
    """The programs of a shell line and their arguments. Commands end with « ; »; DAXA has none in its quotes."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for token in lexer:
        if set(token) == {";"}:
            commands.append([])
        else:
            commands[-1].append(token)
    return [
        (words[0], {name: plain(name, value) for name, value in arguments(words).items()})
        for words in commands
        if words and words[0] in PROGRAMS
    ]


def daxa_calls(case: Case, folder: Path, patch: pytest.MonkeyPatch) -> Calls:
    """What DAXA's own function would have run."""
    module_name, name = case.function.split(":")
    module = importlib.import_module(f"daxa.process.{module_name}")
    work = unit(case.mission, case.instrument, "E001" if case.mission == "chandra" else "ALL")
    if "erosita" in case.mission:
        parts = [[work.obs_id, module_, "usable"] for module_ in case.instrument.split("_")]
    else:
        parts = [[work.obs_id, case.instrument, *(["E001"] if case.mission == "chandra" else [])]]
    archive = StandInArchive(folder, case.mission, parts)
    for setup, answer in (
        ("_esass_process_setup", False),
        ("_ciao_process_setup", ("4.17", "4.12", [archive.mission])),
        ("_nustardas_process_setup", ("2.1.4", "20240101", [archive.mission])),
    ):
        if hasattr(module, setup):
            patch.setattr(module, setup, lambda *_, answer=answer, **__: answer)
    function = getattr(module, name)
    while hasattr(function, "__wrapped__"):  # the decorators run the commands and judge
        function = function.__wrapped__
    values = dict(case.daxa)
    if case.step == "flaregti" and values:  # its unit is only known once DAXA is imported
        values |= {"threshold": Quantity(1.25, "ct/(deg2 s)"), "max_threshold": Quantity(3.0, "ct/(deg2 s)")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        commands = function(archive, **values)[0]
    [line] = commands[case.mission].values()
    return calls_of(line)


def our_calls(case: Case) -> Calls:
    facts = {"event_list": "list.fits", "modules": case.instrument.split("_"), "whole": True} if "erosita" in case.mission else {}
    work = unit(case.mission, case.instrument, "E001" if case.mission == "chandra" else "ALL", **facts)
    return [(run.argv[0], arguments(run.argv)) for run in recipe(case.step, work, **case.ours).runs]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_the_arguments_are_those_of_daxa_except_where_it_is_wrong(
    case: Case, real_daxa: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, mine = daxa_calls(case, tmp_path, monkeypatch), our_calls(case)
    assert [program for program, _ in mine] == [program for program, _ in theirs]
    differences = {}
    for (program, own), (_, daxa) in zip(mine, theirs, strict=True):
        for name in sorted({*own, *daxa}):
            if not same(own.get(name), daxa.get(name)):
                differences[program, name] = (daxa.get(name), own.get(name))
    wanted = {key: values for key, (_, *values) in DIFFERENT.items() if key[0] in {program for program, _ in mine}}
    assert differences == {key: tuple(values) for key, values in wanted.items()}


def test_that_every_step_that_daxa_has_is_compared() -> None:
    own = {name for name in STEPS if STEPS[name].software in ("esass", "ciao", "heasoft") and STEPS[name].daxa}
    assert own == {case.step for case in CASES}


# What every function of DAXA has; and what means the opposite here (evtool's flag_invert, which DAXA never passes on).
COMMON = {"obs_archive", "num_cores", "disable_progress", "timeout"}
OPPOSITE = {"flag_invert"}


@pytest.mark.parametrize(
    ("step", "function"), sorted({(case.step, case.function) for case in CASES}), ids=lambda text: text.rpartition(":")[2]
)
def test_that_every_argument_of_daxa_has_its_parameter(step: str, function: str, real_daxa: ModuleType) -> None:
    module, name = function.split(":")
    theirs = set(inspect.signature(getattr(importlib.import_module(f"daxa.process.{module}"), name)).parameters) - COMMON
    mine = [part.strip() for parameter in STEPS[step].parameters for part in parameter.daxa.split(",") if part]
    assert len(mine) == len(set(mine))
    assert set(mine) == theirs - OPPOSITE


def test_that_a_different_argument_would_be_seen(real_daxa: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("deflare", "chandra.clean:deflare", "ACIS", {"allowed_sigma": 2.0}, {})
    theirs, mine = daxa_calls(case, tmp_path, monkeypatch), our_calls(case)
    assert theirs[1][1]["nsigma"] == "2.0"
    assert not same(mine[1][1]["nsigma"], theirs[1][1]["nsigma"])
    assert theirs[0] == mine[0]
