"""Which terms of SAS's selection language (evselect's `expression`) are let through.

A task with a term in it may come from a stranger's archive, and the language can read files: `REGION(file, X, Y)`,
`GTI(file, TIME)`, `MASK(image, …)`. So a term may have columns, keywords (`#XMMEA_EM`), numbers, intervals, comparisons, logic,
shapes and mathematical functions, and nothing else; and it is whole by itself, so that it cannot change what stands beside it.

Source of the language: the documentation of SAS's selectlib (docs/steps-xmm.md names what is taken).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from daxa_gui.core.errors import InputError

_SHAPES = (
    "annulus", "box", "boxannulus", "circle", "elliptannulus", "ellipse", "line", "pie", "point", "polygon", "rectangle",
    "sector",
)  # fmt: skip
_MATHEMATICAL = (
    "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "exp", "floor", "int", "isnull", "log", "log10", "max", "min",
    "mod", "nint", "sin", "sinh", "sqrt", "tan", "tanh",
)  # fmt: skip
FUNCTIONS = frozenset((*_SHAPES, *_MATHEMATICAL))
_READS_FILES = re.compile(r"\b(?:gti|region|mask)\s*\(", re.IGNORECASE)  # none of FUNCTIONS: for a better sentence
_TOKEN = re.compile(
    r"""(?P<word>\#?[a-z_][a-z0-9_]*)
    | (?P<number>0x[0-9a-f]+ | (?:\d+(?:\.(?![a-z]{2,4}\.)\d*)? | \.\d+)(?:[ed][+-]?\d+)?)
    | (?P<open>[(\[]) | (?P<close>[)\]]) | (?P<comma>,) | (?P<colon>:)
    | (?P<before>!(?!=) | \.not\.)
    | (?P<either>[+-])
    | (?P<or>\|\|? | \^ | \.(?:or|xor)\.)
    | (?P<between>&& | \*\* | [=!<>]= | [<>&*/%] | \.(?:eq|ne|lt|le|gt|ge|and)\.)""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_EXAMPLE = "Write terms such as (PATTERN <= 4), (PI in [500:2000]) or ((X,Y) in CIRCLE(26000,23000,1200))."
_OWN_FILES = "The good time is chosen by the step itself; shapes are written out, as CIRCLE(x,y,radius)."


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def check_term(text: str) -> None:
    """Raises InputError, with what is wrong and what to write instead, for a term that is not let through."""
    if reads := _READS_FILES.search(text):
        name = reads[0].rstrip(" (").upper()
        raise InputError(f"« {name} » reads a file, which a term of the selection may not.", _OWN_FILES)
    _walk(_tokens(text), text)


def by_itself(term: str) -> str:
    """The term as it can stand beside others that must hold too: in parentheses if it has an « or » (SAS's own tasks also write
    « | » between shapes) or a list outside of any."""
    depth = 0
    for token in _tokens(term):
        depth += (token.kind == "open") - (token.kind == "close")
        if depth == 0 and token.kind in ("or", "comma"):
            return f"({term})"
    return term


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise InputError(f"« {_short(text[at : at + 20])} » cannot stand in a term of the selection.", _EXAMPLE)
        tokens.append(_Token(match.lastgroup, match[0].casefold()))
        at = match.end()
    if not tokens:
        raise InputError("A term of the selection is empty.", "Write an expression of SAS, such as (PATTERN <= 4), or remove it.")
    return tokens


def _walk(tokens: list[_Token], text: str) -> None:
    """Operands and operators alternate, brackets are closed, and only known functions are called."""
    depth, wants_operand, before = 0, True, _Token("", "")
    for token, after in zip(tokens, [*tokens[1:], _Token("", "")], strict=True):
        fits = wants_operand
        match token.kind:
            case "word" if token.text == "in":
                fits, wants_operand = not wants_operand, True
            case "word":
                is_call = after.text == "("
                if is_call:
                    _check_function(token.text)
                elif before.text == "in":
                    raise InputError(f"« in » is followed by « {token.text} », which is no shape and no number.", _EXAMPLE)
                wants_operand = is_call
            case "number":
                wants_operand = False
            case "open":
                depth += 1
            case "close":
                fits = depth > 0 and (not wants_operand or before.kind == "colon")  # [500:]
                depth, wants_operand = depth - 1, False
            case "colon":
                fits = depth > 0 and (not wants_operand or before.kind == "open")  # [:500]
                wants_operand = True
            case "between" | "or" | "comma":
                fits, wants_operand = not wants_operand, True
            case "either":  # one sign, or plus and minus
                fits, wants_operand = before.kind != "either", True
            case _:  # « not »: an operand is still to come
                pass
        if not fits:
            raise InputError(f"« {token.text} » stands where it makes no sense in the term « {_short(text)} ».", _EXAMPLE)
        before = token
    if depth or wants_operand:
        missing = "a bracket is open" if depth else "its end is missing"
        raise InputError(f"The term « {_short(text)} » is not whole: {missing}.", _EXAMPLE)


def _check_function(name: str) -> None:
    if name not in FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS))
        raise InputError(f"« {name} » is no function that a term of the selection may call.", f"Known: {known}.")


def _short(text: str) -> str:
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= 80 else f"{text[:80]} …"
