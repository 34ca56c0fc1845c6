"""Exposures put together from what an archive has: event lists that were downloaded or made here, joined by unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from daxa_gui.core.exposures import Exposure, ExposureList, ListRole, Verdict
from daxa_gui.core.job import Job
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.missions import MISSIONS
from daxa_gui.missions.erosita import ALL_MODULES

Unit = tuple[str, str, str]  # mission, ObsID, instrument + sub-exposure
_K = ProductKind
PICTURES = (_K.IMAGE, _K.EXPOSURE_MAP, _K.BACKGROUND_MAP, _K.RATE_MAP, _K.FLUX_MAP, _K.WEIGHTED_EXPOSURE_MAP)


class ExposureBook:
    """Everything that exposures are made of, by unit.

    Parameters
    ----------
    made_by : job → who made its products: « SAS », « built-in engine », "" for what was downloaded.
    is_external : job → whether it is a step of the missions' software.
    """

    def __init__(
        self, products: Iterable[Product], jobs: Iterable[Job], verdicts: Mapping[Unit, Verdict],
        made_by: Callable[[Job], str], is_external: Callable[[Job], bool],
    ) -> None:  # fmt: skip
        self._made: dict[Unit, dict[ProductKind, list[Product]]] = {}
        self._units: dict[tuple[str, str], dict[str, ProductKey]] = {}
        for product in products:
            key = product.key
            unit = (key.mission, key.obs_id, key.unit)
            self._made.setdefault(unit, {}).setdefault(key.kind, []).append(product)
            if key.kind is _K.CALIBRATED_EVENTS:
                self._units.setdefault(unit[:2], {})[key.unit] = key
        self._jobs: dict[int, Job] = {}
        self._steps: dict[tuple[Unit, str], Job] = {}
        for job in jobs:
            self._jobs[job.id] = job
            self._steps[(job.mission, job.obs_id, job.unit), job.step] = job
        self._verdicts, self._made_by, self._is_external = verdicts, made_by, is_external

    def exposures(
        self, lists: Iterable[tuple[Product, ProductKey]], is_wanted: Callable[[ProductKey], bool]
    ) -> list[Exposure]:  # fmt: skip
        """One per downloaded event list (with the key of what is reduced of it), then one per list that the missions' software
        calibrated of a wanted unit that has no downloaded one. The list of all telescope modules of eROSITA is joined with the
        results of the modules that were reduced."""
        found, taken = [], set()
        for raw, key in lists:
            joined = self._joined(key)
            taken |= {(key.mission, key.obs_id, name) for name in (key.unit, joined)}
            found.append(self._exposure(replace(raw, key=key), joined))
        for (mission, obs_id), units in self._units.items():
            for name, key in units.items():
                if (mission, obs_id, name) not in taken and is_wanted(key):
                    [first, *_] = self._made[mission, obs_id, name][_K.CALIBRATED_EVENTS]
                    found.append(self._exposure(first, ""))
        return found

    def _joined(self, key: ProductKey) -> str:
        """The unit of eROSITA's modules that were reduced of a list of all of them; "" if that is the list's own name."""
        spec = MISSIONS.get(key.mission)
        if spec is None or key.instrument != ALL_MODULES:
            return ""
        modules = {instrument.name for instrument in spec.instruments}
        for name, other in self._units.get((key.mission, key.obs_id), {}).items():
            if name != key.unit and other.exposure == key.exposure and set(other.instrument.split("_")) <= modules:
                return name
        return ""

    def _of(self, units: Sequence[Unit], kind: ProductKind) -> list[Product]:
        return [product for unit in units for product in self._made.get(unit, {}).get(kind, [])]

    def _job_of(self, product: Product | None) -> Job | None:
        return None if product is None or product.job_id is None else self._jobs.get(product.job_id)

    def _exposure(self, raw: Product, joined: str) -> Exposure:
        key = raw.key
        units = [(key.mission, key.obs_id, name) for name in (key.unit, joined) if name]
        gti = self._newest(units, _K.GTI)
        good_time = self._job_of(gti)
        screening = good_time if good_time is not None and self._is_external(good_time) else None
        own = [self._steps.get((units[0], step)) for step in ("prepare", "flares")]
        flares = own[1]
        if flares is not None and gti is not None and gti.job_id not in (None, flares.id):
            flares = None  # the good time is another engine's: the numbers of this one are not those of what lies there
        asked = [screening] if screening is not None else own
        return Exposure(
            key.mission, key.obs_id, key.instrument, key.exposure, raw,
            clean=max(self._cleaned(units), key=lambda product: product.created, default=None), gti=gti,
            lightcurve=self._newest(units, _K.LIGHTCURVE),
            images=self._pictures(units, key), flares=flares,
            excluded=next((job.reason for job in asked if job is not None and job.reason), ""),
            verdict=self._verdicts.get(units[0], Verdict()), lists=self._lists(raw, units), screening=screening,
            cleaned_by=self._made_by(good_time) if good_time is not None else "", joined=joined,
        )  # fmt: skip

    def _newest(self, units: Sequence[Unit], kind: ProductKind) -> Product | None:
        return max(self._of(units, kind), key=lambda product: product.created, default=None)

    def _cleaned(self, units: Sequence[Unit]) -> list[Product]:
        """Cleaned lists; eSASS's have the name of final ones, as what is taken over from the missions' archives has too."""
        final = [(product, self._job_of(product)) for product in self._of(units, _K.FINAL_EVENTS)]
        made = [product for product, job in final if job is not None and self._is_external(job)]
        return [*self._of(units, _K.CLEAN_EVENTS), *made]

    def _pictures(self, units: Sequence[Unit], key: ProductKey) -> tuple[Product, ...]:
        """Own ones, then those of the instrument as a whole."""
        whole = (key.mission, key.obs_id, key.instrument)
        places = [*units, *([whole] if whole not in units else [])]
        found = [(place == whole and whole not in units, kind, one) for place in places for kind in PICTURES
                 for one in self._of([place], kind)]  # fmt: skip
        found.sort(key=lambda item: (item[0], PICTURES.index(item[1]), item[2].key.band_kev or (0.0, 0.0), item[2].path))
        return tuple(product for _, _, product in found)

    def _lists(self, raw: Product, units: Sequence[Unit]) -> tuple[ExposureList, ...]:
        role = ListRole.CALIBRATED if raw.key.kind is _K.CALIBRATED_EVENTS else ListRole.DOWNLOADED
        found = [ExposureList(role, self._author(raw), raw)]
        calibrated = [one for one in self._of(units, _K.CALIBRATED_EVENTS) if one.path != raw.path]
        for role, products in ((ListRole.CALIBRATED, calibrated), (ListRole.CLEANED, self._cleaned(units))):
            found += [ExposureList(role, self._author(one), one) for one in products]
        whole = (raw.key.mission, raw.key.obs_id, raw.key.instrument)
        if whole not in units:
            merged = (one for one in self._of([whole], _K.FINAL_EVENTS) if self._author(one))
            found += [ExposureList(ListRole.MERGED, self._author(one), one) for one in merged]
        return tuple(found)

    def _author(self, product: Product) -> str:
        job = self._job_of(product)
        return self._made_by(job) if job is not None else ""
