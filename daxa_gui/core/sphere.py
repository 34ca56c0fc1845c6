"""Polygons on the sphere: great-circle edges, the smaller of the two sides. Unit vectors; angles in degrees."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.matching import TOLERANCE_DEG
from daxa_gui.core.sky import separation_deg

Vectors = NDArray[np.float64]
# Directions without any relation to coordinates: one of them is far enough from every edge.
_LOOKOUTS = np.array(
    [[0.3571, 0.8123, 0.4619], [-0.7793, 0.2411, -0.5791], [0.1873, -0.5417, 0.8197], [-0.4337, -0.7013, -0.5659]]
)
_TOLERANCE = math.radians(TOLERANCE_DEG)
_AT_ONCE = 10_000_000  # pairs of a direction and a vertex: keeps the memory small
_LOOKOUTS /= np.linalg.norm(_LOOKOUTS, axis=1, keepdims=True)


def bounding_cap(points: Vectors) -> tuple[Vectors, float]:
    """Centre, shape (3,), and radius in degrees of a circle around points, shape (m, 3); 180° beyond a hemisphere."""
    middle = points.sum(axis=0)
    length = float(np.linalg.norm(middle))
    if length < 1e-6:
        return np.array([0.0, 0.0, 1.0]), 180.0
    centre = middle / length
    radius = float(separation_deg(points, centre).max())
    return centre, radius if radius < 89.9 else 180.0


def inside_polygon(vectors: Vectors, vertices: Vectors) -> NDArray[np.bool_]:
    """Whether directions, shape (n, 3), lie inside a polygon of vertices, shape (m, 3), edges included.

    Either sense of rotation. The edges are the shorter great-circle arcs; inside is the side with the smaller area. Whether a
    direction lies on the same side as another one is told by how often the arc between them crosses edges (the crossing test by
    orientations of triples is that of computational geometry on spheres; signs are taken so that an arc through a vertex counts
    consistently).
    """
    lookout = _lookout(vertices)
    outside = not _lookout_inside(lookout, vertices)
    inside = np.zeros(len(vectors), bool)
    rows = max(1, _AT_ONCE // len(vertices))
    for first in range(0, len(vectors), rows):
        block = slice(first, first + rows)
        odd, on_edge = _crossings(vectors[block], lookout, vertices)
        inside[block] = (odd == outside) | on_edge
    result: NDArray[np.bool_] = inside & ~np.isnan(vectors[:, 0])
    return result


def _edges(vertices: Vectors) -> list[tuple[Vectors, Vectors]]:
    return list(zip(vertices, np.roll(vertices, -1, axis=0), strict=True))


def _lookout(vertices: Vectors) -> Vectors:
    """A direction that lies on no great circle of an edge."""
    normals = np.cross(vertices, np.roll(vertices, -1, axis=0))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    clearance = np.abs(_LOOKOUTS @ normals.T).min(axis=1)
    best: Vectors = _LOOKOUTS[int(np.argmax(clearance))]
    return best


def _crossings(vectors: Vectors, lookout: Vectors, vertices: Vectors) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the shorter arc from each direction to the lookout crosses an odd number of edges, and whether the direction
    lies on an edge (to the accuracy of coordinates), shape (n,) each."""
    sides = (
        vertices @ np.cross(vectors, lookout).T >= 0
    )  # of the arc's great circle: one sign per vertex, used for both its edges
    odd, on_edge = (np.zeros(len(vectors), bool) for _ in range(2))
    for number, (a, b) in enumerate(_edges(vertices)):
        normal = np.cross(a, b)
        height = vectors @ (normal / np.linalg.norm(normal))
        above, lookout_above = height >= 0, bool(lookout @ normal >= 0)
        left, right = sides[number], sides[(number + 1) % len(vertices)]
        # The arcs cross where each has the ends of the other on both its sides, and where they meet in front, not behind.
        odd ^= (above != lookout_above) & (left != right) & (left != above)
        near = np.flatnonzero(np.abs(height) <= _TOLERANCE)
        on_edge[near] |= vectors[near] @ (a + b) >= float(a @ (a + b)) - _TOLERANCE
    return odd, on_edge


def _lookout_inside(lookout: Vectors, vertices: Vectors) -> bool:
    """Whether the lookout lies on the side that counts as inside."""
    centre, radius = bounding_cap(vertices)
    if radius < 90.0:  # then the point opposite the polygon's middle is outside, however the edges cross each other
        return bool(_crossings(-centre[None, :], lookout, vertices)[0][0])
    a, b = max(_edges(vertices), key=lambda edge: float(separation_deg(*edge)))
    normal = np.cross(a, b)
    left = a + b + 1e-7 * normal / np.linalg.norm(normal)
    left /= np.linalg.norm(left)
    same_side = not _crossings(left[None, :], lookout, vertices)[0][0]
    return same_side == (_area_to_the_left(vertices) <= 2 * math.pi)


def _area_to_the_left(vertices: Vectors) -> float:
    """Solid angle in sr to the left of the edges as they run, by Girard's theorem."""
    before, after = np.roll(vertices, 1, axis=0), np.roll(vertices, -1, axis=0)
    to_next, to_last = np.cross(vertices, after), np.cross(vertices, before)
    sine = np.sum(vertices * np.cross(to_next, to_last), axis=1)
    angles = np.arctan2(sine, np.sum(to_next * to_last, axis=1)) % (2 * math.pi)
    return float(angles.sum() - (len(vertices) - 2) * math.pi)


def distance_to_arc_deg(vector: Vectors, a: Vectors, b: Vectors) -> float:
    """The angle between a direction and the nearest point of the shorter arc from a to b."""
    normal = np.cross(a, b)
    normal /= np.linalg.norm(normal)
    if float(np.cross(normal, a) @ vector) >= 0 >= float(np.cross(normal, b) @ vector):
        return math.degrees(abs(math.asin(max(-1.0, min(1.0, float(vector @ normal))))))
    return float(min(separation_deg(vector, a), separation_deg(vector, b)))


def distance_to_edges_deg(vector: Vectors, vertices: Vectors) -> float:
    """The angle between a direction, shape (3,), and the nearest point of the edges of a polygon, shape (m, 3)."""
    return min(distance_to_arc_deg(vector, a, b) for a, b in _edges(vertices))
