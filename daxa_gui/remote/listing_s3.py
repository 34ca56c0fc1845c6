"""Listing a folder of an S3 bucket that everybody may read: ListObjectsV2 of the Amazon S3 API, all of its pages.

Sizes are exact. With `recursive` one question lists everything below a folder.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote
from xml.parsers import expat

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.addresses import StatusError, join_url
from daxa_gui.remote.listing import ListedFile, Listing, NoListingError, Page, is_safe_name, is_safe_path

MOST_OBJECTS = 100_000  # of one listing
PAGE_TYPES = ("application/xml", "text/xml", "")

GetPage = Callable[[str, tuple[str, ...]], Page]


def list_s3(address: str, path: str, get_page: GetPage, *, recursive: bool = False) -> dict[str, Listing]:
    """The listings of the folder `path` of a bucket, by folder relative to it ("" is itself).

    Parameters
    ----------
    address : the bucket's address (`https://bucket.s3.amazonaws.com`, or `https://host/bucket`).
    get_page : asks for an address with one of some content types; raises TransferError.
    recursive : everything below, with one series of questions; otherwise sub-folders are only named.

    Raises
    ------
    StatusError : there is nothing below this path (its `says_missing` is true).
    TransferError : the answer is no list of objects, has no end, or holds far more than a folder of an observation.
    """
    prefix = path.strip("/") + "/"
    found: dict[str, dict[str, ListedFile]] = {"": {}}
    token, n_objects = "", 0
    seen: set[str] = set()
    while True:
        query = [("list-type", "2"), ("prefix", prefix), ("encoding-type", "url")]
        query += [] if recursive else [("delimiter", "/")]
        query += [("continuation-token", token)] if token else []
        page = get_page(join_url(address, "", query), PAGE_TYPES)
        reply = _Reader(page.url).read(page.text)
        n_objects += len(reply.objects) + len(reply.prefixes)
        if n_objects > MOST_OBJECTS:
            raise TransferError(f"{address}/{prefix} holds more than {MOST_OBJECTS} files.", retryable=False)
        _sort_in(reply, prefix, found)
        token = reply.next_token
        if not token:
            break
        if token in seen:
            raise TransferError(f"The listing of {address}/{prefix} has no end.", retryable=False)
        seen.add(token)
    if not n_objects:
        raise StatusError(404, f"There is no folder {prefix} in {address}.", "The copy may lack it.")
    return {folder: Listing(entries.values()) for folder, entries in found.items()}


def _sort_in(reply: _Reader, prefix: str, found: dict[str, dict[str, ListedFile]]) -> None:
    """Put objects and sub-folders into the listings of their folders; names that could not be files here are left out."""
    for key, size in reply.objects:
        relative = key.removeprefix(prefix)
        if key.startswith(prefix) and relative and is_safe_path(relative):
            folder, _, name = relative.rpartition("/")
            found.setdefault(folder, {}).setdefault(name, ListedFile(name, size, size is not None))
    for key in reply.prefixes:
        name = key.removeprefix(prefix).rstrip("/")
        if key.startswith(prefix) and is_safe_name(name):
            found[""].setdefault(name, ListedFile(name, is_folder=True))


class _Reader:
    """One answer: `objects` (key, bytes), `prefixes`, `next_token`. Document types and entities are refused."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.objects: list[tuple[str, int | None]] = []
        self.prefixes: list[str] = []
        self.next_token = ""
        self._is_truncated = self._is_encoded = False
        self._path: list[str] = []
        self._text: list[str] = []
        self._key, self._size = "", ""

    def read(self, text: str) -> _Reader:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            raise NoListingError(f"What {self._url} answered is no list of objects ({error}).") from None
        if not self._is_truncated:
            self.next_token = ""
        elif not self.next_token:
            raise NoListingError(f"What {self._url} answered goes on, but does not say how.")
        if self._is_encoded:
            self.objects = [(unquote(key), size) for key, size in self.objects]
            self.prefixes = [unquote(key) for key in self.prefixes]
        return self

    def _refuse(self, *_: object) -> None:
        raise NoListingError(f"What {self._url} answered is no list of objects (it declares a document type).", retryable=False)

    def _start(self, name: str, _: object) -> None:
        self._path.append(name.rpartition(":")[2])
        self._text.clear()
        if len(self._path) == 1 and self._path[0] != "ListBucketResult":
            raise NoListingError(f"What {self._url} answered is no list of objects (« {self._path[0][:40]} »).")
        if len(self._path) > 20:
            raise NoListingError(f"What {self._url} answered is no list of objects (too deep).", retryable=False)

    def _end(self, _: str) -> None:
        text, where = "".join(self._text), "/".join(self._path[1:])
        self._text.clear()
        self._path.pop()
        if where == "Contents/Key":
            self._key = text
        elif where == "Contents/Size":
            self._size = text.strip()
        elif where == "Contents":
            size = int(self._size) if self._size.isascii() and self._size.isdigit() and len(self._size) < 16 else None
            self.objects.append((self._key, size))
            self._key = self._size = ""
        elif where == "CommonPrefixes/Prefix":
            self.prefixes.append(text)
        elif where == "NextContinuationToken":
            self.next_token = text.strip()
        elif where == "IsTruncated":
            self._is_truncated = text.strip() == "true"
        elif where == "EncodingType":
            self._is_encoded = text.strip() == "url"
