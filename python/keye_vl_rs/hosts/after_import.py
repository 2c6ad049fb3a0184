"""Call a function as soon as a module has been imported, without importing it.

This is not ``wrapt.when_imported`` (2.5.2) for three reasons. A registered callback cannot be
withdrawn, and wrapt's finder stays first in ``sys.meta_path``, also after
:func:`keye_vl_rs.disable`. A callback that fails makes the host's own import fail. And importing
wrapt takes 60 ms; importing this package may take 150 ms.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__all__ = ["forget", "when_imported"]

logger = logging.getLogger(__name__)

Callback = Callable[[ModuleType], None]


def when_imported(name: str, callback: Callback) -> None:
    """Call ``callback(module)`` now if the module has been imported, otherwise after its import.

    A module has one callback; a later one replaces it.
    """
    if name in sys.modules:
        callback(sys.modules[name])
        return
    _FINDER.callbacks[name] = callback
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def forget(name: str) -> None:
    """Withdraw the callback of a module that has not been imported yet, if there is one."""
    _FINDER.callbacks.pop(name, None)
    if not _FINDER.callbacks and _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)


class _Finder(MetaPathFinder):
    """Wrap the loaders of modules with a callback."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callback] = {}
        self._delegating = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.callbacks or getattr(self._delegating, "now", False):
            return None
        self._delegating.now = True
        try:
            spec = find_spec(fullname)
        finally:
            self._delegating.now = False
        if spec is not None and spec.loader is not None:
            spec.loader = _CallbackLoader(spec.loader)
        return spec

    def imported(self, module: ModuleType) -> None:
        """Run the callback of an imported module, and log its errors: the import succeeded."""
        callback = self.callbacks.get(module.__name__)
        forget(module.__name__)
        try:
            if callback is not None:
                callback(module)
        except Exception:
            logger.exception("%s is left unpatched", module.__name__)


class _CallbackLoader(Loader):
    """Wrap a loader, and run the callback after the import."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        # The module keeps its own loader: others find its source and its data through it.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _FINDER.imported(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


_FINDER = _Finder()
