"""Whether products of the missions' own archives were taken over, told as DAXA tells it: as processes `preprocessed_…`."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.archive_queries import ProcessResult
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.missions import MISSIONS

# DAXA's process → the kind of file that is wanted, and the kind of product that it becomes.
PREPROCESSED = {
    "preprocessed_events": (ProductKind.EVENTS, ProductKind.FINAL_EVENTS),
    "preprocessed_images": (ProductKind.IMAGE, ProductKind.IMAGE),
    "preprocessed_expmaps": (ProductKind.EXPOSURE_MAP, ProductKind.EXPOSURE_MAP),
    "preprocessed_backmaps": (ProductKind.BACKGROUND_MAP, ProductKind.BACKGROUND_MAP),
}


def preprocessed_results(
    connection: sqlite3.Connection, layout: ArchiveLayout, observations: Iterable[ArchiveObservation], mission: str, obs_id: str,
    step: str,
) -> list[ProcessResult]:  # fmt: skip
    """One result for each observation, kind that was asked for and instrument that it has.

    Success is True if a product was taken over, False if the mission's archive has none, None while files are still to come or
    could not be fetched.
    """
    steps = {name: kinds for name, kinds in PREPROCESSED.items() if step in ("", name)}
    given = {name: value for name, value in (("mission", mission), ("obs_id", obs_id)) if value}
    values = list(given.values())
    made = _taken_over(connection, "".join(f" AND p.{name} = ?" for name in given), values)
    where = "kind IN ('plan', 'download')" + "".join(f" AND {name} = ?" for name in given)
    asked = set(connection.execute(f"SELECT DISTINCT mission, obs_id FROM jobs WHERE {where}", values))
    pending = set(connection.execute(f"SELECT DISTINCT mission, obs_id FROM jobs WHERE {where} AND state <> 'succeeded'", values))
    results = []
    for about in observations:
        here = (about.mission, about.obs_id)
        is_open = here in pending or here not in asked
        for name, (wanted, kind) in steps.items():
            there = made.get((*here, str(kind)), set())
            for instrument in _instruments(about, wanted, there):
                success = True if instrument in there else None if is_open else False
                state = JobState.QUEUED if success is None else JobState.SUCCEEDED if success else JobState.FAILED
                reason = "The mission's archive has no such file." if success is False else ""
                results.append(ProcessResult(*here, instrument, name, success, state, None, reason=reason))
    return results


def _taken_over(connection: sqlite3.Connection, where: str, values: list[str]) -> dict[tuple[str, str, str], set[str]]:
    """Instruments by (mission, ObsID, kind) of all products that no reduction step made, joined instruments one by one. Lists of
    chosen telescope modules are made by the step « prepare » and count."""
    kinds = ", ".join(f"'{kind}'" for _, kind in PREPROCESSED.values())
    rows = connection.execute(
        "SELECT DISTINCT p.mission, p.obs_id, p.kind, p.instrument FROM products p LEFT JOIN jobs j ON j.id = p.job_id"
        f" WHERE p.kind IN ({kinds}) AND (j.kind IS NULL OR j.kind <> 'reduce' OR j.step = 'prepare'){where}",
        values,
    )
    found: dict[tuple[str, str, str], set[str]] = {}
    for mission, obs_id, kind, joined in rows:
        found.setdefault((mission, obs_id, kind), set()).update(joined.split("_"))
    return found


def _instruments(about: ArchiveObservation, wanted: ProductKind, there: Collection[str]) -> list[str]:
    """The instruments of an observation for which files of a kind were asked for; none if the kind was not, or is never there.
    An observation with one instrument (Chandra, ROSAT) is asked about that one."""
    spec = MISSIONS.get(about.mission)
    if spec is None or wanted not in spec.kinds or str(wanted) not in (about.kinds or (str(ProductKind.EVENTS),)):
        return []
    present = set(str(about.row.get("instruments", "")).split())
    names = [one.name for one in spec.instruments if not about.instruments or one.name in about.instruments]
    names = [name for name in names if name in present] or names
    if spec.instrument_per_observation and names:
        return [name for name in names if name in there] or names[:1]
    return names
