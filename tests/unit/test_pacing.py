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


@pytest.mark.parametrize("wrong_by_s", [-1e7, 0.0, 1e7])
def test_that_a_moment_is_compared_with_the_clock_that_wrote_it(wrong_by_s):
    header, date = "Sun, 09 Sep 2001 01:48:00 GMT", "Sun, 09 Sep 2001 01:46:40 GMT"  # 10^9 s and 80 s
    assert retry_after_s(header, now=lambda: 1e9 + wrong_by_s, date=date) == 80.0
    assert retry_after_s("7", now=lambda: 0.0, date=date) == 7.0
    assert retry_after_s(header, now=lambda: 1e9, date="nonsense") == 80.0


def test_that_pieces_under_a_limit_are_small_enough_to_keep_it():
    bucket = TokenBucket(clock=Clock())
    assert bucket.piece_bytes(262_144) == 262_144
    bucket.limit(1e6)
    assert bucket.piece_bytes(262_144) == 50_000
    bucket.limit(100.0)
    assert 0 < bucket.piece_bytes(262_144) <= 1000


def test_that_four_transfers_get_equal_shares_and_together_the_limit():
    clock = Clock()
    bucket = TokenBucket(4000.0, burst_s=0.0, clock=clock)
    free_at, shares = dict.fromkeys(range(4), clock.now), dict.fromkeys(range(4), 0)
    while min(free_at.values()) < 200.0:
        transfer = min(free_at, key=free_at.get)
        clock.now = max(clock.now, free_at[transfer])
        shares[transfer] += 200
        free_at[transfer] = clock.now + bucket.take(200)
    assert sum(shares.values()) == pytest.approx(4000.0 * 100.0, rel=0.01)
    assert max(shares.values()) - min(shares.values()) <= 200
