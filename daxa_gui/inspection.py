"""Looking hard at one event list or image: what the inspector asks for. No state; every call may run on any thread."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from daxa_gui import __version__
from daxa_gui.core.earlier import EarlierResults, Screening
from daxa_gui.core.errors import FileError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.exposures import Exposure, finite
from daxa_gui.core.images import SkyImage
from daxa_gui.core.product import ProductKind
from daxa_gui.core.spectra import CountSpectrum
from daxa_gui.core.timeseries import FlareCleaning, FlareParameters, Gti, LightCurve

CallProcess = Callable[[str, dict[str, Any]], Any]


KEPT_LISTS = 60
_CURVES_OF = {
    ProductKind.CALIBRATED_EVENTS: "calibrated list",
    ProductKind.CLEAN_EVENTS: "cleaned list",
    ProductKind.FINAL_EVENTS: "final list",
}


def _last_used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@cache
def _how_lists_are_read() -> str:
    """Changes whenever lists may be read differently than before, so that nothing stale is shown."""
    from daxa_gui.missions import event_formats

    return hashlib.sha256(f"{__version__}:{event_formats()!r}".encode()).hexdigest()[:16]


class Inspection:
    """`call_process(target, arguments)` runs a function in a worker process; `cache_folder` keeps lists in columnar form."""

    def __init__(self, call_process: CallProcess, cache_folder: Path) -> None:
        self._call_process = call_process
        self._cache = cache_folder

    def open(self, path: str | Path) -> EventList:
        """Read an event list of any mission; its columns are mapped into memory. Takes a second for a million events.

        Raises
        ------
        FileError : the file is not there, not FITS, cut short, or no event list of a known mission.
        """
        from daxa_gui.fits.columns import load_columns

        file = Path(path)
        try:
            status = file.stat()
        except OSError as error:
            raise FileError(f"{file} cannot be read: {error.strerror}.", "Check the name and the permissions.") from error
        identity = f"{file.resolve()}:{status.st_mtime_ns}:{status.st_size}:{_how_lists_are_read()}"
        folder = self._cache / "events" / hashlib.sha256(identity.encode()).hexdigest()[:24]
        if folder.is_dir():
            try:
                events = load_columns(folder)
                os.utime(folder)  # the least recently used ones go first
                return events
            except (FileError, OSError):
                shutil.rmtree(folder, ignore_errors=True)  # damaged: it is made again
        self._tidy()
        self._call_process("daxa_gui.reduction.reading:read_into_columns", {"path": str(file), "folder": str(folder)})
        return load_columns(folder)

    def _tidy(self) -> None:
        """Keep the lists that were looked at last; what is mapped into memory stays readable until it is let go."""
        folders = [folder for folder in (self._cache / "events").glob("*") if folder.is_dir()]
        for folder in sorted(folders, key=_last_used, reverse=True)[KEPT_LISTS:]:
            shutil.rmtree(folder, ignore_errors=True)

    def summary(self, events: EventList) -> dict[str, Any]:
        """What the list is, as plain JSON values (rows, energies, good time per CCD, exposure …)."""
        from daxa_gui.fits.summary import summarise

        return summarise(events)

    def default_parameters(self, events: EventList) -> FlareParameters:
        """How the list's mission usually looks for flares."""
        return FlareParameters(band_kev=events.format.flare_band_kev, bin_s=events.format.flare_bin_s)

    def parameters(
        self, events: EventList, band_kev: tuple[float, float] | None = None, bin_s: float | None = None
    ) -> FlareParameters:
        """The default parameters with another band or bin."""
        usual = self.default_parameters(events)
        return replace(usual, band_kev=band_kev or usual.band_kev, bin_s=bin_s or usual.bin_s)

    def light_curve(
        self, events: EventList, band_kev: tuple[float, float] | None = None, bin_s: float | None = None
    ) -> LightCurve:
        """Counts and rates of the good events; the mission's flare band and bin unless told otherwise."""
        from daxa_gui.reduction.engine.lightcurve import light_curve

        usual = self.parameters(events, band_kev, bin_s)
        return light_curve(events, usual.band_kev, usual.bin_s)

    def clean(self, events: EventList, parameters: FlareParameters) -> FlareCleaning:
        """Light curve, histogram, Gaussian, limits and good time. Raises ReductionError where that makes no sense."""
        from daxa_gui.reduction.engine.flares import find_flares

        return find_flares(events, parameters)

    def image(self, events: EventList, band_kev: tuple[float, float] | None, gti: Gti | None = None) -> SkyImage:
        """Counts image on the mission's usual grid, of all time or of `gti` only."""
        from daxa_gui.reduction.engine.image import make_image

        return make_image(events, band_kev, gti=gti)

    def spectrum(self, events: EventList, gti: Gti | None = None, like: CountSpectrum | None = None) -> CountSpectrum:
        """Counts by energy of all good events, of all time or of `gti` only; in the bins of `like` if given. Raises
        ReductionError where no energies were measured."""
        from daxa_gui.reduction.engine.spectrum import spectrum

        return spectrum(events, gti, like.edges_kev if like is not None else None)

    def earlier_spectrum(self, results: EarlierResults, like: CountSpectrum) -> CountSpectrum | None:
        """That of the cleaned list (else of the calibrated one) of earlier results; None where they have no list."""
        listed = results.first(ProductKind.CLEAN_EVENTS, ProductKind.FINAL_EVENTS, ProductKind.CALIBRATED_EVENTS)
        return None if listed is None else self.spectrum(self.open(listed.path), None, like)

    def image_like(self, events: EventList, band_kev: tuple[float, float] | None, reference: str | Path) -> SkyImage:
        """Counts image on the pixels of an existing image."""
        from daxa_gui.fits.products import read_grid
        from daxa_gui.reduction.engine.image import make_image

        grid = read_grid(reference, events)
        return make_image(events, band_kev or events.format.default_band_kev, grid=grid)

    def write_image(self, path: str | Path, image: SkyImage, events: EventList | None) -> None:
        """A FITS image; `events` (None for an image that was itself read from a file) gives the keywords."""
        from daxa_gui.fits.products import write_image

        write_image(path, image, events, history=(f"made from {Path(events.path).name}",) if events is not None else ())

    def write_light_curve(self, path: str | Path, curve: LightCurve, events: EventList) -> None:
        from daxa_gui.fits.products import write_lightcurve

        write_lightcurve(path, curve, events, history=(f"made from {Path(events.path).name}",))

    def write_cleaning(self, path: str | Path, cleaning: FlareCleaning, events: EventList) -> None:
        """The light curve with which bins were kept, the histogram, the fit and the good time."""
        from daxa_gui.fits.products import write_lightcurve

        write_lightcurve(path, cleaning.curve, events, cleaning, history=(f"made from {Path(events.path).name}",))

    def write_gti(self, path: str | Path, cleaning: FlareCleaning, events: EventList) -> None:
        from daxa_gui.fits.products import write_gti

        write_gti(path, cleaning.gti, events, history=(f"made from {Path(events.path).name}",))

    def read_image(self, path: str | Path) -> SkyImage:
        """An image or exposure map file."""
        from daxa_gui.fits.products import read_image

        return read_image(Path(path))

    # what others found

    def present_screening(self, exposure: Exposure) -> Screening | None:
        """The good time of an exposure that the missions' software made; None where that is not the present one.

        Raises
        ------
        FileError : its file is damaged.
        """
        if exposure.screening is None or exposure.gti is None:
            return None
        from daxa_gui.fits.products import read_gti

        facts = exposure.screening.facts
        return Screening(
            exposure.cleaned_by, read_gti(exposure.gti.path), _pair_of(facts.get("limits_ct_s")),
            limits_band_kev=_band_of(facts),
        )  # fmt: skip

    def earlier_screening(self, results: EarlierResults, parameters: FlareParameters) -> Screening:
        """Good time, limits and light curve of earlier results of an exposure, as far as their files tell. The curve is that of
        the list that was kept, in the band and bins of `parameters`: of the one before cleaning if that differed too.

        Raises
        ------
        FileError, ReductionError : a file that was kept is damaged, or has no events of that band.
        """
        from daxa_gui.fits.products import read_gti
        from daxa_gui.reduction.engine.lightcurve import light_curve

        good_time = results.first(ProductKind.GTI)
        listed = results.first(*_CURVES_OF)
        curve = None
        if listed is not None:
            curve = light_curve(self.open(listed.path), parameters.band_kev, parameters.bin_s)
        limits, band_kev = self._limits_of(results)
        return Screening(
            results.name, read_gti(good_time.path) if good_time is not None else None, limits, curve,
            _CURVES_OF[listed.kind] if listed is not None else "", band_kev,
        )  # fmt: skip

    @staticmethod
    def _limits_of(results: EarlierResults) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """In ct/s, and the band in keV in which they were found if the step was told one. The limits are those that the built-in
        engine's light curve tells, or those of espfilt: the fitted centre and width from the header of its events, and the number
        of sigma with which the step ran."""
        from daxa_gui.fits.limits import read_fit, read_limits

        if (curve := results.first(ProductKind.LIGHTCURVE)) is not None and (limits := read_limits(curve.path)) is not None:
            return limits, _band_of(curve.parameters)
        events = results.first(ProductKind.ALL_GOOD_EVENTS)
        sigma = finite(events.parameters.get("allowed_sigma")) if events is not None else None
        if events is None or events.parameters.get("method") != "histogram" or sigma is None:
            return None, None
        if (fit := read_fit(events.path)) is None:
            return None, None
        return (fit[0] - sigma * abs(fit[1]), fit[0] + sigma * abs(fit[1])), _band_of(events.parameters)


def _pair_of(values: Any) -> tuple[float, float] | None:
    """Two finite numbers out of the facts of a job; None for anything else."""
    if not isinstance(values, (list, tuple)) or len(values) != 2:
        return None
    low, high = finite(values[0]), finite(values[1])
    return None if low is None or high is None else (low, high)


def _band_of(values: Mapping[str, Any]) -> tuple[float, float] | None:
    """In keV, out of parameters or facts of a step: the built-in engine has « band_kev », espfilt « band_ev »."""
    if (band_ev := _pair_of(values.get("band_ev"))) is not None:
        return band_ev[0] / 1000.0, band_ev[1] / 1000.0
    return _pair_of(values.get("band_kev"))
