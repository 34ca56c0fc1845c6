"""A small TAP service on 127.0.0.1 that knows just the ADQL that we send, and does on request what a good one never does."""

from __future__ import annotations

import gzip
import random
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tests.fakes.loopback import Loopback

Row = tuple[Any, ...]


@dataclass
class FakeTable:
    """`columns` maps names to VOTable datatypes (char, double, long, boolean); None in a row is NULL."""

    columns: dict[str, str]
    rows: list[Row]
    units: dict[str, str] = field(default_factory=dict)

    def index(self, name: str) -> int:
        names = [column.lower() for column in self.columns]
        if name.lower() not in names:
            raise Refused(f"no such column: {name}")
        return names.index(name.lower())


class Refused(Exception):
    """The service says no; the text stands in its error document."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer; `drop_after` and `stall_after` are bytes of the body that still come."""

    status: int = 200
    body: bytes | None = None
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    drop_after: int | None = None
    stall_after: int | None = None
    stall_before: bool = False  # not even a status line comes
    bytes_per_s: float | None = None
    no_length: bool = False


@dataclass
class MisbehavingTap(Loopback):
    """`faults` are used up one per query (None: this one is answered well); the other switches hold for every query."""

    tables: dict[str, FakeTable]
    faults: list[Fault | None] = field(default_factory=list)
    cut_at: int | None = None
    cut_at_random: bool = False  # which rows are left out
    says_cut: bool = False  # by an OVERFLOW in the table
    ignores_top: bool = False
    ignores_order: bool = False
    renames: dict[str, str] = field(default_factory=dict)
    upper_case: bool = False
    leaves_out: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    strict_words: tuple[str, ...] = ()  # refused unless quoted
    collation: Callable[[str], str] = str
    refuses_formats: bool = False
    compresses: bool = False
    before_query: Callable[[int, str], None] = lambda number, query: None
    queries: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0
    seed: int = 1
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> MisbehavingTap:
        self.random = random.Random(self.seed)
        handler = type("Handler", (_Handler,), {"tap": self})
        return self.listen(handler)

    @property
    def address(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/tap"

    @property
    def pages(self) -> list[str]:
        return [query for query in self.queries if " TOP " in query]

    # ------------------------------------------------------------------------------------------------------------- ADQL

    def answer(self, query: str) -> bytes:
        for word in self.strict_words:
            if re.search(rf'(?<!["\w]){word}(?!["\w])', query, re.IGNORECASE):
                raise Refused(f"Expected select list item, found {word!r}")
        match = re.fullmatch(
            r"SELECT (?:TOP (?P<top>\d+) )?(?P<what>.*?) FROM (?P<table>\S+)"
            r"(?: WHERE (?P<where>.*?))?(?: ORDER BY (?P<order>\S+))?",
            query,
        )
        if match is None:
            raise Refused("cannot parse this")
        if match["table"] not in self.tables:
            raise Refused(f"no such table: {match['table']}")
        table = self.tables[match["table"]]
        rows = [row for row in table.rows if self._holds(table, row, match["where"] or "")]
        if counted := re.fullmatch(r"COUNT\(\*\) AS (\w+), COUNT\((\S+)\) AS (\w+)", match["what"]):
            key = table.index(counted[2].strip('"'))
            numbers = (len(rows), sum(row[key] is not None for row in rows))
            return self._document(FakeTable({counted[1]: "long", counted[3]: "long"}, [numbers]), [0, 1], [numbers], False)
        if match["order"]:
            rows = self._ordered(table, rows, match["order"].strip('"'))
        if match["top"] and not self.ignores_top:
            rows = rows[: int(match["top"])]
        wanted = [table.index(name.strip().strip('"')) for name in match["what"].split(",")]
        cut = self.cut_at is not None and len(rows) > self.cut_at
        if cut and self.cut_at_random:
            kept = sorted(self.random.sample(range(len(rows)), self.cut_at or 0))
            rows = [rows[i] for i in kept]
        return self._document(table, wanted, rows[: self.cut_at] if cut else rows, cut and self.says_cut)

    def _ordered(self, table: FakeTable, rows: list[Row], order: str) -> list[Row]:
        key = table.index(order)
        self.random.shuffle(rows)  # nobody promises an order among rows that share their key
        if self.ignores_order:
            return rows
        return sorted(rows, key=lambda row: self._compared(row[key]))

    def _compared(self, value: Any) -> Any:
        return self.collation(value) if isinstance(value, str) else value

    def _holds(self, table: FakeTable, row: Row, where: str) -> bool:
        for condition in filter(None, re.split(r" AND ", where)):
            match = re.fullmatch(
                r"\(?(?P<column>\S+?) (?P<what>IS NOT NULL|IS NULL|>= (?P<text>'(?:[^']|'')*'|-?\d+))\)?", condition
            )
            if match is None:
                raise Refused(f"cannot parse the condition {condition}")
            value = row[table.index(match["column"].strip('"'))]
            if match["what"] in ("IS NULL", "IS NOT NULL"):
                holds = (value is None) == (match["what"] == "IS NULL")
            else:
                text = match["text"]
                bound = text[1:-1].replace("''", "'") if text.startswith("'") else int(text)
                holds = value is not None and self._compared(value) >= self._compared(bound)
            if not holds:
                return False
        return True

    # --------------------------------------------------------------------------------------------------------- VOTable

    def _document(self, table: FakeTable, wanted: list[int], rows: list[Row], overflow: bool) -> bytes:
        names = list(table.columns)
        wanted = [i for i in wanted if names[i] not in self.leaves_out] + [
            names.index(name) for name in self.adds if name in names
        ]
        fields = "".join(self._field(table, names[i]) for i in wanted)
        data = "".join("<TR>" + "".join(f"<TD>{_cell(row[i])}</TD>" for i in wanted) + "</TR>" for row in rows)
        late = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>' if overflow else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
            '<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/>'
            f"<TABLE>{fields}<DATA><TABLEDATA>{data}</TABLEDATA></DATA></TABLE>{late}</RESOURCE></VOTABLE>"
        ).encode()

    def _field(self, table: FakeTable, name: str) -> str:
        kind = table.columns[name]
        shown = self.renames.get(name, name)
        shown = shown.upper() if self.upper_case else shown
        unit = f' unit="{table.units[name]}"' if name in table.units else ""
        size = ' arraysize="*"' if kind == "char" else ""
        return f'<FIELD name="{escape(shown)}" datatype="{kind}"{size}{unit}><DESCRIPTION>About {name}</DESCRIPTION></FIELD>'


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(value) if isinstance(value, str) else repr(value)


