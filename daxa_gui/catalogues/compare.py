"""What differs between two versions of a catalogue: which observations are new, vanished, changed, or became public."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import CatalogueDiff

NUMBERS = ("ra_deg", "dec_deg", "start_mjd", "end_mjd", "exposure_s", "public_mjd")
TEXTS = ("target", "target_type", "category", "instruments", "unusable_reason")
ROWS = "number of rows"  # stands among the changed columns where an ObsID has more or fewer rows than before
# Services recompute numbers, and another version of a library rounds otherwise: the last digits are no change.
RELATIVE, ABSOLUTE = 1e-12, 1e-9
_MOST_ROWS = 2**20  # of one ObsID; the key of a row is its ObsID's number times this, plus a count


def compare(old: Catalogue, new: Catalogue, *, before_mjd: float, after_mjd: float) -> CatalogueDiff:
    """What is different in `new`, seconds of work for millions of rows.

    Rows belong together by ObsID; where an ObsID stands more than once, in order of start and position. NaN equals NaN, and
    numbers that differ by less than 1e-9 are equal. Columns that only one version has are not compared, nor is anything that
    follows from the others (search distances). `now_public` are the observations of both that were not public at `before_mjd`
    by the old version and are at `after_mjd` by the new one.

    Parameters
    ----------
    before_mjd, after_mjd : when (UTC) the two versions were fetched. If the first is not known (NaN), only a changed date makes
        an observation one that became public.

    Raises
    ------
    ValueError : the catalogues belong to different missions.
    """
    if old.mission != new.mission:
        raise ValueError(f"catalogues of {old.mission} and {new.mission} cannot be compared")
    old_numbers, new_numbers, n_ids = _numbered(old.obs_id, new.obs_id)
    in_old, in_new = (np.bincount(numbers, minlength=n_ids) for numbers in (old_numbers, new_numbers))
    old_keys, new_keys = _keys(old, old_numbers, in_old), _keys(new, new_numbers, in_new)
    _, old_rows, new_rows = np.intersect1d(old_keys, new_keys, assume_unique=True, return_indices=True)
    order = np.argsort(new_rows)  # as they stand in the new version
    old_rows, new_rows = old_rows[order], new_rows[order]
    since = after_mjd if np.isnan(before_mjd) else before_mjd
    appeared = ~_public(old, since)[old_rows] & _public(new, after_mjd)[new_rows]
    return CatalogueDiff(
        new.mission,
        before_mjd,
        after_mjd,
        new=_ids(new, in_old[new_numbers] == 0),
        vanished=_ids(old, in_new[old_numbers] == 0),
        changed=_changed(old, new, old_rows, new_rows, (in_old != in_new)[new_numbers] & (in_old > 0)[new_numbers]),
        now_public=tuple(dict.fromkeys(new.obs_id[new_rows[appeared]].tolist())),
    )


def _numbered(old: NDArray[np.str_], new: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """A number for each distinct ObsID, the same in both, and how many there are. A dict is faster than sorting texts."""
    numbers: dict[str, int] = {}
    parts = [np.array([numbers.setdefault(text, len(numbers)) for text in ids.tolist()], np.int64) for ids in (old, new)]
    return parts[0], parts[1], len(numbers)


def _keys(catalogue: Catalogue, numbers: NDArray[np.int64], rows_of_each: NDArray[np.int64]) -> NDArray[np.int64]:
    """A key for each row: its ObsID's number and how many rows of this ObsID stand before it (by start, then position)."""
    if rows_of_each.max(initial=0) <= 1:
        return numbers * _MOST_ROWS
    order = np.lexsort((catalogue.dec_deg, catalogue.ra_deg, catalogue.start_mjd, numbers))
    ordered = numbers[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    counts = np.arange(len(ordered)) - np.repeat(first, np.diff(first, append=len(ordered)))
    if len(counts) and counts.max() >= _MOST_ROWS:
        raise ValueError(f"more than {_MOST_ROWS} rows of one ObsID")
    keys = np.empty(len(ordered), np.int64)
    keys[order] = ordered * _MOST_ROWS + counts
    return keys


def _public(catalogue: Catalogue, at_mjd: float) -> NDArray[np.bool_]:
    return np.isnan(catalogue.public_mjd) | (catalogue.public_mjd <= at_mjd)


def _ids(catalogue: Catalogue, mask: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(catalogue.obs_id[mask].tolist()))


def _changed(
    old: Catalogue, new: Catalogue, old_rows: NDArray[np.intp], new_rows: NDArray[np.intp], more_or_fewer: NDArray[np.bool_]
) -> dict[str, tuple[str, ...]]:
    """For each ObsID that both have the columns that differ, in the order of the columns."""
    names = [*NUMBERS, *TEXTS, *(name for name in new.extra if name in old.extra)]
    differs = np.zeros((len(names), len(new)), bool)
    for which, name in enumerate(names):
        before, after = (catalogue.extra.get(name, getattr(catalogue, name, None)) for catalogue in (old, new))
        differs[which, new_rows] = _differ(before, after, old_rows, new_rows)
    names.append(ROWS)
    table = np.vstack([differs, more_or_fewer])
    rows = np.flatnonzero(table.any(axis=0))
    if not len(rows):
        return {}
    patterns, which_pattern = np.unique(np.packbits(table[:, rows], axis=0), axis=1, return_inverse=True)
    flags = np.unpackbits(patterns, axis=0, count=len(names)).astype(bool)
    columns = [tuple(name for name, flag in zip(names, flags[:, n], strict=True) if flag) for n in range(patterns.shape[1])]
    changed: dict[str, tuple[str, ...]] = {}
    for obs_id, pattern in zip(new.obs_id[rows].tolist(), which_pattern.ravel().tolist(), strict=True):
        here = columns[pattern]
        if obs_id in changed:  # another row of it: what differs in any of them, in the columns' order
            here = tuple(name for name in names if name in here or name in changed[obs_id])
        changed[obs_id] = here
    return changed


def _differ(before: Any, after: Any, old_rows: NDArray[np.intp], new_rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether the values of two columns differ, shape (k,), row by row."""
    if _is_text(before) != _is_text(after):
        return np.ones(len(new_rows), bool)
    if _is_text(before):
        return _differ_as_texts(before, after, old_rows, new_rows)
    one, other = before[old_rows], after[new_rows]
    if one.dtype.kind in "biu" and other.dtype.kind in "biu":
        different: NDArray[np.bool_] = one != other
        return different
    one, other = one.astype(float), other.astype(float)
    with np.errstate(invalid="ignore"):  # the difference of two infinities
        near = abs(one - other) <= np.maximum(ABSOLUTE, RELATIVE * abs(one))
    near &= np.isfinite(one) & np.isfinite(other)
    return ~(near | (one == other) | (np.isnan(one) & np.isnan(other)))


def _is_text(column: Any) -> bool:
    return hasattr(column, "codes") or column.dtype.kind == "U"


def _differ_as_texts(before: Any, after: Any, old_rows: NDArray[np.intp], new_rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Compares codes, not texts, where the columns have codes: each distinct text is looked at once."""
    if not (hasattr(before, "codes") and hasattr(after, "codes")):
        different: NDArray[np.bool_] = np.asarray(before[old_rows]) != np.asarray(after[new_rows])
        return different
    numbers = {text: number for number, text in enumerate(after.values.tolist())}
    translated = np.array([numbers.get(text, -1) for text in before.values.tolist()], np.int64)
    result: NDArray[np.bool_] = translated[before.codes[old_rows]] != after.codes[new_rows]
    return result
