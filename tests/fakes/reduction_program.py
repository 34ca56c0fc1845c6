"""The program with an open archive that it reduces, without a window, to be run – and killed – as a process of its own.

    python -m tests.fakes.reduction_program '{"output": …, "folder": …, "settings": {…}}'

Further entries: `parameters` of the order (step → parameter → value), `cores`, `timeout_s`. It prints the states of its jobs.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from daxa_gui.core.reduction_plan import ReductionOrder
from tests.fakes.reduction_world import problems, session_for


def main() -> int:
    about = json.loads(sys.argv[1])
    session = session_for(Path(about["output"]), about["settings"])
    try:
        session.open_archive(Path(about["folder"]))
        session.start_reduction(ReductionOrder(pipeline="full_xmm", parameters=about.get("parameters", {})))
        is_idle = session.wait_until_idle(about.get("timeout_s", 200.0))
        states = Counter(str(job.state) for job in session.jobs("reduce"))
        print(json.dumps({"idle": is_idle, "states": states, "problems": problems(session)}, ensure_ascii=False))
    finally:
        session.close()
    return 0 if is_idle and set(states) == {"succeeded"} else 3


if __name__ == "__main__":
    sys.exit(main())
