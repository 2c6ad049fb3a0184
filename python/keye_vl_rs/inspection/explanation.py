"""Say why a frame is slow or fast, in a sentence.

``page/explain.js`` writes the same sentences for other thresholds; a test compares them.
"""

from __future__ import annotations

import math

from keye_vl_rs.inspection.comparisons import BLACK, CHANGED

__all__ = ["explain_frame", "percent_texts"]

# Shares are written with as many decimals as it takes to tell them apart.
_MAX_DECIMALS = 4


def explain_frame(
    frame: int,
    reference: int | None,
    similarity: float | None,
    changes: bytes | None,
    threshold: float,
) -> str:
    """Return a sentence that says why a frame is slow or fast.

    Args:
        frame: its number.
        reference: number of the slow frame that it was compared with; None for the first frame.
        similarity: share of unchanged patches, NaN if all are black in both frames.
        changes: the changes of patches, as in :class:`keye_vl_rs.VideoInspection`.
        threshold: ``min_frame_similarity``.
    """
    if reference is None or similarity is None or changes is None:
        return f"Frame {frame} is slow because it is the first: there is none to compare it with."
    if math.isnan(similarity):
        return (
            f"Frame {frame} is fast because it is black, as is frame {reference}: nothing changed."
        )
    changed, counted = changes.count(CHANGED), len(changes) - changes.count(BLACK)
    slow = similarity < threshold
    shown, limit = percent_texts(changed / counted, min(max(1 - threshold, 0.0), 1.0))
    if changed and shown == "0%":
        shown = "less than 1%"
    start = (
        f"Frame {frame} is {'slow' if slow else 'fast'} because {shown} of its patches differ from "
        f"frame {reference}"
    )
    if threshold > 1:
        return f"{start}, and a threshold over 1 makes every frame slow."
    if not slow:
        return f"{start}, not more than the {limit} allowed."
    if (counted - changed) / counted >= threshold:
        return (
            f"{start}: as many as the {limit} allowed, but the share of unchanged patches is "
            "rounded to float32, which is just below the threshold."
        )
    return f"{start}, {'slightly ' if shown == limit else ''}more than the {limit} allowed."


def percent_texts(share: float, allowed: float) -> tuple[str, str]:
    """Return two shares in percent, with the fewest decimals that tell them apart."""
    for decimals in range(_MAX_DECIMALS + 1):
        texts = _percent(share, decimals), _percent(allowed, decimals)
        if texts[0] != texts[1]:
            break
    else:
        texts = _percent(share, 0), _percent(allowed, 0)
    return texts


def _percent(share: float, decimals: int) -> str:
    # Adding half a unit and cutting off rounds as JavaScript can, unlike Python's format.
    scale = 10**decimals
    number = math.floor(share * 100 * scale + 0.5) / scale
    text = f"{number:.{decimals}f}"
    return f"{text}%"
