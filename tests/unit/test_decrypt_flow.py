"""Encrypted files of HEASARC from the plan to the decrypted file: left out without a key, fetched once and opened with it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.core.step import Call, Outcome
from daxa_gui.missions import MISSIONS
from daxa_gui.remote import credentials
from daxa_gui.remote.credentials import CredentialStore
from daxa_gui.remote.decrypt import WrongKeyError
from daxa_gui.remote.plan import plan_observation, plan_request
from daxa_gui.remote.transfer import fetch
from tests.fakes.http_server import FakeArchive
from tests.fakes.key_rings import MemoryRing
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext
from tests.unit.test_decrypt import KEY, encrypt, gpg_home

__all__ = ["gpg_home"]

OBS = "0099990101"
NAME = f"P{OBS}M1S001MIEVLI0000.FTZ.gpg"
PATH = f"/FTP/xmm/data/rev0/{OBS}/PPS/{NAME}"


@pytest.fixture
def table() -> bytes:
    return small_fits(1)


@pytest.fixture
def archive(gpg_home: Path, tmp_path: Path, table: bytes) -> Iterator[FakeArchive]:
    folder = tmp_path / "server"
    folder.mkdir()
    with FakeArchive() as server:
        server.put(PATH, encrypt(gpg_home, folder, gzip.compress(table)).read_bytes())
        yield server


@pytest.fixture
def ctx(archive: FakeArchive) -> FakeContext:
    return FakeContext({"heasarc": f"{archive.url}/FTP"})


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> CredentialStore:
    made = CredentialStore(MemoryRing())
    monkeypatch.setattr(credentials, "STORE", made)
    return made


def plan(ctx: FakeContext, raw: Path) -> Outcome:
    request = plan_request(MISSIONS["xmm_pointed"], {"obs_id": OBS}, str(raw))
    assert isinstance(request.task, Call)
    return plan_observation(ctx, **json.loads(json.dumps(request.task.arguments)))


def arguments(outcome: Outcome) -> dict[str, Any]:
    [job] = outcome.follow_ups
    assert isinstance(job.task, Call)
    return json.loads(json.dumps(job.task.arguments))


def test_that_without_a_key_the_file_is_left_out_and_the_dialog_named(
    ctx: FakeContext, store: CredentialStore, tmp_path: Path
) -> None:
    outcome = plan(ctx, tmp_path / "raw")
    assert outcome.follow_ups == () and "not public yet" in outcome.stop
    assert any("Credentials…" in line for line in ctx.lines)


def test_that_with_the_key_the_file_is_fetched_and_decrypted(
    archive: FakeArchive, ctx: FakeContext, store: CredentialStore, tmp_path: Path, table: bytes
) -> None:
    store.set("heasarc", "", f"another {KEY} third")
    outcome = plan(ctx, tmp_path / "raw")
    made = fetch(ctx, **arguments(outcome))
    [file] = made.files
    assert Path(file.destination).read_bytes() == table and file.key is not None and file.key.instrument == "M1"
    assert KEY not in json.dumps(arguments(outcome)) + "".join(ctx.lines) + json.dumps(made.facts)
    assert not [path for path in (tmp_path / "raw").rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    asked = len(archive.requests)
    assert fetch(ctx, **arguments(outcome)).facts["fetched_bytes"] == 0 and len(archive.requests) == asked


def test_that_after_a_wrong_key_the_file_is_not_fetched_again(
    archive: FakeArchive, ctx: FakeContext, store: CredentialStore, tmp_path: Path, table: bytes
) -> None:
    store.set("heasarc", "", "wrong")
    call = arguments(plan(ctx, tmp_path / "raw"))
    with pytest.raises(WrongKeyError) as caught:
        fetch(ctx, **call)
    assert "Credentials…" in caught.value.hint and NAME in caught.value.message
    sent = archive.sent[PATH]
    store.set("heasarc", "", KEY)
    [file] = fetch(ctx, **call).files
    assert Path(file.destination).read_bytes() == table and archive.sent[PATH] == sent
