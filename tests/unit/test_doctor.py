"""The Doctor: planted faults are each named rightly, and a good set-up raises none."""

from __future__ import annotations

import os
import re
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.finding_text import finding_lines, headline
from daxa_gui.reduction import STEPS, doctor_checks_machine, doctor_checks_software, software_environment, software_versions
from daxa_gui.reduction.doctor import ObservedData
from daxa_gui.reduction.doctor_programs import PROGRAMS
from daxa_gui.reduction.software import forget
from daxa_gui.reduction.software_packages import PACKAGES
from tests.fakes.doctoring import ALL, codes, look, only
from tests.fakes.software_trees import CIAOVER, Trees, program, write


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trees:
    monkeypatch.setenv("DAXA_GUI_CACHE", str(tmp_path / "cache"))
    forget()
    return Trees(tmp_path / "software")


def test_that_a_good_set_up_raises_neither_fault_nor_advice_and_says_what_it_found(trees: Trees):
    found = look(trees)
    assert codes(found) == [] and codes(found, Grade.ADVICE) == []
    text = "\n".join(one.text for one in found)
    for words in ("SAS 21.0.0", "HEASoft 6.34", "NuSTARDAS 2.1.4", "CIAO 4.16.0", "eSASS 211214", "CALDB 4.11.5", "v20240812"):
        assert words in text
    assert {"sas-found", "heasoft-found", "ciao-found", "esass-found", "ccf-found", "caldb-found", "ciao-caldb-found",
            "folder-good", "pfiles-good"} <= {one.code for one in found}  # fmt: skip


def test_that_only_what_the_steps_need_is_looked_at(trees: Trees):
    trees.settings.clear()
    found = look(trees, [STEPS["prepare"], STEPS["flares"]])
    assert codes(found) == []
    assert {one.subject for one in found} == {"Built-in engine", "Folder « Archive »"}


def no_sas(trees: Trees) -> None:
    trees.settings["sas_folder"] = ""


def wrong_sas(trees: Trees) -> None:
    (trees.sas / "setsas.sh").unlink()


def hanging_ciao(trees: Trees) -> None:
    write(trees.ciao / "bin" / "ciao.sh", "sleep 1000\n")


def leaving_sas(trees: Trees) -> None:
    write(trees.sas / "setsas.sh", "echo 'HEASoft is too old' >&2\nexit 3\n")


def idle_esass(trees: Trees) -> None:
    write(trees.esass / "bin" / "esass-init.sh", "echo nothing to do\n")


def lacking_heasoft(trees: Trees) -> None:
    write(trees.heasoft / "headas-init.sh", 'export PATH="$HEADAS/bin:$PATH"\n')


def old_sas(trees: Trees) -> None:
    program(trees.sas / "bin" / "sas", "sas (sas-1.5) [xmmsas_20110223_1803-11.0.0]")


def program_gone(trees: Trees) -> None:
    (trees.sas / "bin" / "rgsproc").unlink()


def program_not_executable(trees: Trees) -> None:
    (trees.ciao / "bin" / "deflare").chmod(0o644)


def other_machine(trees: Trees) -> None:
    machine = 0x15 if os.uname().machine != "ppc64le" else 0x3E
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, machine, 1) + bytes(100)
    (trees.heasoft / "bin" / "nuexpomap").write_bytes(head)


def library_missing(trees: Trees) -> None:
    said = "cifbuild: error while loading shared libraries: libgsl.so.0: cannot open shared object file"
    program(trees.sas / "bin" / "cifbuild", said, 127)


def interpreter_missing(trees: Trees) -> None:
    write(trees.ciao / "bin" / "chandra_repro", "#!/soft/ciao/bin/python3.7\nprint(1)\n").chmod(0o755)


def empty_program(trees: Trees) -> None:
    write(trees.heasoft / "bin" / "nupipeline").chmod(0o755)


def windows_lines(trees: Trees) -> None:
    (trees.ciao / "bin" / "fluximage").write_bytes(b"#!/bin/sh\r\ntrue\r\n")


def parameters_gone(trees: Trees) -> None:
    (trees.heasoft / "syspfiles" / "nupipeline.par").unlink()


def sas_parameters_gone(trees: Trees) -> None:
    shutil.rmtree(trees.sas / "config")


def no_parameter_folder(trees: Trees) -> None:
    script = (trees.esass / "bin" / "esass-init.sh").read_text()
    write(trees.esass / "bin" / "esass-init.sh", script.replace(";$SASS_ROOT/pfiles", ""))


