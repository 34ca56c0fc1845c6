"""SAOImage DS9, which nobody here wrote, reads the region files that are written here, and converts pixels to the same places.
Debian: saods9, xvfb."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.exchange.region_files import parse_regions, read_region_file
from daxa_gui.exchange.region_pixels import pixel_system
from daxa_gui.exchange.region_values import Region
from daxa_gui.exchange.region_writing import regions_text

MISSING = "DS9 or a display without a screen is not installed (Debian: saods9 xvfb)"
pytestmark = pytest.mark.skipif(shutil.which("ds9") is None or shutil.which("Xvfb") is None, reason=MISSING)
SHOWN = 1e-7  # degrees: DS9 writes seven digits of positions and milliarcseconds
ALL_KINDS = """icrs
circle(10,20,30") # color=red tag={group 1} text={my source}
ellipse(10.1,20.1,30",12",40)
-box(9.9,20,40",20",30)
annulus(10,20.1,5",10",20")
polygon(10,20,10.05,20,10,20.05)
point(10,19.9) # point=cross 11
line(10,19.9,10.1,19.8)
# text(10.1,19.9) text={hello}
panda(10,19.85,0,360,4,1",5",1)
blob(10,20)
# composite(10,20,30) || composite=1
circle(10,20,3") ||
box(10,20,3",4",30)
ellipse(11,21,0,0,10)
"""
PIXELS = """image
circle(100,120.5,20)
ellipse(300,400,30,12,20)
box(50,60,40,10,345)
annulus(220,230,3,9)
polygon(10,10,40,12,30,60)
"""


@pytest.fixture
def display() -> Iterator[str]:
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as stream:
            yield f":{stream.readline().strip()}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def image(folder: Path, turned_deg: float, mirrored: bool = False) -> Path:
    from astropy.io import fits

    header = fits.Header()
    for n, (kind, value) in enumerate((("RA---TAN", 10.0), ("DEC--TAN", 20.0)), 1):
        header[f"CTYPE{n}"], header[f"CRPIX{n}"], header[f"CRVAL{n}"] = kind, 250.5, value
    cos, sin = np.cos(np.radians(turned_deg)), np.sin(np.radians(turned_deg))
    side = 1.0 if mirrored else -1.0
    header["CD1_1"], header["CD1_2"], header["CD2_1"], header["CD2_2"] = (
        1e-3 * value for value in (side * cos, -side * sin, sin, cos)
    )
    header["RADESYS"] = "ICRS"
    path = folder / "image.fits"
    fits.PrimaryHDU(np.zeros((500, 500), np.int16), header).writeto(path)
    return path


def through_ds9(display: str, folder: Path, picture: Path, text: str) -> tuple[Region, ...]:
    """What DS9 says of a region file, saved by it in ICRS degrees."""
    (folder / "in.reg").write_text(text)
    subprocess.run(
        ["ds9", str(picture), "-regions", "load", "in.reg", "-regions", "system", "wcs", "-regions", "sky", "icrs",
         "-regions", "skyformat", "degrees", "-regions", "save", "out.reg", "-exit"],
        cwd=folder, env={**os.environ, "DISPLAY": display, "HOME": str(folder), "XPA_METHOD": "local"}, timeout=60, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return read_region_file(folder / "out.reg").regions


def same(ours: tuple[Region, ...], theirs: tuple[Region, ...], turn_deg: float = 0.001) -> None:
    assert [(one.shape, one.include) for one in theirs] == [(one.shape, one.include) for one in ours]
    for mine, judge in zip(ours, theirs, strict=True):
        assert np.allclose(mine.points, judge.points, atol=2 * SHOWN, rtol=0)
        assert np.allclose(mine.sizes_deg, judge.sizes_deg, atol=2e-3 / 3600, rtol=2e-5)
        turn = 180.0 if mine.shape in ("ellipse", "box") else 360.0
        assert abs((mine.angle_deg - judge.angle_deg + turn / 2) % turn - turn / 2) < turn_deg


def test_that_ds9_reads_every_shape_that_is_written(tmp_path: Path, display: str) -> None:
    file = parse_regions(ALL_KINDS)
    found = through_ds9(display, tmp_path, image(tmp_path, 0.0), regions_text(file))
    same(file.regions, found)
    assert found[0].all_of("tag") == ("group 1",) and found[0].all_of("text") == ("my source",)
    assert "red" in found[0].all_of("color") and [one.composite for one in found] == [one.composite for one in file.regions]
    assert any("panda(" in one.text for one in read_region_file(tmp_path / "out.reg").verbatim)


@pytest.mark.parametrize(("turned_deg", "mirrored"), [(0.0, False), (33.0, False), (210.0, True)])
def test_that_ds9_converts_pixels_to_the_same_places(tmp_path: Path, display: str, turned_deg: float, mirrored: bool) -> None:
    picture = image(tmp_path, turned_deg, mirrored)
    ours = parse_regions(PIXELS, pixels=pixel_system(picture)).regions
    # DS9 takes north to be the same everywhere in the image; 0.2° from its centre it is turned by 0.2° x tan 20° = 0.07°
    same(ours, through_ds9(display, tmp_path, picture, PIXELS), turn_deg=0.1)
