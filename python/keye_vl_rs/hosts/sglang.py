"""SGLang: a plugin, which it loads by itself.

SGLang asks transformers' ``AutoProcessor`` for a checkpoint's processor, and its users read videos
with ``keye_vl_utils``: what :func:`keye_vl_rs.enable` does in any program does it here.
"""

from __future__ import annotations

import logging

from keye_vl_rs.hosts.switch import enable, switched_off

__all__ = ["register"]

logger = logging.getLogger(__name__)


def register() -> None:
    """The entry point of the group ``sglang.srt.plugins``; nothing is raised into SGLang.

    It can be called any number of times, and imports neither SGLang nor transformers.
    ``KEYE_VL_RS_SGLANG=0`` or ``KEYE_VL_RS=0`` switches it off.
    """
    if switched_off("sglang"):
        logger.debug("SGLang keeps its checkpoints' processors: switched off by the environment")
        return
    enable()
