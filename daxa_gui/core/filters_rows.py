"""Filters by what the catalogue says of each observation: its target, instruments, exposure, release, usability."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_base import Filter, Members
from daxa_gui.core.filter_words import day_words, format_seconds, listed
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.texts import TextColumn

__all__ = ["Category", "Exposure", "HasInstrument", "Public", "TargetType", "Usable", "mjd_now", "text_where"]


def text_where(column: Any, predicate: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Where a column of texts fulfils something; asked once per distinct text."""
    return TextColumn.of(column).where(predicate)


def mjd_now() -> float:
    """This moment, MJD (UTC)."""
    return time.time() / 86400.0 + 40587.0


def _quoted(texts: tuple[str, ...]) -> str:
    return listed([f"« {text} »" for text in texts])


@dataclass(frozen=True)
class TargetType(Filter):
    """Observations whose target is of one of the common types (codes). A mission that does not classify its targets has none."""

    codes: tuple[str, ...]
    kind: ClassVar[str] = "target_type"

    def __post_init__(self) -> None:
        unknown = [code for code in self.codes if code not in TARGET_TYPES]
        if unknown or not self.codes:
            what = f"There is no target type « {unknown[0]} »." if unknown else "No target type is given."
            raise InputError(what, f"Known ones: {', '.join(TARGET_TYPES)}.")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return catalogue.target_type.isin(self.codes)

    def sentence(self) -> str:
        return f"of the type {' or '.join(f'« {TARGET_TYPES[code]} »' for code in self.codes)}"

    def members(self) -> dict[str, Any]:
        return {"codes": list(self.codes)}

    @classmethod
    def from_members(cls, members: Members) -> TargetType:
        return cls(members.texts("codes"))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Category(Filter):
    """Observations whose target is in one of the mission's own categories, spelt as it does; neither case nor blanks count."""

    texts: tuple[str, ...]
    kind: ClassVar[str] = "category"

    def __post_init__(self) -> None:
        if not any(text.strip() for text in self.texts):
            raise InputError("No category is given.")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        wanted = {_plain(text) for text in self.texts} - {""}
        return catalogue.category.where(lambda text: _plain(text) in wanted)

    def sentence(self) -> str:
        return f"which the mission calls {_quoted(self.texts)}"

    def members(self) -> dict[str, Any]:
        return {"texts": list(self.texts)}

    @classmethod
    def from_members(cls, members: Members) -> Category:
        return cls(members.texts("texts"))


@dataclass(frozen=True)
class HasInstrument(Filter):
    """Observations that used one of some instruments (`all_of`: each of them), by name in any case of letters."""

    instruments: tuple[str, ...]
    all_of: bool = False
    kind: ClassVar[str] = "has_instrument"

    def __post_init__(self) -> None:
        if not self.instruments or not all(name.strip() for name in self.instruments):
            raise InputError("No instrument is given.")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        wanted = {name.strip().upper() for name in self.instruments}
        fits = wanted.issubset if self.all_of else lambda used: not wanted.isdisjoint(used)
        return catalogue.instruments.where(lambda text: fits(set(text.upper().split())))

    def sentence(self) -> str:
        return f"that used {listed(self.instruments, 'and' if self.all_of else 'or')}"

    def members(self) -> dict[str, Any]:
        return {"instruments": list(self.instruments), "all_of": self.all_of}

    @classmethod
    def from_members(cls, members: Members) -> HasInstrument:
        return cls(members.texts("instruments"), members.truth("all_of"))


@dataclass(frozen=True)
class Exposure(Filter):
    """Observations with at least `min_s` and at most `max_s` seconds of data (both included; None: no limit).

    With an `instrument` its own seconds count, where the mission's catalogue tells them; elsewhere the observation's, if the
    instrument was used. An exposure that is not known does not match.
    """

    min_s: float | None = None
    max_s: float | None = None
    instrument: str = ""
    kind: ClassVar[str] = "exposure"

    def __post_init__(self) -> None:
        if self.min_s is None and self.max_s is None:
            raise InputError("Neither a shortest nor a longest exposure is given.")
        for value in (self.min_s, self.max_s):
            if value is not None and not 0.0 <= value < math.inf:
                raise InputError(f"{format_seconds(value, 6)} is no exposure.")
        if self.min_s is not None and self.max_s is not None and self.min_s > self.max_s:
            least, most = format_seconds(self.min_s), format_seconds(self.max_s)
            raise InputError(f"The shortest exposure, {least}, is longer than the longest, {most}.")

    def seconds(self, catalogue: Catalogue) -> NDArray[np.float64]:
        """The exposure that counts, s, shape (n,); NaN where it is not known or the instrument was not used."""
        if not self.instrument:
            return catalogue.exposure_s
        columns = {name.upper(): column for name, column in catalogue.exposure_columns.items()}
        column = columns.get(self.instrument.upper(), "")
        if column in catalogue.extra:
            own: NDArray[np.float64] = np.asarray(catalogue.extra[column], float)
            return own
        used = HasInstrument((self.instrument,)).mask(catalogue)
        return np.where(used, catalogue.exposure_s, np.nan)

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        seconds = self.seconds(catalogue)
        enough = seconds >= (0.0 if self.min_s is None else self.min_s)
        result: NDArray[np.bool_] = enough if self.max_s is None else enough & (seconds <= self.max_s)
        return result

    def sentence(self) -> str:
        least = "" if self.min_s is None else format_seconds(self.min_s)
        most = "" if self.max_s is None else format_seconds(self.max_s)
        said = f"with {least} to {most}" if least and most else f"with at least {least}" if least else f"with at most {most}"
        return f"{said} of {f'{self.instrument} ' if self.instrument else ''}exposure"

    def members(self) -> dict[str, Any]:
        return {"min_s": self.min_s, "max_s": self.max_s, "instrument": self.instrument}

    @classmethod
    def from_members(cls, members: Members) -> Exposure:
        return cls(members.number_or_none("min_s"), members.number_or_none("max_s"), members.text("instrument"))


@dataclass(frozen=True)
class Public(Filter):
    """Observations that anybody may download at a moment, MJD (UTC); None: now, whenever the question is asked.

    No date known means no restriction known. A restriction without a date (infinite) is never over.
    """

    at_mjd: float | None = None
    kind: ClassVar[str] = "public"

    def __post_init__(self) -> None:
        if self.at_mjd is not None and not math.isfinite(self.at_mjd):
            raise InputError("The day on which data shall be public is not a time.")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return catalogue.public(mjd_now() if self.at_mjd is None else self.at_mjd)

    def sentence(self) -> str:
        return "public" if self.at_mjd is None else f"public on {day_words(self.at_mjd)}"

    def members(self) -> dict[str, Any]:
        return {"at_mjd": self.at_mjd}

    @classmethod
    def from_members(cls, members: Members) -> Public:
        return cls(members.number_or_none("at_mjd"))


@dataclass(frozen=True)
class Usable(Filter):
    """Observations that are fit for science as far as the archive tells."""

    kind: ClassVar[str] = "usable"

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return catalogue.unusable_reason == ""

    def sentence(self) -> str:
        return "fit for science"

    def members(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_members(cls, members: Members) -> Usable:
        return cls()
