"""Test that the page computes what the Python package does, for other thresholds and budgets."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest

from keye_vl_rs import _core
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video import read_video_file
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._slow_fast.plan import plan_frame_sizes
from keye_vl_rs._slow_fast.split import split_frames
from keye_vl_rs.inspection.explanation import explain_frame
from support.clips import BUNNY

RULES = VideoRules()
THRESHOLDS = (
    -1.0,
    0.0,
    0.3,
    0.6,
    0.75,
    0.85,
    0.9,
    0.93,
    0.95,
    0.97,
    0.9841270446777344,
    0.99,
    1.0,
    1.2,
)
BUDGETS = (1, 10_000, 21 * 784 * 60, 21 * 784 * 200, 51_380_224, 10**9)


@pytest.fixture(scope="module")
def frames():
    return read_video_file(VideoOptions(source=str(BUNNY), fps=4), RULES).frames


def test_every_threshold_and_budget(open_report, report, frames):
    page = open_report(report)
    for threshold, budget in product(THRESHOLDS, BUDGETS):
        types = split_frames(frames, threshold, RULES).tolist()
        slow = types.count(0)
        sizes = plan_frame_sizes(
            VideoOptions(source=None, total_pixels=budget),
            (360, 640),
            slow,
            len(types) - slow,
            RULES,
        )
        found = page.evaluate(
            """([threshold, budget]) => {
                const { types, slowSize, fastSize, vision } = whatIf(threshold, budget);
                return [types, slowSize, fastSize, vision];
            }""",
            [threshold, budget],
        )
        tokens = sum(sizes[kind][0] * sizes[kind][1] for kind in types) // 784
        assert found == [types, list(sizes[0]), list(sizes[1]), tokens], (threshold, budget)


def test_sizes_are_the_cores(open_report, report):
    """Random plans, with sides and limits at which halves and roots are close."""
    page = open_report(report)
    rng = random.Random(5)
    plans = []
    for _ in range(4000):
        side = rng.choice([4000, 300, 60])
        plans.append(
            {
                "height": rng.randint(1, side),
                "width": rng.randint(1, side),
                "factor": rng.choice([28, 28, 14, 56]),
                "minPixels": rng.choice([37632, rng.randint(1, 200_000), rng.random() * 1e5]),
                "maxPixels": rng.choice([602112, rng.randint(1, 2_000_000), 784 * 200]),
                "totalPixels": rng.choice([51380224, rng.randint(1, 10**8), rng.random() * 1e7]),
                "videoMinPixels": 37632,
                "fastTokenRatio": 0.3,
                "slow": rng.randint(1, 700),
                "fast": rng.randint(0, 1400),
            }
        )
    plans = [one for one in plans if 1 / 200 <= one["height"] / one["width"] <= 200]
    found = page.evaluate("plans => plans.map(p => planSizes(p, p.slow, p.fast))", plans)
    assert len(found) > 3500
    for plan, sizes in zip(plans, found, strict=True):
        expected = _core.plan_sizes(
            plan["height"],
            plan["width"],
            plan["slow"],
            plan["fast"],
            factor=plan["factor"],
            min_pixels=plan["minPixels"],
            max_pixels=plan["maxPixels"],
            total_pixels=plan["totalPixels"],
            video_min_pixels=plan["videoMinPixels"],
            fast_token_ratio=plan["fastTokenRatio"],
        )
        assert sizes == [list(one) for one in expected], plan


def test_resizing_is_the_cores(open_report, report):
    page = open_report(report)
    rng = random.Random(6)
    # Multiples of 14 are halves of 28.
    cases = [
        [
            14 * rng.randint(1, 99),
            14 * rng.randint(1, 99),
            28,
            rng.choice([1, 3136, 37632, 1e6]),
            2e6,
        ]
        for _ in range(2000)
    ]
    cases = [one for one in cases if 1 / 200 <= one[0] / one[1] <= 200]
    found = page.evaluate("cases => cases.map(one => smartResize(...one))", cases)
    assert found == [list(_core.smart_resize(*one)) for one in cases]


def test_numbers_of_frames_are_the_rules(open_report, report):
    page = open_report(report)
    rng = random.Random(7)
    for _ in range(300):
        total, video_fps, fps = (
            rng.randint(1, 9000),
            rng.choice([25.0, 29.97, 1.5]),
            rng.random() * 30,
        )
        budget, least = rng.randint(1, 10**8), rng.choice([37632.0, 5000, 1e5])
        most = rng.choice([None, rng.randint(1, 900)])
        options = VideoOptions(
            source=None, fps=fps, min_pixels=least, total_pixels=budget, max_frames=most
        )
        sampling = {
            "totalFrames": total,
            "videoFps": video_fps,
            "fps": fps,
            "maxFrames": most,
            "numFrames": None,
            "minPixels": least,
        }
        found = page.evaluate("([s, b]) => countFrames(s, b, 0)", [sampling, budget])
        assert found == RULES.count_frames(options, total, video_fps)


def test_explanations_are_the_packages(open_report, report, inspection):
    page = open_report(report)
    for threshold in THRESHOLDS:
        found = page.evaluate(
            """threshold => splitFrames(threshold).pairs.map((pair, frame) =>
                [explainFrame(frame, pair, threshold), pair && pair.reference])""",
            threshold,
        )
        for frame, (sentence, reference) in enumerate(found):
            pair = next(
                (one for one in inspection.comparisons[frame] if one.reference == reference), None
            )
            similarity, changes = (pair.similarity, pair.changes) if pair else (None, None)
            assert sentence == explain_frame(frame, reference, similarity, changes, threshold)


def test_moving_the_controls(open_report, report, frames):
    page = open_report(report)
    before = page.inner_text("#comparison")
    page.get_by_label("Threshold, as a number").fill("0.97")
    slow = split_frames(frames, 0.97, RULES).tolist().count(0)
    assert f"{slow} slow and {21 - slow} fast frames" in page.inner_text("#outcome")
    assert page.locator("#strip .cell.slow").count() == slow
    assert "was fast" in page.inner_text("#strip")
    assert page.locator("#threshold").input_value() == "0.97"
    assert "fast" not in page.inner_text("#changed-frames").replace("Frames of another type", "")
    assert "--fps 4 --min-frame-similarity 0.97" in page.inner_text("#options-text")
    page.get_by_label("Budget in vision tokens, as a number").fill("1500")
    sizes = plan_frame_sizes(
        VideoOptions(source=None, total_pixels=1500 * 784), (360, 640), slow, 21 - slow, RULES
    )
    assert f"{sizes[0][1]}x{sizes[0][0]}" in page.inner_text("#comparison")
    assert page.locator("#estimate").is_hidden()
    page.get_by_role("button", name="Back to the options of this report").click()
    assert page.inner_text("#comparison") == before
    assert page.inner_text("#changed-frames") == "No frame changes its type."
    # Sliders work by keyboard, and take effect at once.
    page.locator("#threshold").focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    assert "Threshold 0.97" in page.inner_text("#outcome")


def test_a_budget_that_changes_the_sampling_is_called_an_estimate(open_report, report):
    page = open_report(report)
    page.get_by_label("Budget in vision tokens, as a number").fill("480")
    assert "10 frames would be sampled instead of 21" in page.inner_text("#estimate")
    page.get_by_label("Budget in vision tokens, as a number").fill("2000")
    assert page.locator("#estimate").is_hidden()


def test_a_result_over_a_limit_is_named(open_report, report):
    page = open_report(report)
    page.evaluate("DATA.limits.resizedVideoPixels = 1_000_000")
    page.get_by_label("Threshold, as a number").fill("0.95")
    assert "preprocess_video would refuse this" in page.inner_text("#estimate")
    page.evaluate("DATA.limits.resizedVideoPixels = null")
    page.get_by_label("Threshold, as a number").fill("0.9")
    assert page.locator("#estimate").is_hidden()


def test_odd_numbers_in_the_controls(open_report, report):
    page = open_report(report)
    before = page.inner_text("#outcome")
    for value in ("", "0", "-5"):
        page.get_by_label("Budget in vision tokens, as a number").fill(value)
        assert page.inner_text("#outcome") == before
    page.get_by_label("Threshold, as a number").fill("7")
    assert "21 slow and 0 fast" in page.inner_text("#outcome")
    page.evaluate("chooseFrame(3)")
    assert page.inner_text("#sentence").endswith("a threshold over 1 makes every frame slow.")


def test_only_some_thresholds(open_report, folder, monkeypatch, frames):
    from keye_vl_rs import inspect_video
    from keye_vl_rs.inspection import comparisons

    monkeypatch.setattr(comparisons, "_MAX_HELD", 4)
    found = inspect_video(BUNNY, fps=4, min_frame_similarity=0.93)
    assert found.thresholds == (0.0, 0.5, 0.93, 1.0)
    page = open_report(found.save(folder / "some.html"))
    assert "exactly for 4 thresholds" in page.inner_text("#threshold-note")
    for asked, used in ((0.8, 0.93), (0.2, 0.0), (0.99, 1.0)):
        page.get_by_label("Threshold, as a number").fill(str(asked))
        slow = split_frames(frames, used, RULES).tolist().count(0)
        assert f"Threshold {used:g} and" in page.inner_text("#outcome")
        assert f"{slow} slow and" in page.inner_text("#outcome")
    assert math.isclose(found.options.min_frame_similarity, 0.93)
