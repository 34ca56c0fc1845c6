"""Many reduction jobs of XMM-Newton as columns: observations with steps of their own, and exposures below them."""

from __future__ import annotations

from daxa_gui.core.job import Job, JobState
from daxa_gui.core.step import Call, Level, Step

UNITS = ("M1S001", "M2S002", "PNS003")
STEPS = (
    *(Step(name, name, f"Does {name}.", "sas", (), (), "m:f", ("xmm_pointed",), level=Level.OBSERVATION)
      for name in ("cif_build", "odf_ingest", "exposures")),
    *(Step(name, name, f"Does {name}.", "sas", (), (), "m:f", ("xmm_pointed",))
      for name in ("emchain", "epchain", "espfilt", "cleaned_evt_lists", "merge_subexposures", "generate_images_expmaps")),
    *(Step(name, name, f"Does {name}.", "builtin", (), (), "m:f") for name in ("prepare", "flares", "image")),
)  # fmt: skip
LABELS = {"xmm_pointed": "XMM-Newton Pointed", "swift": "Swift"}


def reduction_job(number: int, obs_id: str, unit: str, step: str, state: JobState = JobState.QUEUED, **more) -> Job:
    mission = more.pop("mission", "xmm_pointed")
    return Job(number, "reduce", "local", mission, obs_id, unit, step, f"{step}: {obs_id} {unit}", Call("m:f"), state, **more)


def many_jobs(n_rows: int) -> list[Job]:
    """`n_rows` rows (a quarter of them whole observations) with a job in each cell that they can have; most have succeeded."""
    jobs: list[Job] = []
    states = (JobState.SUCCEEDED,) * 7 + (JobState.QUEUED, JobState.FAILED, JobState.WAITING)
    for observation in range(n_rows // (len(UNITS) + 1)):
        for unit in ("", *UNITS):
            for step in STEPS[:3] if not unit else STEPS[3:]:
                number = len(jobs) + 1
                state = states[(number * 7919) % len(states)]
                jobs.append(reduction_job(number, f"{observation:010d}", unit, step.name, state))
    return jobs
