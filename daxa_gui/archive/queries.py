"""Questions about an archive's processing: what succeeded, what failed and why, what an observation consists of, where it is.

Answers come from the database, never from reading logs; each takes milliseconds for one observation, whatever the size of the
archive. A « process » is a step of the reduction, or one of DAXA's names for taking over products of a mission's archive
(`preprocessed_events` …).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.layout import ArchiveLayout, log_path_text
from daxa_gui.archive.preprocessed import PREPROCESSED, preprocessed_results
from daxa_gui.archive.rows import mapping, texts, typed
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.archive_queries import ObservationFacts, ProcessResult
from daxa_gui.core.collecting import short_passes
from daxa_gui.core.errors import InputError
from daxa_gui.core.job import JobState

FINAL_STEPS = ("clean",)  # of the built-in engine
OPENING_STEPS = ("exposures",)
DAXA_FINAL = "daxa_final"  # the verdict that DAXA reached on an observation before the archive was taken over from it
_COLUMNS = "mission, obs_id, unit, step, state, id, error, warnings, reason, started"
# No answer yet: unfinished, or stopped by a person.
_WITHOUT_SUCCESS_SQL = "state IN ('failed', 'skipped', 'cancelled')"  # spelt as in the index
_SUCCESS = {str(JobState.SUCCEEDED): True, str(JobState.FAILED): False, str(JobState.SKIPPED): False}
_OPEN_SQL = "state NOT IN ('succeeded', 'failed', 'skipped')"


class Queries:
    """Safe from any thread.

    Parameters
    ----------
    final_steps : an observation is a success if one of its units succeeded in one of these.
    opening_steps : where one of these does not succeed, nothing can follow for the whole observation.
    """

    def __init__(
        self, layout: ArchiveLayout, database: Database, final_steps: Sequence[str] = FINAL_STEPS,
        opening_steps: Sequence[str] = OPENING_STEPS,
    ) -> None:  # fmt: skip
        self._layout, self._database = layout, database
        self._final_steps, self._opening_steps = tuple(final_steps), tuple(opening_steps)
        self._logs = str(layout.logs)

    # ---- processes

    def process_results(self, mission: str = "", obs_id: str = "", step: str = "") -> list[ProcessResult]:
        """One for each step and unit (of a mission, observation or step if given), by mission, ObsID, unit and running order."""
        results: list[ProcessResult] = []
        with self._database.reading() as connection:
            if step not in PREPROCESSED:
                results = self._read(connection, *_where(mission, obs_id, step))
            if not step or step in PREPROCESSED:
                observations = self._observations(connection, mission, obs_id)
                taken_over = preprocessed_results(connection, self._layout, observations, mission, obs_id, step)
                results = [*taken_over, *results] if results else taken_over
        if not obs_id and not step:
            results.sort(key=lambda result: (result.mission, result.obs_id))
        return results

    def failed_processes(self, mission: str = "") -> list[ProcessResult]:
        """Those that ended without success, and those that were skipped because of them."""
        where, values = f"kind = 'reduce' AND {_WITHOUT_SUCCESS_SQL}", [mission] if mission else []
        where += " AND mission = ?" if mission else ""
        with self._database.reading() as connection:
            found = self._read(connection, f"{where} ORDER BY mission, obs_id, unit, id", values, "jobs_without_success")
        return [result for result in found if result.success is False]

    def _read(
        self, connection: sqlite3.Connection, where: str, values: Sequence[str], index: str = ""
    ) -> list[ProcessResult]:  # fmt: skip
        using = f" INDEXED BY {index}" if index else ""
        cursor = connection.execute(f"SELECT {_COLUMNS} FROM jobs{using} WHERE {where}", values)
        with short_passes(), sensible(self._layout.database):
            return [self._result(row) for row in cursor]

    def _result(self, row: Sequence[Any]) -> ProcessResult:
        mission, obs_id, unit, step, state, job_id, error, warnings, reason, started = row
        log_path = "" if started is None else log_path_text(self._logs, job_id)
        return ProcessResult(
            mission, obs_id, unit, step, success_of(state), state, job_id, _errors(error),
            texts(warnings) if warnings != "[]" else (), log_path, reason,
        )  # fmt: skip

    def logs(self, mission: str, obs_id: str) -> list[ProcessResult]:
        """The processes of an observation that have a log (`log_path`)."""
        return [result for result in self.process_results(mission, obs_id) if result.log_path]

    def errors(self, mission: str = "", obs_id: str = "", step: str = "") -> list[ProcessResult]:
        return [result for result in self.process_results(mission, obs_id, step) if result.errors]

    def warnings(self, mission: str = "", obs_id: str = "", step: str = "") -> list[ProcessResult]:
        return [result for result in self.process_results(mission, obs_id, step) if result.warnings]

    # ---- observations

    def final_success(self, mission: str = "") -> dict[tuple[str, str], bool | None]:
        """For each observation whether any unit succeeded in the final step; None while that is open: the step did not run, is
        not finished, or somebody cancelled what it needs."""
        of_mission, values = ("mission = ?", (mission,)) if mission else ("mission > ''", ())
        with self._database.reading() as connection:
            names = connection.execute(f"SELECT mission, obs_id FROM observations WHERE {of_mission}", values)
            result: dict[tuple[str, str], bool | None] = dict.fromkeys(names.fetchall())
            here = "FROM jobs INDEXED BY jobs_of_step WHERE kind = 'reduce' AND step = ?"
            open_ones: set[tuple[str, str]] = set()
            for step in self._used(connection, (DAXA_FINAL, *self._final_steps, *self._opening_steps)):
                # Two looks through the index are twice as fast as one that works out both answers for each observation.
                successes: dict[tuple[str, str], bool | None] = {}
                if step not in self._opening_steps:
                    found = connection.execute(
                        f"SELECT DISTINCT mission, obs_id {here} AND {of_mission} AND state = 'succeeded' AND reason = ''",
                        (step, *values),
                    )
                    successes = dict.fromkeys(found.fetchall(), True)
                others = connection.execute(
                    f"SELECT mission, obs_id, max({_OPEN_SQL}) {here} AND {of_mission}"
                    " AND NOT (state = 'succeeded' AND reason = '') GROUP BY mission, obs_id",
                    (step, *values),
                )
                for mission_, obs_id, is_open in others:
                    if is_open:
                        open_ones.add((mission_, obs_id))
                    if not result.get((mission_, obs_id)):
                        result[mission_, obs_id] = False
                result.update(successes)
            for one in open_ones:
                if result.get(one) is False:
                    result[one] = None
            cancelled = connection.execute(
                "SELECT DISTINCT mission, obs_id FROM jobs INDEXED BY jobs_without_success"
                f" WHERE kind = 'reduce' AND {_WITHOUT_SUCCESS_SQL} AND state = 'cancelled' AND {of_mission}",
                values,
            )
            for one in cancelled:
                if result.get(one) is False:
                    result[one] = None
        return result

    def data_path(self, mission: str, obs_id: str) -> str:
        """The folder of an observation's data: that of failed data where it lies there, otherwise that of processed data."""
        processed, failed = self._layout.processed_folder(mission, obs_id), self._layout.failed_folder(mission, obs_id)
        return str(failed if failed.is_dir() and not processed.is_dir() else processed)

    def observation_facts(self, mission: str, obs_id: str) -> ObservationFacts:
        """Instruments with their exposures, modes and filters as the step « prepare » found them, success, places and sizes.

        Raises
        ------
        InputError : the archive is not about this observation.
        """
        with self._database.reading() as connection:
            found = next(self._observations(connection, mission, obs_id), None)
            if found is None:
                raise InputError(f"The archive has no observation {obs_id} of {mission}.")
            prepared = connection.execute(
                "SELECT unit, state, facts, reason FROM jobs"
                " WHERE kind = 'reduce' AND mission = ? AND obs_id = ? AND step = 'prepare'",
                (mission, obs_id),
            ).fetchall()
            lists = connection.execute(
                "SELECT instrument, exposure FROM products WHERE mission = ? AND obs_id = ? AND kind = 'events'",
                (mission, obs_id),
            ).fetchall()
            of_files = connection.execute(
                "SELECT count(*), coalesce(sum(size_bytes), 0) FROM files WHERE mission = ? AND obs_id = ?", (mission, obs_id)
            ).fetchone()
            of_products = connection.execute(
                "SELECT count(*), coalesce(sum(size_bytes), 0) FROM products WHERE mission = ? AND obs_id = ?"
                " AND path LIKE 'archive:%'", (mission, obs_id),
            ).fetchone()  # fmt: skip
            final = self._final_of(connection, mission, obs_id)
        with sensible(self._layout.database):
            instruments = _instruments(found, lists, [(unit, state, mapping(facts), why) for unit, state, facts, why in prepared])
        return ObservationFacts(
            mission, obs_id, found.target, instruments, final, self.data_path(mission, obs_id),
            str(self._layout.raw_folder(mission, obs_id)), of_files[0] + of_products[0], of_files[1] + of_products[1],
        )  # fmt: skip

    @staticmethod
    def _used(connection: sqlite3.Connection, steps: Sequence[str]) -> list[str]:
        """Those that this archive has jobs of."""
        query = "SELECT 1 FROM jobs INDEXED BY jobs_of_step WHERE kind = 'reduce' AND step = ? LIMIT 1"
        return [step for step in steps if connection.execute(query, (step,)).fetchone() is not None]

    def _final_of(self, connection: sqlite3.Connection, mission: str, obs_id: str) -> bool | None:
        here = (mission, obs_id)
        steps = (DAXA_FINAL, *self._final_steps, *self._opening_steps)
        rows = connection.execute(
            "SELECT step, state, reason FROM jobs INDEXED BY jobs_of_step"
            f" WHERE kind = 'reduce' AND step IN ({', '.join('?' * len(steps))}) AND mission = ? AND obs_id = ?",
            (*steps, *here),
        ).fetchall()
        # an opening step that succeeded says nothing of the end
        final = [row[1:] for row in rows if row[0] not in self._opening_steps or row[1:] != ("succeeded", "")]
        if ("succeeded", "") in final:
            return True
        cancelled = connection.execute(
            "SELECT 1 FROM jobs INDEXED BY jobs_without_success WHERE kind = 'reduce' AND mission = ? AND obs_id = ?"
            f" AND {_WITHOUT_SUCCESS_SQL} AND state = 'cancelled' LIMIT 1",
            here,
        ).fetchone()
        ended = all(state in ("succeeded", "failed", "skipped") for state, _ in final)
        return False if final and ended and cancelled is None else None

    def _observations(self, connection: sqlite3.Connection, mission: str, obs_id: str) -> Iterator[ArchiveObservation]:
        conditions = {name: value for name, value in (("mission", mission), ("obs_id", obs_id)) if value}
        where = f" WHERE {' AND '.join(f'{name} = ?' for name in conditions)}" if conditions else ""
        rows = connection.execute(
            # SQLite does not know the numbers that a catalogue leaves open (NaN): such rows are read here
            "SELECT mission, obs_id, target, instruments, kinds,"
            " CASE WHEN json_valid(row) THEN coalesce(json_extract(row, '$.instruments'), '') END,"
            " CASE WHEN json_valid(row) THEN '' ELSE row END"
            f" FROM observations{where} ORDER BY mission, obs_id",
            tuple(conditions.values()),
        )
        with sensible(self._layout.database):
            for row in rows:
                name, obs, target, instruments, kinds, present, whole = typed(row, "tttttTt")
                present = str(mapping(whole).get("instruments") or "") if present is None else present
                yield ArchiveObservation(name, obs, target, texts(instruments), {"instruments": present}, kinds=texts(kinds))


