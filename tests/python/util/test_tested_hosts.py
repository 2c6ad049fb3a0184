"""Test hosts of releases that were not tested."""

from __future__ import annotations

import pytest
import transformers

from keye_vl_rs._util.tested_hosts import TESTED, check_host
from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import UnsupportedHostError

pytestmark = pytest.mark.one_level


@pytest.fixture(autouse=True)
def nothing_said_yet():
    warn_once.cache_clear()


def test_the_host_of_this_test(caplog):
    check_host("transformers", transformers.__version__)
    for version in (*TESTED["transformers"], "5.99.1"):
        check_host("transformers", version)
    assert not caplog.text


def test_too_old():
    with pytest.raises(UnsupportedHostError, match=r"4.52.3 is too old: install 4.52.4 or later"):
        check_host("transformers", "4.52.3")
    assert issubclass(UnsupportedHostError, ImportError)


@pytest.mark.parametrize("version", ["6.0.0", "9.1.dev0", "unknown"])
def test_one_warning_of_what_is_not_known(version, caplog):
    for _ in range(2):
        check_host("transformers", version)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"transformers {version}" in record.getMessage()
    for tested in TESTED["transformers"]:
        assert tested in record.getMessage()
