"""Whether the values of a step's parameters fit each other, and the instrument that they would be used for.

Limits of single values are in their declarations. What is only wrong together is refused here when it is ordered, with the same
functions that the recipes use, and not hours later by a job that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.registry import resolve
from daxa_gui.reduction.planner import BUILTIN

Values = Mapping[str, Any]
Work = tuple[str, str, str]  # mission, ObsID, step
_HRC_HAS_NO_ENERGIES = (
    "HRC measures no energies, so its events cannot be chosen by them: order it by itself, without limits of energy."
)


def refuse_values(step: str, values: Values) -> None:
    """Raises InputError if values of a step (all of them, each checked by itself) do not fit each other."""
    if step in _CHECKS:
        _CHECKS[step](values)


def not_for(step: str, instrument: str, values: Values) -> str:
    """Why a step cannot be done with these values for an instrument, as a sentence; "" if it can."""
    if step == "cleaned_chandra_evts" and instrument == "HRC" and values["energies_kev"] is not None:
        return _HRC_HAS_NO_ENERGIES
    return ""


def refuse_both_engines(wanted: Iterable[Work], busy: Iterable[Work]) -> None:
    """The built-in engine and the missions' software make the same products of an exposure, each from its own: at the same time
    one would go on with what the other has made.

    Parameters
    ----------
    wanted, busy : (mission, ObsID, step) of what is ordered and of what is under way already.

    Raises
    ------
    InputError : both engines are ordered for an observation. ArchiveError : the other one is at work on it.
    """
    observations: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}  # is it the built-in engine?
    for mission, obs_id, step in wanted:
        observations[step in BUILTIN].add((mission, obs_id))
    hint = "Do one after the other: what the second one replaces is kept as a configuration."
    if both := observations[True] & observations[False]:
        raise InputError(
            f"The built-in engine and the mission's software cannot both be ordered for {min(both)[1]}: they make the same"
            " products.", hint,
        )  # fmt: skip
    hindered = [(obs_id, step) for mission, obs_id, step in busy if (mission, obs_id) in observations[step not in BUILTIN]]
    if hindered:
        obs_id, step = min(hindered)
        engine = "the built-in engine" if step in BUILTIN else "the mission's software"
        raise ArchiveError(f"{obs_id} is still being reduced by {engine}, which makes the same products.", hint)


def _call(target: str, *arguments: Any) -> None:
    resolve(f"daxa_gui.reduction.{target}")(*arguments)


def _paired_bands(values: Values) -> None:
    _call("chandra_recipes:paired_bands", values["bands_kev"], values["effective_kev"])


def _nustar_bands(values: Values) -> None:
    for band in values["bands_kev"]:
        _call("nustar_recipes:channels", tuple(band))


def _nustar_energies(values: Values) -> None:
    if values["energies_kev"] is not None:
        _call("nustar_recipes:channels", tuple(values["energies_kev"]))


def _terms(values: Values) -> None:
    if not all(term.strip() for name in ("pn_filt_expr", "mos_filt_expr") for term in values[name]):
        raise InputError("A term of the selection is empty.", "Write an expression of SAS, such as (PATTERN <= 4), or remove it.")


_CHECKS: Mapping[str, Callable[[Values], None]] = {
    "cif_build": lambda values: _call("xmm_recipes:analysis_day", values["analysis_date"]),
    "espfilt": lambda values: _call("xmm_recipes:flare_band_ev", values),
    "cleaned_evt_lists": _terms,
    "generate_images_expmaps": lambda values: _call("xmm_images:chosen_bands", values),
    "cleaned_erosita_evts": lambda values: _call("erosita_recipes:flag_mask", values["flag"]),
    "flux_image": _paired_bands,
    "rate_image": _paired_bands,
    "nupipeline": lambda values: _call("nustar_recipes:check_screening", values),
    "cleaned_nustar_evts": _nustar_energies,
    "nustar_images": _nustar_bands,
}
