"""How the reduction of an open archive is run: cores, time limit, kept files; set for the archive, else as the settings say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from daxa_gui.archive.failures import sensible
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import InputError
from daxa_gui.core.reduction_plan import RunOptions
from daxa_gui.core.settings import Settings

RUN_OPTIONS = "run_options"  # entry of the table `info`


@dataclass(frozen=True)
class RunLimits:
    """`RunOptions` with every value decided."""

    cores: int
    limit_min: float  # 0: none
    keep_intermediate: bool


class Options:
    """Methods of `OpenArchive`."""

    store: ArchiveStore
    _settings: Callable[[], Settings]
    _options: RunOptions | None = None

    def run_options(self) -> RunOptions:
        """Those that were set for this archive; the others follow the settings."""
        with sensible(self.store.layout.database):
            stored = self.store.info().get(RUN_OPTIONS, {}).items()
            known = asdict(RunOptions())
            return RunOptions(**{n: value for n, value in stored if n in known and not _refused(RunOptions(**{n: value}))})

    def options_now(self) -> RunLimits:
        """What holds now, the settings' values where nothing was set for this archive."""
        if self._options is None:
            self._options = self.run_options()
        settings, own = self._settings(), self._options
        return RunLimits(
            own.cores or settings.cores or max(1, (os.cpu_count() or 2) - 1),
            float(settings.command_limit_min if own.limit_min is None else own.limit_min),
            settings.keep_intermediate if own.keep_intermediate is None else own.keep_intermediate,
        )

    def set_run_options(self, options: RunOptions) -> None:
        """Raises InputError for values that make no sense."""
        if refused := _refused(options):
            raise InputError(refused)
        self.store.set_info(RUN_OPTIONS, {name: value for name, value in asdict(options).items() if value is not None})
        self._options = options

    def refuse_missing(self, software: Iterable[str]) -> None:
        """Raise ReductionError for the first package that is not here, or does not work, with what to do."""
        from daxa_gui.reduction.software import installation

        for name in software:
            installation(name, lambda setting: str(getattr(self._settings(), setting, "")))


def _refused(options: RunOptions) -> str:
    """What is wrong with options, in a sentence; also with those of a stranger's archive, which may be anything."""
    cores, limit, keep = options.cores, options.limit_min, options.keep_intermediate
    if cores is not None and (type(cores) is not int or not 1 <= cores <= 4096):
        return "The number of cores is from 1 to 4096."
    if limit is not None and (type(limit) not in (int, float) or not 0 <= limit <= 100_000):
        return "The time limit is from 0 (none) to 100 000 minutes."
    return "" if keep is None or type(keep) is bool else "Intermediate files are kept or not: yes or no."


def sound_order(order: Any) -> dict[str, Any] | None:
    """A stored order as this program writes it; None for anything else, which is as if nothing had been ordered."""
    steps, parameters = (order.get(name) for name in ("steps", "parameters")) if isinstance(order, dict) else (None, None)
    if not isinstance(steps, list) or not all(isinstance(name, str) for name in steps):
        return None
    if not isinstance(parameters, dict) or not all(isinstance(values, dict) for values in parameters.values()):
        return None
    return {"steps": steps, "parameters": parameters, "configuration": str(order.get("configuration", ""))}
