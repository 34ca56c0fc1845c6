"""NuSTAR with NuSTARDAS (part of HEASoft): calibration and screening, cleaned event lists, images and exposure maps.

The recipes are in `nustar_recipes`. All steps are about one focal plane module, a unit that « exposures » finds (FPMA or FPMB,
exposure ALL). DAXA has the first of them only.
"""

from __future__ import annotations

from typing import Any

from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.step import Step
from daxa_gui.reduction.declaring import SAME, bands_kev, choice, energies_kev, integer, number, yes_no

MISSIONS = ("nustar_pointed",)
INSTRUMENTS = ("FPMA", "FPMB")
LOWEST_KEV, HIGHEST_KEV = 1.6, 165.4  # of the channels 0 to 4095


def _step(name: str, label: str, help: str, build: str, **more: Any) -> Step:
    where = f"daxa_gui.reduction.nustar_recipes:{build}"
    return Step(name, label, help, "heasoft", build=where, missions=MISSIONS, instruments=INSTRUMENTS, **more)


NUPIPELINE = _step(
    "nupipeline", "nupipeline",
    "Calibrate and screen the raw events of a focal plane module (nupipeline, stages 1 and 2): hot and bad pixels, energies,"
    " aspect, then good time and good events.",
    "build_nupipeline",
    needs=("exposures",),
    parameters=(
        integer(
            "hp_time_bin_s", "Hot pixels: time bin", 600, "s", "Length of the bins in which hot pixels are looked for.", 1, 1e6,
            daxa="hp_time_bin",
        ),
        integer(
            "hp_cell_bin", "Hot pixels: cell", 5, "pixels",
            "Width of the square around a pixel that it is compared with; an odd number.", 1, 31, daxa=SAME,
        ),
        number(
            "hp_imp", "Hot pixels: impact", 1.0, "", "Factor on the background's level in the test for hot pixels.", 0, 1000,
            daxa=SAME,
        ),
        number(
            "hp_log_pos", "Hot pixels: log of chance", -6.0, "",
            "A pixel is hot if the logarithm of the probability of its counts is below this; a negative number.", -1000, -1e-9,
            daxa=SAME,
        ),
        integer(
            "hp_bck_thr", "Hot pixels: background", 6, "counts", "Counts from which on the cell's background is used.", 0, 1e6,
            daxa=SAME,
        ),
        yes_no("asp_ab_corr", "Aberration", True, "Correct the aspect for the aberration of light.", daxa=SAME),
        choice(
            "saacalc", "SAA: method", 3,
            "How passages of the South Atlantic Anomaly are found: 1 and 2 are the older methods, 3 is the task's own choice.",
            (1, 2, 3),
        ),
        choice(
            "saamode", "SAA: strictness", "NONE",
            "NONE: only the passages that the satellite marked; STRICT: by the shields' rates; OPTIMIZED: only where the"
            " detectors' rate rises too.", ("NONE", "STRICT", "OPTIMIZED"),
        ),
        yes_no(
            "tentacle", "SAA: tentacle", False,
            "Also leave out the time when the detectors' rate rises on the way into the Anomaly. Needs STRICT or OPTIMIZED.",
        ),
    ),
    makes=(
        K.CALIBRATED_EVENTS, K.ALL_GOOD_EVENTS, K.GTI, K.HOT_PIXELS, K.BAD_PIXELS, K.REFERENCE_PIXEL, K.ATTITUDE, K.MAST, K.OBEB,
        K.PSD, K.CORRECTED_PSD,
    ),
    calibration=("caldb",),
    daxa="nupipeline_calibrate",
)  # fmt: skip

CLEANED_NUSTAR_EVTS = _step(
    "cleaned_nustar_evts", "Clean events (NuSTAR)", "Take the screened events of an energy band and of good grades (ftcopy).",
    "build_cleaned",
    needs=("nupipeline",),
    parameters=(
        energies_kev(
            "Only events with these energies are kept. The optics serve from 3 to 78 keV.", LOWEST_KEV, HIGHEST_KEV,
            daxa="evt_lo_en, evt_hi_en",
        ),
        integer(
            "max_grade", "Highest grade", 26, "",
            "Events with a higher grade are left out; the screening keeps 0 to 26. 0 are events in one pixel only.", 0, 32,
        ),
    ),
    makes=(K.CLEAN_EVENTS,),
    is_final=True,
)  # fmt: skip

NUSTAR_IMAGES = _step(
    "nustar_images", "Images (NuSTAR)", "Counts images in energy bands (ftcopy) and the exposure map (nuexpomap) of a module.",
    "build_images",
    needs=("cleaned_nustar_evts",),
    parameters=(
        bands_kev(
            [[3.0, 78.0], [3.0, 8.0], [8.0, 24.0]], "A counts image is made in each; the cleaned list must hold them.",
            LOWEST_KEV, HIGHEST_KEV,
        ),
        integer(
            "pixel_bin", "Pixel size", 1, "event pixels",
            "Sky pixels of 2.46″ along a pixel of the counts images. The exposure map always has single ones.", 1, 100,
        ),
        yes_no("exposure_map", "Exposure map", True, "Making it takes minutes."),
        number(
            "vignetting_kev", "Vignetting at", None, "keV", "Weigh the exposure with the optics' vignetting at this energy.",
            3, 79, empty="without vignetting",
        ),
        yes_no("asp_ab_corr", "Aberration", True, "Correct for the aberration of light, as nupipeline did."),
        integer(
            "map_pixbin", "Steps of the map", 5, "pixels",
            "Pixels of the histogram of pointings that the exposure map is made of (pixbin); smaller is finer and slower.",
            1, 100,
        ),
    ),
    makes=(K.IMAGE, K.EXPOSURE_MAP),
    calibration=("caldb",),
)  # fmt: skip
