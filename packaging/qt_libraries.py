"""Names the Debian packages whose shared libraries Qt needs and this machine lacks; runs with any Python 3, before Qt is there.

    python3 qt_libraries.py offscreen     what a window needs that nobody sees
    python3 qt_libraries.py display       that, and what a window on X11 or Wayland needs

Prints the missing packages on one line, nothing when all are there. On anything but Linux Qt brings what it needs.
"""

import ctypes
import sys

# file name of the library -> Debian package (the names of Debian 12; newer releases keep them or provide them)
OFFSCREEN = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libbrotlidec.so.1": "libbrotli1",
}
# The plugin for X11 names only the first of these in its message when several are missing.
DISPLAY = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}


def is_there(library):
    """Whether the dynamic loader finds the library; it looks where Qt will look."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages(libraries):
    """The packages of those libraries that are not there, each once, in the order of the table."""
    return list(dict.fromkeys(package for library, package in libraries.items() if not is_there(library)))


def main(arguments):
    if arguments not in (["offscreen"], ["display"]):
        print("usage: qt_libraries.py offscreen|display", file=sys.stderr)
        return 2
    if not sys.platform.startswith("linux"):
        return 0
    libraries = OFFSCREEN if arguments == ["offscreen"] else {**OFFSCREEN, **DISPLAY}
    print(" ".join(missing_packages(libraries)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
