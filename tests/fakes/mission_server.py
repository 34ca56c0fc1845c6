"""An archive server on 127.0.0.1 with one or two observations of each of the twelve missions, as small valid FITS files.

The names are those of `mission_trees`; listings are Apache's with rounded sizes (HEASARC) or an HTML table with bytes
(eROSITA-DE). Everything is made once per process and is the same in every run. `write_catalogues` writes the observation tables
that go with it.
"""

from __future__ import annotations

import functools
import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import ncompress
import numpy as np
from astropy.io import fits

from daxa_gui.catalogues.as_table import to_table
from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.core.mission import EventFormat, MissionSpec, RawFile
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.tables import write_table
from daxa_gui.missions import MISSIONS
from tests import mission_tables as tables
from tests.fakes import mission_trees as trees
from tests.fakes.http_server import FakeArchive
from tests.fakes.mission_trees import FURTHER_TREES, TREES, MissionTree
from tests.fakes.small_fits import small_fits

SERVICES = ("heasarc", "erosita_dr1", "erosita_edr")
PROPRIETARY = {"xmm_pointed": "0923456705", "nustar_pointed": "40001014021"}
SECOND_WINDOW = "218500520010"
N_EVENTS = 60
_START_S, _STOP_S = 1000.0, 2000.0
_TEXTS = (".txt", ".asc", ".log", ".public_contents", "readme", "00readme")
_PICTURES = {".gif": b"GIF89a", ".jpg": b"\xff\xd8\xff", ".png": b"\x89PNG\r\n", ".pdf": b"%PDF-1.4", ".ps": b"%!PS"}
_INSTRUME = {"M1": "EMOS1", "M2": "EMOS2", "PN": "EPN", "R1": "RGS1", "R2": "RGS2", "OM": "OM", "TM0": "TM0"}


def _second_window() -> MissionTree:
    """Another science window of the same revolution: what the revolution shares is in both."""
    first, files = trees.INTEGRAL, trees.INTEGRAL.files["heasarc"]
    other = {path.replace(first.obs_id, SECOND_WINDOW): size for path, size in files.items()}
    decoys = frozenset(path.replace(first.obs_id, SECOND_WINDOW) for path in first.decoys)
    return replace(first, obs_id=SECOND_WINDOW, files={"heasarc": other}, decoys=decoys)


ALL_TREES: tuple[MissionTree, ...] = (*TREES.values(), *FURTHER_TREES, _second_window())


def wanted_paths(tree: MissionTree) -> set[tuple[str, str]]:
    """(service, path) of every file of an observation that is ever fetched."""
    return {(service, path) for service, paths in tree.files.items() for path in paths if path not in tree.decoys}


# -- files ------------------------------------------------------------------------------------------------------------------


def event_list(form: EventFormat, instrument: str, obs_id: str, exposure: str, seed: int) -> bytes:
    """An event list that the engine reads by the rules of a format: `N_EVENTS` events in 1000 s; seven modules if it has any."""
    random = np.random.default_rng(seed)
    n = N_EVENTS
    times = np.sort(random.uniform(_START_S, _STOP_S, n))
    modules = np.arange(n) % 7 + 1
    columns = [fits.Column(form.time_column, "D", unit="s", array=times)]
    if form.energy_column:
        columns.append(fits.Column(form.energy_column, "J", array=random.integers(100, 300, n)))
    place = len(columns)
    columns += [fits.Column(name, "J", array=random.integers(400, 600, n)) for name in (form.x_column, form.y_column)]
    for name in (form.pattern_column, form.flag_column):
        if name:
            columns.append(fits.Column(name, "J", array=np.zeros(n, int)))
    if form.ccd_column:
        columns.append(fits.Column(form.ccd_column, "B", array=modules if form.ccd_column == "TM_NR" else np.ones(n, int)))
    table = fits.BinTableHDU.from_columns(columns, name=form.extensions[0])
    for axis, (kind, value, step) in enumerate((("RA---TAN", 150.0, -1), ("DEC--TAN", 2.0, 1)), place + 1):
        table.header.update({f"TCTYP{axis}": kind, f"TCRPX{axis}": 500.0, f"TCRVL{axis}": value, f"TCDLT{axis}": step / 900})
        table.header.update({f"TCUNI{axis}": "deg", f"TLMIN{axis}": 1, f"TLMAX{axis}": 1000})
    instrume = _INSTRUME.get(instrument, instrument)
    table.header.update({"TELESCOP": form.telescopes[0], "INSTRUME": instrume, "OBS_ID": obs_id, "EXPIDSTR": exposure})
    table.header.update(
        {"MJDREFI": 50814, "MJDREFF": 0.0, "TIMEZERO": 0.0, "TIMESYS": "TT", "FILTER": "OPEN", "OBJECT": "made up"}
    )
    table.header.update({"ONTIME": _STOP_S - _START_S, "LIVETIME": 990.0, "EXPOSURE": 990.0, "DATAMODE": "PHOTON"})
    per_module = form.ccd_column == "TM_NR"
    names = [f"GTI{number}" for number in range(1, 8)] if per_module else ["STDGTI01" if form.data_subspace else _gti_name(form)]
    intervals = [fits.Column("START", "D", array=[_START_S]), fits.Column("STOP", "D", array=[_STOP_S])]
    gtis = [fits.BinTableHDU.from_columns(intervals, name=name) for name in names]
    return _written([fits.PrimaryHDU(), table, *gtis])


