"""DAXA's own settings file: what is taken over, what is not and why, and files that were made to do harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from daxa_gui.exchange.daxa_config import config_path, first_values

CORES = os.cpu_count() or 1


def written(folder: Path, **entries: str) -> Path:
    path = folder / "daxa.cfg"
    path.write_text("[DAXA_SETUP]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items()), encoding="utf-8")
    return path


def test_that_the_file_is_where_daxa_looks_for_it(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    assert config_path() == own_home / ".config" / "daxa.cfg"  # directly there, because the variable is set
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert config_path() == own_home / ".config" / "daxa" / "daxa.cfg"


def test_that_no_file_says_nothing(tmp_path: Path) -> None:
    assert first_values(tmp_path / "daxa.cfg") == ({}, [])
    assert first_values() == ({}, [])


def test_that_folders_and_cores_are_taken_over_and_said(tmp_path: Path) -> None:
    (tmp_path / "pfiles").mkdir()
    path = written(tmp_path, daxa_save_path="/data/50%% full", num_cores=str(CORES), pfiles_path=str(tmp_path / "pfiles"))
    values, sentences = first_values(path)
    assert values == {"archives_folder": "/data/50% full", "cores": CORES, "pfiles_folder": str(tmp_path / "pfiles")}
    assert len(sentences) == 3 and all(str(path) in sentence for sentence in sentences)


def test_that_the_file_that_daxa_makes_itself_changes_nothing_but_is_explained(tmp_path: Path) -> None:
    values, sentences = first_values(written(tmp_path, daxa_save_path="daxa_output/", num_cores="-1", pfiles_path=""))
    assert values == {} and len(sentences) == 1
    assert "daxa_output/" in sentences[0] and "where each run starts" in sentences[0]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [("num_cores", "0", "not possible"), ("num_cores", "-2", "not possible"), ("num_cores", "four", "whole number"),
     ("num_cores", str(CORES + 1), "more than this machine has"), ("num_cores", "9" * 5000, "whole number"),
     ("daxa_save_path", "~/daxa", "where each run starts"), ("daxa_save_path", "/a/%(num_cores)s", "refers to other entries"),
     ("daxa_save_path", "/" + "x" * 5000, "cannot be"), ("daxa_save_path", "/a\x07b", "cannot be"),
     ("pfiles_path", "/no/such/folder", "no folder"), ("pfiles_path", "pfiles", "whole path")],
)  # fmt: skip
def test_that_what_cannot_be_used_is_explained_and_the_rest_is_used(tmp_path: Path, name: str, value: str, why: str) -> None:
    entries = {"daxa_save_path": "/data", "num_cores": "1"} | {name: value}
    values, sentences = first_values(written(tmp_path, **entries))
    assert len(values) == (2 if name == "pfiles_path" else 1)
    [complaint] = [sentence for sentence in sentences if "not used" in sentence]
    assert why in complaint and name in complaint and len(complaint) < 1000


@pytest.mark.parametrize(
    "content",
    [b"\x00\xff\xfe" * 100, b"[DAXA_SETUP\nx", b"no section = 1", b"[DAXA_SETUP]\nnum_cores=1\nnum_cores=2", b"[DAXA_SETUP]\n=1",
     b"x" * 200_000],
    ids=range(6),
)  # fmt: skip
def test_that_a_file_that_is_no_configuration_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "daxa.cfg"
    path.write_bytes(content)
    values, [sentence] = first_values(path)
    assert values == {} and str(path) in sentence and "\n" not in sentence and len(sentence) < 500


def test_that_entries_that_name_each_other_do_not_grow(tmp_path: Path) -> None:
    lines = "\n".join(f"a{n} = %(a{n + 1})s%(a{n + 1})s" for n in range(60))
    path = tmp_path / "daxa.cfg"
    path.write_text(f"[DAXA_SETUP]\ndaxa_save_path = /%(a0)s\n{lines}\n")
    values, [sentence] = first_values(path)
    assert values == {} and "refers to other entries" in sentence


def test_that_another_section_a_pipe_and_a_folder_say_nothing_or_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "daxa.cfg").write_text("[OTHER]\nnum_cores = 1\n")
    assert first_values(tmp_path / "daxa.cfg") == ({}, [])
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        values, sentences = first_values(tmp_path / name)
        assert values == {} and len(sentences) == 1


def test_that_the_real_daxa_reads_the_same_values(tmp_path: Path) -> None:
    """Its own module, in a process of its own because it reads its file when it is imported."""
    written(tmp_path, daxa_save_path="/data/50%% full", num_cores="1", pfiles_path=str(tmp_path))
    program = (
        "import importlib.resources as r, pathlib, sys, types\n"
        "import importlib.util as u\n"
        "folder = pathlib.Path(u.find_spec('daxa').origin).parent\n"
        "r.files = lambda anchor: folder\n"  # Python 3.11 cannot find DAXA's own tables
        "package = types.ModuleType('daxa'); package.__path__ = [str(folder)]; sys.modules['daxa'] = package\n"
        "import daxa.config as c; print(c.OUTPUT); print(c.NUM_CORES); print(c.PFILES_PATH)"
    )
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=root, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    output, cores, pfiles = result.stdout.splitlines()[-3:]
    values, _sentences = first_values(tmp_path / "daxa.cfg")
    assert [output.rstrip("/"), int(cores), pfiles] == [values["archives_folder"], values["cores"], values["pfiles_folder"]]
