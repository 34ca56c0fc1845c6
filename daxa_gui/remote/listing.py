"""Reading the listing of a folder of an archive service: HTML pages of several servers, JSON of nginx, S3, a folder of a disk.

Every name in a listing is suspect until it has been looked at. The pages are long and many (an XMM-Newton observation has a
thousand files), so links are found by one expression and sizes are only read of the files that somebody wants.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from daxa_gui.core.errors import TransferError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.connection import Visit

MOST_BYTES = 8 * 1024 * 1024  # of one listing: about 40 000 files
MOST_NAME_BYTES = 255  # what common file systems take

PAGE_TYPES = ("text/html", "application/xhtml+xml", "application/json", "")

_TITLE = re.compile(r"\s*(index of|directory listing|directory of|listing of)\b", re.IGNORECASE)
_DATA_NAME = re.compile(r".*\.(fits?|ftz|evt|img|tar|tgz|gz|z|gpg|cat|asc|pdf|jpg|png|gif|txt)$", re.IGNORECASE)
# Classes such as [aA] in place of IGNORECASE: the expression then begins with a constant that is looked for quickly. No part
# of it runs over a < or >, so that no page makes it slow.
_SIMPLE = r"[A-Za-z0-9_](?:[A-Za-z0-9_.+,=~-]{0,250}[A-Za-z0-9_+=~-])?/?"  # names that need no further look
_LINK = re.compile(rf"""<[aA]\s(?:[^<>]*?\s)?[hH][rR][eE][fF]\s*=\s*(?:"({_SIMPLE})"|"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))""")
_HEADING = re.compile(r"<(?:[tT][iI][tT][lL][eE]|[hH][12])\b[^<>]*>\s*([^<]{0,200})")
_PASSWORD = re.compile(r"<[iI][nN][pP][uU][tT]\b[^<>]*\b[tT][yY][pP][eE]\s*=\s*[\"']?[pP][aA][sS][sS][wW]")
_USUAL_LINK = re.compile(rf'<a href="(?:({_SIMPLE})|([^"<>]*))"')  # three times as fast: it begins with a longer constant
_NEXT_LINK = re.compile(r"<[aA]\s")
_TAG = re.compile(r"<[^<>]*>")
_A_DATE = r"(?:\d{4}-\d\d-\d\d|\d\d-[A-Z][a-z]{2}-\d{4})(?:[ T]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?)?"
_A_SIZE = r"(\d{1,15}(?:\.\d{1,3})?)\s?([KMGTkmgt]?)(?:i?B|[bB]ytes)?(?![\w.:/-])"
_DATE = re.compile(rf"\b{_A_DATE}")
_SIZE = re.compile(_A_SIZE)
_USUAL_ROW = re.compile(rf"[^<>]*>[^<>]*</[aA]>\s{{0,400}}{_A_DATE} {{1,40}}{_A_SIZE}")  # of Apache and nginx
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_TAIL_CHARACTERS = 600  # behind a link, where its file's date and size are looked for


class NoListingError(TransferError):
    """A server sent something else than the listing of a folder: a login page, a word about maintenance, a file."""


class ListedFile(NamedTuple):
    """One entry of a folder. `size_bytes` is None where the listing does not tell; `exact` is false where it rounds."""

    name: str
    size_bytes: int | None = None
    exact: bool = False
    is_folder: bool = False


class Page(NamedTuple):
    """What a server answered: the address after redirects, the content type, the text."""

    url: str
    content_type: str
    text: str


class Listing:
    """The entries of one folder, in the listing's order, each once."""

    def __init__(self, entries: Iterable[ListedFile] = ()) -> None:
        self._entries = {entry.name: entry for entry in entries}

    @property
    def names(self) -> list[str]:
        """Of the files."""
        return [entry.name for entry in self._entries.values() if not entry.is_folder]

    @property
    def folders(self) -> list[str]:
        return [entry.name for entry in self._entries.values() if entry.is_folder]

    def entry(self, name: str) -> ListedFile:
        """An entry with its size; KeyError if there is none of that name."""
        return self._entries[name]

    def entries(self) -> list[ListedFile]:
        return list(self._entries.values())