def _gti_name(form: EventFormat) -> str:
    return form.gti_extensions[0].replace("\\d*", "").replace("\\d", "")


def image(spec: MissionSpec, obs_id: str, instrument: str, seed: int) -> bytes:
    """A picture of 8 x 8 pixels with coordinates on the sky."""
    data = np.random.default_rng(seed).integers(0, 9, (8, 8)).astype(np.int16)
    hdu = fits.PrimaryHDU(data)
    hdu.header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 4.5, "CRPIX2": 4.5, "CRVAL1": 150.0, "CRVAL2": 2.0})
    hdu.header.update({"CDELT1": -0.01, "CDELT2": 0.01, "CUNIT1": "deg", "CUNIT2": "deg", "OBS_ID": obs_id})
    hdu.header.update({"TELESCOP": spec.event_formats[0].telescopes[0], "INSTRUME": _INSTRUME.get(instrument, instrument)})
    return _written([hdu])


def _written(hdus: list[Any]) -> bytes:
    stream = io.BytesIO()
    for hdu in hdus:
        hdu.add_checksum(when="2026-01-01T00:00:00")  # the time of day otherwise
    fits.HDUList(hdus).writeto(stream)
    return stream.getvalue()


def content(tree: MissionTree, path: str) -> bytes:
    """One file of an archive as it is sent, packed as its name says."""
    name = PurePosixPath(path).name
    if name.endswith(".tar.gz"):
        return _field(name)
    lower = name.lower()
    packed = lower.endswith((".gz", ".ftz", ".z"))
    plain = _plain(tree, name.rpartition(".")[0] if packed else name, name, zlib.crc32(path.encode()))
    if lower.endswith((".gz", ".ftz")):
        return gzip.compress(plain, 6, mtime=0)
    return bytes(ncompress.compress(plain)) if lower.endswith(".z") else plain


def _plain(tree: MissionTree, inside: str, name: str, seed: int) -> bytes:
    lower = inside.lower()
    for ending, magic in _PICTURES.items():
        if lower.endswith(ending):
            return magic + seed.to_bytes(8, "big")
    if lower.endswith((".htm", ".html")):
        return b"<html><body>a page of the archive</body></html>"
    if lower.endswith(_TEXTS) or lower.startswith("manifest"):
        return f"A text of the archive, number {seed}.\n".encode()
    spec = MISSIONS[tree.mission]
    about: RawFile | None = resolve(spec.raw_file)(name)
    if about is not None and about.kind is ProductKind.EVENTS:
        return _events(spec, tree.obs_id, about.instrument, about.exposure, seed)
    if about is not None and about.kind in (ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP):
        return image(spec, tree.obs_id, about.instrument, seed)
    return small_fits(400, seed, extensions=1)


def _events(spec: MissionSpec, obs_id: str, instrument: str, exposure: str, seed: int) -> bytes:
    instrume = _INSTRUME.get(instrument, instrument)
    known = [form for form in spec.event_formats if not form.instruments or instrume in form.instruments]
    form = known[0] if known else spec.event_formats[0]
    return event_list(form, instrument, obs_id, "" if exposure == "ALL" else exposure, seed)


