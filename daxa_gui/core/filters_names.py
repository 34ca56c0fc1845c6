"""Filters by name: ObsIDs, eROSITA's fields, observations ticked by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_base import Filter, Members
from daxa_gui.core.filter_words import MANY, listed
from daxa_gui.core.filters_rows import text_where

__all__ = ["MISPRINTS", "Field", "ObsIds", "Picked", "check_obs_ids", "parse_obs_ids"]

# The release's web site prints one ObsID of Puppis A wrongly: there is no 700195, and these two are meant.
MISPRINTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"erosita_calpv": {"700195": ("700199", "700200")}}


def parse_obs_ids(text: str) -> tuple[str, ...]:
    """ObsIDs out of pasted text with any separators, upper case, each once. Words without a digit are no ObsIDs and are ignored.

    Raises
    ------
    InputError : there is none.
    """
    words = re.findall(r"[A-Za-z0-9]+", text)
    found = tuple(dict.fromkeys(word.upper() for word in words if any(character.isdigit() for character in word)))
    if not found:
        raise InputError(f"There is no ObsID in « {text.strip()[:80]} ».", "Paste ObsIDs with any separators between them.")
    return found


def check_obs_ids(texts: Sequence[str], patterns: Mapping[str, str]) -> tuple[str, ...]:
    """The texts as ObsIDs, upper case without blanks around, each once, after making sure that each fits a mission's form.

    `patterns` are regular expressions by mission name; an ObsID must match one of them as a whole.

    Raises
    ------
    InputError : some fit none; the message names each of them with its place, counted from 1.
    """
    forms = [re.compile(pattern, re.ASCII) for pattern in patterns.values()]
    cleaned = [text.strip().upper() for text in texts]
    wrong = [
        f"« {text[:40]} » ({place}.)" for place, text in enumerate(cleaned, 1) if not any(form.fullmatch(text) for form in forms)
    ]
    if wrong:
        missions = listed(tuple(patterns))
        verb = "is no ObsID" if len(wrong) == 1 else "are no ObsIDs"
        raise InputError(f"{', '.join(wrong)} {verb} of {missions}.", "Nothing was changed: correct or remove them.")
    if not cleaned:
        raise InputError("There are no ObsIDs to look for.")
    return tuple(dict.fromkeys(cleaned))


def _rows_mask(catalogue: Catalogue, obs_ids: Iterable[str]) -> NDArray[np.bool_]:
    """Rows with one of the ObsIDs in any case of letters, every row where an ObsID stands twice."""
    wanted = {variant for obs_id in obs_ids for variant in (obs_id, obs_id.upper(), obs_id.lower())}
    result = np.zeros(len(catalogue), bool)
    result[catalogue.rows_of(sorted(wanted))] = True
    return result


@dataclass(frozen=True)
class ObsIds(Filter):
    """Observations named by their ObsIDs, in any case of letters; all rows of an ObsID that stands twice.

    A known misprint (eROSITA's 700195) finds what was meant; the filter itself keeps what was written.
    """

    obs_ids: tuple[str, ...]
    kind: ClassVar[str] = "obs_ids"

    def __post_init__(self) -> None:
        if not self.obs_ids:
            raise InputError("There are no ObsIDs to look for.")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        meant = MISPRINTS.get(catalogue.mission, {})
        return _rows_mask(catalogue, (right for obs_id in self.obs_ids for right in (obs_id, *meant.get(obs_id, ()))))

    def sentence(self) -> str:
        if len(self.obs_ids) == 1:
            return f"with the ObsID {self.obs_ids[0]}"
        if len(self.obs_ids) <= MANY:
            return f"with one of the ObsIDs {', '.join(self.obs_ids)}"
        return f"with one of {len(self.obs_ids)} ObsIDs ({self.obs_ids[0]} … {self.obs_ids[-1]})"

    def members(self) -> dict[str, Any]:
        return {"obs_ids": list(self.obs_ids)}

    @classmethod
    def from_members(cls, members: Members) -> ObsIds:
        return cls(members.texts("obs_ids"))


_CRABS = ("CRAB_1", "CRAB_2", "CRAB_3", "CRAB_4")
# Other spellings of field keys that people use.
_FIELD_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "47_TUC": ("47_TUC__NGC_104_",), "NGC_104": ("47_TUC__NGC_104_",), "A3391": ("A3391_A3395",), "A3395": ("A3391_A3395",),
    "CRAB": _CRABS, "CRAB_I": _CRABS[:1], "CRAB_II": _CRABS[1:2], "CRAB_III": _CRABS[2:3], "CRAB_IV": _CRABS[3:],
    "HR_3165": ("HR_3165__ZET_PUP_",), "IGR_J13020_6359": ("IGR_J13020_6359__2RXP_J130159_635806_",),
    "TGUH2213P1": ("TGUH2213P1__DARK_CLOUD_",),
}  # fmt: skip


def field_key(name: str) -> str:
    """A field's name as keys are written: upper case, with underscores for blanks and signs (as eROSITA's release does)."""
    return re.sub(r"[-()+/. ]", "_", name.strip().upper())


def _type_key(name: str) -> str:
    """A type of field, with or without « fields » after it."""
    return field_key(name).removesuffix("_FIELDS").removesuffix("_FIELD")


@dataclass(frozen=True)
class Field(Filter):
    """Observations of named fields (eROSITA's calibration and performance verification; other missions have none).

    A name is a field's key, its name in words, one of the known other spellings (« 47 Tuc », « Crab » for all four of
    them), or a type of field: survey, Magellanic clouds, galactic fields, extragalactic fields.
    A name that no field has finds nothing.
    """

    names: tuple[str, ...]
    kind: ClassVar[str] = "field"

    def __post_init__(self) -> None:
        if not any(name.strip() for name in self.names):
            raise InputError("No field is given.")

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of fields that the names can mean."""
        wanted = {field_key(name) for name in self.names} - {""}
        return frozenset(wanted.union(*(_FIELD_SPELLINGS.get(key, ()) for key in wanted)))

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        result = np.zeros(len(catalogue), bool)
        if "field_key" not in catalogue.extra:
            return result
        types = {_type_key(name) for name in self.names} - {""}
        result |= text_where(catalogue.extra["field_key"], lambda text: field_key(text) in self.keys)
        if "field_name" in catalogue.extra:
            result |= text_where(catalogue.extra["field_name"], lambda text: field_key(text) in self.keys)
        if "field_type" in catalogue.extra:
            result |= text_where(catalogue.extra["field_type"], lambda text: _type_key(text) in types)
        return result

    def sentence(self) -> str:
        return f"of the field {listed([f'« {name} »' for name in self.names])}"

    def members(self) -> dict[str, Any]:
        return {"names": list(self.names)}

    @classmethod
    def from_members(cls, members: Members) -> Field:
        return cls(members.texts("names"))


