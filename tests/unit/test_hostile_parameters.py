"""Whatever a stored task of a stranger's archive says of the parameters of any step: it is refused in a sentence, or it is what a
form could say, and nothing of it names a file, begins an option, or breaks out of its argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.core.errors import DaxaError, FileError, InputError, ReductionError
from daxa_gui.core.step import Level, Parameter, Step
from daxa_gui.reduction import STEPS, builtin
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.external import recipe_for
from daxa_gui.reduction.pipelines import PIPELINES
from daxa_gui.reduction.recipe import WorkUnit, stored_arguments
from tests.fakes.task_context import FakeContext

EVIL = "EVIL"
TEXTS = (
    f"@/tmp/{EVIL}", f"/tmp/{EVIL}", f"~/{EVIL}", f"../{EVIL}", f"--{EVIL}=1", f"{EVIL}.fits", f"{EVIL}\nclobber=yes",
    f"{EVIL},mode=h", f"a;{EVIL}", f"$({EVIL})", f"`{EVIL}`", f"{{work}}/{EVIL}",
    f"region({EVIL})", f"gti(/tmp/{EVIL},TIME)", f"a[{EVIL}]",
    f"'{EVIL}'", f"{EVIL}\0", f"{EVIL}\u2028x", f"0x1 {EVIL}", f"none {EVIL}", f"2020-01-01 {EVIL}", f"yes\x1b[0m{EVIL}",
)  # fmt: skip
UNITS = {
    "sas": ("xmm_pointed", "0999900901", {"": "ALL", "PN": "S003", "M1": "S001", "R1": "S004"}),
    "esass": ("erosita_calpv", "700005", {"TM1_TM2": "ALL"}),
    "ciao": ("chandra", "4933", {"ACIS": "E001", "HRC": "E001"}),
    "heasoft": ("nustar_pointed", "60021034002", {"FPMA": "ALL"}),
}  # fmt: skip
FACTS = {
    "obs_start": "2004-05-09", "ccds": [1, 2], "whole": True, "event_list": "a_EventList_001.fits",
    "exposures": [{"exposure": "S001", "start": "2004-05-09T00:00:00"}],
}  # fmt: skip
EXTERNAL = [step for step in STEPS.values() if step.software not in ("builtin", "")]


def stored(step: Step, parameters: dict[str, Any], facts: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """The task's arguments for units of the step."""
    mission, obs_id, units = UNITS[step.software]
    for instrument, exposure in units.items():
        if bool(instrument) == (step.level is not Level.OBSERVATION) and (not step.instruments or instrument in step.instruments):
            unit = WorkUnit(
                mission, obs_id, instrument, "ALL" if step.level is Level.INSTRUMENT else exposure, f"/out/raw/{obs_id}",
                f"/out/a/{obs_id}", FACTS | (facts or {}), {"sas": "22.1.0"},
            )  # fmt: skip
            yield stored_arguments(step.name, unit, parameters)


def arguments_of(step: Step, stored_task: dict[str, Any]) -> list[str]:
    recipe = recipe_for(step.name, {name: value for name, value in stored_task.items() if name != "step"})
    return [word for run in recipe.runs for word in (*run.argv, *run.environment.values())]


def hostile(parameter: Parameter) -> Iterator[Any]:
    for text in TEXTS:
        yield from (text, [text], [[text, 1.0]], {text: text}, [[0.5, text]], (text, text))
        if isinstance(parameter.default, (list, tuple)):
            yield [*parameter.default, text]
    yield from (10**400, float("nan"), float("inf"), -1e308, [[]], [{}], [None], [[1.0, float("nan")]], b"x", [True], {"a": 1})


@pytest.mark.parametrize("step", EXTERNAL, ids=lambda step: step.name)
def test_that_every_step_of_other_software_makes_commands_of_its_own_values(step: Step) -> None:
    if step.name == "exposures":
        pytest.skip("runs no program")
    found = [word for task in stored(step, {}) for word in arguments_of(step, task)]
    assert found or step.name == "merge_subexposures"  # with one exposure there is nothing to merge


@pytest.mark.parametrize("step", [step for step in EXTERNAL if step.parameters], ids=lambda step: step.name)
def test_that_no_value_of_a_stored_task_becomes_more_than_a_value(step: Step) -> None:
    for parameter in step.parameters:
        for value in hostile(parameter):
            for task in stored(step, {parameter.name: value}):
                try:
                    words = arguments_of(step, task)
                except DaxaError as error:
                    assert error.message and error.message.isprintable()
                    continue
                assert not any(EVIL in word for word in words), (parameter.name, value)


