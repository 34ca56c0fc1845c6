"""fluximage: a counts image, an exposure map, the ratio of both and a map of PSF sizes for each band."""

from __future__ import annotations

import os
from typing import Any

from programs import ciao, files
from programs.virtual_file import VirtualFile

_NAMED = {
    "ultrasoft": "0.2:0.5:0.4",
    "soft": "0.5:1.2:0.92",
    "medium": "1.2:2.0:1.56",
    "hard": "2.0:7.0:3.8",
    "broad": "0.5:7.0:2.3",
}
_AREA_CM2 = 350.0


def _bands(text: str, hrc: bool) -> list[tuple[str, float, float, float]]:
    """(name in file names, lowest, highest, effective energy in keV)."""
    if hrc:
        if text not in ("default", "wide"):
            raise ciao.CiaoError(f"bands={text}: HRC has the band wide only")
        return [("wide", 0.0, 1e9, 1.5)]
    found = []
    for word in (text if text != "default" else "broad").split(","):
        parts = _NAMED.get(word.strip().lower(), word).split(":")
        try:
            low, high, effective = (float(part) for part in parts)
        except ValueError:
            raise ciao.CiaoError(f"bands={text}: {word} is not of the form lo:hi:effective, nor the name of a band") from None
        if not 0 < low < high:
            raise ciao.CiaoError(f"bands={text}: the low energy of {word} is not below the high one")
        if not low <= effective <= high:
            raise ciao.CiaoError(f"bands={text}: the effective energy of {word} lies outside the band")
        name = word.strip().lower() if word.strip().lower() in _NAMED else f"{parts[0]}-{parts[1]}"
        found.append((name, low * 1000, high * 1000, effective))
    return found


def _threshold(text: str) -> float:
    try:
        return float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise ciao.CiaoError(f"expmapthresh={text} is no number") from None


def _need(path: str, block: str, what: str) -> None:
    if not path:
        return
    try:
        hdus = files.read(path)
    except FileNotFoundError:
        raise ciao.CiaoError(f"{what} {path} not found") from None
    if files.find(hdus, block) is None:
        raise ciao.CiaoError(f"{what} {path} has no block {block}")
    print(f"{what} {path} found.")


def fluximage(values: dict[str, Any]) -> None:
    np = files.numpy()
    source = VirtualFile(values["infile"])
    hrc = str(source.table.get("INSTRUME", "")).upper() == "HRC"
    if not values["outroot"]:
        raise ciao.CiaoError("no outroot was given")
    bands = _bands(values["bands"], hrc)
    _need(values["asolfile"], "ASPSOL", "Aspect solution")
    _need(values["badpixfile"], "BADPIX", "Bad-pixel file")
    _need(values["maskfile"], "MASK", "Mask file")
    if hrc:
        _need(values["dtffile"], "DTF", "Dead time file")
    if values["tmpdir"] and "$" not in values["tmpdir"]:
        os.makedirs(values["tmpdir"], exist_ok=True)
    root = values["outroot"] if values["outroot"].endswith("/") else values["outroot"] + "_"
    size = float(values["binsize"] or (32 if hrc else 8))
    if size <= 0:
        raise ciao.CiaoError("binsize must be positive")
    x, y = source.column("x").astype("f8"), source.column("y").astype("f8")
    if not len(x):
        raise ciao.CiaoError("there are no events")
    low = [float(np.floor(axis.min())) - 0.5 for axis in (x, y)]
    shape = [max(1, int(np.ceil((axis.max() - start) / size))) for axis, start in zip((x, y), low, strict=True)]
    print(f"\nThe output images will have {shape[0]} by {shape[1]} pixels, pixel size of {0.492 * size:g} arcsec,\n", flush=True)
    for name, first, last, effective in bands:
        kept = np.ones(len(x), bool) if hrc else (source.column("energy") >= first) & (source.column("energy") < last)
        place = [((axis[kept] - start) // size).astype("i8") for axis, start in zip((x, y), low, strict=True)]
        counts = np.bincount(place[1] * shape[0] + place[0], minlength=shape[0] * shape[1]).reshape(shape[1], shape[0])
        _products(values, source, root + name, counts, (low, size, shape), effective)
    print("Image creation complete.\n")


def _products(values: dict[str, Any], source: VirtualFile, stem: str, counts: Any, grid: Any, effective: float) -> None:
    np, card = files.numpy(), files.card
    low, size, shape = grid
    table = source.table
    numbers = [table.number("x"), table.number("y")]
    centre = [float(table.get(f"TCRPX{n}", 4096.5)) for n in numbers]
    axes = [start + size * (np.arange(n) + 0.5) for start, n in zip(low, shape, strict=True)]
    off = np.hypot((axes[0] - centre[0])[None, :], (axes[1] - centre[1])[:, None]) * 0.492 / 60
    seconds = float(table.get("EXPOSURE", 0.0))
    area = 1.0 if values["units"] == "time" else _AREA_CM2 * np.exp(-abs(np.log(effective / 1.5)) / 2)
    factor = area * (1.0 if values["units"] == "area" else seconds)
    exposure = np.where(off < 16.0, factor / (1 + (off / 14.0) ** 2), 0.0)
    usable = exposure >= exposure.max() * _threshold(values["expmapthresh"])
    cards = files.identity(table)
    for k, n in enumerate(numbers, 1):
        step = float(table.get(f"TCDLT{n}", 1.0))
        cards += [
            card(f"CTYPE{k}", str(table.get(f"TCTYP{n}", ""))),
            card(f"CRPIX{k}", (centre[k - 1] - low[k - 1]) / size + 0.5),
            card(f"CRVAL{k}", float(table.get(f"TCRVL{n}", 0.0))),
            card(f"CDELT{k}", step * size),
            card(f"CUNIT{k}", "deg"),
        ]
    seen: set[str] = set()
    cards = [line for line in cards if not (line[:8] in seen or seen.add(line[:8]))]  # type: ignore[func-returns-value]
    flux = np.divide(counts, exposure, out=np.zeros(counts.shape), where=usable & (exposure > 0))
    made = [
        ("thresh.img", np.where(usable, counts, 0), 32),
        ("thresh.expmap", np.where(usable, exposure, 0), -32),
        ("flux.img", flux, -32),
    ]
    if values["psfecf"] is not None:
        made.append(("thresh.psfmap", np.where(usable, 0.5 + 0.1 * off**2 * (0.5 + float(values["psfecf"])), 0), -32))
    print("The following files were created:\n")
    for ending, image, bitpix in made:
        ciao.check_output(f"{stem}_{ending}", values)
        files.write(f"{stem}_{ending}", [files.image_hdu(image, cards, bitpix=bitpix)])
        print(f"     {stem}_{ending}")
