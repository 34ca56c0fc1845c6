"""How long the practice sky takes to make, and where the time goes; and one XMM list of 5 million events.

    python tests/benchmarks/bench_practice.py [EVENTS]

Each run is a process of its own. Beside the whole time stands that of compressing the same bytes once more, so that a slow
machine can be told from slow code. Aim: the default set in less than 10 s.
"""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AIM_S = 10.0
EVENTS = 5_000_000

MAKE = """
import sys, time
from daxa_gui.practice.make import make_sky
class Context:
    work_folder = ""
    begun, last = time.perf_counter(), ""
    def progress(self, done, total, text=""):
        now = time.perf_counter()
        if self.last: print(f"{now - self.begun:8.2f} s  {self.last}")
        self.begun, self.last = now, text
    def check_cancelled(self): pass
    def log(self, text): pass
begun = time.perf_counter()
make_sky(Context(), sys.argv[1], 1)
print(f"total {time.perf_counter() - begun:.2f}")
"""
LIST = """
import sys, time
from pathlib import Path
from daxa_gui.practice.xmm import simulate_xmm_list
begun = time.perf_counter()
simulate_xmm_list(Path(sys.argv[1]), int(sys.argv[2]))
print(f"total {time.perf_counter() - begun:.2f}")
"""


def run(code: str, *arguments: str) -> tuple[float, float, str]:
    """Seconds of the process as a whole, seconds of the work in it, and what it printed before."""
    root = Path(__file__).resolve().parents[2]
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True, cwd=root)
    whole_s = time.perf_counter() - begun
    lines = done.stdout.rstrip().splitlines()
    return whole_s, float(lines[-1].split()[1]), "\n".join(lines[:-1])


def compressed_again_s(folder: Path) -> tuple[float, int]:
    """Seconds and bytes of compressing what the gzipped files hold."""
    spent, size = 0.0, 0
    for path in [*folder.rglob("*.gz"), *folder.rglob("*.FTZ")]:
        data = gzip.decompress(path.read_bytes())
        begun = time.perf_counter()
        gzip.compress(data, compresslevel=1)
        spent, size = spent + time.perf_counter() - begun, size + len(data)
    return spent, size


def main() -> int:
    n_events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        sky = Path(folder) / "sky"
        whole_s, work_s, pieces = run(MAKE, str(sky))
        gzip_s, size = compressed_again_s(sky)
        on_disk = sum(path.stat().st_size for path in sky.rglob("*") if path.is_file())
        print(pieces)
        print(f"\nthe default set      {work_s:6.2f} s of work, {whole_s:.2f} s with the start of Python (aim: {AIM_S:g} s)")
        print(f"gzip of its bytes    {gzip_s:6.2f} s ({size / 1e6:.0f} MB; {on_disk / 1e6:.0f} MB on disk)")
        path = Path(folder) / "list.fits"
        whole_s, work_s, _ = run(LIST, str(path), str(n_events))
        print(f"list of {n_events / 1e6:g} million    {work_s:6.2f} s, {path.stat().st_size / 1e6:.0f} MB")
        peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"largest process      {peak_kb / 1e3:6.0f} MB of memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
