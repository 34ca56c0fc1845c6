"""Parts of the dialog for samples: what columns can mean, days, which file, and what is said of a sample."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDoubleSpinBox, QFileDialog, QWidget

from daxa_gui.core.sample import Sample, SampleColumns
from daxa_gui.gui.texts import counted

# name of the field of SampleColumns, label with its key, what it means, word above the column of the preview
MEANINGS: tuple[tuple[str, str, str, str], ...] = (
    ("ra", "&RA", "Right ascension, or the longitude of the frame; numbers in degrees or sexagesimal texts", "RA"),
    ("dec", "&Dec", "Declination, or the latitude of the frame; degrees or sexagesimal texts", "Dec"),
    ("name", "&Name", "What each position is called; may be left out", "name"),
    ("time", "&Time", "A moment of each position, for example its discovery; a window around it is searched", "time"),
    ("start", "&Start", "When each position's own time window begins", "start"),
    ("end", "&End", "When each position's own time window ends", "end"),
    ("radius", "Rad&ius", "Each position's own search distance", "radius"),
)
FRAMES: tuple[tuple[str, str], ...] = (
    ("ICRS", "icrs"),
    ("FK5 (J2000)", "fk5"),
    ("FK4 (B1950)", "fk4"),
    ("Galactic", "galactic"),
    ("Ecliptic", "ecliptic"),
)
RADIUS_UNITS: tuple[tuple[str, str], ...] = (("degrees", "deg"), ("arcmin", "arcmin"), ("arcsec", "arcsec"))


def ask_sample(parent: QWidget) -> Path | None:
    """Which file; None if the person thinks better of it."""
    path, _ = QFileDialog.getOpenFileName(
        parent, "Choose a sample", "",
        "Tables (*.csv *.ecsv *.txt *.vot *.xml *.votable *.fits *.fit *.fits.gz);;All files (*)",
    )  # fmt: skip
    return Path(path) if path else None


class DaysBox(QDoubleSpinBox):
    """Without zeros behind the point."""

    def textFromValue(self, value: float) -> str:
        return f"{value:.9g}"


def sample_words(sample: Sample, columns: SampleColumns) -> str:
    """« 542 positions with radii of their own can be used. », and what is not used although it was chosen."""
    places = sample.places
    having = [word for word, there in (("radii", places.radius_deg is not None), ("time windows", places.has_windows)) if there]
    with_them = f" with {' and '.join(having)} of their own" if having else ""
    said = f"{counted(len(places), 'position', 'positions')}{with_them} can be used."
    if columns.time and not places.has_windows:
        said += " Times do not count until the days before or after them are given."
    return said
