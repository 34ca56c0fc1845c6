"""The steps of XMM-Newton's SAS: what they are called, what they need and make, and their parameters.

The commands are built in `xmm_recipes`, `xmm_merging` and `xmm_images`; docs/steps-xmm.md describes them for users.
"""

from __future__ import annotations

from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.step import Level, Parameter, Step

_RECIPES = "daxa_gui.reduction.xmm_recipes"
_MISSIONS = ("xmm_pointed",)
_OLDEST = "14.0.0"  # SAS; DAXA refuses older ones too
_MOS, _EPIC, _RGS = ("M1", "M2"), ("PN", "M1", "M2"), ("R1", "R2")

_CHECK_TERM = "daxa_gui.reduction.selection_terms:check_term"

_UNSCHEDULED = Parameter(
    "process_unscheduled", "Unscheduled exposures too", True, "",
    "Also reduce exposures that were not planned (their identifiers begin with U): often what followed an interruption.",
    daxa="process_unscheduled",
)  # fmt: skip

CIF_BUILD = Step(
    name="cif_build",
    label="CIF",
    help="List the calibration files that hold for the date of the observation (cifbuild). All other steps of SAS read the list.",
    software="sas",
    needs=(),
    parameters=(
        Parameter(
            "analysis_date", "Analysis date", "now", "",
            "Use the calibration as it was known on this day (YYYY-MM-DD); « now » is the day on which the step runs.",
            daxa="analysis_date", check=f"{_RECIPES}:analysis_day",
        ),
    ),
    build=f"{_RECIPES}:build_cif",
    missions=_MISSIONS,
    level=Level.OBSERVATION,
    makes=(K.CIF,),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="cif_build",
)  # fmt: skip

ODF_INGEST = Step(
    name="odf_ingest",
    label="ODF summary",
    help=(
        "Summarise the raw data (odfingest): which instruments observed, in which exposures, modes and with which filters. The"
        " summary is written beside the products; the raw data stay as they are."
    ),
    software="sas",
    needs=("cif_build",),
    parameters=(),
    build=f"{_RECIPES}:build_odf_ingest",
    missions=_MISSIONS,
    level=Level.OBSERVATION,
    makes=(K.ODF_SUMMARY,),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="odf_ingest",
)

EPCHAIN = Step(
    name="epchain",
    label="pn events",
    help=(
        "Make the calibrated event list of an exposure of EPIC-pn from the raw data (epchain), and with a run before it the list"
        " of simulated out-of-time events, whose trails the readout of pn leaves behind bright sources."
    ),
    software="sas",
    needs=("odf_ingest", "exposures"),
    parameters=(_UNSCHEDULED,),
    build=f"{_RECIPES}:build_epchain",
    missions=_MISSIONS,
    instruments=("PN",),
    makes=(K.CALIBRATED_EVENTS, K.OOT_EVENTS, K.ATTITUDE),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="epchain",
)

EMCHAIN = Step(
    name="emchain",
    label="MOS events",
    help="Make the calibrated event list of an exposure of EPIC-MOS from the raw data (emchain), without its own flare filter.",
    software="sas",
    needs=("odf_ingest", "exposures"),
    parameters=(_UNSCHEDULED,),
    build=f"{_RECIPES}:build_emchain",
    missions=_MISSIONS,
    instruments=_MOS,
    makes=(K.CALIBRATED_EVENTS, K.ATTITUDE),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="emchain",
)

EMANOM = Step(
    name="emanom",
    label="MOS CCD states",
    help=(
        "Look for MOS CCDs in an anomalous state, whose background below 1 keV is raised, by the hardness of the unexposed"
        " corners (emanom, SAS 19 or newer). The result is used where « Leave out anomalous MOS CCDs » is chosen."
    ),
    software="sas",
    needs=("exposures", "emchain"),
    parameters=(),
    build=f"{_RECIPES}:build_emanom",
    missions=_MISSIONS,
    instruments=_MOS,
    makes=(K.ANOMALY_LOG,),
    calibration=("ccf",),
    minimum_version="19.0.0",
    daxa="emanom",
)

