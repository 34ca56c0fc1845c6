"""What a step of the missions' own software does for one unit: programs with their arguments, the files they get and leave.

A recipe is never stored: jobs keep the step's name, the unit and the parameters (`WorkUnit.arguments`), and the recipe is built
from them when the job runs, or when somebody wants to see the commands. So an archive of a stranger cannot name a program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.product_names import product_place


@dataclass(frozen=True)
class WorkUnit:
    """One observation, instrument or sub-exposure that a step is about.

    Parameters
    ----------
    mission, obs_id, instrument, exposure : instrument "" for a whole observation; exposure "ALL" where there is none.
    raw_folder : where the observation's raw data are (absolute).
    folder : the observation's folder of processed data (absolute); products lie below it.
    facts : what is known of the unit when it is planned, plain JSON: « obs_start » (YYYY-MM-DD) of the observation, and for an
        exposure what `exposures` found (« ccds », « filter », « mode », « scheduled », « modules » …), for an instrument
        « exposures » (a list of {"exposure", "start", "filter", "mode"}, in order of time).
    versions : software and calibration, name → version ("" unknown): "sas", "ccf", "heasoft", "caldb", "ciao", "esass" …
    """

    mission: str
    obs_id: str
    instrument: str
    exposure: str
    raw_folder: str
    folder: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As in the grid of jobs: « M1S001 », « PN », "" for a whole observation."""
        return self.instrument if self.exposure in ("ALL", "") else f"{self.instrument}{self.exposure}"

    def key(self, kind: ProductKind, band_kev: tuple[float, float] | None = None) -> ProductKey:
        return ProductKey(self.mission, self.obs_id, kind, self.instrument, self.exposure, band_kev)

    def product(
        self, kind: ProductKind, *, instrument: str | None = None, exposure: str | None = None,
        band_kev: tuple[float, float] | None = None,
    ) -> str:  # fmt: skip
        """Where a product of this observation is, or will be: of this unit unless another instrument ("": of none) or
        sub-exposure is given."""
        key = self.key(kind, band_kev)
        if instrument is not None:
            key = replace(key, instrument=instrument)
        if exposure is not None:
            key = replace(key, exposure=exposure)
        return str(Path(self.folder) / product_place(key))


@dataclass(frozen=True)
class ProgramRun:
    """One call of one program. `argv` is handed over as it is: no shell, no quoting.

    `environment` is added to that of the software (SAS_CCF, SAS_ODF …). `title` heads its lines in the log. « {work} » at
    the beginning of an argument, of the value behind an argument's first « = » (« odf={work}/x »), or of a variable stands for
    the job's work folder (absolute).
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True)
class Given:
    """A file or folder that a program shall find in the work folder under a simple name: a link, or a copy that it may change.

    `unpack`: the file is a tar archive made by an earlier step; its members are put into the work folder.
    `optional`: nothing is laid out if the file does not exist (a sub-exposure that failed); `prepare` then looks what is there.
    """

    name: str
    path: str
    copy: bool = False
    unpack: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Made:
    """A file that must be in the work folder afterwards, and the product that it becomes.

    `pattern` is a glob relative to the work folder that must match exactly one file (`optional`: at most one). With `packed` it
    may match any number of files, which become one tar archive. `check`: "fits" (opens, has its HDUs), "events" (an EVENTS table;
    the number of rows is noted; zero rows are a warning), "gti" (intervals; their sum is noted), "image", "text", "" (not empty).
    """

    pattern: str
    key: ProductKey
    check: str = "fits"
    optional: bool = False
    packed: bool = False


@dataclass(frozen=True)
class Recipe:
    """What is done, in this order: `given` files are laid out, `prepare` may change the recipe by what they say, `runs` run (the
    first that fails ends it), `made` files are judged, and `finish` adds facts, warnings, a `stop` sentence or files by
    returning an Outcome.

    `prepare` is « module:function », called as `function(ctx, unit, parameters, recipe) -> Recipe` in the job's work folder with
    the given files in place: for what can only be known then (which CCDs a log calls anomalous). Only its `runs`, `made` and
    `finish` are used afterwards. « Show commands » shows the recipe as it is before.
    `retry` is « module:function », called as `function(unit, parameters, recipe, lines) -> tuple[Recipe, str] | None` when a run
    failed (exit code, error lines, or a file that is missing afterwards), with the lines of the failed run's output: a recipe to
    run instead, once, and the sentence that warns of it; or None when the failure stands.
    `finish` is « module:function », called as `function(ctx, unit, parameters, made)` with pattern → paths of what was made.
    `private_pfiles`: the programs keep parameter files, and get a folder of this job's own for them.
    """

    software: str
    runs: tuple[ProgramRun, ...]
    made: tuple[Made, ...]
    given: tuple[Given, ...] = ()
    finish: str = ""
    prepare: str = ""
    retry: str = ""
    private_pfiles: bool = False


RUN_STEP = "daxa_gui.reduction.external:run_step"  # the function of all jobs of the missions' software


def stored_arguments(step: str, unit: WorkUnit, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What a job stores of its work: the arguments of `RUN_STEP`. `parameters` are checked ones."""
    return {
        "mission": unit.mission, "obs_id": unit.obs_id, "instrument": unit.instrument, "exposure": unit.exposure,
        "raw_folder": unit.raw_folder, "folder": unit.folder, "step": step, "facts": unit.facts, "versions": unit.versions,
        "parameters": parameters,
    }  # fmt: skip


BuildRecipe = Callable[[WorkUnit, Mapping[str, Any]], Recipe]
