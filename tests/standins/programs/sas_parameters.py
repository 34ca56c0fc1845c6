"""How a SAS task reads its command line: names, types, ranges, mandatory ones, children that switch their parents on.

A table has one parameter per line: name | type | mandatory | default | allowed | parent. « allowed » is a/b/c or lowest:highest;
« parent » is the parameter that is set when this one is given (`name`: a yes/no set to yes, or `name=value`).
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import Any

_YES, _NO = ("yes", "y", "true", "t"), ("no", "n", "false", "f")


class SasError(Exception):
    """An error of a SAS task: name and text."""

    def __init__(self, name: str, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.name, self.text, self.code = name, text, code


class Parameter:
    def __init__(self, line: str) -> None:
        parts = [part.strip() for part in re.split(r" \|(?= |$)", line)] + [""] * 6
        self.name, self.kind, mandatory, self.default, self.allowed, self.parent = parts[:6]
        self.mandatory = mandatory == "yes"


class Values(dict[str, Any]):
    """Checked values by name, and the names that were given on the command line."""

    given: set[str]

    def text(self) -> str:
        parts = []
        for name, value in self.items():
            shown = " ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
            quoted = f"'{shown}'" if shown == "" or re.search(r"[\s()&|<>]", shown) else shown
            parts.append(f"{name}={quoted}")
        return " ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def table(path: str) -> list[Parameter]:
    with open(path, encoding="utf-8") as file:
        return [Parameter(line) for line in file.read().splitlines() if line and not line.startswith("#")]


def table_path(task: str, version: str, folder: str) -> str:
    """The table of a task in a version of SAS: `espfilt-18.txt` holds up to that major version, `espfilt.txt` for the newest."""
    major = int(version.split(".")[0])
    for name in sorted(os.listdir(folder)):
        match = re.fullmatch(rf"{task}-(\d+)\.txt", name)
        if match and major <= int(match[1]):
            return os.path.join(folder, name)
    return os.path.join(folder, f"{task}.txt")


def _one_value(parameter: Parameter, text: str) -> Any:
    kind = parameter.kind.removesuffix("s") if parameter.kind in ("ints", "reals", "strings") else parameter.kind
    try:
        value: Any = {"int": int, "real": float}.get(kind, str)(text)
    except ValueError:
        raise SasError("ParamWrongType", f"Parameter {parameter.name}: `{text}' is not a value of type {kind}") from None
    if kind == "bool":
        if text.lower() not in _YES + _NO:
            raise SasError("ParamWrongType", f"Parameter {parameter.name}: `{text}' is not a value of type boolean")
        return text.lower() in _YES
    _check_allowed(parameter, kind, value, text)
    return value


def _check_allowed(parameter: Parameter, kind: str, value: Any, text: str) -> None:
    if not parameter.allowed:
        return
    if kind in ("int", "real"):
        low, _, high = parameter.allowed.partition(":")
        if (low and value < float(low)) or (high and value > float(high)):
            raise SasError("ParamNotInRange", f"Parameter {parameter.name}: {text} is not in the range [{parameter.allowed}]")
    elif text and text.lower() not in parameter.allowed.lower().split("/"):
        raise SasError("ParamNotInRange", f"Parameter {parameter.name}: `{text}' is not one of {parameter.allowed}")


def value_of(parameter: Parameter, text: str) -> Any:
    if parameter.kind not in ("ints", "reals", "strings"):
        if text[:1] in "'\"" and text[:1] and (len(text) < 2 or text[-1] != text[0]):
            raise SasError("ParamWrongQuotes", f"Parameter {parameter.name}: the quotes of `{text}' do not match")
        return _one_value(parameter, text)
    try:
        words = shlex.split(text)
    except ValueError:
        raise SasError("ParamWrongQuotes", f"Parameter {parameter.name}: the quotes of `{text}' do not match") from None
    return [_one_value(parameter, word) for word in words]


def read(task: str, parameters: list[Parameter], arguments: list[str]) -> Values:
    """The values of all parameters.

    Raises
    ------
    SasError : a name that the task has not (ParamNotFound), a value of another type (ParamWrongType) or outside its range
        (ParamNotInRange), a mandatory one that is missing (ParamMandatory).
    """
    known = {parameter.name: parameter for parameter in parameters}
    values = Values((parameter.name, value_of(parameter, parameter.default)) for parameter in parameters if parameter.default)
    given: dict[str, Any] = {}
    for argument in arguments:
        name, sign, text = argument.lstrip("-").partition("=")
        if not sign or name not in known:
            raise SasError("ParamNotFound", f"Parameter `{name}' is not known to the task {task}")
        given[name] = value_of(known[name], text)
    values.update(given)
    for name in given:
        _switch_parents_on(known, name, given, values)
    for parameter in parameters:
        if parameter.mandatory and parameter.name not in given:
            raise SasError("ParamMandatory", f"Mandatory parameter `{parameter.name}' has not been given")
        values.setdefault(parameter.name, _nothing(parameter.kind))
    ordered = Values((parameter.name, values[parameter.name]) for parameter in parameters)
    ordered.given = set(given)
    return ordered


def _nothing(kind: str) -> Any:
    return [] if kind in ("ints", "reals", "strings") else {"bool": False, "int": 0, "real": 0.0}.get(kind, "")


def _switch_parents_on(known: dict[str, Parameter], name: str, given: dict[str, Any], values: Values) -> None:
    parent = known[name].parent
    while parent:
        parent_name, _, value = parent.partition("=")
        if parent_name in given:
            return
        values[parent_name] = value_of(known[parent_name], value or "yes")
        parent = known[parent_name].parent


def options(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options that all tasks share (`-V 5`, `-w 1`, `--version` …), and the rest."""
    found: dict[str, str] = {}
    rest, at = [], 0
    long_names = {
        "verbosity": "V",
        "warning": "w",
        "odf": "o",
        "ccf": "i",
        "version": "v",
        "help": "h",
        "param": "p",
        "noclobber": "c",
        "trace": "t",
        "dialog": "d",
        "manpage": "m",
    }
    while at < len(arguments):
        argument = arguments[at]
        name, _, value = argument.lstrip("-").partition("=")
        letter = name if len(name) == 1 else long_names.get(name, "")
        if not argument.startswith("-") or letter not in "VwoivhpctdmaF" or not letter:
            rest.append(argument)
        elif letter in "Vwoia":
            if not value:
                at += 1
                value = arguments[at] if at < len(arguments) else ""
            found[letter] = value
        else:
            found[letter] = "yes"
        at += 1
    return found, rest


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
