"""Which events count: bands with both ends, patterns, flags, good time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.intervals import make_gti
from daxa_gui.reduction.engine.events import band_mask, good_mask, memory_of, quality_mask, select
from tests.fakes.event_files import MOS, events_in_memory


@pytest.mark.parametrize(("per_channel", "offset"), [(0.001, 0.0), (0.01, 0.0), (0.04, 1.6), (0.00365, 0.0), (0.0005, 0.0)])
@given(st.integers(0, 20000), st.integers(1, 5000))
def test_that_a_band_holds_both_of_its_end_channels_and_no_others(
    per_channel: float, offset: float, low: int, width: int
) -> None:
    channels = np.array([low - 1, low, low + 1, low + width - 1, low + width, low + width + 1])
    energy = (offset + per_channel * channels.astype(np.float64)).astype(np.float32)
    events = events_in_memory(np.zeros(6), [(0, 1)], energy_kev=energy)
    band = (offset + per_channel * low, offset + per_channel * (low + width))
    assert band_mask(events, band).tolist() == ((channels >= low) & (channels <= low + width)).tolist()


def test_that_events_without_energy_are_in_no_band() -> None:
    events = events_in_memory(np.zeros(3), [(0, 1)], energy_kev=np.array([np.nan, -0.5, 1.0], np.float32))
    assert band_mask(events, (0.0, 10.0)).tolist() == [False, False, True]


def test_that_a_band_of_an_instrument_without_energies_holds_all_events() -> None:
    form = replace(MOS, energy_column="")
    assert band_mask(events_in_memory(np.zeros(2), [(0, 1)], form=form, **{"energy_kev": 1.0}), (5.0, 6.0)).tolist() == [
        False,
        False,
    ]
    blind = replace(events_in_memory(np.zeros(2), [(0, 1)], form=form), energy_kev=None)
    assert band_mask(blind, (5.0, 6.0)).all()


def test_that_an_empty_band_is_refused() -> None:
    with pytest.raises(ReductionError, match="2 to 1 keV"):
        band_mask(events_in_memory(np.zeros(2), [(0, 1)]), (2.0, 1.0))


def test_that_patterns_and_flags_follow_the_format() -> None:
    pattern = np.array([0, 12, 13, 0, 0], np.int16)
    flag = np.array([0, 0x2, 0, 0x10000, 0x2000], np.int64)
    events = events_in_memory(np.zeros(5), [(0, 1)], pattern=pattern, flag=flag)
    assert quality_mask(events).tolist() == [True, True, False, False, False]
    assert quality_mask(events, zero_flag=True).tolist() == [True, False, False, False, False]


def test_that_listed_patterns_and_zero_flags_are_understood() -> None:
    form = replace(MOS, good_patterns=(0, 2, 3, 4, 6), flag_mask=None)
    pattern = np.array([0, 1, 2, 5, 6, 7], np.int16)
    flag = np.array([0, 0, 1 << 31, 0, 0, 0], np.int64)
    events = events_in_memory(np.zeros(6), [(0, 1)], form=form, pattern=pattern, flag=flag)
    assert quality_mask(events).tolist() == [True, False, False, False, True, False]


def test_that_flags_are_not_looked_at_where_the_format_says_so() -> None:
    events = events_in_memory(np.zeros(2), [(0, 1)], form=replace(MOS, flag_mask=0), flag=np.array([0, -1], np.int64))
    assert quality_mask(events).all()


def test_that_selections_combine_and_all_events_can_be_asked_for() -> None:
    time = np.array([0.5, 1.5, 2.5, 3.5])
    events = events_in_memory(time, [(0.0, 3.0)], pattern=np.array([0, 13, 0, 0], np.int16), energy_kev=np.array([1, 1, 1, 9.0]))
    assert select(events).tolist() == [True, False, True, False]
    assert select(events, (0.5, 2.0), make_gti([2.0], [9.0])).tolist() == [False, False, True, False]
    assert select(events, (0.5, 2.0), selected=False).tolist() == [True, True, True, False]


def test_that_what_was_computed_for_a_list_goes_away_with_it() -> None:
    events = events_in_memory(np.zeros(3), [(0.0, 1.0)])
    assert good_mask(events) is good_mask(events)
    assert "good" in memory_of(events)
    other = events_in_memory(np.full(3, 5.0), [(0.0, 1.0)])
    assert not good_mask(other).any()
