"""Recipes for the eye: the exact program calls, and a shell script that does the same work without this program."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from daxa_gui.core.product_names import product_place
from daxa_gui.core.reduction_plan import ShownCommand
from daxa_gui.core.step import Call
from daxa_gui.reduction.recipe import Given, Made, Recipe

_WORK = "{work}"


def commands_of(task: Call, recipe: Recipe, unit: str) -> list[ShownCommand]:
    """What a job of a step of the missions' software would run. `task` is as it runs (absolute paths)."""
    arguments = task.arguments
    before = tuple(_given_words(one) for one in recipe.given)
    after = tuple(_made_words(one, str(arguments["folder"])) for one in recipe.made)
    last = len(recipe.runs) - 1
    return [
        ShownCommand(
            str(arguments["mission"]), str(arguments["obs_id"]), unit, str(arguments["step"]), recipe.software, run.argv,
            dict(run.environment), _WORK, run.title, before if index == 0 else (), after if index == last else (),
        )
        for index, run in enumerate(recipe.runs)
    ]  # fmt: skip


def _given_words(given: Given) -> str:
    if given.unpack:
        return f"unpack {given.path}"
    return f"{'copy' if given.copy else 'link'} {given.path} as {given.name}{' (if it is there)' if given.optional else ''}"


def _made_words(made: Made, folder: str) -> str:
    return f"{made.pattern} becomes {folder}/{product_place(made.key)}{' (if it is there)' if made.optional else ''}"


def script_of(jobs: Iterable[tuple[Call, Recipe, str]]) -> Iterator[str]:
    """A bash script for a shell in which the software is set up, job by job: whoever writes a hundred thousand need not have them
    all in memory. Every path and value is quoted.

    Parameters
    ----------
    jobs : task, recipe and title of each, behind those that they need.
    """
    yield (
        "#!/usr/bin/env bash\n"
        "# The commands of a reduction, one after the other. Set up the software (SAS, HEASoft, CIAO, eSASS) before it starts.\n"
        "# Each step works in a folder of its own, and stops at the first command that fails.\n"
        "set -euo pipefail\n"
        "\n"
    )
    for task, recipe, title in jobs:
        yield "\n".join(_job_lines(task, recipe, title)) + "\n"


def _job_lines(task: Call, recipe: Recipe, title: str) -> list[str]:
    folder = str(task.arguments["folder"])
    lines = [f"# {_one_line(title)}", "(", "  work=$(mktemp -d)", '  cd "$work"']
    if recipe.private_pfiles:
        lines += ["  mkdir pfiles", '  export PFILES="$work/pfiles;${PFILES#*;}" HEADASNOQUERY= HEADASPROMPT=/dev/null']
    if recipe.prepare:
        lines.append("  # what follows may change by what the files say: the program looks at them before it begins")
    for given in recipe.given:
        lines.append(f"  {_given_line(given)}")
    for run in recipe.runs:
        if run.title:
            lines.append(f"  # {_one_line(run.title)}")
        variables = [f"{name}={_quoted(value)}" for name, value in run.environment.items()]
        lines.append("  " + " ".join([*(["env", *variables] if variables else []), *map(_quoted, run.argv)]))
    for made in recipe.made:
        lines += [f"  {line}" for line in _made_lines(made, folder)]
    return [*lines, '  cd / && rm -rf "$work"', ")", ""]


def _given_line(given: Given) -> str:
    source, name = shlex.quote(given.path), shlex.quote(given.name)
    if given.unpack:
        line = f"tar -xf {source}"
    elif given.copy:
        line = f"cp -rL -- {source} {name}"
    else:
        line = f"ln -s -- {source} {name}"
    return f"if [ -e {source} ]; then {line}; fi" if given.optional else line


def _made_lines(made: Made, folder: str) -> Sequence[str]:
    target = f"{folder}/{product_place(made.key)}"
    place = shlex.quote(target.rpartition("/")[0])
    pattern = "".join(part if part in "*?[]" else shlex.quote(part) for part in re.split(r"([*?\[\]])", made.pattern) if part)
    move = f"tar -cf {shlex.quote(target)} -- {pattern}" if made.packed else f"mv -- {pattern} {shlex.quote(target)}"
    if made.optional:
        move = f"if compgen -G {shlex.quote(made.pattern)} >/dev/null; then {move}; fi"
    return [f"mkdir -p {place}", move]


def _quoted(text: str) -> str:
    """For bash; « {work} » is where the job works."""
    if _WORK not in text:
        return shlex.quote(text)
    return '"$work"'.join(shlex.quote(part) if part else "" for part in text.split(_WORK))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def describe_commands(commands: Iterable[ShownCommand]) -> list[str]:
    """One line for each command, and one for each file that is laid out or taken away around it."""
    lines: list[str] = []
    for (obs_id, unit, step), group in groupby(commands, key=lambda one: (one.obs_id, one.unit, one.step)):
        lines.append(f"# {step} {obs_id} {unit}".rstrip())
        for one in group:
            lines += [f"# {words}" for words in one.before]
            variables = [f"{name}={shlex.quote(value)}" for name, value in one.environment.items()]
            lines.append(" ".join([*variables, *map(shlex.quote, one.argv)]))
            lines += [f"# {words}" for words in one.after]
    return lines
