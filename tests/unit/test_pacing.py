import pytest

from daxa_gui.remote.pacing import LONGEST_WAIT_S, TokenBucket, retry_after_s


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_that_without_a_limit_nobody_waits():
    bucket = TokenBucket(clock=Clock())
    assert [bucket.take(10**9) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_that_reading_at_the_limit_takes_as_long_as_the_limit_says():
    clock = Clock()
    bucket = TokenBucket(1000.0, burst_s=0.0, clock=clock)
    start = clock.now
    for _ in range(50):
        clock.now += bucket.take(200)
    assert clock.now - start == pytest.approx(10.0)


def test_that_two_transfers_share_one_limit():
    clock = Clock()
    bucket = TokenBucket(1000.0, burst_s=0.0, clock=clock)
    assert bucket.take(500) == pytest.approx(0.5)
    assert bucket.take(500) == pytest.approx(1.0)


def test_that_idle_time_is_saved_up_only_to_the_burst():
    clock = Clock()
    bucket = TokenBucket(1000.0, burst_s=0.5, clock=clock)
    clock.now += 3600
    assert bucket.take(500) == 0.0
    assert bucket.take(500) == pytest.approx(0.5)


def test_that_taking_the_limit_away_ends_the_waiting():
    clock = Clock()
    bucket = TokenBucket(1.0, clock=clock)
    bucket.take(10**6)
    bucket.limit(None)
    assert bucket.take(10**6) == 0.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("-5", 0.0),
        ("1e9", LONGEST_WAIT_S),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 110.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_that_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    assert retry_after_s(header, now=lambda: 10.0) == seconds