def error_document(text: str) -> bytes:
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
        f'<INFO name="QUERY_STATUS" value="ERROR">{escape(text)}</INFO></RESOURCE></VOTABLE>'
    ).encode()


class _Handler(BaseHTTPRequestHandler):
    tap: MisbehavingTap
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.tap.connections += 1

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # the other side left

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_GET(self) -> None:
        self._send(Fault(404, b"<html><body>Not here</body></html>", "text/html"), b"")

    def do_POST(self) -> None:
        tap = self.tap
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        tap.forms.append(form)
        tap.headers.append(dict(self.headers.items()))
        if not self.path.endswith("/sync"):
            self.do_GET()
            return
        query = form.get("QUERY", "")
        tap.queries.append(query)
        tap.before_query(len(tap.queries), query)
        fault = tap.faults.pop(0) if tap.faults else None
        try:
            if tap.refuses_formats and "RESPONSEFORMAT" in form:
                raise Refused("RESPONSEFORMAT is not known here")
            answer = tap.answer(query) if fault is None or fault.body is None else b""
        except Refused as refused:
            fault, answer = fault or Fault(status=400), error_document(str(refused))
        self._send(fault or Fault(), answer)

    def _send(self, fault: Fault, answer: bytes) -> None:
        body = answer if fault.body is None else fault.body
        if fault.stall_before:
            self.tap.closing.wait(60)
            self.close_connection = True
            return
        headers = dict(fault.headers)
        if self.tap.compresses:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        self.send_response(fault.status)
        self.send_header("Content-Type", fault.content_type or "application/x-votable+xml")
        for name, value in headers.items():
            self.send_header(name, value)
        if fault.no_length:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._body(body, fault)

    def _body(self, body: bytes, fault: Fault) -> None:
        end = min(x for x in (fault.drop_after, fault.stall_after, len(body)) if x is not None)
        step = 64 * 1024 if fault.bytes_per_s is None else max(1, int(fault.bytes_per_s / 50))
        try:
            for start in range(0, end, step):
                self.wfile.write(body[start : min(start + step, end)])
                self.wfile.flush()
                if fault.bytes_per_s is not None and self.tap.closing.wait(step / fault.bytes_per_s):
                    break
        except OSError:
            self.close_connection = True
            return
        if fault.stall_after is not None:
            self.tap.closing.wait(60)
        if fault.drop_after is not None or fault.stall_after is not None:
            self.close_connection = True
