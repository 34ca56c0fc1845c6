"""The missions' declarations: names, ObsIDs, default distances, archive layouts, file names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import MissionSpec, RawFile
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.missions import MISSIONS, event_formats, searchable

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
ALL = [MISSIONS[name] for name in MISSIONS]
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "xmm_pointed": ("0405320501", {}),
    "chandra": ("3205", {}),
    "erosita_calpv": ("700199", {"archive_url": "https://example.org/CalPvObs/Puppis_A.tar.gz"}),
    "erosita_all_sky_de_dr1": ("134135", {}),
    "nustar_pointed": ("40001014013", {}),
    "swift": ("00085374001", {"start_mjd": iso_to_mjd("2014-11-02T07:00")}),
    "rosat_pointed": ("RP700068N00", {}),
}


def folders(name: str) -> Any:
    obs_id, row = ROWS[name]
    return resolve(MISSIONS[name].files)(obs_id, row)


def read_name(name: str, file_name: str) -> RawFile | None:
    found: RawFile | None = resolve(MISSIONS[name].raw_file)(file_name)
    return found


def test_that_every_mission_is_registered_under_its_own_name() -> None:
    assert [spec.name for spec in ALL] == list(MISSIONS)
    assert len(ALL) == 12


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_that_a_mission_accepts_its_own_example_and_no_other_text_as_obs_id(spec: MissionSpec) -> None:
    assert spec.is_obs_id(spec.obs_id_example)
    for text in ("", f"{spec.obs_id_example}\n", f" {spec.obs_id_example}", f"../{spec.obs_id_example}", "٣" * 10, "1" * 40):
        assert not spec.is_obs_id(text)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_that_default_instruments_are_instruments_of_the_mission(spec: MissionSpec) -> None:
    assert spec.default_instruments
    assert set(spec.default_instruments) <= {instrument.name for instrument in spec.instruments}


def test_that_missions_can_be_told_apart_by_colour_and_by_symbol() -> None:
    assert len({spec.colour for spec in ALL}) == len(ALL)
    assert len({spec.symbol for spec in ALL}) == len(ALL)
    assert all(re.fullmatch("#[0-9A-F]{6}", spec.colour) for spec in ALL)


@pytest.mark.parametrize(
    ("name", "instrument", "arcmin"),
    [
        ("xmm_pointed", "", 18.0),
        ("chandra", "ACIS", 33.36),
        ("chandra", "HRC", 59.4),
        ("erosita_calpv", "", 324.0),
        ("erosita_all_sky_de_dr1", "", 129.6),
        ("nustar_pointed", "", 7.8),
        ("swift", "XRT", 14.16),
        ("swift", "UVOT", 10.2),
        ("swift", "BAT", 3600.0),
        ("rosat_all_sky", "", 216.0),
        ("rosat_pointed", "PSPCB", 72.0),
        ("rosat_pointed", "HRI", 22.8),
        ("suzaku", "", 11.4),
        ("asca", "", 30.0),
        ("asca", "SIS0", 13.2),
        ("integral_pointed", "", 298.8),
        ("xrism_pointed", "", 22.8),
    ],
)
def test_that_the_default_search_distance_is_a_fifth_more_than_the_field_of_view(
    name: str, instrument: str, arcmin: float
) -> None:
    assert MISSIONS[name].search_radius_deg(instrument) * 60 == pytest.approx(arcmin, rel=1e-12)


@pytest.mark.parametrize(
    ("mission", "text", "name"),
    [
        ("xmm_pointed", "MOS1", "M1"), ("xmm_pointed", "mos2", "M2"), ("xmm_pointed", "RGS1", "R1"),
        ("xmm_pointed", "rgs2", "R2"),
        ("xmm_pointed", " pn ", "PN"), ("chandra", "acis-i", "ACIS"), ("chandra", "HRC-S", "HRC"),
        ("nustar_pointed", "fa", "FPMA"),
        ("rosat_pointed", "PSPC B", "PSPCB"), ("rosat_pointed", "pspc  c", "PSPCC"), ("suzaku", "x3", "XIS3"),
        ("asca", "g2", "GIS2"),
        ("integral_pointed", "PICSIT", "PICsIT"), ("integral_pointed", "picsit", "PICsIT"), ("xrism_pointed", "Xtend", "XTEND"),
    ],
)  # fmt: skip
def test_that_instruments_are_found_by_alias_and_in_any_case(mission: str, text: str, name: str) -> None:
    assert MISSIONS[mission].instrument(text).name == name


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_that_an_unknown_instrument_is_refused_with_all_that_there_are(spec: MissionSpec) -> None:
    with pytest.raises(InputError, match="no instrument « NOTHING »") as refused:
        spec.instrument("NOTHING")
    for instrument in spec.instruments:
        assert all(name in refused.value.hint for name in (instrument.name, *instrument.aliases))


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_that_names_and_aliases_of_instruments_are_no_two_things(spec: MissionSpec) -> None:
    names = [name.casefold() for one in spec.instruments for name in {one.name.casefold(), *map(str.casefold, one.aliases)}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("mission", "instrument", "shape", "half_size_arcmin"),
    [
        ("xmm_pointed", "PN", "circle", 15.0), ("xmm_pointed", "OM", "square", 8.5), ("chandra", "ACIS", "square", 8.45),
        ("chandra", "HRC", "square", 15.0), ("erosita_calpv", "TM1", "circle", 270.0),
        ("erosita_all_sky_de_dr1", "TM7", "tile", 108.0), ("nustar_pointed", "FPMB", "square", 6.5),
        ("swift", "XRT", "square", 11.8), ("swift", "UVOT", "square", 8.5), ("swift", "BAT", "circle", 3000.0),
        ("rosat_all_sky", "PSPC", "square", 192.0), ("rosat_pointed", "PSPCB", "circle", 60.0),
        ("rosat_pointed", "HRI", "circle", 19.0),
        ("suzaku", "XIS0", "square", 9.5), ("asca", "SIS0", "square", 11.0), ("asca", "GIS3", "circle", 25.0),
        ("integral_pointed", "JEMX1", "circle", 144.0), ("integral_pointed", "ISGRI", "square", 249.0),
        ("integral_pointed", "SPI", "circle", 420.0), ("xrism_pointed", "RESOLVE", "square", 1.5),
        ("xrism_pointed", "XTEND", "square", 19.0),
    ],
)  # fmt: skip
def test_that_fields_of_view_have_shapes(mission: str, instrument: str, shape: str, half_size_arcmin: float) -> None:
    footprint = MISSIONS[mission].instrument(instrument).shape
    assert footprint.shape == shape
    assert footprint.half_size_deg * 60 == pytest.approx(half_size_arcmin, rel=1e-12)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_that_bands_are_bands_of_the_missions_instruments(spec: MissionSpec) -> None:
    for band in spec.bands:
        assert 0 < band.low_kev < band.high_kev
        assert band.instrument == "" or band.instrument in {one.name for one in spec.instruments}


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_that_every_mission_has_a_table_and_says_which_data_may_be_proprietary(spec: MissionSpec) -> None:
    assert (spec.table is None) == bool(spec.sources)
    assert spec.has_proprietary == (spec.name in {"xmm_pointed", "chandra", "nustar_pointed", "xrism_pointed"})
    assert spec.acknowledgement


@pytest.mark.parametrize(
    ("mission", "text", "allowed"),
    [
        ("rosat_pointed", "rp123456n00", True), ("rosat_pointed", "RP123456n00", True), ("rosat_pointed", "RP123456", True),
        ("rosat_pointed", "RX123456", False), ("rosat_pointed", "RP123456N0", False), ("rosat_all_sky", "rs930521n00", True),
        ("rosat_all_sky", "RS930521", False), ("rosat_all_sky", "R\u017f930521N00", False), ("chandra", "123456", False),
    ],
)  # fmt: skip
def test_that_rosats_obs_ids_may_have_letters_of_any_case(mission: str, text: str, allowed: bool) -> None:
    assert MISSIONS[mission].is_obs_id(text) == allowed


def test_that_all_missions_can_be_searched() -> None:
    assert [spec.name for spec in searchable()] == [spec.name for spec in ALL]


def test_that_event_formats_have_names_of_their_own_and_compare_in_upper_case() -> None:
    formats = event_formats()
    assert len({one.name for one in formats}) == len(formats)
    for one in formats:
        assert one.telescopes
        assert all(name == name.upper() for name in (*one.telescopes, *one.instruments))
        assert one.default_band_kev[0] < one.default_band_kev[1]
        assert one.flare_band_kev[0] < one.flare_band_kev[1]
    assert {one.mission for one in formats} - set(MISSIONS) == {"nicer"}


def test_that_the_mos_flag_mask_is_the_one_that_sas_writes_into_event_lists() -> None:
    bits = "000x00xx00x0x000x0xxxxxxxxxxxxx"  # DSVAL of #XMMEA_EM: the first character is bit 30
    mask = sum(1 << (30 - place) for place, bit in enumerate(bits) if bit == "0")
    mos = next(one for one in event_formats() if one.name == "xmm_mos")
    assert mos.flag_mask == mask


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("xmm/0404910601/eclean/mos1_exp1_clean_evts.fits", "xmm_mos"),
        ("chandra/15043_flare_evt2.fits", "chandra_acis"),
        ("nustar/nu90410111001A06_cl_sunpos.evt", "nustar_fpm"),
        ("swift/2014_11/00085374001/xrt/event/sw00085374001xpcw3po_cl.evt.gz", "swift_xrt"),
        ("nicer_rxte/sgr1830kgfilt.evt", "nicer_xti"),
    ],
)
def test_that_a_real_file_has_what_its_format_says(file: str, name: str) -> None:
    if not (SHARED / file).exists():
        pytest.skip("the folder of real data is not there")
    from astropy.io import fits

    with fits.open(SHARED / file) as hdus:
        hdu = next(h for h in hdus if h.name in ("EVENTS", "STDEVT"))
        header, columns = hdu.header, set(hdu.columns.names)
    fitting = [
        one
        for one in event_formats()
        if header["TELESCOP"].upper() in one.telescopes and (not one.instruments or header["INSTRUME"].upper() in one.instruments)
    ]
    assert [one.name for one in fitting] == [name]
    needed = {
        fitting[0].time_column,
        fitting[0].energy_column,
        fitting[0].pattern_column,
        fitting[0].ccd_column,
        fitting[0].x_column,
    }
    assert needed - {""} <= columns
    mjdref = header.get("MJDREF", header.get("MJDREFI", 0) + header.get("MJDREFF", 0))
    assert fitting[0].mjdref == pytest.approx(mjdref, abs=1e-9)


@pytest.mark.parametrize("name", list(ROWS))
def test_that_a_malformed_obs_id_never_reaches_a_path(name: str) -> None:
    for obs_id in ("../../etc", "", "0405320501/..", ".*"):
        with pytest.raises(InputError, match="not an ObsID"):
            resolve(MISSIONS[name].files)(obs_id, ROWS[name][1])


@pytest.mark.parametrize(
    ("name", "number", "service", "path", "wanted", "unwanted"),
    [
        (
            "xmm_pointed", 0, "heasarc", "xmm/data/rev0/0405320501/PPS/",
            ["P0405320501M1S001MIEVLI0000.FTZ", "P0405320501M2U002MIEVLI0000.FTZ", "P0405320501PNS003PIEVLI0000.FTZ"],
            ["P0405320501PNS003TIEVLI0000.FTZ", "P0405320501M1S001IMAGE_1000.FTZ", "P0405320502M1S001MIEVLI0000.FTZ",
             "P0405320501R1S004EVENLI0000.FTZ", "P0405320501M1S001PIEVLI0000.FTZ", "P0405320501M1S001MIEVLI0000.FTZ.asc"],
        ),
        (
            "chandra", 0, "heasarc", "chandra/data/byobsid/5/3205/primary/",
            ["acisf03205N006_evt2.fits.gz", "acisf03205_000N002_evt2.fits.gz", "acisf03205_e1_N002_evt2.fits.gz"],
            ["acisf03205N006_full_img2.fits.gz", "acisf03205N006_evt1.fits.gz"],
        ),
        ("erosita_calpv", 0, "erosita_edr", "", ["Puppis_A.tar.gz"], ["PuppisxA.tar.gz", "Puppis_A.tar.gz.md5"]),
        (
            "erosita_all_sky_de_dr1", 0, "erosita_dr1", "135/134/EXP_010/",
            ["em01_134135_020_EventList_c010.fits.gz", "eb01_134135_020_EventList_c010.fits.gz"],
            ["em01_134135_024_Image_c010.fits.gz", "em01_135134_020_EventList_c010.fits.gz"],
        ),
        (
            "nustar_pointed", 0, "heasarc", "nustar/data/obs/00/4/40001014013/event_cl/",
            ["nu40001014013A01_cl.evt.gz", "nu40001014013B01_cl.evt.gz"],
            ["nu40001014013A06_cl.evt.gz", "nu40001014013A01_sk.img.gz", "nu40001014013A_uf.evt.gz"],
        ),
        (
            "swift", 0, "heasarc", "swift/data/obs/2014_11/00085374001/xrt/event/",
            ["sw00085374001xpcw3po_cl.evt.gz", "sw00085374001xwtw2po_cl.evt.gz"],
            ["sw00085374001xwtw2sl_cl.evt.gz", "sw00085374001xpcw3po_uf.evt.gz"],
        ),
        (
            "rosat_pointed", 0, "heasarc", "rosat/data/pspc/processed_data/700000/rp700068n00/",
            ["rp700068n00_bas.fits.Z"], ["rp700068n00_im1.fits.Z", "rp700068n00_anc.fits.Z"],
        ),
    ],
)  # fmt: skip
def test_that_the_archive_layout_names_the_event_lists(
    name: str, number: int, service: str, path: str, wanted: list[str], unwanted: list[str]
) -> None:
    folder = folders(name)[number]
    assert (folder.service, folder.path) == (service, path)
    if folder.archive_members:  # the event lists are in a tar file
        assert [text for text in (*wanted, *unwanted) if re.fullmatch(folder.wanted, text)] == wanted
        return
    assert ProductKind.EVENTS in folder.all_kinds

    def is_event_list(text: str) -> bool:
        about = read_name(name, text)
        return re.fullmatch(folder.wanted, text) is not None and about is not None and about.kind is ProductKind.EVENTS

    assert [text for text in (*wanted, *unwanted) if is_event_list(text)] == wanted


@pytest.mark.parametrize("name", list(ROWS))
def test_that_folders_lead_nowhere_else(name: str) -> None:
    for folder in folders(name):
        for path in (folder.path, folder.local):
            assert not path.startswith("/") and ".." not in path


def test_that_hri_observations_lie_in_the_tree_of_the_hri() -> None:
    files = resolve(MISSIONS["rosat_pointed"].files)
    assert files("RH400344N00", {})[0].path == "rosat/data/hri/processed_data/400000/rh400344n00/"


def test_that_only_the_members_of_one_observation_are_taken_from_a_fields_tar_file() -> None:
    members = folders("erosita_calpv")[0].archive_members
    assert re.fullmatch(members, "Puppis_A/pm00_700199_020_EventList_c001.fits")
    assert re.fullmatch(members, "fm00_700199_010_EventList_c001.fits")
    assert not re.fullmatch(members, "Puppis_A/pm00_700200_020_EventList_c001.fits")
    assert not re.fullmatch(members, "Puppis_A/pm00_700199_020_EventList_c001.fits.sh")


@pytest.mark.parametrize(
    "url", ["", "https://example.org/", "https://example.org/..tar.gz/", "https://example.org/a%2f..%2fb.tar.gz"]
)
def test_that_an_unusable_archive_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="does not say"):
        resolve(MISSIONS["erosita_calpv"].files)("700199", {"archive_url": url})


def test_that_a_swift_observation_without_a_start_has_no_folder() -> None:
    with pytest.raises(InputError, match="start"):
        resolve(MISSIONS["swift"].files)("00085374001", {"start_mjd": float("nan")})


@pytest.mark.parametrize(
    ("name", "file_name", "expected"),
    [
        ("xmm_pointed", "P0405320501M1S002MIEVLI0000.FTZ", RawFile(ProductKind.EVENTS, "M1", "S002")),
        ("xmm_pointed", "P0405320501PNU014PIEVLI0000.fits", RawFile(ProductKind.EVENTS, "PN", "U014")),
        ("chandra", "acisf03205N006_evt2.fits.gz", RawFile(ProductKind.EVENTS, "ACIS", "E001")),
        ("chandra", "hrcf00268N003_evt2.fits", RawFile(ProductKind.EVENTS, "HRC", "E001")),
        ("chandra", "acisf03205_e2_N002_evt2.fits", RawFile(ProductKind.EVENTS, "ACIS", "E002")),
        ("chandra", "acisf00108_001N002_evt2.fits", RawFile(ProductKind.EVENTS, "ACIS", "E001P001")),
        ("chandra", "oif.fits", RawFile(ProductKind.RAW, "")),
        ("erosita_calpv", "fm00_500171_020_EventList_c001.fits", RawFile(ProductKind.EVENTS, "TM0")),
        ("erosita_all_sky_de_dr1", "em01_134135_020_EventList_c010.fits.gz", RawFile(ProductKind.EVENTS, "TM0")),
        ("nustar_pointed", "nu40001014013B01_cl.evt", RawFile(ProductKind.EVENTS, "FPMB")),
        ("nustar_pointed", "nu90410111001A06_cl.evt", RawFile(ProductKind.RAW, "FPMA", "M06")),
        ("swift", "sw00085374001xpcw3po_cl.evt.gz", RawFile(ProductKind.EVENTS, "XRT", "PCW3PO")),
        ("swift", "sw00085374001xpc_sk.img.gz", RawFile(ProductKind.IMAGE, "XRT", "PC", (0.01, 10.23))),
        ("swift", "sw00085374001xpc_ex.img.gz", RawFile(ProductKind.EXPOSURE_MAP, "XRT", "PC", (0.01, 10.23))),
        ("rosat_pointed", "rp700068n00_bas.fits.Z", RawFile(ProductKind.EVENTS, "PSPC")),
        ("rosat_pointed", "rh701867a01_bas.fits", RawFile(ProductKind.EVENTS, "HRI")),
        ("rosat_pointed", "rp700068n00_anc.fits.Z", RawFile(ProductKind.RAW, "PSPC")),
    ],
)
def test_that_a_file_name_tells_instrument_and_exposure(name: str, file_name: str, expected: RawFile) -> None:
    assert read_name(name, file_name) == expected


@pytest.mark.parametrize("name", list(ROWS))
def test_that_other_file_names_tell_nothing(name: str) -> None:
    for file_name in ("", "index.html", "readme.txt", "../P0405320501M1S002MIEVLI0000.FTZ", "sw00085374001sat.fits.gz"):
        assert read_name(name, file_name) is None


def test_that_the_documentation_has_a_row_for_every_mission_with_its_tables_and_instruments() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "missions.md").read_text(encoding="utf-8")
    rows = {
        line.split("|")[1].strip(" `"): line for line in text.split("## Energy bands")[0].splitlines() if line.startswith("| `")
    }
    assert list(rows) and set(rows) == {spec.name for spec in ALL}
    for spec in ALL:
        for source in spec.sources:
            assert f"`{source.table}`" in rows[spec.name]
        names = {"TM1", "TM7"} if spec.name.startswith("erosita") else {one.name for one in spec.instruments}
        if spec.name == "suzaku":
            names = {"XIS0", "XIS3"}
        assert all(name in rows[spec.name] for name in names)
        bold = set(re.findall(r"\*\*(\w+)\*\*", rows[spec.name]))
        assert bold <= set(spec.default_instruments) and (bold == set(spec.default_instruments) or "…" in rows[spec.name])
