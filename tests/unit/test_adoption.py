import errno
import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.archive import adoption, choice
from daxa_gui.archive.adoption import adopt
from daxa_gui.archive.choice import adopt_existing, change_choice, checked_choice
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.placing import Placed
from daxa_gui.archive.queries import Queries
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import MadeFile, Outcome
from daxa_gui.missions import MISSIONS
from tests.fakes.archives import succeeded
from tests.fakes.execution import FakeClock, request
from tests.fakes.mission_trees import FURTHER_TREES, TREES

K = ProductKind
OWN = (K.SPECTRUM, K.SOURCE_LIGHTCURVE)  # they keep their file names


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(tmp_path).archive("a")


def downloaded(layout, mission, obs_id, name, kind=K.EVENTS, instrument="", exposure="ALL", band=None, data=b"data"):
    path = layout.raw_folder(mission, obs_id) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    key = ProductKey(mission, obs_id, kind, instrument, exposure, band)
    digest = hashlib.sha256(data).hexdigest()
    return Placed(key, path, layout.stored(path), len(data), digest, MadeFile("", key, str(path), {"bytes": len(data)}))


def names(layout, adopted):
    return [str(one.path.relative_to(layout.folder / "processed_data")) for one in adopted]


def knowing(mission, obs_id, chosen=(), **row):
    about = ArchiveObservation(mission, obs_id, "", chosen, {"obs_id": obs_id, **row})
    return lambda m, o: about if (m, o) == (mission, obs_id) else None


CASES = [
    (("chandra", "9703", "primary/acisf09703N003_evt2.fits", K.EVENTS, "ACIS"),
     "chandra/9703/events/obsid9703-instACIS-subexpNone-finalevents.fits"),
    (("chandra", "9703", "primary/acisf09703_e1_N003_evt2.fits", K.EVENTS, "ACIS", "E001"),
     "chandra/9703/events/obsid9703-instACIS-subexpE001-finalevents.fits"),
    (("erosita_all_sky_de_dr1", "131093", "EXP_010/em01_131093_024_Image_c010.fits", K.IMAGE, "TM1", "ALL", (0.2, 2.3)),
     "erosita_all_sky_de_dr1/131093/images/obsid131093-instTM1-subexpNone-en0.2_2.3keV-image.fits"),
    (("rosat_pointed", "RP800001N00", "rp800001n00_bk2.fits", K.BACKGROUND_MAP, "PSPCB", "ALL", (0.4, 2.4)),
     "rosat_pointed/RP800001N00/background/obsidRP800001N00-instPSPCB-subexpNone-en0.4_2.4keV-backmap.fits"),
    (("asca", "12345678", "images/ad12345678sis_lo.totexpo", K.EXPOSURE_MAP, "SIS0_SIS1", "ALL", (0.4, 2)),
     "asca/12345678/images/obsid12345678-instSIS0_SIS1-subexpNone-en0.4_2.0keV-expmap.fits"),
    (("swift", "00035063154", "xrt/products/sw00035063154xpcsr.pha", K.SPECTRUM, "XRT"),
     "swift/00035063154/spectra/sw00035063154xpcsr.pha"),
    (("nustar_pointed", "60001068002", "event_cl/nu60001068002A01_sr.lc", K.SOURCE_LIGHTCURVE, "FPMA"),
     "nustar_pointed/60001068002/lightcurves/nu60001068002A01_sr.lc"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "name"), CASES)
def test_that_downloaded_products_get_their_place_and_name(layout, file, name):
    placed = downloaded(layout, *file)
    (one,) = adopt(layout, [placed])
    assert names(layout, [one]) == [name]
    assert one.path.samefile(placed.path) and not one.path.is_symlink()  # no disk space is used
    assert one.stored == f"archive:processed_data/{name}" and one.made.facts["raw"] == placed.stored
    assert one.key.kind is (K.FINAL_EVENTS if placed.key.kind is K.EVENTS else placed.key.kind)
    assert one.sha256 == placed.sha256


@pytest.mark.parametrize("kind", [K.RAW, K.OTHER, K.GTI, K.LIGHTCURVE])
def test_that_other_kinds_stay_where_they_are(layout, kind):
    assert adopt(layout, [downloaded(layout, "swift", "00035063154", "auxil/x.fits", kind, "XRT")]) == []


