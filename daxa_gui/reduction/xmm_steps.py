"""The steps of XMM-Newton's SAS: what they are called, what they need and make, and their parameters.

The commands are built in `xmm_recipes`, `xmm_merging`, `xmm_images` and `xmm_rgs`; docs/steps-xmm.md describes them for users.
All steps have the names that DAXA gives them.
"""

from __future__ import annotations

from typing import Any

from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.step import Level, Step
from daxa_gui.reduction.declaring import (
    SAME,
    band,
    bands_kev,
    choice,
    energies_kev,
    integer,
    number,
    some_of,
    text,
    texts,
    yes_no,
)

_RECIPES = "daxa_gui.reduction.xmm_recipes"
_RGS_RECIPES = "daxa_gui.reduction.xmm_rgs"
_CHECK_TERM = "daxa_gui.reduction.selection_terms:check_term"
_MOS, _EPIC, _RGS = ("M1", "M2"), ("PN", "M1", "M2"), ("R1", "R2")
_LOWEST_KEV, _HIGHEST_KEV = 0.001, 32.767


def _step(name: str, label: str, help: str, build: str, **more: Any) -> Step:
    """A step that needs SAS 14 (DAXA refuses older ones too) and the calibration files, unless `more` says otherwise."""
    usual = {"parameters": (), "calibration": ("ccf",), "minimum_version": "14.0.0"}
    return Step(name, label, help, "sas", build=build, missions=("xmm_pointed",), daxa=name, **usual | more)


_UNSCHEDULED = yes_no(
    "process_unscheduled", "Unscheduled exposures too", True,
    "Also reduce exposures that were not planned (their identifiers begin with U): often what followed an interruption.",
    daxa=SAME,
)  # fmt: skip

# ---- an observation

CIF_BUILD = _step(
    "cif_build", "CIF",
    "List the calibration files that hold for the date of the observation (cifbuild). All other steps of SAS read the list.",
    f"{_RECIPES}:build_cif",
    needs=(),
    parameters=(
        text(
            "analysis_date", "Analysis date", "now",
            "Use the calibration as it was known on this day (YYYY-MM-DD); « now » is the day on which the step runs.",
            check=f"{_RECIPES}:analysis_day", daxa=SAME,
        ),
    ),
    level=Level.OBSERVATION,
    makes=(K.CIF,),
)  # fmt: skip

ODF_INGEST = _step(
    "odf_ingest", "ODF summary",
    "Summarise the raw data (odfingest): which instruments observed, in which exposures, modes and with which filters. The"
    " summary is written beside the products; the raw data stay as they are.",
    f"{_RECIPES}:build_odf_ingest",
    needs=("cif_build",),
    level=Level.OBSERVATION,
    makes=(K.ODF_SUMMARY,),
)  # fmt: skip

# ---- exposures of EPIC

EPCHAIN = _step(
    "epchain", "pn events",
    "Make the calibrated event list of an exposure of EPIC-pn from the raw data (epchain), and with a run before it the list"
    " of simulated out-of-time events, whose trails the readout of pn leaves behind bright sources.",
    f"{_RECIPES}:build_epchain",
    needs=("odf_ingest", "exposures"),
    parameters=(_UNSCHEDULED,),
    instruments=("PN",),
    makes=(K.CALIBRATED_EVENTS, K.OOT_EVENTS, K.ATTITUDE),
)  # fmt: skip

EMCHAIN = _step(
    "emchain", "MOS events",
    "Make the calibrated event list of an exposure of EPIC-MOS from the raw data (emchain), without its own flare filter.",
    f"{_RECIPES}:build_emchain",
    needs=("odf_ingest", "exposures"),
    parameters=(_UNSCHEDULED,),
    instruments=_MOS,
    makes=(K.CALIBRATED_EVENTS, K.ATTITUDE),
)  # fmt: skip

EMANOM = _step(
    "emanom", "MOS CCD states",
    "Look for MOS CCDs in an anomalous state, whose background below 1 keV is raised, by the hardness of the unexposed"
    " corners (emanom, SAS 19 or newer). The result is used where « Leave out anomalous MOS CCDs » is chosen.",
    f"{_RECIPES}:build_emanom",
    needs=("exposures", "emchain"),
    instruments=_MOS,
    makes=(K.ANOMALY_LOG,),
    minimum_version="19.0.0",
)  # fmt: skip

ESPFILT = _step(
    "espfilt", "Flares",
    "Find the time without flares of soft protons (espfilt): by a Gaussian fitted to the histogram of count rates, or by the"
    " ratio of the rates inside and outside the field of view. Also writes event lists of that time with the corners kept.",
    f"{_RECIPES}:build_espfilt",
    needs=("exposures", "epchain", "emchain"),
    parameters=(
        choice(
            "method", "Method", "histogram", "« ratio » asks for SAS 14 or newer, « histogram » for SAS 20 or newer.",
            ("histogram", "ratio"), daxa=SAME,
        ),
        yes_no("with_smoothing", "Smooth", True, "Smooth the light curve before its histogram is made.", daxa=SAME),
        integer("smooth_s", "Smoothing length", 51, "s", "Length of the running mean.", 1, 60, daxa="with_smoothing"),
        yes_no("with_binning", "Bin", True, "Accept or reject whole bins of time.", daxa=SAME),
        integer("bin_s", "Bin length", 60, "s", "Length of a time bin.", 1, 100_000, daxa="with_binning"),
        number("ratio", "Ratio", 1.2, "", "Method « ratio »: time with a higher ratio is left out.", 0, 1000, daxa=SAME),
        band(
            "band_ev", "Energy band", None, "eV",
            "Band of the light curve, in whole eV. The task's documentation recommends 2500–8500 eV for the histogram and"
            " 8000–12000 eV for the ratio; these are taken if nothing is entered.",
            1, 32767, empty="the method's own", daxa="filter_lo_en, filter_hi_en",
        ),
        number(
            "range_scale_mos", "Fit range, MOS", 6.0, "bins", "Half width of the fitted part of the histogram, for MOS.", 0, 1000,
            daxa="range_scale",
        ),
        number(
            "range_scale_pn", "Fit range, pn", 15.0, "bins", "Half width of the fitted part of the histogram, for pn.", 0, 1000,
            daxa="range_scale",
        ),
        number("allowed_sigma", "Sigma", 3.0, "", "Time within so many sigma of the quiet level is kept.", 0, 100, daxa=SAME),
        band(
            "gauss_fit_lims", "Rates of the histogram", (0.1, 6.5), "ct/s",
            "The histogram reaches from the first to twice the second rate.", 0, 10, daxa=SAME,
        ),
        yes_no(
            "widen_limits", "Second try with higher rates", True,
            "Where all rates lie outside the histogram (a bright source), run once more with the widest one, up to 20 ct/s; a"
            " warning says so.",
        ),
    ),
    instruments=_EPIC,
    makes=(K.GTI, K.HISTOGRAM, K.ALL_GOOD_EVENTS, K.ALL_GOOD_OOT_EVENTS),
)  # fmt: skip

