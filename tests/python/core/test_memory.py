"""Test sizes that exceed any memory."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.one_level

HUGE = {
    "resize, square": "_core.resize(x, 1 << 31, 1 << 31)",
    "resize, tall": "_core.resize(x, 2**63 - 1, 1)",
    "resize, wide": "_core.resize(x, 1, 1 << 50)",
    "resize, 200 GB": "_core.resize(x[:1], 1 << 18, 1 << 18)",
    "resize, many": "_core.resize(many(1 << 40), 28, 28)",
    "resize, rows between the passes": "_core.resize(pixels(1, 1 << 24, 1), 1, 1 << 24)",
    "resize, tasks": "_core.resize(pixels(10**9, 1, 1), 1, 1)",
    "resize of a wide one": "_core.resize(wide(1 << 30), 28, 28)",
    "hsv": "_core.hsv_from_rgb(many(1 << 30))",
    "slow_fast, tall": "_core.slow_fast(x, 28 << 33, 28, **SPLIT)",
    "slow_fast, square": "_core.slow_fast(x, 28 << 17, 28 << 17, **SPLIT)",
    "slow_fast, overflow": "_core.slow_fast(x, 28 << 57, 28 << 57, **SPLIT)",
    "patches": "_core.write_patches(x, None, (28 << 40, 28 << 40), (28, 28), out, **PATCH)",
    "patches, overflow": "_core.write_patches(x, None, (28 << 57,) * 2, (28, 28), out, **PATCH)",
    "patches, many": "_core.write_patches(many(1 << 44), None, (28, 28), (28, 28), out, **PATCH)",
    "patch size": "_core.write_patches(x, None, (2**40,) * 2, (2**40,) * 2, out,"
    " **{**PATCH, 'patch_size': 2**39})",
}


@pytest.mark.parametrize("name", HUGE)
def test_what_no_memory_holds_is_an_error(name, run_python):
    """It neither panics nor ends the process."""
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
out = np.zeros(588, np.float32)
pixel = np.zeros(3, np.uint8)
def many(count): return np.broadcast_to(pixel, (count, 64, 64, 3))
def pixels(*shape): return np.broadcast_to(pixel, (*shape, 3))
def wide(side): return np.broadcast_to(pixel, (1, side, side, 3))
print(json.dumps(name_of_error(lambda: {HUGE[name]})))
"""
    error = run_python(code, KEYE_VL_UTILS_PARALLEL_NUM="2")
    assert not error.startswith("escaped"), error
    assert error != "no error"