def _where(mission: str, obs_id: str, step: str) -> tuple[str, tuple[str, ...]]:
    given = {name: value for name, value in (("step", step), ("mission", mission), ("obs_id", obs_id)) if value}
    conditions = ["kind = 'reduce'", *(f"{name} = ?" for name in given)]
    return f"{' AND '.join(conditions)} ORDER BY mission, obs_id, unit, id", tuple(given.values())


def success_of(state: str) -> bool | None:
    """Of a process, by the state of its job; None while nothing is decided (a cancelled one is not)."""
    return _SUCCESS.get(state)


def _errors(document: str) -> tuple[str, ...]:
    if document == "null":
        return ()
    error = json.loads(document)
    if not isinstance(error, dict):
        raise TypeError("an error is no JSON object")
    return tuple(str(error[name]) for name in ("message", "hint") if error.get(name))


def _instruments(
    about: ArchiveObservation, lists: Iterable[tuple[str, str]], prepared: Iterable[tuple[str, str, Mapping[str, Any], str]]
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Facts by instrument: `active`, `n_exposures`, `exposures` (by sub-exposure: filter, mode, `usable`, `n_events`, seconds),
    `filters`, `modes`. Instruments that were chosen and have no event list are not active."""
    known = {unit: (state, facts, reason) for unit, state, facts, reason in prepared}
    result: dict[str, dict[str, Any]] = {}
    expected = about.instruments or tuple(str(about.row.get("instruments", "")).split())
    for name in expected:
        result[name] = {"active": False, "n_exposures": 0, "exposures": {}, "filters": [], "modes": []}
    for instrument, exposure in lists:
        unit = instrument if exposure in ("ALL", "") else f"{instrument}{exposure}"
        joined = next((name for name in known if set(name.split("_")) <= set(expected) and "_" in name), "")
        state, facts, reason = known.get(unit) or known.get(joined) or ("", {}, "")
        for name in _names(unit, instrument, expected, facts):
            entry = result.setdefault(name, {"active": False, "n_exposures": 0, "exposures": {}, "filters": [], "modes": []})
            _add_exposure(entry, exposure or "ALL", state, facts, reason)
    return result


def _names(unit: str, instrument: str, expected: Sequence[str], facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The instruments that a list is about. One of all telescope modules: those with good time in it, as far as is known."""
    if instrument in expected or not expected:
        return (instrument,)
    modules = [entry.get("ccd") for entry in facts.get("good_time", ()) if entry.get("seconds")]
    with_time = tuple(name for name in expected if any(name == f"TM{number}" for number in modules))
    starting = tuple(name for name in expected if name.startswith(instrument))
    return with_time or starting or tuple(expected)


def _add_exposure(entry: dict[str, Any], exposure: str, state: str, facts: Mapping[str, Any], reason: str) -> None:
    usable = None if state != JobState.SUCCEEDED else not reason
    entry["active"] = True
    entry["exposures"][exposure] = {
        "filter": facts.get("filter", ""),
        "mode": facts.get("mode", ""),
        "usable": usable,
        "why_not": reason,
        "n_events": facts.get("rows"),
        "good_time_s": facts.get("total_good_time_s"),
    }
    entry["n_exposures"] = len(entry["exposures"])
    for plural, name in (("filters", "filter"), ("modes", "mode")):
        if facts.get(name) and facts[name] not in entry[plural]:
            entry[plural].append(facts[name])
