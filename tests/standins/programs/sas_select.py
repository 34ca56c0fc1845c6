"""evselect and merge."""

from __future__ import annotations

import os
import re
from typing import Any

from programs import files, sas
from programs.expression import Selection
from programs.sas_parameters import SasError

_REAL = {"Int8": 8, "Int16": 16, "Int32": 32, "Real32": -32, "Real64": -64}


def selected(hdus: list[files.Hdu], i: int, text: str) -> tuple[Any, Selection]:
    """The rows of table `i` that an expression keeps."""
    selection = Selection(text)
    rows = hdus[i].rows()
    return rows[selection.mask(hdus[i], rows)], selection


def evselect(task: sas.Task) -> None:
    values = task.values
    for name in ("withspectrumset", "withhistogramset"):
        if values[name]:
            raise SasError("NotImplemented", f"This stand-in makes lists, images and rates only (not {name})")
    hdus, i = task.events(values["table"])
    rows, selection = selected(hdus, i, values["expression"])
    task.say(f"selected {len(rows)} rows from the input table.")
    if not len(rows):
        task.warn("NoFilteredEvents", "No events have been selected by the expression.")
    if values["withimageset"]:
        _image(task, hdus, hdus[i], rows)
    if values["withrateset"]:
        _rates(task, hdus[i], rows)
    if not values["keepfilteroutput"]:
        return
    out = [hdu.copy() for hdu in hdus]
    out[i] = hdus[i].with_rows(rows)
    out[i].set("SLCTEXPR", values["expression"][:66])
    if values["writedss"] and selection.gtis:
        write_subspace(out, i, selection.gtis)
    elif values["updateexposure"]:
        task.warn(
            "ExpNoDss",
            "Exposure update requested without writing of the data subspace. Exposure information is likely to be incorrect.",
        )
    path = values["filteredset"].partition(":")[0] if values["withfilteredset"] else values["table"].partition(":")[0]
    files.write(path, out)


def ccd_times(hdus: list[files.Hdu], i: int) -> dict[int, list[tuple[float, float]]]:
    """Good time by CCD: all TIME terms of the data subspace that are tables, else STDGTInn."""
    events = hdus[i]
    types = {int(m[1]): str(events.get(m[0])) for m in (re.match(r"DSTYP(\d+)", line) for line in events.cards) if m}
    ccd_term = next((n for n, kind in types.items() if kind == "CCDNR"), None)
    terms = [n for n, kind in types.items() if kind == "TIME" and events.get(f"DSVAL{n}") == "TABLE"]
    found: dict[int, list[tuple[float, float]]] = {}
    for component in range(1, 40):
        start = str(component) if component > 1 else ""
        ccd = events.get(f"{start}DSVAL{ccd_term}") if ccd_term else None
        if ccd is None or not str(ccd).isdigit():
            break
        good = [(0.0, 1e12)]
        for n in terms:
            reference = str(events.get(f"{start}DSREF{n}") or events.get(f"DSREF{n}")).lstrip(":")
            table = files.find(hdus, reference)
            if table is not None:
                good = files.overlap(good, files.intervals(table))
        found[int(ccd)] = good
    if not found:
        found = {int(h.name[6:]): files.intervals(h) for h in hdus if re.fullmatch(r"STDGTI\d\d", h.name)}
    return found


