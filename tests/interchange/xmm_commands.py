"""The commands of the real DAXA's XMM-Newton steps, and of ours, as programs with parameters whose paths are said by meaning."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
import shutil
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_gui.core.registry import resolve
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.recipe import Recipe, WorkUnit
from daxa_gui.reduction.xmm_summary import read_units
from tests.interchange.daxa_archives import World
from tests.xmm_summaries import Made, summary_text

MISSION = "xmm_pointed"
PROGRAMS = ("cifbuild", "odfingest", "epchain", "emchain", "emanom", "espfilt", "evselect", "merge", "rgsproc")
EXPOSURES = {
    "M1": [Made("S001"), Made("U002", start="2010-01-01T05:00:00.000")], "M2": [Made("S002")],
    "PN": [Made("S003", ccds=12), Made("U014", ccds=12, start="2010-01-01T06:00:00.000")],
    "R1": [Made("S004", mode="HighEventRateWithSES", filter="", data_mode="Spectroscopy", ccds=9)],
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One call of a program: `values` by parameter, paths as what they mean; `variables` of the environment."""

    program: str
    values: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...]


class Daxa:
    """An archive of the real DAXA with two observations, one of them with many exposures; its functions give commands."""

    def __init__(self, world: World, version: str) -> None:
        self.world, self.version = world, version
        self.mission = world.both[MISSION].daxa(insts=["M1", "M2", "PN", "R1", "R2"])
        self.obs_id = world.obs_ids(MISSION)[0]
        self.mission.filter_on_obs_ids(allowed_obs_ids=[self.obs_id])
        self.raw = world.output / f"{MISSION}_raw" / self.obs_id
        self.raw.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(world.output / "archives" / "commands", ignore_errors=True)
        self.archive = world.daxa_archive("commands", [self.mission])
        importlib.import_module("daxa.process._common").create_dirs(self.archive, MISSION)
        self.folder = Path(self.archive.construct_processed_data_path(MISSION, self.obs_id))

    def commands(self, step: str, **arguments: Any) -> dict[str, list[Call]]:
        """What DAXA would run, by unit; the step counts as successful afterwards."""
        function = inspect.unwrap(getattr(importlib.import_module("daxa.process.xmm"), step))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lines, _, extras, *_ = function(self.archive, **arguments)
        units = dict.fromkeys(lines[MISSION], True)
        self.archive.process_success = (step, {MISSION: units})
        self.archive.process_logs = (step, {MISSION: dict.fromkeys(units, "")})
        self.archive.process_extra_info = (step, {MISSION: extras[MISSION]})
        if step == "odf_ingest":
            self.summarise(EXPOSURES)
        return {unit.removeprefix(self.obs_id): self._calls(line) for unit, line in lines[MISSION].items()}

    def summarise(self, exposures: Mapping[str, list[Made]]) -> None:
        parse = importlib.import_module("daxa.process.xmm.setup").parse_odf_sum
        path = self.folder / "made.SAS"
        path.write_text(summary_text({**{i: [] for i in ("M1", "M2", "PN", "R1", "R2")}, **exposures}, obs_id=self.obs_id))
        self.archive.observation_summaries = {MISSION: {self.obs_id: parse(str(path))}}

    def _calls(self, line: str) -> list[Call]:
        words = shlex.shlex(line, posix=True, punctuation_chars=";")
        words.whitespace_split, words.commenters = True, ""
        calls, argv, variables = [], [], {}
        for word in [*words, ";"]:
            if set(word) != {";"}:
                argv.append(word)
                continue
            if argv[:1] == ["export"]:
                name, _, value = argv[1].partition("=")
                variables[name] = self._meaning(value)
            elif argv and argv[0] in PROGRAMS:
                values = tuple(sorted((n, self._meaning(v)) for n, _, v in (one.partition("=") for one in argv[1:])))
                calls.append(Call(argv[0], values, tuple(sorted(variables.items()))))
            elif argv:
                assert argv[0] in ("cd", "mv", "rm", "echo", "cp"), line
            argv = []
        return calls

    def _meaning(self, value: str) -> str:
        if match := re.search(r"GTI\((?P<path>\S+), TIME\)", value):
            return value.replace(match["path"], self._meaning(match["path"]))
        if value.rstrip("/") == str(self.raw):
            return "<raw data>"
        if not value.startswith(str(self.folder)):
            match = re.fullmatch(r"(M1|M2|PN)(_allgood)?(_oot)?_clean_temp(\d)\.fits", value)
            return f"<merged {'all_good_' if match[2] else ''}{'oot_' if match[3] else ''}events {match[4]}>" if match else value
        name = Path(value).name
        if name == "ccf.cif":
            return "<cif>"
        match = re.fullmatch(r"obsid\d+-inst(\w+)-subexp(\w+?)(?:-en[^-]*)?-(\w+)\.\w+", name)
        assert match is not None, value
        kind = {"events": "calibrated_events", "ootevents": "oot_events", "cleanevents": "clean_events",
                "cleanootevents": "clean_oot_events", "allgoodevents": "all_good_events",
                "allgoodOoTevents": "all_good_oot_events", "gti": "gti"}[match[3]]  # fmt: skip
        return f"<{kind} of {match[1]}{match[2]}>"


