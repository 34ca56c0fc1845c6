"""Which files of a folder are wanted: by name, by kind, by instrument."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from daxa_gui.core.errors import InputError, TransferError
from daxa_gui.core.mission import NAME_READERS, RawFile, RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve

_ESCAPED = re.compile(r"\\([^A-Za-z0-9])")
_SPECIAL = frozenset(".^$*+?{}[]()|\\")
# Numbers of a pattern that stand for themselves: an ObsID, a revolution. Not part of a class, a count or an escape.
_NUMBER = re.compile(r"(?<![\\\d\[{,-])\d{4,}(?![\d?*+{}\],-])")
_HEAD = re.compile(r"[A-Za-z]*\d{4,}")  # plain text at the beginning of a pattern
_COUNTS_GROUPS = re.compile(r"\\[1-9]|\(\?\(|\(\?P[<=]")
_MOST_COMPILED = 2000
_LONG_OBS_ID = 8
_MOST_READ = 20_000
_ends: dict[str, dict[str, bool]] = {}
_compiled: dict[str, re.Pattern[str]] = {}
_read: dict[tuple[Callable[[str], RawFile | None], int], dict[str, RawFile | None]] = {}


def wanted_kinds(kinds: Sequence[str]) -> frozenset[str]:
    """Event lists are what a selection means that does not say which kinds of files it wants. Raises like `known_kinds`."""
    return frozenset(known_kinds(kinds)) or frozenset({str(ProductKind.EVENTS)})


def known_kinds(kinds: Sequence[str]) -> list[str]:
    """The kinds as texts; raises InputError for one that there is not (they come from people and from archives)."""
    names = [str(kind) for kind in ProductKind]
    for kind in kinds:
        if kind not in names:
            raise InputError(f"There is no kind of files « {kind} ».", f"Known ones: {', '.join(names)}.")
    return [str(kind) for kind in kinds]


def literal_name(pattern: str) -> str:
    """The one name that a regular expression without any choice matches ("oif\\.fits" → "oif.fits"); empty if it has choices."""
    name = _ESCAPED.sub(lambda match: "\0" + match[1], pattern) if "\\" in pattern else pattern
    plain = re.sub("\0.", "", name)
    return "" if any(character in _SPECIAL for character in plain) else name.replace("\0", "")


def name_matcher(pattern: str) -> Callable[[str], bool]:
    """A function that says whether a whole name matches a regular expression.

    Compiling one takes some hundred times as long as using it, and each observation brings its own, with its ObsID in it. Most
    begin with it (« P0099990101(?:M1|M2).* »): then what stands behind is the same expression for all observations, and what it
    says of the ends of names is remembered. In others the numbers are replaced by « some number of that length », which gives
    few different expressions too; a name that one of them takes is looked at again for the numbers, and a name that it does not
    take, the original does not take either.

    Raises
    ------
    TransferError : it is no regular expression.
    """
    if (head := _HEAD.match(pattern)) is not None and _is_one_alternative(rest := pattern[head.end() :]):
        return _matcher_behind(head[0], rest, pattern)
    numbers: list[str] = []

    def group(match: re.Match[str]) -> str:
        before = match.start()
        if pattern.rfind("[", 0, before) > pattern.rfind("]", 0, before):
            return match[0]  # inside a class of characters
        numbers.append(match[0])
        return f"(?P<n{len(numbers)}_>[0-9]{{{len(match[0])}}})"

    template = pattern if _COUNTS_GROUPS.search(pattern) else _NUMBER.sub(group, pattern)
    general = _compile(template, pattern)
    if not numbers:
        return lambda name: general.fullmatch(name) is not None
    names = [f"n{number}_" for number in range(1, len(numbers) + 1)]

    def matches(name: str) -> bool:
        match = general.fullmatch(name)
        if match is None:
            return False
        if all(match[key] in (number, None) for key, number in zip(names, numbers, strict=True)):
            return True
        return re.fullmatch(pattern, name) is not None

    return matches


def _matcher_behind(head: str, rest: str, pattern: str) -> Callable[[str], bool]:
    """Whether a name is the plain text `head` and something that `rest` matches."""
    behind, n_head = _compile(rest, pattern), len(head)
    known = _ends.setdefault(rest, {})

    def matches(name: str) -> bool:
        if not name.startswith(head):
            return False
        end = name[n_head:]
        answer = known.get(end)
        if answer is None:
            if len(known) >= _MOST_READ:
                known.clear()
            answer = known[end] = behind.fullmatch(end) is not None
        return answer

    return matches


@lru_cache(maxsize=_MOST_COMPILED)
def _is_one_alternative(rest: str) -> bool:
    """Whether a regular expression has no | outside of its groups, looks at nothing before itself, and begins with no count."""
    if rest[:1] in ("?", "*", "+", "{") or "(?<" in rest or "\\b" in rest or "\\B" in rest or "\\A" in rest or "^" in rest:
        return False
    depth, in_class, position = 0, False, 0
    while position < len(rest):
        character = rest[position]
        if character == "\\":
            position += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            return False
        position += 1
    return depth == 0


def _compile(template: str, pattern: str) -> re.Pattern[str]:
    found = _compiled.get(template)
    if found is None:
        if len(_compiled) >= _MOST_COMPILED:
            _compiled.clear()
        try:
            found = _compiled[template] = re.compile(template)
        except (re.error, RecursionError, OverflowError) as error:
            raise TransferError(f"« {pattern} » does not say which files are wanted ({error}).", retryable=False) from None
    return found


@dataclass(frozen=True)
class Wish:
    """What is wanted of one observation. `raw_folder` is absolute; `raw_file` the mission's reader of file names (or empty)."""

    mission: str
    obs_id: str
    raw_folder: str
    raw_file: str
    kinds: frozenset[str]
    without_instruments: frozenset[str] = frozenset()

    def name_reader(self) -> Callable[[str], RawFile | None]:
        """What the mission reads from a file's name; None for one that says nothing.

        The ObsID in a name says nothing about the file, so what was read once holds for the files of that name of all other
        observations: reading takes ten times as long as remembering.
        """
        if not self.raw_file:
            return lambda name: None
        reader: Callable[[str], RawFile | None] = resolve(self.raw_file, NAME_READERS)
        obs_id = self.obs_id
        if len(obs_id) < _LONG_OBS_ID:  # could be part of something else in the name
            return reader
        read = _read.setdefault((reader, len(obs_id)), {})

        def read_name(name: str) -> RawFile | None:
            without = name.replace(obs_id, "*")
            if without is name or without == name:
                return reader(name)
            if without not in read:
                if len(read) >= _MOST_READ:
                    read.clear()
                read[without] = reader(name)
            return read[without]

        return read_name

    def wants_folder(self, folder: RemoteFolder) -> bool:
        """Whether a folder may hold a wanted kind of file."""
        return not self.kinds.isdisjoint(folder.all_kinds)

    def wants(self, folder: RemoteFolder, raw: RawFile | None) -> bool:
        """Whether a file of `folder` that says `raw` about itself is of a wanted kind, and of an instrument that was chosen.

        A file belongs to all instruments if it names none or one that the mission does not have, and to each of several that
        are joined by « _ ».
        """
        if (folder.kind if raw is None else raw.kind) not in self.kinds:
            return False
        if raw is None or not raw.instrument or not self.without_instruments:
            return True
        return not self.without_instruments.issuperset(raw.instrument.split("_"))
