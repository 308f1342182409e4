// The trace as the picture needs it: lanes, messages, calls, spans of trouble, rows. No drawing.

import { inWords } from "./texts.js";

const ACTIVATIONS = new Set([
  "start",
  "recv",
  "timer",
  "invoke",
  "crash",
  "restart",
  "pause",
  "resume",
]);
const STEPS = new Set(["start", "recv", "timer", "step", "return"]); // a question proves nothing
const WORLD = new Set(["partition", "block", "heal", "link", "verdict"]);
const WHY = new Set(["loss", "partition", "blocked", "crashed"]); // other reasons are sentences

/** Parse the lines of a trace file (schema 1) into a model. */
export function readTrace(lines) {
  const plain = lines.filter((line) => line.trim()).map((line) => JSON.parse(line));
  if (!plain.length || plain[0].kind !== "meta")
    throw new Error("this is not a trace: it has no header");
  const meta = plain[0];
  const events = plain.slice(1);
  for (let i = 1; i < events.length; i++) {
    if (events[i].t < events[i - 1].t) {
      events.sort((a, b) => a.t - b.t);
      break;
    }
  }
  const lanes = laneNames(meta, events);
  const laneOf = new Map(lanes.map((lane, index) => [lane.name, index]));
  events.forEach((event, index) => {
    event.i = index;
    event.number = event.n ?? index + 1; // in the file, which may hold more than the page
    event.lane = event.node === null || WORLD.has(event.kind) ? -1 : laneOf.get(event.node);
  });
  const trace = { meta, events, lanes, laneOf, rows: makeRows(events) };
  trace.arrows = makeArrows(events, laneOf);
  trace.calls = makeCalls(events);
  trace.spans = makeSpans(events, lanes);
  trace.states = makeStates(events, lanes);
  trace.verdicts = events.filter((event) => event.kind === "verdict");
  for (const verdict of trace.verdicts) verdict.blame = blameOf(trace, verdict);
  trace.clocked = events.some((event) => event.clock);
  trace.start = events.length ? events[0].t : 0;
  trace.end = events.length ? events[events.length - 1].t : 0;
  return trace;
}

function laneNames(meta, events) {
  const names = new Set([...meta.clients, ...meta.nodes]);
  for (const event of events) if (event.node !== null) names.add(event.node);
  const clients = new Set(meta.clients);
  let colour = 0;
  return [...names].map((name) => ({
    name,
    client: clients.has(name),
    colour: clients.has(name) ? "var(--client)" : `var(--n${colour++ % 8})`,
  }));
}

/** What a type is called without the path of its subnode. */
export function bareType(type) {
  return type.slice(type.lastIndexOf("/") + 1);
}