def test_that_what_a_step_made_is_not_taken_for_a_download(layout):
    placed = downloaded(layout, "swift", "00035063154", "x.fits", K.IMAGE, "XRT")
    made = Placed(placed.key, placed.path, placed.stored, 4, placed.sha256, MadeFile("x.fits", placed.key))
    shared = downloaded(layout, "swift", "00035063155", "x.fits", K.IMAGE, "XRT")
    elsewhere = Placed(placed.key, shared.path, shared.stored, 4, shared.sha256, MadeFile("", placed.key, str(shared.path)))
    assert adopt(layout, [made, elsewhere]) == []


def test_that_two_files_with_the_same_key_do_not_collide(layout):
    files = [
        downloaded(layout, "suzaku", "100005010", f"xis/event_cl/ae100005010xi0_0_{mode}_cl.evt", K.EVENTS, "XIS0", data=data)
        for mode, data in (("3x3n066a", b"one"), ("5x5n066a", b"five"))
    ]
    first = adopt(layout, files)
    assert names(layout, first) == [
        "suzaku/100005010/events/obsid100005010-instXIS0-subexpNone-finalevents.fits",
        "suzaku/100005010/events/obsid100005010-instXIS0-subexpae100005010xi0_0_5x5n066a_cl-finalevents.fits",
    ]
    assert [one.path.read_bytes() for one in first] == [b"one", b"five"]
    assert len({one.key for one in first}) == 2
    again = adopt(layout, files)
    assert names(layout, again) == names(layout, first)


def test_that_spectra_with_the_same_name_in_two_folders_do_not_collide(layout):
    files = [
        downloaded(layout, "swift", "00035063154", f"{folder}/a.pha", K.SPECTRUM, "XRT", data=folder.encode())
        for folder in ("one", "two")
    ]
    assert [one.path.read_bytes() for one in adopt(layout, files)] == [b"one", b"two"]


def test_that_a_new_download_replaces_the_older_second_name(layout):
    old = downloaded(layout, "chandra", "9703", "evt2.fits", K.EVENTS, "ACIS", data=b"old")
    (before,) = adopt(layout, [old])
    fresh = old.path.with_name("fresh")
    fresh.write_bytes(b"newer")
    fresh.replace(old.path)  # as downloads do: the second name still leads to the old content
    assert before.path.read_bytes() == b"old"
    new = Placed(old.key, old.path, old.stored, 5, hashlib.sha256(b"newer").hexdigest(), old.made)
    (after,) = adopt(layout, [new])
    assert after.path == before.path and after.path.read_bytes() == b"newer"


