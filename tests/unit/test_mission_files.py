"""What the twelve missions offer to download: folders, kinds, instruments, bands, from realistic trees of their archives."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.archive.adoption import ADOPTED
from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import MissionSpec, RawFile, RemoteFolder
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.product_names import product_name
from daxa_gui.core.registry import resolve
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.missions import MISSIONS
from daxa_gui.missions.layout import checked_obs_id
from daxa_gui.remote.services import SERVICES
from daxa_gui.remote.unpack import unpacked_name
from tests.fakes import mission_trees as trees
from tests.fakes.mission_trees import FURTHER_TREES, TREES, MissionTree

EVENTS, RAW, IMAGE = ProductKind.EVENTS, ProductKind.RAW, ProductKind.IMAGE
EXPOSURE_MAP, BACKGROUND_MAP = ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP
SPECTRUM, LIGHTCURVE = ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE
ALL_TREES = (*TREES.values(), *FURTHER_TREES)
every_tree = pytest.mark.parametrize("tree", ALL_TREES, ids=lambda tree: f"{tree.mission}-{tree.obs_id}")
every_mission = pytest.mark.parametrize("spec", [MISSIONS[name] for name in MISSIONS], ids=lambda spec: spec.name)


def folders(tree: MissionTree, **row: Any) -> tuple[RemoteFolder, ...]:
    found: tuple[RemoteFolder, ...] = resolve(MISSIONS[tree.mission].files)(tree.obs_id, {**tree.row, **row})
    return found


def matches(folder: RemoteFolder, paths: Iterator[str] | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The paths of wanted files in a folder, and what each is below `local`."""
    for path in paths:
        below = path.removeprefix(folder.path)
        if not path.startswith(folder.path) or ("/" in below and not folder.recursive):
            continue
        if re.fullmatch(folder.wanted, below.rpartition("/")[2]):
            yield path, f"{folder.local}/{below}".lstrip("/")


def offered(tree: MissionTree, **row: Any) -> dict[str, tuple[RemoteFolder, RawFile | None, str]]:
    """Path → the folder that has it, what its name says, and its place here (with the shared files' root marked)."""
    reader = resolve(MISSIONS[tree.mission].raw_file)
    found = {}
    for folder in folders(tree, **row):
        for path, place in matches(folder, tree.paths(folder.service)):
            assert path not in found, f"{path} is in two folders"
            found[path] = (folder, reader(path.rpartition("/")[2]), f"{'shared:' if folder.shared else ''}{place}")
    return found


def kind_of(folder: RemoteFolder, raw: RawFile | None) -> ProductKind:
    return folder.kind if raw is None else raw.kind


def of_kind(tree: MissionTree, kind: ProductKind) -> dict[str, RawFile]:
    return {
        path.rpartition("/")[2]: raw for path, (folder, raw, _) in offered(tree).items() if raw and kind_of(folder, raw) is kind
    }


@every_tree
def test_that_everything_of_use_is_offered_and_nothing_else(tree: MissionTree) -> None:
    everything = {path for paths in tree.files.values() for path in paths}
    assert set(offered(tree)) == everything - tree.decoys


@every_tree
def test_that_a_folder_says_every_kind_that_it_holds(tree: MissionTree) -> None:
    kinds = {kind_of(folder, raw) for folder, raw, _ in offered(tree).values()}
    assert kinds <= set(MISSIONS[tree.mission].kinds)
    for path, (folder, raw, _) in offered(tree).items():
        assert kind_of(folder, raw) in folder.all_kinds, path


@pytest.mark.parametrize("mission", list(MISSIONS))
def test_that_a_mission_offers_the_kinds_that_it_has_and_no_others(mission: str) -> None:
    tree, spec = TREES[mission], MISSIONS[mission]
    assert {kind_of(folder, raw) for folder, raw, _ in offered(tree).values()} == set(spec.kinds)
    assert len(set(spec.kinds)) == len(spec.kinds)


@every_tree
def test_that_no_two_files_become_one_file_here(tree: MissionTree) -> None:
    places = Counter(unpacked_name(place).lower() for _, _, place in offered(tree).values())
    assert max(places.values()) == 1


@every_tree
def test_that_no_two_products_of_an_observation_have_the_same_key(tree: MissionTree) -> None:
    keys = [raw for folder, raw, _ in offered(tree).values() if raw and kind_of(folder, raw) in ADOPTED]
    assert len(set(keys)) == len(keys)
    names = [
        product_name(ProductKey(tree.mission, tree.obs_id, raw.kind, raw.instrument, raw.exposure, raw.band_kev)).lower()
        for raw in keys
    ]
    assert len(set(names)) == len(names)


