"""How fast bytes come, smoothed and honest: unknown until there is something to tell it from, falling while nothing comes."""

from __future__ import annotations

from collections import deque

_SHORTEST_S = 1.0  # a rate over less time than this says nothing
_BETWEEN_MARKS_S = 0.4


class RateMeter:
    """A count (bytes, observations) at the times of a monotonic clock, both in any order of magnitude."""

    __slots__ = ("_marks", "_over_s")

    def __init__(self, over_s: float = 10.0) -> None:
        self._over_s = over_s
        self._marks: deque[tuple[float, float]] = deque()

    def note(self, now_s: float, count: float) -> None:
        """The count now; one that is smaller than before begins anew."""
        marks = self._marks
        if marks and count < marks[-1][1]:
            marks.clear()
        if len(marks) > 1 and now_s - marks[-2][0] < _BETWEEN_MARKS_S:
            marks[-1] = (now_s, count)
        else:
            marks.append((now_s, count))
        self._forget(now_s)

    def rate(self, now_s: float) -> float | None:
        """Per second over the last seconds up to now; None while too little is known, 0 when nothing came for long."""
        self._forget(now_s)
        if not self._marks:
            return None
        first_s, first = self._marks[0]
        if now_s - first_s < _SHORTEST_S:
            return None
        return max(0.0, self._marks[-1][1] - first) / (now_s - first_s)

    def clear(self) -> None:
        self._marks.clear()

    def _forget(self, now_s: float) -> None:
        while len(self._marks) > 1 and self._marks[1][0] < now_s - self._over_s:
            self._marks.popleft()


def duration_text(seconds: float) -> str:
    """« 40 s », « 12 min », « 3 h 20 min », « 4 days »."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{round(minutes / 1440)} days"


def left_text(seconds: float) -> str:
    """As coarse as such a guess deserves: « about 1 h 10 min left », « less than a minute left »."""
    if seconds < 50:
        return "less than a minute left"
    minutes = max(1, round(seconds / 60))
    if minutes >= 60:
        minutes = round(minutes / 10) * 10
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"about {round(hours / 24)} days left"
    if not hours:
        return f"about {minutes} min left"
    return f"about {hours} h {rest} min left" if rest and hours < 12 else f"about {hours} h left"
