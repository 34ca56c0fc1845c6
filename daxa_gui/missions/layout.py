"""What the archive layouts of several missions have in common. The layouts themselves are in the missions' files."""

from __future__ import annotations

from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import MissionSpec

HEASARC = "heasarc"  # the service's folder names are those below /FTP/


def checked_obs_id(spec: MissionSpec, obs_id: str) -> str:
    """The ObsID itself; it becomes part of paths and regular expressions, so nothing but a well-formed one passes."""
    if not spec.is_obs_id(obs_id):
        raise InputError(f"« {obs_id} » is not an ObsID of {spec.label}.", f"One looks like {spec.obs_id_example}.")
    return obs_id
