"""Stand in for the configuration that a checkpoint of Keye-VL-1.5 ships."""

from transformers import PretrainedConfig


class KeyeVL1_5VisionConfig(PretrainedConfig):
    model_type = "keye_vl_1_5_vision_model"
    base_config_key = "vision_config"

    def __init__(self, patch_size=14, spatial_merge_size=2, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = patch_size
        self.spatial_merge_size = spatial_merge_size


class KeyeVL1_5Config(PretrainedConfig):
    model_type = "KeyeVL1_5"
    sub_configs = {"vision_config": KeyeVL1_5VisionConfig}

    def __init__(self, vision_config=None, **kwargs):
        if not isinstance(vision_config, KeyeVL1_5VisionConfig):
            vision_config = KeyeVL1_5VisionConfig(**(vision_config or {}))
        self.vision_config = vision_config
        super().__init__(**kwargs)
