// Draws the part of a layout that is in view, as SVG. An element is made when it comes into view
// and removed when it leaves; what stays is not touched.

import { GUTTER, directionAt, partAt, pointAt } from "./arrows.js";
import { relationToAny } from "./model.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 400; // px above and below the view that are drawn as well
let made = 0; // so that two pictures on one page do not share the id of a pattern

/** Make an SVG element. */
export function el(name, attributes = {}, children = []) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const n = (value) => Math.round(value * 10) / 10;

export class Scene {
  constructor() {
    this.hatch = `stv-hatch-${made++}`;
    const stripes = [el("path", { d: "M-1 7 L7 -1 M4 10 L10 4" })];
    const pattern = {
      id: this.hatch,
      width: 8,
      height: 8,
      patternUnits: "userSpaceOnUse",
      class: "hatch",
    };
    this.layers = {};
    const groups = ["bands", "lanes", "troubles", "calls", "wires", "marks", "labels"].map(
      (name) => (this.layers[name] = el("g", { class: name })),
    );
    this.veil = el("rect", { class: "veil", x: 0, y: 0, width: 0, height: 0 });
    this.now = el("g", { class: "now" });
    const defs = el("defs", {}, [el("pattern", pattern, stripes)]);
    this.svg = el("svg", { class: "stv-svg", role: "img" }, [defs, ...groups, this.veil, this.now]);
    this.shown = new Map();
    this.raised = [];
    this.all = false;
  }

  /** Take a new layout; everything is drawn anew. */
  use(place) {
    this.place = place;
    for (const layer of Object.values(this.layers)) layer.replaceChildren();
    this.shown.clear();
    const { width, height } = place;
    for (const [key, value] of Object.entries({
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
    })) {
      this.svg.setAttribute(key, value);
    }
    this.veil.setAttribute("width", width);
    place.trace.lanes.forEach((lane, index) => {
      const x = place.x(index);
      const ends = { x1: x, x2: x, y1: 0, y2: height - 30, style: `--c:${lane.colour}` };
      this.layers.lanes.append(
        el("line", { class: lane.client ? "lane client" : "lane", ...ends }),
      );
    });
  }

  /** Show only what is between two heights, as on paper; without them everything again. */
  crop(top = 0, bottom = this.place.height) {
    const { width } = this.place;
    this.svg.setAttribute("height", bottom - top);
    this.svg.setAttribute("viewBox", `0 ${top} ${width} ${bottom - top}`);
  }

  /** Draw what is between two heights; in a hurry, nothing around it and no halos of letters. */
  draw(top, bottom, hurried = false) {
    const margin = hurried ? 0 : MARGIN;
    const [y0, y1] = this.all ? [0, this.place.height] : [top - margin, bottom + margin];
    this.svg.classList.toggle("stv-hurried", hurried);
    this.drawnTo = y1;
    const wanted = new Map();
    const { trace, index } = this.place;
    for (const span of trace.spans) {
      if (span.y0 <= y1 && span.y1 >= y0) wanted.set(`s${span.id}`, () => this.span(span));
    }
    for (const call of trace.calls) {
      if (call.y0 <= y1 && call.y1 >= y0) wanted.set(`c${call.id}`, () => this.call(call));
    }
    for (const arrow of index.arrows(y0, y1)) wanted.set(`a${arrow.id}`, () => this.arrow(arrow));
    for (let r = firstRow(trace.rows, y0); r < trace.rows.length && trace.rows[r].y <= y1; r++) {
      if (!trace.rows[r].hidden) wanted.set(`r${r}`, () => this.row(trace.rows[r]));
    }
    for (const label of index.labels(y0, y1)) wanted.set(`l${label.id}`, () => this.label(label));
    for (const [key, node] of this.shown) {
      if (!wanted.has(key)) {
        node.remove();
        this.shown.delete(key);
      }
    }
    for (const [key, make] of wanted) if (!this.shown.has(key)) this.shown.set(key, make());
    if (this.centres) this.relate(this.centres);
  }

  put(layer, node, event) {
    node.dataset.event = event;
    this.layers[layer].append(node);
    return node;
  }

  span(span) {
    const height = Math.max(2, span.y1 - span.y0);
    if (span.kind === "partition")
      return this.put("bands", this.partition(span, height), span.begin.i);
    const x = this.place.x(span.lane);
    const box = { x: x - 9, y: span.y0, width: 18, height, rx: 4 };
    const fill = span.kind === "crash" ? [el("rect", { ...box, fill: `url(#${this.hatch})` })] : [];
    const node = el("g", { class: `trouble ${span.kind}` }, [
      el("rect", { ...box, class: "under" }),
      ...fill,
    ]);
    return this.put("troubles", node, span.begin.i);
  }

