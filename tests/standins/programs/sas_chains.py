"""epchain, emchain and rgsproc: from the files of an ODF to event lists.

The ODFs of `raw_data` hold one file per CCD with an EVENTS table whose columns are calibrated already, its EXPOSU, BADPIX and
STDGTI tables: what is left to do is to read, check, reject and join them.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import Any

from programs import files, sas
from programs.sas_parameters import SasError

_PART = re.compile(r"(\d{4})_(\d{10})_(M1|M2|PN|R1|R2)([SU])(\d{3})(\d\d)(IME|TIE|BUE|SPE)\.FIT")


class Part:
    """One file of an ODF with the events of a CCD."""

    def __init__(self, folder: str, match: re.Match[str]) -> None:
        self.path = os.path.join(folder, match[0])
        self.obs_id, self.instrument, self.exposure, self.kind = match[2], match[3], match[4] + match[5], match[7]
        self.ccd = int(match[6][0]) if self.instrument in ("M1", "M2") else int(match[6])


def _odf(task: sas.Task, value: str, name: str = "odf") -> tuple[str, list[Part]]:
    folder = sas.odf_folder(value)
    if not folder:
        raise SasError(name, "The environment variable SAS_ODF does not exist and no data directory was given")
    if not os.path.isdir(folder):
        raise SasError("indir" if task.name == "epchain" else "odf", f"The data directory `{folder}' could not be found")
    names = sorted(os.listdir(folder))
    summaries = [entry for entry in names if entry.endswith("SUM.SAS")]
    if os.path.isfile(value) and value.endswith("SUM.SAS"):
        summaries.append(value)
    if os.environ.get("SAS_ODF", "").endswith("SUM.SAS") and os.path.isfile(os.environ["SAS_ODF"]):
        summaries.append(os.environ["SAS_ODF"])
    if not summaries:
        raise SasError("OdfSummaryFileNotFound", f"No ODF summary file (*SUM.SAS) in `{folder}': run odfingest first")
    matches = (_PART.fullmatch(entry) for entry in names)
    return folder, [Part(folder, match) for match in matches if match]


def _ccd_list(text: str) -> list[int]:
    numbers: list[int] = []
    for word in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", word)
        if match is None:
            raise SasError("ccdlist", f"List of CCDs cannot be expanded: `{text}'")
        numbers += range(int(match[1]), int(match[2] or match[1]) + 1)
    if any(not 1 <= number <= 12 for number in numbers):
        raise SasError("ccd", f"CCD number out of range [1-12]: `{text}'")
    return sorted(set(numbers))


def _attitude(task: sas.Task, folder: str, obs_id: str) -> str:
    """`P{ObsID}OBX000ATTTSR0000.FIT`, a table ATTHK, from the ODF's attitude history."""
    name = f"P{obs_id}OBX000ATTTSR0000.FIT"
    histories = [entry for entry in sorted(os.listdir(folder)) if entry.endswith("SCX00000ATS.FIT")]
    if not histories:
        raise SasError("attitude", f"No attitude history file (*ATS.FIT) in `{folder}'")
    hdus = task.open(os.path.join(folder, histories[0]))
    history = next((hdu for hdu in hdus if hdu.number("TIME")), None)
    if history is None:
        raise SasError("attitude", f"No attitude in `{histories[0]}'")
    task.say(f"Executing (routine): atthkgen atthkset={name} timestep=1  -w 1 -V 4")
    table = history.copy()
    table.set("EXTNAME", "ATTHK")
    files.write(name, [files.primary(files.identity(hdus[0])), table])
    return name


