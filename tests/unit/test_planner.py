"""Planning: steps with what they need, in order, with checked parameters; later steps read where earlier ones write."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, JobRequest, Place
from daxa_gui.reduction import planner

RAW = ProductKey("xmm_pointed", "0123456789", ProductKind.EVENTS, "M1", "S001")


def place(key: ProductKey) -> str:
    return f"/archive/{key.obs_id}/{key.unit}/{key.kind}"


def plan(steps: list[str] | None = None, parameters: dict[str, dict[str, Any]] | None = None) -> list[JobRequest]:
    return planner.plan(RAW, "/raw/list.FTZ", steps, parameters or {}, place)


def arguments(request: JobRequest) -> dict[str, Any]:
    assert isinstance(request.task, Call)
    return request.task.arguments


def test_that_all_steps_come_in_order_and_need_the_ones_before() -> None:
    requests = plan()
    assert [request.step for request in requests] == ["prepare", "flares", "clean", "image"]
    labels = {request.label for request in requests}
    assert len(labels) == 4
    for before, request in itertools.pairwise(requests):
        assert request.needs == (before.label,)
    assert requests[0].needs == ()


def test_that_a_wanted_step_brings_those_it_needs() -> None:
    assert [request.step for request in plan(["clean"])] == ["prepare", "flares", "clean"]
    assert [request.step for request in plan(["prepare"])] == ["prepare"]


def test_that_jobs_say_what_they_are_about_and_can_be_stored() -> None:
    for request in plan():
        assert (request.kind, request.lane, request.mission, request.obs_id, request.unit) == (
            "reduce", "local", "xmm_pointed", "0123456789", "M1S001",
        )  # fmt: skip
        assert isinstance(request.task, Call)
        assert request.task.place is Place.PROCESS
        assert callable(resolve(request.task.target))
        assert json.loads(json.dumps(request.task.arguments)) == request.task.arguments


def test_that_later_steps_read_what_earlier_ones_leave_in_the_archive() -> None:
    prepare, flares, clean, image = plan()
    assert arguments(prepare)["path"] == arguments(flares)["path"] == arguments(clean)["path"] == "/raw/list.FTZ"
    assert arguments(clean)["gti_path"] == "/archive/0123456789/M1S001/gti"
    assert arguments(image)["path"] == "/archive/0123456789/M1S001/clean_events"


def test_that_the_mission_s_own_values_are_the_defaults() -> None:
    flares = arguments(plan()[1])
    assert (flares["band_kev"], flares["bin_s"], flares["n_sigma"], flares["limits_ct_s"]) == (None, None, 3.0, None)
    assert (flares["added_s"], flares["removed_s"]) == ([], [])


def test_that_an_override_reaches_the_step_as_the_inspector_gives_it() -> None:
    override = {"band_kev": (3.0, 9.0), "bin_s": 30.0, "n_sigma": 2.5, "limits_ct_s": (0.1, 0.9), "added_s": ((1.0, 2.0),)}
    flares = arguments(plan(None, {"flares": override})[1])
    assert flares["band_kev"] == [3.0, 9.0]
    assert flares["limits_ct_s"] == [0.1, 0.9]
    assert flares["added_s"] == [[1.0, 2.0]]
    assert plan(None, {"flares": override})[1] != plan()[1]


@pytest.mark.parametrize(
    ("step", "values", "words"),
    [
        ("flares", {"colour": 1}, "no parameter « colour »"),
        ("clean", {"added_s": ()}, "no parameter « added_s »"),
        ("flares", {"bin_s": 0.0}, "at least 0.1 s"),
        ("flares", {"bin_s": "60"}, "needs a number"),
        ("flares", {"bin_s": float("nan")}, "needs a number"),
        ("flares", {"bin_s": True}, "needs a number"),
        ("flares", {"n_sigma": None}, "needs a value"),
        ("flares", {"n_sigma": 99.0}, "at most 20"),
        ("flares", {"band_kev": (8.5, 2.5)}, "not below"),
        ("flares", {"band_kev": 2.5}, "two numbers"),
        ("flares", {"band_kev": (1.0, 2.0, 3.0)}, "two numbers"),
        ("flares", {"added_s": ((5.0, 1.0),)}, "no interval"),
        ("flares", {"removed_s": (7.0,)}, "pairs of times"),
        ("clean", {"zero_flag": 1}, "yes or no"),
        ("clean", {"max_pattern": 3.5}, "whole number"),
        ("image", {"pixel_bin": 0}, "at least 1"),
    ],
)
def test_that_parameters_without_sense_are_refused_with_a_sentence(step: str, values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan(None, {step: values})


def test_that_an_unknown_step_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="polish") as refused:
        plan(["polish"])
    assert "flares" in refused.value.hint


def test_that_every_step_tells_enough_for_a_form() -> None:
    for step in planner.all_steps():
        assert step.label and step.help and step.software
        assert callable(resolve(step.build))
        for parameter in step.parameters:
            assert parameter.label
            assert parameter.kind or parameter.default is not None
            assert planner.checked(step, {parameter.name: parameter.default})
