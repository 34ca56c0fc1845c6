"""The keywords that every product inherits from the event list it was made of."""

from __future__ import annotations

from daxa_gui.core.eventlist import EventList
from daxa_gui.fits.cards import CardValue


def of_events(events: EventList) -> list[tuple[str, CardValue, str]]:
    """(keyword, value, comment) of mission, observation and time system. What the list does not know is left out."""
    facts: list[tuple[str, CardValue, str]] = [
        ("TELESCOP", events.format.telescopes[0], "mission"),
        ("INSTRUME", events.instrument, "instrument"),
        ("OBS_ID", events.obs_id, "observation"),
        ("EXPIDSTR", events.exposure, "exposure"),
        ("OBJECT", events.target, "target"),
        ("FILTER", events.filter, "filter"),
    ]
    facts = [fact for fact in facts if fact[1]]
    if events.simulated:
        facts.append(("SIMULATE", True, "made from SIMULATED data"))
    facts += [
        ("MJDREF", events.mjdref, "[d] time zero"),
        ("TIMEZERO", events.timezero_s, "[s] to be added to times"),
        ("TIMESYS", events.timesys, "time scale"),
        ("TIMEUNIT", "s", ""),
    ]
    for keyword, value in (("ONTIME", events.ontime_s), ("LIVETIME", events.livetime_s), ("EXPOSURE", events.exposure_s)):
        if value is not None:
            facts.append((keyword, value, "[s] of the event list"))
    return facts
