import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import MadeFile, Outcome
from tests.fakes.archives import reopened, succeeded
from tests.fakes.execution import request
from tests.fakes.tasks import key

# ---- outcomes


def test_that_a_made_file_is_moved_to_its_place_and_registered(store, clock):
    (job,) = store.add([request()])
    (product,), follow_ups = succeeded(store, job, clock, [MadeFile("clean.fits", key(), facts={"n_events": 3})])
    assert product.path == str(store.layout.product_path(key())) and Path(product.path).read_text() == "clean.fits"
    assert product.sha256 == hashlib.sha256(b"clean.fits").hexdigest() and product.size_bytes == 10
    assert (product.job_id, product.facts, follow_ups) == (job.id, {"n_events": 3}, [])
    store = reopened(store, clock)
    assert store.products("xmm_pointed", "0404910601") == [product]
    assert store.get(job.id).state is JobState.SUCCEEDED
    store.close()


def test_that_a_downloaded_file_goes_to_its_destination_and_a_checksum_is_not_computed_twice(store, clock):
    (job,) = store.add([request("a.fits", "", kind="download")])
    destination = store.layout.raw_folder("xmm_pointed", "0404910601") / "a.fits"
    made = MadeFile("a.fits", key(ProductKind.EVENTS), str(destination), {"sha256": "abc", "text": "raw"})
    products, _ = succeeded(store, job, clock, [made])
    assert products[0].sha256 == "abc" and products[0].path == str(destination) and destination.read_text() == "raw"
    (file,) = store.files("xmm_pointed", "0404910601")
    assert (file.path, file.unit, file.sha256, file.kind, file.instrument) == (str(destination), "a.fits", "abc", "events", "M1")


def test_that_a_file_that_is_at_its_destination_already_is_only_registered(store, clock):
    (job,) = store.add([request("a.fits", "", kind="download")])
    destination = store.layout.raw_folder("xmm_pointed", "0404910601") / "a.fits"
    destination.parent.mkdir(parents=True)
    destination.write_text("raw")
    outcome = Outcome(files=(MadeFile("", None, str(destination)),))
    products, _ = store.commit_outcome(replace(job, state=JobState.SUCCEEDED), outcome, str(store.layout.work_folder(job.id)))
    (file,) = store.files()
    assert products == store.products() == []  # only event lists are products where they were downloaded
    assert file.kind == "other" and file.obs_id == "0404910601" and file.sha256 == hashlib.sha256(b"raw").hexdigest()
    destination.unlink()
    assert store.add([request("a.fits", "", kind="download")])[0].state is JobState.QUEUED  # it is missed all the same


def test_that_service_and_path_of_a_downloaded_file_are_known(store, clock):
    (job,) = store.add([request("a.fits", "", kind="download", service="heasarc", path="xmm/a.FTZ")])
    shared = store.layout.output / "xmm_pointed_raw" / "rev0007" / "b.fits"
    for number, place in enumerate((store.layout.raw_folder("xmm_pointed", "0404910601") / "pps" / "a.fits", shared)):
        succeeded(store, job, clock, [MadeFile("x.fits", None, str(place), {"service": "xsa"} if number else {})])
    assert [(file.unit, file.service, file.url_path) for file in store.files()] == [
        ("pps/a.fits", "heasarc", "xmm/a.FTZ"),
        ("rev0007/b.fits", "xsa", "xmm/a.FTZ"),
    ]


def test_that_follow_ups_come_with_the_outcome(store, clock):
    (job,) = store.add([request("plan", "", kind="plan")])
    downloads = tuple(request(name, "", kind="download", label=name) for name in ("a", "b"))
    _, jobs = succeeded(store, job, clock, follow_ups=(*downloads, request("c", needs=("a", "b", job.id))))
    assert [job.unit for job in jobs] == ["a", "b", "c"]
    assert jobs[2].needs == tuple(sorted((job.id, jobs[0].id, jobs[1].id)))


