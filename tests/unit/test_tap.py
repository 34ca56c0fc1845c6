"""Reading whole tables from a TAP service: pages, keys, types, and what the certificate says."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import daxa_gui
from daxa_gui.core.certificate import Certificate
from daxa_gui.core.mission import TapSource
from daxa_gui.core.table import DataTable
from daxa_gui.remote import tap
from daxa_gui.remote.services import TAP_SERVICES
from daxa_gui.remote.tap import fetch_table
from daxa_gui.remote.tap_certificate import checksum
from tests.fakes.misbehaving_tap import FakeTable, MisbehavingTap

COLUMNS = {"obsid": "char", "ra": "double", "target_id": "long", "name": "char"}
SOURCE = TapSource("heasarc", "swiftmastr", "obsid", tuple(COLUMNS), "unused:unused")


def observations(n: int, seed: int = 1) -> FakeTable:
    rng = random.Random(seed)
    rows = [(f"{i:011d}", rng.uniform(0, 360), rng.randrange(10**6), f"Source {i % 7} <&>") for i in range(n)]
    rng.shuffle(rows)
    return FakeTable(dict(COLUMNS), rows, units={"ra": "deg"})


def fetch(service: MisbehavingTap, source: TapSource = SOURCE, **options: Any) -> tuple[DataTable, Certificate]:
    return fetch_table(source, "swift", address=service.address, **{"page_rows": 300, "back_off_s": 0.01, **options})


def rows_of(table: DataTable) -> list[tuple[Any, ...]]:
    """Rows in an order of their own; NaN as None, so that they can be compared."""
    columns = [[None if value != value else value for value in column.tolist()] for column in table.columns.values()]
    return sorted(zip(*columns, strict=True), key=repr)


def expected(table: FakeTable) -> list[tuple[Any, ...]]:
    texts = [kind == "char" for kind in table.columns.values()]
    stripped = [
        tuple((value or "").strip() if is_text else value for value, is_text in zip(row, texts, strict=True))
        for row in table.rows
    ]
    return sorted(stripped, key=repr)


def test_that_a_table_of_many_pages_comes_whole_with_its_certificate() -> None:
    table = observations(1000)
    with MisbehavingTap({"swiftmastr": table}) as service:
        got, certificate = fetch(service)
    assert rows_of(got) == expected(table)
    assert got.names == tuple(COLUMNS)
    assert [got[name].dtype.kind for name in got.names] == ["U", "f", "i", "U"]
    assert got.units == {"ra": "deg"} and got.descriptions["ra"] == "About ra"
    assert certificate.complete and certificate.rows_expected == 1000
    assert certificate.mission == "swift" and certificate.service == service.address and certificate.table == "swiftmastr"
    assert certificate.columns == (("obsid", ""), ("ra", "deg"), ("target_id", ""), ("name", ""))
    assert certificate.query == service.pages[0]
    assert Certificate.from_json(certificate.to_json()) == certificate
    assert len(service.queries) == len(service.pages) + 2, "counted before and after"
    assert all("TOP 300 " in page and page.endswith(" ORDER BY obsid") for page in service.pages)


def test_that_the_rows_come_in_the_order_of_the_key() -> None:
    with MisbehavingTap({"swiftmastr": observations(1000)}) as service:
        got, _ = fetch(service)
    assert np.all(got["obsid"][1:] > got["obsid"][:-1])


def test_that_pages_follow_a_whole_number_as_a_number() -> None:
    table = observations(1000)
    source = TapSource("heasarc", "swiftmastr", "number", ("number", "name"), "unused:unused")
    table.columns["number"] = "long"
    table.rows = [(*row, 7 * i - 3500) for i, row in enumerate(table.rows)]
    with MisbehavingTap({"swiftmastr": table}) as service:
        got, _ = fetch(service, source)
    assert got["number"].tolist() == list(range(-3500, 3500, 7))


def test_that_rows_sharing_a_key_across_the_end_of_a_page_come_once_each() -> None:
    rows = [(f"{i // 70:05d}", float(i), i, "") for i in range(1000)]
    with MisbehavingTap({"swiftmastr": FakeTable(dict(COLUMNS), rows)}) as service:
        got, certificate = fetch(service, page_rows=100)
    assert sorted(got["target_id"].tolist()) == list(range(1000))
    assert "985 rows share their obsid with an earlier one" in certificate.notes


def test_that_more_rows_than_a_page_may_share_one_key() -> None:
    rows = [("a" if i < 50 else "b" if i < 900 else "c", float(i), i, "") for i in range(1000)]
    with MisbehavingTap({"swiftmastr": FakeTable(dict(COLUMNS), rows)}) as service:
        got, _ = fetch(service, page_rows=100)
    assert sorted(got["target_id"].tolist()) == list(range(1000))


def test_that_identical_rows_are_not_merged() -> None:
    rows = [("00001", 1.0, 1, "same")] * 5 + [("00002", 2.0, 2, "other")]
    with MisbehavingTap({"swiftmastr": FakeTable(dict(COLUMNS), rows)}) as service:
        got, certificate = fetch(service)
    assert got["obsid"].tolist() == ["00001"] * 5 + ["00002"] and certificate.complete


def test_that_rows_without_a_key_are_fetched_too() -> None:
    table = observations(700)
    table.rows += [(None, 1.5, 1, "planned"), (None, None, None, None)]
    with MisbehavingTap({"swiftmastr": table}) as service:
        got, certificate = fetch(service)
    assert rows_of(got) == sorted(
        [tuple(float(v) if i == 2 and v is not None else v for i, v in enumerate(row)) for row in expected(table)], key=repr
    )
    assert certificate.rows_received == 702 and "2 rows have no obsid" in certificate.notes


def test_that_unknown_values_are_nan_and_empty_text() -> None:
    table = FakeTable(dict(COLUMNS), [("1", None, None, None), ("2", 2.5, 7, " padded  ")])
    with MisbehavingTap({"swiftmastr": table}) as service:
        got, _ = fetch(service)
    assert np.isnan(got["ra"][0]) and got["ra"][1] == 2.5
    assert np.isnan(got["target_id"][0]) and got["target_id"][1] == 7.0
    assert got["name"].tolist() == ["", "padded"]


def test_that_an_empty_table_is_a_whole_table() -> None:
    with MisbehavingTap({"swiftmastr": FakeTable(dict(COLUMNS), [])}) as service:
        got, certificate = fetch(service)
    assert len(got) == 0 and got.names == tuple(COLUMNS) and certificate.complete


def test_that_a_condition_counts_for_every_query() -> None:
    table = observations(1000)
    source = TapSource("heasarc", "swiftmastr", "obsid", ("obsid", "target_id"), "unused:unused", where="target_id >= 500000")
    with MisbehavingTap({"swiftmastr": table}) as service:
        got, certificate = fetch(service, source)
    assert sorted(got["obsid"].tolist()) == sorted(row[0] for row in table.rows if row[2] >= 500000)
    assert all("(target_id >= 500000)" in query for query in service.queries) and "target_id" in certificate.query


def test_that_the_key_is_asked_for_even_if_it_is_not_wanted() -> None:
    source = TapSource("heasarc", "swiftmastr", "obsid", ("ra",), "unused:unused")
    with MisbehavingTap({"swiftmastr": observations(500)}) as service:
        got, _ = fetch(service, source)
    assert got.names == ("ra",) and len(got) == 500


@pytest.mark.parametrize("kept_lower", [True, False])
def test_that_the_case_of_column_names_does_not_matter(kept_lower: bool) -> None:
    table = observations(400)
    source = TapSource("heasarc", "swiftmastr", "ObsID", ("ObsID", "RA"), "unused:unused")
    with MisbehavingTap({"swiftmastr": table}, upper_case=not kept_lower) as service:
        got, _ = fetch(service, source)
    assert got.names == ("obsid", "ra") and len(got) == 400


def test_that_reserved_words_are_quoted_for_a_service_that_wants_it() -> None:
    table = observations(400)
    table.columns = {"obsid": "char", "time": "double", "target_id": "long", "name": "char"}
    source = TapSource("heasarc", "swiftmastr", "obsid", ("obsid", "time"), "unused:unused")
    for words in ((), ("time",)):
        with MisbehavingTap({"swiftmastr": table}, strict_words=words) as service:
            got, _ = fetch(service, source)
        assert sorted(got["time"].tolist()) == sorted(row[1] for row in table.rows)
        assert ('"time"' in service.pages[-1]) == bool(words)


def test_that_a_service_that_knows_no_forms_of_answers_is_asked_without() -> None:
    table = observations(400)
    with MisbehavingTap({"swiftmastr": table}, refuses_formats=True) as service:
        got, _ = fetch(service)
    assert rows_of(got) == expected(table)
    assert ["RESPONSEFORMAT" in form for form in service.forms] == [True] + [False] * (len(service.forms) - 1)


def test_that_compressed_answers_are_read() -> None:
    table = observations(400)
    with MisbehavingTap({"swiftmastr": table}, compresses=True) as service:
        got, _ = fetch(service)
    assert rows_of(got) == expected(table)


def test_that_the_program_says_its_name_and_sends_no_login(own_home: Any) -> None:
    (own_home / ".netrc").write_text("default login somebody password secret\n")
    with MisbehavingTap({"swiftmastr": observations(10)}) as service:
        fetch(service)
        assert service.connections == 1, "one connection is kept"
    assert {headers["User-Agent"] for headers in service.headers} == {f"daxa-gui/{daxa_gui.__version__}"}
    assert not any("Authorization" in headers or "Cookie" in headers for headers in service.headers)


def test_that_a_login_of_netrc_is_not_used_with_other_hosts_either(own_home: Any) -> None:
    from daxa_gui.remote.tap_http import TAP_TIMEOUTS, _new_session, _Watched

    (own_home / ".netrc").write_text("default login somebody password secret\n")
    import requests

    session = _new_session("https://archive.invalid/tap", _Watched(), TAP_TIMEOUTS, "")
    prepared = session.prepare_request(requests.Request("POST", "https://archive.invalid/tap/sync", data={"QUERY": "x"}))
    assert "Authorization" not in prepared.headers


def test_that_progress_goes_up_to_the_whole() -> None:
    said: list[tuple[int, int, str]] = []
    with MisbehavingTap({"swiftmastr": observations(1000)}) as service:
        fetch(service, progress=lambda done, total, text: said.append((done, total, text)))
    done = [number for number, _, _ in said]
    assert done == sorted(done) and said[-1][:2] == (1000, 1000)
    assert all(total == 1000 and text.endswith(".") for _, total, text in said)


def test_that_the_checksum_depends_on_the_rows_and_not_on_how_they_came() -> None:
    table = observations(1000)
    sums = []
    for options in ({"page_rows": 100}, {"page_rows": 5000}):
        with MisbehavingTap({"swiftmastr": table}) as service:
            sums.append(fetch(service, **options)[1].checksum)
    table.rows[500] = (*table.rows[500][:3], "another name")
    with MisbehavingTap({"swiftmastr": table}) as service:
        sums.append(fetch(service)[1].checksum)
    assert sums[0] == sums[1] != sums[2]


def test_that_the_checksum_can_be_made_again_by_others() -> None:
    import hashlib
    import struct

    table = DataTable({"key": np.array(["b", "a"]), "x": np.array([np.nan, -0.0]), "n": np.array([3, -4])})
    said = b"2 rows\nkey U\na\nb\nn i\n" + struct.pack("<qq", -4, 3) + b"x f\n" + struct.pack("<dd", 0.0, float("nan"))
    assert checksum(table, "key") == hashlib.sha256(said).hexdigest()


def test_that_rows_with_the_same_key_have_one_checksum_in_any_order() -> None:
    columns: dict[str, Any] = {"key": np.array(["a", "a", "b"]), "x": np.array([1.0, 2.0, 3.0]), "t": np.array(["u", "", "w"])}
    table = DataTable(columns)
    assert checksum(table, "key") == checksum(table.rows(np.array([2, 1, 0])), "key")


def test_that_the_services_of_the_declarations_have_addresses() -> None:
    assert set(TAP_SERVICES) == {"heasarc", "xsa"}
    assert all(address.startswith("https://") and address.endswith("/tap") for address in TAP_SERVICES.values())


# keys as archives have them, with what breaks careless paging: quotes, blanks at the end, letters of both cases, ties
ODD_KEYS = ("", "a", "A", "a ", "b'c", "b''", "O'Neil", "ä", "Z", "10", "9", "_", "é x")
KEYS = st.one_of(st.none(), st.sampled_from(ODD_KEYS), st.text("ab'1", max_size=3))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    keys=st.lists(KEYS, max_size=30),
    page_rows=st.integers(2, 12),
    cut_at=st.one_of(st.none(), st.integers(2, 12)),
    at_random=st.booleans(),
    collation=st.sampled_from([str, str.casefold, str.rstrip]),
)
def test_that_whatever_the_keys_a_table_comes_whole_or_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    keys: list[str | None],
    page_rows: int,
    cut_at: int | None,
    at_random: bool,
    collation: Callable[[str], str],
) -> None:
    from daxa_gui.core.errors import TransferError

    monkeypatch.setattr(tap, "SMALLEST_PAGE", 1)
    table = FakeTable({"obsid": "char", "n": "long"}, [(key, i) for i, key in enumerate(keys)])
    source = TapSource("heasarc", "t", "obsid", ("obsid", "n"), "unused:unused")
    with MisbehavingTap({"t": table}, cut_at=cut_at, cut_at_random=at_random, collation=collation) as service:
        try:
            got, certificate = fetch(service, source, page_rows=page_rows)
        except TransferError:
            # only when a page cannot hold what must come together, or when the service does not tell keys apart as we do
            folded = [key.strip().casefold() for key in keys if key]
            assert cut_at is not None or len(set(folded)) < len(folded) or None in keys or "" in keys
            return
    assert sorted(zip(got["n"].tolist(), got["obsid"].tolist(), strict=True)) == [
        (i, (key or "").strip()) for i, key in enumerate(keys)
    ]
    assert certificate.rows_received == len(keys)
