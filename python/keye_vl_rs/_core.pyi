"""The compiled core. Private: each function is wrapped once by a module of the package.

Frames are uint8 arrays (N, H, W, 3) or (N, 3, H, W), of any strides; an array that could be either
is taken as channels-first. Functions on frames release the GIL while they compute and run on one
shared thread pool; every function raises the exceptions of ``keye_vl_rs.errors``.
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

__all__ = [
    "ComparableFrame",
    "FrameComparer",
    "ImageBands",
    "SlowFastSplitter",
    "__version__",
    "describe_packet",
    "frame_similarity",
    "hsv_from_rgb",
    "nal_length_size",
    "plan_sizes",
    "resize",
    "simd_level",
    "simd_levels",
    "slow_fast",
    "smart_resize",
    "thread_count",
    "write_patches",
]

__version__: str

def simd_level() -> str:
    """Return the instruction set in use, such as "scalar" or "avx2"."""

def simd_levels() -> list[str]:
    """Return the instruction sets of this CPU that the core supports; the last is the default."""

def thread_count() -> int:
    """Return the number of threads that the next call uses.

    It is ``KEYE_VL_UTILS_PARALLEL_NUM``, else ``OMP_NUM_THREADS``, else the number of cores that
    this process may use.
    """

def smart_resize(
    height: int,
    width: int,
    factor: int,
    min_pixels: float,
    max_pixels: float,
    max_ratio: float = 200.0,
) -> tuple[int, int]:
    """Return (height, width) in multiples of ``factor``, with as many pixels as allowed."""

def plan_sizes(
    height: int,
    width: int,
    slow_frames: int,
    fast_frames: int,
    *,
    factor: int,
    min_pixels: float,
    max_pixels: float,
    total_pixels: float,
    video_min_pixels: float,
    fast_token_ratio: float,
    max_ratio: float = 200.0,
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return ((slow height, slow width), (fast height, fast width)) of a video.

    All its frames together have at most ``total_pixels``, unless ``video_min_pixels`` forbids it.
    """

def resize(
    frames: NDArray[np.uint8], height: int, width: int, *, kernel: str = "bilinear"
) -> NDArray[np.uint8]:
    """Resize frames with antialiasing; return uint8 (N, height, width, 3).

    ``kernel`` is "bilinear" or "bicubic", with the bytes of torch, or "pillow-bilinear" or
    "pillow-bicubic", with those of Pillow where it resizes rows before columns.
    """

