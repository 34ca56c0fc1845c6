"""The tasks of HEASoft: nupipeline and nuexpomap of NuSTARDAS, ftcopy, and programs that say versions."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Any

from programs import files
from programs.ape_parameters import ParameterError, read
from programs.expression import Selection
from programs.sas_parameters import SasError

_NAMES = {"nupipeline": "nupipeline_0.4.9", "nuexpomap": "nuexpomap_1.0.1", "ftcopy": "ftcopy"}


class HeasoftError(Exception):
    """What a task says before it gives up."""


def line(task: str, text: str) -> str:
    return f"{_NAMES.get(task, task)}: {text}"


def message(task: str, severity: str, name: str, text: str) -> str:
    return f"{_NAMES.get(task, task)}: {severity.capitalize()}: {name}: {text}"


def run(task: str, arguments: list[str], home: str) -> int:
    root = os.environ.get("HEADAS", "")
    here = os.path.join(home, "heasoft", "x86_64-pc-linux-gnu-libc2.31")
    with open(os.path.join(here, "VERSION"), encoding="utf-8") as file:
        release, nustardas = file.read().split("\n")[:2]
    if task in ("nuversion", "lcurve", "fversion", "ftversion"):
        return _say_version(task, arguments, release, nustardas)
    try:
        if not os.path.isdir(root):
            raise HeasoftError("HEADAS is not set: HEASoft has not been initialised")
        if not os.environ.get("PFILES"):
            raise HeasoftError("PFILES environment variable is not set")
        values = read(task, arguments)
        if task != "ftcopy":
            _check_calibration()
        {"ftcopy": _ftcopy, "nupipeline": _nupipeline, "nuexpomap": _nuexpomap}[task](values)
    except ParameterError as error:
        print(f"{error.text}\nTask {_NAMES[task]} terminating with status {error.status}", file=sys.stderr)
        return 1
    except (HeasoftError, SasError, OSError, files.NotFits) as error:
        sys.stdout.flush()
        print(f"{_NAMES[task]}: Error: {error}", file=sys.stderr)
        if task == "nupipeline":
            print(f"\n{_rule()}\n{_NAMES[task]}: ERROR: Pipeline exit with error - {time.ctime()}\n{_rule()}", flush=True)
        return 1
    return 0


def _rule() -> str:
    return "=" * 93


def _say_version(task: str, arguments: list[str], release: str, nustardas: str) -> int:
    if task == "nuversion":
        print(nustardas)
    elif task == "lcurve":
        if arguments not in (["--version"], ["-v"]):
            print("lcurve: this stand-in only tells its version", file=sys.stderr)
            return 1
        print("lcurve Version 1.0 of XRONOS 6.0")
    else:
        print(f"24Mar25_V{release}")
    return 0


def _check_calibration() -> None:
    caldb = os.environ.get("CALDB", "")
    if not caldb:
        raise HeasoftError("CALDB environment variable is not set")
    for name in ("CALDBCONFIG", "CALDBALIAS"):
        if not os.path.isfile(os.environ.get(name, "")):
            raise HeasoftError(f"{name} environment variable is not set, or there is no such file")
    index = os.path.join(caldb, "data", "nustar", "fpm", "caldb.indx")
    if not caldb.startswith(("http://", "https://", "ftp://")) and not os.path.isfile(index):
        raise HeasoftError(f"the NuSTAR CALDB is not installed: {index} not found")


def check_output(path: str, values: dict[str, Any], what: str = "file") -> None:
    if not path:
        raise HeasoftError("no output file was given")
    if os.path.exists(path) and not values["clobber"]:
        raise HeasoftError(f"{what} '{path}' exists. Use clobber=yes to overwrite.")


# ---- ftcopy: the names of CFITSIO


def _ftcopy(values: dict[str, Any]) -> None:
    """`file[EVENTS][PI>=35&&PI<=1909][bin X=::4,Y=::4]`: rows that fulfil a condition, or an image of them."""
    name = values["infile"]
    match = re.fullmatch(r"(?P<path>[^\[\]]+)(?P<groups>(\[[^\[\]]*\])*)", name)
    if match is None or not match["path"]:
        raise HeasoftError(f"could not open '{name}'")
    if not os.path.isfile(match["path"]):
        raise HeasoftError(f"could not open the named file: {match['path']}")
    check_output(values["outfile"], values)
    hdus = files.read(match["path"])
    groups = re.findall(r"\[([^\[\]]*)\]", match["groups"])
    place = 1 if len(hdus) > 1 else 0
    if groups and re.fullmatch(r"[\w-]+", groups[0]):
        wanted = groups.pop(0)
        place = next((k for k, hdu in enumerate(hdus) if hdu.name.upper() == wanted.upper() or wanted == str(k)), -1)
        if place < 0:
            raise HeasoftError(f"could not find the extension {wanted} in {match['path']}")
    table, binning = hdus[place], ""
    for group in groups:
        if group.lower().startswith("bin "):
            binning = group[4:]
            continue
        rows = table.rows()
        table = table.with_rows(rows[Selection(group).mask(table, rows)])
    if binning:
        hdus = [_binned(table, binning), *hdus[1:place], *hdus[place + 1 :]]
        files.write(values["outfile"], hdus if values["copyall"] else hdus[:1])
    else:
        files.write(values["outfile"], [*hdus[:place], table, *hdus[place + 1 :]] if values["copyall"] else [hdus[0], table])


def _binned(table: files.Hdu, text: str) -> files.Hdu:
    np, card = files.numpy(), files.card
    rows, axes = table.rows(), []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\w+)\s*=\s*([^:]*):([^:]*):\s*([\d.]+)\s*", part)
        if match is None or not table.number(match[1]):
            raise HeasoftError(f"failed to parse the binning specification: bin {text}")
        n = table.number(match[1])
        low = float(match[2] or table.get(f"TLMIN{n}"))
        high = float(match[3] or table.get(f"TLMAX{n}"))
        axes.append((n, table.columns[n - 1], low, high, float(match[4])))
    if len(axes) != 2:
        raise HeasoftError("this stand-in makes images of two axes only")
    place, shape = [], []
    for _, name, low, high, step in axes:
        shape.append(int((high - low) // step) + 1)
        place.append(np.floor((rows[name].astype("f8") - (low - 0.5)) / step).astype("i8"))
    on = (place[0] >= 0) & (place[1] >= 0) & (place[0] < shape[0]) & (place[1] < shape[1])
    image = np.bincount(place[1][on] * shape[0] + place[0][on], minlength=shape[0] * shape[1]).reshape(shape[1], shape[0])
    cards = files.identity(table)
    for k, (n, name, low, _, step) in enumerate(axes, 1):
        cards += [
            card(f"CTYPE{k}", str(table.get(f"TCTYP{n}", name))),
            card(f"CRPIX{k}", (float(table.get(f"TCRPX{n}", 0.0)) - low + 0.5) / step + 0.5),
            card(f"CRVAL{k}", float(table.get(f"TCRVL{n}", 0.0))),
            card(f"CDELT{k}", float(table.get(f"TCDLT{n}", 1.0)) * step),
            card(f"CUNIT{k}", "deg"),
        ]
    return files.image_hdu(image, cards, bitpix=32)


# ---- NuSTARDAS


def _nupipeline(values: dict[str, Any]) -> None:
    from programs.nupipeline import nupipeline

    nupipeline(values, HeasoftError)
    print(f"\n{_rule()}\n{_NAMES['nupipeline']}: Exit with no errors - {time.ctime()}\n{_rule()}", flush=True)


def _nuexpomap(values: dict[str, Any]) -> None:
    """Seconds (vignetted if asked) of the sky image."""
    np, card = files.numpy(), files.card
    for name in ("infile", "attfile", "mastaspectfile", "det1reffile"):
        if not os.path.isfile(values[name]):
            raise HeasoftError(f"Unable to open file '{values[name]}' ({name})")
    check_output(values["expomapfile"], values)
    hdus = files.read(values["infile"])
    events = files.find(hdus, "EVENTS")
    if events is None:
        raise HeasoftError(f"Unable to find 'EVENTS' extension in {values['infile']}")
    for name, block in (("attfile", "ATTITUDE"), ("mastaspectfile", "MAST_ASPECT_SOLUTION"), ("det1reffile", "DET1_REFPOINT")):
        if files.find(files.read(values[name]), block) is None:
            raise HeasoftError(f"Unable to find '{block}' extension in {values[name]}")
    size = values["skysize"]
    n = events.number("X")
    axis = np.arange(size) + values["skyx"] - (size - 1) / 2, np.arange(size) + values["skyy"] - (size - 1) / 2
    off = np.hypot((axis[0] - 500.5)[None, :], (axis[1] - 500.5)[:, None]) * 2.46 / 60
    seconds = float(events.get("EXPOSURE", 0.0))
    reach = 9.0 * (10.0 / values["energy"]) ** 0.3 if values["vignflag"] else 1e9
    image = np.where(off < 7.5, seconds / (1 + (off / reach) ** 2), 0.0)
    cards = files.identity(events)
    for k, column in enumerate((n, events.number("Y")), 1):
        cards += [
            card(f"CTYPE{k}", str(events.get(f"TCTYP{column}", ""))),
            card(f"CRPIX{k}", float(events.get(f"TCRPX{column}", 500.5)) - axis[k - 1][0] + 1),
            card(f"CRVAL{k}", float(events.get(f"TCRVL{column}", 0.0))),
            card(f"CDELT{k}", float(events.get(f"TCDLT{column}", 1.0))),
        ]
    files.write(values["expomapfile"], [files.image_hdu(image, cards)])
    print(line("nuexpomap", "Exit with success"), flush=True)