class _PageListing(Listing):
    """Entries of an HTML page, whose sizes are read when they are asked for."""

    def __init__(self, page: str, ends: dict[str, int], folders: dict[str, None]) -> None:
        self._page, self._ends, self._folders = page, ends, folders

    @property
    def names(self) -> list[str]:
        return [name for name in self._ends if name not in self._folders] if self._folders else list(self._ends)

    @property
    def folders(self) -> list[str]:
        return list(self._folders)

    def entry(self, name: str) -> ListedFile:
        start = self._ends[name]
        if name in self._folders:
            return ListedFile(name, is_folder=True)
        return ListedFile(name, *_size_behind(self._page, start))

    def entries(self) -> list[ListedFile]:
        return [self.entry(name) for name in self._ends]


def read_listing(url: str, ctx: TaskContext, visit: Visit | None = None) -> list[ListedFile]:
    """The files and folders that the page at `url` (a folder) lists, in its order, each once.

    Links that sort the listing, that lead to the parent, elsewhere, or below a sub-folder, and names that could not be
    file names here (separators, `..`, control characters, hidden ones) are left out.

    Raises
    ------
    StatusError : the server says that there is no such folder, or that it may not be seen.
    TransferError : the page cannot be fetched, is too long, or is not a listing (a login page, an error page).
    """
    if visit is None:
        with Visit(ctx) as own:
            return read_listing(url, ctx, own)
    return parse_page(read_page(url.rstrip("/") + "/", ctx, visit)).entries()


def read_page(url: str, ctx: TaskContext, visit: Visit, types: tuple[str, ...] = PAGE_TYPES) -> Page:
    """The text at `url`, a listing of at most `MOST_BYTES`; raises as `read_listing` does."""
    with visit.request(url) as reply:
        if reply.content_type not in types:
            raise NoListingError(f"{url} is not the listing of a folder but {reply.content_type}.", retryable=False)
        page = bytearray()
        for chunk in reply.chunks(ctx):
            page += chunk
            if len(page) > MOST_BYTES:
                raise TransferError(f"The listing of {url} is longer than {MOST_BYTES // 2**20} MiB.", retryable=False)
        if reply.length is not None and len(page) < reply.length:
            raise TransferError(f"The listing of {url} came only in part ({len(page)} of {reply.length} bytes).")
        return Page(reply.url, reply.content_type, page.decode("utf-8", "replace"))


def parse_page(page: Page) -> Listing:
    """The entries of a page, whatever its form; TransferError if it is no listing."""
    return parse_json(page.text, page.url) if page.content_type == "application/json" else parse_listing(page.text, page.url)


