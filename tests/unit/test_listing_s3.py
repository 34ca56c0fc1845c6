import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.connection import Visit
from daxa_gui.remote.listing import ListedFile, Page
from daxa_gui.remote.listing_s3 import list_s3
from daxa_gui.remote.looking import VisitedWeb
from tests.fakes.fake_bucket import FakeBucket
from tests.fakes.task_context import FakeContext


def listed(bucket: FakeBucket, path: str, **more):
    ctx = FakeContext()
    with Visit(ctx) as visit:
        return list_s3(bucket.url, path, VisitedWeb(ctx, visit).page, **more)


def answer(body: str, *, root: str = "ListBucketResult"):
    """A service that always answers the same."""
    return lambda url, types: Page(url, "application/xml", f'<?xml version="1.0"?><{root}>{body}</{root}>')


@pytest.fixture
def bucket():
    with FakeBucket() as server:
        server.objects = {
            "xmm/1/PPS/a.FTZ": bytes(7),
            "xmm/1/PPS/b c+d.FTZ": bytes(8),
            "xmm/1/ODF/raw/deep.fits": bytes(3),
            "xmm/1/MANIFEST": b"1",
            "xmm/10/other.fits": b"1",
        }
        yield server


def test_that_a_folder_is_listed_with_exact_sizes(bucket):
    assert listed(bucket, "xmm/1/PPS/")[""].entries() == [ListedFile("a.FTZ", 7, True), ListedFile("b c+d.FTZ", 8, True)]
    assert listed(bucket, "xmm/1")[""].folders == ["ODF", "PPS"]
    assert bucket.asked == ["LIST xmm/1/PPS/", "LIST xmm/1/"]


def test_that_one_question_lists_everything_below_a_folder(bucket):
    found = listed(bucket, "/xmm/1/", recursive=True)
    assert {folder: listing.names for folder, listing in found.items()} == {
        "": ["MANIFEST"],
        "PPS": ["a.FTZ", "b c+d.FTZ"],
        "ODF/raw": ["deep.fits"],
    }
    assert len(bucket.asked) == 1


def test_that_all_pages_of_a_long_listing_are_read(bucket):
    bucket.objects = {f"a/{number:04d}.fits": bytes(number % 5) for number in range(95)}
    bucket.page_size = 10
    found = listed(bucket, "a")[""]
    assert found.names == [f"{number:04d}.fits" for number in range(95)]
    assert found.entry("0094.fits").size_bytes == 4
    assert len(bucket.asked) == 10


def test_that_nothing_below_a_path_means_that_it_is_missing(bucket):
    with pytest.raises(StatusError) as caught:
        listed(bucket, "xmm/2")
    assert caught.value.says_missing


def test_that_a_listing_that_repeats_itself_ends():
    body = "<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken><Contents><Key>a/b</Key></Contents>"
    with pytest.raises(TransferError, match="no end"):
        list_s3("http://h", "a", answer(body))


def test_that_far_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr("daxa_gui.remote.listing_s3.MOST_OBJECTS", 1000)

    def page(url, types):
        token = parse_qs(urlsplit(url).query).get("continuation-token", ["0"])[0]
        keys = "".join(f"<Contents><Key>a/{token}-{number}</Key><Size>1</Size></Contents>" for number in range(300))
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{int(token) + 1}</NextContinuationToken>"
        return Page(url, "application/xml", f"<ListBucketResult>{keys}{more}</ListBucketResult>")

    with pytest.raises(TransferError, match="more than 1000"):
        list_s3("http://h", "a", page)


@pytest.mark.parametrize(
    ("body", "root"),
    [
        ("<Code>AccessDenied</Code>", "Error"),
        ("<IsTruncated>true</IsTruncated>", "ListBucketResult"),
        ("<Contents>", "ListBucketResult"),
        ("<a>" * 30 + "</a>" * 30, "ListBucketResult"),
        ("&nothing;", "ListBucketResult"),
    ],
)
def test_that_other_xml_is_no_listing(body, root):
    with pytest.raises(TransferError, match=r"no list of objects|does not say how"):
        list_s3("http://h", "a", answer(body, root=root))


def test_that_entities_are_refused():
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><ListBucketResult>&a;</ListBucketResult>'
    with pytest.raises(TransferError, match="document type"):
        list_s3("http://h", "a", lambda url, types: Page(url, "application/xml", bomb))


HOSTILE = st.text(alphabet=st.one_of(st.sampled_from("./\\%2eEfF5cC:?#& ab"), st.characters(codec="utf-8")), max_size=24)


@given(st.lists(HOSTILE, max_size=6), st.booleans())
def test_that_whatever_the_keys_are_every_name_is_one_file_of_its_folder(keys, recursive):
    contents = "".join(
        f"<Contents><Key>a/{escape(''.join(c for c in key if c.isprintable()))}</Key><Size>1</Size></Contents>" for key in keys
    )
    found = list_s3("http://h", "a", answer(contents + "<Contents><Key>a/ok</Key></Contents>"), recursive=recursive)
    for folder, listing in found.items():
        here = Path("/raw/1") / folder
        for entry in listing.entries():
            assert Path(os.path.normpath(here / entry.name)).parent == Path(os.path.normpath(here))
            assert Path(os.path.normpath(here)).is_relative_to("/raw/1")
    assert "ok" in found[""].names
