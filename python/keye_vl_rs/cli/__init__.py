"""Provide the command line of the package, the script ``keye-vl-rs``.

``commands`` defines the commands and ``options`` their options. ``outputs`` decides which file each
video is written to, ``jobs`` does the work, and ``report`` formats results. ``bench`` compares the
speed with the reference implementation's.
"""

from __future__ import annotations

from keye_vl_rs.cli.commands import app, main

__all__ = ["app", "main"]
