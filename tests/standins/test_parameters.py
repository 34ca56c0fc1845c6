"""The stand-ins read parameter files as HEASoft's own reader (libape, of the package xspectrampoline) does.

For every parameter of every task both accept or refuse the same command lines, with the same words and values.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.standins.fits_files import files  # makes the stand-ins' own modules known
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed

from programs.ape_parameters import Parameter, ParameterError, read, read_file  # isort: skip

__all__ = ["files", "standins", "standins_once"]

PARAMETERS = Path(__file__).parent / "parameters" / "ape"
TASKS = sorted(path.stem for path in PARAMETERS.glob("*.par"))
# Reads cases from its input: [task, arguments, names]; answers [status, {name: [status, value]}, what it said].
READER = r"""
import ctypes, json, os, pathlib, sys, tempfile
library = ctypes.CDLL(sys.argv[1])
said = tempfile.TemporaryFile()
os.dup2(said.fileno(), 2)
kinds = {"i": ("int", ctypes.c_int), "r": ("double", ctypes.c_double), "b": ("bool", ctypes.c_char)}
kinds |= {"s": ("string", ctypes.c_char_p), "f": ("file_name", ctypes.c_char_p)}
answers = []
for number, (task, arguments, names) in enumerate(json.load(sys.stdin)):
    own = pathlib.Path(sys.argv[2]) / str(number)
    own.mkdir()
    os.environ["PFILES"] = f"{own};{sys.argv[3]}"
    words = [task, *arguments]
    line = (ctypes.c_char_p * (len(words) + 1))(*[word.encode() for word in words], None)
    said.seek(0); said.truncate()
    status, values = library.ape_trad_init(len(words), line), {}
    if status == 0:
        for name, kind in names:
            function, form = kinds[kind]
            value = form()
            code = getattr(library, f"ape_trad_query_{function}")(name.encode(), ctypes.byref(value))
            plain = value.value
            plain = bool(ord(plain)) if kind == "b" else plain.decode() if isinstance(plain, bytes) else plain
            values[name] = [code, plain]
    library.ape_trad_close(0)
    said.flush(); said.seek(0)
    answers.append([status, values, said.read().decode()])
