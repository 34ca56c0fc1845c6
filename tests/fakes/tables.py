"""A table with everything that is hard to write, and a comparison that forgives nothing."""

from __future__ import annotations

import math

import numpy as np

from daxa_gui.core.table import DataTable

TEXTS = [
    "",
    "0201903501",
    'A, "b"',
    "Ω Cen ☉",
    " x ",
    "back\\slash \\x41",
    "two\nlines",
    "𝒳",
    "\t",
    "true",
    "1.5",
    "NaN",
    "#",
    "'",
]


def many_kinds(n: int = 50) -> DataTable:
    random = np.random.default_rng(3)
    number = random.random(n) * 10.0 ** random.integers(-300, 300, n)
    number[::7] = np.nan
    number[:4] = math.inf, -math.inf, -0.0, 5e-324
    columns = {
        "obs_id": np.array([f"{k:011d}" for k in range(n)]),
        "plain_id": np.array([str(k) for k in range(n)]),
        "ra_deg": random.uniform(0, 360, n),
        "number": number,
        "count": random.integers(-(2**63), 2**63 - 1, n),
        "good": random.random(n) < 0.5,
        "text": np.array([TEXTS[k % len(TEXTS)] for k in range(n)]),
        "nothing": np.full(n, ""),
        "unknown": np.full(n, np.nan),
    }
    meta = {"mission": "swift", "certificate": '{"query": "SELECT \\"x\\" ' + "y" * 300 + '"}', "note": "Ω, <b> & 'c'\nline"}
    return DataTable(columns, {"ra_deg": "deg", "number": "s"}, {"ra_deg": "Right « ascension » & <more>."}, meta)


def assert_same(one: DataTable, other: DataTable) -> None:
    assert one.names == other.names
    for name in one.names:
        assert one[name].dtype.kind == other[name].dtype.kind, name
        if one[name].dtype.kind == "f":
            same = one[name].view(np.int64) == other[name].astype(float).view(np.int64)
            assert (same | (np.isnan(one[name]) & np.isnan(other[name]))).all(), name
        else:
            assert one[name].tolist() == other[name].tolist(), name
