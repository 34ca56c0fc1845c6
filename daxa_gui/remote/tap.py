"""One whole table of a Table Access Protocol service, with a certificate that it is whole, or a refusal; never a part of one.

The rows are counted, read in pages that follow each other in the order of a key column, and counted again. What makes this
safe where a single large query is not:

* every page says how many rows it wants (TOP), fewer than services cut at without a word (HEASARC: 100 000);
* a page starts at the key where the page before it ended, and the rows with that last key are read again with it, so rows that
  share a key are never torn apart and none is lost or taken twice;
* a page that is shorter than the count allows was cut by the service: it is thrown away and asked for in smaller pieces;
* rows are taken as whole only if their number equals both counts and no key appears in two places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.certificate import Certificate
from daxa_gui.core.errors import TransferError
from daxa_gui.core.mission import TapSource
from daxa_gui.core.table import DataTable
from daxa_gui.remote.connection import Timeouts
from daxa_gui.remote.services import TAP_SERVICES
from daxa_gui.remote.tap_ask import LONGEST_WAIT_S, Asker
from daxa_gui.remote.tap_certificate import certify, plain_name
from daxa_gui.remote.tap_http import MOST_REPLY_BYTES, TAP_TIMEOUTS, TapConnection
from daxa_gui.remote.tap_reply import NotATable, QueryRefused, TapTable, one_line

PAGE_ROWS = 50_000
SMALLEST_PAGE = 100  # a service that gives less than this at a time is refused
MOST_TIED = 400_000  # rows that may share one key
MOST_SIZE_CHANGES = 40  # of pages of one table: a service that needs more follows no rule
Progress = Callable[[int, int, str], None]


class _Changed(Exception):
    """What was read does not fit the count made before: the table changed in between."""


def fetch_table(
    source: TapSource,
    mission: str,
    *,
    address: str = "",
    page_rows: int = PAGE_ROWS,
    progress: Progress = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
    timeouts: Timeouts = TAP_TIMEOUTS,
    ca_file: str = "",
    most_bytes: int = MOST_REPLY_BYTES,
    back_off_s: float = 2.0,
    longest_wait_s: float = LONGEST_WAIT_S,
) -> tuple[DataTable, Certificate]:
    """Read the table that `source` names, whole. Blocks for minutes; call it on a thread or in a process of its own.

    Parameters
    ----------
    address : of the service; empty: `TAP_SERVICES[source.service]`.
    page_rows : rows to ask for at a time.
    progress : called with (rows received, rows expected or 0 while unknown, sentence).
    cancelled : asked often, also from a second thread.
    back_off_s : pause before a failed query is sent again; doubled each time. A Retry-After of the service counts more, if it
        is not longer than `longest_wait_s`.

    Returns
    -------
    The table: exactly the columns of `source` in their order, lower case, stripped text; and its certificate.

    Raises
    ------
    TransferError : anything but a whole table; `retryable` says whether a later try may help.
    Cancelled
    """
    address = address or TAP_SERVICES[source.service]
    with TapConnection(address, cancelled=cancelled, timeouts=timeouts, ca_file=ca_file, most_bytes=most_bytes) as connection:

        def reader_of(wanted: TapSource) -> _Reader:
            return _Reader(connection, wanted, page_rows, progress, cancelled, back_off_s, longest_wait_s)

        reader = reader_of(source)
        try:
            rows, count = reader.read_unchanged()
        except (QueryRefused, _MissingColumns):
            absent = reader.absent_columns()
            if not absent:
                raise
            kept = tuple(name for name in source.columns if plain_name(name) not in absent)
            reader = reader_of(replace(source, columns=kept))
            rows, count = reader.read_unchanged()
            reader.notes.append(f"the service has no column « {', '.join(absent)} »: unknown in all rows")
        table = reader.assembled(rows)
    certificate = certify(
        table,
        source,
        mission,
        service=address,
        query=reader.first_query,
        rows_expected=count.rows,
        notes=reader.notes,
    )
    return _with_all_columns(table, source), certificate


def _with_all_columns(table: DataTable, source: TapSource) -> DataTable:
    """With the optional columns that the service lacks, unknown in all rows."""
    kinds = {plain_name(name): kind for name, kind in source.optional}
    columns = {
        name: table.columns[name] if name in table.columns else np.full(len(table), "" if kinds[name] == "text" else np.nan)
        for name in map(plain_name, source.columns)
    }
    return DataTable(columns, table.units, table.descriptions, table.meta)


# ---------------------------------------------------------------------------------------------------------------- reading


class _MissingColumns(TransferError):
    """A reply lacks columns that were asked for."""

    retryable_by_default = False


@dataclass(frozen=True)
class _Count:
    rows: int
    with_key: int

    @property
    def without_key(self) -> int:
        return self.rows - self.with_key


@dataclass
class _Pages:
    """What has been taken so far: columns as lists of arrays, one per page."""

    parts: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    pages: int = 0

    def take(self, page: TapTable, columns: tuple[str, ...], kept: int) -> None:
        """The first `kept` rows of a page. Text loses the blanks around it here, and not before: keys are compared whole."""
        for name in columns:
            values = page.columns[name][:kept]
            if values.dtype.kind == "U":
                values = np.char.strip(values)
            self.parts.setdefault(name, []).append(values)
        self.units = dict(page.units)
        self.descriptions = dict(page.descriptions)
        self.rows += kept
        self.pages += 1

    def column(self, name: str) -> NDArray[Any]:
        return np.concatenate(self.parts[name])


class _Reader:
    """Counts and pages of one table."""

    def __init__(
        self,
        connection: TapConnection,
        source: TapSource,
        page_rows: int,
        progress: Progress,
        cancelled: Callable[[], bool],
        back_off_s: float,
        longest_wait_s: float,
    ) -> None:
        self._connection, self._source = connection, source
        self._page_rows = max(page_rows, SMALLEST_PAGE)
        self._progress = progress
        self._where_text = f"Table {source.table} of {connection.host}"
        self.key = plain_name(source.key)
        self.columns = tuple(dict.fromkeys([*map(plain_name, source.columns), self.key]))
        spelling = {plain_name(name): name for name in (source.key, *source.columns)}
        self._asker = Asker(connection, spelling, self._say, cancelled, back_off_s, longest_wait_s)
        self._size_changes = 0
        self._done, self._total = 0, 0
        self.first_query = ""
        self.notes: list[str] = []

    def read_unchanged(self) -> tuple[_Pages, _Count]:
        """All rows, with the count that was the same before and after. Read twice at most."""
        why = ""
        for _ in range(2):
            before = self._count()
            try:
                pages = self._read(before)
            except _Changed as changed:
                why = str(changed)
                continue
            after = self._count()
            if after == before:
                return pages, before
            why = f"{before.rows} rows before, {after.rows} after"
        raise TransferError(
            f"{self._where_text} changed while it was read ({why}).",
            "Nothing was taken from it. Try again later, when the service is not being updated.",
        )

    def absent_columns(self) -> list[str]:
        """Those of the optional columns that the service does not give, each asked for on its own."""
        absent = []
        for name in (plain_name(name) for name, _ in self._source.optional):

            def query(attempt: int, name: str = name) -> tuple[str, int]:
                return self._select(f"TOP 1 {self._asker.spelt(self.key, name)}"), 2

            try:
                if name not in self._asker.ask(query).columns:
                    absent.append(name)
            except QueryRefused:
                absent.append(name)
        return absent

    def _count(self) -> _Count:
        def query(attempt: int) -> tuple[str, int]:
            return self._select(f"COUNT(*) AS all_rows, COUNT({self._asker.spelt(self.key)}) AS keyed_rows"), 10

        reply = self._asker.ask(query)
        values = [column[0] for column in reply.columns.values() if len(column) == 1 and column.dtype.kind in "iuf"]
        if len(values) != 2 or not all(np.isfinite(value) and value >= 0 and value == int(value) for value in values):
            raise NotATable(f"{self._where_text} could not be counted: the answer is not two numbers.", retryable=False)
        count = _Count(int(values[0]), int(values[1]))
        if count.without_key < 0:
            raise NotATable(f"{self._where_text} could not be counted: the answer contradicts itself.", retryable=False)
        self._total = count.rows
        self._say(f"{count.rows} rows in the table.")
        return count

    def _read(self, count: _Count) -> _Pages:
        """Rows with a key page by page, then those without; checked against the count and against each other."""
        pages, bound = _Pages(), None
        while bound is not None or pages.pages == 0:
            bound = self._next_page(pages, bound, count)
            self._done = pages.rows
            self._say(f"{pages.rows} of {count.rows} rows read.")
        keys = pages.column(self.key)
        runs = 1 + int(np.count_nonzero(keys[1:] != keys[:-1])) if len(keys) else 0
        distinct = len(np.unique(keys))
        if runs != distinct:
            raise TransferError(
                f"{self._where_text} was not sent in the order of « {self.key} »: pages of it would lose rows.",
                "Nothing was taken from it.",
                retryable=False,
            )
        if count.without_key:
            self._read_without_key(pages, count)
        if pages.rows != count.rows:
            raise _Changed(f"{count.rows} rows counted, {pages.rows} received")
        self.notes = self._remarks(pages, count, len(keys) - distinct)
        return pages

    def _next_page(self, pages: _Pages, bound: Any, count: _Count) -> Any:
        """Take one page and return the key with which the next one starts; None after the last.

        A page that cannot be used is not taken, and `bound` is returned: it is asked for again in another size.
        """
        expected = count.with_key - pages.rows
        page, wanted = self._page(bound)
        self._check_columns(page)
        got, keys = len(page), page.columns[self.key]
        if got < min(wanted, expected):  # cut by the service, at random for all we know
            self._make_smaller(wanted, got, expected)
            return bound
        if got > expected:
            raise _Changed(f"more rows than counted: {pages.rows + got} of {count.with_key}")
        if bound is not None and not np.any(_folded(keys) == _folded(np.array([bound]))[0]):
            raise _Changed(f"the row with {self.key} {bound} is gone")
        if got == expected:
            pages.take(page, self.columns, got)
            return None
        self._check_key(keys)
        folded = _folded(keys)
        tied = int(np.argmin(np.append(folded[::-1] == folded[-1], False)))
        if tied == got:
            self._make_larger(got, keys[-1])
            return bound
        pages.take(page, self.columns, got - tied)
        return keys[got - tied]

    def _page(self, bound: Any) -> tuple[TapTable, int]:
        """The rows from `bound` on, and how many were asked for: half as many after each failure."""
        sizes: list[int] = []

        def query(attempt: int) -> tuple[str, int]:
            sizes.append(max(self._page_rows >> attempt, SMALLEST_PAGE))
            key = self._asker.spelt(self.key)
            condition = f"{key} IS NOT NULL" if bound is None else f"{key} >= {_literal(bound)}"
            text = self._select(f"TOP {sizes[-1]} {self._asker.spelt(*self.columns)}", condition, f" ORDER BY {key}")
            if bound is None:
                self.first_query = text
            return text, sizes[-1] + 1

        page = self._asker.ask(query)
        self._page_rows = sizes[-1]
        return page, sizes[-1]

    def _make_smaller(self, wanted: int, got: int, expected: int) -> None:
        smaller = min(wanted // 2, got)
        self._size_changes += 1
        if smaller < SMALLEST_PAGE or self._size_changes > MOST_SIZE_CHANGES:
            raise TransferError(
                f"{self._where_text}: the service sent {got} of {min(wanted, expected)} rows that were asked for, and does so "
                "for small pages too.",
                "Nothing was taken from it. The service may be overloaded; try again later.",
            )
        self._page_rows = smaller

    def _make_larger(self, rows: int, key: Any) -> None:
        self._size_changes += 1
        if rows * 2 > MOST_TIED or self._size_changes > MOST_SIZE_CHANGES:
            raise TransferError(f"{self._where_text} has more than {rows} rows with {self.key} « {key} ».", retryable=False)
        self._page_rows = rows * 2

    def _read_without_key(self, pages: _Pages, count: _Count) -> None:
        wanted = count.without_key

        def query(attempt: int) -> tuple[str, int]:
            text = self._select(f"TOP {wanted + 1} {self._asker.spelt(*self.columns)}", f"{self._asker.spelt(self.key)} IS NULL")
            return text, wanted + 2

        page = self._asker.ask(query)
        self._check_columns(page)
        if len(page) < wanted and page.overflow:
            raise TransferError(f"{self._where_text}: the service left out some of the {wanted} rows without {self.key}.")
        pages.take(page, self.columns, len(page))

    def _check_columns(self, page: TapTable) -> None:
        missing = [name for name in self.columns if name not in page.columns]
        if missing:
            raise _MissingColumns(
                f"{self._where_text} came without the column{'s' if len(missing) > 1 else ''} « {', '.join(missing)} »; "
                f"it has « {one_line(', '.join(page.columns))} ».",
                "The service has changed its table; the program's description of the mission must follow.",
                retryable=False,
            )

    def _check_key(self, keys: NDArray[Any]) -> None:
        if keys.dtype.kind not in "iU":
            raise TransferError(f"{self._where_text}: « {self.key} » is neither text nor whole numbers.", retryable=False)
        if keys.dtype.kind == "i" and np.any(keys[1:] < keys[:-1]):
            raise TransferError(f"{self._where_text} was not sent in the order of « {self.key} ».", retryable=False)

    def _remarks(self, pages: _Pages, count: _Count, sharing: int) -> list[str]:
        number = "one page" if pages.pages == 1 else f"{pages.pages} pages"
        remarks = [f"read in {number} of at most {self._page_rows} rows"]
        if sharing:
            remarks.append(f"{sharing} rows share their {self.key} with an earlier one")
        if count.without_key:
            remarks.append(f"{count.without_key} rows have no {self.key}")
        return remarks

    def assembled(self, pages: _Pages) -> DataTable:
        """The columns of the source, in its order."""
        columns: dict[str, NDArray[Any]] = {}
        for name in map(plain_name, self._source.columns):
            if len({part.dtype.kind == "U" for part in pages.parts[name]}) > 1:
                raise TransferError(f"{self._where_text}: « {name} » came as text and as numbers.", retryable=False)
            columns[name] = pages.column(name)
        units = {name: pages.units[name] for name in columns if name in pages.units}
        descriptions = {name: pages.descriptions[name] for name in columns if name in pages.descriptions}
        return DataTable(columns, units, descriptions, {"service": self._connection.address, "table": self._source.table})

    # ------------------------------------------------------------------------------------------------------ one query

    def _select(self, what: str, condition: str = "", order: str = "") -> str:
        conditions = [f"({self._source.where})"] if self._source.where else []
        conditions += [condition] if condition else []
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {what} FROM {self._source.table}{where}{order}"

    def _say(self, text: str) -> None:
        self._progress(self._done, self._total, text)


def _literal(value: Any) -> str:
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    text = str(value).replace("'", "''")
    return f"'{text}'"


def _folded(keys: NDArray[Any]) -> NDArray[Any]:
    """Keys as a service's database may compare them: upper and lower case alike, trailing blanks without meaning."""
    return np.char.rstrip(np.char.lower(keys)) if keys.dtype.kind == "U" else keys
