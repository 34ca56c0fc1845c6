"""Settings, each declared once with label, help and unit; dialog, file and environment override follow from here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import InputError


def _setting(
    default: Any, label: str, help: str, unit: str = "", choices: tuple[Any, ...] = (), minimum: float | None = None,
    maximum: float | None = None,
) -> Any:  # fmt: skip
    return field(
        default=default,
        metadata={"label": label, "help": help, "unit": unit, "choices": choices, "minimum": minimum, "maximum": maximum},
    )


@dataclass(frozen=True)
class Settings:
    """All settings. An environment variable `DAXA_GUI_<NAME>` overrides the file."""

    theme: str = _setting("system", "Theme", "Colours of the window.", choices=("system", "light", "dark"))
    coordinates: str = _setting("sexagesimal", "Coordinates", "How positions are written.", choices=("sexagesimal", "degrees"))
    archives_folder: str = _setting(
        "",
        "Archives folder",
        "Where archives and downloaded data live. Empty: « DAXA archives » in the documents folder.",
    )
    connections_per_host: int = _setting(
        4, "Connections per host", "Downloads at the same time from one server.", minimum=1, maximum=32
    )
    cores: int = _setting(0, "Cores", "Reduction jobs at the same time; 0 uses all but one of this machine's cores.", minimum=0)
    work_offline: bool = _setting(
        False, "Work offline", "Nothing is asked of any server: catalogues, names and data that are here already are used."
    )
    heasarc_tap: str = _setting("", "HEASARC's TAP service", "Another address for HEASARC's tables. Empty: the usual one.")
    xsa_tap: str = _setting(
        "", "XSA's TAP service", "Another address for the tables of ESA's XMM-Newton archive. Empty: the usual one."
    )
    sesame: str = _setting("", "Name resolver", "Another address of the Sesame service. Empty: the usual ones.")
    last_archive: str = _setting("", "Last archive", "Opened again at the next start.")


def setting_fields() -> tuple[Field[Any], ...]:
    """The declarations; `metadata` has label, help, unit, choices, minimum and maximum."""
    return fields(Settings)


def _truth(value: Any) -> bool:
    """true, false, or the words for it that environment variables use."""
    words = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False, "": False}
    return words[str(value).strip().lower()]


def _converted(item: Field[Any], value: Any) -> Any:
    kind = type(item.default) if item.default is not MISSING else str
    try:
        result = _truth(value) if kind is bool else kind(value)
    except (TypeError, ValueError, OverflowError, KeyError):
        raise InputError(f"The setting « {item.metadata['label']} » cannot be {value!r}.") from None
    choices, minimum, maximum = (item.metadata[name] for name in ("choices", "minimum", "maximum"))
    if choices and result not in choices:
        raise InputError(f"The setting « {item.metadata['label']} » is one of {', '.join(map(str, choices))}, not {value!r}.")
    if minimum is not None and result < minimum:
        raise InputError(f"The setting « {item.metadata['label']} » is at least {minimum:g}, not {value!r}.")
    if maximum is not None and result > maximum:
        raise InputError(f"The setting « {item.metadata['label']} » is at most {maximum:g}, not {value!r}.")
    return result


def changed(settings: Settings, **values: Any) -> Settings:
    """A copy with checked new values; raises InputError for a value that does not fit."""
    known = {item.name: item for item in setting_fields()}
    return replace(settings, **{name: _converted(known[name], value) for name, value in values.items()})


def settings_from(stored: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> tuple[Settings, list[str]]:
    """Settings from a stored mapping and the environment, and a sentence for each entry that could not be used."""
    settings, complaints = Settings(), []
    for item in setting_fields():
        variable = f"DAXA_GUI_{item.name.upper()}"
        for source, value in ((stored, stored.get(item.name)), (environment, environment.get(variable))):
            if value is None:
                continue
            try:
                settings = changed(settings, **{item.name: value})
            except InputError as error:
                where = f"environment variable {variable}" if source is environment else "settings file"
                complaints.append(f"{error.message} ({where}; the default is used)")
    return settings, complaints


def load_settings(path: Path) -> tuple[Settings, list[str]]:
    """Read the settings file; a missing file gives the defaults, a damaged one the defaults and a sentence."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(stored, dict):
            raise ValueError("not a JSON object")
    except FileNotFoundError:
        return settings_from({})
    except (OSError, ValueError, RecursionError) as error:
        settings, complaints = settings_from({})
        return settings, [f"The settings file {path} cannot be read ({error}); defaults are used.", *complaints]
    return settings_from(stored)


def save_settings(settings: Settings, path: Path) -> None:
    """Write the settings so that the file is either the old or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
