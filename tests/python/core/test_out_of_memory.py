"""Test every entry under memory limits: a result or an error of the package, never an abort."""

from __future__ import annotations

import pytest

from keye_vl_rs import _core

pytestmark = pytest.mark.one_level

# Calls that request at least ten times as much memory as the smallest limit leaves.
CALLS = {
    "resize, weights of columns": "_core.resize(x[:1, :1, :1], 1 << 20, 1)",
    "resize, weights of rows": "_core.resize(x[:1, :1, :1], 1, 1 << 20)",
    "resize, weights of Pillow": "_core.resize(x[:1, :1, :1], 1, 1 << 19, kernel='pillow-bicubic')",
    "resize, to little": "_core.resize(pixels(1, 1 << 20, 2), 3, 2, kernel='bicubic')",
    "resize, rows between": "_core.resize(pixels(1, 4000, 5000), 1, 4999)",
    "resize, scratch": "_core.resize(pixels(1, 4, 1 << 22), 4, 1 << 20)",
    "resize, result": "_core.resize(x, 1000, 1000)",
    "resize, tasks": "_core.resize(pixels(1 << 20, 1, 1), 1, 1)",
    "hsv": "_core.hsv_from_rgb(pixels(10, 1000, 1000))",
    "similarity": "_core.frame_similarity(*pixels(2, 2800, 2800), **COMPARE)",
    "slow_fast, frames": "_core.slow_fast(x, 2800, 2800, **SPLIT)",
    "slow_fast, types": "_core.slow_fast(many, 28, 28, **SPLIT)",
    "splitter": "_core.SlowFastSplitter(99, 99, 2800, 2800, **SPLIT)",
    "splitter, weights": "_core.SlowFastSplitter(1 << 21, 99, 28, 28 << 15, **SPLIT)",
    "image bands": (
        "_core.ImageBands((28, 1 << 20), (28, 28 << 14), patch_size=14, kernel='bicubic')"
    ),
    "image bands, rows": (
        "bands.write_patches(pixels(30, 1 << 20), 0, 2, out[: 28 * 28 * 3], **NUMBERS)"
    ),
    "patches, band": "_core.write_patches(x[:1], None, (28, 28 << 14), (28, 28), out, **PATCH)",
    "patches, types": "_core.write_patches(many, None, (28, 28), (28, 28), out, **PATCH)",
    "patches, given types": (
        "_core.write_patches(many, range(1 << 40), (28, 28), (28, 28), out, **PATCH)"
    ),
    "patches, endless types": (
        "_core.write_patches(x, range(1 << 62), (28, 28), (28, 28), out, **PATCH)"
    ),
    "kernel": "_core.resize(x, 28, 28, kernel=long)",
    "dtype": "_core.write_patches(x, None, (28, 28), (28, 28), out, dtype=long, **PATCH)",
}
SET_UP = """
import resource
pixel = np.zeros(3, np.uint8)
def pixels(*shape): return np.broadcast_to(pixel, (*shape, 3))
x = np.ascontiguousarray(x[:, :99, :99])
NUMBERS = {name: value for name, value in PATCH.items() if name != "patch_size"}
bands = _core.ImageBands((30, 1 << 20), (28, 28), patch_size=14, kernel="bilinear")
many = pixels(1 << 40, 1, 1)
out = np.zeros(28 * (28 << 14) * 3, np.float32)
long = "x" * (1 << 25)
small = _core.resize(x, 40, 50)
"""
# From less than any call needs to enough for its first allocation, its second, ...
EXTRA_MB = [2, 5, 9, 14, 20, 27, 36, 48, 64]


def _code(call):
    return f"""{SET_UP}
def in_use():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
found = []
for extra in {EXTRA_MB}:
    resource.setrlimit(resource.RLIMIT_AS, (in_use() + (extra << 20), resource.RLIM_INFINITY))
    found.append(name_of_error(lambda: {call}))
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    assert np.array_equal(_core.resize(x, 40, 50), small)
print(json.dumps(found))
"""


@pytest.mark.parametrize(("level", "threads"), [("scalar", "1"), (_core.simd_levels()[-1], "2")])
@pytest.mark.parametrize("name", CALLS)
def test_what_does_not_fit_is_an_error_at_every_allocation(name, level, threads, run_python):
    found = run_python(
        _code(CALLS[name]),
        KEYE_VL_UTILS_PARALLEL_NUM=threads,
        KEYE_VL_RS_SIMD=level,
        MALLOC_ARENA_MAX="1",
    )
    if name in ("kernel", "dtype"):
        assert set(found) == {"InvalidArgumentError"}
    elif name == "patches, endless types":
        assert set(found) == {"FrameTypesError"}
    else:
        assert found[0] == "OutOfMemoryError"
        assert set(found) <= {"OutOfMemoryError", "no error"}


@pytest.mark.parametrize(("room", "workers"), [(2600, 2), (600, 0)])
def test_fewer_threads_work_where_the_system_gives_no_more(room, workers, run_python):
    """Eight threads have stacks of 1 GiB here; ``room`` is in MiB."""
    code = f"""{SET_UP}
os.environ["RUST_MIN_STACK"] = str(1 << 30)
os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = "8"
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ({room} << 20), resource.RLIM_INFINITY))
equal = bool(np.array_equal(_core.resize(x, 40, 50), small))
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
tasks = os.listdir("/proc/self/task")
tasks = [open(f"/proc/self/task/{{task}}/comm").read() for task in tasks]
print(json.dumps([equal, sum(name.startswith("keye-vl-") for name in tasks)]))
"""
    found = run_python(code, KEYE_VL_UTILS_PARALLEL_NUM="1", MALLOC_ARENA_MAX="1")
    assert found == [True, workers]
