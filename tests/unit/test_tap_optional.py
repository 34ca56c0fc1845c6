"""Columns that are nice to have: where a service lacks one, the table comes without it, and the certificate says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from daxa_gui.core.errors import TransferError
from daxa_gui.core.mission import MissionSpec, TapSource
from daxa_gui.core.registry import resolve
from daxa_gui.core.table import DataTable
from daxa_gui.missions import MISSIONS
from tests.fakes.misbehaving_tap import MisbehavingTap, Refused
from tests.mission_tables import TABLES
from tests.unit.test_tap import COLUMNS, SOURCE, fetch, observations

WISHES = TapSource("heasarc", "swiftmastr", "obsid", (*COLUMNS, "roll", "time"), "unused:unused",
                   optional=(("roll", "number"), ("time", "text"), ("name", "text")))  # fmt: skip


class Strict(MisbehavingTap):
    """A service that refuses columns that its table lacks, as real ones do."""

    def answer(self, query: str) -> bytes:
        try:
            return super().answer(query)
        except ValueError as error:
            raise Refused(f"no such column ({error})") from error


def test_that_columns_that_the_service_lacks_are_unknown_in_all_rows() -> None:
    table = observations(700)
    with Strict({"swiftmastr": table}) as service:
        got, certificate = fetch(service, WISHES)
    assert got.names == WISHES.columns
    assert np.isnan(got["roll"]).all() and (got["time"] == "").all()
    assert (got["name"] != "").all()
    assert certificate.complete and certificate.rows_received == 700
    assert {name for name, _ in certificate.columns} == set(COLUMNS)
    assert any("roll, time" in note for note in certificate.notes)


def test_that_a_service_that_leaves_a_column_out_without_a_word_is_treated_alike() -> None:
    wishes = replace(SOURCE, optional=(("name", "text"),))
    with MisbehavingTap({"swiftmastr": observations(50)}, leaves_out=("name",)) as service:
        got, _ = fetch(service, wishes)
    assert got.names == tuple(COLUMNS) and (got["name"] == "").all()


@pytest.mark.parametrize("missing", ["ra", "obsid"])
def test_that_a_column_that_is_needed_is_still_missed(missing: str) -> None:
    with MisbehavingTap({"swiftmastr": observations(50)}, leaves_out=(missing,)) as service, pytest.raises(TransferError):
        fetch(service, replace(SOURCE, optional=(("name", "text"),)))


def test_that_a_service_with_all_columns_is_not_asked_more_than_needed() -> None:
    with MisbehavingTap({"swiftmastr": observations(50)}) as service:
        fetch(service)
        needed = len(service.queries)
        service.queries.clear()
        fetch(service, replace(SOURCE, optional=(("name", "text"),)))
        assert len(service.queries) == needed


@pytest.mark.parametrize("mission", [name for name in MISSIONS if MISSIONS[name].sources])
def test_that_each_mission_does_without_its_optional_columns(mission: str) -> None:
    spec: MissionSpec = MISSIONS[mission]
    for source in spec.sources:
        assert {name for name, _ in source.optional} <= set(source.columns)
        assert {kind for _, kind in source.optional} <= {"text", "number"}
        reply = next(table for table in TABLES if (table.mission, table.name) == (mission, source.table))
        columns: dict[str, Any] = {name: reply.columns()[name] for name in source.columns}
        n = len(next(iter(columns.values())))
        for name, kind in source.optional:
            columns[name] = np.full(n, "" if kind == "text" else np.nan)
        built = resolve(source.build)(DataTable(columns))
        assert len(built["obs_id"]) == n
