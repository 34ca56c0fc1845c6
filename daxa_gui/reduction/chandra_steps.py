"""Chandra with CIAO: reprocessing, flares, cleaned event lists, flux and rate images. The recipes are in `chandra_recipes`.

All steps are about an exposure of ACIS or HRC, and have the names that DAXA gives them.
"""

from __future__ import annotations

from typing import Any

from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.step import Step
from daxa_gui.reduction.declaring import SAME, band, bands_kev, choice, energies_kev, integer, number, numbers, some_of, yes_no

MISSIONS = ("chandra",)
INSTRUMENTS = ("ACIS", "HRC")
LOWEST_KEV, HIGHEST_KEV = 0.01, 20.0
# The bands of the Chandra Source Catalog and the energies that stand for them (help of fluximage): broad, soft, medium, hard,
# ultrasoft.
BANDS_KEV = ((0.5, 7.0), (0.5, 1.2), (1.2, 2.0), (2.0, 7.0), (0.2, 0.5))
EFFECTIVE_KEV = (2.3, 0.92, 1.56, 3.8, 0.4)
GRADES = (0, 2, 3, 4, 6)  # what chandra_repro keeps
N_CCDS = 10  # of ACIS: I0 to I3, S0 to S5


def _step(name: str, label: str, help: str, build: str, **more: Any) -> Step:
    where = f"daxa_gui.reduction.chandra_recipes:{build}"
    return Step(name, label, help, "ciao", build=where, missions=MISSIONS, instruments=INSTRUMENTS, daxa=name, **more)


CHANDRA_REPRO = _step(
    "chandra_repro", "chandra_repro",
    "Reprocess the observation with today's calibration (chandra_repro): new bad pixels, event list, good time, aspect"
    " solution, field of view.",
    "build_repro",
    needs=("exposures",),
    parameters=(
        yes_no("destreak", "Remove streaks", True, "Remove the streaks that the CCD S4 makes along its rows.", daxa=SAME),
        yes_no(
            "check_very_faint", "Very faint mode", False,
            "Use the outer pixels of 5 x 5 islands to reject background. Only for data taken in that mode; may reject events of"
            " bright sources.", daxa=SAME,
        ),
        choice(
            "pix_adj", "Positions in a pixel", "default",
            "How an event's place in its pixel is guessed: by EDSER (the task's default), not at all, or at random.",
            ("default", "edser", "none", "randomize"), daxa=SAME,
        ),
        yes_no("asol_update", "Aspect update", True, "Bring the aspect solution's boresight up to date.", daxa=SAME),
        yes_no("grating_pi_filter", "HRC-S gratings filter", True, "Filter grating events of HRC-S by pulse height.", daxa=SAME),
    ),
    makes=(
        K.CALIBRATED_EVENTS, K.DEFAULT_GTI, K.BAD_PIXELS, K.FOV_REGION, K.DETECTOR_MASK, K.ASPECT_SOLUTION, K.DEAD_TIME,
        K.SPECTRUM,
    ),
    calibration=("ciao_caldb",),
)  # fmt: skip

