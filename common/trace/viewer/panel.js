// The side panel (the current event, the state of every node), the tooltip and the table.

import { logCards } from "./logs.js";
import { saidIn, stateAt, troubleAt } from "./model.js";
import { details, sentence, showMoment, showSpan, showValue } from "./words.js";

const MAX_TABLE = 5_000; // rows

/** Make an HTML element. */
export function html(name, attributes = {}, children = []) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function fieldList(fields, changedFrom) {
  const rows = Object.entries(fields).flatMap(([name, value]) => {
    const text = showValue(value, 90);
    const changed = changedFrom && JSON.stringify(changedFrom[name]) !== JSON.stringify(value);
    const given = html("dd", changed ? { class: "changed" } : {}, [text]);
    if (changed) given.append(html("span", { class: "stv-unseen" }, [" (changed)"]));
    return [html("dt", {}, [name]), given];
  });
  return rows.length ? html("dl", {}, rows) : "";
}

/** The card of the current event; `event` is null for the whole run. */
export function eventCard(trace, event) {
  if (!event) {
    const lost = trace.arrows.filter((arrow) => arrow.kind === "drop").length;
    const sent = trace.arrows.filter((arrow) => arrow.kind !== "again").length;
    const took = showSpan(trace, trace.end - trace.start);
    const text = `${trace.events.length} events, ${sent} messages, ${lost} lost, in ${took}.`;
    return [html("h2", {}, ["The whole run"]), html("p", {}, [text])];
  }
  const position = `${showMoment(trace, event.t)} · event ${event.number} of ${trace.meta.events ?? trace.events.length}`;
  const card = [
    html("h2", {}, [position]),
    html("p", { class: "stv-sentence" }, [sentence(event)]),
  ];
  const list = fieldList(details(event));
  if (list) card.push(list);
  const arrow = event.arrow;
  if (event.kind === "recv" && arrow && arrow.send) {
    const again = arrow.kind === "again" ? ", again" : "";
    card.push(
      html("p", { class: "stv-quiet" }, [
        `under way for ${showSpan(trace, event.t - arrow.send.t)}${again}`,
      ]),
    );
  }
  if (event.clock) {
    const clock = Object.entries(event.clock)
      .sort()
      .map(([name, count]) => `${name}:${count}`)
      .join(" ");
    card.push(html("p", { class: "stv-quiet stv-mono" }, [`vector clock  ${clock}`]));
  }
  return card;
}

/** The logs, and one card for each lane: its name, whether it is up, its state. */
export function stateCards(trace, event) {
  const at = event ? event.i : trace.events.length;
  const cards = trace.lanes.map((lane, index) => {
    const { state, before } = stateAt(trace, index, at);
    const trouble = troubleAt(trace, index, at);
    const name = html("h3", {}, [html("i", { style: `background:${lane.colour}` }), lane.name]);
    if (trouble) name.append(html("em", { class: `stv-${trouble}` }, [trouble]));
    const said = Object.fromEntries(saidIn(state, before));
    const nothing = html("p", { class: "stv-quiet" }, ["no state shown"]);
    const body = fieldList(said, before) || nothing;
    const own = event && event.lane === index ? " stv-own" : "";
    return html("section", { class: `stv-card${trouble ? " stv-down" : ""}${own}` }, [name, body]);
  });
  return [...logCards(trace, at), ...cards];
}

/** What a tooltip says of an arrow or a step. */
export function tooltip(trace, { arrow, row }) {
  if (arrow) {
    const from = trace.lanes[arrow.from].name;
    const to = arrow.to === undefined ? "?" : trace.lanes[arrow.to].name;
    const took = arrow.send && arrow.end ? `, ${showSpan(trace, arrow.end.t - arrow.send.t)}` : "";
    const fate = {
      recv: "arrived",
      again: "arrived again",
      drop: `lost: ${arrow.why}`,
      open: "under way",
    }[arrow.kind];
    const way = `${from} → ${to}, ${fate}${took}`;
    return [
      html("b", {}, [arrow.type]),
      html("p", {}, [way]),
      fieldList(arrow.send ? arrow.send.body : {}),
    ];
  }
  const events = trace.events.slice(row.first, row.last + 1);
  const { state } = events[0].lane >= 0 ? stateAt(trace, events[0].lane, row.last) : { state: {} };
  const lines = events.slice(0, 8).map((event) => html("p", {}, [sentence(event)]));
  if (events.length > 8) lines.push(html("p", {}, [`and ${events.length - 8} more`]));
  return [html("b", {}, [showMoment(trace, row.t)]), ...lines, fieldList(Object.fromEntries(saidIn(state)))];
}

/** The trace as a table, for screen readers and for print. */
export function table(trace) {
  const head = ["#", "Time", "Node", "Event", "Details"].map((name) =>
    html("th", { scope: "col" }, [name]),
  );
  const rows = trace.events.slice(0, MAX_TABLE).map((event) => {
    const more = Object.entries(details(event)).map(
      ([name, value]) => `${name} ${showValue(value)}`,
    );
    const cells = [
      event.number,
      showMoment(trace, event.t),
      event.node || "–",
      sentence(event),
      more.join(", "),
    ];
    return html(
      "tr",
      {},
      cells.map((cell) => html("td", {}, [String(cell)])),
    );
  });
  const cutoff =
    trace.events.length > MAX_TABLE
      ? [html("caption", {}, [`The first ${MAX_TABLE} events.`])]
      : [];
  return html("table", {}, [
    ...cutoff,
    html("thead", {}, [html("tr", {}, head)]),
    html("tbody", {}, rows),
  ]);
}
