"""Every command of the window, once: text, shortcut, menu and the method of the main window that does it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActionSpec:
    name: str
    menu: str
    text: str
    tip: str
    method: str
    shortcut: str = ""
    arguments: tuple[str, ...] = ()
    group: str = ""  # actions of a group are checkable and exclude each other
    separator_before: bool = False
    checkable: bool = False  # the method is told whether it is ticked


CATALOGUES_MENU = "Catalogues"  # every letter of it belongs to a button of some workspace; F10 and the arrow keys lead to it

ARCHIVE_MENU = "Archive"  # likewise

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "new_search", "&File", "&New search", "Remove all filters and start again (can be undone)", "new_search", "Ctrl+N"
    ),
    ActionSpec(
        "open_archive",
        "&File",
        "&Open archive…",
        "Open an archive and continue its work, or look at one of DAXA's",
        "choose_archive",
        "Ctrl+O",
    ),
    ActionSpec("open_file", "&File", "Open &file…", "Inspect an event list or image", "choose_file", "Ctrl+Shift+O"),
    ActionSpec(
        "open_daxa",
        "&File",
        "Open selection of &DAXA…",
        "Take over the filters of a mission save file that DAXA wrote",
        "open_daxa_selection",
        separator_before=True,
    ),
    ActionSpec(
        "save_daxa",
        "&File",
        "&Save selection for DAXA…",
        "Write what the filters leave of one mission so that DAXA can load it",
        "save_daxa_selection",
    ),
    ActionSpec(
        "practice",
        "&File",
        "&Practice sky",
        "Simulated observations to learn with; needs no network",
        "start_practice",
        separator_before=True,
    ),
    ActionSpec(
        "quit",
        "&File",
        "&Quit",
        "Close the window; unfinished work continues at the next start",
        "close",
        "Ctrl+Q",
        separator_before=True,
    ),
    ActionSpec("undo", "&Edit", "&Undo filter change", "Take back the last change of the filters", "undo", "Ctrl+Z"),
    ActionSpec("redo", "&Edit", "&Redo filter change", "Do the change again that was taken back", "redo", "Ctrl+Shift+Z"),
    ActionSpec(
        "settings",
        "&Edit",
        "&Settings…",
        "Folders, downloads, services, software, appearance, and where this program keeps things",
        "show_settings",
        "Ctrl+,",
        separator_before=True,
    ),
    ActionSpec(
        "credentials",
        "&Edit",
        "&Credentials…",
        "Names, passwords and decryption keys for data that are not public yet",
        "show_credentials",
    ),
    ActionSpec("find", "&View", "&Find", "Search the catalogues", "show_workspace", "Ctrl+1", ("find",), "workspace"),
    ActionSpec("archive", "&View", "&Archive", "What this archive holds", "show_workspace", "Ctrl+2", ("archive",), "workspace"),
    ActionSpec("queue", "&View", "&Queue", "Downloads and processing", "show_workspace", "Ctrl+3", ("queue",), "workspace"),
    ActionSpec(
        "inspect", "&View", "&Inspect", "Light curves, images, logs", "show_workspace", "Ctrl+4", ("inspect",), "workspace"
    ),
    ActionSpec(
        "theme_system", "&View/&Theme", "As the &system", "Follow the desktop's colours", "choose_theme", "", ("system",), "theme"
    ),
    ActionSpec("theme_light", "&View/&Theme", "&Light", "Dark text on light ground", "choose_theme", "", ("light",), "theme"),
    ActionSpec("theme_dark", "&View/&Theme", "&Dark", "Light text on dark ground", "choose_theme", "", ("dark",), "theme"),
    ActionSpec(
        "sexagesimal",
        "&View/&Coordinates",
        "&Sexagesimal",
        "RA in hours, Dec in degrees, minutes, seconds",
        "choose_coordinates",
        "",
        ("sexagesimal",),
        "coordinates",
    ),
    ActionSpec(
        "degrees",
        "&View/&Coordinates",
        "&Degrees",
        "RA and Dec in decimal degrees",
        "choose_coordinates",
        "",
        ("degrees",),
        "coordinates",
    ),
    ActionSpec(
        "reset_layout",
        "&View",
        "&Restore all panels",
        "Put the panels of this workspace back in their places",
        "reset_layout",
        separator_before=True,
    ),
    ActionSpec(
        "open_daxa_archive",
        ARCHIVE_MENU,
        "&Open DAXA archive…",
        "Look at an archive that the DAXA package made, as it is; nothing in it is changed",
        "open_daxa_archive",
    ),
    ActionSpec(
        "convert_daxa",
        ARCHIVE_MENU,
        "&Convert DAXA archive…",
        "Make a new archive with what is in one that the DAXA package made",
        "do_with_archive",
        "",
        ("ask_convert",),
    ),
    ActionSpec(
        "update_archive",
        ARCHIVE_MENU,
        "&Update archive…",
        "Search again with this archive's filters, and fetch and reduce what is new",
        "do_with_archive",
        "",
        ("ask_update",),
        separator_before=True,
    ),
    ActionSpec(
        "change_choice",
        ARCHIVE_MENU,
        "Change what is &fetched…",
        "Other instruments or kinds of files than those that were chosen when the archive was made",
        "do_with_archive",
        "",
        ("ask_choice",),
    ),
    ActionSpec(
        "check_archive",
        ARCHIVE_MENU,
        "Chec&k archive…",
        "Compare every file with its checksum, and put right what can be",
        "check_archive",
    ),
    ActionSpec(
        "write_daxa_files",
        ARCHIVE_MENU,
        "&Write files for DAXA",
        "Write the state files with which the DAXA package opens this archive",
        "do_with_archive",
        "",
        ("write_daxa_files",),
        separator_before=True,
    ),
    ActionSpec(
        "show_archive_folder",
        ARCHIVE_MENU,
        "Show &in the file manager",
        "Open the folder of this archive",
        "do_with_archive",
        "",
        ("show_archive_folder",),
    ),
    ActionSpec(
        "show_catalogues",
        CATALOGUES_MENU,
        "&Show catalogues",
        "How many observations of each mission are known here, from when and from where",
        "show_panel",
        "Ctrl+Shift+C",
        ("catalogues",),
    ),
    ActionSpec(
        "update_catalogues",
        CATALOGUES_MENU,
        "&Update all",
        "Ask the archives for their present lists of observations",
        "update_catalogues",
        "Ctrl+Shift+U",
    ),
    ActionSpec(
        "import_catalogue",
        CATALOGUES_MENU,
        "&Import…",
        "Use a catalogue from a file, for example from a machine with a network",
        "import_catalogue",
    ),
    ActionSpec(
        "work_offline",
        CATALOGUES_MENU,
        "&Work offline",
        "Ask no server for anything; what is here can be searched all the same",
        "work_offline",
        checkable=True,
    ),
    ActionSpec(
        "open_sample",
        CATALOGUES_MENU,
        "Sample from a &file…",
        "Read positions from a table and find the observations that cover them",
        "open_sample",
        "Ctrl+Shift+P",
        separator_before=True,
    ),
    ActionSpec(
        "show_association",
        CATALOGUES_MENU,
        "Show &associations",
        "Which observation covers which position",
        "show_panel",
        "Ctrl+Shift+A",
        ("association",),
    ),
    ActionSpec(
        "doctor",
        "&Help",
        "&Doctor…",
        "Check the missions' software, its calibration, folders and the system, and say what to do about each fault",
        "do_with_archive",
        "",
        ("ask_doctor",),
    ),
    ActionSpec("shortcuts", "&Help", "&Keyboard", "All keys at a glance", "show_shortcuts", "F1"),
    ActionSpec("about", "&Help", "&About DAXA GUI", "Version and licence", "show_about"),
)

# Keys that belong to panels, for the overview.
PANEL_KEYS: tuple[tuple[str, str], ...] = (
    ("Ctrl+F", "Find in the table, the archive or the log"),
    ("Enter", "Archive and Queue: inspect what is chosen"),
    ("Shift+F10", "Archive: what can be done with the chosen observations"),
    ("Escape", "Queue: select nothing, so that the buttons act on everything"),
    ("F8, Shift+F8", "Log: next or previous warning or error"),
    ("J, K", "Inspect: next or previous exposure, the most doubtful first"),
)
