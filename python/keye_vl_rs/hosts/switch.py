"""On and off: one call that has the programs, processors and servers of a process use this package.

    import keye_vl_rs
    keye_vl_rs.enable()

It is best made first, for a program keeps what it imported before.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from types import ModuleType

from keye_vl_rs._patches.fused_operator import check_resample
from keye_vl_rs.hosts import fused_branch, keye_vl_utils, transformers
from keye_vl_rs.hosts.after_import import forget, when_imported

__all__ = ["disable", "enable", "switched_off"]

logger = logging.getLogger(__name__)

_lock = threading.RLock()


def enable(*, resample: str = "bilinear") -> bool:
    """Have this process use keye-vl-rs wherever a host looks for what it replaces.

    - ``keye_vl_utils`` gives the fused operator that the published processors look for, and the
      functions of :mod:`keye_vl_rs.vision_process`; also when it is imported later. A published
      processor takes its own path in calls with settings that it would not hand to the operator.
    - ``AutoProcessor``, ``AutoImageProcessor`` and ``AutoVideoProcessor`` of transformers give this
      package's classes for Keye-VL-1.5: always from 5.5 on, and without ``trust_remote_code=True``
      before.

    Nothing is imported by the call. It can be repeated. Results stay what they were, to the last
    bit, with two exceptions: what the published code gets wrong (the documentation of the parts
    says what), and ``resample="bicubic"``.

    Args:
        resample: the filter of the fused operator: "bilinear", or "bicubic" as the operator of the
            Keye team has it.

    Returns:
        Whether anything was done: False if ``KEYE_VL_RS=0`` switches this package off.
        ``ENABLE_FUSION_PROCESSOR_OP=0`` switches off the operator alone.

    Raises:
        InvalidArgumentError: ``resample`` is something else.
    """
    check_resample(resample)
    if switched_off():
        logger.info("keye_vl_rs.enable() does nothing: KEYE_VL_RS is 0")
        return False

    def fill(package: ModuleType) -> None:
        operator = os.environ.get("ENABLE_FUSION_PROCESSOR_OP", "1").strip() != "0"
        if operator:
            keye_vl_utils.put_operator(package, resample)
        keye_vl_utils.put_vision_process(package)
        if operator:
            when_imported(fused_branch.MODULE, fused_branch.obey_calls)

    with _lock:
        when_imported(keye_vl_utils.NAME, fill)
        for name in transformers.AUTO_MODULES:
            when_imported(name, transformers.register)
    return True


def disable() -> None:
    """Take back what :func:`enable` did. Programs keep what they have imported meanwhile."""
    with _lock:
        forget(keye_vl_utils.NAME)
        keye_vl_utils.take_back()
        forget(fused_branch.MODULE)
        fused_branch.take_back()
        for name in transformers.AUTO_MODULES:
            forget(name)
            if name in sys.modules:
                transformers.unregister(sys.modules[name])


def switched_off(host: str | None = None) -> bool:
    """Whether the environment says no: ``KEYE_VL_RS=0``, or ``KEYE_VL_RS_<HOST>=0`` for a host."""
    names = ["KEYE_VL_RS"] if host is None else ["KEYE_VL_RS", f"KEYE_VL_RS_{host.upper()}"]
    return any(os.environ.get(name, "").strip() == "0" for name in names)
