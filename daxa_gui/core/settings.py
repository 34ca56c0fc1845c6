"""Settings, each declared once with label, help and unit; the dialog, the file, the environment variables, the command line
and docs/settings.md follow from here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.setting_kinds import converted, setting, variable_of
from daxa_gui.core.settings_file import read_settings_file, write_settings_file

_WEB = ("https", "http")
_FOUND = "found by itself"


@dataclass(frozen=True)
class Settings:
    """All settings. An environment variable (`variable_of`) overrides the file; the file overrides what a daxa.cfg says."""

    archives_folder: str = setting(
        "", "Archives folder", "Where archives and downloaded data live.", group="Folders", kind="folder",
        empty="« DAXA archives » in the documents folder",
    )  # fmt: skip
    caches_folder: str = setting(
        "", "Caches folder", "Where things are kept that can be made again: the practice sky, event lists made ready to plot. "
        "Used from the next start on.",
        group="Folders", kind="folder", empty="the usual place for caches", variable="DAXA_GUI_CACHE",
    )  # fmt: skip
    connections_per_host: int = setting(
        4, "Connections per host", "Downloads at the same time from one server.", group="Downloads", minimum=1, maximum=32
    )
    bandwidth_mb_s: float = setting(
        0.0, "Bandwidth", "All downloads together take at most this much (1 MB is a million bytes).", group="Downloads",
        unit="MB/s", minimum=0, maximum=100_000, empty="no limit",
    )  # fmt: skip
    mirror: str = setting(
        "", "Mirror", "Asked before the archives themselves: an address whose folders are called heasarc, xsa, erosita_dr1 … "
        "and hold what those services hold; file:// for a folder or disk, for classes without network.",
        group="Downloads", kind="address", schemes=(*_WEB, "file"), empty="none",
    )  # fmt: skip
    prefer_cloud: bool = setting(
        False, "Prefer the cloud", "HEASARC's data are taken from its public copy at Amazon (S3) first, and from HEASARC where "
        "that lacks them; otherwise the other way round.",
        group="Downloads",
    )  # fmt: skip
    connect_limit_s: int = setting(
        20, "Time to connect", "A server that has not answered within this time is tried again later.", group="Downloads",
        unit="s", minimum=1, maximum=600,
    )  # fmt: skip
    stall_limit_s: int = setting(
        45, "Time without data", "A download to which nothing came for this long is begun anew where it stopped.",
        group="Downloads", unit="s", minimum=5, maximum=3600,
    )  # fmt: skip
    work_offline: bool = setting(
        False, "Work offline", "Nothing is asked of any server: catalogues, names and data that are here already are used.",
        group="Services",
    )  # fmt: skip
    heasarc_tap: str = setting(
        "", "HEASARC's TAP service", "Another address for HEASARC's tables.", group="Services", kind="address", schemes=_WEB,
        empty="the usual one",
    )  # fmt: skip
    xsa_tap: str = setting(
        "", "XSA's TAP service", "Another address for the tables of ESA's XMM-Newton archive.", group="Services",
        kind="address", schemes=_WEB, empty="the usual one",
    )  # fmt: skip
    sesame: str = setting(
        "", "Name resolver", "Another address of the Sesame service.", group="Services", kind="address", schemes=_WEB,
        empty="the usual ones",
    )  # fmt: skip
    cores: int = setting(
        0, "Cores", "Reduction jobs at the same time.", group="Reduction", minimum=0, maximum=4096,
        empty="all but one of this machine's cores",
    )  # fmt: skip
    command_limit_min: int = setting(
        0, "Time limit of a command", "A command of a reduction step that takes longer is ended, and its step fails.",
        group="Reduction", unit="min", minimum=0, maximum=100_000, empty="no limit",
    )  # fmt: skip
    keep_intermediate: bool = setting(
        False, "Keep intermediate files", "What reduction steps left in their work folders stays in the archive's folder "
        "« intermediate »; it can be many times as large as the products.",
        group="Reduction",
    )  # fmt: skip
    sas_folder: str = setting(
        "",
        "SAS",
        "XMM-Newton's Science Analysis System: the folder with setsas.sh.",
        group="Software",
        kind="folder",
        empty=_FOUND,
    )
    ccf_folder: str = setting("", "CCF", "XMM-Newton's current calibration files.", group="Software", kind="folder", empty=_FOUND)
    heasoft_folder: str = setting(
        "", "HEASoft", "The folder that HEADAS names, with headas-init.sh.", group="Software", kind="folder", empty=_FOUND
    )
    caldb_folder: str = setting(
        "", "CALDB", "HEASARC's calibration database, with caldb.config.", group="Software", kind="folder", empty=_FOUND
    )
    ciao_folder: str = setting(
        "", "CIAO", "Chandra's software: the folder with bin/ciao.sh.", group="Software", kind="folder", empty=_FOUND
    )
    esass_folder: str = setting(
        "", "eSASS", "eROSITA's software: the folder with bin/esass-init.sh.", group="Software", kind="folder", empty=_FOUND
    )
    pfiles_folder: str = setting(
        "", "Parameter files", "Your own parameter files of HEASoft and CIAO (PFILES).", group="Software", kind="folder",
        empty="~/pfiles",
    )  # fmt: skip
    dask_ca_file: str = setting(
        "", "Trusted certificates", "Of a Dask cluster that is reached with TLS (tls://): the file (PEM) of who is trusted.",
        group="Cluster", kind="file", empty="none",
    )  # fmt: skip
    dask_cert_file: str = setting(
        "", "Own certificate", "What this program shows to a Dask cluster with TLS (PEM).", group="Cluster", kind="file",
        empty="none",
    )  # fmt: skip
    dask_key_file: str = setting(
        "", "Own key", "The key of the own certificate (PEM, without a password).", group="Cluster", kind="file", empty="none"
    )
    slurm_partition: str = setting("", "Partition", "Where Slurm runs the jobs.", group="Cluster", empty="Slurm's default")
    slurm_jobs: int = setting(
        8, "Slurm jobs", "At most so many at once; each does as many steps at a time as it has cores.", group="Cluster",
        minimum=1, maximum=10_000,
    )  # fmt: skip
    slurm_cores: int = setting(1, "Cores per Slurm job", "Of one machine.", group="Cluster", minimum=1, maximum=1024)
    slurm_memory_gb: float = setting(
        4.0, "Memory per Slurm job", "What one Slurm job asks for, for all its cores together.", group="Cluster", unit="GB",
        minimum=0.1, maximum=100_000,
    )  # fmt: skip
    slurm_time_limit_min: int = setting(
        720, "Time limit of a Slurm job", "What is not done by then is done again in another one.", group="Cluster", unit="min",
        minimum=1, maximum=1_000_000,
    )  # fmt: skip
    slurm_idle_min: int = setting(
        10, "Idle Slurm scheduler", "The program that keeps Slurm jobs for an archive ends when there has been no work and no "
        "window for this long.",
        group="Cluster", unit="min", minimum=1, maximum=100_000,
    )  # fmt: skip
    slurm_interface: str = setting(
        "", "Network interface", "Through which the machines of the cluster reach this one (ib0, eth0 …).", group="Cluster",
        empty="found by itself",
    )  # fmt: skip
    slurm_directives: str = setting(
        "", "Further options of sbatch", "Separated by semicolons: « --account=x-rays; --qos=long ».", group="Cluster",
        empty="none",
    )  # fmt: skip
    slurm_setup: str = setting(
        "", "Set-up of a Slurm job", "A line of shell before the work begins, such as « module load sas ».", group="Cluster",
        empty="none",
    )  # fmt: skip
    slurm_python: str = setting(
        "", "Python of the cluster", "The interpreter that has DAXA GUI on the cluster's machines, if it is another one there.",
        group="Cluster", kind="file", empty="the one that runs this program",
    )  # fmt: skip
    theme: str = setting("system", "Theme", "Colours of the window.", group="Appearance", choices=("system", "light", "dark"))
    coordinates: str = setting(
        "sexagesimal", "Coordinates", "How positions are written.", group="Appearance", choices=("sexagesimal", "degrees")
    )
    last_archive: str = setting("", "Last archive", "Opened again at the next start.")


def setting_fields() -> tuple[Field[Any], ...]:
    """The declarations; their `metadata` has what `setting_kinds.setting` was given."""
    return fields(Settings)


def groups() -> dict[str, tuple[Field[Any], ...]]:
    """The declarations that people see, under their headings, in order."""
    found: dict[str, list[Field[Any]]] = {}
    for item in setting_fields():
        if item.metadata["group"]:
            found.setdefault(item.metadata["group"], []).append(item)
    return {title: tuple(items) for title, items in found.items()}


def setting_named(name: str) -> Field[Any]:
    """The declaration of a setting; raises InputError if there is none of this name."""
    for item in setting_fields():
        if item.name == name:
            return item
    raise InputError(f"There is no setting « {name} ».", "« daxa-gui settings » lists them.")


def changed(settings: Settings, **values: Any) -> Settings:
    """A copy with checked new values; raises InputError for a value that does not fit or a name that is none."""
    return replace(settings, **{name: converted(setting_named(name), value) for name, value in values.items()})


def overridden(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Settings that the environment decides, and the variable that does: what the file says of them has no effect now."""
    return {item.name: variable_of(item) for item in setting_fields() if _of_environment(item, environment) is not None}


