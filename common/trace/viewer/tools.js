// The tools above the picture: which messages are shown, the search, the legend.

import { messageTypes } from "./model.js";
import { html } from "./panel.js";
import { inWords } from "./texts.js";
import { details, sentence, showValue } from "./words.js";

const LEGEND = [
  ["M4 10H26M26 10l-6 -4M26 10l-6 4", "line", "aMessage"],
  ["M4 10H18", "line lost", "aLost", "M17 6l8 8m0 -8l-8 8"],
  ["M15 4a6 6 0 1 0 .1 0M15 7v3h3", "line", "aTimer"],
  ["M11 6h8v8h-8z", "full", "aSave"],
  ["M15 3l7 7l-7 7l-7 -7z", "full", "aNote"],
  ["M12 2h6v16h-6z", "call", "aCall"],
  ["M10 2h10v16h-10z", "crash", "aCrash"],
  ["M3 4h24v12h-24z", "group", "aGroup"],
  ["M10 2h10v16h-10z", "blamed", "aBlamed"],
];

function picture([path, kind, , more]) {
  const box = document.createElement("span");
  box.innerHTML = `<svg class="stv-key ${kind}" viewBox="0 0 30 20" aria-hidden="true"><path d="${path}"/>${more ? `<path class="lost" d="${more}"/>` : ""}</svg>`;
  return box.firstChild;
}

function menu(name, title, content) {
  const inside = html("div", { class: "stv-menu" }, content);
  return html("details", { class: `stv-drop stv-${name}` }, [html("summary", {}, [title]), inside]);
}

/** Build the tools; `p` gets the parts that listenTools gives life to. */
export function tools(p, trace) {
  p.search = html("input", { type: "search", class: "stv-search", placeholder: inWords("search") });
  p.search.setAttribute("aria-label", inWords("searchHint"));
  const types = messageTypes(trace);
  p.types = types.map(([type, count]) => {
    const tick = html("input", { type: "checkbox", value: type });
    tick.checked = true;
    return [tick, html("label", {}, [tick, ` ${type} `, html("small", {}, [String(count)])])];
  });
  const all = html("button", { type: "button" }, [inWords("all")]);
  const none = html("button", { type: "button" }, [inWords("none")]);
  p.every = [all, none];
  const labels = p.types.map(([, label]) => label);
  p.messages = menu("messages", inWords("filter"), [html("p", {}, [all, " ", none]), ...labels]);
  p.legend = menu(
    "legend",
    inWords("legend"),
    LEGEND.map((entry) => html("p", {}, [picture(entry), inWords(entry[2])])),
  );
  return [p.search, ...(types.length ? [p.messages] : []), p.legend];
}

/** What the search looks through: an event's sentence, and what it holds. */
function textOf(event) {
  const held = Object.entries({ ...details(event), ...event.state });
  const said = held.map(([name, value]) => `${name} ${showValue(value, 200)}`);
  return [sentence(event), ...said].join(" ").toLowerCase();
}

/** Have the viewer follow the tools. */
export function listenTools(viewer) {
  const { p } = viewer;
  p.search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") p.scroller.focus();
    if (event.key !== "Enter" || !p.search.value.trim()) return;
    event.preventDefault();
    const wanted = p.search.value.trim().toLowerCase();
    viewer.search((each) => textOf(each).includes(wanted), event.shiftKey ? -1 : 1);
  });
  const choose = () => {
    const out = p.types.filter(([tick]) => !tick.checked).map(([tick]) => tick.value);
    p.messages.classList.toggle("stv-some", out.length > 0);
    viewer.filter(new Set(out));
  };
  p.messages.addEventListener("change", choose);
  p.every.forEach((button, i) =>
    button.addEventListener("click", () => {
      for (const [tick] of p.types) tick.checked = i === 0;
      choose();
    }),
  );
  const drops = [p.messages, p.legend];
  const away = (event) => {
    for (const drop of drops) if (!drop.contains(event.target)) drop.open = false;
  };
  document.addEventListener("pointerdown", away, { signal: viewer.ends.signal });
  for (const drop of drops)
    drop.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      drop.open = false;
      event.stopPropagation();
    });
}