def write_subspace(hdus: list[files.Hdu], i: int, gtis: list[list[tuple[float, float]]]) -> None:
    """Add the good time to the data subspace: one table GTIcccnn per CCD, and ONTIMEnn, LIVETInn, EXPOSURE of it."""
    events = hdus[i]
    times = ccd_times(hdus, i)
    n = 1 + max((int(m[1]) for m in (re.match(r"DSTYP(\d+)", line) for line in events.cards) if m), default=0)
    events.cards += [files.card(f"DSTYP{n}", "TIME"), files.card(f"DSUNI{n}", "s"), files.card(f"DSVAL{n}", "TABLE")]
    central = 4 if str(events.get("INSTRUME", hdus[0].get("INSTRUME", ""))) == "EPN" else 1
    for component, (ccd, good) in enumerate(sorted(times.items()), 1):
        for gti in gtis:
            good = files.overlap(good, gti)
        name = f"GTI{component - 1:03d}{n:02d}"
        events.cards.append(files.card(f"{component if component > 1 else ''}DSREF{n}", f":{name}"))
        before = float(events.get(f"ONTIME{ccd:02d}", 0.0))
        seconds = float(sum(stop - start for start, stop in good))
        live = float(events.get(f"LIVETI{ccd:02d}", before)) / before if before else 1.0
        events.set(f"ONTIME{ccd:02d}", seconds)
        events.set(f"LIVETI{ccd:02d}", seconds * live)
        if ccd == central:
            for keyword, factor in (("ONTIME", 1.0), ("LIVETIME", live), ("EXPOSURE", live)):
                events.set(keyword, seconds * factor)
        hdus.append(files.intervals_hdu(name, good))


def _axis(values: Any, table: files.Hdu, rows: Any, letter: str) -> tuple[int, float, float, int]:
    """First value, bin size, number of pixels and column number of an axis of an image."""
    column = values[f"{letter}column"]
    number = table.number(column)
    if not number:
        raise SasError("columnNotFound", f"Column `{column}' not found in the table")
    low, high = float(table.get(f"TLMIN{number}", 0)), float(table.get(f"TLMAX{number}", 0))
    if values[f"with{letter}ranges"]:
        low, high = values[f"{letter}imagemin"], values[f"{letter}imagemax"]
    elif high <= low and len(rows):
        low, high = float(rows[column].min()), float(rows[column].max())
    if high <= low:
        raise SasError("XRangeVal" if letter == "x" else "YRangeVal", f"Wrong range of the {letter} axis: {low} to {high}")
    if values["imagebinning"] == "binSize":
        size = values[f"{letter}imagebinsize"]
        if size <= 0:
            raise SasError("ImgBinVal", f"Bin size of the {letter} axis is not positive")
        count = int((high - low) / size) + 1
    else:
        count = values[f"{letter}imagesize"]
        size = (high - low + 1) / count
    return int(low), size, count, number


def _image(task: sas.Task, hdus: list[files.Hdu], table: files.Hdu, rows: Any) -> None:
    np, card = files.numpy(), files.card
    values = task.values
    axes = [_axis(values, table, rows, letter) for letter in "xy"]
    place = []
    for letter, (low, size, _, _) in zip("xy", axes, strict=True):
        names = {name.upper(): name for name in table.columns}
        data = rows[names[values[f"{letter}column"].upper()]].astype("f8")
        place.append(np.floor((data - (low - 0.5)) / size).astype("i8"))
    on = (place[0] >= 0) & (place[0] < axes[0][2]) & (place[1] >= 0) & (place[1] < axes[1][2])
    counts = np.bincount(place[1][on] * axes[0][2] + place[0][on], minlength=axes[0][2] * axes[1][2])
    cards = files.identity(hdus[0]) + [line for line in files.identity(table) if line[:8] in ("EXPOSURE", "ONTIME  ", "LIVETIME")]
    for k, (low, size, _, n) in enumerate(axes, 1):
        centre = low - 0.5 + size / 2
        kind = str(table.get(f"TCTYP{n}", "")) or str(table.get(f"TTYPE{n}"))
        reference, step = float(table.get(f"TCRPX{n}", 0.0)), float(table.get(f"TCDLT{n}", 1.0))
        cards += [
            card(f"CTYPE{k}", kind),
            card(f"CRPIX{k}", (reference - centre) / size + 1),
            card(f"CUNIT{k}", str(table.get(f"TCUNI{n}", "deg"))),
            card(f"CRVAL{k}", float(table.get(f"TCRVL{n}", 0.0))),
            card(f"CDELT{k}", step * size),
            card(f"CTYPE{k}L", str(table.get(f"TTYPE{n}"))),
            card(f"CRPIX{k}L", 1.0),
            card(f"CRVAL{k}L", centre),
            card(f"CDELT{k}L", float(size)),
            card(f"LTV{k}", 1 - centre / size),
            card(f"LTM{k}_{k}", 1 / size),
        ]
    seen: set[str] = set()
    cards = [line for line in cards if not (line[:8] in seen or seen.add(line[:8]))]  # type: ignore[func-returns-value]
    bitpix = _REAL[values["imagedatatype"]] if values["withimagedatatype"] else -64
    image = files.image_hdu(counts.reshape(axes[1][2], axes[0][2]), cards, bitpix=bitpix)
    files.write(values["imageset"], [image, *(hdu.copy() for hdu in hdus if re.match(r"(STD)?GTI\d", hdu.name))])


