"""Logins and settings on the command line: kept or refused, and the password neither printed nor taken from arguments."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from keyring.backends import fail

from daxa_gui import locations
from daxa_gui.cli import main
from daxa_gui.core.settings import load_settings
from daxa_gui.remote import credentials as module
from daxa_gui.remote.credentials import CredentialStore
from tests.fakes.key_rings import MemoryRing

SECRET = "Zx9-quiet-swan"


def keep(monkeypatch: pytest.MonkeyPatch, ring: object) -> CredentialStore:
    store = CredentialStore(ring)
    monkeypatch.setattr(module, "STORE", store)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    return store


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    assert main(["credentials", "status", "--json"]) == 0
    return {row["service"]: row["state"] for row in json.loads(capsys.readouterr().out)["credentials"]}


def test_that_a_login_is_kept_in_the_key_ring_and_forgotten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = keep(monkeypatch, MemoryRing())
    assert main(["credentials", "set", "xsa", "--user", "somebody"]) == 0
    told = capsys.readouterr()
    assert "key ring" in told.out + told.err and SECRET not in told.out + told.err
    assert store.get("xsa").secret == SECRET
    assert states(capsys) == {"xsa": "kept in the key ring", "heasarc": "none", "mirror": "none"}
    assert main(["credentials", "forget", "xsa"]) == 0
    assert states(capsys)["xsa"] == "none"


def test_that_without_a_key_ring_the_command_fails_since_nothing_would_be_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(monkeypatch, fail.Keyring())
    assert main(["credentials", "set", "xsa", "--user", "somebody"]) == 1
    told = capsys.readouterr()
    assert "was not kept" in told.err and SECRET not in told.out + told.err


def test_that_what_a_daxa_cfg_gives_is_a_note_and_not_a_warning(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_home / ".config" / "daxa.cfg").write_text("[DAXA_SETUP]\nnum_cores = 1\ndaxa_save_path = daxa_output/\n")
    assert main(["settings", "--json"]) == 0
    told = capsys.readouterr()
    rows = {row["name"]: row for row in json.loads(told.out)["settings"]}
    assert (rows["cores"]["value"], rows["cores"]["source"]) == (1, "daxa.cfg")
    assert "Note: « num_cores »" in told.err and "Warning: « daxa_save_path »" in told.err
    assert not locations.settings_path().exists()
    assert main(["settings", "bandwidth_mb_s=2.5"]) == 0
    settings, _ = load_settings(locations.settings_path())
    assert (settings.cores, settings.bandwidth_mb_s) == (1, 2.5)
    capsys.readouterr()
    assert main(["settings", "--json"]) == 0
    assert "daxa.cfg" not in capsys.readouterr().err  # there is a settings file now
