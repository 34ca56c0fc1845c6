"""What a table shows, as tab-separated text for the clipboard and as a CSV file. No Qt here."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import FileError
from daxa_gui.gui.models.columns import Column


def tab_separated(catalogue: Catalogue, columns: Sequence[Column], rows: Iterable[int], style: str) -> str:
    """Headings and cells as they are shown."""
    lines = ["\t".join(column.heading for column in columns)]
    lines += ["\t".join(column.text(catalogue, row, style) for column in columns) for row in rows]
    return "\n".join(lines) + "\n"


def write_csv(
    path: str | Path, catalogue: Catalogue, columns: Sequence[Column], rows: Iterable[int], notes: Sequence[str]
) -> int:
    """Write these columns and rows in full precision (degrees ICRS, seconds, UTC); returns the number of rows.

    The file begins with `#` lines: where the rows come from, and `notes`. It is either complete or not there at all.

    Raises
    ------
    FileError : the file cannot be written.
    """
    target = Path(path)
    part = target.with_name(target.name + ".part")
    written = 0
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            for note in (catalogue.provenance, *notes):
                file.write(f"# {' '.join(note.split())}\n")
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([column.name for column in columns])
            for row in rows:
                writer.writerow([column.exported(catalogue, row) for column in columns])
                written += 1
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{target} cannot be written: {error.strerror}.", "Choose another folder or make room.") from error
    return written