def _of_environment(item: Field[Any], environment: Mapping[str, str]) -> tuple[Any] | None:
    """The usable value of a variable, in a tuple of one; None if it is not set or unfit."""
    text = environment.get(variable_of(item))
    try:
        return None if text is None else (converted(item, text),)
    except InputError:
        return None


def settings_from(
    stored: Mapping[str, Any], environment: Mapping[str, str] = os.environ, first: Mapping[str, Any] | None = None
) -> tuple[Settings, list[str]]:
    """Settings from `first` values (of a daxa.cfg), a stored mapping and the environment, each going before the former, and a
    sentence for each entry that could not be used. Names that are no settings are passed over."""
    settings, complaints = Settings(), []
    for item in setting_fields():
        variable = variable_of(item)
        sources = (
            ((first or {}).get(item.name), "daxa.cfg"),
            (stored.get(item.name), "settings file"),
            (environment.get(variable), f"environment variable {variable}"),
        )
        for value, where in sources:
            if value is None:
                continue
            try:
                settings = changed(settings, **{item.name: value})
            except InputError as error:
                complaints.append(f"{error.message} ({where}; {_instead(item, settings)} is used)")
    return settings, complaints


def _instead(item: Field[Any], settings: Settings) -> str:
    value = getattr(settings, item.name)
    return "the default" if value == item.default else f"« {value} »"


