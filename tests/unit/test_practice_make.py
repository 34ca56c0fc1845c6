"""Making the practice sky: whole or not at all, the same each time."""

from __future__ import annotations

import errno
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daxa_gui.core.errors import ArchiveError, Cancelled
from daxa_gui.practice import make, sky
from daxa_gui.practice.make import NOTE_NAME, default_folder, is_made, make_sky


class Context:
    """A task's context that remembers its progress and can be told to stop after some pieces."""

    work_folder = ""

    def __init__(self, stop_after: int | None = None) -> None:
        self.told: list[tuple[float, float | None, str]] = []
        self._left = stop_after

    def service_url(self, service: str) -> str:
        raise AssertionError("making the practice sky needs no service")

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        self.told.append((done, total, text))

    def check_cancelled(self) -> None:
        if self._left is not None:
            if self._left == 0:
                raise Cancelled
            self._left -= 1

    def log(self, text: str) -> None:
        pass


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sky of two small observations."""
    monkeypatch.setattr(make, "OBSERVATIONS", sky.observations_of("swift") + sky.observations_of("rosat_pointed"))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_that_a_finished_sky_is_recognised_by_version_and_seed(quick: None, tmp_path: Path) -> None:
    folder = tmp_path / "sky"
    make_sky(Context(), str(folder), 1)
    assert is_made(folder, 1)
    assert not is_made(folder, 2)
    assert not is_made(tmp_path / "elsewhere", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["sky"]
    (folder / NOTE_NAME).write_text("[]")
    assert not is_made(folder, 1)


def test_that_a_finished_sky_is_used_again(quick: None, tmp_path: Path) -> None:
    folder = tmp_path / "sky"
    assert make_sky(Context(), str(folder), 3).facts["made"] is True
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    second = Context()
    assert make_sky(second, str(folder), 3).facts["made"] is False
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert second.told == []


def test_that_another_seed_or_version_is_made_anew(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "sky"
    make_sky(Context(), str(folder), 1)
    first = digests(folder / "www")
    make_sky(Context(), str(folder), 2)
    assert is_made(folder, 2)
    assert digests(folder / "www").keys() == first.keys()
    assert digests(folder / "www") != first
    monkeypatch.setattr(make, "VERSION", make.VERSION + 1)
    assert not is_made(folder, 2)
    make_sky(Context(), str(folder), 2)
    assert is_made(folder, 2)


def test_that_the_same_seed_gives_the_same_bytes_in_any_order(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sky(Context(), str(tmp_path / "a"), 5)
    monkeypatch.setattr(make, "OBSERVATIONS", make.OBSERVATIONS[::-1])
    make_sky(Context(), str(tmp_path / "b"), 5)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_that_a_cancelled_run_leaves_nothing(quick: None, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        make_sky(Context(stop_after=1), str(tmp_path / "sky"), 1)
    assert list(tmp_path.iterdir()) == []


def test_that_the_remains_of_a_killed_run_are_not_taken_for_a_sky_and_are_cleared(quick: None, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    remains = tmp_path / f"sky.part-{dead.pid}"
    (remains / "www").mkdir(parents=True)
    assert not is_made(tmp_path / "sky", 1)
    make_sky(Context(), str(tmp_path / "sky"), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["sky"]


KILLED = """
import sys
from daxa_gui.practice.make import make_sky
class Context:
    def progress(self, done, total, text=""): print(text, flush=True)
    def check_cancelled(self): pass
make_sky(Context(), sys.argv[1], 1)
"""


def test_that_a_run_killed_in_the_middle_leaves_nothing_that_looks_whole(quick: None, tmp_path: Path) -> None:
    folder = tmp_path / "sky"
    root = Path(make.__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        for _ in range(2):  # the second piece has begun, so the first is written
            process.stdout.readline()
        process.kill()
    assert not folder.exists()
    assert list(tmp_path.glob("sky.part-*/www/FTP/xmm"))
    make_sky(Context(), str(folder), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["sky"]
    assert is_made(folder, 1)


def test_that_another_program_that_was_faster_keeps_its_folder(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / "ready"
    make_sky(Context(), str(ready), 1)
    original = make._make

    def and_the_other_was_faster(ctx: Context, part: Path, seed: int) -> None:
        original(ctx, part, seed)
        shutil.copytree(ready, tmp_path / "sky")

    monkeypatch.setattr(make, "_make", and_the_other_was_faster)
    make_sky(Context(), str(tmp_path / "sky"), 1)
    assert is_made(tmp_path / "sky", 1)
    assert not list(tmp_path.glob("*.part*"))


def test_that_a_folder_with_other_things_is_left_alone(quick: None, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("important")
    with pytest.raises(ArchiveError, match="something else"):
        make_sky(Context(), str(folder), 1)
    assert (folder / "chapter1.tex").read_text() == "important"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_that_a_folder_that_cannot_be_made_is_named(quick: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="file"):
        make_sky(Context(), str(tmp_path / "file" / "sky"), 1)


def test_that_a_full_disk_is_told_and_leaves_nothing(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(make, "write_catalogues", full)
    with pytest.raises(ArchiveError, match="No space left"):
        make_sky(Context(), str(tmp_path / "sky"), 1)
    assert list(tmp_path.iterdir()) == []


def test_that_progress_runs_from_nothing_to_everything(quick: None, tmp_path: Path) -> None:
    ctx = Context()
    make_sky(ctx, str(tmp_path / "sky"), 1)
    done = [told[0] for told in ctx.told]
    assert done[0] == 0
    assert done == sorted(done)
    assert ctx.told[-1][0] == ctx.told[-1][1]
    assert "swift 09999901001" in [told[2] for told in ctx.told]


def test_that_the_default_folder_depends_on_version_and_seed(tmp_path: Path) -> None:
    assert default_folder(tmp_path, 1) != default_folder(tmp_path, 2)
    assert str(make.VERSION) in default_folder(tmp_path, 1).name
