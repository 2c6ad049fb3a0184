"""Compare two sides in alternating runs, and record what the times depend on.

Both sides of a comparison run alternately in this process, after a check that their results are
equal. The medians are compared. Alternation keeps a machine whose speed drifts from favouring one
side.
"""

from __future__ import annotations

import statistics
import time

# Imported first, because it sets the size of torch's and OpenCV's thread pools at their import.
from side_by_side import THREADS, record

# isort: split
import pytest
import torch

import keye_vl_rs
from keye_vl_rs import _core
from keye_vl_rs.cli import bench


@pytest.fixture
def versus(benchmark):
    """Time a call against a reference: ``versus(ours, reference, rounds)``, in alternating runs.

    The ratio is the time of the reference divided by ours.
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
    """Record what the times depend on."""
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
