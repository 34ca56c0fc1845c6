"""The stand-ins of eSASS, CIAO and NuSTARDAS refuse what the tasks refuse, and do what they say with the events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.standins.fits_files import files
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_others import chandra_raw, erosita_events, nustar_raw
from tests.standins.test_standins import start, verified

__all__ = ["standins", "standins_once"]  # the fixtures


def environment(installed: Installed, name: str, own: Path) -> dict[str, str]:
    """What the set-up scripts make, and an own folder of parameter files."""
    own.mkdir(exist_ok=True)
    caldb = installed.caldb
    folder, system, more = {
        "esass": (installed.esass, "pfiles", {"SASS_ROOT": str(installed.esass)}),
        "ciao": (installed.ciao, "param", {"ASCDS_INSTALL": str(installed.ciao)}),
        "heasoft": (installed.heasoft, "syspfiles", {
            "HEADAS": str(installed.heasoft), "CALDB": str(caldb), "CALDBCONFIG": f"{caldb}/software/tools/caldb.config",
            "CALDBALIAS": f"{caldb}/software/tools/alias_config.fits",
        }),
    }[name]  # fmt: skip
    return {"PATH": f"{folder}/bin:/usr/bin:/bin", "PFILES": f"{own};{folder}/{system}", "HOME": str(own), **more}


def events(path: Path) -> Any:
    return next(hdu.rows() for hdu in files.read(str(path)) if hdu.name == "EVENTS")


def seconds(path: Path, name: str) -> float:
    return sum(b - a for hdu in files.read(str(path)) if hdu.name == name for a, b in files.intervals(hdu))


def works(folder: Path, variables: dict[str, str], *argv: str) -> str:
    done = start(folder, variables, *argv)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("package", "line", "words"),
    [
        ("esass", "evtool eventfiles=none.fits outfile=x", "evtool: **ERROR** task: could not open the event file none.fits"),
        ("esass", "evtool eventfiles=a outfile=x emin=2 emax=1", "**ERROR**"),
        ("esass", "evtool eventfiles=a outfile=x pattern=16", "is greater than maximum value 15"),
        ("esass", "flaregti eventfile=a colour=red", 'Invalid parameter name in command line assignment: "colour"'),
        ("ciao", "dmcopy infile=a.fits outfile=x", "# dmcopy (CIAO 4.17.0): ERROR: Failed to open virtual file a.fits"),
        ("ciao", "dmcopy infile=a.fits[energy outfile=x", "DM Parse error: unmatched [ or ("),
        ("ciao", "dmextract infile=a outfile=b opt=ltc3", "invalid choice"),
        ("ciao", "deflare infile=a outfile=b method=best", "invalid choice"),
        ("ciao", "fluximage infile=a outroot=b psfecf=2", "is greater than maximum value 1"),
        ("ciao", "chandra_repro indir=. outdir=out", "No evt1 file"),
        ("heasoft", "nupipeline indir=none", "nupipeline_0.4.9: Error: input directory 'none' not found"),
        ("heasoft", "nupipeline entrystage=3", "is greater than maximum value 2"),
        ("heasoft", "nuexpomap infile=a", "Unable to open file 'a' (infile)"),
        ("heasoft", "ftcopy infile=a[EVENTS] outfile=b", "could not open the named file: a"),
    ],
)
def test_that_wrong_calls_are_refused(package: str, line: str, words: str, standins: Installed, tmp_path: Path) -> None:
    done = start(tmp_path, environment(standins, package, tmp_path / "own"), *line.split())
    assert done.returncode != 0 and words in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("package", "variable", "line"),
    [
        ("esass", "SASS_ROOT", "evtool"), ("ciao", "ASCDS_INSTALL", "ciaover"), ("heasoft", "HEADAS", "ftcopy"),
        ("heasoft", "PFILES", "ftcopy"), ("heasoft", "CALDB", "nupipeline"), ("heasoft", "CALDBCONFIG", "nupipeline"),
    ],
)  # fmt: skip
def test_that_their_environment_is_needed(package: str, variable: str, line: str, standins: Installed, tmp_path: Path) -> None:
    variables = environment(standins, package, tmp_path / "own")
    del variables[variable]
    done = start(tmp_path, variables, line)
    assert done.returncode == 1 and "set" in done.stderr


def test_that_erosita_is_cleaned_of_its_flare(standins: Installed, tmp_path: Path) -> None:
    variables = environment(standins, "esass", tmp_path / "own")
    path = erosita_events(tmp_path, name="list.fits")
    before, time = events(path), seconds(path, "GTI1")
    assert "flaregti: DONE" in works(tmp_path, variables, "flaregti", "eventfile=list.fits", "lightcurve=l.fits", "mask=m.fits")
    assert 0.8 * time < seconds(path, "FLAREGTI1") < 0.96 * time
    works(
        tmp_path,
        variables,
        "evtool",
        "eventfiles=list.fits",
        "outfile=c.fits",
        "gti=FLAREGTI",
        "pattern=1",
        "emin=0.5",
        "emax=2.0",
        "telid=1 2",
    )
    after = events(tmp_path / "c.fits")
    assert 0 < len(after) < len(before) and set(after["TM_NR"].tolist()) == {1, 2} and set(after["PAT_TYP"].tolist()) == {1}
    assert after["PI"].min() >= 500 and after["PI"].max() <= 2000
    verified(tmp_path)


def test_that_chandra_is_cleaned_of_its_flare(standins: Installed, tmp_path: Path) -> None:
    variables = environment(standins, "ciao", tmp_path / "own")
    raw = chandra_raw(tmp_path / "raw")
    works(tmp_path, variables, "chandra_repro", f"indir={raw}", "outdir=out", "root=x", "cleanup=no")
    level1 = events(next(raw.glob("secondary/*evt1.fits")))
    level2 = events(tmp_path / "out" / "x_repro_evt2.fits")
    assert len(level2) < len(level1) and set(level2["grade"].tolist()) <= {0, 2, 3, 4, 6} and not level2["status"].any()
    assert (tmp_path / "out" / "acisf99902_000N001_msk1.fits").is_symlink()
    source = "out/x_repro_evt2.fits"
    works(tmp_path, variables, "dmextract", f"infile={source}[energy=500:7000][bin time=::200]", "outfile=lc.fits", "opt=ltc1")
    [curve] = [hdu.rows() for hdu in files.read(str(tmp_path / "lc.fits")) if hdu.name == "LIGHTCURVE"]
    inside = (level2["energy"] >= 500) & (level2["energy"] < 7000)
    assert curve["COUNTS"].sum() == inside.sum()
    works(tmp_path, variables, "deflare", "infile=lc.fits", "outfile=gti.fits", "method=sigma")
    kept = seconds(tmp_path / "gti.fits", "GTI")
    assert 0.85 * 6000 < kept < 0.99 * 6000
    works(tmp_path, variables, "dmcopy", f"infile={source}[EVENTS][energy=500:7000,grade=0,2]", "outfile=a.fits")
    assert len(events(tmp_path / "a.fits")) == (inside & ((level2["grade"] == 0) | (level2["grade"] == 2))).sum()
    works(tmp_path, variables, "dmcopy", "infile=a.fits[EVENTS][@gti.fits]", "outfile=b.fits")
    assert len(events(tmp_path / "b.fits")) < len(events(tmp_path / "a.fits"))
    assert start(tmp_path, variables, "dmcopy", "infile=a.fits", "outfile=b.fits").returncode == 1  # it is there already
    verified(tmp_path)


def test_that_nustar_is_screened_and_imaged(standins: Installed, tmp_path: Path) -> None:
    variables = environment(standins, "heasoft", tmp_path / "own")
    raw, stem = nustar_raw(tmp_path / "raw"), "nu79999002002"
    call = ["nupipeline", f"indir={raw}", f"steminputs={stem}", "instrument=FPMA"]
    said = works(tmp_path, variables, *call, "outdir=plain")
    assert "nupipeline_0.4.9: Exit with no errors - " in said
    works(tmp_path, variables, *call, "outdir=strict", "saamode=STRICT")
    raw_list, plain = events(tmp_path / "plain" / f"{stem}A_uf.evt"), events(tmp_path / "plain" / f"{stem}A01_cl.evt")
    assert 0 < len(plain) < len(raw_list) and plain["GRADE"].max() <= 26
    assert seconds(tmp_path / "strict" / f"{stem}A01_gti.fits", "GTI") < seconds(
        tmp_path / "plain" / f"{stem}A01_gti.fits", "GTI"
    )
    works(tmp_path, variables, "ftcopy", f"infile=plain/{stem}A01_cl.evt[EVENTS][PI>=35&&PI<=200]", "outfile=c.fits")
    chosen = events(tmp_path / "c.fits")
    assert len(chosen) == ((plain["PI"] >= 35) & (plain["PI"] <= 200)).sum()
    works(tmp_path, variables, "ftcopy", "infile=c.fits[EVENTS][bin X=::4,Y=::4]", "outfile=i.fits", "copyall=no")
    image = files.read(str(tmp_path / "i.fits"))[0].image()
    assert image.shape == (250, 250) and image.sum() == ((chosen["X"] > 0) & (chosen["Y"] > 0)).sum()
    again = start(tmp_path, variables, *call, "outdir=plain")
    assert again.returncode == 1 and "exists. Set clobber=yes to overwrite." in again.stderr
    verified(tmp_path)
