"""Small folders that look like the missions' software from outside: set-up scripts, programs that only say their version."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

SAS_PROGRAMS = ("cifbuild", "odfingest", "epchain", "emchain", "emanom", "espfilt", "evselect", "merge", "eexpmap", "rgsproc")
HEASOFT_PROGRAMS = ("nupipeline", "nuexpomap", "ftcopy")
CIAO_PROGRAMS = ("chandra_repro", "dmextract", "deflare", "dmcopy", "fluximage")
ESASS_PROGRAMS = ("flaregti", "evtool")
CIAOVER = """The current environment is configured for:
  CIAO        : CIAO 4.16.0 Wednesday, December 06, 2023
  Tools       : Package 4.16.0
  CALDB       : 4.11.5
"""


def program(path: Path, said: str = "", code: int = 0) -> Path:
    """An executable that only says something."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {code}\n")
    path.chmod(0o755)
    return path


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@dataclass
class Trees:
    """Everything that all steps need, below one folder. `settings` and `environment` name it as the tests like."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        home = self.root / "home"
        home.mkdir(parents=True)
        (self.root / "archive").mkdir()
        self.environment |= {"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": str(self.folder("tmp"))}
        for make in (self._sas, self._heasoft, self._ciao, self._esass, self._ccf, self._caldb):
            make()

    def folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def setting(self, name: str) -> str:
        return self.settings.get(name, "")

    def _sas(self) -> None:
        self.sas = self.root / "xmmsas"
        write(
            self.sas / "setsas.sh",
            f'export SAS_DIR="{self.sas}" SAS_PATH="{self.sas}"\nexport PATH="$SAS_DIR/bin:$PATH"\n'
            'export LD_LIBRARY_PATH="$SAS_DIR/lib:$LD_LIBRARY_PATH"\necho "SAS is set up"\n',
        )
        program(self.sas / "bin" / "sas", "sas (sas-1.5) [xmmsas_20230412_1735-21.0.0]")
        for name in SAS_PROGRAMS:
            program(self.sas / "bin" / name, f"{name} ({name}-1.0) [xmmsas_20230412_1735-21.0.0]")
            write(self.sas / "config" / f"{name}.par")
        self.settings["sas_folder"] = str(self.sas)

    def _heasoft(self) -> None:
        self.heasoft = self.root / "heasoft-6.34" / "x86_64-pc-linux-gnu-libc2.36"
        write(
            self.heasoft / "headas-init.sh",
            'export PFILES="$HOME/pfiles;$HEADAS/syspfiles"\nexport PATH="$HEADAS/bin:$PATH" LHEAPERL=/usr/bin/perl\n',
        )
        for name in HEASOFT_PROGRAMS:
            program(self.heasoft / "bin" / name)
            write(self.heasoft / "syspfiles" / f"{name}.par")
        program(self.heasoft / "bin" / "nuversion", "nustar_11Jul24_v2.1.4")
        program(self.heasoft / "bin" / "lcurve", "lcurve Version 1.0 (xronos6.0)")
        write(self.heasoft / "syspfiles" / "lcurve.par")
        self.settings["heasoft_folder"] = str(self.heasoft)

    def _ciao(self) -> None:
        self.ciao = self.root / "ciao-4.16"
        write(
            self.ciao / "bin" / "ciao.sh",
            f'export ASCDS_INSTALL="{self.ciao}"\nexport PATH="$ASCDS_INSTALL/bin:$PATH"\n'
            'export PFILES="$HOME/cxcds_param4;$ASCDS_INSTALL/param"\necho "CIAO configuration is complete..."\n',
        )
        program(self.ciao / "bin" / "ciaover", CIAOVER)
        for name in CIAO_PROGRAMS:
            program(self.ciao / "bin" / name)
            write(self.ciao / "param" / f"{name}.par")
        self.settings["ciao_folder"] = str(self.ciao)

    def _esass(self) -> None:
        self.esass = self.root / "eSASSusers_211214"
        write(
            self.esass / "bin" / "esass-init.sh",
            f'export SASS_ROOT="{self.esass}"\nexport PATH="$SASS_ROOT/bin:$PATH"\n'
            'export PFILES="$HOME/pfiles;$SASS_ROOT/pfiles"\n',
        )
        for name in ESASS_PROGRAMS:
            program(self.esass / "bin" / name, f"{name}: **ERROR no input", 1)
            write(self.esass / "pfiles" / f"{name}.par")
        self.settings["esass_folder"] = str(self.esass)

    def _ccf(self) -> None:
        self.ccf = self.folder("ccf")
        for name in ("XMM_BORESIGHT_0030", "EPN_CTI_0058", "EMOS1_CTI_0021", "EMOS2_CTI_0021", "RGS1_CTI_0009", "RGS2_CTI_0009"):
            write(self.ccf / f"{name}.CCF", "calibration")
        self.settings["ccf_folder"] = str(self.ccf)

    def _caldb(self) -> None:
        self.caldb = self.root / "caldb"
        write(self.caldb / "software" / "tools" / "caldb.config", "NUSTAR FPM caldb data/nustar/fpm caldb.indx\n")
        write(self.caldb / "software" / "tools" / "alias_config.fits")
        write(
            self.caldb / "software" / "tools" / "caldbinit.sh",
            'export CALDBCONFIG="$CALDB/software/tools/caldb.config" CALDBALIAS="$CALDB/software/tools/alias_config.fits"\n',
        )
        index = self.caldb / "data" / "nustar" / "fpm"
        write(index / "index" / "caldb.indx20240812", "index")
        (index / "caldb.indx").symlink_to("index/caldb.indx20240812")
        self.settings["caldb_folder"] = str(self.caldb)

    def age(self, path: Path, days: float) -> None:
        then_s = time.time() - days * 86_400
        os.utime(path, (then_s, then_s))
