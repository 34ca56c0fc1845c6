"""eROSITA, Chandra and NuSTAR from raw data to cleaned lists and images, with the stand-ins of their software."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import DaxaError, ReductionError
from daxa_gui.core.product import ProductKind
from daxa_gui.reduction import other_units
from tests.fakes.software_chain import Chain, chain
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_others import chandra_raw, erosita_events, nustar_raw

__all__ = ["standins", "standins_once"]
K = ProductKind


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rows(path: Path, column: str) -> Any:
    with fits.open(path) as hdus:
        return np.array(hdus["EVENTS"].data[column])


# ---- eROSITA


def erosita(root: Path, software: Installed, chosen: tuple[str, ...] = ()) -> Chain:
    raw = root / "erosita_calpv_raw" / "999902"
    raw.mkdir(parents=True)
    erosita_events(raw)
    [found] = other_units.erosita_exposures(raw_folder=str(raw), events=(), chosen=chosen)
    return chain(root, software, "erosita_calpv", "999902", raw, found)


def test_that_flares_of_erosita_are_cut_and_the_raw_list_stays_as_it_was(tmp_path: Path, standins: Installed) -> None:
    work = erosita(tmp_path, standins)
    raw = Path(work.unit.raw_folder)
    before = tree(raw)
    flares = work.run("flaregti")
    assert 0.1 < flares.facts["kept_fraction"] < 1
    cleaned = work.run("cleaned_erosita_evts", energies_kev=[0.5, 2.0], pattern=3)
    assert tree(raw) == before
    path = work.product(K.FINAL_EVENTS, (0.5, 2.0))
    assert 0 < cleaned.facts["n_events"] == len(rows(path, "TIME")) < cleaned.facts["n_events_before"]
    assert rows(path, "PI").min() >= 500
    assert rows(path, "PI").max() <= 2000
    assert set(rows(path, "PAT_TYP")) <= {1, 2}
    assert cleaned.facts["ontime_s"] == pytest.approx(flares.facts["good_time_s"], rel=1e-3)
    with fits.open(work.product(K.GTI)) as hdus:
        start, stop = hdus["FLAREGTI3"].data["START"], hdus["FLAREGTI3"].data["STOP"]
    of_three = rows(path, "TIME")[rows(path, "TM_NR") == 3]
    assert all(np.any((start <= time) & (time <= stop)) for time in of_three)
    for kind in (K.LIGHTCURVE, K.THRESHOLD_IMAGE, K.MASK_IMAGE):
        assert work.product(kind).is_file()


def test_that_some_modules_alone_are_reduced_from_flares_to_cleaned_list(tmp_path: Path, standins: Installed) -> None:
    work = erosita(tmp_path, standins, ("TM2", "TM5"))
    work.run("flaregti", "cleaned_erosita_evts")
    assert set(rows(work.product(K.CALIBRATED_EVENTS), "TM_NR")) == {2, 5}
    assert set(rows(work.product(K.FINAL_EVENTS, (0.2, 10.0)), "TM_NR")) == {2, 5}
    with fits.open(work.product(K.GTI)) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["FLAREGTI2", "FLAREGTI5"]


# ---- Chandra


def chandra(root: Path, software: Installed, instrument: str = "ACIS", **more: Any) -> Chain:
    raw = chandra_raw(root / "chandra_raw" / "99902", instrument=instrument, **more)
    [found] = other_units.chandra_exposures(raw_folder=str(raw), chosen=())
    return chain(root, software, "chandra", "99902", raw, found)


CHANDRA = ("chandra_repro", "deflare", "cleaned_chandra_evts", "flux_image", "rate_image")


@pytest.mark.parametrize("instrument", ["ACIS", "HRC"])
def test_that_chandra_is_reduced_to_images_and_survives_without_its_raw_data(
    tmp_path: Path, standins: Installed, instrument: str
) -> None:
    work = chandra(tmp_path, standins, instrument, n_aspect=2)
    raw = Path(work.unit.raw_folder)
    before = tree(raw)
    repro = work.run("chandra_repro")
    assert tree(raw) == before
    for path in sorted(raw.rglob("*"), reverse=True):  # what later steps need must not lie there
        path.rmdir() if path.is_dir() else path.unlink()
    work.run(*CHANDRA[1:])
    outcomes = work.outcomes
    assert outcomes["cleaned_chandra_evts"].facts["n_events"] < repro.facts["n_events"]
    assert 0 < outcomes["deflare"].facts["kept_fraction"] < 1
    bands = [(0.06, 10.0)] if instrument == "HRC" else [(0.5, 7.0), (0.2, 0.5)]
    for band in bands:
        for kind in (K.IMAGE, K.WEIGHTED_EXPOSURE_MAP, K.FLUX_MAP, K.PSF_MAP, K.EXPOSURE_MAP, K.RATE_MAP):
            assert work.product(kind, band).is_file()
    assert not any(path.is_symlink() for path in Path(work.unit.folder).rglob("*"))


# ---- NuSTAR


def test_that_nustar_is_screened_cleaned_and_imaged_for_each_module_apart(tmp_path: Path, standins: Installed) -> None:
    raw = nustar_raw(tmp_path / "nustar_pointed_raw" / "79999002002")
    before = tree(raw)
    for found in other_units.nustar_exposures(raw_folder=str(raw), chosen=()):
        work = chain(tmp_path, standins, "nustar_pointed", "79999002002", raw, found)
        screened = work.run("nupipeline")
        assert 0 < screened.facts["n_events"] < screened.facts["n_events_before"]
        work.run("cleaned_nustar_evts", energies_kev=[3.0, 24.0])
        pi = rows(work.product(K.CLEAN_EVENTS), "PI")
        assert 35 <= pi.min() <= pi.max() <= 559
        work.run("nustar_images", bands_kev=[[3.0, 24.0]], vignetting_kev=10.0)
        with fits.open(work.product(K.IMAGE, (3.0, 24.0))) as hdus:
            assert hdus[0].data.sum() == len(pi)
        assert work.product(K.EXPOSURE_MAP).is_file()
    assert tree(raw) == before
    assert len(list(Path(work.unit.folder).glob("misc/*-attitude.fits"))) == 2


# ---- what goes wrong


def test_that_strange_folders_do_no_harm_and_both_methods_against_flares_work(tmp_path: Path, standins: Installed) -> None:
    root = tmp_path / "o'clock, 5; Ωmega [x]"
    root.mkdir()
    work = chandra(root, standins)
    work.run("chandra_repro")
    kept = {method: work.run("deflare", method=method).facts["good_time_s"] for method in ("sigma", "clean")}
    assert all(0 < seconds < 6000 for seconds in kept.values())
    work.run("cleaned_chandra_evts", energies_kev=[1.0, 3.0], allowed_grades=[0, 6])
    path = work.product(K.CLEAN_EVENTS)
    assert set(rows(path, "grade")) <= {0, 6}
    assert 1000 <= rows(path, "energy").min() <= rows(path, "energy").max() <= 3000


def test_that_a_missing_list_and_a_missing_file_are_told(tmp_path: Path, standins: Installed) -> None:
    work = chandra(tmp_path, standins)
    with pytest.raises(DaxaError):
        work.run("deflare")
    for path in (Path(work.unit.raw_folder) / "secondary").iterdir():
        path.unlink()
    with pytest.raises(ReductionError):
        work.run("chandra_repro")
