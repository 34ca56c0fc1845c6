"""The real DAXA (a package for tests only) on Python 3.11, in folders of its own and without a network.

DAXA 0.3.7 asks `importlib.resources.files` for the folder of a module, and has texts with quotes and line ends in their braces,
which Python knows since 3.12 only; and it writes a configuration file, and makes a folder for its output, while it is imported.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.resources
import importlib.util
import io
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

_TABLE = re.compile(r"BATCHRETRIEVALCATALOG_2\.0 (?P<name>\w+)&")


class _OlderPython(importlib.machinery.SourceFileLoader):
    """Reads DAXA's module of archives with the texts of its method `info` as older Pythons know them; nothing else is changed."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:
        text = bytes(data).decode("utf-8")
        text = re.sub(r"(filtered_obs_info\['\w+'\]\.(?:min|max)\(\)) *\n +(for m in)", r"\1 \2", text)
        text = text.replace("""f'   Chosen instruments - {', '.join(m.chosen_instruments)}'""", 'f"   Chosen instruments - '
                            """{', '.join(m.chosen_instruments)}\"""")  # fmt: skip
        return super().source_to_code(text.encode(), path, _optimize=_optimize)

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """No cache of what is no source."""


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "daxa.archive.base" or path is None:
            return None
        place = str(Path(next(iter(path))) / "base.py")
        return importlib.util.spec_from_file_location(name, place, loader=_OlderPython(name, place))


def import_daxa(folder: Path) -> ModuleType:
    """DAXA, imported once per process; its configuration, home and output are below `folder` of the first call."""
    if "daxa" in sys.modules:
        return sys.modules["daxa"]
    for name in ("config", "home", "output"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "config" / "daxa.cfg").write_text(
        f"[DAXA_SETUP]\ndaxa_save_path = {folder / 'output'}\nnum_cores = 1\npfiles_path =\n", encoding="utf-8"
    )
    if sys.version_info < (3, 12):
        sys.meta_path.insert(0, _Finder())
    original = importlib.resources.files

    def files(anchor: Any) -> Any:
        """As from Python 3.12 on: a module that is no package stands for the package that it is in."""
        if isinstance(anchor, str) and not hasattr(importlib.import_module(anchor), "__path__"):
            anchor = anchor.rpartition(".")[0]
        return original(anchor)

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("HOME", str(folder / "home"))
        patch.setattr(importlib.resources, "files", files)
        return importlib.import_module("daxa")


@pytest.fixture(scope="session")
def real_daxa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package `daxa`; import this fixture's name into the module that uses it."""
    pytest.importorskip("astroquery", reason="DAXA and astroquery are packages for tests only")
    yield import_daxa(tmp_path_factory.mktemp("daxa"))


def fits_reply(columns: Mapping[str, Any]) -> bytes:
    """A table as HEASARC's old service sends it: FITS, names in capitals, texts padded with blanks."""
    from astropy.io import fits

    made = []
    for name, values in columns.items():
        if values.dtype.kind == "U":
            width = max((len(text) for text in values.tolist()), default=1) + 3
            made.append(fits.Column(name.upper(), f"{width}A", array=np.char.ljust(values, width)))
        else:
            made.append(fits.Column(name.upper(), "K" if values.dtype.kind == "i" else "D", array=values))
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(made)]).writeto(stream)
    return stream.getvalue()


class _Reply:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def __enter__(self) -> _Reply:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def answering(tables: Mapping[str, Mapping[str, Any]]) -> Callable[..., _Reply]:
    """What stands in for `requests.get`: tables (name → columns) as HEASARC's old service sends them."""

    def get(url: str, **_: Any) -> _Reply:
        asked = _TABLE.search(unquote(url))
        assert asked is not None, url
        names = re.findall(r"varon=([a-z0-9_]+)", url)
        columns = {name: tables[asked["name"]][name] for name in names}
        if "&Radius=" in url:  # a search around a position adds the distance from it
            columns["search_offset_"] = np.zeros(len(columns[names[0]]))
        return _Reply(fits_reply(columns))

    return get
