"""Test callbacks that wait for a module to be imported."""

from __future__ import annotations

import importlib
import importlib.resources
import inspect
import sys

import pytest

from keye_vl_rs.hosts import after_import
from keye_vl_rs.hosts.after_import import forget, when_imported

pytestmark = pytest.mark.one_level

NAME = "keye_vl_rs_host_for_tests"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Return the name of a package that has not been imported."""
    package = tmp_path / NAME
    package.mkdir()
    (package / "__init__.py").write_text("from .part import answer\n")
    (package / "part.py").write_text("def answer():\n    return 42\n")
    (package / "data.txt").write_text("data")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield NAME
    for name in (NAME, f"{NAME}.part"):
        forget(name)
        sys.modules.pop(name, None)


def test_called_once_behind_the_import(host):
    seen = []
    when_imported(host, lambda module: seen.append(module.answer()))
    assert not seen
    assert host not in sys.modules
    module = importlib.import_module(host)
    assert seen == [42]
    importlib.reload(module)
    assert seen == [42]
    assert after_import._FINDER not in sys.meta_path


def test_called_at_once_if_imported_already(host):
    module, seen = importlib.import_module(host), []
    when_imported(host, seen.append)
    assert seen == [module]
    assert after_import._FINDER not in sys.meta_path


def test_a_part_of_a_package(host):
    seen = []
    when_imported(f"{host}.part", lambda module: seen.append(module.answer()))
    importlib.import_module(host)
    assert seen == [42]


def test_the_module_has_its_own_loader(host):
    when_imported(host, lambda module: None)
    module = importlib.import_module(host)
    assert type(module.__spec__.loader).__name__ == "SourceFileLoader"
    assert module.__loader__ is module.__spec__.loader
    assert importlib.resources.files(module).joinpath("data.txt").read_text() == "data"
    assert "answer" in inspect.getsource(module)


def test_the_last_callback_counts_until_it_is_forgotten(host):
    seen = []
    when_imported(host, lambda module: seen.append("first"))
    when_imported(host, lambda module: seen.append("second"))
    importlib.import_module(host)
    assert seen == ["second"]
    del sys.modules[host]
    when_imported(host, lambda module: seen.append("third"))
    forget(host)
    assert after_import._FINDER not in sys.meta_path
    importlib.import_module(host)
    assert seen == ["second"]


def test_what_fails_there_does_not_reach_the_host(host, caplog):
    def fail(module):
        raise RuntimeError("not this time")

    when_imported(host, fail)
    assert importlib.import_module(host).answer() == 42
    assert "keye_vl_rs_host_for_tests is left unpatched" in caplog.text
    assert "not this time" in caplog.text


def test_a_host_that_is_not_there():
    when_imported(NAME, lambda module: None)
    try:
        assert importlib.util.find_spec(NAME) is None
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(NAME)
    finally:
        forget(NAME)
