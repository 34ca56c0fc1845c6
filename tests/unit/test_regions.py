"""Region files of DS9, against the regions package, and files that cannot be used."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from regions import Regions

from daxa_gui.core.errors import FileError
from daxa_gui.core.filters import SkyShape
from daxa_gui.core.sky import unit_vectors
from daxa_gui.exchange.regions import read_regions

HEADER = '# Region file format: DS9 version 4.1\nglobal color=green dashlist=8 3 font="helvetica 10 normal roman" select=1\n'


def read(folder: Path, text: str) -> tuple[SkyShape, ...]:
    path = folder / "some.reg"
    path.write_text(text)
    return read_regions(path).shapes


def refused(folder: Path, text: str) -> str:
    with pytest.raises(FileError) as caught:
        read(folder, text)
    return str(caught.value)


# -- what is read ----------------------------------------------------------------------------------------------------------


AXES = {"galactic": ("GLON-TAN", "GLAT-TAN")}


def flat(lon: float, lat: float, frame: str = "icrs") -> WCS:
    """An image in the frame of the region: DS9 measures angles from that frame's north, `regions` from the image's."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = AXES.get(frame, ("RA---TAN", "DEC--TAN"))
    if frame not in AXES:
        wcs.wcs.radesys = {"j2000": "FK5", "b1950": "FK4"}.get(frame, frame.upper())
        wcs.wcs.equinox = 1950.0 if wcs.wcs.radesys == "FK4" else 2000.0
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [lon, lat], [0, 0], [-1e-3, 1e-3]
    return wcs


SHAPES = [
    "circle({lon},{lat},0.2)",
    "circle({lon} {lat} 12')",
    'circle {lon},{lat},900"',
    "ellipse({lon},{lat},0.3,0.1,30)",
    "ellipse({lon},{lat},6',18',200)",
    "ellipse({lon},{lat},0.1,0.2,0.2,0.4,-50)",
    "box({lon},{lat},0.5,0.2,75)",
    "box({lon},{lat},0.1,0.05,0.6,0.3,10)",
    "annulus({lon},{lat},0.1,0.3)",
]


