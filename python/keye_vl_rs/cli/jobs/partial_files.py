"""Files that appear under their names when they are whole, and what is left where that failed.

A file is written under a temporary name beside its own: hidden, with the process in it and where
that runs. A process that is killed leaves it behind; the next one that has the same file to write
sweeps it away.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

__all__ = ["discard_partials", "partial_of", "sweep_partials", "whole_file"]

_SUFFIX = ".partial"
# A writer adds to its file every second or so. One that did not for so long does not run, where its
# process cannot be asked: on another machine, or where its number was given to another process.
_ABANDONED_S = 3600
# Longer names of files give way to a digest, for with what is added a name may be too long.
_LONGEST_NAME = 180
# Of this process, and in use.
_in_use: set[Path] = set()


@contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """A new file to write, which takes the name ``target`` once all of it is on the disk.

    So neither a kill nor a crash of the machine leaves a part of a file under that name. If the
    block raises, there is no new file, and one that had the name before is untouched. Of two
    processes that write the same file, the later one's stays.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(target)
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


def partial_of(target: Path) -> Path:
    """The name under which this process writes ``target``."""
    return target.with_name(f".{_stem(target.name)}.{_host()}-{os.getpid()}{_SUFFIX}")


def sweep_partials(targets: Iterable[Path]) -> None:
    """Remove the partial files of ``targets`` whose writers do not run any more."""
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
    """Remove what threads of this process still write, and are not waited for."""
    for partial in list(_in_use):
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _stem(name: str) -> str:
    raw = os.fsencode(name)
    return name if len(raw) <= _LONGEST_NAME else hashlib.sha256(raw).hexdigest()


def _is_abandoned(path: Path, writer: str) -> bool:
    host, _, pid = writer.partition("-")
    if host == _host() and pid.isdigit() and not _may_run(int(pid)):
        return True
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED_S
    except OSError:
        return False


def _may_run(pid: int) -> bool:
    """Return whether another process has this number; True where that cannot be told."""
    if os.name != "posix":
        return True
    if pid == os.getpid():
        # What this process writes is in ``_in_use``: an earlier one had its number.
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
    """Where numbers of processes mean what they mean here: this machine since it was started.

    On a shared disk the same number may be that of a process of another machine, or container.
    """
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256(" ".join(parts).encode(errors="replace")).hexdigest()[:8]
