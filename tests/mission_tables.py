"""Small tables as HEASARC and XSA would send them, with every special case that the missions' rules speak of."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from daxa_gui.core.mission import MissionSpec, TapSource
from daxa_gui.core.registry import resolve
from daxa_gui.core.table import DataTable
from daxa_gui.missions import MISSIONS

NAN = math.nan
PAST, FUTURE = 55000, 70000  # release dates, MJD: 2009 and 2050


@dataclass(frozen=True)
class FakeTable:
    """Rows by what is special about them; `usual` has the values that a row does not name."""

    mission: str
    name: str
    usual: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, Any]]

    def columns(self, without: Collection[str] = ()) -> dict[str, Any]:
        kept = [row for label, row in self.rows.items() if label not in without]
        return {name: np.array([row.get(name, usual) for row in kept], type(usual)) for name, usual in self.usual.items()}

    def labels(self, without: Collection[str] = ()) -> list[str]:
        return [label for label in self.rows if label not in without]

    @property
    def spec(self) -> MissionSpec:
        spec: MissionSpec = MISSIONS[self.mission]
        return spec

    @property
    def source(self) -> TapSource:
        return next(source for source in self.spec.sources if source.table == self.name)

    def built(self, without: Collection[str] = ()) -> dict[str, Any]:
        """The columns of a catalogue, made of exactly the columns that the mission asks for."""
        columns = self.columns(without)
        found: dict[str, Any] = resolve(self.source.build)(DataTable({name: columns[name] for name in self.source.columns}))
        return found

    def row(self, label: str) -> dict[str, Any]:
        """One row of the catalogue's columns as plain values."""
        place = self.labels().index(label)
        return {name: column[place].item() for name, column in self.built().items()}


XSA = FakeTable(
    "xmm_pointed",
    "xsa.v_all_observations",
    {
        "observation_id": "", "ra": 150.1, "dec": 2.2, "start_utc": "2003-12-06 12:00:00.0", "end_utc": "2003-12-06 22:00:00.0",
        "duration": 36000.0, "with_science": True, "proprietary_end_date": "2005-01-20 00:00:00.0", "revolution": 731,
        "position_angle": 290.5, "moving_target": False,
    },
    {
        "ordinary": {"observation_id": "0201903501"},
        "no science": {"observation_id": "0123456789", "with_science": False},
        "at 0, 0": {"observation_id": "0123456701", "ra": 0.0, "dec": 0.0},
        "no position": {"observation_id": "0123456702", "ra": NAN, "dec": NAN},
        "on the equator": {"observation_id": "0123456703", "ra": 12.0, "dec": 0.0},
        "no end": {"observation_id": "0123456704", "end_utc": ""},
        "proprietary": {"observation_id": "0923456705", "proprietary_end_date": "2050-08-25 00:00:00.0"},
        "no release date": {"observation_id": "0923456706", "proprietary_end_date": ""},
        "far release date": {"observation_id": "0923456707", "proprietary_end_date": "2999-12-31 00:00:00.0"},
        "moving": {"observation_id": "0123456708", "moving_target": True},
        "slew": {"observation_id": "9123400002"},
    },
)  # fmt: skip

XMMMASTER = FakeTable(
    "xmm_pointed",
    "xmmmaster",
    {
        "obsid": "", "name": "A 1795", "ra": 207.22, "dec": 26.59, "time": 52979.512345, "end_time": 52979.912345,
        "status": "archived", "duration": 34560.0, "public_date": PAST, "data_in_heasarc": "Y", "xmm_revolution": 731,
    },
    {
        "ordinary": {"obsid": "0201903501"},
        "processed": {"obsid": "0201903502", "status": "processed"},
        "slew": {"obsid": "9201903503"},
        "not archived": {"obsid": "0201903504", "status": "scheduled", "public_date": 0},
        "not observed": {"obsid": "0201903505", "status": "accepted", "time": 0.0, "end_time": 0.0, "public_date": 0},
        "not at HEASARC": {"obsid": "0201903506", "data_in_heasarc": "N"},
        "no release date": {"obsid": "0201903507", "public_date": 0},
        "far release date": {"obsid": "0201903508", "public_date": 416422},
        "proprietary": {"obsid": "0201903509", "public_date": FUTURE},
        "at 0, 0": {"obsid": "0201903510", "ra": 0.0, "dec": 0.0},
        "no position": {"obsid": "0201903511", "ra": NAN, "dec": NAN},
    },
)  # fmt: skip