@every_tree
def test_that_what_names_say_is_in_the_missions_own_words(tree: MissionTree) -> None:
    spec = MISSIONS[tree.mission]
    own = {one.name for one in spec.instruments} | {"TM0", "TM8", "TM9", "PSPC"}
    bands = {(band.low_kev, band.high_kev) for band in spec.bands}
    for path, (_, raw, _) in offered(tree).items():
        if raw is not None:
            assert not raw.instrument or set(raw.instrument.split("_")) <= own, path
            assert re.fullmatch("[A-Za-z0-9]+", raw.exposure), path
            assert raw.band_kev is None or raw.band_kev in bands, path


@every_tree
def test_that_names_mean_the_same_before_and_after_unpacking(tree: MissionTree) -> None:
    reader = resolve(MISSIONS[tree.mission].raw_file)
    for path in offered(tree):
        name = path.rpartition("/")[2]
        assert reader(unpacked_name(name)) == reader(name), name


# -- counts by kind and instrument --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (trees.XMM, {(EVENTS, "M1"): 2, (EVENTS, "M2"): 1, (EVENTS, "PN"): 1, (IMAGE, "M1"): 12, (IMAGE, "M1_M2_PN"): 1,
                     (IMAGE, "OM"): 4, (EXPOSURE_MAP, "PN"): 6, (EXPOSURE_MAP, "M1_M2_PN"): 1, (BACKGROUND_MAP, "M2"): 6,
                     (SPECTRUM, "PN"): 6, (SPECTRUM, "R1"): 4, (SPECTRUM, "R1_R2"): 1, (LIGHTCURVE, "M1"): 4,
                     (LIGHTCURVE, "R1"): 2, (RAW, "M1"): 4, (RAW, "PN"): 3, (RAW, "OM"): 2, (RAW, "R2"): 1, (RAW, ""): 7}),
        (trees.CHANDRA, {(EVENTS, "ACIS"): 1, (IMAGE, "ACIS"): 2, (SPECTRUM, "ACIS"): 11, (RAW, "ACIS"): 10, (RAW, ""): 1}),
        (trees.CHANDRA_HRC, {(EVENTS, "HRC"): 1, (IMAGE, "HRC"): 2, (RAW, "HRC"): 7, (RAW, ""): 1}),
        (trees.CHANDRA_INTERLEAVED, {(EVENTS, "ACIS"): 2, (IMAGE, "ACIS"): 4, (RAW, "ACIS"): 4}),
        (trees.CHANDRA_PARTS, {(EVENTS, "ACIS"): 3, (IMAGE, "ACIS"): 6, (RAW, "ACIS"): 3}),
        (trees.ERASS, {(EVENTS, "TM0"): 1, (IMAGE, "TM0"): 7, (EXPOSURE_MAP, "TM0"): 7, (BACKGROUND_MAP, "TM0"): 4,
                       (SPECTRUM, "TM0"): 8, (SPECTRUM, "TM8"): 8, (LIGHTCURVE, "TM0"): 2, (LIGHTCURVE, "TM8"): 2}),
        (trees.NUSTAR, {(EVENTS, "FPMA"): 1, (EVENTS, "FPMB"): 1, (IMAGE, "FPMA"): 1, (SPECTRUM, "FPMB"): 4,
                        (LIGHTCURVE, "FPMA"): 2, (RAW, "FPMA"): 9, (RAW, ""): 5}),
        (trees.SWIFT, {(EVENTS, "XRT"): 3, (IMAGE, "XRT"): 2, (EXPOSURE_MAP, "XRT"): 2, (IMAGE, "UVOT"): 6,
                       (EXPOSURE_MAP, "UVOT"): 6, (SPECTRUM, "XRT"): 4, (LIGHTCURVE, "XRT"): 2, (RAW, "BAT"): 5}),
        (trees.ROSAT, {(EVENTS, "PSPC"): 1, (IMAGE, "PSPC"): 3, (EXPOSURE_MAP, "PSPC"): 1, (BACKGROUND_MAP, "PSPC"): 3,
                       (RAW, "PSPC"): 4}),
        (trees.ROSAT_HRI, {(EVENTS, "HRI"): 1, (IMAGE, "HRI"): 1, (BACKGROUND_MAP, "HRI"): 1, (RAW, "HRI"): 3}),
        (trees.SUZAKU, {(EVENTS, "XIS0"): 3, (EVENTS, "XIS1"): 3, (EVENTS, "XIS3"): 2, (IMAGE, "XIS2"): 2, (SPECTRUM, "XIS0"): 1,
                        (LIGHTCURVE, "XIS3"): 1, (RAW, "XIS0"): 3, (RAW, ""): 1}),
        (trees.ASCA, {(EVENTS, "SIS0"): 3, (EVENTS, "SIS1"): 2, (EVENTS, "GIS2"): 3, (EVENTS, "GIS3"): 1,
                      (IMAGE, "SIS0_SIS1"): 4, (IMAGE, "GIS2_GIS3"): 3, (EXPOSURE_MAP, "SIS0_SIS1"): 2, (RAW, "GIS2"): 4,
                      (SPECTRUM, "GIS2"): 4, (LIGHTCURVE, "SIS0"): 2}),
        (trees.INTEGRAL, {(RAW, "JEMX1"): 3, (RAW, "JEMX2"): 1, (RAW, "ISGRI"): 2, (RAW, "PICsIT"): 1,
                          (RAW, "ISGRI_PICsIT"): 2, (RAW, "SPI"): 2, (RAW, ""): 9}),
        (trees.XRISM, {(EVENTS, "RESOLVE"): 2, (EVENTS, "XTEND"): 2, (IMAGE, "RESOLVE"): 1, (IMAGE, "XTEND"): 2,
                       (SPECTRUM, "RESOLVE"): 1, (LIGHTCURVE, "RESOLVE"): 1, (RAW, "RESOLVE"): 7, (RAW, "XTEND"): 4}),
    ],
    ids=lambda value: f"{value.mission}-{value.obs_id}" if isinstance(value, MissionTree) else "",
)  # fmt: skip
def test_that_the_files_of_an_archive_are_of_these_kinds_and_instruments(
    tree: MissionTree, expected: dict[tuple[ProductKind, str], int]
) -> None:
    counts = Counter((raw.kind, raw.instrument) for _, raw, _ in offered(tree).values() if raw)
    assert {key: counts[key] for key in expected} == expected


