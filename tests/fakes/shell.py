"""The command line of archives as a person types it, run in this process: with catalogues of its own, and with a server that has
the archives of all missions as its mirror."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.cli import main
from tests.fakes.mission_server import MissionServer, write_catalogues


@dataclass
class Reply:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


class Shell:
    """Runs `daxa-gui ARGUMENTS` here, with catalogues of its own and the server as a mirror."""

    def __init__(self, folder: Path, server: MissionServer) -> None:
        self.folder, self.output = folder, folder / "output"
        self._environment = {
            "HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "home"), "DAXA_GUI_CACHE": str(folder / "cache"),
            "DAXA_GUI_MIRROR": server.url, "DAXA_GUI_CORES": "2",
        }  # fmt: skip
        (folder / "home").mkdir()

    def __call__(self, *arguments: str, stdin: str = "") -> Reply:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name, value in self._environment.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.StringIO(stdin))
            try:
                code = main(arguments)
            except SystemExit as end:
                code = int(end.code or 0)
        return Reply(code, out.getvalue(), err.getvalue())

    def on(self, verb: str, archive: str, *arguments: str) -> Reply:
        return self(verb, archive, *arguments, "--output", str(self.output))

    def ask(self, verb: str, archive: str, *arguments: str) -> dict[str, Any]:
        """The document of a command that must succeed."""
        reply = self.on(verb, archive, *arguments, "--json")
        assert reply.code == 0, reply.err or reply.out
        return reply.document

    def archive(self, name: str) -> Path:
        return self.output / "archives" / name


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with MissionServer() as server:
        made = Shell(tmp_path_factory.mktemp("shell"), server)
        for mission, path in write_catalogues(made.folder).items():
            assert made("catalogue", "import", str(path), "--mission", mission).code == 0
        yield made
