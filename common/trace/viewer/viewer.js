// The space-time viewer: mountTrace(element, lines) puts a picture of a trace into a page.

import { build, icon } from "./controls.js";
import { layOut, pointAt } from "./layout.js";
import { Minimap } from "./minimap.js";
import { lastAtMost, readTrace, stateAt, troubleAt } from "./model.js";
import { eventCard, html, stateCards, table, tooltip } from "./panel.js";
import { Scene } from "./scene.js";
import { cut, sentence, showTime, showValue } from "./words.js";

const GLIDE = 240; // ms that the line of the current time takes to its new place
const PLAY = 420; // ms for each step while playing, at speed 1
const PRINTABLE = 1_500; // rows; a longer run prints the part in view, and its table
const MAX_ZOOM = 8;

class Viewer {
  constructor(element, lines, title) {
    this.trace = readTrace(lines);
    this.p = build(this.trace, title);
    element.replaceChildren(this.p.node);
    this.scene = new Scene();
    this.p.canvas.append(this.scene.svg);
    this.map = new Minimap((y) => this.dragTo(y));
    this.p.main.insertBefore(this.map.node, this.p.panel);
    this.mode = "steps";
    this.zoom = 1;
    this.cursor = null; // the index of the current event; null while the whole run is shown
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    const nodes = `${this.trace.lanes.length} nodes, ${this.trace.arrows.length} messages`;
    this.scene.svg.setAttribute("aria-label", `Space-time diagram: ${nodes}`);
    this.p.cause.disabled = !this.trace.clocked;
    this.p.cause.setAttribute("aria-pressed", "false");
    this.listen();
    this.relayout();
    this.followHash();
  }

  get event() {
    return this.cursor === null ? null : this.trace.events[this.cursor];
  }

  // Layout.

  measurer() {
    const pen = document.createElement("canvas").getContext("2d");
    const family = getComputedStyle(this.p.node).fontFamily;
    const known = new Map();
    return (text, bold) => {
      const key = bold ? `*${text}` : text;
      if (!known.has(key)) {
        pen.font = `${bold ? "600 " : ""}12px ${family}`;
        known.set(key, pen.measureText(text).width);
      }
      return known.get(key);
    };
  }

  relayout() {
    this.measure ||= this.measurer();
    const kept = this.event ? this.event.row : this.rowInView();
    const width = Math.max(320, this.p.scroller.clientWidth);
    const { mode, zoom, measure } = this;
    this.place = layOut(this.trace, { width, mode, zoom, measure });
    this.laidOut = width;
    this.scene.use(this.place);
    this.p.heads.style.width = this.p.canvas.style.width = `${this.place.width}px`;
    this.drawHeads();
    this.drawTicks();
    this.map.draw(this.place, this.p.scroller.clientHeight);
    this.nowY = this.event ? this.place.yOf(this.event) : null;
    if (kept !== null && this.trace.rows[kept]) this.scrollTo(this.trace.rows[kept].y);
    this.render();
    this.p.steps.setAttribute("aria-pressed", String(mode === "steps"));
    this.p.time.setAttribute("aria-pressed", String(mode === "time"));
  }

  rowInView() {
    if (!this.place || this.p.scroller.scrollTop < 20) return null;
    return Math.max(0, lastAtMost(this.trace.rows, this.p.scroller.scrollTop + 100, (row) => row.y));
  }

  drawHeads() {
    this.heads = this.trace.lanes.map((lane, index) => {
      const name = html("b", {}, [lane.name]);
      const state = html("span", {});
      const style = `left:${this.place.x(index)}px;max-width:${this.place.laneWidth - 12}px;--c:${lane.colour}`;
      const head = html("div", { class: lane.client ? "stv-head stv-client" : "stv-head", style }, [name, state]);
      return { head, state };
    });
    this.p.heads.replaceChildren(...this.heads.map(({ head }) => head));
  }

