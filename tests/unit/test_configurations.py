"""Earlier results that are kept as configurations, and jobs for which one need is enough."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.configurations import Configurations, _link
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.standing import Standings
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import MadeFile
from tests.fakes.archives import succeeded
from tests.fakes.execution import FakeClock, request

OBS = "0404910601"
KEY = ProductKey("xmm_pointed", OBS, ProductKind.GTI, "M1", "S001")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(tmp_path, clock):
    one = ArchiveStore.create(OutputLayout(tmp_path).archive("a"), clock.now)
    yield one
    one.close()


def made(text, **facts):
    return MadeFile("gti.fits", KEY, facts={"text": text, **facts})


def run(store, clock, text, **facts):
    [job] = store.add([request("M1S001", "espfilt", kind="reduce")], again=True)
    return succeeded(store, job, clock, (made(text, **facts),))[0][0]


def test_that_what_is_replaced_is_kept_and_can_be_compared(store, clock):
    first = run(store, clock, "wide", kept_fraction=0.9)
    configurations = Configurations(store.layout, store.database, clock.now)
    found = configurations.keep([first.job_id], "sigma 3", {"espfilt": {"allowed_sigma": 3.0}}, "sigma 3 → 2")
    assert found.n_products == 0  # nothing was replaced yet
    second = run(store, clock, "narrow", kept_fraction=0.5)
    assert Path(second.path).read_text() == "narrow"
    [kept] = configurations.all()
    assert (kept.name, kept.n_products, kept.n_bytes, kept.n_observations, kept.steps) == ("sigma 3", 1, 4, 1, ("espfilt",))
    [pair] = configurations.compare("sigma 3")
    assert Path(pair.old_path).read_text() == "wide" and pair.new_path == second.path
    assert (pair.old_facts["kept_fraction"], pair.new_facts["kept_fraction"]) == (0.9, 0.5)
    run(store, clock, "third")  # replaces results that nobody wanted to keep
    assert [one.n_products for one in configurations.all()] == [1]
    assert Path(configurations.compare("sigma 3")[0].old_path).read_text() == "wide"


def test_that_a_run_that_fails_replaces_nothing(store, clock):
    first = run(store, clock, "wide")
    configurations = Configurations(store.layout, store.database, clock.now)
    configurations.keep([first.job_id], "before", {}, "")
    [job] = store.add([request("M1S001", "espfilt", kind="reduce")], again=True)
    assert Path(first.path).read_text() == "wide" and configurations.all()[0].n_products == 0
    succeeded(store, job, clock, (made("narrow"),))  # the next one keeps what was there
    assert configurations.all()[0].n_products == 1


def test_that_names_are_checked_and_other_parameters_get_another_number(store, clock):
    configurations = Configurations(store.layout, store.database, clock.now)
    assert configurations.keep([], "a", {"x": {"y": 1}}, "").name == "a"
    assert configurations.keep([], "a", {"x": {"y": 1}}, "").name == "a"
    assert configurations.keep([], "a", {"x": {"y": 2}}, "").name == "a (2)"
    for name in ("", "  ", "a\nb\x00", "x" * 121):
        with pytest.raises(InputError):
            configurations.keep([], name, {}, "")
    with pytest.raises(InputError):
        configurations.rename("a", "a (2)")
    configurations.rename("a", "first", "of last week")
    assert {(one.name, one.note) for one in configurations.all()} == {("first", "of last week"), ("a (2)", "")}
    with pytest.raises(InputError):
        configurations.compare("a")


def test_that_removing_one_frees_its_files_and_no_others(store, clock):
    first = run(store, clock, "wide")
    configurations = Configurations(store.layout, store.database, clock.now)
    configurations.keep([first.job_id], "before", {}, "")
    second = run(store, clock, "narrow")
    old = Path(configurations.compare("before")[0].old_path)
    assert configurations.remove("before") == 4
    assert not old.exists() and Path(second.path).is_file() and configurations.all() == []


def test_that_a_link_in_the_place_of_a_product_is_not_kept(store, clock, tmp_path):
    first = run(store, clock, "wide")
    secret = tmp_path / "secret.txt"
    secret.write_text("private")
    Path(first.path).unlink()
    Path(first.path).symlink_to(secret)
    configurations = Configurations(store.layout, store.database, clock.now)
    configurations.keep([first.job_id], "before", {}, "")
    run(store, clock, "narrow")
    assert configurations.compare("before") == [] and secret.read_text() == "private"


def test_that_links_of_a_stranger_lead_no_earlier_result_out_of_the_archive(store, clock, tmp_path):
    first = run(store, clock, "wide")
    configurations = Configurations(store.layout, store.database, clock.now)
    configurations.keep([first.job_id], "before", {}, "")
    outside = tmp_path / "outside"
    outside.mkdir()
    for link in ("configurations/1", "configurations/1/processed_data"):
        path = store.layout.folder / link
        path.parent.mkdir(parents=True)
        path.symlink_to(outside)
        with pytest.raises(ArchiveError, match="A link leads"):
            run(store, clock, "narrow")
        assert list(outside.iterdir()) == [] and Path(first.path).read_text() == "wide"
        shutil.rmtree(store.layout.folder / "configurations") if path.parent.name == "1" else path.unlink()
        path.parent.exists() and path.parent.rmdir()
    run(store, clock, "narrow")
    assert configurations.all()[0].n_products == 1


@pytest.mark.parametrize("number", ["'abc'", "77", "-1", "2.5"])
def test_that_a_configuration_that_is_none_keeps_nothing(store, clock, number):
    run(store, clock, "wide")
    with store.database.writing() as connection:
        connection.execute(f"UPDATE jobs SET keep_as = {number}")
    assert Path(run(store, clock, "narrow").path).read_text() == "narrow"
    assert not (store.layout.folder / "configurations").exists()


def test_that_sizes_of_a_stranger_do_not_overflow(store, clock):
    first = run(store, clock, "wide")
    configurations = Configurations(store.layout, store.database, clock.now)
    configurations.keep([first.job_id], "before", {}, "")
    run(store, clock, "narrow")
    copied = "mission, obs_id, unit, step, kind, instrument, exposure, size_bytes, sha256, created, facts, task"
    with store.database.writing() as connection:
        connection.execute(f"UPDATE kept_products SET size_bytes = {2**63 - 1}")
        connection.execute(
            f"INSERT INTO kept_products (configuration_id, path, original, {copied})"
            f" SELECT configuration_id, path, original || 'x', {copied} FROM kept_products"
        )
    assert configurations.all()[0].n_bytes >= 2**63 and configurations.remove("before") >= 2**63


def test_that_several_jobs_may_keep_the_same_file_at_once(tmp_path):
    source, target = tmp_path / "gti.fits", tmp_path / "configurations" / "1" / "gti.fits"
    source.write_text("wide")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _link(source, target), range(400)))
    assert [path.name for path in target.parent.iterdir()] == ["gti.fits"] and target.samefile(source)


def asked(sigma):
    return request("M1S001", "espfilt", kind="reduce", sigma=sigma)


def test_that_results_of_a_run_before_one_that_failed_are_kept_too(store, clock):
    """And not what goes back to the task that they were made with."""

    def standing_of(sigma):
        return Standings(store.layout, store.database).compare([asked(sigma)])

    [job] = store.add([asked(3.0)])
    succeeded(store, job, clock, (made("three"),))
    [job] = store.add([asked(2.0)])
    assert [one.replaces for one in standing_of(2.0)] == [True]  # queued; there is what the first run made
    store.update(replace(job, state=JobState.RUNNING, attempt=2, started=clock.now()))
    store.update(replace(job, state=JobState.FAILED, attempt=2, error=ErrorInfo("It crashed.")))
    [other], [same] = standing_of(1.0), standing_of(3.0)
    assert (other.replaces, other.goes_back) == (True, False) and (same.replaces, same.goes_back) == (False, True)
    configurations = Configurations(store.layout, store.database, clock.now)
    configurations.keep([job.id], "three", {}, "")
    configurations.keep_no_more([job.id])
    [job] = store.add([asked(3.0)])
    succeeded(store, job, clock, (made("three again"),))
    assert configurations.all()[0].n_products == 0


def test_that_a_program_that_was_killed_while_it_stored_a_run_loses_no_earlier_result(store, clock, monkeypatch):
    """The new file lies in its place already, the database knows of the old one only; then the job is done once more."""
    first = run(store, clock, "wide")
    configurations = Configurations(store.layout, store.database, clock.now)
    configurations.keep([first.job_id], "before", {}, "")

    class Killed(BaseException):
        pass

    def killed(*arguments):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("daxa_gui.archive.store.register_kept", killed)
        run(store, clock, "narrow")
    assert Path(first.path).read_text() == "narrow"
    run(store, clock, "narrow again")
    [pair] = configurations.compare("before")
    assert Path(pair.old_path).read_text() == "wide" and Path(pair.new_path).read_text() == "narrow again"


def test_that_an_observation_is_asked_for_what_each_configuration_has_of_it(store, clock):
    configurations = Configurations(store.layout, store.database, clock.now)
    first = run(store, clock, "one", good_time_s=1.0)
    configurations.keep([first.job_id], "3 sigma", {}, "parameters")
    run(store, clock, "two", good_time_s=2.0)
    [earlier] = configurations.of_observation("xmm_pointed", OBS)
    [product] = earlier.products
    assert (earlier.name, product.unit, product.kind, product.step) == ("3 sigma", "M1S001", ProductKind.GTI, "espfilt")
    assert product.facts["good_time_s"] == 1.0 and product.path != product.now_path
    assert product.now_path == str(store.layout.product_path(KEY))
    assert earlier.replaced_by(product.now_path) is product and earlier.replaced_by("") is None
    assert earlier.of_units(("M1S001",), "M1").products and not earlier.of_units(("M2S002",), "M2").products
    assert configurations.of_observation("xmm_pointed", OBS[:-1]) == [], "the beginning of a name is another observation"
    with store.database.writing() as connection:  # as when nothing of the observation succeeds any more
        connection.execute("UPDATE products SET path = replace(path, 'archive:processed_data/', 'archive:failed_data/')")
    [moved] = configurations.of_observation("xmm_pointed", OBS)[0].products
    assert "failed_data" in moved.now_path
    assert configurations.compare("3 sigma")[0].new_path == moved.now_path
