"""Files that hold results: where they go."""

from __future__ import annotations

import os
import stat
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keye_vl_rs._media.encoded_sources import is_encoded
from keye_vl_rs._media.sources import describe_source, tilde_hint
from keye_vl_rs.errors import InvalidArgumentError, KeyeVLError, MediaError, MediaNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["SUFFIX", "VIDEO_SUFFIXES", "BadInput", "Job", "plan_jobs"]

SUFFIX = ".safetensors"
USUAL_SUFFIX = ".mp4"
# What is taken for a video in a folder; a file that is named is always tried.
VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
)


@dataclass(frozen=True)
class Job:
    """A video, and the file that its tensors go to."""

    source: str
    target: Path


@dataclass(frozen=True)
class BadInput:
    """Something on the command line that holds no video, and what is wrong with it.

    Attributes:
        given: as it was.
        reason: for a message, in which it is named.
        error_type: the class that says the same, for programs.
    """

    given: str
    reason: str
    error_type: type[KeyeVLError] = MediaError


def plan_jobs(inputs: Sequence[str], output: Path | None) -> tuple[list[Job], list[BadInput]]:
    """Return what to do for files, folders and addresses, and what is wrong with some of them.

    A folder stands for every video in it and below, except for hidden files and what is in hidden
    folders. A result is named after its video, ``a.safetensors`` for ``a.mp4`` and
    ``a.webm.safetensors`` for ``a.webm``, and goes beside it, or below ``output``, where a folder
    keeps its inner structure. The name depends on that one input and never on the others, so that
    a new video changes nothing about those that were done.

    One file that is given twice for one result is done once. Different inputs whose results would
    be one file are all errors, in whatever order they come. ``output`` may name the file itself
    where there is one video.

    Raises:
        InvalidArgumentError: ``output`` names a file, and there are several videos.
    """
    found: list[tuple[str, Path]] = []
    bad: list[BadInput] = []
    for given in inputs:
        shown = describe_source(given)
        if is_encoded(given):
            reason = f"{shown}: expected a file, a folder or an address"
            bad.append(BadInput(shown, reason, InvalidArgumentError))
            continue
        if "://" in given:
            found.append((given, Path(_name_of_address(given))))
            continue
        try:
            is_folder = stat.S_ISDIR(os.stat(given).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            reason = f"{shown}: no such file or folder{tilde_hint(given)}"
            bad.append(BadInput(shown, reason, MediaNotFoundError))
        except (OSError, ValueError) as error:
            bad.append(BadInput(shown, _cannot_be_read(shown, error)))
        else:
            path = Path(given)
            if is_folder:
                videos = _videos_below(path, bad)
                found += [(str(v), v if output is None else v.relative_to(path)) for v in videos]
            else:
                found.append((given, path if output is None else Path(path.name)))
    if output is not None and output.suffix == SUFFIX and not os.path.isdir(output):
        sources = list({_identity(source): source for source, _ in reversed(found)}.values())
        if len(sources) > 1:
            raise InvalidArgumentError(
                f"{output}: expected a folder for the results of {len(sources)} videos"
            )
        return [Job(source, output) for source in sources], bad
    folder = output or Path()
    jobs = [Job(source, folder / _result_of(path)) for source, path in found]
    return _without_clashes(jobs, bad), bad


def _result_of(video: Path) -> Path:
    """Return where a video's result goes: only the usual suffix gives way to the result's.

    If every suffix did, ``a.mp4`` and ``a.webm`` would have one result.
    """
    if video.suffix == USUAL_SUFFIX:
        return video.with_suffix(SUFFIX)
    return video.with_name(video.name + SUFFIX)


def _videos_below(folder: Path, bad: list[BadInput]) -> list[Path]:
    """Return a folder's videos in order; add what cannot be listed to ``bad``."""
    videos: list[Path] = []
    unreadable: list[OSError] = []
    # Links to folders are not followed, so that a circle of them has an end.
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        videos += [
            Path(parent, name)
            for name in names
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith(".")
        ]
    for error in unreadable:
        name = describe_source(os.fsdecode(error.filename or folder))
        bad.append(BadInput(name, _cannot_be_read(name, error)))
    if not videos and not unreadable:
        reason = f"holds no video (no file in {' '.join(VIDEO_SUFFIXES)}; hidden ones do not count)"
        name = describe_source(folder)
        bad.append(BadInput(name, f"{name}: {reason}", MediaNotFoundError))
    return sorted(videos)


def _cannot_be_read(name: str, error: OSError | ValueError) -> str:
    return f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}"


def _name_of_address(address: str) -> str:
    """Return the last part of an address's path, or else its host.

    The query is left out: it may hold a password, or a signature that is another every time.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        # What is wrong with the address is said when it is fetched.
        return "video"
    name = parts.path.rstrip("/").rpartition("/")[2]
    return host or "video" if name in ("", ".", "..") else name


def _identity(source: str) -> str:
    return source if "://" in source else os.path.realpath(source)


def _without_clashes(jobs: Iterable[Job], bad: list[BadInput]) -> list[Job]:
    """Return the jobs whose results are theirs alone; add the others to ``bad``."""
    by_name: dict[str, list[Job]] = {}
    for job in jobs:
        by_name.setdefault(_folded(_real(job.target)), []).append(job)
    kept: list[Job] = []
    for alike in by_name.values():
        by_file: dict[str, dict[str, Job]] = {}
        # Whether two names that differ in case are one file is for the file system to say.
        differ = len({_real(job.target) for job in alike}) > 1
        one_file = differ and _ignores_case(alike[0].target.parent)
        for job in alike:
            file = "" if one_file else _real(job.target)
            by_file.setdefault(file, {}).setdefault(_identity(job.source), job)
        for of_file in by_file.values():
            sources = [describe_source(job.source) for job in of_file.values()]
            if len(of_file) == 1:
                kept += of_file.values()
                continue
            for number, job in enumerate(of_file.values()):
                others = sources[:number] + sources[number + 1 :]
                more = f" and {len(others) - 1} more" if len(others) > 1 else ""
                reason = (
                    f"{sources[number]}: its result {job.target} would also be that of {others[0]}"
                    f"{more}: preprocess them in separate runs, each with its own --output"
                )
                bad.append(BadInput(job.source, reason, InvalidArgumentError))
    return kept


def _real(target: Path) -> str:
    return os.path.join(os.path.realpath(target.parent), target.name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _ignores_case(folder: Path) -> bool:
    """Return whether names that differ in case alone are one file in a folder, or where it will be.

    False where that cannot be tried.
    """
    existing = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    try:
        with tempfile.NamedTemporaryFile(prefix=".keye-vl-case-", dir=existing) as file:
            path = Path(file.name)
            return path.with_name(path.name.upper()).exists()
    except OSError:
        return False
