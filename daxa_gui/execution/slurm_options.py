"""What the settings say about Slurm, checked; and what Slurm's own words mean."""

from __future__ import annotations

import re
import sys
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.settings import Settings

_NAME = re.compile(r"[\w.,:-]*")

# Reasons of squeue that do not go away by themselves.
_FOR_EVER = {
    "DependencyNeverSatisfied": "it needs a job that failed",
    "BadConstraints": "no machine has what it asks for",
    "PartitionTimeLimit": "it asks for more time than the partition allows",
    "PartitionNodeLimit": "it asks for more machines than the partition allows",
    "PartitionConfig": "the partition does not allow what it asks for",
    "InvalidAccount": "the account is not valid",
    "InvalidQOS": "the quality of service is not valid",
    "AccountNotAllowed": "the account may not use the partition",
    "QOSNotAllowed": "the quality of service is not allowed there",
    "launch failed requeued held": "a machine could not start it (Slurm's administrator finds why in slurmd's log)",
    "JobHeldAdmin": "an administrator holds it back",
    "JobHeldUser": "somebody holds it back",
    "QOSMaxCpuPerJobLimit": "it asks for more cores than are allowed",
    "QOSMaxMemoryPerJob": "it asks for more memory than is allowed",
    "AssocMaxCpuPerJobLimit": "it asks for more cores than are allowed",
}
_FOR_NOW = {
    "Resources": "the machines are busy",
    "Priority": "others are first",
    "None": "Slurm has not looked at it yet",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition is inactive",
    "ReqNodeNotAvail": "machines are reserved or down",
    "Licenses": "licences are in use",
    "BeginTime": "its time has not come",
    "Dependency": "it waits for another job",
}


def slurm_options(settings: Settings) -> dict[str, Any]:
    """Plain values for `slurm_host`. Raises InputError for a setting that could mean something else in a job script."""
    for label, text in (("Partition", settings.slurm_partition), ("Network interface", settings.slurm_interface)):
        if not _NAME.fullmatch(text):
            raise InputError(f"The setting « {label} » of Slurm is a name without blanks, not « {text} ».")
    return {
        "partition": settings.slurm_partition,
        "cores": settings.slurm_cores,
        "memory_bytes": int(settings.slurm_memory_gb * 1e9),
        "jobs": settings.slurm_jobs,
        "minutes": settings.slurm_time_limit_min,
        "interface": settings.slurm_interface,
        "directives": directives_of(settings.slurm_directives),
        "setup": [settings.slurm_setup] if settings.slurm_setup.strip() else [],
        "python": settings.slurm_python or sys.executable,
        "idle_min": settings.slurm_idle_min,
    }


def directives_of(text: str) -> list[str]:
    """The options of sbatch in a setting, which are separated by semicolons.

    Raises
    ------
    InputError : one does not begin with a dash, or holds a line end.
    """
    found = [part.strip() for part in text.split(";") if part.strip()]
    for part in found:
        if not part.startswith("-") or any(ord(character) < 32 for character in part):
            raise InputError(
                f"« {part} » is no option of sbatch.", "Write them as « --account=x-rays; --qos=long », separated by semicolons."
            )
    return found


def reason_in_words(reason: str) -> tuple[str, bool]:
    """What squeue's reason means, and whether that will not change by itself."""
    name = reason.strip().strip("()").split(",")[0]
    if name in _FOR_EVER:
        return f"{name}: {_FOR_EVER[name]}", True
    return (f"{name}: {_FOR_NOW[name]}" if name in _FOR_NOW else name or "no reason is given"), False
