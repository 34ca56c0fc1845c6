"""A bucket of an S3 service on 127.0.0.1: ListObjectsV2 in pages, HEAD and GET of objects. End it by leaving its context."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.fakes.loopback import Loopback


@dataclass
class FakeBucket(Loopback):
    """`objects` maps keys to contents."""

    objects: dict[str, bytes] = field(default_factory=dict)
    page_size: int = 1000
    asked: list[str] = field(default_factory=list)  # « LIST prefix », « HEAD key », « GET key »

    def __enter__(self) -> FakeBucket:
        handler = type("Handler", (_Handler,), {"bucket": self})
        return self.listen(handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/bucket"

    def list_objects(self, query: dict[str, list[str]]) -> str:
        """The XML answer of ListObjectsV2, as the Amazon S3 API reference describes it."""
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        after = query.get("continuation-token", [""])[0].removeprefix("token/+=")
        found: dict[str, int | None] = {}
        for key in sorted(self.objects):
            if key.startswith(prefix):
                rest = key[len(prefix) :]
                folder, slash, _ = rest.partition("/")
                if delimiter and slash:
                    found[f"{prefix}{folder}/"] = None
                else:
                    found[key] = len(self.objects[key])
        names = [name for name in sorted(found) if name > after]
        shown, more = names[: self.page_size], len(names) > self.page_size
        parts = ["<IsTruncated>true</IsTruncated>" if more else "<IsTruncated>false</IsTruncated>"]
        if more:
            parts.append(f"<NextContinuationToken>{escape('token/+=' + shown[-1])}</NextContinuationToken>")
        for name in shown:
            text = quote(name, safe="/") if query.get("encoding-type") == ["url"] else escape(name)
            if found[name] is None:
                parts.append(f"<CommonPrefixes><Prefix>{text}</Prefix></CommonPrefixes>")
            else:
                parts.append(f"<Contents><Key>{text}</Key><ETag>&quot;x&quot;</ETag><Size>{found[name]}</Size></Contents>")
        body = "".join(parts)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>bucket</Name><Prefix>{escape(prefix)}</Prefix><EncodingType>url</EncodingType>{body}</ListBucketResult>"
        )


class _Handler(BaseHTTPRequestHandler):
    bucket: FakeBucket
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        parts = urlsplit(self.path)
        key = unquote(parts.path).removeprefix("/bucket").lstrip("/")
        query = parse_qs(parts.query)
        if query.get("list-type") == ["2"] and not key:
            self.bucket.asked.append(f"LIST {query.get('prefix', [''])[0]}")
            self._send(200, "application/xml", self.bucket.list_objects(query).encode(), with_body)
            return
        self.bucket.asked.append(f"{self.command} {key}")
        if key in self.bucket.objects:
            self._send(200, "binary/octet-stream", self.bucket.objects[key], with_body)
        else:
            self._send(404, "application/xml", b"<Error><Code>NoSuchKey</Code></Error>", with_body)

    def _send(self, status: int, content_type: str, body: bytes, with_body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)
