"""Why filters by place do not want an observation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core import matching, sphere
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.filter_base import Filter
from daxa_gui.core.filter_words import format_angle, listed, place_words
from daxa_gui.core.filters_shapes import Moc, Polygon, SkyShape, SkyShapes
from daxa_gui.core.filters_sky import Box, Cone, Positions
from daxa_gui.core.frames import from_icrs
from daxa_gui.core.healpix import Ranges, ang2pix, in_ranges
from daxa_gui.core.obstacle import BY_HAND, Obstacle, obstacle, radius_below, radius_for, without
from daxa_gui.core.places import Places
from daxa_gui.core.sky import lon_lat_deg, separation_deg, unit_vectors
from daxa_gui.core.why_rows import time_words

_NO_POSITION = Obstacle("its position is not known")


def _placed(row: Catalogue) -> bool:
    return bool(np.isfinite(row.vectors).all())


def _farther(separation_deg: float, limit_deg: float) -> str:
    """« 20′ from X, farther than 18′ »: the second half."""
    if math.isnan(limit_deg):
        return ""
    limit = format_angle(limit_deg)
    return f", just farther than {limit}" if limit == format_angle(separation_deg) else f", farther than {limit}"


@obstacle.register
def _(one: Cone, row: Catalogue) -> Obstacle:
    if not _placed(row):
        return _NO_POSITION
    apart = float(separation_deg(row.vectors[0], unit_vectors(one.position.ra_deg, one.position.dec_deg)))
    limit = float(row.search_radius_deg[0]) if one.radius_deg is None else one.radius_deg
    reason = f"its centre is {format_angle(apart)} from {place_words(one.position)}{_farther(apart, limit)}"
    radius = radius_for(apart)
    return Obstacle(reason, replace(one, radius_deg=radius), f"Search within {format_angle(radius)}.")


@without.register
def _(one: Cone, row: Catalogue) -> Filter | None:
    apart = float(separation_deg(row.vectors[0], unit_vectors(one.position.ra_deg, one.position.dec_deg)))
    return replace(one, radius_deg=radius_below(apart)) if apart > 0 else None


# -- many positions -----------------------------------------------------------------------------------------------------


@obstacle.register
def _(one: Positions, row: Catalogue) -> Obstacle:
    if not _placed(row):
        return _NO_POSITION
    places = one.places
    apart = separation_deg(places.vectors, row.vectors[0])
    limits = _limits(one, row)
    covered, met = _covered(one, row), _met(one, row)
    excess, gaps = apart - np.where(np.isnan(limits), 0.0, limits), _gaps(one, row)
    # the least to change: the window of a position that is near enough, else the distance of one with a fitting window
    if covered.any():
        best = int(np.argmin(np.where(covered, gaps, np.inf)))
    else:
        best = int(np.argmin(np.where(met, excess, np.inf) if met.any() else excess))
    said, changed, words = [], one, []
    if not covered[best]:
        said.append(_too_far(one, row, best, float(apart[best]), float(limits[best])))
        nearer = _enlarged(one, row, best, float(apart[best]))
        if nearer is None:
            return Obstacle(" and ".join(said))
        changed = nearer[0]
        words.append(nearer[1])
    if not met[best]:
        said.append(f"{time_words(row)}, outside the time window of {place_words(places[best])}")
        if math.isnan(row.start_mjd[0]) and math.isnan(row.end_mjd[0]):
            return Obstacle(" and ".join(said))
        changed = replace(changed, positions=_widened(changed, best, row))
        words.append(f"widen the time window of {place_words(places[best])}")
    sentence = " and ".join(words)
    return Obstacle(" and ".join(said), changed, f"{sentence[:1].upper()}{sentence[1:]}.")


def _limits(one: Positions, row: Catalogue) -> NDArray[np.float64]:
    """How near each position would have to be, degrees, shape (m,); NaN where no distance says so."""
    size, reach = len(one.places), one.reach
    if reach.kind == "fixed" and reach.deg is not None:
        return np.full(size, reach.deg)
    if reach.kind == "default":
        return np.full(size, row.search_radius_deg[0])
    if reach.kind == "positions" and one.places.radius_deg is not None:
        return one.places.radius_deg
    given = dict(reach.by_instrument)
    return np.full(size, max((given[name] for name in _used(row) if name in given), default=math.nan))


def _used(row: Catalogue) -> list[str]:
    return str(row.instruments[0]).split()


def _covered(one: Positions, row: Catalogue) -> NDArray[np.bool_]:
    """Which positions the observation is near enough to, whatever their times, shape (m,)."""
    found = np.zeros(len(one.places), bool)
    for pairs in matching.pairs(row, one.places, one.reach):
        found[pairs.position] = True
    return found


def _met(one: Positions, row: Catalogue) -> NDArray[np.bool_]:
    """Which positions' time windows the observation meets, shape (m,)."""
    number = np.arange(len(one.places))
    codes = matching.time_codes(row, one.places, number, np.zeros_like(number), entirely_inside=one.entirely_inside)
    return np.asarray(codes != matching.OUTSIDE, bool)