def no_ccf(trees: Trees) -> None:
    trees.settings["ccf_folder"] = ""


def ccf_not_mounted(trees: Trees) -> None:
    shutil.rmtree(trees.ccf)


def ccf_empty(trees: Trees) -> None:
    for file in trees.ccf.iterdir():
        file.unlink()


def ccf_half_copied(trees: Trees) -> None:
    write(trees.ccf / "EPN_CTI_0058.CCF")


def ccf_without_rgs(trees: Trees) -> None:
    for file in trees.ccf.glob("RGS*"):
        file.unlink()


def no_caldb(trees: Trees) -> None:
    trees.settings["caldb_folder"] = ""


def caldb_not_mounted(trees: Trees) -> None:
    shutil.rmtree(trees.caldb)


def caldb_dangling(trees: Trees) -> None:
    (trees.caldb / "data" / "nustar" / "fpm" / "index" / "caldb.indx20240812").unlink()


def caldb_not_configured(trees: Trees) -> None:
    shutil.rmtree(trees.caldb / "software")


def ciao_without_caldb(trees: Trees) -> None:
    program(trees.ciao / "bin" / "ciaover", CIAOVER.replace("4.11.5", "Package not installed"))


def hanging_version(trees: Trees) -> None:
    program(trees.sas / "bin" / "sas", "[21.0.0-x]").write_text("#!/bin/sh\nsleep 1000\n")


def file_for_pfiles(trees: Trees) -> None:
    trees.settings["pfiles_folder"] = str(write(trees.root / "pfiles"))


def archive_is_a_file(trees: Trees) -> None:
    (trees.root / "archive").rmdir()
    write(trees.root / "archive")


def no_home(trees: Trees) -> None:
    trees.environment["HOME"] = str(trees.root / "gone")


def no_temporary_folder(trees: Trees) -> None:
    (trees.root / "tmp").rmdir()


def hidden_lcurve(trees: Trees) -> None:
    script = (trees.sas / "setsas.sh").read_text()
    write(trees.sas / "setsas.sh", script.replace(":$PATH", ":/usr/bin:/bin"))


FAULTS: list[tuple[str, Callable[[Trees], None], str, str]] = [
    # code, what is planted, words of the sentence or the fix, a step that it stops
    ("sas-not-found", no_sas, "SAS_DIR", "epchain"),
    ("sas-wrong-folder", wrong_sas, "setsas.sh", "epchain"),
    ("ciao-set-up-hangs", hanging_ciao, "ciao.sh", "chandra_repro"),
    ("sas-set-up-ends-early", leaving_sas, "HEASoft is too old", "cif_build"),
    ("esass-not-initialised", idle_esass, "evtool", "flaregti"),
    ("heasoft-not-initialised", lacking_heasoft, "PFILES", "nupipeline"),
    ("sas-program-missing", program_gone, "rgsproc", "rgs_events"),
    ("ciao-program-not-executable", program_not_executable, "deflare", "deflare"),
    ("heasoft-wrong-architecture", other_machine, "nuexpomap", "nustar_images"),
    ("sas-library-missing", library_missing, "libgsl.so.0", "cif_build"),
    ("ciao-interpreter-missing", interpreter_missing, "/soft/ciao/bin/python3.7", "chandra_repro"),
    ("heasoft-program-broken", empty_program, "empty", "nupipeline"),
    ("ciao-interpreter-missing", windows_lines, "Windows", "flux_image"),
    ("heasoft-parameter-file-missing", parameters_gone, "nupipeline", "nupipeline"),
    ("sas-parameter-file-missing", sas_parameters_gone, "config", "espfilt"),
    ("esass-parameter-folder-missing", no_parameter_folder, "PFILES", "flaregti"),
    ("ccf-not-named", no_ccf, "SAS_CCFPATH", "cif_build"),
    ("ccf-folder-missing", ccf_not_mounted, "mount", "cif_build"),
    ("ccf-empty", ccf_empty, "*.CCF", "cif_build"),
    ("ccf-files-empty", ccf_half_copied, "EPN_CTI_0058.CCF", "cif_build"),
    ("ccf-incomplete", ccf_without_rgs, "R1, R2", "cif_build"),
    ("caldb-not-named", no_caldb, "CALDB", "nupipeline"),
    ("caldb-folder-missing", caldb_not_mounted, "mount", "nupipeline"),
    ("caldb-no-nustar", caldb_dangling, "leads nowhere", "nupipeline"),
    ("caldb-not-configured", caldb_not_configured, "caldb.config", "nupipeline"),
    ("ciao-caldb-missing", ciao_without_caldb, "ciaover", "chandra_repro"),
    ("sas-program-hangs", hanging_version, "terminal", "epchain"),
    ("pfiles-not-a-folder", file_for_pfiles, "is a file", "nupipeline"),
    ("folder-unusable", archive_is_a_file, "archive", "prepare"),
    ("home-missing", no_home, "gone", "epchain"),
    ("temporary-folder-unusable", no_temporary_folder, "TMPDIR", "epchain"),
    ("sas-lacks-lcurve", hidden_lcurve, "lcurve", "emchain"),
]


