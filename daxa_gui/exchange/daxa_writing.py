"""Writing DAXA's mission save files: the selection, and operations of DAXA that select the same.

A filter that DAXA has becomes the call of its method, if that lets the same observations through (as far as the catalogue here
tells). Everything else becomes a list of the ObsIDs that pass it now, with a note.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.filter_stack import FilterStack, apply_row
from daxa_gui.core.filters import (
    And,
    Box,
    Cone,
    Field,
    Filter,
    HasInstrument,
    Not,
    ObsIds,
    Picked,
    Positions,
    TargetType,
    TimeRange,
    Usable,
)  # fmt: skip
from daxa_gui.core.filters_rows import mjd_now
from daxa_gui.core.filters_time import window_certain
from daxa_gui.core.frames import from_icrs
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.places import Places
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.exchange.daxa_rules import (
    GRATINGS,
    INSTRUMENT_COLUMN,
    MISSIONS_OF_DAXA,
    base_filter,
    chosen_instruments,
    default_distance,
    numbers_frame,
    same_types,
)  # fmt: skip
from daxa_gui.exchange.daxa_values import moment_text, skycoord

Mask = NDArray[np.bool_]
Operation = dict[str, Any]
_EARLIEST_MJD, _LATEST_MJD = 15020.0, 124593.0  # 1900 and 2200: « open on this side », which DAXA does not have


def write_state(
    path: str | Path,
    spec: MissionSpec,
    catalogue: Catalogue,
    stack: FilterStack,
    *,
    instruments: tuple[str, ...] = (),
    downloaded_type: str | None = None,
    processed: bool = False,
) -> tuple[str, ...]:
    """Write a save file that DAXA 0.3.7 loads with the same selection.

    Parameters
    ----------
    stack : the filters; those for other missions are left out.
    instruments : DAXA's choice of instruments; if empty, those of the selection for missions where the choice is a filter, and
        the default for the others.

    Returns
    -------
    notes : sentences about what DAXA cannot have in the same way.

    Raises
    ------
    InputError : DAXA has no such mission, nothing is selected (it cannot save that), or an instrument is not the mission's.
    FileError : the file cannot be written.
    """
    path = Path(path)
    if spec.name not in MISSIONS_OF_DAXA:
        raise InputError(f"DAXA does not know {spec.label}, so it cannot load a selection of its observations.")
    found = stack.mask(catalogue)
    selected = found & ~catalogue.simulated
    notes = []
    if simulated := int(np.count_nonzero(found & catalogue.simulated)):
        notes.append(f"Left out: {simulated} simulated observations, which no archive has.")
    if not selected.any():
        raise InputError(f"Nothing is selected of {spec.label}: DAXA cannot save an empty selection.")
    chosen, unknown = chosen_instruments(spec, instruments)
    if unknown:
        raise InputError(f"{spec.label} has no instrument « {unknown[0][:40]} ».")
    chosen = chosen or _instruments_of(spec, catalogue, selected)
    writer = _Writer(spec, catalogue, chosen, notes)
    operations = writer.operations(stack)
    writer.warn_of_lost_rows(selected)
    rows = np.flatnonzero(selected)
    document = {
        "name": spec.name,
        "chos_inst": list(chosen),
        "chos_field": writer.fields(),
        "downloaded_type": downloaded_type,
        "cur_date": f"{datetime.now():%Y-%m-%d %H:%M:%S.%f}",
        "processed": processed,
        "selected_obs": catalogue.obs_id[rows].tolist(),
        "science_usable": (catalogue.unusable_reason == "")[rows].tolist(),
        "proprietary_usable": _released(spec, catalogue)[rows].tolist(),
        "filtering_operations": operations,
    }
    _write(path, json.dumps(document, indent=4, allow_nan=False))
    return tuple(notes)


def operations_of(
    spec: MissionSpec, catalogue: Catalogue | None, stack: FilterStack | None, instruments: tuple[str, ...], obs_ids: list[str]
) -> tuple[tuple[str, ...] | None, tuple[Operation, ...], tuple[str, ...]]:
    """DAXA's chosen fields (None for missions without), the operations that select these ObsIDs, and sentences about them.

    With a catalogue and filters that select just these, the operations are those of the filters; otherwise one list of ObsIDs.
    """
    notes: list[str] = []
    if catalogue is not None and stack is not None:
        selected = set(catalogue.obs_id[stack.mask(catalogue)].tolist())
        if selected == set(obs_ids):
            writer = _Writer(spec, catalogue, instruments, notes)
            operations = tuple(writer.operations(stack))
            fields = writer.fields()
            return None if fields is None else tuple(fields), operations, tuple(notes)
        notes.append(f"The stored filters of {spec.label} select other observations today: the archive's ObsIDs are written.")
    arguments: dict[str, Any] = {"allowed_obs_ids": list(obs_ids)}
    if spec.name != "erosita_calpv":  # whose own method does not take it
        arguments["invert"] = False
    fields = _Writer(spec, catalogue, instruments, []).fields() if catalogue is not None else None
    return None if fields is None else tuple(fields), ({"name": "filter_on_obs_ids", "arguments": arguments},), tuple(notes)


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"The file {path} cannot be written ({error.strerror}).") from error


def _released(spec: MissionSpec, catalogue: Catalogue) -> Mask:
    """As DAXA tells: a date of release that has come; for missions without such dates everything."""
    if not spec.has_proprietary:
        return np.ones(len(catalogue), bool)
    released: Mask = catalogue.public_mjd <= mjd_now()
    return released


def _instruments_of(spec: MissionSpec, catalogue: Catalogue, selected: Mask) -> tuple[str, ...]:
    """Instruments with which DAXA has as much of the selection as it can: without gratings or with them, never both."""
    if spec.name not in INSTRUMENT_COLUMN:
        return spec.default_instruments
    used = {name: HasInstrument((name,)).mask(catalogue) & selected for name in (i.name for i in spec.instruments)}
    with_grating = np.zeros(len(catalogue), bool)
    for name in GRATINGS:
        with_grating |= used.get(name, with_grating)
    prefer_gratings = np.count_nonzero(with_grating) > np.count_nonzero(selected & ~with_grating)
    counted = with_grating if prefer_gratings else ~with_grating
    names = [name for name, mask in used.items() if (mask & counted).any() and (prefer_gratings or name not in GRATINGS)]
    return tuple(names) or spec.default_instruments


@dataclass
class _Writer:
    spec: MissionSpec
    catalogue: Catalogue
    instruments: tuple[str, ...]
    notes: list[str]
    chosen_fields: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        self.base = base_filter(self.spec, self.instruments).mask(self.catalogue)

    def operations(self, stack: FilterStack) -> list[Operation]:
        """What DAXA would have recorded, in order."""
        result: list[Operation] = []
        mask = self.base.copy()
        for row in stack.rows:
            if not row.applies_to(self.spec.name):
                continue
            if isinstance(row.filter, Picked) and row.filter.keep:
                mask = apply_row(row.filter, self.catalogue, mask)
                result = self._as_obs_ids(row.filter, mask)  # what comes back cannot follow what narrows
                continue
            made, mask = self._translated(row.filter, mask)
            result += made
        return result

    def _translated(self, one: Filter, before: Mask) -> tuple[list[Operation], Mask]:
        """Operations for one filter, and what passes after it."""
        after = before & one.mask(self.catalogue)
        if isinstance(one, And):
            whole: list[Operation] = []
            mask = before
            for part in one.filters:
                made, mask = self._translated(part, mask)
                whole += made
            return whole, mask
        if self._is_choice(one):
            return [], after
        found = self._call(one, before)
        if found is not None:
            operation, mask = found
            if np.array_equal(before & mask, after):
                return [operation], after
        return self._as_obs_ids(one, after), after

    def _is_choice(self, one: Filter) -> bool:
        """Whether a filter says no more than the choice of instruments, or being fit for science, already does in DAXA."""
        if isinstance(one, Usable):
            return True
        inner = one.filter if isinstance(one, Not) else one
        return (
            isinstance(inner, HasInstrument)
            and self.spec.name in INSTRUMENT_COLUMN
            and not (self.base & ~one.mask(self.catalogue)).any()
        )

    def _as_obs_ids(self, one: Filter, passing: Mask) -> list[Operation]:
        obs_ids = [text for text in dict.fromkeys(self.catalogue.obs_id[passing].tolist()) if self.spec.is_obs_id(text)]
        self.notes.append(
            f"DAXA cannot filter « {one.sentence()} » in the same way: written as the {len(obs_ids)} ObsIDs that pass."
        )
        return [self._obs_ids(obs_ids, invert=False)]

    def _obs_ids(self, obs_ids: list[str], *, invert: bool) -> Operation:
        arguments: dict[str, Any] = {"allowed_obs_ids": obs_ids}
        if self.spec.name != "erosita_calpv":  # whose own method does not take it
            arguments["invert"] = invert
        return {"name": "filter_on_obs_ids", "arguments": arguments}

    def _call(self, one: Filter, before: Mask) -> tuple[Operation, Mask] | None:
        """A call of DAXA's that means this filter, and what DAXA lets through by it; None: it has none."""
        if isinstance(one, ObsIds):
            return self._call_obs_ids(one, invert=False)
        if isinstance(one, Not) and isinstance(one.filter, ObsIds) and self.spec.name != "erosita_calpv":
            return self._call_obs_ids(one.filter, invert=True)
        if isinstance(one, Cone):
            return self._call_positions(Positions((one.position,), one.radius_deg))
        if isinstance(one, Positions):
            return self._call_positions(one)
        if isinstance(one, Box):
            return self._call_box(one)
        if isinstance(one, TimeRange):
            return self._call_time(one)
        if isinstance(one, TargetType) and same_types(self.spec.name, one.codes):
            operation = {"name": "filter_on_target_type", "arguments": {"target_type": list(one.codes)}}
            return operation, one.mask(self.catalogue)
        if isinstance(one, Field) and "field_key" in self.catalogue.extra:
            return self._call_fields(one)
        return None

    def _call_obs_ids(self, one: ObsIds, *, invert: bool) -> tuple[Operation, Mask] | None:
        wanted = list(dict.fromkeys(obs_id.upper() for obs_id in one.obs_ids))
        if not all(self.spec.is_obs_id(obs_id) for obs_id in wanted):
            return None
        mask = one.mask(self.catalogue)
        return self._obs_ids(wanted, invert=invert), ~mask if invert else mask

    def _call_box(self, box: Box) -> tuple[Operation, Mask] | None:
        """DAXA compares the numbers of its own frame, and does not go across RA 0; 360° is 0° to it."""
        if box.ra_min_deg > box.ra_max_deg or box.ra_min_deg == 360.0 or box.frame in ("galactic", "ecliptic"):
            return None
        ra_max = math.nextafter(360.0, 0.0) if box.ra_max_deg == 360.0 else box.ra_max_deg
        lon, lat = from_icrs(self.catalogue.ra_deg, self.catalogue.dec_deg, numbers_frame(self.spec))
        mask = (lon >= box.ra_min_deg) & (lon <= ra_max) & (lat >= box.dec_min_deg) & (lat <= box.dec_max_deg)
        corners = {"lower_left": [box.ra_min_deg, box.dec_min_deg], "upper_right": [ra_max, box.dec_max_deg]}
        return {"name": "filter_on_rect_region", "arguments": corners}, mask

    def _call_time(self, one: TimeRange) -> tuple[Operation, Mask]:
        texts = [moment_text(min(max(mjd, _EARLIEST_MJD), _LATEST_MJD)) for mjd in (one.start_mjd, one.end_mjd)]
        first, last = map(iso_to_mjd, texts)
        arguments = {
            "start_datetime": {"datetime": texts[0]}, "end_datetime": {"datetime": texts[1]}, "over_run": not one.entirely_inside,
        }  # fmt: skip
        # DAXA leaves out observations of which a time is missing unless the other one suffices
        start, end = self.catalogue.start_mjd, self.catalogue.end_mjd
        mask = window_certain(start, end, first, last, one.entirely_inside)
        return {"name": "filter_on_time", "arguments": arguments}, mask

    def _call_positions(self, one: Positions) -> tuple[Operation, Mask] | None:
        places = one.places
        found = self._search_distance(one)
        if found is None:
            return None
        distance, reach = found
        arguments: dict[str, Any] = {"positions": skycoord(places.ra_deg, places.dec_deg, self.spec)}
        if not places.has_windows:
            arguments |= {"search_distance": distance, "return_pos_obs_info": False}
            mask = Positions(places, distance=reach).mask(self.catalogue)
            return {"name": "filter_on_positions", "arguments": arguments}, mask
        known_end = np.isfinite(self.catalogue.start_mjd) & np.isfinite(self.catalogue.end_mjd)
        first, last = (np.clip(mjd, _EARLIEST_MJD, _LATEST_MJD) for mjd in one.windows)
        for name, moments in (("start_datetimes", first), ("end_datetimes", last)):
            texts = [moment_text(float(mjd)) for mjd in moments]
            arguments[name] = {"datetime_list": texts} if len(texts) > 1 else {"datetime": texts[0]}
        arguments |= {"search_distance": distance, "return_obs_info": False, "over_run": not one.entirely_inside}
        timed = Places(places.ra_deg, places.dec_deg, places.names, places.radius_deg, first, last)
        mask = Positions(timed, distance=reach, entirely_inside=one.entirely_inside).mask(self.catalogue) & known_end
        return {"name": "filter_on_positions_at_time", "arguments": arguments}, mask

    def _search_distance(self, one: Positions) -> tuple[Any, Distance] | None:
        """The value of DAXA's argument, and the distance that it stands for."""
        reach = one.reach
        if reach.kind == "default":
            return None, default_distance(self.spec, self.instruments)
        if reach.kind == "fixed":
            # DAXA gives back the same number that it is given
            return reach.deg, reach
        if reach.kind == "positions" and one.places.radius_deg is not None:
            radii = one.places.radius_deg.tolist()
            return (radii if len(radii) > 1 else radii[0]), reach
        if reach.kind == "instruments" and self.spec.name in INSTRUMENT_COLUMN:
            return self._by_instrument(reach)
        return None

    def _by_instrument(self, reach: Distance) -> tuple[Any, Distance] | None:
        """Only of instruments that its table has, and all chosen ones must be there."""
        if reach == default_distance(self.spec, self.instruments):
            return None, reach
        listed = dict(reach.by_instrument)
        if not set(self.instruments) <= set(listed):
            return None
        present = {name: deg for name, deg in listed.items() if HasInstrument((name,)).mask(self.catalogue).any()}
        return (present, reach) if set(self.instruments) <= set(present) and not set(present) & set(GRATINGS) else None

    def _call_fields(self, one: Field) -> tuple[Operation, Mask] | None:
        mask = one.mask(self.catalogue)
        keys = np.asarray(self.catalogue.extra["field_key"])
        fields = sorted(set(keys[mask].tolist()) - {""})
        if not fields:
            return None
        self.chosen_fields = tuple(fields)
        return {"name": "filter_on_fields", "arguments": {"fields": fields}}, np.isin(keys, fields)

    def fields(self) -> list[str] | None:
        """DAXA's chosen fields: all there are unless some were chosen; None for missions without fields."""
        if self.spec.name != "erosita_calpv":
            return None
        keys = np.asarray(self.catalogue.extra["field_key"])[~self.catalogue.simulated]
        return list(self.chosen_fields) or sorted(set(keys.tolist()) - {""})

    def warn_of_lost_rows(self, selected: Mask) -> None:
        """Observations that DAXA will not have when it loads the file, and those that it will have besides."""
        lost = int(np.count_nonzero(selected & ~self.base))
        if lost:
            self.notes.append(
                f"DAXA will leave out {lost} of the selected observations when it loads the file: those that are not fit for "
                f"science or not of {', '.join(self.instruments)}."
            )
        if self.spec.name == "chandra" and set(self.instruments) & set(GRATINGS):
            self.notes.append(
                f"DAXA loads the file only if it is told the same instruments: Chandra(insts={list(self.instruments)!r}, "
                "save_file_path=…)."
            )
        twice = np.zeros(len(self.catalogue), bool)
        twice[self.catalogue.rows_of(self.catalogue.obs_id[selected].tolist())] = True
        others = int(np.count_nonzero(twice & ~selected & self.base))
        if others:
            self.notes.append(f"DAXA will select {others} more rows: they have the ObsID of a selected one.")
