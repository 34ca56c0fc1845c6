"""The Doctor and the set-up of software on the stand-ins' installations: their set-up scripts, programs and parameter files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daxa_gui.core.finding import Finding, Grade
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.doctor import ObservedData, examine
from daxa_gui.reduction.software import forget, installation, versions_for
from tests.standins.install import Installed, install


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("DAXA_GUI_CACHE", str(tmp_path / "cache"))
    forget()
    (tmp_path / "home").mkdir()
    return {"PATH": os.defpath, "HOME": str(tmp_path / "home")}


def installed(folder: Path, **versions: str) -> Installed:
    return install(folder / "software", **versions)


def look(here: Installed, environment: dict[str, str], folder: Path, steps=None) -> list[Finding]:
    observed = [ObservedData("xmm_pointed", 1, "2019-10-20", 10_000, ("PN", "M1", "M2", "R1", "R2"))]
    return examine(
        steps or STEPS.values(), lambda name: here.settings.get(name, ""), observations=observed, folders={"Archive": folder},
        environment=environment,
    )  # fmt: skip


def test_that_complete_stand_ins_raise_no_fault_and_tell_their_versions(tmp_path: Path, environment: dict[str, str]):
    here = installed(tmp_path)
    found = look(here, environment, tmp_path)
    assert [one.code for one in found if one.grade is not Grade.GOOD] == []
    text = "\n".join(one.text for one in found)
    assert all(
        words in text for words in ("SAS 22.1.0", "HEASoft 6.35.1", "NuSTARDAS 2.1.4", "CIAO 4.17.0", "v20250415", "4.12.0")
    )
    names = ("sas", "ccf", "heasoft", "caldb", "ciao", "ciao_caldb", "esass")
    versions = versions_for(names, lambda name: here.settings.get(name, ""), environment)
    assert versions["sas"] == "22.1.0" and versions["ciao_caldb"] == "4.12.0" and all(versions.values())


def test_that_what_is_taken_away_from_stand_ins_is_named(tmp_path: Path, environment: dict[str, str]):
    here = installed(tmp_path, chandra_caldb="", ciao="")
    (here.sas / "bin" / "espfilt").unlink()
    (here.esass / "bin" / "evtool").chmod(0o600)
    (here.caldb / "data" / "nustar" / "fpm" / "caldb.indx20250415").unlink()
    (here.heasoft / "syspfiles" / "nuexpomap.par").unlink()
    found = {one.code: one for one in look(here, environment, tmp_path) if one.grade is Grade.FAULT}
    assert set(found) == {
        "sas-program-missing", "esass-program-not-executable", "caldb-no-nustar", "heasoft-parameter-file-missing",
        "ciao-not-found",
    }  # fmt: skip
    assert found["sas-program-missing"].steps == ("espfilt",)
    assert found["heasoft-parameter-file-missing"].steps == ("nustar_images",)


def test_that_old_software_of_the_older_form_of_version_is_told(tmp_path: Path, environment: dict[str, str]):
    here = installed(tmp_path, sas="xmmsas_20180620_1732-17.0.0", heasoft="", ciao="", esass="")
    found = [one for one in look(here, environment, tmp_path, [STEPS["emanom"], STEPS["epchain"]]) if one.grade is Grade.FAULT]
    assert {one.code for one in found} == {"sas-too-old", "sas-program-missing"}
    assert all(one.steps == ("emanom",) for one in found)


def test_that_packages_that_push_each_other_aside_work_from_a_shell_in_which_all_are_set_up(
    tmp_path: Path, environment: dict[str, str]
):
    here = installed(tmp_path)
    shell = dict(environment)
    for name in ("ciao", "heasoft", "sas", "esass"):
        shell |= installation(name, lambda setting: here.settings.get(setting, ""), environment).environment
    forget()
    found = look(here, shell, tmp_path)
    assert [one.code for one in found if one.grade is Grade.FAULT] == []
    assert {"clashing-variable", "pfiles-variable"} <= {one.code for one in found if one.grade is Grade.ADVICE}
    heasoft = installation("heasoft", lambda setting: here.settings.get(setting, ""), shell).environment
    assert str(here.ciao) not in str(heasoft) and str(here.sas) not in str(heasoft)
