"""Plans of all twelve missions, from listings with names as their archives have them."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.errors import TransferError
from daxa_gui.core.registry import resolve
from daxa_gui.downloading import plan_request
from daxa_gui.missions import MISSIONS
from daxa_gui.remote.plan import plan_observation
from daxa_gui.remote.wanted import Wish, name_matcher, wanted_kinds
from tests.fakes.canned_web import ADDRESSES, archive_of, canned_web, rows_of
from tests.fakes.plans import planned, select
from tests.fakes.task_context import FakeContext

TWELVE = [name for name in MISSIONS if MISSIONS[name].files]


# -- twelve missions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mission", TWELVE)
def test_that_every_kind_that_a_mission_offers_is_planned(mission):
    rows = rows_of(mission, 3)
    web = canned_web({mission: rows})
    kinds = tuple(str(kind) for kind in MISSIONS[mission].kinds)
    plan = planned([select(mission, rows, kinds)], web)
    assert plan.left_out == ()
    assert plan.problems == ()
    assert {file.obs_id for file in plan.files} == {row["obs_id"] for row in rows}
    assert {file.kind for file in plan.files} <= set(kinds)
    assert all(request.kind == "download" and request.mission == mission for request in plan.requests)
    for file, request in zip(plan.files, plan.requests, strict=True):
        arguments = request.task.arguments
        folder = Path(f"/nowhere/out/{mission}_raw")
        assert Path(arguments["destination"]).is_relative_to(folder)
        assert (file.unit, file.path) == (request.unit, arguments["path"])
        assert json.loads(json.dumps(arguments)) == arguments


EVENT_LISTS = {
    "xmm_pointed": 3, "chandra": 1, "erosita_calpv": 1, "erosita_all_sky_de_dr1": 1, "nustar_pointed": 2, "rosat_pointed": 1,
    "rosat_all_sky": 1, "asca": 4, "integral_pointed": 0, "xrism_pointed": 6,
}  # fmt: skip


@pytest.mark.parametrize("mission", EVENT_LISTS)
def test_that_event_lists_are_planned_when_no_kind_was_chosen(mission):
    rows = rows_of(mission, 1)
    plan = planned([select(mission, rows)], canned_web({mission: rows}))
    assert len(plan.files) == EVENT_LISTS[mission]
    assert {file.kind for file in plan.files} <= {"events"}
    if not plan.files:
        assert "offers nothing of what was chosen" in plan.left_out[0].reason


@pytest.mark.parametrize("mission", [name for name in TWELVE if name != "erosita_calpv"])
def test_that_what_a_job_plans_is_what_the_plan_shows(mission):
    """A job that plans the same observation later must not make other downloads: they would be fetched again."""
    rows = rows_of(mission, 1)
    web = canned_web({mission: rows})
    kinds = tuple(str(kind) for kind in MISSIONS[mission].kinds)
    instruments = MISSIONS[mission].default_instruments[:1]
    plan = planned([select(mission, rows, kinds, instruments)], web)
    raw_folder = Path(f"/nowhere/out/{mission}_raw/{rows[0]['obs_id']}")
    request = plan_request(mission, rows[0], raw_folder, instruments, kinds)
    arguments = json.loads(json.dumps(request.task.arguments))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("daxa_gui.remote.looking.VisitedWeb", lambda ctx, visit: web)
        outcome = plan_observation(FakeContext(ADDRESSES), **arguments)
    assert set(map(repr, outcome.follow_ups)) == set(map(repr, plan.requests))


def test_that_reading_a_name_once_for_all_obs_ids_reads_the_same():
    n_names = 0
    for mission in TWELVE:
        for row in rows_of(mission, 4):
            obs_id, reader = str(row["obs_id"]), MISSIONS[mission].raw_file
            wish = Wish(mission, obs_id, "/raw", reader, wanted_kinds(()))
            for _, names in archive_of(mission, obs_id):
                for name in names:
                    n_names += 1
                    assert wish.name_reader()(name) == resolve(reader)(name), (mission, name)
    assert n_names > 1000


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        (r"P0099990101M[12]\.FTZ", "P0099990101M1.FTZ", True),
        (r"P0099990101M[12]\.FTZ", "P0099990102M1.FTZ", False),
        (r".*12345.*", "x99999y12345z", True),
        (r".*12345.*", "x12345y99999z", True),
        (r"(?:a12345|b)\.fits", "b.fits", True),
        (r"(?:a12345|b)\.fits", "a12346.fits", False),
        (r"a[12345]b", "a3b", True),
        (r"a[x12345y]b", "axb", True),
        (r"a[0-9]{1234}b", "a" + "7" * 1234 + "b", True),
        (r"a12345?b", "a1234b", True),
        (r"a(1234)\1b", "a12341234b", True),
        (r"a(1234)\1b", "a12345678b", False),
        (r"a\012345", "a\n345", True),
        (r"(?i)A12345b", "a12345B", True),
        (r"2185_12345_2185", "2185_12345_2186", False),
        (r"2185_12345_2185", "2185_12345_2185", True),
    ],
)
def test_that_a_matcher_says_what_its_expression_says(pattern, name, matches):
    assert name_matcher(pattern)(name) is matches


PIECES = (
    "12345",
    "54321",
    "P",
    "a",
    "[0-9]",
    "[0-9]{5}",
    ".*",
    "(?:a|b)",
    "|",
    "?",
    "(?:12345|a)",
    "_",
    r"\.",
    "(?=.*5)",
    "[12]",
)
PARTS = ("12345", "54321", "P", "a", "b", "_", ".", "1")


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6), st.lists(st.sampled_from(PARTS), max_size=6))
@settings(max_examples=600)
def test_that_a_matcher_never_says_anything_else_than_its_expression(pieces, parts):
    pattern, name = "".join(pieces), "".join(parts)
    try:
        expected = re.fullmatch(pattern, name) is not None
    except re.error:
        with pytest.raises(TransferError):
            name_matcher(pattern)
        return
    assert name_matcher(pattern)(name) is expected
    assert name_matcher(pattern)(name) is expected  # also when it is remembered


def test_that_an_expression_that_is_none_is_an_error():
    for pattern in ("a(", "a{99999999999}", "[z-a]12345", "(?P<n1_>12345)("):
        with pytest.raises(TransferError, match="does not say which files"):
            name_matcher(pattern)
