"""Images in files: reading any two-dimensional image with its world coordinates, and writing counts images."""

from __future__ import annotations

import warnings as python_warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.images import PixelGrid, SkyImage
from daxa_gui.core.sky import LinearWcs, separation_deg, unit_vectors
from daxa_gui.fits.cards import CardValue, Header
from daxa_gui.fits.files import FitsFile, Hdu, open_fits
from daxa_gui.fits.keywords import of_events
from daxa_gui.fits.world import grid_through_sky, image_grid, image_wcs
from daxa_gui.fits.writing import CREATOR, HeaderEditor, gti_hdu, now_text, part_file, write_hdu

_SAME_SKY_DEG = 10.0 / 3600.0  # registration against other catalogues moves images by an arcsecond or two
_PIXELS = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_BITPIX = {"u1": 8, "i2": 16, "i4": 32, "i8": 64, "f4": -32, "f8": -64}


def read_image(path: str | Path) -> SkyImage:
    """The first two-dimensional image of a file: primary array, image extension or tile-compressed; the file may be gzipped.

    Without a linear coordinate system in the header the grid counts the image's own pixels (edge 0.5, bin 1).

    Raises
    ------
    FileError : not readable, not FITS, cut short, or no image in it.
    """
    fits, hdu, header, (n_x, n_y) = _find_image(path)
    values = _pixels(fits, hdu, header, n_x, n_y)
    wcs, _ = image_wcs(header)
    grid = image_grid(header, n_x, n_y) or PixelGrid(0.5, 0.5, 1.0, 1.0, n_x, n_y)
    title = " ".join(part for part in (header.text("OBJECT"), header.text("INSTRUME"), header.text("OBS_ID")) if part)
    return SkyImage(values, grid, wcs, _unit(header, values), title, _band(header))


def read_grid(path: str | Path, events: EventList | None = None) -> PixelGrid:
    """The pixels of an existing image over event coordinates, so that a new image gets the same ones.

    Taken from the linear system of the image (CRPIX1L …, LTV1 …) or, if it has none, by comparing its world coordinates with
    those of the event list.

    Raises
    ------
    FileError : the file is no image, does not tell how its pixels lie over event coordinates, or shows another part of the sky.
    """
    _, _, header, (n_x, n_y) = _find_image(path)
    grid = image_grid(header, n_x, n_y)
    wcs, _ = image_wcs(header)
    if events is not None and events.wcs is not None and wcs is not None:
        if grid is None:
            grid = grid_through_sky(wcs, events.wcs, n_x, n_y)
        elif (apart_deg := _apart_deg(grid, wcs, events.wcs)) > max(_SAME_SKY_DEG, 2 * abs(wcs.cdelt_y_deg)):
            raise FileError(
                f"{path} is of another part of the sky: its pixels lie {apart_deg:.3g} degrees from where the event coordinates"
                f" of {Path(events.path).name} put them.",
                "Choose an image of the same pointing, with the same sky coordinates.",
            )
    if grid is None:
        raise FileError(
            f"{path} does not tell how its pixels lie over the event coordinates.",
            "It needs CRPIX1L/CRVAL1L/CDELT1L, LTV1/LTM1_1, or the same tangent point as the event list.",
        )
    return grid


def _apart_deg(grid: PixelGrid, image: LinearWcs, events: LinearWcs) -> float:
    """How far apart the centre of the grid is on the sky by the image's coordinates and by those of the events."""
    x, y = (grid.n_x + 1) / 2, (grid.n_y + 1) / 2
    ours, theirs = grid.wcs_of(events).sky(x, y), image.sky(x, y)
    return float(separation_deg(unit_vectors(*ours), unit_vectors(*theirs)))


def _find_image(path: str | Path) -> tuple[FitsFile, Hdu, Header, tuple[int, int]]:
    fits = open_fits(path)
    for hdu in fits.hdus:
        prefix = "ZNAXIS" if hdu.is_compressed_image else "NAXIS"
        if not (hdu.is_image or hdu.is_compressed_image):
            continue
        lengths = [hdu.header.integer(f"{prefix}{n}") or 0 for n in range(1, (hdu.header.integer(prefix) or 0) + 1)]
        if len(lengths) >= 2 and lengths[0] > 0 and lengths[1] > 0 and all(length == 1 for length in lengths[2:]):
            return fits, hdu, hdu.header, (lengths[0], lengths[1])
    present = ", ".join(hdu.name or f"number {hdu.index}" for hdu in fits.hdus[1:13]) or "none"
    raise FileError(f"{path} has no two-dimensional image (extensions: {present}).", "It may be an event list or a table.")


def _pixels(fits: FitsFile, hdu: Hdu, header: Header, n_x: int, n_y: int) -> NDArray[np.generic]:
    """Values in the machine's own byte order, shape (n_y, n_x), scaled; NaN where blank."""
    if hdu.is_compressed_image:
        return _decompressed(fits, hdu)
    bitpix = header.integer("BITPIX") or 0
    raw = fits.data(hdu).view(_PIXELS[bitpix])[: n_x * n_y].reshape(n_y, n_x)
    scale, zero, blank = header.number("BSCALE"), header.number("BZERO") or 0.0, header.integer("BLANK")
    scale = 1.0 if scale is None else scale
    if scale == 1.0 and zero == 0.0 and (blank is None or bitpix < 0):
        return raw.astype(raw.dtype.newbyteorder("="))
    values = raw * scale + zero
    if blank is not None and bitpix > 0:
        values[raw == blank] = np.nan
    return np.asarray(values, np.float64)


