"""The image of what is inspected: before and after cleaning, products of the archive, image files; position under the pointer."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.product import Product
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.earlier_choice import EarlierBox
from daxa_gui.gui.image_regions import ImageRegions
from daxa_gui.gui.image_texts import caption, pair_for, pointer_text, product_words, sky_text, summary_text
from daxa_gui.gui.inspected import Inspected
from daxa_gui.gui.picture import Pair, Picture, Plane, Source, make_picture
from daxa_gui.gui.plot_export import ImageExport, choose_and_save
from daxa_gui.gui.theme import Theme, as_heading, as_muted
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.image_controls import ImageControls
from daxa_gui.gui.widgets.region_overlay import RegionOverlay
from daxa_gui.gui.widgets.sky_image import SkyImageView
from daxa_gui.session import Session

_BLINK_MS = 600
STALE_MS = 200
__all__ = ["ImagePanel", "pointer_text", "product_words", "sky_text"]


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
        self.controls = ImageControls(EarlierBox(self.inspected.earlier, "imageEarlier", self), self)
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
        self.readout.setWordWrap(True)
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
        inspected.earlier.choices_changed.connect(self._on_earlier_changed)
        self._context.theme_changed.connect(self._on_context_theme_changed)
        self._context.coordinates_changed.connect(lambda _style: self._on_view_pointed(None))
        self.controls.changed.connect(self._ask)
        self.controls.source_chosen.connect(self._on_source_chosen)
        self.controls.colour_map_chosen.connect(self.view.set_colour_map)
        self.controls.time_chosen.connect(self._on_time_chosen)
        self.controls.earlier_blink.connect(self._on_earlier_blink)
        self.controls.split_chosen.connect(self._on_split_chosen)
        self.controls.whole_wanted.connect(self.view.show_all)
        self.view.pointed.connect(self._on_view_pointed)
        self.view.set_colour_map(self.controls.colour_map())
        for key, toggle in (("B", self.controls.toggle_blink), ("C", self.controls.toggle_earlier_blink)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(toggle)

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
            listed = subject.listed if subject else None
            which = f" · {listed.label}" if listed is not None and len(exposure.all_lists()) > 1 else ""
            self.title.setText(f"{exposure.obs_id} · {exposure.unit}{which}")
            sources = [(product_words(product, exposure.unit), product) for product in exposure.images]
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
            pair = self._pair()
            self.controls.show_events(events_shown, inspected.cleaning is not None, pair if isinstance(pair, Pair) else None)
            self.controls.show_earlier(pair if isinstance(pair, str) else "")
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

    def _pair(self) -> Pair | str | None:
        """What is shown, now and in the chosen configuration; a sentence where there is no such pair, None if none is chosen."""
        chosen, subject = self.inspected.earlier.chosen, self.inspected.subject
        return None if chosen is None or subject is None else pair_for(chosen, subject, self.controls.chosen_source())

    def _source(self) -> Source | None:
        inspected = self.inspected
        pair, product = self._pair(), self.controls.chosen_source()
        if isinstance(pair, Pair):
            return Source(pair=pair, band_kev=self.controls.band_kev() if pair.now.is_list else None)
        if product is not None:
            return Source(path=product.path, stamp=product.sha256)
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
        blink = self.controls.time_style() == "blink" or self.controls.is_split()
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
                shown = self.plane() or picture.before
                self.view.show_part(shown.part)
        if self._again:
            self._ask()

    def _is_wanted(self, source: Source) -> bool:
        """Something else may be looked at by now."""
        wanted = self._source()
        return wanted is not None and wanted.is_of(source)

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
        return picture.after if self._is_after() and picture.after is not None else picture.before

    def _is_after(self) -> bool:
        """Whether the second image of two is shown: the one after cleaning, or that of the chosen configuration."""
        if self.picture is not None and self.picture.source.pair is not None:
            return self._blink_after or not self.controls.blinks_earlier()
        style = self.controls.time_style()
        return style == "after" or (style == "blink" and self._blink_after)

    def _show_picture(self) -> None:
        picture, plane, chosen = self.picture, self.plane(), self.inspected.earlier.chosen
        if picture is None or plane is None:
            return
        name = chosen.name if chosen is not None else ""
        is_split = self.controls.is_split() and picture.can_be_split
        both = picture.common_before, picture.common_after
        in_turn = picture.source.pair is not None or self.controls.time_style() == "blink"
        if is_split and both[0] is not None and both[1] is not None:
            self.view.show_split(both[0], both[1], plane.image)
            words = [caption(picture, one, name) for one in (picture.before, picture.after)]
            self.view.show_caption(" | ".join(words))
        else:
            shared = both[1] if plane is picture.after else both[0]
            self.view.show_levels(shared if in_turn and shared is not None else plane.levels, plane.image)
            self.view.show_caption(caption(picture, plane, name) if in_turn else "")
        self.controls.show_split(picture.can_be_split, picture.after is not None)
        self.regions.set_image(plane.image.wcs)
        self._summary = summary_text(picture, plane, name)
        self._on_view_pointed(None)

    # slots

    def _on_source_chosen(self) -> None:
        self._fit_when_read = True
        self._enable()
        self._ask()

    def _on_time_chosen(self, style: str) -> None:
        self._start_or_stop_blinking()
        if style == "blink":
            self._ask()
        self._show_picture()

    def _on_earlier_changed(self) -> None:
        """Another configuration, or none, is compared with."""
        self._enable()
        self._start_or_stop_blinking()
        self._ask()

    def _on_earlier_blink(self) -> None:
        self._start_or_stop_blinking()
        self._show_picture()

    def _on_split_chosen(self) -> None:
        self._start_or_stop_blinking()
        self._ask()

    def _blinks(self) -> bool:
        if self.controls.is_split():
            return False
        if isinstance(self._pair(), Pair):
            return self.controls.blinks_earlier()
        return self.controls.time_style() == "blink"

    def _start_or_stop_blinking(self) -> None:
        self._blink_after = False
        if self._blinks() and self.isVisible():
            self._blink.start()
        else:
            self._blink.stop()

    def _on_blink_timeout(self) -> None:
        self._blink_after = not self._blink_after
        self._show_picture()

    def _on_view_pointed(self, place: tuple[float, float] | None) -> None:
        plane = self.plane()
        if plane is None:
            self.readout.setText("")
            return
        if place is not None and self.view.split is not None and self.picture is not None and self.picture.after is not None:
            plane = self.picture.before if self.view.is_first(place[0]) else self.picture.after
        text = pointer_text(plane, place, self._context.coordinates) if place is not None else "Point at the image to read it."
        self.readout.setText(f"{text}\n{self._summary}")

    def _on_context_theme_changed(self, theme: Theme) -> None:
        self.view.set_theme(theme)

    def _save(self, what: str) -> None:
        plane = self.plane()
        if plane is None:
            return
        look = self.controls.look()
        is_own = self.controls.chosen_source() is None and self.picture is not None and self.picture.source.pair is None
        events = self.inspected.events if is_own else None
        export = ImageExport(
            plane.image, events, plane.shown, plane.low, plane.high, look.stretch, self.controls.colour_map(), self.title.text()
        )
        choose_and_save(self, self._context, self._session, export, what)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._blinks():
            self._blink.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._blink.stop()