@dataclass(frozen=True)
class SettingRow:
    """One setting for people: its value, and where that comes from ("default", "daxa.cfg", "file" or "environment")."""

    name: str
    label: str
    value: Any
    default: Any
    unit: str
    source: str
    variable: str
    group: str
    help: str


def settings_table(
    settings: Settings,
    stored: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    first: Mapping[str, Any] | None = None,
) -> list[SettingRow]:
    """One row per setting that people see.

    Parameters
    ----------
    settings : those in use.
    stored : what the settings file says (`read_settings_file`).
    first : what a daxa.cfg said, if there was no settings file.
    """
    rows = []
    for title, items in groups().items():
        for item in items:
            value = getattr(settings, item.name)
            source = _source(item, value, stored, environment, first or {})
            rows.append(
                SettingRow(
                    item.name, item.metadata["label"], value, item.default, item.metadata["unit"], source, variable_of(item),
                    title, help_text(item),
                )
            )  # fmt: skip
    return rows


def _source(
    item: Field[Any], value: Any, stored: Mapping[str, Any], environment: Mapping[str, str], first: Mapping[str, Any]
) -> str:
    if _of_environment(item, environment) == (value,):
        return "environment"
    for values, name in ((stored, "file"), (first, "daxa.cfg")):
        if item.name in values:
            try:
                if converted(item, values[item.name]) == value:
                    return name
            except InputError:
                continue
    return "default" if value == item.default else "file"


def help_text(item: Field[Any]) -> str:
    """The help of a setting with what an empty entry or 0 means."""
    empty = item.metadata["empty"]
    if not empty:
        return str(item.metadata["help"])
    return f"{item.metadata['help']} {'0' if item.metadata['kind'] in ('whole', 'number') else 'Empty'}: {empty}."


def load_settings(
    path: Path, environment: Mapping[str, str] = os.environ, first: Mapping[str, Any] | None = None
) -> tuple[Settings, list[str]]:
    """Read the settings file. One that is missing gives the defaults, or `first` (what a daxa.cfg says) where there is
    something; one that is damaged the defaults and a sentence. The file is not touched."""
    stored, complaints = read_settings_file(path)
    settings, more = settings_from(stored or {}, environment, None if stored is not None or complaints else first)
    return settings, [*complaints, *more]


def save_settings(settings: Settings, path: Path, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Write what differs from the defaults, so that the file is either the old or the new one, never half of it.

    Entries that are no settings (a newer version's) stay. What the environment decides is not written: the file keeps what it
    says of it. A damaged file is set aside under another name.

    Returns
    -------
    A sentence if a damaged file was set aside.

    Raises
    ------
    OSError : the file or its folder cannot be written; the old one is as it was.
    """
    stored, _complaints = read_settings_file(path)
    document = dict(stored or {})
    values = asdict(settings)
    for item in setting_fields():
        if _of_environment(item, environment) == (values[item.name],):
            continue
        if values[item.name] == item.default:
            document.pop(item.name, None)
        else:
            document[item.name] = values[item.name]
    return write_settings_file(document, path)
