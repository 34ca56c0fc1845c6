"""What flaregti and evtool are asked, and what is made of their files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.recipe import WorkUnit
from tests.fakes.reduction_files import arguments, erosita_list, events, finished, gti, recipe, unit, write
from tests.fakes.task_context import FakeContext


def some(**facts: Any) -> WorkUnit:
    known = {"event_list": "EXP_010/em01_131093_020_EventList_c010.fits", "modules": ["TM1", "TM2"], "whole": True} | facts
    return unit("erosita_all_sky_de_dr1", "TM1_TM2", **known)


def test_that_flaregti_works_on_a_copy_and_the_next_step_on_its_result() -> None:
    flares, cleaned = recipe("flaregti", some()), recipe("cleaned_erosita_evts", some())
    [given] = flares.given
    assert given.copy
    assert given.path == "/raw/EXP_010/em01_131093_020_EventList_c010.fits"
    assert arguments(flares.runs[0].argv)["eventfile"] == given.name
    kept = next(made for made in flares.made if made.key.kind is ProductKind.CALIBRATED_EVENTS)
    assert kept.pattern == given.name
    assert cleaned.given[0].path == some().product(ProductKind.CALIBRATED_EVENTS)
    assert arguments(cleaned.runs[0].argv)["gti"] == "FLAREGTI"


def test_that_chosen_modules_are_taken_out_before_flares_are_looked_for() -> None:
    built = recipe("flaregti", some(whole=False))
    assert [run.argv[0] for run in built.runs] == ["evtool", "flaregti"]
    first, second = (arguments(run.argv) for run in built.runs)
    assert first["telid"] == "1 2"
    assert first["outfile"] == second["eventfile"] != first["eventfiles"] == built.given[0].name
    assert not built.given[0].copy


@pytest.mark.parametrize("modules", [[], ["TM8"], ["TM1; rm"]])
def test_that_strange_modules_are_refused(modules: list[str]) -> None:
    with pytest.raises(InputError, match="telescope modules"):
        recipe("flaregti", some(whole=False, modules=modules))


@pytest.mark.parametrize("place", ["", "/etc/passwd", "../../other/list.fits", "a/../../b.fits"])
def test_that_a_list_outside_the_raw_folder_is_refused(place: str) -> None:
    with pytest.raises(InputError, match="which raw file"):
        recipe("flaregti", some(event_list=place))


def test_that_a_compressed_list_is_unpacked_first(tmp_path: Path) -> None:
    work = some(event_list="list.fits.gz")
    built = recipe("flaregti", work)
    assert built.given[0].name == "events.fits.gz"
    plain = erosita_list(tmp_path / "plain.fits").read_bytes()
    (tmp_path / "events.fits.gz").write_bytes(gzip.compress(plain))
    context = FakeContext(work_folder=str(tmp_path))
    assert resolve(built.prepare)(context, work, {}, built) == built
    assert (tmp_path / "events.fits").read_bytes() == plain
    (tmp_path / "events.fits.gz").write_bytes(gzip.compress(plain)[:500])
    with pytest.raises(FileError, match="cannot be unpacked"):
        resolve(built.prepare)(context, work, {}, built)


def test_that_the_flag_mask_is_passed_on_and_its_inversion_only_when_asked_for() -> None:
    built = arguments(recipe("cleaned_erosita_evts", some(), flag="C00FFF30", pattern=7, energies_kev=[0.5, 2.0]).runs[0].argv)
    assert (built["flag"], built["pattern"], built["emin"], built["emax"]) == ("0xc00fff30", "7", "0.5", "2")
    assert "flag_invert" not in built
    assert arguments(recipe("cleaned_erosita_evts", some(), flag_invert=True).runs[0].argv)["flag_invert"] == "yes"
    for strange in ("", "0xg", "0x123456789", "12 34"):
        with pytest.raises(InputError, match="mask of flags"):
            recipe("cleaned_erosita_evts", some(), flag=strange)


def test_that_the_cleaned_list_is_the_final_one_and_has_its_band_in_its_name() -> None:
    [made] = recipe("cleaned_erosita_evts", some()).made
    assert (made.key.kind, made.key.band_kev) == (ProductKind.FINAL_EVENTS, (0.2, 10.0))
    assert STEPS["cleaned_erosita_evts"].is_final


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pi_ev", [100.0, 900.0]),
        ("pi_ev", [900.0, 300.0]),
        ("timebin_s", 0.0),
        ("timebin_s", 2e9),
        ("binsize", 0),
        ("mask_iter", 1.5),
    ],
)
def test_that_values_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError):
        recipe("flaregti", some(), **{name: value})


def test_that_the_good_time_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    erosita_list(tmp_path / "events.fits", modules=(1, 2), flares=True)
    outcome = finished(recipe("flaregti", some()), some(), tmp_path, "flaregti")
    assert outcome.facts["good_time_s"] == pytest.approx(52.0)  # both modules together: 0 to 40, 50 to 62
    assert outcome.facts["kept_fraction"] == pytest.approx(0.52)
    assert outcome.facts["n_intervals"] == 2
    assert outcome.facts["good_time_per_module_s"] == {"1": pytest.approx(51.0), "2": pytest.approx(52.0)}
    assert not outcome.stop
    assert not outcome.warnings
    [file] = outcome.files
    assert file.key is not None
    assert file.key.kind is ProductKind.GTI
    with fits.open(tmp_path / file.name) as written:
        assert [hdu.name for hdu in written[1:]] == ["FLAREGTI1", "FLAREGTI2"]
        assert written["FLAREGTI2"].data["STOP"].tolist() == [40.0, 62.0]


def test_that_little_time_is_a_warning_and_none_stops(tmp_path: Path) -> None:
    built = recipe("flaregti", some())
    table = events(3, {"TM_NR": ("B", [1, 1, 1])})
    write(tmp_path / "events.fits", table, gti("GTI1", (0.0, 100.0)), gti("FLAREGTI1", (0.0, 5.0)))
    outcome = finished(built, some(), tmp_path, "flaregti")
    assert "5.0 % of the time" in outcome.warnings[0]
    write(tmp_path / "events.fits", table, gti("GTI1", (0.0, 100.0)), gti("FLAREGTI1"))
    assert "No time" in finished(built, some(), tmp_path, "flaregti").stop
    write(tmp_path / "events.fits", table, gti("GTI1", (0.0, 100.0)))
    with pytest.raises(FileError, match="FLAREGTI"):
        finished(built, some(), tmp_path, "flaregti")


def test_that_an_empty_cleaned_list_stops(tmp_path: Path) -> None:
    erosita_list(tmp_path / "events.fits", flares=True)
    built = recipe("cleaned_erosita_evts", some())
    write(tmp_path / "cleaned.fits", events(7, EXPOSURE=51.5), gti("GTI1", (0.0, 40.0), (50.0, 61.0)))
    outcome = finished(built, some(), tmp_path, "cleaned_erosita_evts")
    assert outcome.facts == {
        "n_events": 7, "n_intervals": 2, "ontime_s": 51.0, "exposure_s": 51.5, "n_events_before": 21,
        "kept_fraction_events": pytest.approx(1 / 3),
    }  # fmt: skip
    write(tmp_path / "cleaned.fits", events(7), gti("GTI1", (0.0, 55.0)), gti("FLAREGTI1", (0.0, 40.0), (50.0, 61.0)))
    assert finished(built, some(), tmp_path, "cleaned_erosita_evts").facts["ontime_s"] == 45.0
    write(tmp_path / "cleaned.fits", events(0), gti("GTI1", (0.0, 40.0)))
    assert "no events" in finished(built, some(), tmp_path, "cleaned_erosita_evts").stop
