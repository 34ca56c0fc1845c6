"""CHECKSUM and DATASUM, compared with what astropy writes."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.errors import Cancelled, FileError
from daxa_gui.remote.fits_check import WrongSumError, check_fits, word_sum
from tests.fakes.small_fits import header


def file_of(tmp_path, hdus, checksum=True, name="x.fits"):
    from astropy.io import fits

    path = tmp_path / name
    fits.HDUList(hdus).writeto(path, checksum=checksum, overwrite=True)
    return path


@pytest.fixture
def hdus():
    from astropy.io import fits

    draw = np.random.default_rng(3)
    events = fits.BinTableHDU.from_columns(
        [fits.Column("TIME", "D", array=draw.uniform(0, 1e4, 5000)), fits.Column("CH", "PI()", array=[[1], [2, 3]] * 2500)],
        name="EVENTS",
    )
    return [fits.PrimaryHDU(), events, fits.ImageHDU(draw.integers(0, 9, (200, 300)).astype("i2"), name="IMAGE")]


def damage(path, position, mask=0x10):
    content = bytearray(path.read_bytes())
    content[position] ^= mask
    path.write_bytes(content)


def test_that_sums_that_astropy_wrote_are_right_and_every_flipped_bit_is_found(tmp_path, hdus):
    from astropy.io import fits

    path = file_of(tmp_path, hdus)
    check_fits(path)
    whole = path.read_bytes()
    with fits.open(path) as opened:
        spans = [hdu.fileinfo() for hdu in opened]
    draw = random.Random(1)
    for span in spans[1:]:
        for _ in range(20):
            position = draw.randrange(span["datLoc"], span["datLoc"] + span["datSpan"])
            damage(path, position, 1 << draw.randrange(8))
            with pytest.raises(FileError, match="do not add up to their DATASUM"):
                check_fits(path)
            path.write_bytes(whole)
    # a letter of a comment: only CHECKSUM covers headers
    damage(path, whole.index(b"/ ", spans[1]["hdrLoc"]) + 3, 0x01)
    with pytest.raises(FileError, match="as their CHECKSUM says"):
        check_fits(path)


def test_that_a_datasum_alone_is_compared(tmp_path, hdus):
    path = file_of(tmp_path, hdus, checksum="datasum")
    check_fits(path)
    damage(path, path.stat().st_size - 3000)
    with pytest.raises(FileError, match=r"x\.fits, extension 2: the data do not add up"):
        check_fits(path)


def test_that_files_without_sums_and_with_sums_that_were_never_computed_pass(tmp_path, hdus):
    path = file_of(tmp_path, hdus, checksum=False)
    damage(path, path.stat().st_size - 3000)
    check_fits(path)
    for hdu in hdus:
        hdu.header["CHECKSUM"], hdu.header["DATASUM"] = "0" * 16, ""
    check_fits(file_of(tmp_path, hdus, checksum=False))


def test_that_heaps_and_compressed_images_count(tmp_path):
    from astropy.io import fits

    image = np.random.default_rng(1).integers(0, 1000, (300, 300)).astype("i4")
    path = file_of(tmp_path, [fits.PrimaryHDU(), fits.CompImageHDU(image, compression_type="RICE_1")])
    check_fits(path)
    damage(path, path.stat().st_size - 5000)
    with pytest.raises(FileError, match="do not add up"):
        check_fits(path)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 2**32 - 1), max_size=3000))
def test_that_the_sum_is_the_ones_complement_sum_of_big_endian_words(words):
    total = 0
    for word in words:  # as RFC 1071 does it, with the carry brought back at once
        total += word
        total = (total & 0xFFFFFFFF) + (total >> 32)
    assert (word_sum(np.array(words, ">u4").tobytes()) - total) % 0xFFFFFFFF == 0


def test_that_looking_can_be_cancelled(tmp_path, hdus):
    def cancelled():
        raise Cancelled

    with pytest.raises(Cancelled):
        check_fits(file_of(tmp_path, hdus), "x", cancelled)


def test_that_a_file_that_is_cut_short_is_not_taken_for_one_with_a_wrong_sum(tmp_path, hdus):
    path = file_of(tmp_path, hdus)
    damage(path, 2880 * 3)  # data of the first extension
    with pytest.raises(WrongSumError):
        check_fits(path)
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(FileError, match="cut short") as caught:
        check_fits(path)
    assert not isinstance(caught.value, WrongSumError)


@pytest.mark.parametrize(
    "cards",
    [
        ("BITPIX  = 8", "NAXIS   = -5"),
        ("BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = -5", "NAXIS2  = -5"),
        ("BITPIX  = 7", "NAXIS   = 0"),
        ("BITPIX  = 0", "NAXIS   = 1", "NAXIS1  = 999999999999"),
        ("BITPIX  = 8", "NAXIS   = 99999999999999999999", "NAXIS1  = 1"),
    ],
)
def test_that_headers_that_cannot_be_are_damage(tmp_path, cards):
    path = tmp_path / "x.fits"
    path.write_bytes(header("SIMPLE  =                    T", *cards))
    with pytest.raises(FileError) as caught:
        check_fits(path)
    assert not isinstance(caught.value, WrongSumError)
