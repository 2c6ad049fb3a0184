"""The compiled core. Private: the package's modules wrap each function once.

Frames are uint8 arrays (N, H, W, 3) or (N, 3, H, W), of any strides; an array that could be read as
either is channels-first. Functions of frames release the GIL while they compute and run on one
shared thread pool; every function raises the exceptions of ``keye_vl_rs.errors``.
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

__all__ = [
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
    """The instruction set in use: "scalar" or "avx2"."""

def simd_levels() -> list[str]:
    """Every instruction set that this CPU has, the one that is used by default last."""

def thread_count() -> int:
    """Threads that the next call uses: ``KEYE_VL_UTILS_PARALLEL_NUM``, else ``OMP_NUM_THREADS``,
    else the cores that this process may use.
    """

def smart_resize(
    height: int,
    width: int,
    factor: int,
    min_pixels: float,
    max_pixels: float,
    max_ratio: float = 200.0,
) -> tuple[int, int]:
    """(height, width) in multiples of ``factor``, with as many pixels as the limits allow."""

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
    """((slow height, slow width), (fast height, fast width)) for a whole video under
    ``total_pixels``.
    """

def resize(
    frames: NDArray[np.uint8], height: int, width: int, *, kernel: str = "bilinear"
) -> NDArray[np.uint8]:
    """Antialiased resize to (N, height, width, 3).

    ``kernel`` is "bilinear" or "bicubic", with the bytes of torch; "pillow-bilinear" or
    "pillow-bicubic", with those of Pillow where it resizes rows before columns.
    """

def hsv_from_rgb(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, W, 3) HSV of RGB frames, hue in 0..179."""

def frame_similarity(
    a: NDArray[np.uint8], b: NDArray[np.uint8], *, patch_size: int, patch_similarity: float
) -> float:
    """Share of the patches of two RGB frames, (H, W, 3) or (3, H, W), that did not change; NaN when
    every patch is black in both.
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
    """(N,) int32: 0 slow, 1 fast, comparing frames at (height, width)."""

@final
class SlowFastSplitter:
    """Tells slow frames from fast ones while they come, with the results of :func:`slow_fast`.

    Made for frames of (frame_height, frame_width), which it compares at (height, width). It holds
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
        """0 (slow) or 1 (fast) for the next frame, (H, W, 3) or (3, H, W).

        Releases the GIL while it computes. A frame of another size raises FramesShapeError and
        counts as not pushed; a push while another thread is in one raises KeyeVLError.
        """

@final
class ImageBands:
    """Takes images of one size to patches, some rows of patches ("bands") at a time.

    Both sizes are (height, width); ``kernel`` is as in :func:`resize`. One serves any number of
    threads; its length is the number of bands.
    """

    def __new__(
        cls, image_size: tuple[int, int], size: tuple[int, int], *, patch_size: int, kernel: str
    ) -> Self: ...
    def __len__(self) -> int: ...
    def source_rows(self, first: int, end: int) -> tuple[int, int]:
        """(first, end) of the image's rows that bands ``first`` to ``end`` are made of."""

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

        ``rows`` are those of :meth:`source_rows`: an array (3, rows, W) or (rows, W, 3), or what
        ``__arrow_c_array__()`` of an image of Pillow's in mode RGB returns. Releases the GIL while
        it computes, on the calling thread alone.
        """

def nal_length_size(codec: str, extradata: bytes) -> int:
    """Bytes of the length before each NAL unit of a stream's packets, from the ``extradata`` of its
    container: 1 to 4, or 0 for start codes (Annex B) and for codecs that have no NAL units; 5, by
    which :func:`describe_packet` knows nothing, where the record is cut short. ``codec`` is
    FFmpeg's name.
    """

def describe_packet(
    codec: str, nal_length_size: int, packet: NDArray[np.uint8]
) -> tuple[bool, bool, int, bool, bool, bool]:
    """Return what a compressed packet says of itself: (random_access, disposable, temporal_layer,
    parameter_sets, without_picture, unreadable).

    ``codec`` is FFmpeg's name: h264, hevc, mpeg1video, mpeg2video, vp8, vp9 or av1. Of others, and
    of packets that are damaged or truncated, nothing is known: all are False and 0, but for
    unreadable.

    random_access: decoding can start here, and every frame that is presented at or after this one
    is exact. disposable (H.264 and HEVC only): no other picture refers to this
    one; in HEVC only where temporal_layer is the highest of the stream, and in progressive streams
    only, for a packet may be one field of a frame. parameter_sets: the packet carries what later
    packets may need: parameter sets, or messages on film grain or on how to turn the picture.
    without_picture (not in VP8, VP9 and AV1): the packet holds no part of a picture. unreadable:
    the packet has bytes, and its headers are not those of the codec.

    ``packet`` is a contiguous one-dimensional array, as ``np.frombuffer(packet, np.uint8)``. Keeps
    the GIL.
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
    """Resample, normalise and cut every frame into patches, in frame order, into ``out``.

    ``out`` is a contiguous one-dimensional array of patches * 3 * patch_size**2 elements: float32
    for dtype "float32", uint16 (the bits) for "bfloat16" and "float16". Patches are row-major
    within a frame, each (3, patch_size, patch_size). ``frame_types`` None means all slow.
    """