def _rates(task: sas.Task, table: files.Hdu, rows: Any) -> None:
    np = files.numpy()
    values = task.values
    times = rows[values["timecolumn"]].astype("f8")
    low, high = (
        (values["timemin"], values["timemax"])
        if values["withtimeranges"]
        else (float(table.get("TSTART", 0)), float(table.get("TSTOP", 1)))
    )
    n = max(1, int(np.ceil((high - low) / values["timebinsize"])))
    edges = low + values["timebinsize"] * np.arange(n + 1)
    counts = np.histogram(times, edges)[0]
    data: Any = np.zeros(n, np.dtype([("TIME", ">f8"), ("RATE", ">f4"), ("ERROR", ">f4")]))
    data["TIME"] = (edges[:-1] + edges[1:]) / 2
    data["RATE"], data["ERROR"] = counts / values["timebinsize"], np.sqrt(counts) / values["timebinsize"]
    cards = [
        *files.identity(table),
        files.card("TIMEDEL", float(values["timebinsize"])),
        files.card("HDUCLASS", "OGIP"),
        files.card("HDUCLAS1", "LIGHTCURVE"),
    ]
    columns = [("TIME", "D", "s"), ("RATE", "E", "count/s"), ("ERROR", "E", "count/s")]
    files.write(values["rateset"], [files.primary(), files.table_hdu("RATE", columns, data.tobytes(), n, cards)])


def merge(task: sas.Task) -> None:
    """Two event lists (or attitude series) one after the other; sky coordinates at the mean pointing."""
    values = task.values
    paths = [values["set1"].partition(":")[0], values["set2"].partition(":")[0]]
    sets = [task.open(path) for path in paths]
    if os.path.abspath(values["outset"]) in map(os.path.abspath, paths):
        raise SasError("clobberFailed", f"The output `{values['outset']}' is one of the input files")
    name = next((block for block in ("EVENTS", "ATTHK", "ORBIT") if all(files.find(hdus, block) for hdus in sets)), None)
    if name is None:
        raise SasError("filesNonCompatible", f"The files {paths[0]} and {paths[1]} are not of the same kind")
    tables = [next(hdu for hdu in hdus if hdu.name == name) for hdus in sets]
    if name == "EVENTS":
        _compare(task, sets, tables)
    rows = _common_rows(task, sets, tables, values)
    order = (
        0 if float(rows[0]["TIME"].min() if len(rows[0]) else 0) <= float(rows[1]["TIME"].min() if len(rows[1]) else 9e99) else 1
    )
    if order:
        task.warn("fileTimeOverlap", "The observations are not in order of time; later tasks may meet unsorted data")
    np = files.numpy()
    joined = _same_columns(tables[0], rows[0].dtype.names).with_rows(np.concatenate(rows))
    out = [sets[0][0].copy()]
    for hdu in sets[0][1:]:
        other = files.find(sets[1], hdu.name)
        if hdu is tables[0]:
            out.append(joined)
        elif other is not None and re.match(r"EXPOSU\d|STDGTI\d|GTI\d", hdu.name) and hdu.columns == other.columns:
            both = np.concatenate([hdu.rows(), other.rows()])
            out.append(hdu.with_rows(both[np.argsort(both[hdu.columns[0]], kind="stable")]))
        else:
            out.append(hdu.copy())
    _times(joined, tables)
    files.write(values["outset"], out)


