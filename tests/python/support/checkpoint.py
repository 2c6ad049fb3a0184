"""Create a small checkpoint folder of Keye-VL-1.5 from which its processor can be loaded."""

from __future__ import annotations

import json
from pathlib import Path

from support.tokenizers import CHAT_TEMPLATE, make_tokenizer

HALVES = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
FORMS = ("BicubicVideoProcessor", "BicubicVideoFusionOpProcessor")

# Stand-ins for the code that a checkpoint ships.
CODE = Path(__file__).with_name("checkpoint_code")


def make_checkpoint(folder: Path, form: str = FORMS[0], **config) -> Path:
    """Write the files of a checkpoint, with stand-ins for the code that it ships.

    Args:
        form: the name under which its processor imports the fused operator.
        config: the content of config.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    make_tokenizer().save_pretrained(folder)
    for code in CODE.glob("*.py"):
        (folder / code.name).write_text(code.read_text().replace(FORMS[0], form))
    processor = "processing_keye_vl_1_5.KeyeVL1_5Processor"
    image_processor = "image_processing_keye_vl_1_5.KeyeVL1_5ImageProcessor"
    _write(
        folder / "config.json",
        {
            "model_type": "KeyeVL1_5",
            "architectures": ["KeyeVL1_5ForConditionalGeneration"],
            "auto_map": {
                "AutoConfig": "configuration_keye_vl_1_5.KeyeVL1_5Config",
                "AutoProcessor": processor,
            },
            **config,
        },
    )
    _write(
        folder / "preprocessor_config.json",
        {
            "auto_map": {"AutoImageProcessor": image_processor, "AutoProcessor": processor},
            "image_processor_type": "KeyeVL1_5ImageProcessor",
            "processor_class": "KeyeVL1_5Processor",
            **HALVES,
            "min_pixels": 3136,
            "max_pixels": 1003520,
            "patch_size": 14,
            "temporal_patch_size": 1,
            "merge_size": 2,
        },
    )
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    return folder


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2))
