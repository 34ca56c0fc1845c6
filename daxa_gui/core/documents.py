"""Plain values as JSON documents and back: what is stored in archives and what travels to worker processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import Call, Command, JobRequest, MadeFile, Outcome, Place, Task


def _plain(value: Any) -> Any:
    """What JSON does not know but tasks like to report: numpy numbers and arrays, paths, sets."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_ENCODER = json.JSONEncoder(default=_plain, sort_keys=True, separators=(",", ":"))


def to_json(document: Any) -> str:
    """Compact JSON on one line, ASCII (so that file names that are no proper text survive); equal values give equal text."""
    return _ENCODER.encode(document)


def task_document(task: Task) -> dict[str, Any]:
    if isinstance(task, Call):
        return {"call": task.target, "arguments": task.arguments, "place": str(task.place)}
    return {"command": list(task.argv), "environment": task.environment, "outputs": list(task.outputs)}


def task_from(document: Mapping[str, Any]) -> Task:
    if "call" in document:
        return Call(document["call"], document["arguments"], Place(document["place"]))
    return Command(tuple(document["command"]), document["environment"], tuple(document["outputs"]))


def _key_document(key: ProductKey) -> dict[str, Any]:
    return {
        "mission": key.mission,
        "obs_id": key.obs_id,
        "kind": str(key.kind),
        "instrument": key.instrument,
        "exposure": key.exposure,
        "band_kev": list(key.band_kev) if key.band_kev is not None else None,
    }


def _key_from(document: Mapping[str, Any]) -> ProductKey:
    band = document["band_kev"]
    return ProductKey(
        mission=document["mission"],
        obs_id=document["obs_id"],
        kind=ProductKind(document["kind"]),
        instrument=document["instrument"],
        exposure=document["exposure"],
        band_kev=(band[0], band[1]) if band is not None else None,
    )


def request_document(request: JobRequest) -> dict[str, Any]:
    return {
        "kind": request.kind,
        "lane": request.lane,
        "mission": request.mission,
        "obs_id": request.obs_id,
        "unit": request.unit,
        "step": request.step,
        "title": request.title,
        "task": task_document(request.task),
        "label": request.label,
        "needs": list(request.needs),
        "size_bytes": request.size_bytes,
    }


def request_from(document: Mapping[str, Any]) -> JobRequest:
    return JobRequest(**{**document, "task": task_from(document["task"]), "needs": tuple(document["needs"])})


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    return {
        "files": [
            {
                "name": made.name,
                "key": _key_document(made.key) if made.key is not None else None,
                "destination": made.destination,
                "facts": made.facts,
            }
            for made in outcome.files
        ],
        "warnings": list(outcome.warnings),
        "facts": outcome.facts,
        "stop": outcome.stop,
        "follow_ups": [request_document(request) for request in outcome.follow_ups],
    }


def outcome_from(document: Mapping[str, Any]) -> Outcome:
    return Outcome(
        files=tuple(
            MadeFile(
                name=made["name"],
                key=_key_from(made["key"]) if made["key"] is not None else None,
                destination=made["destination"],
                facts=made["facts"],
            )
            for made in document["files"]
        ),
        warnings=tuple(document["warnings"]),
        facts=document["facts"],
        stop=document["stop"],
        follow_ups=tuple(request_from(request) for request in document["follow_ups"]),
    )
