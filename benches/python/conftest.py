"""What benchmarks share: two threads on each side, sampled clips, runs that alternate, and a table.

Both sides of a comparison run in this process, in turn, after their results were found equal; the
medians are compared, so that a machine whose speed drifts does not favour one of them.
"""

from __future__ import annotations

import os
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
from keye_vl_rs.cli import bench  # noqa: E402

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
    """Time a call against another: ``versus(ours, reference, rounds)``, one run of each in turn.

    The ratio is how many times as long the reference takes.
    """

    def run(ours, reference, rounds=7):
        times = []

        def reference_first():
            started = time.perf_counter()
            result = reference()
            times.append(time.perf_counter() - started)
            del result

        ours()
        benchmark.pedantic(ours, setup=reference_first, rounds=rounds)
        record(benchmark, statistics.median(times))

    return run


def record(benchmark, reference_s):
    """Note what a benchmark is compared with, and the ratio."""
    benchmark.extra_info["reference_s"] = reference_s
    benchmark.extra_info["ratio"] = reference_s / benchmark.stats.stats.median


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
        "cpu": bench.describe_machine(),
    }
