"""Messages for a server that speaks OpenAI's protocol and runs Keye-VL, such as ``vllm serve``.

Videos are sampled here and sent as frames, images as they would go into the processor here.
What ``process_vision_info`` says about the videos goes along, so that the server's prompt has the
same frames, sizes, types and times as one that is made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from keye_vl_rs import _core, preview, vision_process
from keye_vl_rs._chat.content_parts import IMAGE, media_kind, plain_part
from keye_vl_rs._chat.messages import check_list, check_message, content_parts
from keye_vl_rs._media.sources import is_remote
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError, memory_errors, naming
from keye_vl_rs.hosts.encoding import encode_images
from keye_vl_rs.limits import Limits, applied

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["Model", "OpenAIRequest", "model_functions", "to_openai_messages"]

# Of what process_vision_info says about a video; the server takes one entry per video of each.
_ABOUT = ("height", "width", "fast_height", "fast_width", "timestamps", "frame_types")
_QUALITY = 95
ImageFormat: TypeAlias = Literal["png", "jpeg"]
Model: TypeAlias = Literal["Keye-VL-1.5", "Keye-VL-8B-Preview"]


class OpenAIRequest(NamedTuple):
    """What a client of OpenAI's passes on.

    ``client.chat.completions.create(model=..., messages=request.messages,
    extra_body=request.extra_body)``

    Attributes:
        messages: with images as ``image_url`` and videos as ``video_url`` of data addresses.
        extra_body: ``mm_processor_kwargs``, what is said about the videos, and ``media_io_kwargs``,
            by which vLLM takes all frames; empty without videos.
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
    """Turn the messages of one conversation into a request.

    Images are sent as PNG, without a loss. Frames are sent as JPEG, which keeps no pixel as it is:
    grids, token ids and times are those of processing here, patches are near them. With
    ``frame_format="png"`` patches are equal too, for five times the bytes.

    Args:
        messages: as for :func:`keye_vl_rs.process_vision_info`; they are not changed. Texts go
            through untouched, and so do parts of type ``file`` and ``input_file``, and a
            ``video_url`` with an http(s) or ``data:`` address, which the server opens; any other
            ``video_url`` is a ``video``. vLLM takes one video a
            conversation for Keye-VL-1.5.
        quality: of JPEG, 1 to 95.
        image_format: "png", or "jpeg" for fewer bytes.
        frame_format: "jpeg", or "png". The type of a video's data is ``video/jpeg`` for both: by it
            vLLM tells frames from a file, and what they are from their first bytes.
        resize_frames: send frames at the size at which the model reads slow ones, instead of the
            video's own: fewer bytes of a large video, but the server resamples fast frames a second
            time. vLLM takes no more than 178 million pixels in a request (86 frames of 1080p)
            unless its ``VLLM_MAX_MEDIA_REQUEST_DECODE_BYTES`` says so, with 4 bytes for each.
        model: that of the server. For "Keye-VL-8B-Preview" images and videos are those of
            :mod:`keye_vl_rs.preview`, frames have the model's size always, and ``fps`` is what is
            said about videos.
        limits: what each image and video may ask for; None is what the environment says.

    Returns:
        The messages and the extra body.

    Raises:
        MediaError: a subclass, when an image or a video cannot be read.
        InvalidArgumentError: a subclass; the message names the message and its part. Also where
            some videos are given as ``video`` and others as ``video_url``.
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
    """The module with ``fetch_image`` and ``fetch_video`` of a model.

    Raises :class:`InvalidArgumentError` for any other.
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
    """A message with its images and videos as addresses."""
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
    """Turns parts of messages into OpenAI's, and collects what is said about their videos."""

    functions: Any
    quality: int
    image_format: str
    frame_format: str
    resize_frames: bool
    about: dict[str, list[Any]] = field(default_factory=dict)
    images: list[tuple[dict[str, str], Image.Image]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def __call__(self, part: Any, where: str) -> dict[str, Any]:
        """What is sent for ``part``; the data of images is added by :meth:`add_images`."""
        plain = plain_part(part, where, for_server=True)
        kind = media_kind(plain)
        if kind is None:
            return plain
        with naming(where):
            if kind == IMAGE:
                address: dict[str, str] = {}
                self.images.append((address, self.functions.fetch_image(plain)))
                return {"type": "image_url", "image_url": address}
            if _is_for_servers(part.get("video_url")):
                self.addresses.append(where)
                return _as_address(part, plain)
            frames = encode_images(self._frames(plain), self.frame_format, self.quality)
            url = f"data:video/jpeg;base64,{','.join(frames)}"
            return {"type": "video_url", "video_url": {"url": url}}

    def add_images(self) -> None:
        """Encode all images, several at a time, and put them where they belong."""
        images = [image for _, image in self.images]
        if self.image_format == "jpeg":
            images = list(map(_opaque, images))
        encoded = encode_images(images, self.image_format, self.quality)
        for (address, _), data in zip(self.images, encoded, strict=True):
            address["url"] = f"data:image/{self.image_format};base64,{data}"

    def extra_body(self) -> dict[str, Any]:
        """What is said about the videos; empty where there are none."""
        if not self.about:
            return {}
        if self.addresses:
            raise InvalidArgumentError(
                f"{self.addresses[0]} is a video_url beside videos that are sampled here: what is "
                "said about videos has one entry for each, so expected all of them as 'video'"
            )
        # As in process_vision_info: nothing is said about times where no video has them.
        said = {
            name: values
            for name, values in self.about.items()
            if any(value is not None for value in values)
        }
        # vLLM takes 32 frames of a video unless it is told otherwise.
        return {"mm_processor_kwargs": said, "media_io_kwargs": {"video": {"num_frames": -1}}}

    def _frames(self, part: Mapping[str, Any]) -> list[Image.Image | NDArray[np.uint8]]:
        """The frames to send."""
        if self.functions is preview:
            frames, rate = preview.fetch_video(dict(part), return_video_sample_fps=True)
            said: dict[str, Any] = {"fps": float(rate)}
            size = None
        else:
            frames, of_video = vision_process.fetch_video(dict(part))
            said = {name: of_video.get(name) for name in _ABOUT}
            size = (of_video["height"], of_video["width"]) if self.resize_frames else None
        for name, value in said.items():
            plain = value.tolist() if hasattr(value, "tolist") else value
            self.about.setdefault(name, []).append(plain)
        if isinstance(frames, list):
            return frames
        # Floats hold whole numbers of 0..255.
        array = frames.byte().permute(0, 2, 3, 1).contiguous().numpy()
        return list(array if size is None else _core.resize(array, *size))


def _opaque(image: Image.Image) -> Image.Image:
    """The image on white, as processors see it: JPEG has no transparent colour."""
    from PIL import Image

    if image.info.get("transparency") is None:
        return image
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _is_for_servers(address: Any) -> bool:
    """Tell if a server can open a ``video_url``: what else there is lies on this machine."""
    source = address.get("url") if isinstance(address, Mapping) else address
    if not isinstance(source, str):
        return False
    return is_remote(source) or source[:5].lower() == "data:"


def _as_address(part: Mapping[str, Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    """A ``video_url`` in OpenAI's own form, with all that stands beside its address."""
    address = part["video_url"]
    rest = {key: value for key, value in plain.items() if key != "video"}
    address = dict(address) if isinstance(address, Mapping) else {"url": address}
    return {**rest, "type": "video_url", "video_url": address}
