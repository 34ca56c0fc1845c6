"""Exposures put together from products and jobs: every list of them, whoever made it, and how doubtful their cleaning is."""

from __future__ import annotations

import pytest

from daxa_gui.archive.exposures import ExposureBook
from daxa_gui.core.exposures import Exposure, ListRole, Verdict, judged_by_facts, worst_first
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.step import Call

K = ProductKind
XMM, OBS = "xmm_pointed", "0123456789"
_OF_SAS = ("emchain", "espfilt", "cleaned_evt_lists", "merge_subexposures", "generate_images_expmaps")
AUTHORS = {"flares": "built-in engine", "flaregti": "eSASS", "cleaned_erosita_evts": "eSASS", **dict.fromkeys(_OF_SAS, "SAS")}


class World:
    """Products and jobs of one observation."""

    def __init__(self, mission: str = XMM) -> None:
        self.mission = mission
        self.products: list[Product] = []
        self.jobs: list[Job] = []

    def job(self, step: str, unit: str, **facts: object) -> Job:
        task, done = Call("a:b"), JobState.SUCCEEDED
        job = Job(len(self.jobs) + 1, "reduce", "local", self.mission, OBS, unit, step, "", task, state=done, facts=dict(facts))
        self.jobs.append(job)
        return job

    def add(
        self, kind: K, instrument: str, exposure: str = "ALL", job: Job | None = None, band: tuple[float, float] | None = None
    ) -> Product:  # fmt: skip
        key = ProductKey(self.mission, OBS, kind, instrument, exposure, band)
        path = f"/a/{len(self.products)}-{kind}-{key.unit}.fits"
        made = Product(key, path, 1, job_id=job.id if job is not None else None, created=float(len(self.products)))
        self.products.append(made)
        return made

    def exposures(self, wanted: tuple[str, ...] = ()) -> dict[str, Exposure]:
        book = ExposureBook(
            self.products, self.jobs, {(XMM, OBS, "M1S001"): Verdict("flagged", "odd")}, lambda job: AUTHORS[job.step],
            lambda job: AUTHORS[job.step] != "built-in engine",
        )  # fmt: skip
        lists = [(one, one.key) for one in self.products if one.key.kind is K.EVENTS]
        found = book.exposures(lists, lambda key: not wanted or key.instrument in wanted)
        return {one.unit: one for one in found}


def sas(world: World, instrument: str, exposure: str, **facts: object) -> None:
    unit = f"{instrument}{exposure}"
    world.add(K.CALIBRATED_EVENTS, instrument, exposure, world.job("emchain", unit))
    world.add(K.GTI, instrument, exposure, world.job("espfilt", unit, good_time_s=2000.0, kept_fraction=0.5, **facts))
    world.add(K.CLEAN_EVENTS, instrument, exposure, world.job("cleaned_evt_lists", unit))


def labels(exposure: Exposure) -> list[str]:
    return [one.label for one in exposure.all_lists()]


def test_that_lists_of_the_software_stand_beside_downloaded_ones_and_new_sub_exposures_are_exposures():
    world = World()
    world.add(K.EVENTS, "M1", "S001")
    sas(world, "M1", "S001")
    sas(world, "M1", "U002")
    world.add(K.FINAL_EVENTS, "M1", job=world.job("merge_subexposures", "M1"))
    found = world.exposures()
    assert set(found) == {"M1S001", "M1U002"}
    assert labels(found["M1S001"]) == ["downloaded", "calibrated by SAS", "cleaned by SAS", "merged by SAS (M1)"]
    assert labels(found["M1U002"]) == ["calibrated by SAS", "cleaned by SAS", "merged by SAS (M1)"]
    assert found["M1S001"].raw.key.kind is K.EVENTS and found["M1U002"].raw.key.kind is K.CALIBRATED_EVENTS
    assert found["M1S001"].verdict.note == "odd"


def test_that_the_list_from_which_the_present_good_time_was_made_is_shown_first():
    world = World()
    raw = world.add(K.EVENTS, "M1", "S001")
    sas(world, "M1", "S001")
    by_sas = world.exposures()["M1S001"]
    assert (by_sas.list_for(None).label, by_sas.cleaned_by, by_sas.flares) == ("calibrated by SAS", "SAS", None)
    world.add(K.GTI, "M1", "S001", world.job("flares", "M1S001", doubt=0.4, kept_fraction=0.7))
    ours = world.exposures()["M1S001"]
    assert ours.list_for(None).product == raw and ours.cleaned_by == "built-in engine" and ours.screening is None
    assert (ours.doubt, ours.kept_fraction) == (0.4, 0.7)
    assert ours.list_for(ListRole.CLEANED).label == "cleaned by SAS"
    assert ours.list_for(ListRole.MERGED) == ours.list_for(None), "there is none"


