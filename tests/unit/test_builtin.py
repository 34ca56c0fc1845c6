"""The built-in steps on made files: outcomes, products in the work folder, reasons to stop, history."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import Cancelled, FileError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, Outcome
from daxa_gui.fits.products import read_gti, read_image
from daxa_gui.reduction import builtin, planner
from daxa_gui.reduction.engine.gti import inside
from daxa_gui.reduction.reading import read
from tests.fakes.event_files import mos_list
from tests.fakes.task_context import FakeContext

GOOD = {1: [(0.0, 9000.0), (9100.0, 20000.0)], 2: [(0.0, 20000.0)]}


def exposure(path: Path, *, storm: bool = False, seed: int = 1, **header: Any) -> Path:
    """20 ks at 0.8 ct/s with a flare in the middle, or stormy all the time; some events of bad pattern and flags."""
    rng = np.random.default_rng(seed)
    second = np.arange(0.0, 20000.0)
    rate = 0.8 + 8.0 * ((second > 8000) & (second < 11000))
    if storm:
        walk = np.interp(second, np.arange(0, 20600, 600), np.cumsum(rng.normal(0, 0.35, 35)))
        rate = 12.0 * np.exp(walk - walk.mean())
    counts = rng.poisson(rate)
    time = np.repeat(second, counts) + rng.random(counts.sum())
    n = len(time)
    mos_list(
        path, time, rng.choice([1, 2], n), GOOD, pi=rng.integers(300, 9000, n),
        pattern=np.where(rng.random(n) < 0.05, 20, 0), flag=np.where(rng.random(n) < 0.05, 0x10000, 0),
    )  # fmt: skip
    if header:
        with fits.open(path, mode="update") as opened:
            opened["EVENTS"].header.update(header)
    return path


class Archive:
    """Runs planned jobs one after the other and puts their files into place, as the queue and the store do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: dict[str, Outcome] = {}
        self.logs: dict[str, list[str]] = {}

    def place(self, key: ProductKey) -> str:
        return str(self.folder / f"{key.unit}-{key.kind}-{key.band_kev}.fits")

    def reduce(self, path: Path, parameters: dict[str, dict[str, Any]] | None = None) -> None:
        raw = ProductKey("xmm_pointed", "0123456789", ProductKind.EVENTS, "M1", "S001")
        for request in planner.plan(raw, str(path), None, parameters or {}, self.place):
            assert isinstance(request.task, Call)
            work = self.folder / f"work-{request.step}"
            work.mkdir(exist_ok=True)
            context = FakeContext(work_folder=str(work))
            outcome = resolve(request.task.target)(context, **json.loads(json.dumps(request.task.arguments)))
            self.outcomes[request.step], self.logs[request.step] = outcome, context.lines
            json.dumps([asdict(file) for file in outcome.files], allow_nan=False)
            json.dumps(outcome.facts, allow_nan=False)
            for file in outcome.files:
                assert file.key is not None
                (work / file.name).rename(self.place(file.key))
            assert not list(work.iterdir())
            if outcome.stop:
                break


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_that_a_flared_exposure_becomes_a_clean_list_and_an_image(archive: Archive, tmp_path: Path) -> None:
    archive.reduce(exposure(tmp_path / "raw.fits"))
    assert list(archive.outcomes) == ["prepare", "flares", "clean", "image"]
    assert not any(outcome.stop for outcome in archive.outcomes.values())
    facts = archive.outcomes["flares"].facts
    assert facts["useful"] and facts["fitted"]
    assert 0.8 < facts["kept_fraction"] < 0.86
    raw = read(str(tmp_path / "raw.fits"))
    gti = read_gti(tmp_path / "M1S001-gti-None.fits")
    assert not inside(gti, np.array([8500.0, 9500.0, 10500.0])).any()
    clean = read(str(tmp_path / "M1S001-clean_events-None.fits"))
    assert raw.pattern is not None and raw.flag is not None and raw.ccd is not None and clean.pattern is not None
    good = (raw.pattern <= 12) & ((raw.flag & 0x766BA000) == 0) & inside(gti, raw.time_s)
    good &= (raw.ccd == 2) | (raw.time_s < 9000) | (raw.time_s >= 9100)
    assert np.array_equal(clean.time_s, raw.time_s[good])
    assert clean.ontime_s == pytest.approx(facts["good_time_s"], rel=0.02)
    image = read_image(tmp_path / "M1S001-image-(0.5, 2.0).fits")
    assert clean.energy_kev is not None
    assert int(np.sum(image.values.astype(int))) == np.count_nonzero((clean.energy_kev >= 0.4999) & (clean.energy_kev <= 2.0001))


