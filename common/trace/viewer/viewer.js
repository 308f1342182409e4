// The space-time viewer: mount(element, trace, options) puts the picture of a trace into a page. It
// is the one way in, for our own pages and for others (see mount at the end of this file).

import { build, drawHeads, drawTicks, icon } from "./controls.js";
import { listen } from "./input.js";
import { layOut, sideways } from "./layout.js";
import { measurer } from "./measure.js";
import { Minimap } from "./minimap.js";
import { lastAtMost, leaveOut, readTrace, saidIn, stateAt, troubleAt } from "./model.js";
import { eventCard, html, stateCards, table } from "./panel.js";
import { Scene } from "./scene.js";
import { inWords } from "./texts.js";
import { cut, language, pictureOf, sentence, showMoment, showValue } from "./words.js";

const GLIDE = 240; // ms that the line of the current time takes to its new place
const PLAY = 420; // ms for each step while playing, at speed 1
const WORDS = 100; // ms between two changes of the words beside the picture while it is scrubbed
const PRINTABLE = 1_500; // rows; of a longer run the part in view is printed
const MAX_ZOOM = { steps: 4, time: 64 };

class Viewer {
  constructor(element, lines, { title = "", event = null, page = false, theme = "" } = {}) {
    this.trace = readTrace(lines);
    this.p = build(this.trace, title);
    if (theme) this.p.node.dataset.theme = theme;
    this.opensAt = event;
    this.isPage = page;
    this.ends = new AbortController(); // takes this viewer's ears off the page around it
    element.replaceChildren(this.p.node);
    this.scene = new Scene();
    this.p.canvas.append(this.scene.svg);
    this.map = new Minimap((y) => this.dragTo(y));
    this.p.main.insertBefore(this.map.node, this.p.panel);
    this.mode = "steps";
    this.zoom = 1;
    this.cursor = null; // the index of the current event; null while the whole run is shown
    this.hurried = false; // while somebody drags through the run
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.scene.svg.setAttribute("aria-label", pictureOf(this.trace));
    this.p.cause.disabled = !this.trace.clocked;
    this.p.cause.setAttribute("aria-pressed", "false");
    listen(this);
    this.relayout();
    this.open();
  }

  /** Take the picture out of the page again, with everything that listens for it. */
  destroy() {
    this.pause();
    this.place.gradual.stop();
    this.ends.abort();
    this.p.node.remove();
  }

  get event() {
    return this.cursor === null ? null : this.trace.events[this.cursor];
  }

  // Layout.

  relayout() {
    this.measure ||= measurer(this.p.node);
    const kept = this.event ? this.event.row : this.rowInView();
    const width = Math.max(320, this.p.scroller.clientWidth);
    const { mode, zoom, measure } = this;
    this.place?.gradual.stop();
    this.place = layOut(this.trace, { width, mode, zoom, measure });
    this.laidOut = width;
    this.scene.use(this.place);
    this.p.heads.style.width = this.p.canvas.style.width = `${this.place.width}px`;
    this.heads = drawHeads(this.p, this.trace, this.place);
    this.stale = true;
    drawTicks(this.p, this.trace);
    this.nowY = this.event ? this.place.yOf(this.event) : null;
    if (kept !== null && this.trace.rows[kept]) this.scrollTo(this.trace.rows[kept].y);
    const { scrollTop, clientHeight } = this.p.scroller; // once: the page is laid out for it
    this.map.draw(this.place, clientHeight);
    this.render(scrollTop, clientHeight);
    this.p.steps.setAttribute("aria-pressed", String(mode === "steps"));
    this.p.time.setAttribute("aria-pressed", String(mode === "time"));
    this.place.gradual.goOn(this.place.height);
  }

  rowInView() {
    if (!this.place || this.p.scroller.scrollTop < 20) return null;
    return Math.max(
      0,
      lastAtMost(this.trace.rows, this.p.scroller.scrollTop + 100, (row) => row.y),
    );
  }

