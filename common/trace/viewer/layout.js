// Where everything stands: lanes side by side, time downward, labels that never overlap.

import { callLabel, messageLabels, outcomeLabel, showTime, sideLabel, worldLabel, cut } from "./words.js";

export const GUTTER = 106; // for the times, left of the lanes
export const TOP = 30;
const ROW = 30; // px from one step to the next in steps mode, at zoom 1
const LONG_GAP = 26; // px more, at most, where much time passed
const MIN_LANE = 112;
const MAX_LANE = 300;
const DOT = 5;
const BUCKET = 400; // px of height that share a drawer in the index of tall things
const FONT = 12;
const ARCH = 13; // px by which an arrow keeps away from each lane between sender and receiver
const STEEP = 50; // degrees: a label does not follow an arrow steeper than this

/** Lay the trace out. `mode` is "steps" (one row a step) or "time" (proportional). */
export function layOut(trace, { width, mode, zoom, measure }) {
  const count = Math.max(1, trace.lanes.length);
  const laneWidth = Math.min(MAX_LANE, Math.max(MIN_LANE, (width - GUTTER - 16) / count));
  const place = { trace, mode, laneWidth, measure, labels: [], boxes: new Map() };
  place.width = Math.max(width, GUTTER + laneWidth * count + 16);
  place.x = (lane) => GUTTER + laneWidth * (lane + 0.5);
  const last = mode === "time" ? rowsByTime(trace, zoom) : rowsByStep(trace, zoom);
  place.height = Math.ceil(last + 70);
  place.yOf = (event) => trace.rows[event.row].y;
  trace.arrows.forEach((arrow) => placeArrow(place, arrow));
  trace.calls.forEach((call) => placeCall(place, call));
  trace.spans.forEach((span) => {
    span.y0 = place.yOf(span.begin);
    span.y1 = span.end ? place.yOf(span.end) : place.height - 30;
  });
  place.index = { arrows: drawers(trace.arrows) };
  placeLabels(place);
  place.index.labels = drawers(place.labels);
  return place;
}

function rowsByStep(trace, zoom) {
  const gaps = trace.rows.slice(1).map((row, i) => row.t - trace.rows[i].t).filter((gap) => gap > 0);
  gaps.sort((a, b) => a - b);
  const usual = gaps.length ? gaps[gaps.length >> 1] : 1;
  let y = TOP;
  let level = new Set(); // the lanes that have a step at this height: steps of one instant share it
  trace.rows.forEach((row, i) => {
    const before = trace.rows[i - 1];
    const alone = row.lane < 0 || trace.events[row.first].kind === "recv" || level.has(row.lane) || level.has(-1);
    if (i && (alone || row.t !== before.t)) {
      level = new Set();
      const gap = row.t - before.t;
      const more = gap > usual ? Math.min(LONG_GAP, 7 * Math.log2(gap / usual)) : 0;
      y += (ROW + more + (row.lane < 0 || before.lane < 0 ? 6 : 0)) * zoom;
    }
    level.add(row.lane);
    row.y = y;
  });
  return y;
}

function rowsByTime(trace, zoom) {
  const span = Math.max(1, trace.end - trace.start);
  const scale = (Math.min(200_000, Math.max(500, trace.rows.length * 16)) / span) * zoom;
  for (const row of trace.rows) row.y = TOP + (row.t - trace.start) * scale;
  return TOP + span * scale;
}

