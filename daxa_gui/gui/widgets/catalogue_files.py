"""Asking for the file that a table or catalogue is written to or read from; the formats come from the session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def name_filters(formats: Mapping[str, str]) -> dict[str, str]:
    """The lines of a file dialog with the suffix that each stands for: « FITS (*.fits) » → « .fits »."""
    suffixes: dict[str, list[str]] = {}
    for suffix, name in formats.items():
        suffixes.setdefault(name, []).append(suffix if suffix.startswith(".") else f".{suffix}")
    return {f"{name} ({' '.join(f'*{suffix}' for suffix in those)})": those[0] for name, those in suffixes.items()}


def with_suffix(path: Path, chosen: str, formats: Mapping[str, str]) -> Path:
    """The path with the suffix of the chosen line, unless it has one that means a format already."""
    known = {suffix if suffix.startswith(".") else f".{suffix}" for suffix in formats}
    if path.suffix.lower() in known:
        return path
    return path.with_name(path.name + name_filters(formats).get(chosen, next(iter(sorted(known)))))


def ask_save_path(parent: QWidget, title: str, name: str, formats: Mapping[str, str]) -> Path | None:
    """Where to write; None if the person thinks better of it. `name` has no suffix."""
    lines = list(name_filters(formats))
    path, chosen = QFileDialog.getSaveFileName(parent, title, name + name_filters(formats)[lines[0]], ";;".join(lines))
    return with_suffix(Path(path), chosen, formats) if path else None


def ask_open_path(parent: QWidget, title: str, formats: Mapping[str, str]) -> Path | None:
    """Which file to read; None if the person thinks better of it."""
    patterns = " ".join(f"*{suffix if suffix.startswith('.') else '.' + suffix}" for suffix in formats)
    lines = [f"Tables ({patterns})", *name_filters(formats), "All files (*)"]
    path, _ = QFileDialog.getOpenFileName(parent, title, "", ";;".join(lines))
    return Path(path) if path else None