CLEANED_EVT_LISTS = _step(
    "cleaned_evt_lists", "Clean events",
    "Keep the good events of flare-free time (evselect): pattern, flags, good time, and energies or CCDs if wanted.",
    f"{_RECIPES}:build_cleaned",
    needs=("exposures", "espfilt"),
    needs_if=(("emanom", "filt_mos_anom_state"),),
    parameters=(
        energies_kev("Keep only events of these energies; both ends are included.", _LOWEST_KEV, _HIGHEST_KEV),
        texts(
            "pn_filt_expr", "Selection, pn", ("#XMMEA_EP", "(PATTERN <= 4)", "(FLAG .eq. 0)"),
            "Terms in SAS's selection language; all of them must hold.", check=_CHECK_TERM, daxa=SAME,
        ),
        texts(
            "mos_filt_expr", "Selection, MOS", ("#XMMEA_EM", "(PATTERN <= 12)", "(FLAG .eq. 0)"),
            "Terms in SAS's selection language; all of them must hold.", check=_CHECK_TERM, daxa=SAME,
        ),
        yes_no(
            "filt_mos_anom_state", "Leave out anomalous MOS CCDs", False,
            "Keep only the MOS CCDs whose state emanom finds acceptable.", daxa=SAME,
        ),
        some_of(
            "acc_mos_anom_states", "Acceptable states", ("G", "I", "U"),
            "G good, I intermediate below 1 keV, B bad below 1 keV, O off, U undetermined.", ("G", "I", "B", "O", "U"), daxa=SAME,
        ),
    ),
    instruments=_EPIC,
    makes=(K.CLEAN_EVENTS, K.CLEAN_OOT_EVENTS),
)  # fmt: skip

# ---- instruments of EPIC

MERGE_SUBEXPOSURES = _step(
    "merge_subexposures", "Merged events",
    "Join the cleaned lists of all exposures of an instrument in order of time (merge); a single one becomes the final list"
    " as it is. The lists of the exposures stay.",
    "daxa_gui.reduction.xmm_merging:build_merge",
    needs=("exposures", "cleaned_evt_lists"),
    one_is_enough=True,
    instruments=_EPIC,
    level=Level.INSTRUMENT,
    makes=(K.FINAL_EVENTS, K.FINAL_OOT_EVENTS, K.FINAL_ALL_GOOD_EVENTS, K.FINAL_ALL_GOOD_OOT_EVENTS),
    calibration=(),
    is_final=True,
)  # fmt: skip

GENERATE_IMAGES_EXPMAPS = _step(
    "generate_images_expmaps", "Images",
    "Make a counts image (evselect, pixels of 4.35″) and a vignetted exposure map in seconds (eexpmap) in each energy band.",
    "daxa_gui.reduction.xmm_images:build_images",
    needs=("merge_subexposures",),
    parameters=(
        bands_kev(((0.5, 2.0), (2.0, 10.0)), "Both ends of a band are included.", _LOWEST_KEV, _HIGHEST_KEV, daxa="lo_en, hi_en"),
    ),
    instruments=_EPIC,
    level=Level.INSTRUMENT,
    makes=(K.IMAGE, K.EXPOSURE_MAP),
)  # fmt: skip

# ---- exposures of RGS

RGS_EVENTS = _step(
    "rgs_events", "RGS events", "Calibrate the events of all CCDs of an RGS exposure and join them (first stage of rgsproc).",
    f"{_RGS_RECIPES}:build_events",
    needs=("odf_ingest", "exposures"),
    parameters=(_UNSCHEDULED,),
    instruments=_RGS,
    makes=(K.RGS_MERGED, K.RGS_FILES),
)  # fmt: skip

RGS_ANGLES = _step(
    "rgs_angles", "RGS angles", "Correct the angles of RGS events for the drift of the satellite (second stage of rgsproc).",
    f"{_RGS_RECIPES}:build_angles",
    needs=("exposures", "rgs_events"),
    instruments=_RGS,
    makes=(K.RGS_ANGLES,),
)  # fmt: skip

CLEANED_RGS_EVENT_LISTS = _step(
    "cleaned_rgs_event_lists", "Clean RGS events",
    "Keep the good RGS events of good time (third stage of rgsproc). Lists of RGS exposures are not merged.",
    f"{_RGS_RECIPES}:build_cleaned",
    needs=("exposures", "rgs_angles"),
    instruments=_RGS,
    makes=(K.FINAL_EVENTS,),
)  # fmt: skip
