"""Scripts as files: whole or not at all, and nothing else is touched."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from daxa_gui.archive.script_file import write_script
from daxa_gui.core.errors import FileError


def test_that_a_script_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "my script.sh"
    write_script(target, iter(["#!/bin/bash\n", "true\n"]))
    assert target.read_text() == "#!/bin/bash\ntrue\n" and target.stat().st_mode & stat.S_IXUSR

    def breaks():
        yield "#!/bin/bash\n"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_script(target, breaks())
    assert target.read_text() == "#!/bin/bash\ntrue\n" and list(tmp_path.iterdir()) == [target]
    with pytest.raises(FileError, match="cannot be written"):
        write_script(tmp_path / "nowhere" / "x.sh", [""])


def test_that_a_file_of_somebody_else_beside_it_stays_as_it_is(tmp_path):
    beside = tmp_path / "all.sh.part"
    beside.write_text("mine")
    write_script(tmp_path / "all.sh", ["true\n"])
    with pytest.raises(ZeroDivisionError):
        write_script(tmp_path / "all.sh", (str(1 // 0) for _ in range(1)))
    assert beside.read_text() == "mine" and sorted(path.name for path in tmp_path.iterdir()) == ["all.sh", "all.sh.part"]


def test_that_a_link_leads_to_the_file_that_is_written_and_a_long_name_is_no_trouble(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.sh").symlink_to(tmp_path / "elsewhere" / "real.sh")
    for text in ("one\n", "two\n"):
        write_script(tmp_path / "link.sh", [text])
        assert (tmp_path / "link.sh").is_symlink() and (tmp_path / "elsewhere" / "real.sh").read_text() == text
    longest = tmp_path / ("x" * 252 + ".sh")
    write_script(longest, ["true\n"])
    assert longest.read_text() == "true\n"


def test_that_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    write_script(pipe, ["one\n", "two\n"])
    reader.join(60.0)
    assert found == ["one\ntwo\n"] and stat.S_ISFIFO(pipe.stat().st_mode)


def test_that_a_folder_is_no_file_for_a_script(tmp_path):
    for place in (tmp_path, tmp_path / "..", "/"):
        with pytest.raises(FileError, match="cannot be written") as refused:
            write_script(type(tmp_path)(place), ["true\n"])
        assert refused.value.hint
    assert not list(tmp_path.iterdir())


def test_that_names_that_are_no_text_are_written_as_the_bytes_that_they_are(tmp_path):
    target = tmp_path / "all.sh"
    write_script(target, ["cd /data/" + os.fsdecode(b"caf\xe9") + "/größe\n"])
    assert target.read_bytes() == b"cd /data/caf\xe9/" + "größe\n".encode()
    with pytest.raises(FileError, match="is not text"):
        write_script(target, ["\ud800"])
    assert target.read_bytes().startswith(b"cd /data") and list(tmp_path.iterdir()) == [target]


def test_that_a_full_disk_leaves_the_script_that_was_there(tmp_path):
    import resource

    target = tmp_path / "all.sh"
    write_script(target, ["before\n"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # Python ignores the signal: writing fails
    try:
        with pytest.raises(FileError, match="cannot be written"):
            write_script(target, ("x" * 1000 for _ in range(1000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_text() == "before\n" and list(tmp_path.iterdir()) == [target]
