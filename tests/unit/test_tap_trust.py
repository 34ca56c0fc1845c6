"""Whom the program trusts when it asks a TAP service: certificates, proxies, and redirects between protected and open."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled, TransferError
from daxa_gui.remote.connection import Timeouts
from daxa_gui.remote.tap import fetch_table
from tests.fakes.misbehaving_tap import Fault, MisbehavingTap
from tests.unit.test_tap import SOURCE, fetch, observations


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    key, chain = folder / "key.pem", folder / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(chain)]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return key, chain


@pytest.fixture
def protected(certificate: tuple[Path, Path]) -> Iterator[MisbehavingTap]:
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with MisbehavingTap({"swiftmastr": observations(700)}, tls=context) as service:
        yield service


def test_that_an_unknown_certificate_is_not_trusted_and_nothing_is_asked(protected: MisbehavingTap) -> None:
    with pytest.raises(TransferError, match=r"The certificate of 127\.0\.0\.1 cannot be trusted") as caught:
        fetch(protected)
    assert not caught.value.retryable and not protected.queries


def test_that_a_certificate_named_by_the_caller_is_trusted(protected: MisbehavingTap, certificate: tuple[Path, Path]) -> None:
    table, _ = fetch(protected, ca_file=str(certificate[1]))
    assert len(table) == 700 and protected.connections == 1


def test_that_a_certificate_that_this_computer_trusts_is_trusted(
    protected: MisbehavingTap, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    assert len(fetch(protected)[0]) == 700


def test_that_silence_on_a_protected_connection_can_be_cancelled(
    protected: MisbehavingTap, certificate: tuple[Path, Path]
) -> None:
    stop = threading.Event()
    protected.faults = [None, Fault(stall_after=500)]
    protected.before_query = lambda number, query: threading.Timer(0.2, stop.set).start() if number == 2 else None
    with pytest.raises(Cancelled):
        fetch(protected, ca_file=str(certificate[1]), cancelled=stop.is_set, timeouts=Timeouts(stall_s=120.0, look_s=0.05))


def test_that_a_redirect_from_protected_to_open_is_not_followed(
    protected: MisbehavingTap, certificate: tuple[Path, Path]
) -> None:
    protected.faults = [Fault(302, b"", headers=(("Location", f"http://127.0.0.1:{protected.port}/tap/sync"),))]
    with pytest.raises(TransferError, match="redirects to another scheme"):
        fetch(protected, ca_file=str(certificate[1]))
    assert len(protected.queries) == 1


def test_that_a_redirect_from_open_to_protected_is_followed_with_the_query(
    protected: MisbehavingTap, certificate: tuple[Path, Path]
) -> None:
    moved = Fault(301, b"", headers=(("Location", f"{protected.address}/sync"),))
    with MisbehavingTap({"swiftmastr": observations(1)}, faults=[moved] * 10) as open_service:
        table, _ = fetch(open_service, ca_file=str(certificate[1]))
    assert len(table) == 700 and all(query.startswith("SELECT ") for query in protected.queries)


def test_that_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with MisbehavingTap({"swiftmastr": observations(10)}) as service:
        assert len(fetch(service)[0]) == 10


def test_that_a_proxy_that_refuses_is_told_without_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://somebody:secret@127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(TransferError, match=r"proxy of this network did not let the program reach archive\.invalid") as caught:
        fetch_table(SOURCE, "swift", address="http://archive.invalid/tap", back_off_s=0.01)
    assert "127.0.0.1" not in str(caught.value) and "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_that_a_proxy_passes_the_query_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # the service answers whatever host is asked for, as a proxy would
    with MisbehavingTap({"swiftmastr": observations(500)}) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        table, certificate = fetch_table(SOURCE, "swift", address="http://archive.invalid/tap", page_rows=300)
    assert len(table) == 500 and certificate.service == "http://archive.invalid/tap"
