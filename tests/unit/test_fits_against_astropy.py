"""Our FITS reader and astropy's side by side: every keyword, column and image of every real file that is here."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.fits.files import FitsFile, Hdu, open_fits
from daxa_gui.fits.images import read_image
from daxa_gui.fits.tables import Table

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def _is_fits(path: Path) -> bool:
    with path.open("rb") as stream:
        begin = stream.read(6)
    if begin[:2] == b"\x1f\x8b":
        with gzip.open(path) as unpacked:
            begin = unpacked.read(6)
    return begin == b"SIMPLE"


FILES = [path for path in sorted(SHARED.rglob("*")) if path.is_file() and _is_fits(path)] if SHARED.is_dir() else []


@pytest.fixture(params=FILES or [None], ids=lambda path: path.name if path else "none")
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[FitsFile, fits.HDUList]]:
    if request.param is None:
        pytest.skip("the real data are not here")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks of astropy on headers that are no proper FITS
        with fits.open(request.param, memmap=False, do_not_scale_image_data=False) as theirs:
            yield open_fits(request.param), theirs


def test_that_every_keyword_has_the_value_that_astropy_reads(pair: tuple[FitsFile, fits.HDUList]) -> None:
    ours, theirs = pair
    assert [hdu.name for hdu in ours.hdus[1:]] == [hdu.name for hdu in theirs[1:]]
    compared = 0
    for hdu in ours.hdus:
        header = fits.Header.fromstring(hdu.header.raw)
        for keyword, value in _values(header):
            assert hdu.header[keyword] == value, f"{hdu.name}: {keyword}"
            compared += 1
    assert compared >= 4


def _values(header: fits.Header) -> Iterator[tuple[str, Any]]:
    for keyword in dict.fromkeys(header):
        if keyword in ("", "COMMENT", "HISTORY") or len(keyword) > 8:
            continue
        try:
            value = header[keyword, 0]
        except fits.VerifyError:
            continue  # a value that astropy cannot read
        value = value.rstrip() if isinstance(value, str) else value
        yield keyword, None if isinstance(value, fits.card.Undefined) else value


def test_that_every_column_of_numbers_has_the_values_that_astropy_reads(pair: tuple[FitsFile, fits.HDUList]) -> None:
    ours, theirs = pair
    for hdu, other in zip(ours.hdus, theirs, strict=True):
        if isinstance(other, fits.BinTableHDU) and hdu.is_table:
            _compare_columns(ours, hdu, other)


def _compare_columns(ours: FitsFile, hdu: Hdu, other: fits.BinTableHDU) -> None:
    table = Table(ours, hdu)
    assert [column.name for column in table.columns] == other.columns.names
    for column, definition in zip(table.columns, other.columns, strict=True):
        if column.code not in "LBIJKED" or column.repeat != 1 or table.column(column.name) is not column:
            continue
        expected = np.asarray(other.data.field(column.number - 1)).astype(np.float64)
        if definition.null is not None and column.code in "BIJK":
            expected[expected == definition.null * column.scale + column.zero] = np.nan
        expected[~np.isfinite(expected)] = np.nan
        np.testing.assert_array_equal(table.floats(column.name), expected, err_msg=f"{hdu.name}: {column.name}")


def test_that_every_image_has_the_pixels_that_astropy_reads(pair: tuple[FitsFile, fits.HDUList]) -> None:
    ours, theirs = pair
    image = next((hdu.data for hdu in theirs if hdu.is_image and hdu.header["NAXIS"] == 2 and hdu.data is not None), None)
    if image is None:
        assert not any(hdu.is_image and hdu.header.integer("NAXIS") == 2 for hdu in ours.hdus)
    else:
        np.testing.assert_array_equal(read_image(ours.path).values, image)
