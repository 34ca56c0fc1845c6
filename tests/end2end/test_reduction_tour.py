"""docs/reduction.md: every command of its tour is typed in its order, with stand-ins in the place of SAS, and what the page shows
is what comes out."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from daxa_gui.cli import main
from tests.fakes.reduction_world import make_archive
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_data import XmmExposure, xmm_odf

__all__ = ["standins", "standins_once"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reduction.md"
OBS_ID = "0999900901"
EXPOSURES = (XmmExposure("M1", "S001"), XmmExposure("PN", "S003"), XmmExposure("M2", "S002", filter="CalClosed"))


def blocks() -> list[tuple[str, str]]:
    """(language, text) of the page's blocks."""
    found = re.findall(r"^```(sh|text)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert {language for language, _ in found} == {"sh", "text"}
    return found


@pytest.mark.timeout(500)
def test_that_the_commands_of_the_page_do_what_it_shows(
    tmp_path: Path, standins: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "Documents" / "DAXA archives"
    xmm_odf(output / "xmm_pointed_raw" / OBS_ID, OBS_ID, EXPOSURES)
    row = {"start_mjd": 55524.13, "instruments": "M1 M2 PN"}
    archive = make_archive(output, {("xmm_pointed", OBS_ID): row}, "MyArchive")
    environment = {
        "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DOCUMENTS_DIR": str(tmp_path / "Documents"),
        "DAXA_GUI_CORES": "2", "DAXA_GUI_CACHE": str(tmp_path / "cache"), **standins.variables,
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    said: dict[str, str] = {}
    last = ""
    for language, text in blocks():
        if language == "text":
            for line in filter(str.strip, text.splitlines()):
                assert line in last.splitlines(), f"the page shows {line!r}, but there was\n{last}"
            continue
        last = ""
        for line in text.strip().splitlines():
            program, *words = shlex.split(line, comments=True)
            assert program == "daxa-gui"
            with contextlib.redirect_stdout(io.StringIO()) as out:
                code = main(words)
            said[line.removeprefix("daxa-gui ")] = out.getvalue()
            assert code == 0, f"{line}\n{out.getvalue()}"
            last += out.getvalue()
    assert "checks are good." in said["doctor MyArchive"] and "fault" not in said["doctor MyArchive"]
    assert said["logs MyArchive --causes"] == "Nothing failed.\n"
    images = archive / "processed_data" / "xmm_pointed" / OBS_ID / "images"
    assert len(list(images.glob("*-image.fits"))) == len(list(images.glob("*-expmap.fits"))) == 4
    assert (tmp_path / "again.sh").read_text("utf-8").startswith("#!/usr/bin/env bash")
    assert not list((archive / "configurations").rglob("*.fits"))
