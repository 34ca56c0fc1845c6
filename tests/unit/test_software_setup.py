"""Set-up scripts are run once, in a clean environment, and what came of them is remembered as long as it is true."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled, ReductionError
from daxa_gui.reduction import software_environment
from daxa_gui.reduction.calibration import caldb_version, ccf_files
from daxa_gui.reduction.software import find_software, forget, installation, versions_for
from daxa_gui.reduction.software_environment import SetUpError, own_first
from daxa_gui.reduction.software_versions import (
    ciao_versions,
    esass_version,
    heasoft_version,
    nustardas_version,
    sas_version,
    tool_version,
)
from tests.fakes.software_trees import Trees, program, write


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trees:
    monkeypatch.setenv("DAXA_GUI_CACHE", str(tmp_path / "cache"))
    forget()
    return Trees(tmp_path / "software")


def here(trees: Trees, name: str, **more):
    return installation(name, trees.setting, trees.environment, **more)


def count_runs(trees: Trees, script: Path) -> Path:
    """A file that gets a byte each time the script runs."""
    runs = trees.root / "runs"
    write(script, f"printf x >> '{runs}'\n" + script.read_text())
    return runs


def test_that_a_script_runs_once_for_many_jobs_and_for_the_next_start(trees: Trees):
    runs = count_runs(trees, trees.sas / "setsas.sh")
    threads = [threading.Thread(target=here, args=(trees, "sas")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = here(trees, "sas")
    forget()  # as after a new start
    assert here(trees, "sas") == first
    assert runs.read_text() == "x"
    here(trees, "sas", fresh=True)
    assert runs.read_text() == "xx"


def test_that_a_changed_script_program_or_variable_is_looked_at_again(trees: Trees):
    runs = count_runs(trees, trees.sas / "setsas.sh")
    assert here(trees, "sas").version == "21.0.0"
    program(trees.sas / "bin" / "sas", "sas (sas-1.5) [22.1.0-a8f2c2afa-20250304] newer")
    assert here(trees, "sas").version == "22.1.0"
    trees.environment["SAS_VERBOSITY"] = "7"
    assert here(trees, "sas").environment["SAS_VERBOSITY"] == "7"
    write(trees.sas / "setsas.sh", (trees.sas / "setsas.sh").read_text() + "export EXTRA=1\n")
    assert here(trees, "sas").environment["EXTRA"] == "1"
    assert runs.read_text() == "xxxx"


def test_that_nothing_of_the_shell_but_the_harmless_reaches_a_script_or_the_disk(trees: Trees, tmp_path: Path):
    trees.environment |= {
        "AWS_SECRET_ACCESS_KEY": "hush",
        "MY_TOKEN": "hush",
        "HEADAS": "/x",
        "ASCDS_INSTALL": "/y",
        "BASH_ENV": "/z",
    }
    found = here(trees, "ciao", memory=tmp_path / "kept")
    assert "hush" not in str(found.environment) and "BASH_ENV" not in found.environment
    assert found.environment["ASCDS_INSTALL"] == str(trees.ciao)
    [kept] = (tmp_path / "kept").iterdir()
    assert "hush" not in kept.read_text()
    assert "LANG" not in json.loads(kept.read_text())["set"]  # what the script left alone is not stored
    assert kept.stat().st_mode & 0o077 == 0


def test_that_packages_do_not_see_each_other_except_where_they_must(trees: Trees):
    for name in ("sas", "heasoft", "ciao", "esass"):  # a shell in which all of them are set up
        trees.environment["PATH"] = here(trees, name).environment["PATH"] + ":" + trees.environment["PATH"]
    forget()
    paths = {name: here(trees, name).environment["PATH"] for name in ("sas", "heasoft", "ciao", "esass")}
    assert str(trees.sas) not in paths["heasoft"] + paths["ciao"] + paths["esass"]
    assert str(trees.ciao) not in paths["sas"] + paths["heasoft"] + paths["esass"]
    assert str(trees.heasoft) not in paths["ciao"]
    assert paths["sas"].index(str(trees.sas)) < paths["sas"].index(str(trees.heasoft))
    assert str(trees.heasoft / "bin") in paths["esass"].split(":")
    assert here(trees, "heasoft").environment["CALDBCONFIG"] == str(trees.caldb / "software" / "tools" / "caldb.config")


def test_that_strange_scripts_are_read_rightly(trees: Trees):
    script = trees.esass / "bin" / "esass-init.sh"
    strange = (
        "echo out; echo err >&2; read answer; set -eu; set -o noclobber; IFS=,\n"
        'export LINES_=$\'a\\nb=c\' QUOTED="it\'s \\"so\\"" EMPTY= UMLAUT=ü\n'
        "sleep 60 &\n[ -d /nowhere ] || true\n"
    )
    write(script, script.read_text() + strange)
    found = here(trees, "esass").environment
    assert found["LINES_"] == "a\nb=c" and found["QUOTED"] == 'it\'s "so"' and found["EMPTY"] == "" and found["UMLAUT"] == "ü"
    assert not [name for name in found if name.startswith("daxa_")]


def test_that_a_hostile_folder_name_is_only_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAXA_GUI_CACHE", str(tmp_path / "cache"))
    forget()
    marker = tmp_path / "made"
    trees = Trees(tmp_path / "a $(touch made) `touch made`; touch made & 'x")
    monkeypatch.chdir(tmp_path)
    assert here(trees, "heasoft").folder == str(trees.heasoft)
    assert not marker.exists()


def test_that_what_a_script_cannot_do_is_told_and_not_tried_for_every_job(trees: Trees, monkeypatch: pytest.MonkeyPatch):
    runs = count_runs(trees, trees.sas / "setsas.sh")
    write(trees.sas / "setsas.sh", f"printf x >> '{runs}'\nsleep 1000\n")
    monkeypatch.setattr(software_environment, "SETUP_LIMIT_S", 0.4)
    for _ in range(3):
        with pytest.raises(SetUpError, match="does not come to an end") as told:
            here(trees, "sas")
    assert told.value.code == "set-up-hangs" and told.value.hint
    assert runs.read_text() == "x"
    assert versions_for(["sas"], trees.setting, trees.environment) == {"sas": ""}
    with pytest.raises(Cancelled):
        here(trees, "sas", fresh=True, cancelled=lambda: True)


def test_that_what_is_missing_is_told_with_what_to_do(trees: Trees):
    trees.settings["ciao_folder"] = str(trees.root)
    with pytest.raises(ReductionError, match=r"has no bin/ciao\.sh") as told:
        here(trees, "ciao")
    assert "settings" in told.value.hint
    trees.settings["ciao_folder"] = ""
    with pytest.raises(ReductionError, match="was not found"):
        here(trees, "ciao")


def test_that_an_initialised_environment_needs_no_setting(trees: Trees):
    trees.settings.clear()
    trees.environment |= {"SAS_DIR": str(trees.sas), "HEADAS": str(trees.heasoft), "ASCDS_INSTALL": str(trees.ciao)}
    trees.environment["PATH"] = f"{trees.esass / 'bin'}:{os.defpath}"
    assert [here(trees, name).version for name in ("sas", "heasoft", "ciao", "esass")] == ["21.0.0", "6.34", "4.16.0", "211214"]


def test_that_conda_s_ciao_without_a_script_is_used_as_it_is(trees: Trees):
    trees.settings.clear()
    (trees.ciao / "bin" / "ciao.sh").unlink()
    program(trees.ciao / "bin" / "ciaover", "# Name Version Build\nciao   4.17.0  py311_0\ncaldb_main  4.12.0  0\n")
    trees.environment |= {
        "ASCDS_INSTALL": str(trees.ciao), "PATH": f"{trees.ciao / 'bin'}:{os.defpath}",
        "PFILES": f"/tmp/p;{trees.ciao / 'param'}",
        "CALDB": str(trees.ciao / "CALDB"), "LD_LIBRARY_PATH": str(trees.ciao / "lib"), "MY_TOKEN": "hush",
    }  # fmt: skip
    found = here(trees, "ciao")
    assert (found.version, found.calibration, found.scripts) == ("4.17.0", {"caldb": "4.12.0"}, ())
    assert found.environment["CALDB"] == str(trees.ciao / "CALDB") and "MY_TOKEN" not in found.environment


def test_that_a_conda_environment_can_be_chosen_that_is_not_active(trees: Trees):
    (trees.ciao / "bin" / "ciao.sh").unlink()
    (trees.ciao / "conda-meta").mkdir()
    script = 'export ASCDS_INSTALL="$CONDA_PREFIX" PFILES="$HOME/cxcds_param4;$CONDA_PREFIX/param"\n'
    write(trees.ciao / "etc" / "conda" / "activate.d" / "ciao_activate.sh", script)
    found = here(trees, "ciao")
    assert found.version == "4.16.0" and found.environment["ASCDS_INSTALL"] == str(trees.ciao)
    assert found.environment["PATH"].split(":")[0] == str(trees.ciao / "bin")


def test_that_the_older_script_of_sas_finds_its_folder(trees: Trees):
    text = (trees.sas / "setsas.sh").read_text().replace(f'SAS_DIR="{trees.sas}"', 'SAS_DIR="${SAS_DIR:?not set}"')
    (trees.sas / "setsas.sh").unlink()
    write(trees.sas / "sas-setup.sh", text)
    assert here(trees, "sas").environment["SAS_DIR"] == str(trees.sas)


def test_that_versions_are_told_of_software_and_calibration(trees: Trees):
    found = versions_for(["sas", "ccf", "heasoft", "nustardas", "caldb", "ciao", "ciao_caldb", "esass", "builtin"], trees.setting,
                         trees.environment)  # fmt: skip
    assert found["sas"] == "21.0.0" and found["heasoft"] == "6.34" and found["nustardas"] == "2.1.4"
    assert found["caldb"] == "v20240812" and found["ciao"] == "4.16.0" and found["ciao_caldb"] == "4.11.5"
    assert found["ccf"].startswith("6 files, ") and found["esass"] == "211214" and "builtin" not in found


def test_that_versions_follow_new_calibration_without_running_anything(trees: Trees):
    before = versions_for(["sas", "ccf", "heasoft", "caldb"], trees.setting, trees.environment)
    write(trees.ccf / "EPN_CTI_0059.CCF", "newer")
    index = trees.caldb / "data" / "nustar" / "fpm"
    write(index / "index" / "caldb.indx20250101", "newer")
    (index / "caldb.indx").unlink()
    (index / "caldb.indx").symlink_to("index/caldb.indx20250101")
    for script in (trees.sas / "setsas.sh", trees.heasoft / "headas-init.sh"):
        facts = script.stat()
        script.write_text("exit 1\n".ljust(facts.st_size))  # it would fail if it ran
        os.utime(script, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    after = versions_for(["sas", "ccf", "heasoft", "caldb"], trees.setting, trees.environment)
    assert after["ccf"] != before["ccf"] and after["caldb"] == "v20250101"
    assert (after["sas"], after["heasoft"]) == (before["sas"], before["heasoft"])


def test_that_the_calibration_s_version_is_the_same_wherever_it_was_copied(tmp_path: Path):
    for folder, order in (("a", ("X_0001.CCF", "Y_0002.CCF")), ("b", ("Y_0002.CCF", "X_0001.CCF"))):
        for number, name in enumerate(order):
            os.utime(write(tmp_path / folder / name, "x"), (1000 + number, 1000 + number))
    assert ccf_files(str(tmp_path / "a")).version == ccf_files(str(tmp_path / "b")).version
    assert ccf_files(f"{tmp_path / 'a'}:{tmp_path / 'gone'}").count == 2


def test_that_a_calibration_index_that_is_no_link_is_recognised(tmp_path: Path):
    index = tmp_path / "data" / "nustar" / "fpm"
    write(index / "index" / "caldb.indx20200101", "old")
    write(index / "index" / "caldb.indx20210101", "new")
    write(index / "caldb.indx", "new")
    assert caldb_version(str(tmp_path)) == "v20210101"
    write(index / "caldb.indx", "own")
    assert caldb_version(str(tmp_path)).startswith("index ")
    assert caldb_version("https://heasarc.gsfc.nasa.gov/FTP/caldb") == "remote"
    assert caldb_version(str(tmp_path / "gone")) == ""


@pytest.mark.parametrize(
    ("read", "text", "version"),
    [
        (sas_version, "sas (sas-1.50) [xmmsas_20211130_0941-20.0.0]\n", "20.0.0"),
        (sas_version, "sas (sas-1.50) [22.1.0-a8f2c2afa-20250304]", "22.1.0"),
        (sas_version, "\n\nSAS release: 22.1.0-a8f2c2afa-20250304\nCompiled on: …", "22.1.0"),
        (sas_version, "sas: command not found", ""),
        (sas_version, "[a warning] sas (sas-1) [xmmsas_20180620_1732-17.0.0]\n[done]", "17.0.0"),
        (nustardas_version, "nustar_11Jul24_v2.1.4\n", "2.1.4"),
        (nustardas_version, "nonsense", ""),
        (heasoft_version, "HEASoft 6.34\n", "6.34"),
        (heasoft_version, "19Dec23_V6.33.1", "6.33.1"),
        (heasoft_version, "none", ""),
        (tool_version, "lcurve 1.0 (xronos6.0), Version 1.2 built", "1.2"),
        (lambda text: ciao_versions(text)[0], "CIAO        : CIAO 4.16.0 Wednesday", "4.16.0"),
        (lambda text: ciao_versions(text)[1], "x\nnew line\n  CALDB       : 4.11.5\n", "4.11.5"),
        (lambda text: ciao_versions(text)[1], "CIAO : CIAO 4.16\n  CALDB   : not installed\n", ""),
        (lambda text: ciao_versions(text)[0], "# packages\nciao      4.13.0   py38h5ec60c1_0  https://x", "4.13.0"),
        (lambda text: esass_version("/opt/eSASS4DR1", {}, text), "", "4DR1"),
        (lambda text: esass_version("/opt/x", {}, text), "evtool/eSASSusers 2.10.1", "2.10.1"),
        (lambda text: esass_version("/opt/x", {"SASS_VERSION": "7"}, text), "", "7"),
    ],
)  # fmt: skip
def test_that_versions_are_read_from_what_programs_say(read, text: str, version: str):
    assert read(text) == version


def test_that_a_spoilt_memory_is_no_failure(trees: Trees, tmp_path: Path):
    first = here(trees, "sas", memory=tmp_path / "kept")
    [kept] = (tmp_path / "kept").iterdir()
    for spoilt in ("", "[]", '{"facts": 3}', kept.read_text().replace('"asked"', '"asket"')):
        kept.write_text(spoilt)
        forget()
        assert here(trees, "sas", memory=tmp_path / "kept") == first
    write(tmp_path / "file")
    forget()
    assert here(trees, "sas", memory=tmp_path / "file") == first


def test_that_the_status_names_version_and_steps_without_running_anything(trees: Trees):
    runs = count_runs(trees, trees.sas / "setsas.sh")
    before = next(one for one in find_software(trees.settings, trees.environment) if one.name == "sas")
    assert before.found and before.version == "" and "asked when" in before.message and not runs.exists()
    here(trees, "sas")
    after = next(one for one in find_software(trees.settings, trees.environment) if one.name == "sas")
    assert after.version == "21.0.0" and "SAS 21.0.0" in after.message and "Used by" in after.message
    assert runs.read_text() == "x"


def test_that_a_search_path_has_its_own_first_and_each_once():
    assert own_first("/usr/bin:/opt/sas/bin:/usr/bin:/opt/sasx/bin", "/opt/sas") == "/opt/sas/bin:/usr/bin:/opt/sasx/bin"
