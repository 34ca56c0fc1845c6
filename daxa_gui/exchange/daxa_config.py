"""DAXA's own settings file, `daxa.cfg`: read for first values, never written.

What its entries mean is what DAXA 0.3.7 does with them (`daxa/config.py`): the file lies directly in $XDG_CONFIG_HOME if that
is set, otherwise in ~/.config/daxa; a relative `daxa_save_path` belongs to the folder where each run starts.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.settings import Settings, changed

SECTION = "DAXA_SETUP"
_MOST_BYTES = 64 * 1024


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where DAXA looks for its file."""
    folder = environment.get("XDG_CONFIG_HOME")
    return Path(folder if folder is not None else Path.home() / ".config" / "daxa") / "daxa.cfg"


def first_values(path: Path | None = None) -> tuple[dict[str, Any], list[str]]:
    """What a daxa.cfg says of our settings, by name, and a sentence on each thing that was or could not be taken over.

    Parameters
    ----------
    path : the file; where DAXA looks for it if None. A file that is not there says nothing.
    """
    place = path or config_path()
    try:
        options = _options(place)
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, configparser.Error) as error:
        reason = str(getattr(error, "strerror", None) or error).replace("\n", " ")[:200]
        return {}, [f"DAXA's settings file {place} cannot be read ({reason}); nothing of it is used."]
    values: dict[str, Any] = {}
    sentences: list[str] = []
    for option, setting, check in _MEANINGS:
        text = options.get(option, "").strip()
        if not text:
            continue
        try:
            value = check(_literal(text))
            if value is None:
                continue
            values[setting] = getattr(changed(Settings(), **{setting: value}), setting)
            sentences.append(f"« {option} » of DAXA's settings file {place} is used: {value}.")
        except InputError as error:
            sentences.append(f"« {option} » of DAXA's settings file {place} is not used: {error.message}")
    return values, sentences


def _options(place: Path) -> dict[str, str]:
    """The entries of the section, as they stand; interpolation is off, so that no entry can grow by naming others."""
    if place.exists() and not place.is_file():
        raise ValueError("it is not a file")
    with place.open("rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES} bytes")
    parser = configparser.RawConfigParser()
    parser.read_string(data.decode("utf-8"), str(place))
    return dict(parser[SECTION]) if parser.has_section(SECTION) else {}


def _literal(text: str) -> str:
    """DAXA reads « %% » as « % », and « %(name)s » as another entry, which is not done here."""
    if "%" in text.replace("%%", ""):
        raise InputError(f"« {text[:80]} » refers to other entries.")
    return text.replace("%%", "%")


def _save_path(text: str) -> str:
    if not Path(text).is_absolute():
        raise InputError(
            f"« {text[:200]} » is not a whole path; for DAXA it is another folder depending on where each run starts."
        )
    return text


def _cores(text: str) -> int | None:
    try:
        number = int(text)
    except ValueError:
        raise InputError(f"« {text[:80]} » is not a whole number (DAXA refuses it too).") from None
    if number == -1:
        return None
    if number < 1:
        raise InputError(f"{number} cores are not possible (every download of DAXA fails with it).")
    here = os.cpu_count() or 1
    if number > here:
        raise InputError(f"{number} cores are more than this machine has, {here} (DAXA refuses it too).")
    return number


def _pfiles(text: str) -> str:
    if not Path(text).is_absolute():
        raise InputError(f"« {text[:200]} » is not a whole path.")
    if not Path(text).is_dir():
        raise InputError(f"there is no folder {text[:200]} (DAXA refuses it too).")
    return text


_MEANINGS = (
    ("daxa_save_path", "archives_folder", _save_path),
    ("num_cores", "cores", _cores),
    ("pfiles_path", "pfiles_folder", _pfiles),
)
