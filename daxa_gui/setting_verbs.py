"""The verbs of settings and logins: read at the start, changed, put to use at once. What is built upon them adds the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daxa_gui import locations
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import InputError
from daxa_gui.core.events import Notice
from daxa_gui.core.settings import Settings, changed, load_settings, save_settings, setting_named, settings_table
from daxa_gui.core.settings_file import read_settings_file

_OF_TRANSFERS = ("bandwidth_mb_s", "connect_limit_s", "stall_limit_s")


def first_settings(path: Path) -> tuple[Settings, list[str]]:
    """The settings of the file; at the very first start those that a daxa.cfg of the DAXA package gives. Sentences for what was
    taken from there or could not be used."""
    first: dict[str, Any] = {}
    said: list[str] = []
    if not path.exists():
        from daxa_gui.exchange.daxa_config import first_values

        first, said = first_values()
    settings, complaints = load_settings(path, first=first)
    return settings, [*said, *complaints]


class SettingVerbs:
    """Every method may be called from any thread."""

    def __init__(self, settings: Settings, settings_file: Path | None) -> None:
        self.bus = Bus()
        self.settings = settings
        self._settings_file = settings_file
        if any(getattr(settings, name) != getattr(Settings(), name) for name in _OF_TRANSFERS):
            self._apply(settings)  # otherwise it is so already, and its modules need not be imported before the first window

    @property
    def settings_file(self) -> Path | None:
        return self._settings_file

    def change_settings(self, settings: Settings | None = None, **values: Any) -> None:
        """Use and remember new settings: all of them, or some by name.

        Raises
        ------
        InputError : a value does not fit, or there is no such setting; nothing is changed then.
        OSError : the file cannot be written; the settings hold until the program ends.
        """
        before, self.settings = self.settings, changed(settings or self.settings, **values)
        if any(getattr(self.settings, name) != getattr(before, name) for name in _OF_TRANSFERS):
            self._apply(self.settings)  # otherwise the window, which remembers its last archive, need not wait for the modules
        if self._settings_file is not None:
            for sentence in save_settings(self.settings, self._settings_file):
                self.bus.publish(Notice("warning", sentence))

    def set_settings(self, texts: Mapping[str, str]) -> None:
        """The same from texts; an empty one goes back to the default. For the command line."""
        values: dict[str, Any] = {name: text if text else setting_named(name).default for name, text in texts.items()}
        self.change_settings(**values)

    def settings_table(self) -> list[dict[str, Any]]:
        """Name, label, value, default, unit, source, variable, group and help of each setting."""
        stored: dict[str, Any] | None = None
        first: dict[str, Any] = {}
        if self._settings_file is not None:
            stored, complaints = read_settings_file(self._settings_file)
            if stored is None and not complaints:
                from daxa_gui.exchange.daxa_config import first_values

                first, _said = first_values()
        return [asdict(row) for row in settings_table(self.settings, stored or {}, first=first)]

    def archives_folder(self) -> Path:
        """Where archives and downloaded data live; raises InputError for a « ~ » that leads nowhere."""
        return locations.archives_folder(self.settings.archives_folder)

    def written_places(self) -> list[locations.WrittenPlace]:
        """What this program writes by itself, and where: label, path, what it is, how to change it."""
        places = locations.written_places(self.settings, self._settings_file)
        return [place._replace(path=self.archives_folder()) if place.label == "Archives" else place for place in places]

    def _apply(self, settings: Settings) -> None:
        """What is the same for all transfers of this process."""
        from daxa_gui.remote import connection, pacing

        pacing.BANDWIDTH.limit(settings.bandwidth_mb_s * 1e6 or None)
        connection.DEFAULT_TIMEOUTS = connection.Timeouts(
            connect_s=float(settings.connect_limit_s), stall_s=float(settings.stall_limit_s)
        )

    def set_bandwidth(self, bytes_per_s: float | None) -> None:
        """Limit all downloads together, and remember it; None or 0: no limit."""
        self.change_settings(bandwidth_mb_s=round((bytes_per_s or 0.0) / 1e6, 3))

    @property
    def offline(self) -> bool:
        return self.settings.work_offline

    def set_offline(self, offline: bool) -> None:
        """Whether no server is asked for anything."""
        self.change_settings(work_offline=offline)

    def check_network_allowed(self) -> None:
        if self.offline:
            raise InputError("The program works offline.", "Switch « Work offline » off first.")

    # ---- logins for data that are not public yet

    def credential_names(self) -> dict[str, str]:
        """The services that know logins, and where theirs are kept: "key ring", "this run" (in memory) or "" (nowhere).

        This method and the next ones may wait for the key ring of the system: not for the window's thread.
        """
        from daxa_gui.remote.credentials import store

        return {name: str(where) for name, where in store().names().items()}

    def has_credentials(self, service: str) -> bool:
        from daxa_gui.remote.credentials import store

        return store().has(service)

    def set_credentials(self, service: str, user: str, password: str) -> str:
        """Keep a login; a sentence says where."""
        from daxa_gui.remote.credentials import store

        return store().set(service, user, password)

    def forget_credentials(self, service: str) -> str:
        """Forget a login; a sentence says so, and whether something may be left in the key ring."""
        from daxa_gui.remote.credentials import store

        return store().forget(service)
