"""List the tested releases of each host, and check the installed one."""

from __future__ import annotations

import logging

from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import UnsupportedHostError

__all__ = ["KEYE_VL_UTILS_FACADES", "TESTED", "check_host"]

logger = logging.getLogger(__name__)

# The module that replaces the vision_process of each tested release of keye-vl-utils.
KEYE_VL_UTILS_FACADES = {
    "1.0.0": "keye_vl_rs.preview.vision_process",
    "1.5.2": "keye_vl_rs.vision_process",
}
# Oldest supported release first, newest tested last.
TESTED = {
    "keye-vl-utils": tuple(KEYE_VL_UTILS_FACADES),
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