@pytest.mark.parametrize("step", EXTERNAL, ids=lambda step: step.name)
def test_that_every_number_has_limits_and_every_text_a_check(step: Step) -> None:
    for parameter in step.parameters:
        kind = parameter.kind or type(parameter.default).__name__
        if kind in ("text", "texts", "str") and not parameter.choices:
            assert parameter.check, parameter.name
        elif kind in ("integer", "number", "range", "ranges", "numbers", "int", "float"):
            assert parameter.choices or None not in (parameter.minimum, parameter.maximum), parameter.name
        else:
            assert parameter.choices or kind in ("bool", "yes/no"), (parameter.name, kind)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (builtin.flares, {"bin_s": 1e-9}), (builtin.flares, {"bin_s": "1"}), (builtin.flares, {"n_sigma": float("nan")}),
        (builtin.flares, {"band_kev": [2.0, 1.0]}), (builtin.flares, {"added_s": [[0, 10**400]]}),
        (builtin.flares, {"added_s": 5}), (builtin.flares, {"limits_ct_s": "ab"}),
        (builtin.clean, {"max_pattern": 10**9}), (builtin.clean, {"zero_flag": "no"}),
        (builtin.clean, {"max_pattern": "4"}), (builtin.image, {"pixel_bin": 0}), (builtin.image, {"pixel_bin": 1e-6}),
        (builtin.image, {"band_kev": [0.5]}), (builtin.image, {"band_kev": [0.5, f"/tmp/{EVIL}"]}),
    ],
)  # fmt: skip
def test_that_the_built_in_engine_looks_at_its_parameters_before_it_reads_anything(
    function: Callable[..., Any], arguments: dict[str, Any], tmp_path: Path
) -> None:
    about = {"mission": "m", "obs_id": "1", "instrument": "M1", "exposure": "S001", "path": str(tmp_path / "missing.fits")}
    if function is builtin.clean:
        about["gti_path"] = str(tmp_path / "missing.gti")
    with pytest.raises(InputError):
        function(FakeContext(work_folder=str(tmp_path)), **about, **arguments)
    with pytest.raises(FileError):  # with good ones it is the file that is missing
        function(FakeContext(work_folder=str(tmp_path)), **about)


def test_that_a_text_without_a_check_of_its_own_is_a_word() -> None:
    step = Step("s", "S", "", "sas", (), (Parameter("a", "A", "now"), Parameter("b", "B", ("x",), kind="texts")), "")
    assert checked(step, {"a": "Abc_1", "b": ["y", "z_2"]}) == {"a": "Abc_1", "b": ["y", "z_2"]}
    for text in (*TEXTS, "a b", "é", 5, None, ["a"]):
        for values in ({"a": text}, {"b": [text]}):
            with pytest.raises(InputError):
                checked(step, values)
    with pytest.raises(InputError, match="more than 30"):
        checked(step, {"b": ["x"] * 31})


def test_that_what_only_counts_as_equal_to_a_choice_is_the_choice_or_refused() -> None:
    nupipeline, deflare = STEPS["nupipeline"], STEPS["deflare"]
    assert repr(checked(nupipeline, {"saacalc": 1.0})["saacalc"]) == "1"
    assert repr(checked(deflare, {"ccds": [7.0, 3]})["ccds"]) == "[3, 7]"
    for step, values in ((nupipeline, {"saacalc": True}), (deflare, {"ccds": [True]}), (deflare, {"ccds": [[1]]})):
        with pytest.raises(InputError):
            checked(step, values)


def test_that_arguments_of_pipelines_hold_no_texts() -> None:
    """They would be set for steps that check them again; nothing else looks at them."""
    for pipeline in PIPELINES.values():
        for argument in pipeline.arguments:
            assert (argument.parameter.kind or type(argument.parameter.default).__name__) in ("range", "bool")


@pytest.mark.parametrize("value", [[0], [13], [1, 10**400], ["1,2"], [True], [1.5], "12", [[1]], 5, {"1": 1}, [-1], [None]])
def test_that_ccds_of_a_strangers_task_are_numbers_of_ccds(value: Any) -> None:
    for task in stored(STEPS["epchain"], {}, {"ccds": value}):
        with pytest.raises(ReductionError, match="makes no sense"):
            arguments_of(STEPS["epchain"], task)
