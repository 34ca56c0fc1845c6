"""Checking an archive against the disk, and putting it right: damaged and missing files, a database that is gone."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.on_disk import product_key
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.verify import verify
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.errors import ArchiveError, Cancelled
from daxa_gui.core.exposures import Verdict
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import MadeFile, Outcome
from daxa_gui.execution.commands import own_environment
from tests.fakes.execution import FakeClock, request
from tests.fakes.small_fits import small_fits

XMM, OBS = "xmm_pointed", ("0404910601", "0201901401")
EVENTS_NAME = "P{obs_id}M1S001MIEVLI0000.FTZ"


def run(store: ArchiveStore, clock: FakeClock, wanted, *files: MadeFile, **values) -> None:
    """Bring one job to its end with FITS files that differ from each other."""
    (job,) = store.add([wanted])
    work = store.layout.work_folder(job.id)
    work.mkdir(parents=True, exist_ok=True)
    for number, made in enumerate(files):
        (work / made.name).write_bytes(small_fits(2000, seed=job.id * 10 + number))
    clock.advance(5)
    job = replace(job, state=JobState.SUCCEEDED, attempt=1, started=clock.now(), finished=clock.now() + 2, warnings=("a doubt",))
    store.commit_outcome(job, Outcome(files=files, **values), str(work))
    shutil.rmtree(work)
    log = store.layout.log_path(job.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("a line\n")
    for made in files:
        if made.destination:
            note_in_manifest(store.layout.raw_folder(job.mission, job.obs_id), Path(made.destination))


def note_in_manifest(folder: Path, path: Path) -> None:
    """The line that a transfer writes (its format is documented in docs/downloads.md)."""
    data = path.read_bytes()
    line = {
        "name": path.relative_to(folder).as_posix(), "service": "heasarc", "path": f"xmm/{path.name}",
        "sha256": sha256(data).hexdigest(), "size_bytes": len(data), "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    with (folder / ".manifest.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def make_archive(folder: Path) -> ArchiveStore:
    """An archive with everything that can be rebuilt."""
    clock = FakeClock()
    store = ArchiveStore.create(OutputLayout(folder).archive("Coma"), clock.now)
    chosen = Selection(XMM, "v1", OBS, ("M1", "PN"), ({"kind": "cone", "radius_deg": 0.5},), ("events", "raw"))
    store.add_selections([(chosen, [{"obs_id": o, "target": f"target {o}", "ra_deg": 1.5} for o in OBS])])
    store.add_left_out(
        [LeftOut(XMM, "0111111111", "It is proprietary.", "", True)], {(XMM, "0111111111"): {"obs_id": "0111111111"}}
    )
    for obs_id in OBS:
        raw = store.layout.raw_folder(XMM, obs_id)
        events = ProductKey(XMM, obs_id, ProductKind.EVENTS, "M1", "S001")
        name = EVENTS_NAME.format(obs_id=obs_id)
        run(
            store, clock, request(f"pps/{name}", "", kind="download", obs_id=obs_id, service="heasarc", path=f"xmm/{name}"),
            MadeFile("e.fits", events, str(raw / "pps" / name)),
        )  # fmt: skip
        run(
            store, clock, request("odf/x.fits", "", kind="download", obs_id=obs_id, service="heasarc", path="xmm/x.fits"),
            MadeFile("x.fits", ProductKey(XMM, obs_id, ProductKind.RAW), str(raw / "odf" / "x.fits")),
        )  # fmt: skip
        flares = ProductKey(XMM, obs_id, ProductKind.GTI, "M1", "S001")
        run(store, clock, request(step="flares", obs_id=obs_id, n_sigma=2.5), MadeFile("g.fits", flares, facts={"ontime_s": 5.5}))
        (need,) = [job for job in store.jobs_of(XMM, obs_id) if job.step == "flares"]
        clean = replace(flares, kind=ProductKind.CLEAN_EVENTS)
        image = replace(flares, kind=ProductKind.IMAGE, band_kev=(0.5, 2.0))
        run(
            store, clock, request(step="clean", obs_id=obs_id, needs=(need.id,)),
            MadeFile("c.fits", clean, facts={"n_events": 3}), MadeFile("i.fits", image), facts={"kept_fraction": 0.75},
        )  # fmt: skip
    store.set_verdict(XMM, OBS[0], "M1S001", Verdict("flagged", "odd", 5.0))
    store.set_info("overrides", {f"{XMM}/{OBS[0]}/M1S001": {"n_sigma": 4.0}})
    store.trash.delete_raw(XMM, OBS[1:])
    regions = store.layout.folder / "regions" / XMM / OBS[0] / "source_regions_radec.reg"
    regions.parent.mkdir(parents=True)
    regions.write_text('# Region file format: DS9\nfk5\ncircle(1, 2, 3")\n-ellipse(1, 2, 3", 4", 5)\n')
    return store


def everything(store: ArchiveStore) -> dict:
    """All that an archive says, for a comparison field by field."""
    return {
        "summary": store.summary(), "info": store.info(), "observations": store.observations(), "selections": store.selections(),
        "left_out": (store.left_out(), store.left_out_rows()), "verdicts": store.verdicts(), "products": store.products(),
        "files": store.files(), "jobs": store.jobs(), "trash": store.trash.entries(),
        "history": [store.history(product) for product in store.products()],
    }  # fmt: skip


@pytest.fixture
def store(tmp_path):
    store = make_archive(tmp_path)
    yield store
    store.close()


def closed(store: ArchiveStore):
    layout = store.layout
    store.close()
    return layout


def severities(report) -> list[str]:
    return [finding.severity for finding in report.findings]


# ---- files


def test_that_an_archive_that_is_right_is_found_so(store):
    n_files = len({product.path for product in store.products()} | {file.path for file in store.files()})
    n_bytes = sum({p.path: p.size_bytes for p in (*store.products(), *store.files())}.values())
    layout, told = closed(store), []
    report = verify(layout, progress=lambda *news: told.append(news))
    assert report.is_whole and report.findings == () and (report.n_files, report.n_bytes) == (n_files, n_bytes)
    assert told[-1][:2] == (n_bytes, n_bytes)
    assert verify(layout, read=False).n_bytes == 0


def test_that_an_archive_is_looked_at_while_it_is_open_but_not_repaired(store):
    assert verify(store.layout).is_whole
    with pytest.raises(ArchiveError, match="open in another program"):
        verify(store.layout, repair=True)


def test_that_flipped_bits_short_and_missing_files_are_found_and_made_again(store):
    paths = {product.key.kind: Path(product.path) for product in store.products(XMM, OBS[0])}
    raw = store.layout.raw_folder(XMM, OBS[0]) / "odf" / "x.fits"
    before = {job.id: job for job in store.jobs()}
    layout = closed(store)
    data = bytearray(paths[ProductKind.GTI].read_bytes())
    data[len(data) // 2] ^= 4
    paths[ProductKind.GTI].write_bytes(data)
    paths[ProductKind.CLEAN_EVENTS].write_bytes(b"short")
    raw.unlink()
    report = verify(layout)
    assert severities(report) == ["error"] * 3 and not report.is_whole
    assert {finding.path for finding in report.findings} == {
        str(paths[ProductKind.GTI]),
        str(paths[ProductKind.CLEAN_EVENTS]),
        str(raw),
    }
    assert len(verify(layout, read=False).findings) == 2  # the flipped bit is not seen without reading

    report = verify(layout, repair=True)
    assert report.is_whole and all(finding.repaired for finding in report.findings)
    again = ArchiveStore.open(layout)
    try:
        states = {job.id: job.state for job in again.jobs() if job != before[job.id]}
        assert sorted(map(str, states.values())) == ["queued", "queued", "waiting"]
        assert [entry.n_files for entry in again.trash.entries()] == [2, 2]  # raw data from before, and the two damaged files
        again.trash.restore(again.trash.entries()[-1].id)
        assert paths[ProductKind.GTI].read_bytes() == bytes(data)
        assert any(event.kind == "repair" for event in again.events())
    finally:
        again.close()


def test_that_a_file_that_another_archive_fetched_anew_is_not_damaged(store):
    path = store.layout.raw_folder(XMM, OBS[0]) / "odf" / "x.fits"
    layout = closed(store)
    path.unlink()  # a second name in the layout would keep the old bytes
    path.write_bytes(small_fits(3000, seed=99))
    note_in_manifest(layout.raw_folder(XMM, OBS[0]), path)
    report = verify(layout, repair=True)
    assert [finding.repaired for finding in report.findings] == [True] and "follows" in report.findings[0].message
    assert verify(layout).is_whole


def test_that_files_that_nobody_knows_are_registered_where_their_names_tell(store):
    image = next(product for product in store.products() if product.key.kind is ProductKind.IMAGE)
    with store.database.writing() as connection:
        connection.execute("DELETE FROM products WHERE path = ?", (store.layout.stored(image.path),))
        connection.execute("DELETE FROM files")
        connection.execute("DELETE FROM products WHERE path LIKE 'output:%'")
    odd = store.layout.processed_folder(XMM, OBS[0]) / "misc" / "mine.fits"
    odd.parent.mkdir(parents=True, exist_ok=True)
    odd.write_bytes(b"mine")
    layout = closed(store)
    report = verify(layout)
    assert severities(report).count("warning") == 3 and str(odd) in {finding.path for finding in report.findings}
    report = verify(layout, repair=True)
    assert [finding.path for finding in report.findings if finding.severity == "warning" and not finding.repaired] == []
    again = ArchiveStore.open(layout)
    assert image.key in {product.key for product in again.products()} and len(again.files()) == 2
    assert [file.unit for file in again.files()] == ["odf/x.fits", f"pps/{EVENTS_NAME.format(obs_id=OBS[0])}"]
    again.close()
    assert odd.read_bytes() == b"mine"


def test_that_leftovers_go_and_links_that_lead_out_are_named(store, tmp_path):
    raw, processed = store.layout.raw_folder(XMM, OBS[0]), store.layout.processed_folder(XMM, OBS[0])
    layout = closed(store)
    parts = [raw / "odf" / "y.fits.part", raw / "odf" / "y.fits.part.json", processed / "images" / "z.fits.part"]
    for part in parts:
        part.write_bytes(b"half")
    (tmp_path / "outside.txt").write_text("secret")
    link = processed / "events" / "link.fits"
    link.symlink_to("/etc/passwd")
    (layout.logs / "0000" / "job-4711.log").write_text("whose?")
    report = verify(layout, repair=True)
    assert not any(part.exists() for part in parts)
    assert link.is_symlink() and str(link) in {finding.path for finding in report.findings if finding.severity == "warning"}
    assert any("4711" in finding.path for finding in report.findings)


def test_that_a_job_that_claims_what_is_not_there_runs_again(store):
    (job,) = [job for job in store.jobs_of(XMM, OBS[0]) if job.step == "flares"]
    with store.database.writing() as connection:
        connection.execute("DELETE FROM products WHERE job_id = ?", (job.id,))
    path = store.layout.processed_folder(XMM, OBS[0]) / "cleaning"
    layout = closed(store)
    shutil.rmtree(path)
    assert "nothing that it made" in verify(layout).findings[0].message
    assert verify(layout, repair=True).is_whole
    again = ArchiveStore.open(layout)
    assert again.get(job.id).state is JobState.QUEUED
    again.close()


def test_that_a_check_can_be_cancelled(store):
    with pytest.raises(Cancelled):
        verify(closed(store), cancelled=lambda: True)


# ---- the database


def damage_nothing(path: Path) -> None:
    path.unlink()


def damage_truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def damage_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    draw = random.Random(4)
    for _ in range(4000):
        data[draw.randrange(4096, len(data))] = draw.randrange(256)
    path.write_bytes(data)


def damage_header(path: Path) -> None:
    path.write_bytes(b"no database" + path.read_bytes()[11:])


def damage_json(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE products SET facts = '{'")
    connection.commit()
    connection.close()


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [damage_nothing, damage_truncated, damage_middle, damage_header, damage_json, damage_empty],
    ids=lambda f: f.__name__,
)
def test_that_a_lost_database_is_made_anew_field_by_field(store, damage):
    before = everything(store)
    layout = closed(store)
    damage(layout.database)
    report = verify(layout)
    assert not report.is_whole and not report.rebuilt and "daxa_gui.sqlite" in report.findings[0].path
    report = verify(layout, repair=True)
    assert report.rebuilt and report.is_whole, report.findings
    again = ArchiveStore.open(layout)
    try:
        after = everything(again)
        for name, value in before.items():
            assert after[name] == value, name
        with again.database.reading() as connection:
            assert connection.execute("SELECT n_regions FROM regions").fetchall() == [(2,)]
    finally:
        again.close()
    kept = list(layout.folder.glob("daxa_gui.sqlite.damaged-*"))
    assert (len(kept) == 0) == (damage is damage_nothing)
    assert verify(layout).is_whole


def test_that_without_journal_and_documents_the_names_on_the_disk_tell(store):
    before = everything(store)
    layout = closed(store)
    layout.database.unlink()
    for name in ("archive.json", "decisions.json", "journal.jsonl"):
        (layout.folder / name).unlink()
    report = verify(layout, repair=True)
    assert report.rebuilt and report.is_whole
    lost = " ".join(finding.message for finding in report.findings)
    assert "filters and catalogue rows" in lost and "verdicts" in lost and "are lost" in lost
    again = ArchiveStore.open(layout)
    try:
        assert {product.key for product in again.products()} == {product.key for product in before["products"]}
        digests = {(product.path, product.sha256) for product in again.products()}
        assert digests == {(product.path, product.sha256) for product in before["products"]}
        assert [(f.path, f.kind, f.instrument, f.service, f.sha256) for f in again.files()] == [
            (f.path, f.kind, f.instrument, f.service, f.sha256) for f in before["files"]
        ]
        assert [(o.mission, o.obs_id) for o in again.observations()] == [(o.mission, o.obs_id) for o in before["observations"]]
        assert again.trash.entries() == before["trash"]
    finally:
        again.close()


def test_that_hostile_documents_are_not_believed(store):
    layout = closed(store)
    layout.database.unlink()
    document = json.loads((layout.folder / "archive.json").read_text())
    document["contents"] = "AAAA"
    (layout.folder / "archive.json").write_text(json.dumps(document))
    (layout.folder / "decisions.json").write_text('{"info": [], "verdicts": 5}')
    lines = (layout.folder / "journal.jsonl").read_text().splitlines()
    evil = json.loads(lines[0])
    evil["files"][0]["path"] = "output:../../etc/passwd"
    (layout.folder / "journal.jsonl").write_text("\n".join([json.dumps(evil), "{", "[]", lines[1][:50], *lines[2:]]) + "\n")
    entry = next((layout.folder / ".trash").glob("*/entry.json"))
    values = json.loads(entry.read_text())
    values["moves"][0]["from"] = "output:../x"
    entry.write_text(json.dumps(values))
    assert verify(layout, repair=True).rebuilt
    again = ArchiveStore.open(layout)
    assert again.trash.entries() == [] and len(again.products()) > 0 and len(again.files()) == 2
    assert all(Path(file.path).is_relative_to(layout.output) for file in again.files())
    again.close()


def test_that_a_later_version_and_foreign_databases_are_not_rebuilt(store):
    layout = closed(store)
    connection = sqlite3.connect(layout.database)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = layout.database.read_bytes()
    with pytest.raises(ArchiveError, match="later version"):
        verify(layout, repair=True)
    assert layout.database.read_bytes() == before
    with pytest.raises(ArchiveError, match="no archive"):
        verify(OutputLayout(layout.output).archive("nothing"), repair=True)


KILLED = """
import sys
from pathlib import Path
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.verify import verify
from tests.fakes.dying import die_at_call
folder, where, n = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
die_at_call(where, n)
verify(OutputLayout(folder).archive("Coma"), repair=True)
"""


@pytest.mark.parametrize(
    ("where", "n"),
    [
        ("daxa_gui.archive.rebuild:_journal", 1),
        ("daxa_gui.archive.rebuild:_exchange", 1),
        ("pathlib:Path.rename", 1),
        ("pathlib:Path.rename", 2),
        ("pathlib:Path.replace", 1),
        ("daxa_gui.archive.repair:Repair.register_from_disk", 1),
        ("daxa_gui.archive.repair:Repair.take_away", 1),
        ("daxa_gui.archive.repair:Repair.finish", 1),
        ("daxa_gui.archive.trash:_move", 1),
    ],
)
def test_that_a_repair_that_is_killed_can_be_done_again(tmp_path, where, n):
    store = make_archive(tmp_path)
    before = everything(store)
    damaged = next(product for product in store.products() if product.key.kind is ProductKind.IMAGE)
    layout = closed(store)
    damage_header(layout.database)
    Path(damaged.path).write_bytes(b"short")
    environment = {**own_environment(), "PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), where, str(n)], env=environment, check=False)
    assert result.returncode in (0, 9)
    assert verify(layout, repair=True).is_whole
    again = ArchiveStore.open(layout)
    try:
        after = everything(again)
        for name in ("observations", "selections", "verdicts", "files", "left_out"):
            assert after[name] == before[name], name
        assert after["products"] == [product for product in before["products"] if product != damaged]
        assert not Path(damaged.path).exists()
        assert again.get(damaged.job_id).state in (JobState.WAITING, JobState.QUEUED)
    finally:
        again.close()


# ---- names


@pytest.mark.parametrize("kind", [kind for kind in ProductKind if kind is not ProductKind.OTHER])
@pytest.mark.parametrize(
    ("instrument", "exposure", "band"),
    [
        ("M1", "S001", None), ("", "", None), ("SIS0_SIS1", "ALL", (0.5, 2.0)), ("ACIS-I", "E001-odd-name", (1e-05, 1e16)),
        ("TM1", "", (2.3, 5.0)),
    ],
)  # fmt: skip
def test_that_the_name_of_a_product_tells_what_it_is(tmp_path, kind, instrument, exposure, band):
    layout = OutputLayout(tmp_path).archive("a")
    key = ProductKey(XMM, OBS[0], kind, instrument, exposure, band)
    path = layout.product_path(key)
    assert product_key(layout, path) == key
    assert product_key(layout, layout.failed_folder(XMM, OBS[0]) / path.parent.name / path.name) == key
    assert product_key(layout, path.with_name("obsid1-" + path.name)) is None
    assert product_key(layout, tmp_path / path.name) is None
