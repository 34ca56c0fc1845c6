"""Whether a file that begins to arrive is what its name says: its first bytes, and pages of servers in place of data."""

from __future__ import annotations

import re

_FITS_NAME = re.compile(r".*\.(fits?|evt|img|arf|rmf|pha|pi|gti|lc|hk|mkf|orb)$", re.IGNORECASE)
_PAGE_TYPES = {
    "text/html": "a web page",
    "application/xhtml+xml": "a web page",
    "application/json": "a JSON document",
    "application/problem+json": "a JSON document",
    "application/xml": "an XML document",
    "text/xml": "an XML document",
}
_PAGE_ENDINGS = {
    "a web page": (".html", ".htm"),
    "a JSON document": (".json",),
    "an XML document": (".xml", ".vot", ".html", ".htm"),
}


def is_fits_name(name: str) -> bool:
    """Whether a file of this (unpacked) name holds FITS."""
    return _FITS_NAME.match(name) is not None


def begins_as_named(name: str, first: bytes) -> bool:
    """Whether the first bytes (a few hundred of them) of a file are what its name promises."""
    lower = name.lower()
    if lower.endswith((".gz", ".ftz", ".tgz")):
        return first.startswith(b"\x1f\x8b")
    if lower.endswith(".z"):
        return first.startswith(b"\x1f\x9d")
    if lower.endswith(".bz2"):
        return first.startswith(b"BZh")
    if lower.endswith(".tar"):
        return len(first) >= 262 and first[257:262] == b"ustar"
    return first.startswith(b"SIMPLE  =") if is_fits_name(name) else True


def page_in_place_of(name: str, first: bytes, content_type: str = "") -> str:
    """What a server sent in place of the file `name`, judged by the first bytes and the header Content-Type: "a web page",
    "a JSON document", "an XML document"; empty if it may be the file."""
    what = _kind_of_page(first) or _PAGE_TYPES.get(content_type.lower(), "")
    return "" if not what or name.lower().endswith(_PAGE_ENDINGS[what]) else what


def looks_like_html(first: bytes) -> bool:
    """Whether the first bytes are those of a web page."""
    return _kind_of_page(first) == "a web page"


def _kind_of_page(first: bytes) -> str:
    start = first.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    is_xml = start.startswith(b"<?xml")
    if is_xml:
        start = start.partition(b"?>")[2].lstrip()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return "a web page"
    if is_xml or start.startswith((b"<error>", b"<votable")):
        return "an XML document"
    return "a JSON document" if re.match(rb'[\[{]\s*("|\{|\[|\}|\])', start) else ""
