import contextlib
import html
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import TransferError
from daxa_gui.remote import listing
from daxa_gui.remote.connection import StatusError
from daxa_gui.remote.listing import ListedFile, is_safe_name, parse_json, parse_listing, read_listing
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.task_context import FakeContext

URL = "https://archive.example/FTP/xmm/0097820101/PPS/"


def page(links: str, title: str = "Index of /FTP/xmm/0097820101/PPS") -> str:
    return f"<html><head><title>{title}</title></head><body><pre>{links}</pre></body></html>"


def names(links: str) -> list[str]:
    return [entry.name for entry in parse_listing(page(links), URL).entries()]


def test_that_files_and_folders_are_listed_once_and_in_order():
    links = '<a href="b.FTZ">b.FTZ</a> <a href="a.FTZ">a.FTZ</a> <a href="sub/">sub/</a> <a href="b.FTZ"><img src="x.gif"></a>'
    assert parse_listing(page(links), URL).entries() == [
        ListedFile("b.FTZ"),
        ListedFile("a.FTZ"),
        ListedFile("sub", is_folder=True),
    ]


def test_that_sort_links_and_the_parent_are_no_entries():
    assert names('<a href="?C=N;O=D">Name</a><a href="/FTP/xmm/0097820101/">Parent Directory</a><a href="../">up</a>') == []


@pytest.mark.parametrize(
    "link",
    [
        "../evil.fits",
        "../../etc/passwd",
        "/etc/passwd",
        "https://elsewhere.example/FTP/xmm/0097820101/PPS/evil.fits",
        "//elsewhere.example/evil.fits",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "mailto:somebody@example.org",
        "%2e%2e/evil.fits",
        "%2e%2e",
        "..%2fevil.fits",
        "a%2fb.fits",
        "a%5cb.fits",
        "a\\b.fits",
        "nul%00.fits",
        "line%0abreak.fits",
        "%e2%80%aestif.live",
        "broken%ff%fe.fits",
        "double%252e%252e",
        ".hidden",
        "sub/below.fits",
        "sub//",
        "",
        "#top",
        "a.fits#part",
        "x" * 300 + ".fits",
        "http://[broken/evil.fits",
    ],
)
def test_that_a_link_that_is_no_file_of_the_folder_is_left_out(link):
    assert names(f'<a href="{link}">x</a><a href="good.fits">good</a>') == ["good.fits"]


def test_that_blanks_quotes_and_letters_of_any_language_are_kept():
    links = """<a href="with%20blank.fits">1</a><a href="o'clock.fits">2</a><a href="%C3%A9t%C3%A9.fits">3</a>"""
    links += '<a href="&auml;.fits">4</a>'
    assert names(links) == ["with blank.fits", "o'clock.fits", "été.fits", "ä.fits"]


def test_that_absolute_links_into_the_folder_itself_count():
    assert names(f'<a href="/FTP/xmm/0097820101/PPS/a.fits">a</a><a href="{URL}b.fits">b</a><a href="./c.fits">c</a>') == [
        "a.fits",
        "b.fits",
        "c.fits",
    ]


def test_that_a_table_without_a_usual_title_is_a_listing_when_it_links_to_data():
    rows = '<table><tr><td><a href="em01_134135_020_EventList_c010.fits.gz">em01</a></td><td>53391851</td></tr></table>'
    (entry,) = parse_listing(page(rows, title="eROSITA-DE DR1 data"), URL).entries()
    assert entry == ListedFile("em01_134135_020_EventList_c010.fits.gz", 53391851, exact=True)


@pytest.mark.parametrize(
    "text",
    [
        page('<form action="login"><input name="u"><input type="password" name="p"></form><a href="help.fits">Help</a>', "Login"),
        page('<a href="contact.html">Contact us</a>', "Service unavailable"),
        "",
        "plain words",
    ],
)
def test_that_a_page_that_is_no_listing_is_an_error(text):
    with pytest.raises(TransferError, match="not the listing"):
        parse_listing(text, URL)


def test_that_damaged_html_never_raises_anything_else():
    for text in ("<a href=", "<<<>>>", "<title>Index of /x<a href='a.fits'", "<!DOCTYPE [", "\0" * 50, "<a href='a.fits'" * 100):
        try:
            parse_listing(text, URL)
        except TransferError as error:
            assert "not the listing" in error.message


def test_that_safe_names_are_names_of_files():
    assert is_safe_name("P0405320501M1S002MIEVLI0000.FTZ")
    for name in ("", ".", "..", "a/b", "a\\b", "a:b", "c ", " c", "dot.", "tab\t", "\u202e", "a*", 'a"'):
        assert not is_safe_name(name)


@given(st.lists(st.text(alphabet=st.one_of(st.sampled_from("./\\%2eEfF5cC:?#&;~ ab"), st.characters()), max_size=30), max_size=8))
def test_that_whatever_a_page_links_to_every_name_is_one_file_of_the_folder(hrefs):
    links = "".join(f'<a href="{html.escape(href)}">x</a>' for href in hrefs)
    folder = Path("/raw/0097820101")
    for entry in parse_listing(page(links), URL).entries():
        path = os.path.normpath(folder / entry.name)
        assert Path(path).parent == folder
        assert Path(path).name == entry.name


