"""The structure of FITS files: what is whole is read, what is not is refused with a sentence that names the file."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import FileError
from daxa_gui.fits.files import open_fits
from daxa_gui.fits.tables import Table
from tests.fakes.event_files import simple_list


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return simple_list(tmp_path / "whole.fits", np.linspace(0, 99, 500))


def test_that_all_extensions_are_found_where_astropy_finds_them(whole: Path) -> None:
    found = open_fits(whole)
    with fits.open(whole) as reference:
        assert [hdu.name for hdu in found.hdus[1:]] == [hdu.name for hdu in reference[1:]]
        assert [hdu.data_start for hdu in found.hdus] == [hdu.fileinfo()["datLoc"] for hdu in reference]


@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
def test_that_a_file_cut_anywhere_is_refused_by_name(whole: Path, fraction: float) -> None:
    data = whole.read_bytes()
    whole.write_bytes(data[: max(int(len(data) * fraction), 1)])
    with pytest.raises(FileError) as refused:
        open_fits(whole)
    assert str(whole) in refused.value.message
    assert "cut short" in refused.value.message or "not a FITS file" in refused.value.message
    assert refused.value.hint


def test_that_every_cut_inside_data_or_header_blocks_is_noticed(whole: Path) -> None:
    data = whole.read_bytes()
    hdus = open_fits(whole).hdus
    ends = {hdu.end for hdu in hdus} | {hdu.data_start + hdu.data_bytes for hdu in hdus}
    for length in range(2880 + 720, hdus[-1].data_start + hdus[-1].data_bytes, 720):
        whole.write_bytes(data[:length])
        if length in ends:  # a cut just behind data leaves a valid file with fewer extensions
            assert len(open_fits(whole).hdus) < 3
            continue
        with pytest.raises(FileError, match="cut short"):
            open_fits(whole)


def test_that_a_missing_last_fill_is_a_warning_only(whole: Path) -> None:
    last = open_fits(whole).hdus[-1]
    whole.write_bytes(whole.read_bytes()[: last.data_start + last.data_bytes])
    assert any("2880" in warning for warning in open_fits(whole).warnings)


def test_that_bytes_behind_the_last_extension_are_ignored_with_a_warning(whole: Path) -> None:
    whole.write_bytes(whole.read_bytes() + b"left over " * 400)
    found = open_fits(whole)
    assert len(found.hdus) == 3
    assert any("ignored" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"S", "not a FITS"), (b"just some text\n" * 400, "not a FITS"), (b"\0" * 5760, "not a FITS"),
     (b"SIMPLE  =                    T".ljust(80) + b" " * 2800, "cut short")],
)  # fmt: skip
def test_that_what_is_no_fits_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "strange.fits"
    path.write_bytes(content)
    with pytest.raises(FileError, match=words) as refused:
        open_fits(path)
    assert "strange.fits" in refused.value.message


def test_that_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.fits", tmp_path):
        with pytest.raises(FileError, match="cannot be read"):
            open_fits(path)


@pytest.mark.parametrize("name", ["list.fits", "list.FTZ", "list.dat"])
def test_that_the_content_and_not_the_name_decides_about_unpacking(whole: Path, name: str) -> None:
    packed = whole.with_name(name)
    packed.write_bytes(gzip.compress(whole.read_bytes()))
    assert [hdu.name for hdu in open_fits(packed).hdus] == ["", "EVENTS", "GTI"]


def test_that_unix_compress_is_unpacked(whole: Path) -> None:
    import ncompress

    packed = whole.with_name("list.fits.Z")
    packed.write_bytes(ncompress.compress(whole.read_bytes()))
    assert [hdu.name for hdu in open_fits(packed).hdus] == ["", "EVENTS", "GTI"]


@pytest.mark.parametrize("fraction", [0.02, 0.2, 0.6, 0.95])
def test_that_a_cut_gzip_file_is_refused(whole: Path, fraction: float) -> None:
    data = gzip.compress(whole.read_bytes())
    whole.write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(FileError, match=r"cut short|damaged"):
        open_fits(whole)


def test_that_a_damaged_gzip_file_is_refused(whole: Path) -> None:
    data = bytearray(gzip.compress(whole.read_bytes()))
    data[len(data) // 2] ^= 0xFF
    whole.write_bytes(data)
    with pytest.raises(FileError, match=r"damaged|cut short"):
        open_fits(whole)


def test_that_gzip_members_are_joined_and_what_is_no_gzip_behind_them_is_ignored(whole: Path) -> None:
    data = whole.read_bytes()
    packed = gzip.compress(data[:4000]) + gzip.compress(data[4000:])
    for behind, warnings in ((b"", 0), (bytes(3000), 0), (b"not gzip" * 9, 1)):
        whole.write_bytes(packed + behind)
        opened = open_fits(whole)
        assert bytes(opened.buffer) == data
        assert len(opened.warnings) == warnings


@pytest.mark.parametrize("damage", ["NAXIS1  =                -1000", "NAXIS1  = 'many    '", "BITPIX  =                   17"])
def test_that_headers_with_impossible_sizes_are_refused(whole: Path, damage: str) -> None:
    data = bytearray(whole.read_bytes())
    at = data.index(damage[:8].encode(), 2880)
    data[at : at + 80] = damage.encode().ljust(80)
    whole.write_bytes(data)
    with pytest.raises(FileError, match="not valid FITS"):
        open_fits(whole)


def test_that_columns_wider_than_the_row_are_refused(whole: Path) -> None:
    data = bytearray(whole.read_bytes())
    at = data.index(b"TFORM2  ")
    data[at : at + 80] = b"TFORM2  = '9000D   '".ljust(80)
    whole.write_bytes(data)
    found = open_fits(whole)
    with pytest.raises(FileError, match="need 72008 bytes"):
        Table(found, found.hdus[1])


def test_that_scaled_null_and_bit_columns_are_read_as_astropy_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "columns.fits"
    bits = np.random.default_rng(1).random((50, 16)) < 0.3
    wide = np.random.default_rng(2).random((50, 32)) < 0.3
    unsigned = np.arange(50, dtype=np.uint16) + 65000
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("UNSIGNED", "I", bzero=32768, array=unsigned),
            fits.Column("SCALED", "I", array=np.arange(50)),
            fits.Column("NULLS", "J", null=-99, array=np.where(np.arange(50) % 7 == 0, -99, np.arange(50))),
            fits.Column("FLOATS", "E", array=np.where(np.arange(50) % 9 == 0, np.nan, np.arange(50)).astype(np.float32)),
            fits.Column("BITS", "16X", array=bits),
            fits.Column("WIDE", "32X", array=wide),
            fits.Column("PAIR", "2B", array=np.stack([np.arange(50) % 4, np.arange(50)], axis=1)),
            fits.Column("TRUTH", "L", array=np.arange(50) % 3 == 0),
        ]
    )
    table.header["TSCAL2"], table.header["TZERO2"] = 0.25, -10.0
    table.writeto(path)
    found = open_fits(path)
    ours = Table(found, found.hdus[1])
    assert ours.floats("unsigned").tolist() == unsigned.tolist()
    assert ours.bits("UNSIGNED").tolist() == unsigned.tolist()
    np.testing.assert_allclose(ours.floats("SCALED"), np.arange(50) * 0.25 - 10.0)
    assert np.isnan(ours.floats("NULLS")).sum() == 8
    assert np.isnan(ours.floats("FLOATS")).sum() == 6
    assert ours.bits("BITS").tolist() == (bits @ (1 << np.arange(15, -1, -1))).tolist()
    assert ours.bits("WIDE").tolist() == (wide @ (1 << np.arange(31, -1, -1, dtype=np.int64))).tolist()
    assert ours.floats("TRUTH").tolist() == ours.bits("TRUTH").tolist() == [float(i % 3 == 0) for i in range(50)]
    assert ours.bits("PAIR").tolist() == [256 * (i % 4) + i for i in range(50)]


def test_that_a_part_of_a_table_has_the_rows_of_that_part(whole: Path) -> None:
    found = open_fits(whole)
    table = Table(found, found.hdus[1])
    part = table.part(100, 200).part(10, 20)
    assert part.floats("TIME").tolist() == table.floats("TIME")[110:120].tolist()
    assert part.rows.tobytes() == table.rows[110:120].tobytes()
