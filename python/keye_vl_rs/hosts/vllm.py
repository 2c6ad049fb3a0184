"""vLLM: a general plugin, which it loads by itself in each of its processes.

vLLM looks a checkpoint's processor up in ``vllm.transformers_utils.processors``, by the name that
the checkpoint states, before it asks transformers. There this plugin puts the one of this package;
vLLM's own multi-modal processing stays as it is and gets the same tensors sooner.
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
# The names by which checkpoints call their processors, and the modules that ours are in.
_OURS = {"KeyeVL1_5Processor": "keye_vl_rs.processors.processor"}


def register() -> None:
    """The entry point of the group ``vllm.general_plugins``; nothing is raised into vLLM.

    It can be called any number of times, and imports neither vLLM nor transformers.
    ``KEYE_VL_RS_VLLM=0`` or ``KEYE_VL_RS=0`` switches it off.
    """
    if switched_off("vllm"):
        logger.debug("vLLM keeps its checkpoints' processors: switched off by the environment")
        return
    when_imported(_PROCESSORS, place)


def place(processors: ModuleType) -> None:
    """Give vLLM's module of processors ours, by name."""
    by_name = getattr(processors, "_CLASS_TO_MODULE", None)
    if isinstance(by_name, dict) and hasattr(processors, "__getattr__"):
        # Imported when vLLM asks for it.
        by_name.update(_OURS)
        return
    logger.warning(
        "this vLLM keeps its checkpoints' processors: it looks them up in another way than what "
        "keye-vl-rs was tried with (%s)",
        ", ".join(TESTED["vllm"]),
    )
