"""Installs the stand-ins as folders that look like SAS, HEASoft with CALDB, CIAO, eSASS, and the XMM calibration."""

from __future__ import annotations

import json
import shlex
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from tests.standins.scripts import CALDBINIT, CIAO_SH, ESASS_INIT, HEADAS_INIT, SETSAS
from tests.standins.switches import Switches

_HERE = Path(__file__).resolve().parent
SAS_TASKS = (
    "sas",
    "sasversion",
    "cifbuild",
    "odfingest",
    "epchain",
    "emchain",
    "emanom",
    "espfilt",
    "evselect",
    "merge",
    "eexpmap",
    "rgsproc",
    "gtibuild",
)
ESASS_TASKS = ("flaregti", "evtool")
CIAO_TASKS = ("ciaover", "punlearn", "chandra_repro", "dmextract", "deflare", "dmcopy", "fluximage")
HEASOFT_TASKS = ("nuversion", "nupipeline", "nuexpomap", "lcurve", "ftcopy", "fversion", "ftversion")
_CONSTITUENTS = (
    "EMOS1_ADUCONV",
    "EMOS1_BADPIX",
    "EMOS1_QUANTUMEF",
    "EMOS2_ADUCONV",
    "EMOS2_BADPIX",
    "EPN_ADUCONV",
    "EPN_BADPIX",
    "EPN_CTI",
    "RGS1_ADUCONV",
    "RGS1_BADPIX",
    "RGS2_ADUCONV",
    "RGS2_BADPIX",
    "XMM_BORESIGHT",
    "XMM_MISCDATA",
    "XRT1_XAREAEF",
    "XRT2_XAREAEF",
    "XRT3_XAREAEF",
)


