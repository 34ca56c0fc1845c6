"""Save files and the special rows of the archives' tables: those that DAXA drops or keeps although they are of no use here."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone, TargetType, TimeRange, Usable
from daxa_gui.core.sky import SkyPosition
from daxa_gui.core.times import mjd_to_datetime
from daxa_gui.exchange.daxa_rules import MISSIONS_OF_DAXA
from daxa_gui.exchange.daxa_state import fitted, read_state, write_state
from daxa_gui.missions import MISSIONS
from tests.daxa_shim import answering, real_daxa
from tests.mission_tables import ASCAMASTER, INTSCWPUB, NUMASTER, RASSMASTER, SWIFTMASTR, XMMMASTER, XRISMMASTR, FakeTable

__all__ = ["real_daxa"]  # the fixture

TABLES = {
    "NuSTARPointed": NUMASTER,
    "ASCA": ASCAMASTER,
    "INTEGRALPointed": INTSCWPUB,
    "XRISMPointed": XRISMMASTR,
    "ROSATAllSky": RASSMASTER,
    "Swift": SWIFTMASTR,
    "XMMPointed": XMMMASTER,
}


class Special:
    def __init__(self, of: str) -> None:
        self.of, self.table = of, TABLES[of]
        self.catalogue = catalogue_from(self.table.spec, self.table.built(), provenance="Made by a test.")

    def daxa(self, save_file: Path | None = None) -> Any:
        import daxa.mission

        arguments: dict[str, Any] = {"use_heasarc": True} if self.table is XMMMASTER else {}
        if save_file is not None:
            arguments["save_file_path"] = str(save_file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(daxa.mission, self.of)(**arguments)

    def ids(self, stack: FilterStack) -> set[str]:
        return set(self.catalogue.obs_id[stack.mask(self.catalogue)].tolist())


@pytest.fixture(params=sorted(TABLES))
def special(real_daxa: ModuleType, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Special]:
    import daxa.mission.base

    monkeypatch.setattr(daxa.mission.base, "_no_filtering_op_store", False)
    made = Special(request.param)
    table: FakeTable = made.table
    monkeypatch.setattr("requests.get", answering({table.name: table.columns()}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield made


def ordinary(special: Special) -> tuple[SkyPosition, float, float]:
    row = next(n for n in range(len(special.catalogue)) if special.catalogue.unusable_reason[n] == "")
    found = special.catalogue
    return SkyPosition(found.ra_deg[row], found.dec_deg[row]), float(found.start_mjd[row]) - 5.0, float(found.end_mjd[row]) + 5.0


def test_that_a_fresh_mission_of_daxa_is_taken_over(special: Special, tmp_path: Path) -> None:
    mission = special.daxa()
    mission.save(str(tmp_path), "state.json")
    state = fitted(read_state(tmp_path / "state.json"), special.catalogue)
    assert list(state.instruments) == mission.chosen_instruments
    assert special.ids(state.stack) == set(mission.filtered_obs_ids.tolist())


def test_that_searches_of_daxa_are_taken_over(special: Special, tmp_path: Path) -> None:
    position, start, end = ordinary(special)
    mission = special.daxa()
    mission.filter_on_positions(positions=[position.ra_deg, position.dec_deg])
    first, last = (mjd_to_datetime(mjd).replace(tzinfo=None) for mjd in (start, end))
    mission.filter_on_time(start_datetime=first, end_datetime=last)
    mission.save(str(tmp_path), "state.json")
    state = read_state(tmp_path / "state.json")
    assert state.complete
    assert special.ids(fitted(state, special.catalogue).stack) == set(mission.filtered_obs_ids.tolist())


def test_that_daxa_loads_what_is_written_here(special: Special, tmp_path: Path) -> None:
    position, start, end = ordinary(special)
    known = set(special.daxa().filtered_obs_ids.tolist())
    types = sorted(set(np.asarray(special.catalogue.target_type).tolist()) - {""})
    path = tmp_path / "state.json"
    for one in (Usable(), Cone(position), Cone(position, 2.0), TimeRange(start, end), *(TargetType((code,)) for code in types)):
        stack = FilterStack().add(Usable()).add(one)
        ours = special.ids(stack)
        if not ours & known:
            continue
        write_state(path, special.table.spec, special.catalogue, stack)
        mission = special.daxa(path)
        assert set(mission.filtered_obs_ids.tolist()) == ours & known
        if json.loads(path.read_text())["filtering_operations"]:
            mission.update(download_new=False)
            # DAXA keeps some rows that are of no use here, and only those may come besides
            others = set(mission.filtered_obs_ids.tolist()) - ours
            assert others <= set(special.catalogue.obs_id[~Usable().mask(special.catalogue)].tolist())
            assert set(mission.filtered_obs_ids.tolist()) >= ours & known


def test_that_all_missions_of_daxa_are_known_here() -> None:
    assert set(MISSIONS_OF_DAXA) <= set(MISSIONS)
