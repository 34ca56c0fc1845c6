"""The stand-ins are as strict as the real tasks, what they write is valid FITS, and they do what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.standins.fits_files import files
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed, install
from tests.standins.raw_data import VARIED, XmmExposure, xmm_odf
from tests.standins.raw_others import chandra_raw, erosita_events, nustar_raw

__all__ = ["standins", "standins_once"]  # the fixtures

Run = Callable[..., subprocess.CompletedProcess[str]]
SHORT = (XmmExposure("M1", "S001", length_s=2500.0), XmmExposure("PN", "S003", length_s=4000.0))


def sas_environment(installed: Installed, **more: str) -> dict[str, str]:
    return {
        "PATH": f"{installed.sas}/bin:{installed.heasoft}/bin:/usr/bin:/bin",
        "SAS_DIR": str(installed.sas),
        "SAS_PATH": str(installed.sas),
        "SAS_CCFPATH": str(installed.ccf),
        **more,
    }


def start(folder: Path, environment: Mapping[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which(argv[0], path=environment["PATH"])
    assert program is not None
    return subprocess.run([program, *argv[1:]], env=dict(environment), cwd=folder, capture_output=True, text=True, check=False)


def verified(folder: Path) -> None:
    """Every FITS file in a folder is as the standard says."""
    tool = shutil.which("fitsverify")
    if tool is None:
        pytest.skip("fitsverify is not installed")
    names = [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and path.open("rb").read(6) == b"SIMPLE"]
    assert names
    done = subprocess.run([tool, "-q", *names], stdout=subprocess.PIPE, text=True, check=False)
    assert "FAILED" not in done.stdout, done.stdout


M1, PN = "P0999900901M1S001MIEVLI0000.FIT", "P0999900901PNS003PIEVLI0000.FIT"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (f"evselect table={M1} colour=red", "ParamNotFound"),
        (f"evselect table={M1} ximagesize=many", "ParamWrongType"),
        (f"evselect table={M1} writedss=perhaps", "ParamWrongType"),
        (f"evselect table={M1} ximagesize=0", "ParamNotInRange"),
        (f"evselect table={M1} imagebinning=other", "ParamNotInRange"),
        ("evselect", "ParamMandatory"),
        ("evselect table=nothing.fits", "couldNotOpenDataSet"),
        ("evselect table=ccf.cif", "blockNotFound"),
        (f"evselect table={M1} expression=(PI", "syntaxError"),
        (f"evselect table={M1} expression=PI>#MACRO", "syntaxError"),
        (f"evselect table={M1} expression=COLOUR==1", "columnNotFound"),
        (f"evselect table={M1} expression=GTI(none.fits,TIME)", "couldNotOpenDataSet"),
        (f"espfilt eventfile={M1} method=guess", "ParamNotInRange"),
        (f"espfilt eventfile={M1} smooth=61", "ParamNotInRange"),
        (f"espfilt eventfile={M1} withlongnames=yes", "ParamNotFound"),
        (f"emanom eventfile={PN}", "file"),
        (f"merge set1={M1} set2={PN} outset={M1}", "clobberFailed"),
        (f"eexpmap imageset={M1} eventset={M1} attitudeset=x expimageset=y", "FileMismatch"),
        ("epchain odf=. odfaccess=odf exposure=3", "OdfSummaryFileNotFound"),
        ("epchain odf=../raw odfaccess=odf exposure=4", "exposure"),
        ("epchain odf=../raw odfaccess=odf exposure=3 ccds=", "ccdlist"),
        ("epchain odf=../raw odfaccess=odf exposure=3 ccds=1-13", "ccd"),
        ("epchain odf=../raw odfaccess=odf exposure=3 runepframes=N", "constituent"),
        ("emchain odf=../raw instruments=M2", "odffiles"),
        ("rgsproc entrystage=2:angles finalstage=1:events", "InvalidStageRange"),
    ],
)
def test_that_sas_refuses_in_its_own_words(line: str, error: str, sas_files: tuple[Path, dict[str, str]]) -> None:
    work, environment = sas_files
    done = start(work, environment, *line.split())
    assert done.returncode != 0 and f"** {line.split()[0]}: error ({error}), " in done.stderr


@pytest.fixture(scope="module")
def sas_files(standins_once: Installed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    standins_once.switches.clear()
    folder = tmp_path_factory.mktemp("sas")
    raw, work = xmm_odf(folder / "raw", exposures=SHORT), folder / "work"
    work.mkdir()
    environment = sas_environment(standins_once, SAS_CCF=f"{work}/ccf.cif")
    for line in (
        "cifbuild withobservationdate=yes observationdate=2010-11-24",
        f"odfingest odfdir={raw} outdir={raw} withodfdir=yes",
        f"emchain odf={raw} instruments=M1 exposures=S001 makeflaregti=no",
        f"epchain odf={raw} odfaccess=odf exposure=003 schedule=S ccds=1,4,7",
    ):
        done = start(work, environment, *line.split())
        assert done.returncode == 0, done.stderr
    return work, environment


@pytest.mark.parametrize("variable", ["SAS_CCF", "SAS_DIR", "SAS_PATH", "SAS_CCFPATH"])
def test_that_sas_needs_its_environment(variable: str, sas_files: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    work, environment = sas_files
    environment = {name: value for name, value in environment.items() if name != variable}
    task = (
        ["cifbuild", "withobservationdate=yes", "observationdate=2010-11-24"]
        if variable == "SAS_CCFPATH"
        else ["espfilt", f"eventfile={work}/{M1}"]
    )
    done = start(tmp_path, environment, *task)
    assert done.returncode != 0 and ": error (" in done.stderr and not list(tmp_path.iterdir())


def test_that_cleaning_removes_the_flares_and_filtering_does_what_the_expression_says(
    sas_files: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    work, environment = sas_files
    for name in (M1, PN):
        shutil.copy(work / name, tmp_path)
    assert start(tmp_path, environment, "espfilt", f"eventfile={PN}", "rangescale=15.0", "allowsigma=3.0").returncode == 0
    [gti] = [hdu for hdu in files.read(str(tmp_path / "pnS003-gti.fits")) if hdu.name == "STDGTI"]
    kept = sum(stop - first for first, stop in files.intervals(gti))
    assert 300 < kept < 2400  # of 2600 s, of which the plateau spoils a part
    expression = (
        "#XMMEA_EP && (PATTERN <= 4) && (FLAG .eq. 0) && (PI in [500:2000]) && CCDNR in 1,[4:7] && GTI(pnS003-gti.fits, TIME)"
    )
    done = start(
        tmp_path, environment, "evselect", f"table={PN}", "filteredset=clean.fits", f"expression={expression}", "writedss=yes"
    )
    assert done.returncode == 0, done.stderr
    rows = next(hdu.rows() for hdu in files.read(str(tmp_path / "clean.fits")) if hdu.name == "EVENTS")
    source = next(hdu.rows() for hdu in files.read(str(tmp_path / PN)) if hdu.name == "EVENTS")
    wanted = (source["PATTERN"] <= 4) & (source["FLAG"] == 0) & (source["PI"] >= 500) & (source["PI"] <= 2000)
    wanted &= files.inside(source["TIME"].astype("f8"), files.intervals(gti))
    assert len(rows) == wanted.sum() > 100
    assert f"selected {len(rows)} rows from the input table." in done.stdout
    verified(tmp_path)


def test_that_the_image_of_a_real_list_is_that_of_the_real_evselect(
    standins: Installed, shared_data: Path, tmp_path: Path
) -> None:
    """Every pixel and the world coordinates, with a real calibration index."""
    folder = shared_data / "xmm" / "0404910601"
    index = shared_data / "xmm" / "0201901401" / "odf" / "ccf.cif"
    axes = [f"{axis}{what}" for axis in "xy" for what in ("imagebinsize=87", "imagesize=512", "imagemin=3649", "imagemax=48106")]
    done = start(
        tmp_path, sas_environment(standins, SAS_CCF=str(index)), "evselect", f"table={folder}/eclean/mos1_exp1_clean_evts.fits",
        "imageset=made.fits", "xcolumn=X", "ycolumn=Y", "imagebinning=binSize", "squarepixels=yes", "withxranges=yes",
        "withyranges=yes", *axes, "expression=(PI in [500:2000])",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "selected 27546 rows from the input table." in done.stdout
    made = files.read(str(tmp_path / "made.fits"))[0]
    real = files.read(str(folder / "images" / "0404910601_mos1_exp1-0.50-2.00keVimg.fits"))[0]
    assert (made.image() == real.image()).all() and made.get("BITPIX") == real.get("BITPIX")
    for keyword in (
        "CTYPE1",
        "CTYPE2",
        "CRPIX1",
        "CRPIX2",
        "CRVAL1",
        "CRVAL2",
        "CDELT1",
        "CDELT2",
        "CRVAL1L",
        "CDELT2L",
        "LTV1",
        "LTM2_2",
    ):
        value = real.get(keyword)
        assert made.get(keyword) == (value if isinstance(value, str) else pytest.approx(value, rel=1e-9))


def test_that_options_of_all_tasks_are_known_and_a_given_child_switches_its_parent_on(
    sas_files: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    work, environment = sas_files
    done = start(
        tmp_path, environment, "evselect", "-V", "5", "-w", "1", f"--table={work / M1}", "--xcolumn=DETX", "ycolumn=DETY"
    )
    assert done.returncode == 0, done.stderr
    assert " withimageset=yes " in done.stdout and " -V 5" in done.stdout and (tmp_path / "image.fits").is_file()
    done = start(
        tmp_path, environment, "evselect", f"table={work / M1}", "xcolumn=DETX", "withimageset=no", "filteredset=all.fits"
    )
    assert " keepfilteroutput=yes " in done.stdout and " withimageset=no " in done.stdout and (tmp_path / "all.fits").is_file()


def test_that_merging_joins_two_lists_and_refuses_other_observations(
    sas_files: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    work, environment = sas_files
    more = xmm_odf(tmp_path / "more", exposures=[XmmExposure("M1", "U002", start_s=4000.0, length_s=2500.0, flared=False)])
    other = xmm_odf(tmp_path / "other", "0999900902", exposures=[XmmExposure("M1", "S001", length_s=2500.0, flared=False)])
    for folder in (more, other):
        assert start(tmp_path, environment, "odfingest", f"odfdir={folder}", f"outdir={folder}").returncode == 0
        assert start(tmp_path, environment, "emchain", f"odf={folder}", "makeflaregti=no").returncode == 0
    second, foreign = "P0999900901M1U002MIEVLI0000.FIT", "P0999900902M1S001MIEVLI0000.FIT"
    done = start(tmp_path, environment, "merge", f"set1={work / M1}", f"set2={second}", "outset=both.fits")
    assert done.returncode == 0, done.stderr
    lists = [files.read(str(path)) for path in (work / M1, tmp_path / second, tmp_path / "both.fits")]
    tables = [next(hdu for hdu in hdus if hdu.name == "EVENTS") for hdus in lists]
    rows = [len(table.rows()) for table in tables]
    assert rows[2] == rows[0] + rows[1]
    assert tables[2].get("TSTART") == tables[0].get("TSTART") and tables[2].get("TSTOP") == tables[1].get("TSTOP")
    done = start(tmp_path, environment, "merge", f"set1={work / M1}", f"set2={foreign}", "outset=three.fits")
    assert done.returncode != 0 and "error (differentObservations), " in done.stderr
    assert start(tmp_path, environment, "merge", f"set1={work / M1}", f"set2={foreign}", "mergedifferentobs=yes").returncode == 0
    verified(tmp_path)


def test_that_an_odf_with_everything_is_summarised_and_valid(standins: Installed, tmp_path: Path) -> None:
    raw = xmm_odf(tmp_path / "raw", exposures=VARIED)
    environment = sas_environment(standins, SAS_CCF=f"{tmp_path}/ccf.cif")
    assert start(tmp_path, environment, "cifbuild", "withobservationdate=yes", "observationdate=2010-11-24").returncode == 0
    done = start(tmp_path, environment, "odfingest", f"odfdir={raw}", f"outdir={tmp_path}", "withodfdir=yes")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "2007_0999900901_SCX00000SUM.SAS").read_text()
    for words in (
        "also U002]",
        "FILTER = CalClosed",
        "DATA_MODE_1 = Timing",
        "MODE = Diagnostic3x3",
        f"PATH {raw}",
        "DATA QUALITY",
    ):
        assert words in text
    verified(tmp_path)


@pytest.mark.parametrize(
    ("version", "made"),
    [
        ("22.1.0-a8f2c2afa-20250304", {"mos1S001-gti.fits", "mos1S001-hist.qdp", "mos1S001-allevc.fits"}),
        (
            "xmmsas_20211130_0941-20.0.0",
            {"mos1S001-gti-2500-8500.fits", "mos1S001-hist-2500-8500.qdp", "mos1S001-allevc-2500-8500.fits"},
        ),
        (
            "xmmsas_20190531_1155-18.0.0",
            {"mos1S001-gti-2500-8500.fits", "mos1S001-hist-2500-8500.qdp", "mos1S001-allevc-2500-8500.fits"},
        ),
    ],
)
def test_that_versions_of_sas_differ(
    version: str, made: set[str], sas_files: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    work, environment = sas_files
    other = install(tmp_path / "other", sas=version, heasoft="", ciao="", esass="")
    assert (other.sas / "bin" / "emanom").exists() == ("18.0.0" not in version)
    environment = sas_environment(other, SAS_CCF=environment["SAS_CCF"])
    assert version in start(tmp_path, environment, "sas", "--version").stdout
    name = "eventset" if "18.0.0" in version else "eventfile"
    more = ["withlongnames=yes"] if "20.0.0" in version else []
    here = tmp_path / "here"
    here.mkdir()
    done = start(here, environment, "espfilt", f"{name}={work / M1}", "method=histogram", *more)
    assert done.returncode == 0, done.stderr
    assert made <= {path.name for path in here.iterdir()}


def test_that_libraries_of_another_package_before_its_own_are_fatal(standins: Installed, tmp_path: Path) -> None:
    environment = sas_environment(standins, LD_LIBRARY_PATH=f"{standins.ciao}/lib:{standins.sas}/lib")
    done = start(tmp_path, environment, "sasversion")
    assert done.returncode == 127 and "symbol lookup error" in done.stderr


def test_that_raw_data_of_the_others_are_valid(tmp_path: Path) -> None:
    erosita_events(tmp_path / "erosita")
    chandra_raw(tmp_path / "acis", n_aspect=2)
    chandra_raw(tmp_path / "hrc", instrument="HRC")
    nustar_raw(tmp_path / "nustar")
    verified(tmp_path)


def test_that_an_own_folder_that_cannot_be_written_to_is_an_error(standins: Installed, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o500)
    if os.access(own, os.W_OK):
        own = tmp_path / "nowhere"  # the superuser may write everywhere
    environment = {
        "PATH": f"{standins.esass}/bin:/usr/bin:/bin",
        "SASS_ROOT": str(standins.esass),
        "PFILES": f"{own};{standins.esass}/pfiles",
    }
    done = start(tmp_path, environment, "evtool", "eventfiles=a", "outfile=b")
    assert done.returncode == 1 and f'unable to open file "{own}/evtool.par" for writing.' in done.stderr
    environment["PFILES"] = f"{tmp_path};{tmp_path}"
    assert "Unable to find parameter file" in start(tmp_path, environment, "evtool", "eventfiles=a", "outfile=b").stderr
