import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled, TransferError
from daxa_gui.remote.connection import Visit, host_of, join_url
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.task_context import FakeContext


def body(visit: Visit, ctx: FakeContext, url: str) -> bytes:
    with visit.request(url) as reply:
        return b"".join(reply.chunks(ctx))


@pytest.fixture
def archive():
    with FakeArchive() as server:
        for name in "abc":
            server.put(f"/{name}", name.encode() * 1000)
        yield server


@pytest.fixture
def ctx():
    return FakeContext()


def test_that_paths_are_encoded_once():
    assert join_url("http://h/FTP/", "/a b/é%.fits") == "http://h/FTP/a%20b/%C3%A9%25.fits"
    assert host_of("https://HEASARC.gsfc.nasa.gov:443/FTP") == "heasarc.gsfc.nasa.gov"


def test_that_requests_to_one_host_share_a_connection(archive, ctx):
    with Visit(ctx) as visit:
        assert [body(visit, ctx, f"{archive.url}/{name}")[:1] for name in "abc"] == [b"a", b"b", b"c"]
        assert visit.head(f"{archive.url}/a").length == 1000
    assert archive.connections == 1


def test_that_an_answer_that_was_not_read_does_not_spoil_the_next_one(archive, ctx):
    with Visit(ctx) as visit:
        with visit.request(f"{archive.url}/a"):
            pass
        assert body(visit, ctx, f"{archive.url}/b") == b"b" * 1000
        with pytest.raises(TransferError):
            visit.head(f"{archive.url}/nothing")
        assert body(visit, ctx, f"{archive.url}/c") == b"c" * 1000


def test_that_a_connection_that_the_server_closed_meanwhile_is_opened_again(archive, ctx):
    archive.faults["/a"].append(Fault(drop_after=1000))  # whole, but the connection is closed without a word
    with Visit(ctx) as visit:
        assert body(visit, ctx, f"{archive.url}/a") == b"a" * 1000
        assert body(visit, ctx, f"{archive.url}/b") == b"b" * 1000
    assert archive.connections == 2


def test_that_a_server_that_hangs_up_at_once_is_a_sentence(ctx):
    with FakeArchive() as archive:
        archive.put("/a", b"1")
        archive.hangs_up = True
        with Visit(ctx) as visit, pytest.raises(TransferError, match="broke") as caught:
            visit.head(f"{archive.url}/a")
    assert caught.value.retryable


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "http:///x", "h/x", "http://h/a\r\nX: y", "http://h/a b"])
def test_that_only_plain_web_addresses_are_asked(ctx, url):
    with Visit(ctx) as visit, pytest.raises(TransferError) as caught:
        visit.head(url)
    assert not caught.value.retryable


def test_that_a_cancelled_visit_asks_nothing(archive, ctx):
    ctx.cancel()
    with Visit(ctx) as visit, pytest.raises(Cancelled):
        visit.head(f"{archive.url}/a")
    assert archive.requests == []


def test_that_a_proxy_is_asked_with_the_whole_address(archive, ctx, monkeypatch):
    monkeypatch.setenv("http_proxy", archive.url.replace("://", "://user:pa%20ss@"))
    monkeypatch.delenv("no_proxy", raising=False)
    archive.put("http://archive.example/FTP/x.fits", b"through the proxy")
    with Visit(ctx) as visit:
        assert body(visit, ctx, "http://archive.example/FTP/x.fits") == b"through the proxy"
        assert archive.requests[-1].proxy_authorization == "Basic dXNlcjpwYSBzcw=="


