"""Header cards: values as the FITS standard writes them, edited headers that astropy accepts, checksums."""

from __future__ import annotations

import io
import string
import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.fits.cards import Header, Headers, parse_value
from daxa_gui.fits.writing import HeaderEditor, checksum, encode_checksum, format_cards, table_hdu, write_hdu


def header_of(*cards: str) -> Header:
    return Header("".join(card.ljust(80) for card in cards).encode("ascii"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("                   T / yes", True), ("   F", False), ("  42 / n", 42), (" -1.5E3", -1500.0), (" 1.25D-2 / x", 0.0125),
     (" 'O''Neill / 3 ' / name", "O'Neill / 3"), (" ''", ""), (" 'abc     '", "abc"), ("   / nothing", None),
     (" what?", "what?")],
)  # fmt: skip
def test_that_values_are_read_in_every_form_of_the_standard(text: str, value: object) -> None:
    assert parse_value(text) == value


def test_that_keywords_in_lower_case_are_read_and_replaced_as_if_they_were_not() -> None:
    header = header_of("telescop= 'XMM'", "Ontime  =   5.0")
    assert (header["TELESCOP"], header["ONTIME"]) == ("XMM", 5.0)
    editor = HeaderEditor(header.raw)
    editor.set("ONTIME", 4.0)
    assert len(editor.cards) == 2 and Header("".join(editor.cards).encode())["ONTIME"] == 4.0


def test_that_long_texts_are_joined() -> None:
    header = header_of("TITLE   = 'one &'", "CONTINUE  'two &'", "CONTINUE  'three' / comment", "OTHER   =   1")
    assert header["TITLE"] == "one two three"
    assert header["OTHER"] == 1


def test_that_numbers_written_as_texts_are_numbers_and_others_are_not() -> None:
    header = header_of("A       = '0.0     '", "B       = 'x'", "C       =                    T", "D       = '1e999'")
    assert header.number("A") == 0.0
    assert header.number("B") is None
    assert header.number("C") is None
    assert header.number("D") is None


def test_that_the_first_header_wins() -> None:
    joined = Headers(header_of("A       = 1"), header_of("A       = 2", "B       = 3"))
    assert (joined["A"], joined["B"]) == (1, 3)


plain_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)


@given(plain_text)
def test_that_any_text_survives_writing_and_reading(text: str) -> None:
    cards = "".join(format_cards("TITLE", text))
    assert Header(cards.encode("ascii"))["TITLE"] == text.rstrip()


@given(st.one_of(st.integers(-(2**62), 2**62), st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
def test_that_any_number_survives_writing_and_reading(value: float) -> None:
    [card] = format_cards("NUMBER", value, "comment")
    assert len(card) == 80
    assert Header(card.encode("ascii"))["NUMBER"] == value
    assert fits.Card.fromstring(card).value == value


def test_that_numbers_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match=r"NaN|nan"):
        format_cards("BAD", float("nan"))


def test_that_editing_a_header_leaves_the_other_cards_alone() -> None:
    cards = [
        "FIRST   =                    1 / one",
        "ODD CARD that nobody understands",
        "TITLE   = 'long &'",
        "CONTINUE  'text'",
        "LAST    = 2",
    ]
    editor = HeaderEditor("".join(card.ljust(80) for card in cards).encode("ascii"))
    editor.set("FIRST", 7)
    editor.set("TITLE", "short")
    editor.set("NEW", 2.5, "added")
    editor.remove("LAST")
    editor.remove("ABSENT")
    header = Header(editor.blocks())
    assert (header["FIRST"], header["TITLE"], header["NEW"]) == (7, "short", 2.5)
    assert "LAST" not in header
    assert editor.cards[0].rstrip().endswith("/ one")
    assert editor.cards[1].rstrip() == "ODD CARD that nobody understands"


def test_that_history_is_plain_and_wrapped() -> None:
    editor = HeaderEditor()
    editor.history(["« a word » " * 20])
    assert all(len(card) == 80 and card.startswith("HISTORY ") and card.isascii() for card in editor.cards)
    assert len(editor.cards) > 2


@given(st.integers(0, 2**32 - 1))
def test_that_the_checksum_text_is_that_of_astropy(value: int) -> None:
    assert encode_checksum(value ^ 0xFFFFFFFF) == fits.PrimaryHDU()._char_encode(value ^ 0xFFFFFFFF)
    assert set(encode_checksum(value)) <= set(string.ascii_letters + string.digits)


@given(st.binary(max_size=300))
def test_that_the_sum_is_that_of_whole_big_endian_words(data: bytes) -> None:
    padded = data + bytes(-len(data) % 4)
    total = sum(int.from_bytes(padded[i : i + 4], "big") for i in range(0, len(padded), 4))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    assert checksum(np.frombuffer(data, np.uint8)) == total


def test_that_astropy_accepts_what_is_written_and_its_checksums() -> None:
    values = np.random.default_rng(3).normal(size=1001)
    stream = io.BytesIO()
    primary = HeaderEditor()
    for keyword, value in (("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True), ("TITLE", "x" * 150)):
        primary.set(keyword, value)
    write_hdu(stream, primary)
    write_hdu(stream, *table_hdu("NUMBERS", [("A", ">f8", "s", values), ("OK", "S1", "", np.where(values > 0, b"T", b"F"))]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(io.BytesIO(stream.getvalue()), checksum=True) as opened:
            opened.verify("exception")
            assert opened[0].header["TITLE"] == "x" * 150
            assert np.array_equal(opened["NUMBERS"].data["A"], values)
            assert np.array_equal(opened["NUMBERS"].data["OK"], values > 0)
