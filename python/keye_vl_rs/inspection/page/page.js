"use strict";
// The controls, and what they change.

const byId = (id) => document.getElementById(id);
const OWN = { threshold: DATA.threshold, totalPixels: DATA.plan.totalPixels };
const ORIGINAL = whatIf(OWN.threshold, OWN.totalPixels);
const state = { ...OWN, frame: 0, result: ORIGINAL };
// The positions of the budget's control are logarithms of these numbers of tokens.
const BUDGETS = [64, Math.max(131072, 2 * (OWN.totalPixels / DATA.tokenPixels))];

function shortNumber(number) {
  return String(Number(number.toFixed(4)));
}

function withCommas(number) {
  return number.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

function sizeText([height, width]) {
  return `${width}x${height}`;
}

function signed(difference) {
  return `${difference > 0 ? "+" : difference < 0 ? "\u2212" : "\u00b1"}${withCommas(Math.abs(difference))}`;
}

const chart = new Chart(byId("chart"), (frame) => chooseFrame(frame));
const strip = new Strip(byId("strip"), (frame) => chooseFrame(frame));

function chooseFrame(frame) {
  state.frame = Math.max(0, Math.min(FRAMES - 1, frame));
  if (!strip.choose(state.frame)) strip.draw(state.result, state.frame);
  chart.draw(state.result, state.frame);
  showDetail();
}

function showDetail() {
  drawDetail(state.result, state.frame, byId("show-changes").checked);
  byId("previous").disabled = state.frame === 0;
  byId("next").disabled = state.frame === FRAMES - 1;
  byId("previous-slow").disabled = nearestSlow(-1) === null;
  byId("next-slow").disabled = nearestSlow(1) === null;
}

// Return the next slow frame in a direction, or null.
function nearestSlow(step) {
  for (let frame = state.frame + step; frame >= 0 && frame < FRAMES; frame += step) {
    if (state.result.types[frame] === SLOW) return frame;
  }
  return null;
}

function setOptions(threshold, totalPixels) {
  state.threshold = knownThreshold(threshold);
  state.totalPixels = totalPixels;
  state.result = whatIf(state.threshold, state.totalPixels);
  strip.draw(state.result, state.frame);
  chart.draw(state.result, state.frame);
  showDetail();
  showOutcome();
}

function showControls(typing) {
  const tokens = state.totalPixels / DATA.tokenPixels;
  byId("threshold").value = state.threshold;
  byId("threshold").setAttribute("aria-valuetext", shortNumber(state.threshold));
  if (typing !== byId("threshold-number")) byId("threshold-number").value = state.threshold;
  byId("budget").value = (1000 * Math.log(tokens / BUDGETS[0])) / Math.log(BUDGETS[1] / BUDGETS[0]);
  byId("budget").setAttribute("aria-valuetext", `${withCommas(tokens)} tokens`);
  if (typing !== byId("budget-number")) byId("budget-number").value = Number(tokens.toFixed(2));
  byId("threshold-note").textContent = DATA.thresholds === null
    ? `Up to ${shortNumber(100 * allowedShare(state.threshold))}% of the patches may differ. Exact for every value.`
    : `This report answers exactly for ${DATA.thresholds.length} thresholds; the nearest is used.`;
  byId("budget-note").textContent = `${withCommas(state.totalPixels)} pixels.`;
}

function showOutcome() {
  const [result, before] = [state.result, ORIGINAL];
  showControls(document.activeElement);
  byId("outcome").textContent = `Threshold ${shortNumber(result.threshold)} and `
    + `${withCommas(result.totalPixels / DATA.tokenPixels)} tokens: ${withCommas(result.slowFrames)} slow and `
    + `${withCommas(result.fastFrames)} fast frames, ${withCommas(result.vision)} vision tokens `
    + `(${result.vision === before.vision ? "no change" : signed(result.vision - before.vision)}).`;
  const warnings = [];
  if (result.sampled !== FRAMES) {
    warnings.push(`With this budget ${withCommas(result.sampled)} frames would be sampled instead of `
      + `${withCommas(FRAMES)}, so these numbers are an estimate: inspect the video again with this budget.`);
  }
  if (result.overLimit) warnings.push("preprocess_video would refuse this: it is over a limit of this machine.");
  byId("estimate").textContent = warnings.join(" ");
  byId("estimate").hidden = !warnings.length;
  showTable(before, result);
  const changed = result.types.flatMap((type, frame) => (type === DATA.types[frame] ? [] : [frame]));
  const listed = changed.slice(0, 24).map((frame) => `${frame} ${result.types[frame] === SLOW ? "slow" : "fast"}`);
  const more = changed.length > listed.length ? `, and ${changed.length - listed.length} more` : "";
  byId("changed-frames").textContent = changed.length
    ? `Frames of another type: ${listed.join(", ")}${more}.`
    : "No frame changes its type.";
  byId("options-text").textContent = "To get this, pass to preprocess: " + [
    ...DATA.otherOptions,
    `--min-frame-similarity ${result.threshold} --total-pixels ${Math.round(result.totalPixels)}`,
  ].join(" ");
  drawBar(result);
}

function showTable(before, result) {
  const fastSize = (one) => (one.fastFrames ? sizeText(one.fastSize) : "-");
  const rows = [
    ["slow frames", (one) => withCommas(one.slowFrames)],
    ["fast frames", (one) => withCommas(one.fastFrames)],
    ["size of slow frames", (one) => sizeText(one.slowSize)],
    ["size of fast frames", fastSize],
    ["tokens of slow frames", (one) => withCommas(one.tokens.slow)],
    ["tokens of fast frames", (one) => withCommas(one.tokens.fast)],
    ["vision tokens", (one) => withCommas(one.vision)],
    ["with text, about", (one) => withCommas(one.all)],
  ];
  const body = byId("comparison");
  body.replaceChildren();
  for (const [name, text] of rows) {
    const row = htmlElement(body, "tr", {});
    htmlElement(row, "th", { scope: "row", textContent: name });
    htmlElement(row, "td", { className: "number", textContent: text(before) });
    const differs = text(before) !== text(result) ? "number differs" : "number";
    htmlElement(row, "td", { className: differs, textContent: text(result) });
  }
}

function drawBar(result) {
  const holder = byId("bar");
  holder.replaceChildren();
  const parts = [["slow", "slow frames"], ["fast", "fast frames"], ["timestamps", "timestamps, about"],
    ["markers", "markers of frames"]];
  const budget = result.totalPixels / DATA.tokenPixels;
  const bar = htmlElement(holder, "div", { className: "bar" });
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", parts.map(([key, name]) => `${name} ${result.tokens[key]}`).join(", "));
  const legend = htmlElement(holder, "ul", { className: "bar-legend" });
  for (const [key, name] of parts) {
    const part = htmlElement(bar, "div", { className: `part part-${key}` });
    part.style.width = `${(100 * result.tokens[key]) / result.all}%`;
    const item = htmlElement(legend, "li", {});
    htmlElement(item, "span", { className: `swatch part-${key}` });
    htmlElement(item, "span", { textContent: name });
    htmlElement(item, "span", { className: "count", textContent: withCommas(result.tokens[key]) });
  }
  const share = (100 * result.vision) / budget;
  htmlElement(holder, "p", {
    textContent: `${withCommas(result.vision)} of ${withCommas(budget)} vision tokens allowed: ${share.toFixed(1)}%.`
      + (share > 100 ? " Over the budget, because frames do not get smaller than their minimum." : ""),
  });
}

function moveByKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, button, summary, a")) return;
  const moves = {
    ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -FRAMES, End: FRAMES,
  };
  const vertical = !event.key.endsWith("Left") && !event.key.endsWith("Right");
  // Elsewhere than in the list these keys scroll the page.
  if (!(event.key in moves) || (vertical && event.target !== byId("strip"))) return;
  event.preventDefault();
  chooseFrame(state.frame + moves[event.key]);
}

