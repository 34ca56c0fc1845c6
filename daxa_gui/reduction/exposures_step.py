"""The step that finds out of which instruments and exposures an observation's raw data consist; what comes after it is planned
from its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, Level, Outcome, Place, Step, TaskContext
from daxa_gui.reduction.recipe import WorkUnit

_HERE = "daxa_gui.reduction.exposures_step"
_AGAIN = "Run the step « ODF summary » again."
_OTHERS = "daxa_gui.reduction.other_units"

# Mission → function that reads what the task names into units. A mission whose software gets steps needs a line.
READERS = {
    "xmm_pointed": f"{_HERE}:xmm_units",
    "erosita_calpv": f"{_OTHERS}:erosita_exposures",
    "erosita_all_sky_de_dr1": f"{_OTHERS}:erosita_exposures",
    "chandra": f"{_OTHERS}:chandra_exposures",
    "nustar_pointed": f"{_OTHERS}:nustar_exposures",
}

EXPOSURES = Step(
    name="exposures",
    label="Exposures",
    help=(
        "Read from the raw data which instruments observed, in which exposures, modes and with which filters, and decide which of"
        " them can be reduced. The steps after it follow from its answer."
    ),
    software="builtin",
    needs=("odf_ingest",),
    parameters=(),
    build=f"{_HERE}:build_exposures",
    missions=tuple(READERS),
    level=Level.OBSERVATION,
)


def build_exposures(unit: WorkUnit, parameters: Mapping[str, Any]) -> Call:
    """Facts of the unit: « chosen » instruments, « events » (paths of the raw event lists)."""
    arguments = {
        "mission": unit.mission, "raw_folder": unit.raw_folder, "events": list(unit.facts.get("events", ())),
        "chosen": list(unit.facts.get("chosen", ())),
    }  # fmt: skip
    if unit.mission == "xmm_pointed":
        arguments["summary"] = unit.product(ProductKind.ODF_SUMMARY)
    return Call(f"{_HERE}:exposures", arguments, Place.PROCESS)


def exposures(
    ctx: TaskContext, mission: str, raw_folder: str, events: Sequence[str], chosen: Sequence[str], summary: str = ""
) -> Outcome:
    """Facts « units »: a list of {instrument, exposure, usable, reason, …}; `stop` where none of them can be reduced.

    Raises
    ------
    FileError : a file that has to say it is missing, cut or strange.
    """
    if mission not in READERS:
        raise ReductionError(f"Nothing is known of the exposures of {mission}.")
    units = resolve(READERS[mission])(raw_folder=raw_folder, events=tuple(events), chosen=tuple(chosen), summary=summary)
    usable = [unit for unit in units if unit["usable"]]
    for unit in units:
        name = f"{unit['instrument']}{'' if unit['exposure'] in ('', 'ALL') else unit['exposure']}"
        ctx.log(f"{name}: {'will be reduced' if unit['usable'] else unit['reason']}")
    stop = "" if usable else _why_nothing(units)
    return Outcome(facts={"units": units, "n_usable": len(usable), "n_units": len(units)}, stop=stop)


def _why_nothing(units: Sequence[Mapping[str, Any]]) -> str:
    if not units:
        return "The raw data name no exposure of a chosen instrument."
    reasons = list(dict.fromkeys(str(unit["reason"]) for unit in units))
    return f"None of the {len(units)} exposures can be reduced: {reasons[0]}" if len(units) > 1 else reasons[0]


def xmm_units(*, raw_folder: str, events: Sequence[str], chosen: Sequence[str], summary: str) -> list[dict[str, Any]]:
    """From the summary that odfingest wrote."""
    from daxa_gui.core.errors import FileError
    from daxa_gui.reduction.xmm_common import LARGEST_SUMMARY_BYTES
    from daxa_gui.reduction.xmm_summary import read_units

    path = Path(summary)
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_SUMMARY_BYTES:
            raise FileError(f"The summary of the raw data {path} is no plain file of a sensible size.", _AGAIN)
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise FileError(f"The summary of the raw data {path} cannot be read: {error.strerror or error}.", _AGAIN) from None
    return list(read_units(text, path.name, chosen))
