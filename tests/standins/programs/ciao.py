"""The tools of CIAO: what they have in common, and the small ones (ciaover, punlearn, dmcopy, dmextract)."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from programs import files
from programs.ape_parameters import ParameterError, read
from programs.virtual_file import VirtualFile, VirtualFileError

_release = ["4.17.0"]


class CiaoError(Exception):
    """What a tool says before it gives up."""


def line(task: str, text: str) -> str:
    return f"{task}: {text}"


def message(task: str, severity: str, name: str, text: str) -> str:
    return f"# {task} (CIAO {_release[0]}): {severity.upper()}: {name}: {text}"


def run(task: str, arguments: list[str], home: str) -> int:
    with open(os.path.join(home, "ciao", "VERSION"), encoding="utf-8") as file:
        _release[0], caldb = file.read().split("\n")[:2]
    if not os.path.isdir(os.environ.get("ASCDS_INSTALL", "")):
        print(f"{task}: CIAO has not been started (ASCDS_INSTALL is not set)", file=sys.stderr)
        return 1
    if task == "ciaover":
        return _ciaover(arguments, caldb)
    if task == "punlearn":
        return _punlearn(arguments)
    from programs.chandra_repro import chandra_repro
    from programs.ciao_flares import deflare
    from programs.fluximage import fluximage

    work = {
        "dmcopy": _dmcopy,
        "dmextract": _dmextract,
        "deflare": deflare,
        "chandra_repro": chandra_repro,
        "fluximage": fluximage,
    }
    try:
        values = read(task, arguments)
        if task in ("chandra_repro", "deflare", "fluximage"):
            print(f"\nRunning {task}\nversion: stand-in\n", flush=True)
        work[task](values)
    except (CiaoError, ParameterError, VirtualFileError, files.NotFits, OSError) as error:
        sys.stdout.flush()
        print(f"# {task} (CIAO {_release[0]}): ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def _ciaover(arguments: list[str], caldb: str) -> int:
    install = os.environ["ASCDS_INSTALL"]
    if arguments and arguments != ["-v"]:
        print("Usage: ciaover [-v]", file=sys.stderr)
        return 1
    print("The current environment is configured for:")
    print(f"CIAO        : CIAO {_release[0]} Monday, December  2, 2024")
    if arguments:
        print("Contrib     : Package release 2  Wednesday, January 22, 2025")
        print(f"bindir      : {install}/bin")
        print("Python path : CIAO")
        print(f"CALDB       : {caldb or 'not installed.'}")
    return 0


def _punlearn(arguments: list[str]) -> int:
    """Forget what was learnt of some tools: the files in the first folder of PFILES are removed."""
    if not arguments:
        print("usage: punlearn tool [tool ...]", file=sys.stderr)
        return 1
    own = os.environ.get("PFILES", "").partition(";")[0].split(":")[0]
    for tool in arguments:
        path = os.path.join(own, f"{tool}.par")
        if own and os.path.isfile(path):
            os.remove(path)
    return 0


def check_output(path: str, values: dict[str, Any]) -> None:
    if not path:
        raise CiaoError("no output file was given")
    if os.path.exists(path) and not values["clobber"]:
        raise CiaoError(f"could not create {path}: it exists already and clobber=no")


def set_exposure(table: files.Hdu, seconds: float) -> None:
    """ONTIME, LIVETIME, EXPOSURE of a list whose good time changed."""
    factor = float(table.get("DTCOR", 1.0))
    table.set("ONTIME", seconds)
    table.set("LIVETIME", seconds * factor)
    table.set("EXPOSURE", seconds * factor)


def _dmcopy(values: dict[str, Any]) -> None:
    source = VirtualFile(values["infile"])
    check_output(values["outfile"], values)
    if source.binning:
        raise CiaoError("this stand-in copies tables only, it makes no images")
    table = source.table.with_rows(source.rows)
    table.drop(r"HISTORY")
    out = [source.hdus[0].copy(), table]
    for hdu in source.hdus[1:]:
        if hdu.name != "GTI":
            if values["option"].lower() == "all" and hdu is not source.table:
                out.append(hdu.copy())
            continue
        good = files.intervals(hdu)
        for more in source.good:
            good = files.overlap(good, more)
        out.append(_other_intervals(hdu, good))
    if source.good and len(out) > 2:
        times = [files.intervals(hdu) for hdu in out[2:] if hdu.name == "GTI"]
        set_exposure(table, sum(b - a for intervals in times for a, b in intervals) / max(len(times), 1))
    table.cards += [files.card("HISTORY", f"dmcopy [{text}]") for text in source.subspace]
    if int(values["verbose"] or 0) >= 1:
        print(f"dmcopy: {len(source.rows)} rows of {source.table.name} written to {values['outfile']}")
    files.write(values["outfile"], out)


def _other_intervals(hdu: files.Hdu, good: list[tuple[float, float]]) -> files.Hdu:
    rows = hdu.rows()
    np = files.numpy()
    new = np.zeros(len(good), rows.dtype)
    names = {name.upper(): name for name in rows.dtype.names}
    for k, (a, b) in enumerate(good):
        new[names["START"]][k], new[names["STOP"]][k] = a, b
    return hdu.with_rows(new)


def _dmextract(values: dict[str, Any]) -> None:
    """A light curve (`[bin time=::200]`, opt=ltc1)."""
    np = files.numpy()
    source = VirtualFile(values["infile"])
    check_output(values["outfile"], values)
    if values["opt"].lower() != "ltc1":
        raise CiaoError("this stand-in makes light curves only (opt=ltc1)")
    match = re.fullmatch(r"(?i)time=([^:]*):([^:]*):([^:]+)", source.binning)
    if match is None:
        raise CiaoError(f"no binning of time in {values['infile']}")
    try:
        start, stop = (
            float(text) if text.strip() else float(source.table.get(key))
            for text, key in zip(match.groups()[:2], ("TSTART", "TSTOP"), strict=True)
        )
        width = float(match[3])
    except (TypeError, ValueError):
        raise CiaoError(f"bad binning {source.binning}") from None
    if width <= 0 or stop <= start:
        raise CiaoError(f"bad binning {source.binning}")
    n = int(np.ceil((stop - start) / width))
    edges = start + width * np.arange(n + 1)
    counts = np.histogram(source.column("time").astype("f8"), edges)[0]
    times = [files.intervals(hdu) for hdu in source.hdus if hdu.name == "GTI"] or [[(start, stop)]]
    live = np.zeros(n)
    for intervals in times:
        for a, b in intervals:
            live += np.clip(np.minimum(edges[1:], b) - np.maximum(edges[:-1], a), 0, None)
    exposure = live / len(times) * float(source.table.get("DTCOR", 1.0))
    _write_curve(values["outfile"], source, edges, counts, exposure)


def _write_curve(path: str, source: VirtualFile, edges: Any, counts: Any, exposure: Any) -> None:
    np = files.numpy()
    columns = [
        ("TIME_BIN", "J", "channel"),
        ("TIME_MIN", "D", "s"),
        ("TIME", "D", "s"),
        ("TIME_MAX", "D", "s"),
        ("COUNTS", "J", "count"),
        ("STAT_ERR", "D", "count"),
        ("EXPOSURE", "D", "s"),
        ("COUNT_RATE", "D", "count/s"),
        ("COUNT_RATE_ERR", "D", "count/s"),
    ]
    rows: Any = np.zeros(len(counts), np.dtype([(name, {"J": ">i4", "D": ">f8"}[form]) for name, form, _ in columns]))
    safe = np.where(exposure > 0, exposure, 1.0)
    rows["TIME_BIN"], rows["TIME_MIN"], rows["TIME_MAX"] = np.arange(1, len(counts) + 1), edges[:-1], edges[1:]
    rows["TIME"], rows["COUNTS"], rows["STAT_ERR"], rows["EXPOSURE"] = (
        (edges[:-1] + edges[1:]) / 2,
        counts,
        np.sqrt(counts),
        exposure,
    )
    rows["COUNT_RATE"] = np.where(exposure > 0, counts / safe, 0.0)
    rows["COUNT_RATE_ERR"] = np.where(exposure > 0, np.sqrt(counts) / safe, 0.0)
    cards = [
        *files.identity(source.table),
        files.card("TIMEDEL", float(edges[1] - edges[0])),
        files.card("HDUCLASS", "OGIP"),
        files.card("HDUCLAS1", "LIGHTCURVE"),
    ]
    seen: set[str] = set()
    cards = [text for text in cards if not (text[:8] in seen or seen.add(text[:8]))]  # type: ignore[func-returns-value]
    table = files.table_hdu("LIGHTCURVE", columns, rows.tobytes(), len(rows), cards)
    files.write(path, [files.primary(), table, *(hdu.copy() for hdu in source.hdus if hdu.name == "GTI")])
