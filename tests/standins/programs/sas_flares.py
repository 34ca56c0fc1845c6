"""emanom and espfilt (histogram and ratio method)."""

from __future__ import annotations

import os
from typing import Any

from programs import files, sas
from programs.sas_files import gti_table
from programs.sas_parameters import SasError
from programs.sas_select import selected

_CORNERS = "!((DETX,DETY) in CIRCLE(0,0,17700))"
_LIMITS = {("EMOS1", 4): (2.75, 3.00), ("EMOS1", 5): (2.25, 3.60), ("EMOS2", 2): (2.10, 2.50), ("EMOS2", 5): (2.10, 2.50)}


def _who(task: sas.Task, hdus: list[files.Hdu], i: int) -> tuple[str, str]:
    """(EMOS1, « mos1S001 »)."""
    instrument = str(hdus[i].get("INSTRUME", hdus[0].get("INSTRUME", "")))
    exposure = str(hdus[i].get("EXPIDSTR", hdus[0].get("EXPIDSTR", "")))
    if instrument not in ("EMOS1", "EMOS2", "EPN") or not exposure:
        raise SasError(
            "file", f"The keywords INSTRUME and EXPIDSTR say that this is no EPIC event list ({instrument}, {exposure})"
        )
    return instrument, {"EMOS1": "mos1", "EMOS2": "mos2", "EPN": "pn"}[instrument] + exposure


def emanom(task: sas.Task) -> None:
    """Hardness of the corners of each CCD: `{mos1S001}-anom.log`, and keywords in the list."""
    values = task.values
    hdus, i = task.events(values["eventfile"])
    instrument, stem = _who(task, hdus, i)
    if instrument == "EPN":
        raise SasError("file", "emanom is for MOS only")
    corner, _ = selected(hdus, i, f"(PATTERN<=12)&&((FLAG & 0x766aa000)==0)&&{_CORNERS}")
    lines, present = [f"emanom for {stem}"], {int(n) for n in set(hdus[i].rows()["CCDNR"].tolist())}
    for ccd in range(2, 8):
        mine = corner[corner["CCDNR"] == ccd]
        soft, hard = ((mine["PI"] >= a) & (mine["PI"] <= b) for a, b in ((400, 800), (2500, 5000)))
        low, high = int(soft.sum()), int(hard.sum())
        ratio = high / low if low else 0.0
        error = ratio * (1 / max(high, 1) + 1 / max(low, 1)) ** 0.5
        state = _state(instrument, ccd, ccd in present, low, ratio)
        lines.append(f"CCD: {ccd} Hard: {high:6d} Soft: {low:6d} HR: {ratio:8.3f} +- {error:8.3f} Status: {state}")
        if values["writekeys"]:
            hdus[0].set(f"ANOMHR{ccd}", float(ratio))
            hdus[0].set(f"ANOMHE{ccd}", float(error))
            hdus[0].set(f"ANOMFL{ccd}", state)
    if values["writelog"]:
        files.write_text(f"{stem}-anom.log", "\n".join(lines) + "\n")
    if values["writekeys"]:
        if not os.access(values["eventfile"], os.W_OK):
            raise SasError("readOnly", f"The data set `{values['eventfile']}' cannot be written to")
        files.write(values["eventfile"], hdus)
    if values["keepcorner"]:
        hdus[i] = hdus[i].with_rows(corner)
        files.write(values["cornerfile"], hdus)


def _state(instrument: str, ccd: int, present: bool, low: int, ratio: float) -> str:
    if not present:
        return "O"
    if low <= 0:
        return "U"
    anomalous, normal = _LIMITS.get((instrument, ccd), (0.0, 0.0))
    return "G" if ratio > normal else "B" if ratio < anomalous else "I"


