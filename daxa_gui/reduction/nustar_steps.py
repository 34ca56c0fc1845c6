"""NuSTAR with NuSTARDAS (part of HEASoft): calibration and screening, cleaned event lists, images and exposure maps.

The recipes are in `nustar_recipes`. All steps are about one focal plane module, a unit that « exposures » finds (FPMA or FPMB,
exposure ALL).
"""

from __future__ import annotations

from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Level, Parameter, Step

_THERE = "daxa_gui.reduction.nustar_recipes"
MISSIONS = ("nustar_pointed",)
INSTRUMENTS = ("FPMA", "FPMB")
LOWEST_KEV, HIGHEST_KEV = 1.6, 165.4  # of the channels 0 to 4095
_K = ProductKind

NUPIPELINE = Step(
    name="nupipeline",
    label="nupipeline",
    help=(
        "Calibrate and screen the raw events of a focal plane module (nupipeline, stages 1 and 2): hot and bad pixels, energies,"
        " aspect, then good time and good events."
    ),
    software="heasoft",
    needs=("exposures",),
    parameters=(
        Parameter("hp_time_bin_s", "Hot pixels: time bin", 600, "s", "Length of the bins in which hot pixels are looked for.", 1,
                  1e6, kind="integer", daxa="hp_time_bin"),
        Parameter("hp_cell_bin", "Hot pixels: cell", 5, "pixels", "Width of the square around a pixel that it is compared with;"
                  " an odd number.", 1, 31, kind="integer", daxa="hp_cell_bin"),
        Parameter("hp_imp", "Hot pixels: impact", 1.0, "", "Factor on the background's level in the test for hot pixels.", 0.0,
                  1000.0, kind="number", daxa="hp_imp"),
        Parameter("hp_log_pos", "Hot pixels: log of chance", -6.0, "", "A pixel is hot if the logarithm of the probability of its"
                  " counts is below this; a negative number.", -1000.0, -1e-9, kind="number", daxa="hp_log_pos"),
        Parameter("hp_bck_thr", "Hot pixels: background", 6, "counts", "Counts from which on the cell's background is used.", 0,
                  1e6, kind="integer", daxa="hp_bck_thr"),
        Parameter("asp_ab_corr", "Aberration", True, "", "Correct the aspect for the aberration of light.", daxa="asp_ab_corr"),
        Parameter("saacalc", "SAA: method", 3, "", "How passages of the South Atlantic Anomaly are found: 1 and 2 are the older"
                  " methods, 3 is the task's own choice.", choices=(1, 2, 3)),
        Parameter("saamode", "SAA: strictness", "NONE", "", "NONE: only the passages that the satellite marked; STRICT: by the"
                  " shields' rates; OPTIMIZED: only where the detectors' rate rises too.",
                  choices=("NONE", "STRICT", "OPTIMIZED")),
        Parameter("tentacle", "SAA: tentacle", False, "", "Also leave out the time when the detectors' rate rises on the way into"
                  " the Anomaly. Needs STRICT or OPTIMIZED.", ),
    ),
    build=f"{_THERE}:build_nupipeline",
    missions=MISSIONS,
    instruments=INSTRUMENTS,
    level=Level.EXPOSURE,
    makes=(
        _K.CALIBRATED_EVENTS, _K.ALL_GOOD_EVENTS, _K.GTI, _K.HOT_PIXELS, _K.BAD_PIXELS, _K.REFERENCE_PIXEL, _K.ATTITUDE,
        _K.MAST, _K.OBEB, _K.PSD, _K.CORRECTED_PSD,
    ),
    calibration=("caldb",),
    daxa="nupipeline_calibrate",
)  # fmt: skip

CLEANED_NUSTAR_EVTS = Step(
    name="cleaned_nustar_evts",
    label="Clean events (NuSTAR)",
    help="Take the screened events of an energy band and of good grades (ftcopy).",
    software="heasoft",
    needs=("nupipeline",),
    parameters=(
        Parameter(
            "energies_kev", "Energies", None, "keV",
            "Only events with these energies are kept. The optics serve from 3 to 78 keV.",
            LOWEST_KEV, HIGHEST_KEV, kind="range", empty="no limits", daxa="evt_lo_en, evt_hi_en",
        ),
        Parameter("max_grade", "Highest grade", 26, "", "Events with a higher grade are left out; the screening keeps 0 to 26."
                  " 0 are events in one pixel only.", 0, 32, kind="integer"),
    ),
    build=f"{_THERE}:build_cleaned",
    missions=MISSIONS,
    instruments=INSTRUMENTS,
    level=Level.EXPOSURE,
    makes=(_K.CLEAN_EVENTS,),
    is_final=True,
)  # fmt: skip

NUSTAR_IMAGES = Step(
    name="nustar_images",
    label="Images (NuSTAR)",
    help="Counts images in energy bands (ftcopy) and the exposure map (nuexpomap) of a module.",
    software="heasoft",
    needs=("cleaned_nustar_evts",),
    parameters=(
        Parameter(
            "bands_kev", "Energy bands", [[3.0, 78.0], [3.0, 8.0], [8.0, 24.0]], "keV",
            "A counts image is made in each; the cleaned list must hold them.", LOWEST_KEV, HIGHEST_KEV, kind="ranges",
        ),
        Parameter("pixel_bin", "Pixel size", 1, "event pixels", "Sky pixels of 2.46″ along a pixel of the counts images. The"
                  " exposure map always has single ones.", 1, 100, kind="integer"),
        Parameter("exposure_map", "Exposure map", True, "", "Making it takes minutes."),
        Parameter(
            "vignetting_kev", "Vignetting at", None, "keV", "Weigh the exposure with the optics' vignetting at this energy.",
            3.0, 79.0, kind="number", empty="without vignetting",
        ),
        Parameter("asp_ab_corr", "Aberration", True, "", "Correct for the aberration of light, as nupipeline did."),
        Parameter("map_pixbin", "Steps of the map", 5, "pixels", "Pixels of the histogram of pointings that the exposure map is"
                  " made of (pixbin); smaller is finer and slower.", 1, 100, kind="integer"),
    ),
    build=f"{_THERE}:build_images",
    missions=MISSIONS,
    instruments=INSTRUMENTS,
    level=Level.EXPOSURE,
    makes=(_K.IMAGE, _K.EXPOSURE_MAP),
    calibration=("caldb",),
)  # fmt: skip
