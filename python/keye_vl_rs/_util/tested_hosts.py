"""Which releases of each host this package was tested with, and what to say of others."""

from __future__ import annotations

import logging

from keye_vl_rs._util.warn_once import say_once
from keye_vl_rs.errors import UnsupportedHostError

__all__ = ["TESTED", "check_host"]

logger = logging.getLogger(__name__)

# The oldest that works comes first, the newest last. Those of keye-vl-utils are where its drop-ins
# are: integrations/keye_vl_utils.py.
TESTED = {
    "sglang": ("0.5.23",),
    "transformers": ("4.52.4", "4.57.6", "5.0.0", "5.19.0", "5.24.0"),
    "vllm": ("0.33.0",),
}


def check_host(host: str, version: str) -> None:
    """Raise for a release that is too old, and warn once of one that is of a later generation.

    Raises:
        UnsupportedHostError: the release is older than the oldest that was tested.
    """
    # Not before it is needed: a server's plugin asks for names alone.
    from packaging.version import InvalidVersion, Version

    tested = TESTED[host]
    tried = f"tried with {', '.join(tested)}"
    try:
        given = Version(version)
    except InvalidVersion:
        say_once(logger, f"{host} {version}: not a release that keye-vl-rs knows; {tried}")
        return
    if given < Version(tested[0]):
        raise UnsupportedHostError(
            f"{host} {version}: expected {tested[0]} or later, for keye-vl-rs was {tried}"
        )
    if given.major > Version(tested[-1]).major:
        say_once(logger, f"{host} {version}: newer than what keye-vl-rs was {tried}")
