"""Reasons and change logs call parameters as forms do, with units; JSON and the command line keep the names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.standing import Standing, Standings
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.job import JobState
from daxa_gui.core.parameter_words import change_words, value_words
from daxa_gui.core.step import Call, JobRequest, Place
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.recipe import RUN_STEP, WorkUnit, stored_arguments

BY_NAME = {name: {one.name: one for one in STEPS[name].parameters} for name in STEPS}


@pytest.mark.parametrize(
    ("step", "name", "value", "words"),
    [
        ("espfilt", "allowed_sigma", 2.5, "2.5"), ("espfilt", "bin_s", 60, "60 s"), ("espfilt", "with_binning", False, "no"),
        ("espfilt", "band_ev", None, "the method's own"), ("espfilt", "band_ev", [300.0, 8500.0], "300 to 8500 eV"),
        ("espfilt", "method", "ratio", "ratio"), ("espfilt", "bin_s", None, "–"),
        ("flaregti", "source_size_arcsec", 25.0, "25 ″"),
        ("generate_images_expmaps", "bands_kev", [[0.5, 2.0], [2.0, 10.0]], "0.5 to 2, 2 to 10 keV"),
        ("cleaned_evt_lists", "pn_filt_expr", ["PI > 1", "a == 2"], "PI > 1 && a == 2"),
        ("cleaned_evt_lists", "acc_mos_anom_states", ["G"], "G"), ("deflare", "ccds", [0, 3], "0, 3"),
        ("flux_image", "effective_kev", [2.3, 0.92], "2.3, 0.92 keV"), ("flaregti", "timebin_s", 999999999.0, "999999999 s"),
        ("flares", "limits_ct_s", None, "automatic"), ("cleaned_evt_lists", "energies_kev", [], "– keV"),
    ],
)  # fmt: skip
def test_that_values_are_written_with_their_units(step: str, name: str, value: Any, words: str) -> None:
    assert value_words(BY_NAME[step][name], value) == words


def test_that_changes_have_the_labels_of_the_form_and_what_a_stranger_stored_is_harmless() -> None:
    assert change_words(BY_NAME["espfilt"], "bin_s", 60, 50) == "Bin length 60 s → 50 s"
    assert change_words(BY_NAME["flares"], "added_s", [], [[1, 2], [3, 4]]) == "intervals added by hand 0 → 2"
    assert change_words({}, "sas", "21.0.0", "") == "sas 21.0.0 → –"
    for strange in ("x" * 10_000, "a\nb\x1b[31m", {"a": {"b": 1}}, [[1, [2]]], ["y" * 500] * 500, 10**300):
        words = change_words(BY_NAME["espfilt"], "x\ny" * 100, strange, strange)
        assert words.isprintable() and len(words) < 350


@pytest.fixture
def store(tmp_path: Path) -> Any:
    one = ArchiveStore.create(OutputLayout(tmp_path / "out").archive("a"))
    yield one
    one.close()


def request(version: str = "22.1.0", **parameters: Any) -> JobRequest:
    unit = WorkUnit("xmm_pointed", "0999900901", "M1", "S001", "output:raw", "archive:0999900901", {}, {"sas": version})
    arguments = stored_arguments("espfilt", unit, checked(STEPS["espfilt"], parameters))
    task = Call(RUN_STEP, arguments, Place.THREAD)
    return JobRequest("reduce", "local", "xmm_pointed", "0999900901", "M1S001", "espfilt", "Flares", task)


def standing(store: ArchiveStore, asked: JobRequest) -> Standing:
    return Standings(store.layout, store.database, STEPS).compare([asked])[0]


def test_that_a_reason_has_labels_and_units_and_names_the_parameters_beside_them(store: ArchiveStore) -> None:
    [job] = store.add([request()])
    store.update(replace(job, state=JobState.RUNNING, attempt=1, started=1.0))
    store.update(replace(job, state=JobState.SUCCEEDED, attempt=1, started=1.0, finished=2.0))
    assert standing(store, request()).is_fresh
    one = standing(store, request(bin_s=50, band_ev=[300.0, 8500.0]))
    assert one.reason == "parameters: Bin length 60 s → 50 s, Energy band the method's own → 300 to 8500 eV"
    assert one.changed == ("bin_s", "band_ev")
    many = standing(store, request(bin_s=50, ratio=2.0, method="ratio", with_smoothing=False, allowed_sigma=1.0))
    assert many.reason.endswith(" …") and len(many.changed) == 5
    other = standing(store, request(version="21.0.0"))
    assert other.reason == "software: sas 22.1.0 → 21.0.0" and other.changed == ()