@pytest.mark.parametrize("frame", ["icrs", "fk5", "fk4", "galactic", "ecliptic", "J2000", "b1950"])
@pytest.mark.parametrize("place", [(83.633, 22.0145), (0.05, -60.0), (266.4, 3.0)])
def test_that_shapes_of_all_frames_agree_with_the_regions_package(tmp_path: Path, frame: str, place: tuple[float, float]) -> None:
    """Theirs are drawn on a flat map around the shape; ours measure angles from the centre: points near an edge are left out."""
    text = HEADER + frame + "\n" + "\n".join(shape.format(lon=place[0], lat=place[1]) for shape in SHAPES)
    ours = read(tmp_path, text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = list(Regions.parse(text, format="ds9"))
    assert len(ours) == len(theirs) == len(SHAPES)
    centre = theirs[0].center.icrs
    random = np.random.default_rng(1)
    points = centre.directional_offset_by(random.uniform(0, 360, 3000) * u.deg, 0.5 * np.sqrt(random.uniform(0, 1, 3000)) * u.deg)
    vectors = unit_vectors(points.ra.deg, points.dec.deg)
    for mine, other in zip(ours, theirs, strict=True):
        if frame == "ecliptic":  # astropy knows no such images: theirs is turned by hand, into one of ICRS
            pole = SkyCoord(0, 90, unit="deg", frame="barycentricmeanecliptic").icrs
            other = other.copy(angle=other.angle + centre.position_angle(pole)) if hasattr(other, "angle") else other
            expected = other.contains(points, flat(centre.ra.deg, centre.dec.deg))
        else:
            expected = other.contains(points, flat(*place, frame.lower()))
        wider, narrower = (
            SkyShape(mine.shape, mine.points, tuple(s * f for s in mine.sizes_deg), mine.angle_deg) for f in (1.002, 0.998)
        )
        sure = wider.holds(vectors) == narrower.holds(vectors)
        assert sure.mean() > 0.98
        assert (mine.holds(vectors) == expected)[sure].all()
        assert expected.any()


def test_that_polygons_agree_with_the_regions_package(tmp_path: Path) -> None:
    text = "galactic; polygon(120,10, 121,10, 121,11, 120.5,10.2, 120,11)"
    (mine,), (other,) = read(tmp_path, text), Regions.parse(text, format="ds9")
    points = SkyCoord(np.linspace(119.8, 121.2, 61)[:, None] * u.deg, np.linspace(9.8, 11.2, 57) * u.deg, frame="galactic").icrs
    expected = other.contains(points, flat(*(float(np.mean(axis)) for axis in zip(*mine.points, strict=True)))).ravel()
    vectors = unit_vectors(points.ra.deg.ravel(), points.dec.deg.ravel())
    assert np.count_nonzero(mine.holds(vectors) != expected) <= 2  # grid points that lie on an edge
    assert np.count_nonzero(expected) > 500


@pytest.mark.parametrize(
    ("ra", "dec"),
    [("05:34:31.94", "+22:00:52.2"), ("5h34m31.94s", "22d00m52.2s"), ("83.6330833333", "22.0145"), ("83.6330833333d", "22.0145d"),
     ("1.4596726677614609r", "0.38422550818423664r")],
)  # fmt: skip
def test_that_positions_are_read_in_every_notation(tmp_path: Path, ra: str, dec: str) -> None:
    (shape,) = read(tmp_path, f"icrs\ncircle({ra},{dec},1')")
    assert shape.points[0] == pytest.approx((83.6330833333, 22.0145), abs=1e-9)
    assert shape.sizes_deg == pytest.approx((1 / 60,))
    (south,) = read(tmp_path, "icrs;circle(-10,-00:30:00,1)")
    assert south.points == ((350.0, -0.5),)
    (galactic,) = read(tmp_path, "galactic;circle(10:30:00,0,1d)")  # degrees, not hours
    assert SkyCoord(*galactic.points[0], unit="deg").galactic.l.deg == pytest.approx(10.5, abs=1e-4)


def test_that_lines_hold_what_ds9_and_people_write(tmp_path: Path) -> None:
    text = HEADER + (
        "\n  fk5 ; circle(10,20,1) # color=red text={a; b}\n-circle(10,20,0.5)\nICRS\n+ellipse(1,2,3',4',5) ||\n"
        "# vector(10,20,1,2)\n# text(10,20) text={circle(1,2)}\n!box(1 2 3 4) # tag={x}\n"
        "annulus(1,2,1,2,3)\ncircle(5,6,1) # include=0\r\n"
    )
    found = [(shape.shape, shape.include, shape.sizes_deg) for shape in read(tmp_path, text)]
    assert found == [
        ("circle", True, (1.0,)), ("circle", False, (0.5,)), ("ellipse", True, (3 / 60, 4 / 60)), ("box", False, (3.0, 4.0)),
        ("annulus", True, (1.0, 3.0)), ("circle", False, (1.0,)),
    ]  # fmt: skip


def test_that_a_real_file_is_read_as_the_regions_package_reads_it(shared_data: Path) -> None:
    path = shared_data / "regions" / "xga_erosita_224093.reg"
    ours = read_regions(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Regions.read(path, format="ds9")
    assert ours.label == "xga_erosita_224093.reg"
    assert len(ours.shapes) == len(theirs) == 358
    centres = SkyCoord([one.center for one in theirs]).icrs
    np.testing.assert_allclose(
        [one.points[0] for one in ours.shapes], np.column_stack([centres.ra.deg, centres.dec.deg]), atol=1e-9
    )
    assert [one.sizes_deg[0] for one in ours.shapes] == pytest.approx([one.radius.to_value("deg") for one in theirs])


# -- what is not -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["daxa_0105261001.reg", "xga_xmm_0401040101.reg"])
def test_that_real_files_in_pixels_are_refused_with_their_first_such_line(shared_data: Path, name: str) -> None:
    with pytest.raises(FileError) as caught:
        read_regions(shared_data / "regions" / name)
    assert caught.value.message.startswith(f"{name}, line 2: the shape « ellipse » is given in the coordinates « image »")
    assert "fk5" in caught.value.hint


@pytest.mark.parametrize(
    ("lines", "number", "words"),
    [
        ("fk5\ncircle(1,2,3)\nvector(1,2,3,4)", 3, "« vector » has no area"),
        ("fk5\nruler(1,2,3,4)", 2, "« ruler »"),
        ("fk5\nprojection(1,2,3,4)", 2, "« projection »"),
        ("fk5\npanda(1,2,0,360,4,0.1,0.2,1)", 2, "« panda »"),
        ("fk5\npoint(1,2)", 2, "« point »"),
        ("fk5;circle(1,2,3);line(1,2,3,4)", 1, "« line »"),
        ("\n\nwobble(1,2,3)", 3, "« wobble » is neither"),
        ("circle(1,2,3)", 1, "no coordinate system"),
        ("physical\ncircle(1,2,3)", 2, "« physical »"),
        ("wcsa;circle(1,2,3)", 1, "« wcsa »"),
        ("fk5\ncircle(1,2,3p)", 2, "« 3p » is in pixels"),
        ("fk5\ncircle(1i,2,3)", 2, "« 1i » is no coordinate"),
        ("fk5\ncircle(1,2)", 2, "more than 2 numbers"),
        ("fk5\ncircle(1,2,3,4)", 2, "2 sizes, not 1"),
        ("fk5\ncircle(1,2,-3)", 2, "between 0° and 360°"),
        ("fk5\ncircle(1,2,nan)", 2, "« nan » is no size"),
        ("fk5\ncircle(1,2,1e999)", 2, "between 0° and 360°"),
        ("fk5\ncircle(1,95,3)", 2, "not on the sky"),
        ("fk5\ncircle(1e30,5,3)", 2, "not on the sky"),
        ("fk5\ncircle(12:60:00,5,3)", 2, "not below 60"),
        ("fk5\ncircle(one,5,3)", 2, "« one » is no coordinate"),
        ("fk5\ncircle(1,2,3", 2, "bracket"),
        ("fk5\n#c\nannulus(1,2,3,1)", 3, "hole"),
        ("fk5\nellipse(1,2,3)", 2, "sizes"),
        ("fk5\npolygon(1,2,3,4,5)", 2, "pairs"),
        ("fk5\npolygon(1,2,3,4,1,2)", 2, "three corners"),
        ("fk5\ncircle(1,2,3)&!circle(1,2,1)", 2, "3 sizes, not 1"),
        ("fk5\n(1,2)", 2, "is no shape"),
    ],
)  # fmt: skip
def test_that_an_error_names_the_line(tmp_path: Path, lines: str, number: int, words: str) -> None:
    message = refused(tmp_path, lines)
    assert message.startswith(f"some.reg, line {number}: ")
    assert words in message


def test_that_files_without_shapes_are_refused(tmp_path: Path) -> None:
    assert "holds no shape" in refused(tmp_path, HEADER)
    assert "holds no shape" in refused(tmp_path, "")
    (tmp_path / "a.fits").write_bytes(b"SIMPLE  =\0\0")
    with pytest.raises(FileError, match="no text file"):
        read_regions(tmp_path / "a.fits")
    with pytest.raises(FileError, match="cannot be read"):
        read_regions(tmp_path / "absent.reg")
    with pytest.raises(FileError, match="cannot be read"):
        read_regions(tmp_path)


@settings(max_examples=300)
@given(st.text(st.sampled_from(list("fk5icrs;\n()circlebox,.- 1290:'\"#pdr")), max_size=60), st.data())
def test_that_any_text_gives_shapes_or_a_sentence(tmp_path_factory: Any, text: str, data: Any) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = folder / "random.reg"
    path.write_text(data.draw(st.sampled_from(["", "fk5\ncircle(", "icrs;box("])) + text)
    try:
        assert read_regions(path).shapes
    except FileError as error:
        assert error.message.startswith("random.reg")
