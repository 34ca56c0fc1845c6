"""Names of files with brackets: CIAO's data model (`f[EVENTS][energy=500:7000,grade=0,2][bin time=::200]`, `f[@gti.fits]`)."""

from __future__ import annotations

import os
import re
from typing import Any

from programs import files


class VirtualFileError(Exception):
    """The name cannot be understood, or there is no such file, table or column."""


def split(name: str) -> tuple[str, list[str]]:
    """The file and what stands in each pair of brackets (brackets and parentheses may be nested)."""
    at = name.find("[")
    path, rest = (name, "") if at < 0 else (name[:at], name[at:])
    groups, depth, start = [], 0, 0
    for k, letter in enumerate(rest):
        if letter == "[":
            depth += 1
            start = k + 1 if depth == 1 else start
        elif letter == "]":
            depth -= 1
            if depth == 0:
                groups.append(rest[start:k])
            if depth < 0:
                raise VirtualFileError(f"DM Parse error: unmatched [ or (: {name[at:]}")
    if depth or any(group.count("(") != group.count(")") for group in groups):
        raise VirtualFileError(f"DM Parse error: unmatched [ or (: {name[at:]}")
    return path, groups


class VirtualFile:
    """A file opened through such a name: all HDUs, the place of the table, the rows that the filters keep, the binning."""

    def __init__(self, name: str) -> None:
        path, groups = split(name)
        for part in re.split(r"[ ,]+", path.strip()):  # a stack: a list of files
            if not os.path.isfile(part):
                raise VirtualFileError(f"Failed to open virtual file {name}: could not open {part}")
        if re.search(r"[ ,]", path.strip()):
            raise VirtualFileError(f"Failed to open virtual file {name}: this stand-in opens one file at a time")
        try:
            self.hdus = files.read(path)
        except files.NotFits as error:
            raise VirtualFileError(f"Failed to open virtual file {name}: {error}") from None
        self.binning, self.good = "", []
        self.place = self._table(groups, name)
        self.table = self.hdus[self.place]
        self.rows = self.table.rows()
        self.subspace: list[str] = []
        for group in groups:
            self._apply(group, name)

    def _table(self, groups: list[str], name: str) -> int:
        if groups and re.fullmatch(r"\w+", groups[0]) and not groups[0].lower().startswith("bin "):
            wanted = groups.pop(0)
            for k, hdu in enumerate(self.hdus):
                if hdu.name.upper() == wanted.upper() or wanted == str(k):
                    return k
            raise VirtualFileError(f"Failed to open virtual file {name}: no block {wanted}")
        for k, hdu in enumerate(self.hdus):
            if hdu.get("XTENSION") == "BINTABLE":
                return k
        raise VirtualFileError(f"Failed to open virtual file {name}: no table in it")

    def _apply(self, group: str, name: str) -> None:
        if group.strip().lower().startswith("bin "):
            self.binning = group.strip()[4:].strip()
            return
        if group.startswith("@"):
            self.good.append(_intervals(group[1:]))
            self.rows = self.rows[files.inside(self.column("time").astype("f8"), self.good[-1])]
            return
        terms: list[list[str]] = []
        for word in group.split(","):
            if "=" in word:
                column, _, value = word.partition("=")
                terms.append([column.strip(), value])
            elif terms:
                terms[-1].append(word)
            else:
                raise VirtualFileError(f"DM Parse error: bad filter: [{group}] in {name}")
        for column, *ranges in terms:
            self.rows = self.rows[self._kept(column, ranges, name)]
            self.subspace.append(f"{column}={','.join(ranges)}")

    def column(self, name: str) -> Any:
        number = self.table.number(name)
        if not number:
            raise VirtualFileError(f"Could not find column {name}")
        return self.rows[self.table.columns[number - 1]]

    def _kept(self, column: str, ranges: list[str], name: str) -> Any:
        np = files.numpy()
        values = self.column(column)
        if values.ndim > 1:  # bits: all must be zero
            if ranges != ["0"]:
                raise VirtualFileError(f"DM Parse error: bits are compared with 0 here: {column}={','.join(ranges)}")
            return ~values.any(axis=1)
        kept = np.zeros(len(values), bool)
        real = values.dtype.kind == "f"
        for text in ranges:
            low, sign, high = text.partition(":")
            try:
                first = float(low) if low.strip() else -np.inf
                last = float(high) if high.strip() else np.inf
            except ValueError:
                raise VirtualFileError(f"DM Parse error: bad range {text} of {column} in {name}") from None
            if not sign:
                kept |= values == first
            elif real:
                kept |= (values >= first) & (values < last)
            else:
                kept |= (values >= first) & (values <= last)
        return kept


def _intervals(name: str) -> list[tuple[float, float]]:
    path, _, block = name.partition("[")
    if not os.path.isfile(path):
        raise VirtualFileError(f"Failed to open virtual file {name}")
    for hdu in files.read(path):
        if hdu.number("START") and hdu.number("STOP") and (not block or hdu.name == block.rstrip("]")):
            return files.intervals(hdu)
    raise VirtualFileError(f"No good time intervals in {name}")
