"""The form made from declarations."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit

from daxa_gui.core.errors import InputError
from daxa_gui.core.settings import Settings
from daxa_gui.core.step import Parameter
from daxa_gui.gui.widgets.form import Form, FormField, fields_of_dataclass, fields_of_parameters
from daxa_gui.gui.widgets.form_fields import read_entry, written

PARAMETERS = (
    Parameter("bin_s", "Bin size", 60.0, "s", "Width of a bin of the light curve.", minimum=1.0, maximum=5000.0),
    Parameter("rounds", "Rounds", 5, minimum=1),
    Parameter("band_kev", "Energy band", None, "keV", kind="range"),
    Parameter("method", "Method", "histogram", choices=("histogram", "fixed")),
    Parameter("keep", "Keep singles", True),
    Parameter("note", "Note", ""),
)


@pytest.fixture
def form(qtbot):
    form = Form(fields_of_parameters(PARAMETERS), show_help=True)
    qtbot.addWidget(form)
    form.show()
    return form


def test_that_an_untouched_form_gives_the_defaults(form):
    assert form.values() == {
        "bin_s": 60.0, "rounds": 5, "band_kev": None, "method": "histogram", "keep": True, "note": "",
    }  # fmt: skip
    assert form.changed_values() == {}


def test_that_what_is_typed_arrives_as_values(form, qtbot):
    entry = form.entry("band_kev")
    assert isinstance(entry, QLineEdit)
    qtbot.keyClicks(entry, "2.5 - 8.5")
    check = form.entry("keep")
    assert isinstance(check, QCheckBox)
    qtbot.keyClick(check, Qt.Key.Key_Space)
    combo = form.entry("method")
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(1)
    assert form.changed_values() == {"band_kev": (2.5, 8.5), "keep": False, "method": "fixed"}


def test_that_a_wrong_entry_is_explained_and_announced(form, qtbot):
    entry = form.entry("bin_s")
    assert isinstance(entry, QLineEdit)
    with qtbot.waitSignal(form.validity_changed) as signal:
        entry.setText("0")
    assert signal.args == [False]
    assert form.problems() == {"bin_s": "« Bin size » is at least 1 s."}
    with pytest.raises(InputError, match="at least 1 s"):
        form.values()
    form.reset()
    assert form.is_valid()


def test_that_every_entry_has_a_name_a_tip_and_a_label(form):
    for parameter in PARAMETERS:
        widget = form.entry(parameter.name)
        assert widget.objectName() and widget.toolTip() and widget.accessibleName()
    assert form.entry("bin_s").accessibleName() == "Bin size, s"
    assert "at least 1 and at most 5000 s" in form.entry("bin_s").toolTip()


def test_that_setting_several_values_is_announced_once(form, qtbot):
    seen = []
    form.changed.connect(lambda: seen.append(form.values()))
    form.set_values({"bin_s": 10.0, "rounds": 2})
    assert len(seen) == 1
    assert seen[0]["bin_s"] == 10.0


@pytest.mark.parametrize("text", ["abc", "nan", "inf", "1e400", "1,5", ""])
def test_that_no_number_is_not_taken_for_one(text):
    with pytest.raises(InputError, match="Bin"):
        read_entry(FormField("bin", "Bin", 1.0, "number"), text)


@pytest.mark.parametrize("text", ["1", "2 1", "1 - x", "1 1"])
def test_that_a_range_needs_two_growing_numbers(text):
    with pytest.raises(InputError, match="Band"):
        read_entry(FormField("band", "Band", (0.5, 2.0), "range"), text)


def test_that_a_value_that_was_written_is_read_back():
    for item, value in (
        (FormField("a", "A", 0.1, "number"), 0.123456789),
        (FormField("a", "A", 1, "integer"), -12),
        (FormField("a", "A", (0.5, 2.0), "range"), (0.3, 10.0)),
        (FormField("a", "A", None, "number", empty="none"), None),
    ):
        assert read_entry(item, written(item, value)) == value


def test_that_dataclass_fields_with_labels_become_a_form(qtbot):
    @dataclass(frozen=True)
    class Options:
        sigma: float = field(default=3.0, metadata={"label": "Limit", "unit": "σ", "minimum": 1.0})
        hidden: int = 0

    form = Form(fields_of_dataclass(Options), {"sigma": 2.5})
    qtbot.addWidget(form)
    assert form.values() == {"sigma": 2.5}
    settings_form = Form(fields_of_dataclass(Settings, ("theme", "cores")))
    qtbot.addWidget(settings_form)
    assert settings_form.values() == {"theme": "system", "cores": 0}