DEFLARE = _step(
    "deflare", "Flares (CIAO)",
    "Make a light curve of the whole field (dmextract) and the good time in which its rate is normal (deflare).",
    "build_deflare",
    needs=("chandra_repro",),
    parameters=(
        choice(
            "method", "Method", "sigma",
            "sigma: leave out bins too far from the mean, again and again; clean: leave out bins too far from the quiet level.",
            ("sigma", "clean"), daxa=SAME,
        ),
        number(
            "allowed_sigma", "Sigma", 3.0, "",
            "With sigma: farthest from the mean; with clean: the bins that the quiet level is the mean of.", 0.1, 100, daxa=SAME,
        ),
        integer(
            "min_length", "Shortest run", 3, "bins", "With sigma: fewer good bins in a row are left out.", 1, 1000, daxa=SAME,
        ),
        integer("time_bin_s", "Bin length", 200, "s", "Length of a bin of the light curve.", 1, 1e6, daxa="time_bin_size"),
        band(
            "lc_band_kev", "Band of the light curve", [0.5, 7.0], "keV",
            "Only events with these energies count. HRC measures no energies: all count.", LOWEST_KEV, HIGHEST_KEV,
            daxa="lc_lo_en, lc_hi_en",
        ),
        some_of(
            "ccds", "Chips", list(range(N_CCDS)),
            "ACIS chips whose events count in the light curve; leave out those with a bright source. 0 to 3 are I0 to I3, 4 to 9"
            " are S0 to S5.", range(N_CCDS),
        ),
        number("quiet_rate_ct_s", "Quiet level", None, "ct/s", "With clean: the quiet level.", 1e-6, 1e6, empty="found"),
        number(
            "scale", "Factor", 1.2, "", "With clean: bins up to this factor above or below the quiet level are kept.",
            1.0001, 1000,
        ),
        number(
            "limit_sigma", "Limits in sigma", None, "",
            "With clean: keep bins within so many Poisson sigma of the quiet level instead.", 0.1, 100, empty="by the factor",
        ),
        number("minfrac", "Least good part", 0.1, "", "With clean: fewer good bins than this part of all are an error.", 0, 1),
    ),
    makes=(K.GTI, K.LIGHTCURVE),
)  # fmt: skip

CLEANED_CHANDRA_EVTS = _step(
    "cleaned_chandra_evts", "Clean events (CIAO)",
    "Make the cleaned event list (dmcopy): good grades and status, in an energy band, in the time without flares.",
    "build_cleaned",
    needs=("deflare",),
    parameters=(
        energies_kev("Only events with these energies are kept. Not for HRC, which measures none.", LOWEST_KEV, HIGHEST_KEV),
        some_of(
            "allowed_grades", "Grades", list(GRADES),
            "ASCA grades of ACIS events that are kept. chandra_repro has already left out 1, 5 and 7.", range(8), daxa=SAME,
        ),
    ),
    makes=(K.CLEAN_EVENTS,),
    is_final=True,
)  # fmt: skip

_IMAGES: dict[str, Any] = {"needs": ("cleaned_chandra_evts", "chandra_repro"), "calibration": ("ciao_caldb",)}
_IMAGE_PARAMETERS = (
    bands_kev(
        [list(one) for one in BANDS_KEV],
        "An image is made in each (ACIS; HRC has one, « wide »). Change the effective energies with them.",
        LOWEST_KEV, HIGHEST_KEV, daxa="en_bounds",
    ),
    numbers(
        "effective_kev", "Effective energies", list(EFFECTIVE_KEV), "keV",
        "For each band the energy inside it at which its exposure map is made.", LOWEST_KEV, HIGHEST_KEV, daxa="effective_ens",
    ),
    integer("acis_bin_size", "ACIS pixel size", 4, "event pixels", "Pixels of 0.492″ along an image pixel.", 1, 1024, daxa=SAME),
    integer("hrc_bin_size", "HRC pixel size", 16, "event pixels", "Pixels of 0.1318″ along an image pixel.", 1, 4096, daxa=SAME),
)  # fmt: skip

FLUX_IMAGE = _step(
    "flux_image", "Flux images",
    "Counts images, exposure maps weighted with the effective area, and images of the photon flux (fluximage), with maps of"
    " the size of the point-spread function.",
    "build_flux_image",
    parameters=(
        *_IMAGE_PARAMETERS,
        number(
            "psf_fraction", "PSF fraction", 1.0, "",
            "Part of a source's events whose radius the PSF map gives. 1 is DAXA's choice; 0.393 or 0.9 are of more use.",
            0.01, 1,
        ),
    ),
    makes=(K.IMAGE, K.WEIGHTED_EXPOSURE_MAP, K.FLUX_MAP, K.PSF_MAP),
    **_IMAGES,
)  # fmt: skip

RATE_IMAGE = _step(
    "rate_image", "Rate images",
    "Exposure maps in seconds and images of the count rate (fluximage). The counts images and PSF maps are those of the flux"
    " images.",
    "build_rate_image",
    parameters=_IMAGE_PARAMETERS,
    makes=(K.EXPOSURE_MAP, K.RATE_MAP),
    **_IMAGES,
)  # fmt: skip
