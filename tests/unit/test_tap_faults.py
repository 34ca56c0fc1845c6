"""What a good TAP service never does: every case ends with a whole table or with a sentence, never with half a table."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from typing import Any

import pytest

from daxa_gui.core.errors import Cancelled, TransferError
from daxa_gui.core.mission import TapSource
from daxa_gui.remote.connection import Timeouts
from daxa_gui.remote.tap import fetch_table
from daxa_gui.remote.tap_reply import NotATable, QueryRefused
from tests.fakes.misbehaving_tap import FakeTable, Fault, MisbehavingTap, error_document
from tests.unit.test_tap import COLUMNS, SOURCE, expected, fetch, observations, rows_of

QUICK = Timeouts(connect_s=5.0, stall_s=0.5, look_s=0.05)
PATIENT = Timeouts(connect_s=5.0, stall_s=120.0, look_s=0.05)
HTML = Fault(200, b"<!DOCTYPE html><html><head><title>Planned downtime</title></head><body>Back soon</body></html>", "text/html")


def service_of(n: int = 1000, **switches: Any) -> MisbehavingTap:
    return MisbehavingTap({"swiftmastr": observations(n)}, **switches)


def refusal(service: MisbehavingTap, source: TapSource = SOURCE, **options: Any) -> TransferError:
    with service, pytest.raises(TransferError) as caught:
        fetch(service, source, **options)
    assert caught.value.message.endswith(".")
    assert "localhost" not in str(caught.value)
    return caught.value


def whole(service: MisbehavingTap, **options: Any) -> None:
    """The table comes whole in spite of all."""
    with service:
        got, certificate = fetch(service, **options)
    assert rows_of(got) == expected(service.tables["swiftmastr"])
    assert certificate.complete


# ---------------------------------------------------------------------------------------------------------- rows left out


def test_that_a_silent_cut_at_100_000_random_rows_is_seen_and_smaller_pages_are_asked_for() -> None:
    rows = [(f"{i:011d}", float(i), i, "") for i in range(120_000)]
    table = FakeTable(dict(COLUMNS), rows)
    source = TapSource("heasarc", "swiftmastr", "obsid", ("obsid", "target_id"), "unused:unused")
    with MisbehavingTap({"swiftmastr": table}, cut_at=100_000, cut_at_random=True) as service:
        got, certificate = fetch(service, source, page_rows=150_000)
    assert got["target_id"].tolist() == list(range(120_000)) and certificate.complete
    assert [page.split()[2] for page in service.pages] == ["150000", "75000", "75000"]


@pytest.mark.parametrize("flagged", [True, False])
@pytest.mark.parametrize("at_random", [True, False])
def test_that_pages_shrink_below_any_cut(flagged: bool, at_random: bool) -> None:
    whole(service_of(cut_at=130, cut_at_random=at_random, says_cut=flagged), page_rows=1000)


def test_that_a_service_that_cuts_small_pages_too_is_refused() -> None:
    error = refusal(service_of(cut_at=40, cut_at_random=True))
    assert "sent 40 of" in error.message and "40 of 1000 rows" not in error.message


def test_that_a_service_that_ignores_top_is_read_all_the_same() -> None:
    whole(service_of(ignores_top=True), page_rows=100)


def test_that_a_service_that_ignores_top_and_cuts_is_read_or_refused_but_never_believed() -> None:
    service = service_of(ignores_top=True, cut_at=600, cut_at_random=True)
    with service:
        try:
            got, _ = fetch(service)
        except TransferError as error:
            assert "Nothing was taken" in error.hint
            return
    assert rows_of(got) == expected(service.tables["swiftmastr"])


def test_that_rows_out_of_order_are_never_taken_for_a_table() -> None:
    with service_of(ignores_order=True) as service:
        try:
            got, _ = fetch(service, page_rows=400)
        except TransferError:
            return
        assert rows_of(got) == expected(service.tables["swiftmastr"])


def test_that_whole_numbers_out_of_order_are_refused_at_once() -> None:
    table = observations(1000)
    source = TapSource("heasarc", "swiftmastr", "target_id", ("obsid", "target_id"), "unused:unused")
    error = refusal(MisbehavingTap({"swiftmastr": table}, ignores_order=True), source)
    assert "not sent in the order of « target_id »" in error.message


# ---------------------------------------------------------------------------------------------------------- a moving table


def test_that_a_table_that_grew_while_it_was_read_is_read_again() -> None:
    table = observations(1000)

    def grow(number: int, query: str) -> None:
        if number == 3:
            table.rows.append(("00000000500x", 1.0, 1, "new"))

    with MisbehavingTap({"swiftmastr": table}, before_query=grow) as service:
        got, certificate = fetch(service)
    assert rows_of(got) == expected(table) and certificate.rows_received == 1001


def test_that_a_table_that_changes_again_and_again_is_refused() -> None:
    table = observations(1000)

    def grow(number: int, query: str) -> None:
        table.rows.append((f"z{number:05d}", 1.0, 1, "new"))

    error = refusal(MisbehavingTap({"swiftmastr": table}, before_query=grow))
    assert "changed while it was read" in error.message and error.retryable


def test_that_a_table_that_loses_rows_while_it_is_read_is_refused() -> None:
    table = observations(1000)

    def shrink(number: int, query: str) -> None:
        table.rows.pop()

    error = refusal(MisbehavingTap({"swiftmastr": table}, before_query=shrink))
    assert "changed while it was read" in error.message or "rows that were asked for" in error.message


def test_that_a_row_exchanged_for_another_one_is_seen_at_the_end_of_the_page_that_it_bounds() -> None:
    table = FakeTable(dict(COLUMNS), [(f"{i:05d}", float(i), i, "") for i in range(1000)])

    def exchange(number: int, query: str) -> None:
        if number == 3:
            table.rows[299] = ("00299x", 0.0, 0, "reprocessed")

    with MisbehavingTap({"swiftmastr": table}, before_query=exchange) as service:
        got, _ = fetch(service)
    assert rows_of(got) == expected(table)


# ------------------------------------------------------------------------------------------------------------- other columns


def test_that_a_renamed_column_is_named_with_what_came_in_its_place() -> None:
    error = refusal(service_of(renames={"ra": "ra_deg"}))
    assert "without the column « ra »" in error.message and "ra_deg" in error.message and not error.retryable


def test_that_a_missing_column_is_named() -> None:
    error = refusal(service_of(leaves_out=("ra", "name")))
    assert "without the columns « ra, name »" in error.message


def test_that_a_column_that_the_service_does_not_know_is_refused_in_its_words() -> None:
    source = TapSource("heasarc", "swiftmastr", "obsid", ("obsid", "declination"), "unused:unused")
    error = refusal(service_of(), source)
    assert isinstance(error, QueryRefused) and "no such column: declination" in error.message


def test_that_columns_in_upper_case_are_the_same_columns() -> None:
    whole(service_of(upper_case=True))


def test_that_columns_nobody_asked_for_are_left_out() -> None:
    table = observations(400)
    table.columns["__row"] = "long"
    table.rows = [(*row, i) for i, row in enumerate(table.rows)]
    with MisbehavingTap({"swiftmastr": table}, adds=("__row",)) as service:
        got, _ = fetch(service)
    assert got.names == tuple(COLUMNS)


def test_that_two_columns_of_one_name_are_refused() -> None:
    error = refusal(service_of(renames={"ra": "NAME"}))
    assert "two columns « name »" in error.message


def test_that_a_column_of_lists_is_refused() -> None:
    fields = '<FIELD name="obsid" datatype="char" arraysize="*"/><FIELD name="ra" datatype="double" arraysize="2"/>'
    body = (
        f'<VOTABLE version="1.3"><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE>{fields}'
        "<DATA><TABLEDATA><TR><TD>1</TD><TD>1.0 2.0</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()
    source = TapSource("heasarc", "swiftmastr", "obsid", ("obsid", "ra"), "unused:unused")
    error = refusal(service_of(faults=[None, Fault(body=body)]), source)
    assert "« ra »" in error.message and "single values" in error.message


def test_that_a_key_of_real_numbers_is_refused() -> None:
    source = TapSource("heasarc", "swiftmastr", "ra", ("ra", "name"), "unused:unused")
    assert "neither text nor whole numbers" in refusal(service_of(), source).message


# ----------------------------------------------------------------------------------------------------- something else came


@pytest.mark.parametrize("nth", [0, 1, 3])
def test_that_a_web_page_with_status_200_is_no_table(nth: int) -> None:
    # the first answer is asked for again in plain form, in case the form was the reason
    error = refusal(service_of(faults=[None] * nth + [HTML, HTML]))
    assert isinstance(error, NotATable)
    assert "web page" in error.message and "« Planned downtime »" in error.message


@pytest.mark.parametrize("status", [200, 400, 500])
def test_that_an_error_document_is_shown_in_the_services_words(status: int) -> None:
    fault = Fault(status, error_document("Table <swiftmastr> is\nlocked"))
    error = refusal(service_of(faults=[None, fault]))
    assert isinstance(error, QueryRefused) and "« Table <swiftmastr> is locked »" in error.message


def test_that_an_error_at_the_end_of_a_table_is_no_table() -> None:
    with service_of() as service:
        good = service.answer("SELECT TOP 300 obsid, ra, target_id, name FROM swiftmastr ORDER BY obsid")
    late = good.replace(b"</RESOURCE>", b'<INFO name="QUERY_STATUS" value="ERROR">disk full</INFO></RESOURCE>')
    assert late != good
    error = refusal(service_of(faults=[None, Fault(body=late)]))
    assert "disk full" in error.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"Table swiftmastr does not seem to exist!", "does not seem to exist!"),
        (b'{"error": "no"}', '"error": "no"'),
        (b"SIMPLE  =                    T", "FITS file"),
        (b"<?xml version='1.0'?><uws:jobs xmlns:uws='x'/>", "« jobs »"),
        (b"<VOTABLE version='1.3'><RESOURCE type='results'/></VOTABLE>", "without a table"),
        (b"<!DOCTYPE VOTABLE [<!ENTITY a 'aaaa'>]><VOTABLE>&a;</VOTABLE>", "entity"),
        (b"<html><body>no title, <b>sorry</b></body></html>", "no title, sorry"),
        (b"\xff\xfe\x00\x01", "text in place of a table"),
    ],
)
def test_that_other_documents_are_told_from_tables(body: bytes, words: str) -> None:
    error = refusal(service_of(faults=[None, Fault(body=body)]))
    assert isinstance(error, NotATable) and words in error.message


def test_that_an_empty_answer_is_asked_for_again() -> None:
    whole(service_of(faults=[None, Fault(body=b""), Fault(body=b"<?xml version='1.0'?>")]))
    error = refusal(service_of(faults=[Fault(body=b"")] * 9))
    assert "is empty" in error.message and error.retryable


def test_that_a_wrong_content_type_does_not_spoil_a_table() -> None:
    whole(service_of(faults=[Fault(content_type="text/html"), Fault(content_type="text/plain")]))


def test_that_a_count_that_is_no_number_is_refused() -> None:
    with service_of() as service:
        no_count = service.answer("SELECT TOP 1 obsid, name FROM swiftmastr ORDER BY obsid")
    assert "could not be counted" in refusal(service_of(faults=[Fault(body=no_count)])).message


def test_that_an_answer_without_end_is_given_up() -> None:
    endless = Fault(body=b"<VOTABLE>" + b" " * 3_000_000)
    error = refusal(service_of(faults=[None, endless]), most_bytes=2_000_000)
    assert "more than 2 MB" in error.message and not error.retryable


def test_that_a_small_answer_that_unpacks_to_a_giant_is_given_up() -> None:
    giant = Fault(body=b"<VOTABLE>" + b" " * 30_000_000)
    error = refusal(service_of(faults=[giant], compresses=True), most_bytes=2_000_000)
    assert "more than 2 MB" in error.message


# --------------------------------------------------------------------------------------------------------- broken connections


@pytest.mark.parametrize("after", [0, 1, 700, 5000])
@pytest.mark.parametrize("no_length", [True, False])
def test_that_a_connection_dropped_half_way_is_made_again(after: int, no_length: bool) -> None:
    whole(service_of(faults=[None, Fault(drop_after=after, no_length=no_length), None, Fault(drop_after=after)]))


def test_that_a_dropped_page_is_asked_for_in_a_smaller_size() -> None:
    service = service_of(faults=[None, Fault(drop_after=700)])
    whole(service, page_rows=400)
    assert [page.split()[2] for page in service.pages[:2]] == ["400", "200"]


def test_that_a_service_that_drops_every_answer_is_given_up_after_three_more_tries() -> None:
    service = service_of(faults=[None, *[Fault(drop_after=700)] * 10])
    error = refusal(service)
    assert error.retryable and len(service.pages) == 4


def test_that_a_service_that_is_not_there_is_said_so() -> None:
    with service_of() as service:
        address = service.address
    with pytest.raises(TransferError, match="takes no connections") as caught:
        fetch_table(SOURCE, "swift", address=address, back_off_s=0.01)
    assert caught.value.retryable


def test_that_an_unknown_host_is_said_so() -> None:
    with pytest.raises(TransferError, match=r"host archive\.invalid is not known here"):
        fetch_table(SOURCE, "swift", address="http://archive.invalid/tap", back_off_s=0.01)


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/tap", "archive", "http://"])
def test_that_an_address_must_be_one(address: str) -> None:
    with pytest.raises(TransferError, match="is not an http or https address"):
        fetch_table(SOURCE, "swift", address=address)


@pytest.mark.parametrize("header", ["0", "date"])
def test_that_a_busy_service_is_asked_again_when_it_says(header: str) -> None:
    value = formatdate(time.time() - 5, usegmt=True) if header == "date" else header
    busy = Fault(503, b"<html><title>busy</title></html>", "text/html", headers=(("Retry-After", value),))
    said: list[str] = []
    whole(service_of(faults=[busy, None, busy]), back_off_s=1000.0, progress=lambda done, total, text: said.append(text))
    assert sum("cannot answer now (503)" in text for text in said) == 2


def test_that_a_service_that_asks_for_a_very_long_pause_is_left_alone_for_now() -> None:
    busy = Fault(503, b"", headers=(("Retry-After", "1800"),))
    service = service_of(faults=[busy])
    error = refusal(service)
    assert error.retryable and error.retry_after_s == 1800 and len(service.queries) == 1


def test_that_waiting_for_a_busy_service_can_be_cancelled() -> None:
    stop = threading.Event()
    busy = Fault(503, b"", headers=(("Retry-After", "250"),))
    with service_of(faults=[busy]) as service, pytest.raises(Cancelled):
        fetch(service, cancelled=stop.is_set, progress=lambda done, total, text: stop.set())
    assert len(service.queries) == 1


@pytest.mark.parametrize("fault", [Fault(stall_before=True), Fault(stall_after=0), Fault(stall_after=600)])
def test_that_silence_ends_and_the_page_is_asked_for_again(fault: Fault) -> None:
    whole(service_of(faults=[None, fault]), timeouts=QUICK)


def test_that_a_service_that_stays_silent_is_given_up() -> None:
    error = refusal(service_of(faults=[Fault(stall_before=True)] * 9), timeouts=QUICK)
    assert "nothing came for 0.5 s" in error.message and error.retryable


@pytest.mark.parametrize("fault", [Fault(stall_before=True), Fault(stall_after=600)])
def test_that_silence_can_be_cancelled(fault: Fault) -> None:
    stop = threading.Event()
    with service_of(faults=[None, fault]) as service:
        service.before_query = lambda number, query: threading.Timer(0.2, stop.set).start() if number == 2 else None
        with pytest.raises(Cancelled):
            fetch(service, cancelled=stop.is_set, timeouts=PATIENT)
    assert not [thread for thread in threading.enumerate() if thread.name == "transfer watch"]


def test_that_a_slow_page_can_be_cancelled_while_it_comes() -> None:
    stop = threading.Event()
    with service_of(faults=[None, Fault(bytes_per_s=500.0)]) as service:
        service.before_query = lambda number, query: threading.Timer(0.3, stop.set).start() if number == 2 else None
        with pytest.raises(Cancelled):
            fetch(service, cancelled=stop.is_set, timeouts=PATIENT)


def test_that_a_slow_but_steady_answer_is_waited_for() -> None:
    whole(service_of(60, faults=[None, Fault(bytes_per_s=4000.0)]), timeouts=QUICK)


def test_that_a_trickle_is_not_waited_for_without_end() -> None:
    slow = Timeouts(connect_s=5.0, stall_s=0.3, look_s=0.05, slowest_bytes_s=2000.0)
    whole(service_of(faults=[None, Fault(bytes_per_s=100.0)]), timeouts=slow)


def test_that_cancelling_between_pages_stops() -> None:
    pages: list[int] = []
    with service_of() as service, pytest.raises(Cancelled):
        fetch(service, cancelled=lambda: len(pages) >= 2, progress=lambda done, total, text: pages.append(done))
    assert len(service.pages) == 1


# ------------------------------------------------------------------------------------------------------------------ redirects


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_that_a_redirect_on_the_same_host_keeps_the_query(status: int) -> None:
    whole(service_of(faults=[Fault(status, b"", headers=(("Location", "/elsewhere/sync"),))]))


@pytest.mark.parametrize("target", ["http://archive.invalid/tap/sync", "//archive.invalid/tap", "ftp://127.0.0.1/tap"])
def test_that_a_redirect_to_somewhere_else_is_not_followed(target: str) -> None:
    service = service_of(faults=[Fault(302, b"", headers=(("Location", target),))])
    error = refusal(service)
    assert "redirects to another" in error.message and not error.retryable and len(service.queries) == 1


def test_that_a_redirect_in_a_circle_ends() -> None:
    error = refusal(service_of(faults=[Fault(302, b"", headers=(("Location", "/tap/sync"),))] * 20))
    assert "in a circle" in error.message


@pytest.mark.parametrize(
    ("status", "words"), [(401, "does not let"), (403, "does not let"), (404, "no such service"), (400, "refused")]
)
def test_that_a_status_that_will_not_pass_is_not_tried_again(status: int, words: str) -> None:
    service = service_of(faults=[None, *[Fault(status, b"<html><title>Sorry</title></html>")] * 5])
    error = refusal(service)
    assert words in error.message and "Sorry" in error.message and len(service.pages) == 1 and not error.retryable
