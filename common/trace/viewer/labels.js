// Labels: each claims a box; who comes later looks for a free place, or stays away until hovered.

import { GUTTER, directionAt, pointAt } from "./arrows.js";
import {
  callLabel,
  cut,
  messageLabels,
  outcomeLabel,
  showMoment,
  sideLabel,
  worldLabel,
} from "./words.js";

const FONT = 12;
const STEEP = 50; // degrees: a label does not follow an arrow steeper than this

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
      if (box.x0 < other.x1 && box.x1 > other.x0 && box.y0 < other.y1 && box.y1 > other.y0)
        return false;
    }
  }
  return true;
}

/** Whether some arrow but `own` goes through the box. */
function isCrossed(place, box, own) {
  for (const arrow of place.index.arrows(box.y0, box.y1)) {
    if (arrow === own || arrow.loop) continue;
    const pieces = arrow.arch ? 4 : 1; // an arch is nearly straight in a quarter of its way
    for (let i = 0; i < pieces; i++) {
      if (goesThrough(pointAt(arrow, i / pieces), pointAt(arrow, (i + 1) / pieces), box))
        return true;
    }
  }
  return false;
}

/** Whether the line from `a` to `b` goes through the box (Liang and Barsky 1984). */
function goesThrough(a, b, box) {
  let [from, to] = [0, 1];
  for (const [start, d, low, high] of [
    [a.x, b.x - a.x, box.x0, box.x1],
    [a.y, b.y - a.y, box.y0, box.y1],
  ]) {
    if (!d && (start < low || start > high)) return false;
    if (!d) continue;
    const [one, other] = [(low - start) / d, (high - start) / d];
    from = Math.max(from, Math.min(one, other));
    to = Math.min(to, Math.max(one, other));
  }
  return from < to;
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

function keep(place, label) {
  label.id = place.labelCount++;
  place.labels.add(label);
}

/** Put a label at the first candidate place that is free, best where no arrow goes through it. */
function tryLabel(place, text, candidates, more) {
  const width = place.measure(text, more.bold);
  const own = place.trace.arrows[more.arrow];
  let best = null;
  for (const [x, y, anchor, angle = 0] of candidates) {
    const boxes = boxesOf(x, y, width, anchor, angle);
    if (!boxes.every((box) => isFree(place, box))) continue;
    const clear = !boxes.some((box) => isCrossed(place, box, own));
    if (clear || !(best || more.shy)) best = { x, y, anchor, angle, boxes };
    if (clear) break;
  }
  if (!best) return false;
  const { boxes, ...where } = best;
  for (const box of boxes) claim(place, box);
  const [top, bottom] = [
    Math.min(...boxes.map((box) => box.y0)),
    Math.max(...boxes.map((box) => box.y1)),
  ];
  keep(place, { text, top, bottom, ...where, ...more });
  return true;
}

/** The passes that place all labels: fixed ones first, then those that can stand elsewhere. */
export function labelPasses(place) {
  const { trace } = place;
  const rows = trace.rows.filter((row) => !row.hidden);
  const ofNodes = rows.filter((row) => row.lane >= 0);
  const ofWorld = rows.filter((row) => row.lane < 0);
  const arrows = trace.arrows.filter((arrow) => !arrow.hidden);
  const lost = arrows.filter((arrow) => arrow.kind === "drop");
  const ofRow = (row) => [row.y, row.y];
  const ofCall = (call) => [call.y0, call.end ? call.y1 : call.y0];
  const ofArrow = (arrow) => [Math.min(arrow.top, arrow.y1), arrow.bottom];
  const pass = (items, spanOf, put) => ({ items, spanOf, put: (item) => put(place, item) });
  return [
    pass(rows, ofRow, claimRow),
    pass(rows, ofRow, placeTime),
    pass(ofWorld, ofRow, placeWorld),
    pass(trace.calls, ofCall, placeCallLabels),
    pass(lost, ofArrow, placeLost),
    pass(ofNodes, ofRow, placeSide),
    pass(arrows.filter((arrow) => !arrow.loop), ofArrow, placeMessage),
  ];
}

function claimRow(place, { lane, y }) {
  if (lane < 0) return claim(place, { x0: GUTTER - 18, x1: place.width, y0: y - 11, y1: y + 9 });
  const x = place.x(lane);
  claim(place, { x0: x - 8, x1: x + 8, y0: y - 7, y1: y + 7 });
}

function placeTime(place, row) {
  if (row.t === place.lastTime) return;
  const at = [[GUTTER - 22, row.y + 4, "end"]];
  const more = { kind: "time", event: row.first };
  if (tryLabel(place, showMoment(place.trace, row.t), at, more)) place.lastTime = row.t;
}

function placeWorld(place, row) {
  const event = place.trace.events[row.first];
  const kind = event.kind === "verdict" ? `verdict ${event.result}` : "world";
  const text =
    event.kind === "verdict"
      ? cut(`${worldLabel(event)} – ${event.sentence}`, 90)
      : worldLabel(event);
  const last = place.lastPill; // pills of one height stand side by side
  const x = last && row.y - last.y < 23 ? last.end + 8 : GUTTER - 8;
  const pill = place.measure(text, true) + 20;
  place.lastPill = { y: row.y, end: x + pill };
  const where = { x: x + 10, y: row.y + 4, anchor: "start", top: row.y - 12, bottom: row.y + 8 };
  keep(place, { text, ...where, kind, pill, event: row.first });
}

function placeCallLabels(place, call) {
  const [left, right] = [call.x - 13, call.x + 13];
  const [top, bottom] = [call.y0, call.y1];
  const limit = Math.floor((place.laneWidth - 24) / 6.5);
  const over = [
    [right, top - 8, "start"],
    [left, top - 8, "end"],
    [right, top + 4, "start"],
    [left, top + 4, "end"],
  ];
  tryLabel(place, cut(callLabel(call.invoke), limit), over, {
    kind: "call",
    bold: true,
    event: call.invoke.i,
  });
  if (!call.end) return;
  const under = [
    [right, bottom + 14, "start"],
    [left, bottom + 14, "end"],
    [right, bottom + 4, "start"],
  ];
  const more = { kind: `call ${call.outcome}`, bold: true, event: call.end.i };
  tryLabel(place, cut(outcomeLabel(call.end, call.invoke), limit), under, more);
}

function placeLost(place, arrow) {
  const side = arrow.x1 >= arrow.x0 ? 1 : -1;
  const [x, y, anchor] = [arrow.x1 + side * 11, arrow.y1 + 4, side > 0 ? "start" : "end"];
  const other = anchor === "start" ? "end" : "start";
  const places = [
    [x, y, anchor],
    [arrow.x1, y + 14, "middle"],
    [arrow.x1, y - 13, "middle"],
    [x, y - 14, anchor],
    [x, y + 14, other],
  ];
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
  const above = fromRight
    ? [
        [x - 12, y - 7, "end"],
        [x + 12, y - 7, "start"],
      ]
    : [
        [x + 12, y - 7, "start"],
        [x - 12, y - 7, "end"],
      ];
  const level = fromRight
    ? [
        [x - 12, y + 4, "end"],
        [x + 12, y + 4, "start"],
      ]
    : [
        [x + 12, y + 4, "start"],
        [x - 12, y + 4, "end"],
      ];
  const far = [
    [x + 12, y - 22, "start"],
    [x - 12, y - 22, "end"],
  ];
  const below = [
    [x + 12, y + 15, "start"],
    [x - 12, y + 15, "end"],
  ];
  const sends = events.some((event) => event.kind === "send");
  const places =
    sends || head.kind === "recv" ? [...above, ...below, ...level] : [...level, ...above, ...below];
  for (const [text, kind] of texts) {
    const more = {
      kind: `side ${kind}`,
      bold: kind === "note",
      shy: kind === "save",
      event: row.first,
    };
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
    const more = { kind: "message", arrow: arrow.id, shy: text !== texts.at(-1), event: arrow.i0 };
    if (tryLabel(place, text, along(place, arrow, width, sign), more)) return;
  }
}

/** Places along an arrow, from its middle outward: most labels stand at the first one. */
function* along(place, arrow, width, sign) {
  for (const part of [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.2, 0.8]) {
    const { x, y } = pointAt(arrow, part);
    if (!clearOfLanes(place, x, width)) continue;
    const way = directionAt(arrow, part);
    const angle = (Math.atan2(way.y * sign, way.x * sign) * 180) / Math.PI;
    const slanting = [x + 5 * way.y * sign, y - 5 * way.x * sign, "middle", angle];
    yield Math.abs(angle) > STEEP ? [x, y + 4, "middle"] : slanting;
  }
}

function clearOfLanes(place, x, width) {
  const into = (x - place.left) / place.laneWidth - 0.5;
  const nearest = place.x(Math.round(into));
  return Math.abs(x - nearest) > width / 2 + 9;
}
