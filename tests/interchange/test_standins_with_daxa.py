"""The stand-ins accept what the real DAXA runs: its own command lines, by its own function, through a real shell; and it can read
what they say. DAXA's builders of command lines are called as they are; only the search for software is left out where noted.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.daxa_shim import real_daxa
from tests.interchange.daxa_archives import World
from tests.interchange.test_other_commands import CASES, Case, StandInArchive
from tests.interchange.xmm_commands import MISSION, Daxa
from tests.standins.fits_files import files
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_data import XmmExposure, xmm_odf
from tests.standins.raw_others import chandra_raw, erosita_events, nustar_raw

__all__ = ["real_daxa", "standins", "standins_once"]  # the fixtures

EXPOSURES = (
    XmmExposure("M1", "S001", length_s=2500.0),
    XmmExposure("M1", "U002", start_s=3000.0, length_s=2500.0, flared=False),
    XmmExposure("PN", "S003", length_s=4000.0),
    XmmExposure("R1", "S004", "SpectroscopyHER+SES", None, "Spectroscopy", length_s=2500.0, ccds=(1, 2)),
)
SET_UP = {
    "sas": ". {heasoft}/headas-init.sh; . {sas}/setsas.sh",
    "esass": ". {esass}/bin/esass-init.sh",
    "ciao": ". {ciao}/bin/ciao.sh",
    "heasoft": ". {heasoft}/headas-init.sh; . {caldb}/software/tools/caldbinit.sh",
}


def initialise(installed: Installed, names: tuple[str, ...], home: Path, patch: pytest.MonkeyPatch) -> None:
    """What a person's shell does before DAXA is started: source the set-up scripts of the packages."""
    home.mkdir(exist_ok=True)
    places = {name: getattr(installed, name) for name in ("sas", "heasoft", "caldb", "ciao", "esass")}
    script = "; ".join(SET_UP[name].format(**places) for name in names)
    start = {"PATH": os.environ["PATH"], "HOME": str(home), "HEADAS": str(installed.heasoft)}
    done = subprocess.run(["bash", "-c", f"{{ {script}; }} >/dev/null && env -0"], env=start, stdout=subprocess.PIPE, check=True)
    for line in done.stdout.decode().split("\0"):
        name, sign, value = line.partition("=")
        if sign and name not in ("_", "PWD", "SHLVL", "PYTHONPATH"):
            patch.setenv(name, value)


def execute(line: str, working: str | None, paths: list[str]) -> tuple[list[bool], str, str]:
    """DAXA's own function runs a line in a shell: which of the files are there afterwards, stdout, stderr."""
    run = importlib.import_module("daxa.process._common").execute_cmd
    _, _, there, out, err, _ = run(
        line, "unit", "chandra" if "chandra_repro" in line else MISSION, paths, {"working_dir": working}
    )
    return there, out, err


# ---- XMM-Newton: a whole archive


class Run(Daxa):
    """DAXA's archive whose command lines are run, unit by unit."""

    def summarise(self, exposures: Mapping[str, Any]) -> None:
        """The summary is the one that the stand-in wrote."""

    def _calls(self, line: str) -> Any:
        return line

    def step(self, name: str, module: str = "", **arguments: Any) -> dict[str, str]:
        """Run a step; stderr by unit."""
        builder = inspect.unwrap(getattr(importlib.import_module("daxa.process.xmm"), name))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lines, _, paths, extras, *_ = _in_order(builder(self.archive, **arguments))
        said = {}
        for unit, line in lines[MISSION].items():
            wanted = paths[MISSION][unit]
            wanted = [wanted] if isinstance(wanted, str) else list(wanted)
            there, _, err = execute(line, extras[MISSION][unit].get("working_dir"), wanted)
            assert all(there), (name, unit, err, wanted)
            said[unit.removeprefix(self.obs_id)] = err
        units = dict.fromkeys(lines[MISSION], True)
        self.archive.process_success = (name, {MISSION: units})
        self.archive.process_logs = (name, {MISSION: dict.fromkeys(units, "")})
        self.archive.process_extra_info = (name, {MISSION: extras[MISSION]})
        return said


def _in_order(made: tuple[Any, ...]) -> tuple[Any, Any, Any, Any]:
    """(commands, message, final paths, extra information), whatever the order in which DAXA's builders give them."""
    commands, *rest = made
    paths = next(item for item in rest if isinstance(item, dict) and _holds(item, (str, list)))
    extras = next(item for item in rest if isinstance(item, dict) and _holds(item, (dict,)))
    return commands, "", paths, extras


def _holds(item: Mapping[str, Any], kinds: tuple[type, ...]) -> bool:
    inner = item.get(MISSION, {})
    return bool(inner) and all(isinstance(value, kinds) for value in inner.values())