ESPFILT = Step(
    name="espfilt",
    label="Flares",
    help=(
        "Find the time without flares of soft protons (espfilt): by a Gaussian fitted to the histogram of count rates, or by the"
        " ratio of the rates inside and outside the field of view. Also writes event lists of that time with the corners kept."
    ),
    software="sas",
    needs=("exposures", "epchain", "emchain"),
    parameters=(
        Parameter(
            "method", "Method", "histogram", "", "« ratio » asks for SAS 14 or newer, « histogram » for SAS 20 or newer.",
            choices=("histogram", "ratio"), daxa="method",
        ),
        Parameter(
            "with_smoothing", "Smooth", True, "", "Smooth the light curve before its histogram is made.", daxa="with_smoothing"
        ),
        Parameter(
            "smooth_s", "Smoothing length", 51, "s", "Length of the running mean.", 1, 60, kind="integer", daxa="with_smoothing"
        ),
        Parameter("with_binning", "Bin", True, "", "Accept or reject whole bins of time.", daxa="with_binning"),
        Parameter("bin_s", "Bin length", 60, "s", "Length of a time bin.", 1, 100_000, kind="integer", daxa="with_binning"),
        Parameter("ratio", "Ratio", 1.2, "", "Method « ratio »: time with a higher ratio is left out.", 0, 1000, daxa="ratio"),
        Parameter(
            "band_ev", "Energy band", None, "eV",
            "Band of the light curve, in whole eV. The task's documentation recommends 2500–8500 eV for the histogram and"
            " 8000–12000 eV for the ratio; these are taken if nothing is entered.",
            1, 32767, kind="range", empty="the method's own", daxa="filter_lo_en, filter_hi_en",
        ),
        Parameter(
            "range_scale_mos", "Fit range, MOS", 6.0, "bins", "Half width of the fitted part of the histogram, for MOS.",
            0, 1000, daxa="range_scale",
        ),
        Parameter(
            "range_scale_pn", "Fit range, pn", 15.0, "bins", "Half width of the fitted part of the histogram, for pn.",
            0, 1000, daxa="range_scale",
        ),
        Parameter(
            "allowed_sigma", "Sigma", 3.0, "", "Time within so many sigma of the quiet level is kept.", 0, 100,
            daxa="allowed_sigma",
        ),
        Parameter(
            "gauss_fit_lims", "Rates of the histogram", (0.1, 6.5), "ct/s",
            "The histogram reaches from the first to twice the second rate.", 0, 10, kind="range", daxa="gauss_fit_lims",
        ),
        Parameter(
            "widen_limits", "Second try with higher rates", True, "",
            "Where all rates lie outside the histogram (a bright source), run once more with the widest one, up to 20 ct/s; a"
            " warning says so.",
        ),
    ),
    build=f"{_RECIPES}:build_espfilt",
    missions=_MISSIONS,
    instruments=_EPIC,
    makes=(K.GTI, K.HISTOGRAM, K.ALL_GOOD_EVENTS, K.ALL_GOOD_OOT_EVENTS),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="espfilt",
)  # fmt: skip

CLEANED_EVT_LISTS = Step(
    name="cleaned_evt_lists",
    label="Clean events",
    help="Keep the good events of flare-free time (evselect): pattern, flags, good time, and energies or CCDs if wanted.",
    software="sas",
    needs=("exposures", "espfilt"),
    parameters=(
        Parameter(
            "energies_kev", "Energies", None, "keV", "Keep only events of these energies; both ends are included.",
            0.001, 32.767, kind="range", empty="no limits", daxa="lo_en, hi_en",
        ),
        Parameter(
            "pn_filt_expr", "Selection, pn", ("#XMMEA_EP", "(PATTERN <= 4)", "(FLAG .eq. 0)"), "",
            "Terms in SAS's selection language; all of them must hold.", kind="texts", daxa="pn_filt_expr", check=_CHECK_TERM,
        ),
        Parameter(
            "mos_filt_expr", "Selection, MOS", ("#XMMEA_EM", "(PATTERN <= 12)", "(FLAG .eq. 0)"), "",
            "Terms in SAS's selection language; all of them must hold.", kind="texts", daxa="mos_filt_expr", check=_CHECK_TERM,
        ),
        Parameter(
            "filt_mos_anom_state", "Leave out anomalous MOS CCDs", False, "",
            "Keep only the MOS CCDs whose state emanom finds acceptable.", daxa="filt_mos_anom_state",
        ),
        Parameter(
            "acc_mos_anom_states", "Acceptable states", ("G", "I", "U"), "",
            "G good, I intermediate below 1 keV, B bad below 1 keV, O off, U undetermined.",
            choices=("G", "I", "B", "O", "U"), kind="many", daxa="acc_mos_anom_states",
        ),
    ),
    build=f"{_RECIPES}:build_cleaned",
    missions=_MISSIONS,
    instruments=_EPIC,
    needs_if=(("emanom", "filt_mos_anom_state"),),
    makes=(K.CLEAN_EVENTS, K.CLEAN_OOT_EVENTS),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="cleaned_evt_lists",
)  # fmt: skip

