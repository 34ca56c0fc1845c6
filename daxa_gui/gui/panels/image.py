"""The image of what is inspected: before and after cleaning, products of the archive, image files; position under the pointer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.images import SkyImage
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.sky import format_sexagesimal
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.image_regions import ImageRegions
from daxa_gui.gui.inspected import Inspected
from daxa_gui.gui.picture import Picture, Plane, Source, make_picture
from daxa_gui.gui.plot_export import ImageExport, choose_and_save
from daxa_gui.gui.theme import Theme, as_heading, as_muted
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.image_controls import ImageControls
from daxa_gui.gui.widgets.region_overlay import RegionOverlay
from daxa_gui.gui.widgets.sky_image import SkyImageView
from daxa_gui.session import Session

_BLINK_MS = 600
STALE_MS = 200
_KIND_WORDS = {
    ProductKind.IMAGE: "image",
    ProductKind.EXPOSURE_MAP: "exposure map",
    ProductKind.BACKGROUND_MAP: "background map",
}
_UNIT_WORDS = {"count": "counts", "s": "s", "count/s": "ct/s", "": ""}


class ImagePanel(QWidget):
    """Follows `Inspected`: when the cleaning changes, so does the image after cleaning."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.inspected = Inspected.of(session, context, bridge)
        self.picture: Picture | None = None
        self._running = False
        self._again = False
        self._fit_when_read = True
        self._stale = QTimer(self)
        self._stale.setSingleShot(True)
        self._stale.setInterval(STALE_MS)
        self._stale.timeout.connect(self._clear)
        self._blink_after = False
        self._summary = ""
        self._blink = QTimer(self)
        self._blink.setInterval(_BLINK_MS)
        self._blink.timeout.connect(self._on_blink_timeout)
        self._build()
        self._connect()
        bridge.archive_content_changed.connect(self.regions.read)
        self._on_context_theme_changed(context.theme)
        self._on_subject_changed()
        self._on_events_changed()

    # building

    def _build(self) -> None:
        self.title = ElidedLabel(self)
        self.title.setObjectName("imageTitle")
        as_heading(self.title)
        self.save = QPushButton("Save", self)
        self.save.setObjectName("imageSave")
        self.save.setToolTip("Save the picture for a paper, or the image as a FITS file")
        menu = QMenu(self.save)
        menu.addAction("&Picture as PDF, SVG or PNG…", lambda: self._save("picture"))
        menu.addAction("&Image as FITS…", lambda: self._save("image"))
        self.save.setMenu(menu)
        self.controls = ImageControls(self)
        self.view = SkyImageView(self)
        self.view.setObjectName("skyImage")
        self.view.setAccessibleName("Image of the sky")
        self.view.setMinimumSize(QSize(160, 120))
        self.empty = QLabel(self)
        self.empty.setObjectName("imageEmpty")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        as_muted(self.empty)
        self.regions = ImageRegions(self._session, self._context, RegionOverlay(self.view.view, self), self._observation, self)
        self.readout = QLabel(self)
        self.readout.setObjectName("imageReadout")
        self.readout.setToolTip(
            "Position and value under the pointer. Positions of the file are taken as ICRS; FK5 J2000 is within 0.1″."
        )
        self.readout.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.readout.setMinimumHeight(2 * self.readout.fontMetrics().height() + 2)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.regions.button)
        top.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.controls)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self.readout)

    def _connect(self) -> None:
        inspected = self.inspected
        inspected.subject_changed.connect(self._on_subject_changed)
        inspected.events_changed.connect(self._on_events_changed)
        inspected.cleaning_changed.connect(self._ask)
        self._context.theme_changed.connect(self._on_context_theme_changed)
        self._context.coordinates_changed.connect(lambda _style: self._on_view_pointed(None))
        self.controls.changed.connect(self._ask)
        self.controls.source_chosen.connect(self._on_source_chosen)
        self.controls.colour_map_chosen.connect(self.view.set_colour_map)
        self.controls.time_chosen.connect(self._on_time_chosen)
        self.controls.whole_wanted.connect(self.view.show_all)
        self.view.pointed.connect(self._on_view_pointed)
        self.view.set_colour_map(self.controls.colour_map())
        blink = QShortcut(QKeySequence("B"), self)
        blink.setContext(Qt.ShortcutContext.WindowShortcut)
        blink.activated.connect(self.controls.toggle_blink)

    # what is looked at

    def _observation(self) -> tuple[str, str] | None:
        """Mission and ObsID, None for a file outside the archive."""
        subject = self.inspected.subject
        exposure = subject.exposure if subject else None
        return (exposure.mission, exposure.obs_id) if exposure is not None else None

    def _on_subject_changed(self) -> None:
        """The choice of sources follows the subject; a chosen picture of the archive is shown at once."""
        subject = self.inspected.subject
        exposure = subject.exposure if subject else None
        sources: list[tuple[str, Product | None]] = []
        if exposure is not None:
            self.title.setText(f"{exposure.obs_id} · {exposure.unit}")
            sources = [(product_words(product), product) for product in exposure.images]
        elif subject is not None:
            self.title.setText(Path(subject.path).name)
            self.title.setToolTip(subject.path)
        else:
            self.title.setText("")
        self.controls.show_sources(sources, subject.picture if subject else None)
        self.regions.read()
        if self.inspected.events is not None or self.inspected.image is not None:
            self._ask()

    def _on_events_changed(self) -> None:
        inspected = self.inspected
        self._fit_when_read = True
        if inspected.events is not None:
            self.controls.show_band(inspected.events.format.default_band_kev if inspected.events.energy_kev is not None else None)
        if inspected.reading:
            self._stale.start()  # a next exposure that comes soon replaces the picture without a blink
        else:
            self._clear_if_nothing_comes()
        self._ask()

    def _clear_if_nothing_comes(self) -> None:
        self._stale.stop()
        if self._source() is None:
            self._clear()
        else:
            self._enable()

    def _clear(self) -> None:
        self._stale.stop()
        if self.picture is not None and self._is_wanted(self.picture.source):
            return
        self.picture = None
        self.view.clear_image()
        self._enable()

    def _enable(self) -> None:
        inspected = self.inspected
        there = self.picture is not None or inspected.reading or self._running  # nothing jumps about between two exposures
        self.view.setVisible(there)
        self.controls.setVisible(there)
        self.empty.setVisible(not there)
        self.save.setEnabled(self.picture is not None)
        if self.picture is None:
            self.regions.set_image(None)
        if not inspected.reading:
            events_shown = inspected.events is not None and self.controls.chosen_source() is None
            self.controls.show_events(events_shown, inspected.cleaning is not None)
        if self.picture is None:
            self.empty.setText(self._why_empty())
            self.readout.setText("Reading…" if there else "")

    def _why_empty(self) -> str:
        inspected = self.inspected
        if inspected.subject is None:
            return "Choose an exposure, or open an event list or image (Ctrl+Shift+O)."
        if inspected.events is None and inspected.image is None and inspected.problem is not None:
            return str(inspected.problem)
        return "There is no image of this exposure."

    # making the picture; one at a time, and the newest wish is never forgotten

    def _source(self) -> Source | None:
        inspected = self.inspected
        product = self.controls.chosen_source()
        if product is not None:
            return Source(path=product.path)
        if inspected.events is not None:
            gti = inspected.cleaning.gti if inspected.cleaning is not None else None
            return Source(events=inspected.events, band_kev=self.controls.band_kev(), gti=gti)
        return Source(image=inspected.image) if inspected.image is not None else None

    def _ask(self) -> None:
        source = self._source()
        if source is None:
            return
        if self._running:
            self._again = True
            return
        self._running, self._again = True, False
        inspection, look, last = self._session.inspection, self.controls.look(), self.picture
        blink = self.controls.time_style() == "blink"
        self._context.background.read(
            self,
            "picture",
            lambda: make_picture(inspection, source, look, last, blink=blink),
            self._on_picture_made,
            self._on_picture_error,
        )

    def _on_picture_made(self, picture: Picture) -> None:
        self._running = False
        if self._is_wanted(picture.source):
            self.picture = picture
            self._enable()
            self._show_picture()
            if self._fit_when_read:
                self._fit_when_read = False
                self.view.show_part(picture.before.part)
        if self._again:
            self._ask()

    def _is_wanted(self, source: Source) -> bool:
        """Something else may be looked at by now."""
        wanted = self._source()
        return wanted is not None and (wanted.path, wanted.image, wanted.events) == (source.path, source.image, source.events)

    def _on_picture_error(self, error: DaxaError) -> None:
        self._running = False
        self.picture = None
        self.view.clear_image()
        self._enable()
        self.empty.setText(str(error))
        if self._again:
            self._ask()

    def plane(self) -> Plane | None:
        """What is on the screen right now."""
        picture = self.picture
        if picture is None:
            return None
        style = self.controls.time_style()
        after = style == "after" or (style == "blink" and self._blink_after)
        return picture.after if after and picture.after is not None else picture.before

    def _show_picture(self) -> None:
        picture, plane = self.picture, self.plane()
        if picture is None or plane is None:
            return
        levels = plane.levels
        if self.controls.time_style() == "blink" and picture.common_after is not None and picture.common_before is not None:
            levels = picture.common_after if self._blink_after else picture.common_before
        self.view.show_levels(levels, plane.image)
        self.regions.set_image(plane.image.wcs)
        self._show_summary(plane)

    def _show_summary(self, plane: Plane) -> None:
        which = ""
        if self.picture is not None and self.picture.after is not None:
            which = "after cleaning · " if plane is self.picture.after else "before cleaning · "
        unit = _UNIT_WORDS.get(plane.image.unit, plane.image.unit)
        total = f"{plane.total:,.0f} counts · ".replace(",", "\u202f") if plane.image.unit == "count" else ""
        band = plane.image.band_kev
        energies = f"{band[0]:g}–{band[1]:g} keV · " if band is not None and np.isfinite(band).all() else ""
        self._summary = f"{which}{energies}{total}cuts {plane.low:.3g} to {plane.high:.3g} {unit}".strip()
        self._on_view_pointed(None)

    # slots

    def _on_source_chosen(self) -> None:
        self._fit_when_read = True
        self._enable()
        self._ask()

    def _on_time_chosen(self, style: str) -> None:
        self._blink_after = False
        if style == "blink" and self.isVisible():
            self._blink.start()
        else:
            self._blink.stop()
        if style == "blink":
            self._ask()
        self._show_picture()

    def _on_blink_timeout(self) -> None:
        self._blink_after = not self._blink_after
        self._show_picture()

    def _on_view_pointed(self, place: tuple[float, float] | None) -> None:
        plane = self.plane()
        if plane is None:
            self.readout.setText("")
            return
        text = pointer_text(plane, place, self._context.coordinates) if place is not None else "Point at the image to read it."
        self.readout.setText(f"{text}\n{self._summary}")

    def _on_context_theme_changed(self, theme: Theme) -> None:
        self.view.set_theme(theme)

    def _save(self, what: str) -> None:
        plane = self.plane()
        if plane is None:
            return
        look = self.controls.look()
        events = self.inspected.events if self.controls.chosen_source() is None else None
        export = ImageExport(
            plane.image, events, plane.shown, plane.low, plane.high, look.stretch, self.controls.colour_map(), self.title.text()
        )
        choose_and_save(self, self._context, self._session, export, what)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.controls.time_style() == "blink":
            self._blink.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._blink.stop()