/** The line of one arrow: from the sender's dot to the receiver's, or to where it was lost. */
function placeArrow(place, arrow) {
  const { trace } = place;
  const y0 = place.yOf(arrow.send || arrow.end);
  const right = arrow.to > arrow.from || (arrow.to === arrow.from && arrow.to === 0);
  const toward = arrow.to === arrow.from ? 0 : right ? 1 : -1;
  const x0 = place.x(arrow.from);
  let x1 = place.x(arrow.to === undefined ? arrow.from : arrow.to);
  let y1 = arrow.end ? place.yOf(arrow.end) : y0 + 60;
  if (arrow.kind === "drop" || arrow.kind === "open") {
    const late = arrow.end && arrow.end.row !== (arrow.send || arrow.end).row;
    const lanes = Math.abs(arrow.to - arrow.from) || 1; // it ends in the gap before its receiver
    const part = (lanes - (late ? 0.25 : 0.5)) / lanes;
    if (!late) y1 = y0 + 16;
    if (arrow.kind === "open" && trace.rows.length) y1 = Math.min(y0 + 40, place.height - 20);
    x1 = x0 + (x1 - x0) * part;
  }
  if (!arrow.send) Object.assign(arrow, { stub: true });
  const tip = arrow.kind === "recv" || arrow.kind === "again" ? DOT + 2 : 0;
  const passed = Math.max(0, Math.abs(arrow.to - arrow.from) - 1); // it arches over their dots
  arrow.loop = toward === 0;
  Object.assign(arrow, { x0, y0, x1, y1, arch: Math.min(Math.max(0, y1 - y0) / 4, ARCH * passed) });
  const [out, into] = [directionAt(arrow, 0), directionAt(arrow, 1)];
  Object.assign(arrow, { x0: x0 + out.x * DOT, y0: y0 + out.y * DOT, x1: x1 - into.x * tip, y1: y1 - into.y * tip });
  arrow.top = y0;
  arrow.bottom = Math.max(y0, y1);
}

/** The point of an arrow at `part` of its way, from 0 to 1. */
export function pointAt(arrow, part) {
  const y = arrow.y0 + (arrow.y1 - arrow.y0) * part - 4 * part * (1 - part) * arrow.arch;
  return { x: arrow.x0 + (arrow.x1 - arrow.x0) * part, y };
}

/** The direction of an arrow at `part` of its way, of length 1. */
export function directionAt(arrow, part) {
  const [dx, dy] = [arrow.x1 - arrow.x0, arrow.y1 - arrow.y0 - 4 * (1 - 2 * part) * arrow.arch];
  const length = Math.hypot(dx, dy) || 1;
  return { x: dx / length, y: dy / length };
}

/** How much of its way an arrow has gone when time stands at height `y`. */
export function partAt(arrow, y) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 12; i++) {
    const middle = (low + high) / 2;
    if (pointAt(arrow, middle).y < y) low = middle;
    else high = middle;
  }
  return low;
}

function placeCall(place, call) {
  call.x = place.x(call.invoke.lane) + call.column * 16;
  call.y0 = place.yOf(call.invoke);
  call.y1 = call.end ? place.yOf(call.end) : place.height - 30;
}

// Labels: each claims a box; who comes later looks for a free place or stays away until hovered.

function claim(place, box) {
  for (let b = Math.floor(box.y0 / 64); b <= Math.floor(box.y1 / 64); b++) {
    if (!place.boxes.has(b)) place.boxes.set(b, []);
    place.boxes.get(b).push(box);
  }
}

function isFree(place, box) {
  if (box.x0 < 2 || box.x1 > place.width - 2) return false;
  for (let b = Math.floor(box.y0 / 64); b <= Math.floor(box.y1 / 64); b++) {
    for (const other of place.boxes.get(b) || []) {
      if (box.x0 < other.x1 && box.x1 > other.x0 && box.y0 < other.y1 && box.y1 > other.y0) return false;
    }
  }
  return true;
}

/** Whether some arrow but `own` goes through the box. */
function isCrossed(place, box, own) {
  for (const arrow of place.index.arrows(box.y0, box.y1)) {
    if (arrow === own || arrow.loop) continue;
    const [dx, dy] = [arrow.x1 - arrow.x0, arrow.y1 - arrow.y0];
    let [from, to] = [0, 1];
    for (const [d, low, high] of [[dx, box.x0 - arrow.x0, box.x1 - arrow.x0], [dy, box.y0 - arrow.y0, box.y1 - arrow.y0]]) {
      const [a, b] = d ? [low / d, high / d] : low <= 0 && high >= 0 ? [0, 1] : [1, 0];
      from = Math.max(from, Math.min(a, b));
      to = Math.min(to, d ? Math.max(a, b) : b);
    }
    if (from < to) return true;
  }
  return false;
}

