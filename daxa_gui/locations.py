"""Where things live on this machine: the program's resources, its settings, its caches, the user's archives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from daxa_gui.core.errors import InputError
from daxa_gui.core.settings import Settings

APPLICATION = "daxa-gui"


def resource_path(relative: str) -> Path:
    """A file of the folder `resources/`: inside the package when installed, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "resources" / relative
    return inside if inside.exists() else here.parent / "resources" / relative


def settings_path() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir(APPLICATION)) / "settings.json"


def expanded(folder: str, label: str) -> Path:
    """A folder of the settings with « ~ » replaced; raises InputError where that leads nowhere."""
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        raise InputError(f"The setting « {label} » leads nowhere: {folder}.", "Give the whole path.") from None


def cache_folder(chosen: str = "") -> Path:
    """Things that can be made again: where `DAXA_GUI_CACHE` or the setting `caches_folder` says, or the usual place."""
    import platformdirs

    folder = os.environ.get("DAXA_GUI_CACHE") or chosen
    return expanded(folder, "Caches folder") if folder else Path(platformdirs.user_cache_dir(APPLICATION))


def archives_folder(chosen: str = "") -> Path:
    """Archives and downloaded data: where the setting `archives_folder` says, or in the documents folder."""
    return expanded(chosen, "Archives folder") if chosen else documents_folder() / "DAXA archives"


def catalogues_folder() -> Path:
    """Fetched and imported catalogues. With the user's data and not in a cache: without network they cannot be made again."""
    import platformdirs

    cache = os.environ.get("DAXA_GUI_CACHE")
    return Path(cache) / "catalogues" if cache else Path(platformdirs.user_data_dir(APPLICATION)) / "catalogues"


def clusters_folder() -> Path:
    """What is known of clusters: which archive works where, and secrets that mark this user's own work. Never in an archive."""
    import platformdirs

    cache = os.environ.get("DAXA_GUI_CACHE")
    return Path(cache) / "clusters" if cache else Path(platformdirs.user_data_dir(APPLICATION)) / "clusters"


def documents_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_documents_dir())


def keep_libraries_out_of_home(cache: Path) -> None:
    """matplotlib (which mocpy imports too) makes folders in the home as soon as it is imported: give it one in our cache, unless
    the person has such a folder, which may hold a matplotlibrc. Before the first import; worker processes inherit it."""
    import platformdirs

    own = (Path(platformdirs.user_config_dir("matplotlib")), Path.home() / ".matplotlib")
    if not any(folder.is_dir() for folder in own):
        os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))


class WrittenPlace(NamedTuple):
    """A folder or file that this program writes. `path` need not exist yet."""

    label: str
    path: Path
    what: str
    how_to_change: str


def written_places(settings: Settings | None = None, settings_file: Path | None = None) -> list[WrittenPlace]:
    """Everything that this program writes by itself, for « Where this program keeps things ».

    Raises
    ------
    InputError : a folder of the settings cannot be found out (« ~ » of somebody who is not known here).
    """
    chosen = settings or Settings()
    file = settings_file or settings_path()
    return [
        WrittenPlace(
            "Archives", archives_folder(chosen.archives_folder), "Archives and the data that were downloaded for them.",
            "The setting « Archives folder », or --output on the command line.",
        ),
        WrittenPlace(
            "Catalogues", catalogues_folder(), "The archives' lists of observations, as they were fetched or imported.",
            "The environment variable DAXA_GUI_CACHE (then beside the caches).",
        ),
        WrittenPlace(
            "Caches", cache_folder(chosen.caches_folder),
            "What can be made again: the practice sky, event lists made ready to plot, how software is set up, a list of fonts. "
            "May be deleted.",
            "The setting « Caches folder ».",
        ),
        WrittenPlace(
            "Clusters", clusters_folder(), "Which archive works on which cluster, if one was chosen.",
            "The environment variable DAXA_GUI_CACHE (then beside the caches).",
        ),
        WrittenPlace(
            "Settings", file, "The settings that differ from the defaults.", "The environment variable XDG_CONFIG_HOME (Linux)."
        ),
        WrittenPlace(
            "Window", file.parent, "Where the window's panels were (window.ini) and the last search (search.json).",
            "The same as for the settings.",
        ),
    ]  # fmt: skip


def first_words(settings_file: Path | None = None, settings: Settings | None = None) -> list[str]:
    """What to say at the first start, before there is a file of settings or of the window: which folders will be written.
    Later: nothing."""
    file = settings_file or settings_path()
    if file.exists() or file.with_name("window.ini").exists():
        return []
    missing = [place for place in written_places(settings, file) if place.label != "Window" and not place.path.exists()]
    if not missing:
        return []
    named = "; ".join(f"{place.label.lower()} in {_home_as_tilde(_folder_of(place))}" for place in missing)
    return [
        f"This program keeps what it writes in these places, which it makes when they are needed: {named}.",
        "« Settings… » in the menu Edit shows them and changes them.",
    ]


def _folder_of(place: WrittenPlace) -> Path:
    return place.path.parent if place.path.suffix else place.path


def _home_as_tilde(path: Path) -> str:
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)
