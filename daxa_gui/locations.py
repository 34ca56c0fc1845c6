"""Where things live on this machine: the program's resources, its settings, its caches, the user's archives."""

from __future__ import annotations

import os
from pathlib import Path

APPLICATION = "daxa-gui"


def resource_path(relative: str) -> Path:
    """A file of the folder `resources/`: inside the package when installed, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "resources" / relative
    return inside if inside.exists() else here.parent / "resources" / relative


def settings_path() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir(APPLICATION)) / "settings.json"


def cache_folder() -> Path:
    """Things that can be made again (`DAXA_GUI_CACHE` overrides the usual place)."""
    import platformdirs

    return Path(os.environ.get("DAXA_GUI_CACHE") or platformdirs.user_cache_dir(APPLICATION))


def catalogues_folder() -> Path:
    """Fetched and imported catalogues. With the user's data and not in a cache: without network they cannot be made again."""
    import platformdirs

    cache = os.environ.get("DAXA_GUI_CACHE")
    return Path(cache) / "catalogues" if cache else Path(platformdirs.user_data_dir(APPLICATION)) / "catalogues"


def documents_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_documents_dir())
