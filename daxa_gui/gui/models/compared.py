"""Products of a configuration beside the present ones: what of them is compared, and how numbers and differences are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daxa_gui.core.parameter_words import label_of, value_words
from daxa_gui.core.product import ProductKind
from daxa_gui.core.reduction_plan import ComparedProduct, Configuration
from daxa_gui.core.step import Step
from daxa_gui.gui.archive_contents import KIND_LABELS
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import UNKNOWN, count_text

# Kinds that the Inspect workspace can show.
INSPECTED = frozenset(
    {
        ProductKind.EVENTS, ProductKind.CLEAN_EVENTS, ProductKind.FINAL_EVENTS, ProductKind.CALIBRATED_EVENTS,
        ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP, ProductKind.RATE_MAP, ProductKind.FLUX_MAP,
    }
)  # fmt: skip

_KIND_LABELS = {str(kind): label for kind, label in KIND_LABELS.items()}


@dataclass(frozen=True)
class Quantity:
    """One number that products have in their facts. `write` is for the number, `differ` for a difference (without sign)."""

    heading: str
    facts: tuple[str, ...]  # names that it may have, the first that is there counts
    write: Callable[[float], str]
    differ: Callable[[float], str]


QUANTITIES = (
    Quantity("Good time (ks)", ("ontime_s", "good_time_s"), lambda s: f"{s / 1000:.2f}", lambda s: f"{s / 1000:.2f}"),
    Quantity("Events", ("n_events",), lambda n: count_text(round(n)), lambda n: count_text(round(n))),
    Quantity("Kept", ("kept_fraction",), lambda part: f"{100 * part:.1f} %", lambda part: f"{100 * part:.1f} %"),
)


def number_of(facts: Mapping[str, Any], *names: str) -> float | None:
    """The first that is there; None where the product does not tell it (or tells nonsense: facts are JSON of an archive)."""
    for name in names:
        value = facts.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def difference(one: ComparedProduct, quantity: Quantity) -> float | None:
    """Now minus then."""
    old, new = number_of(one.old_facts, *quantity.facts), number_of(one.new_facts, *quantity.facts)
    return None if old is None or new is None else new - old


def difference_text(one: ComparedProduct, quantity: Quantity) -> str:
    """« +1.2 % », « −340 », « same »."""
    value = difference(one, quantity)
    if value is None:
        return UNKNOWN
    if not value:
        return "same"
    return f"{'+' if value > 0 else '−'}{quantity.differ(abs(value))}"


def differs(one: ComparedProduct) -> bool:
    """A product that is gone, or of which a number is another one."""
    return not one.new_path or any(difference(one, quantity) for quantity in QUANTITIES)


def comparison_columns(labels: Mapping[str, str]) -> tuple[RecordColumn, ...]:
    """What product, then of each quantity: then and now, and the difference."""
    columns = [
        RecordColumn(
            "Data", lambda one: f"{one.obs_id} {one.unit}".rstrip(), tip=lambda one: labels.get(one.mission, one.mission)
        ),
        RecordColumn("Product", lambda one: _KIND_LABELS.get(one.kind, one.kind), tip=lambda one: one.old_path),
    ]
    for quantity in QUANTITIES:
        columns += [_then_and_now(quantity), _difference(quantity)]
    columns.append(
        RecordColumn("Now", lambda one: "there" if one.new_path else "gone", tip=lambda one: one.new_path or "No file")
    )
    return tuple(columns)


def _then_and_now(quantity: Quantity) -> RecordColumn:
    def values(one: ComparedProduct) -> tuple[float | None, float | None]:
        return number_of(one.old_facts, *quantity.facts), number_of(one.new_facts, *quantity.facts)

    def text(one: ComparedProduct) -> str:
        if values(one) == (None, None):
            return UNKNOWN
        then, now = (UNKNOWN if value is None else quantity.write(value) for value in values(one))
        return f"{then} → {now}"

    def key(one: ComparedProduct) -> float:
        now = values(one)[1]
        return -1.0 if now is None else now

    return RecordColumn(quantity.heading, text, key=key, number=True)


def _difference(quantity: Quantity) -> RecordColumn:
    return RecordColumn(
        "Difference",
        lambda one: difference_text(one, quantity),
        key=lambda one: difference(one, quantity) or 0.0,
        number=True,
    )


def differed_text(configuration: Configuration, steps: Mapping[str, Step]) -> str:
    """« Flares: Sigma 3; Image: Pixel size 2 event pixels », with the words of the forms, or the reason where no parameter
    differed."""
    parts = []
    for name, values in configuration.parameters.items():
        step = steps.get(name)
        declared = {parameter.name: parameter for parameter in step.parameters} if step is not None else {}
        words = [f"{label_of(declared, one)} {value_words(declared.get(one), value)}" for one, value in values.items()]
        if words:
            parts.append(f"{step.label if step is not None else name}: {', '.join(words)}")
    return "; ".join(parts) or configuration.reason
