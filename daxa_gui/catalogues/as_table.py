"""Catalogues as tables for files, and back: own tables come back exactly, a service's tables are read as when it is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.catalogues.build import NUMBERS, SEPARATOR, STRANGE_OBS_ID, TEXTS, are_obs_ids, catalogue_from, checksum
from daxa_gui.catalogues.cells import Cells
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import Certificate
from daxa_gui.core.errors import FileError
from daxa_gui.core.mission import MissionSpec, TapSource
from daxa_gui.core.registry import resolve
from daxa_gui.core.table import DataTable
from daxa_gui.core.targets import TARGET_TYPES

KIND = "DAXA GUI catalogue 1"  # in meta["content"]
NO_DATE, SIMULATED = "public_date_unknown", "simulated"
DESCRIPTIONS: Mapping[str, tuple[str, str]] = {
    "obs_id": ("", "Identifier of the observation."),
    "ra_deg": ("deg", "Right ascension of the pointing, ICRS."),
    "dec_deg": ("deg", "Declination of the pointing, ICRS."),
    "start_mjd": ("d", "Start of the observation, modified Julian date, UTC."),
    "end_mjd": ("d", "End of the observation, modified Julian date, UTC."),
    "exposure_s": ("s", "Exposure as the archive states it."),
    "target": ("", "Name of the target as the archive has it."),
    "target_type": ("", "Type of the target, one of the 21 common codes."),
    "category": ("", "Type of the target in the mission's own words."),
    "instruments": ("", "Instruments with data, separated by blanks."),
    "public_mjd": ("d", "Date from which the data are public, modified Julian date, UTC; unknown where nothing restricts them."),
    NO_DATE: ("", "Whether the data are restricted and no release date is known."),
    "unusable_reason": ("", "Why the observation is not fit for science; empty if it is; several reasons are separated by ';'."),
    SIMULATED: ("", "Whether the observation belongs to the practice sky and never happened."),
}
_UNITS = {"_deg": "deg", "_arcmin": "arcmin", "_arcsec": "arcsec", "_mjd": "d", "_s": "s", "_kev": "keV"}
_TIMES = {"start_mjd": "start_utc", "end_mjd": "end_utc", "public_mjd": "public_utc"}


def to_table(catalogue: Catalogue, spec: MissionSpec, certificate: Certificate | None = None) -> DataTable:
    """All rows and columns of a catalogue, with units, descriptions, provenance and certificate.

    The column `public_date_unknown` is true where `public_mjd` is infinite; `simulated` is there if any row is. What follows
    from the mission's declaration (search distances) is left out.
    """
    columns: dict[str, Any] = {"obs_id": catalogue.obs_id}
    for name in (*NUMBERS, *TEXTS):
        columns[name] = np.asarray(getattr(catalogue, name))
    unknown = np.isposinf(catalogue.public_mjd)
    columns["public_mjd"] = np.where(unknown, np.nan, catalogue.public_mjd)
    columns[NO_DATE] = unknown
    if catalogue.simulated.any():
        columns[SIMULATED] = catalogue.simulated
    ordered = {name: columns[name] for name in DESCRIPTIONS if name in columns}
    units = {name: DESCRIPTIONS[name][0] for name in ordered if DESCRIPTIONS[name][0]}
    descriptions = {name: DESCRIPTIONS[name][1] for name in ordered}
    for name, column in catalogue.extra.items():
        shown = name if name not in DESCRIPTIONS else f"own_{name}"
        ordered[shown] = np.asarray(column)
        unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
        if unit and ordered[shown].dtype.kind in "if":
            units[shown] = unit
        if name in spec.column_labels:
            descriptions[shown] = f"{spec.column_labels[name]}."
    return DataTable(ordered, units, descriptions, _meta(catalogue, spec, certificate, ordered))


def _meta(catalogue: Catalogue, spec: MissionSpec, certificate: Certificate | None, columns: Mapping[str, Any]) -> dict[str, str]:
    meta = {
        "content": KIND,
        "mission": spec.name,
        "mission_label": spec.label,
        "version": catalogue.version,
        "provenance": catalogue.provenance,
    }
    if certificate is not None:
        meta["checksum"] = checksum(columns)
        meta["certificate"] = json.dumps(certificate.to_json(), separators=(",", ":"))
    if spec.acknowledgement:
        meta["acknowledgement"] = spec.acknowledgement
    return meta


def mission_of(table: DataTable) -> str:
    """Name of the mission whose catalogue the table says it is; empty if it does not say."""
    return table.meta.get("mission", "") if table.meta.get("content") == KIND else ""


def certificate_of(table: DataTable) -> Certificate | None:
    """The certificate that travelled with an exported catalogue; None if there is none, if it is damaged, or if a value of the
    table is not what it was when the table was written: what was received whole may then be so no longer."""
    try:
        document = json.loads(table.meta["certificate"])
        certificate = Certificate.from_json(document)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    if certificate.mission != table.meta.get("mission") or table.meta.get("checksum") != checksum(table.columns):
        return None
    return certificate


def from_table(table: DataTable, spec: MissionSpec, source: str = "The table") -> Catalogue:
    """The catalogue that a table holds. Nothing is dropped but simulated observations: the practice sky makes its own.

    Two kinds of tables are understood, whatever the case of the names: with this program's columns (`obs_id`, `ra_deg` and
    `dec_deg` are needed, times may also be `start_utc` and so on), and with those of the service's table, from which the
    mission's own function makes a catalogue as if they came from the service.

    Parameters
    ----------
    source : how the messages call the table, for example its file.

    Raises
    ------
    FileError : the table is another mission's, has none of the two sets of columns, or a row is wrong; the message names the
        row, counted from 1.
    """
    said = mission_of(table)
    if said and said != spec.name:
        raise FileError(f"{source} is a catalogue of {table.meta.get('mission_label', said)}, not of {spec.label}.")
    if table.meta.get("QUERY_STATUS") == "OVERFLOW":
        raise FileError(f"{source} holds a part of a table: the service cut it at its limit.", "Ask for fewer rows at a time.")
    lowered = {name.strip().lower(): column for name, column in table.columns.items()}
    if len(lowered) < len(table.columns):
        raise FileError(f"{source} has columns whose names differ in capitals only.", "Rename one of them.")
    cells = Cells(lowered, source)
    if {"obs_id", "ra_deg", "dec_deg"} <= set(lowered):
        own = {name.lower(): name for name in table.columns}
        columns, simulated = _own_columns(cells, spec, own)
    else:
        columns, simulated = _service_columns(cells, spec), np.zeros(len(table), bool)
    _check(cells, columns, spec)
    columns = {name: column[~simulated] for name, column in columns.items()}
    provenance = table.meta.get("provenance", "") if said else ""
    return catalogue_from(spec, columns, provenance=provenance or f"Imported from {source}.")


def _own_columns(cells: Cells, spec: MissionSpec, names: Mapping[str, str]) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    columns: dict[str, Any] = {"obs_id": _obs_ids(cells, spec)}
    used = {"obs_id", NO_DATE, SIMULATED}
    for name in NUMBERS:
        if name in cells:
            columns[name] = cells.numbers(name)
            used.add(name)
        elif _TIMES.get(name, "") in cells:
            columns[name] = cells.times(_TIMES[name])
            used.add(_TIMES[name])
    for name in TEXTS:
        if name in cells:
            columns[name] = cells.texts(name)
            used.add(name)
    if NO_DATE in cells:
        dates = columns.get("public_mjd", np.full(len(cells), np.nan))
        columns["public_mjd"] = np.where(cells.truths(NO_DATE), np.inf, dates)
    columns |= {names[name].removeprefix("own_"): column for name, column in cells.columns.items() if name not in used}
    return columns, cells.truths(SIMULATED) if SIMULATED in cells else np.zeros(len(cells), bool)


def _obs_ids(cells: Cells, spec: MissionSpec) -> NDArray[np.str_]:
    """As texts; other programs make numbers of them and lose the zeros in front."""
    texts = cells.texts("obs_id")
    if cells.columns["obs_id"].dtype.kind not in "if" or not spec.obs_id_example.isdigit():
        return texts

    def restored(text: str) -> str:
        full = text.zfill(len(spec.obs_id_example))
        return full if spec.is_obs_id(full) and not spec.is_obs_id(text) else text

    return np.array([restored(text) for text in texts.tolist()], str)


def _service_columns(cells: Cells, spec: MissionSpec) -> dict[str, Any]:
    lacking: dict[str, list[str]] = {}
    for source in spec.sources:
        needed = set(source.columns) - {name for name, _ in source.optional}
        lacking[source.table] = [name for name in source.columns if name in needed and name not in cells]
        if not lacking[source.table]:
            return _built(cells, source)
    own = "It needs the columns obs_id, ra_deg and dec_deg"
    if not lacking:
        raise FileError(f"{cells.source} is not a catalogue of {spec.label}.", f"{own}.")
    nearest = min(lacking, key=lambda name: len(lacking[name]))
    missing = ", ".join(lacking[nearest][:6])
    raise FileError(f"{cells.source} is not a catalogue of {spec.label}.", f"{own}, or those of {nearest} ({missing} missing).")


def _built(cells: Cells, source: TapSource) -> dict[str, Any]:
    for name in ("ra", "dec"):
        if name in cells:
            cells.numbers(name, "Have the coordinates written as decimal degrees.")  # only whether they are numbers
    kinds = dict(source.optional)
    raw = DataTable(
        {
            name: cells.columns[name] if name in cells else np.full(len(cells), "" if kinds[name] == "text" else np.nan)
            for name in source.columns
        }
    )
    columns: dict[str, Any] = resolve(source.build)(raw)
    return columns


def _check(cells: Cells, columns: Mapping[str, Any], spec: MissionSpec) -> None:
    """Comparisons with NaN are false: what is not known is not wrong."""
    ids, reasons = columns["obs_id"], columns.get("unusable_reason")
    known = are_obs_ids(ids, spec)
    if reasons is not None and not known.all():  # an exported catalogue may have some, and says so
        known |= np.array([STRANGE_OBS_ID in text.split(SEPARATOR) for text in reasons.tolist()], bool)
    cells.check(~known, lambda n: f"« {ids[n]} » is not an ObsID of {spec.label} (one is {spec.obs_id_example})")
    ra, dec = columns["ra_deg"], columns["dec_deg"]
    cells.check((ra < 0) | (ra > 360), lambda n: f"the right ascension {ra[n]:g} is outside 0 to 360 degrees")
    cells.check(abs(dec) > 90, lambda n: f"the declination {dec[n]:g} is outside -90 to 90 degrees")
    if "exposure_s" in columns:
        exposure = columns["exposure_s"]
        cells.check(exposure < 0, lambda n: f"the exposure {exposure[n]:g} s is negative")
    if "start_mjd" in columns and "end_mjd" in columns:
        cells.check(columns["end_mjd"] < columns["start_mjd"], lambda n: "the observation ends before it starts")
    _check_words(cells, columns, spec)


def _check_words(cells: Cells, columns: Mapping[str, Any], spec: MissionSpec) -> None:
    if "target_type" in columns:
        types = columns["target_type"]
        cells.check(~np.isin(types, ["", *TARGET_TYPES]), lambda n: f"there is no target type « {types[n]} »")
    if "instruments" in columns:
        texts = columns["instruments"].tolist()
        known = {instrument.name for instrument in spec.instruments}
        strange = {text: sorted(set(text.split()) - known) for text in set(texts)}
        wrong = np.fromiter((bool(strange[text]) for text in texts), bool, len(texts))
        cells.check(wrong, lambda n: f"{spec.label} has no instrument « {strange[texts[n]][0]} »")