/** How many messages there are of each type, the most frequent first. */
export function messageTypes(trace) {
  const counts = new Map();
  for (const arrow of trace.arrows) {
    if (arrow.kind === "again" || !arrow.type) continue;
    const type = bareType(arrow.type);
    counts.set(type, (counts.get(type) || 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/**
 * Leave the messages of some types out: their arrows, and the steps that were about nothing else.
 * A step at which something was noted, asked or answered stays.
 */
export function leaveOut(trace, types) {
  for (const arrow of trace.arrows) arrow.hidden = types.has(bareType(arrow.type));
  const about = { send: 1, recv: 1, drop: 1 };
  for (const row of trace.rows) {
    const events = trace.events.slice(row.first, row.last + 1);
    const theirs = events.filter(({ kind, arrow }) => about[kind] && arrow && arrow.hidden);
    const others = events.filter(
      (event) => !theirs.includes(event) && !["timer", "save"].includes(event.kind),
    );
    row.hidden = theirs.length > 0 && others.length === 0;
  }
}

/** A row is one step: what one node does at one instant, or one event of the world. */
function makeRows(events) {
  const rows = [];
  let row = null;
  for (const event of events) {
    const here = row && row.lane === event.lane && event.lane >= 0 && row.t === event.t;
    const reborn = here && event.kind === "start" && events[row.first].kind === "restart";
    const joins = here && (reborn || !ACTIVATIONS.has(event.kind));
    if (!joins)
      rows.push((row = { t: event.t, lane: event.lane, first: event.i, last: event.i, y: 0 }));
    row.last = event.i;
    event.row = rows.length - 1;
  }
  return rows;
}

/** One arrow for each arrival of a message, and one for each message that never arrived. */
function makeArrows(events, laneOf) {
  const messages = new Map();
  const arrows = [];
  const add = (kind, send, end, from, to, more = {}) => {
    const arrow = { id: arrows.length, kind, send, end, from, to, ...more };
    arrows.push(arrow);
    return arrow;
  };
  for (const event of events) {
    if (event.kind === "send") {
      messages.set(event.msg, { send: event, ended: 0 });
    } else if (event.kind === "recv" || event.kind === "drop") {
      const found = messages.get(event.msg);
      const send = found ? found.send : null;
      // The half of a node that sent it is known by the send alone: both halves have one name.
      const sender = event.kind === "drop" ? event.node : send ? send.node : event.frm;
      const from = laneOf.get(sender);
      const to = laneOf.get(event.kind === "recv" ? event.node : event.to);
      const again = event.kind === "recv" && found && found.ended > 0;
      const kind = event.kind === "drop" ? "drop" : again ? "again" : "recv";
      const known = WHY.has(event.why) ? inWords(event.why) : event.why;
      const why = event.kind === "drop" ? known : "";
      if (found) found.ended++;
      event.arrow = add(kind, send, event, from, to, {
        why,
        type: send ? send.type : event.type || "",
      });
      if (send && !send.arrow) send.arrow = event.arrow;
    }
  }
  for (const { send, ended } of messages.values()) {
    if (!ended)
      send.arrow = add("open", send, null, send.lane, laneOf.get(send.to), { type: send.type });
  }
  for (const arrow of arrows) {
    arrow.i0 = arrow.send ? arrow.send.i : arrow.end.i;
    arrow.i1 = arrow.end ? arrow.end.i : Infinity;
  }
  return arrows;
}

function makeCalls(events) {
  const open = new Map();
  const calls = [];
  for (const event of events) {
    if (event.kind === "invoke") {
      const beside = [...open.values()].filter((other) => other.invoke.lane === event.lane);
      let column = 0;
      while (beside.some((other) => other.column === column)) column++;
      const call = { id: calls.length, invoke: event, end: null, outcome: "info", column };
      open.set(event.call, call);
      calls.push(call);
    } else if (event.kind === "return" && open.has(event.call)) {
      const call = open.get(event.call);
      event.asked = call.invoke;
      call.end = event;
      call.outcome = event.outcome;
      open.delete(event.call);
    }
  }
  return calls;
}

/**
 * What a "no" blames: the operations that prove it, the events at which it can be seen, and the one
 * to look at first. Another verdict blames nothing.
 */
function blameOf(trace, verdict) {
  if (verdict.result !== "no") return null;
  const numbers = new Set(verdict.calls || []);
  const calls = trace.calls.filter((call) => numbers.has(call.invoke.call));
  for (const call of calls) call.blamed = true;
  const ends = calls.map((call) => call.end || call.invoke).sort((a, b) => a.i - b.i);
  if (ends.length) return { calls, centres: ends, focus: ends.at(-1) };
  const focus = lastStep(trace, verdict);
  if (focus) focus.blamed = true;
  return focus && { calls, centres: [focus], focus };
}

/** The last step up to the time at which it was first to be seen, of its node if it names one. */
function lastStep({ events, lanes }, verdict) {
  const until = verdict.at ?? verdict.t;
  const named = lanes.some((lane) => lane.name === verdict.node) ? verdict.node : null;
  for (let i = verdict.i - 1; i >= 0; i--) {
    const event = events[i];
    if (event.t > until || !STEPS.has(event.kind)) continue;
    if (named === null || event.node === named) return event;
  }
  return null;
}

/** Times of trouble: a node crashed or paused, the network partitioned. */
function makeSpans(events, lanes) {
  const spans = [];
  const open = new Map();
  const close = (key, event) => {
    if (open.has(key)) open.get(key).end = event;
    open.delete(key);
  };
  const begin = (key, event, more) => {
    close(key, event);
    const span = { id: spans.length, begin: event, end: null, ...more };
    spans.push(span);
    open.set(key, span);
  };
  for (const event of events) {
    if (event.kind === "crash") {
      close(`pause ${event.node}`, event);
      begin(`crash ${event.node}`, event, { kind: "crash", lane: event.lane });
    } else if (event.kind === "pause")
      begin(`pause ${event.node}`, event, { kind: "pause", lane: event.lane });
    else if (event.kind === "restart") close(`crash ${event.node}`, event);
    else if (event.kind === "resume") close(`pause ${event.node}`, event);
    else if (event.kind === "heal") close("partition", event);
    else if (event.kind === "partition") {
      begin("partition", event, {
        kind: "partition",
        blocks: partitionBlocks(event.groups, lanes),
      });
    }
  }
  return spans;
}

/** Neighbouring lanes of one group make one block; a lane that no group names is alone. */
function partitionBlocks(groups, lanes) {
  const groupOf = new Map(groups.flatMap((group, index) => group.map((name) => [name, index])));
  const blocks = [];
  lanes.forEach((lane, index) => {
    const group = groupOf.has(lane.name) ? groupOf.get(lane.name) : -1;
    const last = blocks[blocks.length - 1];
    if (last && group >= 0 && last.group === group) last.to = index;
    else blocks.push({ group, from: index, to: index });
  });
  return blocks;
}

/** For each lane the events that changed its state, to look up what held at any event. */
function makeStates(events, lanes) {
  const states = lanes.map(() => []);
  for (const event of events) {
    if (event.lane < 0) continue;
    const list = states[event.lane];
    if (event.state) list.push({ i: event.i, state: event.state });
  }
  return states;
}

/** The index of the last item whose key is at most `value`, or -1. */
export function lastAtMost(items, value, key) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(items[middle]) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What a lane's state was just after event `i`, and whether that event changed it. */
export function stateAt(trace, lane, i) {
  const list = trace.states[lane];
  const at = lastAtMost(list, i, (item) => item.i);
  if (at < 0) return { state: {}, before: null };
  return {
    state: list[at].state,
    before: list[at].i === i ? (at ? list[at - 1].state : {}) : null,
  };
}

/** Whether a value of a status is a log: its node says so (common/contract/shown.py). */
export function isLog(value) {
  return value !== null && typeof value === "object" && "numbered_by" in value && "parts" in value;
}

/** The fields of a status that say something: no logs, which are drawn, and nothing empty. */
export function saidIn(state, before = null) {
  return Object.entries(state).filter(
    ([name, value]) => !isLog(value) && ((value !== "" && value !== null) || before?.[name]),
  );
}

/** "crashed", "paused" or "" for a lane just after event `i`. */
export function troubleAt(trace, lane, i) {
  for (const span of trace.spans) {
    if (span.lane !== lane || span.begin.i > i || (span.end && span.end.i <= i)) continue;
    return span.kind === "crash" ? "crashed" : "paused";
  }
  return "";
}

/** How `event` stands to the nearest of `centres`; "apart" only where it is so to all of them. */
export function relationToAny(event, centres) {
  let found = "apart";
  for (const centre of centres) {
    const how = relation(event, centre);
    if (how === "self" || how === "past") return how;
    if (how === "future") found = how;
  }
  return found;
}

/** How `event` stands to `centre`: "self", "past", "future" or "apart" (concurrent). */
export function relation(event, centre) {
  if (event === centre) return "self";
  if (!event.clock || !centre.clock) return "apart";
  if ((centre.clock[event.node] || 0) >= event.clock[event.node]) return "past";
  if ((event.clock[centre.node] || 0) >= centre.clock[centre.node]) return "future";
  return "apart";
}