def espfilt(task: sas.Task) -> None:
    """`{x}-gti.fits`, `-gti.txt`, `-allevc.fits`, pn `-allevcoot.fits`, histogram method `-hist.qdp`; more are kept if asked."""
    values = task.values
    path = values.get("eventfile") or values["eventset"]
    hdus, i = task.events(path)
    instrument, stem = _who(task, hdus, i)
    long = task.release < (20,) or bool(values.get("withlongnames"))
    end = f"-{values['elow']}-{values['ehigh']}" if long else ""
    pn = instrument == "EPN"
    if values["elow"] >= values["ehigh"]:
        raise SasError("badsyntax", f"elow {values['elow']} is not below ehigh {values['ehigh']}")
    good_flags = "#XMMEA_EP" if pn else "#XMMEA_EM"
    pattern = 4 if pn else 12
    band = f"(PATTERN<={pattern})&&(PI in [{values['elow']}:{values['ehigh']}])"
    task.say(
        f"Executing (routine): evselect table={path} rateset={stem}-fovlc.fits "
        f"expression='{band}&&({good_flags})' timebinsize=1  -w 1 -V 4"
    )
    fov, _ = selected(hdus, i, f"{band}&&({good_flags})")
    start, stop = float(hdus[i].get("TSTART", 0.0)), float(hdus[i].get("TSTOP", 0.0))
    if stop - start < 120:
        raise SasError("noCounts", "The exposure is shorter than two bins")
    if values["method"] == "histogram":
        good, curve = _histogram(task, files.numpy().sort(fov["TIME"].astype("f8")), start, stop)
        files.write_text(f"{stem}-hist{end}.qdp", curve)
    else:
        corner, _ = selected(hdus, i, f"{band}&&((FLAG & {'0xcfa0000' if pn else '0x766aa000'})==0)&&{_CORNERS}")
        good = _ratio(task, fov, corner, start, stop)
    files.write_text(f"{stem}-gti{end}.txt", "".join(f"   {a:.16E}   {b:.16E}   +\n" for a, b in good))
    task.say(f"Executing (routine): gtibuild file={stem}-gti.txt table={stem}-gti.fits  -w 1 -V 4")
    files.write(f"{stem}-gti{end}.fits", [files.primary(), gti_table("STDGTI", good)])
    _write_lists(task, hdus, i, stem, end, pattern, pn, good)


def _write_lists(task: sas.Task, hdus: list[files.Hdu], i: int, stem: str, end: str, pattern: int, pn: bool, good: Any) -> None:
    values = task.values
    mask = "0xcfa0000" if pn else "0x766aa000"
    lists = [(hdus, i, f"{stem}-allevc{end}.fits")]
    if pn and values.get("withoot"):
        oot, k = task.events(values["ootfile"])
        lists.append((oot, k, f"{stem}-allevcoot.fits"))
    for source, n, name in lists:
        rows, _ = selected(source, n, f"(PATTERN<={pattern})&&((FLAG & {mask})==0)")
        rows = rows[files.inside(rows["TIME"].astype("f8"), good)]
        task.say(f"selected {len(rows)} rows from the input table.", "evselect")
        out = [hdu.copy() for hdu in source]
        out[n] = source[n].with_rows(rows)
        for keyword, value in (("ELOW", values["elow"]), ("EHIGH", values["ehigh"])):
            out[n].set(keyword, value)
        files.write(name, out)
        if values.get("keepinterfiles") and name.endswith(f"-allevc{end}.fits"):
            corner, _ = selected(out, n, _CORNERS)
            out[n] = out[n].with_rows(corner)
            files.write(f"{stem}-corev{end}.fits", out)


def _bins(values: Any, times: Any, start: float, stop: float) -> tuple[Any, Any, Any]:
    """1 s counts, edges of the long bins, rate in each of them."""
    np = files.numpy()
    seconds = max(int(stop - start), 1)
    counts = np.histogram(times, start + np.arange(seconds + 1))[0].astype("f8")
    size = values["binsize"] if values["withbinning"] else 1
    edges = np.minimum(np.arange(0, seconds + size, size), seconds)
    edges = np.unique(edges)
    rate = np.add.reduceat(counts, edges[:-1]) / np.diff(edges)
    return counts, start + edges, rate


def _intervals(edges: Any, good: Any) -> list[tuple[float, float]]:
    """Good bins joined; what is not longer than 100 s is dropped."""
    found: list[tuple[float, float]] = []
    for k in files.numpy().flatnonzero(good):
        a, b = float(edges[k]), float(edges[k + 1])
        if found and a - found[-1][1] <= 5:
            found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return [(a, b) for a, b in found if b - a > 100]


