"""What a setting may be: numbers within limits, choices, folders, addresses of services; each entry is checked in one place."""

from __future__ import annotations

import math
from dataclasses import Field, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from daxa_gui.core.errors import InputError

LONGEST_TEXT = 4096  # characters; the longest path that common systems allow


def setting(
    default: Any,
    label: str,
    help: str,
    *,
    group: str = "",
    kind: str = "",
    unit: str = "",
    choices: tuple[Any, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    schemes: tuple[str, ...] = (),
    empty: str = "",
    variable: str = "",
) -> Any:
    """A field of Settings.

    Parameters
    ----------
    group : under which heading it stands in the dialog and the page of settings; empty: not shown, the program's own memory.
    kind : "folder", "file" or "address"; otherwise the type of the default decides ("yes/no", "whole", "number", "text").
    schemes : what an address may begin with.
    empty : what an empty entry (or 0, where that has a meaning of its own) stands for, in words.
    variable : the environment variable, if it is not called DAXA_GUI_<NAME>.
    """
    declared = kind or {bool: "yes/no", int: "whole", float: "number"}.get(type(default), "text")
    return field(
        default=default,
        metadata={
            "label": label, "help": help, "unit": unit, "choices": choices, "minimum": minimum, "maximum": maximum,
            "group": group, "kind": declared, "schemes": schemes, "empty": empty, "variable": variable,
        },
    )  # fmt: skip


def variable_of(item: Field[Any]) -> str:
    """The environment variable that overrides a setting."""
    return item.metadata["variable"] or f"DAXA_GUI_{item.name.upper()}"


def converted(item: Field[Any], value: Any) -> Any:
    """`value` (from a file, the environment, or a person) as the setting holds it.

    Raises
    ------
    InputError : it does not fit; the sentence names the setting.
    """
    kind, choices = item.metadata["kind"], item.metadata["choices"]
    if kind == "yes/no":
        return _truth(item, value)
    if kind in ("whole", "number"):
        return _within(item, _number(item, value), value)
    text = _text(item, value)
    if choices and text not in choices:
        raise InputError(f"{_named(item)} is one of {', '.join(map(str, choices))}, not {value!r}.")
    if kind in ("folder", "file"):
        _check_folder(item, text)
    elif kind == "address":
        text = text.strip()
        _check_address(item, text)
    return text


def _named(item: Field[Any]) -> str:
    return f"The setting « {item.metadata['label']} »"


def _unfit(item: Field[Any], value: Any) -> InputError:
    shown = repr(value)
    return InputError(f"{_named(item)} cannot be {shown if len(shown) <= 80 else shown[:80] + '…'}.")


def _truth(item: Field[Any], value: Any) -> bool:
    """true, false, or the words for it that environment variables use."""
    words = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False, "": False}
    try:
        return words[str(value).strip().lower()]
    except KeyError:
        raise _unfit(item, value) from None


def _number(item: Field[Any], value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _unfit(item, value)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise _unfit(item, value) from None
    if not math.isfinite(number):
        raise _unfit(item, value)
    return number


def _within(item: Field[Any], number: float, value: Any) -> float:
    minimum, maximum = item.metadata["minimum"], item.metadata["maximum"]
    unit = f" {item.metadata['unit']}" if item.metadata["unit"] else ""
    if minimum is not None and number < minimum:
        raise InputError(f"{_named(item)} is at least {minimum:g}{unit}, not {value!r}.")
    if maximum is not None and number > maximum:
        raise InputError(f"{_named(item)} is at most {maximum:g}{unit}, not {value!r}.")
    if item.metadata["kind"] == "number":
        return number
    if number != int(number):
        raise InputError(f"{_named(item)} is a whole number, not {value!r}.")
    return int(number)


def _text(item: Field[Any], value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or any(ord(character) < 32 for character in value):
        raise _unfit(item, value)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # bytes of the environment that are no text
        raise _unfit(item, value) from None
    return value


def _check_folder(item: Field[Any], text: str) -> None:
    """A folder or file that depends on where the program was started would be another one each time (as DAXA's default is)."""
    if text and not text.startswith("~") and not Path(text).is_absolute():
        raise InputError(f"{_named(item)} has to be a whole path, or one that begins with « ~ », not « {text} ».")


def _check_address(item: Field[Any], text: str) -> None:
    if not text:
        return
    schemes = item.metadata["schemes"]
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise InputError(f"{_named(item)} is not an address: « {text} ».") from None
    if "@" in parts.netloc:
        raise InputError(f"{_named(item)} must not hold a name or a password.", "« Credentials… » keeps them safely.")
    place = parts.path.startswith("/") and not parts.netloc if parts.scheme == "file" else bool(parts.hostname)
    plain = all(33 <= ord(character) <= 126 for character in text) or parts.scheme == "file"
    if parts.scheme not in schemes or not place or not plain:
        raise InputError(f"{_named(item)} is an address that begins with {wanted}, not « {text} ».")
