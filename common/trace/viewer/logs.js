// The logs that nodes declare in their status, as boxes one above the other: an index is a column.

import { html } from "./panel.js";
import { inWords } from "./texts.js";
import { isLog, stateAt, troubleAt } from "./model.js";

const BOXES = 11; // so many indices are shown, the last ones

/** The number under which the entry at `index` was written, or null where there is none. */
function numberAt(log, index) {
  if (index > log.last) return null;
  const part = log.parts.findLast(([, begins]) => begins <= index);
  return part ? part[0] : null;
}

/** What nodes say of their logs just after event `at`: by name of the log, one for each lane. */
function logsAt(trace, at) {
  const found = new Map();
  trace.lanes.forEach((lane, index) => {
    for (const [name, value] of Object.entries(stateAt(trace, index, at).state)) {
      if (!isLog(value)) continue;
      if (!found.has(name)) found.set(name, []);
      found.get(name).push({ lane, log: value, down: troubleAt(trace, index, at) === "crashed" });
    }
  });
  return found;
}

function box(log, index) {
  const number = numberAt(log, index);
  if (number === null) return html("td", {});
  const committed = index <= log.committed;
  const said = { n: index, by: log.numbered_by, number };
  const kind = `stv-entry stv-e${number % 6}${committed ? "" : " stv-open"}`;
  return html("td", { class: kind, title: inWords(committed ? "entry" : "openEntry", said) }, [String(number)]);
}

function oneLog(name, copies) {
  const last = Math.max(...copies.map(({ log }) => log.last));
  const first = Math.max(
    last - BOXES + 1,
    Math.min(...copies.map(({ log }) => log.parts[0]?.[1] ?? last)),
  );
  const indices = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const by = copies[0].log.numbered_by;
  const head = indices.map((index) => html("th", { scope: "col" }, [String(index)]));
  const rows = copies.map(({ lane, log, down }) => {
    const who = html("th", { scope: "row", style: `color:${lane.colour}` }, [lane.name]);
    const cells = indices.map((index) => box(log, index));
    return html("tr", down ? { class: "stv-gone" } : {}, [who, ...cells]);
  });
  const about =
    name === "log" ? inWords("logs") : inWords("aLog", { name: name.replace(/\/log$/, "") });
  return html("section", { class: "stv-card stv-logs" }, [
    html("h3", {}, [about]),
    html("table", {}, [
      html("thead", {}, [html("tr", {}, [html("td", {}), ...head])]),
      html("tbody", {}, rows),
    ]),
    html("p", { class: "stv-quiet" }, [inWords("boxes", { by })]),
  ]);
}

/** A card for each log that nodes keep copies of, as it is just after event `at`. */
export function logCards(trace, at) {
  const cards = [];
  for (const [name, copies] of logsAt(trace, at)) {
    if (copies.some(({ log }) => log.parts.length)) cards.push(oneLog(name, copies));
  }
  return cards;
}