class Ours:
    """The same data for this program's recipes."""

    def __init__(self, daxa: Daxa) -> None:
        self.daxa = daxa
        text = summary_text(EXPOSURES, obs_id=daxa.obs_id)
        self.units = {f"{one['instrument']}{one['exposure']}": one for one in read_units(text, "SUM.SAS")}

    def unit(self, step: str, name: str) -> WorkUnit:
        facts: dict[str, Any] = {"obs_start": self.obs_date()}
        if name in self.units:
            facts |= self.units[name]
        elif name:
            facts["exposures"] = [one for one in self.units.values() if one["instrument"] == name]
        return WorkUnit(
            MISSION, self.daxa.obs_id, name[:2], name[2:] or "ALL", str(self.daxa.raw), str(self.daxa.folder), facts,
            {"sas": self.daxa.version},
        )  # fmt: skip

    def obs_date(self) -> str:
        rows = self.daxa.mission.filtered_obs_info
        return str(rows[rows["ObsID"] == self.daxa.obs_id].iloc[0]["start"].strftime("%Y-%m-%d"))

    def recipe(self, step: str, name: str, parameters: Mapping[str, Any]) -> tuple[WorkUnit, Recipe]:
        unit = self.unit(step, name)
        return unit, resolve(STEPS[step].build)(unit, checked(STEPS[step], parameters))

    def calls(self, step: str, name: str, parameters: Mapping[str, Any]) -> list[Call]:
        unit, recipe = self.recipe(step, name, parameters)
        given = {one.name: one.path for one in recipe.given}
        made = {one.pattern: one.key for one in recipe.made}
        last = Counter(run.argv[2].split("_", 1)[1] for run in recipe.runs if run.argv[0] == "merge")

        def meaning(value: str) -> str:
            if match := re.search(r"GTI\((?P<path>\S+), TIME\)", value):
                return value.replace(match["path"], meaning(match["path"]))
            if value in given:
                return self._of_product(given[value])
            if match := re.fullmatch(r"(\w*events)_merged_(\d)\.fits", value):
                return f"<merged {match[1]} {int(match[2]) - 1}>"
            if match := re.fullmatch(r"final_(\w*events)\.fits", value):
                return f"<merged {match[1]} {last[f'{match[1]}.fits'] - 1}>"
            if value in made and value != "ccf.cif":
                return f"<{made[value].kind} of {made[value].unit}>"
            if value == unit.raw_folder:
                return "<raw data>"
            return self._of_product(value) if value.startswith(unit.folder) else value

        return [
            Call(
                run.argv[0],
                tuple(sorted((n, meaning(v)) for n, _, v in (one.partition("=") for one in run.argv[1:]))),
                tuple(sorted((n, meaning(v)) for n, v in run.environment.items())),
            )
            for run in recipe.runs
        ]  # fmt: skip

    def _of_product(self, path: str) -> str:
        name = Path(path).name
        if name.endswith("-ccf.cif"):
            return "<cif>"
        match = re.fullmatch(r"obsid\d+-inst(\w+)-subexp(\w+)-(\w+)\.\w+", name)
        assert match is not None, path
        kind = {"calibratedevents": "calibrated_events", "ootevents": "oot_events", "cleanevents": "clean_events",
                "cleanootevents": "clean_oot_events", "allgoodevents": "all_good_events",
                "allgoodootevents": "all_good_oot_events", "gti": "gti"}[match[3]]  # fmt: skip
        return f"<{kind} of {match[1]}{match[2]}>"
