"""Train small byte-level BPE tokenizers with Keye-VL's special tokens."""

from __future__ import annotations

import json
from functools import cache

import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast, Qwen2TokenizerFast

# Releases of transformers before 5 accept only the tokenizer class that a processor names.
_FROM_5 = int(transformers.__version__.split(".")[0]) >= 5
_Tokenizer = PreTrainedTokenizerFast if _FROM_5 else Qwen2TokenizerFast

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|frame|>",
    "<|fast_start|>",
    "<|fast_end|>",
)

# Qwen2's pre-tokenizer: contractions, words, single digits, punctuation, line ends, spaces.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CORPUS = (
    "What happens in this video? Describe it frame by frame, in a few short sentences.",
    "The rabbit wakes, yawns, and walks out of its burrow into the meadow at 12.5 seconds.",
    "frame frames fast slow start end pad video image vision 0.0 0.5 1.0 1.5 2.0 10.0",
    "<|video_pad <|image_pad| |video_pad|> <video> <image> [frame] {frame}",
    "视频里发生了什么,请描述一下。図の中の人は何をしていますか。",
)

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@cache
def _trained() -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=480, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    return tokenizer.to_str()


def make_tokenizer(
    *,
    first: tuple[str, ...] = (),
    extra: tuple[AddedToken | str, ...] = (),
    without: tuple[str, ...] = (),
    pad_flags: dict[str, bool] | None = None,
    bos: bool = False,
    eos: bool = False,
    **kwargs,
) -> PreTrainedTokenizerFast:
    """Return a tokenizer whose special tokens follow those of ``first``, which shifts their ids.

    Args:
        pad_flags: flags of the two pad tokens.
        extra: further tokens, added last.
        bos: put ``<|im_start|>`` before every text.
        eos: put ``<|im_end|>`` after every text.
    """
    tokenizer = Tokenizer.from_str(_trained())
    tokenizer.add_special_tokens(list(first))
    for token in SPECIAL_TOKENS:
        flags = pad_flags or {} if token.endswith("_pad|>") else {}
        if token not in without:
            tokenizer.add_special_tokens([AddedToken(token, special=True, **flags)])
    tokenizer.add_tokens([t if isinstance(t, AddedToken) else AddedToken(t) for t in extra])
    if bos or eos:
        template = ["<|im_start|>"] * bos + ["$A"] + ["<|im_end|>"] * eos
        pair = [*template, "$B:1", *["<|im_end|>:1"] * eos]
        specials = [(t, tokenizer.token_to_id(t)) for t in ("<|im_start|>", "<|im_end|>")]
        tokenizer.post_processor = TemplateProcessing(
            single=template, pair=pair, special_tokens=specials
        )
    kwargs.setdefault("pad_token", "<|endoftext|>")
    return _Tokenizer(tokenizer_object=tokenizer, eos_token="<|im_end|>", **kwargs)


def make_qwen2_tokenizer() -> Qwen2TokenizerFast:
    """Return a tokenizer of the class of the model's own tokenizer."""
    if not _FROM_5:
        return make_tokenizer()
    model = json.loads(_trained())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    return Qwen2TokenizerFast(
        vocab=model["vocab"], merges=merges, extra_special_tokens=list(SPECIAL_TOKENS[1:])
    )
