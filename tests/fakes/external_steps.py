"""Steps of « software » whose programs are whatever a test says, in a registry that knows them as long as the test runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Level, Parameter, Step
from daxa_gui.reduction import STEPS, external
from daxa_gui.reduction.recipe import Made, ProgramRun, Recipe, WorkUnit
from daxa_gui.reduction.software import Installation

HERE = "tests.fakes.external_steps"
STEP = Step(
    name="trial", label="Trial", help="", software="heasoft", needs=(), level=Level.OBSERVATION,
    parameters=(
        Parameter("text", "Text", "", kind="text", check=f"{HERE}:any_text"),
        Parameter("number", "Number", 1.0, minimum=0.0, maximum=10.0),
    ),
    build=f"{HERE}:build",
)  # fmt: skip
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PFILES": "/users/one/pfiles;/opt/headas/syspfiles"}
recipe: Callable[[WorkUnit, Mapping[str, Any]], Recipe] = lambda unit, parameters: Recipe("heasoft", (), ())  # noqa: E731


def any_text(text: str) -> None:
    """What comes through the checks of real steps is not what is tested with this one."""


def build(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    return recipe(unit, parameters)


def simple(argv: tuple[str, ...], *patterns: str, check: str = "", **more: Any) -> Callable[..., Recipe]:
    """A recipe of one program that leaves files of kind OTHER."""

    def made(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
        files = tuple(Made(pattern, unit.key(ProductKind.OTHER), check) for pattern in patterns)
        return Recipe("heasoft", (ProgramRun(argv),), files, **more)

    return made


def use(build_recipe: Callable[..., Recipe]) -> None:
    global recipe
    recipe = build_recipe


def installed(name: str, setting: Callable[[str], str], **more: Any) -> Installation:
    return Installation(name, "HEASoft", "6.34", "/opt/headas", dict(ENVIRONMENT), {"caldb": "20250101"})


@contextmanager
def trial_step() -> Iterator[None]:
    """The step « trial » is known, and its software is here."""
    real = external.installation
    STEPS._objects["trial"], STEPS._targets["trial"] = STEP, f"{HERE}:STEP"
    external.installation = installed
    try:
        yield
    finally:
        external.installation = real
        del STEPS._objects["trial"], STEPS._targets["trial"]


def unit(root: Path, obs_id: str = "0000000001") -> WorkUnit:
    """An observation with folders for raw and processed data below `root`."""
    raw, folder = root / "practice_raw" / obs_id, root / "archives" / "a" / "processed_data" / "practice" / obs_id
    for path in (raw, folder):
        path.mkdir(parents=True, exist_ok=True)
    return WorkUnit("practice", obs_id, "", "ALL", str(raw), str(folder))