def _field(name: str) -> bytes:
    """A tar file of eROSITA's early data release with the event lists of a field."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number, member in enumerate(trees.CALPV_MEMBERS if name.startswith("Puppis") else ()):
            obs_id = (re.findall("_([0-9]{6})_", member) or [""])[0]
            body = _events(MISSIONS["erosita_calpv"], obs_id, "TM0", "", 100 + number) if obs_id else b"About this field.\n"
            entry = tarfile.TarInfo(member)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return gzip.compress(stream.getvalue(), 6, mtime=0)


@functools.cache
def contents() -> dict[str, bytes]:
    """« service/path » → what is sent, of all observations, decoys too."""
    found = {
        f"{service}/{path}": content(tree, path) for tree in ALL_TREES for service, paths in tree.files.items() for path in paths
    }
    return dict(sorted(found.items()))


# -- the server -------------------------------------------------------------------------------------------------------------


class MissionServer(FakeArchive):
    """« <url>/<service>/<path> »: also a whole mirror, as the setting of that name wants one. Use it as a context."""

    def __init__(self) -> None:
        super().__init__()
        folders: dict[str, dict[str, int | None]] = {}
        for path, body in contents().items():
            self.put(f"/{path}", body)
            folder, _, name = path.rpartition("/")
            folders.setdefault(folder, {})[name] = len(body)
            while folder:
                folder, _, name = folder.rpartition("/")
                folders.setdefault(folder, {}).setdefault(f"{name}/", None)
        for folder, entries in folders.items():
            page = table_page if folder.startswith("erosita") else apache_page
            self.pages[f"/{folder}/" if folder else "/"] = page(f"/{folder}", entries).encode()

    def addresses(self) -> dict[str, str]:
        return {service: f"{self.url}/{service}" for service in SERVICES}

    def fetched(self) -> list[str]:
        """« service/path » of every file that was asked for with GET, each as often as it was."""
        return [one.path.lstrip("/") for one in self.requests if one.method == "GET" and one.path in self.files]


def rounded(size: int) -> str:
    """A size as Apache writes it: 999, 1.2K, 45K."""
    if size < 1000:
        return str(size)
    kib = size / 1024
    return f"{kib:.1f}K" if kib < 9.95 else f"{kib:.0f}K"


def apache_page(path: str, entries: dict[str, int | None]) -> str:
    rows = "".join(
        f'<img src="/icons/unknown.gif" alt="[   ]"> <a href="{name}">{name}</a>{" " * max(1, 45 - len(name))}'
        f"2020-01-02 12:00  {'-' if size is None else rounded(size)}  \n"
        for name, size in sorted(entries.items())
    )
    return (
        f'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html><head><title>Index of {path}</title></head><body>\n'
        f'<h1>Index of {path}</h1>\n<pre><a href="?C=N;O=D">Name</a> <a href="?C=M;O=A">Last modified</a>'
        f' <a href="?C=S;O=A">Size</a><hr><a href="{path.rpartition("/")[0]}/">Parent Directory</a>          -\n'
        f"{rows}<hr></pre></body></html>\n"
    )


def table_page(path: str, entries: dict[str, int | None]) -> str:
    rows = "".join(
        f'<tr><td><a href="{name}">{name}</a></td><td>{"" if size is None else size}</td></tr>\n'
        for name, size in sorted(entries.items())
    )
    return f"<!DOCTYPE html>\n<html><head><title>Index of {path}</title></head><body><table>\n{rows}</table></body></html>\n"


def write_mirror(folder: Path) -> Path:
    """The same files in folders named by service, for a mirror without a network."""
    for path, body in contents().items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    return folder


# -- observation tables -----------------------------------------------------------------------------------------------------

# Which of a table's columns the ObsID is made of.
_KEYS = {"asca": "sequence_number", "rosat_pointed": "seq_id", "rosat_all_sky": "seq_id", "integral_pointed": "scw_id"}
_NOT_HEASARCS = ("xsa.v_all_observations",)


def _rows(mission: str) -> Iterator[dict[str, Any]]:
    """What is not as usual in the rows of a mission's table."""
    key = _KEYS.get(mission, "obsid")
    for tree in ALL_TREES:
        if tree.mission != mission:
            continue
        row: dict[str, Any] = {key: int(tree.obs_id) if mission in ("chandra", "asca") else tree.obs_id}
        if mission == "rosat_pointed":
            row |= {"instrument": "HRI" if tree.obs_id.startswith("RH") else "PSPCB", "fits_type": "RDF 4_2"}
        elif mission == "swift":
            row |= {"start_time": trees.SWIFT_MJD, "stop_time": trees.SWIFT_MJD + 0.5}
        elif mission == "chandra" and tree.obs_id == "17661":
            row |= {"detector": "HRC-I"}
        yield row
    if mission in PROPRIETARY:
        yield {key: PROPRIETARY[mission], "public_date": tables.FUTURE}


def table_columns() -> dict[str, dict[str, np.ndarray]]:
    """HEASARC's observation tables by name, each with its columns."""
    found = {}
    for fake in tables.TABLES:
        if fake.name not in _NOT_HEASARCS:
            rows = list(_rows(fake.mission))
            found[fake.name] = {
                name: np.array([row.get(name, usual) for row in rows], type(usual)) for name, usual in fake.usual.items()
            }
    return found


def write_catalogues(folder: Path) -> dict[str, Path]:
    """Observation tables of the ten missions that have none built in, for `Session.import_catalogue`."""
    written, columns = {}, table_columns()
    for fake in tables.TABLES:
        if fake.name in columns:
            source = fake.source
            built = resolve(source.build)(DataTable({name: columns[fake.name][name] for name in source.columns}))
            catalogue = catalogue_from(fake.spec, built, provenance="Made for tests.")
            written[fake.mission] = folder / f"{fake.mission}.ecsv"
            write_table(to_table(catalogue, fake.spec), written[fake.mission])
    return written