def test_that_this_machine_is_never_asked_through_a_proxy(archive, ctx, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with Visit(ctx) as visit:
        assert body(visit, ctx, f"{archive.url}/a") == b"a" * 1000


# -- protected connections --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    key, chain = folder / "key.pem", folder / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(chain)]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return key, chain


@pytest.fixture
def protected(certificate):
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with FakeArchive(tls=context) as server:
        server.put("/a", b"a" * 1000)
        yield server


def test_that_a_certificate_that_cannot_be_trusted_ends_the_transfer(protected, ctx):
    with Visit(ctx) as visit, pytest.raises(TransferError, match=r"certificate of 127\.0\.0\.1") as caught:
        visit.head(f"{protected.url}/a")
    assert not caught.value.retryable
    assert protected.requests == []


def test_that_a_trusted_certificate_lets_the_transfer_pass(protected, ctx, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    with Visit(ctx) as visit:
        assert body(visit, ctx, f"{protected.url}/a") == b"a" * 1000


def test_that_a_redirect_from_a_protected_address_to_an_open_one_is_refused(protected, archive, ctx, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    protected.faults["/a"].append(Fault(status=302, headers=(("Location", f"{archive.url}/a"),)))
    with Visit(ctx) as visit, pytest.raises(TransferError, match="not protected"):
        body(visit, ctx, f"{protected.url}/a")
    assert archive.requests == []


# -- what is only for one host ----------------------------------------------------------------------------------------------

SECRET = {"Authorization": "Basic abc", "Cookie": "session=1", "Content-Type": "text/plain"}


def redirect(status, to):
    return Fault(status=status, headers=(("Location", to),))


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))


def test_that_a_body_is_sent_with_its_method_and_headers(archive, ctx):
    archive.put("/login", b"welcome")
    with Visit(ctx) as visit:
        ask = visit.request(f"{archive.url}/login", method="POST", headers={"Content-Type": "text/plain"}, body=b"who=me")
        with ask as reply:
            assert b"".join(reply.chunks(ctx)) == b"welcome"
    assert [(one.method, one.body) for one in archive.requests] == [("POST", b"who=me")]


def test_that_a_password_is_not_sent_over_an_open_line(archive, ctx):
    with Visit(ctx) as visit, pytest.raises(TransferError, match="A password is not sent to"):
        visit.request(f"{archive.url}/a", headers={"Authorization": "Basic abc"})
    assert archive.requests == []


def test_that_an_address_with_a_password_is_refused_without_repeating_it(ctx):
    with Visit(ctx) as visit, pytest.raises(TransferError, match="holds a user name") as caught:
        visit.request("https://me:secret@127.0.0.1/a").__enter__()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_that_a_redirection_to_another_host_is_followed_without_passwords(protected, ctx, trusted, status):
    with FakeArchive(tls=protected.tls) as other:
        other.put("/b", b"data")
        protected.faults["/a"].append(redirect(status, f"{other.url}/b"))
        with Visit(ctx) as visit, visit.request(f"{protected.url}/a", headers=SECRET) as reply:
            assert b"".join(reply.chunks(ctx)) == b"data"
        (seen,) = other.requests
        assert (seen.authorization, seen.cookie) == ("", "")
    assert protected.requests[0].authorization == "Basic abc"


def test_that_a_redirection_on_the_same_host_keeps_the_password(protected, ctx, trusted):
    protected.put("/b", b"data")
    protected.faults["/a"].append(redirect(302, "/b"))
    with Visit(ctx) as visit, visit.request(f"{protected.url}/a", headers=SECRET) as reply:
        assert b"".join(reply.chunks(ctx)) == b"data"
    assert [one.authorization for one in protected.requests] == ["Basic abc"] * 2


@pytest.mark.parametrize(("status", "sent"), [(302, None), (303, None), (307, b"pw"), (308, b"pw")])
def test_that_a_body_goes_on_only_where_the_same_host_asks_for_it_again(archive, ctx, status, sent):
    archive.put("/b", b"data")
    archive.faults["/a"].append(redirect(status, "/b"))
    with Visit(ctx) as visit, visit.request(f"{archive.url}/a", method="POST", body=b"pw") as reply:
        assert b"".join(reply.chunks(ctx)) == b"data"
    assert [(one.method, one.body) for one in archive.requests] == [
        ("POST", b"pw"), ("POST", b"pw") if sent else ("GET", b""),
    ]  # fmt: skip


def test_that_a_body_is_never_sent_to_another_host(archive, ctx):
    with FakeArchive() as other:
        archive.faults["/a"].append(redirect(307, f"{other.url}/b"))
        ask = Visit(ctx).request(f"{archive.url}/a", method="POST", body=b"pw")
        with pytest.raises(TransferError, match="nothing was sent there"):
            ask.__enter__()
        assert other.requests == []
