"""XMM-Newton EPIC event lists as the pipeline (PPS) leaves them: unfiltered, with corners and flares, grouped by CCD."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daxa_gui.practice import cameras, spectra, telescopes, xmm_headers
from daxa_gui.practice.clock import mission_seconds, utc_mjd
from daxa_gui.practice.fitsblocks import Column, image_block, primary_block, table_block, write_file
from daxa_gui.practice.flares import Intervals, flare_rate, generator, inside
from daxa_gui.practice.headers import tangent_wcs
from daxa_gui.practice.simulate import PARTICLE, Events, Look, simulate
from daxa_gui.practice.sky import SOURCES, Observation, observations_of
from daxa_gui.practice.xmm_headers import CRPIX, PIXEL_DEG, Exposure

_CAMERAS = {"M1": cameras.MOS1, "M2": cameras.MOS2, "PN": cameras.PN}
EXPOSURE_IDS = {"M1": "S001", "M2": "S002", "PN": "S003"}
_FRAME_S = {"M1": 2.6, "M2": 2.6, "PN": 0.0734}
_LIVE = {"M1": 0.985, "M2": 0.985, "PN": 0.93}
_PN_DELAY_S = 1400.0  # the offset map is taken first
_THICKNESS = {"Thin1": 1.0, "Medium": 0.95, "CalClosed": 0.0}  # how much of the light the filter lets through
# 55Fe and its aluminium target, which light the cameras up while the filter wheel is at CalClosed.
_CALIBRATION_LINES = (spectra.Line(1.487, 0.25, 0.004), spectra.Line(5.895, 0.55, 0.006), spectra.Line(6.49, 0.12, 0.006))
# Weights of patterns 1 to 31; patterns beyond 12 come from particles only.
_MOS_PATTERNS = np.array([113, 17, 75, 15, 1.5, 1.9, 1.7, 1.5, 2.8, 1.7, 1.7, 2.6, *[0] * 19], float)
_PN_PATTERNS = np.array([80, 80, 75, 75, 4, 4, 4, 4, 2, 2, 2, 2, *[0] * 19], float)
_PARTICLE_PATTERNS = np.array([*[0] * 12, *[2] * 17, 6, 60], float)
_IMAGE_BIN, _IMAGE_SIZE = 80, 648  # as the pipeline's images: 4 arcsec
_NULL_XY = -99999999


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Columns of an EPIC list, shape (n,), in the order of the file."""

    time_s: NDArray[np.float64]
    raw_x: NDArray[np.int16]
    raw_y: NDArray[np.int16]
    det_x: NDArray[np.int16]
    det_y: NDArray[np.int16]
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    pha: NDArray[np.int16]
    pi: NDArray[np.int16]
    flag: NDArray[np.int32]
    pattern: NDArray[np.uint8]
    ccd: NDArray[np.uint8]


def _gaps(instrument: str, span_s: float, rng: np.random.Generator) -> Intervals:
    """Moments in which the telemetry was full and frames were lost: a few short ones for pn, one for MOS2."""
    count = {"M1": 0, "M2": 1, "PN": 3}[instrument]
    starts = np.sort(rng.uniform(0.1, 0.9, count)) * span_s
    return tuple((float(start), float(start + rng.uniform(40.0, 150.0))) for start in starts)


def _without(interval: tuple[float, float], gaps: Intervals) -> Intervals:
    good, start = [], interval[0]
    for begin, end in gaps:
        if end <= start:
            continue
        if begin > start:
            good.append((start, begin))
        start = end
    return (*good, (start, interval[1]))


