"""Parameters as the command line gives them."""

import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.reduction.parameters import parse_parameters


def test_that_texts_become_values_by_step_and_name():
    values = parse_parameters(["flares.n_sigma=2.5", "image.band_kev=0.5-2.0", "flares.bin_s="])
    assert values == {"flares": {"n_sigma": 2.5, "bin_s": None}, "image": {"band_kev": [0.5, 2.0]}}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("n_sigma=2", "form"),
        ("unknown.n_sigma=2", "no step"),
        ("flares.sigma=2", "no parameter"),
        ("flares.n_sigma=many", "number"),
        ("flares.n_sigma=-3", "at least"),
        ("image.band_kev=2-1", "below"),
        ("image.band_kev=2", "two numbers"),
    ],
)
def test_that_what_does_not_fit_is_refused_with_a_sentence(text, word):
    with pytest.raises(InputError, match=word):
        parse_parameters([text])
