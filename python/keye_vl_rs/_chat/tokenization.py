"""Tokenise prompts without writing out all pad tokens.

The processor of transformers pull request 41040 writes every pad token of a video, about 50,000 per
minute, into a string and tokenises that. Here the short text of a prompt, with one pad per frame,
is tokenised, and the ids of the pads are repeated in the result. Where that would not give the same
ids, the full text is written out and tokenised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keye_vl_rs._chat.prompt import Placeholder, Prompt, compact_text, spelled_text

__all__ = ["plain_tokens", "tokenize"]

Row = dict[str, NDArray[np.int64]]

# The tokenizer's keyword arguments that repeating ids supports. Any other one means the full text.
_PASSED_ON = (
    "add_special_tokens",
    "return_attention_mask",
    "return_token_type_ids",
    "return_length",
)
_HANDLED = ("padding", "truncation", "max_length", "pad_to_multiple_of", "padding_side")
_SUPPORTED = {*_PASSED_ON, *_HANDLED, "return_special_tokens_mask", "return_tensors", "verbose"}
_PER_TOKEN = ("input_ids", "token_type_ids", "attention_mask", "special_tokens_mask")


def tokenize(
    tokenizer: Any, prompts: Sequence[Prompt], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what ``tokenizer(texts, **kwargs)`` returns for the full texts of prompts."""
    repeated = _repeat_pads(tokenizer, prompts, kwargs)
    if repeated is not None:
        return repeated
    return plain_tokens(tokenizer, [spelled_text(prompt) for prompt in prompts], kwargs)


