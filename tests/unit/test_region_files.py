"""Region files: nothing is lost, pixels become the right places on the sky, and other programs read what is written."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.filters import SkyShape
from daxa_gui.exchange.region_files import parse_regions, read_region_file
from daxa_gui.exchange.region_pixels import pixel_system
from daxa_gui.exchange.region_values import Region, RegionFile, from_shapes, to_shapes
from daxa_gui.exchange.region_writing import regions_text, write_region_file

NEAR = 1e-9  # degrees
TURNED = 1e-8  # degrees: coordinates as double numbers do not tell the direction of one small pixel more exactly
GALACTIC = 1e-5  # degrees: the galactic pole is tied to ICRS here (Hipparcos) and to FK5 in Astropy, 23 mas apart


def astropy_regions(text: str) -> list[Any]:
    from regions import Regions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(Regions.parse(text, format="ds9"))


def header_of(**cards: Any) -> Any:
    from astropy.io.fits import Header

    header = Header()
    plain = {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 250.5, "CRPIX2": 260.0, "CRVAL1": 149.9, "CRVAL2": 62.3,
        "CDELT1": -0.0012, "CDELT2": 0.0012, "CUNIT1": "deg", "CUNIT2": "deg", "RADESYS": "ICRS",
    }  # fmt: skip
    for key, value in (plain | {key.replace("_", "-") if key == "DATE_OBS" else key: v for key, v in cards.items()}).items():
        header[key] = value
    return header


def image(folder: Path, **cards: Any) -> Path:
    from astropy.io import fits

    path = folder / "image.fits"
    fits.PrimaryHDU(np.zeros((500, 500), np.int16), header_of(**cards)).writeto(path, overwrite=True)
    return path


def event_list(folder: Path, **cards: Any) -> Path:
    from astropy.io import fits

    columns = [fits.Column("TIME", "D", array=np.arange(3.0)), *(fits.Column(n, "J", array=np.arange(3)) for n in "XY")]
    table = fits.BinTableHDU.from_columns(columns, name="EVENTS")
    plain = {
        "TCTYP2": "RA---TAN", "TCTYP3": "DEC--TAN", "TCRPX2": 4096.5, "TCRPX3": 4096.5, "TCRVL2": 266.4, "TCRVL3": -29.0,
        "TCDLT2": -0.492 / 3600, "TCDLT3": 0.492 / 3600, "RADECSYS": "ICRS",
    }  # fmt: skip
    table.header.update(plain | cards)
    path = folder / "events.fits"
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
    return path


def position_angle(region: Any) -> float:
    return float((region.angle.to_value("deg") - 90.0) % 360.0)


def apart(first: float, second: float, turn: float = 360.0) -> float:
    return abs((first - second + turn / 2) % turn - turn / 2)


SKIES: dict[str, dict[str, Any]] = {
    "upright": {},
    "rotated": {"PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8},
    "mirrored": {"CDELT1": 0.0012},
    "oblong pixels": {"CDELT2": 0.0008},
    "orthographic": {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"},
    "equal-area": {"CTYPE1": "RA---ZEA", "CTYPE2": "DEC--ZEA"},
    "near the pole": {"CRVAL2": 89.9},
    "across RA 0": {"CRVAL1": 0.01, "CRVAL2": -30.0},
}
SIZES = {
    "circle": ("radius",),
    "ellipse": ("width", "height"),
    "box": ("width", "height"),
    "annulus": ("inner_radius", "outer_radius"),
}
PIXEL_SHAPES = """image
circle(100,120.5,20)
ellipse(300,400,30,12,20)
ellipse(300,200,7,7,33)
box(50,60,40,10,-15)
annulus(220,230,3,9)
polygon(10,10,40,12,30,60)
point(7,9)
line(1,2,300,400)
"""


@pytest.mark.parametrize("sky", SKIES)
def test_that_pixel_shapes_lie_where_astropy_says(tmp_path: Path, sky: str) -> None:
    from astropy.wcs import WCS

    ours = parse_regions(PIXEL_SHAPES, pixels=pixel_system(image(tmp_path, **SKIES[sky]))).regions
    theirs = [one.to_sky(WCS(header_of(**SKIES[sky]))) for one in astropy_regions(PIXEL_SHAPES)]
    assert [one.shape for one in ours] == ["circle", "ellipse", "ellipse", "box", "annulus", "polygon", "point", "line"]
    assert len(theirs) == len(ours)
    for mine, judge in zip(ours, theirs, strict=True):
        if mine.shape == "polygon":
            corners = [(float(c.ra.deg), float(c.dec.deg)) for c in judge.vertices]
        elif mine.shape == "line":
            corners = [(float(c.ra.deg), float(c.dec.deg)) for c in (judge.start, judge.end)]
        else:
            corners = [(float(judge.center.ra.deg), float(judge.center.dec.deg))]
        for (ra, dec), (their_ra, their_dec) in zip(mine.points, corners, strict=True):
            assert apart(ra, their_ra) * np.cos(np.radians(dec)) < NEAR and abs(dec - their_dec) < NEAR
        sizes = SIZES.get(mine.shape, ())
        whole = 2.0 if mine.shape == "ellipse" else 1.0
        for value, name in zip(mine.sizes_deg, sizes, strict=True):
            assert whole * value == pytest.approx(getattr(judge, name).to_value("deg"), abs=NEAR)
        if mine.shape in ("ellipse", "box"):
            assert apart(mine.angle_deg, position_angle(judge)) < TURNED


@pytest.mark.parametrize(
    "cards",
    [{"RADESYS": "FK5", "EQUINOX": 2000.0}, {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, {"RADESYS": "FK4", "EQUINOX": 1950.0}],
    ids=["fk5", "galactic", "fk4"],
)
def test_that_images_in_other_frames_give_icrs(tmp_path: Path, cards: dict[str, Any]) -> None:
    from astropy.wcs import WCS

    text = "image;ellipse(300,400,30,12,20)"
    mine = parse_regions(text, pixels=pixel_system(image(tmp_path, **cards))).regions[0]
    judge = astropy_regions(text)[0].to_sky(WCS(header_of(**cards)))
    centre = judge.center.icrs
    limit = 2e-8 if "FK4" in cards.values() else GALACTIC if "GLON-TAN" in cards.values() else NEAR
    assert mine.points[0] == pytest.approx((centre.ra.deg, centre.dec.deg), abs=limit)
    # the same end of the first axis, by going along it in either frame
    end = judge.center.directional_offset_by((judge.angle.to_value("deg") - 90.0) * _degree(), 0.01 * _degree()).icrs
    assert apart(mine.angle_deg, float(centre.position_angle(end).deg)) < (1e-7 if limit == NEAR else 1e-5)


def _degree() -> Any:
    from astropy import units

    return units.deg


def test_that_sky_frames_and_notations_become_icrs() -> None:
    text = (
        'fk5;circle(05:34:31.94,+22:00:52.2,30")\ngalactic\nellipse(184.55,-5.78,2\',1\',30)\nfk4\nbox(5h31m30s,21d58m54s,60",30",10)\n'
        "ecliptic; annulus(84.1,-1.29,0.01,0.02,0.03)\nb1950; point(82.88,21.98)\nJ2000; circle 83.6 22.0 5'\n"
    )
    mine, theirs = (
        parse_regions(text).regions,
        astropy_regions(text.replace("ecliptic; annulus(84.1,-1.29,0.01,0.02,0.03)\n", "")),
    )
    assert [one.shape for one in mine] == ["circle", "ellipse", "box", "annulus", "point", "circle"]
    for one, judge in zip([r for r in mine if r.shape != "annulus"], theirs, strict=False):
        centre = judge.center.icrs
        limit = GALACTIC if one.shape == "ellipse" else 2e-8
        assert one.points[0] == pytest.approx((centre.ra.deg, centre.dec.deg), abs=limit)
    assert mine[0].sizes_deg == pytest.approx((30 / 3600,)) and mine[3].sizes_deg == (0.01, 0.02, 0.03)
    judge = theirs[1]
    end = judge.center.directional_offset_by((judge.angle.to_value("deg") - 90.0) * _degree(), 0.01 * _degree()).icrs
    assert apart(mine[1].angle_deg, float(judge.center.icrs.position_angle(end).deg)) < GALACTIC


def test_that_physical_coordinates_of_binned_images_are_event_coordinates(tmp_path: Path) -> None:
    """A block-averaged image (bin 4 from pixel 2049 on) and its event list put a circle at the same place."""
    binned = pixel_system(
        image(
            tmp_path, CRPIX1=(4096.5 - 2048.5) / 4 + 0.5, CRPIX2=(4096.5 - 2048.5) / 4 + 0.5, CRVAL1=266.4, CRVAL2=-29.0,
            CDELT1=-4 * 0.492 / 3600, CDELT2=4 * 0.492 / 3600, CRPIX1P=0.5, CRPIX2P=0.5, CRVAL1P=2048.5, CRVAL2P=2048.5,
            CDELT1P=4.0, CDELT2P=4.0, WCSNAMEP="PHYSICAL",
        )
    )  # fmt: skip
    events = pixel_system(event_list(tmp_path))
    text = "physical\ncircle(4000,4200,20)\nellipse(3900,4100,20,10,30)\n"
    for one, other in zip(*(parse_regions(text, pixels=p).regions for p in (binned, events)), strict=True):
        assert one.points[0] == pytest.approx(other.points[0], abs=NEAR)
        assert one.sizes_deg == pytest.approx(other.sizes_deg, rel=1e-5)
        assert apart(one.angle_deg, other.angle_deg) < 1e-3
    with pytest.raises(FileError, match=r"line 1.*event list, which has no image pixels"):
        parse_regions("image;circle(1,2,3)", pixels=events)


def test_that_xmm_event_lists_with_their_own_keywords_do(tmp_path: Path) -> None:
    from astropy.wcs import WCS

    cards = {f"TC{key}{n}": None for key in ("TYP", "RPX", "RVL", "DLT") for n in (2, 3)}
    path = event_list(
        tmp_path, REFXCTYP="RA---TAN", REFYCTYP="DEC--TAN", REFXCRPX=25921.0, REFYCRPX=25921.0, REFXCRVL=149.7, REFYCRVL=69.1,
        REFXCDLT=-0.05 / 3600, REFYCDLT=0.05 / 3600, **{},
    )  # fmt: skip
    from astropy.io import fits

    with fits.open(path, mode="update") as hdus:
        for card in cards:
            hdus[1].header.remove(card)
    mine = parse_regions("physical;circle(26144.5,22840.5,600)", pixels=pixel_system(path)).regions[0]
    wcs = WCS(header_of(CRPIX1=25921.0, CRPIX2=25921.0, CRVAL1=149.7, CRVAL2=69.1, CDELT1=-0.05 / 3600, CDELT2=0.05 / 3600))
    judge = astropy_regions("image;circle(26144.5,22840.5,600)")[0].to_sky(wcs)
    assert mine.points[0] == pytest.approx((judge.center.ra.deg, judge.center.dec.deg), abs=NEAR)
    assert mine.sizes_deg[0] == pytest.approx(judge.radius.to_value("deg"), abs=NEAR)


def test_that_ciao_and_sas_files_without_a_frame_are_read(tmp_path: Path) -> None:
    pixels = pixel_system(event_list(tmp_path))
    ciao = parse_regions(
        "# Region file format: CIAO version 1.0\ncircle(4096.5,4096.5,20)-circle(4096.5,4096.5,10)\n+rotbox(4000,4000,30,10,45)\n"
        "!ellipse(4000,4000,5,3,0)\nrectangle(4000,4010,4020,4050)\ncircle(17:45:40.0,-29:00:28,2.5\")\n",
        pixels=pixels,
    )  # fmt: skip
    assert [(one.shape, one.include) for one in ciao.regions] == [
        ("circle", True), ("circle", False), ("box", True), ("ellipse", False), ("box", True), ("circle", True),
    ]  # fmt: skip
    assert ciao.regions[0].points[0] == pytest.approx((266.4, -29.0), abs=NEAR)
    assert ciao.regions[4].sizes_deg == pytest.approx((20 * 0.492 / 3600, 40 * 0.492 / 3600), rel=1e-6)
    assert ciao.regions[5].points[0] == pytest.approx((266.4166666667, -29.0077777778), abs=1e-8)
    assert ciao.n_converted == 5
    sas = parse_regions("((X,Y) IN circle(4096.5,4096.5,20)) || !((X,Y) IN box(4100,4100,10,10,0))\n", pixels=pixels)
    assert [(one.shape, one.include) for one in sas.regions] == [("circle", True), ("box", False)]
    detector = parse_regions("&&((DETX,DETY) IN circle(1,2,3))\n", pixels=pixels)
    assert not detector.regions and detector.verbatim[0].text == "&&((DETX,DETY) IN circle(1,2,3))"


NOT_UNDERSTOOD = """# Region file format: DS9 version 4.1
global color=green dashlist=8 3 width=1 font="helvetica 10 normal roman" select=1
fk5
circle(10,20,3") # color=red tag={group 1} tag={b} text={my "source"} background
panda(10,20,0,360,4,1",5",1)
# vector(10,20,3",40) vector=1
# text(10.1,20.2) text={a # b}
blob(10,20)
image
epanda(1,2,3,4,5,6,7,8,9)
icrs
# composite(10,20,30) || composite=1 color=blue
circle(10,20,3") || # color=red
box(10,20,3",4",30) # color=red
ellipse(11,21,0,0,10)
-circle(1,2,3")&box(1,2,3",3",0)
wcs; circle(1,2,3")
"""


def test_that_what_is_not_understood_is_kept_word_for_word_and_said() -> None:
    file = parse_regions(NOT_UNDERSTOOD)
    kept = [(one.line, one.system, one.text) for one in file.verbatim]
    assert kept == [
        (5, "fk5", 'panda(10,20,0,360,4,1",5",1)'), (6, "fk5", '# vector(10,20,3",40) vector=1'), (8, "fk5", "blob(10,20)"),
        (10, "image", "epanda(1,2,3,4,5,6,7,8,9)"), (15, "icrs", "ellipse(11,21,0,0,10)"),
        (16, "icrs", '-circle(1,2,3")&box(1,2,3",3",0)'), (17, "wcs", 'circle(1,2,3")'),
    ]  # fmt: skip
    assert [one.shape for one in file.regions] == ["circle", "text", "circle", "box"]
    assert file.regions[0].all_of("tag") == ("group 1", "b") and file.regions[0].all_of("text") == ('my "source"',)
    assert file.regions[0].all_of("color") == ("red",) and file.regions[0].all_of("dashlist") == ("8 3",)
    assert [one.composite for one in file.regions] == [0, 0, 1, 1]
    said = " ".join(file.sentences())
    assert "Line 8, « blob(10,20) »" in said and "is not known" in said


def test_that_a_file_written_and_read_again_is_the_same() -> None:
    first = parse_regions(NOT_UNDERSTOOD)
    text = regions_text(first)
    again = parse_regions(text)
    assert [one.whole for one in again.verbatim] == [one.whole for one in first.verbatim]
    for one, other in zip(again.regions, first.regions, strict=True):
        assert one.points[0] == pytest.approx(other.points[0], abs=1e-11)
        assert sorted(one.properties) == sorted(other.properties)
        assert (one.shape, one.include, one.composite) == (other.shape, other.include, other.composite)
        assert one.sizes_deg == pytest.approx(other.sizes_deg, abs=1e-12) and apart(one.angle_deg, other.angle_deg) < 1e-11
    assert again.groups[0].angle_deg == pytest.approx(first.groups[0].angle_deg)
    assert regions_text(again) == text


def test_that_astropy_reads_the_same_shapes_from_what_is_written() -> None:
    shapes = (
        Region("circle", ((10.0, -20.0),), (0.01,), properties=(("color", "red"),)),
        Region("annulus", ((10.0, -20.0),), (0.01, 0.02), include=False),
        Region("annulus", ((10.0, -20.0),), (0.0, 0.02)),
        Region("ellipse", ((359.9999, 89.0),), (0.01, 0.002), 123.4),
        Region("ellipse", ((5.0, 6.0),), (0.0, 0.0, 0.01, 0.02), 40.0),
        Region("box", ((5.0, 6.0),), (0.01, 0.02, 0.03, 0.06), 40.0, properties=(("tag", "{x}"), ("text", "{two words}"))),
        Region("polygon", ((1.0, 1.0), (1.1, 1.0), (1.05, 1.1))),
        Region("point", ((7.0, 8.0),), properties=(("point", "cross 11"),)),
        Region("line", ((7.0, 8.0), (7.1, 8.1))),
        Region("text", ((7.0, 8.0),), properties=(("text", "{here}"),)),
    )
    theirs = astropy_regions(regions_text(RegionFile(shapes)))
    names = [type(one).__name__.removesuffix("SkyRegion") for one in theirs]
    assert names == [
        "Circle", "CircleAnnulus", "Circle", "Ellipse", "Ellipse", "RectangleAnnulus", "Polygon", "Point", "Line", "Text",
    ]  # fmt: skip
    assert [bool(int(one.meta["include"])) for one in theirs] == [True, False, *[True] * 8]
    assert theirs[3].center.ra.deg == pytest.approx(359.9999, abs=1e-11)
    assert theirs[3].width.to_value("deg") == pytest.approx(0.02, abs=1e-12)
    assert position_angle(theirs[3]) == pytest.approx(123.4, abs=1e-10)
    assert theirs[5].outer_width.to_value("deg") == pytest.approx(0.03) and theirs[5].meta["text"] == "two words"


@pytest.mark.parametrize(
    "name", ["regions/daxa_0105261001.reg", "regions/xga_xmm_0401040101.reg", "regions/xga_erosita_224093.reg"]
)
def test_that_real_files_of_daxa_and_xga_agree_with_astropy(shared_data: Path, tmp_path: Path, name: str) -> None:
    from astropy.wcs import WCS
    from regions import Regions

    path, cards = shared_data / name, SKIES["rotated"]
    mine = read_region_file(path, pixel_system(image(tmp_path, **cards)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judges = list(Regions.read(path, format="ds9"))
    wcs = WCS(header_of(**cards))
    judges = [one if hasattr(one.center, "icrs") else one.to_sky(wcs) for one in judges]
    assert not mine.verbatim and len(mine.regions) == len(judges) > 20
    for one, judge in zip(mine.regions, judges, strict=True):
        centre = judge.center.icrs
        assert one.points[0] == pytest.approx((centre.ra.deg, centre.dec.deg), abs=NEAR)
        if one.shape == "ellipse":
            assert 2 * one.sizes_deg[0] == pytest.approx(judge.width.to_value("deg"), abs=NEAR)
            assert apart(one.angle_deg, position_angle(judge)) < TURNED
    # and once more through a file of ours
    write_region_file(tmp_path / "ours.reg", mine)
    again = astropy_regions((tmp_path / "ours.reg").read_text())
    assert len(again) == len(judges)
    assert [float(one.center.ra.deg) for one in again] == pytest.approx([one.points[0][0] for one in mine.regions], abs=1e-10)


def test_that_drawn_shapes_are_written_and_come_back() -> None:
    drawn = (
        SkyShape("circle", ((10.0, 20.0),), (0.1,)), SkyShape("box", ((10.0, 20.0),), (0.1, 0.2), 30.0, include=False),
        SkyShape("ellipse", ((10.0, 20.0),), (0.1, 0.2, 0.3, 0.6), 300.0), SkyShape("annulus", ((10.0, 20.0),), (0.1, 0.2)),
        SkyShape("polygon", ((10.0, 20.0), (10.1, 20.0), (10.0, 20.1))),
    )  # fmt: skip
    back = to_shapes(parse_regions(regions_text(from_shapes(drawn))).regions)
    for one, other in zip(back, drawn, strict=True):
        assert (one.shape, one.include) == (other.shape, other.include)
        assert one.sizes_deg == pytest.approx(other.sizes_deg) and one.angle_deg == pytest.approx(other.angle_deg)
        assert np.allclose(one.points, other.points, atol=1e-11)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("icrs\ncircle(1,2)", r"line 2: a circle needs one radius"),
        ("icrs\ncircle(1,2,3", r"line 2: a bracket or the numbers"),
        ("icrs\ncircle(1,95,3)", r"line 2: the position 1, 95 is not on the sky"),
        ("icrs\n\npolygon(1,2,3,4)", r"line 3: a polygon needs three"),
        ("icrs;ellipse(1,2,x,4,0)", r"line 1: « x » is no size"),
        ("icrs;annulus(1,2,4,3)", r"line 1: the sizes of the shape « annulus » do not grow"),
        ('icrs;circle(1,2,-3")', r"line 1: a size of the shape « circle » is negative"),
        ("image\ncircle(1,2,3)", r"line 2: the shape « circle » is in image coordinates"),
        ("circle(4096,4096,3)", r"line 1: the shape « circle » is in physical coordinates"),
        ("icrs;circle(1:61:00,2,3)", r"line 1: minutes or seconds"),
        ("icrs;rectangle(1,2,3,4)", r"line 1: a rectangle is given by pixels"),
    ],
)
def test_that_a_malformed_shape_names_its_line(text: str, said: str) -> None:
    with pytest.raises(FileError, match=said):
        parse_regions(text)


def test_that_hostile_files_are_refused_or_kept_and_never_crash(tmp_path: Path) -> None:
    (tmp_path / "zeros.reg").write_bytes(b"icrs\n\0\0")
    with pytest.raises(FileError, match="no text file"):
        read_region_file(tmp_path / "zeros.reg")
    with pytest.raises(FileError, match="cannot be read"):
        read_region_file(tmp_path / "none.reg")
    with pytest.raises(FileError, match="cannot be read"):
        read_region_file(tmp_path)
    odd = parse_regions('icrs\n<html>\n(((\ncircle(1,2,3") # text={unclosed tag={x}\n\u202e\n')
    assert len(odd.regions) == 1 and len(odd.verbatim) == 3
    assert "\n" not in odd.verbatim[0].text
    assert len(parse_regions(regions_text(odd)).verbatim) == 3


def test_that_a_file_without_world_coordinates_is_refused(tmp_path: Path) -> None:
    from astropy.io import fits

    fits.PrimaryHDU(np.zeros((4, 4), np.int16)).writeto(tmp_path / "plain.fits")
    with pytest.raises(FileError, match=r"plain\.fits does not tell where its pixels are"):
        pixel_system(tmp_path / "plain.fits")
    system = pixel_system(image(tmp_path, CTYPE1="RA---SIN", CTYPE2="DEC--SIN", CDELT1=-1.0, CDELT2=1.0))
    with pytest.raises((FileError, InputError), match="not on the sky"):
        parse_regions("image;circle(2,2,1)", pixels=system)


PIECES = (
    'circle(1,2,3")', 'box(1,2,3",4",5)', "panda(1,2,3)", "# vector(1,2)", "circle", "(", ")", ",", "1", "-5", "1e400", "nan",
    '"', "'", "#", " # ", " ", "\n", ";", "icrs\n", "image", "-", "!", "||", "&", "text={", "}", "10:20:30", "global ",
    "color=#ff0000",
    "# composite(", "# text(", "# verbatim ", "(X,Y) IN ", "line", "point", "tag={a", 'font="x', "galactic", "\u2028", "=",
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=22).map("".join))
def test_that_whatever_is_read_is_the_same_after_writing(text: str) -> None:
    """Garbage is refused with a sentence or kept, and what was understood once stays understood."""
    try:
        file = parse_regions(text)
    except FileError:
        return
    again = parse_regions(regions_text(file))
    assert [one.whole for one in again.verbatim] == [one.whole for one in file.verbatim]
    assert [(one.shape, one.include, sorted(one.properties)) for one in again.regions] == [
        (one.shape, one.include, sorted(one.properties)) for one in file.regions
    ]
    assert regions_text(again) == regions_text(file)