def parse_json(text: str, url: str) -> Listing:
    """The entries of nginx's JSON listing (`autoindex_format json`): a list of objects with name, type and, of files, size."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NoListingError(f"The text at {url} is not the listing of a folder.", "Look at the address in a browser.")
    entries: dict[str, ListedFile] = {}
    for item in items:
        name, size, kind = item.get("name"), item.get("size"), item.get("type")
        if isinstance(name, str) and is_safe_name(name) and kind in ("file", "directory"):
            known = isinstance(size, int) and not isinstance(size, bool) and size >= 0 and kind == "file"
            entries.setdefault(name, ListedFile(name, size if known else None, known, kind == "directory"))
    return Listing(entries.values())


def parse_listing(page: str, url: str) -> Listing:
    """The entries of the HTML text `page` that came from `url`; TransferError if it is not a listing."""
    page = _without_comments(page)
    ends: dict[str, int] = {}  # where the newest link to a name ends
    folders: dict[str, None] = {}
    for match in _links(page):
        name = match[1]
        if name is not None and name[-1] != "/":
            ends[name] = match.end()
            continue
        if name is not None:
            name, is_folder = name[:-1], True
        else:
            link = match[match.lastindex or 2]
            name, is_folder = _entry(html.unescape(link) if "&" in link else link, url)
        if name:
            ends[name] = match.end()
        if name and is_folder:
            folders[name] = None
    listing = _PageListing(page, ends, folders)
    if not _is_listing(page, url, listing):
        title = next((found[1].strip() for found in _HEADING.finditer(page) if found[1].strip()), "")
        raise NoListingError(
            f"The page at {url} is not the listing of a folder{f' (its title is « {title[:80]} »)' if title else ''}.",
            "The server may be under maintenance or ask for a login: look at the address in a browser.",
        )
    return listing


def _links(page: str) -> Iterable[re.Match[str]]:
    """All links of a page: group 1 is a simple name, another one whatever else the link is."""
    usual = list(_USUAL_LINK.finditer(page))
    return usual if len(usual) == page.count("<a") + page.count("<A") else _LINK.finditer(page)


def _without_comments(page: str) -> str:
    if "<!--" not in page:
        return page
    kept, position = [], 0
    while (start := page.find("<!--", position)) >= 0:
        kept.append(page[position:start])
        end = page.find("-->", start)
        position = end + 3 if end >= 0 else len(page)
    return "".join([*kept, page[position:]])


def _is_listing(page: str, url: str, listing: Listing) -> bool:
    """Whether a page is a listing: it says so, it links to the parent folder, or it links to files that hold data."""
    if _PASSWORD.search(page):
        return False
    if any(_TITLE.match(found[1]) for found in _HEADING.finditer(page)):
        return True
    path = urlsplit(url).path.rstrip("/")
    parent = path.rsplit("/", 1)[0] + "/"
    links = [html.unescape(match[match.lastindex or 2]) for match in _links(page)]
    leads_up = any(link.rstrip("/") == ".." or _same_host_path(link, url) == parent for link in links)
    return (leads_up and bool(path)) or any(_DATA_NAME.match(name) for name in listing.names)


def _size_behind(page: str, start: int) -> tuple[int | None, bool]:
    """The size in the text behind a link: what stands right behind a date, or a table's cell that is a number alone.

    Returns bytes (None: it does not say) and whether they are exact. Servers round what they write with a unit; a number
    without one is of bytes (Apache below 1000, nginx, eROSITA-DE).
    """
    sizes = _USUAL_ROW.match(page, start)
    if sizes is None:
        following = _NEXT_LINK.search(page, start, start + _TAIL_CHARACTERS)
        sizes = _size_in(page[start : following.start() if following else start + _TAIL_CHARACTERS])
    if sizes is None:
        return None, False
    number, unit = sizes[1], sizes[2].upper()
    return round(float(number) * _UNITS[unit]), not unit and "." not in number


def _size_in(behind: str) -> re.Match[str] | None:
    if dated := _DATE.search(behind):
        return _SIZE.match(_TAG.sub(" ", behind[dated.end() :]).lstrip())
    cells = (text.strip() for text in _TAG.split(behind)[1:])
    return next((found for text in cells if (found := _SIZE.fullmatch(text))), None)


def _same_host_path(link: str, url: str) -> str | None:
    try:
        there = urlsplit(urljoin(url, link))
    except ValueError:
        return None
    return there.path if there.netloc == urlsplit(url).netloc and not there.query else None


def _entry(link: str, url: str) -> tuple[str, bool]:
    """What a link of the listing at `url` names, and whether that is a folder; an empty name if it is no entry of that folder."""
    nothing = "", False
    link = link.strip()
    if not link or "?" in link or "#" in link or "\\" in link:
        return nothing
    if link[0] == "/" and link in url:
        return nothing  # a folder above, or this one; every listing has one, and looking closer takes long
    if link.startswith("./"):
        link = link[2:]
    if "/" in link.rstrip("/") or ":" in link.split("%", 1)[0]:
        path = _same_host_path(link, url)
        folder = urlsplit(url).path.rstrip("/") + "/"
        if path is None or not path.startswith(folder):
            return nothing
        link = path[len(folder) :]
    name = link.rstrip("/")
    if "/" in name or len(link) - len(name) > 1:
        return nothing
    try:
        name = unquote_to_bytes(name).decode("utf-8")
    except UnicodeError:
        return nothing
    return (name, link.endswith("/")) if is_safe_name(name) else nothing


def is_safe_name(name: str) -> bool:
    """Whether a name from elsewhere can be the name of one file in one folder, here and on other systems."""
    if not name or name != name.strip() or name.startswith(".") or name.endswith("."):
        return False
    if len(name.encode("utf-8", "replace")) > MOST_NAME_BYTES or any(character in '/\\%:*?"<>|' for character in name):
        return False
    # Control, format (bidirectional overrides …), surrogate, private and unassigned characters, line and paragraph separators.
    categories = {unicodedata.category(character) for character in name}
    return not any(category[0] == "C" or category in ("Zl", "Zp") for category in categories)


def is_safe_path(path: str) -> bool:
    """Whether every part of a relative path could be a file's name here."""
    return all(is_safe_name(part) for part in path.split("/"))
