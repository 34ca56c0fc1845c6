"""Catalogues that are refreshed from a service that answers here, through the session and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_gui.core.bus import Mailbox
from daxa_gui.core.errors import InputError, TransferError
from daxa_gui.core.events import CatalogueChanged, CatalogueProgress, Event, Notice
from daxa_gui.core.settings import Settings
from daxa_gui.session import Session
from tests.fakes.misbehaving_tap import FakeTable, Fault, MisbehavingTap
from tests.fakes.waiting import PATIENCE_S

COLUMNS = {
    "ra": "double", "dec": "double", "obsid": "char", "time": "double", "stop_time": "double", "category_code": "long",
    **{f"xis{n}_{what}": kind for n in range(4) for what, kind in (("expo", "double"), ("num_modes", "long"))},
}  # fmt: skip


def row(number: int, **changes: Any) -> tuple[Any, ...]:
    """One observation of Suzaku as HEASARC's table has it."""
    values = {name: 1 if kind == "long" else 20000.0 for name, kind in COLUMNS.items()}
    values |= {
        "ra": number % 360.0,
        "dec": number % 90.0,
        "obsid": f"{100000000 + number}",
        "time": 54000.0,
        "stop_time": 54001.0,
    }
    return tuple((values | changes)[name] for name in COLUMNS)


def suzaku(rows: list[tuple[Any, ...]]) -> dict[str, FakeTable]:
    return {"suzamaster": FakeTable(COLUMNS, rows, units={"ra": "deg", "dec": "deg", "time": "d", "xis0_expo": "s"})}


@pytest.fixture(scope="module", autouse=True)
def all_columns() -> None:
    """What the mission asks for beyond the columns above is text."""
    from daxa_gui.missions import MISSIONS

    for name in MISSIONS["suzaku"].sources[0].columns:
        COLUMNS.setdefault(name, "char")


@pytest.fixture
def service() -> Iterator[MisbehavingTap]:
    with MisbehavingTap(suzaku([row(n) for n in range(50)])) as tap:
        yield tap


@pytest.fixture
def session(service: MisbehavingTap, tmp_path: Path) -> Iterator[Session]:
    made = Session(settings=Settings(heasarc_tap=service.address), cache=tmp_path / "cache")
    yield made
    made.close()


def replace_rows(service: MisbehavingTap, rows: list[tuple[Any, ...]]) -> None:
    service.tables["suzamaster"] = suzaku(rows)["suzamaster"]


def test_that_a_first_update_brings_a_certified_catalogue(session, service):
    assert session.catalogue_status("suzaku").origin == "none"
    session.update_catalogue("suzaku")
    status = session.catalogue_status("suzaku")
    assert (status.origin, status.rows) == ("fetched", 50)
    assert status.certificate is not None and status.certificate.complete
    assert status.certificate.service == service.address
    assert len(session.catalogue("suzaku")) == 50


def test_that_a_refresh_tells_what_is_new_changed_and_gone(session, service):
    session.update_catalogue("suzaku")
    rows = [row(n) for n in range(1, 50)] + [row(99)]
    rows[4] = row(5, xis0_expo=31000.0)
    replace_rows(service, rows)
    diff = session.update_catalogue("suzaku")
    assert diff.new == ("100000099",)
    assert diff.vanished == ("100000000",)
    assert set(diff.changed) == {"100000005"}
    again = session.catalogue_changes("suzaku")
    assert again is not None and (again.new, again.vanished) == (diff.new, diff.vanished)


def test_that_a_second_program_finds_the_catalogue_without_network(session, service, tmp_path):
    session.update_catalogue("suzaku")
    asked = len(service.queries)
    other = Session(settings=Settings(heasarc_tap=service.address, work_offline=True), cache=tmp_path / "cache")
    try:
        assert other.catalogue("suzaku").obs_id.tolist() == session.catalogue("suzaku").obs_id.tolist()
        with pytest.raises(InputError, match="offline"):
            other.update_catalogue("suzaku")
    finally:
        other.close()
    assert len(service.queries) == asked


@pytest.mark.parametrize("misbehaviour", ["renamed", "cut", "html", "half"])
def test_that_a_damaged_reply_leaves_the_last_good_copy_in_use(session, service, misbehaviour):
    session.update_catalogue("suzaku")
    replace_rows(service, [row(n) for n in range(60)])
    if misbehaviour == "renamed":
        service.renames["ra"] = "right_ascension"
    elif misbehaviour == "cut":
        service.cut_at, service.cut_at_random, service.ignores_top = 20, True, True
    elif misbehaviour == "html":
        service.faults.extend([Fault(body=b"<html><body>Table does not exist</body></html>", content_type="text/html")] * 9)
    else:
        replace_rows(service, [row(n) for n in range(30)])  # every fifth one more would be a lot for one refresh
    with pytest.raises(TransferError) as caught:
        session.update_catalogue("suzaku")
    assert len(session.catalogue("suzaku")) == 50
    assert caught.value.message in session.catalogue_status("suzaku").problem
    if misbehaviour == "renamed":
        assert "ra" in caught.value.message