print(json.dumps(answers))
"""


def _library() -> Path:
    spec = importlib.util.find_spec("xspectrampoline")
    if spec is None or spec.origin is None:
        pytest.skip("HEASoft's parameter reader (package xspectrampoline) is not here")
    found = sorted(Path(spec.origin).parent.glob("LibXSPEC_*/lib/libape_*.so"))
    if not found:
        pytest.skip("the package xspectrampoline has no libape")
    return found[0]


# The reader needs a tenth of a second for each command line of a task with hundreds of parameters: some of them must do.
SOME = {"nupipeline": ("indir", "obsmode", "entrystage", "aberration", "optimizedrms")}


def _parameters(task: str) -> list[Parameter]:
    every = [one for one in read_file(str(PARAMETERS / f"{task}.par")) if one.name != "mode"]
    return [one for one in every if one.name in SOME.get(task, (one.name,))]


def _cases(task: str) -> list[list[str]]:
    parameters = _parameters(task)
    cases: list[list[str]] = [[], ["nosuchparameter=1"], [f"{parameters[0].name}=a", f"{parameters[0].name.upper()}=b"]]
    if task not in SOME:
        cases.append(["x"] * (len(parameters) + 1))
    cases += [[parameters[0].name.upper() + "=c"], [parameters[-1].name[:-1] + "=1"]]
    for one in parameters:
        if one.kind == "i":
            texts = ["1", "2.5", "many", "-100000000", "100000000"]
        elif one.kind == "r":
            texts = ["1", "2.5e0", "many", "-1e30", "1e30", "INDEF"]
        elif one.kind == "b":
            texts = ["yes", "N", "true", "maybe"]
        else:
            texts = [*one.choices, "nonsense"] if one.choices else ["some text"]
        cases += [[f"{one.name}={text}"] for text in texts]
    return cases


def _asked(tmp_path: Path, cases: list[tuple[str, list[str]]]) -> list[Any]:
    library = _library()
    (tmp_path / "own").mkdir()
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library.parent), "HEADASNOQUERY": "", "HEADASPROMPT": "/dev/null"}
    names = {task: [(one.name, one.kind) for one in _parameters(task)] for task in TASKS}
    given = json.dumps([[task, arguments, _asked_for(names[task], arguments)] for task, arguments in cases])
    done = subprocess.run(
        [sys.executable, "-c", READER, str(library), str(tmp_path / "own"), str(PARAMETERS)],
        input=given,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    return list(json.loads(done.stdout))


def _asked_for(names: list[tuple[str, str]], arguments: list[str]) -> list[tuple[str, str]]:
    """The parameters that a command line names; all if it names none."""
    given = {argument.partition("=")[0].lower() for argument in arguments}
    return [pair for pair in names if pair[0].lower() in given] or names


def _is_given(name: str, arguments: list[str]) -> bool:
    return any(name.startswith(argument.partition("=")[0].lower()) for argument in arguments)


def _first_refusal(status: int, values: dict[str, Any]) -> int:
    codes = [code for code, _ in values.values() if code not in (0, 41)]  # 41: undefined (INDEF)
    return status or (codes[0] if codes else 0)


def test_that_command_lines_are_accepted_and_refused_as_heasofts_own_reader_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [(task, arguments) for task in TASKS for arguments in _cases(task)]
    assert len(cases) > 300
    refused = 0
    asked_for = {task: {one.name for one in _parameters(task) if "a" in one.mode} for task in TASKS}
    for number, ((task, arguments), (status, theirs, said)) in enumerate(zip(cases, _asked(tmp_path, cases), strict=True)):
        own = tmp_path / f"pfiles-{number}"
        own.mkdir()
        monkeypatch.setenv("PFILES", f"{own};{PARAMETERS}")
        try:
            mine, code, text = read(task, arguments), 0, ""
        except ParameterError as error:
            mine, code, text = {}, error.status, error.text
        refusal = _first_refusal(status, theirs)
        assert code == refusal or (code == -1 and refusal != 0), (task, arguments, said, text)  # a wrong choice has any number
        if code:
            refused += 1
            assert text in said, (task, arguments)
            continue
        for name, (state, value) in theirs.items():
            if name in asked_for[task] and not _is_given(name, arguments):
                continue  # the reader keeps what was learnt in its memory
            expected = None if state == 41 else value
            got = mine[name].upper() if isinstance(mine[name], str) and isinstance(value, str) and value.isupper() else mine[name]
            assert got == expected or (isinstance(value, str) and "$" in str(got)), (task, arguments, name)
    assert refused > 100


def test_that_what_is_asked_for_is_learnt_and_forgotten_by_punlearn(
    standins: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setenv("PFILES", f"{own};{PARAMETERS}")
    read("dmcopy", ["infile=a.fits", "outfile=b.fits", "verbose=5"])
    assert read("dmcopy", [])["infile"] == "a.fits" and read("dmcopy", [])["verbose"] == 0
    environment = {"PATH": "/usr/bin:/bin", "PFILES": os.environ["PFILES"], "ASCDS_INSTALL": str(standins.ciao)}
    subprocess.run([standins.ciao / "bin" / "punlearn", "dmcopy"], env=environment, check=True)
    assert read("dmcopy", [])["infile"] == ""


def test_that_parameter_files_of_sas_say_what_its_tasks_accept(standins: Installed) -> None:
    """They are XML, as pySAS reads them."""
    for path in sorted((standins.sas / "config").glob("*.par")):
        root = ElementTree.parse(path).getroot()
        names = [one.attrib["id"] for one in root.iter("PARAM")]
        assert len(names) == len(set(names))
    evselect = ElementTree.parse(standins.sas / "config" / "evselect.par").getroot()
    [table] = [one for one in evselect.iter("PARAM") if one.attrib["id"] == "table"]
    assert table.attrib["mandatory"] == "yes"
