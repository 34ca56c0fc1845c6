"""Checksums that servers announce in the headers of an answer, and computing them while a file arrives."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping
from email.message import Message
from pathlib import Path

from daxa_gui.core.step import TaskContext

CHUNK_BYTES = 1024 * 1024
# Length in bytes of each checksum that can be computed here.
_LENGTHS = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "crc32": 4}
_NAMES = {"md5": "md5", "sha": "sha1", "sha-1": "sha1", "sha-256": "sha256", "sha-512": "sha512"}
_PAIR = re.compile(r"\s*([A-Za-z0-9-]+)=:?([A-Za-z0-9+/]+=*):?\s*$")


def announced(headers: Message, status: int) -> dict[str, str]:
    """The checksums of the whole file that an answer announces, as hexadecimal text by name (`md5`, `sha1`, `sha256`, `sha512`,
    `crc32`). What cannot be understood is left out.

    Sources: RFC 1864 (Content-MD5), RFC 3230 (Digest), RFC 9530 (Repr-Digest, Content-Digest), Amazon S3 API reference
    (x-amz-checksum-…; an ETag is the MD5 of an object that was uploaded in one piece and is not encrypted with a key).
    """
    found: dict[str, str] = {}
    for field in ("Repr-Digest", "Digest"):  # of the whole file, also in the answer with a part of it
        _take_pairs(found, headers.get_all(field, []))
    if status == 200:
        _take_pairs(found, headers.get_all("Content-Digest", []))
        _take(found, "md5", headers.get("Content-MD5", ""))
    if headers.get("x-amz-checksum-type", "FULL_OBJECT").upper() == "FULL_OBJECT":
        for name in ("sha1", "sha256", "crc32"):
            _take(found, name, headers.get(f"x-amz-checksum-{name}", ""))
    etag = headers.get("ETag", "").strip('"').lower()
    if _is_plain_s3(headers) and re.fullmatch(r"[0-9a-f]{32}", etag):
        found.setdefault("md5", etag)
    return found


def _is_plain_s3(headers: Message) -> bool:
    if headers.get("Server", "") != "AmazonS3" and "x-amz-request-id" not in headers:
        return False
    by_customer = "x-amz-server-side-encryption-customer-algorithm" in headers
    return not by_customer and headers.get("x-amz-server-side-encryption", "AES256") == "AES256"


def _take_pairs(found: dict[str, str], values: Iterable[str]) -> None:
    for pair in ",".join(values).split(","):
        if (match := _PAIR.match(pair)) and (name := _NAMES.get(match[1].lower())):
            _take(found, name, match[2])


def _take(found: dict[str, str], name: str, text: str) -> None:
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return
    if len(value) == _LENGTHS[name]:
        found.setdefault(name, value.hex())


class Sums:
    """The SHA-256 of what passes, and with it the checksums that were announced.

    Parameters
    ----------
    expected : hexadecimal checksums by name, as `announced` gives them.
    """

    def __init__(self, expected: Mapping[str, str]) -> None:
        self._expected = dict(expected)
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *expected} if name != "crc32"}
        self._crc32: int | None = 0 if "crc32" in expected else None

    def update(self, data: bytes | memoryview) -> None:
        for one in self._hashes.values():
            one.update(data)
        if self._crc32 is not None:
            self._crc32 = zlib.crc32(data, self._crc32)

    def update_from(self, file: Path, ctx: TaskContext) -> None:
        """Take in what is in a file already."""
        with file.open("rb", buffering=0) as source:
            while chunk := source.read(CHUNK_BYTES):
                ctx.check_cancelled()
                self.update(chunk)

    @property
    def sha256(self) -> str:
        return self._hashes["sha256"].hexdigest()

    def wrong(self) -> str:
        """Name of an announced checksum that what passed does not have; empty if it has them all."""
        for name, expected in self._expected.items():
            got = f"{self._crc32:08x}" if name == "crc32" else self._hashes[name].hexdigest()
            if got != expected:
                return name
        return ""