def test_that_files_are_copied_where_links_are_impossible(layout, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    placed = downloaded(layout, "chandra", "9703", "evt2.fits", K.EVENTS, "ACIS")
    other = downloaded(layout, "chandra", "9703", "b/evt2.fits", K.EVENTS, "ACIS", data=b"twin")
    first, second = adopt(layout, [placed, other])
    assert first.path.read_bytes() == b"data" and second.path.read_bytes() == b"twin"
    assert not first.path.samefile(placed.path)
    written = first.path.stat().st_mtime_ns
    adopt(layout, [placed, other])
    assert first.path.stat().st_mtime_ns == written  # not copied once more
    assert sorted(path.name for path in first.path.parent.iterdir()) == sorted([first.path.name, second.path.name])


def test_that_a_full_disk_is_said_and_leaves_what_was_there(layout, monkeypatch):
    placed = downloaded(layout, "chandra", "9703", "evt2.fits", K.EVENTS, "ACIS")

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(ArchiveError, match="full"):
        adopt(layout, [placed])
    assert not [path for path in layout.folder.rglob("*") if path.is_file()]


def test_that_what_a_killed_program_left_is_done_again(layout):
    placed = downloaded(layout, "chandra", "9703", "evt2.fits", K.EVENTS, "ACIS")
    target = layout.product_path(ProductKey("chandra", "9703", K.FINAL_EVENTS, "ACIS", ""))
    target.parent.mkdir(parents=True)
    target.with_name(target.name + ".part").write_bytes(b"half")
    (one,) = adopt(layout, [placed])
    assert one.path == target and list(target.parent.iterdir()) == [target]


def test_that_a_symbolic_link_in_the_way_is_never_followed(layout, tmp_path):
    placed = downloaded(layout, "chandra", "9703", "evt2.fits", K.EVENTS, "ACIS")
    target = layout.product_path(ProductKey("chandra", "9703", K.FINAL_EVENTS, "ACIS", ""))
    target.parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    target.symlink_to(victim)
    (one,) = adopt(layout, [placed])
    assert victim.read_bytes() == b"precious" and one.path != target


def test_that_unchosen_instruments_are_not_taken_in(layout):
    files = [downloaded(layout, "xmm_pointed", "0201901401", f"{i}.fits", K.EVENTS, i, "S001") for i in ("M1", "M2", "PN")]
    adopted = adopt(layout, files, knowing("xmm_pointed", "0201901401", ("PN", "M2")))
    assert [one.key.instrument for one in adopted] == ["M2", "PN"]


def test_that_the_catalogue_tells_which_pspc_it_was(layout):
    placed = downloaded(layout, "rosat_pointed", "RP800001N00", "rp800001n00_bas.fits", K.EVENTS, "PSPC")
    (one,) = adopt(layout, [placed], knowing("rosat_pointed", "RP800001N00", (), instruments="PSPCB"))
    assert one.key.instrument == "PSPCB"


def all_modules(layout, numbers):
    placed = downloaded(layout, "erosita_calpv", "700199", "pm00_700199_020_EventList_c001.fits", K.EVENTS, "TM0")
    columns = [fits.Column("TIME", "D", array=np.arange(len(numbers), dtype=float)),
               fits.Column("TM_NR", "B", array=np.array(numbers, dtype=np.uint8))]  # fmt: skip
    table = fits.BinTableHDU.from_columns(columns, name="EVENTS")
    table.header["TELESCOP"], table.header["INSTRUME"] = "eROSITA", "MERGED"
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(placed.path, overwrite=True)
    return placed


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ((), "TM1_TM2_TM5"),
        (tuple(f"TM{n}" for n in range(1, 8)), "TM1_TM2_TM5"),
    ],
)
def test_that_an_erosita_list_is_named_by_its_active_modules(layout, chosen, name):
    placed = all_modules(layout, [1, 2, 5, 5])
    (one,) = adopt(layout, [placed], knowing("erosita_calpv", "700199", chosen))
    assert one.path.name == f"obsid700199-inst{name}-subexpNone-finalevents.fits"


def test_that_a_list_of_all_modules_is_not_taken_in_for_some_of_them(layout):
    before = all_modules(layout, [1, 2, 5, 5])
    content = before.path.read_bytes()
    assert adopt(layout, [before], knowing("erosita_calpv", "700199", ("TM1", "TM2"))) == []
    assert before.path.read_bytes() == content


def test_that_an_unreadable_list_of_all_modules_still_has_a_name(layout):
    placed = downloaded(layout, "erosita_calpv", "700199", "pm00_700199_020_EventList_c001.fits", K.EVENTS, "TM0")
    (one,) = adopt(layout, [placed])
    assert "instTM1_TM2_TM3_TM4_TM5_TM6_TM7" in one.path.name


def test_that_every_kind_has_a_place():
    assert set(adoption.ADOPTED) <= set(ProductKind)


# ---- the archives of all missions


@pytest.mark.parametrize("tree", [*TREES.values(), *FURTHER_TREES], ids=lambda tree: f"{tree.mission}-{tree.obs_id}")
def test_that_every_product_of_every_mission_has_a_name_of_its_own(layout, tree):
    spec, placed = MISSIONS[tree.mission], []
    for path in (path for paths in tree.files.values() for path in paths if path not in tree.decoys):
        name = Path(path).name
        about = resolve(spec.raw_file)(name)
        if about is None:
            continue
        values = (about.kind, about.instrument, about.exposure, about.band_kev, path.encode())
        placed.append(downloaded(layout, tree.mission, tree.obs_id, path, *values))
    adopted = adopt(layout, placed, knowing(tree.mission, tree.obs_id, (), **tree.row))
    assert len({one.path for one in adopted}) == len({one.key for one in adopted if one.key.kind not in OWN}) + sum(
        one.key.kind in OWN for one in adopted
    )
    assert len(adopted) == sum(one.key.kind in adoption.ADOPTED for one in placed)
    for one in adopted:
        assert one.path.read_bytes() == layout.absolute(one.made.facts["raw"]).read_bytes()
        assert one.path.name.startswith(f"obsid{tree.obs_id}-inst") or one.key.kind in OWN
        assert "None" not in one.path.name.split("-subexp")[0]  # every file's instrument is known


