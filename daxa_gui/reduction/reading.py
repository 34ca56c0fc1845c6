"""Reading event lists with the formats of all missions; run in a worker process for the window."""

from __future__ import annotations

from daxa_gui.core.eventlist import EventList
from daxa_gui.core.step import TaskContext
from daxa_gui.fits.columns import save_columns
from daxa_gui.fits.event_lists import read_event_list


def read(path: str) -> EventList:
    """An event list of any mission. Raises FileError with a sentence for everything that is wrong with the file."""
    from daxa_gui.missions import event_formats

    return read_event_list(path, event_formats())


def read_into_columns(ctx: TaskContext, path: str, folder: str) -> None:
    """Read an event list and leave it in columnar form in `folder` (see `daxa_gui.fits.columns`)."""
    ctx.progress(0, None, "reading events")
    events = read(path)
    ctx.check_cancelled()
    save_columns(events, folder)