def _exposure(observation: Observation, instrument: str, seed: int) -> Exposure:
    """When each CCD was recording: frames of the CCDs are not in step, so their intervals differ a little."""
    rng = generator(seed, observation.obs_id, instrument, "frames")
    camera = _CAMERAS[instrument]
    first_s = _PN_DELAY_S if instrument == "PN" else 60.0
    gaps = _gaps(instrument, observation.exposure_s, rng)
    frame_s = _FRAME_S[instrument]
    good: dict[int, Intervals] = {}
    for chip in camera.chips:
        phase_s = float(rng.uniform(0, frame_s))
        whole = (first_s + phase_s, observation.exposure_s - frame_s + phase_s)
        good[chip.number] = _without(whole, tuple((begin + phase_s, end + phase_s) for begin, end in gaps))
    start_tt_s = mission_seconds(utc_mjd(observation.start_utc), xmm_headers.MJDREF)
    live = {number: _LIVE[instrument] + float(rng.normal(0, 0.002)) for number in good}
    return Exposure(observation, instrument, EXPOSURE_IDS[instrument], seed, start_tt_s, frame_s, good, live)


def look(exposure: Exposure, scale: float = 1.0) -> Look:
    """What the simulation needs to know. `scale` multiplies all light and all particles (benchmarks)."""
    observation, instrument = exposure.observation, exposure.instrument
    closed = observation.filter == "CalClosed"
    telescope = telescopes.PN if instrument == "PN" else telescopes.MOS
    if scale != 1.0:
        rate, protons = telescope.particles_ct_s_arcmin2, telescope.protons
        telescope = replace(telescope, particles_ct_s_arcmin2=rate * scale, protons=protons * scale)
    span_s = observation.exposure_s + 10.0
    rate_ct_s = flare_rate(observation.flares, span_s, generator(exposure.seed, observation.obs_id, "flares"))
    whole = (min(i[0][0] for i in exposure.good.values()), max(i[-1][1] for i in exposure.good.values()))
    return Look(
        telescope=telescope,
        camera=_CAMERAS[instrument],
        ra_deg=observation.ra_deg,
        dec_deg=observation.dec_deg,
        roll_deg=observation.roll_deg,
        good=(whole,),
        live=_LIVE[instrument],
        protons_ct_s=rate_ct_s,
        closed=closed,
        area_factor=_THICKNESS[observation.filter] * scale,
        extra_lines=_CALIBRATION_LINES if closed else (),
        extra_ct_s_arcmin2=(0.004 if instrument == "PN" else 0.0014) if closed else 0.0,
    )


