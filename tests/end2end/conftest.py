"""The command line as a person runs it: a process of its own, with its own home and the practice sky that the run has made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(own_home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `daxa-gui ARGUMENTS` to its end."""

    def run(*arguments: str, timeout: float = 150.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "daxa_gui", *arguments],
            cwd=PROJECT, env=dict(os.environ), capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def document(command: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., dict[str, Any]]:
    """Run a command with --json, expect success, and return what it printed."""

    def run(*arguments: str) -> dict[str, Any]:
        result = command(*arguments, "--json")
        assert result.returncode == 0, result.stderr
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    return run
