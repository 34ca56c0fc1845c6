"""Archives that the real DAXA makes: its own functions with made-up results of processes (no mission software is here)."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

from astropy.units import Quantity

from tests.interchange.daxa_archives import World

SUMMARY = {
    "PN": {
        "active": True, "num_exp": 1,
        "exposures": {
            "S003": {
                "scheduled": True, "type": "SCIENCE", "mode": "PrimeFullWindow", "filter": "Thin1", "ccd_modes": {"1": "Imaging"},
            }
        },
    },
    "M1": {"active": False}, "M2": {"active": False}, "R1": {"active": False}, "R2": {"active": False}, "OM": {"active": False},
}  # fmt: skip
ERROR = "noCounts raised by espfilt - All histo counts are zero!"


def made_by_daxa(world: World, name: str) -> Any:
    """XMM-Newton with a chain of processes (the second observation failed, its data moved by DAXA itself) and Swift with
    products taken over by DAXA's own function; saved."""
    shutil.rmtree(world.output / "archives" / name, ignore_errors=True)
    xmm, swift = world.both["xmm_pointed"].daxa(), world.both["swift"].daxa(insts=["XRT"])  # with BAT its own function fails
    for mission in (xmm, swift):
        obs_ids = world.obs_ids(mission.name)
        mission.filter_on_obs_ids(allowed_obs_ids=obs_ids)
        for obs_id in obs_ids:
            (world.output / f"{mission.name}_raw" / obs_id).mkdir(parents=True, exist_ok=True)
    for obs_id in world.obs_ids("swift")[:2]:  # the third has none
        folder = world.output / "swift_raw" / obs_id / "xrt" / "event"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"sw{obs_id}xpcw3po_cl.evt").write_bytes(f"swift events of {obs_id}".encode())
    archive = world.daxa_archive(name, [xmm, swift])
    _xmm(archive, world.obs_ids("xmm_pointed"))
    preprocessed = importlib.import_module("daxa.process.general").preprocessed_in_archive
    preprocessed(archive, ["swift"])
    archive.source_regions = {"xmm_pointed": {world.obs_ids("xmm_pointed")[0]: str(_regions(world.output))}}
    archive.save()
    return archive


def _regions(folder: Path) -> Path:
    path = folder / "drawn.reg"
    path.write_text('galactic\ncircle(120,-30,30")\n-ellipse(120,-30,60",20",30) # color=red\n')
    return path


def _xmm(archive: Any, obs_ids: list[str]) -> None:
    common = importlib.import_module("daxa.process._common")
    common.create_dirs(archive, "xmm_pointed")
    archive.observation_summaries = {"xmm_pointed": dict.fromkeys(obs_ids, SUMMARY)}
    root = Path(archive.construct_processed_data_path("xmm_pointed", obs_ids[0])).parent
    units = [f"{obs_id}PNS003" for obs_id in obs_ids]
    failed = units[1]
    events = {
        unit: str(root / unit[:10] / "events" / f"obsid{unit[:10]}-instPN-subexpS003-events.fits") for unit in units
    }  # fmt: skip
    gtis = {
        unit: str(root / unit[:10] / "cleaning" / f"obsid{unit[:10]}-instPN-subexpS003-en2500_8500keV-gti.fits")
        for unit in units if unit != failed
    }  # fmt: skip
    for path in (*events.values(), *gtis.values()):
        Path(path).write_bytes(f"DAXA's {Path(path).name}".encode())
    _record(archive, "epchain", dict.fromkeys(units, True), {unit: {"evt_list": path} for unit, path in events.items()})
    _record(
        archive, "espfilt", {unit: unit != failed for unit in units}, {unit: {"gti_path": path} for unit, path in gtis.items()}
    )
    archive.process_errors = ("espfilt", {"xmm_pointed": {failed: [ERROR]}})
    archive.raw_process_errors = (
        "espfilt",
        {"xmm_pointed": {failed: "** espfilt: error (noCounts), All histo counts are zero!\n"}},
    )
    warned = [{"originator": "epchain", "name": "NoWCS", "message": "no coordinates"}]
    archive.process_warnings = ("epchain", {"xmm_pointed": {units[0]: warned}})
    archive.process_configurations = ("espfilt", {"xmm_pointed": {"method": "histogram", "filter_lo_en": Quantity(2500, "eV")}})
    _final(archive, obs_ids, root)


def _final(archive: Any, obs_ids: list[str], root: Path) -> None:
    """The last step with DAXA's own decorator, which judges and moves the failed observation."""
    last = importlib.import_module("daxa.process._cleanup")._last_process

    @last(["xmm_pointed"], 2)
    def merge_subexposures(obs_archive: Any) -> None:
        flags = {f"{obs_id}PN": number != 1 for number, obs_id in enumerate(obs_ids)}
        finals = {}
        for unit, success in flags.items():
            path = root / unit[:10] / "events" / f"obsid{unit[:10]}-instPN-subexpALL-en-finalevents.fits"
            if success:
                path.write_bytes(f"final events of {unit}".encode())
                finals[unit] = {"final_evt": str(path)}
        _record(obs_archive, "merge_subexposures", flags, finals)

    merge_subexposures(archive)


def _record(archive: Any, step: str, flags: dict[str, bool], extra: dict[str, dict[str, str]]) -> None:
    archive.process_success = (step, {"xmm_pointed": flags})
    archive.process_logs = (step, {"xmm_pointed": {unit: f"{step} infile={unit}\nall done\n" for unit in flags}})
    archive.process_extra_info = (step, {"xmm_pointed": extra})