def _joined(task: sas.Task, parts: list[Part]) -> list[files.Hdu]:
    """One list of the lists of all CCDs: EVENTS, OFFSETS, then the tables of each CCD, as evlistcomb makes it."""
    np = files.numpy()
    tables, others, head = [], [], None
    for part in parts:
        hdus = task.open(part.path)
        events = files.find(hdus, "EVENTS")
        if events is None:
            raise SasError("blockNotFound", f"Block `EVENTS' not found in `{part.path}'")
        head = head or hdus[0]
        tables.append(events)
        others += [hdu for hdu in hdus[1:] if hdu is not events]
        task.say(f"{os.path.basename(part.path)}: {int(events.get('NAXIS2', 0))} events of CCD {part.ccd}", "evlistcomb")
    assert head is not None
    first = tables[0].with_rows(np.concatenate([table.rows() for table in tables]))
    _subspace(first, [part.ccd for part in parts])
    for table in tables[1:]:
        for line in table.cards:
            if re.match(r"(ONTIME|LIVETI)\d", line) and first.get(line[:8].rstrip()) is None:
                first.cards.append(line)
    seen: set[str] = set()
    kept = [hdu for hdu in others if not (hdu.name in seen or seen.add(hdu.name))]  # type: ignore[func-returns-value]
    order = ("OFFSETS", "EXPOSU", "BADPIX", "STDGTI", "CALINDEX")
    kept.sort(key=lambda hdu: next((i for i, start in enumerate(order) if hdu.name.startswith(start)), 9))
    primary = files.primary(files.identity(head))
    primary.set("CREATOR", f"{task.name}-{sas.VERSIONS[task.name]} (stand-in)")
    return [primary, first, *kept]


def _subspace(events: files.Hdu, ccds: list[int]) -> None:
    """Good time of each CCD, as the data subspace: one component per CCD."""
    events.drop(r"\d*DS[A-Z]{3,4}\d+")
    card = files.card
    events.cards += [
        card("DSTYP1", "CCDNR"),
        card("DSVAL1", f"{ccds[0]}"),
        card("DSTYP2", "TIME"),
        card("DSUNI2", "s"),
        card("DSVAL2", "TABLE"),
        card("DSREF2", f":STDGTI{ccds[0]:02d}"),
    ]
    for component, ccd in enumerate(ccds[1:], 2):
        events.cards += [card(f"{component}DSVAL1", f"{ccd}"), card(f"{component}DSREF2", f":STDGTI{ccd:02d}")]


def _without_flags(hdus: list[files.Hdu], flags: int) -> int:
    rows = hdus[1].rows()
    kept = (rows[hdus[1].columns[hdus[1].number("FLAG") - 1]].astype("i8") & flags) == 0
    hdus[1] = hdus[1].with_rows(rows[kept])
    return int(len(rows) - kept.sum())


def epchain(task: sas.Task) -> None:
    """`P{ObsID}PN{exposure}PIEVLI0000.FIT` (timing: TIEVLI), with `withoutoftime` OOEVLI, and the attitude series."""
    values = task.values
    folder, parts = _odf(task, values["odf"])
    ccds = _ccd_list(values["ccds"])
    if task.release[:3] == (21, 0, 0) and values["runradmonfix"]:
        raise SasError("constituent", "radmonfix ended in error")
    if not values["exposure"] > 0 or values["odfaccess"] not in ("odf", "oal", "name"):
        raise SasError("exposure", f"Exposure {values['exposure']} not found in ODF directory")
    ident = f"{values['schedule']}{values['exposure']:03d}"
    mine = [part for part in parts if part.instrument == "PN"]
    if values["odfaccess"] != "odf":  # the n-th exposure
        idents = sorted({part.exposure for part in mine})
        ident = idents[values["exposure"] - 1] if values["exposure"] <= len(idents) else ident
    mine = [part for part in mine if part.exposure == ident]
    if not mine:
        raise SasError("exposure", f"Exposure {ident} not found in ODF directory {folder}")
    kinds = {"IMAGING": ("IME",), "TIMING": ("TIE",), "BURST": ("BUE",), "ALL": ("IME", "TIE", "BUE")}[values["datamode"].upper()]
    if not any(part.kind in kinds for part in mine):
        raise SasError("odffiles", f"No valid file found for exposure {ident} and data mode {values['datamode']}")
    chosen = [part for part in mine if part.kind in kinds and part.ccd in ccds]
    for ccd in ccds:
        if ccd not in [part.ccd for part in chosen]:
            task.warn("notInODF", f"Requested CCD file {ccd} seems to be non-existent in ODF, skipping")
    if not chosen:
        raise SasError("odffiles", f"No valid file found for the CCDs {values['ccds']} of exposure {ident}")
    _pn_list(task, folder, chosen, ident)


