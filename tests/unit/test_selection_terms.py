"""Terms of SAS's selection language: what only speaks about events is let through, what could name a file is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import InputError
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.parameters import parse_parameters
from daxa_gui.reduction.recipe import WorkUnit
from daxa_gui.reduction.selection_terms import by_itself, check_term
from daxa_gui.reduction.xmm_recipes import selection

GOOD = (
    "#XMMEA_EP", "#XMMEA_11", "(PATTERN <= 4)", "(FLAG .eq. 0)", "(FLAG & 0x766ba000) == 0", "FLAG.EQ.0", "PI in [500:2000]",
    "PI in [500:]", "PI in (:500]", "(PI in [500:2000))", "CCDNR in 1,3,[5:7]", "(X,Y) in CIRCLE(26014.5,23000,1.2e3)",
    "CIRCLE(1,2,3,DETX,DETY)", "((X,Y) IN box( 1 , 2 , 3 , 4 , -30.5 ))", "!(X > 1)", ".not.(X>1)", "-PI < -5",
    "PI > 1 || PATTERN == 0", "sqrt(RAWX**2 + RAWY**2) > .5", "!ISNULL(PI)", "(PI/1000.0 > 0.2)",
    # as SAS's own tasks write them
    "(PATTERN<=12)&&(PI in [2500:8500])&&((FLAG & 0x766aa000)==0)"
    "&&!(CIRCLE(100,-200,17700,DETX,DETY)|BOX(5880,-20500,7500,1500,10,DETX,DETY)|BOX(80,18600,150,1300,0,DETX,DETY))",
    "FLAG & b110 == 0", "5.eq.PI", "PI>200.and.PI<2000", "RAWX in [30:45],[50:]", "TIME > 1.D8",
)  # fmt: skip
READING = (
    "region(/etc/passwd,X,Y)", "REGION(secret.reg,X,Y)", "GTI(/data/gti.fits,TIME)", "gti (x,TIME)", "MASK(image,1,1,X,Y)",
    "(X,Y) in region", "TIME in gti", "PI > 1 && region(x,X,Y)", "!gti(a,TIME)", "table(x)", "(X,Y) in other(a)",
)  # fmt: skip
BROKEN = (
    "", " ", "PI > 0) || (1 == 1", "a)", "(a", "(PI in [1:2]", "a ||", "&& a", "!", "a b", "1 2", "a in", "PI in", "a:b",
    "(a)(b)", "a[1]",
)  # fmt: skip
STRANGE = (
    "@list.txt", "a;b", "'x'", '"x"', "`id`", "$(id)", "${HOME}", "{work}/x", "/etc/passwd", "~/x", "../x", "x.fits",
    "x.fits:EVENTS",
    "a\\b", "a?b", "a\tb", "a\nb", "\u202eIP", "ＲEGION(x)", "PI > ٣", "a\0", "-", "--help", "a ! b", "a == == b", "a, ,b", "(,)",
)  # fmt: skip


@pytest.mark.parametrize("term", GOOD)
def test_that_terms_about_events_are_let_through(term: str) -> None:
    check_term(term)


@pytest.mark.parametrize("term", [*READING, *BROKEN, *STRANGE])
def test_that_a_term_that_names_files_or_is_not_whole_is_refused_with_a_sentence(term: str) -> None:
    with pytest.raises(InputError) as refused:
        check_term(term)
    assert refused.value.message.endswith(".") and refused.value.hint
    if term in READING[:5]:
        assert "reads a file" in refused.value.message


PARTS = ("region", "gti", "(", ")", "[", "]", ",", ":", "a", "1", "/", ".", "in", " ", "&&", "||", "!", "-", "x.f")


@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_that_whatever_is_let_through_calls_nothing_that_reads_and_closes_what_it_opens(parts: list[str]) -> None:
    term = "".join(parts)
    try:
        check_term(term)
    except InputError:
        return
    plain = term.replace(" ", "")
    assert "region(" not in plain and "gti(" not in plain and "x.f" not in plain and not plain.startswith(("/", "."))
    depth = 0
    for character in term:
        depth += (character in "([") - (character in ")]")
        assert depth >= 0
    assert depth == 0


def test_that_terms_with_an_or_cannot_reach_beyond_their_own() -> None:
    unit = WorkUnit("xmm_pointed", "0999900901", "M1", "S001", "/raw", "/a/0999900901")
    terms = ["#XMMEA_EM", "PI > 1 || PATTERN == 0", "CCDNR in 1,3", "(a .or. b)", "a.OR.b", "a|b", "(a|b) ^ c", "(a|b)"]
    assert selection(unit, {"mos_filt_expr": terms, "energies_kev": None}) == (
        "#XMMEA_EM && (PI > 1 || PATTERN == 0) && (CCDNR in 1,3) && (a .or. b) && (a.OR.b) &&"
        " (a|b) && ((a|b) ^ c) && (a|b) && GTI(gti.fits, TIME)"
    )
    for name in ("pn_filt_expr", "mos_filt_expr"):
        [parameter] = [one for one in STEPS["cleaned_evt_lists"].parameters if one.name == name]
        assert [by_itself(term) for term in parameter.default] == list(parameter.default)


def test_that_the_command_line_parts_terms_at_and_outside_of_brackets_only() -> None:
    typed = "cleaned_evt_lists.pn_filt_expr=(PI > 1 && PI < 9) && PATTERN == 0&&#XMMEA_EP && "
    assert parse_parameters([typed])["cleaned_evt_lists"]["pn_filt_expr"] == ["(PI > 1 && PI < 9)", "PATTERN == 0", "#XMMEA_EP"]
    with pytest.raises(InputError, match="reads a file"):
        parse_parameters(["cleaned_evt_lists.pn_filt_expr=(PI > 1) && GTI(/x/y.fits, TIME)"])
