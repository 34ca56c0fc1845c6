"""How credentials are sent: over TLS, to the service that they are for, and nowhere in an address, a log or an error."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from daxa_gui.core.credential import Credentials
from daxa_gui.core.errors import TransferError
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.connection import Visit
from daxa_gui.remote.credentials import Authorisation, authorisation
from tests.fakes.http_server import FakeArchive
from tests.fakes.login_server import LoginServer, make_authority
from tests.fakes.task_context import FakeContext

USER, SECRET = "söme body", "Zx9&quiet=swan+%41 ä€"
WHO = Credentials(USER, SECRET)
PATH = "/nxsa-sl/servlet/data-action-aio?obsno=0405090101&level=PPS"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[LoginServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[1]))
    with LoginServer(authority, USER, SECRET) as running:
        yield running


def fetch(url: str, how: Authorisation) -> bytes:
    ctx = FakeContext()
    with Visit(ctx) as visit, visit.request(url, method=how.method, headers=dict(how.headers), body=how.body) as reply:
        return b"".join(reply.chunks(ctx))


@pytest.mark.parametrize("service", ["xsa", "mirror"])
def test_that_data_come_with_credentials_and_do_not_without(server: LoginServer, service: str) -> None:
    url = server.url + PATH
    with pytest.raises(StatusError) as caught:
        fetch(url, authorisation(url, service, None))
    assert caught.value.status == 401
    assert fetch(url, authorisation(url, service, WHO, server.url)) == server.data
    asked = server.asked[-1]
    assert asked.path == PATH and asked.method == ("POST" if service == "xsa" else "GET")
    assert ("Authorization" in asked.headers) == (service == "mirror") and (b"AIOPWD" in asked.body) == (service == "xsa")


def test_that_a_decryption_key_is_never_sent(server: LoginServer) -> None:
    how = authorisation(server.url, "heasarc", WHO)
    assert (how.method, dict(how.headers), how.body) == ("GET", {}, None)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/a", "http://nxsa.esac.esa.int/a", "file:///a", "https://", "https://me:pw@nxsa.esac.esa.int/a", "a"]
)
@pytest.mark.parametrize("service", ["xsa", "mirror"])
def test_that_nothing_is_sent_where_others_could_read_it(url: str, service: str) -> None:
    with pytest.raises(TransferError) as caught:
        authorisation(url, service, WHO)
    assert not caught.value.retryable and SECRET not in str(caught.value) and "pw@" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://other.example/a", "https://nxsa.esac.esa.int:8443/a", "https://nxsa.esac.esa.int.evil/a"]
)
def test_that_nothing_is_sent_to_another_host_than_the_services(url: str) -> None:
    with pytest.raises(TransferError, match="is not sent to"):
        authorisation(url, "xsa", WHO, "https://nxsa.esac.esa.int/nxsa-sl")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("service", ["xsa", "mirror"])
def test_that_a_redirect_to_another_host_gets_nothing(
    server: LoginServer, authority: tuple[Path, Path], service: str, status: int
) -> None:
    """Another port is another host as far as secrets are concerned."""
    with LoginServer(authority, USER, SECRET) as other:
        server.redirect_to, server.redirect_status = other.url + PATH, status
        url = server.url + PATH
        with pytest.raises(TransferError) as caught:
            fetch(url, authorisation(url, service, WHO, server.url))
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert not [asked for asked in other.asked if asked.body or "Authorization" in asked.headers or asked.method == "POST"]


def test_that_a_redirect_to_an_open_address_gets_nothing(server: LoginServer) -> None:
    with FakeArchive() as plain:
        plain.put("/a", b"x")
        server.redirect_to = f"{plain.url}/a"
        for service in ("xsa", "mirror"):
            with pytest.raises(TransferError, match="not protected"):
                fetch(server.url, authorisation(server.url, service, WHO))
        assert plain.requests == []


@pytest.mark.parametrize("service", ["xsa", "mirror"])
def test_that_a_redirect_that_repeats_the_password_is_not_followed(server: LoginServer, service: str) -> None:
    how = authorisation(server.url, service, WHO)
    for form in (quote(SECRET), quote_plus(SECRET), quote(SECRET, safe="")):
        server.redirect_to = f"/login?AIOUSER=a&AIOPWD={form}"
        n_asked = len(server.asked)
        with pytest.raises(TransferError, match="holds the password") as caught:
            fetch(server.url + PATH, how)
        assert len(server.asked) == n_asked + 1
        assert form not in "".join(traceback.format_exception(caught.value))


def test_that_a_server_that_cannot_be_trusted_gets_nothing(server: LoginServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    for service in ("xsa", "mirror"):
        with pytest.raises(TransferError, match="cannot be trusted"):
            fetch(server.url, authorisation(server.url, service, WHO))
    assert server.asked == []


def test_that_no_address_log_or_error_holds_the_secret(server: LoginServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = Credentials(USER, SECRET + "wrong")
    texts = []
    for service in ("xsa", "mirror"):
        how = authorisation(server.url, service, wrong)
        texts += [repr(how), str(how), f"{how}"]
        with pytest.raises(StatusError) as caught:
            fetch(server.url + PATH, how)
        error = caught.value
        texts += [*traceback.format_exception(error), error.message, error.hint, error.details, repr(error)]
    texts += [asked.path for asked in server.asked] + [record.getMessage() for record in caplog.records]
    forms = (SECRET, USER, "Zx9", "Basic ", "AIOPWD")
    assert not [text for text in texts for form in forms if form in text]
