"""The missions' software packages: what shows that a folder holds one, and where each lies on this machine. Nothing is run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Setting = Callable[[str], str]


@dataclass(frozen=True)
class Package:
    """One package of software.

    Parameters
    ----------
    setting, variable : what says where it is, in this order; then its programs on PATH.
    scripts : its set-up script relative to the folder; the first that is there is meant.
    defines : variables that its set-up script must define.
    shown_by : programs that show that it is there; any one on PATH is enough to find it.
    own : beginnings of names of variables that belong to it.
    told, not_told : with which of them a person tells its set-up script something, and exceptions.
    """

    name: str
    label: str
    setting: str
    variable: str
    scripts: tuple[str, ...]
    defines: tuple[str, ...]
    shown_by: tuple[str, ...]
    own: tuple[str, ...]
    told: tuple[str, ...] = ()
    not_told: tuple[str, ...] = ()


# Sources: the packages' own installation guides (the variables that their set-up scripts set, and those scripts' names).
PACKAGES = {
    package.name: package
    for package in (
        Package(
            "sas", "SAS", "sas_folder", "SAS_DIR", ("setsas.sh", "sas-setup.sh"), ("SAS_DIR",), ("cifbuild", "odfingest"),
            ("SAS_", "PGPLOT_"), ("SAS_", "PGPLOT_"), ("SAS_DIR", "SAS_PATH", "SAS_CCF", "SAS_ODF"),
        ),
        Package(
            "heasoft", "HEASoft", "heasoft_folder", "HEADAS", ("headas-init.sh",), ("HEADAS", "PFILES"),
            ("lcurve", "nupipeline", "ftversion"), ("HEADAS", "LHEA", "PGPLOT_", "XANADU"),
        ),
        Package(
            "ciao", "CIAO", "ciao_folder", "ASCDS_INSTALL", ("bin/ciao.sh", "bin/ciao.bash"), ("ASCDS_INSTALL", "PFILES"),
            ("dmcopy", "ciaover"), ("ASCDS_", "CIAO", "XPA", "CONDA_PREFIX"),
        ),
        Package(
            "esass", "eSASS", "esass_folder", "SASS_ROOT", ("bin/esass-init.sh",), (), ("evtool", "flaregti"), ("SASS_", "ESASS")
        ),
    )
}  # fmt: skip
# Only these variables of the program's own environment reach a package's set-up script, besides those that are its own: no
# libraries, no Python, no Perl of another package, and nothing secret.
KEPT_VARIABLES = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM", "PATH")
SEARCH_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "PYTHONPATH", "PERL5LIB", "PERLLIB")
# Parts that are found like packages but have no programs.
CALIBRATION = {"ccf": ("CCF", "ccf_folder", "SAS_CCFPATH"), "caldb": ("CALDB", "caldb_folder", "CALDB")}
CALDB_CONFIGURATIONS = ("caldb.config", "software/tools/caldb.config")
CALDB_SCRIPT = "software/tools/caldbinit.sh"


@dataclass(frozen=True)
class Whereabouts:
    """Where something was looked for. `folder` is empty if nothing names one; `source` says what did (« the setting « SAS » »);
    `script` is the set-up script, None if there is none: then `is_ready` says whether the environment is initialised already, and
    `conda` has the scripts that activate the conda environment in which the package is."""

    folder: str
    source: str
    script: Path | None = None
    is_ready: bool = False
    conda: tuple[Path, ...] = ()

    @property
    def is_here(self) -> bool:
        return self.script is not None or self.is_ready or bool(self.conda)


def asked(setting: Setting, name: str) -> str:
    """A setting as text, with « ~ » replaced; "" if it is not set. A « ~ » of somebody unknown stays as it is."""
    text = setting(name) or ""
    try:
        return str(Path(text).expanduser()) if text.startswith("~") else text
    except RuntimeError:
        return text


def is_file(path: Path) -> bool:
    """False too for paths that no system takes (too long, with a zero byte)."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def set_up_script(package: Package, folder: str) -> Path | None:
    return next((Path(folder) / name for name in package.scripts if folder and is_file(Path(folder) / name)), None)


def conda_scripts(package: Package, folder: str) -> tuple[Path, ...]:
    """What `conda activate` would read, in its order, if the folder is a conda environment with the package's programs."""
    if not folder or not program_on(str(Path(folder) / "bin"), package.shown_by):
        return ()
    try:
        is_conda = (Path(folder) / "conda-meta").is_dir()
        return tuple(sorted((Path(folder) / "etc" / "conda" / "activate.d").glob("*.sh"))) if is_conda else ()
    except (OSError, ValueError):
        return ()


def program_on(path: str, names: tuple[str, ...]) -> str:
    """The first of the programs that a search path has; "" if it has none."""
    return next((found for name in names if (found := shutil.which(name, path=path or os.defpath))), "")


def whereabouts(package: Package, setting: Setting, environment: Mapping[str, str] = os.environ) -> Whereabouts:
    """Where a package is: by its setting, else its variable, else its programs on PATH.

    An environment that is initialised already (conda, a container) may have no set-up script: then it is used as it is.
    """
    chosen = asked(setting, package.setting)
    if chosen:
        script = set_up_script(package, chosen)
        return Whereabouts(
            chosen, f"the setting « {package.label} »", script, conda=() if script else conda_scripts(package, chosen)
        )
    found = environment.get(package.variable, "")
    program = program_on(environment.get("PATH", ""), package.shown_by)
    if found:
        script = set_up_script(package, found)
        is_ready = script is None and bool(program) and Path(found).is_dir()
        conda = () if script or is_ready else conda_scripts(package, found)
        return Whereabouts(found, f"the variable {package.variable}", script, is_ready, conda)
    if not program:
        return Whereabouts("", "")
    folder = str(Path(program).resolve().parent.parent)
    script = set_up_script(package, folder)
    is_ready = script is None and all(environment.get(name) for name in package.defines)
    return Whereabouts(folder, f"the program {program}", script, is_ready)


def calibration_folder(name: str, setting: Setting, environment: Mapping[str, str] = os.environ) -> Whereabouts:
    """Where calibration (« ccf », « caldb ») is said to be; SAS_CCFPATH may name several folders, with « : » between them."""
    label, key, variable = CALIBRATION[name]
    if chosen := asked(setting, key):
        return Whereabouts(chosen, f"the setting « {label} »")
    found = environment.get(variable, "")
    return Whereabouts(found, f"the variable {variable}") if found else Whereabouts("", "")
