"""Which jobs are read for exposures, of all that an archive has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from daxa_gui.archive.exposure_jobs import jobs_of_exposures
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.core.step import MadeFile
from daxa_gui.reduction_verbs import ReductionVerbs
from tests.fakes.archives import succeeded
from tests.fakes.execution import FakeClock, request

OBS = "0404910601"


@pytest.fixture
def store(tmp_path):
    one = ArchiveStore.create(OutputLayout(tmp_path).archive("a"), FakeClock().now)
    yield one
    one.close()


def made(kind: ProductKind) -> MadeFile:
    return MadeFile(f"{kind}.fits", ProductKey("xmm_pointed", OBS, kind, "M1", "S001"), facts={"text": "x"})


def test_that_only_those_are_read_that_looked_at_lists_or_made_them_or_their_good_time(store):
    clock = FakeClock()
    [gti] = store.add([request("M1S001", "espfilt", kind="reduce")])
    succeeded(store, gti, clock, (made(ProductKind.GTI),))
    [image] = store.add([request("M1S001", "image", kind="reduce")])
    succeeded(store, image, clock, (made(ProductKind.IMAGE),))
    prepare, _nothing = store.add([request("M1S001", "prepare", kind="reduce"), request("M1S001", "epchain", kind="reduce")])
    found = jobs_of_exposures(store.layout, store.database)
    assert found == [store.get(gti.id), store.get(prepare.id)]
    with store.database.writing() as connection:
        connection.execute("UPDATE jobs SET task = 'nonsense' WHERE id = ?", (prepare.id,))
    with pytest.raises(ArchiveError, match="makes no sense"):
        jobs_of_exposures(store.layout, store.database)


def test_that_a_script_that_is_too_long_to_be_copied_is_refused_before_it_is_whole():
    told = []

    def parts(_order: ReductionOrder) -> Any:
        for number in range(100):
            told.append(number)
            yield "true\n"

    verbs: Any = SimpleNamespace(_script_parts=parts)
    with pytest.raises(InputError, match="Save it into a file"):
        ReductionVerbs.shell_script(verbs, ReductionOrder(), 20)
    assert told == [0, 1, 2, 3, 4]
    assert ReductionVerbs.shell_script(verbs, ReductionOrder()) == "true\n" * 100
