"use strict";
// The curve of similarity, with the threshold and a mark for each frame.

const SVG = "http://www.w3.org/2000/svg";
const CHART_HEIGHT = 210;
const MARGIN = { left: 44, right: 14, top: 16, bottom: 28 };
// Where the vertical axis may begin.
const LOWEST = [0.8, 0.6, 0.4, 0.2, 0];
// More marks than this could not be told apart.
const MAX_MARKS = 500;

function svgElement(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

// Return when a frame is shown: seconds, or of long videos hours, minutes and seconds.
function frameTime(frame) {
  if (!DATA.times.length) return "";
  const seconds = DATA.times[frame];
  if (DATA.times[FRAMES - 1] < 1000) return `${seconds.toFixed(1)} s`;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  return parts.map((part, place) => (place ? String(part).padStart(2, "0") : part)).join(":");
}

// Return the height of a frame's point; the first frame, and black ones, count as unchanged.
function shareOf(result, frame) {
  const pair = result.pairs[frame];
  return pair === null || Number.isNaN(pair.similarity) ? 1 : pair.similarity;
}

class Chart {
  constructor(holder, choose) {
    this.holder = holder;
    this.width = 0;
    this.lowest = 0;
    holder.addEventListener("pointerdown", (event) => {
      const box = holder.getBoundingClientRect();
      const inner = this.width - MARGIN.left - MARGIN.right;
      const share = (event.clientX - box.left - MARGIN.left) / inner;
      choose(Math.max(0, Math.min(FRAMES - 1, Math.round(share * (FRAMES - 1)))));
    });
  }

  x(frame) {
    const inner = this.width - MARGIN.left - MARGIN.right;
    return MARGIN.left + (FRAMES > 1 ? (frame / (FRAMES - 1)) * inner : inner / 2);
  }

  y(share) {
    const height = CHART_HEIGHT - MARGIN.top - MARGIN.bottom;
    return MARGIN.top + ((1 - share) / (1 - this.lowest)) * height;
  }

  draw(result, chosen) {
    this.width = Math.max(this.holder.clientWidth, 240);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${this.width} ${CHART_HEIGHT}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `Similarity of ${FRAMES} frames to the last slow frame before each. `
      + `${result.slowFrames} are slow: below the threshold ${shortNumber(result.threshold)}, or first.`);
    const limit = Math.min(Math.max(result.threshold, 0), 1);
    let least = limit;
    for (let frame = 0; frame < FRAMES; frame++) least = Math.min(least, shareOf(result, frame));
    this.lowest = LOWEST.find((share) => share < least) ?? 0;
    this.drawAxes(svg);
    this.drawCurve(svg, result);
    const [left, right] = [MARGIN.left, this.width - MARGIN.right];
    svgElement(svg, "line", { class: "limit", x1: left, x2: right, y1: this.y(limit), y2: this.y(limit) });
    svgElement(svg, "text", {
      class: "limit-text", x: right, "text-anchor": "end",
      y: limit > (1 + this.lowest) / 2 ? this.y(limit) + 15 : this.y(limit) - 6,
    }, `threshold ${shortNumber(result.threshold)}`);
    this.drawMarks(svg, result);
    const at = this.x(chosen);
    svgElement(svg, "line", { class: "chosen", x1: at, x2: at, y1: MARGIN.top, y2: this.y(this.lowest) });
    this.drawMark(svg, result, chosen, 1.5);
    this.holder.replaceChildren(svg);
  }

  drawAxes(svg) {
    for (let line = 0; line <= 4; line++) {
      const share = this.lowest + (line / 4) * (1 - this.lowest);
      const y = this.y(share);
      svgElement(svg, "line", { class: "axis", x1: MARGIN.left, x2: this.width - MARGIN.right, y1: y, y2: y });
      svgElement(svg, "text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, `${Math.round(share * 100)}%`);
    }
    const steps = Math.min(FRAMES - 1, Math.max(1, Math.floor(this.width / 190)));
    for (let step = 0; step <= steps; step++) {
      const frame = steps ? Math.round((step / steps) * (FRAMES - 1)) : 0;
      const anchor = step === 0 ? "start" : step === steps ? "end" : "middle";
      const text = [`frame ${frame}`, frameTime(frame)].filter(Boolean).join(", ");
      svgElement(svg, "text", { x: this.x(frame), y: CHART_HEIGHT - 8, "text-anchor": anchor }, text);
    }
  }

  // Draw the curve; where several frames share a pixel, only the least and the most similar of them.
  drawCurve(svg, result) {
    const step = Math.max(1, Math.ceil(FRAMES / (2 * this.width)));
    const points = [];
    for (let first = 0; first < FRAMES; first += step) {
      const last = Math.min(first + step, FRAMES);
      let [least, most] = [first, first];
      for (let frame = first; frame < last; frame++) {
        if (shareOf(result, frame) < shareOf(result, least)) least = frame;
        if (shareOf(result, frame) > shareOf(result, most)) most = frame;
      }
      const both = least === most ? [least] : [Math.min(least, most), Math.max(least, most)];
      for (const frame of both) {
        points.push(`${this.x(frame).toFixed(1)} ${this.y(shareOf(result, frame)).toFixed(1)}`);
      }
    }
    svgElement(svg, "path", { class: "curve", d: `M${points.join("L")}` });
  }

  drawMarks(svg, result) {
    // Of many frames only slow ones are marked, evenly thinned.
    const marked = [];
    for (let frame = 0; frame < FRAMES; frame++) {
      if (FRAMES <= MAX_MARKS || result.types[frame] === SLOW) marked.push(frame);
    }
    const step = Math.ceil(marked.length / MAX_MARKS);
    for (let at = 0; at < marked.length; at += step) this.drawMark(svg, result, marked[at], 1);
  }

  drawMark(svg, result, frame, scale) {
    const [x, y] = [this.x(frame), this.y(shareOf(result, frame))];
    if (result.types[frame] === SLOW) {
      const r = 6.5 * scale;
      svgElement(svg, "path", { class: "slow-mark", d: `M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}z` });
    } else {
      svgElement(svg, "circle", { class: "fast-mark", cx: x, cy: y, r: (FRAMES > 150 ? 2.2 : 3.6) * scale });
    }
  }
}
