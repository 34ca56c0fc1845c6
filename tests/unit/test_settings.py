"""Settings: what a file or the environment says, what of it cannot be used, and a file that is never half written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.core.settings import Settings, changed, load_settings, save_settings, settings_from
from daxa_gui.session import Session


def test_that_settings_come_back_from_their_file(tmp_path: Path) -> None:
    settings = changed(Settings(), theme="dark", cores=3, archives_folder="/data/ä")
    save_settings(settings, tmp_path / "new" / "settings.json")
    assert load_settings(tmp_path / "new" / "settings.json") == (settings, [])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["settings.json"]


def test_that_a_missing_file_gives_the_defaults_without_a_word(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.json") == (Settings(), [])


@pytest.mark.parametrize("content", ["", "[1]", "{", "\x00", "[" * 100_000, "null"])
def test_that_a_damaged_file_gives_the_defaults_and_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    settings, complaints = load_settings(path)
    assert settings == Settings() and len(complaints) == 1 and str(path) in complaints[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("theme", "pink"), ("cores", -1), ("cores", float("inf")), ("cores", "many"), ("cores", None.__class__), ("cores", [2]),
     ("connections_per_host", 0), ("connections_per_host", 10**20)],
)  # fmt: skip
def test_that_a_value_that_does_not_fit_is_left_out_with_a_sentence(name: str, value: object) -> None:
    settings, complaints = settings_from({name: value, "coordinates": "degrees"}, {})
    assert settings == changed(Settings(), coordinates="degrees")
    assert len(complaints) == 1 and "settings file" in complaints[0]
    with pytest.raises(InputError):
        changed(Settings(), **{name: value})


def test_that_the_environment_wins_over_the_file() -> None:
    settings, complaints = settings_from({"cores": 2, "theme": "dark"}, {"DAXA_GUI_CORES": "5", "DAXA_GUI_THEME": "blue"})
    assert (settings.cores, settings.theme) == (5, "dark")
    assert len(complaints) == 1 and "DAXA_GUI_THEME" in complaints[0]


def test_that_unknown_entries_of_a_later_version_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"brightness": 11, "cores": 2}))
    assert load_settings(path) == (changed(Settings(), cores=2), [])


def test_that_a_folder_of_nobody_is_named(tmp_path: Path) -> None:
    session = Session(settings=changed(Settings(), archives_folder="~nobody-of-this-name/x"), cache=tmp_path)
    with pytest.raises(InputError, match="~nobody-of-this-name"):
        session.archives_folder()
    session.close()
