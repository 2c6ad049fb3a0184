"""Enable and disable this package in existing programs.

    import keye_vl_rs
    keye_vl_rs.enable()

Call it before other imports: names that a program has imported already are not replaced.
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
    """Make this process use keye-vl-rs in place of ``keye_vl_utils`` and checkpoint processors.

    - ``keye_vl_utils`` provides the fused operator, which checkpoint processors look for, and the
      functions of :mod:`keye_vl_rs.vision_process`, even if it is imported later. A checkpoint
      processor takes its other path in calls with settings that it would not pass to the operator.
    - ``AutoProcessor``, ``AutoImageProcessor`` and ``AutoVideoProcessor`` of transformers return
      this package's classes for Keye-VL-1.5: always from transformers 5.5 on, and without
      ``trust_remote_code=True`` before.

    The call imports nothing and can be repeated. Results stay the same to the last bit, except
    where the replaced code is wrong (``docs/differences.md`` lists these cases) and with
    ``resample="bicubic"``.

    Args:
        resample: the filter of the fused operator: "bilinear", or "bicubic" as in the Keye team's
            operator.

    Returns:
        False if ``KEYE_VL_RS=0`` disables this package, else True.
        ``ENABLE_FUSION_PROCESSOR_OP=0`` disables only the operator.

    Raises:
        InvalidArgumentError: ``resample`` is something else.
    """
    check_resample(resample)
    if switched_off():
        logger.info("keye_vl_rs.enable() does nothing, because KEYE_VL_RS is 0")
        return False

    def patch(package: ModuleType) -> None:
        operator = os.environ.get("ENABLE_FUSION_PROCESSOR_OP", "1").strip() != "0"
        if operator:
            keye_vl_utils.install_operator(package, resample)
        keye_vl_utils.install_vision_process(package)
        if operator:
            when_imported(fused_branch.MODULE, fused_branch.install)

    with _lock:
        when_imported(keye_vl_utils.NAME, patch)
        for name in transformers.AUTO_MODULES:
            when_imported(name, transformers.register)
    return True


def disable() -> None:
    """Undo :func:`enable`. Programs keep the names that they have imported in the meantime."""
    with _lock:
        forget(keye_vl_utils.NAME)
        keye_vl_utils.uninstall()
        forget(fused_branch.MODULE)
        fused_branch.uninstall()
        for name in transformers.AUTO_MODULES:
            forget(name)
            if name in sys.modules:
                transformers.unregister(sys.modules[name])


def switched_off(host: str | None = None) -> bool:
    """Return whether the environment disables this package, or its use in one host.

    ``KEYE_VL_RS=0`` disables all of it, and ``KEYE_VL_RS_<HOST>=0`` only that host.

    Args:
        host: such as "vllm"; None asks for the whole package.
    """
    names = ["KEYE_VL_RS"] if host is None else ["KEYE_VL_RS", f"KEYE_VL_RS_{host.upper()}"]
    return any(os.environ.get(name, "").strip() == "0" for name in names)
