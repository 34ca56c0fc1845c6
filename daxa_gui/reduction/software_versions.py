"""Versions of the missions' software, read from what its own programs and files say. Never by the number of a line."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ANSWER_LIMIT_S = 20.0
_MOST_BYTES = 200_000
_NUMBER = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True)
class Answer:
    """What a program said. `code` is None if it did not start or did not end; `problem` is then a sentence's end."""

    code: int | None
    text: str
    problem: str = ""


def ask(argv: list[str], environment: Mapping[str, str], limit_s: float | None = None) -> Answer:
    """Run a program that only says something: in an empty folder, without input, with parameter files of its own, ended after
    a time limit with all that it started."""
    with tempfile.TemporaryDirectory(prefix="daxa-gui-ask-") as folder:
        asked_environment = dict(environment)
        if "PFILES" in asked_environment:  # nothing that was learnt earlier may make it do work
            _, separator, system = asked_environment["PFILES"].rpartition(";")
            asked_environment["PFILES"] = f"{folder}{separator or ';'}{system}"
        out = Path(folder) / ".said"
        try:
            with out.open("wb") as file:
                process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=asked_environment, cwd=folder,
                    start_new_session=True,
                )  # fmt: skip
                try:
                    code: int | None = process.wait(ANSWER_LIMIT_S if limit_s is None else limit_s)
                except subprocess.TimeoutExpired:
                    code = None
                finally:
                    with suppress(ProcessLookupError, PermissionError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        except (OSError, ValueError) as error:
            return Answer(None, "", getattr(error, "strerror", None) or str(error))
        with out.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "replace")
        return Answer(code, text, "" if code is not None else "it does not come to an end")


def sas_version(text: str) -> str:
    """Of `sas --version` (« … [xmmsas_20211130_0941-20.0.0] », « … [22.1.0-a8f2c2afa-20250304] ») or `sasversion`
    (« SAS release: 22.1.0-… »); "" if nothing there looks like one."""
    inside = re.findall(r"\[([^\[\]\n]*)\]", text)
    inside += re.findall(r"^\s*SAS release\s*:\s*(\S+)", text, re.MULTILINE)
    for one in reversed(inside):
        number = one.rpartition("-")[2] if one.startswith("xmmsas") else one.partition("-")[0]
        if _NUMBER.fullmatch(number.strip()):
            return number.strip()
    return ""


def nustardas_version(text: str) -> str:
    """Of `nuversion`: « nustar_11Jul24_v2.1.4 » is 2.1.4."""
    found = re.findall(r"_v(\d+(?:\.\d+)*)\b", text)
    return found[-1] if found else ""


def heasoft_version(text: str) -> str:
    """Of `ftversion` or `fversion` (« HEASoft 6.34 », « V6.34 », « 19Dec23_V6.33 »)."""
    found = re.search(r"(?i)(?:heasoft\D{0,20}|(?<![a-z])V)(\d+\.\d+(?:\.\d+)*)", text)
    return found.group(1) if found else ""


def tool_version(text: str) -> str:
    """Of `lcurve --version` and the like: what follows « Version »."""
    found = re.search(r"(?i)\bversion[\s:]*v?(\d[\w.]*)", text)
    return found.group(1) if found else ""


def ciao_versions(text: str) -> tuple[str, str]:
    """CIAO's and its CALDB's, of `ciaover -v`: « CIAO : CIAO 4.16.0 Wednesday … » and « CALDB : 4.11.5 » of ciao-install, or the
    list of packages of conda (« ciao 4.16.0 py311… », « caldb_main 4.11.5 … »). The CALDB's is "" if it is « not installed »."""
    ciao = re.search(r"^\s*CIAO\s*:?\s*(?:CIAO\s+)?(\d+\.\d+[\w.]*)", text, re.MULTILINE | re.IGNORECASE)
    caldb = re.search(r"^\s*CALDB(?:_main)?\s*:?\s*(\d+\.\d+[\w.]*)", text, re.MULTILINE | re.IGNORECASE)
    return ciao.group(1) if ciao else "", caldb.group(1) if caldb else ""