CHANMASTER = FakeTable(
    "chandra",
    "chanmaster",
    {
        "obsid": 1, "name": "NGC 4507", "ra": 188.9, "dec": -39.909, "time": 55000.25, "status": "archived", "detector": "ACIS-S",
        "grating": "NONE", "exposure": 40000.0, "type": "GO", "data_mode": "FAINT", "class": "AGN UNCLASSIFIED",
        "public_date": 55400,
    },
    {
        "ordinary": {"obsid": 3205},
        "ACIS-I": {"obsid": 7, "detector": "ACIS-I", "class": "CLUSTER OF GALAXIES"},
        "HRC with grating": {"obsid": 8, "detector": "HRC-S", "grating": "LETG", "class": "X-RAY BINARY"},
        "ACIS with grating": {"obsid": 9, "grating": "HETG", "class": "CV"},
        "remnant": {"obsid": 10, "class": "SNR"},
        "galaxy": {"obsid": 11, "class": "NON-ACTIVE GALAXY"},
        "extended": {"obsid": 12, "class": "EXTENDED GALACTIC OR EXTRAGALACTIC"},
        "calibration class": {"obsid": 13, "class": "Calibration Observations", "type": "CAL"},
        "calibration, no date": {"obsid": 14, "class": "Non-Pointing data", "type": "CAL", "public_date": 0},
        "target of opportunity": {"obsid": 15, "class": "NEW CLASS", "type": "TOO"},
        "director's time": {"obsid": 16, "class": "", "type": "DDT"},
        "cool target": {"obsid": 17, "class": "NEW CLASS", "type": "CCT"},
        "unknown type": {"obsid": 18, "class": "NEW CLASS", "type": "XYZ"},
        "known class of an unknown type": {"obsid": 19, "type": "XYZ"},
        "other case": {"obsid": 20, "class": "cluster  of Galaxies", "type": "too"},
        "not released": {"obsid": 21, "status": "observed", "public_date": FUTURE},
        "planned": {"obsid": 22, "status": "unobserved", "time": 0.0, "public_date": 0},
        "proprietary": {"obsid": 23, "public_date": FUTURE},
        "no release date": {"obsid": 24, "public_date": 0},
        "573 days": {"obsid": 6616, "exposure": 573 * 86400.0},
        "zero exposure": {"obsid": 25, "exposure": 0.0},
        "unknown exposure": {"obsid": 26, "exposure": NAN},
        "no detector": {"obsid": 27, "detector": "NONE", "status": "canceled"},
        "largest": {"obsid": 30123, "status": "processed"},
    },
)  # fmt: skip

NUMASTER = FakeTable(
    "nustar_pointed",
    "numaster",
    {
        "obsid": "", "name": "3C 273", "ra": 187.28, "dec": 2.05, "roll_angle": 155.5, "time": 56100.5, "end_time": 56101.25,
        "status": "archived", "exposure_a": 20000.0, "exposure_b": 19900.0, "ontime_a": 20100.0, "ontime_b": 20050.0,
        "observation_mode": "SCIENCE", "instrument_mode": "SCIENCE", "spacecraft_mode": "INERTIAL",
        "subject_category": "Active galaxies and Quasars", "obs_type": "GO", "public_date": PAST, "issue_flag": 0, "nupsdout": 0,
        "solar_activity": "",
    },
    {
        "ordinary": {"obsid": "40001014013"},
        "slew": {"obsid": "40001014014", "observation_mode": "SLEW"},
        "stellar": {"obsid": "40001014015", "spacecraft_mode": "STELLAR"},
        "engineering": {"obsid": "40001014016", "observation_mode": "ENGINEERING"},
        "accepted": {
            "obsid": "40001014017", "status": "accepted", "time": 0.0, "end_time": 0.0, "exposure_a": -20000.0,
            "exposure_b": -20000.0, "ontime_a": 0.0, "ontime_b": 0.0, "public_date": 0, "observation_mode": "",
            "spacecraft_mode": "",
        },
        "no on-time": {"obsid": "40001014018", "ontime_a": 0.0, "ontime_b": 0.0},
        "one module": {"obsid": "40001014019", "ontime_b": 0.0, "exposure_b": 0.0},
        "the Sun": {"obsid": "90001014020", "ra": 0.0, "dec": 0.0, "subject_category": "Solar System Objects"},
        "encrypted": {"obsid": "40001014021", "public_date": FUTURE},
        "no release date": {"obsid": "40001014022", "public_date": 0},
        "flagged": {"obsid": "40001014023", "issue_flag": 1},
        "compact": {"obsid": "40001014024", "subject_category": "Galactic Compact Sources"},
        "own words": {"obsid": "40001014025", "subject_category": "Obscured Active Galaxies and Quasars"},
        "unknown category": {"obsid": "40001014026", "subject_category": "Something new"},
        "ends before it starts": {"obsid": "40001014027", "end_time": 56100.0},
    },
)  # fmt: skip

