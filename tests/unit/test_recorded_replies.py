"""What our reader of TAP answers makes of real answers of real services, and of the same ones damaged."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.tap_http import TapReply
from daxa_gui.remote.tap_reply import NotATable, TapTable, read_reply

HOST = "archive.example"


def read(body: bytes) -> TapTable:
    return read_reply(TapReply(200, "text/xml", body), HOST)


def recorded(shared_data: Path, name: str) -> bytes:
    body = (shared_data / "replies" / name).read_bytes()
    if name.endswith(".json"):
        return str(json.loads(body)["response_text"]).encode()
    return body


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("heasarc_browse_traced/abc93c4d.json", "Table integral_rev3_scw does not seem to exist!"),
        ("heasarc_browse_traced/157a5015.json", "FITS file"),
        ("heasarc_browse_traced/2f018503.json", "FITS file"),
        ("heasarc_browse_traced/last-month-intscw.json", "FITS file"),
        ("heasarc_browse/6df5af53.dat", "FITS file"),
        ("esa_tap/test_jobs_async.xml", "XML document « jobs »"),
        ("ned/error.xml", "« No note found. »"),
    ],
)
def test_that_a_reply_without_a_table_is_not_taken_for_one(shared_data: Path, name: str, words: str) -> None:
    with pytest.raises(NotATable) as caught:
        read(recorded(shared_data, name))
    assert words in caught.value.message and HOST in caught.value.message
    assert len(caught.value.message) < 500


def test_that_simbads_table_is_read_as_astropy_reads_it(shared_data: Path) -> None:
    from astropy.io.votable import parse_single_table

    path = shared_data / "replies" / "sesame_like" / "simbad_M1.vot"
    table, theirs = read(path.read_bytes()), parse_single_table(path)
    assert list(table.columns) == [field.name.lower() for field in theirs.fields]
    assert len(table) == len(theirs.array) == 1
    assert table.columns["main_id"][0].strip() == "M   1"
    for name in ("ra", "dec"):
        assert table.columns[name][0] == theirs.array[name][0] and table.units[name] == "deg"
    assert abs(table.columns["ra"][0] - 83.63) < 0.01


def test_that_neds_table_is_read(shared_data: Path) -> None:
    table = read(recorded(shared_data, "ned/query_object.xml"))
    assert len(table) == 1
    assert {column.dtype.kind for column in table.columns.values()} <= set("Ufib")


@pytest.mark.parametrize("name", ["sesame_like/simbad_M1.vot", "ned/query_object.xml"])
def test_that_a_table_cut_short_anywhere_is_refused(shared_data: Path, name: str) -> None:
    body = recorded(shared_data, name)
    end = body.index(b"</VOTABLE>")
    for length in range(0, end + 9, 37):
        with pytest.raises(TransferError):
            read(body[:length])


@pytest.mark.parametrize(
    "name", ["sesame_like/simbad_M1.vot", "ned/query_object.xml", "ned/error.xml", "esa_tap/test_jobs_async.xml"]
)
def test_that_damage_is_told_in_a_sentence_or_does_not_matter(shared_data: Path, name: str) -> None:
    body, rng = recorded(shared_data, name), random.Random(3)
    for _ in range(150):
        damaged = bytearray(body)
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            table = read(bytes(damaged))
        except TransferError as error:
            assert error.message.endswith(".") and error.message.isprintable()
        else:
            assert len({len(column) for column in table.columns.values()}) <= 1
