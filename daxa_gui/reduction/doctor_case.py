"""What the Doctor is asked about, and the words in which its checks answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from daxa_gui.core.errors import Cancelled
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.step import Step
from daxa_gui.reduction.software_packages import Setting


@dataclass(frozen=True)
class ObservedData:
    """Observations of a mission that shall be reduced.

    Parameters
    ----------
    newest : the day of the newest one, YYYY-MM-DD, "" unknown.
    raw_bytes : their raw data together, 0 unknown.
    instruments : those that were chosen; empty: all.
    """

    mission: str
    count: int = 1
    newest: str = ""
    raw_bytes: int = 0
    instruments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One examination. `folders` are label → path of what is written: « Archive », « Output », « Work » …"""

    steps: tuple[Step, ...]
    setting: Setting
    environment: Mapping[str, str]
    observations: tuple[ObservedData, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)
    cancelled: Callable[[], bool] | None = None

    def using(self, *names: str) -> tuple[str, ...]:
        """The steps that need one of these packages or calibrations."""
        return tuple(one.name for one in self.steps if one.software in names or set(names) & set(one.calibration))

    def of_package(self, name: str) -> tuple[Step, ...]:
        return tuple(one for one in self.steps if one.software == name)

    def newest_of(self, steps: tuple[str, ...]) -> str:
        """The day of the newest observation that these steps are for; "" if none is known."""
        missions = {mission for step in self.steps if step.name in steps for mission in step.missions}
        return max((one.newest for one in self.observations if one.mission in missions), default="")

    def check_cancelled(self) -> None:
        if self.cancelled is not None and self.cancelled():
            raise Cancelled


def good(code: str, subject: str, text: str, steps: tuple[str, ...] = ()) -> Finding:
    return Finding(Grade.GOOD, code, subject, text, "", steps)


def advice(code: str, subject: str, text: str, fix: str, steps: tuple[str, ...] = ()) -> Finding:
    return Finding(Grade.ADVICE, code, subject, text, fix, steps)


def fault(code: str, subject: str, text: str, fix: str, steps: tuple[str, ...] = ()) -> Finding:
    return Finding(Grade.FAULT, code, subject, text, fix, steps)
