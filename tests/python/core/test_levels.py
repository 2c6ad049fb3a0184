"""Test the SIMD levels: equal bytes, and how to request one."""

from __future__ import annotations

import pytest

from keye_vl_rs import _core

LEVELS = ["scalar", "avx2", "avx512"]
LEVEL = "print(json.dumps(_core.simd_level()))"


@pytest.fixture(scope="session")
def levels_here(run_python):
    best = run_python(LEVEL)
    return LEVELS[: LEVELS.index(best) + 1]


def test_every_level_gives_the_same_bytes(run_python, levels_here):
    code = "print(json.dumps([_core.simd_level(), results()]))"
    runs = [run_python(code, KEYE_VL_RS_SIMD=level) for level in levels_here]
    assert [level for level, _ in runs] == levels_here
    assert all(result == runs[0][1] for _, result in runs)
    assert runs[0][1] == run_python(code, KEYE_VL_UTILS_PARALLEL_NUM="1")[1]


def test_the_levels_of_this_cpu_are_listed(levels_here):
    assert _core.simd_levels() == levels_here


@pytest.mark.parametrize("text", ["", " ", "AVX512", " avx512 "])
def test_a_level_may_be_spelled_loosely_and_is_clamped(text, run_python, levels_here):
    assert run_python(LEVEL, KEYE_VL_RS_SIMD=text) == levels_here[-1]


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_never_raised(level, run_python, levels_here):
    best = min(LEVELS.index(level), LEVELS.index(levels_here[-1]))
    assert run_python(LEVEL, KEYE_VL_RS_SIMD=level) == LEVELS[best]


@pytest.mark.parametrize("text", ["sse9", "1", "avx1024", "scalar,avx2", "é"])
def test_a_level_that_is_none_is_a_clear_error(text, run_python):
    code = """
def message(call):
    try:
        call()
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
print(json.dumps([message(_core.simd_level), message(results), message(_core.simd_level)]))
"""
    messages = run_python(code, KEYE_VL_RS_SIMD=text)
    for message in messages:
        assert message.startswith("InvalidArgumentError: KEYE_VL_RS_SIMD is")
        assert text in message
        assert "scalar" in message
        assert "avx2" in message


def test_a_level_that_is_not_unicode_is_an_error_too(run_python):
    code = "print(json.dumps(name_of_error(_core.simd_level)))"
    assert run_python(code, KEYE_VL_RS_SIMD="\udcff") == "InvalidArgumentError"
