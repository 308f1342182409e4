// Where everything stands: lanes side by side, time downward, labels that never overlap.

import { GUTTER, placeArrow } from "./arrows.js";
import { Gradual } from "./gradual.js";
import { labelPasses } from "./labels.js";

export const TOP = 30;
const ROW = 30; // px from one step to the next in steps mode, at zoom 1
const LONG_GAP = 26; // px more, at most, where much time passed
const MIN_LANE = 92; // ten of them fit beside the panel on a screen of 1,440 px, eight on 1,280
const MAX_LANE = 380;
const TALLEST = 1_000_000; // px: browsers cannot draw much higher
const BUCKET = 400; // px of height that share a drawer in the index of tall things

/** Lay the trace out. `mode` is "steps" (one row a step) or "time" (proportional). */
export function layOut(trace, { width, mode, zoom, measure }) {
  const count = Math.max(1, trace.lanes.length);
  const laneWidth = Math.min(MAX_LANE, Math.max(MIN_LANE, (width - GUTTER - 16) / count));
  const place = { trace, mode, laneWidth, measure, boxes: new Map(), lost: new Map() };
  place.width = Math.max(width, GUTTER + laneWidth * count + 16);
  place.left = GUTTER + (place.width - GUTTER - 16 - laneWidth * count) / 2;
  place.x = (lane) => place.left + laneWidth * (lane + 0.5);
  const last = mode === "time" ? rowsByTime(trace, zoom) : rowsByStep(trace, zoom);
  place.height = Math.ceil(last + 70);
  place.yOf = (event) => trace.rows[event.row].y;
  const arrows = trace.arrows.filter((arrow) => !arrow.hidden);
  arrows.forEach((arrow) => placeArrow(place, arrow));
  trace.calls.forEach((call) => placeCall(place, call));
  trace.spans.forEach((span) => {
    span.y0 = place.yOf(span.begin);
    span.y1 = span.end ? place.yOf(span.end) : place.height - 30;
  });
  const drawnArrows = new Drawers(arrows);
  place.labels = new Drawers();
  place.labelCount = 0;
  place.gradual = new Gradual(labelPasses(place));
  place.index = {
    arrows: (y0, y1) => drawnArrows.between(y0, y1),
    labels: (y0, y1) => {
      place.gradual.to(y1);
      return place.labels.between(y0, y1);
    },
  };
  return place;
}

/** How far to scroll to the side so that the event's lane is seen, with that of the other end of its
    message if there is room for both. `left` is how far it is scrolled, `room` how wide it is. */
export function sideways(place, { lane, to, frm }, left, room) {
  if (lane < 0 || place.width <= room) return left;
  const other = place.trace.laneOf.get(to ?? frm) ?? lane;
  const far = (Math.abs(other - lane) + 1) * place.laneWidth > room;
  const ends = far ? [lane] : [lane, other];
  const half = place.laneWidth / 2;
  const least = place.x(Math.max(...ends)) + half - room;
  const most = place.x(Math.min(...ends)) - half;
  return Math.max(least, Math.min(most, left));
}

/** The usual time between two steps, in microseconds. */
function usualGap(trace) {
  const gaps = trace.rows.slice(1).map((row, i) => row.t - trace.rows[i].t);
  const passed = gaps.filter((gap) => gap > 0).sort((a, b) => a - b);
  return passed.length ? passed[passed.length >> 1] : 1;
}

function rowsByStep(trace, zoom) {
  const usual = usualGap(trace);
  let y = TOP;
  let level = new Set(); // the lanes that have a step at this height: steps of one instant share it
  let before = null;
  for (const row of trace.rows) {
    if (row.hidden) {
      row.y = y;
      continue;
    }
    const alone =
      row.lane < 0 ||
      trace.events[row.first].kind === "recv" ||
      level.has(row.lane) ||
      level.has(-1);
    if (before && (alone || row.t !== before.t)) {
      level = new Set();
      const gap = row.t - before.t;
      const more = gap > usual ? Math.min(LONG_GAP, 7 * Math.log2(gap / usual)) : 0;
      y += (ROW + more + (row.lane < 0 || before.lane < 0 ? 6 : 0)) * zoom;
    }
    level.add(row.lane);
    row.y = y;
    before = row;
  }
  return y;
}

/** Between the height that shows the whole run, and the one that keeps its steps apart. */
function rowsByTime(trace, zoom) {
  const span = Math.max(1, trace.end - trace.start);
  const whole = Math.max(500, trace.rows.length * 16);
  const apart = Math.min(TALLEST, (span / usualGap(trace)) * 18);
  const height = Math.max(whole, Math.sqrt(whole * apart));
  const scale = Math.min(TALLEST, height * zoom) / span;
  for (const row of trace.rows) row.y = TOP + (row.t - trace.start) * scale;
  return TOP + span * scale;
}

function placeCall(place, call) {
  call.x = place.x(call.invoke.lane) + call.column * 16;
  call.y0 = place.yOf(call.invoke);
  call.y1 = call.end ? place.yOf(call.end) : place.height - 30;
}

/** Finds what is to be seen between two heights, without looking at everything. */
class Drawers {
  constructor(items = []) {
    this.found = new Map();
    for (const item of items) this.add(item);
  }

  add(item) {
    for (let b = Math.floor(item.top / BUCKET); b <= Math.floor(item.bottom / BUCKET); b++) {
      const drawer = this.found.get(b);
      if (drawer) drawer.push(item);
      else this.found.set(b, [item]);
    }
  }

  between(y0, y1) {
    const seen = new Set();
    for (let b = Math.floor(y0 / BUCKET); b <= Math.floor(y1 / BUCKET); b++) {
      for (const item of this.found.get(b) || [])
        if (item.bottom >= y0 && item.top <= y1) seen.add(item);
    }
    return seen;
  }
}
