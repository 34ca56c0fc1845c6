"""nginx from Debian on a free port of 127.0.0.1, serving one folder. End it by leaving its context."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

MISSING = "nginx is not installed (Debian: nginx-light)"

_CONFIGURATION = """
daemon off; master_process off; error_log "{folder}/error.log"; pid "{folder}/pid"; {user}
events {{ worker_connections 512; }}
http {{
    access_log "{folder}/access.log"; default_type application/octet-stream; sendfile on; tcp_nopush on;
    client_body_temp_path "{folder}/t1"; proxy_temp_path "{folder}/t2"; fastcgi_temp_path "{folder}/t3";
    uwsgi_temp_path "{folder}/t4"; scgi_temp_path "{folder}/t5";
    server {{
        listen 127.0.0.1:{port}{tls}; server_name 127.0.0.1; root "{root}"; autoindex on; {more}
    }}
}}
"""


def is_installed() -> bool:
    return find() is not None


def find() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Nginx:
    """
    Parameters
    ----------
    root : the folder that is served, with listings.
    folder : where nginx keeps its files (made).
    certificate : key and chain for https; http if None.
    rate : bytes per second of each answer, as nginx writes it ("200k"); unlimited if empty.
    """

    def __init__(self, root: Path, folder: Path, certificate: tuple[Path, Path] | None = None, rate: str = "") -> None:
        self.root, self.folder, self._certificate, self._rate = root, folder, certificate, rate

    def __enter__(self) -> Nginx:
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(5):  # somebody else may take the port before nginx does
            if self._start():
                return self
        raise RuntimeError((self.folder / "error.log").read_text(encoding="utf-8", errors="replace"))

    def _start(self) -> bool:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        more = f"limit_rate {self._rate};" if self._rate else ""
        if self._certificate:
            key, chain = self._certificate
            more += f' ssl_certificate "{chain}"; ssl_certificate_key "{key}";'
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder, root=self.root, port=port, more=more, tls=" ssl" if self._certificate else "",
                user="user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else "",
            )
        )  # fmt: skip
        command = [find() or "nginx", "-p", str(self.folder), "-e", str(self.folder / "error.log"), "-c", str(configuration)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"http{'s' if self._certificate else ''}://127.0.0.1:{port}"
        end = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return True
            except OSError:
                time.sleep(0.02)
        self._end()
        return False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log(self) -> list[str]:
        """The lines of nginx's own access log: what was asked for, the status, the bytes that were sent."""
        path = self.folder / "access.log"
        return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