@pytest.mark.parametrize(("code", "plant", "words", "step"), FAULTS, ids=[f"{one[0]}-{one[1].__name__}" for one in FAULTS])
def test_that_a_planted_fault_is_the_only_one_and_named(
    trees: Trees, monkeypatch: pytest.MonkeyPatch, code: str, plant: Callable[[Trees], None], words: str, step: str
):
    monkeypatch.setattr(software_environment, "SETUP_LIMIT_S", 1.0)
    monkeypatch.setattr(software_versions, "ANSWER_LIMIT_S", 1.0)
    plant(trees)
    found = only(look(trees), code)
    assert words in f"{found.text} {found.fix}"
    assert step in found.steps
    assert found.fix


def test_that_software_that_is_too_old_stops_the_steps_that_need_more(trees: Trees):
    old_sas(trees)
    findings = [one for one in look(trees) if one.grade is Grade.FAULT]
    assert {one.code for one in findings} == {"sas-too-old"}
    assert all("11.0.0" in one.text for one in findings)
    program(trees.sas / "bin" / "sas", "sas (sas-1.5) [16.1.0-a1b2c3-20170101]")
    found = only(look(trees), "sas-too-old")
    assert found.steps == ("emanom",) and "16.1.0" in found.text and "19.0.0" in found.text


def test_that_software_in_a_path_with_a_blank_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAXA_GUI_CACHE", str(tmp_path / "cache"))
    forget()
    trees = Trees(tmp_path / "my software")
    found = look(trees, [STEPS["cif_build"]])
    assert only([one for one in found if one.grade is Grade.FAULT], "sas-path-with-blank").steps == ("cif_build",)
    assert "blank-in-path" in codes(found, Grade.ADVICE)


def test_that_a_disk_without_space_is_a_fault_and_a_tight_one_an_advice(trees: Trees):
    large = ObservedData("xmm_pointed", 1, "2019-10-20", 10**18)
    assert "one observation alone" in only(look(trees, observations=[large]), "disk-too-small").text
    many = ObservedData("xmm_pointed", 10**9, "2019-10-20", 10**18)
    assert only(look(trees, observations=[many]), "disk-tight", Grade.ADVICE).fix


def test_that_folders_without_the_right_to_write_are_faults(trees: Trees):
    (trees.root / "archive").chmod(0o555)
    if os.access(trees.root / "archive", os.W_OK):
        pytest.skip("this user may write everywhere")
    assert "archive" in only(look(trees), "folder-not-writable").text
    (trees.root / "archive").chmod(0o755)
    trees.settings["pfiles_folder"] = str(trees.folder("mine"))
    (trees.root / "mine").chmod(0o555)
    assert "mine" in only(look(trees), "pfiles-not-writable").text


@pytest.mark.parametrize(
    ("number", "code"), [(30, "folder-read-only"), (28, "disk-full"), (13, "folder-not-writable"), (5, "folder-unusable")]
)
def test_that_the_reason_why_a_folder_cannot_be_written_is_told(
    trees: Trees, monkeypatch: pytest.MonkeyPatch, number: int, code: str
):
    make = doctor_checks_machine.tempfile.NamedTemporaryFile

    def refuse(*arguments, **names):
        if str(names["dir"]).endswith("archive"):
            raise OSError(number, os.strerror(number))
        return make(*arguments, **names)

    monkeypatch.setattr(doctor_checks_machine.tempfile, "NamedTemporaryFile", refuse)
    assert os.strerror(number) in only(look(trees), code).text