def _gaps(one: Positions, row: Catalogue) -> NDArray[np.float64]:
    """By how many days each position's window would have to grow, shape (m,)."""
    first, last = one.windows
    start, end = float(row.start_mjd[0]), float(row.end_mjd[0])
    early, late = (start, end) if one.entirely_inside else (end, start)
    too_early = np.nan_to_num(first - early, nan=0.0, posinf=0.0, neginf=0.0)
    too_late = np.nan_to_num(late - last, nan=0.0, posinf=0.0, neginf=0.0)
    return np.maximum(too_early, 0.0) + np.maximum(too_late, 0.0)


def _too_far(one: Positions, row: Catalogue, place: int, apart: float, limit: float) -> str:
    many = len(one.places) > 1
    nearest = f"the nearest of the positions, {place_words(one.places[place])}," if many else place_words(one.places[place])
    if one.reach.kind == "footprint":
        of = f" of {listed(one.reach.only)}" if one.reach.only else ""
        return f"{nearest} is {format_angle(apart)} from its centre, outside the field of view{of}"
    if one.reach.kind == "instruments" and math.isnan(limit):
        return f"it used none of {', '.join(name for name, _ in one.reach.by_instrument)}"
    return f"its centre is {format_angle(apart)} from {nearest.rstrip(',')}{_farther(apart, limit)}"


def _enlarged(one: Positions, row: Catalogue, place: int, apart: float) -> tuple[Positions, str] | None:
    """With a larger distance, and the words for it; None where there is no instrument to give it to."""
    radius, kind = radius_for(apart), one.reach.kind
    said = format_angle(radius)
    if kind == "positions" and one.places.radius_deg is not None:
        radii = one.places.radius_deg.copy()
        radii[place] = radius
        return replace(one, positions=replace(one.places, radius_deg=radii)), f"search within {said} of that position"
    if kind == "instruments":
        given, used = dict(one.reach.by_instrument), _used(row)
        if not used:
            return None
        name = max((n for n in used if n in given), key=lambda n: given[n], default=used[0])
        return replace(one, distance=Distance.of_instruments({**given, name: radius})), f"search within {said} for {name}"
    other = replace(one, radius_deg=radius, distance=None)
    return other, f"search within {said}{' of the centres of fields' if kind == 'footprint' else ''}"


def _widened(one: Positions, place: int, row: Catalogue) -> Places:
    first, last = (part.copy() for part in one.windows)
    start, end = float(row.start_mjd[0]), float(row.end_mjd[0])
    early, late = (start, end) if one.entirely_inside else (end, start)
    first[place], last[place] = np.fmin(first[place], early), np.fmax(last[place], late)
    first[np.isinf(first)], last[np.isinf(last)] = np.nan, np.nan
    return replace(one.places, start_mjd=first, end_mjd=last)


# -- areas --------------------------------------------------------------------------------------------------------------


@obstacle.register
def _(one: Box, row: Catalogue) -> Obstacle:
    if not _placed(row):
        return _NO_POSITION
    lon, lat = (float(np.ravel(part)[0]) for part in from_icrs(row.ra_deg, row.dec_deg, one.frame))
    new, said = _wider(one, row, lon % 360.0), []
    if new != one:
        axis = "longitude" if one.frame in ("galactic", "ecliptic") else "right ascension"
        side = "east" if new.ra_max_deg != one.ra_max_deg else "west"
        said.append(f"its centre is {format_angle(_width_deg(new) - _width_deg(one))} of {axis} {side} of the rectangle")
    if not one.dec_min_deg <= lat <= one.dec_max_deg:
        low, high = one.dec_min_deg, one.dec_max_deg
        said.append(
            f"its centre is {format_angle(max(low - lat, lat - high))} {'south' if lat < low else 'north'} of the rectangle"
        )
        new = replace(new, dec_min_deg=max(-_up(-lat), -90.0)) if lat < low else replace(new, dec_max_deg=min(_up(lat), 90.0))
    return Obstacle(" and ".join(said) or "its centre is just outside the rectangle", new, f"Search {new.sentence()}.")


def _wider(one: Box, row: Catalogue, lon: float) -> Box:
    """With the longitude of the row, by the way that makes the rectangle least wide; rounded outward where that is no wider."""
    if _reaches(one, row):
        return one
    east = [replace(one, ra_max_deg=value) for value in (min(_up(lon), 360.0), lon)]
    west = [replace(one, ra_min_deg=value) for value in (max(-_up(-lon), 0.0), lon)]
    return min((new for new in (*east, *west) if _reaches(new, row)), key=lambda new: round(_width_deg(new), 5), default=one)


def _reaches(one: Box, row: Catalogue) -> bool:
    """Whether the row lies between the longitudes, whatever its latitude."""
    return bool(replace(one, dec_min_deg=-90.0, dec_max_deg=90.0).mask(row)[0])


