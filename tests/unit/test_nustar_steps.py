"""What nupipeline, ftcopy and nuexpomap are asked, and what is made of their files; expressions with the real CFITSIO."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.product import ProductKind
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.nustar_recipes import channels
from tests.fakes.reduction_files import arguments, events, finished, gti, recipe, unit, write

A, B = (unit("nustar_pointed", name) for name in ("FPMA", "FPMB"))


# ---- nupipeline


def test_that_calibration_and_screening_are_done_and_a_cleaned_list_is_made() -> None:
    built = recipe("nupipeline", B)
    asked = arguments(built.runs[0].argv)
    assert (asked["entrystage"], asked["exitstage"], asked["instrument"]) == ("1", "2", "FPMB")
    made = {one.key.kind: one.pattern for one in built.made}
    assert made[ProductKind.ALL_GOOD_EVENTS] == "outputs/nu60001002002B01_cl.evt"
    assert made[ProductKind.GTI] == "outputs/nu60001002002B01_gti.fits"


def test_that_no_file_of_one_module_has_the_place_of_another() -> None:
    places = [{A.product(one.key.kind) for one in recipe("nupipeline", A).made}]
    places.append({B.product(one.key.kind) for one in recipe("nupipeline", B).made})
    assert not places[0] & places[1]
    assert len(places[0]) == len(recipe("nupipeline", A).made)  # psd and psdcorr are two files, too


def test_that_the_screening_of_the_anomaly_can_be_chosen() -> None:
    asked = arguments(recipe("nupipeline", A, saamode="OPTIMIZED", saacalc=2, tentacle=True).runs[0].argv)
    assert (asked["saamode"], asked["saacalc"], asked["tentacle"]) == ("OPTIMIZED", "2", "yes")
    with pytest.raises(InputError, match="tentacle"):
        recipe("nupipeline", A, tentacle=True)


@pytest.mark.parametrize(
    ("name", "value"), [("hp_cell_bin", 4), ("hp_cell_bin", 0), ("hp_log_pos", 0.0), ("saacalc", 4), ("saamode", "none")]
)
def test_that_values_that_the_task_cannot_take_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError):
        recipe("nupipeline", A, **{name: value})


def test_that_other_instruments_are_refused() -> None:
    with pytest.raises(InputError, match="focal plane module"):
        recipe("nupipeline", unit("nustar_pointed", "FPMC"))


def screened(folder: Path, rows: int, *intervals: tuple[float, float]) -> Path:
    out = folder / "outputs"
    write(out / "nu60001002002A_uf.evt", events(100), gti("GTI", (0.0, 1000.0)))
    write(out / "nu60001002002A01_cl.evt", events(rows), gti("GTI", *intervals))
    write(out / "nu60001002002A01_gti.fits", gti("STDGTI", *intervals))
    return folder


def test_that_what_the_screening_kept_is_measured(tmp_path: Path) -> None:
    built = recipe("nupipeline", A)
    outcome = finished(built, A, screened(tmp_path, 40, (0.0, 300.0), (500.0, 700.0)), "nupipeline")
    assert outcome.facts == {
        "good_time_s": 500.0, "n_intervals": 2, "time_before_s": 1000.0, "kept_fraction": 0.5, "n_events": 40,
        "n_events_before": 100,
    }  # fmt: skip
    assert not outcome.stop
    assert not outcome.warnings
    outcome = finished(built, A, screened(tmp_path, 4, (0.0, 30.0)), "nupipeline")
    assert "3.0 %" in outcome.warnings[0]
    assert "no events" in finished(built, A, screened(tmp_path, 0, (0.0, 300.0)), "nupipeline").stop
    assert "No time" in finished(built, A, screened(tmp_path, 0), "nupipeline").stop
    (tmp_path / "outputs" / "nu60001002002A01_gti.fits").unlink()
    with pytest.raises(FileError, match=r"A01_gti\.fits"):
        finished(built, A, tmp_path, "nupipeline")


# ---- channels


def test_that_bands_are_channels_as_nuproducts_counts_them() -> None:
    assert channels((3.0, 78.0)) == (35, 1909)
    assert channels((1.6, 165.4)) == (0, 4094)
    assert channels((3.0, 8.0))[1] + 1 == channels((8.0, 24.0))[0]
    with pytest.raises(InputError, match="narrower than a channel"):
        channels((3.01, 3.02))


# ---- events and images


def test_that_the_cleaned_list_is_final_and_of_the_screened_events() -> None:
    built = recipe("cleaned_nustar_evts", A, energies_kev=[3.0, 78.0], max_grade=4)
    asked = arguments(built.runs[0].argv)
    assert asked["infile"] == "events.fits[EVENTS][PI>=35&&PI<=1909&&GRADE>=0&&GRADE<=4]"
    assert built.given[0].path == A.product(ProductKind.ALL_GOOD_EVENTS)
    assert [name for name in STEPS if STEPS[name].missions == ("nustar_pointed",) and STEPS[name].is_final] == [
        "cleaned_nustar_evts"
    ]


def test_that_the_exposure_map_gets_this_modules_own_attitude_and_mast() -> None:
    built = recipe("nustar_images", B, vignetting_kev=10.0)
    asked = arguments(built.runs[-1].argv)
    assert (asked["vignflag"], asked["energy"]) == ("yes", "10")
    assert asked["aberration"] == arguments(recipe("nupipeline", B).runs[0].argv)["aberration"] == "yes"
    given = {one.name: one.path for one in built.given}
    assert given[asked["attfile"]] == B.product(ProductKind.ATTITUDE)
    assert given[asked["mastaspectfile"]] == B.product(ProductKind.MAST)
    assert given[asked["det1reffile"]] == B.product(ProductKind.REFERENCE_PIXEL)
    plain = recipe("nustar_images", B, exposure_map=False, bands_kev=[[3.0, 8.0], [3.0, 8.0]])
    assert [run.argv[0] for run in plain.runs] == ["ftcopy"]
    assert "energy" not in arguments(recipe("nustar_images", B).runs[-1].argv)


class RealCfitsio:
    """CFITSIO as HEASoft has it: opens a file with its filters, as ftcopy does, and copies what it finds."""

    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library))

    def copy(self, infile: str, target: Path, *, all_of_it: bool) -> None:
        source, made, status = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_int(0)
        reference = ctypes.byref(status)
        self.library.ffopen(ctypes.byref(source), infile.encode(), 0, reference)
        assert status.value == 0, infile
        self.library.ffinit(ctypes.byref(made), str(target).encode(), reference)
        if all_of_it:
            self.library.ffcpfl(source, made, 1, 1, 1, reference)
        else:
            self.library.ffcopy(source, made, 0, reference)
        self.library.ffclos(source, reference)
        self.library.ffclos(made, reference)
        assert status.value == 0


@pytest.fixture(scope="module")
def cfitsio() -> RealCfitsio:
    package = pytest.importorskip("xspectrampoline", reason="xspectrampoline is a package for tests only")
    found = sorted(Path(package.__file__).parent.glob("LibXSPEC_*/lib/libcfitsio.so*"))
    if not found:
        pytest.skip("this xspectrampoline has no CFITSIO")
    try:
        return RealCfitsio(found[0])
    except OSError as error:
        pytest.skip(f"CFITSIO cannot be loaded here: {error}")


def nustar_list(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    draw = np.random.default_rng(3)
    n = 3000
    values = {
        "PI": draw.integers(-1, 4096, n), "X": draw.integers(1, 1001, n), "Y": draw.integers(1, 1001, n),
        "GRADE": draw.integers(-1, 33, n),
    }  # fmt: skip
    values["PI"][:50] = -4095
    table = events(n, {"PI": ("J", values["PI"]), **{name: ("I", values[name]) for name in ("X", "Y", "GRADE")}})
    for number, kind in ((3, "RA---TAN"), (4, "DEC--TAN")):
        table.header.update({
            f"TLMIN{number}": 1, f"TLMAX{number}": 1000, f"TCTYP{number}": kind, f"TCRPX{number}": 500.5,
            f"TCRVL{number}": 10.0 * number, f"TCDLT{number}": 0.0006828,
        })  # fmt: skip
    write(path, table, gti("GTI", (0.0, 100.0)))
    return values


def test_that_the_real_cfitsio_selects_the_events_meant(cfitsio: RealCfitsio, tmp_path: Path) -> None:
    values = nustar_list(tmp_path / "events.fits")
    for limits, low, high in (({}, 0, 4095), ({"energies_kev": [3.0, 24.0]}, 35, 559)):
        infile = arguments(recipe("cleaned_nustar_evts", A, **limits).runs[0].argv)["infile"]
        target = tmp_path / f"cleaned{high}.fits"
        cfitsio.copy(f"{tmp_path}/{infile}", target, all_of_it=True)
        good = (values["PI"] >= low) & (values["PI"] <= high) & (values["GRADE"] >= 0) & (values["GRADE"] <= 26)
        with fits.open(target) as written:
            assert written["EVENTS"].data["PI"].tolist() == values["PI"][good].tolist()
            assert written["GTI"].data["STOP"].tolist() == [100.0]


@pytest.mark.parametrize("size", [1, 4])
def test_that_the_real_cfitsio_makes_the_image_meant(cfitsio: RealCfitsio, tmp_path: Path, size: int) -> None:
    values = nustar_list(tmp_path / "events.fits")
    run = recipe("nustar_images", A, bands_kev=[[3.0, 78.0]], pixel_bin=size).runs[0]
    cfitsio.copy(f"{tmp_path}/{arguments(run.argv)['infile']}", tmp_path / "image.fits", all_of_it=False)
    good = (values["PI"] >= 35) & (values["PI"] <= 1909)
    counts = np.zeros((1000 // size, 1000 // size), int)
    np.add.at(counts, ((values["Y"][good] - 1) // size, (values["X"][good] - 1) // size), 1)
    with fits.open(tmp_path / "image.fits") as written:
        assert np.array_equal(written[0].data, counts)
        assert written[0].header["CTYPE1"] == "RA---TAN"
        assert written[0].header["CRPIX1"] == pytest.approx((500.5 - 0.5) / size + 0.5)
        assert written[0].header["CDELT2"] == pytest.approx(0.0006828 * size)
