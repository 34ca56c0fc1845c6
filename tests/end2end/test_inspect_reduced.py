"""What Inspect lists after a reduction: SAS beside downloaded lists, eSASS's modules joined to the list, earlier results."""

from __future__ import annotations

from pathlib import Path

import pytest

from daxa_gui.core.product import ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.session import Session
from tests.fakes.inspecting import flared_list
from tests.fakes.reduction_world import make_archive, problems, session_for
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_data import XmmExposure, xmm_odf
from tests.standins.raw_others import erosita_events

__all__ = ["standins", "standins_once"]
XMM, FIELD = ("xmm_pointed", "0999900901"), ("erosita_calpv", "999902")
LIMIT_S = 200.0


def run(session: Session, order: ReductionOrder) -> None:
    session.start_reduction(order)
    assert session.wait_until_idle(LIMIT_S) and problems(session) == []


@pytest.mark.timeout(300)
def test_that_every_list_of_an_exposure_is_there_with_who_made_it_and_earlier_results_can_be_drawn(
    tmp_path: Path, standins: Installed
) -> None:
    output = tmp_path / "out"
    folder = output / "xmm_pointed_raw" / XMM[1]
    xmm_odf(folder, XMM[1], (XmmExposure("M1", "S001"),))
    (folder / "PPS").mkdir()
    flared_list(folder / "PPS" / f"P{XMM[1]}M1S001MIEVLI0000.fits")
    erosita_events(output / "erosita_calpv_raw" / FIELD[1], FIELD[1])
    place = make_archive(output, {one: {"start_mjd": 58800.0} for one in (XMM, FIELD)})
    session = session_for(output, standins.settings)
    session.open_archive(place)
    try:
        assert [exposure.unit for exposure in session.exposures()] == ["TM0", "M1S001"]
        run(session, ReductionOrder(steps=("merge_subexposures", "cleaned_erosita_evts")))
        found = {exposure.unit: exposure for exposure in session.exposures()}
        assert set(found) == {"TM0", "M1S001"}, "no exposure twice"
        mos, modules = found["M1S001"], found["TM0"]
        labels = ["downloaded", "calibrated by SAS", "cleaned by SAS", "merged by SAS (M1)"]
        assert [one.label for one in mos.lists] == labels and mos.cleaned_by == "SAS"
        assert [one.label for one in modules.lists] == ["downloaded", "calibrated by eSASS", "cleaned by eSASS"]
        assert modules.joined.startswith("TM1_TM2") and modules.clean is not None and modules.gti is not None
        for one in (*mos.lists, *modules.lists):
            assert len(session.inspection.open(one.product.path)) > 0
        present = session.inspection.present_screening(mos)
        assert present is not None and present.gti is not None

        kept_s = present.gti.total_s
        run(session, ReductionOrder(steps=("merge_subexposures",), parameters={"espfilt": {"allowed_sigma": 1.5}}))
        [earlier] = [one.of_units(mos.units, mos.instrument) for one in session.earlier_results(*XMM)]
        assert {one.kind for one in earlier.products} >= {ProductKind.GTI, ProductKind.CLEAN_EVENTS, ProductKind.FINAL_EVENTS}
        events = session.inspection.open(mos.list_for(None).product.path)
        then = session.inspection.earlier_screening(earlier, session.inspection.default_parameters(events))
        assert then.gti is not None and then.gti.total_s == pytest.approx(kept_s) and then.curve is not None
        [now] = [exposure for exposure in session.exposures() if exposure.unit == "M1S001"]
        narrow = session.inspection.present_screening(now)
        assert narrow is not None and narrow.gti is not None and narrow.gti.total_s < kept_s
        assert session.earlier_results(*FIELD) == []
    finally:
        session.close()
