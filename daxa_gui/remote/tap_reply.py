"""What the answer of a Table Access Protocol service says: a table, or a sentence about what came in its place.

The answer is judged by its content, not by its status or its content type: services send web pages with status 200 and
tables called text/plain. Sources: IVOA VOTable 1.4, DALI 1.1 (section 4.4: QUERY_STATUS).
"""

from __future__ import annotations

import html
import io
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.tap_http import TapReply

_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(rb"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_ROOT = re.compile(rb"<(?![?!])([A-Za-z_][\w:.-]*)")
CHANGED_HINT = "The table may have changed; its columns are not as expected."
# what astropy and pyvo raise, beside their own classes, over documents with a few wrong bytes (found by changing bytes)
_DAMAGE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError),
    *(OSError, EOFError, MemoryError, RuntimeError, struct.error),
)
LONGEST_TEXT = 300  # characters of a service's own words in a message


class NotATable(TransferError):
    """The service answered with something else than a table: asking again at once gives the same."""


class QueryRefused(TransferError):
    """The service understood that it was asked something and said no, in its own words."""

    retryable_by_default = False


@dataclass(frozen=True)
class TapTable:
    """Columns as they came, in their order, named as the service names them (lower case).

    Text is decoded but not stripped; unknown numbers are NaN (integers with unknown ones become float64), unknown text empty.
    `overflow` says that the service itself declared that it left rows out.
    """

    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str]
    descriptions: Mapping[str, str]
    overflow: bool = False

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0


def read_reply(reply: TapReply, host: str) -> TapTable:
    """The table in a service's answer.

    Raises
    ------
    QueryRefused : the service says that the query is wrong; its text is in the message.
    NotATable : a web page, a file of another kind, a document without a table.
    TransferError : damaged or cut short, or an HTTP status that may pass (retryable).
    """
    if reply.status != 200:
        raise _status_error(reply, host)
    _check_is_votable(reply.body, host)
    return _parsed(reply.body, host)


# ------------------------------------------------------------------------------------------------------- what is it at all?


