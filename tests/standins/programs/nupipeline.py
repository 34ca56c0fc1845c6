"""nupipeline, stages 1 (calibration) and 2 (screening)."""

from __future__ import annotations

import os
import struct
from typing import Any

from programs import files

_LAST_GRADE = 26


def nupipeline(values: dict[str, Any], failure: type[Exception]) -> None:
    """For each module: `_uf.evt _hp.fits _bp.fits _det1.fits _oa.fits`, in stage 2 `01_cl.evt 01_gti.fits`; of the observation
    `_att.fits _mast.fits _psd.fits _psdcorr.fits _obeb.hk`."""
    folder, stem, out = values["indir"], values["steminputs"], values["outdir"]
    if not folder or not os.path.isdir(folder):
        raise failure(f"input directory '{folder}' not found")
    if not stem or not out:
        raise failure("steminputs and outdir must be given")
    if values["hpcellsize"] < 1 or values["hpcellsize"] % 2 == 0:
        raise failure(f"Invalid hpcellsize={values['hpcellsize']}: it must be an odd number")
    if values["logpos"] >= 0:
        raise failure(f"Invalid logpos={values['logpos']}: it must be negative")
    if values["instrument"].upper() not in ("ALL", "FPMA", "FPMB"):
        raise failure(f"Invalid instrument={values['instrument']} parameter value")
    if values["saamode"].upper() not in ("NONE", "STRICT", "OPTIMIZED"):
        raise failure(f"Invalid saamode={values['saamode']} parameter value")
    if values["entrystage"] > values["exitstage"]:
        raise failure("entrystage is greater than exitstage")
    if values["exitstage"] > 2 or values["entrystage"] > 1:
        raise failure("this stand-in knows the stages 1 and 2, beginning with 1, only")
    letters = "AB" if values["instrument"].upper() == "ALL" else values["instrument"].upper()[-1]
    os.makedirs(out, exist_ok=True)
    shared = {
        kind: _input(folder, place, failure)
        for kind, place in (
            ("att", f"auxil/{stem}_att.fits"),
            ("mast", f"auxil/{stem}_mast.fits"),
            ("obeb", f"hk/{stem}_obeb.hk"),
            ("met", f"hk/{stem}_met.fits"),
        )
    }
    print(f"{'=' * 93}\n             Running NuSTARDAS pipeline\n Task: nupipeline Version: 0.4.9 (stand-in)\n{'=' * 93}")
    root = os.path.join(out, stem if values["stemoutputs"] == "DEFAULT" else values["stemoutputs"])
    for kind, name in (
        ("att", "_att.fits"),
        ("mast", "_mast.fits"),
        ("obeb", "_obeb.hk"),
        ("met", "_psd.fits"),
        ("met", "_psdcorr.fits"),
    ):
        _save(root + name, files.read(shared[kind]), values, failure)
    for letter in letters:
        _module(values, folder, stem, root, letter, failure)


def _input(folder: str, place: str, failure: type[Exception]) -> str:
    for ending in ("", ".gz"):
        if os.path.isfile(os.path.join(folder, place + ending)):
            return os.path.join(folder, place + ending)
    raise failure(
        f"input file {os.path.basename(place)} not found in the directory {os.path.join(folder, os.path.dirname(place))}"
    )


def _save(path: str, hdus: list[files.Hdu], values: dict[str, Any], failure: type[Exception]) -> None:
    if os.path.exists(path) and not values["clobber"]:
        raise failure(f"File '{path}' exists. Set clobber=yes to overwrite.")
    files.write(path, hdus)


def _table(name: str, columns: list[tuple[str, str, str]], rows: list[bytes], hdus: list[files.Hdu]) -> list[files.Hdu]:
    return [
        files.primary(files.identity(hdus[0])),
        files.table_hdu(name, columns, b"".join(rows), len(rows), files.identity(hdus[0])),
    ]


