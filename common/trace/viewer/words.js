// How events, values and times are said.

/** A time in microseconds as a person reads it. */
export function showTime(us) {
  const [unit, name] =
    Math.abs(us) >= 1e6 ? [1e6, "s"] : Math.abs(us) >= 1e3 ? [1e3, "ms"] : [1, "µs"];
  return `${parseFloat((us / unit).toFixed(3))}\u202f${name}`;
}

const CHOICE = 1_000; // µs that a choice of the explorer takes in its trace, where time is none

/** A time of the run `trace`: in a counter-example of the explorer, the number of the choice. */
export function showMoment(trace, us) {
  return trace.meta.world === "explorer" ? `choice ${us / CHOICE}` : showTime(us);
}

/** How long something took in the run `trace`. */
export function showSpan(trace, us) {
  if (trace.meta.world !== "explorer") return showTime(us);
  const count = us / CHOICE;
  return `${count} ${count === 1 ? "choice" : "choices"}`;
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

const OUTCOME = { ok: "ok", fail: "failed", info: "unknown" };

/** How an operation ended; `asked` is its beginning, which tells whether nothing is an answer. */
export function outcomeLabel(event, asked = null) {
  const colon = event.outcome === "ok" ? "" : ":";
  const none = (event.value ?? "") === "";
  const reads = asked && event.outcome === "ok" && (asked.value ?? null) === null;
  if (none) return `${OUTCOME[event.outcome] || event.outcome}${reads ? " nothing" : ""}`;
  return `${OUTCOME[event.outcome] || event.outcome}${colon} ${showValue(event.value, 18)}`;
}

function linkWords(event) {
  const parts = [];
  if (event.latency) parts.push(`latency ${event.latency.map(showTime).join("–")}`);
  for (const name of ["loss", "duplicate", "reorder"]) {
    if (event[name] !== undefined)
      parts.push(`${name} ${parseFloat((event[name] * 100).toFixed(2))} %`);
  }
  if (event.bandwidth !== undefined)
    parts.push(event.bandwidth ? `${event.bandwidth} bytes/s` : "no bandwidth limit");
  const name = (end) => (end === undefined || end === "*" ? "all" : end);
  return `link ${name(event.source)} → ${name(event.target)}: ${parts.join(", ") || "unchanged"}`;
}

const HOUSEKEEPING = new Set(["life"]); // what nodes keep for the contract, not for the protocol

function saves(keys) {
  return keys.length ? `saves ${keys.map((key) => showValue(key, 16)).join(", ")}` : "";
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
      return "crashed";
    case "restart":
      return "restarts";
    case "pause":
      return "paused";
    case "resume":
      return "goes on";
    case "clock":
      return `clock ${showTime(event.skew || 0)} ahead, drift ${event.drift || 0} ppm`;
    case "disk":
      return `disk takes ${showTime(event.latency)}`;
    case "corrupt":
      return `Byzantine: ${event.behaviour}${event.to ? ` to ${event.to.join(" ")}` : ""}`;
    case "twin":
      return `runs twice: ${event.halves.map((half) => half.join(" ")).join("  |  ")}`;
    default:
      return "";
  }
}

/** What an event of the world as a whole is called in the picture. */
export function worldLabel(event) {
  switch (event.kind) {
    case "partition":
      return `partition  ${event.groups.map((group) => group.join(" ")).join("  |  ")}`;
    case "heal":
      return "healed";
    case "block":
      return `blocked: ${event.source} → ${event.target}`;
    case "link":
      return linkWords(event);
    default:
      return `${event.property}: ${event.result}`;
  }
}

/** One sentence for any event: spoken, in the table, in the panel. */
export function sentence(event) {
  const { node, kind } = event;
  switch (kind) {
    case "start":
      return `${node} starts`;
    case "send":
      return `${node} sends ${event.type} to ${event.to}`;
    case "recv":
      return `${node} receives ${event.type} from ${event.frm}`;
    case "drop":
      return `${node}'s message to ${event.to} is lost: ${event.why}`;
    case "timer":
      return `${node}'s timer ${event.type} fires`;
    case "step":
      return `${node} takes up ${event.type}`;
    case "note":
      return `${node}: ${event.text}`;
    case "invoke":
      return `${event.client} asks${node === event.client ? "" : ` ${node}`} for ${callLabel(event)}`;
    case "return":
      return `${event.client}'s ${event.op} ends: ${outcomeLabel(event, event.asked)}`;
    case "verdict":
      return event.sentence;
    case "crash":
      return `${node} crashes`;
    case "save":
      return `${node} ${sideLabel(event) || "counts its lives"}`;
    default:
      return node === null ? worldLabel(event) : `${node} ${sideLabel(event)}`;
  }
}

/** The fields of an event that its sentence does not say, for the panel. */
export function details(event) {
  if (event.kind === "send") return event.body;
  if (event.kind === "recv" && event.arrow && event.arrow.send) return event.arrow.send.body;
  if (event.kind === "timer") return event.body;
  if (event.kind === "note") return event.fields;
  return {};
}
