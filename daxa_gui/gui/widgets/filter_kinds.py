"""The kinds of filters that can be made and changed in the window: their menu entries and their editors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from daxa_gui.core.filters import (
    Box,
    Category,
    Cone,
    Exposure,
    Field,
    Filter,
    HasInstrument,
    Moc,
    ObsIds,
    Picked,
    Polygon,
    Positions,
    Public,
    SkyShapes,
    TargetType,
    TimeRange,
    Usable,
)
from daxa_gui.gui.context import Context
from daxa_gui.gui.widgets.base_editor import FilterEditor
from daxa_gui.gui.widgets.filter_editors import ExposureEditor, FixedEditor, PublicEditor, TimeEditor
from daxa_gui.gui.widgets.list_editors import CALPV, CategoryEditor, FieldEditor, InstrumentEditor, TargetTypeEditor
from daxa_gui.gui.widgets.place_editors import BoxEditor, ConeEditor
from daxa_gui.gui.widgets.row_editors import ObsIdsEditor, PickedEditor
from daxa_gui.gui.widgets.several_places_editor import PositionsEditor
from daxa_gui.gui.widgets.shape_editors import FileEditor, PolygonEditor
from daxa_gui.session import Session

_REGION_NOTE = "DS9 region file in sky coordinates: circles, ellipses, boxes, polygons, annuli; some may exclude."
_MOC_NOTE = "Coverage map (MOC) as FITS, JSON or text, also one of space and time."


@dataclass(frozen=True)
class FilterKind:
    """One entry of the menu « Add filter »; `edits` says whether the editor can take a filter.

    `menu` is the title of a menu within the menu (empty: none), `ends_group` puts a line after the entry. `missions` are those
    that a new filter applies to at first (None: all). `by_hand` is a filter for which these, and its opposite, make no sense.
    """

    name: str
    text: str
    tip: str
    editor: Callable[[Session, Context], FilterEditor]
    edits: Callable[[Filter], bool]
    menu: str = ""
    ends_group: bool = False
    missions: tuple[str, ...] | None = None
    by_hand: bool = False
    fixed: Filter | None = None  # there is nothing to enter: it is added at once


def _is(*kinds: type[Filter]) -> Callable[[Filter], bool]:
    return lambda item: isinstance(item, kinds)


def _region_file(session: Session, context: Context) -> FilterEditor:
    return FileEditor(
        context, session.read_regions, title="Region file", what="region file", note=_REGION_NOTE,
        patterns="Region files (*.reg);;All files (*)",
    )  # fmt: skip


def _moc_file(session: Session, context: Context) -> FilterEditor:
    return FileEditor(
        context, session.read_moc, title="Coverage map", what="coverage map", note=_MOC_NOTE,
        patterns="Coverage maps (*.fits *.fit *.fits.gz *.json *.txt *.moc);;All files (*)",
    )  # fmt: skip


_REGION, _TARGET, _DATA = "&Region of the sky", "Tar&get", "&Data"

FILTER_KINDS: tuple[FilterKind, ...] = (
    FilterKind("name", "Object &name…", "Observations around an object",
               lambda s, c: ConeEditor(s, c.background, c.coordinates, by_name=True),
               lambda f: isinstance(f, Cone) and bool(f.position.name)),
    FilterKind("position", "Sky &position…", "Observations around a position",
               lambda s, c: ConeEditor(s, c.background, c.coordinates, by_name=False), _is(Cone)),
    FilterKind("places", "Se&veral places…", "Observations near any of several names or positions, each with its own radius and "
               "time window if need be", PositionsEditor, _is(Positions)),
    FilterKind("box", "&Rectangle…", "Observations between limits of coordinates, in any frame", lambda s, c: BoxEditor(),
               _is(Box), _REGION),
    FilterKind("polygon", "&Polygon…", "Observations inside corners that are typed",
               lambda s, c: PolygonEditor(c.coordinates), _is(Polygon), _REGION),
    FilterKind("region_file", "Region &file…", "Observations inside the shapes of a DS9 region file", _region_file,
               _is(SkyShapes), _REGION),
    FilterKind("moc_file", "&Coverage map (MOC)…", "Observations inside a coverage map (MOC)", _moc_file, _is(Moc), _REGION,
               ends_group=True),
    FilterKind("time", "&Time window…", "Observations made in some time", lambda s, c: TimeEditor(), _is(TimeRange)),
    FilterKind("target_type", "Target t&ype…", "Observations of some kinds of objects, the same for all missions",
               TargetTypeEditor, _is(TargetType), _TARGET),
    FilterKind("category", "Mission's own &category…", "What the missions themselves call their targets", CategoryEditor,
               _is(Category), _TARGET),
    FilterKind("field", "eROSITA &field…", "Fields of eROSITA's calibration and verification phase", FieldEditor, _is(Field),
               _TARGET, missions=(CALPV,)),
    FilterKind("instrument", "&Instrument…", "Observations that used some instruments", InstrumentEditor, _is(HasInstrument),
               _DATA),
    FilterKind("exposure", "&Exposure…", "Observations of some length", lambda s, c: ExposureEditor(s), _is(Exposure), _DATA),
    FilterKind("public", "&Public…", "Observations that anybody may download, now or on a date", lambda s, c: PublicEditor(),
               _is(Public), _DATA),
    FilterKind("usable", "&Fit for science", "Only observations that the archive does not call unusable",
               lambda s, c: FixedEditor(Usable()), _is(Usable), _DATA, ends_group=True, fixed=Usable()),
    FilterKind("obs_ids", "&ObsIDs…", "Observations by their numbers", lambda s, c: ObsIdsEditor(s), _is(ObsIds)),
    FilterKind("picked", "&By hand…", "Keep or leave out single observations, whatever the other filters say; also by a right "
               "click on rows of a table", lambda s, c: PickedEditor(s), _is(Picked), by_hand=True),
)  # fmt: skip


def kind_of(item: Filter) -> FilterKind | None:
    """The kind whose editor takes this filter; None for filters made of others."""
    return next((kind for kind in FILTER_KINDS if kind.edits(item)), None)


def editor_for(item: Filter, session: Session, context: Context) -> FilterEditor:
    """An editor that holds this filter."""
    kind = kind_of(item)
    editor = kind.editor(session, context) if kind is not None else FixedEditor(item)
    editor.set_filter(item)
    return editor
