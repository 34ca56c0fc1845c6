"""What an archive has of an observation, in words: success, folders, instruments with their exposures, what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.archive_queries import ObservationFacts
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import ProductKind
from daxa_gui.gui.described import Group, Pair
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.models.plan_digest import kind_words
from daxa_gui.gui.texts import count_text, counted, kiloseconds

_MOST_LISTED = 20
_RESULT = {
    True: "something usable came out",
    False: "nothing usable came out; « Results » says why",
    None: "not known yet: it was not reduced to the end",
}


def archive_groups(
    facts: ObservationFacts, about: ArchiveObservation, spec: MissionSpec | None, left_out: Sequence[LeftOut]
) -> list[Group]:
    """Groups of pairs for `described.as_html`."""
    labels = {instrument.name: instrument.label for instrument in spec.instruments} if spec is not None else {}
    kinds = ", ".join(kind_words(kind).lower() for kind in about.kinds or (ProductKind.EVENTS,))
    here: list[Pair] = [
        ("Result", _RESULT[facts.final_success]),
        ("Files", f"{counted(facts.n_files, 'file', 'files')}, {format_bytes(facts.size_bytes)}"),
        ("Wanted", kinds),
        ("Folder of products", facts.data_path),
        ("Folder of raw data", facts.raw_path),
    ]
    exposures = [
        pair for name, entry in facts.instruments.items() for pair in _instrument_pairs(labels.get(name, name), name, entry)
    ]
    reasons = [(one.unit or "Not fetched", _reason(one)) for one in left_out[:_MOST_LISTED]]
    if len(left_out) > _MOST_LISTED:
        reasons.append(("", f"… and {len(left_out) - _MOST_LISTED} more; « Results » lists them under « Left out »"))
    groups = [("In this archive", here), ("Instruments and exposures", exposures), ("Left out", reasons)]
    return [group for group in groups if group[1]]


def _reason(one: LeftOut) -> str:
    return f"{one.reason} With a login it can be fetched (Edit › Credentials)." if one.proprietary else one.reason


def _instrument_pairs(label: str, name: str, entry: Mapping[str, Any]) -> list[Pair]:
    if not entry.get("active"):
        return [(label, "no event list")]
    exposures: Mapping[str, Mapping[str, Any]] = entry.get("exposures", {})
    parts = [counted(len(exposures), "exposure", "exposures")]
    parts += [
        f"{what if len(entry[what]) > 1 else what[:-1]} {', '.join(map(str, entry[what]))}"
        for what in ("filters", "modes")
        if entry.get(what)
    ]
    return [(label, "; ".join(parts)), *(_exposure_pair(name, exposure, facts) for exposure, facts in exposures.items())]


def _exposure_pair(name: str, exposure: str, facts: Mapping[str, Any]) -> Pair:
    """« S001 », « 12.3 ks good time, 45 678 events »."""
    parts = []
    seconds, events = facts.get("good_time_s"), facts.get("n_events")
    if isinstance(seconds, int | float):
        parts.append(f"{kiloseconds(float(seconds))}\u00a0ks of good time")
    if isinstance(events, int):
        parts.append(f"{count_text(events)} events")
    if facts.get("usable") is False:
        parts.append(f"not usable: {facts.get('why_not') or 'no reason is known'}")
    elif facts.get("usable") is None:
        parts.append("not looked at yet")
    unit = name if exposure in ("", "ALL") else exposure
    return f"\u00a0\u00a0\u00a0{unit}", ", ".join(parts)