def _width_deg(one: Box) -> float:
    width = one.ra_max_deg - one.ra_min_deg
    return width if width >= 0 else width + 360.0


def _up(value_deg: float) -> float:
    """Up to the next millionth of a degree; as it is where less than a thousandth of that is missing."""
    up = math.ceil(value_deg * 1e6 - 1e-3) / 1e6
    return max(up, value_deg)


@obstacle.register
def _(one: Polygon, row: Catalogue) -> Obstacle:
    if not _placed(row):
        return _NO_POSITION
    return Obstacle(f"its centre is {format_angle(_edge_deg(one.shape, row))} outside the polygon's nearest edge")


def _edge_deg(shape: SkyShape, row: Catalogue) -> float:
    """How far the observation's centre is from a shape that it does not lie in, degrees."""
    vector, apart = row.vectors[0], float(separation_deg(row.vectors[0], shape.vectors[0]))
    if shape.shape == "polygon":
        return sphere.distance_to_edges_deg(vector, shape.vectors)
    if shape.shape in ("circle", "annulus"):
        return min(abs(apart - size) for size in shape.sizes_deg)
    # along the line to the centre, by halving: the shape is star-shaped around it
    near, far, centre = 0.0, 1.0, shape.vectors[0]
    for _ in range(60):
        middle = (near + far) / 2
        point = vector * middle + centre * (1 - middle)
        inside = bool(shape.holds((point / np.linalg.norm(point))[None, :])[0])
        near, far = (middle, far) if inside else (near, middle)
    edge = vector * near + centre * (1 - near)
    return float(separation_deg(vector, edge / np.linalg.norm(edge)))


def _nearest(one: SkyShapes, row: Catalogue) -> tuple[float, int]:
    """Distance in degrees and number of the including shape with the nearest edge; farther circles are passed over."""
    numbers = [number for number, shape in enumerate(one.shapes) if shape.include]
    caps = [one.shapes[number].cap for number in numbers]
    at_least = separation_deg(np.array([centre for centre, _ in caps]), row.vectors[0]) - np.array([radius for _, radius in caps])
    best = (math.inf, 0)
    for place in np.argsort(at_least).tolist():
        if at_least[place] > best[0]:
            break
        best = min(best, (_edge_deg(one.shapes[numbers[place]], row), numbers[place] + 1))
    return best


@obstacle.register
def _(one: SkyShapes, row: Catalogue) -> Obstacle:
    if not _placed(row):
        return _NO_POSITION
    cutting = [number for number, shape in enumerate(one.shapes, 1) if not shape.include and shape.holds(row.vectors)[0]]
    if cutting:
        return Obstacle(f"its centre lies in shape {cutting[0]} ({one.shapes[cutting[0] - 1].shape}), which excludes")
    distance, number = _nearest(one, row)
    return Obstacle(
        f"its centre lies in none of the shapes; the nearest is shape {number} ({one.shapes[number - 1].shape}), "
        f"{format_angle(distance)} away"
    )


@obstacle.register
def _(one: Moc, row: Catalogue) -> Obstacle:
    if not _placed(row):
        return _NO_POSITION
    if in_ranges(ang2pix(row.ra_deg, row.dec_deg), one.ranges)[0]:
        return Obstacle(f"{time_words(row)}, outside the time of the coverage map", replace(one, start_mjd=None, end_mjd=None),
                        "Use the map without its time.")  # fmt: skip
    if not one.ranges:
        return Obstacle("the coverage map is empty")
    return Obstacle(
        f"its centre is outside the coverage map{_about(_distance_to_cells_deg(row.vectors[0], one.ranges))}", None, BY_HAND
    )


def _about(distance_deg: float) -> str:
    return "" if math.isnan(distance_deg) else f", about {format_angle(float(f'{distance_deg:.1g}'))} from it"


def _distance_to_cells_deg(vector: NDArray[np.float64], ranges: Ranges) -> float:
    """About how far a direction is from the nearest cell, by trying circles of directions around it; NaN if none meets a cell."""
    east = np.cross([0.0, 0.0, 1.0] if abs(vector[2]) < 0.9 else [1.0, 0.0, 0.0], vector)
    east /= np.linalg.norm(east)
    north = np.cross(vector, east)
    radii = np.geomspace(1.0 / 3600.0, 180.0, 130)
    turns = np.linspace(0.0, 2 * np.pi, 180, endpoint=False)
    ring = np.cos(turns)[:, None] * north + np.sin(turns)[:, None] * east
    angle = np.radians(radii)[:, None, None]
    lon, lat = lon_lat_deg(np.cos(angle) * vector + np.sin(angle) * ring)
    hit = in_ranges(ang2pix(lon.ravel(), lat.ravel()), ranges).reshape(lon.shape).any(axis=1)
    return float(radii[np.argmax(hit)]) if hit.any() else math.nan