def test_that_images_exposure_maps_and_backgrounds_have_the_bands_that_exist() -> None:
    bands = {
        kind: sorted(raw.band_kev for raw in of_kind(trees.ERASS, kind).values() if raw.band_kev)
        for kind in (IMAGE, EXPOSURE_MAP, BACKGROUND_MAP)
    }
    assert (
        bands[IMAGE]
        == bands[EXPOSURE_MAP]
        == [(0.2, 0.5), (0.2, 0.6), (0.2, 2.3), (0.5, 1.0), (0.6, 2.3), (1.0, 2.0), (2.3, 5.0)]
    )
    assert bands[BACKGROUND_MAP] == [(0.2, 0.6), (0.2, 2.3), (0.6, 2.3), (2.3, 5.0)]
    rosat = of_kind(trees.ROSAT, BACKGROUND_MAP)
    assert {name: raw.band_kev for name, raw in rosat.items()} == {
        "rp800044n00_bk1.fits.Z": (0.07, 2.4), "rp800044n00_bk2.fits.Z": (0.4, 2.4), "rp800044n00_bk3.fits.Z": (0.07, 0.4)
    }  # fmt: skip
    assert {raw.band_kev for raw in of_kind(trees.ROSAT, EXPOSURE_MAP).values()} == {None}
    asca = of_kind(trees.ASCA, IMAGE)
    assert asca["ad51011020sis32002_lo.totsky.gz"].band_kev == (0.4, 2.0)
    assert asca["ad51011020gis25670_lo.totsky.gz"].band_kev == (0.7, 2.0)


def test_that_only_the_observation_s_member_is_taken_of_a_field_of_erosita() -> None:
    (folder,) = folders(trees.CALPV)
    taken = [member for member in trees.CALPV_MEMBERS if re.fullmatch(folder.archive_members, member)]
    assert taken == ["Puppis_A/pm00_700199_020_EventList_c001.fits"]


# -- other places -------------------------------------------------------------------------------------------------------------


def all_alternatives(folder: RemoteFolder) -> Iterator[RemoteFolder]:
    yield folder
    for other in folder.otherwise:
        yield from all_alternatives(other)


@every_tree
def test_that_folders_are_of_known_services_and_lead_nowhere_else(tree: MissionTree) -> None:
    for folder in (one for first in folders(tree) for one in all_alternatives(first)):
        assert folder.service in SERVICES
        for path in (folder.path, folder.local):
            assert re.fullmatch(r"[A-Za-z0-9_./-]*", path) and not path.startswith("/") and ".." not in path
        assert folder.query or not folder.path or folder.path.endswith("/")


