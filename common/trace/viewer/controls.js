// The parts around the picture: header, verdict, buttons, scrubber, keys. No behaviour.

import { html } from "./panel.js";
import { inWords, inWordsIfAny } from "./texts.js";
import { tools } from "./tools.js";
import { counts, language, showSpan } from "./words.js";

const ICONS = {
  first: "M5 4v12M16 4l-8 6 8 6z",
  back: "M13 4l-8 6 8 6z",
  play: "M6 3.5v13l10-6.5z",
  pause: "M6 4v12M13 4v12",
  forward: "M7 4l8 6-8 6z",
  last: "M15 4v12M4 4l8 6-8 6z",
  less: "M5 10h10",
  more: "M5 10h10M10 5v10",
  theme: "M15.6 12.1A6.4 6.4 0 1 1 7.9 4.4a5.2 5.2 0 0 0 7.7 7.7z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** The button of this name; a worded one shows its name, and a hint says what it does. */
function button(name, keys, worded = false) {
  const label = inWords(worded ? `${name}Hint` : name);
  const content = worded ? [inWords(name)] : [icon(name)];
  const attributes = {
    type: "button",
    class: `stv-${name}`,
    title: `${label} (${keys})`,
    // The name begins with what is seen: so it is found by those who speak to their machine.
    "aria-label": worded ? `${inWords(name)}: ${label}` : label,
  };
  return html("button", attributes, content);
}

function facts(trace) {
  const { meta } = trace;
  const lost = trace.arrows.filter((arrow) => arrow.kind === "drop").length;
  const parts = [inWordsIfAny(meta.world), ...counts(trace)];
  if (meta.seed !== null && meta.seed !== undefined)
    parts.splice(1, 0, inWords("seed", { n: meta.seed }));
  if (lost) parts.push(inWords("lost", { n: lost }));
  parts.push(showSpan(trace, trace.end - trace.start));
  if (meta.shown) parts.push(inWords("shown", { n: meta.shown, all: meta.events }));
  return parts;
}

/** Build everything around the picture; returns the parts that the viewer gives life to. */
export function build(trace, title) {
  const p = {};
  p.heading = html("h1", {}, [title || trace.meta.lab]);
  p.facts = html(
    "p",
    { class: "stv-facts" },
    facts(trace).map((fact) => html("span", {}, [fact])),
  );
  p.steps = button("steps", "m", true);
  p.time = button("time", "m", true);
  p.less = button("less", "−");
  p.more = button("more", "+");
  p.cause = button("cause", "c", true);
  p.theme = button("theme", "d");
  const group = (name, buttons) =>
    html("div", { class: "stv-group", role: "group", "aria-label": inWords(name) }, buttons);
  const mode = group("timeAxis", [p.steps, p.time]);
  const zoom = group("zoom", [p.less, p.more]);
  const all = [...tools(p, trace), mode, zoom, p.cause, p.theme];
  const head = html("header", {}, [html("div", {}, [p.heading, p.facts]), html("div", { class: "stv-tools" }, all)]);
  p.heads = html("div", { class: "stv-heads" });
  p.canvas = html("div", { class: "stv-canvas" });
  const named = { tabindex: "0", role: "group", "aria-label": inWords("diagram") };
  p.scroller = html("div", { class: "stv-scroller", ...named }, [p.heads, p.canvas]);
  p.event = html("section", { class: "stv-event" });
  p.states = html("div", { class: "stv-states" });
  // A group and no landmark: a page may have several viewers, and landmarks of one name are refused.
  const panel = {
    class: "stv-panel",
    role: "group",
    "aria-label": inWords("details"),
    tabindex: "0",
  };
  p.panel = html("div", panel, [p.event, p.states]);
  p.main = html("div", { class: "stv-main" }, [p.scroller, p.panel]);
  p.tip = html("div", { class: "stv-tip", hidden: "" });
  p.live = html("p", { class: "stv-unseen", "aria-live": "polite" });
  p.table = html("details", { class: "stv-table" }, [html("summary", {}, [inWords("table")])]);
  p.bar = bar(p, trace);
  p.node = html("div", { class: "stv" }, [
    head,
    ...verdicts(p, trace),
    p.main,
    p.bar,
    p.table,
    p.tip,
    p.live,
  ]);
  return p;
}

function bar(p, trace) {
  p.first = button("first", "Home");
  p.back = button("back", "←");
  p.play = button("play", inWords("space"));
  p.forward = button("forward", "→");
  p.last = button("last", "End");
  const range = { type: "range", min: 0, max: Math.max(0, trace.events.length - 1), step: 1 };
  p.range = html("input", { ...range, "aria-label": inWords("current") });
  p.range.value = range.max;
  p.ticks = html("div", { class: "stv-ticks", "aria-hidden": "true" });
  p.clock = html("output", { class: "stv-clock" });
  const speeds = [0.5, 1, 2, 4, 8].map((x) => html("option", { value: x }, [`${x}×`]));
  speeds[1].selected = true;
  const named = { "aria-label": inWords("speed"), title: inWords("speed") };
  p.speed = html("select", { ...named, class: "stv-speed" }, speeds);
  p.keys = html("p", { class: "stv-keys" }, [inWords("keys")]);
  const transport = html("div", { class: "stv-transport" }, [
    p.first,
    p.back,
    p.play,
    p.forward,
    p.last,
  ]);
  const track = html("div", { class: "stv-track" }, [p.ticks, p.range]);
  return html("footer", {}, [
    html("div", { class: "stv-row" }, [transport, track, p.clock, p.speed]),
    p.keys,
  ]);
}

function verdicts(p, trace) {
  const order = { no: 0, unknown: 1, yes: 2 };
  const sorted = [...trace.verdicts].sort((a, b) => order[a.result] - order[b.result]);
  p.jumps = [];
  return sorted.slice(0, 3).map((verdict) => {
    const english = language(verdict);
    const property = html("span", english, [verdict.property]);
    const name = html("b", {}, [property, inWords("colon"), inWordsIfAny(verdict.result)]);
    const says = html("span", english, [verdict.sentence]);
    const jump = html("button", { type: "button" }, [inWords("showIt")]);
    p.jumps.push([jump, verdict]);
    return html("div", { class: `stv-verdict stv-${verdict.result}`, role: "note" }, [
      name,
      html("span", {}, [inWords("checkSays"), says]),
      jump,
    ]);
  });
}

/** Put a head above each lane of a layout; returns them, with the place for the state in each. */
export function drawHeads(p, trace, place) {
  const heads = trace.lanes.map((lane, index) => {
    const state = html("span", {});
    const width = place.laneWidth - 12;
    const style = `left:${place.x(index)}px;max-width:${width}px;--c:${lane.colour}`;
    const kind = lane.client ? "stv-head stv-client" : "stv-head";
    const head = html("div", { class: kind, style }, [html("b", {}, [lane.name]), state]);
    return { head, state };
  });
  p.heads.replaceChildren(...heads.map(({ head }) => head));
  return heads;
}

const TICKED = new Set(["crash", "restart", "partition", "heal", "verdict"]);

/** Mark faults and verdicts above the scrubber. */
export function drawTicks(p, trace) {
  const last = Math.max(1, trace.events.length - 1);
  const notable = trace.events.filter((event) => TICKED.has(event.kind));
  const ticks = notable.slice(0, 200).map((event) => {
    const tick = html("i", { class: `${event.kind} ${event.result || ""}` });
    tick.style.left = `${(100 * event.i) / last}%`;
    return tick;
  });
  p.ticks.replaceChildren(...ticks);
}
