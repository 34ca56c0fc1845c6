"""Files that are none: pipes, devices and folders in the place of a file are refused at once, whoever reads them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.core.errors import FileError
from daxa_gui.core.plain_file import open_plain, read_plain
from daxa_gui.exchange.daxa_archive_reading import read_archive
from daxa_gui.exchange.daxa_state import read_state
from daxa_gui.fits.files import open_fits
from daxa_gui.fits.products import read_gti

READERS = {
    "plain": open_plain, "content": lambda path: read_plain(path, 10), "fits": open_fits, "gti": read_gti, "state": read_state,
}  # fmt: skip


def pipe(path: Path) -> str:
    os.mkfifo(path)
    return "a pipe"


def link_to_pipe(path: Path) -> str:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")
    return "a pipe"


def device(path: Path) -> str:
    path.symlink_to("/dev/zero")
    return "a device"


def folder(path: Path) -> str:
    path.mkdir()
    return "a folder"


@pytest.mark.parametrize("make", [pipe, link_to_pipe, device, folder])
@pytest.mark.parametrize("reader", READERS)
def test_that_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, make: Callable[[Path], str], reader: str) -> None:
    what = make(tmp_path / "x")
    with pytest.raises(FileError, match=f"it is {what}, not a file") as refused:
        READERS[reader](tmp_path / "x")
    assert str(tmp_path / "x") in refused.value.message
    if what == "a pipe":  # and nobody holds it open for reading
        with pytest.raises(OSError) as nobody:
            os.open(tmp_path / "x", os.O_WRONLY | os.O_NONBLOCK)
        assert nobody.value.errno == errno.ENXIO


def test_that_a_pipe_with_somebody_at_its_other_end_is_no_file_either(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    writer = os.open(tmp_path / "x", os.O_RDWR)
    try:
        os.write(writer, b"SIMPLE  =")
        with pytest.raises(FileError, match="a pipe"):
            open_fits(tmp_path / "x")
    finally:
        os.close(writer)


def test_that_sockets_names_that_are_none_and_missing_files_are_sentences(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        for name in ("s", "a\0b", "missing", "x" * 5000):
            with pytest.raises(FileError, match="cannot be read"):
                open_plain(name)


def test_that_a_file_and_a_link_to_one_are_read_to_their_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    (tmp_path / "b").symlink_to("a")
    assert read_plain(tmp_path / "b", 10) == b"0123456789" and read_plain(str(tmp_path / "a"), 11) == b"0123456789"
    with pytest.raises(FileError, match="larger than 9 bytes"):
        read_plain(tmp_path / "a", 9)


def test_that_a_save_file_of_daxa_that_is_a_pipe_is_a_sentence(tmp_path: Path) -> None:
    save = tmp_path / ".save_info"
    save.mkdir()
    os.mkfifo(save / "process_info.json")
    os.mkfifo(save / "chandra_state.json")
    said = " ".join(read_archive(tmp_path).problems)
    assert "process_info.json cannot be read: it is a pipe" in said
