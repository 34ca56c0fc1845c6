"""The verbs that keep archives in order, and those of settings and logins, as a person types them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.remote import credentials
from daxa_gui.remote.credentials import CredentialStore
from tests.fakes.key_rings import MemoryRing
from tests.fakes.shell import Shell, shell

__all__ = ["shell"]  # the fixture

ROSAT = "RP800044N00"


# -- keeping ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(shell: Shell, request: pytest.FixtureRequest) -> Iterator[str]:
    """A small archive that a test may spoil, in an output folder of its own."""
    before, shell.output = shell.output, shell.folder / request.node.name
    shell.ask("fetch", "own", "--obs-ids", ROSAT, "--kind", "events", "--kind", "images")
    yield "own"
    shell.output = before


def test_that_a_damaged_file_is_found_taken_away_and_fetched_again(shell: Shell, own: str) -> None:
    assert shell.ask("verify", own)["findings"] == []
    assert "the archive is whole" in shell.on("verify", own).out
    raw = next((shell.output / "rosat_pointed_raw").rglob("*_bas.fits"))
    body = raw.read_bytes()
    raw.write_bytes(body[:-1] + b"?")
    reply = shell.on("verify", own, "--json")
    assert reply.code == 1 and not reply.document["whole"] and any("_bas" in one["path"] for one in reply.document["findings"])
    told = shell.on("verify", own)
    assert told.code == 1 and "not whole" in told.out and "--repair" in told.out
    assert shell.ask("verify", own, "--repair")["whole"]
    assert shell.ask("fetch", own)["failed"] == 0 and raw.read_bytes() == body
    assert shell.ask("verify", own)["whole"]


def test_that_a_lost_database_is_made_anew(shell: Shell, own: str) -> None:
    before = shell.ask("results", own), shell.ask("info", own)
    for path in shell.archive(own).glob("daxa_gui.sqlite*"):
        path.unlink()
    lost = shell.on("results", own)
    assert lost.code == 1 and "--repair" in lost.err
    assert shell.on("verify", own).code == 1
    report = shell.ask("verify", own, "--repair")
    assert report["rebuilt"] and report["whole"]
    assert shell.ask("results", own) == before[0]
    assert shell.ask("info", own)["products"] == before[1]["products"]


def test_that_raw_data_go_to_the_trash_and_come_back_or_are_gone(shell: Shell, own: str) -> None:
    use = shell.ask("raw-data", own)
    assert use["n_files"] == 4 and use["other_archives"] == []
    told = shell.on("raw-data", own, "--mission", "rosat_pointed", "--obs-id", ROSAT, "--delete")
    assert told.code == 0 and "in the trash as number 1" in told.out and ")." not in told.out
    assert shell.ask("raw-data", own)["n_files"] == 0
    (entry,) = shell.ask("trash", own)["entries"]
    assert entry["n_files"] == use["n_files"] and entry["size_bytes"] == use["size_bytes"]
    assert shell.on("trash", own).out.splitlines()[1].split()[:3] == ["1", "4", str(use["size_bytes"])]
    again = shell.on("raw-data", own, "--delete")
    assert again.code == 1 and "no raw data to delete" in again.err
    back = shell.ask("trash", own, "--restore", "1")
    assert back == {"entries": [], "restored_files": 4, "freed_bytes": 0} and shell.ask("verify", own)["whole"]
    assert shell.on("trash", own, "--restore", "1").code == 1
    unknown = shell.on("raw-data", own, "--obs-id", "nothing")
    assert unknown.code == 1 and "no observation nothing" in unknown.err
    shell.ask("raw-data", own, "--delete")
    emptied = shell.on("trash", own, "--empty")  # all of them were taken into the archive under a second name
    assert emptied.code == 0 and "0 bytes were freed" in emptied.out and "these stay" in emptied.out
    assert shell.ask("trash", own)["entries"] == [] and shell.ask("verify", own)["whole"]


def test_that_raw_data_of_other_archives_stay_unless_that_is_known(shell: Shell, own: str) -> None:
    shell.ask("fetch", "other", "--obs-ids", ROSAT, "--kind", "events")
    assert shell.ask("raw-data", own)["other_archives"] == ["other"]
    refused = shell.on("raw-data", own, "--delete")
    assert refused.code == 1 and "« other »" in refused.err
    assert shell.ask("raw-data", own, "--delete", "--shared")["trash"]["n_files"] == 4


def test_that_regions_are_set_shown_and_removed(shell: Shell, own: str) -> None:
    file = shell.folder / "regions.reg"
    file.write_text('icrs;circle(150.0,2.0,30")\nimage;box(4,4,2,2,0)\nicrs;wobble(1,2,3)\n')
    refused = shell.on("regions", own, "--set", "rosat_pointed", ROSAT, str(file))
    assert refused.code in (1, 2) and "Traceback" not in refused.err
    image = next((shell.archive(own) / "processed_data").rglob("*-image.fits"))
    added = shell.on("regions", own, "--set", "rosat_pointed", ROSAT, str(file), "--wcs", str(image), "--json")
    assert added.code == 0, added.err
    (found,) = added.document["regions"]
    assert found["n_regions"] == 2 and any("wobble" in line for line in found["verbatim"]) and "wobble" in added.err
    assert shell.on("regions", own).out.splitlines()[1].split()[:4] == ["rosat_pointed", ROSAT, "2", "1"]
    assert Path(found["path"]).is_file()
    assert shell.ask("regions", own, "--remove", "rosat_pointed", ROSAT)["regions"] == []
    missing = shell.on("regions", own, "--set", "rosat_pointed", ROSAT, str(shell.folder / "nowhere.reg"))
    assert missing.code == 1 and "nowhere.reg" in missing.err


def test_that_daxas_archives_are_written_looked_at_and_taken_over(shell: Shell, own: str) -> None:
    reply = shell("daxa", "write", own, "--output", str(shell.output), "--json")
    assert reply.code == 0 and {"process_info.json", "rosat_pointed_state.json"} <= {
        Path(one).name for one in reply.document["files"]
    }
    raw = shell.output / "rosat_pointed_raw"
    raw.rename(raw.with_name("elsewhere"))
    noted = shell.ask("daxa", "write", own)["notes"]
    assert any("have no raw data here" in note for note in noted) and len(noted) == len(reply.document["notes"]) + 1
    told = shell("daxa", "write", own, "--output", str(shell.output))
    assert all(f"Note: {note}" in told.err.splitlines() for note in noted) and "Note" not in told.out
    raw.with_name("elsewhere").rename(raw)
    theirs = shell.output / "archives" / "theirs"
    shutil.copytree(shell.archive(own), theirs)
    for name in (
        "daxa_gui.sqlite",
        "daxa_gui.sqlite-wal",
        "daxa_gui.sqlite-shm",
        "archive.json",
        "journal.jsonl",
        "decisions.json",
    ):
        (theirs / name).unlink(missing_ok=True)
    looked = shell.on("results", str(theirs), "--json")
    assert looked.code == 0 and {one["obs_id"] for one in looked.document["results"]} == {ROSAT}
    refused = shell.on("raw-data", str(theirs), "--delete")
    assert refused.code == 1 and "DAXA" in refused.err
    taken = shell("daxa", "convert", str(theirs), "mine", "--output", str(shell.output))
    assert taken.code == 0 and "mine has 1 observation." in taken.out
    assert {one["obs_id"] for one in shell.ask("results", "mine")["final_success"]} == {ROSAT}
    twice = shell("daxa", "convert", str(theirs), "mine", "--output", str(shell.output))
    assert twice.code == 1 and "already an archive" in twice.err


# -- settings and logins ----------------------------------------------------------------------------------------------------


def test_that_settings_are_shown_changed_and_forgotten(shell: Shell) -> None:
    def row(name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in shell("settings", "--json").document["settings"] if one["name"] == name)
        return found

    assert row("mirror")["source"] == "environment" and row("connections_per_host")["source"] == "default"
    before = row("connections_per_host")["value"]
    changed = shell("settings", "connections_per_host=3", "--json")
    assert changed.code == 0 and row("connections_per_host")["value"] == 3 and row("connections_per_host")["source"] == "file"
    assert any(line.split()[:3] == ["connections_per_host", "3", "file"] for line in shell("settings").out.splitlines())
    assert shell("settings", "connections_per_host=").code == 0 and row("connections_per_host")["value"] == before
    assert shell("settings", "connections_per_host=2", "cores=many").code == 2
    assert row("connections_per_host")["value"] == before  # all or nothing


def test_that_logins_are_kept_shown_and_forgotten_without_being_printed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "STORE", CredentialStore(MemoryRing()))
    told = shell("credentials", "set", "xsa", "--user", "someone", stdin="quiet-swan\n")
    assert told.code == 0 and "quiet-swan" not in told.out + told.err
    states = {one["service"]: one["state"] for one in shell("credentials", "status", "--json").document["credentials"]}
    assert states["xsa"] == "kept in the key ring" and states["heasarc"] == "none"
    assert shell("credentials", "forget", "xsa").code == 0
    assert "key ring" not in shell("credentials", "status").out
    assert shell("credentials", "set", "xsa", "--user", "someone", stdin="\n").code == 2
