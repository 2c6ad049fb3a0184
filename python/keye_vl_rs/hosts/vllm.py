"""Add this package's processor to vLLM, as a general plugin that each vLLM process loads by itself.

vLLM looks up a checkpoint's processor in ``vllm.transformers_utils.processors``, by the name that
the checkpoint states, before it asks transformers. This plugin adds the processor of this package
there. vLLM's own multi-modal processing is not changed; it gets the same tensors sooner.
"""

from __future__ import annotations

import logging
from types import ModuleType

from keye_vl_rs._util.tested_hosts import TESTED
from keye_vl_rs.hosts.after_import import when_imported
from keye_vl_rs.hosts.switch import switched_off

__all__ = ["place", "register"]

logger = logging.getLogger(__name__)

_PROCESSORS = "vllm.transformers_utils.processors"
# The names of processors in checkpoints, and the modules of the classes that replace them.
_OURS = {"KeyeVL1_5Processor": "keye_vl_rs.processors.processor"}


def register() -> None:
    """Enable this package in vLLM: the entry point of the group ``vllm.general_plugins``.

    It can be called more than once, imports neither vLLM nor transformers, and raises nothing. Set
    ``KEYE_VL_RS_VLLM=0`` or ``KEYE_VL_RS=0`` to disable it.
    """
    if switched_off("vllm"):
        logger.debug("the vLLM plugin is disabled by the environment")
        return
    when_imported(_PROCESSORS, place)


def place(processors: ModuleType) -> None:
    """Add this package's processors to vLLM's module of processors."""
    by_name = getattr(processors, "_CLASS_TO_MODULE", None)
    if isinstance(by_name, dict) and hasattr(processors, "__getattr__"):
        # vLLM imports the modules when they are needed.
        by_name.update(_OURS)
        return
    logger.warning(
        "this vLLM is left unpatched and uses the processors of checkpoints: it looks them up in "
        "another way than the tested releases (%s)",
        ", ".join(TESTED["vllm"]),
    )
