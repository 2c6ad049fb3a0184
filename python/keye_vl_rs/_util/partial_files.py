"""Write files so that they appear only when complete, and remove partial files of killed processes.

A file is written under a temporary, hidden name in its own folder, and then renamed. The temporary
name contains the host and the process id. A killed process leaves the file behind; the next process
that writes the same output removes it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count, repeat
from pathlib import Path
from threading import Lock
from typing import IO

__all__ = ["discard_partials", "partial_of", "sweep_partials", "whole_file"]

_SUFFIX = ".partial"
# A writer adds to its file every second or so. Where its process cannot be looked up (on another
# machine, or because its id was reused), it counts as dead after this time without a write.
_ABANDONED_S = 3600
# Longer file names are replaced by a digest: with the additions a name could become too long.
_LONGEST_NAME = 180
# The partial files that this process is writing.
_in_use: set[Path] = set()
# Held while a name is chosen.
_reserving = Lock()


@contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """Open a new file that is renamed to ``target`` once all of it is on the disk.

    Neither a kill nor a crash of the machine leaves a partial file under that name. If the block
    raises, there is no new file, and an existing ``target`` is untouched. If two processes or
    threads write the same file, the later one wins.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _reserving:
        # Another thread may write the same file, and a killed process may have had the same id.
        partial = next(one for one in map(partial_of, repeat(target), count()) if _is_free(one))
        _in_use.add(partial)
    try:
        with open(partial, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
        _in_use.discard(partial)


def partial_of(target: Path, number: int = 0) -> Path:
    """Return the temporary name under which this process writes ``target``.

    Args:
        target: the file.
        number: how many such names are taken.
    """
    writer = f"{_host()}-{os.getpid()}" + (f"-{number}" if number else "")
    return target.with_name(f".{_stem(target.name)}.{writer}{_SUFFIX}")


def _is_free(partial: Path) -> bool:
    return partial not in _in_use and not os.path.lexists(partial)


def sweep_partials(targets: Iterable[Path]) -> None:
    """Remove the partial files of ``targets`` whose writers no longer run."""
    stems: dict[Path, set[str]] = {}
    for target in targets:
        stems.setdefault(target.parent, set()).add(_stem(target.name))
    for folder, wanted in stems.items():
        # A folder that does not exist yet, or that cannot be listed, is no error here.
        with suppress(OSError):
            for path in folder.glob(f".*{_SUFFIX}"):
                stem, _, writer = path.name.removesuffix(_SUFFIX)[1:].rpartition(".")
                if stem in wanted and path not in _in_use and _is_abandoned(path, writer):
                    with suppress(OSError):
                        path.unlink()


def discard_partials() -> None:
    """Remove the files that abandoned threads of this process are still writing."""
    for partial in list(_in_use):
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _stem(name: str) -> str:
    raw = os.fsencode(name)
    return name if len(raw) <= _LONGEST_NAME else hashlib.sha256(raw).hexdigest()


def _is_abandoned(path: Path, writer: str) -> bool:
    host, pid, *_ = [*writer.split("-"), ""]
    if host == _host() and pid.isdigit() and not _may_run(int(pid)):
        return True
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED_S
    except OSError:
        return False


def _may_run(pid: int) -> bool:
    """Tell if another process may have this id."""
    if os.name != "posix":
        return True
    if pid == os.getpid():
        # Files of this process are in ``_in_use``: an earlier process had the same id.
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


@cache
def _host() -> str:
    """Return a digest of what makes process ids unique: host, boot and container.

    On a shared disk, a process of another machine or container may have the same id.
    """
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256(" ".join(parts).encode(errors="replace")).hexdigest()[:8]
