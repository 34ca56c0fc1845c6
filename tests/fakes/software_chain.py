"""Steps of the missions' software done one after another with the stand-ins, as jobs do them: work folders, products in place."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from daxa_gui.core.product import ProductKind
from daxa_gui.core.product_names import product_place
from daxa_gui.core.step import Outcome
from daxa_gui.execution.runner import CancelToken, ThreadContext
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.external import run_step, task_for
from daxa_gui.reduction.recipe import WorkUnit
from tests.standins.install import Installed


class Lines:
    """A job's log in memory."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str, severity: str = "INFO") -> None:
        self.lines += text.split("\n")

    def close(self) -> None:
        return None


@dataclass
class Chain:
    """One unit of an observation whose steps are done below a folder (its products in the archive's places)."""

    root: Path
    unit: WorkUnit
    standins: Installed
    log: Lines = field(default_factory=Lines)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self, *steps: str, **parameters: Any) -> Outcome:
        """The outcome of the last of the steps; `parameters` are of that one."""
        for name in steps:
            given = parameters if name == steps[-1] else {}
            self.outcomes[name] = self._done(name, given)
        return self.outcomes[steps[-1]]

    def _done(self, name: str, parameters: dict[str, Any]) -> Outcome:
        work = self.root / "work" / name
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        settings = self.standins.settings
        context = ThreadContext(
            str(work), CancelToken(), self.log, lambda *_: None, str, setting=lambda one: settings.get(one, ""), grace_s=0.5
        )  # type: ignore[arg-type]
        outcome = run_step(context, **task_for(STEPS[name], self.unit, parameters).arguments)
        for file in outcome.files:
            assert file.key is not None
            place = Path(self.unit.folder) / product_place(file.key, file.name)
            place.parent.mkdir(parents=True, exist_ok=True)
            (work / file.name).replace(place)
        shutil.rmtree(work)
        return outcome

    def product(self, kind: ProductKind, band_kev: tuple[float, float] | None = None) -> Path:
        return Path(self.unit.product(kind, band_kev=band_kev))

    def argv(self, task: str) -> list[list[str]]:
        """What the stand-in of a task was called with, each time."""
        return [call["argv"] for call in self.standins.calls(task)]


def chain(root: Path, standins: Installed, mission: str, obs_id: str, raw: Path, found: dict[str, Any]) -> Chain:
    """Of a unit as « exposures » found it."""
    facts = {name: value for name, value in found.items() if name not in ("instrument", "exposure", "usable", "reason")}
    folder = root / "processed_data" / mission / obs_id
    folder.mkdir(parents=True, exist_ok=True)
    unit = WorkUnit(mission, obs_id, found["instrument"], found["exposure"], str(raw), str(folder), facts)
    return Chain(root, replace(unit), standins)
