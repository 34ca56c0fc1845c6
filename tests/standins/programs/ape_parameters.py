"""Parameter files as HEASoft's reader (ape) treats them; the same form is used by CIAO and eSASS.

PFILES is « own folders ; system folders », each list separated by colons. The system's file is the template; the file in the
first own folder holds what was learnt. Wording and refusals were compared with libape itself (tests/standins/test_parameters.py).
"""

from __future__ import annotations

import os
import re
from typing import Any

_LINE = re.compile(r"\s*(?P<name>\w+)\s*,\s*(?P<kind>[a-z]+)\s*,\s*(?P<mode>[a-z]+)\s*,(?P<rest>.*)")
_FIELD = re.compile(r'\s*("(?:[^"]*)"|\'(?:[^\']*)\'|[^,]*)\s*(?:,|$)')
_YES, _NO = ("yes", "y", "true", "t"), ("no", "n", "false", "f")
_TYPES = ("b", "i", "r", "s", "f")


class ParameterError(Exception):
    """What ape says, and its status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Parameter:
    def __init__(self, name: str, kind: str, mode: str, default: str, low: str, high: str) -> None:
        self.name, self.kind, self.mode, self.value, self.low, self.high = name, kind, mode, default, low, high
        self.given = False

    @property
    def choices(self) -> list[str]:
        return self.low.split("|") if "|" in self.low else []


def _fields(text: str) -> list[str]:
    values, at = [], 0
    while at < len(text) and len(values) < 4:
        match = _FIELD.match(text, at)
        assert match is not None
        values.append(match[1].strip().strip("\"'"))
        at = match.end()
    return values + [""] * (4 - len(values))


def read_file(path: str) -> list[Parameter]:
    parameters = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = None if line.startswith("#") else _LINE.match(line)
            if match and match["kind"] in _TYPES:
                default, low, high, _ = _fields(match["rest"])
                parameters.append(Parameter(match["name"], match["kind"], match["mode"], default, low, high))
    return parameters


def find_file(task: str, pfiles: str) -> tuple[list[Parameter], str]:
    """The parameters with the values that hold before the command line, and the file in which to keep what is learnt.

    Raises
    ------
    ParameterError : PFILES names no folder with the task's parameter file (status 6), or the own folder cannot be written to.
    """
    own, _, system = pfiles.partition(";")
    folders = [folder for folder in own.split(":") if folder]
    every = [os.path.join(folder, f"{task}.par") for folder in [*folders, *system.split(":")] if folder]
    templates = [path for path in every if os.path.isfile(path)]
    if not templates:
        raise ParameterError(6, f'Unable to find parameter file "{task}.par" in PFILES "{pfiles}".')
    parameters = read_file(templates[-1])
    mine = os.path.join(folders[0], f"{task}.par") if folders else ""
    if mine and templates[0] == mine and len(templates) > 1:
        learnt = {parameter.name: parameter.value for parameter in read_file(mine)}
        for parameter in parameters:
            parameter.value = learnt.get(parameter.name, parameter.value)
    if mine and not os.access(folders[0], os.W_OK):
        raise ParameterError(1, f'unable to open file "{mine}" for writing.')
    return parameters, mine


def command_line(parameters: list[Parameter], arguments: list[str]) -> None:
    """Put the arguments (name=value, or values in order) into the parameters; names may be shortened, and have no case."""
    ordered = [parameter for parameter in parameters if parameter.name != "mode"]
    position = 0
    for argument in arguments:
        name, sign, value = argument.partition("=")
        if not sign:
            if position >= len(ordered):
                raise ParameterError(18, "Invalid command line: too many arguments.")
            parameter, value = ordered[position], argument
            position += 1
        else:
            parameter = _named(parameters, name)
        if parameter.given:
            raise ParameterError(19, f'Parameter "{parameter.name}" duplicated on command line.')
        parameter.value, parameter.given = value, True


def _named(parameters: list[Parameter], name: str) -> Parameter:
    wanted = name.strip().lower()
    exact = [parameter for parameter in parameters if parameter.name.lower() == wanted]
    found = exact or [parameter for parameter in parameters if wanted and parameter.name.lower().startswith(wanted)]
    if len(found) > 1:
        raise ParameterError(23, f'Ambiguous parameter name in command line assignment: "{name}"')
    if not found:
        raise ParameterError(22, f'Invalid parameter name in command line assignment: "{name}"')
    return found[0]


def value_of(parameter: Parameter) -> Any:
    """The value with its type; None if it is INDEF.

    Raises
    ------
    ParameterError : not of its type (11, 12, 15), below (34) or above (35) its limits, not one of the choices (-1).
    """
    text, name = parameter.value.strip(), parameter.name
    if parameter.kind in "ir" and text.upper() in ("INDEF", "NONE", "UNDEF", ""):
        return None
    if parameter.kind == "b":
        if re.fullmatch(r"[-+]?\d+(\.\d*)?", text):
            raise ParameterError(12, f'Parameter {name}: value "{text}" is not of boolean type.')
        if text.lower() not in _YES + _NO:
            raise ParameterError(15, f'Parameter {name}: cannot convert value "{text}" cleanly to boolean type.')
        return text.lower() in _YES
    if parameter.kind in "ir":
        return _number(parameter, text)
    if parameter.choices and text.lower() not in [choice.lower() for choice in parameter.choices]:
        raise ParameterError(-1, f'Parameter {name}: invalid choice "{text}"; choose from "{parameter.low}".')
    return parameter.value


def _number(parameter: Parameter, text: str) -> int | float:
    words = "integer" if parameter.kind == "i" else "floating point"
    try:
        value = float(text)
    except ValueError:
        raise ParameterError(
            11, f'Parameter {parameter.name}: trailing text in value "{text}". Cannot convert to {words} type.'
        ) from None
    if parameter.kind == "i" and not re.fullmatch(r"\s*[-+]?\d+\s*", text):
        raise ParameterError(12, f'Parameter {parameter.name}: value "{text}" is not of integer type.')
    if parameter.low and value < float(parameter.low):
        raise ParameterError(34, f"Parameter {parameter.name}: value {text} is less than minimum value {parameter.low}.")
    if parameter.high and value > float(parameter.high):
        raise ParameterError(35, f"Parameter {parameter.name}: value {text} is greater than maximum value {parameter.high}.")
    return int(value) if parameter.kind == "i" else value


def learn(parameters: list[Parameter], path: str) -> None:
    """Keep the values of parameters that are asked for (« a », « q ») for the next call, as every task does."""
    if not path:
        return
    lines = []
    for parameter in parameters:
        quoted = f'"{parameter.value}"' if parameter.kind in "fs" else parameter.value
        low = f'"{parameter.low}"' if parameter.choices else parameter.low
        lines.append(f'{parameter.name},{parameter.kind},{parameter.mode},{quoted},{low},{parameter.high},"{parameter.name}"\n')
    part = f"{path}-{os.getpid()}"
    with open(part, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(lines)
    os.replace(part, path)


def read(task: str, arguments: list[str]) -> dict[str, Any]:
    """All values of a task's command line, checked. The last one given for asked parameters is learnt.

    Raises
    ------
    ParameterError : as said there.
    """
    parameters, mine = find_file(task, os.environ.get("PFILES", ""))
    before = {parameter.name: parameter.value for parameter in parameters}
    command_line(parameters, arguments)
    values = {parameter.name: value_of(parameter) for parameter in parameters}
    for parameter in parameters:
        if "h" in parameter.mode:
            parameter.value = before[parameter.name]
    learn(parameters, mine)
    return values
