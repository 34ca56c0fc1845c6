"""The command line of reduction as a person types it, with stand-ins in the place of CIAO and NuSTARDAS.

What is only refused is asked in this process; what works, hangs or is stopped is a process of its own.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.cli import main
from tests.fakes.reduction_world import make_archive
from tests.fakes.waiting import wait_for
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_others import chandra_raw, nustar_raw

__all__ = ["standins", "standins_once"]
PROJECT = Path(__file__).resolve().parents[2]
LIMIT_S = 120.0
FULL = ("--pipeline", "full_chandra")


@dataclass
class Reply:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    def lines(self, begin: str) -> list[list[str]]:
        return [line.split() for line in self.out.splitlines() if line.startswith(begin)]


@dataclass
class Prompt:
    """Types `daxa-gui …` in a home of its own, with the stand-ins named by variables as a person's shell names the packages."""

    output: Path
    environment: dict[str, str]

    def command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "daxa_gui", *words, "--output", str(self.output)]

    def __call__(self, *words: str) -> Reply:
        done = subprocess.run(
            self.command(words), cwd=PROJECT, env={**os.environ, **self.environment}, capture_output=True, text=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Reply(done.returncode, done.stdout, done.stderr)

    def here(self, *words: str) -> Reply:
        """The same in this process, which is quicker."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            try:
                code = main((*words, "--output", str(self.output)))
            except SystemExit as end:
                code = int(end.code or 0)
        assert "Traceback" not in out.getvalue() + err.getvalue()
        return Reply(code, out.getvalue(), err.getvalue())

    def ask(self, *words: str) -> dict[str, Any]:
        reply = self.here(*words, "--json")
        assert reply.code == 0, reply.err or reply.out
        return reply.document


def prompt(folder: Path, software: Installed) -> Prompt:
    home = folder / "home"
    home.mkdir()
    environment = {
        "HOME": str(home), "XDG_CONFIG_HOME": str(home), "DAXA_GUI_CACHE": str(folder / "cache"), "DAXA_GUI_CORES": "2",
        **software.variables,
    }  # fmt: skip
    output = folder / "out"
    chandra_raw(output / "chandra_raw" / "99902", exposure_s=3000.0)
    chandra_raw(output / "chandra_raw" / "99903", "99903", instrument="HRC", exposure_s=3000.0)
    nustar_raw(output / "nustar_pointed_raw" / "79999002002", exposure_s=1500.0)
    observations = (("chandra", "99902"), ("chandra", "99903"), ("nustar_pointed", "79999002002"))
    make_archive(output, {one: {"start_mjd": 58800.0} for one in observations}, "mine")
    return Prompt(output, environment)


@pytest.fixture
def shell(tmp_path: Path, standins: Installed) -> Prompt:
    return prompt(tmp_path, standins)


@pytest.fixture(scope="module")
def reduced_once(tmp_path_factory: pytest.TempPathFactory, standins_once: Installed) -> Prompt:
    """Chandra is reduced; what only looks at it may share it."""
    made = prompt(tmp_path_factory.mktemp("reduced"), standins_once)
    standins_once.switches.clear()
    done = made("reduce", "mine", *FULL)
    assert done.code == 0, done.err
    return made


@pytest.fixture
def reduced(reduced_once: Prompt, standins: Installed) -> Prompt:
    return reduced_once


# ---- wrong usage: exit code 2 and a sentence, before anything runs


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "deflare.allowed_sigma=0"), ("deflare.allowed_sigma=0", "at least 0.1", "from 0.1 to 100", "usually 3")),
        (("--set", "deflare.allowed_sigma=lots"), ("deflare.allowed_sigma=lots", "needs a number", "from 0.1 to 100")),
        (("--set", "deflare.min_length=2.5"), ("whole number", "from 1 to 1000 bins")),
        (("--set", "deflare.method=guess"), ("deflare.method=guess", "sigma, clean")),
        (("--set", "chandra_repro.destreak=maybe"), ("chandra_repro.destreak=maybe", "yes or no")),
        (("--set", "deflare.lc_band_kev=7-5"), ("7 is not below 5", "from 0.01 to 20 keV")),
        (("--set", "deflare.ccds=3,11"), ("deflare.ccds=3,11", "« 11 »")),
        (("--set", "deflare.sigma=3"), ("no parameter « sigma »", "allowed_sigma")),
        (("--set", "deflair.sigma=3"), ("no step « deflair »", "deflare")),
        (("--set", "deflare"), ("« deflare »", "STEP.PARAMETER=VALUE")),
        (("--set", "=3"), ("« =3 »", "STEP.PARAMETER=VALUE")),
        (("--set", "energies_kev=0.5-300"), ("energies_kev=0.5-300", "at most 20 keV", "from 0.01 to 20 keV")),
        (("--set", "energies=1-2"), ("no argument « energies »", "It has energies_kev")),
        (("--set", "flux_image.bands_kev=1-2"), ("belong together",)),
        (("--step", "deflare"), ("not both",)),
        (("--obs", "chandra:1"), ("no observation « chandra:1 »", "MISSION:OBSID")),
        (("--mission", "xmm_pointed"), ("no observation of xmm_pointed",)),
        (("--cores", "0"), ("from 1 to 4096",)),
        (("--cores", "many"), ("invalid int value",)),
        (("--time-limit", "-3"), ("from 0 (none)",)),
        (("--executor", "mars"), ("« mars »", "slurm")),
    ],
)
def test_that_wrong_words_are_named_with_what_is_allowed(reduced: Prompt, words: tuple[str, ...], told: tuple[str, ...]) -> None:
    reply = reduced.here("reduce", "mine", *FULL, *words)
    assert reply.code == 2 and not reply.out
    assert all(part in reply.err for part in told), reply.err


def test_that_an_unknown_pipeline_step_or_archive_is_told(reduced: Prompt) -> None:
    for words, code, told in (
        (("mine", "--pipeline", "full_moon"), 2, "full_chandra"),
        (("mine", "--step", "espfild"), 2, "no step « espfild »"),
        (("nowhere", *FULL), 1, "no archive « nowhere »"),
        (("mine", "--pipeline", "full_xmm"), 1, "nothing that these steps are for"),
    ):
        reply = reduced.here("reduce", *words)
        assert reply.code == code and told in reply.err, reply.err
        document = reduced.here("reduce", *words, "--json").document
        assert set(document) == {"error", "hint"} and told in f"{document['error']} {document['hint']}"


# ---- looking without doing


def test_that_a_dry_run_shows_every_command_and_runs_none(reduced: Prompt, standins: Installed) -> None:
    words = ("reduce", "mine", *FULL, "--set", "deflare.method=clean", "--dry-run")
    shown = reduced.here(*words)
    assert shown.code == 0
    assert shown.lines("STEP") == [["STEP", "NEW", "AGAIN", "DONE", "TO", "COME", "REPLACED", "WHY", "AGAIN"]]
    [deflare] = shown.lines("deflare   ")
    assert deflare[:6] == ["deflare", "0", "2", "0", "0", "2"] and "parameters: Method sigma → clean (2)" in " ".join(deflare)
    assert shown.out.count("method=clean") == 2 and "#   link" in shown.out and " becomes " in shown.out
    document = reduced.ask(*words)
    assert set(document) == {"plan", "commands", "tasks"}
    assert {"step", "new", "again", "fresh", "unknown", "replaced", "why"} <= set(document["plan"]["steps"][0])
    assert {one["step"]: one["changed"] for one in document["plan"]["steps"]}["deflare"] == ["method"]
    first = document["commands"][0]
    assert {"mission", "obs_id", "unit", "step", "software", "argv", "environment", "before", "after"} <= set(first)
    assert first["argv"][0] == "chandra_repro"
    banded = reduced.ask("reduce", "mine", *FULL, "--set", "energies_kev=0.5-7", "--dry-run")
    assert [one["obs_id"] for one in banded["plan"]["left_aside"]] == ["99903"]
    aside = reduced.here("reduce", "mine", *FULL, "--set", "energies_kev=0.5-7", "--dry-run")
    assert "HRC measures no energies" in " ".join(aside.lines("chandra     99903")[0])
    assert not standins.calls("chandra_repro") and not reduced.ask("configurations", "mine")["configurations"]


def test_that_the_script_does_the_work_where_the_software_is_set_up(reduced: Prompt, standins: Installed, tmp_path: Path) -> None:
    script = tmp_path / "again it's.sh"
    words = ("reduce", "mine", "--pipeline", "full_chandra", "--obs", "chandra:99902")
    assert reduced.ask(*words, "--script", str(script)) == {"script": str(script)}
    folder = reduced.output / "archives" / "mine" / "processed_data" / "chandra" / "99902"
    saved = tmp_path / "saved"
    shutil.copytree(folder, saved)
    (folder / "events" / "obsid99902-instACIS-subexpE001-cleanevents.fits").unlink()
    setup = f'. {standins.ciao}/bin/ciao.sh >/dev/null; exec bash "$0"'
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **standins.variables}
    done = subprocess.run(
        ["bash", "-c", setup, str(script)], env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    names = {str(path.relative_to(saved)) for path in saved.rglob("*.fits")}
    assert all((folder / name).is_file() for name in names)
    shutil.rmtree(folder)
    shutil.move(saved, folder)
    refused = reduced.here(*words, "--script", str(tmp_path / "no" / "where.sh"))
    assert refused.code == 1 and "cannot be written" in refused.err
    printed = reduced.here(*words, "--script", "-")
    assert (printed.code, printed.out, printed.err) == (0, script.read_text(), "")
    assert reduced.ask(*words, "--script", "-") == {"script": "-", "text": script.read_text()}


def test_that_a_script_says_what_it_lacks_and_one_without_a_name_begins_nothing(
    shell: Prompt, standins: Installed, tmp_path: Path
) -> None:
    beside = tmp_path / "all.sh.part"
    beside.write_text("mine")
    reply = shell.here("reduce", "mine", "--pipeline", "full_chandra", "--script", str(tmp_path / "all.sh"))
    assert reply.code == 0 and reply.out == f"Wrote {tmp_path / 'all.sh'}.\n" and beside.read_text() == "mine"
    assert "lacks the exposures of 2 observations" in reply.err and "reduce mine --step exposures" in reply.err
    assert "has no commands" in shell.here("reduce", "mine", "--script", str(tmp_path / "all.sh")).err
    nameless = shell.here("reduce", "mine", *FULL, "--script", "")
    assert nameless.code == 1 and "cannot be written" in nameless.err
    assert not standins.calls("chandra_repro") and not list(shell.output.rglob("job-*.log"))


def test_that_results_and_logs_of_what_passed_are_shown(reduced: Prompt) -> None:
    shown = reduced.here("results", "mine", "--mission", "chandra", "--step", "deflare")
    assert shown.code == 0 and [line[2:5] for line in shown.lines("chandra")] == [
        ["ACISE001", "deflare", "succeeded"],
        ["HRCE001", "deflare", "succeeded"],
    ]
    final = {(one["mission"], one["obs_id"]): one["success"] for one in reduced.ask("results", "mine")["final_success"]}
    assert final["chandra", "99902"] is final["chandra", "99903"] is True
    assert reduced.here("logs", "mine", "--causes").out == "Nothing failed.\n"
    assert reduced.ask("logs", "mine", "--causes") == {"causes": []}
    printed = reduced.here("logs", "mine", "--print", "--step", "deflare", "--obs-id", "99902")
    assert "$ dmextract" in printed.out and "== chandra 99902 ACISE001 deflare" in printed.out


def test_that_the_doctor_names_a_planted_fault_and_nothing_else(shell: Prompt, standins: Installed, tmp_path: Path) -> None:
    good = shell.here("doctor", "mine")
    assert good.code == 0 and "fault" not in good.out and "✓ good: CIAO 4.17.0" in good.out
    gone = tmp_path / "moved"
    shell.environment["CALDB"] = str(gone)
    bad = shell.here("doctor", "mine")
    assert bad.code == 1 and "[caldb-folder-missing]" in bad.out and str(gone) in bad.out and "What to do:" in bad.out
    assert "Steps: nupipeline" in bad.out and bad.out.rstrip().splitlines()[-1].startswith("1 fault, ")
    found = json.loads(shell.here("doctor", "mine", "--json").out)["findings"]
    [fault] = [one for one in found if one["grade"] == "fault"]
    assert fault["code"] == "caldb-folder-missing" and set(fault) == {"grade", "code", "subject", "text", "fix", "steps"}
    assert shell.here("doctor", "--step", "deflare").code == 0, "the fault is none of this step's"
    assert f"{shell.output} can be written" in good.out
    refused = shell.here("reduce", "mine", "--pipeline", "full_nustar")
    assert refused.code == 1 and "Nothing was run" in refused.err and str(gone) in refused.err and "--anyway" in refused.err
    assert not standins.calls("nupipeline")
    unknown = shell.here("doctor", "--step", "deflair")
    assert unknown.code == 2 and "deflair" in unknown.err


# ---- doing


@pytest.mark.timeout(500)
def test_that_results_are_made_changed_compared_and_removed(shell: Prompt, standins: Installed) -> None:
    words = ("reduce", "mine", *FULL)
    done = shell(*words, "--obs", "99902", "--cores", "1")
    assert done.code == 0 and not done.err
    assert done.out.splitlines()[0].split() == ["MISSION", "OBSID", "UNIT", "STEP", "STATE", "WHY"]
    assert [line[-2] for line in done.lines("chandra")] == [
        "exposures", "chandra_repro", "deflare", "cleaned_chandra_evts", "flux_image", "rate_image"
    ]  # fmt: skip
    assert done.out.endswith("6 succeeded\n") and "99903" not in done.out
    once_more = shell.here(*words, "--obs", "99902")
    assert once_more.code == 0 and "nothing was run; with --again" in once_more.out.splitlines()[-1]

    changed = shell(
        *words, "--obs", "chandra:99902", "--set", "deflare.allowed_sigma=2", "--configuration", "three sigma", "--json"
    )
    assert changed.code == 0
    document = changed.document
    assert {"archive", "jobs", "failed", "skipped", "unfinished", "left_aside"} == set(document)
    assert {"id", "mission", "obs_id", "unit", "step", "state", "reason", "warnings", "facts", "error", "hint", "log"} == set(
        document["jobs"][0]
    )
    assert document["failed"] == document["unfinished"] == 0
    standins.forget_calls()
    assert "three sigma" in shell.here("configurations", "mine").out
    compared = shell.here("configurations", "mine", "--compare", "three sigma")
    lines = [line.split("  ") for line in compared.out.splitlines()[1:]]
    assert "N_EVENTS THEN" in compared.out and "GOOD_TIME_S NOW" in compared.out and len(lines) > 10
    assert any("cleanevents.fits" in line[-1] and "yes" in [part.strip() for part in line] for line in lines)
    one = next(p for p in shell.ask("configurations", "mine", "--compare", "three sigma")["products"] if p["kind"] == "gti")
    assert one["new_facts"]["good_time_s"] <= one["old_facts"]["good_time_s"]
    unknown = shell.here("configurations", "mine", "--compare", "four")
    assert unknown.code == 2 and "There are: « three sigma »." in unknown.err
    assert shell.ask("configurations", "mine", "--remove", "three sigma")["bytes"] > 0
    assert not shell.ask("configurations", "mine")["configurations"] and Path(one["new_path"]).is_file()
    assert not standins.calls("dmcopy")


@pytest.mark.timeout(500)
def test_that_a_failure_says_why_and_a_hanging_program_is_ended(shell: Prompt, standins: Installed) -> None:
    standins.switches.hang("dmextract", where="energy")  # ACIS
    words = ("reduce", "mine", "--step", "cleaned_chandra_evts")
    reply = shell(*words, "--time-limit", "0.03", "--keep")
    assert reply.code == 1 and "dmextract » was ended because it took longer than 0.03 min" in reply.out
    assert "1 job failed; « daxa-gui logs mine --causes »" in reply.err
    states = {(line[2], line[3]): line[4] for line in reply.lines("chandra") if len(line) > 4}
    assert states["ACISE001", "deflare"] == "failed" and states["ACISE001", "cleaned_chandra_evts"] == "skipped"
    assert states["HRCE001", "cleaned_chandra_evts"] == "succeeded"
    causes = shell.here("logs", "mine", "--causes")
    assert causes.code == 0 and "    1 × " in causes.out and "deflare: 99902 ACISE001; 1 skipped because of it" in causes.out
    assert causes.out.endswith("1 failed job, 1 cause; 1 job skipped because of them\n")
    [cause] = shell.ask("logs", "mine", "--causes")["causes"]
    assert cause["steps"] == ["deflare"] and cause["severity"] == "ERROR" and len(cause["skipped_ids"]) == 1
    assert shell.ask("logs", "mine", "--causes", "--obs-id", "99903") == {"causes": []}
    failed = shell.here("results", "mine", "--mission", "chandra", "--failed")
    assert failed.lines("chandra")[0][3:5] == ["deflare", "failed"]

    # the limit holds from then on; the program works again, and only what is missing is done
    standins.switches.clear()
    standins.forget_calls()
    again = shell(*words)
    assert again.code == 0 and not standins.calls("chandra_repro") and len(standins.calls("deflare")) == 1
    standins.forget_calls()
    assert shell(*words, "--obs", "chandra:99902", "--again").code == 0 and standins.calls("dmcopy")


@pytest.mark.timeout(500)
def test_that_ctrl_c_ends_the_programs_and_the_same_command_goes_on(shell: Prompt, standins: Installed) -> None:
    standins.switches.slow("deflare", seconds=60.0)
    words = ("reduce", "mine", "--step", "cleaned_chandra_evts")
    with subprocess.Popen(
        shell.command(words), cwd=PROJECT, env={**os.environ, **shell.environment}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        wait_for(lambda: len(standins.calls("deflare")) == 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1 and "Stopped. What was finished is kept; the same command goes on." in err
    assert "Traceback" not in out + err
    for call in standins.calls("deflare"):
        wait_for(lambda pid=int(call["pid"]): not Path(f"/proc/{pid}").exists())
    standins.switches.clear()
    standins.forget_calls()
    again = shell(*words)
    assert again.code == 0, again.out
    assert not standins.calls("chandra_repro") and len(standins.calls("deflare")) == 2
