"""Do what the published KeyeVL1_5Processor does, with and without its fused operator, step by step.

Written from the description of transformers pull request 41040, as a reference for results and
times: the same library calls on the same data in the same order, so neither slower nor faster than
the original. It differs in two points, neither of which affects its cost:

* The original checks only a batch's last video for fast frames, and assembles the others wrongly
  if it has none. Here the fast frames of any video count.
* The original passes tensors to ``convert_to_rgb``, which returned them unchanged when it was
  written and refuses them in newer versions of transformers. Here only PIL images go there.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch.nn import functional
from transformers.feature_extraction_utils import BatchFeature
from transformers.image_transforms import (
    convert_to_rgb,
    normalize,
    rescale,
    resize,
    to_channel_dimension_format,
)
from transformers.image_utils import (
    ChannelDimension,
    get_image_size,
    infer_channel_dimension_format,
    is_scaled_image,
    make_list_of_images,
    to_numpy_array,
)

PATCH, MERGE = 14, 2
MIN_PIXELS, MAX_PIXELS = 56 * 56, 28 * 28 * 1280
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
IMAGE, VIDEO, FRAME = "<|image_pad|>", "<|video_pad|>", "<|frame|>"
FAST_START, FAST_END, FILLER = "<|fast_start|>", "<|fast_end|>", "<|placeholder|>"


def smart_resize(height, width, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS, factor=PATCH * MERGE):
    """Apply Qwen2-VL's rule, as the processor does: a side may round to nothing before growing."""
    rows, columns = round(height / factor), round(width / factor)
    pixels = rows * columns * factor * factor
    if pixels > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        rows = max(1, math.floor(height / shrink / factor))
        columns = max(1, math.floor(width / shrink / factor))
    elif pixels < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        rows, columns = math.ceil(height * grow / factor), math.ceil(width * grow / factor)
    return rows * factor, columns * factor


def preprocess_one(
    images,
    *,
    do_resize=True,
    do_rescale=True,
    rescale_factor=1 / 255,
    size=None,
    do_normalize=True,
    image_mean=CLIP_MEAN,
    image_std=CLIP_STD,
    min_pixels=MIN_PIXELS,
    max_pixels=MAX_PIXELS,
    resample=Image.Resampling.BILINEAR,
):
    """Return the patches and (frames, rows, columns) of an image, or of frames of one size."""
    frames = make_list_of_images(images)
    frames = [convert_to_rgb(f) if isinstance(f, Image.Image) else f for f in frames]
    frames = [to_numpy_array(f) for f in frames]
    is_scaled_image(frames[0])
    layout = infer_channel_dimension_format(frames[0])
    fixed = size
    height, width = size = get_image_size(frames[0], channel_dim=layout)
    done = []
    for frame in frames:
        if do_resize:
            size = smart_resize(height, width, min_pixels, max_pixels)
            if fixed is not None and "height" in fixed:
                size = fixed["height"], fixed["width"]
            frame = resize(frame, size=size, resample=resample, input_data_format=layout)
        if do_rescale:
            frame = rescale(frame, rescale_factor, input_data_format=layout)
        if do_normalize:
            frame = normalize(frame, image_mean, image_std, input_data_format=layout)
        done.append(to_channel_dimension_format(frame, ChannelDimension.FIRST, layout))
    stacked = np.array(done)
    if len(stacked) == 1:
        stacked = np.tile(stacked, (1, 1, 1, 1))
    n, channels = stacked.shape[:2]
    rows, columns = size[0] // PATCH, size[1] // PATCH
    split = stacked.reshape(n, 1, channels, rows, PATCH, columns, PATCH)
    patches = split.transpose(0, 3, 5, 2, 1, 4, 6)
    return patches.reshape(n * rows * columns, channels, PATCH, PATCH), (n, rows, columns)


def preprocess(inputs, name, **kwargs):
    """Collect all patches in a list, and convert it to an array and then to a tensor."""
    pixels, grids = [], []
    for one in inputs:
        patches, grid = preprocess_one(one, **kwargs)
        pixels.extend(patches)
        grids.append(grid)
    names = ("pixel_values", "image_grid_thw")
    if name == "video":
        names = ("pixel_values_videos", "video_grid_thw")
    data = dict(zip(names, (np.array(pixels), np.array(grids)), strict=True))
    return BatchFeature(data=data, tensor_type="pt")


def select(frames, frame_types):
    mask = frame_types == 0
    return frames[mask], frames[~mask]


def resized(frames, height, width):
    """Return the frames as floats, and whether the image processor has yet to resize them."""
    if height is None or width is None:
        return frames.float(), True
    frames = functional.interpolate(frames, [height, width], mode="bilinear", antialias=True)
    return frames.float(), False


def split_grids(grids):
    ones = grids.clone()
    ones[:, 0] = 1
    return torch.repeat_interleave(ones, grids[:, 0], dim=0)


def merge_grids(rows, num_frames):
    """Merge grid rows: one row per run of equal sizes within a video."""
    merged = []
    for part in torch.stack(rows, dim=0).split(num_frames, dim=0):
        starts = functional.pad((part[:-1] != part[1:]).any(1), (1, 0), value=True)
        first = torch.where(starts)[0]
        counts = torch.diff(first, append=torch.LongTensor([len(part)])).unsqueeze(-1)
        merged.append(torch.concat([counts, part[first][:, 1:]], dim=1))
    return torch.concat(merged, dim=0)