def test_that_a_disk_on_which_no_program_may_run_is_a_fault(trees: Trees, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor_checks_software, "_mounted_noexec", lambda folder: folder == str(trees.ciao))
    assert "noexec" in only(look(trees), "ciao-noexec").text


def test_that_too_few_open_files_and_a_wrong_clock_are_faults(trees: Trees, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor_checks_machine, "_most_open_files", lambda: 64)
    assert "64" in only(look(trees), "few-open-files").text
    monkeypatch.undo()
    monkeypatch.setattr(doctor_checks_machine.time, "time", lambda: 0.0)
    assert "1970" in only([one for one in look(trees, [STEPS["prepare"]]) if one.grade is Grade.FAULT], "clock-wrong").text


def test_that_esass_in_docker_only_is_told_from_none_at_all(trees: Trees):
    trees.settings["esass_folder"] = ""
    docker = program(trees.root / "tools" / "docker", "postgres:16\nerosita/esass:dr1")
    trees.environment["PATH"] = f"{docker.parent}:{os.defpath}"
    assert "erosita/esass:dr1" in only(look(trees), "esass-only-in-docker").text
    program(docker, "postgres:16")
    assert only(look(trees), "esass-not-found")


def test_that_without_heasoft_emchain_is_stopped_besides_what_is_heasofts(trees: Trees):
    trees.settings["heasoft_folder"] = ""
    found = only(
        [one for one in look(trees, [STEPS["emchain"], STEPS["epchain"]]) if one.grade is Grade.FAULT], "heasoft-not-found"
    )
    assert found.steps == ("emchain",)


def test_that_progress_is_told_and_that_it_can_be_stopped(trees: Trees):
    told: list[tuple[float, float | None, str]] = []
    look(trees, progress=lambda done, total, text: told.append((done, total, text)))
    assert [one[0] for one in told] == sorted(one[0] for one in told)
    assert told[-1][0] == told[-1][1]
    write(trees.sas / "setsas.sh", "sleep 1000\n")
    forget()
    with pytest.raises(Cancelled):
        look(trees, cancelled=lambda: bool(told))


def test_that_lines_have_a_shape_a_word_the_fix_and_no_control_characters():
    findings = [
        Finding(Grade.GOOD, "ccf-found", "CCF", "6 files."),
        Finding(Grade.FAULT, "sas-not-found", "SAS", "SAS is\nnot here\x1b[31m.", "Install it.", ("epchain",)),
    ]
    lines = finding_lines(findings)
    assert "  ✗ fault: SAS is not here�[31m. [sas-not-found]" in lines
    assert "      What to do: Install it." in lines
    assert "      Steps: epchain" in lines
    assert lines[-1] == headline(findings) == "1 fault, 1 check is good."


def test_that_every_step_of_the_missions_software_has_its_programs():
    external = {one.name for one in ALL if one.software in PACKAGES}
    assert external == set(PROGRAMS)


def test_that_every_code_is_explained_in_the_documentation():
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs" / "doctor.md").read_text(encoding="utf-8")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (root / "daxa_gui" / "reduction").glob("doctor*.py"))
    used = set(re.findall(r"(?:fault|advice)\(\s*\"([a-z-]+)\"", sources))
    used |= set(re.findall(r"\"((?:folder|disk|program|library|interpreter)-[a-z-]+)\"", sources))
    used |= {f"*-{tail}" for tail in re.findall(r"f\"\{(?:package\.)?name\}-([a-z-]+)\"", sources)}
    used |= {"*-set-up-hangs", "*-set-up-ends-early", "*-not-initialised"}
    unexplained = sorted(code for code in used if f"`{code}`" not in page and f"`*-{code}`" not in page)
    assert len(used) > 40 and unexplained == []


def test_that_the_planted_faults_are_more_than_twenty():
    assert len({code for code, *_ in FAULTS}) > 20 and sys.platform in ("linux", "darwin")


def test_that_names_of_steps_days_of_observations_and_plain_folders_do_too(trees: Trees):
    for file in trees.ccf.iterdir():
        trees.age(file, 3650)
    days = {"xmm_pointed": ["2001-01-01", "2026-05-01"], "chandra": []}
    found = look(trees, ["epchain", "cif_build", "epchain"], observations=days, folders=(trees.root / "archive",))
    assert only(found, "ccf-old", Grade.ADVICE).steps == ("cif_build", "epchain")
    assert "Folder « archive »" in {one.subject for one in found}
