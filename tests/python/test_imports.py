"""Test that importing the package is quick: what takes long is imported on first use."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.without_pixels

SLOW = ("torch", "transformers", "av", "numpy", "PIL", "httpx", "typer", "rich", "urllib.request")
# It imports 234 modules, the standard library's included: 0.1 s. One more library would be seen.
MOST_MODULES = 260


def test_importing_the_package_imports_little():
    code = "import json, sys, keye_vl_rs; print(json.dumps(list(sys.modules)))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    modules = json.loads(process.stdout)
    assert [name for name in SLOW if name in modules] == []
    assert len(modules) < MOST_MODULES
