"""Plots and their numbers as files: figures through matplotlib, tables as CSV, ECSV or FITS; written in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QFileDialog, QWidget

from daxa_gui.core.errors import DaxaError, FileError, InputError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.events import Notice
from daxa_gui.core.images import SkyImage
from daxa_gui.core.sky import LinearWcs
from daxa_gui.core.times import mjd_to_text
from daxa_gui.core.timeseries import FlareCleaning, FlareParameters
from daxa_gui.gui.context import Context
from daxa_gui.inspection import Inspection
from daxa_gui.session import Session

_FIGURES = "Portable Document Format (*.pdf);;Scalable Vector Graphics (*.svg);;PNG picture (*.png)"
_FILTERS = {
    "plot": _FIGURES,
    "picture": _FIGURES,
    "data": "Comma-separated values (*.csv);;ECSV, with units (*.ecsv);;FITS light curve (*.fits)",
    "gti": "FITS good-time intervals (*.fits);;Text, one interval per line (*.txt)",
    "image": "FITS image (*.fits)",
    "spectrum": _FIGURES,
    "spectrum data": "Comma-separated values (*.csv);;ECSV, with units (*.ecsv)",
}
_TITLES = {
    "plot": "Save the plot", "data": "Save the light curve", "gti": "Save the good time intervals",
    "picture": "Save the picture", "image": "Save the image", "spectrum": "Save the spectrum",
    "spectrum data": "Save the spectrum",
}  # fmt: skip
_GOOD, _BAD, _LINE = "#00735c", "#7d8590", "#0b62c1"


class Export(Protocol):
    """What is shown, ready to be written."""

    @property
    def title(self) -> str: ...

    def writer(self, what: str, inspection: Inspection) -> Callable[[Path], None]:
        """What writes a file of this kind."""


@dataclass(frozen=True, eq=False)
class LightcurveExport:
    """A light curve as it is shown. Times count from `zero_s` (mission seconds), which is `start_mjd` in UTC."""

    events: EventList
    cleaning: FlareCleaning
    parameters: FlareParameters
    zero_s: float
    start_mjd: float
    title: str

    def writer(self, what: str, inspection: Inspection) -> Callable[[Path], None]:
        """What writes a file of this kind."""
        if what == "plot":
            return lambda path: save_figure(self._figure, path)
        if what == "gti":
            return lambda path: self._write_gti(path, inspection)
        return lambda path: self._write_data(path, inspection)

    def _write_gti(self, path: Path, inspection: Inspection) -> None:
        if path.suffix.lower() == ".txt":
            gti = self.cleaning.gti
            lines = (f"   {start:.16E}   {stop:.16E}   +\n" for start, stop in zip(gti.start_s, gti.stop_s, strict=True))
            write_text(path, "".join(lines))
        else:
            inspection.write_gti(path, self.cleaning, self.events)

    def _write_data(self, path: Path, inspection: Inspection) -> None:
        suffix = path.suffix.lower()
        if suffix == ".fits":
            inspection.write_cleaning(path, self.cleaning, self.events)
        else:
            write_text(path, table_text(self.columns(), self._meta(), ecsv=suffix == ".ecsv"))

    def columns(self) -> dict[str, tuple[str, NDArray[Any]]]:
        """Name → (unit, values) of the table."""
        curve = self.cleaning.curve
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.where(curve.live_s > 0, np.sqrt(curve.counts) / curve.live_s, np.nan)
        return {
            "start": ("s", curve.start_s), "start_since_zero": ("s", curve.start_s - self.zero_s), "rate": ("ct/s", curve.rate),
            "rate_error": ("ct/s", error), "counts": ("ct", curve.counts), "live": ("s", curve.live_s),
            "accepted": ("", self.cleaning.accepted),
        }  # fmt: skip

    def _meta(self) -> dict[str, Any]:
        curve, fit = self.cleaning.curve, self.cleaning.fit
        return {
            "file": Path(self.events.path).name, "mission": self.events.mission, "obs_id": self.events.obs_id,
            "instrument": self.events.instrument, "simulated": self.events.simulated, "band_kev": list(curve.band_kev),
            "bin_s": curve.bin_s, "n_sigma": self.parameters.n_sigma, "limits_ct_s": [fit.low_ct_s, fit.high_ct_s],
            "mjdref": curve.mjdref, "timesys": curve.timesys, "zero_utc": mjd_to_text(self.start_mjd),
            "good_time_s": self.cleaning.gti.total_s, "kept_fraction": self.cleaning.kept_fraction,
        }  # fmt: skip

    def _figure(self, figure: Any) -> None:
        figure.set_size_inches(7.2, 3.4)
        time, rates = figure.subplots(1, 2, sharey=True, width_ratios=[3.4, 1.0])
        curve, fit = self.cleaning.curve, self.cleaning.fit
        centre = (curve.start_s + curve.bin_s / 2.0 - self.zero_s) / 1000.0
        error = self.columns()["rate_error"][1]
        known = np.isfinite(curve.rate)
        for mask, colour, fill, label in (
            (known & ~self.cleaning.accepted, _BAD, "white", "rejected"),
            (known & self.cleaning.accepted, _GOOD, _GOOD, "accepted"),
        ):
            time.errorbar(
                centre[mask], curve.rate[mask], error[mask], fmt="o", ms=2.6, mfc=fill, color=colour, elinewidth=0.6, label=label
            )
        for start, stop in zip(self.cleaning.gti.start_s, self.cleaning.gti.stop_s, strict=True):
            ends = [(start - self.zero_s) / 1000.0, (stop - self.zero_s) / 1000.0]
            time.plot(ends, [0.985, 0.985], color=_GOOD, lw=4, solid_capstyle="butt", transform=time.get_xaxis_transform())
        rates.stairs(fit.counts, fit.edges_ct_s, orientation="horizontal", fill=True, color=_BAD, alpha=0.6)
        if fit.fitted:
            grid = np.linspace(fit.centre_ct_s - 5 * fit.sigma_ct_s, fit.centre_ct_s + 5 * fit.sigma_ct_s, 300)
            rates.plot(fit.gaussian(grid), grid, color=_LINE, lw=1.2)
        for axes in (time, rates):
            axes.axhline(fit.low_ct_s, color=_LINE, lw=0.8, ls="-.")
            axes.axhline(fit.high_ct_s, color=_LINE, lw=0.8, ls="-.")
        time.set_ylim(bottom=0.0)
        time.set_xlabel(f"Time since {mjd_to_text(self.start_mjd)} UTC (ks)")
        time.set_ylabel(f"Rate {curve.band_kev[0]:g}–{curve.band_kev[1]:g} keV (ct s$^{{-1}}$)")
        rates.set_xlabel("Histogram of rates")
        time.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize=7, frameon=False, borderpad=0.1)
        time.set_title(_titled(self.title, self.events.simulated), fontsize=9, loc="left")


@dataclass(frozen=True, eq=False)
class ImageExport:
    """An image as it is shown: `shown` are the (smoothed) values, `low` and `high` the cuts in the unit of the image."""

    image: SkyImage
    events: EventList | None
    shown: NDArray[np.floating[Any]]
    low: float
    high: float
    stretch: str
    colour_map: str
    title: str

    def writer(self, what: str, inspection: Inspection) -> Callable[[Path], None]:
        if what == "picture":
            return lambda path: save_figure(self._figure, path)
        return lambda path: inspection.write_image(path, self.image, self.events)

    def _figure(self, figure: Any) -> None:
        figure.set_size_inches(5.2, 4.8)
        wcs = None if self.image.wcs is None else _astropy_wcs(self.image.wcs)
        axes = figure.add_subplot(projection=wcs) if wcs is not None else figure.add_subplot()
        picture = axes.imshow(self.shown, origin="lower", cmap=self.colour_map, norm=self._norm(), interpolation="nearest")
        if wcs is not None:
            axes.set_xlabel("RA (ICRS)")
            axes.set_ylabel("Dec (ICRS)")
        else:
            axes.set_xlabel("X (pixels)")
            axes.set_ylabel("Y (pixels)")
        unit = {"count": "counts per pixel", "s": "exposure (s)"}.get(self.image.unit, self.image.unit or "value")
        # equal steps of the stretched scale, so that the numbers stand apart whatever the stretch is
        ticks = picture.norm.inverse(np.linspace(0.0, 1.0, 6))
        bar = figure.colorbar(picture, ax=axes, label=unit, fraction=0.046, pad=0.03, ticks=ticks, format="%.3g")
        bar.ax.minorticks_off()
        axes.set_title(_titled(self.title, self.events is not None and self.events.simulated), fontsize=9, loc="left")

    def _norm(self) -> Any:
        from matplotlib import colors

        low, high = self.low, max(self.high, self.low + 1e-12)
        if self.stretch == "log":
            # the same curve as on the screen: log10(1 + 1000 x) of the part between the cuts
            return colors.FuncNorm((lambda v: _log(v, low, high), lambda y: _unlog(y, low, high)), vmin=low, vmax=high)
        if self.stretch == "sqrt":
            return colors.PowerNorm(0.5, vmin=low, vmax=high)
        if self.stretch == "asinh":
            return colors.AsinhNorm(0.1 * (high - low), vmin=low, vmax=high)
        return colors.Normalize(low, high)


def _log(values: Any, low: float, high: float) -> Any:
    return np.log1p(1000.0 * np.clip((np.asarray(values) - low) / (high - low), 0.0, None)) / np.log1p(1000.0)


def _unlog(values: Any, low: float, high: float) -> Any:
    return low + (high - low) * np.expm1(np.asarray(values) * np.log1p(1000.0)) / 1000.0


def _titled(title: str, simulated: bool) -> str:
    return f"{title} (simulated)" if simulated else title


def _astropy_wcs(wcs: LinearWcs) -> Any:
    from astropy.wcs import WCS

    result = WCS(naxis=2)
    result.wcs.ctype = [f"RA---{wcs.projection}", f"DEC--{wcs.projection}"]
    result.wcs.crpix = [wcs.crpix_x, wcs.crpix_y]
    result.wcs.crval = [wcs.crval_ra_deg, wcs.crval_dec_deg]
    result.wcs.cdelt = [wcs.cdelt_x_deg, wcs.cdelt_y_deg]
    result.wcs.cunit = ["deg", "deg"]
    result.wcs.radesys = "ICRS"
    return result


def save_figure(draw: Callable[[Any], None], path: Path) -> None:
    """Draw on a matplotlib figure of its own (no pyplot, no window) and write it: PDF, SVG or PNG by the ending of the name."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kind = path.suffix.lower().lstrip(".")
    if kind not in ("pdf", "svg", "png"):
        raise InputError(f"A plot cannot be saved as « {path.name} ».", "Give a name that ends in .pdf, .svg or .png.")
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    temporary = path.with_name(path.name + ".part")
    # letters stay letters in the files, so that they can be changed in a drawing program
    with matplotlib.rc_context({"svg.fonttype": "none", "pdf.fonttype": 42}):
        _written(temporary, path, lambda: figure.savefig(temporary, format=kind, dpi=300))