def video_stage(videos, frame_types, height, width, fast_height, fast_width, **kwargs):
    """Process slow and fast frames of all videos separately, with one grid row per frame."""
    slow_inputs, fast_inputs = [], []
    for i, frames in enumerate(videos):
        if isinstance(frames, np.ndarray):
            frames = torch.from_numpy(frames)
        slow, fast = select(frames, frame_types[i])
        slow, do_resize = resized(slow, height[i], width[i])
        slow_inputs.append(preprocess([slow], "video", do_resize=do_resize, **kwargs))
        if fast.shape[0] > 0:
            fast, do_resize = resized(fast, fast_height[i], fast_width[i])
            fast_inputs.append(preprocess([fast], "video", do_resize=do_resize, **kwargs))
    return join_stage(slow_inputs, fast_inputs)


def operator_stage(
    operator,
    videos,
    frame_types,
    height,
    width,
    fast_height,
    fast_width,
    *,
    image_mean,
    image_std,
    min_pixels=MIN_PIXELS,
    max_pixels=MAX_PIXELS,
):
    """Do the same as :func:`video_stage`, the way the processor uses the fused operator."""
    settings = {
        "patch": PATCH,
        "factor": PATCH * MERGE,
        "min_pixels": min_pixels,
        "max_pixels": max_pixels,
        "scale": 255,
        "image_mean": list(image_mean),
        "image_std": list(image_std),
    }
    slow_inputs, fast_inputs = [], []
    for i, frames in enumerate(videos):
        if isinstance(frames, np.ndarray):
            frames = torch.from_numpy(frames)
        nframes, _, rows, columns = frames.shape
        slow, fast = ((frame_types[i] == kind).nonzero().flatten().tolist() for kind in (0, 1))
        about = (frames, nframes, slow, rows, columns, height[i] or 0, width[i] or 0)
        slow_inputs.append(operator.interp(*about, **settings))
        if fast:
            about = (frames, nframes, fast, rows, columns, fast_height[i] or 0, fast_width[i] or 0)
            fast_inputs.append(operator.interp(*about, **settings))
    return join_stage(slow_inputs, fast_inputs)


def join_stage(slow_inputs, fast_inputs):
    joined = []
    for inputs in (slow_inputs, fast_inputs):
        inputs = [one for one in inputs if one is not None]
        if not inputs:
            joined.append((None, None))
            continue
        pixels = torch.concat([one["pixel_values_videos"] for one in inputs], dim=0)
        grids = torch.concat([one["video_grid_thw"] for one in inputs], dim=0)
        joined.append((pixels, split_grids(grids)))
    return joined


def fill_images(text, grids):
    index = 0
    for i in range(len(text)):
        while IMAGE in text[i]:
            text[i] = text[i].replace(IMAGE, FILLER * (grids[index].prod() // MERGE**2), 1)
            index += 1
        text[i] = text[i].replace(FILLER, IMAGE)


def fill_videos(text, stage, frame_types, timestamps):
    """Spell the videos out in ``text``; each frame's pixels and grid row in time order."""
    at, offset, index = [0, 0], [0, 0], 0
    pixels, rows = [], []
    for i in range(len(text)):
        while VIDEO in text[i]:
            spelled = ""
            for j in range(frame_types[index].shape[-1]):
                spelled += FRAME
                if timestamps[index] is not None:
                    spelled += format(timestamps[index][j], ".1f")
                kind = 0 if frame_types[index][j] == 0 else 1
                patches, grids = stage[kind]
                count = int(grids[at[kind]].prod())
                pads = FILLER * (count // MERGE**2)
                spelled += pads if kind == 0 else FAST_START + pads + FAST_END
                pixels.append(patches[offset[kind] : offset[kind] + count])
                rows.append(grids[at[kind]])
                offset[kind] += count
                at[kind] += 1
            text[i] = text[i].replace(VIDEO, spelled, 1)
            index += 1
        text[i] = text[i].replace(FILLER, VIDEO)
    return pixels, rows


def published_call(
    tokenizer,
    text,
    videos=None,
    *,
    images=None,
    frame_types=None,
    timestamps=None,
    height=None,
    width=None,
    fast_height=None,
    fast_width=None,
    image_mean=CLIP_MEAN,
    image_std=CLIP_STD,
    text_kwargs=None,
    operator=None,
    video_settings=None,
    **limits,
):
    """Call the processor with ``return_tensors="pt"``; video arguments have one entry per video.

    ``operator`` stands for the fused operator of ``keye_vl_utils``. ``video_settings`` are settings
    of a call, which the processor's own path applies to videos.
    """
    kwargs = {"image_mean": image_mean, "image_std": image_std, **limits}
    text = list(text) if isinstance(text, list) else [text]
    data = {}
    if images is not None:
        data.update(preprocess(images, "image", **kwargs))
    if videos is not None:
        nothing = [None] * len(videos)
        if frame_types is None:
            frame_types = [torch.zeros((v.shape[0],), dtype=torch.long) for v in videos]
        sizes = (one or nothing for one in (height, width, fast_height, fast_width))
        if operator is None:
            own = {**kwargs, **(video_settings or {})}
            stage = video_stage(videos, frame_types, *sizes, **own)
        else:
            stage = operator_stage(operator, videos, frame_types, *sizes, **kwargs)
    if images is not None:
        fill_images(text, data["image_grid_thw"])
    if videos is not None:
        pixels, rows = fill_videos(text, stage, frame_types, timestamps or nothing)
        num_frames = [v.shape[0] for v in videos]
        data["pixel_values_videos"] = torch.cat(pixels, dim=0)
        data["video_grid_thw"] = merge_grids(rows, num_frames)
        data["num_frames"] = torch.LongTensor(num_frames)
    defaults = {"padding": False, "return_tensors": "pt"}
    return {**tokenizer(text, **{**defaults, **(text_kwargs or {})}), **data}