def _decompressed(fits: FitsFile, hdu: Hdu) -> NDArray[np.generic]:
    import io

    from astropy.io import fits as astropy_fits

    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        try:
            with astropy_fits.open(io.BytesIO(fits.buffer.tobytes())) as opened:
                data = opened[hdu.index].data
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise FileError(f"{fits.path} is damaged: its compressed image cannot be unpacked ({error}).") from error
    image = np.asarray(data).reshape(np.asarray(data).shape[-2:])
    return image.astype(image.dtype.newbyteorder("="))


def _unit(header: Header, values: NDArray[np.generic]) -> str:
    """What the values are: BUNIT, or what the header says the image is."""
    unit = header.text("BUNIT")
    if unit and not unit.upper().startswith("PRIMARY"):  # XMM-Newton's pipeline writes « Primary Array » there
        return {"counts": "count", "ct": "count", "sec": "s", "seconds": "s"}.get(unit.lower(), unit)
    about = " ".join((header.text("CONTENT"), header.text("HDUCLAS1"), header.text("HDUCLAS2"), header.text("EXTNAME"))).upper()
    if "EXPOSURE" in about or "EXPMAP" in about:
        return "s"
    is_count = "TOTAL" in about or np.issubdtype(values.dtype, np.integer)
    return "count" if is_count else ""


def _band(header: Header) -> tuple[float, float] | None:
    low, high = header.number("E_MIN", "ELOW_KEV"), header.number("E_MAX", "EHIGH_KEV")
    return None if low is None or high is None else (low, high)


def write_image(path: str | Path, image: SkyImage, events: EventList | None = None, history: tuple[str, ...] = ()) -> None:
    """Write an image with its world coordinates and the linear system of event coordinates, as evselect does.

    With `events` the header tells what the image is of, and the good time of the list is put behind the image.
    """
    kind = np.dtype(image.values.dtype).newbyteorder("=").str.lstrip("<>=|")
    values = image.values if kind in _BITPIX else image.values.astype(np.float64)
    kind = np.dtype(values.dtype).newbyteorder("=").str.lstrip("<>=|")
    header = HeaderEditor()
    header.set("SIMPLE", True, "file conforms to FITS standard")
    header.set("BITPIX", _BITPIX[kind], "number of bits per data pixel")
    for keyword, value in (("NAXIS", 2), ("NAXIS1", image.grid.n_x), ("NAXIS2", image.grid.n_y)):
        header.set(keyword, value)
    header.set("EXTEND", True)
    for keyword, fact, comment in _image_keywords(image):
        header.set(keyword, fact, comment)
    times = of_events(events) if events is not None else []
    for keyword, fact, comment in times:
        header.set(keyword, fact, comment)
    header.set("CREATOR", CREATOR)
    header.set("DATE", now_text(), "UTC")
    header.history(history)
    data = np.ascontiguousarray(values, np.dtype(kind).newbyteorder(">"))
    with part_file(path, events.path if events is not None else None) as stream:
        write_hdu(stream, header, data.reshape(-1).view(np.uint8))
        for ccd, gti in sorted(events.gti.items()) if events is not None else ():
            name = "STDGTI" if ccd == -1 else f"STDGTI{ccd:02d}"
            write_hdu(stream, *gti_hdu(name, gti, times))


def _image_keywords(image: SkyImage) -> list[tuple[str, CardValue, str]]:
    facts: list[tuple[str, CardValue, str]] = [("BUNIT", image.unit, "unit of the pixel values")] if image.unit else []
    facts += [("HDUCLASS", "OGIP", ""), ("HDUCLAS1", "IMAGE", "")]
    if image.unit == "count":
        facts.append(("HDUCLAS2", "TOTAL", "source and background"))
    if image.band_kev is not None:
        facts += [("E_MIN", image.band_kev[0], "[keV] lowest energy"), ("E_MAX", image.band_kev[1], "[keV] highest energy")]
    wcs, grid = image.wcs, image.grid
    if wcs is not None:
        facts += [
            ("CTYPE1", f"RA---{wcs.projection}", ""), ("CRPIX1", wcs.crpix_x, ""), ("CRVAL1", wcs.crval_ra_deg, "[deg]"),
            ("CDELT1", wcs.cdelt_x_deg, "[deg]"), ("CUNIT1", "deg", ""), ("CTYPE2", f"DEC--{wcs.projection}", ""),
            ("CRPIX2", wcs.crpix_y, ""), ("CRVAL2", wcs.crval_dec_deg, "[deg]"), ("CDELT2", wcs.cdelt_y_deg, "[deg]"),
            ("CUNIT2", "deg", ""),
        ]  # fmt: skip
    for axis, name, edge, size in ((1, "X", grid.edge_x, grid.bin_x), (2, "Y", grid.edge_y, grid.bin_y)):
        facts += [
            (f"CTYPE{axis}L", name, "event coordinate"), (f"CRPIX{axis}L", 1.0, ""),
            (f"CRVAL{axis}L", edge + size / 2, "event coordinate of the first pixel's centre"), (f"CDELT{axis}L", size, ""),
            (f"LTV{axis}", 0.5 - edge / size, ""), (f"LTM{axis}_{axis}", 1.0 / size, ""),
        ]  # fmt: skip
    return facts