def one_line(text: str) -> str:
    """A service's own words as one short printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")


def _check_is_votable(body: bytes, host: str) -> None:
    start = body[:65536].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        root = _ROOT.search(start)
        name = root.group(1).rpartition(b":")[2].upper() if root else b""
        if name == b"VOTABLE":
            # entities can stand only before the root; no VOTable needs them, and they can make a small file huge
            if root is not None and b"<!ENTITY" in start[: root.start()].upper():
                raise NotATable(f"{host} sent a document with entity declarations; it was not read.", retryable=False)
            return
        if name in (b"HTML", b"HEAD", b"BODY") or b"<!DOCTYPE HTML" in start[:200].upper():
            raise NotATable(f"{host} sent a web page in place of a table{_page_says(body)}.", "It may be down for maintenance.")
        if not name:
            raise TransferError(f"The answer of {host} ends before it has said what it is.", "It is tried again later.")
        raise NotATable(
            f"{host} sent an XML document « {_decoded(name).lower()} » in place of a table.", "Its address may be wrong."
        )
    if not start:
        raise TransferError(f"The answer of {host} is empty.", "It is tried again later.")
    if start.startswith(b"SIMPLE  ="):
        raise NotATable(f"{host} sent a FITS file in place of a VOTable.", "Its address may be wrong.")
    first = one_line(_decoded(start[:2000]))
    raise NotATable(f"{host} sent text in place of a table: « {first} ».", "Its address may be wrong.")


def _page_says(body: bytes) -> str:
    """Title, or the first words, of a web page, as « : « title » »; empty if it says nothing."""
    match = _TITLE.search(body[:65536])
    raw = match.group(1) if match else _TAGS.sub(b" ", body[:20000])
    text = one_line(html.unescape(_decoded(raw)))[:120]
    return f": « {text} »" if text else ""


def _status_error(reply: TapReply, host: str) -> TransferError:
    """TAP 1.1, section 3.2: errors come with a status that says so and, in most services, a VOTable with the text."""
    said = _error_text(reply.body)
    transient = reply.status in (408, 425, 429, 502, 503, 504) or (reply.status >= 500 and not said)
    if said and not transient:
        return QueryRefused(
            f"{host} refused the query: « {said} ».", "The table may have changed; its columns are not as expected."
        )
    words = f": « {said} »" if said else _page_says(reply.body)
    if reply.status in (401, 403):
        return QueryRefused(f"{host} does not let this program ask ({reply.status}){words}.", "It may refuse this network.")
    if reply.status in (404, 410):
        return QueryRefused(f"{host} has no such service ({reply.status}){words}.", "Its address may have changed.")
    if not transient:
        return QueryRefused(f"{host} refused the query ({reply.status}){words}.", "The service may have changed.")
    error = TransferError(f"{host} cannot answer now ({reply.status}){words}.", "It is tried again later.")
    error.retry_after_s = reply.retry_after_s
    return error


def _error_text(body: bytes) -> str:
    """The text of a QUERY_STATUS of a document that tells an error; empty if it is none."""
    match = re.search(rb"<(?:\w+:)?INFO\b[^>]*QUERY_STATUS[^>]*>(.*?)</(?:\w+:)?INFO>", body, re.DOTALL | re.IGNORECASE)
    if match is None or b"ERROR" not in match.group(0).partition(b">")[0].upper():
        return ""
    content = re.sub(rb"<!\[CDATA\[(.*?)\]\]>", rb"\1", match.group(1), flags=re.DOTALL)
    return one_line(html.unescape(_decoded(content)))


# ------------------------------------------------------------------------------------------------------------- the table


def _parsed(body: bytes, host: str) -> TapTable:
    from astropy.io.votable.exceptions import VOTableSpecError, VOWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks about the service's spelling; pyvo's about OVERFLOW, which is read below
            return _understood(body, host)
    except (*_DAMAGE, VOTableSpecError, VOWarning) as error:
        if said := _error_text(body):
            raise QueryRefused(f"{host} stopped in the middle of the table: « {said} ».", retryable=True) from error
        raise TransferError(
            f"The table that {host} sent is damaged or cut short and cannot be read.", "It is tried again later."
        ) from error


def _understood(body: bytes, host: str) -> TapTable:
    from astropy.io.votable import parse
    from pyvo.dal.exceptions import DALFormatError, DALQueryError
    from pyvo.dal.tap import TAPResults

    document = parse(io.BytesIO(body), verify="ignore")
    try:
        results = TAPResults(document)
    except DALQueryError as error:
        said = one_line(str(error.reason))
        raise QueryRefused(f"{host} refused the query: « {said} ».", CHANGED_HINT) from error
    except DALFormatError as error:
        raise NotATable(f"{host} sent a VOTable without a table in it{_said_elsewhere(document)}.") from error
    return _taken_from(results, host)


def _said_elsewhere(document: Any) -> str:
    """Services of before DALI put their error into an INFO or PARAM called Error."""
    texts = [
        one_line(str(getattr(entry, "content", "") or entry.value))
        for holder in (document, *document.resources)
        for entry in (*holder.infos, *holder.params)
        if str(entry.name).lower() == "error"
    ]
    return f": « {texts[0]} »" if texts else ""


def _taken_from(results: Any, host: str) -> TapTable:
    table = results.resultstable
    columns: dict[str, NDArray[Any]] = {}
    units: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    for field, stored in zip(table.fields, table.array.dtype.names or (), strict=True):
        name = str(field.name).strip().strip('"').lower()
        if name in columns:
            raise NotATable(f"The table that {host} sent has two columns « {name} ».", retryable=False)
        columns[name] = _column(table.array[stored], name, host)
        if field.unit is not None and str(field.unit):
            units[name] = _unit(field.unit)
        if field.description:
            descriptions[name] = one_line(str(field.description))
    return TapTable(columns, units, descriptions, overflow=results.status[0].lower() == "overflow")


def _unit(unit: Any) -> str:
    try:
        return str(unit.to_string("vounit"))
    except ValueError:  # a unit that the VO's spelling has no word for
        return str(unit)


def _column(values: Any, name: str, host: str) -> NDArray[Any]:
    """One column, shape (n,), in one of DataTable's types."""
    mask, data = np.ma.getmaskarray(values), np.ma.getdata(values)
    kind = data.dtype.kind
    if data.ndim != 1 or kind not in "OSUbiuf":
        raise NotATable(f"The column « {name} » that {host} sent holds something else than single values.", retryable=False)
    if kind in "OSU":
        return _texts(data, mask, name, host)
    unknown = bool(mask.any())
    if kind == "f" or unknown:
        numbers = data.astype(np.float64)
        if unknown:
            numbers[mask] = np.nan
        return numbers
    return data.astype(bool if kind == "b" else np.int64)


def _texts(data: NDArray[Any], mask: NDArray[np.bool_], name: str, host: str) -> NDArray[Any]:
    texts: list[str] = []
    for value, unknown in zip(data.tolist(), mask.tolist(), strict=True):
        if unknown or value is None:
            texts.append("")
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, bytes):
            texts.append(_decoded(value))
        else:
            raise NotATable(f"The column « {name} » that {host} sent holds something else than single values.", retryable=False)
    return np.array(texts, dtype=np.str_) if texts else np.empty(0, dtype="U1")
