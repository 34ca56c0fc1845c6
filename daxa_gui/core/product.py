"""Products: the files of an archive, and what kind of thing each of them is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ProductKind(StrEnum):
    """What a file is. The values are stored in archives: never change one."""

    EVENTS = "events"  # an event list as it came from the mission's archive
    CLEAN_EVENTS = "clean_events"  # an event list after flare cleaning and event selection
    GTI = "gti"  # good-time intervals
    LIGHTCURVE = "lightcurve"  # rate against time with the accepted bins marked
    IMAGE = "image"
    EXPOSURE_MAP = "exposure_map"
    BACKGROUND_MAP = "background_map"
    FINAL_EVENTS = "final_events"  # an event list that was taken into the archive's layout under its final name
    RAW = "raw"  # what an event list is made from, and what belongs to it: telemetry, housekeeping, attitude, calibration
    SPECTRUM = "spectrum"  # spectra of sources and backgrounds, with their responses
    SOURCE_LIGHTCURVE = "source_lightcurve"  # light curves of sources made by the mission's own pipeline
    # what the missions' own software makes
    CALIBRATED_EVENTS = "calibrated_events"  # an event list that a chain made from telemetry: calibrated, not cleaned
    OOT_EVENTS = "oot_events"  # simulated out-of-time events that belong to it (EPIC-pn)
    CLEAN_OOT_EVENTS = "clean_oot_events"
    FINAL_OOT_EVENTS = "final_oot_events"
    ALL_GOOD_EVENTS = "all_good_events"  # all events of flare-free time, corners of the camera included
    ALL_GOOD_OOT_EVENTS = "all_good_oot_events"
    FINAL_ALL_GOOD_EVENTS = "final_all_good_events"
    FINAL_ALL_GOOD_OOT_EVENTS = "final_all_good_oot_events"
    CIF = "cif"  # XMM: which calibration files belong to the observation
    ODF_SUMMARY = "odf_summary"  # XMM: instruments, exposures, modes, filters
    ATTITUDE = "attitude"
    HISTOGRAM = "histogram"  # count-rate histogram with fit and limits, as text (QDP)
    ANOMALY_LOG = "anomaly_log"  # XMM: states of the MOS CCDs
    RGS_MERGED = "rgs_merged"  # XMM: events of all CCDs of one RGS exposure
    RGS_ANGLES = "rgs_angles"  # the same with aspect-corrected angles
    RGS_FILES = "rgs_files"  # other files that one stage of rgsproc leaves for the next
    THRESHOLD_IMAGE = "threshold_image"
    MASK_IMAGE = "mask_image"
    DEFAULT_GTI = "default_gti"  # good time before flares were looked for
    BAD_PIXELS = "bad_pixels"
    FOV_REGION = "fov_region"
    DETECTOR_MASK = "detector_mask"
    ASPECT_SOLUTION = "aspect_solution"
    DEAD_TIME = "dead_time"
    WEIGHTED_EXPOSURE_MAP = "weighted_exposure_map"  # cm2 s count/photon
    FLUX_MAP = "flux_map"
    RATE_MAP = "rate_map"
    PSF_MAP = "psf_map"
    HOT_PIXELS = "hot_pixels"
    REFERENCE_PIXEL = "reference_pixel"
    MAST = "mast"
    OBEB = "obeb"
    PSD = "psd"
    CORRECTED_PSD = "corrected_psd"
    OTHER = "other"


@dataclass(frozen=True)
class ProductKey:
    """What a product belongs to.

    `exposure` is the sub-exposure (XMM `S001`, Chandra `E001`) or `ALL`; `band_kev` the (low, high) energies or None.
    """

    mission: str
    obs_id: str
    kind: ProductKind
    instrument: str = ""
    exposure: str = "ALL"
    band_kev: tuple[float, float] | None = None

    @property
    def unit(self) -> str:
        """Instrument and sub-exposure together: the thing that one row of the processing grid is about."""
        return self.instrument if self.exposure in ("ALL", "") else f"{self.instrument}{self.exposure}"


@dataclass(frozen=True)
class Product:
    """A file of the archive. `path` is absolute; the archive stores it relative to its own folder."""

    key: ProductKey
    path: str
    size_bytes: int
    sha256: str = ""
    job_id: int | None = None
    created: float = 0.0  # seconds since 1970, UTC
    facts: dict[str, Any] = field(default_factory=dict)  # plain JSON: n_events, ontime_s, kept_fraction, …
