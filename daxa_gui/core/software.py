"""Which reduction software this machine has."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SoftwareStatus:
    """`message` is a sentence for the user: what was found, or why not and what to do."""

    name: str
    version: str
    found: bool
    message: str
    label: str = ""
    is_named: bool = True  # whether a setting or a variable says where it is
