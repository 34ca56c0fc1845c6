"""Tasks (plain descriptions of work that can be stored, shown and run anywhere) and the reduction steps that make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from daxa_gui.core.product import ProductKey, ProductKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Place(StrEnum):
    """Where a Call runs: on a pool thread (waits for the network) or in a worker process (computes)."""

    THREAD = "thread"
    PROCESS = "process"


@dataclass(frozen=True)
class Call:
    """A Python function by name, `"module:function"`, with JSON arguments.

    The function is called as `function(ctx, **arguments)` with a `TaskContext` and returns an `Outcome` (or None).
    """

    target: str
    arguments: dict[str, Any] = field(default_factory=dict)
    place: Place = Place.PROCESS


@dataclass(frozen=True)
class Command:
    """An external program: an argument list (never a shell line), variables added to the environment, files it must leave."""

    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()


Task = Call | Command


class TaskContext(Protocol):
    """What a task may use of the world around it."""

    @property
    def work_folder(self) -> str:
        """An empty folder of this job's own; what is left there after the job is deleted."""

    def service_url(self, service: str) -> str:
        """The address of an archive service (`heasarc`, `erosita_edr` …) right now, without a slash at the end.

        Jobs store the service's name and a path, never the whole address: the practice sky has another port at each start.
        """

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        """Tell how far the work is; `total=None` when nobody knows. Cheap: may be called for every chunk."""

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if somebody asked for it. Call it once per chunk of work; any thread of the task may."""

    def log(self, text: str) -> None:
        """Write a line into the job's log. Lines with « WARNING » or « ERROR » are found by the log viewer."""


class ProgramContext(TaskContext, Protocol):
    """What a task that runs on a thread (`Place.THREAD`) may use besides."""

    def run_program(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: str = "",
        on_line: Callable[[str], None] | None = None,
    ) -> int:
        """Run an external program to its end and return its exit code (128 + n if signal n ended it).

        `environment` is the whole environment of the program; `folder` is where it starts (the work folder if empty). Each line
        of its output goes into the job's log and to `on_line`. A cancelled job and a passed time limit end it and all that it
        started.

        Raises
        ------
        Cancelled : somebody asked for it. ReductionError : there is no such program, or it took longer than the time limit.
        """

    def programs_begin(self) -> None:
        """Wait until it is this job's turn to run programs, as `run_program` would: for who measures how long they take.

        Raises
        ------
        Cancelled : somebody asked for it, or the job shall come back later.
        """

    def programs_done(self) -> None:
        """No further program is run, as far as the task knows: that of another job may run instead. (One that is run all the
        same waits for its turn.)"""

    def setting(self, name: str) -> str:
        """A setting that says where software lies (`sas_folder`, `ccf_folder`, `pfiles_folder` …), as text; "" if not set."""


@dataclass(frozen=True)
class MadeFile:
    """A file that a task left in its work folder, and what it is. `name` is relative to the work folder.

    Give `key` for a product of the processed archive (the archive then chooses its place and name), or `destination`
    (absolute) for a file that belongs to a place known beforehand, such as a downloaded one (then `key` may be given too).
    With a `destination` and an empty `name` the file is there already and is only registered. `facts["sha256"]` saves the
    archive from reading the file once more.
    """

    name: str
    key: ProductKey | None = None
    destination: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a task made and found out.

    `stop` is a sentence: the work is done but nothing can follow from it (closed filter, no useful time left), so jobs
    that need this one are skipped with that reason. `follow_ups` are jobs to add in the same transaction.
    """

    files: tuple[MadeFile, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    stop: str = ""
    follow_ups: tuple[JobRequest, ...] = ()


@dataclass(frozen=True)
class JobRequest:
    """A job that is not in the store yet. `needs` are labels of requests of the same batch, or ids of stored jobs."""

    kind: str  # "plan" | "download" | "reduce"
    lane: str  # jobs of a lane share a limit and can be paused together: "local", "host:heasarc.gsfc.nasa.gov"
    mission: str
    obs_id: str
    unit: str  # file name for a download, instrument + sub-exposure ("M1S001") for a reduction
    step: str  # name of the step, "" for downloads
    title: str
    task: Task
    label: str = ""
    needs: tuple[str | int, ...] = ()
    size_bytes: int | None = None
    one_is_enough: bool = False  # it goes on when all its needs have ended and at least one of them succeeded


class Level(StrEnum):
    """What one job of a step is about."""

    OBSERVATION = "observation"
    INSTRUMENT = "instrument"  # all sub-exposures of an instrument together
    EXPOSURE = "exposure"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a step: enough to make a form, check an entry and write a report.

    `kind` is "yes/no", "integer", "number", "range" (two numbers), "text", "many" (some of `choices`, a list), "texts" (a list of
    texts), "ranges" (a list of pairs), "numbers" (a list), or empty: then it follows from the default. Name it where the default
    is None; the form then offers `empty` as the empty entry. `daxa` is the argument of DAXA's function that it stands for.
    `check` is `"module:function"`, called with each text of a "text" or "texts": it raises InputError for one that may not be
    handed to a program. Texts without a check may have letters, digits and « _ » only.
    """

    name: str
    label: str
    default: Any
    unit: str = ""
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    kind: str = ""
    empty: str = "the mission's own"  # what None means
    daxa: str = ""
    check: str = ""


@dataclass(frozen=True)
class Step:
    """A reduction step.

    `build` is `"module:function"`. For the built-in engine it turns (`reduction.unit.Unit`, checked parameters) into a Task; for
    steps of the missions' software it turns (`reduction.recipe.WorkUnit`, checked parameters) into a `reduction.recipe.Recipe`.
    """

    name: str  # unique among all steps
    label: str  # column heading in the processing grid
    help: str
    software: str  # "builtin", "sas", "esass", "ciao", "heasoft"
    needs: tuple[
        str, ...
    ]  # names of the steps whose outcome it uses; those that are not for a unit's instrument do not count for it
    parameters: tuple[Parameter, ...]
    build: str
    missions: tuple[str, ...] = ()  # names; empty: all
    instruments: tuple[str, ...] = ()  # empty: all of the mission
    level: Level = Level.EXPOSURE
    needs_if: tuple[tuple[str, str], ...] = ()  # (step, yes/no parameter of this step that makes it needed)
    uses_if_made: tuple[str, ...] = ()  # waits for these if they are asked for too, whatever comes of them
    one_is_enough: bool = False  # goes on when one of the units that it needs succeeded (merging sub-exposures)
    makes: tuple[ProductKind, ...] = ()
    calibration: tuple[str, ...] = ()  # calibration whose version counts ("ccf", "caldb")
    minimum_version: str = ""  # of the software
    is_final: bool = False  # an observation is a success if one of its units succeeded here
    daxa: str = ""  # what DAXA calls the step


@dataclass(frozen=True)
class PipelineArgument:
    """One argument of a pipeline and the parameters (step, name) that it sets; `parameter` declares it like any other."""

    parameter: Parameter
    sets: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Pipeline:
    """Steps that one button runs. `optional` steps run only if the yes/no argument of that name is chosen."""

    name: str
    label: str
    help: str
    software: str
    missions: tuple[str, ...]
    steps: tuple[str, ...]
    arguments: tuple[PipelineArgument, ...] = ()
    optional: tuple[tuple[str, str], ...] = ()  # (step, argument)
