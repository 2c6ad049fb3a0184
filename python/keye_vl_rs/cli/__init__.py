"""Provide the command line of the package, the script ``keye-vl-rs``.

- ``commands`` defines the commands, ``options`` their options, and ``checks`` checks the values.
- ``probing`` defines the command ``probe``, and ``probe_report`` formats its results.
- ``outputs`` finds the videos and decides which file the output of each is written to.
- ``jobs`` does the work.
- ``report`` formats results, and ``standard_streams`` makes printing them safe.
- ``bench`` compares the speed with the reference implementation's.
"""

from __future__ import annotations

from keye_vl_rs.cli.commands import app, main

__all__ = ["app", "main"]
