"""DAXA's mission save files: a mission's selection and the operations that made it (`BaseMission.save` of DAXA 0.3.7).

See docs/daxa-save-files.md for what can be taken over in either direction and what cannot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import DaxaError, FileError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Field, ObsIds
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.plain_file import read_plain
from daxa_gui.exchange.daxa_operations import Reader, Resolve
from daxa_gui.exchange.daxa_rules import MISSIONS_OF_DAXA, base_filter, chosen_instruments
from daxa_gui.exchange.daxa_writing import write_state
from daxa_gui.missions import MISSIONS

__all__ = ["DaxaState", "fitted", "read_state", "write_state"]

_LARGEST_BYTES = 256 << 20
_MOST_OPERATIONS = 1000
_LONGEST_OBS_ID = 40
_ALL_FIELDS = 32  # of eROSITA's early data release; so many chosen ones are no choice
KEYS = (
    "name", "chos_inst", "chos_field", "downloaded_type", "cur_date", "processed", "selected_obs", "science_usable",
    "proprietary_usable", "filtering_operations",
)  # fmt: skip


@dataclass(frozen=True)
class DaxaState:
    """What a save file says. `stack` selects what the recorded operations select, for this mission only; `complete` is false if
    one of them could not be taken over (then the stack ends with the recorded ObsIDs). `notes` are sentences for a person.
    `obs_ids`, `science_usable` and `proprietary_usable` are parallel; `saved_at` is DAXA's local time, as it wrote it."""

    path: str
    mission: str
    instruments: tuple[str, ...]
    fields: tuple[str, ...]
    downloaded_type: str
    processed: bool
    saved_at: str
    obs_ids: tuple[str, ...]
    science_usable: tuple[bool, ...]
    proprietary_usable: tuple[bool, ...]
    stack: FilterStack
    complete: bool
    notes: tuple[str, ...] = ()


def read_state(path: str | Path, resolve: Resolve | None = None) -> DaxaState:
    """Read a save file.

    Parameters
    ----------
    resolve : gives the position of a name (it may raise a DaxaError); None: names stay unresolved, and a note says so.

    Raises
    ------
    FileError : the file cannot be read or is no save file of a mission that is known here.
    """
    path = Path(path)
    document = _document(path)
    spec = _mission(path, document["name"])
    instruments, unknown = chosen_instruments(spec, _texts(path, document, "chos_inst"))
    instruments = instruments or spec.default_instruments
    notes = [f"{spec.label} has no instrument « {name[:40]} »: it is left out." for name in unknown]
    obs_ids, science, proprietary = _selection(path, document)
    fields = tuple(dict.fromkeys(_texts(path, document, "chos_field"))) if document["chos_field"] is not None else ()
    stack, complete = _stack(path, document, Reader(spec, instruments, resolve, notes), obs_ids)
    return DaxaState(
        path=str(path),
        mission=spec.name,
        instruments=instruments,
        fields=fields,
        downloaded_type=_typed(path, document, "downloaded_type", str) or "",
        processed=bool(_typed(path, document, "processed", bool)),
        saved_at=(_typed(path, document, "cur_date", str) or "")[:40],
        obs_ids=obs_ids,
        science_usable=science,
        proprietary_usable=proprietary,
        stack=stack,
        complete=complete,
        notes=tuple(notes),
    )


def fitted(state: DaxaState, catalogue: Catalogue) -> DaxaState:
    """The state with a stack that selects exactly the recorded ObsIDs that the catalogue has, and with notes about the others.

    Where the operations select more today, the ObsIDs follow them as one more filter; where they do not select all of them any
    more (or never did: DAXA records arguments wrongly if they are given without their names), the operations are switched off.
    """
    notes, stack = list(state.notes), state.stack
    present = catalogue.rows_of({variant for obs_id in state.obs_ids for variant in (obs_id, obs_id.upper())})
    recorded = np.zeros(len(catalogue), bool)
    recorded[present] = True  # every row of an ObsID that stands twice
    known = {obs_id.upper() for obs_id in catalogue.obs_id[present].tolist()}
    absent = [obs_id for obs_id in state.obs_ids if obs_id.upper() not in known]
    if absent:
        shown = ", ".join(absent[:5]) + (" …" if len(absent) > 5 else "")
        notes.append(f"Not in the catalogue here: {len(absent)} of {len(state.obs_ids)} ObsIDs ({shown}).")
    found = stack.mask(catalogue)
    more = int(np.count_nonzero(found & ~recorded))
    fewer = len(known - {obs_id.upper() for obs_id in catalogue.obs_id[found & recorded].tolist()})
    if more or fewer:
        if fewer:
            notes.append(
                f"The recorded operations leave out {fewer} observations that the file has as selected: they are switched off, "
                "and the ObsIDs of the file are a filter instead."
            )
            for row in stack.rows:
                stack = stack.toggle(row.id, enabled=False)
        else:
            notes.append(
                f"The recorded operations select {more} more observations than the file has: the ObsIDs of the file are one more "
                "filter. Switch it off to see them."
            )
        stack = stack.add(ObsIds(state.obs_ids), [state.mission])
    return replace(state, stack=stack, notes=tuple(notes))


