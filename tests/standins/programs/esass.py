"""flaregti and evtool of eSASS."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from programs import files
from programs.ape_parameters import ParameterError, read

_VERSIONS = {"flaregti": "1.20", "evtool": "2.10.1"}
_FOV_PIXELS = 37126.7  # radius of the field of view, pixels of 0.05 arcsec
_PIXEL_DEG = 0.05 / 3600


class EsassError(Exception):
    """What a task says before it gives up."""


def line(task: str, text: str) -> str:
    return f"{task}: {text}"


def message(task: str, severity: str, name: str, text: str) -> str:
    return f"{task}: **{severity.upper()}** {name}: {text}"


def run(task: str, arguments: list[str], home: str) -> int:
    print(f"{task}: version {_VERSIONS[task]} (stand-in)", flush=True)
    try:
        if not os.path.isdir(os.environ.get("SASS_ROOT", "")):
            raise EsassError("SASS_ROOT is not set: eSASS has not been initialised")
        values = read(task, arguments)
        {"flaregti": _flaregti, "evtool": _evtool}[task](values)
    except (EsassError, ParameterError, OSError, files.NotFits) as error:
        print(message(task, "error", "task", str(error)), file=sys.stderr)
        print(f"{task}: FAILED")
        return 1
    print(f"{task}: DONE", flush=True)
    return 0


def _list_of(path: str) -> tuple[list[files.Hdu], int]:
    if not path:
        raise EsassError("no event file was given")
    if not os.path.isfile(path):
        raise EsassError(f"could not open the event file {path}")
    hdus = files.read(path)
    for i, hdu in enumerate(hdus):
        if hdu.name == "EVENTS":
            return hdus, i
    raise EsassError(f"{path} has no extension EVENTS")


def _good_times(hdus: list[files.Hdu], family: str) -> dict[int, list[tuple[float, float]]]:
    found = {}
    for hdu in hdus:
        match = re.fullmatch(rf"{re.escape(family)}([1-7])", hdu.name)
        if match:
            found[int(match[1])] = files.intervals(hdu)
    return found


# ---- flaregti


def _flaregti(values: dict[str, Any]) -> None:
    np = files.numpy()
    path = values["eventfile"]
    hdus, i = _list_of(path)
    if not values["gtifile"] and not os.access(path, os.W_OK):
        raise EsassError(f"could not open the event file {path} for writing")
    good = _good_times(hdus, "GTI")
    if not good:
        raise EsassError(f"{path} has no extensions GTI1 to GTI7")
    if not any(re.fullmatch(r"CORRATT[1-7]", hdu.name) for hdu in hdus):
        raise EsassError(f"{path} has no extensions CORRATT1 to CORRATT7")
    if values["pimax"] <= values["pimin"] or values["mask_pimax"] <= values["mask_pimin"]:
        raise EsassError("the upper limit of a range of energies is not above the lower one")
    rows = hdus[i].rows()
    start = min(intervals[0][0] for intervals in good.values() if intervals)
    stop = max(intervals[-1][1] for intervals in good.values() if intervals)
    edges = np.append(np.arange(start, stop, values["timebin"]), stop)
    flares = good
    for step in range(max(values["mask_iter"], 1)):
        mask = _mask(values, rows, flares)
        rate, exposed = _light_curve(values, rows, mask, good, edges)
        threshold = _threshold(values, rate, exposed, edges)
        quiet = [(float(edges[k]), float(edges[k + 1])) for k in np.flatnonzero(exposed & (rate < threshold))]
        flares = {module: files.overlap(intervals, _joined(quiet)) for module, intervals in good.items()}
        print(
            line(
                "flaregti",
                f"iteration {step + 1}: threshold {threshold:.4f} ct/s/deg2, {len(quiet)} of {int(exposed.sum())} bins",
            ),
            flush=True,
        )
    _write_flare_products(values, hdus, flares, mask, (rate, exposed, edges), threshold)


def _joined(bins: list[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for a, b in sorted(bins):
        if found and a - found[-1][1] < 1e-6:
            found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return found


def _mask(values: dict[str, Any], rows: Any, good: dict[int, list[tuple[float, float]]]) -> Any:
    """1 where an area is used, 0 where a pixel stands out of its 5 x 5 neighbours with likelihood detml."""
    np = files.numpy()
    size = values["binsize"]
    n = [max(1, (values[f"{axis}max"] - values[f"{axis}min"]) // size) for axis in "xy"]
    kept = (rows["PI"] >= values["mask_pimin"]) & (rows["PI"] <= values["mask_pimax"])
    ok = np.zeros(len(rows), bool)
    for module, intervals in good.items():
        ok |= (rows["TM_NR"] == module) & files.inside(rows["TIME"].astype("f8"), intervals)
    x, y = (((rows[name][kept & ok].astype("f8") - values[f"{name.lower()}min"]) // size).astype("i8") for name in ("X", "Y"))
    on = (x >= 0) & (y >= 0) & (x < n[0]) & (y < n[1])
    image = np.bincount(y[on] * n[0] + x[on], minlength=n[0] * n[1]).reshape(n[1], n[0]).astype("f8")
    padded = np.pad(image, 2)
    box = sum(padded[a : a + n[1], b : b + n[0]] for a in range(5) for b in range(5))
    mean = np.maximum((box - image) / 24, 0.05)
    with np.errstate(divide="ignore", invalid="ignore"):
        likelihood = np.where(image > mean, image * np.log(image / mean) - image + mean, 0.0)
    return (likelihood < values["detml"]).astype("i2")


def _light_curve(
    values: dict[str, Any], rows: Any, mask: Any, good: dict[int, list[tuple[float, float]]], edges: Any
) -> tuple[Any, Any]:
    """Rate in ct/s/deg2 of each bin, and which bins are exposed at all."""
    np = files.numpy()
    size = values["binsize"]
    use = (rows["PI"] >= values["pimin"]) & (rows["PI"] <= values["pimax"])
    use &= np.hypot(rows["X"].astype("f8"), rows["Y"].astype("f8")) <= _FOV_PIXELS
    column = np.clip((rows["X"].astype("f8") - values["xmin"]) // size, 0, mask.shape[1] - 1).astype("i8")
    line_ = np.clip((rows["Y"].astype("f8") - values["ymin"]) // size, 0, mask.shape[0] - 1).astype("i8")
    use &= mask[line_, column] > 0
    counts = np.histogram(rows["TIME"][use].astype("f8"), edges)[0]
    time = np.zeros(len(counts))
    for intervals in good.values():
        for a, b in intervals:
            time += np.clip(np.minimum(edges[1:], b) - np.maximum(edges[:-1], a), 0, None)
    centre = [(values[f"{axis}min"] + size * (np.arange(n) + 0.5)) for axis, n in (("x", mask.shape[1]), ("y", mask.shape[0]))]
    in_field = np.hypot(centre[0][None, :], centre[1][:, None]) <= _FOV_PIXELS
    area = max(float((mask * in_field).sum()) * (size * _PIXEL_DEG) ** 2, 1e-6)
    exposed = time > 0
    # rates are those of all modules together: the mean time of one of them counts
    rate = np.zeros(len(counts))
    rate[exposed] = counts[exposed] / (time[exposed] / len(good) * area)
    return rate, exposed


def _threshold(values: dict[str, Any], rate: Any, exposed: Any, edges: Any) -> float:
    """Fixed, or the one that makes the faintest detectable source faintest (Poisson counts in a circle of source_size)."""
    np = files.numpy()
    if values["threshold"] > 0:
        return float(values["threshold"])
    area = np.pi * (values["source_size"] / 2 / 3600) ** 2
    step = np.diff(edges)
    best, chosen = np.inf, float(rate[exposed].max()) * 1.001 if exposed.any() else 1.0
    for trial in np.quantile(rate[exposed], np.linspace(0.2, 1.0, 41)) * 1.0001 if exposed.any() else []:
        used = exposed & (rate < trial)
        seconds = float(step[used].sum())
        if seconds <= 0:
            continue
        background = float((rate[used] * step[used]).sum()) * area
        flux = (values["source_like"] + (2 * values["source_like"] * max(background, 1e-9)) ** 0.5) / seconds
        if flux < best:
            best, chosen = flux, float(trial)
    if values["max_threshold"] > 0:
        chosen = min(chosen, float(values["max_threshold"]))
    return chosen


def _write_flare_products(
    values: dict[str, Any], hdus: list[files.Hdu], flares: Any, mask: Any, curve: Any, threshold: float
) -> None:
    np = files.numpy()
    rate, exposed, edges = curve
    made = [files.intervals_hdu(f"FLAREGTI{module}", intervals) for module, intervals in sorted(flares.items())]
    if values["gtifile"]:
        files.write(values["gtifile"], [files.primary(), *made])
    else:
        files.write(values["eventfile"], [hdu for hdu in hdus if not re.fullmatch(r"FLAREGTI[1-7]", hdu.name)] + made)
    cards = files.identity(hdus[0])
    if values["write_mask"]:
        files.write(values["mask"], [files.image_hdu(mask, cards, bitpix=16)])
    if values["write_lightcurve"]:
        n = len(rate)
        data: Any = np.zeros(n, np.dtype([("TIME", ">f8"), ("TIMEDEL", ">f4"), ("RATE", ">f4"), ("FRACEXP", ">f4")]))
        data["TIME"], data["TIMEDEL"], data["RATE"], data["FRACEXP"] = (edges[:-1] + edges[1:]) / 2, np.diff(edges), rate, exposed
        columns = [("TIME", "D", "s"), ("TIMEDEL", "E", "s"), ("RATE", "E", "count/s/deg**2"), ("FRACEXP", "E", "")]
        files.write(values["lightcurve"], [files.primary(), files.table_hdu("LIGHTCURVE", columns, data.tobytes(), n, cards)])
    if values["write_thresholdimg"]:
        grid = np.full((values["gridsize"], values["gridsize"]), threshold)
        files.write(values["thresholdimg"], [files.image_hdu(grid, cards)])


# ---- evtool


def _evtool(values: dict[str, Any]) -> None:
    names = _event_files(values["eventfiles"])
    if not values["outfile"]:
        raise EsassError("no output file was given")
    if os.path.exists(values["outfile"]) and not values["clobber"]:
        raise EsassError(f"the output file {values['outfile']} exists already (clobber=no)")
    lists = [_list_of(name) for name in names]
    hdus, i = lists[0]
    rows = files.numpy().concatenate([each[k].rows().astype(hdus[i].rows().dtype) for each, k in lists])
    modules = _modules(values["telid"])
    kept, times = _chosen(values, hdus, rows, modules)
    rows = rows[kept]
    print(line("evtool", f"{len(rows)} events selected"), flush=True)
    out = []
    for hdu in hdus:
        match = re.fullmatch(r"([A-Z]+)([1-7])", hdu.name)
        if hdu is hdus[i]:
            if values["events"]:
                out.append(hdu.with_rows(rows))
        elif match and int(match[2]) not in modules:
            continue
        elif match and match[1] == "GTI" and times is not None:
            out.append(files.intervals_hdu(hdu.name, times.get(int(match[2]), []), files.identity(hdu)))
        else:
            out.append(hdu.copy())
    if values["image"]:
        out = _with_image(values, out, hdus, i, rows)
    files.write(values["outfile"], out)


def _event_files(text: str) -> list[str]:
    """Names separated by blanks, or a file that lists them."""
    if text.startswith("@"):
        try:
            with open(text[1:], encoding="utf-8") as file:
                return file.read().split()
        except OSError:
            raise EsassError(f"could not open the list of files {text[1:]}") from None
    if not text.split():
        raise EsassError("no event file was given")
    return text.split()


def _modules(text: str) -> set[int]:
    words = text.replace(",", " ").split()
    if not words or any(word not in "1234567" or len(word) != 1 for word in words):
        raise EsassError(f"telid: « {text} » is no list of telescope modules (1 to 7)")
    return {int(word) for word in words}


def _bounds(values: dict[str, Any]) -> list[tuple[float, float]]:
    try:
        low = [float(word) for word in values["emin"].split()]
        high = [float(word) for word in values["emax"].split()]
    except ValueError:
        raise EsassError("emin and emax must be numbers (keV)") from None
    if len(low) != len(high):
        raise EsassError("emin and emax must have the same number of values")
    if any(b <= a for a, b in zip(low, high, strict=True)):
        raise EsassError("emax must be greater than emin")
    return list(zip(low, high, strict=True))


def _chosen(values: dict[str, Any], hdus: list[files.Hdu], rows: Any, modules: set[int]) -> tuple[Any, Any]:
    """Which rows are kept, and the good time of each module if it was asked for."""
    np = files.numpy()
    kept = np.isin(rows["TM_NR"], sorted(modules))
    kept &= ((1 << (rows["PAT_TYP"].astype("i8") - 1)) & values["pattern"]) != 0
    if bounds := _bounds(values):
        kept &= np.any([(rows["PI"] >= a * 1000) & (rows["PI"] <= b * 1000) for a, b in bounds], axis=0)
    if values["flag"]:
        try:
            mask = int(values["flag"], 0)
        except ValueError:
            raise EsassError(f"flag: « {values['flag']} » is no hexadecimal number") from None
        bad = (rows["FLAG"].astype("i8") & 0xFFFFFFFF & mask) != 0
        kept &= bad if values["flag_invert"] else ~bad
    if values["region"]:
        raise EsassError("this stand-in knows no regions")
    if not values["gti"]:
        return kept, None
    times = _good_times(hdus, values["gti"])
    if not times and os.path.isfile(values["gti"]):
        given = files.read(values["gti"])
        times = _good_times(given, "FLAREGTI") or _good_times(given, "GTI")
    if not times:
        raise EsassError(f"there are no extensions {values['gti']}1 to {values['gti']}7")
    inside = np.zeros(len(rows), bool)
    for module, intervals in times.items():
        inside |= (rows["TM_NR"] == module) & files.inside(rows["TIME"].astype("f8"), intervals)
    return kept & inside, times


def _with_image(values: dict[str, Any], out: list[files.Hdu], hdus: list[files.Hdu], i: int, rows: Any) -> list[files.Hdu]:
    np, card = files.numpy(), files.card
    words = values["size"].split()
    size = [int(word) for word in words] if words and words[0] != "auto" else [2 * 54000 // values["rebin"]]
    size = size * 2 if len(size) == 1 else size
    half = [n * values["rebin"] / 2 for n in size]
    place = [((rows[name].astype("f8") + h) // values["rebin"]).astype("i8") for name, h in zip(("X", "Y"), half, strict=True)]
    on = (place[0] >= 0) & (place[1] >= 0) & (place[0] < size[0]) & (place[1] < size[1])
    image = np.bincount(place[1][on] * size[0] + place[0][on], minlength=size[0] * size[1]).reshape(size[1], size[0])
    cards = files.identity(hdus[0])
    for k, name in enumerate(("X", "Y"), 1):
        n = hdus[i].number(name)
        step = float(hdus[i].get(f"TCDLT{n}", _PIXEL_DEG))
        cards += [
            card(f"CTYPE{k}", str(hdus[i].get(f"TCTYP{n}", ""))),
            card(f"CRPIX{k}", size[k - 1] / 2 + 0.5),
            card(f"CRVAL{k}", float(hdus[i].get(f"TCRVL{n}", 0.0))),
            card(f"CDELT{k}", step * values["rebin"]),
        ]
    return [files.image_hdu(image, cards, bitpix=32), *out[1:]]