MERGE_SUBEXPOSURES = Step(
    name="merge_subexposures",
    label="Merged events",
    help=(
        "Join the cleaned lists of all exposures of an instrument in order of time (merge); a single one becomes the final list"
        " as it is. The lists of the exposures stay."
    ),
    software="sas",
    needs=("exposures", "cleaned_evt_lists"),
    parameters=(),
    build="daxa_gui.reduction.xmm_merging:build_merge",
    missions=_MISSIONS,
    instruments=_EPIC,
    level=Level.INSTRUMENT,
    one_is_enough=True,
    makes=(K.FINAL_EVENTS, K.FINAL_OOT_EVENTS, K.FINAL_ALL_GOOD_EVENTS, K.FINAL_ALL_GOOD_OOT_EVENTS),
    minimum_version=_OLDEST,
    is_final=True,
    daxa="merge_subexposures",
)

GENERATE_IMAGES_EXPMAPS = Step(
    name="generate_images_expmaps",
    label="Images",
    help="Make a counts image (evselect, pixels of 4.35″) and a vignetted exposure map in seconds (eexpmap) in each energy band.",
    software="sas",
    needs=("merge_subexposures",),
    parameters=(
        Parameter(
            "bands_kev", "Energy bands", ((0.5, 2.0), (2.0, 10.0)), "keV", "Both ends of a band are included.", 0.001, 32.767,
            kind="ranges", daxa="lo_en, hi_en",
        ),
    ),
    build="daxa_gui.reduction.xmm_images:build_images",
    missions=_MISSIONS,
    instruments=_EPIC,
    level=Level.INSTRUMENT,
    makes=(K.IMAGE, K.EXPOSURE_MAP),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="generate_images_expmaps",
)  # fmt: skip

RGS_EVENTS = Step(
    name="rgs_events",
    label="RGS events",
    help="Calibrate the events of all CCDs of an RGS exposure and join them (first stage of rgsproc).",
    software="sas",
    needs=("odf_ingest", "exposures"),
    parameters=(_UNSCHEDULED,),
    build="daxa_gui.reduction.xmm_rgs:build_events",
    missions=_MISSIONS,
    instruments=_RGS,
    makes=(K.RGS_MERGED, K.RGS_FILES),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="rgs_events",
)

RGS_ANGLES = Step(
    name="rgs_angles",
    label="RGS angles",
    help="Correct the angles of RGS events for the drift of the satellite (second stage of rgsproc).",
    software="sas",
    needs=("exposures", "rgs_events"),
    parameters=(),
    build="daxa_gui.reduction.xmm_rgs:build_angles",
    missions=_MISSIONS,
    instruments=_RGS,
    makes=(K.RGS_ANGLES,),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="rgs_angles",
)

CLEANED_RGS_EVENT_LISTS = Step(
    name="cleaned_rgs_event_lists",
    label="Clean RGS events",
    help="Keep the good RGS events of good time (third stage of rgsproc). Lists of RGS exposures are not merged.",
    software="sas",
    needs=("exposures", "rgs_angles"),
    parameters=(),
    build="daxa_gui.reduction.xmm_rgs:build_cleaned",
    missions=_MISSIONS,
    instruments=_RGS,
    makes=(K.FINAL_EVENTS,),
    calibration=("ccf",),
    minimum_version=_OLDEST,
    daxa="cleaned_rgs_event_lists",
)