@every_tree
def test_that_what_stands_in_for_a_folder_holds_the_same_files_at_the_same_place(tree: MissionTree) -> None:
    for folder in folders(tree):
        for other in folder.otherwise:
            assert other.local == folder.local
            assert set(other.all_kinds) == set(folder.all_kinds)
            if not other.query:
                assert (other.wanted, other.kind, other.optional) == (folder.wanted, folder.kind, folder.optional)


def test_that_xsa_packs_the_same_products_and_raw_data_of_xmm_newton() -> None:
    pps, odf = folders(trees.XMM)
    (products,), (raw,) = pps.otherwise, odf.otherwise
    assert (products.service, products.path, products.wanted) == ("xsa", "data-action-aio", "0405320501_PPS.tar")
    assert products.query == (("obsno", "0405320501"), ("level", "PPS"), ("extension", "FTZ"))
    assert (raw.service, raw.wanted, raw.query) == ("xsa", "0405320501_ODF.tar.gz", (("obsno", "0405320501"), ("level", "ODF")))
    here = {path.rpartition("/")[2] for path in offered(trees.XMM)}
    names = {Path(member).name for member in trees.XSA_PPS_MEMBERS if re.fullmatch(products.archive_members, Path(member).name)}
    assert names == {name for name in here if name.endswith(".FTZ")}
    inner = {name for name in trees.XSA_ODF_MEMBERS if re.fullmatch(raw.archive_members, name)}
    assert inner == {name.removesuffix(".gz") for name in here if not name.endswith(".FTZ")}
    assert not re.fullmatch(raw.archive_members, Path(trees.XSA_ODF_OUTER).name)


def test_that_the_chandra_x_ray_center_stands_in_with_the_same_tree() -> None:
    for folder in folders(trees.CHANDRA):
        (other,) = folder.otherwise
        assert other.service == "cxc"
        assert folder.path == f"chandra/data/{other.path}"


@pytest.mark.parametrize(
    ("start", "months"),
    [
        ("2014-11-15T12:00", ["2014_11"]),
        ("2014-11-29T23:00", ["2014_11", "2014_12"]),
        ("2014-11-02T07:00", ["2014_11", "2014_10"]),
        ("2015-01-01T00:00", ["2015_01", "2014_12"]),
        ("2016-02-29T12:00", ["2016_02", "2016_03"]),
    ],
)
def test_that_swifts_neighbouring_month_is_looked_into_near_its_edge(start: str, months: list[str]) -> None:
    for folder in folders(trees.SWIFT, start_mjd=iso_to_mjd(start)):
        assert [one.path.split("/")[3] for one in all_alternatives(folder)] == months


@pytest.mark.parametrize(
    ("exposures", "expected"),
    [
        ({"xrt_exposure": 0.0, "bat_exposure": 100.0, "uvot_exposure": 0.0}, {"auxil", "bat"}),
        ({"xrt_exposure": 10.0, "bat_exposure": 0.0, "uvot_exposure": 0.0}, {"auxil", "xrt"}),
        ({"xrt_exposure": 10.0, "bat_exposure": 0.0, "uvot_exposure": 5.0}, {"auxil", "xrt", "uvot"}),
        ({"xrt_exposure": math.nan, "bat_exposure": math.nan, "uvot_exposure": math.nan}, {"auxil", "xrt", "uvot", "bat"}),
    ],
)
def test_that_only_instruments_of_swift_that_took_data_are_looked_for(exposures: dict[str, float], expected: set[str]) -> None:
    assert {folder.local.partition("/")[0] for folder in folders(trees.SWIFT, **exposures)} == expected


def test_that_an_instrument_of_xrism_that_was_off_is_not_looked_for() -> None:
    assert {folder.local.partition("/")[0] for folder in folders(trees.XRISM, instruments="XTEND")} == {"auxil", "xtend"}
    assert {folder.local.partition("/")[0] for folder in folders(trees.XRISM, instruments="")} == {"auxil", "resolve", "xtend"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"fits_type": "RFITS V3.4", "proc_rev": 0}, True), ({"fits_type": "RDF 3.4", "proc_rev": 0}, False),
        ({"fits_type": "", "proc_rev": 0.0}, True), ({"fits_type": None, "proc_rev": math.nan}, False),
        ({"fits_type": "", "proc_rev": "2"}, False), ({"fits_type": "", "proc_rev": None}, False),
    ],
)  # fmt: skip
def test_that_rosats_first_format_is_left_out_with_its_reason(row: dict[str, Any], said: bool) -> None:
    if said:
        with pytest.raises(InputError, match="revision 0"):
            folders(trees.ROSAT, **row)
    else:
        assert folders(trees.ROSAT, **row)


