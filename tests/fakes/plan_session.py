"""A session that plans and creates archives as told, and nothing else: a call of any other method is an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.download_plan import DownloadPlan, LeftOut, PlannedFile
from daxa_gui.core.errors import ArchiveError, Cancelled, DaxaError, InputError
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.settings import Settings
from daxa_gui.missions import MISSIONS

Progress = Callable[[int, int, str], None]


class PlanSession:
    """`plan` is what `plan_downloads` gives, `error` what it raises instead. With `wait` it goes on only when `go_on` is set, or
    somebody cancels. `planned` and `created` keep what was asked for."""

    def __init__(self, folder: Path, plan: DownloadPlan | None = None) -> None:
        self.settings = Settings()
        self._folder = folder
        self.plan = plan or DownloadPlan()
        self.error: DaxaError | None = None
        self.wait = False
        self.go_on = threading.Event()
        self.was_cancelled = threading.Event()
        self.taken: set[str] = set()
        self.planned: list[list[Selection]] = []
        self.created: list[tuple[str, list[Selection], DownloadPlan | None]] = []

    def mission_labels(self) -> dict[str, str]:
        return {name: spec.label for name, spec in MISSIONS.items()}

    def missions(self) -> list[MissionSpec]:
        return list(MISSIONS.values())

    def kinds(self, mission: str) -> tuple[ProductKind, ...]:
        return tuple(MISSIONS[mission].kinds)

    def archives_folder(self) -> Path:
        return self._folder

    def check_archive_name(self, name: str) -> None:
        if not name:
            raise InputError("A name is needed.")
        if name in self.taken:
            raise ArchiveError(f"There is already an archive « {name} ».", "Choose another name.")

    def plan_downloads(
        self, selections: Sequence[Selection], progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
    ) -> DownloadPlan:
        assert progress is not None and cancelled is not None
        self.planned.append(list(selections))
        if self.error is not None:
            raise self.error
        number = sum(len(selection.obs_ids) for selection in selections)
        for done in range(number + 1):
            progress(done, number, selections[0].obs_ids[0])
            while self.wait and not self.go_on.wait(0.005):
                if cancelled():
                    self.was_cancelled.set()
                    raise Cancelled
        return self.plan

    def create_archive(self, name: str, selections: Sequence[Selection], plan: DownloadPlan | None = None) -> ArchiveSummary:
        if self.error is not None:
            raise self.error
        self.created.append((name, list(selections), plan))
        return ArchiveSummary(name, str(self._folder / "archives" / name))


def planned_files(mission: str, n: int, kind: str = "events", size: int | None = 1_000_000, **more: object) -> list[PlannedFile]:
    """Files of n observations, one each."""
    return [
        PlannedFile(mission, f"{number:010d}", f"{number}.{kind}", kind, "", "heasarc", f"{number}/{kind}", size, **more)  # type: ignore[arg-type]
        for number in range(n)
    ]


def closed(mission: str, n: int) -> list[LeftOut]:
    """Observations that are not public yet."""
    return [LeftOut(mission, f"9{number:09d}", "It is not public before 2030-01-01.", proprietary=True) for number in range(n)]
