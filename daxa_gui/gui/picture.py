"""What the image panel shows, worked out away from the window's thread: images before and after cleaning as grey levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.eventlist import EventList
from daxa_gui.core.images import SkyImage
from daxa_gui.core.timeseries import Gti
from daxa_gui.gui.widgets.stretch import cuts, levels, smoothed
from daxa_gui.inspection import Inspection

EVENTS = "events"  # the source that is no file


@dataclass(frozen=True)
class Look:
    """How an image is shown."""

    stretch: str = "sqrt"
    low_percent: float = 0.0
    high_percent: float = 99.5
    sigma_px: float = 0.0


@dataclass(frozen=True)
class Place:
    """A file of the archive that is shown as an image: an image, or an event list. `stamp` changes with its content."""

    path: str
    is_list: bool
    stamp: str = ""


@dataclass(frozen=True)
class Pair:
    """The same thing now and as a configuration has it; `words` say what it is: « cleaned list », « image 0.5–2 keV »."""

    now: Place
    then: Place
    words: str


@dataclass(frozen=True, eq=False)
class Source:
    """What is to be shown: a file (`path`), an image in memory, the events in a band (all of them and those of `gti`), or a
    `pair` of files, now and then."""

    path: str = ""
    image: SkyImage | None = None
    events: EventList | None = None
    band_kev: tuple[float, float] | None = None
    gti: Gti | None = None
    pair: Pair | None = None
    stamp: str = ""  # of the file

    def is_of(self, other: Source) -> bool:
        """Whether both show the same thing, whatever the band and the cleaning are."""
        return (self.path, self.stamp, self.image, self.events, self.pair) == (
            other.path, other.stamp, other.image, other.events, other.pair
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Plane:
    """One image with its smoothed values, the cuts in its unit, and grey levels.

    `total` is the sum of the values, `part` the columns and rows (left, right, bottom, top) that are not empty.
    """

    image: SkyImage
    shown: NDArray[np.float32]
    low: float
    high: float
    levels: NDArray[np.uint8]
    total: float
    part: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Picture:
    """`after` is None where nothing was cleaned. Of a pair `before` is now and `after` is then. `common_before`, `common_after`
    have the same cuts, for blinking."""

    source: Source
    look: Look
    before: Plane
    after: Plane | None = None
    common_before: NDArray[np.uint8] | None = None
    common_after: NDArray[np.uint8] | None = None

    @property
    def can_be_split(self) -> bool:
        """Whether both images have the same pixels of the same sky, so that they can be shown side by side."""
        before, after = self.before.image, self.after.image if self.after is not None else None
        return after is not None and before.values.shape == after.values.shape and before.wcs == after.wcs


def make_picture(inspection: Inspection, source: Source, look: Look, last: Picture | None, *, blink: bool) -> Picture:
    """Everything that is needed for the screen. What has not changed since the `last` picture is used again."""
    if source.pair is not None:
        images = [_image_at(inspection, place, source, last) for place in (source.pair.now, source.pair.then)]
        now, then = (_plane(image, look, last, own_levels=False) for image in images)
        picture = _with_common_cuts(source, look, now, then)
        assert picture.common_before is not None and picture.common_after is not None
        now, then = replace(now, levels=picture.common_before), replace(then, levels=picture.common_after)
        return replace(picture, before=now, after=then)
    before = _plane(_first_image(inspection, source, last), look, last)
    if source.events is None or source.gti is None:
        return Picture(source, look, before)
    same_events = last is not None and last.source.events is source.events and last.source.band_kev == source.band_kev
    if same_events and last is not None and last.source.gti is source.gti and last.after is not None:
        cleaned = last.after.image
    else:
        cleaned = inspection.image(source.events, source.band_kev, source.gti)
    after = _plane(cleaned, look, last)
    return _with_common_cuts(source, look, before, after) if blink else Picture(source, look, before, after)


def _with_common_cuts(source: Source, look: Look, before: Plane, after: Plane) -> Picture:
    low, high = min(before.low, after.low), max(before.high, after.high)
    both = [levels(plane.shown, low, high, look.stretch) for plane in (before, after)]
    return Picture(source, look, before, after, both[0], both[1])


def _image_at(inspection: Inspection, place: Place, source: Source, last: Picture | None) -> SkyImage:
    """The image of one side of a pair."""
    if last is not None and last.source.pair is not None and last.after is not None:
        for other, plane in ((last.source.pair.now, last.before), (last.source.pair.then, last.after)):
            if other == place and (not place.is_list or last.source.band_kev == source.band_kev):
                return plane.image
    if place.is_list:
        return inspection.image(inspection.open(place.path), source.band_kev, None)
    return inspection.read_image(place.path)


def _first_image(inspection: Inspection, source: Source, last: Picture | None) -> SkyImage:
    if last is not None and source.is_of(last.source) and (source.events is None or last.source.band_kev == source.band_kev):
        return last.before.image
    if source.image is not None:
        return source.image
    if source.events is not None:
        return inspection.image(source.events, source.band_kev, None)
    return inspection.read_image(source.path)


def _plane(image: SkyImage, look: Look, last: Picture | None, *, own_levels: bool = True) -> Plane:
    """`own_levels`: with the cuts of this image alone. They take as long as all the rest, and a pair does not need them."""
    if last is not None and last.look == look and (last.source.pair is None) == own_levels:
        for plane in (last.before, last.after):
            if plane is not None and plane.image is image:
                return plane
    values: NDArray[Any] = smoothed(image.values, look.sigma_px)
    low, high = cuts(values, look.low_percent, look.high_percent)
    total = float(np.nansum(image.values, dtype=np.float64))
    grey = levels(values, low, high, look.stretch) if own_levels else np.zeros((0, 0), np.uint8)
    return Plane(image, values, low, high, grey, total, filled_part(image.values))


def filled_part(values: NDArray[np.generic]) -> tuple[float, float, float, float]:
    """Columns and rows (left, right, bottom, top) that hold all but the outermost 0.2 % of what is in the image."""
    weight = np.fmax(np.abs(np.asarray(values, np.float32)), 0.0)  # NaN becomes 0
    edges: list[int] = []
    for axis in (0, 1):
        total = np.cumsum(weight.sum(axis=axis, dtype=np.float64))
        if not len(total) or total[-1] <= 0:
            return 0.0, float(weight.shape[1]), 0.0, float(weight.shape[0])
        edges += np.searchsorted(total, [0.001 * total[-1], 0.999 * total[-1]]).tolist()
    return float(edges[0]), float(edges[1] + 1), float(edges[2]), float(edges[3] + 1)