SWIFTMASTR = FakeTable(
    "swift",
    "swiftmastr",
    {
        "obsid": "", "name": "GRB 060124", "ra": 77.1, "dec": 69.74, "roll_angle": 261.3, "start_time": 53760.0,
        "stop_time": 53760.5, "xrt_exposure": 5000.0, "uvot_exposure": 4900.0, "bat_exposure": 5100.0,
    },
    {
        "ordinary": {"obsid": "00173780007"},
        "all zero": {"obsid": "00173780008", "xrt_exposure": 0.0, "uvot_exposure": 0.0, "bat_exposure": 0.0},
        "UVOT only": {"obsid": "00173780009", "xrt_exposure": 0.0, "bat_exposure": 0.0},
        "BAT only": {"obsid": "00173780010", "xrt_exposure": 0.0, "uvot_exposure": 0.0},
        "at 0, 0": {"obsid": "00173780011", "ra": 0.0, "dec": 0.0},
    },
)  # fmt: skip

RASSMASTER = FakeTable(
    "rosat_all_sky",
    "rassmaster",
    {"seq_id": "", "ra": 100.0, "dec": 30.0, "start_date": 48110.0, "end_date": 48112.0, "exposure": 400.0},
    {"ordinary": {"seq_id": "RS930521N00"}, "no exposure": {"seq_id": "RS930522N00", "exposure": 0.0}},
)

ROSMASTER = FakeTable(
    "rosat_pointed",
    "rosmaster",
    {
        "seq_id": "", "name": "PKS 0558-504", "ra": 89.9, "dec": -50.4, "start_time": 48800.1, "end_time": 48820.7,
        "exposure": 9000.0, "instrument": "PSPCB", "filter": "N", "fits_type": "RDF 4_2", "proc_rev": 2, "subj_cat": 7,
        "site": "MPE",
    },
    {
        "ordinary": {"seq_id": "RP700068"},
        "follow-on": {"seq_id": "RH701867A01", "instrument": "HRI", "subj_cat": 8},
        "revision 0": {"seq_id": "RP700069", "proc_rev": 0, "fits_type": "RFITS V3.4"},
        "survey completion": {"seq_id": "WP900001N00", "instrument": "PSPC", "subj_cat": 10},
        "PSPC-C": {"seq_id": "RP100001", "instrument": "PSPCC", "subj_cat": 5},
        "mispointing": {"seq_id": "RP000001", "subj_cat": 0},
        "no exposure": {"seq_id": "RP700070", "exposure": 0.0},
        "star": {"seq_id": "RP200001", "subj_cat": 1},
        "white dwarf": {"seq_id": "RP200002", "subj_cat": 2},
        "variable": {"seq_id": "RP300001", "subj_cat": 3},
        "compact": {"seq_id": "RP400001", "subj_cat": 4},
        "galaxy": {"seq_id": "RP600001", "subj_cat": 6},
        "diffuse": {"seq_id": "RP900002", "subj_cat": 9},
        "code out of the list": {"seq_id": "RP900003", "subj_cat": 12},
    },
)  # fmt: skip

SUZAMASTER = FakeTable(
    "suzaku",
    "suzamaster",
    {
        "obsid": "", "name": "MCG-6-30-15", "ra": 203.97, "dec": -34.29, "roll_angle": 110.0, "time": 53744.0,
        "stop_time": 53747.0, "category_code": 7, "xis0_expo": 1e5, "xis0_num_modes": 2, "xis1_expo": 1e5, "xis1_num_modes": 2,
        "xis2_expo": 1e5, "xis2_num_modes": 2, "xis3_expo": 1e5, "xis3_num_modes": 2,
    },
    {
        "ordinary": {"obsid": "701018010"},
        "without XIS2": {"obsid": "702018010", "xis2_expo": 0.0},
        "all zero": {"obsid": "701018020", "xis0_expo": 0.0, "xis1_expo": 0.0, "xis2_expo": 0.0, "xis3_expo": 0.0},
        "point source": {"obsid": "401018010", "category_code": 4},
        "diffuse": {"obsid": "501018010", "category_code": 5},
        "cluster": {"obsid": "801018010", "category_code": 8},
        "opportunity": {"obsid": "901018010", "category_code": 9},
        "calibration": {"obsid": "101018010", "category_code": 1},
        "none": {"obsid": "001018010", "category_code": 0},
        "unknown code": {"obsid": "601018010", "category_code": 6},
    },
)  # fmt: skip

