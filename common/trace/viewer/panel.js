// The side panel (the current event, the state of every node), the tooltip and the table.

import { logCards } from "./logs.js";
import { saidIn, stateAt, troubleAt } from "./model.js";
import { inWords } from "./texts.js";
import { counts, details, language, sentence, showMoment, showSpan, showValue } from "./words.js";

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
    if (changed) given.append(html("span", { class: "stv-unseen" }, [inWords("changed")]));
    return [html("dt", {}, [name]), given];
  });
  return rows.length ? html("dl", {}, rows) : "";
}

/** The card of the current event; `event` is null for the whole run. */
export function eventCard(trace, event) {
  if (!event) {
    const lost = trace.arrows.filter((arrow) => arrow.kind === "drop").length;
    const messages = counts(trace).at(-1);
    const took = showSpan(trace, trace.end - trace.start);
    const text = inWords("sum", { events: trace.events.length, messages, lost, took });
    return [html("h2", {}, [inWords("wholeRun")]), html("p", {}, [text])];
  }
  const all = trace.meta.events ?? trace.events.length;
  const position = `${showMoment(trace, event.t)} · ${inWords("place", { n: event.number, all })}`;
  const card = [
    html("h2", {}, [position]),
    html("p", { class: "stv-sentence", ...language(event) }, [sentence(event)]),
  ];
  const list = fieldList(details(event));
  if (list) card.push(list);
  const arrow = event.arrow;
  if (event.kind === "recv" && arrow && arrow.send) {
    const took = showSpan(trace, event.t - arrow.send.t);
    const said = inWords(arrow.kind === "again" ? "tookAgain" : "took", { took });
    card.push(html("p", { class: "stv-quiet" }, [said]));
  }
  if (event.clock) {
    const clock = Object.entries(event.clock)
      .sort()
      .map(([name, count]) => `${name}:${count}`)
      .join(" ");
    card.push(html("p", { class: "stv-quiet stv-mono" }, [`${inWords("vector")}  ${clock}`]));
  }
  return card;
}

/**
 * The logs, and one card for each lane: its name, whether it is up, its state. What is in trouble
 * comes before other nodes, clients come last; and at its crash a node's card is the first of all.
 */
export function stateCards(trace, event) {
  const at = event ? event.i : trace.events.length;
  const rank = (index) => {
    if (!troubleAt(trace, index, at)) return trace.lanes[index].client ? 3 : 2;
    return event && event.lane === index ? 0 : 1;
  };
  const order = trace.lanes.map((_, index) => index).sort((a, b) => rank(a) - rank(b));
  const cards = order.map((index) => {
    const lane = trace.lanes[index];
    const { state, before } = stateAt(trace, index, at);
    const trouble = troubleAt(trace, index, at);
    const name = html("h3", {}, [html("i", { style: `background:${lane.colour}` }), lane.name]);
    if (trouble) name.append(html("em", { class: `stv-${trouble}` }, [inWords(trouble)]));
    const said = Object.fromEntries(saidIn(state, before));
    const nothing = html("p", { class: "stv-quiet" }, [inWords("noState")]);
    const body = fieldList(said, before) || nothing;
    const own = event && event.lane === index ? " stv-own" : "";
    return html("section", { class: `stv-card${trouble ? " stv-down" : ""}${own}` }, [name, body]);
  });
  const first = order.length && rank(order[0]) === 0 ? cards.splice(0, 1) : [];
  return [...first, ...logCards(trace, at), ...cards];
}

/** What a tooltip says of an arrow or a step. */
export function tooltip(trace, { arrow, row }) {
  if (arrow) {
    const from = trace.lanes[arrow.from].name;
    const to = arrow.to === undefined ? "?" : trace.lanes[arrow.to].name;
    const took = arrow.send && arrow.end ? `, ${showSpan(trace, arrow.end.t - arrow.send.t)}` : "";
    const fate = {
      recv: inWords("arrived"),
      again: inWords("arrivedAgain"),
      drop: inWords("lostWhy", arrow),
      open: inWords("underWay"),
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
  const lines = events.slice(0, 8).map((event) => html("p", language(event), [sentence(event)]));
  if (events.length > 8) lines.push(html("p", {}, [inWords("andMore", { n: events.length - 8 })]));
  return [html("b", {}, [showMoment(trace, row.t)]), ...lines, fieldList(Object.fromEntries(saidIn(state)))];
}

/** The trace as a table, for screen readers and for print. */
export function table(trace) {
  const names = ["thTime", "thNode", "thEvent", "thDetails"].map((name) => inWords(name));
  const head = ["#", ...names].map((name) => html("th", { scope: "col" }, [name]));
  const rows = trace.events.slice(0, MAX_TABLE).map((event) => {
    const more = Object.entries(details(event)).map(
      ([name, value]) => `${name} ${showValue(value)}`,
    );
    const cells = [
      event.number,
      showMoment(trace, event.t),
      event.node || "–",
      more.join(", "),
    ].map((cell) => html("td", {}, [String(cell)]));
    cells.splice(3, 0, html("td", language(event), [sentence(event)]));
    return html("tr", {}, cells);
  });
  const cutoff =
    trace.events.length > MAX_TABLE
      ? [html("caption", {}, [inWords("firstRows", { n: MAX_TABLE })])]
      : [];
  return html("table", {}, [
    ...cutoff,
    html("thead", {}, [html("tr", {}, head)]),
    html("tbody", {}, rows),
  ]);
}
