"""Whatever goes wrong in whatever order, a table comes whole or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.errors import TransferError
from daxa_gui.remote import tap
from daxa_gui.remote.connection import Timeouts
from tests.fakes.misbehaving_tap import FakeTable, Fault, MisbehavingTap, error_document
from tests.unit.test_tap import COLUMNS, expected, fetch, rows_of

FAULTS = st.sampled_from(
    [
        None,
        None,
        Fault(drop_after=0),
        Fault(drop_after=400),
        Fault(drop_after=400, no_length=True),
        Fault(body=b""),
        Fault(body=b"<html><title>Oops</title></html>", content_type="text/html"),
        Fault(body=error_document("out of memory")),
        Fault(503, b"busy", headers=(("Retry-After", "0"),)),
        Fault(500, b"<html><title>Internal error</title></html>"),
        Fault(302, b"", headers=(("Location", "/tap/sync"),)),
        Fault(stall_after=300),
    ]
)


@settings(max_examples=15, deadline=None)
@given(
    faults=st.lists(FAULTS, max_size=12),
    cut_at=st.one_of(st.none(), st.integers(15, 90)),
    at_random=st.booleans(),
    ties=st.integers(1, 5),
    changes_at=st.one_of(st.none(), st.integers(1, 8)),
    seed=st.integers(0, 10**6),
)
def test_that_a_table_comes_whole_or_not_at_all(
    faults: list[Fault | None], cut_at: int | None, at_random: bool, ties: int, changes_at: int | None, seed: int
) -> None:
    table = FakeTable(dict(COLUMNS), [(f"{i // ties:05d}", float(i), i, "") for i in range(120)])
    service = MisbehavingTap({"swiftmastr": table}, faults=list(faults), cut_at=cut_at, cut_at_random=at_random, seed=seed)

    def change(number: int, query: str) -> None:
        if number == changes_at:
            table.rows.append(("00010x", 1.0, 1, "new"))

    service.before_query = change
    with pytest.MonkeyPatch.context() as patch, service:
        patch.setattr(tap, "SMALLEST_PAGE", 4)
        try:
            got, certificate = fetch(service, page_rows=50, timeouts=Timeouts(stall_s=0.3, look_s=0.02))
        except TransferError as error:
            assert error.message.endswith(".")
            return
    assert rows_of(got) == expected(table)
    assert certificate.complete and certificate.rows_received == len(table.rows)