def test_that_results_of_erositas_modules_are_joined_to_the_list_of_all_of_them():
    world = World("erosita_calpv")
    world.add(K.EVENTS, "TM0")
    modules = "TM1_TM2_TM5"
    flaregti = world.job("flaregti", modules, good_time_s=500.0, kept_fraction=0.4)
    listed = world.add(K.CALIBRATED_EVENTS, modules, job=flaregti)
    gti = world.add(K.GTI, modules, job=flaregti)
    world.add(K.FINAL_EVENTS, modules)  # the downloaded list under its name in the archive
    clean = world.add(K.FINAL_EVENTS, modules, job=world.job("cleaned_erosita_evts", modules))
    [exposure] = world.exposures().values()
    assert exposure.unit == "TM0" and exposure.units == ("TM0", modules)
    assert labels(exposure) == ["downloaded", "calibrated by eSASS", "cleaned by eSASS"]
    assert exposure.gti == gti and exposure.clean == clean and exposure.list_for(None).product == listed
    assert exposure.has_file(listed.path)


def test_that_pictures_of_an_instrument_belong_to_all_its_exposures_behind_their_own():
    world = World()
    sas(world, "M1", "S001")
    made = world.job("generate_images_expmaps", "M1")
    world.add(K.EXPOSURE_MAP, "M1", job=made, band=(2.0, 10.0))
    world.add(K.IMAGE, "M1", job=made, band=(2.0, 10.0))
    world.add(K.IMAGE, "M1", job=made, band=(0.5, 2.0))
    own = world.add(K.IMAGE, "M1", "S001", job=made, band=(1.0, 5.0))
    images = world.exposures()["M1S001"].images
    assert images[0] == own
    assert [(one.key.kind, one.key.band_kev) for one in images[1:]] == [
        (K.IMAGE, (0.5, 2.0)), (K.IMAGE, (2.0, 10.0)), (K.EXPOSURE_MAP, (2.0, 10.0)),
    ]  # fmt: skip


def test_that_lists_of_instruments_that_were_not_chosen_are_no_exposures():
    world = World()
    sas(world, "M1", "S001")
    sas(world, "PN", "S003")
    assert set(world.exposures(wanted=("PN",))) == {"PNS003"}


def test_that_products_of_a_job_that_nobody_knows_have_no_author():
    world = World()
    world.add(K.CALIBRATED_EVENTS, "M1", "S001")
    [exposure] = world.exposures().values()
    assert labels(exposure) == ["calibrated"] and exposure.cleaned_by == "" and not exposure.is_judged and exposure.doubt == 0.0


@pytest.mark.parametrize(
    ("facts", "doubt", "reason"),
    [
        ({"good_time_s": 0.0, "kept_fraction": 0.0}, 1.0, "No useful time"),
        ({"good_time_s": 5000.0, "kept_fraction": 0.1}, 0.6, "Only 10 %"),
        ({"good_time_s": 5000.0, "kept_fraction": 0.5}, 0.3, "50 %"),
        ({"good_time_s": 400.0, "kept_fraction": 0.5}, 0.44, "50 %"),
        ({"good_time_s": 5000.0, "kept_fraction": 0.9}, 0.0, ""),
        ({"good_time_s": "much", "kept_fraction": None}, 0.0, ""),
        ({"good_time_s": 10**400, "kept_fraction": True}, 0.0, ""),
    ],
)
def test_that_a_cleaning_of_the_software_is_judged_by_what_it_reports(facts, doubt, reason):
    found, reasons = judged_by_facts(facts)
    assert found == pytest.approx(doubt) and (reasons[0] if reasons else "").startswith(reason)


def test_that_its_warnings_count_and_the_worst_come_first():
    world = World()
    sas(world, "M1", "S001")
    sas(world, "PN", "S003")
    found = world.exposures()
    assert judged_by_facts({"good_time_s": 5000.0}, ("The Gaussian is wider than its centre.",))[0] == 0.2
    world.jobs[1].facts["kept_fraction"] = 0.95
    assert [one.unit for one in worst_first(list(found.values()))] == ["PNS003", "M1S001"]
