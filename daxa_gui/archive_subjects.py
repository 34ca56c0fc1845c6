"""The observations of an open archive as subjects of the steps of the missions' software: which data of them are here, and what
is known of their exposures."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from daxa_gui.archive.failures import sensible
from daxa_gui.archive.rows import mapping
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.product import ProductKind
from daxa_gui.core.reduction_plan import LeftAside, ReductionOrder
from daxa_gui.core.times import mjd_to_iso

if TYPE_CHECKING:
    from daxa_gui.reduction.chain import Subject
    from daxa_gui.reduction.doctor_case import ObservedData

Observation = tuple[str, str]  # mission, ObsID
_AT_ONCE = 100  # observations: what is kept in memory of them, and freed together
_THESE = " AND mission = ? AND obs_id IN (SELECT value FROM json_each(?))"
_UNIT_PART = re.compile(r"[\w.+-]{0,40}")
_RAW_NEEDED = frozenset({"xmm_pointed", "chandra", "nustar_pointed"})  # their chains begin with more than event lists


@dataclass(frozen=True)
class Portion:
    """Some observations of one mission: those that can be reduced, and those whose data are not here."""

    mission: str
    subjects: list[Subject]
    left_aside: list[LeftAside]


class Subjects:
    """Methods of `OpenArchive`."""

    store: ArchiveStore

    def _portions(self, order: ReductionOrder, missions: Collection[str]) -> Iterator[Portion]:
        """The observations that an order is about, some at a time. Between two portions nothing is being read."""
        wanted = {*order.observations, *((mission, obs_id) for mission, obs_id, _ in order.units)}
        names = [one for one in self.store.observation_names() if one[0] in missions and (not wanted or one in wanted)]
        for mission, group in groupby(names, key=lambda one: one[0]):
            obs_ids = [obs_id for _, obs_id in group]
            for start in range(0, len(obs_ids), _AT_ONCE):
                yield self._portion(mission, obs_ids[start : start + _AT_ONCE])

    def _portion(self, mission: str, obs_ids: Sequence[str]) -> Portion:
        raw, events = self._raw_files(mission, obs_ids), self._event_paths(mission, obs_ids)
        found, left_aside = [], []
        for about in self.store.some_observations(mission, obs_ids):
            one = (about.mission, about.obs_id)
            if reason := self._what_is_missing(about, one in raw, bool(events.get(one))):
                left_aside.append(LeftAside(*one, "", reason))
                continue
            found.append(self._subject(about, events.get(one, [])))
        return Portion(mission, found, left_aside)

    @staticmethod
    def _what_is_missing(about: ArchiveObservation, has_raw: bool, has_events: bool) -> str:
        if about.mission in _RAW_NEEDED and not has_raw:
            return "Its raw data were not fetched: add the kind « raw » to the mission's files (« daxa-gui fetch --kind raw »)."
        if about.mission not in _RAW_NEEDED and not has_events:
            return "No event list of it is here yet."
        return ""

    def data_to_reduce(self) -> tuple[frozenset[Observation], frozenset[Observation]]:
        """Observations that their missions' own software can begin with, and those with a downloaded event list."""
        raw, events = self._raw_files(), frozenset(self._event_paths())
        begin = {one for one in raw if one[0] in _RAW_NEEDED} | {one for one in events if one[0] not in _RAW_NEEDED}
        return frozenset(begin), events

    def _raw_files(self, mission: str = "", obs_ids: Collection[str] = ()) -> set[Observation]:
        """Of which there are some; of all observations without a mission."""
        return set(self._of(f"SELECT DISTINCT mission, obs_id FROM files WHERE kind = ?{_THESE if mission else ''}",
                            ProductKind.RAW, mission, obs_ids))  # fmt: skip

    def _event_paths(self, mission: str = "", obs_ids: Collection[str] = ()) -> dict[Observation, list[str]]:
        """Raw event lists as they are stored (« output:… »)."""
        found: dict[Observation, list[str]] = {}
        query = f"SELECT mission, obs_id, path FROM products WHERE kind = ?{_THESE if mission else ''} ORDER BY path"
        for name, obs_id, path in self._of(query, ProductKind.EVENTS, mission, obs_ids):
            found.setdefault((name, obs_id), []).append(path)
        return found

    def _of(self, query: str, kind: ProductKind, mission: str, obs_ids: Collection[str]) -> list[Any]:
        these = (mission, json.dumps(list(obs_ids))) if mission else ()
        with self.store.database.reading() as connection:
            return connection.execute(query, (str(kind), *these)).fetchall()

    def _subject(self, about: ArchiveObservation, events: Sequence[str]) -> Subject:
        """Its folders are spelt as the archive stores paths, so that its tasks need no second look."""
        from daxa_gui.reduction.chain import Subject

        layout = self.store.layout
        facts = {"obs_start": _day(about.row.get("start_mjd")), "events": list(events)}
        return Subject(
            about.mission, about.obs_id, layout.stored(layout.raw_folder(about.mission, about.obs_id)),
            layout.stored(layout.processed_folder(about.mission, about.obs_id)), tuple(about.instruments), facts,
        )  # fmt: skip

    def _units(
        self, mission: str, obs_ids: Collection[str], *, whatever: bool = False
    ) -> dict[Observation, list[dict[str, Any]]]:  # fmt: skip
        """What `exposures` found in observations, as far as that still holds (`whatever`: also if it is to be done again)."""
        found = {}
        fresh = "" if whatever else " AND state = 'succeeded' AND NOT stale"
        with self.store.database.reading() as connection:
            rows = connection.execute(
                f"SELECT obs_id, facts FROM jobs WHERE kind = 'reduce' AND step = 'exposures'{fresh}{_THESE}",
                (mission, json.dumps(list(obs_ids))),
            ).fetchall()
        with sensible(self.store.layout.database):
            for obs_id, facts in rows:
                units = mapping(facts).get("units")
                if isinstance(units, list):
                    found[mission, obs_id] = [_sound_unit(unit) for unit in units]
        return found

    def _with_units(self, observations: Collection[Observation]) -> set[Observation]:
        """Those of them whose exposures are known."""
        with self.store.database.reading() as connection:
            return {
                (mission, obs_id)
                for mission in {mission for mission, _ in observations}
                for (obs_id,) in connection.execute(
                    "SELECT obs_id FROM jobs WHERE kind = 'reduce' AND step = 'exposures' AND state = 'succeeded' AND NOT stale"
                    f"{_THESE}",
                    (mission, json.dumps([obs_id for other, obs_id in observations if other == mission])),
                )
            }

    def observed(self) -> list[ObservedData]:
        """What the archive has of each mission, for those who check what its reduction needs."""
        from daxa_gui.reduction.doctor_case import ObservedData

        days: dict[str, str] = {}
        counts: dict[str, int] = {}
        instruments: dict[str, set[str]] = {}
        for about in self.store.iter_observations():
            mission = about.mission
            days[mission] = max(days.get(mission, ""), _day(about.row.get("start_mjd")))
            counts[mission] = counts.get(mission, 0) + 1
            instruments.setdefault(mission, set()).update(about.instruments)
        with self.store.database.reading() as connection:
            sizes = dict(connection.execute("SELECT mission, sum(size_bytes) FROM files GROUP BY mission").fetchall())
        return [
            ObservedData(
                mission, counts[mission], days[mission], int(sizes.get(mission) or 0), tuple(sorted(instruments[mission]))
            )
            for mission in counts
        ]


def _sound_unit(unit: Any) -> dict[str, Any]:
    """Plans are made from its names. Raises ValueError for what no reader of exposures says."""
    names = [unit.get(name) for name in ("instrument", "exposure")] if isinstance(unit, dict) else [None]
    if not all(isinstance(name, str) and _UNIT_PART.fullmatch(name) for name in names):
        raise ValueError(f"no exposure of an observation: {str(unit)[:80]}")
    return dict(unit)


def _day(start_mjd: Any) -> str:
    """YYYY-MM-DD; "" for what is no date of a mission."""
    is_known = isinstance(start_mjd, (int, float)) and 0.0 < start_mjd < 200_000.0
    return mjd_to_iso(float(start_mjd))[:10] if is_known else ""