@pytest.mark.parametrize(
    "file",
    [
        MadeFile("missing.fits", key()),
        MadeFile("../../x.fits", key()),
        MadeFile("/etc/passwd", key()),
        MadeFile("link.fits", key()),
        MadeFile("folder", key()),
        MadeFile("good.fits", None, "/tmp/outside.fits"),
        MadeFile("good.fits", None, "../outside.fits"),
        MadeFile("", key()),
        MadeFile("good.fits", key(instrument="../..")),
    ],
    ids=lambda file: f"{file.name or 'no name'} to {file.destination or file.key.instrument}",
)
def test_that_an_outcome_with_an_unusable_file_leaves_no_trace(store, file):
    (job,) = store.add([request()])
    work = store.layout.work_folder(job.id)
    (work / "folder").mkdir(parents=True)
    (work / "good.fits").write_text("x")
    (work / "link.fits").symlink_to("/etc/passwd")
    good = MadeFile("good.fits", key(ProductKind.GTI))
    with pytest.raises((ArchiveError, InputError)):
        store.commit_outcome(replace(job, state=JobState.SUCCEEDED), Outcome(files=(good, file)), str(work))
    assert store.products() == [] and store.get(job.id) == job
    assert not store.layout.product_path(good.key).exists()


def test_that_two_files_for_one_place_are_refused(store, clock):
    (job,) = store.add([request()])
    with pytest.raises(ArchiveError, match="same"):
        succeeded(store, job, clock, [MadeFile("a.fits", key()), MadeFile("b.fits", key())])


def test_that_a_second_run_replaces_the_file_and_history_tells_of_both(store, clock):
    (job,) = store.add([request(n_sigma=3.0)])
    succeeded(store, job, clock, [MadeFile("clean.fits", key(), facts={"text": "old"})])
    (job,) = store.add([request(n_sigma=4.0)])
    (product,), _ = succeeded(store, job, clock, [MadeFile("clean.fits", key(), facts={"text": "new"})])
    assert store.products() == [product] and Path(product.path).read_text() == "new"
    history = store.history(product)
    assert [(entry.attempt, entry.task.arguments, entry.facts["text"]) for entry in history] == [
        (1, {"n_sigma": 3.0}, "old"),
        (2, {"n_sigma": 4.0}, "new"),
    ]
    assert history[1].sha256 == product.sha256 != history[0].sha256


def test_that_what_a_second_run_does_not_make_again_is_gone_but_images_in_other_bands_stay(store, clock):
    (job,) = store.add([request()])
    soft, hard = key(ProductKind.IMAGE, band_kev=(0.5, 2.0)), key(ProductKind.IMAGE, band_kev=(2.0, 10.0))
    first, _ = succeeded(store, job, clock, [MadeFile("gti.fits", key(ProductKind.GTI)), MadeFile("i.fits", soft)])
    succeeded(store, job, clock, [MadeFile("i.fits", hard)])
    assert {product.key for product in store.products()} == {soft, hard}
    assert not Path(first[0].path).exists() and Path(first[1].path).exists()


def test_that_files_cross_file_systems_whole(store, clock, monkeypatch):
    real = Path.replace

    def across(self, target):
        if "work" in self.parts and not str(target).endswith(".part"):
            raise OSError(18, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", across)
    (job,) = store.add([request()])
    (product,), _ = succeeded(store, job, clock, [MadeFile("clean.fits", key())])
    assert Path(product.path).read_text() == "clean.fits"
    assert [path.name for path in Path(product.path).parent.iterdir()] == [Path(product.path).name]
    assert not (store.layout.work_folder(job.id) / "clean.fits").exists()


def test_that_a_full_disk_is_said_so_and_leaves_the_job_as_it_was(store, clock, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    (job,) = store.add([request()])
    with pytest.raises(ArchiveError, match="no space left") as caught:
        succeeded(store, job, clock, [MadeFile("clean.fits", key())])
    assert caught.value.pauses_lane and store.get(job.id) == job
