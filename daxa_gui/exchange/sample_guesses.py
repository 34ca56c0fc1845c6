"""Which column of a sample means what: guessed from names, UCDs, units and the first cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from daxa_gui.core.sample import SampleColumns
from daxa_gui.exchange.sample_table import Field
from daxa_gui.exchange.sample_units import ANGLES, HOURS, looks_like_time, normal_unit

# Names are compared without case, blanks and punctuation; the earlier in the list, the better.
RA_NAMES = (
    "ra", "radeg", "raj2000", "raicrs", "rightascension", "ra2000", "alphaj2000", "alpha", "targetra", "raobj", "sra", "rad",
    "rahours", "rahour", "rab1950", "ra1950", "rafk4", "rafk5",
)  # fmt: skip
DEC_NAMES = (
    "dec", "decdeg", "dedeg", "dej2000", "decj2000", "deicrs", "decicrs", "declination", "decl", "dec2000", "deltaj2000", "delta",
    "targetdec", "decobj", "sdec", "decd", "de", "deb1950", "decb1950", "dec1950", "decfk4", "decfk5",
)  # fmt: skip
NAME_NAMES = (
    "name", "objectname", "objname", "targetname", "sourcename", "srcname", "clustername", "iauname", "mainid", "designation",
    "object", "target", "source", "id", "identifier", "objid",
)  # fmt: skip
TIME_NAMES = (
    "time", "discoverydate", "discoverytime", "discoverymjd", "discdate", "triggertime", "triggerdate", "trigger", "t0",
    "eventtime", "date", "dateobs", "obsdate", "datetime", "mjd", "timemjd", "mjdtime", "jd", "hjd", "bjd", "epoch", "peakmjd",
    "mjdpeak", "tpeak", "peakdate", "tmax", "mjdmax", "utc", "timeutc",
)  # fmt: skip
START_NAMES = (
    "start", "starttime", "timestart", "tstart", "startmjd", "mjdstart", "startdate", "datestart", "startdatetime", "tmin",
    "windowstart", "windowstartmjd", "begin", "from", "datebeg", "mjdbeg", "obsstart", "startutc", "timemin",
)  # fmt: skip
END_NAMES = (
    "end", "endtime", "timeend", "tend", "endmjd", "mjdend", "enddate", "dateend", "enddatetime", "tmax", "windowend",
    "windowendmjd", "stop", "stoptime", "tstop", "mjdstop", "until", "obsend", "endutc", "timemax",
)  # fmt: skip
RADIUS_NAMES = ("searchradius", "searchdistance", "searchdist", "matchradius", "radius", "coneradius", "sr")
_OTHER_FRAMES = (
    (
        "galactic",
        ("glon", "gallon", "galacticlongitude", "lii", "l", "gall"),
        ("glat", "gallat", "galacticlatitude", "bii", "b", "galb"),
    ),
    ("ecliptic", ("elon", "ecllon", "eclipticlongitude", "lambda"), ("elat", "ecllat", "eclipticlatitude", "beta")),
)  # fmt: skip
_UCDS = (
    ("icrs", "pos.eq.ra", "pos.eq.dec"),
    ("icrs", "POS_EQ_RA", "POS_EQ_DEC"),
    ("galactic", "pos.galactic.lon", "pos.galactic.lat"),
    ("ecliptic", "pos.ecliptic.lon", "pos.ecliptic.lat"),
)
_UNIT_ENDINGS = ("arcsec", "arcmin", "deg", "degrees", "rad", "hours", "mjd", "jd", "isot")

Head = Sequence[Sequence[str]]


def plain_name(name: str) -> str:
    """Letters and digits in lower case, without what stands in brackets at the end."""
    bare = re.sub(r"\s*[\[(][^\[\]()]{0,20}[\])]\s*$", "", name[:200])
    return "".join(character for character in bare.casefold() if character.isalnum())


def unit_of(field: Field) -> str:
    """The unit of a column: its own, or the one its name ends with (« radius_arcmin »); empty if neither says."""
    if field.unit:
        return field.unit
    ending = re.split(r"[\s_\-.]+", field.name.casefold())[-1]
    return ending if ending in _UNIT_ENDINGS and ending != field.name.casefold() else ""


def position_columns(fields: Sequence[Field]) -> tuple[str, str, str]:
    """Names of the columns of longitude and latitude (empty if there are none), and their frame."""
    lon, lat = _by_name(fields, RA_NAMES, _may_be_angle), _by_name(fields, DEC_NAMES, _may_be_angle)
    if lon and lat:
        return lon, lat, _frame_of(fields, lon)
    for frame, lon_ucd, lat_ucd in _UCDS:
        by_lon, by_lat = _by_ucd(fields, lon_ucd), _by_ucd(fields, lat_ucd)
        if by_lon and by_lat:
            return by_lon, by_lat, _frame_of(fields, by_lon) if frame == "icrs" else frame
    for frame, lon_names, lat_names in _OTHER_FRAMES:
        by_lon, by_lat = _by_name(fields, lon_names, _may_be_angle), _by_name(fields, lat_names, _may_be_angle)
        if by_lon and by_lat:
            return by_lon, by_lat, frame
    if [field.name for field in fields] == ["column 1", "column 2"]:  # two columns without a header
        return "column 1", "column 2", "icrs"
    return lon, lat, "icrs"


def guess(fields: Sequence[Field], head: Head) -> SampleColumns:
    """All columns at a guess. A column of times or radii is taken only if its unit or its first cells look like that."""
    lon, lat, frame = position_columns(fields)
    taken = {lon, lat} - {""}
    free = [field for field in fields if field.name not in taken]
    cells = {field.name: [row[n] for row in head if row[n].strip()] for n, field in enumerate(fields)}

    def is_time(field: Field) -> bool:
        return looks_like_time(cells[field.name], unit_of(field))

    start, end = _by_name(free, START_NAMES, is_time), _by_name(free, END_NAMES, is_time)
    if not (start and end):
        start = end = ""
    free = [field for field in free if field.name not in (start, end)]
    time = _by_name(free, TIME_NAMES, is_time)
    radius = _by_name(free, RADIUS_NAMES, lambda field: normal_unit(unit_of(field)) in ANGLES)
    if not radius:
        radius = _by_name(free, tuple(name + unit for name in RADIUS_NAMES for unit in _UNIT_ENDINGS[:3]), _may_be_angle)
    name = _by_name(free, NAME_NAMES, lambda field: True) or _by_ucd(free, "meta.id")
    unit = normal_unit(unit_of(next((field for field in fields if field.name == radius), Field("")))) or "deg"
    return SampleColumns(lon, lat, name, time, start, end, radius, frame, unit)


def _by_name(fields: Sequence[Field], names: Sequence[str], fits: Callable[[Field], bool]) -> str:
    plain = {plain_name(field.name): field.name for field in reversed(fields) if fits(field)}
    return next((plain[name] for name in names if name in plain), "")


def _by_ucd(fields: Sequence[Field], ucd: str) -> str:
    found = [
        f for f in fields if f.ucd.split(";")[0].casefold() == ucd.casefold() or f.ucd.upper().startswith(ucd.upper() + "_MAIN")
    ]
    main = [field for field in found if "main" in field.ucd.casefold()]
    return (main or found)[0].name if found else ""


def _may_be_angle(field: Field) -> bool:
    return not field.unit or normal_unit(field.unit) in (ANGLES | HOURS | {""})


def _frame_of(fields: Sequence[Field], lon: str) -> str:
    field = next(field for field in fields if field.name == lon)
    name = plain_name(field.name)
    if name.endswith(("1950", "fk4")):
        return "fk4"
    return field.frame or ("fk5" if name.endswith("fk5") else "icrs")
