"""What the tasks of CIAO are asked, and what is made of their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import FileError, InputError, ReductionError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Outcome
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.chandra_aspect import joined_aspect
from tests.fakes.reduction_files import arguments, aspect, events, finished, gti, recipe, unit, write

ACIS, HRC = (unit("chandra", name, "E001") for name in ("ACIS", "HRC"))
FITS = b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800)


# ---- chandra_repro


def test_that_the_raw_folder_is_read_and_never_written() -> None:
    built = recipe("chandra_repro", ACIS)
    asked = arguments(built.runs[0].argv)
    assert (asked["indir"], built.given[0].path) == (built.given[0].name, "/raw")
    assert asked["outdir"] != asked["indir"]
    assert all(made.pattern.startswith(f"{asked['outdir']}/") for made in built.made)


def test_that_other_instruments_are_refused() -> None:
    with pytest.raises(InputError, match="no detector of Chandra"):
        recipe("chandra_repro", unit("chandra", "PN", "E001"))


def repro(folder: Path, aspects: Sequence[str], rows: int = 30, detector: str = "ACIS") -> Path:
    """What chandra_repro leaves; its mask, dead times and the aspect solutions « link:… » are links into the raw data."""
    raw, out = folder / "raw", folder / "work" / "repro"
    for place in (raw, out):
        place.mkdir(parents=True)
    root = f"4321{detector}E001_repro"
    write(out / f"{root}_evt2.fits", events(rows), gti("GTI", (0.0, 10.0)), gti("GTI", (5.0, 30.0)))
    write(out / f"{root}_flt2.fits", gti("GTI", (0.0, 30.0)))
    for name in (f"{root}_bpix1.fits", f"{root}_fov1.fits"):
        (out / name).write_bytes(FITS)
    linked = [f"{detector.lower()}f04321_000N003_msk1.fits", *(["hrcf04321_000N003_dtf1.fits"] if detector == "HRC" else [])]
    for name in linked:
        (raw / name).write_bytes(FITS)
    for number, name in enumerate(aspects):
        plain = name.removeprefix("link:")
        aspect((raw if name != plain else out) / plain, 100.0 * (len(aspects) - number))
        if name != plain:
            linked.append(plain)
    for name in linked:
        (out / name).symlink_to(raw / name)
    return out.parent


def done(work: Path, detector: str = "ACIS") -> Outcome:
    where = replace(unit("chandra", detector, "E001"), raw_folder=str(work.parent / "raw"))
    return finished(recipe("chandra_repro", where), where, work, "chandra_repro")


def by_kind(outcome: Outcome) -> dict[ProductKind, str]:
    return {file.key.kind: file.name for file in outcome.files if file.key is not None}


ONE = "link:pcadf04321_000N001_asol1.fits"


@pytest.mark.parametrize("detector", ["ACIS", "HRC"])
def test_that_links_into_the_raw_data_become_files(tmp_path: Path, detector: str) -> None:
    work = repro(tmp_path, [ONE], detector=detector)
    outcome = done(work, detector)
    files = by_kind(outcome)
    wanted = {ProductKind.DETECTOR_MASK, ProductKind.ASPECT_SOLUTION} | ({ProductKind.DEAD_TIME} if detector == "HRC" else set())
    assert set(files) == wanted
    assert not any((work / name).is_symlink() for name in files.values())
    assert (work / files[ProductKind.DETECTOR_MASK]).read_bytes() == FITS
    raw = tmp_path / "raw" / "pcadf04321_000N001_asol1.fits"
    assert (work / files[ProductKind.ASPECT_SOLUTION]).read_bytes() == raw.read_bytes()
    assert outcome.facts == {"n_events": 30, "ontime_s": 30.0, "n_intervals": 1, "n_aspect_solutions": 1}


def test_that_several_aspect_solutions_become_one_in_order_of_time(tmp_path: Path) -> None:
    work = repro(tmp_path, [ONE, "link:pcadf04322_000N001_asol1.fits"])
    outcome = done(work)
    assert outcome.facts["n_aspect_solutions"] == 2
    with fits.open(work / by_kind(outcome)[ProductKind.ASPECT_SOLUTION]) as written:
        times = written["ASPSOL"].data["time"]
        assert len(times) == 8
        assert np.all(np.diff(times) > 0)
        assert (written["ASPSOL"].header["TSTART"], written["ASPSOL"].header["TSTOP"]) == (times[0], times[-1])


def test_that_an_updated_aspect_solution_is_preferred(tmp_path: Path) -> None:
    work = repro(tmp_path, [ONE, "pcadf04321_repro_asol1.fits"])
    outcome = done(work)
    assert outcome.facts["n_aspect_solutions"] == 1
    made = work / by_kind(outcome)[ProductKind.ASPECT_SOLUTION]
    assert made.read_bytes() == (work / "repro" / "pcadf04321_repro_asol1.fits").read_bytes()


def test_that_an_observation_without_aspect_solution_fails_and_one_without_events_stops(tmp_path: Path) -> None:
    with pytest.raises(ReductionError, match=r"left no « pcadf\*_asol1\.fits »"):
        done(repro(tmp_path / "a", []))
    assert "no events" in done(repro(tmp_path / "b", [ONE], rows=0)).stop


def test_that_links_that_lead_nowhere_or_elsewhere_are_told(tmp_path: Path) -> None:
    work = repro(tmp_path, [ONE])
    mask = tmp_path / "raw" / "acisf04321_000N003_msk1.fits"
    mask.unlink()
    with pytest.raises(FileError, match=r"msk1\.fits cannot be copied"):
        done(work)
    mask.symlink_to("/etc/hostname")
    with pytest.raises(FileError, match="none of the raw data"):
        done(work)
    (work / "repro" / "acisf04321_000N003_msk1.fits").unlink()
    for number in (1, 2):
        (work / "repro" / f"acisf04321_00{number}N003_msk1.fits").write_bytes(FITS)
    with pytest.raises(ReductionError, match="left 2 files"):
        done(work)


def test_that_aspect_solutions_of_other_columns_are_not_joined(tmp_path: Path) -> None:
    paths = [aspect(tmp_path / "a.fits", 1.0), aspect(tmp_path / "b.fits", 9.0, roll="D")]
    with pytest.raises(FileError, match="other columns"):
        joined_aspect(paths, tmp_path / "joined.fits")
    with pytest.raises(FileError, match=r"c\.fits is no aspect solution"):
        joined_aspect([paths[0], write(tmp_path / "c.fits", events(3))], tmp_path / "joined.fits")
    assert not (tmp_path / "joined.fits").exists()


# ---- deflare


def test_that_hrc_has_a_light_curve_of_all_events() -> None:
    curves = [arguments(recipe("deflare", work, time_bin_s=100).runs[0].argv)["infile"] for work in (ACIS, HRC)]
    assert curves == ["events.fits[energy=500:7000][bin time=::100]", "events.fits[bin time=::100]"]


def test_that_chips_with_bright_sources_can_be_left_out_of_the_light_curve() -> None:
    curves = [arguments(recipe("deflare", work, ccds=[6, 5]).runs[0].argv)["infile"] for work in (ACIS, HRC)]
    assert curves == ["events.fits[energy=500:7000,ccd_id=5,6][bin time=::200]", "events.fits[bin time=::200]"]
    with pytest.raises(InputError):
        recipe("deflare", ACIS, ccds=[])


def test_that_each_method_has_its_own_parameters() -> None:
    sigma = arguments(recipe("deflare", ACIS, min_length=5, allowed_sigma=2.5).runs[1].argv)
    assert sigma.items() >= {"method": "sigma", "nsigma": "2.5", "minlength": "5"}.items()
    assert not {"scale", "mean", "minfrac", "stddev"} & set(sigma)
    clean = arguments(recipe("deflare", ACIS, method="clean", quiet_rate_ct_s=0.35, scale=1.3).runs[1].argv)
    assert clean.items() >= {"method": "clean", "mean": "0.35", "scale": "1.3", "minfrac": "0.1", "stddev": "0"}.items()
    assert "minlength" not in clean
    assert arguments(recipe("deflare", ACIS, method="clean", limit_sigma=3).runs[1].argv)["stddev"] == "3"


def test_that_the_kept_time_is_measured(tmp_path: Path) -> None:
    write(tmp_path / "events.fits", events(4), gti("GTI", (0.0, 100.0)), gti("GTI", (100.0, 200.0)))
    write(tmp_path / "lightcurve.fits", events(4))
    write(tmp_path / "gti.fits", gti("GTI", (0.0, 50.0), (100.0, 130.0)))
    outcome = finished(recipe("deflare", ACIS), ACIS, tmp_path, "deflare")
    assert outcome.facts == {"good_time_s": 80.0, "n_intervals": 2, "time_before_s": 200.0, "kept_fraction": 0.4}
    write(tmp_path / "gti.fits", gti("GTI"))
    assert finished(recipe("deflare", ACIS), ACIS, tmp_path, "deflare").stop


# ---- cleaned_chandra_evts


def test_that_events_are_chosen_by_energy_grade_and_status() -> None:
    first, second = (
        arguments(run.argv)["infile"]
        for run in recipe("cleaned_chandra_evts", ACIS, energies_kev=[0.29, 7.0], allowed_grades=[0, 6]).runs
    )
    assert first == "events.fits[EVENTS][energy=290:7000,grade=0,6,status=0]"
    assert second == "interim.fits[EVENTS][@gti.fits]"


def test_that_hrc_is_cleaned_without_energies_and_grades_and_refuses_limits() -> None:
    assert arguments(recipe("cleaned_chandra_evts", HRC).runs[0].argv)["infile"] == "events.fits[EVENTS][status=0]"
    with pytest.raises(InputError, match="HRC measures no energies"):
        recipe("cleaned_chandra_evts", HRC, energies_kev=[0.5, 7.0])


def test_that_the_cleaned_list_decides_over_success_and_stops_when_empty(tmp_path: Path) -> None:
    assert [name for name in STEPS if STEPS[name].missions == ("chandra",) and STEPS[name].is_final] == ["cleaned_chandra_evts"]
    write(tmp_path / "events.fits", events(10))
    write(tmp_path / "cleaned.fits", events(0), gti("GTI", (0.0, 1.0)))
    assert "no events" in finished(recipe("cleaned_chandra_evts", ACIS), ACIS, tmp_path, "cleaned_chandra_evts").stop


# ---- images


def test_that_flux_and_rate_images_never_make_the_same_product() -> None:
    made = [{one.key for one in recipe(step, ACIS).made} for step in ("flux_image", "rate_image")]
    assert not made[0] & made[1]
    assert [len(keys) for keys in made] == [20, 10]


def test_that_hrc_has_one_wide_band_and_dead_times() -> None:
    built = recipe("rate_image", HRC, hrc_bin_size=32)
    asked = arguments(built.runs[0].argv)
    assert asked.items() >= {"units": "time", "binsize": "32", "background": "default"}.items()
    assert "bands" not in asked
    assert {made.key.band_kev for made in built.made} == {(0.06, 10.0)}
    assert asked["dtffile"] in {given.name for given in built.given}


def test_that_every_file_named_to_fluximage_is_given() -> None:
    built = recipe("flux_image", ACIS)
    asked = arguments(built.runs[0].argv)
    names = {asked["infile"].removesuffix("[EVENTS]"), *(asked[name] for name in ("asolfile", "badpixfile", "maskfile"))}
    assert names == {given.name for given in built.given}


@pytest.mark.parametrize(
    ("bands", "energies", "sentence"),
    [
        ([[0.5, 2.0]], None, "belong together"),
        (None, [1.0], "belong together"),
        ([[0.5, 2.0], [2.0, 7.0]], [1.0], "2 energy bands, but 1"),
        ([[0.5, 2.0]], [2.5], "not in its band"),
        ([[0.5, 2.0], [0.5, 2.0]], [1.0, 1.1], "given twice"),
    ],
)
def test_that_bands_and_effective_energies_must_fit(
    bands: list[list[float]] | None, energies: list[float] | None, sentence: str
) -> None:
    given = {name: value for name, value in (("bands_kev", bands), ("effective_kev", energies)) if value is not None}
    with pytest.raises(InputError, match=sentence):
        recipe("flux_image", ACIS, **given)


def test_that_own_bands_give_their_files() -> None:
    built = recipe("flux_image", ACIS, bands_kev=[[0.5, 2.0], [2.0, 8.0]], effective_kev=[1.0, 4.0])
    assert arguments(built.runs[0].argv)["bands"] == "0.5:2.0:1.0,2.0:8.0:4.0"
    assert "img_2.0-8.0_flux.img" in {made.pattern for made in built.made}
