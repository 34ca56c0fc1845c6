"""How requested jobs stand to what an archive has already: never done, to be done again (and why), or fresh."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daxa_gui.archive.configurations import REPLACED
from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.job_rows import task_text
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import Job
from daxa_gui.core.parameter_words import change_words
from daxa_gui.core.step import JobRequest, Parameter, Step

Identity = tuple[str, str, str, str]  # mission, ObsID, unit, step
_STATE_WORDS = {
    "failed": "it failed before", "cancelled": "it was cancelled before", "skipped": "it was skipped before",
    "paused": "it was paused", "waiting": "it waits already", "queued": "it is queued already", "running": "it is running",
    "cancelling": "it is being cancelled",
}  # fmt: skip
_NO_PARAMETERS = frozenset(
    {"path", "gti_path", "mission", "obs_id", "instrument", "exposure", "modules", "raw_folder", "events", "chosen", "summary"}
)
TAKEN_OVER = "it was taken over from DAXA"  # why its results are made anew: with which software is not known
UNDER_WAY = ("waiting", "queued", "running", "cancelling", "paused")


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one request: `job_id` 0 if it was never asked for. `replaces`: it has products (also of a run before one that failed),
    which would be made anew with another task, or from others. `goes_back`: to the task with which its products were made, or
    from the products from which they were made, after runs with another one that failed. `reason` is empty for what is new or
    fresh; it says what people read, `changed` has the names of the parameters that it is about."""

    job_id: int
    state: str
    is_fresh: bool
    replaces: bool
    reason: str
    goes_back: bool = False
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stored:
    """A job. `made_with`: the task with which its products were made, "" without products."""

    id: int
    state: str
    stale: int
    task: str
    made_with: str

    def goes_back_to(self, task: str, back: set[str], needs: Collection[object]) -> bool:
        ended_badly = self.state in ("failed", "skipped", "cancelled")
        return ended_badly and self.made_with == task and (self.task != task or any(need in back for need in needs))


# A job that did not succeed (again) may have products of the run before.
_MADE_WITH = (
    "CASE WHEN state <> 'succeeded' THEN (SELECT h.task FROM products p JOIN history h ON h.path = p.path"
    " WHERE p.job_id = jobs.id ORDER BY h.id DESC LIMIT 1) ELSE task END"
)


_SELECT = (
    f"SELECT obs_id, unit, step, id, state, stale, task, {_MADE_WITH} FROM jobs"
    " WHERE kind = 'reduce' AND mission = ? AND obs_id IN (SELECT value FROM json_each(?))"
)