def _module(values: dict[str, Any], folder: str, stem: str, root: str, letter: str, failure: type[Exception]) -> None:
    np = files.numpy()
    hdus = files.read(_input(folder, f"event_uf/{stem}{letter}_uf.evt", failure))
    place = next((k for k, hdu in enumerate(hdus) if hdu.name == "EVENTS"), -1)
    if place < 0:
        raise failure(f"no EVENTS extension in {stem}{letter}_uf.evt")
    housekeeping = files.find(files.read(_input(folder, f"hk/{stem}{letter}_fpm.hk", failure)), "HK")
    assert housekeeping is not None
    name = root + letter
    print(
        f"\nnupipeline_0.4.9: Info: Processing the FPM{letter} data\n"
        f"nuhotpix_1.2.0: Info: hpbinsize={values['hpbinsize']} hpcellsize={values['hpcellsize']}"
    )
    rows = hdus[place].rows()
    raw = rows["RAWX"].astype("i8") * 32 + rows["RAWY"]
    pixels, counts = np.unique(raw, return_counts=True) if len(rows) else (np.zeros(0, int), np.zeros(0, int))
    limit = counts.mean() + 12 * max(counts.mean(), 1) ** 0.5 * values["impfac"] if len(counts) else 0
    hot = pixels[counts > limit].tolist()
    rows["STATUS"][np.isin(raw, hot)] |= 1
    hdus[place] = hdus[place].with_rows(rows)
    _save(f"{name}_uf.evt", hdus, values, failure)
    bad = [struct.pack(">hhi", pixel // 32, pixel % 32, 1) for pixel in hot]
    columns = [("RAWX", "I", ""), ("RAWY", "I", ""), ("BADFLAG", "J", "")]
    _save(f"{name}_hp.fits", _table("BADPIX0", columns, bad, hdus), values, failure)
    _save(f"{name}_bp.fits", _table("BADPIX0", columns, bad, hdus), values, failure)
    _save(
        f"{name}_det1.fits",
        _table(
            "DET1_REFPOINT",
            [("TIME", "D", "s"), ("X_DET1", "D", ""), ("Y_DET1", "D", "")],
            [struct.pack(">ddd", 0, 180, 180)],
            hdus,
        ),
        values,
        failure,
    )
    _save(
        f"{name}_oa.fits",
        _table(
            "OPTICAL_AXIS", [("TIME", "D", "s"), ("X_OA", "D", ""), ("Y_OA", "D", "")], [struct.pack(">ddd", 0, 500, 500)], hdus
        ),
        values,
        failure,
    )
    if values["exitstage"] >= 2:
        _screen(values, hdus, place, housekeeping, name, failure)


def _screen(
    values: dict[str, Any], hdus: list[files.Hdu], place: int, housekeeping: files.Hdu, name: str, failure: type[Exception]
) -> None:
    """Good grades, no hot pixels, inside the good time (without passages of the SAA if they are looked for)."""
    rows = hdus[place].rows()
    gti = files.find(hdus, "GTI")
    assert gti is not None
    good = files.intervals(gti)
    if values["saamode"].upper() != "NONE":
        passages = housekeeping.rows()
        for row in passages[passages["SAA"] > 0]:
            good = files.overlap(good, [(0.0, float(row["TIME"])), (float(row["TIME"]) + float(row["LENGTH"]), 1e12)])
    kept = (rows["GRADE"] >= 0) & (rows["GRADE"] <= _LAST_GRADE) & ~rows["STATUS"].any(axis=1)
    kept &= files.inside(rows["TIME"].astype("f8"), good)
    print(f"nuscreen_1.3.0: Info: {int(kept.sum())} of {len(rows)} events are good")
    table = hdus[place].with_rows(rows[kept])
    before, seconds = float(table.get("ONTIME", 0.0)), float(sum(b - a for a, b in good))
    live = float(table.get("LIVETIME", before)) / before if before else 1.0
    for keyword, factor in (("ONTIME", 1.0), ("LIVETIME", live), ("EXPOSURE", live)):
        table.set(keyword, seconds * factor)
    cards = files.identity(hdus[place])
    times = files.intervals_hdu("GTI", good, cards)
    _save(f"{name}01_cl.evt", [hdus[0], table, times], values, failure)
    _save(f"{name}01_gti.fits", [files.primary(), times.copy()], values, failure)
