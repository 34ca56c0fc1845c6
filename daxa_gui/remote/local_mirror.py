"""A mirror that is a folder of this machine (a file:// address): finding and listing what is in it, and nothing outside."""

from __future__ import annotations

import os
from pathlib import Path

from daxa_gui.core.errors import TransferError
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.listing import ListedFile, Listing, is_safe_name
from daxa_gui.remote.local_source import local_folder


def mirror_path(address: str, path: str) -> Path:
    """The file or folder `path` (relative, not percent-encoded) of the mirror at a file:// address, with links resolved.

    Raises
    ------
    StatusError : there is none (its `says_missing` is true), or it may not be read.
    TransferError : the address is of another machine, or the path leads out of the mirror's folder, be it by a link.
    """
    root = local_folder(address)
    relative = path.strip("/")
    if ".." in relative.split("/") or "\0" in relative or not root.is_absolute():
        raise TransferError(f"« {path} » is not a path inside the mirror {root}.", retryable=False)
    try:
        resolved_root = root.resolve(strict=True)
        resolved = (resolved_root / relative).resolve(strict=True)
    except FileNotFoundError:
        raise StatusError(404, f"There is no {root / relative} in the mirror.") from None
    except (OSError, RuntimeError) as error:
        raise StatusError(403, f"{root / relative} of the mirror cannot be read ({error}).") from None
    if not resolved.is_relative_to(resolved_root):
        raise TransferError(f"{root / relative} of the mirror is a link that leads out of it.", retryable=False)
    return resolved


def list_mirror(address: str, path: str) -> Listing:
    """The entries of a folder of the mirror by name, sizes exact; links count as what they lead to, if that is inside.

    Raises as `mirror_path` does.
    """
    folder = mirror_path(address, path)
    if not folder.is_dir():
        raise StatusError(404, f"{folder} is not a folder of the mirror.")
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise StatusError(403, f"{folder} of the mirror cannot be read ({error.strerror}).") from None
    entries = (_entry(entry, address, path) for entry in found if is_safe_name(entry.name))
    return Listing(entry for entry in entries if entry is not None)


def _entry(entry: os.DirEntry[str], address: str, path: str) -> ListedFile | None:
    """None for what is neither a file nor a folder, or a link that leads nowhere or out of the mirror."""
    try:
        if entry.is_symlink():
            mirror_path(address, f"{path.strip('/')}/{entry.name}")
        if entry.is_dir():
            return ListedFile(entry.name, is_folder=True)
        return ListedFile(entry.name, entry.stat().st_size, True) if entry.is_file() else None
    except (TransferError, OSError):
        return None
