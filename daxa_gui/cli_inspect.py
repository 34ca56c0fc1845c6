"""The verb `inspect`: what an event list is, and images, light curves and good-time intervals made from it."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daxa_gui.cli_output import print_document, print_table
from daxa_gui.cli_search import parse_band_kev
from daxa_gui.core.errors import InputError
from daxa_gui.core.eventlist import EventList
from daxa_gui.session import Session

Write = Callable[[], None]


def add_inspect_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="an event list of any mission, plain or compressed")
    parser.add_argument("--energy", metavar="LO-HI", help="energy band in keV, both ends included, for example 0.5-2.0")
    parser.add_argument("--image", metavar="OUT.fits", help="write a counts image (an existing file is replaced)")
    parser.add_argument("--like", metavar="REFERENCE.fits", help="use the pixels of this image")
    parser.add_argument("--lightcurve", metavar="OUT.fits", help="write a light curve (an existing file is replaced)")
    parser.add_argument("--bin", type=float, metavar="SECONDS", help="bin of the light curve and of the search for flares")
    parser.add_argument(
        "--gti", metavar="OUT.fits", help="write the good-time intervals that flare cleaning finds (an existing file is replaced)"
    )


def inspect(session: Session, options: argparse.Namespace) -> int:
    """All products are made before the first one is written: a failure leaves nothing behind."""
    _check_usage(options)
    band = parse_band_kev(options.energy) if options.energy is not None else None
    events = session.inspection.open(options.file)
    summary = session.inspection.summary(events)
    writes: list[Write] = []
    if options.image is not None:
        summary["image"] = _image(session, options, events, band, writes)
    if options.lightcurve is not None:
        summary["lightcurve"] = _light_curve(session, options, events, band, writes)
    if options.gti is not None:
        summary["gti"] = _good_time(session, options, events, band, writes)
    for write in writes:
        write()
    if options.json:
        print_document(summary)
    else:
        _print_summary(summary)
    return 0


def _check_usage(options: argparse.Namespace) -> None:
    if options.like is not None and options.image is None:
        raise InputError("--like needs --image.")
    if options.bin is not None and not (options.bin > 0 and math.isfinite(options.bin)):
        raise InputError(f"The bin of {options.bin:g} s makes no sense.", "Give a positive number of seconds.")
    outputs = {name: getattr(options, name) for name in ("image", "lightcurve", "gti")}
    paths = [Path(path).absolute() for path in outputs.values() if path]
    for name, path in outputs.items():
        if path is not None and not path.strip():
            raise InputError(f"--{name} needs the name of a file.")
        if path and options.like and Path(path).absolute() == Path(options.like).absolute():
            raise InputError(f"{path} would be replaced by what is made from it.", "Choose another name for the new file.")
    if len(set(paths)) < len(paths):
        raise InputError("Two products would be written into the same file.", "Give each a name of its own.")


def _image(
    session: Session, options: argparse.Namespace, events: EventList, band: tuple[float, float] | None, writes: list[Write]
) -> dict[str, Any]:
    look = session.inspection
    if options.like is not None:
        image = look.image_like(events, band, options.like)
    else:
        image = look.image(events, band or events.format.default_band_kev)
    writes.append(lambda: look.write_image(options.image, image, events))
    return {"path": options.image, "counts": float(image.values.sum()), "band_kev": image.band_kev,
            "shape": list(image.values.shape)}  # fmt: skip


def _light_curve(
    session: Session, options: argparse.Namespace, events: EventList, band: tuple[float, float] | None, writes: list[Write]
) -> dict[str, Any]:
    curve = session.inspection.light_curve(events, band, options.bin)
    writes.append(lambda: session.inspection.write_light_curve(options.lightcurve, curve, events))
    return {"path": options.lightcurve, "bins": len(curve.rate), "bin_s": curve.bin_s, "band_kev": curve.band_kev}


def _good_time(
    session: Session, options: argparse.Namespace, events: EventList, band: tuple[float, float] | None, writes: list[Write]
) -> dict[str, Any]:
    look = session.inspection
    cleaning = look.clean(events, look.parameters(events, band, options.bin))
    writes.append(lambda: look.write_gti(options.gti, cleaning, events))
    return {"path": options.gti, "intervals": len(cleaning.gti), "good_time_s": cleaning.gti.total_s,
            "kept_fraction": cleaning.kept_fraction, "useful": cleaning.useful, "reasons": list(cleaning.reasons)}  # fmt: skip


def _print_summary(summary: dict[str, Any]) -> None:
    """A line per fact; good time per CCD as a table of its own; warnings last."""
    for key, value in summary.items():
        if key in ("good_time", "warnings") or value in (None, "", []):
            continue
        parts = value.items() if isinstance(value, dict) else [("", value)]
        text = ", ".join(f"{name.replace('_', ' ')} {_shown(part)}".strip() for name, part in parts)
        print(f"{key.replace('_', ' '):28}{text}")
    if summary.get("good_time"):
        print("\nGood time")
        rows = [
            ("all" if r["ccd"] in (-1, None) else r["ccd"], f"{r['seconds']:.3f}", r["intervals"]) for r in summary["good_time"]
        ]
        print_table(("CCD", "SECONDS", "INTERVALS"), rows)
    for warning in summary.get("warnings", ()):
        print(f"Warning: {warning}", file=sys.stderr)


def _shown(value: Any) -> str:
    """Seconds and energies to a thousandth, never in powers of ten: mission times have ten digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return " ".join(_shown(part) for part in value)
    return str(value)
