"use strict";
// The sizes of frames under the budget: plan_sizes and smart_resize of keye_vl_rs, with the same float64
// arithmetic. A test compares them with the compiled code.

function roundTiesToEven(number) {
  const rounded = Math.round(number);
  return Math.abs(number % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function smartResize(height, width, factor, minPixels, maxPixels) {
  const round = (side) => Math.max(factor, roundTiesToEven(side / factor) * factor);
  let [newHeight, newWidth] = [round(height), round(width)];
  if (newHeight * newWidth > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    newHeight = Math.floor(height / shrink / factor) * factor;
    newWidth = Math.floor(width / shrink / factor) * factor;
  } else if (newHeight * newWidth < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    newHeight = Math.ceil((height * grow) / factor) * factor;
    newWidth = Math.ceil((width * grow) / factor) * factor;
  }
  return [Math.max(newHeight, factor), Math.max(newWidth, factor)];
}

// Return the [height, width] of slow and of fast frames.
function planSizes(plan, slowFrames, fastFrames) {
  const side = plan.factor;
  const minPixels = Math.max(Math.trunc(plan.minPixels), plan.videoMinPixels);
  const minTokens = Math.trunc(minPixels / side / side);
  const pixelsOfAll = (tokens) => {
    const fastTokens = Math.max(Math.trunc(plan.fastTokenRatio * tokens), minTokens);
    return slowFrames * tokens * side * side + fastFrames * fastTokens * side * side;
  };
  let low = minPixels / side / side;
  let high = plan.maxPixels / side / side;
  while (low < high) {
    const middle = Math.floor(Math.trunc(low + high) / 2);
    if (middle >= high) break;
    if (pixelsOfAll(middle) > plan.totalPixels) high = middle;
    else low = middle + 1;
  }
  const fit = (maxPixels) => smartResize(plan.height, plan.width, side, minPixels, maxPixels);
  const slow = fit(low * side * side);
  const slowTokens = (slow[0] * slow[1]) / side / side;
  const fastMax = Math.trunc(slowTokens * plan.fastTokenRatio) * side * side;
  return [slow, fit(Math.max(fastMax, plan.videoMinPixels))];
}

// Return how many frames are sampled under a budget.
function countFrames(sampling, totalPixels, sampled) {
  if (sampling.numFrames !== null) return sampled;
  const { totalFrames, videoFps, minPixels, maxFrames } = sampling;
  let most = Math.max(1, Math.trunc(Math.min(totalPixels / minPixels, totalFrames)));
  if (maxFrames !== null) most = Math.min(most, maxFrames);
  const wanted = (totalFrames / videoFps) * Math.min(sampling.fps, videoFps);
  return Math.max(1, Math.trunc(Math.min(wanted, most)));
}
