"""Region files of DS9, CIAO and SAS read as regions on the sky, shape by shape and line by line, so that nothing gets lost.

Sky regions are turned to ICRS, pixel regions are converted with an image or event list, and shapes that nobody here understands
are kept word for word. Sources of the formats: DS9 reference manual, « Region file format »; CIAO, « ahelp dmregions »; SAS,
selection language (`(X,Y) IN circle(…)`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.exchange.region_numbers import FRAMES, is_sexagesimal, is_system
from daxa_gui.exchange.region_pixels import PixelSystem
from daxa_gui.exchange.region_shapes import Given, in_pixels, on_sky
from daxa_gui.exchange.region_values import Region, RegionFile, Verbatim

__all__ = ["LARGEST_BYTES", "MOST_SHAPES", "parse_regions", "read_region_file"]

LARGEST_BYTES = 50_000_000
MOST_SHAPES = 100_000
KEPT = "verbatim"  # how a line is marked that would stop other programs: « # verbatim image; blob(1,2) »
# What DS9 draws and what has no area or no meaning elsewhere; some of it stands behind « # » in DS9's own files.
DS9_SHAPES = (
    "vector", "ruler", "compass", "projection", "panda", "epanda", "bpanda", "cpanda", "segment", "pie", "sector", "field",
    "pixel", "diamond", "rhombus",
)  # fmt: skip
_UNDERSTOOD = {"circle", "annulus", "ellipse", "box", "polygon", "point", "line", "text", "rotbox", "rectangle", "rotrectangle"}
_SHAPE = re.compile(r"\s*([-+!&*|]*)\s*([A-Za-z]\w*)\s*\(([^()]*)\)\s*", re.ASCII)
_BARE = re.compile(r"\s*([-+!]?)\s*([A-Za-z]\w*)\s+([-+.\d][^()]*)$", re.ASCII)
_SAS = re.compile(r"([!&|\s(]*)\(\s*X\s*,\s*Y\s*\)\s*IN\s+([A-Za-z]\w*)\s*\(([^()]*)\)[\s)]*", re.IGNORECASE)
_COMMENT_SHAPE = re.compile(r"#\s*(\w+)\s*\(([^()]*)\)(.*)$", re.ASCII)
_PROPERTY = re.compile(r"\s*([A-Za-z]\w*)\s*(=)?\s*", re.ASCII)
_SEVERAL_WORDS = ("dashlist", "line", "point", "ruler", "compass")  # properties whose value may have blanks
_CLOSING = {"{": "}", '"': '"', "'": "'"}
Properties = tuple[tuple[str, str], ...]


def read_region_file(path: str | Path, pixels: PixelSystem | None = None) -> RegionFile:
    """All regions of a file in ICRS, in its order.

    Parameters
    ----------
    pixels : where the pixels of the image (or event list) lie to which the file belongs; needed for pixel regions only.

    Raises
    ------
    FileError : the file cannot be read, or a shape in it (the message names its line) is malformed, or is in pixels and
        `pixels` is None or cannot tell where they are.
    """
    file = Path(path)
    try:
        if (n_bytes := file.stat().st_size) > LARGEST_BYTES:
            raise FileError(f"{file.name} is too large for a region file ({n_bytes / 1e6:.0f} MB).")
        content = file.read_bytes()
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror or error}.") from error
    if b"\0" in content:
        raise FileError(f"{file.name} is no text file.", "It should be a region file of SAOImage DS9.")
    return parse_regions(content.decode("utf-8", "replace"), file.name, pixels)


def parse_regions(text: str, name: str = "the regions", pixels: PixelSystem | None = None) -> RegionFile:
    """The same for the text of a region file; `name` is what messages call it."""
    reader = _Reader(pixels)
    for number, line in enumerate(text.replace("\ufeff", "").splitlines(), 1):
        try:
            reader.line(number, line.strip())
            if len(reader.regions) + len(reader.verbatim) > MOST_SHAPES:
                raise InputError(f"there are more than {MOST_SHAPES} shapes.")
        except InputError as error:
            raise FileError(f"{name}, line {number}: {error.message}", error.hint) from error
    return RegionFile(tuple(reader.regions), tuple(reader.verbatim), reader.n_converted, tuple(reader.groups))


@dataclass
class _Reader:
    """What is in force while the lines of a file are read."""

    pixels: PixelSystem | None
    system: str = ""
    globals: dict[str, str] = field(default_factory=dict)
    regions: list[Region] = field(default_factory=list)
    verbatim: list[Verbatim] = field(default_factory=list)
    groups: list[Region] = field(default_factory=list)
    n_converted: int = 0
    number: int = 0
    in_group: bool = False

    def line(self, number: int, line: str) -> None:
        self.number = number
        if not line:
            return
        if line.startswith("#"):
            self._comment(line)
            return
        if re.match(r"global\b", line, re.IGNORECASE):
            self.globals.update(_properties(line[6:]))
            return
        statement, _, behind = line.partition("#")
        properties = _properties(behind)
        for part in statement.split(";"):
            cleaned = part.strip()
            if is_system(cleaned.lower()):
                self.system = cleaned.lower()
            elif cleaned:
                self._shapes(cleaned, properties)

    def _comment(self, line: str) -> None:
        """DS9 writes texts, vectors, rulers and groups as comments, so that other programs pass over them; so do we."""
        if re.match(rf"#\s*{KEPT}\s", line):
            system, _, text = line.partition(KEPT)[2].strip().partition("; ")
            if text.strip():
                self._keep(text, "it was kept by this program before", system.strip(";"))
            return
        match = _COMMENT_SHAPE.match(line)
        word = match[1].lower() if match else ""
        if match is None or word not in ("text", "composite", *DS9_SHAPES):
            return
        if word in DS9_SHAPES:
            self._keep(line, f"the shape « {word} » has no area")
            return
        properties = _properties(match[3].replace("||", " "))
        if word == "text":
            self._add(word, match[2], True, properties, joined=match[3].strip().startswith("||"))
            return
        made = self._made(Given(word, match[2]), include=True, properties=tuple(p for p in properties if p[0] != "composite"))
        self.groups.append(Region("composite", made.points, (), made.angle_deg, True, made.properties, len(self.groups) + 1))
        self.in_group = True

    def _shapes(self, text: str, properties: Properties) -> None:
        """One statement: a shape, or several of CIAO's (« circle(…)-box(…) »), or one of SAS's selections."""
        joined = text.endswith("||")
        text = text.rstrip("|").strip()
        if not text:
            return
        if (sas := _sas_shapes(text)) is not None:
            for sign, word, inside in sas:
                self._shape(word, inside, sign, properties, joined, text)
            return
        found = list(_split(text))
        if not found:
            self._malformed(text)
        elif any(set(sign) & set("&*|") for sign, _, _ in found):
            self._keep(text, "it is a combination of shapes")
        else:
            for sign, word, inside in found:
                whole = text if len(found) == 1 else f"{sign}{word}({inside})"
                self._shape(word, inside, sign, properties, joined, whole)

    def _malformed(self, text: str) -> None:
        word = re.match(r"[-+!]?\s*([A-Za-z]\w*)", text)
        if word and word[1].lower() in _UNDERSTOOD:
            raise InputError(f"a bracket or the numbers of the shape « {word[1]} » are missing.")
        self._keep(text, "it is no shape that is known here")

    def _shape(self, word: str, inside: str, sign: str, properties: Properties, joined: bool, whole: str) -> None:
        if word.lower() not in _UNDERSTOOD:
            known = word.lower() in DS9_SHAPES
            self._keep(whole, f"the shape « {word} » " + ("has no meaning here" if known else "is not known"))
            return
        self._add(word.lower(), inside, "-" not in sign and "!" not in sign, properties, joined=joined, whole=whole)

    def _add(
        self, word: str, inside: str, include: bool, properties: Properties, *, joined: bool, whole: str = ""
    ) -> None:  # fmt: skip
        given = Given(word, inside)
        if given.is_empty:
            self._keep(whole or f"{word}({inside})", "it has no extent")
            return
        if not (self.system in FRAMES or self.system in ("image", "physical", "")):
            self._keep(whole or f"{word}({inside})", f"its coordinates « {self.system} » are known to one image only")
            return
        made = self._made(given, include, properties)
        self.regions.append(Region(**{**vars(made), "composite": len(self.groups) if self.in_group else 0}))
        self.in_group = self.in_group and joined  # the last shape of a group is not followed by « || »

    def _made(self, given: Given, include: bool, properties: Properties) -> Region:
        own = dict.fromkeys(key for key, _ in properties)
        merged = tuple((k, v) for k, v in self.globals.items() if k not in own) + properties
        said = dict(merged).get("include", "1")
        kept = tuple(pair for pair in merged if pair[0] != "include")
        system = self.system or ("icrs" if given.is_angular or any(map(is_sexagesimal, given.parts[:2])) else "physical")
        if system in FRAMES:
            return on_sky(given, FRAMES[system], include and said != "0", kept)
        if self.pixels is None:
            raise InputError(
                f"the shape « {given.name} » is in {system} coordinates, pixels of one image, not of the sky.",
                "Name the image or event list to which they belong, or save the regions in icrs or fk5.",
            )
        self.n_converted += 1
        return in_pixels(given, self.pixels, system, include and said != "0", kept)

    def _keep(self, text: str, reason: str, system: str | None = None) -> None:
        kept = self.system if system is None else system
        self.verbatim.append(Verbatim(text, kept, reason, self.number, len(self.regions)))


def _split(text: str) -> Iterator[tuple[str, str, str]]:
    """(sign, name, what is in the brackets) of each shape of a statement; nothing if it is not made of shapes only."""
    if (bare := _BARE.match(text)) is not None:
        yield bare[1], bare[2], bare[3]
        return
    found, position = [], 0
    while position < len(text):
        match = _SHAPE.match(text, position)
        if match is None:
            return
        found.append((match[1], match[2], match[3]))
        position = match.end()
    yield from found


def _sas_shapes(text: str) -> list[tuple[str, str, str]] | None:
    """Shapes of a selection of SAS on sky pixels; None if it is none, or none whose parts are simply joined by « or »."""
    found, position = [], 0
    while position < len(text):
        match = _SAS.match(text, position)
        if match is None or "&" in match[1]:
            return None
        found.append(("-" if "!" in match[1] else "", match[2], match[3]))
        position = match.end()
    return found or None


def _properties(text: str) -> Properties:
    """DS9's properties « color=red font="helvetica 10" tag={a} background »; values keep their quotes and braces."""
    found, position = [], 0
    while (match := _PROPERTY.match(text, position)) is not None:
        key, position = match[1], match.end()
        value = ""
        if match[2]:
            value, position = _value(key.lower(), text, position)
        found.append((key, value))
        rest = re.compile(r"[^A-Za-z]*").match(text, position)
        position = rest.end() if rest else position
    return tuple(found)


def _value(key: str, text: str, position: int) -> tuple[str, int]:
    closing = _CLOSING.get(text[position : position + 1])
    if closing is not None and (end := text.find(closing, position + 1)) > 0:
        return text[position : end + 1], end + 1
    pattern = r".*?(?=\s+[A-Za-z]\w*\s*=|\s*$)" if key in _SEVERAL_WORDS else r"\S*"
    match = re.compile(pattern).match(text, position)
    assert match is not None  # both patterns match nothing, too
    return match[0].strip(), match.end()
