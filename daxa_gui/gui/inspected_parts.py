"""What the Inspect workspace looks at, as values, and how it is read on pool threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from daxa_gui.core.errors import DaxaError, FileError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.exposures import Exposure, ExposureList, ListRole
from daxa_gui.core.images import SkyImage
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.step import Call
from daxa_gui.core.timeseries import FlareCleaning, FlareParameters
from daxa_gui.inspection import Inspection

PICTURES = (
    ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP, ProductKind.RATE_MAP, ProductKind.FLUX_MAP,
    ProductKind.WEIGHTED_EXPOSURE_MAP,
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """What is looked at. `path` is an event list or, without events, an image; `picture` the chosen image of the exposure."""

    path: str
    exposure: Exposure | None = None
    picture: Product | None = None

    @property
    def same_thing(self) -> tuple[str, str]:
        """Two subjects with the same value show the same events, whatever picture or verdict they have."""
        return (self.path, self.exposure_name)

    @property
    def exposure_name(self) -> str:
        """« mission/ObsID/unit », "" for a file outside the archive."""
        one = self.exposure
        return "" if one is None else f"{one.mission}/{one.obs_id}/{one.unit}"

    @property
    def listed(self) -> ExposureList | None:
        """Which list of the exposure it is."""
        return self.exposure.list_at(self.path) if self.exposure is not None else None

    @property
    def why_no_override(self) -> str:
        """Why limits by hand cannot be used for what is shown; "" where they can."""
        listed = self.listed
        if listed is None:
            return ""
        if listed.role is not ListRole.DOWNLOADED:
            steps = "espfilt, deflare, flaregti, nupipeline"
            return (
                f"This list was {listed.label}, which also finds its good time. Limits here are to try things out: change the "
                f"parameters of the step ({steps}) in Queue › Processing, or choose the downloaded list."
            )
        return ""


@dataclass(frozen=True, eq=False)
class Sibling:
    """Another exposure of the same observation with its own cleaning."""

    label: str
    cleaning: FlareCleaning


@dataclass(frozen=True, eq=False)
class OpenedFile:
    """What opening a file brought: events with the mission's parameters and the first moment, or an image."""

    events: EventList | None = None
    parameters: FlareParameters | None = None
    zero_s: float = 0.0
    image: SkyImage | None = None


def read_file(inspection: Inspection, path: str, *, only_events: bool) -> OpenedFile:
    """An event list; an image only where that may be one too. Raises FileError for anything else."""
    try:
        events = inspection.open(path)
    except FileError as error:
        if only_events:
            raise
        return OpenedFile(image=_image_instead(inspection.read_image, path, error))
    return OpenedFile(events, inspection.default_parameters(events), first_moment_s(events))


def read_siblings(inspection: Inspection, exposures: Sequence[Exposure]) -> list[Sibling]:
    """Cleanings of other exposures, by unit. Those that cannot be read are left out: each says so itself when it is looked at."""
    found = []
    for exposure in sorted(exposures, key=lambda e: e.unit):
        path = exposure.list_for(None).product.path
        try:
            events = inspection.open(path)
            usual = inspection.default_parameters(events)
            stored = parameters_of(exposure, usual) if path == exposure.raw.path else None
            found.append(Sibling(exposure.unit, inspection.clean(events, stored or usual)))
        except DaxaError:
            continue
    return found


def first_moment_s(events: EventList) -> float:
    """Mission seconds of the first good moment, or of the first event of a list without good time; 0 for an empty one."""
    starts = [float(gti.start_s[0]) for gti in events.gti.values() if len(gti)]
    if starts:
        return min(starts)
    return float(events.time_s.min()) if len(events) else 0.0


def parameters_of(exposure: Exposure, usual: FlareParameters) -> FlareParameters | None:
    """The parameters with which the archive cleaned an exposure; None if it did not.

    The step stores None where the mission's own value (`usual`) was meant.
    """
    if exposure.flares is None or not isinstance(exposure.flares.task, Call):
        return None
    stored = exposure.flares.task.arguments
    band, bin_s, limits = stored.get("band_kev"), stored.get("bin_s"), stored.get("limits_ct_s")
    return FlareParameters(
        band_kev=usual.band_kev if band is None else _pair(band),
        bin_s=usual.bin_s if bin_s is None else float(bin_s),
        n_sigma=float(stored.get("n_sigma", usual.n_sigma)),
        limits_ct_s=None if limits is None else _pair(limits),
        added_s=tuple(_pair(pair) for pair in stored.get("added_s") or ()),
        removed_s=tuple(_pair(pair) for pair in stored.get("removed_s") or ()),
    )


def _pair(values: Any) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _image_instead(read_image: Callable[[str], SkyImage], path: str, no_events: FileError) -> SkyImage:
    try:
        return read_image(path)
    except DaxaError:
        raise no_events from None
