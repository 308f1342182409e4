// What people do with the picture: keys, clicks, the pointer, the size of the window, printing.

import { pointAt } from "./arrows.js";
import { lastAtMost } from "./model.js";
import { tooltip } from "./panel.js";
import { listenTools } from "./tools.js";

/** The step or the arrow under the pointer. */
function find(viewer, pointer) {
  const box = viewer.scene.svg.getBoundingClientRect();
  const [x, y] = [pointer.clientX - box.left, pointer.clientY - box.top];
  const { trace, place } = viewer;
  let best = null;
  for (
    let r = Math.max(
      0,
      lastAtMost(trace.rows, y - 14, (row) => row.y),
    );
    r < trace.rows.length;
    r++
  ) {
    const row = trace.rows[r];
    if (row.y > y + 14) break;
    if (row.hidden) continue;
    const away =
      row.lane < 0
        ? Math.abs(row.y - y) < 10
          ? 9
          : 99
        : Math.hypot(place.x(row.lane) - x, row.y - y);
    if (away < 13 && (!best || away < best.away)) best = { away, row, i: row.first };
  }
  if (best) return best;
  for (const arrow of place.index.arrows(y - 8, y + 8)) {
    const away = distance(arrow, x, y);
    if (away < 7 && (!best || away < best.away)) best = { away, arrow, i: arrow.i0 };
  }
  return best;
}

function hover(viewer, pointer) {
  const found = pointer.pointerType === "touch" ? null : find(viewer, pointer);
  viewer.scene.highlight(found && found.arrow);
  viewer.p.canvas.classList.toggle("stv-over", Boolean(found));
  viewer.p.tip.hidden = !found;
  if (!found) return;
  viewer.p.tip.replaceChildren(...tooltip(viewer.trace, found));
  const { offsetWidth, offsetHeight } = viewer.p.tip;
  const left = Math.min(pointer.clientX + 16, innerWidth - offsetWidth - 8);
  const top = Math.min(pointer.clientY + 14, innerHeight - offsetHeight - 8);
  Object.assign(viewer.p.tip.style, {
    left: `${Math.max(4, left)}px`,
    top: `${Math.max(4, top)}px`,
  });
}

/** Have the viewer follow everything that a person does. */
export function listen(viewer) {
  const { p } = viewer;
  const clicks = {
    first: () => viewer.jump(0),
    back: () => viewer.step(-1),
    play: () => viewer.play(),
    forward: () => viewer.step(1),
    last: () => viewer.jump(Infinity),
    steps: () => viewer.setMode("steps"),
    time: () => viewer.setMode("time"),
    less: () => viewer.setZoom(0.7),
    more: () => viewer.setZoom(1 / 0.7),
    cause: () => viewer.toggleCause(),
    theme: () => viewer.toggleTheme(),
  };
  listenTools(viewer);
  for (const [name, act] of Object.entries(clicks)) p[name].addEventListener("click", act);
  for (const [jump, verdict] of p.jumps)
    jump.addEventListener("click", () => viewer.showVerdict(verdict));
  p.range.addEventListener("input", () => {
    viewer.pause();
    viewer.hurryTo(Number(p.range.value));
  });
  p.range.addEventListener("change", () => viewer.update(true));
  p.speed.addEventListener("change", () => viewer.playing && (viewer.pause(), viewer.play()));
  viewer.press = (event) => key(viewer, event);
  p.node.addEventListener("keydown", viewer.press);
  p.scroller.addEventListener("scroll", () => viewer.schedule(), { passive: true });
  p.canvas.addEventListener("pointermove", (event) => hover(viewer, event));
  p.canvas.addEventListener("pointerleave", () => hover(viewer, { pointerType: "touch" }));
  p.canvas.addEventListener("click", (event) => {
    const found = find(viewer, event);
    if (found) viewer.jump(found.i);
  });
  p.table.addEventListener("toggle", () => p.table.open && viewer.makeTable());
  listenAround(viewer);
}

/** What happens to the page around the picture; it ends with the viewer. */
function listenAround(viewer) {
  const { signal } = viewer.ends;
  const sizes = new ResizeObserver(() => viewer.resized());
  sizes.observe(viewer.p.scroller);
  signal.addEventListener("abort", () => sizes.disconnect());
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => viewer.resized(true), { signal });
  addEventListener("beforeprint", () => viewer.print(true), { signal });
  addEventListener("afterprint", () => viewer.print(false), { signal });
  if (!viewer.isPage) return;
  addEventListener("hashchange", () => viewer.followHash(), { signal });
  const own = (event) => event.target === document.body && viewer.press(event);
  document.addEventListener("keydown", own, { signal });
}

function key(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === viewer.p.speed) return;
  if (event.target.closest(".stv-menu, .stv-search")) return;
  const inside = event.target.closest("button, summary, input");
  const keys = {
    ArrowRight: () => viewer.step(1),
    ArrowDown: () => viewer.step(1),
    ArrowLeft: () => viewer.step(-1),
    ArrowUp: () => viewer.step(-1),
    PageDown: () => viewer.step(10),
    PageUp: () => viewer.step(-10),
    Home: () => viewer.jump(0),
    End: () => viewer.jump(Infinity),
    Escape: () => viewer.jump(null),
    m: () => viewer.setMode(viewer.mode === "time" ? "steps" : "time"),
    c: () => viewer.toggleCause(),
    d: () => viewer.toggleTheme(),
    "/": () => viewer.p.search.focus(),
    "+": () => viewer.setZoom(1 / 0.7),
    "=": () => viewer.setZoom(1 / 0.7),
    "-": () => viewer.setZoom(0.7),
  };
  if (!inside || inside === viewer.p.range) keys[" "] = () => !viewer.calm.matches && viewer.play();
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation(); // a page around us may have keys of its own, such as / for its search
  act();
}

function distance(arrow, x, y) {
  const [dx, dy] = [arrow.x1 - arrow.x0, arrow.y1 - arrow.y0];
  const part = Math.max(
    0,
    Math.min(1, ((x - arrow.x0) * dx + (y - arrow.y0) * dy) / (dx * dx + dy * dy || 1)),
  );
  const near = pointAt(arrow, part);
  return Math.hypot(x - near.x, y - near.y);
}
