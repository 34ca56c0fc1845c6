"""Values of parameters as people read them: with the labels of the form and units. Names are for JSON and `--set`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daxa_gui.core.step import Parameter

BY_HAND = {"added_s": "intervals added by hand", "removed_s": "intervals removed by hand"}  # no form has these
_LONGEST = 100
_NOTHING = "–"


def label_of(parameters: Mapping[str, Parameter], name: str) -> str:
    """What the form calls a parameter; its name where no form has it. May come from a stranger's archive."""
    return parameters[name].label if name in parameters else BY_HAND.get(name) or one_line(name)


def value_words(parameter: Parameter | None, value: Any) -> str:
    """« 2.5 », « 60 s », « 0.5 to 2 keV », « 0.5 to 2, 2 to 10 keV », « G, I », « yes », « no limits »; whatever else a
    stored task says is shortened."""
    if value is None or value == "":
        return parameter.empty if parameter is not None and parameter.default is None else _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    kind = parameter.kind if parameter is not None else ""
    unit = f" {parameter.unit}" if parameter is not None and parameter.unit else ""
    return one_line(_plain_words(value, kind)) + unit


def change_words(parameters: Mapping[str, Parameter], name: str, old: Any, new: Any) -> str:
    """« Bin length 60 s → 50 s »."""
    if name in BY_HAND:
        old, new = (len(one) if isinstance(one, Sequence) and not isinstance(one, str) else 0 for one in (old, new))
    known = parameters.get(name)
    return f"{label_of(parameters, name)} {value_words(known, old)} → {value_words(known, new)}"


def _plain_words(value: Any, kind: str, depth: int = 0) -> str:
    if isinstance(value, (list, tuple)):
        if depth > 2:  # no parameter is nested so deep
            return "…"
        if kind != "many" and kind != "numbers" and len(value) == 2 and all(_is_number(part) for part in value):
            return f"{_plain_words(value[0], '')} to {_plain_words(value[1], '')}"
        parts = (_plain_words(part, "", depth + 1) for part in value[:_LONGEST])
        return (" && " if kind == "texts" else ", ").join(parts) or _NOTHING
    if isinstance(value, Mapping):  # no parameter is one
        return f"{{{len(value)} entries}}"
    return f"{value:.10g}" if isinstance(value, float) else str(value)[: 2 * _LONGEST]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def one_line(text: str) -> str:
    """A text of a stranger's: cut, on one line, nothing that could steer a terminal."""
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[: 2 * _LONGEST])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