@pytest.mark.parametrize("known", [True, False])
def test_that_a_table_without_rows_is_refused(session, service, known):
    if known:
        session.update_catalogue("suzaku")
    replace_rows(service, [])
    with pytest.raises(TransferError, match="suzamaster has no rows"):
        session.update_catalogue("suzaku")
    status = session.catalogue_status("suzaku")
    assert (status.rows, status.origin) == ((50, "fetched") if known else (0, "none"))
    assert "no rows" in status.problem


def test_that_a_problem_is_forgotten_after_a_good_refresh(session, service):
    session.update_catalogue("suzaku")
    service.renames["ra"] = "right_ascension"
    with pytest.raises(TransferError):
        session.update_catalogue("suzaku")
    service.renames.clear()
    assert session.update_catalogue("suzaku").is_empty
    assert session.catalogue_status("suzaku").problem == ""


def test_that_updates_in_the_background_are_announced(session, service):
    mailbox = session.bus.subscribe()
    session.update_catalogues(["suzaku"])
    heard = hear(mailbox, has_ended)
    ends = [event for event in heard if isinstance(event, CatalogueProgress) and not event.running]
    assert [(event.mission, event.problem) for event in ends] == [("suzaku", "")]
    assert [event.mission for event in heard if isinstance(event, CatalogueChanged)] == ["suzaku"]
    assert not session.catalogue_status("suzaku").refreshing


def test_that_a_refusal_in_the_background_is_a_notice(session, service):
    service.leaves_out = ("ra",)
    mailbox = session.bus.subscribe()
    session.update_catalogues(["suzaku"])
    heard = hear(mailbox, lambda event: isinstance(event, Notice))
    (notice,) = [event for event in heard if isinstance(event, Notice)]
    assert "Suzaku" in notice.message and notice.hint


def test_that_an_update_can_be_cancelled(session, service):
    asked = threading.Event()
    go_on = threading.Event()

    def hold(number: int, query: str) -> None:
        asked.set()
        go_on.wait(20)

    service.before_query = hold
    mailbox = session.bus.subscribe()
    session.update_catalogues(["suzaku"])
    assert asked.wait(30)
    session.cancel_catalogue_update("suzaku")
    hear(mailbox, has_ended)
    go_on.set()
    assert len(session.catalogue("suzaku")) == 0
    assert not session.catalogue_status("suzaku").refreshing


def has_ended(event: Event) -> bool:
    return isinstance(event, CatalogueProgress) and not event.running


def hear(mailbox: Mailbox, awaited: Callable[[Event], bool]) -> list[Event]:
    """What is announced, until something that is awaited is; then there is nothing more to come for a moment."""
    heard: list[Event] = []
    end = time.monotonic() + PATIENCE_S
    while not any(map(awaited, heard)):
        assert time.monotonic() < end, f"it did not happen; there was only {heard}"
        time.sleep(0.02)
        heard += mailbox.drain()
    time.sleep(0.1)
    return heard + mailbox.drain()


def command(arguments: list[str], cache: Path, service: MisbehavingTap) -> tuple[int, Any, str]:
    environment = {**os.environ, "DAXA_GUI_CACHE": str(cache), "DAXA_GUI_HEASARC_TAP": service.address}
    done = subprocess.run(
        [sys.executable, "-m", "daxa_gui", *arguments, "--json"], env=environment, capture_output=True, text=True, timeout=120
    )
    return done.returncode, json.loads(done.stdout), done.stderr


def test_that_the_command_line_updates_exports_and_imports(service, tmp_path):
    code, document, _ = command(["catalogue", "update", "suzaku"], tmp_path / "one", service)
    assert (code, document["missions"]["suzaku"]["rows"]) == (0, 50)
    for suffix in ("csv", "ecsv", "vot", "fits", "parquet"):
        path = str(tmp_path / f"suzaku.{suffix}")
        assert command(["catalogue", "export", "suzaku", path], tmp_path / "one", service)[0] == 0
        code, document, errors = command(["catalogue", "import", path, "--mission", "suzaku"], tmp_path / suffix, service)
        assert (code, document["rows"], document["origin"]) == (0, 50, "imported"), errors
    code, document, _ = command(["find", "--obs-ids", "100000007"], tmp_path / suffix, service)
    assert [found["obs_id"] for found in document["observations"]] == ["100000007"]


def test_that_a_failed_update_ends_with_one_and_says_why(service, tmp_path):
    service.leaves_out = ("obsid",)
    code, document, errors = command(["catalogue", "update", "suzaku"], tmp_path, service)
    assert code == 1 and document["failed"] == 1
    assert "obsid" in errors


def test_that_unusable_observations_stay_and_are_marked(session, service):
    zero = {f"xis{n}_expo": 0.0 for n in range(4)}
    replace_rows(service, [row(10), row(11, **zero), row(12, ra=None, dec=None)])
    session.update_catalogue("suzaku")
    catalogue = session.catalogue("suzaku")
    assert len(catalogue) == 3
    reasons = dict(zip(catalogue.obs_id.tolist(), catalogue.unusable_reason.tolist(), strict=True))
    assert reasons["100000010"] == ""
    assert "no exposure" in reasons["100000011"]
    assert "no coordinates" in reasons["100000012"]
    assert np.isnan(catalogue.ra_deg[catalogue.rows_of(["100000012"])[0]])
