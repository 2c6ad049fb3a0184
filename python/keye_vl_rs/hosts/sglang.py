"""Enable this package in SGLang, as a plugin that SGLang loads by itself.

SGLang gets a checkpoint's processor from transformers' ``AutoProcessor``, and its users read videos
with ``keye_vl_utils``, so :func:`keye_vl_rs.enable` is all that it needs.
"""

from __future__ import annotations

import logging

from keye_vl_rs.hosts.switch import enable, switched_off

__all__ = ["register"]

logger = logging.getLogger(__name__)


def register() -> None:
    """Enable this package in SGLang: the entry point of the group ``sglang.srt.plugins``.

    It can be called more than once, imports neither SGLang nor transformers, and raises nothing.
    Set ``KEYE_VL_RS_SGLANG=0`` or ``KEYE_VL_RS=0`` to disable it.
    """
    if switched_off("sglang"):
        logger.debug("the SGLang plugin is disabled by the environment")
        return
    enable()