def _histogram(task: sas.Task, times: Any, start: float, stop: float) -> tuple[list[tuple[float, float]], str]:
    np = files.numpy()
    values = task.values
    counts, edges, rate = _bins(values, times, start, stop)
    width = values["smooth"] if values["withsmoothing"] else 1
    smooth = np.convolve(counts, np.ones(width), "same") / np.convolve(np.ones(len(counts)), np.ones(width), "same")
    low, high = values.get("limits") or [0.1, 6.5]
    borders = low + np.arange(int(2 * high * width) + 1) / width
    histogram = np.histogram(smooth, borders)[0]
    task.say(
        f"Number of light curve samples: {len(counts)} max rate: {smooth.max() if len(smooth) else 0:.3f} bins: {len(histogram)}"
    )
    if not histogram.any():
        raise SasError("noCounts", "All histo counts are zero! Check your FOV Lightcurve!")
    peak = int(histogram.argmax())
    scale = int(values.get("rangescale", 6.0))
    first, last = max(0, peak - scale), min(len(histogram), peak + scale + 1)
    window = slice(first, last)
    task.say(f"low = {first} peak = {peak} high = {last} delta = {last - first}")
    centre, sigma = _gaussian(borders[:-1][window], histogram[window].astype("f8"), width)
    task.say(f"Gaussian: {histogram[peak]} {centre:.3f} {sigma:.3f}")
    reach = values.get("allowsigma", 2.5) * sigma
    good = (rate > 0) & (rate >= centre - reach) & (rate <= centre + reach)
    return _intervals(edges, good), _qdp(borders, histogram, (centre, sigma, reach), edges - start, rate, good)


def _gaussian(x: Any, n: Any, width: int) -> tuple[float, float]:
    """Centre and width by weighted least squares of a parabola through ln N, with bounds of common sense."""
    np = files.numpy()
    used = n > 0
    if used.sum() >= 3:
        curve = np.polyfit(x[used], np.log(n[used]), 2, w=np.sqrt(n[used]))
        if curve[0] < 0:
            sigma = float(np.sqrt(-1 / (2 * curve[0])))
            centre = float(-curve[1] / (2 * curve[0]))
            if x[0] - 1 <= centre <= x[-1] + 1:
                return centre, sigma
    mean = float(np.average(x, weights=n))
    return mean, max(float(np.sqrt(np.average((x - mean) ** 2, weights=n))), 1 / width)


def _qdp(borders: Any, histogram: Any, fit: tuple[float, float, float], time: Any, rate: Any, good: Any) -> str:
    """Rows of 14 numbers; what is absent is -1.0 with error 0.0."""
    np = files.numpy()
    centre, sigma, reach = fit
    lines = [
        "font roman",
        "cs 1.0",
        "skip sing",
        "gap errors",
        "line step 2",
        "read serr 2",
        "read serr 4",
        "read serr 5",
        "read serr 6",
        "read serr 7",
        "win 1",
        "yplot 1 2",
        "lab x Count Rate (counts/s)",
        "la y N",
        'la 1 p 0.5 0.9 "Count Rate Histogram"',
        "win 2",
        "yplot 3 4",
        "la x Time (s)",
        "log y",
    ]

    def row(x: float, **given: float) -> str:
        names = ("n", "en", "model", "fov", "efov", "ok", "eok", "cor", "ecor", "corok", "ecorok", "sel", "win")
        return " ".join(f"{v:.6g}" for v in [x, *(given.get(name, 0.0 if name.startswith("e") else -1.0) for name in names)])

    middle = (borders[:-1] + borders[1:]) / 2
    norm = float(histogram.max())
    model = norm * np.exp(-((borders[:-1] - centre) ** 2) / (2 * sigma**2))
    lines += [
        row(float(x), n=float(n), en=float(n) ** 0.5, model=float(m)) for x, n, m in zip(middle, histogram, model, strict=True)
    ]
    step = np.diff(time)
    lines += [
        row(float(t + d / 2), fov=float(r), efov=float((r * d) ** 0.5 / d)) for t, d, r in zip(time, step, rate, strict=False)
    ]
    lines += [
        row(float(t + d / 2), ok=float(r), eok=float((r * d) ** 0.5 / d))
        for t, d, r, g in zip(time, step, rate, good, strict=False)
        if g
    ]
    for name, half in (("sel", reach), ("win", 6 / 51)):
        lines += [row(centre + side * half, **{name: top}) for side in (-1, 1) for top in (0.0, norm)]
    return "\n".join(lines) + "\n"


def _ratio(task: sas.Task, fov: Any, corner: Any, start: float, stop: float) -> list[tuple[float, float]]:
    np = files.numpy()
    values = task.values
    radius = np.hypot(fov["DETX"].astype("f8"), fov["DETY"].astype("f8")) * 0.05 / 60
    _, edges, inside = _bins(values, fov["TIME"][radius > 10].astype("f8"), start, stop)
    _, _, outside = _bins(values, corner["TIME"].astype("f8"), start, stop)
    area = (14.0**2 - 10.0**2) / (16.5**2 * 4 / 3.14159265 - 14.75**2)  # annulus / corners, square arcmin over pi
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(outside > 0, inside / area / outside, np.inf)
    return _intervals(edges, ratio <= values["ratio"])