def test_that_what_was_made_here_keeps_its_name(layout):
    placed = downloaded(layout, "chandra", "9703", "img2.fits", K.IMAGE, "ACIS", "E001", (0.5, 7.0))
    made = layout.product_path(placed.key)
    made.parent.mkdir(parents=True)
    made.write_bytes(b"made here")
    (one,) = adopt(layout, [placed], is_made=lambda stored: stored == layout.stored(made))
    assert made.read_bytes() == b"made here" and one.path != made and one.path.samefile(placed.path)


def test_that_the_store_tells_what_was_made_here(layout):
    store = ArchiveStore.create(layout)
    place = downloaded(layout, "xmm_pointed", "0404910601", "image.fits", K.IMAGE, "M1", "S001", (0.5, 2.0))
    (download, step) = store.add([request("x", "", kind="download"), request("M1S001", "image")])
    work = layout.work_folder(step.id)
    work.mkdir(parents=True)
    (work / "image.fits").write_bytes(b"made here")
    store.commit_outcome(replace(step, state=JobState.SUCCEEDED), Outcome(files=(MadeFile("image.fits", place.key),)), str(work))
    store.commit_outcome(replace(download, state=JobState.SUCCEEDED), Outcome(files=(place.made,)), "")
    made, taken = sorted((p for p in store.products() if p.key.kind is K.IMAGE), key=lambda product: len(product.path))
    assert Path(made.path).read_bytes() == b"made here" and Path(taken.path).samefile(place.path)
    store.close()


def test_that_a_downloaded_product_steps_aside_for_one_that_is_made_here(layout):
    store = ArchiveStore.create(layout)
    rows = [{"obs_id": "0404910601"}]
    store.add_selections([(Selection("xmm_pointed", "1", ("0404910601",), ("M1",), (), ("image",)), rows)])
    place = downloaded(layout, "xmm_pointed", "0404910601", "image.fits", K.IMAGE, "M1", "S001", (0.5, 2.0))
    (download, step) = store.add([request("x", "", kind="download"), request("M1S001", "image")])
    store.commit_outcome(replace(download, state=JobState.SUCCEEDED), Outcome(files=(place.made,)), "")
    for text in (b"made here", b"made here again"):
        work = layout.work_folder(step.id)
        work.mkdir(parents=True, exist_ok=True)
        (work / "image.fits").write_bytes(text)
        made_file = MadeFile("image.fits", place.key)
        store.commit_outcome(replace(step, state=JobState.SUCCEEDED), Outcome(files=(made_file,)), str(work))
        made, taken = sorted((p for p in store.products() if p.key.kind is K.IMAGE), key=lambda product: len(product.path))
        assert Path(made.path).read_bytes() == text and made.job_id == step.id
        assert Path(taken.path).samefile(place.path) and taken.job_id == download.id and taken.sha256 == place.sha256
    queries = Queries(layout, store.database)
    assert [one.success for one in queries.process_results(step="preprocessed_images")] == [True]
    store.close()


# ---- what was downloaded before


@pytest.fixture
def old_archive(layout):
    """An archive that knows two downloaded products, neither of which is in its layout."""
    store = ArchiveStore.create(layout)
    rows = [{"obs_id": "9703", "instruments": "ACIS"}]
    store.add_selections([(Selection("chandra", "1", ("9703",), ("ACIS",), (), ("events", "image")), rows)])
    files = [
        downloaded(layout, "chandra", "9703", "primary/acisf09703N003_evt2.fits", K.EVENTS, "ACIS"),
        downloaded(layout, "chandra", "9703", "primary/acisf09703N003_full_img2.fits", K.IMAGE, "ACIS", data=b"image"),
    ]
    (job,) = store.add([request("x", "", kind="download")])
    outcome = Outcome(files=tuple(one.made for one in files))
    store.commit_outcome(replace(job, state=JobState.SUCCEEDED, finished=7.0), outcome, "")
    with store.database.writing() as connection:
        connection.execute("DELETE FROM products WHERE path LIKE 'archive:%'")
        connection.execute("DELETE FROM history WHERE path LIKE 'archive:%'")
    shutil.rmtree(layout.folder / "processed_data")
    yield store
    store.close()


