"""The panels of the window, one line each: where it stands and which class it is. Made when its workspace is first shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PanelSpec:
    """`area` is "centre", "left", "right", "bottom" (docks) or "footer" (a bar that cannot be moved)."""

    name: str
    title: str
    workspace: str
    area: str
    target: str
    width: int = 300  # or height for the bottom area


WORKSPACES: dict[str, str] = {"find": "Find", "archive": "Archive", "queue": "Queue", "inspect": "Inspect"}

PANELS: tuple[PanelSpec, ...] = (
    PanelSpec("filters", "Filters", "find", "left", "daxa_gui.gui.panels.filters:FiltersPanel", 300),
    PanelSpec("sky", "Sky", "find", "centre", "daxa_gui.gui.panels.sky:SkyPanel"),
    PanelSpec("missions", "Observations", "find", "bottom", "daxa_gui.gui.panels.missions:MissionsPanel", 300),
    PanelSpec("catalogues", "Catalogues", "find", "bottom", "daxa_gui.gui.panels.catalogues:CataloguesPanel", 300),
    PanelSpec("association", "Associations", "find", "bottom", "daxa_gui.gui.panels.association:AssociationPanel", 300),
    PanelSpec("details", "Details", "find", "right", "daxa_gui.gui.panels.details:DetailsPanel", 280),
    PanelSpec("summary", "Summary", "find", "footer", "daxa_gui.gui.panels.summary:SummaryPanel"),
    PanelSpec("archive", "Archive", "archive", "centre", "daxa_gui.gui.panels.archive:ArchivePanel"),
    PanelSpec("results", "Results", "archive", "bottom", "daxa_gui.gui.panels.results:ResultsPanel", 260),
    PanelSpec("versions", "Versions", "archive", "bottom", "daxa_gui.gui.panels.versions:VersionsPanel", 260),
    PanelSpec(
        "configurations", "Configurations", "archive", "bottom", "daxa_gui.gui.panels.configurations:ConfigurationsPanel", 260
    ),
    PanelSpec("regions", "Regions", "archive", "bottom", "daxa_gui.gui.panels.regions:RegionsPanel", 260),
    PanelSpec("upkeep", "Upkeep", "archive", "bottom", "daxa_gui.gui.panels.upkeep:UpkeepPanel", 260),
    PanelSpec("product", "Details", "archive", "right", "daxa_gui.gui.panels.product:ProductPanel", 420),
    PanelSpec("downloads", "Downloads", "queue", "left", "daxa_gui.gui.panels.downloads:DownloadsPanel", 420),
    PanelSpec("processing", "Processing", "queue", "centre", "daxa_gui.gui.panels.processing:ProcessingPanel"),
    PanelSpec("job_log", "Log", "queue", "bottom", "daxa_gui.gui.panels.log:LogPanel", 240),
    PanelSpec("failures", "Failures", "queue", "bottom", "daxa_gui.gui.panels.failures:FailuresPanel", 240),
    PanelSpec("exposures", "Exposures", "inspect", "left", "daxa_gui.gui.panels.exposures:ExposuresPanel", 365),
    PanelSpec("lightcurve", "Flare light curve", "inspect", "centre", "daxa_gui.gui.panels.lightcurve:LightcurvePanel"),
    PanelSpec("image", "Image", "inspect", "right", "daxa_gui.gui.panels.image:ImagePanel", 420),
    PanelSpec("facts", "Facts", "inspect", "bottom", "daxa_gui.gui.panels.facts:FactsPanel", 180),
    PanelSpec("spectrum", "Spectrum", "inspect", "bottom", "daxa_gui.gui.panels.spectrum:SpectrumPanel", 205),
    PanelSpec("inspect_log", "Log", "inspect", "bottom", "daxa_gui.gui.panels.log:LogPanel", 180),
)