def hsv_from_rgb(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert RGB frames to HSV, (N, H, W, 3), with hue in 0..179."""

def frame_similarity(
    a: NDArray[np.uint8], b: NDArray[np.uint8], *, patch_size: int, patch_similarity: float
) -> float:
    """Return the share of unchanged patches between two RGB frames, (H, W, 3) or (3, H, W).

    The result is NaN if every patch is black in both.
    """

def slow_fast(
    frames: NDArray[np.uint8],
    height: int,
    width: int,
    *,
    patch_size: int,
    patch_similarity: float,
    min_frame_similarity: float,
) -> NDArray[np.int32]:
    """Classify frames as 0 (slow) or 1 (fast), int32 (N,), comparing them at (height, width)."""

@final
class SlowFastSplitter:
    """An incremental :func:`slow_fast` for frames that arrive one by one.

    It takes frames of (frame_height, frame_width) and compares them at (height, width). It holds
    two frames of that size, however many are pushed.
    """

    def __new__(
        cls,
        frame_height: int,
        frame_width: int,
        height: int,
        width: int,
        *,
        patch_size: int,
        patch_similarity: float,
        min_frame_similarity: float,
    ) -> Self: ...
    def push(self, frame: NDArray[np.uint8]) -> int:
        """Classify the next frame, (H, W, 3) or (3, H, W), as 0 (slow) or 1 (fast).

        Releases the GIL while it computes. A frame of another size raises FramesShapeError and does
        not count; a push while another thread is pushing raises KeyeVLError.
        """

@final
class ComparableFrame:
    """A frame that :meth:`FrameComparer.prepare` returned."""

@final
class FrameComparer:
    """A comparison of any two frames, by the similarity that :class:`SlowFastSplitter` uses.

    It takes frames of (frame_height, frame_width) and compares them at (height, width). An instance
    can be shared by threads.
    """

    def __new__(
        cls,
        frame_height: int,
        frame_width: int,
        height: int,
        width: int,
        *,
        patch_size: int,
        patch_similarity: float,
    ) -> Self: ...
    def prepare(self, frame: NDArray[np.uint8]) -> ComparableFrame:
        """Return one frame, (H, W, 3) or (3, H, W), at the size of the comparison and in HSV.

        It takes height * width * 3 bytes. Releases the GIL while it computes.
        """

    def compare(self, earlier: ComparableFrame, later: ComparableFrame) -> tuple[float, bytes]:
        """Return (similarity, changes) of two frames that this comparer prepared.

        The similarity is the share of unchanged patches that the splitter compares with its
        threshold, NaN if all patches are black in both frames. Changes have one byte per patch, row
        by row: 0 unchanged, 1 changed, 2 black in both frames, which does not count. Releases the
        GIL while it computes.
        """

@final
class ImageBands:
    """A converter of images of one size to patches, in bands of rows of patches.

    Both sizes are (height, width); ``kernel`` is as for :func:`resize`. An instance can be shared
    by threads; its length is the number of bands.
    """

    def __new__(
        cls, image_size: tuple[int, int], size: tuple[int, int], *, patch_size: int, kernel: str
    ) -> Self: ...
    def __len__(self) -> int: ...
    def source_rows(self, first: int, end: int) -> tuple[int, int]:
        """Return (first, end) of the image rows from which bands ``first`` to ``end`` are made."""

    def write_patches(
        self,
        rows: NDArray[np.uint8] | tuple[object, object],
        first: int,
        end: int,
        out: NDArray[Any],
        *,
        dtype: str = "float32",
        rescale_factor: float,
        image_mean: tuple[float, float, float],
        image_std: tuple[float, float, float],
    ) -> None:
        """Write bands ``first`` to ``end`` to ``out``, as :func:`write_patches` does.

        ``rows`` are those of :meth:`source_rows`: an array (3, rows, W) or (rows, W, 3), or the
        result of ``__arrow_c_array__()`` of a Pillow image in mode RGB. Releases the GIL while it
        computes, on the calling thread only.
        """

def nal_length_size(codec: str, extradata: bytes) -> int:
    """Return the number of length bytes before each NAL unit in a stream's packets.

    It is 1 to 4, read from the ``extradata`` of the container; 0 for start codes (Annex B) and for
    codecs without NAL units; 5 if the record is truncated, with which :func:`describe_packet` finds
    nothing. ``codec`` is FFmpeg's name.
    """

def describe_packet(
    codec: str, nal_length_size: int, packet: NDArray[np.uint8]
) -> tuple[bool, bool, int, bool, bool, bool]:
    """Return what a compressed packet says about itself.

    The result is (random_access, disposable, temporal_layer, parameter_sets, without_picture,
    unreadable):

    - random_access: decoding can start here, and every frame presented at or after this one is
      exact.
    - disposable (H.264 and HEVC only): no other picture refers to this one; in HEVC only if
      temporal_layer is the highest of the stream, and only in progressive streams, because a packet
      may be one field of a frame.
    - parameter_sets: the packet contains what later packets may need: parameter sets, or messages
      on film grain or on the display orientation.
    - without_picture (not in VP8, VP9 and AV1): the packet contains no part of a picture.
    - unreadable: the packet is not empty, and its headers are not valid for the codec.

    ``codec`` is FFmpeg's name: h264, hevc, mpeg1video, mpeg2video, vp8, vp9 or av1. For other
    codecs, and for damaged or truncated packets, all values but unreadable are False and 0.

    ``packet`` is a contiguous one-dimensional array: ``np.frombuffer(packet, np.uint8)``. Keeps the
    GIL.
    """

def write_patches(
    frames: NDArray[np.uint8],
    frame_types: Sequence[int] | NDArray[np.integer[Any]] | None,
    slow_size: tuple[int, int],
    fast_size: tuple[int, int],
    out: NDArray[Any],
    *,
    dtype: str = "float32",
    kernel: str = "bilinear",
    patch_size: int,
    rescale_factor: float,
    image_mean: tuple[float, float, float],
    image_std: tuple[float, float, float],
) -> None:
    """Resample and normalise frames, cut them into patches, and write those to ``out``.

    ``out`` is a contiguous one-dimensional array of patches * 3 * patch_size**2 elements: float32
    for dtype "float32", uint16 (the bits) for "bfloat16" and "float16". Patches are in frame order
    and row-major within a frame, each (3, patch_size, patch_size). ``frame_types`` None means all
    slow.
    """
