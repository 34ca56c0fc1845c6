"""Settings: what a file or the environment says, what of it cannot be used, and a file that is never half written or lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui import locations
from daxa_gui.core.errors import InputError
from daxa_gui.core.settings import (
    Settings,
    changed,
    groups,
    load_settings,
    overridden,
    save_settings,
    setting_fields,
    settings_from,
    settings_table,
)


@pytest.fixture(autouse=True)
def no_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests themselves run with a cache of their own, which is an override like any other."""
    monkeypatch.delenv("DAXA_GUI_CACHE")


# ---- values


@pytest.mark.parametrize(
    ("name", "value"),
    [("theme", "pink"), ("theme", 3), ("cores", -1), ("cores", float("inf")), ("cores", "many"), ("cores", None.__class__),
     ("cores", [2]), ("cores", True), ("cores", 2.5), ("connections_per_host", 0), ("connections_per_host", 10**20),
     ("connections_per_host", 10**400), ("bandwidth_mb_s", float("nan")), ("bandwidth_mb_s", -0.1), ("work_offline", "perhaps"),
     ("archives_folder", "relative"), ("archives_folder", "/a\nb"), ("archives_folder", ["/a"]), ("archives_folder", "/\0"),
     ("archives_folder", "/" + "x" * 5000), ("archives_folder", "/\udcff"), ("mirror", "ftp://mirror.example/"),
     ("mirror", "mirror.example"), ("mirror", "https://"), ("mirror", "https://me:secret@m.example/"), ("mirror", "file:rel"),
     ("mirror", "file://host/share"), ("mirror", "https://mirror.example:no/"), ("mirror", "https://[::1"),
     ("heasarc_tap", "file:///tap"), ("heasarc_tap", "https://tap.example/a b")],
)  # fmt: skip
def test_that_a_value_that_does_not_fit_is_left_out_with_a_sentence(name: str, value: object) -> None:
    settings, complaints = settings_from({name: value, "coordinates": "degrees"}, {})
    assert settings == changed(Settings(), coordinates="degrees")
    assert len(complaints) == 1 and "settings file" in complaints[0] and "secret" not in complaints[0].replace("secrets", "")
    with pytest.raises(InputError):
        changed(Settings(), **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [("mirror", " https://mirror.example/x ", "https://mirror.example/x"), ("mirror", "file:///mnt/a disk", "file:///mnt/a disk"),
     ("mirror", "", ""), ("cores", "3", 3), ("cores", 3.0, 3), ("bandwidth_mb_s", "0.5", 0.5), ("work_offline", "on", True),
     ("archives_folder", "~/x ray", "~/x ray"), ("sas_folder", "/opt/sas", "/opt/sas"), ("xsa_tap", "http://[::1]:8/t", None)],
)  # fmt: skip
def test_that_values_that_fit_are_held_in_their_own_type(name: str, value: object, held: object) -> None:
    result = getattr(changed(Settings(), **{name: value}), name)
    assert result == (value if held is None else held) and type(result) is type(getattr(Settings(), name))


def test_that_a_name_that_is_no_setting_is_refused() -> None:
    with pytest.raises(InputError, match="brightness"):
        changed(Settings(), brightness=11)


def test_that_every_default_fits_its_own_declaration() -> None:
    assert changed(Settings(), **asdict(Settings())) == Settings()


def test_that_everything_but_the_programs_own_memory_is_in_a_group_once_with_words() -> None:
    shown = [item for items in groups().values() for item in items]
    assert {item.name for item in setting_fields()} - {item.name for item in shown} == {"last_archive"}
    assert len(shown) == len({item.name for item in shown}) == len({item.metadata["label"] for item in shown})
    assert all(item.metadata["help"].endswith(".") and item.metadata["label"] for item in shown)


# ---- the environment


def test_that_the_environment_wins_over_the_file() -> None:
    settings, complaints = settings_from({"cores": 2, "theme": "dark"}, {"DAXA_GUI_CORES": "5", "DAXA_GUI_THEME": "blue"})
    assert (settings.cores, settings.theme) == (5, "dark")
    assert len(complaints) == 1 and "DAXA_GUI_THEME" in complaints[0] and "« dark » is used" in complaints[0]


def test_that_what_the_environment_decides_is_named() -> None:
    environment = {"DAXA_GUI_CORES": "5", "DAXA_GUI_THEME": "blue", "DAXA_GUI_CACHE": "/tmp/c"}
    assert overridden(environment) == {"cores": "DAXA_GUI_CORES", "caches_folder": "DAXA_GUI_CACHE"}


