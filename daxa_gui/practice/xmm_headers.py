"""Keywords of EPIC event lists, in the words of the mission's own files (compared with real MOS lists)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_gui.practice.clock import iso_utc, utc_mjd
from daxa_gui.practice.fitsblocks import Card, Column, table_block
from daxa_gui.practice.flares import Intervals, total_s
from daxa_gui.practice.headers import CREATOR, image_wcs, linear_wcs, ogip, simulated
from daxa_gui.practice.sky import Observation

MJDREF = 50814.0  # 1998-01-01 TT
PIXEL_ARCSEC = 0.05
PIXEL_DEG = 1.38888888888889e-05
CRPIX = 25921
PI_MAX = {"M1": 15000, "M2": 15000, "PN": 20479}

CLOSE_TO_CCD_BORDER = 0x2
CLOSE_TO_ONBOARD_BADPIX = 0x20
CLOSE_TO_BRIGHTPIX = 0x40
CLOSE_TO_BADCOL = 0x200
OUT_OF_FOV = 0x10000
REJECTED_BY_GATTI = 0x400000
GOOD_MASK = 0x766BA000  # #XMMEA_EM
_BITS = {
    0: "DIAGONAL", 1: "CLOSE_TO_CCD_BORDER", 5: "CLOSE_TO_ONBOARD_BADPIX", 6: "CLOSE_TO_BRIGHTPIX", 8: "CLOSE_TO_DEADPIX",
    9: "CLOSE_TO_BADCOL", 10: "CLOSE_TO_BADROW", 11: "IN_SPOILED_FRAME", 13: "ON_BADOFFSET", 15: "FLICKERING", 16: "OUT_OF_FOV",
    17: "IN_BAD_FRAME", 19: "COSMIC_RAY", 21: "ON_BADPIX", 22: "REJECTED_BY_GATTI", 25: "OUT_OF_CCD_WINDOW",
    26: "OUTSIDE_THRESHOLDS", 28: "ON_BADROW", 29: "BAD_E3E4", 30: "UNDERSHOOT",
}  # fmt: skip
# What the pipeline has already dropped from a MOS list: 31 characters, the first for bit 30.
_MOS_KEPT = "b000x00xxx0x0x0x0x0xxxxxxxxxxxxx"

Ranges = tuple[int, int, int, int]  # smallest and largest X, smallest and largest Y


@dataclass(frozen=True, eq=False)
class Exposure:
    """One exposure of one EPIC camera. Intervals are seconds since `start_tt_s` (mission seconds of the observation's start)."""

    observation: Observation
    instrument: str
    exposure_id: str
    seed: int
    start_tt_s: float
    frame_s: float
    good: dict[int, Intervals]
    live: dict[int, float]

    @property
    def kind(self) -> str:
        return "PN" if self.instrument == "PN" else "MOS"

    @property
    def central_ccd(self) -> int:
        return 4 if self.instrument == "PN" else 1

    @property
    def tstart_s(self) -> float:
        return self.start_tt_s + min(intervals[0][0] for intervals in self.good.values())

    @property
    def tstop_s(self) -> float:
        return self.start_tt_s + max(intervals[-1][1] for intervals in self.good.values())

    def utc(self, seconds: float) -> str:
        """UTC text of mission seconds."""
        return iso_utc(utc_mjd(self.observation.start_utc) + (seconds - self.start_tt_s) / 86400.0, "")


def data_ranges(x: NDArray[np.int32], y: NDArray[np.int32]) -> Ranges:
    if not len(x):
        return (1, 51840, 1, 51840)
    return int(x.min()), int(x.max()), int(y.min()), int(y.max())


def detector_wcs(name: str) -> tuple[Card, ...]:
    return linear_wcs(f"{name}_ANG", 0, 0.0, PIXEL_DEG, "deg")


def _time_cards(exposure: Exposure) -> list[Card]:
    return [
        ("TSTART", exposure.tstart_s, "[s] Start time of first frame"),
        ("TSTOP", exposure.tstop_s, "[s] End time of last frame"),
        ("TIMEUNIT", "s", "All times in s unless specified otherwise"),
        ("TIMESYS", "TT", "XMM time will be TT (Terrestrial Time)"),
        ("MJDREF", MJDREF, "[d] 1998-01-01T00:00:00 (TT) expressed in MJD"),
        ("TIMEREF", "LOCAL", "Reference location of photon arrival times"),
        ("TASSIGN", "SATELLITE", "Location of time assignment"),
        ("TIMEZERO", 0.0, "[s] Clock correction (if not zero)"),
        ("CLOCKAPP", True, "Clock correction applied"),
        ("TELAPSE", exposure.tstop_s - exposure.tstart_s, "[s] Full time interval for the exposure"),
    ]


def _identity(exposure: Exposure) -> list[Card]:
    observation = exposure.observation
    return [
        ("LONGSTRN", "OGIP 1.0", ""),
        ("DATAMODE", "IMAGING", "Instrument mode (IMAGING or TIMING)"),
        ("TELESCOP", "XMM", "XMM mission"),
        ("INSTRUME", {"M1": "EMOS1", "M2": "EMOS2", "PN": "EPN"}[exposure.instrument], f"EPIC {exposure.kind} Instrument"),
        ("OBS_ID", observation.obs_id, "Observation Identifier"),
        ("EXP_ID", observation.obs_id + exposure.exposure_id[1:], "Exposure Identifier"),
        ("DATE-OBS", exposure.utc(exposure.tstart_s), "Start time of exposure"),
        ("DATE-END", exposure.utc(exposure.tstop_s), "End time of exposure"),
        ("OBS_MODE", "POINTING", "Observation mode (pointing or slew)"),
        ("REVOLUT", int(observation.extra["revolution"]), "Revolution number"),
        ("OBJECT", observation.target, "Name of observed object"),
        ("OBSERVER", "DAXA GUI", "Name of observer"),
        ("RA_OBJ", observation.ra_deg, "[deg] RA of target"),
        ("DEC_OBJ", observation.dec_deg, "[deg] Dec of target"),
        ("RA_NOM", observation.ra_deg, "[deg] RA of nominal boresight"),
        ("DEC_NOM", observation.dec_deg, "[deg] Dec of nominal boresight"),
        ("EXPIDSTR", exposure.exposure_id, "Exposure ID"),
        ("FILTER", observation.filter, "Filter ID"),
        ("ATT_SRC", "AHF", "Source of attitude data (AHF|RAF|THF)"),
        ("ORB_RCNS", True, "Reconstructed orbit data used?"),
        ("TFIT_RPD", False, "Recalculated signal propagation delays?"),
        ("TFIT_DEG", 4, "Degree of OBT-MET fit polynomial"),
        ("TFIT_RMS", 0.0, "RMS value of OBT-MET polynomial fit"),
        ("TFIT_PFR", 0.0, "Fraction of disregarded TCS data points"),
        ("TFIT_IGH", True, "Ignored GS handover in TC data?"),
        ("SUBMODE", "PrimeFullWindow", "Guest Observer mode"),
    ]


def _sky_cards(exposure: Exposure, ranges: Ranges) -> list[Card]:
    observation = exposure.observation
    cards: list[Card] = [
        ("EQUINOX", 2000.0, "Equinox for sky coordinate x/y axes"),
        ("RADECSYS", "FK5", "World coord. system for this file"),
    ]
    axes = (
        ("X", "RA---TAN", observation.ra_deg, -PIXEL_DEG, ranges[:2]),
        ("Y", "DEC--TAN", observation.dec_deg, PIXEL_DEG, ranges[2:]),
    )
    for axis, kind, value, step, (low, high) in axes:
        cards += [
            (f"REF{axis}CTYP", kind, "WCS Coord. type"),
            (f"REF{axis}CRPX", CRPIX, "WCS axis reference pixel of projected image"),
            (f"REF{axis}CRVL", value, "[deg] WCS coord. at axis ref. pixel"),
            (f"REF{axis}CDLT", step, "[deg/pix] WCS increment at ref. pixel"),
            (f"REF{axis}LMIN", 1, "WCS minimum legal axis value"),
            (f"REF{axis}LMAX", 51840, "WCS maximum legal axis value"),
            (f"REF{axis}DMIN", low, "WCS minimum axis data value"),
            (f"REF{axis}DMAX", high, "WCS maximum axis data value"),
            (f"REF{axis}CUNI", "deg", "WCS Physical units of axis"),
        ]
    return [
        *cards,
        ("AVRG_PNT", "MEDIAN", "Meaning of PNT values (mean or median)"),
        ("RA_PNT", observation.ra_deg, "[deg] Actual (mean) pointing RA of the optical axis"),
        ("DEC_PNT", observation.dec_deg, "[deg] Actual (mean) pointing Dec of the optical axis"),
        ("PA_PNT", observation.roll_deg, "[deg] Actual (mean) measured position angle"),
    ]


def common_cards(exposure: Exposure, ranges: Ranges) -> list[Card]:
    """Keywords of the primary header and of most extensions. DATE is that of the fictional observation: files stay the same."""
    return [
        ("CREATOR", CREATOR, "name of code"),
        ("DATE", exposure.utc(exposure.tstop_s), "creation date"),
        *_time_cards(exposure),
        *_identity(exposure),
        *_sky_cards(exposure, ranges),
        *simulated(exposure.seed),
    ]


def _good_time_cards(exposure: Exposure) -> list[Card]:
    on = {ccd: total_s(intervals) for ccd, intervals in exposure.good.items()}
    live = {ccd: on[ccd] * exposure.live[ccd] for ccd in on}
    cards: list[Card] = [(f"ONTIME{ccd:02d}", seconds, "Sum of GTIs for a particular CCD") for ccd, seconds in on.items()]
    cards.append(("ONTIME", on[exposure.central_ccd], "Sum of GTIs for central CCD"))
    cards += [(f"LIVETI{ccd:02d}", seconds, "Live time for a particular CCD") for ccd, seconds in live.items()]
    return [*cards, ("LIVETIME", live[exposure.central_ccd], "Live time for the central CCD")]


def _subspace_cards(exposure: Exposure) -> list[Card]:
    """Which data the list holds: for each CCD the flags already screened (MOS) and its own good-time extension."""
    name, value = "data subspace descriptor: name", "data subspace descriptor: value"
    mos = exposure.kind == "MOS"
    last = 3 if mos else 2
    cards: list[Card] = [("DSTYP1", "CCDNR", name)]
    if mos:
        cards += [("DSTYP2", "FLAG", name), ("DSFORM2", "X", "data subspace descriptor: data type"), ("DSVAL2", _MOS_KEPT, value)]
    cards += [(f"DSTYP{last}", "TIME", name), (f"DSUNI{last}", "s", "data subspace descriptor: units")]
    for component, ccd in enumerate(exposure.good, 1):
        prefix = "" if component == 1 else str(component)
        cards.append((f"{prefix}DSVAL1", str(ccd), value))
        if component == 1:
            cards.append((f"DSVAL{last}", "TABLE", value))
        cards.append((f"{prefix}DSREF{last}", f":STDGTI{ccd:02d}", "data subspace descriptor: reference"))
    return cards


def event_cards(exposure: Exposure, ranges: Ranges) -> list[Card]:
    """Keywords of the EVENTS extension, without those of its columns."""
    flags: list[Card] = [(f"XMMEA_{bit}", f"(FLAG & 0x{1 << bit:x}) != 0", name) for bit, name in _BITS.items()]
    if exposure.kind == "MOS":
        flags.append(("XMMEA_EM", "(FLAG & 0x766ba000) == 0", "Select good MOS events"))
        flags.append(("XMMEA_SM", "(FLAG & 0xfffffeff) == 0", "Select good MOS events for spectra"))
    return [
        ("DET_SYST", 2, "System for camera coordinates"),
        *_time_cards(exposure),
        *flags,
        *_identity(exposure),
        *_sky_cards(exposure, ranges),
        *_good_time_cards(exposure),
        *_subspace_cards(exposure),
        *simulated(exposure.seed),
    ]


def ccd_cards(exposure: Exposure, ccd: int, content: str) -> list[Card]:
    """Keywords of an extension that belongs to one CCD."""
    on_s = total_s(exposure.good[ccd])
    return [
        ("EXTVER", 1, "Extension Version"),
        ("CCDID", ccd, "Numerical identifier of the CCD"),
        ("CCDNODE", 0, "CCD Node"),
        ("DATATYPE", "GTI.EL" if "time interval" in content else "IMAGE.EL", "Type of data"),
        ("WINDOWX0", 0, "X-Coordinate of bottom left corner of window"),
        ("WINDOWY0", 0, "Y-Coordinate of bottom left corner of window"),
        ("WINDOWDX", 64 if exposure.kind == "PN" else 610, "Size, along x-axis, of window"),
        ("WINDOWDY", 200 if exposure.kind == "PN" else 602, "Size, along y-axis, of window"),
        ("FRMTIME", exposure.frame_s * 1000.0, "[ms] Frame integration time"),
        ("GAIN_CCD", "NORMAL", "Read-out gain (normal or low)"),
        ("CCDMODE", "PrimeFullWindow", "Readout submode"),
        *_time_cards(exposure),
        *_identity(exposure),
        ("NUMGTI", len(exposure.good[ccd]), "Number of good time intervals"),
        ("ONTIME", on_s, "[s] Total good time for this CCD"),
        ("LIVETIME", on_s * exposure.live[ccd], "[s] Dead-time corrected on time for this CCD"),
        ("CONTENT", content, ""),
        *simulated(exposure.seed),
    ]


def gti_cards(exposure: Exposure, ccd: int) -> list[Card]:
    return [*ccd_cards(exposure, ccd, "good time intervals"), *ogip("GTI", "STANDARD")]


def calibration_table(exposure: Exposure) -> bytes:
    """CALINDEX: real lists name the calibration files here, a simulated one says that there were none."""
    texts = (
        ("TELESCOP", "4A", "XMM"), ("SCOPE", "6A", "NONE"), ("TYPEID", "32A", "SIMULATED"), ("VALDATE", "19A", ""),
        ("FNAME", "256A", "no calibration file: the instrument is a simple model"), ("CREATOR", "64A", CREATOR),
    )  # fmt: skip
    columns = [Column(name, form, np.array([text.encode()])) for name, form, text in texts]
    observation_date = exposure.utc(exposure.tstart_s)
    cards: list[Card] = [
        ("CATEGORY", "XMMCCF", ""),
        ("OBSVDATE", observation_date, ""),
        ("ANALDATE", observation_date, ""),
        *simulated(exposure.seed),
    ]
    return table_block("CALINDEX", columns, cards)


def image_cards(exposure: Exposure, ranges: Ranges, binning: int) -> list[Card]:
    """Header of the pipeline's broad-band image."""
    observation = exposure.observation
    on_s = total_s(exposure.good[exposure.central_ccd])
    return [
        *common_cards(exposure, ranges),
        ("BUNIT", "count", "unit of the pixels"),
        ("CONTENT", "EPIC IMAGE", "Contents of file"),
        *ogip("IMAGE", "TOTAL"),
        *image_wcs(CRPIX, observation.ra_deg, observation.dec_deg, PIXEL_DEG, 0.5, binning, "L"),
        ("DSTYP1", "PI", "data subspace descriptor: name"),
        ("DSUNI1", "CHAN", "data subspace descriptor: units"),
        ("DSVAL1", "(200:12000", "data subspace descriptor: value"),
        ("EXPOSURE", on_s, "[s] ONTIME of the central CCD"),
    ]
