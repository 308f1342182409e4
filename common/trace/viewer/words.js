// How events, values and times are said.

import { counted, inWords, inWordsIfAny } from "./texts.js";

/** A time in microseconds as a person reads it. */
export function showTime(us) {
  const [unit, name] =
    Math.abs(us) >= 1e6 ? [1e6, "s"] : Math.abs(us) >= 1e3 ? [1e3, "ms"] : [1, "µs"];
  return `${parseFloat((us / unit).toFixed(3))}\u202f${name}`;
}

const CHOICE = 1_000; // µs that a choice of the explorer takes in its trace, where time is none

/** A time of the run `trace`: in a counter-example of the explorer, the number of the choice. */
export function showMoment(trace, us) {
  return trace.meta.world === "explorer" ? inWords("choice", { n: us / CHOICE }) : showTime(us);
}

/** How long something took in the run `trace`. */
export function showSpan(trace, us) {
  if (trace.meta.world !== "explorer") return showTime(us);
  return counted("choices", us / CHOICE);
}

/** How many nodes, clients and messages there are, each a text of its own. */
export function counts(trace) {
  const clients = trace.lanes.filter((lane) => lane.client).length;
  const sent = trace.arrows.filter((arrow) => arrow.kind !== "again").length;
  const nodes = counted("nodes", trace.lanes.length - clients);
  return [nodes, ...(clients ? [counted("clients", clients)] : []), counted("messages", sent)];
}

/** What the picture as a whole is called. */
export function pictureOf(trace) {
  return inWords("drawn", { counted: counts(trace).join(inWords("comma")) });
}

/** A plain JSON value in few characters. */
export function showValue(value, limit = 60) {
  return cut(brief(value, 0), limit);
}

export function cut(text, limit) {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

function brief(value, depth) {
  if (value === null || value === undefined) return "–";
  if (value === "") return '""';
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) {
    return depth > 2 ? "[…]" : `[${value.map((item) => brief(item, depth + 1)).join(", ")}]`;
  }
  if ("$bytes" in value) return `${readable(value.$bytes, value.more)}${value.more ? "…" : ""}`;
  if ("$int" in value) return value.$int;
  const { $type: type, ...rest } = value;
  const parts = Object.entries(rest).map(([key, inner]) => `${key}: ${brief(inner, depth + 1)}`);
  const body = depth > 2 ? "…" : parts.join(", ");
  return type ? `${type}(${body})` : `{${body}}`;
}

/** Bytes as the text that they are, or else in hexadecimal; those `cut` may end in a character. */
function readable(base64, cut) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const text = decoder.decode(bytes, { stream: Boolean(cut) });
    if (!/\p{C}/u.test(text)) return text || '""'; // all can be seen: no control characters
  } catch {
    // no UTF-8
  }
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** What an arrow may say, from the most to the least: with all fields, with the first, the type. */
export function messageLabels(arrow) {
  const body = Object.entries(arrow.send ? arrow.send.body : {}).filter(
    ([, value]) => value !== null,
  );
  const say = ([name, value]) => (value === true ? name : `${name}=${brief(value, 2)}`);
  const parts = body.length === 1 && body[0][1] !== true ? [brief(body[0][1], 2)] : body.map(say);
  const said = [parts.join(" "), parts[0]]
    .filter(Boolean)
    .map((text) => `${arrow.type} ${cut(text, 26)}`);
  return [...new Set([...said, arrow.type])];
}

/** The operation that a client asked for, in a few words. */
export function callLabel(event) {
  const parts = [event.key, event.value].filter((part) => part !== null && part !== undefined);
  const given = parts.map((part) => showValue(part, 14)).join(", ");
  return given ? `${event.op}(${given})` : event.op;
}

/** How an operation ended; `asked` is its beginning, which tells whether nothing is an answer. */
export function outcomeLabel(event, asked = null) {
  const colon = event.outcome === "ok" ? "" : ":";
  const none = (event.value ?? "") === "";
  const reads = asked && event.outcome === "ok" && (asked.value ?? null) === null;
  const how = inWordsIfAny(event.outcome);
  if (none) return reads ? `${how} ${inWords("nothing")}` : how;
  return `${how}${colon} ${showValue(event.value, 18)}`;
}