def _patterns(events: Events, instrument: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """How many pixels an event spread over: more at higher energies, and odd shapes for particles."""
    particle = events.kind == PARTICLE
    single = np.clip(np.where(particle, 0.68, 0.86) - 0.03 * events.energy_kev, 0.3, 0.9)
    weights = _PN_PATTERNS if instrument == "PN" else _MOS_PATTERNS
    patterns = 1 + rng.choice(31, len(events), p=weights / weights.sum()).astype(np.uint8)
    odd = particle & (rng.random(len(events)) < 0.45)
    patterns[odd] = 1 + rng.choice(31, int(odd.sum()), p=_PARTICLE_PATTERNS / _PARTICLE_PATTERNS.sum()).astype(np.uint8)
    patterns[rng.random(len(events)) < single] = 0
    return patterns


def _flags(events: Events, patterns: NDArray[np.uint8], camera: cameras.Camera, rng: np.random.Generator) -> NDArray[np.int32]:
    """Quality bits, by place: field of view, borders, columns and pixels that are bad."""
    flag = np.where(events.in_fov, 0, xmm_headers.OUT_OF_FOV).astype(np.int32)
    x, y = events.raw_x, events.raw_y
    for chip in camera.chips:
        here = events.chip == chip.number
        edge = (x <= chip.first + 1) | (y <= chip.first + 1) | (x >= chip.first + chip.n_x - 2) | (y >= chip.first + chip.n_y - 2)
        flag[here & edge] |= xmm_headers.CLOSE_TO_CCD_BORDER
    for bad in camera.bad_columns:
        beside = (events.chip == bad.chip) & (np.abs(x - bad.x) == 1) & (y >= bad.y) & (y < bad.y + bad.length)
        flag[beside] |= xmm_headers.CLOSE_TO_BADCOL
    for number, hot_x, hot_y in camera.hot_pixels:
        around = (events.chip == number) & (np.abs(x - hot_x) <= 1) & (np.abs(y - hot_y) <= 1)
        flag[around] |= xmm_headers.CLOSE_TO_ONBOARD_BADPIX | xmm_headers.CLOSE_TO_BRIGHTPIX
    flag[(patterns >= 30) & (rng.random(len(events)) < 0.5)] |= xmm_headers.REJECTED_BY_GATTI
    return flag


def _on_hot_pixel(events: Events, camera: cameras.Camera) -> NDArray[np.bool_]:
    on = np.zeros(len(events), bool)
    for number, x, y in camera.hot_pixels:
        on |= (events.chip == number) & (events.raw_x == x) & (events.raw_y == y)
    return on


def event_columns(exposure: Exposure, events: Events, rng: np.random.Generator) -> EventColumns:
    """The columns of the file: rows grouped by CCD and in order of time inside each, as the pipeline joins them."""
    camera = _CAMERAS[exposure.instrument]
    recorded = ~_on_hot_pixel(events, camera)  # switched off by command, so nothing of it comes down
    for number, intervals in exposure.good.items():
        recorded &= (events.chip != number) | inside(events.time_s, intervals)
    events = events.take(recorded)
    events = events.take(np.lexsort((events.time_s, events.chip)))
    patterns = _patterns(events, exposure.instrument, rng)
    sky = camera.to_sky(events.u, events.v, exposure.observation.roll_deg) / xmm_headers.PIXEL_ARCSEC
    pi_ev = np.minimum(np.rint(events.energy_kev * 1000), xmm_headers.PI_MAX[exposure.instrument])
    return EventColumns(
        time_s=exposure.start_tt_s + events.time_s,
        raw_x=events.raw_x,
        raw_y=events.raw_y,
        det_x=np.rint(events.u / xmm_headers.PIXEL_ARCSEC).astype(np.int16),
        det_y=np.rint(events.v / xmm_headers.PIXEL_ARCSEC).astype(np.int16),
        x=np.rint(CRPIX + sky[0]).astype(np.int32),
        y=np.rint(CRPIX + sky[1]).astype(np.int32),
        pha=np.minimum(np.rint(pi_ev / (5.0 if exposure.instrument == "PN" else 3.4)), 4095).astype(np.int16),
        pi=pi_ev.astype(np.int16),
        flag=_flags(events, patterns, camera, rng),
        pattern=patterns,
        ccd=events.chip.astype(np.uint8),
    )


def _table_columns(exposure: Exposure, data: EventColumns) -> list[Column]:
    observation, pn = exposure.observation, exposure.instrument == "PN"
    last_raw = {True: (64, 200), False: (605, 602)}[pn]
    angle = xmm_headers.detector_wcs
    sky_range = (1.0, 51840.0)
    columns = [
        Column("TIME", "D", data.time_s, "s", "event time"),
        Column("RAWX", "I", data.raw_x, "PIXELS", "X in node coordinates", legal=(1 if pn else -4, last_raw[0])),
        Column("RAWY", "I", data.raw_y, "PIXELS", "Y in node coordinates", legal=(1, last_raw[1])),
        Column("DETX", "I", data.det_x, "pixel", "X in linearised camera coordinates", legal=(-20500, 20500), wcs=angle("DETX")),
        Column("DETY", "I", data.det_y, "pixel", "Y in linearised camera coordinates", legal=(-20500, 20500), wcs=angle("DETY")),
        Column("X", "J", data.x, "pixel", "X in projected sky coordinates", _NULL_XY, sky_range,
               wcs=tangent_wcs("X", CRPIX, observation.ra_deg, -PIXEL_DEG)),
        Column("Y", "J", data.y, "pixel", "Y in projected sky coordinates", _NULL_XY, sky_range,
               wcs=tangent_wcs("Y", CRPIX, observation.dec_deg, PIXEL_DEG)),
        Column("PHA", "I", data.pha, "CHAN", "total charge of the event (uncorrected)", legal=(0, 4095 if pn else 32767)),
        Column("PI", "I", data.pi, "CHAN", "measured energy in eV", legal=(0, xmm_headers.PI_MAX[exposure.instrument])),
        Column("FLAG", "J", data.flag, "", "quality flag"),
        Column("PATTERN", "B", data.pattern, "", "pattern or grade defining the event", legal=(0, 31)),
    ]  # fmt: skip
    if pn:
        number = np.zeros(len(data.pi), np.int16)
        columns += [
            Column("PAT_ID", "I", number, "", "pattern identifier"),
            Column("PAT_SEQ", "B", number, "", "place in pattern"),
        ]
    columns = [replace(column, data_range=column.legal is not None and column.name != "PATTERN") for column in columns]
    return [*columns, Column("CCDNR", "B", data.ccd, "", "number of the CCD", legal=(1, 12 if pn else 17))]


def _frame_table(exposure: Exposure, ccd: int, rng: np.random.Generator) -> bytes:
    """The live time of each frame (pn: of each 100 frames)."""
    step_s = exposure.frame_s * (100 if exposure.instrument == "PN" else 1)
    intervals = exposure.good[ccd]
    times = np.arange(intervals[0][0], intervals[-1][1], step_s) + step_s / 2
    times = times[inside(times, intervals)]
    fraction = np.clip(exposure.live[ccd] + rng.normal(0, 0.0015, len(times)), 0, 1)
    columns = [
        Column("TIME", "D", exposure.start_tt_s + times, "s", "time of the centre of each frame"),
        Column("TIMEDEL", "E", np.full(len(times), step_s), "s", "duration of each frame"),
        Column("FRACEXP", "E", fraction, "FRACTION", "effective time / real time"),
    ]
    return table_block(f"EXPOSU{ccd:02d}", columns, xmm_headers.ccd_cards(exposure, ccd, "time steps and efficiency"))


def _bad_pixel_table(exposure: Exposure, ccd: int) -> bytes:
    camera = _CAMERAS[exposure.instrument]
    length = 200 if exposure.instrument == "PN" else 600
    rows = [(x.x, x.y, 3, min(x.length, length - x.y + 1), 2) for x in camera.bad_columns if x.chip == ccd]
    rows += [(x, y, 1, 1, 1) for chip, x, y in camera.hot_pixels if chip == ccd]
    names = ("RAWX", "RAWY", "TYPE", "YEXTENT", "BADFLAG")
    table = np.array(rows, np.int16).reshape(-1, 5)
    columns = [Column(name, "I", table[:, i]) for i, name in enumerate(names)]
    return table_block(f"BADPIX{ccd:02d}", columns, xmm_headers.ccd_cards(exposure, ccd, "bad pixels"))


def _gti_table(exposure: Exposure, ccd: int) -> bytes:
    intervals = exposure.start_tt_s + np.array(exposure.good[ccd])
    columns = [
        Column("START", "D", intervals[:, 0], "SECONDS", "start time of good time interval"),
        Column("STOP", "D", intervals[:, 1], "SECONDS", "end time of good time interval"),
    ]
    return table_block(f"STDGTI{ccd:02d}", columns, xmm_headers.gti_cards(exposure, ccd))


def list_blocks(exposure: Exposure, data: EventColumns) -> Iterable[bytes]:
    """The HDUs of an EPIC list in the pipeline's order."""
    rng = generator(exposure.seed, exposure.observation.obs_id, exposure.instrument, "housekeeping")
    ranges = xmm_headers.data_ranges(data.x, data.y)
    common = xmm_headers.common_cards(exposure, ranges)
    yield primary_block([*common, ("CONTENT", f"EPIC {exposure.kind} IMAGING MODE EVENT LIST", "")])
    yield table_block("EVENTS", _table_columns(exposure, data), xmm_headers.event_cards(exposure, ranges))
    offsets = np.array([(x, 4040 + x % 5, 0, ccd) for ccd in exposure.good for x in (-4, -3, -2, -1)], np.int16)
    forms = (("RAWX", "I"), ("OFFSETX", "I"), ("OFFSETY", "I"), ("CCDNR", "B"))
    yield table_block("OFFSETS", [Column(name, form, offsets[:, i]) for i, (name, form) in enumerate(forms)], common)
    for ccd in exposure.good:
        yield _frame_table(exposure, ccd, rng)
        yield _bad_pixel_table(exposure, ccd)
    for ccd in exposure.good:
        yield _gti_table(exposure, ccd)
    yield xmm_headers.calibration_table(exposure)


def _image(exposure: Exposure, data: EventColumns) -> bytes:
    """The pipeline's image of 0.2 to 12 keV: events of the field of view with good patterns."""
    most = 4 if exposure.instrument == "PN" else 12
    kept = (data.pattern <= most) & (data.flag & xmm_headers.GOOD_MASK == 0) & (data.pi > 200) & (data.pi <= 12000)
    columns, rows = (data.x[kept] - 1) // _IMAGE_BIN, (data.y[kept] - 1) // _IMAGE_BIN
    on = (columns >= 0) & (rows >= 0) & (columns < _IMAGE_SIZE) & (rows < _IMAGE_SIZE)
    counts = np.bincount(rows[on] * _IMAGE_SIZE + columns[on], minlength=_IMAGE_SIZE**2).reshape(_IMAGE_SIZE, _IMAGE_SIZE)
    cards = xmm_headers.image_cards(exposure, xmm_headers.data_ranges(data.x, data.y), _IMAGE_BIN)
    return image_block(counts, cards)


def observe(observation: Observation, instrument: str, seed: int, scale: float = 1.0) -> tuple[Exposure, EventColumns]:
    """Simulate one EPIC exposure."""
    exposure = _exposure(observation, instrument, seed)
    rng = generator(seed, observation.obs_id, instrument)
    sources = SOURCES if observation.target_type != "CAL" else ()
    events = simulate(look(exposure, scale), sources, rng)
    return exposure, event_columns(exposure, events, rng)


def file_name(obs_id: str, instrument: str, product: str) -> str:
    """The pipeline's name of a product, such as `P0999900101M1S001MIEVLI0000.FTZ`."""
    return f"P{obs_id}{instrument}{EXPOSURE_IDS[instrument]}{product}.FTZ"


def write(www: Path, observation: Observation, instrument: str, seed: int) -> list[Path]:
    """Write the list and the image of one exposure into the archive's tree and return their paths."""
    exposure, data = observe(observation, instrument, seed)
    folder = www / "FTP/xmm/data/rev0" / observation.obs_id / "PPS"
    product = "PIEVLI0000" if instrument == "PN" else "MIEVLI0000"
    list_path = folder / file_name(observation.obs_id, instrument, product)
    write_file(list_path, list_blocks(exposure, data))
    if observation.filter == "CalClosed":
        return [list_path]
    image_path = folder / file_name(observation.obs_id, instrument, "IMAGE_8000")
    write_file(image_path, [_image(exposure, data)])
    return [list_path, image_path]


def simulate_xmm_list(path: Path, n_events: int, seed: int = 1) -> int:
    """Write one MOS1 list with `n_events` events (for benchmarks) and return their number.

    It is the moderately flared observation with every rate multiplied, so that its shape stays that of real work.
    """
    flared = next(item for item in observations_of("xmm_pointed") if item.flares.spikes)
    _, probe = observe(flared, "M1", seed)
    exposure, data = observe(flared, "M1", seed, scale=1.05 * n_events / len(probe.pi))
    chosen = generator(seed, "list", str(n_events)).choice(len(data.pi), n_events, replace=False)
    chosen.sort()
    data = EventColumns(*(getattr(data, item.name)[chosen] for item in fields(EventColumns)))
    write_file(path, list_blocks(exposure, data))
    return n_events
