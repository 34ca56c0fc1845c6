"""Which software was found, in words: a line for the missions of an archive, and sentences that say more."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from daxa_gui.core.software import SoftwareStatus
from daxa_gui.core.step import Step

_OPTIONAL = "pfiles"  # a folder of a person's own parameter files, which need not be anywhere else than usual
_CALIBRATION_OF = {"ciao_caldb": "ciao"}  # it comes with the package


def software_of(steps: Sequence[Step], missions: Collection[str]) -> tuple[str, ...]:
    """Names of the software and calibration that steps of these missions use, the built-in engine last."""
    here = set(missions)
    names = dict.fromkeys(
        _CALIBRATION_OF.get(name, name)
        for step in steps
        if step.missions and here & set(step.missions)
        for name in (step.software, *step.calibration)
    )
    names.pop("builtin", None)
    return (*names, "builtin")


def software_sentence(found: Sequence[SoftwareStatus]) -> str:
    """What was found and what is wrong, a line each; what nobody has here is one line together."""
    lines = [status.message for status in found if status.is_named]
    missing = [status.label for status in found if not status.is_named and status.name != _OPTIONAL]
    if missing:
        lines.append(f"Not found: {', '.join(missing)}. Edit › Settings › Software says where they are looked for.")
    return "\n".join(lines)


def software_line(found: Sequence[SoftwareStatus], wanted: Collection[str] | None = None) -> str:
    """« SAS 22.1.0 · CCF, 34 files · built-in engine 0.1.0 · not found: CIAO » of the wanted ones (None: all).

    A package whose version nobody asked for yet (its set-up script would have to run) stands without one.
    """
    mine = [one for one in found if one.name != _OPTIONAL and (wanted is None or one.name in wanted)]
    mine.sort(key=lambda one: one.name == "builtin")
    parts = [_named(one) for one in mine if one.found]
    for words, is_named in (("▲ with a problem", True), ("▲ not found", False)):
        names = [one.label for one in mine if not one.found and one.is_named is is_named]
        parts += [f"{words}: {', '.join(names)}"] if names else []
    return " · ".join(parts)


def _named(status: SoftwareStatus) -> str:
    label = status.label or ("Built-in engine" if status.name == "builtin" else status.name)
    version = status.version.partition(",")[0]  # behind a comma stands what only machines compare
    return f"{label}, {version}" if version.endswith(" files") else f"{label} {version}".rstrip()