@dataclass(frozen=True)
class Picked(Filter):
    """Rows ticked by hand: ObsIDs by mission, as pairs of a mission's name and its ObsIDs.

    `keep` False: these are out. `keep` True: these are in; in a stack they are in whatever the filters before it say, and the
    filters after it still narrow. On its own `mask` is: these only (True), all but these (False).
    """

    obs_ids: tuple[tuple[str, tuple[str, ...]], ...]
    keep: bool
    kind: ClassVar[str] = "picked"

    def __post_init__(self) -> None:
        merged: dict[str, dict[str, None]] = {}
        for mission, ids in self.obs_ids:
            merged.setdefault(mission, {}).update(dict.fromkeys(ids))
        ordered = tuple((mission, tuple(merged[mission])) for mission in sorted(merged) if merged[mission])
        object.__setattr__(self, "obs_ids", ordered)

    def of(self, mission: str) -> tuple[str, ...]:
        return dict(self.obs_ids).get(mission, ())

    def ticked(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        """The rows that are named, shape (n,)."""
        return _rows_mask(catalogue, self.of(catalogue.mission))

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return self.ticked(catalogue) if self.keep else ~self.ticked(catalogue)

    def with_row(self, mission: str, obs_id: str) -> Picked:
        return Picked((*self.obs_ids, (mission, (obs_id,))), self.keep)

    def without_row(self, mission: str, obs_id: str) -> Picked:
        """Without an ObsID in any case of letters."""
        left = tuple(one for one in self.of(mission) if one.upper() != obs_id.upper())
        return Picked((*(pair for pair in self.obs_ids if pair[0] != mission), (mission, left)), self.keep)

    def sentence(self) -> str:
        named = [obs_id for _, ids in self.obs_ids for obs_id in ids]
        what = listed(named, "and") if 0 < len(named) <= MANY else f"{len(named)} observations"
        return f"{'with' if self.keep else 'without'} {what} (by hand)"

    def members(self) -> dict[str, Any]:
        return {"obs_ids": {mission: list(ids) for mission, ids in self.obs_ids}, "keep": self.keep}

    @classmethod
    def from_members(cls, members: Members) -> Picked:
        by_mission = members.value("obs_ids")
        if not isinstance(by_mission, Mapping) or not all(
            isinstance(mission, str) and isinstance(ids, list) and all(isinstance(one, str) for one in ids)
            for mission, ids in by_mission.items()
        ):
            raise InputError("« obs_ids » of a filter of the kind « picked » are not lists of ObsIDs by mission.")
        return cls(tuple((mission, tuple(ids)) for mission, ids in by_mission.items()), members.truth("keep"))
