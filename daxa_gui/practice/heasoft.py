"""Keywords that the headers of the missions processed with HEASoft (Swift, NuSTAR) have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_gui.practice.clock import iso_utc, mission_seconds, utc_mjd
from daxa_gui.practice.fitsblocks import Card, Column, table_block
from daxa_gui.practice.flares import Intervals, total_s
from daxa_gui.practice.headers import CREATOR, ORIGIN, ogip, simulated
from daxa_gui.practice.sky import Observation


def counts_image(x: NDArray[np.int16], y: NDArray[np.int16], size: int) -> NDArray[np.int64]:
    """Events per sky pixel, shape (size, size); pixel numbers from 1, those outside (null values) are left out."""
    on = (x >= 1) & (x <= size) & (y >= 1) & (y <= size)
    pixel = (y[on].astype(np.int64) - 1) * size + x[on] - 1
    return np.bincount(pixel, minlength=size**2).reshape(size, size)


@dataclass(frozen=True, eq=False)
class Run:
    """One camera's observation. `good` are seconds since `start_s` (mission seconds of the start); `live` live time / on-time."""

    observation: Observation
    seed: int
    telescope: str
    instrument: str
    mjdrefi: int
    mjdreff: float
    good: Intervals
    live: float
    data_mode: str = "NONE"

    @property
    def start_s(self) -> float:
        return mission_seconds(utc_mjd(self.observation.start_utc), self.mjdrefi + self.mjdreff)

    @property
    def gti_s(self) -> NDArray[np.float64]:
        """Good-time intervals in mission seconds, shape (n, 2)."""
        return self.start_s + np.array(self.good)

    def time_cards(self) -> list[Card]:
        first, last = self.good[0][0], self.good[-1][1]
        start_mjd = utc_mjd(self.observation.start_utc)
        on_s = total_s(self.good)
        return [
            ("TIMESYS", "TT", "time measured from"),
            ("MJDREFI", self.mjdrefi, "MJD reference day"),
            ("MJDREFF", self.mjdreff, "MJD reference (fraction of day)"),
            ("TIMEREF", "LOCAL", "reference time"),
            ("TASSIGN", "SATELLITE", "Time assigned by clock"),
            ("TIMEUNIT", "s", "unit for time keywords"),
            ("TIMEZERO", 0.0, "Time Zero"),
            ("CLOCKAPP", False, "If clock corrections are applied (F/T)"),
            ("TSTART", self.start_s + first, "time start"),
            ("TSTOP", self.start_s + last, "time stop"),
            ("TELAPSE", last - first, "elapsed time"),
            ("DATE-OBS", iso_utc(start_mjd + first / 86400, ""), "Start date of observations"),
            ("DATE-END", iso_utc(start_mjd + last / 86400, ""), "End date of observations"),
            ("MJD-OBS", start_mjd + first / 86400, "MJD of data start time"),
            ("ONTIME", on_s, "On-source time"),
            ("LIVETIME", on_s * self.live, "Deadtime corrected on-source time"),
            ("EXPOSURE", on_s * self.live, "Exposure time"),
            ("DEADC", self.live, "Deadtime correction"),
            ("DEADAPP", False, "Has DEADC been applied to data"),
            ("DATE", iso_utc(start_mjd + last / 86400, ""), "file creation date (YYYY-MM-DDThh:mm:ss UT)"),
        ]

    def identity_cards(self) -> list[Card]:
        observation = self.observation
        return [
            ("TELESCOP", self.telescope, "Telescope (mission) name"),
            ("INSTRUME", self.instrument, "Instrument name"),
            ("OBS_ID", observation.obs_id, "Observation ID"),
            ("TARG_ID", int(observation.obs_id[:8]), "Target ID"),
            ("DATAMODE", self.data_mode, "Datamode"),
            ("OBS_MODE", "POINTING", "Observation mode"),
            ("OBJECT", observation.target, "Name of observed object"),
            ("RA_OBJ", observation.ra_deg, "[deg] R.A. Object"),
            ("DEC_OBJ", observation.dec_deg, "[deg] Dec Object"),
            ("RA_NOM", observation.ra_deg, "[deg] R.A. of nominal aspect point"),
            ("DEC_NOM", observation.dec_deg, "[deg] Dec. of nominal aspect point"),
            ("RA_PNT", observation.ra_deg, "[deg] R.A. pointing"),
            ("DEC_PNT", observation.dec_deg, "[deg] Dec pointing"),
            ("PA_PNT", observation.roll_deg, "[deg] Position angle (roll)"),
            ("EQUINOX", 2000.0, "Equinox of celestial coord system"),
            ("RADECSYS", "FK5", "celestial coord system"),
            ("ORIGIN", ORIGIN, "origin of fits file"),
            ("CREATOR", CREATOR, "program that made the file"),
        ]

    def common_cards(self) -> list[Card]:
        return [*self.identity_cards(), *self.time_cards(), *simulated(self.seed)]

    def gti_block(self) -> bytes:
        columns = [
            Column("START", "1D", self.gti_s[:, 0], "s", "start of good time"),
            Column("STOP", "1D", self.gti_s[:, 1], "s", "end of good time"),
        ]
        cards: list[Card] = [
            *ogip("GTI", "STANDARD"),
            ("HDUNAME", "GTI", "ASCDM block name"),
            ("MTYPE1", "TIME", "Data type"),
            ("MFORM1", "START,STOP", "names of the start and stop columns"),
            ("METYP1", "R", "data descriptor type: Range, binned data"),
            *self.common_cards(),
        ]
        return table_block("GTI", columns, cards)