  partition(span, height) {
    const { laneWidth, x } = this.place;
    const blocks = span.blocks.map(({ group, from, to }) => {
      const left = x(from) - laneWidth / 2 + 5;
      const width = x(to) - x(from) + laneWidth - 10;
      return el("rect", {
        class: `block g${group < 0 ? "x" : group % 4}`,
        x: left,
        y: span.y0,
        width,
        height,
        rx: 10,
      });
    });
    return el("g", { class: "partition" }, blocks);
  }

  call(call) {
    const box = { x: call.x - 7, y: call.y0 - 6, width: 14, height: call.y1 - call.y0 + 12, rx: 7 };
    return this.put(
      "calls",
      el("g", { class: call.blamed ? "blamed" : "" }, [
        el("rect", { class: `bar ${call.end ? call.outcome : "info open"}`, ...box }),
        ...(call.blamed ? [el("rect", { class: "outline", ...outlineOf(box) })] : []),
      ]),
      call.invoke.i,
    );
  }

  arrow(arrow) {
    const { x0, y0, x1, y1 } = arrow;
    const { x: ux, y: uy } = directionAt(arrow, 1);
    const at = (x, y) => `${n(x)} ${n(y)}`;
    const parts = [];
    if (arrow.loop) {
      const [x, far] = [this.place.x(arrow.from), x0 + 46];
      const d = `M${at(x + 5, y0)}C${at(far, y0)} ${at(far, y1)} ${at(x + 7, y1 + 4)}`;
      parts.push(el("path", { class: "line", d }));
    } else {
      const middle = at((x0 + x1) / 2, (y0 + y1) / 2 - 2 * arrow.arch);
      const d = `M${at(x0, y0)}Q${middle} ${at(x1 - ux * 4, y1 - uy * 4)}`;
      parts.push(el("path", { class: "line", d }));
    }
    if (arrow.kind === "drop") {
      const d = `M${at(x1 - 5, y1 - 5)}l10 10m0 -10l-10 10`;
      parts.push(el("path", { class: "cross", d }));
    } else if (arrow.kind !== "open" && !arrow.loop) {
      const [x, y] = [x1 - ux * 9, y1 - uy * 9];
      const wings = [at(x - uy * 4, y + ux * 4), at(x + uy * 4, y - ux * 4)];
      parts.push(el("polygon", { class: "head", points: `${at(x1, y1)} ${wings.join(" ")}` }));
    }
    const lane = this.place.trace.lanes[arrow.from];
    const style = `--c:${lane ? lane.colour : "var(--ink)"}`;
    const node = el("g", { class: `wire ${arrow.kind}`, style }, parts);
    node.dataset.end = arrow.end ? arrow.end.i : "";
    return this.put("wires", node, arrow.i0);
  }

  row(row) {
    const { trace, x, width } = this.place;
    const head = trace.events[row.first];
    if (row.lane < 0) {
      const line = { x1: GUTTER - 8, x2: width - 10, y1: row.y, y2: row.y };
      return this.put(
        "marks",
        el("line", { class: `world ${head.kind} ${head.result || ""}`, ...line }),
        head.i,
      );
    }
    const parts = markShapes(head, x(row.lane), row.y);
    const events = trace.events.slice(row.first, row.last + 1);
    if (events.some((event) => event.blamed))
      parts.push(el("circle", { class: "outline", cx: x(row.lane), cy: row.y, r: 12 }));
    const saves = events.some((event) => event.kind === "save");
    if (saves && head.kind !== "save")
      parts.unshift(el("circle", { class: "ring", cx: x(row.lane), cy: row.y, r: 8 }));
    const style = `--c:${trace.lanes[row.lane].colour}`;
    return this.put("marks", el("g", { class: `mark ${head.kind}`, style }, parts), head.i);
  }

  label(label) {
    const attributes = { x: n(label.x), y: n(label.y), "text-anchor": label.anchor };
    if (label.angle) attributes.transform = `rotate(${n(label.angle)} ${n(label.x)} ${n(label.y)})`;
    const text = el(
      "text",
      { class: `label ${label.kind}${label.bold ? " bold" : ""}`, ...attributes },
      [label.text],
    );
    const arrow = this.place.trace.arrows[label.arrow];
    if (arrow && arrow.end) text.dataset.end = arrow.end.i;
    if (!label.pill) return this.put("labels", text, label.event);
    const box = { x: label.x - 10, y: label.y - 15, width: label.pill, height: 22, rx: 11 };
    const pill = el("g", { class: `pill ${label.kind}` }, [el("rect", box), text]);
    return this.put("labels", pill, label.event);
  }

