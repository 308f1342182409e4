// The lines of messages: from the sender's dot to the receiver's, over the dots between them.

export const GUTTER = 106; // px for the times, left of the lanes
const DOT = 5; // px, the radius of a step's mark
const ARCH = 13; // px by which an arrow keeps away from each lane between sender and receiver

/** The line of one arrow: from the sender's dot to the receiver's, or to where it was lost. */
export function placeArrow(place, arrow) {
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
    if (!late) y1 = y0 + 16 + 14 * lostBefore(place, arrow);
    if (arrow.kind === "open" && trace.rows.length) y1 = Math.min(y0 + 40, place.height - 20);
    x1 = x0 + (x1 - x0) * part;
  }
  if (!arrow.send) Object.assign(arrow, { stub: true });
  const tip = arrow.kind === "recv" || arrow.kind === "again" ? DOT + 2 : 0;
  const passed = Math.max(0, Math.abs(arrow.to - arrow.from) - 1); // it arches over their dots
  arrow.loop = toward === 0;
  Object.assign(arrow, { x0, y0, x1, y1, arch: Math.min(Math.max(0, y1 - y0) / 4, ARCH * passed) });
  const [out, into] = [directionAt(arrow, 0), directionAt(arrow, 1)];
  Object.assign(arrow, {
    x0: x0 + out.x * DOT,
    y0: y0 + out.y * DOT,
    x1: x1 - into.x * tip,
    y1: y1 - into.y * tip,
  });
  arrow.top = y0;
  arrow.bottom = Math.max(y0, y1);
}

/** How many messages of the same step to the same node were lost before this one. */
function lostBefore(place, arrow) {
  const step = `${(arrow.send || arrow.end).row} ${arrow.to}`;
  const before = place.lost.get(step) || 0;
  place.lost.set(step, before + 1);
  return Math.min(before, 3);
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