def _compare(task: sas.Task, sets: list[list[files.Hdu]], tables: list[files.Hdu]) -> None:
    def both(keyword: str) -> tuple[Any, Any]:
        first, second = (hdu.get(keyword, hdus[0].get(keyword)) for hdu, hdus in zip(tables, sets, strict=True))
        return first, second

    one, two = both("OBS_ID")
    if one != two and not task.values["mergedifferentobs"]:
        raise SasError(
            "differentObservations", f"The files are of different observations ({one}, {two}); use mergedifferentobs=yes"
        )
    for keyword in ("INSTRUME", "FILTER"):
        one, two = both(keyword)
        if one != two:
            task.warn("filesNonCompatible", f"The keywords {keyword} of the files differ: {one}, {two}")


def _common_rows(task: sas.Task, sets: list[list[files.Hdu]], tables: list[files.Hdu], values: Any) -> list[Any]:
    np = files.numpy()
    rows = [table.rows() for table in tables]
    names = [name for name in rows[0].dtype.names if name in rows[1].dtype.names]
    if len(names) < max(len(r.dtype.names) for r in rows):
        task.warn("noColumn", "Columns that are in one of the files only are dropped")
    from numpy.lib import recfunctions

    rows = [recfunctions.repack_fields(r[names]) for r in rows]
    rows[1] = rows[1].astype(rows[0].dtype)
    if "X" not in names:
        return rows
    centres = []
    for table in tables:
        x, y = table.number("X"), table.number("Y")
        centres.append(
            (
                float(table.get(f"TCRVL{x}", 0)),
                float(table.get(f"TCRVL{y}", 0)),
                float(table.get(f"TCDLT{x}", 1)),
                float(table.get(f"TCDLT{y}", 1)),
            )
        )
    target = (
        (values["ra"], values["dec"])
        if values["withradec"]
        else ((centres[0][0] + centres[1][0]) / 2, (centres[0][1] + centres[1][1]) / 2)
    )
    for r, (ra, dec, step_x, step_y) in zip(rows, centres, strict=True):
        known = r["X"] > 0
        r["X"][known] += round(float((ra - target[0]) * np.cos(np.radians(dec)) / step_x))
        r["Y"][known] += round((dec - target[1]) / step_y)
    for name, value in (("X", target[0]), ("Y", target[1])):
        tables[0].set(f"TCRVL{tables[0].number(name)}", float(value))
    return rows


def _same_columns(table: files.Hdu, names: Any) -> files.Hdu:
    if list(names) == table.columns:
        return table
    rows = table.rows()
    columns = [
        (name, str(table.get(f"TFORM{table.number(name)}")), str(table.get(f"TUNIT{table.number(name)}", ""))) for name in names
    ]
    new = files.table_hdu(table.name, columns, b"", 0, files.identity(table))
    for k, name in enumerate(names, 1):
        old = table.number(name)
        for line in table.cards:
            match = re.match(rf"(T(?:CTYP|CRPX|CRVL|CDLT|CUNI|LMIN|LMAX|NULL)){old} ", line)
            if match:
                new.cards.append(f"{match[1] + str(k):<8}{line[8:]}")
    return new.with_rows(rows[:0][list(names)])


def _times(joined: files.Hdu, tables: list[files.Hdu]) -> None:
    for keyword in {line[:8].rstrip() for line in joined.cards if re.match(r"(ONTIME|LIVETI|EXPOSURE)", line)}:
        joined.set(keyword, float(sum(float(table.get(keyword, 0.0)) for table in tables)))
    joined.set("TSTART", min(float(table.get("TSTART", 0.0)) for table in tables))
    joined.set("TSTOP", max(float(table.get("TSTOP", 0.0)) for table in tables))
