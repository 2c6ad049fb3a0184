"use strict";
// One frame beside the slow frame that it was compared with, and the map of what changed.

const RUN_KINDS = { u: "unchanged", c: "changed", b: "black" };
const MAX_PICTURE_HEIGHT = 420;

// Return the patches of each kind, as [row, column], or null if the report has no map of this comparison.
function patchesOf(pair) {
  if (pair === null || !pair.runs) return null;
  const columns = DATA.grid[1];
  const found = { unchanged: [], changed: [], black: [] };
  let patch = 0;
  for (const [, count, name] of pair.runs.matchAll(/(\d+)([ucb])/g)) {
    for (const end = patch + Number(count); patch < end; patch++) {
      found[RUN_KINDS[name]].push([Math.floor(patch / columns), patch % columns]);
    }
  }
  return found;
}

function drawPicture(parent, frame, title, patches) {
  const figure = htmlElement(parent, "figure", {});
  htmlElement(figure, "figcaption", { textContent: title });
  const picture = htmlElement(figure, "div", { className: "picture" });
  const { height, width } = DATA.plan;
  picture.style.aspectRatio = `${width} / ${height}`;
  picture.style.maxWidth = `${Math.min(640, (MAX_PICTURE_HEIGHT * width) / height)}px`;
  const source = thumbnailOf(frame);
  if (source) htmlElement(picture, "img", { src: source, alt: title });
  if (patches) drawMap(picture, patches);
}

function drawMap(picture, patches) {
  const [rows, columns] = DATA.grid;
  const map = svgElement(picture, "svg", {
    viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", role: "img", id: "map",
    "aria-label": `Map of ${rows} by ${columns} patches: ${patches.changed.length} differ`,
  });
  const squares = (some) => some.map(([row, column]) => `M${column} ${row}h1v1h-1z`).join("");
  const crosses = patches.changed
    .map(([row, column]) => `M${column + 0.3} ${row + 0.3}l.4 .4m0-.4l-.4 .4`).join("");
  svgElement(map, "path", { class: "black-patch", d: squares(patches.black) });
  svgElement(map, "path", { class: "changed-patch", d: squares(patches.changed) });
  svgElement(map, "path", { class: "changed-cross", d: crosses });
}

function drawShare(holder, pair, threshold) {
  holder.replaceChildren();
  if (pair === null || Number.isNaN(pair.similarity)) return;
  const changed = pair.counted - pair.unchanged;
  const allowed = allowedShare(threshold);
  const gauge = htmlElement(holder, "div", { className: "gauge" });
  gauge.setAttribute("role", "img");
  gauge.setAttribute("aria-label", `${changed} of ${pair.counted} patches differ; allowed are `
    + `${shortNumber(allowed * 100)} percent`);
  htmlElement(gauge, "div", { className: "fill" }).style.width = `${(100 * changed) / pair.counted}%`;
  htmlElement(gauge, "div", { className: "allowed" }).style.left = `${100 * allowed}%`;
  const [height, width] = DATA.comparisonSize;
  htmlElement(holder, "p", {
    className: "hint",
    textContent: `${changed} of ${pair.counted} patches differ (striped); the line marks how many may. `
      + `Similarity ${shortNumber(pair.similarity)}, threshold ${shortNumber(threshold)}. `
      + `Compared at ${width}x${height} pixels, in patches of 28x28.`,
  });
}

function drawDetail(result, frame, marked) {
  const pair = result.pairs[frame];
  document.getElementById("sentence").textContent = explainFrame(frame, pair, result.threshold);
  drawShare(document.getElementById("share"), pair, result.threshold);
  const figures = document.getElementById("figures");
  figures.replaceChildren();
  const patches = patchesOf(pair);
  const name = (one) => [`Frame ${one}`, frameTime(one)].filter(Boolean).join(", ");
  if (pair !== null) drawPicture(figures, pair.reference, `${name(pair.reference)}: the last slow frame`, null);
  const kind = result.types[frame] === SLOW ? "slow" : "fast";
  drawPicture(figures, frame, `${name(frame)}: ${kind}`, marked ? patches : null);
  const notes = [];
  if (pair !== null && patches === null) {
    notes.push("The report has no map of this comparison: all maps together would be too large.");
  }
  if (patches?.black.length) {
    notes.push(`${patches.black.length} grey patches are black in both frames, and do not count.`);
  }
  const missing = [frame, ...(pair === null ? [] : [pair.reference])].some((one) => !thumbnailOf(one));
  if (missing && DATA.hasThumbnails) notes.push("Thumbnails are thinned, and one of these frames has none.");
  document.getElementById("map-note").textContent = notes.join(" ");
}
