"""The arguments that are noted for DAXA's update() make its own functions do what our steps did."""

from __future__ import annotations

import importlib
import inspect
import json
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from astropy.units import Quantity

from daxa_gui.exchange.daxa_processes import arguments_of, daxa_process, error_of, our_steps, run_config, sentence_of, warning_of
from daxa_gui.reduction import STEPS
from tests.daxa_shim import real_daxa
from tests.interchange.daxa_archives import World
from tests.interchange.test_xmm_commands import compare, daxa_with
from tests.interchange.xmm_commands import MISSION

__all__ = ["real_daxa"]  # the fixture


@pytest.fixture
def world(real_daxa: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield World(real_daxa, monkeypatch, (MISSION,))


def loaded(arguments: dict[str, Any]) -> dict[str, Any]:
    """As DAXA reads them from its save file."""
    texts = json.loads(json.dumps(arguments))
    return {
        name: Quantity(value.replace("Quantity ", "")) if isinstance(value, str) and "Quantity " in value else value
        for name, value in texts.items()
    }


@pytest.mark.parametrize(
    ("step", "parameters", "units"),
    [
        ("cif_build", {}, [""]),
        ("epchain", {"process_unscheduled": False}, ["PNS003"]),
        ("emchain", {}, ["M1S001", "M1U002", "M2S002"]),
        ("espfilt", {}, ["M1S001", "M1U002", "M2S002", "PNS003", "PNU014"]),
        (
            "espfilt",
            {"method": "ratio", "ratio": 1.5, "with_smoothing": False, "bin_s": 90, "allowed_sigma": 2.0, "range_scale_pn": 12.0,
             "gauss_fit_lims": (0.2, 5.0)},
            ["M1S001", "M1U002", "M2S002", "PNS003", "PNU014"],
        ),
        ("espfilt", {"smooth_s": 21, "band_ev": (3000, 7000)}, ["M1S001", "M1U002", "M2S002", "PNS003", "PNU014"]),
        (
            "cleaned_evt_lists", {"pn_filt_expr": ("(PATTERN == 0)",), "mos_filt_expr": ("(PATTERN <= 4)", "(FLAG .eq. 0)")},
            ["M1S001", "M1U002", "M2S002", "PNS003", "PNU014"],
        ),
    ],
)  # fmt: skip
def test_that_daxa_builds_the_same_commands_from_them(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, parameters: dict[str, Any], units: list[str]
) -> None:
    arguments = arguments_of(STEPS[step], parameters)
    assert arguments is not None
    compare(daxa_with(world, monkeypatch), step, loaded(arguments), parameters, units)


def test_that_every_process_takes_its_arguments(real_daxa: ModuleType) -> None:
    lookup = importlib.import_module("daxa.process").PROC_LOOKUP
    n_known = {}
    for mission in ("xmm_pointed", "erosita_calpv", "erosita_all_sky_de_dr1", "chandra", "nustar_pointed"):
        used: dict[str, dict[str, Any]] = {name: {} for name in our_steps(mission, STEPS).values()}
        for one in run_config(mission, used, (), STEPS):
            for process, arguments in one.items():
                inspect.signature(inspect.unwrap(lookup[mission][process])).bind(None, **loaded(arguments))
                n_known[mission, process] = arguments
        assert set(our_steps(mission, STEPS)) >= set(lookup[mission])  # each of DAXA's processes is a step here
    assert len(n_known) == 11 + 2 + 2 + 6 + 2


def test_that_what_daxa_cannot_read_again_is_left_out(real_daxa: ModuleType) -> None:
    flux = arguments_of(STEPS["flux_image"], {"bands_kev": [[0.5, 7.0]], "effective_kev": [2.3], "acis_bin_size": 2})
    assert flux == {"acis_bin_size": 2, "hrc_bin_size": 16}
    assert arguments_of(STEPS["cif_build"], {"analysis_date": "2020-01-01"}) == {}
    assert arguments_of(STEPS["generate_images_expmaps"], {}) is None
    assert "flag" not in (arguments_of(STEPS["cleaned_erosita_evts"], {"flag": "0xc00fff30"}) or {})
    assert daxa_process("nustar_pointed", "cleaned_nustar_evts", STEPS) == ""


def test_that_processes_that_ran_here_replace_those_of_a_taken_over_archive() -> None:
    before = [{"cif_build": {"analysis_date": "now"}}, {"espfilt": {"method": "ratio"}}, {"their_own": {}}]
    found = run_config("xmm_pointed", {"espfilt": {"allowed_sigma": 2.0}}, before, STEPS)
    assert [list(one) for one in found] == [["cif_build"], ["their_own"], ["espfilt"]]
    assert found[-1]["espfilt"]["allowed_sigma"] == 2.0 and found[-1]["espfilt"]["method"] == "histogram"


@pytest.mark.parametrize(
    "sentence",
    ["NoWCS of evselect: no coordinates", "rejectRows12 of emchain → emframes: 3 of 100: frames",
     "M1S001 has no events.", "Only 5 % of the time is kept: a flare of protons."],
)  # fmt: skip
def test_that_warnings_come_back_as_they_were(sentence: str) -> None:
    warning = warning_of(sentence)
    assert sentence_of(warning) == sentence and set(warning) == {"originator", "name", "message"}
    assert (warning["originator"] == "DAXA GUI") == sentence.endswith(".")


def test_that_errors_have_daxas_form() -> None:
    said = "« espfilt » ended with exit code 1: noCounts of espfilt: All histo counts are zero!"
    assert error_of(said) == "noCounts raised by espfilt - All histo counts are zero!"
    assert error_of("It took longer than 5 minutes.") == "Failure raised by DAXA GUI - It took longer than 5 minutes."
