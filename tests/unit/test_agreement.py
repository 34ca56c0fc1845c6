"""Values of parameters that are only wrong together are refused when they are ordered, and what they cannot be used for is left
aside; the two engines keep out of each other's way."""

from __future__ import annotations

from typing import Any

import pytest

from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.agreement import not_for, refuse_both_engines
from daxa_gui.reduction.chain import Subject, chain_of, plan_observation
from daxa_gui.reduction.parameters import allowed, as_typed, parse_parameters, read_value
from daxa_gui.reduction.pipelines import PIPELINES


@pytest.mark.parametrize(
    ("mission", "step", "values", "told"),
    [
        ("chandra", "flux_image", {"bands_kev": [[1.0, 2.0]]}, "belong together"),
        ("chandra", "rate_image", {"bands_kev": [[1.0, 2.0]], "effective_kev": [3.0]}, "not in its band"),
        ("nustar_pointed", "nupipeline", {"hp_cell_bin": 4}, "odd number"),
        ("nustar_pointed", "nupipeline", {"tentacle": True}, "together with its passages"),
        ("nustar_pointed", "nustar_images", {"bands_kev": [[3.01, 3.02]]}, "narrower than a channel"),
        ("nustar_pointed", "cleaned_nustar_evts", {"energies_kev": [3.01, 3.02]}, "narrower than a channel"),
        ("erosita_calpv", "cleaned_erosita_evts", {"flag": "good ones"}, "no mask of flags"),
        ("xmm_pointed", "cif_build", {"analysis_date": "soon"}, "no analysis date"),
        ("xmm_pointed", "espfilt", {"band_ev": [300.2, 300.8]}, "whole eV"),
        ("xmm_pointed", "cleaned_evt_lists", {"pn_filt_expr": ["(PATTERN <= 4)", " "]}, "term of the selection is empty"),
        ("xmm_pointed", "generate_images_expmaps", {"bands_kev": [[1.0, 2.0], [1.0, 2.0]]}, "twice"),
    ],
)
def test_that_what_is_wrong_together_is_refused_when_it_is_ordered(
    mission: str, step: str, values: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        chain_of(mission, [step], {step: values}, {})
    assert step in {one.name for one in chain_of(mission, [step], {}, {}).steps}


def test_that_every_pipeline_fits_with_its_own_values() -> None:
    for pipeline in PIPELINES.values():
        for mission in pipeline.missions:
            assert chain_of(mission, pipeline.steps, {}, {}).steps


def test_that_energies_leave_hrc_aside_with_all_that_needs_its_list() -> None:
    chain = chain_of("chandra", PIPELINES["full_chandra"].steps, {"cleaned_chandra_evts": {"energies_kev": [0.5, 7.0]}}, {})
    units = [{"instrument": name, "exposure": "E001", "usable": True, "reason": ""} for name in ("ACIS", "HRC")]
    requests, aside = plan_observation(Subject("chandra", "1", "output:raw/1", "archive:1", units=units), chain)
    assert [(one.unit, one.reason.partition(",")[0]) for one in aside] == [
        ("HRCE001", "Clean events (CIAO): HRC measures no energies")
    ]
    assert {request.step for request in requests if request.unit == "HRCE001"} == {"chandra_repro", "deflare"}
    assert {request.step for request in requests if request.unit == "ACISE001"} >= {"cleaned_chandra_evts", "rate_image"}
    assert not not_for("cleaned_chandra_evts", "HRC", {"energies_kev": None})


def test_that_only_one_engine_is_at_work_on_an_observation() -> None:
    one, other = ("chandra", "1", "deflare"), ("chandra", "1", "flares")
    elsewhere = ("chandra", "2", "flares")
    refuse_both_engines([one], [("chandra", "1", "exposures"), elsewhere])
    refuse_both_engines([one, elsewhere], [])
    with pytest.raises(InputError, match="cannot both be ordered for 1"):
        refuse_both_engines([one, other], [])
    with pytest.raises(ArchiveError, match="1 is still being reduced by the built-in engine"):
        refuse_both_engines([one], [other])
    with pytest.raises(ArchiveError, match="by the mission's software"):
        refuse_both_engines([other], [one])


def test_that_every_parameter_says_what_it_takes_and_reads_its_own_default_back() -> None:
    for step in (STEPS[name] for name in STEPS):
        for parameter in step.parameters:
            assert allowed(parameter).startswith("Allowed: ") and "None" not in allowed(parameter)
            if parameter.default is None:
                assert read_value(parameter, "") is None
                continue
            between = " && " if parameter.kind == "texts" else ","
            is_list = parameter.kind in ("texts", "many")
            typed = between.join(map(str, parameter.default)) if is_list else as_typed(parameter.default)
            typed = "-".join(map(str, parameter.default)) if parameter.kind == "range" else typed
            found = parse_parameters([f"{step.name}.{parameter.name}={typed}"])[step.name][parameter.name]
            assert plain(found) == plain(parameter.default)


def test_that_a_refused_value_is_named_with_what_is_allowed() -> None:
    with pytest.raises(InputError) as refused:
        parse_parameters(["deflare.time_bin_s=0"])
    assert refused.value.message == "deflare.time_bin_s=0: « Bin length » is at least 1 s."
    assert refused.value.hint == "Allowed: whole numbers from 1 to 1000000 s; usually 200."


def plain(value: Any) -> Any:
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value