def test_that_what_the_environment_decides_is_not_written_into_the_file(tmp_path: Path) -> None:
    path, environment = tmp_path / "settings.json", {"DAXA_GUI_CORES": "5", "DAXA_GUI_MIRROR": "https://m.example"}
    save_settings(changed(Settings(), cores=2), path, {})
    settings, _ = load_settings(path, environment)
    save_settings(changed(settings, theme="dark"), path, environment)
    assert load_settings(path, {}) == (changed(Settings(), cores=2, theme="dark"), [])


# ---- the file


def test_that_settings_come_back_from_their_file(tmp_path: Path) -> None:
    settings = changed(Settings(), theme="dark", cores=3, archives_folder="/data/ä", bandwidth_mb_s=1.5, keep_intermediate=True)
    save_settings(settings, tmp_path / "new" / "settings.json")
    assert load_settings(tmp_path / "new" / "settings.json") == (settings, [])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["settings.json"]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "cores": st.integers(0, 4096), "bandwidth_mb_s": st.floats(0, 1e5), "work_offline": st.booleans(),
            "theme": st.sampled_from(["light", "dark", "system"]), "mirror": st.sampled_from(["", "file:///m", "https://m/"]),
            "archives_folder": st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=40).map("/".__add__),
        },
    )
)  # fmt: skip
def test_that_any_settings_come_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]) -> None:
    path = tmp_path_factory.mktemp("any") / "settings.json"
    settings = changed(Settings(), **values)
    save_settings(settings, path)
    assert load_settings(path) == (settings, [])


def test_that_a_missing_file_gives_the_defaults_without_a_word(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.json") == (Settings(), [])


DAMAGED = ["", "[1]", "{", "\x00", "[" * 100_000, "null", '{"cores": 1' + "0" * 5000 + "}", "x" * 2_000_000]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_that_a_damaged_file_gives_the_defaults_and_a_sentence_and_is_never_lost(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    settings, complaints = load_settings(path)
    assert settings == Settings() and len(complaints) == 1 and str(path) in complaints[0] and len(complaints[0]) < 700
    assert path.read_text() == content
    said = save_settings(changed(settings, cores=2), path)
    assert load_settings(path) == (changed(Settings(), cores=2), [])
    assert (tmp_path / "settings.json.damaged").read_text() == content
    assert "settings.json.damaged" in said[0]


def test_that_a_second_damaged_file_does_not_replace_the_first(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for content in ("one", "two"):
        path.write_text(content)
        save_settings(changed(Settings(), cores=2), path)
    assert {p.read_text() for p in tmp_path.glob("*.damaged*")} == {"one", "two"}


def test_that_bytes_that_are_no_text_and_a_folder_in_the_way_are_said(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{}")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("bytes.json", "folder.json", "pipe.json"):
        settings, complaints = load_settings(tmp_path / name)
        assert settings == Settings() and len(complaints) == 1 and name in complaints[0]
    with pytest.raises(OSError):
        save_settings(changed(Settings(), cores=2), tmp_path / "folder.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bytes.json", "folder.json", "pipe.json"]


def test_that_entries_of_a_later_version_stay_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"brightness": {"level": 11}, "cores": 2}))
    settings, complaints = load_settings(path)
    assert (settings, complaints) == (changed(Settings(), cores=2), [])
    save_settings(changed(settings, cores=0, theme="dark"), path)
    assert json.loads(path.read_text()) == {"brightness": {"level": 11}, "theme": "dark"}


def test_that_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "settings.json").symlink_to(tmp_path / "elsewhere" / "mine.json")
    save_settings(changed(Settings(), cores=2), tmp_path / "settings.json")
    assert (tmp_path / "settings.json").is_symlink()
    assert json.loads((tmp_path / "elsewhere" / "mine.json").read_text()) == {"cores": 2}


