"""Opening event lists for the inspector: the columnar copies are used again, remade when damaged, and do not pile up."""

import pytest

from daxa_gui import inspection
from daxa_gui.core.registry import resolve
from daxa_gui.inspection import Inspection
from daxa_gui.practice.xmm import simulate_xmm_list


class Context:
    work_folder = ""

    def progress(self, done, total, text=""):
        pass

    def check_cancelled(self):
        pass


@pytest.fixture
def calls():
    return []


@pytest.fixture
def looking(tmp_path, calls):
    def call_here(target, arguments):
        calls.append(target)
        return resolve(target)(Context(), **arguments)

    return Inspection(call_here, tmp_path / "cache")


def made_list(tmp_path, name="list.fits", rows=2000):
    path = tmp_path / name
    simulate_xmm_list(path, rows)
    return path


def test_that_a_list_is_read_once_as_long_as_it_does_not_change(looking, calls, tmp_path):
    path = made_list(tmp_path)
    assert len(looking.open(path)) == len(looking.open(path)) == 2000
    assert len(calls) == 1
    simulate_xmm_list(path, 3000)
    assert len(looking.open(path)) == 3000


def test_that_a_damaged_copy_is_made_again(looking, calls, tmp_path):
    path = made_list(tmp_path)
    looking.open(path)
    [folder] = (tmp_path / "cache" / "events").iterdir()
    for file in folder.iterdir():
        file.write_bytes(b"damaged")
    assert len(looking.open(path)) == 2000
    assert len(calls) == 2


def test_that_only_the_lists_looked_at_last_are_kept(looking, tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "KEPT_LISTS", 3)
    paths = [made_list(tmp_path, f"list{number}.fits", 100) for number in range(6)]
    for path in paths:
        looking.open(path)
    assert len(list((tmp_path / "cache" / "events").iterdir())) == 4