function linkWords(event) {
  const parts = [];
  if (event.latency)
    parts.push(inWords("latency", { between: event.latency.map(showTime).join("–") }));
  for (const name of ["loss", "duplicate", "reorder"]) {
    if (event[name] !== undefined)
      parts.push(inWords(`${name}Rate`, { n: parseFloat((event[name] * 100).toFixed(2)) }));
  }
  if (event.bandwidth !== undefined)
    parts.push(inWords(event.bandwidth ? "bandwidth" : "noBandwidth", { n: event.bandwidth }));
  const name = (end) => (end === undefined || end === "*" ? inWords("everybody") : end);
  const [source, target] = [name(event.source), name(event.target)];
  return inWords("link", { source, target, parts: parts.join(", ") || inWords("unchanged") });
}

const HOUSEKEEPING = new Set(["life"]); // what nodes keep for the contract, not for the protocol

function saves(keys) {
  const said = keys.map((key) => showValue(key, 16)).join(", ");
  return said && inWords("saves", { keys: said });
}

/** A short label for an event on its lane, or "" where its mark says enough. */
export function sideLabel(event) {
  switch (event.kind) {
    case "timer":
      return event.type;
    case "note":
      return event.text;
    case "save":
      return saves(event.keys.filter((key) => !HOUSEKEEPING.has(key)));
    case "crash":
      return inWords("crashed");
    case "restart":
      return inWords("restarts");
    case "pause":
      return inWords("paused");
    case "resume":
      return inWords("goesOn");
    case "clock":
      return inWords("clock", { skew: showTime(event.skew || 0), drift: event.drift || 0 });
    case "disk":
      return inWords("disk", { took: showTime(event.latency) });
    case "corrupt": {
      const whom = event.to ? event.to.join(" ") : "";
      return inWords(whom ? "byzantineTo" : "byzantine", { how: event.behaviour, whom });
    }
    case "twin":
      return inWords("twice", { halves: groups(event.halves) });
    default:
      return "";
  }
}

function groups(names) {
  return names.map((group) => group.join(" ")).join("  |  ");
}

/** What an event of the world as a whole is called in the picture. */
export function worldLabel(event) {
  switch (event.kind) {
    case "partition":
      return inWords("split", { groups: groups(event.groups) });
    case "heal":
      return inWords("healed");
    case "block":
      return inWords("block", event);
    case "link":
      return linkWords(event);
    default:
      return `${event.property}${inWords("colon")}${inWordsIfAny(event.result)}`;
  }
}

const SENTENCES = {
  start: "starts",
  send: "sends",
  recv: "receives",
  drop: "loses",
  timer: "fires",
  step: "takesUp",
  crash: "crashes",
};

/** One sentence for any event: spoken, in the table, in the panel. */
export function sentence(event) {
  const { node, kind } = event;
  const name = SENTENCES[kind];
  if (name) return inWords(name, event);
  switch (kind) {
    case "note":
      return `${node}: ${event.text}`;
    case "invoke": {
      const { client } = event;
      return inWords(node === client ? "asks" : "asksNode", { client, node, call: callLabel(event) });
    }
    case "return":
      return inWords("ends", { ...event, how: outcomeLabel(event, event.asked) });
    case "verdict":
      return event.sentence;
    case "save":
      return `${node} ${sideLabel(event) || inWords("countsLives")}`;
    default:
      return node === null ? worldLabel(event) : `${node} ${sideLabel(event)}`;
  }
}

/** The language of an event's sentence, as an attribute, where that is not the page's: what checks
 * and nodes say is the lab's own, and in English. */
export function language({ kind }) {
  return kind === "verdict" || kind === "note" ? { lang: "en" } : {};
}

/** The fields of an event that its sentence does not say, for the panel. */
export function details(event) {
  if (event.kind === "send") return event.body;
  if (event.kind === "recv" && event.arrow && event.arrow.send) return event.arrow.send.body;
  if (event.kind === "timer") return event.body;
  if (event.kind === "note") return event.fields;
  return {};
}