  drawTicks() {
    const { events } = this.trace;
    const last = Math.max(1, events.length - 1);
    const notable = events.filter((event) => ["crash", "restart", "partition", "heal", "verdict"].includes(event.kind));
    const ticks = notable.slice(0, 200).map((event) => {
      const tick = html("i", { class: `${event.kind} ${event.result || ""}` });
      tick.style.left = `${(100 * event.i) / last}%`;
      return tick;
    });
    this.p.ticks.replaceChildren(...ticks);
  }

  // Drawing.

  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.render();
    });
  }

  /** Bring the page up to date. It reads sizes before it writes, or the browser would lay out twice. */
  render() {
    const { scrollTop, clientHeight } = this.p.scroller;
    if (this.stale) this.showEvent();
    const bottom = scrollTop + clientHeight;
    this.scene.draw(scrollTop, bottom);
    this.scene.standAt(this.nowY, this.event);
    this.map.show(scrollTop, bottom, this.nowY);
  }

  showEvent() {
    const { event, trace, p } = this;
    this.stale = false;
    const at = event ? event.i : trace.events.length;
    p.event.replaceChildren(...eventCard(trace, event));
    p.states.replaceChildren(...stateCards(trace, event));
    p.clock.textContent = event ? showTime(event.t) : "whole run";
    p.range.value = event ? event.i : trace.events.length - 1;
    p.range.setAttribute("aria-valuetext", event ? sentence(event) : "the whole run");
    if (this.speak) p.live.textContent = event ? `${showTime(event.t)}: ${sentence(event)}` : "the whole run";
    this.speak = false;
    this.heads.forEach(({ head, state }, lane) => {
      const trouble = troubleAt(trace, lane, at);
      const values = Object.entries(stateAt(trace, lane, at).state).slice(0, 2);
      const words = values.map(([name, value]) => `${name} ${showValue(value, 16)}`).join(" · ");
      state.textContent = trouble || cut(words, 40);
      head.classList.toggle("stv-down", Boolean(trouble));
    });
    this.scene.relate(this.causal ? event : null);
  }

  // Moving in time.

  /** Make event `i` the current one; null shows the whole run. */
  goTo(i, { glide = true, speak = true } = {}) {
    const last = this.trace.events.length - 1;
    this.cursor = i === null || last < 0 ? null : Math.max(0, Math.min(last, i));
    const from = this.nowY;
    const to = this.event ? this.place.yOf(this.event) : null;
    cancelAnimationFrame(this.gliding);
    if (to !== null) this.keepInView(to, glide);
    this.update(speak);
    if (!glide || this.calm.matches || from === null || to === null || Math.abs(to - from) > 400) {
      this.nowY = to;
      return;
    }
    const begun = performance.now();
    const frame = (now) => {
      const part = Math.min(1, (now - begun) / GLIDE);
      this.nowY = from + (to - from) * (1 - (1 - part) ** 3);
      this.render();
      if (part < 1) this.gliding = requestAnimationFrame(frame);
    };
    this.gliding = requestAnimationFrame(frame);
  }

  step(by) {
    this.pause();
    if (this.cursor === null) this.goTo(by > 0 ? 0 : this.trace.events.length - 1);
    else this.goTo(this.cursor + by);
  }

  /** Have the panel and the rest follow the current event with the next frame. */
  update(speak) {
    this.stale = true;
    this.speak ||= speak;
    this.schedule();
  }

  jump(i) {
    this.pause();
    this.goTo(i);
  }

  keepInView(y, glide) {
    const { scrollTop, clientHeight } = this.p.scroller;
    if (y > scrollTop + clientHeight * 0.15 && y < scrollTop + clientHeight * 0.62) return;
    const near = Math.abs(y - scrollTop) < clientHeight * 2;
    this.scrollTo(y, glide && near && !this.calm.matches);
  }

  scrollTo(y, smooth) {
    const top = Math.max(0, y - this.p.scroller.clientHeight * 0.42);
    this.p.scroller.scrollTo({ top, behavior: smooth ? "smooth" : "instant" });
  }

  dragTo(y) {
    this.pause();
    const row = Math.max(0, lastAtMost(this.trace.rows, y, (item) => item.y));
    if (this.trace.rows.length) this.goTo(this.trace.rows[row].last, { glide: false, speak: false });
  }

  play() {
    if (this.playing) return this.pause();
    if (this.cursor === null || this.cursor >= this.trace.events.length - 1) this.goTo(0);
    this.playing = setInterval(() => this.playOn(), PLAY / Number(this.p.speed.value));
    this.showPlaying();
  }

  playOn() {
    const next = this.trace.rows[this.event.row + 1];
    if (next) this.goTo(next.last, { speak: false });
    else this.pause();
  }

  pause() {
    if (!this.playing) return;
    clearInterval(this.playing);
    this.playing = null;
    this.showPlaying();
    this.update(true);
  }

  showPlaying() {
    this.p.play.replaceChildren(icon(this.playing ? "pause" : "play"));
    this.p.play.setAttribute("aria-label", this.playing ? "Pause" : "Play");
  }

  // Ways of looking.

  setMode(mode) {
    this.mode = mode;
    this.zoom = 1;
    this.relayout();
  }

  setZoom(factor) {
    this.zoom = Math.max(0.5, Math.min(MAX_ZOOM, this.zoom * factor));
    this.relayout();
  }

  toggleCause() {
    if (!this.trace.clocked) return;
    this.causal = !this.causal;
    this.p.cause.setAttribute("aria-pressed", String(this.causal));
    if (this.causal && this.cursor === null) this.goTo(this.trace.events.findLastIndex((event) => event.clock));
    this.update(false);
  }

  toggleTheme() {
    const dark = getComputedStyle(this.p.node).getPropertyValue("--dark").trim() === "1";
    this.p.node.dataset.theme = dark ? "light" : "dark";
    this.map.draw(this.place, this.p.scroller.clientHeight);
    this.render();
  }

  // The pointer.

  /** The step or the arrow under the pointer. */
  find(pointer) {
    const box = this.scene.svg.getBoundingClientRect();
    const [x, y] = [pointer.clientX - box.left, pointer.clientY - box.top];
    const { trace, place } = this;
    let best = null;
    for (let r = Math.max(0, lastAtMost(trace.rows, y - 14, (row) => row.y)); r < trace.rows.length; r++) {
      const row = trace.rows[r];
      if (row.y > y + 14) break;
      const away = row.lane < 0 ? (Math.abs(row.y - y) < 10 ? 9 : 99) : Math.hypot(place.x(row.lane) - x, row.y - y);
      if (away < 13 && (!best || away < best.away)) best = { away, row, i: row.first };
    }
    if (best) return best;
    for (const arrow of place.index.arrows(y - 8, y + 8)) {
      const away = distance(arrow, x, y);
      if (away < 7 && (!best || away < best.away)) best = { away, arrow, i: arrow.i0 };
    }
    return best;
  }

  hover(pointer) {
    const found = pointer.pointerType === "touch" ? null : this.find(pointer);
    this.scene.highlight(found && found.arrow);
    this.p.canvas.classList.toggle("stv-over", Boolean(found));
    this.p.tip.hidden = !found;
    if (!found) return;
    this.p.tip.replaceChildren(...tooltip(this.trace, found));
    const { offsetWidth, offsetHeight } = this.p.tip;
    const left = Math.min(pointer.clientX + 16, innerWidth - offsetWidth - 8);
    const top = Math.min(pointer.clientY + 14, innerHeight - offsetHeight - 8);
    Object.assign(this.p.tip.style, { left: `${Math.max(4, left)}px`, top: `${Math.max(4, top)}px` });
  }

  // Listening.

  listen() {
    const { p } = this;
    const clicks = {
      first: () => this.jump(0), back: () => this.step(-1), play: () => this.play(),
      forward: () => this.step(1), last: () => this.jump(Infinity), steps: () => this.setMode("steps"),
      time: () => this.setMode("time"), less: () => this.setZoom(0.7), more: () => this.setZoom(1 / 0.7),
      cause: () => this.toggleCause(), theme: () => this.toggleTheme(),
    };
    for (const [name, act] of Object.entries(clicks)) p[name].addEventListener("click", act);
    for (const [jump, verdict] of p.jumps) jump.addEventListener("click", () => this.jump(verdict.i));
    p.range.addEventListener("input", () => {
      this.pause();
      this.goTo(Number(p.range.value), { glide: false, speak: false });
    });
    p.range.addEventListener("change", () => this.update(true));
    p.speed.addEventListener("change", () => this.playing && (this.pause(), this.play()));
    p.node.addEventListener("keydown", (event) => this.key(event));
    p.scroller.addEventListener("scroll", () => this.schedule(), { passive: true });
    p.canvas.addEventListener("pointermove", (event) => this.hover(event));
    p.canvas.addEventListener("pointerleave", () => this.hover({ pointerType: "touch" }));
    p.canvas.addEventListener("click", (event) => {
      const found = this.find(event);
      if (found) this.jump(found.i);
    });
    p.table.addEventListener("toggle", () => p.table.open && this.makeTable());
    new ResizeObserver(() => this.resized()).observe(p.scroller);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.resized(true));
    addEventListener("hashchange", () => this.followHash());
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.p.speed) return;
    const inside = event.target.closest("button, summary, input");
    const keys = {
      ArrowRight: () => this.step(1), ArrowDown: () => this.step(1), ArrowLeft: () => this.step(-1),
      ArrowUp: () => this.step(-1), PageDown: () => this.step(10), PageUp: () => this.step(-10),
      Home: () => this.jump(0), End: () => this.jump(Infinity), Escape: () => this.jump(null),
      m: () => this.setMode(this.mode === "time" ? "steps" : "time"), c: () => this.toggleCause(),
      d: () => this.toggleTheme(), "+": () => this.setZoom(1 / 0.7), "=": () => this.setZoom(1 / 0.7),
      "-": () => this.setZoom(0.7),
    };
    if (!inside || inside === this.p.range) keys[" "] = () => !this.calm.matches && this.play();
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  resized(always = false) {
    const { clientWidth, clientHeight } = this.p.scroller;
    if (!clientWidth || (!always && clientWidth === this.laidOut && clientHeight === this.map.height)) return;
    this.relayout();
  }

  makeTable() {
    if (!this.p.table.querySelector("table")) this.p.table.append(table(this.trace));
  }

  followHash() {
    const found = /^#event=(\d+)$/.exec(location.hash);
    const wanted = found ? Number(found[1]) : 0;
    if (wanted >= 1 && wanted <= this.trace.events.length) this.goTo(wanted - 1, { glide: false });
    else this.update(false);
  }

  print(begins) {
    this.scene.all = begins && this.trace.rows.length <= PRINTABLE;
    if (begins) {
      this.pause();
      this.beforePrint = this.cursor;
      if (!this.scene.all) this.makeTable();
      this.p.table.open ||= !this.scene.all;
    }
    this.goTo(begins ? null : this.beforePrint, { glide: false, speak: false });
    this.render();
  }
}

function distance(arrow, x, y) {
  const [dx, dy] = [arrow.x1 - arrow.x0, arrow.y1 - arrow.y0];
  const part = Math.max(0, Math.min(1, ((x - arrow.x0) * dx + (y - arrow.y0) * dy) / (dx * dx + dy * dy || 1)));
  const near = pointAt(arrow, part);
  return Math.hypot(x - near.x, y - near.y);
}

/** Put the picture of a trace into `element`; `lines` are those of its file. */
export function mountTrace(element, lines, title = "") {
  try {
    return new Viewer(element, lines, title);
  } catch (error) {
    element.replaceChildren(html("p", { role: "alert" }, [`This trace cannot be shown: ${error.message}`]));
    return null;
  }
}
