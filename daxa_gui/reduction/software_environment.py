"""The environment of a package's programs, as its own set-up script makes it.

The script runs once, in a bash of its own that reads no start-up files, with a clean environment: SAS, HEASoft and CIAO bring
libraries, Perl and Python of their own and spoil each other in one shell. Its path is an argument, never part of a line.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from daxa_gui.core.errors import Cancelled, ReductionError
from daxa_gui.reduction.software_packages import KEPT_VARIABLES, PACKAGES, SEARCH_PATHS, Package, Setting, whereabouts

SETUP_LIMIT_S = 60.0
_LONGEST_NOISE = 2000
_MOST_BYTES = 8_000_000
# $1 is the file for the answer, $2 the random mark, then one script after the other. Only bash itself writes the answer: with
# the libraries of a package in front, even « env » may not start. What the scripts print goes to the file of the noise.
_LINE = r"""
daxa_answer_=$1 daxa_mark_=$2; shift 2; daxa_scripts_=("$@"); set --
for daxa_script_ in "${daxa_scripts_[@]}"; do . "$daxa_script_" </dev/null; done
set +eu; set +o noclobber; IFS=$' \t\n'
{ printf '%s\0' "$daxa_mark_"
  while IFS= read -r daxa_name_; do printf '%s=%s\0' "$daxa_name_" "${!daxa_name_}"; done < <(compgen -e)
  printf '%s\0' "$daxa_mark_"; } > "$daxa_answer_"
"""


class SetUpError(ReductionError):
    """A set-up script did not do what it must. `code` is "set-up-hangs", "set-up-ends-early" or "set-up-lacks"."""

    def __init__(self, code: str, message: str, hint: str = "", noise: str = "") -> None:
        super().__init__(message, hint)
        self.code, self.details = code, noise


def base_environment(package: Package, setting: Setting, environment: Mapping[str, str]) -> dict[str, str]:
    """What a set-up script starts from: a few harmless variables, what a person tells the package, and PATH without the other
    packages. What another installation of the same package left in the shell is not handed on: some scripts refuse to go on."""
    base = {name: environment[name] for name in KEPT_VARIABLES if environment.get(name)}
    base |= {name: text for name, text in environment.items() if name.startswith(package.told) and name not in package.not_told}
    # Numbers with a decimal comma spoil parameters; the alphabet of the file names stays as it is.
    if everything := base.pop("LC_ALL", ""):
        base["LANG"] = base["LC_CTYPE"] = everything
    base["LC_NUMERIC"] = "C"
    base["PATH"] = _clean_path(package, setting, environment)
    return base


def _clean_path(package: Package, setting: Setting, environment: Mapping[str, str]) -> str:
    strange = [found.folder for other in PACKAGES.values() if other is not package
               and (found := whereabouts(other, setting, environment)).folder]  # fmt: skip
    if sys.prefix != sys.base_prefix:
        strange.append(sys.prefix)  # this program's own Python is not the one that a package's scripts mean
    # a package in /usr or /usr/local would take the system's programs with it
    strange = [folder for folder in strange if folder.rstrip("/") not in ("", "/usr", "/usr/local", "/opt")]
    entries = (environment.get("PATH") or os.defpath).split(os.pathsep)
    kept = [one for one in entries if one and not any(_is_below(one, folder) for folder in strange)]
    return os.pathsep.join(kept or os.defpath.split(os.pathsep))


def _is_below(path: str, folder: str) -> bool:
    folder = folder.rstrip("/")
    return path == folder or path.startswith(folder + "/")


def initialised_environment(package: Package, setting: Setting, environment: Mapping[str, str]) -> dict[str, str]:
    """For a package without a set-up script, in an environment that is initialised already: what is of use of it."""
    base = base_environment(package, setting, environment)
    base |= {name: text for name, text in environment.items() if name.startswith(package.own)}
    more = {name: environment[name] for name in (*SEARCH_PATHS, "PFILES", *_calibration_of(package)) if environment.get(name)}
    return base | more


def _calibration_of(package: Package) -> tuple[str, ...]:
    return ("CALDB", "CALDBCONFIG", "CALDBALIAS") if package.name in ("heasoft", "ciao") else ()


def run_set_up(
    label: str, scripts: Sequence[Path], base: Mapping[str, str], *, limit_s: float | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, str]:  # fmt: skip
    """All exported variables after the scripts were read one after the other by one bash.

    Raises
    ------
    SetUpError : it hangs, ends the shell, or no bash is here. Cancelled : somebody asked for it.
    """
    bash = shutil.which("bash") or shutil.which("bash", path=os.defpath)
    if bash is None:
        raise SetUpError("set-up-ends-early", f"The set-up script of {label} needs bash, which is not on this machine.",
                         "Install bash.")  # fmt: skip
    mark = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="daxa-gui-setup-") as folder:
        answer, noise = Path(folder) / "answer", Path(folder) / "noise"
        argv = [bash, "--noprofile", "--norc", "-c", _LINE, "bash", str(answer), mark, *(str(script) for script in scripts)]
        try:
            code = _run(argv, dict(base), folder, noise, SETUP_LIMIT_S if limit_s is None else limit_s, cancelled)
        except OSError as error:
            message = f"bash could not be started for the set-up script of {label}: {error.strerror}."
            raise SetUpError("set-up-ends-early", message, "See what the system says of it.") from error
        said = _head(noise)
        found = _parsed(answer, mark)
    where = " and ".join(str(script) for script in scripts)
    if code is None:
        message = f"The set-up script of {label}, {where}, does not come to an end."
        raise SetUpError("set-up-hangs", message, "Run it in a terminal: it may ask something, or wait for a disk.", said)
    if found is None:
        message = f"The set-up script of {label}, {where}, ends the shell that reads it (exit code {code})."
        hint = f"It says: {said.strip().splitlines()[-1][:300]}" if said.strip() else "Run it in a terminal to see what it lacks."
        raise SetUpError("set-up-ends-early", message, hint, said)
    return found


def _run(
    argv: list[str], environment: dict[str, str], folder: str, noise: Path, limit_s: float, cancelled: Callable[[], bool] | None
) -> int | None:
    """The exit code; None if the time was not enough. Nothing is left running: its process group is ended."""
    with noise.open("wb") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, cwd=folder, start_new_session=True
        )
        end_s = time.monotonic() + limit_s
        try:
            while True:
                try:
                    return process.wait(0.1)
                except subprocess.TimeoutExpired:
                    if cancelled is not None and cancelled():
                        raise Cancelled from None
                    if time.monotonic() > end_s:
                        return None
        finally:
            with suppress(ProcessLookupError, PermissionError):  # what it left in the background too
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _head(noise: Path) -> str:
    with noise.open("rb") as file:
        return file.read(_LONGEST_NOISE).decode("utf-8", "replace")


def _parsed(answer: Path, mark: str) -> dict[str, str] | None:
    """The variables between the two marks; None if the answer is not whole."""
    try:
        with answer.open("rb") as file:
            data = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    entries = os.fsdecode(data).split("\0")[:-1]
    if len(entries) < 2 or entries[0] != mark or entries[-1] != mark:
        return None
    pairs = (entry.partition("=") for entry in entries[1:-1])
    return {name: text for name, _, text in pairs if name not in ("_", "SHLVL", "PWD", "OLDPWD")}


def own_first(search_path: str, folder: str) -> str:
    """A search path with what lies below a folder before the rest; otherwise in the same order, each entry once."""
    entries = list(dict.fromkeys(one for one in search_path.split(os.pathsep) if one))
    return os.pathsep.join(sorted(entries, key=lambda one: not _is_below(one, folder)))
