"""What benchmarks share: runs that alternate, and what the figures depend on.

Both sides of a comparison run in this process, in turn, after their results were found equal; the
medians are compared, so that a machine whose speed drifts does not favour one of them.
"""

from __future__ import annotations

import statistics
import time

# First: it says how large the pools of torch and OpenCV become when they are imported.
from side_by_side import THREADS, record

# isort: split
import pytest
import torch

import keye_vl_rs
from keye_vl_rs import _core
from keye_vl_rs.cli import bench


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