@pytest.fixture
def run(real_daxa: ModuleType, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        world = World(real_daxa, monkeypatch, (MISSION,))
        initialise(standins, ("sas",), tmp_path / "home", monkeypatch)
        yield Run(world, "22.1.0")


def test_that_daxa_reduces_an_observation_of_xmm_with_the_stand_ins(run: Run) -> None:
    shutil.rmtree(run.raw, ignore_errors=True)
    builder = inspect.unwrap(importlib.import_module("daxa.process.xmm").odf_ingest)
    run.step("cif_build")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        line = next(iter(builder(run.archive)[0][MISSION].values()))
    revolution = re.search(rf"(\d{{4}})_{run.obs_id}_SCX", line)
    assert revolution is not None
    xmm_odf(run.raw, run.obs_id, EXPOSURES, revolution=int(revolution[1]))
    run.step("odf_ingest")
    parse = importlib.import_module("daxa.process.xmm.setup").parse_odf_sum
    [summary] = run.folder.glob("*SUM.SAS")
    run.archive.observation_summaries = {MISSION: {run.obs_id: parse(str(summary))}}
    assert set(run.step("epchain")) == {"PNS003"}
    assert set(run.step("emchain")) == {"M1S001", "M1U002"}
    run.step("emanom")
    run.step("espfilt")
    said = run.step("cleaned_evt_lists")
    assert set(said) == {"M1S001", "M1U002", "PNS003"}
    read = importlib.import_module("daxa.process.xmm._common").parse_stderr
    for text in said.values():
        errors, found, others = read(text)
        assert (errors, others) == ([], []) and found and found[0]["originator"] == "evselect"
    run.step("merge_subexposures")
    final = sorted(path.name for path in run.folder.glob("events/*final*"))
    assert final == [f"obsid{run.obs_id}-inst{one}-finalevents.fits" for one in ("M1-subexpALL-en", "PN-subexpALL-en")] + [
        f"obsid{run.obs_id}-instPN-subexpALL-en-finalootevents.fits"
    ]
    for name in final:
        events = files.find(files.read(str(run.folder / "events" / name)), "EVENTS")
        assert events is not None and len(events.rows()) > 500


def test_that_the_lines_of_rgs_work_one_after_the_other(
    real_daxa: ModuleType, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAXA's second step stops with an error of its own, so its lines are written here as its first step writes them."""
    initialise(standins, ("sas",), tmp_path / "home", monkeypatch)
    raw = xmm_odf(tmp_path / "raw", "0999900901", EXPOSURES[3:])
    work = tmp_path / "work"
    work.mkdir()
    cif = "calindexset=ccf.cif withobservationdate=yes observationdate=2010-11-24 analysisdate=now fullpath=yes"
    first = f"cd {work}; cifbuild {cif}; "
    setting = f"export SAS_CCF={work}/ccf.cif; "
    execute(f"{first}{setting}odfingest odfdir={raw} outdir={raw} withodfdir=yes", None, [])
    setting += f"export SAS_ODF={raw}; "
    made = ("merged0000", "merged0000", "EVENLI0000")
    for stage, product in zip(("1:events", "2:angles", "3:filter"), made, strict=True):
        line = f"cd {work}; {setting}rgsproc entrystage={stage} finalstage={stage} withinstexpids=true instexpids=R1S004"
        there, _, err = execute(line, None, [str(work / f"P0999900901R1S004{product}.FIT")])
        assert there == [True], err


# ---- the others


def line_of(case: Case, folder: Path, patch: pytest.MonkeyPatch, obs_id: str) -> tuple[str, str]:
    """DAXA's line for a step, and its working folder."""
    module_name, name = case.function.split(":")
    module = importlib.import_module(f"daxa.process.{module_name}")
    if "erosita" in case.mission:
        parts = [[obs_id, one, "usable"] for one in case.instrument.split("_")]
    else:
        parts = [[obs_id, case.instrument, *(["E001"] if case.mission == "chandra" else [])]]
    archive = StandInArchive(folder, case.mission, parts)
    answers = {"_esass_process_setup": False, "_ciao_process_setup": ("4.17", "4.12", [archive.mission]),
               "_nustardas_process_setup": ("2.1.4", "20240101", [archive.mission])}  # fmt: skip
    for set_up, answer in answers.items():
        if hasattr(module, set_up):
            patch.setattr(module, set_up, lambda *_, answer=answer, **__: answer)
    made = inspect.unwrap(getattr(module, name))(archive)
    [line] = made[0][case.mission].values()
    extras = next(
        value
        for value in made[1:]
        if isinstance(value, dict) and all("working_dir" in one for one in value[case.mission].values())
    )
    [extra] = extras[case.mission].values()
    return line, extra["working_dir"]


def run_step(step: str, instrument: str, folder: Path, patch: pytest.MonkeyPatch, obs_id: str, made: list[str]) -> list[Path]:
    """Run DAXA's line of a step with its defaults and return the files (globs below the observation's folder)."""
    case = next(one for one in CASES if (one.step, one.instrument) == (step, instrument) and not one.daxa)
    place = folder / "processed" / obs_id
    for name in ("events", "images", "cleaning", "misc", "background"):
        (place / name).mkdir(parents=True, exist_ok=True)
    line, working = line_of(case, folder, patch, obs_id)
    _, _, err = execute(line, working, [])
    found = []
    for pattern in made:
        one = sorted(place.glob(pattern))
        assert one, (pattern, err)
        found += one
    return found


def test_that_daxa_reduces_erosita_with_the_stand_ins(
    real_daxa: ModuleType, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialise(standins, ("esass",), tmp_path / "home", monkeypatch)
    erosita_events(tmp_path / "raw", name="list.fits")
    modules = "_".join(f"TM{n}" for n in range(1, 8))
    kinds = ["cleaning/*lightcurve.fits", "cleaning/*thresholdimage.fits", "cleaning/*maskimage.fits"]
    run_step("flaregti", modules, tmp_path, monkeypatch, "999902", kinds)
    [final] = run_step("cleaned_erosita_evts", modules, tmp_path, monkeypatch, "999902", ["events/*finalevents.fits"])
    before, after = (files.find(files.read(str(path)), "EVENTS") for path in (tmp_path / "raw" / "list.fits", final))
    assert before is not None and after is not None and 500 < len(after.rows()) < 0.8 * len(before.rows())


@pytest.mark.parametrize("instrument", ["ACIS", "HRC"])
def test_that_daxa_reduces_chandra_with_the_stand_ins(
    instrument: str, real_daxa: ModuleType, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialise(standins, ("ciao",), tmp_path / "home", monkeypatch)
    obs_id = "99902"
    chandra_raw(tmp_path / "chandra_raw" / obs_id, obs_id, instrument=instrument)
    done = tmp_path / "done"
    done.mkdir()
    patterns = ["events/*-events.fits", "misc/*-aspectsolution.fits", "misc/*-badpix.fits", "misc/*-mask.fits"]
    names = ["evt_list", "asol_file", "badpix", "msk_file"]
    if instrument == "HRC":
        patterns.append("misc/*-deadtimefile.fits")
        names.append("dead_time_file")

    def keep(paths: list[Path], names: list[str]) -> None:
        for path, name in zip(paths, names, strict=True):
            shutil.copyfile(path, done / f"{name}.fits")

    def step(name: str, made: list[str]) -> list[Path]:
        return run_step(name, instrument, tmp_path, monkeypatch, obs_id, made)

    keep(step("chandra_repro", patterns), names)
    keep(step("deflare", ["cleaning/*-flaringGTI.fits"]), ["flaring_gti"])
    keep(step("cleaned_chandra_evts", ["events/*-cleanevents.fits"]), ["cleaned_events"])
    assert len(step("flux_image", ["images/*-fluxmap.fits"])) == (1 if instrument == "HRC" else 5)
    assert len(step("rate_image", ["images/*-ratemap.fits"])) == (1 if instrument == "HRC" else 5)


def test_that_daxa_calibrates_nustar_with_the_stand_ins(
    real_daxa: ModuleType, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialise(standins, ("heasoft",), tmp_path / "home", monkeypatch)
    obs_id = "79999002002"
    nustar_raw(tmp_path / "nustar_pointed_raw" / obs_id, obs_id)
    kinds = ["events/*-events.fits", "misc/*-hotpix.fits", "misc/*-badpix.fits", "misc/*-refpixel.fits"]
    run_step("nupipeline", "FPMA", tmp_path, monkeypatch, obs_id, kinds)


# ---- finding them, and reading what they say


def test_that_daxa_finds_the_stand_ins_and_reads_their_versions(
    real_daxa: ModuleType, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.import_module("daxa.process._backend_check")
    initialise(standins, ("sas",), tmp_path / "home", monkeypatch)
    assert (str(find.find_sas()), str(find.find_lcurve())) == ("22.1.0", "1.0")
    with monkeypatch.context() as patch:
        initialise(standins, ("ciao",), tmp_path / "home", patch)
        assert tuple(map(str, find.find_ciao())) == ("4.17.0", "4.12.0")
    with monkeypatch.context() as patch:
        initialise(standins, ("heasoft",), tmp_path / "home", patch)
        assert tuple(map(str, find.find_nustardas())) == ("2.1.4", "20250415")


def test_that_daxa_reads_the_errors_of_the_stand_ins(
    real_daxa: ModuleType, standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialise(standins, ("sas",), tmp_path / "home", monkeypatch)
    monkeypatch.setenv("SAS_CCF", "/nowhere/ccf.cif")
    read = importlib.import_module("daxa.process.xmm._common").parse_stderr
    for line, name in (("merge set1=a", "ParamMandatory"), ("merge set1=a set2=b colour=red", "ParamNotFound"),
                       ("gtibuild file=nofile.txt", "badFileName")):  # fmt: skip
        _, _, err = execute(line, None, [])
        errors, _, others = read(err)
        assert len(errors) == 1 and errors[0].startswith(f"{name} raised by {line.split()[0]} - ") and others == []
