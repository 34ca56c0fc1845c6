"""cifbuild, odfingest, gtibuild: files that need no event list."""

from __future__ import annotations

import os
import re
import struct
import time

from programs import files, sas
from programs.sas_parameters import SasError
from programs.sas_summary import summary

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d:\d\d(\.\d+)?)?")
_CCF = re.compile(r"([A-Z0-9]+)_([A-Z0-9]+)_(\d{4})\.(ccf|CCF)")


def _date(text: str, name: str) -> str:
    if text == "now":
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    match = _DATE.fullmatch(text)
    if match is None or not (1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31):
        raise SasError("ParamWrongType", f"Parameter {name}: `{text}' is not a date (yyyy-mm-ddThh:mm:ss)")
    return text


def cifbuild(task: sas.Task) -> None:
    """The newest constituent of each kind among the *.CCF files of SAS_CCFPATH, as a table CALINDEX."""
    values = task.values
    analysis = _date(values["analysisdate"], "analysisdate")
    if values["withobservationdate"]:
        observation = _date(values["observationdate"], "observationdate")
    else:
        observation = _date_of_odf() if not values["masterindex"] else analysis
    path = values["ccfpath"] if values["withccfpath"] else os.environ.get("SAS_CCFPATH", "")
    folders = [folder for folder in path.split(":") if folder]
    if not folders:
        raise SasError("NoCcfPath", "No CCF path: set the environment variable SAS_CCFPATH or the parameter ccfpath")
    task.say(f"Observation date: {observation}")
    task.say(f"Analysis date: {analysis}")
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            match = _CCF.fullmatch(name)
            if match and int(match[3]) >= newest.get((match[1], match[2]), (0, ""))[0]:
                full = os.path.abspath(os.path.join(folder, name)) if values["fullpath"] else name
                newest[(match[1], match[2])] = (int(match[3]), full)
    if not newest:
        task.warn("NoMatchingCcfConstituents", f"No matching CCF constituents found in {path}")
    rows = b"".join(
        struct.pack(
            ">16s16si24s24s128s",
            scope.encode(),
            kind.encode(),
            issue,
            observation[:24].encode(),
            analysis[:24].encode(),
            name.encode("utf-8", "replace")[-128:],
        )
        for (scope, kind), (issue, name) in sorted(newest.items())
    )
    columns = [
        ("SCOPE", "16A", ""),
        ("TYPEID", "16A", ""),
        ("ISSUE", "J", ""),
        ("VALDATE", "24A", ""),
        ("EVALDATE", "24A", ""),
        ("FILE", "128A", ""),
    ]
    head = [files.card("OBSVDATE", observation), files.card("ANALDATE", analysis), files.card("CREATOR", "cifbuild (stand-in)")]
    files.write(values["calindexset"], [files.primary(head), files.table_hdu("CALINDEX", columns, rows, len(newest), head)])


def _date_of_odf() -> str:
    folder = sas.odf_folder("")
    if not os.path.isdir(folder):
        raise SasError("NoSummaryFile", "SAS_ODF is not set and no observation date was given")
    for name in sorted(os.listdir(folder)):
        if name.endswith(".FIT"):
            date = files.first_header(os.path.join(folder, name)).get("DATE-OBS")
            if date:
                return str(date)
    raise SasError("NoSummaryFile", f"No summary file found in {folder}")


def odfingest(task: sas.Task) -> None:
    """Writes the summary file of an ODF: `{revolution}_{ObsID}_SCX00000SUM.SAS` in outdir."""
    values = task.values
    folder = values["odfdir"] if values["withodfdir"] else os.environ.get("SAS_ODF", values["odfdir"])
    task.say(f"Looking for ODF constituents in {folder.rstrip('/')}/")
    if not os.path.isdir(folder):
        raise SasError("NoOdfFound", f"No ODF found in `{folder}': there is no such directory")
    names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"\d{4}_\d{10}_[A-Z0-9]{11}\.(FIT|ASC)", name))
    observations = {name[:15] for name in names}
    if not names:
        raise SasError("NoOdfFound", f"No ODF found in `{folder}'")
    if len(observations) > 1:
        raise SasError("MultipleObservations", f"More than one observation in `{folder}': {', '.join(sorted(observations))}")
    revolution, obs_id = names[0][:4], names[0][5:15]
    print(f"odfingest:- Identified the following ODF\nRevolution:  {revolution}\nObservation: {obs_id}\nProposal:    {obs_id}")
    out = os.path.join(
        values["outdir"], f"{revolution}_{obs_id}_SCX00000SUM.SAS" if values["usecanonicalname"] else values["summaryfile"]
    )
    if not os.path.isdir(values["outdir"]):
        raise SasError("FileIo", f"Cannot write `{out}': there is no such directory")
    text = summary(task, os.path.abspath(folder) if values["writepath"] else ".", folder, names)
    files.write_text(out, text)


def intervals_of_text(text: str) -> list[tuple[float, float]]:
    """« start stop + » per line; « - » takes time away; comments after #."""
    good: list[tuple[float, float]] = []
    bad: list[tuple[float, float]] = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) < 2:
            raise SasError("unexpectedEOL", f"Unexpected end of line: `{line.strip()}'")
        try:
            start, stop = float(words[0]), float(words[1])
        except ValueError:
            raise SasError("badNumericValue", f"Bad numeric value: `{line.strip()}'") from None
        if start < 0 or stop < 0:
            raise SasError("negativeTime", f"Negative time: `{line.strip()}'")
        operator = words[2] if len(words) > 2 else "+"
        if operator not in ("+", "-"):
            raise SasError("badOperator", f"Bad operator `{operator}' (periodic intervals are beyond this stand-in)")
        (good if operator == "+" else bad).append((start, stop or 1e12))
    good = good or [(0.0, 1e12)]
    for start, stop in bad:
        good = files.overlap(good, [(0.0, start), (stop, 1e12)])
    return sorted(good)


def gtibuild(task: sas.Task) -> None:
    path, name = task.values["file"], task.values["table"]
    try:
        with open(path, encoding="utf-8") as file:
            good = intervals_of_text(file.read())
    except OSError:
        raise SasError("badFileName", f"Cannot open the file `{path}'") from None
    place, _, block = name.partition(":")
    files.write(place, [files.primary(), gti_table(block or "STDGTI", good)])


def gti_table(name: str, good: list[tuple[float, float]], cards: list[str] | None = None) -> files.Hdu:
    head = [files.card("MJDREF", 50814.0), files.card("TIMESYS", "TT"), files.card("TIMEUNIT", "s"), files.card("TIMEZERO", 0.0)]
    if good:
        head += [files.card("TSTART", good[0][0]), files.card("TSTOP", good[-1][1])]
    head.append(files.card("ONTIME", float(sum(stop - start for start, stop in good))))
    return files.intervals_hdu(name, good, head if cards is None else cards)
