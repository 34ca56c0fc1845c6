"""Chandra with CIAO: reprocessing, flares, cleaned event lists, flux and rate images. The recipes are in `chandra_recipes`."""

from __future__ import annotations

from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Level, Parameter, Step

_THERE = "daxa_gui.reduction.chandra_recipes"
MISSIONS = ("chandra",)
INSTRUMENTS = ("ACIS", "HRC")
_K = ProductKind
LOWEST_KEV, HIGHEST_KEV = 0.01, 20.0
# The bands of the Chandra Source Catalog and the energies that stand for them (help of fluximage): broad, soft, medium, hard,
# ultrasoft.
BANDS_KEV = ((0.5, 7.0), (0.5, 1.2), (1.2, 2.0), (2.0, 7.0), (0.2, 0.5))
EFFECTIVE_KEV = (2.3, 0.92, 1.56, 3.8, 0.4)
GRADES = (0, 2, 3, 4, 6)  # what chandra_repro keeps
N_CCDS = 10  # of ACIS: I0 to I3, S0 to S5

CHANDRA_REPRO = Step(
    name="chandra_repro",
    label="chandra_repro",
    help=(
        "Reprocess the observation with today's calibration (chandra_repro): new bad pixels, event list, good time, aspect"
        " solution, field of view."
    ),
    software="ciao",
    needs=("exposures",),
    parameters=(
        Parameter("destreak", "Remove streaks", True, "", "Remove the streaks that the CCD S4 makes along its rows.",
                  daxa="destreak"),
        Parameter("check_very_faint", "Very faint mode", False, "", "Use the outer pixels of 5 x 5 islands to reject background."
                  " Only for data taken in that mode; may reject events of bright sources.", daxa="check_very_faint"),
        Parameter("pix_adj", "Positions in a pixel", "default", "", "How an event's place in its pixel is guessed: by EDSER (the"
                  " task's default), not at all, or at random.", choices=("default", "edser", "none", "randomize"),
                  daxa="pix_adj"),
        Parameter("asol_update", "Aspect update", True, "", "Bring the aspect solution's boresight up to date.",
                  daxa="asol_update"),
        Parameter("grating_pi_filter", "HRC-S gratings filter", True, "", "Filter grating events of HRC-S by pulse height.",
                  daxa="grating_pi_filter"),
    ),
    build=f"{_THERE}:build_repro",
    missions=MISSIONS,
    instruments=INSTRUMENTS,
    level=Level.EXPOSURE,
    makes=(
        _K.CALIBRATED_EVENTS, _K.DEFAULT_GTI, _K.BAD_PIXELS, _K.FOV_REGION, _K.DETECTOR_MASK, _K.ASPECT_SOLUTION, _K.DEAD_TIME,
        _K.SPECTRUM,
    ),
    calibration=("ciao_caldb",),
    daxa="chandra_repro",
)  # fmt: skip

DEFLARE = Step(
    name="deflare",
    label="Flares (CIAO)",
    help="Make a light curve of the whole field (dmextract) and the good time in which its rate is normal (deflare).",
    software="ciao",
    needs=("chandra_repro",),
    parameters=(
        Parameter("method", "Method", "sigma", "", "sigma: leave out bins too far from the mean, again and again; clean: leave"
                  " out bins too far from the quiet level.", choices=("sigma", "clean"), daxa="method"),
        Parameter("allowed_sigma", "Sigma", 3.0, "", "With sigma: farthest from the mean; with clean: the bins that the quiet"
                  " level is the mean of.", 0.1, 100.0, kind="number", daxa="allowed_sigma"),
        Parameter("min_length", "Shortest run", 3, "bins", "With sigma: fewer good bins in a row are left out.", 1, 1000,
                  kind="integer", daxa="min_length"),
        Parameter("time_bin_s", "Bin length", 200, "s", "Length of a bin of the light curve.", 1, 1e6, kind="integer",
                  daxa="time_bin_size"),
        Parameter("lc_band_kev", "Band of the light curve", [0.5, 7.0], "keV", "Only events with these energies count. HRC"
                  " measures no energies: all count.", LOWEST_KEV, HIGHEST_KEV, kind="range", daxa="lc_lo_en, lc_hi_en"),
        Parameter(
            "ccds", "Chips", list(range(N_CCDS)), "", "ACIS chips whose events count in the light curve; leave out those with a"
            " bright source. 0 to 3 are I0 to I3, 4 to 9 are S0 to S5.", choices=tuple(range(N_CCDS)), kind="many",
        ),
        Parameter("quiet_rate_ct_s", "Quiet level", None, "ct/s", "With clean: the quiet level.", 1e-6, 1e6, kind="number",
                  empty="found"),
        Parameter("scale", "Factor", 1.2, "", "With clean: bins up to this factor above or below the quiet level are kept.",
                  1.0001, 1000.0, kind="number"),
        Parameter("limit_sigma", "Limits in sigma", None, "", "With clean: keep bins within so many Poisson sigma of the quiet"
                  " level instead.", 0.1, 100.0, kind="number", empty="by the factor"),
        Parameter("minfrac", "Least good part", 0.1, "", "With clean: fewer good bins than this part of all are an error.", 0.0,
                  1.0, kind="number"),
    ),
    build=f"{_THERE}:build_deflare",
    missions=MISSIONS,
    instruments=INSTRUMENTS,
    level=Level.EXPOSURE,
    makes=(_K.GTI, _K.LIGHTCURVE),
    daxa="deflare",
)  # fmt: skip

