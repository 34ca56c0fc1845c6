"""Observation tables: from the program's own CSV form to Catalogues.

The static tables in resources/catalogues have this form (the README there describes it), and the practice sky writes it."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.catalogues.build import declared, radii
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.texts import TextColumn
from daxa_gui.core.times import isos_to_mjd

COLUMNS = (
    "obs_id", "ra_deg", "dec_deg", "start_utc", "end_utc", "exposure_s",
    "target", "target_type", "instruments", "public_utc", "unusable_reason",
)  # fmt: skip
_INTEGER = r"-?(?:0|[1-9][0-9]{0,17})"  # no leading zeros: those are names; fits into 64 bits
_DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = rf"(?:{_DECIMAL})?"
_EXTRA_NUMBER = rf"(?:{_INTEGER}|-?(?:0|[1-9][0-9]*)\.[0-9]*(?:[eE][+-]?[0-9]+)?|-?[0-9](?:\.[0-9]*)?[eE][+-]?[0-9]+)?"


@dataclass(frozen=True)
class _Table:
    """The cells of a file. `lines` are the line numbers of the rows."""

    path: Path
    version: str
    columns: dict[str, Sequence[str]]
    lines: Sequence[int]

    def __getitem__(self, name: str) -> Sequence[str]:
        return self.columns[name]

    def damaged(self, row: int, why: str) -> FileError:
        return FileError(
            f"{self.path}, line {self.lines[row]}: {why}.", "The observation table is damaged; install it or make it again."
        )

    def check(self, wrong: NDArray[np.bool_] | Iterable[bool], why: Callable[[int], str]) -> None:
        """Complain about the first row for which `wrong` is true."""
        rows = np.flatnonzero(np.fromiter(wrong, bool) if not isinstance(wrong, np.ndarray) else wrong)
        if len(rows):
            raise self.damaged(int(rows[0]), why(int(rows[0])))


def read_table(path: Path, spec: MissionSpec, *, simulated: bool = False) -> Catalogue:
    """Read the observation table of one mission.

    Parameters
    ----------
    simulated : whether these are observations of the practice sky.

    Raises
    ------
    FileError : the file cannot be read, or a row is damaged; the message names the line.
    """
    table = _cells(path)
    numbers = {name: _numbers(table, name) for name in ("ra_deg", "dec_deg", "exposure_s")}
    times = {name: _times(table, name) for name in ("start_utc", "end_utc", "public_utc")}
    _check_rows(table, spec, numbers, times)
    instruments = TextColumn.of(np.array(table["instruments"], str))
    search_deg, fov_deg = radii(spec, instruments)
    n_rows = len(table.lines)
    return Catalogue(
        mission=spec.name,
        version=table.version,
        provenance=_provenance(spec, path, simulated),
        obs_id=np.array(table["obs_id"], str),
        ra_deg=numbers["ra_deg"] % 360.0,
        dec_deg=numbers["dec_deg"],
        start_mjd=times["start_utc"],
        end_mjd=times["end_utc"],
        exposure_s=numbers["exposure_s"],
        target=TextColumn.of(np.array(table["target"], str)),
        target_type=TextColumn.of(np.array(table["target_type"], str)),
        instruments=instruments,
        public_mjd=times["public_utc"],
        unusable_reason=TextColumn.of(np.array(table["unusable_reason"], str)),
        search_radius_deg=search_deg,
        fov_radius_deg=fov_deg,
        simulated=np.full(n_rows, simulated),
        extra=MappingProxyType({name: _typed(table[name]) for name in table.columns if name not in (*COLUMNS, "category")}),
        category=TextColumn.of(np.array(table.columns.get("category", [""] * n_rows), str)),
        **declared(spec),
    )


def empty_catalogue(spec: MissionSpec) -> Catalogue:
    """No observations: what is known of a mission whose table was never fetched."""
    numbers, ids, texts = np.empty(0), np.empty(0, "U1"), TextColumn.full(0)
    return Catalogue(
        mission=spec.name, version="empty", provenance=f"No observation table of {spec.label} was fetched yet.",
        obs_id=ids, ra_deg=numbers, dec_deg=numbers, start_mjd=numbers, end_mjd=numbers, exposure_s=numbers, target=texts,
        target_type=texts, instruments=texts, public_mjd=numbers, unusable_reason=texts, search_radius_deg=numbers,
        fov_radius_deg=numbers, simulated=np.empty(0, bool),
        **declared(spec),
    )  # fmt: skip


def merge(static: Catalogue, practice: Catalogue) -> Catalogue:
    """The rows of both, those of `static` first. A column that only one of them has is unknown (empty, NaN) for the other.

    Raises
    ------
    InputError : the two belong to different missions, or have an ObsID in common.
    """
    if static.mission != practice.mission:
        raise InputError(f"Tables of {static.mission} and {practice.mission} cannot be joined.")
    if not len(static) or not len(practice):
        return static if len(static) else practice
    common = static.rows_of(practice.obs_id.tolist())
    if len(common):
        raise InputError(f"ObsID {static.obs_id[common[0]]} is in both tables of {static.mission}.")
    names = (
        "obs_id", "ra_deg", "dec_deg", "start_mjd", "end_mjd", "exposure_s", "target", "target_type", "instruments", "public_mjd",
        "unusable_reason", "category", "search_radius_deg", "fov_radius_deg", "simulated",
    )  # fmt: skip
    columns: dict[str, Any] = {name: _joined(getattr(static, name), getattr(practice, name), (0, 0)) for name in names}
    extra_names = dict.fromkeys((*static.extra, *practice.extra))
    sizes = (len(static), len(practice))
    return Catalogue(
        mission=static.mission,
        version=f"{static.version}+{practice.version}",
        provenance=f"{static.provenance} {practice.provenance}",
        **columns,
        footprints=static.footprints,
        exposure_columns=static.exposure_columns,
        default_instruments=static.default_instruments,
        extra=MappingProxyType({name: _joined(static.extra.get(name), practice.extra.get(name), sizes) for name in extra_names}),
    )


def _provenance(spec: MissionSpec, path: Path, simulated: bool) -> str:
    if simulated:
        return "SIMULATED observations of the practice sky."
    return spec.table.provenance if spec.table is not None else f"Read from {path.name}."


def _cells(path: Path) -> _Table:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise FileError(f"The observation table {path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise FileError(f"The observation table {path} is not UTF-8 text (byte {error.start}).") from error
    lines = text.removesuffix("\n").split("\n") if text else []  # not splitlines(), which also breaks lines inside of texts
    n_comments = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    reader = csv.reader(lines[n_comments:], strict=True)
    numbers, rows = [], []
    try:
        header = next(reader, [])
        for row in reader:
            numbers.append(n_comments + reader.line_num)
            rows.append(row)
    except csv.Error as error:
        raise FileError(f"{path}, line {n_comments + reader.line_num}: {error}.") from error
    _check_header(path, header)
    table = _Table(path, hashlib.sha256(content).hexdigest()[:12], {}, numbers)
    table.check((len(row) != len(header) for row in rows), lambda n: f"{len(rows[n])} cells where {len(header)} were expected")
    columns = zip(*rows, strict=True) if rows else ((),) * len(header)
    table.columns.update(zip(header, columns, strict=True))
    return table


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise FileError(f"The observation table {path} has no column {missing[0]}.", "Is it one of this program's own tables?")
    doubled = sorted({name for name in header if header.count(name) > 1 or not name})
    if doubled:
        raise FileError(f"The observation table {path} has two columns « {doubled[0]} », or one without a name.")


def _numbers(table: _Table, name: str) -> NDArray[np.float64]:
    texts = table[name]
    if not _all_match(_NUMBER, texts):
        table.check((re.fullmatch(_NUMBER, text) is None for text in texts), lambda n: f"{name} is « {texts[n]} », not a number")
    return np.array([float(text) if text else np.nan for text in texts])


def _all_match(pattern: str, texts: Sequence[str]) -> bool:
    """Whether the pattern, which matches no line break, matches each text wholly. One search for all: this must be fast."""
    joined = "\n".join((*texts, ""))
    return joined.count("\n") == len(texts) and re.fullmatch(rf"(?:(?:{pattern})\n)*", joined, re.ASCII) is not None


def _times(table: _Table, name: str) -> NDArray[np.float64]:
    texts = table[name]
    try:
        return isos_to_mjd(texts)
    except InputError:
        for row, text in enumerate(texts):
            try:
                isos_to_mjd([text])
            except InputError as error:
                raise table.damaged(row, f"{name}: {error.message.rstrip('.')}") from error
        raise


def _check_rows(
    table: _Table, spec: MissionSpec, numbers: dict[str, NDArray[np.float64]], times: dict[str, NDArray[np.float64]]
) -> None:
    ids = table["obs_id"]
    if not _all_match(spec.obs_id_pattern, ids):
        table.check((not spec.is_obs_id(text) for text in ids), lambda n: f"« {ids[n]} » is not an ObsID of {spec.label}")
    first = {text: row for row, text in reversed(list(enumerate(ids)))}
    table.check((first[text] != row for row, text in enumerate(ids)), lambda n: f"ObsID {ids[n]} for the second time")
    # Comparisons with NaN are false: what is not known is not wrong.
    ra, dec, exposure = numbers["ra_deg"], numbers["dec_deg"], numbers["exposure_s"]
    table.check((ra < 0) | (ra > 360), lambda n: f"the right ascension {ra[n]:g} is outside 0 to 360 degrees")
    table.check(abs(dec) > 90, lambda n: f"the declination {dec[n]:g} is outside -90 to 90 degrees")
    table.check(exposure < 0, lambda n: f"the exposure {exposure[n]:g} s is negative")
    table.check(times["end_utc"] < times["start_utc"], lambda n: "the observation ends before it starts")
    kinds = table["target_type"]
    table.check((kind not in TARGET_TYPES and kind != "" for kind in kinds), lambda n: f"there is no target type « {kinds[n]} »")
    known = {instrument.name for instrument in spec.instruments}
    strange = {text: sorted(set(text.split(" ")) - known) for text in set(table["instruments"]) if text}
    table.check(
        (bool(strange.get(text)) for text in table["instruments"]),
        lambda n: f"{spec.label} has no instrument « {strange[table['instruments'][n]][0]} »",
    )


def _typed(texts: Sequence[str]) -> NDArray[Any]:
    """A column as what its cells look like: true/false, integers, numbers (empty cells NaN), or texts (also names like 007)."""
    distinct = list(set(texts))
    if distinct and set(distinct) <= {"true", "false"}:
        return np.array([text == "true" for text in texts], bool)
    if not distinct or distinct == [""] or not _all_match(_EXTRA_NUMBER, distinct):
        return np.array(texts, str)
    if "" not in distinct and _all_match(_INTEGER, distinct):
        return np.array(list(map(int, texts)), np.int64)
    return np.array([float(text) if text else np.nan for text in texts])


def _joined(first: Any, second: Any, sizes: tuple[int, int]) -> Any:
    """Both parts of a column one after the other, in the simplest type that both fit into."""
    known = [part for part in (first, second) if part is not None]
    if any(isinstance(part, TextColumn) for part in known):
        return _joined_texts(*(_as_texts(part, n) for part, n in zip((first, second), sizes, strict=True)))
    if len(known) == 2 and known[0].dtype.kind == known[1].dtype.kind:
        return np.concatenate(known)
    parts = [np.full(n, np.nan) if part is None else part.astype(float) for part, n in zip((first, second), sizes, strict=True)]
    return np.concatenate(parts)


def _as_texts(part: Any, n: int) -> TextColumn:
    return TextColumn.full(n) if part is None else TextColumn.of(part if isinstance(part, TextColumn) else part.astype(str))


def _joined_texts(first: TextColumn, second: TextColumn) -> TextColumn:
    """By codes: joining a few simulated rows to many real ones must not touch the texts of those."""
    code_of = {text: code for code, text in enumerate(first.values.tolist())}
    codes = np.array([code_of.setdefault(text, len(code_of)) for text in second.values.tolist()], np.int64)
    joined = np.concatenate([first.codes.astype(np.int64), second.spread(codes)])
    return TextColumn(joined.astype(np.min_scalar_type(max(len(code_of) - 1, 0))), np.array(list(code_of), str))
