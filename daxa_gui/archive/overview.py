"""All jobs of an archive in columns, read from its database without making a Job of each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.archive.failures import sensible
from daxa_gui.core.job import JobState
from daxa_gui.core.job_overview import MOST_CHARACTERS, STATE_CODES, JobOverview, Names, Texts

_AT_ONCE = 5_000
_QUERY = f"""
SELECT id, kind, mission, obs_id, unit, step, lane, state, done, total, title,
    CASE WHEN error <> 'null' THEN error WHEN reason <> '' THEN substr(reason, 1, {MOST_CHARACTERS})
        WHEN warnings <> '[]' THEN warnings ELSE '' END,
    CASE WHEN error <> 'null' THEN 3 WHEN reason <> '' THEN 2 WHEN warnings <> '[]' THEN 1 ELSE 0 END, warnings <> '[]'
FROM jobs"""
_SUCCEEDED = str(JobState.SUCCEEDED)
_CODES = {str(state): code for state, code in STATE_CODES.items()}


def read_overview(connection: sqlite3.Connection, path: Path, kinds: Collection[str] = ()) -> JobOverview:
    """The jobs of some kinds (all if there are none), oldest first. Raises ArchiveError for rows that make no sense."""
    where = f" WHERE kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    cursor = connection.execute(f"{_QUERY}{where} ORDER BY id", tuple(kinds))
    names = {name: Names() for name in ("kinds", "steps", "lanes", "observations")}
    parts: list[tuple[dict[str, np.ndarray], dict[str, Texts]]] = []
    while rows := cursor.fetchmany(_AT_ONCE):
        with sensible(path):
            parts.append(_part(rows, names))
    if not parts:
        return JobOverview()
    columns = {name: np.concatenate([numbers[name] for numbers, _ in parts]) for name in parts[0][0]}
    texts = {name: Texts.joined([part[name] for _, part in parts]) for name in parts[0][1]}
    return JobOverview.of_columns(columns, texts, names)


def _part(rows: Sequence[tuple[Any, ...]], names: dict[str, Names]) -> tuple[dict[str, np.ndarray], dict[str, Texts]]:
    ids, kinds, missions, obs_ids, units, steps, lanes, states, done, total, titles, messages, meanings, warned = zip(
        *rows, strict=True
    )

    def codes(name: str, values: Sequence[Any]) -> np.ndarray:
        return np.fromiter(map(names[name].code, values), np.int32, len(rows))

    numbers = {
        "ids": np.array(ids, np.int64),
        "kind": codes("kinds", kinds),
        "observation": codes("observations", list(zip(missions, obs_ids, strict=True))),
        "step": codes("steps", steps),
        "lane": codes("lanes", lanes),
        "state": np.array([_CODES[state] for state in states], np.int8),
        "done": np.array(done, np.float64),
        "total": np.array(total, np.float64),
        "excluded": np.array(
            [state == _SUCCEEDED and meaning == 2 for state, meaning in zip(states, meanings, strict=True)], np.bool_
        ),
        "warned": np.array(warned, np.bool_),
    }
    sentences = [_MEANINGS[meaning](text) for text, meaning in zip(messages, meanings, strict=True)]
    return numbers, {"units": Texts(units), "titles": Texts(titles), "messages": Texts(sentences)}


def _error(text: str) -> str:
    error = json.loads(text)
    return f"{error['message']} {error.get('hint', '')}".strip()[:MOST_CHARACTERS]


def _plain(text: str) -> str:
    return text


def _warnings(text: str) -> str:
    return "; ".join(json.loads(text))[:MOST_CHARACTERS]


_MEANINGS: tuple[Callable[[str], str], ...] = (_plain, _warnings, _plain, _error)
