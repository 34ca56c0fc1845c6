"""Versions: what each held is what was there when it was cut, in few rows, with sentences that say what changed."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daxa_gui.archive.database import Database
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.version_words import Group, sentences
from daxa_gui.archive.versions import Versions, daxa_version
from daxa_gui.core.documents import task_document, to_json
from daxa_gui.core.errors import InputError
from daxa_gui.core.step import Call
from daxa_gui.core.timeseries import Gti
from daxa_gui.fits.products import write_gti
from daxa_gui.reduction import STEPS

XMM = "xmm_pointed"


class Content:
    """An archive's tables, changed as the store changes them, and what they hold in the plainest form."""

    def __init__(self, folder: Path) -> None:
        self.layout = OutputLayout(folder).archive("a")
        self.layout.folder.mkdir(parents=True)
        self.database = Database(self.layout.database)
        self.clock = itertools.count(1000.0)
        self.versions = Versions(self.layout, self.database, dict(STEPS), lambda: next(self.clock))
        self.making = itertools.count(1)

    def close(self) -> None:
        self.database.close()

    def observe(self, obs_id: str, mission: str = XMM) -> None:
        with self.database.writing() as c:
            c.execute("INSERT OR IGNORE INTO selections VALUES (1, '', '', '[]', '[]', '[]', 0, '[]')")
            c.execute(
                "INSERT OR IGNORE INTO observations (mission, obs_id, target, instruments, row, added, selection_id)"
                " VALUES (?, ?, '', '[]', '{}', 0, 1)", (mission, obs_id),
            )  # fmt: skip

    def drop(self, obs_id: str, mission: str = XMM) -> None:
        with self.database.writing() as c:
            c.execute("DELETE FROM observations WHERE mission = ? AND obs_id = ?", (mission, obs_id))

    def path(self, obs_id: str, unit: str, kind: str, mission: str = XMM) -> str:
        return f"archive:processed_data/{mission}/{obs_id}/{unit}-{kind}.fits"

    def make(self, obs_id: str, unit: str, step: str, kind: str, text: str = "", mission: str = XMM, **parameters: Any) -> None:
        """A product is made (again) by a step with these parameters."""
        task = Call(f"x:{step}", {"path": "/some/where", "mission": mission, "obs_id": obs_id, **parameters})
        digest = hashlib.sha256(text.encode()).hexdigest()
        path = self.path(obs_id, unit, kind, mission)
        facts = json.dumps({"n": len(text)})
        with self.database.writing() as c:
            c.execute(
                "INSERT OR REPLACE INTO products (mission, obs_id, kind, instrument, exposure, path, size_bytes, sha256, created,"
                " facts) VALUES (?, ?, ?, ?, 'ALL', ?, ?, ?, 0, ?)",
                (mission, obs_id, kind, unit, path, len(text), digest, facts),
            )
            c.execute(
                "INSERT INTO history (path, job_id, attempt, step, title, task, size_bytes, sha256, version, facts)"
                " VALUES (?, 1, 1, ?, '', ?, ?, ?, '', ?)",
                (path, step, to_json(task_document(task)), len(text), digest, facts),
            )

    def remove(self, obs_id: str, unit: str, kind: str) -> None:
        with self.database.writing() as c:
            c.execute("DELETE FROM products WHERE path = ?", (self.path(obs_id, unit, kind),))

    def snapshot(self) -> tuple[Any, ...]:
        """Brute force: observations, and every product with its newest making."""
        with self.database.reading() as c:
            observations = c.execute("SELECT mission, obs_id FROM observations ORDER BY 1, 2").fetchall()
            paths = c.execute("SELECT path, sha256 FROM products ORDER BY path").fetchall()
            products = {}
            for path, digest in paths:
                step, task = c.execute("SELECT step, task FROM history WHERE path = ? ORDER BY id DESC", (path,)).fetchone()
                known = {p.name for p in STEPS[step].parameters} if step in STEPS else set()
                arguments = {k: v for k, v in json.loads(task)["arguments"].items() if k in known}
                products[path.removeprefix("archive:")] = (digest, step, arguments)
        return tuple(observations), products

    def seen(self, number: str) -> tuple[Any, ...]:
        contents = self.versions.contents(number)
        return contents.observations, {p.path: (p.sha256, p.step, p.parameters) for p in contents.products}

    def rows(self, table: str) -> int:
        with self.database.reading() as c:
            return int(c.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def content(tmp_path: Path):
    made = Content(tmp_path)
    yield made
    made.close()


def test_that_an_empty_archive_has_no_version(content: Content) -> None:
    assert content.versions.cut() is None and content.versions.versions() == []
    assert content.versions.cut("a note") is None


def test_that_a_version_is_cut_only_when_something_changed(content: Content) -> None:
    content.observe("1")
    assert content.versions.cut().number == "1.0"
    assert content.versions.cut() is None
    content.make("1", "PN", "flares", "gti", n_sigma=3.0)
    second = content.versions.cut()
    assert second.number == "1.1" and second.n_products == 1 and second.n_observations == 1
    assert content.versions.cut() is None
    assert [version.number for version in content.versions.versions()] == ["1.1", "1.0"]


def test_that_a_product_made_again_without_a_difference_is_no_change(content: Content) -> None:
    content.make("1", "PN", "flares", "gti", "same", n_sigma=3.0)
    content.versions.cut()
    content.make("1", "PN", "flares", "gti", "same", n_sigma=3.0)
    assert content.versions.cut() is None
    content.make("1", "PN", "flares", "gti", "same", n_sigma=2.5)  # other parameters are a change although nothing else is
    version = content.versions.cut()
    assert version.changes == ("Flares re-run with sigma 2.5 (before 3) on 1 exposure (XMM-Newton Pointed).",)


def test_the_sentences_of_a_change_log(content: Content) -> None:
    for number in range(12):
        content.observe(str(number))
        content.make(str(number), "PN", "download", "events")
        content.make(str(number), "PN", "flares", "gti", "3", n_sigma=3.0, limits_ct_s=None)
    first = content.versions.cut()
    assert first.changes == (
        "12 new XMM-Newton Pointed observations.",
        "12 files of 12 observations came (XMM-Newton Pointed).",
        "Flares on 12 exposures (XMM-Newton Pointed).",
    )
    for number in range(12):
        content.make(str(number), "PN", "flares", "gti", "2.5", n_sigma=2.5, limits_ct_s=[0.5, 1])
    for number in range(12, 15):
        content.observe(str(number))
    content.observe("9", "chandra")
    content.drop("3")
    content.remove("3", "PN", "events")
    second = content.versions.cut()
    assert second.changes == (
        "4 new observations (XMM-Newton Pointed 3, Chandra 1).",
        "1 XMM-Newton Pointed observation removed.",
        "1 file of 1 observation went (XMM-Newton Pointed).",
        "Flares re-run with limits by hand 0.5 to 1 ct/s (before automatic), sigma 2.5 (before 3) on 12 exposures"
        " (XMM-Newton Pointed).",
    )
    difference = content.versions.difference("1.0", "1.1")
    assert difference.sentences == second.changes
    assert len(difference.changed) == 12 and len(difference.removed) == 1 and not difference.added
    assert difference.removed_observations == ((XMM, "3"),)
    back = content.versions.difference("1.1", "1.0")
    assert "1 new XMM-Newton Pointed observation." in back.sentences and len(back.added) == 1
    assert content.versions.difference("1.1", "1.1").sentences == ("Nothing differs.",)


def test_that_parameters_of_unknown_steps_and_by_hand_are_said() -> None:
    groups = [
        Group(XMM, "tidying", "changed", 2, 1),
        Group(XMM, "flares", "changed", 1, 1, (("added_s", [], [[1, 2]]), ("bin_s", None, 20.0))),
        Group("moon_watch", "image", "gone", 3, 2),
    ]
    assert sentences([], [], groups, dict(STEPS)) == (
        "Flares re-run with 1 interval added by hand (before 0), bin length 20 s (before the mission's own) on 1 exposure"
        " (XMM-Newton Pointed).",
        "Image: 3 files of 2 exposures (moon_watch) gone.",
        "tidying re-run on 1 exposure (XMM-Newton Pointed).",
    )


def test_that_what_stays_takes_no_room(content: Content) -> None:
    for number in range(20):
        content.observe(str(number))
        content.make(str(number), "PN", "flares", "gti", "3")
    content.versions.cut()
    for turn in range(10):
        content.make("0", "PN", "flares", "gti", f"turn {turn}")
        assert content.versions.cut() is not None
    assert content.rows("product_spans") == 20 + 10 and content.rows("observation_spans") == 20


def test_that_earlier_good_time_can_be_looked_at(content: Content) -> None:
    for text, stop in (("a", 100.0), ("b", 60.0)):
        content.make("1", "PN", "flares", "gti", text)
        path = content.layout.absolute(content.path("1", "PN", "gti"))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_gti(path, Gti(np.array([0.0, 30.5]), np.array([20.0, stop])))
        content.versions.cut()
    path.unlink()
    gtis = [content.versions.contents(number).gtis for number in ("1.0", "1.1")]
    assert gtis == [{f"{XMM}/1/PN": ((0.0, 20.0), (30.5, 100.0))}, {f"{XMM}/1/PN": ((0.0, 20.0), (30.5, 60.0))}]


def test_that_a_note_goes_to_the_version_that_has_none(content: Content) -> None:
    content.observe("1")
    assert content.versions.cut().note == ""
    assert content.versions.cut("as submitted").note == "as submitted"
    assert content.versions.cut("again") is None  # what a person wrote is not overwritten
    content.observe("2")
    assert content.versions.cut("revised").note == "revised"
    assert [version.note for version in content.versions.versions()] == ["revised", "as submitted"]


def test_that_products_found_on_the_disk_get_a_history(content: Content) -> None:
    content.make("1", "PN", "image", "image", "x")
    with content.database.writing() as c:
        c.execute("DELETE FROM history")
    content.versions.cut()
    (product,) = content.versions.contents("1.0").products
    assert product.sha256 == hashlib.sha256(b"x").hexdigest() and product.step == "found"


def test_that_a_version_that_there_is_not_is_an_input_error(content: Content) -> None:
    with pytest.raises(InputError, match=r"9\.9"):
        content.versions.contents("9.9")


def test_daxas_own_numbers() -> None:
    assert [daxa_version(number) for number in ("1.0", "1.12")] == ["0.0.0", "0.12.0"]


_PLACES = st.tuples(st.sampled_from("123"), st.sampled_from(["PN", "M1"]), st.sampled_from(["gti", "image"]))
_ACTIONS = st.one_of(
    st.tuples(st.just("make"), _PLACES, st.sampled_from("ab"), st.sampled_from([2.5, 3.0])),
    st.tuples(st.just("remove"), _PLACES),
    st.tuples(st.just("observe"), st.sampled_from("123")),
    st.tuples(st.just("drop"), st.sampled_from("123")),
    st.tuples(st.just("cut")),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(_ACTIONS, max_size=25))
def test_that_every_version_is_what_was_there_when_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, actions: list[Any]
) -> None:
    content = Content(tmp_path_factory.mktemp("versions"))
    try:
        snapshots: dict[str, Any] = {}
        last: Any = ((), {})
        for name, *rest in [*actions, ("cut",)]:
            if name == "make":
                (obs_id, unit, kind), text, sigma = rest
                content.make(obs_id, unit, "flares" if kind == "gti" else "image", kind, text, n_sigma=sigma)
            elif name == "remove":
                content.remove(*rest[0])
            elif name == "cut":
                version = content.versions.cut()
                now = content.snapshot()
                assert (version is None) == (now == last)
                if version is not None:
                    snapshots[version.number] = last = now
            else:
                getattr(content, name)(*rest)
        assert {number: content.seen(number) for number in snapshots} == snapshots
        assert [version.number for version in content.versions.versions()] == list(reversed(snapshots))
    finally:
        content.close()
