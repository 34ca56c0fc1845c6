"""The scripts that make this checkout run: what they find missing, and that they work in a folder whose name has a blank."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGING = PROJECT / "packaging"


@pytest.fixture
def qt_libraries() -> ModuleType:
    spec = importlib.util.spec_from_file_location("qt_libraries", PACKAGING / "qt_libraries.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_that_a_missing_library_is_named_by_its_package_and_once(qt_libraries):
    wanted = {"libnosuch-one.so.1": "libnosuch1", "libc.so.6": "libc6", "libnosuch-two.so.1": "libnosuch1"}
    assert qt_libraries.missing_packages(wanted) == ["libnosuch1"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Qt brings its libraries itself elsewhere")
def test_that_nothing_is_missing_where_these_tests_run(qt_libraries):
    """Qt runs here, so a library that is reported as missing would be a mistake in the table."""
    assert qt_libraries.missing_packages(qt_libraries.OFFSCREEN) == []


def test_that_the_table_of_libraries_has_what_the_plugins_of_qt_ask_for(qt_libraries):
    """What Qt and its platform plugins load directly, but for what every Debian system or a library of the table brings."""
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("readelf (binutils) is not here")
    import PySide6

    qt = Path(PySide6.__file__).parent / "Qt"
    files = [qt / "plugins" / "platforms" / f"lib{name}.so" for name in ("qoffscreen", "qxcb", "qwayland")]
    files += [qt / "lib" / f"libQt6{name}.so.6" for name in ("Core", "Gui", "Widgets", "DBus", "XcbQpa", "WaylandClient")]
    present = [file for file in files if file.exists()]
    text = subprocess.run([readelf, "-d", *present], capture_output=True, text=True, check=True).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.+?)\]", text))
    of_qt_and_the_base_system = re.compile(
        r"lib(Qt6|icu)|lib(c|m|dl|pthread|rt|gcc_s|stdc\+\+|z|zstd|resolv)\.so|ld-linux|libxcb\.so\.1$"
    )
    unknown = {name for name in needed if not of_qt_and_the_base_system.match(name)} - {
        *qt_libraries.OFFSCREEN,
        *qt_libraries.DISPLAY,
    }
    assert present and needed
    assert not unknown


def test_that_make_alone_lists_every_target():
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not here")
    listing = subprocess.run([make, "-C", PROJECT, "--no-print-directory"], capture_output=True, text=True, check=True).stdout
    phony = re.search(r"(?m)^\.PHONY: (.*)$", (PROJECT / "Makefile").read_text(encoding="utf-8"))
    assert phony is not None
    assert set(re.findall(r"(?m)^  ([a-z-]+) ", listing)) == set(phony[1].split())


@pytest.fixture
def fake_checkout(tmp_path) -> Path:
    """A checkout in a folder with a blank, whose program only tells how it was called."""
    root = tmp_path / "some where"
    (root / ".venv" / "bin").mkdir(parents=True)
    shutil.copytree(PACKAGING, root / "packaging")
    program = root / ".venv" / "bin" / "daxa-gui"
    program.write_text('#!/bin/sh\necho "platform=$QT_QPA_PLATFORM folder=$PWD"\nfor word; do echo "<$word>"; done\n')
    program.chmod(0o755)
    return root


def run_script(root: Path, *arguments: str, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    command = [root / "packaging" / "run.sh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**kept, **variables}, cwd="/").stdout


@pytest.mark.skipif(sys.platform == "darwin", reason="there is always a display there")
def test_that_run_without_a_display_says_so_and_makes_the_tour_offscreen(fake_checkout):
    told = run_script(fake_checkout, "--output", "a b")
    assert "No display" in told
    assert f"platform=offscreen folder={fake_checkout}" in told
    assert told.endswith("<--practice>\n<--tour>\n<practice-tour>\n<--output>\n<a b>\n")


def test_that_run_with_a_display_opens_the_window_there(fake_checkout):
    told = run_script(fake_checkout, DISPLAY=":99")
    assert told == f"platform= folder={fake_checkout}\n<--practice>\n"
