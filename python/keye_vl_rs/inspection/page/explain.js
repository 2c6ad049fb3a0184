"use strict";
// Sentences that say why a frame is slow or fast: those of keye_vl_rs/inspection/explanation.py.

const MAX_DECIMALS = 4;

function percent(share, decimals) {
  const scale = 10 ** decimals;
  return `${(Math.floor(share * 100 * scale + 0.5) / scale).toFixed(decimals)}%`;
}

// Return two shares in percent, with the fewest decimals that tell them apart.
function percentTexts(share, allowed) {
  for (let decimals = 0; decimals <= MAX_DECIMALS; decimals++) {
    const texts = [percent(share, decimals), percent(allowed, decimals)];
    if (texts[0] !== texts[1]) return texts;
  }
  return [percent(share, 0), percent(allowed, 0)];
}

function allowedShare(threshold) {
  return Math.min(Math.max(1 - threshold, 0), 1);
}

function explainFrame(frame, pair, threshold) {
  if (pair === null) {
    return `Frame ${frame} is slow because it is the first: there is none to compare it with.`;
  }
  const { reference, similarity, unchanged, counted } = pair;
  if (Number.isNaN(similarity)) {
    return `Frame ${frame} is fast because it is black, as is frame ${reference}: nothing changed.`;
  }
  const slow = similarity < threshold;
  const [exact, limit] = percentTexts((counted - unchanged) / counted, allowedShare(threshold));
  const shown = counted > unchanged && exact === "0%" ? "less than 1%" : exact;
  const start = `Frame ${frame} is ${slow ? "slow" : "fast"} because ${shown} of its patches differ from `
    + `frame ${reference}`;
  if (threshold > 1) return `${start}, and a threshold over 1 makes every frame slow.`;
  if (!slow) return `${start}, not more than the ${limit} allowed.`;
  if (unchanged / counted >= threshold) {
    return `${start}: as many as the ${limit} allowed, but the share of unchanged patches is rounded to `
      + "float32, which is just below the threshold.";
  }
  return `${start}, ${shown === limit ? "slightly " : ""}more than the ${limit} allowed.`;
}
