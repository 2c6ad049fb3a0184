"""Build requests to a server with OpenAI's API that runs Keye-VL, such as ``vllm serve``.

Videos are sampled here and sent as frames, images in the size in which a processor would get them.
The processor's keyword arguments from ``process_vision_info`` are sent as well, so that the
server's prompt has the same frames, sizes, types and timestamps as one that is made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from keye_vl_rs import _core, preview, vision_process
from keye_vl_rs._chat.content_parts import IMAGE, VIDEO, media_kind, plain_part, server_address
from keye_vl_rs._chat.messages import check_list, check_message, content_parts
from keye_vl_rs._slow_fast.processor_kwargs import collate_kwargs
from keye_vl_rs._slow_fast.video_arguments import VIDEO_KWARGS
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError, memory_errors, naming
from keye_vl_rs.hosts.encoding import encode_images
from keye_vl_rs.limits import Limits, applied

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["Model", "OpenAIRequest", "model_functions", "to_openai_messages"]

_QUALITY = 95
ImageFormat: TypeAlias = Literal["png", "jpeg"]
Model: TypeAlias = Literal["Keye-VL-1.5", "Keye-VL-8B-Preview"]


class OpenAIRequest(NamedTuple):
    """Hold the arguments of a request for OpenAI's client.

    ``client.chat.completions.create(model=..., messages=request.messages,
    extra_body=request.extra_body)``

    Attributes:
        messages: with images as ``image_url`` and videos as ``video_url``, which are ``data:``
            addresses.
        extra_body: ``mm_processor_kwargs``, the processor's arguments for the videos, and
            ``media_io_kwargs``, with which vLLM takes all frames; empty without videos.
    """

    messages: list[dict[str, Any]]
    extra_body: dict[str, Any]


@memory_errors("the images and videos")
def to_openai_messages(
    messages: Sequence[Mapping[str, Any]],
    *,
    quality: int = _QUALITY,
    image_format: ImageFormat = "png",
    frame_format: ImageFormat = "jpeg",
    resize_frames: bool = False,
    model: Model = "Keye-VL-1.5",
    limits: Limits | None = None,
) -> OpenAIRequest:
    """Turn the messages of one conversation into a request to a server with OpenAI's API.

    Images and videos are read here, and sent as ``data:`` addresses. Images are sent as PNG, which
    is lossless. Frames are sent as JPEG, which is not: grids, token ids and timestamps equal those
    of processing here, patches only nearly. With ``frame_format="png"`` patches are equal too, for
    five times the bytes.

    Args:
        messages: as for :func:`keye_vl_rs.process_vision_info`; they are not changed. Sent
            unchanged are texts, parts of type ``file`` and ``input_file``, and a ``video_url`` with
            an http(s) or ``data:`` address, which the server opens; any other ``video_url`` is
            treated as ``video``. vLLM takes one video per conversation for Keye-VL-1.5.
        quality: quality of JPEG, an int from 1 to 95 (default 95).
        image_format: "png" (the default), or "jpeg" for fewer bytes.
        frame_format: "jpeg" (the default), or "png". Either way the media type of a video is
            ``video/jpeg``, by which vLLM recognises frames; it detects their format from their
            first bytes.
        resize_frames: whether to send frames at the size of slow frames, instead of the video's own
            (the default). That takes fewer bytes for a large video, but the server resamples fast
            frames a second time. vLLM takes at most 178 million pixels in a request (86 frames of
            1080p) unless its ``VLLM_MAX_MEDIA_REQUEST_DECODE_BYTES`` allows for more, at 4 bytes
            each.
        model: the server's model, "Keye-VL-1.5" (the default) or "Keye-VL-8B-Preview". For the
            latter, images and videos are read by :mod:`keye_vl_rs.preview`, frames always have the
            model's size, and the only argument for the processor is ``fps``.
        limits: limits on each image and video; by default those of the environment.

    Returns:
        A named tuple: ``messages``, a list of dictionaries in OpenAI's form, and ``extra_body``, a
        dictionary that OpenAI's client takes under this name, with the processor's arguments for
        the videos; empty without videos that are sampled here.

    Raises:
        MediaError: a subclass, if an image or a video cannot be read. As the errors below, it names
            the message and its part.
        InvalidArgumentError: a subclass, if an argument, a message or an option is invalid, or if
            some videos are sampled here and others are opened by the server.
        OutOfMemoryError: there is not enough memory for an image or a video.
    """
    if type(quality) is not int or not 1 <= quality <= _QUALITY:
        raise InvalidArgumentError(f"quality is {short_repr(quality)}: expected 1 to {_QUALITY}")
    for name, value in (("image_format", image_format), ("frame_format", frame_format)):
        if not isinstance(value, str) or value not in ("png", "jpeg"):
            raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected 'png' or 'jpeg'")
    convert = _Converter(model_functions(model), quality, image_format, frame_format, resize_frames)
    with applied(limits):
        converted = [
            _converted(message, f"messages[{index}]", convert)
            for index, message in enumerate(check_list(messages, "messages"))
        ]
    convert.add_images()
    return OpenAIRequest(converted, convert.extra_body())


def model_functions(model: str) -> Any:
    """Return the module with ``fetch_image`` and ``fetch_video`` of a model.

    Raises:
        InvalidArgumentError: ``model`` is not one of :data:`Model`.
    """
    if isinstance(model, str):
        if model == "Keye-VL-1.5":
            return vision_process
        if model == "Keye-VL-8B-Preview":
            return preview
    raise InvalidArgumentError(
        f"model is {short_repr(model)}: expected 'Keye-VL-1.5' or 'Keye-VL-8B-Preview'"
    )


def _converted(message: Any, where: str, convert: _Converter) -> dict[str, Any]:
    """Return a message with its images and videos as addresses."""
    if not isinstance(message, Mapping):
        raise InvalidArgumentError(
            f"{where} is of type {type(message).__name__}: expected a dictionary; "
            "give one conversation at a time"
        )
    check_message(message, where)
    copy = dict(message)
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        copy["content"] = [convert(part, at) for at, part in content_parts(content, where)]
    return copy


@dataclass
class _Converter:
    """Convert parts of messages to OpenAI's form, and collect the processor's arguments.

    Attributes:
        functions: the module with the model's ``fetch_image`` and ``fetch_video``.
        quality: of JPEG.
        image_format: "png" or "jpeg".
        frame_format: "png" or "jpeg".
        resize_frames: whether frames are sent at the size of slow frames.
        video_kwargs: the processor's arguments for each video.
        images: the images, each with the dictionary that :meth:`add_images` completes.
        served: places of videos that the server opens.
    """

    functions: Any
    quality: int
    image_format: str
    frame_format: str
    resize_frames: bool
    video_kwargs: list[dict[str, Any]] = field(default_factory=list)
    images: list[tuple[dict[str, str], Image.Image]] = field(default_factory=list)
    served: list[str] = field(default_factory=list)

    def __call__(self, part: Any, where: str) -> dict[str, Any]:
        """Return ``part`` in OpenAI's form; :meth:`add_images` adds the data of images."""
        plain = plain_part(part, where, for_server=True)
        kind = media_kind(plain)
        if kind is None:
            return plain
        with naming(where):
            if kind == IMAGE:
                address: dict[str, str] = {}
                self.images.append((address, self.functions.fetch_image(plain)))
                return {"type": "image_url", "image_url": address}
            served = server_address(part)
            if served is not None:
                self.served.append(where)
                options = {key: value for key, value in plain.items() if key != VIDEO}
                return {**options, "type": "video_url", "video_url": served}
            frames = encode_images(self._frames(plain), self.frame_format, self.quality)
            url = f"data:video/jpeg;base64,{','.join(frames)}"
            return {"type": "video_url", "video_url": {"url": url}}

    def add_images(self) -> None:
        """Encode all images, several at a time, and add them to their parts."""
        images = [image for _, image in self.images]
        if self.image_format == "jpeg":
            images = list(map(_opaque, images))
        encoded = encode_images(images, self.image_format, self.quality)
        for (address, _), data in zip(self.images, encoded, strict=True):
            address["url"] = f"data:image/{self.image_format};base64,{data}"

    def extra_body(self) -> dict[str, Any]:
        """Return the arguments for the videos that are sampled here; empty without any."""
        if not self.video_kwargs:
            return {}
        if self.served:
            raise InvalidArgumentError(
                f"{self.served[0]} is a video_url that the server opens, beside videos that are "
                "sampled here: the server needs arguments for all videos or for none, so give all "
                "of them as 'video'"
            )
        # As in process_vision_info: no timestamps where no video has them.
        kwargs = {
            name: values
            for name, values in collate_kwargs(self.video_kwargs).items()
            if any(value is not None for value in values)
        }
        # By default vLLM takes 32 frames of a video.
        return {"mm_processor_kwargs": kwargs, "media_io_kwargs": {"video": {"num_frames": -1}}}

    def _frames(self, part: Mapping[str, Any]) -> list[Image.Image | NDArray[np.uint8]]:
        """Return the frames of a video, and add its arguments for the processor."""
        if self.functions is preview:
            frames, rate = preview.fetch_video(dict(part), return_video_sample_fps=True)
            kwargs: dict[str, Any] = {"fps": float(rate)}
            size = None
        else:
            frames, kwargs = vision_process.fetch_video(dict(part))
            kwargs = {name: value for name, value in kwargs.items() if name in VIDEO_KWARGS}
            size = (kwargs["height"], kwargs["width"]) if self.resize_frames else None
        self.video_kwargs.append(
            {
                name: value.tolist() if hasattr(value, "tolist") else value
                for name, value in kwargs.items()
            }
        )
        if isinstance(frames, list):
            return frames
        # Floats hold whole numbers from 0 to 255.
        array = frames.byte().permute(0, 2, 3, 1).contiguous().numpy()
        return list(array if size is None else _core.resize(array, *size))


def _opaque(image: Image.Image) -> Image.Image:
    """Return an image over white, as processors see it: JPEG has no transparent colour."""
    from PIL import Image

    if image.info.get("transparency") is None:
        return image
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