/** The boxes that cover a text; a slanting one is covered by several small ones. */
function boxesOf(x, y, width, anchor, angle) {
  if (!angle) {
    const x0 = anchor === "start" ? x : anchor === "end" ? x - width : x - width / 2;
    return [{ x0: x0 - 3, x1: x0 + width + 3, y0: y - FONT + 1, y1: y + 4 }];
  }
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const count = Math.max(1, Math.ceil(width / 26));
  const half = width / count / 2;
  return Array.from({ length: count }, (_, i) => {
    const along = -width / 2 + half * (2 * i + 1);
    const [cx, cy] = [x + along * cos + 4 * sin, y + along * sin - 4 * cos];
    const [rx, ry] = [half * cos + 5 * Math.abs(sin), half * Math.abs(sin) + 5 * cos];
    return { x0: cx - rx, x1: cx + rx, y0: cy - ry, y1: cy + ry };
  });
}

/** Put a label at the first candidate place that is free, best where no arrow goes through it. */
function tryLabel(place, text, candidates, more) {
  const width = place.measure(text, more.bold);
  const free = [];
  for (const [x, y, anchor, angle = 0] of candidates) {
    const boxes = boxesOf(x, y, width, anchor, angle);
    if (boxes.every((box) => isFree(place, box))) free.push({ x, y, anchor, angle, boxes });
  }
  const own = place.trace.arrows[more.arrow];
  const best = free.find(({ boxes }) => !boxes.some((box) => isCrossed(place, box, own))) || (more.shy ? null : free[0]);
  if (!best) return false;
  const { boxes, ...where } = best;
  for (const box of boxes) claim(place, box);
  const [top, bottom] = [Math.min(...boxes.map((box) => box.y0)), Math.max(...boxes.map((box) => box.y1))];
  place.labels.push({ id: place.labels.length, text, top, bottom, ...where, ...more });
  return true;
}

function placeLabels(place) {
  const { trace } = place;
  for (const row of trace.rows) {
    if (row.lane < 0) claim(place, { x0: GUTTER - 18, x1: place.width, y0: row.y - 11, y1: row.y + 9 });
    else claim(place, { x0: place.x(row.lane) - 8, x1: place.x(row.lane) + 8, y0: row.y - 7, y1: row.y + 7 });
  }
  placeTimes(place);
  for (const row of trace.rows) if (row.lane < 0) placeWorld(place, row);
  for (const call of trace.calls) placeCallLabels(place, call);
  for (const arrow of trace.arrows) if (arrow.kind === "drop") placeLost(place, arrow);
  for (const row of trace.rows) if (row.lane >= 0) placeSide(place, row);
  for (const arrow of trace.arrows) if (!arrow.loop) placeMessage(place, arrow);
}

function placeTimes(place) {
  let shown = null;
  for (const row of place.trace.rows) {
    if (row.t === shown) continue;
    const at = [[GUTTER - 22, row.y + 4, "end"]];
    if (tryLabel(place, showTime(row.t), at, { kind: "time", event: row.first })) shown = row.t;
  }
}

function placeWorld(place, row) {
  const event = place.trace.events[row.first];
  const kind = event.kind === "verdict" ? `verdict ${event.result}` : "world";
  const text = event.kind === "verdict" ? cut(`${worldLabel(event)} – ${event.sentence}`, 90) : worldLabel(event);
  const last = place.lastPill; // pills of one height stand side by side
  const x = last && row.y - last.y < 23 ? last.end + 8 : GUTTER - 8;
  const pill = place.measure(text, true) + 20;
  place.lastPill = { y: row.y, end: x + pill };
  const where = { x: x + 10, y: row.y + 4, anchor: "start", top: row.y - 12, bottom: row.y + 8 };
  place.labels.push({ id: place.labels.length, text, ...where, kind, pill, event: row.first });
}

function placeCallLabels(place, call) {
  const [left, right] = [call.x - 13, call.x + 13];
  const [top, bottom] = [call.y0, call.y1];
  const limit = Math.floor((place.laneWidth - 24) / 6.5);
  const over = [[right, top - 8, "start"], [left, top - 8, "end"], [right, top + 4, "start"], [left, top + 4, "end"]];
  tryLabel(place, cut(callLabel(call.invoke), limit), over, { kind: "call", bold: true, event: call.invoke.i });
  if (!call.end) return;
  const under = [[right, bottom + 14, "start"], [left, bottom + 14, "end"], [right, bottom + 4, "start"]];
  const more = { kind: `call ${call.outcome}`, bold: true, event: call.end.i };
  tryLabel(place, cut(outcomeLabel(call.end), limit), under, more);
}

