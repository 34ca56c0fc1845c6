"""XRISM: the microcalorimeter Resolve and the CCD camera Xtend. Source: HEASARC's table `xrismmastr`."""

from __future__ import annotations

import numpy as np

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import EnergyBand, EventFormat, Instrument, MissionSpec, TapSource
from daxa_gui.core.table import DataTable
from daxa_gui.missions import columns as col

MJDREF = 58484.00080074074

RESOLVE = EventFormat(
    name="xrism_resolve",
    mission="xrism_pointed",
    telescopes=("XRISM",),
    instruments=("RESOLVE",),
    mjdref=MJDREF,
    energy_per_channel_kev=0.0005,
    pixel_arcsec=1.768,
    pattern_column="ITYPE",
    max_pattern=4,  # high, medium and low resolution, primary and secondary; above are baseline, lost and rejected events
    default_band_kev=(1.7, 12.0),
    flare_band_kev=(1.7, 12.0),
    flare_bin_s=128.0,
)
XTEND = EventFormat(
    name="xrism_xtend",
    mission="xrism_pointed",
    telescopes=("XRISM",),
    instruments=("XTEND",),
    mjdref=MJDREF,
    energy_per_channel_kev=0.006,
    pixel_arcsec=1.768,
    pattern_column="GRADE",
    good_patterns=(0, 2, 3, 4, 6),
    image_bin=4,
    default_band_kev=(0.4, 12.0),
    flare_band_kev=(2.0, 12.0),
    flare_bin_s=128.0,
)

# Both detectors are squares; no roll is asked for because the table's column for it is not known for certain.
RESOLVE_FIELD = Footprint("square", 1.5 / 60)
XTEND_FIELD = Footprint("square", 19 / 60)

XRISMMASTR = TapSource(
    service="heasarc",
    table="xrismmastr",
    key="obsid",
    columns=(
        "obsid", "name", "ra", "dec", "time", "end_time", "duration", "exposure", "xtd_expo", "subject_category", "rsl_datamode",
        "xtd_datamode1", "xtd_datamode2", "xtd_dataclas1", "xtd_dataclas2", "public_date", "status",
    ),
    build="daxa_gui.missions.xrism_pointed:catalogue_columns",
    optional=(("name", "text"), ("status", "text")),
)  # fmt: skip

TYPES = {
    "Non-Jet-Dominated AGN": "AGN",
    "Blazars and Other Jet-Dominated AGN": "BLZ",
    "Solar System": "SOL",
    "Supernova Remnants": "SNR",
    "Normal Galaxies: Integrated Emission": "NGS",
    "Groups and Clusters of Galaxies": "GCL",
    "Extragalactic Diffuse Emission and Surveys": "EGS",
    "Extragalactic Transients: SNe, GRBs, GW Events, and TDEs": "MISC",  # DAXA: EGS, but they are no surveys
    "BH and NS Binaries": "XRB",  # DAXA: NS, although binaries have a type of their own
    "Non-Accreting Neutron Stars": "MAG",  # DAXA: NS; these are magnetars and pulsars
    "Galactic Diffuse Emission and Surveys": "GS",
    "Stellar Coronae, Winds, and Young Stars": "STR",
    "Accreting White Dwarfs and Novae": "CV",  # DAXA: STR
    "Astrophysical Processes": "MISC",
}

PLANNED = ("accepted", "approved", "planned", "scheduled", "unobserved")  # statuses; the table has observations to come as well

SPEC = MissionSpec(
    name="xrism_pointed",
    label="XRISM Pointed",
    obs_id_pattern=r"[0-9]{9}",
    obs_id_example="000126000",
    frame="FK5",
    instruments=(
        Instrument("RESOLVE", "Resolve", 1.5 / 60, (), RESOLVE_FIELD, "resolve_exposure"),
        Instrument("XTEND", "Xtend", 19 / 60, (), XTEND_FIELD, "xtend_exposure"),
    ),
    default_instruments=("RESOLVE", "XTEND"),
    colour="#882255",
    symbol="x",
    event_formats=(RESOLVE, XTEND),
    sources=(XRISMMASTR,),
    bands=(EnergyBand(1.7, 12.0, "RESOLVE"), EnergyBand(0.4, 20.0, "XTEND")),
    has_proprietary=True,
    column_labels={
        "resolve_exposure": "Resolve exposure (s)",
        "xtend_exposure": "Xtend exposure (s)",
        "duration_s": "Duration (s)",
        "resolve_mode": "Resolve mode",
        "xtend_mode1_2": "Xtend mode 1-2",
        "xtend_mode3_4": "Xtend mode 3-4",
        "xtend_dataclass1_2": "Xtend data class 1-2",
        "xtend_dataclass3_4": "Xtend data class 3-4",
        "status": "Status",
    },
    acknowledgement=(
        "This research has made use of data obtained from the XRISM satellite, a JAXA mission with the participation of NASA "
        "and ESA."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `xrismmastr`.

    `exposure` is Resolve's, or Xtend's where Resolve was off: Resolve counts as off where the table has no mode of it.
    """
    marks = col.Marks(len(raw))
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd = col.starts(raw["time"], marks)
    exposure, xtend, duration_s = col.exposures(raw["exposure"], raw["xtd_expo"], raw["duration"])
    marks.add(col.none_positive((exposure, xtend)), col.NO_EXPOSURE)
    status = col.texts(raw["status"])
    marks.add(col.by_value(status, lambda text: text.casefold() in PLANNED, np.bool_), col.NOT_OBSERVED)
    category, resolve_mode = col.texts(raw["subject_category"]), col.texts(raw["rsl_datamode"])
    off = col.by_value(resolve_mode, lambda text: text.upper() in ("", "NONE", "OFF"), np.bool_)
    resolve = np.where(off, 0.0, exposure)
    return {
        "obs_id": col.obs_ids(raw["obsid"], 9),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["end_time"])),
        "exposure_s": col.first_positive(exposure, xtend),
        "target": col.texts(raw["name"]),
        "target_type": col.types(category, TYPES),
        "category": category,
        "instruments": col.active({"RESOLVE": resolve, "XTEND": xtend}),
        "public_mjd": col.public(raw["public_date"]),
        "unusable_reason": marks.reasons(),
        "resolve_exposure": resolve,
        "xtend_exposure": xtend,
        "duration_s": duration_s,
        "resolve_mode": resolve_mode,
        "xtend_mode1_2": col.texts(raw["xtd_datamode1"]),
        "xtend_mode3_4": col.texts(raw["xtd_datamode2"]),
        "xtend_dataclass1_2": col.texts(raw["xtd_dataclas1"]),
        "xtend_dataclass3_4": col.texts(raw["xtd_dataclas2"]),
        "status": status,
    }
