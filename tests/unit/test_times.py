"""MJD and ISO 8601."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import InputError
from daxa_gui.core.times import calendar_day, iso_to_mjd, isos_to_mjd, mjd_to_iso, mjd_to_text


@pytest.mark.parametrize(
    ("text", "mjd"),
    [
        ("1858-11-17", 0.0),
        ("1970-01-01", 40587.0),
        ("2000-01-01T12:00:00Z", 51544.5),
        ("2019-11-03T06:00", 58790.25),
        (" 2019-11-03 18:00:00 ", 58790.75),
        ("2020-02-29", 58908.0),
    ],
)
def test_that_known_days_have_their_known_mjd(text: str, mjd: float) -> None:
    assert iso_to_mjd(text) == mjd


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2019-13-01", "2019-02-29", "2019-11-03T25:00", "2016-12-31T23:59:60", "2019-11-03T12:30+02:00",
             "03/11/2019", "２０１９-11-03"]
)  # fmt: skip
def test_that_a_text_which_is_no_time_is_refused_with_its_words(text: str) -> None:
    with pytest.raises(InputError, match="is not a time"):
        iso_to_mjd(text)


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)))
def test_that_times_come_back_to_the_microsecond_or_two(moment: datetime) -> None:
    text = moment.isoformat(timespec="microseconds") + "Z"
    again = datetime.fromisoformat(mjd_to_iso(iso_to_mjd(text), 6)[:-1])
    assert abs(again - moment) <= timedelta(microseconds=2)


@given(st.lists(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), max_size=5))
def test_that_a_column_is_read_like_single_times(moments: list[datetime]) -> None:
    texts = [moment.isoformat(timespec="microseconds") + "Z" for moment in moments]
    assert isos_to_mjd(texts).tolist() == pytest.approx([iso_to_mjd(text) for text in texts], abs=1e-11)


def test_that_empty_cells_of_a_column_are_unknown_times() -> None:
    assert np.isnan(isos_to_mjd(["", "2020-01-01T00:00:00Z"])).tolist() == [True, False]
    assert len(isos_to_mjd([])) == 0


@pytest.mark.parametrize("text", ["2020-01-01", "2020-13-01T00:00:00Z", "2020-01-01T00:00:00", "now", "2020-01-01T00:00:00Z\n"])
def test_that_a_column_must_be_strict_iso(text: str) -> None:
    with pytest.raises(InputError):
        isos_to_mjd(["2020-01-01T00:00:00Z", text])


def test_that_rounding_carries_over_into_the_next_day() -> None:
    assert mjd_to_iso(58908.0 - 0.4 / 86400) == "2020-02-29T00:00:00Z"
    assert mjd_to_iso(58908.0 - 0.4 / 86400, 1) == "2020-02-28T23:59:59.6Z"


def test_that_midnight_is_written_as_a_day() -> None:
    assert mjd_to_text(58790.0) == "2019-11-03"
    assert mjd_to_text(58790.25) == "2019-11-03 06:00:00"


def test_that_the_calendar_day_is_that_of_utc() -> None:
    day = calendar_day(math.nextafter(58790.0, 0) - 1e-9)
    assert (day.year, day.month, day.day) == (2019, 11, 2)