function placeLost(place, arrow) {
  const side = arrow.x1 >= arrow.x0 ? 1 : -1;
  const [x, y, anchor] = [arrow.x1 + side * 11, arrow.y1 + 4, side > 0 ? "start" : "end"];
  const other = anchor === "start" ? "end" : "start";
  const places = [[x, y, anchor], [arrow.x1, y + 14, "middle"], [arrow.x1, y - 13, "middle"], [x, y - 14, anchor], [x, y + 14, other]];
  claim(place, { x0: arrow.x1 - 7, x1: arrow.x1 + 7, y0: arrow.y1 - 7, y1: arrow.y1 + 7 });
  tryLabel(place, arrow.why, places, { kind: "lost", event: arrow.i1 });
}

function placeSide(place, row) {
  const events = place.trace.events.slice(row.first, row.last + 1);
  const room = Math.floor((place.laneWidth - 30) / 6.6);
  const texts = events.map((event) => [sideLabel(event), event.kind]).filter(([text]) => text);
  if (!texts.length) return;
  const [x, y] = [place.x(row.lane), row.y];
  const head = events[0];
  const fromRight = head.kind === "recv" && head.arrow.from > row.lane;
  const above = fromRight ? [[x - 12, y - 7, "end"], [x + 12, y - 7, "start"]] : [[x + 12, y - 7, "start"], [x - 12, y - 7, "end"]];
  const level = fromRight ? [[x - 12, y + 4, "end"], [x + 12, y + 4, "start"]] : [[x + 12, y + 4, "start"], [x - 12, y + 4, "end"]];
  const far = [[x + 12, y - 22, "start"], [x - 12, y - 22, "end"]];
  const below = [[x + 12, y + 15, "start"], [x - 12, y + 15, "end"]];
  const sends = events.some((event) => event.kind === "send");
  const places = sends || head.kind === "recv" ? [...above, ...below, ...level] : [...level, ...above, ...below];
  for (const [text, kind] of texts) {
    const more = { kind: `side ${kind}`, bold: kind === "note", shy: kind === "save", event: row.first };
    tryLabel(place, cut(text, room), kind === "note" ? [...places, ...far] : places, more);
  }
}

/** A message's label lies along its arrow, just above the line. */
function placeMessage(place, arrow) {
  const sign = arrow.x1 < arrow.x0 ? -1 : 1; // text reads from left to right, whichever way it goes
  const texts = messageLabels(arrow);
  for (const text of texts) {
    const width = place.measure(text);
    if (width + 16 > Math.abs(arrow.x1 - arrow.x0) && text !== arrow.type) continue;
    const candidates = [];
    for (const part of [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.2, 0.8]) {
      const { x, y } = pointAt(arrow, part);
      if (!clearOfLanes(place, x, width)) continue;
      const way = directionAt(arrow, part);
      const angle = (Math.atan2(way.y * sign, way.x * sign) * 180) / Math.PI;
      const slanting = [x + 5 * way.y * sign, y - 5 * way.x * sign, "middle", angle];
      candidates.push(Math.abs(angle) > STEEP ? [x, y + 4, "middle"] : slanting);
    }
    const more = { kind: "message", arrow: arrow.id, shy: text !== texts.at(-1), event: arrow.i0 };
    if (tryLabel(place, text, candidates, more)) return;
  }
}

function clearOfLanes(place, x, width) {
  const into = (x - GUTTER) / place.laneWidth - 0.5;
  const nearest = place.x(Math.round(into));
  return Math.abs(x - nearest) > width / 2 + 9;
}

/** Finds what is to be seen between two heights, without looking at everything. */
function drawers(items) {
  const found = new Map();
  for (const item of items) {
    for (let b = Math.floor(item.top / BUCKET); b <= Math.floor(item.bottom / BUCKET); b++) {
      if (!found.has(b)) found.set(b, []);
      found.get(b).push(item);
    }
  }
  return (y0, y1) => {
    const seen = new Set();
    for (let b = Math.floor(y0 / BUCKET); b <= Math.floor(y1 / BUCKET); b++) {
      for (const item of found.get(b) || []) if (item.bottom >= y0 && item.top <= y1) seen.add(item);
    }
    return seen;
  };
}
