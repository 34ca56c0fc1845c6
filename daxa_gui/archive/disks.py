"""What kind of disk a folder lies on: SQLite's write-ahead log needs memory that is shared, which network disks do not have."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = re.compile(r"nfs\d?|cifs|smb\w*|9p|afs|ceph|lustre|glusterfs|gpfs|beegfs|davfs|ncpfs|fuse\.(sshfs|\w*fs\d?|rclone).*")
_LOCAL_FUSE = re.compile(r"fuse\.(fuse-overlayfs|ntfs.*|exfat.*|lxcfs|portal|encfs|gocryptfs|mergerfs|bindfs)")


def file_system(folder: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that holds `folder` (« ext4 », « nfs4 » …); empty where nobody tells (see proc(5))."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    resolved, best, found = folder.resolve(), -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        place = Path(re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields[4]))
        if resolved.is_relative_to(place) and len(place.parts) >= best:
            best, found = len(place.parts), after.split(" ")[0]
    return found


def is_network(kind: str) -> bool:
    """Whether a type of file system is one that several computers share."""
    return _NETWORK.fullmatch(kind) is not None and _LOCAL_FUSE.fullmatch(kind) is None
