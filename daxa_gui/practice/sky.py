"""What there is in the practice sky: a fictional field of X-ray sources and the observations of it. No randomness here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from daxa_gui.core.sky import SkyPosition

SIMULATED_NOTE = "SIMULATED data of the DAXA GUI practice sky"
FIELD_NAME = "Practice Cluster"


@dataclass(frozen=True)
class Source:
    """One source of X-rays. Fluxes are those at the Earth, in 0.5-2 keV.

    `spectrum` is "power" (`hardness` = photon index) or "thermal" (`hardness` = temperature in keV, `iron` = equivalent
    width of the Fe K line in keV); `column_1e22` is the absorbing column in 10^22 hydrogen atoms/cm2. `core_arcsec` above
    zero makes it a beta model with slope `beta`. `period_s` above zero makes it vary by ± `amplitude` as a sine.
    """

    name: str
    ra_deg: float
    dec_deg: float
    flux_cgs: float  # erg/cm2/s
    spectrum: str
    hardness: float
    column_1e22: float = 0.04
    iron: float = 0.0
    redshift: float = 0.0
    core_arcsec: float = 0.0
    beta: float = 0.67
    period_s: float = 0.0
    amplitude: float = 0.0


# In the German half of the eROSITA sky (galactic longitude 259°), 22° from the nearest Cal-PV field.
CENTRE = SkyPosition(160.25, -12.35, FIELD_NAME)

SOURCES = (
    Source(FIELD_NAME, 160.25, -12.35, 4.0e-12, "thermal", 5.0, iron=0.35, redshift=0.08, core_arcsec=55.0),
    Source("Practice AGN", 160.2963, -12.3041, 6.0e-13, "power", 1.75, column_1e22=0.06),
    Source("Practice Variable Star", 160.1848, -12.4233, 5.0e-13, "thermal", 0.6, 0.02, period_s=9000.0, amplitude=0.7),
    Source("Practice Obscured AGN", 160.2208, -12.2530, 6.0e-14, "power", 1.6, column_1e22=2.0),
    Source("Practice Group", 160.3675, -12.4402, 2.2e-13, "thermal", 1.2, redshift=0.11, core_arcsec=20.0, beta=0.6),
    Source("Practice Source 1", 160.1302, -12.3160, 5.5e-14, "power", 1.9),
    Source("Practice Source 2", 160.3391, -12.2489, 4.1e-14, "power", 2.1),
    Source("Practice Source 3", 160.2807, -12.4821, 3.3e-14, "power", 1.7),
    Source("Practice Source 4", 160.1644, -12.2275, 2.7e-14, "power", 2.0),
    Source("Practice Source 5", 160.4131, -12.3402, 2.3e-14, "power", 1.8),
    Source("Practice Source 6", 160.2189, -12.5104, 2.0e-14, "power", 1.6),
    Source("Practice Source 7", 160.0871, -12.3894, 1.7e-14, "power", 1.9),
    Source("Practice Source 8", 160.3082, -12.3822, 1.5e-14, "power", 1.7),
    Source("Practice Source 9", 160.2004, -12.3315, 1.2e-14, "power", 2.2),
    Source("Practice Source 10", 160.2561, -12.2103, 1.0e-14, "thermal", 0.4),
    # Beyond the field of XMM, seen by the wide ones (eROSITA, ROSAT).
    Source("Practice Quasar", 160.6720, -12.1050, 4.5e-13, "power", 2.0),
    Source("Practice Bright Star", 159.7915, -12.6630, 6.0e-13, "thermal", 0.5, column_1e22=0.01),
    Source("Practice Source 11", 160.0210, -12.0380, 9.0e-14, "power", 1.9),
    Source("Practice Source 12", 160.5080, -12.6910, 8.0e-14, "power", 1.8),
)  # fmt: skip


@dataclass(frozen=True)
class Flares:
    """Soft protons of one observation. Rates are those of one MOS camera in 2.5-8.5 keV, ct/s.

    `spikes` short flares (a fast rise and an exponential fall) and `plateaus` long ones (begin, length as fractions of the
    exposure) with log-normal variability; `floor_ct_s` above zero is a level that never goes away.
    """

    spikes: int = 0
    plateaus: tuple[tuple[float, float], ...] = ()
    spike_ct_s: float = 4.0
    plateau_ct_s: float = 2.5
    floor_ct_s: float = 0.0
    scatter: float = 0.5  # of the natural logarithm of the rate


@dataclass(frozen=True)
class Observation:
    """One observation of the practice sky. `exposure_s` is the on-time that is aimed at; `end_utc` may be later (gaps)."""

    mission: str
    obs_id: str
    start_utc: str
    end_utc: str
    exposure_s: float
    instruments: tuple[str, ...]
    target: str = FIELD_NAME
    target_type: str = "GCL"
    ra_deg: float = CENTRE.ra_deg
    dec_deg: float = CENTRE.dec_deg
    roll_deg: float = 0.0
    filter: str = ""
    flares: Flares = Flares()
    unusable_reason: str = ""
    public_utc: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # the mission's own columns of its catalogue


OBSERVATIONS = (
    Observation(
        "xmm_pointed", "0999900101", "2010-11-24T03:10:00Z", "2010-11-24T11:34:00Z", 30000.0, ("M1", "M2", "PN"),
        ra_deg=160.2551, dec_deg=-12.3468, roll_deg=118.4, filter="Thin1", public_utc="2011-12-10T00:00:00Z",
        extra={"revolution": 2007, "filter_wheel": "Thin1", "note": "quiet"},
    ),
    Observation(
        "xmm_pointed", "0999900201", "2011-05-23T14:02:00Z", "2011-05-23T23:42:00Z", 34000.0, ("M1", "M2", "PN"),
        ra_deg=160.2475, dec_deg=-12.3561, roll_deg=296.2, filter="Medium", public_utc="2012-06-08T00:00:00Z",
        flares=Flares(spikes=6, plateaus=((0.17, 0.16), (0.62, 0.08)), spike_ct_s=5.0, plateau_ct_s=2.2),
        extra={"revolution": 2097, "filter_wheel": "Medium", "note": "moderately flared"},
    ),
    Observation(
        "xmm_pointed", "0999900301", "2012-12-02T20:45:00Z", "2012-12-03T02:18:00Z", 19000.0, ("M1", "M2", "PN"),
        ra_deg=160.2519, dec_deg=-12.3530, roll_deg=121.9, filter="Thin1", public_utc="2013-12-20T00:00:00Z",
        flares=Flares(spikes=5, plateaus=((0.0, 1.0),), spike_ct_s=4.0, plateau_ct_s=2.6, floor_ct_s=0.9, scatter=0.6),
        extra={"revolution": 2379, "filter_wheel": "Thin1", "note": "wholly flared"},
    ),
    Observation(
        "xmm_pointed", "0999900401", "2011-05-24T00:30:00Z", "2011-05-24T06:20:00Z", 20000.0, ("M1", "M2", "PN"),
        ra_deg=160.2475, dec_deg=-12.3561, roll_deg=296.2, filter="CalClosed", target_type="CAL",
        target="Practice closed calibration", public_utc="2011-05-24T00:30:00Z",
        unusable_reason="Calibration with the filter wheel closed (FILTER = CalClosed): no light of the sky reached the cameras.",
        extra={"revolution": 2097, "filter_wheel": "CalClosed", "note": "closed filter"},
    ),
    Observation(
        "chandra", "99901", "2008-02-11T09:21:00Z", "2008-02-11T19:05:00Z", 34500.0, ("ACIS",),
        ra_deg=160.2540, dec_deg=-12.3460, roll_deg=43.7, public_utc="2009-02-12T00:00:00Z",
        flares=Flares(plateaus=((0.55, 0.07),), plateau_ct_s=1.5, scatter=0.4),
        extra={"grating": "NONE", "data_mode": "FAINT", "detector": "ACIS-I"},
    ),
    Observation(
        "erosita_calpv", "999901", "2019-11-20T22:14:00Z", "2019-11-21T01:44:00Z", 12300.0,
        ("TM1", "TM2", "TM3", "TM4", "TM5", "TM6", "TM7"), roll_deg=61.0, filter="FILTER",
        extra={
            "field_key": "PRACTICE_CLUSTER", "field_name": FIELD_NAME, "field_type": "extragalactic",
            "archive_url": "https://erosita.mpe.mpg.de/edr/eROSITAObservations/CalPvObs/Practice_Cluster.tar.gz",
        },
    ),
    Observation(
        "rosat_pointed", "RP899901N00", "1992-05-30T11:20:00Z", "1992-06-01T04:40:00Z", 12400.0, ("PSPCB",),
        extra={"with_filter": "N", "proc_rev": 2, "fits_type": "RDF"},
    ),
    Observation(
        "swift", "09999901001", "2014-05-11T02:31:00Z", "2014-05-11T21:12:00Z", 7800.0, ("XRT",),
        ra_deg=160.2602, dec_deg=-12.3417, roll_deg=251.3, target_type="MISC",
        extra={"xrt_exposure": 7800.0, "uvot_exposure": 0.0, "bat_exposure": 0.0},
    ),
    Observation(
        "nustar_pointed", "79999001002", "2016-05-06T08:06:00Z", "2016-05-07T06:31:00Z", 41000.0, ("FPMA", "FPMB"),
        ra_deg=160.2583, dec_deg=-12.3489, roll_deg=332.5, public_utc="2017-05-20T00:00:00Z",
        extra={"issue_flag": 0, "observation_mode": "SCIENCE"},
    ),
)  # fmt: skip


def observations_of(mission: str) -> tuple[Observation, ...]:
    """The observations of one mission, in the order of their ObsIDs."""
    return tuple(item for item in OBSERVATIONS if item.mission == mission)


SIMULATED_MISSIONS = tuple(dict.fromkeys(item.mission for item in OBSERVATIONS))


def names() -> tuple[SkyPosition, ...]:
    """The sources with their names and positions, for the name resolver."""
    return tuple(SkyPosition(item.ra_deg, item.dec_deg, item.name) for item in SOURCES)
