"""From observations and steps of the missions' software to jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.step import Call, Level
from daxa_gui.execution.moves import settle
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.chain import Subject, chain_of, plan_observation
from daxa_gui.reduction.pipelines import PIPELINES, expanded

XMM = "xmm_pointed"


def unit(instrument, exposure, usable=True, **facts):
    reason = "" if usable else "It is closed."
    return {
        "instrument": instrument,
        "exposure": exposure,
        "usable": usable,
        "reason": reason,
        "scheduled": exposure[0] == "S",
        **facts,
    }


UNITS = [
    unit("M1", "S001"), unit("M1", "U002"), unit("M2", "S003", usable=False), unit("PN", "S004", ccds=[1, 2, 3]),
    unit("R1", "S005"),
]  # fmt: skip


def subject(units=UNITS, **changes):
    one = Subject(XMM, "0999900901", "output:raw", "archive:here", (), {"obs_start": "2010-11-24", "events": []}, units)
    return replace(one, **changes)


def planned(names, given=None, about=None, versions=None):
    chain = chain_of(XMM, names, given or {}, versions or {"sas": "22.1.0", "ccf": "a"})
    requests, aside = plan_observation(about or subject(), chain)
    return {(request.step, request.unit): request for request in requests}, requests, aside


def test_that_steps_of_the_observation_come_first_and_everything_stands_behind_what_it_needs():
    by_name, requests, aside = planned(PIPELINES["full_xmm"].steps)
    assert list(by_name)[:3] == [("cif_build", ""), ("odf_ingest", ""), ("exposures", "")]
    labels = [request.label for request in requests]
    for position, request in enumerate(requests):
        assert all(labels.index(need) < position for need in request.needs)
    assert {name for name in by_name if name[0] == "espfilt"} == {("espfilt", one) for one in ("M1S001", "M1U002", "PNS004")}
    assert {name for name in by_name if name[0] == "emchain"} == {("emchain", "M1S001"), ("emchain", "M1U002")}
    merge = by_name["merge_subexposures", "M1"]
    assert merge.one_is_enough
    assert set(merge.needs) == {by_name["cleaned_evt_lists", one].label for one in ("M1S001", "M1U002")}
    assert [one.unit for one in aside] == ["M2S003"]


def test_that_unknown_units_give_the_jobs_up_to_the_step_that_finds_them():
    by_name, _, _ = planned(PIPELINES["full_xmm"].steps, about=subject(units=None))
    assert list(by_name) == [("cif_build", ""), ("odf_ingest", ""), ("exposures", "")]


def test_that_only_chosen_instruments_are_reduced():
    by_name, _, _ = planned(["cleaned_evt_lists"], about=subject(chosen=("PN",)))
    assert {unit for step, unit in by_name if step == "cleaned_evt_lists"} == {"PNS004"}


def test_that_unscheduled_exposures_can_be_left_out_and_merging_does_not_wait_for_them():
    given = {"emchain": {"process_unscheduled": False}}
    by_name, _, aside = planned(["merge_subexposures"], given)
    assert ("emchain", "M1U002") not in by_name and ("espfilt", "M1U002") not in by_name
    assert by_name["merge_subexposures", "M1"].needs == (by_name["cleaned_evt_lists", "M1S001"].label,)
    facts = by_name["merge_subexposures", "M1"].task.arguments["facts"]
    assert [one["exposure"] for one in facts["exposures"]] == ["S001"]
    assert any(one.unit == "M1U002" and "not scheduled" in one.reason for one in aside)


def test_that_a_step_is_needed_where_a_parameter_says_so():
    without, _, _ = planned(["cleaned_evt_lists"])
    assert not any(step == "emanom" for step, _ in without)
    with_it, _, _ = planned(["cleaned_evt_lists"], {"cleaned_evt_lists": {"filt_mos_anom_state": True}})
    assert with_it["emanom", "M1S001"].label in with_it["cleaned_evt_lists", "M1S001"].needs
    assert not any("emanom" in need for need in with_it["cleaned_evt_lists", "PNS004"].needs)


def test_that_a_task_changes_with_its_own_parameters_versions_and_facts_only():
    first, _, _ = planned(["merge_subexposures"])
    other, _, _ = planned(["merge_subexposures"], {"espfilt": {"allowed_sigma": 2.0}})
    changed = {name[0] for name in first if first[name].task != other[name].task}
    assert changed == {"espfilt"}
    newer, _, _ = planned(["merge_subexposures"], versions={"sas": "23.0.0", "ccf": "a"})
    assert {name[0] for name in first if first[name].task != newer[name].task} == {
        step.name for step in STEPS.values() if step.software == "sas" and step.name in {name[0] for name in first}
    }


def test_that_no_task_names_a_program():
    for request in planned(PIPELINES["full_xmm"].steps)[1]:
        assert isinstance(request.task, Call) and request.task.target.startswith("daxa_gui.reduction.")
        assert "argv" not in request.task.arguments


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        (["espfild"], {}, "no step"),
        (["cif_build"], {"espfilt": {"ratio": 1.0}}, "does not run"),
        (["espfilt"], {"espfilt": {"allowed_sigma": 1e9}}, "at most"),
        (["espfilt"], {"espfilt": {"colour": 1}}, "no parameter"),
        (["cleaned_evt_lists"], {"cleaned_evt_lists": {"acc_mos_anom_states": ["G", "Z"]}}, "has no"),
        (["cleaned_evt_lists"], {"cleaned_evt_lists": {"pn_filt_expr": ["a\nb"]}}, "line breaks"),
    ],
)
def test_that_what_cannot_be_is_refused(names, given, words):
    with pytest.raises(InputError) as error:
        planned(names, given)
    assert words in f"{error.value.message} {error.value.hint}"


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=lambda one: one.name)
def test_that_pipelines_name_what_there_is(pipeline):
    assert set(pipeline.steps) <= set(STEPS)
    for argument in pipeline.arguments:
        for step, name in argument.sets:
            declared = {parameter.name: parameter for parameter in STEPS[step].parameters}
            assert name in declared and step in pipeline.steps
    for mission in pipeline.missions:
        names, given = expanded(pipeline, {})
        chain = chain_of(mission, names, given, {})
        assert any(step.is_final for step in chain.steps) and {step.name for step in chain.steps} <= set(pipeline.steps)
        assert all(step.level is Level.OBSERVATION for step in chain.steps[:1])


def test_that_arguments_of_a_pipeline_reach_their_steps():
    names, given = expanded(PIPELINES["full_xmm"], {"energies_kev": [0.5, 2.0], "find_mos_anom_state": True})
    assert "emanom" in names
    assert given["cleaned_evt_lists"] == {"energies_kev": [0.5, 2.0], "filt_mos_anom_state": True}
    assert "emanom" not in expanded(PIPELINES["full_xmm"], {})[0]
    with pytest.raises(InputError):
        expanded(PIPELINES["full_erosita"], {"energies_kev": [0.1, 2.0]})


def needs(*states):
    return [Job(n, "reduce", "local", XMM, "1", "M1", "x", f"job {n}", Call("a:b"), state) for n, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((JobState.SUCCEEDED, JobState.FAILED), JobState.QUEUED),
        ((JobState.SUCCEEDED, JobState.RUNNING), None),
        ((JobState.FAILED, JobState.WAITING), None),
        ((JobState.FAILED, JobState.SKIPPED), JobState.SKIPPED),
        ((JobState.CANCELLED, JobState.SUCCEEDED), JobState.QUEUED),
    ],
)
def test_that_one_need_is_enough_where_that_was_said(states, expected):
    job = Job(9, "reduce", "local", XMM, "1", "M1", "m", "merge", Call("a:b"), JobState.WAITING, (0, 1), one_is_enough=True)
    after = settle(job, needs(*states), None, 1.0)
    assert (None if after is None else after.state) is expected
    # without it, every need counts
    strict = settle(replace(job, one_is_enough=False), needs(*states), None, 1.0)
    assert strict is None or strict.state is JobState.SKIPPED
