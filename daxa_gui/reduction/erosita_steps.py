"""eROSITA with eSASS: good time without flares (flaregti) and cleaned event lists (evtool). The recipes are in `erosita_recipes`.

Both steps are about a list of events, which holds all telescope modules: a unit as « exposures » finds it, whose instrument joins
the names of the modules that are reduced (« TM1_TM2_… », DAXA's name for them) and whose exposure is ALL. So they are of the
level of exposures, and their products have the names that DAXA gives them.
"""

from __future__ import annotations

from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.step import Step
from daxa_gui.reduction.declaring import SAME, band, energies_kev, integer, number, text, yes_no

_THERE = "daxa_gui.reduction.erosita_recipes"
MISSIONS = ("erosita_calpv", "erosita_all_sky_de_dr1")
LOWEST_EV, HIGHEST_EV = 200, 10000  # what eROSITA's event lists hold
_BAND = "Only events with these energies"

FLAREGTI = Step(
    "flaregti", "Flares (eSASS)",
    "Find the time without flares (flaregti): sources are masked, a light curve of the rest of the field is made, and time"
    " bins above a threshold are rejected. Works on a copy of the event list; the downloaded one stays as it is.",
    "esass",
    needs=("exposures",),
    parameters=(
        band(
            "pi_ev", "Band of the light curve", [200.0, 10000.0], "eV",
            f"{_BAND} count in the light curve. Flares stand out most above 5000 eV.", LOWEST_EV, HIGHEST_EV, daxa="pimin, pimax",
        ),
        band(
            "mask_pi_ev", "Band of the source mask", [200.0, 10000.0], "eV", f"{_BAND} count when sources are looked for.",
            LOWEST_EV, HIGHEST_EV, daxa="mask_pimin, mask_pimax",
        ),
        integer(
            "binsize", "Mask pixel", 1200, "sky pixels", "Sky pixels of 0.05″ along a pixel of the mask; 1200 are 60″.",
            1, 216_000, daxa=SAME,
        ),
        number(
            "detml", "Mask likelihood", 10.0, "", "A pixel of the mask is a source from this likelihood on.", 0, 1e6, daxa=SAME,
        ),
        number("timebin_s", "Bin length", 20.0, "s", "Length of a bin of the light curve.", 0.001, 999_999_999, daxa="timebin"),
        number(
            "source_size_arcsec", "Source size", 25.0, "″",
            "Diameter of the faint source for whose detection the thresholds are chosen.", 0.1, 3600, daxa="source_size",
        ),
        number(
            "source_like", "Source likelihood", 10.0, "", "Likelihood with which that source shall be found.", 0, 1e6, daxa=SAME,
        ),
        number(
            "threshold", "Threshold", -1.0, "ct/s/deg2",
            "Reject bins above this rate. Zero or less: found for each part of the sky.", -1e9, 1e9, daxa=SAME,
        ),
        number(
            "max_threshold", "Highest threshold", -1.0, "ct/s/deg2",
            "A threshold that was found is not above this. Zero or less: no limit.", -1e9, 1e9, daxa=SAME,
        ),
        integer(
            "mask_iter", "Repeats", 3, "",
            "How often mask, light curve and threshold are made, each time from the good time of the time before.",
            1, 100, daxa=SAME,
        ),
    ),
    build=f"{_THERE}:build_flaregti",
    missions=MISSIONS,
    makes=(K.CALIBRATED_EVENTS, K.GTI, K.LIGHTCURVE, K.THRESHOLD_IMAGE, K.MASK_IMAGE),
    daxa="flaregti",
)  # fmt: skip

CLEANED_EROSITA_EVTS = Step(
    "cleaned_erosita_evts", "Clean events (eSASS)",
    "Make the cleaned event list (evtool): events of good flags and patterns in an energy band, in the time without flares.",
    "esass",
    needs=("flaregti",),
    parameters=(
        energies_kev(f"{_BAND} are kept.", 0.2, 10.0, empty="0.2 to 10 keV"),
        text(
            "flag", "Flag mask", "0xc0000000",
            "Events with any of these bits set are rejected, in hexadecimal. 0xc0000000 are corrupt events and frames; 0xc00fff30"
            " also leaves out the corners, bad pixels and their neighbours, as most published work does.",
            check=f"{_THERE}:flag_mask", daxa=SAME,
        ),
        yes_no("flag_invert", "Only flagged events", False, "Keep only the events that the mask would reject, to look at them."),
        integer(
            "pattern", "Patterns", 15, "", "Sum of 1 for single, 2 for double, 4 for triple and 8 for quadruple events.", 1, 15,
            daxa=SAME,
        ),
    ),
    build=f"{_THERE}:build_cleaned",
    missions=MISSIONS,
    makes=(K.FINAL_EVENTS,),
    is_final=True,
    daxa="cleaned_evt_lists",
)  # fmt: skip
