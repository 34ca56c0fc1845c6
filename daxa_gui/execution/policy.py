"""What to do when a job failed: the whole policy is one function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from daxa_gui.execution.failures import Failure

MAX_TRIES = 3
FIRST_DELAY_S = 2.0
DELAY_FACTOR = 4.0
MAX_DELAY_S = 3600.0
MAX_JITTER = 0.25  # of the delay
MAX_FAILURES_IN_A_ROW = 30


class Action(Enum):
    FAIL = "fail"
    RETRY = "retry"
    PAUSE_LANE = "pause the lane"


@dataclass(frozen=True)
class Decision:
    action: Action
    delay_s: float = 0.0


def decide(failure: Failure, tries: int, failures_in_a_row: int, jitter: float = 0.0) -> Decision:
    """Retry, pause the lane, or fail.

    `tries` counts how often the job was tried since a person last asked for it, this time included; `failures_in_a_row` how
    many jobs of the lane failed for reasons that may pass since one of them succeeded. `jitter` from 0 to 1 makes the pause
    before the next try longer by up to a quarter: jobs that failed together do not all come back at the same moment.

    - An error that concerns the whole lane (`pauses_lane`: a full disk) pauses it at once; the job stays in the queue.
    - An error that may pass (`retryable`) is tried again up to 3 times in all, after 2 s and 8 s, or after as long as the
      server asked for (at most an hour).
    - When 30 such failures came without one success in between, the other side is down: the lane is paused instead of
      failing thousands of jobs one by one.
    - Everything else fails at once, and so does a job that used up its tries.
    """
    if failure.pauses_lane:
        return Decision(Action.PAUSE_LANE)
    if not failure.info.retryable:
        return Decision(Action.FAIL)
    if failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
        return Decision(Action.PAUSE_LANE)
    if tries >= MAX_TRIES:
        return Decision(Action.FAIL)
    delay_s = max(FIRST_DELAY_S * DELAY_FACTOR ** (tries - 1), failure.retry_after_s or 0.0)
    return Decision(Action.RETRY, min(delay_s, MAX_DELAY_S) * (1.0 + MAX_JITTER * jitter))