def test_that_integrals_revolution_is_shared_and_its_window_is_not() -> None:
    window, revolution, pointing = folders(trees.INTEGRAL)
    assert (window.shared, window.local, window.optional) == ("", "", False)
    assert (revolution.shared, revolution.local, revolution.recursive) == ("2185", "2185/rev.001", True)
    assert (pointing.shared, pointing.local) == ("2185", "aux/adp/2185.001")
    other = resolve(MISSIONS["integral_pointed"].files)("218500520010", {"scw_ver": "2"})
    assert other[0].path == "integral/data/scw/2185/218500520010.002/"
    assert other[1:] == (revolution, pointing)
    hostile = resolve(MISSIONS["integral_pointed"].files)("218500520010", {"scw_ver": "../9"})
    assert hostile[0].path == "integral/data/scw/2185/218500520010.001/"


# -- what must be there -------------------------------------------------------------------------------------------------------


@every_mission
def test_that_event_lists_come_first_and_are_of_folders_that_must_be_there(spec: MissionSpec) -> None:
    if EVENTS not in spec.kinds:
        assert spec.kinds == (RAW,)
        return
    assert spec.kinds[0] is EVENTS
    tree = TREES[spec.name]
    required = [folder for folder in folders(tree) if not folder.optional]
    assert any(EVENTS in folder.all_kinds for folder in required)
    assert RAW not in spec.kinds or any(RAW in folder.all_kinds for folder in required)


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (trees.ASCA, {"screened", "unscreened"}), (trees.SUZAKU, {"xis/event_cl", "xis/event_uf"}),
        (trees.NUSTAR, {"event_cl", "event_uf"}), (trees.SWIFT, {"xrt/event", "auxil"}),
        (trees.CHANDRA, {"primary", "secondary"}), (trees.ERASS, {"EXP_010", "DET_010"}),
    ],
    ids=lambda value: value.mission if isinstance(value, MissionTree) else "",
)  # fmt: skip
def test_that_nothing_else_fails_an_observation(tree: MissionTree, names: set[str]) -> None:
    assert {folder.local for folder in folders(tree) if not folder.optional} == names


@every_mission
def test_that_a_malformed_obs_id_never_reaches_a_path(spec: MissionSpec) -> None:
    tree = TREES[spec.name]
    for obs_id in (
        "",
        "..",
        "../../etc",
        f"{tree.obs_id}/..",
        f"{tree.obs_id}\n",
        f" {tree.obs_id}",
        ".*",
        "٣" * len(tree.obs_id),
    ):
        with pytest.raises(InputError, match="not an ObsID"):
            resolve(spec.files)(obs_id, tree.row)
        with pytest.raises(InputError, match="not an ObsID"):
            checked_obs_id(spec, obs_id)


@every_mission
def test_that_an_observation_wants_no_file_of_another_one(spec: MissionSpec) -> None:
    """Folders of one observation are its own; where names carry the ObsID, files of another that got there are not taken."""
    tree = TREES[spec.name]
    other = tree.obs_id[:-1] + ("1" if tree.obs_id[-1] != "1" else "2")
    for path, (folder, raw, _) in offered(tree).items():
        name = path.rpartition("/")[2]
        if raw is not None and raw.kind in ADOPTED and tree.obs_id.lower() in name.lower() and "auxil" not in path:
            strange = re.sub(tree.obs_id, other, name, flags=re.IGNORECASE)
            allowed = folder.local in ("xis/products", "resolve/products", "xtend/products", "spectra", "lcurves", "uvot/image")
            assert allowed or not re.fullmatch(folder.wanted, strange), strange


def test_that_the_documentation_tells_the_kinds_of_every_mission_and_what_must_be_there() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "missions.md").read_text(encoding="utf-8")
    table = text.split("## Files")[1].split("### Names")[0]
    rows = {line.split("|")[1].strip(" `"): line.split("|")[2:4] for line in table.splitlines() if line.startswith("| `")}
    assert list(rows) and set(rows) == set(MISSIONS)
    for name, (kinds, places) in rows.items():
        assert [one.strip() for one in kinds.split(",")] == [str(kind) for kind in MISSIONS[name].kinds]
        bold = set(re.findall(r"\*\*([\w/]+)\*\*", places))
        required = {folder.local for folder in folders(TREES[name]) if folder.local and not folder.optional}
        assert {one.replace("resolve/", "xtend/") for one in required} <= {one.replace("resolve/", "xtend/") for one in bold}