def plain_tokens(tokenizer: Any, texts: Sequence[str], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``tokenizer(texts, **kwargs)``, with tensors on the CPU whatever torch's default."""
    import torch

    with torch.device("cpu"):
        return dict(tokenizer(list(texts), **kwargs))


def _repeat_pads(
    tokenizer: Any, prompts: Sequence[Prompt], kwargs: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Tokenise the short texts and repeat the ids of pads; None where that is not supported."""
    placeholders = [[p for p in prompt if isinstance(p, Placeholder)] for prompt in prompts]
    pad_ids = _pad_ids(tokenizer, {p.pad for row in placeholders for p in row})
    layout = _layout(tokenizer, kwargs)
    if not pad_ids or layout is None:
        return None
    encoded = tokenizer(
        [compact_text(prompt) for prompt in prompts],
        **{key: kwargs[key] for key in _PASSED_ON if key in kwargs},
        padding=False,
        truncation=False,
        return_special_tokens_mask=True,
        verbose=False,
    )
    names = [name for name in _PER_TOKEN if name in encoded]
    if set(encoded) - {*names, "length"}:
        return None
    rows: list[Row] = []
    for index, row_placeholders in enumerate(placeholders):
        columns = {name: np.asarray(encoded[name][index], np.int64) for name in names}
        counts = _counts(columns["input_ids"], row_placeholders, pad_ids)
        if counts is None:
            return None
        row = _truncated({k: np.repeat(v, counts) for k, v in columns.items()}, layout)
        if row is None:
            return None
        rows.append(row)
    _pad(tokenizer, rows, layout)
    if not kwargs.get("return_special_tokens_mask"):
        names.remove("special_tokens_mask")
    return _stacked(rows, names, "length" in encoded, layout.tensors)


def _pad_ids(tokenizer: Any, pads: set[str]) -> dict[str, int] | None:
    """Return the id of each pad if n pads in a row always become n ids; otherwise None.

    A tokenizer first cuts added tokens out of the raw text, the leftmost first and of several the
    longest. So a pad that begins where the last one ended can only lose to a longer token that
    begins with it. A token that takes the beginning of a pad from the left shows up in the ids.
    """
    if not getattr(tokenizer, "is_fast", False) or getattr(
        tokenizer, "split_special_tokens", False
    ):
        return None
    added = getattr(tokenizer, "added_tokens_decoder", {})
    ids: dict[str, int] = {}
    for pad in pads:
        rivals = [(i, token) for i, token in added.items() if token.content.startswith(pad)]
        if len(rivals) != 1 or rivals[0][1].content != pad or pad != pad.strip():
            return None
        pad_id, token = rivals[0]
        if token.lstrip or token.rstrip or token.single_word or token.normalized:
            return None
        ids[pad] = pad_id
    return ids


def _counts(
    ids: NDArray[np.int64], placeholders: Sequence[Placeholder], pad_ids: Mapping[str, int]
) -> NDArray[np.int64] | None:
    """Return the repeat count of each id, or None if the pads among them are not as expected."""
    expected = [pad_ids[p.pad] for p in placeholders for _ in p.counts]
    (where,) = np.nonzero(np.isin(ids, list(pad_ids.values())))
    if not np.array_equal(ids[where], expected):
        return None
    counts = np.ones(len(ids), np.int64)
    counts[where] = [n for p in placeholders for n in p.counts]
    return counts


@dataclass(frozen=True)
class _Layout:
    """Truncate and pad the rows of a batch."""

    padding: str
    truncation: str
    truncate_left: bool
    max_length: int
    multiple: int
    pad_left: bool
    tensors: str | None


def _layout(tokenizer: Any, kwargs: Mapping[str, Any]) -> _Layout | None:
    """Return what the arguments of a call ask for, or None if it is not supported."""
    if any(value for key, value in kwargs.items() if key not in _SUPPORTED):
        return None
    resolve = getattr(tokenizer, "_get_padding_truncation_strategies", None)
    tensors = kwargs.get("return_tensors")
    tensors = getattr(tensors, "value", tensors)
    if resolve is None or tensors not in (None, "pt", "np"):
        return None
    padding, truncation, max_length, _ = resolve(
        padding=kwargs.get("padding", False),
        truncation=kwargs.get("truncation"),
        max_length=kwargs.get("max_length"),
        pad_to_multiple_of=kwargs.get("pad_to_multiple_of"),
        verbose=kwargs.get("verbose", True),
    )
    if truncation.value not in ("longest_first", "only_first", "do_not_truncate"):
        return None
    return _Layout(
        padding=padding.value,
        truncation=truncation.value,
        truncate_left=tokenizer.truncation_side == "left",
        max_length=max_length or 0,
        multiple=kwargs.get("pad_to_multiple_of") or 1,
        pad_left=(kwargs.get("padding_side") or tokenizer.padding_side) == "left",
        tensors=tensors,
    )


def _truncated(row: Row, layout: _Layout) -> Row | None:
    """Truncate the tokens of the text, but not those that the tokenizer put around them.

    Return None where that is not possible.
    """
    special = row["special_tokens_mask"]
    (text,) = np.nonzero(special == 0)
    start, stop = (int(text[0]), int(text[-1]) + 1) if len(text) else (len(special), len(special))
    if special[start:stop].any():
        return None
    around = len(special) - (stop - start)
    if layout.truncation == "do_not_truncate" or len(special) <= layout.max_length:
        return row
    if layout.max_length <= around:
        return None
    surplus = len(special) - layout.max_length
    cut = slice(start, start + surplus) if layout.truncate_left else slice(stop - surplus, stop)
    return {name: np.delete(values, cut) for name, values in row.items()}


def _pad(tokenizer: Any, rows: list[Row], layout: _Layout) -> None:
    if layout.padding == "do_not_pad":
        return
    longest = max(len(row["input_ids"]) for row in rows)
    target = layout.max_length if layout.padding == "max_length" else longest
    target = -(-target // layout.multiple) * layout.multiple
    fill = {
        "input_ids": tokenizer.pad_token_id,
        "token_type_ids": tokenizer.pad_token_type_id,
        "attention_mask": 0,
        "special_tokens_mask": 1,
    }
    for row in rows:
        missing = max(target - len(row["input_ids"]), 0)
        widths = (missing, 0) if layout.pad_left else (0, missing)
        row.update({k: np.pad(v, widths, constant_values=fill[k]) for k, v in row.items()})


def _stacked(
    rows: list[Row], names: list[str], with_length: bool, tensors: str | None
) -> dict[str, Any] | None:
    lengths = [len(row["input_ids"]) for row in rows]
    if tensors is None:
        out: dict[str, Any] = {name: [row[name].tolist() for row in rows] for name in names}
        return {**out, "length": lengths} if with_length else out
    if len(set(lengths)) > 1:  # the tokenizer's own error says best what to do
        return None
    arrays: dict[str, Any] = {name: np.stack([row[name] for row in rows]) for name in names}
    if with_length:
        arrays["length"] = np.asarray(lengths, np.int64)
    if tensors == "np":
        return arrays
    return {name: _as_tensor(array) for name, array in arrays.items()}


def _as_tensor(array: NDArray[np.int64]) -> Any:
    import torch

    return torch.from_numpy(array)
