"""Running the programs of a recipe one after the other, and what they are given: arguments and environment."""

from __future__ import annotations

import re
import shlex
import shutil
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.core.step import ProgramContext
from daxa_gui.reduction.external_files import PFILES, TEMPORARY, Workplace
from daxa_gui.reduction.judging import Judgement
from daxa_gui.reduction.recipe import ProgramRun, Recipe
from daxa_gui.reduction.software import Installation

WORK = "{work}"
_KEPT_LINES, _KEPT_CHARACTERS = 5_000, 1_000  # of a run's output, for `Recipe.retry` and the details of a failure
_FULL = ("no space left on device", "disk quota exceeded")
_LITTLE_BYTES = 100_000
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d+)?)\s?%")
# « processing CCD 3 of 12 », « Frame 3/12 »
_PART = re.compile(
    r"\b(?:ccd|chip|node|module|exposure|file|frame|step|bin|image|map|pass|stage|iteration|row|list|event list)s?\b"
    r"[^\d]{0,12}(\d{1,9})\s?(?:of|/|out of)\s?(\d{1,9})\b",
    re.IGNORECASE,
)


def filled(text: str, work: str) -> str:
    """A text of a recipe with the work folder in the places where it may be named."""
    if text.startswith(WORK):
        return work + text.removeprefix(WORK)
    name, sign, value = text.partition("=")
    if sign and value.startswith(WORK):
        return f"{name}={work}{value.removeprefix(WORK)}"
    return text


def fraction_in(line: str) -> float | None:
    """How far a program is by a line of its output, 0 to 1; None if the line does not say it."""
    if len(line) > 400:
        return None
    if "%" in line and (match := _PERCENT.search(line)):
        percent = float(match[1])
        return percent / 100 if percent <= 100 else None
    if match := _PART.search(line):
        part, total = int(match[1]), int(match[2])
        return (part - 1) / total if 1 <= part <= total else None
    return None


def program_environment(package: Mapping[str, str], run: ProgramRun, place: Workplace, *, private_pfiles: bool) -> dict[str, str]:
    """The whole environment of a program: that of its software, this job's own places, and what the recipe adds.

    HEASoft's and CIAO's programs keep their parameters in files, which programs that run at the same time would write over; so
    each job has its own folder, before the package's own one (behind the semicolon in PFILES).
    """
    environment = {name: value for name, value in package.items() if name not in ("OLDPWD", "_", "SHLVL")}
    environment |= {
        "PWD": place.work,
        "TMPDIR": place.own_folder(TEMPORARY),
        "HEADASNOQUERY": "",  # no question on a terminal that is not there
        "HEADASPROMPT": "/dev/null",
    }
    if private_pfiles or "PFILES" in package:
        system = package.get("PFILES", "").rpartition(";")[2] or _system_pfiles(package)
        environment["PFILES"] = f"{place.own_folder(PFILES)};{system}"
    environment.update({name: filled(value, place.work) for name, value in run.environment.items()})
    return environment


def _system_pfiles(package: Mapping[str, str]) -> str:
    headas = package.get("HEADAS", "")
    return f"{headas}/syspfiles" if headas else ""


class Programs:
    """Runs programs and takes down how they went. `facts` are for the outcome of the job."""

    def __init__(self, ctx: ProgramContext, place: Workplace, package: Installation | None, judgement: Judgement) -> None:
        self._ctx = ctx
        self._place = place
        self._package = package
        self._judgement = judgement
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._ran: list[dict[str, Any]] = []
        self._all_ran = False
        self._told = 0.0
        self.last_program = ""

    @property
    def last_lines(self) -> list[str]:
        """What the last program that ran said: the last lines of it, if it was much."""
        return list(self._lines)

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        if self._package is not None:
            facts = {
                "software": self._package.name, "version": self._package.version, "calibration": dict(self._package.calibration)
            }  # fmt: skip
        if self._ran:
            facts["programs"] = list(self._ran)
            facts["program_s"] = round(sum(one["seconds"] for one in self._ran), 3)
        return facts

    def was_judged(self, error: ReductionError | FileError) -> bool:
        """Whether an error is about how programs ended or what they left, rather than about what came before."""
        return self._all_ran or self._judgement.failure is error

    def run(self, recipe: Recipe) -> None:
        """Run all programs of a recipe; the first that fails ends it. Raises ReductionError or Cancelled."""
        self._all_ran = False
        for number, run in enumerate(recipe.runs):
            self._ctx.check_cancelled()
            self._run(run, number, len(recipe.runs), recipe)
        self._all_ran = True
        self._ctx.programs_done()

    def _run(self, run: ProgramRun, number: int, total: int, recipe: Recipe) -> None:
        argv = [filled(argument, self._place.work) for argument in run.argv]
        self.last_program = PurePosixPath(argv[0]).name if argv else ""
        checked_arguments(self.last_program, argv)
        title = run.title or self.last_program
        variables = [f"  {name}={filled(value, self._place.work)}" for name, value in sorted(run.environment.items())]
        head = f"{title} ({number + 1} of {total})" if total > 1 else title
        self._ctx.log("\n".join((head, *variables, f"$ {shlex.join(argv)}")))
        self._ctx.progress(number, total, title)
        self._lines.clear()
        self._told = 0.0
        judge = self._judgement.of_program(self.last_program, title)

        def on_line(line: str) -> None:
            self._lines.append(line[:_KEPT_CHARACTERS])
            judge.take(line)
            fraction = fraction_in(line)
            if fraction is not None and fraction >= self._told:
                self._told = fraction
                self._ctx.progress(number + fraction, total, title)

        environment = program_environment(
            self._package.environment if self._package is not None else {}, run, self._place,
            private_pfiles=recipe.private_pfiles,
        )  # fmt: skip
        self._ctx.programs_begin()
        begun = time.monotonic()
        code = self._ctx.run_program(argv, environment=environment, folder=self._place.work, on_line=on_line)
        self._ran.append({"program": self.last_program, "seconds": round(time.monotonic() - begun, 3), "exit_code": code})
        judge.end(code, list(self._lines)[-40:])


@contextmanager
def disk_watched(folder: Path, programs: Programs) -> Iterator[None]:
    """A failure of a program, or of what it left, on a disk that is full concerns all jobs: the queue waits for room instead of
    letting them fail one after the other."""
    try:
        yield
    except (ReductionError, FileError) as error:
        said = any(words in line.lower() for line in programs.last_lines for words in _FULL)
        if said or shutil.disk_usage(folder).free < _LITTLE_BYTES:
            error.hint = "The disk is full: free some space on it, then resume the queue."
            error.pauses_lane = True
        raise


def checked_arguments(program: str, argv: Sequence[str]) -> None:
    """Raise ReductionError for arguments that cannot be handed to any program, before anything starts."""
    for argument in argv:
        if any(ord(character) < 32 for character in argument):
            raise ReductionError(
                f"An argument of « {program} » has line breaks or control characters: {argument[:200]!r}.",
                "Rename the file or change the parameter that it comes from.",
            )