def test_that_products_of_earlier_archives_are_taken_in(old_archive):
    assert adopt_existing(old_archive) == 2
    taken = {one.key.kind: one for one in old_archive.products() if "/processed_data/" in one.path}
    assert set(taken) == {K.FINAL_EVENTS, K.IMAGE}
    assert taken[K.IMAGE].key.band_kev == (0.5, 7.0) and "en0.5_7.0keV-image" in taken[K.IMAGE].path
    for product in taken.values():
        assert hashlib.sha256(Path(product.path).read_bytes()).hexdigest() == product.sha256
        (entry,) = old_archive.history(product)
        assert entry.step == "download" and entry.finished == 7.0
    assert adopt_existing(old_archive) == 0  # nothing twice


def test_that_taking_in_goes_on_after_a_crash(old_archive, monkeypatch):
    def die(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(choice, "_store", die)  # the files are linked, the database knows nothing of them
        adopt_existing(old_archive)
    assert adopt_existing(old_archive) == 2 and len(old_archive.products()) == 3


def test_that_files_that_are_gone_are_passed_over(old_archive):
    for file in old_archive.files():
        if file.kind == "image":
            Path(file.path).unlink()
    assert adopt_existing(old_archive) == 1


@pytest.mark.parametrize(
    ("mission", "instruments", "kinds", "hint"),
    [("moon_watch", [], [], "Known ones"), ("chandra", ["PN"], [], "ACIS"), ("chandra", [], ["exposure_map"], "events")],
)
def test_that_a_choice_that_there_is_not_is_refused(mission, instruments, kinds, hint):
    with pytest.raises(InputError) as raised:
        checked_choice(mission, instruments, kinds)
    assert hint in raised.value.hint


def test_that_a_choice_may_be_typed_with_other_names():
    assert checked_choice("xmm_pointed", ["pn", "MOS1"], [K.EVENTS]) == (("M1", "PN"), ("events",))
    assert checked_choice("xmm_pointed", [], []) == ((), ())


def test_that_another_choice_is_that_of_every_observation(old_archive):
    change_choice(old_archive, "chandra", ("HRC",), ("events",))
    (about,) = old_archive.observations()
    (selection,) = old_archive.selections()
    assert about.instruments == selection.instruments == ("HRC",) and about.kinds == selection.kinds == ("events",)


def test_that_a_second_name_takes_no_room(tmp_path):
    clock = FakeClock()
    store = ArchiveStore.create(OutputLayout(tmp_path).archive("a"), clock.now)
    try:
        store.add_selections([(Selection("chandra", "v", ("9703",), ()), [{"obs_id": "9703"}])])
        raw = store.layout.raw_folder("chandra", "9703")
        for name, kind in (("primary/acisf09703N003_evt2.fits", K.EVENTS), ("primary/acisf09703N003_full_img2.fits", K.IMAGE)):
            (job,) = store.add([request(name, "", kind="download", obs_id="9703")])
            made = MadeFile("x.fits", ProductKey("chandra", "9703", kind, "ACIS", "ALL"), str(raw / name), {"text": "1234567"})
            products, _ = succeeded(store, job, clock, [made])
            assert any(product.path.startswith(str(store.layout.folder)) for product in products)
        (job,) = store.add([request(obs_id="9703")])
        succeeded(store, job, clock, [MadeFile("img.fits", ProductKey("chandra", "9703", K.IMAGE, "ACIS", "", (1.0, 2.0)))])
        on_disk = {path.stat().st_ino: path.stat().st_size for path in tmp_path.rglob("*.fits")}
        assert store.bytes_used() == sum(on_disk.values()) == 7 + 7 + len("img.fits")
        with store.database.writing() as connection:  # as after a repair
            connection.execute("UPDATE products SET job_id = NULL WHERE kind <> 'image' OR band_low_kev IS NULL")
            connection.execute("UPDATE files SET job_id = NULL")
        assert store.bytes_used() == sum(on_disk.values())
    finally:
        store.close()
