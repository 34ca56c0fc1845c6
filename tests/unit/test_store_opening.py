"""An archive's store at its opening: whose it is, what is damaged, and what is said of both."""

import errno
import os
import sqlite3
from dataclasses import replace

import pytest

from daxa_gui.archive.failures import os_failure
from daxa_gui.archive.store import ArchiveStore, is_unfinished, list_archives
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.job import JobState
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import MadeFile
from tests.fakes.archives import reopened, succeeded
from tests.fakes.execution import request
from tests.fakes.tasks import key


def test_that_an_archive_is_open_only_once(store, clock):
    with pytest.raises(ArchiveError, match="open in another program"):
        ArchiveStore.open(store.layout, clock.now)
    reopened(store, clock).close()


def test_that_a_new_archive_takes_nobody_elses_folder(store, output):
    store.add_selections([(Selection("chandra", "v", ("15043",), ()), [{}])])
    output.archive("mine").folder.mkdir()
    (output.archive("mine").folder / "thesis.txt").touch()
    for name in ("Coma", "mine"):
        with pytest.raises(ArchiveError, match="already something"):
            ArchiveStore.create(output.archive(name))


def test_that_a_new_archive_takes_over_what_died_before_it_had_an_observation(store, output):
    store.close()
    assert is_unfinished(store.layout)
    again = ArchiveStore.create(store.layout)
    again.add_selections([(Selection("chandra", "v", ("15043",), ()), [{}])])
    assert not is_unfinished(store.layout)
    again.close()
    for name, left in (("folder", ()), ("lock", (".daxa_gui.lock",)), ("file", (".daxa_gui.lock", "daxa_gui.sqlite"))):
        output.archive(name).folder.mkdir()
        for file in left:
            (output.archive(name).folder / file).touch()
        assert is_unfinished(output.archive(name))
        ArchiveStore.create(output.archive(name)).close()


def test_that_selections_are_put_in_together_or_not_at_all(store):
    good, bad = Selection("chandra", "v", ("15043",), ()), Selection("swift", "v", ("1",), ())
    with pytest.raises(InputError):
        store.add_selections([(good, [{}]), (bad, [])])
    with pytest.raises(TypeError):
        store.add_selections([(good, [{}]), (bad, [{"target": object()}])])
    assert store.observations() == []
    store.add_selections([(good, [{}]), (bad, [{}])])
    assert [o.mission for o in store.observations()] == ["chandra", "swift"]


def test_that_a_folder_without_an_archive_is_not_opened(output):
    with pytest.raises(ArchiveError, match="no archive"):
        ArchiveStore.open(output.archive("nothing"))
    assert not output.archive("nothing").folder.exists()


def test_that_damaged_foreign_and_newer_databases_are_named(store, output):
    store.close()
    good = store.layout.database.read_bytes()

    def complaint():
        with pytest.raises(ArchiveError) as caught:
            ArchiveStore.open(store.layout)
        return caught.value.message

    store.layout.database.write_bytes(b"not a database at all" * 100)
    assert "damaged" in complaint()
    store.layout.database.write_bytes(good[:100] + b"\xff" * (len(good) - 100))
    assert "damaged" in complaint()
    store.layout.database.unlink()
    connection = sqlite3.connect(store.layout.database)
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    assert "not an archive's database" in complaint()
    store.layout.database.write_bytes(good)
    connection = sqlite3.connect(store.layout.database)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert "later version" in complaint()
    assert "later version" in complaint()  # and the lock was given back each time


def test_that_a_job_that_makes_no_sense_is_named_as_damage(store):
    store.add([request()])
    store.close()
    connection = sqlite3.connect(store.layout.database)
    connection.execute("UPDATE jobs SET task = '1], [2'")
    connection.commit()
    connection.close()
    opened = ArchiveStore.open(store.layout)
    with pytest.raises(ArchiveError, match="makes no sense"):
        opened.jobs()
    opened.close()


def test_that_a_closed_archive_says_so(store):
    store.close()
    for use in (lambda: store.add([request()]), store.products, lambda: store.set_info("a", 1)):
        with pytest.raises(ArchiveError, match="closed"):
            use()


def test_that_an_archive_cannot_be_made_below_a_file(output):
    output.folder.write_text("no folder")
    with pytest.raises(ArchiveError, match="cannot be read or written"):
        ArchiveStore.create(output.archive("a"))


@pytest.mark.parametrize(
    ("code", "words", "pauses"),
    [
        (errno.ENOSPC, "no space left", True),
        (errno.EDQUOT, "no space left", True),
        (errno.EROFS, "cannot be written", False),
        (errno.EACCES, "cannot be written", False),
        (errno.ENOENT, "is not there", False),
        (errno.EIO, "cannot be read or written", False),
    ],
)
def test_that_what_the_disk_complains_about_becomes_a_sentence_with_its_path(code, words, pauses):
    error = os_failure(OSError(code, os.strerror(code)), "/a/b.fits")
    assert words in error.message and "/a/b.fits" in error.message and error.pauses_lane is pauses


def test_that_a_database_that_can_grow_no_more_is_a_full_disk(store):
    store.add([request()])
    with store.database.writing() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    store.database._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ArchiveError, match="no space left") as caught:
        store.set_info("large", "x" * 100_000)
    assert caught.value.pauses_lane and "large" not in store.info()
    (job,) = store.jobs()
    store.update(replace(job, state=JobState.RUNNING))  # what fits still works


def test_that_archives_are_listed_also_open_and_damaged_ones(store, output):
    store.add_selections([(Selection("chandra", "v", ("1", "2"), ()), [{}, {}])])
    broken = output.archive("broken")
    broken.folder.mkdir()
    broken.database.write_bytes(b"rubbish" * 1000)
    (output.archives / "somebody else's").mkdir()
    bad, good = list_archives(output)  # by name, without regard to case
    assert (good.name, good.n_observations, good.missions, good.problem) == ("Coma", 2, ("chandra",), "")
    assert bad.name == "broken" and "damaged" in bad.problem


@pytest.mark.parametrize(
    ("change", "look"),
    [
        ("UPDATE jobs SET done = 'much'", ArchiveStore.jobs),
        ("UPDATE jobs SET title = x'ff'", ArchiveStore.jobs),
        ("UPDATE jobs SET task = '[]'", ArchiveStore.jobs),
        ("UPDATE jobs SET state = 'flying'", None),
        ("UPDATE info SET value = '' WHERE name = 'created'", ArchiveStore.summary),
        ("UPDATE info SET value = '{'", ArchiveStore.info),
        ("UPDATE observations SET row = '[1]'", ArchiveStore.observations),
        ("UPDATE selections SET filters = '5'", ArchiveStore.selections),
        ("UPDATE products SET facts = 'x'", ArchiveStore.products),
        ("UPDATE products SET kind = 'x'", ArchiveStore.products),
    ],
)
def test_that_what_makes_no_sense_in_a_database_is_said_to(store, clock, change, look):
    store.add_selections([(Selection("chandra", "v", ("15043",), ()), [{}])])
    (job,) = store.add([request()])
    succeeded(store, job, clock, [MadeFile("a.fits", key())])
    store.close()
    with sqlite3.connect(store.layout.database) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(ArchiveError, match="makes no sense"):
        opened = ArchiveStore.open(store.layout, clock.now)
        try:
            assert look is not None
            look(opened)
        finally:
            opened.close()
