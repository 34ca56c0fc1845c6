"""What the command line prints: always one valid JSON document, and tables that nothing in them can break."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.cli_output import begin_output, is_half_written, plain, print_document, print_table


def test_that_numbers_json_does_not_know_are_null_at_any_depth(capsys):
    print_document({"a": [math.nan, 1.5, {"b": np.float32("inf")}], "c": np.array([1.0, np.nan]), "d": (0.0, math.inf)})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5, {"b": None}], "c": [1.0, None], "d": [0.0, None]}


def test_that_values_keep_their_types():
    assert plain({1: [True, None, 2, np.int64(3), Path("x")]}) == {"1": [True, None, 2, 3, "x"]}


def test_that_file_names_that_are_no_text_can_be_printed():
    text = plain(b"caf\xe9.fits".decode("utf-8", "surrogateescape"))
    assert json.loads(json.dumps(text).encode()) == text and text.endswith(".fits")


def test_that_names_cannot_steer_the_terminal(capsys):
    print_table(("NAME", "N"), [("a\x1b[2Jb\nc", 1), ("plain", 22)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and "\x1b" not in "".join(lines)
    assert lines[1].endswith(" 1") and lines[2].endswith("22")


def test_that_no_second_document_follows_one_that_was_cut(capsys):
    def entries():
        yield {"n": 1}
        raise KeyboardInterrupt

    begin_output()
    with pytest.raises(KeyboardInterrupt):
        print_document({"entries": entries()})
    assert is_half_written()
    begin_output()
    print_document({"n": 2})
    assert not is_half_written()
