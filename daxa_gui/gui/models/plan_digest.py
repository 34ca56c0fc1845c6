"""A plan of downloads as a person reads it: a line per mission and kind of file, sums, what is left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from daxa_gui.core.download_plan import DownloadPlan, LeftOut
from daxa_gui.core.product import ProductKind
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.texts import count_text, counted

# In the order in which they are offered.
KIND_WORDS: dict[str, str] = {
    ProductKind.EVENTS: "Event lists",
    ProductKind.RAW: "Raw data",
    ProductKind.IMAGE: "Images",
    ProductKind.EXPOSURE_MAP: "Exposure maps",
    ProductKind.BACKGROUND_MAP: "Background maps",
    ProductKind.SPECTRUM: "Spectra and responses",
    ProductKind.SOURCE_LIGHTCURVE: "Source light curves",
}
KIND_HELP: dict[str, str] = {
    ProductKind.EVENTS: "One row per photon: what cleaning, images and light curves are made from",
    ProductKind.RAW: "Telemetry, housekeeping, attitude and calibration: what SAS, CIAO, HEASoft … begin with",
    ProductKind.IMAGE: "Sky images made by the mission's pipeline",
    ProductKind.EXPOSURE_MAP: "Exposure time for each place in the field",
    ProductKind.BACKGROUND_MAP: "Expected background for each place in the field",
    ProductKind.SPECTRUM: "Spectra of sources and backgrounds with the responses that belong to them",
    ProductKind.SOURCE_LIGHTCURVE: "Light curves of single sources made by the mission's pipeline",
}


def kind_words(kind: str) -> str:
    return KIND_WORDS.get(kind, kind.replace("_", " ").capitalize())


@dataclass
class _Sums:
    """What the files of one mission and kind add up to."""

    observations: set[str] = field(default_factory=set)
    n_files: int = 0
    bytes: int = 0
    to_fetch_bytes: int = 0
    n_here: int = 0
    n_unknown: int = 0  # of those that are to be fetched
    n_optional: int = 0
    rounded: bool = False


@dataclass(frozen=True)
class PlanLine:
    """Files of one mission and kind. `size` is of all of them, « about » where one is rounded or not known."""

    mission: str  # label
    kind: str  # words
    n_observations: int
    n_files: int
    size: str
    n_here: int
    n_unknown: int
    n_optional: int


@dataclass(frozen=True)
class PlanDigest:
    """Made on a pool thread: a plan may have 100 000 files. `rounded`: some size is not exact or not known."""

    lines: tuple[PlanLine, ...]
    n_observations: int
    n_files: int
    n_here: int
    to_fetch_bytes: int
    n_unknown: int
    rounded: bool
    free_bytes: int
    left_out: tuple[LeftOut, ...]
    problems: tuple[str, ...]

    @classmethod
    def of(cls, plan: DownloadPlan, labels: Mapping[str, str]) -> PlanDigest:
        """`labels` are those of the missions by name."""
        groups: dict[tuple[str, str], _Sums] = {}
        observations: set[tuple[str, str]] = set()
        for file in plan.files:
            sums = groups.get((file.mission, file.kind))
            if sums is None:
                sums = groups[file.mission, file.kind] = _Sums()
            observations.add((file.mission, file.obs_id))
            sums.observations.add(file.obs_id)
            sums.n_files += 1
            sums.bytes += file.size_bytes or 0
            sums.n_optional += file.optional
            if file.here:
                sums.n_here += 1
                continue
            sums.to_fetch_bytes += file.size_bytes or 0
            sums.n_unknown += file.size_bytes is None
            sums.rounded |= not file.exact and file.size_bytes is not None
        order = {kind: place for place, kind in enumerate(KIND_WORDS)}
        missions = {mission: place for place, mission in enumerate(dict.fromkeys(mission for mission, _ in groups))}
        keys = sorted(groups, key=lambda key: (missions[key[0]], order.get(key[1], len(order)), key[1]))
        return cls(
            tuple(_line(labels.get(key[0], key[0]), key[1], groups[key]) for key in keys),
            n_observations=len(observations),
            n_files=len(plan.files),
            n_here=sum(sums.n_here for sums in groups.values()),
            to_fetch_bytes=sum(sums.to_fetch_bytes for sums in groups.values()),
            n_unknown=sum(sums.n_unknown for sums in groups.values()),
            rounded=any(sums.rounded or sums.n_unknown for sums in groups.values()),
            free_bytes=plan.free_bytes,
            left_out=plan.left_out,
            problems=plan.problems,
        )

    @property
    def n_to_fetch(self) -> int:
        return self.n_files - self.n_here

    @property
    def fits(self) -> bool:
        """Whether the disk has room for what is to come, as far as its size is known."""
        return self.to_fetch_bytes <= self.free_bytes

    def headline(self) -> str:
        """« 639 files of 213 observations: about 48.0 GB to fetch »."""
        if not self.n_files:
            return "It could not be found out what there is to fetch." if self.problems else "There is nothing to fetch."
        files = f"{counted(self.n_files, 'file', 'files')} of {counted(self.n_observations, 'observation', 'observations')}"
        if not self.n_to_fetch:
            return f"{files}: all of them are here already"
        about = "about " if self.rounded else ""
        parts = [f"{files}: {about}{format_bytes(self.to_fetch_bytes)} to fetch"]
        if self.n_unknown == self.n_to_fetch:
            parts = [f"{files}: the services do not tell how large they are"]
        elif self.n_unknown:
            parts.append(f"and {counted(self.n_unknown, 'file', 'files')} of unknown size")
        if self.n_here:
            parts.append(f"· {count_text(self.n_here)} here already")
        return " ".join(parts)

    def disk(self) -> str:
        """« 120 GB are free on the disk. », or in words that this is too little."""
        if not self.n_to_fetch:
            return ""
        free = f"{format_bytes(self.free_bytes)} are free"
        to_come = f"{'about ' if self.rounded else ''}{format_bytes(self.to_fetch_bytes)} are to come"
        if not self.fits:
            missing = format_bytes(self.to_fetch_bytes - self.free_bytes)
            return f"▲ The disk is too small: {to_come} and {free}. {missing} are missing."
        unknown = " Files of unknown size come on top." if self.n_unknown else ""
        if self.to_fetch_bytes > 0.9 * self.free_bytes:
            return f"▲ The disk will be nearly full: {to_come} and {free}.{unknown}"
        return f"{free} on the disk.{unknown}"


def _line(mission: str, kind: str, sums: _Sums) -> PlanLine:
    known = sums.n_files - sums.n_unknown
    about = "about " if sums.rounded or sums.n_unknown else ""
    size = f"{about}{format_bytes(sums.bytes)}" if known else format_bytes(None)
    return PlanLine(
        mission, kind_words(kind), len(sums.observations), sums.n_files, size, sums.n_here, sums.n_unknown, sums.n_optional
    )
