"""What the Doctor tells although it stops no step."""

from __future__ import annotations

from pathlib import Path

import pytest

from daxa_gui.core.finding import Grade
from daxa_gui.reduction import STEPS, doctor_checks_machine, doctor_checks_software
from daxa_gui.reduction.doctor import ObservedData
from daxa_gui.reduction.software import forget, installation
from daxa_gui.reduction.software_packages import PACKAGES
from tests.fakes.doctoring import codes, look, only
from tests.fakes.software_trees import Trees, program


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trees:
    monkeypatch.setenv("DAXA_GUI_CACHE", str(tmp_path / "cache"))
    forget()
    return Trees(tmp_path / "software")


ADVICE: list[tuple[str, dict[str, str], str]] = [
    ("clashing-variable", {"LD_LIBRARY_PATH": "/opt/lib"}, "LD_LIBRARY_PATH"),
    ("clashing-variable", {"PYTHONPATH": "/opt/py"}, "PYTHONPATH"),
    ("clashing-variable", {"PERL5LIB": "/opt/perl"}, "PERL5LIB"),
    ("clashing-variable", {"DYLD_LIBRARY_PATH": "/opt/lib"}, "DYLD_LIBRARY_PATH"),
    ("data-variable", {"SAS_CCF": "/data/ccf.cif"}, "SAS_CCF"),
    ("data-variable", {"SAS_ODF": "/data/odf"}, "SAS_ODF"),
    ("pfiles-variable", {"PFILES": "/data/me/pfiles"}, "PFILES"),
    ("decimal-comma", {"LC_NUMERIC": "de_DE.UTF-8"}, "de_DE.UTF-8"),
    ("heasoft-other-in-shell", {"HEADAS": "/opt/heasoft-6.20/x86"}, "/opt/heasoft-6.20/x86"),
]


@pytest.mark.parametrize(("code", "variables", "words"), ADVICE, ids=[f"{one[0]}-{next(iter(one[1]))}" for one in ADVICE])
def test_that_variables_that_clash_are_told_and_do_not_reach_the_programs(
    trees: Trees, code: str, variables: dict[str, str], words: str
):
    trees.environment |= variables
    assert words in only(look(trees), code, Grade.ADVICE).text
    for name, text in variables.items():
        for package in PACKAGES:
            assert text not in installation(package, trees.setting, trees.environment).environment.get(name, "").split(":")


def test_that_calibration_that_is_older_than_the_observations_is_told(trees: Trees):
    for file in trees.ccf.iterdir():
        trees.age(file, 3650)
    new = ObservedData("xmm_pointed", 1, "2026-05-01", 1000)
    assert "2026-05-01" in only(look(trees, observations=[new]), "ccf-old", Grade.ADVICE).text
    new = ObservedData("nustar_pointed", 1, "2026-05-01", 1000)
    assert "v20240812" in only(look(trees, observations=[new]), "caldb-old", Grade.ADVICE).text


def test_that_a_database_on_the_network_and_strange_folders_are_told(trees: Trees, tmp_path: Path):
    trees.settings["caldb_folder"] = ""
    trees.environment |= {"CALDB": "https://heasarc.gsfc.nasa.gov/FTP/caldb", "CALDBCONFIG": "/x/caldb.config"}
    assert only(look(trees), "caldb-remote", Grade.ADVICE).steps
    trees = Trees(tmp_path / "other")
    strange = trees.folder("a [b], c")
    assert only(look(trees, folders={"Archive": strange}), "strange-path", Grade.ADVICE)
    deep = trees.folder("x" * 100 + "/" + "y" * 100)
    assert only(look(trees, folders={"Archive": deep}), "long-path", Grade.ADVICE)


def test_that_a_version_that_nobody_says_is_told(trees: Trees):
    program(trees.sas / "bin" / "sas", "what version?")
    assert only(look(trees), "sas-version-unknown", Grade.ADVICE)


def test_that_a_disk_with_another_clock_is_told(trees: Trees, monkeypatch: pytest.MonkeyPatch):
    now = doctor_checks_machine.time.time()
    monkeypatch.setattr(doctor_checks_machine.time, "time", lambda: now - 600)
    assert "ahead of" in only(look(trees, [STEPS["prepare"]]), "clock-differs", Grade.ADVICE).text


def test_that_a_slow_set_up_is_told(trees: Trees, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor_checks_software, "SLOW_SET_UP_S", 0.0)
    assert codes(look(trees, [STEPS["cif_build"]]), Grade.ADVICE) == ["sas-set-up-slow"]
