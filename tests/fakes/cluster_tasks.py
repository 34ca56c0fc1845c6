"""Tasks that run programs, as those of the missions' software do; they behave and misbehave in the ways that jobs may."""

from __future__ import annotations

import os
import time
from pathlib import Path

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import MadeFile, Outcome, ProgramContext


def shell(ctx: ProgramContext, script: str, made: str = "", mark: str = "") -> Outcome:
    """Run a script with this process's environment; a failure is one, a file that it should make is given back."""
    if mark:
        Path(mark).write_text(ctx.work_folder)
    code = ctx.run_program(["sh", "-c", script], environment=dict(os.environ))
    if code:
        raise ReductionError(f"The script ended with exit code {code}.", "Its log tells more.")
    return Outcome(files=(MadeFile(made, event_key()),) if made else (), facts={"code": code})


def event_key(exposure: str = "S001", obs_id: str = "0404910601") -> ProductKey:
    return ProductKey("xmm_pointed", obs_id, ProductKind.CLEAN_EVENTS, instrument="M1", exposure=exposure)


def programs(ctx: ProgramContext, argv: list[str]) -> Outcome:
    return Outcome(facts={"code": ctx.run_program(argv, environment=dict(os.environ))})


def small(ctx: ProgramContext, name: str, tally: str, seconds: float = 0.0) -> Outcome:
    """Makes one product; writes down in a folder that all share that it ran."""
    Path(tally, f"{name}-{os.getpid()}-{time.time_ns()}").touch()
    if seconds:
        ctx.run_program(["sleep", str(seconds)], environment=dict(os.environ))
    Path(ctx.work_folder, "clean.fits").write_text(name)
    return Outcome(files=(MadeFile("clean.fits", event_key(obs_id=name)),), facts={"obs_id": name})


def tells(ctx: ProgramContext, n: int, pause_s: float) -> Outcome:
    for index in range(n):
        ctx.check_cancelled()
        ctx.log(f"line {index}")
        ctx.progress(index, n, f"part {index}")
        time.sleep(pause_s)
    ctx.log("WARNING: that was all")
    return Outcome(warnings=("that was all",))


def settings(ctx: ProgramContext, names: list[str]) -> Outcome:
    return Outcome(facts={name: ctx.setting(name) for name in names})


def folder(ctx: ProgramContext) -> Outcome:
    return Outcome(facts={"folder": ctx.work_folder, "here": sorted(path.name for path in Path(ctx.work_folder).iterdir())})
