"""Downloads with a login, over real TLS: they come, and neither the files, the state of a broken transfer, the manifest, the log
nor the errors hold the password."""

from __future__ import annotations

import io
import json
import logging
import tarfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from daxa_gui.core.errors import TransferError
from daxa_gui.remote import credentials
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.credentials import CredentialStore
from daxa_gui.remote.transfer import fetch
from tests.fakes.key_rings import MemoryRing
from tests.fakes.login_server import LoginServer, make_authority
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext

USER, SECRET = "somebody", "Zx9&quiet=swan+%41"
MEMBER = "P0099990101M1S001MIEVLI0000.FIT"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[LoginServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[1]))
    with LoginServer(authority, USER, SECRET) as running:
        yield running


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> CredentialStore:
    made = CredentialStore(MemoryRing())
    monkeypatch.setattr(credentials, "STORE", made)
    return made


def tar_of(table: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        about = tarfile.TarInfo(f"0099990101/pps/{MEMBER}")
        about.size = len(table)
        archive.addfile(about, io.BytesIO(table))
    return stream.getvalue()


def call(service: str, folder: Path) -> dict[str, object]:
    """The arguments of a job, as the archive's database keeps them."""
    if service == "xsa":
        found = {
            "service": "xsa", "path": "data-action-aio", "destination": str(folder), "unpack": "tar",
            "query": [["obsno", "0099990101"], ["level", "PPS"]], "name": "0099990101.tar",
        }  # fmt: skip
    else:
        found = {"service": service, "path": f"xmm/{MEMBER}", "destination": str(folder / MEMBER), "raw_folder": str(folder)}
    return json.loads(json.dumps(found))


def traces(folder: Path, forms: tuple[str, ...]) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files for form in forms if form.encode() in path.read_bytes() or form in path.name]


FORMS = (SECRET, quote_plus(SECRET), "AIOPWD", "Authorization", "Basic ")


@pytest.mark.parametrize("service", ["xsa", "mirror:heasarc"])
def test_that_the_file_comes_and_nothing_holds_the_password(
    server: LoginServer, store: CredentialStore, tmp_path: Path, service: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    table = small_fits(1)
    server.data = tar_of(table) if service == "xsa" else table
    ctx = FakeContext({service: server.url})
    store.set(service.partition(":")[0], USER, SECRET)
    outcome = fetch(ctx, **call(service, tmp_path / "raw"))  # type: ignore[arg-type]
    [file] = outcome.files
    assert Path(file.destination).read_bytes() == table
    assert traces(tmp_path, FORMS) == []
    told = [*ctx.lines, caplog.text, repr(outcome), *(asked.path for asked in server.asked)]
    assert not [text for text in told for form in FORMS if form in text]


@pytest.mark.parametrize("service", ["xsa", "mirror:heasarc"])
@pytest.mark.parametrize("secret", ["", SECRET + "wrong"])
def test_that_without_the_right_password_the_error_says_so_and_holds_none(
    server: LoginServer, store: CredentialStore, tmp_path: Path, service: str, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ctx = FakeContext({service: server.url})
    if secret:
        store.set(service.partition(":")[0], USER, secret)
    with pytest.raises(StatusError) as caught:
        fetch(ctx, **call(service, tmp_path / "raw"))  # type: ignore[arg-type]
    error = caught.value
    assert error.status == 401 and not error.retryable
    told = [*ctx.lines, caplog.text, *traceback.format_exception(error), error.message, error.hint, error.details]
    assert not [text for text in told for form in FORMS if form in text]
    assert traces(tmp_path, FORMS) == []


def test_that_a_password_for_a_mirror_without_tls_is_not_sent(store: CredentialStore, tmp_path: Path) -> None:
    store.set("mirror", USER, SECRET)
    with pytest.raises(TransferError, match="not sent") as caught:
        fetch(FakeContext({"mirror:heasarc": "http://127.0.0.1:9/m"}), **call("mirror:heasarc", tmp_path))  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)
