"""Reading the HTML listing of a folder of an archive service. Every name in it is suspect until it has been looked at."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from daxa_gui.core.errors import TransferError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.connection import Timeouts, Visit

MOST_BYTES = 8 * 1024 * 1024  # of one listing: about 40 000 files
MOST_NAME_BYTES = 255  # what common file systems take

_TITLE = re.compile(r"\s*(index of|directory listing|directory of|listing of)\b", re.IGNORECASE)
_DATA_NAME = re.compile(r".*\.(fits?|ftz|evt|img|tar|tgz|gz|z|gpg|cat|asc|pdf|jpg|png|gif|txt)$", re.IGNORECASE)


@dataclass(frozen=True)
class ListedFile:
    """One entry of a folder. Listings round sizes, so `size_bytes` is None until somebody asked for the file's own headers."""

    name: str
    size_bytes: int | None = None
    is_folder: bool = False


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
        with Visit(ctx, Timeouts()) as own:
            return read_listing(url, ctx, own)
    folder = url.rstrip("/") + "/"
    with visit.request(folder) as reply:
        if reply.content_type not in ("text/html", "application/xhtml+xml", ""):
            raise TransferError(f"{folder} is not the listing of a folder but {reply.content_type}.", retryable=False)
        page = bytearray()
        for chunk in reply.chunks(ctx):
            page += chunk
            if len(page) > MOST_BYTES:
                raise TransferError(f"The listing of {folder} is longer than {MOST_BYTES // 2**20} MiB.", retryable=False)
        if reply.length is not None and len(page) < reply.length:
            raise TransferError(f"The listing of {folder} came only in part ({len(page)} of {reply.length} bytes).")
        return parse_listing(page.decode("utf-8", "replace"), reply.url)


def parse_listing(page: str, url: str) -> list[ListedFile]:
    """The entries of the HTML text `page` that came from `url`; TransferError if it is not a listing."""
    reader = _PageReader()
    reader.feed(page)
    reader.close()
    entries: dict[str, ListedFile] = {}
    for link in reader.links:
        entry = _entry(link, url)
        if entry is not None:
            entries.setdefault(entry.name, entry)
    if not _is_listing(reader, url, list(entries.values())):
        title = f" (its title is « {reader.title[:80]} »)" if reader.title else ""
        raise TransferError(
            f"The page at {url} is not the listing of a folder{title}.",
            "The server may be under maintenance or ask for a login: look at the address in a browser.",
        )
    return list(entries.values())


class _PageReader(HTMLParser):
    """Collects links, the title, and whether the page asks for a password."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.title = ""
        self.headings: list[str] = []
        self.asks_password = False
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        elif tag == "input" and (values.get("type") or "").lower() == "password":
            self.asks_password = True
        elif tag in ("title", "h1", "h2"):
            self._inside = tag
            if tag != "title":
                self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title = (self.title + data).strip()
        elif self._inside:
            self.headings[-1] += data


def _is_listing(reader: _PageReader, url: str, entries: list[ListedFile]) -> bool:
    """Whether a page is a listing: it says so, it links to the parent folder, or it links to files that hold data."""
    if reader.asks_password:
        return False
    if any(_TITLE.match(text) for text in (reader.title, *reader.headings)):
        return True
    path = urlsplit(url).path.rstrip("/")
    parent = path.rsplit("/", 1)[0] + "/"
    leads_up = any(link.rstrip("/") == ".." or _same_host_path(link, url) == parent for link in reader.links)
    return (leads_up and bool(path)) or any(_DATA_NAME.match(entry.name) for entry in entries if not entry.is_folder)


def _same_host_path(link: str, url: str) -> str | None:
    try:
        there = urlsplit(urljoin(url, link))
    except ValueError:
        return None
    return there.path if there.netloc == urlsplit(url).netloc and not there.query else None


def _entry(link: str, url: str) -> ListedFile | None:
    """What a link of the listing at `url` names, or None if it is no entry of that folder."""
    link = link.strip()
    if not link or "?" in link or "#" in link or "\\" in link:
        return None
    if link.startswith("./"):
        link = link[2:]
    if "/" in link.rstrip("/") or ":" in link.split("%", 1)[0]:
        path = _same_host_path(link, url)
        folder = urlsplit(url).path.rstrip("/") + "/"
        if path is None or not path.startswith(folder):
            return None
        link = path[len(folder) :]
    name = link.rstrip("/")
    if "/" in name or len(link) - len(name) > 1:
        return None
    try:
        name = unquote_to_bytes(name).decode("utf-8")
    except UnicodeError:
        return None
    return ListedFile(name, is_folder=link.endswith("/")) if is_safe_name(name) else None


def is_safe_name(name: str) -> bool:
    """Whether a name from elsewhere can be the name of one file in one folder, here and on other systems."""
    if not name or name != name.strip() or name.startswith(".") or name.endswith("."):
        return False
    if len(name.encode("utf-8", "replace")) > MOST_NAME_BYTES or any(character in '/\\%:*?"<>|' for character in name):
        return False
    # Control, format (bidirectional overrides …), surrogate, private and unassigned characters, line and paragraph separators.
    categories = {unicodedata.category(character) for character in name}
    return not any(category[0] == "C" or category in ("Zl", "Zp") for category in categories)
