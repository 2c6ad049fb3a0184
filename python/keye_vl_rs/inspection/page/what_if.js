"use strict";
// The types of frames for any threshold, and what follows from them. Which frame a frame is compared with
// depends on the threshold; the report holds every comparison that can be needed.

const DATA = JSON.parse(document.getElementById("data").textContent);
const FRAMES = DATA.types.length;
const SLOW = 0;
const FAST = 1;

// Return the comparison of a frame with an earlier one.
function findPair(frame, reference) {
  const pairs = DATA.pairs[frame];
  for (let at = 0; at < pairs.length; at += 3) {
    if (pairs[at] !== reference) continue;
    const [unchanged, counted] = [pairs[at + 1], pairs[at + 2]];
    const own = DATA.comparedWith[frame] === reference;
    // A share rounded to float32, as keye_vl_rs compares it. NaN if all patches are black.
    const similarity = Math.fround(unchanged / counted);
    const runs = own ? DATA.ownChanges[frame] : DATA.pairChanges[frame][at / 3];
    return { frame, reference, similarity, unchanged, counted, runs };
  }
  throw new Error(`the report has no comparison of frames ${reference} and ${frame}`);
}

// Return the type of each frame, and its comparison; none for the first.
function splitFrames(threshold) {
  const types = [SLOW];
  const pairs = [null];
  let reference = 0;
  for (let frame = 1; frame < FRAMES; frame++) {
    const pair = findPair(frame, reference);
    pairs.push(pair);
    const slow = pair.similarity < threshold;
    types.push(slow ? SLOW : FAST);
    if (slow) reference = frame;
  }
  return { types, pairs };
}

// Return the threshold that the report can answer for: any, or the nearest of a list.
function knownThreshold(threshold) {
  if (DATA.thresholds === null) return threshold;
  return DATA.thresholds.reduce((best, one) =>
    Math.abs(one - threshold) < Math.abs(best - threshold) ? one : best);
}

// Return everything that follows from a threshold and a budget.
function whatIf(threshold, totalPixels) {
  const { types, pairs } = splitFrames(threshold);
  const slowFrames = types.reduce((count, type) => count + (type === SLOW ? 1 : 0), 0);
  const fastFrames = FRAMES - slowFrames;
  const [slowSize, fastSize] = planSizes({ ...DATA.plan, totalPixels }, slowFrames, fastFrames);
  const [slowPixels, fastPixels] = [slowSize[0] * slowSize[1], fastSize[0] * fastSize[1]];
  const slow = (slowFrames * slowPixels) / DATA.tokenPixels;
  const fast = (fastFrames * fastPixels) / DATA.tokenPixels;
  const markers = FRAMES + 2 * fastFrames;
  const { resizedPixels, resizedVideoPixels } = DATA.limits;
  const pixels = slowFrames * slowPixels + fastFrames * fastPixels;
  return {
    threshold, totalPixels, types, pairs, slowFrames, fastFrames, slowSize, fastSize,
    tokens: { slow, fast, timestamps: DATA.timestampTokens, markers },
    vision: slow + fast,
    all: slow + fast + DATA.timestampTokens + markers,
    sampled: countFrames(DATA.sampling, totalPixels, FRAMES),
    overLimit: (resizedPixels !== null && Math.max(slowPixels, fastPixels) > resizedPixels)
      || (resizedVideoPixels !== null && pixels > resizedVideoPixels),
  };
}
