"""Catalogues kept on disk: what is saved is what is loaded; what is damaged is refused and the version before it used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_gui.catalogues.build import COMMON, catalogue_from
from daxa_gui.catalogues.cache import CatalogueCache
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import Certificate
from daxa_gui.core.errors import FileError
from daxa_gui.core.texts import TextColumn
from daxa_gui.missions import MISSIONS

SPEC = MISSIONS["chandra"]
N = 3000  # enough that long columns are mapped


def made(seed: int = 1, n: int = N) -> Catalogue:
    rng = np.random.default_rng(seed)
    columns = {
        "obs_id": np.array([str(number) for number in range(1, n + 1)], "U11"),
        "ra_deg": rng.uniform(0, 360, n),
        "dec_deg": np.where(rng.random(n) < 0.01, np.nan, rng.uniform(-90, 90, n)),
        "start_mjd": rng.uniform(51000, 60000, n),
        "target": np.array([f"Ziel ☉ {k}" for k in rng.integers(0, 50, n)], "U20"),
        "target_type": rng.choice(["AGN", "GCL", ""], n),
        "instruments": rng.choice(["ACIS", "HRC", "ACIS HETG"], n),
        "public_mjd": rng.choice([np.nan, np.inf, 58000.0], n),
        "grade": rng.integers(0, 5, n),
        "roll": rng.random(n),
        "good": rng.random(n) < 0.5,
        "Data Mode": rng.choice(["FAINT", "VFAINT"], n),
    }
    return catalogue_from(SPEC, columns, provenance="Made for a test.")


def certificate(**changed: Any) -> Certificate:
    values: dict[str, Any] = {
        "mission": "chandra", "service": "http://127.0.0.1/tap", "table": "chanmaster", "query": "SELECT 1", "rows_expected": N,
        "rows_received": N, "columns": (("ra", "deg"),), "fetched_mjd": 60000.5, "checksum": "ab", "notes": ("one page",),
    }  # fmt: skip
    return Certificate(**(values | changed))


def same(one: Catalogue, other: Catalogue) -> bool:
    for name in COMMON:
        np.testing.assert_array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(other, name)), name)
    assert list(one.extra) == list(other.extra)
    for name in one.extra:
        np.testing.assert_array_equal(np.asarray(one.extra[name]), np.asarray(other.extra[name]), name)
    np.testing.assert_array_equal(one.search_radius_deg, other.search_radius_deg)
    names = ("version", "provenance", "footprints", "exposure_columns", "default_instruments")
    return all(getattr(one, name) == getattr(other, name) for name in names)


@pytest.fixture
def cache(tmp_path: Path) -> CatalogueCache:
    return CatalogueCache(tmp_path / "cache")


def loaded(cache: CatalogueCache) -> tuple[Catalogue, Certificate | None]:
    found = cache.load(SPEC)
    assert found is not None
    return found


def version_folders(cache: CatalogueCache) -> list[Path]:
    return sorted(path for path in (cache.folder / SPEC.name).iterdir() if path.is_dir())


def test_that_what_is_saved_is_what_is_loaded(cache: CatalogueCache) -> None:
    cache.save(SPEC, made(), certificate(), "fetched")
    catalogue, proof = loaded(CatalogueCache(cache.folder))
    assert same(made(), catalogue)
    assert proof == certificate()
    assert isinstance(catalogue.target, TextColumn) and catalogue.extra["good"].dtype == bool
    assert cache.problem(SPEC.name) == ""
    cache.verify(SPEC)


def test_that_a_loaded_catalogue_is_searched_with_its_kept_index_and_cannot_be_changed(cache: CatalogueCache) -> None:
    cache.save(SPEC, made(), None, "imported")
    catalogue, proof = loaded(cache)
    assert proof is None
    assert {"index", "id_index"} <= set(catalogue.__dict__)  # made before, not now
    assert catalogue.rows_of(["7", "2999", "x"]).tolist() == [6, 2998]
    np.testing.assert_array_equal(catalogue.index.levels[1].row, made().index.levels[1].row)
    with pytest.raises(ValueError):
        catalogue.ra_deg[0] = 0.0


def test_that_the_status_tells_what_is_kept(cache: CatalogueCache) -> None:
    before = cache.status(SPEC)
    assert (before.origin, before.rows, before.certificate) == ("none", 0, None)
    assert np.isnan(cache.saved_mjd(SPEC))
    cache.save(SPEC, made(), certificate(), "fetched")
    status = cache.status(SPEC, now_mjd=57000.0)
    catalogue = made()
    assert (status.origin, status.rows, status.certificate) == ("fetched", N, certificate())
    assert status.unusable == np.count_nonzero(catalogue.unusable_reason != "") > 0
    assert status.proprietary == np.count_nonzero(~catalogue.public(57000.0))
    assert status.size_bytes > N * 40
    assert cache.status(SPEC).proprietary == np.count_nonzero(np.isinf(catalogue.public_mjd))
    assert abs(cache.saved_mjd(SPEC) - (40587 + time.time() / 86400)) < 0.01


def test_that_the_newest_version_is_used_and_one_before_it_is_kept(cache: CatalogueCache) -> None:
    for seed in range(4):
        cache.save(SPEC, made(seed), None, "fetched")
        assert same(made(seed), loaded(cache)[0])
    assert len(version_folders(cache)) == 2


def test_that_an_empty_catalogue_can_be_kept(cache: CatalogueCache) -> None:
    cache.save(SPEC, made(n=0), None, "fetched")
    assert len(loaded(cache)[0]) == 0


def damages() -> list[Any]:
    def cut(folder: Path) -> None:
        path = folder / "column-001.npy"
        path.write_bytes(path.read_bytes()[:-8])

    def longer(folder: Path) -> None:
        with (folder / "column-000.npy").open("ab") as file:
            file.write(b"\0")

    def missing(folder: Path) -> None:
        (folder / "column-002.npy").unlink()

    def another_type(folder: Path) -> None:
        path = folder / "column-001.npy"
        path.write_bytes(path.read_bytes().replace(b"<f8", b"<i8", 1))

    def pickled(folder: Path) -> None:
        path = folder / "column-001.npy"
        path.write_bytes(path.read_bytes().replace(b"'<f8'", b"'|O' ", 1))

    def larger_than_memory(folder: Path) -> None:
        path = folder / "column-001.npy"
        path.write_bytes(path.read_bytes().replace(b"(3000,)", b"(9e17,)", 1))

    def link(folder: Path) -> None:
        path = folder / "column-001.npy"
        shutil.copy(path, folder.parent / "elsewhere.npy")
        path.unlink()
        path.symlink_to(folder.parent / "elsewhere.npy")

    def codes(folder: Path) -> None:
        document = json.loads((folder / "catalogue.json").read_text())
        entry = next(file for file in document["files"] if file["name"] == "target" and file["form"] == "codes")
        path = folder / entry["file_name"]
        path.write_bytes(path.read_bytes()[:-5] + b"\xff" * 5)

    def index(folder: Path) -> None:
        document = json.loads((folder / "catalogue.json").read_text())
        for entry in document["files"]:
            if entry["role"] == "index" and "row" in entry["name"]:
                path = folder / entry["file_name"]
                path.write_bytes(path.read_bytes()[:-4] + b"\xff\xff\xff\x7f")

    def no_json(folder: Path) -> None:
        (folder / "catalogue.json").write_text("{")

    return [cut, longer, missing, another_type, pickled, larger_than_memory, link, codes, index, no_json]


def edits() -> list[Any]:
    """Changes of catalogue.json."""

    def first(name: str, value: Any) -> Any:
        return lambda document: document["files"][1].__setitem__(name, value)

    return [
        first("file_name", "../../../../etc/passwd"),
        first("file_name", "/etc/passwd"),
        first("file_name", "column-001.npy\n"),
        first("dtype", "|O"),
        first("dtype", "<f4"),
        first("shape", [N - 1]),
        first("shape", [-1]),
        first("shape", "x"),
        first("size_bytes", 10**30),
        first("name", "another"),
        first("role", "extra"),
        lambda document: document["files"].append(document["files"][0]),
        lambda document: document["files"].clear(),
        lambda document: document.update(format=99),
        lambda document: document.update(mission="swift"),
        lambda document: document.update(rows=5),
        lambda document: document.update(rows="many"),
        lambda document: document.update(saved_mjd=None),
        lambda document: document.update(origin="stolen"),
        lambda document: document.update(certificate={"mission": 1}),
        lambda document: document["certificate"].update(fetched_mjd="yesterday"),
        lambda document: document["certificate"].update(rows_expected="all"),
        lambda document: document.update(files=3),
        lambda document: document.pop("version"),
    ]


@pytest.mark.parametrize("damage", damages(), ids=lambda damage: damage.__name__)
def test_that_a_damaged_version_is_refused_and_the_one_before_it_used(cache: CatalogueCache, damage: Any) -> None:
    for seed in (1, 2):
        cache.save(SPEC, made(seed), None, "fetched")
    damage(version_folders(cache)[-1])
    assert same(made(1), loaded(cache)[0])
    assert "version before it is used" in cache.problem(SPEC.name)
    cache.save(SPEC, made(3), None, "fetched")
    assert cache.problem(SPEC.name) == ""
    assert same(made(3), loaded(cache)[0])
    shutil.rmtree(version_folders(cache)[-1])  # the reserve is the one that was good, not the damaged one
    assert same(made(1), loaded(cache)[0])


@pytest.mark.parametrize("number", range(len(edits())))
def test_that_a_catalogue_json_that_lies_is_refused(cache: CatalogueCache, number: int) -> None:
    for seed in (1, 2):
        cache.save(SPEC, made(seed), certificate(), "fetched")
    path = version_folders(cache)[-1] / "catalogue.json"
    document = json.loads(path.read_text())
    edits()[number](document)
    path.write_text(json.dumps(document))
    assert same(made(1), loaded(cache)[0])
    assert cache.problem(SPEC.name)


POINTERS = [None, "", "{", "[]", '{"format": 1, "version": "../.."}', '{"format": 1, "version": "000009-gone"}', "[" * 100000]


@pytest.mark.parametrize("content", POINTERS)
def test_that_a_damaged_pointer_does_not_lose_the_catalogue(cache: CatalogueCache, content: str | None) -> None:
    cache.save(SPEC, made(), None, "fetched")
    pointer = cache.folder / SPEC.name / "current.json"
    if content is None:
        pointer.unlink()
    else:
        pointer.write_text(content)
    assert same(made(), loaded(cache)[0])
    cache.save(SPEC, made(2), None, "fetched")
    assert same(made(2), loaded(cache)[0])


def test_that_nothing_outside_the_cache_is_read_or_removed(cache: CatalogueCache, tmp_path: Path) -> None:
    cache.save(SPEC, made(), None, "fetched")
    outside = tmp_path / "000000-outside"
    shutil.copytree(version_folders(cache)[0], outside)
    for name in ("000000-link", "part-0123"):
        (cache.folder / SPEC.name / name).symlink_to(outside, target_is_directory=True)
    shutil.rmtree(next(path for path in version_folders(cache) if path.name.startswith("000001")))
    assert cache.load(SPEC) is None and cache.problem(SPEC.name)
    for seed in range(3):
        cache.save(SPEC, made(seed), None, "fetched")
    assert (outside / "catalogue.json").exists()


def test_that_changed_bytes_are_found_by_checksums(cache: CatalogueCache) -> None:
    with pytest.raises(FileError, match="No catalogue"):
        cache.verify(SPEC)
    cache.save(SPEC, made(), None, "fetched")
    path = version_folders(cache)[0] / "column-001.npy"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"column-001\.npy is damaged"):
        cache.verify(SPEC)


def test_that_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be kept"):
        CatalogueCache(tmp_path / "file").save(SPEC, made(), None, "fetched")
    cache = CatalogueCache(tmp_path / "cache")
    cache.save(SPEC, made(), None, "fetched")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left"):
            cache.save(SPEC, made(2), None, "fetched")
    assert same(made(), loaded(cache)[0])
    assert [path.name[:4] for path in version_folders(cache)] == ["0000"]


def test_that_several_programs_may_save_at_once(cache: CatalogueCache) -> None:
    def save_often(first: int) -> None:
        for seed in range(first, first + 4):
            CatalogueCache(cache.folder).save(SPEC, made(seed, 200), None, "fetched")

    cache.save(SPEC, made(0, 200), None, "fetched")
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(save_often, 10 * number) for number in range(4)]:
            future.result()
    assert loaded(cache)[0].version in {made(10 * number + step, 200).version for number in range(4) for step in range(4)}
    assert not list((cache.folder / SPEC.name).glob("*part*"))


def test_that_a_pointer_to_a_version_that_is_gone_leads_to_a_newer_one(cache: CatalogueCache) -> None:
    for seed in (1, 2):
        cache.save(SPEC, made(seed), None, "fetched")
    first, _ = version_folders(cache)
    (cache.folder / SPEC.name / "current.json").write_text(json.dumps({"format": 1, "version": first.name}))
    assert same(made(1), loaded(cache)[0])
    shutil.rmtree(first)
    assert same(made(2), loaded(cache)[0])


def test_that_only_catalogues_of_the_mission_are_kept(cache: CatalogueCache) -> None:
    with pytest.raises(ValueError):
        cache.save(MISSIONS["swift"], made(), None, "fetched")
    with pytest.raises(ValueError):
        cache.save(SPEC, made(), None, "found")


def test_that_an_index_of_another_kind_is_made_again(cache: CatalogueCache) -> None:
    cache.save(SPEC, made(), None, "fetched")
    path = version_folders(cache)[0] / "catalogue.json"
    document = json.loads(path.read_text())
    for entry in document["files"]:
        entry["name"] = entry["name"].replace("sky 0.25", "sky 0.75")
    path.write_text(json.dumps(document))
    catalogue, _ = loaded(cache)
    assert "index" not in catalogue.__dict__ and cache.problem(SPEC.name) == ""
    assert len(catalogue.index.levels[0].row) == len(made().index.levels[0].row)


# Saves a second version in a process that ends itself, as if killed, at the n-th call of a chosen function.
KILLED = """
import sys
from pathlib import Path
from daxa_gui.catalogues.cache import CatalogueCache
from tests.unit.test_catalogue_cache import SPEC, made
from tests.fakes.dying import die_at_call
folder, where, n = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
die_at_call(where, n)
CatalogueCache(folder).save(SPEC, made(2), None, "fetched")
"""


@pytest.mark.parametrize(
    ("where", "n"),
    [
        ("numpy:save", 1),
        ("numpy:save", 9),
        ("os:fsync", 5),
        ("daxa_gui.catalogues.cache:_write_json", 1),  # all columns are there, the description is not
        ("daxa_gui.catalogues.cache:_sync", 1),
        ("daxa_gui.catalogues.cache:_renamed", 1),  # whole, under its first name
        ("daxa_gui.catalogues.cache:_write_json", 2),  # whole, not yet pointed to
        ("pathlib:Path.replace", 2),
        ("daxa_gui.catalogues.cache:CatalogueCache._tidy", 1),  # already in use
        ("shutil:rmtree", 2),
    ],
)
def test_that_a_program_killed_while_it_saves_leaves_a_whole_catalogue(cache: CatalogueCache, where: str, n: int) -> None:
    cache.save(SPEC, made(0), None, "fetched")
    cache.save(SPEC, made(1), None, "fetched")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", KILLED, str(cache.folder), where, str(n)]
    assert subprocess.run(command, env=environment, check=False).returncode == 9
    after = (n == 1 and where.endswith("_tidy")) or where == "shutil:rmtree"
    assert same(made(2 if after else 1), loaded(cache)[0])
    assert cache.problem(SPEC.name) == ""
    cache.save(SPEC, made(3), None, "fetched")
    assert same(made(3), loaded(cache)[0])
    for path in (cache.folder / SPEC.name).glob("part-*"):
        os.utime(path, (0, 0))  # as if begun long ago
    cache.save(SPEC, made(4), None, "fetched")
    assert not list((cache.folder / SPEC.name).glob("part-*"))
    assert same(made(4), loaded(cache)[0]) and len(version_folders(cache)) == 2