CLEANED_CHANDRA_EVTS = Step(
    name="cleaned_chandra_evts",
    label="Clean events (CIAO)",
    help="Make the cleaned event list (dmcopy): good grades and status, in an energy band, in the time without flares.",
    software="ciao",
    needs=("deflare",),
    parameters=(
        Parameter("energies_kev", "Energies", None, "keV", "Only events with these energies are kept. Not for HRC, which measures"
                  " none.", LOWEST_KEV, HIGHEST_KEV, kind="range", empty="no limits", daxa="lo_en, hi_en"),
        Parameter("allowed_grades", "Grades", list(GRADES), "", "ASCA grades of ACIS events that are kept. chandra_repro has"
                  " already left out 1, 5 and 7.", choices=(0, 1, 2, 3, 4, 5, 6, 7), kind="many", daxa="allowed_grades"),
    ),
    build=f"{_THERE}:build_cleaned",
    missions=MISSIONS,
    instruments=INSTRUMENTS,
    level=Level.EXPOSURE,
    makes=(_K.CLEAN_EVENTS,),
    is_final=True,
    daxa="cleaned_chandra_evts",
)  # fmt: skip

_IMAGE_PARAMETERS = (
    Parameter(
        "bands_kev", "Energy bands", [list(band) for band in BANDS_KEV], "keV", "An image is made in each (ACIS; HRC has one,"
        " « wide »). Change the effective energies with them.", LOWEST_KEV, HIGHEST_KEV, kind="ranges", daxa="en_bounds",
    ),
    Parameter(
        "effective_kev", "Effective energies", list(EFFECTIVE_KEV), "keV", "For each band the energy inside it at which its"
        " exposure map is made.", LOWEST_KEV, HIGHEST_KEV, kind="numbers", daxa="effective_ens",
    ),
    Parameter("acis_bin_size", "ACIS pixel size", 4, "event pixels", "Pixels of 0.492″ along an image pixel.", 1, 1024,
              kind="integer", daxa="acis_bin_size"),
    Parameter("hrc_bin_size", "HRC pixel size", 16, "event pixels", "Pixels of 0.1318″ along an image pixel.", 1, 4096,
              kind="integer", daxa="hrc_bin_size"),
)  # fmt: skip

FLUX_IMAGE = Step(
    name="flux_image",
    label="Flux images",
    help=(
        "Counts images, exposure maps weighted with the effective area, and images of the photon flux (fluximage), with maps of"
        " the size of the point-spread function."
    ),
    software="ciao",
    needs=("cleaned_chandra_evts", "chandra_repro"),
    parameters=(
        *_IMAGE_PARAMETERS,
        Parameter("psf_fraction", "PSF fraction", 1.0, "", "Part of a source's events whose radius the PSF map gives. 1 is"
                  " DAXA's choice; 0.393 or 0.9 are of more use.", 0.01, 1.0, kind="number"),
    ),
    build=f"{_THERE}:build_flux_image",
    missions=MISSIONS,
    instruments=INSTRUMENTS,
    level=Level.EXPOSURE,
    makes=(_K.IMAGE, _K.WEIGHTED_EXPOSURE_MAP, _K.FLUX_MAP, _K.PSF_MAP),
    calibration=("ciao_caldb",),
    daxa="flux_image",
)  # fmt: skip

RATE_IMAGE = Step(
    name="rate_image",
    label="Rate images",
    help=(
        "Exposure maps in seconds and images of the count rate (fluximage). The counts images and PSF maps are those of the flux"
        " images."
    ),
    software="ciao",
    needs=("cleaned_chandra_evts", "chandra_repro"),
    parameters=_IMAGE_PARAMETERS,
    build=f"{_THERE}:build_rate_image",
    missions=MISSIONS,
    instruments=INSTRUMENTS,
    level=Level.EXPOSURE,
    makes=(_K.EXPOSURE_MAP, _K.RATE_MAP),
    calibration=("ciao_caldb",),
    daxa="rate_image",
)  # fmt: skip
