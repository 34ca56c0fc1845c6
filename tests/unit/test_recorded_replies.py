"""What our reader of TAP answers makes of real answers of real services, and of the same ones damaged."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.tap_http import TapReply
from daxa_gui.remote.tap_reply import NotATable, TapTable, read_reply

HOST = "archive.example"
RECORDED_XML = ("sesame_like/simbad_M1.vot", "ned/query_object.xml", "ned/error.xml", "esa_tap/test_jobs_async.xml")


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


def in_binary(form: str) -> bytes:
    """A small table as astropy writes it in one of the binary forms."""
    table = Table({"obsid": ["00001", "00002"], "x": [1.5, np.nan], "k": [7, 8], "public": [True, False], "name": ["é", "b"]})
    written = io.BytesIO()
    table.write(written, format="votable", tabledata_format=form)
    return written.getvalue()


def damaged(body: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, lost or doubled."""
    worse = bytearray(body)
    how = rng.randrange(4)
    for _ in range(rng.randint(1, 6)):
        at, other = rng.randrange(len(worse)), rng.randrange(len(worse))
        if how == 0:
            worse[at] = rng.randrange(256)
        elif how == 1:
            worse[at] = rng.choice(b"0123456789abcXYZ<>&\"'/ =*-+.%")
        elif how == 2:
            del worse[at : at + rng.randint(1, 40)]
        else:
            worse[at:at] = worse[other : other + rng.randint(1, 60)]
    return bytes(worse)


def assert_table_or_sentence(body: bytes) -> None:
    try:
        table = read(body)
    except TransferError as error:
        assert error.message.endswith(".") and error.message.isprintable() and len(error.message) < 600
    else:
        assert len({len(column) for column in table.columns.values()}) <= 1


@pytest.mark.parametrize("name", RECORDED_XML)
def test_that_damage_is_told_in_a_sentence_or_does_not_matter(shared_data: Path, name: str) -> None:
    body, rng = recorded(shared_data, name), random.Random(3)
    for _ in range(400):
        assert_table_or_sentence(damaged(body, rng))


@pytest.mark.parametrize("form", ["binary", "binary2", "tabledata"])
def test_that_damage_of_binary_tables_is_told_too(form: str) -> None:
    body, rng = in_binary(form), random.Random(4)
    for _ in range(400):
        assert_table_or_sentence(damaged(body, rng))


@pytest.mark.parametrize("form", ["binary", "binary2", "tabledata"])
def test_that_all_forms_of_a_table_are_read_alike(form: str) -> None:
    columns = read(in_binary(form)).columns
    assert columns["obsid"].tolist() == ["00001", "00002"] and columns["name"].tolist() == ["é", "b"]
    assert columns["x"][0] == 1.5 and np.isnan(columns["x"][1])
    assert columns["k"].tolist() == [7, 8] and columns["public"].tolist() == [True, False]


# found by changing bytes at random: astropy raises warnings as errors here, pyvo stumbles over an INFO without a name
@pytest.mark.parametrize(
    "body",
    [
        b"<VOTABLE version='1.3'><RESOURCE type='results'><TABLE><FIELD datatype='int'/></TABLE></RESOURCE></VOTABLE>",
        b"<VOTABLE version='1.3'><RESOURCE type='results'><INFO value='OK'/><TABLE/></RESOURCE></VOTABLE>",
        b"<VOTABLE version='1.3'><RESOURCE type='results'><PARAM datatype='int' value='1'/></RESOURCE></VOTABLE>",
    ],
)
def test_that_elements_without_names_are_told_in_a_sentence(body: bytes) -> None:
    with pytest.raises(TransferError):
        read(body)