def test_that_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    save_settings(changed(Settings(), cores=2), path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_settings(changed(Settings(), cores=3), path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["settings.json"]


def test_that_several_writers_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    threads = [
        threading.Thread(target=lambda n=n: [save_settings(changed(Settings(), cores=n), path) for _ in range(20)])
        for n in (2, 3, 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settings, complaints = load_settings(path)
    assert settings.cores in (2, 3, 4) and complaints == [] and [p.name for p in tmp_path.iterdir()] == ["settings.json"]


# ---- where a value comes from


def test_that_the_table_says_where_each_value_comes_from() -> None:
    stored, environment, first = {"theme": "dark", "cores": "x"}, {"DAXA_GUI_MIRROR": "file:///m"}, {"pfiles_folder": "/p"}
    settings, _ = settings_from(stored, environment, first)
    rows = {row.name: row for row in settings_table(settings, stored, environment, first)}
    assert {name: row.source for name, row in rows.items() if row.source != "default"} == {
        "theme": "file", "mirror": "environment", "pfiles_folder": "daxa.cfg",
    }  # fmt: skip
    assert rows["cores"].value == 0 and "all but one" in rows["cores"].help and rows["stall_limit_s"].unit == "s"
    assert rows["caches_folder"].variable == "DAXA_GUI_CACHE" and "last_archive" not in rows


def test_that_first_values_count_only_until_there_is_a_settings_file(tmp_path: Path) -> None:
    path, first = tmp_path / "settings.json", {"archives_folder": "/data/daxa", "cores": "many"}
    settings, complaints = load_settings(path, {}, first)
    assert settings.archives_folder == "/data/daxa" and settings.cores == 0
    assert len(complaints) == 1 and "daxa.cfg" in complaints[0]
    save_settings(settings, path, {})  # they are the person's settings from now on
    assert load_settings(path, {}, {"archives_folder": "/other"}) == (settings, [])
    path.write_text("damaged")
    assert load_settings(path, {}, first)[0] == Settings()


# ---- places


def test_that_a_folder_of_nobody_is_named(tmp_path: Path) -> None:
    from daxa_gui.session import Session

    session = Session(settings=changed(Settings(), archives_folder="~nobody-of-this-name/x"), cache=tmp_path)
    with pytest.raises(InputError, match="~nobody-of-this-name"):
        session.archives_folder()
    session.close()
    with pytest.raises(InputError, match="~nobody-of-this-name"):
        locations.cache_folder("~nobody-of-this-name/x")


def test_that_the_cache_is_where_the_setting_says_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    assert locations.cache_folder("~/mine") == own_home / "mine"
    assert locations.cache_folder() == own_home / ".cache" / "daxa-gui"
    monkeypatch.setenv("DAXA_GUI_CACHE", "/tmp/other")
    assert locations.cache_folder("~/mine") == Path("/tmp/other")


def test_that_every_place_that_is_written_is_listed_with_what_changes_it(own_home: Path) -> None:
    places = {place.label: place for place in locations.written_places(changed(Settings(), archives_folder="~/arch"))}
    assert places["Archives"].path == own_home / "arch"
    assert places["Settings"].path == locations.settings_path()
    assert {"Archives", "Catalogues", "Caches", "Clusters", "Settings", "Window"} == set(places)
    assert all(place.what and place.how_to_change for place in places.values())


def test_that_the_first_start_names_the_folders_and_later_starts_do_not(own_home: Path) -> None:
    words = " ".join(locations.first_words())
    for folder in ("~/Documents/DAXA archives", "~/.cache/daxa-gui", "~/.config/daxa-gui", "~/.local/share/daxa-gui/catalogues"):
        assert folder in words
    assert "Settings…" in words
    save_settings(Settings(), locations.settings_path())
    assert locations.first_words() == []
    locations.settings_path().unlink()
    locations.settings_path().with_name("window.ini").touch()
    assert locations.first_words() == []


def test_that_nothing_was_made_by_asking(own_home: Path) -> None:
    before = sorted(own_home.rglob("*"))
    locations.first_words()
    locations.written_places()
    load_settings(locations.settings_path())
    assert sorted(own_home.rglob("*")) == before


def test_that_libraries_make_no_folders_in_the_home_but_use_those_that_are_there(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "from daxa_gui import locations; locations.keep_libraries_out_of_home(locations.cache_folder());"
        "import mocpy, regions, matplotlib.font_manager as f; f.findfont('DejaVu Sans')"
    )
    for variable in ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    before = {path for path in own_home.rglob("*") if "daxa-gui" not in path.parts}
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert {path for path in own_home.rglob("*") if "daxa-gui" not in path.parts} == before
    assert (own_home / ".cache" / "daxa-gui" / "matplotlib").is_dir()
    (own_home / ".config" / "matplotlib").mkdir()
    locations.keep_libraries_out_of_home(locations.cache_folder())
    assert "MPLCONFIGDIR" not in os.environ
