"""What benchmarks share: two threads on each side, sampled clips, runs that alternate, and a table.

Both sides of a comparison run in this process, in turn, after their results were found equal; the
medians are compared, so that a machine whose speed drifts does not favour one of them.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

THREADS = 2
# Before torch or OpenCV is imported: their pools are as large as this says.
os.environ["OMP_NUM_THREADS"] = str(THREADS)
os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = str(THREADS)
# The published path, written out for the tests, is what is compared with.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "python"))

import torch  # noqa: E402

import keye_vl_rs  # noqa: E402
from keye_vl_rs import _core, vision_process  # noqa: E402

torch.set_num_threads(THREADS)


@dataclass
class Sampled:
    """A clip's sampled frames and what the processor needs to know of them."""

    name: str
    frames: torch.Tensor
    kwargs: dict

    @property
    def processor_kwargs(self):
        """As ``process_vision_info`` gives them: a list per name."""
        return {key: [value] for key, value in self.kwargs.items()}


def sample(name: str, path: Path, fps: float = 2.0, max_frames: int | None = None) -> Sampled:
    """Decode a clip as ``process_vision_info`` does."""
    ele = {"video": str(path), "fps": fps}
    if max_frames is not None:
        ele["max_frames"] = max_frames
    return Sampled(name, *vision_process.fetch_video(ele))


@pytest.fixture
def versus(benchmark):
    """Time a call against the published one: ``versus(ours, published, rounds)``."""

    def run(ours, published, rounds=7):
        reference = []

        def published_first():
            started = time.perf_counter()
            result = published()
            reference.append(time.perf_counter() - started)
            del result

        ours()
        benchmark.pedantic(ours, setup=published_first, rounds=rounds)
        median = statistics.median(reference)
        benchmark.extra_info["published_median_s"] = median
        benchmark.extra_info["ratio"] = median / benchmark.stats.stats.median

    return run


def pytest_benchmark_update_machine_info(config, machine_info):
    """Record what the figures depend on."""
    import av
    import transformers

    machine_info["keye_vl_rs"] = {
        "version": keye_vl_rs.__version__,
        "simd": _core.simd_level(),
        "threads": THREADS,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "av": av.__version__,
    }


def pytest_terminal_summary(terminalreporter, config):
    """The table of ratios."""
    session = getattr(config, "_benchmarksession", None)
    rows = [b for b in getattr(session, "benchmarks", []) if "ratio" in b.extra_info]
    if not rows:
        return
    write = terminalreporter.write_line
    terminalreporter.section("against the published path")
    write(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"{THREADS} threads each side, {_core.simd_level()}, torch {torch.__version__}, "
        "medians of alternating runs"
    )
    write(f"{'case':<56}{'published':>12}{'ours':>12}{'ratio':>9}")
    for row in rows:
        published = row.extra_info["published_median_s"]
        write(
            f"{row.name:<56}{published * 1e3:>9.1f} ms{row.stats.median * 1e3:>9.1f} ms"
            f"{row.extra_info['ratio']:>8.1f}x"
        )
