"""How long the jobs that are left will take, by what such jobs took in this archive before."""

from __future__ import annotations

from daxa_gui.archive.database import Database
from daxa_gui.core.reduction_plan import TimeLeft

_ENOUGH = 200  # the newest runs of a step that count
_TO_DO = "state IN ('waiting', 'queued', 'running')"


def time_left(database: Database, at_once: int, now: float) -> TimeLeft:
    """Parameters
    ----------
    at_once : how many jobs run side by side.
    now : seconds since 1970; what running jobs have taken already is taken off.
    """
    with database.reading() as connection:
        to_do = connection.execute(
            f"SELECT step, count(*), coalesce(sum(CASE WHEN state = 'running' AND started < ? THEN ? - started ELSE 0 END), 0)"
            f" FROM jobs WHERE kind = 'reduce' AND {_TO_DO} GROUP BY step",
            (now, now),
        ).fetchall()
        known = {
            step: connection.execute(
                "SELECT avg(took), count(*) FROM (SELECT finished - started AS took FROM jobs WHERE kind = 'reduce' AND step = ?"
                " AND state = 'succeeded' AND finished > started ORDER BY finished DESC LIMIT ?)",
                (step, _ENOUGH),
            ).fetchone()
            for step, _, _ in to_do
        }
    n_jobs = sum(int(count) for _, count, _ in to_do)
    if not n_jobs:
        return TimeLeft(0.0, 0, "Nothing is left to do.")
    seconds, n_known, n_runs = 0.0, 0, 0
    for step, count, spent in to_do:
        mean, runs = known[step]
        if runs:
            seconds += max(0.0, count * mean - min(spent, count * mean))
            n_known, n_runs = n_known + int(count), n_runs + int(runs)
    if not n_known:
        return TimeLeft(None, n_jobs, "No such job has ended in this archive yet, so nobody knows how long they take.")
    # steps that never ran are taken to be like the others
    seconds *= n_jobs / n_known / max(1, at_once)
    unknown = n_jobs - n_known
    more = f"; {unknown} jobs are of steps that never ran here" if unknown else ""
    return TimeLeft(seconds, n_jobs, f"By {n_runs} runs of the same steps in this archive{more}.")
