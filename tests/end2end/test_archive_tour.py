"""docs/archive-tour.md: every command and every line of Python there is run in its order, and what comes out is looked at."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.cli import main

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "archive-tour.md"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found, f"the page has no block of {language}"
    return found


class Tour:
    """What was run of the page so far: command line → (exit code, table, document)."""

    def __init__(self, home: Path) -> None:
        self.home, self.said, self.documents = home, {}, {}
        self._environment = {
            "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DOCUMENTS_DIR": str(home / "Documents"), "DAXA_GUI_CORES": "2",
        }  # fmt: skip

    def type_in(self, line: str) -> None:
        assert line.startswith("daxa-gui ")
        words = shlex.split(line)[1:]
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
            for name, value in self._environment.items():
                patch.setenv(name, value)
            patch.chdir(self.home)
            assert main(words) == 0, line
        self.said[line.removeprefix("daxa-gui ")] = out.getvalue()

    def python(self, script: str) -> dict[str, Any]:
        report = "\nimport json\nprint('@@', json.dumps({n: globals()[n] for n in NAMES}, default=plain))\n"
        report = "\nimport dataclasses\nplain = lambda v: list(v) if isinstance(v, set) else dataclasses.asdict(v)" + report
        names = "NAMES = ('usable', 'facts', 'difference', 'use', 'report', 'second', 'downloaded', 'newest')\n"
        environment = {**os.environ, **self._environment}
        environment["PYTHONPATH"] = os.pathsep.join([str(PROJECT), environment.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-c", names + script + report],
            cwd=self.home, env=environment, capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.rpartition("@@ ")[2])
        return {**found, "printed": done.stdout}

    def told(self, begin: str) -> str:
        return next(text for line, text in self.said.items() if line.startswith(begin))


@pytest.fixture(scope="module")
def tour(practice_sky: Path, tmp_path_factory: pytest.TempPathFactory) -> Tour:
    made = Tour(tmp_path_factory.mktemp("tour"))
    (made.home / "cluster.reg").write_text('icrs;circle(350.0,1.0,60")\n', encoding="utf-8")
    for block in blocks("sh"):
        for line in block.strip().splitlines():
            made.type_in(line)
    return made


def test_that_the_commands_of_the_page_do_what_it_says(tour: Tour) -> None:
    look, do, wider = [text for line, text in tour.said.items() if line.startswith("fetch ")]
    assert "5 files, about " in look and look.count("PNS003PIEVLI0000.FTZ") == 4 and "swift/data/obs" in look
    assert "M1S001" not in look + do and do.count("PNS003PIEVLI0000.FTZ") == 4 and "failed" not in do + wider
    assert wider.count("M1S001MIEVLI0000.FTZ") == 4 and wider.count("PNS003PIEVLI0000.FTZ") == 4
    info = tour.told("info")
    assert "version 1.2 of" in info and "nothing left out" in info and "clean_events" in info
    assert tour.told("results Tour --skipped").count("CalClosed") == 4
    log = tour.told("logs")
    assert log.count("== xmm_pointed 0999900201 ") == 2 and "done" in log
    versions = tour.told("versions Tour")
    assert [line.split()[0] for line in versions.splitlines()] == ["VERSION", "1.2", "1.1", "1.0"]
    compared = tour.told("versions Tour --compare")
    assert "Clean events on" in compared and compared.count("M1S001MIEVLI0000.fits") == 4
    assert "as submitted" in tour.told("versions Tour --note")
    assert tour.said["regions Tour"].splitlines()[1].split()[:4] == ["xmm_pointed", "0999900101", "1", "0"]
    assert "the archive is whole" in tour.said["verify Tour"] and "the archive is whole" in tour.said["verify Tour --repair"]
    assert "1 file, " in tour.told("raw-data Tour --mission swift") and "as number 1" in tour.told(
        "raw-data Tour --mission swift"
    )
    assert "Raw data of swift 09999901001." in tour.said["trash Tour"]
    assert tour.told("trash Tour --restore").startswith("1 file back in place.")


def test_that_the_python_of_the_page_says_the_same(tour: Tour) -> None:
    found = tour.python("\n".join(blocks("python")))
    assert found["printed"].count("CalClosed") == 4
    usable = {tuple(key) for key in found["usable"]}
    assert ("xmm_pointed", "0999900201") in usable and ("xmm_pointed", "0999900401") not in usable
    assert found["facts"]["obs_id"] == "0999900201" and set(found["facts"]["instruments"]) == {"M1", "PN"}
    assert found["newest"]["number"] == "1.2" and len(found["difference"]["added"]) > 4
    assert len(found["downloaded"]) == 8 and found["use"]["n_files"] == 8
    assert found["report"]["findings"] == [] and f"8 {found['use']['size_bytes']} True" in found["printed"]
    assert "xmm_pointed events 1 " in found["printed"] and set(found["second"]) == {"M2", "PN"}