ASCAMASTER = FakeTable(
    "asca",
    "ascamaster",
    {
        "sequence_number": 1, "name": "NGC 4151", "ra": 182.6, "dec": 39.4, "time": 49131.0, "end_time": 49132.0,
        "subject_category": "AGN", "status": "PUBLIC", "gis_exposure": 30000.0, "sis_exposure": 25000.0,
    },
    {
        "ordinary": {"sequence_number": 71019020},
        "GIS only": {"sequence_number": 48002000, "sis_exposure": 0.0, "subject_category": "X RAY BINARIES"},
        "all zero": {"sequence_number": 48002010, "sis_exposure": 0.0, "gis_exposure": 0.0},
        "stars": {"sequence_number": 28002010, "subject_category": "STARS"},
        "normal stars": {"sequence_number": 28002020, "subject_category": "NORMAL STARS"},
        "variable": {"sequence_number": 38002020, "subject_category": "CATACLYSMIC VARIABLES"},
        "background": {
            "sequence_number": 98002020, "subject_category": "COSMIC X-RAY BACKGROUND AND DEEP SURVEYS AND OTHER"
        },
        "clusters": {"sequence_number": 88002020, "subject_category": "CLUSTERS OF GALAXIES AND SUPERCLUSTERS"},
        "unknown category": {"sequence_number": 98002030, "subject_category": "SOMETHING NEW"},
    },
)  # fmt: skip

INTSCWPUB = FakeTable(
    "integral_pointed",
    "intscwpub",
    {
        "scw_id": "", "ra": 266.4, "dec": -28.9, "start_date": 57000.0, "end_date": 57000.04, "spi_mode": "PHOTON",
        "good_jemx1": 3000.0, "good_jemx2": 2900.0, "good_isgri": 3100.0, "good_picsit": 3100.0, "good_spi": 3050.0,
        "data_in_heasarc": "Y", "scw_ver": "001",
    },
    {
        "ordinary": {"scw_id": "218500510010"},
        "all zero": {
            "scw_id": "218500520010", "good_jemx1": 0.0, "good_jemx2": 0.0, "good_isgri": 0.0, "good_picsit": 0.0,
            "good_spi": 0.0,
        },
        "SPI only": {
            "scw_id": "218500530010", "good_jemx1": 0.0, "good_jemx2": 0.0, "good_isgri": 0.0, "good_picsit": 0.0,
        },
        "not at HEASARC": {"scw_id": "218500540010", "data_in_heasarc": "N"},
        "early revolution": {"scw_id": "000900540010"},
    },
)  # fmt: skip

XRISMMASTR = FakeTable(
    "xrism_pointed",
    "xrismmastr",
    {
        "obsid": "", "name": "LMC N132D", "ra": 81.26, "dec": -69.64, "time": 60281.0, "end_time": 60286.0, "duration": 400000.0,
        "exposure": 194000.0, "xtd_expo": 199000.0, "subject_category": "Supernova Remnants", "rsl_datamode": "PX_NORMAL",
        "xtd_datamode1": "WINDOW1", "xtd_datamode2": "WINDOW1", "xtd_dataclas1": "31100010", "xtd_dataclas2": "32000010",
        "public_date": PAST, "status": "archived",
    },
    {
        "ordinary": {"obsid": "000126000"},
        "Resolve off": {"obsid": "000127000", "rsl_datamode": "", "exposure": 199000.0},
        "all zero": {"obsid": "000128000", "exposure": 0.0, "xtd_expo": 0.0},
        "no exposure, but Xtend's": {"obsid": "000129000", "exposure": 0.0},
        "proprietary": {"obsid": "200126000", "public_date": FUTURE},
        "no release date": {"obsid": "200127000", "public_date": 88068},
        "zero release date": {"obsid": "200128000", "public_date": 0},
        "binary": {"obsid": "200129000", "subject_category": "BH and NS Binaries"},
        "pulsar": {"obsid": "200130000", "subject_category": "Non-Accreting Neutron Stars"},
        "nova": {"obsid": "200131000", "subject_category": "Accreting White Dwarfs and Novae"},
        "transient": {"obsid": "200132000", "subject_category": "Extragalactic Transients: SNe, GRBs, GW Events, and TDEs"},
        "blazar": {"obsid": "200133000", "subject_category": "Blazars and Other Jet-Dominated AGN"},
        "unknown category": {"obsid": "200134000", "subject_category": "Something new"},
        "scheduled": {"obsid": "200135000", "status": "scheduled", "exposure": 50000.0, "xtd_expo": 0.0, "public_date": 0},
    },
)  # fmt: skip

TABLES = (
    XSA, XMMMASTER, CHANMASTER, NUMASTER, SWIFTMASTR, RASSMASTER, ROSMASTER, SUZAMASTER, ASCAMASTER, INTSCWPUB, XRISMMASTR,
)  # fmt: skip
