"""What a form asks for, and how an entry is read and checked. No widgets here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.step import Parameter

_RANGE = re.compile(r"^\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(?:-|–|to|,|;|\s)\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*$", re.IGNORECASE)

_BETWEEN_TEXTS = re.compile(r"\s*[;\n]\s*")
_BETWEEN_RANGES = re.compile(r"\s*[;,\n]\s*")
_BETWEEN_NUMBERS = re.compile(r"[;,\s]+")


@dataclass(frozen=True)
class FormField:
    """One line of a form. `kind` is "yes/no", "choice", "integer", "number", "range", "text", "many" (some of `choices`, a list),
    "texts" (a list), "ranges" (a list of pairs) or "numbers" (a list).

    `empty` is what an empty entry means (« the mission's own »); an empty `empty` means that something has to be entered,
    except for texts.
    """

    name: str
    label: str
    default: Any
    kind: str
    unit: str = ""
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    empty: str = ""


def kind_of(default: Any, choices: Sequence[Any] = (), declared: str = "") -> str:
    """The kind of a field: what was declared, or what follows from its choices and its default."""
    if declared == "many":
        return "many"
    if choices:
        return "choice"
    if declared:
        return declared
    if isinstance(default, bool):
        return "yes/no"
    if isinstance(default, int):
        return "integer"
    if isinstance(default, (tuple, list)):
        return "range"
    if isinstance(default, float) or default is None:
        return "number"
    return "text"


def fields_of_parameters(parameters: Iterable[Parameter]) -> tuple[FormField, ...]:
    """The lines for the parameters of a reduction step."""
    return tuple(
        FormField(
            name=p.name,
            label=p.label,
            default=p.default,
            kind=kind_of(p.default, p.choices, p.kind),
            unit=p.unit,
            help=p.help,
            minimum=p.minimum,
            maximum=p.maximum,
            choices=p.choices,
            empty=p.empty if p.default is None else "",
        )
        for p in parameters
    )


def fields_of_dataclass(declaration: Any, names: Sequence[str] | None = None) -> tuple[FormField, ...]:
    """The lines for the fields of a dataclass whose metadata have label, help, unit, choices and minimum.

    Fields without a label are left out; `names` picks some and gives their order.
    """
    by_name = {item.name: item for item in dataclass_fields(declaration) if "label" in item.metadata}
    result = []
    for name in names if names is not None else by_name:
        item = by_name[name]
        default = None if item.default is MISSING else item.default
        meta = item.metadata
        choices = tuple(meta.get("choices", ()))
        result.append(
            FormField(
                name, meta["label"], default, kind_of(default, choices), meta.get("unit", ""), meta.get("help", ""),
                meta.get("minimum"), meta.get("maximum"), choices,
            )
        )  # fmt: skip
    return tuple(result)


def written(field: FormField, value: Any) -> str:
    """A value as it stands in an entry."""
    if value is None:
        return ""
    if field.kind == "range":
        return " – ".join(f"{number:.10g}" for number in value)
    if field.kind == "ranges":
        return ", ".join(" – ".join(f"{number:.10g}" for number in pair) for pair in value)
    if field.kind == "numbers":
        return ", ".join(f"{number:.10g}" for number in value)
    if field.kind in ("texts", "many"):
        return "; ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def read_entry(field: FormField, text: str) -> Any:
    """The value that an entry means.

    Raises
    ------
    InputError : it is no number, not a whole one, outside the limits, or missing.
    """
    text = text.strip()
    if not text:
        if field.empty:
            return None
        if field.kind == "text":
            return ""
        if field.kind == "texts":
            return []
        raise InputError(f"« {field.label} » needs {_wanted(field)}.")
    if field.kind == "text":
        return text
    if field.kind == "range":
        return _range(field, text)
    if field.kind == "texts":
        return [part.strip() for part in _BETWEEN_TEXTS.split(text) if part.strip()]
    if field.kind == "ranges":
        return [_range(field, part) for part in _BETWEEN_RANGES.split(text) if part.strip()]
    if field.kind == "numbers":
        return [_number(field, part, whole=False) for part in _BETWEEN_NUMBERS.split(text) if part]
    return _number(field, text, whole=field.kind == "integer")


def _wanted(field: FormField) -> str:
    return {
        "integer": "a whole number",
        "number": "a number",
        "numbers": "numbers, such as « 1, 2.5 »",
        "range": "two numbers, such as « 0.5 – 2 »",
        "ranges": "pairs of numbers, such as « 0.5 – 2, 2 – 10 »",
        "many": "at least one of its choices",
    }[field.kind]


def some_of(field: FormField, chosen: Sequence[Any]) -> list[Any] | None:
    """The value of a « many » field of which these are ticked; raises InputError if none is and one has to be."""
    if chosen or not field.default:
        return list(chosen) or (None if field.empty else [])
    raise InputError(f"« {field.label} » needs {_wanted(field)}.")


def same_value(one: Any, other: Any) -> bool:
    """Whether two values of a field mean the same: tuples and lists do."""
    return bool(_plain(one) == _plain(other)) and (one is None) == (other is None)


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, (tuple, list)) else value


def _number(field: FormField, text: str, *, whole: bool) -> float | int:
    try:
        value = float(text.replace("−", "-"))
    except ValueError:
        raise InputError(f"« {field.label} » needs {_wanted(field)}, not « {text} ».") from None
    if not math.isfinite(value) or (whole and value != round(value)):
        raise InputError(f"« {field.label} » needs {_wanted(field)}, not « {text} ».")
    unit = f" {field.unit}" if field.unit else ""
    if field.minimum is not None and value < field.minimum:
        raise InputError(f"« {field.label} » is at least {field.minimum:g}{unit}.")
    if field.maximum is not None and value > field.maximum:
        raise InputError(f"« {field.label} » is at most {field.maximum:g}{unit}.")
    return int(value) if whole else value


def _range(field: FormField, text: str) -> tuple[float, float]:
    match = _RANGE.match(text)
    if match is None:
        raise InputError(f"« {field.label} » needs {_wanted(field)}, not « {text} ».")
    low, high = (float(_number(field, part, whole=False)) for part in match.groups())
    if low >= high:
        raise InputError(f"« {field.label} »: the first number has to be smaller than the second.")
    return low, high