  // Drawing.

  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.render();
    });
  }

  /** Bring the page up to date. Sizes are read before anything is written: one layout a frame. */
  render(scrollTop = this.p.scroller.scrollTop, clientHeight = this.p.scroller.clientHeight) {
    const now = performance.now();
    if (this.stale && !(this.hurried && now - this.shownAt < WORDS)) {
      this.shownAt = now;
      this.showEvent();
    }
    const bottom = scrollTop + clientHeight;
    this.scene.draw(scrollTop, bottom, this.hurried);
    this.scene.standAt(this.nowY, this.event);
    this.map.show(scrollTop, bottom, this.nowY);
  }

  showEvent() {
    const { event, trace, p } = this;
    this.stale = false;
    const at = event ? event.i : trace.events.length;
    p.event.replaceChildren(...eventCard(trace, event));
    p.states.replaceChildren(...stateCards(trace, event));
    const said = event ? sentence(event) : inWords("wholeRun");
    const moment = event && showMoment(trace, event.t);
    p.clock.textContent = moment ?? inWords("wholeClock");
    p.range.value = event ? event.i : trace.events.length - 1;
    p.range.setAttribute("aria-valuetext", said);
    const spoken = event ? html("span", language(event), [`${moment}: ${said}`]) : said;
    if (this.speak) p.live.replaceChildren(spoken);
    this.speak = false;
    this.heads.forEach(({ head, state }, lane) => {
      const trouble = troubleAt(trace, lane, at);
      const values = saidIn(stateAt(trace, lane, at).state).slice(0, 2);
      const words = values.map(([name, value]) => `${name} ${showValue(value, 16)}`).join(" · ");
      state.textContent = trouble ? inWords(trouble) : cut(words, 40);
      head.classList.toggle("stv-down", Boolean(trouble));
    });
    this.scene.relate(this.centres());
  }

  /** The events whose causes are lit; null where all is alike. */
  centres() {
    if (!this.event || !this.trace.clocked) return null;
    if (this.causal) return [this.event];
    return this.blame && this.blame.focus === this.event ? this.blame.centres : null;
  }

  /** Go to what a verdict blames, with its causes lit; to the verdict itself if it blames nothing. */
  showVerdict(verdict, glide = true) {
    this.pause();
    this.blame = verdict.blame;
    this.goTo((verdict.blame ? verdict.blame.focus : verdict).i, { glide });
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
    const { events } = this.trace;
    if (this.cursor === null) return this.goTo(by > 0 ? 0 : events.length - 1);
    const towards = Math.sign(by);
    let to = this.cursor;
    for (let left = Math.abs(by); left && events[to + towards]; )
      if (!this.isLeftOut(events[(to += towards)])) left--;
    if (!this.isLeftOut(events[to])) this.goTo(to);
  }

  isLeftOut(event) {
    return Boolean(this.trace.rows[event.row].hidden);
  }

  /** Show no messages of these types, nor steps that were about nothing else. */
  filter(types) {
    leaveOut(this.trace, types);
    this.relayout();
  }

  /** Go to the next event that `find` finds, `by` being 1 or -1, around the end if need be. */
  search(find, by) {
    const { events } = this.trace;
    const begin = this.cursor ?? (by > 0 ? -1 : 0);
    for (let i = 1; i <= events.length; i++) {
      const at = (begin + by * i + events.length * 2) % events.length;
      if (find(events[at]) && !this.isLeftOut(events[at])) return this.jump(at);
    }
  }

  /** Go to event `i` while somebody drags: the picture follows at once, the words soon after. */
  hurryTo(i) {
    this.hurried = true;
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      this.hurried = false;
      if (this.p.node.isConnected) this.update(false);
    }, WORDS);
    this.goTo(i, { glide: false, speak: false });
    this.scene.relate(this.centres());
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
    const { scrollTop, clientHeight, clientWidth, scrollLeft } = this.p.scroller;
    this.p.scroller.scrollLeft = sideways(this.place, this.event, scrollLeft, clientWidth);
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
    if (this.trace.rows.length) this.hurryTo(this.trace.rows[row].last);
  }

  play() {
    if (this.playing) return this.pause();
    if (this.cursor === null || this.cursor >= this.trace.events.length - 1) this.goTo(0);
    this.playing = setInterval(() => this.playOn(), PLAY / Number(this.p.speed.value));
    this.showPlaying();
  }

  playOn() {
    const next = this.trace.rows.find((row, i) => i > this.event.row && !row.hidden);
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
    this.p.play.setAttribute("aria-label", inWords(this.playing ? "pause" : "play"));
  }

  // Ways of looking.

  setMode(mode) {
    this.mode = mode;
    this.zoom = 1;
    this.relayout();
  }

  setZoom(factor) {
    this.zoom = Math.max(0.5, Math.min(MAX_ZOOM[this.mode], this.zoom * factor));
    this.relayout();
  }

  toggleCause() {
    if (!this.trace.clocked) return;
    this.causal = !this.causal;
    this.p.cause.setAttribute("aria-pressed", String(this.causal));
    if (this.causal && this.cursor === null)
      this.goTo(this.trace.events.findLastIndex((event) => event.clock));
    this.update(false);
  }

  toggleTheme() {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const dark = (this.p.node.dataset.theme || system) === "dark";
    this.p.node.dataset.theme = dark ? "light" : "dark";
    this.map.draw(this.place, this.p.scroller.clientHeight);
    this.render();
  }

  // The page around it.

  resized(always = false) {
    const { clientWidth, clientHeight } = this.p.scroller;
    if (
      !clientWidth ||
      (!always && clientWidth === this.laidOut && clientHeight === this.map.height)
    )
      return;
    this.relayout();
  }

  makeTable() {
    if (!this.p.table.querySelector("table")) this.p.table.append(table(this.trace));
  }

  /** Where the picture opens: where the address says, or the caller, or what a verdict blames. */
  open() {
    if (this.followHash()) return;
    const broken = this.trace.verdicts.find((verdict) => verdict.blame);
    if (this.opensAt) this.openAt(this.opensAt);
    else if (broken) this.showVerdict(broken, false);
    else this.update(false);
  }

  /** Stand at the event of this number; where a verdict blames it, that is shown as well. */
  openAt(number) {
    const i = Math.max(0, lastAtMost(this.trace.events, number, (event) => event.number));
    const broken = this.trace.verdicts.find(({ blame }) => blame && blame.focus.i === i);
    if (broken) this.showVerdict(broken, false);
    else this.goTo(i, { glide: false });
  }

  /** Go to the event that the page's address names; says whether it names one. */
  followHash() {
    const found = this.isPage && /^#event=(\d+)$/.exec(location.hash);
    const wanted = found ? Number(found[1]) : 0;
    const last = this.trace.events.at(-1);
    if (wanted < 1 || !last || wanted > last.number) return false;
    this.openAt(wanted);
    return true;
  }

  /** On paper a short run stands as a whole, and of a longer one what was in view. */
  print(begins) {
    if (begins) {
      this.pause();
      const { scrollTop, clientHeight } = this.p.scroller;
      this.beforePrint = { cursor: this.cursor, scrollTop };
      this.scene.all = this.trace.rows.length <= PRINTABLE;
      this.goTo(null, { glide: false, speak: false });
      if (!this.scene.all) this.scene.crop(scrollTop, scrollTop + clientHeight);
    } else if (this.beforePrint) {
      this.scene.all = false;
      this.scene.crop();
      this.goTo(this.beforePrint.cursor, { glide: false, speak: false });
      this.p.scroller.scrollTop = this.beforePrint.scrollTop;
    }
    this.render();
  }
}

/**
 * Put the picture of a trace into `element`, in place of what was there.
 *
 * `trace` is the text of a trace file, or its lines. Options, all of which may be left out:
 *   title  the heading; the lab's name unless given
 *   event  the number of the event at which it opens, from 1
 *   theme  "light" or "dark"; what the system prefers unless given
 *   page   true where the picture is the whole page: it takes the page's keys and follows the
 *          address (#event=12)
 * The element's height is the picture's, 480 px at least. Returns the viewer, of which others use
 * goTo(index) and destroy(); null where the trace cannot be shown, which the element then says.
 */
export function mount(element, trace, options = {}) {
  try {
    const lines = typeof trace === "string" ? trace.split("\n") : trace;
    return new Viewer(element, lines, options);
  } catch (error) {
    element.replaceChildren(
      html("p", { role: "alert" }, [inWords("cannot", { why: error.message })]),
    );
    return null;
  }
}
