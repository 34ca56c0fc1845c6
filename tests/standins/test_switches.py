"""What goes wrong when it shall: crashes, hangs, missing and partial files, children left behind, and how often."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.standins.fits_files import files
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed

__all__ = ["standins", "standins_once"]  # the fixtures

TEXT = "10.0 200.0 +\n300.0 500.0 +\n"


@pytest.fixture
def call(standins: Installed, tmp_path: Path) -> object:
    (tmp_path / "gti.txt").write_text(TEXT)
    environment = {"PATH": f"{standins.sas}/bin:/usr/bin:/bin", "SAS_DIR": str(standins.sas), "SAS_PATH": str(standins.sas)}

    def start(name: str = "gti.fits") -> subprocess.Popen[str]:
        argv = ["gtibuild", "file=gti.txt", f"table={name}"]
        return subprocess.Popen(
            argv,
            executable=str(standins.sas / "bin" / "gtibuild"),
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_that_without_switches_it_works_and_the_call_is_recorded(call, standins: Installed, tmp_path: Path) -> None:
    code, out, err = ended(call())
    assert (code, err) == (0, "") and "gtibuild:- Executing (routine): gtibuild file=gti.txt" in out
    [gti] = [hdu for hdu in files.read(str(tmp_path / "gti.fits")) if hdu.name == "STDGTI"]
    assert files.intervals(gti) == [(10.0, 200.0), (300.0, 500.0)]
    [record] = standins.calls("gtibuild")
    assert record["argv"] == ["file=gti.txt", "table=gti.fits"] and record["folder"] == str(tmp_path)


def test_that_a_crash_is_a_segmentation_fault_without_output(call, standins: Installed, tmp_path: Path) -> None:
    standins.switches.crash("gtibuild")
    assert ended(call())[0] == -signal.SIGSEGV
    assert not (tmp_path / "gti.fits").exists()


def test_that_a_rule_counts_the_calls_that_it_is_for(call, standins: Installed) -> None:
    standins.switches.fail("gtibuild", "second", calls=(2,), name="badSegment", text="not this time", code=3)
    codes = [ended(call(name))[0] for name in ("first.fits", "second.fits", "second.fits", "second.fits")]
    assert codes == [0, 0, 3, 0]


def test_that_errors_are_said_in_the_words_of_the_software(call, standins: Installed, tmp_path: Path) -> None:
    standins.switches.say_error("gtibuild", name="badSegment", text="odd").warn("gtibuild", text="careful", times=2)
    code, _, err = ended(call())
    assert code == 0 and (tmp_path / "gti.fits").exists()
    assert err.splitlines() == ["** gtibuild: warning (SomeWarning), careful"] * 2 + ["** gtibuild: error (badSegment), odd"]


def test_that_results_can_be_missing_or_cut(call, standins: Installed, tmp_path: Path) -> None:
    standins.switches.missing("gtibuild", "gone").partial("gtibuild", "cut", share=0.4).exit("gtibuild", "cut", code=9)
    assert ended(call("gone.fits"))[0] == 0 and not (tmp_path / "gone.fits").exists()
    whole = ended(call("whole.fits"))[0], (tmp_path / "whole.fits").stat().st_size
    assert ended(call("cut.fits"))[0] == 9 and (tmp_path / "cut.fits").stat().st_size == int(0.4 * whole[1])
    with pytest.raises(files.NotFits):
        files.read(str(tmp_path / "cut.fits"))


@pytest.mark.parametrize("ignore_term", [False, True])
def test_that_a_hanging_one_ends_by_term_or_only_by_kill(ignore_term: bool, call, standins: Installed) -> None:
    standins.switches.hang("gtibuild", ignore_term=ignore_term)
    process = call()
    assert process.stdout is not None
    while "waiting" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.1)
    process.terminate()
    if ignore_term:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()
    assert process.wait(10) == (-signal.SIGKILL if ignore_term else -signal.SIGTERM)
    process.communicate()


def test_that_children_outlive_it_in_its_group_or_in_a_session_of_their_own(call, standins: Installed) -> None:
    standins.switches.leave_children("gtibuild", number_of=1).leave_children("gtibuild", own_session=True, number_of=1)
    process = call()
    process.wait(20)  # its children keep its output open
    group, own = standins.switches.children
    assert os.getpgid(group) == process.pid and os.getsid(own) == own
    for pid in (group, own):
        os.kill(pid, signal.SIGKILL)
    process.communicate()


def test_that_it_can_be_slow_and_talk_much(call, standins: Installed) -> None:
    standins.switches.log("gtibuild", n_bytes=300_000).slow("gtibuild", seconds=0.6)
    start = time.monotonic()
    code, out, _ = ended(call())
    assert code == 0 and time.monotonic() - start >= 0.6
    assert len(out) > 300_000 and "still working" in out


def test_that_event_lists_can_be_emptied(standins: Installed, tmp_path: Path) -> None:
    from tests.standins.raw_others import nustar_raw

    raw = nustar_raw(tmp_path / "raw")
    standins.switches.empty("nupipeline", file="_cl.evt")
    (tmp_path / "pfiles").mkdir()
    caldb = standins.caldb
    environment = {
        "PATH": f"{standins.heasoft}/bin:/usr/bin:/bin",
        "HEADAS": str(standins.heasoft),
        "CALDB": str(caldb),
        "HEADASNOQUERY": "",
        "PFILES": f"{tmp_path}/pfiles;{standins.heasoft}/syspfiles",
        "CALDBCONFIG": f"{caldb}/software/tools/caldb.config",
        "CALDBALIAS": f"{caldb}/software/tools/alias_config.fits",
    }
    argv = ["nupipeline", f"indir={raw}", "outdir=out", "steminputs=nu79999002002", "instrument=FPMA"]
    subprocess.run(
        argv,
        executable=str(standins.heasoft / "bin" / "nupipeline"),
        env=environment,
        cwd=tmp_path,
        check=True,
        stdout=subprocess.PIPE,
    )
    rows = {
        name: len(files.find(files.read(str(tmp_path / "out" / f"nu79999002002{name}")), "EVENTS").rows())
        for name in ("A_uf.evt", "A01_cl.evt")
    }
    assert rows["A_uf.evt"] > 0 and rows["A01_cl.evt"] == 0