def esass_version(folder: str, environment: Mapping[str, str], said: str) -> str:
    """eSASS has no program that says its version: a variable of its set-up script, else the name of its folder
    (« eSASSusers_211214 », « eSASS4DR1 »), else what a task says of itself."""
    for name, text in sorted(environment.items()):
        if name.startswith(("SASS_", "ESASS")) and "VERSION" in name and text and len(text) < 40:
            return text
    for part in reversed(Path(folder).parts):
        if found := re.fullmatch(r"(?i)esass(?:users)?[_-]?(\w*\d\w*)", part):
            return found.group(1)
    found = re.search(r"(?i)\besass\w*[\s:_-]+v?(\d[\w.]*)", said)
    return found.group(1) if found else tool_version(said)


@dataclass(frozen=True)
class Versions:
    """`version` of the package, `parts` of what is inside it (« nustardas », « caldb » of CIAO), and `asked`: the programs and
    files that said it (their age decides how long it is believed), with the problem of those that could not answer."""

    version: str
    parts: dict[str, str]
    asked: dict[str, str]


def read_versions(name: str, folder: str, environment: Mapping[str, str]) -> Versions:
    """Ask the programs of a package for its version; `environment` is the package's own. Takes as long as they do."""
    return {"sas": _sas, "heasoft": _heasoft, "ciao": _ciao, "esass": _esass}[name](folder, environment)


def _said(program: str, arguments: tuple[str, ...], environment: Mapping[str, str], asked: dict[str, str]) -> str:
    path = shutil.which(program, path=environment.get("PATH", ""))
    if path is None:
        return ""
    answer = ask([path, *arguments], environment)
    asked[path] = problem_of(answer)
    return answer.text


def problem_of(answer: Answer) -> str:
    """Why a program does not work at all; "" for one that started, whatever it thinks of its arguments."""
    if answer.problem:
        return answer.problem
    if found := re.search(
        r"^.*(?:error while loading shared libraries|Library not loaded|image not found).*$", answer.text, re.M
    ):
        return found.group(0).strip()[:300]
    if answer.code in (126, 127):
        return (answer.text.strip().splitlines() or ["it cannot be run"])[-1][:300]
    return ""


def _sas(folder: str, environment: Mapping[str, str]) -> Versions:
    asked: dict[str, str] = {}
    version = sas_version(_said("sas", ("--version",), environment, asked))
    if not version:
        version = sas_version(_said("sasversion", (), environment, asked))
    if not version:
        found = re.search(r"xmmsas_(\d+\.\d+[\d.]*)", folder)
        version = found.group(1) if found else ""
    return Versions(version, {}, asked)


def _heasoft(folder: str, environment: Mapping[str, str]) -> Versions:
    asked: dict[str, str] = {}
    parts = {
        "nustardas": nustardas_version(_said("nuversion", (), environment, asked)),
        "lcurve": tool_version(_said("lcurve", ("--version",), environment, asked)),
    }
    version = heasoft_version(_said("ftversion", (), environment, asked))
    version = version or heasoft_version(_said("fversion", (), environment, asked))
    if not version:
        found = re.search(r"(?i)heasoft-(\d+\.\d+[\d.]*)", folder)
        version = found.group(1) if found else ""
    parts = {name: text for name, text in parts.items() if text}
    if not version:  # something that changes when it is replaced: the versions of what is inside it
        version = " ".join(f"{name} {text}" for name, text in parts.items())
    return Versions(version, parts, asked)


def _ciao(folder: str, environment: Mapping[str, str]) -> Versions:
    asked: dict[str, str] = {}
    version, caldb = ciao_versions(_said("ciaover", ("-v",), environment, asked))
    file = Path(folder) / "VERSION"
    if not version and file.is_file():
        asked[str(file)] = ""
        with file.open(errors="replace") as lines:
            found = _NUMBER.search(lines.read(1000))
        version = found.group(0) if found else ""
    return Versions(version, {"caldb": caldb} if caldb else {}, asked)


def _esass(folder: str, environment: Mapping[str, str]) -> Versions:
    asked: dict[str, str] = {}
    said = _said("evtool", (), environment, asked)
    file = Path(folder) / "VERSION"
    if file.is_file():
        asked[str(file)] = ""
        with file.open(errors="replace") as lines:
            said = f"{lines.read(1000)}\n{said}"
    return Versions(esass_version(folder, environment, said), {}, asked)
