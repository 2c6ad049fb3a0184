"""Test that the stub file matches the compiled module."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from keye_vl_rs import _core

pytestmark = pytest.mark.one_level


def stub_nodes(kind):
    stub = Path(_core.__file__).with_name("_core.pyi").read_text()
    return {node.name: node for node in ast.parse(stub).body if isinstance(node, kind)}


def stub_functions():
    return stub_nodes(ast.FunctionDef)


def test_the_stub_has_the_names_of_the_module():
    public = {name for name in dir(_core) if not name.startswith("_")}
    assert set(stub_nodes((ast.FunctionDef, ast.ClassDef))) == public


@pytest.mark.parametrize("name", sorted(stub_nodes(ast.ClassDef)))
def test_the_stub_has_the_methods_of_the_classes(name):
    methods = {node.name for node in stub_nodes(ast.ClassDef)[name].body if hasattr(node, "name")}
    public = {method for method in dir(getattr(_core, name)) if not method.startswith("_")}
    assert {method for method in methods if not method.startswith("_")} == public


@pytest.mark.parametrize("name", sorted(stub_functions()))
def test_the_stub_has_the_arguments_of_the_module(name):
    arguments = stub_functions()[name].args
    positional = [(a.arg, "POSITIONAL_OR_KEYWORD") for a in arguments.args]
    stubbed = positional + [(a.arg, "KEYWORD_ONLY") for a in arguments.kwonlyargs]
    parameters = inspect.signature(getattr(_core, name)).parameters.values()
    assert [(p.name, p.kind.name) for p in parameters] == stubbed
    defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    defaults += arguments.kw_defaults
    for parameter, default in zip(parameters, defaults, strict=True):
        assert (parameter.default is parameter.empty) == (default is None), parameter.name
        if default is not None and parameter.default is not Ellipsis:
            assert parameter.default == ast.literal_eval(default), parameter.name


def test_the_stub_says_what_is_returned():
    assert all(node.returns is not None for node in stub_functions().values())
    assert all(ast.get_docstring(node) for node in stub_functions().values())