def pointer_text(plane: Plane, place: tuple[float, float], coordinates: str) -> str:
    """Position and value of the pixel at (column, row): « RA 05 34 31.9 Dec +22 00 52 (ICRS) · 12 counts »."""
    column, row = int(place[0]), int(place[1])
    value = float(plane.image.values[row, column])
    unit = _UNIT_WORDS.get(plane.image.unit, plane.image.unit)
    number = f"{value:.0f}" if plane.image.unit == "count" else f"{value:.5g}"
    smooth = float(plane.shown[row, column])
    smoothed = f" (smoothed {smooth:.3g})" if abs(smooth - value) > 1e-6 * max(1.0, abs(value)) else ""
    return f"{sky_text(plane.image, place, coordinates)} · {number} {unit}{smoothed}"


def sky_text(image: SkyImage, place: tuple[float, float], coordinates: str) -> str:
    """The position in the chosen notation, or pixels where the image has no sky coordinates."""
    if image.wcs is None:
        return f"pixel {int(place[0]) + 1}, {int(place[1]) + 1}"
    ra, dec = (float(value) for value in image.wcs.sky(place[0] + 0.5, place[1] + 0.5))
    if coordinates == "degrees":
        return f"RA {ra:.5f}° Dec {dec:+.5f}° (ICRS)"
    text = format_sexagesimal(ra, dec, 2)
    split = max(text.rfind("+"), text.rfind("-"))
    return f"RA {text[:split].strip()} Dec {text[split:]} (ICRS)"


def product_words(product: Product) -> str:
    """« image 0.5–2 keV », « exposure map »."""
    band = product.key.band_kev
    energies = f" {band[0]:g}–{band[1]:g} keV" if band is not None else ""
    return f"{_KIND_WORDS.get(product.key.kind, 'file')}{energies}"
