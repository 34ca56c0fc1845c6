"""What file names of the twelve missions say, and that names from anywhere do no harm."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.mission import RawFile
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.missions import MISSIONS
from daxa_gui.missions.layout import exposure_text, plain_name
from tests.fakes.mission_trees import FURTHER_TREES, TREES

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
EVENTS, RAW, IMAGE = ProductKind.EVENTS, ProductKind.RAW, ProductKind.IMAGE
EXPOSURE_MAP, BACKGROUND_MAP = ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP
SPECTRUM, LIGHTCURVE = ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE

REAL_NAMES = {
    mission: sorted(
        {
            path.rpartition("/")[2]
            for tree in (TREES[mission], *(one for one in FURTHER_TREES if one.mission == mission))
            for paths in tree.files.values()
            for path in paths
        }
    )
    for mission in MISSIONS
}


def read_name(mission: str, name: str) -> RawFile | None:
    found: RawFile | None = resolve(MISSIONS[mission].raw_file)(name)
    return found


@pytest.mark.parametrize(
    ("mission", "name", "expected"),
    [
        ("xmm_pointed", "P0405320501M1S002IMAGE_1000.FTZ", RawFile(IMAGE, "M1", "S002", (0.2, 0.5))),
        ("xmm_pointed", "P0098010101M2U009IMAGE_3000.FTZ", RawFile(IMAGE, "M2", "U009", (1.0, 2.0))),
        ("xmm_pointed", "P0405320501EPX000OIMAGE8000.FTZ", RawFile(IMAGE, "M1_M2_PN", "X000", (0.2, 12.0))),
        ("xmm_pointed", "P0405320501PNS001EXPMAP3000.fits", RawFile(EXPOSURE_MAP, "PN", "S001", (1.0, 2.0))),
        ("xmm_pointed", "P0405320501PNS001BKGMAP6000.FTZ", RawFile(BACKGROUND_MAP, "PN", "S001B6")),
        ("xmm_pointed", "P0405320501PNS001SRSPEC000A.FTZ", RawFile(SPECTRUM, "PN", "S001SRSPEC000A")),
        ("xmm_pointed", "P0405320501M2S005SRCTSR8001.FTZ", RawFile(LIGHTCURVE, "M2", "S005SRCTSR8001")),
        ("xmm_pointed", "P0405320501R1S001FBKTSR0000.FTZ", RawFile(LIGHTCURVE, "R1", "S001FBKTSR0000")),
        ("xmm_pointed", "P0405320501M1S004TIEVLI0000.FTZ", None),
        ("xmm_pointed", "P0405320501R1S001EVENLI0000.FTZ", None),
        ("xmm_pointed", "P0405320501M1S001PIEVLI0000.FTZ", None),
        ("xmm_pointed", "0809_0201901401_M1U00210IME.FIT", RawFile(RAW, "M1", "U002")),
        ("xmm_pointed", "0809_0201901401_OMS40401IMI.FIT.gz", RawFile(RAW, "OM", "S404")),
        ("xmm_pointed", "0809_0201901401_SCX00000ROS.ASC", RawFile(RAW, "", "X000")),
        ("xmm_pointed", "0809_0201901401_RMX00000ECX.FIT.gz", RawFile(RAW, "", "X000")),
        ("xmm_pointed", "MANIFEST.266826", RawFile(RAW, "")),
        ("chandra", "acisf03205N006_full_img2.fits.gz", RawFile(IMAGE, "ACIS", "E001", (0.5, 7.0))),
        ("chandra", "hrcf06298N006_cntr_img2.fits", RawFile(IMAGE, "HRC", "E001CNTR", (0.06, 10.0))),
        ("chandra", "acisf01612_000N003_e2_evt2.fits.gz", RawFile(EVENTS, "ACIS", "E002")),
        ("chandra", "acisf00108_001N002_evt2.fits", RawFile(EVENTS, "ACIS", "E001P001")),
        ("chandra", "acisf02749N004_pha2.fits.gz", RawFile(SPECTRUM, "ACIS", "E001")),
        ("chandra", "acisf02749N004_Hm1_arf2.fits.gz", RawFile(SPECTRUM, "ACIS", "E001ARFHM1")),
        ("chandra", "acisf02749_000N004_evt1.fits.gz", RawFile(RAW, "ACIS")),
        ("chandra", "pcadf02749_000N001_asol1.fits.gz", None),
        ("erosita_all_sky_de_dr1", "em01_134135_024_Image_c010.fits", RawFile(IMAGE, "TM0", "ALL", (0.2, 2.3))),
        ("erosita_all_sky_de_dr1", "eb01_134135_021_ExposureMap_c010.fits.gz", RawFile(EXPOSURE_MAP, "TM0", "ALL", (0.2, 0.6))),
        ("erosita_all_sky_de_dr1", "em01_134135_023_BackgrImage_c020.fits", RawFile(BACKGROUND_MAP, "TM0", "ALL", (2.3, 5.0))),
        ("erosita_all_sky_de_dr1", "em01_182117_020_SourceSpec_00005_c010.fits", RawFile(SPECTRUM, "TM0", "SOURCESPEC00005")),
        ("erosita_all_sky_de_dr1", "em01_182117_820_LightCurve_00005_c010.fits", RawFile(LIGHTCURVE, "TM8", "LIGHTCURVE00005")),
        ("erosita_calpv", "fm00_500171_010_EventList_c001.fits", RawFile(EVENTS, "TM0", "FW1")),
        ("nustar_pointed", "nu40001014013A01_sk.img.gz", RawFile(IMAGE, "FPMA", "ALL", (3.0, 78.0))),
        ("nustar_pointed", "nu40001014013B_uf.evt.gz", RawFile(RAW, "FPMB")),
        ("nustar_pointed", "nu40001014013A01_sr.pha.gz", RawFile(SPECTRUM, "FPMA", "SRPHA")),
        ("nustar_pointed", "nu40001014013A01_bk.lc", RawFile(LIGHTCURVE, "FPMA", "BKLC")),
        ("nustar_pointed", "nu40001014013_att.fits.gz", RawFile(RAW, "")),
        ("swift", "sw00085374001xwtw2sl_cl.evt.gz", RawFile(RAW, "XRT")),
        ("swift", "sw00085374001xwtw2po_cl.evt", RawFile(EVENTS, "XRT", "WTW2PO")),
        ("swift", "sw00085374001xpcw3po_uf.evt.gz", RawFile(RAW, "XRT")),
        ("swift", "sw00085374001uw1_sk.img.gz", RawFile(IMAGE, "UVOT", "W1")),
        ("swift", "sw00085374001u_ex.img.gz", RawFile(EXPOSURE_MAP, "UVOT", "ALL")),
        ("swift", "sw00085374001uat.fits.gz", None),
        ("swift", "sw00085374001bevshsp_uf.evt.gz", RawFile(RAW, "BAT")),
        ("swift", "sw00085374001xwtw2posr.pha.gz", RawFile(SPECTRUM, "XRT", "WTW2POSRPHA")),
        ("rosat_all_sky", "rs930521n00_im2.fits.Z", RawFile(IMAGE, "PSPC", "ALL", (0.4, 2.4))),
        ("rosat_all_sky", "rs930521n00_mex.fits", RawFile(EXPOSURE_MAP, "PSPC")),
        ("suzaku", "ae701018010xi0_0_3x3n066z_cl.evt.gz", RawFile(EVENTS, "XIS0", "3X3N066Z")),
        ("suzaku", "ae701018010xi3_2_5x5b092a_cl.evt", RawFile(EVENTS, "XIS3", "5X5B092AR2")),
        ("suzaku", "ae701018010xi0_0_timn070a_cl.evt", RawFile(RAW, "XIS0")),
        ("suzaku", "ae701018010xis_0_conf_uf.gti.gz", RawFile(RAW, "")),
        ("asca", "ad51011020s100102h.evt.gz", RawFile(EVENTS, "SIS1", "00102H")),
        ("asca", "ad10012000g200170h.evt", RawFile(EVENTS, "GIS2", "00170H")),
        ("asca", "ad10012000g200170h.unf", RawFile(RAW, "GIS2")),
        ("asca", "ad51011020gis25670_hi.totsky", RawFile(IMAGE, "GIS2_GIS3", "25670", (2.0, 10.0))),
        ("asca", "ad51011020sis32002.totexo", RawFile(EXPOSURE_MAP, "SIS0_SIS1", "32002")),
        ("asca", "ad51011020sis32002.gif", None),
        ("integral_pointed", "jmx1_events.fits.gz", RawFile(RAW, "JEMX1")),
        ("integral_pointed", "ibis_hk.fits.gz", RawFile(RAW, "ISGRI_PICsIT")),
        ("integral_pointed", "swg.fits", RawFile(RAW, "")),
        ("xrism_pointed", "xa000126000rsl_p0px1000_cl.evt.gz", RawFile(EVENTS, "RESOLVE", "PX1000")),
        ("xrism_pointed", "xa000126000rsl_p0px5000_cl.evt", RawFile(RAW, "RESOLVE")),
        ("xrism_pointed", "xa000126000xtd_p031100010_cl.evt", RawFile(EVENTS, "XTEND", "31100010")),
        ("xrism_pointed", "xa000126000xtd_p031100010_uf.evt.gz", RawFile(RAW, "XTEND")),
        ("xrism_pointed", "xa000126000rsl_p0px1000_cl.sky.img.gz", RawFile(IMAGE, "RESOLVE", "PX1000", (1.7, 12.0))),
        ("xrism_pointed", "xa000126000rsl_p0px1000_cl.evt.gz.gpg", None),
    ],
)  # fmt: skip
def test_that_a_file_name_tells_what_the_documents_say(mission: str, name: str, expected: RawFile | None) -> None:
    assert read_name(mission, name) == expected


def is_harmless(mission: str, about: RawFile | None) -> bool:
    if about is None:
        return True
    names = {one.name for one in MISSIONS[mission].instruments} | {"PSPC", *(f"TM{n}" for n in range(10))}
    return re.fullmatch("[A-Za-z0-9]+", about.exposure) is not None and set(about.instrument.split("_")) <= names | {""}


HOSTILE = (
    "", ".", "..", "../x", "/etc/passwd", "a b", "\0", "x\n", "P0405320501M1S002IMAGE_1000.FTZ\n", "..\\x", "ä.fits", "CON",
    "\u202egnp.evt", "acisf03205N006_evt2.fits.gz.gz.sh", "acisf٣٣٣٣٣N006_evt2.fits", "sw00085374001xpcw3po_cl.evt/../../x", "~",
    "$(x).fits",
    "P0405320501M1ſ002IMAGE_1000.FTZ", "x" * 5000, ".gz", ".Z", "nu40001014013A01_cl.evt .gz",
)  # fmt: skip


@pytest.mark.parametrize("mission", list(MISSIONS))
@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:30])
def test_that_hostile_names_say_nothing(mission: str, name: str) -> None:
    about = read_name(mission, name)
    assert is_harmless(mission, about)
    assert about is None or (mission == "integral_pointed" and about == RawFile(RAW, ""))


@pytest.mark.parametrize("mission", list(MISSIONS))
@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:30])
def test_that_files_with_hostile_names_are_not_wanted(mission: str, name: str) -> None:
    tree = TREES[mission]
    for folder in resolve(MISSIONS[mission].files)(tree.obs_id, tree.row):
        if re.fullmatch(folder.wanted, name):
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", name)


@pytest.mark.parametrize("mission", list(MISSIONS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_that_any_change_of_a_real_name_leaves_it_harmless(mission: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(REAL_NAMES[mission]))
    place = data.draw(st.integers(0, len(name)))
    cut = data.draw(st.integers(0, 3))
    changed = name[:place] + data.draw(st.text(max_size=4)) + name[place + cut :]
    assert is_harmless(mission, read_name(mission, changed))


@pytest.mark.parametrize("mission", list(MISSIONS))
def test_that_names_which_differ_only_in_their_packing_are_read_alike(mission: str) -> None:
    for name in REAL_NAMES[mission]:
        plain = plain_name(name)
        assert {read_name(mission, f"{plain}{packing}") for packing in ("", ".gz", ".Z")} == {read_name(mission, plain)}


def test_that_a_text_of_exposures_has_capital_letters_digits_and_small_x_only() -> None:
    assert exposure_text("pcw3po") == "PCW3PO"
    assert exposure_text("225670_1", "", "pi") == "225670x1xPI"
    assert exposure_text("../ä") == "x"
    assert exposure_text() == ""


def real_file(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip("the folder of real data is not there")
    return SHARED / name


def test_that_the_band_in_the_name_of_a_real_image_is_the_one_in_its_header() -> None:
    path = real_file("xmm/pps_P0098010101M2U009IMAGE_3000.FTZ")
    about = read_name("xmm_pointed", path.name.removeprefix("pps_"))
    header = gzip.decompress(path.read_bytes())[: 2880 * 12]
    cards = [header[place : place + 80].decode("ascii") for place in range(0, len(header), 80)]
    value = {card[:8].strip(): card[10:].split("'")[1].strip() for card in cards if "'" in card[10:]}
    low_ev, high_ev = re.fullmatch(r"\((\d+):(\d+)", value["DSVAL4"]).groups()  # type: ignore[union-attr]
    assert about is not None and value["DSTYP4"] == "PI"
    assert about.band_kev == (int(low_ev) / 1000, int(high_ev) / 1000)
    assert (about.instrument, about.exposure) == ("M2", value["EXPIDSTR"])


def test_that_all_raw_data_of_a_real_observation_are_wanted() -> None:
    """`odfingest` listed them; the summary itself is its own work, not the archive's."""
    summary = real_file("xmm/0201901401/odf/0809_0201901401_SCX00000SUM.SAS").read_text(encoding="ascii", errors="replace")
    names = re.findall(r"^\s*(\S+)\s+/ ODF Constituent", summary, re.MULTILINE)
    folder = resolve(MISSIONS["xmm_pointed"].files)("0201901401", {})[1]
    unwanted = [name for name in names if not re.fullmatch(folder.wanted, f"{name}.gz")]
    assert len(names) == 160 and unwanted == ["0809_0201901401_SCX00000SUM.SAS"]
    instruments = {about.instrument for name in names if (about := read_name("xmm_pointed", name))}
    assert instruments == {"M1", "M2", "PN", "OM", "R1", "R2", ""}
