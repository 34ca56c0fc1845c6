"""Missions that other installed packages add; the example is in tests/plugin."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_gui.core.registry import Registry
from daxa_gui.missions import MISSIONS, PLUGIN_GROUP, _objection

PLUGIN = Path(__file__).resolve().parents[1] / "plugin"

USE = """
import json
import numpy as np
from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.core.filters import Cone, HasInstrument, TargetType, Usable
from daxa_gui.core.registry import resolve
from daxa_gui.core.sky import SkyPosition
from daxa_gui.core.table import DataTable
from daxa_gui.missions import MISSIONS, searchable

spec = MISSIONS["example_observatory"]
rows = {
    "obsid": ["EX0001", "EX0002", "EX0003"], "name": ["3C 273", "M 31", ""],
    "ra": [187.28, 10.68, np.nan], "dec": [2.05, 41.27, 1.0],
    "time": [59000.0, 0.0, 59001.0], "end_time": [59000.5, 0.0, 59001.5], "exposure": [20000.0, 0.0, 10.0],
    "category": ["quasar", "Spiral", "Galaxy clusters"],
}
source = spec.sources[0]
table = DataTable({name: np.array(rows[name]) for name in source.columns})
catalogue = catalogue_from(spec, resolve(source.build)(table), provenance="made by a test")
near = Cone(SkyPosition(187.3, 2.05), None).mask(catalogue)
print("ANSWER " + json.dumps({
    "names": list(MISSIONS), "searchable": [one.name for one in searchable()], "len": len(MISSIONS),
    "problems": list(MISSIONS.problems),
    "near": catalogue.obs_id[near].tolist(), "usable": catalogue.obs_id[Usable().mask(catalogue)].tolist(),
    "agn": catalogue.obs_id[TargetType(("AGN",)).mask(catalogue)].tolist(),
    "camera": catalogue.obs_id[HasInstrument(("CAM",)).mask(catalogue)].tolist(),
    "reasons": list(catalogue.unusable_reason.tolist()), "footprint": catalogue.footprints["CAM"].shape,
}))
"""


def answer(program: str, path: Path) -> Any:
    """What a new process prints as JSON with one more folder to import from."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False, env=variables
    )
    assert result.returncode == 0, result.stderr
    line = next(line for line in result.stdout.splitlines() if line.startswith("ANSWER "))
    return json.loads(line.removeprefix("ANSWER "))


def test_that_a_plugin_adds_a_mission_whose_catalogue_is_made_and_filtered() -> None:
    found = answer(USE, PLUGIN)
    assert found["names"] == [*(name for name in MISSIONS if name != "example_observatory"), "example_observatory"]
    assert found["searchable"] == found["names"]
    assert found["len"] == 13
    assert found["problems"] == []
    assert found["near"] == ["EX0001"]
    assert found["usable"] == ["EX0001"]
    assert found["agn"] == ["EX0001"]
    assert found["camera"] == ["EX0001", "EX0003"]
    assert found["reasons"] == ["", "not observed yet ; no exposure", "no coordinates"]
    assert found["footprint"] == "square"


def test_that_a_built_in_mission_is_had_without_looking_for_plugins() -> None:
    program = (
        "import json, sys\nfrom daxa_gui.missions import MISSIONS\nMISSIONS['swift']\n"
        "def there(): return ['importlib.metadata' in sys.modules, 'example_observatory' in sys.modules]\n"
        "before = there()\nlist(MISSIONS)\nprint('ANSWER ' + json.dumps([before, there()]))"
    )
    assert answer(program, PLUGIN) == [[False, False], [True, True]]


# ------------------------------------------------------------------------------------------------------ broken plug-ins


def package(folder: Path, name: str, entry_points: str, code: str = "") -> None:
    """A package as if installed into the folder."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{PLUGIN_GROUP}]\n{entry_points}\n", encoding="utf-8")
    if code:
        (folder / f"{name}.py").write_text(code, encoding="utf-8")


def registry() -> Registry:
    """A registry like MISSIONS that has not looked for plug-ins yet."""
    return Registry({"swift": "daxa_gui.missions.swift:SPEC"}, plugin_group=PLUGIN_GROUP, objection=_objection)


SPEC = """
from dataclasses import replace
from daxa_gui.missions.suzaku import SPEC as SUZAKU
SPEC = replace(SUZAKU, {changes})
"""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import sys; sys.exit('good bye')", "SystemExit: good bye"),
        ("import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("OTHER = 1", "AttributeError"),
        ("SPEC = 12", "not a MissionSpec"),
        (SPEC.format(changes="label='x'"), "calls itself « suzaku »"),
        (SPEC.format(changes="name='broken', instruments=()"), "no instruments"),
        (SPEC.format(changes="name='broken', default_instruments=('XIS9',)"), "not among them"),
        (SPEC.format(changes="name='broken', default_instruments=()"), "no default instruments"),
        (SPEC.format(changes="name='broken', obs_id_example='none'"), "does not match its own pattern"),
    ],
)
def test_that_a_broken_plugin_is_left_out_and_reported(
    code: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    package(tmp_path, "broken_mission", "broken = broken_mission:SPEC", code)
    monkeypatch.syspath_prepend(str(tmp_path))
    missions = registry()
    with caplog.at_level(logging.WARNING):
        assert list(missions) == ["swift"]
    sys.modules.pop("broken_mission", None)
    assert "broken" not in missions
    assert len(missions.problems) == 1
    assert reason in missions.problems[0]
    assert "« broken » (broken_mission:SPEC)" in missions.problems[0]
    assert missions.problems[0] in caplog.text


def test_that_a_plugin_cannot_replace_a_built_in_mission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "other_swift", "swift = other_swift:SPEC", SPEC.format(changes="name='swift'"))
    monkeypatch.syspath_prepend(str(tmp_path))
    missions = registry()
    assert missions["swift"] is MISSIONS["swift"]
    assert list(missions) == ["swift"]
    assert "the name is taken" in missions.problems[0]
    assert "other_swift" not in sys.modules, "its code was run for nothing"


def test_that_two_plugins_with_one_name_are_one_mission_and_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one_mission", "two_mission"):
        package(tmp_path, name, f"twice = {name}:SPEC", SPEC.format(changes=f"name='twice', label='{name}'"))
    monkeypatch.syspath_prepend(str(tmp_path))
    missions = registry()
    assert list(missions) == ["swift", "twice"]
    assert missions["twice"].label == "one_mission"
    assert ["the name is taken" in problem for problem in missions.problems] == [True]


def test_that_an_unknown_name_is_a_key_error_with_plugins_too() -> None:
    missions = registry()
    with pytest.raises(KeyError):
        missions["nowhere"]
    assert missions.get("nowhere") is None


def test_that_a_registry_without_a_group_has_no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGIN))
    assert list(Registry({"swift": "daxa_gui.missions.swift:SPEC"})) == ["swift"]


def test_that_the_example_is_a_mission_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGIN))
    missions = registry()
    assert list(missions) == ["swift", "example_observatory"]
    assert missions["example_observatory"].instrument("camera").name == "CAM"
    assert np.isclose(missions["example_observatory"].search_radius_deg(), 0.3)
