"""The selection language of SAS (selectlib), evaluated on the rows of a table."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from programs import files
from programs.sas_parameters import SasError

MACROS = {"XMMEA_EM": 0x766BA000, "XMMEA_EP": 0xCFA0000, "XMMEA_SM": 0xFFFFFEFF}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>0x[0-9a-fA-F]+|b[01]+\b|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<macro>\#\w+)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<dotted>\.(?:and|or|not|eq|ne|lt|le|gt|ge)\.)|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/<>!&|()\[\]:,]))",
    re.IGNORECASE,
)
_DOTTED = {
    ".and.": "&&",
    ".or.": "||",
    ".not.": "!",
    ".eq.": "==",
    ".ne.": "!=",
    ".lt.": "<",
    ".le.": "<=",
    ".gt.": ">",
    ".ge.": ">=",
}
_GTI = re.compile(r"\bGTI\s*\(\s*(?P<file>[^,()\s]+)\s*,\s*(?P<column>\w+)\s*\)", re.IGNORECASE)
_FILE = re.compile(r"[A-Za-z0-9_./+~-]+(:[A-Za-z0-9_]+)?")


class Selection:
    """An expression; `mask(rows, flag)` says which rows it keeps, `gtis` are the lists of good time that it names."""

    def __init__(self, text: str) -> None:
        self.text, self.gtis = text, []
        self._files: list[list[tuple[float, float]]] = []
        self._tokens = self._cut(_GTI.sub(self._good_time, text))
        self._at = 0

    def _good_time(self, match: re.Match[str]) -> str:
        name = match["file"]
        if _FILE.fullmatch(name) is None:
            raise SasError("syntaxError", f"Syntax error in the selection expression near `{name}'")
        place, _, block = name.partition(":")
        if not os.path.isfile(place):
            raise SasError("couldNotOpenDataSet", f"Could not open the data set `{place}' (no such file)")
        try:
            hdus = files.read(place)
        except files.NotFits as error:
            raise SasError("couldNotOpenDataSet", str(error)) from None
        wanted = [hdu for hdu in hdus if hdu.number("START") and hdu.number("STOP") and (not block or hdu.name == block)]
        if not wanted:
            raise SasError("blockNotFound", f"No table with START and STOP in `{name}'")
        self._files.append(files.intervals(wanted[0]))
        self.gtis.append(self._files[-1])
        return f" gti_of_number({len(self._files) - 1}, {match['column']}) "

    def _cut(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise SasError("syntaxError", f"Syntax error in the selection expression near `{text[at : at + 20]}'")
            kind = str(match.lastgroup)
            value = match[kind]
            tokens.append(("sign", _DOTTED[value.lower()]) if kind == "dotted" else (kind, value))
            at = match.end()
        return tokens

    def mask(self, table: files.Hdu, rows: Any) -> Any:
        """Which rows are kept, shape (n,), bool."""
        np = files.numpy()
        self._names = {name.upper(): name for name in table.columns}
        self._rows, self._at = rows, 0
        value = self._either()
        if self._at < len(self._tokens):
            raise SasError("syntaxError", f"Syntax error in the selection expression near `{self._tokens[self._at][1]}'")
        value = np.asarray(value)
        if value.dtype != bool:
            raise SasError("syntaxError", f"The selection expression `{self.text}' is not a condition")
        return np.broadcast_to(value, (len(rows),)).copy()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, *wanted: str) -> str:
        kind, value = self._peek()
        if kind in ("sign", "word") and value.lower() in wanted:
            self._at += 1
            return value.lower()
        return ""

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise SasError(
                "syntaxError", f"Syntax error in the selection expression: `{sign}' expected, found `{self._peek()[1]}'"
            )

    def _either(self) -> Any:
        value = self._both()
        while self._take("||", "|"):
            value = value | self._both()
        return value

    def _both(self) -> Any:
        value = self._not()
        while self._take("&&"):
            value = value & self._not()
        return value

    def _not(self) -> Any:
        return ~files.numpy().asarray(self._not()) if self._take("!") else self._comparison()

    def _comparison(self) -> Any:
        value = self._sum()
        if self._take("in"):
            return self._membership(value)
        sign = self._take("==", "!=", "<=", ">=", "<", ">")
        if not sign:
            return value
        other = self._sum()
        compare: dict[str, Callable[[], Any]] = {
            "==": lambda: value == other,
            "!=": lambda: value != other,
            "<=": lambda: value <= other,
            ">=": lambda: value >= other,
            "<": lambda: value < other,
            ">": lambda: value > other,
        }
        return compare[sign]()

    def _sum(self) -> Any:
        value = self._primary()
        while sign := self._take("&", "+", "-", "*", "/"):
            other = self._primary()
            if sign == "&":
                value = files.numpy().asarray(value).astype("i8") & int(other)
            else:
                value = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b}[
                    sign
                ](value, other)
        return value

    def _primary(self) -> Any:
        kind, value = self._peek()
        self._at += 1
        if kind == "number":
            low = value.lower()
            return int(low, 16) if low.startswith("0x") else int(low[1:], 2) if low.startswith("b") else float(low)
        if kind == "sign" and value == "-":
            return -self._primary()
        if kind == "sign" and value == "(":
            values = self._list()
            return values[0] if len(values) == 1 else tuple(values)
        if kind == "macro":
            return self._macro(value[1:])
        if kind == "word":
            if self._take("("):
                return self._function(value.lower(), self._list())
            if value.lower() in ("true", "false"):
                return value.lower() == "true"
            return self._column(value)
        raise SasError("syntaxError", f"Syntax error in the selection expression near `{value}'")

    def _list(self) -> list[Any]:
        values = [self._either()]
        while self._take(","):
            values.append(self._either())
        self._need(")")
        return values

    def _column(self, name: str) -> Any:
        if name.upper() not in self._names:
            raise SasError("columnNotFound", f"Column `{name}' not found in the table")
        values = self._rows[self._names[name.upper()]]
        return values.astype(values.dtype.newbyteorder("="))

    def _macro(self, name: str) -> Any:
        if name in MACROS:
            mask = MACROS[name]
        elif re.fullmatch(r"XMMEA_\d+", name):
            return (self._column("FLAG").astype("i8") & (1 << int(name[6:]))) != 0
        else:
            raise SasError("syntaxError", f"Unknown macro `#{name}' in the selection expression")
        return (self._column("FLAG").astype("i8") & mask) == 0

    def _membership(self, value: Any) -> Any:
        np = files.numpy()
        if isinstance(value, tuple):  # (X,Y) in CIRCLE(x,y,r)
            kind, name = self._peek()
            self._at += 1
            self._need("(")
            if kind != "word":
                raise SasError("syntaxError", f"Syntax error in the selection expression near `{name}'")
            return self._function(name.lower(), [*self._list(), *value])
        kept = np.zeros(np.shape(value), bool)
        while True:
            opening = self._take("[", "(")
            if opening:
                low, high = self._bound(-np.inf), np.inf
                self._need(":")
                high = self._bound(np.inf)
                closing = self._take("]", ")")
                if not closing:
                    self._need("]")
                kept |= (value >= low if opening == "[" else value > low) & (value <= high if closing == "]" else value < high)
            else:
                kept |= value == self._primary()
            if not self._take(","):
                return kept

    def _bound(self, otherwise: float) -> float:
        kind, value = self._peek()
        return otherwise if kind == "sign" and value in (":", "]", ")") else float(self._primary())

    def _function(self, name: str, args: list[Any]) -> Any:
        np = files.numpy()
        if name == "gti_of_number":
            return files.inside(np.asarray(args[1]), self._files[int(args[0])])
        if name in ("circle", "annulus", "box", "ellipse"):
            x, y = args[-2] - args[0], args[-1] - args[1]
            if name == "circle" and len(args) == 5:
                return x**2 + y**2 <= args[2] ** 2
            if name == "annulus" and len(args) == 6:
                return (x**2 + y**2 >= args[2] ** 2) & (x**2 + y**2 <= args[3] ** 2)
            if name in ("box", "ellipse") and len(args) == 7:
                angle = np.radians(args[4])
                u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
                if name == "box":
                    return (abs(u) <= args[2]) & (abs(v) <= args[3])
                return (u / args[2]) ** 2 + (v / args[3]) ** 2 <= 1
        raise SasError("syntaxError", f"Unknown function or wrong number of arguments: `{name}' in the selection expression")
