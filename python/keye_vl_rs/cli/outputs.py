"""Find the videos to preprocess, and decide which file the output of each is written to."""

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

__all__ = [
    "REPORT_SUFFIXES",
    "SUFFIX",
    "VIDEO_SUFFIXES",
    "BadInput",
    "FoundVideo",
    "Job",
    "find_videos",
    "name_of_url",
    "plan_jobs",
]

SUFFIX = ".safetensors"
# The kinds of reports that ``inspect`` writes.
REPORT_SUFFIXES = (".html", ".png", ".json")
# The one suffix that an output's name drops.
DROPPED_SUFFIX = ".mp4"
# The files that count as videos in a folder. A file named on the command line is always tried.
VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
)


@dataclass(frozen=True)
class Job:
    """Hold a video, and the file to write its tensors to."""

    source: str
    target: Path


@dataclass(frozen=True)
class BadInput:
    """Hold an input that cannot be preprocessed, and why.

    Attributes:
        given: the input, as given on the command line.
        reason: the error message, which names the input.
        error_type: the class of the error, for JSON.
    """

    given: str
    reason: str
    error_type: type[KeyeVLError] = MediaError


@dataclass(frozen=True)
class FoundVideo:
    """Hold a video that an input stands for.

    Attributes:
        given: the input, as given on the command line.
        source: the file or URL.
        path: the path of the file; the name of the file for a URL.
        folder: the folder that the output keeps none of: the input, if it is a folder.
    """

    given: str
    source: str
    path: Path
    folder: Path


def find_videos(inputs: Sequence[str]) -> tuple[list[FoundVideo], list[BadInput]]:
    """Return the videos that files, folders and URLs stand for, and the inputs that are none.

    A folder stands for all videos in it and its subfolders, except hidden files and hidden folders.
    """
    found: list[FoundVideo] = []
    bad: list[BadInput] = []
    for given in inputs:
        shown = describe_source(given)
        if is_encoded(given):
            reason = f"{shown}: is encoded data: expected a file, a folder or a URL"
            bad.append(BadInput(shown, reason, InvalidArgumentError))
            continue
        if "://" in given:
            found.append(FoundVideo(given, given, Path(name_of_url(given)), Path()))
            continue
        try:
            is_folder = stat.S_ISDIR(os.stat(given).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            reason = f"{shown}: no such file or folder{tilde_hint(given)}"
            bad.append(BadInput(shown, reason, MediaNotFoundError))
        except (OSError, ValueError) as error:
            bad.append(BadInput(shown, _unreadable(shown, error)))
        else:
            path = Path(given)
            if is_folder:
                below = _videos_below(path, bad)
                found += [FoundVideo(given, str(one), one, path) for one in below]
            else:
                found.append(FoundVideo(given, given, path, path.parent))
    return found, bad


def plan_jobs(inputs: Sequence[str], output: Path | None) -> tuple[list[Job], list[BadInput]]:
    """Return the jobs for files, folders and URLs, and the inputs that cannot be preprocessed.

    A folder stands for all videos in it and its subfolders, except hidden files and hidden folders.
    An output is named after its video, ``a.safetensors`` for ``a.mp4`` and ``a.webm.safetensors``
    for ``a.webm``. It is placed beside the video, or below ``output``, which keeps the subfolders
    of input folders. The name depends on that one video only, so that new videos never change the
    names of earlier outputs.

    A video given twice with the same output is one job. Different videos with the same output are
    all errors, whatever their order.

    Args:
        inputs: files, folders and URLs.
        output: folder for the outputs, or the output file if there is only one video. None for
            outputs beside the videos.

    Raises:
        InvalidArgumentError: ``output`` names a file, and there are several videos.
    """
    videos, bad = find_videos(inputs)
    found = [
        (one.source, one.path if output is None else one.path.relative_to(one.folder))
        for one in videos
    ]
    if output is not None and output.suffix == SUFFIX and not os.path.isdir(output):
        sources = list({_identity(source): source for source, _ in reversed(found)}.values())
        if len(sources) > 1:
            raise InvalidArgumentError(
                f"{output} names one file, but there are {len(sources)} videos: give a folder"
            )
        return [Job(source, output) for source in sources], bad
    folder = output or Path()
    jobs = [Job(source, folder / _output_name(path)) for source, path in found]
    return _without_conflicts(jobs, bad), bad


def _output_name(video: Path) -> Path:
    """Return the output of a video: only the most common suffix is replaced.

    If every suffix were, ``a.mp4`` and ``a.webm`` would have the same output.
    """
    if video.suffix == DROPPED_SUFFIX:
        return video.with_suffix(SUFFIX)
    return video.with_name(video.name + SUFFIX)


def _videos_below(folder: Path, bad: list[BadInput]) -> list[Path]:
    """Return the videos below a folder in order; add folders that cannot be listed to ``bad``."""
    videos: list[Path] = []
    unreadable: list[OSError] = []
    # Links to folders are not followed, since they may form a cycle.
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        videos += [
            Path(parent, name)
            for name in names
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith(".")
        ]
    for error in unreadable:
        name = describe_source(os.fsdecode(error.filename or folder))
        bad.append(BadInput(name, _unreadable(name, error)))
    if not videos and not unreadable:
        reason = (
            f"no videos in this folder (suffixes: {' '.join(VIDEO_SUFFIXES)}; hidden files are "
            "ignored): to try a file with another suffix, name it"
        )
        name = describe_source(folder)
        bad.append(BadInput(name, f"{name}: {reason}", MediaNotFoundError))
    return sorted(videos)


def _unreadable(name: str, error: OSError | ValueError) -> str:
    return f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}"


