// The whole run in a narrow strip: drawn once on a canvas; only a frame and a line move over it.

import { html } from "./panel.js";

const WIDTH = 76;
const ANSWERS = { yes: "good", no: "bad" }; // of any other answer: neither

export class Minimap {
  /** `seek(y, done)` is called with a height in the picture while the strip is dragged. */
  constructor(seek) {
    this.canvas = html("canvas", {});
    this.view = html("div", { class: "stv-map-view" });
    this.line = html("div", { class: "stv-map-line" });
    this.node = html("div", { class: "stv-map", "aria-hidden": "true" }, [
      this.canvas,
      this.view,
      this.line,
    ]);
    const move = (event) => {
      const box = this.canvas.getBoundingClientRect();
      seek(Math.min(1, Math.max(0, (event.clientY - box.top) / box.height)) * this.place.height);
    };
    this.node.addEventListener("pointerdown", (event) => {
      this.node.setPointerCapture(event.pointerId);
      move(event);
      event.preventDefault();
    });
    this.node.addEventListener("pointermove", (event) => event.buttons && move(event));
  }

  /** Draw the layout into a strip `height` px high, in the colours of the page. */
  draw(place, height) {
    this.place = place;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.height = Math.max(40, height);
    Object.assign(this.canvas, { width: WIDTH * ratio, height: this.height * ratio });
    Object.assign(this.canvas.style, { width: `${WIDTH}px`, height: `${this.height}px` });
    const pen = this.canvas.getContext("2d");
    const known = new Map();
    const colour = (name) => {
      if (!known.has(name)) {
        this.canvas.style.color = name; // a canvas knows no variables of CSS: let the page say it
        known.set(name, getComputedStyle(this.canvas).color);
      }
      return known.get(name);
    };
    const { trace } = place;
    const lanes = trace.lanes.length;
    const scale = this.height / place.height;
    const x = (lane) => 8 + ((WIDTH - 16) * (lane + 0.5)) / lanes;
    pen.scale(ratio, ratio);
    for (const span of trace.spans) {
      pen.globalAlpha = span.kind === "partition" ? 0.16 : 0.5;
      pen.fillStyle = colour(span.kind === "partition" ? "var(--warn)" : "var(--bad)");
      const [left, width] = span.kind === "partition" ? [2, WIDTH - 4] : [x(span.lane) - 3, 6];
      pen.fillRect(left, span.y0 * scale, width, Math.max(1, (span.y1 - span.y0) * scale));
    }
    pen.globalAlpha = 0.35;
    pen.strokeStyle = colour("var(--lane)");
    for (let lane = 0; lane < lanes; lane++) stroke(pen, x(lane), 0, x(lane), this.height);
    pen.globalAlpha = Math.max(0.12, Math.min(0.8, 220 / Math.max(1, trace.arrows.length)));
    for (const arrow of trace.arrows) {
      if (arrow.hidden || arrow.kind === "drop" || arrow.to === undefined) continue;
      pen.strokeStyle = colour(trace.lanes[arrow.from].colour);
      stroke(pen, x(arrow.from), arrow.top * scale, x(arrow.to), arrow.bottom * scale);
    }
    pen.globalAlpha = Math.max(0.25, Math.min(1, 400 / Math.max(1, trace.arrows.length)));
    pen.fillStyle = colour("var(--bad)");
    for (const arrow of trace.arrows) {
      if (arrow.hidden || arrow.kind !== "drop") continue;
      pen.fillRect((x(arrow.from) + x(arrow.to ?? arrow.from)) / 2 - 1.5, arrow.top * scale, 3, 3);
    }
    pen.globalAlpha = 1;
    for (const verdict of trace.verdicts) {
      pen.fillStyle = colour(`var(--${ANSWERS[verdict.result] || "warn"})`);
      pen.fillRect(0, place.yOf(verdict) * scale - 1, WIDTH, 2);
    }
  }

  /** Move the frame to what is in view and the line to the current time (null: no line). */
  show(top, bottom, now) {
    const scale = this.height / this.place.height;
    this.view.style.transform = `translateY(${top * scale}px)`;
    const height = (Math.min(this.place.height, bottom) - top) * scale;
    this.view.style.height = `${Math.max(6, height)}px`;
    this.line.style.display = now === null ? "none" : "";
    if (now !== null) this.line.style.transform = `translateY(${now * scale}px)`;
  }
}

function stroke(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}