def write_text(path: Path, text: str) -> None:
    """Write a text file that is either whole or not there."""
    temporary = path.with_name(path.name + ".part")
    _written(temporary, path, lambda: temporary.write_text(text, encoding="utf-8"))


def _written(temporary: Path, path: Path, write: Callable[[], Any]) -> None:
    try:
        write()
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FileError(f"{path} cannot be written: {error.strerror}.", "Choose another folder.") from error


def table_text(columns: dict[str, tuple[str, NDArray[Any]]], meta: dict[str, Any], *, ecsv: bool) -> str:
    """A table as CSV; as ECSV (Enhanced Character-Separated Values 1.0) also with units and the facts of `meta`."""
    import json

    head = ""
    if ecsv:
        kinds = {"f": "float64", "i": "int64", "b": "bool"}
        lines = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
        for name, (unit, values) in columns.items():
            described = f"unit: {unit}, " if unit else ""
            lines.append(f"- {{name: {name}, {described}datatype: {kinds[values.dtype.kind]}}}")
        lines.append(f"meta: {json.dumps(meta)}")
        head = "".join(f"# {line}\n" for line in lines)
    names = [name if ecsv or unit in ("", "ct") else f"{name}_{unit.replace('/', '_')}" for name, (unit, _) in columns.items()]
    texts = [[_cell(value, ecsv) for value in values.tolist()] for _, values in columns.values()]
    rows = "".join(",".join(row) + "\n" for row in zip(*texts, strict=True))
    return f"{head}{','.join(names)}\n{rows}"