def _pn_list(task: sas.Task, folder: str, parts: list[Part], ident: str) -> None:
    values, obs_id = task.values, parts[0].obs_id
    if values["runatthkgen"]:
        _attitude(task, folder, obs_id)
    elif not os.path.isfile(f"P{obs_id}OBX000ATTTSR0000.FIT"):
        raise SasError("constituent", "attcalc: no attitude series in the current directory (runatthkgen=N)")
    raw = [f"rawev{part.ccd:02d}.dat" for part in parts]
    if not values["runepframes"]:
        missing = [name for name in raw if not os.path.isfile(name)]
        if missing:
            raise SasError("constituent", f"epevents: could not open the data set `{missing[0]}' (runepframes=N)")
    for part in parts:
        task.say(f"Executing (routine): epevents eventset=rawev{part.ccd:02d}.dat outset=event{part.ccd:02d}.dat  -w 1 -V 4")
        task.warn("notUsefulModeRDCTI", " Rate-dependent CTI correction only meaningful for FAST modes. Skipping ...", "epevents")
    hdus = _joined(task, parts)
    if values["withoutoftime"]:
        _smear(hdus[1], hdus)
    timing = parts[0].kind != "IME"
    if values["keepintermediate"] in ("raw", "all"):
        for part, name in zip(parts, raw, strict=True):
            files.note(name)
            shutil.copyfile(part.path, name)
    product = "TIEVLI" if timing else "OOEVLI" if values["withoutoftime"] else "PIEVLI"
    name = f"P{obs_id}PN{ident}{product}0000.FIT" if values["usecanonicalnames"] else values["outset"]
    task.say(f"{len(hdus[1].rows())} events written to {name}")
    files.write(name, hdus)


def _smear(events: files.Hdu, hdus: list[files.Hdu]) -> None:
    """Out-of-time events: every event at a random place along its column, in the camera and on the sky."""
    np = files.numpy()
    rows = events.rows()
    rng = np.random.default_rng(len(rows))
    if {"DETY", "X", "Y", "RAWY"} <= set(rows.dtype.names):
        angle = np.radians(float(hdus[0].get("PA_PNT", 0.0)))
        shift = rng.integers(-99, 100, len(rows)) * 82
        rows["RAWY"] = np.clip(rng.integers(1, 201, len(rows)), 1, 200)
        rows["DETY"] = np.clip(rows["DETY"].astype("i4") + shift, -20000, 20000).astype("i2")
        rows["X"] += np.rint(shift * np.sin(angle)).astype("i4")
        rows["Y"] += np.rint(shift * np.cos(angle)).astype("i4")
    hdus[1] = events.with_rows(rows)


def _lcurve_is_there() -> bool:
    heasoft = os.path.join(os.environ.get("HEADAS", "/nowhere"), "bin")
    return shutil.which("lcurve", path=os.environ.get("PATH", "") + os.pathsep + heasoft) is not None


def emchain(task: sas.Task) -> None:
    """`P{ObsID}{M1|M2}{exposure}MIEVLI0000.FIT` of the chosen instruments and exposures (timing CCDs: TIEVLI)."""
    values = task.values
    folder, parts = _odf(task, values["odf"])
    if not _lcurve_is_there():
        raise SasError("constituent", "lcurve could not be run: HEASoft has not been initialised")
    parts = [part for part in parts if part.instrument in (values["instruments"] or ["M1", "M2"])]
    wanted = [word.upper() for word in values["exposures"]]
    if wanted:
        parts = [part for part in parts if part.exposure in wanted or str(int(part.exposure[1:])) in wanted]
    if values["ccds"]:
        parts = [part for part in parts if part.ccd in values["ccds"]]
    if not parts:
        raise SasError("odffiles", f"No MOS event list files found for the selection in {folder}")
    if values["withatthkgen"]:
        _attitude(task, folder, parts[0].obs_id)
    for instrument, ident in sorted({(part.instrument, part.exposure) for part in parts}):
        mine = [part for part in parts if (part.instrument, part.exposure) == (instrument, ident)]
        for kind, product in (("IME", "MIEVLI"), ("TIE", "TIEVLI")):
            chosen = [part for part in mine if part.kind == kind]
            if chosen:
                hdus = _joined(task, chosen)
                if values["rejectbadevents"]:
                    lost = _without_flags(hdus, int(values["rejectionflag"], 16))
                    task.say(f"{lost} bad events rejected", "emevents")
                    _warn_of_rejected(task, lost, lost + len(hdus[1].rows()), chosen[0].path)
                name = f"P{mine[0].obs_id}{instrument}{ident}{product}0000.FIT"
                task.say(f"{len(hdus[1].rows())} events written to {name}")
                files.write(name, hdus)