class Standings:
    """The stored reduction jobs of observations: those of one `compare` are read together, and kept until the next one. So who
    asks for some observations at a time never has more than theirs in memory, however large the archive is.

    Parameters
    ----------
    steps : their declarations, by name; reasons call the parameters as forms do.
    """

    def __init__(self, layout: ArchiveLayout, database: Database, steps: Mapping[str, Step] | None = None) -> None:
        self._layout = layout
        self._steps = steps if steps is not None else {}
        self._labels: dict[str, dict[str, Parameter]] = {}  # step → its parameters by name
        self._database = database
        self._here: dict[str, set[str]] = {}  # mission → ObsIDs whose jobs have been read
        self._stored: dict[Identity, _Stored] = {}

    def _read(self, requests: Sequence[JobRequest]) -> None:
        """Have the jobs of all observations of these requests; what there is is read once."""
        wanted: dict[str, set[str]] = {}
        for request in requests:
            wanted.setdefault(request.mission, set()).add(request.obs_id)
        if all(obs_ids <= self._here.get(mission, set()) for mission, obs_ids in wanted.items()):
            return
        self.look_at(wanted)

    def look_at(self, wanted: Mapping[str, Collection[str]]) -> None:
        """Read the jobs of observations (mission → ObsIDs) anew, and forget all others."""
        self._stored = {}
        self._here = {mission: set(obs_ids) for mission, obs_ids in wanted.items()}
        with self._database.reading() as connection:
            for mission, obs_ids in wanted.items():
                for row in connection.execute(_SELECT, (mission, json.dumps(sorted(obs_ids)))):
                    obs_id, unit, step, job_id, state, stale, task, made_with = row
                    self._stored[mission, obs_id, unit, step] = _Stored(job_id, state, int(stale), task, made_with or "")

    def compare(self, requests: Sequence[JobRequest], *, again: Collection[str] = ()) -> list[Standing]:
        """One for each request, in their order; each request stands behind those that it needs. Steps of `again` are done once
        more whatever there is.

        Whether files of a product are gone is only seen when the jobs are added.
        """
        self._read(requests)
        renewed: set[str] = set()  # labels of what will be made anew
        other: set[str] = set()  # of those, what will not be as it is now
        back: set[str] = set()  # of those, what will be as it is now
        result = []
        for request in requests:
            standing = self._compare_one(request, again, renewed, other, back)
            if not standing.is_fresh:
                renewed.add(request.label)
            if standing.replaces or not (standing.is_fresh or standing.job_id):
                other.add(request.label)
            if standing.goes_back:
                back.add(request.label)
            result.append(standing)
        return result

    def _compare_one(
        self, request: JobRequest, again: Collection[str], renewed: set[str], other: set[str], back: set[str]
    ) -> Standing:
        found = self._stored.get((request.mission, request.obs_id, request.unit, request.step))
        if found is None:
            return Standing(0, "", False, False, "")
        job_id, state, stale, task = found.id, found.state, found.stale, task_text(request.task)
        replaces = found.made_with not in ("", task) or (found.made_with != "" and not other.isdisjoint(request.needs))
        goes_back = found.goes_back_to(task, back, request.needs) and not replaces
        if found.task != task:
            reason, changed = self._what_changed(found.task, request)
            return Standing(job_id, state, False, replaces, reason, goes_back, changed)
        if state == "skipped" and renewed.isdisjoint(request.needs):
            return Standing(job_id, state, True, False, "")  # for a reason that still holds: it would be skipped again
        if state != "succeeded":
            return Standing(job_id, state, False, replaces, _STATE_WORDS.get(state, state), goes_back)
        if stale == REPLACED:
            return Standing(job_id, state, False, False, "another engine's result has taken its place")
        if stale or not renewed.isdisjoint(request.needs):
            return Standing(job_id, state, False, True, "its input is made again")
        if request.step in again:
            return Standing(job_id, state, False, True, "asked for")
        return Standing(job_id, state, True, False, "")

    @staticmethod
    def refuse_replaced_input(database: Database, job: Job) -> None:
        """Raises ArchiveError if another engine's result lies where that of a needed step lay: the job would go on with what
        is not meant for it."""
        with database.reading() as connection:
            row = connection.execute(
                "SELECT title FROM jobs WHERE stale = ? AND id IN (SELECT needed_id FROM needs WHERE job_id = ?)",
                (REPLACED, job.id),
            ).fetchone()
        if row is not None:
            raise ArchiveError(
                f"What « {row[0]} » made is no longer there: another engine's result has taken its place.",
                "Order the step instead of trying this job again: what it needs is then made first.",
            )

    def _parameters(self, step: str) -> Mapping[str, Parameter]:
        if step not in self._labels:
            declared = self._steps[step].parameters if step in self._steps else ()
            self._labels[step] = {parameter.name: parameter for parameter in declared}
        return self._labels[step]

    def _what_changed(self, stored: str, request: JobRequest) -> tuple[str, tuple[str, ...]]:
        """In words, and the names of the parameters."""
        with sensible(self._layout.database):
            task = json.loads(stored)
            before = task.get("arguments", {})
            if str(task.get("call", "")).startswith("daxa."):
                return TAKEN_OVER, ()
            known = [parameters_in(before), _mapping(before.get("versions"))]
        after = json.loads(task_text(request.task)).get("arguments", {})
        now = [parameters_in(after), _mapping(after.get("versions"))]
        labels = self._parameters(request.step)
        for old, new, words, declared in zip(known, now, ("parameters", "software"), (labels, {}), strict=True):
            place = {name: number for number, name in enumerate(declared)}  # as in the form
            changes = sorted(changed_values(old, new), key=lambda change: place.get(change[0], len(place)))
            if changes:
                shown = ", ".join(change_words(declared, *change) for change in changes[:3])
                names = tuple(name for name, _, _ in changes) if words == "parameters" else ()
                return f"{words}: {shown}{' …' if len(changes) > 3 else ''}", names
        return "what is known of the data has changed", ()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def changed_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(name, old value, new value) of what differs, None where there was or is none."""
    names = dict.fromkeys((*before, *after))
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def parameters_in(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters among the arguments of a step's task: the built-in engine has them beside what says which data are meant."""
    own = arguments.get("parameters")
    if isinstance(own, Mapping):
        return dict(own)
    return {name: value for name, value in arguments.items() if name not in _NO_PARAMETERS}


def stored_parameters(task: str) -> dict[str, Any]:
    """The parameters in a stored task. Raises ValueError, TypeError or AttributeError if it makes no sense."""
    return parameters_in(json.loads(task).get("arguments", {}))
