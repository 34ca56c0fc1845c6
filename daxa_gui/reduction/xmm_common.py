"""What the recipes of several SAS tasks share: versions, the names of exposures, calibration and summary of an observation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import ProgramContext
from daxa_gui.reduction.recipe import Given, Recipe, WorkUnit

FINISH = "daxa_gui.reduction.xmm_finish"
HERE = "daxa_gui.reduction.xmm_common"
LARGEST_SUMMARY_BYTES = 50_000_000
NEWEST = (99, 0, 0)  # stands for a version that nobody could read
_EXPOSURE = re.compile(r"[SUX][0-9]{3}")
_OBS_ID = re.compile(r"[0-9]{10}")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")

RecipeBuilder = Callable[[WorkUnit, Mapping[str, Any]], Recipe]


def sas_version(unit: WorkUnit) -> tuple[int, int, int]:
    """« 21.0.0 » or « xmmsas_20211130_0941-20.0.0 » as numbers; an unknown version counts as a new one."""
    match = _VERSION.search(unit.versions.get("sas", "").rpartition("_")[2])
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else NEWEST


def checked_unit(unit: WorkUnit) -> WorkUnit:
    """The same unit; its ObsID and exposure become names of files and values of parameters, so they must be of SAS's form.

    Raises
    ------
    ReductionError : they are not.
    """
    if not _OBS_ID.fullmatch(unit.obs_id):
        raise ReductionError(f"« {unit.obs_id} » is no ObsID of XMM-Newton.", "It has ten digits.")
    if unit.instrument not in ("", "M1", "M2", "PN", "R1", "R2"):
        raise ReductionError(f"« {unit.instrument} » is no instrument that SAS reduces here.")
    if unit.exposure not in ("", "ALL") and not _EXPOSURE.fullmatch(unit.exposure):
        raise ReductionError(f"« {unit.exposure} » is no exposure of XMM-Newton.", "It is like S003 or U014.")
    return unit


def task_name(unit: WorkUnit) -> str:
    """How emanom and espfilt call an exposure in the names of their files: « mos1S001 », « pnS003 »."""
    return {"M1": "mos1", "M2": "mos2", "PN": "pn"}[unit.instrument] + unit.exposure


def cif_environment(unit: WorkUnit) -> dict[str, str]:
    """SAS_CCF: the list of calibration files of the observation (instrument and exposure of the unit do not matter)."""
    return {"SAS_CCF": unit.product(ProductKind.CIF, instrument="", exposure="ALL")}


def summary_name(unit: WorkUnit) -> str:
    """Under which name the summary lies in the work folder: the layer of SAS that reads it knows it by its ending."""
    return f"{unit.obs_id}_SCX00000SUM.SAS"


def odf_environment(unit: WorkUnit) -> dict[str, str]:
    """SAS_CCF, and SAS_ODF as SAS's user guide has it: the path of the summary file, whose PATH record names the raw data.

    DAXA points SAS_ODF to the raw data and has to write the summary there; here they stay as they were downloaded.
    """
    return {**cif_environment(unit), "SAS_ODF": f"{{work}}/{summary_name(unit)}"}


def given_summary(unit: WorkUnit) -> Given:
    """A copy, because its PATH record is corrected where the raw data are somewhere else by now (`renew_path`)."""
    return Given(summary_name(unit), unit.product(ProductKind.ODF_SUMMARY, instrument="", exposure="ALL"), copy=True)


def renew_path(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], recipe: Recipe) -> Recipe:
    """Before a run: let the PATH record of the summary in the work folder name the folder where the raw data are now.

    An archive that was moved has summaries that name its earlier place. Raises FileError if the summary has no PATH record.
    """
    if write_path(Path(ctx.work_folder) / summary_name(unit), unit.raw_folder):
        ctx.log(f"The summary of the raw data now names their present folder {unit.raw_folder}.")
    return recipe


def write_path(summary: Path, raw_folder: str) -> bool:
    """Let the PATH record of a summary name this folder; false if it does already. Raises FileError if there is none."""
    if summary.stat().st_size > LARGEST_SUMMARY_BYTES:
        raise FileError(f"{summary.name} is too large for a summary of raw data.", "Run the step « ODF summary » again.")
    lines = summary.read_bytes().split(b"\n")
    for number, line in enumerate(lines):
        if line.startswith(b"PATH ") or line.strip() == b"PATH":
            wanted = b"PATH " + raw_folder.encode()
            if line.rstrip().rstrip(b"/") == wanted.rstrip(b"/"):
                return False
            lines[number] = wanted
            summary.write_bytes(b"\n".join(lines))
            return True
    raise FileError(f"{summary.name} has no PATH record.", "Run the step « ODF summary » again.")


def unscheduled_recipe(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe | None:
    """For an exposure that is left out because it was not scheduled: nothing is run, and the outcome says why. Otherwise None."""
    if parameters["process_unscheduled"] or not unit.exposure.startswith("U"):
        return None
    return Recipe("sas", (), (), finish=f"{FINISH}:left_out")


def energy_text(energy_kev: float) -> str:
    """Energy as a PI channel of EPIC (1 eV each) without a needless fraction: 0.5 keV is « 500 »."""
    return f"{energy_kev * 1000.0:.10g}"


def pi_term(band_kev: tuple[float, float]) -> str:
    """A term of SAS's selection language for a band: « (PI in [500:2000]) », both ends included."""
    low, high = band_kev
    return f"(PI in [{energy_text(low)}:{energy_text(high)}])"