  /** Show time as standing at height `y`, with event `event` current; null for the whole run. */
  standAt(y, event) {
    for (const [key, node] of this.raised.splice(0))
      if (this.shown.get(key) === node) this.layers.labels.append(node);
    this.now.replaceChildren();
    const whole = y === null;
    this.veil.style.display = whole || this.centres ? "none" : "";
    if (whole) return;
    const { place } = this;
    this.veil.setAttribute("y", n(y + 1));
    const below = Math.min(place.height, this.drawnTo); // a veil over all the rest costs a frame
    this.veil.setAttribute("height", Math.max(0, n(below - y)));
    this.now.append(
      el("line", { class: "line", x1: GUTTER - 12, x2: place.width, y1: n(y), y2: n(y) }),
    );
    this.raise(y, event);
    this.now.append(el("path", { class: "flag", d: `M${GUTTER - 12} ${n(y)}l-8 -5v10z` }));
    for (const arrow of place.index.arrows(y, y)) {
      if (
        this.centres ||
        arrow.i0 > event.i ||
        arrow.i1 <= event.i ||
        y < arrow.y0 ||
        y > arrow.y1 ||
        arrow.loop
      )
        continue;
      const style = `--c:${place.trace.lanes[arrow.from].colour}`;
      const cx = n(pointAt(arrow, partAt(arrow, y)).x);
      this.now.append(el("circle", { class: "packet", cx, cy: n(y), r: 5.5, style }));
    }
    if (event.lane >= 0 && !place.trace.rows[event.row].hidden) {
      const lost = event.kind === "drop" && !event.arrow.hidden;
      const at = lost
        ? { cx: n(event.arrow.x1), cy: n(event.arrow.y1) }
        : { cx: place.x(event.lane), cy: place.yOf(event) };
      this.now.append(el("circle", { class: "current", ...at, r: 10.5 }));
    }
  }

  /** Lift the labels of the current row above line and veil, each on a ground of its own. */
  raise(y, event) {
    const { trace, index, measure } = this.place;
    for (const label of index.labels(y - 30, y + 30)) {
      const node = this.shown.get(`l${label.id}`);
      const time = label.kind === "time" && label.top <= y && y <= label.bottom;
      const own = trace.events[label.event].row === event.row && label.kind !== "message";
      if (!node || label.angle || !(time || own)) continue;
      if (!label.pill) {
        const width = measure(label.text, label.bold);
        const left = { start: 0, middle: width / 2, end: width }[label.anchor];
        const box = { x: n(label.x - left - 3), y: label.y - 12, width: n(width + 6), height: 17 };
        this.now.append(el("rect", { class: "ground", ...box, rx: 4 }));
      }
      this.raised.push([`l${label.id}`, node]);
      this.now.append(node);
    }
  }

  /** Fade what has no causal connection with `centres`; null shows everything alike again. */
  relate(centres) {
    this.centres = centres;
    const rows = new Set((centres || []).map((event) => event.row));
    const { events } = this.place.trace;
    for (const node of this.shown.values()) {
      let how = "";
      if (centres) {
        const event = events[node.dataset.event];
        const placed = event && event.lane >= 0 && !node.classList.contains("time");
        how = !placed ? "" : rows.has(event.row) ? "self" : relationToAny(event, centres);
        const end = node.dataset.end ? events[node.dataset.end] : null;
        if (end && how === "past" && relationToAny(end, centres) === "apart")
          how = "apart";
      }
      node.dataset.relation = how;
    }
  }

  /** Bring out one message, or none. */
  highlight(arrow) {
    for (const node of this.layers.wires.querySelectorAll(".hot")) node.classList.remove("hot");
    const node = arrow && this.shown.get(`a${arrow.id}`);
    if (node) node.classList.add("hot");
  }
}

function outlineOf({ x, y, width, height }) {
  return { x: x - 4, y: y - 4, width: width + 8, height: height + 8, rx: 11 };
}

function firstRow(rows, y) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].y < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

function markShapes(head, x, y) {
  switch (head.kind) {
    case "timer":
      return [
        el("circle", { class: "hollow", cx: x, cy: y, r: 6 }),
        el("path", { class: "hand", d: `M${x} ${y - 3.4}V${y}h2.8` }),
      ];
    case "crash":
      return [
        el("circle", { class: "bad", cx: x, cy: y, r: 7.5 }),
        el("path", { class: "x", d: `M${x - 3} ${y - 3}l6 6m0 -6l-6 6` }),
      ];
    case "start":
    case "restart":
      return [
        el("circle", { class: "hollow", cx: x, cy: y, r: 6 }),
        el("path", { class: "dot", d: `M${x - 1.8} ${y - 3}v6l5 -3z` }),
      ];
    case "pause":
    case "resume":
      return [
        el("circle", { class: "hollow", cx: x, cy: y, r: 6.5 }),
        el("path", { class: "hand", d: `M${x - 1.8} ${y - 2.8}v5.6m3.6 0v-5.6` }),
      ];
    case "note":
      return [el("path", { class: "dot", d: `M${x} ${y - 6}l6 6l-6 6l-6 -6z` })];
    case "save":
      return [el("rect", { class: "dot", x: x - 4.5, y: y - 4.5, width: 9, height: 9, rx: 1.5 })];
    case "drop":
      return []; // the cross at the end of its arrow says it
    case "recv":
      return [el("circle", { class: "dot", cx: x, cy: y, r: 5 })];
    default:
      return [el("circle", { class: "dot", cx: x, cy: y, r: 4 })];
  }
}
