"""Chandra ACIS-I: a level 2 event list, its full-field image and the index of the observation's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from daxa_gui.practice import cameras, telescopes
from daxa_gui.practice.clock import iso_utc, mission_seconds, utc_mjd
from daxa_gui.practice.fitsblocks import Card, Column, image_block, primary_block, table_block, write_file
from daxa_gui.practice.flares import Intervals, flare_rate, generator, inside, total_s
from daxa_gui.practice.headers import CREATOR, image_wcs, linear_wcs, ogip, simulated, tangent_wcs
from daxa_gui.practice.simulate import Events, Look, dither, simulate
from daxa_gui.practice.sky import SOURCES, Observation

MJDREF = 50814.0
PIXEL_DEG = 1.36666666666667e-04  # 0.492 arcsec
CRPIX = 4096.5
_FRAME_S = 3.24104
_DTCOR = 0.98734  # part of each frame in which the chip is not being read
_GRADES = np.array([0, 2, 3, 4, 6])
_FLIGHT_GRADES = np.array([0, 64, 8, 16, 72])  # one of those that belong to each of the grades
_IMAGE_BIN, _IMAGE_SIZE = 8, 1024


class _Run:
    """Numbers of one observation that several headers need."""

    def __init__(self, observation: Observation, seed: int) -> None:
        self.observation, self.seed = observation, seed
        self.start_s = mission_seconds(utc_mjd(observation.start_utc), MJDREF)
        first = np.array([0.0, 0.31, 0.62, 0.93])
        self.good: dict[int, Intervals] = {
            chip.number: ((float(10.0 + first[i]), float(10.0 + first[i] + observation.exposure_s - _FRAME_S)),)
            for i, chip in enumerate(sorted(cameras.ACIS_I.chips, key=lambda chip: chip.number))
        }
        self.tstart_s = self.start_s + min(i[0][0] for i in self.good.values())
        self.tstop_s = self.start_s + max(i[-1][1] for i in self.good.values())


def _time_cards(run: _Run) -> list[Card]:
    observation = run.observation
    start_mjd = utc_mjd(observation.start_utc) + (run.tstart_s - run.start_s) / 86400
    stop_mjd = utc_mjd(observation.start_utc) + (run.tstop_s - run.start_s) / 86400
    return [
        ("DATE", iso_utc(stop_mjd, ""), "Date and time (UTC) of file creation"),
        ("MJD-OBS", start_mjd, "Modified Julian date of observation"),
        ("DATE-OBS", iso_utc(start_mjd, ""), "Date and time of observation start (UTC)"),
        ("DATE-END", iso_utc(stop_mjd, ""), "Date and time of observation stop (UTC)"),
        ("TIMESYS", "TT", "Time system"),
        ("MJDREF", MJDREF, "[d] MJD zero point for times"),
        ("TIMEZERO", 0.0, "[s] Clock correction"),
        ("TIMEUNIT", "s", "Time unit"),
        ("TIMEREF", "LOCAL", "Time reference (barycenter/local)"),
        ("TASSIGN", "SATELLITE", "Source of time assignment"),
        ("CLOCKAPP", True, "Clock correction applied"),
        ("TIERRELA", 1e-9, "Short-term clock stability"),
        ("TIERABSO", 5e-5, "Absolute precision of clock"),
        ("TIMVERSN", "ASC-FITS-2", "Timing system definition"),
        ("TSTART", run.tstart_s, "[s] Observation start time"),
        ("TSTOP", run.tstop_s, "[s] Observation end time"),
        ("TIMEPIXR", 0.5, "Time stamp reference as bin fraction"),
        ("TIMEDEL", _FRAME_S, "[s] timedel Lev1"),
    ]


def _identity(run: _Run) -> list[Card]:
    observation = run.observation
    return [
        ("MISSION", "AXAF", "Mission"),
        ("TELESCOP", "CHANDRA", "Telescope"),
        ("INSTRUME", "ACIS", "Instrument"),
        ("GRATING", "NONE", "Grating"),
        ("DETNAM", "ACIS-0123", "Detector"),
        ("DATACLAS", "SIMULATED", "observed or simulated"),
        ("DATAMODE", "FAINT", "Data mode"),
        ("READMODE", "TIMED", "Read mode"),
        ("OBS_MODE", "POINTING", "Observation mode"),
        ("OBS_ID", observation.obs_id, "Observation id"),
        ("OBI_NUM", 0, "Obi number"),
        ("SEQ_NUM", "999901", "Sequence number"),
        ("OBJECT", observation.target, "Source name"),
        ("TITLE", "The practice sky of DAXA GUI", "Proposal title"),
        ("OBSERVER", "DAXA GUI", "Principal investigator"),
        ("CYCLE", "P", "events from which exps? Prim/Second/Both"),
        ("RA_PNT", observation.ra_deg, "[deg] Pointing RA"),
        ("DEC_PNT", observation.dec_deg, "[deg] Pointing Dec"),
        ("ROLL_PNT", observation.roll_deg, "[deg] Pointing Roll"),
        ("RA_TARG", SOURCES[0].ra_deg, "[deg] Observer's specified target RA"),
        ("DEC_TARG", SOURCES[0].dec_deg, "[deg] Observer's specified target Dec"),
        ("RA_NOM", observation.ra_deg, "[deg] Nominal RA"),
        ("DEC_NOM", observation.dec_deg, "[deg] Nominal Dec"),
        ("ROLL_NOM", observation.roll_deg, "[deg] Nominal Roll"),
        ("RADESYS", "ICRS", "Coordinate Reference System"),
        ("EQUINOX", 2000.0, "default"),
        ("SIM_X", -0.78, "[mm] SIM focus pos"),
        ("SIM_Y", 0.0, "[mm] SIM orthogonal axis pos"),
        ("SIM_Z", -233.59, "[mm] SIM translation stage pos"),
        ("FOC_LEN", 10070.0, "[mm] HRMA focal length"),
        ("FP_TEMP", 153.6, "[K] Focal Plane Temperature"),
        ("EXPTIME", 3.2, "[s]"),
        ("FIRSTROW", 1, "Index of first row of CCD (sub)array readout"),
        ("NROWS", 1024, "Number of rows in (sub)array readout"),
        ("CTI_CORR", True, ""),
        ("GRADESYS", "ASCA", "grade system: ASCA, ACIS, or USER"),
    ]


def _exposure_cards(run: _Run) -> list[Card]:
    on = {ccd: total_s(intervals) for ccd, intervals in run.good.items()}
    cards: list[Card] = []
    for name, short, factor, text in (
        ("ONTIME", "ONTIME", 1.0, "Sum of GTIs"),
        ("LIVETIME", "LIVTIME", _DTCOR, "Livetime"),
        ("EXPOSURE", "EXPOSUR", _DTCOR, "Exposure time"),
    ):  # fmt: skip
        cards.append((name, on[3] * factor, f"[s] {text}"))  # that of the chip with the aim point
        cards += [(f"{short}{ccd}", seconds * factor, f"[s] {text} of CCD {ccd}") for ccd, seconds in sorted(on.items())]
    return [*cards, ("DTCOR", _DTCOR, "Dead time correction")]


def _subspace_cards(run: _Run) -> list[Card]:
    name, value = "DM Keyword: Descriptor name.", "DM Keyword: Descriptor value."
    cards: list[Card] = [
        ("DSTYP1", "ccd_id", name), ("DSVAL1", "0:0", value), ("DSFORM1", "I", "DM Keyword: Descriptor datatype."),
        ("DSTYP2", "time", name), ("DSVAL2", "TABLE", "[s]"), ("DSFORM2", "D", "DM Keyword: Descriptor datatype."),
        ("DSUNIT2", "s", "DM Keyword: Descriptor unit."), ("DSREF2", ":GTI0", ""),
        ("DSTYP3", "grade", name), ("DSVAL3", "0:0,2:2,3:3,4:4,6:6", value), ("DSFORM3", "I", "DM Keyword: Descriptor datatype."),
    ]  # fmt: skip
    for component, ccd in enumerate(sorted(run.good)[1:], 2):
        cards += [(f"{component}DSVAL1", f"{ccd}:{ccd}", value), (f"{component}DSREF2", f":GTI{ccd}", "")]
    return cards


def _columns(run: _Run, events: Events, rng: np.random.Generator) -> tuple[list[Column], np.ndarray, np.ndarray]:
    observation, n = run.observation, len(events)
    aspect = dither(telescopes.ACIS, events.time_s)
    sky = cameras.ACIS_I.to_sky(events.u, events.v, observation.roll_deg) + aspect
    x, y = CRPIX + sky[0] / 0.492, CRPIX + sky[1] / 0.492
    det_x, det_y = CRPIX + events.u / 0.492, CRPIX + events.v / 0.492
    energy_ev = events.energy_kev * 1000
    grade = rng.choice(_GRADES, n, p=[0.55, 0.17, 0.09, 0.09, 0.10])
    pha = np.rint(energy_ev / 4.6).astype(np.int32)
    island = np.zeros((n, 9), np.int16)
    island[:, 4] = np.rint(pha * np.where(grade == 0, 0.97, 0.7))
    island[:, 1] = pha - island[:, 4]
    tdet = {0: (1600, 4100), 1: (2700, 4100), 2: (1600, 5200), 3: (2700, 5200)}  # where a chip begins in the tiled plane
    tile_x = np.array([tdet[ccd][0] for ccd in range(4)])[events.chip] + events.raw_x
    tile_y = np.array([tdet[ccd][1] for ccd in range(4)])[events.chip] + events.raw_y
    full = (0.5, 8192.5)
    flight_grade = _FLIGHT_GRADES[np.searchsorted(_GRADES, grade)]
    pi = np.clip(energy_ev / 14.6 + 1, 1, 1024).astype(np.int32)

    def angle(kind: str) -> tuple[Card, ...]:
        return linear_wcs(kind, CRPIX, 0.0, PIXEL_DEG, "deg")

    columns = [
        Column("time", "1D", run.start_s + events.time_s, "s", "S/C TT corresponding to mid-exposure"),
        Column("expno", "1J", (events.time_s / _FRAME_S).astype(np.int32), "", "Exposure number of CCD frame containing event"),
        Column("ccd_id", "1I", events.chip, "", "CCD reporting event", legal=(0, 9)),
        Column("node_id", "1I", (events.raw_x - 1) // 256, "", "CCD serial readout amplifier node", legal=(0, 3)),
        Column("chipx", "1I", events.raw_x, "pixel", "Chip coords", legal=(1, 1024)),
        Column("chipy", "1I", events.raw_y, "pixel", "Chip coords", legal=(1, 1024)),
        Column("tdetx", "1I", tile_x, "pixel", "ACIS tiled detector coordinates", 9999, (1, 8192)),
        Column("tdety", "1I", tile_y, "pixel", "ACIS tiled detector coordinates", 9999, (1, 8192)),
        Column("detx", "1E", det_x, "pixel", "ACIS detector coordinates", None, full, wcs=angle("LONG-TAN")),
        Column("dety", "1E", det_y, "pixel", "ACIS detector coordinates", None, full, wcs=angle("NPOL-TAN")),
        Column("x", "1E", x, "pixel", "sky coordinates", None, full, wcs=tangent_wcs("X", CRPIX, observation.ra_deg, -PIXEL_DEG)),
        Column("y", "1E", y, "pixel", "sky coordinates", None, full, wcs=tangent_wcs("Y", CRPIX, observation.dec_deg, PIXEL_DEG)),
        Column("phas", "9I", island, "adu", "array of pixel pulse heights", None, (-4096, 4095), dimensions="(3,3)"),
        Column("pha", "1J", pha, "adu", "total pulse height of event", 0, (0, 36855)),
        Column("energy", "1E", energy_ev, "eV", "nominal energy of event (eV)", None, (0.0, 1e6)),
        Column("pi", "1J", pi, "chan", "pulse invariant energy of event", 0, (1, 1024)),
        Column("fltgrade", "1I", flight_grade, "", "event grade, flight system", None, (0, 255)),
        Column("grade", "1I", grade, "", "binned event grade", None, (0, 7)),
        Column("status", "32X", np.zeros(n, np.uint32), "", "event status bits"),
    ]  # fmt: skip
    return columns, x, y


def _gti_block(run: _Run, ccd: int) -> bytes:
    intervals = run.start_s + np.array(run.good[ccd])
    columns = [
        Column("START", "1D", intervals[:, 0], "s", "Time elapsed since MJDREF"),
        Column("STOP", "1D", intervals[:, 1], "s", "Time elapsed since MJDREF"),
    ]
    cards: list[Card] = [
        ("EXTVER", ccd, ""), ("HDUNAME", f"GTI{ccd}", "ASCDM block name"), ("CCD_ID", ccd, "CCD for this table"),
        *ogip("GTI", "STANDARD"), *_time_cards(run), *_identity(run), *simulated(run.seed),
    ]  # fmt: skip
    return table_block("GTI", columns, cards)


def _index(run: _Run, names: list[str]) -> list[bytes]:
    """`oif.fits`: which files there are."""
    kinds = np.array([b"EVT2", b"IMG2"])
    locations = np.array([name.encode() for name in names])
    data = [
        Column("MEMBER_NAME", "16A", kinds),
        Column("MEMBER_CONTENT", "16A", kinds),
        Column("MEMBER_LOCATION", "64A", locations),
    ]
    cards = [*_identity(run), *_time_cards(run), *simulated(run.seed)]
    return [primary_block(cards), table_block("GROUPING", data, cards)]


def _observe(run: _Run, rng: np.random.Generator) -> Events:
    """Events in order of time, each inside the good time of its chip."""
    observation = run.observation
    rate = flare_rate(observation.flares, observation.exposure_s + 60.0, generator(run.seed, observation.obs_id, "flares"))
    whole = ((run.tstart_s - run.start_s, run.tstop_s - run.start_s),)
    look = Look(
        telescopes.ACIS, cameras.ACIS_I, observation.ra_deg, observation.dec_deg, observation.roll_deg, whole, _DTCOR, rate
    )
    events = simulate(look, SOURCES, rng)
    good = np.zeros(len(events), bool)
    for ccd, intervals in run.good.items():
        good |= (events.chip == ccd) & inside(events.time_s, intervals)
    events = events.take(good)
    return events.take(np.argsort(events.time_s, kind="stable"))


def _descriptors() -> list[Card]:
    """Pairs of columns that CIAO treats as one quantity."""
    pairs = (("chip", "chipx,chipy"), ("tdet", "tdetx,tdety"), ("det", "detx,dety"), ("sky", "x,y"))
    cards: list[Card] = []
    for number, (name, columns) in enumerate(pairs, 1):
        cards += [(f"MTYPE{number}", name, "DM Keyword: Descriptor name."), (f"MFORM{number}", columns, "[pixel]")]
    return [*cards, ("MTYPE5", "EQPOS", "DM Keyword: Descriptor name."), ("MFORM5", "RA,DEC", "[deg]")]


def _event_cards(run: _Run, head: list[Card]) -> list[Card]:
    return [
        ("HDUNAME", "EVENTS", "ASCDM block name"),
        ("CONTENT", "EVT2", "What data product"),
        *ogip("EVENTS", "ACCEPTED"),
        *head,
        ("REVISION", 1, "Processing version of data"),
        *_time_cards(run),
        *_identity(run),
        *_exposure_cards(run),
        *simulated(run.seed),
        *_subspace_cards(run),
        *_descriptors(),
    ]


def _image(run: _Run, head: list[Card], x: np.ndarray, y: np.ndarray) -> bytes:
    observation = run.observation
    edges = 0.5 + _IMAGE_BIN * np.arange(_IMAGE_SIZE + 1)
    counts = np.histogram2d(y, x, bins=(edges, edges))[0]
    wcs = image_wcs(CRPIX, observation.ra_deg, observation.dec_deg, PIXEL_DEG, 0.5, _IMAGE_BIN)
    cards = [
        *head,
        ("CONTENT", "IMG2", ""),
        *_time_cards(run),
        *_identity(run),
        *_exposure_cards(run),
        *wcs,
        *simulated(run.seed),
    ]
    return image_block(counts, cards)


def write(www: Path, observation: Observation, instrument: str, seed: int) -> list[Path]:
    """Write the observation into the archive's tree and return the paths of its files."""
    run = _Run(observation, seed)
    rng = generator(seed, observation.obs_id, "ACIS")
    columns, x, y = _columns(run, _observe(run, rng), rng)
    head: list[Card] = [("ORIGIN", "DAXA GUI", "Source of FITS file"), ("CREATOR", CREATOR, "tool that created this output")]
    primary = primary_block([*head, *_time_cards(run), *_identity(run), *simulated(seed)])
    folder = www / "FTP/chandra/data/byobsid" / observation.obs_id[-1] / observation.obs_id
    root = f"acisf{int(observation.obs_id):05d}N001"
    events_path, image_path = (folder / "primary" / f"{root}_{end}.fits.gz" for end in ("evt2", "full_img2"))
    gtis = [_gti_block(run, ccd) for ccd in sorted(run.good)]
    write_file(events_path, [primary, table_block("EVENTS", columns, _event_cards(run, head)), *gtis])
    write_file(image_path, [_image(run, head, x, y)])
    write_file(folder / "oif.fits", _index(run, [f"primary/{path.name}" for path in (events_path, image_path)]))
    return [events_path, image_path, folder / "oif.fits"]