@dataclass(frozen=True)
class Installed:
    """Where everything is. Packages that were not installed have the place they would have, without a folder there."""

    folder: Path

    @property
    def sas(self) -> Path:
        return self.folder / "sas"

    @property
    def ccf(self) -> Path:
        return self.folder / "ccf"

    @property
    def heasoft(self) -> Path:
        """HEADAS: the folder of the platform, with headas-init.sh."""
        return self.folder / "heasoft" / "x86_64-pc-linux-gnu-libc2.31"

    @property
    def caldb(self) -> Path:
        return self.folder / "caldb"

    @property
    def ciao(self) -> Path:
        return self.folder / "ciao"

    @property
    def esass(self) -> Path:
        return self.folder / "esass"

    @property
    def switches(self) -> Switches:
        return Switches(self.folder)

    @property
    def settings(self) -> dict[str, str]:
        """The program's settings that name the folders."""
        names = {
            "sas_folder": self.sas,
            "ccf_folder": self.ccf,
            "heasoft_folder": self.heasoft,
            "caldb_folder": self.caldb,
            "ciao_folder": self.ciao,
            "esass_folder": self.esass,
        }
        return {name: str(path) for name, path in names.items() if path.is_dir()}

    @property
    def variables(self) -> dict[str, str]:
        """What a person would have in the environment before any set-up script ran."""
        names = {
            "SAS_DIR": self.sas,
            "SAS_CCFPATH": self.ccf,
            "HEADAS": self.heasoft,
            "CALDB": self.caldb,
            "ASCDS_INSTALL": self.ciao,
            "SASS_ROOT": self.esass,
        }
        return {name: str(path) for name, path in names.items() if path.is_dir()}

    def calls(self, task: str = "") -> list[dict[str, Any]]:
        """Every start of a stand-in so far (of one task): task, argv, folder, pid, group, time, environment."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [call for call in map(json.loads, lines) if task in ("", call["task"])]

    def forget_calls(self) -> None:
        (self.folder / "calls.jsonl").unlink(missing_ok=True)


def _executable(path: Path, home: Path, task: str) -> None:
    """A shell line that starts Python: a line « #!… » could not name an interpreter whose path has a blank."""
    packages = sysconfig.get_paths()["purelib"]
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = f"import sys; sys.path.insert(0, {str(_HERE)!r}); from programs.start import main"
    code = f"{begin}; main({task!r}, {str(home)!r}, {packages!r})"
    path.write_text(
        f"#!/bin/sh\n# A stand-in for the task {task}, for tests only.\n"
        f'exec {shlex.quote(sys.executable)} -IS -c {shlex.quote(code)} "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)


def _script(path: Path, text: str, **places: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, value in places.items():
        text = text.replace(f"@{name}@", str(value))
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _libraries(folder: Path, package: str) -> None:
    for name in ("lib", "libextra", "python", "perl5"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "lib" / "PACKAGE").write_text(package + "\n", encoding="utf-8")


def _sas_parameter_file(task: str, version: str) -> str:
    """The parameter file of a task as pySAS reads it."""
    sys.path.insert(0, str(_HERE))
    try:
        from programs.sas import release
        from programs.sas_parameters import table, table_path
    finally:
        sys.path.remove(str(_HERE))
    rows = table(table_path(task, ".".join(map(str, release(version))), str(_HERE / "parameters" / "sas")))
    kinds = {
        "bool": "bool",
        "int": "int",
        "ints": "int",
        "real": "real",
        "reals": "real",
        "string": "string",
        "strings": "string",
    }
    lines = []
    for row in rows:
        several = ' list="yes"' if row.kind in ("ints", "reals", "strings") else ""
        limits = f" constraints={quoteattr(row.allowed)}" if row.allowed else ""
        lines.append(
            f"<PARAM id={quoteattr(row.name)} type={quoteattr(kinds[row.kind])} "
            f"mandatory={quoteattr('yes' if row.mandatory else 'no')} default={quoteattr(row.default)}{several}{limits}></PARAM>"
        )
    return '<?xml version="1.0"?>\n<FILE><CONFIG>\n' + "\n".join(lines) + "\n</CONFIG></FILE>\n"


def _install_sas(installed: Installed, version: str) -> None:
    home, sas = installed.folder, installed.sas
    major = int((version.rpartition("-")[2] if version.startswith("xmmsas") else version).split(".")[0])
    _libraries(sas, "sas")
    (sas / "VERSION").write_text(version + "\n", encoding="utf-8")
    (sas / "config").mkdir()
    for task in SAS_TASKS:
        if task == "emanom" and major < 19:
            continue
        _executable(sas / "bin" / task, home, task)
        (sas / "config" / f"{task}.par").write_text(_sas_parameter_file(task, version), encoding="utf-8")
    _script(sas / "setsas.sh", SETSAS, SAS=sas, VERSION=version)
    _script(sas / "sas-setup.sh", SETSAS, SAS=sas, VERSION=version)
    installed.ccf.mkdir(exist_ok=True)
    for name in _CONSTITUENTS:
        for issue in (1, 2):
            text = f"SIMPLE  = {'T':>20}".ljust(80) + f"BITPIX  = {8:>20}".ljust(80) + f"NAXIS   = {0:>20}".ljust(80)
            text += f"VALDATE = '2000-01-01T00:00:00'".ljust(80) + "END".ljust(80)  # noqa: F541
            (installed.ccf / f"{name}_{issue:04d}.CCF").write_bytes(text.encode().ljust(2880))


def _install_heasoft(installed: Installed, version: str, nustardas: str, caldb: str) -> None:
    heasoft = installed.heasoft
    _libraries(heasoft, "heasoft")
    (heasoft / "VERSION").write_text(f"{version}\n{nustardas}\n", encoding="utf-8")
    (heasoft / "refdata").mkdir()
    for name in ("leapsec.fits", "rigidity.data"):
        (heasoft / "refdata" / name).write_text("reference data\n", encoding="utf-8")
    for task in HEASOFT_TASKS:
        _executable(heasoft / "bin" / task, installed.folder, task)
    _parameter_files(heasoft / "syspfiles", HEASOFT_TASKS)
    # lcurve only tells its version here; its file is there as in the real package, without the parameters that nobody gives
    (heasoft / "syspfiles" / "lcurve.par").write_text('mode,s,h,"ql",,,"mode"\n', encoding="utf-8")
    _script(heasoft / "headas-init.sh", HEADAS_INIT, HEADAS=heasoft)
    root = installed.caldb
    index = root / "data" / "nustar" / "fpm"
    index.mkdir(parents=True)
    (index / f"caldb.indx{caldb}").write_text("an index of calibration files\n", encoding="utf-8")
    (index / "caldb.indx").symlink_to(f"caldb.indx{caldb}")
    for place in (root, root / "software" / "tools"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "caldb.config").write_text(
            "NUSTAR FPM caldb data/nustar/fpm caldb.indx caldb data/nustar/fpm\n", encoding="utf-8"
        )
    (root / "software" / "tools" / "alias_config.fits").write_text("aliases\n", encoding="utf-8")
    _script(root / "software" / "tools" / "caldbinit.sh", CALDBINIT, CALDB=root)


def _parameter_files(folder: Path, tasks: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for task in tasks:
        source = _HERE / "parameters" / "ape" / f"{task}.par"
        if source.exists():
            (folder / source.name).write_bytes(source.read_bytes())


def _install_ciao(installed: Installed, version: str, caldb: str) -> None:
    ciao = installed.ciao
    _libraries(ciao, "ciao")
    (ciao / "VERSION").write_text(f"{version}\n{caldb}\n", encoding="utf-8")
    for task in CIAO_TASKS:
        _executable(ciao / "bin" / task, installed.folder, task)
    _parameter_files(ciao / "param", CIAO_TASKS)
    (ciao / "CALDB").mkdir()
    _script(ciao / "bin" / "ciao.sh", CIAO_SH, CIAO=ciao, VERSION=version)


def _install_esass(installed: Installed, version: str) -> None:
    esass = installed.esass
    _libraries(esass, "esass")
    (esass / "VERSION").write_text(version + "\n", encoding="utf-8")
    for task in ESASS_TASKS:
        _executable(esass / "bin" / task, installed.folder, task)
    _parameter_files(esass / "pfiles", ESASS_TASKS)
    _script(esass / "bin" / "esass-init.sh", ESASS_INIT, SASS=esass)


def install(
    folder: Path,
    *,
    sas: str = "22.1.0-a8f2c2afa-20250304",
    esass: str = "eSASSusers_211214",
    ciao: str = "4.17.0",
    heasoft: str = "6.35.1",
    nustardas: str = "nustar_11Jul24_v2.1.4",
    caldb: str = "20250415",
    chandra_caldb: str = "4.12.0",
) -> Installed:
    """Build installations of the packages in `folder` (made if it is not there); an empty version leaves a package out.

    `caldb` is the version of NuSTAR's calibration (a date), `chandra_caldb` the one that `ciaover` reports.
    """
    folder.mkdir(parents=True, exist_ok=True)
    installed = Installed(folder.resolve())
    if sas:
        _install_sas(installed, sas)
    if heasoft:
        _install_heasoft(installed, heasoft, nustardas, caldb)
    if ciao:
        _install_ciao(installed, ciao, chandra_caldb)
    if esass:
        _install_esass(installed, esass)
    return installed