def test_that_the_facts_of_the_list_are_noted(archive: Archive, tmp_path: Path) -> None:
    archive.reduce(exposure(tmp_path / "raw.fits"))
    facts = archive.outcomes["prepare"].facts
    assert facts["rows"] == len(read(str(tmp_path / "raw.fits")))
    assert facts["filter"] == "Thin1"
    assert facts["total_good_time_s"] == 20000.0


@pytest.mark.parametrize(
    ("header", "words"),
    [({"FILTER": "CalClosed"}, "filter is « CalClosed »"), ({"FILTER": "Closed"}, "Closed"), ({"FILTER": "CalThin1"}, "CalThin1"),
     ({"SUBMODE": "Diagnostic3x3"}, "mode « Diagnostic3x3 »")],
)  # fmt: skip
def test_that_what_is_not_fit_for_science_stops_with_the_reason(
    archive: Archive, tmp_path: Path, header: dict[str, str], words: str
) -> None:  # fmt: skip
    archive.reduce(exposure(tmp_path / "raw.fits", **header))
    assert words in archive.outcomes["prepare"].stop
    assert list(archive.outcomes) == ["prepare"]


@pytest.mark.parametrize(
    ("time", "pattern", "intervals", "words"),
    [([], [], [(0.0, 10.0)], "no events"), ([1.0], [0], [], "good time is empty"), ([1.0], [31], [(0.0, 10.0)], "No event has")],
)
def test_that_empty_lists_stop_with_the_reason(
    archive: Archive, tmp_path: Path, time: list[float], pattern: list[int], intervals: list[tuple[float, float]], words: str
) -> None:  # fmt: skip
    path = mos_list(
        tmp_path / "raw.fits", np.array(time), np.ones(len(time), int), {1: intervals}, pattern=np.array(pattern, int)
    )
    archive.reduce(path)
    assert words in archive.outcomes["prepare"].stop


def test_that_a_wholly_flared_exposure_stops_but_leaves_its_light_curve(archive: Archive, tmp_path: Path) -> None:
    archive.reduce(exposure(tmp_path / "raw.fits", storm=True, seed=2))
    assert archive.outcomes["flares"].stop.startswith("No useful time")
    assert not archive.outcomes["flares"].facts["useful"]
    assert "clean" not in archive.outcomes
    assert (tmp_path / "M1S001-lightcurve-None.fits").is_file()


def test_that_an_override_is_used_and_written_into_the_history(archive: Archive, tmp_path: Path) -> None:
    override = {"limits_ct_s": (0.0, 100.0), "removed_s": ((100.0, 200.0),), "added_s": ((50.0, 150.0),), "bin_s": 100.0}
    archive.reduce(exposure(tmp_path / "raw.fits", storm=True, seed=2), {"flares": override})
    assert archive.outcomes["flares"].facts["by_hand"]
    assert archive.outcomes["flares"].facts["useful"]
    gti = read_gti(tmp_path / "M1S001-gti-None.fits")
    assert inside(gti, np.array([99.0, 100.0, 199.0, 200.0])).tolist() == [True, False, False, True]
    history = " ".join(fits.getheader(tmp_path / "M1S001-gti-None.fits")["HISTORY"])
    assert "by hand" in history and "removed by hand: 100.000 to 200.000" in history and "added by hand" in history
    clean = read(str(tmp_path / "M1S001-clean_events-None.fits"))
    assert not ((clean.time_s >= 100) & (clean.time_s < 200)).any()


