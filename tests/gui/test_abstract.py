"""Classes of Qt that lack a method of their base are refused when they are made."""

from __future__ import annotations

from abc import abstractmethod

import pytest
from PySide6.QtWidgets import QWidget

from daxa_gui.core.filters import Filter, Public
from daxa_gui.gui.abstract import require_methods
from daxa_gui.gui.widgets.archive_panel import ArchivePanel
from daxa_gui.gui.widgets.base_editor import FilterEditor


def test_that_an_editor_without_one_of_its_methods_is_refused_when_its_class_is_made():
    with pytest.raises(TypeError, match=r"Half must define set_filter$"):

        class Half(FilterEditor):
            def filter(self) -> Filter:
                return Public()


def test_that_a_panel_of_the_archive_says_all_that_it_lacks():
    with pytest.raises(TypeError, match=r"Empty must define _clear, _question, _show, _update$"):

        class Empty(ArchivePanel):
            pass


def test_that_a_class_that_has_everything_can_be_made_and_its_heirs_too(qtbot):
    class Base(QWidget):
        def __init_subclass__(cls) -> None:
            require_methods(cls)

        @abstractmethod
        def colour(self) -> str: ...

    class Red(Base):
        def colour(self) -> str:
            return "red"

    class Crimson(Red):
        pass

    one = Crimson()
    qtbot.addWidget(one)
    assert one.colour() == "red"