def _cell(value: Any, ecsv: bool) -> str:
    if isinstance(value, bool):
        return str(value) if ecsv else str(int(value))
    return "nan" if value != value else repr(value)


def choose_and_save(
    parent: QWidget, context: Context, session: Session, export: Export, what: str
) -> None:  # fmt: skip
    """Ask for a file name and write the file in the background; a notice tells how it went."""
    path, chosen = QFileDialog.getSaveFileName(parent, _TITLES[what], suggested_name(export, what), _FILTERS[what])
    if not path:
        return
    target = with_suffix(Path(path), chosen)
    write = export.writer(what, session.inspection)

    def done(_: Any) -> None:
        session.bus.publish(Notice("information", f"Saved {target}."))

    def failed(error: DaxaError) -> None:
        session.bus.publish(Notice("error", error.message, error.hint, error.details))

    context.background.read(parent, f"save {what}", lambda: write(target), done, failed)


def with_suffix(path: Path, chosen_filter: str) -> Path:
    """The ending of the chosen file type, if the name has none of its own."""
    ending = chosen_filter.rpartition("*")[2].rstrip(")") if "*." in chosen_filter else ""
    return path if path.suffix else path.with_name(path.name + ending)


def suggested_name(export: Export, what: str) -> str:
    """A file name from what is shown, without characters that file systems dislike."""
    endings = {"plot": ".pdf", "picture": ".pdf", "data": ".csv", "spectrum": ".pdf", "spectrum data": ".csv"}
    ending = endings.get(what, ".fits")
    tail = {"plot": "lightcurve", "data": "lightcurve", "picture": "image", "spectrum data": "spectrum"}.get(what, what)
    stem = "_".join("".join(c if c.isalnum() or c in "-." else " " for c in export.title).split())
    return f"{stem or 'exposure'}_{tail}{ending}"