function onInput(id, change) {
  byId(id).addEventListener("input", () => {
    const value = Number(byId(id).value);
    if (byId(id).value !== "" && Number.isFinite(value)) change(value);
  });
}

const budgetAt = (place) => Math.round(BUDGETS[0] * (BUDGETS[1] / BUDGETS[0]) ** (place / 1000));
const setTokens = (tokens) => tokens > 0 && setOptions(state.threshold, Math.round(tokens * DATA.tokenPixels));
onInput("threshold", (value) => setOptions(value, state.totalPixels));
onInput("threshold-number", (value) => setOptions(value, state.totalPixels));
onInput("budget", (place) => setTokens(budgetAt(place)));
onInput("budget-number", setTokens);
for (const id of ["threshold-number", "budget-number"]) byId(id).addEventListener("blur", () => showControls(null));
byId("reset").addEventListener("click", () => setOptions(OWN.threshold, OWN.totalPixels));
byId("show-changes").addEventListener("change", showDetail);
byId("previous").addEventListener("click", () => chooseFrame(state.frame - 1));
byId("next").addEventListener("click", () => chooseFrame(state.frame + 1));
byId("previous-slow").addEventListener("click", () => chooseFrame(nearestSlow(-1) ?? state.frame));
byId("next-slow").addEventListener("click", () => chooseFrame(nearestSlow(1) ?? state.frame));
document.addEventListener("keydown", moveByKey);
new ResizeObserver(() => {
  if (byId("chart").clientWidth !== chart.width) chart.draw(state.result, state.frame);
}).observe(byId("chart"));

if (DATA.thumbnails.length && DATA.thumbnails.includes(0)) {
  const shown = DATA.thumbnails.filter(Boolean).length;
  byId("thinned").hidden = false;
  byId("thinned").textContent = `To keep the page small, ${withCommas(shown)} of ${withCommas(FRAMES)} frames have a `
    + "thumbnail. Types, similarities and tokens are those of all frames.";
}
strip.draw(state.result, 0);
// Begin with a frame that needs an explanation.
chooseFrame(nearestSlow(1) ?? Math.min(1, FRAMES - 1));
showOutcome();
