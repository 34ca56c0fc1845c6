"""Where the missions' software is looked for, and what is said when it is not there."""

from __future__ import annotations

from pathlib import Path

from daxa_gui.core.software import SoftwareStatus
from daxa_gui.reduction.software import find_software


def status(name: str, folders: dict[str, str], environment: dict[str, str]) -> SoftwareStatus:
    return next(one for one in find_software(folders, environment) if one.name == name)


def package(folder: Path, mark: str) -> str:
    (folder / mark).parent.mkdir(parents=True)
    (folder / mark).touch()
    return str(folder)


def test_that_the_engine_is_always_there():
    assert find_software({}, {})[0].found


def test_that_the_setting_goes_before_the_environment(tmp_path: Path):
    chosen, other = package(tmp_path / "chosen", "setsas.sh"), package(tmp_path / "other", "setsas.sh")
    found = status("sas", {"sas_folder": chosen}, {"SAS_DIR": other})
    assert found.found
    assert chosen in found.message
    assert other in status("sas", {"sas_folder": ""}, {"SAS_DIR": other}).message


def test_that_what_is_nowhere_is_said_with_the_setting_and_the_variable():
    missing = status("ciao", {}, {})
    assert not missing.found
    assert "« CIAO »" in missing.message
    assert "ASCDS_INSTALL" in missing.message


def test_that_a_folder_without_the_set_up_script_is_not_taken_for_the_software(tmp_path: Path):
    wrong = status("heasoft", {"heasoft_folder": str(tmp_path)}, {})
    assert not wrong.found
    assert "headas-init.sh" in wrong.message


def test_that_calibration_files_and_parameter_files_are_looked_for_too(tmp_path: Path):
    ccf = package(tmp_path / "ccf", "EPN_BORESIGHT_0012.CCF")
    assert status("ccf", {}, {"SAS_CCFPATH": f"{ccf}:/other"}).found
    assert "no *.CCF" in status("ccf", {"ccf_folder": str(tmp_path)}, {}).message
    assert status("caldb", {"caldb_folder": package(tmp_path / "caldb", "caldb.config")}, {}).found
    assert status("pfiles", {}, {"PFILES": f"{tmp_path};/heasoft/syspfiles"}).found
    assert "no folder" in status("pfiles", {"pfiles_folder": str(tmp_path / "none")}, {}).message


def test_that_strange_paths_are_no_error():
    for text in ("~nobody-at-all/sas", "a\0b", "x" * 5000):
        assert not status("sas", {"sas_folder": text}, {}).found
