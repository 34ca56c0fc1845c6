"""The verbs that fetch and ask archives, as a person types them: tables, documents, exit codes, sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daxa_gui.archive.lock import ArchiveLock
from daxa_gui.remote import pacing
from tests.fakes.mission_server import PROPRIETARY
from tests.fakes.shell import Shell, shell

__all__ = ["shell"]  # the fixture

ROSAT, TILE, ASCA, XMM = "RP800044N00", "134135", "51011020", "0405320501"


@pytest.fixture(scope="module")
def kept(shell: Shell) -> str:
    """An archive with event lists and images of three missions; the lists of two of them are cleaned."""
    shell.ask("fetch", "kept", "--obs-ids", f"{ROSAT} {TILE} {ASCA}", "--kind", "events", "--kind", "images")
    shell.ask("reduce", "kept", "--step", "clean")
    return "kept"


def kinds_of(plan: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(one["mission"], one["kind"]): one["files"] for one in plan["kinds"]}


# -- fetch ------------------------------------------------------------------------------------------------------------------


def test_that_a_dry_run_shows_totals_what_is_left_out_and_the_room(shell: Shell) -> None:
    wanted = ("dry", "--obs-ids", f"{XMM} {PROPRIETARY['xmm_pointed']} {TILE}", "--kind", "all", "--dry-run")
    plan = shell.ask("fetch", *wanted)
    totals = kinds_of(plan)
    assert totals["xmm_pointed", "events"] == 4 and totals["erosita_all_sky_de_dr1", "background_map"] == 4
    assert sum(totals.values()) == len(plan["files"]) and plan["free_bytes"] > plan["to_fetch_bytes"] == plan["bytes"] > 0
    (left_out,) = plan["left_out"]
    assert left_out["proprietary"] and left_out["obs_id"] == PROPRIETARY["xmm_pointed"]
    told = shell.on("fetch", *wanted)
    assert told.code == 0 and "not public before" in told.out and "bytes free" in told.out
    assert f"{len(plan['files'])} files, about {plan['bytes']} bytes" in told.out
    assert any(line.split()[:3] == ["xmm_pointed", "exposure_map", "1"] for line in told.out.splitlines())
    assert not shell.archive("dry").exists()


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("images",), {"image"}),
        (("exposure", "background"), {"exposure_map", "background_map"}),
        (("Exposure maps", "background-map"), {"exposure_map", "background_map"}),
        (("spectra,light curves",), {"spectrum", "source_lightcurve"}),
        (("raw",), {"raw"}),
        ((), {"events"}),
    ],
)
def test_that_kinds_have_plain_names(shell: Shell, words: tuple[str, ...], kinds: set[str]) -> None:
    options = [part for word in words for part in ("--kind", word)]
    plan = shell.ask("fetch", "dry", "--obs-ids", XMM, *options, "--dry-run")
    assert {file["kind"] for file in plan["files"]} == kinds


def test_that_help_names_the_kinds(shell: Shell) -> None:
    told = " ".join(shell("fetch", "--help").out.split())
    assert "events, images, exposure, background, spectra, lightcurves, raw, or all" in told


def test_that_only_the_files_of_named_instruments_are_taken(shell: Shell) -> None:
    both = ("dry", "--obs-ids", f"{XMM} {ASCA}", "--dry-run")
    plain = shell.on("fetch", *both, "--instruments", "pn,MOS1", "--json")
    assert {file["instrument"] for file in plain.document["files"]} == {"PN", "M1"}
    assert "asca is left out" in plain.err
    of_one = shell.ask("fetch", *both, "--instruments", "xmm_pointed:PN")
    instruments = {(file["mission"], file["instrument"]) for file in of_one["files"]}
    assert {name for mission, name in instruments if mission == "xmm_pointed"} == {"PN"}
    assert len({name for mission, name in instruments if mission == "asca"}) == 4
    several = shell.ask("fetch", *both, "--instruments", "xmm_pointed:PN", "--instruments", "asca:GIS2,SIS1")
    assert {file["instrument"] for file in several["files"]} == {"PN", "GIS2", "SIS1"}


def test_that_an_archive_that_exists_becomes_wider_and_fetches_only_that(shell: Shell) -> None:
    first = shell.ask(
        "fetch", "wide", "--obs-ids", f"{XMM} {ASCA}", "--instruments", "xmm_pointed:PN", "--instruments", "asca:SIS0"
    )
    before = {(job["mission"], job["unit"]) for job in first["jobs"] if job["unit"]}
    assert len(before) == 1 + 3
    unchanged = shell.ask("fetch", "wide", "--kind", "events", "--instruments", "xmm_pointed:PN")
    assert {(job["mission"], job["unit"]) for job in unchanged["jobs"] if job["unit"]} == before
    wider = shell.ask("fetch", "wide", "--mission", "xmm_pointed", "--kind", "images", "--instruments", "M1")
    after = {(job["mission"], job["unit"]) for job in wider["jobs"] if job["unit"]}
    assert before < after and {mission for mission, _ in after - before} == {"xmm_pointed"}
    taken = {(one["mission"], one["kind"]) for one in shell.ask("info", "wide")["products"]}
    assert ("xmm_pointed", "image") in taken and ("asca", "image") not in taken
    assert {one["number"] for one in shell.ask("versions", "wide")["versions"]} == {"1.0", "1.1"}


def test_that_what_cannot_be_had_is_listed_with_the_reason(shell: Shell) -> None:
    told = shell.on("fetch", "closed", "--obs-ids", f"{PROPRIETARY['nustar_pointed']} 40001014013")
    assert told.code == 0 and "1 left out" in told.out
    about = shell.ask("info", "closed")
    (left_out,) = about["left_out"]
    assert left_out["obs_id"] == PROPRIETARY["nustar_pointed"] and "not public before" in left_out["reason"]


def test_that_a_rate_holds_for_this_time_only(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float | None] = []
    monkeypatch.setattr(pacing.BANDWIDTH, "limit", limits.append)
    shell.ask("fetch", "slow", "--obs-ids", ROSAT, "--limit-rate", "20")
    assert limits == [20e6]
    rows = {row["name"]: row for row in shell("settings", "--json").document["settings"]}
    assert float(rows["bandwidth_mb_s"]["value"]) == 0 and rows["bandwidth_mb_s"]["source"] == "default"


# -- wrong usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fetch", "x", "--obs-ids", XMM, "--kind", "movies"), "no kind of file"),
        (("fetch", "x", "--obs-ids", XMM, "--instruments", "M9"), "no instrument|has an instrument"),
        (("fetch", "x", "--obs-ids", XMM, "--instruments", "chandra:ACIS"), "none of the missions here"),
        (("fetch", "x", "--obs-ids", XMM, "--instruments", "xmm_pointed:"), "needs names"),
        (("fetch", "x", "--obs-ids", XMM, "--limit-rate", "fast"), "Bandwidth"),
        (("fetch", "x", "--obs-ids", XMM, "--limit-rate", "-1"), "Bandwidth"),
        (("fetch", "kept", "--dry-run"), "already an archive"),
        (("versions", "kept", "--show", "1.0", "--note", "both"), "Only one of"),
        (("versions", "kept", "--show", "77"), "no version"),
        (("trash", "kept", "--restore", "1", "--empty"), "not both"),
        (("regions", "kept", "--set", "a", "b", "c", "--remove", "a", "b"), "not both"),
        (("daxa", "convert", "/nowhere"), "needs a name"),
        (("results",), "required"),
        (("trash", "kept", "--restore", "one"), "invalid int"),
        (("settings", "cores"), "sets nothing"),
        (("settings", "no_such=1"), "no setting"),
        (("settings", "cores=many"), "cannot be"),
        (("credentials", "set", "nasa"), "no service"),
        (("credentials", "remember"), "invalid choice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_that_wrong_usage_is_a_sentence_and_exit_code_2(shell: Shell, kept: str, arguments: tuple[str, ...], words: str) -> None:
    takes_output = arguments[0] not in ("settings", "credentials") and len(arguments) > 1
    reply = shell(*arguments, *(("--output", str(shell.output)) if takes_output else ()))
    assert reply.code == 2, reply.out + reply.err
    assert any(word in reply.err for word in words.split("|")) and "Traceback" not in reply.err
    assert not shell.archive("x").exists()


@pytest.mark.parametrize(
    "arguments",
    [("results",), ("logs",), ("versions",), ("update", "--dry-run"), ("verify",), ("raw-data",), ("raw-data", "--delete"),
     ("trash",), ("trash", "--empty"), ("regions",), ("daxa", "write"), ("info",), ("reduce",)],
    ids=" ".join,
)  # fmt: skip
def test_that_an_archive_that_is_not_there_is_a_sentence_and_exit_code_1(shell: Shell, arguments: tuple[str, ...]) -> None:
    verb, *options = arguments
    action = [options.pop()] if verb == "daxa" else []
    for document in ((), ("--json",)):
        reply = shell(verb, *action, "missing", *options, "--output", str(shell.output), *document)
        assert reply.code == 1 and "There is no archive « missing »" in reply.err and "Traceback" not in reply.err
        if document:
            assert set(reply.document) == {"error", "hint"}


# -- asking -----------------------------------------------------------------------------------------------------------------


def test_that_results_tell_what_succeeded(shell: Shell, kept: str) -> None:
    found = shell.ask("results", kept)
    by_step = {one["step"] for one in found["results"]}
    assert by_step == {"prepare", "flares", "clean", "preprocessed_events", "preprocessed_images"}
    assert {(one["mission"], one["success"]) for one in found["final_success"]} == {
        ("asca", True), ("erosita_all_sky_de_dr1", True), ("rosat_pointed", True),
    }  # fmt: skip
    of_one = shell.ask("results", kept, "--mission", "asca", "--obs-id", ASCA, "--step", "clean")
    assert {one["step"] for one in of_one["results"]} == {"clean"} and len(of_one["results"]) == 9
    assert shell.ask("results", kept, "--failed")["results"] == []
    table = shell.on("results", kept, "--step", "clean")
    assert table.code == 0 and table.out.splitlines()[0].split() == ["MISSION", "OBSID", "UNIT", "STEP", "STATE", "WHY"]
    assert table.out.splitlines()[-1] == "11 steps, 0 failed"


def test_that_logs_are_found_and_read(shell: Shell, kept: str) -> None:
    rows = shell.ask("logs", kept, "--mission", "rosat_pointed")["logs"]
    assert {row["step"] for row in rows} == {"prepare", "flares", "clean"} and all(Path(row["log"]).is_file() for row in rows)
    printed = shell.on("logs", kept, "--mission", "rosat_pointed", "--step", "clean", "--print")
    assert printed.out.startswith("== rosat_pointed RP800044N00 ") and "events kept" in printed.out
    assert shell.ask("logs", kept, "--failed")["logs"] == []


def test_that_versions_are_listed_shown_and_compared(shell: Shell, kept: str) -> None:
    newest, *_, first = shell.ask("versions", kept)["versions"]
    assert first["number"] == "1.0" and any("came (" in line for line in first["changes"])
    shown = shell.ask("versions", kept, "--show", newest["number"])
    assert len(shown["observations"]) == 3 and len(shown["products"]) == newest["n_products"] and shown["gtis"]
    compared = shell.ask("versions", kept, "--compare", "1.0", newest["number"])
    assert any(line.startswith("Clean events on") for line in compared["sentences"]) and not compared["removed"]
    told = shell.on("versions", kept, "--compare", "1.0", "1.0")
    assert told.code == 0 and told.out == "Nothing differs.\n"
    noted = shell.ask("versions", kept, "--note", "as submitted")["versions"]
    assert noted[0]["note"] == "as submitted"
    assert "as submitted" in shell.on("versions", kept).out
    again = shell.on("versions", kept, "--note", "once more")
    assert again.code == 1 and "Nothing has changed" in again.err


def test_that_an_update_says_what_it_would_do_and_what_could_not_be_asked(shell: Shell, kept: str) -> None:
    reply = shell.on("update", kept, "--dry-run", "--json")
    assert reply.code == 1  # no service can be reached here
    assert reply.document["added"] == [] and len(reply.document["problems"]) == 2  # ROSAT's and ASCA's catalogue
    shell.ask("fetch", "tiles", "--obs-ids", TILE)
    assert shell.ask("update", "tiles", "--dry-run")["problems"] == []  # its catalogue comes with the program


def test_that_info_shows_version_room_left_out_and_why_it_can_only_be_looked_at(shell: Shell, kept: str) -> None:
    about = shell.ask("info", kept)
    files = [path for mission in ("rosat_pointed", "erosita_all_sky_de_dr1", "asca")
             for path in (shell.output / f"{mission}_raw").rglob("*") if path.is_file()]  # fmt: skip
    assert about["read_only"] == "" and about["left_out"] == [] and about["version"] >= "1.0"
    made = [one for one in about["products"] if one["kind"] in ("clean_events", "gti", "lightcurve")]
    raw = shell.ask("raw-data", kept)["size_bytes"]
    assert about["bytes"] == raw + sum(one["bytes"] for one in made) and len(files) > 0
    told = shell.on("info", kept).out
    assert f"version {about['version']} of " in told and "nothing left out" in told and f"{about['bytes']} bytes" in told


def test_that_an_archive_that_is_open_elsewhere_can_be_looked_at_and_not_changed(shell: Shell, kept: str) -> None:
    lock = ArchiveLock(shell.archive(kept) / ".daxa_gui.lock")
    try:
        assert "open in another program" in shell.ask("info", kept)["read_only"]
        assert "open in another program" in shell.on("info", kept).out
        assert len(shell.ask("results", kept)["results"]) > 10 and shell.ask("versions", kept)["versions"]
        assert shell.ask("raw-data", kept)["n_files"] > 0 and shell.ask("verify", kept)["whole"]
        region = shell.folder / "one.reg"
        region.write_text('icrs;circle(10,20,30")\n')
        for verb, options in (
            ("fetch", ()), ("fetch", ("--kind", "spectra")), ("reduce", ()), ("versions", ("--note", "x")), ("update", ()),
            ("raw-data", ("--delete",)), ("trash", ("--empty",)), ("verify", ("--repair",)),
            ("regions", ("--set", "asca", ASCA, str(region))),
        ):  # fmt: skip
            reply = shell.on(verb, kept, *options)
            assert reply.code == 1 and "open in another program" in reply.err, (verb, reply)
    finally:
        lock.release()
    assert shell.ask("info", kept)["read_only"] == ""
