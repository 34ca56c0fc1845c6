"""Spectra of counts: against numpy's own histogram, in the good time, in the same bins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.intervals import make_gti
from daxa_gui.core.spectra import CountSpectrum
from daxa_gui.reduction.engine.spectrum import N_BINS, edges_of, spectrum
from daxa_gui.reduction.reading import read
from tests.fakes.inspecting import FLARE_S, LENGTH_S, flared_list


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    return read(str(flared_list(tmp_path_factory.mktemp("events") / "flared.fits")))


def test_that_every_good_event_is_counted_once_between_the_edges(events):
    found = spectrum(events)
    assert found.edges_kev.shape == (N_BINS + 1,) and found.counts.sum() == len(events)
    expected, _ = np.histogram(np.asarray(events.energy_kev, float), found.edges_kev)
    np.testing.assert_array_equal(found.counts, expected)
    assert found.live_s == pytest.approx(LENGTH_S)
    np.testing.assert_allclose(np.diff(np.log(found.edges_kev)), np.log(found.edges_kev[-1] / found.edges_kev[0]) / N_BINS)


def test_that_a_flare_raises_the_rate_only_where_it_has_energies(events):
    whole = spectrum(events)
    quiet = spectrum(events, make_gti([0.0], [FLARE_S[0]]), whole.edges_kev)
    assert quiet.live_s == pytest.approx(FLARE_S[0])
    hard = whole.edges_kev[:-1] > 2.6
    soft = whole.edges_kev[1:] < 2.0
    assert whole.rate[hard].mean() > 1.5 * quiet.rate[hard].mean()
    counted = quiet.counts[soft].sum() / quiet.live_s, whole.counts[soft].sum() / whole.live_s
    assert counted[0] == pytest.approx(counted[1], rel=0.25)


def test_that_rates_are_per_second_and_kev_and_unknown_without_time():
    one = CountSpectrum(np.array([1.0, 2.0, 4.0]), np.array([10, 40]), 100.0)
    assert one.rate.tolist() == [0.1, 0.2]
    assert np.isnan(replace(one, live_s=0.0).rate).all()


def test_that_lists_without_energies_or_events_are_told_or_empty(events):
    with pytest.raises(ReductionError, match="no energies"):
        spectrum(replace(events, energy_kev=None))
    none = np.zeros(0, np.int64)
    empty = replace(
        events, time_s=events.time_s[none], energy_kev=events.energy_kev[none], x=None, y=None,
        pattern=None if events.pattern is None else events.pattern[none],
        flag=None if events.flag is None else events.flag[none], ccd=None if events.ccd is None else events.ccd[none],
    )  # fmt: skip
    assert spectrum(empty).counts.sum() == 0 and np.isfinite(edges_of(empty)).all()
