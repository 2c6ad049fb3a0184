"""Stand in for the image processor that a checkpoint of Keye-VL-1.5 ships."""

from transformers.image_processing_utils import BaseImageProcessor

from oracle import published_processor as published


class KeyeVL1_5ImageProcessor(BaseImageProcessor):
    model_input_names = ["pixel_values", "image_grid_thw", "pixel_values_videos", "video_grid_thw"]

    def __init__(
        self,
        rescale_factor=1 / 255,
        image_mean=published.CLIP_MEAN,
        image_std=published.CLIP_STD,
        min_pixels=published.MIN_PIXELS,
        max_pixels=published.MAX_PIXELS,
        patch_size=14,
        merge_size=2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.rescale_factor = rescale_factor
        self.image_mean = image_mean
        self.image_std = image_std
        self.min_pixels = min_pixels
        self.max_pixels = max_pixels
        self.patch_size = patch_size
        self.merge_size = merge_size

    def settings(self):
        names = ("image_mean", "image_std", "min_pixels", "max_pixels")
        return {name: getattr(self, name) for name in names}

    def preprocess(self, images=None, return_tensors="pt", **kwargs):
        images = images if isinstance(images, list) else [images]
        return published.preprocess(images, "image", **{**self.settings(), **kwargs})