@pytest.mark.parametrize(
    ("behind", "size", "exact"),
    [
        ("</a>    2019-01-01 10:00  1.2M  ", round(1.2 * 2**20), False),
        ("</a>    2019-01-01 10:00   973   ", 973, True),
        ("</a>    21-Nov-2026 16:20            53391851", 53391851, True),
        ("</a>    21-Nov-2026 16:20                 12K", 12 * 1024, False),
        ('</a></td><td align="right">2019-01-01 10:00  </td><td align="right"> 53K</td><td>&nbsp;</td></tr>', 53 * 1024, False),
        ("</a></td><td>fits</td><td>2024-01-31</td><td>53391851</td></tr>", 53391851, True),
        ("</a></td><td>53391851</td><td>fits</td></tr>", 53391851, True),
        ("</a>    2019-01-01 10:00    -   Level 2 data of 3 exposures", None, False),
        ("</a> made in 2019 with version 12", None, False),
        ("</a>", None, False),
        ("</a>    2019-01-01 10:00  99999999999999999999", None, False),
    ],
)
def test_that_sizes_are_read_as_servers_write_them(behind, size, exact):
    text = page(f'<a href="a.fits">a.fits{behind}\n<a href="b.fits">b.fits</a>  2020-01-01 00:00  7')
    assert parse_listing(text, URL).entry("a.fits") == ListedFile("a.fits", size, exact)


def test_that_a_link_around_an_icon_does_not_hide_the_size():
    row = '<a href="a.fits"><img src="i.gif"></a> <a href="a.fits">a.fits</a>  2020-01-01 00:00  5.0K\n'
    assert parse_listing(page(row), URL).entries() == [ListedFile("a.fits", 5120)]


def test_that_links_in_comments_do_not_count():
    text = '<!-- <a href="old.fits">old</a> --><a href="new.fits">new</a><!-- <a href="never.fits">'
    assert names(text) == ["new.fits"]


def test_that_the_json_listing_of_nginx_is_read():
    text = """[{"name":"sub","type":"directory","mtime":"x"},{"name":"a.fits","type":"file","mtime":"x","size":12},
        {"name":"../up.fits","type":"file","size":1},{"name":"b%2f.fits","type":"file","size":1},{"name":7,"type":"file"},
        {"name":"n.fits","type":"file","size":-4},{"name":"pipe","type":"other","size":1}]"""
    assert parse_json(text, URL).entries() == [
        ListedFile("sub", is_folder=True),
        ListedFile("a.fits", 12, True),
        ListedFile("n.fits"),
    ]


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[" * 100_000, '{"name": "a.fits"}', "null"])
def test_that_other_json_is_no_listing(text):
    with pytest.raises(TransferError, match="not the listing"):
        parse_json(text, URL)


@pytest.mark.parametrize(
    "text",
    [
        "<a " * 300_000,
        "<a href=" * 200_000,
        '<a href="' * 200_000,
        "<a " + "href " * 200_000,
        "<a" + " " * 1_000_000,
        "<!--" * 300_000,
        "<title" * 200_000,
        "<input " * 200_000,
        "<title>Index of /</title>" + '<a href="a.fits">' + "2020-01-01 " * 100_000,
    ],
)
def test_that_no_page_takes_long(text):
    """Work that grows with the square of the length would take hours here; the time limit of the tests is minutes."""
    with contextlib.suppress(TransferError):
        parse_listing(text, URL).entries()


# -- over HTTP --------------------------------------------------------------------------------------------------------------


def test_that_a_listing_is_read_from_a_server():
    with FakeArchive() as archive:
        archive.put("/FTP/a/one two.fits", b"1")
        archive.put("/FTP/a/sub/three.fits", b"2")
        found = read_listing(f"{archive.url}/FTP/a", FakeContext())
    assert found == [ListedFile("one two.fits", 1024), ListedFile("sub", is_folder=True)]


def test_that_a_missing_folder_says_so():
    with FakeArchive() as archive, pytest.raises(StatusError) as caught:
        read_listing(f"{archive.url}/FTP/nothing/", FakeContext())
    assert caught.value.says_missing
    assert not caught.value.retryable


def test_that_a_redirect_loop_ends_with_an_error():
    with FakeArchive() as archive:
        archive.faults["/loop/"] += [Fault(status=302, headers=(("Location", "/loop/"),))] * 50
        with pytest.raises(TransferError, match="without end"):
            read_listing(f"{archive.url}/loop/", FakeContext())
        assert len(archive.requests) < 20


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/", "https:///nohost"])
def test_that_a_redirect_to_something_else_than_http_is_refused(location):
    with FakeArchive() as archive:
        archive.faults["/a/"].append(Fault(status=302, headers=(("Location", location),)))
        with pytest.raises(TransferError, match="not an http or https address"):
            read_listing(f"{archive.url}/a/", FakeContext())


def test_that_a_redirect_to_the_right_folder_is_followed():
    with FakeArchive() as archive:
        archive.put("/new/a.fits", b"1")
        archive.faults["/old/"].append(Fault(status=301, headers=(("Location", "/new/"),)))
        assert read_listing(f"{archive.url}/old/", FakeContext()) == [ListedFile("a.fits", 1024)]


def test_that_a_page_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(listing, "MOST_BYTES", 10_000)
    with FakeArchive() as archive:
        archive.pages["/a/"] = page('<a href="a.fits">a</a>' * 10_000).encode()
        with pytest.raises(TransferError, match="longer than"):
            read_listing(f"{archive.url}/a/", FakeContext())


def test_that_a_listing_that_is_cut_short_is_an_error_worth_a_retry():
    with FakeArchive() as archive:
        archive.put("/a/a.fits", b"1")
        archive.put("/a/b.fits", b"1")
        archive.faults["/a/"].append(Fault(drop_after=100))
        with pytest.raises(TransferError, match="only in part") as caught:
            read_listing(f"{archive.url}/a/", FakeContext())
    assert caught.value.retryable


def test_that_a_file_in_place_of_a_folder_is_an_error():
    with FakeArchive() as archive:
        archive.put("/a/", b"SIMPLE", content_type="application/fits")
        with pytest.raises(TransferError, match="not the listing"):
            read_listing(f"{archive.url}/a/", FakeContext())
