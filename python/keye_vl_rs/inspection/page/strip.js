"use strict";
// The strip of frames: a list box, of which a long video shows one page at a time.

const PAGE_FRAMES = 120;
const IMAGE = "data:image/jpeg;base64,";

function thumbnailOf(frame) {
  return DATA.thumbnails[frame] ? IMAGE + DATA.thumbnails[frame] : null;
}

function htmlElement(parent, name, properties) {
  const element = document.createElement(name);
  Object.assign(element, properties);
  parent.append(element);
  return element;
}

class Strip {
  constructor(list, choose) {
    this.list = list;
    this.first = -1;
    this.types = [];
    this.chosen = 0;
    this.pager = document.getElementById("pager");
    this.text = document.getElementById("page-text");
    this.back = document.getElementById("page-back");
    this.on = document.getElementById("page-on");
    this.pager.hidden = FRAMES <= PAGE_FRAMES;
    this.back.addEventListener("click", () => choose(Math.max(0, this.first - PAGE_FRAMES)));
    this.on.addEventListener("click", () => choose(Math.min(FRAMES - 1, this.first + PAGE_FRAMES)));
    list.addEventListener("click", (event) => {
      const cell = event.target.closest(".cell");
      if (cell) choose(Number(cell.dataset.frame));
    });
  }

  // Draw the page that holds the chosen frame. Of a page that is shown already, only cells that change.
  draw(result, chosen) {
    const first = Math.floor(chosen / PAGE_FRAMES) * PAGE_FRAMES;
    const end = Math.min(first + PAGE_FRAMES, FRAMES);
    const cells = document.createDocumentFragment();
    for (let frame = first; frame < end; frame++) {
      if (first === this.first && result.types[frame] === this.types[frame]) {
        cells.append(document.getElementById(`frame-${frame}`));
      } else {
        this.drawCell(cells, result, frame);
      }
    }
    [this.first, this.types] = [first, result.types];
    const left = this.list.scrollLeft;
    this.list.replaceChildren(cells);
    this.list.scrollLeft = left;
    this.text.textContent = `Frames ${this.first} to ${end - 1} of ${FRAMES}`;
    this.back.disabled = this.first === 0;
    this.on.disabled = end === FRAMES;
    this.choose(chosen);
  }

  drawCell(parent, result, frame) {
    const slow = result.types[frame] === SLOW;
    const cell = htmlElement(parent, "div", { id: `frame-${frame}`, className: `cell ${slow ? "slow" : "fast"}` });
    cell.dataset.frame = frame;
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-selected", "false");
    cell.setAttribute("aria-setsize", FRAMES);
    cell.setAttribute("aria-posinset", frame + 1);
    const notes = [];
    if (result.types[frame] !== DATA.types[frame]) notes.push(`was ${slow ? "fast" : "slow"}`);
    if (DATA.damaged.includes(frame)) notes.push("damaged");
    const time = frameTime(frame);
    const about = [`Frame ${frame}`, time, slow ? "slow" : "fast", ...notes].filter(Boolean);
    cell.setAttribute("aria-label", about.join(", "));
    const source = thumbnailOf(frame);
    if (source) htmlElement(cell, "img", { src: source, alt: "", loading: "lazy", decoding: "async" });
    else htmlElement(cell, "span", { className: "blank" });
    htmlElement(cell, "span", { className: "kind", textContent: `${slow ? "\u25c6 slow" : "\u25cb fast"} ${frame}` });
    if (time) htmlElement(cell, "span", { textContent: time });
    for (const note of notes) htmlElement(cell, "span", { className: "note", textContent: note });
  }

  // Select a frame of this page, or say that another page has to be drawn.
  choose(frame) {
    if (frame < this.first || frame >= this.first + PAGE_FRAMES) return false;
    document.getElementById(`frame-${this.chosen}`)?.setAttribute("aria-selected", "false");
    this.chosen = frame;
    const cell = document.getElementById(`frame-${frame}`);
    cell.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", cell.id);
    // Scroll the strip alone, not the page.
    const left = cell.offsetLeft - this.list.offsetLeft;
    const hidden = left < this.list.scrollLeft
      || left + cell.offsetWidth > this.list.scrollLeft + this.list.clientWidth;
    if (hidden) this.list.scrollLeft = left - (this.list.clientWidth - cell.offsetWidth) / 2;
    return true;
  }
}