def _warn_of_rejected(task: sas.Task, lost: int, before: int, path: str) -> None:
    if before and lost > 0.01 * before:
        text = f" Fraction of rejected frames   {lost / before:.8E}  exceeds 1% at some rows           1  in {path}:EVENTS"
        task.warn("rejectRows12", text, "emevents")


def rgsproc(task: sas.Task) -> None:
    """Stages 1 to 3: `P{ObsID}{R1|R2}{exposure}merged0000.FIT`, its angles, `…EVENLI0000.FIT`."""
    values = task.values
    first, last = int(values["entrystage"][0]), int(values["finalstage"][0])
    if first > last:
        raise SasError("InvalidStageRange", f"Invalid range of stages: {values['entrystage']} to {values['finalstage']}")
    if last > 3:
        raise SasError("NotImplemented", "This stand-in knows the stages 1:events to 3:filter only")
    folder, parts = _odf(task, "", "NoOdf")
    parts = [part for part in parts if part.instrument in ("R1", "R2")]
    if values["withinstexpids"]:
        parts = [part for part in parts if part.instrument + part.exposure in values["instexpids"]]
    if not parts:
        raise SasError("noExposures", f"No RGS exposures to process in {folder}")
    if first == 1:
        _attitude(task, folder, parts[0].obs_id)
    for ident in sorted({part.instrument + part.exposure for part in parts}):
        mine = [part for part in parts if part.instrument + part.exposure == ident]
        stem = f"P{mine[0].obs_id}{ident}"
        for stage in range(first, last + 1):
            {1: _rgs_events, 2: _rgs_angles, 3: _rgs_filter}[stage](task, stem, mine)


def _rgs_events(task: sas.Task, stem: str, parts: list[Part]) -> None:
    task.say(f"Executing (routine): rgsframes, rgsenergy for {stem}")
    hdus = _joined(task, parts)
    rows = hdus[1].rows()
    span = (float(rows["TIME"].min()), float(rows["TIME"].max())) if len(rows) else (0.0, 1.0)
    for name in ("attgti", "hkgti_"):
        files.write(f"{stem}{name}0000.FIT", [files.primary(), files.intervals_hdu("STDGTI", [span])])
    files.write(f"{stem}merged0000.FIT", hdus)
    source = files.table_hdu("SRCLIST", [("INDEX", "I", ""), ("LABEL", "8A", "")], b"\0\1PROPOSAL", 1)
    files.write(f"{stem}SRCLI_0000.FIT", [files.primary(), source])


def _rgs_angles(task: sas.Task, stem: str, parts: list[Part]) -> None:
    np = files.numpy()
    hdus, i = task.events(f"{stem}merged0000.FIT")
    old = hdus[i].rows()
    if "BETA_CORR" in old.dtype.names:
        return
    new: Any = np.empty(len(old), np.dtype([*old.dtype.descr, ("BETA_CORR", ">f4"), ("XDSP_CORR", ">f4"), ("M_LAMBDA", ">f4")]))
    for name in old.dtype.names:
        new[name] = old[name]
    new["BETA_CORR"], new["XDSP_CORR"] = old["BETA"], old["XDSP"]
    new["M_LAMBDA"] = 5.0 + (old["BETA"] - 0.03) * 660.0
    table = hdus[i].with_rows(new)
    n = int(table.get("TFIELDS"))
    for k, (name, unit) in enumerate((("BETA_CORR", "rad"), ("XDSP_CORR", "rad"), ("M_LAMBDA", "Angstrom")), n + 1):
        table.cards += [files.card(f"TTYPE{k}", name), files.card(f"TFORM{k}", "E"), files.card(f"TUNIT{k}", unit)]
    table.set("TFIELDS", n + 3)
    table.set("NAXIS1", new.dtype.itemsize)
    hdus[i] = table
    files.write(f"{stem}merged0000.FIT", hdus)


def _rgs_filter(task: sas.Task, stem: str, parts: list[Part]) -> None:
    hdus, i = task.events(f"{stem}merged0000.FIT")
    rows = hdus[i].rows()
    if "BETA_CORR" not in rows.dtype.names:
        raise SasError("columnNotFound", f"Column `BETA_CORR' not found in {stem}merged0000.FIT: run the stage 2:angles first")
    hdus[i] = hdus[i].with_rows(rows[rows["FLAG"] == 0])
    files.write(f"{stem}EVENLI0000.FIT", hdus)
