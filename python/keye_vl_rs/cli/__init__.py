"""The command line: ``commands``, their ``options``, and the ``jobs`` that do the work."""

from __future__ import annotations

from keye_vl_rs.cli.commands import app, main

__all__ = ["app", "main"]
