"""List the tested releases of each host, and check the installed one."""

from __future__ import annotations

import logging

from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import UnsupportedHostError

__all__ = ["TESTED", "check_host"]

logger = logging.getLogger(__name__)

# Oldest supported release first, newest tested last. Those of keye-vl-utils are next to its
# replacements, in hosts/keye_vl_utils.py.
TESTED = {
    "sglang": ("0.5.23",),
    "transformers": ("4.52.4", "4.57.6", "5.0.0", "5.19.0", "5.24.0"),
    "vllm": ("0.33.0",),
}


def check_host(host: str, version: str) -> None:
    """Raise for a release that is too old, and warn once about one of a later major version.

    Raises:
        UnsupportedHostError: the release is older than the oldest tested one.
    """
    # Imported only when needed: plugins of servers only register names.
    from packaging.version import InvalidVersion, Version

    tested = TESTED[host]
    releases = f"tested with {', '.join(tested)}"
    try:
        given = Version(version)
    except InvalidVersion:
        warn_once(logger, f"{host} {version}: unknown version number; keye-vl-rs was {releases}")
        return
    if given < Version(tested[0]):
        raise UnsupportedHostError(
            f"{host} {version} is too old: install {tested[0]} or later (keye-vl-rs was {releases})"
        )
    if given.major > Version(tested[-1]).major:
        warn_once(logger, f"{host} {version} is untested: keye-vl-rs was {releases}")