def test_that_parameters_of_cleaning_and_image_are_obeyed(archive: Archive, tmp_path: Path) -> None:
    path = exposure(tmp_path / "raw.fits")
    archive.reduce(path, {"clean": {"max_pattern": 20, "zero_flag": True}, "image": {"band_kev": (2.0, 8.0), "pixel_bin": 174}})
    clean = read(str(tmp_path / "M1S001-clean_events-None.fits"))
    assert clean.pattern is not None and clean.flag is not None
    assert (clean.pattern == 20).any() and not clean.flag.any()
    image = read_image(tmp_path / "M1S001-image-(2.0, 8.0).fits")
    assert (image.values.shape, image.grid.bin_x, image.grid.edge_x) == ((256, 256), 174.0, 3648.5)
    header = fits.getheader(tmp_path / "M1S001-clean_events-None.fits", "EVENTS")
    terms = {header[k]: header[f"DSVAL{k[5:]}"] for k in header if k.startswith("DSTYP")}
    assert (terms["PATTERN"], terms["FLAG"]) == (":20", "0")


def test_that_the_flag_term_is_that_of_sas(archive: Archive, tmp_path: Path) -> None:
    archive.reduce(exposure(tmp_path / "raw.fits"))
    header = fits.getheader(tmp_path / "M1S001-clean_events-None.fits", "EVENTS")
    values = [header[f"DSVAL{k[5:]}"] for k in header if k.startswith("DSTYP") and header[k] == "FLAG"]
    assert values == ["b000x00xx00x0x000x0xxxxxxxxxxxxx"]


def test_that_a_list_without_sky_coordinates_has_no_image_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "timing.fits"
    exposure(path)
    with fits.open(path) as opened:
        opened["EVENTS"].columns.del_col("X")
        opened.writeto(tmp_path / "bare.fits")
    context = FakeContext(work_folder=str(tmp_path))
    outcome = builtin.image(context, str(tmp_path / "bare.fits"), "xmm_pointed", "0123456789", "PN", "S003")
    assert "no sky coordinates" in outcome.stop
    assert not outcome.files


def test_that_damaged_files_fail_by_name_and_leave_nothing(tmp_path: Path) -> None:
    path = exposure(tmp_path / "raw.fits")
    path.write_bytes(path.read_bytes()[:100000])
    work = tmp_path / "work"
    work.mkdir()
    identity = {"mission": "m", "obs_id": "1", "instrument": "M1", "exposure": "S001"}
    with pytest.raises(FileError, match=r"raw\.fits is cut short"):
        builtin.prepare(FakeContext(work_folder=str(work)), str(path))
    with pytest.raises(FileError, match=r"raw\.fits is cut short"):
        builtin.flares(FakeContext(work_folder=str(work)), str(path), **identity)
    assert not list(work.iterdir())


def test_that_cancelling_in_the_middle_of_cleaning_leaves_nothing(archive: Archive, tmp_path: Path) -> None:
    path = exposure(tmp_path / "raw.fits")
    archive.reduce(path)
    work = tmp_path / "work-again"
    work.mkdir()
    context = FakeContext(work_folder=str(work))
    context.cancel()
    with pytest.raises(Cancelled):
        builtin.clean(context, str(path), str(tmp_path / "M1S001-gti-None.fits"), "m", "1", "M1", "S001")
    assert not list(work.iterdir())


@pytest.mark.parametrize(
    "name", ["chandra/15043_sgra_evt2.fits", "swift/2014_11/00085374001/xrt/event/sw00085374001xpcw3po_cl.evt.gz",
             "nustar/nu90410111001A06_cl_sunpos.evt", "nicer_rxte/sgr1830kgfilt.evt"],
)  # fmt: skip
def test_that_real_lists_of_other_missions_go_through_all_steps(
    archive: Archive, shared_data: Path, tmp_path: Path, name: str
) -> None:
    archive.reduce(shared_data / name)
    assert list(archive.outcomes) == ["prepare", "flares", "clean", "image"]
    clean = read(str(tmp_path / "M1S001-clean_events-None.fits"))
    assert len(clean) == archive.outcomes["clean"].facts["n_events"] > 0
    assert not any("outside" in warning for warning in clean.warnings)
    assert clean.ontime_s == pytest.approx(archive.outcomes["flares"].facts["good_time_s"], rel=1e-6)
