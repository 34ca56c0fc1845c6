"""Tables as FITS: a binary table « TABLE » and, behind it, one with the texts about it, « META ».

FITS knows ASCII only, and blanks at the end of a text do not count: characters outside ASCII, control characters and blanks at
the end are written as Python writes them (`\\u2609`), and the keyword TXESCn of such a column is true."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.table_foreign import from_astropy
from daxa_gui.fits.files import open_fits

_MOST_CELLS = 2**31
_ESCAPED = re.compile(r"\\(\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_HINT = "The file is probably damaged; get it again."


def write_fits(path: Path, table: DataTable) -> None:
    from astropy.io import fits

    main, escaped = _unit(dict(table.columns))
    header = main.header
    header["EXTNAME"] = "TABLE"
    for number, name in enumerate(table.names, 1):
        if name in table.units:
            header[f"TUNIT{number}"] = _plain(table.units[name])
        if name in table.descriptions:
            header[f"TCOMM{number}"] = _escape(table.descriptions[name])
        if name in escaped:
            header[f"TXESC{number}"] = (True, "backslashes stand for other characters")
    for key, value in table.meta.items():
        header.add_comment(f"{_plain(key)}: {_plain(value)}")
    meta = [np.array(list(part), str) for part in (table.meta.keys(), table.meta.values())]
    about, escaped = _unit({"KEY": meta[0], "VALUE": meta[1]})
    about.header["EXTNAME"] = "META"
    for number, name in enumerate(("KEY", "VALUE"), 1):
        if name in escaped:
            about.header[f"TXESC{number}"] = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names with blanks, long texts: allowed, and read again
        fits.HDUList([fits.PrimaryHDU(), main, about]).writeto(path, checksum=True)


def _unit(columns: dict[str, NDArray[Any]]) -> tuple[Any, set[str]]:
    """A header-data unit, and the columns that have escaped texts.

    Raises
    ------
    InputError : two names of columns are the same in ASCII.
    """
    from astropy.io import fits

    stored, escaped = {}, set()
    for name, column in columns.items():
        if column.dtype.kind != "U":
            stored[name] = np.asarray(column)
            continue
        listed = column.tolist()
        if any(_needs_escape(text) for text in set(listed)):
            escaped.add(name)
            forms = {text: _escape(text) for text in set(listed)}
            listed = [forms[text] for text in listed]
        # a width of one stands for a single character, not for a text
        stored[name] = np.array(listed, f"S{max([2, *map(len, set(listed))])}")
    if len({_plain(name) for name in stored}) < len(stored):
        raise InputError("FITS knows names in ASCII only, and two columns of the table then have the same.", "Write VOTable.")
    n = len(next(iter(columns.values())))
    rows = np.empty(n, [(_plain(name), column.dtype) for name, column in stored.items()])
    for name, column in stored.items():
        rows[_plain(name)] = column
    return fits.BinTableHDU(rows), escaped


def _needs_escape(text: str) -> bool:
    return not text.isascii() or not (text.isprintable() or not text) or text.endswith(" ")


def _escape(text: str) -> str:
    body = text.rstrip(" ")
    escaped = body.replace("\\", "\\\\").encode("ascii", "backslashreplace").decode("ascii")
    escaped = re.sub(r"[^ -~]", lambda match: f"\\x{ord(match[0]):02x}", escaped)
    return escaped + r"\x20" * (len(text) - len(body))


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\\" if match[1] == "\\" else chr(int(match[1][1:], 16) % 0x110000), text)


def _plain(text: str) -> str:
    """For headers: what is printable ASCII stays."""
    return re.sub(r"[^ -~]", "?", text)


def read_fits(file_path: Path, path: Path) -> DataTable:
    """The first table of a FITS file of this or another program (binary or ASCII). Trailing blanks of texts are dropped, columns
    of several values per cell are left out.

    Raises
    ------
    FileError : the file is not FITS, is cut short or damaged, or has no table.
    """
    from astropy.io import fits
    from astropy.table import Table

    _check(file_path, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(file_path, memmap=True) as file:
                units = [unit for unit in file if isinstance(unit, (fits.BinTableHDU, fits.TableHDU))]
                main = units[0]
                table = from_astropy(Table.read(main, character_as_bytes=True, astropy_native=False))
                about = [unit for unit in units if unit.name == "META" and main.name == "TABLE"]
                meta = from_astropy(Table.read(about[0], character_as_bytes=True)) if about else None
                escaped = [[_escaped_columns(unit)] for unit in (main, *about[:1])]
                descriptions = _descriptions(main)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, fits.VerifyError, MemoryError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise FileError(f"{path} cannot be read as a FITS table ({why}).", _HINT) from error
    columns = _with_characters(table, escaped[0][0])
    if meta is None:
        return DataTable(columns, table.units, descriptions, table.meta)
    texts = _with_characters(meta, escaped[1][0])
    pairs = dict(zip(texts["KEY"].tolist(), texts["VALUE"].tolist(), strict=True)) if "KEY" in texts and "VALUE" in texts else {}
    return DataTable(columns, table.units, {name: _unescape(text) for name, text in descriptions.items()}, pairs)


def _check(file_path: Path, path: Path) -> None:
    """Its structure, before astropy asks for memory."""
    try:
        opened = open_fits(file_path)
    except FileError as error:
        raise FileError(error.message.replace(str(file_path), str(path)), error.hint) from error
    tables = [hdu for hdu in opened.hdus if hdu.header.text("XTENSION").upper() in ("BINTABLE", "TABLE", "A3DTABLE")]
    if not tables:
        raise FileError(f"{path} has no table.", "Choose a FITS file with a table in an extension.")
    rows, fields = (tables[0].header.integer(name) or 0 for name in ("NAXIS2", "TFIELDS"))
    if rows < 0 or not 0 <= fields <= 999 or rows * max(fields, 1) > _MOST_CELLS:
        raise FileError(f"{path} has a table of {rows} rows and {fields} columns, which is too large.", _HINT)


def _escaped_columns(unit: Any) -> set[str]:
    return {name for number, name in enumerate(unit.columns.names, 1) if unit.header.get(f"TXESC{number}") is True}


def _descriptions(unit: Any) -> dict[str, str]:
    texts = {name: str(unit.header.get(f"TCOMM{number}", "")) for number, name in enumerate(unit.columns.names, 1)}
    return {name: text for name, text in texts.items() if text}


def _with_characters(table: DataTable, escaped: set[str]) -> dict[str, NDArray[Any]]:
    columns = dict(table.columns)
    for name in escaped & set(columns):
        if columns[name].dtype.kind == "U":
            listed = columns[name].tolist()
            forms = {text: _unescape(text) for text in set(listed)}
            columns[name] = np.array([forms[text] for text in listed], str)
    return columns