def name_of_url(url: str) -> str:
    """Return the last part of a URL's path, or else its host.

    The query is left out: it may hold a password, or a signature that changes every time.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        # The error is reported when the URL is fetched.
        return "video"
    name = parts.path.rstrip("/").rpartition("/")[2]
    return host or "video" if name in ("", ".", "..") else name


def _identity(source: str) -> str:
    return source if "://" in source else os.path.realpath(source)


def _without_conflicts(jobs: Iterable[Job], bad: list[BadInput]) -> list[Job]:
    """Return the jobs that have an output of their own; add the others to ``bad``."""
    by_folded_name: dict[str, list[Job]] = {}
    for job in jobs:
        by_folded_name.setdefault(_case_folded(_resolved(job.target)), []).append(job)
    unique: list[Job] = []
    for similar in by_folded_name.values():
        by_file: dict[str, dict[str, Job]] = {}
        # Names that differ only in case are the same file on some file systems.
        differ = len({_resolved(job.target) for job in similar}) > 1
        same_file = differ and _ignores_case(similar[0].target.parent)
        for job in similar:
            file = "" if same_file else _resolved(job.target)
            by_file.setdefault(file, {}).setdefault(_identity(job.source), job)
        for by_source in by_file.values():
            sources = [describe_source(job.source) for job in by_source.values()]
            if len(by_source) == 1:
                unique += by_source.values()
                continue
            for number, job in enumerate(by_source.values()):
                others = sources[:number] + sources[number + 1 :]
                more = f" and {len(others) - 1} more" if len(others) > 1 else ""
                reason = (
                    f"{sources[number]}: its output {job.target} is also that of {others[0]}"
                    f"{more}: preprocess them in separate runs, each with its own --output"
                )
                bad.append(BadInput(job.source, reason, InvalidArgumentError))
    return unique


def _resolved(target: Path) -> str:
    return os.path.join(os.path.realpath(target.parent), target.name)


def _case_folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _ignores_case(folder: Path) -> bool:
    """Return whether a folder's file system ignores case; the folder need not exist yet.

    Tries it with a temporary file. Returns False if none can be created.
    """
    existing = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    try:
        with tempfile.NamedTemporaryFile(prefix=".keye-vl-case-", dir=existing) as file:
            path = Path(file.name)
            return path.with_name(path.name.upper()).exists()
    except OSError:
        return False
