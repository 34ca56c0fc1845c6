"""FITS files written byte by byte: astropy must read back what went in, and the checksums must hold."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.practice import fitsblocks
from daxa_gui.practice.fitsblocks import Column


# astropy 8.0 reads the legal card TEXT = '''/     ' as a single quote: a slash behind a quote is not asked of it.
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300).filter(lambda t: "'" not in t or "/" not in t))
def test_that_any_text_survives_a_card(text: str) -> None:
    header = fits.Header.fromstring(fitsblocks.card_text("TEXT", text, "what it is"))
    assert header["TEXT"].rstrip() == text.rstrip()


@given(st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(-1e300, 1e300)))
def test_that_any_number_survives_a_card(value: bool | int | float) -> None:
    card = fitsblocks.card_text("NUMBER", value, "a comment that is long enough to be cut off somewhere before the end")
    assert len(card) == 80
    read = fits.Header.fromstring(card)["NUMBER"]
    assert type(read) is type(value)
    assert read == pytest.approx(value, rel=1e-14)


def test_that_nan_is_no_keyword() -> None:
    with pytest.raises(ValueError, match="NaN"):
        fitsblocks.card_text("BAD", float("nan"))


def columns() -> list[Column]:
    return [
        Column("TIME", "D", np.array([1.5, 2.5, -3.0]), "s", "time"),
        Column("X", "1I", np.array([1, -1, 1000]), "pixel", null=-1, legal=(1, 1000), data_range=True),
        Column("FLAG", "J", np.array([0, 65536, -2])),
        Column("PHAS", "9I", np.arange(27).reshape(3, 9), dimensions="(3,3)"),
        Column("STATUS", "16X", np.array([0, 1, 0x8000])),
        Column("NAME", "8A", np.array([b"a", b"bb", b"ccc"])),
    ]


def test_that_a_table_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "table.fits"
    cards: list[fitsblocks.Card] = [("ORIGIN", "test", ""), ("COMMENT", "word " * 40, "")]
    fitsblocks.write_file(path, [fitsblocks.primary_block([]), fitsblocks.table_block("EVENTS", columns(), cards)])
    with fits.open(path, checksum=True) as file:
        table = file["EVENTS"]
        table.verify("exception")
        assert table.verify_checksum() == table.verify_datasum() == 1
        assert table.data["TIME"].tolist() == [1.5, 2.5, -3.0]
        assert table.data["FLAG"].tolist() == [0, 65536, -2]
        assert table.data["PHAS"].reshape(3, 9).tolist() == np.arange(27).reshape(3, 9).tolist()
        assert table.data["STATUS"][1].tolist() == [False] * 15 + [True]
        assert table.data["STATUS"][2].tolist() == [True] + [False] * 15
        assert table.data["NAME"].tolist() == ["a", "bb", "ccc"]
        assert (table.header["TNULL2"], table.header["TLMIN2"], table.header["TDMAX2"]) == (-1, 1, 1000)
        assert "".join(table.header["COMMENT"]).count("word") == 40


def test_that_a_wrong_byte_breaks_the_checksum() -> None:
    block = bytearray(fitsblocks.table_block("EVENTS", columns(), []))
    assert fits.BinTableHDU.fromstring(bytes(block), checksum=True).verify_checksum() == 1
    block[-2000] ^= 1
    assert fits.BinTableHDU.fromstring(bytes(block)).verify_checksum() == 0


@pytest.mark.parametrize(("bitpix", "dtype"), [(16, np.int16), (32, np.int32), (-32, np.float32)])
def test_that_an_image_is_read_back_as_it_was_written(bitpix: int, dtype: type) -> None:
    values = np.arange(12, dtype=dtype).reshape(3, 4)
    with fits.open(io.BytesIO(fitsblocks.image_block(values, [], bitpix)), checksum=True) as file:
        assert file[0].verify_checksum() == 1
        assert np.array_equal(file[0].data, values)


def test_that_an_unknown_column_form_is_refused() -> None:
    with pytest.raises(ValueError, match="TFORM"):
        fitsblocks.table_block("T", [Column("A", "1PE(3)", np.zeros(1))], [])


def test_that_compressed_files_are_the_same_at_each_writing(tmp_path: Path) -> None:
    block = fitsblocks.primary_block([("ORIGIN", "test", "")])
    for name in ("a.fits.gz", "b.FTZ", "c.fits.Z"):
        fitsblocks.write_file(tmp_path / name, [block])
        first = (tmp_path / name).read_bytes()
        fitsblocks.write_file(tmp_path / name, [block])
        assert (tmp_path / name).read_bytes() == first
    assert gzip.decompress((tmp_path / "b.FTZ").read_bytes()) == block
    assert (tmp_path / "c.fits.Z").read_bytes()[:2] == b"\x1f\x9d"  # LZW
    assert not list(tmp_path.glob("*.part"))
