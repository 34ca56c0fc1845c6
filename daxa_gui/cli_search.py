"""From command-line options to filters: the part of the command line that `find` and `fetch` share."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from daxa_gui.cli_output import say, warn
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import (
    Box,
    Category,
    Cone,
    Exposure,
    Field,
    Filter,
    HasInstrument,
    ObsIds,
    Polygon,
    Positions,
    Public,
    TargetType,
    TimeRange,
    Usable,
    parse_obs_ids,
)
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.notations import parse
from daxa_gui.core.places import Places
from daxa_gui.core.sample import Sample, SampleColumns
from daxa_gui.core.sky import SkyPosition, parse_position
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.session import Session

_UNITS_DEG = {"deg": 1.0, "°": 1.0, "arcmin": 1 / 60, "′": 1 / 60, "'": 1 / 60, "arcsec": 1 / 3600, "″": 1 / 3600, '"': 1 / 3600}
_UNITS_S = {"": 1.0, "s": 1.0, "ks": 1000.0, "h": 3600.0, "d": 86400.0}
_FRAMES = ("icrs", "fk5", "fk4", "galactic", "ecliptic")


def parse_angle_deg(text: str) -> float:
    """« 30arcmin », « 0.5 deg », « 12′ » or a plain number of degrees; positive."""
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?\d+)?)\s*([a-z°′″'\"]*)\s*", text)
    if match is None or (match[2] and match[2] not in _UNITS_DEG):
        raise InputError(f"« {text} » is not an angle.", "Write for example 30arcmin, 0.5deg or 12arcsec.")
    value = float(match[1]) * _UNITS_DEG.get(match[2], 1.0)
    if not 0.0 < value <= 180.0:
        raise InputError(f"The angle « {text} » is not between 0 and 180 degrees.")
    return value


def parse_duration_s(text: str) -> float:
    """« 10ks », « 3 h », « 5000 » (seconds)."""
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?\d+)?)\s*([a-z]*)\s*", text)
    if match is None or match[2] not in _UNITS_S:
        raise InputError(f"« {text} » is not a duration.", "Write for example 5000s, 10ks or 3h.")
    return float(match[1]) * _UNITS_S[match[2]]


def parse_band_kev(text: str) -> tuple[float, float]:
    """« 0.5-2.0 » in keV."""
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*[-–:]\s*(\d*\.?\d+)\s*(?:keV)?\s*", text)
    if match is None or not float(match[1]) < float(match[2]):
        raise InputError(f"« {text} » is not an energy band.", "Write for example 0.5-2.0 (keV, the lower energy first).")
    return float(match[1]), float(match[2])


def parse_reach(text: str | None, missions: Sequence[MissionSpec] = ()) -> Distance:
    """« 30arcmin » for all, « XRT=12arcmin,BAT=50deg » by instrument, « footprint » (of the default instruments) or
    « footprint:XRT,BAT » (of these; « = » serves as well), « own » (each position's own radius); None: each observation's own
    default distance. Instruments are those of the missions, by name or alias; they are not looked at if no missions are given."""
    if text is None:
        return Distance()
    if (asked := re.fullmatch(r"footprint\s*(?:([:=])(.*))?", text.strip())) is not None:
        names = asked[2] or ""
        if asked[1] and not _words(names):
            raise InputError(f"« {text} » names no instrument.", "Write for example footprint:XRT,UVOT.")
        return Distance.footprint(*instruments_of(missions, _words(names)))
    if text.strip() == "own":
        return Distance.of_positions()
    if "=" not in text:
        return Distance.fixed(parse_angle_deg(text))
    pairs = {}
    for part in text.split(","):
        name, equals, angle = part.partition("=")
        if not equals or not name.strip():
            raise InputError(
                f"« {part.strip()} » is not an instrument with its distance.", "Write for example XRT=12arcmin,BAT=50deg."
            )
        pairs.update(dict.fromkeys(instruments_of(missions, [name.strip()]), parse_angle_deg(angle)))
    return Distance.of_instruments(pairs)


def instruments_of(missions: Sequence[MissionSpec], names: Sequence[str]) -> list[str]:
    """The instruments that the names or aliases mean in the missions (an alias may mean different ones in different missions).

    Raises
    ------
    InputError : no mission has an instrument of that name.
    """
    if not missions:
        return list(names)
    by_alias: dict[str, dict[str, None]] = {}
    for spec in missions:
        for instrument in spec.instruments:
            for alias in (instrument.name, *instrument.aliases):
                by_alias.setdefault(alias.casefold(), {})[instrument.name] = None
    found: dict[str, None] = {}
    for name in names:
        if name.casefold() not in by_alias:
            known = dict.fromkeys(instrument.name for spec in missions for instrument in spec.instruments)
            raise InputError(f"None of the missions searched has an instrument « {name} ».", f"They have {', '.join(known)}.")
        found |= by_alias[name.casefold()]
    return list(found)


def chosen_missions(session: Session, options: argparse.Namespace) -> list[str]:
    """Those that are named, each once; all if none is."""
    known = [spec.name for spec in session.missions()]
    for name in options.mission or []:
        if name not in known:
            raise InputError(f"There is no mission « {name} » to search.", f"Choose from: {', '.join(known)}.")
    return list(dict.fromkeys(options.mission or known))


def _specs(session: Session, options: argparse.Namespace) -> list[MissionSpec]:
    names = chosen_missions(session, options)
    return [spec for spec in session.missions() if spec.name in names]


def reach_from(options: argparse.Namespace, session: Session) -> Distance:
    """How near --radius says that an observation must be."""
    return parse_reach(options.radius, _specs(session, options))


def missing_catalogues(session: Session, names: Sequence[str]) -> dict[str, str]:
    """The missions of which no observation is known here, and why if there should be some."""
    return {name: session.catalogue_status(name).problem for name in names if not len(session.catalogue(name))}


def tell_missing(session: Session, names: Sequence[str]) -> None:
    """Nothing found because nothing is known is not the same as nothing there."""
    missing = missing_catalogues(session, names)
    if missing:
        say(f"No catalogue here of: {', '.join(missing)}; « daxa-gui catalogue update {next(iter(missing))} » fetches one.")
    for name, problem in missing.items():
        if problem:
            warn(f"{name}: {problem}")


def missing_obs_ids(options: argparse.Namespace, session: Session, names: Sequence[str]) -> list[str]:
    """The ObsIDs that were asked for and that no catalogue has."""
    if options.obs_ids is None:
        return []
    wanted = parse_obs_ids(options.obs_ids)
    known: set[str] = set()
    for name in names:
        catalogue = session.catalogue(name)
        known.update(catalogue.obs_id[catalogue.rows_of(wanted)].tolist())
    return [obs_id for obs_id in wanted if obs_id not in known]


def _obs_ids(options: argparse.Namespace, session: Session) -> ObsIds:
    """Raises InputError for what is neither known nor looks like an ObsID of a mission that is searched."""
    specs = _specs(session, options)
    unknown = missing_obs_ids(options, session, [spec.name for spec in specs])
    malformed = [text for text in unknown if not any(spec.is_obs_id(text) for spec in specs)]
    if malformed:
        examples = ", ".join(f"{spec.obs_id_example} ({spec.label})" for spec in specs[:4])
        raise InputError(
            f"« {' '.join(malformed[:5])} » is no ObsID of a mission that is searched.", f"They look like this: {examples}."
        )
    return ObsIds(parse_obs_ids(options.obs_ids))


def _check_each(
    texts: Sequence[str],
    kind: type[Field] | type[Category],
    column: str,
    what: str,
    options: argparse.Namespace,
    session: Session,
) -> None:
    """Raises InputError for a text that no observation of the missions has, though some have such texts."""
    catalogues = [session.catalogue(spec.name) for spec in _specs(session, options)]
    columns = [table.category if column == "category" else table.extra.get(column, ()) for table in catalogues]
    known = sorted({str(value) for values in columns for value in set(values)} - {""})
    for text in texts:
        if known and not any(kind((text,)).mask(table).any() for table in catalogues):
            raise InputError(
                f"There is no {what} « {text} ».", f"Known ones: {', '.join(known[:40])}{' …' if len(known) > 40 else ''}."
            )


def add_search_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--mission", action="append", metavar="NAME", help="search this mission only (may be repeated)")
    add(
        "--near",
        metavar="POSITION",
        help='"83.63 22.01", "05 34 31.9 +22 00 52", "l=184.56 b=-5.78" and the like; ICRS unless it says so',
    )
    add("--name", help="object name; names that hold their position (1RXS J185635.4-375433) need no network")
    add("--sample", metavar="FILE", help="positions from a CSV, ECSV, VOTable or FITS file")
    add("--columns", metavar="PAIRS", help="what the sample's columns mean, for example ra=RAJ2000,dec=DEJ2000,time=discovered,"
        "frame=galactic (names: ra dec name time start end radius frame radius_unit)")  # fmt: skip
    add("--days", nargs=2, type=float, metavar=("BEFORE", "AFTER"), help="window around the sample's times")
    add(
        "--radius",
        metavar="DISTANCE",
        help="30arcmin for all, XRT=12arcmin,BAT=50deg by instrument, « footprint » for the shapes of the fields of view of the"
        " default instruments (footprint:XRT,UVOT: of these), « own » for the sample's radii (default: each observation's own"
        " distance)",
    )
    add("--rectangle", nargs=4, type=float, metavar=("LON1", "LAT1", "LON2", "LAT2"),
        help="two opposite corners in degrees, in any order; between them the shorter way round in RA"
        " (0 and 360: the whole circle)")  # fmt: skip
    add("--frame", choices=_FRAMES, default=None, help="of the rectangle (default: icrs)")
    add("--polygon", metavar="CORNERS", help='ICRS corners joined by great circles, "10 -5, 20 -5, 15 5"')
    add("--region", metavar="FILE", help="inside the shapes of a DS9 region file")
    add("--moc", metavar="FILE", help="inside a coverage map (MOC)")
    add("--from", dest="start", metavar="UTC", help="observed after this time, 2019-11-01[T12:00:00]")
    add("--to", dest="end", metavar="UTC", help="observed before this time")
    add("--inside", action="store_true", help="entirely inside the time window (default: any overlap)")
    add("--obs-ids", metavar="IDS", help="ObsIDs in any separator")
    add("--target-type", metavar="CODES", help="common target types, for example GCL,AGN")
    add("--category", action="append", metavar="TEXT", help="the mission's own category of targets (may be repeated)")
    add("--instrument", metavar="NAMES", help="one of these instruments was used, for example PN,M1 (with « + » all: PN+M1)")
    add("--min-exposure", metavar="DURATION", help="for example 10ks")
    add("--max-exposure", metavar="DURATION", help="for example 100ks")
    add("--public", nargs="?", const="now", metavar="UTC", help="public now, or at some time")
    add(
        "--field",
        action="append",
        metavar="NAME",
        help="field of the eROSITA CalPV programme, or a type of fields (may be repeated)",
    )
    add("--usable", action="store_true", help="only observations fit for science")
    add("--daxa-state", metavar="FILE", help="the filters of a mission save file of DAXA")


_SEARCHES = (
    "mission", "near", "name", "sample", "rectangle", "polygon", "region", "moc", "start", "end", "obs_ids", "target_type",
    "category", "instrument", "min_exposure", "max_exposure", "public", "field", "usable", "daxa_state",
)  # fmt: skip


def asks_for_something(options: argparse.Namespace) -> bool:
    """Whether any option says which observations are wanted."""
    return any(getattr(options, name) not in (None, False) for name in _SEARCHES)


def stack_from(options: argparse.Namespace, session: Session, *, with_sample: bool = True) -> FilterStack:
    """The filters that the options ask for, all to be met. An option that is there but empty is an error, not no filter."""
    _check_usage(options)
    stack = FilterStack()
    if options.daxa_state is not None:
        state = session.read_daxa_state(Path(options.daxa_state))
        for row in state.stack.rows:
            stack = stack.add(row.filter, missions=(state.mission,))
    for item in (*_places(options, session, with_sample), *_regions(options, session), *_properties(options, session)):
        stack = stack.add(item)
    return stack


def _places(options: argparse.Namespace, session: Session, with_sample: bool) -> list[Filter]:
    reach = reach_from(options, session)
    found: list[Filter] = []
    if options.near is not None:
        parsed = parse(options.near)
        if parsed.note:
            warn(parsed.note)
        found.append(_around(parsed.position, reach))
    if options.name is not None:
        found.append(_around(session.resolve_name(options.name), reach))
    if options.sample is not None and with_sample:
        sample = sample_from(options, session)
        found.append(Positions(sample.places, label=sample.label, distance=reach, entirely_inside=options.inside))
    return found


def _around(position: SkyPosition, reach: Distance) -> Filter:
    if reach.kind in ("default", "fixed"):
        return Cone(position, reach.deg)
    return Positions(Places.of([position]), distance=reach)


def sample_from(options: argparse.Namespace, session: Session) -> Sample:
    """The sample with the columns that the options name, the others guessed."""
    path = Path(options.sample)
    if options.columns is None and options.days is None:
        return session.read_sample(path)
    known = {field.name for field in dataclasses.fields(SampleColumns)} - {"days_before", "days_after"}
    given = {}
    for part in (options.columns or "").split(","):
        meaning, equals, column = (piece.strip() for piece in part.partition("="))
        if part.strip() and (meaning not in known or not equals):
            raise InputError(
                f"« {part.strip()} » does not say what a column means.",
                f"Write meaning=column; meanings: {', '.join(sorted(known))}.",
            )
        if part.strip():
            given[meaning] = column
    before, after = options.days or (0.0, 0.0)
    columns = dataclasses.replace(session.preview_sample(path).guess, **given, days_before=before, days_after=after)
    return session.read_sample(path, columns)


def _regions(options: argparse.Namespace, session: Session) -> list[Filter]:
    found: list[Filter] = []
    if options.rectangle is not None:
        found.append(_box(options.rectangle, options.frame or "icrs"))
    if options.polygon is not None:
        corners = [parse_position(text) for text in re.split("[,;]", options.polygon) if text.strip()]
        found.append(Polygon(tuple((corner.ra_deg, corner.dec_deg) for corner in corners)))
    if options.region is not None:
        found.append(session.read_regions(Path(options.region)))
    if options.moc is not None:
        found.append(session.read_moc(Path(options.moc)))
    return found


def _box(corners: list[float], frame: str) -> Box:
    lon1, lat1, lon2, lat2 = corners
    return Box.from_corners(lon1, lat1, lon2, lat2, frame)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\s,;+]+", text) if word)


def _properties(options: argparse.Namespace, session: Session) -> list[Filter]:
    found: list[Filter] = []
    if options.start is not None or options.end is not None:
        start = iso_to_mjd(options.start) if options.start is not None else float("-inf")
        end = iso_to_mjd(options.end) if options.end is not None else float("inf")
        found.append(TimeRange(start, end, entirely_inside=options.inside))
    if options.obs_ids is not None:
        found.append(_obs_ids(options, session))
    if options.target_type is not None:
        found.append(TargetType(_words(options.target_type.upper())))
    if options.category is not None:
        _check_each(options.category, Category, "category", "category of targets", options, session)
        found.append(Category(tuple(options.category)))
    if options.instrument is not None:
        names = [instruments_of(_specs(session, options), [name]) for name in _words(options.instrument)]
        every = "+" in options.instrument
        if not every or all(len(meant) == 1 for meant in names):
            flat = tuple(dict.fromkeys(name for meant in names for name in meant))
            found.append(HasInstrument(flat, all_of=every))
        else:
            # a name that means different instruments in different missions is met by any of them
            found.extend(HasInstrument(tuple(meant)) for meant in names)
    if options.min_exposure is not None or options.max_exposure is not None:
        shortest, longest = (
            None if text is None else parse_duration_s(text) for text in (options.min_exposure, options.max_exposure)
        )
        found.append(Exposure(shortest, longest))
    if options.public is not None:
        found.append(Public(None if options.public == "now" else iso_to_mjd(options.public)))
    if options.field is not None:
        _check_each(options.field, Field, "field_name", "eROSITA field", options, session)
        found.append(Field(tuple(options.field)))
    if options.usable:
        found.append(Usable())
    return found


def _check_usage(options: argparse.Namespace) -> None:
    if options.radius is not None and all(getattr(options, name) is None for name in ("near", "name", "sample")):
        raise InputError("--radius needs --near, --name or --sample.")
    if options.inside and options.start is None and options.end is None and options.sample is None:
        raise InputError("--inside needs --from, --to, or a --sample with times.")
    if options.frame is not None and options.rectangle is None:
        raise InputError("--frame needs --rectangle; in --near and --polygon the positions themselves say it (l=… b=…).")
    if (options.columns is not None or options.days is not None) and options.sample is None:
        raise InputError("--columns and --days need --sample.")
