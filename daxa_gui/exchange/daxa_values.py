"""How DAXA's save files write values that JSON does not have: {"quantity": "3.0 deg"}, {"datetime": …}, {"skycoord": …} …

The first key of an object says what it is. Files come from anywhere: nothing is taken over unchecked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import InputError
from daxa_gui.core.frames import from_icrs, to_icrs
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.times import iso_to_mjd, mjd_to_datetime
from daxa_gui.exchange.daxa_rules import daxa_frame, numbers_frame
from daxa_gui.exchange.sample_units import DEGREES_IN, normal_unit

TAGS = ("quantity", "datetime", "datetime_list", "ndarray", "skycoord")
_QUANTITY = re.compile(r"\s*(\[?)([^\[\]]*?)(\]?)\s*([A-Za-z]{2,12})\s*")
_MOST = 2_000_000  # positions
Numbers = NDArray[np.float64]


def tagged(value: object) -> tuple[str, Any]:
    """What kind of value it is (one of `TAGS`, or empty for plain JSON), and what is inside."""
    if isinstance(value, Mapping) and value:
        first = next(iter(value))
        if first in TAGS:
            return first, value[first]
    return "", value


def numbers(value: object, what: str) -> Numbers:
    """A number or a nested list of numbers as an array; raises InputError for anything else."""
    kind, inside = tagged(value)
    if kind not in ("", "ndarray"):
        raise InputError(f"the {what} is a {kind}")
    _check_numbers(inside, what, 0)
    try:
        array = np.asarray(inside, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"the {what} is no table of numbers") from None
    if not np.isfinite(array).all() or array.size > 2 * _MOST:
        raise InputError(f"the {what} has too many numbers or unusable ones")
    return array


def _check_numbers(value: object, what: str, depth: int) -> None:
    if isinstance(value, list) and depth < 3:
        for item in value:
            _check_numbers(item, what, depth + 1)
    elif isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
        raise InputError(f"the {what} is not made of numbers")


def text_list(value: object, what: str) -> tuple[str, ...]:
    """A text or a list of texts."""
    listed = [value] if isinstance(value, str) else tagged(value)[1]
    if not isinstance(listed, list) or not all(isinstance(item, str) and len(item) <= 200 for item in listed) or not listed:
        raise InputError(f"the {what} is no list of texts")
    return tuple(listed)


def truth(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"the {what} is neither true nor false")
    return value


def degrees(value: object, what: str) -> Numbers:
    """A distance, or a list of them, in degrees: a quantity or plain numbers."""
    kind, inside = tagged(value)
    if kind != "quantity":
        return numbers(value, what)
    match = _QUANTITY.fullmatch(inside[:4_000_000]) if isinstance(inside, str) else None
    unit = normal_unit(match[4]) if match else "?"
    if match is None or unit in ("?", "") or bool(match[1]) != bool(match[3]):
        raise InputError(f"« {str(inside)[:60]} » is no angle")
    try:
        found = np.array([float(text) for text in match[2].replace(",", " ").split()])
    except ValueError:  # DAXA writes long lists with « … » in the middle
        raise InputError(f"the {what} « {str(inside)[:60]} » cannot be read") from None
    if not len(found) or not np.isfinite(found).all() or (not match[1] and len(found) != 1):
        raise InputError(f"the {what} « {str(inside)[:60]} » cannot be read")
    scaled: Numbers = found * DEGREES_IN[unit]
    return scaled if match[1] else scaled.reshape(())


def moments(value: object, what: str) -> Numbers:
    """MJD of a date-time (shape ()) or of a list of them (shape (n,)); DAXA's times are UTC without saying so."""
    kind, inside = tagged(value)
    if kind == "datetime" and isinstance(inside, str):
        return np.asarray(iso_to_mjd(inside[:40]))
    if kind == "datetime_list" and isinstance(inside, list) and all(isinstance(text, str) for text in inside):
        return np.array([iso_to_mjd(text[:40]) for text in inside], np.float64)
    raise InputError(f"the {what} is no time")


def raw_positions(value: object, spec: MissionSpec) -> tuple[Numbers, Numbers, str, bool]:
    """Longitudes and latitudes as they stand in the file, shape (m,), their frame, and whether there is a single one."""
    kind, inside = tagged(value)
    if kind == "skycoord":
        if not isinstance(inside, Mapping) or not {"ra", "dec", "frame"} <= set(inside):
            raise InputError("a position has no ra, dec and frame")
        lon, lat = numbers(inside["ra"], "right ascension"), numbers(inside["dec"], "declination")
        frame = str(inside["frame"])
        if frame not in ("icrs", "fk5", "fk4"):
            raise InputError(f"« {frame[:40]} » is no frame that is known here")
    else:
        pairs = numbers(value, "list of positions")
        if pairs.ndim not in (1, 2) or pairs.shape[-1] != 2:
            raise InputError("the positions are no pairs of right ascension and declination")
        lon, lat, frame = pairs[..., 0], pairs[..., 1], daxa_frame(spec)
    if lon.shape != lat.shape or lon.ndim > 1 or not lon.size:
        raise InputError("the positions have no or different numbers of right ascensions and declinations")
    if (abs(lat) > 90).any():
        raise InputError(f"the declination {lat.ravel()[abs(lat.ravel()) > 90][0]:g}° is outside -90° to +90°")
    return np.atleast_1d(lon) % 360.0, np.atleast_1d(lat), frame, lon.ndim == 0


def positions_icrs(value: object, spec: MissionSpec) -> tuple[Numbers, Numbers, bool]:
    """Positions in ICRS degrees, so that distances to our catalogue are those to DAXA's table; and whether it is a single one."""
    lon, lat, frame, single = raw_positions(value, spec)
    if frame != daxa_frame(spec):
        lon, lat = from_icrs(*to_icrs(lon, lat, frame), daxa_frame(spec))
    ra, dec = to_icrs(lon, lat, numbers_frame(spec))
    return ra % 360.0, dec, single


# --------------------------------------------------------------------------------------------------------------------- writing


def moment_text(mjd: float) -> str:
    return f"{mjd_to_datetime(mjd):%Y-%m-%d %H:%M:%S.%f}"


def skycoord(ra_deg: Numbers, dec_deg: Numbers, spec: MissionSpec) -> dict[str, Any]:
    """ICRS positions as DAXA writes them; numbers of the static tables are FK5 to it. A single one has no lists."""
    frame = "fk5" if numbers_frame(spec) != daxa_frame(spec) and daxa_frame(spec) == "fk5" and spec.table is not None else "icrs"
    ra, dec = (values.tolist() if len(values) > 1 else float(values[0]) for values in (ra_deg, dec_deg))
    return {"skycoord": {"ra": ra, "dec": dec, "frame": frame}}
