import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.archive.layout import ArchiveLayout, OutputLayout, checked_archive_name
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.product_names import product_name

OUT = OutputLayout(Path("/data/out"))


@pytest.mark.parametrize("name", ["cluster sample", "Größe 2", "a.b", "2024-11_21", "コマ"])
def test_that_ordinary_names_make_archives(name):
    assert OUT.archive(name).folder == Path("/data/out/archives") / name


@pytest.mark.parametrize(
    "name",
    ["", "  ", ".", "..", ".hidden", "a/b", "a\\b", "a:b", "a?",
      "nul", "COM1.txt", "a\nb", "a\x00b", "a\u202eb", " a", "a ", "a.", "x" * 121],
)  # fmt: skip
def test_that_names_which_cannot_be_folders_everywhere_are_refused(name):
    with pytest.raises(InputError, match="archive name"):
        OUT.archive(name)


def test_that_the_same_name_typed_in_two_unicode_forms_is_the_same_archive():
    assert OUT.archive("Gro\u0308ße") == OUT.archive("Größe")


@given(st.text(max_size=200))
def test_that_no_name_leads_out_of_the_archives_folder(name):
    try:
        folder = OUT.archive(name).folder
    except InputError:
        return
    assert folder.parent == OUT.archives and folder.name == checked_archive_name(name)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (
            ProductKey("xmm_pointed", "0404910601", ProductKind.CLEAN_EVENTS, "M1", "S001"),
            "xmm_pointed/0404910601/events/obsid0404910601-instM1-subexpS001-cleanevents.fits",
        ),
        (
            ProductKey("xmm_pointed", "0404910601", ProductKind.GTI, "PN", "S003"),
            "xmm_pointed/0404910601/cleaning/obsid0404910601-instPN-subexpS003-gti.fits",
        ),
        (
            ProductKey("xmm_pointed", "0404910601", ProductKind.LIGHTCURVE, "PN", "S003"),
            "xmm_pointed/0404910601/cleaning/obsid0404910601-instPN-subexpS003-lightcurve.fits",
        ),
        (
            ProductKey("chandra", "15043", ProductKind.IMAGE, "ACIS-I", "E001", (0.5, 2.0)),
            "chandra/15043/images/obsid15043-instACIS-I-subexpE001-en0.5_2.0keV-image.fits",
        ),
        (
            ProductKey("swift", "00035063154", ProductKind.EXPOSURE_MAP, "XRT", "", (0.5, 2)),
            "swift/00035063154/images/obsid00035063154-instXRT-subexpNone-en0.5_2.0keV-expmap.fits",
        ),
        (
            ProductKey("erosita_calpv", "700195", ProductKind.EVENTS, "TM1_TM2", "ALL"),
            "erosita_calpv/700195/events/obsid700195-instTM1_TM2-subexpALL-events.fits",
        ),
    ],
)
def test_that_products_have_the_places_and_names_of_daxa(key, place):
    assert OUT.archive("a").product_path(key) == Path("/data/out/archives/a/processed_data") / place


def test_that_other_files_keep_their_own_name_as_their_type():
    key = ProductKey("nustar", "60001068002", ProductKind.OTHER, "FPMA")
    assert product_name(key, "badpix.fits.gz") == "obsid60001068002-instFPMA-subexpALL-badpix.fits.gz"
    assert product_name(key, "hist.qdp") == "obsid60001068002-instFPMA-subexpALL-hist.qdp"


@pytest.mark.parametrize("evil", ["..", "../x", "a/b", "a\\b", ".x", "a\x00", "a\nb", "-a/..", "x" * 200])
@pytest.mark.parametrize("place", ["mission", "obs_id", "instrument", "exposure"])
def test_that_no_part_of_a_key_can_lead_elsewhere(evil, place):
    values = {"mission": "xmm_pointed", "obs_id": "0404910601", "instrument": "M1", "exposure": "S001", place: evil}
    with pytest.raises(InputError):
        OUT.archive("a").product_path(ProductKey(kind=ProductKind.IMAGE, **values))
    if place in ("mission", "obs_id"):
        with pytest.raises(InputError):
            OUT.raw_folder(values["mission"], values["obs_id"])


def test_that_stored_paths_follow_an_archive_that_is_moved(tmp_path):
    old = ArchiveLayout.of_folder(tmp_path / "out" / "archives" / "a")
    product, raw = old.folder / "processed_data" / "x.fits", old.output / "xmm_raw" / "1" / "y.fits"
    stored = [old.stored(product), old.stored(raw)]
    new = ArchiveLayout.of_folder(tmp_path / "elsewhere" / "archives" / "b")
    assert [new.absolute(path) for path in stored] == [
        tmp_path / "elsewhere/archives/b/processed_data/x.fits",
        tmp_path / "elsewhere/xmm_raw/1/y.fits",
    ]


def test_that_files_outside_the_output_folder_are_not_part_of_an_archive(tmp_path):
    layout = ArchiveLayout.of_folder(tmp_path / "out" / "archives" / "a")
    for path in (tmp_path / "x.fits", layout.folder / ".." / ".." / ".." / "x.fits", Path("/etc/passwd")):
        with pytest.raises(ArchiveError, match="outside"):
            layout.stored(path)


@pytest.mark.parametrize("stored", ["", "x", "archive:", "archive:/etc/passwd", "output:../x", "archive:a/../../x", "home:x"])
def test_that_stored_paths_of_a_hostile_archive_lead_nowhere(tmp_path, stored):
    with pytest.raises(ArchiveError):
        ArchiveLayout.of_folder(tmp_path / "archives" / "a").absolute(stored)


def test_that_a_link_out_of_the_output_folder_is_named_with_what_to_do(tmp_path):
    output, disk = tmp_path / "out", tmp_path / "other disk"
    layout = OutputLayout(output).archive("a")
    raw = layout.raw_folder("chandra", "4933")
    raw.parent.mkdir(parents=True)
    disk.mkdir()
    raw.symlink_to(disk)
    with pytest.raises(ArchiveError, match="outside") as refused:
        layout.stored(raw / "oif.fits")
    assert f"{raw} is a link to {disk}" in refused.value.hint and "the output folder itself may be a link" in refused.value.hint
    with pytest.raises(ArchiveError) as elsewhere:
        layout.stored(disk / "oif.fits")
    assert f"{output}" in elsewhere.value.hint and "is a link" not in elsewhere.value.hint
    output.rename(disk / "out")
    output.symlink_to(disk / "out")
    raw.unlink()
    assert ArchiveLayout(output, layout.folder).stored(raw) == "output:chandra_raw/4933"


@pytest.mark.parametrize(
    "name",
    ["there", "there/file", "there/none/deeper", "none", "none/../there", "link", "link/file", "there/link up/file", "loop/file",
      "there//file", "there/./file", "there/../there/file", "there/file/below", "there/"],
)  # fmt: skip
@pytest.mark.parametrize("root", ["real", "by link"])
def test_that_links_below_an_archive_are_followed_as_everywhere(tmp_path, root, name):
    layout = OutputLayout(tmp_path / "real").archive("a")
    (layout.folder / "there").mkdir(parents=True)
    (layout.folder / "there" / "file").touch()
    (layout.folder / "there" / "link up").symlink_to("..")
    (layout.folder / "link").symlink_to(tmp_path)
    (layout.folder / "loop").symlink_to("loop")
    (tmp_path / "by link").symlink_to("real")
    layout = OutputLayout(tmp_path / root).archive("a")
    for path in (f"{layout.folder}/{name}", f"{layout.output}/archives/a/{name}"):
        assert layout.real(path) == os.path.realpath(path)
