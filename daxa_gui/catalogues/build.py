"""From columns to a catalogue: what follows from the mission's declaration is filled in, rows without a position are marked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.texts import TextColumn

NUMBERS = ("ra_deg", "dec_deg", "start_mjd", "end_mjd", "exposure_s", "public_mjd")
TEXTS = ("target", "target_type", "category", "instruments", "unusable_reason")
COMMON = ("obs_id", *NUMBERS, *TEXTS)
NO_POSITION = "no coordinates"
STRANGE_OBS_ID = "malformed ObsID"
SEPARATOR = " ; "  # between the reasons why a row is unusable


def catalogue_from(
    spec: MissionSpec, columns: Mapping[str, Any], *, provenance: str, version: str = "", simulated: bool = False
) -> Catalogue:
    """A catalogue of columns as the missions' `build` functions give them. No row is dropped.

    Parameters
    ----------
    columns : arrays of shape (n,): `obs_id`, `ra_deg`, `dec_deg` (ICRS) and whichever else of `COMMON` is known; the others are
        unknown. Any further ones are the mission's own.
    version : what changes when the content does; a checksum of the content if empty.
    simulated : whether these are observations of the practice sky.

    Rows whose position is missing or none on the sky get NaN for both coordinates and « no coordinates » among their reasons;
    ObsIDs of another form than the mission's « malformed ObsID ».

    Raises
    ------
    ValueError : the columns do not fit together, or a target type is none of the 21 common ones: a mistake in the program.
    """
    n = _rows(columns)
    numbers = {name: _numbers(columns.get(name), n) for name in NUMBERS}
    texts = {name: _texts(columns.get(name), n) for name in TEXTS}
    obs_id = np.asarray(columns["obs_id"], str)
    strange = sorted(set(texts["target_type"].values.tolist()) - {"", *TARGET_TYPES})
    if strange:
        raise ValueError(f"target types of {spec.name} that nobody knows: {strange[:5]}")
    _put_on_the_sky(numbers, texts)
    bad_ids = ~are_obs_ids(obs_id, spec)
    texts["unusable_reason"] = _with_reason(texts["unusable_reason"], bad_ids, STRANGE_OBS_ID)
    extra = {name: _own(column) for name, column in columns.items() if name not in COMMON}
    content = {"obs_id": obs_id, **numbers, **texts, **extra}
    return assembled(spec, content, provenance, version or checksum(content), simulated=simulated)


def assembled(
    spec: MissionSpec, columns: Mapping[str, Any], provenance: str, version: str, *, simulated: bool = False
) -> Catalogue:
    """A catalogue of columns that are all there and checked; search distances and footprints are the declaration's."""
    search_deg, fov_deg = radii(spec, columns["instruments"])
    return Catalogue(
        mission=spec.name,
        version=version,
        provenance=provenance,
        **{name: columns[name] for name in COMMON},
        search_radius_deg=search_deg,
        fov_radius_deg=fov_deg,
        simulated=np.full(len(columns["obs_id"]), simulated),
        extra=MappingProxyType({name: column for name, column in columns.items() if name not in COMMON}),
        **declared(spec),
    )


def declared(spec: MissionSpec) -> dict[str, Any]:
    """What a catalogue takes from the declaration: shapes of fields of view, columns with exposures, default instruments."""
    instruments = spec.instruments
    return {
        "footprints": MappingProxyType({one.name: one.shape for one in instruments}),
        "exposure_columns": MappingProxyType({one.name: one.exposure_column for one in instruments if one.exposure_column}),
        "default_instruments": spec.default_instruments,
    }


def radii(spec: MissionSpec, instruments: TextColumn) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Default search distance and field of view of each row in degrees, both of shape (n,): the largest among its own
    instruments that are default ones (all default ones where it has none of them)."""
    fields = {instrument.name: instrument.fov_radius_deg for instrument in spec.instruments}
    pairs = np.empty((len(instruments.values), 2))
    for row, text in enumerate(instruments.values.tolist()):
        names = [name for name in text.split() if name in spec.default_instruments] or list(spec.default_instruments)
        pairs[row] = max(spec.search_radius_deg(name) for name in names), max(fields[name] for name in names)
    return instruments.spread(pairs[:, 0].copy()), instruments.spread(pairs[:, 1].copy())


def checksum(columns: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that change when a value does, whatever the arrays' types and widths."""
    digest = hashlib.sha256()
    for name in sorted(columns):
        column = columns[name]
        digest.update(f"{name}\0{len(column)}\0".encode())
        if isinstance(column, TextColumn):
            column = column.astype(str)
        if column.dtype.kind == "U":
            digest.update("\0".join(column.tolist()).encode("utf-8", "surrogatepass"))
        elif column.dtype.kind == "f":
            digest.update(np.where(np.isnan(column), np.nan, column).astype("<f8").tobytes())  # one kind of NaN
        else:
            digest.update(column.astype("<i8").tobytes())
    return digest.hexdigest()[:16]


def _rows(columns: Mapping[str, Any]) -> int:
    missing = [name for name in ("obs_id", "ra_deg", "dec_deg") if name not in columns]
    if missing:
        raise ValueError(f"a catalogue without {missing}")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    return lengths["obs_id"]


def _numbers(column: Any, n: int) -> NDArray[np.float64]:
    return np.full(n, np.nan) if column is None else np.array(column, float)


def _texts(column: Any, n: int) -> TextColumn:
    return TextColumn.full(n) if column is None else TextColumn.of(column)


def _own(column: Any) -> Any:
    """A column of the mission's own."""
    if isinstance(column, TextColumn):
        return column
    array = np.asarray(column)
    if array.dtype.kind not in "biufU":
        raise ValueError(f"a column of type {array.dtype}")
    return TextColumn.of(array) if array.dtype.kind == "U" else array


def _put_on_the_sky(numbers: dict[str, NDArray[np.float64]], texts: dict[str, TextColumn]) -> None:
    ra, dec = numbers["ra_deg"], numbers["dec_deg"]
    off = ~((ra >= 0) & (ra <= 360) & (abs(dec) <= 90))  # comparisons with NaN are false
    for part in (ra, dec):
        part[off] = np.nan
    ra[ra == 360.0] = 0.0
    texts["unusable_reason"] = _with_reason(texts["unusable_reason"], off, NO_POSITION)


def _with_reason(reasons: TextColumn, mask: NDArray[np.bool_], reason: str) -> TextColumn:
    """Each row of the mask has this among its reasons, once."""
    if not mask.any():
        return reasons
    having = [reason in text.split(SEPARATOR) for text in reasons.values.tolist()]
    missing = mask & ~reasons.spread(np.array(having, bool))
    texts = np.asarray(reasons).astype(object)
    texts[missing] = [f"{text}{SEPARATOR}{reason}" if text else reason for text in texts[missing]]
    return TextColumn.of(texts.tolist())


def are_obs_ids(obs_ids: NDArray[np.str_], spec: MissionSpec) -> NDArray[np.bool_]:
    """Which texts have the form of the mission's ObsIDs, shape (n,)."""
    joined = "\n".join((*obs_ids.tolist(), ""))  # one search for all: mostly all have it
    if joined.count("\n") == len(obs_ids) and re.fullmatch(rf"(?:(?:{spec.obs_id_pattern})\n)*", joined):
        return np.ones(len(obs_ids), bool)
    return np.fromiter((spec.is_obs_id(text) for text in obs_ids.tolist()), bool, len(obs_ids))
