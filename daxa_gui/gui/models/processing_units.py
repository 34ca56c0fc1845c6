"""Units of an observation: their names, which steps can run for which, and which of their files can be looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence

from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.step import Level, Step

_XMM_INSTRUMENTS = ("PN", "M1", "M2", "R1", "R2")  # units of these names are all exposures of the instrument together
_WITH_EXPOSURE = re.compile(r".+[SUX]\d{3}$")
# Kinds of files that can be looked at, the last made ones first.
_SHOWN = (ProductKind.FINAL_EVENTS, ProductKind.CLEAN_EVENTS, ProductKind.CALIBRATED_EVENTS, ProductKind.IMAGE)
_ABOUT = {
    Level.OBSERVATION: "runs once for the whole observation",
    Level.INSTRUMENT: "runs for all exposures of an instrument together",
    Level.EXPOSURE: "runs for single exposures of its instruments",
}


def unit_text(unit: str) -> str:
    """« M1, all exposures » for the unit of a whole instrument of XMM-Newton, others as they are."""
    return f"{unit}, all exposures" if unit in _XMM_INSTRUMENTS else unit


def applies(step: Step, mission: str, unit: str) -> bool:
    """Whether a step can have a job for a unit ("" for the whole observation) of a mission."""
    if step.missions and mission not in step.missions:
        return False
    if step.level is Level.OBSERVATION or not unit:
        return step.level is Level.OBSERVATION and not unit
    if step.instruments and not unit.startswith(step.instruments):
        return False
    if step.level is Level.INSTRUMENT:
        return not _WITH_EXPOSURE.match(unit)
    return unit not in _XMM_INSTRUMENTS


def why_empty(step: Step, can_run: bool) -> str:
    """What a cell without a job means."""
    if can_run:
        return f"{step.label}: not ordered yet."
    of = f" ({', '.join(step.instruments)})" if step.instruments else ""
    return f"{step.label}: does not apply here; it {_ABOUT[step.level]}{of}."


def to_look_at(made: Sequence[ProductKind], products: Sequence[Product]) -> Product | None:
    """What the Inspect workspace shows of a unit: the list that a step calibrates, else the downloaded one with all that was made
    of it, else what the step makes, else the unit's last event list."""
    by_kind: dict[ProductKind, Product] = {}
    for product in products:
        by_kind.setdefault(product.key.kind, product)
    calibrated = [ProductKind.CALIBRATED_EVENTS] if ProductKind.CALIBRATED_EVENTS in made else []
    wanted = (*calibrated, ProductKind.EVENTS, *(kind for kind in made if kind in _SHOWN), *_SHOWN)
    return next((by_kind[kind] for kind in wanted if kind in by_kind), None)