def _document(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise FileError(f"The file {path} is larger than {_LARGEST_BYTES >> 20} MB: it is no save file of DAXA.")
        document = json.loads(read_plain(path, _LARGEST_BYTES).decode("utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise FileError(f"The file {path} cannot be read ({error.strerror}).") from error
    except json.JSONDecodeError as error:
        raise FileError(f"The file {path} is no save file of DAXA: line {error.lineno} is not JSON.") from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"The file {path} is no save file of DAXA ({str(error)[:120] or 'too deep'}).") from error
    missing = [key for key in KEYS if not isinstance(document, dict) or key not in document]
    if missing:
        raise FileError(f"The file {path} is no save file of DAXA: it has no « {missing[0]} ».")
    assert isinstance(document, dict)
    return document


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _mission(path: Path, name: object) -> MissionSpec:
    if not isinstance(name, str) or name not in MISSIONS_OF_DAXA or name not in MISSIONS:
        raise FileError(
            f"The file {path} is of a mission « {str(name)[:40]} » that is not known.", f"Known: {', '.join(MISSIONS_OF_DAXA)}."
        )
    spec: MissionSpec = MISSIONS[name]
    return spec


def _texts(path: Path, document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = document[key]
    if not isinstance(value, list) or not all(isinstance(text, str) and len(text) <= 200 for text in value):
        raise FileError(f"« {key} » in {path} is no list of texts.")
    return tuple(value)


def _typed(path: Path, document: Mapping[str, Any], key: str, kind: type) -> Any:
    value = document[key]
    if value is not None and not isinstance(value, kind):
        raise FileError(f"« {key} » in {path} is of the wrong type.")
    return value


def _selection(path: Path, document: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[bool, ...], tuple[bool, ...]]:
    obs_ids = _texts(path, document, "selected_obs")
    wrong = next((text for text in obs_ids if not 0 < len(text) <= _LONGEST_OBS_ID or not text.isprintable()), None)
    if wrong is not None or not obs_ids:
        raise FileError(f"« selected_obs » in {path} " + ("is empty." if not obs_ids else f"has a strange ObsID « {wrong} »."))
    flags = []
    for key in ("science_usable", "proprietary_usable"):
        value = document[key]
        if not isinstance(value, list) or len(value) != len(obs_ids) or not all(isinstance(flag, bool) for flag in value):
            raise FileError(f"« {key} » in {path} has not one true or false for each selected ObsID.")
        flags.append(tuple(value))
    return obs_ids, flags[0], flags[1]


def _stack(path: Path, document: Mapping[str, Any], reader: Reader, obs_ids: tuple[str, ...]) -> tuple[FilterStack, bool]:
    mission = [reader.spec.name]
    stack, complete = FilterStack().add(base_filter(reader.spec, reader.instruments), mission), True
    operations = document["filtering_operations"]
    if not isinstance(operations, list) or len(operations) > _MOST_OPERATIONS:
        raise FileError(f"« filtering_operations » in {path} is no list of at most {_MOST_OPERATIONS} operations.")
    named = [_operation(path, number, operation) for number, operation in enumerate(operations, start=1)]
    if document["chos_field"] is not None and all(name != "filter_on_fields" for name, _ in named):
        stack = _with_fields(stack, reader, document["chos_field"])
    for number, (name, arguments) in enumerate(named, start=1):
        try:
            stack = stack.add(reader.filter_of(name, arguments), mission)
        except DaxaError as error:
            complete = False
            reader.notes.append(f"Operation {number}, {name[:60]}, cannot be taken over: {error.message.rstrip('.')}.")
    if not complete:
        stack = stack.add(ObsIds(obs_ids), mission)
        reader.notes.append("So the ObsIDs of the file are the last filter.")
    return stack, complete


def _with_fields(stack: FilterStack, reader: Reader, fields: list[str]) -> FilterStack:
    """DAXA does not record its filter by field, but the choice of fields that it leaves behind (all of them: no choice)."""
    wanted = tuple(dict.fromkeys(text for text in fields if text.strip()))
    return stack.add(Field(wanted), [reader.spec.name]) if 0 < len(wanted) < _ALL_FIELDS else stack


def _operation(path: Path, number: int, operation: object) -> tuple[str, Mapping[str, Any]]:
    if isinstance(operation, dict) and set(operation) == {"name", "arguments"}:
        name, arguments = operation["name"], operation["arguments"]
        if isinstance(name, str) and isinstance(arguments, dict):
            return name, arguments
    raise FileError(f"Operation {number} in {path} has not exactly a name and arguments.")
