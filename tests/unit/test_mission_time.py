"""Mission time to UTC, against dates that the missions publish."""

import numpy as np
import pytest

from daxa_gui.core.mission_time import mission_time_to_utc_mjd, tai_minus_utc_s
from daxa_gui.core.times import mjd_to_text


def test_that_the_xmm_reference_is_the_start_of_1998_in_tt():
    # MJDREF 50814.0 TT; TT - UTC was 63.184 s then
    assert mission_time_to_utc_mjd(63.184, 50814.0) == pytest.approx(50814.0, abs=1e-10)
    assert mjd_to_text(float(mission_time_to_utc_mjd(0.0, 50814.0))) == "1997-12-31 23:58:57"


def test_that_a_date_of_2017_has_37_leap_seconds():
    # 2017-11-01T10:42:37 UTC is MJD 58058.446261574; TT is 69.184 s ahead
    seconds = (58058 - 50814) * 86400 + 10 * 3600 + 42 * 60 + 37 + 69.184
    assert mjd_to_text(float(mission_time_to_utc_mjd(seconds, 50814.0))) == "2017-11-01 10:42:37"


def test_that_utc_needs_no_leap_seconds_and_timezero_is_added():
    assert mission_time_to_utc_mjd(86401.0, 48043.0, "UTC", -1.0) == pytest.approx(48044.0)


def test_that_the_leap_second_of_2017_counts_from_the_first_of_january():
    assert tai_minus_utc_s([57753.9999, 57754.0]).tolist() == [36.0, 37.0]
    before = mission_time_to_utc_mjd((57754 - 50814) * 86400.0 - 10.0 + 36 + 32.184, 50814.0)
    after = mission_time_to_utc_mjd((57754 - 50814) * 86400.0 + 10.0 + 37 + 32.184, 50814.0)
    assert np.round((np.array([before, after]) - 57754.0) * 86400.0, 3).tolist() == [-10.0, 10.0]
