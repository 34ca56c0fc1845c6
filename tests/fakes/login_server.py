"""A service on 127.0.0.1 that speaks TLS only and wants to know who asks; with the certificate authority that signed for it."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.fakes.loopback import Loopback


def make_authority(folder: Path) -> tuple[Path, Path]:
    """Key and certificate of a server at 127.0.0.1 (its own authority: trust the certificate)."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate with")
    key, chain = folder / "key.pem", folder / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(chain)]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return key, chain


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class LoginServer(Loopback):
    """Gives `data` to whoever sends name and password, by HTTP Basic or as XSA's form; 401 to everybody else."""

    authority: tuple[Path, Path]
    user: str
    secret: str
    data: bytes = b"SIMPLE  = proprietary"
    redirect_to: str = ""
    redirect_status: int = 302
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> LoginServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                return

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append(Asked(self.command, self.path, dict(self.headers), body))
                if outer.redirect_to:
                    self._send(outer.redirect_status, b"", ("Location", outer.redirect_to))
                elif outer.knows(dict(self.headers), body):
                    self._send(200, outer.data)
                else:
                    self._send(401, b"who are you?", ("WWW-Authenticate", "Basic"))

            def _send(self, status: int, content: bytes, *headers: tuple[str, str]) -> None:
                self.send_response(status)
                for name, value in (*headers, ("Content-Length", str(len(content)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer

        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.authority[1], self.authority[0])
        return self.listen(Handler)

    def knows(self, headers: dict[str, str], body: bytes) -> bool:
        form = parse_qs(body.decode("ascii"))
        basic = "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()
        return form == {"AIOUSER": [self.user], "AIOPWD": [self.secret]} or headers.get("Authorization") == basic
