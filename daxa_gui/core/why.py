"""Why not? For one observation, what each filter of a stack says of it, and the smallest change that would let it through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from daxa_gui.core import why_rows, why_sky
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.filter_base import Filter
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Picked
from daxa_gui.core.obstacle import BY_HAND, obstacle, one_row

__all__ = ["Verdict", "explain", "first_obstacle"]

_ANSWERS = (why_rows, why_sky)  # what the filters of each kind answer is registered when these are imported


@dataclass(frozen=True)
class Verdict:
    """What one row of a stack says of one observation.

    `sentence` is the filter's own. `reason` is a clause that says why it does not pass; `change` is the changed filter that
    would let it pass in that filter's place, None where none is sensible; `change_sentence` says what to do.
    """

    row_id: int
    sentence: str
    passes: bool
    reason: str = ""
    change: Filter | None = None
    change_sentence: str = ""


def explain(stack: FilterStack, catalogue: Catalogue, row: int) -> tuple[Verdict, ...]:
    """A verdict of each row of the stack that is on and applies to the catalogue's mission, in their order.

    An observation that is ticked in by hand passes whatever stands before that; its verdicts there say so. So all verdicts pass
    exactly if the observation is in the stack's mask.

    Raises
    ------
    IndexError : the catalogue has no such row.
    """
    alone = one_row(catalogue, row)
    verdicts: list[Verdict] = []
    for one in stack.rows:
        if not one.applies_to(catalogue.mission):
            continue
        if isinstance(one.filter, Picked) and one.filter.keep:
            ticked = bool(one.filter.ticked(alone)[0])
            if ticked:
                verdicts = [_brought_back(verdict) for verdict in verdicts]
            verdicts.append(Verdict(one.id, one.filter.sentence(), True, "it is kept by hand" if ticked else ""))
        else:
            verdicts.append(_verdict(one.id, one.filter, alone))
    return tuple(verdicts)


def _verdict(row_id: int, one: Filter, alone: Catalogue) -> Verdict:
    if one.mask(alone)[0]:
        return Verdict(row_id, one.sentence(), True)
    found = obstacle(one, alone)
    if found.change is not None and not found.change.mask(alone)[0]:  # then it is better to say nothing than something wrong
        return Verdict(row_id, one.sentence(), False, found.reason, None, BY_HAND)
    return Verdict(row_id, one.sentence(), False, found.reason, found.change, found.words)


def _brought_back(verdict: Verdict) -> Verdict:
    if verdict.passes:
        return verdict
    return replace(verdict, passes=True, reason=f"{verdict.reason}; but it is kept by hand", change=None, change_sentence="")


def first_obstacle(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The first filter that does not let the observation pass; None if all do."""
    return next((verdict for verdict in verdicts if not verdict.passes), None)
