"""Test the plugins of servers without a server: the interface through which they are loaded."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from types import ModuleType

import pytest

import keye_vl_rs
from keye_vl_rs.hosts import after_import, sglang, switch, vllm

pytestmark = pytest.mark.one_level

GROUPS = {"vllm.general_plugins": vllm.register, "sglang.srt.plugins": sglang.register}
PROCESSORS = "vllm.transformers_utils.processors"


@pytest.fixture(autouse=True)
def back_to_what_it_was():
    yield
    after_import.forget(PROCESSORS)
    keye_vl_rs.disable()


@pytest.fixture
def host(monkeypatch):
    """Stand in for vLLM's module of this name, which imports classes when they are accessed."""
    module = ModuleType(PROCESSORS)
    module._CLASS_TO_MODULE = {"OtherProcessor": "somewhere"}
    module.__getattr__ = lambda name: (_ for _ in ()).throw(AttributeError(name))
    monkeypatch.setitem(sys.modules, PROCESSORS, module)
    return module


@pytest.mark.parametrize("group", GROUPS)
def test_entry_points(group):
    (entry,) = (
        one for one in importlib.metadata.entry_points(group=group) if one.name == "keye_vl_rs"
    )
    assert entry.load() is GROUPS[group]


@pytest.mark.parametrize("register", GROUPS.values(), ids=list(GROUPS))
def test_silent_without_the_host(register, caplog):
    for _ in range(3):
        assert register() is None
    assert not caplog.records


def test_vllm_finds_ours_by_name(host):
    vllm.register()
    vllm.register()
    assert host._CLASS_TO_MODULE == {
        "OtherProcessor": "somewhere",
        "KeyeVL1_5Processor": "keye_vl_rs.processors.processor",
    }
    for name in set(host._CLASS_TO_MODULE) - {"OtherProcessor"}:
        module = importlib.import_module(host._CLASS_TO_MODULE[name])
        assert getattr(module, name).__name__ == name


def test_a_vllm_that_is_made_in_another_way(host, caplog):
    del host._CLASS_TO_MODULE
    vllm.register()
    assert "this vLLM is left unpatched" in caplog.text
    assert "0.33.0" in caplog.text


@pytest.mark.parametrize("variable", ["KEYE_VL_RS", "KEYE_VL_RS_VLLM"])
def test_vllm_switched_off(variable, host, monkeypatch):
    monkeypatch.setenv(variable, "0")
    vllm.register()
    assert set(host._CLASS_TO_MODULE) == {"OtherProcessor"}


def test_sglang_has_what_enable_does(monkeypatch):
    calls = []
    monkeypatch.setattr(sglang, "enable", lambda: calls.append(switch.enable()))
    sglang.register()
    assert calls == [True]
    for variable in ("KEYE_VL_RS", "KEYE_VL_RS_SGLANG"):
        with monkeypatch.context() as patch:
            patch.setenv(variable, "0")
            sglang.register()
    assert calls == [True]


def test_a_process_of_a_server_starts_as_quickly_as_before():
    code = """
import sys
from importlib.metadata import entry_points
for group in ("vllm.general_plugins", "sglang.srt.plugins"):
    for entry in entry_points(group=group):
        if entry.name == "keye_vl_rs":
            entry.load()()
slow = {"torch", "transformers", "av", "PIL", "vllm", "sglang"} & set(sys.modules)
assert not slow, slow
"""
    subprocess.run([sys.executable, "-c", code], check=True)
