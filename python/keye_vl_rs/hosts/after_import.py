"""Call a function as soon as a module has been imported, without importing it.

``wrapt.when_imported`` (2.5.2) would lose something. A function that waits cannot be taken back,
and wrapt's finder stays first in ``sys.meta_path`` for the life of the process, also after
:func:`keye_vl_rs.disable`. If the function fails, the host's own import fails. And ``import wrapt``
takes 60 ms, where ``import keye_vl_rs`` may take 150 ms.
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
    """Call ``callback(module)`` now if the module has been imported, else as soon as it is.

    One callback waits for a module; a later one takes its place.
    """
    if name in sys.modules:
        callback(sys.modules[name])
        return
    _FINDER.waiting[name] = callback
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def forget(name: str) -> None:
    """Let the callback that waits for a module, if there is one, not be called any more."""
    _FINDER.waiting.pop(name, None)
    if not _FINDER.waiting and _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)


class _Finder(MetaPathFinder):
    """Finds modules that are waited for as everybody else does, and has their loaders tell."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callback] = {}
        self._asking = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.waiting or getattr(self._asking, "now", False):
            return None
        self._asking.now = True
        try:
            spec = find_spec(fullname)
        finally:
            self._asking.now = False
        if spec is not None and spec.loader is not None:
            spec.loader = _TellingLoader(spec.loader)
        return spec

    def imported(self, module: ModuleType) -> None:
        """Call what waits for the module; whatever happens there, the module has been imported."""
        callback = self.waiting.get(module.__name__)
        forget(module.__name__)
        try:
            if callback is not None:
                callback(module)
        except Exception:
            logger.exception("%s is left as it is", module.__name__)


class _TellingLoader(Loader):
    """The loader that it is given, but for a word at the end."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        # The module is to have its own loader, by which others find its source and its data.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _FINDER.imported(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


_FINDER = _Finder()
