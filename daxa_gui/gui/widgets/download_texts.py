"""The sentence above the downloads: how many files, how many bytes, how fast, how long, and whether the disk is large enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daxa_gui.gui.models.download_columns import CODES, WORDS, Sum, Sums, n_jobs, n_open
from daxa_gui.gui.models.jobs import format_bytes, format_part
from daxa_gui.gui.models.rates import left_text
from daxa_gui.gui.texts import count_text, counted


@dataclass(frozen=True)
class Pace:
    """`rate_bytes_s` is None while it is not known; `free_bytes` is None while nobody asked."""

    rate_bytes_s: float | None = None
    free_bytes: int | None = None
    paused_lanes: Sequence[str] = ()


def summary_sentence(sums: Sums, pace: Pace) -> str:
    """« 412 of 639 files · 12.3 of about 48.0 GB · 8.1 MB/s · about 1 h 10 min left · 2 failed »."""
    parts = _amounts(sums)
    if n_open(sums):
        parts += _speed(sums, pace)
    if failed := int(sums[CODES["failed"]]):
        parts.append(f"{count_text(failed)} failed")
    if stopped := int(sums[CODES["paused"]]):
        parts.append(f"{count_text(stopped)} paused")
    if pace.paused_lanes:
        parts.append(f"{' and '.join(pace.paused_lanes)} paused")
    if n_open(sums) and pace.free_bytes is not None:
        parts.append(disk_sentence(float(sums[Sum.TO_COME]), pace.free_bytes, rounded=_is_rounded(sums)))
    return " · ".join(parts)


def _is_rounded(sums: Sums) -> bool:
    return bool(sums[Sum.ROUNDED] or sums[Sum.UNKNOWN])


def _amounts(sums: Sums) -> list[str]:
    files, done = int(sums[Sum.FILES]), int(sums[Sum.FILES_DONE])
    lists = n_jobs(sums) - files
    if not files:
        return [_asking(sums, lists)] if lists else []
    parts = [f"{count_text(done)} of {counted(files, 'file', 'files')}"]
    parts.append(format_part(float(sums[Sum.HERE]), float(sums[Sum.BYTES]), rounded=_is_rounded(sums)))
    if unknown := int(sums[Sum.UNKNOWN]):
        parts[-1] += f" and {counted(unknown, 'file', 'files')} of unknown size"
    return parts


def _asking(sums: Sums, lists: int) -> str:
    """What there is to say while no file is known."""
    have = counted(lists, "observation has", "observations have")
    if n_open(sums):
        return f"Asking which files {have}"
    if sums[CODES["failed"]]:
        return f"It could not be found out which files {have}"
    return f"There is nothing to fetch of {counted(lists, 'observation', 'observations')}"


def _speed(sums: Sums, pace: Pace) -> list[str]:
    if pace.rate_bytes_s is None or not sums[CODES["running"]]:
        return []
    if pace.rate_bytes_s < 1.0:
        return ["nothing comes at the moment"]
    parts = [f"{format_bytes(pace.rate_bytes_s)}/s"]
    unfinished = max(1, n_open(sums))
    if float(sums[Sum.UNKNOWN]) / unfinished <= 0.1 and sums[Sum.TO_COME] > 0:  # otherwise it would be a guess about guesses
        parts.append(left_text(float(sums[Sum.TO_COME]) / pace.rate_bytes_s))
    return parts


def disk_sentence(to_come_bytes: float, free_bytes: float, *, rounded: bool) -> str:
    """« 120 GB free on disk », or that this is too little."""
    free = f"{format_bytes(free_bytes)} free on disk"
    if to_come_bytes <= free_bytes:
        return free
    return f"▲ only {free}: too little for {'about' if rounded else 'the'} {format_bytes(to_come_bytes)} to come"


def states_sentence(counts: Sequence[int]) -> str:
    """« 3 running, 12 queued »: how many files are in each state."""
    return ", ".join(f"{count_text(int(count))} {word}" for word, count in zip(WORDS, counts, strict=True) if count)
